# Stage 3 of 6: gates are written as turns, their diagonals are gathered.
#
# Takes   `items`, R_SCALAR.
# Leaves  `items`: those on one qubit, steered ones and TWO_TURNs `turned`, where that is exact;
#         diagonal groups between them; R_SCALAR, their scale.
#
# A turn (turn.pxi) costs a third of the gate it is made of if several are carried out between one
# load and one store (registers.pxi). What is left of the gate, its diagonals before and after, and
# all other diagonal factors, float to the right until an item comes that mixes one of their
# qubits. Then they join the last diagonal group, if nothing after it has mixed their qubits, or
# else make a new one.
#
#     items    U(q0) U(q1) ...    U'(q0) U'(q1) ...      U = scale  after  O  before
#     become   O(q0) O(q1) ...  [after, before' of all]  O'(q0) O'(q1) ...  [after' ...

cdef enum:
    # A turn makes numbers larger, by sqrt(2) at most. What makes them smaller again, its scale, is
    # left in R_SCALAR until a group comes, for so many turns, twice as many at most; or, where only
    # half of the amplitudes turn, in a factor that floats.
    MOST_SCALED = 64
    MOST_SCALED_SINGLE = 32
    # The passes may apply it long before or after the turns, but not across a fence: numbers grow
    # or shrink by what the turns between two fences have. They must not overflow, nor vanish.
    MOST_UNFENCED = 1200
    MOST_UNFENCED_SINGLE = 180


cdef int float_term(Planner p, uint64_t mask, index factor, bint asked=True) except -1 nogil:
    """Adds a factor of the amplitudes whose bits in `mask` are all 1, behind all items so far.

    Args:
        asked: whether to leave a factor of 1 out. One that is 1 for some angles only is better
            left in: the plan can be refreshed then.
    """
    if mask & ~p.mixed_yet:
        return 0          # of a qubit that is still |0>
    if asked and ask(p, IS_ABOUT_ONE, factor):
        return 0
    link_float(p, new_term(p, mask, factor))
    return 0


cdef void link_float(Planner p, index at) noexcept nogil:
    """Puts a term behind the floating ones."""
    cdef Term* terms = <Term*>p.terms.data
    terms[at].next = -1
    if p.first_float < 0:
        p.first_float = at
    else:
        terms[p.last_float].next = at
    p.last_float = at


cdef void start_count(Planner p, Item* it) noexcept nogil:
    """Item `it` has taken R_SCALAR."""
    p.since_fence += p.scaled
    p.scaled = 0
    if p.since_fence + 2 * p.most_scaled > p.most_unfenced:
        p.since_fence = 0
        it.fence = True


cdef int settle_term(Planner p, index at) except -1 nogil:
    """Puts a term into the last group, or into a new one."""
    cdef Item* it
    cdef uint64_t mask = (<Term*>p.terms.data + at).mask
    cdef index one
    cdef int q
    if not joins_last_group(p, mask):
        it = new_item(p, DIAGONAL_GROUP)
        p.last_group = num_items(p) - 1
        for q in range(p.num_qubits):
            p.single[q] = -1
        if p.scaled >= p.most_scaled:
            one = new_registers(p, 2)
            step(p, COPY, one, R_SCALAR, 0)
            step(p, SET_ONE, R_SCALAR, 0, 0)
            start_count(p, it)
            append_term(p, it, new_term(p, 0, one))
    if mask & (mask - 1) == 0:
        q = lowest(mask)
        if p.single[q] >= 0:
            return step(p, SCALE, (<Term*>p.terms.data + p.single[q]).at,
                        (<Term*>p.terms.data + at).at, 1)
        p.single[q] = at
    append_term(p, <Item*>p.items.data + p.last_group, at)
    return 0


