"""Memory for amplitudes.

- Small: numpy's own.
- From 256 KiB to 32 MiB: kept for the next state when the last array on it is gone, up to a bound,
  since to have the system hand out and clear pages costs more than most circuits of that size.
- Larger: straight from the system, in huge pages where it has them, and back to it at once.
"""

from __future__ import annotations

import contextlib
import mmap
from typing import Any, Dict, List, Tuple

import numpy as np

from basicaer._planning import aligned

KEPT = range(256 << 10, (32 << 20) + 1)
"""Sizes in bytes that are kept for the next state."""
KEPT_TOTAL = 64 << 20
"""Bytes that are kept at most."""

_HUGE_PAGES = 2 << 20

_free: Dict[int, List[Any]] = {}


class _Lease:
    """Memory that is lent out through numpy's array interface, and taken back when all is gone."""

    __slots__ = ("__array_interface__", "_memory", "_size")

    def __init__(self, memory: np.ndarray, count: int, dtype: np.dtype[Any]) -> None:
        self._memory = memory
        self._size = count * dtype.itemsize
        self.__array_interface__ = {
            "data": memory.__array_interface__["data"],
            "shape": (count,),
            "typestr": dtype.str,
            "version": 3,
        }

    def __del__(self) -> None:
        # Late in the interpreter's exit there may be nothing left to give it back to.
        free = _free
        if free is not None and sum(size * len(kept) for size, kept in list(free.items())) < (
            KEPT_TOTAL - self._size + 1
        ):
            free.setdefault(self._size, []).append(self._memory)


def _map(size: int) -> np.ndarray:
    """Returns zeros straight from the system, as bytes; none of the pages is touched yet."""
    if not hasattr(mmap, "MAP_PRIVATE"):
        return np.zeros(size, dtype=np.uint8)
    memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    if size >= _HUGE_PAGES and hasattr(mmap, "MADV_HUGEPAGE"):
        # A kernel without them answers with an error: ordinary pages do as well.
        with contextlib.suppress(OSError):
            memory.madvise(mmap.MADV_HUGEPAGE)
    return np.frombuffer(memory, dtype=np.uint8)


def empty(count: int, dtype: Any) -> Tuple[np.ndarray, bool]:
    """Returns an aligned one-dimensional array, and whether it holds anything but zeros."""
    size = count * dtype.itemsize
    if size not in KEPT:
        return zeros(count, dtype), False
    used = True
    try:
        memory = _free[size].pop()
    except (KeyError, IndexError):
        memory = _map(size)
        used = False
    return np.asarray(_Lease(memory, count, dtype)), used


def zeros(count: int, dtype: Any) -> np.ndarray:
    """Returns zeros, one-dimensional and aligned."""
    size = count * dtype.itemsize
    if size < KEPT.start:
        return aligned(count, dtype, True)
    if size in KEPT:
        array, used = empty(count, dtype)
        if used:
            array[:] = 0
        return array
    return _map(size).view(dtype)


def forget() -> None:
    """Gives all that is kept back to the system."""
    _free.clear()
