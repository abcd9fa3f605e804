# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
# cython: initializedcheck=False
"""From inner products of two states to derivatives.

At a cut the states are a = psi and b = H psi, both taken back to the cut. A site on k qubits has the
matrix of inner products M, and an angle behind whose gate nothing follows in the site has the
derivative::

    M[r, c] = sum over the other qubits of   conj(b[r]) a[c]
    d<H>    = 2 Re sum_rc K[r, c] M[r, c]         K: the generator of the angle

What follows in the site is taken back first: with U the matrix of the site's last gate, both states
are multiplied by its inverse, and M becomes ``U^T M conj(U)``.

Generators are anti-Hermitian, so M may be any matrix with the same anti-Hermitian part.
"""

from cython cimport embedsignature
from libc.stdint cimport int64_t

ctypedef Py_ssize_t index

cdef enum:
    ENTRY_ELEMENT = 0   # of the generator, if the site has one gate; otherwise r << k | c
    ENTRY_TERM = 1      # its inner product, a sum for each lane
    ENTRY_MASK = 2      # of the lane bits that are fixed
    ENTRY_VALUE = 3
    ENTRY_MINUS = 4     # 1: the negative of it
    ENTRY_COLUMNS = 5

cdef enum:
    SITE_QUBITS = 0
    SITE_SINGLE = 1     # it has one gate
    SITE_ENTRY = 2      # its entries
    SITE_LAST_ENTRY = 3
    SITE_GATE = 4       # its gates
    SITE_LAST_GATE = 5
    SITE_COLUMNS = 6

cdef enum:
    GATE_OFFSET = 0     # of its coefficients
    GATE_DIAGONAL = 1
    GATE_QUBITS = 2
    GATE_P0 = 3         # its first and its last target among those of the site
    GATE_P1 = 4
    GATE_ANGLE = 5      # its angles
    GATE_LAST_ANGLE = 6
    GATE_COLUMNS = 7

cdef enum:
    ANGLE_OFFSET = 0    # of its generator
    ANGLE_NUMBER = 1
    ANGLE_COLUMNS = 2


cdef inline double complex entry_of(const double* sums, index lanes,
                                    const int64_t* entry) noexcept nogil:
    cdef double re = 0, im = 0
    cdef const double* s = sums + entry[ENTRY_TERM] * 2 * lanes
    cdef index l
    for l in range(lanes):
        if (l & entry[ENTRY_MASK]) == entry[ENTRY_VALUE]:
            re += s[l]
            im += s[lanes + l]
    if entry[ENTRY_MINUS]:
        return -re - 1j * im
    return re + 1j * im


cdef inline double complex element_of(const double complex* m, const int64_t* gate, int r,
                                      int c) noexcept nogil:
    """Element r, c of the matrix `m` of a gate on one or two qubits, as one on all of its site."""
    cdef int p0 = gate[GATE_P0], p1 = gate[GATE_P1], row, column, rest
    if gate[GATE_QUBITS] == 1:
        rest = ~(1 << p0)
        row, column = (r >> p0) & 1, (c >> p0) & 1
    else:
        rest = ~(1 << p0 | 1 << p1)
        row = (r >> p0) & 1 | ((r >> p1) & 1) << 1
        column = (c >> p0) & 1 | ((c >> p1) & 1) << 1
    if (r & rest) != (c & rest):
        return 0
    if gate[GATE_DIAGONAL]:
        return m[row] if row == column else 0
    return m[row << gate[GATE_QUBITS] | column]


