# Diagonal gates, single ones and groups.
#
# Memory: see _kernels.pyx. Each pair of vectors is multiplied by one complex coefficient, which has
# a value for each lane, re and im a vector each. A table is an array of such pairs:
#
#     product    a factor for each local bit and for each two of them; see there
#     lookup     factor = table[y], y gathered from bits of the block and outer bits

cdef extern from *:
    """
    /* The lowest bit that is 1; x is not 0. */
    #if BA_VECTORS
      #define ba_lowest(x) __builtin_ctzll(x)
    #else
      static __inline int ba_lowest(uint64_t x) { int n = 0; while (!(x & 1)) { x >>= 1; n++; }
        return n; }
    #endif
    """
    int ba_lowest(uint64_t) noexcept nogil


cdef inline void phase(vec* s, index count, const int fixed, const int* positions, index offset,
                       vec cr, vec ci) noexcept nogil:
    """Multiplies the pairs under the controls by one coefficient."""
    cdef index j
    cdef vec ar, ai
    cdef vec* p
    for j in range(count):
        p = s + 2 * (expand(j, fixed, positions) + offset)
        ar = p[0]; ai = p[1]
        p[0] = cr * ar - ci * ai
        p[1] = cr * ai + ci * ar


# --- a group -----------------------------------------------------------------------------------

cdef inline void times(vec* out, const vec* a, const vec* b) noexcept nogil:
    """out = a b; `out` may be one of them."""
    cdef vec ar = a[0], ai = a[1], br = b[0], bi = b[1]
    out[0] = ar * br - ai * bi
    out[1] = ar * bi + ai * br


cdef inline void table_times(vec* out, const vec* a, const vec* b, index size) noexcept nogil:
    """out[x] = a[x] b[x]; `out` may be `a`."""
    cdef index x
    for x in range(size):
        times(out + 2 * x, a + 2 * x, b + 2 * x)


cdef inline void fill(vec* table, const vec* first, int bits, uint64_t those,
                      const vec** factors) noexcept nogil:
    """table[x] = first * the factors of the bits of x that are among `those`, for `bits` bits.

    The factor of bit i is at PRODUCT_BITS i.
    """
    cdef int i
    cdef index x, size = 1
    table[0] = first[0]
    table[1] = first[1]
    for i in range(bits):
        if (those >> i) & 1:
            for x in range(size):
                times(table + 2 * (size + x), table + 2 * x, factors[PRODUCT_BITS * i])
        else:
            memcpy(table + 2 * size, table, 2 * size * sizeof(vec))
        size *= 2


cdef enum:
    WITH_HIGH = 0
    WITHOUT_HIGH = 1
    ALL_REAL = 2


cdef inline void multiply_pair(vec* p, const vec* factor, vec hr, vec hi,
                               const int how) noexcept nogil:
    """p = p * factor * h, or without h, or without a look at imaginary parts, which are 0."""
    cdef vec fr = factor[0], fi, wr, wi, ar = p[0], ai = p[1]
    if how == ALL_REAL:
        wr = fr * hr
        p[0] = wr * ar
        p[1] = wr * ai
        return
    fi = factor[1]
    if how == WITHOUT_HIGH:
        wr = fr
        wi = fi
    else:
        wr = fr * hr - fi * hi
        wi = fr * hi + fi * hr
    p[0] = wr * ar - wi * ai
    p[1] = wr * ai + wi * ar


cdef inline void multiply_run(vec* s, const vec* table, vec hr, vec hi, index size,
                              const index* places, const bint in_order,
                              const int how) noexcept nogil:
    """Multiplies what is at places[x], or pair x, by table[x] * h, for each x below `size`."""
    cdef index x, u
    if size < 4:
        for x in range(size):
            multiply_pair(s + places[x], table + 2 * x, hr, hi, how)
        return
    for x in range(0, size, 4):     # so short loops end with fewer branches mispredicted
        for u in range(x, x + 4):
            multiply_pair(s + 2 * u if in_order else s + places[u], table + 2 * u, hr, hi, how)


cdef inline bint any_lane(vec x) noexcept nogil:
    """Whether a lane is not 0."""
    cdef int l
    if vec is vd:
        for l in range(VD_LANES):
            if (<double*>&x)[l] != 0:
                return True
    else:
        for l in range(VF_LANES):
            if (<float*>&x)[l] != 0:
                return True
    return False


