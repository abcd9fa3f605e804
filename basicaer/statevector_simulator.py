"""The simulator that returns the final state."""

from __future__ import annotations

import logging

from basicaer._qiskit.terra.configuration import SMALL_BASIS, configuration
from basicaer._jobs.options import STATEVECTOR
from basicaer._qiskit.versions import reference
from basicaer.qasm_simulator import QasmSimulatorPy


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
        definitions=SMALL_BASIS,
        conditional=True,
        memory=True,
    )
    _logger = logging.getLogger(__name__)


reference.StatevectorSimulatorPy.register(StatevectorSimulatorPy)
