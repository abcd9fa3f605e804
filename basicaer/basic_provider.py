"""`qiskit.providers.basic_provider` of Qiskit 1 and 2, run by this package.

from basicaer.basic_provider import BasicProvider, BasicSimulator

A seed gives the outcomes of the BasicSimulator that is installed, other than the simulators of
`basicaer.BasicAer`, whose outcomes are those of qiskit-terra. On qiskit-terra, which has no
basic_provider, the first name that is asked for is an ImportError that says so.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, List

if TYPE_CHECKING:
    from basicaer._qiskit.modern.basic_provider import BasicProvider
    from basicaer._qiskit.modern.basic_simulator import (
        BasicProviderError,
        BasicProviderJob,
        BasicSimulator,
    )

__all__ = ["BasicProvider", "BasicProviderError", "BasicProviderJob", "BasicSimulator"]


def __getattr__(name: str) -> Any:
    """Imports a public name when it is first used."""
    if name not in __all__:
        raise AttributeError(f"module 'basicaer.basic_provider' has no attribute {name!r}")
    module = "basic_provider" if name == "BasicProvider" else "basic_simulator"
    value = getattr(importlib.import_module(f"basicaer._qiskit.modern.{module}"), name)
    globals()[name] = value
    return value


def __dir__() -> List[str]:
    return sorted({*globals(), *__all__})
