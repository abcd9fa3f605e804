"""Fixtures for all tests."""

from __future__ import annotations

import os

import pytest
from waiting import until

from basicaer._jobs import budget, queue


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
    """Cancels the jobs that a test leaves running, and waits until they and their memory are gone.

    It requests `monkeypatch` so that this happens before patches are undone. What a test leaves in
    the budget is its own error, and no later test's.
    """
    shared = budget.shared
    yield
    for item in list(queue._queue.live):
        queue.cancel(item.future, item.control)
    until(lambda: not queue.live_jobs(), "a job that was cancelled does not end", 60)
    # A job that is cancelled while a thread takes it out of the queue has ended before that thread
    # has given its memory back.
    try:
        until(lambda: not shared._holders, "the memory of a job is not given back", 60)
    except AssertionError:
        shared.__init__()
        raise
