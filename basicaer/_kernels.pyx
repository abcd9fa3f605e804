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

from libc.stdint cimport int64_t, uint64_t, uintptr_t
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memcpy, memset

cdef extern from "Python.h":
    bytearray PyByteArray_FromStringAndSize(const char*, Py_ssize_t)
    char* PyByteArray_AS_STRING(bytearray)

cdef extern from *:
    """
    #include <stdint.h>
    #if defined(__GNUC__) || defined(__clang__)
      #define BA_VECTORS 1
    #else
      #define BA_VECTORS 0
    #endif

    /* Vector types of this build, and the exchange of lanes l and l ^ 2**bit. Without the
       vector extensions of gcc and clang one "vector" is one number. */
    #if BA_VECTORS
      #if defined(__AVX512F__)
        #define BA_BYTES 64
      #elif defined(__AVX__)
        #define BA_BYTES 32
      #else
        #define BA_BYTES 16
      #endif
      typedef double vd __attribute__((vector_size(BA_BYTES)));
      typedef float vf __attribute__((vector_size(BA_BYTES)));
      typedef int64_t vdi __attribute__((vector_size(BA_BYTES)));
      typedef int32_t vfi __attribute__((vector_size(BA_BYTES)));
      #define VD_LANES (BA_BYTES / 8)
      #define VF_LANES (BA_BYTES / 4)
      #if defined(__clang__)
        #define BA_PICK_D(x, ...) __builtin_shufflevector(x, x, __VA_ARGS__)
        #define BA_PICK_F(x, ...) __builtin_shufflevector(x, x, __VA_ARGS__)
        #define BA_MIX_D(x, y, ...) __builtin_shufflevector(x, y, __VA_ARGS__)
        #define BA_MIX_F(x, y, ...) __builtin_shufflevector(x, y, __VA_ARGS__)
      #else
        #define BA_PICK_D(x, ...) __builtin_shuffle(x, (vdi){__VA_ARGS__})
        #define BA_PICK_F(x, ...) __builtin_shuffle(x, (vfi){__VA_ARGS__})
        #define BA_MIX_D(x, y, ...) __builtin_shuffle(x, y, (vdi){__VA_ARGS__})
        #define BA_MIX_F(x, y, ...) __builtin_shuffle(x, y, (vfi){__VA_ARGS__})
      #endif
      #if BA_BYTES == 64
        static inline vd vd_exchange(vd x, int bit) {
          return bit == 0 ? BA_PICK_D(x, 1, 0, 3, 2, 5, 4, 7, 6)
               : bit == 1 ? BA_PICK_D(x, 2, 3, 0, 1, 6, 7, 4, 5)
                          : BA_PICK_D(x, 4, 5, 6, 7, 0, 1, 2, 3); }
        static inline vf vf_exchange(vf x, int bit) {
          return bit == 0 ? BA_PICK_F(x, 1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14)
               : bit == 1 ? BA_PICK_F(x, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13)
               : bit == 2 ? BA_PICK_F(x, 4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11)
                          : BA_PICK_F(x, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7); }
      #elif BA_BYTES == 32
        static inline vd vd_exchange(vd x, int bit) {
          return bit == 0 ? BA_PICK_D(x, 1, 0, 3, 2) : BA_PICK_D(x, 2, 3, 0, 1); }
        static inline vf vf_exchange(vf x, int bit) {
          return bit == 0 ? BA_PICK_F(x, 1, 0, 3, 2, 5, 4, 7, 6)
               : bit == 1 ? BA_PICK_F(x, 2, 3, 0, 1, 6, 7, 4, 5)
                          : BA_PICK_F(x, 4, 5, 6, 7, 0, 1, 2, 3); }
      #else
        static inline vd vd_exchange(vd x, int bit) { (void)bit; return BA_PICK_D(x, 1, 0); }
        static inline vf vf_exchange(vf x, int bit) {
          return bit == 0 ? BA_PICK_F(x, 1, 0, 3, 2) : BA_PICK_F(x, 2, 3, 0, 1); }
      #endif
      static inline vd vd_all(double x) { vd y = {0}; return y + x; }
      static inline vf vf_all(float x) { vf y = {0}; return y + x; }
      /* re and im by turns: the lower lanes of both, then the upper ones. */
      #if BA_BYTES == 64
        static inline void vd_zip(vd *p) { vd r = p[0], i = p[1];
          p[0] = BA_MIX_D(r, i, 0, 8, 1, 9, 2, 10, 3, 11);
          p[1] = BA_MIX_D(r, i, 4, 12, 5, 13, 6, 14, 7, 15); }
        static inline void vf_zip(vf *p) { vf r = p[0], i = p[1];
          p[0] = BA_MIX_F(r, i, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
          p[1] = BA_MIX_F(r, i, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31); }
      #elif BA_BYTES == 32
        static inline void vd_zip(vd *p) { vd r = p[0], i = p[1];
          p[0] = BA_MIX_D(r, i, 0, 4, 1, 5); p[1] = BA_MIX_D(r, i, 2, 6, 3, 7); }
        static inline void vf_zip(vf *p) { vf r = p[0], i = p[1];
          p[0] = BA_MIX_F(r, i, 0, 8, 1, 9, 2, 10, 3, 11);
          p[1] = BA_MIX_F(r, i, 4, 12, 5, 13, 6, 14, 7, 15); }
      #else
        static inline void vd_zip(vd *p) { vd r = p[0], i = p[1];
          p[0] = BA_MIX_D(r, i, 0, 2); p[1] = BA_MIX_D(r, i, 1, 3); }
        static inline void vf_zip(vf *p) { vf r = p[0], i = p[1];
          p[0] = BA_MIX_F(r, i, 0, 4, 1, 5); p[1] = BA_MIX_F(r, i, 2, 6, 3, 7); }
      #endif
      /* Zeros where the square of the absolute value is below `square`. */
      static inline void vd_chop(vd *p, double square) {
        vdi keep = ~(p[0] * p[0] + p[1] * p[1] < vd_all(square));
        p[0] = (vd)((vdi)p[0] & keep); p[1] = (vd)((vdi)p[1] & keep); }
      static inline void vf_chop(vf *p, float square) {
        vfi keep = ~(p[0] * p[0] + p[1] * p[1] < vf_all(square));
        p[0] = (vf)((vfi)p[0] & keep); p[1] = (vf)((vfi)p[1] & keep); }
      /* What the processor can run: 0 the baseline, 1 AVX2 and FMA, 2 AVX-512. */
      static int ba_level(void) {
      #if defined(__x86_64__)
        __builtin_cpu_init();
        if (!(__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")
              && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2")))
          return 0;
        if (!(__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw")
              && __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq")
              && __builtin_cpu_supports("avx512vl")))
          return 1;
        return 2;
      #else
        return 0;
      #endif
      }
    #else
      typedef double vd;
      typedef float vf;
      #define VD_LANES 1
      #define VF_LANES 1
      static __inline vd vd_exchange(vd x, int bit) { (void)bit; return x; }
      static __inline vf vf_exchange(vf x, int bit) { (void)bit; return x; }
      static int ba_level(void) { return 0; }
      static __inline vd vd_all(double x) { return x; }
      static __inline vf vf_all(float x) { return x; }
      static __inline void vd_zip(vd *p) { (void)p; }
      static __inline void vf_zip(vf *p) { (void)p; }
      static __inline void vd_chop(vd *p, double square) {
        if (p[0] * p[0] + p[1] * p[1] < square) p[0] = p[1] = 0; }
      static __inline void vf_chop(vf *p, float square) {
        if (p[0] * p[0] + p[1] * p[1] < square) p[0] = p[1] = 0; }
    #endif
    """
    ctypedef double vd
    ctypedef float vf
    const int VD_LANES
    const int VF_LANES
    vd vd_exchange(vd, int) noexcept nogil
    vf vf_exchange(vf, int) noexcept nogil
    int ba_level() noexcept nogil
    vd vd_all(double) noexcept nogil
    vf vf_all(float) noexcept nogil
    void vd_zip(vd*) noexcept nogil
    void vf_zip(vf*) noexcept nogil
    void vd_chop(vd*, double) noexcept nogil
    void vf_chop(vf*, float) noexcept nogil

