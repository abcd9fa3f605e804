"""Many small circuits in one `run()`: all as if each had been run alone."""

from __future__ import annotations

import copy
import pickle
import threading

import numpy as np
import pytest
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit import Clbit, Parameter
from qiskit.providers import JobStatus
from qiskit.providers.exceptions import JobError
from qiskit.result.models import ExperimentResult
from recorded import outcomes
from recorded.circuits import FORMS, build
from versions import NUMBER

from basicaer import BasicAer
from basicaer._engine.control import DONE, Control
from basicaer._engine.shots import groups as _groups
from basicaer._jobs import groups_run, queue
from basicaer._qiskit import batches
from basicaer.exceptions import BasicAerError

QASM = BasicAer.get_backend("qasm_simulator")
SIMULATORS = [QASM]
if NUMBER >= (1, 0):
    from basicaer.basic_provider import BasicSimulator

    SIMULATORS.append(BasicSimulator())

of_each_simulator = pytest.mark.parametrize(
    "backend", SIMULATORS, ids=lambda each: type(each).__name__
)


@pytest.fixture
def read(monkeypatch):
    """For each run, whether its circuits were a batch."""
    found, original = [], batches.read_batch

    def noted(*args, **kwargs):
        batch = original(*args, **kwargs)
        found.append(batch is not None)
        return batch

    monkeypatch.setattr(batches, "read_batch", noted)
    return found


def circuits(count, seed=3, gates=12):
    """Circuits of 1 to 6 qubits that measure some of them; some are not read by the short way."""
    random = np.random.default_rng(seed)
    made = []
    for place in range(count):
        num_qubits = int(random.integers(1, 7))
        num_clbits = int(random.choice([1, 3, 6, 66]))
        circuit = QuantumCircuit(
            QuantumRegister(num_qubits, "a"), ClassicalRegister(num_clbits, f"b{place}")
        )
        for _ in range(gates):
            qubit = int(random.integers(num_qubits))
            circuit.u(*random.uniform(-3, 3, 3), qubit)
            circuit.rz(float(random.normal()), qubit)
            if num_qubits > 1:
                circuit.cx(*random.permutation(num_qubits)[:2].tolist())
        if place % 4 == 0:
            circuit.global_phase = 0.3
        if place % 5 == 0:
            inner = QuantumCircuit(1, name=f"inner{place}")
            inner.h(0)
            circuit.append(inner.to_instruction(), [0])
        if place % 6 == 0:
            circuit.add_register(ClassicalRegister(2, "more"))
        if place % 7 == 0:
            circuit.metadata = {"place": place}
        circuit.barrier()
        for _ in range(int(random.integers(1, 8))):
            circuit.measure(
                int(random.integers(num_qubits)), int(random.integers(circuit.num_clbits))
            )
        made.append(circuit)
    return made


def fields(result):
    """What two results of the same circuits have in common."""
    found = result.to_dict()
    for name in ("job_id", "qobj_id", "time_taken", "date"):
        found.pop(name, None)
    for each, own in zip(found["results"], result.results):
        each.pop("time_taken")
        each["more"] = {
            name: value
            for name, value in own.metadata.items()
            if name not in ("time", "peak_memory", "threads")
        }
        each["times"] = set(own.metadata["time"])
    return found


@of_each_simulator
@pytest.mark.parametrize(
    "options",
    [
        {"seed_simulator": 5},
        {"seed_simulator": 5, "memory": True, "max_parallel_threads": 3},
        {"memory": True, "precision": "single", "max_parallel_threads": 1},
        {},
        {"shots": 2000, "seed_simulator": 8, "max_parallel_threads": 2},
    ],
    ids=str,
)
def test_as_one_by_one(monkeypatch, read, backend, options):
    made = circuits(150)
    found = []
    for batch in (True, False):
        if not batch:
            monkeypatch.setattr(batches, "read_batch", lambda *args, **kwargs: None)
        np.random.seed(11)  # noqa: NPY002
        result = backend.run(made, **{"shots": 100, **options}).result()
        found.append((fields(result), np.random.random()))  # noqa: NPY002
    assert read == [True]
    assert found[0] == found[1]


