# Stage 3 of 6: dense two-qubit items are split, the scalar finds a place.
#
# Takes   `items`, R_SCALAR.
# Leaves  `items`, some of them of other kinds or with other matrices; R_SCALAR, which is 1 from
#         here on unless the state is a fresh one.
#
# In a large state a dense 4x4 matrix between others is written as a cheaper item, WEYL, and as 2x2
# matrices on both sides of it that are multiplied into its neighbours (weyl.pxi). Where these are
# split as well, what is left between two of them is one real rotation, which is part of a WEYL.

cdef int multiply_item(Planner p, const Item* it, int q, index gate, bint left) except -1 nogil:
    """Multiplies the matrix of an item, ONE_QUBIT or TWO_QUBIT, by a 2x2 matrix on its qubit q."""
    if it.kind == ONE_QUBIT:
        if left:
            return step(p, MATMUL2, it.at, gate, it.at)
        return step(p, MATMUL2, it.at, it.at, gate)
    return step(p, LEFT if left else RIGHT, it.at, gate, 1 if it.q1 == q else 0)


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
    cdef double saved = (p.merging.dense2 - p.cost_weyl) * <double>(BIT << p.num_qubits)
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


cdef int split_item(Planner p, Item* it, const index* near) except -1 nogil:
    """Splits one; `near` has the item before on each of its qubits, and then those after."""
    cdef index parts = new_registers(p, WEYL_REALS), x = parts + WEYL_X, after, before, angles
    cdef int side, q
    cdef bint flip
    cdef Item* other
    if not step(p, SPLITS, parts, it.at, 0):
        return 0
    for side in range(2):
        q = it.q1 if side else it.q0
        other = <Item*>p.items.data + near[side]
        before = parts + WEYL_BEFORE + 8 * side
        after = parts + WEYL_AFTER + 8 * side
        if other.kind != WEYL:
            step(p, TANGENT, x + X_TANGENTS + side, R_ZERO, 0)
            multiply_item(p, other, q, before, True)
            continue
        angles = new_registers(p, EULER_REALS)
        flip = step(p, TURNS, angles, before, 0)
        step(p, TANGENT, x + X_TANGENTS + side, angles + EULER_TANGENT, 0)
        step(p, SCALE_X_LEFT, other.at, angles + EULER_FIRST, 1 if other.q1 == q else 0)
        step(p, SCALE_X_RIGHT, x, angles + EULER_LAST, side)
        if flip:
            # N W = W (W^dagger N W): the turn goes on to what comes after.
            step(p, TURN_X, x, 0, side)
            step(p, MATMUL2, after, after, R_TURN)
    for side in range(2):
        q = it.q1 if side else it.q0
        multiply_item(p, <Item*>p.items.data + near[2 + side], q, parts + WEYL_AFTER + 8 * side,
                      False)
    it.kind = WEYL
    it.at = x
    return 0


cdef int fold_scalar(Planner p, bint fresh) except -1 nogil:
    """Puts what multiplies all amplitudes into something that multiplies all of them anyway."""
    cdef index i, at
    cdef int entries
    cdef Item* it
    cdef Item* found = NULL
    if fresh or ask(p, IS_ONE, R_SCALAR):
        return 0
    for i in range(num_items(p)):
        it = <Item*>p.items.data + i
        if it.kind == DIAGONAL_GROUP or it.kind == ONE_QUBIT or it.kind == TWO_QUBIT or (
                it.kind == STEERED or it.kind == TWO_TURN):
            if found == NULL or worth_of(it) > worth_of(found):
                found = it
            if worth_of(it) == 3:
                break
    if found == NULL:
        found = new_item(p, CONTROLLED)
        found.diagonal = 1
        found.at = new_registers(p, 8)
        step(p, IDENTITY2, found.at, 0, 0)
        entries = 4
    elif found.kind == DIAGONAL_GROUP:
        i = new_registers(p, 2)
        step(p, COPY, i, R_SCALAR, 0)
        at = new_term(p, 0, i)
        (<Term*>p.terms.data + at).next = found.first_term
        found.first_term = at
        if found.last_term < 0:
            found.last_term = at
        return step(p, SET_ONE, R_SCALAR, 0, 0)
    else:
        entries = 4 if found.kind == ONE_QUBIT else 8 if found.kind == STEERED else 16
        found.turned = False
        found.is_real = found.is_real and ask(p, IS_REAL, R_SCALAR)
    step(p, SCALE, found.at, R_SCALAR, entries)
    return step(p, SET_ONE, R_SCALAR, 0, 0)


cdef inline int worth_of(const Item* it) noexcept nogil:
    """How little it costs to multiply an item by a number."""
    if it.turned:
        return 0
    if it.kind == DIAGONAL_GROUP:
        return 2
    return 1 if it.is_real else 3
