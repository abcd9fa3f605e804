# Stage 1 of 6: gates to clusters.
#
# Takes   the gates, in order.
# Leaves  `clusters`, in an order that does the same; `touched`: the qubits that need not be |0> any
#         more; R_SCALAR: what multiplies all amplitudes.
#
# A cluster holds gates on the same one or two qubits, multiplied. One of two qubits is a core, a
# 4x4 matrix, and up to one 2x2 matrix on each qubit in front of the core:
#
#     q0 --[before 0]--+------+--
#                      | core |        as a matrix: core @ (before 1 x before 0)
#     q1 --[before 1]--+------+--
#
# Whether these 2x2 matrices are multiplied into the core is decided by the next stage. A gate joins
# the last cluster on its qubits, `open_cluster`, where that is cheaper by the cost model than to
# stand alone. One-qubit gates that wait for a gate to join are `pending`. Gates on more than two
# qubits, controls counted, are clusters of their own.

# --- structures --------------------------------------------------------------------------------

cdef inline int structure_of(const Pending* one) noexcept nogil:
    """The structure (merging.pxi) of what is pending."""
    return structure2(one.has, one.pattern, one.is_real)


cdef inline int core_of(const Cluster* cluster) noexcept nogil:
    """The structure of a cluster's core."""
    return structure4(cluster.pattern, cluster.is_real)


# --- clusters ----------------------------------------------------------------------------------

cdef Cluster* new_cluster(Planner p, int kind) except NULL nogil:
    cdef Cluster* cluster = <Cluster*>extend(&p.clusters, sizeof(Cluster))
    memset(cluster, 0, sizeof(Cluster))
    cluster.kind = kind
    return cluster


cdef index num_clusters(Planner p) noexcept nogil:
    return count_of(&p.clusters, sizeof(Cluster))


cdef int find_x4(Planner p, int number) except -1 nogil:
    """Looks whether a cluster, with what is in front of it, acts on 00, 11 and on 01, 10 apart.

    Where entries cancel, its pattern does not say so. If it does, and the cluster before it on its
    qubits does too, they are joined; `number`, which may be -1, is no cluster any more then.
    """
    cdef Cluster* cluster = <Cluster*>p.clusters.data + number
    cdef Cluster* former
    cdef int side, q
    if not p.register_bits or number < 0 or cluster.kind != TWO_QUBIT or cluster.looked:
        return 0
    cluster.looked = True
    if not step(p, IS_X4, cluster.before[1].at if cluster.before[1].has else -1, cluster.at,
                cluster.before[0].at if cluster.before[0].has else -1):
        return 0
    for side in range(2):
        if cluster.before[side].has:
            step(p, RIGHT, cluster.at, cluster.before[side].at, side)
            cluster.is_real = cluster.is_real and cluster.before[side].is_real
            cluster.before[side].has = False
            cluster.pattern = X4
    cluster.pattern &= X4
    if cluster.former < 0:
        return 0
    former = <Cluster*>p.clusters.data + cluster.former
    if former.pattern & ~X4 or former.before[0].has or former.before[1].has:
        return 0
    step(p, MATMUL4, former.at, cluster.at, former.at)
    former.pattern = pattern_mul4(cluster.pattern, former.pattern)
    former.is_real = former.is_real and cluster.is_real
    cluster.kind = JOINED
    for side in range(2):
        q = cluster.q1 if side else cluster.q0
        if p.open_cluster[q] == number:
            p.open_cluster[q] = cluster.former
    return 0


cdef inline bint is_dense(const Cluster* cluster) noexcept nogil:
    """True for a core that one more 2x2 matrix on either side makes no dearer."""
    cdef int pattern = cluster.pattern
    return (cluster.kind == TWO_QUBIT and pattern & ~STEERED_BY_1 and pattern & ~STEERED_BY_0
            and pattern & ~X4)


