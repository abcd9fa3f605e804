"""One-pass circuits: `plain_program` and `Lowering` give the same program."""

from __future__ import annotations

import math
import pickle

import numpy as np
import oracle
import pytest
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit import CircuitInstruction, Clbit, Measure, Parameter, Qubit
from qiskit.circuit.library import CCXGate, CXGate, HGate, RealAmplitudes, RXGate
from versions import (
    NUMBER,
    mutable,
    needs_conditions,
    needs_expressions,
    needs_foreign_bits,
)

from basicaer._engine import one_pass
from basicaer._engine.control import Control
from basicaer._engine.execute import execute
from basicaer._engine.program import Gates
from basicaer._engine.shots.draws import Stream
from basicaer._engine.task import Task
from basicaer._qiskit.circuits.gate_reader import plain_program
from basicaer._qiskit.circuits.lower import lower
from basicaer._qiskit.circuits.lowering import Lowering
from basicaer._qiskit.versions import CONDITIONS, UnitaryGate, expr
from basicaer.exceptions import BasicAerError


def assert_same(ours, expected):
    for name in ("num_qubits", "num_clbits", "global_phase", "name", "samples"):
        assert getattr(ours, name) == getattr(expected, name), name
    assert ours.__dict__.keys() - {"outline"} == expected.__dict__.keys() - {"outline"}
    assert ours.outline._replace(runs=()) == expected.outline._replace(runs=())
    runs = [each for each in ours.body if isinstance(each, Gates)] * ours.outline.is_one_pass
    assert list(map(id, ours.outline.runs)) == list(map(id, runs))
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
    """Maps two qubits of a circuit to one; terra runs it."""
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
    **({"a barrier on a qubit twice": folded("nothing")} if NUMBER < (1, 0) else {}),
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
    "global phase": phased,
    "a gate after a measurement": used_again,
    "two classical registers": two_registers,
    "a reset": reset,
    "a circuit within": lambda: QuantumCircuit(2).compose(
        RealAmplitudes(2).assign_parameters([1] * 8)
    ),
}
if CONDITIONS:
    OTHERS["a conditional gate"] = lambda: conditional(HGate())
    OTHERS["a conditional measurement"] = lambda: conditional(Measure())
if NUMBER < (1, 0):  # otherwise Qiskit makes no such circuits
    OTHERS["a qubit's equal"] = lambda: foreign("qubit", 1)
    OTHERS["a clbit's equal"] = lambda: foreign("clbit", 1)
    OTHERS["a barrier on a qubit twice"] = lambda: folded("reset")
    OTHERS["a gate's qubits in a list"] = lambda: not_a_tuple("gate")
    OTHERS["a measurement's qubits in a list"] = lambda: not_a_tuple("qubits")
    OTHERS["a measurement's clbits in a list"] = lambda: not_a_tuple("clbits")


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
        pytest.param(lambda: foreign("qubit"), "not in the circuit", marks=needs_foreign_bits),
        pytest.param(lambda: foreign("clbit"), "not in the circuit", marks=needs_foreign_bits),
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
    fields = {"program": lower(QuantumCircuit(1)), "seed": 5, "chop": 0.5}
    quick, plain = Task.of({**fields, "seed": 1}, seed=5, threads=2), Task(**fields, threads=2)
    for name in Task.__dataclass_fields__:
        assert getattr(quick, name) is getattr(plain, name), name
    other = quick.replace(shots=3)
    assert (other.shots, other.seed, other.fusion, other.part) == (3, 5, True, None)


def test_how_a_task_is_run():
    task = Task(lower(PLAIN["measurements"]))
    assert task.is_one_pass and task.method == "sampled"
    assert task.replace(shots=2).is_one_pass
    for other in (task.replace(shots=1), task.replace(allow_sampling=False)):
        assert not other.is_one_pass and other.method == "branching"
        assert other.replace(branching=False).method == "shot_by_shot"
    for output in ("statevector", "unitary"):
        assert not task.replace(output=output).is_one_pass  # it measures
        unmeasured = Task(lower(PLAIN["gates"]), output=output)
        assert unmeasured.is_one_pass and unmeasured.method == output
    again = pickle.loads(pickle.dumps(task))
    assert "outline" in task.program.__dict__ and "outline" not in again.program.__dict__
    assert again.program.outline == task.program.outline


