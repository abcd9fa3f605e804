# Gates without a plan: a gate run is carried out as it is read, for states that fit into a block.
#
# Memory: see _kernels.pyx; the whole state is one block here, so bit i of a block is qubit L + i.
# Gates are multiplied as the planner multiplies them (merging.pxi), but nothing is written down:
#
#     waiting    of each qubit, one-qubit gates multiplied, until a gate joins them or another comes
#     Pair       gates on the same two qubits, multiplied; applied when gates have connected both
#                of them to other qubits, or when a pair that comes after it is applied
#     factors    what is diagonal (factors.pxi), until an operation mixes a qubit that it depends on
#
# A control that is still |0> is decided at once, and on a fresh state a swap renames qubits.

# --- matrices that are ready -------------------------------------------------------------------

cdef void apply_waiting(vec* s, Direct* d, int q, Waiting* one) noexcept nogil:
    """Applies a 2x2 matrix to q, or makes it factors, and leaves nothing there."""
    cdef bint is_real = one.one & REAL2 != 0
    cdef const double* factor
    if one.one & ALL2 & ~DIAGONAL2 == 0 and unit(one.m) and unit(one.m + 6):
        add_diagonal1(&d.factors, q, one.m)
    else:
        if not is_real:
            take_scale(&d.factors, one.m, 4)
            factor = factor_alone(&d.factors, q)
            if factor != NULL:
                times_factor(one.m, factor)
        settle(s, d, q)
        one_qubit(s, d, q, one.m, one.m, -1, is_real, 0, 0)
        d.fused += 1
    one.one = 0


cdef void apply_steered(vec* s, Direct* d, int q, int control, double* m0,
                        bint is_real) noexcept nogil:
    """Applies a 2x2 matrix to q for each value of `control`, that of 1 behind that of 0."""
    cdef double* m1 = m0 + 8
    cdef const double* factor
    if not is_real and not is_identity(m0) and not is_identity(m1):
        take_scale(&d.factors, m0, 8)
        factor = factor_alone(&d.factors, q)
        if factor != NULL:
            times_factor(m0, factor)
            times_factor(m1, factor)
    settle(s, d, q)
    if control < d.lane_bits:
        one_qubit(s, d, q, m0, m1, control, is_real, 0, 0)
        return
    if not is_identity(m0):
        one_qubit(s, d, q, m0, m0, -1, is_real, BIT << control, 0)
    if not is_identity(m1):
        one_qubit(s, d, q, m1, m1, -1, is_real, BIT << control, BIT << control)


cdef void apply_pair(vec* s, Direct* d, Pair* pair) noexcept nogil:
    """Applies a pair; first those that come before it, and what belongs in front of its matrix."""
    cdef int side, t, i, j, control
    cdef int choice = takes(&d.merging, pair.core, pair.before[0].one, pair.before[1].one)
    cdef Waiting* before
    cdef double blocks[16]
    cdef double* m = pair.m
    for side in range(2):
        i = pair.before_it[side]
        if i >= 0 and d.pairs[i].serial == pair.serials[side]:
            apply_pair(s, d, &d.pairs[i])
    pair.serial = 0
    for side in range(2):
        i = pair.q1 if side else pair.q0
        if d.open_pair[i] >= 0 and &d.pairs[d.open_pair[i]] == pair:
            d.open_pair[i] = -1
    for side in range(2):
        before = &pair.before[side]
        if not before.one:
            continue
        if choice >> side & 1:
            mul_right(m, before.m, side)
            pair.core = product4(pair.core, embedded(before.one, side))
        else:
            apply_waiting(s, d, pair.q1 if side else pair.q0, before)
    if (pair.core & ALL4 & ~DIAGONAL4 == 0 and unit(m) and unit(m + 10) and unit(m + 20)
            and unit(m + 30)):
        add_diagonal2(&d.factors, pair.q0, pair.q1, m)
        return
    d.fused += 1
    if pair.core & ALL4 & ~STEERED_BY_1 == 0 or pair.core & ALL4 & ~STEERED_BY_0 == 0:
        t = 0 if pair.core & ALL4 & ~STEERED_BY_1 == 0 else 1   # the bit of the target
        for control in range(2):
            for i in range(2):
                for j in range(2):
                    memcpy(blocks + 8 * control + 4 * i + 2 * j,
                           m + 2 * (4 * (control << 1 - t | i << t) + (control << 1 - t | j << t)),
                           2 * sizeof(double))
        apply_steered(s, d, pair.q1 if t else pair.q0, pair.q0 if t else pair.q1, blocks,
                      pair.core & REAL4 != 0)
        return
    if not pair.core & REAL4:
        take_scale(&d.factors, m, 16)
    settle(s, d, pair.q0)
    settle(s, d, pair.q1)
    two_qubits(s, d, pair.q0, pair.q1, m, pair.core, 0, 0)


