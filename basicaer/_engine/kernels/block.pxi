# A block of a pass: its amplitudes gathered, its operations applied, its amplitudes written back.
#
# Memory: see _kernels.pyx. Each operation is one call of one kernel for all of the block. What a
# kernel's loops depend on and what takes few values (the number of fixed bits, a lane bit), the
# `dispatch` functions pass on as constants, so that a copy is compiled for each value.

# --- one operation -----------------------------------------------------------------------------

cdef inline void dispatch_fixed(vec* s, const int kind, const int lane0, const int lane1,
                                index count, const int fixed, const int* positions,
                                index offset, index s0, index s1, const vec* c) noexcept nogil:
    """Calls the kernel `kind`; all that is const here is known to the compiler."""
    if kind == OP_DENSE1:
        dense1(s, count, fixed, positions, offset, s0, c)
    elif kind == OP_REAL1:
        real1(s, count, fixed, positions, offset, s0, c)
    elif kind == OP_CROSS1:
        cross1(s, count, fixed, positions, offset, s0, c)
    elif kind == OP_CROSS1_LANE:
        cross1_lane(s, count, fixed, positions, offset, lane0, c)
    elif kind == OP_DENSE1_LANE:
        dense1_lane(s, count, fixed, positions, offset, lane0, c)
    elif kind == OP_REAL1_LANE:
        real1_lane(s, count, fixed, positions, offset, lane0, c)
    elif kind == OP_DENSE2:
        dense2(s, count, fixed, positions, offset, s0, s1, c)
    elif kind == OP_REAL2:
        real2(s, count, fixed, positions, offset, s0, s1, c)
    elif kind == OP_DENSE2_LANE:
        dense2_lane(s, count, fixed, positions, offset, lane0, s1, c, False)
    elif kind == OP_REAL2_LANE:
        dense2_lane(s, count, fixed, positions, offset, lane0, s1, c, True)
    elif kind == OP_WEYL:
        weyl(s, count, fixed, positions, offset, s0, s1, c)
    elif kind == OP_WEYL_LANE:
        weyl_lane(s, count, fixed, positions, offset, lane0, s1, c)
    elif kind == OP_WEYL_LANES:
        weyl_lanes(s, count, fixed, positions, offset, lane0, lane1, c)
    elif kind == OP_DENSE2_LANES:
        dense2_lanes(s, count, fixed, positions, offset, lane0, lane1, c, False)
    else:
        dense2_lanes(s, count, fixed, positions, offset, lane0, lane1, c, True)


cdef inline void dispatch(vec* s, const int kind, const int lane0, const int lane1, index count,
                          int fixed, const int* positions, index offset, index s0, index s1,
                          const vec* c) noexcept nogil:
    """For 0, 1, 2 or any number of fixed bits."""
    if fixed == 0:
        dispatch_fixed(s, kind, lane0, lane1, count, 0, positions, offset, s0, s1, c)
    elif fixed == 1:
        dispatch_fixed(s, kind, lane0, lane1, count, 1, positions, offset, s0, s1, c)
    elif fixed == 2:
        dispatch_fixed(s, kind, lane0, lane1, count, 2, positions, offset, s0, s1, c)
    else:
        dispatch_fixed(s, kind, lane0, lane1, count, fixed, positions, offset, s0, s1, c)


cdef inline void dispatch_lane(vec* s, const int kind, int lane, index count, int fixed,
                               const int* positions, index offset, index s1,
                               const vec* c) noexcept nogil:
    """For each lane qubit."""
    if lane == 0:
        dispatch(s, kind, 0, 0, count, fixed, positions, offset, 0, s1, c)
    elif lane == 1:
        dispatch(s, kind, 1, 0, count, fixed, positions, offset, 0, s1, c)
    elif lane == 2:
        dispatch(s, kind, 2, 0, count, fixed, positions, offset, 0, s1, c)
    else:
        dispatch(s, kind, 3, 0, count, fixed, positions, offset, 0, s1, c)


cdef inline void dispatch_lanes(vec* s, const int kind, int lane0, int lane1, index count,
                                int fixed, const int* positions, index offset,
                                const vec* c) noexcept nogil:
    """For each pair of lane qubits, the lower one first."""
    cdef int both = lane0 * 4 + lane1
    if both == 1:
        dispatch_fixed(s, kind, 0, 1, count, fixed, positions, offset, 0, 0, c)
    elif both == 2:
        dispatch_fixed(s, kind, 0, 2, count, fixed, positions, offset, 0, 0, c)
    elif both == 3:
        dispatch_fixed(s, kind, 0, 3, count, fixed, positions, offset, 0, 0, c)
    elif both == 6:
        dispatch_fixed(s, kind, 1, 2, count, fixed, positions, offset, 0, 0, c)
    elif both == 7:
        dispatch_fixed(s, kind, 1, 3, count, fixed, positions, offset, 0, 0, c)
    else:
        dispatch_fixed(s, kind, 2, 3, count, fixed, positions, offset, 0, 0, c)


