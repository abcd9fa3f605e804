"""The generators of parametrised gates, derived from the gate table.

The generator of an angle is ``K = (dU / d angle) U^-1``: behind the gate, the state changes by K
times itself. For most gates (rx, cp, rzz, ...) it is one matrix for all angles.

The derivative of a matrix is found by evaluating the table's formula with dual numbers, pairs of a
value and its derivative, so a row of the gate table is all that a gate needs.
"""

from __future__ import annotations

import functools
from typing import Any, Dict, List, NamedTuple, Sequence, Tuple, Union

import numpy as np

from basicaer._engine.gate_table import Entries, Functions
from basicaer._engine.program import DENSE

_TRIALS = ((0.61, 1.13, 2.07, 0.37), (2.41, -0.77, 0.29, 1.93), (-1.37, 3.01, -2.3, -0.83))
_SAME = 1e-13
"""Entries of a generator that differ by less from trial to trial do not depend on the angles."""
_NEAR_0 = 0.03
"""Below this the derivative of sin(x) / x is computed from its series."""


_ARRAYS = Functions(np.cos, np.sin, lambda x: np.exp(1j * x), np.sqrt, lambda x: np.sinc(x / np.pi))
"""The functions of the gate table, for arrays."""


class Dual:
    """A number, or an array of numbers, with its derivative."""

    __slots__ = ("slope", "value")
    __array_ufunc__ = None  # numpy's arrays leave operations with a dual number to it

    def __init__(self, value: Any, slope: Any) -> None:
        self.value = value
        self.slope = slope

    def __add__(self, other: Any) -> Dual:
        other = _dual(other)
        return Dual(self.value + other.value, self.slope + other.slope)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Dual:
        other = _dual(other)
        return Dual(self.value - other.value, self.slope - other.slope)

    def __rsub__(self, other: Any) -> Dual:
        return _dual(other) - self

    def __mul__(self, other: Any) -> Dual:
        other = _dual(other)
        return Dual(self.value * other.value, self.value * other.slope + self.slope * other.value)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Dual:
        other = _dual(other)
        quotient = self.value / other.value
        return Dual(quotient, (self.slope - quotient * other.slope) / other.value)

    def __neg__(self) -> Dual:
        return Dual(-self.value, -self.slope)


def _dual(value: Any) -> Dual:
    return value if isinstance(value, Dual) else Dual(value, 0)


def _cis(x: Dual) -> Dual:
    value = _ARRAYS.cis(x.value)
    return Dual(value, 1j * value * x.slope)


def _sqrt(x: Dual) -> Dual:
    """The square root; at 0, where only sums of squares lead to, the slope is 0."""
    root = np.sqrt(x.value)
    return Dual(root, x.slope / np.where(root == 0, np.inf, 2 * root))


def _sinc(x: Dual) -> Dual:
    value, square = _ARRAYS.sinc(x.value), x.value * x.value
    near = abs(x.value) < _NEAR_0
    series = -x.value / 3 * (1 - square / 10 * (1 - square / 28))
    slope = np.where(near, series, (np.cos(x.value) - value) / np.where(near, 1, x.value))
    return Dual(value, slope * x.slope)


_DUAL = Functions(
    lambda x: Dual(np.cos(x.value), -np.sin(x.value) * x.slope),
    lambda x: Dual(np.sin(x.value), np.cos(x.value) * x.slope),
    _cis,
    _sqrt,
    _sinc,
)


def slopes(entries: Entries, parameters: Sequence[Any]) -> np.ndarray:
    """Returns the derivatives of a gate's entries by all of its parameters.

    Args:
        entries: a function of the gate table.
        parameters: floats, or float64 arrays of the same shape (n,).

    Returns:
        complex128, shape (parameters, entries), or (parameters, n, entries) for arrays.
    """
    columns = [np.asarray(parameter, dtype=np.float64) for parameter in parameters]
    shape = np.broadcast(*columns).shape
    seeds = np.eye(len(columns)).reshape(len(columns), -1, *[1] * len(shape))
    duals = [Dual(column, seed) for column, seed in zip(columns, seeds)]
    found = [_dual(entry).slope for entry in entries(_DUAL, *duals)]
    out = np.empty((len(columns), *shape, len(found)), dtype=np.complex128)
    for i, slope in enumerate(found):
        out[..., i] = slope
    return out


