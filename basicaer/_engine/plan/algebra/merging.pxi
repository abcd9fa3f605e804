# Which gates are worth multiplying: structures of matrices, and what each costs.
#
# For the planner and for gates without a plan. Everything here goes by patterns: which entries of a
# 2x2 or 4x4 matrix (layout: products.pxi) can be non-zero.

# Patterns: bit n * row + column is set where the entry can be non-zero.

cdef enum:
    DIAGONAL4 = 0x8421          # the diagonal of a 4x4 matrix
    STEERED_BY_1 = 0xCC33       # blocks on the first qubit, one for each value of the second
    STEERED_BY_0 = 0xA5A5       # the other way round
    X4 = 0x9669                 # blocks on 00, 11 and on 01, 10
    SWAP4 = 0x8241              # |00>, |01> and |10> exchanged, |11>
    DIAGONAL2 = 0x9
    FLIP2 = 0x6
    ALL2 = 0xF
    ALL4 = 0xFFFF


cdef inline int pattern_mul2(int a, int b) noexcept nogil:
    """The pattern of a product of 2x2 matrices."""
    return ((a & 1) * (b & 3) | (a >> 1 & 1) * (b >> 2)
            | ((a >> 2 & 1) * (b & 3) | (a >> 3) * (b >> 2)) << 2)


cdef inline int pattern_mul4(int a, int b) noexcept nogil:
    """The pattern of a product of 4x4 matrices: each row the union of the rows it combines."""
    cdef int b0 = b & 15, b1 = b >> 4 & 15, b2 = b >> 8 & 15, b3 = b >> 12 & 15, r, out = 0
    if a == ALL4 and b == ALL4:
        return ALL4
    for r in range(0, 16, 4):
        out |= ((a >> r & 1) * b0 | (a >> r + 1 & 1) * b1 | (a >> r + 2 & 1) * b2
                | (a >> r + 3 & 1) * b3) << r
    return out


cdef inline int pattern_embed(int p, int side) noexcept nogil:
    """The pattern of a 2x2 matrix as a 4x4 one: each of its bits at two places."""
    if side == 0:
        return (p & 3 | (p >> 2) << 4) * 0x401
    return (p & 1) * 0x21 | (p >> 1 & 1) * 0x84 | (p >> 2 & 1) * 0x2100 | (p >> 3) * 0x8400


cdef inline bint is_monomial4(int p) noexcept nogil:
    """True if each row and each column has one entry."""
    cdef int r
    cdef int row
    cdef int seen = 0
    for r in range(4):
        row = (p >> (4 * r)) & 15
        if row & (row - 1) or row == 0 or seen & row:
            return False
        seen |= row
    return True


# --- structures --------------------------------------------------------------------------------
#
# A structure is a pattern and whether all entries are real, in one number; 0 if there is no matrix.
# A cluster is a 4x4 matrix, its core, with up to one 2x2 matrix in front of each qubit.

cdef enum:
    REAL2 = 1 << 4
    HAS2 = 1 << 5
    REAL4 = 1 << 16
    NO_MERGE = 1 << 17      # an answer that is no structure

cdef enum:
    KNOWN_BITS = 9          # of the number of answers that are kept

cdef enum:
    # Questions, by their highest bits.
    Q_TAKES = 1
    Q_JOINS1 = 2
    Q_JOINS2 = 3

cdef struct Known:
    uint64_t question       # 0: none
    int answer

cdef struct Merging:
    double diagonal, move, real1, dense1, real2, dense2     # ns per amplitude
    double turn             # of a scaled rotation; 0 where there are none
    double each             # of an operation, whatever its structure
    Known known[1 << KNOWN_BITS]


cdef inline int structure2(bint has, int pattern, bint is_real) noexcept nogil:
    """The structure of a 2x2 matrix, if there is one."""
    return (HAS2 | (REAL2 if is_real else 0) | pattern) if has else 0


cdef inline int structure4(int pattern, bint is_real) noexcept nogil:
    return (REAL4 if is_real else 0) | pattern


cdef inline int product2(int a, int b) noexcept nogil:
    """The structure of the product a b of 2x2 matrices."""
    return HAS2 | a & b & REAL2 | pattern_mul2(a & ALL2, b & ALL2)


cdef inline int product4(int a, int b) noexcept nogil:
    """The structure of the product a b of 4x4 matrices."""
    return a & b & REAL4 | pattern_mul4(a & ALL4, b & ALL4)


cdef inline int embedded(int one, int side) noexcept nogil:
    """The structure of a 2x2 matrix on one side as a 4x4 one."""
    return (one & REAL2) << 12 | pattern_embed(one & ALL2, side)


