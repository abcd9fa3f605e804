"""Circuits to programs: measurements, conditions, control flow, and whether terra would sample."""

from __future__ import annotations

import warnings

import numpy as np
import oracle
import pytest
import random_programs
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit import (
    CASE_DEFAULT,
    BreakLoopOp,
    Clbit,
    ContinueLoopOp,
    IfElseOp,
    Instruction,
    Parameter,
    Qubit,
)
from qiskit.circuit.library import standard_gates as sg
from random_programs import bits
from versions import (
    NUMBER,
    mutable,
    needs,
    needs_annotations,
    needs_conditions,
    needs_expressions,
    needs_open_circuits,
    needs_terra,
)

from basicaer._engine.program import (
    BitsEqual,
    Break,
    Continue,
    Expression,
    For,
    Gates,
    IfElse,
    Measure,
    Prepare,
    Reset,
    Switch,
    While,
    only_ends_in_measurements,
)
from basicaer._qiskit.circuits.lower import lower
from basicaer._qiskit.versions import AnnotatedOperation, ControlModifier, expr, types
from basicaer.exceptions import BasicAerError


def terra_samples(circuit):
    """Whether terra's BasicAer would sample the circuit's final state."""
    from qiskit.compiler import assemble
    from qiskit.providers.basicaer import QasmSimulatorPy

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        simulator = QasmSimulatorPy()
        simulator._shots = 10
        simulator._validate_measure_sampling(assemble(circuit, shots=10).experiments[0])
    return simulator._sample_measure


def outline(operations):
    """The operations' names; for runs of gates, how many there are."""
    return [len(op) if isinstance(op, Gates) else type(op).__name__ for op in operations]


def start(num_qubits=2, num_clbits=2):
    """A circuit that has measured, so that conditions are open."""
    circuit = QuantumCircuit(num_qubits, num_clbits, name="experiment")
    circuit.h(0)
    circuit.measure(0, 0)
    return circuit


class TestSequence:
    def test_measurements_end_runs_and_barriers_do_not(self):
        circuit = QuantumCircuit(3, 3)
        circuit.h(0)
        circuit.barrier()
        circuit.cx(0, 1)
        circuit.measure(1, 2)
        circuit.measure(1, 0)
        circuit.x(2)
        circuit.reset(0)
        program = lower(circuit)
        assert outline(program.body) == [2, "Measure", "Measure", 1, "Reset"]
        assert program.body[1:3] == (Measure(1, 2), Measure(1, 0))
        assert program.body[4] == Reset(0)
        assert (program.num_qubits, program.num_clbits) == (3, 3)

    def test_equal_runs_have_equal_structure(self):
        circuit = QuantumCircuit(2, 1)
        for _ in range(2):
            circuit.h(0)
            circuit.cx(0, 1)
            circuit.measure(1, 0)
        circuit.x(0)
        first, _, second, _, third = lower(circuit).body
        assert first.kinds == second.kinds and len(third.kinds) == 1
        assert np.array_equal(first.qubits, second.qubits)

    @needs_conditions
    def test_measurements_in_a_definition(self):
        inner = QuantumCircuit(2, 2)
        inner.measure(0, 1)
        inner.x(1).c_if(1, 1)
        circuit = QuantumCircuit(3, 4)
        circuit.append(inner.to_instruction(), [2, 1], [3, 0])
        program = lower(circuit)
        assert program.body[0] == Measure(2, 0)
        assert program.body[1].condition == BitsEqual((0,), 1)
        assert program.body[1].true_body[0].qubits.tolist() == [1]

    def test_loose_clbits(self):
        circuit = QuantumCircuit([Qubit()], [Clbit(), Clbit()], ClassicalRegister(1, "c"))
        circuit.measure(0, 2)
        circuit.measure(0, 1)
        assert lower(circuit).body == (Measure(0, 2), Measure(0, 1))

    def test_instructions_that_terra_knows_by_name_alone(self):
        circuit = QuantumCircuit(1, 1)
        circuit.append(Instruction("reset", 1, 0, []), [0])
        circuit.append(Instruction("measure", 1, 1, []), [0], [0])
        assert lower(circuit).body == (Reset(0), Measure(0, 0))


