"""Operations of a state other than gates, against numpy."""

from __future__ import annotations

import itertools

import numpy as np
import oracle
import pytest
from numpy_state import NumpyState

import basicaer._engine.state.state as state_module
from basicaer._engine import costs
from basicaer._engine.state.state import State

pytestmark = pytest.mark.usefixtures("build")


@pytest.fixture(autouse=True)
def threads_and_parts_for_any_size(monkeypatch):
    monkeypatch.setitem(costs.THREADS_WORK, "state", 0)
    monkeypatch.setattr(state_module, "_CHUNK", 64)


def tolerance(precision):
    return 1e-13 if precision == "double" else 1e-6


@pytest.mark.parametrize("num_qubits", range(8))
def test_in_and_out(precision, num_qubits):
    amplitudes = oracle.random_state(num_qubits, 1)
    got = State.from_amplitudes(amplitudes, precision).to_array()
    assert got.shape == (2**num_qubits,) and got.flags.c_contiguous and got.flags.writeable
    np.testing.assert_array_equal(got, amplitudes.astype(got.dtype))


@pytest.mark.parametrize("chop", [0.0, 1e-15, 0.1, 10])
@pytest.mark.parametrize("threads", [1, 2])
def test_small_amplitudes_are_chopped(precision, monkeypatch, chop, threads):
    monkeypatch.setitem(costs.THREADS_WORK, "state", 0)
    amplitudes = oracle.random_state(7, 1)
    amplitudes[5] = 1e-16j
    expected = amplitudes.astype(np.complex128 if precision == "double" else np.complex64)
    expected[abs(expected) < chop] = 0.0
    got = State.from_amplitudes(amplitudes, precision).to_array(threads, chop)
    np.testing.assert_array_equal(got, expected)


def test_zero_and_identity(precision):
    zero = State.zero(5, precision).to_array()
    assert zero[0] == 1 and np.count_nonzero(zero) == 1
    identity = State.identity(3, precision).to_array().reshape(8, 8)
    np.testing.assert_array_equal(identity, np.eye(8))


def test_large_states_are_zero_beyond_what_was_touched(precision):
    state = State.zero(20, precision)
    array = state.to_array()
    assert np.count_nonzero(array) == 1 and len(array) == 2**20


@pytest.mark.parametrize("num_qubits", [1, 3, 5])
def test_probabilities_of_each_ordered_choice(precision, num_qubits):
    amplitudes = oracle.random_state(num_qubits, 2)
    state = State.from_amplitudes(amplitudes, precision)
    reference = NumpyState.from_amplitudes(amplitudes)
    for width in range(num_qubits + 1):
        for qubits in itertools.permutations(range(num_qubits), width):
            np.testing.assert_allclose(
                state.probabilities(qubits),
                reference.probabilities(qubits),
                rtol=0,
                atol=tolerance(precision),
            )


@pytest.mark.parametrize("num_qubits", [12, 16])
def test_probabilities_of_many_qubits(precision, num_qubits):
    amplitudes = oracle.random_state(num_qubits, 3)
    state = State.from_amplitudes(amplitudes, precision)
    reference = NumpyState.from_amplitudes(amplitudes)
    rng = np.random.default_rng(num_qubits)
    for width in (0, 1, 2, 5, 9, num_qubits - 1, num_qubits):
        qubits = tuple(int(q) for q in rng.permutation(num_qubits)[:width])
        for threads in (1, 2):
            np.testing.assert_allclose(
                state.probabilities(qubits, threads=threads),
                reference.probabilities(qubits),
                rtol=0,
                atol=tolerance(precision),
            )
    assert state.norm_squared() == pytest.approx(1, abs=tolerance(precision) * 10)


@pytest.mark.parametrize("shots", [1, 100, 20000])
@pytest.mark.parametrize("qubits", [(0, 1, 2, 3, 4, 5), (1, 4), (5,), ()])
def test_samples_are_those_of_choice(shots, qubits):
    amplitudes = oracle.random_state(6, 4)
    state = State.from_amplitudes(amplitudes)
    p = NumpyState.from_amplitudes(amplitudes).probabilities(qubits)
    p /= p.sum()
    expected = np.random.RandomState(9).choice(len(p), shots, p=p)
    uniforms = np.random.RandomState(9).random_sample(shots)
    np.testing.assert_array_equal(state.sampler(qubits, shots)(uniforms), expected)


