# Circuits as Python has them, and the choice between the readers.

# --- the bits of a circuit ---------------------------------------------------------------------

cdef inline PyObject* place_of(dict index_of, PyObject* bit):
    """The index of a bit in a dict that `keyed` made; NULL if it is not there."""
    if _by_id:
        return PyDict_GetItem(index_of, PyLong_FromVoidPtr(bit))
    return PyDict_GetItem(index_of, <object>bit)


cdef dict keyed(bits, on):
    """Returns the index of each bit, or what `on` has at that index, for `place_of`."""
    cdef index i
    cdef list all_bits = list(bits)
    cdef dict out = {}
    for i in range(len(all_bits) if on is None else min(len(all_bits), len(on))):
        bit = all_bits[i]
        out[PyLong_FromVoidPtr(<PyObject*>bit) if _by_id else bit] = i if on is None else on[i]
    return out


cdef list indices_of(bits, dict index_of):
    """Returns the indices of bits; None if one of them is not there."""
    cdef list out = []
    cdef PyObject* found
    for bit in bits:
        found = place_of(index_of, <PyObject*>bit)
        if found == NULL:
            return None
        out.append(<object>found)
    return out


# --- the instructions of a circuit -------------------------------------------------------------

@internal
cdef class Instructions:
    """The instructions of a circuit, a block or a definition; contract.py has the contract."""

    def fingerprint(self):
        """Returns None: Python's objects have no short description."""
        return None


@internal
cdef class Listed(Instructions):
    """Instructions as Python's objects."""

    cdef object circuit, on
    cdef list data
    cdef dict qubit_of, clbit_of

    def __init__(self, circuit, on):
        self.data = list(circuit.data)  # first: reading it makes a blueprint create its registers
        self.circuit = circuit
        self.on = on
        self.qubit_of = keyed(circuit.qubits, on)

    def __len__(self):
        return len(self.data)

    def __getitem__(self, index place):
        return self.data[place]

    def read(self, GateReader reader, index place):
        return reader.read(self.data, place, self.qubit_of)

    def qubits(self, index place):
        bits = self.data[place].qubits
        found = indices_of(bits, self.qubit_of)
        return equal_bits(bits, self.circuit.qubits, self.on) if found is None else found

    def clbits(self, index place):
        if self.clbit_of is None:
            self.clbit_of = keyed(self.circuit.clbits, None)
        bits = self.data[place].clbits
        found = indices_of(bits, self.clbit_of)
        return equal_bits(bits, self.circuit.clbits, None) if found is None else found

    def describe(self, index place, list key):
        cdef index num = len(self.data)
        cdef list on
        while place < num:
            instruction = self.data[place]
            if _named and type(instruction) is _instruction and instruction.is_standard_gate():
                if _conditions and instruction.condition is not None:
                    break
                # The name includes the control state, and Qiskit checks the number of parameters.
                key.append(instruction.name)
                key += instruction.params
            else:
                operation = instruction.operation
                gate_class = type(operation)
                if gate_class in SINGLETON_OF_CLASS:
                    key.append(gate_class)
                else:
                    row = ROW_OF_CLASS.get(gate_class)
                    if row is None or condition_of(operation) is not None:
                        break
                    params = operation.params
                    if len(params) != row.num_params:
                        break
                    key.append(gate_class)
                    key += params
                    if row.num_controls:
                        key.append(operation.ctrl_state)
            on = indices_of(instruction.qubits, self.qubit_of)
            key += self.qubits(place) if on is None else on
            place += 1
        return place


cdef list equal_bits(bits, own, on):
    """As `indices_of`, for bits that may be equal to the circuit's without being identical."""
    cdef dict index_of = {bit: i if on is None else on[i] for i, bit in enumerate(own)}
    return [index_of[bit] for bit in bits]


def open_circuit(circuit, on=None):
    """Returns the instructions of a circuit, of a block, or of a definition.

    Args:
        circuit: the circuit.
        on: the indices in the outermost circuit of its qubits; None if it is the outermost.
    """
    cdef Instructions found
    if _native:
        data = native_data(circuit)
        if data is not None:
            found = native_instructions(circuit, data, on)
            if found is not None:
                return found
    return Listed(circuit, on)


# --- the choice --------------------------------------------------------------------------------

cdef tuple _chosen = ("identity" if SHARED_BITS else "hashed", False)


def chosen():
    """Returns the arguments of the last call of `choose`."""
    return _chosen


