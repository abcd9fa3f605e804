# Qiskit's C API, found at run time; no headers of Qiskit are needed.
#
# A panic in Qiskit's library ends the process, and a pointer into a circuit that has changed since
# may point anywhere. These rules prevent both:
# - Only functions in slots that exist are called, with the circuit, a place in it, and what these
#   returned. `kind` checks the place itself; `as_real` is called for numbers only.
# - A circuit is borrowed while the GIL is held, after a call of `CircuitData.reserve(0)`, which
#   changes nothing and raises an exception while anybody holds the circuit, in this thread or in
#   another. (Qiskit's own function would panic.)
# - From then to the last use of the pointer no Python code runs: no object is made that the garbage
#   collector tracks, as a collection can run any code, and the GIL keeps other threads out. Each
#   call borrows the circuit anew.

cdef extern from *:
    """
    #include <stddef.h>
    #include <stdint.h>
    /* As in qiskit/capi/include/qiskit/types.h of 2.6. */
    typedef struct {
        const char *name;           /* UTF-8, not terminated */
        const uint32_t *qubits;
        const uint32_t *clbits;
        const char *params;         /* QkParam values, `stride` bytes apart */
        size_t name_len;
        uint32_t num_qubits;
        uint32_t num_clbits;
        size_t num_params;
    } BasicAerView;
    /* Slots of the function table QK_FFI_CIRCUIT. */
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
    MOST_QUBITS = 4     # of a standard gate
    # QkOperationKind.
    GATE = 0            # a standard gate, never a custom one of the same name
    BARRIER = 1
    MEASURE = 3
    RESET = 4
    # QkParamKind.
    REAL = 1
    EXPRESSION = 2
    INTEGER = 3

cdef struct Standard:       # a standard gate of Qiskit's that is in the gate table
    const char* name
    const char* at          # where Qiskit stores the name
    size_t length           # of the name
    uint32_t width
    size_t num_params
    int num_parts
    PyObject* kind          # of its part, if it has one part
    PyObject* formula       # of its coefficients; NULL if it has no parameters
    const char* constant    # its coefficients, if it has no parameters
    index size              # bytes of its coefficients

cdef Standard _standard[MOST_STANDARD]
cdef int _num_standard = 0
# Hash tables of 1 + the index in `_standard`, 0 if free: by name, and by where Qiskit stores the
# name. The second is empty if names are not stored in the same place every time.
cdef uint8_t _by_name[256]
cdef uint8_t _by_address[256]
cdef list _kept = []                # keeps alive what `_standard` points to

cdef object _circuit_data = None    # classes of Qiskit's
cdef object _circuit_view = None
cdef object _reserve = None         # CircuitData.reserve
cdef tuple _own = ()                # properties of QuantumCircuit that native reading bypasses


cdef inline unsigned int hash_of_name(const char* name, size_t length) noexcept:
    return (
        <uint8_t>name[0] * 5u + <uint8_t>name[length >> 1] * 19u
        + <uint8_t>name[length - 1] * 67u + <unsigned int>length * 11u
    ) & 255


cdef inline unsigned int hash_of_address(const char* name) noexcept:
    return <unsigned int>((<uint64_t>name * 0x9E3779B97F4A7C15u) >> 56)


cdef inline int standard_of(const View* view) noexcept:
    """Returns the index in `_standard` of an instruction's gate; -1 if it is not there."""
    cdef unsigned int at = hash_of_address(view.name)
    cdef int number
    while True:
        number = <int>_by_address[at] - 1
        if number < 0:
            number = standard_named(view)
            break
        if _standard[number].at == view.name and _standard[number].length == view.name_len:
            break
        at = (at + 1) & 255
    if (
        number < 0
        or _standard[number].width != view.num_qubits
        or _standard[number].num_params != view.num_params
        or view.num_clbits
    ):
        return -1
    return number


cdef int standard_named(const View* view) noexcept:
    """Returns the index in `_standard` of the gate of a name; -1 if it is not there."""
    cdef unsigned int at
    cdef int number
    if view.name_len == 0:
        return -1
    at = hash_of_name(view.name, view.name_len)
    while True:
        number = <int>_by_name[at] - 1
        if number < 0 or (
            _standard[number].length == view.name_len
            and memcmp(_standard[number].name, view.name, view.name_len) == 0
        ):
            return number
        at = (at + 1) & 255