cdef inline void finish(vec* s, Direct* d, int q) noexcept nogil:
    """Applies the pair that is open on q, if there is one."""
    if d.open_pair[q] >= 0:
        apply_pair(s, d, &d.pairs[d.open_pair[q]])


cdef void leave(vec* s, Direct* d, int q) noexcept nogil:
    """No gate joins the pair on q any more; it is applied if none on its other qubit can either."""
    cdef int number = d.open_pair[q]
    cdef Pair* pair
    if number < 0:
        return
    pair = &d.pairs[number]
    d.open_pair[q] = -1
    if d.open_pair[pair.q0 if pair.q1 == q else pair.q1] != number:
        apply_pair(s, d, pair)


# --- gates that come ---------------------------------------------------------------------------

cdef void add_one_qubit(Direct* d, int q, const double* m, int one) noexcept nogil:
    """A 2x2 matrix on q, of the structure `one`."""
    cdef Waiting* waiting = &d.waiting[q]
    cdef Pair* pair
    cdef int side, merged
    if one & ALL2 & ~DIAGONAL2 == 0:
        if not (d.touched >> q) & 1:
            zmul(d.factors.scale, d.factors.scale, m)
            return
    else:
        d.touched |= BIT << q
    if waiting.one:
        matmul2(waiting.m, m, waiting.m)
        waiting.one = product2(one, waiting.one)
    else:
        memcpy(waiting.m, m, 8 * sizeof(double))
        waiting.one = one
    if d.open_pair[q] >= 0:
        pair = &d.pairs[d.open_pair[q]]
        side = 0 if pair.q0 == q else 1
        merged = joins1(&d.merging, pair.core, pair.before[0].one, pair.before[1].one, waiting.one,
                        side)
        if merged != NO_MERGE:
            mul_left(pair.m, waiting.m, side)
            pair.core = merged
            waiting.one = 0


