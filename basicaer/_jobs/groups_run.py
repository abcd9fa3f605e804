"""Runs the groups of circuits of a job on threads of this process."""

from __future__ import annotations

import time
from typing import List, Sequence

from basicaer._engine import threads as _threads
from basicaer._engine.control import Control
from basicaer._engine.costs import WAKE_NS
from basicaer._engine.memory import bytes_of_groups
from basicaer._engine.shots.draws import Seeds
from basicaer._engine.shots.groups import Figures, Group, run_group
from basicaer._engine.work import groups_at_once, nanoseconds_of_groups
from basicaer._jobs.run import is_off, norm_warning


class GroupsRun:
    """The groups of a job; `carry_out` runs them, once. As `run.JobRun` for single circuits.

    Args:
        groups: the groups.
        seeds: of all circuits.
        shots: of each circuit.
        listed: whether the outcome of each shot is kept.
        precision: "double" or "single".
        threads: the most threads to use.
        names: the names of the circuits, for messages.

    Attributes:
        control: control of the job.
        need: bytes that the job takes while it runs.
        limit: None: groups run within the available memory.
        queued: seconds that the job waited.
    """

    def __init__(
        self,
        groups: Sequence[Group],
        seeds: Seeds,
        *,
        shots: int,
        listed: bool,
        precision: str,
        threads: int,
        names: Sequence[str],
    ) -> None:
        self.groups = groups
        self._seeds = seeds
        self._shots = shots
        self._listed = listed
        self._precision = precision
        self._names = names
        circuits = sum([len(group.ends) for group in groups])
        work = sum([group.work for group in groups])
        self._nanoseconds = nanoseconds_of_groups(circuits, work, shots)
        self._at_once = groups_at_once(len(groups), self._nanoseconds, threads)
        self.need = need_of(groups, shots, listed, self._at_once)
        self.limit: int | None = None
        self.control = Control(work)
        self._made = time.perf_counter()
        self.queued = 0.0

    def is_brief(self) -> bool:
        """Whether the job is brief: waking a thread and waiting for it would take longer."""
        return self._nanoseconds <= WAKE_NS

    @property
    def size(self) -> int:
        """Bytes that the job holds while it waits, about."""
        return sum([group.nbytes for group in self.groups])

    def carry_out(self) -> List[Figures]:
        """Runs the groups; returns the figures of each, in order.

        Each thread takes one group after another.

        Raises:
            Cancelled: the job was cancelled.
        """
        self.queued = time.perf_counter() - self._made
        found: List[Figures | None] = [None] * len(self.groups)
        numbers = iter(range(len(found)))

        def work() -> None:
            try:
                for number in numbers:  # next() of a range's iterator is atomic
                    found[number] = self._one(self.groups[number])
            except BaseException:
                self.control.halt()  # one group has failed, so the job has no result
                raise

        _threads.cooperate(work, self._at_once)
        return [figures for figures in found if figures is not None]

    def _one(self, group: Group) -> Figures:
        figures = run_group(
            group,
            self._seeds,
            self._shots,
            listed=self._listed,
            precision=self._precision,
            control=self.control,
        )
        drifts = figures.drifts
        if is_off(float(drifts.max()), self._precision):
            for place, drift in zip(group.places.tolist(), drifts.tolist()):
                if is_off(drift, self._precision):
                    self.control.warnings.append(
                        norm_warning(
                            place, self._names[place], drift, "at the end", self._precision
                        )
                    )
        return figures


def need_of(groups: Sequence[Group], shots: int, listed: bool, threads: int) -> int:
    """Returns the bytes that groups need while they run; arguments as for `GroupsRun`."""
    return bytes_of_groups(
        sum([len(group.ends) for group in groups]),
        shots,
        outcomes=1 << max([int(group.widths.max()) for group in groups]),
        listed=listed,
        threads=threads,
    )
