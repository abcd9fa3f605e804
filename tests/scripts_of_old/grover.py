"""Grover's algorithm on three qubits: two marked states, found in one iteration."""

import numpy as np
from qiskit import BasicAer, QuantumCircuit, execute


def initialize_s(qc, qubits):
    """Apply a H-gate to 'qubits' in qc"""
    for q in qubits:
        qc.h(q)
    return qc


def diffuser(nqubits):
    qc = QuantumCircuit(nqubits)
    # Apply transformation |s> -> |00..0> (H-gates)
    for qubit in range(nqubits):
        qc.h(qubit)
    # Apply transformation |00..0> -> |11..1> (X-gates)
    for qubit in range(nqubits):
        qc.x(qubit)
    # Do multi-controlled-Z gate
    qc.h(nqubits - 1)
    qc.mcx(list(range(nqubits - 1)), nqubits - 1)  # multi-controlled-toffoli
    qc.h(nqubits - 1)
    # Apply transformation |11..1> -> |00..0>
    for qubit in range(nqubits):
        qc.x(qubit)
    # Apply transformation |00..0> -> |s>
    for qubit in range(nqubits):
        qc.h(qubit)
    # We will return the diffuser as a gate
    U_s = qc.to_gate()
    U_s.name = "U$_s$"
    return U_s


qc = QuantumCircuit(3)
qc.cz(0, 2)
qc.cz(1, 2)

unitary_backend = BasicAer.get_backend("unitary_simulator")
unitary = execute(qc, unitary_backend).result().get_unitary(qc)
print("diagonal of the oracle:", np.real(np.diag(unitary)).round(3).astype(int))

oracle_ex3 = qc.to_gate()
oracle_ex3.name = "U$_\\omega$"

n = 3
grover_circuit = QuantumCircuit(n)
grover_circuit = initialize_s(grover_circuit, [0, 1, 2])
grover_circuit.append(oracle_ex3, [0, 1, 2])
grover_circuit.append(diffuser(n), [0, 1, 2])

state_backend = BasicAer.get_backend("statevector_simulator")
state = execute(grover_circuit, state_backend).result().get_statevector(grover_circuit)
print("probabilities:", np.abs(np.asarray(state)).round(3) ** 2)

grover_circuit.measure_all()

qasm_backend = BasicAer.get_backend("qasm_simulator")
results = execute(
    grover_circuit, backend=qasm_backend, shots=1024, seed_simulator=42, seed_transpiler=42
).result()
answer = results.get_counts()
for key in sorted(answer):
    print(key, answer[key])
