# Runs of diagonal gates.

cdef inline void phase(vec* s, index count, const int fixed, const int* positions, index offset,
                       vec cr, vec ci) noexcept nogil:
    cdef index j
    cdef vec ar, ai
    cdef vec* p
    for j in range(count):
        p = s + 2 * (expand(j, fixed, positions) + offset)
        ar = p[0]; ai = p[1]
        p[0] = cr * ar - ci * ai
        p[1] = cr * ai + ci * ar


cdef index fill_product(vec* table, const vec* first, const vec* factors, const int* free_bits,
                        int begin, int end) noexcept nogil:
    """table[x] = first * prod of factors[free_bits[begin + i]] over the bits i of x. Its length."""
    cdef index size = 1, x
    cdef int i
    cdef vec fr, fi
    cdef vec* p
    cdef vec* q
    table[0] = first[0]
    table[1] = first[1]
    for i in range(begin, end):
        fr = factors[2 * free_bits[i]]
        fi = factors[2 * free_bits[i] + 1]
        for x in range(size):
            p = table + 2 * x
            q = table + 2 * (x + size)
            q[0] = p[0] * fr - p[1] * fi
            q[1] = p[0] * fi + p[1] * fr
        size *= 2
    return size


cdef void product(vec* s, int live, index control, index control_value, const int64_t* terms,
                  index num_terms, index base, const vec* coefficients, index lanes,
                  vec* work) noexcept nogil:
    """Multiplies the amplitudes under the controls by a product of one factor per local bit.

    The factors depend on the block: a term counts where its outer bits are all 1. The products are
    looked up in two tables, one for the lower half of the free bits and one for the upper.
    `work` has room for 65 pairs and for both tables.
    """
    cdef vec* factors = work                 # one pair a local bit
    cdef vec* one = work + 2 * MAX_FIXED     # the factor of every amplitude
    cdef vec* low
    cdef vec* high
    cdef int positions[MAX_FIXED]
    cdef int free_bits[MAX_FIXED]
    cdef int fixed, count = 0, i, half
    cdef bint applies = False
    cdef index t, x, y, num_low, num_high, at
    cdef int64_t target
    cdef int64_t used = 0
    cdef const vec* c
    cdef const int64_t* term
    cdef vec* p
    cdef vec fr, fi, hr, hi, wr, wi, ar, ai
    wr = splat(one[0], 1)
    wi = splat(one[0], 0)
    one[0] = wr
    one[1] = wi
    for t in range(num_terms):
        term = terms + t * TERM_COLUMNS
        if (base & term[TERM_OUTER]) != term[TERM_OUTER]:
            continue
        applies = True
        target = term[TERM_TARGET]
        c = coefficients + term[TERM_COEFFICIENT] // lanes
        if target < 0:
            p = one
        else:
            p = factors + 2 * target
            if not (used >> target) & 1:
                used |= <int64_t>1 << target
                p[0] = c[0]
                p[1] = c[1]
                continue
        fr = p[0]; fi = p[1]
        p[0] = fr * c[0] - fi * c[1]
        p[1] = fr * c[1] + fi * c[0]
    if not applies:
        return
    fixed = sorted_bits(control, positions)
    for i in range(live):
        if not (control >> i) & 1:
            free_bits[count] = i
            count += 1
            if not (used >> i) & 1:
                factors[2 * i] = wr
                factors[2 * i + 1] = wi
    half = count // 2
    low = one + 2
    num_low = fill_product(low, one, factors, free_bits, 0, half)
    high = low + 2 * num_low
    # The upper table starts from 1; the common factor is in the lower one already.
    one[0] = wr
    one[1] = wi
    num_high = fill_product(high, one, factors, free_bits, half, count)
    for y in range(num_high):
        hr = high[2 * y]
        hi = high[2 * y + 1]
        for x in range(num_low):
            at = expand(y * num_low + x, fixed, positions) + control_value
            p = s + 2 * at
            fr = low[2 * x]; fi = low[2 * x + 1]
            wr = fr * hr - fi * hi
            wi = fr * hi + fi * hr
            ar = p[0]; ai = p[1]
            p[0] = wr * ar - wi * ai
            p[1] = wr * ai + wi * ar


cdef void lookup(vec* s, int live, index control, index control_value, const int64_t* bits,
                 int num_bits, index base, const vec* table) noexcept nogil:
    """Multiplies by table[y], bit i of y being local bit ``bits[i]`` or, below 0, outer bit ~bits[i]."""
    cdef index j, at, y, from_outer = 0
    cdef int i
    cdef int positions[MAX_FIXED]
    cdef int fixed = sorted_bits(control, positions)
    cdef vec ar, ai, cr, ci
    cdef vec* p
    for i in range(num_bits):
        if bits[i] < 0 and (base >> ~bits[i]) & 1:
            from_outer |= <index>1 << i
    for j in range((<index>1 << live) >> fixed):
        at = expand(j, fixed, positions) + control_value
        y = from_outer
        for i in range(num_bits):
            if bits[i] >= 0:
                y |= ((at >> bits[i]) & 1) << i
        p = s + 2 * at
        cr = table[2 * y]; ci = table[2 * y + 1]
        ar = p[0]; ai = p[1]
        p[0] = cr * ar - ci * ai
        p[1] = cr * ai + ci * ar
