"""terra: the reference package, imported in silence, and names that have moved between versions.

terra's own BasicAer announces its deprecation while it is imported, whoever imports it. Ours has to
import it, because it derives from terra's error and must pass terra's `isinstance` checks, and says
nothing. The filter is in force only while this module is first imported, never while jobs run.
"""

from __future__ import annotations

import warnings
from types import SimpleNamespace

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    import qiskit.providers.basicaer as reference

try:
    from qiskit.circuit.library import Initialize, UnitaryGate
    from qiskit.circuit.library.generalized_gates.diagonal import DiagonalGate
except ImportError:  # terra before 0.45
    from qiskit.extensions import Initialize, UnitaryGate
    from qiskit.extensions.quantum_initializer.diagonal import DiagonalGate

try:
    from qiskit.circuit import (
        AnnotatedOperation,
        ControlModifier,
        InverseModifier,
        PowerModifier,
    )
except ImportError:  # terra before 0.45: no operation is an instance of these

    class AnnotatedOperation:  # type: ignore[no-redef]
        """Stands for classes that this version of terra does not have."""

    ControlModifier = InverseModifier = PowerModifier = AnnotatedOperation

try:
    from qiskit.circuit.classical import expr, types
except ImportError:  # terra before 0.25: no condition is an expression
    expr = SimpleNamespace(Expr=AnnotatedOperation)
    types = SimpleNamespace()

__all__ = [
    "AnnotatedOperation",
    "ControlModifier",
    "DiagonalGate",
    "Initialize",
    "InverseModifier",
    "PowerModifier",
    "UnitaryGate",
    "expr",
    "reference",
    "types",
]
