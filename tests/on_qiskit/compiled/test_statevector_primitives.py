"""The primitives V2, against those of Qiskit, seed for seed."""

# ruff: noqa: E402 (what is imported further down may not exist)

from __future__ import annotations

import copy
import pickle
import time

import numpy as np
import pytest
from versions import needs, skip_here

needs_primitives_v2 = needs((1, 0), "has no primitives V2")
skip_here(needs_primitives_v2)

import qiskit.primitives
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit import Parameter, ParameterVector
from qiskit.circuit.random import random_circuit
from qiskit.primitives import BasePrimitiveJob
from qiskit.primitives.containers import BitArray
from qiskit.primitives.containers.estimator_pub import EstimatorPub
from qiskit.primitives.containers.sampler_pub import SamplerPub
from qiskit.quantum_info import Pauli, SparsePauliOp, random_pauli_list

from basicaer import BasicAer, BasicAerError, primitives
from basicaer import compile as compile_circuit
from basicaer._jobs import budget, queue
from basicaer.primitives import StatevectorEstimator, StatevectorSampler
from basicaer.primitives._statevector_sampler import packed


def random_parametrised(rng, num_qubits):
    """A circuit with parameters in gates and in expressions."""
    parameters = ParameterVector("p", int(rng.integers(0, 4)))
    circuit = random_circuit(num_qubits, 3, seed=int(rng.integers(1 << 30)))
    for place, parameter in enumerate(parameters):
        circuit.rx(parameter, place % num_qubits)
        circuit.rz(2 * parameter + 0.3, (place + 1) % num_qubits)
        circuit.cx(0, num_qubits - 1) if num_qubits > 1 else circuit.h(0)
    return circuit


def random_values(rng, circuit):
    shape = [(), (1,), (3,), (2, 2), (0,)][int(rng.integers(5))]
    return rng.uniform(-3, 3, (*shape, circuit.num_parameters))


def sampler_pub(rng):
    num_qubits = int(rng.integers(1, 6))
    circuit = random_parametrised(rng, num_qubits)
    kind = int(rng.integers(3))
    if kind == 0:
        circuit.measure_all()
    else:
        sizes = [int(size) for size in rng.integers(1, 12, kind)]
        for place, size in enumerate(sizes):
            circuit.add_register(ClassicalRegister(size, f"c{place}"))
        clbits = rng.permutation(sum(sizes))[:num_qubits]
        qubits = rng.permutation(num_qubits)[: len(clbits)]
        for qubit, clbit in zip(qubits.tolist(), clbits.tolist()):
            circuit.measure(qubit, clbit)
    values = random_values(rng, circuit)
    shots = [None, 1, 57][int(rng.integers(3))]
    return (circuit, values, shots)


def data_of(ours, theirs):
    """Yields our data and Qiskit's, name by name, of results that agree in all else."""
    assert len(ours) == len(theirs)
    assert ours.metadata == theirs.metadata
    for own, other in zip(ours, theirs):
        assert own.metadata == other.metadata
        assert own.data.shape == other.data.shape
        assert list(own.data) == list(other.data)
        for name in other.data:
            yield own.data[name], other.data[name]


def assert_same_samples(ours, theirs):
    for own, other in data_of(ours, theirs):
        assert own.num_bits == other.num_bits
        assert own.array.dtype == np.uint8
        np.testing.assert_array_equal(own.array, other.array)
        assert own == other


@pytest.mark.parametrize("case", range(40))
def test_samples_are_qiskits(case):
    rng = np.random.default_rng(case)
    pubs = [sampler_pub(rng) for _ in range(int(rng.integers(1, 5)))]
    seed = int(rng.integers(1 << 30))
    ours = StatevectorSampler(seed=seed, default_shots=33).run(pubs).result()
    theirs = qiskit.primitives.StatevectorSampler(seed=seed, default_shots=33).run(pubs).result()
    assert_same_samples(ours, theirs)


@pytest.mark.parametrize("case", range(10))
def test_samples_of_a_shared_generator(case):
    rng = np.random.default_rng(100 + case)
    pubs = [sampler_pub(rng) for _ in range(3)]
    pubs += pubs[:1]  # an equal point draws anew
    one, other = np.random.default_rng(case), np.random.default_rng(case)
    ours, theirs = StatevectorSampler(seed=one), qiskit.primitives.StatevectorSampler(seed=other)
    for _ in range(2):
        assert_same_samples(ours.run(pubs, shots=20).result(), theirs.run(pubs, shots=20).result())
    assert one.random() == other.random()


