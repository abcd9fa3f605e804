# Gates, one by one, on the amplitudes of a small state; small.pyx says how they lie.

cdef struct Form:
    int diagonal
    int targets
    int controls
    int64_t control_state


cdef void dense1(double* re, double* im, index num_sets, index fixed, index first, index t,
                 const double* m) noexcept nogil:
    """Applies a 2x2 matrix to the bit `t`."""
    cdef index j = 0, a, b
    cdef double ar, ai, br, bi
    for _ in range(num_sets):
        a = j | first
        b = a | t
        j = ((j | fixed) + 1) & ~fixed
        ar, ai, br, bi = re[a], im[a], re[b], im[b]
        re[a] = m[0] * ar - m[1] * ai + m[2] * br - m[3] * bi
        im[a] = m[0] * ai + m[1] * ar + m[2] * bi + m[3] * br
        re[b] = m[4] * ar - m[5] * ai + m[6] * br - m[7] * bi
        im[b] = m[4] * ai + m[5] * ar + m[6] * bi + m[7] * br


cdef void dense2(double* re, double* im, index num_sets, index fixed, index first, index s, index t,
                 const double* m) noexcept nogil:
    """Applies a 4x4 matrix to the bits `s` and `t`; `s` is the low bit of its row index."""
    cdef index j = 0, a, b, c, d, row
    cdef index to[4]
    cdef double ar, ai, br, bi, cr, ci, dr, di
    cdef const double* e
    for _ in range(num_sets):
        a = j | first
        b, c, d = a | s, a | t, a | s | t
        j = ((j | fixed) + 1) & ~fixed
        to[0], to[1], to[2], to[3] = a, b, c, d
        ar, ai, br, bi = re[a], im[a], re[b], im[b]
        cr, ci, dr, di = re[c], im[c], re[d], im[d]
        for row in range(4):
            e = m + 8 * row
            re[to[row]] = (e[0] * ar - e[1] * ai + e[2] * br - e[3] * bi
                           + (e[4] * cr - e[5] * ci + e[6] * dr - e[7] * di))
            im[to[row]] = (e[0] * ai + e[1] * ar + e[2] * bi + e[3] * br
                           + (e[4] * ci + e[5] * cr + e[6] * di + e[7] * dr))


cdef void dense(double* re, double* im, index num_sets, index fixed, index first,
                const index* offsets, index size, const double* m) noexcept nogil:
    """Applies a matrix to any number of bits."""
    cdef index j = 0, base, row, column
    cdef double xr[SIZE]
    cdef double xi[SIZE]
    cdef double sr, si
    cdef const double* entry
    for _ in range(num_sets):
        base = j | first
        j = ((j | fixed) + 1) & ~fixed
        for column in range(size):
            xr[column] = re[base | offsets[column]]
            xi[column] = im[base | offsets[column]]
        entry = m
        for row in range(size):
            sr = si = 0
            for column in range(size):
                sr = sr + entry[0] * xr[column] - entry[1] * xi[column]
                si = si + entry[0] * xi[column] + entry[1] * xr[column]
                entry += 2
            re[base | offsets[row]] = sr
            im[base | offsets[row]] = si


cdef void diagonal(double* re, double* im, index num_sets, index fixed, index first,
                   const index* offsets, index size, const double* m) noexcept nogil:
    """Applies a diagonal matrix to any number of bits."""
    cdef index j, base, row, a
    cdef double x, y
    for row in range(size):
        x, y = m[2 * row], m[2 * row + 1]
        if x == 1 and y == 0:
            continue
        j = 0
        base = first | offsets[row]
        for _ in range(num_sets):
            a = j | base
            j = ((j | fixed) + 1) & ~fixed
            re[a], im[a] = x * re[a] - y * im[a], x * im[a] + y * re[a]


