"""`Sampler` and `Estimator`: Qiskit's primitives on this package's kernels.

Drop-ins for those of `qiskit.primitives`: the same interface, results and, for a seed, the same
draws. A circuit is lowered once and then known by its structure; a call with many values of its
parameters, as optimisers and gradients make it, is one sweep. Jobs run beside the caller.

from basicaer.primitives import Estimator

values = Estimator().run(ansatz, hamiltonian, parameter_values).result().values
"""

from __future__ import annotations

import itertools
import threading
import warnings
from collections import OrderedDict
from concurrent.futures import Future
from copy import copy
from typing import Any, Callable, Dict, Iterator, List, Mapping, Sequence, Tuple, Union

import numpy as np
from qiskit.circuit import QuantumCircuit
from qiskit.primitives import (
    BaseEstimator,
    BaseSampler,
    EstimatorResult,
    SamplerResult,
)
from qiskit.primitives.primitive_job import PrimitiveJob as TerraPrimitiveJob
from qiskit.quantum_info import SparsePauliOp, Statevector
from qiskit.result import QuasiDistribution

from basicaer._engine import memory as _memory
from basicaer._jobs import options as _options
from basicaer._jobs import queue
from basicaer._engine.control import Cancelled, Control
from basicaer._engine.final_states import check_pure, final_measurements, final_states, without_measurements
from basicaer._engine.pauli_sums import PauliSum
from basicaer._engine.program import Gates, Program
from basicaer._qiskit.circuit_key import structure_of
from basicaer._qiskit.sweep import Sweep
from basicaer.basicaerjob import BasicAerJob
from basicaer.exceptions import BasicAerError

__all__ = ["Estimator", "PrimitiveJob", "Sampler"]

_REMEMBERED = 256
"""Circuits, and observables, that a primitive remembers; those not used for longest are dropped."""

_OPTIONS = ("shots", "seed", "precision", "max_parallel_threads")

_ROWS = 1024
"""Sets of values that are turned into programs at a time."""

_SPREAD_QUBITS = 12
"""Circuits narrower than this are run one after the other: their time is mostly Python's, of which
there is only one at a time."""

_DRAWN_AS_TERRA = 20
"""Qubits up to which the probabilities that shots are drawn from are summed by terra's own code."""

_MOMENT_BYTES = 120
"""Bytes per amplitude that the variance of an observable takes."""


class PrimitiveJob(BasicAerJob, TerraPrimitiveJob):
    """The job of a primitive: waits for its result, cancels it, tells how far it is."""

    def __init__(self, result: Future[Any], control: Control) -> None:
        """Makes the job of a result that is on its way."""
        super().__init__(None, "", result, control=control)  # the id is made by terra's class


# ----------------------------------------------------------------------------------------------
# What is remembered
# ----------------------------------------------------------------------------------------------


class _Recent:
    """A dict of the things used last. It travels empty: copies and pickles start anew."""

    def __init__(self) -> None:
        self._entries: OrderedDict[Any, Any] = OrderedDict()
        self._lock = threading.Lock()

    def __reduce__(self) -> Any:
        return _Recent, ()

    def values(self) -> List[Any]:
        with self._lock:
            return list(self._entries.values())

    def get(self, key: Any, make: Callable[[], Any]) -> Any:
        """Returns what belongs to the key, made if it is not there."""
        with self._lock:
            entry = self._entries.get(key)
            if entry is not None:
                self._entries.move_to_end(key)
                return entry
        entry = make()
        with self._lock:
            self._entries[key] = entry
            if len(self._entries) > _REMEMBERED:
                self._entries.popitem(last=False)
        return entry


