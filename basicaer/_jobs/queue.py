"""Threads: the executor that runs the jobs, and the one whose threads help them.

Both are `ThreadPoolExecutor`s of the standard library, made when they are first needed and made
anew in the child of a fork or after `shutdown`. Jobs wait here and not in the executor's queue, so
that one that has to wait for memory holds up no thread and nothing that is small; the executor is
handed calls of `_Queue.serve`, each of which takes whichever job may go.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import itertools
import os
import threading
import weakref
from collections import deque
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from typing import Any, Callable, Deque, Set, Tuple

from basicaer._engine.state import buffers
from basicaer._engine import memory
from basicaer._engine.control import Cancelled, Control

_QUEUE_BYTES = 1 << 30
"""What the jobs that have not begun may hold together before `submit` waits."""
_QUEUE_FREE = 64 << 20
"""What they may hold whatever there is."""


# ----------------------------------------------------------------------------------------------
# Executors
# ----------------------------------------------------------------------------------------------


def cpu_count() -> int:
    """Returns the number of processors that this process may use."""
    try:
        return max(1, len(os.sched_getaffinity(0)))
    except AttributeError:
        return max(1, os.cpu_count() or 1)


class _Pool:
    """An executor, and what can be told of its threads without its help."""

    def __init__(self, limit: int, name: str) -> None:
        self.limit = limit
        self.free = threading.Semaphore(limit)
        self._begun = itertools.count()
        self._any = False
        self.executor = ThreadPoolExecutor(limit, name, initializer=self._begin)

    def _begin(self) -> None:
        self._any = True
        _here.works = True

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


_here = threading.local()
"""Has `works` in the threads of the executors."""
_lock = threading.Lock()
_jobs: _Pool | None = None
_helpers: _Pool | None = None


def _job_pool() -> _Pool:
    global _jobs
    pool = _jobs
    if pool is None:
        with _lock:
            pool = _jobs
            if pool is None:
                # At least two, so that two jobs run at once whatever the machine.
                pool = _jobs = _Pool(max(2, cpu_count()), "basicaer-job")
    return pool


def _helper_pool() -> _Pool:
    global _helpers
    pool = _helpers
    if pool is None:
        with _lock:
            pool = _helpers
            if pool is None:
                # More than there are processors only if a job asks for more.
                pool = _helpers = _Pool(max(16, cpu_count()) - 1, "basicaer-helper")
    return pool


# ----------------------------------------------------------------------------------------------
# Helpers of one job
# ----------------------------------------------------------------------------------------------


class _Crew:
    """The threads that take part in one call of `cooperate`."""

    def __init__(self, work: Callable[[], None], pool: _Pool) -> None:
        self._work: Callable[[], None] | None = work
        self._pool = pool
        self._lock = threading.Lock()
        self._active = 0
        self._gone: Any | None = None
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
    pool = _helper_pool()
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


# ----------------------------------------------------------------------------------------------
# Jobs
# ----------------------------------------------------------------------------------------------


class _Item:
    """A job: what is to be called, what it takes, and where its outcome goes."""

    __slots__ = (
        "__weakref__",
        "control",
        "function",
        "future",
        "limit",
        "need",
        "number",
        "queue",
        "size",
    )

    def __init__(
        self, function: Callable[[], Any], control: Control, need: int, limit: int | None, size: int
    ) -> None:
        self.function: Callable[[], Any] | None = function
        self.control = control
        self.need = need
        self.limit = limit
        self.size = size
        self.number = 0
        self.future: Future[Any] = Future()
        self.queue: _Queue | None = None

    def run(self) -> None:
        """Calls the function. All that it held is gone when the future says that it has ended."""
        function, self.function = self.function, None
        assert function is not None
        control = self.control
        value: Any = None
        failure: BaseException | None = None
        try:
            control.check()
            value = function()
        except Cancelled:
            failure = CancelledError()
        except BaseException as error:
            failure = error
        del function
        if failure is not None:
            _clear_frames(failure)
            buffers.release()
        if not control.finish():
            value, failure = None, CancelledError()
        assert self.queue is not None
        self.queue.ended(self)
        if failure is None:
            self.future.set_result(value)
        else:
            self.future.set_exception(failure)
        failure = None  # its traceback refers to this frame

    def drop(self, future: Future[Any]) -> None:
        """The future has ended; if that was in the queue, what the job holds is not needed.

        Called from signal handlers too, so no lock is taken.
        """
        if future.cancelled():
            self.function = None
            queue = self.queue
            if queue is not None:
                queue.live.discard(self)
                queue.given_up.append(self)


def _drop(item: weakref.ref[_Item], future: Future[Any]) -> None:
    """What a future calls when it is done.

    It refers to its item weakly. Were the two to hold each other, a result, and its amplitudes,
    would live until the garbage collector comes by.
    """
    alive = item()
    if alive is not None:
        alive.drop(future)


def _clear_frames(error: BaseException) -> None:
    """Frees the local variables of the frames that an exception, and its causes, went through."""
    seen: Set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        each = waiting.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        waiting += (each.__context__, each.__cause__)
        traceback = each.__traceback__
        while traceback is not None:
            with contextlib.suppress(RuntimeError):  # the caller's frame still runs
                traceback.tb_frame.clear()
            traceback = traceback.tb_next


class _Queue:
    """The jobs of this process that have not ended.

    Those that wait stand in two lines: the light ones, which take so little memory that it is not
    asked for, and the others. Of each line only the first may go, so that nobody waits for ever.

    Attributes:
        live: all jobs that have not ended.
        given_up: jobs cancelled while they waited whose size has not been subtracted.
    """

    def __init__(self) -> None:
        self.live: Set[_Item] = set()
        self.given_up: Deque[_Item] = deque()
        self._lock = threading.Lock()
        self._room = threading.Condition(self._lock)
        self._lines: Tuple[Deque[_Item], Deque[_Item]] = (deque(), deque())
        self._numbers = itertools.count()
        self._size = 0
        # Calls of `serve` that found nothing that may go though something waits; they are made
        # again when memory is given back.
        self._owed = 0

    def put(self, item: _Item) -> None:
        """Lets a job wait for its turn; waits itself if those that wait hold too much."""
        item.queue = self
        heavy = item.limit is not None or item.need >= memory.SMALL
        with self._lock:
            self._settle()
            while self._is_full(item.size) and not getattr(_here, "works", False):
                self._room.wait(0.05)
                self._settle()
            item.number = next(self._numbers)
            self._size += item.size
            self._lines[heavy].append(item)
            self.live.add(item)
            item.future.add_done_callback(functools.partial(_drop, weakref.ref(item)))
        try:
            self._call()
        except BaseException:
            cancel(item.future, item.control)
            raise

    def _is_full(self, size: int) -> bool:
        total = self._size + size
        if not self._size or total <= _QUEUE_FREE:
            return False
        return total > min(_QUEUE_BYTES, max(_QUEUE_FREE, memory.available_bytes() // 4))

    def _settle(self) -> None:
        """Takes note of the jobs that were cancelled while they waited; holds the lock."""
        while self.given_up:
            self._size -= self.given_up.popleft().size
            self._room.notify_all()

    def _call(self) -> None:
        while True:
            pool = _job_pool()
            try:
                pool.call(self.serve)
                return
            except RuntimeError:
                if pool is _jobs:  # it was not just shut down
                    raise

    def serve(self) -> None:
        """Runs jobs until none may go; what the executor's threads do."""
        while True:
            item = self._next()
            if item is None:
                return
            item.run()
            del item

    def _next(self) -> _Item | None:
        with self._lock:
            while True:
                self._settle()
                item = self._first_that_fits()
                if item is None:
                    waiting = sum(map(len, self._lines))
                    self._owed = min(self._owed + 1, waiting)
                    return None
                if item.future.set_running_or_notify_cancel():
                    self._size -= item.size
                    self._room.notify_all()
                    return item
                memory.budget.give_back(item.need, item.limit)

    def _first_that_fits(self) -> _Item | None:
        """Takes a job out of its line, and the memory that it needs; holds the lock."""
        for line in self._lines:
            while line and line[0].function is None:
                line.popleft()
        for line in sorted(filter(None, self._lines), key=lambda line: line[0].number):
            if memory.budget.try_take(line[0].need, line[0].limit):
                return line.popleft()
        return None

    def ended(self, item: _Item) -> None:
        """Gives back what a job took, and has those looked at that waited for it."""
        with self._lock:
            memory.budget.give_back(item.need, item.limit)
            self.live.discard(item)
            calls = min(self._owed, cpu_count()) if self._owed else 0
            self._owed -= calls
        for _ in range(calls):
            with contextlib.suppress(RuntimeError):  # this thread goes on anyhow
                self._call()


