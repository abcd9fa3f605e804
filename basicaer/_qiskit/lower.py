"""QuantumCircuit to `Program`: each instruction is read once, and nothing of Qiskit is left.

A composite instruction is read by its definition, again and again until only known instructions are
left; an operation without a definition is read by its matrix.

The common case, standard gates and then measurements, is read by `plain_program` of `gate_reader`;
everything else takes the longer way through `Lowering`.
"""

from __future__ import annotations

from qiskit.circuit import QuantumCircuit

from basicaer._engine.program import Program
from basicaer._qiskit import control_flow, instructions  # noqa: F401 (they register what reads what)
from basicaer._qiskit.gate_reader import plain_program
from basicaer._qiskit.lowering import Lowering


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
