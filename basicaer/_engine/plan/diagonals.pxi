# Stage 5 of 6, lowering: diagonal items to operations.
#
# Takes   an item, and where the pass has put its qubits: `place`.
# Leaves  operations (output.pxi): a PHASE, the PRODUCT of a diagonal group, or several, or a LOOKUP.

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


cdef int push_term(Planner p, const Term* t, const int* rank) except -1 nogil:
    """A term of a PRODUCT; `rank`: the place of each qubit in its list, or -1."""
    cdef uint64_t lane = t.mask & ((BIT << p.lane_bits) - 1), left = t.mask ^ lane
    cdef int lanes = 1 << p.lane_bits if lane else 1, l, q, first = -1, second = -1
    cdef int64_t outer = 0
    cdef index at = coefficient_position(p)
    cdef index* v = push_vectors(p, 2, lanes)
    for l in range(lanes):
        v[l] = t.at if (l & lane) == lane else R_ONE
        v[lanes + l] = t.at + 1 if (l & lane) == lane else R_ZERO
    while left:
        q = lowest(left)
        left &= left - 1
        if p.place[q] < 0:
            outer |= <int64_t>1 << (q - p.lane_bits)
        elif rank[q] > second:
            first = second
            second = rank[q]
        elif rank[q] >= 0:
            first = rank[q]
    push_list(p, outer)
    push_list(p, second if first < 0 else first)
    push_list(p, -1 if first < 0 else second)
    push_list(p, at)
    return 0


# What PRODUCT takes beside its own multiply-adds, in those of a pair of vectors; measured. Vectors
# of few lanes have done more of them in the time that a step takes.
cdef double STEP_MADDS = 12         # for each value of its bits behind the first ones
cdef double NARROW_STEP_MADDS = 16
cdef double TABLE_MADDS = 6         # for each entry of a table that is computed
cdef double NARROW_TABLE_MADDS = 4
cdef double FAR_TABLE_MADDS = 14    # likewise, if all tables are more than stays in L1
cdef index NEAR_TABLES = 1 << 15    # bytes that do


cdef int order_bits(const uint64_t* neighbours, uint64_t bits, int lane_bits, int* order,
                    int* crossing) noexcept nogil:
    """Chooses which bits of a PRODUCT its table is for.

    Args:
        neighbours: of each local bit, those that it shares factors with, as a mask.
        bits: the local bits that are no controls.
        order: written, the bits: first the table's, last those that share factors with these.
        crossing: written, how many these last ones are.

    Returns:
        How many bits the table is for.
    """
    cdef uint64_t best = 0, low, reach, left
    cdef double least = 1e300, cost
    cdef double step = NARROW_STEP_MADDS if lane_bits < 3 else STEP_MADDS
    cdef double entry = NARROW_TABLE_MADDS if lane_bits < 3 else TABLE_MADDS
    cdef index inside       # entries of the table with factors of two of its bits
    cdef index bytes
    cdef int size, most, all_bits = popcount(bits), i, n, c
    for most in range(2):           # bits that share factors with many others, allowed or not
        low = reach = 0
        size = inside = 0
        for i in range(64):
            if size == PRODUCT_LOW_BITS or bits >> i == 0:
                break
            if not (bits >> i) & 1 or (most == 1 and popcount(neighbours[i]) > 3):
                continue
            low |= BIT << i
            reach |= neighbours[i]
            size += 1
            c = popcount(reach & ~low)
            n = all_bits - size
            if neighbours[i] & low:
                inside += <index>1 << size - 1
            cost = step / (<index>1 << size)
            cost += (entry * (c + 1) - 4) / (<index>1 << n)
            cost += entry * inside / (<index>1 << all_bits)
            if c:
                bytes = <index>(2 * c + 1) << size + lane_bits + 4      # in double precision
                cost += (entry if bytes <= NEAR_TABLES else FAR_TABLE_MADDS) / (
                    <index>1 << n - c)
            if cost < least:
                least = cost
                best = low
    reach = 0
    n = 0
    for i in range(64):
        if (best >> i) & 1:
            order[n] = i
            n += 1
            reach |= neighbours[i]
    size = n
    reach &= ~best
    for most in range(2):
        left = bits & ~best & (reach if most else ~reach)
        while left:
            order[n] = lowest(left)
            n += 1
            left &= left - 1
    crossing[0] = popcount(reach)
    return size


