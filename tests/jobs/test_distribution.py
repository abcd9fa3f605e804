"""Circuits and shots on executors: the same outcomes, and nothing lost but with an error."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import threading
import time
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.providers import JobStatus
from qiskit.providers.exceptions import JobError
from versions import fields
from waiting import until

from basicaer import BasicAer, BasicAerError, QasmSimulatorPy
from basicaer._engine import memory
from basicaer._engine.control import Cancelled, Control
from basicaer._engine.execute import Task
from basicaer._jobs import budget, distribute, queue
from basicaer._jobs.distribute import Portion, Sender, _groups, work
from basicaer._qiskit.circuits.lower import lower

QASM = BasicAer.get_backend("qasm_simulator")
ELSEWHERE = Sender("another process", 0)
OPTIONS = {"shots": 100, "memory": True, "seed_simulator": 5}


def sampled(seed=0, num_qubits=3):
    rng = np.random.default_rng(seed)
    circuit = QuantumCircuit(num_qubits, name=f"sampled{seed}")
    for qubit in range(num_qubits):
        circuit.ry(rng.uniform(0, 3), qubit)
        circuit.cx(qubit, (qubit + 1) % num_qubits)
    circuit.measure_all()
    return circuit


def fixed_draws():
    circuit = QuantumCircuit(2, 3, name="fixed")
    circuit.h(0)
    circuit.measure(0, 0)
    with circuit.if_test((0, 1)):
        circuit.h(0)
    circuit.cx(0, 1)
    circuit.reset(0)
    circuit.ry(1, 0)
    circuit.measure([0, 1], [1, 2])
    return circuit


def varying_draws():
    circuit = QuantumCircuit(1, 2, name="varying")
    circuit.h(0)
    circuit.measure(0, 0)
    with circuit.if_test((0, 1)):
        circuit.h(0)
        circuit.measure(0, 1)
    return circuit


def endless():
    circuit = QuantumCircuit(1, 1, name="endless")
    with circuit.while_loop((0, 0)):
        circuit.measure(0, 0)
    return circuit


def long(name="long", times=1):
    """So many times a tenth or two of a second, in few words.

    Python before 3.11.5 hangs when it leaves a pool that a killed process broke while a task was on
    its way that does not fit into the pipe's buffer (python/cpython#94777).
    """
    circuit = QuantumCircuit(16, name=name)
    with circuit.for_loop(range(200 * times)):
        for qubit in range(16):
            circuit.ry(0.1 + qubit, qubit)
        for qubit in range(15):
            circuit.cx(qubit, qubit + 1)
    circuit.measure_all()
    return circuit


def memories(result):
    return [result.get_memory(index) for index in range(len(result.results))]


@pytest.fixture(scope="module")
def threads():
    with ThreadPoolExecutor(2) as pool:
        yield pool


@pytest.fixture(scope="module", params=["spawn", "fork"])
def processes(request):
    if request.param not in multiprocessing.get_all_start_methods():
        pytest.skip(f"there is no {request.param} here")
    context = multiprocessing.get_context(request.param)
    with ProcessPoolExecutor(2, mp_context=context) as pool:
        yield pool


class Flaky(Executor):
    """Runs calls at once, but the first futures fail as if their workers were lost."""

    def __init__(self, failures):
        self.failures = failures
        self.submitted = 0

    def submit(self, function, *arguments):
        self.submitted += 1
        future = Future()
        if self.failures:
            self.failures -= 1
            future.set_exception(OSError("the wire was cut"))
        else:
            future.set_result(function(*arguments))
        return future


class Held(Executor):
    """Keeps calls until it is told to run them."""

    def __init__(self):
        self.calls = []

    def submit(self, *call):
        future = Future()
        self.calls.append((future, call))
        return future

    def wait_for(self, count):
        until(lambda: len(self.calls) >= count, seconds=30)
        return [future for future, _ in self.calls]

    def run(self):
        for future, (function, *arguments) in list(self.calls):
            if future.set_running_or_notify_cancel():
                future.set_result(function(*arguments))


class Recorder(Executor):
    """Runs calls at once and keeps what they were."""

    def __init__(self):
        self.groups = []

    def submit(self, function, sender, portions, limit):
        self.groups.append(list(portions))
        future = Future()
        future.set_result(function(sender, portions, limit))
        return future


# ----------------------------------------------------------------------------------------------
# The same outcomes
# ----------------------------------------------------------------------------------------------


def check_batch(executor, **options):
    circuits = [sampled(seed, 2 + seed % 3) for seed in range(10)]
    circuits += [fixed_draws(), varying_draws()]
    expected = QASM.run(circuits, **OPTIONS).result()
    job = QASM.run(circuits, executor=executor, **OPTIONS, **options)
    found = job.result(timeout=120)
    assert memories(found) == memories(expected)
    assert [fields(each.header)["name"] for each in found.results] == [c.name for c in circuits]
    assert [each.data.counts for each in found.results] == [
        each.data.counts for each in expected.results
    ]
    assert job.progress() == 1.0


@pytest.mark.parametrize("options", [{}, {"max_job_size": 1}, {"max_job_size": 5}])
def test_batch_on_threads(threads, options):
    check_batch(threads, **options)


@pytest.mark.parametrize("size", [1, 7, 99])
def test_shots_split_on_threads(threads, size):
    check_batch(threads, max_shot_size=size)


def test_batch_on_processes(processes):
    check_batch(processes)
    check_batch(processes, max_job_size=2, max_shot_size=30)


def test_states_on_processes(processes):
    circuit = sampled()
    circuit.remove_final_measurements()
    for name in ("statevector", "unitary"):
        backend = BasicAer.get_backend(f"{name}_simulator")
        expected = backend.run([circuit] * 3).result()
        found = backend.run([circuit] * 3, executor=processes, max_job_size=1).result(timeout=120)
        for index in range(3):
            array = found.data(index)[name]
            np.testing.assert_array_equal(array, expected.data(index)[name])
            assert array.flags.writeable


def test_sweep_on_processes(processes):
    angle = Parameter("angle")
    circuit = QuantumCircuit(1, 1)
    circuit.ry(angle, 0)
    circuit.measure(0, 0)
    binds = {angle: np.linspace(0, 3, 20)}
    expected = QASM.run(circuit, parameter_binds=binds, **OPTIONS).result()
    job = QASM.run(circuit, parameter_binds=binds, executor=processes, **OPTIONS)
    assert memories(job.result(timeout=120)) == memories(expected)


@pytest.mark.parametrize("options", [{}, {"branching": False}])
@pytest.mark.parametrize("circuit", [sampled(), fixed_draws()], ids=["sampled", "fixed"])
def test_split_shots_of_one_circuit(circuit, options):
    recorder = Recorder()
    expected = QASM.run(circuit, **OPTIONS, **options).result()
    found = QASM.run(
        circuit, executor=recorder, max_shot_size=33, max_job_size=1, **OPTIONS, **options
    ).result()
    assert len(recorder.groups) == 4
    assert memories(found) == memories(expected)
    assert found.results[0].shots == 100
    assert found.results[0].metadata["parts"] == 4


def test_shots_whose_draws_vary_are_not_split():
    recorder = Recorder()
    found = QASM.run(varying_draws(), executor=recorder, max_shot_size=10, **OPTIONS).result()
    assert len(recorder.groups) == 1
    assert memories(found) == memories(QASM.run(varying_draws(), **OPTIONS).result())


def test_what_travels_is_numbers():
    recorder = Recorder()
    QASM.run([sampled(), fixed_draws()], executor=recorder, **OPTIONS).result()
    sent = pickle.dumps(recorder.groups)
    assert b"qiskit" not in sent
    assert len(sent) < 20_000


def test_groups():
    part = Portion(0, "", Task(lower(sampled())), 0)
    assert [len(group) for group in _groups([part] * 10, 4)] == [4, 4, 2]
    assert [len(group) for group in _groups([part] * 160, None)] == [10] * 16
    assert [len(group) for group in _groups([part] * 3, None)] == [1] * 3
    assert max(len(group) for group in _groups([part] * 100_000, None)) < 1000


def test_threads_at_the_workers():
    for given, expected in ((0, 1), (3, 3)):
        recorder = Recorder()
        QASM.run(sampled(), executor=recorder, max_parallel_threads=given).result()
        assert recorder.groups[0][0].task.threads == expected


def test_as_a_setting(threads):
    backend = QasmSimulatorPy(executor=threads)
    found = backend.run(sampled(), **OPTIONS).result()
    assert memories(found) == memories(QASM.run(sampled(), **OPTIONS).result())


@pytest.mark.parametrize("value", [4, "threads", ThreadPoolExecutor])
def test_what_is_no_executor(value):
    with pytest.raises(BasicAerError, match="executor must be a concurrent"):
        QASM.run(sampled(), executor=value)


# ----------------------------------------------------------------------------------------------
# What goes wrong
# ----------------------------------------------------------------------------------------------


def test_error_of_a_circuit(threads):
    job = QASM.run(
        [sampled(), endless()], executor=threads, max_job_size=1, max_iterations=5, **OPTIONS
    )
    with pytest.raises(BasicAerError, match="max_iterations=5"):
        job.result(timeout=60)
    assert job.status() is JobStatus.ERROR
    assert job.error_message().startswith('circuit 1, "endless"')


def test_too_large_for_the_worker(monkeypatch):
    part = Portion(0, "large", Task(lower(sampled())), 1 << 30)
    monkeypatch.setattr("basicaer._engine.memory.available_bytes", lambda fresh=False: 1 << 20)
    (reply,) = work(ELSEWHERE, [part], None)
    assert reply.outcome is None
    assert str(reply.error) == 'Circuit "large" needs 1.0 GiB, 1.0 MiB available at the worker.'


def test_what_only_has_to_wait_for_memory_waits(monkeypatch):
    space, need = 420 << 20, 257 << 20
    taken, asked = [0], threading.Event()
    own = budget.Budget()
    try_take = own.try_take

    def noted(*arguments):
        let_in = try_take(*arguments)
        if not let_in:
            asked.set()
        return let_in

    monkeypatch.setattr(memory, "available_bytes", lambda fresh=False: space - taken[0])
    monkeypatch.setattr(budget, "shared", own)
    part = Portion(0, "second", Task(lower(sampled())), need)
    replies = []
    worker = threading.Thread(target=lambda: replies.extend(work(ELSEWHERE, [part], None)))
    with own.hold(need, None, lambda: None):
        taken[0] = need  # the first has what it needs, and the second does not fit beside it
        own.try_take = noted
        worker.start()
        assert asked.wait(20), replies
        taken[0] = 0
    worker.join(20)
    assert replies[0].error is None and replies[0].outcome is not None


def test_a_job_that_waits_for_the_memory_of_a_worker_begins(monkeypatch):
    """A worker in this process is no job, and maybe the last to give memory back."""
    monkeypatch.setattr(memory, "available_bytes", lambda fresh=False: 1000 << 20)
    monkeypatch.setattr(budget, "shared", budget.Budget())
    holds, ends = threading.Event(), threading.Event()

    def execute(task, control):
        holds.set()
        assert ends.wait(20)

    monkeypatch.setattr(distribute, "execute", execute)
    part = Portion(0, "large", Task(lower(sampled())), 900 << 20)
    worker = threading.Thread(target=work, args=(ELSEWHERE, [part], None))
    worker.start()
    assert holds.wait(20)
    job = queue.submit(lambda: "begun", Control(), need=300 << 20)
    until(lambda: queue._queue._owed)  # a thread has looked at the job and gone
    ends.set()
    worker.join(20)
    assert job.result(20) == "begun"


def test_lost_workers_are_made_up_for():
    circuits = [sampled(seed) for seed in range(4)]
    expected = memories(QASM.run(circuits, **OPTIONS).result())
    executor = Flaky(2)
    job = QASM.run(circuits, executor=executor, max_job_size=2, **OPTIONS)
    assert memories(job.result(timeout=60)) == expected
    assert executor.submitted == 4


def test_workers_that_are_always_lost():
    executor = Flaky(1000)
    job = QASM.run([sampled(1), sampled(2)], executor=executor, max_job_size=2, **OPTIONS)
    with pytest.raises(BasicAerError) as caught:
        job.result(timeout=60)
    assert executor.submitted == 3
    for told in ('0 "sampled1"', '1 "sampled2"', "Flaky", "3 of 3 tries", "the wire was cut"):
        assert told in str(caught.value)


def test_executor_that_was_shut_down():
    pool = ThreadPoolExecutor(1)
    pool.shutdown()
    job = QASM.run(sampled(7), executor=pool, **OPTIONS)
    with pytest.raises(BasicAerError, match=r"sampled7.*after shutdown"):
        job.result(timeout=60)


def test_futures_that_somebody_else_cancels():
    executor = Held()
    job = QASM.run([sampled(1), sampled(2)], executor=executor, max_job_size=1, **OPTIONS)
    for future in executor.wait_for(2):
        assert future.cancel()
    executor.wait_for(4)  # they are sent once more
    executor.run()
    assert len(job.result(timeout=60).results) == 2


def test_a_process_that_is_killed():
    context = multiprocessing.get_context("spawn")
    # The others take so long that they have not ended when the process is killed.
    circuits = [long(f"long{index}", 10 if index else 1) for index in range(20)]
    with ProcessPoolExecutor(2, mp_context=context) as pool:
        pool.submit(os.getpid).result(60)
        job = QASM.run(circuits, executor=pool, max_job_size=1, shots=10)
        while not job.progress():
            time.sleep(0.01)
        os.kill(next(iter(pool._processes)), getattr(signal, "SIGKILL", signal.SIGTERM))
        with pytest.raises(BasicAerError, match="lost the workers of circuits") as caught:
            job.result(timeout=60)
    assert "BrokenProcessPool" in str(caught.value)
    assert job.status() is JobStatus.ERROR


def test_cancel_reaches_what_has_not_begun():
    executor = Held()
    job = QASM.run([sampled(seed) for seed in range(5)], executor=executor, max_job_size=1)
    futures = executor.wait_for(5)
    assert job.cancel()
    with pytest.raises(JobError):
        job.result(timeout=60)
    until(lambda: all(future.cancelled() for future in futures), seconds=30)
    assert job.status() is JobStatus.CANCELLED


def test_cancel_stops_threads_of_this_process(threads):
    job = QASM.run(endless(), executor=threads, shots=10)
    time.sleep(0.1)
    assert job.cancel()
    # The worker is free again.
    assert threads.submit(int).result(60) == 0
    assert len(QASM.run([sampled()] * 4, executor=threads).result(timeout=60).results) == 4


class Late(Executor):
    """Begins its only call when somebody tries to cancel it, which is too late then."""

    def __init__(self, begun):
        self.begun = begun
        self.submitted = threading.Event()
        self.replies = []

    def submit(self, function, *arguments):
        def call():
            self.replies += function(*arguments)

        self.thread = threading.Thread(target=call, daemon=True)

        class Begins(Future):
            def cancel(future):  # noqa: N805
                self.thread.start()
                assert self.begun.wait(20)
                return False

        self.submitted.set()
        return Begins()


def test_a_group_that_begins_while_the_job_is_cancelled_is_stopped(monkeypatch):
    begun, given_up = threading.Event(), threading.Event()

    def runs_on(task, control):
        begun.set()
        while not given_up.wait(0.001):
            control.check()

    monkeypatch.setattr(distribute, "execute", runs_on)
    executor = Late(begun)
    job = QASM.run(sampled(), executor=executor)
    try:
        assert executor.submitted.wait(20)
        assert job.cancel()
        job.wait_for_final_state(timeout=60)
        executor.thread.join(10)
        assert not executor.thread.is_alive()
        assert isinstance(executor.replies[0].error, Cancelled)
    finally:
        given_up.set()


def test_a_group_that_begins_after_its_job_was_cancelled_does_nothing(monkeypatch):
    class Deaf(Held):
        def submit(self, *call):
            future = super().submit(*call)
            future.set_running_or_notify_cancel()  # so that it cannot be cancelled
            return future

    executed = []
    monkeypatch.setattr(distribute, "execute", lambda task, control: executed.append(task))
    executor = Deaf()
    job = QASM.run(sampled(), executor=executor)
    executor.wait_for(1)
    assert job.cancel()
    job.wait_for_final_state(timeout=60)
    ((_, (function, *arguments)),) = executor.calls
    (reply,) = function(*arguments)
    assert isinstance(reply.error, Cancelled) and not executed


# ----------------------------------------------------------------------------------------------
# Dask
# ----------------------------------------------------------------------------------------------


@pytest.fixture
def cluster():
    distributed = pytest.importorskip("distributed", reason="dask.distributed is not installed")
    options = {"n_workers": 2, "threads_per_worker": 1, "processes": True}
    with distributed.LocalCluster(dashboard_address=None, **options) as cluster:
        yield cluster


def test_dask(cluster):
    from distributed import Client

    with Client(cluster) as client:
        check_batch(client)
        check_batch(client, max_job_size=2, max_shot_size=30)
        check_batch(client.get_executor())


def test_dask_with_a_killed_worker(cluster):
    from distributed import Client

    circuits = [long(f"long{index}") for index in range(16)]
    expected = memories(QASM.run(circuits, **OPTIONS).result())
    with Client(cluster) as client:
        client.wait_for_workers(2)
        pids = client.run(os.getpid)
        for _ in range(20):  # a busy machine may be late for one
            job = QASM.run(circuits, executor=client, max_job_size=1, max_shot_size=60, **OPTIONS)
            while not job.progress():
                time.sleep(0.01)
            if job.status() is JobStatus.RUNNING:
                break
        os.kill(next(iter(pids.values())), getattr(signal, "SIGKILL", signal.SIGTERM))
        assert memories(job.result(timeout=120)) == expected


def test_dask_cancelled(cluster):
    from distributed import Client

    with Client(cluster) as client:
        job = QASM.run([long()] + [long(times=5)] * 29, executor=client, max_job_size=1)
        while not job.progress():
            time.sleep(0.01)
        assert job.cancel()
        with pytest.raises(JobError):
            job.result(timeout=60)
        # The workers are free again for others.
        assert memories(QASM.run(sampled(), executor=client, **OPTIONS).result(timeout=60))


def test_dask_closed_meanwhile(cluster):
    from distributed import Client

    client = Client(cluster)
    job = QASM.run([long()] + [long(times=5)] * 29, executor=client, max_job_size=1)
    while not job.progress():
        time.sleep(0.01)
    client.close()
    with pytest.raises(BasicAerError, match="lost the workers of circuits"):
        job.result(timeout=60)
