"""Finds the ground-state energy of the hydrogen molecule by VQE, with and without this package.

python examples/vqe.py [picture.png]

The optimiser is SciPy's, which every Qiskit brings. It asks for an energy and its gradient, which
`basicaer.gradients.gradient` computes by the adjoint method. The second time they come from
Qiskit's own `Statevector` and the parameter-shift rule: two more energies for each parameter. Both
take the same steps. With a file name, the steps are drawn into it, which needs matplotlib.

The Hamiltonian is H2's at 0.735 angstrom, in the basis STO-3G, on two qubits.
"""

from __future__ import annotations

import math
import sys
import time
from typing import Callable

import numpy as np
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector
from qiskit.quantum_info import SparsePauliOp, Statevector
from scipy.optimize import minimize

from basicaer.gradients import gradient

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
ANGLES = ParameterVector("angle", 8)

EnergyAndGradient = Callable[[np.ndarray], "tuple[float, np.ndarray]"]


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


def by_qiskit(circuit: QuantumCircuit) -> EnergyAndGradient:
    """The energy and its gradient by `Statevector` and the parameter-shift rule."""
    matrix = HYDROGEN.to_matrix()
    shifts = np.eye(len(ANGLES)) * math.pi / 2

    def energy(angles: np.ndarray) -> float:
        state = Statevector(circuit.assign_parameters(dict(zip(ANGLES, angles)))).data
        return np.vdot(state, matrix @ state).real

    def energy_and_gradient(angles: np.ndarray) -> tuple[float, np.ndarray]:
        slopes = [(energy(angles + shift) - energy(angles - shift)) / 2 for shift in shifts]
        return energy(angles), np.array(slopes)

    return energy_and_gradient


def steps(energy_and_gradient: EnergyAndGradient) -> list[float]:
    """Returns the energy at the start and after each step of the optimiser, in hartree."""
    start = np.full(len(ANGLES), 0.1)
    points = [start]
    minimize(
        energy_and_gradient,
        start,
        jac=True,
        method="SLSQP",
        options={"ftol": 1e-10},
        callback=lambda angles: points.append(np.copy(angles)),
    )
    return [energy_and_gradient(angles)[0] + REPULSION for angles in points]


def draw(path: str, found: dict[str, list[float]], exact: float) -> None:
    """Draws how far the energy is above the exact one after each step."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        print("picture    not drawn: pip install matplotlib")
        return
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.add_subplot()
    for (name, energies), mark in zip(found.items(), ("o-", "x--")):
        axes.semilogy(np.array(energies) - exact, mark, label=name)
    axes.axhline(1.6e-3, color="gray", linewidth=1)
    last = max(map(len, found.values())) - 1
    axes.text(last, 2e-3, "chemical accuracy", horizontalalignment="right")
    axes.set(xlabel="step", ylabel="energy above the exact one, hartree")
    axes.set_title("H\N{SUBSCRIPT TWO}, VQE with SLSQP")
    axes.legend()
    figure.savefig(path)
    print(f"picture    {path}")


def main(picture: str = "") -> None:
    circuit = ansatz()
    exact = np.linalg.eigvalsh(HYDROGEN.to_matrix())[0] + REPULSION
    print(f"exact      {exact:.8f} hartree")
    found = {}
    for name, function in (
        ("basicaer", gradient(circuit, HYDROGEN)),
        ("qiskit", by_qiskit(circuit)),
    ):
        begun = time.perf_counter()
        found[name] = steps(function)
        seconds = time.perf_counter() - begun
        number = len(found[name]) - 1
        print(f"{name:9}  {found[name][-1]:.8f} hartree  {number} steps in {seconds:.3f} s")
    if picture:
        draw(picture, found, exact)


if __name__ == "__main__":
    main(*sys.argv[1:2])
