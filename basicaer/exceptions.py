"""The error that everything in this package raises for bad input."""

from basicaer._qiskit.errors import BasicAerError

__all__ = ["BasicAerError"]
