# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""The gate reader: appends gates to the flat arrays of `Gates`.

The common case, a standard gate without a condition, takes one look-up and a few stores; a whole
circuit of such gates, followed by measurements, is read here too. The formulas of the gate table
for matrix entries are recorded once, as lists of steps (formulas.pxi), and from then on evaluated
without Python.

The gates of a circuit are accessed in one of three ways, which `choose` selects (listed.pxi,
native.pxi); contract.py has what they share.
"""

from cython cimport embedsignature, final, internal
from cpython.bytes cimport PyBytes_FromStringAndSize
from cpython.complex cimport PyComplex_CheckExact, PyComplex_ImagAsDouble, PyComplex_RealAsDouble
from cpython.dict cimport PyDict_GetItem
from cpython.exc cimport PyErr_Clear
from cpython.mem cimport PyMem_Calloc, PyMem_Free
from cpython.float cimport PyFloat_AS_DOUBLE, PyFloat_CheckExact
from cpython.long cimport PyLong_AsLong, PyLong_FromVoidPtr
from cpython.object cimport PyObject
from cpython.pycapsule cimport PyCapsule_GetPointer, PyCapsule_Import, PyCapsule_New
from libc.math cimport cos, fabs, isfinite, sin, sqrt
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport free, realloc
from libc.string cimport memcmp, memcpy, memset

from typing import Any, NamedTuple, Tuple

import numpy as np
from qiskit.circuit import Barrier, CircuitInstruction, ControlledGate, Instruction, QuantumCircuit
from qiskit.circuit import Measure as MeasureInstruction

from basicaer._engine.gate_table import Functions
from basicaer._engine.program import DENSE, Gates, Measure, Outline, Program
from basicaer._qiskit.circuits.gate_classes import ROW_OF_CLASS, SINGLETON_OF_CLASS, STANDARD_ROWS
from basicaer._qiskit.versions import CONDITIONS, INSTALLED, SHARED_BITS, condition_of

ctypedef Py_ssize_t index

cdef enum:
    LARGE = 256     # a matrix of this many coefficients or more stays an array until `take`
    MOST_STANDARD = 64

cdef bint _conditions = CONDITIONS
# Set by `choose`.
cdef bint _native = False           # whether circuits are read through Qiskit's C API
cdef bint _by_id = SHARED_BITS      # whether bits are found as objects, or else by their hash
cdef bint _named = False            # whether standard gates are read by name, without their objects

cdef object new_gates = Gates.of
cdef object new_program = Program.of
cdef object new_outline = Outline
cdef object empty = np.empty
cdef object frombuffer = np.frombuffer
cdef object INT32 = np.dtype(np.int32)
cdef object INT64 = np.dtype(np.int64)
cdef object COMPLEX128 = np.dtype(np.complex128)
cdef object _circuit = QuantumCircuit
cdef object _instruction = CircuitInstruction


class FreeCoefficients(NamedTuple):
    """The coefficients of a gate that depend on parameters without a value.

    Attributes:
        offset: index of the first among the coefficients of the gate run.
        entries: the function of the gate's parameters that returns them.
        parameters: the gate's parameters, numbers and parameter expressions.
    """

    offset: int
    entries: Any
    parameters: Tuple[Any, ...]


include "basicaer/_engine/cython/growable.pxi"
include "basicaer/_engine/cython/fill.pxi"
include "basicaer/_qiskit/circuits/formulas.pxi"
include "basicaer/_qiskit/circuits/refill.pxi"


cdef struct Pending:        # gates of one kind whose coefficients are computed together
    index num
    index starts[BATCH]     # where the coefficients are to be
    double parameters[MOST_PARAMETERS * BATCH]

cdef struct Late:           # pending gates that the engine computes
    const Recipe* recipe
    Pending pending


# --- one gate run ------------------------------------------------------------------------------

cdef object array_of(Growable* b, dtype):
    """Returns the values of a list as a read-only array."""
    return frombuffer(PyBytes_FromStringAndSize(b.data, b.used), dtype) if b.used else empty(0, dtype)


@internal
cdef class GateClass:
    """How to read the gates of one class."""

    cdef object kind
    cdef tuple constant         # its coefficients, if it has no parameters
    cdef Formula formula        # of its coefficients, if it has; otherwise None
    cdef index width            # qubits that it acts on
    # Names of the attributes to read of each gate; None for those that need no check.
    cdef str condition
    cdef str control_state
    cdef str parameters
    cdef long wanted_state


@internal
cdef class Entry:
    """A class of gates within the current gate run."""

    cdef int32_t kind           # index of its kind; -1 until there is a gate of the class
    cdef index offset           # of its coefficients, if it has no parameters
    cdef GateClass of_class


cdef dict _gate_classes = {}    # GateClass of each class or name that was read; only of the table


cdef str plain_name(gate_class, str name, base):
    """Returns the name of the attribute behind a property of terra's: twice as fast to read."""
    return "_" + name if getattr(gate_class, name, None) is getattr(base, name, name) else name


