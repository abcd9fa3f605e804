# Sums over the state: probabilities, expectation values, samples.

# --- probabilities -----------------------------------------------------------------------------
#
#    pair number   h h u h u u | x x x x x x      x: the low bits, summed vector by vector
#                  h: measured, one unit of work each; u: not measured, summed over,
#                  the topmost of them cut into groups with sums of their own
#
# What is added to what in which order depends on n and the measured qubits alone, so the sums do
# not depend on the number of threads.

cdef enum:
    LOW_BITS = 8

cdef void sum_unit(vec* s, index base, index low, const int64_t* summed, int num_summed,
                   vec* sums) noexcept nogil:
    cdef index x, u, at
    cdef int i
    cdef vec* p
    cdef vec zero = splat(sums[0], 0)
    for x in range(low):
        sums[x] = zero
    for u in range(<index>1 << num_summed):
        at = base
        for i in range(num_summed):
            at |= ((u >> i) & 1) << summed[i]
        p = s + 2 * at
        for x in range(low):
            sums[x] = sums[x] + p[2 * x] * p[2 * x] + p[2 * x + 1] * p[2 * x + 1]


cdef void fold(vec* sums, index low, index bits) noexcept nogil:
    """Adds the sums with any of `bits` set to those without."""
    cdef index x, bit = 1, done = 0
    while bit < low:
        if bits & bit:
            for x in range(low):
                if not x & (bit | done):
                    sums[x] = sums[x] + sums[x | bit]
            done |= bit
        bit <<= 1


def probabilities(real[::1] state, int low_bits, int64_t[::1] low_to, int64_t[::1] lane_to,
                  int64_t[::1] high, int64_t[::1] high_to, int64_t[::1] summed,
                  int64_t[::1] groups, double[:, ::1] out, int64_t[::1] sync, real[::1] scratch):
    """Adds up the probabilities of the outcomes of the measured qubits, together with other threads.

    Args:
        state: the amplitudes in lane layout.
        low_bits: lowest bits of the pair number that are summed as vectors, at most 8.
        low_to: shape (2**low_bits,), the outcome's bits that the low bits stand for.
        lane_to: shape (lanes,), the same for the lane.
        high, high_to: measured bits of the pair number above the low ones, and the bits of the
            outcome that they are.
        summed: bits above the low ones that are not measured, but for those in `groups`.
        groups: the rest; each of their values has a row of `out`.
        out: shape (2**len(groups), 2**m), zeros at the start.
        sync: sync[0] is the next unit of work, 0 at the start, shared by the threads.
        scratch: this thread's own, aligned, 2**low_bits vectors.
    """
    cdef int lanes = VD_LANES if real is double else VF_LANES
    cdef index units = <index>1 << (high.shape[0] + groups.shape[0])
    cdef index unit, base, row, to, x, low = <index>1 << low_bits
    cdef int i, l, num_high = high.shape[0], num_groups = groups.shape[0]
    cdef int num_summed = summed.shape[0]
    cdef int64_t nothing = 0
    cdef const int64_t* p_summed = &summed[0] if num_summed else &nothing
    cdef index rest = 0          # the low bits that are not measured
    for i in range(low_bits):
        if low_to[<index>1 << i] == 0:
            rest |= <index>1 << i
    with nogil:
        while True:
            unit = ba_add(&sync[0], 1)
            if unit >= units:
                break
            base = 0
            to = 0
            for i in range(num_high):
                if (unit >> i) & 1:
                    base |= <index>1 << high[i]
                    to |= <index>1 << high_to[i]
            row = unit >> num_high
            for i in range(num_groups):
                if (row >> i) & 1:
                    base |= <index>1 << groups[i]
            if real is double:
                sum_unit(<vd*>&state[0], base, low, p_summed, num_summed, <vd*>&scratch[0])
            else:
                sum_unit(<vf*>&state[0], base, low, p_summed, num_summed, <vf*>&scratch[0])
            if real is double:
                fold(<vd*>&scratch[0], low, rest)
            else:
                fold(<vf*>&scratch[0], low, rest)
            for x in range(low):
                if x & rest:
                    continue
                for l in range(lanes):
                    out[row, to | low_to[x] | lane_to[l]] += scratch[x * lanes + l]