class TestConditions:
    @needs_conditions
    def test_registers_and_bits(self):
        qreg, first, second = QuantumRegister(2), ClassicalRegister(2), ClassicalRegister(3)
        circuit = QuantumCircuit(qreg, first, second)
        circuit.measure(0, 0)
        circuit.x(0).c_if(second, 5)
        circuit.measure(0, 1).c_if(first, 2)
        circuit.reset(1).c_if(second[1], 1)
        circuit.rx(0.3, 1).c_if(4, 0)
        body = lower(circuit).body[1:]
        assert [op.condition for op in body] == [
            BitsEqual((2, 3, 4), 5),
            BitsEqual((0, 1), 2),
            BitsEqual((3,), 1),
            BitsEqual((4,), 0),
        ]
        assert [outline(op.true_body) for op in body] == [[1], ["Measure"], ["Reset"], [1]]
        assert all(op.false_body == () for op in body)

    @needs_conditions
    def test_a_hundred_clbits(self):
        circuit = QuantumCircuit(QuantumRegister(1), ClassicalRegister(100, "c"))
        circuit.measure(0, 99)
        circuit.x(0).c_if(circuit.cregs[0], 1 << 99)
        assert lower(circuit).body[1].condition == BitsEqual(tuple(range(100)), 1 << 99)

    @needs_conditions
    def test_values_wider_than_the_register_are_cut_as_in_terra(self):
        circuit = start()
        circuit.x(0).c_if(circuit.cregs[0], 5)
        assert lower(circuit).body[-1].condition == BitsEqual((0, 1), 1)

    @needs_conditions
    def test_same_condition_is_joined_unless_it_can_change(self):
        circuit = start()
        circuit.x(0).c_if(0, 1)
        circuit.h(1).c_if(0, 1)
        circuit.measure(1, 0).c_if(0, 1)
        circuit.h(1).c_if(0, 1)
        circuit.h(1).c_if(0, 0)
        body = lower(circuit).body[2:]
        assert outline(body) == ["IfElse", "IfElse", "IfElse"]
        assert outline(body[0].true_body) == [1, 1, "Measure"]

    @needs_conditions
    def test_before_any_measurement_they_are_decided(self):
        circuit = QuantumCircuit(2, 2)
        circuit.h(0)
        circuit.x(0).c_if(0, 0)
        circuit.y(0).c_if(0, 1)
        circuit.z(1).c_if(circuit.cregs[0], 3)
        circuit.measure(0, 0).c_if(1, 1)
        circuit.measure(1, 1).c_if(0, 0)
        program = lower(circuit)
        assert outline(program.body) == [2, "IfElse"]
        circuit = QuantumCircuit(1, 1)
        circuit.measure(0, 0).c_if(0, 0)
        assert lower(circuit).body == (Measure(0, 0),)

    @needs_conditions
    def test_conditional_composite_with_a_global_phase(self):
        inner = QuantumCircuit(1, global_phase=0.4)
        inner.h(0)
        circuit = start()
        circuit.append(inner.to_gate(), [1])
        circuit.append(inner.to_gate().c_if(circuit.clbits[0], 1), [1])
        program = lower(circuit)
        assert program.global_phase == pytest.approx(0.4)
        (gates,) = program.body[-1].true_body
        found = oracle.apply_gates(gates, np.eye(4, dtype=complex))
        expected = oracle.apply_matrix(np.eye(4, dtype=complex), sg.HGate().to_matrix(), [1])
        assert np.allclose(found, np.exp(0.4j) * expected)

    @needs_conditions
    def test_conditional_open_control(self):
        circuit = start(3)
        circuit.append(sg.CCXGate(ctrl_state=1).c_if(circuit.clbits[0], 1), [0, 1, 2])
        (gates,) = lower(circuit).body[-1].true_body
        assert gates.kinds[0].control_state == 1


