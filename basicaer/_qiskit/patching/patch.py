"""This package in the place of Qiskit's own simulators, for code that knows only Qiskit's names."""

from __future__ import annotations

import importlib
import sys
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, Dict, Iterator, List, NamedTuple, Tuple

from basicaer._qiskit.versions import TERRA


class _Row(NamedTuple):
    """Names of a module of Qiskit, and the module of this package that has them.

    Attributes:
        place: the module of Qiskit. It is made if there is none.
        source: the module of this package.
        names: the names.
    """

    place: str
    source: str
    names: Tuple[str, ...]


_BASICAER = "qiskit.providers.basicaer"
_OLD = (
    _Row(
        _BASICAER,
        "basicaer",
        (
            "BasicAer",
            "BasicAerError",
            "BasicAerJob",
            "BasicAerProvider",
            "QasmSimulatorPy",
            "StatevectorSimulatorPy",
            "UnitarySimulatorPy",
        ),
    ),
    _Row(f"{_BASICAER}.basicaerjob", "basicaer.basicaerjob", ("BasicAerJob",)),
    _Row(f"{_BASICAER}.basicaerprovider", "basicaer.basicaerprovider", ("BasicAerProvider",)),
    _Row(
        f"{_BASICAER}.basicaertools",
        "basicaer.basicaertools",
        (
            "SINGLE_QUBIT_GATES",
            "cx_gate_matrix",
            "einsum_matmul_index",
            "einsum_vecmul_index",
            "single_gate_matrix",
        ),
    ),
    _Row(f"{_BASICAER}.exceptions", "basicaer.exceptions", ("BasicAerError",)),
    _Row(f"{_BASICAER}.qasm_simulator", "basicaer.qasm_simulator", ("QasmSimulatorPy",)),
    _Row(
        f"{_BASICAER}.statevector_simulator",
        "basicaer.statevector_simulator",
        ("StatevectorSimulatorPy",),
    ),
    _Row(f"{_BASICAER}.unitary_simulator", "basicaer.unitary_simulator", ("UnitarySimulatorPy",)),
    _Row("qiskit", "basicaer", ("BasicAer",)),
)
"""What terra has, and later Qiskit has not."""

_EXECUTE = "basicaer._qiskit.patching.execute"
_BROUGHT_BACK = (
    _Row("qiskit.execute_function", _EXECUTE, ("execute",)),
    _Row("qiskit", _EXECUTE, ("execute",)),
)
"""What terra's programs need beside it where Qiskit is later than terra."""

_BASIC = "qiskit.providers.basic_provider"
_OURS = "basicaer.basic_provider"
_NEW = (
    _Row(
        _BASIC, _OURS, ("BasicProvider", "BasicProviderError", "BasicProviderJob", "BasicSimulator")
    ),
    _Row(f"{_BASIC}.basic_provider", _OURS, ("BasicProvider",)),
    _Row(f"{_BASIC}.basic_provider_job", _OURS, ("BasicProviderJob",)),
    _Row(f"{_BASIC}.basic_simulator", _OURS, ("BasicSimulator",)),
    _Row(f"{_BASIC}.exceptions", _OURS, ("BasicProviderError",)),
)
"""What Qiskit 1 and later have in the place of BasicAer."""

_TABLE: Tuple[_Row, ...] = _OLD if TERRA else (*_OLD, *_BROUGHT_BACK, *_NEW)
_NAMES = frozenset(name for row in _TABLE for name in row.names)
_PLACES = frozenset(row.place for row in _TABLE)

_HOLDERS = ("qiskit", "qiskit_ibm_runtime")
"""The packages whose modules hold such names too, having imported them."""

_MISSING: Any = object()
_undo: List[Tuple[Dict[str, Any], str, Any]] = []
"""What was changed: in which namespace, which name, and its value before."""
_pairs: List[Tuple[Any, Any]] = []
"""What was replaced, and by what."""


