"""Gates made of gates: composite, controlled, annotated, inverted, and on no qubit at all.

What the simulators return is compared with terra's `Statevector` and `Operator`, which are given
each gate's matrix; that is made of the matrices of its parts in numpy.
"""

from __future__ import annotations

import cmath
import math
from fractions import Fraction
from typing import Any, ClassVar, NamedTuple

import numpy as np
import oracle
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import ControlledGate, Gate, Parameter
from qiskit.circuit import library as lib
from qiskit.circuit.library import standard_gates as sg
from qiskit.quantum_info import Operator, Statevector, random_clifford
from versions import NUMBER, needs_annotations, needs_conditions

from basicaer import BasicAer
from basicaer._qiskit.versions import (
    AnnotatedOperation,
    ControlModifier,
    DiagonalGate,
    InverseModifier,
    PowerModifier,
    UnitaryGate,
)
from basicaer.exceptions import BasicAerError

STATEVECTOR = BasicAer.get_backend("statevector_simulator")
UNITARY = BasicAer.get_backend("unitary_simulator")

TOLERANCE = {"double": 1e-12, "single": 2e-5}
WAYS = [
    (precision, fusion, live)
    for precision in ("double", "single")
    for fusion in (True, False)
    for live in (True, False)
]
"""Precision, fusion, and whether all qubits have left |0> before the gates come."""


class Made(NamedTuple):
    """An operation, its matrix, and whether terra can invert it and raise it to a power."""

    operation: Any
    matrix: np.ndarray
    plain: bool = True

    @property
    def width(self) -> int:
        return self.operation.num_qubits


def behind(operation: Any, num_controls: int, state: int) -> Any:
    """The operation, controlled, without the definition that terra would make at once."""
    if not isinstance(operation, Gate):
        return AnnotatedOperation(operation, ControlModifier(num_controls, state))
    width, params = num_controls + operation.num_qubits, list(operation.params)
    return ControlledGate("controlled", width, params, None, num_controls, None, state, operation)