class TestSamples:
    def random_circuit(self, rng):
        circuit = QuantumCircuit(2, 2)
        operations = ["h", "u", "measure", "measure", "measure", "barrier", "id"]
        operations += [["reset"], ["c_if"], ["c_if measure"], []][rng.integers(4)]
        for _ in range(rng.integers(1, 7)):
            name = operations[rng.integers(len(operations))]
            qubit, clbit, value = rng.integers(2, size=3).tolist()
            if name == "measure":
                circuit.measure(qubit, clbit)
            elif name == "c_if":
                circuit.x(qubit).c_if(clbit, value)
            elif name == "c_if measure":
                circuit.measure(qubit, clbit).c_if(1 - clbit, value)
            elif name == "u":
                circuit.u(0.1, 0.2, 0.3, qubit)
            elif name == "barrier":
                circuit.barrier()
            else:
                getattr(circuit, name)(qubit)
        return circuit

    @needs_terra
    def test_is_terras_decision(self):
        rng = np.random.default_rng(5)
        decisions = []
        for _ in range(150):
            circuit = self.random_circuit(rng)
            decisions.append(terra_samples(circuit))
            assert lower(circuit).samples == decisions[-1], circuit.draw()
        assert 30 < sum(decisions) < 120

    @pytest.mark.parametrize(
        ("add", "expected"),
        [
            (lambda circuit: circuit.initialize([1, 0], 0), False),
            (lambda circuit: circuit.pauli("XX", [0, 1]), False),
            (lambda circuit: circuit.pauli("II", [0, 1]), True),
            (lambda circuit: circuit.delay(1, 0), False),
            (lambda circuit: circuit.append(sg.GlobalPhaseGate(0.1), []), True),
            (lambda circuit: circuit.if_test((0, 1), QuantumCircuit(1), [0], []), False),
        ],
    )
    def test_beyond_what_terra_runs(self, add, expected):
        """As terra would decide once the circuit is transpiled."""
        circuit = start()
        add(circuit)
        circuit.measure(1, 1)
        assert lower(circuit).samples is expected

    @pytest.mark.parametrize(
        ("body", "expected"),
        [
            ([], True),
            (["gates"], True),
            (["gates", "gates"], True),
            (["measure"], True),
            (["gates", "measure", "measure"], True),
            (["measure", "gates"], False),
            (["gates", "measure", "gates", "measure"], False),
            (["reset"], False),
            (["gates", "reset", "measure"], False),
            (["reset", "prepare", "measure"], False),
            (["if"], False),
            (["for", "measure"], False),
            (["while"], False),
            (["measure", "switch"], False),
        ],
        ids=lambda value: "-".join(value) if isinstance(value, list) else str(value),
    )
    def test_rule(self, body, expected):
        some, measure = random_programs.gates(["h", 0]), Measure(0, 0)
        operations = {
            "gates": some,
            "measure": measure,
            "reset": Reset(0),
            "prepare": Prepare((0,), np.array([1, 0])),
            "if": IfElse(BitsEqual((0,), 0), (some,)),
            "for": For(((some,),)),
            "while": While(BitsEqual((0,), 1), (some,)),
            "switch": Switch(bits(0), (((0,), (measure,)),)),
        }
        found = only_ends_in_measurements([operations[name] for name in body])
        assert found is expected

    @needs_conditions
    @needs_conditions
    @pytest.mark.parametrize(
        ("inside", "value", "after", "expected"),
        [
            # What the condition does not let through counts as well: BasicAer goes by what it sees.
            (["measure"], 1, [], True),
            (["measure"], 1, ["measure"], True),
            (["measure"], 1, ["h"], False),
            (["measure", "h"], 1, [], False),
            (["h", "measure"], 1, ["measure"], True),
            (["reset"], 1, ["measure"], False),
            (["h"], 0, ["measure"], True),
            (["measure"], 0, ["measure"], True),
            (["measure", "measure"], 0, [], False),
            (["measure"], 0, ["delay"], False),
            (["delay", "measure"], 0, [], True),
            (["measure"], 0, ["conditional id"], False),
            ([], 0, ["conditional id", "measure"], True),
        ],
    )
    def test_what_leaves_nothing_in_the_body(self, inside, value, after, expected):
        def circuit_of(names):
            circuit = QuantumCircuit(1, 1)
            for name in names:
                if name == "measure":
                    circuit.measure(0, 0)
                elif name == "delay":
                    circuit.delay(1, 0)
                elif name == "conditional id":
                    circuit.id(0).c_if(0, 1)
                else:
                    getattr(circuit, name)(0)
            return circuit

        composite = Instruction("inside", 1, 1, [])
        composite.definition = circuit_of(inside)
        circuit = QuantumCircuit(1, 1)
        circuit.append(composite.c_if(circuit.clbits[0], value), [0], [0])
        circuit.compose(circuit_of(after), inplace=True)
        assert lower(circuit).samples is expected

    @needs_conditions
    def test_conditions_within_conditions_are_decided_before_any_measurement(self):
        inner = QuantumCircuit(1, 1)
        inner.x(0).c_if(0, 0)
        inner.y(0).c_if(0, 1)
        composite = Instruction("inside", 1, 1, [])
        composite.definition = inner
        circuit = QuantumCircuit(1, 1)
        circuit.append(composite.c_if(circuit.clbits[0], 0), [0], [0])
        circuit.measure(0, 0)
        program = lower(circuit)
        assert outline(program.body) == [1, "Measure"] and program.samples

    @needs_conditions
    def test_conditions_in_loops_are_not_decided(self):
        """A measurement later in the body comes before them in the next turn."""
        body = QuantumCircuit(1, 1)
        body.x(0).c_if(0, 0)
        body.measure(0, 0)
        circuit = QuantumCircuit(1, 1)
        circuit.for_loop(range(2), None, body, [0], [0])
        (loop,) = lower(circuit).body
        assert outline(loop.bodies[0]) == ["IfElse", "Measure"]


