"""The error that everything in this package raises for bad input."""

from __future__ import annotations

from qiskit.exceptions import QiskitError

from basicaer._qiskit.versions import reference


class BasicAerError(reference.BasicAerError):
    """Something is wrong with a circuit, an option or a request; the message says what.

    It is a kind of terra's error of the same name, so that code which catches that one catches this
    one too.
    """

    def __init__(self, *message: str) -> None:
        # terra's own __init__ warns of its deprecation; its base class does all that is needed.
        QiskitError.__init__(self, *message)
        self.message = " ".join(message)
