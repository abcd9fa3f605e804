"""Qiskit's own primitives over our simulators."""

# ruff: noqa: E402 (what is imported further down may not exist)

from __future__ import annotations

import numpy as np
import pytest
from versions import needs, skip_here

skip_here(needs((1, 0), "has simulators that are BackendV1"))

from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit import Clbit, Parameter
from qiskit.primitives import BackendEstimatorV2, BackendSamplerV2
from qiskit.quantum_info import SparsePauliOp, Statevector

from basicaer import BasicAer, BasicAerError

QASM = BasicAer.get_backend("qasm_simulator")
THETA = Parameter("t")


def sampler(**options):
    return BackendSamplerV2(backend=QASM, options={"seed_simulator": 5, **options})


def estimator(**options):
    return BackendEstimatorV2(backend=QASM, options={"seed_simulator": 5, **options})


def of_registers():
    """Three registers, one wider than a byte, and clbits of none of them."""
    a, b, c = ClassicalRegister(2, "a"), ClassicalRegister(9, "b"), ClassicalRegister(1, "c")
    circuit = QuantumCircuit(QuantumRegister(3, "q"), a, [Clbit(), Clbit()], b, c)
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.x(2)
    circuit.measure([0, 1, 2, 2, 2], [a[1], b[8], b[0], c[0], circuit.clbits[3]])
    return circuit


def test_registers():
    (result,) = sampler().run([of_registers()], shots=300).result()
    a, b, c = result.data.a, result.data.b, result.data.c
    assert (a.num_bits, b.num_bits, c.num_bits) == (2, 9, 1)
    assert a.num_shots == b.num_shots == c.num_shots == 300
    assert set(a.get_counts()) == {"00", "10"} and c.get_counts() == {"1": 300}
    for shot in range(300):  # the registers of one shot belong together
        assert b.get_bitstrings()[shot] == a.get_bitstrings()[shot][0] + "00000001"
    single = QASM.run(of_registers(), shots=300, seed_simulator=5, memory=True).result()
    words = [int(word, 16) for word in single.results[0].data.memory]
    assert a.get_bitstrings() == [f"{word & 3:02b}" for word in words]
    assert b.get_bitstrings() == [f"{word >> 4 & 511:09b}" for word in words]


def test_registers_that_share_a_clbit():
    bits = [Clbit() for _ in range(3)]
    circuit = QuantumCircuit(
        QuantumRegister(2, "q"),
        ClassicalRegister(name="a", bits=bits[:2]),
        ClassicalRegister(name="b", bits=bits[1:]),
    )
    circuit.x(0)
    circuit.measure([0, 1], [bits[0], bits[2]])
    (result,) = sampler().run([circuit], shots=20).result()
    assert result.data.a.get_counts() == {"01": 20}
    assert result.data.b.get_counts() == {"00": 20}


def test_no_clbits_and_no_measurements():
    bare, unmeasured = QuantumCircuit(1), QuantumCircuit(1, 2)
    first, second = sampler().run([bare, unmeasured], shots=7).result()
    assert list(first.data) == [] and first.metadata["shots"] == 7
    assert second.data.c.get_counts() == {"00": 7}


@pytest.mark.parametrize("shots", [0, -1])
def test_no_shots(shots):
    with pytest.raises(ValueError, match="shots must be positive"):
        sampler().run([of_registers()], shots=shots).result()
    assert len(sampler().run([of_registers()], shots=1).result()) == 1


def test_points_of_parameters():
    circuit = QuantumCircuit(2, name="turned")
    circuit.ry(THETA, 0)
    circuit.cx(0, 1)
    circuit.measure_all()
    points = np.array([[0.0, np.pi], [np.pi / 2, 2 * np.pi]])
    (result,) = sampler().run([(circuit, points)], shots=1000).result()
    bits = result.data.meas
    assert bits.shape == (2, 2)
    assert bits[0, 0].get_counts() == bits[1, 1].get_counts() == {"00": 1000}
    assert bits[0, 1].get_counts() == {"11": 1000}
    expected = circuit.assign_parameters([np.pi / 2])
    counts = QASM.run(expected, shots=1000, seed_simulator=5).result().get_counts()
    assert bits[1, 0].get_counts() == counts


def test_what_happens_in_the_middle():
    circuit = QuantumCircuit(2, 2)
    circuit.h(0)
    circuit.measure(0, 0)
    circuit.reset(0)
    with circuit.if_test((0, 1)):
        circuit.x(1)
    circuit.measure(1, 1)
    (result,) = sampler().run([circuit], shots=500).result()
    counts = QASM.run(circuit, shots=500, seed_simulator=5).result().get_counts()
    assert result.data.c.get_counts() == counts and set(counts) == {"00", "11"}


def test_options_of_a_run():
    options = {"run_options": {"precision": "single"}}
    (result,) = sampler(**options).run([of_registers()], shots=9).result()
    assert result.data.a.num_shots == 9
    job = sampler(run_options={"precision": "halves"}).run([of_registers()])
    with pytest.raises(BasicAerError, match="precision"):
        job.result()


def test_estimator():
    circuit = QuantumCircuit(2)
    circuit.ry(THETA, 0)
    circuit.cx(0, 1)
    observables = [
        [SparsePauliOp(["ZZ", "ZI", "XX"], [1, 0.5, 0.25])],
        [SparsePauliOp("YY")],
        [SparsePauliOp("II", 3)],
    ]
    points = np.linspace(0, 3, 4)
    (result,) = estimator().run([(circuit, observables, points)], precision=0.02).result()
    assert result.data.evs.shape == result.data.stds.shape == (3, 4)
    for row, (observable,) in enumerate(observables):
        for column, point in enumerate(points):
            state = Statevector(circuit.assign_parameters([point]))
            expected = state.expectation_value(observable).real
            assert abs(result.data.evs[row, column] - expected) < 0.12
    again = estimator().run([(circuit, observables, points)], precision=0.02).result()
    assert np.array_equal(again[0].data.evs, result.data.evs)
