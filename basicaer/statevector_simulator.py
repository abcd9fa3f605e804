"""The simulator that returns a circuit's final state."""

from __future__ import annotations

import logging

from basicaer._jobs.options import STATEVECTOR
from basicaer._qiskit.configuration import SMALL_BASIS, configuration
from basicaer._qiskit.versions import passes_as
from basicaer.qasm_simulator import QasmSimulatorPy


@passes_as("StatevectorSimulatorPy")
class StatevectorSimulatorPy(QasmSimulatorPy):
    """Runs circuits once and returns their final state, 2**n amplitudes.

    Each measurement or reset draws one outcome, and the state collapses to it.
    """

    KIND = STATEVECTOR
    SHOW_FINAL_STATE = True
    DEFAULT_CONFIGURATION = configuration(
        "statevector_simulator",
        "1.1.0",
        "A Python statevector simulator for qobj files",
        basis_gates=SMALL_BASIS,
        conditional=True,
        memory=True,
    )
    _logger = logging.getLogger(__name__)
