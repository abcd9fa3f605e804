# Entries to items, and what is made of items before they are scheduled.

cdef Item* new_item(Planner p, int kind) except NULL nogil:
    cdef Item* it = <Item*>extend(&p.items, sizeof(Item))
    memset(it, 0, sizeof(Item))
    it.kind = kind
    it.first_term = it.last_term = -1
    return it


cdef index num_items(Planner p) noexcept nogil:
    return count_of(&p.items, sizeof(Item))


cdef int add_term(Planner p, index item, uint64_t mask, const double* factor) except -1 nogil:
    cdef Term* t
    cdef Item* it
    cdef index at = count_of(&p.terms, sizeof(Term))
    if fabs(factor[0] - 1) < TINY and fabs(factor[1]) < TINY:
        return 0
    if mask == 0:
        zmul(p.scalar, p.scalar, factor)
        return 0
    t = <Term*>extend(&p.terms, sizeof(Term))
    t.mask = mask
    t.re = factor[0]
    t.im = factor[1]
    t.next = -1
    it = <Item*>p.items.data + item
    if it.first_term < 0:
        it.first_term = at
    else:
        (<Term*>p.terms.data + it.last_term).next = at
    it.last_term = at
    it.dg |= mask
    return 0


cdef int emit_phases(Planner p, uint64_t mask, int64_t* last_nd, index* run) except -1 nogil:
    """Makes sure that `run` is a diagonal run that a diagonal on `mask` can join."""
    cdef int q
    if run[0] >= 0 and p.fusion:
        for q in range(p.num_qubits):
            if (mask >> q) & 1 and last_nd[q] > run[0]:
                break
        else:
            return 0
    new_item(p, PHASES)
    run[0] = num_items(p) - 1
    return 0


cdef int emit_one(Planner p, int q, const double* m, int pattern, bint is_real, int64_t* last_nd,
                  index* run) except -1 nogil:
    cdef Item* it
    cdef double f[2]
    if pattern & ~DIAGONAL2 == 0 and unit(m) and unit(m + 6):
        emit_phases(p, BIT << q, last_nd, run)
        zmul(p.scalar, p.scalar, m)
        zdiv(f, m + 6, m)
        return add_term(p, run[0], BIT << q, f)
    it = new_item(p, ONE)
    it.q0 = q
    it.nd = BIT << q
    it.is_real = is_real
    memcpy(it.m, m, 8 * sizeof(double))
    last_nd[q] = num_items(p) - 1
    p.num_fused += 1
    return 0


