"""BasicSimulator on Qiskit 1 and 2: what the installed one gives, ours gives, seed for seed."""

# ruff: noqa: E402, NPY002 (imports that terra lacks; the global generator is Qiskit's)

from __future__ import annotations

import copy
import functools
import inspect
import operator
import pickle
import random
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from processes import python
from recorded import families, outcomes
from recorded.circuits import FORMS, build
from versions import NUMBER, fields, needs, skip_here

skip_here(needs((1, 0), "has no basic_provider"))

from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister, transpile
from qiskit.circuit import Clbit, Parameter, Qubit
from qiskit.exceptions import QiskitError
from qiskit.primitives import BackendEstimatorV2, BackendSamplerV2
from qiskit.providers import JobStatus
from qiskit.providers import basic_provider as qiskit_basic_provider
from qiskit.providers.basic_provider import BasicSimulator as Reference
from qiskit.providers.basic_provider.basic_simulator import BasicSimulator as Defining
from qiskit.providers.exceptions import QiskitBackendNotFoundError
from qiskit.quantum_info import SparsePauliOp, StabilizerState, random_clifford

import basicaer
from basicaer import BasicAerError, BasicAerJob, basic_provider
from basicaer._engine.control import Control
from basicaer._engine.execute import draws_of
from basicaer._engine.task import Task
from basicaer._qiskit.circuits.lower import lower
from basicaer._qiskit.modern import stabilizers
from basicaer._qiskit.versions import BASIC_SEEDS_RUN, HAS_QOBJ
from basicaer.basic_provider import (
    BasicProvider,
    BasicProviderError,
    BasicProviderJob,
    BasicSimulator,
)

has_clifford_option = needs((2, 4), "has no use_clifford_optimization")
seeds_runs = needs((2, 0), "seeds each circuit")
PER_CIRCUIT = pytest.mark.skipif(BASIC_SEEDS_RUN, reason="the generator is of a whole run")
assert Reference is Defining is not BasicSimulator


def told(result):
    """The dict of a result, without times and ids."""
    found = copy.deepcopy(result.to_dict())
    for name in ("job_id", "qobj_id", "time_taken"):
        found.pop(name, None)
    for each in found["results"]:
        each.pop("time_taken")
    return found


def both(circuits, **options):
    """What ours and Qiskit's give for the same run."""
    global_state = np.random.get_state()
    ours = BasicSimulator().run(circuits, **options).result()
    np.random.set_state(global_state)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        theirs = Reference().run(circuits, **options).result()
    return ours, theirs


def check_equal(circuits, **options):
    ours, theirs = both(circuits, **options)
    assert told(ours) == told(theirs)
    assert (ours.header is None) == (theirs.header is None)
    for one, other in zip(ours.results, theirs.results):
        assert type(one.header) is type(other.header)
        assert list(one.data.counts.items()) == list(other.data.counts.items())
    return ours


def basic_circuits(rng, number):
    return [
        build({"name": f"random-{place}", **families.basic(rng, rng.randrange(40))})
        for place in range(number)
    ]


def bell(name="bell"):
    circuit = QuantumCircuit(2, 2, name=name, metadata={"a": 1})
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.measure([0, 1], [0, 1])
    return circuit


def dynamic():
    circuit = QuantumCircuit(1, 1, name="dynamic")
    circuit.h(0)
    circuit.measure(0, 0)
    with circuit.while_loop((circuit.clbits[0], 0)):
        circuit.h(0)
        circuit.measure(0, 0)
    return circuit


# ----------------------------------------------------------------------------------------------
# Recorded
# ----------------------------------------------------------------------------------------------

RECORDED = ("1.4.6", "2.6.2")
"""The recorded versions: the generator of the first is seeded for each circuit."""


def recorded_runs(name):
    """Yields the group, the circuits to be compared and the options of each run of a file.

    With the generator of the other version, circuits are taken one by one where each had its own,
    and only the first of a run where all had one. What a version has by default is an option here.
    """
    for group, runs in outcomes.load(f"basic_simulator_{name}.json")["groups"].items():
        if group == "clifford" and NUMBER < (2, 4):
            continue
        for run in runs:
            options = {"memory": name == "2.6.2", **outcomes.options(run)}
            pairs = list(zip(run["circuits"], run["results"]))
            if (name == "2.6.2") == BASIC_SEEDS_RUN:
                yield group, pairs, options
            elif BASIC_SEEDS_RUN:
                for pair in pairs:
                    yield group, [pair], options
            else:
                yield group, pairs[:1], options


