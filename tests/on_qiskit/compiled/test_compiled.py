"""`compile` and `CompiledCircuit`, against Qiskit's own Statevector and the simulators."""

from __future__ import annotations

import copy
import os
import pickle
import signal
import threading
import time

import numpy as np
import pytest
from oracle import random_observable
from processes import python
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit import Parameter, ParameterVector
from qiskit.circuit.random import random_circuit
from qiskit.quantum_info import Operator, Pauli, SparsePauliOp, Statevector
from signals import send_inside
from versions import needs

import basicaer
from basicaer import BasicAer, BasicAerError, CompiledCircuit
from basicaer._engine import threads as _threads
from basicaer._qiskit import compiled as _compiled
from basicaer._qiskit import small_rows as _small_rows
from basicaer._qiskit.versions import UnitaryGate

A, B = Parameter("a"), Parameter("b")


def parametrised(num_qubits, seed, count=3):
    rng = np.random.default_rng(seed)
    parameters = ParameterVector("p", count)
    circuit = random_circuit(num_qubits, 3, max_operands=3, seed=seed)
    for place, parameter in enumerate(parameters):
        circuit.rx(parameter, place % num_qubits)
        circuit.p(2 * parameter - 0.3, (place + 1) % num_qubits)
        circuit.u(parameter, 0.1, parameter * parameters[0], (place + 2) % num_qubits)
        if num_qubits > 1:
            circuit.cx(place % num_qubits, (place + 1) % num_qubits)
    circuit.global_phase = float(rng.uniform(0, 6)) + parameters[-1]
    return circuit


def bound(circuit, row):
    return circuit.assign_parameters(dict(zip(circuit.parameters, row)))


def values_of(circuit, shape, seed=0):
    return np.random.default_rng(seed).uniform(-3, 3, (*shape, circuit.num_parameters))


# --- states and expectation values ---------------------------------------------------------------


@pytest.mark.parametrize("num_qubits", [1, 2, 3, 5, 7, 8])
@pytest.mark.parametrize("shape", [(), (1,), (3,), (2, 2), (0,)])
@pytest.mark.parametrize(("precision", "tolerance"), [("double", 1e-10), ("single", 2e-5)])
def test_states_and_expectations(num_qubits, shape, precision, tolerance):
    circuit = parametrised(num_qubits, seed=num_qubits)
    compiled = basicaer.compile(circuit, precision=precision)
    assert compiled.parameters == tuple(circuit.parameters)
    assert (compiled.num_qubits, compiled.num_clbits) == (num_qubits, 0)
    values = values_of(circuit, shape)
    operator = random_observable(num_qubits)
    states = compiled.statevector(values)
    expectations = compiled.expectation(operator, values)
    assert states.shape == (*shape, 1 << num_qubits)
    assert states.dtype == (np.complex64 if precision == "single" else np.complex128)
    assert np.shape(expectations) == shape
    assert isinstance(expectations, np.ndarray if shape else float)
    for index in np.ndindex(*shape):
        expected = Statevector(bound(circuit, values[index]))
        np.testing.assert_allclose(states[index], expected.data, rtol=0, atol=tolerance)
        value = np.asarray(expectations)[index]
        wanted = expected.expectation_value(operator).real
        assert value == pytest.approx(wanted, abs=10 * tolerance)


@pytest.mark.parametrize(
    ("batch", "given"), [((), (3,)), ((4,), ()), ((4,), (4,)), ((4, 1), (3,)), ((2, 1), (2, 3))]
)
def test_observables_are_broadcast(batch, given):
    circuit = parametrised(3, seed=1)
    values = values_of(circuit, batch)
    operators = np.empty(given, dtype=object)
    for place, index in enumerate(np.ndindex(*given)):
        operators[index] = random_observable(3, seed=place)
    found = basicaer.compile(circuit).expectation(operators, values)
    shape = np.broadcast_shapes(batch, given)
    assert found.shape == shape
    every = np.empty(batch, dtype=object)
    for index in np.ndindex(*batch):
        every[index] = Statevector(bound(circuit, values[index]))
    states, operators = np.broadcast_arrays(every, operators)
    for index in np.ndindex(*shape):
        wanted = states[index].expectation_value(operators[index]).real
        assert found[index] == pytest.approx(wanted, abs=1e-10)


