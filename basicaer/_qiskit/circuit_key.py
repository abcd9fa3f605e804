"""When two circuits are the same: what may be remembered of the one holds for the other."""

from __future__ import annotations

from typing import Any, Dict, List, Tuple, Union

import numpy as np
from qiskit.circuit import Barrier, Instruction, QuantumCircuit
from qiskit.circuit import Measure as MeasureInstruction
from qiskit.circuit import Reset as ResetInstruction
from qiskit.circuit.library import GlobalPhaseGate, PauliGate

from basicaer._engine.gate_table import ROW_OF_CLASS, SINGLETON_OF_CLASS
from basicaer._qiskit.control_flow import HANDLERS
from basicaer._qiskit.gate_reader import Instructions, is_conditional
from basicaer._qiskit.instructions import _composite, reader_of
from basicaer._qiskit.readers import open_circuit
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


_MOST_REMEMBERED = 64
_MOST_INSTRUCTIONS = 10_000
"""So many circuits, of so many instructions at most, are kept for the sake of their keys."""


class Structure:
    """A key that is hashed once, when it is made.

    Args:
        parts: what it is made of.
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


_remembered: Dict[Tuple[Tuple[Any, ...], bytes], Tuple[Any, Structure]] = {}
"""Keys by what the circuit is in memory, with a copy of it by which its expressions stay there."""


def structure_of(circuit: QuantumCircuit) -> Union[Structure, None]:
    """Returns a key that is equal for circuits that do the same in the same way, and only for them.

    It holds the instructions with their definitions, qubits, clbits and parameters; not the names
    of the circuit and of its registers.

    Returns:
        A key that can be hashed, or None for a circuit with something in it of which all that
        matters is not known (conditions, control flow, other people's operations).
    """
    try:
        instructions = open_circuit(circuit)
        head = _head(circuit)
        # To make objects of a circuit's expressions, and to hash them, takes most of the time.
        mark = instructions.fingerprint()
        if mark is None or len(instructions) > _MOST_INSTRUCTIONS:
            return _key(head, instructions)
        found = _remembered.get((head, mark))
        if found is None:
            kept = instructions.snapshot()
            key = None if kept is None else _key(head, kept)
            mark = None if kept is None else kept.fingerprint()
            if key is None or mark is None:
                return key
            if len(_remembered) >= _MOST_REMEMBERED:
                _remembered.clear()
            found = _remembered[head, mark] = (kept, key)
        return found[1]
    except Exception:  # definitions are anybody's code; lowering says what is wrong, if anything is
        return None


def _head(circuit: QuantumCircuit) -> Tuple[Any, ...]:
    # How a class of circuits orders its parameters is its own affair.
    return (circuit.__class__, circuit.num_qubits, circuit.num_clbits, circuit.global_phase)


def _key(head: Tuple[Any, ...], instructions: Instructions) -> Union[Structure, None]:
    key: List[Any] = [*head]
    return Structure(tuple(key)) if _describe(instructions, key, 0) else None


def _describe(instructions: Instructions, key: List[Any], depth: int) -> bool:
    """Adds the instructions of a circuit to the key; False if that cannot be done."""
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
    """Adds one instruction to the key, of any kind."""
    operation = instructions[place].operation
    gate_class = operation.__class__
    qubits, clbits = instructions.qubits(place), instructions.clbits(place)
    key += (gate_class, len(qubits), len(clbits), *qubits, *clbits)
    if is_conditional(operation):
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
    if gate_class in HANDLERS or reader_of(operation) is not _composite:
        return False
    definition = operation.definition if isinstance(operation, Instruction) else None
    if definition is None or depth == _DEEPEST:
        return False
    inner = open_circuit(definition)
    key += _head(definition)
    return _describe(inner, key, depth + 1)
