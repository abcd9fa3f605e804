"""Starts a run that would take long, looks at its progress, and cancels it.

python examples/cancel.py [qubits]
"""

import sys
import time

from qiskit import QuantumCircuit
from qiskit.providers import JobError

from basicaer import BasicAer


def deep_circuit(num_qubits: int, layers: int) -> QuantumCircuit:
    """Rotations and a ring of entangling gates, again and again."""
    circuit = QuantumCircuit(num_qubits)
    for layer in range(layers):
        for qubit in range(num_qubits):
            circuit.ry(0.1 + 0.01 * layer + 0.3 * qubit, qubit)
        for qubit in range(num_qubits):
            circuit.cx(qubit, (qubit + 1) % num_qubits)
    circuit.measure_all()
    return circuit


def main(num_qubits: int = 22) -> None:
    backend = BasicAer.get_backend("qasm_simulator")
    job = backend.run(deep_circuit(num_qubits, layers=1000), shots=1000)

    while job.progress() < 0.01 and not job.in_final_state():
        time.sleep(0.01)
    print(f"{job.status().name}, {job.progress():.1%} done")

    begin = time.perf_counter()
    stopped = job.cancel()
    job.wait_for_final_state()
    print(f"cancel() was {stopped}, {job.status().name} within {time.perf_counter() - begin:.3f} s")

    try:
        job.result()
    except JobError as error:
        print("result():", error)


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:2]))
