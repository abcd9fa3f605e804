"""Expectation values and their gradients by the adjoint method.

    psi = U_n .. U_1 |0>       b = H psi       <H> = <b|psi>

Both states are taken back through the gates, from the last to the first. Behind gate j, with K the
generator of one of its angles (see `generators`), the derivative is ``2 Re <b|K|psi>``. That takes
about the time of three runs of the circuit, however many angles there are.

Gates are not taken back one by one: `levels` finds how few cuts will do, everything between two
cuts is fused as a circuit is, and all inner products of a cut are taken in one pass. One call of
the kernels does all of that, without the GIL. Both states lie in one array and are for the plan one
state of one more qubit, so that each operation is begun once for both.
"""

from __future__ import annotations

from typing import Any, Dict, List, NamedTuple, Sequence, Tuple, Union

import numpy as np

from basicaer._engine import memory
from basicaer._engine.control import Control, no_check
from basicaer._engine.costs import PASS_GATES, block_qubits
from basicaer._engine.errors import EngineError
from basicaer._engine.gradient.generators import FreeGate, Generators
from basicaer._engine.gradient.levels import Tables, levels_of, tables_of
from basicaer._engine.gradient.structure import (
    Batch,
    alike,
    batches_of,
    check_differentiable,
    coefficients_of,
    inverse_kind,
    inverse_layout,
    joined,
)
from basicaer._engine.pauli_sums import PauliSum, TimesI
from basicaer._engine.plan.compiled_plan import compiled_plan
from basicaer._engine.program import Gates, Prepare, Program
from basicaer._engine.state.dispatch import kernels
from basicaer._engine.state.state import State
from basicaer._engine.threads import cooperate
from basicaer._engine.work import worth_threads

_ROWS = 32
"""Maximum number of ranges of the state that are summed separately, if threads share the work."""
_NO_FLAGS = np.zeros(8, dtype=np.int64)


class Gradient(NamedTuple):
    """What `Adjoint.evaluate` returns.

    Attributes:
        values: float64, shape (observables,).
        derivatives: shape (observables, angles): float64, the derivatives of the values,
            ``2 Re <psi|H|d psi>``; or, with `imaginary`, complex128, ``2 <psi|H|d psi>``.
    """

    values: np.ndarray
    derivatives: np.ndarray


