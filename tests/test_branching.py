"""Shots that share their past get the outcomes that they would get alone."""

from __future__ import annotations

import numpy as np
import pytest
from numpy_state import NumpyState
from random_programs import Maker, gates

from basicaer._execution import Task, execute
from basicaer._flow import BRANCHES, SPECTATOR, TERMINAL, Draw, count_draws, flatten
from basicaer._pool import Cancelled, Control
from basicaer._program import (
    BitsEqual,
    Break,
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
        limit = states * 16 * max(8, 2**program.num_qubits)
        assert_same(program, seed=seed, memory_limit=limit)

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
    def test_uniforms_in_several_turns(self, seed, monkeypatch):
        monkeypatch.setattr("basicaer._execution._UNIFORM_BYTES", 512)
        assert_same(Maker(seed, fixed=True).program(), seed=seed)

    @pytest.mark.parametrize("seed", range(30))
    def test_few_nodes_and_snapshots(self, seed, monkeypatch):
        monkeypatch.setattr("basicaer._in_order._MOST_NODES", 4)
        monkeypatch.setattr("basicaer._in_order._MOST_SNAPSHOTS", 2)
        assert_same(Maker(seed).program(), seed=seed)

    @pytest.mark.parametrize("seed", range(30))
    def test_few_spectators(self, seed, monkeypatch):
        monkeypatch.setattr("basicaer._branching._MOST_SPECTATORS", 1)
        assert_same(Maker(seed).program(), seed=seed)
