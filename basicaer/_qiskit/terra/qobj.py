"""Converts a QasmQobj, the older input of `run()`, to circuits.

A Qobj may come from a file, so the name of an instruction is never used to look up code: only the
instructions listed here are accepted.
"""

from __future__ import annotations

from typing import Any, Dict, List, Sequence

from qiskit.circuit import (
    Barrier,
    ClassicalRegister,
    Delay,
    Instruction,
    Measure,
    QuantumCircuit,
    QuantumRegister,
    Reset,
)
from qiskit.circuit.library import (
    MCPhaseGate,
    MCXGate,
    PauliGate,
    PermutationGate,
    standard_gates,
)
from qiskit.circuit.library.standard_gates import get_standard_gate_name_mapping
from qiskit.qobj import QasmQobj as QasmQobj

from basicaer._jobs import options
from basicaer._qiskit.errors import BasicAerError
from basicaer._qiskit.request import Experiment
from basicaer._qiskit.result import Header
from basicaer._qiskit.versions import DiagonalGate, Initialize, UnitaryGate, with_condition

_MOST_QUBITS = 1000
_MOST_CLBITS = 1_000_000


def experiments(qobj: QasmQobj) -> List[Experiment]:
    """Returns the experiments of a Qobj.

    Raises:
        BasicAerError: it is malformed, or has an unknown instruction, which the message names.
    """
    found = []
    for position, each in enumerate(qobj.experiments):
        try:
            found.append(_experiment(each))
        except BasicAerError:
            raise
        except Exception as error:  # a Qobj may be any text, so anything can be wrong
            raise BasicAerError(f"Experiment {position} is malformed: {error!r}.") from error
    return found


def settings(qobj: QasmQobj) -> Dict[str, Any]:
    """Returns the configuration of a Qobj, by name.

    Raises:
        BasicAerError: it is malformed.
    """
    try:
        return dict(qobj.config.to_dict())
    except Exception as error:  # as in `experiments`
        raise BasicAerError(f"The configuration of the Qobj is malformed: {error!r}.") from error


def _bit(bits: Sequence[Any], index: int) -> Any:
    """Returns the bit of that index; a negative index raises IndexError."""
    if index < 0:
        raise IndexError(f"there is no bit {index}")
    return bits[index]


def _experiment(source: Any) -> Experiment:
    header = dict(source.header.to_dict())
    config = dict(source.config.to_dict()) if hasattr(source, "config") else {}
    name = header.setdefault("name", "experiment")
    num_qubits: Any = config.get("n_qubits", header.get("n_qubits", 0))
    num_clbits: Any = config.get("memory_slots", header.get("memory_slots", 0))
    for what, number, most in (
        ("n_qubits", num_qubits, _MOST_QUBITS),
        ("memory_slots", num_clbits, _MOST_CLBITS),
    ):
        if not isinstance(number, int) or not 0 <= number <= most:
            raise BasicAerError(
                f'Experiment "{name}": {what} must be a whole number from 0 to {most}, not '
                f"{number!r}."
            )
    for key, value in (
        ("n_qubits", num_qubits),
        ("memory_slots", num_clbits),
        ("qreg_sizes", [["q", num_qubits]] if num_qubits else []),
        ("creg_sizes", [["c", num_clbits]] if num_clbits else []),
        ("qubit_labels", [["q", index] for index in range(num_qubits)]),
        ("clbit_labels", [["c", index] for index in range(num_clbits)]),
        ("global_phase", 0.0),
        ("metadata", {}),
    ):
        header.setdefault(key, value)
    circuit = QuantumCircuit(
        QuantumRegister(num_qubits, "q"),
        *_registers(header["creg_sizes"], num_clbits),
        name=name,
        global_phase=header["global_phase"],
    )
    condition: Any | None = None
    for position, entry in enumerate(source.instructions):
        try:
            if entry.name == "bfunc":
                if condition is not None:
                    raise BasicAerError("a condition that is not used by the next instruction")
                condition = entry
                continue
            operation = _operation(entry)
            qubits = [_bit(circuit.qubits, index) for index in getattr(entry, "qubits", [])]
            clbits = [_bit(circuit.clbits, index) for index in getattr(entry, "memory", [])]
            wanted = getattr(entry, "conditional", None)
            if wanted is not None or condition is not None:
                operation = _with_condition(circuit, operation, condition, wanted)
                condition = None
            circuit.append(operation, qubits, clbits)
        except BasicAerError as error:
            raise BasicAerError(
                f'Experiment "{name}", instruction {position} ("{entry.name}"): {error.message}.'
            ) from None
        except Exception as error:
            raise BasicAerError(
                f'Experiment "{name}", instruction {position} ("{entry.name}") is malformed: '
                f"{error}."
            ) from error
    seed = options.check(options.QASM, "seed_simulator", config.get("seed_simulator"))
    made = Header(name, header["memory_slots"], header.copy)
    return Experiment(circuit, made, bool(config.get("allows_measure_sampling", True)), seed)