cdef str condition_in(gate_class):
    """The attribute that holds a condition; None if instructions have none."""
    return plain_name(gate_class, "condition", Instruction) if _conditions else None


cdef GateClass gate_class_of(gate_class):
    """Returns how to read a class; None if it is not a row of the gate table with one part."""
    row = SINGLETON_OF_CLASS.get(gate_class)
    cdef bint shared = row is not None
    cdef GateClass of_class
    if row is None:
        row = ROW_OF_CLASS.get(gate_class)
    if row is None or len(row.parts) != 1:
        return None
    part = row.parts[0]
    of_class = GateClass()
    of_class.kind = part.kind
    of_class.constant = part.constant
    of_class.width = row.num_qubits
    if not shared:
        of_class.condition = condition_in(gate_class)
        of_class.parameters = plain_name(gate_class, "params", Instruction)
        if row.num_controls:
            of_class.control_state = plain_name(gate_class, "ctrl_state", ControlledGate)
            of_class.wanted_state = part.kind.control_state
    if row.num_params:
        of_class.formula = formula_of(row.parts[0].entries, row.num_params)
    return of_class


cdef GateClass standard_class_of(str name):
    """Returns how to read a standard gate of Qiskit's from its instruction; None as above."""
    row = STANDARD_ROWS.get(name)
    if row is None or len(row.parts) != 1:
        return None
    cdef GateClass of_class = GateClass()
    part = row.parts[0]
    of_class.kind = part.kind
    of_class.constant = part.constant
    of_class.width = row.num_qubits
    of_class.condition = "condition" if _conditions else None
    of_class.parameters = "params"
    if row.num_params:
        of_class.formula = formula_of(row.parts[0].entries, row.num_params)
    return of_class


