# What the planner asks about 2x2 and 4x4 matrices (layout: products.pxi), and their qubits' order.

cdef inline int exchange(int x) noexcept nogil:
    """A row or column of a 4x4 matrix when its qubits are named the other way round."""
    return (x & 1) << 1 | x >> 1


cdef void exchange_qubits(double* m) noexcept nogil:
    """Names the qubits of a 4x4 matrix the other way round."""
    cdef double t[32]
    cdef int r, c
    for r in range(4):
        for c in range(4):
            memcpy(t + 2 * (4 * exchange(r) + exchange(c)), m + 2 * (4 * r + c), 2 * sizeof(double))
    memcpy(m, t, 32 * sizeof(double))


cdef inline int pattern_exchange(int p) noexcept nogil:
    """The pattern after `exchange_qubits`."""
    cdef int r, c, out = 0
    for r in range(4):
        for c in range(4):
            if (p >> (4 * r + c)) & 1:
                out |= 1 << (4 * exchange(r) + exchange(c))
    return out