cdef void add_two_qubits(vec* s, Direct* d, int q0, int q1, double* m, int core) noexcept nogil:
    """A 4x4 matrix on q0 < q1, of the structure `core`; it may be changed."""
    cdef Pair* pair
    cdef Waiting* one
    cdef int merged, side, number, pattern = core & ALL4, is_real = REAL2 if core & REAL4 else 0
    cdef int before_it[2]
    cdef int64_t serials[2]
    # A qubit still in |0> that is only a control says which block counts.
    if not (d.touched >> q1) & 1 and pattern & ~STEERED_BY_1 == 0:
        memcpy(m + 4, m + 8, 4 * sizeof(double))
        add_one_qubit(d, q0, m, HAS2 | is_real | pattern & 3 | (pattern >> 4 & 3) << 2)
        return
    if not (d.touched >> q0) & 1 and pattern & ~STEERED_BY_0 == 0:
        memcpy(m + 2, m + 4, 2 * sizeof(double))
        memcpy(m + 4, m + 16, 4 * sizeof(double))
        memcpy(m + 6, m + 20, 2 * sizeof(double))
        add_one_qubit(d, q1, m, HAS2 | is_real | pattern & 1 | (pattern >> 2 & 1) << 1
                      | (pattern >> 8 & 1) << 2 | (pattern >> 10 & 1) << 3)
        return
    if pattern & ~STEERED_BY_1:
        d.touched |= BIT << q1
    if pattern & ~STEERED_BY_0:
        d.touched |= BIT << q0
    if d.open_pair[q0] >= 0 and d.open_pair[q0] == d.open_pair[q1]:
        pair = &d.pairs[d.open_pair[q0]]
        merged = joins2(&d.merging, pair.core, pair.before[0].one, pair.before[1].one, core,
                        d.waiting[q0].one, d.waiting[q1].one)
        if merged != NO_MERGE:
            for side in range(2):
                one = &d.waiting[q1 if side else q0]
                if one.one:
                    mul_left(pair.m, one.m, side)
                    one.one = 0
            matmul(pair.m, m, pair.m, 4)
            pair.core = merged
            return
    before_it[0], before_it[1] = d.open_pair[q0], d.open_pair[q1]
    for side in range(2):
        serials[side] = d.pairs[before_it[side]].serial if before_it[side] >= 0 else 0
    leave(s, d, q0)
    leave(s, d, q1)
    number = 0              # each pair that is not applied is open on a qubit, but not on these two
    while d.pairs[number].serial:
        number += 1
    pair = &d.pairs[number]
    d.serial += 1
    pair.serial = d.serial
    for side in range(2):
        pair.before_it[side] = before_it[side]
        pair.serials[side] = serials[side]
    pair.q0 = q0
    pair.q1 = q1
    pair.core = core
    for side in range(2):
        one = &d.waiting[q1 if side else q0]
        pair.before[side].one = one.one
        if one.one:
            memcpy(pair.before[side].m, one.m, 8 * sizeof(double))
            one.one = 0
    memcpy(pair.m, m, 32 * sizeof(double))
    d.open_pair[q0] = d.open_pair[q1] = number


cdef void load_two_qubits(const double* c, bint is_diagonal, bint exchanged, int* pattern,
                          double* m) noexcept nogil:
    """A gate's 4x4 matrix and its pattern, its qubits named the other way round if `exchanged`."""
    cdef int r, i, row, column, found = 0
    if is_diagonal:
        memset(m, 0, 32 * sizeof(double))
        for r in range(4):
            row = (r & 1) << 1 | r >> 1 if exchanged else r
            memcpy(m + 10 * row, c + 2 * r, 2 * sizeof(double))
        pattern[0] = DIAGONAL4
    elif exchanged:
        for r in range(4):
            row = (r & 1) << 1 | r >> 1
            for i in range(4):
                column = (i & 1) << 1 | i >> 1
                memcpy(m + 2 * (4 * row + column), c + 2 * (4 * r + i), 2 * sizeof(double))
                found |= (pattern[0] >> 4 * r + i & 1) << 4 * row + column
        pattern[0] = found
    else:
        memcpy(m, c, 32 * sizeof(double))
        pattern[0] &= ALL4


cdef void load_controlled(const double* c, bint is_diagonal, int of_control, int state,
                          int* pattern, double* m) noexcept nogil:
    """Likewise, of a gate on one qubit under one control, which is the matrix's qubit `of_control`.
    """
    cdef int i, j, at, row, found = 0
    memset(m, 0, 32 * sizeof(double))
    for i in range(2):
        m[10 * ((1 - state) << of_control | i << 1 - of_control)] = 1
        found |= 1 << 5 * ((1 - state) << of_control | i << 1 - of_control)
        row = state << of_control | i << 1 - of_control
        for j in range(2):
            if is_diagonal and i != j:
                continue
            at = 4 * row + (state << of_control | j << 1 - of_control)
            memcpy(m + 2 * at, c + 2 * (i if is_diagonal else 2 * i + j), 2 * sizeof(double))
            if is_diagonal or pattern[0] >> 2 * i + j & 1:
                found |= 1 << at
    pattern[0] = found


