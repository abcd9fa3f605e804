"""Replaces terra's BasicAer by this package, for code that imports it from Qiskit."""

from __future__ import annotations

import importlib
import sys
from typing import Any, Dict, List, Tuple

from basicaer._qiskit.errors import BasicAerError
from basicaer._qiskit.versions import reference

_MODULES = (
    "",
    "basicaerjob",
    "basicaerprovider",
    "basicaertools",
    "exceptions",
    "qasm_simulator",
    "statevector_simulator",
    "unitary_simulator",
)
_NAMES = (
    "BasicAer",
    "BasicAerError",
    "BasicAerJob",
    "BasicAerProvider",
    "QasmSimulatorPy",
    "StatevectorSimulatorPy",
    "UnitarySimulatorPy",
    "cx_gate_matrix",
    "einsum_matmul_index",
    "einsum_vecmul_index",
    "single_gate_matrix",
)

_MISSING: Any = object()
_undo: List[Tuple[Dict[str, Any], str, Any]] = []


def patch_qiskit() -> None:
    """Replaces terra's BasicAer by this package.

    From then on ``from qiskit import BasicAer`` and ``from qiskit.providers.basicaer import ...``
    give the simulators of this package, and parts of Qiskit that use BasicAer use them too. Names
    that other code has already imported do not change, so call this first. Further calls do
    nothing.

    It applies to this process and those forked from it. A process that multiprocessing spawns
    imports the main module again: it is patched too if this is called at the top of that module,
    not below ``if __name__ == "__main__"``.

    Raises:
        BasicAerError: this is Qiskit 1 or later, which has no BasicAer to replace.
    """
    if reference is None:
        raise BasicAerError(
            "patch_qiskit() and python -m basicaer need qiskit-terra: Qiskit 1 and later has no "
            "BasicAer to be replaced; import it from this package: from basicaer import BasicAer"
        )
    if _undo:
        return
    replacements: Dict[int, Any] = {}
    for module in _MODULES:
        theirs = reference if not module else importlib.import_module(f"{_REFERENCE}.{module}")
        ours = importlib.import_module(f"basicaer.{module}" if module else "basicaer")
        for name in _NAMES:
            if name in theirs.__dict__ and hasattr(ours, name):
                replacements[id(theirs.__dict__[name])] = getattr(ours, name)
    for place, loaded in list(sys.modules.items()):
        if place != "qiskit" and not place.startswith("qiskit."):
            continue
        space = getattr(loaded, "__dict__", {})
        for wanted in _NAMES:
            if wanted in space and id(space[wanted]) in replacements:
                _set(space, wanted, replacements[id(space[wanted])])
    # Qiskit creates this name when it is first used, and warns that it is deprecated.
    import qiskit

    _set(qiskit.__dict__, "BasicAer", importlib.import_module("basicaer").BasicAer)


def unpatch_qiskit() -> None:
    """Undoes `patch_qiskit`; does nothing if that was not called."""
    while _undo:
        space, name, before = _undo.pop()
        if before is _MISSING:
            space.pop(name, None)
        else:
            space[name] = before


def _set(space: Dict[str, Any], name: str, value: Any) -> None:
    _undo.append((space, name, space.get(name, _MISSING)))
    space[name] = value


_REFERENCE = "qiskit.providers.basicaer"
