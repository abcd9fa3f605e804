"""Expectation values and their gradients by the adjoint method.

    psi = U_n .. U_1 |0>       b = H psi       <H> = <b|psi>

Both states are taken back through the gates, from the last to the first. Behind gate j, with K the
generator of one of its angles (see `generators`), the derivative is ``2 Re <b|K|psi>``. That takes
about the time of three runs of the circuit, however many angles there are.

Gates are not taken back one by one: `levels` finds how few cuts will do, everything between two
cuts is one gate run with a plan of its own, and all inner products of a cut are taken in one pass.
Both states lie in one array and are for the plan one state of one more qubit, so that each
operation is begun once for both.
"""

from __future__ import annotations

from typing import Any, Dict, List, NamedTuple, Sequence, Tuple, Union

import numpy as np

from basicaer._engine import memory
from basicaer._engine.control import Control, no_check
from basicaer._engine.costs import PASS_GATES
from basicaer._engine.errors import EngineError
from basicaer._engine.gradient.generators import FreeGate, Generators
from basicaer._engine.gradient.levels import Tables, levels_of, tables_of
from basicaer._engine.pauli_sums import PauliSum
from basicaer._engine.program import DENSE, Gates, Kind, Prepare, Program, Reset
from basicaer._engine.state.dispatch import kernels
from basicaer._engine.state.state import State
from basicaer._engine.threads import cooperate
from basicaer._engine.work import worth_threads

_ROWS = 64
"""Maximum number of ranges of the state that are summed separately, if threads share the work."""
_NO_FLAGS = np.zeros(8, dtype=np.int64)


class Gradient(NamedTuple):
    """What `Adjoint.evaluate` returns.

    Attributes:
        values: float64, shape (observables,).
        derivatives: float64, shape (observables, angles).
    """

    values: np.ndarray
    derivatives: np.ndarray


