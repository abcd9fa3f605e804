"""Memory for amplitudes: cleared where it must be, kept where it pays, given back otherwise."""

from __future__ import annotations

import numpy as np
import pytest

from basicaer import _buffers

DOUBLE = np.dtype(np.float64)


@pytest.fixture(autouse=True)
def nothing_kept():
    _buffers.forget()
    yield
    _buffers.forget()


@pytest.mark.parametrize("size", [64, 4096, 256 << 10, 1 << 20, 32 << 20, 64 << 20])
def test_zeros(size):
    for _ in range(2):
        array = _buffers.zeros(size // 8, DOUBLE)
        assert array.shape == (size // 8,) and array.dtype == DOUBLE
        assert array.flags.writeable and array.flags.c_contiguous
        assert array.ctypes.data % 64 == 0
        assert not array.any()
        array[:] = 1.0
        del array


@pytest.mark.parametrize("size", [256 << 10, 32 << 20])
def test_memory_is_kept_once_nobody_has_it(size):
    first, used = _buffers.empty(size // 8, DOUBLE)
    assert not used
    where = first.ctypes.data
    view = first[10:20].view(complex)
    first[:] = 7.0
    del first
    other, used = _buffers.empty(size // 8, DOUBLE)
    assert not used and other.ctypes.data != where  # the view still holds the memory
    del view
    again, used = _buffers.empty(size // 8, DOUBLE)
    assert used and again.ctypes.data == where and again[0] == 7.0


def test_no_more_is_kept_than_the_bound():
    arrays = [_buffers.empty(32 << 17, DOUBLE)[0] for _ in range(5)]
    assert all(array.nbytes == 32 << 20 for array in arrays)
    del arrays
    kept = sum(size * len(kept) for size, kept in _buffers._free.items())
    assert kept == _buffers.KEPT_TOTAL


def test_large_memory_is_not_kept():
    array = _buffers.zeros((64 << 20) // 8, DOUBLE)
    array[0] = 1
    del array
    assert not _buffers._free
