"""`cooperate`: several threads for one computation."""

import os
import threading
import time

import pytest
from waiting import until

from basicaer._engine import threads as _threads
from basicaer._engine.control import Cancelled, Control
from basicaer._jobs import queue


def test_cpu_count():
    assert 1 <= _threads.cpu_count() <= os.cpu_count()


def test_alone():
    seen = []
    _threads.cooperate(lambda: seen.append(threading.get_ident()), 1)
    assert seen == [threading.get_ident()]


def test_many_take_part():
    inside, meet = [], threading.Barrier(3)

    def work():
        inside.append(threading.get_ident())
        meet.wait(20)

    _threads.cooperate(work, 3)
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

    _threads.cooperate(work, 2)
    assert ended == [1]


def test_a_busy_pool_delays_nobody():
    block = threading.Event()
    pool, inside = _threads.helpers.pool(), []
    limit = pool.limit
    # A helper counts as busy until a moment after its caller has gone on.
    until(lambda: pool.free._value == limit)

    def fill():
        inside.append(1)
        block.wait(20)

    crowd = threading.Thread(target=lambda: _threads.cooperate(fill, limit + 1))
    crowd.start()
    until(lambda: len(inside) == limit + 1)
    try:
        calls = []
        for _ in range(1000):
            _threads.cooperate(lambda: calls.append(1), 4)
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
            _threads.cooperate(work, 2)


def test_without_more_threads_one_does_it_all(monkeypatch):
    queue.shutdown()

    def start(self):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)
    calls = []
    _threads.cooperate(lambda: calls.append(1), 3)
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

    _threads.cooperate(lambda: _threads.cooperate(inner, 3), 3)
    assert 1 <= len(count) <= 9


@pytest.mark.parametrize("on_main", [True, False])
def test_the_first_error_is_raised(on_main):
    both = threading.Barrier(2)

    def work():
        both.wait(20)
        if (threading.current_thread() is threading.main_thread()) == on_main:
            raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        _threads.cooperate(work, 2)


def test_error_alone():
    with pytest.raises(ZeroDivisionError):
        _threads.cooperate(lambda: 1 / 0, 1)


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

        _threads.cooperate(work, 4)

    threads = [threading.Thread(target=share) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert total == [800]