@needs_expressions
class TestExpressions:
    def lowered(self, make):
        circuit = QuantumCircuit(1)
        low, high = ClassicalRegister(2, "low"), ClassicalRegister(3, "high")
        circuit.add_register(low, high)
        circuit.measure(0, 0)
        circuit.if_test(make(low, high), QuantumCircuit(1), [0], [])
        return lower(circuit).body[-1].condition

    def test_every_operator(self):
        low, high = bits(0, 1), bits(2, 3, 4)
        one = bits(0)
        cases = {
            "logic_not": (lambda a, b: expr.logic_not(a[0]), (one,)),
            "bit_not": (lambda a, b: expr.bit_not(a[0]), (one,)),
            "logic_and": (lambda a, b: expr.logic_and(a[0], b[0]), (one, bits(2))),
            "logic_or": (lambda a, b: expr.logic_or(a[0], b[0]), (one, bits(2))),
            "equal": (lambda a, b: expr.equal(a, 2), (low, Expression("value", (2,), 2))),
            "not_equal": (
                lambda a, b: expr.not_equal(a, b),
                (Expression("cast", (low, 3), 3), high),
            ),
            "less": (lambda a, b: expr.less(b, 5), (high, Expression("value", (5,), 3))),
            "less_equal": (
                lambda a, b: expr.less_equal(b, 5),
                (high, Expression("value", (5,), 3)),
            ),
            "greater": (lambda a, b: expr.greater(5, b), (Expression("value", (5,), 3), high)),
            "greater_equal": (
                lambda a, b: expr.greater_equal(b, 0),
                (high, Expression("value", (0,), 3)),
            ),
        }
        for name, (make, operands) in cases.items():
            assert self.lowered(make) == Expression(name, operands, 1), name
        for name in ("bit_and", "bit_or", "bit_xor"):
            function = getattr(expr, name)
            found = self.lowered(lambda a, b: expr.equal(function(b, 6), 2))  # noqa: B023
            inner = Expression(name, (high, Expression("value", (6,), 3)), 3)
            assert found == Expression("equal", (inner, Expression("value", (2,), 3)), 1)

    def test_casts(self):
        nonzero = Expression("not_equal", (bits(2, 3, 4), Expression("value", (0,), 3)), 1)
        assert self.lowered(lambda a, b: expr.cast(b, types.Bool())) == nonzero
        found = self.lowered(lambda a, b: expr.equal(expr.cast(b, types.Uint(2)), a))
        narrow = Expression("cast", (bits(2, 3, 4), 2), 2)
        assert found == Expression("equal", (narrow, bits(0, 1)), 1)

    def test_evaluates_as_python_does(self):
        from basicaer._engine.shots.classical import holds

        condition = self.lowered(
            lambda a, b: expr.logic_or(expr.less(a, expr.bit_xor(b, 5)), expr.logic_not(b[1]))
        )
        for memory in range(32):
            a, b = memory & 3, memory >> 2
            assert holds(condition, memory) == (a < (b ^ 5) or not b & 2)


