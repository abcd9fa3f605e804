# What the adjoint method adds: inner products of two states under conditions, and the way back.
#
# Memory: see _kernels.pyx. Several states lie one behind the other in one array. State 0 is a, one
# of the others b. A term is a sum over the amplitudes i of a set, lane by lane:
#
#     CROSS_ANY       conj(b[i ^ flip]) a[i]
#     CROSS_DIAGONAL  the imaginary part of that for flip = 0
#     CROSS_MIXED     for i' = i ^ flip, no lane flipped: conj(b[i]) a[i'] - b[i'] conj(a[i])
#     CROSS_QUBIT     the same, and in the term that follows the imaginary part of conj(b[i']) a[i']
#
# The latter three are all that matters where generators are anti-Hermitian: instead of M, its
# anti-Hermitian part M - M^H.

cdef enum:
    CROSS_KIND = 0
    CROSS_MASK = 1      # bits of the pair number that are fixed, those that are flipped among them
    CROSS_VALUE = 2
    CROSS_FLIP = 3
    CROSS_LANES = 4     # lane bits that are flipped
    CROSS_COLUMNS = 5

cdef enum:
    CROSS_ANY = 0
    CROSS_DIAGONAL = 1
    CROSS_QUBIT = 2
    CROSS_MIXED = 3
    CROSS_NONE = 4          # the place of a second sum

cdef enum:
    CROSS_PAIRS = 128   # that are summed in the precision of the states, at most

CROSS_KINDS = {
    "any": CROSS_ANY,
    "diagonal": CROSS_DIAGONAL,
    "qubit": CROSS_QUBIT,
    "mixed": CROSS_MIXED,
    "none": CROSS_NONE,
}

cdef inline void cross_step(const vec* p, const vec* q, const int lane, int x_lane,
                            vec* rr, vec* ii, vec* ri, vec* ir) noexcept nogil:
    """Adds the products of one pair to four sums. lane: the only one of `x_lane`; -1 none; 4 any"""
    cdef vec br = q[0], bi = q[1]
    if lane == 4:
        br = exchange_all(br, x_lane); bi = exchange_all(bi, x_lane)
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


cdef inline void cross_qubit(const vec* a, const vec* b, index count, const int fixed,
                             const int* positions, index stride, const bint both,
                             vec* out) noexcept nogil:
    """out = the sums of CROSS_QUBIT, i' = i + stride: re and im, and the second if `both`."""
    cdef index j, at
    cdef vec zero = splat(out[0], 0)
    cdef vec r0 = zero, r1 = zero, r2 = zero, r3 = zero
    cdef vec i0 = zero, i1 = zero, i2 = zero, i3 = zero, d0 = zero, d1 = zero
    cdef vec ar, ai, Ar, Ai, br, bi, Br, Bi
    for j in range(count):
        at = 2 * expand(j, fixed, positions)
        ar = a[at]; ai = a[at + 1]
        br = b[at]; bi = b[at + 1]
        at += 2 * stride
        Ar = a[at]; Ai = a[at + 1]
        Br = b[at]; Bi = b[at + 1]
        r0 = r0 + br * Ar
        r1 = r1 + bi * Ai
        r2 = r2 + Br * ar
        r3 = r3 + Bi * ai
        i0 = i0 + br * Ai
        i1 = i1 + bi * Ar
        i2 = i2 + Bi * ar
        i3 = i3 + Br * ai
        if both:
            d0 = d0 + Br * Ai
            d1 = d1 + Bi * Ar
    out[0] = (r0 + r1) - (r2 + r3)
    out[1] = (i0 - i1) - (i2 - i3)
    out[3] = d0 - d1


cdef inline void cross_qubit_of(const vec* a, const vec* b, index count, int fixed,
                                const int* positions, index stride, bint both,
                                vec* out) noexcept nogil:
    """For 0, 1 or any number of fixed bits."""
    if both:
        if fixed == 0:
            cross_qubit(a, b, count, 0, positions, stride, True, out)
        elif fixed == 1:
            cross_qubit(a, b, count, 1, positions, stride, True, out)
        else:
            cross_qubit(a, b, count, fixed, positions, stride, True, out)
    elif fixed == 0:
        cross_qubit(a, b, count, 0, positions, stride, False, out)
    elif fixed == 1:
        cross_qubit(a, b, count, 1, positions, stride, False, out)
    else:
        cross_qubit(a, b, count, fixed, positions, stride, False, out)


