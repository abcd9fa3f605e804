# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
# cython: initializedcheck=False, embedsignature=True
"""The loops that touch amplitudes. All of them run without the GIL.

Memory layout
-------------
A state of n qubits is one array of ``2 * 2**n`` reals, cut into pairs of SIMD vectors of W lanes
(W is what one vector register of this build holds: 2, 4 or 8 doubles, twice that of floats)::

    amplitude   0 .. W-1            W .. 2W-1
              +---------+---------+---------+---------+---
              | re x W  | im x W  | re x W  | im x W  | ...
              +---------+---------+---------+---------+---
              '---- pair 0 ------' '---- pair 1 -----'

    index of an amplitude     q(n-1) ............ qL | q(L-1) .. q0        W == 2**L
                              number of its pair     | its lane

So the lowest L qubits are the *lane qubits*, and bit b of a pair's number is qubit L + b. A gate on
higher qubits combines whole vectors; a gate on a lane qubit combines a vector with its own lanes
exchanged (one shuffle). Both cost the same multiplications. Every coefficient is a whole vector,
one value per lane, so whatever depends on a lane qubit only diagonally (a control, a phase) is
folded into the coefficients and costs nothing.

A *pass* goes through the state once, block by block::

    pair number   o o o b b o b b b      b: block bits (local, `a` of them), o: outer bits
                  -> 2**o blocks of 2**a pairs, each gathered into scratch (or used in place,
                     if the block bits are the lowest), all operations applied, scattered

Local bit i of a block is bit ``bits[i]`` of the pair number. Bits that no gate has touched before
the pass (the qubit is still |0>) come last in `bits`: their half is zero and is not read.
"Outer" conditions are constants of a block: they say whether an operation is applied to it.
"""

from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_FromStringAndSize
from libc.stdint cimport int64_t, uint64_t, uintptr_t
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memcpy, memset

ctypedef Py_ssize_t index

include "basicaer/_engine/cython/atomic.pxi"
include "basicaer/_engine/kernels/vectors.pxi"
include "basicaer/_engine/plan/layout.pxi"

cdef enum:
    MAX_FIXED = 64

KERNELS = {
    "dense1": OP_DENSE1,
    "dense1_lane": OP_DENSE1_LANE,
    "dense2": OP_DENSE2,
    "dense2_lane": OP_DENSE2_LANE,
    "dense2_lanes": OP_DENSE2_LANES,
    "real1": OP_REAL1,
    "real1_lane": OP_REAL1_LANE,
    "real2": OP_REAL2,
    "real2_lane": OP_REAL2_LANE,
    "real2_lanes": OP_REAL2_LANES,
    "flip": OP_FLIP,
    "swap": OP_SWAP,
    "phase": OP_PHASE,
    "product": OP_PRODUCT,
    "lookup": OP_LOOKUP,
    "densek": OP_DENSEK,
    "dense5": OP_DENSE5,
    "cross1": OP_CROSS1,
    "cross1_lane": OP_CROSS1_LANE,
    "weyl": OP_WEYL,
    "weyl_lane": OP_WEYL_LANE,
    "weyl_lanes": OP_WEYL_LANES,
}
CPU_LEVEL = ba_level()
LANES = {"double": VD_LANES, "single": VF_LANES}


include "basicaer/_engine/kernels/dense.pxi"
include "basicaer/_engine/kernels/diagonal.pxi"
include "basicaer/_engine/kernels/wide.pxi"


# --- one block ---------------------------------------------------------------------------------