class TestControlFlow:
    def test_if_else(self):
        circuit = start()
        with circuit.if_test((circuit.clbits[0], True)) as otherwise:
            circuit.x(1)
            circuit.measure(1, 1)
        with otherwise:
            circuit.h(1)
            circuit.z(0)
        operation = lower(circuit).body[-1]
        assert isinstance(operation, IfElse)
        assert operation.condition == BitsEqual((0,), 1)
        assert outline(operation.true_body) == [1, "Measure"]
        assert outline(operation.false_body) == [2]

    def test_values_wider_than_the_register_never_match(self):
        circuit = start()
        circuit.if_test((circuit.cregs[0], 5), QuantumCircuit(1), [0], [])
        assert lower(circuit).body[-1].condition == BitsEqual((0, 1), 5)

    def test_bits_of_a_block_are_those_of_its_instruction(self):
        block = QuantumCircuit(2, 2)
        block.cx(0, 1)
        block.measure(0, 1)
        inner = QuantumCircuit(1)
        inner.z(0)
        block.if_test((block.clbits[1], 1), inner, [1], [])
        circuit = QuantumCircuit(4, 4)
        circuit.measure(0, 0)
        circuit.if_test((0, 1), block, [3, 1], [2, 0])
        gates, measure, nested = lower(circuit).body[-1].true_body
        assert gates.qubits.tolist() == [3, 1]
        assert measure == Measure(3, 0)
        assert nested.condition == BitsEqual((0,), 1)
        assert nested.true_body[0].qubits.tolist() == [1]

    def test_for_loop(self):
        circuit = start()
        with circuit.for_loop(range(4)):
            circuit.x(0)
        operation = lower(circuit).body[-1]
        assert isinstance(operation, For) and len(operation.bodies) == 4
        assert all(body is operation.bodies[0] for body in operation.bodies)

    def test_for_loop_with_a_parameter(self):
        circuit = QuantumCircuit(1)
        with circuit.for_loop((0, 3, 1)) as index:
            circuit.rz(index * 0.5, 0)
            with circuit.for_loop(range(2)) as inner:
                circuit.rx(index + inner, 0)
        bodies = lower(circuit).body[-1].bodies
        for index, (gates, nested) in zip((0, 3, 1), bodies):
            assert np.allclose(gates.coefficients, np.exp([-0.25j * index, 0.25j * index]))
            for value, (turn,) in enumerate(nested.bodies):
                assert np.allclose(
                    turn.coefficients.reshape(2, 2), sg.RXGate(index + value).to_matrix()
                )

    def test_for_loop_over_nothing(self):
        circuit = QuantumCircuit(1)
        circuit.for_loop((), None, QuantumCircuit(1), [0], [])
        assert lower(circuit).body == (For(()),)

    @needs_conditions
    def test_while_break_continue(self):
        circuit = start()
        with circuit.while_loop((circuit.clbits[0], 1)):
            circuit.h(0)
            circuit.measure(0, 0)
            with circuit.if_test((circuit.clbits[1], 1)):
                circuit.break_loop()
            circuit.continue_loop().c_if(0, 1)
            circuit.x(1)
        operation = lower(circuit).body[-1]
        assert isinstance(operation, While) and operation.condition == BitsEqual((0,), 1)
        gates, measure, leave, go_on, last = operation.body
        assert (len(gates), measure, len(last)) == (1, Measure(0, 0), 1)
        assert leave == IfElse(BitsEqual((1,), 1), (Break(),))
        assert go_on == IfElse(BitsEqual((0,), 1), (Continue(),))

    def test_switch(self):
        circuit = start()
        with circuit.switch(circuit.cregs[0]) as case:
            with case(0):
                circuit.x(0)
            with case(1, 3):
                circuit.h(0)
                circuit.h(1)
            with case(case.DEFAULT):
                circuit.reset(0)
        operation = lower(circuit).body[-1]
        assert isinstance(operation, Switch) and operation.target == bits(0, 1)
        assert [values for values, _ in operation.cases] == [(0,), (1, 3), None]
        assert [outline(body) for _, body in operation.cases] == [[1], [2], ["Reset"]]

    def test_switch_on_a_bit(self):
        circuit = start()
        empty = QuantumCircuit(1)
        circuit.switch(circuit.clbits[1], [(True, empty), (CASE_DEFAULT, empty.copy())], [0], [])
        found = lower(circuit).body[-1]
        assert (found.target, [v for v, _ in found.cases]) == (bits(1), [(1,), None])

    @needs_expressions
    def test_switch_on_an_expression(self):
        circuit = start()
        empty = QuantumCircuit(1)
        circuit.switch(expr.bit_not(circuit.cregs[0]), [((0, CASE_DEFAULT), empty)], [0], [])
        found = lower(circuit).body[-1]
        assert found.target == Expression("bit_not", (bits(0, 1),), 2)
        assert [v for v, _ in found.cases] == [None]

    def test_global_phase_of_a_block_is_kept(self):
        block = QuantumCircuit(1, global_phase=0.3)
        circuit = start()
        circuit.if_test((0, 1), block, [1], [])
        program = lower(circuit)
        assert program.global_phase == 0
        (gates,) = program.body[-1].true_body
        found = oracle.apply_gates(gates, np.eye(4, dtype=complex))
        assert np.allclose(found, np.exp(0.3j) * np.eye(4))

    @needs_conditions
    def test_nothing_in_a_loop_is_decided_beforehand(self):
        circuit = QuantumCircuit(1, 1)
        with circuit.for_loop(range(2)):
            circuit.x(0).c_if(0, 1)
            circuit.measure(0, 0)
        body = lower(circuit).body[0].bodies[0]
        assert outline(body) == ["IfElse", "Measure"]


