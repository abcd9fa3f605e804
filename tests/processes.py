"""Runs a second Python process, for tests that need one."""

import os
import subprocess
import sys
from pathlib import Path

import basicaer


def python(*arguments, cwd=None):
    """Runs Python with the arguments, importing the same basicaer as this process."""
    place = str(Path(basicaer.__file__).resolve().parents[1])
    paths = [place, *filter(None, [os.environ.get("PYTHONPATH")])]
    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        check=False,
    )
