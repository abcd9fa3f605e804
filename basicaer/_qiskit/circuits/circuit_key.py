"""Keys of circuits: circuits with equal keys can share one lowering."""

from __future__ import annotations

from typing import Any, Dict, List, Tuple, Union

import numpy as np
from qiskit.circuit import Barrier, Instruction, QuantumCircuit
from qiskit.circuit import Measure as MeasureInstruction
from qiskit.circuit import Reset as ResetInstruction
from qiskit.circuit.library import GlobalPhaseGate, PauliGate

from basicaer._qiskit.circuits.contract import Instructions
from basicaer._qiskit.circuits.gate_classes import ROW_OF_CLASS, SINGLETON_OF_CLASS
from basicaer._qiskit.circuits.instructions import read_composite
from basicaer._qiskit.circuits.lowering import CONTROL_FLOW, reader_of
from basicaer._qiskit.circuits.readers import open_circuit
from basicaer._qiskit.versions import DiagonalGate, Initialize, UnitaryGate, condition_of

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


_MOST_REMEMBERED = 64
_MOST_INSTRUCTIONS = 10_000
"""How many circuits are kept to remember their keys, and of how many instructions each at most."""


class Structure:
    """A key whose hash is computed once, when it is made.

    Args:
        parts: what it consists of.
    """

    __slots__ = ("_hash", "_parts")

    def __init__(self, parts: Tuple[Any, ...]) -> None:
        self._parts = parts
        self._hash = hash(parts)

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Structure):
            return NotImplemented
        return self is other or (self._hash == other._hash and self._parts == other._parts)


_remembered: Dict[Tuple[Tuple[Any, ...], bytes], Tuple[Instructions, Structure]] = {}
"""Keys by the circuit's fingerprint, each with a copy of the circuit, which keeps its expressions
alive and so the fingerprint valid."""


def structure_of(circuit: QuantumCircuit) -> Union[Structure, None]:
    """Returns a key that is equal for circuits with the same instructions, and only for those.

    It contains the instructions with their definitions, qubits, clbits and parameters, but not the
    names of the circuit and its registers.

    Returns:
        A hashable key; None for a circuit with an operation that cannot be described completely
        (conditions, control flow, operations of unknown classes).
    """
    try:
        instructions = open_circuit(circuit)
        head = _head(circuit)
        # Objects of a circuit's expressions, and their hashes, would take most of the time.
        mark = instructions.fingerprint()
        if mark is None or len(instructions) > _MOST_INSTRUCTIONS:
            return _key(head, instructions)
        found = _remembered.get((head, mark))
        if found is None:
            kept = instructions.snapshot()
            key = None if kept is None else _key(head, kept)
            mark = None if kept is None else kept.fingerprint()
            if kept is None or key is None or mark is None:
                return key
            if len(_remembered) >= _MOST_REMEMBERED:
                _remembered.clear()
            found = _remembered[head, mark] = (kept, key)
        return found[1]
    except Exception:  # definitions can run any code; lowering reports what is wrong
        return None


def _head(circuit: QuantumCircuit) -> Tuple[Any, ...]:
    # Each class of circuits may order its parameters in its own way.
    return (circuit.__class__, circuit.num_qubits, circuit.num_clbits, circuit.global_phase)


def _key(head: Tuple[Any, ...], instructions: Instructions) -> Union[Structure, None]:
    key: List[Any] = [*head]
    return Structure(tuple(key)) if _describe(instructions, key, 0) else None


def _describe(instructions: Instructions, key: List[Any], depth: int) -> bool:
    """Adds the instructions of a circuit to the key; returns False if that is impossible."""
    place, end = 0, len(instructions)
    key.append(end)
    while True:
        place = instructions.describe(place, key)
        if place >= end:
            return True
        if not _describe_one(instructions, place, key, depth):
            return False
        place += 1


def _describe_one(instructions: Instructions, place: int, key: List[Any], depth: int) -> bool:
    """Adds one instruction of any kind to the key; returns False if that is impossible."""
    operation = instructions[place].operation
    gate_class = operation.__class__
    qubits, clbits = instructions.qubits(place), instructions.clbits(place)
    key += (gate_class, len(qubits), len(clbits), *qubits, *clbits)
    if condition_of(operation) is not None:
        return False
    row = SINGLETON_OF_CLASS.get(gate_class) or ROW_OF_CLASS.get(gate_class)
    if row is not None:
        key += operation.params
        if row.num_controls:
            key.append(operation.ctrl_state)
        return len(operation.params) == row.num_params
    if gate_class in _BY_PARAMS:
        for value in operation.params:
            if isinstance(value, np.ndarray):
                key += (value.shape, value.dtype.str, value.tobytes())
            else:
                key.append(value)
        return True
    if gate_class in CONTROL_FLOW or reader_of(operation) is not read_composite:
        return False
    definition = operation.definition if isinstance(operation, Instruction) else None
    if definition is None or depth == _DEEPEST:
        return False
    inner = open_circuit(definition)
    key += _head(definition)
    return _describe(inner, key, depth + 1)
