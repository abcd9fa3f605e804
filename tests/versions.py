"""Features of terra that tests need, by the version that introduced them."""

from __future__ import annotations

from importlib.metadata import version

import pytest

try:
    from qiskit.circuit.library import HamiltonianGate, Isometry, UCGate, UCRYGate
except ImportError:  # terra before 0.45
    from qiskit.extensions import HamiltonianGate, UCRYGate
    from qiskit.extensions.quantum_initializer.isometry import Isometry
    from qiskit.extensions.quantum_initializer.uc import UCGate

__all__ = [
    "TERRA",
    "HamiltonianGate",
    "Isometry",
    "UCGate",
    "UCRYGate",
    "mutable",
    "needs",
    "needs_annotations",
    "needs_expressions",
    "needs_full_binding",
    "needs_present_basis",
]

TERRA = tuple(map(int, version("qiskit-terra").split(".")[:2]))


def needs(least, what):
    """Skips a test if terra is older than `least`, which introduced the feature under test."""
    return pytest.mark.skipif(least > TERRA, reason=f"terra before {least[0]}.{least[1]} {what}")


def mutable(gate):
    """Returns a mutable copy of a gate; since 0.45 terra shares some gate objects."""
    return gate.to_mutable() if hasattr(gate, "to_mutable") else gate.copy()


needs_annotations = needs((0, 45), "has no annotated operations")
needs_expressions = needs((0, 25), "has no classical expressions")
needs_full_binding = needs((0, 45), "does not bind cu and the global phase of definitions")
needs_present_basis = needs((0, 45), "advertises fewer gates")
