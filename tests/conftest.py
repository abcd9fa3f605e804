"""What holds for all tests."""

from __future__ import annotations

import os
import time

import pytest

from basicaer._jobs import queue


@pytest.fixture(scope="session", autouse=True)
def elsewhere(tmp_path_factory):
    """Runs the tests in an empty folder.

    A process that a test starts with ``python -c`` or ``-m`` looks for modules in the folder it is
    started in. In the checkout it would find the source tree, which has no extension modules unless
    it was built in place, and not the installed package, which is what is tested.
    """
    before = os.getcwd()
    os.chdir(tmp_path_factory.mktemp("elsewhere"))
    yield
    os.chdir(before)


@pytest.fixture(autouse=True)
def no_job_outlives_its_test(monkeypatch):
    """Cancels, at the end of a test, the jobs that it left, and waits until they are gone.

    It comes before what the test has patched is restored (for that it asks for `monkeypatch`). A
    job that ends later would give back to the next test's budget what it took from this one's.
    """
    yield
    for item in list(queue._queue.live):
        queue.cancel(item.future, item.control)
    deadline = time.monotonic() + 60
    while queue.live_jobs():
        assert time.monotonic() < deadline, "a job that was cancelled does not end"
        time.sleep(0.001)
