"""Small states, whose gates are applied without a plan, against the numpy oracle."""

from __future__ import annotations

import itertools

import numpy as np
import oracle
import pytest
from matrices import phases
from oracle import random_unitary, run_of

import basicaer._engine.state.state as state_module
from basicaer._engine.control import DONE, Control
from basicaer._engine.program import DENSE, DIAGONAL, Gates, Kind
from basicaer._engine.shots.outcomes import CumulativeTable, Uniforms
from basicaer._engine.state import dispatch, small
from basicaer._engine.state.state import State
from basicaer._qiskit.circuits.lower import lower

TOLERANCE = {"double": 1e-13, "single": 1e-6}


def entries_of(form, targets):
    return random_unitary(targets, 7) if form == "dense" else phases(2**targets, 7)


def check(gate, initial, precision, tolerance):
    """Applies a gate of `run_of` to a state and compares with the oracle."""
    run = run_of(gate)
    state = State.from_amplitudes(initial, precision)
    state.apply(run)
    _, on, controls, control_state = gate
    np.testing.assert_allclose(
        state.to_array(),
        oracle.apply_gates(run, initial.copy()),
        rtol=0,
        atol=tolerance,
        err_msg=f"{on}, {controls} controls in state {control_state}",
    )


@pytest.mark.parametrize("form", ["dense", "diagonal"])
@pytest.mark.parametrize("num_qubits", range(1, 7))
def test_each_choice_of_controls_and_targets(build, precision, num_qubits, form):
    initial = oracle.random_state(num_qubits, num_qubits)
    for width in range(1, min(num_qubits, 4) + 1):
        for number, on in enumerate(itertools.permutations(range(num_qubits), width)):
            for controls in range(width):
                control_state = number % (1 << controls)
                entries = entries_of(form, width - controls)
                case = (entries, on, controls, control_state)
                check(case, initial, precision, TOLERANCE[precision])


@pytest.mark.parametrize("form", ["dense", "diagonal"])
def test_gates_on_all_six_qubits(build, precision, form):
    initial = oracle.random_state(6, 1)
    for on in [(0, 1, 2, 3, 4, 5), (5, 3, 1, 0, 2, 4)]:
        for controls in (0, 1, 5):
            case = (entries_of(form, 6 - controls), on, controls, (1 << controls) - 1)
            check(case, initial, precision, 10 * TOLERANCE[precision])


@pytest.mark.parametrize("num_qubits", range(1, 7))
def test_circuits_from_zero(build, precision, num_qubits):
    for seed in range(10):
        program = lower(oracle.random_circuit(num_qubits, 60, 100 * num_qubits + seed))
        state, control = State.zero(num_qubits, precision), Control()
        state.scale(np.exp(1j * program.global_phase))
        gates = 0
        for run in program.body:
            found = state.apply(run, control=control)
            assert found["gates"] == found["operations"] == len(run)
            gates += len(run)
        assert control.flags[DONE] == gates << num_qubits
        tolerance = 1e-12 if precision == "double" else 1e-5
        np.testing.assert_allclose(
            state.to_array(), oracle.apply_program(program), rtol=0, atol=tolerance
        )


def test_all_builds_give_the_same_bits(precision, monkeypatch):
    program = lower(oracle.random_circuit(5, 80, 3))
    found = []
    for kernels in dispatch.available().values():
        monkeypatch.setattr(state_module, "kernels", kernels)
        state = State.zero(5, precision)
        for run in program.body:
            state.apply(run)
        found.append((state.probabilities((3, 0)), state.to_array()))
    for probabilities, array in found[1:]:
        np.testing.assert_array_equal(probabilities, found[0][0])
        np.testing.assert_array_equal(array, found[0][1])


def drawn(num_qubits, run, measured, shots=5, seed=0, uniforms=None, flags=None, **start):
    """Calls `draw_outcomes` for a gate run."""
    return small.draw_outcomes(
        num_qubits,
        run.kinds,
        run.kind,
        run.start,
        run.qubits,
        run.offset,
        run.coefficients,
        start.get("amplitude", 1.0),
        start.get("precision") == "single",
        measured,
        shots,
        seed,
        uniforms,
        Control().flags if flags is None else flags,
    )


