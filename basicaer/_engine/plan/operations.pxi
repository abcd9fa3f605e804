# The items of a pass to operations.

cdef int64_t push_list(Planner p, int64_t x) except -1 nogil:
    (<int64_t*>grow(&p.out_lists, sizeof(int64_t)))[0] = x
    return p.out_lists.used // <index>sizeof(int64_t) - 1


cdef index coefficient_position(Planner p) noexcept nogil:
    return p.out_coefficients.used // <index>sizeof(double)


cdef double* push_vectors(Planner p, int count) except NULL nogil:
    """Room for `count` vectors of lanes."""
    return <double*>grow(&p.out_coefficients, (<index>count << p.lane_bits) * 8)


cdef int64_t* push_op(Planner p, int kind) except NULL nogil:
    cdef int64_t* op = <int64_t*>grow(&p.out_ops, OP_COLUMNS * sizeof(int64_t))
    memset(op, 0, OP_COLUMNS * sizeof(int64_t))
    op[COL_KIND] = kind
    op[COL_LIVE] = p.op_live
    op[COL_COEFFICIENT] = coefficient_position(p)
    return op


cdef void split_controls(Planner p, uint64_t mask, uint64_t value, uint64_t* lane,
                         uint64_t* lane_value, int64_t* op) noexcept nogil:
    """Sorts controls by where their qubits are; those outside the lanes go into `op`."""
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


cdef int lower_small(Planner p, int q, const double* m0, const double* m1, int steer, bint is_real,
                     uint64_t mask, uint64_t value) except -1 nogil:
    """A 2x2 matrix on q under controls; with a lane `steer` >= 0, one for each of its values."""
    cdef uint64_t lane_mask, lane_value
    cdef int lanes = 1 << p.lane_bits, l, r, c, parts = 1 if is_real else 2, bit
    cdef int64_t* op
    cdef double* v
    cdef const double* m
    cdef double one
    cdef bint in_lane = q < p.lane_bits, cross
    lane_mask = mask & (lanes - 1)
    if not in_lane and steer < 0 and lane_mask == 0 and is_flip(m0):
        op = push_op(p, OP_FLIP)
        op[COL_T0] = p.place[q]
        split_controls(p, mask, value, &lane_mask, &lane_value, op)
        return 0
    cross = not is_real and is_cross(m0) and is_cross(m1)
    if cross:
        parts = 1
    if in_lane:
        op = push_op(
            p, OP_CROSS1_LANE if cross else OP_REAL1_LANE if is_real else OP_DENSE1_LANE)
        op[COL_T0] = q
        v = push_vectors(p, 2 * parts)
    else:
        op = push_op(p, OP_CROSS1 if cross else OP_REAL1 if is_real else OP_DENSE1)
        op[COL_T0] = p.place[q]
        v = push_vectors(p, 4 * parts)
    split_controls(p, mask, value, &lane_mask, &lane_value, op)
    for l in range(lanes):
        m = m1 if steer >= 0 and (l >> steer) & 1 else m0
        if (l & lane_mask) != lane_value:
            m = NULL
        if in_lane:
            bit = (l >> q) & 1
            for c in range(2):
                put(v, lanes, parts, c, l, m, 2 * bit + (bit ^ c), c == 0, cross and c == 1)
        else:
            for r in range(2):
                for c in range(2):
                    put(v, lanes, parts, 2 * r + c, l, m, 2 * r + c, r == c, cross and r != c)
    return 0


cdef int lower_two(Planner p, Item* it) except -1 nogil:
    cdef int lanes = 1 << p.lane_bits, l, r, c, parts = 1 if it.is_real else 2, a = it.q0
    cdef int b = it.q1, bit, row, column
    cdef int64_t* op
    cdef double* v
    cdef double m[32]
    memcpy(m, it.m, 32 * sizeof(double))
    if b < p.lane_bits:
        op = push_op(p, OP_REAL2_LANES if it.is_real else OP_DENSE2_LANES)
        op[COL_T0] = a
        op[COL_T1] = b
        v = push_vectors(p, 4 * parts)
        for l in range(lanes):
            row = ((l >> a) & 1) | ((l >> b) & 1) << 1
            for c in range(4):
                put(v, lanes, parts, c, l, m, 4 * row + (row ^ c), False, False)
    elif a < p.lane_bits:
        op = push_op(p, OP_REAL2_LANE if it.is_real else OP_DENSE2_LANE)
        op[COL_T0] = a
        op[COL_T1] = p.place[b]
        v = push_vectors(p, 8 * parts)
        for l in range(lanes):
            bit = (l >> a) & 1
            for r in range(2):
                for c in range(4):
                    # column c: bit 1 the block qubit's value, bit 0 whether lanes are exchanged
                    column = (c & 2) | (bit ^ (c & 1))
                    put(v, lanes, parts, 4 * r + c, l, m, 4 * (2 * r + bit) + column, False, False)
    else:
        if p.place[a] > p.place[b]:
            exchange_qubits(m)
            a, b = b, a
        op = push_op(p, OP_REAL2 if it.is_real else OP_DENSE2)
        op[COL_T0] = p.place[a]
        op[COL_T1] = p.place[b]
        v = push_vectors(p, 16 * parts)
        for l in range(lanes):
            for c in range(16):
                put(v, lanes, parts, c, l, m, c, False, False)
    return 0


