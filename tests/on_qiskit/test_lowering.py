"""Circuits to programs: what unitary circuits do, against terra's operators."""

from __future__ import annotations

import math
import pickle

import numpy as np
import oracle
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit import QuantumCircuit, QuantumRegister
from qiskit.circuit import ControlledGate, Gate, Instruction, Parameter, Qubit
from qiskit.circuit import library as lib
from qiskit.circuit.library import standard_gates as sg
from qiskit.quantum_info import Operator, Pauli, SparsePauliOp, Statevector, random_clifford
from versions import (
    NUMBER,
    HamiltonianGate,
    Isometry,
    UCGate,
    UCRYGate,
    mutable,
    needs_annotations,
    needs_calibrations,
    needs_conditions,
    needs_kept_params,
)

from basicaer._engine.program import DENSE, DIAGONAL, Gates, Prepare, Program, Reset
from basicaer._qiskit.circuits.lower import lower
from basicaer._qiskit.versions import (
    AnnotatedOperation,
    ControlModifier,
    DiagonalGate,
    InverseModifier,
    PowerModifier,
    UnitaryGate,
)
from basicaer.exceptions import BasicAerError


def assert_same_unitary(circuit, expected=None):
    if expected is None:
        expected = Operator(circuit).data
    assert np.allclose(oracle.unitary(circuit), expected, atol=1e-10, rtol=0)


def on_shuffled_qubits(gate, seed=0, extra=1):
    """A circuit with the gate on qubits in an odd order, between other gates."""
    width = gate.num_qubits
    qubits = np.random.default_rng(seed).permutation(width + extra)[:width].tolist()
    circuit = QuantumCircuit(width + extra, global_phase=0.3)
    for qubit in range(width + extra):
        circuit.u(0.3 + qubit, 0.2, -0.4, qubit)
    circuit.append(gate, qubits)
    return circuit


def only_gates(circuit) -> Gates:
    program = lower(circuit)
    assert len(program.body) == 1
    return program.body[0]


class TestWholeTable:
    @pytest.mark.parametrize("num_qubits", range(1, 7))
    def test_random_circuits(self, num_qubits):
        for seed in range(12):
            circuit = oracle.random_circuit(num_qubits, 30, 100 * num_qubits + seed)
            assert_same_unitary(circuit)

    def test_statevector(self):
        circuit = oracle.random_circuit(6, 60, 7)
        expected = Statevector(circuit).data
        assert np.allclose(oracle.statevector(circuit), expected, atol=1e-10, rtol=0)

    @settings(max_examples=40, deadline=None)
    @given(st.data())
    def test_any_gate_in_any_place(self, data):
        gate_class = data.draw(st.sampled_from(list(oracle.TABLE)))
        angle = st.floats(-20, 20, allow_nan=False)
        parameters = [data.draw(angle) for _ in range(oracle.TABLE[gate_class])]
        gate = gate_class(*parameters)
        if isinstance(gate, ControlledGate):
            state = data.draw(st.integers(0, (1 << gate.num_ctrl_qubits) - 1))
            gate = gate_class(*parameters, ctrl_state=state)
        qubits = data.draw(st.permutations(range(gate.num_qubits + 1)))[: gate.num_qubits]
        circuit = QuantumCircuit(gate.num_qubits + 1)
        circuit.append(gate, qubits)
        assert_same_unitary(circuit)

    @pytest.mark.parametrize("gate_class", oracle.TABLE, ids=lambda c: c.__name__)
    def test_mutable_copies_are_the_same(self, gate_class):
        gate = gate_class(*[0.7, 0.2, -1.1, 0.4][: oracle.TABLE[gate_class]])
        labelled = mutable(gate)
        labelled.label = "mine"
        plain, other = on_shuffled_qubits(gate), on_shuffled_qubits(labelled)
        assert np.array_equal(oracle.unitary(plain), oracle.unitary(other))

    def test_is_native(self):
        for gate_class, num_params in oracle.TABLE.items():
            gate = gate_class(*[0.3] * num_params)
            circuit = QuantumCircuit(gate.num_qubits)
            circuit.append(gate, range(gate.num_qubits))
            expected = {"id": 0, "rccx": 2, "rcccx": 2}.get(gate.name, 1)
            gates = sum(len(run) for run in lower(circuit).body)
            assert gates == expected, gate.name


