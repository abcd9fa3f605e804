"""The job's contract, on futures that the test itself drives."""

import copy
import os
import pickle
import signal
import textwrap
import threading
import time
from concurrent.futures import CancelledError, Future

import pytest
from processes import python
from qiskit import QuantumCircuit
from qiskit.providers import JobStatus
from qiskit.providers.exceptions import JobError, JobTimeoutError
from qiskit.providers.job import JobV1
from qiskit.result import Result
from signals import send_inside
from versions import needs_terra
from waiting import until

from basicaer import BasicAer, BasicAerError, BasicAerJob
from basicaer._engine.control import Control
from basicaer._jobs import queue
from basicaer._qiskit.versions import reference

BACKEND = BasicAer.get_backend("qasm_simulator")
RESULT = Result(
    backend_name="qasm_simulator",
    backend_version="2.1.0",
    qobj_id="qobj",
    job_id="job",
    success=True,
    results=[],
)


def pool_job(function=lambda control: RESULT):
    """A job in the pool that calls `function` with its control."""
    control = Control()
    future = queue.submit(lambda: function(control), control)
    return BasicAerJob(BACKEND, "id", future, control=control)


def until_cancelled(control):
    while True:
        control.check()
        time.sleep(0.001)


@pytest.fixture
def running():
    job = pool_job(until_cancelled)
    until(job.running)
    yield job
    job.cancel()


# ----------------------------------------------------------------------------------------------
# Status
# ----------------------------------------------------------------------------------------------


def test_a_finished_result_is_a_done_job():
    job = BasicAerJob(BACKEND, "id", RESULT)
    assert isinstance(job, JobV1)
    assert reference is None or isinstance(job, reference.BasicAerJob)
    assert job.status() is JobStatus.DONE
    assert job.result() is RESULT and job.result(timeout=0) is RESULT
    assert (job.done(), job.running(), job.cancelled(), job.in_final_state()) == (1, 0, 0, 1)
    assert job.progress() == 1.0
    assert job.error_message() is None
    assert job.cancel() is False and job.status() is JobStatus.DONE
    job.wait_for_final_state()


def test_what_jobv1_promises():
    job = BasicAerJob(BACKEND, "some id", RESULT)
    assert job.backend() is BACKEND
    assert job.job_id() == "some id"
    assert job.metadata == {}
    assert job.version == 1


def test_status_follows_the_future():
    future = Future()
    job = BasicAerJob(BACKEND, "id", future)
    assert job.status() is JobStatus.QUEUED
    assert job.progress() == 0.0
    future.set_running_or_notify_cancel()
    assert job.status() is JobStatus.RUNNING and job.running()
    assert not job.in_final_state()
    future.set_result(RESULT)
    assert job.status() is JobStatus.DONE and job.done()
    assert job.result() is RESULT
    assert job.progress() == 1.0


def test_status_of_a_failed_future():
    future = Future()
    job = BasicAerJob(BACKEND, "id", future)
    future.set_exception(MemoryError("no room"))
    assert job.status() is JobStatus.ERROR and job.in_final_state()
    assert job.error_message() == "MemoryError: no room"


def test_status_of_a_cancelled_future():
    future = Future()
    job = BasicAerJob(BACKEND, "id", future)
    assert job.cancel() is True
    assert future.cancelled()
    assert job.status() is JobStatus.CANCELLED and job.cancelled()
    assert job.error_message() is None
    with pytest.raises(JobError, match="id was cancelled"):
        job.result()


def test_a_running_future_without_control_cannot_be_cancelled():
    future = Future()
    future.set_running_or_notify_cancel()
    job = BasicAerJob(BACKEND, "id", future)
    assert job.cancel() is False
    assert job.status() is JobStatus.RUNNING


def test_submit_is_an_error():
    with pytest.raises(JobError, match="submitted already"):
        BasicAerJob(BACKEND, "id", RESULT).submit()


# ----------------------------------------------------------------------------------------------
# Result
# ----------------------------------------------------------------------------------------------


def test_result_waits():
    job = pool_job(lambda control: time.sleep(0.05) or RESULT)
    assert job.result() is RESULT


def test_result_raises_what_the_run_raised():
    error = BasicAerError("what went wrong")

    def fail(control):
        raise error

    job = pool_job(fail)
    with pytest.raises(BasicAerError) as caught:
        job.result()
    assert caught.value is error
    assert job.status() is JobStatus.ERROR
    assert "what went wrong" in job.error_message()


