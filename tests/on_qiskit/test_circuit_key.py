"""Circuits have the same key if, and only if, they do the same in the same way."""

from __future__ import annotations

import copy

import numpy as np
import pytest
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit import CircuitInstruction, Gate, Parameter
from qiskit.circuit.library import CXGate, EfficientSU2, QAOAAnsatz, RXGate, TwoLocal
from qiskit.quantum_info import SparsePauliOp

from basicaer._qiskit.circuits.circuit_key import structure_of
from basicaer._qiskit.versions import CONDITIONS

A, B = Parameter("a"), Parameter("b")


def plain():
    circuit = QuantumCircuit(3, 2)
    circuit.h(0)
    circuit.rx(A, 1)
    circuit.crz(2 * A + B, 0, 2)
    circuit.cx(0, 1)
    circuit.unitary(np.eye(2), [2])
    circuit.barrier()
    circuit.measure([0, 2], [1, 0])
    return circuit


def changed(change):
    circuit = plain()
    change(circuit)
    return circuit


def test_equal_circuits():
    key = structure_of(plain())
    assert key is not None
    assert structure_of(plain()) == key
    assert hash(structure_of(plain())) == hash(key)
    assert structure_of(copy.deepcopy(plain())) == key
    renamed = QuantumCircuit(QuantumRegister(3, "other"), ClassicalRegister(2, "bits"), name="x")
    renamed.compose(plain(), inplace=True)
    assert structure_of(renamed) == key


def _other_matrix(circuit):
    circuit.data[4].operation.params[0] = np.diag([1, -1])


def _replaced(gate, qubits):
    def change(circuit):
        circuit.data[3] = CircuitInstruction(gate, [circuit.qubits[qubit] for qubit in qubits])

    return change


def _parameter(value):
    def change(circuit):
        circuit.data[1] = CircuitInstruction(RXGate(value), [circuit.qubits[1]])

    return change


@pytest.mark.parametrize(
    "change",
    [
        lambda circuit: circuit.x(0),
        lambda circuit: circuit.data.pop(),
        lambda circuit: circuit.data.insert(0, circuit.data.pop(3)),
        lambda circuit: circuit.add_register(QuantumRegister(1)),
        lambda circuit: circuit.add_register(ClassicalRegister(1)),
        lambda circuit: setattr(circuit, "global_phase", 1),
        _replaced(CXGate(), (1, 0)),
        _replaced(CXGate(ctrl_state=0), (0, 1)),
        _replaced(CXGate(), (0, 2)),
        _other_matrix,
        _parameter(B),
        _parameter(2 * A),
        _parameter(0.5),
    ],
)
def test_different_circuits(change):
    key = structure_of(changed(change))
    assert key is not None
    assert key != structure_of(plain())


def test_control_states():
    keys = []
    for state in (0, 1):
        circuit = QuantumCircuit(2)
        circuit.crz(A, 0, 1, ctrl_state=state)
        keys.append(structure_of(circuit))
    assert keys[0] != keys[1]


class Backwards(QuantumCircuit):
    @property
    def parameters(self):
        return super().parameters[::-1]


def test_a_class_that_orders_its_parameters():
    keys = []
    for circuit_class in (QuantumCircuit, Backwards):
        circuit = circuit_class(1)
        circuit.u(A, B, 0, 0)
        keys.append(structure_of(circuit))
    assert None not in keys
    assert keys[0] != keys[1]


def test_measured_elsewhere():
    one, other = QuantumCircuit(2, 2), QuantumCircuit(2, 2)
    one.measure([0, 1], [0, 1])
    other.measure([0, 1], [1, 0])
    assert structure_of(one) != structure_of(other)


def with_definition(angle, on=0):
    gate = Gate("mine", 2, [])
    gate.definition = QuantumCircuit(2)
    gate.definition.rx(angle, on)
    circuit = QuantumCircuit(2)
    circuit.append(gate, [0, 1])
    return circuit


def test_definitions_count():
    key = structure_of(with_definition(1))
    assert key is not None
    assert key == structure_of(with_definition(1))
    assert key != structure_of(with_definition(2))
    assert key != structure_of(with_definition(1, on=1))
    circuit = with_definition(1)
    circuit.data[0].operation.definition.x(1)
    assert key != structure_of(circuit)


def test_ansatzes():
    for make in (
        lambda: EfficientSU2(3, reps=1, parameter_prefix="t"),
        lambda: QAOAAnsatz(SparsePauliOp(["ZZI", "IZZ"]), reps=2),
    ):
        first = make()
        assert structure_of(first) is not None
        assert structure_of(first) == structure_of(first.copy())
    names = ("linear", "circular")
    one, other = (TwoLocal(3, "ry", "cx", entanglement=name, reps=1) for name in names)
    values = [0.1] * one.num_parameters
    assert structure_of(one.assign_parameters(values)) != structure_of(
        other.assign_parameters(values)
    )


class MyGate(Gate):
    def __init__(self):
        super().__init__("x", 1, [])

    def to_matrix(self):
        return np.diag([1, 1j])


def endless():
    gate = Gate("endless", 1, [])
    gate.definition = QuantumCircuit(1)
    gate.definition.append(gate, [0])
    circuit = QuantumCircuit(1)
    circuit.append(gate, [0])
    return circuit


def conditional():
    circuit = QuantumCircuit(1, 1)
    if CONDITIONS:
        circuit.rx(0.1, 0).c_if(0, 1)
    else:
        with circuit.if_test((0, 1)):
            circuit.rx(0.1, 0)
    return circuit


def loop():
    circuit = QuantumCircuit(1, 1)
    with circuit.for_loop(range(2)):
        circuit.x(0)
    return circuit


def single(gate):
    circuit = QuantumCircuit(gate.num_qubits)
    circuit.append(gate, range(gate.num_qubits))
    return circuit


@pytest.mark.parametrize(
    "circuit",
    [
        endless(),
        conditional(),
        loop(),
        single(MyGate()),
        single(MyGate().control(2)),
    ],
    ids=["endless", "conditional", "loop", "opaque", "controlled"],
)
def test_what_cannot_be_known(circuit):
    assert structure_of(circuit) is None
