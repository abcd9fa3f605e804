"""Fixtures for all tests."""

from __future__ import annotations

import os
import time

import pytest

from basicaer._jobs import queue


@pytest.fixture(scope="session", autouse=True)
def elsewhere(tmp_path_factory):
    """Runs the tests in an empty folder.

    A process started with ``python -c`` or ``-m`` imports from its working directory. In the
    checkout it would import the source tree, which may lack extension modules, instead of the
    installed package.
    """
    before = os.getcwd()
    os.chdir(tmp_path_factory.mktemp("elsewhere"))
    yield
    os.chdir(before)


@pytest.fixture(autouse=True)
def no_job_outlives_its_test(monkeypatch):
    """Cancels the jobs that a test leaves running, and waits until they have ended.

    It requests `monkeypatch` so that this happens before patches are undone. A job that ended later
    would return its memory to the budget of the next test.
    """
    yield
    for item in list(queue._queue.live):
        queue.cancel(item.future, item.control)
    deadline = time.monotonic() + 60
    while queue.live_jobs():
        assert time.monotonic() < deadline, "a job that was cancelled does not end"
        time.sleep(0.001)
