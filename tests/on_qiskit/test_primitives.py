"""The primitives, against those of Qiskit."""

# ruff: noqa: E402 (what is imported further down may not exist)

from __future__ import annotations

import copy
import pickle
import threading
import time
import warnings

import numpy as np
import oracle
import pytest
import qiskit.primitives
from oracle import random_observable
from versions import HamiltonianGate, needs_any_operator, needs_primitives, skip_here

skip_here(needs_primitives)

from qiskit import QuantumCircuit
from qiskit.circuit import CircuitInstruction, Gate, Parameter, ParameterVector
from qiskit.circuit.library import EfficientSU2, RealAmplitudes, RXGate
from qiskit.exceptions import QiskitError
from qiskit.primitives.primitive_job import PrimitiveJob as TerraPrimitiveJob
from qiskit.providers import JobStatus
from qiskit.providers.exceptions import JobError
from qiskit.quantum_info import (
    DensityMatrix,
    Operator,
    Pauli,
    PauliList,
    SparsePauliOp,
    Statevector,
)

from basicaer import BasicAerError, primitives
from basicaer._engine import costs
from basicaer._engine import threads as _threads
from basicaer._engine.control import STOP
from basicaer._qiskit import points as _points
from basicaer._qiskit import recent as _recent
from basicaer._qiskit.circuits import lowered as _lowered
from basicaer.primitives import Estimator, PrimitiveJob, Sampler

A, B = Parameter("a"), Parameter("b")


def rows(circuit, count, seed=0):
    return np.random.default_rng(seed).uniform(-3, 3, (count, circuit.num_parameters)).tolist()


def both(kind, *args, **options):
    """Returns what ours and terra's make of a call."""
    results = []
    for package in (primitives, qiskit.primitives):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            results.append(getattr(package, kind)().run(*args, **options).result())
    return results


def assert_same_values(*args, **options):
    ours, terra = both("Estimator", *args, **options)
    assert type(ours) is type(terra)
    assert ours.values.dtype == terra.values.dtype
    np.testing.assert_allclose(ours.values, terra.values, rtol=0, atol=1e-10)
    assert len(ours.metadata) == len(terra.metadata)
    for own, other in zip(ours.metadata, terra.metadata):
        assert own == pytest.approx(other, abs=1e-10)
    return ours


def assert_same_distributions(*args, **options):
    ours, terra = both("Sampler", *args, **options)
    assert type(ours) is type(terra)
    assert ours.metadata == terra.metadata
    assert len(ours.quasi_dists) == len(terra.quasi_dists)
    for own, other in zip(ours.quasi_dists, terra.quasi_dists):
        assert type(own) is type(other)
        assert own == pytest.approx(other, abs=1e-12)
        assert own.shots == other.shots
        assert list(own.binary_probabilities()) == list(other.binary_probabilities())
    return ours


# ----------------------------------------------------------------------------------------------
# The same numbers
# ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("num_qubits", [1, 3, 5])
@pytest.mark.parametrize("shots", [None, 100])
def test_estimates(num_qubits, shots):
    circuits = [oracle.random_circuit(num_qubits, 30, seed) for seed in range(4)]
    observables = [random_observable(num_qubits, seed=seed) for seed in range(4)]
    assert_same_values(circuits, observables, shots=shots, seed=3)


@pytest.mark.parametrize("shots", [None, 100])
def test_estimates_of_many_values(shots):
    circuit = EfficientSU2(4, reps=2)
    other = RealAmplitudes(4, reps=1)
    circuits = [circuit, circuit, other, circuit, other, circuit]
    values = [row for each in circuits for row in rows(each, 1, len(each.data))]
    values[3] = values[0]
    observables = [random_observable(4, seed=seed % 2) for seed in range(6)]
    assert_same_values(circuits, observables, values, shots=shots, seed=11)


def test_a_variance_of_nearly_nothing():
    circuit = QuantumCircuit(1)
    result = Estimator().run(circuit, "Z", shots=10, seed=1).result()
    assert result.values[0] == pytest.approx(1, abs=1e-7)
    assert result.metadata == [{"variance": pytest.approx(0, abs=1e-14), "shots": 10}]


