# Circuits read through Qiskit's C API; capi.pxi has the functions and the rules of their use.

cdef Pending _pending[MOST_STANDARD]    # of `native_gates`; the GIL is held


cdef double MODERATE = 1e100    # no formula goes beyond finite numbers for parameters below this


cdef inline void compute(int number, Pending* pending, Growable* numbers) noexcept:
    """Computes the coefficients of the pending gates of one kind."""
    (<Formula>_standard[number].formula).evaluate(
        pending.num, pending.parameters, pending.starts, <double*>numbers.data
    )
    pending.num = 0


cdef index native_gates(
    GateReader reader, const void* native, index place, index num, const int32_t* on, index num_on
) except -1:
    """As `native_gates_until`, which leaves some coefficients to be computed.

    If the reader has gates of its own that are pending, all coefficients of gates with parameters
    are left to be computed, see `GroupReader.take`.
    """
    cdef int number
    if reader.pending != NULL:
        return native_gates_until(reader, reader.pending, native, place, num, on, num_on)
    for number in range(_num_standard):
        _pending[number].num = 0
    place = native_gates_until(reader, _pending, native, place, num, on, num_on)
    for number in range(_num_standard):
        if _pending[number].num:
            compute(number, &_pending[number], &reader.coefficients)
    return place


cdef int postpone(GateReader reader, int number, Pending* pending) except -1:
    """Leaves the pending gates of one kind to the engine."""
    cdef Late* late = <Late*>extend(&reader.late, sizeof(Late))
    late.recipe = &(<Formula>_standard[number].formula).recipe
    late.pending = pending[0]
    pending.num = 0
    return 0


cdef index native_gates_until(
    GateReader reader, Pending* all_pending, const void* native, index place, index num,
    const int32_t* on, index num_on
) except -1:
    """Reads standard gates and barriers from `place` on; returns the place of anything else.

    Args:
        on: the indices in the outermost circuit of the circuit's qubits; NULL if the same.
        num_on: the number of qubits.
    """
    cdef View view
    cdef const Standard* gate
    cdef Growable* held = &reader.qubits
    cdef Growable* numbers = &reader.coefficients
    cdef Pending* pending
    cdef double value
    cdef const char* param
    cdef index stride = qk_stride(), most = num - place, i, j, width, offset
    cdef int number
    cdef uint8_t kind
    cdef int32_t* to
    cdef uint32_t qubit
    cdef bint late = reader.pending != NULL
    if most <= 0:
        return place
    reserve(&reader.kind, most * sizeof(int32_t))
    reserve(&reader.offset, most * sizeof(int64_t))
    reserve(held, most * MOST_QUBITS * sizeof(int32_t))
    while place < num:
        kind = qk_kind(native, place)
        if kind != GATE:
            if kind != BARRIER:
                return place
            place += 1
            continue
        qk_view(native, place, &view)
        number = standard_of(&view)
        if number < 0:
            return place
        gate = &_standard[number]
        if gate.num_parts != 1:
            if gate.num_parts:
                return place
            place += 1  # the identity
            continue
        param = view.params
        pending = &all_pending[number]
        for i in range(<index>gate.num_params):
            kind = qk_param_kind(param)
            if kind != REAL and kind != INTEGER:
                return place
            value = qk_as_real(param)
            if not isfinite(value) or late and fabs(value) > MODERATE:
                return place
            pending.parameters[i * BATCH + pending.num] = value
            param += stride
        width = gate.width
        to = <int32_t*>(held.data + held.used)
        for i in range(width):
            qubit = view.qubits[i]
            if <index>qubit >= num_on:
                return place
            to[i] = <int32_t>qubit if on == NULL else on[qubit]
            for j in range(i):
                if to[j] == to[i]:
                    return place
        if reader.seen[number] == 0:
            reader.seen_at[number] = numbers.used // <index>sizeof(double complex)
            if gate.formula == NULL:
                push_bytes(numbers, gate.constant, gate.size)
            reader.seen[number] = reader.number(<object>gate.kind) + 1
        offset = reader.seen_at[number]
        if gate.formula != NULL:
            offset = numbers.used // <index>sizeof(double complex)
            if numbers.used + gate.size > numbers.room:
                reserve(numbers, gate.size)
            if late:
                memset(numbers.data + numbers.used, 0, gate.size)
            numbers.used += gate.size
            pending.starts[pending.num] = offset
            pending.num += 1
            if pending.num == BATCH:
                if late:
                    postpone(reader, number, pending)
                else:
                    compute(number, pending, numbers)
        held.used += width * sizeof(int32_t)
        (<int32_t*>(reader.kind.data + reader.kind.used))[0] = reader.seen[number] - 1
        (<int64_t*>(reader.offset.data + reader.offset.used))[0] = offset
        reader.kind.used += sizeof(int32_t)
        reader.offset.used += sizeof(int64_t)
        place += 1
    return place


