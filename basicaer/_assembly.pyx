# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""Gates, one after another, into the flat arrays of `Gates`.

The common case, a standard gate without a condition, is read here, by one look-up and a few stores,
and so is a whole circuit of such gates and of measurements behind them. What the gate table says of
a matrix's entries is written down once, as a list of steps (_formulas.pxi), and done for numbers
without Python from then on.
"""

from cpython.bytes cimport PyBytes_FromStringAndSize
from cpython.complex cimport PyComplex_CheckExact, PyComplex_ImagAsDouble, PyComplex_RealAsDouble
from cpython.dict cimport PyDict_GetItem
from cpython.float cimport PyFloat_AS_DOUBLE, PyFloat_CheckExact
from cpython.long cimport PyLong_AsLong, PyLong_FromVoidPtr
from cpython.object cimport PyObject
from libc.math cimport cos, isfinite, sin, sqrt
from libc.stdint cimport int32_t, int64_t
from libc.stdlib cimport free, realloc

from typing import Any, NamedTuple, Tuple

import numpy as np
from qiskit.circuit import Barrier, ControlledGate, Instruction
from qiskit.circuit import Measure as MeasureInstruction

from basicaer._gates import ROW_OF_CLASS, SINGLETON_OF_CLASS, Functions
from basicaer._program import DENSE, Gates, Measure, Plans, Program

ctypedef Py_ssize_t index

cdef enum:
    LARGE = 256     # from so many coefficients on, a matrix is kept as an array until the end

cdef object empty = np.empty
cdef object frombuffer = np.frombuffer
cdef object INT32 = np.dtype(np.int32)
cdef object INT64 = np.dtype(np.int64)
cdef object COMPLEX128 = np.dtype(np.complex128)


class Free(NamedTuple):
    """Coefficients that depend on parameters without a value yet.

    Attributes:
        offset: where they are.
        entries: the function of the parameters that gives them.
        parameters: numbers and parameter expressions.
    """

    offset: int
    entries: Any
    parameters: Tuple[Any, ...]


include "_formulas.pxi"


# --- one run of gates --------------------------------------------------------------------------

cdef struct Buffer:
    char* data
    index used
    index room


cdef int grow(Buffer* b, index size) except -1:
    """Makes room for so many bytes more at the end."""
    cdef index room = b.room if b.room else 512
    cdef char* data
    while b.used + size > room:
        room *= 2
    if room != b.room:
        data = <char*>realloc(b.data, room)
        if data == NULL:
            raise MemoryError("no memory left for the gates of the circuit")
        b.data = data
        b.room = room
    return 0


cdef object array_of(Buffer* b, dtype):
    """What is in a buffer, as an array that cannot be written to."""
    return frombuffer(PyBytes_FromStringAndSize(b.data, b.used), dtype) if b.used else empty(0, dtype)


cdef class Common:
    """What is known of a class of gates."""

    cdef object kind
    cdef tuple constant         # its coefficients, if it has no parameters
    cdef Formula formula        # of its coefficients, if it has; otherwise None
    cdef index width            # qubits that it acts on
    # Attributes to look at in each gate; None if there is nothing to check.
    cdef str condition
    cdef str control_state
    cdef str parameters
    cdef long wanted_state


cdef class Entry:
    """What is known of a class of gates within a run."""

    cdef int32_t kind           # its number; -1 until there is a gate of the class
    cdef index offset           # where its coefficients are, if it has no parameters
    cdef Common common


cdef dict _common = {}          # class of gates -> Common; only those of the table


cdef str plain_name(gate_class, str name, base):
    """The attribute behind a property of terra's, which takes half the time to read."""
    return "_" + name if getattr(gate_class, name, None) is getattr(base, name, name) else name


cdef Common common_of(gate_class):
    """What is known of a class of gates; None if it is not one of the table, of one part."""
    row = SINGLETON_OF_CLASS.get(gate_class)
    cdef bint shared = row is not None
    cdef Common common
    if row is None:
        row = ROW_OF_CLASS.get(gate_class)
    if row is None or len(row.parts) != 1:
        return None
    part = row.parts[0]
    common = Common()
    common.kind = part.kind
    common.constant = part.constant
    common.width = row.num_qubits
    if not shared:
        common.condition = plain_name(gate_class, "condition", Instruction)
        common.parameters = plain_name(gate_class, "params", Instruction)
        if row.num_controls:
            common.control_state = plain_name(gate_class, "ctrl_state", ControlledGate)
            common.wanted_state = part.kind.control_state
    if row.num_params:
        common.formula = Formula(part.entries, row.num_params)
    return common


