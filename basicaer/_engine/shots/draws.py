"""Uniforms, the outcomes that they decide, and the words of classical memory.

Everything except `stream` and `decide_one` is vectorised over shots.
"""

from __future__ import annotations

from typing import Any, Callable, Iterator, Mapping, NamedTuple, Sequence, Union

import numpy as np

from basicaer._engine.control import no_check
from basicaer._engine.memory import DRAW_BLOCK
from basicaer._engine.shots import outcomes

_STREAM_BLOCK = 1024
"""Uniforms that `stream` takes at a time."""

Take = Callable[[int], np.ndarray]
"""Returns the next so many uniforms in [0, 1), float64 of shape (count,)."""

_FAR = 0x9E3779B97F4A7C15F39CC0605CEDC835
"""How many uniforms `PCG64.jumped` goes forward: places so far apart never meet."""
_PERIOD = 1 << 128


class Stream(NamedTuple):
    """A place on the stream of uniforms of ``numpy.random.default_rng(seed)``.

    Attributes:
        seed: what the generator is seeded with: an int, 0 or more, or a list of them.
        first: the number of uniforms before the place.
    """

    seed: Any
    first: int = 0

    def after(self, uniforms: Union[int, None]) -> Stream:
        """Returns the place where draws go on after some.

        Args:
            uniforms: how many were drawn; None if that is not known: then the place is so far away
                that no number of draws reaches it.
        """
        further = _FAR if uniforms is None else uniforms
        return Stream(self.seed, (self.first + further) % _PERIOD)


Seed = Union[int, Stream]
"""Where uniforms come from: ``numpy.random.RandomState(seed)``, or a `Stream`."""


def uniforms_of(seed: Seed, first: int = 0) -> Take:
    """Returns a function that gives the uniforms of a seed, after the first `first` of them.

    Each uniform is one step of the generator, whether they are drawn together or one by one.
    """
    if not isinstance(seed, Stream):
        return outcomes.Uniforms(seed, first).take
    random = np.random.default_rng(seed.seed)
    first += seed.first
    if first:
        random.bit_generator.advance(first)  # type: ignore[attr-defined]
    return random.random


Seeds = Union[Sequence[Seed], Stream]
"""The seeds of circuits that all draw equally many uniforms: one for each circuit of a job, by its
place, or the stream from which they draw one after another."""


def rows_of(seeds: Seeds, places: np.ndarray, shots: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns the uniforms of circuits that draw from one `Stream`, or each from its own.

    Args:
        seeds: of all circuits of the job.
        places: int64, ascending, at least one: the places of the circuits in the job.
        shots: uniforms of each circuit.

    Returns:
        float64 of shape (rows, shots), and the row of each circuit, int64: circuits with the same
        stream of their own share one.
    """
    if isinstance(seeds, Stream):
        rows = np.empty((len(places), shots))
        random = np.random.default_rng(seeds.seed)
        advance = random.bit_generator.advance  # type: ignore[attr-defined]
        advance(seeds.first)
        first = before = 0  # the first circuit of those that come one after another
        for last in [*(np.flatnonzero(np.diff(places) != 1) + 1).tolist(), len(places)]:
            advance((int(places[first]) - before) * shots)
            random.random(out=rows[first:last])
            before = int(places[last - 1]) + 1
            first = last
        return rows, np.arange(len(places))
    own = [seeds[place] for place in places.tolist()]
    streams = {id(seed): seed for seed in own}
    number = {key: row for row, key in enumerate(streams)}
    rows = np.stack([uniforms_of(seed)(shots) for seed in streams.values()])
    return rows, np.array([number[id(seed)] for seed in own])


def num_words(num_clbits: int) -> int:
    """Returns the number of uint64 words that hold `num_clbits` bits."""
    return -(-num_clbits // 64)


def draw_rows(
    take: Take, shots: int, draws: int, check: Callable[[], None] = no_check
) -> np.ndarray:
    """Draws the uniforms of `shots` shots that make `draws` draws each.

    The stream is consumed shot after shot, as by one `rand()` per draw.

    Args:
        take: gives the uniforms.
        shots: number of shots.
        draws: number of draws per shot.
        check: called now and then; may raise.

    Returns:
        float64 of shape (draws, shots): row j holds the j-th draw of every shot.
    """
    rows = np.empty((draws, shots))
    if draws:
        step = max(1, DRAW_BLOCK // draws)
        for first in range(0, shots, step):
            check()
            count = min(step, shots - first)
            rows[:, first : first + count] = take(count * draws).reshape(count, draws).T
    return rows


def stream(take: Take) -> Iterator[float]:
    """Yields uniforms endlessly, the same as one `rand()` after another."""
    while True:
        yield from take(_STREAM_BLOCK).tolist()


class Marginals:
    """Conditional probabilities of measuring several qubits in order.

    The outcomes of the first j qubits form a number, the first the least significant bit.
    `levels[j - first]` holds the probability of each such number, so that the next outcome is 0
    with probability ``levels[j + 1 - first][number] / levels[j - first][number]``.

    Args:
        probabilities: of the outcomes of all qubits, the first measured the least significant.
        first: number of leading qubits whose outcomes are already decided.
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
        """Returns the conditional probability of outcome 0 for each number of the qubits before."""
        whole, refined = self._pair(qubit)
        with np.errstate(divide="ignore", invalid="ignore"):
            return refined[: len(whole)] / whole

    def decide(self, qubit: int, numbers: np.ndarray | None, uniforms: np.ndarray) -> np.ndarray:
        """Returns which shots get outcome 1.

        Args:
            qubit: position of the qubit in the order of measurement.
            numbers: each shot's number so far; None if all are 0.
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
    """Returns the classical memory of shots whose clbits differ only in bits of a number.

    Args:
        count: number of shots.
        words: uint64 words per shot.
        bits: the clbits that all shots share.
        sources: maps each clbit that comes from the number to the bit that it takes.
        numbers: one per shot; None if all are 0.

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
    """Returns (word, shift, mask) moves from bits of a number to clbits, as few as possible."""
    masks: dict[tuple[int, int], int] = {}
    for clbit, bit in pairs:
        key = (clbit >> 6, (clbit & 63) - bit)
        masks[key] = masks.get(key, 0) | (1 << bit)
    return [(word, shift, mask) for (word, shift), mask in masks.items()]
