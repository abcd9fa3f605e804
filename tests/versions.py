"""What tests need of Qiskit, and the version that introduced or removed it."""

from __future__ import annotations

import pytest

from basicaer._qiskit.versions import CONDITIONS, INSTALLED

try:
    from qiskit.circuit.library import HamiltonianGate, Isometry, UCGate, UCRYGate
except ImportError:  # terra before 0.45
    from qiskit.extensions import HamiltonianGate, UCRYGate
    from qiskit.extensions.quantum_initializer.isometry import Isometry
    from qiskit.extensions.quantum_initializer.uc import UCGate

__all__ = [
    "CONDITIONS",
    "NUMBER",
    "HamiltonianGate",
    "Isometry",
    "UCGate",
    "UCRYGate",
    "before",
    "fields",
    "mutable",
    "needs",
    "needs_annotations",
    "needs_any_operator",
    "needs_calibrations",
    "needs_conditions",
    "needs_expressions",
    "needs_foreign_bits",
    "needs_full_binding",
    "needs_kept_params",
    "needs_open_circuits",
    "needs_present_basis",
    "needs_primitives",
    "needs_qobj",
    "needs_terra",
    "skip_here",
]

NUMBER = INSTALLED.number
"""The version of Qiskit, or of terra, which ended with 0.46."""


def needs(least, what):
    """Skips a test if Qiskit is older than `least`, which introduced the feature under test."""
    return pytest.mark.skipif(least > NUMBER, reason=f"Qiskit before {_name(least)} {what}")


def before(end, what):
    """Skips a test from the version `end` on, which removed the feature under test."""
    return pytest.mark.skipif(end <= NUMBER, reason=f"Qiskit from {_name(end)} on {what}")


def skip_here(mark):
    """Skips a whole module, before it imports more, if `mark` would skip a test."""
    if mark.args[0]:
        pytest.skip(mark.kwargs["reason"], allow_module_level=True)


def fields(header):
    """Returns the header of a result as a dict; from 2.0 on it is one."""
    return header if isinstance(header, dict) else header.to_dict()


def _name(number):
    return f"{number[0]}.{number[1]}"


def mutable(gate):
    """Returns a mutable copy of a gate; since 0.45 Qiskit shares some gate objects."""
    return gate.to_mutable() if hasattr(gate, "to_mutable") else gate.copy()


needs_annotations = needs((0, 45), "has no annotated operations")
needs_expressions = needs((0, 25), "has no classical expressions")
needs_full_binding = needs((0, 45), "does not bind cu and the global phase of definitions")
needs_present_basis = needs((0, 45), "advertises fewer gates")

needs_terra = before((1, 0), "has no BasicAer, execute, opflow and algorithms")
needs_qobj = before((2, 0), "has no Qobj and assemble")
needs_conditions = before((2, 0), "has no conditions but those of control flow")
needs_any_operator = before((1, 0), "takes fewer kinds of operators as observables")
needs_foreign_bits = before((1, 0), "lets no bits of others into a circuit")
needs_open_circuits = before((1, 0), "does not let instructions in a circuit be changed")
needs_calibrations = before((2, 0), "has no pulse and no calibrations")
needs_kept_params = before((1, 0), "makes the objects of standard gates anew at each access")
needs_primitives = before((2, 0), "has no Sampler and Estimator (V1)")
