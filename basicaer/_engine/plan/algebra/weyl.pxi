# For stage 3: a two-qubit gate as one that is cheaper, between one-qubit gates.
#
#     V = (A x B) N (C x D)
#
# N acts on {|00>, |11>} and on {|01>, |10>} apart. In the magic basis, whose vectors are (up to
# phases) the Bell states, N is diagonal and A x B, C x D are real: with U the gate in that basis,
# the real eigenvectors P of the symmetric U^T U give U = (U P E^-1) E P^T, E^2 the eigenvalues.
# (Makhlin, quant-ph/0002045; Zhang, Vala, Sastry, Whaley, quant-ph/0209120.)
#
# N is kept as an "X": its entries 00, 03, 30, 33, 11, 12, 21, 22, each re, im. It stays an X under
# diagonal one-qubit matrices, and when a qubit is turned by pi about y.

cdef double HALF_ROOT = 0.7071067811865476


cdef void to_magic(double* out, const double* m) noexcept nogil:
    """out = B^dagger m B; B's columns: |00>+|11>, i(|01>+|10>), |01>-|10>, i(|00>-|11>)."""
    cdef double t[32]
    cdef int i
    cdef const double* r0
    cdef const double* r1
    cdef const double* r2
    cdef const double* r3
    for i in range(4):             # t = m B, row by row
        r0 = m + 8 * i
        r1 = r0 + 2
        r2 = r0 + 4
        r3 = r0 + 6
        t[8 * i] = HALF_ROOT * (r0[0] + r3[0])
        t[8 * i + 1] = HALF_ROOT * (r0[1] + r3[1])
        t[8 * i + 2] = -HALF_ROOT * (r1[1] + r2[1])
        t[8 * i + 3] = HALF_ROOT * (r1[0] + r2[0])
        t[8 * i + 4] = HALF_ROOT * (r1[0] - r2[0])
        t[8 * i + 5] = HALF_ROOT * (r1[1] - r2[1])
        t[8 * i + 6] = -HALF_ROOT * (r0[1] - r3[1])
        t[8 * i + 7] = HALF_ROOT * (r0[0] - r3[0])
    for i in range(4):             # out = B^dagger t, column by column
        r0 = t + 2 * i
        r1 = r0 + 8
        r2 = r0 + 16
        r3 = r0 + 24
        out[2 * i] = HALF_ROOT * (r0[0] + r3[0])
        out[2 * i + 1] = HALF_ROOT * (r0[1] + r3[1])
        out[8 + 2 * i] = HALF_ROOT * (r1[1] + r2[1])
        out[8 + 2 * i + 1] = -HALF_ROOT * (r1[0] + r2[0])
        out[16 + 2 * i] = HALF_ROOT * (r1[0] - r2[0])
        out[16 + 2 * i + 1] = HALF_ROOT * (r1[1] - r2[1])
        out[24 + 2 * i] = HALF_ROOT * (r0[1] - r3[1])
        out[24 + 2 * i + 1] = -HALF_ROOT * (r0[0] - r3[0])


cdef void from_magic(double* out, const double* k) noexcept nogil:
    """out = B k B^dagger for a real 4x4 matrix k."""
    cdef double b[32]
    cdef double h[32]
    cdef double z[32]
    cdef int i, j
    memset(b, 0, 32 * sizeof(double))
    b[0] = b[24] = HALF_ROOT                    # column 0 on rows 0 and 3
    b[8 + 3] = b[16 + 3] = HALF_ROOT            # column 1, times i, on rows 1 and 2
    b[8 + 4] = HALF_ROOT                        # column 2
    b[16 + 4] = -HALF_ROOT
    b[7] = HALF_ROOT                            # column 3, times i
    b[24 + 7] = -HALF_ROOT
    for i in range(4):
        for j in range(4):
            h[2 * (4 * i + j)] = b[2 * (4 * j + i)]
            h[2 * (4 * i + j) + 1] = -b[2 * (4 * j + i) + 1]
            z[2 * (4 * i + j)] = k[4 * i + j]
            z[2 * (4 * i + j) + 1] = 0
    matmul(z, b, z, 4)
    matmul(out, z, h, 4)


cdef double det4(const double* k) noexcept nogil:
    """The determinant of a real 4x4 matrix."""
    cdef double s0 = k[0] * k[5] - k[1] * k[4], s1 = k[0] * k[6] - k[2] * k[4]
    cdef double s2 = k[0] * k[7] - k[3] * k[4], s3 = k[1] * k[6] - k[2] * k[5]
    cdef double s4 = k[1] * k[7] - k[3] * k[5], s5 = k[2] * k[7] - k[3] * k[6]
    cdef double c5 = k[10] * k[15] - k[11] * k[14], c4 = k[9] * k[15] - k[11] * k[13]
    cdef double c3 = k[9] * k[14] - k[10] * k[13], c2 = k[8] * k[15] - k[11] * k[12]
    cdef double c1 = k[8] * k[14] - k[10] * k[12], c0 = k[8] * k[13] - k[9] * k[12]
    return s0 * c5 - s1 * c4 + s2 * c3 + s3 * c2 - s4 * c1 + s5 * c0