cdef void add_controlled(vec* s, Direct* d, bint is_diagonal, int targets, int controls,
                         int64_t state, int pattern, bint is_real, const int* on,
                         const double* c) noexcept nogil:
    """A gate on one or two qubits under controls, on three qubits and more altogether."""
    cdef uint64_t mask = 0, value = 0, target = 0
    cdef int i, a = on[controls], b = on[controls + targets - 1]
    cdef double m[32]
    for i in range(controls):
        mask |= BIT << on[i]
        if (state >> i) & 1:
            value |= BIT << on[i]
    if mask & value & ~d.touched:
        return              # a control that is still |0>
    mask &= d.touched       # those that are |0> and should be are no controls
    for i in range(controls + targets):
        finish(s, d, on[i])
        if d.waiting[on[i]].one:
            apply_waiting(s, d, on[i], &d.waiting[on[i]])
    d.fused += 1
    for i in range(targets):
        target |= BIT << on[controls + i]
    if is_diagonal:
        for i in range(1 << targets):
            phase_under(s, d, mask | target,
                        value | <uint64_t>(i & 1) << a | <uint64_t>(i >> 1) << b, c + 2 * i)
        return
    d.touched |= target
    settle(s, d, a)
    if targets == 1:
        one_qubit(s, d, a, c, c, -1, is_real, mask, value)
        return
    settle(s, d, b)
    load_two_qubits(c, False, a > b, &pattern, m)
    two_qubits(s, d, min(a, b), max(a, b), m, structure4(pattern, is_real), mask, value)


cdef void add_gate(vec* s, Direct* d, const int64_t* row, const int* on,
                   const double* c) noexcept nogil:
    """A gate, `row` that of its kind, on the qubits `on`, with the coefficients c."""
    cdef bint is_diagonal = row[KIND_FORM] == FORM_DIAGONAL, is_real = row[KIND_REAL] != 0
    cdef int targets = row[KIND_TARGETS], controls = row[KIND_CONTROLS], pattern = row[KIND_PATTERN]
    cdef double m[32]
    if targets + controls > 2:
        add_controlled(s, d, is_diagonal, targets, controls, row[KIND_STATE], pattern, is_real, on,
                       c)
    elif controls:
        load_controlled(c, is_diagonal, 0 if on[0] < on[1] else 1, row[KIND_STATE] & 1, &pattern, m)
        add_two_qubits(s, d, min(on[0], on[1]), max(on[0], on[1]), m, structure4(pattern, is_real))
    elif targets == 2:
        load_two_qubits(c, is_diagonal, on[0] > on[1], &pattern, m)
        add_two_qubits(s, d, min(on[0], on[1]), max(on[0], on[1]), m, structure4(pattern, is_real))
    elif is_diagonal:
        memset(m, 0, 8 * sizeof(double))
        memcpy(m, c, 2 * sizeof(double))
        memcpy(m + 6, c + 2, 2 * sizeof(double))
        add_one_qubit(d, on[0], m, structure2(True, DIAGONAL2, is_real))
    else:
        add_one_qubit(d, on[0], c, structure2(True, pattern & ALL2, is_real))


# --- a gate run --------------------------------------------------------------------------------

cdef inline bint may_be_swap(const int64_t* row) noexcept nogil:
    """True for kinds of which an uncontrolled swap may be."""
    return (row[KIND_FORM] == FORM_DENSE and row[KIND_TARGETS] == 2 and row[KIND_CONTROLS] == 0
            and row[KIND_PATTERN] == SWAP4)


