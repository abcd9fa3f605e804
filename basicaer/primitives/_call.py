"""One call of a primitive: the final states that it needs, and the job that computes them."""

from __future__ import annotations

import itertools
import threading
import uuid
import warnings
from concurrent.futures import Future
from typing import Any, Callable, Dict, Iterator, List, Mapping, Sequence, Tuple, Union

import numpy as np
from qiskit.circuit import QuantumCircuit
from qiskit.primitives.primitive_job import PrimitiveJob as TerraPrimitiveJob

from basicaer._engine import memory as _memory
from basicaer._engine import threads as _threads
from basicaer._engine.control import Cancelled, Control
from basicaer._engine.costs import PASS_GATES
from basicaer._engine.final_states import final_states
from basicaer._engine.program import Program
from basicaer._engine.work import one_run, worth_threads
from basicaer._jobs import budget, queue
from basicaer._jobs import options as _options
from basicaer._qiskit.errors import BasicAerError, raises_public_errors
from basicaer._qiskit.job import BasicAerJob
from basicaer.primitives._recent import LoweredCircuit

_OPTIONS = ("shots", "seed", "precision", "max_parallel_threads")

_ROWS = 1024
"""Points for which programs are made at a time."""


class PrimitiveJob(BasicAerJob, TerraPrimitiveJob):
    """The job of a primitive: waits for its result, cancels it, reports its progress."""

    def __init__(self, result: Future[Any], control: Control) -> None:
        """Makes the job of the future `result`, which `control` cancels."""
        super().__init__(None, "", result, control=control)
        if not self.job_id():  # terra's class makes an id; that of Qiskit 1 has no such attribute
            self._job_id = str(uuid.uuid4())


class Settings:
    """The run options of one call, checked.

    Raises:
        EngineError: if a value is not valid.
    """

    def __init__(self, options: Dict[str, Any]) -> None:
        self.shots = _shots(options.get("shots"))
        self.generator = _generator(options.get("seed"), needed=self.shots is not None)
        precision, threads = options.get("precision"), options.get("max_parallel_threads")
        self.precision = _options.check(_options.QASM, "precision", precision) or "double"
        threads = _options.check(_options.QASM, "max_parallel_threads", threads)
        self.threads = threads or _threads.cpu_count()


def warn_of_unknown(*options: Mapping[str, Any]) -> None:
    """Warns of options that primitives do not have; the warning points at the caller's caller."""
    for name in itertools.chain.from_iterable(options):
        if name not in _OPTIONS:
            warnings.warn(f"Option {name} is not used by this primitive", UserWarning, stacklevel=3)


def _generator(seed: Any, needed: bool) -> Union[np.random.Generator, None]:
    """Returns the generator of the draws, None if none is needed; checks the seed in any case."""
    if not needed and (seed is None or isinstance(seed, np.random.Generator)):
        return None
    try:
        generator = np.random.default_rng(seed)
    except (TypeError, ValueError):
        right = "None, a whole number, 0 or more, or a numpy Generator"
        raise _options.wrong("seed", seed, right) from None
    return generator if needed else None


def _shots(value: Any) -> Union[int, None]:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return _options.check(_options.QASM, "shots", value)


def plain_values(circuits: Any, values: Any) -> Union[List[Tuple[float, ...]], None]:
    """Returns the values of a call with a list of circuits and a matching row of numbers for each.

    Such calls need no more checks. terra's own look at each number by itself, which takes as long
    as the sweep of a gradient.

    Returns:
        A tuple of floats for each circuit; None for a call of any other form.
    """
    if not isinstance(circuits, (list, tuple)) or not isinstance(values, (list, tuple, np.ndarray)):
        return None
    if not circuits or len(circuits) != len(values) or len(np.shape(values[0])) != 1:
        return None
    try:
        table = np.array(values)
    except ValueError:  # rows of different lengths
        return None
    if table.ndim != 2 or table.dtype.kind not in "if" or not np.isfinite(table).all():
        return None
    different = {id(circuit): circuit for circuit in circuits}.values()
    if all(
        isinstance(circuit, QuantumCircuit) and circuit.num_parameters == table.shape[1]
        for circuit in different
    ):
        return [tuple(row) for row in table.astype(np.float64, copy=False).tolist()]
    return None


class Point:
    """A circuit with values of its parameters, whose final state is computed once per call.

    Attributes:
        circuit: the circuit.
        values: the values of its parameters, in their order.
        positions: the indices of the call's circuits that need this state.
    """

    __slots__ = ("circuit", "positions", "values")

    def __init__(self, circuit: LoweredCircuit, values: Tuple[float, ...]) -> None:
        self.circuit = circuit
        self.values = values
        self.positions: List[int] = []