class _Circuit:
    """A circuit that has been lowered.

    Attributes:
        circuit: as it was given; it may have been changed since.
        num_qubits: its width.
        parameters: in the order in which values are given.
        sweep: makes programs of values.
        qubits: where it is to be sampled, the qubit that each clbit holds at the end.
    """

    def __init__(self, circuit: QuantumCircuit, sampled: bool) -> None:
        self.circuit = circuit
        self.num_qubits = circuit.num_qubits
        self.parameters = circuit.parameters
        self.sweep = Sweep(circuit, list(self.parameters))
        self._sampled = sampled
        self._checked = False
        self.qubits: List[int] = []

    def programs(self, values: np.ndarray) -> List[Program]:
        """Returns a program that has a final state for each row of values."""
        programs = self.sweep.programs(values)
        if not self._checked:
            check_pure(programs[0], measured=self._sampled)
            if self._sampled:
                self.qubits = final_measurements(programs[0])
            self._checked = True
        return (
            [without_measurements(program) for program in programs] if self._sampled else programs
        )


class _Settings:
    """The run options of one call."""

    def __init__(self, options: Dict[str, Any]) -> None:
        self.shots = _shots(options.get("shots"))
        seed = options.get("seed")
        self.generator = None if self.shots is None else np.random.default_rng(seed)
        precision, threads = options.get("precision"), options.get("max_parallel_threads")
        self.precision = _options.check(_options.QASM, "precision", precision) or "double"
        threads = _options.check(_options.QASM, "max_parallel_threads", threads)
        self.threads = threads or queue.cpu_count()


def _remark_unknown(*options: Mapping[str, Any]) -> None:
    """Warns the caller's caller of options that primitives do not have."""
    for name in itertools.chain.from_iterable(options):
        if name not in _OPTIONS:
            warnings.warn(f"Option {name} is not used by this primitive", UserWarning, stacklevel=3)


def _shots(value: Any) -> Union[int, None]:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return _options.check(_options.QASM, "shots", value)


# ----------------------------------------------------------------------------------------------
# A call
# ----------------------------------------------------------------------------------------------


class _Point:
    """One final state that is wanted.

    Attributes:
        circuit: the circuit.
        values: of its parameters.
        positions: the places in the call that want it.
    """

    __slots__ = ("circuit", "positions", "values")

    def __init__(self, circuit: _Circuit, values: Tuple[float, ...]) -> None:
        self.circuit = circuit
        self.values = values
        self.positions: List[int] = []