cdef int settle(Planner p, uint64_t mixed) except -1 nogil:
    """Puts the floating terms on the qubits of `mixed` into a group: an item that mixes them comes.
    """
    cdef index at = p.first_float, following
    cdef Term* terms
    p.first_float = p.last_float = -1
    while at >= 0:
        terms = <Term*>p.terms.data
        following = terms[at].next
        if terms[at].mask & mixed:
            settle_term(p, at)
        else:
            link_float(p, at)
        at = following
    return 0


cdef int push_item(Planner p, const Item* old) except -1 nogil:
    """Adds an item that mixes qubits or is diagonal in a way of its own."""
    cdef Item* it
    cdef uint64_t mixed = old.mixed
    settle(p, mixed)
    it = <Item*>extend(&p.items, sizeof(Item))
    it[0] = old[0]
    mark_mixed(p, mixed)
    p.mixed_yet |= mixed
    return 0


cdef bint turn_of(Planner p, index m, bint is_real, bint crosses, index* turn) except -1 nogil:
    """Takes the step TURN on the matrix in the registers from m on, as the first kind that it is.

    Args:
        crosses: whether it may be a CROSS_TURN.
        turn: receives the registers of what TURN writes.
    """
    turn[0] = new_registers(p, TURN_REALS)
    if is_real and step(p, TURN, turn[0], m, REAL_TURN):
        return True
    if not is_real and crosses and step(p, TURN, turn[0], m, CROSS_TURN):
        return True
    return step(p, TURN, turn[0], m, ANY_TURN)


cdef int turn_one(Planner p, Item* it) except -1 nogil:
    """An item on one qubit."""
    cdef index turn
    cdef uint64_t mask = it.mixed
    if not turn_of(p, it.at, it.is_real, True, &turn):
        return push_item(p, it)
    float_term(p, mask, turn + TURN_BEFORE)
    it.turned = True
    it.is_real = ask(p, IS_REAL2, turn)
    it.at = turn
    it.turn = turn + TURN_T
    push_item(p, it)
    step(p, SCALE, R_SCALAR, turn + TURN_SCALE, 1)
    p.scaled += 1
    return float_term(p, mask, turn + TURN_AFTER)


cdef int turn_steered(Planner p, Item* it) except -1 nogil:
    """A steered item: a turn for each value of the qubit that steers."""
    cdef index first, second, both, f
    cdef uint64_t mask = it.mixed, steer = it.diagonal
    cdef bint flips
    if not turn_of(p, it.at, it.is_real, False, &first):
        return push_item(p, it)
    flips = step(p, FLIPS, R_ZERO, it.at, 0)
    f = new_registers(p, 4)
    both = new_registers(p, 20)     # two matrices; t and form of both
    if flips:
        # Before the flip: diag(1, after), where the other qubit is 1 diag(after, 1).
        float_term(p, mask, first + TURN_BEFORE)
        step(p, FLIP_TURN, both, first, 0)
    else:
        if not turn_of(p, it.at + 8, it.is_real, False, &second):
            return push_item(p, it)
        float_term(p, mask, first + TURN_BEFORE)
        step(p, QUOTIENT, f, second + TURN_BEFORE, first + TURN_BEFORE)
        float_term(p, mask | steer, f, False)
        step(p, BOTH_TURNS, both, first, second)
    it.turned = True
    it.is_real = True
    it.flips = flips
    it.at = both
    it.turn = both + 16
    push_item(p, it)
    step(p, SCALE, R_SCALAR, first + TURN_SCALE, 1)
    p.scaled += 1
    float_term(p, mask, first + TURN_AFTER)
    f = new_registers(p, 4)
    if flips:
        step(p, INVERSE_SQUARE, f, first + TURN_AFTER, 0)
        step(p, COPY, f + 2, first + TURN_AFTER, 0)
        float_term(p, steer, f + 2)
        return float_term(p, mask | steer, f)
    step(p, QUOTIENT, f, second + TURN_AFTER, first + TURN_AFTER)
    float_term(p, mask | steer, f, False)
    step(p, QUOTIENT, f + 2, second + TURN_SCALE, first + TURN_SCALE)
    p.uneven += 1
    return float_term(p, steer, f + 2, False)


