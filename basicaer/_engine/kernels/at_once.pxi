# Operations that are carried out at once: their coefficients are made, a kernel called.
#
# Memory: see _kernels.pyx; the whole state is one block here, so bit i of a block is qubit L + i.
# `Direct` is what gates without a plan (direct.pxi) know of the state and of what is to be applied.

cdef uint64_t BIT = 1

cdef enum:
    DIRECT_QUBITS = 14      # the widest state

cdef struct Waiting:
    int one             # the structure (merging.pxi) of its matrix; 0: there is none
    double m[8]

cdef struct Pair:
    int64_t serial      # another one for each pair; 0: it has been applied
    int before_it[2]    # the pairs that come before it on each qubit: number, or -1, and serial
    int64_t serials[2]
    int q0              # the first qubit of the matrix, below q1
    int q1
    int core            # the structure of the matrix
    Waiting before[2]   # in front of the matrix, on q0 and on q1
    double m[32]

cdef struct Factors:
    # All amplitudes are multiplied by `scale`; those whose bit q is 1 by of[q], if q is in `alone`;
    # those whose bits q and r are both 1 by both[min(q, r)][max(q, r)], if r is in linked[q].
    double scale[2]
    uint64_t alone
    uint64_t linked[DIRECT_QUBITS]
    double of[DIRECT_QUBITS][2]
    double both[DIRECT_QUBITS][DIRECT_QUBITS][2]

cdef struct Direct:
    int num_qubits
    int lane_bits
    uint64_t touched    # the qubits that need not be |0> after the gates read so far
    uint64_t live       # likewise, after the operations carried out so far
    int64_t operations
    int64_t fused       # matrices, each of one gate or more, that are not diagonal
    const void* masks               # of the lane qubits, see `fill_masks`
    Merging merging
    Waiting waiting[DIRECT_QUBITS]
    int open_pair[DIRECT_QUBITS]    # of each qubit: the pair that a gate may join, or -1
    Pair pairs[DIRECT_QUBITS]
    int64_t serial                  # the last one given to a pair
    int name[DIRECT_QUBITS]         # what swaps to come have renamed each qubit to
    Factors factors


# --- coefficients ------------------------------------------------------------------------------
#
# A vector that differs from lane to lane is put together of vectors that do not, by the masks of
# the lane qubits: 1 in the lanes where the qubit has a value, 0 elsewhere.

cdef enum:
    # Which parts of a 2x2 matrix's entries a kernel takes.
    ALL_PARTS = 0
    REAL_PARTS = 1
    CROSS_PARTS = 2         # the real part on the diagonal, the imaginary part beside it


cdef inline void put_lane(vec* c, int lane, double x) noexcept nogil:
    if vec is vd:
        (<double*>c)[lane] = x
    else:
        (<float*>c)[lane] = <float>x


cdef void fill_masks(vec* masks, int lane_bits) noexcept nogil:
    """masks[2 q + x]: lane qubit q has the value x."""
    cdef int q, l
    for q in range(lane_bits):
        for l in range(1 << lane_bits):
            put_lane(masks + 2 * q + (l >> q & 1), l, 1)
            put_lane(masks + 2 * q + (1 - (l >> q & 1)), l, 0)


cdef vec held(const vec* masks, int lane_bits, uint64_t mask, uint64_t value) noexcept nogil:
    """1 in the lanes where the lane qubits of `mask` are as in `value`, 0 elsewhere."""
    cdef vec all_ = splat(masks[0], 1)
    cdef int q
    for q in range(lane_bits):
        if (mask >> q) & 1:
            all_ = all_ * masks[2 * q + (value >> q & 1)]
    return all_