@embedsignature(True)
cdef class GateReader:
    """Collects the gates between two other operations."""

    cdef dict known, kinds
    # Of each standard gate, by its number in `_standard`: 1 + the index of its kind, or 0; and,
    # without parameters, where its coefficients are.
    cdef int32_t seen[MOST_STANDARD]
    cdef index seen_at[MOST_STANDARD]
    cdef Growable kind, qubits, offset, coefficients, starts, widths
    cdef Pending* pending       # of each standard gate, of several circuits; mostly NULL
    cdef Growable late          # `Late`: those of them that are full
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
        free(self.widths.data)
        free(self.late.data)

    def __len__(self):
        return self.kind.used // <index>sizeof(int32_t)

    cdef Entry recognise(self, gate_class):
        """Adds a class of gates, or a standard gate by its name, to this gate run.

        Returns None if it is not a row of the gate table with one part.
        """
        cdef GateClass of_class
        cdef Entry entry
        found = _gate_classes.get(gate_class, NotImplemented)
        if found is NotImplemented:
            by_name = type(gate_class) is str
            found = standard_class_of(gate_class) if by_name else gate_class_of(gate_class)
            if found is None:
                return None  # not kept: there is no bound on the number of other classes
            _gate_classes[gate_class] = found
        of_class = found
        entry = Entry()
        entry.of_class = of_class
        entry.kind = -1
        self.known[gate_class] = entry
        return entry

    cdef int32_t number(self, kind) except -1:
        cdef PyObject* found = PyDict_GetItem(self.kinds, kind)
        if found != NULL:
            return <int32_t><object>found
        self.kinds[kind] = len(self.kinds)
        return <int32_t>(len(self.kinds) - 1)

    cdef int push_int(self, Growable* b, int32_t value) except -1:
        if b.used + <index>sizeof(int32_t) > b.room:
            reserve(b, sizeof(int32_t))
        (<int32_t*>(b.data + b.used))[0] = value
        b.used += sizeof(int32_t)
        return 0

    cdef int push_offset(self, index value) except -1:
        if self.offset.used + <index>sizeof(int64_t) > self.offset.room:
            reserve(&self.offset, sizeof(int64_t))
        (<int64_t*>(self.offset.data + self.offset.used))[0] = value
        self.offset.used += sizeof(int64_t)
        return 0

    cdef int push_all(self, tuple values) except -1:
        """Adds numbers to the coefficients."""
        cdef index count = len(values)
        cdef double* out
        cdef double complex z
        if self.coefficients.used + count * <index>sizeof(double complex) > self.coefficients.room:
            reserve(&self.coefficients, count * sizeof(double complex))
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
        """Adds the coefficients of a gate; False if its parameters are not all finite numbers."""
        cdef double values[MOST_PARAMETERS * BATCH]
        cdef index start = self.coefficients.used // <index>sizeof(double complex)
        cdef int i
        cdef index size = formula.recipe.num_entries * sizeof(double complex)
        if len(parameters) != formula.recipe.num_params:
            return False
        for i in range(formula.recipe.num_params):
            value = parameters[i]
            if PyFloat_CheckExact(value):
                values[i * BATCH] = PyFloat_AS_DOUBLE(value)
            else:
                try:
                    values[i * BATCH] = float(value)
                except (TypeError, ValueError, OverflowError):
                    return False
            if not isfinite(values[i * BATCH]):
                return False
        if self.coefficients.used + size > self.coefficients.room:
            reserve(&self.coefficients, size)
        formula.evaluate(1, values, &start, <double*>self.coefficients.data)
        self.coefficients.used += size
        return True

    def read(self, list data, index place, dict index_of):
        """Reads instructions from `place` on, as long as they are gates of the common case.

        Args:
            data: the instructions.
            place: index of the first.
            index_of: the index of each qubit, as `keyed` makes it.

        Returns:
            The index of the first instruction that was not read, len(data) if all were.
        """
        cdef index num = len(data), offset, i, j, width
        cdef int32_t* on
        cdef Entry entry
        cdef GateClass of_class
        cdef PyObject* found
        cdef tuple qubits
        cdef Growable* held = &self.qubits
        while place < num:
            instruction = data[place]
            if _named and type(instruction) is _instruction and instruction.is_standard_gate():
                operation = instruction
                what = instruction.name
            else:
                operation = instruction.operation
                what = type(operation)
            found = PyDict_GetItem(self.known, what)
            if found != NULL:
                entry = <Entry>found
            else:
                entry = self.recognise(what)
                if entry is None:
                    break
            of_class = entry.of_class
            if of_class.condition is not None:
                if getattr(operation, of_class.condition) is not None:
                    break
            if of_class.control_state is not None:
                if getattr(operation, of_class.control_state) != of_class.wanted_state:
                    break
            on_qubits = instruction.qubits
            if type(on_qubits) is not tuple:
                break
            qubits = on_qubits
            width = len(qubits)
            if width != of_class.width:
                break
            if held.used + width * <index>sizeof(int32_t) > held.room:
                reserve(held, width * sizeof(int32_t))
            for i in range(width):
                found = place_of(index_of, <PyObject*>qubits[i])
                if found == NULL:
                    return place
                on = <int32_t*>(held.data + held.used)
                on[i] = <int32_t>PyLong_AsLong(<object>found)
                for j in range(i):
                    if on[j] == on[i]:
                        return place
            if entry.kind < 0:
                entry.offset = self.coefficients.used // <index>sizeof(double complex)
                self.push_all(of_class.constant)
            offset = entry.offset
            if of_class.formula is not None:
                offset = self.coefficients.used // <index>sizeof(double complex)
                parameters = getattr(operation, of_class.parameters)
                if not self.push_formula(of_class.formula, parameters):
                    break  # unbound, not finite, or a wrong number: `Lowering` reports which
            if entry.kind < 0:
                entry.kind = self.number(of_class.kind)
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
        """Adds one gate whose coefficients are filled in later, for each set of values."""
        where = self.coefficients.used // <index>sizeof(double complex)
        self.free.append(FreeCoefficients(where, entries, parameters))
        self.add(kind, qubits, (0j,) * (1 << kind.num_targets * (2 if kind.form == DENSE else 1)))

    def take(self):
        """Ends the gate run and starts an empty one.

        Returns:
            The `Gates` (maybe none), their `FreeCoefficients`, and whether all coefficients are
            finite.
        """
        cdef index num = len(self), i
        cdef tuple kinds = tuple(self.kinds)
        cdef const double* values = <const double*>self.coefficients.data
        cdef index size = self.coefficients.used // <index>sizeof(double)
        cdef double sums[4]
        cdef bint finite
        cdef int32_t total = 0
        cdef Growable* starts = &self.starts
        kind = array_of(&self.kind, INT32)
        qubits = array_of(&self.qubits, INT32)
        coefficients = array_of(&self.coefficients, COMPLEX128)
        # Four sums, so that no addition waits for the one before it.
        sums[0] = sums[1] = sums[2] = sums[3] = 0
        for i in range(size // 4):
            sums[0] += 0 * values[4 * i]
            sums[1] += 0 * values[4 * i + 1]
            sums[2] += 0 * values[4 * i + 2]
            sums[3] += 0 * values[4 * i + 3]
        for i in range(size - size % 4, size):
            sums[0] += 0 * values[i]
        finite = sums[0] + sums[1] + sums[2] + sums[3] == 0
        self.widths.used = 0
        for of_gates in kinds:
            self.push_int(&self.widths, of_gates.num_controls + of_gates.num_targets)
        reserve(starts, (num + 1) * sizeof(int32_t))
        starts.used = (num + 1) * sizeof(int32_t)
        (<int32_t*>starts.data)[0] = 0
        for i in range(num):
            total += (<int32_t*>self.widths.data)[(<int32_t*>self.kind.data)[i]]
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
        memset(self.seen, 0, sizeof(self.seen))
        gates = new_gates(kinds, kind, start, qubits, offset, coefficients)
        return gates, free_ones, finite


include "basicaer/_qiskit/circuits/listed.pxi"
include "basicaer/_qiskit/circuits/capi.pxi"
include "basicaer/_qiskit/circuits/native.pxi"