include "_atomic.pxi"

ctypedef Py_ssize_t index

ctypedef fused vec:
    vd
    vf

ctypedef fused real:
    double
    float

# Kinds of operation inside a block. The planner and the tests read them from KERNELS below.
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

# Columns of an operation's row.
cdef enum:
    COL_KIND = 0
    COL_T0 = 1            # first target: local bit, or lane bit where the kernel says LANE;
                          # DENSE5: mask of the lane qubits among the targets
    COL_T1 = 2            # second target, above the first
    COL_LIVE = 3          # local bits that can be non-zero: only the first 2**live pairs count
    COL_CONTROL = 4       # local bits that are controls, as a mask
    COL_CONTROL_VALUE = 5
    COL_OUTER = 6         # bits of the pair number outside the block that are controls
    COL_OUTER_VALUE = 7
    COL_COEFFICIENT = 8   # where the coefficients start, counted in reals
    COL_LIST = 9          # where the operation's list starts (PRODUCT: terms; others: bits)
    COL_COUNT = 10        # its length
    OP_COLUMNS = 11

# Columns of a pass's row.
cdef enum:
    PASS_FIRST = 0
    PASS_LAST = 1
    PASS_BITS = 2         # a
    PASS_BITS_AT = 3      # where they are in the list of bits
    PASS_OUTER = 4
    PASS_OUTER_AT = 5
    PASS_LIVE = 6         # local bits that are live before the pass
    PASS_IN_PLACE = 7
    PASS_RUN = 8          # the lowest local bits that are the lowest bits of the pair number
    PASS_WORK = 9         # amplitude-gates of a block, for the progress
    PASS_CLEAN = 10       # in place: the local bits that are live before, or -1 if all are
    PASS_COLUMNS = 11

