"""Clifford circuits of up to thousands of qubits: option `use_clifford_optimization`.

Qiskit's `StabilizerState` says what the circuit does and what is drawn. Its own `sample_memory`
measures qubit after qubit of each shot in Python, which takes seconds per shot for 100 qubits. The
outcomes are found at once here, and are the same: measured in order, a qubit is either determined
by the qubits before it, or its outcome is the bit that was drawn for it.

    stabilizers without X part  ->  parities of qubits that are certain, in echelon form:
    each determines its highest qubit from lower ones
"""

from __future__ import annotations

import time
from typing import Any, Dict, List, NamedTuple, Tuple

import numpy as np
from qiskit.circuit import QuantumCircuit
from qiskit.exceptions import QiskitError
from qiskit.quantum_info import Clifford, StabilizerState

from basicaer._engine.control import Control
from basicaer._engine.errors import EngineError
from basicaer._engine.memory import Allowance
from basicaer._engine.program import Program
from basicaer._engine.shots.draws import num_words
from basicaer._engine.task import Outcome, Task

_AT_ONCE = 1 << 12
"""Shots that are computed between two checks for cancellation."""
_ROW_GATES = 16
"""Amplitude-gates that take as long as to multiply two stabilizers by eight qubits, about."""


def clifford_of(circuit: QuantumCircuit, most: int) -> Clifford | None:
    """Returns what a circuit does before it is measured; None if it is no Clifford circuit.

    Args:
        circuit: the circuit.
        most: the most qubits that a Clifford circuit may have.

    Raises:
        EngineError: it has more, whatever it is: no other way could run it then.
    """
    if circuit.num_qubits > most:
        raise EngineError(
            f'Number of qubits {circuit.num_qubits} of circuit "{circuit.name}" is greater than '
            f"maximum ({most}) with use_clifford_optimization."
        )
    gates = _without_final_measurements(circuit)
    if gates is None:
        return None
    try:
        return Clifford(gates)
    except QiskitError:
        return None


def _without_final_measurements(circuit: QuantumCircuit) -> QuantumCircuit | None:
    """Returns a circuit without its measurements; None if something depends on one of them.

    As `remove_final_measurements` sees it, whose time grows with the square of the width: after a
    measurement come only measurements and barriers, on its qubit and on those that they touch.
    """
    kept: List[Any] = []
    followed = set()  # bits on which other operations follow
    for instruction in reversed(circuit.data):
        bits = {*instruction.qubits, *instruction.clbits}
        name = instruction.operation.name
        if name not in ("measure", "barrier"):
            kept.append(instruction)
            followed |= bits
        elif not bits.isdisjoint(followed):
            if name == "measure":
                return None
            followed |= bits
    gates = circuit.copy_empty_like()
    gates.data = kept[::-1]
    return gates


def task_of(circuit: QuantumCircuit, clifford: Clifford, shots: int) -> Task:
    """Returns the task of a Clifford circuit; its `stand_in` has no seed yet."""
    width, num_clbits = circuit.num_qubits, circuit.num_clbits
    measured: Dict[int, int] = {}
    for instruction in circuit.data:
        if instruction.operation.name == "measure":
            clbit = circuit.find_bit(instruction.clbits[0]).index
            measured[clbit] = circuit.find_bit(instruction.qubits[0]).index
    words = num_words(num_clbits)
    # Tableaus, Qiskit's and ours, and the outcomes: drawn, and as words.
    need = 12 * width * (2 * width + 1) + shots * (8 * words + width)
    need += 8 * min(shots, _AT_ONCE) * (words + width)
    return Task(
        Program(width, num_clbits, (), name=circuit.name),
        shots=shots,
        allowance=Allowance(need, need),
        stand_in=Stabilizers(clifford, tuple(measured.items()), None),
    )