@pytest.mark.parametrize("num_qubits", [1, 4])
@pytest.mark.parametrize("shots", [None, 1, 1000])
def test_distributions(num_qubits, shots):
    circuits = []
    for seed in range(5):
        circuits.append(oracle.random_circuit(num_qubits, 20, seed))
        circuits[-1].measure_all()
    assert_same_distributions(circuits, shots=shots, seed=7)


def even_chances():
    """Circuits some of whose probabilities are 1/2 or 1/4 but for the last bit."""
    for num_qubits in (1, 2, 5):
        for gate in ("h", "sx"):
            circuit = QuantumCircuit(num_qubits, name=f"{gate} ghz {num_qubits}")
            getattr(circuit, gate)(0)
            for qubit in range(1, num_qubits):
                circuit.cx(qubit - 1, qubit)
            yield circuit
            circuit = QuantumCircuit(num_qubits, name=f"{gate} {num_qubits}")
            getattr(circuit, gate)(range(num_qubits))
            yield circuit
    circuit = QuantumCircuit(3, name="Deutsch-Jozsa")
    circuit.x(2)
    circuit.h(range(3))
    circuit.cx(0, 2)
    circuit.h([0, 1])
    yield circuit
    circuit = QuantumCircuit(3, name="ch")
    circuit.h(0)
    circuit.ch(0, 1)
    circuit.cx(1, 2)
    yield circuit


@pytest.mark.parametrize("circuit", list(even_chances()), ids=lambda circuit: circuit.name)
def test_draws_at_one_half(circuit):
    # The last bit decides there which outcome gets which count.
    for seed in range(10):
        assert_same_distributions([circuit.measure_all(inplace=False)], shots=1000, seed=seed)
    part = QuantumCircuit(circuit.num_qubits, 1)
    part.compose(circuit, inplace=True)
    part.measure(circuit.num_qubits - 1, 0)
    for seed in range(10):
        assert_same_distributions([part], shots=1000, seed=seed)


@pytest.mark.parametrize("shots", [None, 100])
def test_outcomes_that_are_next_to_impossible(shots):
    circuits = []
    for angle in (1e-8, 3e-8):  # terra rounds to 16 digits
        circuits.append(QuantumCircuit(2))
        circuits[-1].ry(angle, 1)
        circuits[-1].h(0)
        circuits[-1].measure_all()
    result = assert_same_distributions(circuits, shots=shots, seed=3)
    if shots is None:
        assert [len(each) for each in result.quasi_dists] == [2, 4]


def test_a_generator_as_the_seed():
    circuit = QuantumCircuit(2)
    circuit.ry(1, [0, 1])
    for kind, args in (
        ("Estimator", ([circuit] * 3, ["XZ"] * 3)),
        ("Sampler", ([circuit.measure_all(inplace=False)] * 3,)),
    ):
        results = []
        for package in (primitives, qiskit.primitives):
            generator = np.random.default_rng(4)
            primitive = getattr(package, kind)(options={"shots": 50, "seed": generator})
            results.append([primitive.run(*args).result() for _ in range(2)])
        for own, other in zip(*results):
            if kind == "Sampler":
                assert own == other
            else:
                np.testing.assert_allclose(own.values, other.values, rtol=0, atol=1e-12)
        one, other = results[0]
        assert str(one) != str(other)


def test_estimators_draws_are_made_by_run():
    circuit = QuantumCircuit(1)
    circuit.h(0)

    def values(turn):
        generator = np.random.default_rng(1)
        jobs = [Estimator().run(circuit, "Z", shots=10, seed=generator) for _ in range(3)]
        return [job.result().values[0] for job in jobs[::turn]][::turn]

    assert values(1) == values(-1)
    assert len(set(values(1))) == 3


def test_complex_values():
    circuit = QuantumCircuit(1)
    circuit.ry(0.3, 0)
    operator = SparsePauliOp(["Z", "X"], [1, 1j])
    assert assert_same_values([circuit], [operator]).values.dtype == complex
    with pytest.raises(BasicAerError, match="place 1 is not Hermitian"):
        Estimator().run([circuit, circuit], ["Z", operator], shots=10)


@pytest.mark.parametrize("primitive", ["Estimator", "Sampler"])
def test_single_precision(primitive):
    circuit = oracle.random_circuit(4, 30, 1)
    args = (circuit, random_observable(4))
    if primitive == "Sampler":
        args = (circuit.measure_all(inplace=False),)
    double, single = (
        getattr(primitives, primitive)().run(*args, precision=precision).result()
        for precision in ("double", "single")
    )
    if primitive == "Sampler":
        assert single.quasi_dists[0] == pytest.approx(double.quasi_dists[0], abs=1e-6)
    else:
        np.testing.assert_allclose(single.values, double.values, atol=1e-5)
    assert single != double