def patch_qiskit() -> None:
    """Puts this package in the place of Qiskit's simulators.

    From then on ``from qiskit import BasicAer`` and ``from qiskit.providers.basicaer import ...``
    give the simulators of this package, and parts of Qiskit that use BasicAer use them too. Names
    that other code has already imported do not change, so call this first. Further calls do
    nothing.

    On Qiskit 1 and later the same holds for ``qiskit.providers.basic_provider``: BasicSimulator is
    that of `basicaer.basic_provider`, also where GenericBackendV2 and the fake backends of
    qiskit-ibm-runtime run circuits on it, which they do where there is no Aer.

    There is no BasicAer there; this brings back, for programs of the time before:

    - ``qiskit.BasicAer``, ``qiskit.providers.basicaer`` and its modules;
    - ``qiskit.execute``, also as ``qiskit.execute_function.execute``, see
      `basicaer._qiskit.patching.execute`.

    It brings back nothing else that Qiskit has removed: neither ``Aer`` and ``IBMQ``, which belong
    to other packages, nor ``assemble``, ``qiskit.opflow``, ``qiskit.algorithms`` or
    ``qiskit.tools``, nor methods of QuantumCircuit such as ``cnot``, ``u1``, ``qasm`` or ``c_if``.
    Their absence remains Qiskit's own error.

    It applies to this process and those forked from it. A process that multiprocessing spawns
    imports the main module again: it is patched too if this is called at the top of that module,
    not below ``if __name__ == "__main__"``.
    """
    if _undo:
        return
    for place, source, names in _TABLE:
        space, ours = _module(place).__dict__, importlib.import_module(source)
        for name in names:
            value = getattr(ours, name)
            if name in space:
                _pairs.append((space[name], value))
            _set(space, name, value)
    for space, name, value in _held({id(theirs): ours for theirs, ours in _pairs}):
        _set(space, name, value)
    if not TERRA:
        # For `from qiskit import *`.
        space = sys.modules["qiskit"].__dict__
        _set(space, "__all__", [*space["__all__"], "BasicAer", "execute"])


def unpatch_qiskit() -> None:
    """Undoes `patch_qiskit`; does nothing if that was not called."""
    while _undo:
        space, name, before = _undo.pop()
        if before is _MISSING:
            space.pop(name, None)
        else:
            space[name] = before
    # Modules that were imported since.
    for space, name, value in _held({id(ours): theirs for theirs, ours in _pairs}):
        space[name] = value
    _pairs.clear()


def _held(others: Dict[int, Any]) -> Iterator[Tuple[Dict[str, Any], str, Any]]:
    """Returns which names of Qiskit's loaded modules are to have another value.

    A module of the table is left out: there, what it imported from its neighbours serves objects
    that were made before the patch.

    Args:
        others: for the id of a value, the one in its place.

    Yields:
        The namespace of a module, a name in it, and its new value.
    """
    for place, module in list(sys.modules.items()):
        if place.partition(".")[0] not in _HOLDERS or place in _PLACES:
            continue
        space = getattr(module, "__dict__", {})
        for name in _NAMES & space.keys():
            if id(space[name]) in others:
                yield space, name, others[id(space[name])]


def _module(place: str) -> ModuleType:
    """Returns a module of Qiskit; if there is none, it is made, and found by later imports."""
    try:
        return importlib.import_module(place)
    except ModuleNotFoundError as error:
        if error.name != place:
            raise
    # A package without a folder, so that what it does not have is Python's usual ImportError.
    made = ModuleType(place, "Brought back by basicaer.patch_qiskit().")
    made.__path__ = []
    made.__spec__ = ModuleSpec(place, None, is_package=True)
    made.__package__ = place
    parent, _, leaf = place.rpartition(".")
    _set(sys.modules, place, made)
    _set(importlib.import_module(parent).__dict__, leaf, made)
    return made


def _set(space: Dict[str, Any], name: str, value: Any) -> None:
    _undo.append((space, name, space.get(name, _MISSING)))
    space[name] = value
