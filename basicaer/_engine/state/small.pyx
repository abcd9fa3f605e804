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

cdef object UINT64 = np.dtype(np.uint64)

MOST_QUBITS = QUBITS
MOST_KINDS = KINDS

cdef double GATE_NS = SMALL_GATE_NS
cdef double DENSE1_NS = SMALL_PRODUCT_NS["dense1"], DENSE2_NS = SMALL_PRODUCT_NS["dense2"]
cdef double DENSE_NS = SMALL_PRODUCT_NS["dense"], DIAGONAL_NS = SMALL_PRODUCT_NS["diagonal"]

cdef inline index place_of(index i, int lane_bits) noexcept nogil:
    """Index of the real part of amplitude `i`; the imaginary part is one vector of lanes later."""
    return (i >> lane_bits << lane_bits + 1) | (i & (<index>1 << lane_bits) - 1)


cdef int check_layout(index reals, int lane_bits, int num_qubits) except -1:
    if not 0 <= num_qubits <= QUBITS or not 0 <= lane_bits <= QUBITS:
        raise ValueError(f"a state of {num_qubits} qubits, in lanes of {lane_bits}, is not small")
    if reals < <index>2 << max(num_qubits, lane_bits):
        raise ValueError(f"{reals} reals are too few for {num_qubits} qubits")
    return 0


include "basicaer/_engine/state/gates.pxi"


cdef int check_flags(int64_t[::1] flags) except -1:
    if flags.shape[0] < NUM_FLAGS:
        raise ValueError("there is no flag to count in")
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
    cdef Run run
    cdef double re[SIZE]
    cdef double im[SIZE]
    cdef index size, lanes, i, place, wrong
    check_layout(state.shape[0], lane_bits, num_qubits)
    size, lanes = <index>1 << num_qubits, <index>1 << lane_bits
    read_run(&run, kinds, kind, start, qubits, offset, &coefficients[0], coefficients.shape[0],
             num_qubits)
    check_flags(flags)
    with nogil:
        for i in range(size):
            place = place_of(i, lane_bits)
            re[i] = state[place]
            im[i] = state[place + lanes]
        wrong = apply_run(&run, 0, run.num_gates, re, im, num_qubits, shift)
        if wrong < 0:
            for i in range(size):
                place = place_of(i, lane_bits)
                state[place] = <real>re[i]
                state[place + lanes] = <real>im[i]
            ba_add(&flags[FLAG_DONE], run.num_gates << num_qubits)
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
    cdef Run run
    cdef double re[SIZE]
    cdef double im[SIZE]
    cdef index size, i, row
    check_layout(<index>2 << QUBITS, 0, num_qubits)
    size = <index>1 << num_qubits
    read_run(&run, kinds, kind, start, qubits, offset, NULL, coefficients.shape[1], num_qubits)
    check_flags(flags)
    if not 0 <= first <= last <= coefficients.shape[0] or out.shape[0] != coefficients.shape[0]:
        raise ValueError("there are no such rows")
    if x.shape[0] != z.shape[0] or out.shape[1] != x.shape[0]:
        raise ValueError("masks and values do not belong together")
    for i in range(x.shape[0]):
        if (x[i] | z[i]) >> num_qubits:
            raise ValueError(f"string {i} acts on qubits that are not there")
    if run.num_gates and not run.num_entries:
        raise ValueError("there are no coefficients")
    for i in range(run.num_gates):
        if not is_gate_of(&run, i, num_qubits, 0):
            raise malformed(i, num_qubits)
    with nogil:
        for row in range(first, last):
            if flags[FLAG_STOP]:
                break
            for i in range(size):
                re[i] = im[i] = 0
            re[0] = 1
            run.coefficients = <const double*>&coefficients[row, 0]
            for i in range(run.num_gates):
                apply_gate(re, im, num_qubits, &run.forms[run.kind[i]], run.qubits + run.start[i],
                           0, run.coefficients + 2 * run.offset[i])
            for i in range(x.shape[0]):
                out[row, i] = string_value(re, im, size, <uint64_t>x[i], <uint64_t>z[i])
            ba_add(&flags[FLAG_DONE], run.num_gates << num_qubits)


# --- probabilities -----------------------------------------------------------------------------

cdef index read_measured(index* to, int num_qubits, measured) except -1:
    """Reads which qubits are measured; returns how many outcomes they have.

    Args:
        to: receives, for each qubit, what it contributes to the outcome's number.
        measured: distinct qubits; the first is the least significant bit of the outcome.
    """
    cdef index bit = 1
    cdef int q
    for q in range(num_qubits):
        to[q] = 0
    for qubit in measured:
        q = qubit
        if not 0 <= q < num_qubits or to[q]:
            raise ValueError(
                f"qubits {tuple(measured)} are not all different and below {num_qubits}")
        to[q] = bit
        bit *= 2
    return bit


cdef void sum_up(const double* re, const double* im, int num_qubits, const index* to,
                 index outcomes, double* sums) noexcept nogil:
    """Adds up the probabilities of each outcome.

    Args:
        to, outcomes: see `read_measured`.
        sums: receives the probabilities.
    """
    cdef index outcome[SIZE]        # of each amplitude
    cdef index i, bit = 1
    cdef int q
    for i in range(outcomes):
        sums[i] = 0
    outcome[0] = 0
    for q in range(num_qubits):
        for i in range(bit):
            outcome[bit + i] = outcome[i] + to[q]
        bit *= 2
    for i in range(bit):
        sums[outcome[i]] += re[i] * re[i] + im[i] * im[i]


