# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
# cython: initializedcheck=False
"""From uniforms to outcomes and from outcomes to counts, in one pass each.

numpy does the same in ten calls, which for some thousand shots take longer than what they do.
"""

from cpython.mem cimport PyMem_Free, PyMem_Malloc
from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t
from libc.string cimport memset

import numpy as np

ctypedef Py_ssize_t index

cdef enum:
    HEXES = 4096
    CELLS = 8               # for each outcome
    MOST_CELLS = 1 << 16
    DENSE = 8               # values below so many times the shots have a table of their own

cdef double UNIT = 2.0 ** -53

cdef tuple _HEX = tuple([hex(value) for value in range(HEXES)])


# --- draws -------------------------------------------------------------------------------------

cdef enum:
    WORDS = 624         # of the state of the Mersenne twister, MT19937
    FAR = 397
    DRAWS = 312         # two words each


cdef inline uint32_t twisted(uint32_t high, uint32_t low, uint32_t far) noexcept nogil:
    cdef uint32_t y = (high & <uint32_t>0x80000000) | (low & <uint32_t>0x7FFFFFFF)
    return far ^ (y >> 1) ^ ((<uint32_t>0 - (y & 1)) & <uint32_t>0x9908B0DF)


cdef void twist(uint32_t* key, uint32_t* words) noexcept nogil:
    """The next words of the generator; `key` is its state."""
    cdef index i
    cdef uint32_t y
    for i in range(WORDS - FAR):
        key[i] = twisted(key[i], key[i + 1], key[i + FAR])
    for i in range(WORDS - FAR, WORDS - 1):
        key[i] = twisted(key[i], key[i + 1], key[i + FAR - WORDS])
    key[WORDS - 1] = twisted(key[WORDS - 1], key[0], key[FAR - 1])
    for i in range(WORDS):
        y = key[i]
        y ^= y >> 11
        y ^= (y << 7) & <uint32_t>0x9D2C5680
        y ^= (y << 15) & <uint32_t>0xEFC60000
        words[i] = y ^ (y >> 18)


cdef inline double drawn_of(uint32_t high, uint32_t low) noexcept nogil:
    # Signed: that is what vectors of integers are turned into vectors of numbers from.
    return (<double><int32_t>(high >> 5) * 67108864.0 + <double><int32_t>(low >> 6)) * UNIT


def uniforms(uint32_t seed, index first, index shots):
    """``RandomState(seed).random_sample(first + shots)[first:]``, without a generator to be kept.

    numpy has promised that these will stay what they are.
    """
    cdef uint32_t key[WORDS]
    cdef uint32_t words[WORDS]
    cdef index i, num
    cdef double* data
    if first < 0 or shots < 0:
        raise ValueError(f"no draws from {first} on, {shots} of them")
    out = np.empty(shots)
    cdef double[::1] drawn = out
    if not shots:
        return out
    data = &drawn[0]
    with nogil:
        for i in range(WORDS):
            key[i] = seed
            seed = <uint32_t>1812433253 * (seed ^ (seed >> 30)) + <uint32_t>(i + 1)
        while first >= DRAWS:
            twist(key, words)
            first -= DRAWS
        while shots > 0:
            twist(key, words)
            num = min(shots, DRAWS - first)
            for i in range(num):
                data[i] = drawn_of(words[2 * (first + i)], words[2 * (first + i) + 1])
            data += num
            shots -= num
            first = 0
    return out


# --- outcomes ----------------------------------------------------------------------------------

def draw(double[::1] probabilities, const double[::1] uniforms):
    """What ``RandomState.choice(p=probabilities)`` makes of its draws.

    Args:
        probabilities: of the outcomes, but for a factor; turned into their cumulated sums.
        uniforms: one for each shot, in [0, 1).

    Returns:
        The sum of the probabilities, and int64, shape (shots,), the outcomes.
    """
    cdef index size = probabilities.shape[0], shots = uniforms.shape[0], cells, cell, i, low, half
    cdef index count, above
    cdef double total = 0, u, scale, edge
    cdef double* cdf = &probabilities[0]
    cdef int32_t* guide
    out = np.empty(shots, dtype=np.int64)
    cdef int64_t[::1] found = out
    if not 1 <= size < 1 << 31:
        raise ValueError(f"{size} outcomes are too many, or none")
    # Cells of equal width that say where to look: so many that there is no sum in most of them.
    cells = 1
    while cells < CELLS * size and cells < MOST_CELLS and cells < 2 * shots:
        cells *= 2
    guide = <int32_t*>PyMem_Malloc((cells + 1) * sizeof(int32_t))
    if guide == NULL:
        raise MemoryError("no memory left to draw outcomes")
    with nogil:
        for i in range(size):
            total = total + cdf[i]
            cdf[i] = total
        for i in range(size):
            cdf[i] = cdf[i] / total
        # guide[cell]: how many sums, the last one excepted, there are up to where the cell begins.
        scale = <double>cells
        memset(guide, 0, (cells + 1) * sizeof(int32_t))
        for i in range(size - 1):
            edge = cdf[i] * scale  # a power of two: exact
            cell = cells  # for what is no number
            if 0 <= edge <= scale:
                cell = <index>edge
                cell += <double>cell < edge
            guide[cell] += 1
        for cell in range(1, cells):
            guide[cell] += guide[cell - 1]
        guide[cells] = <int32_t>(size - 1)
        for i in range(shots):
            u = uniforms[i]
            cell = <index>(u * scale)
            cell = min(max(cell, 0), cells - 1)
            low = guide[cell]
            count = guide[cell + 1] - low
            # The first sum that is above the draw; the last if none is. Without a branch on the
            # comparison, which no processor can foresee.
            while count > 0:
                half = count >> 1
                above = cdf[low + half] <= u
                low += above * (half + 1)
                count = half + above * (count - 2 * half - 1)
            found[i] = low
    PyMem_Free(guide)
    return total, out


# --- counts ------------------------------------------------------------------------------------

def count(const uint64_t[::1] values):
    """How often each value occurs, keyed in hex, in the order of first appearance."""
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
    cdef bint small = largest < <uint64_t>(DENSE * shots)
    if small:
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
        if small:
            num = count_small(&values[0], shots, table, room, keys, counts)
        else:
            num = count_any(&values[0] if shots else NULL, shots, table, room, shift, keys, counts)
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


cdef index count_small(const uint64_t* values, index shots, int32_t* table, index room,
                       uint64_t* keys, int32_t* counts) noexcept nogil:
    """Counts values below `room` in a table of that size; returns how many different ones.

    Nothing depends on whether a value has been seen before but sums: no processor foresees that.
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


cdef index count_any(const uint64_t* values, index shots, int32_t* table, index room, int shift,
                     uint64_t* keys, int32_t* counts) noexcept nogil:
    """Counts any values by open addressing: the table has the number of an entry, or -1."""
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
