"""The life of jobs: whatever is done to them, in whatever order and from whichever thread.

LIFE_EXAMPLES is the number of histories that are tried; more than by default for a long search.
"""

import gc
import os
import threading
import warnings
import weakref

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    multiple,
    rule,
)
from qiskit import QuantumCircuit
from qiskit.providers import JobStatus
from qiskit.providers.exceptions import JobError, JobTimeoutError
from waiting import until

import basicaer
from basicaer import BasicAer, BasicAerError
from basicaer._engine import memory as _memory
from basicaer._jobs import budget, queue

QASM, STATEVECTOR, UNITARY = BasicAer.backends()
EXAMPLES = int(os.environ.get("LIFE_EXAMPLES", "25"))
QUICK = {"deadline": None, "suppress_health_check": list(HealthCheck)}
FINAL = (JobStatus.DONE, JobStatus.CANCELLED, JobStatus.ERROR)


def quick(bits):
    """A circuit with one outcome."""
    circuit = QuantumCircuit(len(bits), len(bits), name="quick")
    for qubit, bit in enumerate(bits):
        if bit:
            circuit.x(qubit)
    circuit.measure(range(len(bits)), range(len(bits)))
    return circuit


def endless():
    circuit = QuantumCircuit(1, 1, name="endless")
    with circuit.while_loop((circuit.clbits[0], 0)):
        circuit.x(0)
    return circuit


def large():
    """Some 10 ms, in the kernels."""
    circuit = QuantumCircuit(16, 16, name="large")
    for turn in range(20):
        circuit.rx(0.1, range(16))
        circuit.cx(turn % 16, (turn + 5) % 16)
    circuit.measure(range(16), range(16))
    return circuit


def dynamic():
    circuit = QuantumCircuit(5, 5, name="dynamic")
    for turn in range(8):
        circuit.ry(1 + turn, range(5))
        circuit.measure(turn % 5, turn % 5)
    return circuit


ENDLESS, LARGE, DYNAMIC = endless(), large(), dynamic()


def expected(circuit):
    return QASM.run(circuit, shots=20, seed_simulator=7, memory=True).result(60).get_memory()


EXPECTED = {circuit.name: expected(circuit) for circuit in (LARGE, DYNAMIC)}


class Entry:
    """A job, and what must become of it."""

    def __init__(self, job, kind, memory):
        self.job = job
        self.kind = kind
        self.memory = memory
        self.cancelled = False
        self.last = 0.0
        self.final = None


