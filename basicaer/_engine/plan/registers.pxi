# Stage 5 of 6, lowering: turns to register blocks.
#
# Takes   the items of a pass, and where the pass has put their qubits: `place`.
# Leaves  REGISTERS (output.pxi), each with the turns of several items (kernels/registers.h).
#
# A register block takes, in order, each turn that commutes with all that were left behind, as long
# as the block qubits that they mix fit. Lane qubits always do. A diagonal group on a few qubits goes
# with them; a larger one is cheaper by itself.

cdef enum:
    WINDOW = 64         # items that are looked at for one register block
    FEW = 3             # qubits of a diagonal group that goes with turns


cdef inline bint fits_registers(Planner p, const Item* it) noexcept nogil:
    """True if a register block can take the item."""
    cdef uint64_t mask = it.diagonal
    if it.kind == DIAGONAL_GROUP:
        if popcount(mask) > FEW or popcount(mask >> p.lane_bits) > p.register_bits:
            return False
        while mask:
            if lowest(mask) >= p.lane_bits and p.place[lowest(mask)] < 0:
                return False
            mask &= mask - 1
        return it.first_term >= 0
    return it.turned


cdef inline uint64_t in_registers(const Item* it) noexcept nogil:
    """The qubits that must be register bits, or lane qubits, for the item."""
    return it.diagonal if it.kind == DIAGONAL_GROUP else it.mixed


cdef inline uint64_t local_bits(Planner p, uint64_t qubits) noexcept nogil:
    """The local bits of those qubits that are above the lanes; they are in the block."""
    cdef uint64_t out = 0
    qubits = qubits >> p.lane_bits << p.lane_bits
    while qubits:
        out |= BIT << p.place[lowest(qubits)]
        qubits &= qubits - 1
    return out


cdef int take_components(Planner p, index i) except -1 nogil:
    """Makes items of the parts of a diagonal group that have no qubit in common, if they are few
    and small, so that register blocks can take them; the first part stays in item i."""
    cdef Term* terms = <Term*>p.terms.data
    cdef Item* it = <Item*>p.items.data + i
    cdef uint64_t parts[MAX_BITS]
    cdef uint64_t mask
    cdef int num = 0, k, j
    cdef index t = it.first_term, following
    if popcount(it.diagonal) <= FEW or popcount(it.diagonal) > FEW * p.register_bits:
        return 0
    while t >= 0:
        mask = terms[t].mask
        j = 0
        for k in range(num):        # parts that the term connects become one
            if parts[k] & mask:
                mask |= parts[k]
            else:
                parts[j] = parts[k]
                j += 1
        parts[j] = mask
        num = j + 1
        t = terms[t].next
    if num > p.register_bits:
        return 0
    for k in range(num):
        if popcount(parts[k]) > FEW:
            return 0
    t = it.first_term
    it.first_term = it.last_term = -1
    it.diagonal = 0
    for k in range(1, num):
        new_item(p, DIAGONAL_GROUP)
    while t >= 0:
        following = terms[t].next
        k = 0
        while terms[t].mask & ~parts[k]:
            k += 1
        append_term(p, <Item*>p.items.data + (num_items(p) - k if k else i), t)
        t = following
    return num - 1


cdef index gather_turns(Planner p, const int64_t* waiting, index num, int64_t* taken,
                        uint64_t* active) noexcept nogil:
    """Which of the waiting items make a register block with the first.

    Args:
        waiting: items, in order.
        taken: receives places in `waiting`.
        active: receives the local bits that must be register bits.

    Returns:
        How many they are.
    """
    cdef uint64_t behind = 0, mixed_behind = 0, bits, all_bits = 0
    cdef index i, count = 0, gates = 0
    cdef Item* it
    for i in range(min(num, WINDOW)):
        it = <Item*>p.items.data + waiting[i]
        if (it.mixed & behind == 0 and it.diagonal & mixed_behind == 0
                and fits_registers(p, it)):
            bits = all_bits | local_bits(p, in_registers(it))
            if popcount(bits) <= p.register_bits and gates + 2 <= MOST_GATES:
                all_bits = bits
                taken[count] = i
                count += 1
                gates += 2
                continue
        mixed_behind |= it.mixed
        behind |= it.mixed | it.diagonal
    active[0] = all_bits
    return count


