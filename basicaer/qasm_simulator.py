"""The simulator that repeats a circuit and counts its outcomes."""

from __future__ import annotations

import logging
from typing import Any, ClassVar, Dict

from basicaer._qiskit.simulator import Simulator
from basicaer._qiskit.terra.configuration import configuration
from basicaer._jobs.options import QASM
from basicaer._qiskit.versions import reference


class QasmSimulatorPy(Simulator):
    """Runs circuits shot by shot, or draws all shots from one final state where that is the same.

    Its results have counts and, with ``memory=True``, the outcome of each shot.
    """

    KIND = QASM
    SHOW_FINAL_STATE = False
    DEFAULT_CONFIGURATION = configuration(
        "qasm_simulator",
        "2.1.0",
        "A python simulator for qasm experiments",
        basis_gates=("h", "u", "p", "u1", "u2", "u3", "rz", "sx", "x", "cx", "id", "unitary"),
        definitions=("h", "p", "u", "u1", "u2", "u3", "rz", "sx", "x", "cx", "id", "unitary"),
        conditional=True,
        memory=True,
    )
    DEFAULT_OPTIONS: ClassVar[Dict[str, Any]] = {
        "initial_statevector": None,
        "chop_threshold": 1e-15,
    }
    MAX_QUBITS_MEMORY = DEFAULT_CONFIGURATION["n_qubits"]
    _logger = logging.getLogger(__name__)


reference.QasmSimulatorPy.register(QasmSimulatorPy)
