"""Quantum phase estimation with an inverse QFT, of several phases in one job."""

import math

import numpy as np
from qiskit import BasicAer, QuantumCircuit, execute


def qft_dagger(qc, n):
    """n-qubit QFTdagger the first n qubits in circ"""
    # Don't forget the Swaps!
    for qubit in range(n // 2):
        qc.swap(qubit, n - qubit - 1)
    for j in range(n):
        for m in range(j):
            qc.cp(-math.pi / float(2 ** (j - m)), m, j)
        qc.h(j)


def phase_estimation(theta, t):
    qpe = QuantumCircuit(t + 1, t, name='theta = %.3f' % theta)
    # Apply H-Gates to counting qubits:
    for qubit in range(t):
        qpe.h(qubit)
    # Prepare our eigenstate |psi>:
    qpe.x(t)
    # Do the controlled-U operations:
    repetitions = 1
    for counting_qubit in range(t):
        for _ in range(repetitions):
            qpe.cp(2 * math.pi * theta, counting_qubit, t)
        repetitions *= 2
    # Do the inverse QFT:
    qft_dagger(qpe, t)
    qpe.barrier()
    for qubit in range(t):
        qpe.measure(qubit, qubit)
    return qpe


t = 4
circuits = [phase_estimation(theta, t) for theta in (1 / 8, 1 / 3, 0.7)]

np.random.seed(2022)
backend = BasicAer.get_backend('qasm_simulator')
print('Running on', backend.name())
result = execute(circuits, backend, shots=2048, optimization_level=0).result()
for circuit in circuits:
    counts = result.get_counts(circuit)
    best = max(counts, key=counts.get)
    print(circuit.name, '->', int(best, 2) / 2**t, sorted(counts.items()))
