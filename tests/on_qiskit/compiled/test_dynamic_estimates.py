"""Exact expectation values of circuits that measure in the middle and have control flow."""

# ruff: noqa: E402 (what is imported further down may not exist)

from __future__ import annotations

import time

import numpy as np
import pytest
from versions import needs, needs_conditions, needs_primitives, skip_here

needs_primitives_v2 = needs((1, 0), "has no primitives V2")
skip_here(needs_primitives_v2)

from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit import Parameter
from qiskit.circuit.classical import expr
from qiskit.quantum_info import DensityMatrix, Pauli, SparsePauliOp, Statevector

import basicaer
from basicaer import BasicAerError
from basicaer._engine.shots import mixture as _mixture
from basicaer.primitives import StatevectorEstimator, StatevectorSampler


def evs(circuit, observables, values=None, **options):
    pub = (circuit, observables) if values is None else (circuit, observables, values)
    (result,) = StatevectorEstimator(**options).run([pub]).result()
    return result.data.evs


def teleportation(theta=0.7, phi=0.3):
    circuit = QuantumCircuit(QuantumRegister(3), ClassicalRegister(2))
    circuit.ry(theta, 0)
    circuit.rz(phi, 0)
    circuit.h(1)
    circuit.cx(1, 2)
    circuit.cx(0, 1)
    circuit.h(0)
    circuit.measure([0, 1], [0, 1])
    with circuit.if_test((circuit.clbits[1], 1)):
        circuit.x(2)
    with circuit.if_test((circuit.clbits[0], 1)):
        circuit.z(2)
    return circuit


def bloch(theta, phi):
    return [np.sin(theta) * np.cos(phi), np.sin(theta) * np.sin(phi), np.cos(theta)]


def until_success(angle):
    """Tosses a coin until it shows 0; each other time turns qubit 1."""
    circuit = QuantumCircuit(2, 1)
    circuit.h(0)
    circuit.measure(0, 0)
    with circuit.while_loop((circuit.clbits[0], 1)):
        circuit.ry(angle, 1)
        circuit.h(0)
        circuit.measure(0, 0)
    return circuit


# --- values --------------------------------------------------------------------------------------


def test_teleportation():
    found = evs(teleportation(), ["XII", "YII", "ZII", "IXI", "IIX"])
    assert found == pytest.approx([*bloch(0.7, 0.3), 0, 0], abs=1e-12)


def test_teleportation_of_many_states():
    theta, phi = Parameter("t"), Parameter("p")
    values = np.random.default_rng(0).uniform(-3, 3, (5, 2))
    observables = [[SparsePauliOp(["XII", "ZII"], [1, 2])], ["YII"]]
    circuit = teleportation(theta, phi)
    order = [theta, phi] if circuit.parameters[0] == theta else [phi, theta]
    found = evs(circuit, observables, values, max_parallel_threads=2)
    assert found.shape == (2, 5)
    for place, row in enumerate(values):
        bound = dict(zip(order, row))
        x, y, z = bloch(bound[theta], bound[phi])
        assert found[:, place] == pytest.approx([x + 2 * z, y], abs=1e-12)


def test_until_success():
    """With probability 2**-(k + 1) the qubit has turned k times."""
    found = evs(until_success(0.3), ["ZI", "XI", "IZ", "IX"])
    series = 0.5 / (1 - 0.5 * np.exp(0.3j))
    assert found == pytest.approx([series.real, series.imag, 1, 0], abs=1e-12)


def test_single_precision():
    found = evs(until_success(0.3), ["ZI", "XI"], state_precision="single")
    series = 0.5 / (1 - 0.5 * np.exp(0.3j))
    assert found == pytest.approx([series.real, series.imag], abs=1e-6)


def test_measure_and_feed_forward():
    """Against density matrices and projectors."""
    circuit = QuantumCircuit(3, 2)
    circuit.ry(1.1, 0)
    circuit.cx(0, 1)
    circuit.ry(0.4, 1)
    circuit.measure(0, 0)
    circuit.h(0)
    with circuit.if_test((circuit.clbits[0], 1)) as otherwise:
        circuit.rx(0.8, 2)
        circuit.cx(2, 1)
    with otherwise:
        circuit.crz(0.5, 0, 1)
    circuit.measure(1, 1)
    circuit.ry(0.9, 1)
    first, hit, missed, last = (QuantumCircuit(3) for _ in range(4))
    first.ry(1.1, 0)
    first.cx(0, 1)
    first.ry(0.4, 1)
    hit.h(0)
    hit.rx(0.8, 2)
    hit.cx(2, 1)
    missed.h(0)
    missed.crz(0.5, 0, 1)
    last.ry(0.9, 1)
    rho = DensityMatrix(first)
    zero, one = (np.kron(np.eye(4), np.diag(p)) for p in ([1, 0], [0, 1]))
    parts = [
        DensityMatrix(projector @ rho.data @ projector).evolve(branch)
        for projector, branch in ((zero, missed), (one, hit))
    ]
    total = sum(part.data for part in parts)
    kept = [np.kron(np.eye(2), np.kron(np.diag(p), np.eye(2))) for p in ([1, 0], [0, 1])]
    final = DensityMatrix(sum(p @ total @ p for p in kept)).evolve(last)
    labels = ["XXX", "ZZZ", "IXZ", "YIY", "IIX", "ZII", "IZI", "XYI"]
    expected = [final.expectation_value(Pauli(label)).real for label in labels]
    assert np.abs(expected).max() > 0.1
    assert evs(circuit, labels) == pytest.approx(expected, abs=1e-12)


