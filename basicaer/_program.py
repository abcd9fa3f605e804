"""What a circuit is once Qiskit is out of the way: numbers, frozen and picklable.

A `Program` is the border of the package. Left of it are Qiskit's objects (`_lowering`), right of it
only what is defined here, so that planning and execution can be tested, pickled and sent to another
machine without a circuit. Nothing in this file imports Qiskit.

Bit order is Qiskit's: qubit 0 is the least significant bit of an amplitude's index, and the first
target of a gate is the least significant bit of its matrix's row and column.
"""

from __future__ import annotations

import functools
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Callable, Dict, List, NamedTuple, Sequence, Tuple, Union

import numpy as np

if TYPE_CHECKING:
    from basicaer._prepared import Prepared

_BODIES_AT_ONCE = 1 << 16
"""Turns of a loop that are looked at between two looks at whether the job was cancelled."""

DENSE = 0
"""Form of a gate given by its whole matrix: 4**k coefficients, row-major."""
DIAGONAL = 1
"""Form of a gate given by its diagonal alone: 2**k coefficients."""


class Kind(NamedTuple):
    """What all gates of one kind share, whatever their qubits and their coefficients.

    Attributes:
        form: `DENSE` or `DIAGONAL`.
        num_targets: k, the width of the matrix.
        num_controls: the qubits in front of the targets that must have the values in
            `control_state` for the matrix to be applied.
        control_state: bit j is the value that control j must have.
        pattern: for `DENSE` gates of k <= 2 targets, bit ``row * 2**k + column`` is set where the
            matrix can be non-zero for *some* parameters of this kind; -1 means all of it.
        is_real: True if the coefficients are real for *all* parameters of this kind.
    """

    form: int
    num_targets: int
    num_controls: int = 0
    control_state: int = 0
    pattern: int = -1
    is_real: bool = False


class Plans:
    """What is known of how to apply a run of gates, so that it is found out once.

    Not part of the run's value: it travels empty. Threads may look and add at the same time; at
    worst two find out the same.

    Attributes:
        prepared: its plans, by what they depend on beside the gates.
        needless: by qubits and whether it is applied again, whether to apply the gates one by one
            takes less time than their plan.
        parts: the run in parts of so many gates.
    """

    __slots__ = ("needless", "parts", "prepared")

    def __init__(self) -> None:
        self.prepared: Dict[Tuple[Any, ...], Prepared] = {}
        self.needless: Dict[Tuple[int, bool], bool] = {}
        self.parts: Dict[int, Tuple[Gates, ...]] = {}

    def __reduce__(self) -> Tuple[type, Tuple[()]]:
        return Plans, ()


