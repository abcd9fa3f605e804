"""Finds the draws that need no branch.

Measuring a qubit commutes with everything that follows if only diagonal gates, controls and further
measurements follow on this qubit. If also no condition reads the outcome, the state need not be
collapsed: the outcome is drawn later from the uncollapsed state. Such a `Draw` is marked
`SPECTATOR` if a draw that branches can follow, otherwise `TERMINAL`. A reset is deferred if its
qubit is not used afterwards; it then only uses up its draw. Code after the last draw and the last
store is left out.
"""

from __future__ import annotations

from typing import Callable, Iterator, NamedTuple, Sequence

from basicaer._engine.program import Store
from basicaer._engine.shots import instructions
from basicaer._engine.shots.classical import clbits_read
from basicaer._engine.shots.instructions import (
    BRANCHES,
    SPECTATOR,
    TERMINAL,
    Apply,
    Draw,
    End,
    Instruction,
    Jump,
    Select,
    Set,
    Turn,
    Unless,
    polled,
)


class _Facts(NamedTuple):
    """What can happen from a place in the code onwards; the ints are masks."""

    used: int  # qubits that gates, measurements and preparations act on
    moved: int  # qubits with an operation that does not commute with measuring them
    read: int  # clbits that conditions and stores read
    branches: bool  # whether a draw is not deferred
    goes_on: bool  # whether there is any draw, store, or while loop, which may be endless

    def __or__(self, other: object) -> _Facts:
        assert isinstance(other, _Facts)
        return _Facts(
            self.used | other.used,
            self.moved | other.moved,
            self.read | other.read,
            self.branches or other.branches,
            self.goes_on or other.goes_on,
        )


def without_idle_ends(code: list[Instruction], check: Callable[[], None]) -> list[Instruction]:
    """Returns the code with a jump to the end wherever no draw or store can follow."""
    facts = _facts_ahead(code, check)
    end = Jump(len(code) - 1)
    ending = [
        item if facts[place].goes_on else end for place, item in enumerate(polled(code, check))
    ]
    ending[-1] = End()
    return ending


def mark_deferrable(code: list[Instruction], check: Callable[[], None]) -> list[Instruction]:
    """Returns the code with the `deferral` of each draw set.

    All draws start out as deferred. A draw that turns out to branch can make earlier measurements
    of the same qubit branch, so this repeats until nothing changes: at most three rounds.
    """
    known: dict[Draw, Draw] = {}  # equal ones are one object, as in `_facts_ahead`

    def as_marked(draw: Draw, deferral: int) -> Draw:
        new = draw._replace(deferral=deferral)
        return known.setdefault(new, new)

    marked = [
        as_marked(item, TERMINAL) if isinstance(item, Draw) else item
        for item in polled(code, check)
    ]
    while True:
        facts = _facts_ahead(marked, check)
        changed = False
        for place, item in enumerate(polled(marked, check)):
            if isinstance(item, Draw) and item.deferral != BRANCHES:
                ahead = facts[place + 1]
                qubit = 1 << item.qubit
                if item.clbit is None:
                    deferrable = not ahead.used & qubit
                else:
                    deferrable = not (ahead.moved & qubit or (ahead.read >> item.clbit) & 1)
                if not deferrable:
                    marked[place] = as_marked(item, BRANCHES)
                    changed = True
        if not changed:
            break
    return [
        as_marked(item, SPECTATOR)
        if isinstance(item, Draw) and item.deferral and facts[place + 1].branches
        else item
        for place, item in enumerate(polled(marked, check))
    ]


def without_final_measurements(
    code: Sequence[Instruction], check: Callable[[], None]
) -> list[Instruction]:
    """Returns the code without the measurements that are the last of their qubit and clbit.

    After such a measurement the qubit is not used, but for others of this kind, and no condition or
    store reads the clbit. A jump to the next place takes its place.
    """
    measured = [
        place
        for place, item in enumerate(polled(code, check))
        if isinstance(item, Draw) and item.clbit is not None
    ]
    left = list(code)
    for place in measured:
        left[place] = Jump(place + 1)
    while measured:
        facts = _facts_ahead(left, check)
        final = []
        for place in measured:
            item, ahead = code[place], facts[place + 1]
            assert isinstance(item, Draw) and item.clbit is not None
            if ahead.used >> item.qubit & 1 or ahead.read >> item.clbit & 1:
                left[place] = item
            else:
                final.append(place)
        if len(final) == len(measured):
            break
        measured = final  # one that stays may be what uses the qubit of others
    return left


def _facts_ahead(code: list[Instruction], check: Callable[[], None]) -> list[_Facts]:
    """Returns, for each place, the facts of its instruction and of all that can follow."""
    nothing = _Facts(0, 0, 0, False, False)
    facts = [nothing for _ in polled(code, check)]
    # Equal facts are one object: millions of objects would slow down the garbage collector.
    known: dict[_Facts, _Facts] = {}
    while True:
        changed = False
        for place in range(len(code) - 1, -1, -1):
            if not place % instructions.POLLED:
                check()
            item = code[place]
            new = _own_facts(item)
            for successor in successors(item, place):
                new |= facts[successor]
            if new != facts[place]:
                facts[place] = known.setdefault(new, new)
                # Only a backward jump can have used the old value.
                changed = True
        if not changed or not any(isinstance(item, Turn) for item in polled(code, check)):
            return facts


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
    elif isinstance(item, Store):
        goes_on = True
        read = clbits_read(item.value)
    elif isinstance(item, Turn):
        goes_on = True
    return _Facts(used, moved, read, branches, goes_on)


def successors(item: Instruction, place: int) -> Iterator[int]:
    """Yields the places that can follow an instruction."""
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
