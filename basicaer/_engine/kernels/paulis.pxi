# A sum of Pauli strings applied to a state.
#
# Memory: see _kernels.pyx. Strings that flip the same qubits x are one family: together they
# multiply amplitude i by
#
#     f(i) = sum_t w[t] (-1)**|i & z[t]|
#
# and bring it to i ^ x. In a chunk of amplitudes the high bits of i are fixed, so f is the
# Walsh-Hadamard transform of the w[t], each at the low bits of its z[t].
#
# Work is handed out in rows, ranges of pairs whose number depends on n alone, so that results do
# not depend on the number of threads.

cdef inline vec exchange_all(vec x, int mask) noexcept nogil:
    """Lane l of the result is lane ``l ^ mask`` of `x`."""
    if mask & 1:
        x = exchange(x, 0)
    if mask & 2:
        x = exchange(x, 1)
    if mask & 4:
        x = exchange(x, 2)
    if mask & 8:
        x = exchange(x, 3)
    return x


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


cdef enum:
    PLAIN = 32          # families that are added together, at most

cdef inline void add_plain(const vec* s, vec* out, index pairs, const index* sources,
                           const index* locals_, const vec* factors, int num) noexcept nogil:
    """Adds families of which each has one real factor for the chunk and flips no lane."""
    cdef index j
    cdef int k
    cdef vec ar, ai, br, bi, c
    cdef const vec* p
    j = 0
    while j + 1 < pairs:
        ar = out[2 * j]; ai = out[2 * j + 1]; br = out[2 * j + 2]; bi = out[2 * j + 3]
        for k in range(num):
            c = factors[k]
            p = s + 2 * (sources[k] + (j ^ locals_[k]))
            ar = ar + c * p[0]
            ai = ai + c * p[1]
            p = s + 2 * (sources[k] + ((j + 1) ^ locals_[k]))
            br = br + c * p[0]
            bi = bi + c * p[1]
        out[2 * j] = ar; out[2 * j + 1] = ai; out[2 * j + 2] = br; out[2 * j + 3] = bi
        j += 2
    if j < pairs:
        for k in range(num):
            p = s + 2 * (sources[k] + (j ^ locals_[k]))
            out[2 * j] = out[2 * j] + factors[k] * p[0]
            out[2 * j + 1] = out[2 * j + 1] + factors[k] * p[1]


cdef inline void add_family(const vec* s, vec* out, index pairs, index source, index local,
                            int x_lane, const vec* f, const vec* g, bint has_re, bint has_im,
                            bint constant) noexcept nogil:
    """Adds a family whose factors are f + i g; either may be missing."""
    cdef index j
    cdef vec ar, ai, br, bi, fr, fi
    cdef const vec* p
    fr = fi = splat(s[0], 0)
    for j in range(pairs):
        p = s + 2 * (source + j)
        if has_re:
            fr = f[0] if constant else f[j]
        if has_im:
            fi = g[0] if constant else g[j]
        ar = p[0]; ai = p[1]
        br = fr * ar
        bi = fr * ai
        if has_im:
            br = br - fi * ai
            bi = bi + fi * ar
        br = exchange_all(br, x_lane); bi = exchange_all(bi, x_lane)
        out[2 * (j ^ local)] = out[2 * (j ^ local)] + br
        out[2 * (j ^ local) + 1] = out[2 * (j ^ local) + 1] + bi


cdef double paulis_chunk(const vec* s, vec* to, index base, index pairs, int lane_bits,
                         const int64_t* x, const int64_t* first, index num_families,
                         const int64_t* z, const double* re, const double* im,
                         vec like) noexcept nogil:
    """A chunk of the sum applied to `s`, written into `to`; its part of the inner product."""
    cdef vec f[CHUNK_PAIRS]
    cdef vec g[CHUNK_PAIRS]
    cdef vec out[2 * CHUNK_PAIRS]
    cdef vec factors[PLAIN]
    cdef index sources[PLAIN]
    cdef index locals_[PLAIN]
    cdef index k, t, j, source, local
    cdef int x_lane, l, plain = 0
    cdef index low = (pairs << lane_bits) - 1
    cdef bint constant, has_re, has_im
    cdef vec zero = splat(like, 0), total = zero
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
        if constant and not has_im and x_lane == 0:
            if has_re:
                factors[plain] = f[0]
                sources[plain] = source
                locals_[plain] = local
                plain += 1
            if plain == PLAIN:
                add_plain(s, out, pairs, sources, locals_, factors, plain)
                plain = 0
        elif has_im:
            add_family(s, out, pairs, source, local, x_lane, f, g, has_re, True, constant)
        elif has_re:
            add_family(s, out, pairs, source, local, x_lane, f, g, True, False, constant)
    add_plain(s, out, pairs, sources, locals_, factors, plain)
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
