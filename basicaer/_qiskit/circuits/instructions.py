"""Readers of the instructions that are neither gates of the table nor control flow."""

from __future__ import annotations

import math
from typing import Any, Iterator, List, Sequence

import numpy as np
from qiskit.circuit import (
    Barrier,
    Clbit,
    ControlledGate,
    Delay,
    Gate,
    Instruction,
    ParameterExpression,
)
from qiskit.circuit import Measure as MeasureInstruction
from qiskit.circuit import Reset as ResetInstruction
from qiskit.circuit.library import (
    GlobalPhaseGate,
    MCPhaseGate,
    MCXGate,
    MCXGrayCode,
    MCXRecursive,
    PauliGate,
    PermutationGate,
)
from qiskit.circuit.library.standard_gates import MCU1Gate, UGate
from qiskit.quantum_info import Operator

from basicaer._engine.gate_table import ROW_OF_NAME
from basicaer._engine.program import DENSE, DIAGONAL, Measure, Prepare, Reset
from basicaer._qiskit.circuits.conditions import lower_store
from basicaer._qiskit.circuits.lowering import Lowering, Scope, reads, reads_derived
from basicaer._qiskit.configuration import QASM_BASIS
from basicaer._qiskit.versions import (
    AnnotatedOperation,
    ControlModifier,
    DiagonalGate,
    DurationType,
    Initialize,
    InverseModifier,
    PauliProductMeasurement,
    PowerModifier,
    Store,
    UnitaryGate,
    expr,
)

_MAX_DEPTH = 200
"""Levels of nested definitions; more are taken for an endless recursion."""

_OPAQUE = {name: ROW_OF_NAME[name] for name in QASM_BASIS if name in ROW_OF_NAME}
_OPAQUE.update(U=ROW_OF_NAME["u"], CX=ROW_OF_NAME["cx"], u0=ROW_OF_NAME["id"])
"""Rows of the gates that BasicAer knows by name, whatever their class."""

_R = math.sqrt(0.5)
_LABELS = {
    "0": (1, 0),
    "1": (0, 1),
    "+": (_R, _R),
    "-": (_R, -_R),
    "r": (_R, 1j * _R),
    "l": (_R, -1j * _R),
}
_PAULIS = {
    "I": ROW_OF_NAME["id"],
    "X": ROW_OF_NAME["x"],
    "Y": ROW_OF_NAME["y"],
    "Z": ROW_OF_NAME["z"],
}
_SWAP = ROW_OF_NAME["swap"].parts[0]

_DEFINED_BY_BASE = (ControlledGate, MCXGate, MCXGrayCode, MCXRecursive, MCPhaseGate, MCU1Gate)
"""Controlled gates whose definition is equivalent to the base gate behind controls. (That of
MCXVChain is so only while its ancillas are 0.)"""


@reads_derived(ControlledGate)
def _controlled(
    lowering: Lowering, operation: Any, qubits: List[int], clbits: Sequence[Clbit], scope: Scope
) -> None:
    base, width = operation.base_gate, operation.num_ctrl_qubits
    own_definition = operation.__class__._define is not Instruction._define
    if (
        base is None
        or (own_definition and operation.__class__ not in _DEFINED_BY_BASE)
        or (
            # Further qubits are ancillas; MCXRecursive restores them, whatever their state.
            operation.num_qubits != width + base.num_qubits
            and operation.__class__ is not MCXRecursive
        )
    ):
        read_composite(lowering, operation, qubits, clbits, scope)
        return
    inner = scope._replace(
        controls=(*scope.controls, *qubits[:width]),
        state=scope.state | operation.ctrl_state << len(scope.controls),
    )
    targets = qubits[width : width + base.num_qubits]
    if base.__class__ is UGate and len(base.params) == 4:
        # What terra makes of a cu with more controls: the fourth parameter is the phase of cu.
        part = ROW_OF_NAME["cu"].parts[0]
        parameters = tuple([lowering.number(value, operation) for value in base.params])
        kind = part.kind._replace(num_controls=0, control_state=0)
        lowering.emit(part, kind, targets, parameters, inner)
    else:
        lowering.unconditional(base, targets, (), inner)


