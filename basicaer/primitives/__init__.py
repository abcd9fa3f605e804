"""`Sampler` and `Estimator`: Qiskit's primitives on this package's kernels.

Drop-ins for those of `qiskit.primitives`: the same interface, the same results and, with a seed,
the same draws. A circuit is lowered once and then recognised by its structure; a call with many
values of its parameters, as optimisers and gradients make, is one sweep. Jobs run in the
background.

Qiskit 2 has no such primitives: there an import of this is an ImportError that says what to use.

from basicaer.primitives import Estimator

values = Estimator().run(ansatz, hamiltonian, parameter_values).result().values
"""

from basicaer._qiskit import versions  # noqa: F401 (before all else: it says what is wrong)
from basicaer.primitives._estimator import Estimator
from basicaer.primitives._job import PrimitiveJob
from basicaer.primitives._sampler import Sampler

__all__ = ["Estimator", "PrimitiveJob", "Sampler"]
