# Stage 5 of 6, lowering: dense items on three qubits and more to operations.
#
# Takes   an item, and where the pass has put its qubits: `place`.
# Leaves  an operation (output.pxi): DENSE3TO5 by whole vectors, or DENSE6UP.

cdef int lower_dense3to5(Planner p, Item* it) except -1 nogil:
    """A dense matrix on three to five qubits."""
    cdef const int64_t* row = p.kinds + KIND_COLUMNS * p.kind[it.gate]
    cdef const int32_t* given = p.qubits + p.start[it.gate] + row[KIND_CONTROLS]
    cdef const double* c = p.coefficients + 2 * p.offset[it.gate]
    cdef int k = row[KIND_TARGETS], i, l, num_block = 0, num_lane = 0, lanes = 1 << p.lane_bits
    cdef int rank[8]
    cdef index size = <index>1 << k, rows, r, col, m, from_row, from_column, b
    cdef int64_t* op = push_op(p, OP_DENSE3TO5)
    cdef double* v
    cdef uint64_t lane_mask, lane_value, bit
    split_controls(p, it.control, it.control_value, &lane_mask, &lane_value, op)
    op[COL_LIST] = list_position(p)
    for i in range(k):
        # A target's rank: among the lane targets by lane, among the block targets as listed.
        rank[i] = 0
        if given[i] < p.lane_bits:
            op[COL_T0] |= <int64_t>1 << given[i]
            num_lane += 1
            for l in range(k):
                rank[i] += given[l] < given[i]
        else:
            rank[i] = num_block
            num_block += 1
            push_list(p, p.place[given[i]])
    op[COL_COUNT] = num_block
    rows = <index>1 << num_block
    for r in range(rows):
        for col in range(size):
            b = col >> num_lane
            m = col & ((<index>1 << num_lane) - 1)
            v = push_vectors(p, 2)
            for l in range(lanes):
                from_row = 0
                from_column = 0
                for i in range(k):
                    if given[i] < p.lane_bits:
                        bit = (l >> given[i]) & 1
                        from_row |= <index>(bit << i)
                        from_column |= <index>((bit ^ (m >> rank[i] & 1)) << i)
                    else:
                        from_row |= (r >> rank[i] & 1) << i
                        from_column |= (b >> rank[i] & 1) << i
                if (l & lane_mask) == lane_value:
                    v[l] = c[2 * (size * from_row + from_column)]
                    v[lanes + l] = c[2 * (size * from_row + from_column) + 1]
                else:
                    v[l] = 1 if r == b and m == 0 else 0
                    v[lanes + l] = 0
    p.work_vectors = max(p.work_vectors, dense3to5_work(k))
    return 0


cdef int lower_dense6up(Planner p, Item* it) except -1 nogil:
    """A dense matrix on six qubits and more: column by column, re of all rows, im of all rows."""
    cdef const int64_t* row = p.kinds + KIND_COLUMNS * p.kind[it.gate]
    cdef const int32_t* given = p.qubits + p.start[it.gate] + row[KIND_CONTROLS]
    cdef const double* c = p.coefficients + 2 * p.offset[it.gate]
    cdef int k = row[KIND_TARGETS], i, q
    cdef index size = <index>1 << k, r, column, reals, lanes = <index>1 << p.lane_bits
    cdef int64_t* op = push_op(p, OP_DENSE6UP)
    cdef double* v
    cdef uint64_t lane_mask, lane_value
    split_controls(p, it.control, it.control_value, &lane_mask, &lane_value, op)
    op[COL_CONTROL] = op[COL_CONTROL] << p.lane_bits | <int64_t>lane_mask
    op[COL_CONTROL_VALUE] = op[COL_CONTROL_VALUE] << p.lane_bits | <int64_t>lane_value
    op[COL_LIST] = list_position(p)
    op[COL_COUNT] = k
    for i in range(k):
        q = given[i]
        push_list(p, q if q < p.lane_bits else p.place[q] + p.lane_bits)
    reals = 2 * size * size
    reals = (reals + lanes - 1) // lanes * lanes
    v = <double*>extend(&p.out_coefficients, reals * sizeof(double))
    for column in range(size):
        for r in range(size):
            v[2 * size * column + r] = c[2 * (size * r + column)]
            v[2 * size * column + size + r] = c[2 * (size * r + column) + 1]
    p.work_vectors = max(p.work_vectors, dense6up_work(k, p.lane_bits))
    return 0