# ----------------------------------------------------------------------------------------------
# Forms of the arguments
# ----------------------------------------------------------------------------------------------


def bell():
    circuit = QuantumCircuit(2)
    circuit.h(0)
    circuit.cx(0, 1)
    return circuit


def one_parameter():
    circuit = QuantumCircuit(1)
    circuit.rx(A, 0)
    return circuit


@pytest.mark.parametrize(
    "args",
    [
        (bell(), "XX"),
        (bell(), Pauli("-YY")),
        pytest.param((bell(), Operator(np.diag([1, 2, 3, 4]))), marks=needs_any_operator),
        pytest.param((bell(), PauliList(["XX", "ZI"])), marks=needs_any_operator),
        ([bell()], [SparsePauliOp("ZZ")]),
        ((bell(), bell()), ("ZZ", "XX")),
        ([bell()], ["ZZ"], [[]]),
        ([bell()], ["ZZ"], None),
        (one_parameter(), "Z", 0.3),
        (one_parameter(), "Z", [0.3]),
        (one_parameter(), "Z", [[1]]),
        ([one_parameter()], [SparsePauliOp("Z")], np.array([[0.3]])),
        ([one_parameter()] * 2, ["Z", "Y"], [np.array([0.3]), (0.4,)]),
        (one_parameter(), SparsePauliOp("Z"), np.float32(0.25)),
        ([one_parameter(), bell()], [SparsePauliOp("Z"), SparsePauliOp("XX")], [[0.3], []]),
    ],
)
def test_forms_of_estimates(args):
    assert_same_values(*args)


def test_pauli_sum_op():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        opflow = pytest.importorskip("qiskit.opflow")
        operator = opflow.PauliSumOp(SparsePauliOp(["XX", "ZZ"], [1, 2]), coeff=3)
    result = assert_same_values(bell(), operator)
    assert result.values == pytest.approx([9])


@pytest.mark.parametrize(
    "args",
    [
        ([], []),
        ([bell()], []),
        ([bell()], ["ZZ", "XX"]),
        ([bell()], ["Z"]),
        ([bell()], [SparsePauliOp("Z")]),
        ([bell()], [SparsePauliOp("ZZ")], [[1.0]]),
        ([one_parameter()], [SparsePauliOp("Z")]),
        ([one_parameter()], [SparsePauliOp("Z")], [[1.0, 2.0]]),
        ([one_parameter()], [SparsePauliOp("Z")], [[1.0], [2.0]]),
        ([one_parameter()], [SparsePauliOp("Z")], [[float("nan")]]),
        ([one_parameter()], [SparsePauliOp("Z")], [[True]]),
        ([one_parameter()], [SparsePauliOp("Z")], [["1"]]),
        ([one_parameter()] * 2, [SparsePauliOp("Z")] * 2, [[1.0], [float("inf")]]),
        ("circuit", "Z"),
        (["circuit"], [SparsePauliOp("Z")], [[1.0]]),
    ],
)
def test_wrong_estimates(args):
    with pytest.raises(Exception) as terra:
        qiskit.primitives.Estimator().run(*args).result()
    with pytest.raises(type(terra.value)) as ours:
        Estimator().run(*args)
    assert str(ours.value) == str(terra.value)


def test_values_are_in_the_order_of_the_parameters():
    vector = ParameterVector("v", 12)
    circuit = QuantumCircuit(1)
    for place in (10, 2, 0, 11):
        circuit.rx(vector[place], 0)
        circuit.ry(B * vector[place], 0)
        circuit.rz(A, 0)
    for values in rows(circuit, 2):
        assert_same_values([circuit], [SparsePauliOp(["X", "Y"])], [values])


# ----------------------------------------------------------------------------------------------
# Circuits
# ----------------------------------------------------------------------------------------------


def measured(gates, num_clbits=2):
    circuit = QuantumCircuit(2, num_clbits, name="this one")
    circuit.ry(1, 0)
    circuit.rx(2, 1)
    gates(circuit)
    return circuit


