# Gates on one and on two qubits, by the structure of their matrix.

# --- dense, one qubit --------------------------------------------------------------------------

cdef inline void dense1(vec* s, index count, const int fixed, const int* positions, index offset,
                        index stride, const vec* c) noexcept nogil:
    """(a, b) -> (c0 a + c1 b, c2 a + c3 b); complex coefficients."""
    cdef index j
    cdef vec ar, ai, br, bi
    cdef vec c0 = c[0], c1 = c[1], c2 = c[2], c3 = c[3]
    cdef vec c4 = c[4], c5 = c[5], c6 = c[6], c7 = c[7]
    cdef vec* p
    cdef vec* q
    for j in range(count):
        p = s + 2 * (expand(j, fixed, positions) + offset)
        q = p + 2 * stride
        ar = p[0]; ai = p[1]; br = q[0]; bi = q[1]
        p[0] = c0 * ar - c1 * ai + c2 * br - c3 * bi
        p[1] = c0 * ai + c1 * ar + c2 * bi + c3 * br
        q[0] = c4 * ar - c5 * ai + c6 * br - c7 * bi
        q[1] = c4 * ai + c5 * ar + c6 * bi + c7 * br


cdef inline void real1(vec* s, index count, const int fixed, const int* positions, index offset,
                       index stride, const vec* c) noexcept nogil:
    """As `dense1`, for real coefficients."""
    cdef index j
    cdef vec ar, ai, br, bi
    cdef vec c0 = c[0], c1 = c[1], c2 = c[2], c3 = c[3]
    cdef vec* p
    cdef vec* q
    for j in range(count):
        p = s + 2 * (expand(j, fixed, positions) + offset)
        q = p + 2 * stride
        ar = p[0]; ai = p[1]; br = q[0]; bi = q[1]
        p[0] = c0 * ar + c1 * br
        p[1] = c0 * ai + c1 * bi
        q[0] = c2 * ar + c3 * br
        q[1] = c2 * ai + c3 * bi


cdef inline void dense1_lane(vec* s, index count, const int fixed, const int* positions,
                             index offset, const int lane, const vec* c) noexcept nogil:
    """x -> c0 x + c1 x', x' being x with the lanes of the target exchanged."""
    cdef index j
    cdef vec ar, ai, br, bi
    cdef vec c0 = c[0], c1 = c[1], c2 = c[2], c3 = c[3]
    cdef vec* p
    for j in range(count):
        p = s + 2 * (expand(j, fixed, positions) + offset)
        ar = p[0]; ai = p[1]
        br = exchange(ar, lane); bi = exchange(ai, lane)
        p[0] = c0 * ar - c1 * ai + c2 * br - c3 * bi
        p[1] = c0 * ai + c1 * ar + c2 * bi + c3 * br


cdef inline void real1_lane(vec* s, index count, const int fixed, const int* positions,
                            index offset, const int lane, const vec* c) noexcept nogil:
    cdef index j
    cdef vec ar, ai
    cdef vec c0 = c[0], c1 = c[1]
    cdef vec* p
    for j in range(count):
        p = s + 2 * (expand(j, fixed, positions) + offset)
        ar = p[0]; ai = p[1]
        p[0] = c0 * ar + c1 * exchange(ar, lane)
        p[1] = c0 * ai + c1 * exchange(ai, lane)


cdef inline void cross1(vec* s, index count, const int fixed, const int* positions, index offset,
                        index stride, const vec* c) noexcept nogil:
    """As `dense1`, for a real diagonal and an imaginary rest (rx): half the work."""
    cdef index j
    cdef vec ar, ai, br, bi
    cdef vec c0 = c[0], c1 = c[1], c2 = c[2], c3 = c[3]
    cdef vec* p
    cdef vec* q
    for j in range(count):
        p = s + 2 * (expand(j, fixed, positions) + offset)
        q = p + 2 * stride
        ar = p[0]; ai = p[1]; br = q[0]; bi = q[1]
        p[0] = c0 * ar - c1 * bi
        p[1] = c0 * ai + c1 * br
        q[0] = c3 * br - c2 * ai
        q[1] = c3 * bi + c2 * ar


cdef inline void cross1_lane(vec* s, index count, const int fixed, const int* positions,
                             index offset, const int lane, const vec* c) noexcept nogil:
    cdef index j
    cdef vec ar, ai
    cdef vec c0 = c[0], c1 = c[1]
    cdef vec* p
    for j in range(count):
        p = s + 2 * (expand(j, fixed, positions) + offset)
        ar = p[0]; ai = p[1]
        p[0] = c0 * ar - c1 * exchange(ai, lane)
        p[1] = c0 * ai + c1 * exchange(ar, lane)


