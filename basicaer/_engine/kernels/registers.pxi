# Several gates between one load and one store: a register block, see registers.h.
#
# Memory: see _kernels.pyx. The form of a turn is a coefficient like its tangent, so that a plan can
# be refreshed when it changes. A gate under a condition on bits outside of the registers is applied
# to those sets, or to those blocks, in which the condition holds.

cdef extern from "basicaer/_engine/kernels/registers.h":
    const int BA_REGISTER_BITS
    ctypedef struct ba_gate:
        int code
        index control
        index value
        index coefficient
    void vd_registers(vd*, index, const int*, const ba_gate*, int, const vd*) noexcept nogil
    void vf_registers(vf*, index, const int*, const ba_gate*, int, const vf*) noexcept nogil


cdef void registers(vec* s, int live, const int64_t* at, index num_gates, index base,
                    const vec* coefficients, index lanes) noexcept nogil:
    """Applies the gates of an operation to the block at `s`.

    Args:
        live: only the first 2**live pairs can be other than 0.
        at: the register bits as local bits, ascending, and the gates' rows.
        base: the number of the block's first pair.
    """
    cdef ba_gate gates[MOST_GATES]
    cdef int positions[BA_REGISTER_BITS]
    cdef const int64_t* row = at + BA_REGISTER_BITS
    cdef int g, k, count = 0, code
    cdef index at_vector
    cdef index sets = (<index>1 << live) >> BA_REGISTER_BITS
    for g in range(<int>num_gates):
        if base & row[GATE_OUTER] == row[GATE_OUTER_VALUE]:
            code = row[COL_GATE]
            at_vector = row[GATE_COEFFICIENT] // lanes
            if code < GATE_TURN2:
                code += 3 * form_at(coefficients + at_vector + 1)
            elif code < GATE_FLIP:
                code += 9 * form_at(coefficients + at_vector + 1)
            elif code >= GATE_TURN_X:
                code += GATE_TURN - GATE_TURN_X + 3 * (form_at(coefficients + at_vector + 1) ^ 1)
            elif code >= GATE_TURN_CX:
                code += 6 * form_at(coefficients + at_vector + 1)
            gates[count].code = code
            gates[count].control = row[GATE_CONTROL]
            gates[count].value = row[GATE_VALUE]
            gates[count].coefficient = at_vector
            count += 1
        row += GATE_COLUMNS
    for k in range(BA_REGISTER_BITS):
        positions[k] = at[k]
    if count == 0:
        return
    if vec is vd:
        vd_registers(s, sets, positions, gates, count, coefficients)
    else:
        vf_registers(s, sets, positions, gates, count, coefficients)


cdef inline int form_at(const vec* x) noexcept nogil:
    """The form of a turn: a small number, the same in all lanes."""
    if vec is vd:
        return <int>(<const double*>x)[0]
    else:
        return <int>(<const float*>x)[0]
