"""The threads that this package starts.

They belong to `ThreadPoolExecutor`s, created on first use and again in a forked child or after
`Workers.retire`. `cooperate` runs one computation on several of them.
"""

from __future__ import annotations

import contextlib
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Callable, List

from basicaer._engine.control import Cancelled
from basicaer._engine.fork import in_child


def cpu_count() -> int:
    """Returns the number of processors available to this process."""
    try:
        return max(1, len(os.sched_getaffinity(0)))
    except AttributeError:
        return max(1, os.cpu_count() or 1)


class Pool:
    """An executor with a count of its free threads."""

    def __init__(self, limit: int, name: str) -> None:
        self.limit = limit
        self.free = threading.Semaphore(limit)
        self._any = False
        self.executor = ThreadPoolExecutor(limit, name, initializer=self._begin)

    def _begin(self) -> None:
        self._any = True
        _this_thread.is_ours = True

    def call(self, function: Callable[[], None]) -> None:
        """Submits `function`, which must not raise, to the executor.

        Raises:
            RuntimeError: the executor has no thread and cannot start one.
        """
        try:
            self.executor.submit(function)
        except RuntimeError as error:
            # The call is queued even if no further thread could be started.
            if not self._any or "new futures" in str(error):
                raise


class Workers:
    """A pool that is created on first use.

    Args:
        name: prefix of the names of its threads.
        limit: returns the maximum number of threads.
    """

    def __init__(self, name: str, limit: Callable[[], int]) -> None:
        self._name = name
        self._limit = limit
        self._lock = threading.Lock()
        self._pool: Pool | None = None
        in_child(self._start_anew)

    def pool(self) -> Pool:
        """Returns the pool."""
        pool = self._pool
        if pool is None:
            with self._lock:
                pool = self._pool
                if pool is None:
                    pool = self._pool = Pool(self._limit(), self._name)
        return pool

    def is_current(self, pool: Pool) -> bool:
        """Returns whether `pool` is the current one, not retired."""
        return pool is self._pool

    def retire(self) -> List[ThreadPoolExecutor]:
        """Drops the current pool, if any, and returns its executor in a list of at most one."""
        with self._lock:
            pool, self._pool = self._pool, None
        return [] if pool is None else [pool.executor]

    def _start_anew(self) -> None:
        self._lock = threading.Lock()
        self._pool = None


_this_thread = threading.local()
"""Has the attribute `is_ours` in the threads of the pools."""


def is_ours() -> bool:
    """Returns whether the current thread was started by this package."""
    return getattr(_this_thread, "is_ours", False)


def _not_ours() -> None:
    """Resets the mark in a forked child: its one thread belongs to no pool."""
    _this_thread.is_ours = False


in_child(_not_ours)

# There are more than one per processor only if a job asks for more.
helpers = Workers("basicaer-helper", lambda: max(16, cpu_count()) - 1)
"""The pool whose threads `cooperate` uses."""


# ----------------------------------------------------------------------------------------------
# Several threads for one computation
# ----------------------------------------------------------------------------------------------


class _Crew:
    """The threads that take part in one call of `cooperate`."""

    def __init__(self, work: Callable[[], None], pool: Pool) -> None:
        self._work: Callable[[], None] | None = work
        self._pool = pool
        self._lock = threading.Lock()
        self._active = 0
        self._gone: threading.Lock | None = None
        self.error: BaseException | None = None

    def take_part(self) -> None:
        """Runs the work once, on a helper thread, if it is still wanted."""
        try:
            with self._lock:
                work = self._work
                if work is None:
                    return
                self._active += 1
            try:
                work()
            except BaseException as error:
                self.fail(error)
            finally:
                del work
                with self._lock:
                    self._active -= 1
                    if self._gone is not None and not self._active:
                        self._gone.release()
        finally:
            self._pool.free.release()

    def fail(self, error: BaseException) -> None:
        """Records an error. The first is kept, but any other error replaces a `Cancelled`."""
        with self._lock:
            if self.error is None or (
                isinstance(self.error, Cancelled) and not isinstance(error, Cancelled)
            ):
                self.error = error

    def dismiss(self) -> None:
        """Keeps further helpers from starting and waits for those at work."""
        with self._lock:
            self._work = None
            if not self._active:
                return
            self._gone = threading.Lock()
            self._gone.acquire()
        self._gone.acquire()


def cooperate(work: Callable[[], None], threads: int) -> None:
    """Calls `work` on this thread and, at the same time, on up to ``threads - 1`` others.

    Only free threads are used. A helper that has not started when this thread's own call returns
    does not start any more, so a busy pool neither delays the caller nor fills up. Returns when all
    started calls have ended.

    Args:
        work: takes pieces of the work until none is left; any number of threads may call it.
        threads: maximum number of threads, this one included.

    Raises:
        BaseException: the first exception raised by any of the calls; `Cancelled` only if there is
            no other.
    """
    if threads <= 1:
        work()
        return
    pool = helpers.pool()
    crew = _Crew(work, pool)
    for _ in range(threads - 1):
        if not pool.free.acquire(blocking=False):
            break
        try:
            pool.call(crew.take_part)
        except RuntimeError:  # the interpreter is exiting, or no thread can be started
            break
    try:
        work()
    except BaseException as error:
        crew.fail(error)
    finally:
        crew.dismiss()
    if crew.error is not None:
        first, crew.error = crew.error, None
        raise first


def assist(work: Callable[[], None], threads: int) -> int:
    """Calls `work` on up to so many free threads, and does not wait for it.

    Args:
        work: takes pieces of the work until none is left; its errors are dropped, so another thread
            must do what it leaves.
        threads: maximum number of threads.

    Returns:
        The number of threads that have been called.
    """
    pool = helpers.pool()

    def take_part() -> None:
        try:
            with contextlib.suppress(Exception):
                work()
        finally:
            pool.free.release()

    for called in range(threads):
        if not pool.free.acquire(blocking=False):
            return called
        try:
            pool.call(take_part)
        except RuntimeError:  # the interpreter is exiting, or no thread can be started
            return called
    return threads