cdef double cost1(const Merging* k, int one) noexcept nogil:
    """ns per amplitude of a 2x2 matrix."""
    if one & ALL2 & ~DIAGONAL2 == 0:
        return k.each + k.diagonal
    if one & ALL2 & ~FLIP2 == 0 and one & REAL2:
        return k.each + k.move
    if k.turn:
        return k.each + (k.turn if one & REAL2 else k.turn + k.diagonal)
    return k.each + (k.real1 if one & REAL2 else k.dense1)


cdef double cost2(const Merging* k, int core) noexcept nogil:
    """ns per amplitude of a 4x4 matrix."""
    cdef int pattern = core & ALL4
    if pattern & ~DIAGONAL4 == 0:
        return k.each + k.diagonal
    if pattern & ~STEERED_BY_1 == 0 or pattern & ~STEERED_BY_0 == 0:
        if core & REAL4 and is_monomial4(pattern):
            return k.each + k.move
        if k.turn:
            return k.each + (1.5 * k.turn if core & REAL4 else k.turn + 3 * k.diagonal)
        return k.each + (k.real1 if core & REAL4 else k.dense1)
    if pattern & ~X4 == 0 and k.turn:
        return k.each + k.turn + 2 * k.diagonal
    return k.each + (k.real2 if core & REAL4 else k.dense2)


cdef double cluster_cost(const Merging* k, int core, int before0, int before1,
                         int* choice) noexcept nogil:
    """The least cost of a cluster.

    Bit 0 of `choice` is set if the matrix in front of the first qubit belongs into the core, bit 1
    for the second.
    """
    cdef double best = 1e300, cost
    cdef int take, whole
    for take in range(4):
        if take & 1 and not before0 or take & 2 and not before1:
            continue
        whole = core
        cost = 0
        if take & 1:
            whole = product4(whole, embedded(before0, 0))
        elif before0:
            cost += cost1(k, before0)
        if take & 2:
            whole = product4(whole, embedded(before1, 1))
        elif before1:
            cost += cost1(k, before1)
        cost += cost2(k, whole)
        if cost <= best + 1e-9:
            best = cost if cost < best else best
            choice[0] = take
    return best


cdef inline Known* known(Merging* k, uint64_t question) noexcept nogil:
    """Where the answer to a question is kept, or is to be kept."""
    return &k.known[(question * <uint64_t>0x9E3779B97F4A7C15ULL) >> 64 - KNOWN_BITS]


cdef int takes(Merging* k, int core, int before0, int before1) noexcept nogil:
    """`choice` of `cluster_cost`."""
    cdef uint64_t question = (<uint64_t>Q_TAKES << 62 | <uint64_t>core << 12
                              | <uint64_t>before0 << 6 | <uint64_t>before1)
    cdef Known* found = known(k, question)
    if found.question != question:
        cluster_cost(k, core, before0, before1, &found.answer)
        found.question = question
    return found.answer


cdef int joins1(Merging* k, int core, int before0, int before1, int one,
                int side) noexcept nogil:
    """The structure of a cluster's core after a 2x2 matrix on one side is multiplied to it.

    `NO_MERGE` if it costs less alone.
    """
    cdef uint64_t question = (<uint64_t>Q_JOINS1 << 62 | <uint64_t>core << 19
                              | <uint64_t>before0 << 13 | <uint64_t>before1 << 7
                              | <uint64_t>one << 1 | <uint64_t>side)
    cdef Known* found = known(k, question)
    cdef int merged, choice
    cdef double joined, alone
    if found.question != question:
        merged = product4(embedded(one, side), core)
        joined = cluster_cost(k, merged, before0, before1, &choice)
        alone = cost1(k, one) + cluster_cost(k, core, before0, before1, &choice)
        found.answer = merged if joined < alone - 1e-9 else NO_MERGE
        found.question = question
    return found.answer


cdef int joins2(Merging* k, int core, int before0, int before1, int gate, int one0,
                int one1) noexcept nogil:
    """Likewise, after a 4x4 matrix `gate` on its qubits and the 2x2 matrices in front of that."""
    cdef uint64_t question = (<uint64_t>Q_JOINS2 << 62 | <uint64_t>core << 41
                              | <uint64_t>before0 << 35 | <uint64_t>before1 << 29
                              | <uint64_t>gate << 12 | <uint64_t>one0 << 6 | <uint64_t>one1)
    cdef Known* found = known(k, question)
    cdef int merged, choice
    cdef double together, apart
    if found.question != question:
        merged = gate
        if one0:
            merged = product4(merged, embedded(one0, 0))
        if one1:
            merged = product4(merged, embedded(one1, 1))
        merged = product4(merged, core)
        together = cluster_cost(k, merged, before0, before1, &choice)
        apart = cluster_cost(k, core, before0, before1, &choice)
        apart += cluster_cost(k, gate, one0, one1, &choice)
        found.answer = merged if together <= apart + 1e-9 else NO_MERGE
        found.question = question
    return found.answer
