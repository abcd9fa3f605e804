# For stage 3: a 2x2 matrix as a turn between diagonals, and 4x4 matrices that are two such.
#
#     U = scale  diag(1, after)  O  diag(1, before)
#
#     O = form 0  1  -t    form 1  t   1    form 2  1   t    form 3  t  -1     all of these real, |t| <= 1
#                 t   1            1  -t            t  -1            1   t
#         form 4  1 -it    form 5 it   1    for rotations about x
#               -it   1            1  it
#
# The larger entry of the first column is taken out, so nothing is divided by a small number. On
# amplitudes O costs two multiply-adds each, U eight (kernels/registers.h).
#
# A 4x4 matrix that acts on 00, 11 and on 01, 10 apart is two turns, and diagonals on both qubits.

cdef enum:
    REAL_TURN = 0
    CROSS_TURN = 1
    ANY_TURN = 2

# By how much a product may differ from the matrix: some roundings.
cdef double EXACT = 4e-15


cdef inline void zinv(double* out, const double* a) noexcept nogil:
    """out = 1 / a; `out` is not `a`."""
    cdef double d = a[0] * a[0] + a[1] * a[1]
    out[0] = a[0] / d
    out[1] = -a[1] / d


cdef inline bint about(const double* z, double re, double im) noexcept nogil:
    """True if z is re + i im but for some roundings; False for NaN."""
    return fabs(z[0] - re) <= EXACT and fabs(z[1] - im) <= EXACT


cdef void set_turn(double* out, double t, int form) noexcept nogil:
    """Writes O, its tangent and its form."""
    memset(out, 0, 8 * sizeof(double))
    out[TURN_T] = t
    out[TURN_FORM] = form
    if form == 0 or form == 2:
        out[0] = 1
        out[2] = t if form == 2 else -t
        out[4] = t
        out[6] = -1 if form == 2 else 1
    elif form == 1 or form == 3:
        out[0] = t
        out[2] = 1 if form == 1 else -1
        out[4] = 1
        out[6] = -t if form == 1 else t
    elif form == 4:
        out[0] = out[6] = 1
        out[3] = out[5] = -t
    else:
        out[1] = out[7] = t
        out[2] = out[4] = 1


cdef inline bint negative(const double* z) noexcept nogil:
    """True for one of z and -z, and not by rounding where z is about 1 or i."""
    return z[0] < 0 if fabs(z[0]) > 1e-6 * fabs(z[1]) else z[1] < 0


cdef bint as_turn(const double* m, int kind, double* out) noexcept nogil:
    """Writes what TURN writes; False if m is no turn of this kind, up to rounding.

    Args:
        m: a 2x2 matrix.
        kind: REAL_TURN: of a real matrix, without diagonals; CROSS_TURN: form 4 or 5, without
            diagonals; ANY_TURN: forms 0 to 3.
    """
    cdef bint low = m[4] * m[4] + m[5] * m[5] > m[0] * m[0] + m[1] * m[1]
    cdef const double* base = m + 4 if low else m
    cdef double a[2]    # the other entry of the first column, those of the second, over the base
    cdef double b[2]
    cdef double d[2]
    cdef double u[2]
    cdef double w[2]
    cdef double t, size
    if base[0] == 0 and base[1] == 0:
        return False
    zdiv(a, m if low else m + 4, base)
    zdiv(b, m + 2, base)
    zdiv(d, m + 6, base)
    out[TURN_AFTER] = out[TURN_BEFORE] = 1
    out[TURN_AFTER + 1] = out[TURN_BEFORE + 1] = 0
    out[TURN_SCALE] = base[0]
    out[TURN_SCALE + 1] = base[1]
    if kind == REAL_TURN:
        t = a[0]
        if low:
            set_turn(out, t, 3 if b[0] < 0 else 1)
            return about(b, -1, 0) and about(d, t, 0) or about(b, 1, 0) and about(d, -t, 0)
        set_turn(out, t, 2 if d[0] < 0 else 0)
        return about(d, -1, 0) and about(b, t, 0) or about(d, 1, 0) and about(b, -t, 0)
    if kind == CROSS_TURN:
        t = a[1] if low else -a[1]
        set_turn(out, t, 5 if low else 4)
        if low:
            return about(a, 0, t) and about(b, 1, 0) and about(d, 0, t)
        return about(a, 0, -t) and about(b, 0, -t) and about(d, 1, 0)
    # w = -d / t or -b / t, as small entries have it; then u follows from the large ones.
    w[0] = -d[0] if low else -b[0]
    w[1] = -d[1] if low else -b[1]
    size = sqrt(w[0] * w[0] + w[1] * w[1])
    t = size
    if size < 1e-15:
        t = 0
        w[0] = 1
        w[1] = 0
    else:
        if negative(w):
            t = -size
        w[0] = w[0] / t
        w[1] = w[1] / t
    if low:
        zdiv(u, b, w)
    else:
        zdiv(u, d, w)
    # With -1 as a reflection, not as a factor, the plan is the same. Without a rotation it is not:
    # whether O is the identity, or X, would depend on the angle of a phase.
    if t != 0 and negative(u):
        t = -t
        u[0] = -u[0]
        u[1] = -u[1]
        set_turn(out, t, 3 if low else 2)
    else:
        set_turn(out, t, 1 if low else 0)
    out[TURN_BEFORE] = w[0]
    out[TURN_BEFORE + 1] = w[1]
    if low:
        # diag(u, 1) = u diag(1, 1 / u)
        zinv(out + TURN_AFTER, u)
        zmul(out + TURN_SCALE, base, u)
        return about(a, u[0] * t, u[1] * t) and unit_exactly(u)
    out[TURN_AFTER] = u[0]
    out[TURN_AFTER + 1] = u[1]
    return about(a, u[0] * t, u[1] * t) and unit_exactly(u)


