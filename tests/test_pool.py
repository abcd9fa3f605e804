"""Threads, cancel and progress."""

import gc
import os
import sys
import threading
import time
import weakref
from concurrent.futures import CancelledError, ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pytest

import basicaer
from basicaer import _execution, _pool
from basicaer._control import DONE, STOP, Cancelled, Control


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
    assert control.flags[STOP]
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
            control.flags[DONE] += 25
            seen.append(control.progress())
    assert seen == sorted(seen) and seen[0] == 0
    assert seen[5] == 0.5  # the second circuit, not begun, counts what was expected of it
    assert 0.99 < seen[-1] < 1  # it has not ended yet


def test_no_update_of_the_work_done_is_lost():
    class Beside(np.ndarray):
        """A kernel adds 7 between a look at the counter and what is done next."""

        def __getitem__(self, place):
            value = super().__getitem__(place)
            if place == DONE:
                self[DONE] = value + 7
            return value

    control = Control()
    machine = SimpleNamespace(work=0)
    progress = _execution._Progress(control, machine, unit=100, shots=10)
    plain, control.flags = control.flags, control.flags.view(Beside)
    progress.resolved(2)
    between = int(plain[DONE])
    control.flags = plain
    assert control.progress() == (200 + between) / 1000


def test_threads_add_to_the_work_done():
    control = Control()
    control.add_total(10**6)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)

    def work():
        for _ in range(20_000):
            control.add_done(10)

    try:
        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert control.progress() == 0.8


def test_progress_when_expectations_were_wrong():
    control = Control(expected=10)
    control.begin(10)
    control.add_total(1000)
    control.flags[DONE] = 500
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
    control.flags[DONE] = 50
    assert control.progress() == 0.25


def test_progress_never_falls():
    control = Control()
    control.add_total(10)
    control.flags[DONE] = 9
    assert control.progress() == 0.9
    control.add_total(10)
    assert control.progress() == 0.9
    control.flags[DONE] = 1000  # more than announced
    assert 0.99 < control.progress() < 1


def test_cpu_count():
    assert 1 <= _pool.cpu_count() <= os.cpu_count()


# ----------------------------------------------------------------------------------------------
# cooperate
# ----------------------------------------------------------------------------------------------


def test_alone():
    seen = []
    _pool.cooperate(lambda: seen.append(threading.get_ident()), 1)
    assert seen == [threading.get_ident()]


def test_many_take_part():
    inside, meet = [], threading.Barrier(3)

    def work():
        inside.append(threading.get_ident())
        meet.wait(20)

    _pool.cooperate(work, 3)
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

    _pool.cooperate(work, 2)
    assert ended == [1]


def test_a_busy_pool_delays_nobody():
    block = threading.Event()
    limit, inside = _pool._helper_pool().limit, []

    def fill():
        inside.append(1)
        block.wait(20)

    crowd = threading.Thread(target=lambda: _pool.cooperate(fill, limit + 1))
    crowd.start()
    until(lambda: len(inside) == limit + 1)
    try:
        calls = []
        for _ in range(1000):
            _pool.cooperate(lambda: calls.append(1), 4)
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
            _pool.cooperate(work, 2)


def test_without_more_threads_one_does_it_all(monkeypatch):
    _pool.shutdown()

    def start(self):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)
    calls = []
    _pool.cooperate(lambda: calls.append(1), 3)
    assert calls == [1]
    before = _pool.live_jobs()
    with pytest.raises(RuntimeError, match="new thread"):
        _pool.submit(lambda: 1, Control())
    assert _pool.live_jobs() == before
    monkeypatch.undo()
    _pool.shutdown()
    assert _pool.submit(lambda: 2, Control()).result(20) == 2


def test_within_itself():
    count = []

    def inner():
        count.append(1)

    _pool.cooperate(lambda: _pool.cooperate(inner, 3), 3)
    assert 1 <= len(count) <= 9


@pytest.mark.parametrize("on_main", [True, False])
def test_the_first_error_is_raised(on_main):
    both = threading.Barrier(2)

    def work():
        both.wait(20)
        if (threading.current_thread() is threading.main_thread()) == on_main:
            raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        _pool.cooperate(work, 2)


def test_error_alone():
    with pytest.raises(ZeroDivisionError):
        _pool.cooperate(lambda: 1 / 0, 1)


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

        _pool.cooperate(work, 4)

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
    futures = [_pool.submit(lambda: meet.wait(20), Control()) for _ in range(2)]
    assert {future.result(20) for future in futures} == {0, 1}


def test_more_jobs_than_threads_queue_in_order():
    order = []
    block = threading.Event()
    limit = _pool._job_pool().limit
    blockers = [_pool.submit(lambda: block.wait(20), Control()) for _ in range(limit)]
    futures = [_pool.submit(lambda i=i: order.append(i), Control()) for i in range(50)]
    assert not any(future.running() or future.done() for future in futures)
    block.set()
    for future in blockers + futures:
        future.result(20)
    if limit == 1:
        assert order == list(range(50))
    assert sorted(order) == list(range(50))
    until(lambda: not _pool.live_jobs())


