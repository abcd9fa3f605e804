"""Memory for amplitudes: cleared if necessary, kept if that pays, otherwise released."""

from __future__ import annotations

import numpy as np
import pytest
from qiskit import QuantumCircuit
from waiting import until

from basicaer import BasicAer
from basicaer._engine import memory
from basicaer._engine.state import buffers
from basicaer._engine.state.state import State

DOUBLE = np.dtype(np.float64)


@pytest.fixture(autouse=True)
def nothing_kept():
    buffers.forget()
    yield
    buffers.forget()


@pytest.fixture
def no_janitor(monkeypatch):
    """What is kept briefly is kept, however long the test takes."""
    until(lambda: not buffers._janitor, seconds=60)
    monkeypatch.setattr(buffers, "_call_janitor", lambda: None)


@pytest.mark.parametrize("size", [64, 4096, 256 << 10, 1 << 20, 32 << 20, 64 << 20])
def test_zeros(size):
    for _ in range(2):
        array = buffers.zeros(size // 8, DOUBLE)
        assert array.shape == (size // 8,) and array.dtype == DOUBLE
        assert array.flags.writeable and array.flags.c_contiguous
        assert array.ctypes.data % 64 == 0
        assert not array.any()
        array[:] = 1.0
        del array


@pytest.mark.parametrize("size", [256 << 10, 32 << 20])
def test_memory_is_kept_once_nobody_has_it(size):
    first, used = buffers.empty(size // 8, DOUBLE)
    assert not used
    where = first.ctypes.data
    view = first[10:20].view(complex)
    first[:] = 7.0
    del first
    other, used = buffers.empty(size // 8, DOUBLE)
    assert not used and other.ctypes.data != where  # the view still holds the memory
    del view
    again, used = buffers.empty(size // 8, DOUBLE)
    assert used and again.ctypes.data == where and again[0] == 7.0


def test_no_more_is_kept_than_the_bound():
    arrays = [buffers.empty(32 << 17, DOUBLE)[0] for _ in range(5)]
    assert all(array.nbytes == 32 << 20 for array in arrays)
    del arrays
    kept = sum(size * len(kept) for size, kept in buffers._free.items())
    assert kept == buffers.KEPT_TOTAL


LARGE = 64 << 20


def test_the_last_large_memory_is_kept_briefly(no_janitor, monkeypatch):
    monkeypatch.setattr(buffers, "SECONDS", 0.1)
    array, used = buffers.empty(LARGE // 8, DOUBLE)
    assert not used
    where = array.ctypes.data
    array[5] = 7.0
    del array
    again, used = buffers.empty(LARGE // 8, DOUBLE)
    assert used and again.ctypes.data == where and again[5] == 7.0
    del again
    assert buffers.kept_briefly() == LARGE
    monkeypatch.undo()
    buffers._call_janitor()
    until(lambda: not buffers.kept_briefly() and not buffers._janitor, seconds=60)


def test_only_one_is_kept_and_none_beside_larger_ones(no_janitor):
    arrays = [buffers.empty(size // 8, DOUBLE)[0] for size in (LARGE, 2 * LARGE)]
    for array in arrays:
        array[0] = 1.0
    del array
    arrays.pop(0)
    assert buffers.kept_briefly() == LARGE
    arrays.pop()
    assert buffers.kept_briefly() == 2 * LARGE
    other, used = buffers.empty(LARGE // 8, DOUBLE)
    assert not used and not buffers.kept_briefly() and not other.any()
    del other
    largest = buffers.zeros((buffers.KEPT_BRIEFLY.stop + 8) // 8, DOUBLE)
    assert not buffers.kept_briefly()
    del largest
    assert not buffers.kept_briefly()


def test_what_is_kept_counts_as_available(no_janitor, monkeypatch):
    monkeypatch.setattr(memory, "_cached", memory._cached)
    for source in ("_cgroup_bytes", "_rlimit_bytes"):
        monkeypatch.setattr(memory, source, lambda: None)
    monkeypatch.setattr(memory, "_system_bytes", lambda: 1 << 30)
    buffers.empty(LARGE // 8, DOUBLE)
    assert memory.available_bytes(fresh=True) == (1 << 30) + LARGE
    buffers.forget()
    assert memory.available_bytes(fresh=True) == 1 << 30


def test_nothing_is_kept_of_a_job_that_fails(monkeypatch):
    def fail(state, *_, **__):
        state._allocate()
        raise ValueError("no")

    monkeypatch.setattr(State, "apply", fail)
    circuit = QuantumCircuit(22)
    circuit.h(0)
    job = BasicAer.get_backend("statevector_simulator").run(circuit)
    with pytest.raises(ValueError, match="no"):
        job.result()
    assert not buffers.kept_briefly()
