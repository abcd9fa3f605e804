"""The job of a primitive."""

from __future__ import annotations

from concurrent.futures import Future
from typing import Any, Callable

from qiskit.primitives.primitive_job import PrimitiveJob as QiskitPrimitiveJob

from basicaer._engine.control import Control
from basicaer._qiskit.job import BasicAerJob, fresh_ids
from basicaer._qiskit.points import Points


class PrimitiveJob(BasicAerJob, QiskitPrimitiveJob):
    """The job of a primitive: waits for its result, cancels it, reports its progress."""

    def __init__(self, result: Future[Any], control: Control) -> None:
        """Makes the job of the future `result`, which `control` cancels."""
        super().__init__(None, "", result, control=control)
        if not self.job_id():  # terra's class makes an id; that of Qiskit 1 has no such attribute
            self._job_id = fresh_ids()[0]


def submit(points: Points, function: Callable[[], Any], *, brief: bool = False) -> PrimitiveJob:
    """Returns the job that calls `function`, which computes the points and returns the result.

    Args:
        points: the points.
        function: must not return before `points.run` has.
        brief: whether a job that takes no longer than waking a thread is run before it is returned.
    """
    return PrimitiveJob(points.submit(function, brief=brief), points.control)
