"""The base of the simulators on Qiskit 1 and 2: a `BackendV2` with a target."""

from __future__ import annotations

from typing import Any, Tuple

from qiskit.providers.backend import BackendV2
from qiskit.transpiler import Target

from basicaer._jobs import options
from basicaer._qiskit.modern.configuration import Configuration, Status
from basicaer._qiskit.modern.target import target_of
from basicaer._qiskit.simulator import Simulator


class Name(str):
    """A name that can be called too, as code of the time before Qiskit 1.0 does."""

    __slots__ = ()

    def __call__(self) -> str:
        """Returns the name."""
        return str(self)


class Backend(Simulator, BackendV2):
    """Base of the three simulators.

    Subclasses say what kind they are and how they are described.
    """

    def __init__(self, provider: Any = None, **fields: Any) -> None:
        """Makes a simulator.

        Args:
            provider: the provider that it belongs to.
            fields: options that are to have other values than the default.
        """
        described = self.DEFAULT_CONFIGURATION
        super().__init__(
            provider=provider,
            name=Name(described["backend_name"]),
            description=described["description"],
            backend_version=described["backend_version"],
        )
        self._target: Target | None = None
        self._configuration = Configuration(described, unitary=self.KIND == options.UNITARY)
        if fields:
            self.set_options(**fields)

    @property
    def target(self) -> Target:
        """What can be run: all that the package runs natively.

        It has no number of qubits, so that no circuit is widened by transpiling it, unless that of
        the configuration was set.
        """
        bound = self._configuration.bound
        if self._target is None or self._target.num_qubits != bound:
            self._target = target_of(self.KIND, self.description, bound)
        return self._target

    @property
    def max_circuits(self) -> None:
        """The most circuits of a run: there is no bound."""
        return None

    def configuration(self) -> Configuration:
        """Returns the configuration.

        Its `n_qubits` is what the memory now available holds, unless it was set to something else.
        """
        return self._configuration

    def properties(self) -> None:
        """Returns None: a simulator has no properties of qubits and gates."""
        return None

    def status(self) -> Status:
        """Returns the status: the simulator is always ready."""
        return Status(self.name())

    def _identity(self) -> Tuple[str, str]:
        return str(self.name), self.backend_version

    def _most_qubits(self) -> int | None:
        return self._configuration.bound

    def __str__(self) -> str:
        return self.name()

    def __repr__(self) -> str:
        return f"<{type(self).__name__}('{self.name}')>"
