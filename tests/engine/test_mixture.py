"""The exact mixture of final states, against density matrices: one for each value of the clbits."""

from __future__ import annotations

import itertools
import threading
import time

import numpy as np
import oracle
import pytest
from numpy_state import NumpyState
from random_programs import Maker, bits, gates, value
from test_stores import Storing

from basicaer._engine.control import Cancelled, Control
from basicaer._engine.errors import EngineError
from basicaer._engine.final_states import ending_of, final_states, mixed_ending_of, states_alive
from basicaer._engine.program import (
    BitsEqual,
    Break,
    Continue,
    Expression,
    For,
    Gates,
    IfElse,
    Measure,
    Prepare,
    Program,
    Reset,
    Store,
    Switch,
    While,
)
from basicaer._engine.shots import mixture as _mixture
from basicaer._engine.shots.classical import evaluate, holds, stored


class Density:
    """What a program makes of unnormalised density matrices, one for each value of the clbits."""

    def __init__(self, num_qubits):
        self.num_qubits = num_qubits

    def final(self, program):
        start = np.zeros((1 << program.num_qubits,) * 2, dtype=complex)
        start[0, 0] = 1
        parts, breaks, continues = self.body(program.body, {0: start})
        assert not breaks and not continues
        return sum(parts.values())

    def body(self, body, parts):
        """Returns what falls through a body, and what leaves it by break and by continue."""
        breaks, continues = {}, {}
        for operation in body:
            if isinstance(operation, Break):
                return {}, added(breaks, parts), continues
            if isinstance(operation, Continue):
                return {}, breaks, added(continues, parts)
            parts, leaving, going_on = self.step(operation, parts)
            added(breaks, leaving)
            added(continues, going_on)
        return parts, breaks, continues

    def step(self, operation, parts):
        if isinstance(operation, (For, While)):
            return self.loop(operation, parts), {}, {}
        out, breaks, continues = {}, {}, {}
        for word, rho in parts.items():
            chosen = None
            if isinstance(operation, IfElse):
                holding = holds(operation.condition, word)
                chosen = operation.true_body if holding else operation.false_body
            elif isinstance(operation, Switch):
                found = evaluate(operation.target, word)
                fitting = [body for values, body in operation.cases if values and found in values]
                default = [body for values, body in operation.cases if values is None]
                chosen = (fitting + default + [()])[0]
            if chosen is None:
                added(out, self.simple(operation, word, rho))
                continue
            for into, found in zip((out, breaks, continues), self.body(chosen, {word: rho})):
                added(into, found)
        return out, breaks, continues

    def loop(self, operation, parts):
        out = {}
        if isinstance(operation, For):
            for body in operation.bodies:
                parts, breaks, continues = self.body(body, parts)
                added(parts, continues)
                added(out, breaks)
            return added(out, parts)
        while sum(np.trace(rho).real for rho in parts.values()) > 1e-17:
            entered = {}
            for word, rho in parts.items():
                added(entered if holds(operation.condition, word) else out, {word: rho})
            parts, breaks, continues = self.body(operation.body, entered)
            added(parts, continues)
            added(out, breaks)
        return out

    def simple(self, operation, word, rho):
        if isinstance(operation, Gates):
            for matrix, qubits in oracle.gate_matrices(operation):
                rho = between(matrix, qubits, rho)
            return {word: rho}
        if isinstance(operation, Store):
            return {stored(operation.clbits, evaluate(operation.value, word), word): rho}
        if isinstance(operation, Prepare):
            column = np.zeros((len(operation.amplitudes),) * 2, dtype=complex)
            column[:, 0] = operation.amplitudes
            return {word: between(column, list(operation.qubits), rho)}
        zero, one = (between(np.diag(p), [operation.qubit], rho) for p in ([1, 0], [0, 1]))
        if isinstance(operation, Reset):
            return {word: zero + between(np.array([[0, 1], [1, 0]]), [operation.qubit], one)}
        mask = 1 << operation.clbit
        return added({word & ~mask: zero}, {word | mask: one})


