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
    void sincos "basicaer_sincos"(double x, double* s, double* c) noexcept

cdef enum:
    MOST_STEPS = 64
    MOST_PARAMETERS = 4
    # The operation of a step.
    PARAMETER = 0
    CONSTANT = 1
    ADD = 2
    SUBTRACT = 3
    MULTIPLY = 4
    DIVIDE = 5
    NEGATE = 6
    COS = 7
    SIN = 8
    CIS = 9
    SQRT = 10
    SINC = 11
    CONJUGATE = 12

cdef struct Step:
    int does
    int a           # the steps of its operands; of a parameter, its index
    int b
    bint is_complex


class _Symbol:
    """A number in a formula that is being recorded: the step that computes it."""

    __slots__ = ("formula", "is_complex", "step")

    def __init__(self, formula, step, is_complex):
        self.formula = formula
        self.step = step
        self.is_complex = is_complex

    def _with(self, does, a, b):
        a, b = self.formula._symbol(a), self.formula._symbol(b)
        return self.formula._step(does, a.step, b.step, a.is_complex or b.is_complex)

    def __add__(self, other):
        return self._with(ADD, self, other)

    def __radd__(self, other):
        return self._with(ADD, other, self)

    def __sub__(self, other):
        return self._with(SUBTRACT, self, other)

    def __rsub__(self, other):
        return self._with(SUBTRACT, other, self)

    def __mul__(self, other):
        return self._with(MULTIPLY, self, other)

    def __rmul__(self, other):
        return self._with(MULTIPLY, other, self)

    def __truediv__(self, other):
        x = self.formula._negated(self)
        if x is not None:
            return -(x / other)
        if other == 2:
            return 0.5 * self  # exactly the same, and faster than a division
        return self._with(DIVIDE, self, other)

    def __neg__(self):
        return self.formula._step(NEGATE, self.step, self.step, self.is_complex)


@embedsignature(True)
cdef class Formula:
    """The entries of a gate's matrix as steps, each of which computes what Python computes.

    Args:
        entries: a function of the gate table; it is called once, with symbols for its parameters.
        num_params: how many parameters the gate has.
    """

    cdef Step steps[MOST_STEPS]
    cdef int outputs[MOST_STEPS]
    cdef int to_do[MOST_STEPS]      # steps to carry out: neither parameters nor constants
    cdef int num_steps, num_to_do, num_entries, num_params
    cdef double re[MOST_STEPS]      # the value of each step; only those of constants stay
    cdef double im[MOST_STEPS]
    cdef dict known

    def __init__(self, entries, int num_params):
        cdef index i
        if num_params > MOST_PARAMETERS:
            raise ValueError(f"a gate of {num_params} parameters; {MOST_PARAMETERS} is the most")
        self.known = {}
        self.num_params = num_params
        parameters = [self._step(PARAMETER, i, 0, False) for i in range(num_params)]
        functions = Functions(*[self._function(does) for does in (COS, SIN, CIS, SQRT, SINC)])
        found = [self._symbol(entry) for entry in entries(functions, *parameters)]
        if len(found) > MOST_STEPS:
            raise ValueError(f"a gate of {len(found)} entries; {MOST_STEPS} are the most")
        self.num_entries = len(found)
        for i in range(len(found)):
            self.outputs[i] = found[i].step

    def _function(self, int does):
        def apply(x):
            x = self._symbol(x)
            if x.is_complex:
                raise TypeError("a function of a complex number in the gate table")
            y = self._negated(x) if does == CIS else None
            if y is not None:  # cis(-x) mostly accompanies cis(x)
                y = apply(y)
                return self._step(CONJUGATE, y.step, y.step, True)
            return self._step(does, x.step, x.step, does == CIS)

        return apply

    def _negated(self, symbol):
        """Returns the real x of a symbol that is the step -x; None for any other step."""
        cdef Step* s = &self.steps[<int>symbol.step]
        return _Symbol(self, s.a, False) if s.does == NEGATE and not s.is_complex else None

    def _symbol(self, value):
        """Returns a number as a symbol."""
        if isinstance(value, _Symbol):
            return value
        z = complex(value)
        is_complex = isinstance(value, complex)
        return self._step(CONSTANT, 0, 0, is_complex, z.real, z.imag)

    def _step(self, int does, int a, int b, bint is_complex, double re=0, double im=0):
        """Adds a step, or finds one that does the same; returns its symbol."""
        cdef int place
        if does == DIVIDE and is_complex:
            raise TypeError("a division of complex numbers in the gate table")
        key = (does, a, b, is_complex)
        if does == CONSTANT:
            key = (is_complex, repr(re), repr(im))  # repr tells -0.0 from 0.0
        if key not in self.known:
            place = self.num_steps
            if place == MOST_STEPS:
                raise ValueError(f"a formula of more than {MOST_STEPS} steps in the gate table")
            self.steps[place] = Step(does, a, b, is_complex)
            self.re[place] = re
            self.im[place] = im
            self.num_steps += 1
            if does != PARAMETER and does != CONSTANT:
                self.to_do[self.num_to_do] = place
                self.num_to_do += 1
            self.known[key] = place
        return _Symbol(self, self.known[key], is_complex)

    def __call__(self, *parameters):
        """Returns the entries, a tuple of complex numbers."""
        cdef double values[MOST_PARAMETERS]
        cdef double complex out[MOST_STEPS]
        if len(parameters) != self.num_params:
            raise TypeError(f"{self.num_params} parameters are needed, not {len(parameters)}")
        for i, value in enumerate(parameters):
            values[<index>i] = value
        self.evaluate(values, <double*>out)
        return tuple([out[i] for i in range(self.num_entries)])

    cdef void evaluate(self, const double* parameters, double* out) noexcept:
        """Writes the entries into `out`: re, im, re, im, ...

        The values of the steps are the formula's own, so the GIL is held.
        """
        cdef double* re = self.re
        cdef double* im = self.im
        cdef const Step* s
        cdef int i, n
        cdef double x, y, u, v
        for i in range(self.num_params):  # the first steps
            re[i] = parameters[i]
        for n in range(self.num_to_do):
            i = self.to_do[n]
            s = &self.steps[i]
            x, y, u, v = re[s.a], im[s.a], re[s.b], im[s.b]
            if s.does == ADD:
                re[i] = x + u
                im[i] = y + v
            elif s.does == SUBTRACT:
                re[i] = x - u
                im[i] = y - v
            elif s.does == MULTIPLY:
                if s.is_complex:
                    re[i] = x * u - y * v
                    im[i] = x * v + y * u
                else:
                    re[i] = x * u
            elif s.does == DIVIDE:
                re[i] = x / u
            elif s.does == NEGATE:
                re[i] = -x
                if s.is_complex:
                    im[i] = -y
            elif s.does == COS:
                re[i] = cos(x)
            elif s.does == SIN:
                re[i] = sin(x)
            elif s.does == CIS:
                sincos(x, &im[i], &re[i])
            elif s.does == SQRT:
                re[i] = sqrt(x)
            elif s.does == SINC:
                re[i] = sin(x) / x if x != 0 else 1
            elif s.does == CONJUGATE:
                re[i] = x
                im[i] = -y
        for i in range(self.num_entries):
            out[2 * i] = re[self.outputs[i]]
            out[2 * i + 1] = im[self.outputs[i]]
