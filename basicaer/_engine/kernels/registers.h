/* Register blocks: several gates between one load and one store.

   Memory: see _kernels.pyx. A set is the 2**K pairs that differ in K local bits, the register bits
   of the operation; their vectors stay in registers while its gates are applied one by one:

       K = 3    re[0] im[0] | re[1] im[1] | ... | re[7] im[7]     bit i of an index: register bit i
                '---------- 16 of the 32 registers ----------'    K = 2 with vectors of 16 bytes

   AVX2 has 16 registers only, so some vectors wait in L1; with K = 2 circuits of 20 qubits still
   took a tenth longer, since each trip did less.

   A gate is mostly a turn, a real rotation or reflection whose larger entry has been taken out, so
   that it costs two multiply-adds an amplitude. Of the amplitudes a and b it makes

       form 0  a - t b, b + t a     form 1  t a + b, a - t b      form 4  a - i t b, b - i t a
       form 2  a + t b, t a - b     form 3  t a - b, a + t b      form 5  b + i t a, a + i t b

   This is C, not Cython: that the vectors stay in registers takes constant indices everywhere, and
   so functions that are always inlined. The file includes itself for both types of vectors. */

#ifndef BA_V

#if BA_VECTORS && BA_BYTES >= 32
  #define BA_REGISTER_BITS 3
#else
  #define BA_REGISTER_BITS 2
#endif
#define BA_REGISTERS (1 << BA_REGISTER_BITS)

#if defined(__clang__)
  #define BA_ALWAYS static inline __attribute__((always_inline))
  #define BA_UNROLL _Pragma("clang loop unroll(full)")
#elif defined(__GNUC__)
  #define BA_ALWAYS static inline __attribute__((always_inline))
  #define BA_UNROLL _Pragma("GCC unroll 8")
#else
  #define BA_ALWAYS static __inline
  #define BA_UNROLL
#endif

typedef struct {
  int code;                /* layout.pxi: GATE_; a turn's has its form added */
  Py_ssize_t control;      /* local bits that are no register bits, as a mask, */
  Py_ssize_t value;        /* and what they must be */
  Py_ssize_t coefficient;  /* in vectors */
} ba_gate;

#define BA_JOIN_(a, b) a##b
#define BA_JOIN(a, b) BA_JOIN_(a, b)
#define BA_OF(name) BA_JOIN(BA_JOIN(BA_V, _), name)

#define BA_V vd
#include "basicaer/_engine/kernels/registers.h"
#undef BA_V
#define BA_V vf
#include "basicaer/_engine/kernels/registers.h"
#undef BA_V

#else

/* A turn of the amplitudes whose indices differ in the bits of `pair`. Of one bit: `first` is 0. Of
   two: `first` is 0 for 00 and 11; for 01 and 10 it is the bit that is 1 in the index of a. Where
   the bit `control` is 1, what it makes of them is exchanged. */
BA_ALWAYS void BA_OF(turn)(BA_V *re, BA_V *im, const int pair, const int first, const int control,
                           const int form, BA_V t) {
  BA_UNROLL
  for (int i = 0; i < BA_REGISTERS; i++)
    if ((i & pair) == first) {
      const int h = i ^ pair, x = i & control ? h : i, y = i & control ? i : h;
      BA_V ar = re[i], ai = im[i], br = re[h], bi = im[h];
      switch (form) {
      case 0: re[x] = ar - t * br; im[x] = ai - t * bi; re[y] = br + t * ar; im[y] = bi + t * ai; break;
      case 1: re[x] = t * ar + br; im[x] = t * ai + bi; re[y] = ar - t * br; im[y] = ai - t * bi; break;
      case 2: re[x] = ar + t * br; im[x] = ai + t * bi; re[y] = t * ar - br; im[y] = t * ai - bi; break;
      case 3: re[x] = t * ar - br; im[x] = t * ai - bi; re[y] = ar + t * br; im[y] = ai + t * bi; break;
      case 4: re[x] = ar + t * bi; im[x] = ai - t * br; re[y] = br + t * ai; im[y] = bi - t * ar; break;
      default: re[x] = br - t * ai; im[x] = bi + t * ar; re[y] = ar - t * bi; im[y] = ai + t * br;
      }
    }
}

