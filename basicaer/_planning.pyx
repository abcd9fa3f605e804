# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
# cython: initializedcheck=False
"""Gates to passes: fusion, diagonal runs, cache blocks.

    Gates --fuse--> entries --emit--> items --split--> items --schedule--> passes of items
        --lower--> operations

Fusion
    Gates on one or two qubits are gathered into *entries* of at most two qubits as long as that is
    cheaper by the cost model. An entry is a core of two qubits, and up to two one-qubit matrices in
    front of it whose place (in the core, or on their own) is decided last. What a 4x4 matrix costs
    depends on its structure: diagonal, one qubit steered by the other (two 2x2 blocks, so no dearer
    than a one-qubit gate), or dense. Structure is known from patterns of non-zero entries.
Splitting
    In a large state a dense 4x4 matrix between others is written as a cheaper one, an X, with a
    real rotation of each qubit before it; the rest of it goes into its neighbours (_weyl.pxi).
Diagonal runs
    Diagonal items that meet without a non-diagonal one between them become one: a set of factors,
    each for the amplitudes whose bits in a mask are all 1.
Scheduling
    A pass takes, in order, each item that commutes with all that were left behind, as long as the
    qubits that are acted on other than diagonally fit a cache block. Lane qubits always do.
Lowering
    Where a qubit ends up (lane, block, outer) decides the operation: what is diagonal in a lane
    qubit goes into the coefficients, in a block qubit into a control, in an outer one into a
    condition on the block.

Matrices are row-major arrays of re, im; the first qubit is the least significant bit.
"""

from libc.math cimport atan2, cos, fabs, sin, sqrt
from libc.stdint cimport int32_t, int64_t, uint64_t, uintptr_t
from libc.stdlib cimport calloc, free, malloc, realloc
from libc.string cimport memcpy, memset

import numpy as np

cdef extern from "Python.h":
    bytearray PyByteArray_FromStringAndSize(const char*, Py_ssize_t)
    char* PyByteArray_AS_STRING(bytearray)

ctypedef Py_ssize_t index

cdef object frombuffer = np.frombuffer
FLOAT64 = np.dtype(np.float64)
INT64 = np.dtype(np.int64)

# --- growable arrays ---------------------------------------------------------------------------

cdef struct Buffer:
    char* data
    index used
    index room


cdef char* grow(Buffer* b, index bytes) except NULL nogil:
    """Room for `bytes` more at the end, which is returned."""
    cdef index room = b.room
    cdef char* data
    while b.used + bytes > room:
        room = 2 * room if room else 1024
    if room != b.room:
        data = <char*>realloc(b.data, room)
        if data == NULL:
            with gil:
                raise MemoryError("no memory left for the plan of the circuit")
        b.data = data
        b.room = room
    b.used += bytes
    return b.data + b.used - bytes


# --- small matrices ----------------------------------------------------------------------------

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


cdef void mul_left(double* m, const double* small, int side) noexcept nogil:
    """m = s @ m, s the 2x2 matrix `small` on the first (side 0) or second qubit (side 1)."""
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
            zmul(a, small, x)
            zmul(t, small + 2, y)
            a[0] = a[0] + t[0]
            a[1] = a[1] + t[1]
            zmul(b, small + 4, x)
            zmul(t, small + 6, y)
            x[0] = a[0]
            x[1] = a[1]
            y[0] = b[0] + t[0]
            y[1] = b[1] + t[1]


cdef void mul_right(double* m, const double* small, int side) noexcept nogil:
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
            zmul(a, x, small)
            zmul(t, y, small + 4)
            a[0] = a[0] + t[0]
            a[1] = a[1] + t[1]
            zmul(b, x, small + 2)
            zmul(t, y, small + 6)
            x[0] = a[0]
            x[1] = a[1]
            y[0] = b[0] + t[0]
            y[1] = b[1] + t[1]


cdef void exchange_qubits(double* m) noexcept nogil:
    """Names the qubits of a 4x4 matrix the other way round."""
    cdef double t[32]
    cdef int r, c
    cdef int to[4]
    to[0] = 0; to[1] = 2; to[2] = 1; to[3] = 3
    for r in range(4):
        for c in range(4):
            memcpy(t + 2 * (4 * to[r] + to[c]), m + 2 * (4 * r + c), 2 * sizeof(double))
    memcpy(m, t, 32 * sizeof(double))


# Patterns: bit n * row + column is set where the entry can be non-zero.

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
    """The pattern of `embed`: the bits of the 2x2 pattern, each at its two places."""
    if side == 0:
        return (p & 3 | (p >> 2) << 4) * 0x401
    return (p & 1) * 0x21 | (p >> 1 & 1) * 0x84 | (p >> 2 & 1) * 0x2100 | (p >> 3) * 0x8400


cdef inline int pattern_exchange(int p) noexcept nogil:
    cdef int r, c, out = 0
    cdef int to[4]
    to[0] = 0; to[1] = 2; to[2] = 1; to[3] = 3
    for r in range(4):
        for c in range(4):
            if (p >> (4 * r + c)) & 1:
                out |= 1 << (4 * to[r] + to[c])
    return out


include "_weyl.pxi"


cdef enum:
    DIAGONAL4 = 0x8421          # the diagonal of a 4x4 matrix
    STEERED_BY_1 = 0xCC33       # blocks on the first qubit, one for each value of the second
    STEERED_BY_0 = 0xA5A5       # the other way round
    DIAGONAL2 = 0x9
    FLIP2 = 0x6
    ALL2 = 0xF
    ALL4 = 0xFFFF


cdef inline bint is_monomial4(int p) noexcept nogil:
    cdef int r
    cdef int row
    cdef int seen = 0
    for r in range(4):
        row = (p >> (4 * r)) & 15
        if row & (row - 1) or row == 0 or seen & row:
            return False
        seen |= row
    return True


# --- what the stages hand on -------------------------------------------------------------------

cdef enum:
    # Kinds of item.
    ONE = 0        # 2x2 on q0
    TWO = 1        # 4x4 on q0, q1
    STEERED = 2    # 2x2 on q0, one for each value of q1
    PHASES = 3     # a diagonal run
    CONTROLLED = 4 # 2x2 on q0 under controls
    TABLE = 5      # a diagonal of many entries
    BIG = 6        # a dense matrix on more than two qubits
    EXCHANGE = 7   # swap of q0 and q1
    WEYL = 8       # a real rotation of q0 and q1, tangents m[16] and m[17], then the X m[:16]

cdef struct Entry:
    int kind       # TWO: a cluster of two qubits; ONE: one qubit; else as the item
    int a
    int b
    int pattern
    bint is_real
    bint has_pre_a
    bint has_pre_b
    int pre_pattern_a
    int pre_pattern_b
    bint pre_real_a
    bint pre_real_b
    index gate
    uint64_t control
    uint64_t control_value
    double m[32]
    double pre_a[8]
    double pre_b[8]

cdef struct Item:
    int kind
    int q0
    int q1
    bint is_real
    uint64_t nd        # qubits acted on other than diagonally
    uint64_t dg        # qubits acted on diagonally
    uint64_t control
    uint64_t control_value
    index gate
    index first_term   # PHASES: a linked list
    index last_term
    double m[32]

cdef struct Term:
    uint64_t mask
    double re
    double im
    index next

cdef struct Pending:
    bint has
    int pattern
    bint is_real
    double m[8]


class Plan:
    """What a `_kernels.Executable` is made of, and what is worth telling about it.

    Attributes:
        passes, ops, lists: int64 arrays, see `_kernels`.
        coefficients: float64, vectors of lanes.
        scratch_reals: size of a thread's scratch.
        max_blocks: blocks of the pass that has the most: more threads than that are no use.
        live: mask of the qubits that can be other than |0> after the plan.
        scalar: to be multiplied to a fresh state's only amplitude.
        work: amplitude-gates of the whole plan.
        gates, fused_gates: counts of gates before and of items after fusion.
    """

    __slots__ = (
        "passes", "ops", "lists", "coefficients", "scratch_reals", "max_blocks", "live", "scalar",
        "work", "gates", "fused_gates",
    )


# Must be those of _kernels, whose KERNELS a test compares with NUMBERS.
cdef enum:
    OP_DENSE1 = 0
    OP_DENSE1_LANE = 1
    OP_DENSE2 = 2
    OP_DENSE2_LANE = 3
    OP_DENSE2_LANES = 4
    OP_REAL1 = 5
    OP_REAL1_LANE = 6
    OP_REAL2 = 7
    OP_REAL2_LANE = 8
    OP_REAL2_LANES = 9
    OP_FLIP = 10
    OP_SWAP = 11
    OP_PHASE = 12
    OP_PRODUCT = 13
    OP_LOOKUP = 14
    OP_DENSEK = 15
    OP_DENSE5 = 16
    OP_CROSS1 = 17
    OP_CROSS1_LANE = 18
    OP_WEYL = 19
    OP_WEYL_LANE = 20
    OP_WEYL_LANES = 21
    OP_COLUMNS = 11
    PASS_COLUMNS = 11
    KIND_COLUMNS = 6

