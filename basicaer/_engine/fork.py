"""The child of a fork: what modules keep for a process starts anew there."""

from __future__ import annotations

import os
from typing import Any, Callable, List

_functions: List[Callable[[], Any]] = []


def in_child(function: Callable[[], Any]) -> None:
    """Has a function called in each child of a fork, in the order of these calls.

    Args:
        function: must not raise, and take no lock that a thread of the parent may have held.
    """
    _functions.append(function)


def _forked() -> None:
    for function in _functions:
        function()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)
