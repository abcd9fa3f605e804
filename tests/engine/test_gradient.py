"""Gradients by the adjoint method: against an oracle in plain numpy, and finite differences."""

from __future__ import annotations

import itertools
import pickle
import threading
import time

import numpy as np
import oracle
import pytest
from oracle import random_observable
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter, ParameterExpression, ParameterVector
from qiskit.circuit.exceptions import CircuitError
from qiskit.circuit.library import standard_gates as sg
from qiskit.circuit.library.generalized_gates.rv import RVGate
from qiskit.quantum_info import Operator, SparsePauliOp
from scipy.linalg import expm_frechet

import basicaer._engine.state.state as state_module
from basicaer._engine import costs, memory
from basicaer._engine.control import DONE, Cancelled, Control
from basicaer._engine.errors import EngineError
from basicaer._engine.gate_table import GATES, PHASE, PHASE_IF_0, ROW_OF_NAME, SCALAR
from basicaer._engine.gradient import adjoint as adjoint_module
from basicaer._engine.gradient import structure
from basicaer._engine.gradient.adjoint import Adjoint
from basicaer._engine.gradient.generators import FreeGate, rules, slopes
from basicaer._engine.pauli_sums import PauliSum
from basicaer._engine.program import (
    DENSE,
    BitsEqual,
    IfElse,
    Measure,
    Prepare,
    Program,
    Reset,
)
from basicaer._qiskit.circuits.lower import lower
from basicaer._qiskit.circuits.lowering import Lowering
from basicaer._qiskit.circuits.sweep import Sweep
from basicaer._qiskit.observables import pauli_sum

TOLERANCE = {"double": 1e-11, "single": 1e-4}
WITH_ANGLES = [gate_class for gate_class, count in oracle.TABLE.items() if count]


@pytest.fixture
def many_threads(monkeypatch):
    """Uses threads, small blocks and many rows at any size."""
    monkeypatch.setattr(state_module, "block_qubits", lambda *_: 6)
    monkeypatch.setattr(adjoint_module, "block_qubits", lambda *_: 6)
    monkeypatch.setitem(costs.THREADS_WORK, "state", 0)


# --- the oracle --------------------------------------------------------------------------------


def derivative_of_matrix(gate, which):
    """The derivative of a gate's matrix by one of its angles, from values of the matrix alone.

    Entries are trigonometric polynomials of period 4 pi and degree 2, which equidistant values
    determine; but for those of rv, an exponential of a matrix.
    """
    if isinstance(gate, RVGate):
        paulis = [SparsePauliOp(name).to_matrix() for name in "XYZ"]
        exponent = sum(-0.5j * float(v) * pauli for v, pauli in zip(gate.params, paulis))
        return expm_frechet(exponent, -0.5j * paulis[which], compute_expm=False)
    samples = 8
    shifts = 4 * np.pi * np.arange(samples) / samples
    values = []
    for shift in shifts:
        parameters = [float(p) + shift * (i == which) for i, p in enumerate(gate.params)]
        values.append(matrix_of(like(gate, parameters)))
    coefficients = np.fft.fft(values, axis=0) / samples
    frequencies = np.fft.fftfreq(samples, 1 / samples)
    assert abs(coefficients[abs(frequencies) > 2]).max() < 1e-14
    return np.tensordot(0.5j * frequencies, coefficients, axes=(0, 0))


def matrix_of(gate):
    """The matrix of a gate, from its definition where terra 0.24 has no other."""
    try:
        return gate.to_matrix()
    except CircuitError:
        return Operator(gate).data


def like(gate, parameters):
    """The same gate with other parameters."""
    options = {}
    if hasattr(gate, "num_ctrl_qubits"):
        options["ctrl_state"] = gate.ctrl_state
    return type(gate)(*parameters, **options)


