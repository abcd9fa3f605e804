# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
# cython: initializedcheck=False
"""Gates to a plan: which passes the kernels make through a state, and what they do in each.

    gates --1 fuse--> clusters --2 make_items--> items --3 split_dense, take_turns, fold_scalar-->
    items --4 schedule--> items of each pass --6 lower, 5 by each kind of item--> operations
    and the numbers: --tape--> registers --recipe--> the operations' coefficients

| stage | file | what it does |
|---|---|---|
| 1 | fusion.pxi | multiplies gates on the same one or two qubits, where that pays |
| 2 | items.pxi | gives each cluster its structure: dense, steered, diagonal, ... |
| 3 | splitting.pxi (weyl.pxi) | writes dense two-qubit items as cheaper ones |
| 3 | turns.pxi (turn.pxi) | writes gates as turns and diagonals, and gathers the diagonals |
| 4 | schedule.pxi | puts items that fit into one cache block into one pass |
| 5 | operations.pxi, registers.pxi, held.pxi, diagonals.pxi, wide.pxi | items as operations |
| 6 | passes.pxi | chooses the block of each pass and has its items lowered |

Each stage uses only what is included before it. What they share: growable.pxi, the lists;
algebra/merging.pxi, which gates are worth multiplying, and other files there, small matrices;
tape.pxi, how they compute with numbers, so that recipe.pxi can do it again for other coefficients;
output.pxi, how operations are written; layout.pxi, how the plan is laid out in arrays, for the
kernels too.

Matrices are row-major arrays of re, im; the first qubit is the least significant bit of rows and
columns. What a matrix costs depends on its structure: diagonal; one qubit steered by the other (a
2x2 matrix for each value of it, no dearer than a one-qubit gate); or dense. Structure is read off
its pattern, the set of the entries that can be non-zero.
"""

from cython cimport internal
from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_FromStringAndSize
from libc.math cimport atan2, cos, fabs, sin, sqrt
from libc.stdint cimport int32_t, int64_t, uint64_t, uintptr_t
from libc.stdlib cimport calloc, free, malloc, realloc
from libc.string cimport memcpy, memset

import numpy as np

ctypedef Py_ssize_t index

cdef object frombuffer = np.frombuffer
cdef object ndarray = np.ndarray
cdef object FLOAT64 = np.dtype(np.float64)
cdef object FLOAT32 = np.dtype(np.float32)
cdef object INT64 = np.dtype(np.int64)

include "basicaer/_engine/cython/growable.pxi"
include "basicaer/_engine/plan/layout.pxi"
include "basicaer/_engine/plan/algebra/merging.pxi"
include "basicaer/_engine/plan/algebra/products.pxi"
include "basicaer/_engine/plan/algebra/matrices.pxi"
include "basicaer/_engine/plan/algebra/weyl.pxi"
include "basicaer/_engine/plan/algebra/turn.pxi"

ctypedef fused real:
    double
    float


# --- what the stages hand on -------------------------------------------------------------------

cdef enum:
    # Kinds of item, and of cluster: those of a cluster are ONE_QUBIT, TWO_QUBIT (any 4x4 matrix),
    # CONTROLLED, DIAGONAL_TABLE and WIDE_DENSE.
    ONE_QUBIT = 0       # a 2x2 matrix on q0
    TWO_QUBIT = 1       # a 4x4 matrix on q0, q1
    STEERED = 2         # a 2x2 matrix on q0 for each value of q1, one after the other
    DIAGONAL_GROUP = 3  # factors, each for the amplitudes whose bits in a mask are all 1
    CONTROLLED = 4      # a 2x2 matrix on q0 under controls
    DIAGONAL_TABLE = 5  # a diagonal on two qubits and more, under controls; or on three and more
    WIDE_DENSE = 6      # likewise, a dense matrix
    SWAP = 7            # of q0 and q1
    WEYL = 8            # a real rotation of q0 and q1, then an X; its matrix: see WEYL_X
    JOINED = 10         # a cluster that is part of another one
    TWO_TURN = 9        # a 4x4 matrix on q0, q1 that acts on 00, 11 and on 01, 10 apart

cdef struct Pending:
    bint has            # False: there is none
    int pattern
    bint is_real
    index at            # the register of its 2x2 matrix

cdef struct Cluster:
    int kind
    int q0
    int q1
    int pattern
    bint is_real
    index gate          # DIAGONAL_TABLE, WIDE_DENSE: the gate whose coefficients it has
    uint64_t control
    uint64_t control_value
    Pending before[2]   # TWO_QUBIT: on q0 and on q1
    bint looked         # whether `find_x4` has looked at it
    int former          # the cluster before it on both its qubits, or -1
    int back[2]         # the cluster before it on q0 and on q1, or -1
    index item          # TWO_QUBIT: the item of its core, once it is made
    index at            # the register of its matrix

