"""The job of a primitive."""

from __future__ import annotations

from typing import Any, Callable

from qiskit.primitives.primitive_job import PrimitiveJob as QiskitPrimitiveJob

from basicaer._engine.control import Control
from basicaer._jobs.queue import AnyFuture
from basicaer._qiskit.job import BasicAerJob, Ids
from basicaer._qiskit.points import Points


class PrimitiveJob(BasicAerJob, QiskitPrimitiveJob):
    """The job of a primitive: waits for its result, cancels it, reports its progress."""

    def __init__(self, result: AnyFuture, control: Control) -> None:
        """Makes the job of the future `result`, which `control` cancels."""
        super().__init__(None, "", result, control=control)
        if not self._ids:  # terra's class makes an id; that of Qiskit 1 has no such attribute
            self._ids = Ids()


def submit(points: Points, function: Callable[[], Any], *, brief: bool = False) -> PrimitiveJob:
    """Returns the job that calls `function`, which computes the points and returns the result.

    Args:
        points: the points.
        function: must not return before `points.run` has.
        brief: whether a job that takes no longer than waking a thread is run before it is returned.
    """
    return PrimitiveJob(points.submit(function, brief=brief), points.control)