@pytest.mark.parametrize("shots", [1, 3, 500, 30000])
@pytest.mark.parametrize("threads", [1, 2])
def test_samples_without_a_table_of_all_probabilities(monkeypatch, precision, shots, threads):
    monkeypatch.setattr(state_module, "SAMPLED_IN_PLACE", 13)
    amplitudes = oracle.random_state(14, 5)
    state = State.from_amplitudes(amplitudes, precision)
    uniforms = np.random.RandomState(1).random_sample(shots)
    p = np.abs(state.copy().to_array().astype(complex)) ** 2
    cdf = p.cumsum()
    expected = (cdf / cdf[-1]).searchsorted(uniforms, side="right")
    got = state.sampler(tuple(range(14)), shots, threads=threads)(uniforms)
    # A different order of sums may change draws at the edge of an outcome.
    assert np.count_nonzero(got != expected) <= 1e-4 * shots
    assert np.abs(got - expected).max() <= 1


@pytest.mark.parametrize("uniform", [0.0, np.nextafter(1.0, 0.0)])
def test_samples_at_both_ends(uniform):
    state = State.from_amplitudes(np.array([0, 0.6, 0.8, 0], dtype=complex))
    assert state.sampler((0, 1), 1)(np.array([uniform]))[0] == (1 if uniform == 0 else 2)


@pytest.mark.parametrize("method", ["collapse", "reset"])
def test_collapse_and_reset(precision, method):
    for qubit in range(6):
        for outcome in range(2):
            amplitudes = oracle.random_state(6, 6)
            state = State.from_amplitudes(amplitudes, precision)
            reference = NumpyState.from_amplitudes(amplitudes)
            p = reference.probabilities((qubit,))[outcome]
            getattr(state, method)(qubit, outcome, p)
            getattr(reference, method)(qubit, outcome, p)
            np.testing.assert_allclose(
                state.to_array(), reference.to_array(), rtol=0, atol=10 * tolerance(precision)
            )


@pytest.mark.parametrize("qubits", [(0,), (4, 1), (2, 5, 0), (0, 1, 2, 3, 4, 5)])
def test_prepare(precision, qubits):
    rest = [q for q in range(6) if q not in qubits]
    others = oracle.random_state(len(rest), 1)
    state = np.zeros([2] * 6, dtype=complex)
    index = [0 if q in qubits else slice(None) for q in reversed(range(6))]
    state[tuple(index)] = others.reshape([2] * len(rest))
    wanted = oracle.random_state(len(qubits), 2)
    ours = State.from_amplitudes(state.reshape(-1), precision)
    ours.prepare(qubits, wanted)
    reference = NumpyState.from_amplitudes(state.reshape(-1))
    reference.prepare(qubits, wanted)
    np.testing.assert_allclose(
        ours.to_array(), reference.to_array(), rtol=0, atol=tolerance(precision)
    )


def test_copies_are_independent(precision):
    state = State.from_amplitudes(oracle.random_state(5, 1), precision)
    other = state.copy()
    state.scale(1j)
    np.testing.assert_allclose(
        state.to_array(), 1j * other.to_array(), rtol=0, atol=tolerance(precision)
    )


PAULIS = {
    "I": np.eye(2),
    "X": np.array([[0, 1], [1, 0]]),
    "Y": np.array([[0, -1j], [1j, 0]]),
    "Z": np.diag([1, -1]),
}


def masks(label):
    """Returns the x and z masks of a Pauli string, whose last letter is on qubit 0."""
    bits = list(reversed(label))
    x = sum(1 << q for q, letter in enumerate(bits) if letter in "XY")
    z = sum(1 << q for q, letter in enumerate(bits) if letter in "YZ")
    return x, z


def expectation(label, amplitudes):
    vector = amplitudes
    for qubit, letter in enumerate(reversed(label)):
        vector = oracle.apply_matrix(vector, PAULIS[letter], [qubit])
    return np.vdot(amplitudes, vector).real