class TestBadInput:
    def expect(self, circuit, *texts):
        with pytest.raises(BasicAerError) as caught:
            lower(circuit)
        for text in (circuit.name, *texts):
            assert text in str(caught.value)

    @needs_open_circuits
    def test_condition_on_a_bit_elsewhere(self):
        circuit = start()
        circuit._data[0].operation = mutable(sg.XGate())
        circuit._data[0].operation.condition = (ClassicalRegister(2, "elsewhere"), 1)
        self.expect(circuit, '"x"', "not in the circuit")
        circuit._data[0].operation.condition = (Clbit(), 1)
        self.expect(circuit, '"x"', "not in the circuit")
        circuit._data[0].operation.condition = ("c", 1)
        self.expect(circuit, '"x"', "expected a clbit or a classical register")
        circuit._data[0].operation.condition = 7
        self.expect(circuit, '"x"', "expected a pair")

    @needs_open_circuits
    def test_bits_elsewhere(self):
        circuit = start()
        circuit._data[1].clbits = (Clbit(),)
        self.expect(circuit, '"measure"', "not in the circuit")
        circuit._data[0].qubits = (Qubit(),)
        self.expect(circuit, '"h"', "not in the circuit")

    @needs_expressions
    def test_expression_on_a_bit_elsewhere(self):
        circuit = start()
        circuit.if_test((0, 1), QuantumCircuit(1), [0], [])
        circuit._data[-1].operation.condition = expr.logic_not(Clbit())
        self.expect(circuit, '"if_else"', "not in the circuit")

    def test_clbit_of_two_registers(self):
        shared = [Clbit(), Clbit()]
        first, second = ClassicalRegister(bits=shared, name="a"), ClassicalRegister(bits=shared[1:])
        circuit = QuantumCircuit(QuantumRegister(1), first, second, name="experiment")
        circuit.measure(0, 0)
        lower(circuit)
        circuit.measure(0, 1)
        self.expect(circuit, '"measure"', '"a"', f'"{second.name}"')

    @pytest.mark.parametrize("jump", [BreakLoopOp(1, 0), ContinueLoopOp(1, 0)])
    def test_jump_outside_of_a_loop(self, jump):
        circuit = QuantumCircuit(1, name="experiment")
        circuit.append(jump, [0])
        self.expect(circuit, jump.name, "is not inside of a loop")

    def test_unbound_parameter_in_a_block(self):
        circuit = start()
        with circuit.if_test((circuit.clbits[0], 1)):
            circuit.rx(Parameter("theta"), 0)
        self.expect(circuit, '"rx"', '"theta"')

    def test_conditional_phase_without_a_qubit(self):
        circuit = QuantumCircuit(0, 1, name="experiment")
        circuit.if_test((0, 1), QuantumCircuit(0, global_phase=1), [], [])
        self.expect(circuit, "no qubit")

    @needs_annotations
    def test_measurement_under_control(self):
        inner = QuantumCircuit(1, 1)
        inner.measure(0, 0)
        circuit = QuantumCircuit(2, 1, name="experiment")
        operation = AnnotatedOperation(inner.to_instruction(), ControlModifier(1))
        circuit.append(operation, [0, 1], [0])
        self.expect(circuit, '"measure"', "controlled")