cdef index gather_groups(Planner p, const int64_t* waiting, index num, int64_t* taken) noexcept nogil:
    """Which of the waiting items can be one diagonal group with the first; it gets their factors.

    Returns:
        How many they are; `taken` receives their places in `waiting`.
    """
    cdef uint64_t mixed_behind = 0
    cdef Item* first = <Item*>p.items.data + waiting[0]
    cdef Item* it
    cdef index i, count = 1
    taken[0] = 0
    for i in range(1, min(num, WINDOW)):
        it = <Item*>p.items.data + waiting[i]
        if it.kind == DIAGONAL_GROUP and it.diagonal & mixed_behind == 0 and it.first_term >= 0:
            append_terms(p, first, it)
            taken[count] = i
            count += 1
        else:
            mixed_behind |= it.mixed
    return count


cdef int push_gate(Planner p, int code, uint64_t mask, uint64_t value) except -1 nogil:
    """A gate whose coefficients come next, under a condition on qubits above the lanes that are no
    register bits."""
    cdef int64_t row[GATE_COLUMNS]
    cdef int i, q
    memset(row, 0, GATE_COLUMNS * sizeof(int64_t))
    row[COL_GATE] = code
    row[GATE_COEFFICIENT] = coefficient_position(p)
    while mask:
        q = lowest(mask)
        if p.place[q] >= 0:
            row[GATE_CONTROL] |= <int64_t>1 << p.place[q]
            row[GATE_VALUE] |= <int64_t>(value >> q & 1) << p.place[q]
        else:
            row[GATE_OUTER] |= <int64_t>1 << q - p.lane_bits
            row[GATE_OUTER_VALUE] |= <int64_t>(value >> q & 1) << q - p.lane_bits
        mask &= mask - 1
    for i in range(GATE_COLUMNS):
        push_list(p, row[i])
    return 1


cdef int push_turn(Planner p, int code, index t, index form, uint64_t mask,
                   uint64_t value) except -1 nogil:
    """A turn, its tangent and form in the registers `t` and `form`."""
    cdef index* v
    push_gate(p, code, mask, value)
    v = push_vectors(p, 2, 1)
    v[0] = t
    v[1] = form
    return 1


cdef int push_lane(Planner p, int code, int q, index m0, index m1, int steer, int width,
                   uint64_t mask, uint64_t value) except -1 nogil:
    """A matrix on the lane qubit q, m1 in place of m0 where a lane qubit `steer` >= 0 is 1."""
    cdef index* v
    push_gate(p, code, mask, value)
    v = push_vectors(p, 2 * width, 1 << p.lane_bits)
    put_lane(p, v, q, m0, m1, steer, width)
    return 1


cdef void put_lane(Planner p, index* v, int q, index m0, index m1, int steer,
                   int width) noexcept nogil:
    """The coefficients of a matrix on a lane qubit: its row of each lane."""
    cdef int l, c, bit
    cdef index m
    for l in range(1 << p.lane_bits):
        m = m1 if steer >= 0 and l >> steer & 1 else m0
        bit = l >> q & 1
        for c in range(2):
            put(v, 1 << p.lane_bits, width, c, l, m, 2 * bit + (bit ^ c), False, False)


cdef int pair_code(int low, int high) noexcept nogil:
    """The number of a pair of register bits."""
    return 2 if low else high - 1


cdef int gates_of_one(Planner p, const Item* it, const int* rank) except -1 nogil:
    """A turn on one qubit; returns the number of gates."""
    if it.q0 >= p.lane_bits:
        return push_turn(p, GATE_TURN + rank[p.place[it.q0]], it.turn, it.turn + 1, 0, 0)
    if it.is_real:
        return push_lane(p, GATE_LANE + it.q0, it.q0, it.at, it.at, -1, 1, 0, 0)
    return push_lane(p, GATE_DENSE_LANE + it.q0, it.q0, it.at, it.at, -1, 2, 0, 0)


