"""Circuits of gates and then measurements: the compiled way and the long one read the same."""

from __future__ import annotations

import math
import pickle

import numpy as np
import oracle
import pytest
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit import CircuitInstruction, Clbit, Measure, Parameter, Qubit
from qiskit.circuit.library import CCXGate, CXGate, HGate, RealAmplitudes, RXGate

from basicaer._qiskit.gate_reader import plain_program
from basicaer._qiskit.lowering import Lowering, lower
from basicaer._engine.one_pass import plain_parts
from basicaer._engine.program import Gates
from basicaer._engine.task import Task
from basicaer._qiskit.versions import UnitaryGate
from basicaer.exceptions import BasicAerError


def assert_same(ours, expected):
    for name in ("num_qubits", "num_clbits", "global_phase", "name", "samples"):
        assert getattr(ours, name) == getattr(expected, name), name
    assert ours.__dict__.keys() == expected.__dict__.keys()
    assert [type(each) for each in ours.body] == [type(each) for each in expected.body]
    for mine, other in zip(ours.body, expected.body):
        if not isinstance(mine, Gates):
            assert mine == other
            continue
        assert mine.kinds == other.kinds
        assert mine.__dict__.keys() == other.__dict__.keys()
        for name in ("kind", "start", "qubits", "offset", "coefficients"):
            first, second = getattr(mine, name), getattr(other, name)
            assert first.dtype == second.dtype
            np.testing.assert_array_equal(first, second)


def measured(circuit):
    circuit.measure_all()
    return circuit


def barred():
    circuit = QuantumCircuit(3, 3)
    circuit.barrier()
    circuit.h(0)
    circuit.barrier(1)
    circuit.cx(0, 2)
    circuit.barrier()
    circuit.measure([2, 0], [0, 1])
    circuit.barrier(1)
    circuit.measure(2, 2)
    return circuit


def large():
    circuit = QuantumCircuit(70, 70)
    circuit.x(69)
    circuit.measure(range(70), range(69, -1, -1))
    return circuit


def loose():
    circuit = QuantumCircuit([Qubit(), Qubit()], [Clbit()])
    circuit.ry(0.3, 1)
    circuit.measure(1, 0)
    return circuit


def folded(then):
    """Two qubits of a circuit laid upon one: terra runs it."""
    inner = QuantumCircuit(2)
    inner.h(0)
    inner.barrier()
    inner.x(1)
    circuit = QuantumCircuit(2, 1)
    circuit.compose(inner, [0, 0], inplace=True)
    circuit.measure(0, 0)
    if then == "reset":
        circuit.reset(0)
    return circuit


PLAIN = {
    "nothing": QuantumCircuit(2),
    "no qubits": QuantumCircuit(),
    "gates": QuantumCircuit(2, name="gates").compose(HGate(), [1]),
    "measurements": measured(QuantumCircuit(3)),
    "barriers": barred(),
    "more qubits than a word has bits": large(),
    "bits without registers": loose(),
    "a barrier on a qubit twice": folded("nothing"),
    **{f"random {n}": measured(oracle.random_circuit(n, 40, n)) for n in range(1, 6)},
}


@pytest.mark.parametrize("name", PLAIN)
def test_plain(name):
    circuit = PLAIN[name]
    circuit.global_phase = 0
    ours = plain_program(circuit, False)
    expected = Lowering(circuit).program()
    if name.startswith("random"):  # may have a gate that is several of ours
        ours = ours or lower(circuit)
    assert_same(ours, expected)
    assert_same(pickle.loads(pickle.dumps(ours)), expected)
    with pytest.raises(AttributeError):
        ours.name = "another"


def test_most_random_circuits_are_plain():
    circuits = [measured(oracle.random_circuit(4, 3, seed)) for seed in range(50)]
    found = 0
    for circuit in circuits:
        circuit.global_phase = 0
        program = plain_program(circuit, False)
        if program is not None:
            assert_same(program, Lowering(circuit).program())
            found += 1
    assert found > 10


def phased():
    circuit = QuantumCircuit(1)
    circuit.global_phase = 0.5
    return circuit


def used_again():
    circuit = QuantumCircuit(1, 1)
    circuit.measure(0, 0)
    circuit.h(0)
    return circuit


def conditional(operation):
    circuit = QuantumCircuit(1, 1)
    clbits = [0] if isinstance(operation, Measure) else []
    circuit.append(operation.c_if(circuit.clbits[0], 1), [0], clbits)
    return circuit


def two_registers():
    circuit = QuantumCircuit(QuantumRegister(1), ClassicalRegister(1), ClassicalRegister(1))
    circuit.measure(0, 1)
    return circuit


