"""Stores to clbits and registers, and expressions of Qiskit 1.1 and later, against an oracle.

Whole circuits are compared with `walk`, which goes through Qiskit's own objects.
"""

# ruff: noqa: E402 (what is imported further down may not exist)

from __future__ import annotations

import numpy as np
import pytest
import walk
from versions import NUMBER, needs, needs_conditions, skip_here

skip_here(needs((1, 1), "has no stores and no shifts"))

from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister, transpile
from qiskit.circuit import AnnotatedOperation, ControlModifier, Instruction, Parameter
from qiskit.transpiler import generate_preset_pass_manager

from basicaer import BasicAer, BasicAerError
from basicaer._engine.program import Expression, Store
from basicaer._qiskit.circuits.circuit_key import structure_of
from basicaer._qiskit.circuits.lower import lower
from basicaer._qiskit.versions import expr, types, with_condition

QASM, STATEVECTOR, UNITARY = BasicAer.backends()
LEVELS = pytest.mark.parametrize("level", range(4))


def memory(circuit, seed=5, shots=60, **options):
    job = QASM.run(circuit, shots=shots, seed_simulator=seed, memory=True, **options)
    return [word.replace(" ", "") for word in job.result().get_memory()]


def start(*sizes, qubits=2, name="stored"):
    """Returns a circuit with classical registers of the given sizes."""
    registers = [ClassicalRegister(size, f"c{place}") for place, size in enumerate(sizes)]
    return QuantumCircuit(QuantumRegister(qubits, "q"), *registers, name=name)


def uint(value, width):
    return expr.Value(value, types.Uint(width))


class Maker:
    """Makes random dynamic circuits, with stores (and boxes, where Qiskit has them) all over."""

    def __init__(self, seed):
        self.random = np.random.default_rng(seed)
        self.circuit = start(3, 2, 1, qubits=3)

    def make(self):
        circuit = self.circuit
        self.fill(int(self.random.integers(4, 9)), 2, False)
        if self.random.random() < 0.5:
            circuit.measure(range(3), range(3))
        return circuit

    def number(self, most):
        return int(self.random.integers(most))

    def fill(self, length, depth, in_loop):
        for _ in range(length):
            roll = self.random.random()
            if roll < 0.3:
                self.gate()
            elif roll < 0.5:
                self.circuit.measure(self.number(3), self.number(6))
            elif roll < 0.7:
                self.store()
            elif roll < 0.75:
                self.circuit.reset(self.number(3))
            elif depth:
                self.flow(depth - 1, in_loop)

    def gate(self):
        circuit, qubits = self.circuit, self.random.permutation(3).tolist()
        which = self.number(4)
        if which == 0:
            circuit.h(qubits[0])
        elif which == 1:
            circuit.cx(*qubits[:2])
        elif which == 2:
            circuit.ry(float(self.random.normal()), qubits[0])
        else:
            circuit.x(qubits[0])

    def flow(self, depth, in_loop):
        circuit, which = self.circuit, self.number(6)
        if which == 0:
            with circuit.for_loop(range(self.number(3))):
                self.fill(2, depth, True)
                with circuit.if_test(self.bool(1)):
                    circuit.break_loop() if self.number(2) else circuit.continue_loop()
        elif which == 1:
            with circuit.switch(self.uint(1)) as case:
                with case(0, 3):
                    self.fill(2, depth, in_loop)
                with case(case.DEFAULT):
                    self.fill(1, depth, in_loop)
        elif which == 2:
            circuit.store(circuit.clbits[5], self.bool(1))
            with circuit.while_loop((circuit.clbits[5], 1)):
                self.fill(2, depth, True)
                circuit.h(0)
                circuit.measure(0, 5)
        elif which == 3 and hasattr(circuit, "box"):
            with circuit.box():
                self.fill(2, depth, False)
        else:
            with circuit.if_test(self.bool(2)) as otherwise:
                self.fill(2, depth, in_loop)
            if self.number(2):
                with otherwise:
                    self.fill(1, depth, in_loop)

    def store(self):
        circuit = self.circuit
        first, second, _ = circuit.cregs
        which = self.number(4)
        if which == 0:
            circuit.store(circuit.clbits[self.number(6)], self.bool(2))
        elif which == 1:
            circuit.store(first, self.uint(2))
        elif which == 2:
            circuit.store(expr.index(first, self.number(3)), self.bool(1))
        else:  # the index is at most 1
            place = expr.bit_and(second, uint(1, 2))
            circuit.store(expr.index(first, place), self.bool(1))

    def uint(self, depth):
        """A random expression of three bits."""
        first, second, _ = self.circuit.cregs
        if not depth:
            leaves = [expr.lift(first), expr.cast(second, types.Uint(3)), uint(self.number(8), 3)]
            return leaves[self.number(3)]
        left, right = self.uint(depth - 1), self.uint(depth - 1)
        makers = [expr.bit_and, expr.bit_or, expr.bit_xor, expr.shift_left, expr.shift_right]
        if NUMBER >= (2, 0):
            makers += [expr.add, expr.sub, expr.mul, self.divided]
        else:
            makers.append(lambda a, _: expr.bit_not(a))
        return makers[self.number(len(makers))](left, right)

    @staticmethod
    def divided(left, right):
        return expr.div(left, expr.bit_or(right, uint(1, 3)))

    def bool(self, depth):
        circuit = self.circuit
        if not depth:
            return expr.lift(circuit.clbits[self.number(6)])
        which = self.number(5)
        if which == 0:
            return expr.index(self.uint(depth - 1), expr.bit_and(circuit.cregs[1], uint(1, 2)))
        if which == 1:
            return expr.logic_not(self.bool(depth - 1))
        if which == 2:
            return expr.logic_or(self.bool(depth - 1), self.bool(depth - 1))
        if which == 3:
            return expr.cast(self.uint(depth - 1), types.Bool())
        return expr.less(self.uint(depth - 1), self.uint(depth - 1))


