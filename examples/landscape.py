"""Maps the energy of QAOA on a ring over its two angles, with one call, and finds its lowest point.

python examples/landscape.py [picture.png]

The problem is MaxCut on a ring of ten vertices: to split them so that as many edges as possible are
cut. The circuit has two angles. An array of 54 times 54 pairs of them goes into one call of a
compiled circuit, which returns an array of 54 times 54 energies; then SciPy goes down from the best
of them along the gradient. On a ring, these angles cut three quarters of the edges at most (Farhi,
Goldstone, Gutmann, arXiv:1411.4028). With a file name, the map is drawn into it, which needs
matplotlib.
"""

from __future__ import annotations

import math
import sys
import time

import numpy as np
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector
from qiskit.quantum_info import SparsePauliOp
from scipy.optimize import minimize

import basicaer
from basicaer.gradients import gradient

VERTICES = 10
POINTS = 54
EDGES = [(vertex, (vertex + 1) % VERTICES) for vertex in range(VERTICES)]


def qaoa() -> QuantumCircuit:
    """One layer: a phase for each edge, then a rotation of each vertex."""
    phase, mixing = ParameterVector("angle", 2)
    circuit = QuantumCircuit(VERTICES)
    circuit.h(range(VERTICES))
    for edge in EDGES:
        circuit.rzz(phase, *edge)
    circuit.rx(mixing, range(VERTICES))
    return circuit


def cost() -> SparsePauliOp:
    """The number of edges that are not cut, less that of those that are."""
    return SparsePauliOp.from_sparse_list([("ZZ", edge, 1.0) for edge in EDGES], VERTICES)


def cut(energy):
    """The number of edges that are cut, on average, at an energy."""
    return (len(EDGES) - energy) / 2


def draw(path: str, angles: np.ndarray, energies: np.ndarray, lowest: np.ndarray) -> None:
    """Draws the map and its lowest point."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        print("picture          not drawn: pip install matplotlib")
        return
    figure = Figure(figsize=(5.5, 4.5), layout="constrained")
    axes = figure.add_subplot()
    colours = axes.pcolormesh(angles, angles, cut(energies), shading="auto", cmap="viridis")
    axes.plot(lowest[1] % math.pi, lowest[0] % math.pi, "r*", markersize=14)
    axes.set(xlabel="angle of rx", ylabel="angle of rzz")
    axes.set_title(f"QAOA of one layer on a ring of {VERTICES}")
    figure.colorbar(colours, label="edges cut, on average")
    figure.savefig(path)
    print(f"picture          {path}")


def main(picture: str = "") -> None:
    compiled = basicaer.compile(qaoa())
    angles = np.linspace(0, math.pi, POINTS, endpoint=False)
    points = np.stack(np.meshgrid(angles, angles, indexing="ij"), axis=-1)

    begun = time.perf_counter()
    energies = compiled.expectation(cost(), points)  # shape (54, 54)
    seconds = time.perf_counter() - begun
    print(f"{energies.size} energies of {VERTICES} qubits in {seconds:.2f} s")

    for row in cut(energies)[::6, ::2]:  # a rough map: more edges are cut where it is darker
        print("  ", "".join(" .:-=+*#%@"[int(10 * each / len(EDGES))] for each in row))

    best = points[np.unravel_index(np.argmin(energies), energies.shape)]
    found = minimize(gradient(compiled, cost()), best, jac=True, method="BFGS")
    print(f"best of the map  {cut(energies.min()):.4f} edges cut of {len(EDGES)}")
    print(f"lowest point     {cut(found.fun):.4f} at rzz {found.x[0]:.4f}, rx {found.x[1]:.4f}")
    if picture:
        draw(picture, angles, energies, found.x)


if __name__ == "__main__":
    main(*sys.argv[1:2])
