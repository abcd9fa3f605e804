"""`Sampler` and `Estimator`: Qiskit's primitives on this package's kernels.

Drop-ins for those of `qiskit.primitives`: the same interface, the same results and, with a seed,
the same draws. A circuit is lowered once and then recognised by its structure; a call with many
values of its parameters, as optimisers and gradients make, is one sweep. Jobs run in the
background.

from basicaer.primitives import Estimator

values = Estimator().run(ansatz, hamiltonian, parameter_values).result().values
"""

from basicaer.primitives._call import PrimitiveJob
from basicaer.primitives._estimator import Estimator
from basicaer.primitives._sampler import Sampler

__all__ = ["Estimator", "PrimitiveJob", "Sampler"]