def test_result_times_out_and_the_job_goes_on(running):
    with pytest.raises(JobTimeoutError, match=r"0\.01 seconds"):
        running.result(timeout=0.01)
    with pytest.raises(JobTimeoutError):
        running.result(timeout=0)
    assert running.running()


def test_a_timeout_that_the_run_itself_raised_is_an_error_of_the_job():
    def fail(control):
        raise TimeoutError("not ours")

    job = pool_job(fail)
    with pytest.raises(TimeoutError, match="not ours"):
        job.result(timeout=30)


# ----------------------------------------------------------------------------------------------
# Cancel
# ----------------------------------------------------------------------------------------------


def test_cancel_a_running_job(running):
    assert running.cancel() is True
    assert running.status() is JobStatus.CANCELLED
    with pytest.raises(JobError):
        running.result()
    assert running.cancel() is True  # it is cancelled, whoever asks
    until(lambda: not queue.live_jobs())


def test_cancel_a_queued_job():
    block = threading.Event()
    blockers = [pool_job(lambda control: block.wait(20)) for _ in range(queue.runners.pool().limit)]
    try:
        ran = []
        job = pool_job(lambda control: ran.append(1))
        assert job.status() is JobStatus.QUEUED
        assert job.cancel() is True
        assert job.status() is JobStatus.CANCELLED
    finally:
        block.set()
    for blocker in blockers:
        blocker.wait_for_final_state(timeout=20)
    until(lambda: not queue.live_jobs())
    assert not ran


def test_cancel_a_job_that_has_ended():
    job = pool_job()
    job.result()
    assert job.cancel() is False
    assert job.status() is JobStatus.DONE and job.result() is RESULT


def test_cancel_from_many_threads_is_one_cancel(running):
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(running.cancel())) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [True] * 20
    assert running.status() is JobStatus.CANCELLED


def test_cancel_and_end_agree_whoever_is_first():
    for pause in range(200):
        job = pool_job(lambda control, pause=pause: time.sleep(pause * 1e-6) or RESULT)
        time.sleep(1e-4)
        if job.cancel():
            with pytest.raises(JobError):
                job.result()
            assert job.status() is JobStatus.CANCELLED
        else:
            assert job.result() is RESULT
            assert job.status() is JobStatus.DONE


def test_cancel_frees_what_the_job_holds(running):
    import gc
    import weakref

    class Payload:
        pass

    payload = Payload()
    gone = weakref.ref(payload)
    job = pool_job(lambda control, payload=payload: until_cancelled(control))
    del payload
    until(job.running)
    job.cancel()
    until(lambda: gc.collect() is not None and gone() is None)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs timers")
def test_cancel_from_a_signal_handler(running):
    before = signal.signal(signal.SIGALRM, lambda *_: running.cancel())
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        with pytest.raises(JobError):
            running.result(timeout=20)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_progress_from_a_signal_handler(running):
    """It may come while this very thread asks for the progress."""
    with running._control._lock:
        assert 0 <= running.progress() < 1


# ----------------------------------------------------------------------------------------------
# Waiting
# ----------------------------------------------------------------------------------------------


def test_wait_returns_when_the_job_ends_not_at_the_next_poll():
    called, calls = threading.Event(), []

    def work(control):
        assert called.wait(20)
        time.sleep(0.02)
        return RESULT

    def callback(*args):
        calls.append(args)
        called.set()

    job = pool_job(work)
    begun = time.monotonic()
    job.wait_for_final_state(wait=600, callback=callback)
    assert time.monotonic() - begun < 300
    assert len(calls) == 1 and calls[0][0] == "id" and calls[0][2] is job
    assert calls[0][1] in (JobStatus.QUEUED, JobStatus.RUNNING)


def test_wait_calls_back(running):
    calls = []

    def callback(job_id, status, job):
        calls.append((job_id, status, job))
        if len(calls) == 3:
            job.cancel()

    running.wait_for_final_state(wait=0.005, callback=callback)
    assert calls == [("id", JobStatus.RUNNING, running)] * 3


def test_wait_times_out(running):
    with pytest.raises(JobTimeoutError):
        running.wait_for_final_state(timeout=0.02)
    calls = []
    with pytest.raises(JobTimeoutError):
        running.wait_for_final_state(
            timeout=0.02, wait=0.005, callback=lambda *args: calls.append(args)
        )
    assert calls and running.running()


def test_wait_does_not_raise_what_the_run_raised():
    job = pool_job(lambda control: 1 / 0)
    job.wait_for_final_state(timeout=20)
    assert job.status() is JobStatus.ERROR
    job.wait_for_final_state(callback=lambda *_: None)