cdef int absorb(Planner p, Cluster* cluster, int q, Pending* one) except -1 nogil:
    """Multiplies what comes after a cluster on `q` into its core."""
    step(p, LEFT, cluster.at, one.at, 0 if cluster.q0 == q else 1)
    cluster.pattern = pattern_mul4(
        pattern_embed(one.pattern, 0 if cluster.q0 == q else 1), cluster.pattern)
    cluster.is_real = cluster.is_real and one.is_real
    cluster.looked = one.has = False
    return 0


cdef int flush(Planner p, int q) except -1 nogil:
    """Makes a cluster of what is pending on `q`, or puts it into the last one there."""
    cdef Cluster* cluster
    cdef Pending* one = &p.pending[q]
    if one.has and p.open_cluster[q] >= 0:
        cluster = <Cluster*>p.clusters.data + p.open_cluster[q]
        if is_dense(cluster) and (one.is_real or not cluster.is_real):
            return absorb(p, cluster, q, one)
    if one.has:
        cluster = new_cluster(p, ONE_QUBIT)
        cluster.q0 = q
        cluster.pattern = one.pattern
        cluster.is_real = one.is_real
        cluster.at = one.at
        one.has = False
    return 0


cdef int close_qubit(Planner p, int q) except -1 nogil:
    """What follows on `q` joins nothing that is there now."""
    find_x4(p, p.open_cluster[q])
    flush(p, q)
    p.open_cluster[q] = -1
    return 0


cdef int add_one_qubit(Planner p, int q, index at, int pattern, bint is_real) except -1 nogil:
    """A one-qubit gate, its matrix in the last registers, from `at` on."""
    cdef Pending* one = &p.pending[q]
    cdef Cluster* cluster
    cdef int side, merged
    if not (p.touched >> q) & 1 and pattern & ~DIAGONAL2 == 0:
        step(p, SCALE, R_SCALAR, at, 1)
        give_back(p, at)
        return 0
    if one.has:
        step(p, MATMUL2, one.at, at, one.at)
        give_back(p, at)
        one.pattern = pattern_mul2(pattern, one.pattern)
        one.is_real = one.is_real and is_real
    else:
        one.has = True
        one.pattern = pattern
        one.is_real = is_real
        one.at = at
    if pattern & ~DIAGONAL2:
        p.touched |= BIT << q
    if not p.fusion:
        return close_qubit(p, q)
    if p.open_cluster[q] >= 0:
        find_x4(p, p.open_cluster[q])
        cluster = <Cluster*>p.clusters.data + p.open_cluster[q]
        if p.register_bits and is_dense(cluster):
            return 0        # the next cluster may do better with it
        side = 0 if cluster.q0 == q else 1
        merged = joins1(&p.merging, core_of(cluster), structure_of(&cluster.before[0]),
                        structure_of(&cluster.before[1]), structure_of(one), side)
        if merged != NO_MERGE:
            absorb(p, cluster, q, one)
    return 0


