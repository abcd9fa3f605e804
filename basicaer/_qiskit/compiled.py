"""Circuits that are read once, and from then on turn values of their parameters into numbers."""

from __future__ import annotations

import functools
import math
from typing import Any, Callable, Dict, Hashable, List, NamedTuple, Tuple, Union

import numpy as np
from qiskit.circuit import Parameter, QuantumCircuit
from qiskit.result.postprocess import format_counts_memory

from basicaer._engine.allowance import allowance_of
from basicaer._engine.control import Control, no_check
from basicaer._engine.costs import GATE_NS, PASS_GATES, WAKE_NS
from basicaer._engine.final_states import ending_of, final_states, states_alive
from basicaer._engine.memory import ITEM_BYTES, LIGHT, describe, required_bytes, state_bytes
from basicaer._engine.program import Program
from basicaer._engine.task import Outcome, Task, method_of
from basicaer._jobs import budget, options, queue
from basicaer._jobs.run import JobRun
from basicaer._qiskit.circuits.derivatives import Derivatives
from basicaer._qiskit.circuits.lowered import LoweredCircuit
from basicaer._qiskit.errors import BasicAerError, raises_public_errors
from basicaer._qiskit.observables import broadcast_pairs, pauli_sums, values_of
from basicaer._qiskit.points import Point, Points, States, Using
from basicaer._qiskit.prepare import seed_of
from basicaer._qiskit.result import tally
from basicaer._qiskit.small_rows import SmallRows, is_brief, submit_rows

_NOTHING = np.empty((1, 0))
"""The values of the only point of a circuit without parameters."""
_KNOWN = 64
"""How many observables a circuit remembers."""


class _Run(NamedTuple):
    """One point of `counts`, as `JobRun` takes it."""

    name: str
    task: Task
    need: int


