"""Programs: circuits as plain numbers, immutable and picklable.

`basicaer._qiskit` lowers a circuit to a `Program`, and the engine sees nothing else. A program can
be built, tested, pickled and sent to another machine without Qiskit.

Bit order is Qiskit's: qubit 0 is the least significant bit of an amplitude's index, and the first
target of a gate is the least significant bit of its matrix's row and column.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import (
    Any,
    Callable,
    Dict,
    Hashable,
    Iterator,
    List,
    NamedTuple,
    Sequence,
    Tuple,
    Union,
)

import numpy as np

from basicaer._engine.once import once

_BODIES_AT_ONCE = 1 << 16
"""Bodies of a for loop that are examined between two checks for cancellation."""

MOST_BITS = 60
"""Widths above this count as this in estimates of work: no machine holds such a state."""

DENSE = 0
"""Form of a gate given by its whole matrix: 4**k coefficients, row-major."""
DIAGONAL = 1
"""Form of a gate given by its diagonal alone: 2**k coefficients."""


class Kind(NamedTuple):
    """What all gates of one kind share: everything but qubits and coefficients.

    Attributes:
        form: `DENSE` or `DIAGONAL`.
        num_targets: k, the width of the matrix.
        num_controls: number of control qubits, listed before the targets. The matrix is applied
            where they have the values in `control_state`.
        control_state: bit j is the value that control j must have.
        pattern: for `DENSE` gates of k <= 2 targets, bit ``row * 2**k + column`` is set if that
            entry is nonzero for *some* parameters of this kind; -1 means all of them.
        is_real: True if the coefficients are real for *all* parameters of this kind.
    """

    form: int
    num_targets: int
    num_controls: int = 0
    control_state: int = 0
    pattern: int = -1
    is_real: bool = False


class Plans:
    """Cache of what has been computed about a gate run.

    It is not part of the gate run's value and is pickled empty. Threads may read and write it at
    the same time; at worst two compute the same entry.

    Attributes:
        compiled: compiled plans, keyed by all that they depend on beside the gates.
        needless: True if applying the gates one by one is the fastest, keyed by all that this
            depends on beside the gates.
        chunks: the gate run in chunks, keyed by the maximum number of gates in a chunk.
        of_structure: compiled plans from which those of other coefficients are made, keyed as
            `compiled`: the same dict in all gate runs whose plans are `shared`, otherwise None.
    """

    __slots__ = ("chunks", "compiled", "needless", "of_structure")

    compiled: Dict[Tuple[Any, ...], Any]
    needless: Dict[Tuple[Any, ...], bool]
    chunks: Dict[int, Tuple[Gates, ...]]
    of_structure: Union[Dict[Hashable, Any], None]

    def __getattr__(self, name: str) -> Any:
        """Makes each dict when it is first used: most gate runs use none of them."""
        if name not in Plans.__slots__:
            raise AttributeError(f"a gate run has no plans called {name!r}")
        made: Union[Dict[Any, Any], None] = None if name == "of_structure" else {}
        setattr(self, name, made)
        return made

    def keep(self) -> None:
        """Says that the gate run is used again and again, so that it is worth a plan."""
        if self.of_structure is None:
            self.of_structure = {}

    def shared(self) -> Plans:
        """Returns the plans of a gate run with other coefficients, otherwise the same arrays."""
        self.keep()
        plans = Plans()
        plans.of_structure = self.of_structure
        plans.needless = self.needless
        return plans

    def __reduce__(self) -> Tuple[type, Tuple[()]]:
        return Plans, ()


@dataclass(frozen=True, eq=False)
class Gates:
    """A gate run: unitary gates, as flat arrays.

    Gate ``i`` is of kind ``kinds[kind[i]]``, acts on ``qubits[start[i]:start[i + 1]]`` (controls
    first, then targets) and its coefficients begin at ``coefficients[offset[i]]``. Gates may share
    coefficients. Two gate runs with equal `kinds`, `kind` and `qubits` have the same schedule,
    whatever their coefficients.

    Attributes:
        kinds: the kinds that occur.
        kind: int32, shape (num_gates,).
        start: int32, shape (num_gates + 1,).
        qubits: int32, shape (start[-1],).
        offset: int64, shape (num_gates,).
        coefficients: complex128, one-dimensional.
        plans: cache of plans. Not part of the value.
    """

    kinds: Tuple[Kind, ...]
    kind: np.ndarray
    start: np.ndarray
    qubits: np.ndarray
    offset: np.ndarray
    coefficients: np.ndarray
    plans: Plans = field(default_factory=Plans, init=False, repr=False)

    @classmethod
    def of(
        cls,
        kinds: Tuple[Kind, ...],
        kind: np.ndarray,
        start: np.ndarray,
        qubits: np.ndarray,
        offset: np.ndarray,
        coefficients: np.ndarray,
    ) -> Gates:
        """Returns ``Gates(...)``, but faster: a frozen class sets its fields one by one."""
        gates = object.__new__(cls)
        gates.__dict__.update(
            kinds=kinds,
            kind=kind,
            start=start,
            qubits=qubits,
            offset=offset,
            coefficients=coefficients,
            plans=Plans(),
        )
        return gates

    def refilled(self, coefficients: np.ndarray) -> Gates:
        """Returns the same gates with as many other coefficients.

        Its plans are made from those of all gate runs that this one was refilled to.
        """
        gates: Gates = object.__new__(Gates)
        fields = gates.__dict__
        fields.update(self.__dict__)
        fields["coefficients"] = coefficients
        fields["plans"] = self.plans.shared()
        return gates

    def __len__(self) -> int:
        return len(self.kind)

    def chunks(self, most: int) -> Tuple[Gates, ...]:
        """Returns the gate run cut into runs of at most `most` gates. The result is cached."""
        found = self.plans.chunks.get(most)
        if found is None:
            found = self.plans.chunks[most] = tuple(
                Gates(
                    self.kinds,
                    self.kind[first : first + most],
                    start - start[0],
                    self.qubits[start[0] : start[-1]],
                    self.offset[first : first + most],
                    self.coefficients,
                )
                for first in range(0, len(self), most)
                for start in [self.start[first : first + most + 1]]
            )
        return found


class Measure(NamedTuple):
    """Measures `qubit` and writes the outcome to `clbit`. One uniform draw."""

    qubit: int
    clbit: int


class Reset(NamedTuple):
    """Measures `qubit` and brings it to |0>. One uniform draw."""

    qubit: int


class Prepare(NamedTuple):
    """Brings `qubits`, all known to be in |0>, to ``sum_s amplitudes[s] |s>``. No draw.

    It always follows resets of the same qubits (`initialize` is lowered to both).
    """

    qubits: Tuple[int, ...]
    amplitudes: np.ndarray


class BitsEqual(NamedTuple):
    """True if the clbits, least significant first, hold `value` (any width)."""

    clbits: Tuple[int, ...]
    value: int


class Expression(NamedTuple):
    """A classical expression, as a tree.

    Attributes:
        operator: "bits" (operands: the clbits, least significant first), "value" (one operand, an
            int), "cast" (operand and target width), "index" (operand and the position of one of
            its bits), or the name of a `qiskit.circuit.classical.expr` operator in lower case
            ("bit_and", "logic_not", "less_equal", "shift_left", ...).
        operands: expressions, except where `operator` says otherwise.
        width: bits of the result; 1 for a Bool.
    """

    operator: str
    operands: tuple
    width: int


Condition = Union[BitsEqual, Expression]


class Store(NamedTuple):
    """Writes the value of an expression to `clbits`, least significant first. No draw.

    The value is that of before: the expression may read what is written to. Bits of the value
    beyond the clbits are left out.
    """

    clbits: Tuple[int, ...]
    value: Expression


class IfElse(NamedTuple):
    """Runs `true_body` if the condition holds, otherwise `false_body`. Also lowered from `c_if`."""

    condition: Condition
    true_body: Tuple[Operation, ...]
    false_body: Tuple[Operation, ...] = ()


class While(NamedTuple):
    """Runs `body` as long as the condition, tested before each iteration, holds."""

    condition: Condition
    body: Tuple[Operation, ...]


class For(NamedTuple):
    """Runs the bodies in order: one for each value of the loop variable, already bound."""

    bodies: Tuple[Tuple[Operation, ...], ...]

    def distinct(
        self, check: Union[Callable[[], None], None] = None
    ) -> List[Tuple[Tuple[Operation, ...], int]]:
        """Returns the distinct bodies, each with the number of its iterations.

        Usually there is one body, the same object many times. `check` is called now and then and
        may raise.
        """
        times: Counter[int] = Counter()
        found: Dict[int, Tuple[Operation, ...]] = {}
        for first in range(0, len(self.bodies), _BODIES_AT_ONCE):
            if check is not None:
                check()
            bodies = self.bodies[first : first + _BODIES_AT_ONCE]
            one = bodies[0]
            try:
                alike = bodies.count(one) == len(bodies)  # ten times as fast as the loop below
            except ValueError:  # bodies with arrays, which `count` cannot compare
                alike = False
            if alike:
                found[id(one)] = one
                times[id(one)] += len(bodies)
            else:
                found.update((id(body), body) for body in bodies)
                times.update(map(id, bodies))
        return [(body, times[key]) for key, body in found.items()]


class Switch(NamedTuple):
    """Runs the first case that lists the target's value, or the default if none does.

    Attributes:
        target: "bits" or any other expression.
        cases: (values, body) pairs; values are None for the default.
    """

    target: Expression
    cases: Tuple[Tuple[Union[Tuple[int, ...], None], Tuple[Operation, ...]], ...]


class Break(NamedTuple):
    """Leaves the innermost loop."""


class Continue(NamedTuple):
    """Continues with the next iteration of the innermost loop."""


Operation = Union[
    Gates, Measure, Reset, Prepare, Store, IfElse, While, For, Switch, Break, Continue
]


def bodies_of(operation: Operation) -> Tuple[Tuple[Operation, ...], ...]:
    """Returns the bodies of a control-flow operation, the distinct ones of a for loop; else ()."""
    if isinstance(operation, IfElse):
        return (operation.true_body, operation.false_body)
    if isinstance(operation, While):
        return (operation.body,)
    if isinstance(operation, For):
        return tuple([body for body, _ in operation.distinct()])
    if isinstance(operation, Switch):
        return tuple([body for _, body in operation.cases])
    return ()


def operations_of(body: Sequence[Operation]) -> Iterator[Operation]:
    """Yields all operations of a body, nested ones included, in pre-order."""
    for operation in body:
        yield operation
        for inner in bodies_of(operation):
            yield from operations_of(inner)


def with_bodies(
    operation: Operation, change: Callable[[Tuple[Operation, ...]], Tuple[Operation, ...]]
) -> Operation:
    """Returns the operation with `change` applied to each of its bodies.

    An operation without bodies is returned as it is. A body that a for loop repeats is changed once
    and remains one object.
    """
    if isinstance(operation, IfElse):
        return IfElse(
            operation.condition, change(operation.true_body), change(operation.false_body)
        )
    if isinstance(operation, While):
        return While(operation.condition, change(operation.body))
    if isinstance(operation, For):
        changed = {id(body): change(body) for body in bodies_of(operation)}
        return For(tuple([changed[id(body)] for body in operation.bodies]))
    if isinstance(operation, Switch):
        cases = [(values, change(body)) for values, body in operation.cases]
        return Switch(operation.target, tuple(cases))
    return operation


def only_ends_in_measurements(body: Sequence[Operation]) -> bool:
    """Returns whether a body is gates, then measurements, and nothing else.

    Then all shots can be drawn from one final state. terra's BasicAer has the same rule.
    """
    measured = False
    for operation in body:
        if operation.__class__ is Measure:
            measured = True
        elif measured or operation.__class__ is not Gates:
            return False
    return True


@dataclass(frozen=True, eq=False)
class Program:
    """A circuit as numbers.

    Attributes:
        num_qubits: width of the state.
        num_clbits: width of the classical memory.
        body: operations, in order. Adjacent gates are in one `Gates`.
        global_phase: radians; multiplies the initial state by ``exp(1j * global_phase)``.
        name: used in messages only.
        samples: True if terra's BasicAer would draw all shots from the final state: the body
            `only_ends_in_measurements`, and the circuit had nothing else that rules it out for
            BasicAer, such as a delay after a measurement.
    """

    num_qubits: int
    num_clbits: int
    body: Tuple[Operation, ...]
    global_phase: float = 0.0
    name: str = ""
    samples: bool = True

    @classmethod
    def of(
        cls,
        num_qubits: int,
        num_clbits: int,
        body: Tuple[Operation, ...],
        global_phase: float,
        name: str,
        samples: bool,
        outline: Union[Outline, None] = None,
    ) -> Program:
        """Returns ``Program(...)``, but faster: a frozen class sets its fields one by one.

        The outline may be given by code that knows it without looking at the body again.
        """
        program = object.__new__(cls)
        program.__dict__.update(
            num_qubits=num_qubits,
            num_clbits=num_clbits,
            body=body,
            global_phase=global_phase,
            name=name,
            samples=samples,
        )
        if outline is not None:
            program.__dict__["outline"] = outline
        return program

    @once
    def outline(self) -> Outline:
        """Summary of the body. Not part of the value, not pickled."""
        return _outline(self.body)

    def amplitude_gates(self, unitary: bool = False) -> int:
        """Returns the amplitude-gates of one run; while loops count as one iteration."""
        width = 2 * self.num_qubits if unitary else self.num_qubits
        return (self.outline.num_gates or 1) << (width if width < MOST_BITS else MOST_BITS)

    def __getstate__(self) -> Dict[str, Any]:
        state = dict(self.__dict__)  # atomic: another thread may be adding the outline
        state.pop("outline", None)
        return state


# --- outline ---------------------------------------------------------------------------------


class Outline(NamedTuple):
    """Summary of the body of a program.

    Attributes:
        is_one_pass: whether the body is gates, then measurements, and nothing else.
        runs: the nonempty gate runs; () if not `is_one_pass`.
        measured: the measurements after them; () if not `is_one_pass`.
        qubits: the distinct qubits of `measured`, ascending.
        num_gates: number of gates, see `count_gates`.
        in_place: whether there are measurements, and clbit i, of those measured into, holds the
            outcome of ``qubits[i]``, each measured once.
    """

    is_one_pass: bool
    runs: Tuple[Gates, ...]
    measured: Tuple[Measure, ...]
    qubits: Tuple[int, ...]
    num_gates: int
    in_place: bool


_ONLY_MEASURE = {Measure}


def _outline(body: Tuple[Operation, ...]) -> Outline:
    runs: List[Gates] = []
    num_gates = place = 0
    for operation in body:
        if operation.__class__ is not Gates:
            break
        place += 1
        count = len(operation.kind)
        if count:
            runs.append(operation)
            num_gates += count
    measured: Any = body[place:]
    if measured and set(map(type, measured)) != _ONLY_MEASURE:
        return Outline(False, (), (), (), count_gates(body), False)
    qubit_of = {clbit: qubit for qubit, clbit in measured}
    qubits = tuple(sorted({qubit for qubit, _ in measured}))
    in_place = 0 < len(qubits) == len(measured) and qubit_of == dict(enumerate(qubits))
    return Outline(True, tuple(runs), measured, qubits, num_gates, in_place)


def count_gates(body: Sequence[Operation]) -> int:
    """Returns the gates in a body: for loops count all iterations, other bodies count once."""
    total = 0
    for operation in body:
        if isinstance(operation, Gates):
            total += len(operation)
        elif isinstance(operation, For):
            total += sum([count_gates(inner) * times for inner, times in operation.distinct()])
        else:
            total += sum(map(count_gates, bodies_of(operation)))
    return total
