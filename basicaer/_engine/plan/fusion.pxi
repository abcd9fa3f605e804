# Gates to entries.

# --- costs ---------------------------------------------------------------------------------

cdef double cost1(Planner p, int pattern, bint is_real) noexcept nogil:
    if pattern & ~DIAGONAL2 == 0:
        return p.cost_diagonal
    if pattern & ~FLIP2 == 0 and is_real:
        return p.cost_move
    return p.cost_real1 if is_real else p.cost_dense1


cdef double cost2(Planner p, int pattern, bint is_real) noexcept nogil:
    if pattern & ~DIAGONAL4 == 0:
        return p.cost_diagonal
    if pattern & ~STEERED_BY_1 == 0 or pattern & ~STEERED_BY_0 == 0:
        if is_real and is_monomial4(pattern):
            return p.cost_move
        return p.cost_real1 if is_real else p.cost_dense1
    return p.cost_real2 if is_real else p.cost_dense2


cdef double entry_cost(Planner p, int pattern, bint is_real, int pre_a, bint real_a, int pre_b,
                       bint real_b, int* choice) noexcept nogil:
    """The least cost of a core and the matrices in front of it (pattern 0: none).

    Bit 0 of `choice` is set if the one on the first qubit belongs into the core, bit 1 for the
    second.
    """
    cdef double best = 1e300, cost
    cdef int take, shape
    cdef bint r
    for take in range(4):
        if take & 1 and pre_a == 0 or take & 2 and pre_b == 0:
            continue
        shape = pattern
        r = is_real
        cost = 0
        if take & 1:
            shape = pattern_mul4(shape, pattern_embed(pre_a, 0))
            r = r and real_a
        elif pre_a:
            cost += cost1(p, pre_a, real_a)
        if take & 2:
            shape = pattern_mul4(shape, pattern_embed(pre_b, 1))
            r = r and real_b
        elif pre_b:
            cost += cost1(p, pre_b, real_b)
        cost += cost2(p, shape, r)
        if cost <= best + 1e-9:
            best = cost if cost < best else best
            choice[0] = take
    return best


# --- fusion --------------------------------------------------------------------------------

cdef Entry* new_entry(Planner p, int kind) except NULL nogil:
    cdef Entry* e = <Entry*>grow(&p.entries, sizeof(Entry))
    memset(e, 0, sizeof(Entry))
    e.kind = kind
    return e


cdef index num_entries(Planner p) noexcept nogil:
    return p.entries.used // <index>sizeof(Entry)


cdef int flush_one(Planner p, int q) except -1 nogil:
    """Makes an entry of what is pending on `q`."""
    cdef Entry* e
    if p.one[q].has:
        e = new_entry(p, ONE)
        e.a = q
        e.pattern = p.one[q].pattern
        e.is_real = p.one[q].is_real
        memcpy(e.m, p.one[q].m, 8 * sizeof(double))
        p.one[q].has = False
    return 0


cdef int close(Planner p, int q) except -1 nogil:
    flush_one(p, q)
    p.open_[q] = -1
    return 0


cdef int place1(Planner p, int q, const double* m, int pattern, bint is_real) except -1 nogil:
    """A one-qubit gate."""
    cdef Pending* one = &p.one[q]
    cdef Entry* e
    cdef int side, merged, choice
    cdef bint real_merged
    cdef double now, alone
    if not (p.touched >> q) & 1 and pattern & ~DIAGONAL2 == 0:
        zmul(p.scalar, p.scalar, m)
        return 0
    if one.has:
        matmul(one.m, m, one.m, 2)
        one.pattern = pattern_mul2(pattern, one.pattern)
        one.is_real = one.is_real and is_real
    else:
        one.has = True
        one.pattern = pattern
        one.is_real = is_real
        memcpy(one.m, m, 8 * sizeof(double))
    if pattern & ~DIAGONAL2:
        p.touched |= BIT << q
    if not p.fusion:
        return close(p, q)
    if p.open_[q] >= 0:
        e = <Entry*>p.entries.data + p.open_[q]
        side = 0 if e.a == q else 1
        merged = pattern_mul4(pattern_embed(one.pattern, side), e.pattern)
        real_merged = e.is_real and one.is_real
        now = entry_cost(p, merged, real_merged, e.pre_pattern_a, e.pre_real_a,
                         e.pre_pattern_b, e.pre_real_b, &choice)
        alone = cost1(p, one.pattern, one.is_real) + entry_cost(
            p, e.pattern, e.is_real, e.pre_pattern_a, e.pre_real_a, e.pre_pattern_b, e.pre_real_b,
            &choice)
        if now < alone - 1e-9:
            mul_left(e.m, one.m, side)
            e.pattern = merged
            e.is_real = real_merged
            one.has = False
    return 0


