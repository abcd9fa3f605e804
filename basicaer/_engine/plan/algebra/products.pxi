# Products of 2x2 and 4x4 complex matrices, for the planner and for gates without a plan.
#
#     m[2 * (n * row + column)], + 1: re, im                     a 2x2 matrix has 8 reals, a 4x4 32
#     4x4: bit 0 of rows and columns is the first qubit (side 0), bit 1 the second (side 1)

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


cdef inline void matmul2(double* out, const double* a, const double* b) noexcept nogil:
    """As `matmul`, for 2x2 matrices."""
    cdef double t[8]
    cdef int i, j
    for i in range(0, 8, 4):
        for j in range(0, 4, 2):
            t[i + j] = a[i] * b[j] - a[i + 1] * b[j + 1] + a[i + 2] * b[j + 4] - a[i + 3] * b[j + 5]
            t[i + j + 1] = (a[i] * b[j + 1] + a[i + 1] * b[j] + a[i + 2] * b[j + 5]
                            + a[i + 3] * b[j + 4])
    memcpy(out, t, 8 * sizeof(double))


# Products of rows are written so that compilers make vectors of them: x * z is re z * x + im z * ix,
# where ix is x times i.

cdef inline void times_i(double* out, const double* x, int reals) noexcept nogil:
    cdef int j
    for j in range(0, reals, 2):
        out[j] = -x[j + 1]
        out[j + 1] = x[j]


cdef void mul_left(double* m, const double* gate, int side) noexcept nogil:
    """m = s @ m, s the 2x2 matrix `gate` on the first (side 0) or second qubit (side 1)."""
    cdef int j, k
    cdef double* x
    cdef double* y
    cdef double a[8]
    cdef double b[8]
    cdef double ia[8]
    cdef double ib[8]
    for k in range(2):
        x = m + (16 * k if side == 0 else 8 * k)
        y = x + (8 if side == 0 else 16)
        memcpy(a, x, 8 * sizeof(double))
        memcpy(b, y, 8 * sizeof(double))
        times_i(ia, a, 8)
        times_i(ib, b, 8)
        for j in range(8):
            x[j] = (gate[0] * a[j] + gate[1] * ia[j]) + (gate[2] * b[j] + gate[3] * ib[j])
        for j in range(8):
            y[j] = (gate[4] * a[j] + gate[5] * ia[j]) + (gate[6] * b[j] + gate[7] * ib[j])


cdef void mul_right(double* m, const double* gate, int side) noexcept nogil:
    """m = m @ s, s as in `mul_left`."""
    cdef int j, r, k
    cdef double* x
    cdef double xr, xi, yr, yi
    cdef double a[4]
    cdef double b[4]
    cdef double ia[4]
    cdef double ib[4]
    if side == 0:
        memcpy(a, gate, 4 * sizeof(double))
        memcpy(b, gate + 4, 4 * sizeof(double))
        times_i(ia, a, 4)
        times_i(ib, b, 4)
        for k in range(0, 32, 4):
            x = m + k
            xr, xi, yr, yi = x[0], x[1], x[2], x[3]
            for j in range(4):
                x[j] = (xr * a[j] + xi * ia[j]) + (yr * b[j] + yi * ib[j])
        return
    for r in range(4):
        x = m + 8 * r
        memcpy(a, x, 4 * sizeof(double))
        memcpy(b, x + 4, 4 * sizeof(double))
        times_i(ia, a, 4)
        times_i(ib, b, 4)
        for j in range(4):
            x[j] = (gate[0] * a[j] + gate[1] * ia[j]) + (gate[4] * b[j] + gate[5] * ib[j])
        for j in range(4):
            x[4 + j] = (gate[2] * a[j] + gate[3] * ia[j]) + (gate[6] * b[j] + gate[7] * ib[j])


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