def test_as_recorded():
    form = FORMS[0]
    number, left_out, wrong = 0, 0, []
    for name in RECORDED:
        for group, pairs, options in recorded_runs(name):
            circuits = [build(circuit, form) for circuit, _ in pairs]
            result = BasicSimulator().run(circuits, **options).result()
            for place, (circuit, recorded) in enumerate(pairs):
                if not outcomes.holds(circuit, form):
                    left_out += 1
                    continue
                number += 1
                found = outcomes.outcome(result, place, circuit)
                names = outcomes.differences(found, recorded)
                if names:
                    wrong.append(f"{name} {group} {circuit['name']}: {', '.join(names)}")
    assert not wrong, f"{len(wrong)} of {number} differ:\n" + "\n".join(wrong)
    if not BASIC_SEEDS_RUN:
        assert (number, left_out) == (112 + 40 + 7, 0)
    else:
        assert number + left_out == (222 if NUMBER >= (2, 4) else 212)
        assert left_out == 4


# ----------------------------------------------------------------------------------------------
# Beside the installed one
# ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(8))
def test_single_circuits(seed):
    rng = random.Random(seed)
    for circuit in basic_circuits(rng, 5):
        check_equal(
            circuit,
            shots=rng.choice([1, 2, 30, 100]),
            seed_simulator=rng.randrange(1 << 31),
            memory=True,
        )


@pytest.mark.parametrize("seed", range(8))
def test_several_circuits_in_one_run(seed):
    rng = random.Random(100 + seed)
    circuits = basic_circuits(rng, rng.randint(2, 12))
    circuits.insert(rng.randrange(3), QuantumCircuit(2, 2, name="nothing"))
    circuits.insert(rng.randrange(3), QuantumCircuit(2, name="no clbits"))
    for shots in (1, 25):
        check_equal(circuits, shots=shots, seed_simulator=rng.randrange(1 << 31), memory=True)


def test_without_a_seed():
    circuits = basic_circuits(random.Random(3), 6)
    np.random.seed(11)
    first = check_equal(circuits, shots=20, memory=True)
    seeds = {each.seed_simulator for each in first.results}
    assert len(seeds) == (1 if BASIC_SEEDS_RUN else len(circuits))
    again = check_equal(circuits, shots=20, memory=True)
    assert again.results[0].seed_simulator not in seeds


def test_seed_none():
    circuit = QuantumCircuit(3, 3)
    circuit.h(range(3))
    circuit.measure(range(3), range(3))
    runs = []
    for _ in range(2):
        result = (
            BasicSimulator(seed_simulator=5)
            .run(circuit, shots=60, memory=True, seed_simulator=None)
            .result()
        )
        runs.append(result.get_memory())
        seed = result.results[0].seed_simulator
        assert seed is None if BASIC_SEEDS_RUN else seed == 5
    assert (runs[0] != runs[1]) == BASIC_SEEDS_RUN


@pytest.mark.parametrize("seed", [0, 2**32, 2**70, [1, 2], np.int64(7), (3, 2**40)])
def test_seeds_of_any_kind(seed):
    circuits = [bell("one"), bell("other")]
    if HAS_QOBJ and not isinstance(seed, (int, np.integer)):
        found = BasicSimulator().run(circuits, shots=30, seed_simulator=seed).result()
        assert found.results[0].seed_simulator == list(seed)
        return
    ours, theirs = both(circuits, shots=30, seed_simulator=seed, memory=True)
    for place in range(2):
        assert ours.get_memory(place) == theirs.get_memory(place)


