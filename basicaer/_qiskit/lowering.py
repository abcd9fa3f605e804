"""QuantumCircuit to `Program`: each instruction is read once, and nothing of Qiskit is left.

Gates of the table, and whatever is such gates behind more controls, are taken as they are; a
composite instruction goes by its definition, again and again until only known things are left; an
operation without a definition goes by its matrix.

The common cases, a circuit of standard gates and then measurements, and such gates between other
things, are handled by `plain_program` and the readers (`readers.py`). Everything else takes the
longer way through `Lowering.operation`.
"""

from __future__ import annotations

import math
from typing import AbstractSet, Any, Callable, List, NamedTuple, NoReturn, Sequence, Tuple

import numpy as np
from qiskit.circuit import Barrier, Clbit, ParameterExpression, QuantumCircuit

from basicaer._qiskit import control_flow
from basicaer._engine import memory as _memory
from basicaer._qiskit.gate_reader import Free, Instructions, Run
from basicaer._qiskit.conditions import Clbits, lower_condition
from basicaer._engine.gate_table import (
    PHASE,
    PHASE_IF_0,
    PHASE_IF_1,
    ROW_OF_CLASS,
    SCALAR,
    SINGLETON_OF_CLASS,
    Part,
    Row,
)
from basicaer._qiskit.instructions import READERS, reader_of
from basicaer._qiskit.readers import open_circuit, plain_program
from basicaer._engine.program import (
    BitsEqual,
    Condition,
    Gates,
    IfElse,
    Kind,
    Operation,
    Program,
)
from basicaer.exceptions import BasicAerError

_FREE_GATES = 1 << 16
_GATE_BYTES = 150
"""A few definitions within definitions can stand for more gates than there is memory for. From so
many gates on it is looked whether they fit, at so many bytes each while they are read."""


class UnsweepableError(Exception):
    """A definition or a matrix cannot be had while parameters have no values."""


class Scope(NamedTuple):
    """A circuit being read: the outermost one, a block of control flow, or a definition.

    Attributes:
        circuit: the circuit.
        clbits: the index in the outermost circuit of each clbit.
        depth: how many definitions and blocks it is inside of.
        controls: qubits that control everything in it.
        state: bit j is the value that control j must have.
    """

    circuit: QuantumCircuit
    clbits: Clbits
    depth: int
    controls: Tuple[int, ...] = ()
    state: int = 0


def lower(circuit: QuantumCircuit, *, unitary_only: bool = False) -> Program:
    """Returns a circuit as numbers.

    Args:
        circuit: any circuit, all its parameters bound.
        unitary_only: refuse what is not unitary: measure, reset, conditions, control flow.

    Raises:
        BasicAerError: an unbound, NaN or infinite parameter; a gate on the same qubit twice; an
            operation with neither matrix nor definition, or with a definition that contains itself;
            a condition on a bit that is not in the circuit; a measurement of a clbit that two
            registers hold; with `unitary_only`, something that is not unitary. The message names
            the instruction and the circuit.
    """
    program = plain_program(circuit, unitary_only)
    return Lowering(circuit, unitary_only).program() if program is None else program


