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


cdef index new_term(Planner p, uint64_t mask, index factor) except -1 nogil:
    """A factor of the amplitudes whose bits in `mask` are all 1, in no group yet."""
    cdef Term* t = <Term*>extend(&p.terms, sizeof(Term))
    t.mask = mask
    t.at = factor
    t.next = -1
    return count_of(&p.terms, sizeof(Term)) - 1


cdef void append_term(Planner p, Item* it, index at) noexcept nogil:
    """Puts a term at the end of a diagonal group."""
    cdef Term* terms = <Term*>p.terms.data
    terms[at].next = -1
    if it.first_term < 0:
        it.first_term = at
    else:
        terms[it.last_term].next = at
    it.last_term = at
    it.diagonal |= terms[at].mask


cdef void append_terms(Planner p, Item* it, const Item* other) noexcept nogil:
    """Puts all terms of another diagonal group at the end of one."""
    if other.first_term < 0:
        return
    if it.first_term < 0:
        it.first_term = other.first_term
    else:
        (<Term*>p.terms.data + it.last_term).next = other.first_term
    it.last_term = other.last_term
    it.diagonal |= other.diagonal


cdef int add_term(Planner p, uint64_t mask, index factor) except -1 nogil:
    """Adds a factor to `last_group`: of the amplitudes whose bits in `mask` are all 1."""
    cdef index at
    if ask(p, IS_ABOUT_ONE, factor):
        return 0
    if mask == 0:
        step(p, SCALE, R_SCALAR, factor, 1)
        return 0
    at = new_term(p, mask, factor)
    append_term(p, <Item*>p.items.data + p.last_group, at)
    return 0


cdef bint joins_last_group(Planner p, uint64_t mask) noexcept nogil:
    """True if there is a last group, and no item after it mixes a qubit of `mask`."""
    if p.last_group < 0:
        return False
    while mask:
        if p.last_mixed[lowest(mask)] > p.last_group:
            return False
        mask &= mask - 1
    return True


cdef int join_group(Planner p, uint64_t mask) except -1 nogil:
    """Makes sure that `last_group` is a diagonal group that a diagonal on `mask` can join."""
    if p.fusion and joins_last_group(p, mask):
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


cdef int item_of_one_qubit(Planner p, int q, index m, int pattern,
                           bint is_real) except -1 nogil:
    """A 2x2 matrix."""
    cdef Item* it
    cdef index f
    if pattern & ~DIAGONAL2 == 0 and ask(p, HAS_UNITS2, m):
        join_group(p, BIT << q)
        step(p, SCALE, R_SCALAR, m, 1)
        f = new_registers(p, 2)
        step(p, QUOTIENT, f, m + 6, m)
        return add_term(p, BIT << q, f)
    it = new_item(p, ONE_QUBIT)
    it.q0 = q
    it.is_real = is_real
    it.at = m
    p.num_fused += 1
    return mark_mixed(p, BIT << q)


cdef int item_of_core(Planner p, Cluster* cluster) except -1 nogil:
    """The core of a cluster of two qubits, what belongs into it multiplied."""
    cdef int q0 = cluster.q0, q1 = cluster.q1, pattern = cluster.pattern
    cdef index m = cluster.at, f, blocks
    cdef Item* it
    if pattern & ~DIAGONAL4 == 0 and ask(p, HAS_UNITS4, m):
        # d0; times d1 / d0 where q0 is 1, d2 / d0 where q1 is 1, d0 d3 / (d1 d2) where both are.
        join_group(p, BIT << q0 | BIT << q1)
        step(p, SCALE, R_SCALAR, m, 1)
        f = new_registers(p, 6)
        step(p, QUOTIENT, f, m + 10, m)
        add_term(p, BIT << q0, f)
        step(p, QUOTIENT, f + 2, m + 20, m)
        add_term(p, BIT << q1, f + 2)
        step(p, BOTH_FACTOR, f + 4, m, 0)
        return add_term(p, BIT << q0 | BIT << q1, f + 4)
    p.num_fused += 1
    if pattern & ~STEERED_BY_1 == 0 or pattern & ~STEERED_BY_0 == 0:
        if pattern & ~STEERED_BY_1:
            step(p, EXCHANGE, m, 0, 0)
            q0, q1 = q1, q0
        blocks = new_registers(p, 16)
        step(p, BLOCKS, blocks, m, 0)
        it = new_item(p, STEERED)
        it.q0 = q0
        it.q1 = q1
        it.is_real = cluster.is_real
        it.diagonal = BIT << q1
        it.at = blocks
        return mark_mixed(p, BIT << q0)
    it = new_item(p, SWAP if pattern == SWAP4 and ask(p, IS_SWAP, m)
                  else TWO_TURN if p.register_bits and pattern & ~X4 == 0 else TWO_QUBIT)
    it.q0 = q0
    it.q1 = q1
    it.is_real = cluster.is_real
    it.at = m
    return mark_mixed(p, BIT << q0 | BIT << q1)