def choose(str name, bint named=False):
    """Selects one of the readers that readers.py names, for all circuits from now on.

    Args:
        name: the reader.
        named: whether standard gates are read by name where Qiskit says which those are (1.3 on),
            so that no Python object is made of them.
    """
    global _native, _by_id, _named, _chosen
    _chosen = (name, named)
    _native = name == "capi"
    _by_id = name == "identity"
    _named = named and hasattr(_instruction, "is_standard_gate")


# --- a whole circuit ---------------------------------------------------------------------------

# Terra's shared instances have a class of their own.
cdef frozenset _measurements = frozenset({MeasureInstruction, type(MeasureInstruction())})
cdef str _measure_condition = condition_in(MeasureInstruction)
cdef object _barrier = Barrier
cdef dict _measures = {}        # Measure objects to share, by qubit * FEW + clbit
cdef enum:
    FEW = 64                    # Measures of qubits and clbits below this are shared


cdef object measure_of(index qubit, index clbit):
    cdef PyObject* found
    if qubit >= FEW or clbit >= FEW:
        return Measure(qubit, clbit)
    key = qubit * FEW + clbit
    found = PyDict_GetItem(_measures, key)
    if found == NULL:
        _measures[key] = Measure(qubit, clbit)
        return _measures[key]
    return <object>found


cdef bint is_plain_barrier(instruction, dict qubit_of) except -1:
    """Whether it is a barrier on the circuit's own qubits without a condition: a no-op."""
    if type(instruction.operation) is not _barrier:
        return False
    if condition_of(instruction.operation) is not None:
        return False
    for qubit in instruction.qubits:
        if place_of(qubit_of, <PyObject*>qubit) == NULL:
            return False
    return True


cdef bint is_zero(phase) except -1:
    return (PyFloat_CheckExact(phase) or type(phase) is int) and phase == 0


cdef index ANY_WIDTH = (<size_t>-1) >> 1

cdef enum:          # what `read_plain` says of a circuit
    PLAIN = 0       # it is gates and then measurements, and has been read
    OTHER = 1       # it contains anything else or anything wrong
    HELD = 2        # it must be read in another way

cdef struct Shape:
    index most_qubits   # given: a circuit of more is `OTHER`
    index num_qubits
    index num_clbits
    index num_cregs


cdef inline int push_pair(Growable* pairs, index qubit, index clbit) except -1:
    cdef int32_t* to
    reserve(pairs, 2 * sizeof(int32_t))
    to = <int32_t*>(pairs.data + pairs.used)
    to[0] = <int32_t>qubit
    to[1] = <int32_t>clbit
    pairs.used += 2 * sizeof(int32_t)
    return 0


cdef int read_plain(
    circuit, GateReader reader, bint unitary_only, Growable* pairs, Shape* shape
) except -1:
    """Reads a circuit that is gates and then measurements, as most are.

    Args:
        reader: receives the gates.
        unitary_only: whether measurements are something else too.
        pairs: receives the measurements, each as the indices of its qubit and its clbit.
        shape: receives the numbers of qubits, clbits and registers of clbits; its first field is
            given.

    Returns:
        `PLAIN`; `OTHER` if it is not that, with whatever has been read by then.
    """
    cdef int found
    if _native:
        found = native_plain(circuit, reader, unitary_only, pairs, shape)
        if found != HELD:
            return found
    return listed_plain(circuit, reader, unitary_only, pairs, shape)


