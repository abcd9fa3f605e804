# Many circuits: from the gates of all of them to the counts of their outcomes.
#
#     add --> | group | group | group | ... | --> work, in any number of threads --> finish
#
# Groups may be added while threads already work. A thread that works does not hold the GIL, so it
# goes on while another reads circuits; it waits for groups until the line is closed.

cdef extern from *:
    """
    #include <time.h>
    #if defined(_WIN32)
      #define BA_NAP() Sleep(1)
    #else
      static void basicaer_nap(void) {
          struct timespec briefly = {0, 50000};
          nanosleep(&briefly, NULL);
      }
      #define BA_NAP() basicaer_nap()
    #endif
    static double basicaer_seconds(void) {
        struct timespec now;
        timespec_get(&now, TIME_UTC);
        return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
    }
    """
    double seconds_now "basicaer_seconds"() noexcept nogil
    void BA_NAP() noexcept nogil

cdef enum:
    YIELDS = 200        # how often a waiting thread yields before it sleeps


cdef inline void wait_a_little(index* times) noexcept nogil:
    """Lets other threads run; `times` counts the calls of one wait, from 0."""
    times[0] += 1
    if times[0] < YIELDS:
        BA_YIELD()
    else:
        BA_NAP()


cdef struct Circuits:               # one group; the arrays are those of `GroupLine.add`
    Run run
    index num
    const int64_t* ends
    const int32_t* widths
    const double* amplitudes
    const int32_t* measured
    const uint32_t* seeds           # NULL if there are rows of uniforms
    const double* uniforms
    const int64_t* rows
    uint8_t* values
    index room                      # entries of a circuit in `values` and `counts`
    int32_t* counts
    int32_t* found
    double* totals
    uint8_t* listed                 # NULL if shots are not listed
    double* seconds
    Fill* fill                      # NULL if all coefficients are there


cdef index final_state(const Circuits* g, index row, bint single, double* sums) noexcept nogil:
    """Computes the probabilities of what a circuit measures; see `final_probabilities`."""
    cdef index to[QUBITS]
    cdef index outcomes = 1, first = <index>g.ends[row - 1] if row else 0
    cdef int q
    for q in range(g.widths[row]):
        to[q] = 0
        if g.measured[row] >> q & 1:
            to[q] = outcomes
            outcomes *= 2
    return final_probabilities(
        &g.run, first, <index>g.ends[row], g.widths[row], g.amplitudes[2 * row],
        g.amplitudes[2 * row + 1], single, to, outcomes, sums)


cdef void draw(const Circuits* g, index row, const double* uniforms, index shots,
               double* cdf) noexcept nogil:
    """Draws the outcomes of a circuit and counts them, as `outcomes` does for one circuit.

    Args:
        uniforms: one for each shot.
        cdf: the probabilities; overwritten.
    """
    cdef int64_t guide[CELLS * SIZE + 1]
    cdef int32_t table[SIZE]
    cdef index i, num = 0, value, size = <index>1 << ones(<unsigned int>g.measured[row])
    cdef index cells = cells_for(size, shots)
    cdef double scale = <double>cells
    cdef uint8_t* values = g.values + row * g.room
    cdef uint8_t* listed = g.listed + row * shots if g.listed != NULL else NULL
    cdef int32_t before
    memset(guide, 0, (cells + 1) * sizeof(int64_t))
    memset(table, 0, size * sizeof(int32_t))
    g.totals[row] = cumulate(cdf, size, guide, cells)
    for i in range(shots):
        value = outcome_of(uniforms[i], cdf, guide, cells, scale)
        if listed != NULL:
            listed[i] = <uint8_t>value
        before = table[value]
        table[value] = before + 1
        if before == 0:
            values[num] = <uint8_t>value
            num += 1
    for i in range(num):
        g.counts[row * g.room + i] = table[values[i]]
    g.found[row] = <int32_t>num


