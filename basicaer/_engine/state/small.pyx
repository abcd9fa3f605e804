# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
# cython: initializedcheck=False
"""States of up to 6 qubits: applies gates one by one where planning would take longer.

    amplitudes in memory, lane layout:   re re .. re  im im .. im  re re ..     (see _kernels.pyx)
    while gates are applied:             re[0], re[1], ...    im[0], im[1], ...

Qubit q is bit q of an amplitude's index. A gate combines sets of 2**targets amplitudes::

    index of a set's amplitudes    j | first | offset
        j         takes all values of the bits that the gate does not touch
        first     the bits of the controls that must be 1
        offset    for each row of the matrix, the bits of the targets that are 1

Everything is computed in double precision and rounded once, after the last gate of a gate run.
Results do not depend on the build of the kernels.
"""

from cython cimport embedsignature
from cpython.mem cimport PyMem_Calloc, PyMem_Free
from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memset

import numpy as np

from basicaer._engine.costs import SMALL_GATE_NS, SMALL_PRODUCT_NS

include "basicaer/_engine/cython/atomic.pxi"
include "basicaer/_engine/cython/fill.pxi"
include "basicaer/_engine/cython/gate_check.pxi"

ctypedef Py_ssize_t index

include "basicaer/_engine/cython/mersenne.pxi"
include "basicaer/_engine/cython/cumulative.pxi"

ctypedef fused real:
    float
    double

cdef enum:
    QUBITS = 6          # maximum width
    SIZE = 64           # 2**QUBITS
    KINDS = 64          # maximum number of kinds in a gate run

MOST_QUBITS = QUBITS
MOST_KINDS = KINDS

cdef double GATE_NS = SMALL_GATE_NS
cdef double DENSE1_NS = SMALL_PRODUCT_NS["dense1"], DENSE2_NS = SMALL_PRODUCT_NS["dense2"]
cdef double DENSE_NS = SMALL_PRODUCT_NS["dense"], DIAGONAL_NS = SMALL_PRODUCT_NS["diagonal"]

cdef struct Form:
    int diagonal
    int targets
    int controls
    int64_t control_state


cdef inline index place_of(index i, int lane_bits) noexcept nogil:
    """Index of the real part of amplitude `i`; the imaginary part is one vector of lanes later."""
    return (i >> lane_bits << lane_bits + 1) | (i & (<index>1 << lane_bits) - 1)


cdef int check_layout(index reals, int lane_bits, int num_qubits) except -1:
    if not 0 <= num_qubits <= QUBITS or not 0 <= lane_bits <= QUBITS:
        raise ValueError(f"a state of {num_qubits} qubits, in lanes of {lane_bits}, is not small")
    if reals < <index>2 << max(num_qubits, lane_bits):
        raise ValueError(f"{reals} reals are too few for {num_qubits} qubits")
    return 0


# --- gates -------------------------------------------------------------------------------------

cdef void dense1(double* re, double* im, index num_sets, index fixed, index first, index t,
                 const double* m) noexcept nogil:
    """Applies a 2x2 matrix to the bit `t`."""
    cdef index j = 0, a, b
    cdef double ar, ai, br, bi
    for _ in range(num_sets):
        a = j | first
        b = a | t
        j = ((j | fixed) + 1) & ~fixed
        ar, ai, br, bi = re[a], im[a], re[b], im[b]
        re[a] = m[0] * ar - m[1] * ai + m[2] * br - m[3] * bi
        im[a] = m[0] * ai + m[1] * ar + m[2] * bi + m[3] * br
        re[b] = m[4] * ar - m[5] * ai + m[6] * br - m[7] * bi
        im[b] = m[4] * ai + m[5] * ar + m[6] * bi + m[7] * br


cdef void dense2(double* re, double* im, index num_sets, index fixed, index first, index s, index t,
                 const double* m) noexcept nogil:
    """Applies a 4x4 matrix to the bits `s` and `t`; `s` is the low bit of its row index."""
    cdef index j = 0, a, b, c, d, row
    cdef index to[4]
    cdef double ar, ai, br, bi, cr, ci, dr, di
    cdef const double* e
    for _ in range(num_sets):
        a = j | first
        b, c, d = a | s, a | t, a | s | t
        j = ((j | fixed) + 1) & ~fixed
        to[0], to[1], to[2], to[3] = a, b, c, d
        ar, ai, br, bi = re[a], im[a], re[b], im[b]
        cr, ci, dr, di = re[c], im[c], re[d], im[d]
        for row in range(4):
            e = m + 8 * row
            re[to[row]] = (e[0] * ar - e[1] * ai + e[2] * br - e[3] * bi
                           + (e[4] * cr - e[5] * ci + e[6] * dr - e[7] * di))
            im[to[row]] = (e[0] * ai + e[1] * ar + e[2] * bi + e[3] * br
                           + (e[4] * ci + e[5] * cr + e[6] * di + e[7] * dr))