def _swapped(circuit):
    circuit.measure([0, 1], [1, 0])


def _one_of_two(circuit):
    circuit.measure(1, 0)


def _one_after_the_other(circuit):
    circuit.measure(0, 0)
    circuit.h(1)
    circuit.barrier()
    circuit.measure(1, 1)


def _overwritten(circuit):
    circuit.measure(0, 0)
    circuit.measure(1, 0)


def _twice(circuit):
    circuit.measure(0, 0)
    circuit.measure(0, 0)


@pytest.mark.parametrize("shots", [None, 200])
@pytest.mark.parametrize(
    ("gates", "num_clbits"),
    [
        (_swapped, 2),
        (_one_of_two, 1),
        (_one_after_the_other, 2),
        (_overwritten, 1),
        (_twice, 1),
        (QuantumCircuit.measure_all, 0),
    ],
)
def test_final_measurements(gates, num_clbits, shots):
    assert_same_distributions(measured(gates, num_clbits), shots=shots, seed=5)


def _goes_on(circuit):
    circuit.measure([0, 1], [0, 1])
    circuit.x(0)


def _measured_again(circuit):
    circuit.measure([0, 1], [0, 1])
    circuit.x(0)
    circuit.measure(0, 0)


def _reset_after(circuit):
    circuit.measure([0, 1], [0, 1])
    circuit.reset(1)


def _to_both(circuit):
    circuit.measure([0, 0], [0, 1])


def _conditional(circuit):
    circuit.x(0).c_if(0, 0)
    circuit.measure(0, 0)
    circuit.x(1).c_if(0, 1)
    circuit.measure(1, 1)


@pytest.mark.parametrize(
    ("gates", "text"),
    [
        (_one_of_two, r"Some classical bits .* not used .* measured are \[0\]"),
        (_goes_on, "measured are .1."),
        (_measured_again, "goes on with qubit 0"),
        (_reset_after, "measured are .0."),
        (_to_both, "more than one classical bit"),
        (_conditional, "conditions or control flow"),
    ],
)
def test_circuits_that_cannot_be_sampled(gates, text):
    circuit = measured(gates)
    if gates is not _conditional:  # terra passes over conditions
        with pytest.raises(QiskitError):
            qiskit.primitives.Sampler().run(circuit).result()
    for _ in range(2):  # what is wrong is not remembered as right
        with pytest.raises(BasicAerError, match=text) as error:
            Sampler().run(circuit)
    assert '"this one"' in str(error.value)


@pytest.mark.parametrize(
    "circuit", [bell(), QuantumCircuit(1, 1)], ids=["no clbits", "no measurement"]
)
def test_circuits_without_measurements(circuit):
    # terra before 0.25 does not look for measurements.
    with pytest.raises((ValueError, BasicAerError), match=r"does not have|not used for measure"):
        Sampler().run(circuit)


@pytest.mark.parametrize("gates", [_swapped, _conditional])
def test_circuits_without_a_final_state(gates):
    with pytest.raises(BasicAerError, match='"this one" has no final state'):
        Estimator().run(measured(gates), "ZZ")


def with_resets():
    circuit = QuantumCircuit(3)
    circuit.reset(0)
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.ry(0.7, 2)
    circuit.reset(0)
    circuit.cx(1, 2)
    circuit.reset(2)
    circuit.ry(0.4, [0, 2])
    circuit.reset(1)
    circuit.x(1)
    circuit.reset(1)
    return circuit


def density_matrix():
    return DensityMatrix(np.diag([1] + [0] * 7)).evolve(with_resets())


def test_resets_make_a_mixed_state():
    operator = random_observable(3)
    expected = density_matrix().expectation_value(operator).real
    assert Estimator().run(with_resets(), operator).result().values == pytest.approx([expected])
    square = density_matrix().expectation_value((operator @ operator).simplify()).real
    result = Estimator().run(with_resets(), operator, shots=10).result()
    assert result.metadata[0]["variance"] == pytest.approx(square - expected**2)
    circuit = with_resets()
    circuit.measure_all()
    found = Sampler().run(circuit).result().quasi_dists[0]
    expected = density_matrix().probabilities()
    assert found == pytest.approx(dict(enumerate(expected.tolist())), abs=1e-12) or {
        key: found.get(key, 0) for key in range(8)
    } == pytest.approx(dict(enumerate(expected.tolist())), abs=1e-12)


