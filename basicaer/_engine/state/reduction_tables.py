"""Index tables that the kernels need for reductions: probabilities and expectation values."""

from __future__ import annotations

import functools
from typing import List, NamedTuple, Sequence, Tuple

import numpy as np

from basicaer._engine.state.dispatch import kernels


@functools.lru_cache(maxsize=1024)
def summation(
    lane_bits: int, pair_bits: int, qubits: Tuple[int, ...]
) -> Tuple[int, np.ndarray, np.ndarray, List[np.ndarray], int]:
    """Returns the tables with which `_kernels.probabilities` sums the outcomes of `qubits`.

    Units of work never share an element of the result. If few qubits are measured, the blocks are
    divided among 2**groups rows of sums: enough units for several threads, in little memory.

    Args:
        lane_bits: a vector has 2**lane_bits lanes.
        pair_bits: the state has 2**pair_bits vectors of real parts.
        qubits: the measured qubits; the first is the least significant bit of the outcome.

    Returns:
        low_bits, low_to, lane_to, lists and groups, as `State.probabilities` passes them on.
    """
    to = {qubit - lane_bits: 1 << i for i, qubit in enumerate(qubits)}
    low_bits = min(kernels.MOST_LOW_BITS, pair_bits)
    low_to = _deposit([to.get(bit, 0) for bit in range(low_bits)])
    lane_to = _deposit([to.get(bit - lane_bits, 0) for bit in range(lane_bits)])
    high = [bit for bit in range(low_bits, pair_bits) if bit in to]
    high_to = [to[bit].bit_length() - 1 for bit in high]
    rest = [bit for bit in range(low_bits, pair_bits) if bit not in to]
    groups = max(0, min(6, len(rest), 14 - len(qubits)))
    cut = len(rest) - groups
    lists = [np.array(x, dtype=np.int64) for x in (high, high_to, rest[:cut], rest[cut:])]
    return low_bits, low_to, lane_to, lists, groups


class Strings(NamedTuple):
    """Pauli strings, sorted into families that flip the same qubits.

    Attributes:
        groups: for each family: the x mask, the z masks of its strings, and for each string 1 if
            the imaginary part of its sum is wanted, 0 for the real part.
        spans: (first, last) for each family: its strings are first to last - 1 in sorted order.
        places: the position of each string in sorted order.
        factors: the factor of each string's sum.
    """

    groups: List[Tuple[int, np.ndarray, np.ndarray]]
    spans: List[Tuple[int, int]]
    places: np.ndarray
    factors: np.ndarray


@functools.lru_cache(maxsize=32)
def strings(x_masks: bytes, z_masks: bytes) -> Strings:
    """Returns the sorted strings; the masks are the bytes of int64 arrays."""
    x = np.frombuffer(x_masks, dtype=np.int64)
    z = np.frombuffer(z_masks, dtype=np.int64)
    ys = np.array([bin(bits).count("1") for bits in (x & z).tolist()], dtype=np.int64)
    order = np.argsort(x, kind="stable")
    places = np.empty_like(order)
    places[order] = np.arange(len(order))
    masks, first = np.unique(x[order], return_index=True)
    spans = list(zip(first.tolist(), [*first[1:].tolist(), len(x)]))
    z, odd = z[order], ys[order] & 1
    groups = [(mask, z[a:b], odd[a:b]) for mask, (a, b) in zip(masks.tolist(), spans)]
    # Re(i**k * sum) for k = 0, 1, 2, 3: +Re, -Im, -Re, +Im.
    factors = np.where((ys & 3 == 1) | (ys & 3 == 2), -1.0, 1.0)
    return Strings(groups, spans, places, factors)


def _deposit(bits: Sequence[int]) -> np.ndarray:
    """Returns an int64 table: for each number, the sum of ``bits[i]`` over its set bits i."""
    table = np.zeros(1, dtype=np.int64)
    for bit in bits:
        table = np.concatenate((table, table | bit))
    return table
