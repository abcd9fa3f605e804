# The formulas of the gate table for matrix entries, evaluated without Python.

cdef extern from *:
    """
    /* Sine and cosine in one call, bit for bit those of two calls. */
    static inline void basicaer_sincos(double x, double *s, double *c) {
    #if defined(__GLIBC__) && defined(_GNU_SOURCE)
        sincos(x, s, c);
    #else
        *s = sin(x);
        *c = cos(x);
    #endif
    }
    """
    void sincos "basicaer_sincos"(double x, double* s, double* c) noexcept nogil

cdef enum:
    MOST_STEPS = 64
    MOST_SLOTS = 160
    MOST_CONSTANTS = 16
    MOST_PARAMETERS = 4
    BATCH = 32          # gates that are evaluated together, at most
    # The operation of a step: on real numbers, or (the last five) with complex results.
    ADD = 0
    SUBTRACT = 1
    MULTIPLY = 2
    DIVIDE = 3
    NEGATE = 4
    SQRT = 5
    SINC = 6
    CIS = 7
    COMPLEX_ADD = 8
    COMPLEX_SUBTRACT = 9
    COMPLEX_MULTIPLY = 10
    COMPLEX_NEGATE = 11

cdef struct Step:
    uint8_t does
    # Slots: of the parts of the operands, and of the real part of the result.
    uint8_t re_a
    uint8_t im_a
    uint8_t re_b
    uint8_t im_b
    uint8_t to


cdef struct Recipe:
    Step steps[MOST_STEPS]
    double constants[MOST_CONSTANTS]
    uint8_t constant_slots[MOST_CONSTANTS]
    uint8_t outputs[2 * MOST_STEPS]     # slots of the real and imaginary part of each entry
    int num_steps
    int num_slots
    int num_constants
    int num_entries
    int num_params


cdef double _slots[MOST_SLOTS * BATCH]  # scratch of `Formula.evaluate`; the GIL is held


class _Symbol:
    """A number in a formula that is being recorded: the slots of its real and imaginary part."""

    __slots__ = ("formula", "im", "is_complex", "re")

    def __init__(self, formula, re, im, is_complex):
        self.formula = formula
        self.re = re
        self.im = im
        self.is_complex = is_complex

    def __add__(self, other):
        return self.formula._binary(ADD, COMPLEX_ADD, self, other)

    def __radd__(self, other):
        return self.formula._binary(ADD, COMPLEX_ADD, other, self)

    def __sub__(self, other):
        return self.formula._binary(SUBTRACT, COMPLEX_SUBTRACT, self, other)

    def __rsub__(self, other):
        return self.formula._binary(SUBTRACT, COMPLEX_SUBTRACT, other, self)

    def __mul__(self, other):
        return self.formula._binary(MULTIPLY, COMPLEX_MULTIPLY, self, other)

    def __rmul__(self, other):
        return self.formula._binary(MULTIPLY, COMPLEX_MULTIPLY, other, self)

    def __truediv__(self, other):
        x = self.formula._negated(self)
        if x is not None:
            return -(x / other)
        if other == 2:
            return 0.5 * self  # exactly the same, and faster than a division
        return self.formula._binary(DIVIDE, None, self, other)

    def __neg__(self):
        return self.formula._step(COMPLEX_NEGATE if self.is_complex else NEGATE, self, self)