cdef void shared_site(double complex* m, int k, const int64_t* site, const int64_t* gates,
                      const int64_t* angles, const double complex* coefficients,
                      const double complex* generators, double* out) noexcept nogil:
    """The derivatives of a site of several gates; m is its M, k the number of its qubits, <= 2."""
    cdef double complex u[16]
    cdef double complex w[16]
    cdef double complex total
    cdef int size = 1 << k, r, c, i
    cdef int64_t g, a
    cdef const int64_t* gate
    g = site[SITE_LAST_GATE] - 1
    while g >= site[SITE_GATE]:
        gate = gates + g * GATE_COLUMNS
        for a in range(gate[GATE_ANGLE], gate[GATE_LAST_ANGLE]):
            total = 0
            for r in range(size):
                for c in range(size):
                    total = total + m[r << k | c] * element_of(
                        generators + angles[a * ANGLE_COLUMNS + ANGLE_OFFSET], gate, r, c)
            out[angles[a * ANGLE_COLUMNS + ANGLE_NUMBER]] = 2 * total.real
        if g > site[SITE_GATE]:
            for r in range(size):
                for c in range(size):
                    u[r << k | c] = element_of(coefficients + gate[GATE_OFFSET], gate, r, c)
            for r in range(size):
                for c in range(size):
                    total = 0
                    for i in range(size):
                        total = total + u[i << k | r] * m[i << k | c]
                    w[r << k | c] = total
            for r in range(size):
                for c in range(size):
                    total = 0
                    for i in range(size):
                        total = total + w[r << k | i] * u[i << k | c].conjugate()
                    m[r << k | c] = total
        g -= 1


@embedsignature(True)
cdef class Sites:
    """The sites of a level.

    Args:
        entries, sites, gates, angles: int64, rows of the columns above.
    """

    cdef const int64_t[:, ::1] entries
    cdef const int64_t[:, ::1] sites
    cdef const int64_t[:, ::1] gates
    cdef const int64_t[:, ::1] angles

    def __init__(self, entries, sites, gates, angles):
        self.entries = entries
        self.sites = sites
        self.gates = gates
        self.angles = angles

    def derivatives(self, const double[:, :, ::1] sums, const double complex[::1] coefficients,
                    const double complex[::1] generators, double[:, ::1] out):
        """Writes the derivatives by the angles of the level.

        Args:
            sums: float64, shape (observables, terms, 2 * lanes): the inner products, real parts of
                the lanes and then imaginary ones.
            coefficients: complex128, of the gates.
            generators: complex128, of the angles.
            out: float64, shape (observables, all angles).
        """
        cdef index o
        if self.sites.shape[0] == 0:
            return
        with nogil:
            for o in range(sums.shape[0]):
                level_derivatives(self, &sums[o, 0, 0], sums.shape[2] // 2, &coefficients[0],
                                  &generators[0], &out[o, 0])


cdef void level_derivatives(Sites self, const double* sums, index lanes,
                            const double complex* coefficients, const double complex* generators,
                            double* out) noexcept nogil:
    """The derivatives of one observable."""
    cdef index s, e
    cdef int64_t a
    cdef double complex m[16]
    cdef double complex total, entry
    cdef const int64_t* site
    cdef const int64_t* gate
    cdef const int64_t* angles = &self.angles[0, 0]
    cdef const int64_t* entries = &self.entries[0, 0]
    for s in range(self.sites.shape[0]):
        site = &self.sites[s, 0]
        if not site[SITE_SINGLE]:
            for e in range(16):
                m[e] = 0
            for e in range(site[SITE_ENTRY], site[SITE_LAST_ENTRY]):
                m[entries[e * ENTRY_COLUMNS + ENTRY_ELEMENT]] = entry_of(
                    sums, lanes, entries + e * ENTRY_COLUMNS)
            shared_site(m, <int>site[SITE_QUBITS], site, &self.gates[0, 0], angles, coefficients,
                        generators, out)
            continue
        gate = &self.gates[site[SITE_GATE], 0]
        for a in range(gate[GATE_ANGLE], gate[GATE_LAST_ANGLE]):
            out[angles[a * ANGLE_COLUMNS + ANGLE_NUMBER]] = 0
        for e in range(site[SITE_ENTRY], site[SITE_LAST_ENTRY]):
            entry = entry_of(sums, lanes, entries + e * ENTRY_COLUMNS)
            for a in range(gate[GATE_ANGLE], gate[GATE_LAST_ANGLE]):
                total = entry * generators[angles[a * ANGLE_COLUMNS + ANGLE_OFFSET]
                                           + entries[e * ENTRY_COLUMNS + ENTRY_ELEMENT]]
                out[angles[a * ANGLE_COLUMNS + ANGLE_NUMBER]] += 2 * total.real
