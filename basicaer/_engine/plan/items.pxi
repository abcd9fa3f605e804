# Stage 2 of 6: clusters to items.
#
# Takes   `clusters`.
# Leaves  `items`, in an order that does the same: what becomes one operation each, or a few. Each
#         knows the qubits whose values it mixes and those on which it is diagonal.
#
# The matrices in front of a core go into it or become items of their own, whichever is cheaper.
# Diagonal clusters with no other item on their qubits between them become one item, a diagonal
# group: factors, each for the amplitudes whose bits in a mask are all 1.

cdef Item* new_item(Planner p, int kind) except NULL nogil:
    cdef Item* it = <Item*>extend(&p.items, sizeof(Item))
    memset(it, 0, sizeof(Item))
    it.kind = kind
    it.first_term = it.last_term = -1
    return it


cdef index num_items(Planner p) noexcept nogil:
    return count_of(&p.items, sizeof(Item))


cdef int add_term(Planner p, uint64_t mask, const double* factor) except -1 nogil:
    """Adds a factor to `last_group`: of the amplitudes whose bits in `mask` are all 1."""
    cdef Term* t
    cdef Item* it
    cdef index at = count_of(&p.terms, sizeof(Term))
    if fabs(factor[0] - 1) < TINY and fabs(factor[1]) < TINY:
        return 0
    if mask == 0:
        zmul(p.scalar, p.scalar, factor)
        return 0
    t = <Term*>extend(&p.terms, sizeof(Term))
    t.mask = mask
    t.re = factor[0]
    t.im = factor[1]
    t.next = -1
    it = <Item*>p.items.data + p.last_group
    if it.first_term < 0:
        it.first_term = at
    else:
        (<Term*>p.terms.data + it.last_term).next = at
    it.last_term = at
    it.diagonal |= mask
    return 0


cdef int join_group(Planner p, uint64_t mask) except -1 nogil:
    """Makes sure that `last_group` is a diagonal group that a diagonal on `mask` can join."""
    cdef int q
    if p.last_group >= 0 and p.fusion:
        for q in range(p.num_qubits):
            if (mask >> q) & 1 and p.last_mixed[q] > p.last_group:
                break
        else:
            return 0
    new_item(p, DIAGONAL_GROUP)
    p.last_group = num_items(p) - 1
    return 0


cdef int mark_mixed(Planner p, uint64_t mask) except -1 nogil:
    """The last item mixes the qubits of `mask`: no diagonal after it joins a group before it."""
    cdef index last = num_items(p) - 1
    (<Item*>p.items.data + last).mixed = mask
    while mask:
        p.last_mixed[lowest(mask)] = last
        mask &= mask - 1
    return 0


cdef int item_of_one_qubit(Planner p, int q, const double* m, int pattern,
                           bint is_real) except -1 nogil:
    """A 2x2 matrix."""
    cdef Item* it
    cdef double f[2]
    if pattern & ~DIAGONAL2 == 0 and unit(m) and unit(m + 6):
        join_group(p, BIT << q)
        zmul(p.scalar, p.scalar, m)
        zdiv(f, m + 6, m)
        return add_term(p, BIT << q, f)
    it = new_item(p, ONE_QUBIT)
    it.q0 = q
    it.is_real = is_real
    memcpy(it.m, m, 8 * sizeof(double))
    p.num_fused += 1
    return mark_mixed(p, BIT << q)


cdef int item_of_core(Planner p, Cluster* cluster) except -1 nogil:
    """The core of a cluster of two qubits, what belongs into it multiplied."""
    cdef int q0 = cluster.q0, q1 = cluster.q1, pattern = cluster.pattern, i
    cdef double* m = cluster.m
    cdef double f[2]
    cdef double g[2]
    cdef bint diagonal = pattern & ~DIAGONAL4 == 0
    cdef Item* it
    for i in range(4):
        diagonal = diagonal and unit(m + 10 * i)
    if diagonal:
        # d0; times d1 / d0 where q0 is 1, d2 / d0 where q1 is 1, d0 d3 / (d1 d2) where both are.
        join_group(p, BIT << q0 | BIT << q1)
        zmul(p.scalar, p.scalar, m)
        zdiv(f, m + 10, m)
        add_term(p, BIT << q0, f)
        zdiv(f, m + 20, m)
        add_term(p, BIT << q1, f)
        zdiv(f, m + 30, m + 10)
        zdiv(g, m, m + 20)
        zmul(f, f, g)
        return add_term(p, BIT << q0 | BIT << q1, f)
    p.num_fused += 1
    if pattern & ~STEERED_BY_1 == 0 or pattern & ~STEERED_BY_0 == 0:
        if pattern & ~STEERED_BY_1:
            exchange_qubits(m)
            q0, q1 = q1, q0
        it = new_item(p, STEERED)
        it.q0 = q0
        it.q1 = q1
        it.is_real = cluster.is_real
        it.diagonal = BIT << q1
        for i in range(4):
            # block of the second qubit's value i >> 1, row i & 1
            memcpy(it.m + 4 * i, m + 2 * (4 * i + 2 * (i >> 1)), 4 * sizeof(double))
        return mark_mixed(p, BIT << q0)
    it = new_item(p, SWAP if is_swap4(m, pattern) else TWO_QUBIT)
    it.q0 = q0
    it.q1 = q1
    it.is_real = cluster.is_real
    memcpy(it.m, m, 32 * sizeof(double))
    return mark_mixed(p, BIT << q0 | BIT << q1)