cdef int emit(Planner p) except -1 nogil:
    """Entries to items."""
    cdef index i, run = -1
    cdef int64_t last_nd[64]
    cdef int q, choice, shape
    cdef Entry e
    cdef Item* it
    cdef double f[2]
    cdef double g[2]
    cdef bint diagonal
    cdef uint64_t targets
    cdef const int32_t* given
    cdef const int64_t* row
    for q in range(64):
        last_nd[q] = -1
    for i in range(num_entries(p)):
        e = (<Entry*>p.entries.data)[i]
        if e.kind == ONE:
            emit_one(p, e.a, e.m, e.pattern, e.is_real, last_nd, &run)
        elif e.kind == TWO:
            entry_cost(p, e.pattern, e.is_real, e.pre_pattern_a, e.pre_real_a,
                       e.pre_pattern_b, e.pre_real_b, &choice)
            if e.has_pre_a:
                if choice & 1:
                    mul_right(e.m, e.pre_a, 0)
                    e.pattern = pattern_mul4(e.pattern, pattern_embed(e.pre_pattern_a, 0))
                    e.is_real = e.is_real and e.pre_real_a
                else:
                    emit_one(p, e.a, e.pre_a, e.pre_pattern_a, e.pre_real_a, last_nd, &run)
            if e.has_pre_b:
                if choice & 2:
                    mul_right(e.m, e.pre_b, 1)
                    e.pattern = pattern_mul4(e.pattern, pattern_embed(e.pre_pattern_b, 1))
                    e.is_real = e.is_real and e.pre_real_b
                else:
                    emit_one(p, e.b, e.pre_b, e.pre_pattern_b, e.pre_real_b, last_nd, &run)
            shape = e.pattern
            diagonal = shape & ~DIAGONAL4 == 0
            for q in range(4):
                diagonal = diagonal and unit(e.m + 10 * q)
            if diagonal:
                emit_phases(p, BIT << e.a | BIT << e.b, last_nd, &run)
                zmul(p.scalar, p.scalar, e.m)
                zdiv(f, e.m + 10, e.m)
                add_term(p, run, BIT << e.a, f)
                zdiv(f, e.m + 20, e.m)
                add_term(p, run, BIT << e.b, f)
                zdiv(f, e.m + 30, e.m + 10)
                zdiv(g, e.m, e.m + 20)
                zmul(f, f, g)
                add_term(p, run, BIT << e.a | BIT << e.b, f)
                continue
            p.num_fused += 1
            if shape & ~STEERED_BY_1 == 0:
                it = new_item(p, STEERED)
                it.q0 = e.a
                it.q1 = e.b
                for q in range(4):
                    # block of the second qubit's value q >> 1, row q & 1
                    memcpy(it.m + 4 * q, e.m + 2 * (4 * q + 2 * (q >> 1)), 4 * sizeof(double))
            elif shape & ~STEERED_BY_0 == 0:
                exchange_qubits(e.m)
                it = new_item(p, STEERED)
                it.q0 = e.b
                it.q1 = e.a
                for q in range(4):
                    memcpy(it.m + 4 * q, e.m + 2 * (4 * q + 2 * (q >> 1)), 4 * sizeof(double))
            else:
                it = new_item(p, EXCHANGE if is_swap4(e.m, shape) else TWO)
                it.q0 = e.a
                it.q1 = e.b
                memcpy(it.m, e.m, 32 * sizeof(double))
            it.is_real = e.is_real
            it.nd = BIT << it.q0
            if it.kind == STEERED:
                it.dg = BIT << it.q1
            else:
                it.nd |= BIT << it.q1
            last_nd[it.q0] = num_items(p) - 1
            if it.kind != STEERED:
                last_nd[it.q1] = num_items(p) - 1
        elif e.kind == CONTROLLED:
            targets = BIT << e.a
            if e.pattern == DIAGONAL2 and unit(e.m) and unit(e.m + 6):
                if e.control == e.control_value & e.control:
                    emit_phases(p, targets | e.control, last_nd, &run)
                    add_term(p, run, e.control, e.m)
                    zdiv(f, e.m + 6, e.m)
                    add_term(p, run, e.control | targets, f)
                    continue
            p.num_fused += 1
            it = new_item(p, CONTROLLED)
            it.q0 = e.a
            it.is_real = e.is_real
            it.control = e.control
            it.control_value = e.control_value
            it.dg = e.control
            memcpy(it.m, e.m, 8 * sizeof(double))
            if e.pattern == DIAGONAL2:
                it.dg |= targets
            else:
                it.nd = targets
                last_nd[e.a] = num_items(p) - 1
        else:
            p.num_fused += 1
            it = new_item(p, e.kind)
            it.gate = e.gate
            it.is_real = e.is_real
            it.control = e.control
            it.control_value = e.control_value
            it.dg = e.control
            given = p.qubits + p.start[e.gate]
            row = p.kinds + KIND_COLUMNS * p.kind[e.gate]
            targets = 0
            for q in range(<int>row[KIND_TARGETS]):
                targets |= BIT << given[row[KIND_CONTROLS] + q]
            if e.kind == TABLE:
                it.dg |= targets
            else:
                it.nd = targets
                for q in range(p.num_qubits):
                    if (targets >> q) & 1:
                        last_nd[q] = num_items(p) - 1
    return 0


cdef void multiply_item(Item* it, int q, const double* small, bint left) noexcept nogil:
    """Multiplies the matrix of an item, ONE or TWO, by a 2x2 matrix on its qubit q."""
    if it.kind == ONE:
        if left:
            matmul(it.m, small, it.m, 2)
        else:
            matmul(it.m, it.m, small, 2)
    elif left:
        mul_left(it.m, small, 1 if it.q1 == q else 0)
    else:
        mul_right(it.m, small, 1 if it.q1 == q else 0)
