"""The memory that jobs which run together may take."""

import threading
import time

import pytest
from qiskit import QuantumCircuit

from basicaer import BasicAer
from basicaer._engine import memory as _memory
from basicaer._engine.control import Control
from basicaer._jobs import budget, queue


@pytest.fixture(name="own")
def own_budget(monkeypatch):
    monkeypatch.setattr(_memory, "available_bytes", lambda fresh=False: 1000 << 20)
    return budget.Budget()


def test_what_fits_together_is_let_in(own):
    assert own.try_take(400 << 20, None)
    assert not own.try_take(700 << 20, None)
    assert own.try_take(600 << 20, None)
    assert not own.try_take(100 << 20, None)
    own.give_back(400 << 20)
    assert own.try_take(100 << 20, None)


def test_the_limit_of_one_holds_for_those_beside_it(own):
    assert own.try_take(100 << 20, None)
    assert not own.try_take(100 << 20, 150 << 20)
    assert own.try_take(50 << 20, 150 << 20)
    assert not own.try_take(1 << 20, None)  # small, but the second job is not to exceed 150
    own.give_back(50 << 20, 150 << 20)
    assert own.try_take(1 << 20, None)


def test_alone_a_job_always_goes(own):
    assert own.try_take(2000 << 20, None)
    assert not own.try_take(100 << 20, None)
    own.give_back(2000 << 20)
    assert own.try_take(100 << 20, 1)
    own.give_back(100 << 20, 1)


def test_small_jobs_do_not_wait_for_large_ones(own):
    assert own.try_take(2000 << 20, None)
    assert own.try_take(1 << 20, None)


def test_what_counts_for_nothing(own):
    assert own.try_take(2000 << 20, 1 << 20)
    assert own.try_take(0, None)
    own.give_back(0)


def test_what_others_have_taken_meanwhile(own, monkeypatch):
    assert own.try_take(100 << 20, None)
    monkeypatch.setattr(_memory, "available_bytes", lambda fresh=False: 200 << 20)
    assert not own.try_take(300 << 20, None)
    assert own.try_take(150 << 20, None)


def test_what_jobs_hold_will_be_there_for_the_next(own, monkeypatch):
    assert own.space() == 1000 << 20
    assert own.try_take(900 << 20, None)
    monkeypatch.setattr(_memory, "available_bytes", lambda fresh=False: 100 << 20)
    assert own.space() == 1000 << 20
    own.give_back(900 << 20)
    assert own.space() == 100 << 20


# ----------------------------------------------------------------------------------------------
# The same in the queue
# ----------------------------------------------------------------------------------------------


@pytest.fixture
def room(monkeypatch):
    """A machine of 1000 MiB."""
    monkeypatch.setattr(_memory, "available_bytes", lambda fresh=False: 1000 << 20)
    monkeypatch.setattr(budget, "shared", budget.Budget())


class Tracked:
    """Work that says when it began, and ends when it is told to."""

    def __init__(self, need, limit=None):
        self.begun, self.end = threading.Event(), threading.Event()
        self.control = Control()
        self.future = queue.submit(self, self.control, need=need << 20, limit=limit)

    def __call__(self):
        self.begun.set()
        while not self.end.wait(0.002):
            self.control.check()


def test_jobs_wait_for_memory_and_small_ones_pass(room):
    first, second, third = Tracked(600), Tracked(700), Tracked(300)
    assert first.begun.wait(20)
    assert not second.begun.wait(0.05)
    assert not third.begun.is_set()  # it would fit, but the second is before it
    small = Tracked(1)
    assert small.begun.wait(20)
    small.end.set()
    first.end.set()
    assert second.begun.wait(20) and third.begun.wait(20)
    for each in (second, third):
        each.end.set()
        each.future.result(20)


def test_a_job_that_waits_for_memory_can_be_cancelled(room):
    first, second = Tracked(600), Tracked(700)
    assert first.begun.wait(20)
    third = Tracked(100)
    assert queue.cancel(second.future, second.control) and second.future.cancelled()
    # Somebody looks again at the latest when the next job ends.
    Tracked(1).end.set()
    assert third.begun.wait(20)
    assert not second.begun.is_set()
    for each in (first, third):
        each.end.set()
        each.future.result(20)


def test_a_job_cancelled_while_it_is_let_in_gives_back_where_it_took(room, monkeypatch):
    """What it took must not be given to a budget that has come in the place of its own."""
    asked, answer = threading.Event(), threading.Event()

    def slow(fresh=False):
        asked.set()
        assert answer.wait(20)
        return 1000 << 20

    monkeypatch.setattr(_memory, "available_bytes", slow)
    own, other = budget.shared, budget.Budget()
    job = Tracked(600)
    assert asked.wait(20)
    monkeypatch.setattr(budget, "shared", other)
    assert queue.cancel(job.future, job.control) and not queue.live_jobs()
    answer.set()
    after = Tracked(1)  # begins when the thread has let go of the queue
    assert after.begun.wait(20)
    after.end.set()
    after.future.result(20)
    assert own._holders == own._taken == other._holders == other._taken == 0


def test_many_that_do_not_fit_together_all_get_their_turn(room):
    now, most, lock = [0], [0], threading.Lock()

    def work():
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        time.sleep(0.0005)
        with lock:
            now[0] -= 1

    futures = [queue.submit(work, Control(), need=600 << 20) for _ in range(200)]
    for future in futures:
        future.result(60)
    assert most == [1]


def test_jobs_with_a_limit_get_their_turn(room):
    limited = [queue.submit(lambda: 1, Control(), need=80 << 20, limit=100 << 20)] * 20
    others = [queue.submit(lambda: 2, Control(), need=1 << 20) for _ in range(50)]
    assert {future.result(60) for future in limited + others} == {1, 2}


@pytest.mark.parametrize("options", [{}, {"max_memory_mb": 40}])
def test_runs_that_do_not_fit_together(monkeypatch, options):
    monkeypatch.setattr(_memory, "LIGHT", 1 << 20)
    monkeypatch.setattr(_memory, "available_bytes", lambda fresh=False: 40 << 20)
    monkeypatch.setattr(budget, "shared", budget.Budget())
    circuit = QuantumCircuit(20, 20)
    circuit.x(3)
    circuit.measure(range(20), range(20))
    jobs = [
        BasicAer.get_backend("qasm_simulator").run(circuit, shots=5, **options) for _ in range(6)
    ]
    assert [list(job.result(60).get_counts().values()) for job in jobs] == [[5]] * 6
