# The Mersenne twister, MT19937: the uniforms of ``numpy.random.RandomState(seed)``. NumPy guarantees
# that this stream never changes. M. Matsumoto and T. Nishimura, ACM TOMACS 8 (1998), 3-30.

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


cdef double UNIT = 2.0 ** -53


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