class TestControlled:
    BASES = (
        sg.XGate(), sg.YGate(), sg.ZGate(), sg.HGate(), sg.SXGate(), sg.TGate(),
        sg.RXGate(0.3), sg.RYGate(0.4), sg.RZGate(0.5), sg.PhaseGate(0.6), sg.UGate(0.1, 0.2, 0.3),
        sg.U2Gate(0.7, -0.2), sg.RGate(0.3, 0.9), sg.SwapGate(), sg.iSwapGate(), sg.RZZGate(0.4),
        sg.CXGate(), sg.CPhaseGate(0.8), sg.CUGate(0.1, 0.2, 0.3, 0.4), sg.CU3Gate(0.4, 0.5, 0.6),
        sg.CSwapGate(), sg.RCCXGate(), sg.CXGate(ctrl_state=0), sg.CUGate(1, 2, 3, 4, ctrl_state=0),
        lib.PauliGate("XYZ"), DiagonalGate([1, 1j, -1, -1j]), sg.GlobalPhaseGate(0.9),
        *([sg.IGate()] if NUMBER >= (0, 45) else []),  # terra made no controlled id before
    )  # fmt: skip

    @pytest.mark.parametrize("base", BASES, ids=lambda base: base.name)
    def test_every_control_state(self, base):
        base_matrix = Operator(base).data
        for num_controls in (1, 2):
            if base.num_qubits == 0 and num_controls == 1:
                continue  # terra makes no such gate
            for state in range(1 << num_controls):
                gate = base.control(num_controls, ctrl_state=state)
                circuit = QuantumCircuit(gate.num_qubits)
                circuit.append(gate, range(gate.num_qubits))
                expected = oracle.controlled_matrix(base_matrix, num_controls, state)
                assert_same_unitary(circuit, expected)

    def test_controls_of_controls(self):
        gate = sg.RYGate(0.3).control(1, ctrl_state=0).control(2, ctrl_state="01")
        circuit = on_shuffled_qubits(gate)
        assert_same_unitary(circuit)
        (gates,) = lower(circuit).body
        assert len(gates) == circuit.num_qubits + 1

    @pytest.mark.parametrize("num_controls", [1, 2, 3, 4, 5, 6])
    @pytest.mark.parametrize(
        "make",
        [sg.MCXGate, sg.MCXGrayCode, sg.MCXRecursive, lambda n: sg.MCPhaseGate(0.7, n),
         lambda n: sg.MCU1Gate(0.7, n)],
        ids=["mcx", "gray", "recursive", "mcphase", "mcu1"],
    )  # fmt: skip
    def test_many_controls_are_one_gate(self, make, num_controls):
        gate = make(num_controls)
        circuit = QuantumCircuit(gate.num_qubits)
        circuit.append(gate, range(gate.num_qubits))
        assert_same_unitary(circuit)
        assert len(only_gates(circuit)) == 1

    @pytest.mark.parametrize("dirty", [False, True])
    def test_v_chain_goes_by_its_definition(self, dirty):
        gate = sg.MCXVChain(4, dirty_ancillas=dirty)
        circuit = QuantumCircuit(gate.num_qubits)
        circuit.append(gate, range(gate.num_qubits))
        assert_same_unitary(circuit, Operator(gate.definition).data)

    def test_methods_of_the_circuit(self):
        circuit = QuantumCircuit(6)
        circuit.h(range(6))
        circuit.mcx([0, 3, 2, 5], 1)
        circuit.mcx([0, 1, 2], 4, [5], mode="recursion")
        circuit.mcx([0, 1, 2], 4, [5], mode="v-chain")
        circuit.mcp(0.3, [0, 1, 2], 4)
        circuit.mcrx(0.4, [0, 1, 2], 4)
        circuit.mcry(0.5, [0, 1], 4)
        circuit.mcrz(0.6, [0, 1, 5], 4)
        assert_same_unitary(circuit)

    @pytest.mark.parametrize("width", [1, 2, 3])
    @pytest.mark.parametrize("state", [0, 1, 2])
    def test_controlled_unitary(self, width, state):
        matrix = oracle.random_unitary(width, 3)
        gate = UnitaryGate(matrix).control(2, ctrl_state=state)
        circuit = QuantumCircuit(width + 2)
        circuit.append(gate, range(width + 2))
        assert_same_unitary(circuit, oracle.controlled_matrix(matrix, 2, state))
        assert len(only_gates(circuit)) == 1

    @pytest.mark.parametrize("state", range(4))
    def test_composite_with_a_global_phase(self, state):
        inner = QuantumCircuit(2, global_phase=0.7)
        inner.h(0)
        inner.rzz(0.3, 0, 1)
        inner.append(sg.GlobalPhaseGate(0.2), [])
        base = inner.to_gate()
        circuit = QuantumCircuit(4)
        circuit.append(base.control(2, ctrl_state=state), [0, 1, 2, 3])
        expected = oracle.controlled_matrix(Operator(inner).data, 2, state)
        assert_same_unitary(circuit, expected)
        assert_same_unitary(circuit)  # and terra agrees

    def test_own_definition_of_a_controlled_class(self):
        class Mine(ControlledGate):
            def __init__(self):
                super().__init__("mine", 2, [], num_ctrl_qubits=1, base_gate=sg.XGate())

            def _define(self):
                self.definition = QuantumCircuit(2)
                self.definition.cz(0, 1)

        circuit = QuantumCircuit(2)
        circuit.append(Mine(), [0, 1])
        assert_same_unitary(circuit, np.diag([1, 1, 1, -1]))


