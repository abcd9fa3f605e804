# Stage 5 of 6, lowering: diagonal items to operations.
#
# Takes   an item, and where the pass has put its qubits: `place`.
# Leaves  operations (output.pxi): a PHASE, the PRODUCTs of a diagonal group, or a LOOKUP.

cdef int lower_phase(Planner p, index factor, uint64_t mask, uint64_t value) except -1 nogil:
    """Multiplies the amplitudes under the controls by `factor`."""
    cdef uint64_t lane_mask, lane_value
    cdef int lanes = 1 << p.lane_bits, l
    cdef int64_t* op
    cdef index* v
    if ask(p, IS_ONE, factor):
        return 0
    op = push_op(p, OP_PHASE)
    split_controls(p, mask, value, &lane_mask, &lane_value, op)
    if lane_mask == 0:
        lanes = 1
    v = push_vectors(p, 2, lanes)
    for l in range(lanes):
        if (l & lane_mask) == lane_value:
            v[l] = factor
            v[lanes + l] = factor + 1
        else:
            v[l] = R_ONE
            v[lanes + l] = R_ZERO
    return 0


cdef int push_term(Planner p, uint64_t outer, int target, uint64_t lane, Term* t) except -1 nogil:
    """A term of a PRODUCT, under the outer and the lane qubits of the masks."""
    cdef int lanes = 1 << p.lane_bits if lane else 1, l
    cdef index at = coefficient_position(p)
    cdef index* v = push_vectors(p, 2, lanes)
    for l in range(lanes):
        v[l] = t.at if (l & lane) == lane else R_ONE
        v[lanes + l] = t.at + 1 if (l & lane) == lane else R_ZERO
    push_list(p, <int64_t>(outer >> p.lane_bits))
    push_list(p, target)
    push_list(p, at)
    return 0


cdef int lower_group(Planner p, Item* it) except -1 nogil:
    """A diagonal group: products of one factor per block qubit, under controls.

    A factor that depends on two block qubits is a product under one of them as a control (the
    one that the most factors share first).
    """
    cdef Term* terms = <Term*>p.terms.data
    cdef index t, count = 0, i
    cdef uint64_t lane_mask = (BIT << p.lane_bits) - 1, outer_mask = 0, in_block, control
    cdef int q
    cdef int degree[MAX_BITS]
    cdef int best, linear = 0, target, only = -1
    cdef index num_terms, base_terms = 0
    cdef int64_t* op
    cdef index op_at
    cdef Growable terms_left = Growable(NULL, 0, 0)
    cdef index* left
    for q in range(p.lane_bits, p.num_qubits):
        if p.place[q] < 0:
            outer_mask |= BIT << q
    t = it.first_term
    while t >= 0:
        (<index*>extend(&terms_left, sizeof(index)))[0] = t
        count += 1
        t = terms[t].next
    try:
        left = <index*>terms_left.data
        while count:
            # The control of the next product.
            control = 0
            for q in range(p.num_qubits):
                degree[q] = 0
            for i in range(count):
                in_block = terms[left[i]].mask & ~lane_mask & ~outer_mask
                if popcount(in_block) == 2:
                    for q in range(p.lane_bits, p.num_qubits):
                        degree[q] += (in_block >> q) & 1
                elif popcount(in_block) > 2 and not control:
                    control = in_block & (in_block - 1)
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
                    in_block = terms[left[i]].mask & ~lane_mask & ~outer_mask
                    if in_block == 0:
                        base_terms += 1
                    elif only < 0 or not (in_block >> only) & 1:
                        only = lowest(in_block)
                        linear += 1
                if linear == 1 and base_terms == 0:
                    control = BIT << only
            op = push_op(p, OP_PRODUCT)
            op_at = p.out_ops.used - OP_COLUMNS * sizeof(int64_t)
            op[COL_LIST] = list_position(p)
            for q in range(p.lane_bits, p.num_qubits):
                if (control >> q) & 1:
                    op[COL_CONTROL] |= <int64_t>1 << p.place[q]
            op[COL_CONTROL_VALUE] = op[COL_CONTROL]
            op[COL_COEFFICIENT] = 0
            num_terms = 0
            i = 0
            while i < count:
                in_block = terms[left[i]].mask & ~lane_mask & ~outer_mask
                if in_block & control == control and popcount(in_block & ~control) <= 1 and (
                        control != 0 or popcount(in_block) <= 1):
                    target = -1
                    if in_block & ~control:
                        target = p.place[lowest(in_block & ~control)]
                    push_term(p, terms[left[i]].mask & outer_mask, target,
                              terms[left[i]].mask & lane_mask, terms + left[i])
                    num_terms += 1
                    count -= 1
                    left[i] = left[count]
                else:
                    i += 1
            op = <int64_t*>(p.out_ops.data + op_at)
            op[COL_COUNT] = num_terms
    finally:
        free(terms_left.data)
    return 0


cdef int lower_table(Planner p, Item* it) except -1 nogil:
    """A diagonal of many entries: looked up, the lane qubits among its own folded in."""
    cdef const int64_t* row = p.kinds + KIND_COLUMNS * p.kind[it.gate]
    cdef const int32_t* given = p.qubits + p.start[it.gate] + row[KIND_CONTROLS]
    cdef int k = row[KIND_TARGETS], i, outside = 0
    cdef int64_t* op = push_op(p, OP_LOOKUP)
    cdef uint64_t lane_mask, lane_value
    split_controls(p, it.control, it.control_value, &lane_mask, &lane_value, op)
    op[COL_LIST] = list_position(p)
    for i in range(k):
        if given[i] >= p.lane_bits:
            if p.place[given[i]] >= 0:
                push_list(p, p.place[given[i]])
            else:
                push_list(p, ~<int64_t>(given[i] - p.lane_bits))
            outside += 1
    op[COL_COUNT] = outside
    return push_fill(p, OP_LOOKUP, it.gate, given, k, lane_mask, lane_value,
                     <index>2 << outside + p.lane_bits)
