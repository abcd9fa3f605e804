"""Diagonal groups: one product of factors of one and of two bits, against the numpy oracle."""

from __future__ import annotations

import itertools

import numpy as np
import oracle
import pytest
from oracle import run_of
from planning import plan_of

import basicaer._engine.state.state as state_module
from basicaer._engine import costs
from basicaer._engine.plan import compiled_plan
from basicaer._engine.state import unplanned
from basicaer._engine.state.state import State

TOLERANCE = {"double": 1e-14, "single": 5e-6}
N = 10


@pytest.fixture(params=[5, 7, 9, 20])
def block(request, monkeypatch):
    """Makes blocks of so many qubits, lanes included, and uses threads at any size."""
    monkeypatch.setattr(state_module, "block_qubits", lambda *_: request.param)
    monkeypatch.setitem(costs.THREADS_WORK, "state", 0)
    monkeypatch.setattr(unplanned, "MOST_ONE_BY_ONE", -1)
    monkeypatch.setattr(unplanned, "MOST_DIRECT", -1)
    monkeypatch.setattr(compiled_plan, "TURNS_FROM", 0)
    monkeypatch.setattr(state_module, "_ONE_CALL", 0)


def factor(angle, *qubits):
    """A factor of the amplitudes in which all these qubits are 1."""
    last = len(qubits) - 1
    return (np.exp([0, 1j * angle]), list(qubits), last, 2**last - 1)


GRAPHS = {
    "none": [],
    "one pair": [(2, 8)],
    "chain": [(q, q + 1) for q in range(N - 1)],
    "ring": [(q, (q + 1) % N) for q in range(N)],
    "grid": [(q, q + 1) for q in range(N - 1) if q % 4 < 3] + [(q, q + 4) for q in range(N - 4)],
    "star at the top": [(q, N - 1) for q in range(N - 1)],
    "star in the middle": [(q, 6) for q in range(N) if q != 6],
    "star at a lane": [(q, 0) for q in range(1, N)],
    "two stars": [(q, c) for c in (4, 7) for q in range(N) if q != c],
    "halves": list(itertools.product(range(5), range(5, N))),
    "all": list(itertools.combinations(range(N), 2)),
    "triples": [(0, 4, 7), (1, 5, 9), (4, 6, 9), (6, 7, 8), (4, 7, 8)],
    "up to five": [(4, 5, 6, 7, 8), (5, 6, 7, 8, 9), (3, 5, 7, 9), (0, 1, 8, 9), (5, 6), (9,)],
}


WIDER = ("triples", "up to five")


def angles(kind, count, seed):
    """Angles of `count` factors: any, or such that factors are real."""
    rng = np.random.default_rng(seed)
    return np.full(count, np.pi) if kind == "real" else rng.uniform(-3, 3, count)


def group(sets, kind="any", seed=0):
    return [factor(a, *on) for a, on in zip(angles(kind, len(sets), seed), sets)]


def check(gates, precision, initial=None, **options):
    if initial is None:
        initial = oracle.random_state(N, 7)
    run = run_of(*gates)
    state = State.from_amplitudes(initial, precision)
    state.apply(run, **options)
    np.testing.assert_allclose(
        state.to_array(),
        oracle.apply_gates(run, initial.copy()),
        rtol=0,
        atol=TOLERANCE[precision],
    )


@pytest.mark.parametrize("kind", ["any", "real"])
@pytest.mark.parametrize("ones", [False, True])
@pytest.mark.parametrize("graph", GRAPHS)
def test_graphs(build, precision, block, graph, ones, kind):
    sets = [*GRAPHS[graph], *([(q,) for q in range(N)] if ones else [])]
    if sets:
        check(group(sets, kind), precision)


