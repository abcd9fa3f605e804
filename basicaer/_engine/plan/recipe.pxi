# The end of planning: the coefficients of a plan, and how to make them again.
#
# Takes   `tape`, `registers`, `sources`, `fills`.
# Leaves  coefficients: the register of each source; where there is a fill, the coefficients of a
#         gate on many qubits in the order that its kernel wants.

cdef void fill_lookup(real* out, const Fill* fill, const int32_t* given, const double* c,
                      int lane_bits) noexcept nogil:
    """A diagonal, the lane qubits among its own folded in."""
    cdef int k = fill.num_targets, i, l, lanes = 1 << lane_bits, outside
    cdef index y, entry
    for y in range(fill.reals >> lane_bits + 1):
        for l in range(lanes):
            entry = 0
            outside = 0
            for i in range(k):
                if given[i] < lane_bits:
                    entry |= <index>((l >> given[i]) & 1) << i
                else:
                    entry |= ((y >> outside) & 1) << i
                    outside += 1
            if (l & fill.lane_mask) == fill.lane_value:
                out[l] = <real>c[2 * entry]
                out[lanes + l] = <real>c[2 * entry + 1]
            else:
                out[l] = 1
                out[lanes + l] = 0
        out += 2 * lanes


cdef void fill_dense3to5(real* out, const Fill* fill, const int32_t* given, const double* c,
                         int lane_bits) noexcept nogil:
    """A dense matrix, in vectors; a column's lane targets say between which lanes."""
    cdef int k = fill.num_targets, i, j, l, num_block = 0, num_lane = 0, lanes = 1 << lane_bits
    cdef int rank
    cdef index size = <index>1 << k, r, col, x, at
    cdef index of_lane[16]      # of each lane: its lane targets' bits of a row or column
    cdef index of_lanes[32]     # of the lane targets' values, in the order of the lanes
    cdef index of_block[32]     # of the block targets' values, as listed
    memset(of_lane, 0, 16 * sizeof(index))
    memset(of_lanes, 0, 32 * sizeof(index))
    memset(of_block, 0, 32 * sizeof(index))
    for i in range(k):
        if given[i] < lane_bits:
            rank = 0
            for j in range(k):
                rank += given[j] < given[i]
            num_lane += 1
            for l in range(lanes):
                of_lane[l] |= <index>(l >> given[i] & 1) << i
            for x in range(size):
                of_lanes[x] |= (x >> rank & 1) << i
        else:
            for x in range(size):
                of_block[x] |= (x >> num_block & 1) << i
            num_block += 1
    for r in range(<index>1 << num_block):
        for col in range(size):
            x = col & (<index>1 << num_lane) - 1
            for l in range(lanes):
                if (l & fill.lane_mask) == fill.lane_value:
                    at = 2 * (size * (of_lane[l] | of_block[r])
                              + (of_lane[l] ^ of_lanes[x] | of_block[col >> num_lane]))
                    out[l] = <real>c[at]
                    out[lanes + l] = <real>c[at + 1]
                else:
                    out[l] = 1 if r == col >> num_lane and x == 0 else 0
                    out[lanes + l] = 0
            out += 2 * lanes


cdef void fill_dense6up(real* out, const Fill* fill, const double* c) noexcept nogil:
    """A dense matrix, column by column: re of all rows, im of all rows."""
    cdef index size = <index>1 << fill.num_targets, r, column, i
    for column in range(size):
        for r in range(size):
            out[2 * size * column + r] = <real>c[2 * (size * r + column)]
            out[2 * size * column + size + r] = <real>c[2 * (size * r + column) + 1]
    for i in range(2 * size * size, fill.reals):
        out[i] = 0