cdef inline void dispatch_fixed(vec* s, const int kind, const int lane0, const int lane1,
                                index count, const int fixed, const int* positions,
                                index offset, index s0, index s1, const vec* c) noexcept nogil:
    """Calls the kernel `kind`, a constant, for 1, 2 or any number of fixed bits."""
    if kind == OP_DENSE1:
        dense1(s, count, fixed, positions, offset, s0, c)
    elif kind == OP_REAL1:
        real1(s, count, fixed, positions, offset, s0, c)
    elif kind == OP_CROSS1:
        cross1(s, count, fixed, positions, offset, s0, c)
    elif kind == OP_CROSS1_LANE:
        cross1_lane(s, count, fixed, positions, offset, lane0, c)
    elif kind == OP_DENSE1_LANE:
        dense1_lane(s, count, fixed, positions, offset, lane0, c)
    elif kind == OP_REAL1_LANE:
        real1_lane(s, count, fixed, positions, offset, lane0, c)
    elif kind == OP_DENSE2:
        dense2(s, count, fixed, positions, offset, s0, s1, c)
    elif kind == OP_REAL2:
        real2(s, count, fixed, positions, offset, s0, s1, c)
    elif kind == OP_DENSE2_LANE:
        dense2_lane(s, count, fixed, positions, offset, lane0, s1, c, False)
    elif kind == OP_REAL2_LANE:
        dense2_lane(s, count, fixed, positions, offset, lane0, s1, c, True)
    elif kind == OP_WEYL:
        weyl(s, count, fixed, positions, offset, s0, s1, c)
    elif kind == OP_WEYL_LANE:
        weyl_lane(s, count, fixed, positions, offset, lane0, s1, c)
    elif kind == OP_WEYL_LANES:
        weyl_lanes(s, count, fixed, positions, offset, lane0, lane1, c)
    elif kind == OP_DENSE2_LANES:
        dense2_lanes(s, count, fixed, positions, offset, lane0, lane1, c, False)
    else:
        dense2_lanes(s, count, fixed, positions, offset, lane0, lane1, c, True)


cdef inline void dispatch(vec* s, const int kind, const int lane0, const int lane1, index count,
                          int fixed, const int* positions, index offset, index s0, index s1,
                          const vec* c) noexcept nogil:
    if fixed == 0:
        dispatch_fixed(s, kind, lane0, lane1, count, 0, positions, offset, s0, s1, c)
    elif fixed == 1:
        dispatch_fixed(s, kind, lane0, lane1, count, 1, positions, offset, s0, s1, c)
    elif fixed == 2:
        dispatch_fixed(s, kind, lane0, lane1, count, 2, positions, offset, s0, s1, c)
    else:
        dispatch_fixed(s, kind, lane0, lane1, count, fixed, positions, offset, s0, s1, c)


cdef inline void dispatch_lane(vec* s, const int kind, int lane, index count, int fixed,
                               const int* positions, index offset, index s1,
                               const vec* c) noexcept nogil:
    if lane == 0:
        dispatch(s, kind, 0, 0, count, fixed, positions, offset, 0, s1, c)
    elif lane == 1:
        dispatch(s, kind, 1, 0, count, fixed, positions, offset, 0, s1, c)
    elif lane == 2:
        dispatch(s, kind, 2, 0, count, fixed, positions, offset, 0, s1, c)
    else:
        dispatch(s, kind, 3, 0, count, fixed, positions, offset, 0, s1, c)


cdef inline void dispatch_lanes(vec* s, const int kind, int lane0, int lane1, index count,
                                int fixed, const int* positions, index offset,
                                const vec* c) noexcept nogil:
    cdef int both = lane0 * 4 + lane1
    if both == 1:
        dispatch_fixed(s, kind, 0, 1, count, fixed, positions, offset, 0, 0, c)
    elif both == 2:
        dispatch_fixed(s, kind, 0, 2, count, fixed, positions, offset, 0, 0, c)
    elif both == 3:
        dispatch_fixed(s, kind, 0, 3, count, fixed, positions, offset, 0, 0, c)
    elif both == 6:
        dispatch_fixed(s, kind, 1, 2, count, fixed, positions, offset, 0, 0, c)
    elif both == 7:
        dispatch_fixed(s, kind, 1, 3, count, fixed, positions, offset, 0, 0, c)
    else:
        dispatch_fixed(s, kind, 2, 3, count, fixed, positions, offset, 0, 0, c)