@pytest.mark.parametrize("precision", ["double", "single"])
@pytest.mark.parametrize("shots", [2, 100, 5000])
def test_a_narrow_task_has_the_outcomes_and_figures_of_any_other(monkeypatch, precision, shots):
    narrow = 0
    for seed in range(40):
        width = 1 + seed % 7
        circuit = oracle.random_circuit(width, 8 * (1 + seed % 12), seed)
        circuit.global_phase = 0.3 * (seed % 3)
        clbits = QuantumCircuit(width, 1 + seed % width).clbits
        circuit.add_bits(clbits)
        on = np.random.default_rng(seed).permutation(width)[: len(clbits)]
        circuit.measure((np.sort(on) if seed % 4 else on).tolist(), clbits)
        found = []
        for _ in range(2):
            task = Task(lower(circuit), shots=shots, seed=seed, precision=precision)
            if seed % 5 == 0:
                task = task.replace(seed=Stream(seed, 3))
            narrow += one_pass._is_narrow(task)
            control = Control()
            outcome = execute(task, control)
            times = outcome.metadata.pop("time")
            found.append((outcome.memory, outcome.metadata, times.keys(), control.flags.tolist()))
            monkeypatch.setattr(one_pass, "_is_narrow", lambda task: False)
        monkeypatch.undo()
        assert found[0][1:] == found[1][1:]
        np.testing.assert_array_equal(found[0][0], found[1][0])
        assert found[0][0].dtype == np.uint64 and found[0][0].shape == (shots, 1)
    assert narrow > 20


def set_condition(circuit, condition):
    """Gives the last instruction a condition, where instructions have any."""
    if not CONDITIONS:
        return
    last = circuit.data[-1]
    operation = mutable(last.operation)
    operation.condition = condition
    circuit.data[-1] = last.replace(operation=operation)


def any_circuit(seed):
    """Gates, measurements and what can stand between them, under conditions, nested."""
    random = np.random.default_rng(seed)

    def fill(circuit, depth, length):
        for _ in range(length):
            roll = random.random()
            if roll < 0.2:
                circuit.measure(int(random.integers(3)), int(random.integers(2)))
            elif roll < 0.25:
                circuit.id(0)
            elif roll < 0.5 and depth:
                inner = QuantumCircuit(QuantumRegister(3), ClassicalRegister(2))
                fill(inner, depth - 1, int(random.integers(1, 4)))
                circuit.append(inner.to_instruction(), range(3), range(2))
            else:
                circuit.h(int(random.integers(3)))
            register = circuit.cregs[0]
            value = int(random.integers(4))
            if random.random() < 0.25:
                set_condition(circuit, (register, value))
            elif random.random() < 0.15:
                set_condition(circuit, (register[0], value & 1))
            elif random.random() < 0.1 and not depth < 2:
                set_condition(circuit, expr.less(register, value))

    circuit = QuantumCircuit(QuantumRegister(3), ClassicalRegister(2))
    fill(circuit, 2, int(random.integers(1, 6)))
    if random.random() < 0.6:
        circuit.measure([0, 1], [0, 1])
    return circuit


@needs_expressions
def test_what_is_sampled_is_gates_and_then_measurements():
    """Sampled programs are one-pass, so that `run_one_pass` is the only way to sample."""
    sampled = nested = 0
    for seed in range(1500):
        circuit = any_circuit(seed)
        program = lower(circuit)
        if program.samples:
            sampled += 1
            nested += any(each.operation.definition is not None for each in circuit.data)
            assert program.outline.is_one_pass, circuit.decompose().draw()
    assert sampled > 300 and nested > 100


@needs_conditions
@needs_expressions
@pytest.mark.parametrize(("value", "expected"), [(0, 1), (2, 0)])
def test_what_a_condition_says_before_anything_is_measured_is_known(value, expected):
    inner = QuantumCircuit(QuantumRegister(1), ClassicalRegister(2))
    inner.x(0)
    set_condition(inner, (inner.cregs[0], value))
    circuit = QuantumCircuit(QuantumRegister(1), ClassicalRegister(2))
    circuit.append(inner.to_instruction(), [0], [0, 1])
    set_condition(circuit, expr.less(circuit.cregs[0], 1))
    circuit.measure(0, 0)
    program = lower(circuit)
    assert program.samples and program.outline.num_gates == expected
    assert set(execute(Task(program), Control()).memory[:, 0].tolist()) == {expected}
