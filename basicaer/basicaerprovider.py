"""The provider, which looks simulators up by name."""

from __future__ import annotations

from typing import Any, Callable, Dict, List

from basicaer._qiskit.backend import Backend
from basicaer._qiskit.versions import (
    ProviderBase,
    QiskitBackendNotFoundError,
    filter_backends,
    passes_as,
    resolve_backend_name,
)
from basicaer.qasm_simulator import QasmSimulatorPy
from basicaer.statevector_simulator import StatevectorSimulatorPy
from basicaer.unitary_simulator import UnitarySimulatorPy

SIMULATORS = [QasmSimulatorPy, StatevectorSimulatorPy, UnitarySimulatorPy]

_DEPRECATED_NAMES = {
    "qasm_simulator_py": "qasm_simulator",
    "statevector_simulator_py": "statevector_simulator",
    "unitary_simulator_py": "unitary_simulator",
    "local_qasm_simulator_py": "qasm_simulator",
    "local_statevector_simulator_py": "statevector_simulator",
    "local_unitary_simulator_py": "unitary_simulator",
    "local_unitary_simulator": "unitary_simulator",
}


@passes_as("BasicAerProvider")
class BasicAerProvider(ProviderBase):
    """Provides the three simulators, the same instances each time."""

    def __init__(self) -> None:
        """Makes the simulators."""
        super().__init__()
        self._backends = self._verify_backends()

    def get_backend(self, name: str | None = None, **kwargs: Any) -> Backend:
        """Returns the one simulator that meets all conditions.

        Args:
            name: name of the simulator; a deprecated name is accepted, and logged.
            kwargs: see `backends`.

        Raises:
            QiskitBackendNotFoundError: if no simulator, or more than one, meets them.
        """
        if name:
            resolved = self._resolved(name)
            if not resolved:
                raise QiskitBackendNotFoundError(
                    f"The '{name}' backend is not installed in your system. "
                    f"There are {', '.join(self._backends)}."
                )
            name = resolved
        backends = self.backends(name, **kwargs)
        if len(backends) > 1:
            raise QiskitBackendNotFoundError("More than one backend matches the criteria")
        if not backends:
            raise QiskitBackendNotFoundError("No backend matches the criteria")
        return backends[0]

    def backends(
        self,
        name: str | None = None,
        filters: Callable[[Backend], bool] | None = None,
        **kwargs: Any,
    ) -> List[Backend]:
        """Returns the simulators that meet all conditions.

        Args:
            name: name of the simulator, which may be a deprecated one; None for any.
            filters: takes a simulator and returns whether to include it.
            kwargs: values that fields of its configuration or status must have.
        """
        backends: List[Backend] = list(self._backends.values())
        if name:
            resolved = self._resolved(name)
            backends = [self._backends[resolved]] if resolved else []
        chosen: List[Backend] = filter_backends(backends, filters=filters, **kwargs)
        return chosen

    def _resolved(self, name: str) -> str:
        """Returns the current name of a simulator; "" if there is none of that name."""
        try:
            resolved: str = resolve_backend_name(
                name, self._backends.values(), self._deprecated_backend_names(), {}
            )
        except LookupError:
            return ""
        return resolved

    @staticmethod
    def _deprecated_backend_names() -> Dict[str, str]:
        """Returns the current name for each deprecated name."""
        return dict(_DEPRECATED_NAMES)

    def _verify_backends(self) -> Dict[str, Backend]:
        """Makes the simulators; returns them by name."""
        made = [simulator(provider=self) for simulator in SIMULATORS]
        return {backend.name(): backend for backend in made}

    def __eq__(self, other: object) -> bool:
        return type(self).__name__ == type(other).__name__  # as terra's base class has it

    def __hash__(self) -> int:
        return hash(type(self).__name__)

    def __str__(self) -> str:
        return "BasicAer"


BasicAer = BasicAerProvider()
"""The provider, named as in terra."""
