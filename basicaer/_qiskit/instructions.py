"""What reads each kind of instruction that is not simply a gate of the table.

Each function takes the `Lowering` that is under way, the operation, the indices of its qubits, its
clbits, and the scope it is in; `reader_of` says which function it is.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Callable, Dict, List, Sequence, Tuple

import numpy as np
from qiskit.circuit import Barrier, Clbit, ControlledGate, Delay, Gate, Instruction
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
from qiskit.circuit.library.standard_gates import CUGate, MCU1Gate, UGate
from qiskit.quantum_info import Operator

from basicaer._engine.gate_table import GATES, ROW_OF_CLASS
from basicaer._engine.program import DENSE, DIAGONAL, Measure, Prepare, Reset
from basicaer._qiskit.versions import (
    AnnotatedOperation,
    ControlModifier,
    DiagonalGate,
    Initialize,
    InverseModifier,
    PowerModifier,
    UnitaryGate,
)

if TYPE_CHECKING:
    from basicaer._qiskit.lowering import Lowering, Scope

_MAX_DEPTH = 200
"""Definitions within definitions; more than this is taken for a recursion without end."""

_NAMED = {row.name: row for row in GATES}
_OPAQUE = {
    name: _NAMED[name] for name in ("h", "u", "p", "u1", "u2", "u3", "rz", "sx", "x", "cx", "id")
}
_OPAQUE.update(U=_NAMED["u"], CX=_NAMED["cx"], u0=_NAMED["id"])
"""The gates that BasicAer knows by name alone, whatever their class."""

_R = math.sqrt(0.5)
_LABELS = {
    "0": (1, 0),
    "1": (0, 1),
    "+": (_R, _R),
    "-": (_R, -_R),
    "r": (_R, 1j * _R),
    "l": (_R, -1j * _R),
}
_PAULIS = {"I": _NAMED["id"], "X": _NAMED["x"], "Y": _NAMED["y"], "Z": _NAMED["z"]}
_SWAP = _NAMED["swap"].parts[0]

_DEFINED_BY_BASE = (ControlledGate, MCXGate, MCXGrayCode, MCXRecursive, MCPhaseGate, MCU1Gate)
"""Controlled gates whose definition does what the base gate behind controls does. (MCXVChain's does
so only while its ancillas are 0.)"""


def _controlled(
    lowering: Lowering, operation: Any, qubits: List[int], clbits: Sequence[Clbit], scope: Scope
) -> None:
    base, width = operation.base_gate, operation.num_ctrl_qubits
    own_definition = operation.__class__._define is not Instruction._define
    if (
        base is None
        or (own_definition and operation.__class__ not in _DEFINED_BY_BASE)
        or (
            # Further qubits are ancillas; MCXRecursive leaves them as they were, whatever that is.
            operation.num_qubits != width + base.num_qubits
            and operation.__class__ is not MCXRecursive
        )
    ):
        _composite(lowering, operation, qubits, clbits, scope)
        return
    inner = scope._replace(
        controls=(*scope.controls, *qubits[:width]),
        state=scope.state | operation.ctrl_state << len(scope.controls),
    )
    targets = qubits[width : width + base.num_qubits]
    if base.__class__ is UGate and len(base.params) == 4:
        # What terra makes of a cu behind more controls: the fourth parameter is its phase.
        part = ROW_OF_CLASS[CUGate].parts[0]
        parameters = tuple([lowering.number(value, operation) for value in base.params])
        kind = part.kind._replace(num_controls=0, control_state=0)
        lowering.emit(part, kind, targets, parameters, inner)
    else:
        lowering.unconditional(base, targets, (), inner)


def _annotated(
    lowering: Lowering, operation: Any, qubits: List[int], clbits: Sequence[Clbit], scope: Scope
) -> None:
    width, state, power = 0, 0, 1
    for modifier in operation.modifiers:
        if isinstance(modifier, ControlModifier):
            state = state << modifier.num_ctrl_qubits | modifier.ctrl_state
            width += modifier.num_ctrl_qubits
        elif isinstance(modifier, InverseModifier):
            power = -power
        elif isinstance(modifier, PowerModifier):
            power *= modifier.power
        else:
            lowering.fail(operation, f"has the unknown modifier {modifier!r}")
    inner = scope._replace(
        controls=(*scope.controls, *qubits[:width]),
        state=scope.state | state << len(scope.controls),
    )
    base, targets = operation.base_op, qubits[width:]
    if power == 1:
        lowering.unconditional(base, targets, clbits, inner)
    elif power == -1 and hasattr(base, "inverse"):
        lowering.unconditional(base.inverse(), targets, clbits, inner)
    elif power == int(power):
        matrix = lowering.evaluate(operation, lambda: Operator(base).power(int(power)).data)
        lowering.emit_matrix(DENSE, matrix, targets, inner)
    else:
        root = lowering.evaluate(operation, lambda: base.power(power))
        lowering.unconditional(root, targets, clbits, inner)


def _unitary(
    lowering: Lowering, operation: Any, qubits: List[int], clbits: Sequence[Clbit], scope: Scope
) -> None:
    lowering.emit_matrix(DENSE, np.asarray(operation.params[0]), qubits, scope)


def _diagonal(
    lowering: Lowering, operation: Any, qubits: List[int], clbits: Sequence[Clbit], scope: Scope
) -> None:
    lowering.emit_matrix(DIAGONAL, np.array(operation.params, dtype=complex), qubits, scope)


def _pauli(
    lowering: Lowering, operation: Any, qubits: List[int], clbits: Sequence[Clbit], scope: Scope
) -> None:
    for label, qubit in zip(reversed(operation.params[0]), qubits):
        for part in _PAULIS[label].parts:
            lowering.emit(part, part.kind, [qubit], (), scope)


def _permutation(
    lowering: Lowering, operation: Any, qubits: List[int], clbits: Sequence[Clbit], scope: Scope
) -> None:
    # Position k gets the qubit at pattern[k]: bring it there by a swap, position after position.
    order = list(range(len(qubits)))
    for k, wanted in enumerate(operation.params[0]):
        found = order.index(wanted)
        if found != k:
            lowering.emit(_SWAP, _SWAP.kind, [qubits[k], qubits[found]], (), scope)
            order[k], order[found] = order[found], order[k]


def _global_phase(
    lowering: Lowering, operation: Any, qubits: List[int], clbits: Sequence[Clbit], scope: Scope
) -> None:
    lowering.add_phase(operation.params[0], scope, operation)


def _measure(
    lowering: Lowering, operation: Any, qubits: List[int], clbits: Sequence[Clbit], scope: Scope
) -> None:
    lowering.refuse_unless_plain(operation, scope, "")
    if len(qubits) != 1 or len(clbits) != 1:
        lowering.fail(
            operation, f"has {len(qubits)} qubits and {len(clbits)} clbits; expected one of each"
        )
    clbit = lowering.clbit(clbits[0], operation, scope)
    if clbit in lowering.shared:
        registers = lowering.circuit.find_bit(lowering.circuit.clbits[clbit]).registers
        names = " and ".join(f'"{register.name}"' for register, _ in registers)
        lowering.fail(operation, f"writes to clbit {clbit}, which is in the registers {names}")
    lowering.flush()
    if lowering.conditional and lowering.measured:
        lowering.samples = False
    lowering.measured = True
    lowering.body.append(Measure(qubits[0], clbit))


def _reset(
    lowering: Lowering, operation: Any, qubits: List[int], clbits: Sequence[Clbit], scope: Scope
) -> None:
    lowering.refuse_unless_plain(operation, scope, "")
    lowering.samples = False
    lowering.add(Reset(qubits[0]))


def _initialize(
    lowering: Lowering, operation: Any, qubits: List[int], clbits: Sequence[Clbit], scope: Scope
) -> None:
    lowering.refuse_unless_plain(operation, scope, "")
    lowering.samples = False
    lowering.flush()
    amplitudes = _amplitudes(operation.params, len(qubits))
    norm = float(np.linalg.norm(amplitudes))
    if not math.isfinite(norm) or not norm:
        lowering.fail(operation, f"has amplitudes of norm {norm}; expected 1")
    lowering.body.extend([Reset(qubit) for qubit in qubits])
    lowering.body.append(Prepare(tuple(qubits), amplitudes / norm))


def _barrier(
    lowering: Lowering, operation: Any, qubits: List[int], clbits: Sequence[Clbit], scope: Scope
) -> None:
    pass


def _delay(
    lowering: Lowering, operation: Any, qubits: List[int], clbits: Sequence[Clbit], scope: Scope
) -> None:
    lowering.number(operation.params[0], operation)
    if lowering.measured:
        lowering.samples = False


def _composite(
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
        lowering.emit_matrix(DENSE, matrix, qubits, scope)
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
    """Returns the state that an Initialize describes by amplitudes, a label or an int."""
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
        # A Clifford, say, may be in a circuit without being an instruction.
        convert = getattr(operation, "to_instruction", None)
        return None if convert is None else convert().definition
    return definition


def _matrix(operation: Any) -> Any:
    if hasattr(operation, "__array__"):
        return np.asarray(operation, dtype=np.complex128)
    if hasattr(operation, "to_matrix") and type(operation).to_matrix is not Gate.to_matrix:
        return np.asarray(operation.to_matrix(), dtype=np.complex128)
    return None


_Reader = Callable[..., None]
READERS: Dict[type, _Reader] = {
    MeasureInstruction: _measure,
    ResetInstruction: _reset,
    Barrier: _barrier,
    Delay: _delay,
    Initialize: _initialize,
    UnitaryGate: _unitary,
    DiagonalGate: _diagonal,
    PauliGate: _pauli,
    PermutationGate: _permutation,
    GlobalPhaseGate: _global_phase,
}
READERS.update({type(cls()): READERS[cls] for cls in (MeasureInstruction, ResetInstruction)})
"""Readers by exact class."""

_BY_BASE: Tuple[Tuple[type, _Reader], ...] = (
    (ControlledGate, _controlled),
    (AnnotatedOperation, _annotated),
    (MeasureInstruction, _measure),
    (ResetInstruction, _reset),
    (Barrier, _barrier),
    (Delay, _delay),
)
"""Readers of classes derived from these."""


def reader_of(operation: Any) -> _Reader:
    """Returns the function that reads the operation, which is no gate of the table."""
    reader = READERS.get(operation.__class__)
    if reader is None:
        reader = next((r for base, r in _BY_BASE if isinstance(operation, base)), _composite)
    return reader
