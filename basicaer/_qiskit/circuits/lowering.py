"""Reads a circuit into a `Program`: what all instructions have in common.

Gates of the table, with or without more controls, are read here, and sequences of common ones by
the reader in use (`readers`). Every other instruction is read by the function that is registered
for its class (`instructions`, `control_flow`).
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
from basicaer._qiskit.circuits.conditions import Clbits, lower_condition
from basicaer._qiskit.circuits.contract import Instructions
from basicaer._qiskit.circuits.gate_classes import ROW_OF_CLASS, SINGLETON_OF_CLASS
from basicaer._qiskit.circuits.gate_reader import FreeCoefficients, GateReader
from basicaer._qiskit.circuits.readers import open_circuit
from basicaer._qiskit.errors import BasicAerError
from basicaer._qiskit.versions import condition_of

_FREE_GATES = 1 << 16
_GATE_BYTES = 150
"""A few nested definitions can stand for more gates than memory holds. Beyond `_FREE_GATES` gates
lowering checks that they fit, at `_GATE_BYTES` bytes each while they are read."""


class UnsweepableError(Exception):
    """The circuit has a definition or a matrix that exists only if its parameters have values."""


class Scope(NamedTuple):
    """A circuit being read: the outermost one, a block of control flow, or a definition.

    Attributes:
        circuit: the circuit.
        clbits: the index in the outermost circuit of each clbit.
        depth: the number of definitions and blocks around it.
        controls: indices of the qubits that control everything in it.
        state: the control state: bit j is the value that control j must have.
    """

    circuit: QuantumCircuit
    clbits: Clbits
    depth: int
    controls: Tuple[int, ...] = ()
    state: int = 0


Reader = Callable[["Lowering", Any, List[int], Sequence[Clbit], Scope], None]
"""A function that reads an operation. Its arguments are the lowering, the operation, the indices of
its qubits in the outermost circuit, its clbits, and the scope that it is in."""

READERS: Dict[type, Reader] = {}
"""The readers of operations of exactly this class."""
CONTROL_FLOW: Dict[type, Reader] = {}
"""The readers of loops, branches and jumps of exactly this class."""
_READERS_OF_DERIVED: Dict[type, Reader] = {}


def reads(*classes: type) -> Callable[[Reader], Reader]:
    """Registers a function as the reader of operations of exactly these classes."""
    return _registered(READERS, classes)


def reads_derived(*classes: type) -> Callable[[Reader], Reader]:
    """Registers a function as the reader of these classes and those derived from them.

    An operation is read by the reader of its nearest base class that has one.
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
    """Returns the function that reads an operation that is not a gate of the table."""
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
        unitary_only: whether operations that are not unitary are errors.
        free_parameters: the parameters that need no value.
        body: the operations read so far, except for the gates since the last `flush`.
        free: the gate runs with coefficients that depend on free parameters, and those
            coefficients.
        phase: the global phase in radians, without the `free_phases`.
        free_phases: expressions of free parameters to add to the global phase.
        outermost: the last instruction of the circuit itself that was read by its definition.
        nesting: the number of bodies of control flow and conditions around the current position.
        loops: how many of these are bodies of loops.
        turns: how often the for loops around the current position execute it.
        unrolled: the least bytes that the turns of all for loops so far take.
        measured: whether a measurement has been read, even one whose condition does not hold, or a
            store: before, all clbits are 0.
        stops_sampling: whether an instruction keeps BasicAer from sampling, though nothing of it
            may be in the body (a delay after a measurement).
        conditional: whether a `c_if` applies to what is being read.
        shared: indices of the clbits that are in more than one register.
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
        """Reads the circuit and returns its program; call it once."""
        circuit = self.circuit
        instructions = open_circuit(circuit)  # first: it makes a blueprint create its registers
        clbits = {clbit: index for index, clbit in enumerate(circuit.clbits)}
        if len(circuit.cregs) > 1:
            self.shared = {
                index
                for clbit, index in clbits.items()
                if len(circuit.find_bit(clbit).registers) > 1
            }
        scope = Scope(circuit, clbits, 0)
        try:
            self.add_phase(circuit.global_phase, scope, circuit)
            self.walk(instructions, scope)
        except RecursionError:
            self.fail(self.outermost, "has definitions nested too deeply; does it contain itself?")
        self.flush()
        return Program(
            num_qubits=circuit.num_qubits,
            num_clbits=len(clbits),
            body=tuple(self.body),
            global_phase=self.phase,
            name=circuit.name,
            samples=not self.stops_sampling and only_ends_in_measurements(self.body),
        )

    # Reading a circuit, and a single instruction.

    def walk(self, instructions: Instructions, scope: Scope) -> None:
        """Reads instructions one after another."""
        place, end = 0, len(instructions)
        while place < end:
            if not scope.controls:
                place = instructions.read(self._reader, place)
                if place == end:
                    return
            instruction = instructions[place]
            operation = instruction.operation
            indices = self._indices(instructions, place)
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
        # Before the first measurement every clbit is 0, so it is known whether the condition holds.
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
        """Reads one instruction without regard to its condition."""
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

    # Methods for readers.

    def note_action(self) -> None:
        """Notes that an instruction other than an unconditional measurement was read.

        BasicAer samples only if none comes after the first measurement, even one without effect.
        """
        if self.measured:
            self.stops_sampling = True

    def flush(self) -> None:
        """Ends the current gate run, if there is one, and adds it to the body."""
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
        """Returns the operations that `read` adds, without adding them to the body."""
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
        """Adds a conditional body, or joins it to the last operation if conditions are equal."""
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
        """Returns the operations of a block of control flow on the bits of its instruction."""
        return self.collect(lambda: self.inside(body, qubits, clbits, scope))

    def inside(
        self, body: QuantumCircuit, qubits: List[int], clbits: Sequence[Clbit], scope: Scope
    ) -> None:
        """Reads a block or a definition on the qubits and clbits of its instruction."""
        made = self.made + len(self._reader)
        if made > _FREE_GATES and made * _GATE_BYTES > _memory.available_bytes():
            self.fail(self.outermost, f"makes more than {made} gates, all that memory holds")
        instructions = open_circuit(body, qubits)
        inner = Scope(
            body,
            {own: self.clbit(clbit, body, scope) for own, clbit in zip(body.clbits, clbits)},
            scope.depth + 1,
            scope.controls,
            scope.state,
        )
        self.add_phase(body.global_phase, inner, body)
        self.walk(instructions, inner)

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
        """Returns a number as a float; an expression of free parameters is returned unchanged.

        Args:
            value: the number or expression.
            source: the instruction or circuit that it belongs to, for messages.
            what: its role, for messages.

        Raises:
            BasicAerError: it has an unbound parameter, or is not a finite real number.
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
        """Returns the index of a clbit in the outermost circuit."""
        try:
            return scope.clbits[clbit]
        except KeyError:
            self.fail(source, f"uses {clbit!r}, which is not in the circuit")

    def where(self, source: Any) -> str:
        """Returns the names of an instruction and the circuit, or of the circuit alone."""
        circuit = f'circuit "{self.circuit.name}"'
        return circuit if source is self.circuit else f'{circuit}: instruction "{source.name}"'

    def fail(self, source: Any, what: str) -> NoReturn:
        """Raises an error that names `source` and then says `what` is wrong with it."""
        raise BasicAerError(f"{self.where(source)} {what}.")

    def check_nonunitary_allowed(self, operation: Any, scope: Scope, what: str) -> None:
        """Raises an error if only unitary operations are allowed here.

        Args:
            operation: the operation, which is not unitary.
            scope: the scope it is in; behind controls, too, everything must be unitary.
            what: text to add after the operation's name in the message.
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
        """Adds a part of a gate of the table, controlled by the controls of the scope."""
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
        """Adds a gate by its matrix, or the diagonal of that; without qubits it is a phase."""
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
        """Returns ``what()``; an exception becomes an error that names the operation."""
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

    def _indices(self, instructions: Instructions, place: int) -> List[int]:
        """Returns the indices in the outermost circuit of an instruction's qubits."""
        try:
            return instructions.qubits(place)
        except KeyError as error:
            user = instructions[place].operation
            self.fail(user, f"acts on {error.args[0]!r}, which is not in the circuit")

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
    """Returns a gate's kind and qubits with the controls of the scope, which come first."""
    outer = len(scope.controls)
    if not outer:
        return kind, qubits
    kind = kind._replace(
        num_controls=kind.num_controls + outer,
        control_state=kind.control_state << outer | scope.state,
    )
    return kind, [*scope.controls, *qubits]
