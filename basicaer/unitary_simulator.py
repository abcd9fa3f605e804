"""The simulator that returns a circuit's unitary."""

from __future__ import annotations

import logging
from typing import Any, ClassVar, Dict

from basicaer._jobs.options import UNITARY
from basicaer._qiskit.backend import Backend
from basicaer._qiskit.configuration import SMALL_BASIS, configuration
from basicaer._qiskit.versions import passes_as


@passes_as("UnitarySimulatorPy")
class UnitarySimulatorPy(Backend):
    """Returns the unitary matrix, 2**n by 2**n, of circuits that consist of gates only."""

    KIND = UNITARY
    DEFAULT_CONFIGURATION = configuration(
        "unitary_simulator",
        "1.1.0",
        "A python simulator for unitary matrix corresponding to a circuit",
        basis_gates=SMALL_BASIS,
        conditional=False,
        memory=False,
        unitary=True,
    )
    DEFAULT_OPTIONS: ClassVar[Dict[str, Any]] = {"initial_unitary": None, "chop_threshold": 1e-15}
    MAX_QUBITS_MEMORY = DEFAULT_CONFIGURATION["n_qubits"]
    _logger = logging.getLogger(__name__)