def test_what_observables_may_be():
    circuit = QuantumCircuit(2)
    circuit.ry(0.6, 0)
    circuit.cx(0, 1)
    compiled = basicaer.compile(circuit)
    operator = SparsePauliOp(["ZI", "XX"], [0.5, 2.0])
    wanted = 0.5 * np.cos(0.6) + 2 * np.sin(0.6)
    for given in (
        operator,
        {"ZI": 0.5, "XX": 2.0},
        Operator(operator),
        {Pauli("ZI"): 0.5, "XX": 2},
    ):
        assert compiled.expectation(given) == pytest.approx(wanted, abs=1e-12)
    assert compiled.expectation("IZ") == pytest.approx(np.cos(0.6))
    assert compiled.expectation(Pauli("-IZ")) == pytest.approx(-np.cos(0.6))
    assert compiled.expectation({"1I": 1.0}) == pytest.approx(np.sin(0.3) ** 2)
    found = compiled.expectation([["ZI", "IZ"], ["XX", "YY"]])
    expected = [[np.cos(0.6)] * 2, [np.sin(0.6), -np.sin(0.6)]]
    np.testing.assert_allclose(found, expected, atol=1e-12)


@needs((1, 0), "has no ObservablesArray")
def test_arrays_of_observables():
    from qiskit.primitives.containers.observables_array import ObservablesArray

    circuit = parametrised(2, seed=3)
    values = values_of(circuit, ())
    given = ["ZI", {"XX": 2.0, "ZZ": 0.5}, random_observable(2)]
    compiled = basicaer.compile(circuit)
    np.testing.assert_allclose(
        compiled.expectation(ObservablesArray.coerce(given), values),
        compiled.expectation(given, values),
        atol=1e-14,
    )


def test_final_measurements_are_left_out():
    circuit = QuantumCircuit(2, 2)
    circuit.h(0)
    circuit.cx(0, 1)
    bare = circuit.copy()
    circuit.measure([0, 1], [1, 0])
    compiled = basicaer.compile(circuit)
    np.testing.assert_allclose(compiled.statevector(), Statevector(bare).data, atol=1e-12)
    assert compiled.expectation("ZZ") == pytest.approx(1.0)


def test_resets():
    circuit = QuantumCircuit(2)
    circuit.reset(0)
    circuit.ry(A, 0)
    circuit.cx(0, 1)
    compiled = basicaer.compile(circuit)
    wanted = Statevector([np.cos(0.4), 0, 0, np.sin(0.4)]).data
    np.testing.assert_allclose(compiled.statevector([0.8]), wanted, atol=1e-12)
    circuit.reset(0)
    compiled = basicaer.compile(circuit)
    found = compiled.expectation(["ZI", "IZ"], [0.8])
    assert found == pytest.approx([np.cos(0.8), 1.0])
    with pytest.raises(BasicAerError, match="no single final state: it resets a qubit"):
        compiled.statevector([0.8])


def test_gates_that_exist_only_for_numbers():
    class Turn(UnitaryGate):
        pass

    circuit = QuantumCircuit(2)
    circuit.rx(A, 0)
    circuit.append(Turn([[0, 1], [1, 0]]), [1])
    found = basicaer.compile(circuit).statevector([[0.1], [0.2]])
    for row, value in zip(found, (0.1, 0.2)):
        np.testing.assert_allclose(row, Statevector(bound(circuit, [value])).data, atol=1e-12)


# --- counts --------------------------------------------------------------------------------------


def dynamic():
    circuit = QuantumCircuit(
        QuantumRegister(2), ClassicalRegister(1, "c"), ClassicalRegister(2, "d")
    )
    circuit.rx(A, 0)
    circuit.measure(0, 0)
    with circuit.if_test((circuit.clbits[0], 1)):
        circuit.x(1)
    circuit.rx(B, 0)
    circuit.measure([0, 1], [1, 2])
    return circuit


def sampled():
    circuit = QuantumCircuit(3)
    circuit.rx(A, 0)
    circuit.cx(0, 1)
    circuit.ry(A * B, 2)
    circuit.measure_all()
    return circuit