def test_a_seed_for_each(read):
    made = [circuits(1)[0]] * 20
    result = QASM.run(made, seed_simulator=4, seed_per_circuit=True, memory=True).result()
    seeds = [each.metadata["seed"] for each in result.results]
    assert len(set(seeds)) == 20
    for place, seed in enumerate(seeds):
        alone = QASM.run(made[0], seed_simulator=seed, memory=True).result()
        assert alone.get_memory() == result.get_memory(place)
    assert read == [True]  # a circuit that is alone is not even looked at


def test_recorded_outcomes_twice(read):
    """Each recorded circuit in a list of two is as terra's BasicAer gave it."""
    number, wrong = 0, []
    for group in outcomes.load("basicaer.json")["groups"].values():
        for run in group:
            if run["simulator"] != "qasm_simulator":
                continue
            for described, recorded in zip(run["circuits"], run["results"]):
                if not outcomes.holds(described, FORMS[0]):
                    continue
                circuit = build(described, FORMS[0])
                result = QASM.run([circuit, circuit], **outcomes.options(run)).result()
                if not read[-1]:
                    continue
                number += 1
                for index in (0, 1):
                    names = outcomes.differences(
                        outcomes.outcome(result, index, described), recorded
                    )
                    if names:
                        wrong.append(f"{described['name']}: {', '.join(names)}")
    assert number > 50
    assert not wrong, "\n".join(wrong)


# ----------------------------------------------------------------------------------------------
# What is no batch
# ----------------------------------------------------------------------------------------------


def bell(name=None):
    circuit = QuantumCircuit(2, 2, name=name)
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.measure([0, 1], [0, 1])
    return circuit


def reset():
    circuit = bell()
    circuit.reset(0)
    return circuit


def wide():
    circuit = QuantumCircuit(7, 1)
    circuit.h(6)
    circuit.measure(6, 0)
    return circuit


def loose():
    """Its clbit is in no register, so that it has no memory slot."""
    circuit = QuantumCircuit(QuantumRegister(1), [Clbit()])
    circuit.h(0)
    circuit.measure(0, 0)
    return circuit


def empty_register():
    circuit = QuantumCircuit(QuantumRegister(1), [Clbit()], ClassicalRegister(0, "none"))
    circuit.measure(0, 0)
    return circuit


OTHERS = {
    "reset": reset,
    "wide": wide,
    "loose": loose,
    "empty register": empty_register,
    "no measurement": lambda: QuantumCircuit(2, 2),
    "no clbit": lambda: QuantumCircuit(2),
    "no qubit": lambda: QuantumCircuit(0, 1),
}


@of_each_simulator
@pytest.mark.parametrize("kind", OTHERS)
@pytest.mark.parametrize("place", [0, 70])
def test_lists_with_other_circuits(read, backend, kind, place):
    """The whole list goes one by one, with the same outcomes, and others may have begun."""
    made = [bell() for _ in range(140)]
    made[place] = OTHERS[kind]()
    result = backend.run(made, shots=50, seed_simulator=3, max_parallel_threads=2).result()
    assert read == [False]
    alone = QASM.run(bell(), shots=50, seed_simulator=3).result().get_counts()
    assert backend is not QASM or result.get_counts(place - 1) == alone
    assert sum(result.get_counts(place + 1).values()) == 50


@pytest.mark.parametrize(
    "options",
    [
        {"shots": 1},
        {"shots": _groups.MOST_SHOTS + 1},
        {"max_memory_mb": 100},
        {"initial_statevector": [1, 0, 0, 0]},
        {"shots": _groups.MOST_SHOTS, "memory": True},  # too much to hold beside other jobs
    ],
    ids=str,
)
def test_runs_that_are_no_batch(read, options):
    many = 2000 if "memory" in options else 2
    job = QASM.run([bell()] * many, **options)
    assert read == [False]
    job.cancel()


