# Stage 6 of 6: passes of items to passes of operations.
#
# Takes   `items`, `pass_items`, `pass_starts`; `live`: the qubits that can be other than |0>.
# Leaves  the arrays of the plan: `out_passes`, `out_ops`, `out_lists`, `sources`, `fills`; `live`
#         as it is after them; `max_outer`, `total_work`, `work_vectors`.
#
# For each pass a block is chosen, `place` says where each qubit is in it, and its items are lowered
# (stage 5) one after another. The bits of a pair's number (_kernels.pyx) in a block:
#
#     in place    the lowest ones
#     gathered    those that are mixed; the lowest live others as long as there is room; qubits that
#                 are |0> so far come last, in the order of use
#     outer       the live ones that are left

cdef int lower_item(Planner p, Item* it) except -1 nogil:
    """One item to operations, by its kind."""
    cdef uint64_t steer
    cdef int64_t* op
    if it.kind == ONE_QUBIT:
        return lower_one_qubit(p, it.q0, it.at, it.at, -1, it.is_real, 0, 0)
    if it.kind == TWO_QUBIT or it.kind == TWO_TURN:
        return lower_two_qubit(p, it)
    if it.kind == WEYL:
        return lower_weyl(p, it)
    if it.kind == STEERED:
        if it.q1 < p.lane_bits:
            return lower_one_qubit(p, it.q0, it.at, it.at + 8, it.q1, it.is_real, 0, 0)
        steer = BIT << it.q1
        if not ask(p, IS_IDENTITY, it.at):
            lower_one_qubit(p, it.q0, it.at, it.at, -1, it.is_real, steer, 0)
        if not ask(p, IS_IDENTITY, it.at + 8):
            lower_one_qubit(p, it.q0, it.at + 8, it.at + 8, -1, it.is_real, steer, steer)
        return 0
    if it.kind == DIAGONAL_GROUP:
        return lower_group(p, it)
    if it.kind == CONTROLLED:
        if it.mixed == 0:
            if ask(p, IS_SCALAR2, it.at):
                return lower_phase(p, it.at, it.control, it.control_value)
            lower_phase(p, it.at, it.control | BIT << it.q0, it.control_value)
            return lower_phase(p, it.at + 6, it.control | BIT << it.q0,
                               it.control_value | BIT << it.q0)
        return lower_one_qubit(p, it.q0, it.at, it.at, -1, it.is_real, it.control,
                           it.control_value)
    if it.kind == DIAGONAL_TABLE:
        return lower_table(p, it)
    if it.kind == WIDE_DENSE:
        if p.kinds[KIND_COLUMNS * p.kind[it.gate] + KIND_TARGETS] <= 5:
            return lower_dense3to5(p, it)
        return lower_dense6up(p, it)
    if it.q0 < p.lane_bits or it.q1 < p.lane_bits:
        return lower_two_qubit(p, it)
    op = push_op(p, OP_SWAP)
    op[COL_T0] = min(p.place[it.q0], p.place[it.q1])
    op[COL_T1] = max(p.place[it.q0], p.place[it.q1])
    return 0


cdef int lower_items(Planner p, const int64_t* chosen, index num, const int64_t* bits, int a,
                     uint64_t block, bint is_last) except -1 nogil:
    """The items of a pass, in an order that does the same, several turns at a time.

    Args:
        chosen: the items.
        bits: of each of the `a` local bits, which bit of the pair number it is.
        block: these bits as a mask.
    """
    cdef int64_t taken[WINDOW]
    cdef int64_t* waiting
    cdef index left = 0, count, i, j, last, extra
    cdef uint64_t active = 0, mixed, diagonal
    cdef bint grouped, gathered, holds = p.register_bits and a >= p.register_bits and (
        p.num_qubits >= HOLD_FROM)
    cdef Item* it
    p.order.used = 0
    waiting = <int64_t*>extend(&p.order, (MAX_BITS * num + 1) * <index>sizeof(int64_t))
    for i in range(num):
        waiting[left] = chosen[i]
        left += 1
        if p.register_bits and not holds and (
                (<Item*>p.items.data + chosen[i]).kind == DIAGONAL_GROUP):
            extra = take_components(p, chosen[i])
            for j in range(extra):
                waiting[left] = num_items(p) - 1 - j
                left += 1
    while left:
        count = 1
        taken[0] = 0
        grouped = gathered = False
        it = <Item*>p.items.data + waiting[0]
        if holds and it.kind == DIAGONAL_GROUP:
            hold(p, waiting[0])
            if it.fence:
                release(p, bits, a)
            waiting += 1
            left -= 1
            continue
        if p.register_bits and a >= p.register_bits and fits_registers(p, it):
            count = gather_turns(p, waiting, left, taken, &active)
            active = filled_up(p, active, a)
            gathered = True
        if count == 1 and it.kind == DIAGONAL_GROUP:
            count = gather_groups(p, waiting, left, taken)
            grouped = True
        mixed = diagonal = 0
        for i in range(count):
            it = <Item*>p.items.data + waiting[taken[i]]
            mixed |= it.mixed
            diagonal |= it.diagonal
            taken[i] = waiting[taken[i]]
        it = <Item*>p.items.data + taken[0]
        if held_mask(p) & mixed and not (gathered and takes_held(p, mixed, active, count, bits)):
            release(p, bits, a)
        p.live |= mixed
        p.live_now |= mixed >> p.lane_bits & block
        p.op_live = live_bits_of(p, diagonal, bits, a)
        # One turn alone is an operation of its own, unless it takes diagonals along, or what it
        # would be depends on its angle.
        if grouped or not gathered or (count == 1 and it.is_real and held_mask(p) & mixed == 0):
            lower_item(p, it)
        else:
            lower_registers(p, taken, count, mixed, active, bits, a)
        # Those that were taken are among the first WINDOW: close the gaps, move the head up.
        last = min(left, WINDOW) - 1
        j = count - 1
        for i in range(last, -1, -1):
            if j >= 0 and waiting[i] == taken[j]:
                j -= 1
            else:
                waiting[last] = waiting[i]
                last -= 1
        waiting += count
        left -= count
    if is_last:
        release(p, bits, a)
    return 0


