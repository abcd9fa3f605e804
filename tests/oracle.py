"""An oracle in simple, slow numpy for what circuits do; random circuits and sums to test with.

Nothing here is shared with the package but the definition of a `Program`.
"""

from __future__ import annotations

import numpy as np
from qiskit import QuantumCircuit
from qiskit.circuit.library import standard_gates as sg
from qiskit.circuit.library.generalized_gates.rv import RVGate
from qiskit.quantum_info import SparsePauliOp, random_pauli_list

from basicaer._engine.program import DENSE, DIAGONAL, Gates, Kind, Program
from basicaer._qiskit.circuits.lower import lower

# Class and number of parameters of every gate of fixed width, independent of the gate table.
TABLE = {
    sg.IGate: 0, sg.XGate: 0, sg.YGate: 0, sg.ZGate: 0, sg.HGate: 0, sg.SGate: 0, sg.SdgGate: 0,
    sg.TGate: 0, sg.TdgGate: 0, sg.SXGate: 0, sg.SXdgGate: 0, sg.PhaseGate: 1, sg.RGate: 2,
    RVGate: 3, sg.RXGate: 1, sg.RYGate: 1, sg.RZGate: 1, sg.UGate: 3, sg.U1Gate: 1, sg.U2Gate: 2,
    sg.U3Gate: 3, sg.CXGate: 0, sg.CYGate: 0, sg.CZGate: 0, sg.CHGate: 0, sg.CSGate: 0,
    sg.CSdgGate: 0, sg.CSXGate: 0, sg.CPhaseGate: 1, sg.CRXGate: 1, sg.CRYGate: 1, sg.CRZGate: 1,
    sg.CUGate: 4, sg.CU1Gate: 1, sg.CU3Gate: 3, sg.CCXGate: 0, sg.CCZGate: 0, sg.C3XGate: 0,
    sg.C3SXGate: 0, sg.C4XGate: 0, sg.SwapGate: 0, sg.CSwapGate: 0, sg.iSwapGate: 0,
    sg.DCXGate: 0, sg.ECRGate: 0, sg.RXXGate: 1, sg.RYYGate: 1, sg.RZZGate: 1, sg.RZXGate: 1,
    sg.XXMinusYYGate: 2, sg.XXPlusYYGate: 2, sg.RCCXGate: 0, sg.RC3XGate: 0,
}  # fmt: skip


def apply_matrix(state: np.ndarray, matrix: np.ndarray, qubits: list[int]) -> np.ndarray:
    """Returns the state (2**n, or 2**n rows) with a 2**k matrix applied to k of its qubits."""
    num_qubits = state.shape[0].bit_length() - 1
    k = len(qubits)
    tensor = state.reshape((2,) * num_qubits + state.shape[1:])
    axes = [num_qubits - 1 - qubit for qubit in reversed(qubits)]  # most significant first
    moved = np.tensordot(matrix.reshape((2,) * 2 * k), tensor, axes=(range(k, 2 * k), axes))
    return np.moveaxis(moved, range(k), axes).reshape(state.shape)


def controlled_matrix(matrix: np.ndarray, num_controls: int, control_state: int) -> np.ndarray:
    """Returns the controlled matrix; the controls are the least significant qubits."""
    size = 1 << num_controls
    whole = np.eye(len(matrix) * size, dtype=complex)
    rows = np.arange(len(matrix)) * size + control_state
    whole[np.ix_(rows, rows)] = matrix
    return whole


def gate_matrices(gates: Gates) -> list[tuple[np.ndarray, list[int]]]:
    """Returns each gate's matrix, controls included, and its qubits."""
    found = []
    for i in range(len(gates)):
        kind = gates.kinds[gates.kind[i]]
        qubits = [int(q) for q in gates.qubits[gates.start[i] : gates.start[i + 1]]]
        size = 1 << kind.num_targets
        count = size * size if kind.form == DENSE else size
        values = gates.coefficients[gates.offset[i] : gates.offset[i] + count]
        matrix = values.reshape(size, size) if kind.form == DENSE else np.diag(values)
        assert len(qubits) == kind.num_controls + kind.num_targets
        assert len(set(qubits)) == len(qubits)
        found.append((controlled_matrix(matrix, kind.num_controls, kind.control_state), qubits))
    return found


def apply_gates(gates: Gates, state: np.ndarray) -> np.ndarray:
    """Returns the state after a gate run."""
    for matrix, qubits in gate_matrices(gates):
        state = apply_matrix(state, matrix, qubits)
    return state


def apply_program(program: Program, initial: np.ndarray | None = None) -> np.ndarray:
    """Returns the state after a unitary program, by default from |0...0>.

    A matrix as the initial state gives the program's action on each of its columns.
    """
    state = initial
    if state is None:
        state = np.zeros(1 << program.num_qubits, dtype=complex)
        state[0] = 1
    state = state * np.exp(1j * program.global_phase)
    for operation in program.body:
        assert isinstance(operation, Gates), f"{operation} is not unitary"
        state = apply_gates(operation, state)
    return state


