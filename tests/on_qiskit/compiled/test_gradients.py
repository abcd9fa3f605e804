"""Gradients by parameters: against finite differences and Qiskit's own class."""

from __future__ import annotations

import pickle
import warnings

import numpy as np
import pytest
from oracle import random_observable
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit import Parameter, ParameterVector
from qiskit.circuit.library import EfficientSU2
from qiskit.quantum_info import SparsePauliOp, Statevector
from versions import needs, needs_full_binding

import basicaer
from basicaer import BasicAerError, gradients
from basicaer._engine.gate_table import GATES
from basicaer._qiskit.circuits.gate_classes import CLASS_OF_NAME
from basicaer._qiskit.versions import TERRA, gradient_classes

A, B, C = Parameter("a"), Parameter("b"), Parameter("c")
PARAMETRISED = [row for row in GATES if row.num_params]

try:
    REFERENCE, _, DERIVATIVE_TYPE = gradient_classes()
except ImportError:
    REFERENCE = None
needs_reference = pytest.mark.skipif(REFERENCE is None, reason="qiskit-algorithms is not installed")


def state(circuit, values):
    bound = circuit.assign_parameters(dict(zip(circuit.parameters, values)))
    return Statevector(bound).data


def slopes(circuit, operator, values, step=1e-5):
    """2 <psi|O|d psi> by central differences of the state."""
    image = operator.to_matrix() @ state(circuit, values)
    found = []
    for unit in np.eye(len(values)):
        ahead, behind = state(circuit, values + step * unit), state(circuit, values - step * unit)
        found.append(2 * np.vdot(image, (ahead - behind) / (2 * step)))
    return np.array(found)


def mixed():
    """Parameters in several gates, in expressions, in several angles of a gate, and as a phase."""
    circuit = QuantumCircuit(4, global_phase=A * C)
    circuit.h(range(4))
    circuit.rx(A, 0)
    circuit.u(B, A * B, 0.3, 1)
    circuit.cp(C.sin() + 0.5, 0, 2)
    circuit.rzz(2 * C + 1, 1, 3)
    circuit.crx(A, 3, 1)
    circuit.p(C * C, 2)
    circuit.ry(-A, 2)
    circuit.cx(2, 3)
    circuit.rxx(A - B / 2, 0, 3)
    return circuit


@pytest.mark.parametrize("precision", ["double", "single"])
@pytest.mark.parametrize("imaginary", [False, True])
def test_expressions_and_several_gates(precision, imaginary):
    circuit, operator = mixed(), random_observable(4)
    compiled = basicaer.compile(circuit, precision=precision)
    values = np.array([0.4, -1.2, 0.9])
    energy, found = compiled.gradient(operator, values, imaginary=imaginary)
    assert isinstance(energy, float) and found.shape == (3,)
    assert found.dtype == (np.complex128 if imaginary else np.float64)
    tolerance = 1e-8 if precision == "double" else 1e-4
    assert energy == pytest.approx(compiled.expectation(operator, values), abs=tolerance)
    wanted = slopes(circuit, operator, values)
    np.testing.assert_allclose(found, wanted if imaginary else wanted.real, rtol=0, atol=tolerance)


@pytest.mark.parametrize(
    "row",
    [
        pytest.param(row, marks=needs_full_binding if row.name == "cu" else [], id=row.name)
        for row in PARAMETRISED
    ],
)
def test_every_gate_of_the_table(row):
    circuit = QuantumCircuit(row.num_qubits)
    for qubit in range(row.num_qubits):
        circuit.ry(0.5 + 0.3 * qubit, qubit)
        circuit.rz(0.2 + 0.1 * qubit, qubit)
    parameters = ParameterVector("p", row.num_params)
    circuit.append(CLASS_OF_NAME[row.name](*parameters), range(row.num_qubits))
    for qubit in range(row.num_qubits):
        circuit.rx(0.7 - 0.2 * qubit, qubit)
    operator = random_observable(row.num_qubits, seed=1)
    values = np.random.default_rng(2).uniform(-3, 3, row.num_params)
    _, found = basicaer.compile(circuit).gradient(operator, values, imaginary=True)
    np.testing.assert_allclose(found, slopes(circuit, operator, values), rtol=0, atol=1e-8)


