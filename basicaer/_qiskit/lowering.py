"""Reads a circuit into a `Program`: what is common to all instructions.

Gates of the table, and whatever is such gates behind more controls, are taken as they are. Every
other instruction is read by the function that is registered for its class (`instructions`,
`control_flow`). Runs of common gates are read by `GateReader.read`.
"""

from __future__ import annotations

import cmath
import math
from typing import AbstractSet, Any, Callable, Dict, List, NamedTuple, NoReturn, Sequence, Tuple

import numpy as np
from qiskit.circuit import Barrier, Clbit, ParameterExpression, QuantumCircuit

from basicaer._engine import memory as _memory
from basicaer._engine.gate_table import PHASE, PHASE_IF_0, PHASE_IF_1, SCALAR, Part, Row
from basicaer._engine.program import (
    Condition,
    Gates,
    IfElse,
    Kind,
    Operation,
    Program,
    only_ends_in_measurements,
)
from basicaer._engine.shots.classical import holds
from basicaer._qiskit.conditions import Clbits, lower_condition
from basicaer._qiskit.errors import BasicAerError
from basicaer._qiskit.gate_classes import ROW_OF_CLASS, SINGLETON_OF_CLASS
from basicaer._qiskit.gate_reader import FreeCoefficients, GateReader
from basicaer._qiskit.versions import bit_key, condition_of

_FREE_GATES = 1 << 16
_GATE_BYTES = 150
"""A few nested definitions can stand for more gates than memory holds. Beyond `_FREE_GATES` gates
lowering checks that they fit, at `_GATE_BYTES` each while they are read."""


class UnsweepableError(Exception):
    """A definition or a matrix exists only once parameters have values."""


class Scope(NamedTuple):
    """A circuit being read: the outermost one, a block of control flow, or a definition.

    Attributes:
        circuit: the circuit.
        qubits: the index in the outermost circuit of each qubit, by its `bit_key`.
        clbits: the index in the outermost circuit of each clbit.
        depth: how many definitions and blocks it is inside of.
        controls: qubits that control everything in it.
        state: bit j is the value that control j must have.
    """

    circuit: QuantumCircuit
    qubits: Dict[Any, int]
    clbits: Clbits
    depth: int
    controls: Tuple[int, ...] = ()
    state: int = 0


Reader = Callable[["Lowering", Any, List[int], Sequence[Clbit], Scope], None]
"""A function that reads an operation: given the lowering under way, the operation, the indices of
its qubits, its clbits, and the scope that it is in."""

READERS: Dict[type, Reader] = {}
"""What reads the operations of exactly this class."""
CONTROL_FLOW: Dict[type, Reader] = {}
"""What reads loops, branches and jumps of exactly this class."""
_READERS_OF_DERIVED: Dict[type, Reader] = {}


def reads(*classes: type) -> Callable[[Reader], Reader]:
    """Registers a function as the reader of operations of exactly these classes."""
    return _registered(READERS, classes)


def reads_derived(*classes: type) -> Callable[[Reader], Reader]:
    """Registers a function as the reader of these classes and those derived from them.

    The nearest base class that has a reader decides.
    """
    return _registered(_READERS_OF_DERIVED, classes)


def reads_control_flow(*classes: type) -> Callable[[Reader], Reader]:
    """Registers a function as the reader of control flow of exactly these classes."""
    return _registered(CONTROL_FLOW, classes)


def _registered(table: Dict[type, Reader], classes: Sequence[type]) -> Callable[[Reader], Reader]:
    def register(reader: Reader) -> Reader:
        table.update(dict.fromkeys(classes, reader))
        return reader

    return register


def reader_of(operation: Any) -> Reader:
    """Returns the function that reads the operation, which is no gate of the table."""
    gate_class = operation.__class__
    reader = READERS.get(gate_class)
    if reader is not None:
        return reader
    return next(
        _READERS_OF_DERIVED[base] for base in gate_class.__mro__ if base in _READERS_OF_DERIVED
    )