@reads_derived(AnnotatedOperation)
def _annotated(
    lowering: Lowering, operation: Any, qubits: List[int], clbits: Sequence[Clbit], scope: Scope
) -> None:
    base, width, state = operation.base_op, 0, 0
    for modifier in operation.modifiers:
        # In order. Where controls come makes no difference to the other modifiers.
        if isinstance(modifier, ControlModifier):
            state = state << modifier.num_ctrl_qubits | modifier.ctrl_state
            width += modifier.num_ctrl_qubits
        elif isinstance(modifier, InverseModifier):
            base = _power(lowering, operation, base, -1)
        elif isinstance(modifier, PowerModifier):
            power = lowering.number(modifier.power, operation, "power")
            if isinstance(power, ParameterExpression):
                lowering.fail(operation, f"has the power {power}; a number is needed")
            base = _power(lowering, operation, base, power)
        else:
            lowering.fail(operation, f"has the unknown modifier {modifier!r}")
    inner = scope._replace(
        controls=(*scope.controls, *qubits[:width]),
        state=scope.state | state << len(scope.controls),
    )
    lowering.unconditional(base, qubits[width:], clbits, inner)


def _power(lowering: Lowering, operation: Any, base: Any, power: float) -> Any:
    """Returns the base of an annotated operation raised to a power, as an operation."""
    if power == 1:
        return base
    if power == -1 and hasattr(base, "inverse"):
        return lowering.evaluate(operation, lambda: base.inverse())
    if power == int(power):
        return lowering.evaluate(operation, lambda: UnitaryGate(Operator(base).power(int(power))))
    if isinstance(base, Gate):  # exact, e.g. for rotations: a part of the angle
        return lowering.evaluate(operation, lambda: base.power(power))
    return lowering.evaluate(operation, lambda: UnitaryGate(Operator(base)).power(power))


@reads(UnitaryGate)
def _unitary(
    lowering: Lowering, operation: Any, qubits: List[int], clbits: Sequence[Clbit], scope: Scope
) -> None:
    lowering.emit_matrix(DENSE, np.asarray(operation.params[0]), operation, qubits, scope)


@reads(DiagonalGate)
def _diagonal(
    lowering: Lowering, operation: Any, qubits: List[int], clbits: Sequence[Clbit], scope: Scope
) -> None:
    diagonal = np.array(operation.params, dtype=complex)
    lowering.emit_matrix(DIAGONAL, diagonal, operation, qubits, scope)


@reads(PauliGate)
def _pauli(
    lowering: Lowering, operation: Any, qubits: List[int], clbits: Sequence[Clbit], scope: Scope
) -> None:
    for label, qubit in zip(reversed(operation.params[0]), qubits):
        for part in _PAULIS[label].parts:
            lowering.emit(part, part.kind, [qubit], (), scope)


@reads(PermutationGate)
def _permutation(
    lowering: Lowering, operation: Any, qubits: List[int], clbits: Sequence[Clbit], scope: Scope
) -> None:
    # For each position k in turn, a swap brings the qubit at pattern[k] there.
    order = list(range(len(qubits)))
    for k, wanted in enumerate(operation.params[0]):
        found = order.index(wanted)
        if found != k:
            lowering.emit(_SWAP, _SWAP.kind, [qubits[k], qubits[found]], (), scope)
            order[k], order[found] = order[found], order[k]


@reads(GlobalPhaseGate)
def _global_phase(
    lowering: Lowering, operation: Any, qubits: List[int], clbits: Sequence[Clbit], scope: Scope
) -> None:
    lowering.add_phase(operation.params[0], scope, operation)