# --- dense, two qubits -------------------------------------------------------------------------

# Entries are taken into local variables in front of a loop as far as AVX-512 has registers for them:
# what the loop stores might change them, for all the compiler knows.

cdef inline void row4(vec* out, vec m0, vec m1, vec m2, vec m3, vec m4, vec m5, vec m6, vec m7,
                      vec ar, vec ai, vec br, vec bi, vec cr, vec ci, vec dr, vec di) noexcept nogil:
    cdef vec yr, yi
    yr = m0 * ar - m1 * ai
    yi = m0 * ai + m1 * ar
    yr = yr + m2 * br - m3 * bi
    yi = yi + m2 * bi + m3 * br
    yr = yr + m4 * cr - m5 * ci
    yi = yi + m4 * ci + m5 * cr
    out[0] = yr + m6 * dr - m7 * di
    out[1] = yi + m6 * di + m7 * dr


cdef inline void real_row4(vec* out, vec m0, vec m1, vec m2, vec m3, vec ar, vec ai, vec br, vec bi,
                           vec cr, vec ci, vec dr, vec di) noexcept nogil:
    out[0] = m0 * ar + m1 * br + m2 * cr + m3 * dr
    out[1] = m0 * ai + m1 * bi + m2 * ci + m3 * di


cdef inline void dense2(vec* s, index count, const int fixed, const int* positions, index offset,
                        index s0, index s1, const vec* c) noexcept nogil:
    cdef index j
    cdef vec ar, ai, br, bi, cr, ci, dr, di
    cdef vec c0 = c[0], c1 = c[1], c2 = c[2], c3 = c[3], c4 = c[4], c5 = c[5], c6 = c[6], c7 = c[7]
    cdef vec c8 = c[8], c9 = c[9], c10 = c[10], c11 = c[11], c12 = c[12], c13 = c[13]
    cdef vec c14 = c[14], c15 = c[15]
    cdef vec* p
    cdef vec* p1
    cdef vec* p2
    cdef vec* p3
    for j in range(count):
        p = s + 2 * (expand(j, fixed, positions) + offset)
        p1 = p + 2 * s0
        p2 = p + 2 * s1
        p3 = p1 + 2 * s1
        ar = p[0]; ai = p[1]; br = p1[0]; bi = p1[1]
        cr = p2[0]; ci = p2[1]; dr = p3[0]; di = p3[1]
        row4(p, c0, c1, c2, c3, c4, c5, c6, c7, ar, ai, br, bi, cr, ci, dr, di)
        row4(p1, c8, c9, c10, c11, c12, c13, c14, c15, ar, ai, br, bi, cr, ci, dr, di)
        row4(p2, c[16], c[17], c[18], c[19], c[20], c[21], c[22], c[23], ar, ai, br, bi, cr, ci, dr,
             di)
        row4(p3, c[24], c[25], c[26], c[27], c[28], c[29], c[30], c[31], ar, ai, br, bi, cr, ci, dr,
             di)


cdef inline void real2(vec* s, index count, const int fixed, const int* positions, index offset,
                       index s0, index s1, const vec* c) noexcept nogil:
    cdef index j
    cdef vec ar, ai, br, bi, cr, ci, dr, di
    cdef vec c0 = c[0], c1 = c[1], c2 = c[2], c3 = c[3], c4 = c[4], c5 = c[5], c6 = c[6], c7 = c[7]
    cdef vec c8 = c[8], c9 = c[9], c10 = c[10], c11 = c[11], c12 = c[12], c13 = c[13]
    cdef vec c14 = c[14], c15 = c[15]
    cdef vec* p
    cdef vec* p1
    cdef vec* p2
    cdef vec* p3
    for j in range(count):
        p = s + 2 * (expand(j, fixed, positions) + offset)
        p1 = p + 2 * s0
        p2 = p + 2 * s1
        p3 = p1 + 2 * s1
        ar = p[0]; ai = p[1]; br = p1[0]; bi = p1[1]
        cr = p2[0]; ci = p2[1]; dr = p3[0]; di = p3[1]
        real_row4(p, c0, c1, c2, c3, ar, ai, br, bi, cr, ci, dr, di)
        real_row4(p1, c4, c5, c6, c7, ar, ai, br, bi, cr, ci, dr, di)
        real_row4(p2, c8, c9, c10, c11, ar, ai, br, bi, cr, ci, dr, di)
        real_row4(p3, c12, c13, c14, c15, ar, ai, br, bi, cr, ci, dr, di)


