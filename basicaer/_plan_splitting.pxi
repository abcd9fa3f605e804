# Items to items: dense ones split.

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
    near = <index*>extend(&p.order, 4 * (num + 1) * sizeof(index))
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