# Columns of a term of a PRODUCT.
cdef enum:
    TERM_OUTER = 0        # outer bits that must all be 1
    TERM_TARGET = 1       # local bit, or -1: every amplitude
    TERM_COEFFICIENT = 2
    TERM_COLUMNS = 3

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


# --- indices -----------------------------------------------------------------------------------

cdef inline index insert_zero(index j, int bit) noexcept nogil:
    """`j` with a zero put in at position `bit`."""
    cdef index low = j & ((<index>1 << bit) - 1)
    return ((j ^ low) << 1) | low


cdef inline index expand(index j, const int fixed, const int* positions) noexcept nogil:
    """`j` with zeros put in at the ascending `positions`."""
    cdef int i
    for i in range(fixed):
        j = insert_zero(j, positions[i])
    return j


cdef int sorted_bits(index mask, int* positions) noexcept nogil:
    cdef int count = 0, bit = 0
    while mask >> bit:
        if (mask >> bit) & 1:
            positions[count] = bit
            count += 1
        bit += 1
    return count


cdef inline vec exchange(vec x, const int bit) noexcept nogil:
    """Lane l of the result is lane ``l ^ 2**bit`` of `x`."""
    if vec is vd:
        return vd_exchange(x, bit)
    else:
        return vf_exchange(x, bit)


cdef inline vec splat(vec like, double x) noexcept nogil:
    """A vector of the type of `like`, `x` in each lane."""
    if vec is vd:
        return vd_all(x)
    else:
        return vf_all(x)


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


# --- diagonal ----------------------------------------------------------------------------------

cdef inline void phase(vec* s, index count, const int fixed, const int* positions, index offset,
                       vec cr, vec ci) noexcept nogil:
    cdef index j
    cdef vec ar, ai
    cdef vec* p
    for j in range(count):
        p = s + 2 * (expand(j, fixed, positions) + offset)
        ar = p[0]; ai = p[1]
        p[0] = cr * ar - ci * ai
        p[1] = cr * ai + ci * ar


cdef index fill_product(vec* table, const vec* first, const vec* factors, const int* free_bits,
                        int begin, int end) noexcept nogil:
    """table[x] = first * prod of factors[free_bits[begin + i]] over the bits i of x. Its length."""
    cdef index size = 1, x
    cdef int i
    cdef vec fr, fi
    cdef vec* p
    cdef vec* q
    table[0] = first[0]
    table[1] = first[1]
    for i in range(begin, end):
        fr = factors[2 * free_bits[i]]
        fi = factors[2 * free_bits[i] + 1]
        for x in range(size):
            p = table + 2 * x
            q = table + 2 * (x + size)
            q[0] = p[0] * fr - p[1] * fi
            q[1] = p[0] * fi + p[1] * fr
        size *= 2
    return size