class Case:
    """A circuit each of whose angles is a parameter, and what the oracle makes of it."""

    def __init__(self, num_qubits):
        self.circuit = QuantumCircuit(num_qubits)
        self.values = []
        self.parameters = []
        self._gates = []

    def append(self, gate, qubits):
        """Adds a gate; its angles become parameters, in order."""
        qubits = [int(qubit) for qubit in qubits]
        names = [Parameter(f"p{len(self.parameters) + i}") for i in range(len(gate.params))]
        self._gates.append((gate, qubits, len(self.values)))
        self.parameters += names
        self.values += [float(p) for p in gate.params]
        self.circuit.append(like(gate, names) if names else gate, qubits)

    def add_fixed(self, gate, qubits):
        """Adds a gate as it is."""
        qubits = [int(qubit) for qubit in qubits]
        self._gates.append((gate, qubits, None))
        self.circuit.append(gate, qubits)

    def expected(self, operators):
        """Values and derivatives, computed with dense vectors in float64."""
        num_qubits = self.circuit.num_qubits
        psi = np.zeros(1 << num_qubits, dtype=complex)
        psi[0] = 1
        slopes_ = np.zeros((1 << num_qubits, 0), dtype=complex)
        for gate, qubits, first in self._gates:
            matrix = matrix_of(gate)
            new = [] if first is None else range(len(gate.params))
            fresh = [
                oracle.apply_matrix(psi, derivative_of_matrix(gate, which), qubits) for which in new
            ]
            psi = oracle.apply_matrix(psi, matrix, qubits)
            if slopes_.shape[1]:
                slopes_ = oracle.apply_matrix(slopes_, matrix, qubits)
            slopes_ = np.hstack([slopes_, *[each[:, np.newaxis] for each in fresh]])
        values, found = [], []
        for operator in operators:
            image = operator.to_matrix(sparse=True) @ psi
            values.append(np.vdot(psi, image).real)
            found.append(2 * (image.conj() @ slopes_).real)
        return np.array(values), np.array(found)

    def found(self, operators, **options):
        """What the engine makes of it."""
        adjoint, program, angles, jacobian = prepared(self.circuit, self.parameters, self.values)
        result = adjoint.evaluate(program, angles, [pauli_sum(o) for o in operators], **options)
        return result.values, result.derivatives @ jacobian

    def check(self, operators, precision="double", **options):
        values, expected = self.expected(operators)
        got, found = self.found(operators, precision=precision, **options)
        scale = max(1.0, *[abs(o.coeffs).sum() for o in operators])
        tolerance = TOLERANCE[precision] * scale
        np.testing.assert_allclose(got, values, rtol=0, atol=tolerance)
        np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance)


def prepared(circuit, parameters, values):
    """What a caller has to provide: the structure, a program, its angles, and their Jacobian."""
    lowering = Lowering(circuit, True, frozenset(parameters))
    structure = lowering.program()
    body = list(structure.body)
    free, expressions = [], []
    for gates, frees in lowering.free:
        place = next(i for i, operation in enumerate(body) if operation is gates)
        offsets = gates.offset.tolist()
        for each in frees:
            gate = offsets.index(each.offset)
            free.append(FreeGate(place, gate, each.entries, len(each.parameters)))
            expressions += each.parameters
    bound = dict(zip(parameters, values))
    angles, jacobian = [], np.zeros((len(expressions), len(parameters)))
    for row, expression in enumerate(expressions):
        if not isinstance(expression, ParameterExpression):
            angles.append(float(expression))
            continue
        own = {p: bound[p] for p in expression.parameters}
        angles.append(float(expression.bind(own)))
        for p in expression.parameters:
            slope = expression.gradient(p)
            if isinstance(slope, ParameterExpression):
                slope = slope.bind({q: bound[q] for q in slope.parameters})
            jacobian[row, parameters.index(p)] = float(slope)
    program = Sweep(circuit, parameters, unitary_only=True).programs([values])[0]
    return Adjoint(structure, free), program, np.array(angles), jacobian


def ising(num_qubits):
    terms = [("ZZ", [q, q + 1], 1.0) for q in range(num_qubits - 1)]
    terms += [(name, [q], 0.5 + 0.1 * q) for q in range(num_qubits) for name in "XZ"]
    return SparsePauliOp.from_sparse_list(terms, num_qubits)


