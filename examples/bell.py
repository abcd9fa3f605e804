"""Prepares a Bell pair and prints how often each outcome was seen."""

from qiskit import QuantumCircuit

from basicaer import BasicAer


def main() -> None:
    circuit = QuantumCircuit(2, 2)
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.measure([0, 1], [0, 1])

    backend = BasicAer.get_backend("qasm_simulator")
    job = backend.run(circuit, shots=1000, seed_simulator=7)
    print(job.result().get_counts())


if __name__ == "__main__":
    main()