cdef inline bint unit_exactly(const double* z) noexcept nogil:
    """True if |z| is 1 but for some roundings."""
    return fabs(z[0] * z[0] + z[1] * z[1] - 1) <= 2 * EXACT


cdef bint is_x4(const double* m, const double* first, const double* second) noexcept nogil:
    """True if m (second x first) acts on 00, 11 and on 01, 10 apart, up to rounding.

    Args:
        m: a 4x4 matrix.
        first, second: 2x2 matrices on its qubits; NULL for the identity.
    """
    cdef int i, j, k
    cdef double x[2]
    cdef double t[2]
    for i in range(4):
        for j in range(4):
            if i == j or i == 3 - j:
                continue
            x[0] = x[1] = 0
            for k in range(4):
                if first == NULL and (j ^ k) & 1 or second == NULL and (j ^ k) & 2:
                    continue
                memcpy(t, m + 2 * (4 * i + k), 2 * sizeof(double))
                if first != NULL:
                    zmul(t, t, first + 2 * (2 * (k & 1) + (j & 1)))
                if second != NULL:
                    zmul(t, t, second + 2 * (2 * (k >> 1) + (j >> 1)))
                x[0] += t[0]
                x[1] += t[1]
            if not about(x, 0, 0):
                return False
    return True


cdef void x_join(double* out, const double* a, const double* b) noexcept nogil:
    """The 4x4 matrix that acts as `a` on 00 and 11, as `b` on 01 (row 1) and 10 (row 2)."""
    memset(out, 0, 32 * sizeof(double))
    memcpy(out, a, 2 * sizeof(double))
    memcpy(out + 6, a + 2, 2 * sizeof(double))
    memcpy(out + 24, a + 4, 2 * sizeof(double))
    memcpy(out + 30, a + 6, 2 * sizeof(double))
    memcpy(out + 10, b, 4 * sizeof(double))
    memcpy(out + 18, b + 4, 4 * sizeof(double))


cdef void x_factors(double* out, const double* a, double* b) noexcept nogil:
    """The diagonals around two turns, as factors; `a` and `b` as TURN writes them.

    Which of the two is a reflection is chosen anew, in `b`, so that the factor of both qubits after
    the turns is 1 where it can be, not -1.
    """
    cdef double t[2]
    cdef double* both = out + X_AFTER + 4
    cdef int i
    memcpy(out + X_BEFORE, b + TURN_BEFORE, 2 * sizeof(double))
    zdiv(out + X_BEFORE + 2, a + TURN_BEFORE, b + TURN_BEFORE)
    for i in range(2):
        zdiv(out + X_AFTER, b + TURN_SCALE, a + TURN_SCALE)
        zmul(out + X_AFTER + 2, out + X_AFTER, b + TURN_AFTER)
        zmul(t, out + X_AFTER, out + X_AFTER + 2)
        zdiv(both, a + TURN_AFTER, t)
        if i or not negative(both):
            break
        reflect(b)
    if about(both, 1, 0):
        both[0] = 1
        both[1] = 0
    memcpy(out + X_SCALE, a + TURN_SCALE, 2 * sizeof(double))


cdef void reflect(double* turn) noexcept nogil:
    """Writes a turn, as TURN writes it, of a form from 0 to 3, with another sign of `after`."""
    cdef int form = <int>turn[TURN_FORM]
    set_turn(turn, -turn[TURN_T], form ^ 2)
    turn[TURN_AFTER] = -turn[TURN_AFTER]
    turn[TURN_AFTER + 1] = -turn[TURN_AFTER + 1]
    if form & 1:
        turn[TURN_SCALE] = -turn[TURN_SCALE]
        turn[TURN_SCALE + 1] = -turn[TURN_SCALE + 1]