NUMBERS = {
    "dense1": OP_DENSE1, "dense1_lane": OP_DENSE1_LANE, "dense2": OP_DENSE2,
    "dense2_lane": OP_DENSE2_LANE, "dense2_lanes": OP_DENSE2_LANES, "real1": OP_REAL1,
    "real1_lane": OP_REAL1_LANE, "real2": OP_REAL2, "real2_lane": OP_REAL2_LANE,
    "real2_lanes": OP_REAL2_LANES, "flip": OP_FLIP, "swap": OP_SWAP, "phase": OP_PHASE,
    "product": OP_PRODUCT, "lookup": OP_LOOKUP, "densek": OP_DENSEK, "dense5": OP_DENSE5,
    "cross1": OP_CROSS1, "cross1_lane": OP_CROSS1_LANE, "weyl": OP_WEYL,
    "weyl_lane": OP_WEYL_LANE, "weyl_lanes": OP_WEYL_LANES,
}

cdef double TINY = 1e-15
cdef uint64_t BIT = 1


cdef inline int popcount(uint64_t x) noexcept nogil:
    cdef int n = 0
    while x:
        x &= x - 1
        n += 1
    return n


cdef inline int lowest(uint64_t x) noexcept nogil:
    cdef int n = 0
    while not x & 1:
        x >>= 1
        n += 1
    return n