cdef int items_of_two_qubits(Planner p, Cluster* cluster) except -1 nogil:
    """A cluster of two qubits: what stays in front of its core, and the core."""
    cdef int side, choice
    cdef Pending* before
    choice = takes(&p.merging, core_of(cluster), structure_of(&cluster.before[0]),
                   structure_of(&cluster.before[1]))
    for side in range(2):
        before = &cluster.before[side]
        if not before.has:
            continue
        if choice >> side & 1:
            step(p, RIGHT, cluster.at, before.at, side)
            cluster.pattern = pattern_mul4(cluster.pattern, pattern_embed(before.pattern, side))
            cluster.is_real = cluster.is_real and before.is_real
        elif not absorbed_back(p, cluster, side):
            item_of_one_qubit(p, cluster.q1 if side else cluster.q0, before.at, before.pattern,
                              before.is_real)
    item_of_core(p, cluster)
    cluster.item = num_items(p) - 1
    return 0


cdef int absorbed_back(Planner p, Cluster* cluster, int side) except -1 nogil:
    """Multiplies what stays in front of a core into the item before it, if that is a dense one."""
    cdef Cluster* back = <Cluster*>p.clusters.data + cluster.back[side]
    cdef Pending* before = &cluster.before[side]
    cdef Item* it
    cdef int q = cluster.q1 if side else cluster.q0
    if cluster.back[side] < 0 or back.kind == JOINED or not is_dense(back):
        return False
    it = <Item*>p.items.data + back.item
    if it.kind != TWO_QUBIT or it.is_real and not before.is_real:
        return False
    step(p, LEFT, it.at, before.at, 0 if it.q0 == q else 1)
    return True


cdef int item_of_controlled(Planner p, const Cluster* cluster) except -1 nogil:
    """A 2x2 matrix under two controls or more."""
    cdef uint64_t target = BIT << cluster.q0
    cdef index f
    cdef Item* it
    if (cluster.pattern == DIAGONAL2 and cluster.control == cluster.control_value & cluster.control
            and ask(p, HAS_UNITS2, cluster.at)):
        join_group(p, target | cluster.control)
        add_term(p, cluster.control, cluster.at)
        f = new_registers(p, 2)
        step(p, QUOTIENT, f, cluster.at + 6, cluster.at)
        return add_term(p, cluster.control | target, f)
    p.num_fused += 1
    it = new_item(p, CONTROLLED)
    it.q0 = cluster.q0
    it.is_real = cluster.is_real
    it.control = cluster.control
    it.control_value = cluster.control_value
    it.diagonal = cluster.control
    it.at = cluster.at
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
            item_of_one_qubit(p, cluster.q0, cluster.at, cluster.pattern, cluster.is_real)
        elif cluster.kind == TWO_QUBIT:
            items_of_two_qubits(p, cluster)
        elif cluster.kind == CONTROLLED:
            item_of_controlled(p, cluster)
        elif cluster.kind != JOINED:
            item_of_wide(p, cluster)
    return 0
