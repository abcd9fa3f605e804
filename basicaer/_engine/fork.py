"""Resets per-process state of the modules in the child of a fork."""

from __future__ import annotations

import os
from typing import Any, Callable, List

generation = 0
"""How many forks lead to this process from the one that imported the package."""

_functions: List[Callable[[], Any]] = []


def in_child(function: Callable[[], Any]) -> None:
    """Registers a function to be called in each forked child, in the order of registration.

    Args:
        function: must not raise, and must not take a lock that the parent may have held.
    """
    _functions.append(function)


def _forked() -> None:
    global generation
    generation += 1
    for function in _functions:
        function()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)