def test_wait_raises_what_the_callback_raises(running):
    def callback(*_):
        raise RuntimeError("mine")

    with pytest.raises(RuntimeError, match="mine"):
        running.wait_for_final_state(callback=callback)
    assert running.running()


def test_wait_on_a_cancelled_job_returns(running):
    threading.Timer(0.02, running.cancel).start()
    running.wait_for_final_state(timeout=20)
    assert running.cancelled()


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="this system sends no signals")
@pytest.mark.parametrize("wait", ["result", "wait_for_final_state"])
def test_ctrl_c_gets_through(running, wait):
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            send_inside("_wait", signal.SIGALRM)
            getattr(running, wait)()
    finally:
        signal.signal(signal.SIGALRM, before)
    # result() is the run itself to whoever calls it; waiting is only looking on.
    assert running.cancelled() if wait == "result" else running.running()


@needs_terra
def test_job_monitor(capsys):
    import io

    from qiskit.tools.monitor import job_monitor

    out = io.StringIO()
    job_monitor(pool_job(lambda control: time.sleep(0.03) or RESULT), interval=0.01, output=out)
    assert "job has successfully run" in out.getvalue()


# ----------------------------------------------------------------------------------------------
# Pickle and copy
# ----------------------------------------------------------------------------------------------


def test_a_job_with_its_result_pickles():
    job = pool_job()
    job.result()
    job.metadata["tag"] = 1
    twin = pickle.loads(pickle.dumps(job))
    assert twin.job_id() == "id" and twin.metadata == {"tag": 1}
    assert twin.status() is JobStatus.DONE
    assert twin.result().to_dict() == RESULT.to_dict()
    assert twin.cancel() is False and twin.progress() == 1.0
    assert twin.backend().name() == "qasm_simulator"
    assert copy.deepcopy(job).result().job_id == "job"


def test_a_job_without_result_says_why_it_does_not_pickle(running):
    with pytest.raises(JobError, match="RUNNING"):
        pickle.dumps(running)
    running.cancel()
    with pytest.raises(JobError, match="CANCELLED"):
        pickle.dumps(running)


def test_a_copy_is_the_same_job(running):
    twin = copy.copy(running)
    running.cancel()
    assert twin.status() is JobStatus.CANCELLED


# ----------------------------------------------------------------------------------------------
# Fork and exit
# ----------------------------------------------------------------------------------------------


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_job_of_the_parent_is_an_error_in_the_child(running):
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:  # the child says what it sees and is gone
        try:
            seen = [running.status().name, str(running.cancel())]
            try:
                running.result(timeout=5)
            except JobError as error:
                seen.append(type(error).__name__)
            seen.append(pool_job().result(timeout=5).job_id)
            os.write(write, " ".join(seen).encode())
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read) as file:
        assert file.read() == "ERROR False JobError job"
    os.waitpid(pid, 0)
    assert running.running()


def test_the_interpreter_goes_though_jobs_run():
    script = textwrap.dedent(
        """
        import time
        from basicaer._jobs import queue
        from basicaer._engine import threads as _threads
        from basicaer._engine.control import Control

        def work(control):
            while True:
                control.check()
                time.sleep(0.001)

        for _ in range(40):
            control = Control()
            queue.submit(lambda control=control: work(control), control)
        while queue.live_jobs() < 40:
            time.sleep(0.001)
        print("end")
        """
    )
    done = python("-W", "ignore", "-c", script)
    assert (done.returncode, done.stdout, done.stderr) == (0, "end\n", "")


def test_cancelled_error_of_a_foreign_future_is_a_cancelled_job():
    future = Future()
    future.set_exception(CancelledError())
    assert BasicAerJob(BACKEND, "id", future).status() is JobStatus.CANCELLED


def test_a_result_goes_with_its_last_reference():
    """Not when the garbage collector comes by: its amplitudes may be much of the memory."""
    import gc
    import weakref

    backend = BasicAer.get_backend("statevector_simulator")
    circuit = QuantumCircuit(2)
    circuit.h(0)
    gc.collect()
    gc.disable()
    try:
        job = backend.run(circuit)
        result = job.result()
        array = weakref.ref(result.data()["statevector"])
        assert array() is not None
        del job, result
        for _ in range(1000):  # the thread may not be done with its last step
            if array() is None:
                break
            time.sleep(0.001)
        assert array() is None
    finally:
        gc.enable()
