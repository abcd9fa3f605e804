"""Circuits as plain data, and as `QuantumCircuit`s of whatever Qiskit is installed.

A description is what `json` makes of

    {
        "name": "conditional-3",
        "qregs": [["q", 3]],                    name and size, in order
        "cregs": [["c0", 2], ["c1", 1]],
        "global_phase": 1.3,                    absent if 0
        "data": [
            ["u", [2], [0.5, 1.25, -3.1]],      name, qubits, parameters
            ["measure", [2], [], [0]],          name, qubits, no parameters, clbits
            ["x", [1], [], [], ["c0", 1]],      ..., if register c0 is 1
            ["reset", [1], [], [], [2, 1]],     ..., if clbit 2 is 1
        ],
    }

Qubits and clbits are numbered through all registers; every bit is in one register. Gates have
Qiskit's names; ``_o2`` after a name is ``ctrl_state=2``. The parameters of `unitary` (row after
row) and `initialize` are complex: real and imaginary parts in turn.
"""

from __future__ import annotations

import contextlib
import re
import warnings
from functools import cache

import numpy as np
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit import Barrier, Delay, Instruction, Measure, Reset
from qiskit.circuit.library import MCPhaseGate, MCXGate
from qiskit.circuit.library.standard_gates import get_standard_gate_name_mapping

try:
    from qiskit.circuit.library import Initialize, UnitaryGate
except ImportError:  # terra before 0.45
    from qiskit.extensions import Initialize, UnitaryGate

FORMS = ("c_if", "if_test") if hasattr(Instruction, "c_if") else ("if_test",)
"""How an instruction can have a condition here; `build` takes the first where none is asked for.

From Qiskit 2.0 on instructions have none of their own.
"""


@cache
def _standard() -> dict:
    """The class of each standard gate, by name."""
    mapping = get_standard_gate_name_mapping()
    return {name: getattr(gate, "base_class", type(gate)) for name, gate in mapping.items()}


def complex_of(numbers) -> np.ndarray:
    """Complex numbers from real and imaginary parts in turn."""
    return np.array(numbers, dtype=float).view(complex)


def instruction(name: str, num_qubits: int, params):
    """Returns an instruction by its name.

    Raises:
        KeyError: This Qiskit has no standard gate of that name.
    """
    if name == "measure":
        return Measure()
    if name == "reset":
        return Reset()
    if name == "barrier":
        return Barrier(num_qubits)
    if name == "delay":
        return Delay(*params)
    if name == "unitary":
        return UnitaryGate(complex_of(params).reshape(1 << num_qubits, 1 << num_qubits))
    if name == "initialize":
        return Initialize(complex_of(params))
    open_controls = re.fullmatch(r"(\w+)_o(\d+)", name)
    options = {}
    if open_controls:
        name, options = open_controls[1], {"ctrl_state": int(open_controls[2])}
    if name == "mcx":
        return MCXGate(num_qubits - 1, **options)
    if name == "mcphase":
        return MCPhaseGate(*params, num_qubits - 1)
    return _standard()[name](*params, **options)


def build(description: dict, form: str = FORMS[0]) -> QuantumCircuit:
    """Makes the circuit; the conditions of its instructions as `form`, one of `FORMS`, says."""
    circuit = QuantumCircuit(
        *(QuantumRegister(size, name) for name, size in description["qregs"]),
        *(ClassicalRegister(size, name) for name, size in description["cregs"]),
        name=description["name"],
        global_phase=description.get("global_phase", 0.0),
    )
    registers = {register.name: register for register in circuit.cregs}
    for name, qubits, params, clbits, condition in map(fields, description["data"]):
        operation = instruction(name, len(qubits), params)
        around = contextlib.nullcontext()
        if condition is not None:
            where, value = condition
            where = registers[where] if isinstance(where, str) else circuit.clbits[where]
            if form == "c_if":
                with warnings.catch_warnings():  # 1.3 and 1.4 announce its end
                    warnings.simplefilter("ignore", DeprecationWarning)
                    operation = operation.c_if(where, value)
            else:
                around = circuit.if_test((where, value))
        with around:
            circuit.append(operation, qubits, clbits)
    return circuit


def fields(entry: list) -> tuple:
    """Name, qubits, parameters, clbits and condition (or None) of one entry of the data."""
    return (*entry, *([], [], [], None)[len(entry) - 1 :])


def entry(name: str, qubits, params=(), clbits=(), condition=None) -> list:
    """One entry of the data, without what is empty at its end."""
    found = [name, list(qubits), list(params), list(clbits), condition]
    while len(found) > 2 and not found[-1]:
        found.pop()
    return found


def num_clbits(description: dict) -> int:
    """How many clbits it has."""
    return sum(size for _, size in description["cregs"])