cdef void apply_operation(vec* s, const int64_t* op, index base, const vec* coefficients,
                          int lanes, int lane_bits, const int64_t* lists, vec* work) noexcept nogil:
    cdef int kind = op[COL_KIND], t0 = op[COL_T0], t1 = op[COL_T1], live = op[COL_LIVE]
    cdef index control = op[COL_CONTROL], offset = op[COL_CONTROL_VALUE], mask, count
    cdef int positions[MAX_FIXED]
    cdef int fixed
    cdef const vec* c = coefficients + op[COL_COEFFICIENT] // lanes
    cdef const int64_t* at = lists + op[COL_LIST]
    if (base & op[COL_OUTER]) != op[COL_OUTER_VALUE]:
        return
    mask = control
    if kind == OP_DENSE1 or kind == OP_REAL1 or kind == OP_CROSS1 or kind == OP_FLIP:
        mask |= <index>1 << t0
    elif kind == OP_DENSE2 or kind == OP_REAL2 or kind == OP_WEYL or kind == OP_SWAP:
        mask |= (<index>1 << t0) | (<index>1 << t1)
    elif kind == OP_DENSE2_LANE or kind == OP_REAL2_LANE or kind == OP_WEYL_LANE:
        mask |= <index>1 << t1
    elif kind == OP_DENSE5:
        for fixed in range(<int>op[COL_COUNT]):
            mask |= <index>1 << at[fixed]
    if kind == OP_DENSEK:
        if vec is vd:
            densek(<double*>s, lane_bits, live, control, offset, at, op[COL_COUNT],
                   <const double*>c, <double*>work)
        else:
            densek(<float*>s, lane_bits, live, control, offset, at, op[COL_COUNT],
                   <const float*>c, <float*>work)
        return
    fixed = sorted_bits(mask, positions)
    count = (<index>1 << live) >> fixed
    if kind == OP_DENSE1:
        dispatch(s, OP_DENSE1, 0, 0, count, fixed, positions, offset, <index>1 << t0, 0, c)
    elif kind == OP_REAL1:
        dispatch(s, OP_REAL1, 0, 0, count, fixed, positions, offset, <index>1 << t0, 0, c)
    elif kind == OP_CROSS1:
        dispatch(s, OP_CROSS1, 0, 0, count, fixed, positions, offset, <index>1 << t0, 0, c)
    elif kind == OP_CROSS1_LANE:
        dispatch_lane(s, OP_CROSS1_LANE, t0, count, fixed, positions, offset, 0, c)
    elif kind == OP_DENSE2:
        dispatch(s, OP_DENSE2, 0, 0, count, fixed, positions, offset, <index>1 << t0,
                 <index>1 << t1, c)
    elif kind == OP_REAL2:
        dispatch(s, OP_REAL2, 0, 0, count, fixed, positions, offset, <index>1 << t0,
                 <index>1 << t1, c)
    elif kind == OP_WEYL:
        dispatch(s, OP_WEYL, 0, 0, count, fixed, positions, offset, <index>1 << t0,
                 <index>1 << t1, c)
    elif kind == OP_WEYL_LANE:
        dispatch_lane(s, OP_WEYL_LANE, t0, count, fixed, positions, offset, <index>1 << t1, c)
    elif kind == OP_WEYL_LANES:
        dispatch_lanes(s, OP_WEYL_LANES, t0, t1, count, fixed, positions, offset, c)
    elif kind == OP_DENSE1_LANE:
        dispatch_lane(s, OP_DENSE1_LANE, t0, count, fixed, positions, offset, 0, c)
    elif kind == OP_REAL1_LANE:
        dispatch_lane(s, OP_REAL1_LANE, t0, count, fixed, positions, offset, 0, c)
    elif kind == OP_DENSE2_LANE:
        dispatch_lane(s, OP_DENSE2_LANE, t0, count, fixed, positions, offset, <index>1 << t1, c)
    elif kind == OP_REAL2_LANE:
        dispatch_lane(s, OP_REAL2_LANE, t0, count, fixed, positions, offset, <index>1 << t1, c)
    elif kind == OP_DENSE2_LANES:
        dispatch_lanes(s, OP_DENSE2_LANES, t0, t1, count, fixed, positions, offset, c)
    elif kind == OP_REAL2_LANES:
        dispatch_lanes(s, OP_REAL2_LANES, t0, t1, count, fixed, positions, offset, c)
    elif kind == OP_FLIP:
        if fixed == 1:
            swap_pairs(s, count, 1, positions, offset, offset + (<index>1 << t0))
        else:
            swap_pairs(s, count, fixed, positions, offset, offset + (<index>1 << t0))
    elif kind == OP_SWAP:
        swap_pairs(s, count, fixed, positions, offset + (<index>1 << t0),
                   offset + (<index>1 << t1))
    elif kind == OP_PHASE:
        phase(s, count, fixed, positions, offset, c[0], c[1])
    elif kind == OP_PRODUCT:
        product(s, live, control, offset, at, op[COL_COUNT], base, coefficients, lanes, work)
    elif kind == OP_DENSE5:
        dense5(s, count, fixed, positions, offset, at, op[COL_COUNT], t0, c, work)
    elif kind == OP_LOOKUP:
        lookup(s, live, control, offset, at, op[COL_COUNT], base, c)


