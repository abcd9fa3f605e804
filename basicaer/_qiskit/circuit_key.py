"""When two circuits are the same: what may be remembered of the one holds for the other."""

from __future__ import annotations

from typing import Any, Dict, List, Tuple, Union

import numpy as np
from qiskit.circuit import Barrier, Instruction, QuantumCircuit
from qiskit.circuit import Measure as MeasureInstruction
from qiskit.circuit import Reset as ResetInstruction
from qiskit.circuit.library import GlobalPhaseGate, PauliGate

from basicaer._qiskit.control_flow import HANDLERS
from basicaer._engine.gate_table import ROW_OF_CLASS, SINGLETON_OF_CLASS
from basicaer._qiskit.instructions import _composite, reader_of
from basicaer._qiskit.versions import DiagonalGate, Initialize, UnitaryGate

_BY_PARAMS = {
    MeasureInstruction,
    type(MeasureInstruction()),
    ResetInstruction,
    type(ResetInstruction()),
    Barrier,
    PauliGate,
    UnitaryGate,
    DiagonalGate,
    GlobalPhaseGate,
    Initialize,
}
"""What is said in full by its class and its parameters."""

_DEEPEST = 50
"""Definitions within definitions; deeper ones are not compared."""


def structure_of(circuit: QuantumCircuit) -> Union[Tuple[Any, ...], None]:
    """Returns a key that is equal for circuits that do the same in the same way, and only for them.

    It holds the instructions with their definitions, qubits, clbits and parameters; not the names
    of the circuit and of its registers.

    Returns:
        A tuple that can be hashed, or None for a circuit with something in it of which all that
        matters is not known (conditions, control flow, other people's operations).
    """
    # How a class of circuits orders its parameters is its own affair.
    key: List[Any] = [circuit.__class__]
    try:
        if not _describe(circuit, key, 0):
            return None
        found = tuple(key)
        hash(found)
    except Exception:  # definitions are anybody's code; lowering says what is wrong, if anything is
        return None
    return found


def _describe(circuit: QuantumCircuit, key: List[Any], depth: int) -> bool:
    """Adds a circuit to the key; False if that cannot be done."""
    data = circuit.data
    key += (circuit.num_qubits, circuit.num_clbits, len(data), circuit.global_phase)
    bits: List[Any] = []
    for instruction in data:
        operation = instruction.operation
        bits += instruction.qubits
        gate_class = operation.__class__
        key.append(gate_class)
        if gate_class in SINGLETON_OF_CLASS:
            continue
        if getattr(operation, "condition", None) is not None:
            return False
        row = ROW_OF_CLASS.get(gate_class)
        if row is not None:
            key += operation.params
            if row.num_controls:
                key.append(operation.ctrl_state)
            if len(operation.params) != row.num_params:
                return False
            continue
        key += (len(instruction.qubits), len(instruction.clbits))
        bits += instruction.clbits
        if gate_class in _BY_PARAMS:
            for value in operation.params:
                if isinstance(value, np.ndarray):
                    key += (value.shape, value.dtype.str, value.tobytes())
                else:
                    key.append(value)
        elif gate_class in HANDLERS or reader_of(operation) is not _composite:
            return False
        else:
            definition = operation.definition if isinstance(operation, Instruction) else None
            if definition is None or depth == _DEEPEST:
                return False
            if not _describe(definition, key, depth + 1):
                return False
    index: Dict[Any, int] = {id(bit): place for place, bit in enumerate(circuit.qubits)}
    index.update((id(bit), place) for place, bit in enumerate(circuit.clbits))
    key.append(tuple([index[id(bit)] for bit in bits]))
    return True