cdef class Recipe:
    """How a plan's coefficients are made of those of its gates.

    It does not change any more, and may be used by any number of threads at the same time.
    """

    cdef Growable tape, sources, fills, fill_targets
    cdef index num_registers, out_reals, num_coefficients
    cdef int lane_bits

    def __dealloc__(self):
        keep_spare(&self.tape, TAPE)
        keep_spare(&self.sources, SOURCES)
        free(self.fills.data)
        free(self.fill_targets.data)

    def refresh(self, const double complex[::1] coefficients, bint single):
        """Returns what a plan for other coefficients has, if all else of it is the same.

        Args:
            coefficients: complex128, of the gates' matrices.
            single: whether the plan's coefficients are float32; otherwise they are float64.

        Returns:
            The plan's coefficients and its scalar; None if the gates need another plan.

        Raises:
            ValueError: there are more or fewer coefficients than were planned.
        """
        cdef bint same
        cdef const double* c = NULL
        if coefficients.shape[0] != self.num_coefficients:
            raise ValueError(f"the plan is for {self.num_coefficients} coefficients, not for "
                             f"{coefficients.shape[0]}")
        if self.num_coefficients:
            c = <const double*>&coefficients[0]
        cdef double* registers = <double*>malloc(self.num_registers * sizeof(double))
        if registers == NULL:
            raise MemoryError("no memory left for the gates of the circuit")
        try:
            with nogil:
                same = run_again(self, registers, c)
            if not same:
                return None
            return (coefficients_of(self, registers, c, single),
                    complex(registers[R_SCALAR], registers[R_SCALAR + 1]))
        finally:
            free(registers)


cdef void write_coefficients(Recipe t, real* out, const double* registers,
                             const double* c) noexcept nogil:
    """Writes all coefficients of a plan, when the steps are done."""
    cdef const index* sources = <index*>t.sources.data
    cdef const Fill* fill
    cdef const int32_t* targets
    cdef index at = 0, until, i, k, source, lanes = <index>1 << t.lane_bits
    cdef real value
    for i in range(count_of(&t.fills, sizeof(Fill)) + 1):
        fill = <Fill*>t.fills.data + i
        until = t.out_reals if i == count_of(&t.fills, sizeof(Fill)) else fill.at
        while at < until:
            source = sources[0]
            sources += 1
            if source >= 0:
                value = <real>registers[source]
                for k in range(lanes):
                    out[at + k] = value
                at += lanes
            else:
                for k in range(-source * lanes):
                    out[at + k] = <real>registers[sources[k]]
                sources += -source * lanes
                at += -source * lanes
        if at == t.out_reals:
            break
        targets = <int32_t*>t.fill_targets.data + fill.targets
        if fill.op == OP_LOOKUP:
            fill_lookup(out + at, fill, targets, c + 2 * fill.offset, t.lane_bits)
        elif fill.op == OP_DENSE3TO5:
            fill_dense3to5(out + at, fill, targets, c + 2 * fill.offset, t.lane_bits)
        else:
            fill_dense6up(out + at, fill, c + 2 * fill.offset)
        at += fill.reals


cdef object coefficients_of(Recipe t, const double* registers, const double* c, bint single):
    """Returns the coefficients of a plan, an array aligned to a cache line."""
    cdef char* data
    out = aligned_at(max(t.out_reals, 1), FLOAT32 if single else FLOAT64, 4 if single else 8, &data)
    if t.out_reals == 0:
        memset(data, 0, 4 if single else 8)
    with nogil:
        if single:
            write_coefficients[float](t, <float*>data, registers, c)
        else:
            write_coefficients[double](t, <double*>data, registers, c)
    return out


cdef bint run_again(Recipe t, double* registers, const double* c) noexcept nogil:
    """Takes all steps with other coefficients; False if a question has another answer now."""
    cdef const Step* steps = <Step*>t.tape.data
    cdef index i
    set_constants(registers)
    for i in range(count_of(&t.tape, sizeof(Step))):
        if carry_out(steps + i, registers, c) != steps[i].answer:
            return False
    return True


cdef Recipe recipe_of(Planner p, index num_coefficients):
    """Returns the recipe of a plan; takes it over from the planner."""
    cdef Recipe t = Recipe()
    t.tape, t.sources, t.fills, t.fill_targets = p.tape, p.sources, p.fills, p.fill_targets
    p.tape = p.sources = p.fills = p.fill_targets = Growable(NULL, 0, 0)
    t.num_registers = p.most_registers
    t.out_reals, t.num_coefficients, t.lane_bits = p.out_reals, num_coefficients, p.lane_bits
    return t
