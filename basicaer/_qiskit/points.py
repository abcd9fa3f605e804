"""Final states of circuits at many points of their parameters, on all cores."""

from __future__ import annotations

import itertools
import math
import threading
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Sequence, Tuple

import numpy as np

from basicaer._engine import memory as _memory
from basicaer._engine import threads as _threads
from basicaer._engine.control import Cancelled, Control
from basicaer._engine.costs import CIRCUIT_NS, GATE_NS, PASS_GATES, WAKE_NS
from basicaer._engine.final_states import Ending, final_states
from basicaer._engine.program import Program
from basicaer._engine.work import worth_threads
from basicaer._jobs import budget, queue
from basicaer._jobs import options as _options
from basicaer._qiskit.circuits.lowered import LoweredCircuit
from basicaer._qiskit.errors import BasicAerError, raises_public_errors

_ROWS = 1024
"""Points for which programs are made at a time."""

States = Iterator[Tuple[float, Any]]
"""Weights and states, as `final_states` yields them."""


class Using(NamedTuple):
    """What points are computed with.

    Attributes:
        precision: "double" or "single".
        threads: the most threads.
    """

    precision: str
    threads: int

    @classmethod
    def of(cls, precision: Any = None, max_parallel_threads: Any = None) -> Using:
        """Checks both, which are options of the backends too; None is the default.

        Raises:
            EngineError: a value is not valid.
        """
        precision = _options.check(_options.QASM, "precision", precision) or "double"
        threads = _options.check(_options.QASM, "max_parallel_threads", max_parallel_threads)
        return cls(precision, threads or _threads.cpu_count())


def generator_of(seed: Any) -> np.random.Generator:
    """Returns NumPy's generator for a seed.

    Raises:
        EngineError: it is neither None, nor an int, nor a Generator.
    """
    try:
        return np.random.default_rng(seed)
    except (TypeError, ValueError):
        right = "None, a whole number, 0 or more, or a numpy Generator"
        raise _options.wrong("seed", seed, right) from None


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


