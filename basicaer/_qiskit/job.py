"""The job: a future of a result, with the interface of a Qiskit job."""

from __future__ import annotations

import hashlib
import itertools
import os
import sys
import threading
import time
import warnings
from concurrent.futures import CancelledError
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import Any, Callable, Dict, Tuple, Union

from qiskit.providers.exceptions import JobError, JobTimeoutError
from qiskit.providers.job import JobV1
from qiskit.providers.jobstatus import JOB_FINAL_STATES, JobStatus
from qiskit.result import Result

from basicaer._engine import fork
from basicaer._engine.control import Control
from basicaer._engine.fork import in_child
from basicaer._jobs import progress_bar, queue
from basicaer._jobs.queue import AnyFuture, Ended
from basicaer._qiskit.versions import passes_as

# On Windows an endless wait cannot be interrupted: there it is split into short ones.
_LONGEST_WAIT = 0.05 if sys.platform == "win32" else None

_secret = b""
"""What the ids of this process are made of, with their numbers; another one in a forked child."""
_numbers = itertools.count()


def _start_anew() -> None:
    global _secret
    _secret = os.urandom(32)


_start_anew()
in_child(_start_anew)


class Ids:
    """The ids of a job, two random UUIDs that are made when somebody asks.

    They are the same each time, also in the child of a fork and in the parent.
    """

    __slots__ = ("_number", "_secret")

    def __init__(self) -> None:
        self._secret = _secret
        self._number = next(_numbers)

    @property
    def job_id(self) -> str:
        """The id of the job."""
        return self.both()[0]

    def both(self) -> Tuple[str, str]:
        """Returns the id of the job and that of its circuits, which terra's results have."""
        number = self._number.to_bytes(8, "little")
        a = hashlib.blake2b(number, digest_size=32, key=self._secret).hexdigest()
        # Six times as fast as `uuid.UUID`.
        return (
            f"{a[:8]}-{a[8:12]}-4{a[13:16]}-{_VARIANT[a[16]]}{a[17:20]}-{a[20:32]}",
            f"{a[32:40]}-{a[40:44]}-4{a[45:48]}-{_VARIANT[a[48]]}{a[49:52]}-{a[52:]}",
        )


_VARIANT = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}


_BAR_SECONDS = 1.0
"""The most that `result()` of a job that has ended waits for its progress bar."""


