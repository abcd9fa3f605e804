"""Runs the groups of circuits of a job on threads of this process."""

from __future__ import annotations

import time
from typing import List, Sequence, Tuple

from basicaer._engine import threads as _threads
from basicaer._engine.control import Control
from basicaer._engine.costs import WAKE_NS
from basicaer._engine.shots.draws import Seeds
from basicaer._engine.shots.groups import Figures, Group, Line
from basicaer._engine.work import groups_at_once, nanoseconds_of_groups
from basicaer._jobs import budget
from basicaer._jobs.run import is_off, norm_warning

_WELCOME_SECONDS = 0.0005
"""The most that `run()` waits for a thread that is to work while circuits are read: it needs the
GIL once, to begin."""


class GroupsRun:
    """The groups of a job, and how to run them; `carry_out` runs them, once.

    It does for groups what `run.JobRun` does for single circuits. If the seeds are given, groups
    are carried out by other threads while circuits are still being read; `abandon` ends that.

    Args:
        circuits: the number of circuits.
        seeds: of all circuits; None if they are drawn when all circuits have been read.
        shots: of each circuit.
        listed: whether the outcome of each shot is kept.
        precision: "double" or "single".
        threads: the most threads to use.
        need: bytes that the job takes while it runs.

    Attributes:
        control: control of the job.
        need: as given.
        limit: None: groups run within the available memory.
        queued: seconds that the job waited.
    """

    def __init__(
        self,
        circuits: int,
        seeds: Seeds | None,
        *,
        shots: int,
        listed: bool,
        precision: str,
        threads: int,
        need: int,
    ) -> None:
        self._circuits = circuits
        self._shots = shots
        self._listed = listed
        self._precision = precision
        self._threads = threads
        self._groups: List[Group] = []
        self._line: Line | None = None
        self._helpers = 0
        self._work = 0
        self.control = Control()
        self.need = need
        self.limit: int | None = None
        self.queued = 0.0
        self._made = time.perf_counter()
        if seeds is not None:
            self._line_up(seeds)

    def add(self, group: Group) -> None:
        """Adds a group. The first one lets other threads begin, if that pays."""
        self._groups.append(group)
        if self._line is None:
            return
        work = self._put(self._line, group)
        if len(self._groups) == 1 and self._threads > 1 and not budget.shared.limited:
            expected = self._circuits // len(group.ends)
            each = nanoseconds_of_groups(len(group.ends), work, self._shots)
            at_once = groups_at_once(expected, each * expected, self._threads)
            self._helpers = _threads.assist(self._line.work, at_once - 1)
            if self._helpers:
                self._line.welcome(_WELCOME_SECONDS)

    def ready(self, seeds: Seeds) -> None:
        """Says that all circuits have been added, and what they draw from."""
        line = self._line
        if line is None:
            line = self._line_up(seeds)
            for group in self._groups:
                self._put(line, group)
        line.close()
        self._made = time.perf_counter()

    def abandon(self) -> None:
        """Ends what threads have begun, if the circuits are not to run after all."""
        self.control.halt()
        if self._line is not None:
            self._line.close()

    def _put(self, line: Line, group: Group) -> int:
        """Puts a group in the line; returns its amplitude-gates."""
        work = line.add(group)
        self._work += work
        self.control.add_total(work)
        return work

    def _line_up(self, seeds: Seeds) -> Line:
        self._line = Line(
            self._circuits,
            seeds,
            shots=self._shots,
            listed=self._listed,
            precision=self._precision,
            control=self.control,
        )
        return self._line

    def is_brief(self) -> bool:
        """Whether what is left is brief: waking a thread and waiting for it would take longer."""
        assert self._line is not None
        left = self._line.left() / len(self._groups)
        return left * self._nanoseconds <= WAKE_NS * (1 + self._helpers)

    @property
    def _nanoseconds(self) -> float:
        return nanoseconds_of_groups(self._circuits, self._work, self._shots)

    @property
    def size(self) -> int:
        """Bytes that the job holds while it waits, about."""
        return self.need + sum([group.nbytes for group in self._groups])

    def carry_out(self, names: Sequence[str]) -> List[Tuple[Group, Figures]]:
        """Runs the groups; returns them, with what they came to.

        Args:
            names: the names of the circuits, for warnings.

        Raises:
            Cancelled: the job was cancelled.
        """
        line = self._line
        assert line is not None
        self.queued = time.perf_counter() - self._made
        at_once = 1
        if not self._helpers:
            at_once = groups_at_once(len(self._groups), self._nanoseconds, self._threads)
        try:
            _threads.cooperate(line.work, at_once)
            line.finish()
        except BaseException:
            self.control.halt()
            raise
        self.control.check()
        for group, figures in line.groups:
            self._warn_of_norms(group, figures, names)
        return line.groups

    def _warn_of_norms(self, group: Group, figures: Figures, names: Sequence[str]) -> None:
        drifts, precision = figures.drifts, self._precision
        if not is_off(float(drifts.max()), precision):
            return
        for place, drift in zip(group.places.tolist(), drifts.tolist()):
            if is_off(drift, precision):
                warning = norm_warning(place, names[place], drift, "at the end", precision)
                self.control.warnings.append(warning)