cdef void product(vec* s, int live, index control, index control_value, const int64_t* terms,
                  index num_terms, index base, const vec* coefficients, index lanes,
                  vec* work) noexcept nogil:
    """Multiplies the amplitudes under the controls by a product of one factor per local bit.

    The factors depend on the block: a term counts where its outer bits are all 1. The products are
    looked up in two tables, one for the lower half of the free bits and one for the upper.
    `work` has room for 65 pairs and for both tables.
    """
    cdef vec* factors = work                 # one pair a local bit
    cdef vec* one = work + 2 * MAX_FIXED     # the factor of every amplitude
    cdef vec* low
    cdef vec* high
    cdef int positions[MAX_FIXED]
    cdef int free_bits[MAX_FIXED]
    cdef int fixed, count = 0, i, half
    cdef bint applies = False
    cdef index t, x, y, num_low, num_high, at
    cdef int64_t target
    cdef int64_t used = 0
    cdef const vec* c
    cdef const int64_t* term
    cdef vec* p
    cdef vec fr, fi, hr, hi, wr, wi, ar, ai
    wr = splat(one[0], 1)
    wi = splat(one[0], 0)
    one[0] = wr
    one[1] = wi
    for t in range(num_terms):
        term = terms + t * TERM_COLUMNS
        if (base & term[TERM_OUTER]) != term[TERM_OUTER]:
            continue
        applies = True
        target = term[TERM_TARGET]
        c = coefficients + term[TERM_COEFFICIENT] // lanes
        if target < 0:
            p = one
        else:
            p = factors + 2 * target
            if not (used >> target) & 1:
                used |= <int64_t>1 << target
                p[0] = c[0]
                p[1] = c[1]
                continue
        fr = p[0]; fi = p[1]
        p[0] = fr * c[0] - fi * c[1]
        p[1] = fr * c[1] + fi * c[0]
    if not applies:
        return
    fixed = sorted_bits(control, positions)
    for i in range(live):
        if not (control >> i) & 1:
            free_bits[count] = i
            count += 1
            if not (used >> i) & 1:
                factors[2 * i] = wr
                factors[2 * i + 1] = wi
    half = count // 2
    low = one + 2
    num_low = fill_product(low, one, factors, free_bits, 0, half)
    high = low + 2 * num_low
    # The upper table starts from 1; the common factor is in the lower one already.
    one[0] = wr
    one[1] = wi
    num_high = fill_product(high, one, factors, free_bits, half, count)
    for y in range(num_high):
        hr = high[2 * y]
        hi = high[2 * y + 1]
        for x in range(num_low):
            at = expand(y * num_low + x, fixed, positions) + control_value
            p = s + 2 * at
            fr = low[2 * x]; fi = low[2 * x + 1]
            wr = fr * hr - fi * hi
            wi = fr * hi + fi * hr
            ar = p[0]; ai = p[1]
            p[0] = wr * ar - wi * ai
            p[1] = wr * ai + wi * ar


cdef void lookup(vec* s, int live, index control, index control_value, const int64_t* bits,
                 int num_bits, index base, const vec* table) noexcept nogil:
    """Multiplies by table[y], bit i of y being local bit ``bits[i]`` or, below 0, outer bit ~bits[i]."""
    cdef index j, at, y, from_outer = 0
    cdef int i
    cdef int positions[MAX_FIXED]
    cdef int fixed = sorted_bits(control, positions)
    cdef vec ar, ai, cr, ci
    cdef vec* p
    for i in range(num_bits):
        if bits[i] < 0 and (base >> ~bits[i]) & 1:
            from_outer |= <index>1 << i
    for j in range((<index>1 << live) >> fixed):
        at = expand(j, fixed, positions) + control_value
        y = from_outer
        for i in range(num_bits):
            if bits[i] >= 0:
                y |= ((at >> bits[i]) & 1) << i
        p = s + 2 * at
        cr = table[2 * y]; ci = table[2 * y + 1]
        ar = p[0]; ai = p[1]
        p[0] = cr * ar - ci * ai
        p[1] = cr * ai + ci * ar


# --- dense, k qubits ---------------------------------------------------------------------------

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


# --- the whole state ---------------------------------------------------------------------------

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
