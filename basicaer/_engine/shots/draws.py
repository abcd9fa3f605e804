"""Uniform draws, what they decide, and how outcomes become words of classical memory.

Everything here is vectorised over shots; a million of them cost no Python loop.
"""

from __future__ import annotations

import threading
from typing import Callable, Iterator, Mapping, Sequence

import numpy as np

from basicaer._engine.control import go_on

_DRAW_BLOCK = 1 << 20
"""Uniforms that are drawn at a time when they have to be transposed."""

_STREAM_BLOCK = 1024
"""Uniforms that a stream of single draws takes from the generator at a time."""


_own = threading.local()


def seeded(seed: int) -> np.random.RandomState:
    """Returns ``RandomState(seed)``: this thread's only one, good until it asks again.

    To make one takes much longer than to seed it anew, and as long as a small circuit.
    """
    random: np.random.RandomState | None = getattr(_own, "random", None)
    if random is None:
        random = _own.random = np.random.RandomState(seed)
    else:
        random.seed(seed)
    return random


def skip(random: np.random.RandomState, draws: int) -> None:
    """Goes past so many uniforms."""
    while draws > 0:
        draws -= len(random.random_sample(min(draws, _DRAW_BLOCK)))


def num_words(num_clbits: int) -> int:
    """Returns the number of uint64 words that hold `num_clbits` bits."""
    return -(-num_clbits // 64)


def draw_rows(
    random: np.random.RandomState, shots: int, draws: int, check: Callable[[], None] = go_on
) -> np.ndarray:
    """Draws the uniforms of `shots` shots that make `draws` draws each.

    The stream is consumed shot after shot, as by one `rand()` per draw.

    Args:
        random: draws them.
        shots: how many shots.
        draws: how many each of them makes.
        check: called now and then; what it raises is raised.

    Returns:
        float64 of shape (draws, shots): row j holds the j-th draw of every shot.
    """
    rows = np.empty((draws, shots))
    if draws:
        step = max(1, _DRAW_BLOCK // draws)
        for first in range(0, shots, step):
            check()
            count = min(step, shots - first)
            rows[:, first : first + count] = random.random_sample((count, draws)).T
    return rows


def stream(random: np.random.RandomState) -> Iterator[float]:
    """Yields uniforms for ever, the same as one `rand()` after another."""
    while True:
        yield from random.random_sample(_STREAM_BLOCK).tolist()


class Marginals:
    """The outcomes of measuring several qubits in order, each given the ones before.

    The outcomes of the first j qubits are numbered with the first of them as the least significant
    bit. `levels[j - first]` holds the probability of each of these numbers, so that the next
    outcome is 0 with probability ``levels[j + 1 - first][number] / levels[j - first][number]``.

    Args:
        probabilities: of the outcomes of all qubits, the first measured the least significant.
        first: the number of qubits whose outcomes are known already.
    """

    def __init__(self, probabilities: np.ndarray, first: int) -> None:
        levels = [probabilities]
        for _ in range(len(probabilities).bit_length() - 1 - first):
            last = levels[-1]
            half = len(last) >> 1
            levels.append(last[:half] + last[half:])
        levels.reverse()
        self.first = first
        self.levels = levels

    def zero_chances(self, qubit: int) -> np.ndarray:
        """Returns the probability of outcome 0 of the given qubit for each number before it."""
        whole, refined = self._pair(qubit)
        with np.errstate(divide="ignore", invalid="ignore"):
            return refined[: len(whole)] / whole

    def decide(self, qubit: int, numbers: np.ndarray | None, uniforms: np.ndarray) -> np.ndarray:
        """Returns which shots get outcome 1.

        Args:
            qubit: position of the qubit in the order of measurement.
            numbers: the number that each shot has got so far; None if all have 0.
            uniforms: the draw of each shot.
        """
        whole, refined = self._pair(qubit)
        if numbers is None:
            return uniforms >= refined[0] / whole[0]
        return uniforms >= refined[numbers] / whole[numbers]

    def decide_one(self, qubit: int, number: int, uniform: float) -> bool:
        """As `decide`, for one shot."""
        whole, refined = self._pair(qubit)
        return bool(uniform >= refined[number] / whole[number])

    def _pair(self, qubit: int) -> tuple[np.ndarray, np.ndarray]:
        level = qubit - self.first
        return self.levels[level], self.levels[level + 1]


def memory_rows(
    count: int, words: int, bits: int, sources: Mapping[int, int], numbers: np.ndarray | None
) -> np.ndarray:
    """Returns the classical memory of shots that differ in the bits of a number only.

    Args:
        count: shots.
        words: uint64 words per shot.
        bits: what all of them have in their clbits.
        sources: for each clbit that is taken from the numbers, the bit of them that it is.
        numbers: one for each shot; None if all are 0.

    Returns:
        uint64 of shape (count, words), word 0 the least significant.
    """
    if words == 1 and not bits and numbers is not None and sources:
        (_, shift, mask), *others = _moves(list(sources.items()))
        if not others and not shift and not mask & (mask + 1) and numbers.max(initial=0) <= mask:
            return numbers.astype(np.uint64).reshape(count, 1)
    for clbit in sources:
        bits &= ~(1 << clbit)
    row = [(bits >> (64 * word)) & 0xFFFF_FFFF_FFFF_FFFF for word in range(words)]
    memory = np.empty((count, words), dtype=np.uint64)
    memory[:] = np.array(row, dtype=np.uint64)
    if numbers is None or not sources:
        return memory
    unsigned = numbers.astype(np.uint64)
    for word, shift, mask in _moves(sorted(sources.items())):
        moved = unsigned & np.uint64(mask)
        if shift > 0:
            moved <<= np.uint64(shift)
        elif shift < 0:
            moved >>= np.uint64(-shift)
        memory[:, word] |= moved
    return memory


def _moves(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int, int]]:
    """Returns the fewest (word, shift, mask) that bring bits of a number to their clbits."""
    masks: dict[tuple[int, int], int] = {}
    for clbit, bit in pairs:
        key = (clbit >> 6, (clbit & 63) - bit)
        masks[key] = masks.get(key, 0) | (1 << bit)
    return [(word, shift, mask) for (word, shift), mask in masks.items()]
