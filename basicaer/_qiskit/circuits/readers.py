"""Which reader circuits are read by; it is chosen once, when this module is imported.

There are three, compiled into `gate_reader`:

    capi      through Qiskit's C API, without an object for a gate or a bit (2.6)
    identity  through Python's objects; bits are looked up as objects (terra and 1.x)
    hashed    through Python's objects; bits are looked up by their hash (any version)

The environment variable ``BASICAER_READER`` asks for one. By default it is the fastest one that is
known to work with the version of Qiskit, if it reads samples as "hashed" reads them; otherwise it
is "hashed".

`open_circuit` returns, for a circuit, a block or a definition, an object with the contract of
`contract.Instructions`; `plain_program` reads a whole circuit at once, or returns None.

A circuit that other threads only read can be read at any time. One that another thread changes is
read as it was at some moment between its instructions, or the error is Qiskit's; it never ends the
process.

From 1.0 on Qiskit keeps a standard gate as its name and its parameters, and makes a Python object
of it only when it is asked for. Changes of that object, or a subclass of the gate's class, are seen
by "capi", and by the other readers on versions that tell such gates (1.3 on), no more than by
Qiskit's own `Operator`.
"""

from __future__ import annotations

import logging
import os
from typing import Any, Dict, List, Sequence, Tuple

from qiskit import QuantumCircuit
from qiskit.circuit import Barrier, CircuitInstruction, Delay, Gate, Measure, Parameter, Reset
from qiskit.circuit.library import CXGate, HGate, RXGate, RZGate, SwapGate, YGate

from basicaer._engine.gate_table import Row
from basicaer._engine.program import DENSE, Gates
from basicaer._qiskit.circuits import gate_reader
from basicaer._qiskit.circuits.gate_classes import CLASS_OF_NAME, STANDARD_ROWS
from basicaer._qiskit.circuits.gate_reader import GateReader, open_circuit, plain_program
from basicaer._qiskit.errors import BasicAerError
from basicaer._qiskit.versions import CAPI_KNOWN, CAPI_WANTING, SHARED_BITS

__all__ = ["READER", "WANTING", "open_circuit", "plain_program"]

_VARIABLE = "BASICAER_READER"
_logger = logging.getLogger(__name__)

WANTING: Dict[str, str] = {
    "capi": CAPI_WANTING,
    "identity": "" if SHARED_BITS else "bits are new objects at each access from Qiskit 2.0 on",
    "hashed": "",
}
"""The readers, and why each cannot work here; empty for those that can."""


def _choose() -> str:
    """Selects a reader; returns its name."""
    asked = os.environ.get(_VARIABLE, "")
    if asked:
        why = WANTING.get(asked, "there is no reader of that name")
        if not why:
            why = _set_up(asked)
        if not why:
            return asked
        able = [f'"{name}"' for name, lacks in WANTING.items() if not lacks and name != asked]
        instead = " or ".join(able) or "left out"
        raise BasicAerError(f'{_VARIABLE} is "{asked}": {why}. Here it can be {instead}.')
    name = "capi" if CAPI_KNOWN and not CAPI_WANTING else "identity" if SHARED_BITS else "hashed"
    why = _set_up(name)
    if why:
        _logger.warning('circuits are read by "hashed"; the reader "%s" is not used: %s', name, why)
        gate_reader.choose("hashed", False)
        return "hashed"
    return name


def _set_up(name: str) -> str:
    """Selects a reader and tests it; returns what is wrong with it, or an empty string."""
    try:
        rows = list(STANDARD_ROWS.items())
        table = _table_circuit([row for _, row in rows])
        if name == "capi":
            gate_reader.load_capi(table, rows)
        samples = _samples(table)
        gate_reader.choose("hashed", False)
        expected = [_read(sample) for sample in samples]
        gate_reader.choose(name, True)
        found = [_read(sample) for sample in samples]
    except Exception as error:  # it uses what is not public in Qiskit
        return f"it fails, {error!r}"
    return "" if found == expected else "it reads gates as something else than they are"


def _circuit(num_qubits: int, num_clbits: int, *instructions: Tuple[Any, ...]) -> QuantumCircuit:
    """Returns a circuit of instructions: the operation, its qubits, its clbits."""
    circuit = QuantumCircuit(num_qubits, num_clbits)
    for operation, qubits, clbits in instructions:
        on = [circuit.qubits[qubit] for qubit in qubits]
        to = [circuit.clbits[clbit] for clbit in clbits]
        circuit._append(CircuitInstruction(operation, on, to))  # a third of the time of `append`
    return circuit


def _table_circuit(rows: Sequence[Row]) -> QuantumCircuit:
    """Returns one gate of each row, on varying qubits."""
    circuit = QuantumCircuit(5)
    own = circuit.qubits * 2
    for place, row in enumerate(rows):
        gate_class = CLASS_OF_NAME[row.name]
        gate = gate_class(*[0.1 + 0.7 * place + 0.3 * i for i in range(row.num_params)])
        first = place % 5
        circuit._append(CircuitInstruction(gate, own[first : first + row.num_qubits]))
    return circuit


def _samples(table: QuantumCircuit) -> List[QuantumCircuit]:
    """Returns circuits with an instruction of each kind."""
    plain = _circuit(
        *(3, 2),
        (HGate(), [2], []),
        (CXGate(), [2, 0], []),
        (Barrier(3), [0, 1, 2], []),
        (RZGate(-1), [1], []),
        (Barrier(1), [1], []),
        (Measure(), [1], [1]),
        (Measure(), [2], [0]),
    )
    mixed = _circuit(
        *(4, 1),
        (CXGate(ctrl_state=0), [3, 1], []),
        (RXGate(Parameter("a")), [2], []),
        (Reset(), [0], []),
        (SwapGate(), [0, 3], []),
        (Gate("h", 1, []), [2], []),
        (Delay(1), [2], []),
        (Measure(), [3], [0]),
        (YGate(), [3], []),
    )
    return [table, plain, mixed]


def _read(circuit: QuantumCircuit) -> List[Any]:
    """Returns what is read of a circuit, whatever is shared and wherever reading stops."""
    instructions = open_circuit(circuit)
    reader = GateReader()
    found: List[Any] = []
    place = 0
    while place < len(instructions):
        place = instructions.read(reader, place)
        found += _flat(reader.take()[0])
        if place < len(instructions):
            name = instructions[place].operation.name
            if name not in ("id", "barrier"):
                found.append((name, instructions.qubits(place), instructions.clbits(place)))
            place += 1
    program = plain_program(circuit, False)
    if program is not None:
        found += [program.num_qubits, program.num_clbits, program.global_phase]
        for operation in program.body:
            found += _flat(operation) if isinstance(operation, Gates) else [operation]
    return found


def _flat(gates: Gates) -> List[Any]:
    """Returns each gate of a gate run as its kind, its qubits and its coefficients."""
    qubits, coefficients = gates.qubits.tolist(), gates.coefficients.tolist()
    start, out = gates.start.tolist(), []
    for i, (number, offset) in enumerate(zip(gates.kind.tolist(), gates.offset.tolist())):
        kind = gates.kinds[number]
        size = 1 << kind.num_targets * (2 if kind.form == DENSE else 1)
        on = qubits[start[i] : start[i + 1]]
        out.append((kind, on, coefficients[offset : offset + size]))
    return out


READER = _choose()
"""The reader in use."""