def between(matrix, qubits, rho):
    half = oracle.apply_matrix(rho, matrix, qubits)
    return oracle.apply_matrix(half.conj().T, matrix, qubits).conj().T


def added(into, parts):
    for word, rho in parts.items():
        if np.trace(rho).real > 1e-20:
            into[word] = into.get(word, 0) + rho
    return into


def density_of(program, state_class=NumpyState, **options):
    """Returns the density matrix of the mixture."""
    rho = np.zeros((1 << program.num_qubits,) * 2, dtype=complex)
    for weight, state in final_states(program, state_class=state_class, **options):
        amplitudes = state.to_array()
        rho += weight * np.outer(amplitudes, amplitudes.conj())
        del state
    return rho


def make(*body, num_qubits=3, num_clbits=3):
    return Program(num_qubits, num_clbits, body, name="made", samples=False)


def random_program(kind, seed, fixed=False):
    """Returns a short random program with gates at its end: no measurement is the last of all."""
    maker = kind(seed, fixed)
    while True:
        maker.num_qubits = int(maker.random.integers(1, 4))
        first, last = (
            gates(*[["ry", qubit, angle + 0.3 * qubit] for qubit in range(maker.num_qubits)])
            for angle in (1.2, 0.4)
        )
        body = maker.body(int(maker.random.integers(2, 7)), 1 + seed % 2, False)
        program = make(first, *body, last, num_qubits=maker.num_qubits, num_clbits=maker.num_clbits)
        some = list(itertools.islice(final_states(program, state_class=NumpyState), 300))
        if 1 < len(some) < 300:
            return program


def assert_exact(program, **options):
    expected = Density(program.num_qubits).final(program)
    np.testing.assert_allclose(density_of(program, **options), expected, rtol=0, atol=1e-12)


H0, X1 = gates(["h", 0]), gates(["x", 1])


def is_one(clbit):
    return BitsEqual((clbit,), 1)


# --- against density matrices --------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(60))
@pytest.mark.parametrize("kind", [Maker, Storing])
def test_random_programs(kind, seed):
    assert_exact(random_program(kind, seed, fixed=seed % 3 == 0))


@pytest.mark.parametrize("seed", range(60, 80))
def test_the_engine_s_own_states(seed):
    from basicaer._engine.state.state import State

    program = random_program(Storing, seed)
    assert_exact(program, state_class=State, control=Control())


def test_one_state_for_what_draws_nothing():
    program = make(Reset(1), gates(["h", 0], ["cx", 0, 1]), IfElse(is_one(0), (H0,), (X1,)))
    assert mixed_ending_of(program).states == 1
    assert_exact(program)
    assert len(list(final_states(program, state_class=NumpyState))) == 1


def test_an_outcome_that_is_impossible_is_no_branch():
    program = make(H0, Measure(0, 0), Measure(0, 1), H0, H0, Measure(0, 2), H0)
    weights = [weight for weight, _ in final_states(program, state_class=NumpyState)]
    assert weights == pytest.approx([0.5, 0.5])
    assert_exact(program)


def test_a_loop_that_counts():
    count = Expression("add", (bits(0, 1), value(1, 2)), 2)
    less = Expression("less", (bits(0, 1), value(3, 2)), 1)
    turn = (gates(["ry", 0, 0.5]), Store((0, 1), count))
    program = make(While(less, turn))
    assert_exact(program)
    (found,) = final_states(program)
    assert found[1].to_array()[1] == pytest.approx(np.sin(0.75))


# --- measurements at the end ---------------------------------------------------------------------


def test_measurements_at_the_end_are_left_out():
    teleported = make(
        gates(["ry", 0, 0.8], ["h", 1], ["cx", 1, 2], ["cx", 0, 1], ["h", 0]),
        Measure(0, 0),
        Measure(1, 1),
        IfElse(is_one(1), (gates(["x", 2]),)),
        IfElse(is_one(0), (gates(["z", 2]),)),
    )
    measured = make(*teleported.body, Measure(2, 2), Measure(2, 0))
    ending = mixed_ending_of(measured)
    assert (ending.qubits, ending.states, ending.why) == ({}, 3, None)
    np.testing.assert_array_equal(density_of(measured), density_of(teleported))
    assert len(list(final_states(measured))) == 4


