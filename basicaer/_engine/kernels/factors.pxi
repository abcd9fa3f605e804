# What is diagonal, of gates without a plan (direct.pxi): factors that wait, and how they are applied.
#
# They commute with each other and with all operations that leave their qubits' values alone. When
# an operation is about to mix qubit q, all factors that depend on q are applied (`settle`):
#
#     one or two of them    a PHASE each, on half or a quarter of the amplitudes
#     more                  one product for the half whose bit q is 1: of a factor for each other bit

cdef enum:
    FACTORS_ALONE = 2       # most factors of two qubits that are applied one by one
    TABLE = 128             # entries of the table for half of the bits of a pair number


cdef void no_factors(Factors* f) noexcept nogil:
    f.scale[0] = 1
    f.scale[1] = 0
    f.alone = 0
    memset(f.linked, 0, sizeof(f.linked))


cdef void add_factor1(Factors* f, int q, const double* factor) noexcept nogil:
    """One more factor for the amplitudes whose bit q is 1."""
    if (f.alone >> q) & 1:
        zmul(f.of[q], f.of[q], factor)
    else:
        f.alone |= BIT << q
        memcpy(f.of[q], factor, 2 * sizeof(double))


cdef void add_factor2(Factors* f, int a, int b, const double* factor) noexcept nogil:
    """One more factor for the amplitudes whose bits a < b are both 1."""
    if (f.linked[a] >> b) & 1:
        zmul(f.both[a][b], f.both[a][b], factor)
    else:
        f.linked[a] |= BIT << b
        f.linked[b] |= BIT << a
        memcpy(f.both[a][b], factor, 2 * sizeof(double))


cdef void add_diagonal1(Factors* f, int q, const double* m) noexcept nogil:
    """The diagonal 2x2 matrix m on q, as factors."""
    cdef double x[2]
    zmul(f.scale, f.scale, m)
    zdiv(x, m + 6, m)
    add_factor1(f, q, x)


cdef void add_diagonal2(Factors* f, int a, int b, const double* m) noexcept nogil:
    """The diagonal 4x4 matrix m on a < b, as factors: d0, d1 / d0, d2 / d0, d0 d3 / (d1 d2)."""
    cdef double x[2]
    cdef double y[2]
    if m[0] != 1 or m[1] != 0:
        zmul(f.scale, f.scale, m)
    zdiv(x, m + 10, m)
    if fabs(x[0] - 1) > 1e-15 or fabs(x[1]) > 1e-15:
        add_factor1(f, a, x)
    zdiv(x, m + 20, m)
    if fabs(x[0] - 1) > 1e-15 or fabs(x[1]) > 1e-15:
        add_factor1(f, b, x)
    zdiv(x, m + 30, m + 10)
    zdiv(y, m, m + 20)
    zmul(x, x, y)
    if fabs(x[0] - 1) > 1e-15 or fabs(x[1]) > 1e-15:
        add_factor2(f, a, b, x)


cdef void take_scale(Factors* f, double* m, int entries) noexcept nogil:
    """Multiplies a matrix that is applied to all amplitudes by what multiplies all of them."""
    cdef int i
    if f.scale[0] == 1 and f.scale[1] == 0:
        return
    for i in range(entries):
        zmul(m + 2 * i, m + 2 * i, f.scale)
    f.scale[0] = 1
    f.scale[1] = 0


cdef inline const double* factor_alone(Factors* f, int q) noexcept nogil:
    """The factor of q alone, for a matrix on q to be multiplied by; NULL if there is none."""
    if not (f.alone >> q) & 1:
        return NULL
    f.alone &= ~(BIT << q)
    return f.of[q]


cdef inline void times_factor(double* m, const double* factor) noexcept nogil:
    """m = m @ diag(1, factor)."""
    zmul(m + 2, m + 2, factor)
    zmul(m + 6, m + 6, factor)


cdef index fill_table(vec* table, const vec* factors, int bits) noexcept nogil:
    """Fills up products of `factors`, a pair for each bit, from table[0] on. The table's length."""
    cdef index size = 1, x
    cdef int i
    cdef vec fr, fi
    cdef vec* p
    cdef vec* q
    for i in range(bits):
        fr = factors[2 * i]
        fi = factors[2 * i + 1]
        for x in range(size):
            p = table + 2 * x
            q = table + 2 * (x + size)
            q[0] = p[0] * fr - p[1] * fi
            q[1] = p[0] * fi + p[1] * fr
        size *= 2
    return size


