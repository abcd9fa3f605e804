"""The progress bar of a job, for `run(..., progress=True)`."""

from __future__ import annotations

import importlib
import threading
from typing import Any

from basicaer.exceptions import BasicAerError

_SECONDS = 0.1
"""Time between two looks at the job."""


def load() -> Any:
    """Returns what makes progress bars, in a notebook or a terminal.

    Raises:
        BasicAerError: if tqdm is not installed.
    """
    try:
        return importlib.import_module("tqdm.auto").tqdm
    except ImportError:
        raise BasicAerError(
            "Option progress=True needs the package tqdm: pip install tqdm."
        ) from None


def follow(job: Any, tqdm: Any) -> None:
    """Shows how far the job is until it has ended, in a thread that the job then waits for."""
    bar = tqdm(total=100, desc=job.backend().name(), bar_format="{l_bar}{bar}| {elapsed}{postfix}")

    def look() -> None:
        while True:
            ended = job._wait(_SECONDS)
            bar.update(100 * job.progress() - bar.n)
            if ended:
                bar.set_postfix_str(job.status().name.lower())
                bar.close()
                return

    job._bar = threading.Thread(target=look, name="basicaer-progress", daemon=True)
    job._bar.start()