/* Exchanges the amplitudes of bit `target` where the bits of `control` are 1. */
BA_ALWAYS void BA_OF(flip)(BA_V *re, BA_V *im, const int target, const int control) {
  BA_UNROLL
  for (int i = 0; i < BA_REGISTERS; i++)
    if (!(i & target) && (i & control) == control) {
      const int h = i | target;
      BA_V x = re[i], y = im[i];
      re[i] = re[h]; im[i] = im[h]; re[h] = x; im[h] = y;
    }
}

/* A real matrix on bit `target`; with a bit `steer` two, the second where that is 1. */
BA_ALWAYS void BA_OF(real)(BA_V *re, BA_V *im, const int target, const int steer, const BA_V *c) {
  BA_UNROLL
  for (int i = 0; i < BA_REGISTERS; i++)
    if (!(i & target)) {
      const int h = i | target;
      const BA_V *m = i & steer ? c + 4 : c;
      BA_V ar = re[i], ai = im[i], br = re[h], bi = im[h];
      re[i] = m[0] * ar + m[1] * br; im[i] = m[0] * ai + m[1] * bi;
      re[h] = m[2] * ar + m[3] * br; im[h] = m[2] * ai + m[3] * bi;
    }
}

/* A matrix on a lane qubit: of each lane's row, that lane's entry and the other; with a bit `steer`
   two, the second where that is 1. */
BA_ALWAYS void BA_OF(lane)(BA_V *re, BA_V *im, const int lane, const int steer, const BA_V *c) {
  BA_UNROLL
  for (int i = 0; i < BA_REGISTERS; i++) {
    const BA_V *m = i & steer ? c + 2 : c;
    re[i] = m[0] * re[i] + m[1] * BA_OF(exchange)(re[i], lane);
    im[i] = m[0] * im[i] + m[1] * BA_OF(exchange)(im[i], lane);
  }
}

BA_ALWAYS void BA_OF(dense_lane)(BA_V *re, BA_V *im, const int lane, const BA_V *c) {
  BA_V c0 = c[0], c1 = c[1], c2 = c[2], c3 = c[3];
  BA_UNROLL
  for (int i = 0; i < BA_REGISTERS; i++) {
    BA_V ar = re[i], ai = im[i];
    BA_V br = BA_OF(exchange)(ar, lane), bi = BA_OF(exchange)(ai, lane);
    re[i] = c0 * ar - c1 * ai + c2 * br - c3 * bi;
    im[i] = c0 * ai + c1 * ar + c2 * bi + c3 * br;
  }
}

/* A turn of two lane qubits, and one of a lane qubit and bit `target`. */
BA_ALWAYS void BA_OF(two_lanes)(BA_V *re, BA_V *im, const int lane0, const int lane1,
                                const BA_V *c) {
  BA_V c0 = c[0], c1 = c[1];
  BA_UNROLL
  for (int i = 0; i < BA_REGISTERS; i++) {
    re[i] = c0 * re[i] + c1 * BA_OF(exchange)(BA_OF(exchange)(re[i], lane0), lane1);
    im[i] = c0 * im[i] + c1 * BA_OF(exchange)(BA_OF(exchange)(im[i], lane0), lane1);
  }
}

BA_ALWAYS void BA_OF(lane_and_bit)(BA_V *re, BA_V *im, const int lane, const int target,
                                   const BA_V *c) {
  BA_V c0 = c[0], c1 = c[1], c2 = c[2], c3 = c[3];
  BA_UNROLL
  for (int i = 0; i < BA_REGISTERS; i++)
    if (!(i & target)) {
      const int h = i | target;
      BA_V x = re[i], y = re[h];
      re[i] = c0 * x + c1 * BA_OF(exchange)(y, lane);
      re[h] = c2 * BA_OF(exchange)(x, lane) + c3 * y;
      x = im[i]; y = im[h];
      im[i] = c0 * x + c1 * BA_OF(exchange)(y, lane);
      im[h] = c2 * BA_OF(exchange)(x, lane) + c3 * y;
    }
}

/* A diagonal. */
BA_ALWAYS void BA_OF(diagonal)(BA_V *re, BA_V *im, const BA_V *c) {
  BA_UNROLL
  for (int i = 0; i < BA_REGISTERS; i++) {
    BA_V cr = c[2 * i], ci = c[2 * i + 1], ar = re[i], ai = im[i];
    re[i] = cr * ar - ci * ai;
    im[i] = cr * ai + ci * ar;
  }
}

