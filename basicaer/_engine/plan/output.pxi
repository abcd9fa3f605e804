# Used by stage 5 and 6: how operations are written (layout: layout.pxi).
#
# Their rows go into `out_ops`, their lists into `out_lists`. Their coefficients are vectors with a
# value for each lane. `sources` has the registers of these values: one register for a vector that
# has it in all lanes; where lanes differ, minus the number of such vectors, then the register of
# each of their lanes. `fills` has the gates on many qubits whose coefficients fill a stretch of the
# plan's. A vector is
#
#     re of lane 0 .. W-1 | im of lane 0 .. W-1 | ...     complex coefficients
#     of lane 0 .. W-1    | of lane 0 .. W-1    | ...     where all are real, or all imaginary
#
# Where a qubit is decides what a condition on it becomes: on a lane qubit it is in the coefficients
# (those of the identity in the other lanes), on a block qubit a control of the operation, on an
# outer qubit a condition on the block.

cdef struct Fill:
    int op              # OP_LOOKUP, OP_DENSE3TO5, OP_DENSE6UP
    int num_targets
    index at            # the first real of the plan's coefficients that it fills
    index reals         # how many
    index offset        # of the gate's coefficients
    index targets       # where its targets are in `fill_targets`
    uint64_t lane_mask  # controls that are lane qubits
    uint64_t lane_value


cdef index push_list(Planner p, int64_t x) except -1 nogil:
    """Adds a number to the lists; returns its place."""
    return push_int64(&p.out_lists, x)


cdef index list_position(Planner p) noexcept nogil:
    """Where the next number of a list comes."""
    return count_of(&p.out_lists, sizeof(int64_t))


cdef index coefficient_position(Planner p) noexcept nogil:
    """Where the next coefficient comes, in reals."""
    return p.out_reals


cdef index num_ops(Planner p) noexcept nogil:
    return count_of(&p.out_ops, OP_COLUMNS * sizeof(int64_t))


cdef index* push_vectors(Planner p, int count, int lanes) except NULL nogil:
    """Room for the registers of `count` vectors, of each lane.

    If `lanes` is 1, of one lane: all lanes of a vector have the same.
    """
    cdef index* sources
    p.out_reals += <index>count << p.lane_bits
    if lanes == 1:
        return <index*>extend(&p.sources, count * <index>sizeof(index))
    sources = <index*>extend(&p.sources, (count * lanes + 1) * <index>sizeof(index))
    sources[0] = -count
    return sources + 1


cdef int push_fill(Planner p, int op, index gate, const int32_t* given, int num_targets,
                   uint64_t lane_mask, uint64_t lane_value, index reals) except -1 nogil:
    """Coefficients of an operation that a gate's fill by a rule of their own, see recipe.pxi."""
    cdef Fill* fill = <Fill*>extend(&p.fills, sizeof(Fill))
    fill.op = op
    fill.at = p.out_reals
    fill.reals = reals
    fill.offset = p.offset[gate]
    fill.num_targets = num_targets
    fill.lane_mask = lane_mask
    fill.lane_value = lane_value
    fill.targets = count_of(&p.fill_targets, sizeof(int32_t))
    memcpy(extend(&p.fill_targets, num_targets * <index>sizeof(int32_t)), given,
           num_targets * sizeof(int32_t))
    p.out_reals += reals
    return 0


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


cdef inline void put(index* v, int lanes, int width, int which, int lane, index m, int entry,
                     bint one, bint imaginary) noexcept nogil:
    """Lane `lane` of coefficient `which`: an entry of the matrix m, or of the identity if m < 0.

    Args:
        lanes: how many lanes `v` has room for, see `push_vectors`.
        width: 2 for complex coefficients; 1 for one real each, the real part of the entry or, if
            `imaginary`, the imaginary one.
        one: whether the entry of the identity is 1.
    """
    cdef index re = R_ONE if one else R_ZERO, im = R_ZERO
    if m >= 0:
        re = m + 2 * entry
        im = re + 1
    v[which * width * lanes + lane] = im if imaginary else re
    if width == 2:
        v[(which * width + 1) * lanes + lane] = im
