"""Finds the ground-state energy of the hydrogen molecule by VQE, once with each estimator.

The algorithm is terra's; this package's estimator takes the place of Qiskit's. The Hamiltonian is
H2's at 0.735 angstrom, in the basis STO-3G, on two qubits.
"""

import time
import warnings

import numpy as np
import qiskit.primitives
from qiskit.circuit.library import EfficientSU2
from qiskit.quantum_info import SparsePauliOp

import basicaer.primitives

with warnings.catch_warnings():
    # terra 0.46 says that they have moved to the package qiskit_algorithms.
    warnings.simplefilter("ignore", DeprecationWarning)
    from qiskit.algorithms.gradients import ParamShiftEstimatorGradient
    from qiskit.algorithms.minimum_eigensolvers import VQE
    from qiskit.algorithms.optimizers import SLSQP

HYDROGEN = SparsePauliOp.from_list(
    [
        ("II", -1.052373245772859),
        ("IZ", 0.39793742484318045),
        ("ZI", -0.39793742484318045),
        ("ZZ", -0.01128010425623538),
        ("XX", 0.18093119978423156),
    ]
)
REPULSION = 0.7199689944489797  # of the nuclei, hartree


def main() -> None:
    ansatz = EfficientSU2(2, reps=1)
    start = np.full(ansatz.num_parameters, 0.1)
    exact = np.linalg.eigvalsh(HYDROGEN.to_matrix())[0] + REPULSION
    print(f"exact      {exact:.8f} hartree")
    for name, estimator in (
        ("basicaer", basicaer.primitives.Estimator()),
        ("qiskit", qiskit.primitives.Estimator()),
    ):
        gradient = ParamShiftEstimatorGradient(estimator)
        vqe = VQE(estimator, ansatz, SLSQP(), gradient=gradient, initial_point=start)
        begun = time.perf_counter()
        result = vqe.compute_minimum_eigenvalue(HYDROGEN)
        seconds = time.perf_counter() - begun
        energy = result.eigenvalue + REPULSION
        calls = result.cost_function_evals
        print(f"{name:9}  {energy:.8f} hartree  {calls} energies in {seconds:.2f} s")


if __name__ == "__main__":
    main()