class Stabilizers(NamedTuple):
    """Computes the task of a Clifford circuit.

    Attributes:
        clifford: what the circuit does before it is measured.
        measured: the clbit and the qubit of each measurement, a clbit once.
        seed: of the draws; None for a new one each time.
    """

    clifford: Clifford
    measured: Tuple[Tuple[int, int], ...]
    seed: Any

    def seeded(self, seed: Any) -> Stabilizers:
        """Returns the same with a seed."""
        return self._replace(seed=seed)

    @property
    def work(self) -> int:
        """An estimate of the work, in amplitude-gates."""
        width = self.clifford.num_qubits
        return 1 + _ROW_GATES * width * width * (1 + width // 8)

    def __call__(self, task: Task, control: Control) -> Outcome:
        """Returns the outcomes of all shots; none, as in Qiskit, if nothing is measured."""
        control.add_total(self.work)
        control.check()
        begun = time.perf_counter()
        words = num_words(task.program.num_clbits)
        shots = task.shots if self.measured else 0
        memory = np.zeros((shots, 8 * words), dtype=np.uint8)
        if shots:
            bits = self._bits(shots, control)
            parities = certain_parities(self.clifford, control)
            solved = time.perf_counter()
            for first in range(0, shots, _AT_ONCE):
                control.check()
                part = memory[first : first + _AT_ONCE]
                drawn = bits[first : first + _AT_ONCE] if len(bits) > 1 else bits
                part[:] = self._words(determined(drawn, parities), 64 * words)
        else:
            solved = begun
        metadata = {
            "method": "stabilizer",
            "states_simulated": 1,
            "peak_memory": task.allowance.need if task.allowance is not None else 0,
            "time": {"apply": solved - begun, "sample": time.perf_counter() - solved},
        }
        return Outcome(memory.view("<u8").astype(np.uint64, copy=False), None, metadata)

    def _bits(self, shots: int, control: Control) -> np.ndarray:
        """Draws what Qiskit draws: a bit for each qubit of each shot.

        Returns:
            shape (shots, qubits); (1, qubits) if all shots draw the same: each is measured on a
            copy of the state, and Qiskit copies a generator that was seeded with it.
        """
        width = self.clifford.num_qubits
        # The copies of a small state draw as those of a large one, which take long to make.
        state = StabilizerState(Clifford(QuantumCircuit(1)), validate=False)
        if self.seed is not None:
            state.seed(self.seed)
            before = state.copy()._rng.bit_generator.state
            bits = state.copy()._rng.integers(2, size=width)
            if state.copy()._rng.bit_generator.state == before:
                return bits.astype(np.uint8).reshape(1, width)
            state.seed(self.seed)
        bits = np.empty((shots, width), dtype=np.uint8)
        for shot in range(shots):
            if not shot % 64:
                control.check()
            bits[shot] = state.copy()._rng.integers(2, size=width)
        return bits

    def _words(self, outcomes: np.ndarray, width: int) -> np.ndarray:
        """Returns classical memory, uint8 of shape (shots, width / 8), of qubits' outcomes."""
        clbits = np.zeros((len(outcomes), width), dtype=np.uint8)
        clbits[:, [clbit for clbit, _ in self.measured]] = outcomes[
            :, [qubit for _, qubit in self.measured]
        ]
        return np.packbits(clbits, axis=1, bitorder="little")


Parity = Tuple[int, np.ndarray, int]
"""A qubit, lower qubits, and whether the sum of the outcomes of all of them is odd."""


def certain_parities(clifford: Clifford, control: Control) -> List[Parity]:
    """Returns the sums of outcomes that are certain, by their highest qubit, ascending.

    Args:
        clifford: makes the state of |0...0>.
        control: of the job.
    """
    width = clifford.num_qubits
    rows = _Rows(clifford)
    pivot = 0
    for qubit in range(width):  # afterwards the rows from `pivot` on have no X part
        control.check()
        pivot += rows.eliminate(rows.x, qubit, pivot)
    parities: List[Parity] = []
    for qubit in reversed(range(width)):
        control.check()
        if rows.eliminate(rows.z, qubit, pivot):
            lower = np.unpackbits(rows.z[pivot], bitorder="little")[:width]
            lower[qubit] = 0
            parities.append((qubit, np.flatnonzero(lower), int(rows.phase[pivot]) >> 1))
            pivot += 1
    control.add_done(Stabilizers(clifford, (), None).work)
    return parities[::-1]


def determined(drawn: np.ndarray, parities: List[Parity]) -> np.ndarray:
    """Returns the outcomes of all qubits, shape (shots, qubits), of the bits drawn for them."""
    outcomes = drawn.copy()
    for qubit, lower, odd in parities:
        outcomes[:, qubit] = np.bitwise_xor.reduce(outcomes[:, lower], axis=1) ^ odd
    return outcomes


class _Rows:
    """The stabilizers of a state, while they are multiplied with one another.

    A row is ``i**phase`` times, for each qubit, ``X**x Z**z``.

    Attributes:
        x, z: uint8, shape (qubits, bytes), a bit for each qubit, the first the lowest.
        phase: int64, shape (qubits,), modulo 4.
    """

    def __init__(self, clifford: Clifford) -> None:
        x, z = np.asarray(clifford.stab_x), np.asarray(clifford.stab_z)
        self.x = np.packbits(x, axis=1, bitorder="little")
        self.z = np.packbits(z, axis=1, bitorder="little")
        # Y is i X Z.
        self.phase = (2 * np.asarray(clifford.stab_phase, dtype=np.int64) + (x & z).sum(axis=1)) % 4

    def eliminate(self, half: np.ndarray, qubit: int, pivot: int) -> bool:
        """Brings a row with a bit of `half` to place `pivot`; no row after it has the bit then.

        Returns:
            Whether there was one, from `pivot` on.
        """
        byte, bit = qubit >> 3, 1 << (qubit & 7)
        places = pivot + np.flatnonzero(half[pivot:, byte] & bit)
        if not len(places):
            return False
        first, others = places[0], places[1:]
        for rows in (self.x, self.z, self.phase):
            rows[[pivot, first]] = rows[[first, pivot]]
        if len(others):
            # Each X of the pivot that passes a Z is a sign.
            passed = _PARITY[np.bitwise_xor.reduce(self.z[others] & self.x[pivot], axis=1)]
            self.phase[others] = (self.phase[others] + self.phase[pivot] + 2 * passed) % 4
            self.x[others] ^= self.x[pivot]
            self.z[others] ^= self.z[pivot]
        return True


_PARITY = np.array([bin(byte).count("1") & 1 for byte in range(256)])
"""Whether a byte has an odd number of ones."""
