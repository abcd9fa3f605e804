"""A fast, asynchronous drop-in for the BasicAer simulators of qiskit-terra.

from basicaer import BasicAer

backend = BasicAer.get_backend("qasm_simulator")
counts = backend.run(circuit, shots=1000).result().get_counts()
"""

try:
    from basicaer._kernels import KERNELS as _KERNELS  # noqa: F401
except ModuleNotFoundError as error:
    raise ImportError(
        f"the compiled parts of basicaer are not in {__path__[0]}. If that is its source tree, "
        "start Python in another folder, so that the installed package is found, or build it in "
        "place: pip install -e ."
    ) from error

from basicaer._qiskit.patch import patch_qiskit, unpatch_qiskit
from basicaer._jobs.queue import shutdown
from basicaer.basicaerjob import BasicAerJob
from basicaer.basicaerprovider import BasicAerProvider
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
    "QasmSimulatorPy",
    "StatevectorSimulatorPy",
    "UnitarySimulatorPy",
    "patch_qiskit",
    "shutdown",
    "unpatch_qiskit",
]

BasicAer = BasicAerProvider()
