"""`Sampler` and `Estimator`: Qiskit's primitives on this package's kernels.

Drop-ins for those of `qiskit.primitives`: the same interface, results and, for a seed, the same
draws. A circuit is lowered once and then known by its structure; a call with many values of its
parameters, as optimisers and gradients make it, is one sweep. Jobs run beside the caller.

from basicaer.primitives import Estimator

values = Estimator().run(ansatz, hamiltonian, parameter_values).result().values
"""

from basicaer.primitives._call import PrimitiveJob
from basicaer.primitives._estimator import Estimator
from basicaer.primitives._sampler import Sampler

__all__ = ["Estimator", "PrimitiveJob", "Sampler"]
