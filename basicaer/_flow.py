"""A program's body as flat code: instructions and jumps.

A branch must be able to stop at any measurement, be copied there, and go on from there; a number
into flat code can be copied, the inside of nested loops cannot. `flatten` also finds out, once and
for all branches, which outcomes need no branch of their own.

**Deferring.** Measuring a qubit commutes with all that follows as long as nothing follows on this
qubit but diagonal gates, controls and further measurements. If moreover no condition reads the
outcome, then the state need not be collapsed: the outcome is drawn, later, from the probabilities
of the state as it is. Such a `Draw` is marked `SPECTATOR` if a draw that does branch can still
follow and `TERMINAL` if none can. A reset is deferred likewise if its qubit is not used at all
afterwards; it then merely consumes its draw. What comes after the last draw is left out.
"""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass
from typing import Callable, Iterable, Iterator, NamedTuple, Sequence, Tuple, Union

from basicaer._classical import clbits_read
from basicaer._program import (
    DENSE,
    Break,
    Condition,
    Continue,
    Expression,
    For,
    Gates,
    IfElse,
    Kind,
    Measure,
    Operation,
    Prepare,
    Program,
    Reset,
    Switch,
    While,
)
from basicaer.exceptions import BasicAerError

BRANCHES = 0
"""The state is collapsed, and shots with different outcomes part."""
SPECTATOR = 1
"""Deferred, and later draws may branch."""
TERMINAL = 2
"""Deferred, and no later draw branches."""

_X_PATTERN = 0b0110


class Apply(NamedTuple):
    """Applies gates.

    Attributes:
        gates: what is applied.
        used: mask of all qubits of the gates.
        clobbered: mask of the qubits that do not stay in a basis state if they were in one.
        flipped: mask of the qubits whose basis state is inverted.
    """

    gates: Gates
    used: int
    clobbered: int
    flipped: int


class Set(NamedTuple):
    """Prepares qubits, all of them in |0>, in a state."""

    prepare: Prepare
    used: int


class Draw(NamedTuple):
    """A measurement or a reset: one uniform.

    Attributes:
        qubit: the qubit measured.
        clbit: where the outcome goes; None for a reset.
        deferral: `BRANCHES`, `SPECTATOR` or `TERMINAL`.
    """

    qubit: int
    clbit: Union[int, None]
    deferral: int


class Unless(NamedTuple):
    """Jumps to `target` if the condition does not hold."""

    condition: Condition
    target: int


class Select(NamedTuple):
    """Jumps to the target of the expression's value, otherwise to `default`."""

    expression: Expression
    targets: dict[int, int]
    default: int


class Jump(NamedTuple):
    """Goes on at `target`."""

    target: int


class Enter(NamedTuple):
    """Comes to while loop `loop` from outside."""

    loop: int


class Turn(NamedTuple):
    """Begins one more turn of while loop `loop`."""

    loop: int


class End(NamedTuple):
    """The end of the program."""


Instruction = Union[Apply, Set, Draw, Unless, Select, Jump, Enter, Turn, End]


@dataclass(frozen=True)
class Code:
    """A program's body, flat.

    Attributes:
        instructions: ends with `End`.
        num_loops: number of while loops.
        num_draws: uniforms that each shot consumes, whatever its outcomes; None if that depends on
            the outcomes.
        num_gates: gates in the text of the program, each counted once.
        branches: whether any draw is `BRANCHES`.
    """

    instructions: Tuple[Instruction, ...]
    num_loops: int
    num_draws: Union[int, None]
    num_gates: int
    branches: bool


_POLLED = 1 << 12
"""Instructions that are looked at between two looks at whether the job was cancelled."""


def _go_on() -> None:
    """What is called where nobody can cancel."""


def _polled(code: Sequence[Instruction], check: Callable[[], None]) -> Iterable[Instruction]:
    """Returns the instructions; `check` is called now and then while they are gone through."""
    if len(code) <= _POLLED:
        return code

    def parts() -> Iterator[Sequence[Instruction]]:
        for first in range(0, len(code), _POLLED):
            check()
            yield code[first : first + _POLLED]

    return itertools.chain.from_iterable(parts())


