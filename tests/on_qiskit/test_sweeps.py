"""A sweep gives the programs that binding gives."""

from __future__ import annotations

import numpy as np
import oracle
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter, ParameterVector
from qiskit.circuit import library as lib
from qiskit.circuit.library import standard_gates as sg
from versions import NUMBER, HamiltonianGate, needs, needs_conditions, needs_full_binding

from basicaer._engine.program import For, Gates, IfElse, Switch, While
from basicaer._qiskit.circuits.lower import lower
from basicaer._qiskit.circuits.sweep import Sweep
from basicaer.exceptions import BasicAerError

A, B, C = Parameter("a"), Parameter("b"), Parameter("c")


def assert_same(found, expected):
    """Two operations, or tuples of them, are the same but for the last bits of coefficients."""
    assert type(found) is type(expected)
    if isinstance(found, Gates):
        size = [k.num_targets for k in found.kinds]
        assert len(size) == len(expected.kinds)
        for (one, where), (other, there) in zip(
            oracle.gate_matrices(found), oracle.gate_matrices(expected)
        ):
            assert where == there
            assert np.allclose(one, other, atol=1e-14, rtol=0)
        assert len(found) == len(expected)
    elif isinstance(found, (IfElse, While, For, Switch)) or type(found) is tuple:
        assert len(found) == len(expected)
        for one, other in zip(found, expected):
            assert_same(one, other)
    else:
        assert found == expected


def assert_sweep(circuit, count=5, seed=0, **options):
    # (terra counts a loop's parameter among the circuit's.)
    parameters = [p for p in circuit.parameters if not p.name.startswith("_loop")]
    values = np.random.default_rng(seed).uniform(0.1, 6, (count, len(parameters)))
    programs = Sweep(circuit, parameters, **options).programs(values)
    assert len(programs) == count
    for row, program in zip(values, programs):
        expected = lower(circuit.assign_parameters(dict(zip(parameters, row))), **options)
        assert_same(program.body, expected.body)
        difference = program.global_phase - expected.global_phase
        assert np.exp(1j * difference) == pytest.approx(1, abs=1e-12)
        for name in ("num_qubits", "num_clbits", "samples"):
            assert getattr(program, name) == getattr(expected, name)
    return programs


@pytest.mark.parametrize(
    "gate_class",
    [
        pytest.param(gate_class, marks=needs_full_binding if gate_class is sg.CUGate else ())
        for gate_class, number in oracle.TABLE.items()
        if number
    ],
)
def test_every_gate(gate_class):
    expressions = [A, 2 * B - 0.5, 0.3, A * B][: oracle.TABLE[gate_class]]
    gate = gate_class(*expressions)
    circuit = QuantumCircuit(gate.num_qubits)
    circuit.append(gate, range(gate.num_qubits))
    circuit.append(gate, list(range(gate.num_qubits))[::-1])
    assert_sweep(circuit)


def test_expressions():
    circuit = QuantumCircuit(1)
    for expression in (A, -A, A + B, A * B / 3, A.sin(), (A * B).exp(), A.log(), A.arctan(),
                       A - A, 1 / A, 2 * A + 1):  # fmt: skip
        circuit.rx(expression, 0)
    if NUMBER >= (0, 45):
        circuit.rx(abs(A - 3), 0)
        circuit.rx((A - 3).sign(), 0)
    assert_sweep(circuit)


def test_ansatz_shares_its_structure():
    programs = assert_sweep(lib.EfficientSU2(4, reps=2), count=20)
    first, last = programs[0].body[0], programs[-1].body[0]
    for name in ("kinds", "kind", "start", "qubits", "offset"):
        assert getattr(first, name) is getattr(last, name)


@needs_full_binding
def test_composites_controls_and_phases():
    inner = QuantumCircuit(2, global_phase=A)
    inner.rzz(A, 0, 1)
    inner.append(sg.GlobalPhaseGate(2 * B), [])
    circuit = QuantumCircuit(4, global_phase=B + 1)
    circuit.append(inner.to_gate(), [3, 1])
    circuit.append(sg.RYGate(A).control(2, ctrl_state=1), [0, 3, 2])
    circuit.append(sg.CUGate(A, B, 0.3, C, ctrl_state=0), [1, 0])
    circuit.append(lib.MCPhaseGate(A, 3), [0, 1, 2, 3])
    assert_sweep(circuit)


@needs_conditions
def test_control_flow():
    circuit = QuantumCircuit(2, 2)
    circuit.measure(0, 0)
    circuit.rx(A, 0).c_if(0, 1)
    with circuit.if_test((circuit.clbits[0], 1)) as otherwise:
        circuit.ry(B, 0)
    with otherwise:
        circuit.rz(A + B, 1)
    with circuit.for_loop(range(3)) as index:
        circuit.rx(index * A, 0)
    with circuit.for_loop(range(3)):
        circuit.p(B, 0)
        circuit.break_loop()
    with circuit.while_loop((circuit.clbits[1], 1)):
        circuit.rx(C, 1)
        circuit.measure(1, 1)
    with circuit.switch(circuit.cregs[0]) as case, case(1, 2):
        circuit.cp(A, 0, 1)
    programs = assert_sweep(circuit)
    bodies = next(op for op in programs[0].body[::-1] if isinstance(op, For)).bodies
    assert bodies[0] is bodies[2]