@embedsignature(True)
@final
cdef class Formula:
    """The entries of a gate's matrix as steps, each of which computes what Python computes.

    Numbers are kept in slots: slot 0 is 0.0, the parameters follow. A real number has one slot, and
    slot 0 is its imaginary part. The imaginary part of a step's complex result follows the real.

    Args:
        entries: a function of the gate table; it is called once, with symbols for its parameters.
        num_params: how many parameters the gate has.
    """

    cdef Recipe recipe
    cdef dict known, operands

    def __init__(self, entries, int num_params):
        cdef index i
        if num_params > MOST_PARAMETERS:
            raise ValueError(f"a gate of {num_params} parameters; {MOST_PARAMETERS} is the most")
        self.known = {}
        self.operands = {}
        self.recipe.num_params = num_params
        self.recipe.num_slots = 1 + num_params
        self.recipe.num_constants = 1  # slot 0
        parameters = [_Symbol(self, 1 + i, 0, False) for i in range(num_params)]
        functions = Functions(self._cos, self._sin, self._cis, self._sqrt, self._sinc)
        found = [self._symbol(entry) for entry in entries(functions, *parameters)]
        if len(found) > MOST_STEPS:
            raise ValueError(f"a gate of {len(found)} entries; {MOST_STEPS} are the most")
        self.recipe.num_entries = len(found)
        for i in range(len(found)):
            self.recipe.outputs[2 * i] = found[i].re
            self.recipe.outputs[2 * i + 1] = found[i].im

    def _cos(self, x):
        return _Symbol(self, self._cis(x).re, 0, False)

    def _sin(self, x):
        return _Symbol(self, self._cis(x).im, 0, False)

    def _cis(self, x):
        """Records both functions at once: the cosine is the real, the sine the imaginary part."""
        x = self._real(x)
        y = self._negated(x)
        if y is None:
            return self._step(CIS, x, x)
        y = self._cis(y)  # cis(-x) mostly accompanies cis(x)
        minus = self._step(NEGATE, _Symbol(self, y.im, 0, False), y)
        return _Symbol(self, y.re, minus.re, True)

    def _sqrt(self, x):
        x = self._real(x)
        return self._step(SQRT, x, x)

    def _sinc(self, x):
        x = self._real(x)
        return self._step(SINC, x, x)

    def _real(self, x):
        x = self._symbol(x)
        if x.is_complex:
            raise TypeError("a function of a complex number in the gate table")
        return x

    def _negated(self, symbol):
        """Returns the real x of a symbol that is the step -x; None for any other symbol."""
        return None if symbol.is_complex else self.operands.get(symbol.re)

    def _symbol(self, value):
        """Returns a number as a symbol."""
        if isinstance(value, _Symbol):
            return value
        z = complex(value)
        if not isinstance(value, complex):
            return _Symbol(self, self._constant(z.real), 0, False)
        return _Symbol(self, self._constant(z.real), self._constant(z.imag), True)

    def _constant(self, double value):
        """Returns the slot of a constant."""
        key = repr(value)  # it tells -0.0 from 0.0
        if key not in self.known:
            if self.recipe.num_constants == MOST_CONSTANTS:
                raise ValueError(f"more than {MOST_CONSTANTS} constants in the gate table")
            self.known[key] = slot = self._slots_for(1)
            self.recipe.constants[self.recipe.num_constants] = value
            self.recipe.constant_slots[self.recipe.num_constants] = slot
            self.recipe.num_constants += 1
        return self.known[key]

    def _slots_for(self, int count):
        self.recipe.num_slots += count
        if self.recipe.num_slots > MOST_SLOTS:
            raise ValueError(f"a formula of more than {MOST_SLOTS} numbers in the gate table")
        return self.recipe.num_slots - count

    def _binary(self, real, with_complex, a, b):
        a, b = self._symbol(a), self._symbol(b)
        is_complex = a.is_complex or b.is_complex
        if is_complex and with_complex is None:
            raise TypeError("a division of complex numbers in the gate table")
        return self._step(with_complex if is_complex else real, a, b)

    def _step(self, int does, a, b):
        """Adds a step, or finds one that does the same; returns its symbol."""
        is_complex = does >= CIS
        key = (does, a.re, a.im, b.re, b.im) if does > CIS else (does, a.re, b.re)
        if key not in self.known:
            if self.recipe.num_steps == MOST_STEPS:
                raise ValueError(f"a formula of more than {MOST_STEPS} steps in the gate table")
            to = self._slots_for(2 if is_complex else 1)
            self.recipe.steps[self.recipe.num_steps] = Step(does, a.re, a.im, b.re, b.im, to)
            self.recipe.num_steps += 1
            if does == NEGATE:
                self.operands[to] = a
            self.known[key] = _Symbol(self, to, to + 1 if is_complex else 0, is_complex)
        return self.known[key]

    def __call__(self, *parameters):
        """Returns the entries, a tuple of complex numbers."""
        cdef double values[MOST_PARAMETERS * BATCH]
        cdef double complex out[MOST_STEPS]
        cdef index start = 0
        if len(parameters) != self.recipe.num_params:
            raise TypeError(f"{self.recipe.num_params} parameters are needed, not {len(parameters)}")
        for i, value in enumerate(parameters):
            values[<index>i * BATCH] = value
        self.evaluate(1, values, &start, <double*>out)
        return tuple([out[i] for i in range(self.recipe.num_entries)])

    cdef void evaluate(
        self, index num, const double* parameters, const index* starts, double* out
    ) noexcept:
        """As the function `evaluate`."""
        evaluate(&self.recipe, _slots, num, parameters, starts, out)