def flatten(program: Program, defer: str, check: Callable[[], None] = _go_on) -> Code:
    """Returns the body of `program` as flat code.

    Args:
        program: the program.
        defer: which draws are marked as deferred: "none", "possible" (those that need not collapse
            the state) or "all" (for a program that only ends in measurements).
        check: called now and then, since loops are unrolled; what it raises is raised.

    Raises:
        ValueError: all draws are to be deferred, and the program resets or goes on after measuring.
    """
    num_draws = count_draws(program.body)
    # What is known of qubits is of use only where single draws are made.
    builder = _Builder(program, tracks=num_draws != 0 and defer != "all", check=check)
    builder.add_body(program.body, None)
    builder.code.append(End())
    instructions = builder.code
    num_gates = sum(
        len(item.gates) for item in _polled(instructions, check) if isinstance(item, Apply)
    )
    if defer != "none" and num_draws != 0:
        instructions = _marked_terminal(instructions, check)
        if defer == "all":
            _check_ends_in_measurements(instructions, check)
        else:
            instructions = _mark_deferrable(_without_idle_ends(instructions, check), check)
    branches = any(
        isinstance(item, Draw) and not item.deferral for item in _polled(instructions, check)
    )
    return Code(tuple(instructions), builder.num_loops, num_draws, num_gates, branches)


class _Loop:
    """The loop that is being flattened: the places of its jumps, to be filled in later."""

    def __init__(self) -> None:
        self.breaks: list[int] = []
        self.continues: list[int] = []


class _Builder:
    """Flattens nested bodies into `code`."""

    def __init__(self, program: Program, tracks: bool, check: Callable[[], None]) -> None:
        self.check = check
        self.name = program.name
        self.tracks = tracks
        self.code: list[Instruction] = []
        self.num_loops = 0

    def add_body(self, body: Sequence[Operation], loop: _Loop | None) -> None:
        for operation in body:
            self.add(operation, loop)

    def add(self, operation: Operation, loop: _Loop | None) -> None:
        code = self.code
        if isinstance(operation, Gates):
            if len(operation):
                code.append(Apply(operation, *(_effects(operation) if self.tracks else (0, 0, 0))))
        elif isinstance(operation, Measure):
            code.append(Draw(operation.qubit, operation.clbit, BRANCHES))
        elif isinstance(operation, Reset):
            code.append(Draw(operation.qubit, None, BRANCHES))
        elif isinstance(operation, Prepare):
            code.append(Set(operation, _mask(operation.qubits)))
        elif isinstance(operation, IfElse):
            self._add_if_else(operation, loop)
        elif isinstance(operation, While):
            self._add_while(operation)
        elif isinstance(operation, For):
            self._add_for(operation)
        elif isinstance(operation, Switch):
            self._add_switch(operation, loop)
        elif isinstance(operation, (Break, Continue)):
            if loop is None:
                word = type(operation).__name__.lower()
                raise BasicAerError(f'circuit "{self.name}": {word}_loop outside of any loop')
            (loop.breaks if isinstance(operation, Break) else loop.continues).append(len(code))
            code.append(Jump(-1))
        else:
            raise BasicAerError(
                f'circuit "{self.name}": unknown operation {type(operation).__name__}'
            )

    def _add_if_else(self, operation: IfElse, loop: _Loop | None) -> None:
        code = self.code
        test = len(code)
        code.append(Unless(operation.condition, -1))
        self.add_body(operation.true_body, loop)
        if operation.false_body:
            leave = len(code)
            code.append(Jump(-1))
            code[test] = Unless(operation.condition, len(code))
            self.add_body(operation.false_body, loop)
            code[leave] = Jump(len(code))
        else:
            code[test] = Unless(operation.condition, len(code))

    def _add_while(self, operation: While) -> None:
        code = self.code
        number = self.num_loops
        self.num_loops += 1
        inner = _Loop()
        code.append(Enter(number))
        head = len(code)
        code.append(Unless(operation.condition, -1))
        code.append(Turn(number))
        self.add_body(operation.body, inner)
        code.append(Jump(head))
        code[head] = Unless(operation.condition, len(code))
        self._fill(inner.breaks, len(code))
        self._fill(inner.continues, head)

    def _add_for(self, operation: For) -> None:
        leaves = []
        for body in operation.bodies:
            self.check()
            inner = _Loop()
            self.add_body(body, inner)
            self._fill(inner.continues, len(self.code))
            leaves += inner.breaks
        self._fill(leaves, len(self.code))

    def _add_switch(self, operation: Switch, loop: _Loop | None) -> None:
        code = self.code
        select = len(code)
        code.append(End())
        targets: dict[int, int] = {}
        default = -1
        leaves = []
        for values, body in operation.cases:
            if values is None:
                default = len(code) if default < 0 else default
            else:
                for value in values:
                    targets.setdefault(int(value), len(code))
            self.add_body(body, loop)
            leaves.append(len(code))
            code.append(Jump(-1))
        self._fill(leaves, len(code))
        code[select] = Select(operation.target, targets, default if default >= 0 else len(code))

    def _fill(self, places: list[int], target: int) -> None:
        for place in places:
            self.code[place] = Jump(target)


