# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""Gates, one after another, into the flat arrays of `Gates`.

The common case, a standard gate without a condition, is read here, by one look-up and a few stores.
"""

from cpython.complex cimport PyComplex_CheckExact, PyComplex_ImagAsDouble, PyComplex_RealAsDouble
from cpython.dict cimport PyDict_GetItem
from cpython.float cimport PyFloat_AS_DOUBLE, PyFloat_CheckExact
from cpython.long cimport PyLong_AsLong, PyLong_FromVoidPtr
from cpython.object cimport PyObject
from libc.stdint cimport int32_t, int64_t
from libc.stdlib cimport free, realloc
from libc.string cimport memcpy

from typing import Any, NamedTuple, Tuple

import numpy as np
from qiskit.circuit import ControlledGate, Instruction

from basicaer._gates import ROW_OF_CLASS, SCALAR, SINGLETON_OF_CLASS
from basicaer._program import DENSE, Gates

ctypedef Py_ssize_t index

cdef enum:
    LARGE = 256     # from so many coefficients on, a matrix is kept as an array until the end

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


cdef object array_of(Buffer* b, index itemsize, dtype):
    """What is in a buffer, as an array."""
    cdef index count = b.used // itemsize
    out = np.empty(count, dtype)
    cdef char[::1] view
    if count:
        view = out.view(BYTES)
        memcpy(&view[0], b.data, b.used)
    return out

cdef object BYTES = np.dtype(np.int8)


cdef class Entry:
    """What is known of a class of gates within a run."""

    cdef int32_t kind
    cdef index offset           # where its coefficients are, if it has no parameters
    cdef object entries         # function of its parameters; None if it has none
    # Attributes to look at in each gate; None if there is nothing to check.
    cdef str condition
    cdef str control_state
    cdef str parameters
    cdef long wanted_state


cdef str plain_name(gate_class, str name, base):
    """The attribute behind a property of terra's, which takes half the time to read."""
    return "_" + name if getattr(gate_class, name, None) is getattr(base, name, name) else name


cdef class Run:
    """Collects the gates between two other operations."""

    cdef dict known, kinds
    cdef Buffer kind, qubits, offset, coefficients
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

    def __len__(self):
        return self.kind.used // <index>sizeof(int32_t)

    cdef Entry recognise(self, operation):
        """Makes a gate's class known to this run; None if the gate is not one of the simple ones.

        Simple is a gate of the table, of one part, that has neither a condition nor another control
        state than its class.
        """
        gate_class = type(operation)
        row = SINGLETON_OF_CLASS.get(gate_class)
        cdef bint shared = row is not None
        if row is None:
            row = ROW_OF_CLASS.get(gate_class)
        if row is None or len(row.parts) != 1:
            return None
        part = row.parts[0]
        cdef Entry entry = Entry()
        if not shared:
            entry.condition = plain_name(gate_class, "condition", Instruction)
            if getattr(operation, entry.condition) is not None:
                return None
            if row.num_controls:
                entry.control_state = plain_name(gate_class, "ctrl_state", ControlledGate)
                entry.wanted_state = part.kind.control_state
                if getattr(operation, entry.control_state) != entry.wanted_state:
                    return None
            entry.parameters = plain_name(gate_class, "params", Instruction)
        entry.kind = self.number(part.kind)
        entry.offset = self.coefficients.used // <index>sizeof(double complex)
        self.push_all(part.constant)
        entry.entries = part.entries if row.num_params else None
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

    def read(self, list data, index place, dict index_of):
        """Reads instructions from `place` on, as long as they are simple gates.

        Args:
            data: the instructions.
            place: of the first.
            index_of: the index of each qubit, by the qubit's id.

        Returns:
            The place of the first instruction that is something else, or has something to it.
        """
        cdef index num = len(data), offset, i, width
        cdef Entry entry
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
                entry = self.recognise(operation)
                if entry is None:
                    break
            if entry.condition is not None:
                if getattr(operation, entry.condition) is not None:
                    break
                if entry.control_state is not None:
                    if getattr(operation, entry.control_state) != entry.wanted_state:
                        break
            qubits = instruction.qubits
            width = len(qubits)
            if held.used + width * <index>sizeof(int32_t) > held.room:
                grow(held, width * sizeof(int32_t))
            for i in range(width):
                found = PyDict_GetItem(index_of, PyLong_FromVoidPtr(<PyObject*>qubits[i]))
                if found == NULL:
                    return place
                (<int32_t*>(held.data + held.used))[i] = <int32_t>PyLong_AsLong(<object>found)
            offset = entry.offset
            if entry.entries is not None:
                offset = self.coefficients.used // <index>sizeof(double complex)
                try:
                    params = getattr(operation, entry.parameters)
                    self.push_all(entry.entries(SCALAR, *params))
                except (TypeError, ValueError):
                    break  # not bound, not finite, too many or too few: the long way says which
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
        kind = array_of(&self.kind, sizeof(int32_t), INT32)
        qubits = array_of(&self.qubits, sizeof(int32_t), INT32)
        offset = array_of(&self.offset, sizeof(int64_t), INT64)
        coefficients = array_of(&self.coefficients, sizeof(double complex), COMPLEX128)
        for i in range(self.coefficients.used // <index>sizeof(double)):
            sum = sum + 0 * values[i]
        finite = sum == 0
        start = np.empty(num + 1, INT32)
        cdef int32_t[::1] starts = start
        starts[0] = 0
        for i in range(num):
            total += <int32_t>widths[(<int32_t*>self.kind.data)[i]]
            starts[i + 1] = total
        if self.large:
            end = len(coefficients)
            for gate, matrix in self.large:
                offset[gate] = end
                end += len(matrix)
                finite = finite and bool(np.isfinite(matrix).all())
            coefficients = np.concatenate([coefficients, *[matrix for _, matrix in self.large]])
        free_ones = self.free
        self.known.clear()
        self.kinds.clear()
        self.large.clear()
        self.free = []
        self.kind.used = self.qubits.used = self.offset.used = self.coefficients.used = 0
        return Gates(kinds, kind, start, qubits, offset, coefficients), free_ones, finite
