# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
# cython: initializedcheck=False
"""Gates to passes: fusion, diagonal runs, cache blocks.

    Gates --fuse--> entries --emit--> items --split--> items --schedule--> passes of items
        --lower--> operations

Fusion (fusion.pxi)
    Gates on one or two qubits are gathered into *entries* of at most two qubits as long as that is
    cheaper by the cost model. An entry is a core of two qubits, and up to two one-qubit matrices in
    front of it whose place (in the core, or on their own) is decided last. What a 4x4 matrix costs
    depends on its structure: diagonal, one qubit steered by the other (two 2x2 blocks, so no dearer
    than a one-qubit gate), or dense. Structure is known from patterns of non-zero entries.
Splitting (items.pxi)
    In a large state a dense 4x4 matrix between others is written as a cheaper one, an X, with a
    real rotation of each qubit before it; the rest of it goes into its neighbours (weyl.pxi).
Diagonal runs (items.pxi)
    Diagonal items that meet without a non-diagonal one between them become one: a set of factors,
    each for the amplitudes whose bits in a mask are all 1.
Scheduling (schedule.pxi)
    A pass takes, in order, each item that commutes with all that were left behind, as long as the
    qubits that are acted on other than diagonally fit a cache block. Lane qubits always do.
Lowering (operations.pxi)
    Where a qubit ends up (lane, block, outer) decides the operation: what is diagonal in a lane
    qubit goes into the coefficients, in a block qubit into a control, in an outer one into a
    condition on the block.

Matrices are row-major arrays of re, im; the first qubit is the least significant bit.
"""

from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_FromStringAndSize
from libc.math cimport atan2, cos, fabs, sin, sqrt
from libc.stdint cimport int32_t, int64_t, uint64_t, uintptr_t
from libc.stdlib cimport calloc, free, malloc, realloc
from libc.string cimport memcpy, memset

import numpy as np

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


include "basicaer/_engine/plan/matrices.pxi"
include "basicaer/_engine/plan/weyl.pxi"


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


include "basicaer/_engine/cython/gate_check.pxi"
include "basicaer/_engine/plan/layout.pxi"

# Columns of a kind's row: the fields of `_program.Kind`.
cdef enum:
    KIND_FORM = 0
    KIND_TARGETS = 1
    KIND_CONTROLS = 2
    KIND_STATE = 3
    KIND_PATTERN = 4
    KIND_REAL = 5
    KIND_COLUMNS = 6

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
    cdef Buffer entries, items, terms, order, renamed
    cdef Buffer out_passes, out_ops, out_lists, out_coefficients
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


include "basicaer/_engine/plan/fusion.pxi"
include "basicaer/_engine/plan/items.pxi"
include "basicaer/_engine/plan/schedule.pxi"
include "basicaer/_engine/plan/operations.pxi"


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
    cdef const int32_t* on = &qubits[0] if qubits.shape[0] else NULL
    cdef index i, k
    if start.shape[0] != kind.shape[0] + 1 or offset.shape[0] != kind.shape[0]:
        return 0
    for i in range(kind.shape[0]):
        k = kind[i]
        if not 0 <= k < kinds.shape[0]:
            return i
        if not is_gate(kinds[k, KIND_FORM] != 0, kinds[k, KIND_TARGETS], kinds[k, KIND_CONTROLS],
                       start[i], start[i + 1], on, qubits.shape[0], offset[i],
                       coefficients.shape[0] // 2, 0, num_qubits):
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
        raise malformed(wrong, num_qubits)
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
        fuse(p, fresh)
        emit(p)
        split(p)
        fold_scalar(p, fresh)
        schedule(p)
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
        if row[PASS_IN_PLACE] == 0:
            room = max(room, <index>1 << row[PASS_BITS])
    out.scratch_reals = ((2 * room + 2) << lane_bits) + 2 * room + p.work_reals + 64
    out.max_blocks = 1 << p.max_outer
    out.live = p.live
    out.scalar = complex(p.scalar[0], p.scalar[1])
    out.work = p.total_work
    out.gates = len(kind)
    out.fused_gates = p.num_fused
    return out
