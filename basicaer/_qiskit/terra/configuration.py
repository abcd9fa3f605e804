"""The configuration of a backend, as terra has it."""

from __future__ import annotations

from typing import Any, Mapping

from qiskit.providers.models import QasmBackendConfiguration

from basicaer._engine.memory import largest_circuit


class Configuration(QasmBackendConfiguration):
    """A configuration whose `n_qubits` is what the memory now available holds, until it is set.

    Attributes:
        bound: the number of qubits that it was set to; None if it was not.
        unitary: whether it is that of a simulator of unitaries.
    """

    bound: int | None = None
    unitary = False

    @classmethod
    def of(cls, fields: Mapping[str, Any], *, unitary: bool) -> Configuration:
        """Returns a configuration of what `configuration` returns."""
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
