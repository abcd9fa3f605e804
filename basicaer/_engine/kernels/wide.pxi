# Dense gates on three qubits and more.

cdef inline void multiply(vec* y, const vec* matrix, const vec* x, index columns,
                          index row_vectors, const int groups) noexcept nogil:
    """y = matrix @ x by vectors of rows, for one x or for two, which share what is read of it.

    x holds each number in all lanes. The second x and y lie behind the first.
    """
    cdef index row, column
    cdef vec r0, r1, i0, i1, R0, R1, I0, I1, xr, xi, Xr, Xi, zero = splat(x[0], 0)
    cdef vec m0, m1, n0, n1
    cdef const vec* mr
    for row in range(0, row_vectors, 2):
        r0 = r1 = i0 = i1 = R0 = R1 = I0 = I1 = zero
        mr = matrix + row
        for column in range(columns):
            xr = x[2 * column]
            xi = x[2 * column + 1]
            m0 = mr[0]
            m1 = mr[1]
            n0 = mr[row_vectors]
            n1 = mr[row_vectors + 1]
            r0 = r0 + m0 * xr
            r1 = r1 + m1 * xr
            i0 = i0 + m0 * xi
            i1 = i1 + m1 * xi
            if groups == 2:
                Xr = x[2 * (columns + column)]
                Xi = x[2 * (columns + column) + 1]
                R0 = R0 + m0 * Xr
                R1 = R1 + m1 * Xr
                I0 = I0 + m0 * Xi
                I1 = I1 + m1 * Xi
            r0 = r0 - n0 * xi
            r1 = r1 - n1 * xi
            i0 = i0 + n0 * xr
            i1 = i1 + n1 * xr
            if groups == 2:
                R0 = R0 - n0 * Xi
                R1 = R1 - n1 * Xi
                I0 = I0 + n0 * Xr
                I1 = I1 + n1 * Xr
            mr += 2 * row_vectors
        y[row] = r0
        y[row + 1] = r1
        y[row_vectors + row] = i0
        y[row_vectors + row + 1] = i1
        if groups == 2:
            y[2 * row_vectors + row] = R0
            y[2 * row_vectors + row + 1] = R1
            y[3 * row_vectors + row] = I0
            y[3 * row_vectors + row + 1] = I1


