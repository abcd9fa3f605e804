"""Sums of Pauli strings as numbers, and what a state says of them.

A string is two masks: bit q of `x` is set where it has X or Y on qubit q, bit q of `z` where it has
Z or Y. With Y = iXZ it is ``i**|x & z| X^x Z^z``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from basicaer._amplitudes import Amplitudes
from basicaer.exceptions import BasicAerError

_TABLE = 1 << 14
"""Complex numbers that are worked on at a time where there is one for each amplitude and term."""

_WIDEST = 62
"""Qubits that a mask has room for."""


class PauliSum:
    """``sum_t coefficients[t] * P_t``, frozen.

    Attributes:
        num_qubits: width of the strings.
        x: int64, shape (t,), ascending: strings that flip the same qubits are neighbours.
        z: int64, shape (t,).
        coefficients: complex128, shape (t,).
    """

    __slots__ = ("coefficients", "num_qubits", "x", "z")

    def __init__(
        self, num_qubits: int, x: np.ndarray, z: np.ndarray, coefficients: np.ndarray
    ) -> None:
        order = np.argsort(x, kind="stable")
        self.num_qubits = num_qubits
        self.x: np.ndarray = np.asarray(x, dtype=np.int64)[order]
        self.z: np.ndarray = np.asarray(z, dtype=np.int64)[order]
        self.coefficients: np.ndarray = np.asarray(coefficients, dtype=np.complex128)[order]

    @classmethod
    def of(cls, operator: Any) -> PauliSum:
        """Returns a `SparsePauliOp` as numbers.

        Raises:
            BasicAerError: a coefficient has a parameter without a value, or is NaN or infinite;
                strings of more than 62 qubits.
        """
        num_qubits = operator.num_qubits
        if num_qubits > _WIDEST:
            raise BasicAerError(
                f"an observable of {num_qubits} qubits is too wide; {_WIDEST} is the most."
            )
        try:
            coefficients = np.array(operator.coeffs, dtype=np.complex128)
        except (TypeError, ValueError):
            coefficients = np.array([_number(value) for value in operator.coeffs])
        if not np.isfinite(coefficients).all():
            raise BasicAerError("an observable has a coefficient that is NaN or infinite.")
        bits = np.int64(1) << np.arange(num_qubits, dtype=np.int64)
        paulis = operator.paulis
        return cls(num_qubits, paulis.x @ bits, paulis.z @ bits, coefficients)

    def expectation(self, state: Amplitudes, threads: int = 1) -> complex:
        """Returns the expectation value on a `State`."""
        values = state.expectations(self.x, self.z, threads=threads)
        return complex(values @ self.coefficients)

    def second_moment(self, amplitudes: np.ndarray) -> float:
        """Returns the expectation value of the square of the sum, which has to be Hermitian.

        Args:
            amplitudes: of the state, shape (2**n,).
        """
        size = len(amplitudes)
        sign = np.ones(1)  # of each mask: -1 where it has an odd number of bits
        while len(sign) < size:
            sign = np.concatenate((sign, -sign))
        weights = self.coefficients * np.array([1, 1j, -1, -1j])[_ones(self.x & self.z) & 3]
        image = np.zeros(size, dtype=np.complex128)  # the sum applied to the state
        index = np.arange(size)
        step = max(1, _TABLE // size)
        for first in range(0, len(weights), step):
            some = slice(first, first + step)
            source = index ^ self.x[some, np.newaxis]
            image += weights[some] @ (amplitudes[source] * sign[source & self.z[some, np.newaxis]])
        return float(np.vdot(image, image).real)

    @property
    def is_hermitian(self) -> bool:
        """True if all coefficients are real, but for rounding."""
        return bool(np.allclose(self.coefficients.imag, 0, rtol=0, atol=1e-12))


def _ones(masks: np.ndarray) -> np.ndarray:
    """Returns how many bits are set in each mask."""
    return np.array([bin(mask).count("1") for mask in masks.tolist()], dtype=np.int64)


def _number(value: Any) -> complex:
    try:
        return complex(value)
    except (TypeError, ValueError):
        raise BasicAerError(
            f"an observable has the coefficient {value}; a number is needed, "
            "bind its parameters with assign_parameters."
        ) from None