def test_a_preparation_is_reset():
    circuit = QuantumCircuit(2)
    circuit.initialize(oracle.random_state(1, 1), [1])
    circuit.reset(1)
    assert Estimator().run(circuit, "ZI").result().values == pytest.approx([1])


def test_preparations():
    amplitudes = oracle.random_state(2, 1)
    circuit = QuantumCircuit(3)
    circuit.h(1)
    circuit.initialize(amplitudes, [0, 2])
    circuit.cx(1, 0)
    expected = Statevector(circuit).expectation_value(random_observable(3))
    assert Estimator().run(circuit, random_observable(3)).result().values == pytest.approx(
        [expected.real]
    )


def test_gates_that_have_a_matrix_for_numbers_only():
    circuit = QuantumCircuit(1)
    circuit.append(HamiltonianGate(np.array([[1, 0.5], [0.5, -1]]), A), [0])
    circuit.ry(B, 0)
    values = rows(circuit, 4)
    assert_same_values([circuit] * 4, [SparsePauliOp("X")] * 4, values)


def test_an_expression_without_a_value():
    circuit = QuantumCircuit(1)
    circuit.rx(A.log(), 0)
    with pytest.raises(BasicAerError, match="no real number"):
        Estimator().run([circuit] * 2, [SparsePauliOp("Z")] * 2, [[1.0], [-1.0]])


# ----------------------------------------------------------------------------------------------
# What is remembered
# ----------------------------------------------------------------------------------------------


@pytest.fixture
def sweeps(monkeypatch):
    """Counts how often a circuit is lowered, and for how many values programs are made."""
    made = []

    class Counting(_lowered.Sweep):
        def __init__(self, *args):
            super().__init__(*args)
            made.append([])

        def programs(self, values):
            made[-1].append(len(values))
            return super().programs(values)

    monkeypatch.setattr(_lowered, "Sweep", Counting)
    return made


def test_a_circuit_is_lowered_once(sweeps):
    estimator = Estimator()
    for name in ("one", "two"):
        circuit = QuantumCircuit(1, name=name)
        circuit.rx(A, 0)
        for value in (0.1, 0.2):
            found = estimator.run(circuit, "Z", value).result().values
            assert found == pytest.approx([np.cos(value)])
    assert sweeps == [[1, 1, 1, 1]]
    assert len(estimator.circuits) == len(estimator.parameters) == len(estimator.observables) == 1


def test_a_batch_is_one_sweep_without_repetitions(sweeps):
    values = [[0.1], [0.2], [0.1], [0.3]]
    circuits = [one_parameter() for _ in values]
    found = Estimator().run(circuits, ["Z"] * 4, values).result().values
    assert found == pytest.approx(np.cos([0.1, 0.2, 0.1, 0.3]))
    assert sweeps == [[3]]


def test_a_changed_circuit_is_another():
    estimator, sampler = Estimator(), Sampler()
    circuit = QuantumCircuit(1, 1)
    circuit.rx(A, 0)
    assert estimator.run(circuit, "Z", 0.2).result().values == pytest.approx([np.cos(0.2)])
    circuit.x(0)
    assert estimator.run(circuit, "Z", 0.2).result().values == pytest.approx([-np.cos(0.2)])
    circuit.data[0] = CircuitInstruction(RXGate(2 * A), [circuit.qubits[0]])
    assert estimator.run(circuit, "Z", 0.2).result().values == pytest.approx([-np.cos(0.4)])
    circuit.measure(0, 0)
    one = np.cos(0.2) ** 2
    assert sampler.run(circuit, 0.2).result().quasi_dists[0][1] == pytest.approx(one)
    circuit.data.insert(0, CircuitInstruction(circuit.data[1].operation, [circuit.qubits[0]]))
    assert sampler.run(circuit, 0.2).result().quasi_dists[0][0] == pytest.approx(one)


def test_gates_of_one_name():
    def circuit(angle):
        inner = QuantumCircuit(1, name="mine")
        inner.ry(angle, 0)
        outer = QuantumCircuit(1)
        outer.append(inner.to_gate(), [0])
        return outer

    values = Estimator().run([circuit(0.1), circuit(0.2)], ["Z", "Z"]).result().values
    assert values == pytest.approx(np.cos([0.1, 0.2]))


