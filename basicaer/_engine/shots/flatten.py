"""Flattens a program's body into instructions and jumps.

A branch must be able to stop at any measurement, be copied, and continue. Its position in flat code
is one number, which can be copied; a position inside nested loops cannot. `flatten` also marks the
draws that need no branch (`deferral`).
"""

from __future__ import annotations

from typing import Callable, Sequence, Tuple, Union

from basicaer._engine.control import no_check
from basicaer._engine.errors import EngineError
from basicaer._engine.program import (
    DENSE,
    Break,
    Continue,
    For,
    Gates,
    IfElse,
    Kind,
    Measure,
    Operation,
    Prepare,
    Program,
    Reset,
    Store,
    Switch,
    While,
    bodies_of,
)
from basicaer._engine.shots.deferral import mark_deferrable, without_idle_ends
from basicaer._engine.shots.instructions import (
    BRANCHES,
    Apply,
    Code,
    Draw,
    End,
    Enter,
    Instruction,
    Jump,
    Select,
    Set,
    Turn,
    Unless,
    polled,
)

_X_PATTERN = 0b0110

Effects = Tuple[int, int, int]
"""The masks `used`, `clobbered` and `flipped` of an `Apply`."""


def flatten(
    program: Program,
    defer: bool,
    check: Callable[[], None] = no_check,
    effects: Union[Callable[[Gates], Effects], None] = None,
) -> Code:
    """Returns the body of `program` as flat code.

    Args:
        program: the program.
        defer: whether to mark the draws that need no branch as deferred.
        check: called now and then, since for loops are unrolled; may raise.
        effects: returns what gates do to qubits; None to look at each gate.
    """
    num_draws = count_draws(program.body, check)
    # Known qubits matter only if there are draws.
    found = (effects or _effects) if num_draws != 0 else _no_effects
    builder = _Builder(program, found, check)
    builder.add_body(program.body, None)
    builder.code.append(End())
    instructions = builder.code
    if defer and num_draws != 0:
        instructions = mark_deferrable(without_idle_ends(instructions, check), check)
    branches = any(
        isinstance(item, Draw) and not item.deferral for item in polled(instructions, check)
    )
    return Code(instructions, builder.num_loops, num_draws, branches)


class _Loop:
    """The loop being flattened: places of its jumps, whose targets are set later."""

    def __init__(self) -> None:
        self.breaks: list[int] = []
        self.continues: list[int] = []


class _Builder:
    """Flattens nested bodies into `code`."""

    def __init__(
        self, program: Program, effects: Callable[[Gates], Effects], check: Callable[[], None]
    ) -> None:
        self.check = check
        self.name = program.name
        self.effects = effects
        self.code: list[Instruction] = []
        self.num_loops = 0
        # Instructions by id of their operation. A repeated operation becomes one object: millions
        # of objects would slow down the garbage collector.
        self.known: dict[int, Instruction] = {}

    def add_body(self, body: Sequence[Operation], loop: _Loop | None) -> None:
        for operation in body:
            self.add(operation, loop)

    def add(self, operation: Operation, loop: _Loop | None) -> None:
        code = self.code
        known = self.known.get(id(operation))
        if known is not None:
            code.append(known)
        elif isinstance(operation, Gates):
            if len(operation):
                self._add_known(operation, Apply(operation, *self.effects(operation)))
        elif isinstance(operation, Measure):
            self._add_known(operation, Draw(operation.qubit, operation.clbit, BRANCHES))
        elif isinstance(operation, Reset):
            self._add_known(operation, Draw(operation.qubit, None, BRANCHES))
        elif isinstance(operation, Prepare):
            self._add_known(operation, Set(operation, _mask(operation.qubits)))
        elif isinstance(operation, Store):
            code.append(operation)
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
                raise EngineError(f'circuit "{self.name}": {word}_loop outside of any loop')
            (loop.breaks if isinstance(operation, Break) else loop.continues).append(len(code))
            code.append(Jump(-1))
        else:
            raise EngineError(
                f'circuit "{self.name}": unknown operation {type(operation).__name__}'
            )

    def _add_known(self, operation: Operation, instruction: Instruction) -> None:
        self.known[id(operation)] = instruction
        self.code.append(instruction)

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


def _no_effects(gates: Gates) -> Effects:
    return 0, 0, 0


def all_clobbered(gates: Gates) -> Effects:
    """Returns effects as if no qubit stayed in a basis state, without a look at each gate."""
    used = _mask(list(set(gates.qubits.tolist())))
    return used, used, 0


def _effects(gates: Gates) -> Effects:
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
    """Returns the effect on targets in a basis state: "keeps", "flips" or "clobbers"."""
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


# --- how many draws a shot makes -----------------------------------------------------------------


def count_draws(body: Sequence[Operation], check: Callable[[], None] = no_check) -> int | None:
    """Returns the uniforms that each shot uses in `body`; None if that depends on outcomes."""
    total = 0
    for operation in body:
        if isinstance(operation, (Measure, Reset)):
            count: int | None = 1
        elif isinstance(operation, IfElse):
            count = _common([count_draws(inner, check) for inner in bodies_of(operation)])
        elif isinstance(operation, While):
            count = 0 if count_draws(operation.body, check) == 0 else None
        elif isinstance(operation, For):
            count = _count_for(operation, check)
        elif isinstance(operation, Switch):
            counts = [count_draws(inner, check) for inner in bodies_of(operation)]
            if all(values is not None for values, _ in operation.cases):
                counts.append(0)
            count = _common(counts)
        else:
            count = 0
        if count is None:
            return None
        total += count
    return total


def _count_for(operation: For, check: Callable[[], None]) -> int | None:
    total = 0
    bodies = operation.distinct(check)
    for body, times in bodies:
        count = count_draws(body, check)
        if count is None:
            return None
        total += count * times
    if total and any(_leaves_early(body) for body, _ in bodies):
        return None
    return total


def _common(counts: list[int | None]) -> int | None:
    return counts[0] if all(count == counts[0] for count in counts) else None


def _leaves_early(body: Sequence[Operation]) -> bool:
    """Returns whether a loop body has a break or continue of its own loop."""
    for operation in body:
        if isinstance(operation, (Break, Continue)):
            return True
        if isinstance(operation, (IfElse, Switch)) and any(
            map(_leaves_early, bodies_of(operation))
        ):
            return True
    return False
