"""How times are taken, and on what machine."""

from __future__ import annotations

import gc
import math
import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping
from importlib import metadata
from typing import Any

BURST = 0.02
"""Seconds that one competitor runs before the next one has its turn."""


def best_times(
    calls: Mapping[str, Callable[[], float]], budget: float, rounds: int = 3
) -> dict[str, list[float]]:
    """Times of several competitors, taken side by side.

    They take turns, so that a slow moment of the machine falls on all of them. Each turn is a burst
    of calls, so that each finds its own code and data in the caches, after a pause in which the
    threads that the one before left spinning go to sleep; large circuits, of which there are few
    calls, get a longer one. A turn is two calls at least, but for those that take longer
    than the budget: after seconds of other work the first also pays for memory that a virtual
    machine has given back to its host, up to a second for a state of 24 qubits.

    Args:
        calls: name -> function that does the work once and returns its seconds.
        budget: seconds for each competitor, all rounds together. One that needs longer for a single
            call is called twice.
        rounds: turns that each has at least.

    Returns:
        name -> all its times, unsorted. The first call, a warm-up, is left out.
    """
    times: dict[str, list[float]] = {name: [] for name in calls}
    spent = dict.fromkeys(calls, 0.0)
    warm_up = {name: call() for name, call in calls.items()}
    waiting = list(calls)
    gc.collect()
    while waiting:
        for name in list(waiting):
            time.sleep(0.005 if warm_up[name] < 0.05 else 0.4)
            burst = seconds = 0.0
            made = 0
            while burst < BURST or (made < 2 and seconds < budget):
                seconds = calls[name]()
                times[name].append(seconds)
                burst += max(seconds, 1e-6)
                made += 1
            spent[name] += burst
            enough = len(times[name]) >= rounds or warm_up[name] > budget
            if spent[name] >= budget and enough:
                waiting.remove(name)
    return times


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
