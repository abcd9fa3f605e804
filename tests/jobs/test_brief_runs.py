"""Runs that take no longer than to wake a thread: `run()` carries them out itself."""

from __future__ import annotations

import functools
import gc
import signal
import sys
import threading
import weakref

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.providers.exceptions import JobError
from qiskit.providers.jobstatus import JobStatus

from basicaer import BasicAer
from basicaer._jobs import budget, queue, run
from basicaer.exceptions import BasicAerError

QASM = BasicAer.get_backend("qasm_simulator")


def bell(name="bell"):
    circuit = QuantumCircuit(2, 2, name=name)
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.measure([0, 1], [0, 1])
    return circuit


@pytest.fixture
def threads(monkeypatch):
    """The threads that execute circuits, in order."""
    seen, execute = [], run.execute

    def noted(task, control):
        seen.append(threading.current_thread())
        return execute(task, control)

    monkeypatch.setattr(run, "execute", noted)
    return seen


def test_a_small_run_is_done_when_run_returns(threads):
    job = QASM.run(bell(), seed_simulator=3)
    assert threads == [threading.current_thread()]
    assert job.status() is JobStatus.DONE and job.progress() == 1.0
    assert not job.cancel() and job.error_message() is None
    assert queue.live_jobs() == 0
    assert sum(job.result().get_counts().values()) == 1024


@pytest.mark.parametrize(
    "options",
    [
        {"shots": 10**6},
        {"max_memory_mb": 100},
        {"shots": 1},  # measured in order: not one draw for each shot
    ],
)
def test_other_runs_go_to_a_thread(threads, options):
    QASM.run(bell(), **options).result()
    assert threads and threading.current_thread() not in threads


@pytest.mark.parametrize("kind", ["gates", "amplitudes", "circuits", "loop"])
def test_what_is_not_small(threads, kind):
    circuits = [bell()]
    if kind == "gates":
        for _ in range(5000):
            circuits[0].x(0)
    elif kind == "amplitudes":
        circuits = [QuantumCircuit(18)]
        circuits[0].h(range(18))
    elif kind == "circuits":
        circuits = [QuantumCircuit(7, 1)] * 20  # too wide to be in groups
        circuits[0].measure(0, 0)
    else:
        with circuits[0].while_loop((circuits[0].clbits[0], 1)):
            circuits[0].x(0)
            circuits[0].measure(0, 0)
    QASM.run(circuits).result()
    assert threads and threading.current_thread() not in threads


@pytest.mark.parametrize(
    "backend", ["qasm_simulator", "statevector_simulator", "unitary_simulator"]
)
def test_the_results_are_the_same(monkeypatch, backend):
    circuit = QuantumCircuit(3, 3)
    circuit.u(0.3, 0.2, 0.1, 0)
    circuit.cx(0, 2)
    circuit.ry(1.1, 1)
    if backend == "qasm_simulator":
        circuit.measure([0, 1, 2], [2, 0, 1])
    simulator = BasicAer.get_backend(backend)
    options = {} if backend == "unitary_simulator" else {"seed_simulator": 5, "memory": True}

    def data():
        return simulator.run(circuit, **options).result().results[0].data.to_dict()

    small = data()
    monkeypatch.setattr(run, "WAKE_NS", 0)
    other = data()
    assert small.keys() == other.keys()
    for key, value in small.items():
        np.testing.assert_array_equal(value, other[key])


def failing(monkeypatch, error):
    """Has circuits fail with the error; returns the threads that they were executed by."""
    calls = []

    def fail(task, control):
        calls.append(threading.current_thread())
        raise error

    monkeypatch.setattr(run, "execute", fail)
    return calls


def test_an_error_comes_out_of_the_job_and_not_of_run(monkeypatch):
    error = BasicAerError("no")
    calls = failing(monkeypatch, error)
    job = QASM.run(bell())
    assert job.status() is JobStatus.ERROR
    with pytest.raises(BasicAerError) as caught:
        job.result()
    assert caught.value is error
    assert job.error_message() == "circuit 0, \"bell\": BasicAerError: 'no'"
    assert calls == [threading.current_thread()]  # once


def test_an_error_keeps_nothing_of_the_caller_nor_of_the_run(monkeypatch):
    class Thing:
        """Stands for a circuit, or for amplitudes."""

    things = []

    def kept():
        thing = Thing()
        things.append(weakref.ref(thing))
        return thing

    def fail(task, control):
        amplitudes = kept()
        raise BasicAerError("no", str(amplitudes))

    def caller():
        circuit = kept()
        try:
            try:
                raise KeyError("of the caller")
            except KeyError:
                return QASM.run(bell())
        finally:
            del circuit

    monkeypatch.setattr(run, "execute", fail)
    gc.disable()
    try:
        job = caller()
        error = job._future.exception()
        assert isinstance(error, BasicAerError) and error.__context__ is None
        assert len(things) == 2 and things[1]() is None
        names, frame = [], None
        traceback = error.__traceback__
        while traceback is not None:
            names.append(traceback.tb_frame.f_code.co_name)
            frame = frame or traceback.tb_frame
            traceback = traceback.tb_next
        assert "fail" in names  # it still says where it was
        while frame is not None and sys.version_info < (3, 12):  # see `severed`
            assert frame.f_code.co_name not in ("caller", "run", sys._getframe().f_code.co_name)
            frame = frame.f_back
    finally:
        gc.enable()