@embedsignature(True)
cdef class GroupLine:
    """A line of groups of circuits that threads carry out.

    Each circuit starts in |0...0>, and all its shots are drawn from its final state.

    Args:
        most_groups: the most groups that are added.
        most_circuits: the most circuits of a group.
        shots: of each circuit.
        single: whether amplitudes are rounded to single precision, as `apply` does.
        flags: of the job, see `control.Control`. Once ``flags[STOP]`` is set, the rest is left out.
    """

    cdef Circuits** groups
    cdef index most_groups, most_circuits, shots
    cdef bint single
    cdef int64_t[::1] flags
    cdef list held                  # the arrays that the groups point into
    # Changed atomically.
    cdef int64_t added, closed, begun, done, workers, wrongs, failed
    cdef index wrong                # set before `failed` is
    cdef int wrong_width

    def __init__(self, index most_groups, index most_circuits, index shots, bint single,
                 int64_t[::1] flags):
        if self.groups != NULL:
            raise ValueError("the line has been set up before")
        if most_groups < 1 or most_circuits < 1 or not 1 <= shots < 1 << 30:
            raise ValueError("a line needs groups, circuits in them, and shots that can be counted")
        check_flags(flags)
        self.groups = <Circuits**>PyMem_Calloc(most_groups, sizeof(Circuits*))
        if self.groups == NULL:
            raise MemoryError("no memory left for groups of circuits")
        self.most_groups, self.most_circuits, self.shots = most_groups, most_circuits, shots
        self.single = single
        self.flags = flags
        self.held = []

    def __dealloc__(self):
        cdef index i
        if self.groups != NULL:
            for i in range(self.added):
                PyMem_Free(self.groups[i])
            PyMem_Free(self.groups)

    def add(self, tuple kinds, const int32_t[::1] kind, const int32_t[::1] start,
            const int32_t[::1] qubits, const int64_t[::1] offset,
            const double complex[::1] coefficients, const int64_t[::1] ends,
            const int32_t[::1] widths, const double complex[::1] amplitudes,
            const int32_t[::1] measured, const uint32_t[::1] seeds,
            const double[:, ::1] uniforms, const int64_t[::1] rows, uint8_t[:, ::1] values,
            int32_t[:, ::1] counts, int32_t[::1] found, double[::1] totals,
            uint8_t[:, ::1] listed, double[::1] seconds, fill):
        """Adds a group; only one thread may add groups, and none of the arrays may change.

        Returns its work, in amplitude-gates.

        Args:
            kinds, kind, start, qubits, offset, coefficients: the gates of all circuits one after
                another, see `program.Gates`.
            ends: for each circuit the number of gates up to its end, int64, shape (circuits,).
            widths: its number of qubits, at most `MOST_QUBITS`; int32, shape (circuits,).
            amplitudes: its amplitude of |0...0> at the start, complex128, shape (circuits,).
            measured: the mask of the qubits that it measures, int32, shape (circuits,). The lowest
                is the least significant bit of the outcome.
            seeds: of ``RandomState``, uint32, shape (circuits,); of shape (0,) if `uniforms` are
                given.
            uniforms: in [0, 1), float64, shape (rows, shots).
            rows: the row of uniforms of each circuit, int64, shape (circuits,).
            values: receives the outcomes that occur, in order of first appearance; uint8, of shape
                (circuits, at least the lesser of outcomes and shots).
            counts: receives how often each of them occurs, int32, of the same shape.
            found: receives how many of them there are, int32, shape (circuits,).
            totals: receives the sum of the probabilities, float64, shape (circuits,).
            listed: receives the outcome of each shot, uint8, shape (circuits, shots); of shape
                (circuits, 0) not to list them.
            seconds: receives the seconds that gates and shots took, float64, shape (2,).
            fill: the capsule of what computes coefficients first (`fill.pxi`); None for nothing.

        Raises:
            ValueError: the arrays do not belong together.
        """
        cdef index num = ends.shape[0], i, before = 0, work = 0
        cdef Circuits* g
        cdef bint seeded = seeds.shape[0] != 0
        if self.closed or self.added == self.most_groups or not 1 <= num <= self.most_circuits:
            raise ValueError("there is no room for the group")
        if not (widths.shape[0] == amplitudes.shape[0] == measured.shape[0] == values.shape[0]
                == counts.shape[0] == found.shape[0] == totals.shape[0] == listed.shape[0]
                == (seeds.shape[0] if seeded else rows.shape[0]) == num):
            raise ValueError("the arrays of the circuits do not belong together")
        if not seeded and uniforms.shape[1] != self.shots or seconds.shape[0] != 2:
            raise ValueError("there is not a uniform for each shot, or no room for the seconds")
        if values.shape[1] != counts.shape[1] or listed.shape[1] not in (0, self.shots):
            raise ValueError("there is no room for the outcomes")
        for i in range(num):
            if not 0 <= widths[i] <= QUBITS or not before <= ends[i] <= kind.shape[0]:
                raise ValueError(f"circuit {i} has gates or qubits that are not there")
            work += (ends[i] - before) << widths[i]
            before = ends[i]
            if measured[i] >> widths[i]:
                raise ValueError(f"circuit {i} measures qubits that are not there")
            if values.shape[1] < min(<index>1 << ones(<unsigned int>measured[i]), self.shots):
                raise ValueError(f"circuit {i} has more outcomes than there is room for")
            if not seeded and not 0 <= rows[i] < uniforms.shape[0]:
                raise ValueError(f"circuit {i} has no uniforms")
        g = <Circuits*>PyMem_Calloc(1, sizeof(Circuits))
        if g == NULL:
            raise MemoryError("no memory left for a group of circuits")
        try:
            read_run(&g.run, kinds, kind, start, qubits, offset, &coefficients[0],
                     coefficients.shape[0], QUBITS)
            if fill is not None:
                g.fill = <Fill*>PyCapsule_GetPointer(fill, FILL)
            self.held.append((kind, start, qubits, offset, coefficients, ends, widths, amplitudes,
                              measured, seeds, uniforms, rows, values, counts, found, totals,
                              listed, seconds, fill))
        except BaseException:
            PyMem_Free(g)
            raise
        g.num = num
        g.ends, g.widths, g.measured = &ends[0], &widths[0], &measured[0]
        g.amplitudes = <const double*>&amplitudes[0]
        if seeded:
            g.seeds = &seeds[0]
        else:
            g.uniforms, g.rows = &uniforms[0, 0], &rows[0]
        g.values, g.counts, g.room = &values[0, 0], &counts[0, 0], values.shape[1]
        g.found, g.totals, g.seconds = &found[0], &totals[0], &seconds[0]
        if listed.shape[1]:
            g.listed = &listed[0, 0]
        self.groups[self.added] = g
        ba_add(&self.added, 1)
        return work

    def close(self):
        """Says that no more groups come."""
        if not ba_load(&self.closed):
            ba_add(&self.closed, 1)

    def welcome(self, double seconds):
        """Waits at most `seconds`, without the GIL, until a thread works."""
        cdef double end
        with nogil:
            end = seconds_now() + seconds
            while not ba_load(&self.workers) and seconds_now() < end:
                BA_YIELD()

    def work(self):
        """Carries out groups, one after another, until the line is closed and none is left.

        Raises:
            MemoryError: there is no memory to work in; the groups are left to other threads.
        """
        cdef int64_t* flags = &self.flags[0]
        cdef index mine, times, at = self.most_circuits * SIZE
        cdef double* space = <double*>PyMem_Calloc(at + self.shots, sizeof(double))
        if space == NULL:
            raise MemoryError("no memory left to draw outcomes")
        with nogil:
            ba_add(&self.workers, 1)
            while True:
                mine = <index>ba_add(&self.begun, 1)
                times = 0
                while mine >= ba_load(&self.added):
                    if ba_load(&self.closed) and mine >= ba_load(&self.added):
                        break
                    if flags[FLAG_STOP] or ba_load(&self.failed):
                        break
                    wait_a_little(&times)
                if mine >= ba_load(&self.added) or flags[FLAG_STOP] or ba_load(&self.failed):
                    break
                self.carry_out(self.groups[mine], space, space + at, flags)
                ba_add(&self.done, 1)
        PyMem_Free(space)

    cdef void carry_out(self, Circuits* g, double* sums, double* uniforms,
                        int64_t* flags) noexcept nogil:
        """Carries out a group.

        Args:
            sums: room for the probabilities of all circuits.
            uniforms: room for the uniforms of one.
        """
        cdef uint32_t key[WORDS]
        cdef index row, wrong, first = 0
        cdef double begun = seconds_now(), applied
        if g.fill != NULL:
            g.fill.run(g.fill)
        for row in range(g.num):
            if flags[FLAG_STOP]:
                return
            wrong = final_state(g, row, self.single, sums + row * SIZE)
            if wrong >= 0:
                if ba_add(&self.wrongs, 1) == 0:
                    self.wrong, self.wrong_width = wrong, g.widths[row]
                    ba_add(&self.failed, 1)
                return
            ba_add(flags + FLAG_DONE, (g.ends[row] - first) << g.widths[row])
            first = <index>g.ends[row]
        applied = seconds_now()
        for row in range(g.num):
            if flags[FLAG_STOP]:
                return
            if g.seeds == NULL:
                draw(g, row, g.uniforms + g.rows[row] * self.shots, self.shots, sums + row * SIZE)
                continue
            if row == 0 or g.seeds[row] != g.seeds[row - 1]:
                seed_key(key, g.seeds[row])
                fill(key, DRAWS, uniforms, self.shots)
            draw(g, row, uniforms, self.shots, sums + row * SIZE)
        g.seconds[0], g.seconds[1] = applied - begun, seconds_now() - applied

    def finish(self):
        """Waits, after `work`, until the groups that other threads are at are done.

        Raises:
            ValueError: a gate is malformed.
        """
        cdef index times = 0
        with nogil:
            while ba_load(&self.done) < ba_load(&self.added):
                if self.flags[FLAG_STOP] or ba_load(&self.failed):
                    break
                wait_a_little(&times)
        if ba_load(&self.failed):
            raise malformed(self.wrong, self.wrong_width)

    def left(self):
        """Returns how many groups no thread has begun."""
        return max(0, ba_load(&self.added) - ba_load(&self.begun))
