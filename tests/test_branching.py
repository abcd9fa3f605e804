"""Shots that share their past get the outcomes that they would get alone."""

from __future__ import annotations

import gc
import threading

import numpy as np
import pytest
from numpy_state import NumpyState
from random_programs import Maker, gates

from basicaer import _costs
from basicaer._code import BRANCHES, SPECTATOR, TERMINAL, Draw
from basicaer._control import Cancelled, Control
from basicaer._execution import Task, execute
from basicaer._flow import count_draws, flatten
from basicaer._memory import Allowance
from basicaer._program import (
    BitsEqual,
    Break,
    Continue,
    Expression,
    For,
    IfElse,
    Measure,
    Prepare,
    Program,
    Reset,
    Switch,
    While,
)
from basicaer.exceptions import BasicAerError


def run(program, control=None, **options):
    options.setdefault("shots", 50)
    options.setdefault("seed", 7)
    NumpyState.most_alive = NumpyState.alive
    return execute(Task(program, **options), control or Control(), NumpyState)


def assert_same(program, **options):
    branched = run(program, **options)
    alone = run(program, branching=False, **options)
    np.testing.assert_array_equal(branched.memory, alone.memory)
    return branched


def tight(**fields):
    """An allowance, ample but for what is given."""
    ample = {"states": 4096, "uniforms": 1 << 20, "table": 10, "nodes": 10_000}
    return Allowance(0, 0, **{**ample, **fields})


def make(body, num_qubits=3, num_clbits=3):
    return Program(num_qubits, num_clbits, tuple(body), name="made", samples=False)


TELEPORT = make(
    [
        gates(["ry", 0, 0.7], ["h", 1], ["cx", 1, 2], ["cx", 0, 1], ["h", 0]),
        Measure(0, 0),
        Measure(1, 1),
        IfElse(BitsEqual((1,), 1), (gates(["x", 2]),)),
        IfElse(BitsEqual((0,), 1), (gates(["z", 2]),)),
        Measure(2, 2),
    ]
)

UNTIL_SUCCESS = make(
    [
        gates(["ry", 0, 1.1], ["cx", 0, 1]),
        Measure(1, 0),
        While(
            BitsEqual((0,), 0),
            (Reset(0), Reset(1), gates(["ry", 0, 1.1], ["cx", 0, 1], ["h", 2]), Measure(1, 0)),
        ),
        Measure(2, 1),
    ]
)


class TestSameAsShotByShot:
    @pytest.mark.parametrize("seed", range(150))
    def test_fixed_draws(self, seed):
        program = Maker(seed, fixed=True).program()
        assert count_draws(program.body) is not None
        assert_same(program, seed=seed)

    @pytest.mark.parametrize("seed", range(150))
    def test_any(self, seed):
        assert_same(Maker(seed).program(), seed=seed)

    @pytest.mark.parametrize("seed", range(40))
    @pytest.mark.parametrize("states", [1, 2, 3])
    def test_within_a_memory_budget(self, seed, states):
        program = Maker(seed).program()
        assert_same(program, seed=seed, allowance=tight(states=states))

    @pytest.mark.parametrize("seed", range(40))
    def test_an_initial_state(self, seed):
        program = Maker(seed).program()
        random = np.random.default_rng(seed)
        initial = random.normal(size=2**program.num_qubits) + 1j
        assert_same(program, seed=seed, initial=initial / np.linalg.norm(initial))

    @pytest.mark.parametrize("seed", range(30))
    @pytest.mark.parametrize("shots", [1, 2])
    def test_few_shots(self, seed, shots):
        assert_same(Maker(seed).program(), seed=seed, shots=shots)

    @pytest.mark.parametrize("seed", range(30))
    def test_uniforms_in_several_turns(self, seed):
        assert_same(Maker(seed, fixed=True).program(), seed=seed, allowance=tight(uniforms=512))

    @pytest.mark.parametrize("seed", range(30))
    def test_few_nodes_and_snapshots(self, seed):
        assert_same(Maker(seed).program(), seed=seed, allowance=tight(states=3, nodes=4))

    @pytest.mark.parametrize("seed", range(30))
    def test_small_tables(self, seed):
        assert_same(Maker(seed).program(), seed=seed, allowance=tight(table=1))

    @pytest.mark.parametrize("seed", range(30))
    def test_few_spectators(self, seed, monkeypatch):
        monkeypatch.setattr("basicaer._branching._MOST_SPECTATORS", 1)
        assert_same(Maker(seed).program(), seed=seed)

    @pytest.mark.parametrize("seed", range(60))
    def test_the_engine(self, seed):
        program = Maker(seed).program()
        control = Control()
        branched = execute(Task(program, shots=30, seed=seed), control)
        alone = execute(Task(program, shots=30, seed=seed, branching=False), control, NumpyState)
        np.testing.assert_array_equal(branched.memory, alone.memory)

    @pytest.mark.parametrize("seed", range(40))
    def test_branches_on_threads(self, seed, monkeypatch):
        monkeypatch.setitem(_costs.THREADS_WORK, "branches", 0)
        monkeypatch.setattr("basicaer._memory.GROUPS_PER_THREAD", 1)
        assert_same(Maker(seed, fixed=True).program(), seed=seed, threads=3)


