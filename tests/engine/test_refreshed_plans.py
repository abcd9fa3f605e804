"""Plans made from those of other coefficients: bit for bit what planning anew makes."""

from __future__ import annotations

import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import oracle
import pytest
from planning import plan_of
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector
from qiskit.circuit.library import Diagonal, MCPhaseGate
from qiskit.circuit.library import standard_gates as sg
from qiskit.quantum_info import SparsePauliOp

import basicaer
import basicaer._engine.state.state as state_module
from basicaer._engine.costs import SPLIT_TIME
from basicaer._engine.plan import compiled_plan
from basicaer._engine.program import Gates, Plans
from basicaer._engine.state import dispatch
from basicaer._engine.state.state import State
from basicaer._qiskit.circuits.sweep import Sweep

BUILDS = dispatch.available()
SPECIAL = np.array([0, np.pi, 2 * np.pi, np.pi / 2, -np.pi, 4 * np.pi, 0.7])

FREE = [
    (sg.RXGate, 1, 1),
    (sg.RYGate, 1, 1),
    (sg.RZGate, 1, 1),
    (sg.PhaseGate, 1, 1),
    (sg.UGate, 3, 1),
    (sg.CPhaseGate, 1, 2),
    (sg.CRXGate, 1, 2),
    (sg.CRYGate, 1, 2),
    (sg.CRZGate, 1, 2),
    (sg.RZZGate, 1, 2),
    (sg.RXXGate, 1, 2),
    (sg.RYYGate, 1, 2),
    (sg.RZXGate, 1, 2),
    (sg.CUGate, 4, 2),
    (lambda angle: MCPhaseGate(angle, 2), 1, 3),
    (lambda angle: sg.RYGate(angle).control(2, ctrl_state=1), 1, 3),
]
FIXED = [
    (sg.HGate, 1),
    (sg.TGate, 1),
    (sg.XGate, 1),
    (sg.CXGate, 2),
    (sg.CZGate, 2),
    (sg.SwapGate, 2),
    (sg.iSwapGate, 2),
    (sg.CCXGate, 3),
    (sg.CSwapGate, 3),
]


def random_unitary(rng, size):
    found, _ = np.linalg.qr(rng.normal(size=(size, size)) + 1j * rng.normal(size=(size, size)))
    return found


def random_circuit(num_qubits, length, seed):
    """A circuit of most kinds of gate; its parameters' number varies."""
    rng = np.random.default_rng(seed)
    circuit = QuantumCircuit(num_qubits, global_phase=0.3)
    angles = iter(ParameterVector("x", 4 * length))

    def some(count):
        return rng.permutation(num_qubits)[:count].tolist()

    for _ in range(length):
        draw = rng.random()
        if draw < 0.6:
            gate, num_angles, width = FREE[rng.integers(len(FREE))]
            circuit.append(gate(*[next(angles) for _ in range(num_angles)]), some(width))
        elif draw < 0.9:
            gate, width = FIXED[rng.integers(len(FIXED))]
            circuit.append(gate(), some(width))
        elif draw < 0.93:
            circuit.append(Diagonal(np.exp(1j * rng.uniform(0, 6, 8)).tolist()), some(3))
        else:
            width = min(int(rng.choice([2, 2, 2, 3, 4, 6])), num_qubits)
            circuit.unitary(random_unitary(rng, 2**width), some(width))
    return circuit


def brickwork(num_qubits, layers):
    """Dense two-qubit matrices, which are split in a large state, with angles between them."""
    rng = np.random.default_rng(7)
    circuit = QuantumCircuit(num_qubits)
    angles = iter(ParameterVector("x", num_qubits * layers))
    for layer in range(layers):
        for qubit in range(layer % 2, num_qubits - 1, 2):
            circuit.unitary(random_unitary(rng, 4), [qubit, qubit + 1])
            circuit.rx(next(angles), qubit)
    return circuit


def ansatz(num_qubits):
    """Layers of ry and rz on all qubits, and of cx between neighbours."""
    circuit = QuantumCircuit(num_qubits)
    angles = iter(ParameterVector("x", 6 * num_qubits))
    for layer in range(3):
        for qubit in range(num_qubits):
            circuit.ry(next(angles), qubit)
            circuit.rz(next(angles), qubit)
        if layer < 2:
            for qubit in range(num_qubits - 1):
                circuit.cx(qubit, qubit + 1)
    return circuit


