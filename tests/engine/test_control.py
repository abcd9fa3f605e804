"""Control of a running job: cancel, progress."""

import sys
import threading
from types import SimpleNamespace

import numpy as np
import pytest

from basicaer._engine import execute
from basicaer._engine.control import DONE, STOP, Cancelled, Control


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
        """Simulates a kernel that adds 7 between reading the counter and writing it."""

        def __getitem__(self, place):
            value = super().__getitem__(place)
            if place == DONE:
                self[DONE] = value + 7
            return value

    control = Control()
    machine = SimpleNamespace(work=0)
    progress = execute._Progress(control, machine, unit=100, shots=10)
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