cdef struct Item:
    int kind
    int q0
    int q1
    bint is_real
    uint64_t mixed      # qubits whose values it mixes
    uint64_t diagonal   # other qubits that it depends on
    uint64_t control
    uint64_t control_value
    index gate          # as in a cluster
    index first_term    # DIAGONAL_GROUP: a linked list in `terms`, -1 at its end
    index last_term
    index at            # the register of its matrix, or matrices
    bint turned         # its matrices are turns, their scale taken out,
    index turn          # their tangents and forms in these registers
    bint flips          # STEERED: the second matrix is X times the first
    bint fence          # nothing behind it goes before it, and nothing before it behind it

cdef struct Term:
    uint64_t mask
    index at            # the register of the factor
    index next


class Plan:
    """What a `_kernels.Executable` is made of, and what is worth telling about it.

    Attributes:
        passes: int64, shape (passes, PASS_COLUMNS), see layout.pxi.
        ops: int64, shape (operations, OP_COLUMNS).
        lists: int64, one-dimensional: what passes and operations point into.
        coefficients: float64 or float32, one-dimensional: vectors with a value for each lane.
        scratch_reals: size of a thread's scratch, in reals of either precision.
        max_blocks: blocks of the pass that has the most: more threads than that are no use.
        live: mask of the qubits that can be other than |0> after the plan.
        scalar: to be multiplied to a fresh state's only amplitude.
        work: amplitude-gates of the whole plan: operations times the amplitudes they go through.
        gates, fused_gates: counts of gates before and of items after fusion.
        ends: a list, the passes up to each cut, and all of them.
        recipe: the `Recipe` that makes coefficients and scalar for other gates of this structure.
    """

    __slots__ = (
        "passes", "ops", "lists", "coefficients", "scratch_reals", "max_blocks", "live", "scalar",
        "work", "gates", "fused_gates", "ends", "recipe",
    )


include "basicaer/_engine/cython/gate_check.pxi"

cdef double TINY = 1e-15
cdef uint64_t BIT = 1


cdef inline int popcount(uint64_t x) noexcept nogil:
    """How many bits are 1."""
    cdef int n = 0
    while x:
        x &= x - 1
        n += 1
    return n


cdef inline int lowest(uint64_t x) noexcept nogil:
    """The lowest bit that is 1; x is not 0."""
    cdef int n = 0
    while not x & 1:
        x >>= 1
        n += 1
    return n


cdef enum:
    # The lists whose memory is kept for the next planning (growable.pxi).
    CLUSTERS = 0
    ITEMS = 1
    OPS = 2
    LISTS = 3
    REGISTERS = 4
    TAPE = 5
    SOURCES = 6
    TERMS = 7


@internal
cdef class Planner:
    """One planning of one gate run; the stages read and write its attributes."""

    # the gates
    cdef int num_qubits, lane_bits, register_bits, capacity
    cdef bint fusion
    cdef uint64_t touched, live
    cdef index num_gates
    cdef const int32_t* kind
    cdef const int32_t* start
    cdef const int32_t* qubits
    cdef const int64_t* offset
    cdef const double* coefficients
    cdef const int64_t* kinds
    # the cost model
    cdef Merging merging
    cdef double cost_weyl, cost_turn, split_time
    # stages
    cdef Growable clusters, items, unturned, terms, renamed, pass_items, pass_starts
    cdef Growable order         # work space of one stage
    cdef Growable registers, tape           # tape.pxi
    cdef index most_registers   # that were in use at the same time
    cdef Growable out_passes, out_ops, out_lists, sources, fills, fill_targets
    cdef index out_reals        # the plan's coefficients so far
    cdef int open_cluster[MAX_BITS]     # of each qubit: the cluster that a gate may join, or -1
    cdef Pending pending[MAX_BITS]
    cdef int new_name[MAX_BITS]         # fresh states: what swaps have renamed each qubit to
    cdef int64_t last_mixed[MAX_BITS]   # of each qubit: the last item that mixes it, or -1
    cdef index last_group               # the last diagonal group, or -1
    cdef index first_float, last_float  # terms that have found no group yet
    cdef index single[MAX_BITS]         # of each qubit: the term on it alone in `last_group`, or -1
    cdef uint64_t mixed_yet             # qubits that can be other than |0> by now
    cdef index held                     # the group of the terms that are held back, or -1
    cdef int scaled                     # turns whose scale R_SCALAR has
    cdef int uneven                     # floating factors that are no phases
    cdef int since_fence                # turns
    cdef int most_scaled, most_unfenced     # turns.pxi
    cdef index num_fused, work_vectors, max_outer
    cdef double total_work
    # the pass being lowered
    cdef int place[MAX_BITS]      # of a qubit above the lanes: its local bit, or -1
    cdef int op_live        # local bits that can be 1: only the first 2**op_live pairs count
    cdef uint64_t live_now  # the same as a mask of bits of the pair number

    def __dealloc__(self):
        keep_spare(&self.clusters, CLUSTERS)
        keep_spare(&self.items, ITEMS)
        keep_spare(&self.out_ops, OPS)
        keep_spare(&self.out_lists, LISTS)
        keep_spare(&self.registers, REGISTERS)
        keep_spare(&self.tape, TAPE)
        keep_spare(&self.sources, SOURCES)
        keep_spare(&self.terms, TERMS)
        free(self.unturned.data)
        free(self.order.data)
        free(self.renamed.data)
        free(self.pass_items.data)
        free(self.pass_starts.data)
        free(self.out_passes.data)
        free(self.fills.data)
        free(self.fill_targets.data)