def reset():
    circuit = QuantumCircuit(1)
    circuit.reset(0)
    return circuit


def not_a_tuple(where):
    circuit = QuantumCircuit(1, 1)
    circuit.h(0)
    circuit.measure(0, 0)
    if where == "clbits":
        circuit._data[1].clbits = list(circuit.clbits)
    else:
        circuit._data[0 if where == "gate" else 1].qubits = list(circuit.qubits)
    return circuit


OTHERS = {
    "a barrier on a qubit twice": lambda: folded("reset"),
    "a gate's qubits in a list": lambda: not_a_tuple("gate"),
    "a measurement's qubits in a list": lambda: not_a_tuple("qubits"),
    "a measurement's clbits in a list": lambda: not_a_tuple("clbits"),
    "global phase": phased,
    "a gate after a measurement": used_again,
    "a conditional gate": lambda: conditional(HGate()),
    "a conditional measurement": lambda: conditional(Measure()),
    "two classical registers": two_registers,
    "a reset": reset,
    "a qubit's equal": lambda: foreign("qubit", 1),
    "a clbit's equal": lambda: foreign("clbit", 1),
    "a circuit within": lambda: QuantumCircuit(2).compose(
        RealAmplitudes(2).assign_parameters([1] * 8)
    ),
}


@pytest.mark.parametrize("name", OTHERS)
def test_others_go_the_long_way(name):
    circuit = OTHERS[name]()
    assert plain_program(circuit, False) is None
    assert_same(lower(circuit), Lowering(circuit).program())


def foreign(where, size=2):
    """Bits of a circuit of as many are equal to its own, but other objects."""
    circuit, other = QuantumCircuit(1, 1), QuantumCircuit(size, size)
    qubit = other.qubits if where == "qubit" else circuit.qubits
    clbit = other.clbits if where == "clbit" else circuit.clbits
    circuit._data.append(CircuitInstruction(Measure(), tuple(qubit[:1]), tuple(clbit[:1])))
    return circuit


def twice(gate, qubits):
    circuit = QuantumCircuit(2, name="twice")
    circuit.h(0)
    circuit._data.append(CircuitInstruction(gate, [circuit.qubits[q] for q in qubits]))
    return circuit


def with_angle(angle):
    circuit = QuantumCircuit(1, name="turned")
    circuit.append(RXGate(angle), [0])
    return circuit


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: with_angle(Parameter("a")), 'unbound parameter "a"'),
        (lambda: with_angle(math.nan), "a finite number is needed"),
        (lambda: with_angle(math.inf), "a finite number is needed"),
        (lambda: twice(CXGate(), [0, 0]), '"cx" acts on the same qubit twice'),
        (lambda: twice(CCXGate(), [0, 1, 0]), '"ccx" acts on the same qubit twice'),
        (lambda: twice(UnitaryGate(np.eye(4)), [1, 1]), '"unitary" acts on the same qubit twice'),
        (lambda: foreign("qubit"), "which is not in the circuit"),
        (lambda: foreign("clbit"), "which is not in the circuit"),
    ],
)
def test_the_long_way_says_what_is_wrong(make, message):
    circuit = make()
    assert plain_program(circuit, False) is None
    with pytest.raises(BasicAerError, match=message):
        lower(circuit)


def test_only_what_is_unitary():
    assert plain_program(measured(QuantumCircuit(1)), True) is None
    assert plain_program(QuantumCircuit(1), True) is not None
    with pytest.raises(BasicAerError, match='Unsupported "unitary_simulator" instruction'):
        lower(measured(QuantumCircuit(1)), unitary_only=True)


def test_a_task_made_quickly_is_the_same():
    fields = {
        name: value
        for name, value in Task(lower(QuantumCircuit(1))).__dict__.items()
        if name not in ("allow_sampling", "part")
    }
    quick, plain = Task.of(**fields), Task(**fields)
    assert quick.__dict__ == plain.__dict__
    assert quick.but(shots=3).__dict__ == {**plain.__dict__, "shots": 3}


def test_what_is_known_of_a_task_is_not_taken_for_that_of_another():
    task = Task(lower(PLAIN["measurements"]))
    assert plain_parts(task) is not None and plain_parts(task) is plain_parts(task)
    assert plain_parts(task.but(shots=1)) is None
    assert plain_parts(task.but(shots=2)) is not None
    again = pickle.loads(pickle.dumps(task))
    assert "plain" not in again.__dict__ and plain_parts(again) == plain_parts(task)