# ----------------------------------------------------------------------------------------------
# Errors
# ----------------------------------------------------------------------------------------------


def unbound():
    circuit = bell("unbound")
    circuit.rx(Parameter("t"), 0)
    return circuit


def infinite():
    circuit = QuantumCircuit(1, 1, name="infinite")
    circuit.rx(1.0, 0)
    circuit.rz(1e300, 0)  # finite, and yet nothing that is computed late
    circuit.measure(0, 0)
    return circuit


@of_each_simulator
@pytest.mark.parametrize("bad", [unbound, lambda: "circuit"])
@pytest.mark.parametrize("seed", [None, 5])
def test_a_bad_circuit_in_the_middle(backend, bad, seed):
    """The error is that of the circuit alone; nothing is drawn, and nothing is left running."""
    made = [bell() for _ in range(200)]
    made[150] = bad()
    messages = []
    for given in (made, made[150:]):
        np.random.seed(2)  # noqa: NPY002
        with pytest.raises(BasicAerError) as caught:
            backend.run(given, seed_simulator=seed, max_parallel_threads=2)
        messages.append(str(caught.value).replace("place 150", "place 0"))
        after = np.random.random()  # noqa: NPY002
        np.random.seed(2)  # noqa: NPY002
        assert after == np.random.random()  # noqa: NPY002
    assert messages[0] == messages[1]
    assert backend.run(made[:150], seed_simulator=seed).result().success


def test_parameters_beyond_all_measure(read):
    made = [infinite(), infinite()]
    counts = QASM.run(made, seed_simulator=3).result().get_counts()
    assert read == [True]
    assert counts == [QASM.run(infinite(), seed_simulator=3).result().get_counts()] * 2


def test_an_interrupt_while_circuits_are_read(monkeypatch):
    """The threads that have begun end."""
    halted = []
    original = Control.halt

    def halt(control):
        halted.append(control)
        original(control)

    def interrupted(circuit, most_qubits):
        raise KeyboardInterrupt

    monkeypatch.setattr(Control, "halt", halt)
    monkeypatch.setattr(batches, "_other", interrupted)
    made = [bell() for _ in range(200)]
    made[190] = reset()
    with pytest.raises(KeyboardInterrupt):
        QASM.run(made, seed_simulator=1, max_parallel_threads=2)
    assert len(halted) == 1 and halted[0].flags[0]
    assert QASM.run(made[:190], seed_simulator=1).result().success


def test_a_norm_that_drifts():
    stretched = QuantumCircuit(1, 1, name="stretched")
    stretched.h(0)
    stretched.measure(0, 0)
    run = groups_run.GroupsRun
    original = run.carry_out

    def carry_out(self, names):
        found = original(self, names)
        group, figures = found[0]
        figures.totals[1] = 1.5
        self._warn_of_norms(group, figures, names)
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "carry_out", carry_out)
        job = QASM.run([bell(), stretched], seed_simulator=1)
        with pytest.warns(RuntimeWarning, match='Circuit 1, "stretched": the norm .* off 1 by 0.5'):
            job.result()


# ----------------------------------------------------------------------------------------------
# The job
# ----------------------------------------------------------------------------------------------


def test_a_cancelled_batch(monkeypatch):
    """A batch stops between two circuits, and another can follow."""
    held, go = threading.Event(), threading.Event()
    original = groups_run.GroupsRun.carry_out

    def carry_out(self, names):
        held.set()
        assert go.wait(20)
        return original(self, names)

    monkeypatch.setattr(groups_run.GroupsRun, "carry_out", carry_out)
    made = circuits(200)
    job = QASM.run(made, shots=_groups.MOST_SHOTS, max_parallel_threads=2)
    assert held.wait(20)
    assert job.status() is JobStatus.RUNNING and job.progress() < 1
    assert job.cancel()
    go.set()
    with pytest.raises(JobError, match="cancelled"):
        job.result(20)
    assert job.status() is JobStatus.CANCELLED
    assert queue.live_jobs() == 0
    job = QASM.run(made, seed_simulator=2)
    job.result()
    assert job.progress() == 1 and job.status() is JobStatus.DONE


