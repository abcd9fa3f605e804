"""Gates that are applied as they are read, without a plan, against the numpy oracle."""

from __future__ import annotations

import itertools
import threading
import time

import numpy as np
import oracle
import pytest
from matrices import MATRICES, PAIRS, phases
from oracle import run_of

from basicaer._engine.control import DONE, Cancelled, Control
from basicaer._engine.plan.compiled_plan import kind_rows
from basicaer._engine.program import DENSE, DIAGONAL, Gates, Kind
from basicaer._engine.state import dispatch, unplanned
from basicaer._engine.state.state import State
from basicaer._qiskit.circuits.lower import lower

BUILDS = dispatch.available()
TOLERANCE = {"double": 1e-12, "single": 2e-5}
N = 7  # lane qubits and others, three at least, for every build


@pytest.fixture(autouse=True)
def no_small_states(monkeypatch):
    """States of a few qubits are not left to `small`."""
    monkeypatch.setattr(unplanned, "MOST_ONE_BY_ONE", -1)


def went_directly(run):
    return not run.plans.compiled


def check(run, num_qubits, precision, tolerance=None):
    """Applies a gate run to a random state; compares with the oracle."""
    initial = oracle.random_state(num_qubits, 7)
    expected = oracle.apply_gates(run, initial.copy())
    state = State.from_amplitudes(initial, precision)
    state.apply(run)
    assert went_directly(run)
    tolerance = TOLERANCE[precision] if tolerance is None else tolerance
    np.testing.assert_allclose(state.to_array(), expected, rtol=0, atol=tolerance)


# --- each structure, on each choice of qubits --------------------------------------------------


@pytest.mark.parametrize("name", MATRICES)
def test_one_qubit(build, precision, name):
    for qubit in range(N):
        check(run_of((MATRICES[name], [qubit], 0, 0)), N, precision)


@pytest.mark.parametrize("name", PAIRS)
def test_two_qubits_each_ordered_pair(build, precision, name):
    for pair in itertools.permutations(range(N), 2):
        check(run_of((PAIRS[name], pair, 0, 0)), N, precision)


@pytest.mark.parametrize("name", PAIRS)
def test_matrices_in_front_of_a_pair_and_behind(build, precision, name):
    """Each combination of them: some are multiplied into the pair, others are not."""
    for pair in itertools.permutations((0, 1, 4, 6), 2):
        for one in ("dense", "real", "flip"):
            for places in range(1, 16):
                gates = [(PAIRS[name], pair, 0, 0)]
                for i, on in enumerate((pair[0], pair[1])):
                    if places >> i & 1:
                        gates.insert(0, (MATRICES[one], [on], 0, 0))
                    if places >> i & 4:
                        gates.append((MATRICES["cross"], [on], 0, 0))
                check(run_of(*gates), N, precision)


@pytest.mark.parametrize("name", MATRICES)
@pytest.mark.parametrize("control_state", [0, 1])
def test_one_control(build, precision, name, control_state):
    for pair in itertools.permutations(range(N), 2):
        check(run_of((MATRICES[name], pair, 1, control_state)), N, precision)


@pytest.mark.parametrize("name", MATRICES)
@pytest.mark.parametrize("control_state", range(4))
def test_two_controls(build, precision, name, control_state):
    for triple in itertools.permutations((0, 1, 3, 4, 6), 3):
        check(run_of((MATRICES[name], triple, 2, control_state)), N, precision)


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("control_state", [0, 1])
def test_controlled_pair(build, precision, name, control_state):
    for triple in itertools.permutations((0, 1, 2, 4, 5, 6), 3):
        check(run_of((PAIRS[name], triple, 1, control_state)), N, precision)