cdef int turn_two(Planner p, Item* it) except -1 nogil:
    """A matrix that acts on 00, 11 and on 01, 10 apart."""
    cdef index blocks = new_registers(p, 16), first, second, factors, both
    cdef uint64_t one = BIT << it.q0, other = BIT << it.q1
    step(p, X_BLOCK, blocks, it.at, 0)
    step(p, X_BLOCK, blocks + 8, it.at, 1)
    first = new_registers(p, TURN_REALS)
    second = new_registers(p, TURN_REALS)
    if not (step(p, TURN, first, blocks, ANY_TURN) and step(p, TURN, second, blocks + 8, ANY_TURN)):
        it.kind = TWO_QUBIT
        return push_item(p, it)
    factors = new_registers(p, X_REALS)
    step(p, X_FACTORS, factors, first, second)
    float_term(p, other, factors + X_BEFORE)
    float_term(p, one | other, factors + X_BEFORE + 2)
    both = new_registers(p, 36)     # the matrix; t and form of both
    step(p, X_JOIN, both, first, second)
    step(p, COPY, both + 32, first + TURN_T, 0)
    step(p, COPY, both + 34, second + TURN_T, 0)
    it.turned = True
    it.is_real = True
    it.at = both
    it.turn = both + 32
    push_item(p, it)
    step(p, SCALE, R_SCALAR, factors + X_SCALE, 1)
    p.scaled += 1
    float_term(p, one, factors + X_AFTER, False)
    float_term(p, other, factors + X_AFTER + 2, False)
    return float_term(p, one | other, factors + X_AFTER + 4)


cdef int keep_scale(Planner p, Item* it) except -1 nogil:
    """An item that is left as it is, to take R_SCALAR: no group has come for too many turns."""
    step(p, SCALE, it.at, R_SCALAR,
         4 if it.kind == ONE_QUBIT else 8 if it.kind == STEERED else 16)
    it.is_real = it.is_real and ask(p, IS_REAL, R_SCALAR)
    step(p, SET_ONE, R_SCALAR, 0, 0)
    start_count(p, it)
    return push_item(p, it)


cdef int take_turns(Planner p) except -1 nogil:
    """Items to turns and groups of diagonals."""
    cdef Growable old = p.items
    cdef index i, t, following, num = num_items(p)
    cdef int q
    cdef Item* it
    if not p.register_bits:
        return 0
    p.items = p.unturned
    p.unturned = old
    p.items.used = 0
    p.last_group = p.first_float = p.last_float = -1
    p.scaled = p.since_fence = p.uneven = 0
    p.mixed_yet = p.live
    for q in range(MAX_BITS):
        p.last_mixed[q] = p.single[q] = -1
    for i in range(num):
        it = <Item*>p.unturned.data + i
        if p.uneven >= p.most_scaled:
            p.last_group = -1
            settle(p, ~<uint64_t>0)
            p.uneven = 0
        if it.kind == DIAGONAL_GROUP:
            t = it.first_term
            while t >= 0:
                following = (<Term*>p.terms.data + t).next
                if (<Term*>p.terms.data + t).mask & ~p.mixed_yet == 0:
                    link_float(p, t)
                t = following
        elif p.scaled >= 2 * p.most_scaled and (
                it.kind == ONE_QUBIT or it.kind == STEERED or it.kind == TWO_TURN):
            keep_scale(p, it)
        elif it.kind == ONE_QUBIT:
            turn_one(p, it)
        elif it.kind == STEERED:
            turn_steered(p, it)
        elif it.kind == TWO_TURN:
            turn_two(p, it)
        else:
            push_item(p, it)
    settle(p, ~<uint64_t>0)
    return 0
