# Vectors of lanes, whatever the build: their types, their lanes exchanged, indices of sets.
#
# One vector has W lanes, W = 2**L what a vector register of this build holds; see _kernels.pyx.
#
#     W                 SSE2, NEON    AVX2    AVX-512    without vector types
#     vd, doubles       2             4       8          1
#     vf, floats        4             8       16         1

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
      #define BA_PREFETCH(p) __builtin_prefetch(p)
    #else
      #define BA_PREFETCH(p) ((void)(p))
    #endif
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
    void BA_PREFETCH(const void*) noexcept nogil
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

ctypedef fused vec:
    vd
    vf

ctypedef fused real:
    double
    float


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
    """Writes the positions of the bits of `mask`, ascending; returns how many."""
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
