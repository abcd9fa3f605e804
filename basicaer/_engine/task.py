"""Tasks and their outcomes: plain numbers, picklable."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Callable, Mapping, Protocol, Tuple, Union

import numpy as np

from basicaer._engine.memory import Allowance
from basicaer._engine.once import once
from basicaer._engine.program import Program
from basicaer._engine.shots.draws import Seed

if TYPE_CHECKING:
    from basicaer._engine.control import Control


def method_of(
    program: Program, output: str, shots: int, allow_sampling: bool, branching: bool
) -> str:
    """Returns how a program is run, see `Task.method`; the arguments are attributes of a task."""
    if output != "counts":
        return output
    if shots > 1 and program.samples and allow_sampling:
        return "sampled"
    return "branching" if branching else "shot_by_shot"


class StandIn(Protocol):
    """What computes a task in the engine's place; picklable.

    It calls `control.add_total` with its work before it begins, and `control.check` now and then.
    """

    @property
    def work(self) -> int:
        """An estimate of its work, in amplitude-gates."""

    def seeded(self, seed: Any) -> StandIn:
        """Returns the same with a seed for its draws; None for a new one each time."""

    def __call__(self, task: Task, control: Control) -> Outcome:
        """Computes the outcome; its metadata has "method", "peak_memory" and "time"."""


@dataclass(frozen=True, eq=False)
class Task:
    """What to compute. The result of `execute` depends on nothing else.

    Attributes:
        program: the circuit.
        output: "counts", "statevector" or "unitary".
        shots: number of shots, for "counts"; a statevector is that of one shot.
        seed: of the draws, and by its type the generator that makes them.
        initial: initial state, shape (2**n,), or unitary, shape (2**n, 2**n); None for |0...0> or
            the identity.
        precision: "double" or "single".
        threads: maximum number of threads.
        fusion: whether the planner may multiply gates together.
        allow_sampling: whether all shots may be drawn from one final state.
        allowance: the memory that it may take; None to use what is available.
        max_iterations: most iterations of a while loop, each time it is entered; None for no limit.
        branching: whether shots share their common past; otherwise each runs from the start.
        chop: entries of the final statevector or unitary with a smaller absolute value become 0.
        part: (first, last) to compute only the shots first to last - 1. Their outcomes are the same
            as in a run of all shots. None for all.
        stand_in: what computes the task in the engine's place; None for the engine.
    """

    program: Program
    output: str = "counts"
    shots: int = 1024
    seed: Seed = 0
    initial: Union[np.ndarray, None] = None
    precision: str = "double"
    threads: int = 1
    fusion: bool = True
    allow_sampling: bool = True
    allowance: Union[Allowance, None] = None
    max_iterations: Union[int, None] = None
    branching: bool = True
    chop: float = 0.0
    part: Union[Tuple[int, int], None] = None
    stand_in: Union[StandIn, None] = None

    @classmethod
    def of(cls, shared: Mapping[str, Any], **own: Any) -> Task:
        """Returns ``Task(**shared, **own)`` in a quarter of the time; `own` may override `shared`.

        The constructor of a frozen class sets its fields one by one, which is slow. Fields that are
        not given have their defaults. The `method` may be given too, if it is known already.
        """
        task = object.__new__(cls)
        task.__dict__.update(shared, **own)
        return task

    def replace(self, **fields: Any) -> Task:
        """Returns a copy with some fields changed; faster than `dataclasses.replace`."""
        other = object.__new__(Task)
        values = other.__dict__
        values.update(self.__dict__)
        for name in _COMPUTED:
            values.pop(name, None)
        values.update(fields)
        return other

    def __getstate__(self) -> dict[str, Any]:
        return self.replace().__dict__

    @once
    def method(self) -> str:
        """How the program is run.

        - "statevector", "unitary": once, for its final state;
        - "sampled": once, and all shots are drawn from the final state;
        - "branching": shots share their past, see `branch`;
        - "shot_by_shot": from the start for each shot.
        """
        return method_of(self.program, self.output, self.shots, self.allow_sampling, self.branching)

    @once
    def work(self) -> int:
        """A rough upper bound on its amplitude-gates."""
        if self.stand_in is not None:
            return self.stand_in.work
        output = self.output
        work = self.program.amplitude_gates(output == "unitary")
        if output == "counts" and self.method != "sampled":
            first, last = (0, self.shots) if self.part is None else self.part
            work *= last - first
        return work

    @once
    def is_one_pass(self) -> bool:
        """True if the state after the program's gates is all that the output is computed from."""
        if self.stand_in is not None:
            return False
        outline = self.program.outline
        if self.output == "counts":
            return outline.is_one_pass and self.method == "sampled"
        return outline.is_one_pass and not outline.measured


_COMPUTED = ("is_one_pass", "method", "work")
"""What a task computes of its fields."""


@dataclass(eq=False)
class Outcome:
    """The result of a task.

    Attributes:
        memory: uint64 of shape (shots, words), word 0 the least significant; no rows if BasicAer
            gives no outcomes.
        array: the final statevector or unitary, or None.
        metadata: how it was computed: method, states_simulated, branches, statistics, largest
            observed deviation of a norm from 1, bytes of states and outcomes, seconds.
    """

    memory: np.ndarray
    array: Union[np.ndarray, None] = None
    metadata: dict[str, Any] = field(default_factory=dict)

    @once
    def drift(self) -> float:
        """The largest observed deviation of a norm from 1."""
        drift: float = self.metadata.get("norm_drift", 0.0)
        return drift

    @once
    def seconds(self) -> float:
        """The seconds that it took."""
        seconds: float = self.metadata["time"]["total"]
        return seconds

    def complete(self, seconds: float) -> None:
        """Adds the seconds that it took, and the bytes of the outcomes, to the metadata."""
        _complete(self.metadata, self.memory, seconds)


def _complete(metadata: dict[str, Any], memory: np.ndarray, seconds: float) -> None:
    metadata["peak_memory"] += memory.nbytes
    metadata["time"]["total"] = seconds


class LateOutcome(Outcome):
    """An outcome whose metadata is made when somebody asks.

    Args:
        memory, array: as in `Outcome`.
        drift: the largest observed deviation of a norm from 1.
        make: returns the metadata, which is then completed; picklable. It is given the seconds that
            the outcome took.
    """

    def __init__(
        self,
        memory: np.ndarray,
        array: Union[np.ndarray, None],
        drift: float,
        make: Callable[[float], dict[str, Any]],
    ) -> None:
        self.memory = memory
        self.array = array
        self.drift = drift
        self._make = make

    @once
    def metadata(self) -> dict[str, Any]:
        """As in `Outcome`."""
        metadata = self._make(self.seconds)
        _complete(metadata, self.memory, self.seconds)
        return metadata

    def complete(self, seconds: float) -> None:
        """As in `Outcome`, once there is metadata."""
        self.seconds = seconds
