# Items to passes.

cdef index split_phases(Planner p, index i, uint64_t behind) except -2 nogil:
    """Takes the terms that touch `behind` out of run i. The new run of those, or -1."""
    cdef Item* it = <Item*>p.items.data + i
    cdef Term* terms = <Term*>p.terms.data
    cdef index t = it.first_term, following
    cdef index heads[2]
    cdef index tails[2]
    cdef uint64_t masks[2]
    cdef int part
    heads[0] = heads[1] = tails[0] = tails[1] = -1
    masks[0] = masks[1] = 0
    while t >= 0:
        following = terms[t].next
        part = 1 if terms[t].mask & behind else 0
        if heads[part] < 0:
            heads[part] = t
        else:
            terms[tails[part]].next = t
        tails[part] = t
        terms[t].next = -1
        masks[part] |= terms[t].mask
        t = following
    if heads[1] < 0:
        return -1
    if heads[0] < 0:
        return i
    it.first_term = heads[0]
    it.last_term = tails[0]
    it.dg = masks[0]
    it = new_item(p, PHASES)
    it.first_term = heads[1]
    it.last_term = tails[1]
    it.dg = masks[1]
    return num_items(p) - 1


cdef int schedule(Planner p) except -1 nogil:
    """Items to passes; each pass is lowered as soon as it is known."""
    cdef index num = num_items(p), left = num, i, j, kept, at, rest
    cdef uint64_t lanes = (BIT << p.lane_bits) - 1
    cdef uint64_t active, nd_behind, behind, want
    cdef int room = p.num_qubits - p.lane_bits
    cdef index* waiting
    cdef index* chosen
    cdef index num_chosen
    cdef Item* it
    if room > p.capacity:
        room = p.capacity
    for i in range(num):
        it = <Item*>p.items.data + i
        if popcount(it.nd & ~lanes) > room:
            room = popcount(it.nd & ~lanes)
    waiting = <index*>grow(&p.order, 3 * (num + 1) * sizeof(index))
    chosen = waiting + num + 1
    for i in range(num):
        waiting[i] = i
    while left:
        active = nd_behind = behind = 0
        num_chosen = kept = 0
        for j in range(left):
            i = waiting[j]
            it = <Item*>p.items.data + i
            if it.kind == PHASES:
                rest = split_phases(p, i, nd_behind) if it.dg & nd_behind else -1
                if rest != i:
                    chosen[num_chosen] = i
                    num_chosen += 1
                if rest >= 0:
                    waiting[kept] = rest
                    kept += 1
                    behind |= (<Item*>p.items.data + rest).dg
                continue
            want = active | (it.nd & ~lanes)
            if it.nd & behind or it.dg & nd_behind or popcount(want) > room:
                nd_behind |= it.nd
                behind |= it.nd | it.dg
                waiting[kept] = i
                kept += 1
            else:
                active = want
                chosen[num_chosen] = i
                num_chosen += 1
        left = kept
        lower_pass(p, chosen, num_chosen, active >> p.lane_bits)
    return 0



cdef int lower_pass(Planner p, const index* chosen, index num, uint64_t active) except -1 nogil:
    """Chooses the block of a pass and lowers its items."""
    cdef int pair_bits = p.num_qubits - p.lane_bits, room, i, q, a = 0, live_bits = 0
    cdef int run = 0, top
    cdef uint64_t live = p.live >> p.lane_bits, block, contiguous, fresh, bit, reach
    cdef int64_t bits[64]
    cdef int64_t* row
    cdef index j, first_op, ops
    cdef int outer = 0
    cdef bint in_place
    cdef Item* it
    room = min(p.capacity, pair_bits)
    if popcount(active) > room:
        room = popcount(active)
    contiguous = (BIT << room) - 1
    in_place = active & ~contiguous == 0
    for q in range(64):
        p.place[q] = -1
    if in_place:
        block = contiguous
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
            bit = (<Item*>p.items.data + chosen[j]).nd >> p.lane_bits & fresh
            for i in range(pair_bits):
                if (bit >> i) & 1:
                    bits[a] = i
                    a += 1
            fresh &= ~bit
    for i in range(a):
        p.place[bits[i] + p.lane_bits] = i
    while run < a and bits[run] == run:
        run += 1
    if run > live_bits and not in_place and live_bits > 0:
        run = live_bits
    first_op = p.out_ops.used // <index>sizeof(int64_t) // OP_COLUMNS
    p.live_now = live & block
    for j in range(num):
        it = <Item*>p.items.data + chosen[j]
        p.live_now |= it.nd >> p.lane_bits & block
        top = 0
        # A control may be |0> all along, where gates that would have moved it cancel.
        reach = p.live_now | it.dg >> p.lane_bits
        for i in range(a):
            if (reach >> bits[i]) & 1:
                top = i + 1
        p.op_live = top
        lower_item(p, it)
        p.live |= it.nd
    ops = p.out_ops.used // <index>sizeof(int64_t) // OP_COLUMNS - first_op
    if ops == 0:
        return 0
    row = <int64_t*>grow(&p.out_passes, PASS_COLUMNS * sizeof(int64_t))
    row[PASS_FIRST] = first_op
    row[PASS_LAST] = first_op + ops
    row[PASS_BITS] = a
    row[PASS_LIVE] = live_bits
    row[PASS_IN_PLACE] = in_place
    row[PASS_CLEAN] = -1
    if in_place and live & block != block:
        row[PASS_CLEAN] = <int64_t>(live & block)
    row[PASS_RUN] = run
    row[PASS_BITS_AT] = p.out_lists.used // <index>sizeof(int64_t)
    row[PASS_WORK] = ops << (a + p.lane_bits)
    for i in range(a):
        push_list(p, bits[i])
    row[PASS_OUTER_AT] = p.out_lists.used // <index>sizeof(int64_t)
    for i in range(pair_bits):
        if (live >> i) & 1 and not (block >> i) & 1:
            push_list(p, i)
            outer += 1
    row[PASS_OUTER] = outer
    if outer > p.max_outer:
        p.max_outer = outer
    p.total_work += <double>(ops << (a + p.lane_bits)) * <double>(<int64_t>1 << outer)
    # Products need their factors and two tables.
    p.work_reals = max(p.work_reals, (132 + 4 * (<index>2 << (a // 2 + 1)))
                       << p.lane_bits)
    return 0
