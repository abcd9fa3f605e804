"""Keys of circuits: circuits with equal keys can share one lowering."""

from __future__ import annotations

from typing import Any, Dict, List, Tuple, Union

import numpy as np
from qiskit.circuit import Barrier, Instruction, QuantumCircuit
from qiskit.circuit import Measure as MeasureInstruction
from qiskit.circuit import Reset as ResetInstruction
from qiskit.circuit.library import GlobalPhaseGate, PauliGate

from basicaer._qiskit.circuits.gate_classes import ROW_OF_CLASS, SINGLETON_OF_CLASS
from basicaer._qiskit.circuits.instructions import read_composite
from basicaer._qiskit.circuits.lowering import CONTROL_FLOW, reader_of
from basicaer._qiskit.versions import (
    DiagonalGate,
    Initialize,
    UnitaryGate,
    bit_key,
    condition_of,
)

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
"""Instructions that are completely described by their class and parameters."""

_DEEPEST = 50
"""Levels of nested definitions; a circuit with more has no key."""


def structure_of(circuit: QuantumCircuit) -> Union[Tuple[Any, ...], None]:
    """Returns a key that is equal for circuits with the same instructions, and only for those.

    It contains the instructions with their definitions, qubits, clbits and parameters, but not the
    names of the circuit and its registers.

    Returns:
        A hashable tuple; None for a circuit with an operation that cannot be described completely
        (conditions, control flow, operations of unknown classes).
    """
    # Each class of circuits may order its parameters in its own way.
    key: List[Any] = [circuit.__class__]
    try:
        if not _describe(circuit, key, 0):
            return None
        found = tuple(key)
        hash(found)
    except Exception:  # definitions can run any code; lowering reports what is wrong
        return None
    return found


def _describe(circuit: QuantumCircuit, key: List[Any], depth: int) -> bool:
    """Adds a circuit to the key; returns False if it cannot be described completely."""
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
        if condition_of(operation) is not None:
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
        elif gate_class in CONTROL_FLOW or reader_of(operation) is not read_composite:
            return False
        else:
            definition = operation.definition if isinstance(operation, Instruction) else None
            if definition is None or depth == _DEEPEST:
                return False
            if not _describe(definition, key, depth + 1):
                return False
    index: Dict[Any, int] = {bit_key(bit): place for place, bit in enumerate(circuit.qubits)}
    index.update((bit_key(bit), place) for place, bit in enumerate(circuit.clbits))
    key.append(tuple([index[bit_key(bit)] for bit in bits]))
    return True