cdef void product(vec* s, index offset, const int64_t* bits, const int low, const int num_bits,
                  index num_terms, index base, const vec* coefficients, index lanes,
                  vec* work) noexcept nogil:
    """Multiplies by a product of factors, each of the pairs in which one bit, or two, are 1.

    The factors depend on the block: a term counts where its outer bits are all 1. Pairs are those
    at `offset` with any values of the local `bits`. The first `low` of these are x, the others y:

        factor of a pair = table[x] of those bits of y that share a factor with a bit of x * high(y)

    y counts upwards. A step sets one of its bits, t, and clears those below it. What belongs to a
    value of y whose lowest set bit is t, is kept at level t (to y = 0, at level `high_bits`), and
    made of what is at the level of the bit that is set next above it:

        high        the product of the factors of y
        step[s]     the factor of setting bit s, which is below t: its own, times those that it
                    shares with the bits set
        table       the level's own, or another one's if t shares no factor with a bit of x

    So bits that change seldom, the last ones, should be those that share factors with x.

    Args:
        offset: the controls that must be 1.
        bits: `num_bits` local bits, then the terms, see TERM_ in layout.pxi.
        low: how many of the bits are x, at most PRODUCT_LOW_BITS.
        work: room for `product_work` vectors.
    """
    cdef const vec* alone[PRODUCT_BITS]                        # factor of each bit
    cdef const vec* shared[PRODUCT_BITS * PRODUCT_BITS]        # of bits i < j, at PRODUCT_BITS i + j
    cdef const vec* step[(PRODUCT_BITS + 1) * PRODUCT_BITS]     # of bit s at a level
    cdef const vec* table[PRODUCT_BITS + 1]
    cdef const vec* crossing[PRODUCT_BITS]      # what a bit of y multiplies the table by
    cdef uint64_t below[PRODUCT_BITS]           # of each bit: those before it that share a factor
    cdef index places[1 << PRODUCT_LOW_BITS]
    cdef index moves[PRODUCT_BITS]              # how far the pairs are when y sets a bit
    cdef const int64_t* term
    cdef const vec* c
    cdef const vec** slot
    cdef int high_bits = num_bits - low, i, j, t, up
    cdef index size = <index>1 << low, x, y, z, cleared, n
    cdef uint64_t known = 0, changing = 0, left
    cdef bint applies = False, in_order = True, is_real
    cdef vec zero = splat(work[0], 0)
    cdef vec imaginary = zero
    cdef vec* one = work
    cdef vec* common = work + 2                 # the factor of every amplitude
    cdef vec* free_pair = work + 4              # memory that nothing uses yet
    cdef vec* high
    cdef vec* steps
    cdef vec* p
    one[0] = splat(work[0], 1)
    one[1] = zero
    common[0] = one[0]
    common[1] = zero
    memset(below, 0, num_bits * sizeof(uint64_t))
    for n in range(num_terms):
        term = bits + num_bits + n * TERM_COLUMNS
        if (base & term[TERM_OUTER]) != term[TERM_OUTER]:
            continue
        applies = True
        i = term[TERM_BIT]
        j = term[TERM_OTHER]
        c = coefficients + term[TERM_COEFFICIENT] // lanes
        imaginary = imaginary + c[1] * c[1]
        if i < 0:
            times(common, common, c)
            continue
        if j < 0:
            slot = alone + i
            if not (known >> i) & 1:
                known |= <uint64_t>1 << i
                slot[0] = c
                continue
        else:
            slot = shared + PRODUCT_BITS * i + j
            if not (below[j] >> i) & 1:
                below[j] |= <uint64_t>1 << i
                if i >= low:
                    changing |= <uint64_t>1 << (i - low)
                slot[0] = c
                continue
        # A further factor of the same bits: the product is kept here.
        if not work <= slot[0] < free_pair:
            times(free_pair, slot[0], c)
            slot[0] = free_pair
            free_pair += 2
        else:
            times(<vec*>slot[0], slot[0], c)
    if not applies:
        return
    is_real = not any_lane(imaginary)
    for i in range(num_bits):
        if not (known >> i) & 1:
            alone[i] = one
    # The table of y = 0.
    p = free_pair
    free_pair += 2 * size
    table[high_bits] = p
    p[0] = common[0]
    p[1] = common[1]
    for j in range(low):
        n = <index>1 << j
        if below[j] == 0:
            for x in range(n):
                times(p + 2 * (n + x), p + 2 * x, alone[j])
        else:
            fill(p + 2 * n, alone[j], j, below[j], shared + j)
            table_times(p + 2 * n, p + 2 * n, p, n)
    # What the bits of y multiply it by, and room for their tables.
    for t in range(high_bits):
        step[high_bits * PRODUCT_BITS + t] = alone[low + t]
        crossing[t] = NULL
        if below[low + t] & (size - 1):
            fill(free_pair, one, low, below[low + t], shared + low + t)
            crossing[t] = free_pair
            table[t] = free_pair + 2 * size
            free_pair += 4 * size
    high = free_pair
    steps = high + 2 * (high_bits + 1)
    high[2 * high_bits] = one[0]
    high[2 * high_bits + 1] = zero
    for i in range(low):
        in_order = in_order and bits[i] == i
    if not in_order or size < 4:
        places[0] = 0
        for i in range(low):
            n = <index>1 << i
            for x in range(n):
                places[n + x] = places[x] + (<index>2 << bits[i])
    cleared = 0
    for t in range(high_bits):
        moves[t] = (<index>2 << bits[low + t]) - cleared
        cleared += <index>2 << bits[low + t]
    s += 2 * offset
    t = high_bits
    y = 0
    while True:
        if is_real:
            if in_order:
                multiply_run(s, table[t], high[2 * t], zero, size, places, True, ALL_REAL)
            else:
                multiply_run(s, table[t], high[2 * t], zero, size, places, False, ALL_REAL)
        elif in_order:
            if y:
                multiply_run(s, table[t], high[2 * t], high[2 * t + 1], size, places, True,
                             WITH_HIGH)
            else:
                multiply_run(s, table[t], zero, zero, size, places, True, WITHOUT_HIGH)
        else:
            multiply_run(s, table[t], high[2 * t], high[2 * t + 1], size, places, False, WITH_HIGH)
        y += 1
        if y >> high_bits:
            return
        t = ba_lowest(y)
        z = y & (y - 1)
        up = ba_lowest(z) if z else high_bits
        s += moves[t]
        i = up if (changing >> t) & 1 else high_bits
        times(high + 2 * t, high + 2 * up, step[i * PRODUCT_BITS + t])
        left = changing & ((<uint64_t>1 << t) - 1)
        while left:
            i = ba_lowest(left)
            left &= left - 1
            step[t * PRODUCT_BITS + i] = step[up * PRODUCT_BITS + i]
            if (below[low + t] >> (low + i)) & 1:
                p = steps + 2 * (t * high_bits + i)
                times(p, step[up * PRODUCT_BITS + i],
                      shared[PRODUCT_BITS * (low + i) + low + t])
                step[t * PRODUCT_BITS + i] = p
        if crossing[t] == NULL:
            table[t] = table[up]
        else:
            table_times(<vec*>table[t], table[up], crossing[t], size)