class Maker:
    """Makes operations at random."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)

    def choice(self, *options: Any) -> Any:
        return options[self.rng.integers(len(options))]

    def angle(self) -> float:
        return float(self.rng.uniform(-3, 3))

    def seed(self) -> int:
        return int(self.rng.integers(1 << 30))

    def operation(self, width: int, depth: int) -> Made:
        """An operation on `width` qubits, at most `depth` steps from gates of the library."""
        steps = [self.leaf]
        if depth:
            steps += [self.composite, self.controlled, self.inverted]
            if NUMBER >= (0, 45):
                steps += [self.annotated]
        return self.choice(*steps)(width, depth)

    def leaf(self, width: int, depth: int) -> Made:
        if width == 0:
            angle = self.angle()
            phase = np.array([[cmath.exp(1j * angle)]])
            return Made(self.choice(UnitaryGate(phase), sg.GlobalPhaseGate(angle)), phase)
        known = [c for c, needed in oracle.WIDTHS.items() if needed == width]
        kinds = ["unitary", "diagonal", "pauli"] + ["table"] * (3 if known else 0)
        kind = self.choice(*kinds)
        if kind == "unitary":
            operation = UnitaryGate(oracle.random_unitary(width, self.seed()))
        elif kind == "diagonal":
            operation = DiagonalGate(np.exp(1j * self.rng.uniform(-3, 3, 1 << width)).tolist())
        elif kind == "pauli":
            operation = lib.PauliGate("".join(self.choice(*"IXYZ") for _ in range(width)))
        else:
            operation = oracle.random_gate(self.choice(*known), self.rng)
        return Made(operation, Operator(operation).data)

    def composite(self, width: int, depth: int) -> Made:
        phase = self.choice(0.0, self.angle())
        circuit = QuantumCircuit(width, global_phase=phase)
        matrix = np.eye(1 << width) * cmath.exp(1j * phase)
        plain = True
        for _ in range(self.rng.integers(4)):
            inner = self.operation(int(self.rng.integers(width + 1)), depth - 1)
            on = self.rng.permutation(width)[: inner.width].tolist()
            circuit.append(inner.operation, on)
            matrix = oracle.apply_matrix(matrix, inner.matrix, on)
            plain = plain and inner.plain
        only_gates = all(isinstance(each.operation, Gate) for each in circuit.data)
        operation = circuit.to_gate() if only_gates else circuit.to_instruction()
        return Made(operation, matrix, plain)

    def controlled(self, width: int, depth: int) -> Made:
        num_controls = int(self.rng.integers(width + 1))
        base = self.operation(width - num_controls, depth - 1)
        if not num_controls:
            return base
        state = int(self.rng.integers(1 << num_controls))
        matrix = oracle.controlled_matrix(base.matrix, num_controls, state)
        if isinstance(base.operation, UnitaryGate) and num_controls <= 2:
            return Made(base.operation.control(num_controls, ctrl_state=state), matrix, False)
        return Made(behind(base.operation, num_controls, state), matrix, False)

    def inverted(self, width: int, depth: int) -> Made:
        base = self.operation(width, depth - 1)
        if not base.plain or base.operation.__class__ is sg.U2Gate:
            return base
        return Made(base.operation.inverse(), base.matrix.conj().T)

    def annotated(self, width: int, depth: int) -> Made:
        num_controls = int(self.rng.integers(min(width, 3) + 1))
        base = self.operation(width - num_controls, depth - 1)
        modifiers: list[Any] = []
        while num_controls:
            count = int(self.rng.integers(1, num_controls + 1))
            modifiers.append(ControlModifier(count, int(self.rng.integers(1 << count))))
            num_controls -= count
        if base.plain:
            for _ in range(self.rng.integers(3)):
                modifier = self.choice(InverseModifier(), PowerModifier(self.choice(2, 0, -1, -3)))
                modifiers.insert(int(self.rng.integers(len(modifiers) + 1)), modifier)
        matrix = modified(base.matrix, modifiers)
        return Made(AnnotatedOperation(base.operation, modifiers), matrix, False)


def root(matrix, exponent):
    """The matrix to a power that is no integer; each eigenvalue's is the principal one."""
    values, vectors = np.linalg.eig(matrix)
    return vectors @ np.diag(values ** float(exponent)) @ np.linalg.inv(vectors)


def raised(matrix, exponent):
    """The matrix to any real power."""
    whole = exponent == int(exponent)
    return np.linalg.matrix_power(matrix, int(exponent)) if whole else root(matrix, exponent)


def modified(matrix, modifiers):
    """What an annotated operation does: terra's `to_matrix`, which takes no root before 1.0."""
    for modifier in modifiers:
        if isinstance(modifier, ControlModifier):
            matrix = oracle.controlled_matrix(matrix, modifier.num_ctrl_qubits, modifier.ctrl_state)
        else:
            matrix = raised(matrix, getattr(modifier, "power", -1))
    return matrix


def moved(num_qubits: int) -> QuantumCircuit:
    """A circuit that takes every qubit out of |0>."""
    circuit = QuantumCircuit(num_qubits)
    for qubit in range(num_qubits):
        circuit.u(0.9 + 0.1 * qubit, 0.4, -0.3 * qubit, qubit)
    return circuit


def state_of(circuit: QuantumCircuit, precision: str, fusion: bool) -> np.ndarray:
    job = STATEVECTOR.run(circuit, precision=precision, fusion=fusion)
    return np.asarray(job.result().get_statevector())


def unitary_of(circuit: QuantumCircuit, precision: str, fusion: bool) -> np.ndarray:
    return np.asarray(
        UNITARY.run(circuit, precision=precision, fusion=fusion).result().get_unitary()
    )


