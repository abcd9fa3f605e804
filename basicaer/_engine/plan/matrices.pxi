# Matrices of 2x2 and 4x4 complex entries, and which of the entries can be other than 0.
#
#     m[2 * (n * row + column)], + 1: re, im                     a 2x2 matrix has 8 reals, a 4x4 32
#     4x4: bit 0 of rows and columns is the first qubit (side 0), bit 1 the second (side 1)

# Patterns: bit n * row + column is set where the entry can be non-zero.

cdef enum:
    DIAGONAL4 = 0x8421          # the diagonal of a 4x4 matrix
    STEERED_BY_1 = 0xCC33       # blocks on the first qubit, one for each value of the second
    STEERED_BY_0 = 0xA5A5       # the other way round
    X4 = 0x9669                 # blocks on 00, 11 and on 01, 10
    SWAP4 = 0x8241              # |00>, |01> and |10> exchanged, |11>
    DIAGONAL2 = 0x9
    FLIP2 = 0x6
    ALL2 = 0xF
    ALL4 = 0xFFFF


# Complex numbers: re, im.

cdef inline void zmul(double* out, const double* a, const double* b) noexcept nogil:
    cdef double re = a[0] * b[0] - a[1] * b[1]
    out[1] = a[0] * b[1] + a[1] * b[0]
    out[0] = re


cdef inline void zdiv(double* out, const double* a, const double* b) noexcept nogil:
    cdef double d = b[0] * b[0] + b[1] * b[1]
    cdef double re = (a[0] * b[0] + a[1] * b[1]) / d
    out[1] = (a[1] * b[0] - a[0] * b[1]) / d
    out[0] = re


cdef void matmul(double* out, const double* a, const double* b, int n) noexcept nogil:
    """out = a @ b for n x n matrices; `out` may be one of them."""
    cdef double t[32]
    cdef int i, j, k
    cdef double re, im
    for i in range(n):
        for j in range(n):
            re = 0
            im = 0
            for k in range(n):
                re = re + a[2 * (n * i + k)] * b[2 * (n * k + j)]
                re = re - a[2 * (n * i + k) + 1] * b[2 * (n * k + j) + 1]
                im = im + a[2 * (n * i + k)] * b[2 * (n * k + j) + 1]
                im = im + a[2 * (n * i + k) + 1] * b[2 * (n * k + j)]
            t[2 * (n * i + j)] = re
            t[2 * (n * i + j) + 1] = im
    memcpy(out, t, 2 * n * n * sizeof(double))


cdef void mul_left(double* m, const double* gate, int side) noexcept nogil:
    """m = s @ m, s the 2x2 matrix `gate` on the first (side 0) or second qubit (side 1)."""
    cdef int c, k, low
    cdef double* x
    cdef double* y
    cdef double a[2]
    cdef double b[2]
    cdef double t[2]
    for k in range(2):
        low = 2 * k if side == 0 else k
        for c in range(4):
            x = m + 2 * (4 * low + c)
            y = x + (8 if side == 0 else 16)
            zmul(a, gate, x)
            zmul(t, gate + 2, y)
            a[0] = a[0] + t[0]
            a[1] = a[1] + t[1]
            zmul(b, gate + 4, x)
            zmul(t, gate + 6, y)
            x[0] = a[0]
            x[1] = a[1]
            y[0] = b[0] + t[0]
            y[1] = b[1] + t[1]


cdef void mul_right(double* m, const double* gate, int side) noexcept nogil:
    """m = m @ s, s as in `mul_left`."""
    cdef int r, k, low
    cdef double* x
    cdef double* y
    cdef double a[2]
    cdef double b[2]
    cdef double t[2]
    for r in range(4):
        for k in range(2):
            low = 2 * k if side == 0 else k
            x = m + 2 * (4 * r + low)
            y = x + (2 if side == 0 else 4)
            zmul(a, x, gate)
            zmul(t, y, gate + 4)
            a[0] = a[0] + t[0]
            a[1] = a[1] + t[1]
            zmul(b, x, gate + 2)
            zmul(t, y, gate + 6)
            x[0] = a[0]
            x[1] = a[1]
            y[0] = b[0] + t[0]
            y[1] = b[1] + t[1]


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


cdef inline int pattern_mul2(int a, int b) noexcept nogil:
    """The pattern of a product of 2x2 matrices."""
    return ((a & 1) * (b & 3) | (a >> 1 & 1) * (b >> 2)
            | ((a >> 2 & 1) * (b & 3) | (a >> 3) * (b >> 2)) << 2)


cdef inline int pattern_mul4(int a, int b) noexcept nogil:
    """The pattern of a product of 4x4 matrices: each row the union of the rows it combines."""
    cdef int b0 = b & 15, b1 = b >> 4 & 15, b2 = b >> 8 & 15, b3 = b >> 12 & 15, r, out = 0
    if a == ALL4 and b == ALL4:
        return ALL4
    for r in range(0, 16, 4):
        out |= ((a >> r & 1) * b0 | (a >> r + 1 & 1) * b1 | (a >> r + 2 & 1) * b2
                | (a >> r + 3 & 1) * b3) << r
    return out


cdef inline int pattern_embed(int p, int side) noexcept nogil:
    """The pattern of a 2x2 matrix as a 4x4 one: each of its bits at two places."""
    if side == 0:
        return (p & 3 | (p >> 2) << 4) * 0x401
    return (p & 1) * 0x21 | (p >> 1 & 1) * 0x84 | (p >> 2 & 1) * 0x2100 | (p >> 3) * 0x8400


cdef inline int pattern_exchange(int p) noexcept nogil:
    """The pattern after `exchange_qubits`."""
    cdef int r, c, out = 0
    for r in range(4):
        for c in range(4):
            if (p >> (4 * r + c)) & 1:
                out |= 1 << (4 * exchange(r) + exchange(c))
    return out


cdef inline bint is_monomial4(int p) noexcept nogil:
    """True if each row and each column has one entry."""
    cdef int r
    cdef int row
    cdef int seen = 0
    for r in range(4):
        row = (p >> (4 * r)) & 15
        if row & (row - 1) or row == 0 or seen & row:
            return False
        seen |= row
    return True


cdef inline bint unit(const double* z) noexcept nogil:
    """True if |z| is 1 but for rounding."""
    return fabs(z[0] * z[0] + z[1] * z[1] - 1) < 1e-9


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