class Lowering:
    """Reads one circuit.

    Attributes:
        circuit: the circuit.
        unitary_only: whether to refuse what is not unitary.
        free_parameters: the parameters that need no value.
        body: what has been read, the gates since the last `flush` excepted.
        free: runs with coefficients to be filled in, and where.
        phase: the global phase, without the `free_phases`.
        free_phases: expressions that add to the global phase.
        samples: as in `Program`, as far as can be told by now.
        outermost: the last instruction of the circuit that went by its definition.
        nesting: how many bodies of control flow or of conditions this is inside of.
        loops: how many of them are loops.
        turns: how often what is being read is gone through, by the for loops around it.
        unrolled: bytes that the turns of all for loops so far take, at the least.
        measured: whether a measurement has been read.
        conditional: whether what is being read is under a condition of its instruction.
        shared: the clbits that more than one register holds.
        made: how many gates there are in what was read before the last `flush`.
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
        self.free: List[Tuple[Gates, List[Free]]] = []
        self.phase = 0.0
        self.free_phases: List[ParameterExpression] = []
        self.samples = True
        self.outermost: Any = circuit
        self.nesting = 0
        self.loops = 0
        self.turns = 1
        self.unrolled = 0
        self.measured = False
        self.conditional = False
        self.shared: AbstractSet[int] = frozenset()
        self.made = 0
        self._run = Run()

    def program(self) -> Program:
        """Reads the circuit; to be called once."""
        circuit = self.circuit
        instructions = open_circuit(circuit)  # first of all: that makes a blueprint's registers
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
            samples=self.samples,
        )

    # The two ways through a circuit.

    def walk(self, instructions: Instructions, scope: Scope) -> None:
        """Reads instructions (`readers.py` says what they are) one after another."""
        place, end = 0, len(instructions)
        while place < end:
            if not scope.controls:
                place = instructions.read(self._run, place)
                if place == end:
                    return
            instruction = instructions[place]
            operation = instruction.operation
            indices = self._indices(instructions, place)
            twice = len(indices) > 1 and len(set(indices)) < len(indices)
            if twice and not isinstance(operation, Barrier):
                self.fail(operation, "acts on the same qubit twice")
            reader = READERS.get(operation.__class__)
            if reader is not None and getattr(operation, "condition", None) is None:
                reader(self, operation, indices, instruction.clbits, scope)
            else:
                self.operation(operation, indices, instruction.clbits, scope)
            place += 1

    def operation(
        self, operation: Any, qubits: List[int], clbits: Sequence[Clbit], scope: Scope
    ) -> None:
        """Reads one instruction of any kind."""
        flow = control_flow.HANDLERS.get(operation.__class__)
        if flow is not None:
            self.refuse_unless_plain(operation, scope, "")
            self.samples = False
            flow(self, operation, qubits, clbits, scope)
            return
        condition = getattr(operation, "condition", None)
        if condition is None:
            self.unconditional(operation, qubits, clbits, scope)
            return
        self.refuse_unless_plain(operation, scope, " with a condition")
        where = self.where(operation)
        lowered = lower_condition(condition, scope.clbits, where, cut=True)
        if self.measured:
            self.samples = False
        elif self.nesting == 0 and isinstance(lowered, BitsEqual):
            # Nothing has been measured: every clbit is 0, and what the condition says is known.
            outer, self.conditional = self.conditional, True
            if lowered.value == 0:
                self.unconditional(operation, qubits, clbits, scope)
            else:
                self.collect(lambda: self.unconditional(operation, qubits, clbits, scope))
            self.conditional = outer
            return
        outer, self.conditional = self.conditional, True
        body = self.collect(lambda: self.unconditional(operation, qubits, clbits, scope))
        self.conditional = outer
        self.add_conditional(lowered, body)

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

    # What reading is made of; the control flow uses it too.

    def flush(self) -> None:
        """Ends the run of gates, if there is one."""
        if not len(self._run):
            return
        if self.measured:
            self.samples = False
        self.made += len(self._run)
        gates, free, finite = self._run.take()
        if len(gates.qubits) != gates.start[-1]:
            self.fail(
                self.outermost, "has gates that act on more, or fewer, qubits than their kind does"
            )
        if not finite:
            self._blame(self.circuit)
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
        made = self.made + len(self._run)
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

    def number(self, value: Any, source: Any) -> Any:
        """Returns a parameter as a float, or as it is if it may be free."""
        if isinstance(value, ParameterExpression) and value.parameters:
            if value.parameters <= self.free_parameters:
                return value
            names = ", ".join(sorted(f'"{p.name}"' for p in value.parameters))
            self.fail(source, f"has the unbound parameter {names}; bind it with assign_parameters")
        try:
            number = float(value)
        except (TypeError, ValueError):
            self.fail(source, f"has the parameter {value!r}; a real number is needed")
        except OverflowError:
            self.fail(source, "has a parameter beyond all floating-point numbers")
        if not math.isfinite(number):
            self.fail(source, f"has the parameter {number}; a finite number is needed")
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
        """Raises the error that `source` is or has `what`."""
        raise BasicAerError(f"{self.where(source)} {what}.")

    def refuse_unless_plain(self, operation: Any, scope: Scope, what: str) -> None:
        """Raises an error if only unitary operations are allowed here; `what` says what else."""
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
        kind, qubits = _behind(kind, qubits, scope)
        if part.constant:
            self._run.add(kind, qubits, part.constant)
        elif any(isinstance(value, ParameterExpression) for value in parameters):
            self._run.add_free(kind, qubits, part.entries, parameters)
        else:
            self._run.add(kind, qubits, part.entries(SCALAR, *parameters))

    def emit_matrix(self, form: int, matrix: np.ndarray, qubits: List[int], scope: Scope) -> None:
        kind, qubits = _behind(Kind(form, len(qubits)), qubits, scope)
        self._run.add(kind, qubits, matrix.ravel())

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
        """Returns ``what()``; its errors are the operation's."""
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
        """Returns where an instruction's qubits are in the outermost circuit."""
        try:
            return instructions.qubits(place)
        except KeyError as error:
            user = instructions[place].operation
            self.fail(user, f"acts on {error.args[0]!r}, which is not in the circuit")

    def _blame(self, circuit: QuantumCircuit) -> NoReturn:
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