class Adjoint:
    """How to differentiate all programs of one structure.

    Programs have the same structure if they differ in coefficients only. It holds nothing of an
    evaluation: any number of threads may use it at the same time.

    Attributes:
        num_angles: the angles, numbered gate by gate in the order of `free`.
    """

    def __init__(self, program: Program, free: Sequence[FreeGate]) -> None:
        """Prepares programs of the structure of `program`.

        Args:
            program: gates only; before a qubit's first gate it may be reset and prepared.
            free: its gates that have angles, in any order.

        Raises:
            EngineError: the program has an operation that has no derivative.
        """
        check_differentiable(program)
        self._num_qubits = program.num_qubits
        self._name = program.name
        self._body = program.body
        self._runs = [place for place, each in enumerate(program.body) if isinstance(each, Gates)]
        run = joined([program.body[place] for place in self._runs])
        firsts, first = {}, 0
        for place in self._runs:
            firsts[place] = first
            first += len(program.body[place])
        gates = [firsts[each.operation] + each.gate for each in free]
        if len(set(gates)) != len(gates):
            raise ValueError("the angles of a gate are listed twice")
        forms = [run.kinds[run.kind[gate]].form for gate in gates]
        self._generators = Generators(free, forms)
        self.num_angles = len(self._generators.rules)
        self._run = run
        self._angles_of: Dict[int, Tuple[int, int]] = {}
        angle = 0
        for gate, each in zip(gates, free):
            self._angles_of[gate] = angle, each.num_angles
            angle += each.num_angles
        renumbered = [each._replace(gate=gate) for gate, each in zip(gates, free)]
        levels = levels_of(run, renumbered, self._generators)
        while levels and not levels[0].sites:
            del levels[0]  # never taken back
        self._inverse_of, offset = inverse_layout(run)
        inverse = Gates(
            tuple([inverse_kind(kind) for kind in run.kinds]),
            run.kind,
            run.start,
            run.qubits,
            offset,
            run.coefficients[self._inverse_of].conj(),
        )
        self._batches = batches_of(inverse, levels)
        # Caches, by the number of lane qubits and by the arguments of `required_bytes`.
        self._tables: Dict[int, List[Tables]] = {}
        self._needs: Dict[Tuple[int, str, int], int] = {}

    def evaluate(
        self,
        program: Program,
        angles: np.ndarray,
        observables: Sequence[PauliSum],
        *,
        precision: str = "double",
        threads: int = 1,
        control: Union[Control, None] = None,
        limit: Union[int, None] = None,
        imaginary: bool = False,
    ) -> Gradient:
        """Returns the expectation values of observables and their derivatives by all angles.

        Args:
            program: of this structure.
            angles: float64, shape (num_angles,), for which its coefficients were computed.
            observables: Hermitian, on as many qubits.
            precision: "double" or "single".
            threads: maximum number of threads.
            control: of the job; may cancel it, and counts the work.
            limit: bytes that may be used; None for what the system has available.
            imaginary: whether the imaginary parts are wanted too; it takes twice the observables.

        Raises:
            EngineError: arguments do not fit, or memory is too small.
            Cancelled: the job was cancelled.
        """
        if imaginary:
            count = len(observables)
            turned = [each.times_i() for each in observables]
            values, both = self.evaluate(
                program,
                angles,
                [*observables, *turned],
                precision=precision,
                threads=threads,
                control=control,
                limit=limit,
            )
            # Re <i H psi|d psi> is Im <H psi|d psi>.
            return Gradient(values[:count], both[:count] + 1j * both[count:])
        angles = np.asarray(angles, dtype=np.float64)
        self._check(program, angles, observables, precision, threads, limit)
        values = np.zeros(len(observables))
        found = np.zeros((len(observables), self.num_angles))
        at_once = memory.states_of_gradient(self._num_qubits, len(observables), precision) - 1
        coefficients = coefficients_of([program.body[place] for place in self._runs])
        generators = self._generators.values(angles)
        for first in range(0, len(observables), at_once):
            some = slice(first, first + at_once)
            _Sweep(self, program, observables[some], precision, threads, control).run(
                coefficients, generators, values[some], found[some]
            )
        return Gradient(values, found)

    def _check(
        self,
        program: Program,
        angles: np.ndarray,
        observables: Sequence[PauliSum],
        precision: str,
        threads: int,
        limit: Union[int, None],
    ) -> None:
        if not alike(program.body, self._body) or program.num_qubits != self._num_qubits:
            raise ValueError("the program has another structure than the one that was prepared")
        if angles.shape != (self.num_angles,):
            raise ValueError(f"angles of shape ({self.num_angles},) are needed, not {angles.shape}")
        for place, observable in enumerate(observables):
            if observable.num_qubits != self._num_qubits:
                raise EngineError(
                    f"The observable at place {place} is on {observable.num_qubits} qubits, and "
                    f'circuit "{self._name}" has {self._num_qubits}.'
                )
            if not observable.is_hermitian and not isinstance(observable, TimesI):
                raise EngineError(
                    f"The observable at place {place} is not Hermitian: its coefficients are "
                    "complex. Gradients are of real expectation values."
                )
        need = self.required_bytes(len(observables), precision, threads)
        if limit is None and need >= memory.LIGHT:
            limit = memory.available_bytes()
        if limit is not None and need > limit:
            raise EngineError(
                f'the gradient of circuit "{self._name}" needs {memory.describe(need)} for '
                f"{self._num_qubits} qubits; {memory.describe(limit)} are available."
            )

    def required_bytes(self, observables: int, precision: str = "double", threads: int = 1) -> int:
        """Returns the bytes that an evaluation needs, the states and their sums."""
        key = (observables, precision, threads)
        known = self._needs.get(key)
        if known is None:
            known = self._needs[key] = self._bytes(*key)
        return known

    def _bytes(self, observables: int, precision: str, threads: int) -> int:
        lanes = kernels.LANES[precision]
        terms = max((len(each.terms) for each in self.tables(_bits(lanes))), default=0)
        states = memory.states_of_gradient(self._num_qubits, observables, precision)
        sums = (states - 1) * (_rows(self._num_qubits, lanes) + 1) * terms * 2 * lanes
        found = observables * (self.num_angles + 1)
        need = memory.gradient_bytes(self._num_qubits, observables, precision, threads)
        return need + 8 * (sums + found)

    def __getstate__(self) -> Dict[str, Any]:
        return {**self.__dict__, "_tables": {}, "_needs": {}}

    def work(self, observables: int) -> int:
        """Returns a rough upper bound on the amplitude-gates of an evaluation."""
        back = sum(len(batch.gates) for batch in self._batches)
        return (len(self._run) + (1 + observables) * back) << min(self._num_qubits, 60)

    def tables(self, lane_bits: int) -> List[Tables]:
        """Returns the arrays of each batch."""
        found = self._tables.get(lane_bits)
        if found is None:
            found = self._tables[lane_bits] = [
                tables_of(batch.sites, self._run, self._angles_of, self._generators, lane_bits)
                for batch in self._batches
            ]
        return found


