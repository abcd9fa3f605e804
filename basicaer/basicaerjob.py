"""The job of a run: `BasicAerJob`."""

from basicaer._qiskit.job import BasicAerJob

__all__ = ["BasicAerJob"]
