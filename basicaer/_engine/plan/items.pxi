# Entries to items, and what is made of items before they are scheduled.

cdef Item* new_item(Planner p, int kind) except NULL nogil:
    cdef Item* it = <Item*>grow(&p.items, sizeof(Item))
    memset(it, 0, sizeof(Item))
    it.kind = kind
    it.first_term = it.last_term = -1
    return it


cdef index num_items(Planner p) noexcept nogil:
    return p.items.used // <index>sizeof(Item)


cdef int add_term(Planner p, index item, uint64_t mask, const double* factor) except -1 nogil:
    cdef Term* t
    cdef Item* it
    cdef index at = p.terms.used // <index>sizeof(Term)
    if fabs(factor[0] - 1) < TINY and fabs(factor[1]) < TINY:
        return 0
    if mask == 0:
        zmul(p.scalar, p.scalar, factor)
        return 0
    t = <Term*>grow(&p.terms, sizeof(Term))
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
                it = new_item(p, EXCHANGE if exact_swap(e.m, shape) else TWO)
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


# --- splitting -----------------------------------------------------------------------------

cdef inline bint takes(Planner p, index i, bint split) noexcept nogil:
    """True if item i can be multiplied by any one-qubit matrix at no cost; -1 is no item."""
    cdef Item* it = <Item*>p.items.data + i
    if i < 0:
        return False
    return (it.kind == ONE or it.kind == TWO) and not it.is_real or split and it.kind == WEYL


cdef int split(Planner p) except -1 nogil:
    """Dense items to WEYL, where the items before and after take what is left of them."""
    cdef index i, num = num_items(p)
    cdef index last[64]
    cdef index* near     # the item before on each of two qubits, then those after
    cdef uint64_t mask
    cdef int q, k
    cdef Item* it
    cdef double saved = (p.cost_dense2 - p.cost_weyl) * <double>(BIT << p.num_qubits)
    # Two threads share what is saved, and one of them does the splitting.
    if not p.fusion or saved < 2 * p.split_time:
        return 0
    near = <index*>grow(&p.order, 4 * (num + 1) * sizeof(index))
    for q in range(64):
        last[q] = -1
    for i in range(num):
        it = <Item*>p.items.data + i
        near[4 * i] = last[it.q0]
        near[4 * i + 1] = last[it.q1]
        mask = it.nd | it.dg
        while mask:
            last[lowest(mask)] = i
            mask &= mask - 1
    for q in range(64):
        last[q] = -1
    for i in range(num - 1, -1, -1):
        it = <Item*>p.items.data + i
        near[4 * i + 2] = last[it.q0]
        near[4 * i + 3] = last[it.q1]
        mask = it.nd | it.dg
        while mask:
            last[lowest(mask)] = i
            mask &= mask - 1
    for i in range(num):
        it = <Item*>p.items.data + i
        if (it.kind == TWO and not it.is_real
                and takes(p, near[4 * i], True) and takes(p, near[4 * i + 1], True)
                and takes(p, near[4 * i + 2], False)
                and takes(p, near[4 * i + 3], False)):
            split_item(p, it, near + 4 * i)
    p.order.used = 0
    return 0


cdef void split_item(Planner p, Item* it, const index* near) noexcept nogil:
    cdef double x[16]
    cdef double after[2][8]
    cdef double before[2][8]
    cdef double first[4]
    cdef double last[4]
    cdef double t[2]
    cdef double w[8]
    cdef bint flip
    cdef int side, q
    cdef Item* other
    if not weyl(it.m, after[0], after[1], x, before[0], before[1]):
        return
    for side in range(2):
        q = it.q1 if side else it.q0
        other = <Item*>p.items.data + near[side]
        t[side] = 0
        if other.kind != WEYL:
            multiply_item(other, q, before[side], True)
            continue
        t[side] = euler(before[side], first, last, &flip)
        x_scale(other.m, 1 if other.q1 == q else 0, True, first)
        x_scale(x, side, False, last)
        if flip:
            # N W = W (W^dagger N W): the turn goes on to what comes after.
            x_turn(x, side)
            memset(w, 0, 8 * sizeof(double))
            w[2] = -1
            w[4] = 1
            matmul(after[side], after[side], w, 2)
    for side in range(2):
        q = it.q1 if side else it.q0
        multiply_item(<Item*>p.items.data + near[2 + side], q, after[side], False)
    it.kind = WEYL
    memcpy(it.m, x, 16 * sizeof(double))
    it.m[16] = t[0]
    it.m[17] = t[1]


cdef int fold_scalar(Planner p, bint fresh) except -1 nogil:
    """Puts what multiplies all amplitudes into a matrix that multiplies all of them anyway."""
    cdef index i
    cdef int k, entries
    cdef Item* it
    cdef Item* found = NULL
    if p.scalar[0] == 1 and p.scalar[1] == 0 or fresh:
        return 0
    for i in range(num_items(p)):
        it = <Item*>p.items.data + i
        if it.kind == ONE or it.kind == TWO or it.kind == STEERED:
            if found == NULL or found.is_real and not it.is_real:
                found = it
            if not it.is_real:
                break
    if found == NULL:
        found = new_item(p, CONTROLLED)
        found.dg = 1
        found.m[0] = found.m[6] = 1
        entries = 4
    else:
        entries = 16 if found.kind == TWO else 8 if found.kind == STEERED else 4
        found.is_real = found.is_real and p.scalar[1] == 0
    for k in range(entries):
        zmul(found.m + 2 * k, found.m + 2 * k, p.scalar)
    p.scalar[0] = 1
    p.scalar[1] = 0
    return 0