class TestSharing:
    def test_teleportation(self):
        metadata = assert_same(TELEPORT, shots=1024).metadata
        assert metadata["method"] == "branching"
        assert metadata["states_simulated"] == 4
        assert metadata["copies"] == 3

    def test_until_success(self):
        metadata = assert_same(UNTIL_SUCCESS, shots=300).metadata
        assert metadata["states_simulated"] < 60

    def test_an_outcome_that_all_shots_share_is_no_branch(self):
        body = [gates(["h", 0], ["z", 0], ["h", 0]), Measure(0, 0), gates(["h", 0]), Measure(0, 1)]
        metadata = assert_same(make(body)).metadata
        assert metadata["states_simulated"] == 1
        assert "copies" not in metadata

    def test_terminal_measurements_are_one_branch(self):
        body = [gates(["h", 0], ["h", 1], ["cx", 1, 2]), Measure(0, 0), gates(["ry", 1, 0.3])]
        body += [Measure(2, 2), Measure(1, 1)]
        assert assert_same(make(body)).metadata["states_simulated"] == 1

    def test_spectators_are_no_branches(self):
        # Qubit 0 is measured and then left alone but for controls; qubit 1 goes on.
        body = [gates(["ry", 0, 0.9], ["cx", 0, 1], ["h", 1]), Measure(0, 0), gates(["cx", 0, 1])]
        body += [Measure(1, 1), gates(["cx", 0, 1], ["h", 1]), Measure(1, 2)]
        # Two histories of qubit 1; the outcomes of qubit 0, and the last one, differ within them.
        assert assert_same(make(body), shots=200).metadata["states_simulated"] == 2

    def test_leading_resets_and_known_qubits_take_draws_only(self):
        body = [Reset(0), Reset(1), Prepare((0, 1), np.array([0.6, 0, 0, 0.8]))]
        body += [gates(["x", 2]), Measure(2, 2), Reset(2), Measure(2, 1), Measure(0, 0)]
        metadata = assert_same(make(body)).metadata
        assert metadata["states_simulated"] == 1

    def test_states_alive_stay_few(self):
        body = []
        for _ in range(12):
            body += [gates(["h", 0], ["cx", 0, 1]), Measure(0, 0), Reset(1)]
        run(make(body), shots=500)
        assert NumpyState.most_alive - NumpyState.alive <= 10  # log2(500) + 1

    @pytest.mark.parametrize("program", [TELEPORT, UNTIL_SUCCESS], ids=["fixed", "varying"])
    @pytest.mark.parametrize("states", [1, 2, 3])
    def test_states_alive_stay_within_the_limit(self, program, states):
        outcome = run(program, shots=200, allowance=tight(states=states))
        assert NumpyState.most_alive - NumpyState.alive <= states
        assert states > 1 or "recomputed" in outcome.metadata
        np.testing.assert_array_equal(outcome.memory, run(program, shots=200).memory)

    def test_states_are_gone_afterwards(self):
        gc.collect()
        gc.disable()
        try:
            before = NumpyState.alive
            run(TELEPORT)
            run(UNTIL_SUCCESS)
            assert NumpyState.alive == before
        finally:
            gc.enable()


class TestDeferral:
    @staticmethod
    def marks(*body):
        body = (*body, Measure(2, 2))  # so that something comes after
        code = flatten(make(body), True).instructions[:-2]
        return [item.deferral for item in code if isinstance(item, Draw)]

    def test_measured_and_left_alone(self):
        assert self.marks(gates(["h", 0]), Measure(0, 0), gates(["h", 1])) == [TERMINAL]

    def test_diagonal_gates_and_controls_do_not_matter(self):
        rows = gates(["rz", 0, 0.1], ["cz", 1, 0], ["cx", 0, 1])
        assert self.marks(Measure(0, 0), rows, Measure(0, 1)) == [TERMINAL, TERMINAL]

    def test_a_gate_matters(self):
        assert self.marks(Measure(0, 0), gates(["x", 0])) == [BRANCHES]

    def test_a_condition_matters(self):
        body = [Measure(0, 0), Measure(1, 1), IfElse(BitsEqual((1,), 1), (gates(["x", 2]),))]
        assert self.marks(*body) == [SPECTATOR, BRANCHES]

    def test_a_branching_measurement_of_the_same_qubit_matters(self):
        body = [Measure(0, 0), Measure(0, 1), IfElse(BitsEqual((1,), 1), (gates(["x", 2]),))]
        assert self.marks(*body) == [BRANCHES, BRANCHES]

    def test_a_reset_at_the_end(self):
        assert self.marks(Measure(0, 0), Reset(0), Measure(1, 1)) == [TERMINAL] * 3

    def test_a_reset_of_a_qubit_that_is_used_again(self):
        assert self.marks(Reset(0), gates(["cx", 0, 1]), Measure(1, 0)) == [BRANCHES, TERMINAL]

    def test_what_comes_after_the_last_draw_does_not_matter(self):
        end = IfElse(BitsEqual((0,), 1), (gates(["h", 0], ["h", 1]),))
        assert assert_same(make([gates(["h", 0]), Measure(0, 0), end])).metadata["gates"] == 1

    def test_a_loop_uses_its_beginning_again(self):
        loop = While(BitsEqual((1,), 0), (gates(["h", 0]), Measure(0, 0), Measure(1, 1)))
        assert self.marks(loop) == [BRANCHES, BRANCHES]


