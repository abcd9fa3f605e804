"""The error that this package raises for bad input: `BasicAerError`."""

from basicaer._qiskit.errors import BasicAerError

__all__ = ["BasicAerError"]