def random_observables(rng, num_qubits):
    def one():
        terms = int(rng.integers(1, 5))
        operator = SparsePauliOp(
            random_pauli_list(num_qubits, terms, seed=rng, phase=False), rng.normal(size=terms)
        )
        kind = int(rng.integers(4))
        if kind == 0:
            return operator.paulis[0].to_label()
        if kind == 1:
            return Pauli(operator.paulis[0])
        if kind == 2:
            return dict(operator.simplify().to_list())
        return operator

    shape = [(), (1,), (3,), (2, 1)][int(rng.integers(4))]
    if not shape:
        return one()
    if len(shape) == 1:
        return [one() for _ in range(shape[0])]
    return [[one() for _ in range(shape[1])] for _ in range(shape[0])]


def estimator_pub(rng):
    num_qubits = int(rng.integers(1, 6))
    circuit = random_parametrised(rng, num_qubits)
    while True:
        observables, values = random_observables(rng, num_qubits), random_values(rng, circuit)
        try:
            EstimatorPub.coerce((circuit, observables, values))
        except ValueError:  # the shapes cannot be broadcast
            continue
        return (circuit, observables, values, [None, 0.0, 0.1][int(rng.integers(3))])


def assert_same_estimates(ours, theirs):
    for own, other in data_of(ours, theirs):
        assert own.dtype == other.dtype
        assert own.shape == other.shape
        np.testing.assert_allclose(own, other, rtol=0, atol=1e-10)


@pytest.mark.parametrize("case", range(40))
def test_estimates_are_qiskits(case):
    rng = np.random.default_rng(1000 + case)
    pubs = [estimator_pub(rng) for _ in range(int(rng.integers(1, 5)))]
    options = {"seed": int(rng.integers(1 << 30)), "default_precision": [0.0, 0.2][case % 2]}
    ours = StatevectorEstimator(**options).run(pubs).result()
    theirs = qiskit.primitives.StatevectorEstimator(**options).run(pubs).result()
    assert_same_estimates(ours, theirs)


def test_estimates_of_a_shared_generator():
    rng = np.random.default_rng(5)
    pubs = [estimator_pub(rng) for _ in range(3)]
    one, other = np.random.default_rng(1), np.random.default_rng(1)
    ours, theirs = (
        StatevectorEstimator(seed=one),
        qiskit.primitives.StatevectorEstimator(seed=other),
    )
    for _ in range(2):
        assert_same_estimates(
            ours.run(pubs, precision=0.1).result(), theirs.run(pubs, precision=0.1).result()
        )
    assert one.random() == other.random()


def test_resets_that_change_nothing_draw_as_qiskits():
    circuit = QuantumCircuit(2)
    circuit.reset(0)
    circuit.h(0)
    circuit.reset(1)
    pub = (circuit, ["XZ", "ZX", "IX"])
    options = {"seed": 3, "default_precision": 0.1}
    assert_same_estimates(
        StatevectorEstimator(**options).run([pub]).result(),
        qiskit.primitives.StatevectorEstimator(**options).run([pub]).result(),
    )


def test_resets_in_superposition_are_averaged():
    circuit = QuantumCircuit(2)
    circuit.ry(0.8, 0)
    circuit.cx(0, 1)
    circuit.reset(0)
    (result,) = StatevectorEstimator().run([(circuit, ["ZI", "IZ"])]).result()
    assert result.data.evs == pytest.approx([np.cos(0.8), 1.0])
    circuit.measure_all()
    (result,) = StatevectorSampler(seed=1).run([circuit], shots=4000).result()
    counts = result.data.meas.get_counts()
    assert set(counts) == {"00", "10"}
    assert counts["10"] / 4000 == pytest.approx(np.sin(0.4) ** 2, abs=0.03)


# --- what Qiskit's cannot ------------------------------------------------------------------------


def dynamic():
    """Measures in the middle and goes on under a condition."""
    circuit = QuantumCircuit(
        QuantumRegister(2), ClassicalRegister(1, "a"), ClassicalRegister(2, "b")
    )
    circuit.h(0)
    circuit.measure(0, 0)
    with circuit.if_test((circuit.clbits[0], 1)):
        circuit.x(1)
    circuit.measure([0, 1], [1, 2])
    return circuit


def test_measurements_in_the_middle_and_control_flow():
    sampler = StatevectorSampler(seed=7)
    (result,) = sampler.run([dynamic()], shots=500).result()
    a, b = result.data.a.get_bitstrings(), result.data.b.get_bitstrings()
    assert set(zip(a, b)) == {("0", "00"), ("1", "11")}
    assert 180 < a.count("1") < 320
    (again,) = StatevectorSampler(seed=7).run([dynamic()], shots=500).result()
    assert again.data.a == result.data.a
    seed = int(np.random.default_rng(7).integers(1 << 32))
    backend = BasicAer.get_backend("qasm_simulator")
    ran = backend.run(dynamic(), shots=500, seed_simulator=seed, memory=True).result()
    assert ran.get_memory() == [f"{two} {one}" for one, two in zip(a, b)]