@pytest.mark.parametrize("controls", [3, 5])
def test_many_controls(build, precision, controls):
    rng = np.random.default_rng(controls)
    for _ in range(20):
        on = rng.permutation(N)[: controls + 1]
        state = int(rng.integers(2**controls))
        check(run_of((MATRICES["dense"], on, controls, state)), N, precision)
        check(run_of((phases(2, 3), on, controls, state)), N, precision)
        on = rng.permutation(N)[: controls + 2]
        check(run_of((PAIRS["dense"], on, controls, state)), N, precision)
        check(run_of((phases(4, 3), on, controls, state)), N, precision)


@pytest.mark.parametrize("control_state", range(4))
def test_diagonals_each_order(build, precision, control_state):
    for on in itertools.permutations(range(N), 2):
        check(run_of((phases(2, 1), on[:1], 0, 0), (phases(4, 2), on, 0, 0)), N, precision)
        check(run_of((phases(2, 1), on, 1, control_state & 1)), N, precision)
    for on in itertools.permutations((0, 1, 3, 4, 6), 3):
        check(run_of((phases(2, 3), on, 2, control_state)), N, precision)
        check(run_of((phases(4, 3), on, 1, control_state & 1)), N, precision)


# --- what waits --------------------------------------------------------------------------------


@pytest.mark.parametrize("most", [1, 3, N])
def test_factors_before_each_kind_of_operation(build, precision, most):
    """Factors of `most` other qubits and its own wait at a qubit when it is mixed."""
    rng = np.random.default_rng(most)
    for hub in range(N):
        others = [q for q in rng.permutation(N) if q != hub][:most]
        waiting = [(phases(2, 50 + hub), [hub], 0, 0)]
        for other in others:
            pair = [hub, other] if other % 2 else [other, hub]
            waiting.append((phases(4, int(rng.integers(99))), pair, 0, 0))
            waiting.append((np.array([1, np.exp(1j * other)]), pair, 1, 1))
        for last in (
            (MATRICES["dense"], [hub], 0, 0),
            (MATRICES["real"], [hub], 0, 0),
            (MATRICES["flip"], [others[0], hub], 1, 1),
            (PAIRS["steered"], [hub, others[0]], 0, 0),
            (PAIRS["dense"], [hub, others[0]], 0, 0),
            (PAIRS["real"], [others[0], hub], 0, 0),
            (MATRICES["dense"], [others[0], (hub + 1) % N, hub], 2, 2)
            if (hub + 1) % N != others[0]
            else (MATRICES["cross"], [hub], 0, 0),
        ):
            check(run_of(*waiting, last), N, precision)


def test_diagonals_that_are_not_unitary(build, precision):
    half = np.array([1, 0.5])
    for pair in itertools.permutations((0, 2, 4, 6), 2):
        check(run_of((half, pair[:1], 0, 0)), N, precision)
        check(run_of((np.array([0, 1]), pair[:1], 0, 0)), N, precision)
        check(run_of((half, pair, 1, 0)), N, precision)
        check(run_of((np.array([0.5, 1, 0, 2]), pair, 0, 0)), N, precision)


@pytest.mark.parametrize("num_qubits", [3, 5, 7, 9])
def test_pairs_that_follow_each_other(build, precision, num_qubits):
    """A pair waits for gates on one of its qubits while the other goes on; all orders occur."""
    rng = np.random.default_rng(num_qubits)
    for _ in range(30):
        gates = []
        for _ in range(25):
            on = rng.permutation(num_qubits)
            kind = rng.integers(4)
            if kind == 0:
                name = rng.choice(list(MATRICES))
                gates.append((MATRICES[name], on[:1], 0, 0))
            elif kind == 1:
                gates.append((phases(2, int(rng.integers(99))), on[:1], 0, 0))
            elif kind == 2:
                gates.append((PAIRS[rng.choice(list(PAIRS))], on[:2], 0, 0))
            else:
                name = rng.choice(list(MATRICES))
                gates.append((MATRICES[name], on[:2], 1, int(rng.integers(2))))
        check(run_of(*gates), num_qubits, precision, 10 * TOLERANCE[precision])