def test_for_loops_with_break():
    """Turns qubit 1 up to three times, and stops as soon as the coin shows 1."""
    circuit = QuantumCircuit(2, 1)
    with circuit.for_loop(range(3)):
        circuit.ry(0.3, 1)
        circuit.h(0)
        circuit.measure(0, 0)
        with circuit.if_test((circuit.clbits[0], 1)):
            circuit.break_loop()
    turned = 0.5 * np.cos(0.3) + 0.25 * np.cos(0.6) + 0.25 * np.cos(0.9)
    assert evs(circuit, ["ZI", "IZ"]) == pytest.approx([turned, -0.75], abs=1e-12)


def test_for_loops_with_their_parameter():
    """Turns qubit 1 by each angle, to a side that the coin decides."""
    circuit = QuantumCircuit(2, 1)
    body = QuantumCircuit(circuit.qubits, circuit.clbits)
    number = Parameter("number")
    body.h(0)
    body.measure(0, 0)
    with body.if_test((body.clbits[0], 1)):
        body.x(1)
    body.ry(0.1 * number, 1)
    with body.if_test((body.clbits[0], 1)):
        body.x(1)
    circuit.for_loop([1, 4], number, body, body.qubits, body.clbits)
    if circuit.num_parameters:
        pytest.skip("this Qiskit takes the variable of a loop for a parameter of the circuit")
    turned = np.mean(np.cos([0.5, 0.3, -0.3, -0.5]))
    assert evs(circuit, ["ZI", "XI", "IX"]) == pytest.approx([turned, 0, 0], abs=1e-12)


def test_for_loops_with_continue():
    circuit = QuantumCircuit(2, 1)
    with circuit.for_loop(range(3)):
        circuit.h(0)
        circuit.measure(0, 0)
        with circuit.if_test((circuit.clbits[0], 1)):
            circuit.continue_loop()
        circuit.ry(0.5, 1)
    turned = sum(times * np.cos(0.5 * k) for k, times in enumerate([1, 3, 3, 1])) / 8
    assert evs(circuit, ["ZI", "IZ"]) == pytest.approx([turned, 0], abs=1e-12)


def test_switch():
    circuit = QuantumCircuit(QuantumRegister(3), ClassicalRegister(2, "c"))
    circuit.ry(0.6, 0)
    circuit.ry(1.9, 1)
    circuit.measure([0, 1], [0, 1])
    with circuit.switch(circuit.cregs[0]) as case:
        with case(0):
            circuit.ry(0.3, 2)
        with case(1, 2):
            circuit.ry(0.7, 2)
        with case(case.DEFAULT):
            circuit.h(2)
    a, b = np.sin(0.3) ** 2, np.sin(0.95) ** 2
    chances = [(1 - a) * (1 - b), a * (1 - b) + (1 - a) * b, a * b]
    found = evs(circuit, ["ZII", "XII"])
    z = np.dot(chances, [np.cos(0.3), np.cos(0.7), 0])
    x = np.dot(chances, [np.sin(0.3), np.sin(0.7), 1])
    assert found == pytest.approx([z, x], abs=1e-12)


def test_stores():
    circuit = QuantumCircuit(3, 3)
    circuit.ry(0.6, 0)
    circuit.ry(1.9, 1)
    circuit.measure([0, 1], [0, 1])
    a, b, c = circuit.clbits
    circuit.store(c, expr.bit_xor(a, b))
    with circuit.if_test((c, 1)):
        circuit.ry(0.5, 2)
    p, q = np.sin(0.3) ** 2, np.sin(0.95) ** 2
    odd = p * (1 - q) + (1 - p) * q
    expected = [odd * np.cos(0.5) + 1 - odd, odd * np.sin(0.5), np.cos(0.6), 0]
    found = evs(circuit, ["ZII", "XII", "IIZ", "IIX"])
    assert found == pytest.approx(expected, abs=1e-12)


@needs_conditions
def test_conditions_of_gates():
    circuit = QuantumCircuit(2, 1)
    circuit.ry(0.6, 0)
    circuit.measure(0, 0)
    circuit.x(1).c_if(0, 1)
    assert evs(circuit, ["ZI", "ZZ"]) == pytest.approx([np.cos(0.6), 1], abs=1e-12)


