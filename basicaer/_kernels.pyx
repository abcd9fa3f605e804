# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
# cython: initializedcheck=False
"""The loops that touch amplitudes. None of them holds the GIL.

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
                              '---'  the lowest local bits are the lowest bits of the pair number:
                                     PASS_CONTIGUOUS of them, 3 here; so 2**3 pairs lie together
                  -> a block of 2**a pairs for each value of the outer bits, gathered into scratch
                     (or used in place, if the block bits are the lowest), all operations applied,
                     written back

Local bit i of a block is bit ``bits[i]`` of the pair number. Bits that no gate has touched before
the pass (the qubit is still |0>) come last in `bits`: their half is zero and is not read.
Conditions on outer bits say for a whole block whether an operation is applied to it.

A kernel goes through a block in *sets*: the 2**k pairs that differ in its k targets only, of those
pairs in which its controls are as they must be. Targets and controls are its *fixed* bits::

    pair of set j    j's bits with zeros put in at the `positions` of the fixed bits (`expand`)
                     + `offset`, the controls that must be 1
                     + `stride` of each target that is 1

Columns of the arrays that describe passes and operations: layout.pxi.
"""

from cython cimport embedsignature
from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_FromStringAndSize
from libc.math cimport fabs
from libc.stdint cimport int32_t, int64_t, uint64_t, uintptr_t
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memcpy, memset

ctypedef Py_ssize_t index

include "basicaer/_engine/cython/atomic.pxi"
include "basicaer/_engine/cython/gate_check.pxi"
include "basicaer/_engine/kernels/vectors.pxi"
include "basicaer/_engine/plan/layout.pxi"

# The kernels by their names, and their numbers in a plan (layout.pxi).
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
    "dense6up": OP_DENSE6UP,
    "dense3to5": OP_DENSE3TO5,
    "cross1": OP_CROSS1,
    "cross1_lane": OP_CROSS1_LANE,
    "weyl": OP_WEYL,
    "weyl_lane": OP_WEYL_LANE,
    "weyl_lanes": OP_WEYL_LANES,
    "registers": OP_REGISTERS,
}
# What this processor can do (0 baseline, 1 AVX2, 2 AVX-512), and the lanes of this build's vectors.
CPU_LEVEL = ba_level()
LANES = {"double": VD_LANES, "single": VF_LANES}


include "basicaer/_engine/kernels/dense.pxi"
include "basicaer/_engine/kernels/diagonal.pxi"
include "basicaer/_engine/kernels/wide.pxi"
include "basicaer/_engine/kernels/registers.pxi"
include "basicaer/_engine/kernels/block.pxi"

# How many register bits a REGISTERS has in this build.
REGISTER_BITS = BA_REGISTER_BITS


cdef void apply_passes(vec* state, const int64_t* passes, index num_passes, const int64_t* ops,
                       const vec* coefficients, int lanes, int lane_bits, const int64_t* lists,
                       int64_t* sync, int64_t* flags, vec* block, int64_t* offsets,
                       vec* work, bint dirty) noexcept nogil:
    """Applies all passes, together with the other threads that do.

    Blocks are handed out by counters: ``sync[2 p]`` is the next block of pass p, ``sync[2 p + 1]``
    the number of finished ones. No thread starts pass p + 1 before all blocks of pass p are
    finished, so a thread may join late, or never.
    """
    cdef index p, number, num_blocks, size, x
    cdef int i, spins, low, a
    cdef const int64_t* row
    cdef const int64_t* bits
    for p in range(num_passes):
        row = passes + p * PASS_COLUMNS
        num_blocks = <index>1 << row[PASS_OUTER]
        if not row[PASS_IN_PLACE] and ba_load(sync + 2 * p) < num_blocks:
            bits = lists + row[PASS_BITS_AT]
            low = row[PASS_CONTIGUOUS]
            a = row[PASS_BITS]
            offsets[0] = 0
            size = 1
            for i in range(low, a):
                for x in range(size):
                    offsets[size + x] = offsets[x] + (<int64_t>1 << bits[i])
                size *= 2
        while True:
            number = ba_add(sync + 2 * p, 1)
            if number >= num_blocks or flags[FLAG_STOP]:
                break
            apply_block(state, number, row, ops, coefficients, lanes, lane_bits, lists, block,
                        offsets, work, flags, dirty)
            ba_add(flags + FLAG_DONE, row[PASS_WORK])
            ba_add(sync + 2 * p + 1, 1)
        spins = 0
        while ba_load(sync + 2 * p + 1) < num_blocks:
            if flags[FLAG_STOP]:
                return
            spins += 1
            if spins < 2000:
                BA_PAUSE()
            else:
                BA_YIELD()


