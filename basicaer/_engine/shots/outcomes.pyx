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
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memset

import numpy as np

ctypedef Py_ssize_t index

cdef enum:
    HEXES = 4096            # values whose hex keys are precomputed
    CELLS = 8               # cells of a guide per outcome
    MOST_CELLS = 1 << 16
    DENSE = 8               # values below DENSE * shots are counted in a direct table
    MOST_VALUES = 256       # outcomes of a circuit among many

cdef double UNIT = 2.0 ** -53

cdef object empty = np.empty
cdef object FLOAT64 = np.dtype(np.float64)
cdef object INT64 = np.dtype(np.int64)

cdef tuple _HEX = tuple([hex(value) for value in range(HEXES)])


# --- uniforms ----------------------------------------------------------------------------------

cdef enum:
    WORDS = 624         # of the state of the Mersenne twister, MT19937
    FAR = 397
    DRAWS = 312         # uniforms from one state, two words each


cdef inline uint32_t twisted(uint32_t high, uint32_t low, uint32_t far) noexcept nogil:
    cdef uint32_t y = (high & <uint32_t>0x80000000) | (low & <uint32_t>0x7FFFFFFF)
    return far ^ (y >> 1) ^ ((<uint32_t>0 - (y & 1)) & <uint32_t>0x9908B0DF)


cdef void twist(uint32_t* key) noexcept nogil:
    """Advances the generator to its next state."""
    cdef index i
    for i in range(WORDS - FAR):
        key[i] = twisted(key[i], key[i + 1], key[i + FAR])
    for i in range(WORDS - FAR, WORDS - 1):
        key[i] = twisted(key[i], key[i + 1], key[i + FAR - WORDS])
    key[WORDS - 1] = twisted(key[WORDS - 1], key[0], key[FAR - 1])


cdef void temper(const uint32_t* key, uint32_t* words) noexcept nogil:
    """Computes the output words of a state of the generator."""
    cdef index i
    cdef uint32_t y
    for i in range(WORDS):
        y = key[i]
        y ^= y >> 11
        y ^= (y << 7) & <uint32_t>0x9D2C5680
        y ^= (y << 15) & <uint32_t>0xEFC60000
        words[i] = y ^ (y >> 18)


cdef inline double drawn_of(uint32_t high, uint32_t low) noexcept nogil:
    # Conversion from signed integers to doubles is vectorised.
    return (<double><int32_t>(high >> 5) * 67108864.0 + <double><int32_t>(low >> 6)) * UNIT


cdef void seed_key(uint32_t* key, uint32_t seed) noexcept nogil:
    """Makes the state of the generator that comes before the first uniform of a seed."""
    cdef index i
    for i in range(WORDS):
        key[i] = seed
        seed = <uint32_t>1812433253 * (seed ^ (seed >> 30)) + <uint32_t>(i + 1)


cdef index fill(uint32_t* key, index used, double* data, index count) noexcept nogil:
    """Writes the next `count` uniforms.

    Args:
        key: the state of the generator.
        used: uniforms of this state already drawn.

    Returns:
        Uniforms of the new state drawn since.
    """
    cdef index i, num
    cdef uint32_t words[WORDS]
    while count > 0:
        if used == DRAWS:
            twist(key)
            used = 0
        temper(key, words)
        num = min(count, DRAWS - used)
        for i in range(num):
            data[i] = drawn_of(words[2 * (used + i)], words[2 * (used + i) + 1])
        data += num
        count -= num
        used += num
    return used


def seeded_rows(const uint32_t[::1] seeds, index count):
    """Returns the first `count` uniforms of each seed, float64, shape (len(seeds), count)."""
    cdef index i, num = seeds.shape[0]
    cdef uint32_t key[WORDS]
    cdef double[:, ::1] view
    if count < 1:
        raise ValueError(f"{count} uniforms cannot be drawn of each seed; 1 is the least")
    out = empty((num, count), FLOAT64)
    view = out
    with nogil:
        for i in range(num):
            seed_key(key, seeds[i])
            fill(key, DRAWS, &view[i, 0], count)
    return out


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

cdef index cells_for(index size, index draws) noexcept nogil:
    """How many cells a guide has for so many outcomes and draws; a power of two."""
    cdef index cells = 1
    while cells < CELLS * size and cells < MOST_CELLS and cells < 2 * draws:
        cells *= 2
    return cells