class TestOtherOperations:
    @pytest.mark.parametrize("width", range(1, 7))
    def test_unitary_of_any_width(self, width):
        matrix = oracle.random_unitary(width, width)
        circuit = on_shuffled_qubits(UnitaryGate(matrix), seed=width)
        assert_same_unitary(circuit)

    def test_unitaries_large_and_small_in_one_run(self):
        circuit = QuantumCircuit(6)
        circuit.unitary(oracle.random_unitary(5, 1), [5, 3, 1, 0, 2])
        circuit.h(0)
        circuit.unitary(oracle.random_unitary(4, 2), [5, 3, 1, 0])
        circuit.unitary(oracle.random_unitary(2, 3), [1, 0])
        assert_same_unitary(circuit)
        assert len(only_gates(circuit)) == 4

    @pytest.mark.parametrize("label", ["I", "X", "YZ", "XIZY", "IIII"])
    def test_pauli(self, label):
        circuit = on_shuffled_qubits(lib.PauliGate(label))
        assert_same_unitary(circuit)

    @pytest.mark.parametrize("width", [1, 2, 3, 5])
    def test_diagonal(self, width):
        phases = np.exp(1j * np.random.default_rng(width).uniform(-3, 3, 1 << width)).tolist()
        circuit = on_shuffled_qubits(DiagonalGate(phases), seed=width)
        assert_same_unitary(circuit)
        assert [k.form for k in only_gates(circuit).kinds] == [DENSE, DIAGONAL]
        circuit = QuantumCircuit(width)
        circuit.append(lib.Diagonal(phases), range(width))
        assert_same_unitary(circuit)

    def test_permutation(self):
        rng = np.random.default_rng(3)
        for seed in range(10):
            pattern = rng.permutation(int(rng.integers(1, 6))).tolist()
            assert_same_unitary(on_shuffled_qubits(lib.PermutationGate(pattern), seed))
        circuit = QuantumCircuit(4)
        circuit.append(lib.Permutation(4, [2, 0, 3, 1]), range(4))
        assert_same_unitary(circuit)

    def test_nothing_comes_of_barrier_delay_and_id(self):
        circuit = QuantumCircuit(2)
        circuit.h(0)
        circuit.barrier()
        circuit.delay(100, 0)
        circuit.id(1)
        circuit.x(1)
        assert len(only_gates(circuit)) == 2

    def test_global_phase_gates_and_definitions(self):
        inner = QuantumCircuit(1, global_phase=0.5)
        inner.append(sg.GlobalPhaseGate(0.25), [])
        inner.h(0)
        circuit = QuantumCircuit(2, global_phase=1)
        circuit.append(inner.to_gate(), [1])
        circuit.append(sg.GlobalPhaseGate(-0.1), [])
        assert lower(circuit).global_phase == pytest.approx(1.65)
        assert_same_unitary(circuit)

    def test_no_qubits(self):
        program = lower(QuantumCircuit(global_phase=0.5))
        assert (program.num_qubits, program.body, program.global_phase) == (0, (), 0.5)

    @pytest.mark.parametrize(
        "circuit",
        [
            lib.QFT(4),
            lib.QFT(3, inverse=True, do_swaps=False),
            lib.EfficientSU2(3, reps=2).assign_parameters(np.linspace(-2, 2, 18)),
            lib.RealAmplitudes(4).assign_parameters(np.linspace(-2, 2, 16)),
            lib.QuantumVolume(4, seed=2),
            lib.GraphState([[0, 1, 0], [1, 0, 1], [0, 1, 0]]),
            lib.GMS(3, [[0, 0.3, 0.4], [0.3, 0, 0.5], [0.4, 0.5, 0]]),
            lib.GR(3, 0.3, 0.4),
            lib.IQP([[1, 2], [2, 3]]),
            lib.MCMT("ch", 2, 2),
            lib.CDKMRippleCarryAdder(2),
            lib.HiddenLinearFunction([[1, 1], [1, 0]]),
            lib.FourierChecking([1, -1, -1, -1], [1, 1, -1, -1]),
        ],
        ids=lambda circuit: circuit.name,
    )
    def test_library_circuits(self, circuit):
        """As they are (some are built when first looked at) and as one instruction."""
        expected = Operator(circuit.copy()).data
        assert_same_unitary(circuit, expected)
        outer = QuantumCircuit(circuit.num_qubits)
        outer.append(circuit.to_instruction(), range(circuit.num_qubits))
        assert_same_unitary(outer, expected)

    @pytest.mark.parametrize(
        "gate",
        [
            lib.PauliEvolutionGate(Pauli("XYZ"), 0.3),
            lib.PauliEvolutionGate(SparsePauliOp.from_list([("XX", 0.2), ("IZ", -0.7)]), 0.3),
            HamiltonianGate(np.array([[1, 0.5], [0.5, -1]]), 0.4),
            lib.MSGate(3, 0.3),
            lib.LinearFunction([[1, 1, 0], [0, 1, 0], [1, 0, 1]]),
            UCRYGate([0.1, 0.2, 0.3, 0.4]),
            UCGate([np.eye(2), oracle.random_unitary(1, 4)]),
            lib.StatePreparation(oracle.random_state(3, 5)),
            lib.StatePreparation(oracle.random_state(2, 5), inverse=True),
            lib.StatePreparation("+r1"),
            Isometry(oracle.random_unitary(2, 5), 0, 0),
            lib.QFT(3).to_gate(),
        ],
        ids=lambda gate: gate.name,
    )
    def test_gates_with_a_definition(self, gate):
        circuit = on_shuffled_qubits(gate)
        # By its definition: from Qiskit 2.0 on, Operator takes another matrix for some.
        assert_same_unitary(circuit, Operator(circuit.decompose(gate.name)).data)

    def test_clifford(self):
        clifford = random_clifford(3, seed=2)
        circuit = QuantumCircuit(3)
        circuit.append(clifford, [2, 0, 1])
        assert_same_unitary(circuit)

    @pytest.mark.parametrize(
        "modifiers",
        [
            [(InverseModifier,)],
            [(ControlModifier, 1)],
            [(ControlModifier, 2, 1), (InverseModifier,)],
            [(ControlModifier, 1, 0), (ControlModifier, 1, 1)],
            [(PowerModifier, 2), (ControlModifier, 1)],
            [(InverseModifier,), (PowerModifier, 3), (InverseModifier,)],
        ],
        ids=lambda modifiers: "-".join(
            "".join([modifier[0].__name__, *map(str, modifier[1:])]) for modifier in modifiers
        ),
    )
    @pytest.mark.parametrize("base", [sg.SXGate(), sg.RZXGate(0.3)], ids=lambda base: base.name)
    @needs_annotations
    def test_annotated_operations(self, base, modifiers):
        operation = AnnotatedOperation(base, [kind(*values) for kind, *values in modifiers])
        circuit = QuantumCircuit(operation.num_qubits)
        circuit.append(operation, range(operation.num_qubits))
        assert_same_unitary(circuit, operation.to_matrix().data)

    def test_matrix_where_there_is_no_definition(self):
        class Opaque(Gate):
            def __init__(self):
                super().__init__("opaque", 2, [])

            def __array__(self, dtype=None, copy=None):
                return np.array(oracle.random_unitary(2, 8), dtype=dtype)

        circuit = on_shuffled_qubits(Opaque())
        expected = on_shuffled_qubits(UnitaryGate(oracle.random_unitary(2, 8)))
        assert_same_unitary(circuit, Operator(expected).data)

    def test_a_standard_name_with_another_definition(self):
        definition = QuantumCircuit(1)
        definition.x(0)
        mine = Gate("h", 1, [])
        mine.definition = definition
        circuit = QuantumCircuit(1)
        circuit.append(mine, [0])
        assert_same_unitary(circuit, [[0, 1], [1, 0]])

    def test_a_subclass_with_another_definition(self):
        class Mine(sg.RXGate):
            def _define(self):
                self.definition = QuantumCircuit(1)
                self.definition.rz(self.params[0], 0)

        circuit = QuantumCircuit(1)
        circuit.append(Mine(0.4), [0])
        # From 1.3 on Qiskit keeps it as "rx" and its parameter, whatever its class.
        expected = sg.RZGate(0.4).to_matrix() if NUMBER < (1, 3) else Operator(circuit).data
        assert_same_unitary(circuit, expected)

    @pytest.mark.parametrize(
        ("name", "parameters", "gate"),
        [
            ("h", [], sg.HGate()),
            ("U", [0.1, 0.2, 0.3], sg.UGate(0.1, 0.2, 0.3)),
            ("u1", [0.3], sg.U1Gate(0.3)),
            ("u0", [], sg.IGate()),
            ("CX", [], sg.CXGate()),
        ],
    )
    def test_names_that_basicaer_knows(self, name, parameters, gate):
        circuit = QuantumCircuit(gate.num_qubits)
        circuit.append(Gate(name, gate.num_qubits, parameters), range(gate.num_qubits))
        if name == "u0":
            circuit.data[0].operation.params = []
        assert_same_unitary(circuit, gate.to_matrix())

    def test_equal_qubits_that_are_not_the_same_objects(self):
        circuit = QuantumCircuit(QuantumRegister(2, "q"))
        other = QuantumRegister(2, "q")
        circuit.data = []
        circuit._data.append(QuantumCircuit(other).cx(other[1], other[0])[0])
        circuit._data[0] = type(circuit._data[0])(sg.CXGate(), (other[1], other[0]))
        assert only_gates(circuit).qubits.tolist() == [1, 0]

    def test_loose_qubits(self):
        circuit = QuantumCircuit([Qubit(), Qubit()], QuantumRegister(1))
        circuit.cx(2, 0)
        assert only_gates(circuit).qubits.tolist() == [2, 0]

    @needs_calibrations
    def test_calibrations_are_ignored(self):
        from qiskit import pulse

        circuit = QuantumCircuit(1)
        circuit.h(0)
        with pulse.build() as schedule:
            pulse.delay(10, pulse.DriveChannel(0))
        circuit.add_calibration("h", [0], schedule)
        assert_same_unitary(circuit, sg.HGate().to_matrix())


