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
    """Items to passes."""
    cdef index num = num_items(p), left = num, i, j, kept, at, rest
    cdef uint64_t lanes = (BIT << p.lane_bits) - 1
    cdef uint64_t active, nd_behind, behind, want
    cdef int room = p.num_qubits - p.lane_bits
    cdef index* waiting
    cdef Item* it
    if room > p.capacity:
        room = p.capacity
    for i in range(num):
        it = <Item*>p.items.data + i
        if popcount(it.nd & ~lanes) > room:
            room = popcount(it.nd & ~lanes)
    waiting = <index*>extend(&p.order, (num + 1) * sizeof(index))
    for i in range(num):
        waiting[i] = i
    while left:
        active = nd_behind = behind = 0
        kept = 0
        push_int64(&p.pass_starts, count_of(&p.pass_items, sizeof(int64_t)))
        for j in range(left):
            i = waiting[j]
            it = <Item*>p.items.data + i
            if it.kind == PHASES:
                rest = split_phases(p, i, nd_behind) if it.dg & nd_behind else -1
                if rest != i:
                    push_int64(&p.pass_items, i)
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
                push_int64(&p.pass_items, i)
        left = kept
    push_int64(&p.pass_starts, count_of(&p.pass_items, sizeof(int64_t)))
    return 0