@pytest.mark.parametrize("make", [dynamic, sampled])
def test_counts_are_those_of_the_simulator(make):
    circuit = make()
    compiled = basicaer.compile(circuit)
    backend = BasicAer.get_backend("qasm_simulator")
    values = np.array([[[0.3, 1.1], [2.0, 0.1]], [[1.5, -1.0], [0.0, 0.0]]])
    found = compiled.counts(300, 5, values)
    for i, j in np.ndindex(2, 2):
        job = backend.run(bound(circuit, values[i, j]), shots=300, seed_simulator=5)
        assert found[i][j] == job.result().get_counts()
    one = compiled.counts(300, 5, values[0, 0])
    assert one == found[0][0] and isinstance(one, dict)
    assert compiled.counts(300, 5, np.zeros((0, 2))) == []


def test_counts_without_a_seed_draw_from_numpys_generator():
    compiled = basicaer.compile(sampled())
    np.random.seed(3)  # noqa: NPY002
    first = compiled.counts(50, values=[[1.0, 1.0], [1.0, 1.0]])
    np.random.seed(3)  # noqa: NPY002
    assert compiled.counts(50, values=[[1.0, 1.0], [1.0, 1.0]]) == first
    assert first[0] != first[1]


def test_what_measures_in_the_middle_has_counts_only():
    compiled = basicaer.compile(dynamic())
    for call in (
        lambda: compiled.statevector([0.1, 0.2]),
        lambda: compiled.expectation("ZZ", [0.1, 0.2]),
    ):
        with pytest.raises(BasicAerError, match="has no final state: it has conditions or control"):
            call()
    assert sum(compiled.counts(10, values=[0.1, 0.2]).values()) == 10


# --- as an object --------------------------------------------------------------------------------


def test_the_circuit_may_change():
    circuit = QuantumCircuit(1, name="one")
    circuit.rx(A, 0)
    compiled = basicaer.compile(circuit)
    circuit.x(0)
    np.testing.assert_allclose(compiled.statevector([0.0]), [1, 0], atol=1e-15)
    assert repr(compiled) == '<CompiledCircuit "one": 1 qubits, 1 parameters, double precision>'


def test_copies_and_pickles():
    circuit = parametrised(4, seed=2)
    compiled = basicaer.compile(circuit, precision="single", max_parallel_threads=1)
    values = values_of(circuit, (2,))
    expected = compiled.expectation("ZZZZ", values)
    for other in (
        pickle.loads(pickle.dumps(compiled)),
        copy.copy(compiled),
        copy.deepcopy(compiled),
    ):
        assert isinstance(other, CompiledCircuit)
        assert other.precision == "single" and other.parameters == compiled.parameters
        np.testing.assert_array_equal(other.expectation("ZZZZ", values), expected)


def test_many_threads_use_one():
    circuit = parametrised(6, seed=4)
    compiled = basicaer.compile(circuit)
    values = values_of(circuit, (40,))
    expected = compiled.expectation("ZXZXZX", values)
    wrong = []

    def work(first):
        found = {row: compiled.expectation("ZXZXZX", values[row]) for row in range(first, 40, 4)}
        wrong.extend(row for row in found if found[row] != pytest.approx(expected[row]))

    threads = [threading.Thread(target=work, args=(first,)) for first in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_threads_change_nothing(threads):
    circuit = parametrised(10, seed=5)
    values = values_of(circuit, (6,))
    expected = basicaer.compile(circuit, max_parallel_threads=1).statevector(values)
    found = basicaer.compile(circuit, max_parallel_threads=threads).statevector(values)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_forks():
    out = python(
        "-c",
        """
import os
from qiskit import QuantumCircuit
import basicaer

circuit = QuantumCircuit(12)
circuit.h(range(12))
compiled = basicaer.compile(circuit)
assert abs(compiled.expectation(["X" * 12] * 3)[0] - 1) < 1e-12
child = os.fork()
if not child:
    os._exit(0 if abs(compiled.expectation("X" * 12) - 1) < 1e-12 else 1)
print(os.waitpid(child, 0)[1])
""",
    )
    assert out.stdout.strip() == "0"


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="this system sends no signals")
def test_an_interrupt_stops():
    circuit = QuantumCircuit(16)
    for _ in range(3000):
        circuit.h(range(16))
    compiled = basicaer.compile(circuit)
    # A process that was started in the background may ignore the signal.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    begun = time.perf_counter()
    try:
        with pytest.raises(KeyboardInterrupt):
            thread = send_inside("statevector", signal.SIGINT, after=0.3)
            compiled.statevector()
            thread.join()  # if it was faster than the interrupt
            time.sleep(5)
    finally:
        signal.signal(signal.SIGINT, before)
    assert time.perf_counter() - begun < 60


