"""Helper functions of terra's BasicAer.

The simulators of this package do not use them; they are here for code that imports them.
"""

from __future__ import annotations

from typing import Any, List, Sequence, Tuple

import numpy as np

from basicaer._qiskit.circuits.gate_classes import CLASS_OF_NAME
from basicaer._qiskit.versions import QiskitError

SINGLE_QUBIT_GATES = ("U", "u", "h", "p", "u1", "u2", "u3", "rz", "sx", "x")
"""Names of the one-qubit gates that terra's simulators know."""

_CLASSES = {name: CLASS_OF_NAME[name.lower()] for name in (*SINGLE_QUBIT_GATES, "id")}

_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def single_gate_matrix(gate: str, params: List[float] | None = None) -> np.ndarray:
    """Returns the matrix of a one-qubit gate.

    Args:
        gate: its name, one of `SINGLE_QUBIT_GATES` or "id".
        params: the gate's parameters, if it has any.

    Raises:
        QiskitError: if the name is not one of these.
    """
    if gate not in _CLASSES:
        raise QiskitError(
            f"Gate is not a valid basis gate for this simulator: {gate} "
            f"(known: {', '.join(_CLASSES)})"
        )
    matrix: np.ndarray = _CLASSES[gate](*(params or [])).to_matrix()
    return matrix


def cx_gate_matrix() -> np.ndarray:
    """Returns the matrix of CX whose control is the less significant qubit."""
    matrix = np.zeros((4, 4), dtype=complex)
    matrix[[0, 1, 2, 3], [0, 3, 2, 1]] = 1
    return matrix


def einsum_matmul_index(gate_indices: Sequence[int], number_of_qubits: int) -> str:
    """Returns the `numpy.einsum` subscripts that apply a gate to a unitary.

    The operands are the gate as a tensor of rank 2M and the unitary as one of rank 2N; the gate
    acts on the rows.

    Args:
        gate_indices: the qubits the gate acts on, the least significant first.
        number_of_qubits: N.
    """
    gate, before, after = _subscripts(gate_indices, number_of_qubits)
    columns = _LETTERS[:number_of_qubits].upper()
    return f"{gate}, {before}{columns}->{after}{columns}"


def einsum_vecmul_index(gate_indices: Sequence[int], number_of_qubits: int) -> str:
    """Returns the `numpy.einsum` subscripts that apply a gate to a statevector.

    The operands are the gate as a tensor of rank 2M and the statevector as one of rank N.

    Args:
        gate_indices: the qubits the gate acts on, the least significant first.
        number_of_qubits: N.
    """
    gate, before, after = _subscripts(gate_indices, number_of_qubits)
    return f"{gate}, {before}->{after}"


def _subscripts(gate_indices: Sequence[int], number_of_qubits: int) -> Tuple[str, str, str]:
    """Returns the subscripts of the gate, of the state before it and of the state after it."""
    if len(gate_indices) + number_of_qubits > len(_LETTERS):
        raise QiskitError(f"Total number of free indexes limited to {len(_LETTERS)}")
    before = _LETTERS[:number_of_qubits]
    after: List[Any] = list(before)
    rows, columns = "", ""
    for count, qubit in enumerate(reversed(gate_indices), start=1):
        rows += _LETTERS[-count]
        columns += before[-1 - qubit]
        after[-1 - qubit] = _LETTERS[-count]
    return rows + columns, before, "".join(after)
