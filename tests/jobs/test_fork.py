"""Processes: fork in the middle of a job, spawn, joblib, and how the interpreter ends."""

import multiprocessing
import os
import signal
import sys
import textwrap
import threading
import time

import pytest
from processes import python
from qiskit import QuantumCircuit
from qiskit.providers.exceptions import JobError

from basicaer import BasicAer

QASM, STATEVECTOR, _ = BasicAer.backends()

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
# The bound of the contract is a second; a busy machine is given ten times that.
GENEROUS = 10.0

SCRIPT = """
import os, signal, sys, threading, time
from qiskit import QuantumCircuit
from basicaer import BasicAer

circuit = QuantumCircuit(20)
with circuit.for_loop(range(100_000)):
    for turn in range(100):
        circuit.rx(0.1, turn % 20)
        circuit.cx(turn % 20, (turn + 7) % 20)
backend = BasicAer.get_backend("statevector_simulator")
job = backend.run(circuit)
while not job.progress():
    time.sleep(0.001)
"""


def ghz(width=14):
    circuit = QuantumCircuit(width, width)
    circuit.h(0)
    for qubit in range(1, width):
        circuit.cx(0, qubit)
    circuit.measure(range(width), range(width))
    return circuit


def counts(seed):
    """What the children of all kinds are asked for."""
    return dict(QASM.run(ghz(), shots=100, seed_simulator=seed).result(60).get_counts())


def long_job():
    circuit = QuantumCircuit(20)
    with circuit.for_loop(range(100_000)):
        for turn in range(100):
            circuit.rx(0.1, turn % 20)
            circuit.cx(turn % 20, (turn + 7) % 20)
    job = STATEVECTOR.run(circuit)
    while not job.progress():
        time.sleep(0.001)
    return job


@pytest.fixture
def running():
    job = long_job()
    yield job
    job.cancel()
    job.wait_for_final_state(timeout=60)


def in_child(function):
    """Returns what a function returns, a string, in a child made by os.fork."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            os.write(write, function().encode())
            code = 0
        except BaseException as error:
            os.write(write, repr(error).encode())
        finally:
            os._exit(code)
    os.close(write)
    with os.fdopen(read) as file:
        answer = file.read()
    assert os.waitpid(pid, 0)[1] == 0, answer
    return answer


@needs_fork
def test_fork_while_a_job_runs(running):
    seen = in_child(lambda: f"{counts(5)} {running.status().name} {running.cancel()}")
    assert seen == f"{counts(5)} ERROR False"
    assert running.running()

    def waits():
        with pytest.raises(JobError, match="forked"):
            running.result()
        return f"{running.progress():.1f}"

    assert float(in_child(waits)) < 1
    assert running.running()


@needs_fork
def test_many_forks_while_threads_submit():
    """Whatever lock another thread holds at that moment, the child runs its own jobs."""
    stop = threading.Event()

    def submits():
        while not stop.is_set():
            QASM.run(ghz(13), shots=10, max_parallel_threads=2).result(60)

    expected = str(counts(6))
    threads = [threading.Thread(target=submits) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(20):
            assert in_child(lambda: str(counts(6))) == expected
    finally:
        stop.set()
        for thread in threads:
            thread.join(60)


@needs_fork
def test_ids_are_the_same_in_parent_and_child_and_those_of_new_jobs_differ():
    job = QASM.run(ghz(), shots=10)
    theirs, new = in_child(lambda: f"{job.job_id()} {QASM.run(ghz()).job_id()}").split()
    assert theirs == job.job_id() == job.result().job_id
    assert len({theirs, new, QASM.run(ghz()).job_id()}) == 3


@needs_fork
def test_fork_of_a_fork(running):
    assert in_child(lambda: in_child(lambda: str(counts(7)))) == str(counts(7))


@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_multiprocessing(running, method):
    context = multiprocessing.get_context(method)
    with context.Pool(2) as pool:
        found = pool.map_async(counts, range(4)).get(120)
    assert found == [counts(seed) for seed in range(4)]
    assert running.running()


@pytest.mark.parametrize("backend", ["loky", "multiprocessing", "threading"])
def test_joblib(running, backend):
    joblib = pytest.importorskip("joblib")
    found = joblib.Parallel(2, backend=backend)(joblib.delayed(counts)(seed) for seed in range(4))
    assert found == [counts(seed) for seed in range(4)]
    assert running.running()


def test_the_interpreter_ends_while_a_kernel_runs():
    script = SCRIPT + "print(time.time())\n"
    done = python("-W", "ignore", "-c", script)
    took = time.time() - float(done.stdout)
    assert (done.returncode, done.stderr) == (0, "")
    assert took < GENEROUS


@pytest.mark.skipif(sys.platform == "win32", reason="no signals to a process alone")
@pytest.mark.parametrize("wait", ["result", "wait_for_final_state"])
def test_ctrl_c(wait):
    script = SCRIPT + textwrap.dedent(
        f"""
        main = threading.get_ident()

        def waits():
            frame = sys._current_frames()[main]
            while frame is not None and frame.f_code.co_name != "_wait":
                frame = frame.f_back
            return frame is not None

        def interrupt():
            while not waits():
                time.sleep(0.001)
            global sent
            sent = time.time()
            os.kill(os.getpid(), signal.SIGINT)

        threading.Thread(target=interrupt).start()
        try:
            job.{wait}()
        except KeyboardInterrupt:
            print(time.time() - sent, job.status().name)
        """
    )
    done = python("-W", "ignore", "-c", script)
    assert (done.returncode, done.stderr) == (0, "")
    seconds, status = done.stdout.split()
    assert float(seconds) < GENEROUS
    assert status == ("CANCELLED" if wait == "result" else "RUNNING")


@pytest.mark.skipif(sys.platform == "win32", reason="no signals to a process alone")
def test_killed_by_ctrl_c_alone():
    """A script that does not catch it ends as scripts do, by its traceback and no other."""
    script = SCRIPT + textwrap.dedent(
        """
        threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
        job.result()
        """
    )
    done = python("-W", "ignore", "-c", script)
    assert done.returncode == -signal.SIGINT
    assert done.stderr.count("Traceback") == 1
    assert done.stderr.rstrip().endswith("KeyboardInterrupt")


def test_exit_with_many_jobs_queued():
    script = SCRIPT + textwrap.dedent(
        """
        small = QuantumCircuit(1, 1)
        small.measure(0, 0)
        qasm = BasicAer.get_backend("qasm_simulator")
        backend.run(circuit)  # nothing is left for the others
        jobs = [qasm.run(small) for _ in range(3000)]
        print("end")
        """
    )
    done = python("-W", "ignore", "-c", script)
    assert (done.returncode, done.stdout, done.stderr) == (0, "end\n", "")


def test_no_thread_before_the_first_job():
    script = "import threading, basicaer; print(threading.active_count())"
    done = python("-W", "ignore", "-c", script)
    assert done.stdout == "1\n"
