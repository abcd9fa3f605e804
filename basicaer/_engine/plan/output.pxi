# Used by stage 5 and 6: how operations are written (layout: layout.pxi).
#
# Their rows go into `out_ops`, their lists into `out_lists`, and their coefficients, each a vector
# with a value for each lane, into `out_coefficients`:
#
#     re of lane 0 .. W-1 | im of lane 0 .. W-1 | ...     complex coefficients
#     of lane 0 .. W-1    | of lane 0 .. W-1    | ...     where all are real, or all imaginary
#
# Where a qubit is decides what a condition on it becomes: on a lane qubit it is in the coefficients
# (those of the identity in the other lanes), on a block qubit a control of the operation, on an
# outer qubit a condition on the block.

cdef index push_list(Planner p, int64_t x) except -1 nogil:
    """Adds a number to the lists; returns its place."""
    return push_int64(&p.out_lists, x)


cdef index list_position(Planner p) noexcept nogil:
    """Where the next number of a list comes."""
    return count_of(&p.out_lists, sizeof(int64_t))


cdef index coefficient_position(Planner p) noexcept nogil:
    """Where the next coefficient comes, in reals."""
    return count_of(&p.out_coefficients, sizeof(double))


cdef index num_ops(Planner p) noexcept nogil:
    return count_of(&p.out_ops, OP_COLUMNS * sizeof(int64_t))


cdef double* push_vectors(Planner p, int count) except NULL nogil:
    """Room for `count` vectors of lanes."""
    return <double*>extend(&p.out_coefficients,
                           (<index>count << p.lane_bits) * <index>sizeof(double))


cdef int64_t* push_op(Planner p, int kind) except NULL nogil:
    """Adds an operation whose coefficients come next; returns its row."""
    cdef int64_t* op = <int64_t*>extend(&p.out_ops, OP_COLUMNS * sizeof(int64_t))
    memset(op, 0, OP_COLUMNS * sizeof(int64_t))
    op[COL_KIND] = kind
    op[COL_LIVE] = p.op_live
    op[COL_COEFFICIENT] = coefficient_position(p)
    return op


cdef void split_controls(Planner p, uint64_t mask, uint64_t value, uint64_t* lane,
                         uint64_t* lane_value, int64_t* op) noexcept nogil:
    """Sorts controls by where their qubits are: those outside the lanes go into `op`."""
    cdef int q
    lane[0] = mask & ((BIT << p.lane_bits) - 1)
    lane_value[0] = value & lane[0]
    for q in range(p.lane_bits, p.num_qubits):
        if (mask >> q) & 1:
            if p.place[q] >= 0:
                op[COL_CONTROL] |= <int64_t>1 << p.place[q]
                if (value >> q) & 1:
                    op[COL_CONTROL_VALUE] |= <int64_t>1 << p.place[q]
            else:
                op[COL_OUTER] |= <int64_t>1 << (q - p.lane_bits)
                if (value >> q) & 1:
                    op[COL_OUTER_VALUE] |= <int64_t>1 << (q - p.lane_bits)


cdef inline void put(double* v, int lanes, int width, int which, int lane, const double* m,
                     int entry, bint one, bint imaginary) noexcept nogil:
    """Lane `lane` of coefficient `which`: an entry of `m`, or of the identity if m is NULL.

    Args:
        width: 2 for complex coefficients; 1 for one real each, the real part of the entry or, if
            `imaginary`, the imaginary one.
        one: whether the entry of the identity is 1.
    """
    cdef double re = 1 if one else 0, im = 0
    if m != NULL:
        re = m[2 * entry]
        im = m[2 * entry + 1]
    v[which * width * lanes + lane] = im if imaginary else re
    if width == 2:
        v[(which * width + 1) * lanes + lane] = im
