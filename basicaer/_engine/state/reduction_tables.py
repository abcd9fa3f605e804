"""How sums over a state are gone about: what the kernels need to know beside the amplitudes."""

from __future__ import annotations

import functools
from typing import List, NamedTuple, Sequence, Tuple

import numpy as np


@functools.lru_cache(maxsize=1024)
def summation(
    lane_bits: int, pair_bits: int, qubits: Tuple[int, ...]
) -> Tuple[int, np.ndarray, np.ndarray, List[np.ndarray], int]:
    """Returns how `_kernels.probabilities` is to go about the outcomes of `qubits`.

    Units of its work never share an element of the result. Where few qubits are measured, groups
    of blocks have sums of their own: work for several threads, yet never much memory.
    """
    to = {qubit - lane_bits: 1 << i for i, qubit in enumerate(qubits)}
    low_bits = min(8, pair_bits)
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
    """Pauli strings, those that flip the same qubits together.

    Attributes:
        groups: the qubits that its strings flip, those that they have a sign of, and, for each
            string, 1 if the imaginary part is wanted.
        spans: the first string of each group, and the first one behind it.
        places: where each string has come to.
        factors: what its sum is to be multiplied with.
    """

    groups: List[Tuple[int, np.ndarray, np.ndarray]]
    spans: List[Tuple[int, int]]
    places: np.ndarray
    factors: np.ndarray


@functools.lru_cache(maxsize=32)
def strings(x_masks: bytes, z_masks: bytes) -> Strings:
    """Sorts Pauli strings, given by int64 masks."""
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
    # i**k times a real or, for odd k, i times an imaginary part: +Re, -Im, -Re, +Im.
    factors = np.where((ys & 3 == 1) | (ys & 3 == 2), -1.0, 1.0)
    return Strings(groups, spans, places, factors)


def _deposit(bits: Sequence[int]) -> np.ndarray:
    """Returns, for each number, the sum of ``bits[i]`` over its bits i. int64."""
    table = np.zeros(1, dtype=np.int64)
    for bit in bits:
        table = np.concatenate((table, table | bit))
    return table
