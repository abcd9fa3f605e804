"""BasicProvider: the provider of `BasicSimulator`."""

from __future__ import annotations

from typing import Any, Dict

from basicaer._qiskit.modern.basic_simulator import BasicSimulator, theirs
from basicaer._qiskit.versions import QiskitBackendNotFoundError


class BasicProvider(theirs.BasicProvider):
    """Provides a `BasicSimulator`, the same each time; it is a `BasicProvider` of Qiskit too."""

    __module__ = "basicaer.basic_provider"

    def __init__(self) -> None:
        """Makes the simulator."""
        # Not Qiskit's __init__: that of 1.x announces that its class of providers will end.
        self._backends = self._verify_backends()

    def get_backend(self, name: str | None = None, **kwargs: Any) -> BasicSimulator:
        """Returns the simulator, if it meets all conditions.

        Args:
            name: its name, "basic_simulator"; None for any.
            kwargs: see `backends`.

        Raises:
            QiskitBackendNotFoundError: it does not meet them.
        """
        backends = self.backends(name, **kwargs)
        if not backends:
            raise QiskitBackendNotFoundError("No backend matches the criteria")
        return backends[0]

    def _verify_backends(self) -> Dict[str, BasicSimulator]:
        """Makes the simulator; returns it by its name."""
        backend = BasicSimulator(provider=self)
        return {str(backend.name): backend}