cdef inline bint is_swap(const int64_t* row, const double* c) noexcept nogil:
    """True for an uncontrolled swap, told by its matrix."""
    return may_be_swap(row) and is_swap4(c, SWAP4)


cdef void exchange_names(Direct* d, int a, int b) noexcept nogil:
    d.name[a], d.name[b] = d.name[b], d.name[a]


cdef void run_gates(vec* s, Direct* d, const int64_t* kinds, index num_kinds, const int32_t* kind,
                    const int32_t* start, const int32_t* qubits, const int64_t* offset,
                    const double* coefficients, index num, int shift,
                    int64_t* flags) noexcept nogil:
    """Carries out a gate run that has been checked."""
    cdef index g
    cdef int q, i
    cdef int on[DIRECT_QUBITS]
    cdef bint renames = False
    cdef int64_t told = 0       # operations that are in the flags already
    cdef const int64_t* row
    cdef const int32_t* given
    cdef vec masks[2 * 4 + 1]
    fill_masks(masks, d.lane_bits)
    d.masks = masks
    for q in range(DIRECT_QUBITS):
        d.waiting[q].one = 0
        d.open_pair[q] = -1
        d.pairs[q].serial = 0
        d.name[q] = q
    d.serial = 0
    no_factors(&d.factors)
    if d.live == 0:
        for i in range(num_kinds):
            renames = renames or may_be_swap(kinds + KIND_COLUMNS * i)
    if renames:
        # |0...0> looks the same under any names, so all swaps to come are names from the start.
        for g in range(num - 1, -1, -1):
            if is_swap(kinds + KIND_COLUMNS * kind[g], coefficients + 2 * offset[g]):
                given = qubits + start[g]
                exchange_names(d, given[0] + shift, given[1] + shift)
    for g in range(num):
        if flags[FLAG_STOP]:
            break
        if g & 255 == 255:
            ba_add(flags + FLAG_DONE, d.operations - told << d.num_qubits)
            told = d.operations
        row = kinds + KIND_COLUMNS * kind[g]
        given = qubits + start[g]
        if renames and is_swap(row, coefficients + 2 * offset[g]):
            exchange_names(d, given[0] + shift, given[1] + shift)
            continue
        for i in range(start[g + 1] - start[g]):
            on[i] = d.name[given[i] + shift]
        add_gate(s, d, row, on, coefficients + 2 * offset[g])
    for q in range(d.num_qubits):
        finish(s, d, q)
    for q in range(d.num_qubits):
        if d.waiting[q].one:
            apply_waiting(s, d, q, &d.waiting[q])
    for q in range(d.num_qubits):
        settle(s, d, q)
    phase_under(s, d, 0, 0, d.factors.scale)
    ba_add(flags + FLAG_DONE, d.operations - told << d.num_qubits)