class TestInitialize:
    @pytest.mark.parametrize(
        ("params", "num_qubits"),
        [
            (oracle.random_state(3, 1).tolist(), 3),
            (oracle.random_state(1, 2).tolist(), 1),
            ([0, 0, -1j, 0], 2),
            ("01", 2),
            ("+-rl10", 6),
            (5, 3),
            (0, 2),
        ],
    )
    def test_prepares_what_terra_does(self, params, num_qubits):
        qubits = list(range(num_qubits))[::-1]
        circuit = QuantumCircuit(num_qubits)
        circuit.initialize(params, qubits)
        program = lower(circuit)
        assert program.body[:-1] == tuple(Reset(q) for q in qubits)
        prepare = program.body[-1]
        assert isinstance(prepare, Prepare) and prepare.qubits == tuple(qubits)
        # terra: the definition's state preparation, on |0...0>.
        definition = circuit.data[0].operation.definition
        preparation = QuantumCircuit(num_qubits)
        preparation.append(definition.data[-1].operation, range(num_qubits))
        expected = Statevector(preparation).data
        assert np.allclose(prepare.amplitudes, expected, atol=1e-12, rtol=0)
        assert not program.samples

    def test_normalised(self):
        circuit = QuantumCircuit(1)
        circuit.initialize([0.6 + 3e-11, 0.8], 0)
        assert np.linalg.norm(lower(circuit).body[-1].amplitudes) == pytest.approx(1, abs=1e-15)


