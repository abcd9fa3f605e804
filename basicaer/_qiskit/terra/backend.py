"""The base of the simulators on terra: a `BackendV1` with a configuration."""

from __future__ import annotations

from typing import Any, Tuple

from qiskit.providers.backend import BackendV1
from qiskit.providers.models import QasmBackendConfiguration

from basicaer._jobs import options
from basicaer._qiskit.simulator import Simulator
from basicaer._qiskit.terra.configuration import Configuration


class Backend(Simulator, BackendV1):
    """Base of the three simulators.

    Subclasses say what kind they are and how terra describes them.
    """

    def __init__(
        self,
        configuration: QasmBackendConfiguration | None = None,
        provider: Any = None,
        **fields: Any,
    ) -> None:
        """Makes a simulator.

        Args:
            configuration: what the simulator says of itself; None for what it is. The number of
                qubits in a configuration given here is a bound on what may be run.
            provider: the provider that it belongs to.
            fields: options that are to have other values than the default.
        """
        if configuration is None:
            unitary = self.KIND == options.UNITARY
            configuration = Configuration.of(self.DEFAULT_CONFIGURATION, unitary=unitary)
        super().__init__(configuration=configuration, provider=provider)
        if fields:
            self.set_options(**fields)

    def configuration(self) -> QasmBackendConfiguration:
        """Returns the configuration.

        Its `n_qubits` is what the memory now available holds, unless it was set to something else.
        """
        return self._configuration

    def _identity(self) -> Tuple[str, str]:
        configuration = self._configuration
        return configuration.backend_name, configuration.backend_version

    def _most_qubits(self) -> int | None:
        configuration = self._configuration
        if isinstance(configuration, Configuration):
            return configuration.bound
        return configuration.n_qubits
