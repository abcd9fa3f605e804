"""Threads, cancel and progress."""

import os
import threading
import time

import numpy as np
import pytest

from basicaer import _pool


def until(condition, seconds=20.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.001)


# ----------------------------------------------------------------------------------------------
# Control
# ----------------------------------------------------------------------------------------------


def test_control_flags_are_what_kernels_poll():
    control = _pool.Control()
    assert control.flags.dtype == np.int64 and control.flags.shape == (8,)
    control.check()
    assert control.cancel() and control.cancelled
    assert control.flags[0]
    with pytest.raises(_pool.Cancelled):
        control.check()


def test_the_first_verdict_stands():
    ended = _pool.Control()
    assert ended.finish() and ended.finish()
    assert not ended.cancel() and not ended.cancelled
    ended.check()
    stopped = _pool.Control()
    assert stopped.cancel() and stopped.cancel()
    assert not stopped.finish()


def test_halt_stops_but_is_no_cancel():
    control = _pool.Control()
    control.halt()
    with pytest.raises(_pool.Cancelled):
        control.check()
    assert not control.cancelled and control.finish()


def test_progress_rises_from_0_to_1():
    control = _pool.Control(parts=2)
    seen = [control.progress()]
    for _ in range(2):
        control.begin_part()
        control.add_total(100)
        for _ in range(4):
            control.flags[1] += 25
            seen.append(control.progress())
    assert seen == sorted(seen) and seen[0] == 0 and seen[-1] == 1
    assert seen[4] == 0.5  # the second circuit, not begun, counts as much as the first
    control.finish()
    assert control.progress() == 1


def test_progress_never_falls():
    control = _pool.Control()
    control.begin_part()
    control.add_total(10)
    control.flags[1] = 9
    assert control.progress() == 0.9
    control.add_total(10)
    assert control.progress() == 0.9
    control.flags[1] = 1000  # more than announced
    assert control.progress() == 1.0


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
    pool = _pool._helper_threads()
    for _ in range(pool.limit):
        pool.put(lambda: block.wait(20))
    try:
        calls = []
        _pool.cooperate(lambda: calls.append(1), 4)
        assert calls == [1]
    finally:
        block.set()
    time.sleep(0.05)
    assert calls == [1]  # those that came too late found nothing to do


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
    futures = [_pool.submit(lambda: meet.wait(20), _pool.Control()) for _ in range(2)]
    assert {future.result(20) for future in futures} == {0, 1}


def test_more_jobs_than_threads_queue_in_order():
    order = []
    block = threading.Event()
    limit = _pool._job_threads().limit
    blockers = [_pool.submit(lambda: block.wait(20), _pool.Control()) for _ in range(limit)]
    futures = [_pool.submit(lambda i=i: order.append(i), _pool.Control()) for i in range(50)]
    assert not any(future.running() or future.done() for future in futures)
    block.set()
    for future in blockers + futures:
        future.result(20)
    if limit == 1:
        assert order == list(range(50))
    assert sorted(order) == list(range(50))
    until(lambda: not _pool.live_jobs())


def test_threads_are_begun_as_they_are_needed():
    pool = _pool._Threads(4, "test")
    assert pool._threads == 0
    done = threading.Event()
    pool.put(done.set)
    assert done.wait(20)
    until(lambda: pool._unfinished == 0)
    again = threading.Event()
    pool.put(again.set)
    assert again.wait(20)
    assert pool._threads == 1
    block = threading.Event()
    for _ in range(10):
        pool.put(lambda: block.wait(20))
    assert pool._threads == 4
    block.set()


def test_the_error_of_a_job_does_not_keep_its_memory():
    import gc
    import weakref

    class Payload:
        pass

    gone = []

    def work():
        payload = Payload()
        gone.append(weakref.ref(payload))
        raise ValueError("wrong")

    future = _pool.submit(work, _pool.Control())
    with pytest.raises(ValueError, match="wrong"):
        future.result(20)
    gc.collect()
    assert gone[0]() is None


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_the_child_of_a_fork_has_pools_of_its_own():
    block = threading.Event()
    running = _pool.submit(lambda: block.wait(20), _pool.Control())
    _pool.cooperate(lambda: None, 2)
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            assert _pool.live_jobs() == 0
            answer = _pool.submit(lambda: "here", _pool.Control()).result(10)
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
