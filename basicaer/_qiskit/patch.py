"""Puts this package in the place of terra's BasicAer, for code that imports it from there."""

from __future__ import annotations

import importlib
import os
import runpy
import sys
from typing import Any, Dict, List, Tuple

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
    """Makes terra's names mean this package.

    From then on ``from qiskit import BasicAer`` and ``from qiskit.providers.basicaer import ...``
    give the simulators of this package, and those parts of Qiskit that use BasicAer themselves use
    them too. Names that other code has imported before keep what they meant: call this first.
    Called again, it does nothing.
    """
    if _undo:
        return
    replacements: Dict[int, Any] = {}
    for module in _MODULES:
        theirs = reference if not module else importlib.import_module(f"{_REFERENCE}.{module}")
        ours = importlib.import_module(f"basicaer.{module}" if module else "basicaer")
        for name in _NAMES:
            if name in theirs.__dict__ and name in ours.__dict__:
                replacements[id(theirs.__dict__[name])] = ours.__dict__[name]
    for place, loaded in list(sys.modules.items()):
        if place != "qiskit" and not place.startswith("qiskit."):
            continue
        space = getattr(loaded, "__dict__", {})
        for wanted in _NAMES:
            if wanted in space and id(space[wanted]) in replacements:
                _set(space, wanted, replacements[id(space[wanted])])
    # qiskit itself makes the name when it is asked for, and says that it is deprecated.
    import qiskit

    _set(qiskit.__dict__, "BasicAer", importlib.import_module("basicaer").BasicAer)


def unpatch_qiskit() -> None:
    """Takes back what `patch_qiskit` did; does nothing if that was not called."""
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

USAGE = """\
usage: python -m basicaer SCRIPT [ARGUMENT ...]
       python -m basicaer -m MODULE [ARGUMENT ...]

Runs a program as python does, with qiskit's BasicAer replaced by this package."""


def main(arguments: List[str]) -> int:
    """Runs a script or module with Qiskit patched; returns the exit status."""
    if arguments[:1] in (["-h"], ["--help"]):
        print(USAGE)
        return 0
    is_module = arguments[:1] == ["-m"]
    rest = arguments[1:] if is_module else arguments
    if not rest or (rest[0].startswith("-") and not is_module):
        print(USAGE, file=sys.stderr)
        return 2
    patch_qiskit()
    # As python itself would have set them.
    sys.argv[:] = rest
    if is_module:
        sys.path[0] = os.getcwd()
        runpy.run_module(rest[0], run_name="__main__", alter_sys=True)
    else:
        sys.path[0] = os.path.dirname(os.path.abspath(rest[0]))
        runpy.run_path(rest[0], run_name="__main__")
    return 0
