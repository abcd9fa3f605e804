"""The queue of jobs, and the threads that run them.

Jobs wait here and not in the executor of their threads, so that a job that waits for memory
blocks neither a thread nor the light jobs (those that need less than `memory.LIGHT`). The executor
is given calls of `_Queue.serve`, each of which takes jobs that may start until there is none.
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
from typing import Any, Callable, Deque, Iterator, List, Set, Tuple, Union

from basicaer._engine import memory
from basicaer._engine.control import Cancelled, Control
from basicaer._engine.fork import in_child
from basicaer._engine.state import buffers
from basicaer._engine.threads import Workers, cpu_count, helpers, is_ours
from basicaer._jobs import budget
from basicaer._jobs.tracebacks import clear_frames, hide_caller, is_of_signal_handler, severed

_QUEUE_BYTES = 1 << 30
"""The most bytes that waiting jobs may hold together before `submit` waits."""
_QUEUE_FREE = 64 << 20
"""Bytes that waiting jobs may hold however little memory is available."""


class Ended:
    """The future of a call that has ended, with what readers of a `Future` ask for.

    It takes a tenth of the time of a `Future`, which has a lock for those who wait.

    Args:
        value: what the call returned.
        failure: what it raised; None if it returned.
    """

    __slots__ = ("_failure", "_value")

    def __init__(self, value: Any, failure: BaseException | None = None) -> None:
        self._value = value
        self._failure = failure

    def done(self) -> bool:
        """Returns True."""
        return True

    def running(self) -> bool:
        """Returns False."""
        return False

    def cancelled(self) -> bool:
        """Returns False."""
        return False

    def cancel(self) -> bool:
        """Returns False: the call has ended."""
        return False

    def result(self, timeout: float | None = None) -> Any:
        """Returns what the call returned, or raises what it raised."""
        if self._failure is not None:
            try:
                raise self._failure
            finally:
                del self  # the traceback refers to this frame
        return self._value

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """Returns what the call raised; None if it returned."""
        return self._failure


AnyFuture = Union["Future[Any]", Ended]
"""The future of a job."""


# At least two threads, so that two jobs run at the same time on any machine.
runners = Workers("basicaer-job", lambda: max(2, cpu_count()))
"""The threads that run jobs."""


class _QueuedJob:
    """A job: the function to call, the memory it takes, and the future of its result."""

    __slots__ = (
        "__weakref__",
        "budget",
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
        self.budget: budget.Budget | None = None
        self.future: Future[Any] = Future()
        self.queue: _Queue | None = None

    def try_take(self) -> bool:
        """Takes the memory of the job if it fits; returns whether it did."""
        shared = budget.shared
        if not shared.try_take(self.need, self.limit):
            return False
        self.budget = shared
        return True

    def give_back(self) -> None:
        """Gives back what `try_take` took, to where it was taken."""
        assert self.budget is not None
        self.budget.give_back(self.need, self.limit)

    def run(self) -> None:
        """Calls the function. All that it held has been freed when the future is done."""
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
        """Called when the future is done; if it was cancelled in the queue, frees the function.

        May be called from a signal handler, so it takes no lock.
        """
        if future.cancelled():
            self.function = None
            queue = self.queue
            if queue is not None and self in queue.live:
                queue.live.discard(self)
                queue.given_up.append(self)


def _drop(reference: weakref.ref[_QueuedJob], future: Future[Any]) -> None:
    """Calls `drop` of a job whose future is done.

    The future refers to its job weakly: a cycle of the two would keep a result, and its amplitudes,
    alive until the garbage collector runs.
    """
    job = reference()
    if job is not None:
        job.drop(future)


class _Queue:
    """The jobs of this process that have not ended.

    Waiting jobs stand in two lines: small ones without a limit, for which available memory is not
    checked, and the others. Only the first of each line may start, so that no job waits for ever.

    Attributes:
        live: all jobs that have not ended.
        given_up: jobs that were cancelled while they waited, and are still counted in `_size`.
    """

    def __init__(self) -> None:
        self.live: Set[_QueuedJob] = set()
        self.given_up: Deque[_QueuedJob] = deque()
        self._lock = threading.Lock()
        self._room = threading.Condition(self._lock)
        self._lines: Tuple[Deque[_QueuedJob], Deque[_QueuedJob]] = (deque(), deque())
        self._numbers = itertools.count()
        self._size = 0
        # Calls of `serve` that ended while jobs still waited for memory; they are repeated when
        # memory is given back.
        self._owed = 0

    def put(self, job: _QueuedJob) -> None:
        """Adds a job to its line; first waits until the waiting jobs hold less, if it must.

        If this is interrupted, the job is cancelled: nobody has a handle on it.
        """
        job.queue = self
        heavy = job.limit is not None or job.need >= memory.LIGHT
        job.future.add_done_callback(functools.partial(_drop, weakref.ref(job)))
        try:
            with self._lock:
                self._settle()
                while self._is_full(job.size) and not is_ours():
                    self._room.wait(0.05)
                    self._settle()
                job.number = next(self._numbers)
                self._size += job.size
                self.live.add(job)  # from here on it is counted in `_size`, see `drop`
                self._lines[heavy].append(job)
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
        """Subtracts the jobs that were cancelled while they waited; the caller holds the lock."""
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
                if runners.is_current(pool):  # not because the pool has just been shut down
                    raise

    def serve(self) -> None:
        """Runs jobs until none may start; called by the executor's threads."""
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
                job.give_back()

    def _first_that_fits(self) -> _QueuedJob | None:
        """Takes a job out of its line, its memory from the budget; the caller holds the lock."""
        for line in self._lines:
            while line and line[0].function is None:
                line.popleft()
        for line in sorted(filter(None, self._lines), key=lambda line: line[0].number):
            if line[0].try_take():
                return line.popleft()
        return None

    def ended(self, job: _QueuedJob) -> None:
        """Gives back the memory of a job, and lets threads look for jobs that waited for it."""
        with self._lock:
            job.give_back()
            self.live.discard(job)
        if self._owed:
            self.look_again()

    def look_again(self) -> None:
        """Lets threads look for jobs that waited for memory that has been given back."""
        with self._lock:
            calls = min(self._owed, cpu_count())
            self._owed -= calls
        for _ in range(calls):
            with contextlib.suppress(RuntimeError):  # no thread can be started; others serve on
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
    """Queues a job, whose function is called by a thread of the executor.

    Args:
        function: returns the job's result, or raises. It must check `control` now and then.
        control: cancels the job, see `cancel`.
        need: bytes that the job takes while it runs; it starts when they fit beside other jobs'.
        limit: bytes that it and the jobs that run at the same time may take; None for all that is
            available.
        size: bytes that it holds while it waits. If waiting jobs hold too much together, this
            function waits.

    Returns:
        The future of the result. Once it is done, the job's memory has been given back.
    """
    job = _QueuedJob(function, control, need, limit, size)
    _queue.put(job)
    return job.future


