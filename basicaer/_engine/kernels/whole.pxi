# What is done to the whole state, or to its halves: no plan, no blocks.

def interleave(real[::1] state, index first, index last, double chop):
    """Turns pairs `first` to `last` from lane layout to re, im, re, im, ..., in place.

    Amplitudes whose absolute value is below `chop` become 0. In single precision a `chop` below
    1e-18, whose square is not a normal number, is none.
    """
    cdef index j
    cdef double square = chop * chop
    cdef double normal = 0 if real is double else 1e-36
    cdef bint chops = square > normal
    with nogil:
        for j in range(first, last):
            if real is double:
                if chops:
                    vd_chop(<vd*>&state[0] + 2 * j, square)
                vd_zip(<vd*>&state[0] + 2 * j)
            else:
                if chops:
                    vf_chop(<vf*>&state[0] + 2 * j, <float>square)
                vf_zip(<vf*>&state[0] + 2 * j)


def deinterleave(real[::1] state, index first, index last):
    """The inverse of `interleave`."""
    cdef int lanes = VD_LANES if real is double else VF_LANES
    cdef int l
    cdef index j
    cdef real pair[64]
    cdef real* p
    with nogil:
        for j in range(first, last):
            p = &state[j * 2 * lanes]
            for l in range(lanes):
                pair[l] = p[2 * l]
                pair[lanes + l] = p[2 * l + 1]
            memcpy(p, pair, 2 * lanes * sizeof(real))


def prepare(real[::1] state, int64_t[::1] qubits, real[::1] amplitudes):
    """amplitude(x, s) = amplitudes[s] * amplitude(x, 0), s running over the values of `qubits`.

    Args:
        state: lane layout; `qubits` are in |0>.
        qubits: distinct, the first the least significant bit of s.
        amplitudes: re, im, re, im, ..., shape (2 * 2**len(qubits),).
    """
    cdef int lanes = VD_LANES if real is double else VF_LANES
    cdef int lane_bits = log2_of(lanes)
    cdef index size = <index>1 << qubits.shape[0]
    cdef index num = state.shape[0] // 2 // size
    cdef index j, s, base, at
    cdef index mask = 0
    cdef int i, fixed, k = qubits.shape[0]
    cdef int positions[MAX_FIXED]
    cdef real ar, ai, br, bi
    for i in range(k):
        mask |= <index>1 << qubits[i]
    with nogil:
        fixed = sorted_bits(mask, positions)
        for j in range(num):
            base = expand(j, fixed, positions)
            at = (base >> lane_bits) * 2 * lanes + (base & (lanes - 1))
            ar = state[at]
            ai = state[at + lanes]
            for s in range(size):
                at = base
                for i in range(k):
                    at |= ((s >> i) & 1) << qubits[i]
                at = (at >> lane_bits) * 2 * lanes + (at & (lanes - 1))
                br = amplitudes[2 * s]
                bi = amplitudes[2 * s + 1]
                state[at] = ar * br - ai * bi
                state[at + lanes] = ar * bi + ai * br


def scale(real[::1] state, double re, double im, index first, index last):
    """Multiplies pairs `first` to `last` by re + i im."""
    cdef int positions[1]
    with nogil:
        if real is double:
            phase(<vd*>&state[0] + 2 * first, last - first, 0, positions, 0, vd_all(re), vd_all(im))
        else:
            phase(<vf*>&state[0] + 2 * first, last - first, 0, positions, 0, vf_all(<float>re),
                  vf_all(<float>im))


def project(real[::1] state, int qubit, int outcome, bint move, double factor, index first,
            index last):
    """Keeps the amplitudes in which `qubit` has the value `outcome`, times `factor`; the rest is 0.

    Args:
        state: lane layout.
        move: whether what is kept goes where the qubit is 0.
        first, last: the range of pairs, or, if `qubit` is no lane qubit, of pairs of pairs.
    """
    cdef int lanes = VD_LANES if real is double else VF_LANES
    cdef int lane_bits = log2_of(lanes), bit = qubit - lane_bits, l
    cdef int lane = 1 << qubit if qubit < lane_bits else 0
    cdef index j, base, stride = (<index>1 << bit) * 2 * lanes if lane == 0 else 0
    cdef real f = <real>factor, value
    cdef real* p
    cdef real* keep
    cdef real* clear
    with nogil:
        for j in range(first, last):
            if lane:
                p = &state[j * 2 * lanes]
                for l in range(2 * lanes):
                    if l & lane == 0:
                        value = f * (p[l | lane] if outcome else p[l])
                        p[l] = 0
                        p[l | lane] = 0
                        p[l | lane if outcome and not move else l] = value
            else:
                base = insert_zero(j, bit) * 2 * lanes
                p = &state[base]
                keep = p + stride if outcome and not move else p
                clear = p if outcome and not move else p + stride
                if outcome and move:
                    for l in range(2 * lanes):
                        p[l] = f * p[stride + l]
                else:
                    for l in range(2 * lanes):
                        keep[l] = f * keep[l]
                for l in range(2 * lanes):
                    clear[l] = 0


def clear_outside(real[::1] state, uint64_t live, index first, index last):
    """Zeros in those pairs from `first` to `last` whose number has a bit that is not in `live`."""
    cdef int lanes = VD_LANES if real is double else VF_LANES
    cdef index j
    with nogil:
        for j in range(first, last):
            if <uint64_t>j & ~live:
                memset(&state[j * 2 * lanes], 0, 2 * lanes * sizeof(real))