@pytest.mark.parametrize("shots", [1, 311, 312, 313, 5000])
@pytest.mark.parametrize("num_qubits", range(1, 7))
def test_outcomes_without_a_state_are_those_of_a_state(build, precision, num_qubits, shots):
    for seed in range(6):
        program = lower(oracle.random_circuit(num_qubits, 50, 7 * num_qubits + seed))
        (run,) = program.outline.runs
        amplitude = np.exp(1j * program.global_phase) if seed % 2 else 1.0
        state, whole, part = State.zero(num_qubits, precision), Control(), Control()
        state.scale(amplitude)
        state.apply(run, control=whole)
        on = tuple(np.random.default_rng(seed).permutation(num_qubits)[: 1 + seed].tolist())
        table = CumulativeTable(state.probabilities(on), shots)
        start = {"amplitude": amplitude, "precision": precision}
        for given in (None, np.random.default_rng(seed).random(shots)):
            uniforms = Uniforms(seed).take(shots) if given is None else given
            found, total, seconds = drawn(
                num_qubits, run, on, shots, seed, given, part.flags, **start
            )
            np.testing.assert_array_equal(found[:, 0], table.draw(uniforms))
            assert found.dtype == np.uint64 and found.shape == (shots, 1)
            assert total == table.total and 0 <= seconds < 5
        assert part.flags[DONE] == 2 * whole.flags[DONE] == 2 * len(run) << num_qubits


@pytest.mark.parametrize("num_qubits", range(1, 7))
def test_probabilities_of_each_choice_of_qubits(build, precision, num_qubits):
    amplitudes = oracle.random_state(num_qubits, 5)
    state = State.from_amplitudes(amplitudes, precision)
    numbers = np.arange(2**num_qubits)
    for width in range(num_qubits + 1):
        for on in itertools.permutations(range(num_qubits), width):
            outcomes = sum((numbers >> q & 1) << i for i, q in enumerate(on)) + 0 * numbers
            expected = np.bincount(outcomes, np.abs(amplitudes) ** 2, 2**width)
            got = state.probabilities(on)
            np.testing.assert_allclose(got, expected, rtol=0, atol=TOLERANCE[precision])


@pytest.mark.parametrize("again", [False, True])
def test_too_many_kinds(again):
    """A gate run has more kinds than `small.apply` has room for."""
    matrix = random_unitary(1, 2)
    kinds = [
        (matrix, [*rest[:controls], target], controls, state)
        for target in range(6)
        for rest in [[q for q in range(6) if q != target]]
        for controls in range(6)
        for state in range(1 << controls)
    ]
    run = run_of(*kinds)
    assert len(run.kinds) > small.MOST_KINDS
    initial = oracle.random_state(6, 6)
    state = State.from_amplitudes(initial)
    state.apply(run, again=again)
    assert is_planned(run) == again
    np.testing.assert_allclose(state.to_array(), oracle.apply_gates(run, initial), atol=1e-12)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"qubits": [0, 0]}, "gate 1 of a run is malformed"),
        ({"qubits": [0, 3]}, "gate 1 of a run is malformed"),
        ({"qubits": [-1, 1]}, "gate 1 of a run is malformed"),
        ({"start": [0, 1, 2]}, "gate 1 of a run is malformed"),
        ({"start": [0, 1, 4]}, "gate 1 of a run is malformed"),
        ({"start": [2**31 - 1, -(2**31), 2]}, "gate 0 of a run is malformed"),
        ({"start": [0, -1, 2]}, "gate 0 of a run is malformed"),
        ({"start": [0, 1]}, "do not belong together"),
        ({"offset": [0, -1]}, "gate 1 of a run is malformed"),
        ({"offset": [0, 2**63 - 1]}, "gate 1 of a run is malformed"),
        ({"offset": [0, 5]}, "gate 1 of a run is malformed"),
        ({"offset": [0]}, "do not belong together"),
        ({"kind": [0, 2]}, "gate 1 of a run is malformed"),
        ({"kinds": (Kind(DENSE, 1), Kind(DENSE, 0, 2))}, "has no target"),
        ({"kinds": (Kind(DENSE, 1), Kind(DIAGONAL, 0, 2))}, "has no target"),
        ({"kinds": (Kind(DENSE, 1), Kind(DENSE, 7))}, "does not fit 3 qubits"),
        ({"kinds": (Kind(DENSE, 1), Kind(DENSE, -1, 3))}, "does not fit 3 qubits"),
        ({"kinds": (Kind(DENSE, 1), Kind(DENSE, 1, 2**31 - 1))}, "does not fit 3 qubits"),
        ({"kinds": (Kind(DENSE, 1), (DENSE,))}, "unpack"),
    ],
    ids=repr,
)
def test_numbers_that_are_no_gate(change, message):
    """The state stays unchanged, even if valid gates come first."""
    right = {
        "kinds": (Kind(DENSE, 1), Kind(DENSE, 2)),
        "kind": [0, 1],
        "start": [0, 1, 3],
        "qubits": [0, 1],
        "offset": [0, 4],
    }
    given = {**right, **change}
    gates = Gates(
        given["kinds"],
        np.array(given["kind"], dtype=np.int32),
        np.array(given["start"], dtype=np.int32),
        np.array([0, *given["qubits"]], dtype=np.int32),
        np.array(given["offset"], dtype=np.int64),
        np.concatenate([[0, 1, 1, 0], np.eye(4).ravel()]).astype(complex),
    )
    initial = oracle.random_state(3, 1)
    state = State.from_amplitudes(initial)
    with pytest.raises(ValueError, match=message):
        state.apply(gates)
    np.testing.assert_array_equal(state.to_array(), initial)
    with pytest.raises(ValueError, match=message):
        drawn(3, gates, (0,))


