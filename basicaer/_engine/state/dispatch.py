"""Which of the builds of the kernels runs here.

The one source `_kernels.pyx` is built for several instruction sets; the best that the processor can
run is taken. The environment variable ``BASICAER_SIMD`` (baseline, avx2, avx512) asks for one.
"""

from __future__ import annotations

import importlib
import os
from types import ModuleType
from typing import Dict

from basicaer import _kernels as _baseline
from basicaer.exceptions import BasicAerError

VARIABLE = "BASICAER_SIMD"

# Name -> the module and the level of processor that it needs.
_BUILDS = {
    "baseline": ("_kernels", 0),
    "avx2": ("_kernels_avx2", 1),
    "avx512": ("_kernels_avx512", 2),
}


def available() -> Dict[str, ModuleType]:
    """Returns the builds that are installed and that this processor can run, the best last."""
    found = {}
    for name, (module, level) in _BUILDS.items():
        if level > _baseline.CPU_LEVEL:
            continue
        try:
            found[name] = importlib.import_module(f"basicaer.{module}")
        except ImportError:
            continue  # left out when the package was built: the compiler could not make it
    return found


def choose(wanted: str | None = None) -> tuple[str, ModuleType]:
    """Returns the name and the module of the build to use.

    Args:
        wanted: the name of a build; None for the environment variable's, or else the best.

    Raises:
        BasicAerError: if that build is not installed or cannot run here.
    """
    builds = available()
    wanted = wanted or os.environ.get(VARIABLE) or list(builds)[-1]
    if wanted not in builds:
        raise BasicAerError(
            f"{VARIABLE}={wanted} names no build that can run here; it can be {', '.join(builds)}"
        )
    return wanted, builds[wanted]


SIMD, kernels = choose()