def test_shots_agree():
    circuit = until_success(0.4)
    circuit.h(1)
    exact = float(evs(circuit, "ZI"))
    shots = 40_000
    circuit.add_register(ClassicalRegister(1, "end"))
    circuit.measure(1, 1)
    (result,) = StatevectorSampler(seed=3).run([circuit], shots=shots).result()
    ones = result.data.end.get_counts().get("1", 0) / shots
    assert 1 - 2 * ones == pytest.approx(exact, abs=5 * np.sqrt((1 - exact**2) / shots))
    assert evs(circuit, "ZI") == exact  # the last measurement is left out


def test_measurements_in_the_middle_are_carried_out():
    """They take coherence, whether or not their outcome is read; those at the end do not."""
    circuit = QuantumCircuit(2, 2)
    circuit.h([0, 1])
    circuit.measure([0, 1], [0, 1])
    assert evs(circuit, ["IX", "XI"]) == pytest.approx([1, 1])
    circuit.s(0)
    assert evs(circuit, ["IX", "IY", "XI"]) == pytest.approx([0, 0, 1], abs=1e-12)
    with circuit.if_test((circuit.clbits[1], 1)):
        circuit.z(0)
    assert evs(circuit, ["IX", "XI"]) == pytest.approx([0, 0], abs=1e-12)


def test_noise_is_drawn_around_the_exact_value():
    circuit = teleportation()
    exact = evs(circuit, ["XII", "ZII"])
    (result,) = StatevectorEstimator(seed=5).run([(circuit, ["XII", "ZII"], [], 0.2)]).result()
    noisy = np.random.default_rng(5).normal(exact, 0.2)
    np.testing.assert_allclose(result.data.evs, noisy, rtol=0, atol=1e-12)


def test_beside_circuits_with_a_final_state():
    bell = QuantumCircuit(2)
    bell.h(0)
    bell.cx(0, 1)
    pubs = [(bell, "ZZ"), (until_success(0.3), "ZI"), (bell, "XX"), (teleportation(), "ZII")]
    found = [float(result.data.evs) for result in StatevectorEstimator().run(pubs).result()]
    assert found == pytest.approx(
        [1, (0.5 / (1 - 0.5 * np.exp(0.3j))).real, 1, np.cos(0.7)], abs=1e-12
    )
    assert Statevector(bell).expectation_value(Pauli("ZZ")) == pytest.approx(1)


def test_very_many_resets():
    """Each is of a qubit that is in |0> or |1>, which is not known beforehand."""
    circuit = QuantumCircuit(2)
    for _ in range(1500):
        circuit.x(0)
        circuit.reset(0)
    circuit.ry(0.3, 1)
    assert evs(circuit, ["IZ", "ZI"]) == pytest.approx([1, np.cos(0.3)], abs=1e-12)


# --- limits --------------------------------------------------------------------------------------


def endless(*, measures):
    circuit = QuantumCircuit(1, 2, name="endless")
    with circuit.while_loop((circuit.clbits[1], 0)):
        circuit.h(0)
        if measures:
            circuit.measure(0, 0)
    return circuit


@pytest.mark.parametrize("measures", [False, True])
def test_an_endless_loop_runs_in_the_background_and_can_be_cancelled(measures):
    job = StatevectorEstimator().run([(endless(measures=measures), "Z")])
    time.sleep(0.05)
    assert not job.done()
    assert job.cancel()
    assert job.cancelled()


def test_shots_of_an_endless_loop_run_in_the_background_too():
    job = StatevectorSampler().run([endless(measures=True)], shots=1)
    time.sleep(0.05)
    assert not job.done()
    assert job.cancel()
    assert job.cancelled()


def test_an_endless_loop_is_an_error_that_names_the_circuit(monkeypatch):
    monkeypatch.setattr(_mixture, "MOST_TURNS", 1000)
    monkeypatch.setattr(_mixture, "MOST_FORKS", 1000)
    estimator = StatevectorEstimator()
    with pytest.raises(BasicAerError, match=r"endless.*while loop 1 of 1 .*after 1000 turns"):
        estimator.run([(endless(measures=False), "Z")]).result()
    with pytest.raises(BasicAerError, match=r"endless.*more than 1000 possible histories"):
        estimator.run([(endless(measures=True), "Z")]).result()
    assert estimator.run([(until_success(0), "ZI")]).result()[0].data.evs == pytest.approx(1)


def test_memory_is_counted_before_it_is_taken():
    circuit = QuantumCircuit(45, 1)
    circuit.h(0)
    circuit.measure(0, 0)
    circuit.h(0)
    with pytest.raises(BasicAerError, match=r"45 qubits in double precision needs .* available"):
        StatevectorEstimator().run([(circuit, "Z" * 45)])


def test_compiled_circuits_have_no_such_values():
    compiled = basicaer.compile(teleportation())
    with pytest.raises(BasicAerError, match="control flow"):
        compiled.expectation("ZII")
    with pytest.raises(BasicAerError, match="control flow"):
        compiled.statevector()


@needs_primitives
def test_estimators_v1_refuse_as_qiskits_do():
    with pytest.raises(BasicAerError, match="no final state"):
        basicaer.primitives.Estimator().run(teleportation(), SparsePauliOp("ZII"))