cdef void apply_block(vec* state, index number, const int64_t* row, const int64_t* ops,
                      const vec* coefficients, int lanes, int lane_bits, const int64_t* lists,
                      vec* block, const int64_t* offsets, vec* work, int64_t* flags,
                      bint dirty) noexcept nogil:
    cdef int i, a = row[PASS_BITS], live = row[PASS_LIVE], run = row[PASS_RUN]
    cdef const int64_t* outer = lists + row[PASS_OUTER_AT]
    cdef index base = 0, x, chunk = <index>1 << run, pieces
    cdef index bytes = 2 * chunk * sizeof(vec)
    cdef int64_t operation
    cdef vec* s
    for i in range(<int>row[PASS_OUTER]):
        if (number >> i) & 1:
            base |= <index>1 << outer[i]
    if row[PASS_IN_PLACE]:
        s = state + 2 * base
        if dirty and row[PASS_CLEAN] >= 0:
            for x in range(<index>1 << a):
                if x & ~row[PASS_CLEAN]:
                    memset(s + 2 * x, 0, 2 * sizeof(vec))
    else:
        s = block
        if live < run:
            memcpy(s, state + 2 * base, 2 * (<index>1 << live) * sizeof(vec))
        else:
            pieces = <index>1 << (live - run)
            for x in range(pieces):
                memcpy(s + 2 * chunk * x, state + 2 * (base + offsets[x]), bytes)
        memset(s + 2 * (<index>1 << live), 0,
               2 * ((<index>1 << a) - (<index>1 << live)) * sizeof(vec))
    for operation in range(row[PASS_FIRST], row[PASS_LAST]):
        if flags[0]:
            return
        apply_operation(s, ops + operation * OP_COLUMNS, base, coefficients, lanes, lane_bits,
                        lists, work)
    if not row[PASS_IN_PLACE]:
        for x in range(<index>1 << (a - run)):
            memcpy(state + 2 * (base + offsets[x]), s + 2 * chunk * x, bytes)


cdef void apply_passes(vec* state, const int64_t* passes, index num_passes, const int64_t* ops,
                       const vec* coefficients, int lanes, int lane_bits, const int64_t* lists,
                       int64_t* sync, int64_t* flags, vec* block, int64_t* offsets,
                       vec* work, bint dirty) noexcept nogil:
    """What each thread runs. Blocks are handed out by counters: ``sync[2 p]`` is the next block of
    pass p, ``sync[2 p + 1]`` the number of finished ones, and nobody starts pass p + 1 before all
    of pass p are. So a thread may join late, or never."""
    cdef index p, number, num_blocks, size, x
    cdef int i, spins, run, a
    cdef const int64_t* row
    cdef const int64_t* bits
    for p in range(num_passes):
        row = passes + p * PASS_COLUMNS
        num_blocks = <index>1 << row[PASS_OUTER]
        if not row[PASS_IN_PLACE] and ba_load(sync + 2 * p) < num_blocks:
            bits = lists + row[PASS_BITS_AT]
            run = row[PASS_RUN]
            a = row[PASS_BITS]
            offsets[0] = 0
            size = 1
            for i in range(run, a):
                for x in range(size):
                    offsets[size + x] = offsets[x] + (<int64_t>1 << bits[i])
                size *= 2
        while True:
            number = ba_add(sync + 2 * p, 1)
            if number >= num_blocks or flags[0]:
                break
            apply_block(state, number, row, ops, coefficients, lanes, lane_bits, lists, block,
                        offsets, work, flags, dirty)
            ba_add(flags + 1, row[PASS_WORK])
            ba_add(sync + 2 * p + 1, 1)
        spins = 0
        while ba_load(sync + 2 * p + 1) < num_blocks:
            if flags[0]:
                return
            spins += 1
            if spins < 2000:
                BA_PAUSE()
            else:
                BA_YIELD()


cdef inline char* align(char* memory) noexcept nogil:
    return memory + (64 - <uintptr_t>memory % 64) % 64