cdef index native_measures(const void* native, index place, index num, Growable* pairs) except -1:
    """Reads measurements and barriers from `place` on, into pairs of a qubit and a clbit."""
    cdef View view
    cdef uint8_t kind
    while place < num:
        kind = qk_kind(native, place)
        if kind == MEASURE:
            qk_view(native, place, &view)
            if view.num_qubits != 1 or view.num_clbits != 1:
                return place
            push_pair(pairs, view.qubits[0], view.clbits[0])
        elif kind != BARRIER:
            return place
        place += 1
    return place


cdef int native_plain(
    circuit, GateReader reader, bint unitary_only, Growable* pairs, Shape* shape
) except -1:
    """As `read_plain`; `HELD` for a circuit that is not Qiskit's own or is held."""
    cdef const void* native
    cdef index place, num
    data = native_data(circuit)
    if data is None:
        return HELD
    if not is_zero(circuit.global_phase):
        return OTHER
    native = borrowed(data)
    if native == NULL:
        return HELD
    num = qk_num(native)
    shape.num_cregs = qk_num_cregs(native)
    shape.num_qubits = qk_num_qubits(native)
    if shape.num_cregs > 1 or shape.num_qubits > shape.most_qubits:  # registers may share clbits
        return OTHER
    shape.num_clbits = qk_num_clbits(native)
    place = native_gates(reader, native, 0, num, NULL, shape.num_qubits)
    if place < num and not unitary_only:
        place = native_measures(native, place, num, pairs)
    # The pointer into the circuit is not used from here on.
    return PLAIN if place == num else OTHER


cdef int push_bytes(Growable* b, const void* data, index size) except -1:
    reserve(b, size)
    memcpy(b.data + b.used, data, size)
    b.used += size
    return 0


cdef index native_key(
    const void* native, index place, index num, Growable* text, Growable* raw, Growable* free_at
) except -1:
    """Describes standard gates, measurements, resets and barriers from `place` on.

    Args:
        text: receives what they are, without the expressions of parameters.
        raw: receives the expressions as they are in memory, which identifies them while they live.
        free_at: receives the places of the instructions with expressions.

    Returns:
        The place of the first instruction that is something else.
    """
    cdef View view
    cdef int number
    cdef uint8_t kind
    cdef uint8_t head[2]
    cdef const char* param
    cdef index stride = qk_stride(), i
    cdef double value
    cdef bint is_free
    while place < num:
        kind = qk_kind(native, place)
        if kind != GATE and kind != BARRIER and kind != MEASURE and kind != RESET:
            return place
        qk_view(native, place, &view)
        number = standard_of(&view) if kind == GATE else 0
        if number < 0 or kind != GATE and view.num_params:
            return place
        param = view.params
        for i in range(<index>view.num_params):
            if qk_param_kind(param) not in (REAL, EXPRESSION, INTEGER):
                return place
            param += stride
        head[0] = kind
        head[1] = <uint8_t>number
        push_bytes(text, head, 2)
        push_bytes(text, &view.num_qubits, sizeof(uint32_t))
        push_bytes(text, &view.num_clbits, sizeof(uint32_t))
        push_bytes(text, view.qubits, view.num_qubits * sizeof(uint32_t))
        push_bytes(text, view.clbits, view.num_clbits * sizeof(uint32_t))
        param = view.params
        is_free = False
        for i in range(<index>view.num_params):
            kind = qk_param_kind(param)
            push_bytes(text, &kind, 1)
            if kind == EXPRESSION:
                push_bytes(raw, param, stride)
                is_free = True
            else:
                value = qk_as_real(param)
                push_bytes(text, &value, sizeof(double))
            param += stride
        if is_free:
            push_bytes(free_at, &place, sizeof(index))
        place += 1
    return place