def test_coefficients_that_are_objects_are_not_remembered():
    operator = SparsePauliOp(["Z"], np.array([A])).assign_parameters([1.5])
    estimator = Estimator()
    assert estimator.run(QuantumCircuit(1), operator).result().values == pytest.approx([1.5])
    assert estimator.observables == ()


def test_little_is_remembered(monkeypatch):
    monkeypatch.setattr(_recent, "_REMEMBERED", 3)
    estimator = Estimator()
    for angle in (0.1, 0.2, 0.3, 0.4, 0.2, 0.5):
        circuit = QuantumCircuit(1)
        circuit.rx(angle, 0)
        estimator.run(circuit, SparsePauliOp("Z", angle)).result()
    kept = [circuit.data[0].operation.params[0] for circuit in estimator.circuits]
    assert kept == [0.4, 0.2, 0.5]
    assert [each.coeffs[0] for each in estimator.observables] == kept


def test_many_values_are_taken_in_parts(monkeypatch, sweeps):
    monkeypatch.setattr(_points, "_ROWS", 3)
    angles = np.arange(8) / 10
    found = Estimator().run([one_parameter()] * 8, ["Z"] * 8, angles[:, None]).result().values
    assert found == pytest.approx(np.cos(angles))
    assert sweeps == [[3, 3, 2]]


@pytest.mark.parametrize(
    "copied", [copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))]
)
@pytest.mark.parametrize("kind", [Estimator, Sampler])
def test_copies(kind, copied):
    primitive = kind(options={"shots": 10, "seed": 3})
    circuit = QuantumCircuit(1)
    circuit.rx(A * B, 0)
    args = (circuit, "Z", [1, 0.5])
    if kind is Sampler:
        circuit.measure_all()
        args = (circuit, [1, 0.5])
    first = primitive.run(*args).result()
    assert copied(primitive).run(*args).result() == first


# ----------------------------------------------------------------------------------------------
# Options, jobs, threads
# ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [Estimator, Sampler])
def test_options(kind):
    circuit = QuantumCircuit(1, 1)
    circuit.h(0)
    args = (circuit, "Z")
    if kind is Sampler:
        circuit.measure(0, 0)
        args = (circuit,)
    primitive = kind(options={"shots": 7})
    assert primitive.options["shots"] == 7
    assert primitive.run(*args).result().metadata[0]["shots"] == 7
    primitive.set_options(shots=8)
    assert primitive.run(*args).result().metadata[0]["shots"] == 8
    assert primitive.run(*args, shots=9.0).result().metadata[0]["shots"] == 9
    assert primitive.run(*args, shots=None).result().metadata == [{}]
    for name, value in (("shots", 0), ("shots", 1.5), ("precision", "half")):
        with pytest.raises(BasicAerError, match=name):
            primitive.run(*args, **{name: value})
    for call in (args, ([args[0]], *([each] for each in args[1:]), [[]])):
        with pytest.warns(UserWarning, match="Option noise is not used") as caught:
            primitive.run(*call, noise=1).result()
        ours = [each.filename for each in caught if each.category is UserWarning]
        assert ours == [__file__]


@pytest.mark.parametrize("shots", [None, 10])
@pytest.mark.parametrize("seed", [-1, "abc", 1.5, [3, -1], object()], ids=repr)
@pytest.mark.parametrize("kind", [Estimator, Sampler])
def test_seeds_that_are_none(kind, seed, shots):
    circuit = QuantumCircuit(1)
    args = (circuit, "Z") if kind is Estimator else (circuit.measure_all(inplace=False),)
    with pytest.raises(BasicAerError, match=r"Option seed must be .*, not ") as caught:
        kind().run(*args, seed=seed, shots=shots)
    assert repr(seed) in str(caught.value)


@pytest.mark.parametrize("shots", [0, 2.5, 10**18 + 1, 2**63, 1e30])
@pytest.mark.parametrize("kind", [Estimator, Sampler])
def test_shots_out_of_bounds(kind, shots):
    circuit = QuantumCircuit(1)
    args = (circuit, "Z") if kind is Estimator else (circuit.measure_all(inplace=False),)
    with pytest.raises(BasicAerError, match=f"Option shots must be .* from 1 to {10**18}, not"):
        kind().run(*args, shots=shots)


