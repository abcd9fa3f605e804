"""The memory that all jobs of this process share."""

from __future__ import annotations

import contextlib
import threading
import time
from typing import Callable, Iterator, List

from basicaer._engine import memory
from basicaer._engine.fork import in_child


class Budget:
    """Admits jobs as long as they fit into the available memory and every limit that a job has set.

    A job that runs alone is always admitted: `run()` has checked that it fits.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._holders = 0
        self._taken = 0
        self._limits: List[int] = []
        # Bytes that were available when the first job that is not small was admitted.
        self._capacity: int | None = None

    def try_take(self, need: int, limit: int | None) -> bool:
        """Takes `need` bytes if they fit beside what other jobs hold; returns whether it did.

        Args:
            need: the most bytes that the job will hold; 0 for a job that is not counted.
            limit: the job's own bound on the bytes that all jobs hold together; None for no bound.
        """
        if not need:
            return True
        with self._lock:
            if self._holders and not self._fits(need, limit):
                return False
            if self._capacity is None and need >= memory.LIGHT:
                self._capacity = memory.available_bytes(fresh=True)
            self._holders += 1
            self._taken += need
            if limit is not None:
                self._limits.append(limit)
            return True

    @property
    def limited(self) -> bool:
        """Whether a job that holds memory has set a limit."""
        return bool(self._limits)

    def _fits(self, need: int, limit: int | None) -> bool:
        total = self._taken + need
        if total > min(
            (limit, *self._limits) if limit is not None else self._limits, default=total
        ):
            return False
        if need < memory.LIGHT:
            return True
        space = memory.available_bytes()
        # The first condition: other processes may have used memory since `_capacity` was read.
        # The second: jobs may not have touched yet all the memory that they have taken.
        return need <= space and total <= (space if self._capacity is None else self._capacity)

    @contextlib.contextmanager
    def hold(self, need: int, limit: int | None, check: Callable[[], None]) -> Iterator[None]:
        """Waits until `need` bytes fit, and holds them within a ``with``.

        Args:
            need: bytes, as for `try_take`.
            limit: the bound, as for `try_take`.
            check: called every 10 ms of the wait; may raise to give up.
        """
        while not self.try_take(need, limit):
            check()
            time.sleep(0.01)
        try:
            yield
        finally:
            self.give_back(need, limit)

    def give_back(self, need: int, limit: int | None = None) -> None:
        """Gives back what `try_take` took with the same arguments."""
        if need:
            with self._lock:
                self._holders -= 1
                self._taken -= need
                if limit is not None:
                    self._limits.remove(limit)
                if not self._holders:
                    self._capacity = None

    def space(self, *, fresh: bool = False) -> int:
        """Returns the most bytes that a job may need: those available now or once others end."""
        return max(memory.available_bytes(fresh=fresh), self._capacity or 0)

    def shortage(self, need: int) -> int | None:
        """Returns the available bytes if `need` is more than they are, otherwise None."""
        if need < memory.LIGHT or need <= self.space():
            return None
        space = self.space(fresh=True)  # the value above may be a second old
        return space if need > space else None


shared = Budget()
"""The budget of this process."""


def _start_anew() -> None:
    """Starts with an empty budget in a forked child, where none of the parent's jobs runs."""
    global shared
    shared = Budget()


in_child(_start_anew)