cdef index final_probabilities(
    const Run* run, index first, index last, int num_qubits, double real_part, double imaginary,
    bint single, const index* to, index outcomes, double* sums
) noexcept nogil:
    """Applies gates to |0...0> and adds up probabilities, as `apply` and `probabilities` do.

    Args:
        run, first, last: the gates, see `apply_run`.
        real_part, imaginary: of the amplitude of |0...0>.
        single: whether amplitudes are rounded to single precision, as in a state of it.
        to, outcomes, sums: see `sum_up`.

    Returns:
        -1, or the number of a gate that is malformed.
    """
    cdef double re[SIZE]
    cdef double im[SIZE]
    cdef index i, size = <index>1 << num_qubits, wrong
    for i in range(size):
        re[i] = im[i] = 0
    re[0], im[0] = real_part, imaginary
    if single:
        re[0], im[0] = <float>re[0], <float>im[0]
    wrong = apply_run(run, first, last, re, im, num_qubits, 0)
    if wrong >= 0:
        return wrong
    if single:
        for i in range(size):
            re[i], im[i] = <float>re[i], <float>im[i]
    sum_up(re, im, num_qubits, to, outcomes, sums)
    return -1


def probabilities(const real[::1] state, int lane_bits, int num_qubits, qubits):
    """Returns the probabilities of the outcomes of measuring `qubits`, float64, shape (2**m,).

    Args:
        state, lane_bits, num_qubits: as in `apply`.
        qubits: m distinct qubits; the first is the least significant bit of the outcome.
    """
    cdef index to[QUBITS]
    cdef double re[SIZE]
    cdef double im[SIZE]
    cdef index lanes, i, place, outcomes
    check_layout(state.shape[0], lane_bits, num_qubits)
    lanes = <index>1 << lane_bits
    outcomes = read_measured(to, num_qubits, qubits)
    out = np.empty(outcomes)
    cdef double[::1] sums = out
    for i in range(<index>1 << num_qubits):
        place = place_of(i, lane_bits)
        re[i], im[i] = state[place], state[place + lanes]
    sum_up(re, im, num_qubits, to, outcomes, &sums[0])
    return out


include "basicaer/_engine/state/circuits.pxi"


# --- one circuit -------------------------------------------------------------------------------

def draw_outcomes(int num_qubits, tuple kinds, const int32_t[::1] kind, const int32_t[::1] start,
                  const int32_t[::1] qubits, const int64_t[::1] offset,
                  const double complex[::1] coefficients, double complex amplitude, bint single,
                  measured, index shots, uint32_t seed, const double[::1] uniforms,
                  int64_t[::1] flags):
    """Applies a gate run to |0...0> and draws outcomes of the qubits `measured`.

    It is what `apply`, `probabilities` and `outcomes.CumulativeTable` do one after another, without
    arrays between them.

    Args:
        num_qubits, kinds, kind, start, qubits, offset, coefficients, flags: as in `apply`.
        amplitude: of |0...0>.
        single: whether the amplitudes are rounded to single precision, as in a state of it.
        measured: as `qubits` in `probabilities`.
        shots: number of outcomes.
        seed: of the uniforms, see `outcomes.Uniforms`, if they are not given.
        uniforms: float64, shape (shots,); or None.

    Returns:
        The outcomes, uint64, shape (shots, 1), the sum of the probabilities, and the seconds that
        the gates took.

    Raises:
        ValueError: a gate is malformed.
    """
    cdef Run run
    cdef index to[QUBITS]
    cdef double sums[SIZE]
    cdef int64_t guide[CELLS * SIZE + 1]
    cdef uint32_t key[WORDS]
    cdef double some[DRAWS]
    cdef const double* given = NULL
    cdef const double* at = some
    cdef index wrong, num_outcomes, cells, i, num, first = 0, used = DRAWS
    cdef double begun = seconds_now(), applied = begun, total = 0, scale
    check_layout(<index>2 << QUBITS, 0, num_qubits)
    read_run(&run, kinds, kind, start, qubits, offset, &coefficients[0], coefficients.shape[0],
             num_qubits)
    check_flags(flags)
    num_outcomes = read_measured(to, num_qubits, measured)
    if shots < 1 or uniforms is not None and uniforms.shape[0] != shots:
        raise ValueError(f"{shots} outcomes need as many uniforms; 1 is the least")
    if uniforms is not None:
        given = &uniforms[0]
    out = np.empty((shots, 1), UINT64)
    cdef uint64_t[:, ::1] found = out
    with nogil:
        wrong = final_probabilities(&run, 0, run.num_gates, num_qubits, amplitude.real,
                                    amplitude.imag, single, to, num_outcomes, sums)
        if wrong < 0:
            ba_add(&flags[FLAG_DONE], run.num_gates << num_qubits)
            applied = seconds_now()
            cells = cells_for(num_outcomes, shots)
            scale = <double>cells
            memset(guide, 0, (cells + 1) * sizeof(int64_t))
            total = cumulate(sums, num_outcomes, guide, cells)
            if given == NULL:
                seed_key(key, seed)
            while first < shots:
                num = min(<index>DRAWS, shots - first)
                if given == NULL:
                    used = fill(key, used, some, num)
                else:
                    at = given + first
                for i in range(num):
                    found[first + i, 0] = <uint64_t>outcome_of(at[i], sums, guide, cells, scale)
                first += num
    if wrong >= 0:
        raise malformed(wrong, num_qubits)
    return out, total, applied - begun
