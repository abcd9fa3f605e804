"""The queue of jobs, and the threads that run them.

Jobs wait here and not in the queue of their threads' executor, so that one that has to wait for
memory holds up no thread and nothing that is small; the executor is handed calls of `_Queue.serve`,
each of which takes whichever job may go.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import itertools
import sys
import threading
import weakref
from collections import deque
from concurrent.futures import CancelledError, Future
from typing import Any, Callable, Deque, List, Set, Tuple

from basicaer._engine import memory
from basicaer._engine.control import Cancelled, Control
from basicaer._engine.fork import in_child
from basicaer._engine.state import buffers
from basicaer._engine.threads import Workers, cpu_count, helpers, is_ours
from basicaer._jobs import budget
from basicaer._jobs.tracebacks import clear_frames, hide_caller, is_of_signal_handler, severed

_QUEUE_BYTES = 1 << 30
"""What the jobs that have not begun may hold together before `submit` waits."""
_QUEUE_FREE = 64 << 20
"""What they may hold whatever there is."""


# At least two threads, so that two jobs run at once whatever the machine.
runners = Workers("basicaer-job", lambda: max(2, cpu_count()))
"""The threads that run jobs."""


class _QueuedJob:
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
            clear_frames(failure)
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


def _drop(reference: weakref.ref[_QueuedJob], future: Future[Any]) -> None:
    """What a future calls when it is done.

    It refers to its job weakly. Were the two to hold each other, a result, and its amplitudes,
    would live until the garbage collector comes by.
    """
    job = reference()
    if job is not None:
        job.drop(future)


class _Queue:
    """The jobs of this process that have not ended.

    Those that wait stand in two lines: the light ones, which take so little memory that it is not
    asked for, and the others. Of each line only the first may go, so that nobody waits for ever.

    Attributes:
        live: all jobs that have not ended.
        given_up: jobs cancelled while they waited whose size has not been subtracted.
    """

    def __init__(self) -> None:
        self.live: Set[_QueuedJob] = set()
        self.given_up: Deque[_QueuedJob] = deque()
        self._lock = threading.Lock()
        self._room = threading.Condition(self._lock)
        self._lines: Tuple[Deque[_QueuedJob], Deque[_QueuedJob]] = (deque(), deque())
        self._numbers = itertools.count()
        self._size = 0
        # Calls of `serve` that found nothing that may go though something waits; they are made
        # again when memory is given back.
        self._owed = 0

    def put(self, job: _QueuedJob) -> None:
        """Lets a job wait for its turn; waits itself if those that wait hold too much."""
        job.queue = self
        heavy = job.limit is not None or job.need >= memory.SMALL
        with self._lock:
            self._settle()
            while self._is_full(job.size) and not is_ours():
                self._room.wait(0.05)
                self._settle()
            job.number = next(self._numbers)
            self._size += job.size
            self._lines[heavy].append(job)
            self.live.add(job)
            job.future.add_done_callback(functools.partial(_drop, weakref.ref(job)))
        try:
            self._call()
        except BaseException:
            cancel(job.future, job.control)
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
            pool = runners.pool()
            try:
                pool.call(self.serve)
                return
            except RuntimeError:
                if runners.is_current(pool):  # it was not just shut down
                    raise

    def serve(self) -> None:
        """Runs jobs until none may go; what the executor's threads do."""
        while True:
            job = self._next()
            if job is None:
                return
            job.run()
            del job

    def _next(self) -> _QueuedJob | None:
        with self._lock:
            while True:
                self._settle()
                job = self._first_that_fits()
                if job is None:
                    waiting = sum(map(len, self._lines))
                    self._owed = min(self._owed + 1, waiting)
                    return None
                if job.future.set_running_or_notify_cancel():
                    self._size -= job.size
                    self._room.notify_all()
                    return job
                budget.shared.give_back(job.need, job.limit)

    def _first_that_fits(self) -> _QueuedJob | None:
        """Takes a job out of its line, and the memory that it needs; holds the lock."""
        for line in self._lines:
            while line and line[0].function is None:
                line.popleft()
        for line in sorted(filter(None, self._lines), key=lambda line: line[0].number):
            if budget.shared.try_take(line[0].need, line[0].limit):
                return line.popleft()
        return None

    def ended(self, job: _QueuedJob) -> None:
        """Gives back what a job took, and has those looked at that waited for it."""
        with self._lock:
            budget.shared.give_back(job.need, job.limit)
            self.live.discard(job)
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
    job = _QueuedJob(function, control, need, limit, size)
    _queue.put(job)
    return job.future


def at_once(function: Callable[[], Any], control: Control) -> Future[Any]:
    """Calls `function` on this thread if it may go; returns its future, which is done then.

    For what takes no longer than to wake a thread, and so little memory that it is not counted.
    Nobody has a handle on the job before it has ended, so that it has no place among the live ones.

    Args:
        function: as for `submit`.
        control: as for `submit`.

    Raises:
        BaseException: what a signal handler raised in between, a KeyboardInterrupt say.
    """
    if budget.shared.limited:
        return submit(function, control)
    future: Future[Any] = Future()
    returned: List[Any] = []
    failure: Exception | None = None
    try:
        next(severed(function, returned.append), None)
    except Exception as error:
        if is_of_signal_handler(error):
            raise
        failure = error
    control.finish()
    if failure is None:
        future.set_result(returned.pop())
    else:
        hide_caller(failure, sys.exc_info()[1])
        clear_frames(failure)
        future.set_exception(failure)
        failure = None  # its traceback refers to this frame
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
    jobs = list(_queue.live)
    if cancel_futures:
        for job in jobs:
            cancel(job.future, job.control)
    executors = runners.retire() + helpers.retire()
    if wait:
        for job in jobs:
            # Not with concurrent.futures.wait, for which one cancelled in a queue is not done.
            with contextlib.suppress(CancelledError):
                job.future.exception()
    for executor in executors:
        executor.shutdown(wait=wait)


# ----------------------------------------------------------------------------------------------
# Exit and fork
# ----------------------------------------------------------------------------------------------


def _leave() -> None:
    """Stops all jobs when the interpreter goes, just before it waits for their threads."""
    for job in list(_queue.live):
        cancel(job.future, job.control)


def _start_anew() -> None:
    """In the child of a fork there are none of the parent's jobs."""
    global _queue
    for job in list(_queue.live):
        job.control.orphan()
    _queue = _Queue()


# Called in the opposite order: before that of concurrent.futures, which was imported before.
getattr(threading, "_register_atexit", atexit.register)(_leave)
in_child(_start_anew)