class CompiledCircuit:
    """A circuit compiled once: values of its parameters go in, numbers come out.

    `values` is None for a circuit without parameters, a vector of one value for each parameter, or
    an array whose last axis is that vector. Its other axes are the batch, whose points are computed
    on all cores.

    All methods compute before they return, may be called from several threads at the same time, and
    stop at an interrupt (Ctrl-C). The circuit may be changed afterwards: a compiled one does not
    follow. It can be pickled.

    Attributes:
        circuit: a copy of the circuit.
        parameters: its parameters, in the order of their values: that of ``circuit.parameters``.
        num_qubits: the number of qubits.
        num_clbits: the number of clbits.
        precision: "double" or "single".
    """

    __module__ = "basicaer.compiled"  # its public module, by which it is pickled

    @raises_public_errors
    def __init__(
        self,
        circuit: QuantumCircuit,
        *,
        precision: str = "double",
        max_parallel_threads: int = 0,
    ) -> None:
        """Compiles a circuit; see `compile`."""
        if not isinstance(circuit, QuantumCircuit):
            raise BasicAerError(f"compile() takes a QuantumCircuit, not {type(circuit).__name__}.")
        self._threads = max_parallel_threads
        self._using = Using.of(precision, max_parallel_threads)
        self.circuit = circuit.copy()
        self._lowered = LoweredCircuit(self.circuit, ending_of)
        self.parameters: Tuple[Parameter, ...] = tuple(self._lowered.parameters)
        self.num_qubits: int = circuit.num_qubits
        self.num_clbits: int = circuit.num_clbits
        self.precision = self._using.precision
        self._known: Dict[Hashable, Any] = {}
        self._point: Union[Tuple[int, int], None] = None  # the bytes and the work of a point
        self._derivatives: Union[Derivatives, None] = None

    def __reduce__(self) -> Any:
        return _again, (self.circuit, self.precision, self._threads)

    def __repr__(self) -> str:
        return (
            f'<CompiledCircuit "{self.circuit.name}": {self.num_qubits} qubits, '
            f"{len(self.parameters)} parameters, {self.precision} precision>"
        )

    # ------------------------------------------------------------------------------------------
    # Numbers
    # ------------------------------------------------------------------------------------------

    @raises_public_errors
    def statevector(self, values: Any = None) -> np.ndarray:
        """Returns the final state, before the measurements at the end.

        Args:
            values: of the parameters, shape batch + (parameters,).

        Returns:
            complex128 (complex64 in single precision), shape batch + (2**num_qubits,), in Qiskit's
            order.

        Raises:
            BasicAerError: values are not valid, memory is too small, or there is no one final
                state: the circuit measures in the middle, has control flow, or resets a qubit that
                is in superposition.
        """
        rows, batch = self._rows(values)
        dtype = np.complex64 if self.precision == "single" else np.complex128
        size = 1 << self.num_qubits
        held = math.prod(batch) * size * ITEM_BYTES[self.precision]
        found: np.ndarray

        def use(
            positions: List[int],
            program: Program,
            states: States,
            threads: int,
            control: Union[Control, None],
        ) -> None:
            nonlocal found
            _, state = next(states)
            if next(states, None) is not None:
                raise BasicAerError(
                    f'circuit "{program.name}" has no single final state: it resets a qubit that '
                    "is in superposition. expectation() averages over the outcomes, counts() draws "
                    "them."
                )
            if program.global_phase:
                state.scale(complex(math.cos(program.global_phase), math.sin(program.global_phase)))
            array = state.to_array(threads)
            if batch:
                found[positions] = array
            else:
                found = array

        def allocate() -> None:
            nonlocal found
            if batch:
                found = np.empty((len(rows), size), dtype=dtype)

        self._compute(rows, use, held=held, allocate=allocate)
        return found.reshape(*batch, size) if batch else found

    @raises_public_errors
    def expectation(self, observables: Any, values: Any = None) -> Union[float, np.ndarray]:
        """Returns exact expectation values; resets are averaged over their outcomes.

        Args:
            observables: one or an array of them, as Qiskit's `ObservablesArray` takes them: labels
                such as ``"XZ"`` (the last letter is qubit 0), `Pauli`, `SparsePauliOp`,
                `SparseObservable`, or mappings of labels to coefficients.
            values: of the parameters, shape batch + (parameters,).

        Returns:
            float64: the shapes of the observables and of the batch, broadcast as NumPy does; a
            float if both are single.

        Raises:
            BasicAerError: an observable or the values are not valid, memory is too small, or the
                circuit measures in the middle or has control flow.
        """
        rows, every, shape, pairs = self._asked(observables, values)
        found = np.zeros(math.prod(shape))
        if len(rows) > 1:
            small = SmallRows.of(self._lowered, list(every), self._using)
            if small is not None:
                self._small(small, rows, pairs, found)
                return found.reshape(shape)

        def use(
            positions: List[int],
            program: Program,
            states: States,
            threads: int,
            control: Union[Control, None],
        ) -> None:
            wanted = [pair for position in positions for pair in pairs[position]]
            value = values_of([every[which] for which, _ in wanted], states, threads, self._cached)
            for which, target in wanted:
                found[target] = value[id(every[which])]

        self._compute(rows, use)
        return found.reshape(shape) if shape else float(found[0])

    @raises_public_errors
    def gradient(
        self, observables: Any, values: Any = None, *, imaginary: bool = False
    ) -> Tuple[Union[float, np.ndarray], np.ndarray]:
        """Returns expectation values and their exact gradients, by the adjoint method.

        It takes about as long as three expectation values, whatever the number of parameters. The
        method: Jones, Gacon, arXiv:2009.02823.

        Args:
            observables: as for `expectation`.
            values: of the parameters, shape batch + (parameters,).
            imaginary: whether gradients are ``2 <psi|O|d psi>``, complex; otherwise they are the
                real part, which is the derivative of the value.

        Returns:
            The values, as `expectation` returns them, and the gradients, float64 or complex128, of
            the values' shape + (parameters,).

        Raises:
            BasicAerError: as for `expectation`; also if the circuit has no derivative: it resets or
                prepares qubits after gates, or a gate exists only for numbers.
        """
        rows, every, shape, pairs = self._asked(observables, values)
        if self._derivatives is None:
            self._derivatives = Derivatives(self._lowered.sweep)
        derivatives = self._derivatives
        adjoint = derivatives.adjoint
        (precision, threads) = self._using
        most = len(every) << imaginary
        size = math.prod(shape)
        found = np.zeros(size)
        gradients = np.zeros((size, len(self.parameters)), complex if imaginary else float)

        def use(
            positions: List[int],
            program: Program,
            states: States,
            threads: int,
            control: Union[Control, None],
        ) -> None:
            wanted = [pair for position in positions for pair in pairs[position]]
            distinct = list(dict.fromkeys(which for which, _ in wanted))
            row = rows[positions[0]]
            value, by_angles = adjoint.evaluate(
                program,
                derivatives.angles(row),
                [every[which] for which in distinct],
                precision=precision,
                threads=threads,
                control=control,
                imaginary=imaginary,
            )
            by_parameters = derivatives.by_parameters(value, by_angles, row)
            place = {which: index for index, which in enumerate(distinct)}
            for which, target in wanted:
                found[target] = value[place[which]]
                gradients[target] = by_parameters[place[which]]

        self._compute(
            rows,
            use,
            each=adjoint.required_bytes(most, precision, threads),
            work=adjoint.work(most),
        )
        value = found.reshape(shape) if shape else float(found[0])
        return value, gradients.reshape(*shape, len(self.parameters))

    @raises_public_errors
    def counts(
        self, shots: int = 1024, seed: Union[int, None] = None, values: Any = None
    ) -> Union[Dict[str, int], List[Any]]:
        """Returns how often each outcome was drawn, as the qasm simulator would.

        The circuit may measure in the middle, reset, and have control flow.

        Args:
            shots: the number of shots of each point.
            seed: of the draws, the same for each point; None to draw one for each from NumPy's
                global generator.
            values: of the parameters, shape batch + (parameters,).

        Returns:
            Counts by bitstring, as `Result.get_counts` has them; for a batch, lists of them, nested
            as its axes are.

        Raises:
            BasicAerError: an argument is not valid, or memory is too small.
        """
        rows, batch = self._rows(values)
        shots = options.check(options.QASM, "shots", shots)
        seed = options.check(options.QASM, "seed_simulator", seed)
        programs = self._lowered.sweep.programs(rows)
        if not programs:
            return _nested([], batch)
        first, (precision, threads) = programs[0], self._using
        allowance = allowance_of(
            first,
            method_of(first, "counts", shots, branching=True, allow_sampling=True),
            shots=shots,
            precision=precision,
            threads=threads,
        )
        space = budget.shared.shortage(allowance.base)
        if space is not None:
            raise BasicAerError(
                f'Circuit "{first.name}" of {self.num_qubits} qubits, {shots} shots, {precision} '
                f"precision needs {describe(allowance.base)}; {describe(space)} are available."
            )
        cregs = [[register.name, register.size] for register in self.circuit.cregs]
        header = {"memory_slots": sum([size for _, size in cregs]), "creg_sizes": cregs}
        runs = [
            _Run(
                first.name,
                Task(
                    program,
                    shots=shots,
                    seed=seed_of(seed, place, several=False),
                    precision=precision,
                    threads=threads,
                    allowance=allowance,
                ),
                allowance.need,
            )
            for place, program in enumerate(programs)
        ]
        run = JobRun(runs, threads=threads)

        def formatted(place: int, task: Task, outcome: Outcome) -> Dict[str, int]:
            words = outcome.memory if header["memory_slots"] else outcome.memory[:0]
            counts = tally(words, run.control.check)
            return {format_counts_memory(key, header): counts[key] for key in counts}

        if run.is_brief():
            future = queue.run_brief(lambda: run.carry_out(formatted), run.control)
        else:
            future = queue.submit(
                lambda: run.carry_out(formatted), run.control, need=run.need, size=run.size
            )
        return _nested(queue.wait(future, run.control), batch)

    # ------------------------------------------------------------------------------------------
    # Arguments
    # ------------------------------------------------------------------------------------------

    def _rows(self, values: Any) -> Tuple[np.ndarray, Tuple[int, ...]]:
        """Returns the values, shape (points, parameters), and the shape of the batch."""
        count = len(self.parameters)
        if values is None and not count:
            return _NOTHING, ()
        try:
            array = np.asarray([] if values is None else values, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise BasicAerError(
                f'values for circuit "{self.circuit.name}" are no array of numbers: {error}'
            ) from error
        if array.ndim == 0 or array.shape[-1] != count:
            given = "none are given" if values is None else f"they have the shape {array.shape}"
            raise BasicAerError(
                f'values for circuit "{self.circuit.name}" need the shape batch + ({count},), one '
                f"for each of its parameters; {given}."
            )
        batch = array.shape[:-1]
        return array.reshape(math.prod(batch), count), batch

    def _asked(
        self, observables: Any, values: Any
    ) -> Tuple[np.ndarray, np.ndarray, Tuple[int, ...], List[List[Tuple[int, int]]]]:
        """Returns what expectation values are asked for.

        Returns:
            The values of the parameters, as `_rows` returns them; the observables, flat; the shape
            of the result and its pairs, as `broadcast_pairs` returns them.
        """
        rows, batch = self._rows(values)
        sums = pauli_sums(observables, self.num_qubits, self._cached)
        if not sums.size:
            raise BasicAerError(f"there are no observables: their shape is {sums.shape}.")
        shape, pairs = broadcast_pairs(batch, sums.shape)
        return rows, sums.reshape(-1), shape, pairs

    def _compute(
        self,
        rows: np.ndarray,
        use: Callable[[List[int], Program, States, int, Union[Control, None]], None],
        *,
        each: int = 0,
        held: int = 0,
        work: int = 0,
        allocate: Callable[[], None] = no_check,
    ) -> None:
        """Computes the final states of all points, and calls ``use`` for each of them.

        Args:
            rows: the values of the points, shape (points, parameters).
            use: is given the points' indices, their program, its final states, the number of
                threads and the control of the job, if there is one; called from several threads.
            each: bytes that a point takes besides its state.
            held: bytes of the result.
            work: amplitude-gates of a point besides those of its state.
            allocate: makes the result; called once the job has its memory.
        """
        if not len(rows):
            allocate()
            return
        if len(rows) == 1:
            (program,) = self._lowered.programs(rows)
            if self._is_brief(program, each + held, work):
                allocate()
                use([0], program, final_states(program, precision=self.precision), 1, None)
                return
        values = list(map(tuple, rows.tolist()))
        points = Points([self._lowered] * len(rows), values, self._using, each=each, held=held)
        points.control.add_total(work * len(rows))

        def use_point(point: Point, program: Program, states: States, threads: int) -> None:
            use(point.positions, program, states, threads, points.control)

        def compute() -> None:
            allocate()
            points.run(use_point)

        points.wait(compute)

    def _small(
        self,
        small: SmallRows,
        rows: np.ndarray,
        pairs: List[List[Tuple[int, int]]],
        found: np.ndarray,
    ) -> None:
        """Computes the values of many points of a small circuit."""
        control = Control()
        if is_brief(len(rows) * small.nanoseconds):
            small.fill(rows, pairs, found, control)
            return
        future = submit_rows(
            functools.partial(small.fill, rows, pairs, found, control),
            control,
            need=small.required_bytes(len(rows)),
            points=f'{len(rows)} points of circuit "{self.circuit.name}"',
        )
        queue.wait(future, control)

    def _is_brief(self, program: Program, space: int, work: int) -> bool:
        """Returns whether one point takes no longer than waking a thread, and little memory.

        Args:
            program: of a point.
            space: bytes that it takes besides its states.
            work: amplitude-gates besides those of its state.
        """
        if self._point is None:
            states = max(1, states_alive(program)) * state_bytes(self.num_qubits, self.precision)
            self._point = (
                required_bytes(self.num_qubits, precision=self.precision) + states,
                program.amplitude_gates() + (2 * PASS_GATES << min(self.num_qubits, 60)),
            )
        need, gates = self._point
        return (
            need + space < LIGHT
            and (gates + work) * GATE_NS <= WAKE_NS
            and not budget.shared.limited
        )

    def _cached(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """Returns what is remembered under a key; without a lock, which a fork could find taken."""
        found = self._known.get(key)
        if found is None:
            found = make()
            if len(self._known) >= _KNOWN:
                self._known = {}
            self._known[key] = found
        return found


def _again(circuit: QuantumCircuit, precision: str, max_parallel_threads: int) -> CompiledCircuit:
    return CompiledCircuit(circuit, precision=precision, max_parallel_threads=max_parallel_threads)


def _nested(found: List[Any], batch: Tuple[int, ...]) -> Any:
    """Returns a flat list as lists nested like a batch; its only element for a single point."""
    if not batch:
        return found[0]
    if len(batch) == 1:
        return found
    step = math.prod(batch[1:])
    return [_nested(found[i * step : (i + 1) * step], batch[1:]) for i in range(batch[0])]
