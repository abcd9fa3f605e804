"""Each kernel, of each build, in both precisions, against the numpy oracle."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import numpy as np
import oracle
import pytest
from matrices import MATRICES, PAIRS, phases
from oracle import run_of
from planning import plan_of

import basicaer
import basicaer._engine.state.state as state_module
from basicaer._engine import costs
from basicaer._engine.control import DONE, Cancelled, Control
from basicaer._engine.plan import compiled_plan, planner
from basicaer._engine.state import buffers, dispatch, unplanned
from basicaer._engine.state.state import State
from basicaer._qiskit.circuits.lower import lower

BUILDS = dispatch.available()
TOLERANCE = {"double": 1e-12, "single": 2e-5}


@pytest.fixture(params=["planned", "one by one", "directly"])
def way(request, monkeypatch):
    """Runs the test with each way to apply gates to a small state."""
    if request.param != "one by one":
        monkeypatch.setattr(unplanned, "MOST_ONE_BY_ONE", -1)
    if request.param == "planned":
        monkeypatch.setattr(unplanned, "MOST_DIRECT", -1)
    return request.param


@pytest.fixture
def planned(monkeypatch):
    """Makes small states use plans, and the kernels for larger states, as well."""
    monkeypatch.setattr(unplanned, "MOST_ONE_BY_ONE", -1)
    monkeypatch.setattr(unplanned, "MOST_DIRECT", -1)
    monkeypatch.setattr(state_module, "_SMALL", -1)


@pytest.fixture(params=["turns", "no turns"])
def small_blocks(request, monkeypatch):
    """Makes blocks so short that a few qubits need many, and uses threads at any size.

    Gates are planned then, since the state is more than one block; with turns, as in wide states,
    and without.
    """
    monkeypatch.setattr(compiled_plan, "TURNS_FROM", 0 if request.param == "turns" else 99)
    monkeypatch.setattr(state_module, "block_qubits", lambda *_: 6)
    monkeypatch.setattr(unplanned, "block_qubits", lambda *_: 6)
    monkeypatch.setitem(costs.THREADS_WORK, "state", 0)
    monkeypatch.setattr(state_module, "_ONE_CALL", 0)
    monkeypatch.setattr(compiled_plan, "SPLIT_TIME", 0)


def check(run, num_qubits, precision, **options):
    """Applies a gate run to a random state, with and without fusion; compares with the oracle."""
    initial = oracle.random_state(num_qubits, 7)
    expected = oracle.apply_gates(run, initial.copy())
    for fusion in (True, False):
        state = State.from_amplitudes(initial, precision)
        state.apply(run, fusion=fusion, **options)
        got = state.to_array()
        assert got.dtype == (np.complex128 if precision == "double" else np.complex64)
        np.testing.assert_allclose(got, expected, rtol=0, atol=TOLERANCE[precision])


N = 9  # lanes, block and outer qubits for every build, with small blocks


@pytest.mark.parametrize("name", MATRICES)
def test_one_qubit(build, precision, small_blocks, name):
    for qubit in range(N):
        check(run_of((MATRICES[name], [qubit], 0, 0)), N, precision)


@pytest.mark.parametrize("name", PAIRS)
def test_two_qubits_each_ordered_pair(build, precision, small_blocks, name):
    for pair in itertools.permutations(range(N), 2):
        check(run_of((PAIRS[name], pair, 0, 0)), N, precision)


SPLIT = {
    "dense": oracle.random_unitary(2, 11),
    "local": np.kron(oracle.random_unitary(1, 12), oracle.random_unitary(1, 13)),
    "one phase": np.exp(0.3j) * np.eye(4),
    "cz": np.diag([1, 1, 1, -1]),
    "iswap": PAIRS["iswap"],
    "swap": np.exp(0.1j) * PAIRS["swap"],
    "root of swap": np.array(
        [[1, 0, 0, 0], [0, 0.5 + 0.5j, 0.5 - 0.5j, 0], [0, 0.5 - 0.5j, 0.5 + 0.5j, 0], [0, 0, 0, 1]]
    ),
    "turn by pi": np.kron([[0, -1], [1, 0]], oracle.random_unitary(1, 14)),
    "nearly a turn": np.kron([[1e-9, -1], [1, 1e-9]], np.eye(2)) + 0j,
}


def around(middle, pair, others, seed):
    """Returns `middle` with dense gates before and after it on each qubit, so it can be split."""
    outside = [
        (oracle.random_unitary(2, seed + i), (qubit, other), 0, 0)
        for i, (qubit, other) in enumerate(2 * list(zip(pair, others)))
    ]
    dressed = np.kron(oracle.random_unitary(1, seed), oracle.random_unitary(1, seed + 1)) @ middle
    return [*outside[:2], (dressed, pair, 0, 0), *outside[2:]]


@pytest.mark.parametrize("name", SPLIT)
def test_split_pairs_each_ordered_pair(build, precision, small_blocks, name):
    rng = np.random.default_rng(4)
    for pair in itertools.permutations(range(N), 2):
        others = rng.permutation([q for q in range(N) if q not in pair])
        check(run_of(*around(SPLIT[name], pair, others[:2], 20)), N, precision)


def test_chains_of_split_pairs(build, precision, small_blocks):
    """Between two consecutive split pairs only a rotation remains."""
    rng = np.random.default_rng(5)
    for seed in range(12):
        gates = []
        for layer in range(6):
            on = rng.permutation(N)
            for i in range(0, N - 1, 2):
                kind = list(SPLIT.values())[int(rng.integers(len(SPLIT)))]
                local = oracle.random_unitary(1, 50 * seed + layer)
                gates.append((np.kron(local, local.T) @ kind, on[i : i + 2], 0, 0))
        check(run_of(*gates), N, precision)


@pytest.mark.parametrize("name", MATRICES)
@pytest.mark.parametrize("control_state", [0, 1])
def test_one_control(build, precision, small_blocks, name, control_state):
    for pair in itertools.permutations(range(N), 2):
        check(run_of((MATRICES[name], pair, 1, control_state)), N, precision)


@pytest.mark.parametrize("control_state", range(4))
def test_two_controls(build, precision, small_blocks, control_state):
    for triple in itertools.permutations((0, 2, 3, 5, 7, 8), 3):
        check(run_of((MATRICES["dense"], triple, 2, control_state)), N, precision)


def test_flip_under_two_controls(build, precision, small_blocks):
    for triple in itertools.permutations((1, 3, 4, 6, 8), 3):
        check(run_of((MATRICES["flip"], triple, 2, 0b10)), N, precision)


@pytest.mark.parametrize("controls", [4, 6])
def test_many_controls(build, precision, small_blocks, controls):
    rng = np.random.default_rng(controls)
    for _ in range(20):
        on = rng.permutation(N)[: controls + 1]
        state = int(rng.integers(2**controls))
        check(run_of((MATRICES["dense"], on, controls, state)), N, precision)
        check(run_of((phases(2, 3), on, controls, state)), N, precision)
        check(run_of((np.array([1, 1j]), on, controls, 2**controls - 1)), N, precision)


def test_controlled_pair(build, precision, small_blocks):
    for on in itertools.permutations((0, 2, 4, 6, 8), 3):
        check(run_of((PAIRS["dense"], on, 1, 1)), N, precision)


def test_three_qubits_each_ordered_triple(build, precision, small_blocks):
    matrix = oracle.random_unitary(3, 8)
    for triple in itertools.permutations(range(7), 3):
        check(run_of((matrix, triple, 0, 0)), 7, precision)


@pytest.mark.parametrize("width", [3, 4, 5, 6, 8])
def test_wide_matrices(build, precision, small_blocks, width):
    rng = np.random.default_rng(width)
    matrix = oracle.random_unitary(width, 3)
    for _ in range(4):
        check(run_of((matrix, rng.permutation(N)[:width], 0, 0)), N, precision)
        check(run_of((matrix, rng.permutation(N)[: width + 1], 1, 0)), N, precision)


@pytest.mark.parametrize("width", [1, 2, 3])
def test_diagonals_each_order(build, precision, small_blocks, width):
    for on in itertools.permutations((0, 1, 3, 5, 7, 8), width):
        check(run_of((phases(2**width, width), on, 0, 0)), N, precision)


@pytest.mark.parametrize("controls", [0, 1, 2])
def test_wide_diagonals(build, precision, small_blocks, controls):
    rng = np.random.default_rng(controls)
    for _ in range(10):
        on = rng.permutation(N)[: 4 + controls]
        check(run_of((phases(16, 1), on, controls, 2**controls // 2)), N, precision)


def test_runs_of_diagonals(build, precision, small_blocks):
    rng = np.random.default_rng(0)
    for _ in range(10):
        gates = []
        for _ in range(25):
            width = int(rng.integers(1, 4))
            controls = int(rng.integers(0, 2)) if width == 1 else 0
            on = rng.permutation(N)[: width + controls]
            gates.append((phases(2**width, int(rng.integers(99))), on, controls, controls))
        check(run_of(*gates), N, precision)


def test_multiple_controlled_phases(build, precision, small_blocks):
    rng = np.random.default_rng(3)
    for _ in range(10):
        gates = [
            (np.array([1, np.exp(1j * rng.normal())]), rng.permutation(N)[: c + 1], c, 2**c - 1)
            for c in rng.integers(0, 6, 12)
        ]
        check(run_of(*gates), N, precision)


def test_kernels_have_the_names_and_numbers_of_the_layout():
    """The layout shared by planner and kernels is the only list of them."""
    (layout,) = Path(basicaer.__file__).parent.rglob("plan/layout.pxi")
    rows = re.findall(
        r"^    OP_(\w+) = (\d+)(?: +#.*)?$", layout.read_text(encoding="utf-8"), re.MULTILINE
    )
    listed = {name.lower(): int(number) for name, number in rows if name != "COLUMNS"}
    for module in BUILDS.values():
        assert listed == module.KERNELS


def test_every_kernel_is_reached(small_blocks):
    """The cases above leave no kernel out: each is planned at least once."""
    seen = set()
    for matrix in [*MATRICES.values(), *PAIRS.values(), oracle.random_unitary(3, 1)]:
        for on in itertools.permutations((0, 1, 4, 8), int(np.log2(len(matrix)))):
            seen |= kernels_of(run_of((matrix, on, 0, 0)))
    for on in itertools.permutations(range(N), 3):
        seen |= kernels_of(run_of((phases(2, 1), on, 2, 0), (phases(2, 2), on[:1], 0, 0)))
    seen |= kernels_of(run_of((phases(16, 1), (0, 3, 5, 8), 0, 0)))
    seen |= kernels_of(run_of((oracle.random_unitary(6, 1), (0, 3, 5, 8, 7, 6), 0, 0)))
    for pair in ((0, 1), (1, 4), (4, 8)):
        seen |= kernels_of(run_of(*around(PAIRS["dense"], pair, (6, 7), 1)), fusion=True)
    turns = run_of(*((MATRICES["dense"], [qubit], 0, 0) for qubit in (4, 5, 6)))
    seen |= kernels_of(turns, fusion=True, register_bits=2)
    assert seen == set(dispatch.kernels.KERNELS)


def kernels_of(run, fusion=False, register_bits=0):
    names = {number: name for name, number in dispatch.kernels.KERNELS.items()}
    lane_bits = dispatch.kernels.LANES["double"].bit_length() - 1
    if lane_bits < 2:
        lane_bits = 2
    plan = plan_of(
        run,
        N,
        lane_bits,
        3,
        fusion=fusion,
        split_time=compiled_plan.SPLIT_TIME,  # as the fixture has set it
        register_bits=register_bits,
    )
    return {names[kind] for kind in plan.ops[:, 0].tolist()}


@pytest.mark.parametrize("num_qubits", range(1, 13))
def test_random_circuits_from_zero(build, precision, planned, small_blocks, num_qubits):
    for seed in range(6):
        program = lower(oracle.random_circuit(num_qubits, 60, 100 * num_qubits + seed))
        expected = oracle.apply_program(program)
        for fusion, threads in ((True, 1), (True, 2), (False, 1), (False, 2)):
            state = State.zero(num_qubits, precision)
            state.scale(np.exp(1j * program.global_phase))
            for run in program.body:
                state.apply(run, fusion=fusion, threads=threads)
            tolerance = 1e-10 if precision == "double" else 1e-4
            np.testing.assert_allclose(state.to_array(), expected, rtol=0, atol=tolerance)


@pytest.mark.parametrize("num_qubits", [1, 2, 3, 4, 6, 9, 11, 14, 17])
def test_sizes_as_they_are(build, precision, way, num_qubits):
    program = lower(oracle.random_circuit(num_qubits, 40, num_qubits))
    state = State.zero(num_qubits, precision)
    state.scale(np.exp(1j * program.global_phase))
    for run in program.body:
        state.apply(run, threads=2)
    tolerance = 1e-10 if precision == "double" else 1e-4
    np.testing.assert_allclose(
        state.to_array(), oracle.apply_program(program), rtol=0, atol=tolerance
    )


def test_any_number_of_threads_gives_the_same_bits(build, precision, small_blocks):
    program = lower(oracle.random_circuit(11, 80, 5))
    arrays = []
    for threads in (1, 2, 3, 5):
        state = State.zero(11, precision)
        for run in program.body:
            state.apply(run, threads=threads)
        probabilities = state.probabilities((10, 2, 5), threads=threads)
        arrays.append((probabilities, state.to_array()))
    for probabilities, array in arrays[1:]:
        np.testing.assert_array_equal(array, arrays[0][1])
        np.testing.assert_array_equal(probabilities, arrays[0][0])


def test_runs_follow_each_other(build, precision, small_blocks):
    """Qubits that one gate run leaves in |0> are still known to be |0> in the next."""
    first = run_of((MATRICES["dense"], [7], 0, 0), (MATRICES["flip"], [7, 2], 1, 1))
    second = run_of((PAIRS["dense"], [0, 8], 0, 0), (MATRICES["dense"], [5, 7], 1, 1))
    state = State.zero(N, precision)
    expected = np.zeros(2**N, dtype=complex)
    expected[0] = 1
    for run in (first, second):
        state.apply(run)
        expected = oracle.apply_gates(run, expected)
    np.testing.assert_allclose(state.to_array(), expected, atol=TOLERANCE[precision])


def test_shift(build, precision, way):
    run = run_of((PAIRS["dense"], [0, 2], 0, 0))
    state = State.identity(3, precision)
    state.apply(run, shift=3)
    expected = np.column_stack([oracle.apply_gates(run, column) for column in np.eye(8) + 0j])
    np.testing.assert_allclose(state.to_array().reshape(8, 8), expected, atol=TOLERANCE[precision])


def test_cancelled_before_it_begins(way):
    control = Control()
    control.cancel()
    with pytest.raises(Cancelled):
        State.zero(4).apply(run_of((MATRICES["dense"], [1], 0, 0)), control=control)


@pytest.mark.parametrize("num_qubits", [5, 9])
def test_very_many_gates_are_planned_in_parts(build, precision, way, monkeypatch, num_qubits):
    rng = np.random.default_rng(num_qubits)
    run = run_of(
        *[
            (PAIRS[kind], rng.permutation(num_qubits)[:2], 0, 0)
            for kind in rng.choice(list(PAIRS), 50)
        ]
    )
    expected = np.zeros(2**num_qubits, dtype=complex)
    expected[0] = 1
    expected = oracle.apply_gates(run, expected)
    monkeypatch.setattr(state_module, "_PLANNED_AT_ONCE", 7)
    for _ in range(2):  # the second time nothing is planned
        state, control = State.zero(num_qubits, precision), Control()
        found = state.apply(run, control=control)
        assert found["gates"] == 50
        assert found["amplitude_gates"] == control.flags[DONE]
        np.testing.assert_allclose(state.to_array(), expected, atol=10 * TOLERANCE[precision])
    assert len(run.chunks(7)) == 8 and run.chunks(7) is run.chunks(7)


def test_cancelled_between_parts_of_very_many_gates(planned, monkeypatch):
    monkeypatch.setattr(state_module, "_PLANNED_AT_ONCE", 2)
    planned, control = [], Control()

    def plan(*arguments):
        planned.append(1)
        control.cancel()
        return original(*arguments)

    original = planner.plan
    monkeypatch.setattr(planner, "plan", plan)
    with pytest.raises(Cancelled):
        State.zero(7).apply(run_of(*[(PAIRS["dense"], [0, 1], 0, 0)] * 10), control=control)
    assert planned == [1]


def test_work_is_counted():
    control = Control()
    state = State.zero(15)
    info = state.apply(
        run_of(*[(PAIRS["dense"], [q, q + 1], 0, 0) for q in range(14)]), control=control, threads=2
    )
    assert control.flags[DONE] == info["amplitude_gates"] > 0


@pytest.fixture
def used_memory(monkeypatch):
    """Fills all memory that need not be cleared with NaN."""
    plain = buffers.empty

    def empty(count, dtype):
        array, _ = plain(count, dtype)
        array[:] = np.nan
        return array, True

    monkeypatch.setattr(buffers, "empty", empty)


@pytest.mark.parametrize("num_qubits", [4, 7, 9])
def test_memory_that_was_used_before(
    build, precision, planned, small_blocks, used_memory, num_qubits
):
    rng = np.random.default_rng(num_qubits)
    for _ in range(30):
        gates = []
        for _ in range(int(rng.integers(1, 7))):
            on = rng.permutation(num_qubits)[:2]
            gates.append((PAIRS["dense"], on, 0, 0))
        run = run_of(*gates)
        expected = np.zeros(2**num_qubits, dtype=complex)
        expected[0] = 1
        expected = oracle.apply_gates(run, expected)
        for use in ("to_array", "copy", "probabilities", "prepare", "collapse", "again"):
            state = State.zero(num_qubits, precision)
            state.apply(run, threads=2)
            wanted = expected
            if use == "copy":
                state = state.copy()
            elif use == "probabilities":
                got = state.probabilities(range(num_qubits))
                np.testing.assert_allclose(got, np.abs(expected) ** 2, atol=TOLERANCE[precision])
                assert state.norm_squared() == pytest.approx(1, abs=1e-5)
            elif use == "prepare":
                rest = [q for q in range(num_qubits) if not any(q in gate[1] for gate in gates)]
                state.prepare(rest[:1], np.eye(2)[0] if rest else np.ones(1))
            elif use == "collapse":
                p = state.probabilities((0,))
                likely = int(p[1] > p[0])
                state.collapse(0, likely, p[likely])
                kept = np.arange(2**num_qubits) % 2 == likely
                wanted = np.where(kept, expected, 0) / np.sqrt(p[likely])
            elif use == "again":
                state.apply(run)
                wanted = oracle.apply_gates(run, expected.copy())
            np.testing.assert_allclose(
                state.to_array(), wanted, rtol=0, atol=10 * TOLERANCE[precision]
            )