@pytest.mark.parametrize(
    ("after", "left_out"),
    [
        ((), True),
        ((Measure(0, 1),), True),
        ((Measure(1, 0),), True),
        ((IfElse(is_one(1), (X1,)),), True),
        ((gates(["x", 1]),), True),
        ((gates(["z", 0]),), False),
        ((Reset(0),), False),
        ((Reset(0), Prepare((0,), np.array([0.6, 0.8]))), False),
        ((IfElse(is_one(0), (X1,)),), False),
        ((IfElse(is_one(1), (H0,)),), False),
        ((Switch(bits(0, 1), (((3,), (X1,)),)),), False),
        ((Store((1,), bits(0)),), False),
        ((Measure(0, 1), gates(["x", 0])), False),
        ((Measure(0, 1), IfElse(is_one(1), (X1,))), False),
    ],
)
def test_which_measurements_are_at_the_end(after, left_out):
    """Qubit 2 is in any case measured in the middle."""
    first = (gates(["h", 2]), Measure(2, 2), gates(["h", 2]))
    program = make(*first, H0, Measure(0, 0), *after)
    unmeasured = [each for each in after if not isinstance(each, Measure)]
    found = density_of(program)
    if left_out:
        expected = Density(3).final(make(*first, H0, *unmeasured))
    else:
        expected = Density(3).final(program)
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_measurements_in_a_loop_are_followed_by_its_beginning():
    turn = (gates(["h", 0]), Measure(0, 0))
    program = make(gates(["h", 1]), Measure(1, 1), For((turn, turn)), gates(["x", 1]))
    endless = make(gates(["h", 1]), Measure(1, 0), While(is_one(0), (*turn, X1)))
    # The last measurement of qubit 0 is left out.
    states = list(final_states(program))
    assert len(states) == 4
    assert_exact(endless)


# --- loops, limits -------------------------------------------------------------------------------


UNTIL_ZERO = (H0, Measure(0, 0), While(is_one(0), (X1, gates(["ry", 0, 0.6]), Measure(0, 0))))


def test_a_loop_whose_probability_to_go_on_falls():
    """It goes on with probability cos(0.3)**2 = 0.91; that falls below 1e-18 after 454 turns."""
    found = [(weight, 1) for weight, _ in final_states(make(*UNTIL_ZERO))]
    assert 400 < len(found) < 460
    assert sum(weight for weight, _ in found) == pytest.approx(1, abs=1e-12)
    assert_exact(make(*UNTIL_ZERO), state_class=NumpyState)


def test_a_loop_that_never_ends(monkeypatch):
    monkeypatch.setattr(_mixture, "MOST_TURNS", 5000)
    with pytest.raises(EngineError, match=r'"made": while loop 1 of 1 .* goes on after 5000 turns'):
        list(final_states(make(While(BitsEqual((0,), 0), ()))))


def test_a_loop_that_goes_on_too_likely(monkeypatch):
    monkeypatch.setattr(_mixture, "MOST_TURNS", 50)
    with pytest.raises(EngineError, match=r'"made": while loop 1 of 1 .* goes on after 50 turns'):
        list(final_states(make(*UNTIL_ZERO)))


def test_a_loop_with_too_many_histories(monkeypatch):
    monkeypatch.setattr(_mixture, "MOST_FORKS", 200)
    program = make(While(BitsEqual((2,), 0), (H0, Measure(0, 0))))
    with pytest.raises(EngineError, match=r'"made": its while loops have more than 200 possible'):
        list(final_states(program))
    straight = make(*[H0, Measure(0, 0)] * 9, H0)
    assert len(list(final_states(straight))) == 512


