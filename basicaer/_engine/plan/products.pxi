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


cdef inline bint unit(const double* z) noexcept nogil:
    """True if |z| is 1 but for rounding."""
    return fabs(z[0] * z[0] + z[1] * z[1] - 1) < 1e-9
