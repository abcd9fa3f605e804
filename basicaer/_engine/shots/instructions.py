"""The instructions of flat code, made from a program's body by `flatten`.

A `Store` of the program is an instruction as it is.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Callable, Iterable, Iterator, NamedTuple, Sequence, Union

from basicaer._engine.program import Condition, Expression, Gates, Prepare, Store

BRANCHES = 0
"""Collapses the state and splits shots with different outcomes."""
SPECTATOR = 1
"""Deferred, and later draws may branch."""
TERMINAL = 2
"""Deferred, and no later draw branches."""


class Apply(NamedTuple):
    """Applies gates.

    Attributes:
        gates: the gates.
        used: mask of all qubits of the gates.
        clobbered: mask of the qubits that may leave a basis state.
        flipped: mask of the qubits whose basis state is inverted.
    """

    gates: Gates
    used: int
    clobbered: int
    flipped: int


class Set(NamedTuple):
    """Brings qubits, all in |0>, to a state; `used` is their mask."""

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
    """Jumps to the target of the expression's value, or to `default` if it has none."""

    expression: Expression
    targets: dict[int, int]
    default: int


class Jump(NamedTuple):
    """Goes on at `target`."""

    target: int


class Enter(NamedTuple):
    """Enters while loop `loop` from outside."""

    loop: int


class Turn(NamedTuple):
    """Begins an iteration of while loop `loop`."""

    loop: int


class End(NamedTuple):
    """The end of the program."""


Instruction = Union[Apply, Set, Draw, Store, Unless, Select, Jump, Enter, Turn, End]


@dataclass(frozen=True)
class Code:
    """A program's body as flat code.

    Attributes:
        instructions: ends with `End`.
        num_loops: number of while loops.
        num_draws: uniforms that each shot uses; None if that depends on outcomes.
        branches: whether any draw is `BRANCHES`.
    """

    instructions: Sequence[Instruction]
    num_loops: int
    num_draws: Union[int, None]
    branches: bool


POLLED = 1 << 12
"""Instructions that are examined between two checks for cancellation."""


def polled(code: Sequence[Instruction], check: Callable[[], None]) -> Iterable[Instruction]:
    """Returns an iterable of the instructions that calls `check` now and then."""
    if len(code) <= POLLED:
        return code

    def chunks() -> Iterator[Sequence[Instruction]]:
        for first in range(0, len(code), POLLED):
            check()
            yield code[first : first + POLLED]

    return itertools.chain.from_iterable(chunks())
