# Circuits read through Qiskit's C API, found at run time: no headers of Qiskit are used.
#
# A panic in Qiskit's library ends the process, and a pointer into a circuit that has changed may
# point anywhere. What keeps both away:
# - Only functions of slots that exist are called, with the circuit, a place in it, and what these
#   returned. `kind` checks the place itself; `as_real` is asked of numbers only.
# - A circuit is borrowed with the GIL held and after `CircuitData.reserve(0)`, which does nothing
#   and fails as long as anybody holds the circuit, in this thread or in another. (Qiskit's own
#   borrowing panics then.)
# - From there to the last use of the pointer no code of Python runs: nothing is made that the
#   garbage collector knows (it could call anything), and no thread can come between. Each call
#   borrows anew.

cdef extern from *:
    """
    #include <stddef.h>
    #include <stdint.h>
    /* As in qiskit/capi/include/qiskit/types.h of 2.6. */
    typedef struct {
        const char *name;           /* UTF-8, not terminated */
        const uint32_t *qubits;
        const uint32_t *clbits;
        const char *params;         /* so many QkParam, `stride` bytes apart */
        size_t name_len;
        uint32_t num_qubits;
        uint32_t num_clbits;
        size_t num_params;
    } BasicAerView;
    /* The slots of the table of functions, QK_FFI_CIRCUIT. */
    static void **basicaer_table = NULL;
    #define BASICAER_VERSION ((uint32_t (*)(void))basicaer_table[0])
    #define BASICAER_NUM_QUBITS ((uint32_t (*)(const void *))basicaer_table[13])
    #define BASICAER_NUM_CLBITS ((uint32_t (*)(const void *))basicaer_table[14])
    #define BASICAER_KIND ((uint8_t (*)(const void *, size_t))basicaer_table[28])
    #define BASICAER_NUM ((size_t (*)(const void *))basicaer_table[30])
    #define BASICAER_BORROW ((void *(*)(PyObject *))basicaer_table[41])
    #define BASICAER_NUM_CREGS ((size_t (*)(const void *))basicaer_table[61])
    #define BASICAER_VIEW ((void (*)(const void *, size_t, BasicAerView *))basicaer_table[94])
    #define BASICAER_AS_REAL ((double (*)(const void *))basicaer_table[230])
    #define BASICAER_STRIDE ((size_t (*)(void))basicaer_table[231])
    #define BASICAER_PARAM_KIND ((uint8_t (*)(const void *))basicaer_table[233])
    """
    ctypedef struct View "BasicAerView":
        const char* name
        const uint32_t* qubits
        const uint32_t* clbits
        const char* params
        size_t name_len
        uint32_t num_qubits
        uint32_t num_clbits
        size_t num_params
    void** qk_table "basicaer_table"
    uint32_t qk_version "BASICAER_VERSION"() noexcept
    uint32_t qk_num_qubits "BASICAER_NUM_QUBITS"(const void*) noexcept
    uint32_t qk_num_clbits "BASICAER_NUM_CLBITS"(const void*) noexcept
    uint8_t qk_kind "BASICAER_KIND"(const void*, size_t) noexcept
    size_t qk_num "BASICAER_NUM"(const void*) noexcept
    void* qk_borrow "BASICAER_BORROW"(PyObject*) noexcept
    size_t qk_num_cregs "BASICAER_NUM_CREGS"(const void*) noexcept
    void qk_view "BASICAER_VIEW"(const void*, size_t, View*) noexcept
    double qk_as_real "BASICAER_AS_REAL"(const void*) noexcept
    size_t qk_stride "BASICAER_STRIDE"() noexcept
    uint8_t qk_param_kind "BASICAER_PARAM_KIND"(const void*) noexcept

cdef enum:
    # QkOperationKind.
    GATE = 0            # a standard gate, and nothing else that has its name
    BARRIER = 1
    MEASURE = 3
    RESET = 4
    # QkParamKind.
    REAL = 1
    EXPRESSION = 2
    INTEGER = 3

cdef struct Standard:   # a standard gate that the gate table has
    const char* name
    const char* at      # where Qiskit has it
    size_t length
    uint32_t width
    size_t num_params
    int num_parts
    PyObject* kind      # of its part, if it has one
    PyObject* formula   # of its coefficients, if it has parameters; otherwise NULL
    const char* constant    # its coefficients, if it has not
    index size          # of its coefficients, in bytes