@reads(MeasureInstruction, type(MeasureInstruction()))  # terra's singleton has its own class
@reads_derived(MeasureInstruction)
def _measure(
    lowering: Lowering, operation: Any, qubits: List[int], clbits: Sequence[Clbit], scope: Scope
) -> None:
    lowering.check_nonunitary_allowed(operation, scope, "")
    if len(qubits) != 1 or len(clbits) != 1:
        lowering.fail(
            operation, f"has {len(qubits)} qubits and {len(clbits)} clbits; expected one of each"
        )
    clbit = lowering.clbit(clbits[0], operation, scope)
    _check_not_shared(lowering, operation, clbit)
    lowering.flush()
    if lowering.conditional:
        lowering.note_action()
    lowering.measured = True
    lowering.body.append(Measure(qubits[0], clbit))


def _check_not_shared(lowering: Lowering, operation: Any, clbit: int) -> None:
    """Raises an error if a clbit that is written to is in several registers."""
    if clbit in lowering.shared:
        registers = lowering.circuit.find_bit(lowering.circuit.clbits[clbit]).registers
        names = " and ".join(f'"{register.name}"' for register, _ in registers)
        lowering.fail(operation, f"writes to clbit {clbit}, which is in the registers {names}")


@reads(PauliProductMeasurement)
def _measure_product(
    lowering: Lowering, operation: Any, qubits: List[int], clbits: Sequence[Clbit], scope: Scope
) -> None:
    lowering.check_nonunitary_allowed(operation, scope, "")
    read_composite(lowering, operation, qubits, clbits, scope)


@reads(Store)
def _store(
    lowering: Lowering, operation: Any, qubits: List[int], clbits: Sequence[Clbit], scope: Scope
) -> None:
    lowering.check_nonunitary_allowed(operation, scope, "")
    where = lowering.where(operation)
    store = lower_store(operation.lvalue, operation.rvalue, scope.clbits, where)
    for clbit in store.clbits:
        _check_not_shared(lowering, operation, clbit)
    lowering.add(store)
    lowering.measured = True  # from here on clbits are not known to be 0


@reads(ResetInstruction, type(ResetInstruction()))
@reads_derived(ResetInstruction)
def _reset(
    lowering: Lowering, operation: Any, qubits: List[int], clbits: Sequence[Clbit], scope: Scope
) -> None:
    lowering.check_nonunitary_allowed(operation, scope, "")
    lowering.add(Reset(qubits[0]))


@reads(Initialize)
def _initialize(
    lowering: Lowering, operation: Any, qubits: List[int], clbits: Sequence[Clbit], scope: Scope
) -> None:
    lowering.check_nonunitary_allowed(operation, scope, "")
    lowering.flush()
    amplitudes = _amplitudes(operation.params, len(qubits))
    norm = float(np.linalg.norm(amplitudes))
    if not math.isfinite(norm) or not norm:
        lowering.fail(operation, f"has amplitudes of norm {norm}; expected 1")
    lowering.body.extend([Reset(qubit) for qubit in qubits])
    lowering.body.append(Prepare(tuple(qubits), amplitudes / norm))


@reads(Barrier)
@reads_derived(Barrier)
def _barrier(
    lowering: Lowering, operation: Any, qubits: List[int], clbits: Sequence[Clbit], scope: Scope
) -> None:
    pass


@reads(Delay)
@reads_derived(Delay)
def _delay(
    lowering: Lowering, operation: Any, qubits: List[int], clbits: Sequence[Clbit], scope: Scope
) -> None:
    check_duration(lowering, operation, operation.params[0])
    lowering.note_action()