@passes_as("BasicAerJob")
class BasicAerJob(JobV1):
    """The job of a `run()`: waits for its result, cancels it, reports its status and progress.

    A job may be used from several threads at the same time. It can be pickled once it has its
    result.
    """

    __module__ = "basicaer.basicaerjob"  # its public module, by which it is pickled
    _async = True

    def __init__(
        self,
        backend: Any,
        job_id: Union[str, Ids],
        result: Union[Result, AnyFuture],
        *,
        control: Control | None = None,
        bar: Any = None,
    ) -> None:
        """Makes a job of a result or of the future of one.

        Args:
            backend: the simulator that runs the job.
            job_id: its unique id, or the ids that it is one of.
            result: a finished `Result` or the future of one.
            control: cancels the job while it runs; without it, only a job that has not begun can
                be cancelled.
            bar: the class of its progress bar, see `progress_bar.load`; None for no bar.
        """
        super().__init__(backend, job_id)
        self._future: AnyFuture
        if isinstance(result, Ended) or (
            not isinstance(result, Result) and hasattr(result, "set_result")
        ):
            self._future = result
        else:
            self._future = Ended(result)
        self._control = control
        self._generation = fork.generation
        self._bar: threading.Thread | None = None  # draws the progress bar
        if bar is not None:
            self._bar = progress_bar.follow(
                bar, backend.name(), self._wait, self.progress, lambda: self.status().name.lower()
            )

    @property
    def _job_id(self) -> str:
        """The id, which the base class reads and sets."""
        ids = self._ids
        return ids.job_id if isinstance(ids, Ids) else ids

    @_job_id.setter
    def _job_id(self, ids: Union[str, Ids]) -> None:
        self._ids = ids

    # ------------------------------------------------------------------------------------------
    # Status
    # ------------------------------------------------------------------------------------------

    def status(self) -> JobStatus:
        """Returns `QUEUED`, `RUNNING`, `DONE`, `CANCELLED` or `ERROR`."""
        if self._is_orphan():
            return JobStatus.ERROR
        if self._control is not None and self._control.cancelled:
            return JobStatus.CANCELLED
        future = self._future
        if not future.done():
            return JobStatus.RUNNING if future.running() else JobStatus.QUEUED
        failure = self._failure()
        if failure is None:
            return JobStatus.DONE
        return JobStatus.CANCELLED if isinstance(failure, CancelledError) else JobStatus.ERROR

    def error_message(self) -> str | None:
        """Returns what went wrong, and in which circuit; None unless the status is `ERROR`."""
        if self.status() is not JobStatus.ERROR:
            return None
        if self._is_orphan():
            return _ORPHAN
        failure = self._failure()
        where = getattr(failure, "basicaer_circuit", None)
        place = "" if where is None else f'circuit {where[0]}, "{where[1]}": '
        return f"{place}{type(failure).__name__}: {failure}"

    def progress(self) -> float:
        """Returns how much of the job is done, 0 to 1; never less than it returned before."""
        if not self._is_orphan() and self._future.done() and self._failure() is None:
            return 1.0
        return 0.0 if self._control is None else self._control.progress()

    def result(self, timeout: float | None = None) -> Result:
        """Waits for the result and returns it.

        If the wait is interrupted (Ctrl-C, or the stop button of a notebook), the job is cancelled,
        since usually nothing else refers to it by then. `wait_for_final_state` waits without
        cancelling.

        Args:
            timeout: the most seconds to wait; None to wait as long as it takes.

        Raises:
            JobTimeoutError: the job has not ended by then; it goes on.
            JobError: the job was cancelled.
            Exception: whatever a circuit of the job raised, unchanged.

        Warns:
            RuntimeWarning: once for each circuit whose numbers may be wrong.
        """
        if self._bar is not None or not isinstance(self._future, Ended):
            try:
                self._wait_to_the_end(timeout, timeout)
            except KeyboardInterrupt:
                self.cancel()
                raise
        try:
            result = self._future.result()
        except CancelledError:
            raise JobError(f"Job {self.job_id()} was cancelled.") from None
        control = self._control
        while control is not None and control.warnings:
            warnings.warn(control.warnings.popleft(), RuntimeWarning, stacklevel=2)
        return result

    def wait_for_final_state(
        self,
        timeout: float | None = None,
        wait: float = 5,
        callback: Callable[[str, JobStatus, BasicAerJob], Any] | None = None,
    ) -> None:
        """Waits until the job is done, cancelled or failed; returns as soon as it is.

        Args:
            timeout: the most seconds to wait; None to wait as long as it takes.
            wait: seconds between two calls of `callback`.
            callback: called immediately and then every `wait` seconds until the job has ended, with
                the job's id, its status and the job. What it raises is raised here.

        Raises:
            JobTimeoutError: the job has not ended by then; it goes on.
        """
        if callback is None:
            self._wait_to_the_end(timeout, timeout)
            return
        deadline = None if timeout is None else time.monotonic() + timeout
        step = max(float(wait), 0.001)
        while True:
            status = self.status()
            left = None if deadline is None else deadline - time.monotonic()
            if status in JOB_FINAL_STATES:  # a cancelled one may take a moment to stop
                self._wait_to_the_end(None if left is None else max(0.0, left), timeout)
                return
            if left is not None and left <= 0:
                raise self._timed_out(timeout)
            callback(self.job_id(), status, self)
            if deadline is not None:
                step = min(max(float(wait), 0.001), max(0.0, deadline - time.monotonic()))
            self._wait(step)

    # ------------------------------------------------------------------------------------------
    # Submit and cancel
    # ------------------------------------------------------------------------------------------

    def submit(self) -> None:
        """Raises `JobError`: the `run()` that made the job has submitted it."""
        raise JobError(f"Job {self.job_id()} has been submitted already; use run() for another.")

    def cancel(self) -> bool:
        """Cancels the job, queued or running.

        Returns immediately, and may be called from a signal handler. A running job stops within a
        fraction of a second; `result()` and `wait_for_final_state()` return once it has, and its
        memory has been given back.

        Returns:
            True if the job is cancelled, False if it had already ended.
        """
        if self._generation != fork.generation:
            return False
        return queue.cancel(self._future, self._control)

    # ------------------------------------------------------------------------------------------

    def _failure(self) -> BaseException | None:
        """Returns the exception of the future, which is done; `CancelledError` if cancelled."""
        try:
            return self._future.exception()
        except CancelledError as error:
            return error

    def _is_orphan(self) -> bool:
        """Whether this is a forked child, and the job runs in the parent."""
        if self._generation == fork.generation:
            return False
        orphaned = self._control is not None and self._control.orphaned
        return orphaned or not self._future.done()

    def _wait(self, timeout: float | None) -> bool:
        """Waits at most `timeout` seconds; returns whether the job has ended."""
        future = self._future
        if isinstance(future, Ended):
            return True
        deadline = None if timeout is None else time.monotonic() + timeout
        if self._is_orphan():
            raise JobError(_ORPHAN)
        while not future.done():
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            step = left
            if _LONGEST_WAIT is not None:
                step = _LONGEST_WAIT if left is None else min(left, _LONGEST_WAIT)
            try:
                future.exception(step)
            except CancelledError:
                return True
            except FutureTimeoutError:
                if left is not None and step == left:
                    return future.done()
        return True

    def _wait_to_the_end(self, left: float | None, timeout: float | None) -> None:
        """Waits until the job has ended and its progress bar, if any, is complete.

        So the next bar begins below it. `left` is the part of `timeout` that is left, in seconds.
        """
        if not self._wait(left):
            raise self._timed_out(timeout)
        if self._bar is not None:
            self._bar.join(_BAR_SECONDS)

    def _timed_out(self, timeout: float | None) -> JobTimeoutError:
        return JobTimeoutError(
            f"Job {self.job_id()} has not ended within {timeout} seconds; it goes on."
        )

    # ------------------------------------------------------------------------------------------

    def __copy__(self) -> BasicAerJob:
        twin = object.__new__(type(self))
        twin.__dict__.update(self.__dict__)
        return twin

    def __getstate__(self) -> Dict[str, Any]:
        if self.status() is not JobStatus.DONE:
            raise JobError(
                f"Job {self.job_id()} has no result (its status is {self.status().name}): only a "
                "job with a result can be pickled or deep-copied."
            )
        state = {key: value for key, value in self.__dict__.items() if key not in _NOT_PICKLED}
        state["_job_id"] = self._job_id
        state["result"] = self._future.result()
        return state

    def __setstate__(self, state: Dict[str, Any]) -> None:
        state = dict(state)
        self._future = Ended(state.pop("result"))
        self._control = self._bar = None
        self._generation = fork.generation
        self._job_id = state.pop("_job_id")
        self.__dict__.update(state)


_NOT_PICKLED = ("_bar", "_control", "_future", "_generation", "_ids")
_ORPHAN = (
    "The job runs in the process that this one was forked from; only there can it be waited for."
)
