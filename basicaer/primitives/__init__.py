"""Qiskit's primitives on this package's kernels.

Drop-ins for those of `qiskit.primitives`: the same interface, the same results and, with a seed,
the same draws. A circuit is lowered once and then recognised by its structure; a call with many
values of its parameters, as optimisers and gradients make, is one sweep. Jobs run in the
background.

- `StatevectorSampler` and `StatevectorEstimator` (V2) on Qiskit 1 and 2,
- `Sampler` and `Estimator` (V1) on terra and Qiskit 1.

Where Qiskit has no base class for one, an import of it is an ImportError that says what to use.

from basicaer.primitives import StatevectorEstimator

values = StatevectorEstimator().run([(ansatz, hamiltonian, parameter_values)]).result()[0].data.evs
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, List

from basicaer._qiskit import versions  # noqa: F401 (before all else: it says what is wrong)
from basicaer.primitives._job import PrimitiveJob

if TYPE_CHECKING:
    from basicaer.primitives._estimator import Estimator
    from basicaer.primitives._sampler import Sampler
    from basicaer.primitives._statevector_estimator import StatevectorEstimator
    from basicaer.primitives._statevector_sampler import StatevectorSampler

__all__ = ["Estimator", "PrimitiveJob", "Sampler", "StatevectorEstimator", "StatevectorSampler"]

_MODULE_OF = {
    "Estimator": "_estimator",
    "Sampler": "_sampler",
    "StatevectorEstimator": "_statevector_estimator",
    "StatevectorSampler": "_statevector_sampler",
}


def __getattr__(name: str) -> Any:
    """Imports a primitive when it is first used: not every Qiskit has the base class of each."""
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'basicaer.primitives' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"basicaer.primitives.{_MODULE_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> List[str]:
    return sorted({*globals(), *__all__})
