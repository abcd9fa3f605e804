"""The provider: where the simulators are had by name."""

from __future__ import annotations

from typing import Any, Callable, Dict, List

from qiskit.providers.exceptions import QiskitBackendNotFoundError
from qiskit.providers.provider import ProviderV1
from qiskit.providers.providerutils import filter_backends, resolve_backend_name

from basicaer._qiskit.simulator import Simulator
from basicaer._qiskit.versions import reference
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


class BasicAerProvider(ProviderV1):
    """Gives the three simulators, the same instances each time."""

    def __init__(self) -> None:
        """Makes the simulators."""
        super().__init__()
        self._backends = self._verify_backends()

    def get_backend(self, name: str | None = None, **kwargs: Any) -> Simulator:
        """Returns the one simulator of that name.

        Args:
            name: of the simulator; old names are taken too, with a remark in the log.
            kwargs: see `backends`.

        Raises:
            QiskitBackendNotFoundError: if there is none, or more than one.
        """
        if name:
            resolved = self._resolved(name)
            if not resolved:
                raise QiskitBackendNotFoundError(
                    f"The '{name}' backend is not installed in your system. "
                    f"There are {', '.join(self._backends)}."
                )
            name = resolved
        backend: Simulator = super().get_backend(name=name, **kwargs)
        return backend

    def backends(
        self,
        name: str | None = None,
        filters: Callable[[Simulator], bool] | None = None,
        **kwargs: Any,
    ) -> List[Simulator]:
        """Returns the simulators that meet all conditions.

        Args:
            name: of the simulator.
            filters: says of a simulator whether it is wanted.
            kwargs: values that fields of its configuration or status must have.
        """
        backends: List[Simulator] = list(self._backends.values())
        if name:
            resolved = self._resolved(name)
            backends = [self._backends[resolved]] if resolved else []
        chosen: List[Simulator] = filter_backends(backends, filters=filters, **kwargs)
        return chosen

    def _resolved(self, name: str) -> str:
        """The present name of a simulator, "" if there is none of that name."""
        try:
            resolved: str = resolve_backend_name(
                name, self._backends.values(), self._deprecated_backend_names(), {}
            )
        except LookupError:
            return ""
        return resolved

    @staticmethod
    def _deprecated_backend_names() -> Dict[str, str]:
        """Old names and what they are names of."""
        return dict(_DEPRECATED_NAMES)

    def _verify_backends(self) -> Dict[str, Simulator]:
        """New simulators, by name."""
        made = [simulator(provider=self) for simulator in SIMULATORS]
        return {backend.name(): backend for backend in made}

    def __str__(self) -> str:
        return "BasicAer"


reference.BasicAerProvider.register(BasicAerProvider)

BasicAer = BasicAerProvider()
"""The provider, by the name that terra gives it."""