cdef int listed_plain(
    circuit, GateReader reader, bint unitary_only, Growable* pairs, Shape* shape
) except -1:
    """As `read_plain`, through Python's objects."""
    cdef list data = list(circuit.data)  # first: reading it makes a blueprint create its registers
    cdef list qubits = list(circuit.qubits), clbits = list(circuit.clbits)
    cdef index num = len(data), place = 0
    cdef dict qubit_of = keyed(qubits, None), clbit_of = keyed(clbits, None)
    cdef tuple on, to
    cdef PyObject* qubit
    cdef PyObject* clbit
    if not is_zero(circuit.global_phase):
        return OTHER
    shape.num_qubits = len(qubits)
    shape.num_clbits = len(clbits)
    shape.num_cregs = len(circuit.cregs)
    if shape.num_cregs > 1 or shape.num_qubits > shape.most_qubits:  # registers may share clbits
        return OTHER
    while place < num:
        place = reader.read(data, place, qubit_of)
        if place == num or not is_plain_barrier(data[place], qubit_of):
            break
        place += 1
    if place < num and unitary_only:
        return OTHER
    for place in range(place, num):
        instruction = data[place]
        operation = instruction.operation
        if type(operation) not in _measurements:
            if is_plain_barrier(instruction, qubit_of):
                continue
            return OTHER
        if _measure_condition is not None and getattr(operation, _measure_condition) is not None:
            return OTHER
        if type(instruction.qubits) is not tuple or type(instruction.clbits) is not tuple:
            return OTHER
        on = instruction.qubits
        to = instruction.clbits
        if len(on) != 1 or len(to) != 1:
            return OTHER
        qubit = place_of(qubit_of, <PyObject*>on[0])
        clbit = place_of(clbit_of, <PyObject*>to[0])
        if qubit == NULL or clbit == NULL:
            return OTHER  # bits equal to the circuit's but not identical, or bits not in it
        push_pair(pairs, PyLong_AsLong(<object>qubit), PyLong_AsLong(<object>clbit))
    return PLAIN


cdef object program_of(const Shape* shape, gates, const Growable* pairs, name):
    """Returns the program of a gate run (or None) and measurements.

    Its outline is made here if clbit i is measured into by the i-th measurement, on ascending
    qubits, as is usual; otherwise when it is asked for.
    """
    cdef const int32_t* pair = <const int32_t*>pairs.data
    cdef index num = pairs.used // <index>(2 * sizeof(int32_t)), i, last = -1
    cdef bint in_place = True
    cdef tuple runs = () if gates is None else (gates,)
    cdef list each = [], qubits = []
    cdef tuple measured
    cdef object outline = None
    for i in range(num):
        each.append(measure_of(pair[2 * i], pair[2 * i + 1]))
        qubits.append(pair[2 * i])
        in_place = in_place and pair[2 * i] > last and pair[2 * i + 1] == i
        last = pair[2 * i]
    measured = tuple(each)
    if in_place:
        num_gates = 0 if gates is None else len(gates.kind)
        outline = new_outline(True, runs, measured, tuple(qubits), num_gates, num > 0)
    # `samples` is True, as measurements come only at the end.
    return new_program(
        shape.num_qubits, shape.num_clbits, runs + measured, 0.0, name, True, outline
    )


def plain_program(circuit, bint unitary_only):
    """Returns the program of a circuit that is gates and then measurements, as most are.

    Returns:
        The program that `lowering.Lowering` would make; None if the circuit contains anything else
        or anything wrong, which `Lowering` then reads or reports.
    """
    cdef GateReader reader = GateReader()
    cdef Growable pairs = Growable(NULL, 0, 0)
    cdef Shape shape = Shape(ANY_WIDTH, 0, 0, 0)
    cdef object gates = None
    try:
        if read_plain(circuit, reader, unitary_only, &pairs, &shape) != PLAIN:
            return None
        if len(reader):
            gates, _, finite = reader.take()
            if not finite:
                return None
        return program_of(&shape, gates, &pairs, circuit.name)
    finally:
        free(pairs.data)


# --- many circuits ----------------------------------------------------------------------------