cdef void apply_operation(vec* s, const int64_t* op, index base, const vec* coefficients,
                          int lanes, int lane_bits, const int64_t* lists, vec* work) noexcept nogil:
    """Applies the operation of the row `op` to the block at `s`; `base` is its first pair's number.
    """
    cdef int kind = op[COL_KIND], t0 = op[COL_T0], t1 = op[COL_T1], live = op[COL_LIVE]
    cdef index control = op[COL_CONTROL], offset = op[COL_CONTROL_VALUE], mask, count
    cdef int positions[MAX_BITS]
    cdef int fixed
    cdef const vec* c = coefficients + op[COL_COEFFICIENT] // lanes
    cdef const int64_t* at = lists + op[COL_LIST]
    if (base & op[COL_OUTER]) != op[COL_OUTER_VALUE]:
        return
    mask = control
    if kind == OP_DENSE1 or kind == OP_REAL1 or kind == OP_CROSS1 or kind == OP_FLIP:
        mask |= <index>1 << t0
    elif kind == OP_DENSE2 or kind == OP_REAL2 or kind == OP_WEYL or kind == OP_SWAP:
        mask |= (<index>1 << t0) | (<index>1 << t1)
    elif kind == OP_DENSE2_LANE or kind == OP_REAL2_LANE or kind == OP_WEYL_LANE:
        mask |= <index>1 << t1
    elif kind == OP_DENSE3TO5:
        for fixed in range(<int>op[COL_COUNT]):
            mask |= <index>1 << at[fixed]
    if kind == OP_DENSE6UP:
        if vec is vd:
            dense6up(<double*>s, lane_bits, live, control, offset, at, op[COL_COUNT],
                   <const double*>c, <double*>work)
        else:
            dense6up(<float*>s, lane_bits, live, control, offset, at, op[COL_COUNT],
                   <const float*>c, <float*>work)
        return
    if kind == OP_REGISTERS:
        registers(s, live, at, op[COL_COUNT], base, coefficients, lanes)
        return
    fixed = sorted_bits(mask, positions)
    count = (<index>1 << live) >> fixed
    if kind == OP_DENSE1:
        dispatch(s, OP_DENSE1, 0, 0, count, fixed, positions, offset, <index>1 << t0, 0, c)
    elif kind == OP_REAL1:
        dispatch(s, OP_REAL1, 0, 0, count, fixed, positions, offset, <index>1 << t0, 0, c)
    elif kind == OP_CROSS1:
        dispatch(s, OP_CROSS1, 0, 0, count, fixed, positions, offset, <index>1 << t0, 0, c)
    elif kind == OP_CROSS1_LANE:
        dispatch_lane(s, OP_CROSS1_LANE, t0, count, fixed, positions, offset, 0, c)
    elif kind == OP_DENSE2:
        dispatch(s, OP_DENSE2, 0, 0, count, fixed, positions, offset, <index>1 << t0,
                 <index>1 << t1, c)
    elif kind == OP_REAL2:
        dispatch(s, OP_REAL2, 0, 0, count, fixed, positions, offset, <index>1 << t0,
                 <index>1 << t1, c)
    elif kind == OP_WEYL:
        dispatch(s, OP_WEYL, 0, 0, count, fixed, positions, offset, <index>1 << t0,
                 <index>1 << t1, c)
    elif kind == OP_WEYL_LANE:
        dispatch_lane(s, OP_WEYL_LANE, t0, count, fixed, positions, offset, <index>1 << t1, c)
    elif kind == OP_WEYL_LANES:
        dispatch_lanes(s, OP_WEYL_LANES, t0, t1, count, fixed, positions, offset, c)
    elif kind == OP_DENSE1_LANE:
        dispatch_lane(s, OP_DENSE1_LANE, t0, count, fixed, positions, offset, 0, c)
    elif kind == OP_REAL1_LANE:
        dispatch_lane(s, OP_REAL1_LANE, t0, count, fixed, positions, offset, 0, c)
    elif kind == OP_DENSE2_LANE:
        dispatch_lane(s, OP_DENSE2_LANE, t0, count, fixed, positions, offset, <index>1 << t1, c)
    elif kind == OP_REAL2_LANE:
        dispatch_lane(s, OP_REAL2_LANE, t0, count, fixed, positions, offset, <index>1 << t1, c)
    elif kind == OP_DENSE2_LANES:
        dispatch_lanes(s, OP_DENSE2_LANES, t0, t1, count, fixed, positions, offset, c)
    elif kind == OP_REAL2_LANES:
        dispatch_lanes(s, OP_REAL2_LANES, t0, t1, count, fixed, positions, offset, c)
    elif kind == OP_FLIP:
        if fixed == 1:
            swap_pairs(s, count, 1, positions, offset, offset + (<index>1 << t0))
        else:
            swap_pairs(s, count, fixed, positions, offset, offset + (<index>1 << t0))
    elif kind == OP_SWAP:
        swap_pairs(s, count, fixed, positions, offset + (<index>1 << t0),
                   offset + (<index>1 << t1))
    elif kind == OP_PHASE:
        phase(s, count, fixed, positions, offset, c[0], c[1])
    elif kind == OP_PRODUCT:
        product(s, offset, at, t0, t1, op[COL_COUNT], base, coefficients, lanes, work)
    elif kind == OP_DENSE3TO5:
        dense3to5(s, count, fixed, positions, offset, at, op[COL_COUNT], t0, c, work)
    elif kind == OP_LOOKUP:
        lookup(s, live, control, offset, at, op[COL_COUNT], base, c)