cdef inline char* align(char* memory) noexcept nogil:
    """The first cache line that begins in `memory`."""
    return memory + (64 - <uintptr_t>memory % 64) % 64


@embedsignature(True)
cdef class Executable:
    """A plan, ready to be applied to any number of states, at once and by any number of threads.

    Args:
        passes: int64, one row a pass, see the PASS_ columns of layout.pxi.
        ops: int64, one row an operation, see its COL_ columns.
        lists: int64, one-dimensional: the lists that passes and operations point into.
        coefficients: vectors of lanes, aligned to a cache line, float64 or float32: the precision
            of the states.
        scratch_reals: what a thread needs, in reals of that precision: a block, the offsets of its
            pieces, work space.
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
        """Applies the plan to a fresh state of its own, on this thread: for short plans.

        Args:
            count: reals of the state, 2 * 2**n.
            re, im: the amplitude of |0...0>.
            flags: as for `run`.

        Returns:
            The memory of the state, a bytearray, and at which byte of it the state begins.
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
                    apply_plan[vf](self, <vf*>data, <const vf*>&self.floats[0], VF_LANES,
                                    &flags[0], sync, <vf*>align(scratch), False)
            else:
                (<double*>data)[0] = re
                (<double*>data)[lanes] = im
                if self.passes.shape[0]:
                    apply_plan[vd](self, <vd*>data, <const vd*>&self.doubles[0], VD_LANES,
                                    &flags[0], sync, <vd*>align(scratch), False)
            free(scratch)
            free(sync)
        return memory, skip

    def run(self, state, int64_t[::1] flags, int64_t[::1] sync, bint dirty):
        """Applies the plan to a state, with the other threads that call this with the same `sync`.

        Args:
            state: the amplitudes, shape (2 * 2**n,), in lane layout, aligned to a vector.
            flags: of the job, see `control.Control`.
            sync: int64, two for each pass, zeros at the start; shared by these threads.
            dirty: whether memory outside the live amplitudes may hold anything but zeros.

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
                apply_plan[vf](self, <vf*>&floats[0], <const vf*>&self.floats[0], VF_LANES,
                                &flags[0], &sync[0], <vf*>align(scratch), dirty)
            else:
                apply_plan[vd](self, <vd*>&doubles[0], <const vd*>&self.doubles[0], VD_LANES,
                                &flags[0], &sync[0], <vd*>align(scratch), dirty)
            free(scratch)


cdef void apply_plan(Executable e, vec* state, const vec* coefficients, int lanes,
                      int64_t* flags, int64_t* sync, vec* scratch, bint dirty) noexcept nogil:
    """Applies a plan; scratch | block: 2 * room vectors | offsets: room int64 | work |."""
    apply_passes(state, &e.passes[0, 0], e.passes.shape[0], &e.ops[0, 0], coefficients, lanes,
                 log2_of(lanes), &e.lists[0], sync, flags, scratch,
                 <int64_t*>(scratch + 2 * e.room),
                 scratch + 2 * e.room + 1 + e.room * <index>sizeof(int64_t) // <index>sizeof(vec),
                 dirty)


cdef inline int log2_of(int x) noexcept nogil:
    """x is a power of two."""
    cdef int bits = 0
    while x > 1:
        x >>= 1
        bits += 1
    return bits


include "basicaer/_engine/plan/algebra/merging.pxi"
include "basicaer/_engine/plan/algebra/products.pxi"
include "basicaer/_engine/kernels/at_once.pxi"
include "basicaer/_engine/kernels/factors.pxi"
include "basicaer/_engine/kernels/direct.pxi"

DIRECT_MOST_QUBITS = DIRECT_QUBITS

include "basicaer/_engine/kernels/whole.pxi"
include "basicaer/_engine/kernels/sums.pxi"
include "basicaer/_engine/kernels/paulis.pxi"
include "basicaer/_engine/kernels/adjoint.pxi"
