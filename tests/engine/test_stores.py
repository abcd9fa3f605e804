"""Values stored to clbits, and the expressions they are computed by, in each way to run shots."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from numpy_state import NumpyState
from random_programs import Maker, bits, gates, value
from test_branches import assert_same, tight

from basicaer._engine import costs
from basicaer._engine.control import Control
from basicaer._engine.errors import EngineError
from basicaer._engine.execute import Task, execute, splits
from basicaer._engine.final_states import check_pure
from basicaer._engine.program import (
    BitsEqual,
    Break,
    Expression,
    For,
    IfElse,
    Measure,
    Program,
    Reset,
    Store,
    While,
    only_ends_in_measurements,
)
from basicaer._engine.shots.classical import OPERATORS, clbits_read, evaluate, stored
from basicaer._engine.shots.flatten import count_draws, flatten
from basicaer._engine.shots.instructions import BRANCHES, SPECTATOR, TERMINAL, Draw

BINARY = sorted(OPERATORS - {"bit_not", "logic_not", "div"})
BOTH = pytest.mark.parametrize("branching", [True, False], ids=["branching", "shot by shot"])


class Storing(Maker):
    """Makes random programs, a third of whose operations are stores."""

    def body(self, length, depth, in_loop):
        made = super().body(length, depth, in_loop)
        return [each for operation in made for each in self.perhaps_after(operation)]

    def perhaps_after(self, operation):
        if self.random.random() < 0.5 and not isinstance(operation, Break):
            return [operation, self.store()]
        return [operation]

    def store(self):
        random = self.random
        count = int(random.integers(1, len(self.clbits) + 1))
        place = tuple(random.permutation(self.clbits)[:count].tolist())
        return Store(place, self.expression(count, int(random.integers(0, 3))))

    def expression(self, width, depth):
        random = self.random
        roll = random.random()
        if not depth:
            if roll < 0.3:
                return value(int(random.integers(2**width)), width)
            chosen = [self.clbit() for _ in range(width)]
            return bits(*chosen)
        if roll < 0.2:
            return Expression("bit_not", (self.expression(width, depth - 1),), width)
        if roll < 0.3:
            return Expression("cast", (self.expression(4, depth - 1), width), width)
        if roll < 0.4:
            inner = Expression("cast", (self.expression(4, depth - 1), 4), 4)
            return Expression("index", (inner, self.expression(2, depth - 1)), 1)
        name = str(random.choice(BINARY))
        operands = tuple(self.expression(width, depth - 1) for _ in range(2))
        result = width if name[:3] in ("bit", "add", "sub", "mul", "shi") else 1
        return Expression(name, operands, result)


def run(program, state_class=NumpyState, **options):
    options.setdefault("shots", 50)
    return execute(Task(program, **options), Control(), state_class)


def make(*body, num_qubits=3, num_clbits=3):
    return Program(num_qubits, num_clbits, body, name="made", samples=False)


# --- the ways to run shots are equal -------------------------------------------------------------


@pytest.mark.parametrize("fixed", [True, False], ids=["fixed", "any"])
@pytest.mark.parametrize("seed", range(120))
def test_shots_that_share_their_past(seed, fixed):
    program = Storing(seed, fixed=fixed).program()
    assert not fixed or count_draws(program.body) is not None
    assert_same(program, seed=seed)


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize(
    "limits",
    [{"states": 1}, {"states": 2}, {"states": 3, "nodes": 4}, {"table": 1}, {"uniforms": 512}],
    ids=str,
)
def test_within_limits(seed, limits):
    assert_same(Storing(seed, fixed=seed % 2 == 0).program(), seed=seed, allowance=tight(**limits))


@pytest.mark.parametrize("seed", range(30))
def test_branches_on_threads(seed, monkeypatch):
    monkeypatch.setitem(costs.THREADS_WORK, "branches", 0)
    monkeypatch.setattr("basicaer._engine.memory.GROUPS_PER_THREAD", 1)
    assert_same(Storing(seed, fixed=True).program(), seed=seed, threads=3)


@pytest.mark.parametrize("seed", range(30))
def test_shots_in_parts(seed):
    program = Storing(seed, fixed=True).program()
    whole = run(program, seed=seed)
    task = Task(program, shots=50, seed=seed)
    assert splits(task)
    for first, last in ((0, 20), (20, 50)):
        part = run(program, seed=seed, part=(first, last))
        np.testing.assert_array_equal(part.memory, whole.memory[first:last])


@pytest.mark.parametrize("seed", range(40))
def test_one_shot_and_its_state(seed):
    program = Storing(seed).program()
    state = run(program, seed=seed, output="statevector")
    one = run(program, seed=seed, shots=1)
    np.testing.assert_array_equal(state.memory, one.memory)
    mirrored = Program(program.num_qubits, program.num_clbits, program.body, samples=False)
    again = run(pickle.loads(pickle.dumps(mirrored)), seed=seed, output="statevector")
    np.testing.assert_allclose(
        state.array, again.array * np.exp(1j * program.global_phase), atol=1e-12
    )


@pytest.mark.parametrize("seed", range(40))
def test_the_engine_s_own_states(seed):
    from basicaer._engine.state.state import State

    program = Storing(seed).program()
    branched = run(program, State, seed=seed)
    alone = run(program, seed=seed, branching=False)
    np.testing.assert_array_equal(branched.memory, alone.memory)


# --- what is stored ------------------------------------------------------------------------------

WIDTH = 4
FORMULAS = {
    "bit_and": lambda a, b: a & b,
    "bit_or": lambda a, b: a | b,
    "bit_xor": lambda a, b: a ^ b,
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a // np.maximum(b, 1),
    "shift_left": lambda a, b: a * 2**b,
    "shift_right": lambda a, b: a // 2**b,
    "index": lambda a, b: (a // 2**b) % 2,
    "less": lambda a, b: a < b,
    "logic_and": lambda a, b: (a > 0) & (b > 0),
}


@BOTH
@pytest.mark.parametrize("name", FORMULAS)
def test_values(name, branching):
    """Of two random numbers of four bits, against NumPy."""
    first, second = tuple(range(4)), tuple(range(4, 8))
    right = bits(*second)
    if name == "index":
        right = bits(*second[:2])
    elif name == "div":  # no division by 0
        right = Expression("bit_or", (right, value(1, WIDTH)), WIDTH)
    body = [gates(*[["h", q] for q in range(8)]), *[Measure(q, q) for q in range(8)]]
    result = 1 if name in ("index", "less", "logic_and") else WIDTH
    body.append(Store((9, 8, 11, 10), Expression(name, (bits(*first), right), result)))
    outcome = run(make(*body, num_qubits=8, num_clbits=12), shots=400, branching=branching)
    memory = outcome.memory[:, 0].astype(np.int64)
    a, b, c = memory & 15, memory >> 4 & 15, memory >> 8
    found = (c >> 1 & 1) | (c & 1) << 1 | (c >> 3) << 2 | (c >> 2 & 1) << 3
    b = b & 3 if name == "index" else b | 1 if name == "div" else b
    np.testing.assert_array_equal(found, FORMULAS[name](a, b) % 16)
    assert len(set(found.tolist())) > 1


def test_a_value_may_read_what_it_is_written_to():
    swap = Store((0, 1), bits(1, 0))
    program = make(gates(["h", 0], ["h", 1]), Measure(0, 0), Measure(1, 1), Measure(0, 2), swap)
    memory = assert_same(program, shots=100).memory[:, 0]
    assert set(memory.tolist()) == {0b000, 0b001, 0b110, 0b111}


def test_bits_beyond_the_clbits_are_left_out():
    assert stored((2, 0), 0b111, 0b0010) == 0b0111
    assert stored((2, 0), 0b01, 0b1001) == 0b1100
    assert stored((70,), 1, 1) == 1 << 70 | 1
    assert stored((), 5, 3) == 3


def test_clbits_that_a_value_reads():
    shifted = Expression("shift_left", (bits(1, 4), bits(70)), 2)
    assert clbits_read(Expression("index", (shifted, value(0, 1)), 1)) == 0b10010 | 1 << 70


@pytest.mark.parametrize("amount", [4, 5, 2**60])
def test_a_shift_by_more_than_all_bits(amount):
    for name in ("shift_left", "shift_right"):
        assert evaluate(Expression(name, (value(15, 4), value(amount, 61)), 4), 0) == 0
    assert evaluate(Expression("shift_left", (value(15, 4), value(3, 61)), 4), 0) == 8


@pytest.mark.parametrize("options", [{}, {"branching": False}, {"threads": 3}], ids=str)
@pytest.mark.parametrize(
    ("expression", "words"),
    [
        (Expression("div", (value(6, 3), bits(0, 1)), 3), "divides 6 by 0"),
        (Expression("index", (bits(0, 1), value(2, 2)), 1), "uses bit 2 of a value of 2 bits"),
    ],
    ids=["division", "index"],
)
def test_no_value(expression, words, options, monkeypatch):
    monkeypatch.setitem(costs.THREADS_WORK, "branches", 0)
    for item in (Store((0,), expression), IfElse(expression, ())):
        # It comes after shots have parted.
        program = make(gates(["h", 2]), Measure(2, 2), gates(["h", 2]), item, Measure(2, 2))
        with pytest.raises(EngineError, match=f'circuit "made": a classical expression {words}'):
            run(program, **options)
    fine = make(Store((0,), value(1, 1)), Measure(2, 2))
    assert run(fine, **options).memory.tolist() == [[1]] * 50


# --- stores and what follows ---------------------------------------------------------------------


@BOTH
def test_conditions_see_what_is_stored(branching):
    flip = (gates(["x", 1]),)
    body = [Store((0, 1), value(2, 2)), IfElse(BitsEqual((0, 1), 2), flip), Measure(1, 2)]
    assert run(make(*body), branching=branching).memory.tolist() == [[0b110]] * 50


@BOTH
def test_a_loop_that_counts(branching):
    """The clbits hold the number of turns; a break leaves at five."""
    more = Store((0, 1, 2), Expression("add", (bits(0, 1, 2), value(1, 3)), 3))
    leave = IfElse(BitsEqual((0, 1, 2), 5), (Break(),))
    loop = While(
        Expression("less", (bits(0, 1, 2), value(7, 3)), 1), (gates(["x", 0]), more, leave)
    )
    body = [loop, Measure(0, 3)]
    memory = run(make(*body, num_clbits=4), branching=branching, max_iterations=5).memory
    assert memory.tolist() == [[0b1101]] * 50


@BOTH
def test_stores_after_the_last_draw(branching):
    invert = Store((1,), Expression("bit_not", (bits(0),), 1))
    inside = IfElse(BitsEqual((0,), 1), (gates(["x", 0]), Store((2,), value(1, 1))))
    for end, expected in [((invert,), {0b010, 0b001}), ((inside,), {0b000, 0b101})]:
        program = make(gates(["h", 0]), Measure(0, 0), *end)
        assert set(run(program, branching=branching).memory[:, 0].tolist()) == expected


def test_no_sampling_where_a_value_is_stored():
    body = (gates(["h", 0]), Measure(0, 0), Store((1,), bits(0)))
    assert not only_ends_in_measurements(body)
    assert not only_ends_in_measurements((Store((1,), value(1, 1)), Measure(0, 0)))
    outline = make(*body).outline
    assert not outline.is_one_pass and outline.num_gates == 1
    assert count_draws(body) == 1 and count_draws([For((body, body))]) == 2


class TestDeferral:
    @staticmethod
    def marks(*body):
        body = (*body, Measure(2, 2))
        code = flatten(make(*body), True).instructions
        return [item.deferral for item in code if isinstance(item, Draw)]

    def test_what_is_stored_elsewhere_is_read(self):
        assert self.marks(Measure(0, 0), Store((1,), bits(0))) == [BRANCHES, TERMINAL]

    def test_what_is_written_over_is_not(self):
        assert self.marks(Measure(0, 0), Store((0,), bits(1))) == [TERMINAL, TERMINAL]

    def test_a_store_that_nothing_follows(self):
        code = flatten(make(Measure(0, 0), Store((1,), bits(0))), True).instructions
        assert [type(item).__name__ for item in code] == ["Draw", "Store", "End"]
        assert code[0].deferral == BRANCHES

    def test_spectators(self):
        body = [Measure(0, 0), Measure(1, 1), Store((0,), bits(1))]
        assert self.marks(*body) == [SPECTATOR, BRANCHES, TERMINAL]

    def test_a_deferred_outcome_is_written_over(self):
        body = [gates(["h", 0], ["h", 1]), Measure(0, 0), Measure(1, 1)]
        body += [Store((0,), value(1, 1)), Measure(1, 2)]
        outcome = assert_same(make(*body), shots=200)
        assert outcome.metadata["states_simulated"] == 1
        assert set(outcome.memory[:, 0].tolist()) == {0b001, 0b111}


def test_a_store_has_no_final_state_to_take_expectation_values_of():
    program = make(Reset(0), Store((0,), value(1, 1)))
    for measured in (True, False):
        with pytest.raises(EngineError, match=r'"made".*a value is stored to classical bits'):
            check_pure(program, measured=measured)