cdef inline void dense2_lane(vec* s, index count, const int fixed, const int* positions,
                             index offset, const int lane, index stride, const vec* c,
                             const bint is_real) noexcept nogil:
    """One target a lane qubit: rows over (x, x', y, y'), the accent for lanes exchanged."""
    cdef index j
    cdef vec ar, ai, br, bi, cr, ci, dr, di
    cdef vec c0 = c[0], c1 = c[1], c2 = c[2], c3 = c[3], c4 = c[4], c5 = c[5], c6 = c[6], c7 = c[7]
    cdef vec c8, c9, c10, c11, c12, c13, c14, c15
    cdef vec* p
    cdef vec* q
    if not is_real:
        c8 = c[8]; c9 = c[9]; c10 = c[10]; c11 = c[11]
        c12 = c[12]; c13 = c[13]; c14 = c[14]; c15 = c[15]
    for j in range(count):
        p = s + 2 * (expand(j, fixed, positions) + offset)
        q = p + 2 * stride
        ar = p[0]; ai = p[1]; cr = q[0]; ci = q[1]
        br = exchange(ar, lane); bi = exchange(ai, lane)
        dr = exchange(cr, lane); di = exchange(ci, lane)
        if is_real:
            real_row4(p, c0, c1, c2, c3, ar, ai, br, bi, cr, ci, dr, di)
            real_row4(q, c4, c5, c6, c7, ar, ai, br, bi, cr, ci, dr, di)
        else:
            row4(p, c0, c1, c2, c3, c4, c5, c6, c7, ar, ai, br, bi, cr, ci, dr, di)
            row4(q, c8, c9, c10, c11, c12, c13, c14, c15, ar, ai, br, bi, cr, ci, dr, di)


cdef inline void dense2_lanes(vec* s, index count, const int fixed, const int* positions,
                              index offset, const int lane0, const int lane1, const vec* c,
                              const bint is_real) noexcept nogil:
    """Both targets lane qubits: one row over x with no, the first, the second, both exchanged."""
    cdef index j
    cdef vec ar, ai, br, bi, cr, ci
    cdef vec c0 = c[0], c1 = c[1], c2 = c[2], c3 = c[3], c4, c5, c6, c7
    cdef vec* p
    if not is_real:
        c4 = c[4]; c5 = c[5]; c6 = c[6]; c7 = c[7]
    for j in range(count):
        p = s + 2 * (expand(j, fixed, positions) + offset)
        ar = p[0]; ai = p[1]
        br = exchange(ar, lane0); bi = exchange(ai, lane0)
        cr = exchange(ar, lane1); ci = exchange(ai, lane1)
        if is_real:
            real_row4(p, c0, c1, c2, c3, ar, ai, br, bi, cr, ci, exchange(br, lane1),
                      exchange(bi, lane1))
        else:
            row4(p, c0, c1, c2, c3, c4, c5, c6, c7, ar, ai, br, bi, cr, ci, exchange(br, lane1),
                 exchange(bi, lane1))


# --- two real rotations, then {00, 11} and {01, 10} apart ---------------------------------------
#
# c: the tangents ta and tb, and then of each row its two entries. A rotation is (1, -t; t, 1), its
# cosine is in the rows: 12 multiply-adds an amplitude, where the whole 4x4 matrix takes 16.