cdef void dense(double* re, double* im, index num_sets, index fixed, index first,
                const index* offsets, index size, const double* m) noexcept nogil:
    """Applies a matrix to any number of bits."""
    cdef index j = 0, base, row, column
    cdef double xr[SIZE]
    cdef double xi[SIZE]
    cdef double sr, si
    cdef const double* entry
    for _ in range(num_sets):
        base = j | first
        j = ((j | fixed) + 1) & ~fixed
        for column in range(size):
            xr[column] = re[base | offsets[column]]
            xi[column] = im[base | offsets[column]]
        entry = m
        for row in range(size):
            sr = si = 0
            for column in range(size):
                sr = sr + entry[0] * xr[column] - entry[1] * xi[column]
                si = si + entry[0] * xi[column] + entry[1] * xr[column]
                entry += 2
            re[base | offsets[row]] = sr
            im[base | offsets[row]] = si


cdef void diagonal(double* re, double* im, index num_sets, index fixed, index first,
                   const index* offsets, index size, const double* m) noexcept nogil:
    """Applies a diagonal matrix to any number of bits."""
    cdef index j, base, row, a
    cdef double x, y
    for row in range(size):
        x, y = m[2 * row], m[2 * row + 1]
        if x == 1 and y == 0:
            continue
        j = 0
        base = first | offsets[row]
        for _ in range(num_sets):
            a = j | base
            j = ((j | fixed) + 1) & ~fixed
            re[a], im[a] = x * re[a] - y * im[a], x * im[a] + y * re[a]


cdef void apply_gate(double* re, double* im, int num_qubits, const Form* form,
                     const int32_t* qubits, int shift, const double* m) noexcept nogil:
    """Applies one gate that has passed `is_gate`."""
    cdef index offsets[SIZE]
    cdef index bits[QUBITS]     # of the targets
    cdef index fixed = 0, first = 0, bit, size = 1, i
    cdef int j
    for j in range(form.controls + form.targets):
        bit = <index>1 << (qubits[j] + shift)
        fixed |= bit
        if j >= form.controls:
            bits[j - form.controls] = bit
        elif form.control_state >> j & 1:
            first |= bit
    cdef index num_sets = <index>1 << (num_qubits - form.controls - form.targets)
    if not form.diagonal and form.targets == 1:
        dense1(re, im, num_sets, fixed, first, bits[0], m)
        return
    if not form.diagonal and form.targets == 2:
        dense2(re, im, num_sets, fixed, first, bits[0], bits[1], m)
        return
    offsets[0] = 0
    for j in range(form.targets):
        for i in range(size):
            offsets[size + i] = offsets[i] | bits[j]
        size *= 2
    if form.diagonal:
        diagonal(re, im, num_sets, fixed, first, offsets, size, m)
    else:
        dense(re, im, num_sets, fixed, first, offsets, size, m)


cdef int read_forms(Form* forms, tuple kinds, int num_qubits) except -1:
    cdef index i
    if len(kinds) > KINDS:
        raise ValueError(f"{len(kinds)} kinds of gates are too many; {KINDS} is the most")
    for i in range(len(kinds)):
        form, targets, controls, control_state, _, _ = kinds[i]
        if targets == 0:
            raise ValueError(f"{kinds[i]} has no target; a gate on no qubit is a global phase")
        if targets < 0 or controls < 0 or targets + controls > num_qubits:
            raise ValueError(f"{kinds[i]} does not fit {num_qubits} qubits")
        forms[i] = Form(form, targets, controls, control_state)
    return 0