cdef int add_two_qubit(Planner p, int q0, int q1, index at, int pattern,
                       bint is_real) except -1 nogil:
    """A gate on the qubits q0 < q1, the first the least significant bit of the 4x4 matrix.

    The matrix is in the last registers, from `at` on.
    """
    cdef Cluster* cluster
    cdef int merged
    cdef Pending* one0 = &p.pending[q0]
    cdef Pending* one1 = &p.pending[q1]
    # A qubit still in |0> that is only a control says which block counts.
    if not (p.touched >> q1) & 1 and pattern & ~STEERED_BY_1 == 0:
        step(p, BLOCK_BY_1, at, 0, 0)
        give_back(p, at + 8)
        return add_one_qubit(p, q0, at, (pattern & 3) | (pattern >> 4 & 3) << 2, is_real)
    if not (p.touched >> q0) & 1 and pattern & ~STEERED_BY_0 == 0:
        step(p, BLOCK_BY_0, at, 0, 0)
        give_back(p, at + 8)
        return add_one_qubit(
            p, q1, at,
            (pattern & 1) | (pattern >> 2 & 1) << 1 | (pattern >> 8 & 1) << 2
            | (pattern >> 10 & 1) << 3,
            is_real)
    if pattern & ~STEERED_BY_1:
        p.touched |= BIT << q1
    if pattern & ~STEERED_BY_0:
        p.touched |= BIT << q0
    find_x4(p, p.open_cluster[q0])
    find_x4(p, p.open_cluster[q1])
    if p.fusion and p.open_cluster[q0] >= 0 and p.open_cluster[q0] == p.open_cluster[q1]:
        cluster = <Cluster*>p.clusters.data + p.open_cluster[q0]
        merged = joins2(&p.merging, core_of(cluster), structure_of(&cluster.before[0]),
                        structure_of(&cluster.before[1]), structure4(pattern, is_real),
                        structure_of(one0), structure_of(one1))
        if merged != NO_MERGE:
            if one0.has:
                step(p, LEFT, cluster.at, one0.at, 0)
                one0.has = False
            if one1.has:
                step(p, LEFT, cluster.at, one1.at, 1)
                one1.has = False
            step(p, MATMUL4, cluster.at, at, cluster.at)
            give_back(p, at)
            cluster.pattern = merged & ALL4
            cluster.is_real = merged & REAL4 != 0
            cluster.looked = False
            return 0
    cluster = new_cluster(p, TWO_QUBIT)
    cluster.q0 = q0
    cluster.q1 = q1
    cluster.pattern = pattern
    cluster.is_real = is_real
    cluster.at = at
    cluster.former = p.open_cluster[q0] if p.open_cluster[q0] == p.open_cluster[q1] else -1
    cluster.back[0] = p.open_cluster[q0]
    cluster.back[1] = p.open_cluster[q1]
    cluster.before[0] = one0[0]
    cluster.before[1] = one1[0]
    one0.has = one1.has = False
    p.open_cluster[q0] = p.open_cluster[q1] = num_clusters(p) - 1 if p.fusion else -1
    return 0


cdef int add_gate(Planner p, index g) except -1 nogil:
    """Sorts gate g, which `is_gate`, by its width and form: it has at least one target."""
    cdef const int64_t* row = p.kinds + KIND_COLUMNS * p.kind[g]
    cdef int form = row[KIND_FORM], k = row[KIND_TARGETS], controls = row[KIND_CONTROLS]
    cdef int64_t state = row[KIND_STATE]
    cdef int pattern = row[KIND_PATTERN]
    cdef bint is_real = row[KIND_REAL]
    cdef const int32_t* given = p.qubits + p.start[g]
    cdef index c = p.offset[g], m
    cdef int total = k + controls, i, j, r, a, b
    if total > 2:
        return add_wide(p, g, form, k, controls, state, given, is_real)
    a = given[0]
    if total == 1:
        m = new_registers(p, 8)
        if form == FORM_DIAGONAL:
            step(p, LOAD2_DIAGONAL, m, c, 0)
            pattern = DIAGONAL2
        else:
            step(p, LOAD2, m, c, 0)
            pattern &= ALL2
        return add_one_qubit(p, a, m, pattern, is_real)
    b = given[1]
    m = new_registers(p, 32)
    if controls == 1:
        # Qubit 0 of the matrix is the control here, qubit 1 the target.
        r = state & 1
        if form == FORM_DIAGONAL:
            step(p, LOAD4_CONTROLLED_DIAGONAL, m, c, r)
            pattern = DIAGONAL4
        else:
            step(p, LOAD4_CONTROLLED, m, c, r)
            j = pattern & ALL2
            pattern = 0
            for i in range(2):
                pattern |= 1 << (4 * (2 * i + 1 - r) + 2 * i + 1 - r)
            for i in range(4):
                if (j >> i) & 1:
                    pattern |= 1 << (4 * (2 * (i >> 1) + r) + 2 * (i & 1) + r)
    elif form == FORM_DIAGONAL:
        step(p, LOAD4_DIAGONAL, m, c, 0)
        pattern = DIAGONAL4
    else:
        step(p, LOAD4, m, c, 0)
        pattern &= ALL4
    if a > b:
        step(p, EXCHANGE, m, 0, 0)
        pattern = pattern_exchange(pattern)
        a, b = b, a
    return add_two_qubit(p, a, b, m, pattern, is_real)


