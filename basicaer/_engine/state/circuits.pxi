# Many circuits: from the gates of all of them to the probabilities of what each measures.

def distributions(tuple kinds, const int32_t[::1] kind, const int32_t[::1] start,
                  const int32_t[::1] qubits, const int64_t[::1] offset,
                  const double complex[::1] coefficients, const int64_t[::1] ends,
                  const int32_t[::1] widths, const double complex[::1] amplitudes,
                  const int32_t[::1] measured, bint single, double[:, ::1] out,
                  int64_t[::1] flags):
    """Computes the probabilities of the outcomes of circuits, one circuit after another.

    Each starts in |0...0> and measures some qubits at its end. They are those that `apply` and
    then `probabilities` give for one state, in the same order of sums.

    Args:
        kinds, kind, start, qubits, offset, coefficients: the gates of all circuits one after
            another, see `program.Gates`.
        ends: for each circuit the number of gates up to its end, int64, shape (circuits,).
        widths: its number of qubits, at most `MOST_QUBITS`; int32, shape (circuits,).
        amplitudes: its amplitude of |0...0> at the start, complex128, shape (circuits,).
        measured: the mask of the qubits that it measures, int32, shape (circuits,). The lowest is
            the least significant bit of the outcome.
        single: whether amplitudes are rounded to single precision, as `apply` does.
        out: shape (circuits, outcomes); the probabilities are written to the front of each row.
        flags: of the job, see `control.Control`. Once ``flags[STOP]`` is set, the rest is left out.

    Raises:
        ValueError: a gate is malformed, or the arrays do not belong together.
    """
    cdef Form forms[KINDS]
    cdef double re[SIZE]
    cdef double im[SIZE]
    cdef index to[QUBITS]
    cdef index outcome[SIZE]
    cdef index circuits = ends.shape[0], num_kinds = len(kinds), size, row, i, first
    cdef index wrong = -1, beyond = -1
    cdef int64_t last
    cdef int bit, width
    cdef const Form* form
    cdef const int32_t* on = &qubits[0] if qubits.shape[0] else NULL
    read_forms(forms, kinds, QUBITS)
    if flags.shape[0] < NUM_FLAGS:
        raise ValueError("there is no flag to count in")
    if start.shape[0] != kind.shape[0] + 1 or offset.shape[0] != kind.shape[0]:
        raise ValueError("the arrays of a gate run do not belong together")
    if not (widths.shape[0] == amplitudes.shape[0] == measured.shape[0] == out.shape[0]
            == circuits):
        raise ValueError("the arrays of the circuits do not belong together")
    with nogil:
        first = 0
        for row in range(circuits):
            if flags[FLAG_STOP]:
                break
            width, last = widths[row], ends[row]
            if not 0 <= width <= QUBITS or not first <= last <= kind.shape[0]:
                beyond = row
                break
            if measured[row] >> width or <index>1 << ones(measured[row]) > out.shape[1]:
                beyond = row
                break
            size = <index>1 << width
            for i in range(size):
                re[i] = im[i] = 0
            re[0], im[0] = amplitudes[row].real, amplitudes[row].imag
            if single:
                re[0], im[0] = <float>re[0], <float>im[0]
            for i in range(first, last):
                wrong = i
                if not 0 <= kind[i] < num_kinds:
                    break
                form = &forms[kind[i]]
                if not is_gate(form.diagonal, form.targets, form.controls, start[i], start[i + 1],
                               on, qubits.shape[0], offset[i], coefficients.shape[0], 0, width):
                    break
                apply_gate(re, im, width, form, on + start[i], 0,
                           <const double*>(&coefficients[0] + offset[i]))
                wrong = -1
            if wrong >= 0:
                break
            if single:
                for i in range(size):
                    re[i], im[i] = <float>re[i], <float>im[i]
            i = 1
            for bit in range(width):
                to[bit] = 0
                if measured[row] >> bit & 1:
                    to[bit] = i
                    i *= 2
            sum_up(re, im, width, to, i, outcome, &out[row, 0])
            ba_add(&flags[FLAG_DONE], (last - first) << width)
            first = last
    if wrong >= 0:
        raise malformed(wrong, widths[row])
    if beyond >= 0:
        raise ValueError(f"circuit {beyond} has gates or qubits that are not there")


cdef void sum_up(const double* re, const double* im, int width, const index* to, index num,
                 index* outcome, double* sums) noexcept nogil:
    """Adds up the probabilities of each outcome.

    Args:
        to: for each qubit what it contributes to the outcome's number.
        num: number of outcomes.
        outcome: room for the outcome of each amplitude.
        sums: receives the probabilities.
    """
    cdef index i, bit = 1
    cdef int q
    for i in range(num):
        sums[i] = 0
    outcome[0] = 0
    for q in range(width):
        for i in range(bit):
            outcome[bit + i] = outcome[i] + to[q]
        bit *= 2
    for i in range(bit):
        sums[outcome[i]] += re[i] * re[i] + im[i] * im[i]
