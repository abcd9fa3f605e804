"""Draws in BasicAer's order, the outcomes they decide, and words of memory."""

from __future__ import annotations

import pickle
import tracemalloc
from itertools import islice

import numpy as np
import pytest
from numpy_state import NumpyState
from qiskit import QuantumCircuit
from random_programs import bits, value

from basicaer import BasicAer
from basicaer._engine import execute, one_pass
from basicaer._engine.control import Cancelled, Control
from basicaer._engine.errors import EngineError
from basicaer._engine.program import BitsEqual, Expression
from basicaer._engine.shots import draws as _sampling
from basicaer._engine.shots.classical import clbits_read, evaluate, gather, holds
from basicaer._engine.shots.draws import (
    Marginals,
    Stream,
    draw_rows,
    memory_rows,
    num_words,
    stream,
    uniforms_of,
)
from basicaer._engine.state.state import State
from basicaer._engine.task import Task
from basicaer._qiskit import result as _result
from basicaer._qiskit.circuits.lower import lower


class TestDraws:
    @pytest.mark.parametrize("block", [1, 7, 1 << 20])
    def test_rows_are_shot_after_shot(self, block, monkeypatch):
        monkeypatch.setattr("basicaer._engine.shots.draws.DRAW_BLOCK", block)
        one_by_one = np.random.RandomState(3)
        rows = draw_rows(np.random.RandomState(3).random_sample, 11, 3)
        for shot in range(11):
            assert rows[:, shot].tolist() == [one_by_one.rand() for _ in range(3)]

    def test_no_draws(self):
        assert draw_rows(np.random.RandomState(3).random_sample, 5, 0).shape == (0, 5)

    def test_stream(self):
        one_by_one = np.random.RandomState(9)
        expected = [one_by_one.rand() for _ in range(3000)]
        assert list(islice(stream(np.random.RandomState(9).random_sample), 3000)) == expected

    @pytest.mark.parametrize("first", [0, 1, 700])
    def test_the_two_generators(self, first):
        for seed, reference in (
            (7, np.random.RandomState(7).random_sample),
            (Stream(7), np.random.default_rng(7).random),
            (Stream([3, 2**70]), np.random.default_rng([3, 2**70]).random),
        ):
            expected = reference(first + 300)[first:]
            take = uniforms_of(seed, first)
            assert np.array_equal(np.concatenate([take(0), take(1), take(299)]), expected)

    def test_places_on_a_stream(self):
        random = np.random.default_rng(7)
        drawn = random.random(50)
        place = Stream(7).after(20)
        assert np.array_equal(uniforms_of(place)(30), drawn[20:])
        assert np.array_equal(uniforms_of(place, 5)(25), drawn[25:])
        assert np.array_equal(uniforms_of(pickle.loads(pickle.dumps(place)))(30), drawn[20:])
        jumped = np.random.Generator(np.random.default_rng(7).bit_generator.jumped(2))
        far = Stream(7).after(None).after(None)
        assert np.array_equal(uniforms_of(far)(30), jumped.random(30))


@pytest.mark.parametrize("state_class", [State, NumpyState])
@pytest.mark.parametrize("qubits", [[0], [1, 3], [0, 1, 2, 3], [2, 3]])
def test_samples_are_those_of_choice(state_class, qubits):
    random = np.random.default_rng(len(qubits))
    amplitudes = random.normal(size=16) + 1j * random.normal(size=16)
    amplitudes[3:6] = 0
    amplitudes /= np.linalg.norm(amplitudes)
    chances = np.zeros(2 ** len(qubits))
    for index, amplitude in enumerate(amplitudes):
        chances[sum(((index >> q) & 1) << i for i, q in enumerate(qubits))] += abs(amplitude) ** 2
    expected = np.random.RandomState(5).choice(len(chances), 1000, p=chances)
    uniforms = np.random.RandomState(5).random_sample(1000)
    got = state_class.from_amplitudes(amplitudes).sampler(qubits, 1000)(uniforms)
    np.testing.assert_array_equal(got, expected)