cdef class Executable:
    """A plan, ready to be run on any number of states, at once and by any number of threads.

    Args:
        passes: int64, one row a pass, see the PASS_ columns.
        ops: int64, one row an operation, see the COL_ columns.
        lists: int64, the lists that passes and operations point into.
        coefficients: vectors of lanes, aligned; float64 or float32, which says the precision.
        scratch_reals: what a thread needs: a block, the offsets of its pieces, work space.
    """

    cdef const int64_t[:, ::1] passes
    cdef const int64_t[:, ::1] ops
    cdef const int64_t[::1] lists
    cdef const double[::1] doubles
    cdef const float[::1] floats
    cdef bint single
    cdef index scratch_bytes
    cdef index room

    def __init__(self, passes, ops, lists, coefficients, index scratch_reals):
        cdef index p
        self.single = coefficients.dtype.itemsize == 4
        if self.single:
            self.floats = coefficients
        else:
            self.doubles = coefficients
        self.passes = passes
        self.ops = ops
        self.lists = lists
        self.scratch_bytes = scratch_reals * (4 if self.single else 8)
        self.room = 1
        for p in range(self.passes.shape[0]):
            if self.passes[p, PASS_IN_PLACE] == 0:
                self.room = max(self.room, <index>1 << self.passes[p, PASS_BITS])

    def start(self, index count, double re, double im, int64_t[::1] flags):
        """Runs all passes on a fresh state of its own, on this thread: for small states.

        Args:
            count: reals of the state.
            re, im: the amplitude of |0...0>.
            flags: as for `run`.

        Returns:
            The memory of the state, a bytearray, and at which byte the state begins.
        """
        cdef int lanes = VF_LANES if self.single else VD_LANES
        cdef index size = count * (4 if self.single else 8), skip
        cdef bytearray memory = PyByteArray_FromStringAndSize(NULL, size + 64)
        cdef char* data = PyByteArray_AS_STRING(memory)
        cdef char* scratch = <char*>malloc(self.scratch_bytes + 64)
        cdef int64_t* sync = <int64_t*>calloc(2 * self.passes.shape[0] + 1, sizeof(int64_t))
        if scratch == NULL or sync == NULL:
            free(scratch)
            free(sync)
            raise MemoryError("no memory left for a thread's scratch")
        skip = (64 - <uintptr_t>data % 64) % 64
        data += skip
        with nogil:
            memset(data, 0, size)
            if self.single:
                (<float*>data)[0] = <float>re
                (<float*>data)[lanes] = <float>im
                if self.passes.shape[0]:
                    run_vectors[vf](self, <vf*>data, <const vf*>&self.floats[0], VF_LANES,
                                    &flags[0], sync, <vf*>align(scratch), False)
            else:
                (<double*>data)[0] = re
                (<double*>data)[lanes] = im
                if self.passes.shape[0]:
                    run_vectors[vd](self, <vd*>data, <const vd*>&self.doubles[0], VD_LANES,
                                    &flags[0], sync, <vd*>align(scratch), False)
            free(scratch)
            free(sync)
        return memory, skip

    def run(self, state, int64_t[::1] flags, int64_t[::1] sync, bint dirty):
        """Runs all passes, together with whoever else calls this with the same `sync`.

        Args:
            state: the amplitudes, shape (2 * 2**n,), in lane layout, aligned to a vector.
            flags: flags[0] != 0 cancels, flags[1] counts amplitude-gates.
            sync: zeros at the start, two for each pass; shared by the threads of this run.
            dirty: whether memory that no live amplitude is in may hold anything but zeros.

        Raises:
            MemoryError: if there is none left for this thread's scratch.
        """
        cdef double[::1] doubles
        cdef float[::1] floats
        cdef char* scratch
        if self.passes.shape[0] == 0:
            return
        if self.single:
            floats = state
        else:
            doubles = state
        scratch = <char*>malloc(self.scratch_bytes + 64)
        if scratch == NULL:
            raise MemoryError("no memory left for a thread's scratch")
        with nogil:
            if self.single:
                run_vectors[vf](self, <vf*>&floats[0], <const vf*>&self.floats[0], VF_LANES,
                                &flags[0], &sync[0], <vf*>align(scratch), dirty)
            else:
                run_vectors[vd](self, <vd*>&doubles[0], <const vd*>&self.doubles[0], VD_LANES,
                                &flags[0], &sync[0], <vd*>align(scratch), dirty)
            free(scratch)


cdef void run_vectors(Executable e, vec* state, const vec* coefficients, int lanes,
                      int64_t* flags, int64_t* sync, vec* scratch, bint dirty) noexcept nogil:
    apply_passes(state, &e.passes[0, 0], e.passes.shape[0], &e.ops[0, 0], coefficients, lanes,
                 log2_of(lanes), &e.lists[0], sync, flags, scratch,
                 <int64_t*>(scratch + 2 * e.room),
                 scratch + 2 * e.room + 1 + e.room * <index>sizeof(int64_t) // <index>sizeof(vec),
                 dirty)


cdef inline int log2_of(int x) noexcept nogil:
    cdef int bits = 0
    while x > 1:
        x >>= 1
        bits += 1
    return bits


include "basicaer/_engine/kernels/whole.pxi"
include "basicaer/_engine/kernels/sums.pxi"