@pytest.mark.parametrize("seed", range(80))
def test_random_circuits(seed):
    circuit = Maker(seed).make()
    expected = walk.memory_of(circuit, 25, seed)
    assert memory(circuit, seed, 25) == expected
    assert memory(circuit, seed, 25, branching=False) == expected


@LEVELS
@pytest.mark.parametrize("seed", range(4))
def test_transpiled_random_circuits(seed, level):
    """Compared with themselves: what is independent may come in another order, and draw so."""
    circuit = Maker(100 + seed).make()
    made = transpile(circuit, QASM, optimization_level=level)
    managed = generate_preset_pass_manager(level, backend=QASM).run(circuit)
    for each in (made, managed):
        assert each.count_ops().get("store", 0) == circuit.count_ops().get("store", 0)
        assert memory(each, seed, 20) == walk.memory_of(each, 20, seed)


def test_what_is_read():
    circuit = start(2, 1)
    circuit.store(circuit.cregs[0], uint(2, 2))
    circuit.store(circuit.clbits[2], expr.index(circuit.cregs[0], 1))
    bits = Expression("bits", (0, 1), 2)
    program = lower(circuit)
    assert program.body == (
        Store((0, 1), Expression("value", (2,), 2)),
        Store((2,), Expression("index", (bits, Expression("value", (1,), 1)), 1)),
    )
    assert not program.samples
    assert structure_of(circuit) is None
    circuit.clear()
    circuit.store(expr.index(circuit.cregs[0], 1), True)
    assert lower(circuit).body == (Store((1,), Expression("value", (1,), 1)),)


def test_teleportation_with_a_parity():
    """The parity of two outcomes is stored and corrects a third qubit."""
    circuit = start(2, 1, qubits=3)
    circuit.h([0, 1])
    circuit.cx(0, 2)
    circuit.cx(1, 2)
    circuit.measure([0, 1], [0, 1])
    circuit.store(circuit.clbits[2], expr.bit_xor(*circuit.cregs[0][:]))
    with circuit.if_test((circuit.clbits[2], 1)):
        circuit.x(2)
    circuit.measure(2, 2)
    counts = QASM.run(circuit, shots=400, seed_simulator=2).result().get_counts()
    assert set(counts) == {"0 00", "0 01", "0 10", "0 11"}
    state = STATEVECTOR.run(circuit, seed_simulator=2).result().get_statevector()
    assert sorted(np.abs(np.asarray(state)).round(9))[-1] == 1


