# What planning does with numbers: steps on registers, kept on a tape that can be run again.
#
# Stages 1 to 5 compute no entry of a matrix themselves. They take `step`s, which read and write
# `registers`, and branch on values only where a step is a question. Everything else they decide by
# kinds and qubits. So a gate run of the same structure with other coefficients has the same plan
# if all questions are answered alike: `Recipe` (recipe.pxi) runs the steps again, by the same
# code, and stops at the first answer that is another one.
#
#     registers   0 | 1 | scalar: re, im | W of `x_turn`: 8 reals | matrices and factors ...
#
# Registers are named by their index. Those of a matrix that was multiplied into another one are
# given back and used again; those of items and factors keep what they hold, so that the plan's
# coefficients are read when all steps are done.

cdef enum:
    R_ZERO = 0
    R_ONE = 1
    R_SCALAR = 2        # multiplies all amplitudes
    R_TURN = 4
    R_FREE = 12         # the first register of the stages

cdef enum:
    # Reads the gates' coefficients from number `a` on; writes a matrix to `out`.
    LOAD2 = 0               # 2x2
    LOAD2_DIAGONAL = 1
    LOAD4 = 2               # 4x4
    LOAD4_DIAGONAL = 3
    LOAD4_CONTROLLED = 4    # the first qubit is a control, which must be `b`
    LOAD4_CONTROLLED_DIAGONAL = 5
    # Reads and writes registers.
    IDENTITY2 = 6
    SET_ONE = 7             # out = 1
    SCALE = 8               # `b` entries of `out` times a
    QUOTIENT = 9            # out = a / b
    BOTH_FACTOR = 10        # out = d0 d3 / (d1 d2), of the diagonal of a 4x4 matrix a
    MATMUL2 = 11            # out = a b
    MATMUL4 = 12
    LEFT = 13               # out = a out, `a` a 2x2 matrix on side `b`
    RIGHT = 14              # out = out a
    EXCHANGE = 15           # names the qubits of `out` the other way round
    BLOCK_BY_1 = 16         # of `out`, 4x4, only the block where the second qubit is 0 is left
    BLOCK_BY_0 = 17         # where the first is
    BLOCKS = 18             # out: both blocks of a matrix that is STEERED_BY_1
    TURN_X = 19             # `x_turn` of out, on side `b`
    SCALE_X_LEFT = 20       # `x_scale` of out by a, on side `b`
    SCALE_X_RIGHT = 21
    TANGENT = 22            # out = a, out + 2 = -a
    MULTIPLY = 60           # out = a b, numbers
    # Questions: about a matrix a. Some write what they find to `out`.
    IS_SWAP_GATE = 23       # a: as for LOAD4; the pattern is SWAP4
    IS_SWAP = 24            # likewise, of a register
    HAS_UNITS2 = 25         # the diagonal of a 2x2 matrix
    HAS_UNITS4 = 26
    IS_ABOUT_ONE = 27       # a number
    IS_ONE = 28
    IS_REAL = 29
    IS_IDENTITY = 30
    IS_FLIP = 31
    IS_CROSS = 32
    IS_SCALAR2 = 33         # its diagonal has one value
    SPLITS = 34             # `weyl`; out: see WEYL_AFTER, ...
    TURNS = 35              # `euler`; out: first, last, the tangent
    IS_X4 = 36              # whether a, a 4x4 matrix, times b on its first and `out` on its second
                            # qubit acts on 00, 11 and on 01, 10 apart; -1: times nothing
    FLIPS = 37              # of two 2x2 matrices, the second is X times the first
    TURN = 38               # `as_turn` of a 2x2 matrix, `b` its kind; out: see TURN_T
    # More that reads and writes registers.
    COPY = 39               # out = a
    INVERSE_SQUARE = 40     # out = 1 / a^2
    X_BLOCK = 41            # of a 4x4 matrix, what acts on 00, 11 or, if `b` is 1, on 01, 10
    X_JOIN = 42             # out: the 4x4 matrix of two such blocks, a and b
    X_FACTORS = 43          # out: factors of two turned blocks, a and b, which may change; see
                            # X_BEFORE
    FLIP_TURN = 45          # out: as BOTH_TURNS, of a turn a and of X times it
    BOTH_TURNS = 46         # out: the matrices of two turns, a and b, t and form of both
    IS_REAL2 = 47           # a question: of a turn, whether its matrix is real

# What SPLITS writes: a 2x2 matrix for each qubit after the X and before it, the X, which becomes
# the matrix of an item: with tangents, and these again with the other sign.
cdef enum:
    WEYL_AFTER = 0
    WEYL_BEFORE = 16
    WEYL_X = 32
    WEYL_REALS = 52
    X_TANGENTS = 16         # behind the X