@pytest.mark.parametrize("num_qubits", range(1, 13))
def test_circuits_of_made_gates(num_qubits):
    for number, (precision, fusion, live) in enumerate(WAYS * 2):
        maker = Maker(1000 * num_qubits + number)
        circuit = moved(num_qubits) if live else QuantumCircuit(num_qubits)
        state = Statevector(circuit)
        unitary = Operator(circuit) if num_qubits <= 5 else None
        for _ in range(10):
            made = maker.operation(int(maker.rng.integers(min(num_qubits, 5) + 1)), 3)
            on = maker.rng.permutation(num_qubits)[: made.width].tolist()
            circuit.append(made.operation, on)
            if made.width:
                state = state.evolve(Operator(made.matrix), on)
                unitary = unitary and unitary.compose(Operator(made.matrix), on)
            else:
                state = state * made.matrix[0, 0]
                unitary = unitary and unitary * made.matrix[0, 0]
        found = state_of(circuit, precision, fusion)
        np.testing.assert_allclose(found, state.data, rtol=0, atol=TOLERANCE[precision])
        if unitary is not None:
            found = unitary_of(circuit, precision, fusion)
            np.testing.assert_allclose(found, unitary.data, rtol=0, atol=TOLERANCE[precision])


PHASE = np.array([[cmath.exp(0.7j)]])


def opaque_phase():
    """A gate on no qubit that is known by its matrix alone."""

    class Opaque(Gate):
        def __init__(self):
            super().__init__("opaque", 0, [])

        def __array__(self, dtype=None, copy=None):
            return np.array(PHASE, dtype=dtype)

    return Opaque()


def composite_phase():
    circuit = QuantumCircuit(0, global_phase=0.2)
    circuit.append(sg.GlobalPhaseGate(0.5), [])
    return circuit.to_gate()


def diagonal_phase():
    """Terra refuses to make it, but a gate can be changed into it."""
    gate = DiagonalGate([1, 1j])
    gate.num_qubits, gate.params = 0, [PHASE[0, 0]]
    return gate


def squared_phase():
    return AnnotatedOperation(UnitaryGate([[cmath.exp(0.35j)]]), PowerModifier(2))


PHASES = [
    lambda: UnitaryGate(PHASE),
    lambda: sg.GlobalPhaseGate(0.7),
    opaque_phase,
    composite_phase,
    diagonal_phase,
    pytest.param(squared_phase, marks=needs_annotations),
]


@pytest.mark.parametrize("num_qubits", [1, 2, 3, 7, 10])
@pytest.mark.parametrize(
    "make", PHASES, ids=["unitary", "phase", "opaque", "composite", "diagonal", "squared"]
)
def test_gate_without_targets(make, num_qubits):
    """Behind no control, and behind some, in each state of theirs, at once and one by one."""
    for num_controls in range(min(num_qubits, 3) + 1):
        for state in range(1 << num_controls):
            at_once = make() if not num_controls else behind(make(), num_controls, state)
            nested = make()
            for bit in range(num_controls):
                nested = behind(nested, 1, state >> num_controls - 1 - bit & 1)
            matrix = oracle.controlled_matrix(PHASE, num_controls, state)
            for operation in (at_once, nested):
                for live in (True, False):
                    circuit = moved(num_qubits) if live else QuantumCircuit(num_qubits)
                    expected = Statevector(circuit).data
                    on = list(range(num_qubits))[::-1][:num_controls]
                    expected = oracle.apply_matrix(expected, matrix, on)
                    circuit.append(operation, on)
                    for precision in TOLERANCE:
                        found = state_of(circuit, precision, fusion=True)
                        assert np.allclose(found, expected, rtol=0, atol=TOLERANCE[precision])


@pytest.mark.parametrize("num_controls", [1, 2, 3])
def test_unitary_without_targets_controlled_by_terra(num_controls):
    for num_qubits in (7, 10):
        circuit = moved(num_qubits)
        circuit.append(UnitaryGate([[1j]]).control(num_controls), range(num_controls))
        expected = Statevector(circuit).data
        found = state_of(circuit, "double", fusion=True)
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


@needs_conditions
@pytest.mark.parametrize("value", [0, 1])
def test_gate_without_targets_on_condition(value):
    circuit = QuantumCircuit(7, 1)
    circuit.x(0)
    circuit.h(6)
    circuit.measure(0, 0)
    circuit.append(UnitaryGate([[1j]]).control(1).c_if(circuit.clbits[0], value), [6])
    expected = np.zeros(128, dtype=complex)
    expected[[1, 65]] = np.sqrt(0.5) * np.array([1, 1j if value else 1])
    found = state_of(circuit, "double", fusion=True)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