def _generators(entries: Entries, parameters: Sequence[np.ndarray], form: int) -> np.ndarray:
    """Returns the generators of all parameters, shape (parameters, n, 4**k).

    Those of a diagonal gate have the shape (parameters, n, 2**k).
    """
    slope = slopes(entries, parameters)
    matrix = np.empty_like(slope[0])
    for i, entry in enumerate(entries(_ARRAYS, *parameters)):
        matrix[:, i] = entry
    if form != DENSE:
        found: np.ndarray = slope * matrix.conj()
        return found
    size = 1 << (matrix.shape[1].bit_length() // 2)
    inverse = matrix.reshape(-1, size, size).conj().transpose(0, 2, 1)
    found = slope.reshape(len(parameters), -1, size, size) @ inverse
    return found.reshape(slope.shape)


class Rule(NamedTuple):
    """The generator of one angle of a formula of the gate table.

    Attributes:
        constant: the generator, complex128, if it is the same for all angles; else None.
        size: its length: 4**k of a gate given by its matrix, 2**k of a diagonal one.
        places: indices of the entries that can be nonzero.
    """

    constant: Union[np.ndarray, None]
    size: int
    places: Tuple[int, ...]


@functools.lru_cache(maxsize=512)
def rules(entries: Entries, num_params: int, form: int) -> Tuple[Rule, ...]:
    """Returns the rules of a formula, one for each of its parameters."""
    if num_params == 0:
        return ()
    trials = np.array([trial[:num_params] for trial in _TRIALS]).T
    found: List[Rule] = []
    for tried in _generators(entries, list(trials), form):
        tried[abs(tried) < _SAME] = 0
        constant = tried[0] if np.abs(tried - tried[0]).max() < _SAME else None
        places = np.flatnonzero((tried != 0).any(axis=0)).tolist()
        found.append(Rule(constant, tried.shape[1], tuple(places)))
    return tuple(found)


class FreeGate(NamedTuple):
    """A gate whose coefficients are a function of angles.

    Attributes:
        operation: index of its gate run in the body of the program.
        gate: index of the gate in the gate run.
        entries: the function, a formula of the gate table: ``entries(f, *angles)``.
        num_angles: number of its arguments.
    """

    operation: int
    gate: int
    entries: Entries
    num_angles: int


class Generators:
    """The generators of all angles of a program, in one array.

    Attributes:
        offset: int64, shape (angles,), where the generator of each angle begins.
        rules: the rule of each angle.
    """

    __slots__ = ("_changing", "_constant", "offset", "rules")

    def __init__(self, free: Sequence[FreeGate], forms: Sequence[int]) -> None:
        """Lays out the array.

        Args:
            free: the gates; their angles are numbered in this order.
            forms: the form of each gate, see `program.Kind`.
        """
        self.rules: List[Rule] = []
        # Of each formula: for each gate its first angle, and the places of its generators.
        changing: Dict[Tuple[Entries, int, int], List[Tuple[int, List[int]]]] = {}
        shared: Dict[Tuple[Any, int], int] = {}
        parts: List[np.ndarray] = [np.zeros(0, dtype=np.complex128)]
        offsets: List[int] = []
        place = 0
        for gate, form in zip(free, forms):
            formula = (gate.entries, gate.num_angles, form)
            found = rules(*formula)
            places: List[int] = []
            for which, rule in enumerate(found):
                known = None if rule.constant is None else shared.get((formula, which))
                places.append(place if known is None else known)
                if known is None:
                    constant = rule.constant
                    if constant is None:
                        constant = np.zeros(rule.size, dtype=np.complex128)
                    else:
                        shared[formula, which] = place
                    parts.append(constant)
                    place += rule.size
            if any(rule.constant is None for rule in found):
                changing.setdefault(formula, []).append((len(self.rules), places))
            self.rules.extend(found)
            offsets.extend(places)
        self.offset = np.array(offsets, dtype=np.int64)
        self._constant = np.concatenate(parts)
        self._changing: List[Tuple[Any, ...]] = []
        for (entries, num_angles, form), gates in changing.items():
            found = rules(entries, num_angles, form)
            chosen = [i for i, rule in enumerate(found) if rule.constant is None]
            first = np.array([each for each, _ in gates])
            held = np.array([each for _, each in gates]).T[chosen]
            targets = held[..., np.newaxis] + np.arange(found[0].size)
            self._changing.append((entries, num_angles, form, chosen, first, targets))

    def values(self, angles: np.ndarray) -> np.ndarray:
        """Returns the generators for the given angles, float64, shape (angles,)."""
        if not self._changing:
            return self._constant
        out = self._constant.copy()
        for entries, num_angles, form, chosen, first, targets in self._changing:
            columns = [angles[first + i] for i in range(num_angles)]
            out[targets] = _generators(entries, columns, form)[chosen]
        return out