def test_loop_parameter_with_a_value_from_outside():
    circuit = QuantumCircuit(1)
    body = QuantumCircuit(1)
    body.rx(A + B, 0)
    circuit.for_loop(range(3), A, body, [0], [])
    assert_sweep(circuit)


def test_what_has_numbers_only():
    circuit = QuantumCircuit(1)
    circuit.append(HamiltonianGate(np.array([[1, 0.5], [0.5, -1]]), A), [0])
    circuit.rx(B, 0)
    assert_sweep(circuit)


@needs_conditions
def test_conditions_known_beforehand():
    circuit = QuantumCircuit(1, 1)
    circuit.rx(A, 0).c_if(0, 0)
    circuit.rx(B, 0).c_if(0, 1)
    assert_sweep(circuit)


def test_no_values_and_no_parameters():
    circuit = QuantumCircuit(1)
    circuit.rx(A * 2, 0)
    assert Sweep(circuit, [A]).programs(np.zeros((0, 1))) == []
    plain = QuantumCircuit(1)
    plain.h(0)
    assert len(Sweep(plain, []).programs(np.zeros((3, 0)))) == 3


def test_unitary_only():
    circuit = QuantumCircuit(1, 1)
    circuit.rx(A, 0)
    assert_sweep(circuit, unitary_only=True)
    circuit.measure(0, 0)
    with pytest.raises(BasicAerError, match="measure"):
        Sweep(circuit, [A], unitary_only=True).programs([[1.0]])


@pytest.mark.parametrize(
    ("parameters", "values", "text"),
    [
        ([A], [[1.0]], '"b"'),
        ([A, B, C], [[1.0, 2.0, 3.0]], '"c"'),
        ([A, B, A], [[1.0, 2.0, 3.0]], "twice"),
        ([A, B], [[1.0]], "shape"),
        ([A, B], [1.0, 2.0], "shape"),
        ([A, B], [[1.0, 2.0], [1.0, np.nan]], "nan in row 1"),
        ([A, B], [[1.0, 2.0], [1.0, 0.0]], "1/b|division|NaN"),
    ],
)
def test_bad_input(parameters, values, text):
    circuit = QuantumCircuit(1, name="ansatz")
    circuit.rx(A, 0)
    circuit.rx(1 / B, 0)
    with pytest.raises(BasicAerError, match=text):
        Sweep(circuit, parameters).programs(values)


def test_vectors():
    vector = ParameterVector("v", 12)
    circuit = QuantumCircuit(2)
    for element in vector:
        circuit.rx(element, 0)
        circuit.crz(2 * element, 0, 1)
    assert_sweep(circuit)


def test_a_sweep_is_used_again():
    circuit = QuantumCircuit(2, global_phase=A)
    circuit.rx(A, 0)
    circuit.crz(A * B + 1, 0, 1)
    circuit.ry((A - B).log(), 1)  # of negative numbers there is none: bound one by one, and refused
    same = circuit.copy()
    sweep = Sweep(circuit, [B, A])
    circuit.x(0)
    for values in ([[0.1, 0.3], [0.2, 2.0]], [[1.0, 5.0]], []):
        found = sweep.programs(np.reshape(values, (-1, 2)))
        assert len(found) == len(values)
        for program, (b, a) in zip(found, values):
            expected = lower(same.assign_parameters({A: a, B: b}))
            assert_same(program.body, expected.body)
            assert program.global_phase == pytest.approx(expected.global_phase)
    with pytest.raises(BasicAerError, match="no real number"):
        sweep.programs([[2.0, 3.0], [1.0, 0.5]])


def test_an_expression_that_is_compiled_wrongly_is_bound(monkeypatch):
    symengine = pytest.importorskip("symengine")

    def wrong(symbols, expressions):
        return lambda values: np.full((len(values), len(expressions)), 0.5)

    monkeypatch.setattr(symengine, "Lambdify", wrong)
    circuit = QuantumCircuit(1)
    circuit.rx(A * B, 0)
    assert_sweep(circuit)


@needs((0, 25), "has no sign of expressions")
def test_what_is_not_real_is_not_compiled():
    circuit = QuantumCircuit(1)
    circuit.rx(A.log().sign(), 0)  # the sign of NaN is 0
    with pytest.raises(BasicAerError, match="no real number"):
        Sweep(circuit, [A]).programs([[2.0], [-1.0]])
    (program,) = Sweep(circuit, [A]).programs([[2.0]])
    assert_same(program.body, lower(circuit.assign_parameters({A: 2.0})).body)


def test_a_matrix_that_is_changed_afterwards():
    matrix = np.array([[0.0, 1], [1, 0]], dtype=complex)
    circuit = QuantumCircuit(1)
    circuit.append(HamiltonianGate(matrix, A), [0])
    sweep = Sweep(circuit, [A])
    (before,) = sweep.programs([[0.5]])
    gate = circuit.data[0].operation
    gate.params[0][:] = np.eye(2)
    (after,) = sweep.programs([[0.5]])
    assert_same(before.body, after.body)
    (changed,) = Sweep(circuit, [A]).programs([[0.5]])
    assert not np.allclose(changed.body[0].coefficients, after.body[0].coefficients)