# --- circuits ----------------------------------------------------------------------------------


@pytest.mark.parametrize("num_qubits", range(1, 13))
def test_random_circuits_from_zero(build, precision, num_qubits):
    classes = tuple(c for c in oracle.TABLE if c.__name__ not in ("RCCXGate", "RC3XGate"))
    for seed in range(4):
        circuit = oracle.random_circuit(
            num_qubits, 80, 100 * num_qubits + seed, gate_classes=classes, unitaries=False
        )
        program = lower(circuit)
        state, control = State.zero(num_qubits, precision), Control()
        state.scale(np.exp(1j * program.global_phase))
        for run in program.body:
            found = state.apply(run, control=control)
            assert went_directly(run)
            assert found["gates"] == len(run)
        assert control.flags[DONE] == found["amplitude_gates"]
        np.testing.assert_allclose(
            state.to_array(),
            oracle.apply_program(program),
            rtol=0,
            atol=TOLERANCE[precision],
        )


def test_ten_thousand_gates(build):
    rng = np.random.default_rng(1)
    names = ("dense", "real", "cross")
    gates = [
        (MATRICES[names[rng.integers(3)]], rng.permutation(9)[: 1 + c], c, c)
        for c in rng.integers(0, 2, 10_000)
    ]
    run = run_of(*gates)
    run = same_kinds(run)
    check(run, 9, "double")


def same_kinds(run):
    """The same gates with each kind listed once."""
    kinds = tuple(dict.fromkeys(run.kinds))
    kind = np.array([kinds.index(kind) for kind in run.kinds], dtype=np.int32)
    return Gates(kinds, kind, run.start, run.qubits, run.offset, run.coefficients)


@pytest.mark.parametrize("num_qubits", [4, 7, 12])
def test_swaps_of_a_fresh_state_cost_nothing(build, precision, num_qubits):
    rng = np.random.default_rng(num_qubits)
    for _ in range(10):
        gates = []
        for _ in range(20):
            on = rng.permutation(num_qubits)
            name = str(rng.choice(["swap", "swap", "dense", "steered"]))
            gates.append((PAIRS[name], on[:2], 0, 0))
        run, swaps = run_of(*gates), run_of(*[gate for gate in gates if gate[0] is PAIRS["swap"]])
        expected = np.zeros(2**num_qubits, dtype=complex)
        expected[0] = 1
        assert State.zero(num_qubits, precision).apply(swaps)["operations"] == 0
        state = State.zero(num_qubits, precision)
        state.apply(run)
        np.testing.assert_allclose(
            state.to_array(), oracle.apply_gates(run, expected), atol=TOLERANCE[precision]
        )
        check(run, num_qubits, precision)


def test_what_is_zero_costs_nothing(build, precision):
    """Controls that are |0> and diagonals of |0...0> are no operations."""
    run = run_of(
        (MATRICES["flip"], [5, 2], 1, 1),
        (phases(4, 1), [3, 6], 0, 0),
        (MATRICES["dense"], [4], 0, 0),
        (MATRICES["dense"], [5, 0, 4], 2, 1),
        (MATRICES["dense"], [5, 0, 1], 2, 0),
        (MATRICES["flip"], [1, 6], 1, 0),
    )
    expected = np.zeros(2**N, dtype=complex)
    expected[0] = 1
    state = State.zero(N, precision)
    assert state.apply(run)["operations"] <= 4
    np.testing.assert_allclose(
        state.to_array(), oracle.apply_gates(run, expected), atol=TOLERANCE[precision]
    )