def test_a_composite_with_a_store():
    inner = start(2, qubits=1, name="inner")
    inner.h(0)
    inner.measure(0, 0)
    inner.store(inner.clbits[1], expr.bit_not(inner.clbits[0]))
    composite = Instruction("inner", 1, 2, [])
    composite.definition = inner
    circuit = start(3)
    circuit.append(composite, [1], [2, 0])
    assert set(memory(circuit)) == {"001", "100"}
    composed = start(3).compose(inner, [1], [2, 0])
    assert memory(composed) == memory(circuit)
    # Qiskit makes new clbits for the definition, and does not tell its stores.
    circuit = start(3)
    circuit.append(inner.to_instruction(), [1], [2, 0])
    refuses(circuit, '"store"', "c0", "not in the circuit")


def test_the_log_does_not_miss_measurements(caplog):
    circuit = start(1)
    QASM.run(circuit).result()
    assert "No measurements" in caplog.text
    caplog.clear()
    with circuit.if_test((0, 0)):
        circuit.store(circuit.clbits[0], True)
    assert memory(circuit, shots=3) == ["1"] * 3
    assert not caplog.text


@needs_conditions
def test_a_condition_after_a_store():
    """Before the first measurement clbits are 0, but not after a store."""
    circuit = start(2)
    circuit.store(circuit.clbits[0], True)
    from qiskit.circuit.library import XGate

    circuit.append(with_condition(XGate().to_mutable(), circuit.cregs[0], 1), [0])
    circuit.append(with_condition(XGate().to_mutable(), circuit.cregs[0], 0), [1])
    circuit.measure([0, 1], [0, 1])
    assert memory(circuit, shots=3) == ["01"] * 3 == walk.memory_of(circuit, 3, 1)


def test_a_sweep():
    angle = Parameter("angle")
    circuit = start(2)
    circuit.rx(angle, 0)
    circuit.measure(0, 0)
    circuit.store(circuit.clbits[1], expr.bit_not(circuit.clbits[0]))
    for value, expected in ((0.0, "10"), (np.pi, "01")):
        assert memory(circuit.assign_parameters({angle: value}), shots=3) == [expected] * 3
    result = QASM.run(circuit, parameter_binds=[{angle: [0.0, np.pi]}], shots=3).result()
    assert [result.get_counts(place) for place in range(2)] == [{"10": 3}, {"01": 3}]


# ----------------------------------------------------------------------------------------------
# Bad input
# ----------------------------------------------------------------------------------------------


def refuses(circuit, *words, backend=QASM):
    """`run` raises an error with all the words, and the next run is as good as any."""
    with pytest.raises(BasicAerError) as caught:
        backend.run(circuit).result()
    message = str(caught.value)
    assert all(word in message for word in (f'circuit "{circuit.name}"', *words)), message
    good = QuantumCircuit(1)
    good.h(0)
    assert backend.run(good).result().success


