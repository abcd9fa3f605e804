"""The job: a future of a result, with the manners of a Qiskit job."""

from __future__ import annotations

import os
import sys
import threading
import time
import warnings
from concurrent.futures import CancelledError, Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import Any, Callable, Dict, Union

from qiskit.providers.exceptions import JobError, JobTimeoutError
from qiskit.providers.job import JobV1
from qiskit.providers.jobstatus import JOB_FINAL_STATES, JobStatus
from qiskit.result import Result

from basicaer._jobs import queue
from basicaer._engine.control import Control
from basicaer._qiskit.versions import reference

# On Windows a wait without end cannot be interrupted: there it is made of short ones.
_LONGEST_WAIT = 0.05 if sys.platform == "win32" else None

_BAR_SECONDS = 1.0
"""The most that a job which has ended waits for its progress bar."""


class BasicAerJob(JobV1):
    """A run of one or more circuits: waits for it, cancels it, tells how far it is.

    A job may be used from several threads at once. It can be pickled once it has its result.
    """

    _async = True

    def __init__(
        self,
        backend: Any,
        job_id: str,
        result: Union[Result, Future[Result]],
        *,
        control: Control | None = None,
    ) -> None:
        """Makes a job of a result that is there or that is on its way.

        Args:
            backend: the simulator that runs it.
            job_id: its unique id.
            result: a finished `Result` or a `concurrent.futures.Future` of one.
            control: cancels the job while it runs; without one, only a job that has not begun can
                be cancelled.
        """
        super().__init__(backend, job_id)
        if not isinstance(result, Result) and hasattr(result, "set_result"):
            self._future = result
        else:
            self._future = Future()
            self._future.set_result(result)
        self._control = control
        self._process = os.getpid()
        self._bar: threading.Thread | None = None  # shows how far it is, see `_progress`

    # ------------------------------------------------------------------------------------------
    # What has become of it
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
        """Returns what went wrong, None as long as nothing has."""
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
        since mostly nothing else refers to it by then. To wait without that, use
        `wait_for_final_state`.

        Args:
            timeout: the most seconds to wait; None for as long as it takes.

        Raises:
            JobTimeoutError: if the job has not ended by then. It goes on.
            JobError: if the job was cancelled.
            Exception: whatever the run raised, unchanged.

        Warns:
            RuntimeWarning: once, if the numbers may be wrong; it says in which circuit.
        """
        try:
            self._wait_to_the_end(timeout, timeout)
        except KeyboardInterrupt:
            self.cancel()
            raise
        try:
            result = self._future.result()
        except CancelledError:
            raise JobError(f"Job {self.job_id()} was cancelled.") from None
        while self._control is not None and self._control.remarks:
            warnings.warn(self._control.remarks.popleft(), RuntimeWarning, stacklevel=2)
        return result

    def wait_for_final_state(
        self,
        timeout: float | None = None,
        wait: float = 5,
        callback: Callable[[str, JobStatus, BasicAerJob], Any] | None = None,
    ) -> None:
        """Waits until the job has ended, however it ends, and returns at that moment.

        Args:
            timeout: the most seconds to wait; None for as long as it takes.
            wait: seconds between two calls of `callback`.
            callback: called at once and then every `wait` seconds, as long as the job goes on,
                with the job's id, its status and the job. What it raises is raised here.

        Raises:
            JobTimeoutError: if the job has not ended by then. It goes on.
        """
        if callback is None:
            self._wait_to_the_end(timeout, timeout)
            return
        deadline = None if timeout is None else time.monotonic() + timeout
        step = max(float(wait), 0.001)
        while True:
            status = self.status()
            left = None if deadline is None else deadline - time.monotonic()
            if status in JOB_FINAL_STATES:  # cancelled, it may need a moment to stop
                self._wait_to_the_end(None if left is None else max(0.0, left), timeout)
                return
            if left is not None and left <= 0:
                raise self._timed_out(timeout)
            callback(self.job_id(), status, self)
            if deadline is not None:
                step = min(max(float(wait), 0.001), max(0.0, deadline - time.monotonic()))
            self._wait(step)

    # ------------------------------------------------------------------------------------------
    # What can be done to it
    # ------------------------------------------------------------------------------------------

    def submit(self) -> None:
        """Raises `JobError`: a job is submitted by the `run()` that makes it, and only once."""
        raise JobError(f"Job {self.job_id()} has been submitted already; use run() for another.")

    def cancel(self) -> bool:
        """Cancels the job, whether it waits or runs.

        Returns at once, and may be called from a signal handler. A running job stops within a
        fraction of a second: then `result()` and `wait_for_final_state()` return, and its memory
        has been given back.

        Returns:
            True if the job is cancelled, False if it had ended before.
        """
        if self._process != os.getpid():
            return False
        return queue.cancel(self._future, self._control)

    # ------------------------------------------------------------------------------------------

    def _failure(self) -> BaseException | None:
        """What the future, which is done, ended with; `CancelledError` if it was cancelled."""
        try:
            return self._future.exception()
        except CancelledError as error:
            return error

    def _is_orphan(self) -> bool:
        """True in a forked process, if the job runs in the process that it was forked from."""
        if self._process == os.getpid():
            return False
        orphaned = self._control is not None and self._control.orphaned
        return orphaned or not self._future.done()

    def _wait(self, timeout: float | None) -> bool:
        """Waits until the job has ended; False if it has not after `timeout` seconds."""
        future = self._future
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
        """Waits until the job has ended and its progress bar, if any, is drawn to its end.

        The next one begins below it then. `left` is what is left of `timeout`.
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
                "job that has one can be pickled or copied deeply."
            )
        state = {key: value for key, value in self.__dict__.items() if key not in _NOT_PICKLED}
        state["result"] = self._future.result()
        return state

    def __setstate__(self, state: Dict[str, Any]) -> None:
        state = dict(state)
        self._future = Future()
        self._future.set_result(state.pop("result"))
        self._control = self._bar = None
        self._process = os.getpid()
        self.__dict__.update(state)


reference.BasicAerJob.register(BasicAerJob)  # so that terra's `isinstance` checks hold

_NOT_PICKLED = ("_future", "_control", "_process", "_bar")
_ORPHAN = (
    "The job runs in the process that this one was forked from; its result can only be had there."
)