def test_points_of_small_circuits_in_parts(monkeypatch):
    circuit = parametrised(4, seed=8)
    values = values_of(circuit, (7,))
    compiled = basicaer.compile(circuit)
    expected = [[compiled.expectation(each, row) for each in ("ZZXX", "YIIZ")] for row in values]
    monkeypatch.setattr(_small_rows, "_ROWS", 3)
    found = compiled.expectation(["ZZXX", "YIIZ"], values[:, np.newaxis])
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


def test_light_points_take_no_job(monkeypatch):
    circuit = parametrised(3, seed=6)
    compiled = basicaer.compile(circuit)
    monkeypatch.setattr(_compiled, "Points", None)
    assert compiled.statevector(values_of(circuit, ())).shape == (8,)
    with pytest.raises(TypeError):
        compiled.statevector(values_of(circuit, (2,)))


def test_batches_use_all_threads(monkeypatch):
    used = []
    original = _threads.cooperate

    def counting(work, number):
        used.append(number)
        original(work, number)

    monkeypatch.setattr(_threads, "cooperate", counting)
    circuit = parametrised(14, seed=7)
    basicaer.compile(circuit, max_parallel_threads=2).statevector(values_of(circuit, (3,)))
    assert 2 in used


# --- bad input -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda c: c.statevector(), r"need the shape batch \+ \(2,\).*none are given"),
        (lambda c: c.statevector([1.0]), r"they have the shape \(1,\)"),
        (lambda c: c.statevector(1.0), r"they have the shape \(\)"),
        (lambda c: c.statevector([[1.0], [1.0, 2.0]]), "no array of numbers"),
        (lambda c: c.statevector(["a", "b"]), "no array of numbers"),
        (lambda c: c.statevector([1.0, np.nan]), 'parameter "b" .* has the value nan in row 0'),
        (lambda c: c.statevector([1.0, np.inf]), 'parameter "b" .* has the value inf in row 0'),
        (lambda c: c.expectation("ZZ", [1, 2]), "acts on 2 qubits, the circuit has 1: 'ZZ'"),
        (lambda c: c.expectation("A", [1, 2]), "label 'A': 'A' is none of the letters"),
        (lambda c: c.expectation({"Z": 1j}, [1, 2]), "not Hermitian"),
        (lambda c: c.expectation({"Z": np.nan}, [1, 2]), "NaN or infinite"),
        (lambda c: c.expectation({}, [1, 2]), "no terms"),
        (lambda c: c.expectation([], [1, 2]), r"there are no observables: their shape is \(0,\)"),
        (lambda c: c.expectation([["Z"], ["Z", "X"]], [1, 2]), "form no array"),
        (lambda c: c.expectation(3, [1, 2]), "int is no observable"),
        (lambda c: c.expectation(["Z"] * 3, [[1, 2]] * 2), "cannot be broadcast together"),
        (lambda c: c.counts(0, values=[1, 2]), "shots must be a whole number from 1"),
        (lambda c: c.counts(seed=-1, values=[1, 2]), "seed_simulator must be"),
    ],
)
def test_bad_input(call, message):
    circuit = QuantumCircuit(1, 1)
    circuit.rx(A, 0)
    circuit.rz(B, 0)
    compiled = basicaer.compile(circuit)
    with pytest.raises(BasicAerError, match=message):
        call(compiled)
    assert compiled.expectation("Z", [0.0, 1.0]) == pytest.approx(1.0)


def test_bad_arguments():
    with pytest.raises(BasicAerError, match="takes a QuantumCircuit, not str"):
        basicaer.compile("circuit")
    with pytest.raises(BasicAerError, match="precision must be 'double' or 'single'"):
        basicaer.compile(QuantumCircuit(1), precision="half")
    with pytest.raises(BasicAerError, match="max_parallel_threads must be"):
        basicaer.compile(QuantumCircuit(1), max_parallel_threads=-1)


def test_memory_is_counted():
    circuit = QuantumCircuit(45, 1)
    circuit.h(0)
    compiled = basicaer.compile(circuit)
    for call in (compiled.statevector, lambda: compiled.expectation("Z" * 45)):
        with pytest.raises(
            BasicAerError, match=r"45 qubits in double precision needs .* available"
        ):
            call()
    circuit.measure(0, 0)
    with pytest.raises(BasicAerError, match="45 qubits, 10 shots, double precision needs"):
        basicaer.compile(circuit).counts(10)
