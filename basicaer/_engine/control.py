"""Communication with a running job: cancel, progress, warnings."""

from __future__ import annotations

from _thread import RLock, get_ident
from collections import deque
from typing import Deque, Dict

import numpy as np

_ALMOST = 0.999
"""Upper bound of the progress of a job that has not ended."""


STOP, DONE = 0, 1
"""Indices into `Control.flags`; `_kernels.pyx` and `small.pyx` repeat them as constants."""


def no_check() -> None:
    """Does nothing: the check for code that runs outside of any job."""


class Cancelled(Exception):  # noqa: N818
    """The job was cancelled while it ran."""


class Control:
    """Carries cancellation to one running job, and its progress and warnings back.

    Attributes:
        flags: int64, length 8. ``flags[STOP]`` is nonzero once the job must stop; kernels poll it
            through a pointer, without the GIL. ``flags[DONE]`` counts the work done by kernels, in
            amplitude-gates; only kernels add to it, atomically. Python code calls `add_done`.
        warnings: texts of the warnings to issue when the result is fetched.
        orphaned: True in a forked child if the job was running in the parent.
    """

    __slots__ = (
        "_done",
        "_estimates",
        "_lock",
        "_shown",
        "_total",
        "_verdict",
        "flags",
        "orphaned",
        "warnings",
    )

    def __init__(self, expected: int = 0) -> None:
        """Makes the control of a job whose estimated work, in amplitude-gates, is `expected`."""
        self.flags = np.zeros(8, dtype=np.int64)
        self.warnings: Deque[str] = deque()
        self.orphaned = False
        self._verdict: Dict[str, bool] = {}
        # Reentrant: a signal handler may call `progress` and interrupt a thread inside it.
        self._lock = RLock()
        self._total = expected
        self._done = 0
        self._estimates: Dict[int, int] = {}
        self._shown = 0.0

    # The first call of `cancel` or `finish` decides whether the job counts as cancelled. dict's
    # setdefault is atomic, so a signal handler may cancel at any time.

    def cancel(self) -> bool:
        """Tells the job to stop; returns False if it has already ended."""
        if self._verdict.setdefault("cancelled", True):
            self.flags[STOP] = 1
            return True
        return False

    def finish(self) -> bool:
        """Marks the job as ended; returns False if it has already been cancelled."""
        return not self._verdict.setdefault("cancelled", False)

    @property
    def cancelled(self) -> bool:
        """True once the job was cancelled."""
        return self._verdict.get("cancelled", False)

    def halt(self) -> None:
        """Stops all threads of the job after one has failed, without marking it as cancelled."""
        self.flags[STOP] = 1

    def check(self) -> None:
        """Raises `Cancelled` if the job must stop."""
        if self.flags[STOP]:
            raise Cancelled

    def orphan(self) -> None:
        """Resets the control in a forked child, where no thread runs the job."""
        self._lock = RLock()
        self.orphaned = True

    def begin(self, estimate: int) -> None:
        """Records that this thread starts a circuit with an estimated work of `estimate`.

        The thread's next `add_total` replaces the estimate.
        """
        self._estimates[get_ident()] = estimate

    def add_total(self, work: int) -> None:
        """Adds work that is going to be done, in amplitude-gates, to the total."""
        more = int(work) - self._estimates.pop(get_ident(), 0)
        if more:
            with self._lock:
                self._total += more

    def add_done(self, work: int) -> None:
        """Adds completed work that kernels do not count, in amplitude-gates."""
        with self._lock:
            self._done += int(work)

    def progress(self) -> float:
        """Returns the share of the job that is done, 0 to 1. It never decreases.

        It stays below 1: work after the last gate is not counted.
        """
        with self._lock:
            if self._total > 0:
                share = min(_ALMOST, (int(self.flags[DONE]) + self._done) / self._total)
                self._shown = max(self._shown, share)
            return self._shown