cdef int gates_of_steered(Planner p, const Item* it, const int* rank) except -1 nogil:
    """A steered turn; returns the number of gates."""
    cdef int lanes = 1 << p.lane_bits, l, c, k, r, s = -1, pair, count
    cdef bint lane_steers = it.q1 < p.lane_bits
    cdef uint64_t steer = BIT << it.q1
    cdef index* v
    cdef index m0 = it.at, m1 = it.at + 8
    if not lane_steers and p.place[it.q1] >= 0:
        s = rank[p.place[it.q1]]
    if it.q0 < p.lane_bits:
        if lane_steers:
            return push_lane(p, GATE_LANE + it.q0, it.q0, m0, m1, it.q1, 1, 0, 0)
        if s >= 0:
            push_gate(p, GATE_LANE_STEERED + 3 * it.q0 + s, 0, 0)
            v = push_vectors(p, 4, lanes)
            put_lane(p, v, it.q0, m0, m0, -1, 1)
            put_lane(p, v + 2 * lanes, it.q0, m1, m1, -1, 1)
            return 1
        count = 0
        if not ask(p, IS_IDENTITY, m0):
            count += push_lane(p, GATE_LANE + it.q0, it.q0, m0, m0, -1, 1, steer, 0)
        if not ask(p, IS_IDENTITY, m1):
            count += push_lane(p, GATE_LANE + it.q0, it.q0, m1, m1, -1, 1, steer, steer)
        return count
    r = rank[p.place[it.q0]]
    if lane_steers:
        push_gate(p, GATE_REAL + r, 0, 0)
        v = push_vectors(p, 4, lanes)
        for l in range(lanes):
            for c in range(4):
                put(v, lanes, 1, c, l, m1 if l >> it.q1 & 1 else m0, c, False, False)
        return 1
    pair = 2 * pair_code(min(r, s), max(r, s)) + (s < r)
    if it.flips and ask(p, IS_IDENTITY, m0):
        if s >= 0:
            return push_gate(p, GATE_CX + pair, 0, 0)
        return push_gate(p, GATE_FLIP + r, steer, steer)
    if it.flips and s >= 0:
        return push_turn(p, GATE_TURN_CX + pair, it.turn, it.turn + 1, 0, 0)
    if it.flips:
        push_turn(p, GATE_TURN + r, it.turn, it.turn + 1, steer, 0)
        return 1 + push_turn(p, GATE_TURN_X + r, it.turn, it.turn + 1, steer, steer)
    if s >= 0:
        push_gate(p, GATE_STEERED + pair, 0, 0)
        v = push_vectors(p, 8, 1)
        for k in range(2):
            for c in range(4):
                put(v, 1, 1, 4 * k + c, 0, m1 if k else m0, c, False, False)
        return 1
    count = 0
    if not ask(p, IS_IDENTITY, m0):
        count += push_turn(p, GATE_TURN + r, it.turn, it.turn + 1, steer, 0)
    if not ask(p, IS_IDENTITY, m1):
        count += push_turn(p, GATE_TURN + r, it.turn + 2, it.turn + 3, steer, steer)
    return count


cdef int gates_of_two(Planner p, const Item* it, const int* rank) except -1 nogil:
    """A turn of two qubits; returns the number of gates."""
    cdef int lanes = 1 << p.lane_bits, l, c, row, r, s, pair
    cdef index* v
    if it.q1 < p.lane_bits:
        push_gate(p, GATE_LANES + (it.q1 - 1 if it.q0 == 0 else it.q0 + it.q1), 0, 0)
        v = push_vectors(p, 2, lanes)
        for l in range(lanes):
            row = l >> it.q0 & 1 | (l >> it.q1 & 1) << 1
            for c in range(2):
                put(v, lanes, 1, c, l, it.at, 4 * row + (3 - row if c else row), False, False)
        return 1
    s = rank[p.place[it.q1]]
    if it.q0 < p.lane_bits:
        push_gate(p, GATE_LANE_BIT + 3 * it.q0 + s, 0, 0)
        v = push_vectors(p, 4, lanes)
        for l in range(lanes):
            for c in range(4):      # the row with the bit 0, then 1: of the first, the second pair
                row = l >> it.q0 & 1 | c & 2
                put(v, lanes, 1, c, l, it.at, 4 * row + (row if c == 0 or c == 3 else 3 - row),
                    False, False)
        return 1
    r = rank[p.place[it.q0]]
    pair = 3 * pair_code(min(r, s), max(r, s))
    push_turn(p, GATE_TURN2 + pair, it.turn, it.turn + 1, 0, 0)
    # In row 1, which is that of a, the first qubit is 1.
    return 1 + push_turn(p, GATE_TURN2 + pair + (1 if r < s else 2), it.turn + 2, it.turn + 3, 0, 0)