cdef int add_wide(Planner p, index g, int form, int k, int controls, int64_t state,
                  const int32_t* given, bint is_real) except -1 nogil:
    """A gate on more than two qubits, controls counted."""
    cdef uint64_t mask = 0, value = 0, targets = 0
    cdef int i, q
    cdef Cluster* cluster
    for i in range(controls):
        q = given[i]
        mask |= BIT << q
        if (state >> i) & 1:
            value |= BIT << q
    if mask & value & ~p.touched:
        return 0          # a control that is still |0>
    mask &= p.touched  # those that are |0> and should be are no controls
    for i in range(k):
        targets |= BIT << given[controls + i]
    for i in range(controls + k):
        close_qubit(p, given[i])
    if k == 1:
        cluster = new_cluster(p, CONTROLLED)
        cluster.q0 = given[controls]
        cluster.at = new_registers(p, 8)
        if form == FORM_DIAGONAL:
            step(p, LOAD2_DIAGONAL, cluster.at, p.offset[g], 0)
            cluster.pattern = DIAGONAL2
        else:
            step(p, LOAD2, cluster.at, p.offset[g], 0)
            cluster.pattern = ALL2
    else:
        cluster = new_cluster(p, DIAGONAL_TABLE if form == FORM_DIAGONAL else WIDE_DENSE)
    cluster.gate = g
    cluster.is_real = is_real
    cluster.control = mask
    cluster.control_value = value
    if form != FORM_DIAGONAL:
        p.touched |= targets
    return 0


cdef bint is_swap(Planner p, index g) except -1 nogil:
    """True for an uncontrolled swap, told by its matrix."""
    cdef const int64_t* row = p.kinds + KIND_COLUMNS * p.kind[g]
    if row[KIND_FORM] != FORM_DENSE or row[KIND_TARGETS] != 2 or row[KIND_CONTROLS] != 0:
        return False
    return row[KIND_PATTERN] == SWAP4 and ask(p, IS_SWAP_GATE, p.offset[g])


cdef int fuse(Planner p, bint fresh) except -1 nogil:
    """Gates to clusters.

    On a fresh state swaps cost nothing: read from the back, a swap renames all that comes
    before it, and |0...0> looks the same under any name.
    """
    cdef index g, num = p.num_gates
    cdef int q, i, swap
    cdef int32_t* named
    cdef bint any_swap = False
    for q in range(MAX_BITS):
        p.open_cluster[q] = -1
        p.pending[q].has = False
        p.new_name[q] = q
    for g in range(num):
        if is_swap(p, g):
            any_swap = True
            break
    if any_swap and fresh and p.fusion:
        named = <int32_t*>extend(&p.renamed, p.start[num] * <index>sizeof(int32_t))
        for g in range(num - 1, -1, -1):
            for i in range(p.start[g], p.start[g + 1]):
                named[i] = p.new_name[p.qubits[i]]
            if is_swap(p, g):
                q = p.qubits[p.start[g]]
                i = p.qubits[p.start[g] + 1]
                swap = p.new_name[q]
                p.new_name[q] = p.new_name[i]
                p.new_name[i] = swap
        p.qubits = named
        for g in range(num):
            if not is_swap(p, g):
                add_gate(p, g)
    else:
        for g in range(num):
            add_gate(p, g)
    for q in range(p.num_qubits):
        close_qubit(p, q)
    return 0