@pytest.mark.parametrize("measured", [(0, 0), (3,), (-1,)])
def test_outcomes_without_a_state_are_of_different_qubits(measured):
    with pytest.raises(ValueError, match="not all different and below 3"):
        drawn(3, run_of((random_unitary(1, 2), (0,), 0, 0)), measured)


def test_outcomes_without_a_state_need_shots_and_uniforms():
    run = run_of((random_unitary(1, 2), (0,), 0, 0))
    with pytest.raises(ValueError, match="no flag"):
        drawn(3, run, (0,), flags=np.zeros(1, np.int64))
    with pytest.raises(ValueError, match="0 outcomes need"):
        drawn(3, run, (0,), shots=0)
    with pytest.raises(ValueError, match="5 outcomes need"):
        drawn(3, run, (0,), uniforms=np.zeros(4))
    with pytest.raises(ValueError, match="7 qubits"):
        drawn(7, run, (0,))
    with pytest.raises(OverflowError):
        drawn(3, run, (0,), seed=2**32)


def is_planned(run):
    return bool(run.plans.compiled)


def test_gates_applied_again_are_planned():
    pair = random_unitary(2, 3)
    initial = oracle.random_state(6, 2)
    for count, again, fusion, planned in (
        (20, False, False, False),
        (600, False, True, False),
        (600, False, False, False),
        (40, True, True, True),
    ):
        run = run_of(*[(pair, (i % 6, (i + 1) % 6), 0, 0) for i in range(count)])
        arrays = (run.start, run.qubits, run.offset, run.coefficients)
        run = Gates((run.kinds[0],), 0 * run.kind, *arrays)  # all of one kind
        state = State.from_amplitudes(initial)
        state.apply(run, again=again, fusion=fusion)
        assert is_planned(run) == planned
        np.testing.assert_allclose(state.to_array(), oracle.apply_gates(run, initial), atol=1e-11)
    quick = run_of((random_unitary(1, 1), (3,), 0, 0))
    State.from_amplitudes(initial).apply(quick, again=True)
    assert not is_planned(quick)


def test_flags_too_few_to_count_in():
    run = run_of((random_unitary(1, 1), (0,), 0, 0))
    state, flags = np.zeros(64), np.zeros(1, dtype=np.int64)
    arrays = (run.kind, run.start, run.qubits, run.offset, run.coefficients)
    with pytest.raises(ValueError, match="no flag"):
        small.apply(state, 3, 2, run.kinds, *arrays, 0, flags)


@pytest.mark.parametrize(
    ("reals", "lane_bits", "num_qubits"),
    [(16, 3, 4), (4, 0, 2), (64, 3, 7), (64, 7, 2), (64, 3, -1)],
)
def test_memory_that_is_no_small_state(reals, lane_bits, num_qubits):
    with pytest.raises(ValueError, match=r"small|too few"):
        small.probabilities(np.zeros(reals), lane_bits, num_qubits, ())


@pytest.mark.parametrize("qubits", [(0, 0), (2,), (-1,)])
def test_qubits_that_cannot_be_measured(qubits):
    with pytest.raises(ValueError, match="all different and below 2"):
        State.zero(2).probabilities(qubits)
