"""The threads that this package starts.

They are those of `ThreadPoolExecutor`s of the standard library, made when they are first needed and
made anew in the child of a fork or after `Workers.retire`. Here are also the threads that help one
computation: see `cooperate`.
"""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Callable, List

from basicaer._engine.control import Cancelled
from basicaer._engine.fork import in_child


def cpu_count() -> int:
    """Returns the number of processors that this process may use."""
    try:
        return max(1, len(os.sched_getaffinity(0)))
    except AttributeError:
        return max(1, os.cpu_count() or 1)


class Pool:
    """An executor, and what can be told of its threads without its help."""

    def __init__(self, limit: int, name: str) -> None:
        self.limit = limit
        self.free = threading.Semaphore(limit)
        self._any = False
        self.executor = ThreadPoolExecutor(limit, name, initializer=self._begin)

    def _begin(self) -> None:
        self._any = True
        _this_thread.is_ours = True

    def call(self, function: Callable[[], None]) -> None:
        """Has `function`, which must not raise, called by the next thread that is free.

        Raises:
            RuntimeError: if there is no thread, and none can be had.
        """
        try:
            self.executor.submit(function)
        except RuntimeError as error:
            # Fewer threads will do: the call is in the queue all the same.
            if not self._any or "new futures" in str(error):
                raise


class Workers:
    """A pool that is made when it is first needed.

    Args:
        name: what its threads' names begin with.
        limit: returns how many threads it may have.
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
        """Returns whether a pool has not been retired."""
        return pool is self._pool

    def retire(self) -> List[ThreadPoolExecutor]:
        """Has `pool` make a new one; returns the executor of the old one, if there is one."""
        with self._lock:
            pool, self._pool = self._pool, None
        return [] if pool is None else [pool.executor]

    def _start_anew(self) -> None:
        self._lock = threading.Lock()
        self._pool = None


_this_thread = threading.local()
"""Has `is_ours` in the threads of the pools."""


def is_ours() -> bool:
    """Returns whether this is one of the threads that this package has started."""
    return getattr(_this_thread, "is_ours", False)


def _not_ours() -> None:
    """The one thread of the child of a fork belongs to nobody's pool."""
    _this_thread.is_ours = False


in_child(_not_ours)

# More than there are processors only if a job asks for more.
helpers = Workers("basicaer-helper", lambda: max(16, cpu_count()) - 1)
"""The threads that help others."""


# ----------------------------------------------------------------------------------------------
# Helpers of one computation
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
        """What a helper does."""
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
        """Takes note of an error; the first stays, but one that only says "stop" gives way."""
        with self._lock:
            if self.error is None or (
                isinstance(self.error, Cancelled) and not isinstance(error, Cancelled)
            ):
                self.error = error

    def dismiss(self) -> None:
        """Lets nobody begin any more and waits for those who have."""
        with self._lock:
            self._work = None
            if not self._active:
                return
            self._gone = threading.Lock()
            self._gone.acquire()
        self._gone.acquire()


def cooperate(work: Callable[[], None], threads: int) -> None:
    """Calls `work` on this thread and, at the same time, on up to ``threads - 1`` others.

    Only threads that are free are asked, and those that have not begun when this thread's own call
    returns are not begun any more, so that a busy pool delays nobody and nothing piles up in it.
    Returns when all that have begun have ended.

    Args:
        work: does what there is to do until there is no more; right for any number of callers.
        threads: the most threads to use, this one included.

    Raises:
        BaseException: the first exception that any of the calls raised; one that is not `Cancelled`
            goes before one that is.
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
        except RuntimeError:  # the interpreter leaves, or there are no more threads
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
