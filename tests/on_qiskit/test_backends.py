"""Runs: what happens in `run()`, what beside it, and many at once."""

import sys
import threading
import time
from functools import partial

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit.library import QFT
from qiskit.providers import JobStatus
from qiskit.providers.exceptions import JobError
from versions import fields
from waiting import until

from basicaer import BasicAer, BasicAerError, BasicAerJob
from basicaer._engine import costs
from basicaer._engine.execute import Outcome
from basicaer._jobs import progress_bar, queue, run
from basicaer._qiskit import job as _job

QASM, STATEVECTOR, UNITARY = BasicAer.backends()


def flips(value, width=4, name=None):
    """A circuit whose outcome is `value`."""
    circuit = QuantumCircuit(width, width, name=name or f"flips{value}")
    for bit in range(width):
        if value >> bit & 1:
            circuit.x(bit)
    circuit.measure(range(width), range(width))
    return circuit


@pytest.fixture(autouse=True)
def spread(monkeypatch):
    """Circuits of 13 qubits are spread over threads, so that no larger ones are needed for that."""
    monkeypatch.setitem(costs.THREADS_WORK, "circuits", 6_000)


@pytest.fixture
def gate(monkeypatch):
    """Holds all executions until it is opened; they can be cancelled meanwhile."""
    opened = threading.Event()
    execute = run.execute

    def held(task, control):
        while not opened.wait(0.001):
            control.check()
        return execute(task, control)

    monkeypatch.setattr(run, "execute", held)
    # Nothing is carried out within run(), however small.
    monkeypatch.setattr(run, "WAKE_NS", 0)
    yield opened
    opened.set()


# ----------------------------------------------------------------------------------------------
# One run
# ----------------------------------------------------------------------------------------------


def test_run_returns_before_the_run_ends(gate):
    job = QASM.run(flips(3))
    assert job.status() in (JobStatus.QUEUED, JobStatus.RUNNING)
    until(job.running)
    gate.set()
    assert job.result().get_counts() == {"0011": 1024}
    assert job.status() is JobStatus.DONE
    assert job.backend() is QASM and job.result().job_id == job.job_id()


def test_what_is_done_to_the_circuit_afterwards_changes_nothing(gate):
    circuit = flips(3)
    vector = np.zeros(16, dtype=complex)
    vector[0] = 1
    job = QASM.run(circuit, initial_statevector=vector)
    circuit.data.clear()
    vector[:] = 0
    gate.set()
    assert job.result().get_counts() == {"0011": 1024}


def test_a_job_keeps_no_circuits(gate):
    import gc
    import weakref

    circuit = flips(3)
    gone = weakref.ref(circuit)
    job = QASM.run([circuit])
    del circuit
    gc.collect()
    assert gone() is None
    gate.set()
    assert job.result().success


def test_seeds_are_drawn_in_run(gate):
    np.random.seed(5)  # noqa: NPY002
    job = QASM.run(flips(1))
    np.random.seed(6)  # noqa: NPY002
    gate.set()
    np.random.seed(5)  # noqa: NPY002
    expected = np.random.randint(2147483647, dtype="int32")  # noqa: NPY002
    assert job.result().results[0].seed_simulator == expected


def test_the_three_simulators():
    circuit = QFT(3).decompose()
    unitary = UNITARY.run(circuit).result().get_unitary()
    state = STATEVECTOR.run(circuit).result().get_statevector()
    assert np.allclose(np.asarray(unitary)[:, 0], state.data)
    circuit.measure_all()
    counts = QASM.run(circuit, seed_simulator=1).result().get_counts()
    assert sum(counts.values()) == 1024 and len(counts) == 8


def test_initial_states():
    vector = np.arange(1, 5) / np.sqrt(30)
    circuit = QuantumCircuit(2)
    circuit.x(0)
    state = STATEVECTOR.run(circuit, initial_statevector=vector).result().get_statevector()
    assert np.allclose(state.data, vector[[1, 0, 3, 2]])
    matrix = np.diag([1, 1j, -1, -1j])
    found = UNITARY.run(circuit, initial_unitary=matrix).result().get_unitary()
    assert np.allclose(np.asarray(found), matrix[[1, 0, 3, 2]])
    # The same array serves several circuits.
    results = STATEVECTOR.run([circuit] * 3, initial_statevector=vector).result()
    for index in range(3):
        assert np.allclose(results.get_statevector(index).data, vector[[1, 0, 3, 2]])