class Points:
    """The points of one call and how they are computed; equal points are computed once.

    Args:
        circuits: the circuits, at least one.
        parameter_values: the values of the parameters of each circuit.
        using: what they are computed with.
        memory: bytes per amplitude that are needed besides the states.
        each: bytes that a point takes besides while it is computed.
        held: bytes that the results take.
        in_order: whether the points are computed one after the other, in their order, equal ones
            too.

    Raises:
        BasicAerError: a circuit has no final state, or memory is too small.
    """

    def __init__(
        self,
        circuits: Sequence[LoweredCircuit],
        parameter_values: Sequence[Tuple[float, ...]],
        using: Using,
        *,
        memory: int = 0,
        each: int = 0,
        held: int = 0,
        in_order: bool = False,
    ) -> None:
        self.using = using
        self.control = Control()
        points: Dict[Any, Point] = {}
        for position, (circuit, values) in enumerate(zip(circuits, parameter_values)):
            key = position if in_order else (id(circuit), values)
            point = points.get(key)
            if point is None:
                point = points[key] = Point(circuit, values)
            point.positions.append(position)
        self.points = list(points.values())
        self.widest = max(point.circuit.num_qubits for point in self.points)
        self._batches = self._prepared()
        self._first = next(self._batches)  # raises if something is wrong with a circuit
        self._work = max(program.amplitude_gates() for _, program in self._first)
        some = {id(point.circuit): point for point in self.points}.values()
        endings = [self._ending_of(point) for point in some]
        copies = max([ending.states for ending in endings]) - 1
        # A state more may double the branches, while loops may make any number.
        loops = any(ending.loops for ending in endings)
        self._branches = math.inf if loops else float(1 << min(max(copies, 0), 60))
        self.at_once, self.states, self.need = self._share(copies, memory, each, held, in_order)

    def _share(
        self, copies: int, memory: int, each: int, held: int, in_order: bool
    ) -> Tuple[int, int, int]:
        """Returns the points computed at once, the states of each, and the bytes of all."""
        (precision, threads), widest = self.using, self.widest
        at_once = 1
        # A point takes at least two passes besides its gates: one makes the state, one reads it.
        most = self._work + (2 * PASS_GATES << min(widest, 60))
        if not in_order and worth_threads(most, "points"):
            at_once = min(len(self.points), threads)
        need = _memory.required_bytes(widest, precision=precision, threads=threads) + each
        need += memory << widest
        state = _memory.state_bytes(widest, precision)
        if need + copies * state + held < _memory.LIGHT:
            return at_once, copies + 1, (need + copies * state) * at_once + held
        space = budget.shared.shortage(need + held)
        if space is not None:
            results = f" and {_memory.describe(held)} for results" if held else ""
            raise BasicAerError(
                f"A circuit of {widest} qubits in {precision} precision needs "
                f"{_memory.describe(need)}{results}; {_memory.describe(space)} are available."
            )
        space = budget.shared.space() - held
        copies = min(copies, (space - need) // state)
        need += copies * state
        at_once = max(1, min(at_once, space // need))
        return at_once, copies + 1, need * at_once + held

    @staticmethod
    def _ending_of(point: Point) -> Ending:
        return point.circuit.ending(np.array([point.values], dtype=np.float64))

    def _prepared(self) -> Iterator[List[Tuple[Point, Program]]]:
        """Yields batches of at most `_ROWS` points with their programs."""
        for first in range(0, len(self.points), _ROWS):
            some = self.points[first : first + _ROWS]
            programs: Dict[int, Iterator[Program]] = {}
            groups: Dict[int, List[Point]] = {}
            for point in some:
                groups.setdefault(id(point.circuit), []).append(point)
            for key, group in groups.items():
                values = np.array([point.values for point in group], dtype=np.float64)
                programs[key] = iter(group[0].circuit.programs(values.reshape(len(group), -1)))
            yield [(point, next(programs[id(point.circuit)])) for point in some]

    def is_brief(self) -> bool:
        """Returns whether all points take no longer than waking a thread."""
        one = CIRCUIT_NS / 4 + GATE_NS * (self._work + (PASS_GATES << min(self.widest, 60)))
        return self.need < _memory.LIGHT and one * self._branches * len(self.points) <= WAKE_NS

    def run(self, use: Callable[[Point, Program, States, int], None]) -> None:
        """Computes the points and calls ``use(point, program, states, threads)`` for each.

        Args:
            use: is given the point, its program, its `final_states` and how many threads it may
                use; called from several threads, unless the points are computed in order.

        Raises:
            Cancelled: the job was cancelled.
            Exception: what a point raised; its attribute `basicaer_circuit` is the index of the
                circuit in the call and its name.
        """
        using, control = self.using, self.control
        work_of_first = [program.amplitude_gates() for _, program in self._first]
        control.add_total(max(1, sum(work_of_first) * len(self.points) // len(work_of_first)))
        lock = threading.Lock()
        batches = itertools.chain([self._first], self._batches)
        points = itertools.chain.from_iterable(batches)
        threads = max(1, using.threads // self.at_once)

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
                    precision=using.precision,
                    threads=threads,
                    control=control,
                    most_states=self.states,
                )
                try:
                    use(point, program, states, threads)
                except BaseException as error:
                    control.halt()
                    if not isinstance(error, Cancelled):
                        place = (point.positions[0], program.name)
                        error.basicaer_circuit = place  # type: ignore[attr-defined]
                    raise

        _threads.cooperate(work, self.at_once)

    def submit(self, function: Callable[[], Any], *, brief: bool = False) -> queue.AnyFuture:
        """Queues a job that calls `function`, which calls `run` and returns the result.

        Args:
            function: the function.
            brief: whether a job that `is_brief` is run on this thread instead.
        """
        public = raises_public_errors(function)
        if brief and self.is_brief():
            return queue.run_brief(public, self.control)
        return queue.submit(public, self.control, need=self.need)

    def wait(self, function: Callable[[], Any]) -> Any:
        """Does `submit` and returns the result; an interrupt cancels the job.

        Raises:
            BaseException: what the function raised, or a signal handler.
        """
        return queue.wait(self.submit(function, brief=True), self.control)