cdef inline void turn(double* m, int i, int j, double c, double s) noexcept nogil:
    """m = R^T m R for a real 4x4 matrix m and the rotation R of rows i and j."""
    cdef int k
    cdef double x, y
    for k in range(4):
        x = m[4 * k + i]
        y = m[4 * k + j]
        m[4 * k + i] = c * x + s * y
        m[4 * k + j] = c * y - s * x
    for k in range(4):
        x = m[4 * i + k]
        y = m[4 * j + k]
        m[4 * i + k] = c * x + s * y
        m[4 * j + k] = c * y - s * x


cdef void joint_eigenvectors(double* x, double* y, double* p) noexcept nogil:
    """Makes two commuting real symmetric 4x4 matrices diagonal, by Jacobi's rotations.

    The columns of `p` become their common eigenvectors. (Cardoso, Souloumiac, SIAM J. Matrix Anal.
    Appl. 17, 1996: the angle of each rotation.)
    """
    cdef int sweep, i, j, k
    cdef double off, on, angle, c, s, dx, dy, u, v
    for i in range(16):
        p[i] = 1 if i % 5 == 0 else 0
    for sweep in range(16):
        off = 0
        for i in range(3):
            for j in range(i + 1, 4):
                dx = x[5 * i] - x[5 * j]
                dy = y[5 * i] - y[5 * j]
                u = 2 * x[4 * i + j]
                v = 2 * y[4 * i + j]
                off = off + u * u + v * v
                if u * u + v * v < 1e-33:
                    continue
                on = dx * dx + dy * dy - u * u - v * v
                s = 2 * (dx * u + dy * v)
                angle = 0.5 * atan2(s, on + sqrt(on * on + s * s))
                if on < 0 and s == 0:
                    angle = 0.7853981633974483
                c = cos(angle)
                s = sin(angle)
                turn(x, i, j, c, s)
                turn(y, i, j, c, s)
                for k in range(4):
                    u = p[4 * k + i]
                    v = p[4 * k + j]
                    p[4 * k + i] = c * u + s * v
                    p[4 * k + j] = c * v - s * u
        if off < 1e-30:
            return


cdef void tensor_factors(const double* m, double* a, double* b) noexcept nogil:
    """m = b x a, `a` on the first qubit, both of determinant 1."""
    cdef int i, j, r = 0, c = 0
    cdef double size, most = -1
    cdef double d[2]
    cdef double t[2]
    for i in range(4):
        for j in range(4):
            size = m[2 * (4 * i + j)] ** 2 + m[2 * (4 * i + j) + 1] ** 2
            if size > most:
                most = size
                r = i
                c = j
    for i in range(2):
        for j in range(2):
            memcpy(a + 2 * (2 * i + j), m + 2 * (4 * ((r & 2) | i) + ((c & 2) | j)),
                   2 * sizeof(double))
    zmul(d, a, a + 6)
    zmul(t, a + 2, a + 4)
    d[0] = d[0] - t[0]
    d[1] = d[1] - t[1]
    size = sqrt(sqrt(d[0] * d[0] + d[1] * d[1]))
    most = 0.5 * atan2(d[1], d[0])
    d[0] = size * cos(most)
    d[1] = size * sin(most)
    for i in range(4):
        zdiv(a + 2 * i, a + 2 * i, d)
    for i in range(2):
        for j in range(2):
            zdiv(b + 2 * (2 * i + j), m + 2 * (4 * (2 * i | (r & 1)) + (2 * j | (c & 1))),
                 a + 2 * (2 * (r & 1) + (c & 1)))


cdef void x_to_matrix(double* m, const double* x) noexcept nogil:
    """An X as a 4x4 matrix."""
    memset(m, 0, 32 * sizeof(double))
    memcpy(m, x, 2 * sizeof(double))
    memcpy(m + 6, x + 2, 2 * sizeof(double))
    memcpy(m + 24, x + 4, 2 * sizeof(double))
    memcpy(m + 30, x + 6, 2 * sizeof(double))
    memcpy(m + 10, x + 8, 4 * sizeof(double))
    memcpy(m + 18, x + 12, 4 * sizeof(double))


