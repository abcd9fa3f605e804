"""Pauli sums as numbers, against matrices."""

from __future__ import annotations

import numpy as np
import oracle
import pytest
from numpy_state import NumpyState
from qiskit.circuit import Parameter
from qiskit.quantum_info import SparsePauliOp, random_pauli_list

from basicaer._engine import pauli_sums
from basicaer._engine.pauli_sums import PauliSum
from basicaer._engine.state.state import State
from basicaer.exceptions import BasicAerError


def random_sum(num_qubits, terms, seed, complex_coefficients=False):
    rng = np.random.default_rng(seed)
    coefficients = rng.normal(size=terms) + 0j
    if complex_coefficients:
        coefficients += 1j * rng.normal(size=terms)
    return SparsePauliOp(random_pauli_list(num_qubits, terms, seed=seed, phase=False), coefficients)


@pytest.mark.parametrize("state_class", [State, NumpyState])
@pytest.mark.parametrize("num_qubits", [1, 2, 5, 7])
def test_expectation(state_class, num_qubits):
    operator = random_sum(num_qubits, 30, num_qubits, complex_coefficients=True)
    state = oracle.random_state(num_qubits, 5)
    expected = np.vdot(state, operator.to_matrix() @ state)
    found = PauliSum.of(operator).expectation(state_class.from_amplitudes(state))
    assert found == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("label", ["X", "Y", "Z", "I", "XYZ", "YYI", "IZY", "YYY"])
def test_single_strings_and_their_signs(label):
    operator = SparsePauliOp(label, 2)
    state = oracle.random_state(len(label), 3)
    expected = np.vdot(state, operator.to_matrix() @ state).real
    assert abs(expected) > 1e-3
    found = PauliSum.of(operator)
    assert found.expectation(State.from_amplitudes(state)) == pytest.approx(expected, abs=1e-13)
    assert found.second_moment(state) == pytest.approx(4)


def test_strings_are_masks():
    found = PauliSum.of(SparsePauliOp(["XYZI", "IIIZ", "IIIY"], [1, 2, 3j]))
    assert found.num_qubits == 4
    terms = set(zip(found.x.tolist(), found.z.tolist(), found.coefficients.tolist()))
    assert terms == {(0b1100, 0b0110, 1), (0, 1, 2), (1, 1, 3j)}
    assert found.x.tolist() == sorted(found.x)


@pytest.mark.parametrize("table", [1, 64, 1 << 14])
@pytest.mark.parametrize("num_qubits", [1, 3, 6])
def test_second_moment(monkeypatch, table, num_qubits):
    monkeypatch.setattr(pauli_sums, "_TABLE", table)
    operator = random_sum(num_qubits, 25, num_qubits)
    state = oracle.random_state(num_qubits, 2)
    matrix = operator.to_matrix()
    expected = np.vdot(state, matrix @ matrix @ state).real
    assert PauliSum.of(operator).second_moment(state) == pytest.approx(expected, rel=1e-12)


def test_hermitian():
    assert PauliSum.of(SparsePauliOp(["X", "Y"], [1, 2])).is_hermitian
    assert not PauliSum.of(SparsePauliOp(["X", "Y"], [1, 2j])).is_hermitian


def test_bound_coefficients_are_numbers():
    a = Parameter("a")
    operator = SparsePauliOp(["X", "Z"], np.array([a, 2 * a]))
    with pytest.raises(BasicAerError, match=r"coefficient .*\ba\b.*assign_parameters"):
        PauliSum.of(operator)
    bound = PauliSum.of(operator.assign_parameters([1.5]))
    assert sorted(bound.coefficients.real.tolist()) == [1.5, 3.0]


@pytest.mark.parametrize("value", [np.nan, np.inf, 1j * np.inf])
def test_coefficients_must_be_finite(value):
    with pytest.raises(BasicAerError, match="NaN"):
        PauliSum.of(SparsePauliOp(["X"], [value]))


def test_too_wide():
    assert PauliSum.of(SparsePauliOp("X" + "Z" * 61)).x.tolist() == [1 << 61]
    with pytest.raises(BasicAerError, match="63 qubits"):
        PauliSum.of(SparsePauliOp("X" * 63))
