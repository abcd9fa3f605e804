"""The queue of jobs and its threads."""

import gc
import os
import threading
import time
import weakref
from concurrent.futures import CancelledError, ThreadPoolExecutor

import pytest
from waiting import until

import basicaer
from basicaer._engine import threads as _threads
from basicaer._engine.control import STOP, Control
from basicaer._jobs import queue

# ----------------------------------------------------------------------------------------------
# Jobs
# ----------------------------------------------------------------------------------------------


def test_two_jobs_run_at_once():
    meet = threading.Barrier(2)
    futures = [queue.submit(lambda: meet.wait(20), Control()) for _ in range(2)]
    assert {future.result(20) for future in futures} == {0, 1}


def test_more_jobs_than_threads_queue_in_order():
    order = []
    block = threading.Event()
    limit = queue.runners.pool().limit
    blockers = [queue.submit(lambda: block.wait(20), Control()) for _ in range(limit)]
    futures = [queue.submit(lambda i=i: order.append(i), Control()) for i in range(50)]
    assert not any(future.running() or future.done() for future in futures)
    block.set()
    for future in blockers + futures:
        future.result(20)
    if limit == 1:
        assert order == list(range(50))
    assert sorted(order) == list(range(50))
    until(lambda: not queue.live_jobs())


def test_jobs_run_in_an_executor_of_the_standard_library():
    names = queue.submit(lambda: threading.current_thread().name, Control()).result(20)
    assert names.startswith("basicaer-job")
    assert type(queue.runners.pool().executor) is ThreadPoolExecutor
    assert type(_threads.helpers.pool().executor) is ThreadPoolExecutor


def test_the_future_of_a_cancelled_job_waits_until_its_memory_is_gone():
    class Payload:
        pass

    gone, begun = [], threading.Event()

    def work():
        payload = Payload()
        gone.append(weakref.ref(payload))
        begun.set()
        while True:
            time.sleep(0.002)
            if control.flags[STOP]:
                time.sleep(0.02)
                control.check()

    control = Control()
    future = queue.submit(work, control)
    assert begun.wait(20)
    assert queue.cancel(future, control) and queue.cancel(future, control)
    assert isinstance(future.exception(20), CancelledError)
    assert gone[0]() is None


def test_what_a_job_returns_after_it_was_cancelled_is_dropped():
    class Payload:
        pass

    gone, begun, end = [], threading.Event(), threading.Event()

    def work():
        payload = Payload()
        gone.append(weakref.ref(payload))
        begun.set()
        end.wait(20)
        return payload

    control = Control()
    future = queue.submit(work, control)
    assert begun.wait(20)
    queue.cancel(future, control)
    end.set()
    assert isinstance(future.exception(20), CancelledError)
    assert gone[0]() is None


def test_an_error_and_its_causes_keep_no_memory():
    class Payload:
        pass

    gone = []

    def inner():
        payload = Payload()
        gone.append(weakref.ref(payload))
        raise KeyError("inner")

    def work():
        try:
            inner()
        except KeyError as error:
            raise ValueError("outer") from error

    future = queue.submit(work, Control())
    error = future.exception(20)
    assert isinstance(error, ValueError) and isinstance(error.__cause__, KeyError)
    assert gone[0]() is None


class Interrupted:
    """A lock; whoever has let go of it for the first time is interrupted."""

    def __init__(self, lock):
        self.lock = lock
        self.left = 1

    def __enter__(self):
        return self.lock.__enter__()

    def __exit__(self, *error):
        self.lock.__exit__(*error)
        if self.left and threading.current_thread() is threading.main_thread():
            self.left -= 1
            raise KeyboardInterrupt


def test_a_job_whose_submission_is_interrupted_is_cancelled(monkeypatch):
    """It stands in its line already, but nobody will ever have a handle on it."""
    ran, own = [], queue._queue
    monkeypatch.setattr(own, "_lock", Interrupted(own._lock))
    with pytest.raises(KeyboardInterrupt):
        queue.submit(lambda: ran.append(1), Control(), size=50)
    assert not queue.live_jobs()
    assert queue.submit(lambda: 2, Control()).result(20) == 2
    assert not ran and own._size == 0


# ----------------------------------------------------------------------------------------------
# Shutdown, and too many jobs
# ----------------------------------------------------------------------------------------------


def threads_of_ours():
    return [thread for thread in threading.enumerate() if thread.name.startswith("basicaer-")]


def test_shutdown_waits():
    ended = []
    futures = [
        queue.submit(lambda: time.sleep(0.02) or ended.append(1), Control()) for _ in range(9)
    ]
    _threads.cooperate(lambda: None, 2)
    queue.shutdown()
    assert len(ended) == 9 and all(future.done() for future in futures)
    assert not threads_of_ours() and not queue.live_jobs()
    queue.shutdown()
    assert queue.submit(lambda: 3, Control()).result(20) == 3


