"""`execute` against BasicAer itself, seed for seed, and on programs built by hand."""

from __future__ import annotations

import threading
import time
import warnings

import numpy as np
import pytest
from numpy_state import NumpyState
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.providers import basicaer as terra
from random_programs import gates

from basicaer._execution import Task, execute
from basicaer._lowering import lower
from basicaer._pool import Cancelled, Control
from basicaer._program import BitsEqual, IfElse, Measure, Prepare, Program, Reset, While
from basicaer._state import State
from basicaer.exceptions import BasicAerError

STATES = pytest.mark.parametrize("state_class", [State, NumpyState], ids=["State", "numpy"])


def run(program, state_class=State, control=None, **options):
    return execute(Task(program, **options), control or Control(), state_class)


def reference(circuit, output="qasm", **options):
    """Returns what BasicAer gives for a circuit of its own basis gates."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        backend = terra.QasmSimulatorPy()
        if output == "statevector":
            backend = terra.StatevectorSimulatorPy()
        elif output == "unitary":
            backend = terra.UnitarySimulatorPy()
        return backend.run(circuit, **options).result()


def words(memory, num_clbits):
    """Returns memory as terra formats it, register spaces left out, in words."""
    rows = []
    for text in memory:
        value = int(text.replace(" ", ""), 2)
        rows.append([(value >> shift) & (2**64 - 1) for shift in range(0, num_clbits, 64)])
    return np.array(rows, dtype=np.uint64)


def assert_as_terra(circuit, state_class=State, **options):
    options.setdefault("shots", 100)
    options.setdefault("seed", 11)
    theirs = reference(
        circuit, shots=options["shots"], seed_simulator=options["seed"], memory=True
    ).get_memory()
    outcome = run(lower(circuit), state_class, **options)
    np.testing.assert_array_equal(outcome.memory, words(theirs, circuit.num_clbits))
    return outcome


def random_circuit(seed, dynamic=True):
    """Returns a circuit of BasicAer's gates; the draws per shot vary in some."""
    random = np.random.default_rng(seed)
    num_qubits = int(random.integers(1, 5))
    first = ClassicalRegister(int(random.integers(1, 4)), "a")
    second = ClassicalRegister(int(random.integers(1, 3)), "b")
    circuit = QuantumCircuit(QuantumRegister(num_qubits, "q"), first, second)
    circuit.global_phase = float(random.random())

    def qubits(count):
        return random.permutation(num_qubits)[:count].tolist()

    def gate():
        name = str(random.choice(["u1", "u2", "u3", "rz", "sx", "x", "cx", "id", "unitary"]))
        if name == "cx" and num_qubits > 1:
            return circuit.cx(*qubits(2))
        if name == "unitary":
            matrix, _ = np.linalg.qr(random.normal(size=(2, 2)) + 1j * random.normal(size=(2, 2)))
            return circuit.unitary(matrix, qubits(1))
        if name in ("u1", "u2", "u3", "rz"):
            from qiskit.circuit.library import RZGate, U1Gate, U2Gate, U3Gate

            made = {"u1": (U1Gate, 1), "u2": (U2Gate, 2), "u3": (U3Gate, 3), "rz": (RZGate, 1)}
            cls, count = made[name]
            return circuit.append(cls(*random.normal(size=count)), qubits(1))
        return getattr(circuit, "x" if name == "cx" else name)(*qubits(1))

    for _ in range(int(random.integers(3, 16))):
        roll = random.random()
        if not dynamic or roll < 0.5:
            made = gate()
        elif roll < 0.8:
            made = circuit.measure(qubits(1)[0], int(random.integers(circuit.num_clbits)))
        elif roll < 0.9:
            made = circuit.reset(qubits(1)[0])
        else:
            circuit.barrier()
            continue
        if dynamic and random.random() < 0.3:
            if random.random() < 0.5:
                register = first if random.random() < 0.5 else second
                made.c_if(register, int(random.integers(2 ** len(register))))
            else:
                made.c_if(int(random.integers(circuit.num_clbits)), int(random.integers(2)))
    if random.random() < 0.7:
        for qubit in qubits(num_qubits):
            circuit.measure(qubit, int(random.integers(circuit.num_clbits)))
    return circuit


class TestAsTerra:
    @pytest.mark.parametrize("seed", range(120))
    def test_dynamic(self, seed):
        assert_as_terra(random_circuit(seed), seed=seed, shots=40)

    @pytest.mark.parametrize("seed", range(60))
    def test_sampled(self, seed):
        outcome = assert_as_terra(random_circuit(seed, dynamic=False), seed=seed)
        assert outcome.metadata["method"] == "sampled"

    @pytest.mark.parametrize("seed", range(30))
    def test_one_shot(self, seed):
        outcome = assert_as_terra(random_circuit(seed, dynamic=seed % 2 == 0), seed=seed, shots=1)
        assert outcome.metadata["method"] == "branching"

    @pytest.mark.parametrize("seed", range(20))
    def test_numpy_state(self, seed):
        assert_as_terra(random_circuit(seed), NumpyState, seed=seed, shots=20)

    @pytest.mark.parametrize("seed", range(40))
    def test_statevector(self, seed):
        circuit = random_circuit(seed)
        theirs = reference(circuit, "statevector", seed_simulator=seed, memory=True)
        outcome = run(lower(circuit), output="statevector", seed=seed)
        np.testing.assert_allclose(outcome.array, theirs.get_statevector().data, atol=1e-12)
        np.testing.assert_array_equal(
            outcome.memory, words(theirs.get_memory(), circuit.num_clbits)
        )

    @STATES
    @pytest.mark.parametrize("seed", range(10))
    def test_unitary(self, seed, state_class):
        circuit = random_circuit(seed, dynamic=False)
        circuit.remove_final_measurements()
        size = 2**circuit.num_qubits
        random = np.random.default_rng(seed)
        initial = None
        if seed % 2:
            initial, _ = np.linalg.qr(random.normal(size=(size, size)) + 0.5j)
        theirs = reference(circuit, "unitary", initial_unitary=initial).get_unitary().data
        outcome = run(lower(circuit), state_class, output="unitary", initial=initial)
        np.testing.assert_allclose(outcome.array, theirs, atol=1e-12)
        assert outcome.array.flags.c_contiguous
        assert len(outcome.memory) == 0
