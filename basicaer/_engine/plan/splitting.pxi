# Stage 3 of 6: dense two-qubit items are split, the scalar finds a place.
#
# Takes   `items`, `scalar`.
# Leaves  `items`, some of them of other kinds or with other matrices; `scalar`, which is 1 from
#         here on unless the state is a fresh one.
#
# In a large state a dense 4x4 matrix between others is written as a cheaper item, WEYL, and as 2x2
# matrices on both sides of it that are multiplied into its neighbours (weyl.pxi). Where these are
# split as well, what is left between two of them is one real rotation, which is part of a WEYL.

cdef void multiply_item(Item* it, int q, const double* gate, bint left) noexcept nogil:
    """Multiplies the matrix of an item, ONE_QUBIT or TWO_QUBIT, by a 2x2 matrix on its qubit q."""
    if it.kind == ONE_QUBIT:
        if left:
            matmul(it.m, gate, it.m, 2)
        else:
            matmul(it.m, it.m, gate, 2)
    elif left:
        mul_left(it.m, gate, 1 if it.q1 == q else 0)
    else:
        mul_right(it.m, gate, 1 if it.q1 == q else 0)


cdef inline bint absorbs(Planner p, index i, bint first) noexcept nogil:
    """True if item i, -1 for none, can be multiplied by any 2x2 matrix at no cost.

    A WEYL can if it is the `first` of the two.
    """
    cdef Item* it = <Item*>p.items.data + i
    if i < 0:
        return False
    return ((it.kind == ONE_QUBIT or it.kind == TWO_QUBIT) and not it.is_real
            or first and it.kind == WEYL)


cdef int split_dense(Planner p) except -1 nogil:
    """Dense items to WEYL, where the items before and after take what is left of them."""
    cdef index i, num = num_items(p)
    cdef index last[MAX_BITS]
    cdef index* near     # of each item: the one before it on each of two qubits, then those after
    cdef uint64_t mask
    cdef int q
    cdef Item* it
    cdef double saved = (p.cost_dense2 - p.cost_weyl) * <double>(BIT << p.num_qubits)
    # Two threads share what is saved, and one of them does the splitting.
    if not p.fusion or saved < 2 * p.split_time:
        return 0
    near = <index*>extend(&p.order, 4 * (num + 1) * sizeof(index))
    for q in range(MAX_BITS):
        last[q] = -1
    for i in range(num):
        it = <Item*>p.items.data + i
        near[4 * i] = last[it.q0]
        near[4 * i + 1] = last[it.q1]
        mask = it.mixed | it.diagonal
        while mask:
            last[lowest(mask)] = i
            mask &= mask - 1
    for q in range(MAX_BITS):
        last[q] = -1
    for i in range(num - 1, -1, -1):
        it = <Item*>p.items.data + i
        near[4 * i + 2] = last[it.q0]
        near[4 * i + 3] = last[it.q1]
        mask = it.mixed | it.diagonal
        while mask:
            last[lowest(mask)] = i
            mask &= mask - 1
    for i in range(num):
        it = <Item*>p.items.data + i
        if (it.kind == TWO_QUBIT and not it.is_real
                and absorbs(p, near[4 * i], True) and absorbs(p, near[4 * i + 1], True)
                and absorbs(p, near[4 * i + 2], False)
                and absorbs(p, near[4 * i + 3], False)):
            split_item(p, it, near + 4 * i)
    p.order.used = 0
    return 0


cdef void split_item(Planner p, Item* it, const index* near) noexcept nogil:
    """Splits one; `near` has the item before on each of its qubits, and then those after."""
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
        if it.kind == ONE_QUBIT or it.kind == TWO_QUBIT or it.kind == STEERED:
            if found == NULL or found.is_real and not it.is_real:
                found = it
            if not it.is_real:
                break
    if found == NULL:
        found = new_item(p, CONTROLLED)
        found.diagonal = 1
        found.m[0] = found.m[6] = 1
        entries = 4
    else:
        entries = 16 if found.kind == TWO_QUBIT else 8 if found.kind == STEERED else 4
        found.is_real = found.is_real and p.scalar[1] == 0
    for k in range(entries):
        zmul(found.m + 2 * k, found.m + 2 * k, p.scalar)
    p.scalar[0] = 1
    p.scalar[1] = 0
    return 0
