# Stage 5 and 6 of 6: diagonals that are held back, for register blocks to take.
#
# A diagonal group by itself is one more trip through a block in L2. So in a large state groups are
# not lowered when their turn comes. Their terms are held, through passes too, until items come that
# mix their qubits: a register block takes those that it needs, and all that lie in its registers
# anyway, if they cost it less than its share of a trip for all that is held; otherwise, and before
# any other item, all that is held is lowered as one group.

cdef enum:
    HOLD_FROM = 15      # qubits of a state in which groups are held
    HELD_QUBITS = 6     # register bits and lane qubits of the terms that are taken together
    MOST_OUTSIDE = 3    # sets of other qubits that they are under
    TRIP_MADDS = 12     # multiply-adds an amplitude that take as long as a trip to L2


cdef int hold(Planner p, index i) except -1 nogil:
    """Holds the terms of a diagonal group, item i."""
    if p.held < 0:
        p.held = i
    else:
        append_terms(p, <Item*>p.items.data + p.held, <Item*>p.items.data + i)
    return 0


cdef inline uint64_t held_mask(Planner p) noexcept nogil:
    """The qubits that held terms depend on."""
    return (<Item*>p.items.data + p.held).diagonal if p.held >= 0 else 0


cdef int held_sets(Planner p, uint64_t mixed, uint64_t inside, uint64_t* outside) noexcept nogil:
    """Which terms a register block takes, told by their qubits outside of its registers.

    Args:
        mixed: the qubits that it mixes.
        inside: its register bits and the lane qubits, as qubits.
        outside: receives the sets of qubits, at most MOST_OUTSIDE.

    Returns:
        How many sets; -1 if that is too much for one register block.
    """
    cdef const Term* terms = <Term*>p.terms.data
    cdef index t = (<Item*>p.items.data + p.held).first_term
    cdef uint64_t qubits[MOST_OUTSIDE]
    cdef uint64_t left
    # Multiply-adds an amplitude, and register blocks that share what is held.
    cdef int num = 0, k, madds = 0
    cdef int blocks = (popcount(held_mask(p) >> p.lane_bits) - 1) // p.register_bits + 1
    while t >= 0:
        left = terms[t].mask & ~inside
        if terms[t].mask & mixed or left == 0:
            k = 0
            while k < num and outside[k] != left:
                k += 1
            if k == num:
                madds += 2 if left else 4
                if num == MOST_OUTSIDE or madds * blocks > TRIP_MADDS:
                    return -1
                outside[num] = left
                qubits[num] = 0
                num += 1
            qubits[k] |= terms[t].mask & inside
            if popcount(qubits[k]) > HELD_QUBITS:
                return -1
        t = terms[t].next
    return num


cdef index take_held(Planner p, uint64_t mixed, uint64_t inside, uint64_t outside) except -2 nogil:
    """Makes an item of the held terms under the qubits `outside`; see `held_sets`."""
    cdef Term* terms
    cdef Item* held
    cdef Item* it
    cdef index t, following, made
    it = new_item(p, DIAGONAL_GROUP)
    made = num_items(p) - 1
    held = <Item*>p.items.data + p.held
    terms = <Term*>p.terms.data
    t = held.first_term
    held.first_term = held.last_term = -1
    held.diagonal = 0
    while t >= 0:
        following = terms[t].next
        it = held
        if terms[t].mask & ~inside == outside and (terms[t].mask & mixed or outside == 0):
            it = <Item*>p.items.data + made
        append_term(p, it, t)
        t = following
    return made


cdef int release(Planner p, const int64_t* bits, int a) except -1 nogil:
    """Lowers all held terms as one group; `bits` and `a` as in `lower_items`."""
    cdef Item* held
    if p.held < 0:
        return 0
    held = <Item*>p.items.data + p.held
    if held.first_term >= 0:
        p.op_live = live_bits_of(p, held.diagonal, bits, a)
        lower_group(p, held)
    p.held = -1
    return 0


cdef int live_bits_of(Planner p, uint64_t diagonal, const int64_t* bits, int a) noexcept nogil:
    """How many of the lowest local bits hold all that can be 1, with the qubits `diagonal`.

    A control may be |0> all along, where gates that would have moved it cancel.
    """
    cdef uint64_t reach = p.live_now | diagonal >> p.lane_bits
    cdef int i, top = 0
    for i in range(a):
        if reach >> bits[i] & 1:
            top = i + 1
    return top