cdef double cumulate(double* cdf, index size, int64_t* guide, index cells) noexcept nogil:
    """Replaces probabilities by cumulative ones that end in 1; returns the sum of them.

    Args:
        cdf: the probabilities.
        size: how many there are.
        guide: for each cell: the number of cumulative probabilities before it; all 0 at first.
        cells: number of cells, one less than the guide has entries.
    """
    cdef index i, cell
    cdef double total = 0, scale = <double>cells, edge
    for i in range(size):
        total = total + cdf[i]
        cdf[i] = total
    for i in range(size):
        cdf[i] = cdf[i] / total
    for i in range(size - 1):
        edge = cdf[i] * scale  # a power of two: exact
        cell = cells  # for NaN
        if 0 <= edge <= scale:
            cell = <index>edge
            cell += <double>cell < edge
        guide[cell] += 1
    for cell in range(1, cells):
        guide[cell] += guide[cell - 1]
    guide[cells] = size - 1
    return total


cdef inline index outcome_of(double u, const double* cdf, const int64_t* guide, index cells,
                             double scale) noexcept nogil:
    """Returns the first outcome whose cumulative probability exceeds `u`; the last if none does."""
    cdef index cell = <index>(u * scale), low, half, count, above
    cell = min(max(cell, 0), cells - 1)
    low = guide[cell]
    count = guide[cell + 1] - low
    # Branch-free: the comparison is unpredictable.
    while count > 0:
        half = count >> 1
        above = cdf[low + half] <= u
        low += above * (half + 1)
        count = half + above * (count - 2 * half - 1)
    return low


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


# --- many circuits -----------------------------------------------------------------------------

def draw_rows(double[:, ::1] probabilities, const int32_t[::1] sizes,
              const double[:, ::1] uniforms, const int64_t[::1] rows, uint8_t[:, ::1] values,
              int32_t[:, ::1] counts, int32_t[::1] found, double[::1] totals,
              uint8_t[:, ::1] listed):
    """Draws the outcomes of circuits and counts them, as `CumulativeTable` and `count` do for one.

    Args:
        probabilities: of the outcomes of each circuit, float64, shape (circuits, most outcomes);
            need not be normalised. Overwritten.
        sizes: number of outcomes of each circuit, 1 to 256.
        uniforms: in [0, 1), float64, shape (rows, shots).
        rows: the row of uniforms of each circuit.
        values: receives the outcomes that occur, in order of first appearance; uint8, of shape
            (circuits, at least the lesser of outcomes and shots).
        counts: receives how often each of them occurs, int32, of the same shape.
        found: receives how many of them there are, int32, shape (circuits,).
        totals: receives the sum of the probabilities, float64, shape (circuits,).
        listed: receives the outcome of each shot, uint8, shape (circuits, shots); of shape
            (circuits, 0) not to list them.
    """
    cdef index circuits = sizes.shape[0], shots = uniforms.shape[1], i, j, num, cells, size, value
    cdef bint listing = listed.shape[1] != 0
    cdef int64_t guide[CELLS * MOST_VALUES + 1]
    cdef int32_t table[MOST_VALUES]
    cdef double* cdf
    cdef double scale
    cdef const double* draws
    cdef int32_t before
    if not (probabilities.shape[0] == rows.shape[0] == values.shape[0] == counts.shape[0]
            == found.shape[0] == totals.shape[0] == listed.shape[0] == circuits):
        raise ValueError("the arrays of the circuits do not belong together")
    if listing and listed.shape[1] != shots or counts.shape[1] != values.shape[1]:
        raise ValueError("outcomes and shots do not belong together")
    if not 1 <= shots < 1 << 30:
        raise ValueError(f"{shots} shots cannot be counted at a time")
    for i in range(circuits):
        size = sizes[i]
        if not 1 <= size <= min(<index>MOST_VALUES, probabilities.shape[1]):
            raise ValueError(f"circuit {i} has {size} outcomes, more than there is room for")
        if values.shape[1] < min(size, shots) or not 0 <= rows[i] < uniforms.shape[0]:
            raise ValueError(f"circuit {i} has no uniforms, or no room for its outcomes")
    with nogil:
        for i in range(circuits):
            size = sizes[i]
            cdf = &probabilities[i, 0]
            draws = &uniforms[rows[i], 0]
            cells = cells_for(size, shots)
            scale = <double>cells
            memset(guide, 0, (cells + 1) * sizeof(int64_t))
            memset(table, 0, size * sizeof(int32_t))
            totals[i] = cumulate(cdf, size, guide, cells)
            num = 0
            for j in range(shots):
                value = outcome_of(draws[j], cdf, guide, cells, scale)
                if listing:
                    listed[i, j] = <uint8_t>value
                # At most as many are new as there is room for.
                before = table[value]
                table[value] = before + 1
                if before == 0:
                    values[i, num] = <uint8_t>value
                    num += 1
            for j in range(num):
                counts[i, j] = table[values[i, j]]
            found[i] = <int32_t>num