@pytest.mark.parametrize("threads", [1, 2])
def test_batches_and_several_observables(threads):
    circuit = mixed()
    compiled = basicaer.compile(circuit, max_parallel_threads=threads)
    values = np.random.default_rng(0).uniform(-2, 2, (3, 2, 3))
    operators = [
        [random_observable(4, seed=0)],
        [random_observable(4, seed=1)],
        [random_observable(4, seed=2)],
    ]
    energies, found = compiled.gradient(operators, values)
    assert energies.shape == (3, 2) and found.shape == (3, 2, 3)
    for i, j in np.ndindex(3, 2):
        energy, one = compiled.gradient(operators[i][0], values[i, j])
        assert energies[i, j] == pytest.approx(energy, abs=1e-12)
        np.testing.assert_allclose(found[i, j], one, rtol=0, atol=1e-12)


def test_without_parameters():
    circuit = QuantumCircuit(1)
    circuit.h(0)
    energy, found = basicaer.compile(circuit).gradient("X")
    assert energy == pytest.approx(1.0) and found.shape == (0,)


def test_prepared_qubits():
    circuit = QuantumCircuit(2)
    circuit.initialize([0.6, 0, 0, 0.8], [0, 1])
    circuit.rx(A, 0)
    circuit.cx(0, 1)
    operator = random_observable(2)
    _, found = basicaer.compile(circuit).gradient(operator, [0.3])
    plain = QuantumCircuit(2)
    plain.ry(2 * np.arctan2(0.8, 0.6), 0)
    plain.cx(0, 1)
    plain.compose(
        QuantumCircuit.from_instructions(circuit.data[1:], qubits=circuit.qubits), inplace=True
    )
    np.testing.assert_allclose(found, slopes(plain, operator, [0.3]).real, atol=1e-8)


# --- errors --------------------------------------------------------------------------------------


def measured():
    circuit = QuantumCircuit(1, 1)
    circuit.rx(A, 0)
    circuit.measure(0, 0)
    circuit.x(0)
    return circuit


def reset():
    circuit = QuantumCircuit(1)
    circuit.rx(A, 0)
    circuit.reset(0)
    return circuit


def conditional():
    circuit = QuantumCircuit(QuantumRegister(1), ClassicalRegister(1))
    with circuit.if_test((circuit.clbits[0], 1)):
        circuit.rx(A, 0)
    return circuit


def absolute():
    circuit = QuantumCircuit(1)
    circuit.rx(A.abs(), 0)
    return circuit


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (measured, "goes on with qubit 0|qubit 0 is measured"),
        (reset, "qubit 0 is reset after gates"),
        (conditional, "control flow"),
    ],
)
def test_what_has_no_derivative(make, message):
    compiled = basicaer.compile(make())
    with pytest.raises(BasicAerError, match=message):
        compiled.gradient("Z", [0.5])


@needs((0, 25), "has no absolute values of parameters")
def test_functions_have_a_derivative_or_are_named():
    compiled = basicaer.compile(absolute())
    try:
        energy, found = compiled.gradient("Z", [-0.5])
    except BasicAerError as error:
        assert "has no derivative" in str(error) or "no real number" in str(error)
    else:
        assert energy == pytest.approx(np.cos(0.5)) and found[0] == pytest.approx(np.sin(0.5))


def test_bad_input():
    compiled = basicaer.compile(mixed())
    with pytest.raises(BasicAerError, match="not Hermitian"):
        compiled.gradient({"ZZZZ": 1j}, [1, 2, 3])
    with pytest.raises(BasicAerError, match="acts on 1 qubits, the circuit has 4"):
        compiled.gradient("Z", [1, 2, 3])
    with pytest.raises(BasicAerError, match="need the shape"):
        compiled.gradient("ZZZZ", [1, 2])
    assert compiled.gradient("ZZZZ", [1, 2, 3])[1].shape == (3,)