def apply_gates(state, bint single, double re, double im, int num_qubits, uint64_t live,
                const int64_t[:, ::1] kinds, const int32_t[::1] kind, const int32_t[::1] start,
                const int32_t[::1] qubits, const int64_t[::1] offset,
                const double complex[::1] coefficients, int shift, const double[::1] costs,
                int64_t[::1] flags):
    """Applies a gate run without a plan, on this thread.

    Args:
        state: the amplitudes, shape (2 * 2**num_qubits,), in lane layout, aligned to a vector, zeros
            where a qubit that is not live is 1; None for a fresh state, whose memory is made here.
        single: whether the state's reals are float32; otherwise they are float64.
        re, im: the amplitude of |0...0> of a state that is made here.
        num_qubits: of the state, those of a vector at least and `DIRECT_MOST_QUBITS` at most.
        live: mask of the qubits that can be other than |0>; 0 for a fresh state.
        kinds: int64, one row a kind, see `planner.plan`. A gate has one target, or two and, if they
            are more than two qubits with its controls, at most two.
        kind, start, qubits, offset, coefficients: see `program.Gates`.
        shift: added to each qubit.
        costs: ns per amplitude of "diagonal", "move", "real1", "dense1", "real2", "dense2", and ns
            of any operation.
        flags: of the job, see `control.Control`; the work is added to ``flags[DONE]``. Once
            ``flags[STOP]`` is set, the rest is left out.

    Returns:
        The number of gates after fusion, diagonal ones left out, the number of operations, the
        qubits that are live now, and, of a state made here, its memory, a bytearray, and at which
        byte of that it begins.

    Raises:
        ValueError: a gate is malformed or on too many qubits; the state is unchanged.
    """
    cdef Direct d
    cdef int lanes = VF_LANES if single else VD_LANES, q
    cdef index num = kind.shape[0], i, k, size = <index>2 << num_qubits
    cdef bytearray memory = None
    cdef char* data
    cdef index skip = 0
    cdef double[::1] doubles
    cdef float[::1] floats
    cdef const int32_t* on = &qubits[0] if qubits.shape[0] else NULL
    if not log2_of(lanes) <= num_qubits <= DIRECT_QUBITS:
        raise ValueError(f"a state of {num_qubits} qubits needs a plan")
    if costs.shape[0] != 7 or flags.shape[0] < NUM_FLAGS or kinds.shape[1] != KIND_COLUMNS:
        raise ValueError("costs, flags or kinds have another shape")
    for k in range(kinds.shape[0]):
        if kinds[k, KIND_TARGETS] > 2:
            raise ValueError(f"gates on {kinds[k, KIND_TARGETS]} qubits need a plan")
    if start.shape[0] != num + 1 or offset.shape[0] != num:
        raise ValueError("the arrays of a gate run do not belong together")
    for i in range(num):
        k = kind[i]
        if not 0 <= k < kinds.shape[0] or not is_gate(
                kinds[k, KIND_FORM] == FORM_DIAGONAL, kinds[k, KIND_TARGETS],
                kinds[k, KIND_CONTROLS], start[i], start[i + 1], on, qubits.shape[0], offset[i],
                coefficients.shape[0], shift, num_qubits):
            raise malformed(i, num_qubits)
    if state is None:
        size *= 4 if single else 8
        memory = PyByteArray_FromStringAndSize(NULL, size + 64)
        data = PyByteArray_AS_STRING(memory)
        skip = align(data) - data
        data += skip
        memset(data, 0, size)
        if single:
            (<float*>data)[0] = <float>re
            (<float*>data)[lanes] = <float>im
        else:
            (<double*>data)[0] = re
            (<double*>data)[lanes] = im
        live = 0
    else:
        if single:
            floats = state
            k = floats.shape[0]
            data = <char*>&floats[0]
        else:
            doubles = state
            k = doubles.shape[0]
            data = <char*>&doubles[0]
        if k != size:
            raise ValueError(f"{k} reals are no state of {num_qubits} qubits")
    d.num_qubits, d.lane_bits = num_qubits, log2_of(lanes)
    d.touched = d.live = live
    d.operations = d.fused = 0
    memset(&d.merging, 0, sizeof(Merging))
    d.merging.diagonal, d.merging.move = costs[0], costs[1]
    d.merging.real1, d.merging.dense1 = costs[2], costs[3]
    d.merging.real2, d.merging.dense2 = costs[4], costs[5]
    d.merging.each = costs[6] / <double>(BIT << num_qubits)
    if num:
        with nogil:
            if single:
                run_gates(<vf*>data, &d, &kinds[0, 0], kinds.shape[0], &kind[0], &start[0], on,
                          &offset[0], <const double*>&coefficients[0], num, shift, &flags[0])
            else:
                run_gates(<vd*>data, &d, &kinds[0, 0], kinds.shape[0], &kind[0], &start[0], on,
                          &offset[0], <const double*>&coefficients[0], num, shift, &flags[0])
    return d.fused, d.operations, d.live, memory, skip
