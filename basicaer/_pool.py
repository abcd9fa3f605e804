"""Threads: the pool that runs the jobs, the helpers that share one job's work, cancel and progress.

Both pools are made when they are first needed, and made anew in the child of a fork. Their threads
are daemons: the interpreter does not wait for them, but before it goes all jobs are told to stop,
so that none is at work when it is taken down.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import threading
import time
from concurrent.futures import CancelledError, Future, InvalidStateError
from queue import SimpleQueue
from typing import Any, Callable, Dict, List, Set

import numpy as np

_EXIT_SECONDS = 0.8
"""How long the interpreter's exit waits for running jobs to stop."""


class Cancelled(Exception):  # noqa: N818
    """The job was cancelled while it ran."""


class Control:
    """What the world can ask of one running job, and what the job tells the world.

    Attributes:
        flags: int64, length 8. ``flags[0]`` is not 0 once the job is to stop; kernels poll it by
            its address, without the GIL. ``flags[1]`` counts the work done, in amplitude-gates;
            kernels add to it atomically.
    """

    __slots__ = ("_begun", "_lock", "_parts", "_shown", "_total", "_verdict", "flags")

    def __init__(self, parts: int = 1) -> None:
        """Makes the control of a job that consists of `parts` circuits."""
        self.flags = np.zeros(8, dtype=np.int64)
        self._verdict: Dict[str, bool] = {}
        self._lock = threading.Lock()
        self._total = 0
        self._parts = max(1, parts)
        self._begun = 0
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

    def check(self) -> None:
        """Raises `Cancelled` if the job is to stop."""
        if self.flags[0]:
            raise Cancelled

    def begin_part(self) -> None:
        """Says that the next circuit of the job begins."""
        with self._lock:
            self._begun += 1

    def add_total(self, work: int) -> None:
        """Announces work, in the unit of ``flags[1]``, before it is done."""
        with self._lock:
            self._total += int(work)

    def progress(self) -> float:
        """Returns how much of the job is done, 0 to 1; never less than it returned before."""
        if self._verdict.get("cancelled") is False:
            self._shown = 1.0
            return 1.0
        total, done = self._total, int(self.flags[1])
        if total:
            # Circuits that have not begun have not announced their work: they count as average.
            share = min(1.0, done / total) * min(1.0, max(1, self._begun) / self._parts)
            with self._lock:
                self._shown = max(self._shown, share)
        return self._shown


# ----------------------------------------------------------------------------------------------
# Threads
# ----------------------------------------------------------------------------------------------


def cpu_count() -> int:
    """Returns the number of processors that this process may use."""
    try:
        return max(1, len(os.sched_getaffinity(0)))
    except AttributeError:
        return max(1, os.cpu_count() or 1)


class _Threads:
    """Daemon threads that take calls from one queue; begun one by one, as there is need."""

    def __init__(self, limit: int, name: str) -> None:
        self.limit = limit
        self._name = name
        self._queue: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._lock = threading.Lock()
        self._threads = 0
        self._unfinished = 0

    def put(self, call: Callable[[], None]) -> None:
        """Has `call`, which must not raise, called by the next thread that is free."""
        with self._lock:
            self._unfinished += 1
            another = self._threads < min(self._unfinished, self.limit)
            if another:
                self._threads += 1
                name = f"{self._name}-{self._threads}"
        if another:
            try:
                threading.Thread(target=self._loop, name=name, daemon=True).start()
            except BaseException:  # no more threads to be had: fewer will do, none will not
                with self._lock:
                    self._threads -= 1
                    if not self._threads:
                        self._unfinished -= 1
                        raise
        self._queue.put(call)

    def _loop(self) -> None:
        while True:
            call = self._queue.get()
            call()
            del call
            with self._lock:
                self._unfinished -= 1


_lock = threading.Lock()
_jobs: _Threads | None = None
_helpers: _Threads | None = None
_live: Set[_Item] = set()


def _job_threads() -> _Threads:
    global _jobs
    if _jobs is None:
        with _lock:
            if _jobs is None:
                # At least two, so that two jobs run at once whatever the machine.
                _jobs = _Threads(max(2, cpu_count()), "basicaer-job")
    return _jobs