cdef int lower_weyl(Planner p, Item* it) except -1 nogil:
    cdef int lanes = 1 << p.lane_bits, l, c, a = it.q0, b = it.q1, at
    cdef int64_t* op
    cdef double* v
    cdef double m[32]
    cdef double ta = it.m[16], tb = it.m[17]
    x_to_matrix(m, it.m)
    if b < p.lane_bits:
        op = push_op(p, OP_WEYL_LANES)
        op[COL_T0] = a
        op[COL_T1] = b
        v = push_vectors(p, 6)
        for l in range(lanes):
            at = ((l >> a) & 1) | ((l >> b) & 1) << 1
            v[l] = ta if at & 1 else -ta
            v[lanes + l] = tb if at & 2 else -tb
            for c in range(2):       # unchanged lanes, both exchanged
                put(v + 2 * lanes, lanes, 2, c, l, m, 4 * at + (at ^ 3 * c), False, False)
        return 0
    if a < p.lane_bits:
        op = push_op(p, OP_WEYL_LANE)
        op[COL_T0] = a
        op[COL_T1] = p.place[b]
        v = push_vectors(p, 10)
        for l in range(lanes):
            v[l] = ta if (l >> a) & 1 else -ta
            v[lanes + l] = tb
            for c in range(4):       # of the row c >> 1: the same, then the other, vector
                at = ((l >> a) & 1) | (c & 2)
                put(v + 2 * lanes, lanes, 2, c, l, m, 4 * at + (at ^ 3 * (c & 1)), False,
                    False)
        return 0
    if p.place[a] > p.place[b]:
        exchange_qubits(m)
        a, b = b, a
        ta, tb = tb, ta
    op = push_op(p, OP_WEYL)
    op[COL_T0] = p.place[a]
    op[COL_T1] = p.place[b]
    v = push_vectors(p, 18)
    for l in range(lanes):
        v[l] = ta
        v[lanes + l] = tb
        for c in range(8):           # each row: its diagonal entry, then the other one
            at = c >> 1
            put(v + 2 * lanes, lanes, 2, c, l, m, 4 * at + (at ^ 3 * (c & 1)), False, False)
    return 0


cdef int lower_phase(Planner p, const double* factor, uint64_t mask,
                     uint64_t value) except -1 nogil:
    """Multiplies the amplitudes under the controls by `factor`."""
    cdef uint64_t lane_mask, lane_value
    cdef int lanes = 1 << p.lane_bits, l
    cdef int64_t* op
    cdef double* v
    if factor[0] == 1 and factor[1] == 0:
        return 0
    op = push_op(p, OP_PHASE)
    v = push_vectors(p, 2)
    split_controls(p, mask, value, &lane_mask, &lane_value, op)
    for l in range(lanes):
        if (l & lane_mask) == lane_value:
            v[l] = factor[0]
            v[lanes + l] = factor[1]
        else:
            v[l] = 1
            v[lanes + l] = 0
    return 0


cdef int push_term(Planner p, uint64_t outer, int target, uint64_t lane, Term* t) except -1 nogil:
    cdef int lanes = 1 << p.lane_bits, l
    cdef index at = coefficient_position(p)
    cdef double* v = push_vectors(p, 2)
    for l in range(lanes):
        v[l] = t.re if (l & lane) == lane else 1
        v[lanes + l] = t.im if (l & lane) == lane else 0
    push_list(p, <int64_t>(outer >> p.lane_bits))
    push_list(p, target)
    push_list(p, at)
    return 0