# --- expectation values ------------------------------------------------------------------------

cdef enum:
    CHUNK_BITS = 6

cdef inline int parity(uint64_t x) noexcept nogil:
    x ^= x >> 32
    x ^= x >> 16
    x ^= x >> 8
    x ^= x >> 4
    x ^= x >> 2
    x ^= x >> 1
    return x & 1


cdef inline void lane_products(vec* s, index base, index count, index x_pair, int x_lane,
                               int lane_bits, vec* re, vec* im) noexcept nogil:
    """re + i im = conj(amplitude i ^ x) * amplitude i, for `count` pairs of lanes from `base` on."""
    cdef index j
    cdef int bit
    cdef vec qr, qi
    cdef vec* p
    cdef vec* q
    for j in range(count):
        p = s + 2 * (base + j)
        q = s + 2 * ((base + j) ^ x_pair)
        qr = q[0]
        qi = q[1]
        if x_lane & 1:
            qr = exchange(qr, 0); qi = exchange(qi, 0)
        if x_lane & 2:
            qr = exchange(qr, 1); qi = exchange(qi, 1)
        if x_lane & 4:
            qr = exchange(qr, 2); qi = exchange(qi, 2)
        if x_lane & 8:
            qr = exchange(qr, 3); qi = exchange(qi, 3)
        re[j] = qr * p[0] + qi * p[1]
        im[j] = qr * p[1] - qi * p[0]


cdef inline void signed_sum(const vec* v, vec* t, index count, index z) noexcept nogil:
    """t[0] = sum of (-1)**|j & z| v[j], bit by bit of j."""
    cdef index j, half = count >> 1
    if half == 0:
        t[0] = v[0]
        return
    if z & 1:
        for j in range(half):
            t[j] = v[2 * j] - v[2 * j + 1]
    else:
        for j in range(half):
            t[j] = v[2 * j] + v[2 * j + 1]
    while half > 1:
        half >>= 1
        z >>= 1
        if z & 1:
            for j in range(half):
                t[j] = t[2 * j] - t[2 * j + 1]
        else:
            for j in range(half):
                t[j] = t[2 * j] + t[2 * j + 1]