def test_matrix_of_one_entry_that_is_no_phase():
    gate = UnitaryGate([[1]])
    for value in (2, np.nan):
        gate.params[0] = np.array([[value]], dtype=complex)
        circuit = QuantumCircuit(1, name="experiment")
        circuit.append(gate, [])
        with pytest.raises(BasicAerError, match=r'"experiment": instruction "unitary".*unitary'):
            STATEVECTOR.run(circuit)


@needs_annotations
class TestModifiers:
    """They are applied one after another."""

    INVERSE = (InverseModifier,)
    ORDERS: ClassVar = [
        [(PowerModifier, 2), (PowerModifier, 0.5)],
        [(PowerModifier, 0.5), (PowerModifier, 2)],
        [(PowerModifier, 2.0), INVERSE, (PowerModifier, 0.25)],
        [(PowerModifier, 3), INVERSE, (PowerModifier, 2)],
        [(PowerModifier, 4), (ControlModifier, 1, 0), (PowerModifier, 0.5), INVERSE],
        [(ControlModifier, 1, 0), INVERSE, (ControlModifier, 2, 2), (PowerModifier, 3)],
        [(PowerModifier, -2), (PowerModifier, -0.5), (ControlModifier, 1, 1)],
        [(PowerModifier, 0), (PowerModifier, 0.5)],
        [(PowerModifier, Fraction(3, 2)), (PowerModifier, np.float64(2))],
        [INVERSE, INVERSE, (PowerModifier, 1)],
    ]
    BASES: ClassVar = [
        sg.ZGate(),
        sg.SXGate(),
        sg.TGate(),
        sg.RZXGate(0.3),
        UnitaryGate(oracle.random_unitary(2, 5)),
        composite_phase(),
        QuantumCircuit(1, global_phase=0.3).to_instruction(),
        random_clifford(2, seed=1),
    ]

    @pytest.mark.parametrize("order", ORDERS, ids=lambda o: "-".join(str(m[1:]) for m in o))
    @pytest.mark.parametrize("base", BASES, ids=lambda base: base.name)
    def test_order(self, base, order):
        modifiers = [kind(*values) for kind, *values in order]
        operation = AnnotatedOperation(base, modifiers)
        circuit = QuantumCircuit(operation.num_qubits)
        circuit.append(operation, range(operation.num_qubits))
        expected = modified(Operator(base).data, modifiers)
        if all(getattr(modifier, "power", 1).__class__ is int for modifier in modifiers):
            assert np.allclose(operation.to_matrix().data, expected, atol=1e-12)
        assert np.allclose(oracle.unitary(circuit), expected, rtol=0, atol=1e-12)

    def test_root_of_the_square_of_z_is_the_identity(self):
        operation = AnnotatedOperation(sg.ZGate(), [PowerModifier(2), PowerModifier(0.5)])
        circuit = QuantumCircuit(1)
        circuit.append(operation, [0])
        assert np.allclose(oracle.unitary(circuit), np.eye(2), rtol=0, atol=1e-12)

    @pytest.mark.parametrize(
        ("power", "message"),
        [
            (math.inf, "the power inf; a finite number"),
            (-math.inf, "the power -inf; a finite number"),
            (math.nan, "the power nan; a finite number"),
            ("x", "the power 'x'; a real number"),
            (1j, "the power 1j; a real number"),
            (None, "the power None; a real number"),
            (10**400, "a power beyond"),
            (Parameter("p"), 'the unbound parameter "p"'),
        ],
        ids=lambda value: str(value)[:9],
    )
    def test_powers_that_are_none(self, power, message):
        circuit = QuantumCircuit(1, name="experiment")
        circuit.append(AnnotatedOperation(sg.ZGate(), PowerModifier(power)), [0])
        with pytest.raises(BasicAerError) as caught:
            STATEVECTOR.run(circuit)
        assert message in caught.value.message
        assert 'circuit "experiment": instruction "annotated"' in caught.value.message