cdef int lower_phases(Planner p, Item* it) except -1 nogil:
    """A diagonal run: products of one factor per block qubit, under controls.

    A factor that depends on two block qubits is a product under one of them as a control (the
    one that the most factors share first).
    """
    cdef Term* terms = <Term*>p.terms.data
    cdef index t, count = 0, i
    cdef uint64_t lane_mask = (BIT << p.lane_bits) - 1, outer_mask = 0, part, control
    cdef int q
    cdef int degree[64]
    cdef int best, linear = 0, target, only = -1
    cdef index num_terms, base_terms = 0
    cdef int64_t* op
    cdef index op_at
    cdef Buffer list_ = Buffer(NULL, 0, 0)
    cdef index* pending
    for q in range(p.lane_bits, p.num_qubits):
        if p.place[q] < 0:
            outer_mask |= BIT << q
    t = it.first_term
    while t >= 0:
        (<index*>grow(&list_, sizeof(index)))[0] = t
        count += 1
        t = terms[t].next
    try:
        pending = <index*>list_.data
        while count:
            # The control of the next product.
            control = 0
            for q in range(p.num_qubits):
                degree[q] = 0
            for i in range(count):
                part = terms[pending[i]].mask & ~lane_mask & ~outer_mask
                if popcount(part) == 2:
                    for q in range(p.lane_bits, p.num_qubits):
                        degree[q] += (part >> q) & 1
                elif popcount(part) > 2 and not control:
                    control = part & (part - 1)
            if not control:
                best = -1
                for q in range(p.lane_bits, p.num_qubits):
                    if degree[q] and (best < 0 or degree[q] > degree[best]):
                        best = q
                if best >= 0:
                    control = BIT << best
            if not control:
                # Nothing but factors of one qubit or none. A single one is its own control.
                linear = 0
                base_terms = 0
                for i in range(count):
                    part = terms[pending[i]].mask & ~lane_mask & ~outer_mask
                    if part == 0:
                        base_terms += 1
                    elif only < 0 or not (part >> only) & 1:
                        only = lowest(part)
                        linear += 1
                if linear == 1 and base_terms == 0:
                    control = BIT << only
            op = push_op(p, OP_PRODUCT)
            op_at = p.out_ops.used - OP_COLUMNS * sizeof(int64_t)
            op[COL_LIST] = p.out_lists.used // <index>sizeof(int64_t)
            for q in range(p.lane_bits, p.num_qubits):
                if (control >> q) & 1:
                    op[COL_CONTROL] |= <int64_t>1 << p.place[q]
            op[COL_CONTROL_VALUE] = op[COL_CONTROL]
            op[COL_COEFFICIENT] = 0
            num_terms = 0
            i = 0
            while i < count:
                part = terms[pending[i]].mask & ~lane_mask & ~outer_mask
                if part & control == control and popcount(part & ~control) <= 1 and (
                        control != 0 or popcount(part) <= 1):
                    target = -1
                    if part & ~control:
                        target = p.place[lowest(part & ~control)]
                    push_term(p, terms[pending[i]].mask & outer_mask, target,
                              terms[pending[i]].mask & lane_mask, terms + pending[i])
                    num_terms += 1
                    count -= 1
                    pending[i] = pending[count]
                else:
                    i += 1
            op = <int64_t*>(p.out_ops.data + op_at)
            op[COL_COUNT] = num_terms
    finally:
        free(list_.data)
    return 0


cdef int lower_table(Planner p, Item* it) except -1 nogil:
    """A diagonal of many entries: looked up, the lane qubits among its own folded in."""
    cdef const int64_t* row = p.kinds + KIND_COLUMNS * p.kind[it.gate]
    cdef const int32_t* given = p.qubits + p.start[it.gate] + row[KIND_CONTROLS]
    cdef const double* c = p.coefficients + 2 * p.offset[it.gate]
    cdef int k = row[KIND_TARGETS], i, l, lanes = 1 << p.lane_bits, outside = 0
    cdef index y, entry
    cdef int64_t* op = push_op(p, OP_LOOKUP)
    cdef double* v
    cdef uint64_t lane_mask, lane_value
    split_controls(p, it.control, it.control_value, &lane_mask, &lane_value, op)
    op[COL_LIST] = p.out_lists.used // <index>sizeof(int64_t)
    for i in range(k):
        if given[i] >= p.lane_bits:
            if p.place[given[i]] >= 0:
                push_list(p, p.place[given[i]])
            else:
                push_list_any(p, ~<int64_t>(given[i] - p.lane_bits))
            outside += 1
    op[COL_COUNT] = outside
    for y in range(<index>1 << outside):
        v = push_vectors(p, 2)
        for l in range(lanes):
            entry = 0
            outside = 0
            for i in range(k):
                if given[i] < p.lane_bits:
                    entry |= <index>((l >> given[i]) & 1) << i
                else:
                    entry |= ((y >> outside) & 1) << i
                    outside += 1
            if (l & lane_mask) == lane_value:
                v[l] = c[2 * entry]
                v[lanes + l] = c[2 * entry + 1]
            else:
                v[l] = 1
                v[lanes + l] = 0
    return 0


cdef int push_list_any(Planner p, int64_t x) except -1 nogil:
    (<int64_t*>grow(&p.out_lists, sizeof(int64_t)))[0] = x
    return 0