cdef Standard _standard[MOST_STANDARD]
cdef int _num_standard = 0
cdef bint _names_stay = False       # whether a name is in the same place in all circuits
cdef uint8_t _standard_at[256]      # by the hash of the name: the number of the gate and 1
cdef list _kept = []                # what `_standard` points to

cdef object _circuit_data = None    # the classes of Qiskit
cdef object _circuit_view = None
cdef object _reserve = None         # CircuitData.reserve
cdef tuple _own = ()                # QuantumCircuit's own properties that are read past


cdef inline unsigned int hash_of(const char* name, size_t length) noexcept:
    return (
        <uint8_t>name[0] * 5u + <uint8_t>name[length >> 1] * 19u
        + <uint8_t>name[length - 1] * 67u + <unsigned int>length * 11u
    ) & 255


cdef inline int standard_of(const View* view) noexcept:
    """The number of a standard gate; -1 if the gate table does not have it as it is."""
    cdef unsigned int at
    cdef int number
    if view.name_len == 0 or view.num_clbits:
        return -1
    at = hash_of(view.name, view.name_len)
    while True:
        number = <int>_standard_at[at] - 1
        if number < 0:
            return -1
        if _standard[number].length == view.name_len:
            if _standard[number].at == view.name and _names_stay:
                break
            if memcmp(_standard[number].name, view.name, view.name_len) == 0:
                break
        at = (at + 1) & 255
    if (
        _standard[number].width != view.num_qubits
        or _standard[number].num_params != view.num_params
    ):
        return -1
    return number


def load_capi(circuit, rows):
    """Finds the functions, and asks whether the standard gates are what the table says.

    Args:
        circuit: the standard gates of the table, one after another.
        rows: their rows.

    Raises:
        ImportError: the functions are not there, or a gate is not what the table says.
    """
    global _circuit_data, _circuit_view, _reserve, _own, _num_standard, _names_stay
    cdef const void* native
    cdef View view
    cdef unsigned int at
    cdef int number
    cdef object kind, formula
    cdef bytes name, constant
    from qiskit._accelerate.circuit import CircuitData
    from qiskit.circuit.quantumcircuitdata import QuantumCircuitData

    try:
        table = PyCapsule_Import("qiskit._accelerate.capi.QK_FFI_CIRCUIT", 0)
    except AttributeError as error:
        raise ImportError(f"Qiskit's C API is not there: {error}") from error
    _set_table(table)
    from basicaer._qiskit.capi_versions import VERSION

    if (qk_version() >> 24, qk_version() >> 16 & 255) != VERSION:
        raise ImportError(f"Qiskit's C API is of another version: {qk_version():#010x}")
    _circuit_data, _circuit_view, _reserve = CircuitData, QuantumCircuitData, CircuitData.reserve
    _own = (
        _circuit.qubits, _circuit.clbits, _circuit.cregs,
        _circuit.num_qubits, _circuit.num_clbits, _circuit.data,
    )
    data = circuit._data
    _num_standard, _names_stay = 0, False
    memset(_standard_at, 0, sizeof(_standard_at))
    for place, row in enumerate(rows):
        native = borrowed(data)
        if native == NULL or <size_t>place >= qk_num(native):
            raise ImportError("Qiskit's C API does not give the circuit that is asked for")
        if qk_kind(native, place) != GATE:
            raise ImportError(f"Qiskit's C API does not know the gate {row.name!r}")
        qk_view(native, place, &view)
        name = view.name[:view.name_len]
        expected = (row.name.encode(), row.num_qubits, row.num_params)
        if (name, view.num_qubits, view.num_params) != expected or row.num_params > MOST_PARAMETERS:
            raise ImportError(f"Qiskit's gate {name!r} is not the gate {row.name!r} of the table")
        if _num_standard == MOST_STANDARD:
            raise ImportError(f"Qiskit has more than {MOST_STANDARD} standard gates")
        part = row.parts[0] if len(row.parts) == 1 else None
        kind = None if part is None else part.kind
        formula = formula_of(row) if row.num_params else None
        constant = np.array(() if part is None else part.constant, np.complex128).tobytes()
        size = len(constant)
        if formula is not None:
            size = (<Formula>formula).num_entries * sizeof(double complex)
        _kept.append((name, kind, formula, constant))
        number = _num_standard
        _standard[number] = Standard(
            <const char*>name, view.name, len(name), row.num_qubits, row.num_params, len(row.parts),
            <PyObject*>kind, NULL, <const char*>constant, size,
        )
        if formula is not None:
            _standard[number].formula = <PyObject*>formula
        at = hash_of(_standard[number].name, _standard[number].length)
        while _standard_at[at]:
            at = (at + 1) & 255
        _standard_at[at] = number + 1
        _num_standard = number + 1
    again = _circuit(1)
    again.h(0)
    native = borrowed(again._data)
    if native == NULL or qk_num(native) != 1:
        raise ImportError("Qiskit's C API does not give the circuit that is asked for")
    qk_view(native, 0, &view)
    number = standard_of(&view)
    _names_stay = number >= 0 and _standard[number].at == view.name


