# Stage 5 of 6, lowering: items on one and two qubits to operations.
#
# Takes   an item, and where the pass has put its qubits: `place`.
# Leaves  operations (output.pxi), one for each 2x2 or 4x4 matrix.
#
# Which kernel it is depends on how many targets are lane qubits, and on whether all entries are
# real.

cdef int lower_one_qubit(Planner p, int q, index m0, index m1, int steer, bint is_real,
                         uint64_t mask, uint64_t value) except -1 nogil:
    """A 2x2 matrix on q under controls; with a lane `steer` >= 0, one for each of its values."""
    cdef uint64_t lane_mask, lane_value
    cdef int lanes = 1 << p.lane_bits, l, r, c, width = 1 if is_real else 2, bit
    cdef int64_t* op
    cdef index* v
    cdef index m
    cdef bint in_lane = q < p.lane_bits, cross
    lane_mask = mask & (lanes - 1)
    if not in_lane and steer < 0 and lane_mask == 0:
        lanes = 1
    if not in_lane and steer < 0 and lane_mask == 0 and ask(p, IS_FLIP, m0):
        op = push_op(p, OP_FLIP)
        op[COL_T0] = p.place[q]
        split_controls(p, mask, value, &lane_mask, &lane_value, op)
        return 0
    cross = not is_real and ask(p, IS_CROSS, m0) and (m1 == m0 or ask(p, IS_CROSS, m1))
    if cross:
        width = 1
    if in_lane:
        op = push_op(
            p, OP_CROSS1_LANE if cross else OP_REAL1_LANE if is_real else OP_DENSE1_LANE)
        op[COL_T0] = q
        v = push_vectors(p, 2 * width, lanes)
    else:
        op = push_op(p, OP_CROSS1 if cross else OP_REAL1 if is_real else OP_DENSE1)
        op[COL_T0] = p.place[q]
        v = push_vectors(p, 4 * width, lanes)
    split_controls(p, mask, value, &lane_mask, &lane_value, op)
    for l in range(lanes):
        m = m1 if steer >= 0 and (l >> steer) & 1 else m0
        if (l & lane_mask) != lane_value:
            m = -1
        if in_lane:
            bit = (l >> q) & 1
            for c in range(2):
                put(v, lanes, width, c, l, m, 2 * bit + (bit ^ c), c == 0, cross and c == 1)
        else:
            for r in range(2):
                for c in range(2):
                    put(v, lanes, width, 2 * r + c, l, m, 2 * r + c, r == c, cross and r != c)
    return 0


cdef int lower_two_qubit(Planner p, Item* it) except -1 nogil:
    """A 4x4 matrix."""
    cdef int lanes = 1 << p.lane_bits, l, r, c, width = 1 if it.is_real else 2, a = it.q0
    cdef int b = it.q1, bit, row, column
    cdef int64_t* op
    cdef index* v
    cdef index m = it.at
    cdef bint exchanged
    if b < p.lane_bits:
        op = push_op(p, OP_REAL2_LANES if it.is_real else OP_DENSE2_LANES)
        op[COL_T0] = a
        op[COL_T1] = b
        v = push_vectors(p, 4 * width, lanes)
        for l in range(lanes):
            row = ((l >> a) & 1) | ((l >> b) & 1) << 1
            for c in range(4):
                put(v, lanes, width, c, l, m, 4 * row + (row ^ c), False, False)
    elif a < p.lane_bits:
        op = push_op(p, OP_REAL2_LANE if it.is_real else OP_DENSE2_LANE)
        op[COL_T0] = a
        op[COL_T1] = p.place[b]
        v = push_vectors(p, 8 * width, lanes)
        for l in range(lanes):
            bit = (l >> a) & 1
            for r in range(2):
                for c in range(4):
                    # column c: bit 1 the block qubit's value, bit 0 whether lanes are exchanged
                    column = (c & 2) | (bit ^ (c & 1))
                    put(v, lanes, width, 4 * r + c, l, m, 4 * (2 * r + bit) + column, False, False)
    else:
        exchanged = p.place[a] > p.place[b]
        if exchanged:
            a, b = b, a
        op = push_op(p, OP_REAL2 if it.is_real else OP_DENSE2)
        op[COL_T0] = p.place[a]
        op[COL_T1] = p.place[b]
        v = push_vectors(p, 16 * width, 1)
        for c in range(16):
            row = exchange(c >> 2) if exchanged else c >> 2
            column = exchange(c & 3) if exchanged else c & 3
            put(v, 1, width, c, 0, m, 4 * row + column, False, False)
    return 0


cdef inline int entry_of_x(int row, int off) noexcept nogil:
    """Which number of an X is the entry of a row on the diagonal, or (`off` is 1) its other one."""
    if row == 0:
        return off
    if row == 3:
        return 3 - off
    return 4 + off if row == 1 else 7 - off


cdef int lower_weyl(Planner p, Item* it) except -1 nogil:
    """A split one: its tangents, then for each row of the X its two entries."""
    cdef int lanes = 1 << p.lane_bits, l, c, a = it.q0, b = it.q1, at
    cdef int64_t* op
    cdef index* v
    cdef index x = it.at, ta = x + X_TANGENTS, tb = ta + 1
    cdef bint exchanged
    if b < p.lane_bits:
        op = push_op(p, OP_WEYL_LANES)
        op[COL_T0] = a
        op[COL_T1] = b
        v = push_vectors(p, 6, lanes)
        for l in range(lanes):
            at = ((l >> a) & 1) | ((l >> b) & 1) << 1
            v[l] = ta if at & 1 else ta + 2
            v[lanes + l] = tb if at & 2 else tb + 2
            for c in range(2):       # unchanged lanes, both exchanged
                put(v + 2 * lanes, lanes, 2, c, l, x, entry_of_x(at, c), False, False)
        return 0
    if a < p.lane_bits:
        op = push_op(p, OP_WEYL_LANE)
        op[COL_T0] = a
        op[COL_T1] = p.place[b]
        v = push_vectors(p, 10, lanes)
        for l in range(lanes):
            v[l] = ta if (l >> a) & 1 else ta + 2
            v[lanes + l] = tb
            for c in range(4):       # of the row c >> 1: the same, then the other, vector
                at = ((l >> a) & 1) | (c & 2)
                put(v + 2 * lanes, lanes, 2, c, l, x, entry_of_x(at, c & 1), False, False)
        return 0
    exchanged = p.place[a] > p.place[b]
    if exchanged:
        a, b = b, a
        ta, tb = tb, ta
    op = push_op(p, OP_WEYL)
    op[COL_T0] = p.place[a]
    op[COL_T1] = p.place[b]
    v = push_vectors(p, 18, 1)
    v[0] = ta
    v[1] = tb
    for c in range(8):               # each row: its diagonal entry, then the other one
        at = exchange(c >> 1) if exchanged else c >> 1
        put(v + 2, 1, 2, c, 0, x, entry_of_x(at, c & 1), False, False)
    return 0