cdef inline void weyl(vec* s, index count, const int fixed, const int* positions, index offset,
                      index s0, index s1, const vec* c) noexcept nogil:
    cdef index j
    cdef vec ar, ai, br, bi, cr, ci, dr, di, xr, xi, yr, yi, zr, zi, wr, wi
    cdef vec ta = c[0], tb = c[1], c2 = c[2], c3 = c[3], c4 = c[4], c5 = c[5], c6 = c[6]
    cdef vec c7 = c[7], c8 = c[8], c9 = c[9], c10 = c[10], c11 = c[11], c12 = c[12]
    cdef vec c13 = c[13], c14 = c[14], c15 = c[15], c16 = c[16], c17 = c[17]
    cdef vec* p
    cdef vec* p1
    cdef vec* p2
    cdef vec* p3
    for j in range(count):
        p = s + 2 * (expand(j, fixed, positions) + offset)
        p1 = p + 2 * s0
        p2 = p + 2 * s1
        p3 = p1 + 2 * s1
        ar = p[0]; ai = p[1]; br = p1[0]; bi = p1[1]
        cr = p2[0]; ci = p2[1]; dr = p3[0]; di = p3[1]
        xr = ar - ta * br; xi = ai - ta * bi
        yr = br + ta * ar; yi = bi + ta * ai
        zr = cr - ta * dr; zi = ci - ta * di
        wr = dr + ta * cr; wi = di + ta * ci
        ar = xr - tb * zr; ai = xi - tb * zi
        cr = zr + tb * xr; ci = zi + tb * xi
        br = yr - tb * wr; bi = yi - tb * wi
        dr = wr + tb * yr; di = wi + tb * yi
        p[0] = c2 * ar - c3 * ai + c4 * dr - c5 * di
        p[1] = c2 * ai + c3 * ar + c4 * di + c5 * dr
        p1[0] = c6 * br - c7 * bi + c8 * cr - c9 * ci
        p1[1] = c6 * bi + c7 * br + c8 * ci + c9 * cr
        p2[0] = c10 * cr - c11 * ci + c12 * br - c13 * bi
        p2[1] = c10 * ci + c11 * cr + c12 * bi + c13 * br
        p3[0] = c14 * dr - c15 * di + c16 * ar - c17 * ai
        p3[1] = c14 * di + c15 * dr + c16 * ai + c17 * ar


cdef inline void weyl_lane(vec* s, index count, const int fixed, const int* positions,
                           index offset, const int lane, index stride,
                           const vec* c) noexcept nogil:
    """The first qubit a lane qubit: its tangent has the sign of each lane."""
    cdef index j
    cdef vec ar, ai, br, bi, xr, xi, yr, yi
    cdef vec ta = c[0], tb = c[1], c2 = c[2], c3 = c[3], c4 = c[4], c5 = c[5]
    cdef vec c6 = c[6], c7 = c[7], c8 = c[8], c9 = c[9]
    cdef vec* p
    cdef vec* q
    for j in range(count):
        p = s + 2 * (expand(j, fixed, positions) + offset)
        q = p + 2 * stride
        ar = p[0]; ai = p[1]; br = q[0]; bi = q[1]
        ar = ar + ta * exchange(ar, lane); ai = ai + ta * exchange(ai, lane)
        br = br + ta * exchange(br, lane); bi = bi + ta * exchange(bi, lane)
        xr = ar - tb * br; xi = ai - tb * bi
        yr = br + tb * ar; yi = bi + tb * ai
        ar = exchange(xr, lane); ai = exchange(xi, lane)
        br = exchange(yr, lane); bi = exchange(yi, lane)
        p[0] = c2 * xr - c3 * xi + c4 * br - c5 * bi
        p[1] = c2 * xi + c3 * xr + c4 * bi + c5 * br
        q[0] = c6 * yr - c7 * yi + c8 * ar - c9 * ai
        q[1] = c6 * yi + c7 * yr + c8 * ai + c9 * ar


cdef inline void weyl_lanes(vec* s, index count, const int fixed, const int* positions,
                            index offset, const int lane0, const int lane1,
                            const vec* c) noexcept nogil:
    cdef index j
    cdef vec ar, ai, br, bi
    cdef vec ta = c[0], tb = c[1], c2 = c[2], c3 = c[3], c4 = c[4], c5 = c[5]
    cdef vec* p
    for j in range(count):
        p = s + 2 * (expand(j, fixed, positions) + offset)
        ar = p[0]; ai = p[1]
        ar = ar + ta * exchange(ar, lane0); ai = ai + ta * exchange(ai, lane0)
        ar = ar + tb * exchange(ar, lane1); ai = ai + tb * exchange(ai, lane1)
        br = exchange(exchange(ar, lane0), lane1)
        bi = exchange(exchange(ai, lane0), lane1)
        p[0] = c2 * ar - c3 * ai + c4 * br - c5 * bi
        p[1] = c2 * ai + c3 * ar + c4 * bi + c5 * br


# --- moving ------------------------------------------------------------------------------------

cdef inline void swap_pairs(vec* s, index count, const int fixed, const int* positions,
                            index offset_a, index offset_b) noexcept nogil:
    cdef index j, base
    cdef vec ar, ai
    cdef vec* p
    cdef vec* q
    for j in range(count):
        base = expand(j, fixed, positions)
        p = s + 2 * (base + offset_a)
        q = s + 2 * (base + offset_b)
        ar = p[0]; ai = p[1]
        p[0] = q[0]; p[1] = q[1]
        q[0] = ar; q[1] = ai