def test_runs_follow_each_other(build, precision):
    """Qubits that one gate run leaves in |0> are still known to be |0> in the next."""
    first = run_of((MATRICES["dense"], [5], 0, 0), (MATRICES["flip"], [5, 2], 1, 1))
    second = run_of((PAIRS["dense"], [0, 6], 0, 0), (MATRICES["dense"], [4, 5], 1, 1))
    state = State.zero(N, precision)
    expected = np.zeros(2**N, dtype=complex)
    expected[0] = 1
    for run in (first, second):
        state.apply(run)
        expected = oracle.apply_gates(run, expected)
    np.testing.assert_allclose(state.to_array(), expected, atol=TOLERANCE[precision])


def test_any_number_of_threads_gives_the_same_bits(build, precision):
    program = lower(oracle.random_circuit(11, 80, 5, unitaries=False))
    arrays = []
    for threads in (1, 2, 3, 5):
        state = State.zero(11, precision)
        for run in program.body:
            state.apply(run, threads=threads)
        arrays.append(state.to_array())
    for array in arrays[1:]:
        np.testing.assert_array_equal(array, arrays[0])


# --- which way ---------------------------------------------------------------------------------


def test_gates_that_are_used_once_go_directly():
    run = run_of(*[(MATRICES["dense"], [q, q + 1], 1, 1) for q in range(8)])
    initial = oracle.random_state(9, 1)
    expected = oracle.apply_gates(run, initial.copy())
    for options, directly in (
        ({}, True),
        ({"again": True}, False),
        ({"fusion": False}, False),
    ):
        run.plans.compiled.clear()
        state = State.from_amplitudes(initial)
        state.apply(run, **options)
        assert went_directly(run) == directly
        np.testing.assert_allclose(state.to_array(), expected, atol=1e-12)


def test_plans_that_are_shared_are_kept():
    run = run_of((MATRICES["dense"], [3], 0, 0))
    other = run.refilled(run.coefficients.conj())
    for each in (run, other):
        State.zero(9).apply(each)
        assert not went_directly(each)


def test_gates_on_three_qubits_are_planned():
    run = run_of((oracle.random_unitary(3, 1), [0, 4, 8], 0, 0))
    State.zero(9).apply(run)
    assert not went_directly(run)


def test_states_of_several_blocks_are_planned(monkeypatch):
    run = run_of((MATRICES["dense"], [3], 0, 0))
    monkeypatch.setattr(unplanned, "block_qubits", lambda *_: 8)
    State.zero(8).apply(run)
    assert went_directly(run)
    State.zero(9).apply(run)
    assert not went_directly(run)


def test_many_gates_on_a_wide_state_are_planned(monkeypatch):
    """What a plan saves grows with the state, the time to make it does not."""
    run = run_of(*[(MATRICES["dense"], [q % 9], 0, 0) for q in range(100)])
    monkeypatch.setattr(unplanned, "PLAN_SAVES_NS", 10.0)
    State.zero(9).apply(run)
    assert not went_directly(run)


# --- cancelling, errors ------------------------------------------------------------------------


def test_cancelled_while_it_runs(monkeypatch):
    monkeypatch.setattr(unplanned, "PLAN_SAVES_NS", 0.0)
    run = run_of((PAIRS["dense"], (0, 10), 0, 0), (PAIRS["dense"], (5, 3), 0, 0))
    count = 400_000
    run = Gates(
        run.kinds[:1],
        np.zeros(count, dtype=np.int32),
        np.arange(0, 2 * count + 1, 2, dtype=np.int32),
        (np.arange(2 * count, dtype=np.int32) * 5) % 11,  # pairs that are not multiplied for ever
        np.zeros(count, dtype=np.int64),
        run.coefficients,
    )

    def cancel(control):
        while not control.flags[DONE]:
            time.sleep(0.0005)
        control.cancel()

    for _ in range(20):  # on a busy machine it may come when all is done
        control, state = Control(), State.zero(12)
        canceller = threading.Thread(target=cancel, args=(control,))
        canceller.start()
        try:
            state.apply(run, control=control)
        except Cancelled:
            break
        finally:
            canceller.join()
    else:
        pytest.fail("no call was cancelled while it ran")
    assert went_directly(run)
    assert 0 < control.flags[DONE] < count << 12