@pytest.mark.parametrize("shots", [1, 40])
def test_initial_statevector(shots):
    rng = random.Random(8)
    vector = families.random_vector(rng, 3)
    circuits = []
    while len(circuits) < 6:
        description = {"name": "x", **families.basic(rng, rng.randrange(40))}
        if description["qregs"][0][1] == 3:
            circuits.append(build(description))
    check_equal(circuits, shots=shots, initial_statevector=vector, seed_simulator=4, memory=True)
    check_equal(circuits[0], shots=shots, initial_statevector=list(vector), seed_simulator=4)


def test_registers_and_loose_bits():
    regs = [QuantumRegister(2, "q"), ClassicalRegister(1, "a"), ClassicalRegister(2, "b")]
    several = QuantumCircuit(*regs, name="several", global_phase=1.5)
    several.x(1)
    several.measure([0, 1], [0, 2])
    result = check_equal(several, shots=3, seed_simulator=1, memory=True)
    assert result.get_counts() == {"10 0": 3} and result.get_memory() == ["10 0"] * 3
    if not HAS_QOBJ:  # 1.x writes outside of its memory
        loose = QuantumCircuit([Qubit(), Qubit()], [Clbit(), Clbit()], name="loose")
        loose.h(0)
        loose.measure(0, 1)
        loose.add_register(ClassicalRegister(1, "c"))
        result = check_equal(loose, shots=20, seed_simulator=1, memory=True)
        assert fields(result.results[0].header)["memory_slots"] == 3


def test_the_default_of_memory():
    data = BasicSimulator().run(bell(), shots=5).result().data()
    assert ("memory" in data) == (NUMBER >= (2, 0))
    assert "memory" in BasicSimulator(memory=True).run(bell(), shots=5).result().data()
    backend = BasicSimulator()
    backend.set_options(memory=False, shots=7, seed_simulator=3)
    result = backend.run(bell()).result()
    assert "memory" not in result.data() and result.results[0].shots == 7
    assert result.results[0].seed_simulator == 3
    assert result.get_counts() == backend.run(bell()).result().get_counts()


@PER_CIRCUIT
def test_parameter_binds():
    theta = Parameter("t")
    circuit = QuantumCircuit(1, 1, name="turned")
    circuit.rx(theta, 0)
    circuit.measure(0, 0)
    ours, theirs = both(
        circuit, shots=30, seed_simulator=2, parameter_binds=[{theta: 0.3}, {theta: 2.0}]
    )
    assert [each.data.counts for each in ours.results] == [
        each.data.counts for each in theirs.results
    ]


# ----------------------------------------------------------------------------------------------
# One generator for a run, and circuits that run at the same time
# ----------------------------------------------------------------------------------------------


@seeds_runs
@pytest.mark.parametrize("threads", [1, 2])
def test_circuits_on_several_threads_and_in_parts(threads):
    circuits = basic_circuits(random.Random(5), 10)
    expected = Reference().run(circuits, shots=40, seed_simulator=6).result()
    with ThreadPoolExecutor(2) as pool:
        for options in ({}, {"executor": pool}, {"executor": pool, "max_shot_size": 7}):
            found = (
                BasicSimulator()
                .run(circuits, shots=40, seed_simulator=6, max_parallel_threads=threads, **options)
                .result()
            )
            for one, other in zip(found.results, expected.results):
                assert one.data.memory == other.data.memory


@seeds_runs
def test_tasks_know_where_they_draw():
    rng = random.Random(1)
    for circuit in basic_circuits(rng, 20):
        for shots in (1, 13):
            program = lower(circuit)
            draws = draws_of(Task(program, shots=shots))
            after = QuantumCircuit(1, 1)
            after.h(0)
            after.measure(0, 0)
            drawn = np.random.default_rng(1).random(draws + shots)[draws:]
            found = Reference().run([circuit, after], shots=shots, seed_simulator=1).result()
            assert found.data(1)["memory"] == ["0x1" if each >= 0.5 else "0x0" for each in drawn]


