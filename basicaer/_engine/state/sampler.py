"""Samples all qubits of a wide state without a table of all probabilities."""

from __future__ import annotations

from types import ModuleType

import numpy as np

from basicaer._engine.shots.outcomes import CumulativeTable
from basicaer._engine.threads import cooperate

_BLOCK = 4096
"""Amplitudes per block."""


class SamplerInPlace:
    """Draws in two steps: first a block, by the norms of the blocks, then an outcome within it.

    Args:
        kernels: the build of the kernels that the state is laid out for.
        reals: the state in lane layout; it must not change as long as this is used.
        width: qubits of the state, lanes included.
        draws: roughly how many outcomes are drawn at a time.
        threads: maximum number of threads.

    Attributes:
        total: the sum of all probabilities.
    """

    def __init__(
        self, kernels: ModuleType, reals: np.ndarray, width: int, draws: int, threads: int
    ) -> None:
        norms = np.empty((1 << width) // _BLOCK)
        sync = np.zeros(1, dtype=np.int64)
        cooperate(lambda: kernels.block_norms(reals, _BLOCK, norms, sync), threads)
        self._kernels = kernels
        self._reals = reals
        self._threads = threads
        self._before = np.concatenate(([0.0], norms[:-1].cumsum()))
        self._blocks = CumulativeTable(norms, draws)
        self.total: float = self._blocks.total

    def draw(self, uniforms: np.ndarray) -> np.ndarray:
        """Returns the outcome of each uniform: int64, of the shape of `uniforms`, (shots,)."""
        found = self._blocks.draw(uniforms)  # the block of each shot, replaced by its outcome
        # numpy sorts 16-bit integers by radix, larger ones by comparison.
        narrow = found.astype(np.uint16) if len(self._before) <= 1 << 16 else found
        order = np.argsort(narrow, kind="stable")
        del narrow
        step = max(1, -(-len(uniforms) // (4 * max(1, self._threads))))
        starts = iter(range(0, len(uniforms), step))

        def work() -> None:
            space = np.empty(_BLOCK)
            for first in starts:  # next() of a range's iterator is atomic
                last = min(first + step, len(uniforms))
                self._kernels.sample_blocks(
                    self._reals,
                    _BLOCK,
                    self._before,
                    order,
                    uniforms,
                    self.total,
                    found,
                    space,
                    first,
                    last,
                )

        cooperate(work, self._threads)
        return found