def test_memory():
    with pytest.raises(BasicAerError, match=r"55 qubits in single precision needs .* available"):
        Estimator().run(QuantumCircuit(55), "Z" * 55, precision="single")
    circuit = QuantumCircuit(55)
    circuit.measure_all()
    with pytest.raises(BasicAerError, match="55 qubits"):
        Sampler().run(circuit)


def test_job():
    job = Estimator().run(bell(), "ZZ")
    assert isinstance(job, PrimitiveJob)
    assert isinstance(job, TerraPrimitiveJob)
    assert job.result(20).values == pytest.approx([1])
    assert job.status() is JobStatus.DONE
    assert job.progress() == 1
    assert not job.cancel()
    with pytest.raises(JobError, match="submitted already"):
        job.submit()
    other = Estimator().run(bell(), "ZZ")
    assert other.job_id() != job.job_id()
    other.result()  # no job is left to the tests that follow


def blocked(monkeypatch):
    """Has final states wait for an event, until their job is cancelled; returns both events."""
    begun, go_on = threading.Event(), threading.Event()
    original = _points.final_states

    def waiting(program, *, control, **options):
        begun.set()
        while not go_on.wait(0.001):
            control.check()
        yield from original(program, control=control, **options)

    monkeypatch.setattr(_points, "final_states", waiting)
    return begun, go_on


def test_run_returns_at_once(monkeypatch):
    begun, go_on = blocked(monkeypatch)
    circuit = one_parameter()
    job = Estimator().run(circuit, "Z", 0.3)
    assert begun.wait(20)
    assert job.status() is JobStatus.RUNNING
    circuit.x(0)  # makes no difference any more
    go_on.set()
    assert job.result().values == pytest.approx([np.cos(0.3)])


def test_cancel(monkeypatch):
    begun, _ = blocked(monkeypatch)
    job = Sampler().run(bell().measure_all(inplace=False))
    assert begun.wait(20)
    assert job.cancel()
    assert job.status() is JobStatus.CANCELLED
    with pytest.raises(JobError, match="cancelled"):
        job.result()


def test_an_error_names_its_circuit(monkeypatch):
    def failing(program, **options):
        if program.name == "second":
            raise OSError("no luck")
        yield from ()

    monkeypatch.setattr(_points, "final_states", failing)
    circuits = [QuantumCircuit(1, name=name) for name in ("first", "second")]
    circuits[1].x(0)
    job = Estimator().run(circuits, ["Z", "Z"])
    with pytest.raises(OSError, match="no luck"):
        job.result()
    assert job.status() is JobStatus.ERROR
    assert job.error_message() == 'circuit 1, "second": OSError: no luck'


def test_an_error_stops_the_other_threads(monkeypatch):
    monkeypatch.setitem(costs.THREADS_WORK, "points", 0)
    meet = threading.Barrier(2)
    stopped = []

    def failing(program, *, control, **options):
        meet.wait(20)
        if program.name == "second":
            raise OSError("no luck")
        deadline = time.monotonic() + 20
        while not control.flags[STOP] and time.monotonic() < deadline:
            time.sleep(0.001)
        stopped.append(int(control.flags[STOP]))
        control.check()
        yield from ()

    monkeypatch.setattr(_points, "final_states", failing)
    circuits = [QuantumCircuit(1, name=name) for name in ("first", "second")]
    circuits[1].x(0)
    with pytest.raises(OSError, match="no luck"):
        Estimator().run(circuits, ["Z", "Z"], max_parallel_threads=2).result()
    assert stopped == [1]


def test_threads(monkeypatch):
    monkeypatch.setitem(costs.THREADS_WORK, "points", 0)
    taken = []
    original = _threads.cooperate
    monkeypatch.setattr(
        _threads,
        "cooperate",
        lambda work, threads: [taken.append(threads), original(work, threads)],
    )
    circuit = EfficientSU2(4, reps=1)
    values = rows(circuit, 30)
    args = ([circuit] * 30, [random_observable(4)] * 30, values)
    results = [
        Estimator().run(*args, shots=5, seed=2, max_parallel_threads=threads).result()
        for threads in (1, 4, 64)
    ]
    assert taken == [1, 4, 30]
    for result in results[1:]:
        assert result.values.tolist() == results[0].values.tolist()


# ----------------------------------------------------------------------------------------------
# What is built on them
# ----------------------------------------------------------------------------------------------