@seeds_runs
def test_draws_of_circuits_with_control_flow():
    alone = BasicSimulator().run(dynamic(), shots=50, seed_simulator=3).result()
    circuits = [bell(), dynamic(), bell(), dynamic()]
    found = BasicSimulator().run(circuits, shots=50, seed_simulator=3).result()
    again = BasicSimulator().run(circuits, shots=50, seed_simulator=3).result()
    assert told(found) == told(again)
    assert found.data(0)["memory"] != found.data(2)["memory"]
    assert alone.data(0)["memory"] == ["0x1"] * 50
    # The third begins where the second would have, jumped ahead.
    generator = np.random.default_rng(3)
    generator.random(50)
    drawn = np.random.Generator(generator.bit_generator.jumped()).random(50)
    assert found.data(2)["memory"] == ["0x3" if each >= 0.5 else "0x0" for each in drawn]


def test_first_circuit_of_control_flow_draws_from_the_seed():
    circuit = QuantumCircuit(2, 2)
    circuit.h(0)
    circuit.measure(0, 0)
    with circuit.if_test((circuit.clbits[0], 1)):
        circuit.h(1)
        circuit.measure(1, 1)
    found = BasicSimulator().run(circuit, shots=40, seed_simulator=9, memory=True).result()
    uniforms = iter(np.random.default_rng(9).random(80))
    for value in found.data()["memory"]:
        first = next(uniforms) >= 0.5
        second = first and next(uniforms) >= 0.5
        assert int(value, 16) == first + 2 * second


# ----------------------------------------------------------------------------------------------
# Clifford circuits
# ----------------------------------------------------------------------------------------------


def clifford_circuits(rng, number, most):
    found = []
    for place in range(number):
        width = rng.randint(1, most)
        circuit = QuantumCircuit(width, width + 1, name=f"clifford-{place}")
        for _ in range(4 * width):
            name = rng.choice(
                ["h", "s", "sdg", "x", "y", "z", "sx", "cx", "cz", "swap", "cy", "ecr"]
            )
            qubits = 2 if name in ("cx", "cz", "swap", "cy", "ecr") else 1
            if qubits <= width:
                getattr(circuit, name)(*rng.sample(range(width), qubits))
        for qubit in range(width):
            circuit.measure(qubit, rng.randrange(width + 1))
        found.append(circuit)
    return found


@has_clifford_option
def test_clifford_circuits():
    rng = random.Random(2)
    circuits = clifford_circuits(rng, 12, 7)
    circuits += basic_circuits(rng, 4)
    unmeasured = QuantumCircuit(2, 2, name="unmeasured")
    unmeasured.h(0)
    circuits.append(unmeasured)
    rng.shuffle(circuits)
    result = check_equal(circuits, shots=15, seed_simulator=8, use_clifford_optimization=True)
    methods = [each.metadata["method"] for each in result.results]
    assert methods.count("stabilizer") >= 12
    for circuit in circuits[:4]:
        check_equal(
            circuit, shots=1, seed_simulator=1, use_clifford_optimization=True, memory=False
        )
    vector = np.zeros(2 ** circuits[0].num_qubits)
    vector[-1] = 1
    check_equal(
        circuits[0], shots=9, seed_simulator=1, use_clifford_optimization=True,
        initial_statevector=vector,
    )  # fmt: skip


@has_clifford_option
def test_what_is_taken_for_a_clifford_circuit():
    """What Qiskit takes for one, also where barriers tie qubits together."""
    rng = random.Random(6)
    taken = 0
    for _ in range(150):
        circuit = QuantumCircuit(3, 3)
        circuit.h(rng.randrange(3))
        for _ in range(rng.randint(1, 6)):
            kind = rng.choice(["measure", "measure", "barrier", "x", "t", "reset"])
            if kind == "measure":
                circuit.measure(rng.randrange(3), rng.randrange(3))
            elif kind == "barrier":
                circuit.barrier(rng.sample(range(3), 2))
            elif kind != "t" or rng.random() < 0.3:
                getattr(circuit, kind)(rng.randrange(3))
        ours = stabilizers.clifford_of(circuit, 2048)
        theirs = Reference()._is_clifford_circuit(circuit)
        assert ours == theirs, circuit
        taken += ours is not None
    assert 30 < taken < 120