class Life(RuleBasedStateMachine):
    jobs = Bundle("jobs")

    def __init__(self):
        super().__init__()
        self.entries = []

    def entry(self, job, kind, memory=None):
        entry = Entry(job, kind, memory)
        self.entries.append(entry)
        return entry

    # --- submit ----------------------------------------------------------------------------------

    @rule(target=jobs, bits=st.lists(st.booleans(), min_size=1, max_size=4))
    def submit(self, bits):
        job = QASM.run(quick(bits), shots=3, memory=True)
        memory = ["".join(str(int(bit)) for bit in reversed(bits))] * 3
        return self.entry(job, "right", memory)

    @rule(
        target=jobs,
        circuit=st.sampled_from([LARGE, DYNAMIC]),
        threads=st.integers(0, 3),
        limit=st.sampled_from([0, 64]),
    )
    def submit_more(self, circuit, threads, limit):
        job = QASM.run(
            circuit,
            shots=20,
            seed_simulator=7,
            memory=True,
            max_parallel_threads=threads,
            max_memory_mb=limit,
        )
        return self.entry(job, "right", EXPECTED[circuit.name])

    @rule(target=jobs)
    def submit_endless(self):
        return self.entry(QASM.run(ENDLESS), "endless")

    @rule(target=jobs, most=st.integers(1, 50))
    def submit_wrong(self, most):
        return self.entry(QASM.run([quick([1]), ENDLESS], max_iterations=most), "wrong")

    @rule(target=jobs, count=st.integers(1, 6))
    def submit_from_threads(self, count):
        found = []

        def work():
            found.append(QASM.run(DYNAMIC, shots=20, seed_simulator=7, memory=True))

        threads = [threading.Thread(target=work) for _ in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert len(found) == count
        return multiple(*(self.entry(job, "right", EXPECTED["dynamic"]) for job in found))

    @rule(shots=st.sampled_from([0, -1, 2.5, "x"]))
    def submit_nonsense(self, shots):
        with pytest.raises(BasicAerError):
            QASM.run(DYNAMIC, shots=shots)

    # --- look and act ----------------------------------------------------------------------------

    @rule(entry=jobs)
    def cancel(self, entry):
        self.note(entry, entry.job.cancel())

    @rule(entry=jobs, count=st.integers(2, 5))
    def cancel_from_threads(self, entry, count):
        answers = []
        threads = [
            threading.Thread(target=lambda: answers.append(entry.job.cancel()))
            for _ in range(count)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert len(answers) == count and len(set(answers)) == 1
        self.note(entry, answers[0])

    def note(self, entry, answer):
        if answer:
            assert entry.final in (None, JobStatus.CANCELLED)
            entry.cancelled = True
            assert entry.job.status() is JobStatus.CANCELLED
        else:
            assert not entry.cancelled
            # It had ended; that is told a moment later.
            entry.job.wait_for_final_state(timeout=60)

    @rule(entry=jobs)
    def wait_a_little(self, entry):
        try:
            entry.job.wait_for_final_state(timeout=0.001)
        except JobTimeoutError:
            return
        assert entry.job.status() in FINAL

    @rule(entry=jobs)
    def fetch(self, entry):
        if entry.kind == "endless" and not entry.cancelled:
            with pytest.raises(JobTimeoutError):
                entry.job.result(timeout=0.005)
            return
        self.fetched(entry)

    def stop_the_endless(self):
        """Two of them take all threads that there may be."""
        for entry in self.entries:
            if entry.kind == "endless":
                self.note(entry, entry.job.cancel())

    def fetched(self, entry):
        self.stop_the_endless()
        job = entry.job
        if entry.cancelled:
            with pytest.raises(JobError, match="was cancelled"):
                job.result(timeout=60)
            assert job.status() is JobStatus.CANCELLED and job.error_message() is None
        elif entry.kind == "wrong":
            with pytest.raises(BasicAerError, match="max_iterations"):
                job.result(timeout=60)
            assert job.status() is JobStatus.ERROR
            assert job.error_message().startswith('circuit 1, "endless"')
        else:
            assert job.result(timeout=60).get_memory() == entry.memory
            assert job.status() is JobStatus.DONE and job.progress() == 1.0
        assert job.cancel() is entry.cancelled

    @rule(entry=consumes(jobs))
    def drop(self, entry):
        if entry.kind == "endless":
            entry.job.cancel()  # it would never leave its thread
        self.entries.remove(entry)
        gone = weakref.ref(entry.job)
        entry.job = None
        gc.collect()
        assert gone() is None

    @rule(wait=st.booleans())
    def shutdown(self, wait):
        if wait:
            self.stop_the_endless()
        basicaer.shutdown(wait)

    # --- always ----------------------------------------------------------------------------------

    @invariant()
    def all_is_as_it_must_be(self):
        for entry in self.entries:
            progress, status = entry.job.progress(), entry.job.status()
            assert 0 <= entry.last <= progress <= 1
            entry.last = progress
            if entry.final is not None:
                assert status is entry.final  # what is final stays
            if status in FINAL:
                entry.final = status
            if entry.cancelled:
                assert status is JobStatus.CANCELLED

    def teardown(self):
        for entry in self.entries:
            self.fetched(entry)
        queue.shutdown()
        assert not queue.live_jobs()
        # No shutdown waits for the threads of an earlier one. They may be about to give back the
        # memory of a job that was cancelled as they took it out of the queue.
        until(
            lambda: not any(each.name.startswith("basicaer-") for each in threading.enumerate()),
            seconds=60,
        )
        assert budget.shared._taken == budget.shared._holders == 0
        assert not budget.shared._limits


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=EXAMPLES, stateful_step_count=25, **QUICK)


# ----------------------------------------------------------------------------------------------
# Any input
# ----------------------------------------------------------------------------------------------

NONSENSE = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=5),
    st.lists(st.one_of(st.integers(-3, 3), st.floats()), max_size=5),
    st.dictionaries(st.text(max_size=2), st.integers(), max_size=2),
    st.just(np.eye(2)),
    st.just(object()),
)
NAMES = [
    *("shots", "memory", "seed_simulator", "chop_threshold", "precision", "fusion", "branching"),
    *("max_iterations", "max_memory_mb", "max_parallel_threads", "initial_statevector"),
    *("initial_unitary", "parameter_binds", "seed_per_circuit", "allow_sample_measuring"),
    *("executor", "max_job_size"),
]


@settings(max_examples=10 * EXAMPLES, **QUICK)
@given(
    backend=st.sampled_from([QASM, STATEVECTOR, UNITARY]),
    options=st.dictionaries(st.sampled_from(NAMES), NONSENSE, max_size=3),
)
def test_any_options(backend, options):
    """Either it runs, or our error says which option was wrong; nothing else, ever."""
    circuit = quick([1, 0]) if backend is not UNITARY else QuantumCircuit(2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_memory, "available_bytes", lambda fresh=False: 1 << 28)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                job = backend.run(circuit, **options)
            except BasicAerError as error:
                assert error.message
                return
        assert job.result(60).success


@settings(max_examples=4 * EXAMPLES, **QUICK)
@given(run_input=st.one_of(NONSENSE, st.lists(NONSENSE, max_size=3)))
def test_any_input(run_input):
    with pytest.raises(BasicAerError):
        QASM.run(run_input)


@settings(max_examples=4 * EXAMPLES, **QUICK)
@given(
    angles=st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=1, max_size=4),
    shots=st.integers(1, 5),
)
def test_any_angles(angles, shots):
    circuit = QuantumCircuit(2, 2, name="angles")
    for angle in angles:
        circuit.rx(angle, 0)
        circuit.crz(angle, 0, 1)
    circuit.measure([0, 1], [0, 1])
    if all(map(np.isfinite, angles)):
        assert sum(QASM.run(circuit, shots=shots).result(60).get_counts().values()) == shots
    else:
        with pytest.raises(BasicAerError, match="angles"):
            QASM.run(circuit, shots=shots)