_queue = _Queue()


def submit(
    function: Callable[[], Any],
    control: Control,
    *,
    need: int = 0,
    limit: int | None = None,
    size: int = 0,
) -> Future[Any]:
    """Has `function` called by a thread of the executor.

    Args:
        function: returns the job's result, or raises. It is to look at `control` now and then.
        control: cancels the job, see `cancel`.
        need: bytes that it takes while it runs; it waits until they fit beside what others take.
        limit: bytes that it and those that run beside it may take; None for what there is.
        size: bytes that it holds while it waits. If those that wait hold too much together, this
            function waits.

    Returns:
        The future of the result. When it is done the job's memory has been given back.
    """
    item = _Item(function, control, need, limit, size)
    _queue.put(item)
    return item.future


def at_once(function: Callable[[], Any], control: Control) -> Future[Any]:
    """Calls `function` on this thread if it may go; returns its future, which is done then.

    For what takes no longer than to wake a thread, and so little memory that it is not counted.
    Nobody has a handle on the job before it has ended, so that it has no place among the live ones.

    Args:
        function: as for `submit`; it may be called twice.
        control: as for `submit`.

    Raises:
        BaseException: what a signal handler raised in between, a KeyboardInterrupt say.
    """
    if memory.budget.limited:
        return submit(function, control)
    try:
        value = function()
    except Exception:
        # The job's own error comes again, and to the future, with frames that are no business of
        # the caller. Any other is the caller's: a signal handler's.
        control.go_on()
        future = submit(function, control)
        with contextlib.suppress(CancelledError):
            if future.exception() is None:
                raise
        return future
    control.finish()
    future = Future()
    future.set_result(value)
    return future