class TestDraws:
    @pytest.mark.parametrize(
        "body, count",
        [
            ([], 0),
            ([Measure(0, 0), Reset(0)], 2),
            ([IfElse(BitsEqual((0,), 1), (Measure(0, 0),))], None),
            ([IfElse(BitsEqual((0,), 1), (Measure(0, 0),), (Reset(1),))], 1),
            ([For(((Measure(0, 0),), (Measure(0, 0),)))], 2),
            ([For(((Measure(0, 0), IfElse(BitsEqual((0,), 1), (Break(),))),))], None),
            ([For(((IfElse(BitsEqual((0,), 1), (Break(),)),),))], 0),
            ([While(BitsEqual((0,), 1), (gates(["x", 0]),))], 0),
            ([While(BitsEqual((0,), 1), (Measure(0, 0),))], None),
            ([Switch(Expression("bits", (0,), 1), (((0,), (Reset(0),)),))], None),
            ([Switch(Expression("bits", (0,), 1), (((0,), (Reset(0),)), (None, (Reset(0),))))], 1),
        ],
    )
    def test_count(self, body, count):
        assert count_draws(body) == count


class TestLoops:
    ENDLESS = make([While(BitsEqual((0,), 0), (gates(["h", 0]),))])

    @pytest.mark.parametrize("branching", [True, False])
    def test_too_many_turns(self, branching):
        with pytest.raises(BasicAerError, match=r'"made".*while loop.*max_iterations=5'):
            run(self.ENDLESS, max_iterations=5, branching=branching)

    def test_turns_are_counted_anew_each_time(self):
        turn = While(BitsEqual((0,), 0), (gates(["x", 0]), Measure(0, 0)))
        again = (gates(["x", 0]), Measure(0, 0), turn)
        program = make([For((again, again, again))])
        assert_same(program, max_iterations=1)
        with pytest.raises(BasicAerError, match="max_iterations=0"):
            run(program, max_iterations=0)

    @pytest.mark.parametrize("branching", [True, False])
    @pytest.mark.parametrize("body", [ENDLESS.body[0].body, ()], ids=["gates", "empty"])
    def test_cancel_stops_an_endless_loop(self, body, branching):
        control = Control()
        timer = threading.Timer(0.1, control.cancel)
        timer.start()
        program = make([While(BitsEqual((0,), 0), body)])
        with pytest.raises(Cancelled):
            run(program, control, branching=branching)
        timer.join()

    @pytest.mark.parametrize("word", [Break, Continue])
    def test_outside_of_a_loop(self, word):
        with pytest.raises(BasicAerError, match=f'"made": {word.__name__.lower()}_loop outside'):
            run(make([word()]))

    def test_break_and_continue_leave_the_innermost_loop(self):
        flip = (gates(["x", 0]),)
        inner = For(((*flip, Break(), *flip), flip))
        outer = For(((inner, Continue(), *flip), (inner,), (*flip, Break()), flip))
        # inner flips once, and so do its two turns and the third: x^3.
        program = make([outer, Measure(0, 0)])
        assert assert_same(program).memory.tolist() == [[1]] * 50


@pytest.mark.parametrize("branching", [True, False])
@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize(("bits", "expected"), [(0, 0b0100), (1, 0b0101), (2, 0b1010), (3, 0b1110)])
def test_a_default_is_what_no_case_lists(place, bits, expected, branching):
    """Wherever it is, and whichever way: Qiskit has it last, where the order cannot be told."""
    cases = [((2,), (gates(["x", 3]),)), ((3, 2), (gates(["x", 2], ["x", 3], ["x", 0]),))]
    cases.insert(place, (None, (gates(["x", 2], ["x", 0], ["x", 0]),)))
    flips = [["x", qubit] for qubit in range(2) if bits >> qubit & 1]
    body = [gates(*flips)] if flips else []
    body += [Measure(0, 0), Measure(1, 1), Switch(Expression("bits", (0, 1), 2), tuple(cases))]
    body += [Measure(q, q) for q in range(4)]
    outcome = run(make(body, 4, 4), branching=branching)
    assert outcome.memory.tolist() == [[expected]] * 50


def test_progress_is_told_and_never_falls():
    seen = []

    class Watched(NumpyState):
        def apply(self, *args, **options):
            seen.append(control.progress())
            return super().apply(*args, **options)

    for program in (TELEPORT, UNTIL_SUCCESS, make([gates(["h", 0]), Measure(0, 0)])):
        control = Control()
        execute(Task(program, shots=600, seed=1), control, Watched)
        assert seen == sorted(seen)
        assert 0.99 < control.progress() < 1.0  # all is done, but no job has said that it ended
        seen.clear()