def check_duration(lowering: Lowering, operation: Any, duration: Any) -> None:
    """Raises an error unless the duration of an instruction, which is ignored, is one.

    Args:
        lowering: reads the circuit.
        operation: the instruction.
        duration: a number, or an expression of durations and stretches.
    """
    if not isinstance(duration, expr.Expr):
        number = lowering.number(duration, operation)
        if isinstance(number, float) and number < 0:
            lowering.fail(operation, f"has the negative duration {number}")
    elif not isinstance(duration.type, DurationType):
        lowering.fail(operation, f"has a duration of the type {duration.type!r}")
    else:
        for number in _numbers_in(duration):
            lowering.number(number, operation, "duration")


def _numbers_in(duration: Any) -> Iterator[Any]:
    """Yields the numbers in an expression of durations, without units."""
    pending = [duration]
    while pending:
        node = pending.pop()
        if isinstance(node, expr.Value):
            is_duration = isinstance(node.type, DurationType)
            yield node.value.value() if is_duration else node.value
        else:  # a stretch has no operands
            operands = [getattr(node, name, None) for name in ("operand", "left", "right")]
            pending += [each for each in operands if each is not None]


@reads_derived(object)
def read_composite(
    lowering: Lowering, operation: Any, qubits: List[int], clbits: Sequence[Clbit], scope: Scope
) -> None:
    if scope.depth == 0:
        lowering.outermost = operation
    definition = lowering.evaluate(operation, lambda: _definition(operation))
    if definition is not None:
        if scope.depth >= _MAX_DEPTH:
            lowering.fail(operation, f"is {_MAX_DEPTH} definitions deep; does it contain itself?")
        lowering.inside(definition, qubits, clbits, scope)
        return
    matrix = lowering.evaluate(operation, lambda: _matrix(operation))
    if matrix is not None:
        size = 1 << len(qubits)
        if matrix.shape != (size, size):
            lowering.fail(operation, f"has a matrix of shape {matrix.shape}; expected {size, size}")
        if not np.allclose(matrix @ matrix.conj().T, np.eye(size)):
            lowering.fail(operation, "has a matrix that is not unitary")
        lowering.emit_matrix(DENSE, matrix, operation, qubits, scope)
        return
    row = _OPAQUE.get(operation.name)
    if row is not None and row.num_qubits == len(qubits):
        parameters = tuple([lowering.number(value, operation) for value in operation.params])
        if len(parameters) == row.num_params:
            for part in row.parts:
                lowering.emit(part, part.kind, qubits, parameters, scope)
            return
    if operation.name == "barrier":
        return
    if operation.name == "measure" and len(qubits) == len(clbits) == 1:
        _measure(lowering, operation, qubits, clbits, scope)
    elif operation.name == "reset" and len(qubits) == 1:
        _reset(lowering, operation, qubits, clbits, scope)
    else:
        lowering.fail(operation, "has neither a definition nor a matrix; it cannot be simulated")


def _amplitudes(params: Sequence[Any], num_qubits: int) -> np.ndarray:
    """Returns the 2**n amplitudes that an Initialize describes by a list, a label or an int."""
    if isinstance(params[0], str):
        amplitudes: np.ndarray = np.ones(1, dtype=np.complex128)
        for label in params:
            amplitudes = np.kron(amplitudes, _LABELS[label])
    elif len(params) == 1:
        amplitudes = np.zeros(1 << num_qubits, dtype=np.complex128)
        amplitudes[int(params[0].real)] = 1
    else:
        amplitudes = np.array(params, dtype=np.complex128)
    return amplitudes


def _definition(operation: Any) -> Any:
    definition = getattr(operation, "definition", None)
    if definition is None and not isinstance(operation, Instruction):
        # A Clifford, for example, can be in a circuit without being an Instruction.
        convert = getattr(operation, "to_instruction", None)
        return None if convert is None else convert().definition
    return definition


def _matrix(operation: Any) -> Any:
    if hasattr(operation, "__array__"):
        return np.asarray(operation, dtype=np.complex128)
    if hasattr(operation, "to_matrix") and type(operation).to_matrix is not Gate.to_matrix:
        return np.asarray(operation.to_matrix(), dtype=np.complex128)
    return None