# --- pieces of a block -------------------------------------------------------------------------

# Pieces of one or two pairs are as common as long ones; a call of memcpy for each takes longer than
# to copy it. What is read next is asked for early, as nothing in the hardware foresees the strides.

cdef enum:
    AHEAD = 24      # pairs


cdef inline void copy_pairs(vec* to, const vec* source, index pairs) noexcept nogil:
    """Copies a power of two of pairs."""
    cdef index i
    cdef vec a, b, c, d
    if pairs == 1:
        a = source[0]; b = source[1]
        to[0] = a; to[1] = b
        return
    for i in range(0, 2 * pairs, 4):
        a = source[i]; b = source[i + 1]; c = source[i + 2]; d = source[i + 3]
        to[i] = a; to[i + 1] = b; to[i + 2] = c; to[i + 3] = d


cdef void gather(vec* block, const vec* state, const int64_t* offsets, index pieces,
                 index chunk) noexcept nogil:
    """Copies pieces of `chunk` pairs, at `offsets` in the state, to lie together in the block."""
    cdef index x, ahead = AHEAD // chunk + 1, last = pieces - 1
    cdef const vec* coming
    for x in range(pieces):
        if chunk <= AHEAD:
            coming = state + 2 * offsets[min(x + ahead, last)]
            BA_PREFETCH(coming)
            BA_PREFETCH(coming + 1)
        copy_pairs(block + 2 * chunk * x, state + 2 * offsets[x], chunk)


cdef void scatter(vec* state, const vec* block, const int64_t* offsets, index pieces,
                  index chunk) noexcept nogil:
    """The inverse of `gather`."""
    cdef index x
    for x in range(pieces):
        copy_pairs(state + 2 * offsets[x], block + 2 * chunk * x, chunk)


# --- all operations ---------------------------------------------------------------------------

cdef void apply_block(vec* state, index number, const int64_t* row, const int64_t* ops,
                      const vec* coefficients, int lanes, int lane_bits, const int64_t* lists,
                      vec* block, const int64_t* offsets, vec* work, int64_t* flags,
                      bint dirty) noexcept nogil:
    """Applies a pass, its row given, to block number `number`.

    Bit i of that number is bit ``outer[i]`` of the pair numbers. A block that is gathered is copied
    in pieces of `chunk` pairs, as long as its local bits are the lowest bits of the pair number.
    """
    cdef int i, a = row[PASS_BITS], live = row[PASS_LIVE], low = row[PASS_CONTIGUOUS]
    cdef const int64_t* outer = lists + row[PASS_OUTER_AT]
    cdef index base = 0, x, chunk = <index>1 << low
    cdef int64_t operation
    cdef vec* s
    for i in range(<int>row[PASS_OUTER]):
        if (number >> i) & 1:
            base |= <index>1 << outer[i]
    if row[PASS_IN_PLACE]:
        s = state + 2 * base
        if dirty and row[PASS_CLEAN] >= 0:
            for x in range(<index>1 << a):
                if x & ~row[PASS_CLEAN]:
                    memset(s + 2 * x, 0, 2 * sizeof(vec))
    else:
        s = block
        if live < low:
            memcpy(s, state + 2 * base, 2 * (<index>1 << live) * sizeof(vec))
        else:
            gather(s, state + 2 * base, offsets, <index>1 << (live - low), chunk)
        memset(s + 2 * (<index>1 << live), 0,
               2 * ((<index>1 << a) - (<index>1 << live)) * sizeof(vec))
    for operation in range(row[PASS_FIRST], row[PASS_LAST]):
        if flags[FLAG_STOP]:
            return
        apply_operation(s, ops + operation * OP_COLUMNS, base, coefficients, lanes, lane_bits,
                        lists, work)
    if not row[PASS_IN_PLACE]:
        scatter(state + 2 * base, s, offsets, <index>1 << (a - low), chunk)
