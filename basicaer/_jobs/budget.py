"""The memory that the jobs of this process may take together."""

from __future__ import annotations

import contextlib
import threading
import time
from typing import Callable, Iterator, List

from basicaer._engine import memory
from basicaer._engine.fork import in_child


class Budget:
    """Keeps the jobs that run together within the memory, and within the limit that any has set.

    Only what fits is let in. A job that is alone always fits: `run()` has checked that it can.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._holders = 0
        self._taken = 0
        self._limits: List[int] = []
        # What there was for all of them when the first that is not small came.
        self._capacity: int | None = None

    def try_take(self, need: int, limit: int | None) -> bool:
        """Takes `need` bytes if they fit beside what others hold.

        Args:
            need: bytes that the job will hold at most; 0 for one that is not counted.
            limit: the job's own bound on what all jobs together hold; None for none.
        """
        if not need:
            return True
        with self._lock:
            if self._holders and not self._fits(need, limit):
                return False
            if self._capacity is None and need >= memory.SMALL:
                self._capacity = memory.available_bytes(fresh=True)
            self._holders += 1
            self._taken += need
            if limit is not None:
                self._limits.append(limit)
            return True

    @property
    def limited(self) -> bool:
        """True while a job holds memory that has set a bound on what all hold."""
        return bool(self._limits)

    def _fits(self, need: int, limit: int | None) -> bool:
        total = self._taken + need
        if total > min(
            (limit, *self._limits) if limit is not None else self._limits, default=total
        ):
            return False
        if need < memory.SMALL:
            return True
        space = memory.available_bytes()
        # Jobs may not have touched yet what they have taken, and others may have taken what was
        # there before.
        return need <= space and total <= (space if self._capacity is None else self._capacity)

    @contextlib.contextmanager
    def hold(self, need: int, limit: int | None, check: Callable[[], None]) -> Iterator[None]:
        """Holds the bytes within a ``with``; waits until they fit.

        Args:
            need: bytes, as for `try_take`.
            limit: the bound, as for `try_take`.
            check: called now and then while it waits; may raise to give up.
        """
        while not self.try_take(need, limit):
            check()
            time.sleep(0.01)
        try:
            yield
        finally:
            self.give_back(need, limit)

    def give_back(self, need: int, limit: int | None = None) -> None:
        """Ends what `try_take` began; the arguments are the same."""
        if need:
            with self._lock:
                self._holders -= 1
                self._taken -= need
                if limit is not None:
                    self._limits.remove(limit)
                if not self._holders:
                    self._capacity = None

    def space(self, *, fresh: bool = False) -> int:
        """Returns the bytes that a job may need: what is available, or will be in its turn."""
        return max(memory.available_bytes(fresh=fresh), self._capacity or 0)


shared = Budget()
"""The one that all jobs of this process share."""


def _start_anew() -> None:
    """In the child of a fork none of the parent's jobs goes on."""
    global shared
    shared = Budget()


in_child(_start_anew)