@has_clifford_option
def test_each_outcome_of_a_clifford_circuit():
    """Each shot of its own: the bits that are drawn decide as in StabilizerState.measure."""
    for seed in range(30):
        clifford = random_clifford(1 + seed % 6, seed=seed)
        width = clifford.num_qubits
        parities = stabilizers.certain_parities(clifford, stabilizers.Control())
        for shot in range(6):
            state = StabilizerState(clifford)
            state.seed(shot)
            label, _ = state.measure()
            drawn = np.random.default_rng(shot).integers(2, size=(1, width)).astype(np.uint8)
            found = stabilizers.determined(drawn, parities)[0]
            assert "".join(map(str, found[::-1])) == label


@has_clifford_option
def test_clifford_circuits_elsewhere():
    """At the workers of an executor, to which tasks travel pickled."""
    rng = random.Random(4)
    circuits = clifford_circuits(rng, 4, 6) + basic_circuits(rng, 2)
    options = {"shots": 12, "seed_simulator": 8, "use_clifford_optimization": True}
    expected = BasicSimulator().run(circuits, **options).result()

    class Pickling(ThreadPoolExecutor):
        def submit(self, *call):
            return super().submit(*pickle.loads(pickle.dumps(call)))

    with Pickling(2) as pool:
        found = BasicSimulator().run(circuits, executor=pool, max_shot_size=5, **options).result()
    assert [each.data.memory for each in found.results] == [
        each.data.memory for each in expected.results
    ]


@has_clifford_option
def test_clifford_outcomes_without_a_seed():
    circuit = QuantumCircuit(70, 70)
    circuit.h(0)
    for qubit in range(69):
        circuit.cx(qubit, qubit + 1)
    circuit.measure(range(70), range(70))
    options = {"shots": 400, "seed_simulator": None, "use_clifford_optimization": True}
    counts = BasicSimulator().run(circuit, **options).result().get_counts()
    assert set(counts) == {"0" * 70, "1" * 70}
    assert 120 < counts["0" * 70] < 280