cdef enum:
    LOOKUP_LOW_BITS = 5


cdef inline index gathered(index at, const int64_t* bits, int num_bits) noexcept nogil:
    """Bit i is local bit ``bits[i]`` of `at`; 0 if that is below 0."""
    cdef index y = 0
    cdef int i
    for i in range(num_bits):
        if bits[i] >= 0:
            y |= ((at >> bits[i]) & 1) << i
    return y


cdef void lookup(vec* s, int live, index control, index control_value, const int64_t* bits,
                 int num_bits, index base, const vec* table) noexcept nogil:
    """Multiplies by table[y]; bit i of y is local bit ``bits[i]`` or, if that is below 0, bit
    ``~bits[i]`` of the block's first pair number."""
    cdef index j, x, at, size, from_outer = 0
    cdef int i, low
    cdef int positions[MAX_BITS]
    cdef int fixed = sorted_bits(control, positions)
    cdef index places[1 << LOOKUP_LOW_BITS]     # of the lowest free bits: where the pairs are
    cdef index entries[1 << LOOKUP_LOW_BITS]    # and their part of y
    cdef vec ar, ai, cr, ci
    cdef vec* p
    cdef const vec* c
    if live < fixed:
        return
    for i in range(num_bits):
        if bits[i] < 0 and (base >> ~bits[i]) & 1:
            from_outer |= <index>1 << i
    low = min(live - fixed, LOOKUP_LOW_BITS)
    size = <index>1 << low
    for x in range(size):
        at = expand(x, fixed, positions)
        places[x] = 2 * at
        entries[x] = 2 * gathered(at, bits, num_bits)
    for j in range((<index>1 << live) >> fixed >> low):
        at = expand(j << low, fixed, positions) + control_value
        c = table + 2 * (from_outer + gathered(at, bits, num_bits))
        for x in range(size):
            p = s + 2 * at + places[x]
            cr = c[entries[x]]; ci = c[entries[x] + 1]
            ar = p[0]; ai = p[1]
            p[0] = cr * ar - ci * ai
            p[1] = cr * ai + ci * ar