@internal
cdef class Native(Instructions):
    """The instructions of one of Qiskit's own circuits, through the C API.

    While somebody else holds the circuit, Python's objects answer instead.
    """

    cdef object circuit
    cdef object data            # the CircuitData
    cdef Growable on            # indices in the outermost circuit of its qubits; empty if the same
    cdef index num, num_qubits

    def __dealloc__(self):
        free(self.on.data)

    def __len__(self):
        return self.num

    def __getitem__(self, index place):
        return self.data[place]

    def read(self, GateReader reader, index place):
        cdef const void* native = borrowed(self.data)
        if native == NULL or place < 0:
            return place
        return native_gates(
            reader, native, place, min(self.num, <index>qk_num(native)), <int32_t*>self.on.data,
            self.num_qubits,
        )

    def qubits(self, index place):
        cdef list found = native_indices(self.data, place, False), out = []
        cdef index i
        if found is None:
            found = indices_of(self.data[place].qubits, keyed(self.circuit.qubits, None))
        if self.on.data == NULL:
            return found
        for i in found:
            if i >= self.num_qubits:
                raise KeyError(self.circuit.qubits[i])
            out.append((<int32_t*>self.on.data)[i])
        return out

    def clbits(self, index place):
        found = native_indices(self.data, place, True)
        if found is None:
            found = indices_of(self.data[place].clbits, keyed(self.circuit.clbits, None))
        return found

    def describe(self, index place, list key):
        cdef Growable text = Growable(NULL, 0, 0), raw = Growable(NULL, 0, 0)
        cdef Growable at = Growable(NULL, 0, 0)
        cdef const void* native = borrowed(self.data)
        cdef index i
        if native == NULL or place < 0:
            return place
        try:
            place = native_key(
                native, place, min(self.num, <index>qk_num(native)), &text, &raw, &at
            )
            if text.used:
                key.append(PyBytes_FromStringAndSize(text.data, text.used))
            for i in range(at.used // <index>sizeof(index)):
                key += self.data[(<index*>at.data)[i]].params
        finally:
            free(text.data)
            free(raw.data)
            free(at.data)
        return place

    def fingerprint(self):
        cdef Growable text = Growable(NULL, 0, 0), raw = Growable(NULL, 0, 0)
        cdef Growable at = Growable(NULL, 0, 0)
        cdef const void* native = borrowed(self.data)
        cdef index num
        if native == NULL:
            return None
        try:
            num = qk_num(native)
            if native_key(native, 0, num, &text, &raw, &at) < num or not raw.used:
                return None
            push_bytes(&text, raw.data, raw.used)
            return PyBytes_FromStringAndSize(text.data, text.used)
        finally:
            free(text.data)
            free(raw.data)
            free(at.data)

    def snapshot(self):
        return native_instructions(self.circuit, self.data.copy(), None)


cdef list native_indices(data, index place, bint of_clbits):
    """Returns the indices of an instruction's bits; None while somebody holds the circuit."""
    cdef const void* native = borrowed(data)
    cdef View view
    cdef Growable found = Growable(NULL, 0, 0)
    cdef index i
    if native == NULL or place < 0 or place >= <index>qk_num(native):
        return None
    qk_view(native, place, &view)
    # Copied before the list is made, because that may run the garbage collector.
    if of_clbits:
        push_bytes(&found, view.clbits, view.num_clbits * sizeof(uint32_t))
    else:
        push_bytes(&found, view.qubits, view.num_qubits * sizeof(uint32_t))
    try:
        return [
            <index>(<uint32_t*>found.data)[i] for i in range(found.used // <index>sizeof(uint32_t))
        ]
    finally:
        free(found.data)


cdef Native native_instructions(circuit, data, on):
    """Returns a circuit's instructions; None while somebody holds the circuit."""
    cdef const void* native = borrowed(data)
    cdef index num, num_qubits
    cdef int32_t qubit
    cdef Native out
    if native == NULL:
        return None
    num = qk_num(native)
    num_qubits = qk_num_qubits(native)
    out = Native()
    out.circuit = circuit
    out.data = data
    out.num = num
    out.num_qubits = num_qubits
    if on is not None:
        out.num_qubits = min(num_qubits, <index>len(on))
        for qubit in on:
            push_bytes(&out.on, &qubit, sizeof(int32_t))
    return out