cdef class Planner:
    """One planning of one run of gates."""

    # the run
    cdef int num_qubits, lane_bits, capacity
    cdef bint fusion
    cdef uint64_t touched, live
    cdef double scalar[2]
    cdef index num_gates
    cdef const int32_t* kind
    cdef const int32_t* start
    cdef const int32_t* qubits
    cdef const int64_t* offset
    cdef const double* coefficients
    cdef const int64_t* kinds
    # the cost model
    cdef double cost_diagonal, cost_move, cost_real1, cost_dense1, cost_real2, cost_dense2
    cdef double cost_weyl, split_time
    # stages
    cdef Buffer entries, items, terms, order, renamed, out_passes, out_ops, out_lists, out_coefficients
    cdef int open_[64]
    cdef Pending one[64]
    cdef int wire[64]
    cdef index num_fused, work_reals, max_outer
    cdef double total_work
    # the pass being lowered
    cdef int place[64]      # of a qubit above the lanes: its local bit, or -1
    cdef int op_live
    cdef uint64_t live_now

    def __dealloc__(self):
        free(self.entries.data)
        free(self.items.data)
        free(self.terms.data)
        free(self.order.data)
        free(self.renamed.data)
        free(self.out_passes.data)
        free(self.out_ops.data)
        free(self.out_lists.data)
        free(self.out_coefficients.data)

    # --- costs ---------------------------------------------------------------------------------

    cdef double cost1(self, int pattern, bint is_real) noexcept nogil:
        if pattern & ~DIAGONAL2 == 0:
            return self.cost_diagonal
        if pattern & ~FLIP2 == 0 and is_real:
            return self.cost_move
        return self.cost_real1 if is_real else self.cost_dense1

    cdef double cost2(self, int pattern, bint is_real) noexcept nogil:
        if pattern & ~DIAGONAL4 == 0:
            return self.cost_diagonal
        if pattern & ~STEERED_BY_1 == 0 or pattern & ~STEERED_BY_0 == 0:
            if is_real and is_monomial4(pattern):
                return self.cost_move
            return self.cost_real1 if is_real else self.cost_dense1
        return self.cost_real2 if is_real else self.cost_dense2

    cdef double entry_cost(self, int pattern, bint is_real, int pre_a, bint real_a, int pre_b,
                           bint real_b, int* choice) noexcept nogil:
        """The least cost of a core and the matrices in front of it (pattern 0: none).

        Bit 0 of `choice` is set if the one on the first qubit belongs into the core, bit 1 for the
        second.
        """
        cdef double best = 1e300, cost
        cdef int take, p
        cdef bint r
        for take in range(4):
            if take & 1 and pre_a == 0 or take & 2 and pre_b == 0:
                continue
            p = pattern
            r = is_real
            cost = 0
            if take & 1:
                p = pattern_mul4(p, pattern_embed(pre_a, 0))
                r = r and real_a
            elif pre_a:
                cost += self.cost1(pre_a, real_a)
            if take & 2:
                p = pattern_mul4(p, pattern_embed(pre_b, 1))
                r = r and real_b
            elif pre_b:
                cost += self.cost1(pre_b, real_b)
            cost += self.cost2(p, r)
            if cost <= best + 1e-9:
                best = cost if cost < best else best
                choice[0] = take
        return best

    # --- fusion --------------------------------------------------------------------------------

    cdef Entry* new_entry(self, int kind) except NULL nogil:
        cdef Entry* e = <Entry*>grow(&self.entries, sizeof(Entry))
        memset(e, 0, sizeof(Entry))
        e.kind = kind
        return e

    cdef index num_entries(self) noexcept nogil:
        return self.entries.used // <index>sizeof(Entry)

    cdef int flush_one(self, int q) except -1 nogil:
        """Makes an entry of what is pending on `q`."""
        cdef Entry* e
        if self.one[q].has:
            e = self.new_entry(ONE)
            e.a = q
            e.pattern = self.one[q].pattern
            e.is_real = self.one[q].is_real
            memcpy(e.m, self.one[q].m, 8 * sizeof(double))
            self.one[q].has = False
        return 0

    cdef int close(self, int q) except -1 nogil:
        self.flush_one(q)
        self.open_[q] = -1
        return 0

    cdef int place1(self, int q, const double* m, int pattern, bint is_real) except -1 nogil:
        """A one-qubit gate."""
        cdef Pending* one = &self.one[q]
        cdef Entry* e
        cdef int side, merged, choice
        cdef bint real_merged
        cdef double now, alone
        if not (self.touched >> q) & 1 and pattern & ~DIAGONAL2 == 0:
            zmul(self.scalar, self.scalar, m)
            return 0
        if one.has:
            matmul(one.m, m, one.m, 2)
            one.pattern = pattern_mul2(pattern, one.pattern)
            one.is_real = one.is_real and is_real
        else:
            one.has = True
            one.pattern = pattern
            one.is_real = is_real
            memcpy(one.m, m, 8 * sizeof(double))
        if pattern & ~DIAGONAL2:
            self.touched |= BIT << q
        if not self.fusion:
            return self.close(q)
        if self.open_[q] >= 0:
            e = <Entry*>self.entries.data + self.open_[q]
            side = 0 if e.a == q else 1
            merged = pattern_mul4(pattern_embed(one.pattern, side), e.pattern)
            real_merged = e.is_real and one.is_real
            now = self.entry_cost(merged, real_merged, e.pre_pattern_a, e.pre_real_a,
                                  e.pre_pattern_b, e.pre_real_b, &choice)
            alone = self.cost1(one.pattern, one.is_real) + self.entry_cost(
                e.pattern, e.is_real, e.pre_pattern_a, e.pre_real_a, e.pre_pattern_b, e.pre_real_b,
                &choice)
            if now < alone - 1e-9:
                mul_left(e.m, one.m, side)
                e.pattern = merged
                e.is_real = real_merged
                one.has = False
        return 0

    cdef int place2(self, int a, int b, double* m, int pattern, bint is_real) except -1 nogil:
        """A gate on the qubits a < b, the first the least significant bit of the 4x4 matrix."""
        cdef Entry* e
        cdef int merged, ones = DIAGONAL4, choice, i
        cdef bint real_merged, real_ones = True
        cdef double together, apart
        cdef double small[8]
        cdef Pending* pa = &self.one[a]
        cdef Pending* pb = &self.one[b]
        # A qubit still in |0> that is only a control says which block counts.
        if not (self.touched >> b) & 1 and pattern & ~STEERED_BY_1 == 0:
            for i in range(2):
                memcpy(small + 4 * i, m + 8 * i, 4 * sizeof(double))
            return self.place1(a, small, (pattern & 3) | (pattern >> 4 & 3) << 2, is_real)
        if not (self.touched >> a) & 1 and pattern & ~STEERED_BY_0 == 0:
            for i in range(2):
                memcpy(small + 4 * i, m + 16 * i, 2 * sizeof(double))
                memcpy(small + 4 * i + 2, m + 16 * i + 4, 2 * sizeof(double))
            return self.place1(
                b, small,
                (pattern & 1) | (pattern >> 2 & 1) << 1 | (pattern >> 8 & 1) << 2
                | (pattern >> 10 & 1) << 3,
                is_real)
        if pattern & ~STEERED_BY_1:
            self.touched |= BIT << b
        if pattern & ~STEERED_BY_0:
            self.touched |= BIT << a
        if self.fusion and self.open_[a] >= 0 and self.open_[a] == self.open_[b]:
            e = <Entry*>self.entries.data + self.open_[a]
            if pa.has:
                ones = pattern_mul4(pattern_embed(pa.pattern, 0), ones)
                real_ones = real_ones and pa.is_real
            if pb.has:
                ones = pattern_mul4(pattern_embed(pb.pattern, 1), ones)
                real_ones = real_ones and pb.is_real
            merged = pattern_mul4(pattern_mul4(pattern, ones), e.pattern)
            real_merged = is_real and real_ones and e.is_real
            together = self.entry_cost(merged, real_merged, e.pre_pattern_a, e.pre_real_a,
                                       e.pre_pattern_b, e.pre_real_b, &choice)
            apart = self.entry_cost(e.pattern, e.is_real, e.pre_pattern_a, e.pre_real_a,
                                    e.pre_pattern_b, e.pre_real_b, &choice)
            apart += self.entry_cost(pattern, is_real, pa.pattern if pa.has else 0, pa.is_real,
                                     pb.pattern if pb.has else 0, pb.is_real, &choice)
            if together <= apart + 1e-9:
                if pa.has:
                    mul_left(e.m, pa.m, 0)
                    pa.has = False
                if pb.has:
                    mul_left(e.m, pb.m, 1)
                    pb.has = False
                matmul(e.m, m, e.m, 4)
                e.pattern = merged
                e.is_real = real_merged
                return 0
        e = self.new_entry(TWO)
        e.a = a
        e.b = b
        e.pattern = pattern
        e.is_real = is_real
        memcpy(e.m, m, 32 * sizeof(double))
        if pa.has:
            e.has_pre_a = True
            e.pre_pattern_a = pa.pattern
            e.pre_real_a = pa.is_real
            memcpy(e.pre_a, pa.m, 8 * sizeof(double))
            pa.has = False
        if pb.has:
            e.has_pre_b = True
            e.pre_pattern_b = pb.pattern
            e.pre_real_b = pb.is_real
            memcpy(e.pre_b, pb.m, 8 * sizeof(double))
            pb.has = False
        self.open_[a] = self.open_[b] = self.num_entries() - 1 if self.fusion else -1
        return 0

    cdef int place_gate(self, index g) except -1 nogil:
        """Sorts gate g by its width and form."""
        cdef const int64_t* row = self.kinds + KIND_COLUMNS * self.kind[g]
        cdef int form = row[0], k = row[1], controls = row[2]
        cdef int64_t state = row[3]
        cdef int pattern = row[4]
        cdef bint is_real = row[5]
        cdef const int32_t* given = self.qubits + self.start[g]
        cdef const double* c = self.coefficients + 2 * self.offset[g]
        cdef int total = k + controls, i, j, r, a, b
        cdef double m[32]
        cdef uint64_t mask = 0, value = 0
        cdef Entry* e
        if total == 0:
            zmul(self.scalar, self.scalar, c)
            return 0
        if total > 2:
            return self.place_wide(g, form, k, controls, state, given, c, is_real)
        memset(m, 0, 32 * sizeof(double))
        a = given[0]
        if total == 1:
            if form == 1:
                memcpy(m, c, 2 * sizeof(double))
                memcpy(m + 6, c + 2, 2 * sizeof(double))
                pattern = DIAGONAL2
            else:
                memcpy(m, c, 8 * sizeof(double))
                pattern &= ALL2
            return self.place1(a, m, pattern, is_real)
        b = given[1]
        if controls == 1:
            # Qubit 0 of the matrix is the control here, qubit 1 the target.
            r = state & 1
            for i in range(2):
                m[2 * (4 * (2 * i + 1 - r) + 2 * i + 1 - r)] = 1
            if form == 1:
                for i in range(2):
                    memcpy(m + 2 * (4 * (2 * i + r) + 2 * i + r), c + 2 * i, 2 * sizeof(double))
                pattern = DIAGONAL4
            else:
                j = pattern & ALL2
                pattern = 0
                for i in range(2):
                    pattern |= 1 << (4 * (2 * i + 1 - r) + 2 * i + 1 - r)
                for i in range(4):
                    memcpy(m + 2 * (4 * (2 * (i >> 1) + r) + 2 * (i & 1) + r), c + 2 * i,
                           2 * sizeof(double))
                    if (j >> i) & 1:
                        pattern |= 1 << (4 * (2 * (i >> 1) + r) + 2 * (i & 1) + r)
        elif form == 1:
            for i in range(4):
                memcpy(m + 2 * (5 * i), c + 2 * i, 2 * sizeof(double))
            pattern = DIAGONAL4
        else:
            memcpy(m, c, 32 * sizeof(double))
            pattern &= ALL4
        if a > b:
            exchange_qubits(m)
            pattern = pattern_exchange(pattern)
            a, b = b, a
        return self.place2(a, b, m, pattern, is_real)

    cdef int place_wide(self, index g, int form, int k, int controls, int64_t state,
                        const int32_t* given, const double* c, bint is_real) except -1 nogil:
        """A gate on more than two qubits, controls counted."""
        cdef uint64_t mask = 0, value = 0, targets = 0
        cdef int i, q
        cdef Entry* e
        for i in range(controls):
            q = given[i]
            mask |= BIT << q
            if (state >> i) & 1:
                value |= BIT << q
        if mask & value & ~self.touched:
            return 0          # a control that is still |0>
        mask &= self.touched  # those that are |0> and should be are no controls
        for i in range(k):
            targets |= BIT << given[controls + i]
        for i in range(controls + k):
            self.close(given[i])
        if k == 1:
            e = self.new_entry(CONTROLLED)
            e.a = given[controls]
            if form == 1:
                memcpy(e.m, c, 2 * sizeof(double))
                memcpy(e.m + 6, c + 2, 2 * sizeof(double))
                e.pattern = DIAGONAL2
            else:
                memcpy(e.m, c, 8 * sizeof(double))
                e.pattern = ALL2
        else:
            e = self.new_entry(TABLE if form == 1 else BIG)
        e.gate = g
        e.is_real = is_real
        e.control = mask
        e.control_value = value
        if form != 1:
            self.touched |= targets
        return 0

    cdef bint is_swap(self, index g) noexcept nogil:
        """True for an uncontrolled swap, told by its matrix."""
        cdef const int64_t* row = self.kinds + KIND_COLUMNS * self.kind[g]
        cdef const double* c
        cdef int i
        if row[0] != 0 or row[1] != 2 or row[2] != 0 or row[4] != 0x8241:
            return False
        c = self.coefficients + 2 * self.offset[g]
        for i in range(4):
            if c[2 * (4 * i + (0 if i == 0 else 3 if i == 3 else 3 - i))] != 1:
                return False
        return True

    cdef int fuse(self, bint fresh) except -1 nogil:
        """Gates to entries.

        On a fresh state swaps cost nothing: read from the back, a swap renames all that comes
        before it, and |0...0> looks the same under any name.
        """
        cdef index g, num = self.num_gates
        cdef int q, i, swap
        cdef int32_t* named
        cdef bint any_swap = False
        for q in range(64):
            self.open_[q] = -1
            self.one[q].has = False
            self.wire[q] = q
        for g in range(num):
            if self.is_swap(g):
                any_swap = True
                break
        if any_swap and fresh and self.fusion:
            named = <int32_t*>grow(&self.renamed, self.start[num] * <index>sizeof(int32_t))
            for g in range(num - 1, -1, -1):
                for i in range(self.start[g], self.start[g + 1]):
                    named[i] = self.wire[self.qubits[i]]
                if self.is_swap(g):
                    q = self.qubits[self.start[g]]
                    i = self.qubits[self.start[g] + 1]
                    swap = self.wire[q]
                    self.wire[q] = self.wire[i]
                    self.wire[i] = swap
            self.qubits = named
            for g in range(num):
                if not self.is_swap(g):
                    self.place_gate(g)
        else:
            for g in range(num):
                self.place_gate(g)
        for q in range(self.num_qubits):
            self.close(q)
        return 0

    # --- items ---------------------------------------------------------------------------------

    cdef Item* new_item(self, int kind) except NULL nogil:
        cdef Item* it = <Item*>grow(&self.items, sizeof(Item))
        memset(it, 0, sizeof(Item))
        it.kind = kind
        it.first_term = it.last_term = -1
        return it

    cdef index num_items(self) noexcept nogil:
        return self.items.used // <index>sizeof(Item)

    cdef int add_term(self, index item, uint64_t mask, const double* factor) except -1 nogil:
        cdef Term* t
        cdef Item* it
        cdef index at = self.terms.used // <index>sizeof(Term)
        if fabs(factor[0] - 1) < TINY and fabs(factor[1]) < TINY:
            return 0
        if mask == 0:
            zmul(self.scalar, self.scalar, factor)
            return 0
        t = <Term*>grow(&self.terms, sizeof(Term))
        t.mask = mask
        t.re = factor[0]
        t.im = factor[1]
        t.next = -1
        it = <Item*>self.items.data + item
        if it.first_term < 0:
            it.first_term = at
        else:
            (<Term*>self.terms.data + it.last_term).next = at
        it.last_term = at
        it.dg |= mask
        return 0

    cdef int emit_phases(self, uint64_t mask, int64_t* last_nd, index* run) except -1 nogil:
        """Makes sure that `run` is a diagonal run that a diagonal on `mask` can join."""
        cdef int q
        if run[0] >= 0 and self.fusion:
            for q in range(self.num_qubits):
                if (mask >> q) & 1 and last_nd[q] > run[0]:
                    break
            else:
                return 0
        self.new_item(PHASES)
        run[0] = self.num_items() - 1
        return 0

    cdef int emit_one(self, int q, const double* m, int pattern, bint is_real, int64_t* last_nd,
                      index* run) except -1 nogil:
        cdef Item* it
        cdef double f[2]
        if pattern & ~DIAGONAL2 == 0 and unit(m) and unit(m + 6):
            self.emit_phases(BIT << q, last_nd, run)
            zmul(self.scalar, self.scalar, m)
            zdiv(f, m + 6, m)
            return self.add_term(run[0], BIT << q, f)
        it = self.new_item(ONE)
        it.q0 = q
        it.nd = BIT << q
        it.is_real = is_real
        memcpy(it.m, m, 8 * sizeof(double))
        last_nd[q] = self.num_items() - 1
        self.num_fused += 1
        return 0

    cdef int emit(self) except -1 nogil:
        """Entries to items."""
        cdef index i, run = -1
        cdef int64_t last_nd[64]
        cdef int q, choice, p
        cdef Entry e
        cdef Item* it
        cdef double f[2]
        cdef double g[2]
        cdef bint diagonal
        cdef uint64_t targets
        cdef const int32_t* given
        cdef const int64_t* row
        for q in range(64):
            last_nd[q] = -1
        for i in range(self.num_entries()):
            e = (<Entry*>self.entries.data)[i]
            if e.kind == ONE:
                self.emit_one(e.a, e.m, e.pattern, e.is_real, last_nd, &run)
            elif e.kind == TWO:
                self.entry_cost(e.pattern, e.is_real, e.pre_pattern_a, e.pre_real_a,
                                e.pre_pattern_b, e.pre_real_b, &choice)
                if e.has_pre_a:
                    if choice & 1:
                        mul_right(e.m, e.pre_a, 0)
                        e.pattern = pattern_mul4(e.pattern, pattern_embed(e.pre_pattern_a, 0))
                        e.is_real = e.is_real and e.pre_real_a
                    else:
                        self.emit_one(e.a, e.pre_a, e.pre_pattern_a, e.pre_real_a, last_nd, &run)
                if e.has_pre_b:
                    if choice & 2:
                        mul_right(e.m, e.pre_b, 1)
                        e.pattern = pattern_mul4(e.pattern, pattern_embed(e.pre_pattern_b, 1))
                        e.is_real = e.is_real and e.pre_real_b
                    else:
                        self.emit_one(e.b, e.pre_b, e.pre_pattern_b, e.pre_real_b, last_nd, &run)
                p = e.pattern
                diagonal = p & ~DIAGONAL4 == 0
                for q in range(4):
                    diagonal = diagonal and unit(e.m + 10 * q)
                if diagonal:
                    self.emit_phases(BIT << e.a | BIT << e.b, last_nd, &run)
                    zmul(self.scalar, self.scalar, e.m)
                    zdiv(f, e.m + 10, e.m)
                    self.add_term(run, BIT << e.a, f)
                    zdiv(f, e.m + 20, e.m)
                    self.add_term(run, BIT << e.b, f)
                    zdiv(f, e.m + 30, e.m + 10)
                    zdiv(g, e.m, e.m + 20)
                    zmul(f, f, g)
                    self.add_term(run, BIT << e.a | BIT << e.b, f)
                    continue
                self.num_fused += 1
                if p & ~STEERED_BY_1 == 0:
                    it = self.new_item(STEERED)
                    it.q0 = e.a
                    it.q1 = e.b
                    for q in range(4):
                        # block of the second qubit's value q >> 1, row q & 1
                        memcpy(it.m + 4 * q, e.m + 2 * (4 * q + 2 * (q >> 1)), 4 * sizeof(double))
                elif p & ~STEERED_BY_0 == 0:
                    exchange_qubits(e.m)
                    it = self.new_item(STEERED)
                    it.q0 = e.b
                    it.q1 = e.a
                    for q in range(4):
                        memcpy(it.m + 4 * q, e.m + 2 * (4 * q + 2 * (q >> 1)), 4 * sizeof(double))
                else:
                    it = self.new_item(EXCHANGE if exact_swap(e.m, p) else TWO)
                    it.q0 = e.a
                    it.q1 = e.b
                    memcpy(it.m, e.m, 32 * sizeof(double))
                it.is_real = e.is_real
                it.nd = BIT << it.q0
                if it.kind == STEERED:
                    it.dg = BIT << it.q1
                else:
                    it.nd |= BIT << it.q1
                last_nd[it.q0] = self.num_items() - 1
                if it.kind != STEERED:
                    last_nd[it.q1] = self.num_items() - 1
            elif e.kind == CONTROLLED:
                targets = BIT << e.a
                if e.pattern == DIAGONAL2 and unit(e.m) and unit(e.m + 6):
                    if e.control == e.control_value & e.control:
                        self.emit_phases(targets | e.control, last_nd, &run)
                        self.add_term(run, e.control, e.m)
                        zdiv(f, e.m + 6, e.m)
                        self.add_term(run, e.control | targets, f)
                        continue
                self.num_fused += 1
                it = self.new_item(CONTROLLED)
                it.q0 = e.a
                it.is_real = e.is_real
                it.control = e.control
                it.control_value = e.control_value
                it.dg = e.control
                memcpy(it.m, e.m, 8 * sizeof(double))
                if e.pattern == DIAGONAL2:
                    it.dg |= targets
                else:
                    it.nd = targets
                    last_nd[e.a] = self.num_items() - 1
            else:
                self.num_fused += 1
                it = self.new_item(e.kind)
                it.gate = e.gate
                it.is_real = e.is_real
                it.control = e.control
                it.control_value = e.control_value
                it.dg = e.control
                given = self.qubits + self.start[e.gate]
                row = self.kinds + KIND_COLUMNS * self.kind[e.gate]
                targets = 0
                for q in range(<int>row[1]):
                    targets |= BIT << given[row[2] + q]
                if e.kind == TABLE:
                    it.dg |= targets
                else:
                    it.nd = targets
                    for q in range(self.num_qubits):
                        if (targets >> q) & 1:
                            last_nd[q] = self.num_items() - 1
        return 0

    # --- splitting -----------------------------------------------------------------------------

    cdef inline bint takes(self, index i, bint split) noexcept nogil:
        """True if item i can be multiplied by any one-qubit matrix at no cost; -1 is no item."""
        cdef Item* it = <Item*>self.items.data + i
        if i < 0:
            return False
        return (it.kind == ONE or it.kind == TWO) and not it.is_real or split and it.kind == WEYL

    cdef int split(self) except -1 nogil:
        """Dense items to WEYL, where the items before and after take what is left of them."""
        cdef index i, num = self.num_items()
        cdef index last[64]
        cdef index* near     # the item before on each of two qubits, then those after
        cdef uint64_t mask
        cdef int q, k
        cdef Item* it
        cdef double saved = (self.cost_dense2 - self.cost_weyl) * <double>(BIT << self.num_qubits)
        # Two threads share what is saved, and one of them does the splitting.
        if not self.fusion or saved < 2 * self.split_time:
            return 0
        near = <index*>grow(&self.order, 4 * (num + 1) * sizeof(index))
        for q in range(64):
            last[q] = -1
        for i in range(num):
            it = <Item*>self.items.data + i
            near[4 * i] = last[it.q0]
            near[4 * i + 1] = last[it.q1]
            mask = it.nd | it.dg
            while mask:
                last[lowest(mask)] = i
                mask &= mask - 1
        for q in range(64):
            last[q] = -1
        for i in range(num - 1, -1, -1):
            it = <Item*>self.items.data + i
            near[4 * i + 2] = last[it.q0]
            near[4 * i + 3] = last[it.q1]
            mask = it.nd | it.dg
            while mask:
                last[lowest(mask)] = i
                mask &= mask - 1
        for i in range(num):
            it = <Item*>self.items.data + i
            if (it.kind == TWO and not it.is_real
                    and self.takes(near[4 * i], True) and self.takes(near[4 * i + 1], True)
                    and self.takes(near[4 * i + 2], False)
                    and self.takes(near[4 * i + 3], False)):
                self.split_item(it, near + 4 * i)
        self.order.used = 0
        return 0

    cdef void split_item(self, Item* it, const index* near) noexcept nogil:
        cdef double x[16]
        cdef double after[2][8]
        cdef double before[2][8]
        cdef double first[4]
        cdef double last[4]
        cdef double t[2]
        cdef double w[8]
        cdef bint flip
        cdef int side, q
        cdef Item* other
        if not weyl(it.m, after[0], after[1], x, before[0], before[1]):
            return
        for side in range(2):
            q = it.q1 if side else it.q0
            other = <Item*>self.items.data + near[side]
            t[side] = 0
            if other.kind != WEYL:
                multiply_item(other, q, before[side], True)
                continue
            t[side] = euler(before[side], first, last, &flip)
            x_scale(other.m, 1 if other.q1 == q else 0, True, first)
            x_scale(x, side, False, last)
            if flip:
                # N W = W (W^dagger N W): the turn goes on to what comes after.
                x_turn(x, side)
                memset(w, 0, 8 * sizeof(double))
                w[2] = -1
                w[4] = 1
                matmul(after[side], after[side], w, 2)
        for side in range(2):
            q = it.q1 if side else it.q0
            multiply_item(<Item*>self.items.data + near[2 + side], q, after[side], False)
        it.kind = WEYL
        memcpy(it.m, x, 16 * sizeof(double))
        it.m[16] = t[0]
        it.m[17] = t[1]

    cdef int fold_scalar(self, bint fresh) except -1 nogil:
        """Puts what multiplies all amplitudes into a matrix that multiplies all of them anyway."""
        cdef index i
        cdef int k, entries
        cdef Item* it
        cdef Item* found = NULL
        if self.scalar[0] == 1 and self.scalar[1] == 0 or fresh:
            return 0
        for i in range(self.num_items()):
            it = <Item*>self.items.data + i
            if it.kind == ONE or it.kind == TWO or it.kind == STEERED:
                if found == NULL or found.is_real and not it.is_real:
                    found = it
                if not it.is_real:
                    break
        if found == NULL:
            found = self.new_item(CONTROLLED)
            found.dg = 1
            found.m[0] = found.m[6] = 1
            entries = 4
        else:
            entries = 16 if found.kind == TWO else 8 if found.kind == STEERED else 4
            found.is_real = found.is_real and self.scalar[1] == 0
        for k in range(entries):
            zmul(found.m + 2 * k, found.m + 2 * k, self.scalar)
        self.scalar[0] = 1
        self.scalar[1] = 0
        return 0

    # --- scheduling ----------------------------------------------------------------------------

    cdef index split_phases(self, index i, uint64_t behind) except -2 nogil:
        """Takes the terms that touch `behind` out of run i. The new run of those, or -1."""
        cdef Item* it = <Item*>self.items.data + i
        cdef Term* terms = <Term*>self.terms.data
        cdef index t = it.first_term, following
        cdef index heads[2]
        cdef index tails[2]
        cdef uint64_t masks[2]
        cdef int part
        heads[0] = heads[1] = tails[0] = tails[1] = -1
        masks[0] = masks[1] = 0
        while t >= 0:
            following = terms[t].next
            part = 1 if terms[t].mask & behind else 0
            if heads[part] < 0:
                heads[part] = t
            else:
                terms[tails[part]].next = t
            tails[part] = t
            terms[t].next = -1
            masks[part] |= terms[t].mask
            t = following
        if heads[1] < 0:
            return -1
        if heads[0] < 0:
            return i
        it.first_term = heads[0]
        it.last_term = tails[0]
        it.dg = masks[0]
        it = self.new_item(PHASES)
        it.first_term = heads[1]
        it.last_term = tails[1]
        it.dg = masks[1]
        return self.num_items() - 1

    cdef int schedule(self) except -1 nogil:
        """Items to passes; each pass is lowered as soon as it is known."""
        cdef index num = self.num_items(), left = num, i, j, kept, at, rest
        cdef uint64_t lanes = (BIT << self.lane_bits) - 1
        cdef uint64_t active, nd_behind, behind, want
        cdef int room = self.num_qubits - self.lane_bits
        cdef index* waiting
        cdef index* chosen
        cdef index num_chosen
        cdef Item* it
        if room > self.capacity:
            room = self.capacity
        for i in range(num):
            it = <Item*>self.items.data + i
            if popcount(it.nd & ~lanes) > room:
                room = popcount(it.nd & ~lanes)
        waiting = <index*>grow(&self.order, 3 * (num + 1) * sizeof(index))
        chosen = waiting + num + 1
        for i in range(num):
            waiting[i] = i
        while left:
            active = nd_behind = behind = 0
            num_chosen = kept = 0
            for j in range(left):
                i = waiting[j]
                it = <Item*>self.items.data + i
                if it.kind == PHASES:
                    rest = self.split_phases(i, nd_behind) if it.dg & nd_behind else -1
                    if rest != i:
                        chosen[num_chosen] = i
                        num_chosen += 1
                    if rest >= 0:
                        waiting[kept] = rest
                        kept += 1
                        behind |= (<Item*>self.items.data + rest).dg
                    continue
                want = active | (it.nd & ~lanes)
                if it.nd & behind or it.dg & nd_behind or popcount(want) > room:
                    nd_behind |= it.nd
                    behind |= it.nd | it.dg
                    waiting[kept] = i
                    kept += 1
                else:
                    active = want
                    chosen[num_chosen] = i
                    num_chosen += 1
            left = kept
            self.lower_pass(chosen, num_chosen, active >> self.lane_bits)
        return 0

    # --- lowering ------------------------------------------------------------------------------

    cdef int64_t push_list(self, int64_t x) except -1 nogil:
        (<int64_t*>grow(&self.out_lists, sizeof(int64_t)))[0] = x
        return self.out_lists.used // <index>sizeof(int64_t) - 1

    cdef index coefficient_position(self) noexcept nogil:
        return self.out_coefficients.used // <index>sizeof(double)

    cdef double* push_vectors(self, int count) except NULL nogil:
        """Room for `count` vectors of lanes."""
        return <double*>grow(&self.out_coefficients, (<index>count << self.lane_bits) * 8)

    cdef int64_t* push_op(self, int kind) except NULL nogil:
        cdef int64_t* op = <int64_t*>grow(&self.out_ops, OP_COLUMNS * sizeof(int64_t))
        memset(op, 0, OP_COLUMNS * sizeof(int64_t))
        op[0] = kind
        op[3] = self.op_live
        op[8] = self.coefficient_position()
        return op

    cdef void split_controls(self, uint64_t mask, uint64_t value, uint64_t* lane,
                             uint64_t* lane_value, int64_t* op) noexcept nogil:
        """Sorts controls by where their qubits are; those outside the lanes go into `op`."""
        cdef int q
        lane[0] = mask & ((BIT << self.lane_bits) - 1)
        lane_value[0] = value & lane[0]
        for q in range(self.lane_bits, self.num_qubits):
            if (mask >> q) & 1:
                if self.place[q] >= 0:
                    op[4] |= <int64_t>1 << self.place[q]
                    if (value >> q) & 1:
                        op[5] |= <int64_t>1 << self.place[q]
                else:
                    op[6] |= <int64_t>1 << (q - self.lane_bits)
                    if (value >> q) & 1:
                        op[7] |= <int64_t>1 << (q - self.lane_bits)

    cdef int lower_small(self, int q, const double* m0, const double* m1, int steer, bint is_real,
                         uint64_t mask, uint64_t value) except -1 nogil:
        """A 2x2 matrix on q under controls; with a lane `steer` >= 0, one for each of its values."""
        cdef uint64_t lane_mask, lane_value
        cdef int lanes = 1 << self.lane_bits, l, r, c, parts = 1 if is_real else 2, bit
        cdef int64_t* op
        cdef double* v
        cdef const double* m
        cdef double one
        cdef bint in_lane = q < self.lane_bits, cross
        lane_mask = mask & (lanes - 1)
        if not in_lane and steer < 0 and lane_mask == 0 and is_flip(m0):
            op = self.push_op(OP_FLIP)
            op[1] = self.place[q]
            self.split_controls(mask, value, &lane_mask, &lane_value, op)
            return 0
        cross = not is_real and is_cross(m0) and is_cross(m1)
        if cross:
            parts = 1
        if in_lane:
            op = self.push_op(
                OP_CROSS1_LANE if cross else OP_REAL1_LANE if is_real else OP_DENSE1_LANE)
            op[1] = q
            v = self.push_vectors(2 * parts)
        else:
            op = self.push_op(OP_CROSS1 if cross else OP_REAL1 if is_real else OP_DENSE1)
            op[1] = self.place[q]
            v = self.push_vectors(4 * parts)
        self.split_controls(mask, value, &lane_mask, &lane_value, op)
        for l in range(lanes):
            m = m1 if steer >= 0 and (l >> steer) & 1 else m0
            if (l & lane_mask) != lane_value:
                m = NULL
            if in_lane:
                bit = (l >> q) & 1
                for c in range(2):
                    put(v, lanes, parts, c, l, m, 2 * bit + (bit ^ c), c == 0, cross and c == 1)
            else:
                for r in range(2):
                    for c in range(2):
                        put(v, lanes, parts, 2 * r + c, l, m, 2 * r + c, r == c, cross and r != c)
        return 0

    cdef int lower_two(self, Item* it) except -1 nogil:
        cdef int lanes = 1 << self.lane_bits, l, r, c, parts = 1 if it.is_real else 2, a = it.q0
        cdef int b = it.q1, bit, row, column
        cdef int64_t* op
        cdef double* v
        cdef double m[32]
        memcpy(m, it.m, 32 * sizeof(double))
        if b < self.lane_bits:
            op = self.push_op(OP_REAL2_LANES if it.is_real else OP_DENSE2_LANES)
            op[1] = a
            op[2] = b
            v = self.push_vectors(4 * parts)
            for l in range(lanes):
                row = ((l >> a) & 1) | ((l >> b) & 1) << 1
                for c in range(4):
                    put(v, lanes, parts, c, l, m, 4 * row + (row ^ c), False, False)
        elif a < self.lane_bits:
            op = self.push_op(OP_REAL2_LANE if it.is_real else OP_DENSE2_LANE)
            op[1] = a
            op[2] = self.place[b]
            v = self.push_vectors(8 * parts)
            for l in range(lanes):
                bit = (l >> a) & 1
                for r in range(2):
                    for c in range(4):
                        # column c: bit 1 the block qubit's value, bit 0 whether lanes are exchanged
                        column = (c & 2) | (bit ^ (c & 1))
                        put(v, lanes, parts, 4 * r + c, l, m, 4 * (2 * r + bit) + column, False, False)
        else:
            if self.place[a] > self.place[b]:
                exchange_qubits(m)
                a, b = b, a
            op = self.push_op(OP_REAL2 if it.is_real else OP_DENSE2)
            op[1] = self.place[a]
            op[2] = self.place[b]
            v = self.push_vectors(16 * parts)
            for l in range(lanes):
                for c in range(16):
                    put(v, lanes, parts, c, l, m, c, False, False)
        return 0

    cdef int lower_weyl(self, Item* it) except -1 nogil:
        cdef int lanes = 1 << self.lane_bits, l, c, a = it.q0, b = it.q1, at
        cdef int64_t* op
        cdef double* v
        cdef double m[32]
        cdef double ta = it.m[16], tb = it.m[17]
        x_to_matrix(m, it.m)
        if b < self.lane_bits:
            op = self.push_op(OP_WEYL_LANES)
            op[1] = a
            op[2] = b
            v = self.push_vectors(6)
            for l in range(lanes):
                at = ((l >> a) & 1) | ((l >> b) & 1) << 1
                v[l] = ta if at & 1 else -ta
                v[lanes + l] = tb if at & 2 else -tb
                for c in range(2):       # unchanged lanes, both exchanged
                    put(v + 2 * lanes, lanes, 2, c, l, m, 4 * at + (at ^ 3 * c), False, False)
            return 0
        if a < self.lane_bits:
            op = self.push_op(OP_WEYL_LANE)
            op[1] = a
            op[2] = self.place[b]
            v = self.push_vectors(10)
            for l in range(lanes):
                v[l] = ta if (l >> a) & 1 else -ta
                v[lanes + l] = tb
                for c in range(4):       # of the row c >> 1: the same, then the other, vector
                    at = ((l >> a) & 1) | (c & 2)
                    put(v + 2 * lanes, lanes, 2, c, l, m, 4 * at + (at ^ 3 * (c & 1)), False,
                        False)
            return 0
        if self.place[a] > self.place[b]:
            exchange_qubits(m)
            a, b = b, a
            ta, tb = tb, ta
        op = self.push_op(OP_WEYL)
        op[1] = self.place[a]
        op[2] = self.place[b]
        v = self.push_vectors(18)
        for l in range(lanes):
            v[l] = ta
            v[lanes + l] = tb
            for c in range(8):           # each row: its diagonal entry, then the other one
                at = c >> 1
                put(v + 2 * lanes, lanes, 2, c, l, m, 4 * at + (at ^ 3 * (c & 1)), False, False)
        return 0

    cdef int lower_phase(self, const double* factor, uint64_t mask, uint64_t value) except -1 nogil:
        """Multiplies the amplitudes under the controls by `factor`."""
        cdef uint64_t lane_mask, lane_value
        cdef int lanes = 1 << self.lane_bits, l
        cdef int64_t* op
        cdef double* v
        if factor[0] == 1 and factor[1] == 0:
            return 0
        op = self.push_op(OP_PHASE)
        v = self.push_vectors(2)
        self.split_controls(mask, value, &lane_mask, &lane_value, op)
        for l in range(lanes):
            if (l & lane_mask) == lane_value:
                v[l] = factor[0]
                v[lanes + l] = factor[1]
            else:
                v[l] = 1
                v[lanes + l] = 0
        return 0

    cdef int push_term(self, uint64_t outer, int target, uint64_t lane, Term* t) except -1 nogil:
        cdef int lanes = 1 << self.lane_bits, l
        cdef index at = self.coefficient_position()
        cdef double* v = self.push_vectors(2)
        for l in range(lanes):
            v[l] = t.re if (l & lane) == lane else 1
            v[lanes + l] = t.im if (l & lane) == lane else 0
        self.push_list(<int64_t>(outer >> self.lane_bits))
        self.push_list(target)
        self.push_list(at)
        return 0

    cdef int lower_phases(self, Item* it) except -1 nogil:
        """A diagonal run: products of one factor per block qubit, under controls.

        A factor that depends on two block qubits is a product under one of them as a control (the
        one that the most factors share first).
        """
        cdef Term* terms = <Term*>self.terms.data
        cdef index t, count = 0, i
        cdef uint64_t lane_mask = (BIT << self.lane_bits) - 1, outer_mask = 0, part, control
        cdef int q
        cdef int degree[64]
        cdef int best, linear = 0, target, only = -1
        cdef index num_terms, base_terms = 0
        cdef int64_t* op
        cdef index op_at
        cdef Buffer list_ = Buffer(NULL, 0, 0)
        cdef index* pending
        for q in range(self.lane_bits, self.num_qubits):
            if self.place[q] < 0:
                outer_mask |= BIT << q
        t = it.first_term
        while t >= 0:
            (<index*>grow(&list_, sizeof(index)))[0] = t
            count += 1
            t = terms[t].next
        try:
            pending = <index*>list_.data
            while count:
                # The control of the next product.
                control = 0
                for q in range(self.num_qubits):
                    degree[q] = 0
                for i in range(count):
                    part = terms[pending[i]].mask & ~lane_mask & ~outer_mask
                    if popcount(part) == 2:
                        for q in range(self.lane_bits, self.num_qubits):
                            degree[q] += (part >> q) & 1
                    elif popcount(part) > 2 and not control:
                        control = part & (part - 1)
                if not control:
                    best = -1
                    for q in range(self.lane_bits, self.num_qubits):
                        if degree[q] and (best < 0 or degree[q] > degree[best]):
                            best = q
                    if best >= 0:
                        control = BIT << best
                if not control:
                    # Nothing but factors of one qubit or none. A single one is its own control.
                    linear = 0
                    base_terms = 0
                    for i in range(count):
                        part = terms[pending[i]].mask & ~lane_mask & ~outer_mask
                        if part == 0:
                            base_terms += 1
                        elif only < 0 or not (part >> only) & 1:
                            only = lowest(part)
                            linear += 1
                    if linear == 1 and base_terms == 0:
                        control = BIT << only
                op = self.push_op(OP_PRODUCT)
                op_at = self.out_ops.used - OP_COLUMNS * sizeof(int64_t)
                op[9] = self.out_lists.used // <index>sizeof(int64_t)
                for q in range(self.lane_bits, self.num_qubits):
                    if (control >> q) & 1:
                        op[4] |= <int64_t>1 << self.place[q]
                op[5] = op[4]
                op[8] = 0
                num_terms = 0
                i = 0
                while i < count:
                    part = terms[pending[i]].mask & ~lane_mask & ~outer_mask
                    if part & control == control and popcount(part & ~control) <= 1 and (
                            control != 0 or popcount(part) <= 1):
                        target = -1
                        if part & ~control:
                            target = self.place[lowest(part & ~control)]
                        self.push_term(terms[pending[i]].mask & outer_mask, target,
                                       terms[pending[i]].mask & lane_mask, terms + pending[i])
                        num_terms += 1
                        count -= 1
                        pending[i] = pending[count]
                    else:
                        i += 1
                op = <int64_t*>(self.out_ops.data + op_at)
                op[10] = num_terms
        finally:
            free(list_.data)
        return 0

    cdef int lower_table(self, Item* it) except -1 nogil:
        """A diagonal of many entries: looked up, the lane qubits among its own folded in."""
        cdef const int64_t* row = self.kinds + KIND_COLUMNS * self.kind[it.gate]
        cdef const int32_t* given = self.qubits + self.start[it.gate] + row[2]
        cdef const double* c = self.coefficients + 2 * self.offset[it.gate]
        cdef int k = row[1], i, l, lanes = 1 << self.lane_bits, outside = 0
        cdef index y, entry
        cdef int64_t* op = self.push_op(OP_LOOKUP)
        cdef double* v
        cdef uint64_t lane_mask, lane_value
        self.split_controls(it.control, it.control_value, &lane_mask, &lane_value, op)
        op[9] = self.out_lists.used // <index>sizeof(int64_t)
        for i in range(k):
            if given[i] >= self.lane_bits:
                if self.place[given[i]] >= 0:
                    self.push_list(self.place[given[i]])
                else:
                    self.push_list_any(~<int64_t>(given[i] - self.lane_bits))
                outside += 1
        op[10] = outside
        for y in range(<index>1 << outside):
            v = self.push_vectors(2)
            for l in range(lanes):
                entry = 0
                outside = 0
                for i in range(k):
                    if given[i] < self.lane_bits:
                        entry |= <index>((l >> given[i]) & 1) << i
                    else:
                        entry |= ((y >> outside) & 1) << i
                        outside += 1
                if (l & lane_mask) == lane_value:
                    v[l] = c[2 * entry]
                    v[lanes + l] = c[2 * entry + 1]
                else:
                    v[l] = 1
                    v[lanes + l] = 0
        return 0

    cdef int push_list_any(self, int64_t x) except -1 nogil:
        (<int64_t*>grow(&self.out_lists, sizeof(int64_t)))[0] = x
        return 0

    cdef int lower_few(self, Item* it) except -1 nogil:
        """A dense matrix on three to five qubits."""
        cdef const int64_t* row = self.kinds + KIND_COLUMNS * self.kind[it.gate]
        cdef const int32_t* given = self.qubits + self.start[it.gate] + row[2]
        cdef const double* c = self.coefficients + 2 * self.offset[it.gate]
        cdef int k = row[1], i, l, num_block = 0, num_lane = 0, lanes = 1 << self.lane_bits
        cdef int rank[8]
        cdef index size = <index>1 << k, rows, r, col, m, from_row, from_column, b
        cdef int64_t* op = self.push_op(OP_DENSE5)
        cdef double* v
        cdef uint64_t lane_mask, lane_value, bit
        self.split_controls(it.control, it.control_value, &lane_mask, &lane_value, op)
        op[9] = self.out_lists.used // <index>sizeof(int64_t)
        for i in range(k):
            # A target's rank: among the lane targets by lane, among the block targets as listed.
            rank[i] = 0
            if given[i] < self.lane_bits:
                op[1] |= <int64_t>1 << given[i]
                num_lane += 1
                for l in range(k):
                    rank[i] += given[l] < given[i]
            else:
                rank[i] = num_block
                num_block += 1
                self.push_list(self.place[given[i]])
        op[10] = num_block
        rows = <index>1 << num_block
        for r in range(rows):
            for col in range(size):
                b = col >> num_lane
                m = col & ((<index>1 << num_lane) - 1)
                v = self.push_vectors(2)
                for l in range(lanes):
                    from_row = 0
                    from_column = 0
                    for i in range(k):
                        if given[i] < self.lane_bits:
                            bit = (l >> given[i]) & 1
                            from_row |= <index>(bit << i)
                            from_column |= <index>((bit ^ (m >> rank[i] & 1)) << i)
                        else:
                            from_row |= (r >> rank[i] & 1) << i
                            from_column |= (b >> rank[i] & 1) << i
                    if (l & lane_mask) == lane_value:
                        v[l] = c[2 * (size * from_row + from_column)]
                        v[lanes + l] = c[2 * (size * from_row + from_column) + 1]
                    else:
                        v[l] = 1 if r == b and m == 0 else 0
                        v[lanes + l] = 0
        if 2 * size << self.lane_bits > self.work_reals:
            self.work_reals = 2 * size << self.lane_bits
        return 0

    cdef int lower_big(self, Item* it) except -1 nogil:
        cdef const int64_t* row = self.kinds + KIND_COLUMNS * self.kind[it.gate]
        cdef const int32_t* given = self.qubits + self.start[it.gate] + row[2]
        cdef const double* c = self.coefficients + 2 * self.offset[it.gate]
        cdef int k = row[1], i, q
        cdef index size = <index>1 << k, r, column, reals, lanes = <index>1 << self.lane_bits
        cdef int64_t* op = self.push_op(OP_DENSEK)
        cdef double* v
        cdef uint64_t lane_mask, lane_value
        self.split_controls(it.control, it.control_value, &lane_mask, &lane_value, op)
        op[4] = op[4] << self.lane_bits | <int64_t>lane_mask
        op[5] = op[5] << self.lane_bits | <int64_t>lane_value
        op[9] = self.out_lists.used // <index>sizeof(int64_t)
        op[10] = k
        for i in range(k):
            q = given[i]
            self.push_list(q if q < self.lane_bits else self.place[q] + self.lane_bits)
        reals = 2 * size * size
        reals = (reals + lanes - 1) // lanes * lanes
        v = <double*>grow(&self.out_coefficients, reals * sizeof(double))
        for column in range(size):
            for r in range(size):
                v[2 * size * column + r] = c[2 * (size * r + column)]
                v[2 * size * column + size + r] = c[2 * (size * r + column) + 1]
        # Vectors, results, and offsets of 64 bits, each as long as two reals of single precision.
        reals = (4 * size << self.lane_bits) + 6 * size
        if reals > self.work_reals:
            self.work_reals = reals
        return 0

    cdef int lower_item(self, Item* it) except -1 nogil:
        cdef uint64_t steer
        cdef int64_t* op
        if it.kind == ONE:
            return self.lower_small(it.q0, it.m, it.m, -1, it.is_real, 0, 0)
        if it.kind == TWO:
            return self.lower_two(it)
        if it.kind == WEYL:
            return self.lower_weyl(it)
        if it.kind == STEERED:
            if it.q1 < self.lane_bits:
                return self.lower_small(it.q0, it.m, it.m + 8, it.q1, it.is_real, 0, 0)
            steer = BIT << it.q1
            if not is_identity(it.m):
                self.lower_small(it.q0, it.m, it.m, -1, it.is_real, steer, 0)
            if not is_identity(it.m + 8):
                self.lower_small(it.q0, it.m + 8, it.m + 8, -1, it.is_real, steer, steer)
            return 0
        if it.kind == PHASES:
            return self.lower_phases(it)
        if it.kind == CONTROLLED:
            if it.nd == 0:
                if it.m[0] == it.m[6] and it.m[1] == it.m[7]:
                    return self.lower_phase(it.m, it.control, it.control_value)
                self.lower_phase(it.m, it.control | BIT << it.q0, it.control_value)
                return self.lower_phase(it.m + 6, it.control | BIT << it.q0,
                                        it.control_value | BIT << it.q0)
            return self.lower_small(it.q0, it.m, it.m, -1, it.is_real, it.control,
                                    it.control_value)
        if it.kind == TABLE:
            return self.lower_table(it)
        if it.kind == BIG:
            if self.kinds[KIND_COLUMNS * self.kind[it.gate] + 1] <= 5:
                return self.lower_few(it)
            return self.lower_big(it)
        if it.q0 < self.lane_bits or it.q1 < self.lane_bits:
            return self.lower_two(it)
        op = self.push_op(OP_SWAP)
        op[1] = min(self.place[it.q0], self.place[it.q1])
        op[2] = max(self.place[it.q0], self.place[it.q1])
        return 0

    cdef int lower_pass(self, const index* chosen, index num, uint64_t active) except -1 nogil:
        """Chooses the block of a pass and lowers its items."""
        cdef int pair_bits = self.num_qubits - self.lane_bits, room, i, q, a = 0, live_bits = 0
        cdef int run = 0, top
        cdef uint64_t live = self.live >> self.lane_bits, block, contiguous, fresh, bit, reach
        cdef int64_t bits[64]
        cdef int64_t* row
        cdef index j, first_op, ops
        cdef int outer = 0
        cdef bint in_place
        cdef Item* it
        room = min(self.capacity, pair_bits)
        if popcount(active) > room:
            room = popcount(active)
        contiguous = (BIT << room) - 1
        in_place = active & ~contiguous == 0
        for q in range(64):
            self.place[q] = -1
        if in_place:
            block = contiguous
            for i in range(room):
                bits[i] = i
            a = room
            while (live & block) >> live_bits:
                live_bits += 1
        else:
            block = active
            for i in range(pair_bits):      # the lowest live bits fill the block up
                if popcount(block) >= room:
                    break
                if (live >> i) & 1:
                    block |= BIT << i
            for i in range(pair_bits):
                if (block & live) >> i & 1:
                    bits[a] = i
                    a += 1
            live_bits = a
            fresh = block & ~live
            for j in range(num):            # qubits that are |0> so far: in the order of use
                bit = (<Item*>self.items.data + chosen[j]).nd >> self.lane_bits & fresh
                for i in range(pair_bits):
                    if (bit >> i) & 1:
                        bits[a] = i
                        a += 1
                fresh &= ~bit
        for i in range(a):
            self.place[bits[i] + self.lane_bits] = i
        while run < a and bits[run] == run:
            run += 1
        if run > live_bits and not in_place and live_bits > 0:
            run = live_bits
        first_op = self.out_ops.used // <index>sizeof(int64_t) // OP_COLUMNS
        self.live_now = live & block
        for j in range(num):
            it = <Item*>self.items.data + chosen[j]
            self.live_now |= it.nd >> self.lane_bits & block
            top = 0
            # A control may be |0> all along, where gates that would have moved it cancel.
            reach = self.live_now | it.dg >> self.lane_bits
            for i in range(a):
                if (reach >> bits[i]) & 1:
                    top = i + 1
            self.op_live = top
            self.lower_item(it)
            self.live |= it.nd
        ops = self.out_ops.used // <index>sizeof(int64_t) // OP_COLUMNS - first_op
        if ops == 0:
            return 0
        row = <int64_t*>grow(&self.out_passes, PASS_COLUMNS * sizeof(int64_t))
        row[0] = first_op
        row[1] = first_op + ops
        row[2] = a
        row[6] = live_bits
        row[7] = in_place
        row[10] = -1
        if in_place and live & block != block:
            row[10] = <int64_t>(live & block)
        row[8] = run
        row[3] = self.out_lists.used // <index>sizeof(int64_t)
        row[9] = ops << (a + self.lane_bits)
        for i in range(a):
            self.push_list(bits[i])
        row[5] = self.out_lists.used // <index>sizeof(int64_t)
        for i in range(pair_bits):
            if (live >> i) & 1 and not (block >> i) & 1:
                self.push_list(i)
                outer += 1
        row[4] = outer
        if outer > self.max_outer:
            self.max_outer = outer
        self.total_work += <double>(ops << (a + self.lane_bits)) * <double>(<int64_t>1 << outer)
        # Products need their factors and two tables.
        self.work_reals = max(self.work_reals, (132 + 4 * (<index>2 << (a // 2 + 1)))
                              << self.lane_bits)
        return 0


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
    return (m[0] == 0 and m[1] == 0 and m[2] == 1 and m[3] == 0 and m[4] == 1 and m[5] == 0
            and m[6] == 0 and m[7] == 0)


cdef inline bint exact_swap(const double* m, int pattern) noexcept nogil:
    cdef int i, k
    if pattern != 0x8241:
        return False
    for i in range(4):
        k = 4 * i + (i if i == 0 or i == 3 else 3 - i)
        if m[2 * k] != 1 or m[2 * k + 1] != 0:
            return False
    return True


cdef inline void put(double* v, int lanes, int parts, int which, int lane, const double* m,
                     int entry, bint one, bint imaginary) noexcept nogil:
    """Lane `lane` of coefficient `which`: an entry of `m`, or of the identity if m is NULL.

    With one part: the real part of the entry, or the imaginary one.
    """
    cdef double re = 1 if one else 0, im = 0
    if m != NULL:
        re = m[2 * entry]
        im = m[2 * entry + 1]
    v[which * parts * lanes + lane] = im if imaginary else re
    if parts == 2:
        v[(which * parts + 1) * lanes + lane] = im


cdef void multiply_item(Item* it, int q, const double* small, bint left) noexcept nogil:
    """Multiplies the matrix of an item, ONE or TWO, by a 2x2 matrix on its qubit q."""
    if it.kind == ONE:
        if left:
            matmul(it.m, small, it.m, 2)
        else:
            matmul(it.m, it.m, small, 2)
    elif left:
        mul_left(it.m, small, 1 if it.q1 == q else 0)
    else:
        mul_right(it.m, small, 1 if it.q1 == q else 0)


cdef object ints(Buffer* b, index columns):
    cdef index count = b.used // <index>sizeof(int64_t)
    cdef int64_t[::1] row
    cdef int64_t[:, ::1] rows
    if columns:
        out = np.empty((count // columns, columns), INT64)
        if count:
            rows = out
            memcpy(&rows[0, 0], b.data, b.used)
    else:
        out = np.empty(max(count, 1), INT64)
        if count:
            row = out
            memcpy(&row[0], b.data, b.used)
    return out


def aligned(index count, dtype, bint zero=False):
    """A one-dimensional array whose data begin on a cache line; uninitialised unless `zero`."""
    cdef index size = count * dtype.itemsize, skip
    cdef bytearray memory = PyByteArray_FromStringAndSize(NULL, size + 64)
    cdef char* data = PyByteArray_AS_STRING(memory)
    skip = (64 - <uintptr_t>data % 64) % 64
    if zero:
        memset(data + skip, 0, size)
    return frombuffer(memory, dtype, count, skip)


cdef index first_malformed(const int64_t[:, ::1] kinds, const int32_t[::1] kind,
                           const int32_t[::1] start, const int32_t[::1] qubits,
                           const int64_t[::1] offset, const double[::1] coefficients,
                           int num_qubits) noexcept:
    """The first gate that would read or write where it must not; -1 if there is none."""
    cdef index i, j, size, targets, controls
    cdef uint64_t seen
    if start.shape[0] != kind.shape[0] + 1 or offset.shape[0] != kind.shape[0]:
        return 0
    for i in range(kind.shape[0]):
        if not 0 <= kind[i] < kinds.shape[0]:
            return i
        targets, controls = kinds[kind[i], 1], kinds[kind[i], 2]
        if start[i] < 0 or start[i + 1] - start[i] != targets + controls:
            return i
        if start[i + 1] > qubits.shape[0]:
            return i
        seen = 0
        for j in range(start[i], start[i + 1]):
            if not 0 <= qubits[j] < num_qubits or seen >> qubits[j] & 1:
                return i
            seen |= <uint64_t>1 << qubits[j]
        size = <index>1 << (targets if kinds[kind[i], 0] else 2 * targets)  # form: 1 is diagonal
        if offset[i] < 0 or offset[i] > coefficients.shape[0] // 2 - size:
            return i
    return -1


def plan(const int64_t[:, ::1] kinds, const int32_t[::1] kind, const int32_t[::1] start,
         const int32_t[::1] qubits, const int64_t[::1] offset, const double[::1] coefficients,
         int num_qubits, uint64_t live, int lane_bits, int capacity, bint fusion, costs,
         double split_time):
    """The plan of a run of gates.

    Args:
        kinds: one row a kind: form, targets, controls, control state, pattern, is_real.
        kind, start, qubits, offset: see `_program.Gates`.
        coefficients: re, im, re, im, ...
        num_qubits: width of the state, at least `lane_bits` and at most 62.
        live: mask of the qubits that can be other than |0>; 0 for a fresh state.
        lane_bits: lane qubits of the build that will run the plan.
        capacity: block qubits beside the lane qubits.
        fusion: False keeps each gate an item of its own.
        costs: ns per amplitude of each structure, see `_costs`.
        split_time: ns that it takes to split a dense 4x4 matrix.
    """
    cdef Planner p = Planner()
    cdef index room, i
    cdef const int64_t* row
    cdef bint fresh = live == 0
    if not lane_bits <= num_qubits <= 62:
        raise ValueError(f"a state of {num_qubits} qubits cannot be planned")
    p.num_gates = kind.shape[0]
    cdef index wrong = first_malformed(kinds, kind, start, qubits, offset, coefficients, num_qubits)
    if wrong >= 0:
        raise ValueError(f"gate {wrong} of a run is malformed: its qubits must be as many as its "
                         f"kind has, all different, and less than {num_qubits}")
    if p.num_gates:
        p.kinds, p.kind, p.start = &kinds[0, 0], &kind[0], &start[0]
        p.offset, p.coefficients = &offset[0], &coefficients[0]
        p.qubits = &qubits[0] if qubits.shape[0] else NULL
    p.num_qubits, p.lane_bits, p.capacity, p.fusion = num_qubits, lane_bits, capacity, fusion
    p.cost_diagonal, p.cost_move = costs["diagonal"], costs["move"]
    p.cost_real1, p.cost_dense1 = costs["real1"], costs["dense1"]
    p.cost_real2, p.cost_dense2 = costs["real2"], costs["dense2"]
    p.cost_weyl, p.split_time = costs["weyl"], split_time
    p.touched = p.live = live
    p.scalar[0], p.scalar[1] = 1, 0
    with nogil:
        p.fuse(fresh)
        p.emit()
        p.split()
        p.fold_scalar(fresh)
        p.schedule()
    out = Plan()
    out.passes = ints(&p.out_passes, PASS_COLUMNS)
    out.ops = ints(&p.out_ops, OP_COLUMNS)
    out.lists = ints(&p.out_lists, 0)
    cdef index count = p.out_coefficients.used // <index>sizeof(double)
    out.coefficients = aligned(max(count, 1), FLOAT64)
    cdef double[::1] view = out.coefficients
    if count:
        memcpy(&view[0], p.out_coefficients.data, p.out_coefficients.used)
    room = 1
    for i in range(p.out_passes.used // <index>sizeof(int64_t) // PASS_COLUMNS):
        row = <int64_t*>p.out_passes.data + i * PASS_COLUMNS
        if row[7] == 0:
            room = max(room, <index>1 << row[2])
    out.scratch_reals = ((2 * room + 2) << lane_bits) + 2 * room + p.work_reals + 64
    out.max_blocks = 1 << p.max_outer
    out.live = p.live
    out.scalar = complex(p.scalar[0], p.scalar[1])
    out.work = p.total_work
    out.gates = len(kind)
    out.fused_gates = p.num_fused
    return out