def expectations(real[::1] state, int64_t x, const int64_t[::1] z, const int64_t[::1] imaginary,
                 double[:, ::1] out, int64_t[::1] sync, real[::1] scratch):
    """Adds up Pauli strings that flip the same qubits, in one pass, with other threads.

    For each term t, ``sum_i (-1)**|i & z[t]| conj(a[i ^ x]) a[i]``: its real or its imaginary part.

    Args:
        state: the amplitudes in lane layout.
        x: mask of the qubits that the strings flip.
        z: int64, shape (t,), masks of the qubits whose value is a sign.
        imaginary: int64, shape (t,), 1 where the imaginary part is wanted.
        out: zeros, shape (rows, t), rows a power of two; each row is a range of the state, so the
            sums do not depend on the number of threads.
        sync: sync[0] is the next row, 0 at the start, shared by the threads.
        scratch: this thread's own, aligned, 160 vectors.
    """
    cdef int lanes = VD_LANES if real is double else VF_LANES
    cdef int lane_bits = log2_of(lanes), l
    cdef index pairs = state.shape[0] // (2 * lanes), rows = out.shape[0], row, base, t
    cdef index count = min(<index>1 << CHUNK_BITS, pairs // rows), last
    cdef index x_pair = x >> lane_bits
    cdef int x_lane = x & (lanes - 1)
    cdef double total
    cdef real* p = &scratch[0]
    cdef real* sums = p + 2 * lanes * (<index>1 << CHUNK_BITS)
    with nogil:
        while True:
            row = ba_add(&sync[0], 1)
            if row >= rows:
                break
            base = row * (pairs // rows)
            last = base + pairs // rows
            while base < last:
                if real is double:
                    lane_products(<vd*>&state[0], base, count, x_pair, x_lane, lane_bits, <vd*>p,
                                  <vd*>p + count)
                else:
                    lane_products(<vf*>&state[0], base, count, x_pair, x_lane, lane_bits, <vf*>p,
                                  <vf*>p + count)
                for t in range(z.shape[0]):
                    if real is double:
                        signed_sum(<vd*>p + imaginary[t] * count, <vd*>sums, count,
                                   z[t] >> lane_bits)
                    else:
                        signed_sum(<vf*>p + imaginary[t] * count, <vf*>sums, count,
                                   z[t] >> lane_bits)
                    total = 0
                    for l in range(lanes):
                        if parity(<uint64_t>(z[t] & l)):
                            total = total - sums[l]
                        else:
                            total = total + sums[l]
                    if parity(<uint64_t>(base & (z[t] >> lane_bits))):
                        total = -total
                    out[row, t] += total
                base += count


# --- sampling ----------------------------------------------------------------------------------

cdef inline index first_above(const double* cdf, index low, index high, double u) noexcept nogil:
    """The first i in low .. high with cdf[i] > u; `high` if there is none."""
    cdef index middle
    while low < high:
        middle = (low + high) >> 1
        if cdf[middle] > u:
            high = middle
        else:
            low = middle + 1
    return low


def invert_cdf(const double[::1] cdf, const double[::1] uniforms, int64_t[::1] guide,
               int64_t[::1] out, index first, index last):
    """out[i] = the first outcome whose cumulative probability is above uniforms[i].

    Args:
        cdf: non-decreasing.
        guide: empty, or guide[g] = that outcome for u = g / (len(guide) - 1), to start from.
        first, last: the range of shots.
    """
    cdef index i, low, high, top = cdf.shape[0] - 1, cells = guide.shape[0] - 1, g
    with nogil:
        for i in range(first, last):
            low = 0
            high = top
            if cells > 0:
                g = <index>(uniforms[i] * cells)
                low = guide[g]
                high = guide[g + 1]
                if high > top:
                    high = top
            out[i] = first_above(&cdf[0], low, high, uniforms[i])


def block_norms(real[::1] state, index block, double[::1] out, int64_t[::1] sync):
    """out[b] = the norm squared of amplitudes b * block to (b + 1) * block, with other threads.

    Added up in the order of the amplitudes, as `sample_blocks` does it.
    """
    cdef int lanes = VD_LANES if real is double else VF_LANES
    cdef index b, j, pairs = block // lanes
    cdef int l
    cdef double total
    cdef real* p
    with nogil:
        while True:
            b = ba_add(&sync[0], 1)
            if b >= out.shape[0]:
                break
            total = 0
            for j in range(pairs):
                p = &state[(b * pairs + j) * 2 * lanes]
                for l in range(lanes):
                    total = total + (<double>p[l] * p[l] + <double>p[lanes + l] * p[lanes + l])
            out[b] = total


def sample_blocks(real[::1] state, index block, const double[::1] before,
                  const int64_t[::1] blocks, const double[::1] targets, int64_t[::1] out,
                  double[::1] cdf, index first, index last):
    """The outcome of each shot within the block that it falls into.

    Args:
        block: amplitudes a block.
        before: the norm squared of all blocks in front of each block.
        blocks: each shot's block, ascending.
        targets: each shot's uniform times the norm squared of the state, in the order of `blocks`.
        out: the number of the amplitude.
        cdf: this thread's own work space, shape (block,).
        first, last: the range of shots.
    """
    cdef int lanes = VD_LANES if real is double else VF_LANES
    cdef index i, j, b, now = -1, pairs = block // lanes
    cdef int l
    cdef double total
    cdef real* p
    with nogil:
        for i in range(first, last):
            b = blocks[i]
            if b != now:
                now = b
                total = 0
                for j in range(pairs):
                    p = &state[(b * pairs + j) * 2 * lanes]
                    for l in range(lanes):
                        total = total + (<double>p[l] * p[l] + <double>p[lanes + l] * p[lanes + l])
                        cdf[j * lanes + l] = before[b] + total
            out[i] = b * block + first_above(&cdf[0], 0, block - 1, targets[i])
