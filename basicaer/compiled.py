"""`compile` and `CompiledCircuit`: the shortest way from parameters to numbers."""

from __future__ import annotations

from qiskit.circuit import QuantumCircuit

from basicaer._qiskit.compiled import CompiledCircuit

__all__ = ["CompiledCircuit", "compile"]


def compile(
    circuit: QuantumCircuit, *, precision: str = "double", max_parallel_threads: int = 0
) -> CompiledCircuit:
    """Returns a circuit compiled once, to be given many values of its parameters.

    compiled = basicaer.compile(ansatz)
    energy, gradient = compiled.gradient(hamiltonian, values)

    Args:
        circuit: the circuit.
        precision: "double" or "single".
        max_parallel_threads: the most threads to use; 0 for one a core.

    Raises:
        BasicAerError: the circuit or an argument is not valid.
    """
    return CompiledCircuit(circuit, precision=precision, max_parallel_threads=max_parallel_threads)
