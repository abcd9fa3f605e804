"""The simulator that runs a circuit many times and counts its outcomes."""

from __future__ import annotations

import logging
from typing import Any, ClassVar, Dict

from basicaer._jobs.options import QASM
from basicaer._qiskit.backend import Backend
from basicaer._qiskit.configuration import QASM_BASIS, configuration
from basicaer._qiskit.versions import passes_as


@passes_as("QasmSimulatorPy")
class QasmSimulatorPy(Backend):
    """Runs circuits shot by shot, or draws all shots from one final state if that is equivalent.

    Its results contain the counts and, with ``memory=True``, the outcome of each shot.
    """

    KIND = QASM
    SHOW_FINAL_STATE = False
    DEFAULT_CONFIGURATION = configuration(
        "qasm_simulator",
        "2.1.0",
        "A python simulator for qasm experiments",
        basis_gates=QASM_BASIS,
        conditional=True,
        memory=True,
    )
    DEFAULT_OPTIONS: ClassVar[Dict[str, Any]] = {
        "initial_statevector": None,
        "chop_threshold": 1e-15,
    }
    MAX_QUBITS_MEMORY = DEFAULT_CONFIGURATION["n_qubits"]
    _logger = logging.getLogger(__name__)