def cancel(future: Future[Any], control: Control | None) -> bool:
    """Cancels a job, queued or running; returns False if it had ended by itself.

    May be called from a signal handler. The future of a running job is done once it has stopped.
    """
    if control is None:
        return future.cancel()
    if not control.cancel():
        return False
    future.cancel()
    return True


def live_jobs() -> int:
    """Returns the number of jobs in this process that have not ended."""
    return len(_queue.live)


def shutdown(wait: bool = True, *, cancel_futures: bool = False) -> None:
    """Ends the threads of this package; jobs that are run afterwards get new ones.

    The arguments are those of `concurrent.futures.Executor.shutdown`.

    Args:
        wait: whether to return only when all jobs have ended and their threads are gone. Otherwise
            the threads go when the jobs that have been submitted have ended.
        cancel_futures: whether to cancel the jobs that have not ended, those that run too.
    """
    global _jobs, _helpers
    items = list(_queue.live)
    if cancel_futures:
        for item in items:
            cancel(item.future, item.control)
    with _lock:
        pools = [pool.executor for pool in (_jobs, _helpers) if pool is not None]
        _jobs = _helpers = None
    if wait:
        for item in items:
            # Not with concurrent.futures.wait, for which one cancelled in a queue is not done.
            with contextlib.suppress(CancelledError):
                item.future.exception()
    for executor in pools:
        executor.shutdown(wait=wait)


# ----------------------------------------------------------------------------------------------
# Exit and fork
# ----------------------------------------------------------------------------------------------


def _leave() -> None:
    """Stops all jobs when the interpreter goes, just before it waits for their threads."""
    for item in list(_queue.live):
        cancel(item.future, item.control)


def _start_anew() -> None:
    """In the child of a fork there are no threads and none of the parent's jobs."""
    global _lock, _jobs, _helpers, _queue
    for item in list(_queue.live):
        item.control.orphan()
    _lock = threading.Lock()
    _jobs = _helpers = None
    _queue = _Queue()
    _here.works = False


# Called in the opposite order: before that of concurrent.futures, which was imported before.
getattr(threading, "_register_atexit", atexit.register)(_leave)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_anew)