cdef inline void masked_sum(const vec* w, index count, const int fixed, const int* positions,
                            vec* out) noexcept nogil:
    """out = the sum of w over the sets of the `fixed` bits."""
    cdef index j = 0
    cdef vec zero = splat(out[0], 0), s0 = zero, s1 = zero, s2 = zero, s3 = zero
    while j + 3 < count:
        s0 = s0 + w[expand(j, fixed, positions)]
        s1 = s1 + w[expand(j + 1, fixed, positions)]
        s2 = s2 + w[expand(j + 2, fixed, positions)]
        s3 = s3 + w[expand(j + 3, fixed, positions)]
        j += 4
    while j < count:
        s0 = s0 + w[expand(j, fixed, positions)]
        j += 1
    out[0] = (s0 + s1) + (s2 + s3)


cdef inline void add_lanes(double* to, const vec* v, int lanes) noexcept nogil:
    cdef int l
    for l in range(lanes):
        if vec is vd:
            to[l] += (<const double*>v)[l]
        else:
            to[l] += (<const float*>v)[l]


cdef void cross_block(const vec* a, const vec* b, index base, index block, const int64_t* term,
                      double* to, int lanes, const vec* w) noexcept nogil:
    """Adds a term's sum over `block` pairs from `base` on to `to`: lanes of re, lanes of im.

    w: the imaginary parts of conj(b) a of the block.
    """
    cdef index low = block - 1, mask = term[CROSS_MASK], value = term[CROSS_VALUE]
    cdef index flip = term[CROSS_FLIP], count, at
    cdef int positions[MAX_BITS]
    cdef int fixed, kind = term[CROSS_KIND], x_lane = term[CROSS_LANES]
    cdef vec out[4]
    if kind == CROSS_NONE or (base & mask) != (value & ~low):
        return
    out[0] = splat(a[0], 0)
    fixed = sorted_bits(mask & low, positions)
    if kind == CROSS_QUBIT or kind == CROSS_MIXED:
        at = base + (value & low)
        cross_qubit_of(a + 2 * at, b + 2 * at, block >> fixed, fixed, positions,
                       (value ^ flip) - value, kind == CROSS_QUBIT, out)
        add_lanes(to, out, lanes)
        add_lanes(to + lanes, out + 1, lanes)
        if kind == CROSS_QUBIT:
            add_lanes(to + 3 * lanes, out + 3, lanes)
        return
    count = block >> fixed
    if kind == CROSS_DIAGONAL:
        w += value & low
        if fixed == 0:
            masked_sum(w, count, 0, positions, out)
        elif fixed == 1:
            masked_sum(w, count, 1, positions, out)
        elif fixed == 2:
            masked_sum(w, count, 2, positions, out)
        else:
            masked_sum(w, count, fixed, positions, out)
        add_lanes(to + lanes, out, lanes)
        return
    a += 2 * (base + (value & low))
    b += 2 * ((base | (value & low)) ^ flip)
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
    add_lanes(to, out, lanes)
    add_lanes(to + lanes, out + 1, lanes)


cdef void cross_row(const vec* a, const vec* b, index base, index last, index block,
                    const int64_t* terms, index num, double* to, int lanes, bint diagonal,
                    const int64_t* flags) noexcept nogil:
    """Adds all terms of the pairs from `base` to `last`; `diagonal`: some term is."""
    cdef vec w[CROSS_PAIRS]
    cdef index j, t
    cdef const vec* p
    cdef const vec* q
    while base < last and not flags[FLAG_STOP]:
        if diagonal:
            p = a + 2 * base
            q = b + 2 * base
            for j in range(block):
                w[j] = q[2 * j] * p[2 * j + 1] - q[2 * j + 1] * p[2 * j]
        for t in range(num):
            cross_block(a, b, base, block, terms + t * CROSS_COLUMNS, to + t * 2 * lanes, lanes, w)
        base += block


