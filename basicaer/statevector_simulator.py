"""The simulator that returns the final state."""

from __future__ import annotations

import logging

from basicaer._jobs.options import STATEVECTOR
from basicaer._qiskit.configuration import SMALL_BASIS, configuration
from basicaer._qiskit.versions import passes_as
from basicaer.qasm_simulator import QasmSimulatorPy


@passes_as("StatevectorSimulatorPy")
class StatevectorSimulatorPy(QasmSimulatorPy):
    """Runs circuits once and returns the state they end in.

    A measurement or reset on the way is one draw, and the state collapses accordingly.
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
