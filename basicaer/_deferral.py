"""Which draws need no branch of their own.

Measuring a qubit commutes with all that follows as long as nothing follows on this qubit but
diagonal gates, controls and further measurements. If moreover no condition reads the outcome, then
the state need not be collapsed: the outcome is drawn, later, from the probabilities of the state as
it is. Such a `Draw` is marked `SPECTATOR` if a draw that does branch can still follow and
`TERMINAL` if none can. A reset is deferred likewise if its qubit is not used at all afterwards; it
then merely consumes its draw. What comes after the last draw is left out.
"""

from __future__ import annotations

from typing import Callable, Iterator, NamedTuple

from basicaer import _code
from basicaer._classical import clbits_read
from basicaer._code import (
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


def without_idle_ends(code: list[Instruction], check: Callable[[], None]) -> list[Instruction]:
    """Returns the code, ending where no outcome can come any more: what follows is not seen."""
    facts = _facts_ahead(code, check)
    end = Jump(len(code) - 1)
    ending = [
        item if facts[place].goes_on else end for place, item in enumerate(polled(code, check))
    ]
    ending[-1] = End()
    return ending


def mark_deferrable(code: list[Instruction], check: Callable[[], None]) -> list[Instruction]:
    """Returns the code with the `deferral` of each draw decided.

    At first every draw passes for deferred. What is found to branch can make earlier measurements
    of the same qubit branch, hence the repetition; the second round finds the last of them, and a
    third only confirms it.
    """
    known: dict[Draw, Draw] = {}  # equal ones are one object, as in `_facts_ahead`

    def as_marked(draw: Draw, deferral: int) -> Draw:
        new = Draw(draw.qubit, draw.clbit, deferral)
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


def _facts_ahead(code: list[Instruction], check: Callable[[], None]) -> list[_Facts]:
    """Returns the facts at each place: of the instruction there and of all that can follow it."""
    nothing = _Facts(0, 0, 0, False, False)
    facts = [nothing for _ in polled(code, check)]
    # Equal ones are one object: of millions the garbage collector would make long pauses.
    known: dict[_Facts, _Facts] = {}
    many = len(code) > _code.POLLED
    while True:
        changed = False
        for place in range(len(code) - 1, -1, -1):
            if not place % _code.POLLED:
                check()
            item = code[place]
            new = _own_facts(item)
            for successor in _successors(item, place):
                new |= facts[successor]
            if new != facts[place]:
                facts[place] = known.setdefault(new, new) if many else new
                # Only a jump backwards can have looked at what has just changed.
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
