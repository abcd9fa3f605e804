"""What is to be computed, and what came out: numbers, which travel as they are."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, Tuple, Union

import numpy as np

from basicaer._engine.program import Program


@dataclass(frozen=True, eq=False)
class Task:
    """What is to be computed; `execute` is a function of this alone.

    Attributes:
        program: the circuit.
        output: "counts", "statevector" or "unitary".
        shots: how often it is run, for "counts"; a statevector is that of one shot.
        seed: of the draws.
        initial: the state to begin with, shape (2**n,), or unitary, shape (2**n, 2**n); None for
            |0...0> or the identity.
        precision: "double" or "single".
        threads: the most threads to use.
        fusion: whether gates may be multiplied together before they are applied.
        allow_sampling: whether all shots may be drawn from the final state of one run.
        memory_limit: bytes that the states may take together; None for what is available.
        max_iterations: the most turns of a while loop, each time it is entered; None for no limit.
        branching: whether shots share their past. Without it they are run one by one.
        chop: entries of a final statevector or unitary of a smaller absolute value become 0.
        part: (first, last) if only these of the shots are wanted, the others being somebody else's;
            their outcomes are those that they have among all. None for all.
    """

    program: Program
    output: str = "counts"
    shots: int = 1024
    seed: int = 0
    initial: Union[np.ndarray, None] = None
    precision: str = "double"
    threads: int = 1
    fusion: bool = True
    allow_sampling: bool = True
    memory_limit: Union[int, None] = None
    max_iterations: Union[int, None] = None
    branching: bool = True
    chop: float = 0.0
    part: Union[Tuple[int, int], None] = None

    @classmethod
    def of(cls, **fields: Any) -> Task:
        """Returns ``Task(**fields)``, all fields but `allow_sampling` and `part` given, quickly.

        A frozen class sets its fields one by one, which takes four times as long.
        """
        task = object.__new__(cls)
        task.__dict__.update(fields, allow_sampling=True, part=None)
        return task

    def but(self, **fields: Any) -> Task:
        """Returns the task with other values of some fields, in less time than `replace` takes."""
        other = object.__new__(Task)
        values = other.__dict__
        values.update(self.__dict__)
        values.pop("plain", None)  # what `_plain` has found out
        values.update(fields)
        return other

    def __getstate__(self) -> Dict[str, Any]:
        state = dict(self.__dict__)  # in one go: another thread may find out something meanwhile
        state.pop("plain", None)
        return state


@dataclass(eq=False)
class Outcome:
    """What came out.

    Attributes:
        memory: uint64 of shape (shots, words), word 0 the least significant; no rows where BasicAer
            gives no outcomes.
        array: the final statevector or unitary, or None.
        metadata: how it was computed: method, states_simulated, branches, statistics, how far the
            norm of a state was off 1 where it was seen, bytes of states and outcomes, seconds.
    """

    memory: np.ndarray
    array: Union[np.ndarray, None] = None
    metadata: dict[str, Any] = field(default_factory=dict)
