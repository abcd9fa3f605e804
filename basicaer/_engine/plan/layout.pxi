# How a plan is laid out in arrays: what the planner writes and the kernels read.
#
#     passes   one row a pass        PASS_: which operations, which bits are local, which are outer
#     ops      one row an operation  COL_: which kernel, its targets, controls and conditions
#     lists    what both point into: bits of the pair number, local bits, rows of terms
#     coefficients                   vectors of lanes
#
# A pair number, local and outer bits, lane qubits: see _kernels.pyx.

# Kinds of operation inside a block; `_kernels.KERNELS` has their names.
cdef enum:
    OP_DENSE1 = 0
    OP_DENSE1_LANE = 1
    OP_DENSE2 = 2
    OP_DENSE2_LANE = 3
    OP_DENSE2_LANES = 4
    OP_REAL1 = 5
    OP_REAL1_LANE = 6
    OP_REAL2 = 7
    OP_REAL2_LANE = 8
    OP_REAL2_LANES = 9
    OP_FLIP = 10
    OP_SWAP = 11
    OP_PHASE = 12
    OP_PRODUCT = 13
    OP_LOOKUP = 14
    OP_DENSE6UP = 15
    OP_DENSE3TO5 = 16
    OP_CROSS1 = 17
    OP_CROSS1_LANE = 18
    OP_WEYL = 19
    OP_WEYL_LANE = 20
    OP_WEYL_LANES = 21
    OP_REGISTERS = 22     # several gates on REGISTER_BITS local bits and on lane qubits

# Columns of an operation's row.
cdef enum:
    COL_KIND = 0
    COL_T0 = 1            # first target: local bit, or lane bit where the kernel says LANE;
                          # DENSE3TO5: mask of the lane qubits among the targets
                          # PRODUCT: how many of its bits its table is for
    COL_T1 = 2            # second target, above the first; PRODUCT: how many bits its list begins with
    COL_LIVE = 3          # local bits that can be non-zero: only the first 2**live pairs count
    COL_CONTROL = 4       # local bits that are controls, as a mask
    COL_CONTROL_VALUE = 5
    COL_OUTER = 6         # bits of the pair number outside the block that are controls
    COL_OUTER_VALUE = 7
    COL_COEFFICIENT = 8   # where the coefficients start, counted in reals
    COL_LIST = 9          # where the operation's list starts (PRODUCT: bits, terms; others: bits)
    COL_COUNT = 10        # its length; PRODUCT: of terms
    OP_COLUMNS = 11

# Columns of a pass's row.
cdef enum:
    PASS_FIRST = 0        # its first operation
    PASS_LAST = 1         # and the one after its last
    PASS_BITS = 2         # a, how many local bits it has
    PASS_BITS_AT = 3      # where they are in the lists
    PASS_OUTER = 4        # how many outer bits it has, those not live left out
    PASS_OUTER_AT = 5     # where they are in the lists
    PASS_LIVE = 6         # local bits that are live before the pass
    PASS_IN_PLACE = 7
    PASS_CONTIGUOUS = 8   # how many of the lowest local bits are the same bit of the pair number
    PASS_WORK = 9         # amplitude-gates of a block, for the job's progress
    PASS_CLEAN = 10       # in place: the local bits that are live before, or -1 if all are
    PASS_COLUMNS = 11

# Columns of a term of a PRODUCT: a factor of the amplitudes in which some bits are 1. Its list holds
# local bits, then the terms, which name local bits by their place in it.
cdef enum:
    TERM_OUTER = 0        # outer bits that must all be 1
    TERM_BIT = 1          # place of a local bit, or -1: every amplitude
    TERM_OTHER = 2        # place of another one, further back, or -1
    TERM_COEFFICIENT = 3
    TERM_COLUMNS = 4

# Columns of a gate's row of a REGISTERS, whose list has its register bits, ascending, and the rows.
cdef enum:
    COL_GATE = 0          # its code
    GATE_CONTROL = 1      # local bits that are no register bits, as a mask
    GATE_VALUE = 2        # and what they must be
    GATE_OUTER = 3        # bits of the pair number outside the block, likewise
    GATE_OUTER_VALUE = 4
    GATE_COEFFICIENT = 5
    GATE_COLUMNS = 6
    MOST_GATES = 48       # of a REGISTERS

cdef extern from "basicaer/_engine/plan/gate_codes.h":
    const int GATE_TURN, GATE_TURN2, GATE_FLIP, GATE_CX, GATE_REAL, GATE_STEERED
    const int GATE_LANE, GATE_DENSE_LANE, GATE_LANES, GATE_LANE_BIT, GATE_LANE_STEERED
    const int GATE_DIAGONAL, GATE_TURN_CX, GATE_TURN_X

# Columns of a kind's row: the fields of `program.Kind`.
cdef enum:
    KIND_FORM = 0
    KIND_TARGETS = 1
    KIND_CONTROLS = 2
    KIND_STATE = 3
    KIND_PATTERN = 4
    KIND_REAL = 5
    KIND_COLUMNS = 6

cdef enum:
    FORM_DENSE = 0      # `program.DENSE`
    FORM_DIAGONAL = 1   # `program.DIAGONAL`

# Work space of the kernels that need any: how much the planner has to ask for, in vectors of lanes.

cdef enum:
    MAX_BITS = 64         # more than a pair number has
    PRODUCT_BITS = 40     # PRODUCT: more than a block in memory has
    PRODUCT_LOW_BITS = 6  # of them: the first, at most


cdef inline index product_work(int low, int bits, int crossing, index terms) noexcept nogil:
    """PRODUCT: pairs. 1, a common factor, products of terms; a table, and two for each bit behind
    the first `low` ones that shares a factor with them; for the others, products and steps."""
    cdef int high = bits - low
    return 2 * (2 + terms // 2 + (2 * crossing + 1) * (<index>1 << low) + high + 1 + high * high)


cdef inline index dense3to5_work(int targets) noexcept nogil:
    """DENSE3TO5: the amplitudes that are multiplied together."""
    return <index>2 << targets


cdef inline index dense6up_work(int targets, int lane_bits) noexcept nogil:
    """DENSE6UP: 4 * 2**targets vectors, as many reals, and 2**targets offsets of 64 bits, each as
    long as two reals of single precision."""
    cdef index size = <index>1 << targets, lanes = <index>1 << lane_bits
    return 4 * size + (4 * size + 2 * size + lanes - 1) // lanes