@contextlib.contextmanager
def hold(need: int, limit: int | None, check: Callable[[], None]) -> Iterator[None]:
    """Holds memory within a ``with`` for work that is no job; then jobs that wait for it begin.

    Args:
        need: bytes, as for `submit`.
        limit: as for `submit`.
        check: called every 10 ms of the wait for memory; may raise to give up.
    """
    try:
        with budget.shared.hold(need, limit, check):
            yield
    finally:
        _queue.look_again()


def run_brief(function: Callable[[], Any], control: Control) -> AnyFuture:
    """Calls the function of a brief job on this thread; returns its future, which is done.

    A brief job takes no longer than waking a thread, and so little memory that it is not counted.
    It is not among the live jobs, since nobody has a handle on it before it has ended. While a job
    with a limit runs, it is submitted instead.

    Args:
        function: as for `submit`.
        control: as for `submit`.

    Raises:
        BaseException: whatever a signal handler raised during the call, such as KeyboardInterrupt.
    """
    if budget.shared.limited:
        return submit(function, control)
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
        return Ended(returned.pop())
    hide_caller(failure, sys.exc_info()[1])
    clear_frames(failure)
    try:
        return Ended(None, failure)
    finally:
        failure = None  # its traceback refers to this frame


def wait(future: AnyFuture, control: Control) -> Any:
    """Returns the result of a job; cancels it if the wait is interrupted.

    Raises:
        BaseException: what the job raised, or a signal handler during the wait.
    """
    try:
        return future.result()
    except BaseException:
        cancel(future, control)
        raise


def cancel(future: AnyFuture, control: Control | None) -> bool:
    """Cancels a queued or running job; returns False if it had already ended.

    May be called from a signal handler. The future of a running job is done once the job has
    stopped.
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
    """Ends the threads of this package; later jobs get new threads.

    The arguments are those of `concurrent.futures.Executor.shutdown`.

    Args:
        wait: whether to return only when all jobs and threads have ended. Otherwise the threads end
            after the jobs that have been submitted.
        cancel_futures: whether to cancel the jobs that have not ended, running ones too.
    """
    jobs = list(_queue.live)
    if cancel_futures:
        for job in jobs:
            cancel(job.future, job.control)
    executors = runners.retire() + helpers.retire()
    if wait:
        for job in jobs:
            # Not concurrent.futures.wait: for it, a future cancelled in a queue is never done.
            with contextlib.suppress(CancelledError):
                job.future.exception()
    for executor in executors:
        executor.shutdown(wait=wait)


# ----------------------------------------------------------------------------------------------
# Exit and fork
# ----------------------------------------------------------------------------------------------


def _leave() -> None:
    """Cancels all jobs at interpreter exit, just before it waits for their threads."""
    for job in list(_queue.live):
        cancel(job.future, job.control)


def _start_anew() -> None:
    """Starts with an empty queue in a forked child, where none of the parent's jobs runs."""
    global _queue
    for job in list(_queue.live):
        job.control.orphan()
    _queue = _Queue()


# Called in reverse order of registration: before the hook of concurrent.futures, imported earlier.
getattr(threading, "_register_atexit", atexit.register)(_leave)
in_child(_start_anew)
