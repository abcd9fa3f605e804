"""Expectation values of rows of coefficients, in one compiled call."""

from __future__ import annotations

import numpy as np
import oracle
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit.random import random_circuit
from qiskit.quantum_info import Statevector, random_pauli_list

from basicaer._engine.control import DONE, STOP, Control
from basicaer._engine.state import small
from basicaer._qiskit.circuits.lower import lower

FLAGS = 8


def arrays(circuit):
    (gates,) = lower(circuit).body
    return gates


def call(gates, num_qubits, table, x, z, first=0, last=None, flags=None):
    out = np.full((len(table), len(x)), np.nan)
    small.expectations(
        num_qubits,
        gates.kinds,
        gates.kind,
        gates.start,
        gates.qubits,
        gates.offset,
        table,
        first,
        len(table) if last is None else last,
        np.array(x, dtype=np.int64),
        np.array(z, dtype=np.int64),
        out,
        np.zeros(FLAGS, dtype=np.int64) if flags is None else flags,
    )
    return out


def masks(paulis):
    bits = 1 << np.arange(paulis.num_qubits)
    return paulis.x @ bits, paulis.z @ bits


@pytest.mark.parametrize("num_qubits", range(1, 7))
@pytest.mark.parametrize("seed", range(4))
def test_values_are_those_of_the_states(num_qubits, seed):
    circuit = random_circuit(num_qubits, 6, max_operands=3, seed=seed)
    circuit.rx(0.3, 0)
    gates = arrays(circuit)
    rng = np.random.default_rng(seed)
    # Two rows: the circuit, and the same with every coefficient's phase turned by its gate's own.
    other = random_circuit(num_qubits, 6, max_operands=3, seed=seed)
    other.rx(-1.1, 0)
    table = np.stack((gates.coefficients, arrays(other).coefficients))
    paulis = random_pauli_list(num_qubits, 12, seed=rng, phase=False)
    x, z = masks(paulis)
    found = call(gates, num_qubits, table, x, z)
    for row, each in zip(found, (circuit, other)):
        state = Statevector(each)
        wanted = [state.expectation_value(pauli).real for pauli in paulis]
        np.testing.assert_allclose(row, wanted, rtol=0, atol=1e-12)


def test_only_the_rows_that_are_asked_for():
    circuit = QuantumCircuit(2)
    circuit.h(0)
    gates = arrays(circuit)
    table = np.repeat(gates.coefficients[np.newaxis], 5, axis=0)
    flags = np.zeros(FLAGS, dtype=np.int64)
    found = call(gates, 2, table, [1], [0], 1, 3, flags)
    assert np.isnan(found[[0, 3, 4]]).all() and found[1:3, 0] == pytest.approx([1.0, 1.0])
    assert flags[DONE] == 2 * len(gates) * 4
    control = Control()
    control.flags[STOP] = 1
    assert np.isnan(call(gates, 2, table, [1], [0], flags=control.flags)).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x": [4]}, "string 0 acts on qubits that are not there"),
        ({"last": 7}, "there are no such rows"),
        ({"num_qubits": 7}, "not small"),
        ({"num_qubits": 1}, "does not fit|malformed"),
        ({"table": np.zeros((1, 2), dtype=complex)}, "malformed"),
    ],
)
def test_what_does_not_fit_is_refused(change, message):
    circuit = QuantumCircuit(2)
    circuit.h(1)
    circuit.cx(0, 1)
    gates = arrays(circuit)
    arguments = {
        "num_qubits": 2,
        "table": gates.coefficients[np.newaxis].copy(),
        "x": [1],
        "z": [0],
        **change,
    }
    with pytest.raises(ValueError, match=message):
        call(gates, **arguments)


def test_the_oracle_agrees():
    rng = np.random.default_rng(0)
    circuit = QuantumCircuit(3)
    circuit.unitary(oracle.random_unitary(3, 1), [2, 0, 1])
    gates = arrays(circuit)
    state = Statevector(circuit)
    paulis = random_pauli_list(3, 20, seed=rng, phase=False)
    x, z = masks(paulis)
    found = call(gates, 3, gates.coefficients[np.newaxis].copy(), x, z)[0]
    wanted = [state.expectation_value(pauli).real for pauli in paulis]
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-12)