def spread_out(case, rng):
    """Brings a case's state into a superposition of everything, without angles."""
    for qubit in range(case.circuit.num_qubits):
        case.add_fixed(sg.UGate(*rng.uniform(-3, 3, 3)), [qubit])
    for qubit in range(case.circuit.num_qubits - 1):
        case.add_fixed(sg.CXGate(), [qubit, qubit + 1])


def random_case(num_qubits, num_gates, seed, classes=tuple(oracle.TABLE), fixed=0.2):
    rng = np.random.default_rng(seed)
    fitting = [c for c in classes if oracle.WIDTHS[c] <= num_qubits]
    case = Case(num_qubits)
    for _ in range(num_gates):
        gate = oracle.random_gate(fitting[rng.integers(len(fitting))], rng)
        qubits = rng.permutation(num_qubits)[: gate.num_qubits]
        add = case.add_fixed if rng.random() < fixed else case.append
        add(gate, qubits)
    return case


# --- the gate table ----------------------------------------------------------------------------


@pytest.mark.parametrize("gate_class", WITH_ANGLES, ids=lambda c: c.__name__)
def test_each_gate_of_the_table(gate_class):
    rng = np.random.default_rng(3)
    for trial in range(4):
        case = Case(4)
        spread_out(case, rng)
        gate = oracle.random_gate(gate_class, rng)
        case.append(gate, rng.permutation(4)[: gate.num_qubits])
        spread_out(case, rng)
        case.check([random_observable(4, 20, trial)])


@pytest.mark.parametrize("row", [row for row in GATES if row.num_params], ids=lambda row: row.name)
def test_slopes_are_those_of_finite_differences(row):
    rng = np.random.default_rng(1)
    for part in row.parts:
        for which in range(row.num_params):
            angles = rng.uniform(-3, 3, row.num_params)
            step = 1e-5 * np.eye(row.num_params)[which]
            above, below = (
                np.array(part.entries(SCALAR, *(angles + sign * step)), dtype=complex)
                for sign in (1, -1)
            )
            found = slopes(part.entries, angles)[which]
            np.testing.assert_allclose(found, (above - below) / 2e-5, rtol=0, atol=1e-9)
            columns = np.stack([angles, -angles]).T
            together = slopes(part.entries, columns)[which]
            np.testing.assert_allclose(together[0], found, rtol=0, atol=1e-15)
            assert together.shape == (2, len(found))


@pytest.mark.parametrize("vector", [(0, 0, 0), (1e-9, 0, 0), (0.05, 0.02, -0.03), (0, 2, 0)])
def test_rv_has_a_derivative_everywhere(vector):
    case = Case(2)
    spread_out(case, np.random.default_rng(0))
    case.append(RVGate(*map(float, vector)), [1])
    spread_out(case, np.random.default_rng(1))
    case.check([random_observable(2, 8, 0)])


def test_most_generators_are_constant():
    constant = set()
    for row in GATES:
        found = [
            rule
            for part in row.parts
            for rule in rules(part.entries, row.num_params, part.kind.form)
        ]
        if found and all(rule.constant is not None for rule in found):
            constant.add(row.name)
    assert {"rx", "ry", "rz", "p", "crx", "cry", "cp", "rxx", "ryy", "rzz", "rzx"} <= constant
    assert not {"u", "r", "rv", "u2"} & constant


@pytest.mark.parametrize("controls", [1, 2, 4])
@pytest.mark.parametrize("name", ["rx", "rz", "p", "u", "rzz", "xx_plus_yy"])
def test_any_number_of_controls_and_any_control_state(name, controls):
    rng = np.random.default_rng(controls)
    row = ROW_OF_NAME[name]
    (part,) = row.parts
    operator = random_observable(6, 20, 5)
    before, after = (lower_gates(oracle.random_circuit(6, 12, seed)) for seed in (3, 4))
    angles = rng.uniform(-3, 3, row.num_params)
    for state in {0, 1, (1 << controls) - 1, int(rng.integers(1 << controls))}:
        qubits = rng.permutation(6)[: controls + row.num_qubits].tolist()

        def program(*where, state=state, qubits=qubits):
            entries = np.array(part.entries(SCALAR, *where), dtype=complex)
            if part.kind.form == DENSE:
                entries = entries.reshape(1 << row.num_qubits, -1)
            return Program(6, 0, (before, oracle.run_of((entries, qubits, controls, state)), after))

        free = [FreeGate(1, 0, part.entries, row.num_params)]
        made = program(*angles)
        found = Adjoint(made, free).evaluate(made, angles, [pauli_sum(operator)])

        def energy(where, program=program):
            psi = oracle.apply_program(program(*where))
            return np.vdot(psi, operator.to_matrix(sparse=True) @ psi).real

        steps = 1e-6 * np.eye(row.num_params)
        expected = [(energy(angles + step) - energy(angles - step)) / 2e-6 for step in steps]
        np.testing.assert_allclose(found.derivatives[0], expected, rtol=1e-7, atol=1e-8)