def test_parametrised_circuits_run_by_shots():
    angle = Parameter("x")
    circuit = QuantumCircuit(1, 2)
    circuit.rx(angle, 0)
    circuit.measure(0, 0)
    circuit.x(0)
    circuit.measure(0, 1)
    generator = np.random.default_rng(0)
    (result,) = (
        StatevectorSampler(seed=generator).run([(circuit, [[0.0], [np.pi], [1.0]])]).result()
    )
    assert result.data.c.shape == (3,)
    assert result.data.c[0].get_counts() == {"10": 1024}
    assert result.data.c[1].get_counts() == {"01": 1024}
    assert set(result.data.c[2].get_counts()) == {"01", "10"}


def test_projectors_are_observables():
    circuit = QuantumCircuit(2)
    circuit.h(0)
    circuit.s(0)
    observables = [{"01": 1.0}, {"0+": 2.0}, {"Ir": 1.0}, {"Il": 1.0}, {"-1": 1.0, "ZZ": 3.0}]
    try:
        pub = EstimatorPub.coerce((circuit, observables))
    except ValueError:
        pytest.skip("this Qiskit takes no projectors")
    (result,) = StatevectorEstimator().run([pub]).result()
    assert result.data.evs == pytest.approx([0.5, 1.0, 1.0, 0.0, 0.25], abs=1e-12)


# --- interface -----------------------------------------------------------------------------------


@pytest.mark.parametrize("caller", ["compiled", "estimator"])
def test_small_points_are_computed_at_once_or_queued_with_their_memory(monkeypatch, caller):
    """At once if that is brief; queued, as any job is, while another job bounds the memory."""
    circuit = QuantumCircuit(2)
    circuit.ry(Parameter("a"), 0)
    circuit.cx(0, 1)
    rows, expected = [[0.3], [0.5]], np.cos([0.3, 0.5])
    needs_of_jobs = []
    original = queue.submit

    def watched(function, control, *, need=0, **options):
        needs_of_jobs.append(need)
        return original(function, control, need=need, **options)

    def found():
        if caller == "compiled":
            return compile_circuit(circuit).expectation("IZ", rows)
        return StatevectorEstimator().run([(circuit, "IZ", rows)]).result()[0].data.evs

    monkeypatch.setattr(queue, "submit", watched)
    np.testing.assert_allclose(found(), expected, rtol=0, atol=1e-12)
    assert needs_of_jobs == []
    monkeypatch.setattr(budget.Budget, "limited", property(lambda self: True))
    np.testing.assert_allclose(found(), expected, rtol=0, atol=1e-12)
    assert len(needs_of_jobs) == 1 and needs_of_jobs[0] > 0
    monkeypatch.setattr(budget.Budget, "shortage", lambda self, need: need - 1)
    with pytest.raises(BasicAerError, match=r"points of .* need .* are available"):
        found()
    assert len(needs_of_jobs) == 1


def bell():
    circuit = QuantumCircuit(2)
    circuit.h(0)
    circuit.cx(0, 1)
    return circuit


def test_jobs_are_primitive_jobs():
    job = StatevectorEstimator().run([(bell(), "ZZ")])
    assert isinstance(job, BasePrimitiveJob)
    assert isinstance(job, primitives.PrimitiveJob)
    assert job.result()[0].data.evs == pytest.approx(1.0)
    assert job.done() and not job.cancelled() and job.in_final_state()
    assert job.job_id()


def test_jobs_run_in_the_background_and_can_be_cancelled():
    circuit = QuantumCircuit(18)
    for _ in range(4000):
        for qubit in range(18):
            circuit.h(qubit)
    begun = time.perf_counter()
    job = StatevectorEstimator().run([(circuit, "Z" * 18)])
    assert job.cancel()
    assert time.perf_counter() - begun < 60
    assert job.cancelled()


def test_a_circuit_without_registers_is_warned_of():
    with pytest.warns(UserWarning, match="no classical registers") as record:
        result = StatevectorSampler().run([bell()]).result()
    assert record[0].filename == __file__
    assert list(result[0].data) == []


def test_no_pubs_and_no_points():
    assert len(StatevectorSampler().run([]).result()) == 0
    assert len(StatevectorEstimator().run([]).result()) == 0