def load_capi(circuit, rows):
    """Finds the functions, and checks that the standard gates are those of the gate table.

    Args:
        circuit: the standard gates of the table, one after another.
        rows: the name that Qiskit gives each of them, and its row.

    Raises:
        ImportError: the functions are not there, or a gate is not what the table says.
    """
    global _circuit_data, _circuit_view, _reserve, _own, _num_standard
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
    if (qk_version() >> 24, qk_version() >> 16 & 255) != INSTALLED.number:
        raise ImportError(f"Qiskit's C API has another version: {qk_version():#010x}")
    _circuit_data, _circuit_view, _reserve = CircuitData, QuantumCircuitData, CircuitData.reserve
    _own = (
        _circuit.qubits, _circuit.clbits, _circuit.cregs,
        _circuit.num_qubits, _circuit.num_clbits, _circuit.data,
    )
    data = circuit._data
    _num_standard = 0
    memset(_by_name, 0, sizeof(_by_name))
    memset(_by_address, 0, sizeof(_by_address))
    for place, (qiskit_name, row) in enumerate(rows):
        native = borrowed(data)
        if native == NULL or <size_t>place >= qk_num(native):
            raise ImportError("Qiskit's C API does not return the circuit that was made")
        if qk_kind(native, place) != GATE:
            raise ImportError(f"Qiskit's C API does not know the gate {qiskit_name!r}")
        qk_view(native, place, &view)
        name = view.name[:view.name_len]
        expected = (qiskit_name.encode(), row.num_qubits, row.num_params)
        if (name, view.num_qubits, view.num_params) != expected:
            raise ImportError(f"Qiskit's gate {name!r} is not the {qiskit_name!r} of the table")
        if row.num_params > MOST_PARAMETERS or row.num_qubits > MOST_QUBITS:
            raise ImportError(f"Qiskit's gate {name!r} has more parameters or qubits than any other")
        if _num_standard == MOST_STANDARD:
            raise ImportError(f"Qiskit has more than {MOST_STANDARD} standard gates")
        part = row.parts[0] if len(row.parts) == 1 else None
        kind = None if part is None else part.kind
        formula = formula_of(row.parts[0].entries, row.num_params) if row.num_params else None
        constant = np.array(() if part is None else part.constant, np.complex128).tobytes()
        size = len(constant)
        if formula is not None:
            size = (<Formula>formula).recipe.num_entries * sizeof(double complex)
        _kept.append((name, kind, formula, constant))
        number = _num_standard
        _standard[number] = Standard(
            <const char*>name, view.name, len(name), row.num_qubits, row.num_params, len(row.parts),
            <PyObject*>kind, NULL, <const char*>constant, size,
        )
        if formula is not None:
            _standard[number].formula = <PyObject*>formula
        at = hash_of_name(_standard[number].name, _standard[number].length)
        while _by_name[at]:
            at = (at + 1) & 255
        _by_name[at] = number + 1
        _num_standard = number + 1
    again = _circuit(1)
    again.h(0)
    native = borrowed(again._data)
    if native == NULL or qk_num(native) != 1:
        raise ImportError("Qiskit's C API does not return the circuit that was made")
    qk_view(native, 0, &view)
    number = standard_of(&view)
    if number < 0 or _standard[number].at != view.name:
        return
    for number in range(_num_standard):
        at = hash_of_address(_standard[number].at)
        while _by_address[at]:
            at = (at + 1) & 255
        _by_address[at] = number + 1


cdef int _set_table(void* table) except -1:
    global qk_table
    qk_table = <void**>table
    return 0


cdef const void* borrowed(data) except? NULL:
    """Returns a circuit's data, valid until Python code runs; NULL while anybody holds it."""
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
    """Returns the data behind `circuit.data`; None if that or the bits are not Qiskit's own."""
    cls = type(circuit)
    if cls is not _circuit:
        if not isinstance(circuit, _circuit):
            return None
        if (cls.qubits, cls.clbits, cls.cregs, cls.num_qubits, cls.num_clbits) != _own[:5]:
            return None
        if cls.data is not _own[5]:
            view = circuit.data  # reading it makes a blueprint build itself
            if type(view) is not _circuit_view or view._circuit is not circuit:
                return None
    data = circuit._data
    return data if type(data) is _circuit_data else None
