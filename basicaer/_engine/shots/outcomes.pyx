# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
# cython: initializedcheck=False
"""Draws uniforms from a seed, turns them into outcomes, and counts outcomes.

Each step is one pass over the shots without the GIL::

    seed --Uniforms--> float64 in [0, 1) --CumulativeTable--> int64, the number of an outcome
    uint64, a word of classical memory for each shot --count--> {"0x1": 17, ...}

NumPy needs ten calls for this, whose overhead dominates for a few thousand shots.
"""

from cython cimport embedsignature
from cpython.mem cimport PyMem_Calloc, PyMem_Free, PyMem_Malloc
from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t
from libc.string cimport memset

import numpy as np

ctypedef Py_ssize_t index

cdef enum:
    HEXES = 4096            # values whose hex keys are precomputed
    DENSE = 8               # values below DENSE * shots are counted in a direct table

cdef object empty = np.empty
cdef object FLOAT64 = np.dtype(np.float64)
cdef object INT64 = np.dtype(np.int64)

include "basicaer/_engine/cython/mersenne.pxi"
include "basicaer/_engine/cython/cumulative.pxi"

cdef tuple _HEX = tuple([hex(value) for value in range(HEXES)])


# --- uniforms ----------------------------------------------------------------------------------

@embedsignature(True)
cdef class Uniforms:
    """The numbers that ``numpy.random.RandomState(seed).random_sample`` gives, in [0, 1).

    NumPy guarantees that this stream never changes. Seeding takes a tenth of the time of seeding a
    `RandomState`, which can take as long as a whole circuit.

    Args:
        seed: 0 to 2**32 - 1.
        first: how many numbers to skip.
    """

    cdef uint32_t key[WORDS]
    cdef index used             # uniforms of this state already returned

    def __init__(self, uint32_t seed, index first=0):
        if first < 0:
            raise ValueError(f"uniforms are counted from 0; {first} cannot be the first")
        with nogil:
            seed_key(self.key, seed)
            while first >= DRAWS:
                twist(self.key)
                first -= DRAWS
            self.used = DRAWS
            if first:
                twist(self.key)
                self.used = first

    def take(self, index count):
        """Returns the next `count` numbers, float64, shape (count,)."""
        cdef double[::1] view
        if count < 0:
            raise ValueError(f"{count} uniforms cannot be drawn; 0 is the least")
        out = empty(count, FLOAT64)
        if not count:
            return out
        view = out
        with nogil:
            self.used = fill(self.key, self.used, &view[0], count)
        return out


# --- outcomes ----------------------------------------------------------------------------------

@embedsignature(True)
cdef class CumulativeTable:
    """Cumulative probabilities, which turn uniforms into outcomes like ``RandomState.choice``.

    The interval [0, 1) is cut into cells of equal width, so many that most contain no cumulative
    probability; a guide says where to start the search in each cell.

    Args:
        probabilities: float64, shape (outcomes,); need not be normalised. Overwritten with the
            cumulative ones and kept.
        draws: roughly how many uniforms `draw` gets at a time.

    Attributes:
        total: the sum of the probabilities.
    """

    cdef double[::1] cumulated
    cdef int64_t* guide         # for each cell: number of cumulative probabilities before it
    cdef index cells
    cdef readonly double total

    def __init__(self, double[::1] probabilities, index draws):
        cdef index size = probabilities.shape[0], cells = cells_for(size, draws)
        cdef int64_t* guide
        if not size:
            raise ValueError("no outcomes can be drawn where there are no probabilities")
        guide = <int64_t*>PyMem_Calloc(cells + 1, sizeof(int64_t))
        if guide == NULL:
            raise MemoryError("no memory left to draw outcomes")
        PyMem_Free(self.guide)
        self.guide = guide
        self.cumulated = probabilities
        self.cells = cells
        with nogil:
            self.total = cumulate(&probabilities[0], size, guide, cells)

    def __dealloc__(self):
        PyMem_Free(self.guide)

    def draw(self, const double[::1] uniforms):
        """Returns the outcome of each uniform in [0, 1), int64, shape (len(uniforms),).

        It is the first whose cumulative probability exceeds the uniform; the last if none does.
        """
        cdef index shots = uniforms.shape[0], i
        cdef double scale = <double>self.cells
        cdef const double* cdf = &self.cumulated[0]
        cdef const int64_t* guide = self.guide
        out = empty(shots, INT64)
        cdef int64_t[::1] found = out
        with nogil:
            for i in range(shots):
                found[i] = outcome_of(uniforms[i], cdf, guide, self.cells, scale)
        return out


# --- counts ------------------------------------------------------------------------------------

def count(const uint64_t[::1] values):
    """Returns a dict from each value, in hex, to its count, in order of first appearance."""
    cdef index shots = values.shape[0], room = 16, i, num
    cdef int shift = 60
    cdef uint64_t value, largest = 0
    cdef int32_t* table
    cdef uint64_t* keys
    cdef int32_t* counts
    cdef char* memory
    cdef dict out = {}
    if shots >= 1 << 30:
        raise ValueError(f"{shots} shots are too many to be counted at a time")
    for i in range(shots):
        largest |= values[i]
    cdef bint dense = largest < <uint64_t>(DENSE * shots)
    if dense:
        room = <index>largest + 1
    else:
        while room < 2 * shots:
            room *= 2
            shift -= 1
    memory = <char*>PyMem_Malloc(shots * 12 + room * 4 + 16)
    if memory == NULL:
        raise MemoryError("no memory left to count outcomes")
    keys = <uint64_t*>memory
    counts = <int32_t*>(memory + shots * 8)
    table = counts + shots
    with nogil:
        if dense:
            num = count_by_table(&values[0], shots, table, room, keys, counts)
        else:
            num = count_by_hash(&values[0] if shots else NULL, shots, table, room, shift, keys,
                                counts)
    try:
        for i in range(num):
            value = keys[i]
            if value < HEXES:
                out[_HEX[<index>value]] = counts[i]
            else:
                out[hex(value)] = counts[i]
    finally:
        PyMem_Free(memory)
    return out


cdef index count_by_table(const uint64_t* values, index shots, int32_t* table, index room,
                       uint64_t* keys, int32_t* counts) noexcept nogil:
    """Counts values below `room` in a table of that size; returns the number of distinct ones.

    Branch-free: whether a value has been seen before is unpredictable.
    """
    cdef index i, num = 0
    cdef int32_t before
    memset(table, 0, room * sizeof(int32_t))
    for i in range(shots):
        before = table[values[i]]
        table[values[i]] = before + 1
        keys[num] = values[i]
        num += before == 0
    for i in range(num):
        counts[i] = table[keys[i]]
    return num


cdef index count_by_hash(const uint64_t* values, index shots, int32_t* table, index room, int shift,
                     uint64_t* keys, int32_t* counts) noexcept nogil:
    """Counts values with a hash table, open addressing; a slot holds an entry's index or -1."""
    cdef index i, num = 0
    cdef uint64_t slot, value
    cdef int32_t entry
    memset(table, 255, room * sizeof(int32_t))
    for i in range(shots):
        value = values[i]
        slot = value * <uint64_t>0x9E3779B97F4A7C15 >> shift
        while True:
            entry = table[slot]
            if entry < 0:
                table[slot] = <int32_t>num
                keys[num] = value
                counts[num] = 1
                num += 1
                break
            if keys[entry] == value:
                counts[entry] += 1
                break
            slot = (slot + 1) & <uint64_t>(room - 1)
    return num