def rotation_of_three(f, theta, phi):
    """Entries of exp(-i theta/2 P), P the string XYZ, its X turned by phi about Z."""
    found = []
    for row, column in itertools.product(range(8), repeat=2):
        cosine = f.cos(theta / 2) if row == column else 0
        turn = f.cis(phi) if column >> 2 and not row >> 2 else 1
        turn = f.cis(-phi) if row >> 2 and not column >> 2 else turn
        found.append(cosine + complex(-1j * XYZ[row, column]) * f.sin(theta / 2) * turn)
    return tuple(found)


XYZ = SparsePauliOp("XYZ").to_matrix()


def phases_of_three(f, theta, phi):
    """Entries of a diagonal on three qubits."""
    return tuple(f.cis(theta * row + phi * row * row) for row in range(8))


@pytest.mark.parametrize("entries", [rotation_of_three, phases_of_three])
@pytest.mark.parametrize("controls", [0, 1])
def test_gates_on_three_targets(build, precision, entries, controls):
    """No gate of the table is as wide, but the engine knows no bound."""
    rng = np.random.default_rng(controls)
    before, after = (lower_gates(oracle.random_circuit(7, 12, seed)) for seed in (3, 4))
    operator = random_observable(7, 20, 5)
    matrix = operator.to_matrix(sparse=True)
    angles = np.array([0.8, -1.3])
    for _ in range(4):
        qubits = rng.permutation(7)[: 3 + controls].tolist()

        def program(where, qubits=qubits):
            values = np.array(entries(SCALAR, *where), dtype=complex)
            values = values.reshape(8, -1) if len(values) == 64 else values
            return Program(7, 0, (before, oracle.run_of((values, qubits, controls, 0)), after))

        def energy(where, program=program):
            psi = oracle.apply_program(program(where))
            return np.vdot(psi, matrix @ psi).real

        made = program(angles)
        adjoint = Adjoint(made, [FreeGate(1, 0, entries, 2)])
        found = adjoint.evaluate(made, angles, [pauli_sum(operator)], precision=precision)
        steps = 1e-6 * np.eye(2)
        expected = [(energy(angles + step) - energy(angles - step)) / 2e-6 for step in steps]
        tolerance = 1e-7 if precision == "double" else 1e-3
        np.testing.assert_allclose(found.derivatives[0], expected, rtol=0, atol=tolerance)


def lower_gates(circuit):
    """The gate run of a circuit."""
    (gates,) = lower(circuit, unitary_only=True).body
    return gates


def finite_differences(circuit, parameters, values, operator):
    """Central differences of the energy, from the oracle's states."""
    matrix = operator.to_matrix(sparse=True)
    steps = 1e-6 * np.eye(len(values))
    where = np.concatenate([values + steps, values - steps])
    energies = []
    for program in Sweep(circuit, parameters, unitary_only=True).programs(where):
        state = oracle.apply_program(program)
        energies.append(np.vdot(state, matrix @ state).real)
    above, below = np.array(energies).reshape(2, -1)
    return (above - below) / 2e-6


# --- circuits ----------------------------------------------------------------------------------


@pytest.mark.parametrize("num_qubits", range(1, 9))
@pytest.mark.parametrize("seed", range(4))
def test_random_circuits(num_qubits, seed):
    case = random_case(num_qubits, 40, seed)
    case.check([random_observable(num_qubits, 12, seed), ising(num_qubits)])