cdef int lower_product(Planner p, const index* chosen, index count,
                       uint64_t control) except -1 nogil:
    """Terms that have all qubits of `control` and at most two other block qubits: a PRODUCT."""
    cdef Term* terms = <Term*>p.terms.data
    cdef uint64_t common = ~<uint64_t>0, block, left, bits
    cdef uint64_t neighbours[MAX_BITS]
    cdef int order[MAX_BITS]
    cdef int rank[MAX_BITS]         # of each qubit
    cdef int qubit[MAX_BITS]        # of each local bit
    cdef int q, a, b, low, crossing
    cdef index i
    cdef int64_t* op = push_op(p, OP_PRODUCT)
    block = 0
    for q in range(p.num_qubits):
        rank[q] = -1
        if q >= p.lane_bits and p.place[q] >= 0:
            block |= BIT << q
            qubit[p.place[q]] = q
    for i in range(count):
        common &= terms[chosen[i]].mask & block
    control |= common
    memset(neighbours, 0, sizeof(neighbours))
    for i in range(count):
        left = terms[chosen[i]].mask & block & ~control
        if popcount(left) == 2:
            a = p.place[lowest(left)]
            b = p.place[lowest(left & (left - 1))]
            neighbours[a] |= BIT << b
            neighbours[b] |= BIT << a
    bits = (BIT << p.op_live) - 1
    left = control
    while left:
        op[COL_CONTROL] |= <int64_t>1 << p.place[lowest(left)]
        left &= left - 1
    bits &= ~<uint64_t>op[COL_CONTROL]
    low = order_bits(neighbours, bits, p.lane_bits, order, &crossing)
    op[COL_CONTROL_VALUE] = op[COL_CONTROL]
    op[COL_T0] = low
    op[COL_T1] = popcount(bits)
    op[COL_LIST] = list_position(p)
    op[COL_COUNT] = count
    p.work_vectors = max(p.work_vectors, product_work(low, op[COL_T1], crossing, count))
    for i in range(op[COL_T1]):
        push_list(p, order[i])
        rank[qubit[order[i]]] = i
    for i in range(count):
        push_term(p, terms + chosen[i], rank)
    return 0


cdef index terms_that_fit(Planner p, index* left, index count, uint64_t block,
                          uint64_t control) noexcept nogil:
    """Puts the terms that `lower_product` can take under the controls last; returns how many."""
    cdef const Term* terms = <Term*>p.terms.data
    cdef index i, at = count, t
    cdef uint64_t mask
    for i in range(count - 1, -1, -1):
        t = left[i]
        mask = terms[t].mask & block
        if mask & control == control and popcount(mask & ~control) <= 2:
            at -= 1
            left[i] = left[at]
            left[at] = t
    return count - at


cdef int lower_group(Planner p, Item* it) except -1 nogil:
    """A diagonal group: one product of its factors, unless some depend on three block qubits.

    Those are products under controls, first under the qubit that most of them depend on. Factors of
    the same qubit are multiplied here; others of the same qubits by the kernel, in each block.
    """
    cdef Term* terms = <Term*>p.terms.data
    cdef index t, count = 0, i, fit, found, both
    cdef uint64_t block = 0, control
    cdef int q, best
    cdef int degree[MAX_BITS]
    cdef index alone[MAX_BITS]      # of each qubit, the term that depends on it only
    cdef Growable terms_left = Growable(NULL, 0, 0)
    cdef index* left
    for q in range(p.lane_bits, p.num_qubits):
        if p.place[q] >= 0:
            block |= BIT << q
    memset(alone, -1, sizeof(alone))
    try:
        t = it.first_term
        while t >= 0:
            found = -1
            if terms[t].mask and terms[t].mask & (terms[t].mask - 1) == 0:
                q = lowest(terms[t].mask)
                found = alone[q]
                alone[q] = t if found < 0 else found
            if found >= 0:
                both = new_registers(p, 2)
                step(p, MULTIPLY, both, terms[found].at, terms[t].at)
                terms[found].at = both
            else:
                (<index*>extend(&terms_left, sizeof(index)))[0] = t
                count += 1
            t = terms[t].next
        left = <index*>terms_left.data
        while count:
            control = 0
            fit = terms_that_fit(p, left, count, block, control)
            while fit == 0:
                memset(degree, 0, sizeof(degree))
                for i in range(count):
                    if terms[left[i]].mask & control == control:
                        for q in range(p.lane_bits, p.num_qubits):
                            degree[q] += (terms[left[i]].mask & block & ~control) >> q & 1
                best = p.lane_bits
                for q in range(p.lane_bits, p.num_qubits):
                    if degree[q] > degree[best]:
                        best = q
                control |= BIT << best
                fit = terms_that_fit(p, left, count, block, control)
            lower_product(p, left + count - fit, fit, control)
            count -= fit
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
