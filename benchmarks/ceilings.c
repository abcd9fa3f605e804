/* What a processor can do at best, for bench_kernels.py: multiply-adds and bytes a second.

   Compiled like the kernels, once for each instruction set. Vector types as in _kernels.pyx. */

#include <stddef.h>

#if defined(__AVX512F__)
#define BYTES 64
#elif defined(__AVX__)
#define BYTES 32
#else
#define BYTES 16
#endif

typedef double vd __attribute__((vector_size(BYTES)));
typedef float vf __attribute__((vector_size(BYTES)));

/* Twelve chains that do not wait for each other hide the latency. Where there is no multiply-add
   instruction, half of them multiply and half add, since the two then run side by side. The
   factor, read from memory that may change, is -1: nothing grows, vanishes or can be left out.
   Returns how many multiply-adds were done, in numbers. */
#if defined(__FMA__) || defined(__ARM_FEATURE_FMA)
#define STEP(i) x[i] = x[i] * a + b; x[i + 1] = x[i + 1] * a + b
#define STEP_MADDS 2
#else
#define STEP(i) x[i] = x[i] * a; x[i + 1] = x[i + 1] + b
#define STEP_MADDS 1
#endif

#define PEAK(name, vector, number)                                              \
    long long name(long long rounds, volatile number *out) {                    \
        vector x[12], a, b;                                                     \
        number factor = out[0];                                                 \
        for (size_t l = 0; l < BYTES / sizeof(number); ++l) {                   \
            a[l] = factor;                                                      \
            b[l] = (number)0.5;                                                 \
        }                                                                       \
        for (int c = 0; c < 12; ++c) x[c] = b * (number)c;                      \
        for (long long r = 0; r < rounds; ++r) {                                \
            STEP(0); STEP(2); STEP(4); STEP(6); STEP(8); STEP(10);              \
        }                                                                       \
        for (int c = 1; c < 12; ++c) x[0] += x[c];                              \
        out[0] = x[0][0];                                                       \
        return rounds * 6 * STEP_MADDS * (long long)(BYTES / sizeof(number));   \
    }

PEAK(peak_double, vd, double)
PEAK(peak_single, vf, float)

/* Reads and writes every vector of `data`, `rounds` times: what a kernel that computes nothing
   would do. `data` is aligned to a vector, `bytes` a multiple of four of them. */
void sweep(double *data, size_t bytes, long long rounds) {
    vd *v = (vd *)data;
    size_t count = bytes / sizeof(vd);
    for (long long r = 0; r < rounds; ++r) {
        for (size_t i = 0; i < count; i += 4) {
            v[i] = -v[i];
            v[i + 1] = -v[i + 1];
            v[i + 2] = -v[i + 2];
            v[i + 3] = -v[i + 3];
        }
        __asm__ volatile("" : : "r"(data) : "memory");
    }
}
