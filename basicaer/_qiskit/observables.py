"""Qiskit's observables as numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from basicaer._engine.pauli_sums import WIDEST, PauliSum
from basicaer._qiskit.errors import BasicAerError


def pauli_sum(operator: Any) -> PauliSum:
    """Returns a `SparsePauliOp` as a `PauliSum`.

    Raises:
        BasicAerError: a coefficient has an unbound parameter, or is NaN or infinite; or there are
            more than 62 qubits.
    """
    num_qubits = operator.num_qubits
    if num_qubits > WIDEST:
        raise BasicAerError(
            f"an observable of {num_qubits} qubits is too wide; at most {WIDEST} are possible."
        )
    try:
        coefficients = np.array(operator.coeffs, dtype=np.complex128)
    except (TypeError, ValueError):
        coefficients = np.array([_number(value) for value in operator.coeffs])
    if not np.isfinite(coefficients).all():
        raise BasicAerError("an observable has a coefficient that is NaN or infinite.")
    bits = np.int64(1) << np.arange(num_qubits, dtype=np.int64)
    paulis = operator.paulis
    return PauliSum(num_qubits, paulis.x @ bits, paulis.z @ bits, coefficients)


def _number(value: Any) -> complex:
    try:
        return complex(value)
    except (TypeError, ValueError):
        raise BasicAerError(
            f"an observable has the coefficient {value}; a number is needed, "
            "bind its parameters with assign_parameters."
        ) from None