cdef int items_of_two_qubits(Planner p, Cluster* cluster) except -1 nogil:
    """A cluster of two qubits: what stays in front of its core, and the core."""
    cdef int choice, side
    cdef Pending* before
    cluster_cost(p, cluster.pattern, cluster.is_real, &cluster.before[0], &cluster.before[1],
                 &choice)
    for side in range(2):
        before = &cluster.before[side]
        if not before.has:
            continue
        if choice >> side & 1:
            mul_right(cluster.m, before.m, side)
            cluster.pattern = pattern_mul4(cluster.pattern, pattern_embed(before.pattern, side))
            cluster.is_real = cluster.is_real and before.is_real
        else:
            item_of_one_qubit(p, cluster.q1 if side else cluster.q0, before.m, before.pattern,
                              before.is_real)
    return item_of_core(p, cluster)


cdef int item_of_controlled(Planner p, const Cluster* cluster) except -1 nogil:
    """A 2x2 matrix under two controls or more."""
    cdef uint64_t target = BIT << cluster.q0
    cdef double f[2]
    cdef Item* it
    if (cluster.pattern == DIAGONAL2 and unit(cluster.m) and unit(cluster.m + 6)
            and cluster.control == cluster.control_value & cluster.control):
        join_group(p, target | cluster.control)
        add_term(p, cluster.control, cluster.m)
        zdiv(f, cluster.m + 6, cluster.m)
        return add_term(p, cluster.control | target, f)
    p.num_fused += 1
    it = new_item(p, CONTROLLED)
    it.q0 = cluster.q0
    it.is_real = cluster.is_real
    it.control = cluster.control
    it.control_value = cluster.control_value
    it.diagonal = cluster.control
    memcpy(it.m, cluster.m, 8 * sizeof(double))
    if cluster.pattern == DIAGONAL2:
        it.diagonal |= target
        return 0
    return mark_mixed(p, target)


cdef int item_of_wide(Planner p, const Cluster* cluster) except -1 nogil:
    """A gate whose coefficients stay where the gate has them."""
    cdef const int32_t* given = p.qubits + p.start[cluster.gate]
    cdef const int64_t* row = p.kinds + KIND_COLUMNS * p.kind[cluster.gate]
    cdef uint64_t targets = 0
    cdef int i
    cdef Item* it
    p.num_fused += 1
    it = new_item(p, cluster.kind)
    it.gate = cluster.gate
    it.is_real = cluster.is_real
    it.control = cluster.control
    it.control_value = cluster.control_value
    it.diagonal = cluster.control
    for i in range(<int>row[KIND_TARGETS]):
        targets |= BIT << given[row[KIND_CONTROLS] + i]
    if cluster.kind == DIAGONAL_TABLE:
        it.diagonal |= targets
        return 0
    return mark_mixed(p, targets)


cdef int make_items(Planner p) except -1 nogil:
    """Clusters to items."""
    cdef index i
    cdef int q
    cdef Cluster* cluster
    p.last_group = -1
    for q in range(MAX_BITS):
        p.last_mixed[q] = -1
    for i in range(num_clusters(p)):
        cluster = <Cluster*>p.clusters.data + i
        if cluster.kind == ONE_QUBIT:
            item_of_one_qubit(p, cluster.q0, cluster.m, cluster.pattern, cluster.is_real)
        elif cluster.kind == TWO_QUBIT:
            items_of_two_qubits(p, cluster)
        elif cluster.kind == CONTROLLED:
            item_of_controlled(p, cluster)
        else:
            item_of_wide(p, cluster)
    return 0