@dataclass(frozen=True, eq=False)
class Gates:
    """A run of unitary gates, as flat arrays.

    Gate ``i`` is of kind ``kinds[kind[i]]``, acts on ``qubits[start[i]:start[i + 1]]`` (controls
    first, then targets) and has its coefficients from ``coefficients[offset[i]]`` on. Gates may
    share coefficients. Two runs with equal `kinds`, `kind` and `qubits` have the same structure and
    so the same schedule, whatever their coefficients.

    Attributes:
        kinds: the kinds that occur.
        kind: int32, shape (num_gates,).
        start: int32, shape (num_gates + 1,).
        qubits: int32, shape (start[-1],).
        offset: int64, shape (num_gates,).
        coefficients: complex128, one-dimensional.
        plans: what `_state` has found out about this run. Not part of the value.
    """

    kinds: Tuple[Kind, ...]
    kind: np.ndarray
    start: np.ndarray
    qubits: np.ndarray
    offset: np.ndarray
    coefficients: np.ndarray
    plans: Plans = field(default_factory=Plans, init=False, repr=False)

    def __len__(self) -> int:
        return len(self.kind)

    def parts(self, most: int) -> Tuple[Gates, ...]:
        """Returns the run as runs of at most `most` gates, the same ones each time."""
        found = self.plans.parts.get(most)
        if found is None:
            found = self.plans.parts[most] = tuple(
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

    Only ever follows resets of the same qubits (`initialize` is lowered to both).
    """

    qubits: Tuple[int, ...]
    amplitudes: np.ndarray


class BitsEqual(NamedTuple):
    """True where the clbits, the first the least significant, hold `value` (any width)."""

    clbits: Tuple[int, ...]
    value: int


class Expression(NamedTuple):
    """A classical expression, as a tree.

    Attributes:
        operator: "bits" (operands: the clbits, least significant first), "value" (one operand, an
            int), "cast" (operand and target width), or the name of a
            `qiskit.circuit.classical.expr` operator in lower case ("bit_and", "logic_not",
            "less_equal", ...).
        operands: expressions, or what `operator` says.
        width: bits of the result; 1 for a Bool.
    """

    operator: str
    operands: tuple
    width: int


Condition = Union[BitsEqual, Expression]


class IfElse(NamedTuple):
    """Runs `true_body` where the condition holds, otherwise `false_body`. `c_if` lowers to it."""

    condition: Condition
    true_body: Tuple[Operation, ...]
    false_body: Tuple[Operation, ...] = ()


class While(NamedTuple):
    """Runs `body` as long as the condition holds before it."""

    condition: Condition
    body: Tuple[Operation, ...]


class For(NamedTuple):
    """Runs the bodies one after another, one for each value of the loop variable, bound already."""

    bodies: Tuple[Tuple[Operation, ...], ...]

    def distinct(
        self, check: Union[Callable[[], None], None] = None
    ) -> List[Tuple[Tuple[Operation, ...], int]]:
        """Returns the different bodies, and how often each is run; `check` is called meanwhile.

        Mostly it is one body, the same object many times.
        """
        times: Counter[int] = Counter()
        found: Dict[int, Tuple[Operation, ...]] = {}
        for first in range(0, len(self.bodies), _BODIES_AT_ONCE):
            if check is not None:
                check()
            bodies = self.bodies[first : first + _BODIES_AT_ONCE]
            one = bodies[0]
            try:
                alike = bodies.count(one) == len(bodies)  # ten times as quick as what follows
            except ValueError:  # amplitudes, which cannot be compared: they differ
                alike = False
            if alike:
                found[id(one)] = one
                times[id(one)] += len(bodies)
            else:
                found.update((id(body), body) for body in bodies)
                times.update(map(id, bodies))
        return [(body, times[key]) for key, body in found.items()]


class Switch(NamedTuple):
    """Runs the body of the case that lists the target's value; the default's if none does.

    Attributes:
        target: "bits" or any other expression.
        cases: pairs of the values (None in place of the tuple for the default) and the body.
    """

    target: Expression
    cases: Tuple[Tuple[Union[Tuple[int, ...], None], Tuple[Operation, ...]], ...]


class Break(NamedTuple):
    """Leaves the innermost loop."""


class Continue(NamedTuple):
    """Goes on with the innermost loop's next turn."""


Operation = Union[Gates, Measure, Reset, Prepare, IfElse, While, For, Switch, Break, Continue]


@dataclass(frozen=True, eq=False)
class Program:
    """A circuit as numbers.

    Attributes:
        num_qubits: width of the state.
        num_clbits: width of the classical memory.
        body: what is done, in order. `Gates` runs are as long as the operations between allow.
        global_phase: radians; multiplies the initial state by ``exp(1j * global_phase)``.
        name: for messages only.
        samples: True if terra's BasicAer would draw all shots from the final state: no reset
            anywhere, and after the first measurement nothing but measurements, barriers and
            identities. (It depends on the instructions' names, so lowering decides it.) The body
            is nothing but gates, and then measurements, if so.
    """

    num_qubits: int
    num_clbits: int
    body: Tuple[Operation, ...]
    global_phase: float = 0.0
    name: str = ""
    samples: bool = True

    @functools.cached_property
    def outline(self) -> Outline:
        """What the body is made of, found out once. Not part of the value, not pickled."""
        return _outline(self.body)

    def __getstate__(self) -> Dict[str, Any]:
        state = dict(self.__dict__)  # in one go: another thread may find out something meanwhile
        state.pop("outline", None)
        return state


# --- what a body is made of ------------------------------------------------------------------


class Outline(NamedTuple):
    """What the body of a program is made of.

    Attributes:
        is_straight: whether it is gates, and then measurements, and nothing else.
        runs: of gates, none of them empty, if it is straight.
        measured: what follows these, if it is straight.
        qubits: the distinct qubits of `measured`, ascending.
        num_gates: the turns of for loops counted each, the bodies of all else once.
    """

    is_straight: bool
    runs: Tuple[Gates, ...]
    measured: Tuple[Measure, ...]
    qubits: Tuple[int, ...]
    num_gates: int


def _outline(body: Sequence[Operation]) -> Outline:
    runs: List[Gates] = []
    measured: List[Measure] = []
    num_gates = 0
    for operation in body:
        if operation.__class__ is Measure:
            measured.append(operation)
        elif operation.__class__ is Gates and not measured:
            count = len(operation.kind)
            if count:
                runs.append(operation)
                num_gates += count
        else:
            return Outline(False, (), (), (), count_gates(body))
    qubits = tuple(sorted({qubit for qubit, _ in measured}))
    return Outline(True, tuple(runs), tuple(measured), qubits, num_gates)


def bodies_within(operation: Operation) -> List[Tuple[Tuple[Operation, ...], int]]:
    """Returns the bodies that an operation has, and how often each of them is there."""
    if isinstance(operation, IfElse):
        return [(operation.true_body, 1), (operation.false_body, 1)]
    if isinstance(operation, While):
        return [(operation.body, 1)]
    if isinstance(operation, For):
        return operation.distinct()
    if isinstance(operation, Switch):
        return [(body, 1) for _, body in operation.cases]
    return []


def count_gates(body: Sequence[Operation]) -> int:
    """Returns the number of gates in a body, the turns of for loops counted each."""
    total = 0
    for operation in body:
        kind = operation.__class__
        if kind is Gates:
            total += len(operation)
        elif kind is not Measure and kind is not Reset:
            for inner, times in bodies_within(operation):
                total += count_gates(inner) * times
    return total
