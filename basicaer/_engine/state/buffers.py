"""Memory for amplitudes.

- Below 256 KiB: allocated by numpy.
- From 256 KiB to 32 MiB: kept for reuse, up to a bound, when the last array on it is gone. Getting
  cleared pages from the system takes longer than most circuits of that size.
- Larger: mapped from the system, in huge pages if possible. The last one of up to 512 MiB is kept
  for a second, for loops that run one circuit after another; it is released at once when other
  memory is needed or a job has failed.
"""

from __future__ import annotations

import _thread
import contextlib
import mmap
import time
from typing import Any, Dict, List, Tuple

import numpy as np

from basicaer._engine.fork import in_child
from basicaer._engine.plan.planner import aligned as aligned

KEPT = range(256 << 10, (32 << 20) + 1)
"""Sizes in bytes that are kept for reuse."""
KEPT_TOTAL = 64 << 20
"""Maximum bytes kept for reuse."""

KEPT_BRIEFLY = range(KEPT.stop, (512 << 20) + 1)
"""Sizes in bytes of which the last buffer is kept for `SECONDS`."""
SECONDS = 1.0

_HUGE_PAGES = 2 << 20

_free: Dict[int, List[Any]] = {}
# The buffer that is kept briefly: (size, memory, deadline). Only atomic operations change the list:
# __del__ may run at any time, in any thread, whatever locks it holds.
_brief: List[Tuple[int, Any, float]] = []
_janitor: Dict[str, object] = {}


class _Lease:
    """Memory lent through numpy's array interface, and taken back when no array uses it."""

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
        # Module globals may already be None while the interpreter exits.
        free = _free
        if free is not None and self._size in KEPT_BRIEFLY:
            _keep_briefly(self._size, self._memory)
        elif free is not None and sum(size * len(kept) for size, kept in list(free.items())) < (
            KEPT_TOTAL - self._size + 1
        ):
            free.setdefault(self._size, []).append(self._memory)


def _keep_briefly(size: int, memory: np.ndarray) -> None:
    release()
    _brief.append((size, memory, time.monotonic() + SECONDS))
    _call_janitor()


def _call_janitor() -> None:
    """Starts the thread that releases the buffer in time, unless it is running."""
    me = object()
    if _janitor.setdefault("at work", me) is me:
        try:
            # Not threading.Thread, whose start takes locks.
            _thread.start_new_thread(_look_after, ())
        except RuntimeError:  # no thread can be started, or the interpreter is exiting
            _janitor.clear()
            release()


def _look_after() -> None:
    while _brief:
        time.sleep(SECONDS / 4)
        try:
            overdue = _brief[0][2] <= time.monotonic()
        except IndexError:
            continue
        if overdue:
            release()
    _janitor.clear()
    if _brief:  # added after the loop ended
        _call_janitor()


def release() -> None:
    """Returns the buffer that is kept briefly, if any, to the system."""
    with contextlib.suppress(IndexError):
        while True:
            _brief.pop()


def kept_briefly() -> int:
    """Returns the size of the buffer that `release` would free."""
    try:
        return _brief[0][0]
    except IndexError:
        return 0


def _map(size: int) -> np.ndarray:
    """Returns `size` zero bytes mapped from the system, with no page touched yet."""
    if not hasattr(mmap, "MAP_PRIVATE"):
        return np.zeros(size, dtype=np.uint8)
    memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    if size >= _HUGE_PAGES and hasattr(mmap, "MADV_HUGEPAGE"):
        # A kernel without huge pages raises an error; ordinary pages will do.
        with contextlib.suppress(OSError):
            memory.madvise(mmap.MADV_HUGEPAGE)
    return np.frombuffer(memory, dtype=np.uint8)


def empty(count: int, dtype: Any) -> Tuple[np.ndarray, bool]:
    """Returns an aligned one-dimensional array, and whether it may hold nonzero values."""
    size = count * dtype.itemsize
    if size in KEPT_BRIEFLY:
        try:
            found, memory, _ = _brief.pop()
        except IndexError:
            found = 0
        used = found == size
        if not used:
            memory = None  # freed before more is allocated
            memory = _map(size)
        return np.asarray(_Lease(memory, count, dtype)), used
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
    """Returns an aligned one-dimensional array of zeros."""
    size = count * dtype.itemsize
    if size < KEPT.start:
        return aligned(count, dtype, True)  # so little that `release` would not help
    if size in KEPT or size in KEPT_BRIEFLY:
        array, used = empty(count, dtype)
        if used:
            array[:] = 0
        return array
    release()
    return _map(size).view(dtype)


def forget() -> None:
    """Returns all kept memory to the system."""
    _free.clear()
    release()


def _start_anew() -> None:
    """Resets a forked child, in which the janitor thread does not run."""
    _janitor.clear()
    release()


in_child(_start_anew)
