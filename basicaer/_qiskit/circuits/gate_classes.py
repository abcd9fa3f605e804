"""Qiskit's class of gates for each row of the gate table."""

from __future__ import annotations

from typing import Dict

from qiskit.circuit.library import standard_gates as sg
from qiskit.circuit.library.generalized_gates.rv import RVGate

from basicaer._engine.gate_table import GATES, Row

CLASS_OF_NAME: Dict[str, type] = {
    "id": sg.IGate,
    "x": sg.XGate,
    "y": sg.YGate,
    "z": sg.ZGate,
    "h": sg.HGate,
    "s": sg.SGate,
    "sdg": sg.SdgGate,
    "t": sg.TGate,
    "tdg": sg.TdgGate,
    "sx": sg.SXGate,
    "sxdg": sg.SXdgGate,
    "p": sg.PhaseGate,
    "r": sg.RGate,
    "rv": RVGate,
    "rx": sg.RXGate,
    "ry": sg.RYGate,
    "rz": sg.RZGate,
    "u": sg.UGate,
    "u1": sg.U1Gate,
    "u2": sg.U2Gate,
    "u3": sg.U3Gate,
    "cx": sg.CXGate,
    "cy": sg.CYGate,
    "cz": sg.CZGate,
    "ch": sg.CHGate,
    "cs": sg.CSGate,
    "csdg": sg.CSdgGate,
    "csx": sg.CSXGate,
    "cp": sg.CPhaseGate,
    "crx": sg.CRXGate,
    "cry": sg.CRYGate,
    "crz": sg.CRZGate,
    "cu": sg.CUGate,
    "cu1": sg.CU1Gate,
    "cu3": sg.CU3Gate,
    "ccx": sg.CCXGate,
    "ccz": sg.CCZGate,
    "c3x": sg.C3XGate,
    "c3sx": sg.C3SXGate,
    "c4x": sg.C4XGate,
    "swap": sg.SwapGate,
    "cswap": sg.CSwapGate,
    "iswap": sg.iSwapGate,
    "dcx": sg.DCXGate,
    "ecr": sg.ECRGate,
    "rxx": sg.RXXGate,
    "ryy": sg.RYYGate,
    "rzz": sg.RZZGate,
    "rzx": sg.RZXGate,
    "xx_minus_yy": sg.XXMinusYYGate,
    "xx_plus_yy": sg.XXPlusYYGate,
    "rccx": sg.RCCXGate,
    "rcccx": sg.RC3XGate,
}
"""The class of each row, by the row's name."""

ROW_OF_CLASS: Dict[type, Row] = {CLASS_OF_NAME[row.name]: row for row in GATES}
"""Rows by exact class: a user's gate may reuse a name, and a subclass redefine the matrix."""

SINGLETON_OF_CLASS: Dict[type, Row] = {
    # Qiskit's shared, immutable instances have a class of their own: no condition, no parameters,
    # and the default control state.
    type(gate_class()): row
    for gate_class, row in ROW_OF_CLASS.items()
    if row.num_params == 0 and type(gate_class()) is not gate_class
}
"""Rows by the class of the gate's shared instance."""

STANDARD_ROWS: Dict[str, Row] = {
    gate_class(*[0.0] * row.num_params).name: row
    for gate_class, row in ROW_OF_CLASS.items()
    if getattr(gate_class, "_standard_gate", None) is not None
}
"""Rows of the gates that Qiskit keeps without a Python object, by Qiskit's names (from 1.2 on)."""