def test_single_precision():
    state = STATEVECTOR.run(QFT(3).decompose(), precision="single").result().data()["statevector"]
    assert state.dtype == np.complex64
    assert np.allclose(state, 1 / np.sqrt(8), atol=1e-6)


# ----------------------------------------------------------------------------------------------
# Several circuits
# ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("threads", [0, 1, 2, 5])
@pytest.mark.parametrize("width", [4, 13])
def test_order_is_kept(threads, width):
    circuits = [flips(value % 16, width, f"number{value}") for value in range(20)]
    result = QASM.run(circuits, shots=3, max_parallel_threads=threads).result()
    names = [fields(entry.header)["name"] for entry in result.results]
    assert names == [each.name for each in circuits]
    for value in range(20):
        assert result.get_counts(value) == {format(value % 16, f"0{width}b"): 3}


def test_circuits_are_spread_over_threads(monkeypatch):
    meet = threading.Barrier(2)
    threads = set()

    def execute(task, control):
        meet.wait(20)
        threads.add(threading.get_ident())
        assert task.threads == 1
        return Outcome(np.zeros((task.shots, 1), dtype=np.uint64), None, {"time": {"total": 0.0}})

    monkeypatch.setattr(run, "execute", execute)
    QASM.run([flips(1, 13)] * 4, max_parallel_threads=2).result(timeout=60)
    assert len(threads) == 2


def test_one_circuit_has_all_threads(monkeypatch):
    seen = []

    def execute(task, control):
        seen.append(task.threads)
        return Outcome(np.zeros((task.shots, 1), dtype=np.uint64), None, {"time": {"total": 0.0}})

    monkeypatch.setattr(run, "execute", execute)
    QASM.run(flips(1), max_parallel_threads=7).result()
    QASM.run([flips(1, 13)] * 2, max_parallel_threads=6).result()
    assert seen == [7, 3, 3]


def test_circuits_at_once_stay_within_the_limit(monkeypatch):
    now, most, lock, two = [0], [0], threading.Lock(), threading.Event()

    def execute(task, control):
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
            if now[0] == 2:
                two.set()
        assert two.wait(20)  # however late the second thread begins
        time.sleep(0.01)
        with lock:
            now[0] -= 1
        return Outcome(np.zeros((task.shots, 1), dtype=np.uint64), None, {"time": {"total": 0.0}})

    monkeypatch.setattr(run, "execute", execute)
    circuits = [flips(1, 20)] * 6  # 16 MiB each, and scratch
    job = QASM.run(circuits, max_parallel_threads=4, max_memory_mb=45)
    job.result(timeout=60)
    assert most == [2]


@pytest.mark.parametrize("width", [7, 13])
def test_which_circuit_failed(monkeypatch, width):
    error = MemoryError("no room")

    def execute(task, control):
        if task.program.name == "second":
            raise error
        control.check()
        return Outcome(np.zeros((task.shots, 1), dtype=np.uint64), None, {"time": {"total": 0.0}})

    monkeypatch.setattr(run, "execute", execute)
    circuits = [flips(0, width), flips(0, width, "second"), flips(0, width)]
    job = QASM.run(circuits, max_parallel_threads=2)
    with pytest.raises(MemoryError) as caught:
        job.result(timeout=60)
    assert caught.value is error
    assert job.status() is JobStatus.ERROR
    assert job.error_message() == 'circuit 1, "second": MemoryError: no room'


# ----------------------------------------------------------------------------------------------
# Many jobs
# ----------------------------------------------------------------------------------------------


def test_two_jobs_of_one_backend_run_at_once(gate):
    jobs = [QASM.run(flips(value), shots=value) for value in (1, 2)]
    until(lambda: all(job.running() for job in jobs))
    gate.set()
    assert [job.result().get_counts() for job in jobs] == [{"0001": 1}, {"0010": 2}]


def test_many_threads_on_one_backend():
    wrong = []

    def work(number):
        for turn in range(5):
            shots, value = number + 1, (number + turn) % 16
            job = QASM.run(flips(value), shots=shots, memory=True)
            if job.result().get_memory() != [format(value, "04b")] * shots:
                wrong.append((number, turn))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not wrong


