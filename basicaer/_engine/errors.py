"""The error of the engine and of the jobs."""

from __future__ import annotations


class EngineError(Exception):
    """The request cannot be met; the message says why, and what would work.

    `basicaer._qiskit` converts it to a `BasicAerError`, which is a `QiskitError`.
    """