@embedsignature(True)
cdef class GroupReader:
    """Reads circuits that are gates and then measurements, one after another, into one gate run.

    They become a group of the engine (`_engine/shots/groups.py`).
    """

    cdef GateReader reader
    cdef Pending* pending       # the reader's, which nobody else has
    cdef Growable ends, widths, measured, pairs, pair_ends, clbits, places

    def __init__(self):
        self.reader = GateReader()
        if self.pending == NULL:
            self.pending = <Pending*>PyMem_Calloc(MOST_STANDARD, sizeof(Pending))
            if self.pending == NULL:
                raise MemoryError("no memory left for the gates of the circuits")
        self.reader.pending = self.pending

    def __dealloc__(self):
        PyMem_Free(self.pending)
        free(self.ends.data)
        free(self.widths.data)
        free(self.measured.data)
        free(self.pairs.data)
        free(self.pair_ends.data)
        free(self.clbits.data)
        free(self.places.data)

    def __len__(self):
        return self.places.used // <index>sizeof(int64_t)

    def read(self, circuit, index place, index most_qubits, index most_gates, index most_kinds):
        """Reads a circuit with at least one measurement and one register of clbits.

        Args:
            circuit: the circuit.
            place: its place in the job.
            most_qubits, most_gates, most_kinds: what the group can take: of a circuit, of a
                circuit, and of all its circuits.

        Returns:
            Whether it has been read. If not, nothing of it is in the group: it is no circuit,
            contains something else or something wrong, or is too large.
        """
        cdef GateReader reader = self.reader
        cdef index kind = reader.kind.used, qubits = reader.qubits.used
        cdef index offset = reader.offset.used, pairs = self.pairs.used, kinds = len(reader.kinds)
        cdef index i
        cdef Shape shape = Shape(most_qubits, 0, 0, 0)
        cdef int32_t mask = 0
        if not isinstance(circuit, _circuit):
            return False
        if (
            read_plain(circuit, reader, False, &self.pairs, &shape) != PLAIN
            or shape.num_qubits < 1
            or shape.num_cregs != 1
            or self.pairs.used == pairs
            or (reader.kind.used - kind) // <index>sizeof(int32_t) > most_gates
            or len(reader.kinds) > most_kinds
        ):
            reader.kind.used, reader.qubits.used, reader.offset.used = kind, qubits, offset
            self.pairs.used = pairs
            # What is known of classes of gates may refer to a kind that goes.
            reader.known.clear()
            memset(reader.seen, 0, sizeof(reader.seen))
            while len(reader.kinds) > kinds:
                reader.kinds.popitem()
            return False
        for i in range(pairs // <index>sizeof(int32_t), self.pairs.used // <index>sizeof(int32_t), 2):
            mask |= <int32_t>1 << (<int32_t*>self.pairs.data)[i]
        push_int64(&self.ends, count_of(&reader.kind, sizeof(int32_t)))
        push_int64(&self.pair_ends, count_of(&self.pairs, 2 * sizeof(int32_t)))
        push_int64(&self.places, place)
        reader.push_int(&self.widths, <int32_t>shape.num_qubits)
        reader.push_int(&self.clbits, <int32_t>shape.num_clbits)
        reader.push_int(&self.measured, mask)
        return True

    def take(self):
        """Ends the group and starts an empty one.

        Returns:
            The gates of all circuits as one gate run, whether all coefficients are finite, the
            capsule of what computes some of them late (None for nothing), and the arrays of
            `Group`: ends, widths, measured, pairs, pair_ends, clbits and places.
        """
        cdef int number
        for number in range(_num_standard):
            if self.pending[number].num:
                postpone(self.reader, number, &self.pending[number])
        gates, _, finite = self.reader.take()
        fill = fill_of(&self.reader.late, gates.coefficients)
        arrays = (
            array_of(&self.ends, INT64),
            array_of(&self.widths, INT32),
            array_of(&self.measured, INT32),
            array_of(&self.pairs, INT32).reshape(-1, 2),
            array_of(&self.pair_ends, INT64),
            array_of(&self.clbits, INT32),
            array_of(&self.places, INT64),
        )
        self.ends.used = self.widths.used = self.measured.used = self.pairs.used = 0
        self.pair_ends.used = self.clbits.used = self.places.used = 0
        return gates, finite, fill, arrays


cdef object fill_of(Growable* late, const double complex[::1] coefficients):
    """Returns the capsule of a `Fill`, which takes over the list; None if it is empty."""
    cdef Fill* fill
    if not late.used:
        return None
    fill = <Fill*>PyMem_Calloc(1, sizeof(Fill))
    if fill == NULL:
        raise MemoryError("no memory left for the gates of the circuits")
    fill.run = run_late
    fill.num = count_of(late, sizeof(Late))
    fill.out = <double*>&coefficients[0]
    try:
        capsule = PyCapsule_New(fill, FILL, free_fill)
    except BaseException:
        PyMem_Free(fill)
        raise
    fill.blocks = late.data
    late[0] = Growable(NULL, 0, 0)
    return capsule


cdef void free_fill(object capsule) noexcept:
    cdef Fill* fill = <Fill*>PyCapsule_GetPointer(capsule, FILL)
    free(fill.blocks)
    PyMem_Free(fill)


cdef void run_late(Fill* fill) noexcept nogil:
    cdef double slots[MOST_SLOTS * BATCH]
    cdef Late* late = <Late*>fill.blocks
    cdef index i
    for i in range(fill.num):
        evaluate(late[i].recipe, slots, late[i].pending.num, late[i].pending.parameters,
                 late[i].pending.starts, fill.out)
