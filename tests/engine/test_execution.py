"""`execute` against BasicAer itself, seed for seed, and on programs built by hand."""

from __future__ import annotations

import threading
import time
import warnings

import numpy as np
import pytest
from numpy_state import NumpyState
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from random_programs import gates
from versions import CONDITIONS, needs_terra, skip_here

from basicaer._engine.control import Cancelled, Control
from basicaer._engine.errors import EngineError
from basicaer._engine.execute import Task, execute
from basicaer._engine.program import BitsEqual, IfElse, Measure, Prepare, Program, Reset
from basicaer._engine.state.state import State
from basicaer._qiskit.circuits.lower import lower
from basicaer._qiskit.versions import reference as terra

STATES = pytest.mark.parametrize("state_class", [State, NumpyState], ids=["State", "numpy"])


def run(program, state_class=State, control=None, **options):
    return execute(Task(program, **options), control or Control(), state_class)


def reference(circuit, output="qasm", **options):
    """Returns what BasicAer gives for a circuit of its own basis gates."""
    skip_here(needs_terra)
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
        if dynamic and CONDITIONS and random.random() < 0.3:
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


def make(body, num_qubits=2, num_clbits=2, **options):
    options.setdefault("samples", False)
    return Program(num_qubits, num_clbits, tuple(body), name="made", **options)


BELL = make([gates(["h", 0], ["cx", 0, 1]), Measure(0, 0), Measure(1, 1)], samples=True)


class TestMemory:
    def test_last_write_wins(self):
        for samples in (True, False):
            body = [gates(["x", 1]), Measure(1, 0), Measure(0, 0), Measure(1, 1)]
            assert set(run(make(body, samples=samples)).memory[:, 0].tolist()) == {2}

    def test_no_clbits_no_memory(self):
        for samples in (True, False):
            body = [gates(["h", 0]), Reset(0)] if not samples else [gates(["h", 0])]
            outcome = run(make(body, num_clbits=0, samples=samples), shots=10)
            assert outcome.memory.shape == (0, 0)

    def test_clbits_without_measurements_are_zero(self):
        assert run(make([gates(["h", 0])], samples=True), shots=9).memory.tolist() == [[0]] * 9

    @pytest.mark.parametrize("samples", [True, False])
    def test_wide(self, samples):
        body = [gates(["h", 0], ["x", 1]), Measure(0, 0), Measure(0, 127), Measure(1, 64)]
        memory = run(make(body, num_clbits=130, samples=samples), shots=50).memory
        assert memory.shape == (50, 3)
        assert set(map(tuple, memory.tolist())) == {(0, 1, 0), (1, 1 | 1 << 63, 0)}

    @needs_terra
    def test_a_condition_on_more_than_64_clbits(self):
        register = ClassicalRegister(70, "c")
        circuit = QuantumCircuit(QuantumRegister(2, "q"), register)
        circuit.x(0)
        circuit.measure(0, 69)
        circuit.x(1).c_if(register, 1 << 69)
        circuit.measure(1, 0)
        memory = assert_as_terra(circuit, shots=5).memory
        assert memory.tolist() == [[1, 32]] * 5

    def test_a_million_shots(self):
        memory = run(make(BELL.body), shots=1_000_000, seed=4).memory
        np.testing.assert_array_equal(np.unique(memory), [0, 3])
        assert abs(np.mean(memory == 3) - 0.5) < 0.01


class TestInitial:
    def test_statevector(self):
        initial = np.array([0, 0.6, 0.8j, 0])
        program = make([gates(["x", 0])], global_phase=np.pi / 2)
        kept = initial.copy()
        outcome = run(program, output="statevector", initial=initial)
        np.testing.assert_allclose(outcome.array, [0.6j, 0, 0, -0.8], atol=1e-15)
        np.testing.assert_array_equal(initial, kept)

    def test_qubits_of_an_initial_state_are_not_known(self):
        program = make([Reset(0), Measure(0, 0), Measure(1, 1)])
        outcome = run(program, initial=np.array([0, 0.6, 0.8, 0]), shots=200)
        assert set(outcome.memory[:, 0].tolist()) == {0, 2}

    def test_prepare(self):
        body = [gates(["x", 0]), Reset(1), Reset(0), Prepare((1, 0), np.array([0, 0.6, 0.8, 0]))]
        outcome = run(make(body), output="statevector")
        np.testing.assert_allclose(outcome.array, [0, 0.8, 0.6, 0], atol=1e-15)

    @pytest.mark.parametrize("output", ["statevector", "unitary"])
    def test_single_precision(self, output):
        double = run(make(BELL.body[:1]), output=output).array
        single = run(make(BELL.body[:1]), output=output, precision="single").array
        assert (double.dtype, single.dtype) == (np.complex128, np.complex64)
        np.testing.assert_allclose(single, double, atol=1e-6)


class TestErrors:
    def test_unknown_output(self):
        with pytest.raises(ValueError, match="'density'"):
            run(BELL, output="density")

    @pytest.mark.parametrize("operation", [Measure(0, 0), Reset(0), IfElse(BitsEqual((0,), 0), ())])
    def test_no_unitary(self, operation):
        with pytest.raises(EngineError, match='"made" has no unitary'):
            run(make([operation]), output="unitary")

    def test_not_to_be_sampled(self):
        with pytest.raises(ValueError, match="cannot be sampled"):
            run(make([gates(["h", 0]), Measure(0, 0), gates(["h", 0])], samples=True))

    @pytest.mark.parametrize("options", [{}, {"branching": False}, {"output": "statevector"}])
    def test_cancelled(self, options):
        control = Control()
        control.cancel()
        with pytest.raises(Cancelled):
            run(make(BELL.body), control=control, **options)


class TestWhichWay:
    @pytest.mark.parametrize(
        "options, method",
        [
            ({}, "sampled"),
            ({"shots": 1}, "branching"),
            ({"allow_sampling": False}, "branching"),
            ({"branching": False}, "sampled"),
            ({"branching": False, "allow_sampling": False}, "shot_by_shot"),
            ({"output": "statevector"}, "statevector"),
        ],
    )
    def test_method(self, options, method):
        metadata = run(BELL, **options).metadata
        assert metadata["method"] == method
        assert metadata["states_simulated"] >= 1
        assert metadata["time"]["total"] > 0

    @pytest.mark.parametrize("options", [{}, {"allow_sampling": False}, {"output": "statevector"}])
    def test_progress_ends_at_one(self, options):
        control = Control()
        run(BELL, control=control, **options)
        assert control.progress() > 0.99  # the rest is the job's end

    def test_the_same_with_any_number_of_threads(self):
        circuit = random_circuit(5)
        one = run(lower(circuit), shots=300, threads=1)
        np.testing.assert_array_equal(one.memory, run(lower(circuit), shots=300, threads=4).memory)


def test_cancel_while_branches_run_on_threads():
    body = []
    for _ in range(200):
        body += [gates(*(["h", qubit] for qubit in range(16))), Measure(0, 0)]
    control = Control()
    timer = threading.Timer(0.2, control.cancel)
    timer.start()
    begun = time.monotonic()
    with pytest.raises(Cancelled):
        run(make(body, num_qubits=16), control=control, shots=5000, threads=4)
    timer.join()
    assert time.monotonic() - begun < 30