def _registers(sizes: Any, num_clbits: int) -> List[ClassicalRegister]:
    """Returns the registers of a header; one of all clbits if their sizes do not add up."""
    if sum(size for _, size in sizes) != num_clbits:
        return [ClassicalRegister(num_clbits, "c")]
    # Names may be any text, and have no effect on what is computed.
    return [ClassicalRegister(size, f"c{index}") for index, (_, size) in enumerate(sizes)]


def _operation(entry: Any) -> Instruction:
    name = entry.name
    params = list(getattr(entry, "params", None) or [])
    width = len(getattr(entry, "qubits", []))
    if name in _GATES:
        return _GATES[name](*params)
    if name == "unitary":
        return UnitaryGate(params[0])
    if name == "measure":
        if getattr(entry, "register", entry.memory) != entry.memory:
            raise BasicAerError("a measurement into registers other than its memory slots")
        return Measure()
    if name == "reset":
        return Reset()
    if name == "barrier":
        return Barrier(width)
    if name == "delay":
        return Delay(params[0] if params else 0)
    if name == "initialize":
        return Initialize(params)
    if name == "diagonal":
        return DiagonalGate(params)
    if name == "pauli":
        return PauliGate(params[0])
    if name == "permutation":
        return PermutationGate(params[0])
    if name in ("mcx", "mcx_gray"):
        return MCXGate(width - 1)
    if name in ("mcphase", "mcp", "mcu1"):
        return MCPhaseGate(params[0], width - 1)
    raise BasicAerError("an instruction that is not supported in a Qobj")


def _with_condition(
    circuit: QuantumCircuit, operation: Instruction, bfunc: Any | None, wanted: Any
) -> Instruction:
    """Returns the instruction with the condition that the comparison right before it computes.

    terra writes every condition like that. If other instructions came in between, the clbits could
    change between the comparison and its use.
    """
    if bfunc is None or wanted != bfunc.register:
        raise BasicAerError("a condition that is not computed right before it is used")
    if bfunc.relation != "==":
        raise BasicAerError(f'the relation "{bfunc.relation}"; only "==" is supported')
    mask, value = int(bfunc.mask, 16), int(bfunc.val, 16)
    places = [index for index in range(mask.bit_length()) if mask >> index & 1]
    if value & ~mask:
        raise BasicAerError("a condition that can never hold")
    compared = sum((value >> place & 1) << index for index, place in enumerate(places))
    bits = [circuit.clbits[place] for place in places]
    if len(bits) == 1:
        return with_condition(operation, bits[0], compared)
    for register in circuit.cregs:
        if list(register) == bits:
            return with_condition(operation, register, compared)
    raise BasicAerError("a condition on bits that are neither one bit nor one whole register")


def _gate_classes() -> Dict[str, Any]:
    classes: Dict[str, Any] = {
        "u0": lambda *_: standard_gates.IGate(),
        "U": standard_gates.UGate,
        "CX": standard_gates.CXGate,
    }
    others = (standard_gates.C3SXGate, standard_gates.RC3XGate, standard_gates.RCCXGate)
    for gate in (*get_standard_gate_name_mapping().values(), *(make() for make in others)):
        if gate.name not in ("measure", "reset", "delay"):
            # Gates without parameters are singletons, each with a class of its own.
            classes[gate.name] = getattr(gate, "base_class", type(gate))
    return classes


_GATES = _gate_classes()
