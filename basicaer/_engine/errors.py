"""The error of the engine and of the jobs."""

from __future__ import annotations


class EngineError(Exception):
    """What was asked for cannot be done; the message says why, and what can.

    Where Qiskit's objects begin it is turned into a `BasicAerError`, which is a `QiskitError`.
    """