@needs_expressions
@pytest.mark.parametrize("kind", ["wide", "deep"])
def test_expressions_without_end(kind):
    """An expression that shares its operands is small in memory, but not as a tree."""
    circuit = QuantumCircuit(1, 2, name="twisted")
    node = expr.lift(circuit.clbits[0])
    widest = 60 if NUMBER < (2, 0) else 14  # from 2.0 on operands are copied: 2**14 parts
    for _ in range(widest if kind == "wide" else 300):
        node = expr.logic_and(node, node) if kind == "wide" else expr.logic_not(node)
    body = QuantumCircuit(1, 1)
    # Terra itself goes through all of it where it checks what it is given.
    circuit._append(IfElseOp(node, body), circuit.qubits, circuit.clbits[:1])
    with pytest.raises(BasicAerError, match=r"twisted.*more than 10000 parts or 200 levels"):
        lower(circuit)


def duration_condition():
    from qiskit.circuit import Duration

    circuit = QuantumCircuit(1, 1, name="timed")
    long = expr.less(expr.lift(Duration.dt(10)), expr.lift(Duration.dt(20)))
    with circuit.if_test(long):
        circuit.x(0)
    return circuit


def float_condition():
    circuit = QuantumCircuit(1, 1, name="float")
    with circuit.if_test(expr.less(expr.lift(0.5), expr.lift(1.5))):
        circuit.x(0)
    return circuit


def variable_condition():
    circuit = QuantumCircuit(1, 1, name="variable")
    flag = circuit.add_input("flag", types.Bool())
    with circuit.if_test(flag):
        circuit.x(0)
    return circuit


@needs((2, 0), "has no durations and floats in expressions")
@pytest.mark.parametrize(
    ("make", "words"),
    [
        (duration_condition, ["timed", "Duration", "expected a Bool or a Uint"]),
        (float_condition, ["float", "Float", "expected a Bool or a Uint"]),
        (variable_condition, ["variable", 'the variable "flag"']),
    ],
)
def test_expressions_that_cannot_be_evaluated_are_named(make, words):
    with pytest.raises(BasicAerError) as caught:
        lower(make())
    assert all(word in str(caught.value) for word in words), str(caught.value)


@needs((2, 5), "has no loops over variables")
def test_a_loop_over_a_variable():
    circuit = QuantumCircuit(1, 1, name="looped")
    turn = expr.Var.new("turn", types.Uint(8))
    with circuit.for_loop(range(3), turn), circuit.if_test(expr.equal(turn, 2)):
        circuit.x(0)
    with pytest.raises(BasicAerError, match=r'looped.*the variable "turn"'):
        lower(circuit)