cdef int place2(Planner p, int a, int b, double* m, int pattern, bint is_real) except -1 nogil:
    """A gate on the qubits a < b, the first the least significant bit of the 4x4 matrix."""
    cdef Entry* e
    cdef int merged, ones = DIAGONAL4, choice, i
    cdef bint real_merged, real_ones = True
    cdef double together, apart
    cdef double small[8]
    cdef Pending* pa = &p.one[a]
    cdef Pending* pb = &p.one[b]
    # A qubit still in |0> that is only a control says which block counts.
    if not (p.touched >> b) & 1 and pattern & ~STEERED_BY_1 == 0:
        for i in range(2):
            memcpy(small + 4 * i, m + 8 * i, 4 * sizeof(double))
        return place1(p, a, small, (pattern & 3) | (pattern >> 4 & 3) << 2, is_real)
    if not (p.touched >> a) & 1 and pattern & ~STEERED_BY_0 == 0:
        for i in range(2):
            memcpy(small + 4 * i, m + 16 * i, 2 * sizeof(double))
            memcpy(small + 4 * i + 2, m + 16 * i + 4, 2 * sizeof(double))
        return place1(
            p, b, small,
            (pattern & 1) | (pattern >> 2 & 1) << 1 | (pattern >> 8 & 1) << 2
            | (pattern >> 10 & 1) << 3,
            is_real)
    if pattern & ~STEERED_BY_1:
        p.touched |= BIT << b
    if pattern & ~STEERED_BY_0:
        p.touched |= BIT << a
    if p.fusion and p.open_[a] >= 0 and p.open_[a] == p.open_[b]:
        e = <Entry*>p.entries.data + p.open_[a]
        if pa.has:
            ones = pattern_mul4(pattern_embed(pa.pattern, 0), ones)
            real_ones = real_ones and pa.is_real
        if pb.has:
            ones = pattern_mul4(pattern_embed(pb.pattern, 1), ones)
            real_ones = real_ones and pb.is_real
        merged = pattern_mul4(pattern_mul4(pattern, ones), e.pattern)
        real_merged = is_real and real_ones and e.is_real
        together = entry_cost(p, merged, real_merged, e.pre_pattern_a, e.pre_real_a,
                              e.pre_pattern_b, e.pre_real_b, &choice)
        apart = entry_cost(p, e.pattern, e.is_real, e.pre_pattern_a, e.pre_real_a,
                           e.pre_pattern_b, e.pre_real_b, &choice)
        apart += entry_cost(p, pattern, is_real, pa.pattern if pa.has else 0, pa.is_real,
                            pb.pattern if pb.has else 0, pb.is_real, &choice)
        if together <= apart + 1e-9:
            if pa.has:
                mul_left(e.m, pa.m, 0)
                pa.has = False
            if pb.has:
                mul_left(e.m, pb.m, 1)
                pb.has = False
            matmul(e.m, m, e.m, 4)
            e.pattern = merged
            e.is_real = real_merged
            return 0
    e = new_entry(p, TWO)
    e.a = a
    e.b = b
    e.pattern = pattern
    e.is_real = is_real
    memcpy(e.m, m, 32 * sizeof(double))
    if pa.has:
        e.has_pre_a = True
        e.pre_pattern_a = pa.pattern
        e.pre_real_a = pa.is_real
        memcpy(e.pre_a, pa.m, 8 * sizeof(double))
        pa.has = False
    if pb.has:
        e.has_pre_b = True
        e.pre_pattern_b = pb.pattern
        e.pre_real_b = pb.is_real
        memcpy(e.pre_b, pb.m, 8 * sizeof(double))
        pb.has = False
    p.open_[a] = p.open_[b] = num_entries(p) - 1 if p.fusion else -1
    return 0


