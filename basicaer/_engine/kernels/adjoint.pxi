# What the adjoint method adds: a sum of Pauli strings applied to a state, and inner products of two
# states under conditions.
#
# Memory: see _kernels.pyx. Several states lie one behind the other in one array, state 0 first.
# Work is handed out in rows, ranges of pairs whose number depends on n alone, so that results do
# not depend on the number of threads.

# --- a sum of Pauli strings --------------------------------------------------------------------
#
# Strings that flip the same qubits x are one family: together they multiply amplitude i by
#
#     f(i) = sum_t w[t] (-1)**|i & z[t]|
#
# and bring it to i ^ x. In a chunk of amplitudes the high bits of i are fixed, so f is the
# Walsh-Hadamard transform of the w[t], each at the low bits of its z[t].

cdef inline void walsh(vec* f, index pairs, int lane_bits) noexcept nogil:
    """Transforms the `pairs` vectors of f, whose index is (pair, lane)."""
    cdef index j, bit = 1, high
    cdef vec u, v, sign = splat(f[0], 1)
    cdef int lane, l, lanes = 1 << lane_bits
    while bit < pairs:
        high = 0
        while high < pairs:
            for j in range(high, high + bit):
                u = f[j]
                v = f[j + bit]
                f[j] = u + v
                f[j + bit] = u - v
            high += 2 * bit
        bit *= 2
    for lane in range(lane_bits):
        for l in range(lanes):
            if vec is vd:
                (<double*>&sign)[l] = -1 if (l >> lane) & 1 else 1
            else:
                (<float*>&sign)[l] = -1 if (l >> lane) & 1 else 1
        for j in range(pairs):
            u = f[j]
            if lane == 0:
                f[j] = sign * u + exchange(u, 0)
            elif lane == 1:
                f[j] = sign * u + exchange(u, 1)
            elif lane == 2:
                f[j] = sign * u + exchange(u, 2)
            else:
                f[j] = sign * u + exchange(u, 3)


cdef inline void family_factors(vec* f, index pairs, int lane_bits, index base,
                                const int64_t* z, const double* w, index num,
                                bint constant) noexcept nogil:
    """f(i) of a chunk whose first pair is `base`; only f[0] is written if it is `constant`."""
    cdef index t, low = (pairs << lane_bits) - 1
    cdef double total = 0, value
    if not constant:
        memset(f, 0, pairs * sizeof(vec))
    for t in range(num):
        value = -w[t] if parity(<uint64_t>((base << lane_bits) & z[t])) else w[t]
        if constant:
            total = total + value
        elif vec is vd:
            (<double*>f)[z[t] & low] += value
        else:
            (<float*>f)[z[t] & low] += <float>value
    if constant:
        f[0] = splat(f[0], total)
    else:
        walsh(f, pairs, lane_bits)


cdef double paulis_chunk(const vec* s, vec* to, index base, index pairs, int lane_bits,
                         const int64_t* x, const int64_t* first, index num_families,
                         const int64_t* z, const double* re, const double* im,
                         vec like) noexcept nogil:
    """A chunk of the sum applied to `s`, written into `to`; its part of the inner product."""
    cdef vec f[CHUNK_PAIRS]
    cdef vec g[CHUNK_PAIRS]
    cdef vec out[2 * CHUNK_PAIRS]
    cdef index k, t, j, source, local
    cdef int x_lane, l
    cdef index low = (pairs << lane_bits) - 1
    cdef bint constant, has_re, has_im
    cdef vec zero = splat(like, 0), ar, ai, br, bi, fr = zero, fi = zero, total = zero
    cdef const vec* p
    cdef double found = 0
    for j in range(2 * pairs):
        out[j] = zero
    for k in range(num_families):
        constant, has_re, has_im = True, False, False
        for t in range(first[k], first[k + 1]):
            constant = constant and (z[t] & low) == 0
            has_re = has_re or re[t] != 0
            has_im = has_im or im[t] != 0
        local = x[k] >> lane_bits
        x_lane = x[k] & ((1 << lane_bits) - 1)
        source = base ^ (local & ~(pairs - 1))
        local &= pairs - 1
        t = first[k]
        if has_re:
            family_factors(f, pairs, lane_bits, source, z + t, re + t, first[k + 1] - t, constant)
        if has_im:
            family_factors(g, pairs, lane_bits, source, z + t, im + t, first[k + 1] - t, constant)
        if constant:
            fr = f[0] if has_re else zero
            fi = g[0] if has_im else zero
        for j in range(pairs):
            p = s + 2 * (source + j)
            if not constant:
                fr = f[j] if has_re else zero
                fi = g[j] if has_im else zero
            ar = p[0]; ai = p[1]
            br = fr * ar
            bi = fr * ai
            if has_im:
                br = br - fi * ai
                bi = bi + fi * ar
            if x_lane & 1:
                br = exchange(br, 0); bi = exchange(bi, 0)
            if x_lane & 2:
                br = exchange(br, 1); bi = exchange(bi, 1)
            if x_lane & 4:
                br = exchange(br, 2); bi = exchange(bi, 2)
            if x_lane & 8:
                br = exchange(br, 3); bi = exchange(bi, 3)
            out[2 * (j ^ local)] = out[2 * (j ^ local)] + br
            out[2 * (j ^ local) + 1] = out[2 * (j ^ local) + 1] + bi
    for j in range(pairs):
        p = s + 2 * (base + j)
        to[2 * (base + j)] = out[2 * j]
        to[2 * (base + j) + 1] = out[2 * j + 1]
        total = total + out[2 * j] * p[0] + out[2 * j + 1] * p[1]
    for l in range(1 << lane_bits):
        if vec is vd:
            found = found + (<double*>&total)[l]
        else:
            found = found + (<float*>&total)[l]
    return found