cdef void evaluate(
    const Recipe* recipe, double* slots, index num, const double* parameters, const index* starts,
    double* out
) noexcept nogil:
    """Writes the entries of some gates into `out`: re, im, re, im, ...

    Args:
        slots: scratch, of ``MOST_SLOTS * BATCH`` numbers.
        num: the number of gates, at most `BATCH`.
        parameters: parameter p of gate i is at index ``p * BATCH + i``.
        starts: for each gate, which complex number of `out` is its first entry.
    """
    cdef const Step* s
    cdef const double* a
    cdef const double* b
    cdef const double* ai
    cdef const double* bi
    cdef double* to
    cdef index i, n
    for n in range(recipe.num_constants):
        to = slots + recipe.constant_slots[n] * BATCH
        for i in range(num):
            to[i] = recipe.constants[n]
    for n in range(recipe.num_params):
        memcpy(slots + (1 + n) * BATCH, parameters + n * BATCH, num * sizeof(double))
    for n in range(recipe.num_steps):
        s = &recipe.steps[n]
        a = slots + s.re_a * BATCH
        b = slots + s.re_b * BATCH
        ai = slots + s.im_a * BATCH
        bi = slots + s.im_b * BATCH
        to = slots + s.to * BATCH
        if s.does == ADD:
            for i in range(num):
                to[i] = a[i] + b[i]
        elif s.does == SUBTRACT:
            for i in range(num):
                to[i] = a[i] - b[i]
        elif s.does == MULTIPLY:
            for i in range(num):
                to[i] = a[i] * b[i]
        elif s.does == DIVIDE:
            for i in range(num):
                to[i] = a[i] / b[i]
        elif s.does == NEGATE:
            for i in range(num):
                to[i] = -a[i]
        elif s.does == SQRT:
            for i in range(num):
                to[i] = sqrt(a[i])
        elif s.does == SINC:
            for i in range(num):
                to[i] = sin(a[i]) / a[i] if a[i] != 0 else 1
        elif s.does == CIS:
            for i in range(num):
                sincos(a[i], to + BATCH + i, to + i)
        elif s.does == COMPLEX_ADD:
            for i in range(num):
                to[i] = a[i] + b[i]
                to[BATCH + i] = ai[i] + bi[i]
        elif s.does == COMPLEX_SUBTRACT:
            for i in range(num):
                to[i] = a[i] - b[i]
                to[BATCH + i] = ai[i] - bi[i]
        elif s.does == COMPLEX_MULTIPLY:
            for i in range(num):
                to[i] = a[i] * b[i] - ai[i] * bi[i]
                to[BATCH + i] = a[i] * bi[i] + ai[i] * b[i]
        elif s.does == COMPLEX_NEGATE:
            for i in range(num):
                to[i] = -a[i]
                to[BATCH + i] = -ai[i]
    for n in range(2 * recipe.num_entries):
        a = slots + recipe.outputs[n] * BATCH
        for i in range(num):
            out[2 * starts[i] + n] = a[i]