def rows_of(circuit, values):
    """The only gate run of a circuit for each row of values, all of one structure."""
    sweep = Sweep(circuit, list(circuit.parameters))
    programs = sweep.programs(values)
    assert all(len(program.body) == 1 for program in programs)
    return [program.body[0] for program in programs]


def alone(gates):
    """The same gate run, which shares no plans."""
    return Gates(
        gates.kinds, gates.kind, gates.start, gates.qubits, gates.offset, gates.coefficients
    )


def values_for(circuit, seed):
    """Generic values, then ones that make gates identities, flips or phases, in turns."""
    rng = np.random.default_rng(seed)
    shape = (3, len(circuit.parameters))
    special = rng.choice(SPECIAL, shape)
    special[1] = 0
    return np.stack([rng.uniform(-3, 3, shape), special], axis=1).reshape(6, -1)


def plan(gates, num_qubits, lane_bits, *, fresh=True, **options):
    return plan_of(gates, num_qubits, lane_bits, 4, fresh=fresh, **options)


def bits(array):
    return array.dtype, array.shape, array.tobytes()


def assert_refreshed(runs, num_qubits, lane_bits, **options):
    """Each plan made from each other one is the new one, or None; returns how many are None."""
    single = options.get("single", False)
    plans = [plan(gates, num_qubits, lane_bits, **options) for gates in runs]
    refused = 0
    for known in plans:
        for gates, new in zip(runs, plans):
            found = known.recipe.refresh(gates.coefficients, single)
            if found is None:
                refused += 1
                continue
            coefficients, scalar = found
            assert bits(coefficients) == bits(new.coefficients)
            assert scalar == new.scalar
            for name in ("passes", "ops", "lists"):
                assert np.array_equal(getattr(known, name), getattr(new, name))
            for name in ("scratch_reals", "max_blocks", "live", "work", "fused_gates", "ends"):
                assert getattr(known, name) == getattr(new, name)
    return refused