def apply_paulis(real[::1] states, index size, index which, const int64_t[::1] x,
                 const int64_t[::1] first, const int64_t[::1] z, const double[::1] re,
                 const double[::1] im, double[::1] products, int64_t[::1] sync,
                 int64_t[::1] flags):
    """State `which` = a Hermitian sum of Pauli strings applied to state 0, with other threads.

    Args:
        states: the states, in lane layout, aligned.
        size: reals of a state.
        which: the state that is written.
        x: int64, shape (families,), masks of the qubits that each family flips.
        first: int64, shape (families + 1,): where each family begins in `z`, `re` and `im`.
        z: int64, masks of the qubits whose value is a sign.
        re, im: the factor of each string ``X^x Z^z``.
        products: float64, shape (rows,), rows a power of two: the inner product of both states, of
            each row.
        sync: sync[0] is the next row, 0 at the start, shared by the threads.
        flags: of the job, see `control.Control`.
    """
    cdef int lanes = VD_LANES if real is double else VF_LANES
    cdef int lane_bits = log2_of(lanes)
    cdef index pairs = size // (2 * lanes), rows = products.shape[0], row, base, last
    cdef index count = min(<index>CHUNK_PAIRS, pairs // rows), families = x.shape[0]
    cdef double total
    with nogil:
        while not flags[FLAG_STOP]:
            row = ba_add(&sync[0], 1)
            if row >= rows:
                break
            base = row * (pairs // rows)
            last = base + pairs // rows
            total = 0
            while base < last:
                if real is double:
                    total = total + paulis_chunk(
                        <const vd*>&states[0], <vd*>&states[which * size], base, count, lane_bits,
                        &x[0], &first[0], families, &z[0], &re[0], &im[0], vd_all(0))
                else:
                    total = total + paulis_chunk(
                        <const vf*>&states[0], <vf*>&states[which * size], base, count, lane_bits,
                        &x[0], &first[0], families, &z[0], &re[0], &im[0], vf_all(0))
                base += count
            products[row] = total


# --- inner products under conditions -----------------------------------------------------------
#
#     sum over the amplitudes i that are as the term says of   conj(b[i ^ flip]) a[i]
#
# for a the state 0, b each of the others; a sum for each lane.

cdef enum:
    CROSS_MASK = 0      # bits of the pair number that are fixed, those that are flipped among them
    CROSS_VALUE = 1
    CROSS_FLIP = 2
    CROSS_LANES = 3     # lane bits that are flipped
    CROSS_COLUMNS = 4

cdef enum:
    CROSS_PAIRS = 256   # that are summed in the precision of the states, at most

cdef inline void cross_step(const vec* p, const vec* q, const int lane, int x_lane,
                            vec* rr, vec* ii, vec* ri, vec* ir) noexcept nogil:
    """Adds the products of one pair to four sums. lane: the only one of `x_lane`; -1 none; 4 any"""
    cdef vec br = q[0], bi = q[1]
    if lane == 4:
        if x_lane & 1:
            br = exchange(br, 0); bi = exchange(bi, 0)
        if x_lane & 2:
            br = exchange(br, 1); bi = exchange(bi, 1)
        if x_lane & 4:
            br = exchange(br, 2); bi = exchange(bi, 2)
        if x_lane & 8:
            br = exchange(br, 3); bi = exchange(bi, 3)
    elif lane >= 0:
        br = exchange(br, lane); bi = exchange(bi, lane)
    rr[0] = rr[0] + br * p[0]
    ii[0] = ii[0] + bi * p[1]
    ri[0] = ri[0] + br * p[1]
    ir[0] = ir[0] + bi * p[0]


cdef inline void cross_sum(const vec* a, const vec* b, index count, const int fixed,
                           const int* positions, const int lane, int x_lane,
                           vec* out) noexcept nogil:
    """out = the sum of conj(b) a over the sets of the `fixed` bits; re, im."""
    cdef index j = 0, at
    cdef vec zero = splat(out[0], 0)
    cdef vec rr = zero, ii = zero, ri = zero, ir = zero, RR = zero, II = zero, RI = zero, IR = zero
    while j + 1 < count:
        at = 2 * expand(j, fixed, positions)
        cross_step(a + at, b + at, lane, x_lane, &rr, &ii, &ri, &ir)
        at = 2 * expand(j + 1, fixed, positions)
        cross_step(a + at, b + at, lane, x_lane, &RR, &II, &RI, &IR)
        j += 2
    if j < count:
        at = 2 * expand(j, fixed, positions)
        cross_step(a + at, b + at, lane, x_lane, &rr, &ii, &ri, &ir)
    out[0] = (rr + RR) + (ii + II)
    out[1] = (ri + RI) - (ir + IR)


cdef inline void cross_fixed(const vec* a, const vec* b, index count, int fixed,
                             const int* positions, const int lane, int x_lane,
                             vec* out) noexcept nogil:
    """For 0, 1 or any number of fixed bits."""
    if fixed == 0:
        cross_sum(a, b, count, 0, positions, lane, x_lane, out)
    elif fixed == 1:
        cross_sum(a, b, count, 1, positions, lane, x_lane, out)
    else:
        cross_sum(a, b, count, fixed, positions, lane, x_lane, out)


cdef void cross_block(const vec* a, const vec* b, index base, index block, const int64_t* term,
                      double* to, int lanes, vec like) noexcept nogil:
    """Adds a term's sum over `block` pairs from `base` on to `to`: lanes of re, lanes of im."""
    cdef index low = block - 1, mask = term[CROSS_MASK], value = term[CROSS_VALUE]
    cdef index flip = term[CROSS_FLIP], count
    cdef int positions[MAX_BITS]
    cdef int fixed, l, x_lane = term[CROSS_LANES]
    cdef vec out[2]
    if (base & mask) != (value & ~low):
        return
    fixed = sorted_bits(mask & low, positions)
    count = block >> fixed
    a += 2 * (base + (value & low))
    b += 2 * ((base | (value & low)) ^ flip)
    out[0] = splat(like, 0)
    if x_lane == 0:
        cross_fixed(a, b, count, fixed, positions, -1, 0, out)
    elif x_lane == 1:
        cross_fixed(a, b, count, fixed, positions, 0, 0, out)
    elif x_lane == 2:
        cross_fixed(a, b, count, fixed, positions, 1, 0, out)
    elif x_lane == 4:
        cross_fixed(a, b, count, fixed, positions, 2, 0, out)
    elif x_lane == 8:
        cross_fixed(a, b, count, fixed, positions, 3, 0, out)
    else:
        cross_fixed(a, b, count, fixed, positions, 4, x_lane, out)
    for l in range(lanes):
        if vec is vd:
            to[l] += (<double*>out)[l]
            to[lanes + l] += (<double*>out)[lanes + l]
        else:
            to[l] += (<float*>out)[l]
            to[lanes + l] += (<float*>out)[lanes + l]


def crosses(real[::1] states, index size, const int64_t[:, ::1] terms, double[:, :, :, ::1] out,
            int64_t[::1] sync, int64_t[::1] flags):
    """Adds up inner products of state 0 with other states, together with other threads.

    Args:
        states: the states, in lane layout, aligned.
        size: reals of a state.
        terms: int64, a row each: a mask of bits of the pair number, their value, those of them that
            are flipped, and a mask of the lane bits that are flipped.
        out: float64, zeros, shape (states without the first, rows, terms, 2 * lanes), rows a power
            of two: real parts of the lanes, then imaginary ones, of each row.
        sync: sync[0] is the next row, 0 at the start, shared by the threads.
        flags: of the job, see `control.Control`.
    """
    cdef int lanes = VD_LANES if real is double else VF_LANES
    cdef index pairs = size // (2 * lanes), rows = out.shape[1], row, base, last, t, k
    cdef index block = min(<index>CROSS_PAIRS, pairs // rows), num = terms.shape[0]
    if num == 0:
        return
    with nogil:
        while not flags[FLAG_STOP]:
            row = ba_add(&sync[0], 1)
            if row >= rows:
                break
            base = row * (pairs // rows)
            last = base + pairs // rows
            while base < last and not flags[FLAG_STOP]:
                for k in range(out.shape[0]):
                    for t in range(num):
                        if real is double:
                            cross_block(<const vd*>&states[0], <const vd*>&states[(k + 1) * size],
                                        base, block, &terms[t, 0], &out[k, row, t, 0], lanes,
                                        vd_all(0))
                        else:
                            cross_block(<const vf*>&states[0], <const vf*>&states[(k + 1) * size],
                                        base, block, &terms[t, 0], &out[k, row, t, 0], lanes,
                                        vf_all(0))
                base += block