cdef inline int expand1(vec* c, const vec* masks, const double* m, int lane,
                        int parts) noexcept nogil:
    """The coefficients of a 2x2 matrix, on a lane qubit or, if `lane` is below 0, above the lanes.

    Returns how many they are.
    """
    cdef vec zero, one
    cdef int i
    if lane < 0:
        if parts == ALL_PARTS:
            for i in range(8):
                c[i] = splat(masks[0], m[i])
            return 8
        for i in range(4):
            c[i] = splat(masks[0], m[2 * i + 1 if parts == CROSS_PARTS and 1 <= i <= 2 else 2 * i])
        return 4
    zero = masks[2 * lane]
    one = masks[2 * lane + 1]
    if parts == ALL_PARTS:
        for i in range(4):
            # of the lane's row: its entry on the diagonal, the other one
            c[i] = zero * splat(zero, m[i]) + one * splat(one, m[i ^ 2 | 4 if i >= 2 else i | 6])
        return 4
    c[0] = zero * splat(zero, m[0]) + one * splat(one, m[6])
    i = 1 if parts == CROSS_PARTS else 0
    c[1] = zero * splat(zero, m[2 + i]) + one * splat(one, m[4 + i])
    return 2


# --- operations --------------------------------------------------------------------------------

cdef void operate(vec* s, Direct* d, int kind, int t0, int t1, uint64_t mixed, uint64_t mask,
                  uint64_t value, const vec* c) noexcept nogil:
    """Carries out an operation, which mixes the qubits `mixed`, under the controls above the lanes.

    Args:
        t0, t1: as in the columns of layout.pxi.
        mask, value: qubits that are controls and what they must be; lane qubits are left out.
        c: the coefficients.
    """
    cdef int64_t op[OP_COLUMNS]
    cdef uint64_t reach = (d.live | mixed | mask) >> d.lane_bits
    cdef int top = d.num_qubits - d.lane_bits
    while top and not (reach >> top - 1) & 1:
        top -= 1
    memset(op, 0, sizeof(op))
    op[COL_KIND] = kind
    op[COL_T0] = t0
    op[COL_T1] = t1
    op[COL_LIVE] = top
    op[COL_CONTROL] = <int64_t>(mask >> d.lane_bits)
    op[COL_CONTROL_VALUE] = <int64_t>((value & mask) >> d.lane_bits)
    apply_operation(s, op, 0, c, 1 << d.lane_bits, d.lane_bits, NULL, s)
    d.live |= mixed
    d.operations += 1


cdef void phase_under(vec* s, Direct* d, uint64_t mask, uint64_t value,
                      const double* factor) noexcept nogil:
    """Multiplies the amplitudes under the controls by a factor."""
    cdef const vec* masks = <const vec*>d.masks
    cdef vec c[2]
    cdef vec holds
    if factor[0] == 1 and factor[1] == 0:
        return
    c[0] = splat(s[0], factor[0])
    c[1] = splat(s[0], factor[1])
    if mask & (BIT << d.lane_bits) - 1:
        holds = held(masks, d.lane_bits, mask, value)
        c[0] = splat(s[0], 1) + holds * (c[0] - splat(s[0], 1))
        c[1] = holds * c[1]
    operate(s, d, OP_PHASE, 0, 0, 0, mask, value, c)


