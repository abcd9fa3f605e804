"""What the readers and the evaluation of expressions must know of the Qiskit that there is."""

from __future__ import annotations

import re
import sys
from typing import Tuple

from qiskit import __version__ as _version
from qiskit.circuit import ParameterExpression

VERSION: Tuple[int, int] = tuple(map(int, re.findall(r"\d+", _version)[:2]))  # type: ignore[assignment]
"""Of Qiskit, or of terra before there was one package."""

SHARED_BITS = VERSION < (2, 0)
"""Whether a circuit and its instructions hold the same bits as objects, and not only equal ones."""

CONDITIONS = VERSION < (2, 0)
"""Whether an instruction can have a condition."""

CAPI_KNOWN = VERSION in ((2, 6),)
"""Whether it has a C API that the reader of it has been tested with."""

CAPI_WANTING = (
    f"Qiskit {_version} has no C API that circuits can be read through; it came with 2.6"
    if not (2, 6) <= VERSION < (3, 0)
    else "this Python runs without the GIL, which keeps circuits still while they are read"
    if not getattr(sys, "_is_gil_enabled", lambda: True)()
    else ""
)
"""Why circuits cannot be read through the C API; empty if they perhaps can."""

NATIVE_EXPRESSIONS = not hasattr(ParameterExpression, "_parameter_keys") and hasattr(
    ParameterExpression, "_qpy_replay"
)
"""Whether expressions of parameters are Qiskit's own (2.1 on), not sympy's or symengine's."""
