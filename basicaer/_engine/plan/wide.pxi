# Stage 5 of 6, lowering: dense items on three qubits and more to operations.
#
# Takes   an item, and where the pass has put its qubits: `place`.
# Leaves  an operation (output.pxi): DENSE3TO5 by whole vectors, or DENSE6UP.

cdef int lower_dense3to5(Planner p, Item* it) except -1 nogil:
    """A dense matrix on three to five qubits."""
    cdef const int64_t* row = p.kinds + KIND_COLUMNS * p.kind[it.gate]
    cdef const int32_t* given = p.qubits + p.start[it.gate] + row[KIND_CONTROLS]
    cdef int k = row[KIND_TARGETS], i, num_block = 0
    cdef int64_t* op = push_op(p, OP_DENSE3TO5)
    cdef uint64_t lane_mask, lane_value
    split_controls(p, it.control, it.control_value, &lane_mask, &lane_value, op)
    op[COL_LIST] = list_position(p)
    for i in range(k):
        if given[i] < p.lane_bits:
            op[COL_T0] |= <int64_t>1 << given[i]
        else:
            num_block += 1
            push_list(p, p.place[given[i]])
    op[COL_COUNT] = num_block
    push_fill(p, OP_DENSE3TO5, it.gate, given, k, lane_mask, lane_value,
              <index>2 << num_block + k + p.lane_bits)
    p.work_vectors = max(p.work_vectors, dense3to5_work(k))
    return 0


cdef int lower_dense6up(Planner p, Item* it) except -1 nogil:
    """A dense matrix on six qubits and more: column by column, re of all rows, im of all rows."""
    cdef const int64_t* row = p.kinds + KIND_COLUMNS * p.kind[it.gate]
    cdef const int32_t* given = p.qubits + p.start[it.gate] + row[KIND_CONTROLS]
    cdef int k = row[KIND_TARGETS], i, q
    cdef index size = <index>1 << k, reals, lanes = <index>1 << p.lane_bits
    cdef int64_t* op = push_op(p, OP_DENSE6UP)
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
    push_fill(p, OP_DENSE6UP, it.gate, given, k, lane_mask, lane_value, reals)
    p.work_vectors = max(p.work_vectors, dense6up_work(k, p.lane_bits))
    return 0