cdef void multiply_by_tables(vec* s, int bits, int hub, const vec* first,
                             const vec* factors) noexcept nogil:
    """Multiplies each pair by `first` and by one of `factors` for each of its bits that is 1.

    Args:
        bits: only the first 2**bits pairs count, and of these
        hub: if it is not below 0, those whose bit `hub` is 1; `factors` has no pair for this bit.
    """
    cdef vec low[2 * TABLE]
    cdef vec high[2 * TABLE]
    cdef int free_bits = bits - 1 if hub >= 0 else bits, half = free_bits // 2
    cdef index num_low, num_high, x, y, at
    cdef vec hr, hi, wr, wi, ar, ai
    cdef vec* p
    low[0] = splat(s[0], 1)
    low[1] = splat(s[0], 0)
    high[0] = first[0]
    high[1] = first[1]
    num_low = fill_table(low, factors, half)
    num_high = fill_table(high, factors + 2 * half, free_bits - half)
    for y in range(num_high):
        hr = high[2 * y]
        hi = high[2 * y + 1]
        for x in range(num_low):
            at = y * num_low + x
            if hub >= 0:
                at = insert_zero(at, hub) + (<index>1 << hub)
            p = s + 2 * at
            wr = low[2 * x] * hr - low[2 * x + 1] * hi
            wi = low[2 * x] * hi + low[2 * x + 1] * hr
            ar = p[0]; ai = p[1]
            p[0] = wr * ar - wi * ai
            p[1] = wr * ai + wi * ar


cdef void apply_hub(vec* s, Direct* d, int q) noexcept nogil:
    """Applies all factors that depend on q by one product."""
    cdef Factors* f = &d.factors
    cdef vec first[2]
    cdef vec factors[2 * DIRECT_QUBITS]
    cdef uint64_t reach = (d.live | f.linked[q] | BIT << q) >> d.lane_bits
    cdef const vec* masks = <const vec*>d.masks
    cdef int r, bits = 0, at = 0
    cdef vec fr, fi
    cdef const double* both
    cdef bint in_lane = q < d.lane_bits
    while reach >> bits:
        bits += 1
    first[0] = splat(s[0], 1)
    first[1] = splat(s[0], 0)
    if (f.alone >> q) & 1:
        first[0] = splat(s[0], f.of[q][0])
        first[1] = splat(s[0], f.of[q][1])
    for r in range(d.lane_bits):
        if (f.linked[q] >> r) & 1:
            both = f.both[min(q, r)][max(q, r)]
            fr = masks[2 * r] + masks[2 * r + 1] * splat(s[0], both[0])
            fi = masks[2 * r + 1] * splat(s[0], both[1])
            first[0], first[1] = first[0] * fr - first[1] * fi, first[0] * fi + first[1] * fr
    if in_lane:
        first[0] = masks[2 * q] + masks[2 * q + 1] * first[0]
        first[1] = masks[2 * q + 1] * first[1]
    for r in range(d.lane_bits, d.lane_bits + bits):
        if r == q:
            continue
        factors[at] = splat(s[0], 1)
        factors[at + 1] = splat(s[0], 0)
        if (f.linked[q] >> r) & 1:
            both = f.both[min(q, r)][max(q, r)]
            fr = splat(s[0], both[0])
            fi = splat(s[0], both[1])
            if in_lane:
                fr = masks[2 * q] + masks[2 * q + 1] * fr
                fi = masks[2 * q + 1] * fi
            factors[at] = fr
            factors[at + 1] = fi
        at += 2
    multiply_by_tables(s, bits, -1 if in_lane else q - d.lane_bits, first, factors)
    d.operations += 1


cdef void settle(vec* s, Direct* d, int q) noexcept nogil:
    """Applies all factors that depend on q: an operation is about to mix its values."""
    cdef Factors* f = &d.factors
    cdef uint64_t links = f.linked[q], left = links
    cdef int r, count = 0
    if not links and not (f.alone >> q) & 1:
        return
    while left:
        left &= left - 1
        count += 1
    if count > FACTORS_ALONE:
        apply_hub(s, d, q)
    elif (f.alone >> q) & 1:
        phase_under(s, d, BIT << q, BIT << q, f.of[q])
    f.alone &= ~(BIT << q)
    if not links:
        return
    for r in range(d.num_qubits):
        if (links >> r) & 1:
            if count <= FACTORS_ALONE:
                phase_under(s, d, BIT << q | BIT << r, BIT << q | BIT << r,
                            f.both[min(q, r)][max(q, r)])
            f.linked[r] &= ~(BIT << q)
    f.linked[q] = 0
