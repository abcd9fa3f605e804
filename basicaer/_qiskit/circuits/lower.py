"""Lowers a QuantumCircuit to a `Program`, which refers to nothing of Qiskit's.

A composite instruction is read by its definition, recursively, until only known instructions are
left; an operation without a definition is read by its matrix.

The common case, standard gates and then measurements, is read by `plain_program`, everything else
by `Lowering`.
"""

from __future__ import annotations

from qiskit.circuit import QuantumCircuit

from basicaer._engine.program import Program
from basicaer._qiskit.circuits import control_flow, instructions  # noqa: F401 (they register what reads what)
from basicaer._qiskit.circuits.lowering import Lowering
from basicaer._qiskit.circuits.readers import plain_program


def lower(circuit: QuantumCircuit, *, unitary_only: bool = False) -> Program:
    """Returns the program of a circuit.

    Args:
        circuit: the circuit; all its parameters must be bound.
        unitary_only: whether measure, reset, conditions and control flow are errors.

    Raises:
        BasicAerError: an unbound, NaN or infinite parameter; a gate on the same qubit twice; an
            operation with neither matrix nor definition, or with a definition that contains itself;
            a condition on a bit that is not in the circuit; a measurement or a store into a clbit
            of two registers; an expression of variables, floats or durations; with `unitary_only`,
            an operation that is not unitary. The message names the instruction and the circuit.
    """
    program = plain_program(circuit, unitary_only)
    return Lowering(circuit, unitary_only).program() if program is None else program