def _effects(gates: Gates) -> tuple[int, int, int]:
    """Returns the masks `used`, `clobbered` and `flipped` of an `Apply`."""
    used = clobbered = flipped = 0
    qubits = gates.qubits.tolist()
    start = gates.start.tolist()
    traits = [(kind.num_controls, _action(kind)) for kind in gates.kinds]
    for gate, kind in enumerate(gates.kind.tolist()):
        num_controls, action = traits[kind]
        first = start[gate]
        for qubit in qubits[first : start[gate + 1]]:
            used |= 1 << qubit
        if action == "flips":
            flipped ^= 1 << qubits[first]
        elif action == "clobbers":
            for qubit in qubits[first + num_controls : start[gate + 1]]:
                clobbered |= 1 << qubit
    return used, clobbered, flipped


def _action(kind: Kind) -> str:
    """Returns what gates of a kind do to targets that are in a basis state."""
    if kind.form != DENSE:
        return "keeps"
    if kind.num_targets == 1 and kind.num_controls == 0 and kind.pattern & ~_X_PATTERN == 0:
        return "flips"
    return "clobbers"


def _mask(qubits: Sequence[int]) -> int:
    mask = 0
    for qubit in qubits:
        mask |= 1 << qubit
    return mask


# --- which draws can be deferred -----------------------------------------------------------------


class _Facts(NamedTuple):
    """What can still happen from one place of the code on, as masks of qubits and of clbits."""

    used: int  # qubits of gates, measurements and preparations
    moved: int  # qubits on which something acts that does not commute with measuring them
    read: int  # clbits that conditions read
    branches: bool  # a draw that is not deferred
    goes_on: bool  # a draw of any kind, or a turn of a loop that may have no end

    def __or__(self, other: object) -> _Facts:
        assert isinstance(other, _Facts)
        return _Facts(
            self.used | other.used,
            self.moved | other.moved,
            self.read | other.read,
            self.branches or other.branches,
            self.goes_on or other.goes_on,
        )


def _marked_terminal(code: list[Instruction], check: Callable[[], None]) -> list[Instruction]:
    return [
        item._replace(deferral=TERMINAL) if isinstance(item, Draw) else item
        for item in _polled(code, check)
    ]


def _check_ends_in_measurements(code: list[Instruction], check: Callable[[], None]) -> None:
    measured = False
    for item in _polled(code, check):
        if isinstance(item, Draw):
            measured = True
        resets = isinstance(item, Draw) and item.clbit is None
        if resets or (measured and isinstance(item, (Apply, Set, Turn))):
            raise ValueError("the program cannot be sampled: it resets, or goes on after measuring")


def _without_idle_ends(code: list[Instruction], check: Callable[[], None]) -> list[Instruction]:
    """Returns the code, ending where no outcome can come any more: what follows is not seen."""
    facts = _facts_ahead(code, check)
    end = Jump(len(code) - 1)
    return [
        item if facts[place].goes_on else end
        for place, item in enumerate(_polled(code[:-1], check))
    ] + [End()]


def _mark_deferrable(code: list[Instruction], check: Callable[[], None]) -> list[Instruction]:
    """Returns the code, all its draws `TERMINAL`, with the `deferral` of each decided.

    What is found to branch can make earlier measurements of the same qubit branch, hence the
    repetition; the second round finds the last of them, and a third only confirms it.
    """
    marked = list(code)
    while True:
        facts = _facts_ahead(marked, check)
        changed = False
        for place, item in enumerate(_polled(marked, check)):
            if isinstance(item, Draw) and item.deferral != BRANCHES:
                ahead = facts[place + 1]
                qubit = 1 << item.qubit
                if item.clbit is None:
                    deferrable = not ahead.used & qubit
                else:
                    deferrable = not (ahead.moved & qubit or (ahead.read >> item.clbit) & 1)
                if not deferrable:
                    marked[place] = item._replace(deferral=BRANCHES)
                    changed = True
        if not changed:
            break
    return [
        item._replace(deferral=SPECTATOR)
        if isinstance(item, Draw) and item.deferral and facts[place + 1].branches
        else item
        for place, item in enumerate(_polled(marked, check))
    ]