cdef void one_qubit(vec* s, Direct* d, int q, const double* m0, const double* m1, int steer,
                    bint is_real, uint64_t mask, uint64_t value) noexcept nogil:
    """A 2x2 matrix on q under controls; with a lane `steer` >= 0, one for each of its values."""
    cdef const vec* masks = <const vec*>d.masks
    cdef vec c[8]
    cdef vec c1[8]
    cdef vec holds
    cdef int kind, i, count, parts = REAL_PARTS if is_real else ALL_PARTS
    cdef bint in_lane = q < d.lane_bits
    cdef uint64_t lane_mask = mask & (BIT << d.lane_bits) - 1
    if not in_lane and steer < 0 and lane_mask == 0 and is_flip(m0):
        operate(s, d, OP_FLIP, q - d.lane_bits, 0, BIT << q, mask, value, c)
        return
    if not is_real and is_cross(m0) and (m1 == m0 or is_cross(m1)):
        parts = CROSS_PARTS
    count = expand1(c, masks, m0, q if in_lane else -1, parts)
    if steer >= 0:
        expand1(c1, masks, m1, q if in_lane else -1, parts)
        for i in range(count):
            c[i] = masks[2 * steer] * c[i] + masks[2 * steer + 1] * c1[i]
    if lane_mask:
        holds = held(masks, d.lane_bits, mask, value)
        for i in range(count):
            c[i] = holds * c[i]
        c[0] = c[0] + (splat(s[0], 1) - holds)
        if not in_lane:
            i = 6 if parts == ALL_PARTS else 3
            c[i] = c[i] + (splat(s[0], 1) - holds)
    if in_lane:
        kind = (OP_DENSE1_LANE if parts == ALL_PARTS else OP_REAL1_LANE if parts == REAL_PARTS
                else OP_CROSS1_LANE)
    else:
        kind = (OP_DENSE1 if parts == ALL_PARTS else OP_REAL1 if parts == REAL_PARTS
                else OP_CROSS1)
        q -= d.lane_bits
    operate(s, d, kind, q, 0, BIT << (q if in_lane else q + d.lane_bits), mask, value, c)


cdef void two_qubits(vec* s, Direct* d, int a, int b, const double* m, int core, uint64_t mask,
                     uint64_t value) noexcept nogil:
    """A 4x4 matrix on a < b under controls."""
    cdef const vec* masks = <const vec*>d.masks
    cdef vec c[32]
    cdef vec rows[4]
    cdef vec holds
    cdef int i, w, row, count, kind, t0 = a, t1 = b
    cdef bint is_real = core & REAL4 != 0
    cdef int width = 1 if is_real else 2
    cdef uint64_t lane_mask = mask & (BIT << d.lane_bits) - 1
    if a >= d.lane_bits:
        t0 = a - d.lane_bits
        t1 = b - d.lane_bits
        if lane_mask == 0 and core & ALL4 == SWAP4 and is_swap4(m, SWAP4):
            operate(s, d, OP_SWAP, t0, t1, BIT << a | BIT << b, mask, value, c)
            return
        kind = OP_REAL2 if is_real else OP_DENSE2
        count = 16
        for i in range(16):
            for w in range(width):
                c[width * i + w] = splat(s[0], m[2 * i + w])
    elif b >= d.lane_bits:
        kind = OP_REAL2_LANE if is_real else OP_DENSE2_LANE
        t1 = b - d.lane_bits
        count = 8
        for i in range(8):
            # row and column: bit 1 the value of b, bit 0 that of the lane; i & 1: exchanged
            row = 4 * (2 * (i >> 2)) + (i & 2)
            for w in range(width):
                c[width * i + w] = (
                    masks[2 * a] * splat(s[0], m[2 * (row + (i & 1)) + w])
                    + masks[2 * a + 1] * splat(s[0], m[2 * (row + 4 + (1 - (i & 1))) + w]))
    else:
        kind = OP_REAL2_LANES if is_real else OP_DENSE2_LANES
        count = 4
        for row in range(4):
            rows[row] = masks[2 * a + (row & 1)] * masks[2 * b + (row >> 1)]
        for i in range(4):
            # i: which of the two are exchanged
            for w in range(width):
                c[width * i + w] = rows[0] * splat(s[0], m[2 * i + w])
                for row in range(1, 4):
                    c[width * i + w] = (c[width * i + w]
                                        + rows[row] * splat(s[0], m[2 * (4 * row + (row ^ i)) + w]))
    if lane_mask:
        holds = held(masks, d.lane_bits, mask, value)
        for i in range(width * count):
            c[i] = holds * c[i]
        # The rows' entries on the diagonal.
        for i in range(4 if count == 16 else 2 if count == 8 else 1):
            row = width * (5 * i if count == 16 else 6 * i)
            c[row] = c[row] + (splat(s[0], 1) - holds)
    operate(s, d, kind, t0, t1, BIT << a | BIT << b, mask, value, c)
