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


cdef inline bint is_identity(const double* m) noexcept nogil:
    return (m[0] == 1 and m[1] == 0 and m[2] == 0 and m[3] == 0 and m[4] == 0 and m[5] == 0
            and m[6] == 1 and m[7] == 0)


cdef inline bint is_cross(const double* m) noexcept nogil:
    """True for a real diagonal and an imaginary rest."""
    return m[1] == 0 and m[2] == 0 and m[4] == 0 and m[7] == 0


cdef inline bint is_flip(const double* m) noexcept nogil:
    """True for X."""
    return (m[0] == 0 and m[1] == 0 and m[2] == 1 and m[3] == 0 and m[4] == 1 and m[5] == 0
            and m[6] == 0 and m[7] == 0)


cdef inline bint is_swap4(const double* m, int pattern) noexcept nogil:
    """True for the matrix of a swap; without a look at it where its pattern says no."""
    cdef int row, column
    if pattern != SWAP4:
        return False
    for row in range(4):
        column = (row & 1) << 1 | row >> 1
        if m[2 * (4 * row + column)] != 1 or m[2 * (4 * row + column) + 1] != 0:
            return False
    return True