cdef void apply_gate(double* re, double* im, int num_qubits, const Form* form,
                     const int32_t* qubits, int shift, const double* m) noexcept nogil:
    """Applies one gate that has passed `is_gate`."""
    cdef index offsets[SIZE]
    cdef index bits[QUBITS]     # of the targets
    cdef index fixed = 0, first = 0, bit, size = 1, i
    cdef int j
    for j in range(form.controls + form.targets):
        bit = <index>1 << (qubits[j] + shift)
        fixed |= bit
        if j >= form.controls:
            bits[j - form.controls] = bit
        elif form.control_state >> j & 1:
            first |= bit
    cdef index num_sets = <index>1 << (num_qubits - form.controls - form.targets)
    if not form.diagonal and form.targets == 1:
        dense1(re, im, num_sets, fixed, first, bits[0], m)
        return
    if not form.diagonal and form.targets == 2:
        dense2(re, im, num_sets, fixed, first, bits[0], bits[1], m)
        return
    offsets[0] = 0
    for j in range(form.targets):
        for i in range(size):
            offsets[size + i] = offsets[i] | bits[j]
        size *= 2
    if form.diagonal:
        diagonal(re, im, num_sets, fixed, first, offsets, size, m)
    else:
        dense(re, im, num_sets, fixed, first, offsets, size, m)


cdef int read_forms(Form* forms, tuple kinds, int num_qubits) except -1:
    cdef index i
    if len(kinds) > KINDS:
        raise ValueError(f"{len(kinds)} kinds of gates are too many; {KINDS} is the most")
    for i in range(len(kinds)):
        form, targets, controls, control_state, _, _ = kinds[i]
        if targets == 0:
            raise ValueError(f"{kinds[i]} has no target; a gate on no qubit is a global phase")
        if targets < 0 or controls < 0 or targets + controls > num_qubits:
            raise ValueError(f"{kinds[i]} does not fit {num_qubits} qubits")
        forms[i] = Form(form, targets, controls, control_state)
    return 0


cdef struct Run:        # a gate run, see `program.Gates`
    Form forms[KINDS]
    index num_kinds, num_gates, num_held, num_entries
    const int32_t* kind
    const int32_t* start
    const int32_t* qubits
    const int64_t* offset
    const double* coefficients


cdef int read_run(Run* run, tuple kinds, const int32_t[::1] kind, const int32_t[::1] start,
                  const int32_t[::1] qubits, const int64_t[::1] offset, const void* coefficients,
                  index num_entries, int num_qubits) except -1:
    """Reads the arrays of a gate run, which must stay as long as it is used."""
    read_forms(run.forms, kinds, num_qubits)
    run.num_kinds, run.num_gates = len(kinds), kind.shape[0]
    run.num_held, run.num_entries = qubits.shape[0], num_entries
    if start.shape[0] != run.num_gates + 1 or offset.shape[0] != run.num_gates:
        raise ValueError("the arrays of a gate run do not belong together")
    run.start = &start[0]
    run.kind = &kind[0] if run.num_gates else NULL
    run.offset = &offset[0] if run.num_gates else NULL
    run.qubits = &qubits[0] if run.num_held else NULL
    run.coefficients = <const double*>coefficients
    return 0


cdef bint is_gate_of(const Run* run, index i, int num_qubits, int shift) noexcept nogil:
    """Whether gate `i` of a run is one that `apply_gate` can apply."""
    cdef const Form* form
    if not 0 <= run.kind[i] < run.num_kinds:
        return False
    form = &run.forms[run.kind[i]]
    return is_gate(form.diagonal, form.targets, form.controls, run.start[i], run.start[i + 1],
                   run.qubits, run.num_held, run.offset[i], run.num_entries, shift, num_qubits)


cdef index apply_run(const Run* run, index first, index last, double* re, double* im,
                     int num_qubits, int shift) noexcept nogil:
    """Applies the gates `first` to `last` - 1; returns -1, or the number of a malformed one."""
    cdef index i
    for i in range(first, last):
        if not is_gate_of(run, i, num_qubits, shift):
            return i
        apply_gate(re, im, num_qubits, &run.forms[run.kind[i]], run.qubits + run.start[i], shift,
                   run.coefficients + 2 * run.offset[i])
    return -1