@has_clifford_option
@pytest.mark.parametrize("width", [100, 2048])
def test_wide_clifford_circuits(width):
    circuit = QuantumCircuit(width, width, name="wide")
    circuit.h(3)
    others = [0, 1, width // 2, width - 2, width - 1]
    for qubit in others:
        circuit.cx(3, qubit)
    circuit.x(1)
    circuit.measure(range(width), range(width))
    job = BasicSimulator().run(circuit, shots=3, seed_simulator=5, use_clifford_optimization=True)
    (found,) = set(job.result().get_memory())
    drawn = np.random.default_rng(5).integers(2, size=width)
    expected = np.zeros(width, dtype=int)
    # Qubit 0 is measured first; the others follow it.
    expected[[*others, 3]] = drawn[0]
    expected[1] ^= 1
    assert found == "".join(map(str, expected[::-1]))


@has_clifford_option
def test_clifford_bounds():
    with pytest.raises(BasicProviderError, match=r"2049 .*maximum \(2048\)"):
        BasicSimulator().run(QuantumCircuit(2049), use_clifford_optimization=True)
    wide = QuantumCircuit(40, 40)
    wide.h(range(40))
    wide.measure(range(40), range(40))
    with pytest.raises(BasicProviderError, match="fewer shots need less"):
        BasicSimulator().run(wide, shots=10**17, use_clifford_optimization=True)
    wide = QuantumCircuit(100)
    wide.t(0)
    with pytest.raises(BasicProviderError, match="qubits fit"):
        BasicSimulator().run(wide, use_clifford_optimization=True)


@has_clifford_option
def test_clifford_jobs_are_cancelled(monkeypatch):
    """At the first look after somebody has cancelled them."""
    looks, original = [], Control.check

    def check(control):
        looks.append(1)
        if len(looks) == 10:
            assert control.cancel()
        original(control)

    monkeypatch.setattr(Control, "check", check)
    circuit = QuantumCircuit(30, 30)
    circuit.h(range(30))
    circuit.measure(range(30), range(30))
    options = {"shots": 10**7, "seed_simulator": None, "use_clifford_optimization": True}
    job = BasicSimulator().run(circuit, **options)
    job.wait_for_final_state(timeout=60)
    assert job.status() is JobStatus.CANCELLED
    assert len(looks) == 10


# ----------------------------------------------------------------------------------------------
# What it says of itself
# ----------------------------------------------------------------------------------------------


def test_identity():
    ours, theirs = BasicSimulator(), Reference()
    assert isinstance(ours, qiskit_basic_provider.BasicSimulator)
    for name in ("name", "description", "backend_version", "version", "num_qubits", "max_circuits",
                 "coupling_map", "operation_names", "dt", "provider", "online_date"):  # fmt: skip
        assert getattr(ours, name) == getattr(theirs, name), name
    assert ours.name() == "basic_simulator"
    assert ours.options == theirs.options
    assert BasicSimulator._default_options() == Reference._default_options()
    assert ours.target.operation_names == theirs.target.operation_names
    assert ours.target.num_qubits is None
    target = theirs.target
    assert BasicSimulator(target=target).target is target
    for twin in (copy.deepcopy(ours), pickle.loads(pickle.dumps(ours))):
        assert type(twin) is BasicSimulator and twin.options == ours.options
    signature = inspect.signature(Reference.__init__).parameters
    assert list(inspect.signature(BasicSimulator.__init__).parameters) == list(signature)


def test_provider():
    provider = BasicProvider()
    assert isinstance(provider, qiskit_basic_provider.BasicProvider)
    backend = provider.get_backend("basic_simulator")
    assert type(backend) is BasicSimulator and backend.provider is provider
    assert provider.get_backend() is backend
    assert provider.backends() == [backend] == provider.backends("basic_simulator")
    assert provider.backends(filters=lambda each: each.version == 1) == []
    with pytest.raises(QiskitBackendNotFoundError, match="No backend"):
        provider.get_backend(filters=lambda each: False)
    with pytest.raises(QiskitBackendNotFoundError, match="not installed"):
        provider.get_backend("qasm_simulator")
    assert str(provider) == "BasicProvider"


def test_jobs():
    job = BasicSimulator().run(bell(), shots=10)
    assert isinstance(job, BasicProviderJob) and isinstance(job, BasicAerJob)
    assert isinstance(job, qiskit_basic_provider.BasicProviderJob)
    result = job.result(timeout=30)
    assert job.status() is JobStatus.DONE and job.progress() == 1
    assert isinstance(job.backend(), BasicSimulator)
    assert result.job_id == job.job_id()
    twin = pickle.loads(pickle.dumps(job))
    assert type(twin) is BasicProviderJob and twin.result().get_counts() == result.get_counts()
    assert BasicProviderJob(None, "id", result).result() is result


def test_jobs_run_in_the_background_and_are_cancelled():
    circuit = QuantumCircuit(18, 18)
    for _ in range(30):
        circuit.h(range(18))
        circuit.measure(range(18), range(18))
    job = BasicSimulator().run(circuit, shots=5000, max_parallel_threads=1)
    assert job.status() in (JobStatus.QUEUED, JobStatus.RUNNING)
    assert 0 <= job.progress() < 1
    assert job.cancel()
    assert job.status() is JobStatus.CANCELLED


@seeds_runs
@pytest.mark.parametrize(
    "name",
    ["zoo", "parameter_binds", "chop_threshold", "allow_sample_measuring", "backend_options"],
)
def test_unknown_options_warn_as_theirs(name):
    for backend in (BasicSimulator(), Reference()):
        with pytest.warns(UserWarning) as caught:
            result = backend.run(bell(), **{name: [{}]}, shots=4, seed_simulator=1).result()
        assert [str(each.message) for each in caught] == [
            f"Option {name} is not used by this backend"
        ]
        assert caught[0].filename == __file__
        assert result.results[0].shots == 4


def test_options():
    backend = BasicSimulator(shots=5, precision="single")
    assert backend.options.shots == 5 and backend.options.precision == "single"
    result = backend.run(bell()).result()
    assert result.results[0].metadata["precision"] == "single"
    backend.set_options(max_parallel_threads=1, shots=6)
    assert backend.run(bell()).result().results[0].metadata["threads"] == 1
    assert "precision" not in BasicSimulator().options
    for wrong in ({"zoo": 1}, {"seed_per_circuit": True}):
        with pytest.raises(AttributeError, match=next(iter(wrong))):
            BasicSimulator(**wrong)
        with pytest.raises(AttributeError, match=next(iter(wrong))):
            backend.set_options(**wrong, fusion=False)
        assert "fusion" not in backend.options
    with pytest.raises(BasicProviderError, match="precision"):
        backend.set_options(precision="wide")
    assert backend.options.precision == "single"


@pytest.mark.parametrize(
    "options, match",
    [
        ({"initial_statevector": [1, 1, 0, 0]}, "statevector is not normalized: norm 1.41"),
        ({"initial_statevector": [1, 0]}, "initial statevector is incorrect length: 2 != 4"),
        ({"seed_simulator": -1}, "0 or more"),
        ({"seed_simulator": "7"}, "whole number"),
        ({"seed_simulator": []}, "whole number"),
        ({"shots": 0}, "shots"),
        ({"shots": 2.5}, "shots"),
        ({"memory": "yes"}, "memory"),
    ],
)
def test_bad_options(options, match):
    backend = BasicSimulator()
    with pytest.raises(BasicProviderError, match=match) as caught:
        backend.run(bell(), **options)
    error = caught.value
    assert isinstance(error, (qiskit_basic_provider.BasicProviderError, QiskitError))
    assert isinstance(error, BasicAerError)
    assert sum(backend.run(bell(), shots=4).result().get_counts().values()) == 4


def test_bad_input():
    backend = BasicSimulator()
    unbound = QuantumCircuit(1, name="free")
    unbound.rx(Parameter("t"), 0)
    for given, match in (
        (5, "QuantumCircuit"),
        ([bell(), 5], "place 1"),
        ([], "empty"),
        (unbound, "free"),
        (QuantumCircuit(200), "qubits fit"),
    ):
        with pytest.raises(BasicProviderError, match=match):
            backend.run(given)
    error = pickle.loads(pickle.dumps(BasicProviderError("a", "b")))
    assert type(error) is BasicProviderError and error.message == "a b"
    assert str(error) == str(qiskit_basic_provider.BasicProviderError("a", "b"))
    looped = QuantumCircuit(1, 1)
    looped.x(0)
    looped.measure(0, 0)
    with looped.while_loop((looped.clbits[0], 1)):
        looped.x(0)
    job = backend.run(looped, max_iterations=5, shots=1)
    with pytest.raises(BasicProviderError, match="max_iterations"):
        job.result()
    with pytest.raises(BasicProviderError):
        backend.run(dynamic(), max_iterations=0)


@pytest.mark.skipif(not HAS_QOBJ, reason="Qiskit from 2.0 on has no Qobj")
def test_a_qobj():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        from qiskit.compiler import assemble

        qobj = assemble([bell(), bell()], shots=30, seed_simulator=5, memory=True)
        found = BasicSimulator().run(qobj).result()
    expected = BasicSimulator().run(bell(), shots=30, seed_simulator=5, memory=True).result()
    assert found.get_memory(0) == found.get_memory(1) == expected.get_memory()
    assert found.qobj_id == qobj.qobj_id


def test_a_tuple_of_circuits():
    assert len(BasicSimulator().run((bell(), bell())).result().results) == 2


# ----------------------------------------------------------------------------------------------
# What uses it
# ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("level", range(4))
def test_transpiled_circuits_are_the_same(level):
    circuit = QuantumCircuit(3, 3)
    circuit.h(0)
    circuit.ccx(0, 1, 2)
    circuit.cp(0.3, 0, 2)
    circuit.rzz(0.5, 1, 2)
    circuit.measure(range(3), range(3))
    ours = transpile(circuit, BasicSimulator(), optimization_level=level, seed_transpiler=1)
    theirs = transpile(circuit, Reference(), optimization_level=level, seed_transpiler=1)
    assert ours == theirs
    check_equal(ours, shots=40, seed_simulator=3)


def test_what_it_cannot_run_untranspiled():
    part = QuantumCircuit(3, name="part")
    part.h(range(3))
    circuit = QuantumCircuit(3, 3)
    circuit.append(part.to_gate(), range(3))
    circuit.measure(range(3), range(3))
    with pytest.raises(QiskitError), warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        Reference().run(circuit, shots=10)
    assert sum(BasicSimulator().run(circuit, shots=10).result().get_counts().values()) == 10
    counts = BasicSimulator().run(dynamic(), shots=10).result().get_counts()
    assert counts == {"1": 10}


def test_more_than_24_qubits():
    circuit = QuantumCircuit(26, 2)
    circuit.h(0)
    circuit.cx(0, 25)
    circuit.measure([0, 25], [0, 1])
    result = BasicSimulator().run(circuit, shots=20, precision="single", seed_simulator=1).result()
    assert set(result.get_counts()) == {"00", "11"}


def quietly(function):
    @functools.wraps(function)
    def called(*args):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            return function(*args)

    return called


def backends():
    return BasicSimulator(), Reference()


@quietly
def sampled(backend):
    theta = Parameter("t")
    circuit = QuantumCircuit(2, name="turned")
    circuit.ry(theta, 0)
    circuit.cx(0, 1)
    circuit.measure_all()
    sampler = BackendSamplerV2(backend=backend, options={"seed_simulator": 5})
    pubs = [(circuit, [0.2, 1.0, np.pi / 2]), (bell(), None, 50)]
    found = sampler.run(pubs, shots=200).result()
    return [found[0].data.meas.array.tolist(), found[1].data.c.array.tolist()]


@quietly
def estimated(backend):
    circuit = QuantumCircuit(2)
    circuit.ry(0.7, 0)
    circuit.cx(0, 1)
    observable = SparsePauliOp(["ZZ", "ZI", "XX"], [1, 0.5, 0.25])
    estimator = BackendEstimatorV2(backend=backend, options={"seed_simulator": 5})
    (found,) = estimator.run([(circuit, observable)], precision=0.05).result()
    return [float(found.data.evs), float(found.data.stds)]


@pytest.mark.parametrize("asked", [sampled, estimated])
def test_primitives_over_it(asked):
    ours, theirs = map(asked, backends())
    assert ours == theirs


def test_in_place_of_theirs(monkeypatch):
    from qiskit.providers.fake_provider import GenericBackendV2, generic_backend_v2

    monkeypatch.setattr(generic_backend_v2, "BasicSimulator", BasicSimulator)
    monkeypatch.setattr(generic_backend_v2._optionals, "HAS_AER", False)
    backend = GenericBackendV2(3, seed=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        job = backend.run(transpile(bell(), backend), shots=30, seed_simulator=4)
    assert isinstance(job, BasicProviderJob)
    assert sum(job.result().get_counts().values()) == 30
    assert backend.options.shots == 1024


# ----------------------------------------------------------------------------------------------
# The module
# ----------------------------------------------------------------------------------------------


def test_module():
    assert basicaer.basic_provider is basic_provider
    assert set(basic_provider.__all__) == set(
        getattr(qiskit_basic_provider, "__all__", basic_provider.__all__)
    )
    assert set(basic_provider.__all__) <= set(dir(basic_provider))
    for name in basic_provider.__all__:
        assert operator.attrgetter(name)(basic_provider).__module__ == "basicaer.basic_provider"
    with pytest.raises(AttributeError, match="QasmSimulatorPy"):
        basic_provider.QasmSimulatorPy  # noqa: B018


def test_no_warning_anywhere():
    script = """
import warnings
import qiskit, qiskit.transpiler
warnings.simplefilter("error")
import basicaer
basicaer.basic_provider
from basicaer.basic_provider import *
from qiskit import QuantumCircuit, transpile
provider = BasicProvider()
backend = provider.get_backend("basic_simulator")
provider.backends()
circuit = QuantumCircuit(2, 2)
circuit.h(0)
circuit.measure([0, 1], [0, 1])
job = backend.run([transpile(circuit, backend)] * 2, shots=20, memory=True)
job.result().to_dict(), job.result().get_counts(), job.status(), job.progress()
BasicSimulator(shots=3).set_options(precision="single")
BasicProviderError("text"), BasicProviderJob(None, "id", job.result())
print("silent")
"""
    done = python("-c", script)
    assert done.stdout == "silent\n", done.stderr
