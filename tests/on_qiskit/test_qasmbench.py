"""Circuits of other people (QASMBench, see qasmbench/LICENSE), on terra's BasicAer and on ours."""

import re
import warnings
from pathlib import Path

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit.library import U1Gate, U3Gate
from qiskit.quantum_info import Statevector
from versions import mutable, needs_terra, skip_here

import basicaer
from basicaer._qiskit.versions import reference

skip_here(needs_terra)

CIRCUITS = sorted((Path(__file__).parents[1] / "qasmbench").glob("*.qasm"))
BY_NAME = pytest.mark.parametrize("path", CIRCUITS, ids=lambda path: path.stem)
IN_THE_MIDDLE = {
    *("bb84_n8", "inverseqft_n4", "ipea_n2", "qec_sm_n5", "shor_n5"),
}
"""Those that measure or reset in their middle, or have conditions."""

KNOWN = reference.QasmSimulatorPy.DEFAULT_CONFIGURATION["basis_gates"]
SAME = {"u": U3Gate, "p": U1Gate}
"""Gates that older versions of terra know by another name only."""


@pytest.fixture(autouse=True)
def silence():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        yield


def is_dynamic(circuit):
    """Whether a qubit is used after it was measured, or something depends on an outcome."""
    measured = set()
    for instruction in circuit.data:
        name = instruction.operation.name
        if name == "reset" or instruction.operation.condition is not None:
            return True
        if name != "barrier" and measured & set(instruction.qubits):
            return True
        if name == "measure":
            measured |= set(instruction.qubits)
    return False


def load(path):
    """The circuit of a file; some of them measure a register that they do not have."""
    text = path.read_text(encoding="utf-8")
    if "measure q[" in text and not re.search(r"qreg\s+q\[", text):
        lines = [line for line in text.splitlines() if not line.startswith("measure q[")]
        circuit = QuantumCircuit.from_qasm_str("\n".join(lines))
        circuit.measure_all()
        return circuit
    return QuantumCircuit.from_qasm_str(text)


def translate(circuit):
    """The same circuit in gates that terra's BasicAer knows, in the same order.

    (transpile() changes the order of measurements, and so which draw is whose.)
    """
    translated = circuit.copy_empty_like()

    def add(operation, qubits, clbits, condition):
        if operation.name in (*KNOWN, "measure", "reset", "barrier"):
            operation = operation.copy() if condition is None else mutable(operation)
            if condition is not None:
                operation.condition = condition
            translated.append(operation, qubits, clbits)
        elif operation.name in SAME:
            add(SAME[operation.name](*operation.params), qubits, clbits, condition)
        else:
            definition = operation.definition
            translated.global_phase += definition.global_phase
            place = dict(zip(definition.qubits, qubits))
            for each in definition.data:
                add(each.operation, [place[qubit] for qubit in each.qubits], (), condition)

    for each in circuit.data:
        operation = each.operation
        add(operation, each.qubits, each.clbits, operation.condition)
    return translated


def compare(path):
    """Asserts that a circuit does on both what it should; returns whether it is dynamic."""
    circuit = load(path)
    translated = translate(circuit)
    dynamic = is_dynamic(circuit)
    terra = reference.BasicAer.get_backend("qasm_simulator")
    ours = basicaer.BasicAer.get_backend("qasm_simulator")
    options = {"shots": 200, "seed_simulator": 17, "memory": True}
    expected = terra.run(translated, **options).result().get_memory()
    for each in (translated, circuit):
        assert ours.run(each, **options).result().get_memory() == expected
    if not dynamic:
        for each in (translated, circuit):
            each.remove_final_measurements()
        terra = reference.BasicAer.get_backend("statevector_simulator")
        known = terra.run(translated).result().get_statevector(), Statevector(circuit).data
        ours = basicaer.BasicAer.get_backend("statevector_simulator")
        for each in (translated, circuit):
            found = ours.run(each).result().get_statevector()
            for expected in known:
                assert np.allclose(found, expected, rtol=0, atol=1e-10)
    return dynamic


@BY_NAME
def test_circuit(path):
    assert compare(path) == (path.stem in IN_THE_MIDDLE)


def test_none_is_missing():
    assert len(CIRCUITS) == 41
