"""Chooses the build of the kernels.

`_kernels.pyx` is built for several instruction sets. The best that the processor supports is used,
unless the environment variable ``BASICAER_SIMD`` (baseline, avx2, avx512) asks for another.
"""

from __future__ import annotations

import importlib
import os
from types import ModuleType
from typing import Dict

from basicaer import _kernels as _baseline
from basicaer._engine.errors import EngineError

VARIABLE = "BASICAER_SIMD"

# Name -> module, and the CPU level that it needs.
_BUILDS = {
    "baseline": ("_kernels", 0),
    "avx2": ("_kernels_avx2", 1),
    "avx512": ("_kernels_avx512", 2),
}


def available() -> Dict[str, ModuleType]:
    """Returns the installed builds that this processor can run, the best last."""
    found = {}
    for name, (module, level) in _BUILDS.items():
        if level > _baseline.CPU_LEVEL:
            continue
        try:
            found[name] = importlib.import_module(f"basicaer.{module}")
        except ImportError:
            continue  # not built: the compiler did not support it
    return found


def choose(wanted: str | None = None) -> tuple[str, ModuleType]:
    """Returns the name and module of the build to use.

    Args:
        wanted: name of a build; None for the environment variable's value, or else the best.

    Raises:
        EngineError: the build is not installed or cannot run here.
    """
    builds = available()
    wanted = wanted or os.environ.get(VARIABLE) or list(builds)[-1]
    if wanted not in builds:
        raise EngineError(
            f"{VARIABLE}={wanted} names no build that can run here; it can be {', '.join(builds)}"
        )
    return wanted, builds[wanted]


SIMD, kernels = choose()