def _helper_threads() -> _Threads:
    global _helpers
    if _helpers is None:
        with _lock:
            if _helpers is None:
                # More than there are processors only if a job asks for more.
                _helpers = _Threads(max(16, cpu_count()) - 1, "basicaer-helper")
    return _helpers


# ----------------------------------------------------------------------------------------------
# Helpers of one job
# ----------------------------------------------------------------------------------------------


class _Crew:
    """The threads that take part in one call of `cooperate`."""

    def __init__(self, work: Callable[[], None]) -> None:
        self._work: Callable[[], None] | None = work
        self._lock = threading.Lock()
        self._active = 0
        self._gone: Any | None = None
        self.error: BaseException | None = None

    def take_part(self) -> None:
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

    def fail(self, error: BaseException) -> None:
        with self._lock:
            if self.error is None:
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

    Others that have not begun when this thread's own call returns are not begun any more, so that a
    busy pool delays nobody. Returns when all that have begun have ended.

    Args:
        work: does what there is to do until there is no more; right for any number of callers.
        threads: the most threads to use, this one included.

    Raises:
        BaseException: the first exception that any of the calls raised.
    """
    if threads <= 1:
        work()
        return
    crew = _Crew(work)
    pool = _helper_threads()
    for _ in range(min(threads - 1, pool.limit)):
        pool.put(crew.take_part)
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
    """A job in the pool: what is to be called and where its outcome goes."""

    def __init__(self, function: Callable[[], Any], control: Control) -> None:
        self.function: Callable[[], Any] | None = function
        self.control = control
        self.future: Future[Any] = Future()

    def run(self) -> None:
        function, self.function = self.function, None
        future, control = self.future, self.control
        if function is None or not future.set_running_or_notify_cancel():
            return
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
        # Whatever holds the job's memory must be gone before anybody hears that it has ended.
        if failure is not None:
            _clear_frames(failure)
        _live.discard(self)
        if control.finish():
            if failure is None:
                future.set_result(value)
            else:
                future.set_exception(failure)
        failure = None  # its traceback refers to this frame

    def drop(self, _: Any) -> None:
        """The future has ended; if that was in the queue, what the job holds is not needed."""
        if self.function is not None:
            self.function = None
            _live.discard(self)


def _clear_frames(error: BaseException) -> None:
    """Frees the local variables of the frames that the exception went through."""
    traceback = error.__traceback__
    while traceback is not None:
        with contextlib.suppress(RuntimeError):  # the caller's frame still runs
            traceback.tb_frame.clear()
        traceback = traceback.tb_next


def submit(function: Callable[[], Any], control: Control) -> Future[Any]:
    """Has `function` called by the pool.

    Args:
        function: returns the job's result, or raises. It is to look at `control` now and then.
        control: cancels the job, see `cancel`.
    """
    item = _Item(function, control)
    _live.add(item)
    item.future.add_done_callback(item.drop)
    try:
        _job_threads().put(item.run)
    except BaseException:
        _live.discard(item)
        raise
    return item.future


def cancel(future: Future[Any], control: Control | None) -> bool:
    """Cancels a job, queued or running; returns False if it had ended by itself."""
    if future.cancel():
        if control is not None:
            control.cancel()
        return True
    if control is None or not control.cancel():
        return False
    # The verdict is ours: the thread that runs the job will not touch the future any more.
    with contextlib.suppress(InvalidStateError):  # cancelled before
        future.set_exception(CancelledError())
    return True


def live_jobs() -> int:
    """Returns the number of jobs in this process that have not ended."""
    return len(_live)


# ----------------------------------------------------------------------------------------------
# Exit and fork
# ----------------------------------------------------------------------------------------------


def _leave() -> None:
    """Stops all jobs when the interpreter goes."""
    running: List[_Item] = []
    for item in list(_live):
        cancel(item.future, item.control)
        if item.function is None:
            running.append(item)
    deadline = time.monotonic() + _EXIT_SECONDS
    while any(item in _live for item in running) and time.monotonic() < deadline:
        time.sleep(0.002)


def _start_anew() -> None:
    """In the child of a fork there are no threads and none of the parent's jobs."""
    global _lock, _jobs, _helpers, _live
    _lock = threading.Lock()
    _jobs = _helpers = None
    _live = set()


# Before other threads are waited for, where that can be had; atexit comes after.
getattr(threading, "_register_atexit", atexit.register)(_leave)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_anew)