def test_a_cancel_stops_what_has_begun():
    """Threads that carry out groups look at the flags of the job."""
    made = circuits(1200, gates=3)
    for _ in range(20):  # on a busy machine the cancel may come when all is done
        job = QASM.run(made, shots=_groups.MOST_SHOTS, seed_simulator=3)
        control = job._control
        if job.cancel():
            with pytest.raises(JobError):
                job.result(60)
            if control.flags[DONE] < control._total:
                break
    else:
        pytest.fail("no batch was cancelled while it ran")


def test_several_batches_at_once():
    made = circuits(130)
    expected = QASM.run(made, seed_simulator=6).result().get_counts()
    jobs = [QASM.run(made, seed_simulator=6, max_parallel_threads=2) for _ in range(6)]
    assert all(job.result(60).get_counts() == expected for job in jobs)


def test_a_brief_batch_is_done_when_run_returns():
    job = QASM.run([bell(), bell()], shots=10)
    assert job.done() and job.progress() == 1


# ----------------------------------------------------------------------------------------------
# Results that are made when they are looked at
# ----------------------------------------------------------------------------------------------


def result_of(count=3, **options):
    return QASM.run([bell(f"bell{place}") for place in range(count)], seed_simulator=3, **options)


def test_a_result_becomes_what_it_stands_for():
    found = result_of().result().results
    assert all(isinstance(each, ExperimentResult) for each in found)
    assert type(found[1]) is not ExperimentResult  # nobody has looked
    assert found[1].shots == 1024
    assert type(found[1]) is ExperimentResult
    assert found[1].header is found[1].header
    assert type(found[0]) is not ExperimentResult


@pytest.mark.parametrize(
    "look",
    [
        repr,
        copy.copy,
        copy.deepcopy,
        lambda each: pickle.loads(pickle.dumps(each)),
        lambda each: each.to_dict(),
        vars,
        dir,
    ],
)
def test_any_way_to_look(look):
    found = result_of().result().results
    look(found[2])
    assert type(found[2]) is ExperimentResult
    assert sum(found[2].data.counts.values()) == 1024


def test_copies_of_a_whole_result():
    expected = result_of().result().get_counts()
    for made in (copy.deepcopy, lambda result: pickle.loads(pickle.dumps(result))):
        result = made(result_of().result())
        assert result.get_counts() == expected
        assert {type(each) for each in result.results} == {ExperimentResult}
    job = pickle.loads(pickle.dumps(result_of()))
    assert job.result().get_counts() == expected


def test_attributes_can_be_set():
    found = result_of().result().results
    found[0].shots = 7
    assert found[0].shots == 7 and found[0].status == "DONE"
    del found[1].status
    assert not hasattr(found[1], "status") and found[1].shots == 1024


def test_two_threads_look_at_once():
    found = result_of(40).result().results
    counts = [[], []]

    def look(place):
        counts[place] += [dict(each.data.counts) for each in found]

    threads = [threading.Thread(target=look, args=(place,)) for place in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts[0] == counts[1] and len(counts[0]) == 40


def test_circuits_may_change_before_anybody_looks():
    made = [bell("first"), bell("second")]
    made[1].metadata = {"kept": 1}
    result = QASM.run(made, seed_simulator=3).result()
    made[1].name = "other"
    made[1].metadata["kept"] = 2
    made[1].add_register(ClassicalRegister(3, "more"))
    made[1].x(0)
    header = result.to_dict()["results"][1]["header"]
    assert header["name"] == "second" and header["metadata"] == {"kept": 1}
    assert header["memory_slots"] == 2 and header["creg_sizes"] == [["c", 2]]
    assert result.get_counts("second") == result.get_counts(0)
