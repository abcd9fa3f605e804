"""Plans: few operations, in few passes, within cache blocks."""

from __future__ import annotations

import pickle

import numpy as np
import oracle
import pytest
from planning import plan_of
from qiskit import QuantumCircuit
from qiskit.circuit.library import QFT

from basicaer._engine import costs
from basicaer._engine.costs import KERNEL_COSTS, SPLIT_TIME, block_qubits
from basicaer._engine.plan import compiled_plan, planner
from basicaer._engine.program import Gates
from basicaer._engine.state.dispatch import kernels
from basicaer._engine.state.state import State
from basicaer._qiskit.circuits.lower import lower

LANE_BITS = 3
CAPACITY = 5


def plan(circuit, *, fresh=True, capacity=CAPACITY, **options):
    (gates,) = lower(circuit).body
    return plan_of(gates, circuit.num_qubits, LANE_BITS, capacity, fresh=fresh, **options)


def names(made):
    numbers = {number: name for name, number in kernels.KERNELS.items()}
    return [numbers[kind] for kind in made.ops[:, 0].tolist()]


def test_swaps_cost_nothing_on_a_fresh_state():
    circuit = QuantumCircuit(10)
    circuit.h(0)
    circuit.swap(0, 9)
    circuit.swap(9, 4)
    assert names(plan(circuit)) == ["real1"]
    assert "swap" in names(plan(circuit, fresh=False))


def test_a_control_that_is_still_zero():
    circuit = QuantumCircuit(10)
    circuit.cx(3, 4)
    circuit.ccx(5, 6, 7)
    circuit.cp(0.3, 1, 2)
    assert len(plan(circuit).ops) == 0
    assert len(plan(circuit, fresh=False).ops) > 0


def test_an_su4_in_many_gates_is_one_operation():
    circuit = QuantumCircuit(10)
    for _ in range(3):
        for qubit in (4, 7):
            circuit.u(0.3, 0.2, 0.1, qubit)
        circuit.cx(4, 7)
    made = plan(circuit, fresh=False)
    assert names(made) == ["dense2"]
    assert (made.gates, made.fused_gates) == (9, 1)
    assert len(plan(circuit, fresh=False, fusion=False).ops) == 9


def test_a_target_between_two_gates_of_its_own_costs_no_more_than_they():
    circuit = QuantumCircuit(10)
    circuit.u(0.3, 0.2, 0.1, 5)
    circuit.cx(6, 5)
    circuit.u(0.3, 0.2, 0.1, 5)
    made = plan(circuit, fresh=False)
    # One 2x2 matrix for each value of the control.
    assert names(made) == ["dense1", "dense1"]
    assert made.fused_gates == 1


def test_diagonals_become_one_run():
    circuit = QuantumCircuit(10)
    for qubit in range(9):
        circuit.rzz(0.1 * qubit + 0.1, qubit, qubit + 1)
        circuit.rz(0.2, qubit)
        circuit.cp(0.3, 0, qubit + 1)
    made = plan(circuit, fresh=False)
    # What multiplies all amplitudes is one more of their factors.
    assert set(names(made)) == {"product"} and len(made.ops) < 9
    assert len(made.passes) == 1


def test_real_matrices_stay_real():
    circuit = QuantumCircuit(10)
    for qubit in range(10):
        circuit.ry(0.3, qubit)
    for qubit in range(9):
        circuit.cx(qubit, qubit + 1)
        circuit.h(qubit)
    assert not any(name.startswith("dense") for name in names(plan(circuit, fresh=False)))


@pytest.mark.parametrize("capacity", [1, 2, 5, 7])
@pytest.mark.parametrize("fresh", [True, False])
def test_blocks_hold_what_their_passes_need(capacity, fresh):
    for seed in range(10):
        circuit = oracle.random_circuit(10, 60, seed)
        made = plan(circuit, fresh=fresh, capacity=capacity)
        at = 0
        for first, last, bits, bits_at, outer, outer_at, live, *_ in made.passes.tolist():
            assert first == at and last > first
            at = last
            block = made.lists[bits_at : bits_at + bits].tolist()
            rest = made.lists[outer_at : outer_at + outer].tolist()
            assert len(set(block + rest)) == bits + outer <= 10 - LANE_BITS
            assert live <= bits
            assert bits <= max(capacity, 4)  # the widest gate of the table has four targets
            assert (made.ops[first:last, 3] <= bits).all()
        assert at == len(made.ops)
        assert made.work > 0


