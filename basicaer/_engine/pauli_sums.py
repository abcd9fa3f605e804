"""Sums of Pauli strings as numbers, and their expectation values.

A string is two masks: bit q of `x` is set if it has X or Y on qubit q, bit q of `z` if it has Z or
Y. With Y = iXZ the string is ``i**|x & z| X^x Z^z``.
"""

from __future__ import annotations

from typing import Sequence, Tuple, Union

import numpy as np

from basicaer._engine.state.amplitudes import Amplitudes

_TABLE = 1 << 14
"""Maximum size, in complex numbers, of a temporary array of amplitudes times terms."""

_POWERS = np.array([1, 1j, -1, -1j])
"""Of i."""

WIDEST = 62
"""Maximum width of a string: the bits of a mask."""


class PauliSum:
    """``sum_t coefficients[t] * P_t``. Do not modify.

    Attributes:
        num_qubits: width of the strings.
        x: int64, shape (t,), ascending: strings that flip the same qubits are adjacent.
        z: int64, shape (t,).
        coefficients: complex128, shape (t,).
    """

    __slots__ = ("_families", "coefficients", "num_qubits", "x", "z")

    def __init__(
        self, num_qubits: int, x: np.ndarray, z: np.ndarray, coefficients: np.ndarray
    ) -> None:
        order = np.argsort(x, kind="stable")
        self.num_qubits = num_qubits
        self.x: np.ndarray = np.asarray(x, dtype=np.int64)[order]
        self.z: np.ndarray = np.asarray(z, dtype=np.int64)[order]
        self.coefficients: np.ndarray = np.asarray(coefficients, dtype=np.complex128)[order]
        self._families: Union[Tuple[np.ndarray, ...], None] = None

    @property
    def families(self) -> Tuple[np.ndarray, ...]:
        """The Hermitian part, strings that flip the same qubits as one family.

        Computed once, as `_kernels.apply_paulis` takes it: the `x` mask of each family, int64;
        where each begins in the other arrays, int64, shape (families + 1,); the `z` masks, int64;
        real and imaginary part of the factor of each ``X^x Z^z``, float64.
        """
        found = self._families
        if found is None:
            x, first = np.unique(self.x, return_index=True)
            first = np.append(first, len(self.x)).astype(np.int64)
            factors = self.coefficients.real * _POWERS[_ones(self.x & self.z) & 3]
            # Powers of i have exact zeros, and so has the product: families are real or imaginary.
            re, im = factors.real.copy(), factors.imag.copy()
            found = self._families = (x, first, self.z, re, im)
        return found

    def expectation(self, state: Amplitudes, threads: int = 1) -> complex:
        """Returns the expectation value on a `State`."""
        values = state.expectations(self.x, self.z, threads=threads)
        return complex(values @ self.coefficients)

    def times_i(self) -> TimesI:
        """Returns i times the Hermitian part of the sum."""
        return TimesI(self.num_qubits, self.x, self.z, self.coefficients)

    def second_moment(self, amplitudes: np.ndarray) -> float:
        """Returns the expectation value of the square of the sum, which must be Hermitian.

        Args:
            amplitudes: of the state, shape (2**n,).
        """
        size = len(amplitudes)
        sign = np.ones(1)  # of each mask: -1 if it has an odd number of set bits
        while len(sign) < size:
            sign = np.concatenate((sign, -sign))
        weights = self.coefficients * _POWERS[_ones(self.x & self.z) & 3]
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
        """True if all coefficients are real up to rounding (1e-12)."""
        return bool((abs(self.coefficients.imag) <= 1e-12).all())


class TimesI(PauliSum):
    """The imaginary unit times a Hermitian sum, for imaginary parts of inner products."""

    __slots__ = ()

    @property
    def families(self) -> Tuple[np.ndarray, ...]:
        """As for `PauliSum`, all factors times i."""
        x, first, z, re, im = super().families
        return x, first, z, -im, re


class PauliSums:
    """Several sums on the same qubits. Each string they have in common is evaluated once.

    Attributes:
        sums: the sums.
        x: int64, shape (t,): masks of the distinct strings, as in `PauliSum`.
        z: int64, shape (t,).
    """

    __slots__ = ("_coefficients", "_owners", "_strings", "sums", "x", "z")

    def __init__(self, sums: Sequence[PauliSum]) -> None:
        self.sums = tuple(sums)
        every = np.concatenate([np.stack((each.x, each.z)) for each in sums], axis=1)
        distinct, self._strings = np.unique(every, axis=1, return_inverse=True)
        self._strings = self._strings.reshape(-1)
        self.x: np.ndarray = np.ascontiguousarray(distinct[0])
        self.z: np.ndarray = np.ascontiguousarray(distinct[1])
        self._coefficients = np.concatenate([each.coefficients for each in sums])
        self._owners = np.repeat(np.arange(len(sums)), [len(each.x) for each in sums])

    def expectations(self, state: Amplitudes, threads: int = 1) -> np.ndarray:
        """Returns the expectation value of each sum on a `State`, complex128, shape (sums,)."""
        found: np.ndarray = self.combined(
            state.expectations(self.x, self.z, threads=threads)[np.newaxis]
        )[0]
        return found

    def combined(self, values: np.ndarray) -> np.ndarray:
        """Returns the sums, from the values of the distinct strings.

        Args:
            values: float64, shape (rows, strings).

        Returns:
            complex128, shape (rows, sums).
        """
        terms = self._coefficients * values[:, self._strings]
        owners = self._owners
        if len(values) > 1:
            count = len(self.sums)
            owners = (owners + count * np.arange(len(values))[:, np.newaxis]).reshape(-1)
            terms = terms.reshape(-1)
        else:
            terms = terms[0]
        size = len(values) * len(self.sums)
        found = np.empty(size, dtype=np.complex128)
        found.real = np.bincount(owners, terms.real, size)
        found.imag = np.bincount(owners, terms.imag, size)
        return found.reshape(len(values), -1)


def _ones(masks: np.ndarray) -> np.ndarray:
    """Returns the number of set bits of each mask."""
    return np.array([bin(mask).count("1") for mask in masks.tolist()], dtype=np.int64)
