"""The circuits that are measured: families of any size, made in code, the same each time.

Only h, x, cx, cp, swap, rx, ry, rz, rzz and u occur in `FAMILIES`, which all the simulators that
are compared know natively, so that each can be given its own form of exactly the same gates.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from qiskit import QuantumCircuit
from qiskit.circuit.library import CXGate
from qiskit.quantum_info import random_unitary
from qiskit.synthesis import TwoQubitBasisDecomposer


def qft(num_qubits: int) -> QuantumCircuit:
    """Fourier transform: controlled phases between all pairs, swaps at the end."""
    circuit = QuantumCircuit(num_qubits)
    for target in reversed(range(num_qubits)):
        circuit.h(target)
        for control in reversed(range(target)):
            circuit.cp(math.pi / 2 ** (target - control), control, target)
    for low in range(num_qubits // 2):
        circuit.swap(low, num_qubits - 1 - low)
    return circuit


def qft_in(num_qubits: int) -> QuantumCircuit:
    """The same of a state in which no qubit is |0>.

    From |0...0> every controlled phase of a Fourier transform finds its control in |0>, so that a
    simulator that knows this has nothing but h and swap left to do. Here it has not.
    """
    rng = np.random.default_rng(5)
    circuit = QuantumCircuit(num_qubits)
    for qubit in range(num_qubits):
        circuit.ry(rng.uniform(0.5, 2.5), qubit)
        circuit.rz(rng.uniform(-math.pi, math.pi), qubit)
    return circuit.compose(qft(num_qubits))


def hea(num_qubits: int, layers: int = 5) -> QuantumCircuit:
    """Hardware-efficient ansatz: ry and rz on each qubit, then a chain of cx, five times."""
    rng = np.random.default_rng(1)
    circuit = QuantumCircuit(num_qubits)
    for _ in range(layers):
        for qubit in range(num_qubits):
            circuit.ry(rng.uniform(-math.pi, math.pi), qubit)
            circuit.rz(rng.uniform(-math.pi, math.pi), qubit)
        for qubit in range(num_qubits - 1):
            circuit.cx(qubit, qubit + 1)
    return circuit


def qv(num_qubits: int, depth: int = 10) -> QuantumCircuit:
    """Quantum volume: random SU(4) on random pairs, each written as 3 cx and 8 u."""
    rng = np.random.default_rng(2)
    decompose = TwoQubitBasisDecomposer(CXGate(), euler_basis="U")
    circuit = QuantumCircuit(num_qubits)
    for _ in range(depth):
        order = [int(qubit) for qubit in rng.permutation(num_qubits)]
        for pair in zip(order[0::2], order[1::2]):
            unitary = random_unitary(4, seed=int(rng.integers(2**31)))
            circuit.compose(decompose(unitary.data), pair, inplace=True)
    circuit.global_phase = 0
    return circuit


def ghz(num_qubits: int) -> QuantumCircuit:
    """One h and a chain of cx."""
    circuit = QuantumCircuit(num_qubits)
    circuit.h(0)
    for qubit in range(num_qubits - 1):
        circuit.cx(qubit, qubit + 1)
    return circuit


def qaoa(num_qubits: int, layers: int = 4) -> QuantumCircuit:
    """MaxCut on a graph of a ring and random chords (degree about 3): h, then rzz and rx layers."""
    rng = np.random.default_rng(3)
    edges = {(i, (i + 1) % num_qubits) for i in range(num_qubits)}
    while len(edges) < num_qubits + num_qubits // 2:
        first, second = sorted(int(q) for q in rng.choice(num_qubits, 2, replace=False))
        edges.add((first, second))
    circuit = QuantumCircuit(num_qubits)
    circuit.h(range(num_qubits))
    for _ in range(layers):
        gamma, beta = rng.uniform(0, math.pi, 2)
        for edge in sorted(edges):
            circuit.rzz(gamma, *edge)
        circuit.rx(beta, range(num_qubits))
    return circuit


def brick(num_qubits: int, layers: int = 10) -> QuantumCircuit:
    """Random pairs, ten times; on each pair three times u on both qubits and a cx."""
    rng = np.random.default_rng(6)
    circuit = QuantumCircuit(num_qubits)
    for _ in range(layers):
        order = [int(qubit) for qubit in rng.permutation(num_qubits)]
        for pair in zip(order[0::2], order[1::2]):
            for _ in range(3):
                for qubit in pair:
                    circuit.u(*rng.uniform(-math.pi, math.pi, 3), qubit)
                circuit.cx(*pair)
    return circuit


def grid(num_qubits: int, cycles: int = 12) -> QuantumCircuit:
    """A grid: h; then sx, t or ry at random on each qubit and cz along one direction, by turns."""
    rng = np.random.default_rng(7)
    columns = next(size for size in range(math.isqrt(num_qubits), 0, -1) if num_qubits % size == 0)
    right = [(i, i + 1) for i in range(num_qubits - 1) if (i + 1) % columns]
    down = [(i, i + columns) for i in range(num_qubits - columns)]
    turns = [right[0::2], down[0::2], right[1::2], down[1::2]]
    circuit = QuantumCircuit(num_qubits)
    circuit.h(range(num_qubits))
    for cycle in range(cycles):
        for qubit in range(num_qubits):
            name = ("sx", "t", "ry")[rng.integers(3)]
            angle = [rng.uniform(-math.pi, math.pi)] if name == "ry" else []
            getattr(circuit, name)(*angle, qubit)
        for pair in turns[cycle % 4]:
            circuit.cz(*pair)
    return circuit


FAMILIES: dict[str, Callable[[int], QuantumCircuit]] = {
    "qft": qft,
    "qft_in": qft_in,
    "hea": hea,
    "qv": qv,
    "ghz": ghz,
    "qaoa": qaoa,
}

COMPILED: dict[str, Callable[[int], QuantumCircuit]] = {
    "hea": lambda num_qubits: hea(num_qubits, layers=4),
    "qft_in": qft_in,
    "brick": brick,
    "grid": grid,
}
"""Those of `bench_compiled.py`; cz, sx and t occur too."""


def flat(circuit: QuantumCircuit) -> list[tuple[str, tuple[int, ...], tuple[float, ...]]]:
    """The circuit's gates as (name, qubits, parameters)."""
    index = {qubit: position for position, qubit in enumerate(circuit.qubits)}
    return [
        (
            instruction.operation.name,
            tuple(index[qubit] for qubit in instruction.qubits),
            tuple(float(value) for value in instruction.operation.params),
        )
        for instruction in circuit.data
    ]