/* One gate on the vectors of a set. Codes that are not listed do nothing. */
BA_ALWAYS void BA_OF(gate)(BA_V *re, BA_V *im, const int code, const BA_V *c) {
#define TURNS(r)                                                                                \
  case GATE_TURN + r: BA_OF(turn)(re, im, 1 << r, 0, 0, 0, c[0]); break;                        \
  case GATE_TURN + 3 + r: BA_OF(turn)(re, im, 1 << r, 0, 0, 1, c[0]); break;                    \
  case GATE_TURN + 6 + r: BA_OF(turn)(re, im, 1 << r, 0, 0, 2, c[0]); break;                    \
  case GATE_TURN + 9 + r: BA_OF(turn)(re, im, 1 << r, 0, 0, 3, c[0]); break;                    \
  case GATE_TURN + 12 + r: BA_OF(turn)(re, im, 1 << r, 0, 0, 4, c[0]); break;                   \
  case GATE_TURN + 15 + r: BA_OF(turn)(re, im, 1 << r, 0, 0, 5, c[0]); break;                   \
  case GATE_FLIP + r: BA_OF(flip)(re, im, 1 << r, 0); break;                                    \
  case GATE_REAL + r: BA_OF(real)(re, im, 1 << r, 0, c); break;                                 \
  case GATE_LANE_BIT + r: BA_OF(lane_and_bit)(re, im, 0, 1 << r, c); break;                     \
  case GATE_LANE_BIT + 3 + r: BA_OF(lane_and_bit)(re, im, 1, 1 << r, c); break;                 \
  case GATE_LANE_BIT + 6 + r: BA_OF(lane_and_bit)(re, im, 2, 1 << r, c); break;                 \
  case GATE_LANE_BIT + 9 + r: BA_OF(lane_and_bit)(re, im, 3, 1 << r, c); break;                 \
  case GATE_LANE_STEERED + r: BA_OF(lane)(re, im, 0, 1 << r, c); break;                         \
  case GATE_LANE_STEERED + 3 + r: BA_OF(lane)(re, im, 1, 1 << r, c); break;                     \
  case GATE_LANE_STEERED + 6 + r: BA_OF(lane)(re, im, 2, 1 << r, c); break;                     \
  case GATE_LANE_STEERED + 9 + r: BA_OF(lane)(re, im, 3, 1 << r, c); break;
#define PAIRS(p, low, high)                                                                     \
case GATE_TURN2 + 0 + 3 * p: BA_OF(turn)(re, im, low | high, 0, 0, 0, c[0]); break;             \
  case GATE_TURN2 + 1 + 3 * p: BA_OF(turn)(re, im, low | high, low, 0, 0, c[0]); break;         \
  case GATE_TURN2 + 2 + 3 * p: BA_OF(turn)(re, im, low | high, high, 0, 0, c[0]); break;        \
  case GATE_TURN2 + 9 + 3 * p: BA_OF(turn)(re, im, low | high, 0, 0, 1, c[0]); break;           \
  case GATE_TURN2 + 10 + 3 * p: BA_OF(turn)(re, im, low | high, low, 0, 1, c[0]); break;        \
  case GATE_TURN2 + 11 + 3 * p: BA_OF(turn)(re, im, low | high, high, 0, 1, c[0]); break;       \
  case GATE_TURN2 + 18 + 3 * p: BA_OF(turn)(re, im, low | high, 0, 0, 2, c[0]); break;          \
  case GATE_TURN2 + 19 + 3 * p: BA_OF(turn)(re, im, low | high, low, 0, 2, c[0]); break;        \
  case GATE_TURN2 + 20 + 3 * p: BA_OF(turn)(re, im, low | high, high, 0, 2, c[0]); break;       \
  case GATE_TURN2 + 27 + 3 * p: BA_OF(turn)(re, im, low | high, 0, 0, 3, c[0]); break;          \
  case GATE_TURN2 + 28 + 3 * p: BA_OF(turn)(re, im, low | high, low, 0, 3, c[0]); break;        \
  case GATE_TURN2 + 29 + 3 * p: BA_OF(turn)(re, im, low | high, high, 0, 3, c[0]); break;       \
  case GATE_TURN_CX + 0 + 2 * p: BA_OF(turn)(re, im, low, 0, high, 0, c[0]); break;             \
  case GATE_TURN_CX + 1 + 2 * p: BA_OF(turn)(re, im, high, 0, low, 0, c[0]); break;             \
  case GATE_TURN_CX + 6 + 2 * p: BA_OF(turn)(re, im, low, 0, high, 1, c[0]); break;             \
  case GATE_TURN_CX + 7 + 2 * p: BA_OF(turn)(re, im, high, 0, low, 1, c[0]); break;             \
  case GATE_TURN_CX + 12 + 2 * p: BA_OF(turn)(re, im, low, 0, high, 2, c[0]); break;            \
  case GATE_TURN_CX + 13 + 2 * p: BA_OF(turn)(re, im, high, 0, low, 2, c[0]); break;            \
  case GATE_TURN_CX + 18 + 2 * p: BA_OF(turn)(re, im, low, 0, high, 3, c[0]); break;            \
  case GATE_TURN_CX + 19 + 2 * p: BA_OF(turn)(re, im, high, 0, low, 3, c[0]); break;            \
  case GATE_CX + 2 * p: BA_OF(flip)(re, im, low, high); break;                                  \
  case GATE_CX + 2 * p + 1: BA_OF(flip)(re, im, high, low); break;                              \
  case GATE_STEERED + 2 * p: BA_OF(real)(re, im, low, high, c); break;                          \
  case GATE_STEERED + 2 * p + 1: BA_OF(real)(re, im, high, low, c); break;
  switch (code) {
  TURNS(0)
  TURNS(1)
  PAIRS(0, 1, 2)
#if BA_REGISTER_BITS > 2
  TURNS(2)
  PAIRS(1, 1, 4)
  PAIRS(2, 2, 4)
#endif
  case GATE_LANE: BA_OF(lane)(re, im, 0, 0, c); break;
  case GATE_LANE + 1: BA_OF(lane)(re, im, 1, 0, c); break;
  case GATE_LANE + 2: BA_OF(lane)(re, im, 2, 0, c); break;
  case GATE_LANE + 3: BA_OF(lane)(re, im, 3, 0, c); break;
  case GATE_DENSE_LANE: BA_OF(dense_lane)(re, im, 0, c); break;
  case GATE_DENSE_LANE + 1: BA_OF(dense_lane)(re, im, 1, c); break;
  case GATE_DENSE_LANE + 2: BA_OF(dense_lane)(re, im, 2, c); break;
  case GATE_DENSE_LANE + 3: BA_OF(dense_lane)(re, im, 3, c); break;
  case GATE_DIAGONAL: BA_OF(diagonal)(re, im, c); break;
  case GATE_LANES: BA_OF(two_lanes)(re, im, 0, 1, c); break;
  case GATE_LANES + 1: BA_OF(two_lanes)(re, im, 0, 2, c); break;
  case GATE_LANES + 2: BA_OF(two_lanes)(re, im, 0, 3, c); break;
  case GATE_LANES + 3: BA_OF(two_lanes)(re, im, 1, 2, c); break;
  case GATE_LANES + 4: BA_OF(two_lanes)(re, im, 1, 3, c); break;
  case GATE_LANES + 5: BA_OF(two_lanes)(re, im, 2, 3, c); break;
  }
#undef TURNS
#undef PAIRS
}

