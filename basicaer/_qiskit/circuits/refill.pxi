# New values of parameters, filled into the coefficients of a gate run.

cdef dict _formulas = {}        # the Formula of each function of the gate table


cdef Formula formula_of(entries, int num_params):
    """Returns the formula of a function of the gate table, the same object each time."""
    if entries not in _formulas:
        _formulas[entries] = Formula(entries, num_params)
    return _formulas[entries]


@embedsignature(True)
cdef class Refill:
    """Fills in the coefficients of a gate run that depend on parameters.

    Gates with the same formula are evaluated together.

    Args:
        coefficients: those of the gate run, complex128; the others are taken from it.
        frees: for each gate: index of its first coefficient, the function of the gate table, and
            the index of the source of each of its parameters.
    """

    cdef double[::1] fixed          # re, im, re, im, ...
    cdef list formulas              # the distinct ones, the gates are sorted by them
    cdef list counts                # how many gates each has
    cdef int64_t[::1] offsets       # of all gates
    cdef int64_t[::1] sources       # of all gates, one after the other
    cdef index most

    def __init__(self, coefficients, frees):
        cdef Formula formula
        alike = {}
        for offset, entries, arguments in frees:
            formula = formula_of(entries, len(arguments))
            if not 0 <= offset <= len(coefficients) - formula.recipe.num_entries:
                raise ValueError(f"{formula.recipe.num_entries} coefficients do not fit at {offset}")
            alike.setdefault(formula, []).append((offset, arguments))
        gates = [gate for group in alike.values() for gate in group]
        sources = [source for _, arguments in gates for source in arguments]
        if min(sources, default=0) < 0:
            raise ValueError("the index of a source is negative")
        self.fixed = np.array(coefficients, dtype=np.complex128).view(np.float64)
        self.formulas = list(alike)
        self.counts = [len(group) for group in alike.values()]
        self.offsets = np.array([offset for offset, _ in gates], dtype=np.int64)
        self.sources = np.array(sources, dtype=np.int64)
        self.most = max(sources, default=0)

    def rows(self, const double[:, ::1] columns):
        """Returns the coefficients for each row of values.

        Args:
            columns: the value of each source, shape (sources, rows).

        Returns:
            The coefficients, complex128, shape (rows, coefficients), and whether all are finite.
        """
        cdef index i
        cdef double zero = 0
        cdef index num_rows = columns.shape[1], size = self.fixed.shape[0], row
        if self.sources.shape[0] and self.most >= columns.shape[0]:
            raise ValueError(f"{self.most + 1} sources are needed, not {columns.shape[0]}")
        table = np.empty((num_rows, size // 2), dtype=np.complex128)
        if not num_rows or not size:
            return table, True
        cdef double complex[:, ::1] rows = table
        cdef double* out
        for row in range(num_rows):
            out = <double*>&rows[row, 0]
            memcpy(out, &self.fixed[0], size * sizeof(double))
            self.fill(columns, row, out)
            for i in range(size):
                zero = zero + out[i] * 0  # NaN if it is not finite
        return table, zero == 0

    cdef int fill(self, const double[:, ::1] columns, index row, double* out) except -1:
        """Writes the coefficients of one row of values."""
        cdef double values[MOST_PARAMETERS * BATCH]
        cdef index starts[BATCH]
        cdef index group, gate = 0, source = 0, last, num, k
        cdef Formula formula
        for group in range(len(self.formulas)):
            formula = <Formula>self.formulas[group]
            last = gate + <index>self.counts[group]
            while gate < last:
                num = 0
                while gate < last and num < BATCH:
                    starts[num] = self.offsets[gate]
                    for k in range(formula.recipe.num_params):
                        values[k * BATCH + num] = columns[self.sources[source], row]
                        source += 1
                    num += 1
                    gate += 1
                formula.evaluate(num, values, starts, out)
        return 0