def test_cancel_stops_all_circuits(gate):
    job = QASM.run([flips(1, 13)] * 50)
    until(job.running)
    assert job.cancel()
    with pytest.raises(JobError):
        job.result()
    until(lambda: not queue.live_jobs())
    gate.set()
    assert QASM.run(flips(1)).result().success


def test_a_large_run_is_cancelled():
    circuit = QuantumCircuit(20)
    for turn in range(400):
        circuit.h(range(20))
        circuit.cx(turn % 20, (turn + 7) % 20)
        circuit.rzz(0.1, 3, 11)
    job = STATEVECTOR.run(circuit)
    until(lambda: job.progress() > 0 or job.done())
    if job.cancel():
        assert job.status() is JobStatus.CANCELLED
        until(lambda: not queue.live_jobs())
    assert 0 <= job.progress() <= 1


def test_progress_of_a_job():
    job = QASM.run([flips(1, 13)] * 5)
    seen = [job.progress()]
    while not job.in_final_state():
        seen.append(job.progress())
    seen.append(job.progress())
    assert seen == sorted(seen) and seen[0] >= 0 and seen[-1] == 1


def test_progress_bar(capfd, gate):
    job = QASM.run(flips(1), progress=True)
    until(lambda: "qasm_simulator" in capfd.readouterr().err)
    gate.set()
    job.result()
    shown = capfd.readouterr().err  # to its end: the next one begins below it
    assert "100%" in shown and "done" in shown


@pytest.mark.parametrize(
    "wait",
    [
        BasicAerJob.result,
        BasicAerJob.wait_for_final_state,
        partial(BasicAerJob.wait_for_final_state, wait=0.01, callback=lambda *_: None),
    ],
    ids=["result", "wait_for_final_state", "callback"],
)
def test_the_bar_is_closed_first(monkeypatch, wait):
    closed = threading.Event()

    class Slow:
        n = 0

        def __init__(self, **_):
            pass

        def update(self, _):
            pass

        set_postfix_str = update

        def close(self):
            time.sleep(0.2)
            closed.set()

    monkeypatch.setattr(progress_bar, "load", lambda: Slow)
    monkeypatch.setattr(_job, "_BAR_SECONDS", 60.0)  # a busy machine may take longer than one
    wait(QASM.run(flips(1), progress=True))
    assert closed.is_set()


def test_nothing_is_printed_unasked(capfd):
    QASM.run([flips(1, 13)] * 3).result()
    assert capfd.readouterr() == ("", "")


def test_progress_bar_without_tqdm(monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    with pytest.raises(BasicAerError, match="pip install tqdm"):
        QASM.run(flips(1), progress=True)


def test_metadata():
    metadata = QASM.run(flips(1), seed_simulator=5, precision="single").result().results[0].metadata
    assert (metadata["seed"], metadata["precision"], metadata["method"]) == (5, "single", "sampled")
    assert metadata["threads"] >= 1 and metadata["simd"] in ("baseline", "avx2", "avx512")
    assert metadata["peak_memory"] == (1 << 4) * 8 + 8 * 1024
    assert set(metadata["time"]) == {
        *("lower", "queue", "plan", "apply", "sample", "result", "total"),
    }
    assert all(seconds >= 0 for seconds in metadata["time"].values())
    for name in ("gates", "fused_gates", "passes", "operations", "branches"):
        assert isinstance(metadata[name], int), name


def test_peak_memory_counts_the_states_that_are_alive_at_once():
    circuit = QuantumCircuit(3, 3)
    for turn in range(6):
        circuit.ry(1, range(3))
        circuit.measure(turn % 3, turn % 3)
    metadata = QASM.run(circuit, shots=200).result().results[0].metadata
    states, rest = divmod(metadata["peak_memory"] - 200 * 8, 8 * 16)
    assert rest == 0 and 2 <= states <= 9


def test_errors_of_the_execution_reach_the_caller():
    circuit = QuantumCircuit(1, 1)
    with circuit.while_loop((circuit.clbits[0], 0)):
        circuit.x(0)
    job = QASM.run(circuit, max_iterations=5)
    with pytest.raises(BasicAerError, match="5"):
        job.result()
    assert job.status() is JobStatus.ERROR