def _facts_ahead(code: list[Instruction], check: Callable[[], None]) -> list[_Facts]:
    """Returns the facts at each place: of the instruction there and of all that can follow it."""
    nothing = _Facts(0, 0, 0, False, False)
    facts = [nothing] * len(code)
    while True:
        changed = False
        for place in range(len(code) - 1, -1, -1):
            if not place % _POLLED:
                check()
            item = code[place]
            new = _own_facts(item)
            for successor in _successors(item, place):
                new |= facts[successor]
            if new != facts[place]:
                facts[place] = new
                # Only a jump backwards can have looked at what has just changed.
                changed = True
        if not changed or not _has_loop(code):
            return facts


def _has_loop(code: list[Instruction]) -> bool:
    return any(isinstance(item, Turn) for item in code)


def _own_facts(item: Instruction) -> _Facts:
    used = moved = read = 0
    branches = goes_on = False
    if isinstance(item, Apply):
        used, moved = item.used, item.clobbered | item.flipped
    elif isinstance(item, Set):
        used = moved = item.used
    elif isinstance(item, Draw):
        goes_on = True
        branches = item.deferral == BRANCHES
        used = 0 if item.clbit is None and not branches else 1 << item.qubit
        moved = 1 << item.qubit if branches else 0
    elif isinstance(item, Unless):
        read = clbits_read(item.condition)
    elif isinstance(item, Select):
        read = clbits_read(item.expression)
    elif isinstance(item, Turn):
        goes_on = True
    return _Facts(used, moved, read, branches, goes_on)


def _successors(item: Instruction, place: int) -> Iterator[int]:
    if isinstance(item, End):
        return
    if isinstance(item, Jump):
        yield item.target
        return
    if isinstance(item, Select):
        yield from item.targets.values()
        yield item.default
        return
    if isinstance(item, Unless):
        yield item.target
    yield place + 1


# --- how many draws a shot makes -----------------------------------------------------------------


def count_draws(body: Sequence[Operation]) -> int | None:
    """Returns how many uniforms each shot consumes in `body`; None if outcomes decide it."""
    total = 0
    for operation in body:
        if isinstance(operation, (Measure, Reset)):
            count: int | None = 1
        elif isinstance(operation, IfElse):
            count = _common([count_draws(operation.true_body), count_draws(operation.false_body)])
        elif isinstance(operation, While):
            count = 0 if count_draws(operation.body) == 0 else None
        elif isinstance(operation, For):
            count = _count_for(operation)
        elif isinstance(operation, Switch):
            counts = [count_draws(case) for _, case in operation.cases]
            if all(values is not None for values, _ in operation.cases):
                counts.append(0)
            count = _common(counts)
        else:
            count = 0
        if count is None:
            return None
        total += count
    return total


def _count_for(operation: For) -> int | None:
    # Mostly it is one body, the same object many times.
    times = Counter(map(id, operation.bodies))
    bodies = {id(body): body for body in operation.bodies}
    total = 0
    for key, body in bodies.items():
        count = count_draws(body)
        if count is None:
            return None
        total += count * times[key]
    if total and any(map(_leaves_early, bodies.values())):
        return None
    return total


def _common(counts: list[int | None]) -> int | None:
    return counts[0] if all(count == counts[0] for count in counts) else None


def _leaves_early(body: Sequence[Operation]) -> bool:
    """Returns whether the body has a break or continue of the loop that it is the body of."""
    inner: list[Sequence[Operation]] = []
    for operation in body:
        if isinstance(operation, (Break, Continue)):
            return True
        if isinstance(operation, IfElse):
            inner += [operation.true_body, operation.false_body]
        elif isinstance(operation, Switch):
            inner += [case for _, case in operation.cases]
    return any(_leaves_early(part) for part in inner)