def test_jobs_run_in_an_executor_of_the_standard_library():
    names = _pool.submit(lambda: threading.current_thread().name, Control()).result(20)
    assert names.startswith("basicaer-job")
    assert type(_pool._job_pool().executor) is ThreadPoolExecutor
    assert type(_pool._helper_pool().executor) is ThreadPoolExecutor


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
    future = _pool.submit(work, control)
    assert begun.wait(20)
    assert _pool.cancel(future, control) and _pool.cancel(future, control)
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
    future = _pool.submit(work, control)
    assert begun.wait(20)
    _pool.cancel(future, control)
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

    future = _pool.submit(work, Control())
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
        _pool.submit(lambda: time.sleep(0.02) or ended.append(1), Control()) for _ in range(9)
    ]
    _pool.cooperate(lambda: None, 2)
    _pool.shutdown()
    assert len(ended) == 9 and all(future.done() for future in futures)
    assert not threads_of_ours() and not _pool.live_jobs()
    _pool.shutdown()
    assert _pool.submit(lambda: 3, Control()).result(20) == 3


def test_shutdown_without_waiting():
    block = threading.Event()
    futures = [_pool.submit(lambda: block.wait(20), Control()) for _ in range(20)]
    _pool.shutdown(wait=False)
    assert not any(future.done() for future in futures)
    late = _pool.submit(lambda: 4, Control())  # which gets new threads, in its turn
    block.set()
    assert late.result(20) == 4
    assert all(future.result(20) for future in futures)
    _pool.shutdown()
    until(lambda: not threads_of_ours())  # those of the first shutdown, for which nobody waits


def test_shutdown_that_cancels():
    begun = threading.Event()
    controls = [Control() for _ in range(20)]

    def work(control):
        begun.set()
        while True:
            control.check()
            time.sleep(0.001)

    futures = [_pool.submit(lambda c=control: work(c), control) for control in controls]
    assert begun.wait(20)
    basicaer.shutdown(cancel_futures=True)
    assert all(control.cancelled for control in controls)
    assert all(future.done() for future in futures)
    assert not threads_of_ours() and not _pool.live_jobs()


def test_shutdown_while_others_submit():
    """Jobs that are submitted around a shutdown run, on whichever threads."""
    wrong, stop = [], threading.Event()

    def submits():
        while not stop.is_set():
            if _pool.submit(lambda: 5, Control()).result(20) != 5:
                wrong.append(1)

    threads = [threading.Thread(target=submits) for _ in range(4)]
    for thread in threads:
        thread.start()
    for turn in range(50):
        _pool.shutdown(wait=turn % 2 == 0)
    stop.set()
    for thread in threads:
        thread.join(20)
        assert not thread.is_alive()
    assert not wrong


def test_submit_waits_when_the_queue_holds_too_much(monkeypatch):
    monkeypatch.setattr(_pool, "_QUEUE_FREE", 100)
    monkeypatch.setattr(_pool, "_QUEUE_BYTES", 100)
    block = threading.Event()
    limit = _pool._job_pool().limit
    running = [_pool.submit(lambda: block.wait(20), Control(), size=90) for _ in range(limit)]
    until(lambda: all(future.running() for future in running))
    controls = [Control() for _ in range(3)]
    queued = [_pool.submit(lambda: 1, control, size=30) for control in controls]
    late = []
    thread = threading.Thread(
        target=lambda: late.append(_pool.submit(lambda: 2, Control(), size=30))
    )
    thread.start()
    thread.join(0.1)
    assert thread.is_alive() and not late
    assert _pool.cancel(queued[1], controls[1])  # which makes room
    thread.join(20)
    assert not thread.is_alive()
    block.set()
    assert late[0].result(20) == 2 and queued[0].result(20) == queued[2].result(20) == 1


def test_one_job_may_always_wait_however_large(monkeypatch):
    monkeypatch.setattr(_pool, "_QUEUE_FREE", 100)
    monkeypatch.setattr(_pool, "_QUEUE_BYTES", 100)
    futures = [_pool.submit(lambda: 1, Control(), size=1000) for _ in range(20)]
    assert [future.result(20) for future in futures] == [1] * 20


def test_ten_thousand_jobs():
    block = threading.Event()
    limit = _pool._job_pool().limit
    running = [_pool.submit(lambda: block.wait(60), Control()) for _ in range(limit)]
    controls = [Control() for _ in range(10_000)]
    futures = [_pool.submit(lambda i=i: i, control) for i, control in enumerate(controls)]
    assert all(_pool.cancel(futures[i], controls[i]) for i in range(1, 10_000, 2))
    block.set()
    assert [futures[i].result(60) for i in range(0, 10_000, 2)] == list(range(0, 10_000, 2))
    assert all(futures[i].cancelled() for i in range(1, 10_000, 2))
    assert all(running)
    until(lambda: not _pool.live_jobs())


def test_the_error_of_a_job_does_not_keep_its_memory():
    class Payload:
        pass

    gone = []

    def work():
        payload = Payload()
        gone.append(weakref.ref(payload))
        raise ValueError("wrong")

    future = _pool.submit(work, Control())
    with pytest.raises(ValueError, match="wrong"):
        future.result(20)
    gc.collect()
    assert gone[0]() is None


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_the_child_of_a_fork_has_pools_of_its_own():
    block = threading.Event()
    running = _pool.submit(lambda: block.wait(20), Control())
    _pool.cooperate(lambda: None, 2)
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            assert _pool.live_jobs() == 0
            answer = _pool.submit(lambda: "here", Control()).result(10)
            _pool.cooperate(lambda: None, 3)
            os.write(write, answer.encode())
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read) as file:
        assert file.read() == "here"
    os.waitpid(pid, 0)
    block.set()
    assert running.result(20) is True