cdef int place_gate(Planner p, index g) except -1 nogil:
    """Sorts gate g by its width and form."""
    cdef const int64_t* row = p.kinds + KIND_COLUMNS * p.kind[g]
    cdef int form = row[KIND_FORM], k = row[KIND_TARGETS], controls = row[KIND_CONTROLS]
    cdef int64_t state = row[KIND_STATE]
    cdef int pattern = row[KIND_PATTERN]
    cdef bint is_real = row[KIND_REAL]
    cdef const int32_t* given = p.qubits + p.start[g]
    cdef const double* c = p.coefficients + 2 * p.offset[g]
    cdef int total = k + controls, i, j, r, a, b
    cdef double m[32]
    cdef uint64_t mask = 0, value = 0
    cdef Entry* e
    if total == 0:
        zmul(p.scalar, p.scalar, c)
        return 0
    if total > 2:
        return place_wide(p, g, form, k, controls, state, given, c, is_real)
    memset(m, 0, 32 * sizeof(double))
    a = given[0]
    if total == 1:
        if form == 1:
            memcpy(m, c, 2 * sizeof(double))
            memcpy(m + 6, c + 2, 2 * sizeof(double))
            pattern = DIAGONAL2
        else:
            memcpy(m, c, 8 * sizeof(double))
            pattern &= ALL2
        return place1(p, a, m, pattern, is_real)
    b = given[1]
    if controls == 1:
        # Qubit 0 of the matrix is the control here, qubit 1 the target.
        r = state & 1
        for i in range(2):
            m[2 * (4 * (2 * i + 1 - r) + 2 * i + 1 - r)] = 1
        if form == 1:
            for i in range(2):
                memcpy(m + 2 * (4 * (2 * i + r) + 2 * i + r), c + 2 * i, 2 * sizeof(double))
            pattern = DIAGONAL4
        else:
            j = pattern & ALL2
            pattern = 0
            for i in range(2):
                pattern |= 1 << (4 * (2 * i + 1 - r) + 2 * i + 1 - r)
            for i in range(4):
                memcpy(m + 2 * (4 * (2 * (i >> 1) + r) + 2 * (i & 1) + r), c + 2 * i,
                       2 * sizeof(double))
                if (j >> i) & 1:
                    pattern |= 1 << (4 * (2 * (i >> 1) + r) + 2 * (i & 1) + r)
    elif form == 1:
        for i in range(4):
            memcpy(m + 2 * (5 * i), c + 2 * i, 2 * sizeof(double))
        pattern = DIAGONAL4
    else:
        memcpy(m, c, 32 * sizeof(double))
        pattern &= ALL4
    if a > b:
        exchange_qubits(m)
        pattern = pattern_exchange(pattern)
        a, b = b, a
    return place2(p, a, b, m, pattern, is_real)


cdef int place_wide(Planner p, index g, int form, int k, int controls, int64_t state,
                    const int32_t* given, const double* c, bint is_real) except -1 nogil:
    """A gate on more than two qubits, controls counted."""
    cdef uint64_t mask = 0, value = 0, targets = 0
    cdef int i, q
    cdef Entry* e
    for i in range(controls):
        q = given[i]
        mask |= BIT << q
        if (state >> i) & 1:
            value |= BIT << q
    if mask & value & ~p.touched:
        return 0          # a control that is still |0>
    mask &= p.touched  # those that are |0> and should be are no controls
    for i in range(k):
        targets |= BIT << given[controls + i]
    for i in range(controls + k):
        close(p, given[i])
    if k == 1:
        e = new_entry(p, CONTROLLED)
        e.a = given[controls]
        if form == 1:
            memcpy(e.m, c, 2 * sizeof(double))
            memcpy(e.m + 6, c + 2, 2 * sizeof(double))
            e.pattern = DIAGONAL2
        else:
            memcpy(e.m, c, 8 * sizeof(double))
            e.pattern = ALL2
    else:
        e = new_entry(p, TABLE if form == 1 else BIG)
    e.gate = g
    e.is_real = is_real
    e.control = mask
    e.control_value = value
    if form != 1:
        p.touched |= targets
    return 0


cdef bint is_swap(Planner p, index g) noexcept nogil:
    """True for an uncontrolled swap, told by its matrix."""
    cdef const int64_t* row = p.kinds + KIND_COLUMNS * p.kind[g]
    cdef const double* c
    cdef int i
    if row[KIND_FORM] != 0 or row[KIND_TARGETS] != 2 or row[KIND_CONTROLS] != 0:
        return False
    if row[KIND_PATTERN] != 0x8241:
        return False
    c = p.coefficients + 2 * p.offset[g]
    for i in range(4):
        if c[2 * (4 * i + (0 if i == 0 else 3 if i == 3 else 3 - i))] != 1:
            return False
    return True


cdef int fuse(Planner p, bint fresh) except -1 nogil:
    """Gates to entries.

    On a fresh state swaps cost nothing: read from the back, a swap renames all that comes
    before it, and |0...0> looks the same under any name.
    """
    cdef index g, num = p.num_gates
    cdef int q, i, swap
    cdef int32_t* named
    cdef bint any_swap = False
    for q in range(64):
        p.open_[q] = -1
        p.one[q].has = False
        p.wire[q] = q
    for g in range(num):
        if is_swap(p, g):
            any_swap = True
            break
    if any_swap and fresh and p.fusion:
        named = <int32_t*>grow(&p.renamed, p.start[num] * <index>sizeof(int32_t))
        for g in range(num - 1, -1, -1):
            for i in range(p.start[g], p.start[g + 1]):
                named[i] = p.wire[p.qubits[i]]
            if is_swap(p, g):
                q = p.qubits[p.start[g]]
                i = p.qubits[p.start[g] + 1]
                swap = p.wire[q]
                p.wire[q] = p.wire[i]
                p.wire[i] = swap
        p.qubits = named
        for g in range(num):
            if not is_swap(p, g):
                place_gate(p, g)
    else:
        for g in range(num):
            place_gate(p, g)
    for q in range(p.num_qubits):
        close(p, q)
    return 0
