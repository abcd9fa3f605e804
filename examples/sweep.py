"""Runs one parametrised circuit for many values of its parameter, in one job.

Ramsey fringes: between two Hadamard gates a qubit gathers a phase; the chance to find it in |0>
is (1 + cos(phase)) / 2.
"""

import math

from qiskit import QuantumCircuit
from qiskit.circuit import Parameter

from basicaer import BasicAer

SHOTS = 2000
VALUES = 17


def main() -> None:
    phase = Parameter("phase")
    circuit = QuantumCircuit(1, 1)
    circuit.h(0)
    circuit.p(phase, 0)
    circuit.h(0)
    circuit.measure(0, 0)

    values = [2 * math.pi * k / (VALUES - 1) for k in range(VALUES)]
    backend = BasicAer.get_backend("qasm_simulator")
    job = backend.run(
        circuit,
        parameter_binds=[{phase: value} for value in values],
        shots=SHOTS,
        seed_simulator=1,
    )
    result = job.result()

    print(" phase   measured  expected")
    for index, value in enumerate(values):
        share = result.get_counts(index).get("0", 0) / SHOTS
        expected = (1 + math.cos(value)) / 2
        print(f"{value:6.3f}   {share:8.3f}  {expected:8.3f}  {'#' * round(40 * share)}")


if __name__ == "__main__":
    main()
