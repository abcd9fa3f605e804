"""Waiting for what another thread does."""

from __future__ import annotations

import time


def until(condition, failure="waited in vain", seconds=20.0):
    """Returns once the condition holds; fails if that takes too long."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, failure
        time.sleep(0.001)