class TestArrays:
    def test_layout(self):
        circuit = oracle.random_circuit(5, 50, 3)
        gates = only_gates(circuit)
        assert gates.kind.dtype == gates.start.dtype == gates.qubits.dtype == np.int32
        assert gates.offset.dtype == np.int64 and gates.coefficients.dtype == np.complex128
        assert gates.start[0] == 0 and gates.start[-1] == len(gates.qubits)
        assert len(gates) == len(gates.offset) == len(gates.start) - 1
        assert len(set(gates.kinds)) == len(gates.kinds)
        assert set(gates.kind.tolist()) == set(range(len(gates.kinds)))

    def test_same_structure_whatever_the_parameters(self):
        def ansatz(angle):
            circuit = QuantumCircuit(3)
            for qubit in range(3):
                circuit.ry(angle * qubit, qubit)
                circuit.cx(qubit, (qubit + 1) % 3)
            return only_gates(circuit)

        first, second = ansatz(0.0), ansatz(1.3)
        assert first.kinds == second.kinds
        for name in ("kind", "start", "qubits", "offset"):
            assert np.array_equal(getattr(first, name), getattr(second, name))
        assert not np.array_equal(first.coefficients, second.coefficients)

    def test_constants_are_stored_once(self):
        circuit = QuantumCircuit(2)
        for _ in range(100):
            circuit.h(0)
            circuit.cx(0, 1)
        assert len(only_gates(circuit).coefficients) == 8

    def test_pickles(self):
        program = lower(oracle.random_circuit(4, 20, 1))
        copy = pickle.loads(pickle.dumps(program))
        assert isinstance(copy, Program)
        assert np.array_equal(oracle.apply_program(copy), oracle.apply_program(program))

    def test_later_changes_of_the_circuit_do_not_matter(self):
        matrix = oracle.random_unitary(4, 2)
        gate = UnitaryGate(matrix.copy())
        circuit = QuantumCircuit(4)
        circuit.append(gate, range(4))
        program = lower(circuit)
        gate.params[0][:] = 0
        assert np.allclose(oracle.apply_program(program, np.eye(16, dtype=complex)), matrix)


