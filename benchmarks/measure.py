"""How times are taken, and on what machine."""

from __future__ import annotations

import contextlib
import gc
import math
import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping
from functools import partial
from importlib import metadata
from typing import Any

BURST = 0.02
"""Seconds that one competitor runs before the next one has its turn."""


class TooLongError(Exception):
    """A competitor has taken longer than it may; it is out of the row."""


Turn = Callable[[float, float], list[float]]
"""A competitor's turn: given the least seconds of a burst and the budget, the times of its calls.
With 0 for both it is one call."""


def burst(call: Callable[[], float], least: float, budget: float) -> list[float]:
    """A turn: calls for so many seconds, two at least unless one takes longer than the budget."""
    times: list[float] = []
    while not times or sum(times) < least or (len(times) < 2 and times[-1] < budget):
        times.append(max(call(), 1e-9))
    return times


def alternate(
    turns: Mapping[str, Turn], budget: float, rounds: int = 3, limit: float = math.inf
) -> dict[str, list[float]]:
    """Times of several competitors, taken side by side.

    They take turns, so that a slow moment of the machine falls on all of them. Each turn is a burst
    of calls, so that each finds its own code and data in the caches, after a pause in which the
    threads that the one before left spinning go to sleep; large circuits, of which there are few
    calls, get a longer one. A turn is two calls at least, but for those that take longer
    than the budget: after seconds of other work the first also pays for memory that a virtual
    machine has given back to its host, up to a second for a state of 24 qubits.

    Args:
        turns: name -> turn. It may raise `TooLongError`.
        budget: seconds for each competitor, all rounds together. One that needs longer for a single
            call is called twice.
        rounds: turns that each has at least.
        limit: a competitor whose first call takes longer has no others.

    Returns:
        name -> all its times, unsorted. The first call, a warm-up, is left out, unless it is the
        only one. Those that were `TooLongError` are not there.
    """
    times: dict[str, list[float]] = {}
    spent = dict.fromkeys(turns, 0.0)
    warm_up: dict[str, float] = {}
    for name, turn in turns.items():
        with contextlib.suppress(TooLongError):
            (warm_up[name],) = turn(0.0, 0.0)
            times[name] = [warm_up[name]] if warm_up[name] > limit else []
    waiting = [name for name, found in times.items() if not found]
    gc.collect()
    while waiting:
        for name in list(waiting):
            time.sleep(0.005 if warm_up[name] < 0.05 else 0.4)
            try:
                made = turns[name](BURST, budget)
            except TooLongError:
                waiting.remove(name)
                times[name] = times[name] or [warm_up[name]]
                continue
            times[name] += made
            spent[name] += sum(made)
            enough = len(times[name]) >= rounds or warm_up[name] > budget
            if spent[name] >= budget and enough:
                waiting.remove(name)
    return times


def best_times(
    calls: Mapping[str, Callable[[], float]], budget: float, rounds: int = 3
) -> dict[str, list[float]]:
    """`alternate` with functions of this process that do the work once and return its seconds."""
    return alternate({name: partial(burst, call) for name, call in calls.items()}, budget, rounds)


def geometric_mean(values: list[float]) -> float:
    return math.exp(statistics.fmean(math.log(value) for value in values))


def readable(seconds: float) -> str:
    """Three figures and a unit."""
    for unit, scale in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= scale:
            return f"{seconds / scale:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"


def versions(distributions: tuple[str, ...]) -> dict[str, str]:
    found = {}
    for name in distributions:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found


def machine() -> dict[str, Any]:
    """What a reader must know to judge the figures."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    model = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            for line in file:
                if line.startswith("model name"):
                    model = line.partition(":")[2].strip()
                    break
    except OSError:
        pass
    return {
        "processor": model,
        "cores": cores,
        "system": platform.platform(),
        "python": platform.python_version(),
        "date": time.strftime("%Y-%m-%d"),
    }