@pytest.mark.parametrize("num_qubits", [1, 2, 3, 4])
def test_expectations_of_all_strings(precision, num_qubits):
    amplitudes = oracle.random_state(num_qubits, 8)
    state = State.from_amplitudes(amplitudes, precision)
    labels = ["".join(letters) for letters in itertools.product("IXYZ", repeat=num_qubits)]
    got = state.expectations(*zip(*map(masks, labels)))
    expected = [expectation(label, amplitudes) for label in labels]
    np.testing.assert_allclose(got, expected, rtol=0, atol=tolerance(precision))


@pytest.mark.parametrize("num_qubits", [9, 12, 16])
def test_expectations_of_many_qubits(precision, num_qubits):
    amplitudes = oracle.random_state(num_qubits, 9)
    state = State.from_amplitudes(amplitudes, precision)
    rng = np.random.default_rng(num_qubits)
    labels = ["".join(rng.choice(list("IXYZ"), num_qubits)) for _ in range(20)]
    labels += [label.translate(str.maketrans("XY", "YX")) for label in labels]
    expected = [expectation(label, amplitudes) for label in labels]
    first = state.expectations(*zip(*map(masks, labels)))
    np.testing.assert_allclose(first, expected, rtol=0, atol=10 * tolerance(precision))
    second = state.expectations(*zip(*map(masks, labels)), threads=2)
    np.testing.assert_array_equal(first, second)


# ----------------------------------------------------------------------------------------------
# Cancelling within an operation
# ----------------------------------------------------------------------------------------------


class StopError(Exception):
    pass


class Stops:
    """A check that raises when it is called for the second time."""

    def __init__(self):
        self.calls = 0

    def __call__(self):
        self.calls += 1
        if self.calls == 2:
            raise StopError


LONG = {
    "copy": lambda state: state.copy(),
    "collapse": lambda state: state.collapse(8, 1, 0.5),
    "reset": lambda state: state.reset(0, 0, 0.5),
    "prepare": lambda state: state.prepare([0, 5], np.full(4, 0.5)),
    "scale": lambda state: state.scale(1j),
    "to_array": lambda state: state.to_array(),
    "to_array by two": lambda state: state.to_array(2),
}


@pytest.mark.parametrize("what", LONG)
def test_what_takes_long_looks_whether_it_is_to_go_on(precision, what):
    state = State.from_amplitudes(oracle.random_state(9, 1), precision)
    state.check = Stops()
    with pytest.raises(StopError):
        LONG[what](state)
    state.check = Stops()
    twin = State.zero(3, precision, check=state.check)
    assert twin.copy().check is state.check


@pytest.mark.parametrize("make", ["from_amplitudes", "identity"])
def test_so_does_the_making_of_a_state(precision, make):
    argument = 5 if make == "identity" else oracle.random_state(9, 1)
    with pytest.raises(StopError):
        getattr(State, make)(argument, precision, check=Stops())


@pytest.mark.parametrize("seed", range(6))
def test_preparing_in_pieces_is_preparing(monkeypatch, seed):
    monkeypatch.setattr(state_module, "_CHUNK", 64)
    random = np.random.default_rng(seed)
    num_qubits = 9
    qubits = random.permutation(num_qubits)[: random.integers(1, 9)].tolist()
    others = [qubit for qubit in range(num_qubits) if qubit not in qubits]
    amplitudes = random.normal(size=2 ** len(qubits)) + 1j * random.normal(size=2 ** len(qubits))
    rest = random.normal(size=2 ** len(others)) + 0j
    before = np.zeros(2**num_qubits, dtype=complex)
    after = np.zeros(2**num_qubits, dtype=complex)
    for i, value in enumerate(rest):
        base = sum((i >> place & 1) << qubit for place, qubit in enumerate(others))
        before[base] = value
        for j, amplitude in enumerate(amplitudes):
            index = base + sum((j >> place & 1) << qubit for place, qubit in enumerate(qubits))
            after[index] = value * amplitude
    state = State.from_amplitudes(before)
    state.prepare(qubits, amplitudes)
    np.testing.assert_allclose(state.to_array(), after, atol=1e-13)