def nanoseconds(int num_qubits, tuple kinds, const int32_t[::1] kind):
    """Returns the estimated nanoseconds of `apply` (Zen 4).

    Args:
        num_qubits, kinds, kind: as in `apply`.
    """
    cdef Form forms[KINDS]
    cdef double each[KINDS]
    cdef double total = 0, products
    cdef index i, num_kinds = len(kinds)
    check_layout(<index>2 << QUBITS, 0, num_qubits)
    read_forms(forms, kinds, num_qubits)
    for i in range(num_kinds):
        products = <index>1 << (num_qubits - forms[i].controls)
        if forms[i].diagonal:
            each[i] = GATE_NS + DIAGONAL_NS * products
        elif forms[i].targets == 1:
            each[i] = GATE_NS + DENSE1_NS * 2 * products
        else:
            each[i] = GATE_NS + (DENSE2_NS if forms[i].targets == 2 else DENSE_NS) * products * (
                <index>1 << forms[i].targets)
    for i in range(kind.shape[0]):
        if 0 <= kind[i] < num_kinds:
            total += each[kind[i]]
    return total


def apply(real[::1] state, int lane_bits, int num_qubits, tuple kinds, const int32_t[::1] kind,
          const int32_t[::1] start, const int32_t[::1] qubits, const int64_t[::1] offset,
          const double complex[::1] coefficients, int shift, int64_t[::1] flags):
    """Applies a gate run, in place.

    Args:
        state: the amplitudes in lane layout, at least 2 * 2**max(num_qubits, lane_bits) reals,
            float64 or float32.
        lane_bits: of the layout: a vector has 2**lane_bits lanes.
        num_qubits: of the state, at most `MOST_QUBITS`.
        kinds, kind, start, qubits, offset, coefficients: see `program.Gates`.
        shift: added to each qubit.
        flags: of the job, see `control.Control`; the work is added to ``flags[DONE]``.

    Raises:
        ValueError: a gate is malformed; the state is unchanged.
    """
    cdef Form forms[KINDS]
    cdef double re[SIZE]
    cdef double im[SIZE]
    cdef index num = kind.shape[0], num_kinds = len(kinds)
    cdef index size, lanes, i, place, wrong = -1
    cdef const Form* form
    cdef const int32_t* on = &qubits[0] if qubits.shape[0] else NULL
    check_layout(state.shape[0], lane_bits, num_qubits)
    size, lanes = <index>1 << num_qubits, <index>1 << lane_bits
    read_forms(forms, kinds, num_qubits)
    if flags.shape[0] < NUM_FLAGS:
        raise ValueError("there is no flag to count in")
    if start.shape[0] != num + 1 or offset.shape[0] != num:
        raise ValueError("the arrays of a gate run do not belong together")
    with nogil:
        for i in range(size):
            place = place_of(i, lane_bits)
            re[i] = state[place]
            im[i] = state[place + lanes]
        for i in range(num):
            wrong = i
            if not 0 <= kind[i] < num_kinds:
                break
            form = &forms[kind[i]]
            if not is_gate(form.diagonal, form.targets, form.controls, start[i], start[i + 1], on,
                           qubits.shape[0], offset[i], coefficients.shape[0], shift, num_qubits):
                break
            apply_gate(re, im, num_qubits, form, on + start[i], shift,
                       <const double*>(&coefficients[0] + offset[i]))
            wrong = -1
        if wrong < 0:
            for i in range(size):
                place = place_of(i, lane_bits)
                state[place] = <real>re[i]
                state[place + lanes] = <real>im[i]
            ba_add(&flags[FLAG_DONE], num << num_qubits)
    if wrong >= 0:
        raise malformed(wrong, num_qubits)


# --- many rows of coefficients -----------------------------------------------------------------

cdef extern from *:
    """
    #if defined(__GNUC__)
    #define basicaer_ones(x) __builtin_popcountll(x)
    #else
    static int basicaer_ones(unsigned long long x) {
        int count = 0;
        for (; x; x &= x - 1) count++;
        return count;
    }
    #endif
    """
    int ones "basicaer_ones"(unsigned long long x) noexcept nogil


cdef double string_value(const double* re, const double* im, index size, uint64_t x,
                         uint64_t z) noexcept nogil:
    """Returns the expectation value of a Pauli string, with the masks of `pauli_sums`."""
    cdef double sum_re = 0, sum_im = 0, a, b
    cdef index i, j
    for i in range(size):
        j = i ^ <index>x
        a = re[j] * re[i] + im[j] * im[i]
        b = re[j] * im[i] - im[j] * re[i]
        if ones(<uint64_t>i & z) & 1:
            a, b = -a, -b
        sum_re = sum_re + a
        sum_im = sum_im + b
    # The real part of i**k times the sum.
    cdef int k = ones(x & z) & 3
    if k == 0:
        return sum_re
    if k == 1:
        return -sum_im
    return -sum_re if k == 2 else sum_im


