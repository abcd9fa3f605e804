"""Finds the ground-state energy of the hydrogen molecule by VQE, with and without this package.

The optimiser is SciPy's, which every Qiskit brings. It asks for an energy and its gradient, which
by the parameter-shift rule is two more energies for each parameter: all are one run of one circuit
with arrays of values. The second time Qiskit's own `Statevector` computes them one by one.

The Hamiltonian is H2's at 0.735 angstrom, in the basis STO-3G, on two qubits.
"""

from __future__ import annotations

import math
import time
from typing import Callable

import numpy as np
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector
from qiskit.quantum_info import SparsePauliOp, Statevector
from scipy.optimize import minimize

from basicaer import BasicAer

HYDROGEN = SparsePauliOp.from_list(
    [
        ("II", -1.052373245772859),
        ("IZ", 0.39793742484318045),
        ("ZI", -0.39793742484318045),
        ("ZZ", -0.01128010425623538),
        ("XX", 0.18093119978423156),
    ]
).to_matrix()
REPULSION = 0.7199689944489797  # of the nuclei, hartree
ANGLES = ParameterVector("angle", 8)


def ansatz() -> QuantumCircuit:
    """A layer of rotations, an entangling gate, and a layer of rotations."""
    circuit = QuantumCircuit(2)
    for layer in (0, 4):
        for qubit in (0, 1):
            circuit.ry(ANGLES[layer + 2 * qubit], qubit)
            circuit.rz(ANGLES[layer + 2 * qubit + 1], qubit)
        if layer == 0:
            circuit.cx(0, 1)
    return circuit


def states_by_basicaer(circuit: QuantumCircuit, values: np.ndarray) -> np.ndarray:
    """The final states of the circuit, a row for each row of values."""
    backend = BasicAer.get_backend("statevector_simulator")
    binds = {angle: values[:, place] for place, angle in enumerate(ANGLES)}
    result = backend.run(circuit, parameter_binds=binds).result()
    return np.array([result.get_statevector(row) for row in range(len(values))])


def states_by_qiskit(circuit: QuantumCircuit, values: np.ndarray) -> np.ndarray:
    """The same by `Statevector`."""
    bound = [circuit.assign_parameters(dict(zip(ANGLES, row))) for row in values]
    return np.array([Statevector(one).data for one in bound])


def minimum(states: Callable[[QuantumCircuit, np.ndarray], np.ndarray]) -> tuple[float, int]:
    """Returns the lowest energy that is found, and how many states it took."""
    circuit, number = ansatz(), len(ANGLES)
    shifts = np.vstack([np.zeros(number), np.eye(number), -np.eye(number)]) * math.pi / 2
    taken = 0

    def energy_and_gradient(angles: np.ndarray) -> tuple[float, np.ndarray]:
        nonlocal taken
        taken += len(shifts)
        rows = states(circuit, angles + shifts)
        energies = np.einsum("ri,ij,rj->r", rows.conj(), HYDROGEN, rows).real
        return energies[0], (energies[1 : number + 1] - energies[number + 1 :]) / 2

    start = np.full(number, 0.1)
    found = minimize(energy_and_gradient, start, jac=True, method="SLSQP", options={"ftol": 1e-10})
    return found.fun, taken


def main() -> None:
    print(f"exact      {np.linalg.eigvalsh(HYDROGEN)[0] + REPULSION:.8f} hartree")
    for name, states in (("basicaer", states_by_basicaer), ("qiskit", states_by_qiskit)):
        begun = time.perf_counter()
        energy, taken = minimum(states)
        seconds = time.perf_counter() - begun
        print(f"{name:9}  {energy + REPULSION:.8f} hartree  {taken} states in {seconds:.3f} s")


if __name__ == "__main__":
    main()
