"""Flat code: what a program's body becomes before its shots are run, see `_flow`."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Callable, Iterable, Iterator, NamedTuple, Sequence, Union

from basicaer._program import Condition, Expression, Gates, Prepare

BRANCHES = 0
"""The state is collapsed, and shots with different outcomes part."""
SPECTATOR = 1
"""Deferred, and later draws may branch."""
TERMINAL = 2
"""Deferred, and no later draw branches."""


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
        branches: whether any draw is `BRANCHES`.
    """

    instructions: Sequence[Instruction]
    num_loops: int
    num_draws: Union[int, None]
    branches: bool


POLLED = 1 << 12
"""Instructions that are looked at between two looks at whether the job was cancelled."""


def polled(code: Sequence[Instruction], check: Callable[[], None]) -> Iterable[Instruction]:
    """Returns the instructions; `check` is called now and then while they are gone through."""
    if len(code) <= POLLED:
        return code

    def parts() -> Iterator[Sequence[Instruction]]:
        for first in range(0, len(code), POLLED):
            check()
            yield code[first : first + POLLED]

    return itertools.chain.from_iterable(parts())