@pytest.mark.parametrize("seed", range(6))
def test_gates_that_share_sites(seed):
    """Circuits of one- and two-qubit gates, in which many gates follow one another on a site."""
    classes = (
        sg.RXGate, sg.RZGate, sg.UGate, sg.XGate, sg.SGate, sg.RXXGate, sg.RZZGate, sg.RYYGate,
        sg.CZGate, sg.CXGate, sg.RZXGate, sg.XXPlusYYGate, sg.SwapGate, sg.CRZGate, sg.CPhaseGate,
    )  # fmt: skip
    case = random_case(3, 60, seed, classes, fixed=0.3)
    case.check([random_observable(3, 12, seed)])


@pytest.mark.parametrize("seed", range(6))
def test_diagonal_gates_commute(seed):
    classes = (sg.RZGate, sg.RZZGate, sg.CRZGate, sg.CPhaseGate, sg.CZGate, sg.RXGate, sg.CRYGate)
    case = random_case(4, 60, seed, classes)
    case.check([random_observable(4, 12, seed)])


def test_finite_differences():
    case = random_case(5, 30, 9)
    operator = random_observable(5, 20, 9)
    _, found = case.found([operator])
    expected = finite_differences(case.circuit, case.parameters, case.values, operator)
    np.testing.assert_allclose(found[0], expected, rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("num_qubits", [2, 5, 7, 9])
def test_each_build_and_precision(build, precision, num_qubits):
    case = random_case(num_qubits, 40, num_qubits)
    case.check([random_observable(num_qubits, 12, 1), ising(num_qubits)], precision)


@pytest.mark.parametrize("width", [1, 2])
def test_each_choice_of_targets(build, precision, width):
    """Each ordered choice of qubits, lane qubits and others, for dense, diagonal and controlled."""
    gates = {
        1: [sg.RXGate(0.4), sg.RZGate(1.3), sg.UGate(0.2, 0.5, 0.9)],
        2: [
            sg.RXXGate(0.4),
            sg.RZZGate(0.3),
            sg.RZXGate(0.7),
            sg.XXPlusYYGate(0.3, 0.8),
            sg.CRXGate(0.9, ctrl_state=0),
            sg.CPhaseGate(1.1),
        ],
    }[width]
    num_qubits = 6
    rng = np.random.default_rng(0)
    case = Case(num_qubits)
    spread_out(case, rng)
    for qubits in itertools.permutations(range(num_qubits), width):
        case.append(gates[rng.integers(len(gates))], qubits)
    for gate in gates:
        for qubits in itertools.permutations(range(num_qubits), width):
            case.append(gate, qubits)
    case.check([random_observable(num_qubits, 12, 1)], precision)


@pytest.mark.parametrize("threads", [1, 2])
def test_threads(build, precision, many_threads, threads):
    case = random_case(10, 60, 2)
    operators = [random_observable(10, 12, 1), ising(10)]
    case.check(operators, precision, threads=threads)


def test_results_do_not_depend_on_the_number_of_threads(many_threads):
    case = random_case(10, 60, 5)
    operators = [random_observable(10, 12, 1), ising(10)]
    one = case.found(operators, threads=1)
    for _ in range(3):
        two = case.found(operators, threads=2)
        assert np.array_equal(one[0], two[0])
        assert np.array_equal(one[1], two[1])


@pytest.mark.parametrize("num_observables", [1, 2, 3, 4, 9])
def test_several_observables(num_observables, monkeypatch):
    case = random_case(5, 30, 3)
    operators = [random_observable(5, 7, seed) for seed in range(num_observables)]
    case.check(operators)
    together = case.found(operators)
    monkeypatch.setattr(memory, "KEPT", 0)  # no room for more than one at a time
    alone = case.found(operators)
    np.testing.assert_allclose(alone[0], together[0], rtol=0, atol=1e-13)
    np.testing.assert_allclose(alone[1], together[1], rtol=0, atol=1e-13)


def test_wide_sums_and_sums_without_strings():
    case = random_case(8, 30, 3)
    nothing = SparsePauliOp("I" * 8, 0.0)
    identity = SparsePauliOp("I" * 8, 2.5)
    case.check([random_observable(8, 300, 1), nothing, identity, SparsePauliOp("Y" * 8)])


def test_parameters_in_expressions_and_in_several_gates():
    a, b, c = Parameter("a"), Parameter("b"), Parameter("c")
    circuit = QuantumCircuit(3, global_phase=a * 2)
    circuit.h(0)
    circuit.rx(2 * a + b, 0)
    circuit.ry(a.sin(), 1)
    circuit.cx(0, 1)
    circuit.cu(a, b * b, 0.3, c, 1, 2)
    circuit.rzz(a - b, 0, 2)
    circuit.p(1.5, 0)
    circuit.rx(a, 2)
    parameters, values = [a, b, c], [0.3, -0.8, 1.2]
    adjoint, program, angles, jacobian = prepared(circuit, parameters, values)
    operator = random_observable(3, 12, 4)
    found = adjoint.evaluate(program, angles, [pauli_sum(operator)]).derivatives @ jacobian
    expected = finite_differences(circuit, parameters, values, operator)
    np.testing.assert_allclose(found[0], expected, rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("most", [1, 5, 17])
def test_long_programs_are_taken_back_in_batches(most, monkeypatch):
    monkeypatch.setattr(structure, "MOST_GATES", most)
    case = random_case(4, 50, 6)
    case.check([random_observable(4, 12, 1)])
    monkeypatch.setattr(structure, "MOST_TERMS", most)
    case.check([random_observable(4, 12, 1)])


def ansatz(num_qubits, layers):
    circuit = QuantumCircuit(num_qubits)
    theta = iter(ParameterVector("t", 2 * num_qubits * (layers + 1)))
    for layer in range(layers + 1):
        for qubit in range(num_qubits):
            circuit.ry(next(theta), qubit)
            circuit.rz(next(theta), qubit)
        for qubit in range(num_qubits - 1 if layer < layers else 0):
            circuit.cx(qubit, qubit + 1)
    return circuit


def test_levels_are_few():
    circuit = ansatz(6, 3)
    adjoint, *_ = prepared(circuit, list(circuit.parameters), [0.1] * circuit.num_parameters)
    assert [len(batch.cuts) for batch in adjoint._batches] == [4]
    cost = QuantumCircuit(5)
    for a, b in itertools.combinations(range(5), 2):
        cost.rzz(Parameter(f"g{a}{b}"), a, b)
    for qubit in range(5):
        cost.rx(Parameter(f"b{qubit}"), qubit)
    adjoint, *_ = prepared(cost, list(cost.parameters), [0.1] * cost.num_parameters)
    assert [len(batch.cuts) for batch in adjoint._batches] == [2]


def test_gates_keep_their_order_where_it_matters():
    """On a qubit behind a gate that commutes with one site, the next site's gate does not."""
    case = Case(3)
    spread_out(case, np.random.default_rng(4))
    for gate, qubits in [
        (sg.RXGate(0.4), [1]),
        (sg.RXGate(0.3), [2]),
        (sg.CXGate(), [2, 1]),
        (sg.RXGate(0.9), [1]),
        (sg.RZZGate(0.8), [0, 1]),
        (sg.RZGate(0.2), [0]),
        (sg.RYGate(0.5), [0]),
    ]:
        case.append(gate, qubits)
    case.check([random_observable(3, 12, 2)])


def test_no_angles_and_no_gates():
    circuit = QuantumCircuit(2)
    for _ in range(2):
        adjoint, program, angles, _ = prepared(circuit, [], [])
        found = adjoint.evaluate(program, angles, [pauli_sum(SparsePauliOp("ZZ"))])
        assert found.values.tolist() == pytest.approx([1.0])
        assert found.derivatives.shape == (1, 0)
        circuit.cx(0, 1)


# --- what may stand beside gates ----------------------------------------------------------------


def program_of(*body, num_qubits=2):
    return Program(num_qubits, 1, body)


def rotation(qubit, angle=0.4):
    entries = next(row for row in GATES if row.name == "ry").parts[0].entries
    matrix = np.array(entries(SCALAR, angle), dtype=complex).reshape(2, 2)
    return oracle.run_of((matrix, [qubit], 0, 0)), entries


def test_qubits_may_be_prepared_at_first():
    state = oracle.random_state(1, 3)
    gates, entries = rotation(1)
    more, _ = rotation(0, 0.7)
    program = program_of(gates, Reset(0), Prepare((0,), state), more)
    free = [FreeGate(0, 0, entries, 1), FreeGate(3, 0, entries, 1)]
    found = Adjoint(program, free).evaluate(
        program, np.array([0.4, 0.7]), [pauli_sum(SparsePauliOp(["XZ", "ZX"], [1, 2]))]
    )

    def energy(a, b):
        start = np.kron([1, 0], state)
        for qubit, angle in ((1, a), (0, b)):
            matrix = np.array(entries(SCALAR, angle), dtype=complex).reshape(2, 2)
            start = oracle.apply_matrix(start, matrix, [qubit])
        return np.vdot(start, SparsePauliOp(["XZ", "ZX"], [1, 2]).to_matrix() @ start).real

    assert found.values[0] == pytest.approx(energy(0.4, 0.7), abs=1e-12)
    expected = [
        (energy(0.4 + 1e-6, 0.7) - energy(0.4 - 1e-6, 0.7)) / 2e-6,
        (energy(0.4, 0.7 + 1e-6) - energy(0.4, 0.7 - 1e-6)) / 2e-6,
    ]
    np.testing.assert_allclose(found.derivatives[0], expected, rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize(
    "operation, words",
    [
        (Measure(1, 0), "qubit 1 is measured"),
        (Reset(0), "qubit 0 is reset after gates"),
        (Prepare((0,), np.array([0, 1])), r"qubits \(0,\) are prepared after gates"),
        (IfElse(BitsEqual((0,), 1), ()), "operation IfElse depends on classical bits"),
    ],
)
def test_what_has_no_derivative_is_named(operation, words):
    gates, entries = rotation(0)
    with pytest.raises(EngineError, match=words):
        Adjoint(program_of(gates, operation), [FreeGate(0, 0, entries, 1)])


def test_bad_input():
    gates, entries = rotation(0)
    program = program_of(gates)
    adjoint = Adjoint(program, [FreeGate(0, 0, entries, 1)])
    angles = np.array([0.4])
    fitting = pauli_sum(SparsePauliOp("ZZ"))
    with pytest.raises(EngineError, match="at place 1 is on 3 qubits"):
        adjoint.evaluate(program, angles, [fitting, pauli_sum(SparsePauliOp("ZZZ"))])
    with pytest.raises(EngineError, match="at place 0 is not Hermitian"):
        adjoint.evaluate(program, angles, [pauli_sum(SparsePauliOp("ZZ", 1j))])
    with pytest.raises(ValueError, match=r"shape \(1,\)"):
        adjoint.evaluate(program, np.zeros(2), [fitting])
    with pytest.raises(ValueError, match="another structure"):
        adjoint.evaluate(program_of(rotation(1)[0]), angles, [fitting])
    with pytest.raises(ValueError, match="listed twice"):
        Adjoint(program, [FreeGate(0, 0, entries, 1)] * 2)
    assert adjoint.evaluate(program, angles, [fitting]).derivatives.shape == (1, 1)


def test_memory_is_counted_before_it_is_taken():
    assert memory.gradient_bytes(20) == 2 * memory.state_bytes(20) + memory.SCRATCH
    assert memory.gradient_bytes(20, 3) == 4 * memory.state_bytes(20) + memory.SCRATCH
    assert memory.states_of_gradient(30, 100) == 2
    case = random_case(8, 40, 1)
    adjoint, *_ = prepared(case.circuit, case.parameters, case.values)
    assert adjoint.required_bytes(1) > memory.gradient_bytes(8) + 8 * adjoint.num_angles
    gates, entries = rotation(0)
    program = program_of(gates, num_qubits=50)
    adjoint = Adjoint(program, [FreeGate(0, 0, entries, 1)])
    observable = PauliSum(50, np.array([0]), np.array([1]), np.array([1.0]))
    with pytest.raises(EngineError, match=r"32\.0 PiB for 50 qubits"):
        adjoint.evaluate(program, np.array([0.4]), [observable])
    small = Adjoint(program_of(gates), [FreeGate(0, 0, entries, 1)])
    with pytest.raises(EngineError, match="100 bytes are available"):
        small.evaluate(
            program_of(gates), np.array([0.4]), [pauli_sum(SparsePauliOp("ZZ"))], limit=100
        )


def test_it_can_be_cancelled():
    case = random_case(7, 60, 1)
    adjoint, program, angles, _ = prepared(case.circuit, case.parameters, case.values)
    control = Control()
    observables = [pauli_sum(ising(7))]
    adjoint.evaluate(program, angles, observables, control=control)
    assert control.flags[DONE] > 0
    control.cancel()
    with pytest.raises(Cancelled):
        adjoint.evaluate(program, angles, observables, control=control)


def test_it_can_be_cancelled_while_it_runs():
    entries = ROW_OF_NAME["ry"].parts[0].entries
    matrix = np.array(entries(SCALAR, 0.4), dtype=complex).reshape(2, 2)
    flip = np.array([[0, 1], [1, 0]])
    layer = [(matrix, [q], 0, 0) for q in range(16)]
    layer += [(flip, [q, (q + 1) % 16], 1, 1) for q in range(16)]
    program = Program(16, 0, (oracle.run_of(*layer * 60),))
    free = [FreeGate(0, 32 * k + q, entries, 1) for k in range(60) for q in range(16)]
    adjoint = Adjoint(program, free)

    def work(control, seen):
        try:
            adjoint.evaluate(program, np.full(960, 0.4), [pauli_sum(ising(16))], control=control)
        except Cancelled:
            seen.append("cancelled")

    for _ in range(20):  # on a busy machine it may come when all is done
        control, seen = Control(), []
        thread = threading.Thread(target=work, args=(control, seen))
        thread.start()
        while thread.is_alive() and not control.flags[DONE]:
            time.sleep(0.0005)
        control.cancel()
        thread.join()
        if seen:
            break
    assert seen == ["cancelled"]


def test_structures_can_be_pickled():
    case = random_case(5, 40, 8)
    adjoint, program, angles, _ = prepared(case.circuit, case.parameters, case.values)
    observables = [pauli_sum(ising(5))]
    expected = adjoint.evaluate(program, angles, observables)
    copied, other = pickle.loads(pickle.dumps((adjoint, program)))
    found = copied.evaluate(other, angles, observables)
    assert np.array_equal(found.derivatives, expected.derivatives)


def test_global_phases_have_derivative_0():
    a = Parameter("a")
    circuit = QuantumCircuit(2, global_phase=a)
    circuit.h([0, 1])
    inner = QuantumCircuit(1, global_phase=2 * a)
    inner.rx(a, 0)
    circuit.append(inner.to_gate(), [1])
    circuit.cx(0, 1)
    adjoint, program, angles, jacobian = prepared(circuit, [a], [0.4])
    operator = random_observable(2, 8, 4)
    found = adjoint.evaluate(program, angles, [pauli_sum(operator)]).derivatives @ jacobian
    expected = finite_differences(circuit, [a], [0.4], operator)
    np.testing.assert_allclose(found[0], expected, rtol=1e-7, atol=1e-7)
    for part in (PHASE, PHASE_IF_0):
        gates = oracle.run_of((np.array(part.entries(SCALAR, 0.3)), [1], 0, 0))
        mix, _ = rotation(1)
        made = Program(2, 0, (mix, gates, mix))
        result = Adjoint(made, [FreeGate(1, 0, part.entries, 1)]).evaluate(
            made, np.array([0.3]), [pauli_sum(operator)]
        )
        assert (abs(result.derivatives[0, 0]) < 1e-14) == (part is PHASE)


def test_many_threads_may_use_one_structure():
    case = random_case(6, 40, 8)
    adjoint, program, angles, _ = prepared(case.circuit, case.parameters, case.values)
    observables = [pauli_sum(ising(6))]
    expected = adjoint.evaluate(program, angles, observables).derivatives
    found = []

    def work():
        found.extend(adjoint.evaluate(program, angles, observables).derivatives for _ in range(20))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 80
    assert all(np.array_equal(each, expected) for each in found)