cdef int _set_table(void* table) except -1:
    global qk_table
    qk_table = <void**>table
    return 0


cdef const void* borrowed(data) except? NULL:
    """A circuit's data, as long as no code of Python runs; NULL while anybody changes it."""
    cdef const void* native
    try:
        _reserve(data, 0)
    except RuntimeError:
        return NULL
    native = qk_borrow(<PyObject*>data)
    if native == NULL:
        PyErr_Clear()
    return native


cdef object native_data(circuit):
    """What `circuit.data` stands for, if that and the bits are Qiskit's own; None otherwise."""
    cls = type(circuit)
    if cls is not _circuit:
        if not isinstance(circuit, _circuit):
            return None
        if (cls.qubits, cls.clbits, cls.cregs, cls.num_qubits, cls.num_clbits) != _own[:5]:
            return None
        if cls.data is not _own[5]:
            view = circuit.data  # a blueprint is built by looking at it
            if type(view) is not _circuit_view or view._circuit is not circuit:
                return None
    data = circuit._data
    return data if type(data) is _circuit_data else None


cdef index native_gates(
    Run run, const void* native, index place, index num, const int32_t* on, index num_on
) except -1:
    """Reads standard gates and barriers from `place` on; returns the place of what is neither.

    Args:
        on: where the circuit's qubits are in the outermost circuit; NULL if that is where they are.
        num_on: how many qubits there are.
    """
    cdef View view
    cdef const Standard* gate
    cdef Buffer* held = &run.qubits
    cdef Buffer* numbers = &run.coefficients
    cdef double values[MOST_PARAMETERS]
    cdef const char* param
    cdef index stride = qk_stride(), most = num - place, i, j, width, offset
    cdef int number
    cdef uint8_t kind
    cdef int32_t* to
    cdef uint32_t qubit
    if most <= 0:
        return place
    reserve(&run.kind, most * sizeof(int32_t))
    reserve(&run.offset, most * sizeof(int64_t))
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
        for i in range(<index>gate.num_params):
            kind = qk_param_kind(param)
            if kind != REAL and kind != INTEGER:
                return place
            values[i] = qk_as_real(param)
            if not isfinite(values[i]):
                return place
            param += stride
        width = gate.width
        reserve(held, width * sizeof(int32_t))
        to = <int32_t*>(held.data + held.used)
        for i in range(width):
            qubit = view.qubits[i]
            if <index>qubit >= num_on:
                return place
            to[i] = <int32_t>qubit if on == NULL else on[qubit]
            for j in range(i):
                if to[j] == to[i]:
                    return place
        if run.seen[number] == 0:
            run.seen_at[number] = numbers.used // <index>sizeof(double complex)
            if gate.formula == NULL:
                push_bytes(numbers, gate.constant, gate.size)
            run.seen[number] = run.number(<object>gate.kind) + 1
        offset = run.seen_at[number]
        if gate.formula != NULL:
            offset = numbers.used // <index>sizeof(double complex)
            reserve(numbers, gate.size)
            (<Formula>gate.formula).evaluate(values, <double*>(numbers.data + numbers.used))
            numbers.used += gate.size
        held.used += width * sizeof(int32_t)
        (<int32_t*>(run.kind.data + run.kind.used))[0] = run.seen[number] - 1
        (<int64_t*>(run.offset.data + run.offset.used))[0] = offset
        run.kind.used += sizeof(int32_t)
        run.offset.used += sizeof(int64_t)
        place += 1
    return place


