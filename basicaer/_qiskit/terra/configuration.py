"""The configuration of a backend, as terra has it."""

from __future__ import annotations

from typing import Any, Mapping

from qiskit.providers.models import QasmBackendConfiguration

from basicaer._engine.memory import largest_circuit


class Configuration(QasmBackendConfiguration):
    """A configuration whose `n_qubits` follows the available memory, until it is set.

    Attributes:
        bound: the number that `n_qubits` was set to; None if it was not set.
        unitary: whether the simulator computes unitaries, of 4**n entries.
    """

    bound: int | None = None
    unitary = False

    @classmethod
    def of(cls, fields: Mapping[str, Any], *, unitary: bool) -> Configuration:
        """Makes a configuration of the dict that `configuration` returns."""
        made = cls.from_dict(dict(fields))
        made.bound, made.unitary = None, unitary
        return made

    @property
    def n_qubits(self) -> int:
        """The most qubits that a circuit may have."""
        return largest_circuit(unitary=self.unitary) if self.bound is None else self.bound

    @n_qubits.setter
    def n_qubits(self, value: int) -> None:
        self.bound = value