class _Call:
    """What is wanted of one call, and how it is carried out.

    Args:
        circuits: what is run.
        parameter_values: for each of them.
        settings: of the call.
        memory: bytes per amplitude that are needed beside the states.
    """

    def __init__(
        self,
        circuits: Sequence[_Circuit],
        parameter_values: Sequence[Tuple[float, ...]],
        settings: _Settings,
        memory: int,
    ) -> None:
        self.settings = settings
        self.control = Control()
        points: Dict[Any, _Point] = {}
        for position, (circuit, values) in enumerate(zip(circuits, parameter_values)):
            key = (id(circuit), values)
            point = points.get(key)
            if point is None:
                point = points[key] = _Point(circuit, values)
            point.positions.append(position)
        self.points = list(points.values())
        self.widest = max(point.circuit.num_qubits for point in self.points)
        self.at_once, self.need = self._share(memory)
        self._batches = self._prepared()
        self._first = next(self._batches)  # whatever is wrong with the circuits is raised here

    def _share(self, memory: int) -> Tuple[int, int]:
        """Returns how many states are computed at the same time, and the bytes that they need."""
        settings, widest = self.settings, self.widest
        at_once = 1
        if widest >= _SPREAD_QUBITS:
            at_once = min(len(self.points), settings.threads)
        need = _memory.required_bytes(
            widest, precision=settings.precision, threads=settings.threads
        ) + (memory << widest)
        if need < _memory.SMALL:
            return at_once, need * at_once
        space = _memory.budget.space()
        if need > space:
            space = _memory.budget.space(fresh=True)
        if need > space:
            raise BasicAerError(
                f"A circuit of {widest} qubits in {settings.precision} precision needs "
                f"{_memory.describe(need)}, {_memory.describe(space)} are available."
            )
        at_once = max(1, min(at_once, space // need))
        return at_once, need * at_once

    def _prepared(self) -> Iterator[List[Tuple[_Point, Program]]]:
        """Yields all points with their programs, a bounded number at a time."""
        groups: Dict[int, List[_Point]] = {}
        for first in range(0, len(self.points), _ROWS):
            some = self.points[first : first + _ROWS]
            groups.clear()
            for point in some:
                groups.setdefault(id(point.circuit), []).append(point)
            ready: List[Tuple[_Point, Program]] = []
            for group in groups.values():
                circuit = group[0].circuit
                values = np.array([point.values for point in group], dtype=np.float64)
                ready += zip(group, circuit.programs(values.reshape(len(group), -1)))
            yield ready

    def run(self, use: Callable[[_Point, Iterator[Tuple[float, Any]], int], None]) -> None:
        """Has `use` called with each point, its `final_states`, and how many threads it may use."""
        settings, control = self.settings, self.control
        work_of_first = [_work(program) for _, program in self._first]
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
                    program, precision=settings.precision, threads=threads, control=control
                )
                try:
                    use(point, states, threads)
                except BaseException as error:
                    control.halt()
                    if not isinstance(error, Cancelled):
                        place = (point.positions[0], program.name)
                        error.basicaer_circuit = place  # type: ignore[attr-defined]
                    raise

        queue.cooperate(work, self.at_once)

    def submit(self, function: Callable[[], Any]) -> PrimitiveJob:
        """Returns the job that calls a function, which calls `run`."""
        future = queue.submit(function, self.control, need=self.need)
        return PrimitiveJob(future, self.control)


def _work(program: Program) -> int:
    """Returns what it takes, in the unit that kernels count in."""
    return sum(len(item) for item in program.body if isinstance(item, Gates)) << program.num_qubits


def _lowered(circuits: Sequence[QuantumCircuit], known: _Recent, sampled: bool) -> List[_Circuit]:
    """Returns the circuits lowered, those of a structure seen before as they were then."""
    # A call cannot change the circuits that it is given: within it, the same object is the same.
    here: Dict[int, _Circuit] = {}
    found = []
    for circuit in circuits:
        lowered = here.get(id(circuit))
        if lowered is None:
            lowered = here[id(circuit)] = _lowered_one(circuit, known, sampled)
        found.append(lowered)
    return found


def _lowered_one(circuit: QuantumCircuit, known: _Recent, sampled: bool) -> _Circuit:
    key = structure_of(circuit)
    if key is None:
        return _Circuit(circuit, sampled)
    return known.get(key, lambda: _Circuit(circuit, sampled))


def _plain_values(circuits: Any, values: Any) -> Union[List[Tuple[float, ...]], None]:
    """Returns the values of a call that has lists of circuits and of rows of numbers that fit.

    Returns:
        None for any other call. terra's own checks look at each number by itself, which for the
        sweep of a gradient takes as long as the sweep.
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


# ----------------------------------------------------------------------------------------------
# The primitives
# ----------------------------------------------------------------------------------------------


class Estimator(BaseEstimator):
    """Expectation values of observables.

    Run options, given to the constructor as a dict, to `set_options` or to `run`:

    - shots (None or int): None for exact values. Otherwise a value is drawn from the normal
      distribution with the exact value as its mean and the standard error of that many shots.
    - seed (None, int or numpy Generator): of these draws. They are made by `run`, in order.
    - precision ("double" or "single"): of the amplitudes.
    - max_parallel_threads (int): the most threads that a job uses; 0 for as many as there are
      processors.

    A reset of a qubit in superposition makes a mixed state; the values are those of that state.
    """

    def __init__(self, *, options: Union[Dict[str, Any], None] = None) -> None:
        """Makes an estimator; options given here hold for all its runs."""
        super().__init__(options=options)
        self._known_circuits = _Recent()
        self._known_observables = _Recent()

    def run(
        self,
        circuits: Any,
        observables: Any,
        parameter_values: Any = None,
        **run_options: Any,
    ) -> PrimitiveJob:
        """Returns the job that computes expectation values; what is wrong is raised here.

        Args:
            circuits: one or a list of them.
            observables: one for each circuit.
            parameter_values: for each circuit a row of values, in the order of its `parameters`.
            run_options: see above; they go before those of the estimator.

        Raises:
            TypeError: an argument of another type.
            ValueError: arguments whose lengths or widths do not match.
            BasicAerError: a circuit without a final state, a run option out of bounds, too little
                memory.
        """
        _remark_unknown(self.options, run_options)
        values = _plain_values(circuits, parameter_values)
        if (
            values is not None
            and isinstance(observables, (list, tuple))
            and len(observables) == len(circuits)
            and all(
                isinstance(observable, SparsePauliOp)
                and observable.num_qubits == circuit.num_qubits
                for circuit, observable in zip(circuits, observables)
            )
        ):
            options = copy(self.options)
            options.update_options(**run_options)
            return self._run(tuple(circuits), tuple(observables), tuple(values), **options.__dict__)
        return super().run(circuits, observables, parameter_values, **run_options)

    def _run(
        self,
        circuits: Tuple[QuantumCircuit, ...],
        observables: Tuple[Any, ...],
        parameter_values: Tuple[Tuple[float, ...], ...],
        **run_options: Any,
    ) -> PrimitiveJob:
        settings = _Settings(run_options)
        sums = self._sums(observables)
        shots = settings.shots
        if shots is not None:
            for position, each in enumerate(sums):
                if not each.is_hermitian:
                    raise BasicAerError(
                        f"The observable at place {position} is not Hermitian, its coefficients "
                        "are complex; only its exact value can be had, with shots=None."
                    )
        call = _Call(
            _lowered(circuits, self._known_circuits, False),
            parameter_values,
            settings,
            0 if shots is None else _MOMENT_BYTES,
        )
        # Drawn here, so that they do not depend on which job is run first.
        generator = settings.generator
        normals = None if generator is None else generator.standard_normal(len(sums))

        def work() -> EstimatorResult:
            values = np.zeros(len(sums), dtype=np.complex128)
            squares = np.zeros(len(sums))

            def use(point: _Point, states: Iterator[Tuple[float, Any]], threads: int) -> None:
                same: Dict[int, List[int]] = {}
                for position in point.positions:
                    same.setdefault(id(sums[position]), []).append(position)
                wanted = [(sums[positions[0]], positions) for positions in same.values()]
                for weight, state in states:
                    for observable, positions in wanted:
                        values[positions] += weight * observable.expectation(state, threads)
                    if shots is not None:
                        amplitudes = state.to_array()
                        for observable, positions in wanted:
                            squares[positions] += weight * observable.second_moment(amplitudes)

            call.run(use)
            if normals is None or shots is None:
                return EstimatorResult(np.real_if_close(values), [{} for _ in sums])
            means = values.real
            variances = np.maximum(squares - means**2, 0)
            return EstimatorResult(
                means + np.sqrt(variances / shots) * normals,
                [{"variance": variance, "shots": shots} for variance in variances.tolist()],
            )

        return call.submit(work)

    def _sums(self, observables: Sequence[Any]) -> List[PauliSum]:
        here: Dict[int, PauliSum] = {}
        found = []
        for observable in observables:
            known = here.get(id(observable))
            if known is None:
                known = here[id(observable)] = self._sum(observable)
            found.append(known)
        return found

    def _sum(self, observable: Any) -> PauliSum:
        paulis = observable.paulis
        if observable.coeffs.dtype == object:  # references, whose bytes say nothing
            return PauliSum.of(observable)
        key = (paulis.x.tobytes(), paulis.z.tobytes(), observable.coeffs.tobytes())
        return self._known_observables.get(key, lambda: (observable, PauliSum.of(observable)))[1]

    @property
    def circuits(self) -> Tuple[QuantumCircuit, ...]:
        """The circuits of late runs, each structure once."""
        return tuple([each.circuit for each in self._known_circuits.values()])

    @property
    def observables(self) -> Tuple[Any, ...]:
        """The observables of late runs, each once."""
        return tuple([observable for observable, _ in self._known_observables.values()])

    @property
    def parameters(self) -> Tuple[Any, ...]:
        """The parameters of `circuits`."""
        return tuple([each.parameters for each in self._known_circuits.values()])


class Sampler(BaseSampler):
    """Quasi-probabilities of the outcomes of measurements at the end of circuits.

    Run options, given to the constructor as a dict, to `set_options` or to `run`:

    - shots (None or int): None for exact probabilities. Otherwise outcomes are drawn from the
      multinomial distribution.
    - seed (None, int or numpy Generator): of these draws. A generator that is shared by jobs that
      run at the same time gives to each what it comes to first.
    - precision, max_parallel_threads: as those of `Estimator`.
    """

    def __init__(self, *, options: Union[Dict[str, Any], None] = None) -> None:
        """Makes a sampler; options given here hold for all its runs."""
        super().__init__(options=options)
        self._known_circuits = _Recent()

    def run(self, circuits: Any, parameter_values: Any = None, **run_options: Any) -> PrimitiveJob:
        """Returns the job that samples circuits; what is wrong is raised here.

        Args:
            circuits: one or a list of them. All their classical bits must be measured at the end.
            parameter_values: for each circuit a row of values, in the order of its `parameters`.
            run_options: see above; they go before those of the sampler.

        Raises:
            TypeError: an argument of another type.
            ValueError: arguments whose lengths do not match; a circuit that is not measured.
            BasicAerError: a circuit that goes on after its measurements, a run option out of
                bounds, too little memory.
        """
        _remark_unknown(self.options, run_options)
        return super().run(circuits, parameter_values, **run_options)

    def _run(
        self,
        circuits: Tuple[QuantumCircuit, ...],
        parameter_values: Tuple[Tuple[float, ...], ...],
        **run_options: Any,
    ) -> PrimitiveJob:
        settings = _Settings(run_options)
        lowered = _lowered(circuits, self._known_circuits, True)
        call = _Call(lowered, parameter_values, settings, 32)
        shots, generator = settings.shots, settings.generator

        def work() -> SamplerResult:
            possible: Dict[int, Tuple[np.ndarray, np.ndarray]] = {}

            def use(point: _Point, states: Iterator[Tuple[float, Any]], threads: int) -> None:
                qubits = point.circuit.qubits
                # A binomial draw counts from the other end once a probability is past 1/2, so that
                # for a Bell pair the last bit decides which outcome gets which count.
                as_terra = (
                    shots is not None
                    and settings.precision == "double"
                    and point.circuit.num_qubits <= _DRAWN_AS_TERRA
                )
                chances = np.zeros(1 << len(qubits))
                for weight, state in states:
                    if as_terra:
                        chances += weight * Statevector(state.to_array()).probabilities(qubits)
                    else:
                        chances += weight * state.probabilities(qubits, threads=threads)
                # Rounded as terra does it: which outcomes are possible decides about the draws.
                rounded = np.clip(chances, 0, 1).round(16)
                outcomes = np.flatnonzero(rounded)
                for position in point.positions:
                    possible[position] = outcomes, rounded[outcomes]

            call.run(use)
            distributions = []
            for position, circuit in enumerate(lowered):
                outcomes, shares = possible[position]
                if shots is not None and generator is not None:
                    counts = generator.multinomial(shots, shares)
                    drawn = np.flatnonzero(counts)
                    outcomes, shares = outcomes[drawn], counts[drawn] / shots
                distribution = QuasiDistribution(
                    dict(zip(outcomes.tolist(), shares.tolist())), shots=shots
                )
                # The width that strings of outcomes would have said.
                distribution._num_bits = len(circuit.qubits)
                distributions.append(distribution)
            known = {} if shots is None else {"shots": shots}
            return SamplerResult(distributions, [dict(known) for _ in lowered])

        return call.submit(work)

    @property
    def circuits(self) -> Tuple[QuantumCircuit, ...]:
        """The circuits of late runs, each structure once."""
        return tuple([each.circuit for each in self._known_circuits.values()])

    @property
    def parameters(self) -> Tuple[Any, ...]:
        """The parameters of `circuits`."""
        return tuple([each.parameters for each in self._known_circuits.values()])