class TestMarginals:
    PROBABILITIES = np.random.default_rng(1).random(16)

    @pytest.mark.parametrize("first", [0, 1, 2, 3])
    def test_conditional(self, first):
        joint = Marginals(self.PROBABILITIES, first)
        table = self.PROBABILITIES.reshape([2] * 4).transpose()  # axis i is qubit i
        for qubit in range(first, 4):
            for number in range(2**qubit):
                before = tuple((number >> i) & 1 for i in range(qubit))
                chance = table[(*before, 0)].sum() / table[before].sum()
                assert joint.zero_chances(qubit)[number] == pytest.approx(chance)

    def test_decide_alike(self):
        joint = Marginals(self.PROBABILITIES, 0)
        numbers = np.arange(8)
        uniforms = np.random.default_rng(2).random(8)
        many = joint.decide(3, numbers, uniforms)
        assert many.tolist() == [joint.decide_one(3, *pair) for pair in zip(numbers, uniforms)]
        assert joint.decide(0, None, uniforms).tolist() == [
            joint.decide_one(0, 0, uniform) for uniform in uniforms
        ]

    def test_impossible_outcomes_never_come(self):
        edges = np.array([0.0, 1 - 2.0**-53])
        assert Marginals(np.array([0.3, 0.0]), 0).decide(0, None, edges).tolist() == [False] * 2
        assert Marginals(np.array([0.0, 0.3]), 0).decide(0, None, edges).tolist() == [True] * 2


class TestMemory:
    def test_words(self):
        assert [num_words(n) for n in (0, 1, 64, 65, 129)] == [0, 1, 1, 2, 3]

    @pytest.mark.parametrize("seed", range(20))
    def test_rows(self, seed):
        random = np.random.default_rng(seed)
        words = int(random.integers(1, 4))
        count = int(random.integers(0, min(20, 64 * words)))
        clbits = random.permutation(64 * words)[:count].tolist()
        sources = {clbit: int(random.integers(0, 20)) for clbit in clbits}
        bits = int.from_bytes(random.bytes(8 * words), "little")
        numbers = random.integers(0, 2**20, size=30)
        rows = memory_rows(30, words, bits, sources, numbers)
        for row, number in zip(rows.tolist(), numbers.tolist()):
            expected = bits
            for clbit, bit in sources.items():
                expected &= ~(1 << clbit)
                expected |= ((number >> bit) & 1) << clbit
            assert sum(word << (64 * i) for i, word in enumerate(row)) == expected

    def test_no_numbers(self):
        assert memory_rows(2, 1, 0b111, {1: 0}, None).tolist() == [[0b101]] * 2


class TestConditions:
    @pytest.mark.parametrize("clbits", [(), (3,), (2, 3, 4), (5, 0), (70, 1, 71)])
    def test_gather(self, clbits):
        word = 0b1011 << 68 | 0b101101
        expected = sum(((word >> clbit) & 1) << i for i, clbit in enumerate(clbits))
        assert gather(clbits, word) == expected
        assert holds(BitsEqual(clbits, expected), word)
        assert not holds(BitsEqual(clbits, expected + 1), word)

    @pytest.mark.parametrize(
        "name, function",
        [
            ("bit_and", lambda a, b: a & b),
            ("bit_or", lambda a, b: a | b),
            ("bit_xor", lambda a, b: a ^ b),
            ("equal", lambda a, b: a == b),
            ("not_equal", lambda a, b: a != b),
            ("less", lambda a, b: a < b),
            ("less_equal", lambda a, b: a <= b),
            ("greater", lambda a, b: a > b),
            ("greater_equal", lambda a, b: a >= b),
        ],
    )
    def test_of_two_numbers(self, name, function):
        width = 3 if name.startswith("bit") else 1
        tree = Expression(name, (bits(0, 1, 2), bits(3, 4, 5)), width)
        for word in range(64):
            assert evaluate(tree, word) == function(word & 7, word >> 3)

    def test_logic(self):
        for word in range(4):
            left, right = word & 1, word >> 1
            for name, expected in (("logic_and", left & right), ("logic_or", left | right)):
                assert evaluate(Expression(name, (bits(0), bits(1)), 1), word) == expected
            assert evaluate(Expression("logic_not", (bits(0),), 1), word) == 1 - left

    def test_not_stays_within_its_width(self):
        assert evaluate(Expression("bit_not", (bits(0, 1, 2),), 3), 0b010) == 0b101

    def test_cast(self):
        assert evaluate(Expression("cast", (bits(0, 1, 2), 2), 2), 0b111) == 0b11
        assert evaluate(Expression("cast", (bits(0), 8), 8), 1) == 1
        assert evaluate(Expression("equal", (bits(0, 1), value(3, 2)), 1), 3) == 1

    def test_clbits_read(self):
        tree = Expression("equal", (Expression("cast", (bits(1, 4), 8), 8), value(3, 8)), 1)
        assert clbits_read(tree) == 0b10010
        assert clbits_read(BitsEqual((0, 70), 2)) == 1 | 1 << 70

    def test_unknown_operator(self):
        with pytest.raises(EngineError, match="'power'; known are bits"):
            evaluate(Expression("power", (bits(0), value(1, 1)), 1), 0)