include "basicaer/_engine/plan/tape.pxi"
include "basicaer/_engine/plan/fusion.pxi"
include "basicaer/_engine/plan/items.pxi"
include "basicaer/_engine/plan/splitting.pxi"
include "basicaer/_engine/plan/turns.pxi"
include "basicaer/_engine/plan/schedule.pxi"
include "basicaer/_engine/plan/output.pxi"
include "basicaer/_engine/plan/operations.pxi"
include "basicaer/_engine/plan/diagonals.pxi"
include "basicaer/_engine/plan/held.pxi"
include "basicaer/_engine/plan/registers.pxi"
include "basicaer/_engine/plan/wide.pxi"
include "basicaer/_engine/plan/passes.pxi"


cdef object ints(Growable* b, index columns):
    """A list of int64 as an array, of rows if `columns` is not 0."""
    cdef index count = b.used // <index>sizeof(int64_t)
    cdef tuple shape = (count,)
    if columns:
        shape = (count // columns, columns)
    elif count == 0:
        shape = (1,)
    if count == 0:
        return np.zeros(shape, INT64)
    return ndarray(shape, INT64, PyByteArray_FromStringAndSize(b.data, b.used))


cdef object aligned_at(index count, dtype, index itemsize, char** data):
    """An uninitialised one-dimensional array whose data begin on a cache line, at `data`."""
    cdef bytearray memory = PyByteArray_FromStringAndSize(NULL, count * itemsize + 64)
    cdef char* begin = PyByteArray_AS_STRING(memory)
    cdef index skip = (64 - <uintptr_t>begin % 64) % 64
    data[0] = begin + skip
    return frombuffer(memory, dtype, count, skip)


def aligned(index count, dtype, bint zero=False):
    """A one-dimensional array whose data begin on a cache line; uninitialised unless `zero`."""
    cdef char* data
    cdef index itemsize = dtype.itemsize
    out = aligned_at(count, dtype, itemsize, &data)
    if zero:
        memset(data, 0, count * itemsize)
    return out


include "basicaer/_engine/plan/recipe.pxi"


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
        if not is_gate(kinds[k, KIND_FORM] == FORM_DIAGONAL, kinds[k, KIND_TARGETS],
                       kinds[k, KIND_CONTROLS], start[i], start[i + 1], on, qubits.shape[0],
                       offset[i], coefficients.shape[0] // 2, 0, num_qubits):
            return i
    return -1


def plan(const int64_t[:, ::1] kinds, const int32_t[::1] kind, const int32_t[::1] start,
         const int32_t[::1] qubits, const int64_t[::1] offset, const double[::1] coefficients,
         int num_qubits, uint64_t live, int lane_bits, int capacity, bint fusion, costs,
         double split_time, cuts=(), bint single=False, int register_bits=0):
    """Returns the plan of a gate run.

    Args:
        kinds: int64, shape (kinds, 6), one row a kind with the fields of `program.Kind`: form,
            targets, controls, control state, pattern, is_real.
        kind, start, qubits, offset: see `program.Gates`.
        coefficients: float64, re, im, re, im, ... of the gates' matrices, row-major; a gate's first
            target is the least significant bit of its rows.
        num_qubits: width of the state, at least `lane_bits` and at most 62.
        live: mask of the qubits that can be other than |0>, bit q for qubit q; 0 for a fresh state.
        lane_bits: lane qubits of the build that will carry the plan out.
        capacity: block qubits beside the lane qubits.
        fusion: False keeps each gate an item of its own.
        costs: ns per amplitude of each structure, see `costs`.
        split_time: ns that it takes to split a dense 4x4 matrix.
        cuts: ascending numbers of gates: before each, all passes so far have done all gates so far
            and no others. They need a state that is not fresh.
        single: whether the plan's coefficients are float32.
        register_bits: register bits of the build; 0 for no register blocks. There are none either
            where cache blocks have fewer bits.

    Raises:
        ValueError: the width is out of bounds, or a gate is malformed.
    """
    cdef Planner p = Planner()
    cdef index room, i
    cdef const int64_t* row
    cdef const double* scalar
    cdef bint fresh = live == 0
    if not lane_bits <= num_qubits <= 62:
        raise ValueError(f"a state of {num_qubits} qubits cannot be planned; it can have "
                         f"{lane_bits} to 62")
    p.num_gates = kind.shape[0]
    cdef index wrong = first_malformed(kinds, kind, start, qubits, offset, coefficients, num_qubits)
    if wrong >= 0:
        raise malformed(wrong, num_qubits)
    if fresh and len(cuts):
        raise ValueError("a plan for a fresh state cannot have cuts")
    p.num_qubits, p.lane_bits, p.capacity, p.fusion = num_qubits, lane_bits, capacity, fusion
    p.merging.diagonal, p.merging.move = costs["diagonal"], costs["move"]
    p.merging.real1, p.merging.dense1 = costs["real1"], costs["dense1"]
    p.merging.real2, p.merging.dense2 = costs["real2"], costs["dense2"]
    p.cost_weyl, p.cost_turn, p.split_time = costs["weyl"], costs["turn"], split_time
    # In smaller blocks what a turn becomes would depend on its angle.
    if fusion and min(capacity, num_qubits - lane_bits) >= register_bits:
        p.register_bits = register_bits
    p.merging.turn = p.cost_turn if p.register_bits else 0
    p.most_scaled = MOST_SCALED_SINGLE if single else MOST_SCALED
    p.most_unfenced = MOST_UNFENCED_SINGLE if single else MOST_UNFENCED
    p.touched = p.live = live
    p.coefficients = &coefficients[0] if coefficients.shape[0] else NULL
    # About what gates need, so that lists seldom move.
    start_list(&p.registers, REGISTERS, (R_FREE + 16 * p.num_gates) * <index>sizeof(double))
    start_list(&p.tape, TAPE, 4 * p.num_gates * <index>sizeof(Step))
    start_list(&p.clusters, CLUSTERS, p.num_gates * <index>sizeof(Cluster) // 2)
    start_list(&p.items, ITEMS, p.num_gates * <index>sizeof(Item) // 2)
    start_list(&p.terms, TERMS, p.num_gates * <index>sizeof(Term))
    start_list(&p.sources, SOURCES, 8 * p.num_gates * <index>sizeof(index))
    start_list(&p.out_ops, OPS, p.num_gates * <index>sizeof(int64_t) * OP_COLUMNS // 2)
    start_list(&p.out_lists, LISTS, p.num_gates * <index>sizeof(int64_t))
    new_registers(p, R_FREE)
    set_constants(<double*>p.registers.data)
    cdef index first = 0, last
    out = Plan()
    out.ends = []
    for last in (*cuts, p.num_gates):
        if not first <= last <= kind.shape[0]:
            raise ValueError(f"a cut before gate {last} of {kind.shape[0]}, behind gate {first}")
        p.num_gates = last - first
        if p.num_gates:
            p.kinds, p.kind, p.start = &kinds[0, 0], &kind[first], &start[first]
            p.offset = &offset[first]
            p.qubits = &qubits[0] if qubits.shape[0] else NULL
        p.clusters.used = p.items.used = p.terms.used = p.order.used = 0
        p.pass_items.used = p.pass_starts.used = 0
        with nogil:
            fuse(p, fresh)
            make_items(p)
            split_dense(p)
            take_turns(p)
            fold_scalar(p, fresh)
            schedule(p)
            lower(p)
        out.ends.append(p.out_passes.used // <index>sizeof(int64_t) // PASS_COLUMNS)
        first = last
    out.passes = ints(&p.out_passes, PASS_COLUMNS)
    out.ops = ints(&p.out_ops, OP_COLUMNS)
    out.lists = ints(&p.out_lists, 0)
    out.recipe = recipe_of(p, coefficients.shape[0] // 2)
    out.coefficients = coefficients_of(out.recipe, <double*>p.registers.data, p.coefficients,
                                       single)
    room = 1
    for i in range(p.out_passes.used // <index>sizeof(int64_t) // PASS_COLUMNS):
        row = <int64_t*>p.out_passes.data + i * PASS_COLUMNS
        if row[PASS_IN_PLACE] == 0:
            room = max(room, <index>1 << row[PASS_BITS])
    out.scratch_reals = ((2 * room + 2 + p.work_vectors) << lane_bits) + 2 * room + 64
    out.max_blocks = 1 << p.max_outer
    out.live = p.live
    scalar = <double*>p.registers.data + R_SCALAR
    out.scalar = complex(scalar[0], scalar[1])
    out.work = p.total_work
    out.gates = len(kind)
    out.fused_gates = p.num_fused
    return out
