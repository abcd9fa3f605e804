"""What a running job can be told, and what it tells: cancel, progress, remarks."""

from __future__ import annotations

import threading
from collections import deque
from typing import Deque, Dict

import numpy as np

_ALMOST = 0.999
"""The most progress that a job has which has not ended."""


def go_on() -> None:
    """What is called, now and then, where nobody can cancel."""


class Cancelled(Exception):  # noqa: N818
    """The job was cancelled while it ran."""


class Control:
    """What the world can ask of one running job, and what the job tells the world.

    Attributes:
        flags: int64, length 8. ``flags[0]`` is not 0 once the job is to stop; kernels poll it by
            its address, without the GIL. ``flags[1]`` counts the work done, in amplitude-gates;
            kernels add to it atomically.
        remarks: what the job's owner is to be warned of when the result is fetched.
        orphaned: whether this is a forked process, and the job was alive in the one before.
    """

    __slots__ = (
        "_estimates",
        "_lock",
        "_shown",
        "_total",
        "_verdict",
        "flags",
        "orphaned",
        "remarks",
    )

    def __init__(self, expected: int = 0) -> None:
        """Makes the control of a job that will announce `expected` work, about."""
        self.flags = np.zeros(8, dtype=np.int64)
        self.remarks: Deque[str] = deque()
        self.orphaned = False
        self._verdict: Dict[str, bool] = {}
        # A signal handler may ask for the progress while the thread that it interrupts does.
        self._lock = threading.RLock()
        self._total = expected
        self._estimates: Dict[int, int] = {}
        self._shown = 0.0

    # Whether a job ended or was cancelled is decided once, by the first to say so. setdefault on
    # a dict is atomic, so that a signal handler may cancel whatever the thread it interrupts does.

    def cancel(self) -> bool:
        """Tells the job to stop; returns False if it had ended before."""
        if self._verdict.setdefault("cancelled", True):
            self.flags[0] = 1
            return True
        return False

    def finish(self) -> bool:
        """Says that the job has ended; returns False if it was cancelled before."""
        return not self._verdict.setdefault("cancelled", False)

    @property
    def cancelled(self) -> bool:
        """True once the job was cancelled."""
        return self._verdict.get("cancelled", False)

    def halt(self) -> None:
        """Makes all threads of the job stop, without calling it cancelled (one of them failed)."""
        self.flags[0] = 1

    def go_on(self) -> None:
        """Ends what `halt` began; for a job that nobody could cancel yet and that is run again."""
        self.flags[0] = 0

    def check(self) -> None:
        """Raises `Cancelled` if the job is to stop."""
        if self.flags[0]:
            raise Cancelled

    def orphan(self) -> None:
        """In the child of a fork: nobody runs the job here, and its lock may never be released."""
        self._lock = threading.RLock()
        self.orphaned = True

    def begin(self, estimate: int) -> None:
        """Says that this thread begins with a circuit, for which `estimate` had been expected.

        The estimate counts until the thread announces what the work is.
        """
        self._estimates[threading.get_ident()] = estimate

    def add_total(self, work: int) -> None:
        """Announces work, in the unit of ``flags[1]``, before it is done."""
        estimate = self._estimates.pop(threading.get_ident(), 0)
        with self._lock:
            self._total += int(work) - estimate

    def progress(self) -> float:
        """Returns how much of the job is done, 0 to 1; never less than it returned before.

        It is less than 1 until the job has ended: what follows the last gate is not counted.
        """
        with self._lock:
            if self._total > 0:
                share = min(_ALMOST, int(self.flags[1]) / self._total)
                self._shown = max(self._shown, share)
            return self._shown