@pytest.fixture
def algorithms():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield pytest.importorskip("qiskit.algorithms")


H2 = SparsePauliOp(
    ["II", "IZ", "ZI", "ZZ", "XX"],
    [-1.052373245772859, 0.39793742484318045, -0.39793742484318045, -0.01128010425623538,
     0.18093119978423156],
)  # fmt: skip


def test_vqe(algorithms):
    from qiskit.algorithms.minimum_eigensolvers import VQE
    from qiskit.algorithms.optimizers import COBYLA, SLSQP

    ansatz = RealAmplitudes(2, reps=1)
    point = [0.1] * ansatz.num_parameters
    results = []
    for package in (primitives, qiskit.primitives):
        vqe = VQE(package.Estimator(), ansatz, COBYLA(maxiter=15), initial_point=point)
        results.append(vqe.compute_minimum_eigenvalue(H2, aux_operators=[H2, SparsePauliOp("XX")]))
    ours, terra = results
    assert ours.eigenvalue == pytest.approx(terra.eigenvalue, abs=1e-8)
    for own, other in zip(ours.aux_operators_evaluated, terra.aux_operators_evaluated):
        assert own[0] == pytest.approx(other[0], abs=1e-6)
    gradient = algorithms.gradients.ParamShiftEstimatorGradient(Estimator())
    vqe = VQE(Estimator(), ansatz, SLSQP(), gradient=gradient, initial_point=point)
    found = vqe.compute_minimum_eigenvalue(H2)
    assert found.eigenvalue == pytest.approx(min(np.linalg.eigvalsh(H2.to_matrix())), abs=1e-6)


def test_qaoa(algorithms):
    from qiskit.algorithms.minimum_eigensolvers import QAOA
    from qiskit.algorithms.optimizers import COBYLA

    operator = SparsePauliOp(["IIZZ", "IZZI", "ZZII", "ZIIZ"])
    results = [
        QAOA(
            package.Sampler(options={"shots": shots, "seed": 3}),
            COBYLA(maxiter=8),
            reps=2,
            initial_point=[0.1, 0.2, 0.3, 0.4],
        ).compute_minimum_eigenvalue(operator)
        for shots in (None, 500)
        for package in (primitives, qiskit.primitives)
    ]
    for ours, terra in (results[:2], results[2:]):
        assert ours.eigenvalue == pytest.approx(terra.eigenvalue, abs=1e-8)
        assert ours.eigenstate == pytest.approx(terra.eigenstate, abs=1e-8)


def test_gradients_are_one_sweep(algorithms, sweeps):
    circuit = QuantumCircuit(2)
    circuit.rx(A, 0)
    circuit.cx(0, 1)
    circuit.rzz(2 * A, 0, 1)
    circuit.ry(B, 1)
    values = [0.3, 0.8]
    ours, terra = (
        algorithms.gradients.ParamShiftEstimatorGradient(package.Estimator())
        .run([circuit], [random_observable(2)], [values])
        .result()
        .gradients[0]
        for package in (primitives, qiskit.primitives)
    )
    np.testing.assert_allclose(ours, terra, atol=1e-10)
    assert sweeps == [[6]]


def test_sampler_gradients(algorithms):
    circuit = EfficientSU2(2, reps=1)
    circuit.measure_all()
    values = rows(circuit, 1)
    ours, terra = (
        algorithms.gradients.ParamShiftSamplerGradient(package.Sampler())
        .run([circuit], values)
        .result()
        .gradients[0]
        for package in (primitives, qiskit.primitives)
    )
    for own, other in zip(ours, terra):
        for key in range(4):
            assert own.get(key, 0) == pytest.approx(other.get(key, 0), abs=1e-10)


def test_a_definition_that_needs_a_number():
    class Rounded(Gate):
        def __init__(self, angle):
            super().__init__("rounded", 1, [angle])

        def _define(self):
            (angle,) = self.params
            if getattr(angle, "parameters", None):
                raise ValueError("a number is needed")
            self.definition = QuantumCircuit(1)
            self.definition.rx(round(float(angle), 1), 0)

    circuit = QuantumCircuit(1)
    circuit.append(Rounded(Parameter("a")), [0])
    assert_same_values([circuit] * 2, ["Z"] * 2, [[0.5], [0.72]])