# What TURN writes: the turn's matrix, unscaled; its tangent and form; what comes after and before
# it, of the amplitude where the qubit is 1; the scale of all.
cdef enum:
    TURN_T = 8
    TURN_FORM = 9
    TURN_AFTER = 10
    TURN_BEFORE = 12
    TURN_SCALE = 14
    TURN_REALS = 16

# What X_FACTORS writes: factors of the amplitudes where the second qubit is 1 and where both are,
# before the turns; after them, where the first, the second, both are 1; the scale of all.
cdef enum:
    X_BEFORE = 0
    X_AFTER = 4
    X_SCALE = 10
    X_REALS = 12

# What TURNS writes.
cdef enum:
    EULER_FIRST = 0
    EULER_LAST = 4
    EULER_TANGENT = 8
    EULER_REALS = 9

cdef struct Step:
    int what
    int answer      # of a question
    index out
    index a
    index b


cdef void set_constants(double* r) noexcept nogil:
    """Fills the first registers."""
    memset(r, 0, R_FREE * sizeof(double))
    r[R_ONE] = 1
    r[R_SCALAR] = 1
    r[R_TURN + 2] = -1
    r[R_TURN + 4] = 1


cdef int carry_out(const Step* s, double* r, const double* c) noexcept nogil:
    """Takes a step on the registers `r`, with the gates' coefficients `c`; returns the answer."""
    cdef int what = s.what, i, k
    cdef double* out = r + s.out
    cdef const double* a
    cdef double t[2]
    cdef bint flip
    if what <= LOAD4_CONTROLLED_DIAGONAL:
        a = c + 2 * s.a
        k = s.b
        if what == LOAD2:
            memcpy(out, a, 8 * sizeof(double))
            return 0
        if what == LOAD4:
            memcpy(out, a, 32 * sizeof(double))
            return 0
        if what == LOAD2_DIAGONAL:
            memset(out, 0, 8 * sizeof(double))
            memcpy(out, a, 2 * sizeof(double))
            memcpy(out + 6, a + 2, 2 * sizeof(double))
            return 0
        memset(out, 0, 32 * sizeof(double))
        if what == LOAD4_DIAGONAL:
            for i in range(4):
                memcpy(out + 10 * i, a + 2 * i, 2 * sizeof(double))
            return 0
        for i in range(2):
            out[10 * (2 * i + 1 - k)] = 1
        if what == LOAD4_CONTROLLED:
            for i in range(4):
                memcpy(out + 2 * (4 * (2 * (i >> 1) + k) + 2 * (i & 1) + k), a + 2 * i,
                       2 * sizeof(double))
        else:
            for i in range(2):
                memcpy(out + 10 * (2 * i + k), a + 2 * i, 2 * sizeof(double))
        return 0
    if what == IS_SWAP_GATE:
        return is_swap4(c + 2 * s.a, SWAP4)
    a = r + s.a
    if what == MATMUL2:
        matmul(out, a, r + s.b, 2)
    elif what == LEFT:
        mul_left(out, a, s.b)
    elif what == RIGHT:
        mul_right(out, a, s.b)
    elif what == MATMUL4:
        matmul(out, a, r + s.b, 4)
    elif what == SCALE:
        for i in range(<int>s.b):
            zmul(out + 2 * i, out + 2 * i, a)
    elif what == QUOTIENT:
        zdiv(out, a, r + s.b)
    elif what == MULTIPLY:
        zmul(out, a, r + s.b)
    elif what == BOTH_FACTOR:
        zdiv(out, a + 30, a + 10)
        zdiv(t, a, a + 20)
        zmul(out, out, t)
    elif what == HAS_UNITS2:
        return unit(a) and unit(a + 6)
    elif what == HAS_UNITS4:
        return unit(a) and unit(a + 10) and unit(a + 20) and unit(a + 30)
    elif what == IS_ABOUT_ONE:
        return fabs(a[0] - 1) < TINY and fabs(a[1]) < TINY
    elif what == IS_CROSS:
        return is_cross(a)
    elif what == IS_FLIP:
        return is_flip(a)
    elif what == IS_IDENTITY:
        return is_identity(a)
    elif what == BLOCKS:
        for i in range(4):
            # block of the second qubit's value i >> 1, row i & 1
            memcpy(out + 4 * i, a + 2 * (4 * i + 2 * (i >> 1)), 4 * sizeof(double))
    elif what == EXCHANGE:
        exchange_qubits(out)
    elif what == BLOCK_BY_1:
        memcpy(out + 4, out + 8, 4 * sizeof(double))
    elif what == BLOCK_BY_0:
        memcpy(out + 2, out + 4, 2 * sizeof(double))
        memcpy(out + 4, out + 16, 2 * sizeof(double))
        memcpy(out + 6, out + 20, 2 * sizeof(double))
    elif what == IS_ONE:
        return a[0] == 1 and a[1] == 0
    elif what == IS_REAL:
        return a[1] == 0
    elif what == IS_SCALAR2:
        return a[0] == a[6] and a[1] == a[7]
    elif what == IS_SWAP:
        return is_swap4(a, SWAP4)
    elif what == IDENTITY2:
        memset(out, 0, 8 * sizeof(double))
        out[0] = out[6] = 1
    elif what == SET_ONE:
        out[0] = 1
        out[1] = 0
    elif what == SPLITS:
        return weyl(a, out + WEYL_AFTER, out + WEYL_AFTER + 8, out + WEYL_X, out + WEYL_BEFORE,
                    out + WEYL_BEFORE + 8)
    elif what == TURNS:
        out[EULER_TANGENT] = euler(a, out + EULER_FIRST, out + EULER_LAST, &flip)
        return flip
    elif what == TURN_X:
        x_turn(out, s.b)
    elif what == SCALE_X_LEFT:
        x_scale(out, s.b, True, a)
    elif what == SCALE_X_RIGHT:
        x_scale(out, s.b, False, a)
    elif what == TANGENT:
        out[0] = a[0]
        out[2] = -a[0]
    elif what == TURN:
        return as_turn(a, s.b, out)
    elif what == FLIPS:
        for i in range(4):
            if a[i] != a[12 + i] or a[4 + i] != a[8 + i]:
                return False
        return True
    elif what == FLIP_TURN or what == BOTH_TURNS:
        memcpy(out, a, 8 * sizeof(double))
        memcpy(out + 16, a + TURN_T, 2 * sizeof(double))
        if what == BOTH_TURNS:
            memcpy(out + 8, r + s.b, 8 * sizeof(double))
            memcpy(out + 18, r + s.b + TURN_T, 2 * sizeof(double))
        else:
            memcpy(out + 8, a + 4, 4 * sizeof(double))
            memcpy(out + 12, a, 4 * sizeof(double))
    elif what == IS_REAL2:
        return a[TURN_FORM] < 4
    elif what == COPY:
        memcpy(out, a, 2 * sizeof(double))
    elif what == INVERSE_SQUARE:
        zmul(t, a, a)
        zinv(out, t)
    elif what == IS_X4:
        return is_x4(r + s.a, r + s.b if s.b >= 0 else NULL, r + s.out if s.out >= 0 else NULL)
    elif what == X_BLOCK:
        k = 5 if s.b else 0         # entries 1,1 1,2 2,1 2,2; or 0,0 0,3 3,0 3,3
        memcpy(out, a + 2 * k, 2 * sizeof(double))
        memcpy(out + 2, a + (12 if s.b else 6), 2 * sizeof(double))
        memcpy(out + 4, a + (18 if s.b else 24), 2 * sizeof(double))
        memcpy(out + 6, a + (20 if s.b else 30), 2 * sizeof(double))
    elif what == X_JOIN:
        x_join(out, a, r + s.b)
    elif what == X_FACTORS:
        x_factors(out, a, r + s.b)
    return 0


cdef inline index new_registers(Planner p, index count) except -1 nogil:
    """Registers that nothing has used; returns the first."""
    extend(&p.registers, count * <index>sizeof(double))
    cdef index used = count_of(&p.registers, sizeof(double))
    if used > p.most_registers:
        p.most_registers = used
    return used - count


cdef inline void give_back(Planner p, index first) noexcept nogil:
    """The registers from `first` on, those that were taken last, are not needed any more."""
    p.registers.used = first * <index>sizeof(double)


cdef int step(Planner p, int what, index out, index a, index b) except -1 nogil:
    """Takes a step and puts it on the tape; returns the answer of a question."""
    cdef Step* s = <Step*>extend(&p.tape, sizeof(Step))
    s.what = what
    s.out = out
    s.a = a
    s.b = b
    s.answer = carry_out(s, <double*>p.registers.data, p.coefficients)
    return s.answer


cdef inline bint ask(Planner p, int what, index a) except -1 nogil:
    """Asks a question about a register, or about a coefficient."""
    return step(p, what, R_ZERO, a, 0)