# --- the plain function --------------------------------------------------------------------------


def test_the_function_is_what_scipy_minimises():
    from scipy.optimize import minimize

    ansatz = QuantumCircuit(2)
    parameters = ParameterVector("p", 4)
    ansatz.ry(parameters[0], 0)
    ansatz.ry(parameters[1], 1)
    ansatz.cx(0, 1)
    ansatz.ry(parameters[2], 0)
    ansatz.ry(parameters[3], 1)
    operator = SparsePauliOp(["ZZ", "XX", "ZI"], [1.0, 0.7, 0.3])
    function = gradients.gradient(ansatz, operator)
    found = minimize(function, np.full(4, 0.1), jac=True, method="SLSQP")
    assert found.fun == pytest.approx(np.linalg.eigvalsh(operator.to_matrix())[0], abs=1e-5)
    again = pickle.loads(pickle.dumps(function))
    assert again(found.x)[0] == function(found.x)[0]
    compiled = basicaer.compile(ansatz, precision="single")
    assert gradients.gradient(compiled, operator).func.__self__ is compiled


# --- ReverseEstimatorGradient --------------------------------------------------------------------


def both(kind, *arguments):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [
            made(derivative_type=kind).run(*arguments).result()
            for made in (gradients.ReverseEstimatorGradient, REFERENCE)
        ]


def ansatz(num_qubits):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return EfficientSU2(num_qubits, reps=2).decompose()


@needs_reference
@pytest.mark.parametrize("kind", ["REAL", "IMAG", "COMPLEX"])
def test_it_is_qiskits(kind):
    kind = getattr(DERIVATIVE_TYPE, kind)
    circuits = [ansatz(3), ansatz(2), ansatz(3)]
    operators = [random_observable(3), random_observable(2), random_observable(3, seed=4)]
    rng = np.random.default_rng(0)
    values = [rng.uniform(-2, 2, circuit.num_parameters).tolist() for circuit in circuits]
    subsets = [None, list(circuits[1].parameters)[3:1:-1], list(circuits[2].parameters)[:2]]
    ours, theirs = both(kind, circuits, operators, values, subsets)
    assert type(ours) is type(theirs)
    assert len(ours.gradients) == len(theirs.gradients)
    for own, other in zip(ours.gradients, theirs.gradients):
        assert own.shape == other.shape and own.dtype == other.dtype
        np.testing.assert_allclose(own, other, rtol=0, atol=1e-9)
    assert ours.metadata == theirs.metadata
    assert {k: v for k, v in vars(ours).items() if k not in ("gradients", "metadata")} == {
        k: v for k, v in vars(theirs).items() if k not in ("gradients", "metadata")
    }


@needs_reference
def test_its_interface():
    made = gradients.ReverseEstimatorGradient()
    assert isinstance(made, REFERENCE)
    assert made.derivative_type == DERIVATIVE_TYPE.REAL
    made.derivative_type = DERIVATIVE_TYPE.IMAG
    assert made.derivative_type == DERIVATIVE_TYPE.IMAG
    circuit = ansatz(2)
    made.derivative_type = DERIVATIVE_TYPE.REAL
    result = made.run([circuit], [random_observable(2)], [[0.1] * circuit.num_parameters]).result()
    wanted = slopes(circuit, random_observable(2), np.full(circuit.num_parameters, 0.1)).real
    np.testing.assert_allclose(result.gradients[0], wanted, atol=1e-8)
    with pytest.raises(ValueError, match="does not match"):
        made.run([circuit], [random_observable(3)], [[0.1] * circuit.num_parameters])


@pytest.mark.skipif(REFERENCE is not None, reason="qiskit-algorithms, or terra, is installed")
def test_without_the_package_the_error_says_so():
    assert not TERRA
    with pytest.raises(ImportError, match="pip install qiskit-algorithms"):
        gradients.ReverseEstimatorGradient  # noqa: B018
    assert "ReverseEstimatorGradient" in dir(gradients)