RIGHT = {
    "kinds": (Kind(DENSE, 1), Kind(DENSE, 2)),
    "kind": [0, 1],
    "start": [0, 1, 3],
    "qubits": [0, 1],
    "offset": [0, 4],
}


def gates_of(**change):
    given = {**RIGHT, **change}
    return Gates(
        given["kinds"],
        np.array(given["kind"], dtype=np.int32),
        np.array(given["start"], dtype=np.int32),
        np.array([0, *given["qubits"]], dtype=np.int32),
        np.array(given["offset"], dtype=np.int64),
        np.concatenate([[0, 1, 1, 0], np.eye(4).ravel()]).astype(complex),
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"qubits": [0, 0]}, "gate 1 of a run is malformed"),
        ({"qubits": [0, 7]}, "gate 1 of a run is malformed"),
        ({"qubits": [-1, 1]}, "gate 1 of a run is malformed"),
        ({"start": [0, 1, 2]}, "gate 1 of a run is malformed"),
        ({"start": [0, 1, 4]}, "gate 1 of a run is malformed"),
        ({"start": [0, -1, 2]}, "gate 0 of a run is malformed"),
        ({"start": [0, 1]}, "do not belong together"),
        ({"offset": [0, -1]}, "gate 1 of a run is malformed"),
        ({"offset": [0, 2**63 - 1]}, "gate 1 of a run is malformed"),
        ({"offset": [0, 5]}, "gate 1 of a run is malformed"),
        ({"offset": [0]}, "do not belong together"),
        ({"kind": [0, 2]}, "gate 1 of a run is malformed"),
        ({"kinds": (Kind(DENSE, 1), Kind(DENSE, 0, 2))}, "gate 1 of a run is malformed"),
        ({"kinds": (Kind(DENSE, 1), Kind(DIAGONAL, -1, 3))}, "gate 1 of a run is malformed"),
    ],
    ids=repr,
)
def test_numbers_that_are_no_gate(build, change, message):
    """The state stays unchanged, even if valid gates come first."""
    initial = oracle.random_state(7, 1)
    state = State.from_amplitudes(initial)
    with pytest.raises(ValueError, match=message):
        state.apply(gates_of(**change))
    np.testing.assert_array_equal(state.to_array(), initial)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"reals": np.zeros(254)}, "254 reals are no state of 7 qubits"),
        ({"num_qubits": 15}, "a state of 15 qubits needs a plan"),
        ({"num_qubits": 1}, "a state of 1 qubits needs a plan"),
        ({"kinds": np.array([[0, 3, 0, 0, -1, 0]])}, "gates on 3 qubits need a plan"),
        ({"kinds": np.zeros((2, 5), dtype=np.int64)}, "another shape"),
        ({"costs": np.ones(6)}, "another shape"),
        ({"flags": np.zeros(1, dtype=np.int64)}, "another shape"),
    ],
    ids=lambda value: "",
)
def test_what_kernels_refuse(change, message):
    run = gates_of()
    kernels = list(BUILDS.values())[-1]
    given = {
        "reals": np.zeros(256),
        "num_qubits": 7,
        "kinds": kind_rows(run.kinds),
        "costs": np.ones(7),
        "flags": np.zeros(8, dtype=np.int64),
        **change,
    }
    if given["num_qubits"] == 1 and kernels.LANES["double"] <= 2:
        pytest.skip("a vector of this build holds no more than one qubit")
    with pytest.raises(ValueError, match=message):
        kernels.apply_gates(
            given["reals"],
            False,
            1.0,
            0.0,
            given["num_qubits"],
            127,
            given["kinds"],
            run.kind,
            run.start,
            run.qubits,
            run.offset,
            run.coefficients,
            0,
            given["costs"],
            given["flags"],
        )