@pytest.mark.parametrize("backend", [QASM, STATEVECTOR], ids=lambda backend: backend.name())
class TestVariables:
    def test_declared(self, backend):
        circuit = start(1)
        circuit.add_var("flag", expr.lift(True))
        refuses(circuit, '"store"', 'the variable "flag"', "clbits", backend=backend)

    def test_input(self, backend):
        circuit = start(1)
        flag = circuit.add_input("flag", types.Bool())
        circuit.store(circuit.clbits[0], flag)
        refuses(circuit, '"store"', 'the variable "flag"', "clbits", backend=backend)

    def test_uninitialized(self, backend):
        circuit = start(2)
        number = expr.Var.new("number", types.Uint(2))
        circuit.add_uninitialized_var(number)
        with circuit.switch(number) as case, case(0):
            circuit.x(0)
        refuses(circuit, '"switch_case"', 'the variable "number"', backend=backend)

    def test_in_a_block(self, backend):
        circuit = start(2)
        with circuit.while_loop((circuit.clbits[0], 0)):
            circuit.add_var("own", uint(1, 2))
        refuses(circuit, 'the variable "own"', backend=backend)

    def test_a_bit_of_one(self, backend):
        circuit = start(2)
        number = expr.Var.new("number", types.Uint(2))
        circuit.add_uninitialized_var(number)
        circuit.store(expr.index(number, 0), True)
        refuses(circuit, 'the variable "number"', "written", backend=backend)

    def test_in_an_index(self, backend):
        circuit = start(2)
        number = circuit.add_input("number", types.Uint(1))
        circuit.store(expr.index(circuit.cregs[0], number), True)
        refuses(circuit, 'the variable "number"', "read", backend=backend)

    def test_one_that_nothing_reads(self, backend):
        circuit = start(1, qubits=1)
        circuit.add_input("flag", types.Bool())
        circuit.add_uninitialized_var(expr.Var.new("number", types.Uint(2)))
        circuit.x(0)
        circuit.measure(0, 0)
        assert backend.run(circuit).result().get_counts().keys() == {"1"}


class TestBadInput:
    def test_an_index_beyond_the_register(self):
        circuit = start(2)
        circuit.store(expr.index(circuit.cregs[0], 2), True)
        refuses(circuit, '"store"', "bit 2 of a value of 2 bits")
        circuit = start(2)
        with circuit.if_test(expr.index(circuit.cregs[0], 3)):
            circuit.x(0)
        refuses(circuit, '"if_else"', "bit 3 of a value of 2 bits")

    def test_an_index_that_turns_out_to_be_beyond_the_register(self):
        for branching in (True, False):
            circuit = start(2, 3)
            circuit.x(0)
            circuit.measure(0, 4)
            circuit.store(expr.index(*circuit.cregs), True)
            with pytest.raises(BasicAerError, match=r'"stored".*bit 4 of a value of 2 bits'):
                QASM.run(circuit, branching=branching).result()
        refuses(circuit, "bit 4 of a value of 2 bits")

    @needs((2, 0), "has no arithmetic in expressions")
    def test_a_division_by_0(self):
        circuit = start(2)
        circuit.store(circuit.cregs[0], expr.div(circuit.cregs[0], uint(0, 2)))
        refuses(circuit, '"store"', "divides by 0")
        circuit = start(2, 2)
        circuit.store(circuit.cregs[0], uint(3, 2))
        circuit.store(circuit.cregs[0], expr.div(*circuit.cregs))
        refuses(circuit, "divides 3 by 0")

    @pytest.mark.skipif(NUMBER < (2, 0), reason="Qiskit before 2.0 has no Float")
    def test_a_float(self):
        circuit = start(1)
        circuit.store(circuit.clbits[0], expr.less(expr.lift(0.5), expr.lift(1.5)))
        refuses(circuit, '"store"', "Float", "expected a Bool or a Uint")

    def test_no_unitary(self):
        circuit = QuantumCircuit(1, 1, name="stored")
        circuit.store(circuit.clbits[0], True)
        with pytest.raises(BasicAerError, match=r'"unitary_simulator" instruction "store"'):
            UNITARY.run(circuit)

    def test_a_clbit_of_two_registers(self):
        first = ClassicalRegister(2, "first")
        second = ClassicalRegister(name="second", bits=first[1:])
        circuit = QuantumCircuit(QuantumRegister(1), first, second, name="stored")
        circuit.store(first[0], True)
        assert set(memory(circuit, shots=1)[0]) == {"0", "1"}
        circuit.store(first, uint(1, 2))
        refuses(circuit, '"store"', '"first"', '"second"')

    def test_behind_controls(self):
        inner = start(1, qubits=1)
        inner.store(inner.clbits[0], True)
        circuit = start(1)
        annotated = AnnotatedOperation(inner.to_instruction(), ControlModifier(1))
        circuit.append(annotated, [0, 1], [0])
        refuses(circuit, '"store"', "controlled")