class _Step(NamedTuple):
    """A level, ready to be taken back: its gates, inverted, in reverse order.

    Attributes:
        kind, start, qubits, offset: of the inverse gates, see `program.Gates`.
        level: the level.
    """

    kind: np.ndarray
    start: np.ndarray
    qubits: np.ndarray
    offset: np.ndarray
    level: Any


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
        _check_differentiable(program)
        self._num_qubits = program.num_qubits
        self._name = program.name
        self._body = program.body
        self._runs = [place for place, each in enumerate(program.body) if isinstance(each, Gates)]
        run = _joined([program.body[place] for place in self._runs])
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
        self._inverse_kinds = tuple([_inverse(kind) for kind in run.kinds])
        self._inverse_of, offset = _inverse_layout(run)
        self._steps = [_step(run, level.gates[::-1], offset, level) for level in reversed(levels)]
        self._tables: Dict[int, List[Tables]] = {}

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

        Raises:
            EngineError: arguments do not fit, or memory is too small.
            Cancelled: the job was cancelled.
        """
        angles = np.asarray(angles, dtype=np.float64)
        self._check(program, angles, observables, precision, threads, limit)
        values = np.zeros(len(observables))
        found = np.zeros((len(observables), self.num_angles))
        at_once = memory.states_of_gradient(self._num_qubits, len(observables), precision) - 1
        coefficients = _coefficients([program.body[place] for place in self._runs])
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
        if not _alike(program.body, self._body) or program.num_qubits != self._num_qubits:
            raise ValueError("the program has another structure than the one that was prepared")
        if angles.shape != (self.num_angles,):
            raise ValueError(f"angles of shape ({self.num_angles},) are needed, not {angles.shape}")
        for place, observable in enumerate(observables):
            if observable.num_qubits != self._num_qubits:
                raise EngineError(
                    f"The observable at place {place} is on {observable.num_qubits} qubits, and "
                    f'circuit "{self._name}" has {self._num_qubits}.'
                )
            if not observable.is_hermitian:
                raise EngineError(
                    f"The observable at place {place} is not Hermitian: its coefficients are "
                    "complex. Gradients are of real expectation values."
                )
        need = memory.gradient_bytes(self._num_qubits, len(observables), precision, threads)
        if limit is None and need >= memory.LIGHT:
            limit = memory.available_bytes()
        if limit is not None and need > limit:
            raise EngineError(
                f'the gradient of circuit "{self._name}" needs {memory.describe(need)} for '
                f"{self._num_qubits} qubits; {memory.describe(limit)} are available."
            )

    def work(self, observables: int) -> int:
        """Returns a rough upper bound on the amplitude-gates of an evaluation."""
        back = sum(len(step.kind) for step in self._steps)
        return (len(self._run) + (1 + observables) * back) << min(self._num_qubits, 60)

    def tables(self, lane_bits: int) -> List[Tables]:
        """Returns the arrays of each step, the last level first."""
        found = self._tables.get(lane_bits)
        if found is None:
            found = self._tables[lane_bits] = [
                tables_of(step.level, self._run, self._angles_of, self._generators, lane_bits)
                for step in self._steps
            ]
        return found


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
        self._lane_bits = self._lanes.bit_length() - 1
        self._width = max(program.num_qubits, self._lane_bits)
        # The highest qubits are the number of the state: 0 for psi, then one for each observable.
        extra = len(observables).bit_length()
        check = no_check if control is None else control.check
        self._joint = State.zero(self._width + extra, precision, check)
        self._check = check
        self._control = control
        self._flags = _NO_FLAGS if control is None else control.flags
        pairs = 1 << (self._width - self._lane_bits)
        shared = worth_threads(PASS_GATES << self._width)
        # It must not depend on the number of threads: it determines the order of sums.
        self._rows = min(_ROWS, pairs) if shared else 1
        self._threads = threads
        self._own_threads = threads if shared else 1

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
        steps = adjoint._steps
        if not steps:
            return
        inverse = coefficients[adjoint._inverse_of].conj()
        last = len(steps) - 1
        for place, (step, tables) in enumerate(zip(steps, adjoint.tables(self._lane_bits))):
            if tables.sites is not None:
                sums = self._crosses(reals, size, tables.terms)
                tables.sites.derivatives(sums, coefficients, generators, out)
            if place < last:
                gates = Gates.of(
                    adjoint._inverse_kinds,
                    step.kind,
                    step.start,
                    step.qubits,
                    step.offset,
                    inverse,
                )
                joint.apply(gates, threads=self._threads, control=self._control)

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

        cooperate(work, self._own_threads)
        self._check()
        return float(products.sum())

    def _crosses(self, reals: np.ndarray, size: int, terms: np.ndarray) -> np.ndarray:
        """Returns the inner products of a cut, see `sites.derivatives`."""
        shape = (len(self._observables), self._rows, len(terms), 2 * self._lanes)
        sums = np.zeros(shape)
        sync = np.zeros(1, dtype=np.int64)

        def work() -> None:
            kernels.crosses(reals, size, terms, sums, sync, self._flags)

        cooperate(work, self._own_threads)
        self._check()
        found: np.ndarray = sums[:, 0] if self._rows == 1 else sums.sum(axis=1)
        return np.ascontiguousarray(found)


# --- structure ---------------------------------------------------------------------------------


def _check_differentiable(program: Program) -> None:
    """Raises an `EngineError` unless a program is gates, on qubits that may be prepared first."""
    touched: set = set()
    for operation in program.body:
        if isinstance(operation, Gates):
            touched.update(operation.qubits.tolist())
            continue
        if isinstance(operation, Reset) and operation.qubit not in touched:
            continue
        if isinstance(operation, Prepare) and touched.isdisjoint(operation.qubits):
            touched.update(operation.qubits)
            continue
        name = type(operation).__name__
        if isinstance(operation, Reset):
            what = f"qubit {operation.qubit} is reset after gates"
        elif isinstance(operation, Prepare):
            what = f"qubits {operation.qubits} are prepared after gates"
        elif name == "Measure":
            what = f"qubit {operation.qubit} is measured"  # type: ignore[union-attr]
        else:
            what = f"it has control flow ({name})"
        raise EngineError(f'circuit "{program.name}" has no derivative: {what}.')


def _joined(runs: Sequence[Any]) -> Gates:
    """Returns gate runs as one; kinds that several of them have may be listed again."""
    if len(runs) == 1:
        only: Gates = runs[0]
        return only
    kinds: List[Kind] = []
    kind, start, qubits, offset = [], [np.zeros(1, np.int32)], [], []
    end = held = 0
    for each in runs:
        kind.append(each.kind + np.int32(len(kinds)))
        kinds.extend(each.kinds)
        start.append(each.start[1:] + np.int32(end))
        qubits.append(each.qubits)
        offset.append(each.offset + held)
        end += len(each.qubits)
        held += len(each.coefficients)
    return Gates(
        tuple(kinds),
        np.concatenate([np.zeros(0, np.int32), *kind]),
        np.concatenate(start),
        np.concatenate([np.zeros(0, np.int32), *qubits]),
        np.concatenate([np.zeros(0, np.int64), *offset]),
        _coefficients(runs),
    )


def _coefficients(runs: Sequence[Any]) -> np.ndarray:
    """Returns the coefficients of gate runs, one behind the other."""
    if len(runs) == 1:
        only: np.ndarray = runs[0].coefficients
        return only
    return np.concatenate([np.zeros(0, np.complex128), *[each.coefficients for each in runs]])


def _alike(body: Sequence[Any], other: Sequence[Any]) -> bool:
    """Returns whether two bodies differ in coefficients only."""
    if len(body) != len(other):
        return False
    for a, b in zip(body, other):
        if a is b:
            continue
        if type(a) is not type(b):
            return False
        if not isinstance(a, Gates):
            if isinstance(a, Prepare) and a.qubits == b.qubits:
                continue
            if isinstance(a, Prepare) or a != b:
                return False
            continue
        if a.kinds != b.kinds or len(a.coefficients) != len(b.coefficients):
            return False
        for name in ("kind", "start", "qubits", "offset"):
            one, two = getattr(a, name), getattr(b, name)
            if one is not two and not np.array_equal(one, two):
                return False
    return True


def _inverse(kind: Kind) -> Kind:
    """Returns the kind of the inverse gates."""
    if kind.form != DENSE or kind.pattern < 0:
        return kind
    size = 1 << kind.num_targets
    pattern = 0
    for i in range(size * size):
        if kind.pattern >> i & 1:
            pattern |= 1 << (i % size * size + i // size)
    return kind._replace(pattern=pattern)


def _inverse_layout(run: Gates) -> Tuple[np.ndarray, np.ndarray]:
    """Returns where to take the coefficients of the inverse gates from, and each gate's offset.

    The inverse gates' coefficients are ``coefficients[where].conj()``.
    """
    known: Dict[Tuple[int, int, int], int] = {}
    where: List[np.ndarray] = [np.zeros(0, dtype=np.int64)]
    offsets = np.zeros(len(run), dtype=np.int64)
    held = 0
    for gate, (number, offset) in enumerate(zip(run.kind.tolist(), run.offset.tolist())):
        kind = run.kinds[number]
        key = (offset, kind.form, kind.num_targets)
        place = known.get(key)
        if place is None:
            place = known[key] = held
            size = 1 << kind.num_targets
            indices = np.arange(size if kind.form != DENSE else size * size)
            if kind.form == DENSE:
                indices = indices.reshape(size, size).T.reshape(-1)
            where.append(offset + indices)
            held += len(indices)
        offsets[gate] = place
    return np.concatenate(where), offsets


def _step(run: Gates, gates: List[int], offset: np.ndarray, level: Any) -> _Step:
    chosen = np.array(gates, dtype=np.int64)
    widths = np.diff(run.start)[chosen]
    start = np.zeros(len(gates) + 1, dtype=np.int32)
    np.cumsum(widths, out=start[1:])
    qubits = [run.qubits[run.start[gate] : run.start[gate + 1]] for gate in gates]
    return _Step(
        run.kind[chosen],
        start,
        np.concatenate([np.zeros(0, np.int32), *qubits]),
        offset[chosen],
        level,
    )