cdef class Run:
    """Collects the gates between two other operations."""

    cdef dict known, kinds
    cdef Buffer kind, qubits, offset, coefficients, starts
    cdef list large, free

    def __init__(self):
        self.known = {}
        self.kinds = {}
        self.large = []
        self.free = []

    def __dealloc__(self):
        free(self.kind.data)
        free(self.qubits.data)
        free(self.offset.data)
        free(self.coefficients.data)
        free(self.starts.data)

    def __len__(self):
        return self.kind.used // <index>sizeof(int32_t)

    cdef Entry recognise(self, gate_class):
        """Makes a class of gates known to this run; None if it is not one of the simple ones."""
        cdef Common common
        cdef Entry entry
        found = _common.get(gate_class, NotImplemented)
        if found is NotImplemented:
            found = common_of(gate_class)
            if found is None:
                return None  # not kept: there is no end to the classes that are not in the table
            _common[gate_class] = found
        common = found
        entry = Entry()
        entry.common = common
        entry.kind = -1
        self.known[gate_class] = entry
        return entry

    cdef int32_t number(self, kind) except -1:
        cdef PyObject* found = PyDict_GetItem(self.kinds, kind)
        if found != NULL:
            return <int32_t><object>found
        self.kinds[kind] = len(self.kinds)
        return <int32_t>(len(self.kinds) - 1)

    cdef int push_int(self, Buffer* b, int32_t value) except -1:
        if b.used + <index>sizeof(int32_t) > b.room:
            grow(b, sizeof(int32_t))
        (<int32_t*>(b.data + b.used))[0] = value
        b.used += sizeof(int32_t)
        return 0

    cdef int push_offset(self, index value) except -1:
        if self.offset.used + <index>sizeof(int64_t) > self.offset.room:
            grow(&self.offset, sizeof(int64_t))
        (<int64_t*>(self.offset.data + self.offset.used))[0] = value
        self.offset.used += sizeof(int64_t)
        return 0

    cdef int push_all(self, tuple values) except -1:
        """Adds numbers to the coefficients."""
        cdef index count = len(values)
        cdef double* out
        cdef double complex z
        if self.coefficients.used + count * <index>sizeof(double complex) > self.coefficients.room:
            grow(&self.coefficients, count * sizeof(double complex))
        out = <double*>(self.coefficients.data + self.coefficients.used)
        for value in values:
            if PyFloat_CheckExact(value):
                out[0] = PyFloat_AS_DOUBLE(value)
                out[1] = 0
            elif PyComplex_CheckExact(value):
                out[0] = PyComplex_RealAsDouble(value)
                out[1] = PyComplex_ImagAsDouble(value)
            else:
                z = complex(value)
                out[0] = z.real
                out[1] = z.imag
            out += 2
        self.coefficients.used += count * sizeof(double complex)
        return 0

    cdef bint push_formula(self, Formula formula, parameters) except -1:
        """Adds the coefficients of a gate; False if its parameters are not as they should be."""
        cdef double values[MOST_PARAMETERS]
        cdef int i
        cdef index size = formula.num_entries * sizeof(double complex)
        if len(parameters) != formula.num_params:
            return False
        for i in range(formula.num_params):
            value = parameters[i]
            if PyFloat_CheckExact(value):
                values[i] = PyFloat_AS_DOUBLE(value)
            else:
                try:
                    values[i] = float(value)
                except (TypeError, ValueError, OverflowError):
                    return False
            if not isfinite(values[i]):
                return False
        if self.coefficients.used + size > self.coefficients.room:
            grow(&self.coefficients, size)
        formula.evaluate(values, <double*>(self.coefficients.data + self.coefficients.used))
        self.coefficients.used += size
        return True

    def read(self, list data, index place, dict index_of):
        """Reads instructions from `place` on, as long as they are simple gates.

        Args:
            data: the instructions.
            place: of the first.
            index_of: the index of each qubit, by the qubit's id.

        Returns:
            The place of the first instruction that is something else, or has something to it.
        """
        cdef index num = len(data), offset, i, j, width
        cdef int32_t* on
        cdef Entry entry
        cdef Common common
        cdef PyObject* found
        cdef tuple qubits
        cdef Buffer* held = &self.qubits
        while place < num:
            instruction = data[place]
            operation = instruction.operation
            found = PyDict_GetItem(self.known, type(operation))
            if found != NULL:
                entry = <Entry>found
            else:
                entry = self.recognise(type(operation))
                if entry is None:
                    break
            common = entry.common
            if common.condition is not None:
                if getattr(operation, common.condition) is not None:
                    break
                if common.control_state is not None:
                    if getattr(operation, common.control_state) != common.wanted_state:
                        break
            on_qubits = instruction.qubits
            if type(on_qubits) is not tuple:
                break
            qubits = on_qubits
            width = len(qubits)
            if width != common.width:
                break
            if held.used + width * <index>sizeof(int32_t) > held.room:
                grow(held, width * sizeof(int32_t))
            for i in range(width):
                found = PyDict_GetItem(index_of, PyLong_FromVoidPtr(<PyObject*>qubits[i]))
                if found == NULL:
                    return place
                on = <int32_t*>(held.data + held.used)
                on[i] = <int32_t>PyLong_AsLong(<object>found)
                for j in range(i):
                    if on[j] == on[i]:
                        return place
            if entry.kind < 0:
                entry.offset = self.coefficients.used // <index>sizeof(double complex)
                self.push_all(common.constant)
            offset = entry.offset
            if common.formula is not None:
                offset = self.coefficients.used // <index>sizeof(double complex)
                if not self.push_formula(common.formula, getattr(operation, common.parameters)):
                    break  # not bound, not finite, too many or too few: the long way says which
            if entry.kind < 0:
                entry.kind = self.number(common.kind)
            held.used += width * sizeof(int32_t)
            self.push_int(&self.kind, entry.kind)
            self.push_offset(offset)
            place += 1
        return place

    def add(self, kind, qubits, coefficients):
        """Adds one gate: its qubits, controls first, and its coefficients."""
        cdef index where = self.coefficients.used // <index>sizeof(double complex)
        if isinstance(coefficients, np.ndarray):
            if len(coefficients) >= LARGE:
                self.large.append((len(self), coefficients.astype(np.complex128)))
                coefficients = ()
            else:
                coefficients = coefficients.tolist()
        self.push_all(tuple(coefficients))
        self.push_int(&self.kind, self.number(kind))
        for qubit in qubits:
            self.push_int(&self.qubits, qubit)
        self.push_offset(where)

    def add_free(self, kind, qubits, entries, parameters):
        """Adds one gate whose coefficients are to be filled in for each set of values."""
        where = self.coefficients.used // <index>sizeof(double complex)
        self.free.append(Free(where, entries, parameters))
        self.add(kind, qubits, (0j,) * (1 << kind.num_targets * (2 if kind.form == DENSE else 1)))

    def take(self):
        """Returns the gates so far, which may be none, what is free in them, and starts anew.

        The third that is returned is whether all coefficients are finite.
        """
        cdef index num = len(self), i
        cdef tuple kinds = tuple(self.kinds)
        cdef list widths = [kind.num_controls + kind.num_targets for kind in kinds]
        cdef const double* values = <const double*>self.coefficients.data
        cdef double sum = 0
        cdef bint finite
        cdef int32_t total = 0
        cdef Buffer* starts = &self.starts
        kind = array_of(&self.kind, INT32)
        qubits = array_of(&self.qubits, INT32)
        coefficients = array_of(&self.coefficients, COMPLEX128)
        for i in range(self.coefficients.used // <index>sizeof(double)):
            sum = sum + 0 * values[i]
        finite = sum == 0
        grow(starts, (num + 1) * sizeof(int32_t))
        starts.used = (num + 1) * sizeof(int32_t)
        (<int32_t*>starts.data)[0] = 0
        for i in range(num):
            total += <int32_t>widths[(<int32_t*>self.kind.data)[i]]
            (<int32_t*>starts.data)[i + 1] = total
        start = array_of(starts, INT32)
        starts.used = 0
        if self.large:
            end = len(coefficients)
            for gate, matrix in self.large:
                (<int64_t*>self.offset.data)[<index>gate] = end
                end += len(matrix)
                finite = finite and bool(np.isfinite(matrix).all())
            coefficients = np.concatenate([coefficients, *[matrix for _, matrix in self.large]])
        offset = array_of(&self.offset, INT64)
        free_ones = self.free
        self.known.clear()
        self.kinds.clear()
        self.large.clear()
        self.free = []
        self.kind.used = self.qubits.used = self.offset.used = self.coefficients.used = 0
        gates = made(Gates, {
            "kinds": kinds, "kind": kind, "start": start, "qubits": qubits, "offset": offset,
            "coefficients": coefficients, "plans": Plans(),
        })
        return gates, free_ones, finite


cdef object made(cls, dict fields):
    """An object of a frozen dataclass, in less time than it takes to set its fields one by one."""
    new = cls.__new__(cls)
    (<dict>new.__dict__).update(fields)
    return new


# --- a whole circuit ---------------------------------------------------------------------------

# Terra's shared instances have a class of their own.
cdef frozenset _measurements = frozenset({MeasureInstruction, type(MeasureInstruction())})
cdef str _measure_condition = plain_name(MeasureInstruction, "condition", Instruction)
cdef object _barrier = Barrier
cdef dict _measures = {}        # the number of the qubit and of the clbit -> Measure
cdef enum:
    FEW = 64                    # numbers of which a Measure is kept


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
    """True for a barrier on the circuit's own qubits, which changes nothing."""
    if type(instruction.operation) is not _barrier:
        return False
    if getattr(instruction.operation, "condition", None) is not None:
        return False
    for qubit in instruction.qubits:
        if PyLong_FromVoidPtr(<PyObject*>qubit) not in qubit_of:
            return False
    return True


cdef dict by_id(list bits):
    cdef index i
    cdef dict out = {}
    for i in range(len(bits)):
        out[PyLong_FromVoidPtr(<PyObject*>bits[i])] = i
    return out


def plain_program(circuit, bint unitary_only):
    """Returns a circuit as numbers, if it is simple gates and then measurements, as most are.

    Returns:
        What `_lowering.Lowering` returns; None if it is more than that, or if something is wrong
        with it, which is told by the long way.
    """
    cdef list data = list(circuit.data)  # first of all: that makes the registers of a blueprint
    cdef list qubits = list(circuit.qubits), clbits = list(circuit.clbits), body = []
    cdef index num = len(data), place = 0
    cdef dict qubit_of = by_id(qubits), clbit_of = by_id(clbits)
    cdef tuple on, to
    cdef PyObject* qubit
    cdef PyObject* clbit
    cdef Run run = Run()
    phase = circuit.global_phase
    if not PyFloat_CheckExact(phase) and type(phase) is not int or phase != 0:
        return None
    if len(circuit.cregs) > 1:  # they may share clbits
        return None
    while place < num:
        place = run.read(data, place, qubit_of)
        if place == num or not is_plain_barrier(data[place], qubit_of):
            break
        place += 1
    if len(run):
        gates, free_ones, finite = run.take()
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
        if getattr(operation, _measure_condition) is not None:
            return None
        if type(instruction.qubits) is not tuple or type(instruction.clbits) is not tuple:
            return None
        on = instruction.qubits
        to = instruction.clbits
        if len(on) != 1 or len(to) != 1:
            return None
        qubit = PyDict_GetItem(qubit_of, PyLong_FromVoidPtr(<PyObject*>on[0]))
        clbit = PyDict_GetItem(clbit_of, PyLong_FromVoidPtr(<PyObject*>to[0]))
        if qubit == NULL or clbit == NULL:
            return None  # equal bits that are other objects, or foreign ones
        body.append(measure_of(<object>qubit, <object>clbit))
    return made(Program, {
        "num_qubits": len(qubits), "num_clbits": len(clbits), "body": tuple(body),
        "global_phase": 0.0, "name": circuit.name, "samples": True,
    })