cdef void cross_all(const vec* states, index size, index num_states, const int64_t* terms,
                    index num, double* out, index stride, index num_rows, int lanes,
                    int64_t* sync, int64_t* flags) noexcept nogil:
    """Adds up the terms of a cut, together with the other threads that do.

    ``sync[0]`` is the next row, ``sync[1]`` the number of finished ones; all threads wait for them.
    out: of the first term; a row is `stride` doubles, a state `num_rows` rows.
    """
    cdef index pairs = size // (2 * lanes), count = pairs // num_rows, row, k, t
    cdef index block = min(<index>CROSS_PAIRS, count)
    cdef bint diagonal = False
    cdef int spins = 0
    for t in range(num):
        diagonal = diagonal or terms[t * CROSS_COLUMNS + CROSS_KIND] == CROSS_DIAGONAL
    while True:
        row = ba_add(sync, 1)
        if row >= num_rows or flags[FLAG_STOP]:
            break
        for k in range(1, num_states):
            cross_row(states, states + k * (size // lanes), row * count, (row + 1) * count, block,
                      terms, num, out + ((k - 1) * num_rows + row) * stride, lanes, diagonal, flags)
        ba_add(sync + 1, 1)
    while ba_load(sync + 1) < num_rows and not flags[FLAG_STOP]:
        spins += 1
        if spins < 2000:
            BA_PAUSE()
        else:
            BA_YIELD()


cdef void take_back_all(Executable e, vec* states, index size, index num_states,
                        const vec* coefficients, int lanes, const int64_t* ends,
                        const int64_t* term_ends, index num_cuts, const int64_t* terms,
                        double* out, index num_terms, index num_rows, int64_t* sync,
                        int64_t* cut_sync, int64_t* flags, vec* scratch) noexcept nogil:
    """See `take_back`."""
    cdef index cut, passed = 0, first = 0
    for cut in range(num_cuts):
        if ends[cut] > passed:
            apply_passes(states, &e.passes[0, 0] + passed * PASS_COLUMNS, ends[cut] - passed,
                         &e.ops[0, 0], coefficients, lanes, log2_of(lanes), &e.lists[0],
                         sync + 2 * passed, flags, scratch, <int64_t*>(scratch + 2 * e.room),
                         scratch + 2 * e.room + 1
                         + e.room * <index>sizeof(int64_t) // <index>sizeof(vec), False)
            passed = ends[cut]
        if term_ends[cut] > first:
            cross_all(states, size, num_states, terms + first * CROSS_COLUMNS,
                      term_ends[cut] - first, out + first * 2 * lanes, num_terms * 2 * lanes,
                      num_rows, lanes, cut_sync + 2 * cut, flags)
            first = term_ends[cut]
        if flags[FLAG_STOP]:
            return


def take_back(Executable plan, states, index size, const int64_t[::1] ends,
              const int64_t[::1] term_ends, const int64_t[:, ::1] terms,
              double[:, :, :, ::1] out, int64_t[::1] sync, int64_t[::1] cut_sync,
              int64_t[::1] flags):
    """Applies a plan with cuts to all states, adding up inner products of state 0 with the others.

    Called by several threads at once, they share the work.

    Args:
        plan: of the inverse gates, for all states as one.
        states: the states, in lane layout, aligned, of the precision of the plan.
        size: reals of a state.
        ends: int64, shape (cuts,): passes in front of each cut.
        term_ends: int64, shape (cuts,): terms up to the end of each cut.
        terms: int64, a row each, see the CROSS_ columns.
        out: float64, zeros, shape (states without the first, rows, terms, 2 * lanes), rows a power
            of two: real parts of the lanes, then imaginary ones, of each row.
        sync, cut_sync: int64, two for each pass and two for each cut, zeros at the start; shared by
            the threads.
        flags: of the job, see `control.Control`.

    Raises:
        MemoryError: if there is none left for this thread's scratch.
    """
    cdef double[::1] doubles
    cdef float[::1] floats
    cdef index num_states = out.shape[0] + 1, cuts = ends.shape[0]
    cdef const int64_t* first_term = &terms[0, 0] if terms.shape[0] else NULL
    cdef double* first_out = &out[0, 0, 0, 0] if terms.shape[0] else NULL
    cdef char* scratch
    if plan.single:
        floats = states
    else:
        doubles = states
    scratch = <char*>malloc(plan.scratch_bytes + 64)
    if scratch == NULL:
        raise MemoryError("no memory left for a thread's scratch")
    with nogil:
        if plan.single:
            take_back_all[vf](plan, <vf*>&floats[0], size, num_states,
                              <const vf*>&plan.floats[0], VF_LANES, &ends[0], &term_ends[0], cuts,
                              first_term, first_out, terms.shape[0], out.shape[1], &sync[0],
                              &cut_sync[0], &flags[0], <vf*>align(scratch))
        else:
            take_back_all[vd](plan, <vd*>&doubles[0], size, num_states,
                              <const vd*>&plan.doubles[0], VD_LANES, &ends[0], &term_ends[0], cuts,
                              first_term, first_out, terms.shape[0], out.shape[1], &sync[0],
                              &cut_sync[0], &flags[0], <vd*>align(scratch))
        free(scratch)
