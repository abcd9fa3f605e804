"""The progress bar of a job, for `run(..., progress=True)`."""

from __future__ import annotations

import importlib
import threading
from typing import Any, Callable

from basicaer._engine.errors import EngineError

_SECONDS = 0.1
"""Time between two updates of the bar."""


def load() -> Any:
    """Returns tqdm's class of progress bars, the one for a notebook or for a terminal.

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
    """Shows the progress of a job until it ends.

    Args:
        tqdm: the class that `load` returned.
        name: the text before the bar.
        wait: waits at most the given number of seconds; returns whether the job has ended.
        progress: returns the share of the job that is done, 0 to 1.
        how: returns the final status, shown behind the bar.

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
