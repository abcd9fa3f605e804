# Stage 4 of 6: which items share a pass.
#
# Takes   `items`.
# Leaves  `pass_items`, the items of all passes, pass after pass; `pass_starts`, where each pass
#         begins in them, and their end. Some diagonal groups of `items` are cut in two.
#
# A pass takes, in order, each item that commutes with all that were left behind, as long as the
# qubits above the lanes whose values are mixed fit into a block.

cdef index split_group(Planner p, index i, uint64_t behind) except -2 nogil:
    """Takes the terms that touch `behind` out of a diagonal group, item i.

    Returns the item that has them: a new one, i itself if no others are left, -1 if there are none.
    """
    cdef Item* it = <Item*>p.items.data + i
    cdef Term* terms = <Term*>p.terms.data
    cdef index t = it.first_term, following
    cdef Item parts[2]      # of the terms that stay, of those that go
    parts[0] = it[0]
    parts[0].first_term = parts[0].last_term = -1
    parts[0].diagonal = 0
    parts[1] = parts[0]
    while t >= 0:
        following = terms[t].next
        append_term(p, &parts[1 if terms[t].mask & behind else 0], t)
        t = following
    if parts[1].first_term < 0:
        return -1
    if parts[0].first_term < 0:
        return i
    it[0] = parts[0]
    append_terms(p, new_item(p, DIAGONAL_GROUP), &parts[1])
    return num_items(p) - 1


cdef int schedule(Planner p) except -1 nogil:
    """Items to passes."""
    cdef index num = num_items(p), left = num, i, j, kept, at, rest
    cdef uint64_t lanes = (BIT << p.lane_bits) - 1
    cdef uint64_t active, mixed_behind, behind, want
    cdef int room = p.num_qubits - p.lane_bits
    cdef index* waiting
    cdef Item* it
    if room > p.capacity:
        room = p.capacity
    for i in range(num):
        it = <Item*>p.items.data + i
        if popcount(it.mixed & ~lanes) > room:
            room = popcount(it.mixed & ~lanes)
    waiting = <index*>extend(&p.order, (num + 1) * sizeof(index))
    for i in range(num):
        waiting[i] = i
    while left:
        active = mixed_behind = behind = 0
        kept = 0
        push_int64(&p.pass_starts, count_of(&p.pass_items, sizeof(int64_t)))
        for j in range(left):
            i = waiting[j]
            it = <Item*>p.items.data + i
            if it.fence and kept:       # all that is left comes later
                while j < left:
                    waiting[kept] = waiting[j]
                    kept += 1
                    j += 1
                break
            if it.kind == DIAGONAL_GROUP:
                rest = split_group(p, i, mixed_behind) if it.diagonal & mixed_behind else -1
                if rest != i:
                    push_int64(&p.pass_items, i)
                if rest >= 0:
                    waiting[kept] = rest
                    kept += 1
                    behind |= (<Item*>p.items.data + rest).diagonal
                continue
            want = active | (it.mixed & ~lanes)
            if it.mixed & behind or it.diagonal & mixed_behind or popcount(want) > room:
                mixed_behind |= it.mixed
                behind |= it.mixed | it.diagonal
                waiting[kept] = i
                kept += 1
            else:
                active = want
                push_int64(&p.pass_items, i)
        left = kept
    push_int64(&p.pass_starts, count_of(&p.pass_items, sizeof(int64_t)))
    return 0