def test_the_same_gates_give_the_same_plan():
    circuit = oracle.random_circuit(9, 80, 3)
    one, other = plan(circuit), plan(circuit)
    for name in ("passes", "ops", "lists", "coefficients"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def test_few_passes():
    """A Fourier transform needs as many passes as its qubits need blocks, and no more."""
    circuit = QFT(18, do_swaps=False).decompose()
    made = plan(circuit, fresh=False, capacity=5)
    assert len(made.passes) == 3


@pytest.mark.parametrize("again", [False, True])
def test_many_gates(again, monkeypatch):
    """Planned, here with turns, if they are applied again, otherwise directly."""
    monkeypatch.setattr(compiled_plan, "TURNS_FROM", 10)
    circuit = QuantumCircuit(10)
    rng = np.random.default_rng(1)
    for _ in range(2500):
        a, b = (int(q) for q in rng.permutation(10)[:2])
        circuit.u(*rng.uniform(-3, 3, 3), a)
        circuit.cx(a, b)
    program = lower(circuit)
    state = State.zero(10)
    info = state.apply(program.body[0], again=again)
    assert bool(program.body[0].plans.compiled) == again
    # A plan leaves more gates by themselves, but carries several out at a time.
    assert info["gates"] == 5000 and info["fused_gates"] < 3600
    assert info["operations"] < (2000 if again else 3600)
    np.testing.assert_allclose(state.to_array(), oracle.apply_program(program), rtol=0, atol=1e-10)


def test_a_plan_is_made_once_for_equal_beginnings():
    (gates,) = lower(oracle.random_circuit(7, 20, 1)).body
    State.zero(7).apply(gates, again=True)
    State.zero(7).apply(gates, again=True)
    assert len(gates.plans.compiled) == 1
    State.zero(7, "single").apply(gates, again=True)
    State.zero(8).apply(gates, again=True)
    assert len(gates.plans.compiled) == 3


def test_what_is_known_of_a_run_does_not_travel():
    (gates,) = lower(oracle.random_circuit(7, 20, 1)).body
    assert len(gates.chunks(5)) > 1
    State.zero(7).apply(gates, again=True)
    again = pickle.loads(pickle.dumps(gates))
    assert gates.plans.compiled and gates.plans.chunks
    assert not again.plans.compiled and not again.plans.chunks
    State.zero(7).apply(again, again=True)
    assert len(again.plans.compiled) == 1


def test_states_that_cannot_be_planned():
    with pytest.raises(ValueError, match="63 qubits"):
        planner.plan(
            np.zeros((1, 6), dtype=np.int64),
            *(np.zeros(1, dtype=np.int32) for _ in range(3)),
            np.zeros(1, dtype=np.int64),
            np.zeros(2),
            63,
            0,
            LANE_BITS,
            CAPACITY,
            True,
            KERNEL_COSTS,
            SPLIT_TIME,
        )


def brickwork(num_qubits, layers):
    circuit = QuantumCircuit(num_qubits)
    for layer in range(layers):
        for qubit in range(layer % 2, num_qubits - 1, 2):
            circuit.unitary(oracle.random_unitary(2, 100 * layer + qubit), [qubit, qubit + 1])
    return circuit


def test_dense_pairs_between_others_are_split():
    circuit = brickwork(10, 4)
    plain = plan(circuit, fresh=False, split_time=float("inf"))
    split = plan(circuit, fresh=False, split_time=0)
    assert len(plain.ops) == len(split.ops) == 18
    assert not any(name.startswith("weyl") for name in names(plain))
    # The first and the last layer take what is left of the two between them. The outermost qubits
    # are not in the last layer, so that the two gates on them in the third stay whole.
    assert sum(name.startswith("weyl") for name in names(split)) == 4 + 3
    assert split.passes.tolist() == plain.passes.tolist()


def test_pairs_are_split_only_where_that_pays():
    for qubits, expected in ((10, 0), (20, 9 + 8)):
        made = plan(brickwork(qubits, 4), fresh=False)
        assert sum(name.startswith("weyl") for name in names(made)) == expected


def test_nothing_is_split_without_fusion():
    made = plan(brickwork(10, 4), fresh=False, fusion=False, split_time=0)
    assert not any(name.startswith("weyl") for name in names(made))


def test_a_matrix_that_is_not_unitary_stays_whole():
    """Close to unitary is not enough for the Weyl decomposition, but harmless."""
    circuit = brickwork(6, 3)
    (gates,) = lower(circuit).body
    coefficients = gates.coefficients.copy()
    coefficients[16 * 3] += 1e-9  # of the first in the second layer
    changed = Gates(gates.kinds, gates.kind, gates.start, gates.qubits, gates.offset, coefficients)
    made = plan_of(changed, 6, 2, CAPACITY, split_time=0)
    assert sum(name.startswith("weyl") for name in names(made)) == 1


@pytest.mark.parametrize("precision", ["double", "single"])
def test_blocks_grow_with_the_state_but_leave_work_for_many_threads(precision):
    sizes = [block_qubits(n, precision) for n in range(40)]
    assert sizes == sorted(sizes)
    assert sizes[0] == (13 if precision == "double" else 14)  # 128 KiB
    assert 0 <= sizes[-1] - sizes[0] <= 3  # 1 MiB
    assert all(size == sizes[0] or n - size >= 4 for n, size in enumerate(sizes))


@pytest.mark.parametrize(
    ("text", "size"), [("512K\n", 512 << 10), ("2M", 2 << 20), ("", None), ("much", None)]
)
def test_the_second_cache_is_read(tmp_path, monkeypatch, text, size):
    path = tmp_path / "size"
    path.write_text(text)
    monkeypatch.setattr("builtins.open", lambda *_, _open=open, **__: _open(path, encoding="ascii"))
    assert costs._level_2_cache() == (size or 512 << 10)