def test_default_shots_and_precision():
    circuit = bell()
    circuit.measure_all()
    sampler = StatevectorSampler(default_shots=5, seed=1)
    assert (sampler.default_shots, sampler.seed) == (5, 1)
    assert sampler.run([circuit]).result()[0].data.meas.num_shots == 5
    assert sampler.run([circuit], shots=6).result()[0].data.meas.num_shots == 6
    assert sampler.run([(circuit, None, 7)], shots=6).result()[0].data.meas.num_shots == 7
    estimator = StatevectorEstimator(default_precision=0.5, seed=2)
    assert (estimator.default_precision, estimator.seed) == (0.5, 2)
    assert estimator.run([(bell(), "ZZ")]).result()[0].data.evs != pytest.approx(1.0)
    assert estimator.run([(bell(), "ZZ")], precision=0.0).result()[0].data.evs == pytest.approx(1.0)


def test_single_precision_and_threads():
    rng = np.random.default_rng(0)
    circuit = random_parametrised(rng, 5)
    pub = (circuit, ["ZZZZZ", "XXXXX"], rng.uniform(-1, 1, circuit.num_parameters))
    double = StatevectorEstimator().run([pub]).result()[0].data.evs
    single = StatevectorEstimator(state_precision="single", max_parallel_threads=2)
    found = single.run([pub]).result()[0].data.evs
    np.testing.assert_allclose(found, double, rtol=0, atol=1e-5)
    assert not np.array_equal(found, double)


def test_copies_and_pickles():
    circuit = bell()
    circuit.measure_all()
    sampler = StatevectorSampler(seed=4)
    first = sampler.run([circuit]).result()[0].data.meas
    for other in (copy.deepcopy(sampler), pickle.loads(pickle.dumps(sampler))):
        assert other.run([circuit]).result()[0].data.meas == first


def test_circuits_change_between_calls():
    estimator, circuit = StatevectorEstimator(), bell()
    assert estimator.run([(circuit, "ZZ")]).result()[0].data.evs == pytest.approx(1.0)
    circuit.x(0)
    assert estimator.run([(circuit, "ZZ")]).result()[0].data.evs == pytest.approx(-1.0)


# --- bad input -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"seed": -1}, "seed must be None, a whole number"),
        ({"seed": "a"}, "seed must be None, a whole number"),
        ({"state_precision": "half"}, "precision must be 'double' or 'single'"),
        ({"max_parallel_threads": -2}, "max_parallel_threads must be"),
    ],
)
@pytest.mark.parametrize("kind", [StatevectorSampler, StatevectorEstimator])
def test_bad_arguments(kind, arguments, message):
    with pytest.raises(BasicAerError, match=message):
        kind(**arguments)


def test_bad_pubs():
    circuit = bell()
    with pytest.raises(BasicAerError, match=r"takes a list of PUBs, not int: run\(\[pub\]\)"):
        StatevectorSampler().run(3)
    with pytest.raises(ValueError, match="shots must be positive"):
        StatevectorSampler().run([circuit], shots=0)
    with pytest.raises(ValueError, match="precision must be non-negative"):
        StatevectorEstimator().run([(circuit, "ZZ")], precision=-1.0)
    parametrised = QuantumCircuit(1)
    parametrised.rx(Parameter("a"), 0)
    with pytest.raises(BasicAerError, match="finite number is needed"):
        StatevectorEstimator().run([(parametrised, "Z", [np.nan])])
    with pytest.raises(BasicAerError, match="value nan in row 1; a finite number is needed"):
        StatevectorEstimator().run([(parametrised, "Z", [[0.1], [np.nan]])])
    assert StatevectorEstimator().run([(circuit, "ZZ")]).result()[0].data.evs == pytest.approx(1.0)


def test_memory_is_counted_before_it_is_taken():
    circuit = QuantumCircuit(45)
    circuit.h(0)
    with pytest.raises(BasicAerError, match=r"45 qubits in double precision needs .* available"):
        StatevectorEstimator().run([(circuit, "Z" * 45)])
    small = bell()
    small.measure_all()
    with pytest.raises(BasicAerError, match="for results"):
        StatevectorSampler().run([SamplerPub(small, shots=1 << 50)])


# --- bits ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", range(20))
def test_packed(case):
    rng = np.random.default_rng(case)
    words = int(rng.integers(1, 4))
    outcomes = rng.integers(0, 1 << 63, (17, words)).astype(np.uint64) * 2 + 1
    many = int(rng.integers(1, 100))
    bits = [
        None if rng.random() < 0.2 else int(source)
        for source in (
            np.arange(many) % (64 * words) if case % 2 else rng.integers(0, 64 * words, many)
        )
    ]
    values = [sum(int(word) << 64 * i for i, word in enumerate(row)) for row in outcomes.tolist()]
    wanted = [
        sum(
            (value >> source & 1) << target
            for target, source in enumerate(bits)
            if source is not None
        )
        for value in values
    ]
    array = BitArray(packed(outcomes, bits), many)
    assert [int(text, 2) for text in array.get_bitstrings()] == wanted