class Lowering:
    """Reads one circuit.

    Attributes:
        circuit: the circuit.
        unitary_only: whether to refuse what is not unitary.
        free_parameters: the parameters that need no value.
        body: what has been read, except for the gates since the last `flush`.
        free: runs of gates with coefficients that depend on free parameters, and which those are.
        phase: the global phase, without the `free_phases`.
        free_phases: expressions that add to the global phase.
        outermost: the last instruction of the circuit itself that was read by its definition.
        nesting: how many bodies of control flow or of conditions this is inside of.
        loops: how many of them are loops.
        turns: how often the for loops around it execute what is being read.
        unrolled: bytes that the turns of all for loops so far need, at least.
        measured: whether a measurement has been read, be it one whose condition does not hold.
        stops_sampling: whether BasicAer sees something that keeps it from sampling, even if nothing
            of it is in the body: a delay after a measurement, say.
        conditional: whether a `c_if` applies to what is being read.
        shared: the clbits that more than one register holds.
        made: how many gates were read before the last `flush`.
    """

    def __init__(
        self,
        circuit: QuantumCircuit,
        unitary_only: bool = False,
        free_parameters: AbstractSet[Any] = frozenset(),
    ) -> None:
        self.circuit = circuit
        self.unitary_only = unitary_only
        self.free_parameters = free_parameters
        self.body: List[Operation] = []
        self.free: List[Tuple[Gates, List[FreeCoefficients]]] = []
        self.phase = 0.0
        self.free_phases: List[ParameterExpression] = []
        self.outermost: Any = circuit
        self.nesting = 0
        self.loops = 0
        self.turns = 1
        self.unrolled = 0
        self.measured = False
        self.stops_sampling = False
        self.conditional = False
        self.shared: AbstractSet[int] = frozenset()
        self.made = 0
        self._reader = GateReader()

    def program(self) -> Program:
        """Reads the circuit; to be called once."""
        circuit = self.circuit
        data = circuit.data  # first of all: a blueprint's registers are made by looking at its data
        qubits = {bit_key(qubit): index for index, qubit in enumerate(circuit.qubits)}
        clbits = {clbit: index for index, clbit in enumerate(circuit.clbits)}
        if len(circuit.cregs) > 1:
            self.shared = {
                index
                for clbit, index in clbits.items()
                if len(circuit.find_bit(clbit).registers) > 1
            }
        scope = Scope(circuit, qubits, clbits, 0)
        try:
            self.add_phase(circuit.global_phase, scope, circuit)
            self.walk(data, scope)
        except RecursionError:
            self.fail(self.outermost, "has definitions nested too deeply; does it contain itself?")
        self.flush()
        return Program(
            num_qubits=len(qubits),
            num_clbits=len(clbits),
            body=tuple(self.body),
            global_phase=self.phase,
            name=circuit.name,
            samples=not self.stops_sampling and only_ends_in_measurements(self.body),
        )

    # Reading a circuit, and one instruction of it.

    def walk(self, data: Any, scope: Scope) -> None:
        """Reads instructions one after another."""
        instructions = list(data)
        place, end = 0, len(instructions)
        while place < end:
            if not scope.controls:
                place = self._reader.read(instructions, place, scope.qubits)
                if place == end:
                    return
            instruction = instructions[place]
            operation = instruction.operation
            indices = self._indices(instruction.qubits, scope)
            twice = len(indices) > 1 and len(set(indices)) < len(indices)
            if twice and not isinstance(operation, Barrier):
                self.fail(operation, "acts on the same qubit twice")
            reader = READERS.get(operation.__class__)
            if reader is not None and condition_of(operation) is None:
                reader(self, operation, indices, instruction.clbits, scope)
            else:
                self.operation(operation, indices, instruction.clbits, scope)
            place += 1

    def operation(
        self, operation: Any, qubits: List[int], clbits: Sequence[Clbit], scope: Scope
    ) -> None:
        """Reads one instruction of any kind."""
        flow = CONTROL_FLOW.get(operation.__class__)
        if flow is not None:
            self.check_nonunitary_allowed(operation, scope, "")
            flow(self, operation, qubits, clbits, scope)
            return
        condition = condition_of(operation)
        if condition is None:
            self.unconditional(operation, qubits, clbits, scope)
            return
        self.check_nonunitary_allowed(operation, scope, " with a condition")
        where = self.where(operation)
        lowered = lower_condition(condition, scope.clbits, where, cut=True)
        self.note_action()
        # Until something is measured every clbit is 0, and whether the condition holds is known.
        known = not self.measured and not self.loops
        outer, self.conditional = self.conditional, True
        if known and holds(lowered, 0):
            self.unconditional(operation, qubits, clbits, scope)
        else:
            body = self.collect(lambda: self.unconditional(operation, qubits, clbits, scope))
            if not known:
                self.add_conditional(lowered, body)
            elif not only_ends_in_measurements(body):
                self.stops_sampling = True
        self.conditional = outer

    def unconditional(
        self, operation: Any, qubits: List[int], clbits: Sequence[Clbit], scope: Scope
    ) -> None:
        """Reads one instruction, whatever condition it has."""
        gate_class = operation.__class__
        row = SINGLETON_OF_CLASS.get(gate_class) or ROW_OF_CLASS.get(gate_class)
        if row is not None:
            if len(qubits) != row.num_qubits:
                self.fail(
                    operation, f"is given {len(qubits)} qubits; expected {row.num_qubits} qubits"
                )
            self._row(row, operation, qubits, scope)
            return
        reader_of(operation)(self, operation, qubits, clbits, scope)

    # The steps that readers are made of.

    def note_action(self) -> None:
        """Takes note of an instruction that is not simply a measurement.

        BasicAer samples only if none comes after the first measurement, whatever it does there.
        """
        if self.measured:
            self.stops_sampling = True

    def flush(self) -> None:
        """Ends the run of gates, if there is one."""
        if not len(self._reader):
            return
        self.note_action()
        self.made += len(self._reader)
        gates, free, finite = self._reader.take()
        if len(gates.qubits) != gates.start[-1]:
            self.fail(self.outermost, "has a gate on the wrong number of qubits")
        if not finite:
            self._fail_not_finite(self.circuit)
        if free:
            self.free.append((gates, free))
        self.body.append(gates)

    def collect(self, read: Callable[[], None]) -> Tuple[Operation, ...]:
        """Returns what `read` adds, instead of adding it here."""
        self.flush()
        outer, self.body = self.body, []
        self.nesting += 1
        read()
        self.flush()
        self.nesting -= 1
        inner, self.body = tuple(self.body), outer
        return inner

    def add(self, operation: Operation) -> None:
        """Adds an operation that is not a gate."""
        self.flush()
        self.body.append(operation)

    def add_conditional(self, condition: Condition, body: Tuple[Operation, ...]) -> None:
        """Adds what is done under a condition; joins it to the same condition just before."""
        if not body:
            return
        last = self.body[-1] if self.body else None
        if (
            isinstance(last, IfElse)
            and not last.false_body
            and last.condition == condition
            and all(isinstance(operation, Gates) for operation in last.true_body)
        ):
            self.body[-1] = IfElse(condition, last.true_body + body)
        else:
            self.body.append(IfElse(condition, body))

    def block(
        self, body: QuantumCircuit, qubits: List[int], clbits: Sequence[Clbit], scope: Scope
    ) -> Tuple[Operation, ...]:
        """Returns a block of control flow, on the qubits and clbits of its instruction."""
        return self.collect(lambda: self.inside(body, qubits, clbits, scope))

    def inside(
        self, body: QuantumCircuit, qubits: List[int], clbits: Sequence[Clbit], scope: Scope
    ) -> None:
        """Reads a block or a definition, on the qubits and clbits of its instruction."""
        made = self.made + len(self._reader)
        if made > _FREE_GATES and made * _GATE_BYTES > _memory.available_bytes():
            self.fail(self.outermost, f"makes more than {made} gates, all that memory holds")
        data = body.data
        inner = Scope(
            body,
            {bit_key(qubit): index for qubit, index in zip(body.qubits, qubits)},
            {own: self.clbit(clbit, body, scope) for own, clbit in zip(body.clbits, clbits)},
            scope.depth + 1,
            scope.controls,
            scope.state,
        )
        self.add_phase(body.global_phase, inner, body)
        self.walk(data, inner)

    def add_phase(self, phase: Any, scope: Scope, source: Any) -> None:
        """Multiplies by ``exp(1j * phase)``, where the scope's controls and conditions hold."""
        if phase.__class__ in (int, float) and phase == 0:
            return
        value = self.number(phase, source)
        free = isinstance(value, ParameterExpression)
        if value == 0.0 and not free:
            return
        if scope.controls:
            # A diagonal gate on the last control, behind the others.
            last = len(scope.controls) - 1
            part = PHASE_IF_1 if scope.state >> last & 1 else PHASE_IF_0
            outer = scope._replace(
                controls=scope.controls[:last], state=scope.state & ((1 << last) - 1)
            )
            self.emit(part, part.kind, [scope.controls[last]], (value,), outer)
        elif self.nesting:
            if not self.circuit.num_qubits:
                self.fail(source, "has a global phase that depends on outcomes, but no qubit")
            self.emit(PHASE, PHASE.kind, [0], (value,), scope)
        elif free:
            self.free_phases.append(value)
        else:
            self.phase += value

    def number(self, value: Any, source: Any, what: str = "parameter") -> Any:
        """Returns a number as a float, or unchanged if it consists of free parameters.

        Args:
            value: the number.
            source: the instruction or circuit that has it, for messages.
            what: what to call it in messages.
        """
        if isinstance(value, ParameterExpression) and value.parameters:
            if value.parameters <= self.free_parameters:
                return value
            names = ", ".join(sorted(f'"{p.name}"' for p in value.parameters))
            self.fail(source, f"has the unbound parameter {names}; bind it with assign_parameters")
        try:
            number = float(value)
        except (TypeError, ValueError):
            self.fail(source, f"has the {what} {value!r}; a real number is needed")
        except OverflowError:
            self.fail(source, f"has a {what} beyond all floating-point numbers")
        if not math.isfinite(number):
            self.fail(source, f"has the {what} {number}; a finite number is needed")
        return number

    def clbit(self, clbit: Clbit, source: Any, scope: Scope) -> int:
        """Returns where a clbit is in the outermost circuit."""
        try:
            return scope.clbits[clbit]
        except KeyError:
            self.fail(source, f"uses {clbit!r}, which is not in the circuit")

    def where(self, source: Any) -> str:
        """Names an instruction and the circuit it is in, or the circuit alone."""
        circuit = f'circuit "{self.circuit.name}"'
        return circuit if source is self.circuit else f'{circuit}: instruction "{source.name}"'

    def fail(self, source: Any, what: str) -> NoReturn:
        """Raises an error that names `source` and goes on with `what` is wrong with it."""
        raise BasicAerError(f"{self.where(source)} {what}.")

    def check_nonunitary_allowed(self, operation: Any, scope: Scope, what: str) -> None:
        """Raises an error if only unitary operations are allowed here.

        Args:
            what: added to the name of the operation in the message.
        """
        if self.unitary_only:
            raise BasicAerError(
                f'Unsupported "unitary_simulator" instruction "{operation.name}"{what}'
                f' in circuit "{self.circuit.name}".'
            )
        if scope.controls:
            self.fail(operation, f"is inside of a controlled gate; it is not unitary{what}")

    # Gates.

    def emit(
        self, part: Part, kind: Kind, qubits: List[int], parameters: Tuple[Any, ...], scope: Scope
    ) -> None:
        """Adds a part of a gate of the table, behind the controls of the scope."""
        kind, qubits = _behind(kind, qubits, scope)
        if part.constant:
            self._reader.add(kind, qubits, part.constant)
        elif any(isinstance(value, ParameterExpression) for value in parameters):
            self._reader.add_free(kind, qubits, part.entries, parameters)
        else:
            self._reader.add(kind, qubits, part.entries(SCALAR, *parameters))

    def emit_matrix(
        self, form: int, matrix: np.ndarray, operation: Any, qubits: List[int], scope: Scope
    ) -> None:
        """Adds a gate by its matrix, or by the diagonal of it; on no qubit it is a phase."""
        if not qubits:
            entry = complex(matrix.item())
            if not np.isclose(abs(entry), 1):
                self.fail(operation, f"has the 1x1 matrix {entry}, which is not unitary")
            self.add_phase(cmath.phase(entry), scope, operation)
            return
        kind, qubits = _behind(Kind(form, len(qubits)), qubits, scope)
        self._reader.add(kind, qubits, matrix.ravel())

    def _row(self, row: Row, operation: Any, qubits: List[int], scope: Scope) -> None:
        parameters = tuple([self.number(value, operation) for value in operation.params])
        if len(parameters) != row.num_params:
            self.fail(operation, f"has {len(parameters)} parameters; expected {row.num_params}")
        for part in row.parts:
            kind = part.kind
            if row.num_controls:
                kind = kind._replace(control_state=operation.ctrl_state)
            self.emit(part, kind, [qubits[p] for p in part.positions], parameters, scope)

    def evaluate(self, operation: Any, what: Callable[[], Any]) -> Any:
        """Returns ``what()``; an error in it is reported as one of the operation."""
        try:
            return what()
        except RecursionError:
            raise
        except Exception as error:
            params = getattr(operation, "params", ())
            for value in params:
                if isinstance(value, ParameterExpression) and value.parameters:
                    self.number(value, operation)
                    raise UnsweepableError from error
            raise BasicAerError(
                f"{self.where(operation)} has no usable definition or matrix: {error}"
            ) from error

    def _indices(self, qubits: Sequence[Any], scope: Scope) -> List[int]:
        """Returns where qubits of the scope's circuit are in the outermost circuit."""
        try:
            found = list(map(scope.qubits.__getitem__, map(bit_key, qubits)))
        except KeyError:  # they may be equal to the circuit's without being the same objects
            index_of = {qubit: scope.qubits.get(bit_key(qubit)) for qubit in scope.circuit.qubits}
            found = []
            for qubit in qubits:
                index = index_of.get(qubit)
                if index is None:
                    user = next(i.operation for i in scope.circuit.data if qubit in i.qubits)
                    self.fail(user, f"acts on {qubit!r}, which is not in the circuit")
                found.append(index)
        return found

    def _fail_not_finite(self, circuit: QuantumCircuit) -> NoReturn:
        """Raises the error for coefficients that are NaN or infinite."""
        for instruction in circuit.data:
            for value in getattr(instruction.operation, "params", ()):
                numeric = isinstance(value, (int, float, complex, np.ndarray, np.number))
                if numeric and not np.isfinite(value).all():
                    what = f"has the parameter {value}; a finite number is needed"
                    self.fail(instruction.operation, what)
        raise BasicAerError(f"{self.where(self.circuit)} has a gate with NaN or infinite entries.")


def _behind(kind: Kind, qubits: List[int], scope: Scope) -> Tuple[Kind, List[int]]:
    """Puts a gate behind the scope's controls."""
    outer = len(scope.controls)
    if not outer:
        return kind, qubits
    kind = kind._replace(
        num_controls=kind.num_controls + outer,
        control_state=kind.control_state << outer | scope.state,
    )
    return kind, [*scope.controls, *qubits]
