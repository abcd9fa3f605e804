"""The circuits that are measured: families of any size, made in code, the same each time.

A family is written as the gates it consists of, and can be had as Qiskit's circuit, `hea(20)`, or
as a `Listed`, `hea.listed(20)`, which needs no Qiskit (but for `qv`) and which each simulator is
given in a form of its own. Between processes circuits travel as OpenQASM 2.
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

Gate = tuple[str, tuple[int, ...], tuple[float, ...]]
"""A gate: its name in Qiskit, its qubits, its angles."""

GATES = ("h", "x", "sx", "t", "cx", "cz", "cp", "swap", "rx", "ry", "rz", "rzz", "u")
"""The names of all gates that occur."""

_HEAD = 'OPENQASM 2.0;\ninclude "qelib1.inc";\n'
_LINE = re.compile(r"(\w+)(?:\(([^)]*)\))? ([^;]+);")


class Listed(NamedTuple):
    """A circuit without measurements, as a list of gates."""

    num_qubits: int
    gates: tuple[Gate, ...]

    def qasm(self) -> str:
        """Returns it as OpenQASM 2. Angles are written with all their digits."""
        lines = [_HEAD, f"qreg q[{self.num_qubits}];\n"]
        for name, qubits, angles in self.gates:
            given = f"({','.join(repr(angle) for angle in angles)})" if angles else ""
            lines.append(f"{name}{given} {','.join(f'q[{qubit}]' for qubit in qubits)};\n")
        return "".join(lines)

    @classmethod
    def from_qasm(cls, text: str) -> Listed:
        """Reads what `qasm` writes: one register, gates in `GATES`, angles as numbers."""
        num_qubits, gates = 0, []
        for line in text.splitlines():
            if not line or line.startswith(("OPENQASM", "include")):
                continue
            found = _LINE.fullmatch(line)
            name = found and found[1]
            if name == "qreg":
                num_qubits = int(found[3][2:-1])
            elif name in GATES:
                angles = tuple(float(angle) for angle in found[2].split(",")) if found[2] else ()
                gates.append(
                    (name, tuple(int(q) for q in re.findall(r"\[(\d+)\]", found[3])), angles)
                )
            else:
                raise ValueError(f"not a line of a circuit of these benchmarks: {line!r}")
        return cls(num_qubits, tuple(gates))

    def qiskit(self) -> QuantumCircuit:
        """Returns it as Qiskit's circuit."""
        from qiskit import QuantumCircuit

        circuit = QuantumCircuit(self.num_qubits)
        for name, qubits, angles in self.gates:
            getattr(circuit, name)(*angles, *qubits)
        return circuit


def flat(circuit: QuantumCircuit) -> list[Gate]:
    """The gates of Qiskit's circuit."""
    index = {qubit: position for position, qubit in enumerate(circuit.qubits)}
    return [
        (
            instruction.operation.name,
            tuple(index[qubit] for qubit in instruction.qubits),
            tuple(float(value) for value in instruction.operation.params),
        )
        for instruction in circuit.data
    ]


def listed(circuit: QuantumCircuit) -> Listed:
    """Qiskit's circuit as a list of gates."""
    return Listed(circuit.num_qubits, tuple(flat(circuit)))


class Family:
    """A function of the number of qubits that returns Qiskit's circuit; `listed` the gates."""

    def __init__(self, gates: Callable[..., Iterator[Gate]]) -> None:
        self._gates = gates
        functools.update_wrapper(self, gates)

    def listed(self, num_qubits: int, *arguments: Any, **options: Any) -> Listed:
        return Listed(num_qubits, tuple(self._gates(num_qubits, *arguments, **options)))

    def __call__(self, num_qubits: int, *arguments: Any, **options: Any) -> QuantumCircuit:
        return self.listed(num_qubits, *arguments, **options).qiskit()


