"""What code older than Qiskit 1.0, and some packages beside Qiskit 2, ask a backend for.

Qiskit 2 has none of these classes. mthree reads the number of qubits here, and qiskit-ibm-runtime
whether the backend is a simulator, whose circuits may be anything.
"""

from __future__ import annotations

import copy
from dataclasses import asdict, dataclass
from typing import Any, Dict, List, Mapping

from basicaer._qiskit.configuration import FollowsMemory


@dataclass
class BasisGate:
    """One of the basis gates of a configuration.

    Attributes:
        name: its name.
        parameters: the names of its parameters.
        qasm_def: its definition in OpenQASM 2.
    """

    name: str
    parameters: List[str]
    qasm_def: str

    def to_dict(self) -> Dict[str, Any]:
        """Returns the fields by name."""
        return asdict(self)


class Configuration(FollowsMemory):
    """A configuration with the fields that terra's has.

    Its `n_qubits` is what the memory now available holds. If it is set to something else, wider
    circuits are errors.
    """

    def __init__(self, fields: Mapping[str, Any], *, unitary: bool) -> None:
        """Makes a configuration.

        Args:
            fields: the dict that `basicaer._qiskit.configuration.configuration` returns.
            unitary: whether the simulator computes unitaries.
        """
        self.unitary = unitary
        self._names = [*fields, "dynamic_reprate_enabled"]
        self.dynamic_reprate_enabled = False
        for name, value in fields.items():
            if name != "n_qubits":
                setattr(self, name, copy.deepcopy(value))
        self.gates = [BasisGate(**gate) for gate in fields["gates"]]

    @property
    def num_qubits(self) -> int:
        """The same as `n_qubits`."""
        return self.n_qubits

    def to_dict(self) -> Dict[str, Any]:
        """Returns the fields by name."""
        values = {name: getattr(self, name) for name in self._names}
        values["gates"] = [gate.to_dict() for gate in self.gates]
        return values

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Configuration) and self.to_dict() == other.to_dict()

    __hash__ = None  # type: ignore[assignment]


@dataclass
class Status:
    """The status of a backend, as terra has it: a simulator is always ready.

    Attributes:
        backend_name: the name of the simulator.
        backend_version: "1", whatever the simulator's own version.
        operational: whether jobs are accepted.
        pending_jobs: the jobs before one submitted now; those here do not wait for their turn.
        status_msg: what else there is to say.
    """

    backend_name: str
    backend_version: str = "1"
    operational: bool = True
    pending_jobs: int = 0
    status_msg: str = ""

    def to_dict(self) -> Dict[str, Any]:
        """Returns the fields by name."""
        return asdict(self)
