"""What the simulators run, as a `Target`."""

from __future__ import annotations

from typing import Dict, List, Tuple

from qiskit.circuit import (
    Barrier,
    BreakLoopOp,
    ContinueLoopOp,
    Delay,
    ForLoopOp,
    IfElseOp,
    Measure,
    Parameter,
    Reset,
    SwitchCaseOp,
    WhileLoopOp,
)
from qiskit.circuit.library import (
    GlobalPhaseGate,
    MCPhaseGate,
    MCXGate,
    MCXGrayCode,
    MCXRecursive,
    PauliGate,
    PermutationGate,
)
from qiskit.circuit.library.standard_gates import MCU1Gate
from qiskit.transpiler import Target

from basicaer._engine.gate_table import GATES
from basicaer._jobs import options
from basicaer._qiskit.circuits.gate_classes import CLASS_OF_NAME
from basicaer._qiskit.versions import (
    Absent,
    BoxOp,
    DiagonalGate,
    Initialize,
    PauliProductMeasurement,
    Store,
    UnitaryGate,
)

_OF_ANY_WIDTH: Dict[str, type] = {
    "barrier": Barrier,
    "diagonal": DiagonalGate,
    "mcphase": MCPhaseGate,
    "mcu1": MCU1Gate,
    "mcx": MCXGate,
    "mcx_gray": MCXGrayCode,
    "mcx_recursive": MCXRecursive,
    "pauli": PauliGate,
    "permutation": PermutationGate,
    "unitary": UnitaryGate,
}
"""What is unitary and acts on as many qubits as it is made for."""
if BoxOp is not Absent:
    _OF_ANY_WIDTH["box"] = BoxOp  # unitary if what is in it is

_NOT_UNITARY: Dict[str, type] = {
    "break_loop": BreakLoopOp,
    "continue_loop": ContinueLoopOp,
    "for_loop": ForLoopOp,
    "if_else": IfElseOp,
    "initialize": Initialize,
    "switch_case": SwitchCaseOp,
    "while_loop": WhileLoopOp,
}
"""The same, of what only a state can be put through."""
if Store is not Absent:
    _NOT_UNITARY["store"] = Store
if PauliProductMeasurement is not Absent:
    _NOT_UNITARY["pauli_product_measurement"] = PauliProductMeasurement


def target_of(kind: str, description: str, num_qubits: int | None) -> Target:
    """Returns a target whose operations are ideal on any qubits.

    Args:
        kind: of the simulator, one of those in `options`.
        description: of the simulator.
        num_qubits: the number of qubits; None for any number.
    """
    target = Target(description=description, num_qubits=num_qubits)
    for row in GATES:
        gate = CLASS_OF_NAME[row.name](*_parameters(row.num_params))
        if gate.name not in _OF_ANY_WIDTH and gate.name not in target:
            target.add_instruction(gate)
    target.add_instruction(GlobalPhaseGate(*_parameters(1)))
    target.add_instruction(Delay(*_parameters(1)))
    widths: List[Tuple[str, type]] = [*_OF_ANY_WIDTH.items()]
    if kind != options.UNITARY:
        target.add_instruction(Measure())
        target.add_instruction(Reset())
        widths += _NOT_UNITARY.items()
    for name, operation in widths:
        target.add_instruction(operation, name=name)
    return target


def _parameters(number: int) -> List[Parameter]:
    return [Parameter(f"p{place}") for place in range(number)]
