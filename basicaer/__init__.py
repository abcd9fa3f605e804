"""A fast, asynchronous drop-in for the BasicAer simulators of qiskit-terra.

from basicaer import BasicAer

backend = BasicAer.get_backend("qasm_simulator")
counts = backend.run(circuit, shots=1000).result().get_counts()
"""

from ._patch import patch_qiskit, unpatch_qiskit
from ._pool import shutdown
from .basicaerjob import BasicAerJob
from .basicaerprovider import BasicAerProvider
from .exceptions import BasicAerError
from .qasm_simulator import QasmSimulatorPy
from .statevector_simulator import StatevectorSimulatorPy
from .unitary_simulator import UnitarySimulatorPy

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
