"""Threads, cancel and progress."""

import gc
import os
import threading
import time
import weakref
from concurrent.futures import CancelledError, ThreadPoolExecutor

import numpy as np
import pytest

import basicaer
from basicaer._jobs import queue
from basicaer._engine.control import Cancelled, Control


def until(condition, seconds=20.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.001)


# ----------------------------------------------------------------------------------------------
# Control
# ----------------------------------------------------------------------------------------------


def test_control_flags_are_what_kernels_poll():
    control = Control()
    assert control.flags.dtype == np.int64 and control.flags.shape == (8,)
    control.check()
    assert control.cancel() and control.cancelled
    assert control.flags[0]
    with pytest.raises(Cancelled):
        control.check()


def test_the_first_verdict_stands():
    ended = Control()
    assert ended.finish() and ended.finish()
    assert not ended.cancel() and not ended.cancelled
    ended.check()
    stopped = Control()
    assert stopped.cancel() and stopped.cancel()
    assert not stopped.finish()


def test_halt_stops_but_is_no_cancel():
    control = Control()
    control.halt()
    with pytest.raises(Cancelled):
        control.check()
    assert not control.cancelled and control.finish()


def test_progress_rises():
    control = Control(expected=200)
    seen = [control.progress()]
    for _ in range(2):
        control.begin(100)
        seen.append(control.progress())
        control.add_total(100)
        for _ in range(4):
            control.flags[1] += 25
            seen.append(control.progress())
    assert seen == sorted(seen) and seen[0] == 0
    assert seen[5] == 0.5  # the second circuit, not begun, counts what was expected of it
    assert 0.99 < seen[-1] < 1  # it has not ended yet


def test_progress_when_expectations_were_wrong():
    control = Control(expected=10)
    control.begin(10)
    control.add_total(1000)
    control.flags[1] = 500
    assert control.progress() == 0.5


def test_estimates_belong_to_threads():
    control = Control(expected=30)
    meet = threading.Barrier(2)

    def work(estimate):
        control.begin(estimate)
        meet.wait(20)
        control.add_total(100)

    threads = [threading.Thread(target=work, args=(estimate,)) for estimate in (10, 20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    control.flags[1] = 50
    assert control.progress() == 0.25


def test_progress_never_falls():
    control = Control()
    control.add_total(10)
    control.flags[1] = 9
    assert control.progress() == 0.9
    control.add_total(10)
    assert control.progress() == 0.9
    control.flags[1] = 1000  # more than announced
    assert 0.99 < control.progress() < 1


def test_cpu_count():
    assert 1 <= queue.cpu_count() <= os.cpu_count()


# ----------------------------------------------------------------------------------------------
# cooperate
# ----------------------------------------------------------------------------------------------


def test_alone():
    seen = []
    queue.cooperate(lambda: seen.append(threading.get_ident()), 1)
    assert seen == [threading.get_ident()]


def test_many_take_part():
    inside, meet = [], threading.Barrier(3)

    def work():
        inside.append(threading.get_ident())
        meet.wait(20)

    queue.cooperate(work, 3)
    assert len(set(inside)) == 3 and threading.get_ident() in inside


def test_returns_only_when_all_have_ended():
    ended, begun = [], threading.Semaphore(0)

    def work():
        begun.release()
        if threading.current_thread() is threading.main_thread():
            assert begun.acquire(timeout=20) and begun.acquire(timeout=20)
        else:
            time.sleep(0.05)
            ended.append(1)

    queue.cooperate(work, 2)
    assert ended == [1]


def test_a_busy_pool_delays_nobody():
    block = threading.Event()
    limit, inside = queue._helper_pool().limit, []

    def fill():
        inside.append(1)
        block.wait(20)

    crowd = threading.Thread(target=lambda: queue.cooperate(fill, limit + 1))
    crowd.start()
    until(lambda: len(inside) == limit + 1)
    try:
        calls = []
        for _ in range(1000):
            queue.cooperate(lambda: calls.append(1), 4)
        assert len(calls) == 1000
    finally:
        block.set()
        crowd.join(20)
    assert len(calls) == 1000


def test_an_error_goes_before_the_stop_that_it_causes():
    both = threading.Barrier(2)
    for main_fails in (True, False):

        def work(main_fails=main_fails):
            both.wait(20)
            if (threading.current_thread() is threading.main_thread()) == main_fails:
                time.sleep(0.01)
                raise KeyError("mine")
            raise Cancelled

        with pytest.raises(KeyError, match="mine"):
            queue.cooperate(work, 2)


def test_without_more_threads_one_does_it_all(monkeypatch):
    queue.shutdown()

    def start(self):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)
    calls = []
    queue.cooperate(lambda: calls.append(1), 3)
    assert calls == [1]
    before = queue.live_jobs()
    with pytest.raises(RuntimeError, match="new thread"):
        queue.submit(lambda: 1, Control())
    assert queue.live_jobs() == before
    monkeypatch.undo()
    queue.shutdown()
    assert queue.submit(lambda: 2, Control()).result(20) == 2


def test_within_itself():
    count = []

    def inner():
        count.append(1)

    queue.cooperate(lambda: queue.cooperate(inner, 3), 3)
    assert 1 <= len(count) <= 9


@pytest.mark.parametrize("on_main", [True, False])
def test_the_first_error_is_raised(on_main):
    both = threading.Barrier(2)

    def work():
        both.wait(20)
        if (threading.current_thread() is threading.main_thread()) == on_main:
            raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        queue.cooperate(work, 2)


def test_error_alone():
    with pytest.raises(ZeroDivisionError):
        queue.cooperate(lambda: 1 / 0, 1)


def test_from_many_threads_at_once():
    total, lock = [0], threading.Lock()

    def share():
        left = iter(range(100))
        guard = threading.Lock()

        def work():
            while True:
                with guard:
                    if next(left, None) is None:
                        return
                with lock:
                    total[0] += 1

        queue.cooperate(work, 4)

    threads = [threading.Thread(target=share) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert total == [800]


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
    limit = queue._job_pool().limit
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
    assert type(queue._job_pool().executor) is ThreadPoolExecutor
    assert type(queue._helper_pool().executor) is ThreadPoolExecutor


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
            if control.flags[0]:
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
    queue.cooperate(lambda: None, 2)
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


def test_submit_waits_when_the_queue_holds_too_much(monkeypatch):
    monkeypatch.setattr(queue, "_QUEUE_FREE", 100)
    monkeypatch.setattr(queue, "_QUEUE_BYTES", 100)
    block = threading.Event()
    limit = queue._job_pool().limit
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
    limit = queue._job_pool().limit
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
    queue.cooperate(lambda: None, 2)
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            assert queue.live_jobs() == 0
            answer = queue.submit(lambda: "here", Control()).result(10)
            queue.cooperate(lambda: None, 3)
            os.write(write, answer.encode())
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read) as file:
        assert file.read() == "here"
    os.waitpid(pid, 0)
    block.set()
    assert running.result(20) is True