@pytest.mark.parametrize("degree", [1, 3, 6])
def test_random_graphs_some_of_them_twice(build, precision, block, degree):
    for seed in range(4):
        rng = np.random.default_rng(seed)
        sets = [tuple(rng.permutation(N)[:2].tolist()) for _ in range(degree * N // 2)]
        sets += [(int(q),) for q in rng.integers(0, N, 6)]
        check(group(sets, seed=seed), precision)


@pytest.mark.parametrize("graph", ["chain", "grid", "all", "up to five"])
def test_blocks_that_are_gathered(build, precision, block, graph):
    """Dense gates on the highest qubits make them block qubits, and others outer ones."""
    dense = [(oracle.random_unitary(1, q), [q], 0, 0) for q in (9, 8, 4)]
    check([*dense, *group(GRAPHS[graph]), *dense], precision, threads=3)


@pytest.mark.parametrize("graph", ["chain", "ring", "two stars", "all", "triples"])
def test_states_of_few_live_qubits(build, precision, block, graph):
    """What is |0> costs nothing, and factors of amplitudes that are 0 do no harm."""
    rng = np.random.default_rng(3)
    for seed in range(6):
        some = rng.permutation(N)[: 2 + seed].tolist()
        dense = [(oracle.random_unitary(1, seed + q), [q], 0, 0) for q in some]
        later = [(oracle.random_unitary(1, q), [q], 0, 0) for q in range(N)]
        run = run_of(*dense, *group(GRAPHS[graph]), *later, *group(GRAPHS[graph], seed=1))
        expected = np.zeros(2**N, dtype=complex)
        expected[0] = 1
        state = State.zero(N, precision)
        state.apply(run)
        np.testing.assert_allclose(
            state.to_array(),
            oracle.apply_gates(run, expected),
            rtol=0,
            atol=10 * TOLERANCE[precision],
        )


def test_gates_on_some_values_of_controls(build, precision, block):
    """Diagonals under open controls are several factors, of one, two and three qubits."""
    rng = np.random.default_rng(8)
    for _ in range(8):
        gates = []
        for _ in range(12):
            on = rng.permutation(N)[:3]
            gates.append((np.exp(1j * rng.uniform(-3, 3, 4)), on[:2], 0, 0))
            gates.append((np.exp(1j * rng.uniform(-3, 3, 2)), on, 2, int(rng.integers(4))))
        check(gates, precision)


def test_factors_of_any_modulus(build, precision):
    """Nothing assumes that factors are of modulus 1, or that real ones are 1 or -1."""
    sets = [*GRAPHS["ring"], *[(q,) for q in range(N)]]
    rng = np.random.default_rng(4)
    for phase in (1, np.exp(0.7j)):
        gates = [
            (np.array([1, phase * rng.uniform(0.8, 1.2)]), list(on), len(on) - 1, len(on) // 2)
            for on in sets
        ]
        check(gates, precision)


def test_any_number_of_threads_gives_the_same_bits(build, precision, block):
    dense = [(oracle.random_unitary(1, q), [q], 0, 0) for q in (9, 8, 4)]
    run = run_of(*dense, *group([*GRAPHS["grid"], *GRAPHS["triples"]]))
    arrays = []
    for threads in (1, 2, 3, 5):
        state = State.from_amplitudes(oracle.random_state(N, 7), precision)
        state.apply(run, threads=threads)
        arrays.append(state.to_array())
    for array in arrays[1:]:
        np.testing.assert_array_equal(array, arrays[0])


def plan(sets, capacity=5):
    return plan_of(run_of(*group(sets)), N, 3, capacity)


CONTROL = 4  # column of an operation


@pytest.mark.parametrize("graph", [name for name in GRAPHS if name not in WIDER])
def test_factors_of_one_and_two_qubits_are_one_operation(graph):
    sets = [*GRAPHS[graph], *[(q,) for q in range(N)]]
    made = plan(sets, capacity=N)
    assert len(made.ops) == 1
    assert made.ops[0, CONTROL] == 0


def test_what_all_factors_share_is_a_control():
    """So a star is applied to half of the amplitudes, and a single factor to those it is for."""
    for sets, control in (
        ([(q, 6) for q in range(N) if q != 6], [6]),
        ([(5, 8)], [5, 8]),
        ([(5, 7, 8)], [5, 7, 8]),
        ([(0, 5), (2, 5, 8), (5,)], [5]),
    ):
        made = plan(sets, capacity=N)
        assert len(made.ops) == 1
        assert made.ops[0, CONTROL] == sum(1 << q - 3 for q in control)


def test_factors_of_three_qubits_take_few_operations():
    sets = [*GRAPHS["chain"], *[(3 + i, 5 + i, 9) for i in range(4)], (4, 6, 8)]
    assert len(plan(sets, capacity=N).ops) == 3


def test_factors_of_one_qubit_are_multiplied_when_the_plan_is_made():
    once = [*GRAPHS["chain"], *[(q,) for q in range(N)]]
    more = [*once, *[(q, q + 2) for q in range(N - 2)], *[(q,) for q in range(N)]]
    pairs = [*once, *[(q, q + 2) for q in range(N - 2)]]
    assert len(plan(more).coefficients) == len(plan(pairs).coefficients)