class Call:
    """The points of one call and how they are computed; equal points are computed once.

    Args:
        circuits: the circuits.
        parameter_values: the values of the parameters of each circuit.
        settings: the run options of the call.
        memory: bytes per amplitude that are needed besides the states.

    Raises:
        BasicAerError: a circuit has no final state, or memory is too small.
    """

    def __init__(
        self,
        circuits: Sequence[LoweredCircuit],
        parameter_values: Sequence[Tuple[float, ...]],
        settings: Settings,
        memory: int,
    ) -> None:
        self.settings = settings
        self.control = Control()
        points: Dict[Any, Point] = {}
        for position, (circuit, values) in enumerate(zip(circuits, parameter_values)):
            key = (id(circuit), values)
            point = points.get(key)
            if point is None:
                point = points[key] = Point(circuit, values)
            point.positions.append(position)
        self.points = list(points.values())
        self.widest = max(point.circuit.num_qubits for point in self.points)
        self._batches = self._prepared()
        self._first = next(self._batches)  # raises if something is wrong with a circuit
        self.at_once, self.states, self.need = self._share(memory)

    def _share(self, memory: int) -> Tuple[int, int, int]:
        """Returns the points computed at once, the states of each, and the bytes of all."""
        settings, widest = self.settings, self.widest
        at_once = 1
        # A point takes at least two passes besides its gates: one makes the state, one reads it.
        most = max(
            one_run(program) + (2 * PASS_GATES << min(program.num_qubits, 60))
            for _, program in self._first
        )
        if worth_threads(most, "points"):
            at_once = min(len(self.points), settings.threads)
        need = _memory.required_bytes(
            widest, precision=settings.precision, threads=settings.threads
        ) + (memory << widest)
        state = _memory.state_bytes(widest, settings.precision)
        some = {id(point.circuit): point for point in self.points}.values()
        copies = max(self._states_of(point) for point in some) - 1
        if need + copies * state < _memory.LIGHT:
            return at_once, copies + 1, (need + copies * state) * at_once
        space = budget.shared.space()
        if need > space:
            space = budget.shared.space(fresh=True)
        if need > space:
            raise BasicAerError(
                f"A circuit of {widest} qubits in {settings.precision} precision needs "
                f"{_memory.describe(need)}; {_memory.describe(space)} are available."
            )
        copies = min(copies, (space - need) // state)
        need += copies * state
        at_once = max(1, min(at_once, space // need))
        return at_once, copies + 1, need * at_once

    @staticmethod
    def _states_of(point: Point) -> int:
        circuit = point.circuit
        if not circuit.states:  # no program of it is in the first batch
            circuit.programs(np.array([point.values], dtype=np.float64))
        return circuit.states

    def _prepared(self) -> Iterator[List[Tuple[Point, Program]]]:
        """Yields batches of at most `_ROWS` points with their programs."""
        groups: Dict[int, List[Point]] = {}
        for first in range(0, len(self.points), _ROWS):
            some = self.points[first : first + _ROWS]
            groups.clear()
            for point in some:
                groups.setdefault(id(point.circuit), []).append(point)
            ready: List[Tuple[Point, Program]] = []
            for group in groups.values():
                circuit = group[0].circuit
                values = np.array([point.values for point in group], dtype=np.float64)
                ready += zip(group, circuit.programs(values.reshape(len(group), -1)))
            yield ready

    def run(self, use: Callable[[Point, Iterator[Tuple[float, Any]], int], None]) -> None:
        """Computes the points and calls ``use(point, states, threads)`` for each.

        Args:
            use: is given the point, its `final_states` (an iterator of weights and states) and how
                many threads it may use; called from several threads.

        Raises:
            Cancelled: the job was cancelled.
            Exception: what a point raised; its attribute `basicaer_circuit` is the index of the
                circuit in the call and its name.
        """
        settings, control = self.settings, self.control
        work_of_first = [one_run(program) for _, program in self._first]
        control.add_total(max(1, sum(work_of_first) * len(self.points) // len(work_of_first)))
        lock = threading.Lock()
        batches = itertools.chain([self._first], self._batches)
        points = itertools.chain.from_iterable(batches)
        threads = max(1, settings.threads // self.at_once)

        def work() -> None:
            while True:
                with lock:
                    control.check()
                    item = next(points, None)
                if item is None:
                    return
                point, program = item
                states = final_states(
                    program,
                    precision=settings.precision,
                    threads=threads,
                    control=control,
                    most_states=self.states,
                )
                try:
                    use(point, states, threads)
                except BaseException as error:
                    control.halt()
                    if not isinstance(error, Cancelled):
                        place = (point.positions[0], program.name)
                        error.basicaer_circuit = place  # type: ignore[attr-defined]
                    raise

        _threads.cooperate(work, self.at_once)

    def submit(self, function: Callable[[], Any]) -> PrimitiveJob:
        """Queues a job that calls `function`, which calls `run` and returns the result."""
        future = queue.submit(raises_public_errors(function), self.control, need=self.need)
        return PrimitiveJob(future, self.control)
