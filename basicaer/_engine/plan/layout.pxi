# How a plan is laid out in arrays: what the planner writes and the kernels read.

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
    OP_DENSEK = 15
    OP_DENSE5 = 16
    OP_CROSS1 = 17
    OP_CROSS1_LANE = 18
    OP_WEYL = 19
    OP_WEYL_LANE = 20
    OP_WEYL_LANES = 21

# Columns of an operation's row.
cdef enum:
    COL_KIND = 0
    COL_T0 = 1            # first target: local bit, or lane bit where the kernel says LANE;
                          # DENSE5: mask of the lane qubits among the targets
    COL_T1 = 2            # second target, above the first
    COL_LIVE = 3          # local bits that can be non-zero: only the first 2**live pairs count
    COL_CONTROL = 4       # local bits that are controls, as a mask
    COL_CONTROL_VALUE = 5
    COL_OUTER = 6         # bits of the pair number outside the block that are controls
    COL_OUTER_VALUE = 7
    COL_COEFFICIENT = 8   # where the coefficients start, counted in reals
    COL_LIST = 9          # where the operation's list starts (PRODUCT: terms; others: bits)
    COL_COUNT = 10        # its length
    OP_COLUMNS = 11

# Columns of a pass's row.
cdef enum:
    PASS_FIRST = 0
    PASS_LAST = 1
    PASS_BITS = 2         # a
    PASS_BITS_AT = 3      # where they are in the list of bits
    PASS_OUTER = 4
    PASS_OUTER_AT = 5
    PASS_LIVE = 6         # local bits that are live before the pass
    PASS_IN_PLACE = 7
    PASS_RUN = 8          # the lowest local bits that are the lowest bits of the pair number
    PASS_WORK = 9         # amplitude-gates of a block, for the progress
    PASS_CLEAN = 10       # in place: the local bits that are live before, or -1 if all are
    PASS_COLUMNS = 11

# Columns of a term of a PRODUCT.
cdef enum:
    TERM_OUTER = 0        # outer bits that must all be 1
    TERM_TARGET = 1       # local bit, or -1: every amplitude
    TERM_COEFFICIENT = 2
    TERM_COLUMNS = 3