def circuit_with(operation, name="experiment"):
    circuit = QuantumCircuit(operation.num_qubits, operation.num_clbits, name=name)
    circuit.append(operation, range(operation.num_qubits), range(operation.num_clbits))
    return circuit


class TestBadInput:
    def expect(self, circuit, *texts, **options):
        with pytest.raises(BasicAerError) as caught:
            lower(circuit, **options)
        for text in (circuit.name, *texts):
            assert str(text) in str(caught.value)

    @pytest.mark.parametrize(
        ("make", "name"),
        [
            (lambda p: sg.RXGate(p), "rx"),
            (lambda p: sg.CPhaseGate(2 * p), "cp"),
            (lambda p: sg.RXGate(p).control(2), "rx"),
        ],
    )
    def test_unbound_parameter(self, make, name):
        self.expect(circuit_with(make(Parameter("theta"))), "unbound", '"theta"', f'"{name}"')

    def test_unbound_parameter_inside(self):
        inner = QuantumCircuit(1)
        inner.rz(Parameter("alpha"), 0)
        self.expect(circuit_with(inner.to_gate()), '"alpha"', "rz")

    def test_unbound_global_phase(self):
        self.expect(QuantumCircuit(1, global_phase=Parameter("beta")), '"beta"')

    def test_unbound_delay_and_evolution(self):
        circuit = QuantumCircuit(1)
        circuit.delay(Parameter("t"), 0)
        self.expect(circuit, '"t"', "delay")
        hamiltonian = HamiltonianGate(np.eye(2), Parameter("time"))
        self.expect(circuit_with(hamiltonian), '"time"', "hamiltonian")

    @pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
    @pytest.mark.parametrize("gate_class", [c for c, n in oracle.TABLE.items() if n])
    def test_not_finite(self, gate_class, value):
        parameters = [value] + [0.1] * (oracle.TABLE[gate_class] - 1)
        gate = gate_class(*parameters)
        self.expect(circuit_with(gate), gate.name, value)

    def test_not_finite_elsewhere(self):
        self.expect(circuit_with(sg.RXGate(math.nan).control(2)), "rx", "nan")
        self.expect(QuantumCircuit(1, global_phase=math.nan), "nan")
        inner = QuantumCircuit(1)
        inner.ry(math.nan, 0)
        self.expect(circuit_with(inner.to_gate()), "ry", "nan")
        matrix = UnitaryGate(np.eye(2))
        matrix.params[0] = np.full((2, 2), np.nan, dtype=complex)
        self.expect(circuit_with(matrix), "unitary", "nan")

    @needs_kept_params
    def test_complex_parameter(self):
        theta = Parameter("theta")
        circuit = QuantumCircuit(1, name="experiment")
        circuit.rx(theta, 0)
        gate = circuit.data[0].operation
        gate.params = [(theta * 1j).bind({theta: 1.0})]
        self.expect(circuit, "rx", "real number")

    def test_neither_definition_nor_matrix(self):
        self.expect(circuit_with(Gate("mystery", 2, [])), "mystery", "neither")
        self.expect(circuit_with(Instruction("mystery", 1, 1, [])), "mystery", "neither")

    def test_wrong_matrix(self):
        class Wrong(Gate):
            def __init__(self, matrix):
                super().__init__("wrong", 1, [])
                self._matrix = matrix

            def __array__(self, dtype=None, copy=None):
                return np.array(self._matrix, dtype=dtype)

        self.expect(circuit_with(Wrong(np.eye(4))), "wrong", "shape")
        self.expect(circuit_with(Wrong([[1, 1], [0, 1]])), "wrong", "not unitary")

    def test_broken_definition(self):
        class Broken(Gate):
            def __init__(self):
                super().__init__("broken", 1, [])

            def _define(self):
                raise ValueError("out of order")

        self.expect(circuit_with(Broken()), "broken", "out of order")

    def test_recursion_without_end(self):
        class Endless(Gate):
            def __init__(self):
                super().__init__("endless", 1, [])

            def _define(self):
                self.definition = QuantumCircuit(1)
                self.definition.append(Endless(), [0])
                self.definition.append(Endless(), [0])

        self.expect(circuit_with(Endless()), "endless")

    def test_deep_but_not_endless(self):
        circuit = QuantumCircuit(1)
        circuit.h(0)
        for _ in range(25):
            outer = QuantumCircuit(1)
            outer.append(circuit.to_gate(), [0])
            circuit = outer
        assert_same_unitary(circuit, sg.HGate().to_matrix())

    @pytest.mark.parametrize(
        "add",
        [
            lambda circuit: circuit.measure(0, 0),
            lambda circuit: circuit.reset(0),
            lambda circuit: circuit.initialize([1, 0], 0),
            pytest.param(lambda circuit: circuit.x(0).c_if(0, 1), marks=needs_conditions),
            lambda circuit: circuit.if_test((circuit.clbits[0], 1), QuantumCircuit(1), [0], []),
            lambda circuit: circuit.for_loop(range(2), None, QuantumCircuit(1), [0], []),
        ],
        ids=["measure", "reset", "initialize", "x", "if_else", "for_loop"],
    )
    def test_not_unitary(self, add, request):
        circuit = QuantumCircuit(1, 1, name="experiment")
        add(circuit)
        name = request.node.callspec.id
        self.expect(circuit, "Unsupported", f'"{name}"', unitary_only=True)
        lower(circuit)

    def test_not_unitary_inside(self):
        inner = QuantumCircuit(1, 1)
        inner.measure(0, 0)
        circuit = circuit_with(inner.to_instruction())
        self.expect(circuit, '"measure"', unitary_only=True)
