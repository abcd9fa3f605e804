# Cumulative probabilities, which turn uniforms into outcomes like ``RandomState.choice``.
#
# The interval [0, 1) is cut into cells of equal width, so many that most contain no cumulative
# probability; a guide says where to start the search in each cell.

cdef enum:
    CELLS = 8               # cells of a guide per outcome
    MOST_CELLS = 1 << 16


cdef index cells_for(index size, index draws) noexcept nogil:
    """How many cells a guide has for so many outcomes and draws; a power of two."""
    cdef index cells = 1
    while cells < CELLS * size and cells < MOST_CELLS and cells < 2 * draws:
        cells *= 2
    return cells


cdef double cumulate(double* cdf, index size, int64_t* guide, index cells) noexcept nogil:
    """Replaces probabilities by cumulative ones that end in 1; returns the sum of them.

    Args:
        cdf: the probabilities.
        size: how many there are.
        guide: for each cell: the number of cumulative probabilities before it; all 0 at first.
        cells: number of cells, one less than the guide has entries.
    """
    cdef index i, cell
    cdef double total = 0, scale = <double>cells, edge
    for i in range(size):
        total = total + cdf[i]
        cdf[i] = total
    for i in range(size):
        cdf[i] = cdf[i] / total
    for i in range(size - 1):
        edge = cdf[i] * scale  # a power of two: exact
        cell = cells  # for NaN
        if 0 <= edge <= scale:
            cell = <index>edge
            cell += <double>cell < edge
        guide[cell] += 1
    for cell in range(1, cells):
        guide[cell] += guide[cell - 1]
    guide[cells] = size - 1
    return total


cdef inline index outcome_of(double u, const double* cdf, const int64_t* guide, index cells,
                             double scale) noexcept nogil:
    """Returns the first outcome whose cumulative probability exceeds `u`; the last if none does."""
    cdef index cell = <index>(u * scale), low, half, count, above
    cell = min(max(cell, 0), cells - 1)
    low = guide[cell]
    count = guide[cell + 1] - low
    # Branch-free: the comparison is unpredictable.
    while count > 0:
        half = count >> 1
        above = cdf[low + half] <= u
        low += above * (half + 1)
        count = half + above * (count - 2 * half - 1)
    return low