cdef index native_measures(const void* native, index place, index num, Buffer* pairs) except -1:
    """Reads measurements and barriers from `place` on: a qubit and a clbit, and so on."""
    cdef View view
    cdef uint8_t kind
    cdef uint32_t* to
    while place < num:
        kind = qk_kind(native, place)
        if kind == MEASURE:
            qk_view(native, place, &view)
            if view.num_qubits != 1 or view.num_clbits != 1:
                return place
            reserve(pairs, 2 * sizeof(uint32_t))
            to = <uint32_t*>(pairs.data + pairs.used)
            to[0] = view.qubits[0]
            to[1] = view.clbits[0]
            pairs.used += 2 * sizeof(uint32_t)
        elif kind != BARRIER:
            return place
        place += 1
    return place


cdef object native_program(circuit, bint unitary_only):
    """As `plain_program`; NotImplemented for a circuit that is not Qiskit's own or is in use."""
    cdef const void* native
    cdef index place, num, num_qubits, num_clbits, i
    cdef Run run
    cdef Buffer pairs = Buffer(NULL, 0, 0)
    cdef list body = []
    data = native_data(circuit)
    if data is None:
        return NotImplemented
    if not is_zero(circuit.global_phase):
        return None
    run = Run()
    native = borrowed(data)
    if native == NULL:
        return NotImplemented
    if qk_num_cregs(native) > 1:  # they may share clbits
        return None
    num = qk_num(native)
    num_qubits = qk_num_qubits(native)
    num_clbits = qk_num_clbits(native)
    try:
        place = native_gates(run, native, 0, num, NULL, num_qubits)
        if place < num and not unitary_only:
            place = native_measures(native, place, num, &pairs)
        # The pointer into the circuit is not used from here on.
        if place < num:
            return None
        if len(run):
            gates, _, finite = run.take()
            if not finite:
                return None
            body.append(gates)
        for i in range(pairs.used // <index>(2 * sizeof(uint32_t))):
            body.append(
                measure_of((<uint32_t*>pairs.data)[2 * i], (<uint32_t*>pairs.data)[2 * i + 1])
            )
    finally:
        free(pairs.data)
    return made(Program, {
        "num_qubits": num_qubits, "num_clbits": num_clbits, "body": tuple(body),
        "global_phase": 0.0, "name": circuit.name, "samples": True,
    })


cdef int push_bytes(Buffer* b, const void* data, index size) except -1:
    reserve(b, size)
    memcpy(b.data + b.used, data, size)
    b.used += size
    return 0


cdef index native_key(
    const void* native, index place, index num, Buffer* text, Buffer* raw, Buffer* free_at
) except -1:
    """Writes down standard gates, measurements, resets and barriers from `place` on.

    Args:
        text: what they are, without the expressions of parameters.
        raw: the expressions, as they are in memory: the same expressions, as long as they live.
        free_at: the places of the instructions that the expressions are in.

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


cdef class Native(Instructions):
    """The instructions of a circuit of Qiskit's own, through the C API.

    What is asked while somebody holds the circuit is answered by Python.
    """

    cdef object circuit
    cdef object data            # the CircuitData
    cdef Buffer on              # where its qubits are in the outermost circuit, if elsewhere
    cdef index num, num_qubits

    def __dealloc__(self):
        free(self.on.data)

    def __len__(self):
        return self.num

    def __getitem__(self, index place):
        return self.data[place]

    def read(self, Run run, index place):
        cdef const void* native = borrowed(self.data)
        if native == NULL or place < 0:
            return place
        return native_gates(
            run, native, place, min(self.num, <index>qk_num(native)), <int32_t*>self.on.data,
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
        cdef Buffer text = Buffer(NULL, 0, 0), raw = Buffer(NULL, 0, 0), at = Buffer(NULL, 0, 0)
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
        cdef Buffer text = Buffer(NULL, 0, 0), raw = Buffer(NULL, 0, 0), at = Buffer(NULL, 0, 0)
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
    """The indices of an instruction's qubits or clbits; None while somebody holds the circuit."""
    cdef const void* native = borrowed(data)
    cdef View view
    cdef Buffer found = Buffer(NULL, 0, 0)
    cdef index i
    if native == NULL or place < 0 or place >= <index>qk_num(native):
        return None
    qk_view(native, place, &view)
    # Copied before anything is made: to make a list may call the garbage collector.
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
    """A circuit's instructions; None while somebody holds the circuit."""
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