/* All `gates` on `count` sets of pairs from `s` on; `positions` has the register bits, ascending. */
static void BA_OF(registers)(BA_V *s, Py_ssize_t count, const int *positions,
                             const ba_gate *gates, int num_gates, const BA_V *coefficients) {
  Py_ssize_t strides[BA_REGISTERS];
  for (int i = 0; i < BA_REGISTERS; i++) {
    strides[i] = 0;
    for (int k = 0; k < BA_REGISTER_BITS; k++)
      if (i >> k & 1) strides[i] += (Py_ssize_t)2 << positions[k];
  }
  for (Py_ssize_t j = 0; j < count; j++) {
    BA_V re[BA_REGISTERS], im[BA_REGISTERS];
    Py_ssize_t pair = j;
    for (int k = 0; k < BA_REGISTER_BITS; k++) {
      const Py_ssize_t low = pair & (((Py_ssize_t)1 << positions[k]) - 1);
      pair = (pair ^ low) << 1 | low;
    }
    BA_V *p = s + 2 * pair;
    BA_UNROLL
    for (int i = 0; i < BA_REGISTERS; i++) {
      re[i] = p[strides[i]];
      im[i] = p[strides[i] + 1];
    }
    for (int g = 0; g < num_gates; g++)
      if ((pair & gates[g].control) == gates[g].value)
        BA_OF(gate)(re, im, gates[g].code, coefficients + gates[g].coefficient);
    BA_UNROLL
    for (int i = 0; i < BA_REGISTERS; i++) {
      p[strides[i]] = re[i];
      p[strides[i] + 1] = im[i];
    }
  }
}

#endif