def run_of(*gates: tuple) -> Gates:
    """Returns gates of (matrix or diagonal, qubits, number of controls, control state)."""
    kinds, start, qubits, offset, coefficients = [], [0], [], [], []
    for entries, on, controls, control_state in gates:
        entries = np.asarray(entries, dtype=complex)
        form = DENSE if entries.ndim == 2 else DIAGONAL
        targets = len(on) - controls
        pattern = -1
        if form == DENSE and targets <= 2:
            pattern = sum(1 << int(i) for i in np.flatnonzero(entries.reshape(-1)))
        real = bool(np.all(entries.imag == 0))
        kinds.append(Kind(form, targets, controls, control_state, pattern, real))
        qubits += list(on)
        start.append(len(qubits))
        offset.append(len(coefficients))
        coefficients += list(entries.reshape(-1))
    return Gates(
        tuple(kinds),
        np.arange(len(gates), dtype=np.int32),
        np.array(start, dtype=np.int32),
        np.array(qubits, dtype=np.int32),
        np.array(offset, dtype=np.int64),
        np.array(coefficients, dtype=np.complex128),
    )


def unitary(circuit: QuantumCircuit) -> np.ndarray:
    """Returns the matrix of a circuit, through its `Program`."""
    program = lower(circuit, unitary_only=True)
    return apply_program(program, np.eye(1 << program.num_qubits, dtype=complex))


def statevector(circuit: QuantumCircuit) -> np.ndarray:
    """Returns the final state of a unitary circuit, through its `Program`."""
    return apply_program(lower(circuit, unitary_only=True))


def random_unitary(num_qubits: int, seed: int) -> np.ndarray:
    """Returns a unitary matrix, Haar-distributed."""
    rng = np.random.default_rng(seed)
    size = 1 << num_qubits
    ginibre = rng.normal(size=(size, size)) + 1j * rng.normal(size=(size, size))
    q, r = np.linalg.qr(ginibre)
    return q * (np.diag(r) / abs(np.diag(r)))


def random_state(num_qubits: int, seed: int) -> np.ndarray:
    """Returns a state vector, Haar-distributed."""
    rng = np.random.default_rng(seed)
    state = rng.normal(size=1 << num_qubits) + 1j * rng.normal(size=1 << num_qubits)
    return state / np.linalg.norm(state)


def random_observable(num_qubits: int, terms: int = 15, seed: int = 0) -> SparsePauliOp:
    """Returns a sum of Pauli strings with real coefficients."""
    strings = random_pauli_list(num_qubits, terms, seed=seed, phase=False)
    return SparsePauliOp(strings, np.random.default_rng(seed).normal(size=terms))


def gate_width(gate_class: type) -> int:
    """Returns the number of qubits of a gate of the table."""
    return gate_class(*[0.1] * TABLE[gate_class]).num_qubits


WIDTHS = {gate_class: gate_width(gate_class) for gate_class in TABLE}


def random_gate(gate_class: type, rng: np.random.Generator, open_controls: bool = True):
    """Returns a gate of the table with random parameters and, if it has one, control state."""
    parameters = rng.uniform(-7, 7, TABLE[gate_class]).tolist()
    gate = gate_class(*parameters)
    if open_controls and hasattr(gate, "num_ctrl_qubits") and rng.random() < 0.5:
        state = int(rng.integers(1 << gate.num_ctrl_qubits))
        gate = gate_class(*parameters, ctrl_state=state)
    return gate


def random_circuit(
    num_qubits: int,
    num_gates: int,
    seed: int,
    *,
    gate_classes: tuple[type, ...] | None = None,
    open_controls: bool = True,
    unitaries: bool = True,
    global_phase: bool = True,
) -> QuantumCircuit:
    """Returns a unitary circuit of gates drawn from the whole table.

    Args:
        num_qubits: its width.
        num_gates: its length.
        seed: of everything drawn.
        gate_classes: which gates of `TABLE` to draw from; all by default.
        open_controls: whether controlled gates may have any control state.
        unitaries: whether one gate in ten or so is a random `unitary` of up to three qubits.
        global_phase: whether the circuit has one.
    """
    rng = np.random.default_rng(seed)
    fitting = [c for c in gate_classes or TABLE if WIDTHS[c] <= num_qubits]
    circuit = QuantumCircuit(num_qubits, name=f"random-{seed}")
    if global_phase:
        circuit.global_phase = rng.uniform(-3, 3)
    for _ in range(num_gates):
        if unitaries and rng.random() < 0.1:
            width = int(rng.integers(1, min(3, num_qubits) + 1))
            qubits = rng.permutation(num_qubits)[:width].tolist()
            circuit.unitary(random_unitary(width, int(rng.integers(1 << 30))), qubits)
            continue
        gate = random_gate(fitting[rng.integers(len(fitting))], rng, open_controls)
        circuit.append(gate, rng.permutation(num_qubits)[: gate.num_qubits].tolist())
    return circuit