cdef int gates_of_group(Planner p, const Item* it, const int* rank,
                        uint64_t outside) except -1 nogil:
    """A diagonal group on a few qubits, under other ones: `outside`; returns the number of gates.
    """
    cdef Term* terms = <Term*>p.terms.data
    cdef int lanes = 1 << p.lane_bits, num = 0, i, k, l, value, q
    cdef int qubits[HELD_QUBITS]
    cdef uint64_t ones, mask
    cdef index products, t = it.first_term
    cdef index* v
    mask = it.diagonal & ~outside
    while mask:
        qubits[num] = lowest(mask)
        num += 1
        mask &= mask - 1
    # The factor of each value of these qubits.
    products = new_registers(p, 2 << num)
    for value in range(1 << num):
        step(p, SET_ONE, products + 2 * value, 0, 0)
    while t >= 0:
        ones = 0
        for i in range(num):
            if terms[t].mask >> qubits[i] & 1:
                ones |= BIT << i
        for value in range(1 << num):
            if value & ones == ones:
                step(p, SCALE, products + 2 * value, terms[t].at, 1)
        t = terms[t].next
    push_gate(p, GATE_DIAGONAL, outside, outside)
    if it.diagonal & ~outside & ((BIT << p.lane_bits) - 1) == 0:
        lanes = 1
    v = push_vectors(p, 2 << p.register_bits, lanes)
    for k in range(1 << p.register_bits):
        for l in range(lanes):
            value = 0
            for i in range(num):
                q = qubits[i]
                value |= ((l >> q if q < p.lane_bits else k >> rank[p.place[q]]) & 1) << i
            v[2 * k * lanes + l] = products + 2 * value
            v[(2 * k + 1) * lanes + l] = products + 2 * value + 1
    return 1


cdef inline uint64_t filled_up(Planner p, uint64_t active, int num_local) noexcept nogil:
    """As many local bits as there are register bits, the lowest others added."""
    cdef int bit
    for bit in range(num_local):
        if popcount(active) < p.register_bits:
            active |= BIT << bit
    return active


cdef uint64_t inside_registers(Planner p, uint64_t active, const int64_t* bits) noexcept nogil:
    """The lane qubits, and those that the local bits `active` are."""
    cdef uint64_t inside = (BIT << p.lane_bits) - 1
    while active:
        inside |= BIT << p.lane_bits + bits[lowest(active)]
        active &= active - 1
    return inside


cdef bint takes_held(Planner p, uint64_t mixed, uint64_t active, index turns,
                     const int64_t* bits) noexcept nogil:
    """True if a register block can take the held terms that must come before it."""
    cdef uint64_t outside[MOST_OUTSIDE]
    return (2 * turns + MOST_OUTSIDE < MOST_GATES
            and held_sets(p, mixed, inside_registers(p, active, bits), outside) >= 0)


cdef int lower_registers(Planner p, const int64_t* chosen, index num, uint64_t mixed,
                         uint64_t active, const int64_t* bits, int num_local) except -1 nogil:
    """The turns of some items as one operation, and the held terms that come before them.

    Args:
        chosen: the items.
        mixed: the qubits that they mix.
        active: the register bits, as local bits.
        bits, num_local: as in `lower_items`.
    """
    cdef int rank[MAX_BITS]     # of a local bit: which register bit it is, or -1
    cdef int count = 0, bit, k, sets = 0
    cdef uint64_t outside[MOST_OUTSIDE]
    cdef uint64_t inside = inside_registers(p, active, bits)
    cdef index j, op_at
    cdef int64_t* op
    cdef Item* it
    for bit in range(num_local):
        rank[bit] = -1
        if active >> bit & 1:
            rank[bit] = count
            count += 1
            p.op_live = max(p.op_live, bit + 1)
    op_at = p.out_ops.used
    op = push_op(p, OP_REGISTERS)
    op[COL_LIST] = list_position(p)
    for bit in range(num_local):
        if rank[bit] >= 0:
            push_list(p, bit)
    count = 0
    if held_mask(p) & mixed:
        sets = held_sets(p, mixed, inside, outside)
    for k in range(sets):
        j = take_held(p, mixed, inside, outside[k])
        count += gates_of_group(p, <Item*>p.items.data + j, rank, outside[k])
    for j in range(num):
        it = <Item*>p.items.data + chosen[j]
        if it.kind == ONE_QUBIT:
            count += gates_of_one(p, it, rank)
        elif it.kind == STEERED:
            count += gates_of_steered(p, it, rank)
        elif it.kind == DIAGONAL_GROUP:
            count += gates_of_group(p, it, rank, 0)
        else:
            count += gates_of_two(p, it, rank)
    (<int64_t*>(p.out_ops.data + op_at))[COL_COUNT] = count
    return 0
