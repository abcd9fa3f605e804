"""A fast, asynchronous drop-in for the BasicAer simulators of Qiskit.

from basicaer import BasicAer

backend = BasicAer.get_backend("qasm_simulator")
counts = backend.run(circuit, shots=1000).result().get_counts()

Public names are imported when they are first used, so that the engine (`basicaer._engine`) can be
imported without Qiskit.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, List

try:
    from basicaer._kernels import KERNELS as _KERNELS  # noqa: F401
except ModuleNotFoundError as error:
    raise ImportError(
        f"the compiled parts of basicaer are not in {__path__[0]}. If that is its source tree, "
        "start Python in another folder, so that the installed package is found, or build it in "
        "place: pip install -e ."
    ) from error

if TYPE_CHECKING:
    from basicaer._jobs.queue import shutdown
    from basicaer._qiskit.patching.patch import patch_qiskit, unpatch_qiskit
    from basicaer.basicaerjob import BasicAerJob
    from basicaer.basicaerprovider import BasicAer, BasicAerProvider
    from basicaer.compiled import CompiledCircuit, compile
    from basicaer.exceptions import BasicAerError
    from basicaer.qasm_simulator import QasmSimulatorPy
    from basicaer.statevector_simulator import StatevectorSimulatorPy
    from basicaer.unitary_simulator import UnitarySimulatorPy

__version__ = "0.1.0"

__all__ = [
    "BasicAer",
    "BasicAerError",
    "BasicAerJob",
    "BasicAerProvider",
    "CompiledCircuit",
    "QasmSimulatorPy",
    "StatevectorSimulatorPy",
    "UnitarySimulatorPy",
    "compile",
    "patch_qiskit",
    "shutdown",
    "unpatch_qiskit",
]

_MODULE_OF = {
    "BasicAer": "basicaerprovider",
    "BasicAerError": "exceptions",
    "BasicAerJob": "basicaerjob",
    "BasicAerProvider": "basicaerprovider",
    "CompiledCircuit": "compiled",
    "QasmSimulatorPy": "qasm_simulator",
    "StatevectorSimulatorPy": "statevector_simulator",
    "UnitarySimulatorPy": "unitary_simulator",
    "compile": "compiled",
    "patch_qiskit": "_qiskit.patching.patch",
    "shutdown": "_jobs.queue",
    "unpatch_qiskit": "_qiskit.patching.patch",
}
"""The module that defines each public name."""
_MODULES = frozenset(
    {
        "basic_provider",
        "basicaerjob",
        "basicaerprovider",
        "basicaertools",
        "compiled",
        "exceptions",
        "gradients",
        "primitives",
        "qasm_simulator",
        "statevector_simulator",
        "unitary_simulator",
    }
)
"""The public modules, which need not be imported to be attributes of the package."""


def __getattr__(name: str) -> Any:
    """Imports a public name or module when it is first used."""
    if name in _MODULE_OF:
        value = getattr(importlib.import_module(f"basicaer.{_MODULE_OF[name]}"), name)
        globals()[name] = value
        return value
    if name in _MODULES:
        return importlib.import_module(f"basicaer.{name}")
    raise AttributeError(f"module 'basicaer' has no attribute {name!r}")


def __dir__() -> List[str]:
    return sorted({*globals(), *__all__, *_MODULES})