cdef int lower_few(Planner p, Item* it) except -1 nogil:
    """A dense matrix on three to five qubits."""
    cdef const int64_t* row = p.kinds + KIND_COLUMNS * p.kind[it.gate]
    cdef const int32_t* given = p.qubits + p.start[it.gate] + row[KIND_CONTROLS]
    cdef const double* c = p.coefficients + 2 * p.offset[it.gate]
    cdef int k = row[KIND_TARGETS], i, l, num_block = 0, num_lane = 0, lanes = 1 << p.lane_bits
    cdef int rank[8]
    cdef index size = <index>1 << k, rows, r, col, m, from_row, from_column, b
    cdef int64_t* op = push_op(p, OP_DENSE5)
    cdef double* v
    cdef uint64_t lane_mask, lane_value, bit
    split_controls(p, it.control, it.control_value, &lane_mask, &lane_value, op)
    op[COL_LIST] = p.out_lists.used // <index>sizeof(int64_t)
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
    if 2 * size << p.lane_bits > p.work_reals:
        p.work_reals = 2 * size << p.lane_bits
    return 0


cdef int lower_big(Planner p, Item* it) except -1 nogil:
    cdef const int64_t* row = p.kinds + KIND_COLUMNS * p.kind[it.gate]
    cdef const int32_t* given = p.qubits + p.start[it.gate] + row[KIND_CONTROLS]
    cdef const double* c = p.coefficients + 2 * p.offset[it.gate]
    cdef int k = row[KIND_TARGETS], i, q
    cdef index size = <index>1 << k, r, column, reals, lanes = <index>1 << p.lane_bits
    cdef int64_t* op = push_op(p, OP_DENSEK)
    cdef double* v
    cdef uint64_t lane_mask, lane_value
    split_controls(p, it.control, it.control_value, &lane_mask, &lane_value, op)
    op[COL_CONTROL] = op[COL_CONTROL] << p.lane_bits | <int64_t>lane_mask
    op[COL_CONTROL_VALUE] = op[COL_CONTROL_VALUE] << p.lane_bits | <int64_t>lane_value
    op[COL_LIST] = p.out_lists.used // <index>sizeof(int64_t)
    op[COL_COUNT] = k
    for i in range(k):
        q = given[i]
        push_list(p, q if q < p.lane_bits else p.place[q] + p.lane_bits)
    reals = 2 * size * size
    reals = (reals + lanes - 1) // lanes * lanes
    v = <double*>grow(&p.out_coefficients, reals * sizeof(double))
    for column in range(size):
        for r in range(size):
            v[2 * size * column + r] = c[2 * (size * r + column)]
            v[2 * size * column + size + r] = c[2 * (size * r + column) + 1]
    # Vectors, results, and offsets of 64 bits, each as long as two reals of single precision.
    reals = (4 * size << p.lane_bits) + 6 * size
    if reals > p.work_reals:
        p.work_reals = reals
    return 0


cdef int lower_item(Planner p, Item* it) except -1 nogil:
    cdef uint64_t steer
    cdef int64_t* op
    if it.kind == ONE:
        return lower_small(p, it.q0, it.m, it.m, -1, it.is_real, 0, 0)
    if it.kind == TWO:
        return lower_two(p, it)
    if it.kind == WEYL:
        return lower_weyl(p, it)
    if it.kind == STEERED:
        if it.q1 < p.lane_bits:
            return lower_small(p, it.q0, it.m, it.m + 8, it.q1, it.is_real, 0, 0)
        steer = BIT << it.q1
        if not is_identity(it.m):
            lower_small(p, it.q0, it.m, it.m, -1, it.is_real, steer, 0)
        if not is_identity(it.m + 8):
            lower_small(p, it.q0, it.m + 8, it.m + 8, -1, it.is_real, steer, steer)
        return 0
    if it.kind == PHASES:
        return lower_phases(p, it)
    if it.kind == CONTROLLED:
        if it.nd == 0:
            if it.m[0] == it.m[6] and it.m[1] == it.m[7]:
                return lower_phase(p, it.m, it.control, it.control_value)
            lower_phase(p, it.m, it.control | BIT << it.q0, it.control_value)
            return lower_phase(p, it.m + 6, it.control | BIT << it.q0,
                               it.control_value | BIT << it.q0)
        return lower_small(p, it.q0, it.m, it.m, -1, it.is_real, it.control,
                           it.control_value)
    if it.kind == TABLE:
        return lower_table(p, it)
    if it.kind == BIG:
        if p.kinds[KIND_COLUMNS * p.kind[it.gate] + KIND_TARGETS] <= 5:
            return lower_few(p, it)
        return lower_big(p, it)
    if it.q0 < p.lane_bits or it.q1 < p.lane_bits:
        return lower_two(p, it)
    op = push_op(p, OP_SWAP)
    op[COL_T0] = min(p.place[it.q0], p.place[it.q1])
    op[COL_T1] = max(p.place[it.q0], p.place[it.q1])
    return 0
