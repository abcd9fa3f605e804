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


cdef object plain(index num_qubits, index num_clbits, list body, name):
    """Returns the program of a gate run, if there is one, and measurements.

    Its outline is made here if clbit i is measured into by the i-th measurement, on ascending
    qubits, as is usual; otherwise when it is asked for.
    """
    cdef index place = 0, i, last = -1, qubit
    cdef tuple every = tuple(body), runs = (), measured
    cdef list qubits = []
    cdef object num_gates = 0, outline = None
    if every and type(every[0]) is _gates:
        place = 1
        runs = every[:1]
        num_gates = len(every[0].kind)
    measured = every[place:]
    for i in range(len(measured)):
        qubit = (<tuple>measured[i])[0]
        if qubit <= last or (<tuple>measured[i])[1] != i:
            break
        last = qubit
        qubits.append(qubit)
    else:
        outline = new_outline(
            True, runs, measured, tuple(qubits), num_gates, len(qubits) > 0
        )
    # `samples` is True, as measurements come only at the end.
    return new_program(num_qubits, num_clbits, every, 0.0, name, True, outline)


def plain_program(circuit, bint unitary_only):
    """Returns the program of a circuit that is gates and then measurements, as most are.

    Returns:
        The program that `lowering.Lowering` would make; None if the circuit contains anything else
        or anything wrong, which `Lowering` then reads or reports.
    """
    if _native:
        program = native_program(circuit, unitary_only)
        if program is not NotImplemented:
            return program
    cdef list data = list(circuit.data)  # first: reading it makes a blueprint create its registers
    cdef list qubits = list(circuit.qubits), clbits = list(circuit.clbits), body = []
    cdef index num = len(data), place = 0
    cdef dict qubit_of = keyed(qubits, None), clbit_of = keyed(clbits, None)
    cdef tuple on, to
    cdef PyObject* qubit
    cdef PyObject* clbit
    cdef GateReader reader = GateReader()
    if not is_zero(circuit.global_phase):
        return None
    if len(circuit.cregs) > 1:  # they may share clbits
        return None
    while place < num:
        place = reader.read(data, place, qubit_of)
        if place == num or not is_plain_barrier(data[place], qubit_of):
            break
        place += 1
    if len(reader):
        gates, free_ones, finite = reader.take()
        if not finite or free_ones:
            return None
        body.append(gates)
    if place < num and unitary_only:
        return None
    for place in range(place, num):
        instruction = data[place]
        operation = instruction.operation
        if type(operation) not in _measurements:
            if is_plain_barrier(instruction, qubit_of):
                continue
            return None
        if _measure_condition is not None and getattr(operation, _measure_condition) is not None:
            return None
        if type(instruction.qubits) is not tuple or type(instruction.clbits) is not tuple:
            return None
        on = instruction.qubits
        to = instruction.clbits
        if len(on) != 1 or len(to) != 1:
            return None
        qubit = place_of(qubit_of, <PyObject*>on[0])
        clbit = place_of(clbit_of, <PyObject*>to[0])
        if qubit == NULL or clbit == NULL:
            return None  # bits equal to the circuit's but not identical, or bits not in it
        body.append(measure_of(<object>qubit, <object>clbit))
    return plain(len(qubits), len(clbits), body, circuit.name)
