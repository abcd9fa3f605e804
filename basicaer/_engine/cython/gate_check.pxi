# Whether what the arrays of a `_program.Gates` say is a gate: looked at before anything is done with
# it, wherever the arrays came from.

cdef bint is_gate(bint diagonal, Py_ssize_t targets, Py_ssize_t controls, Py_ssize_t first,
                  Py_ssize_t last, const int32_t* qubits, Py_ssize_t num_held, int64_t offset,
                  Py_ssize_t num_entries, int shift, int num_qubits) noexcept nogil:
    """True if the gate on ``qubits[first:last]``, of `num_held`, shifted, reads only what is there.

    Its coefficients begin at `offset`, of `num_entries`; the state has at most 62 qubits.
    """
    cdef Py_ssize_t j, size
    cdef int64_t q
    cdef uint64_t seen = 0
    if not 0 <= targets <= 30 or not 0 <= controls <= 62:
        return False
    if not 0 <= first <= last <= num_held or last - first != targets + controls:
        return False
    for j in range(first, last):
        q = <int64_t>qubits[j] + shift
        if not 0 <= q < num_qubits or seen >> q & 1:
            return False
        seen |= <uint64_t>1 << q
    size = <Py_ssize_t>1 << (targets if diagonal else 2 * targets)
    return 0 <= offset <= num_entries - size


cdef object malformed(Py_ssize_t gate, int num_qubits):
    """The error for the gate of that number."""
    return ValueError(f"gate {gate} of a run is malformed: its qubits must be as many as its kind "
                      f"has, all different, and less than {num_qubits}")
