"""The configuration of a backend, as terra has it."""

from __future__ import annotations

from typing import Any, Mapping

from qiskit.providers.models import QasmBackendConfiguration

from basicaer._qiskit.configuration import FollowsMemory


class Configuration(FollowsMemory, QasmBackendConfiguration):
    """A configuration whose `n_qubits` follows the available memory, until it is set."""

    @classmethod
    def of(cls, fields: Mapping[str, Any], *, unitary: bool) -> Configuration:
        """Makes a configuration of the dict that `configuration` returns."""
        made = cls.from_dict(dict(fields))
        made.bound, made.unitary = None, unitary
        return made

    def __contains__(self, name: object) -> bool:
        return name == "n_qubits" or super().__contains__(name)