@pytest.mark.parametrize(
    "body", [(), (H0,), (H0, Measure(0, 0))], ids=["nothing", "gates", "measurements"]
)
def test_cancel_stops_an_endless_loop(body, monkeypatch):
    for name in ("MOST_TURNS", "MOST_FORKS"):
        monkeypatch.setattr(_mixture, name, 1 << 60)
    control = Control()
    threading.Timer(0.1, control.cancel).start()
    begun = time.perf_counter()
    with pytest.raises(Cancelled):
        list(final_states(make(While(BitsEqual((2,), 0), body)), control=control))
    assert time.perf_counter() - begun < 30


def test_a_division_by_0_names_the_circuit():
    by_zero = Expression("div", (value(1, 2), bits(0, 1)), 2)
    with pytest.raises(EngineError, match=r'circuit "made": a classical expression divides 1 by 0'):
        list(final_states(make(Store((0, 1), by_zero))))


# --- memory --------------------------------------------------------------------------------------


class Counted(NumpyState):
    """A state of which no more exist at once than is counted."""


@pytest.mark.parametrize("seed", range(40))
def test_states_stay_within_what_is_counted(seed):
    program = random_program(Storing, 100 + seed)
    counted = states_alive(program)
    Counted.alive = Counted.most_alive = 0
    for _, state in final_states(program, state_class=Counted, most_states=counted):
        assert state.num_qubits == program.num_qubits  # it is held until the next is asked for
    assert 1 < Counted.most_alive <= counted


@pytest.mark.parametrize(
    ("body", "states"),
    [
        ((H0, Measure(0, 0), H0), 2),
        ((Measure(0, 0), H0), 1),
        ((H0, Measure(0, 0), IfElse(is_one(0), (H0, Reset(0), H0, Reset(0)), (Reset(0),))), 4),
        ((H0, Measure(0, 0), H0, Switch(bits(0), (((0,), (Reset(0),)), (None, ())))), 3),
        ((For(((H0, Measure(0, 0)),) * 5), H0), 6),
        ((For(((Reset(0), H0),) * 5),), 5),
        ((For(((H0, Reset(0)),) * 500), H0), 61),
        (UNTIL_ZERO, 61),
        ((H0, Measure(0, 0), While(is_one(0), (X1, Store((0,), value(0, 1))))), 2),
        ((X1, While(is_one(0), (Reset(0), H0))), 61),
    ],
)
def test_states_that_are_counted(body, states):
    assert mixed_ending_of(make(*body)).states == states


def test_a_loop_that_ends_late_holds_few_states():
    """The branch that leaves the loop is the less probable one, and goes on first."""
    Counted.alive = Counted.most_alive = 0
    assert sum(1 for _ in final_states(make(*UNTIL_ZERO), state_class=Counted)) > 400
    # One waits from the first measurement on, one is the caller's, two are in the loop.
    assert Counted.most_alive == 4


def test_the_most_states_are_reached(monkeypatch):
    """The less probable branch goes on first, so that the others wait."""
    program = make(While(BitsEqual((2,), 0), (gates(["h", 0]), Measure(0, 0))))
    Counted.alive = Counted.most_alive = 0
    monkeypatch.setattr(_mixture, "MOST_FORKS", 5000)
    some = final_states(program, state_class=Counted)
    with pytest.raises(EngineError, match="possible histories"):
        list(some)
    assert 50 < Counted.most_alive <= states_alive(program) == 61


def test_no_room():
    program = make(*[H0, Measure(0, 0)] * 5, H0)
    with pytest.raises(EngineError, match=r'"made" measures or resets .* up to 6 .* room for 3'):
        list(final_states(program, most_states=3))


# --- who may ask ---------------------------------------------------------------------------------


def test_endings():
    measured = make(H0, Measure(0, 0), H0)
    assert ending_of(measured).why == "it goes on with qubit 0 after measuring it"
    assert ending_of(make(*UNTIL_ZERO)).why == "it has conditions or control flow"
    assert mixed_ending_of(measured) == ({}, 2, 0, None, False)
    assert mixed_ending_of(make(*UNTIL_ZERO)).loops
    plain = make(H0, Reset(0), X1, Measure(1, 2))
    assert mixed_ending_of(plain) == ending_of(plain) == ({2: 1}, 2, 1, None, False)
