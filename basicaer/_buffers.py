"""Memory for amplitudes.

- Small: numpy's own.
- From 256 KiB to 32 MiB: kept for the next state when the last array on it is gone, up to a bound,
  since to have the system hand out and clear pages costs more than most circuits of that size.
- Larger: straight from the system, in huge pages where it has them. Of those up to 512 MiB the last
  one is kept for a second, for a loop that runs one circuit after another; it is given back at
  once where other memory is wanted, or a job has failed.
"""

from __future__ import annotations

import _thread
import contextlib
import mmap
import os
import time
from typing import Any, Dict, List, Tuple

import numpy as np

from basicaer._planning import aligned as aligned

KEPT = range(256 << 10, (32 << 20) + 1)
"""Sizes in bytes that are kept for the next state."""
KEPT_TOTAL = 64 << 20
"""Bytes that are kept at most."""

KEPT_BRIEFLY = range(KEPT.stop, (512 << 20) + 1)
"""Sizes in bytes of which one is kept for `SECONDS`."""
SECONDS = 1.0

_HUGE_PAGES = 2 << 20

_free: Dict[int, List[Any]] = {}
# The one that is kept briefly: (size, memory, until when). Put in and taken out by operations that
# are atomic, since __del__ may be called at any time, by any thread, whatever lock that holds.
_brief: List[Tuple[int, Any, float]] = []
_janitor: Dict[str, object] = {}


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
    """Has what is kept briefly given back in time, by a thread that ends when nothing is kept."""
    me = object()
    if _janitor.setdefault("at work", me) is me:
        try:
            # No threading.Thread: to start one takes locks.
            _thread.start_new_thread(_look_after, ())
        except RuntimeError:  # there are no more threads, or the interpreter leaves
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
    if _brief:  # put there after the last look
        _call_janitor()


def release() -> None:
    """Gives what is kept briefly back to the system."""
    with contextlib.suppress(IndexError):
        while True:
            _brief.pop()


def kept_briefly() -> int:
    """Returns the bytes that are kept, but are given back when other memory is wanted."""
    try:
        return _brief[0][0]
    except IndexError:
        return 0


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
    if size in KEPT_BRIEFLY:
        try:
            found, memory, _ = _brief.pop()
        except IndexError:
            found = 0
        used = found == size
        if not used:
            memory = None  # gone before there is more
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
    """Returns zeros, one-dimensional and aligned."""
    size = count * dtype.itemsize
    if size < KEPT.start:
        return aligned(count, dtype, True)  # too little for what is kept to make a difference
    if size in KEPT or size in KEPT_BRIEFLY:
        array, used = empty(count, dtype)
        if used:
            array[:] = 0
        return array
    release()
    return _map(size).view(dtype)


def forget() -> None:
    """Gives all that is kept back to the system."""
    _free.clear()
    release()


def _start_anew() -> None:
    """In the child of a fork there is no janitor."""
    _janitor.clear()
    release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_anew)