def test_shots_drawn_in_parts_are_those_drawn_at_once(monkeypatch):
    """Very many shots are drawn, counted and listed in chunks, so that they can be cancelled."""
    circuit = QuantumCircuit(3, 3)
    for qubit in range(3):
        circuit.ry(0.3 + qubit, qubit)
    circuit.cx(0, 2)
    circuit.measure([2, 0, 1], [0, 1, 2])
    backend = BasicAer.get_backend("qasm_simulator")

    def outcomes():
        result = backend.run(circuit, shots=1001, seed_simulator=5, memory=True).result()
        return list(result.data()["counts"].items()), result.get_memory()

    expected = outcomes()
    monkeypatch.setattr(one_pass, "SHOTS_AT_ONCE", 100)
    monkeypatch.setattr(_result, "_COUNTED_AT_ONCE", 70)
    monkeypatch.setattr(_result, "_LISTED_AT_ONCE", 30)
    assert outcomes() == expected


def test_large_registers_drawn_in_parts():
    """The same without a table of all probabilities."""
    rng = np.random.default_rng(8)
    amplitudes = rng.normal(size=1 << 18) + 1j * rng.normal(size=1 << 18)
    state = State.from_amplitudes(amplitudes / np.linalg.norm(amplitudes))
    uniforms = rng.random(5000)
    qubits = tuple(range(18))
    sample = state.sampler(qubits, 700, threads=2)
    parts = [sample(uniforms[first : first + 700]) for first in range(0, 5000, 700)]
    np.testing.assert_array_equal(np.concatenate(parts), state.sampler(qubits, 5000)(uniforms))


def test_draws_from_large_registers_take_no_more_memory_than_is_counted():
    """The formula counts a word of memory and 56 bytes per shot, uniforms included."""
    shots = 100_000
    state = State.from_amplitudes(np.full(1 << 18, 2.0**-9))
    sample = state.sampler(tuple(range(18)), shots)
    uniforms = np.random.default_rng(1).random(shots)
    tracemalloc.start()
    try:
        outcomes = sample(uniforms)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak + uniforms.nbytes < (8 + 56) * shots
    assert len(np.unique(outcomes)) > shots // 2


def test_uniforms_of_very_many_shots_look_whether_they_are_wanted(monkeypatch):
    monkeypatch.setattr(_sampling, "DRAW_BLOCK", 30)
    looks = []
    take = np.random.RandomState(1).random_sample
    rows = _sampling.draw_rows(take, 100, 3, lambda: looks.append(1))
    np.testing.assert_array_equal(rows, np.random.RandomState(1).random_sample((100, 3)).T)
    assert len(looks) == 10


@pytest.mark.parametrize("stage", ["draw", "count", "list"])
def test_very_many_shots_are_cancelled_in_any_stage(monkeypatch, stage):
    control = Control()
    circuit = QuantumCircuit(2, 2)
    circuit.h(0)
    circuit.measure([0, 1], [0, 1])
    program = lower(circuit)
    monkeypatch.setattr(one_pass, "SHOTS_AT_ONCE", 10)
    monkeypatch.setattr(_result, "_COUNTED_AT_ONCE", 10)
    monkeypatch.setattr(_result, "_LISTED_AT_ONCE", 10)
    if stage == "draw":
        drawn = []

        class Cancels(State):
            def sampler(self, qubits, draws, threads=1):
                sample = super().sampler(qubits, draws, threads)

                def first_and_cancel(uniforms):
                    drawn.append(len(uniforms))
                    control.cancel()
                    return sample(uniforms)

                return first_and_cancel

        with pytest.raises(Cancelled):
            execute.execute(Task(program, shots=100), control, Cancels)
        assert drawn == [10]
        return
    words = np.arange(100, dtype=np.uint64).reshape(100, 1)
    control.cancel()
    with pytest.raises(Cancelled):
        (_result.tally if stage == "count" else _result.listing)(words, control.check)