cdef void densek(real* s, int lane_bits, int live, index control, index control_value,
                 const int64_t* targets, int k, const real* matrix, real* work) noexcept nogil:
    """The general case, six qubits and more: any targets and controls, as bits of the local index.

    The 2**k amplitudes are read one by one, multiplied by vectors of rows, and written back.
    `matrix` holds for each column the real parts of all rows, then the imaginary parts. `work` has
    room for ``4 * 2**k`` vectors, as many reals, and 2**k offsets of 64 bits.
    """
    cdef index size = <index>1 << k
    cdef index lanes = <index>1 << lane_bits
    cdef real* y = work + 4 * size * lanes
    cdef int64_t* offsets = <int64_t*>(y + 4 * size)   # of the 2**k amplitudes, in reals
    cdef index j, at, base, row, count, mask = control
    cdef int i, fixed, group, groups
    cdef int positions[MAX_FIXED]
    cdef index bases[2]
    for i in range(k):
        mask |= <index>1 << targets[i]
    fixed = sorted_bits(mask, positions)
    for row in range(size):
        at = 0
        for i in range(k):
            at |= ((row >> i) & 1) << targets[i]
        offsets[row] = (at >> lane_bits) * 2 * lanes + (at & (lanes - 1))
    count = (<index>1 << (live + lane_bits)) >> fixed
    groups = 2 if count > 1 else 1
    j = 0
    while j < count:
        for group in range(groups):
            base = expand(j + group, fixed, positions) + control_value
            bases[group] = base = (base >> lane_bits) * 2 * lanes + (base & (lanes - 1))
            for row in range(size):
                at = base + offsets[row]
                if real is double:
                    (<vd*>work)[2 * (group * size + row)] = vd_all(s[at])
                    (<vd*>work)[2 * (group * size + row) + 1] = vd_all(s[at + lanes])
                else:
                    (<vf*>work)[2 * (group * size + row)] = vf_all(s[at])
                    (<vf*>work)[2 * (group * size + row) + 1] = vf_all(s[at + lanes])
        if real is double:
            if groups == 2:
                multiply(<vd*>y, <const vd*>matrix, <vd*>work, size, size // lanes, 2)
            else:
                multiply(<vd*>y, <const vd*>matrix, <vd*>work, size, size // lanes, 1)
        elif groups == 2:
            multiply(<vf*>y, <const vf*>matrix, <vf*>work, size, size // lanes, 2)
        else:
            multiply(<vf*>y, <const vf*>matrix, <vf*>work, size, size // lanes, 1)
        for group in range(groups):
            for row in range(size):
                at = bases[group] + offsets[row]
                s[at] = y[2 * group * size + row]
                s[at + lanes] = y[2 * group * size + size + row]
        j += groups


cdef inline void dense3(vec* s, index count, int fixed, const int* positions, index offset,
                        const index* strides, const vec* c) noexcept nogil:
    """Three block qubits: as `dense5`, but the eight amplitudes stay in registers."""
    cdef index j, row
    cdef vec* p
    cdef const vec* m
    cdef vec ar, ai, br, bi
    cdef vec x0r, x0i, x1r, x1i, x2r, x2i, x3r, x3i
    cdef vec x4r, x4i, x5r, x5i, x6r, x6i, x7r, x7i
    for j in range(count):
        p = s + 2 * (expand(j, fixed, positions) + offset)
        x0r = (p + strides[0])[0]; x0i = (p + strides[0])[1]
        x1r = (p + strides[1])[0]; x1i = (p + strides[1])[1]
        x2r = (p + strides[2])[0]; x2i = (p + strides[2])[1]
        x3r = (p + strides[3])[0]; x3i = (p + strides[3])[1]
        x4r = (p + strides[4])[0]; x4i = (p + strides[4])[1]
        x5r = (p + strides[5])[0]; x5i = (p + strides[5])[1]
        x6r = (p + strides[6])[0]; x6i = (p + strides[6])[1]
        x7r = (p + strides[7])[0]; x7i = (p + strides[7])[1]
        for row in range(8):
            m = c + 16 * row
            ar = m[0] * x0r - m[1] * x0i
            ai = m[0] * x0i + m[1] * x0r
            br = m[8] * x4r - m[9] * x4i
            bi = m[8] * x4i + m[9] * x4r
            ar = ar + m[2] * x1r - m[3] * x1i
            ai = ai + m[2] * x1i + m[3] * x1r
            br = br + m[10] * x5r - m[11] * x5i
            bi = bi + m[10] * x5i + m[11] * x5r
            ar = ar + m[4] * x2r - m[5] * x2i
            ai = ai + m[4] * x2i + m[5] * x2r
            br = br + m[12] * x6r - m[13] * x6i
            bi = bi + m[12] * x6i + m[13] * x6r
            ar = ar + m[6] * x3r - m[7] * x3i
            ai = ai + m[6] * x3i + m[7] * x3r
            br = br + m[14] * x7r - m[15] * x7i
            bi = bi + m[14] * x7i + m[15] * x7r
            (p + strides[row])[0] = ar + br
            (p + strides[row])[1] = ai + bi


cdef void dense5(vec* s, index count, int fixed, const int* positions, index offset,
                 const int64_t* targets, int num_block, int lane_targets, const vec* c,
                 vec* work) noexcept nogil:
    """Three to five qubits, by whole vectors, as `dense2` and its lane forms do it.

    The columns are the values of the block targets times the exchanges of the lane targets
    (`lane_targets` is their mask), the rows the values of the block targets.
    """
    cdef index rows = <index>1 << num_block, columns = rows, j, b, m, row, base
    cdef int i, num_lane = 0, lane, step
    cdef int lane_list[5]
    cdef index strides[32]
    cdef vec* p
    cdef vec* x
    cdef const vec* m0
    cdef const vec* m1
    cdef const vec* m2
    cdef const vec* m3
    cdef vec a0, a1, a2, a3, b0, b1, b2, b3, xr, xi, zero = splat(c[0], 0)
    while lane_targets >> num_lane and num_lane < 5:
        num_lane += 1
    step = 0
    for lane in range(num_lane):
        if (lane_targets >> lane) & 1:
            lane_list[step] = lane
            step += 1
    num_lane = step
    columns = rows << num_lane
    for b in range(rows):
        strides[b] = 0
        for i in range(num_block):
            if (b >> i) & 1:
                strides[b] += <index>2 << targets[i]
    if rows == 8 and columns == 8:
        dense3(s, count, fixed, positions, offset, strides, c)
        return
    for j in range(count):
        base = 2 * (expand(j, fixed, positions) + offset)
        for b in range(rows):
            p = s + base + strides[b]
            x = work + 2 * (b << num_lane)
            x[0] = p[0]
            x[1] = p[1]
            for i in range(num_lane):
                for m in range(<index>1 << i):
                    x[2 * (m + (<index>1 << i))] = exchange(x[2 * m], lane_list[i])
                    x[2 * (m + (<index>1 << i)) + 1] = exchange(x[2 * m + 1], lane_list[i])
        row = 0
        while row + 4 <= rows:
            m0 = c + row * columns * 2
            m1 = m0 + columns * 2
            m2 = m1 + columns * 2
            m3 = m2 + columns * 2
            a0 = a1 = a2 = a3 = b0 = b1 = b2 = b3 = zero
            for b in range(columns):
                xr = work[2 * b]
                xi = work[2 * b + 1]
                a0 = a0 + m0[2 * b] * xr
                a1 = a1 + m1[2 * b] * xr
                a2 = a2 + m2[2 * b] * xr
                a3 = a3 + m3[2 * b] * xr
                b0 = b0 + m0[2 * b] * xi
                b1 = b1 + m1[2 * b] * xi
                b2 = b2 + m2[2 * b] * xi
                b3 = b3 + m3[2 * b] * xi
                a0 = a0 - m0[2 * b + 1] * xi
                a1 = a1 - m1[2 * b + 1] * xi
                a2 = a2 - m2[2 * b + 1] * xi
                a3 = a3 - m3[2 * b + 1] * xi
                b0 = b0 + m0[2 * b + 1] * xr
                b1 = b1 + m1[2 * b + 1] * xr
                b2 = b2 + m2[2 * b + 1] * xr
                b3 = b3 + m3[2 * b + 1] * xr
            p = s + base + strides[row]
            p[0] = a0
            p[1] = b0
            p = s + base + strides[row + 1]
            p[0] = a1
            p[1] = b1
            p = s + base + strides[row + 2]
            p[0] = a2
            p[1] = b2
            p = s + base + strides[row + 3]
            p[0] = a3
            p[1] = b3
            row += 4
        while row < rows:
            m0 = c + row * columns * 2
            # Four sums that do not wait for each other.
            a0 = a1 = b0 = b1 = zero
            for b in range(columns):
                xr = work[2 * b]
                xi = work[2 * b + 1]
                a0 = a0 + m0[2 * b] * xr
                a1 = a1 + m0[2 * b + 1] * xi
                b0 = b0 + m0[2 * b] * xi
                b1 = b1 + m0[2 * b + 1] * xr
            p = s + base + strides[row]
            p[0] = a0 - a1
            p[1] = b0 + b1
            row += 1