@Family
def qft(num_qubits: int) -> Iterator[Gate]:
    """Fourier transform: controlled phases between all pairs, swaps at the end."""
    for target in reversed(range(num_qubits)):
        yield "h", (target,), ()
        for control in reversed(range(target)):
            yield "cp", (control, target), (math.pi / 2 ** (target - control),)
    for low in range(num_qubits // 2):
        yield "swap", (low, num_qubits - 1 - low), ()


@Family
def qft_in(num_qubits: int) -> Iterator[Gate]:
    """The same of a state in which no qubit is |0>.

    From |0...0> every controlled phase of a Fourier transform finds its control in |0>, so that a
    simulator that knows this has nothing but h and swap left to do. Here it has not.
    """
    rng = np.random.default_rng(5)
    for qubit in range(num_qubits):
        yield "ry", (qubit,), (rng.uniform(0.5, 2.5),)
        yield "rz", (qubit,), (rng.uniform(-math.pi, math.pi),)
    yield from qft.listed(num_qubits).gates


@Family
def hea(num_qubits: int, layers: int = 5) -> Iterator[Gate]:
    """Hardware-efficient ansatz: ry and rz on each qubit, then a chain of cx, five times."""
    rng = np.random.default_rng(1)
    for _ in range(layers):
        for qubit in range(num_qubits):
            yield "ry", (qubit,), (rng.uniform(-math.pi, math.pi),)
            yield "rz", (qubit,), (rng.uniform(-math.pi, math.pi),)
        for qubit in range(num_qubits - 1):
            yield "cx", (qubit, qubit + 1), ()


@Family
def qv(num_qubits: int, depth: int = 10) -> Iterator[Gate]:
    """Quantum volume: random SU(4) on random pairs, each written as 3 cx and 8 u."""
    from qiskit.circuit.library import CXGate
    from qiskit.quantum_info import random_unitary

    try:
        from qiskit.synthesis import TwoQubitBasisDecomposer
    except ImportError:  # before terra 0.46
        from qiskit.quantum_info import TwoQubitBasisDecomposer

    rng = np.random.default_rng(2)
    decompose = TwoQubitBasisDecomposer(CXGate(), euler_basis="U")
    for _ in range(depth):
        order = [int(qubit) for qubit in rng.permutation(num_qubits)]
        for pair in zip(order[0::2], order[1::2]):
            unitary = random_unitary(4, seed=int(rng.integers(2**31)))
            for name, places, angles in flat(decompose(unitary.data)):
                yield name, tuple(pair[place] for place in places), angles


@Family
def ghz(num_qubits: int) -> Iterator[Gate]:
    """One h and a chain of cx."""
    yield "h", (0,), ()
    for qubit in range(num_qubits - 1):
        yield "cx", (qubit, qubit + 1), ()


@Family
def qaoa(num_qubits: int, layers: int = 4) -> Iterator[Gate]:
    """MaxCut on a graph of a ring and random chords (degree about 3): h, then rzz and rx layers."""
    rng = np.random.default_rng(3)
    edges = {(i, (i + 1) % num_qubits) for i in range(num_qubits)}
    while len(edges) < num_qubits + num_qubits // 2:
        first, second = sorted(int(q) for q in rng.choice(num_qubits, 2, replace=False))
        edges.add((first, second))
    for qubit in range(num_qubits):
        yield "h", (qubit,), ()
    for _ in range(layers):
        gamma, beta = (float(angle) for angle in rng.uniform(0, math.pi, 2))
        for edge in sorted(edges):
            yield "rzz", edge, (gamma,)
        for qubit in range(num_qubits):
            yield "rx", (qubit,), (beta,)


@Family
def trotter(num_qubits: int, steps: int = 4) -> Iterator[Gate]:
    """Heisenberg chain, first order, from a state |0101...>.

    For each neighbours' XX, YY and ZZ in turn, bonds between (0, 1), (2, 3), ... first: their
    qubits' bases changed by h and rz, and cx, rz, cx.
    """
    angle = 2 * 0.1  # coupling 1, 0.1 of time a step

    def changed(pair: tuple[int, int], basis: str, back: bool) -> Iterator[Gate]:
        for qubit in pair:
            if basis == "y" and not back:
                yield "rz", (qubit,), (-math.pi / 2,)
            if basis != "z":
                yield "h", (qubit,), ()
            if basis == "y" and back:
                yield "rz", (qubit,), (math.pi / 2,)

    for qubit in range(0, num_qubits, 2):
        yield "x", (qubit,), ()
    bonds = [(i, i + 1) for first in (0, 1) for i in range(first, num_qubits - 1, 2)]
    for _ in range(steps):
        for pair in bonds:
            for basis in "xyz":
                yield from changed(pair, basis, False)
                yield "cx", pair, ()
                yield "rz", pair[1:], (angle,)
                yield "cx", pair, ()
                yield from changed(pair, basis, True)


@Family
def brick(num_qubits: int, layers: int = 10) -> Iterator[Gate]:
    """Random pairs, ten times; on each pair three times u on both qubits and a cx."""
    rng = np.random.default_rng(6)
    for _ in range(layers):
        order = [int(qubit) for qubit in rng.permutation(num_qubits)]
        for pair in zip(order[0::2], order[1::2]):
            for _ in range(3):
                for qubit in pair:
                    yield "u", (qubit,), tuple(rng.uniform(-math.pi, math.pi, 3).tolist())
                yield "cx", pair, ()


@Family
def grid(num_qubits: int, cycles: int = 12) -> Iterator[Gate]:
    """A grid: h; then sx, t or ry at random on each qubit and cz along one direction, by turns."""
    rng = np.random.default_rng(7)
    columns = next(size for size in range(math.isqrt(num_qubits), 0, -1) if num_qubits % size == 0)
    right = [(i, i + 1) for i in range(num_qubits - 1) if (i + 1) % columns]
    down = [(i, i + columns) for i in range(num_qubits - columns)]
    turns = [right[0::2], down[0::2], right[1::2], down[1::2]]
    for qubit in range(num_qubits):
        yield "h", (qubit,), ()
    for cycle in range(cycles):
        for qubit in range(num_qubits):
            name = ("sx", "t", "ry")[rng.integers(3)]
            yield name, (qubit,), (rng.uniform(-math.pi, math.pi),) if name == "ry" else ()
        for pair in turns[cycle % 4]:
            yield "cz", pair, ()


FAMILIES: dict[str, Family] = {
    each.__name__: each for each in (qft, qft_in, hea, qv, ghz, qaoa, trotter, grid, brick)
}

COMPILED: dict[str, Callable[[int], QuantumCircuit]] = {
    "hea": lambda num_qubits: hea(num_qubits, layers=4),
    "qft_in": qft_in,
    "brick": brick,
    "grid": grid,
}
"""Those of `bench_compiled.py`."""


def random_circuits(count: int, num_qubits: int = 5, gates: int = 30) -> list[Listed]:
    """Many small circuits: u, rz and cx at random."""
    rng = np.random.default_rng(6)
    made = []
    for _ in range(count):
        rows: list[Gate] = []
        for _ in range(gates):
            kind = rng.integers(3)
            if kind == 2:
                pair = rng.choice(num_qubits, 2, replace=False)
                rows.append(("cx", tuple(int(qubit) for qubit in pair), ()))
                continue
            angles = rng.uniform(-3, 3, 3 if kind == 0 else 1).tolist()
            qubit = int(rng.integers(num_qubits))
            rows.append(("u" if kind == 0 else "rz", (qubit,), tuple(angles)))
        made.append(Listed(num_qubits, tuple(rows)))
    return made