def expectations(int num_qubits, tuple kinds, const int32_t[::1] kind, const int32_t[::1] start,
                 const int32_t[::1] qubits, const int64_t[::1] offset,
                 const double complex[:, ::1] coefficients, index first, index last,
                 const int64_t[::1] x, const int64_t[::1] z, double[:, ::1] out,
                 int64_t[::1] flags):
    """Computes Pauli strings in the states that a gate run makes of |0...0>, row by row.

    Args:
        num_qubits: of the states, at most `MOST_QUBITS`.
        kinds, kind, start, qubits, offset: see `program.Gates`.
        coefficients: of the gate run, shape (rows, coefficients).
        first, last: the rows first to last - 1 are computed.
        x, z: masks of the strings, int64, shape (strings,), see `pauli_sums`.
        out: shape (rows, strings); the values of the rows are written there.
        flags: of the job, see `control.Control`. Once ``flags[STOP]`` is set, the rest is left out.

    Raises:
        ValueError: a gate is malformed, or the arrays do not belong together.
    """
    cdef Form forms[KINDS]
    cdef double re[SIZE]
    cdef double im[SIZE]
    cdef index num = kind.shape[0], num_kinds = len(kinds), size, i, row, wrong = -1
    cdef const int32_t* on = &qubits[0] if qubits.shape[0] else NULL
    cdef const double complex* own
    check_layout(<index>2 << QUBITS, 0, num_qubits)
    size = <index>1 << num_qubits
    read_forms(forms, kinds, num_qubits)
    if flags.shape[0] < NUM_FLAGS:
        raise ValueError("there is no flag to count in")
    if start.shape[0] != num + 1 or offset.shape[0] != num:
        raise ValueError("the arrays of a gate run do not belong together")
    if not 0 <= first <= last <= coefficients.shape[0] or out.shape[0] != coefficients.shape[0]:
        raise ValueError("there are no such rows")
    if x.shape[0] != z.shape[0] or out.shape[1] != x.shape[0]:
        raise ValueError("masks and values do not belong together")
    for i in range(x.shape[0]):
        if (x[i] | z[i]) >> num_qubits:
            raise ValueError(f"string {i} acts on qubits that are not there")
    if num and not coefficients.shape[1]:
        raise ValueError("there are no coefficients")
    for i in range(num):
        if not 0 <= kind[i] < num_kinds or not is_gate(
                forms[kind[i]].diagonal, forms[kind[i]].targets, forms[kind[i]].controls, start[i],
                start[i + 1], on, qubits.shape[0], offset[i], coefficients.shape[1], 0,
                num_qubits):
            raise malformed(i, num_qubits)
    with nogil:
        for row in range(first, last):
            if flags[FLAG_STOP]:
                break
            for i in range(size):
                re[i] = im[i] = 0
            re[0] = 1
            if num:
                own = &coefficients[row, 0]
                for i in range(num):
                    apply_gate(re, im, num_qubits, &forms[kind[i]], on + start[i], 0,
                               <const double*>(own + offset[i]))
            for i in range(x.shape[0]):
                out[row, i] = string_value(re, im, size, <uint64_t>x[i], <uint64_t>z[i])
            ba_add(&flags[FLAG_DONE], num << num_qubits)


# --- probabilities -----------------------------------------------------------------------------

def probabilities(const real[::1] state, int lane_bits, int num_qubits, qubits):
    """Returns the probabilities of the outcomes of measuring `qubits`, float64, shape (2**m,).

    Args:
        state, lane_bits, num_qubits: as in `apply`.
        qubits: m distinct qubits; the first is the least significant bit of the outcome.
    """
    cdef index to[QUBITS]       # contribution of each index bit to the outcome
    cdef index outcome[SIZE]
    cdef double re[SIZE]
    cdef double im[SIZE]
    cdef index size, lanes, i, q, place, bit = 1
    check_layout(state.shape[0], lane_bits, num_qubits)
    size, lanes = <index>1 << num_qubits, <index>1 << lane_bits
    for q in range(num_qubits):
        to[q] = 0
    for qubit in qubits:
        q = qubit
        if not 0 <= q < num_qubits or to[q]:
            raise ValueError(f"qubits {tuple(qubits)} are not all different and below {num_qubits}")
        to[q] = bit
        bit *= 2
    out = np.empty(bit)
    cdef double[::1] sums = out
    for i in range(size):
        place = place_of(i, lane_bits)
        re[i], im[i] = state[place], state[place + lanes]
    sum_up(re, im, num_qubits, to, bit, outcome, &sums[0])
    return out


include "basicaer/_engine/state/circuits.pxi"
