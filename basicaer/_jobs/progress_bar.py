"""The progress bar of a job, for `run(..., progress=True)`."""

from __future__ import annotations

import importlib
import threading
from typing import Any, Callable

from basicaer._engine.errors import EngineError

_SECONDS = 0.1
"""Time between two looks at the job."""


def load() -> Any:
    """Returns what makes progress bars, in a notebook or a terminal.

    Raises:
        EngineError: if tqdm is not installed.
    """
    try:
        return importlib.import_module("tqdm.auto").tqdm
    except ImportError:
        raise EngineError(
            "Option progress=True needs the package tqdm: pip install tqdm."
        ) from None


def follow(
    tqdm: Any,
    name: str,
    wait: Callable[[float], bool],
    progress: Callable[[], float],
    how: Callable[[], str],
) -> threading.Thread:
    """Shows how far a job is until it has ended.

    Args:
        tqdm: what `load` has returned.
        name: what stands before the bar.
        wait: waits so many seconds at most; returns whether the job has ended.
        progress: returns how much of the job is done, 0 to 1.
        how: returns how the job has ended.

    Returns:
        The thread that draws the bar; it ends soon after the job.
    """
    bar = tqdm(total=100, desc=name, bar_format="{l_bar}{bar}| {elapsed}{postfix}")

    def look() -> None:
        while True:
            ended = wait(_SECONDS)
            bar.update(100 * progress() - bar.n)
            if ended:
                bar.set_postfix_str(how())
                bar.close()
                return

    thread = threading.Thread(target=look, name="basicaer-progress", daemon=True)
    thread.start()
    return thread