class AlarmError(Exception):
    """What a signal handler raises."""


class Handler:
    """A handler that is no function."""

    def __init__(self, raised):
        self.raised = raised

    def __call__(self, signum, frame):
        raise self.raised

    def method(self, signum, frame):
        self(signum, frame)


def raise_it(raised, signum, frame):
    raise raised


HANDLERS = {
    "function": lambda raised: lambda *_: raise_it(raised, *_),
    "object": Handler,
    "method": lambda raised: Handler(raised).method,
    "partial": lambda raised: functools.partial(raise_it, raised),
    "partial method": lambda raised: functools.partial(
        functools.partial(Handler.method, Handler(raised))
    ),
}


@pytest.mark.parametrize("handler", HANDLERS)
@pytest.mark.parametrize("raised", [AlarmError, BasicAerError, KeyboardInterrupt])
@pytest.mark.skipif(not hasattr(signal, "SIGALRM"), reason="this system has no such signal")
def test_what_a_signal_handler_raises_is_the_caller_s(monkeypatch, raised, handler):
    execute, done = run.execute, []

    def interrupted(task, control):
        done.append(1)
        if len(done) == 1:
            signal.raise_signal(signal.SIGALRM)
        return execute(task, control)

    monkeypatch.setattr(run, "execute", interrupted)
    before = signal.signal(signal.SIGALRM, HANDLERS[handler](raised))
    try:
        with pytest.raises(raised):
            QASM.run(bell())
    finally:
        signal.signal(signal.SIGALRM, before)
    assert len(done) == 1
    assert QASM.run(bell()).result().success
    assert queue.live_jobs() == 0


def test_with_a_handler_that_raised_nothing_an_error_is_the_job_s(monkeypatch):
    failing(monkeypatch, AlarmError("of the job"))
    before = signal.signal(signal.SIGINT, Handler(AlarmError))
    try:
        job = QASM.run(bell())
    finally:
        signal.signal(signal.SIGINT, before)
    with pytest.raises(AlarmError, match="of the job"):
        job.result()


@pytest.mark.skipif(not hasattr(signal, "SIGALRM"), reason="this system has no such signal")
def test_a_signal_handler_may_run_circuits_meanwhile(monkeypatch):
    execute, inner = run.execute, []

    def interrupted(task, control):
        if not inner:
            inner.append(None)
            signal.raise_signal(signal.SIGALRM)
        return execute(task, control)

    def handler(*_):
        inner[0] = QASM.run(bell(), seed_simulator=8, memory=True).result().get_memory()

    monkeypatch.setattr(run, "execute", interrupted)
    before = signal.signal(signal.SIGALRM, handler)
    try:
        outer = QASM.run(bell(), seed_simulator=8, memory=True).result().get_memory()
    finally:
        signal.signal(signal.SIGALRM, before)
    assert inner == [outer]


def test_while_a_job_bounds_the_memory_of_all_small_runs_queue_too(monkeypatch, threads):
    monkeypatch.setattr(budget.Budget, "limited", property(lambda self: True))
    assert QASM.run(bell()).result().success
    assert threads and threading.current_thread() not in threads


def test_nothing_of_a_small_run_is_kept(threads):
    job = QASM.run(bell())
    result = weakref.ref(job.result())
    del job
    gc.collect()
    assert result() is None


def test_after_shutdown_and_from_many_threads():
    queue.shutdown()
    found = []

    def work(seed):
        found.append((seed, QASM.run(bell(), seed_simulator=seed).result().get_counts()))

    workers = [threading.Thread(target=work, args=(seed % 3,)) for seed in range(12)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(found) == 12
    for seed in range(3):
        assert len({tuple(sorted(counts.items())) for s, counts in found if s == seed}) == 1


def test_a_cancelled_large_job_beside_small_ones():
    large = QuantumCircuit(22)
    for qubit in range(22):
        large.h(qubit)
        large.cx(qubit, (qubit + 1) % 22)
    job = BasicAer.get_backend("statevector_simulator").run(large)
    for seed in range(50):
        assert QASM.run(bell(), seed_simulator=seed).result().success
    if job.cancel():
        with pytest.raises(JobError):
            job.result()
