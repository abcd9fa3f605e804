"""Exact gradients of expectation values, by the adjoint method.

- `gradient`: a function of the parameters, as `scipy.optimize.minimize(jac=True)` takes it;
- `ReverseEstimatorGradient`: in place of the class of qiskit-algorithms (or terra) of that name.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Callable, List, Tuple

import numpy as np
from qiskit.circuit import QuantumCircuit

from basicaer._qiskit.compiled import CompiledCircuit

if TYPE_CHECKING:
    from basicaer._qiskit.reverse_gradient import ReverseEstimatorGradient

__all__ = ["ReverseEstimatorGradient", "gradient"]


def gradient(
    circuit: QuantumCircuit,
    observable: Any,
    *,
    precision: str = "double",
    max_parallel_threads: int = 0,
) -> Callable[[Any], Tuple[float, np.ndarray]]:
    """Returns a function from values of the parameters to an energy and its gradient.

    scipy.optimize.minimize(gradient(ansatz, hamiltonian), start, jac=True, method="SLSQP")

    Args:
        circuit: the circuit; or a `CompiledCircuit`, whose own precision and threads count then.
        observable: one observable, as `CompiledCircuit.expectation` takes it.
        precision: "double" or "single".
        max_parallel_threads: the most threads to use; 0 for one a core.

    Returns:
        A function of an array of the parameters' values, shape (parameters,). It returns a float
        and a float64 array of the same shape, and can be pickled.

    Raises:
        BasicAerError: an argument is not valid.
    """
    if not isinstance(circuit, CompiledCircuit):
        circuit = CompiledCircuit(
            circuit, precision=precision, max_parallel_threads=max_parallel_threads
        )
    return functools.partial(circuit.gradient, observable)


def __getattr__(name: str) -> Any:
    """Imports what needs qiskit-algorithms, or terra, when it is first used."""
    if name == "ReverseEstimatorGradient":
        from basicaer._qiskit.reverse_gradient import ReverseEstimatorGradient

        globals()[name] = ReverseEstimatorGradient
        return ReverseEstimatorGradient
    raise AttributeError(f"module 'basicaer.gradients' has no attribute {name!r}")


def __dir__() -> List[str]:
    return sorted({*globals(), *__all__})