def test_shutdown_without_waiting():
    block = threading.Event()
    futures = [queue.submit(lambda: block.wait(20), Control()) for _ in range(20)]
    queue.shutdown(wait=False)
    assert not any(future.done() for future in futures)
    late = queue.submit(lambda: 4, Control())  # which gets new threads, in its turn
    block.set()
    assert late.result(20) == 4
    assert all(future.result(20) for future in futures)
    queue.shutdown()
    until(lambda: not threads_of_ours())  # those of the first shutdown, for which nobody waits


def test_shutdown_that_cancels():
    begun = threading.Event()
    controls = [Control() for _ in range(20)]

    def work(control):
        begun.set()
        while True:
            control.check()
            time.sleep(0.001)

    futures = [queue.submit(lambda c=control: work(c), control) for control in controls]
    assert begun.wait(20)
    basicaer.shutdown(cancel_futures=True)
    assert all(control.cancelled for control in controls)
    assert all(future.done() for future in futures)
    assert not threads_of_ours() and not queue.live_jobs()


def test_shutdown_while_others_submit():
    """Jobs that are submitted around a shutdown run, on whichever threads."""
    wrong, stop = [], threading.Event()

    def submits():
        while not stop.is_set():
            if queue.submit(lambda: 5, Control()).result(20) != 5:
                wrong.append(1)

    threads = [threading.Thread(target=submits) for _ in range(4)]
    for thread in threads:
        thread.start()
    for turn in range(50):
        queue.shutdown(wait=turn % 2 == 0)
    stop.set()
    for thread in threads:
        thread.join(20)
        assert not thread.is_alive()
    assert not wrong
    queue.shutdown()
    until(lambda: not threads_of_ours())  # or there would be more than the limit in the next test


def test_submit_waits_when_the_queue_holds_too_much(monkeypatch):
    monkeypatch.setattr(queue, "_QUEUE_FREE", 100)
    monkeypatch.setattr(queue, "_QUEUE_BYTES", 100)
    block = threading.Event()
    limit = queue.runners.pool().limit
    running = [queue.submit(lambda: block.wait(20), Control(), size=90) for _ in range(limit)]
    until(lambda: all(future.running() for future in running))
    controls = [Control() for _ in range(3)]
    queued = [queue.submit(lambda: 1, control, size=30) for control in controls]
    late = []
    thread = threading.Thread(
        target=lambda: late.append(queue.submit(lambda: 2, Control(), size=30))
    )
    thread.start()
    thread.join(0.1)
    assert thread.is_alive() and not late
    assert queue.cancel(queued[1], controls[1])  # which makes room
    thread.join(20)
    assert not thread.is_alive()
    block.set()
    assert late[0].result(20) == 2 and queued[0].result(20) == queued[2].result(20) == 1


def test_one_job_may_always_wait_however_large(monkeypatch):
    monkeypatch.setattr(queue, "_QUEUE_FREE", 100)
    monkeypatch.setattr(queue, "_QUEUE_BYTES", 100)
    futures = [queue.submit(lambda: 1, Control(), size=1000) for _ in range(20)]
    assert [future.result(20) for future in futures] == [1] * 20


def test_ten_thousand_jobs():
    block = threading.Event()
    limit = queue.runners.pool().limit
    running = [queue.submit(lambda: block.wait(60), Control()) for _ in range(limit)]
    controls = [Control() for _ in range(10_000)]
    futures = [queue.submit(lambda i=i: i, control) for i, control in enumerate(controls)]
    assert all(queue.cancel(futures[i], controls[i]) for i in range(1, 10_000, 2))
    block.set()
    assert [futures[i].result(60) for i in range(0, 10_000, 2)] == list(range(0, 10_000, 2))
    assert all(futures[i].cancelled() for i in range(1, 10_000, 2))
    assert all(running)
    until(lambda: not queue.live_jobs())


def test_the_error_of_a_job_does_not_keep_its_memory():
    class Payload:
        pass

    gone = []

    def work():
        payload = Payload()
        gone.append(weakref.ref(payload))
        raise ValueError("wrong")

    future = queue.submit(work, Control())
    with pytest.raises(ValueError, match="wrong"):
        future.result(20)
    gc.collect()
    assert gone[0]() is None


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_the_child_of_a_fork_has_pools_of_its_own():
    block = threading.Event()
    running = queue.submit(lambda: block.wait(20), Control())
    _threads.cooperate(lambda: None, 2)
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            assert queue.live_jobs() == 0
            answer = queue.submit(lambda: "here", Control()).result(10)
            _threads.cooperate(lambda: None, 3)
            os.write(write, answer.encode())
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read) as file:
        assert file.read() == "here"
    os.waitpid(pid, 0)
    block.set()
    assert running.result(20) is True
