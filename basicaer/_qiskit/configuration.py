"""What BasicAer says of its simulators: their configurations, as dicts.

The basis gates are terra's, although every standard gate is run natively: a circuit transpiled for
one of these simulators is the circuit that terra would have made, and draws the same outcomes.
"""

from __future__ import annotations

from typing import Any, Dict, Sequence

import numpy as np

from basicaer._engine.memory import largest_circuit
from basicaer._qiskit.errors import BasicAerError

SMALL_BASIS = ("u1", "u2", "u3", "rz", "sx", "x", "cx", "id", "unitary")
"""The basis gates of the statevector and the unitary simulator."""
QASM_BASIS = ("h", "u", "p", *SMALL_BASIS)
"""The basis gates of the qasm simulator."""

_DEFINITIONS: Dict[str, Dict[str, Any]] = {
    "h": {"parameters": [], "qasm_def": "gate h q { U(pi/2,0,pi) q; }"},
    "p": {"parameters": ["lambda"], "qasm_def": "gate p(lambda) q { U(0,0,lambda) q; }"},
    "u": {
        "parameters": ["theta", "phi", "lambda"],
        "qasm_def": "gate u(theta,phi,lambda) q { U(theta,phi,lambda) q; }",
    },
    "u1": {"parameters": ["lambda"], "qasm_def": "gate u1(lambda) q { U(0,0,lambda) q; }"},
    "u2": {
        "parameters": ["phi", "lambda"],
        "qasm_def": "gate u2(phi,lambda) q { U(pi/2,phi,lambda) q; }",
    },
    "u3": {
        "parameters": ["theta", "phi", "lambda"],
        "qasm_def": "gate u3(theta,phi,lambda) q { U(theta,phi,lambda) q; }",
    },
    "rz": {"parameters": ["phi"], "qasm_def": "gate rz(phi) q { U(0,0,phi) q; }"},
    "sx": {"parameters": [], "qasm_def": "gate sx(phi) q { U(pi/2,7*pi/2,pi/2) q; }"},
    "x": {"parameters": [], "qasm_def": "gate x q { U(pi,7*pi/2,pi/2) q; }"},
    "cx": {"parameters": [], "qasm_def": "gate cx c,t { CX c,t; }"},
    "id": {"parameters": [], "qasm_def": "gate id a { U(0,0,0) a; }"},
    "unitary": {"parameters": ["matrix"], "qasm_def": "unitary(matrix) q1, q2,..."},
}
"""What each basis gate does, in the order in which terra lists them."""


def configuration(
    name: str,
    version: str,
    description: str,
    *,
    basis_gates: Sequence[str],
    conditional: bool,
    memory: bool,
    unitary: bool = False,
) -> Dict[str, Any]:
    """Returns the configuration of a simulator as a dict, field by field as terra has it."""
    return {
        "backend_name": name,
        "backend_version": version,
        "n_qubits": largest_circuit(unitary=unitary),
        "url": "https://github.com/Qiskit/qiskit-terra",
        "simulator": True,
        "local": True,
        "conditional": conditional,
        "open_pulse": False,
        "memory": memory,
        "max_shots": 0,
        "coupling_map": None,
        "description": description,
        "basis_gates": list(basis_gates),
        "gates": [
            {"name": gate, **definition}
            for gate, definition in _DEFINITIONS.items()
            if gate in basis_gates
        ],
    }


class FollowsMemory:
    """What a configuration says of the number of qubits: what memory holds, unless it is set.

    Attributes:
        bound: the number that `n_qubits` was set to; None if it was not set.
        unitary: whether the simulator computes unitaries, of 4**n entries.
    """

    bound: int | None = None
    unitary: bool = False

    @property
    def n_qubits(self) -> int:
        """The most qubits that a circuit may have."""
        return largest_circuit(unitary=self.unitary) if self.bound is None else self.bound

    @n_qubits.setter
    def n_qubits(self, value: int | None) -> None:
        if value is not None and not (isinstance(value, (int, np.integer)) and value > 0):
            raise BasicAerError(
                f"n_qubits must be a whole number, 1 or more, or None for what memory holds, "
                f"not {value!r}."
            )
        self.bound = value if value is None else int(value)