def _bits(lanes: int) -> int:
    return lanes.bit_length() - 1


def _rows(num_qubits: int, lanes: int) -> int:
    """Returns the number of ranges of the state that are summed separately, a power of two.

    It must not depend on the number of threads: it determines the order of sums.
    """
    width = max(num_qubits, _bits(lanes))
    if not worth_threads(PASS_GATES << min(width, 60)):
        return 1
    return min(_ROWS, 1 << min(width - _bits(lanes), 60))


class _Sweep:
    """One way forward and back, for some of the observables."""

    def __init__(
        self,
        adjoint: Adjoint,
        program: Program,
        observables: Sequence[PauliSum],
        precision: str,
        threads: int,
        control: Union[Control, None],
    ) -> None:
        self._adjoint = adjoint
        self._program = program
        self._observables = observables
        self._lanes = kernels.LANES[precision]
        self._lane_bits = _bits(self._lanes)
        self._width = max(program.num_qubits, self._lane_bits)
        # The highest qubits are the number of the state: 0 for psi, then one for each observable.
        extra = len(observables).bit_length()
        check = no_check if control is None else control.check
        self._joint = State.zero(self._width + extra, precision, check)
        self._precision = precision
        self._check = check
        self._control = control
        self._flags = _NO_FLAGS if control is None else control.flags
        self._rows = _rows(program.num_qubits, self._lanes)
        self._threads = threads
        self._shared = self._rows > 1

    def run(
        self,
        coefficients: np.ndarray,
        generators: np.ndarray,
        values: np.ndarray,
        out: np.ndarray,
    ) -> None:
        """Computes everything.

        Args:
            coefficients: of all gates.
            generators: of all angles.
            values: is filled with the expectation values.
            out: is filled with the derivatives, shape (observables, angles).
        """
        adjoint, joint = self._adjoint, self._joint
        for operation in self._program.body:
            if isinstance(operation, Gates):
                joint.apply(operation, threads=self._threads, control=self._control)
            elif isinstance(operation, Prepare):
                joint.prepare(operation.qubits, operation.amplitudes)
        reals = joint.opened()
        size = 2 << self._width
        for place, observable in enumerate(self._observables):
            values[place] = self._apply_observable(reals, size, place + 1, observable)
        batches = adjoint._batches
        if not batches:
            return
        inverse = coefficients[adjoint._inverse_of].conj()
        for batch, tables in zip(batches, adjoint.tables(self._lane_bits)):
            sums = self._take_back(reals, size, batch.gates.refilled(inverse), batch, tables)
            tables.sites.derivatives(sums, coefficients, generators, out)

    def _apply_observable(
        self, reals: np.ndarray, size: int, which: int, observable: PauliSum
    ) -> float:
        """Makes state `which` the observable applied to state 0; returns the expectation value."""
        x, first, z, re, im = observable.families
        products = np.zeros(self._rows)
        sync = np.zeros(1, dtype=np.int64)

        def work() -> None:
            kernels.apply_paulis(
                reals, size, which, x, first, z, re, im, products, sync, self._flags
            )

        cooperate(work, self._threads if self._shared else 1)
        self._check()
        return float(products.sum())

    def _take_back(
        self, reals: np.ndarray, size: int, gates: Gates, batch: Batch, tables: Tables
    ) -> np.ndarray:
        """Takes a batch back; returns the inner products, see `Sites.derivatives`."""
        width = self._joint.num_qubits
        plan = compiled_plan(
            gates,
            (width, self._precision, kernels),
            kernels=kernels,
            dtype=reals.dtype,
            num_qubits=width,
            live=(1 << width) - 1,
            lane_bits=self._lane_bits,
            capacity=block_qubits(width, self._precision) - self._lane_bits,
            shift=0,
            fusion=True,
            cuts=batch.cuts,
        )
        ends = np.array(plan.ends[:-1], dtype=np.int64)
        shape = (len(self._observables), self._rows, len(tables.terms), 2 * self._lanes)
        sums = np.zeros(shape)
        sync = np.zeros(2 * (plan.num_passes + len(ends)) + 1, dtype=np.int64)
        cut_sync = sync[2 * plan.num_passes :]

        def work() -> None:
            kernels.take_back(
                plan.executable,
                reals,
                size,
                ends,
                tables.ends,
                tables.terms,
                sums,
                sync,
                cut_sync,
                self._flags,
            )

        shared = self._shared or worth_threads(plan.summary["amplitude_gates"])
        cooperate(work, self._threads if shared else 1)
        self._check()
        return sums[:, 0] if self._rows == 1 else sums.sum(axis=1)