cdef bint weyl(const double* v, double* a, double* b, double* x, double* c,
               double* d) noexcept nogil:
    """v = (b x a) N (d x c), N as an X; False if it is not, up to rounding (v not unitary)."""
    cdef double u[32]
    cdef double w[32]
    cdef double re[16]
    cdef double im[16]
    cdef double p[16]
    cdef double k[16]
    cdef double e[8]
    cdef double t[2]
    cdef double angle
    cdef int i, j, l
    to_magic(u, v)
    for i in range(4):
        for j in range(4):
            re[4 * i + j] = im[4 * i + j] = 0
            for l in range(4):
                zmul(t, u + 2 * (4 * l + i), u + 2 * (4 * l + j))
                re[4 * i + j] += t[0]
                im[4 * i + j] += t[1]
    joint_eigenvectors(re, im, p)
    if det4(p) < 0:
        for i in range(4):
            p[4 * i] = -p[4 * i]
    for i in range(4):
        angle = 0.5 * atan2(im[5 * i], re[5 * i])
        e[2 * i] = cos(angle)
        e[2 * i + 1] = sin(angle)
    for i in range(4):              # k = U P E^-1, which is real
        for j in range(4):
            t[0] = t[1] = 0
            for l in range(4):
                t[0] = t[0] + u[2 * (4 * i + l)] * p[4 * l + j]
                t[1] = t[1] + u[2 * (4 * i + l) + 1] * p[4 * l + j]
            k[4 * i + j] = t[0] * e[2 * j] + t[1] * e[2 * j + 1]
    if det4(k) < 0:
        e[0] = -e[0]
        e[1] = -e[1]
        for i in range(4):
            k[4 * i] = -k[4 * i]
    from_magic(w, k)
    tensor_factors(w, a, b)
    for i in range(4):
        for j in range(4):
            k[4 * i + j] = p[4 * j + i]
    from_magic(w, k)
    tensor_factors(w, c, d)
    for i in range(2):
        x[i] = x[6 + i] = 0.5 * (e[i] + e[6 + i])
        x[2 + i] = x[4 + i] = 0.5 * (e[i] - e[6 + i])
        x[8 + i] = x[14 + i] = 0.5 * (e[2 + i] + e[4 + i])
        x[10 + i] = x[12 + i] = 0.5 * (e[2 + i] - e[4 + i])
    x_to_matrix(w, x)
    mul_left(w, a, 0)
    mul_left(w, b, 1)
    mul_right(w, c, 0)
    mul_right(w, d, 1)
    for i in range(32):
        if not fabs(w[i] - v[i]) < 1e-13:
            return False
    return True


cdef void x_scale(double* x, int side, bint left, const double* z) noexcept nogil:
    """x = z x (left) or x z, z the diagonal 2x2 matrix (z[0..1], z[2..3]) on a qubit."""
    # Bits of the rows and columns of the entries 00, 03, 30, 33, 11, 12, 21, 22.
    cdef int rows[8]
    cdef int columns[8]
    cdef int i
    rows[0] = 0; rows[1] = 0; rows[2] = 3; rows[3] = 3
    rows[4] = 1; rows[5] = 1; rows[6] = 2; rows[7] = 2
    columns[0] = 0; columns[1] = 3; columns[2] = 0; columns[3] = 3
    columns[4] = 1; columns[5] = 2; columns[6] = 1; columns[7] = 2
    for i in range(8):
        zmul(x + 2 * i, x + 2 * i,
             z + 2 * (((rows[i] if left else columns[i]) >> side) & 1))


cdef void x_turn(double* x, int side) noexcept nogil:
    """x = W^dagger x W, W = ((0, -1), (1, 0)) on a qubit: a turn by pi about y."""
    cdef double t[16]
    cdef int i
    cdef int source[8]
    # Which entry, and with which sign, comes to 00, 03, 30, 33, 11, 12, 21, 22.
    if side == 0:
        source[0] = 4; source[1] = 5; source[2] = 6; source[3] = 7
        source[4] = 0; source[5] = 1; source[6] = 2; source[7] = 3
    else:
        source[0] = 7; source[1] = 6; source[2] = 5; source[3] = 4
        source[4] = 3; source[5] = 2; source[6] = 1; source[7] = 0
    memcpy(t, x, 16 * sizeof(double))
    for i in range(8):
        # Off the diagonal exactly one of the two indices is turned back, which is the minus.
        if i == 0 or i == 3 or i == 4 or i == 7:
            x[2 * i] = t[2 * source[i]]
            x[2 * i + 1] = t[2 * source[i] + 1]
        else:
            x[2 * i] = -t[2 * source[i]]
            x[2 * i + 1] = -t[2 * source[i] + 1]


cdef double euler(const double* c, double* first, double* last, bint* flip) noexcept nogil:
    """c = last Ry first, or last W Ry first if `flip`, for a 2x2 matrix c of determinant 1.

    `first` and `last` are diagonals, W is that of `x_turn`, Ry is a real rotation
    ``cos (1, -t; t, 1)`` with |t| <= 1; `last` is multiplied by its cosine. Returns t.
    """
    cdef double cosine = sqrt(c[0] * c[0] + c[1] * c[1]), sine = sqrt(c[4] * c[4] + c[5] * c[5])
    cdef double p = atan2(c[1], c[0]), q = atan2(c[5], c[4])
    cdef double alpha = 0.5 * (q - p), gamma = 0.5 * (-p - q), t
    flip[0] = sine > cosine
    if flip[0]:
        t = -cosine / sine
        cosine = sine
    else:
        t = sine / cosine
    first[0] = cos(gamma)
    first[1] = -sin(gamma)
    first[2] = first[0]
    first[3] = -first[1]
    last[0] = cosine * cos(alpha)
    last[1] = -cosine * sin(alpha)
    last[2] = last[0]
    last[3] = -last[1]
    return t