@pytest.mark.parametrize("num_qubits", [4, 7, 10, 13])
@pytest.mark.parametrize("lane_bits", range(5))
def test_plans_of_random_circuits(num_qubits, lane_bits):
    refused = 0
    for seed in range(5):
        circuit = random_circuit(num_qubits, 60, seed)
        runs = rows_of(circuit, values_for(circuit, seed))
        for options in ({}, {"fresh": False}, {"single": True}, {"split_time": 0, "fresh": False}):
            refused += assert_refreshed(runs, num_qubits, lane_bits, **options)
        for options in ({"register_bits": 2}, {"register_bits": 3, "fresh": False}):
            refused += assert_refreshed(runs, num_qubits, lane_bits, **options)
            assert assert_refreshed(runs[::2], num_qubits, lane_bits, **options) == 0
        cuts = (0, 7, 7, len(runs[0]) // 2, len(runs[0]))
        refused += assert_refreshed(runs, num_qubits, lane_bits, fresh=False, cuts=cuts)
        generic = runs[::2]
        assert assert_refreshed(generic, num_qubits, lane_bits) == 0
    assert refused  # some values do need another plan


@pytest.mark.parametrize("lane_bits", range(5))
@pytest.mark.parametrize("split_time", [0, SPLIT_TIME])
def test_plans_that_split_dense_matrices(lane_bits, split_time):
    circuit = brickwork(17, 6)
    runs = rows_of(circuit, values_for(circuit, 1))
    weyl = {number for name, number in state_module.kernels.KERNELS.items() if "weyl" in name}
    made = plan(runs[0], 17, lane_bits, fresh=False, split_time=split_time)
    assert weyl & set(made.ops[:, 0].tolist())
    assert assert_refreshed(runs[:3], 17, lane_bits, fresh=False, split_time=split_time) < 9


@pytest.fixture
def refreshed(monkeypatch):
    """Whether each plan that was to be refreshed in the test could be."""
    seen = []
    original = compiled_plan.CompiledPlan.refreshed

    def watched(self, gates):
        found = original(self, gates)
        seen.append(found is not None)
        return found

    monkeypatch.setattr(compiled_plan.CompiledPlan, "refreshed", watched)
    return seen


@pytest.mark.parametrize("build", list(BUILDS), indirect=True)
@pytest.mark.parametrize("precision", ["double", "single"])
@pytest.mark.parametrize("num_qubits", [7, 8, 11, 16, 18])
def test_states(num_qubits, precision, build, refreshed):
    """States of a sweep's rows, plans refreshed, beside those with plans of their own."""
    for seed in range(3 if num_qubits < 16 else 1):
        circuit = random_circuit(num_qubits, 70, 100 + seed)
        values = values_for(circuit, seed)[[0, 2, 1, 3, 4, 5, 2]]
        for gates in rows_of(circuit, values):
            for live in (0, num_qubits):
                states = []
                for each in (gates, alone(gates)):
                    state = State.zero(num_qubits, precision)
                    if live:
                        state.opened()
                    state.apply(each, threads=2)
                    states.append(state.to_array())
                assert bits(states[0]) == bits(states[1])
            if num_qubits <= 11:
                expected = np.zeros(2**num_qubits, dtype=complex)
                expected[0] = 1
                expected = oracle.apply_gates(gates, expected)
                tolerance = 1e-12 if precision == "double" else 2e-5
                assert np.abs(states[0] - expected).max() < tolerance
    assert any(refreshed) and not all(refreshed)


@pytest.mark.parametrize("build", list(BUILDS), indirect=True)
@pytest.mark.parametrize("precision", ["double", "single"])
@pytest.mark.parametrize("num_qubits", [7, 10, 15])
def test_gradients(num_qubits, precision, build, refreshed):
    """An `Adjoint` that has seen other values gives what a new one gives."""
    circuit = ansatz(num_qubits)
    observable = SparsePauliOp.from_sparse_list(
        [("ZZ", [q, q + 1], 1.0) for q in range(num_qubits - 1)] + [("X", [2], 0.5)], num_qubits
    )
    known = basicaer.compile(circuit, precision=precision)
    for row in values_for(circuit, 3)[[0, 2, 4, 1, 3, 5, 0]]:
        new = basicaer.compile(circuit, precision=precision)
        (value, gradient), (same, expected) = (
            each.gradient(observable, row) for each in (known, new)
        )
        assert value == same
        assert bits(gradient) == bits(expected)
        assert known.expectation(observable, row) == new.expectation(observable, row)
        assert bits(known.statevector(row)) == bits(new.statevector(row))
    assert any(refreshed)


def test_many_threads_refresh_one_structure():
    circuit = random_circuit(9, 80, 5)
    values = np.repeat(values_for(circuit, 5), 20, axis=0)
    runs = rows_of(circuit, values)

    def state_of(gates):
        state = State.zero(9)
        state.apply(gates)
        return state.to_array().tobytes()

    expected = [state_of(alone(gates)) for gates in runs]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(state_of, runs)) == expected


def test_plans_to_refresh_are_bounded_and_not_pickled():
    circuit = random_circuit(9, 40, 6)
    one, two = rows_of(circuit, values_for(circuit, 6)[:2])
    assert one.plans.of_structure is two.plans.of_structure
    for shift in range(12):
        state = State.zero(9 + shift)
        state.apply(one, shift=shift)
    assert len(one.plans.compiled) == 12
    assert 0 < len(two.plans.of_structure) <= 8
    copied = pickle.loads(pickle.dumps(one))
    assert isinstance(copied.plans, Plans)
    assert copied.plans.of_structure is None
    assert not copied.plans.compiled


def test_gate_runs_of_no_sweep_keep_nothing_to_refresh():
    circuit = random_circuit(9, 40, 6)
    gates = alone(rows_of(circuit, values_for(circuit, 6)[:1])[0])
    State.zero(9).apply(gates)
    assert gates.plans.of_structure is None
    (made,) = gates.plans.compiled.values()
    with pytest.raises(ValueError, match="shares no plans"):
        made.refreshed(gates)


def test_other_gates_are_refused():
    circuit = random_circuit(8, 40, 6)
    (gates,) = rows_of(circuit, values_for(circuit, 6)[:1])
    recipe = plan(gates, 8, 2).recipe
    held = gates.coefficients
    with pytest.raises(
        ValueError, match=f"is for {len(held)} coefficients, not for {len(held) - 1}"
    ):
        recipe.refresh(held[:-1], False)