cdef int lower_pass(Planner p, const int64_t* chosen, index num, bint is_last) except -1 nogil:
    """Chooses the block of a pass and lowers its items; the last pass does all that is held."""
    cdef int pair_bits = p.num_qubits - p.lane_bits, room, i, q, a = 0, live_bits = 0
    cdef int contiguous = 0
    cdef uint64_t active = 0, live = p.live >> p.lane_bits, block, lowest_bits, fresh, bit
    cdef int64_t bits[MAX_BITS]
    cdef int64_t* row
    cdef index j, first_op, ops
    cdef int outer = 0
    cdef bint in_place
    cdef Item* it
    for j in range(num):
        active |= (<Item*>p.items.data + chosen[j]).mixed >> p.lane_bits
    room = min(p.capacity, pair_bits)
    if popcount(active) > room:
        room = popcount(active)
    lowest_bits = (BIT << room) - 1
    in_place = active & ~lowest_bits == 0
    for q in range(MAX_BITS):
        p.place[q] = -1
    if in_place:
        block = lowest_bits
        for i in range(room):
            bits[i] = i
        a = room
        while (live & block) >> live_bits:
            live_bits += 1
    else:
        block = active
        for i in range(pair_bits):      # the lowest live bits fill the block up
            if popcount(block) >= room:
                break
            if (live >> i) & 1:
                block |= BIT << i
        for i in range(pair_bits):
            if (block & live) >> i & 1:
                bits[a] = i
                a += 1
        live_bits = a
        fresh = block & ~live
        for j in range(num):            # qubits that are |0> so far: in the order of use
            bit = (<Item*>p.items.data + chosen[j]).mixed >> p.lane_bits & fresh
            for i in range(pair_bits):
                if (bit >> i) & 1:
                    bits[a] = i
                    a += 1
            fresh &= ~bit
    for i in range(a):
        p.place[bits[i] + p.lane_bits] = i
    while contiguous < a and bits[contiguous] == contiguous:
        contiguous += 1
    if contiguous > live_bits and not in_place and live_bits > 0:
        contiguous = live_bits
    first_op = num_ops(p)
    p.live_now = live & block
    lower_items(p, chosen, num, bits, a, block, is_last)
    ops = num_ops(p) - first_op
    if ops == 0:
        return 0
    row = <int64_t*>extend(&p.out_passes, PASS_COLUMNS * sizeof(int64_t))
    row[PASS_FIRST] = first_op
    row[PASS_LAST] = first_op + ops
    row[PASS_BITS] = a
    row[PASS_LIVE] = live_bits
    row[PASS_IN_PLACE] = in_place
    row[PASS_CLEAN] = -1
    if in_place and live & block != block:
        row[PASS_CLEAN] = <int64_t>(live & block)
    row[PASS_CONTIGUOUS] = contiguous
    row[PASS_BITS_AT] = list_position(p)
    row[PASS_WORK] = ops << (a + p.lane_bits)
    for i in range(a):
        push_list(p, bits[i])
    row[PASS_OUTER_AT] = list_position(p)
    for i in range(pair_bits):
        if (live >> i) & 1 and not (block >> i) & 1:
            push_list(p, i)
            outer += 1
    row[PASS_OUTER] = outer
    if outer > p.max_outer:
        p.max_outer = outer
    p.total_work += <double>(ops << (a + p.lane_bits)) * <double>(<int64_t>1 << outer)
    return 0


cdef int lower(Planner p) except -1 nogil:
    """All passes, in order."""
    cdef const int64_t* starts = <int64_t*>p.pass_starts.data
    cdef index i, num = count_of(&p.pass_starts, sizeof(int64_t)) - 1
    p.held = -1
    for i in range(num):
        lower_pass(p, <int64_t*>p.pass_items.data + starts[i], starts[i + 1] - starts[i],
                   i == num - 1)
    return 0
