"""Instructions that Qiskit 2 added: boxes, delays by expressions, products of Paulis.

Outcomes are compared with `walk`, seed for seed, and states and matrices with Qiskit's own.
"""

# ruff: noqa: E402 (what is imported further down may not exist)

from __future__ import annotations

import math

import numpy as np
import pytest
import walk
from versions import needs, skip_here

skip_here(needs((1, 0), "has no composites of today"))

from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister, transpile
from qiskit.circuit import Parameter, library
from qiskit.quantum_info import (
    Operator,
    Pauli,
    SparsePauliOp,
    Statevector,
    random_clifford,
)
from qiskit.synthesis import SuzukiTrotter
from qiskit.transpiler import generate_preset_pass_manager

from basicaer import BasicAer, BasicAerError
from basicaer._qiskit.circuits.circuit_key import structure_of
from basicaer._qiskit.circuits.lower import lower
from basicaer._qiskit.versions import BoxOp, expr

QASM, STATEVECTOR, UNITARY = BasicAer.backends()
LEVELS = pytest.mark.parametrize("level", range(4))
needs_boxes = needs((2, 0), "has no boxes, stretches and durations")
needs_annotated_boxes = needs((2, 1), "has no annotations of boxes")
needs_products = needs((2, 3), "has no measurements of products of Paulis")
needs_rotations = needs((2, 4), "has no rotations by products of Paulis")


def memory(circuit, seed=5, shots=60, **options):
    job = QASM.run(circuit, shots=shots, seed_simulator=seed, memory=True, **options)
    return [word.replace(" ", "") for word in job.result().get_memory()]


def start(num_qubits=2, num_clbits=2, name="second"):
    clbits = ClassicalRegister(num_clbits, "c")
    return QuantumCircuit(QuantumRegister(num_qubits, "q"), clbits, name=name)


def transpiled(circuit, level, backend=QASM):
    """Yields the circuit as `transpile` and as the pass manager make it."""
    yield transpile(circuit, backend, optimization_level=level, seed_transpiler=1)
    yield generate_preset_pass_manager(level, backend=backend, seed_transpiler=1).run(circuit)


def refuses(circuit, *words, backend=QASM):
    """`run` raises an error with all the words, and the next run is as good as any."""
    with pytest.raises(BasicAerError) as caught:
        backend.run(circuit)
    message = str(caught.value)
    assert all(word in message for word in (f'"{circuit.name}"', *words)), message
    good = QuantumCircuit(1)
    good.h(0)
    assert backend.run(good).result().success


# ----------------------------------------------------------------------------------------------
# Boxes
# ----------------------------------------------------------------------------------------------


def boxed(*, boxes=True):
    """A circuit with boxes in boxes and in loops; without them it is the same circuit."""
    from contextlib import nullcontext

    circuit = start(3, 3)
    box = circuit.box if boxes else lambda **_: nullcontext()
    circuit.global_phase = 0.3
    with box(label="outer", duration=3.5, unit="us"):
        circuit.h(0)
        if boxes:
            circuit.noop(2)
        with box(duration=100):
            circuit.cx(0, 1)
            circuit.measure(1, 0)
    with circuit.for_loop(range(3)) as turn:
        with box():
            circuit.rx(turn, 2)
            circuit.measure(2, 1)
            with circuit.if_test((circuit.clbits[1], 1)), box():
                circuit.x(2)
                circuit.measure(0, 2)
        with circuit.if_test((circuit.clbits[1], 1)):
            circuit.break_loop()
    circuit.measure(0, 2)
    return circuit


@needs_boxes
class TestBoxes:
    @pytest.mark.parametrize("branching", [True, False])
    @pytest.mark.parametrize("seed", range(5))
    def test_what_is_in_them_runs(self, seed, branching):
        expected = memory(boxed(boxes=False), seed)
        assert memory(boxed(), seed, branching=branching) == expected
        assert walk.memory_of(boxed(), 60, seed) == expected
        assert len(set(expected)) > 2

    @LEVELS
    def test_transpiled(self, level):
        for each in transpiled(boxed(), level):
            assert each.count_ops()["box"] == 1
            assert memory(each, shots=30) == walk.memory_of(each, 30, 5)

    @LEVELS
    def test_transpiled_for_other_backends(self, level):
        circuit = QuantumCircuit(2)
        with circuit.box():
            circuit.h(0)
            circuit.noop(1)
        bare = QuantumCircuit(2)
        bare.h(0)
        for each in transpiled(circuit, level, UNITARY):
            found = UNITARY.run(each).result().get_unitary()
            assert np.allclose(found, Operator(bare).data, atol=1e-12)
        for each in transpiled(circuit, level, STATEVECTOR):
            found = STATEVECTOR.run(each).result().get_statevector()
            assert np.allclose(found, Statevector(bare).data, atol=1e-12)

    def test_a_box_of_gates_is_gates(self):
        circuit = start(2)
        body = QuantumCircuit(2, global_phase=0.25)
        body.h(0)
        body.cx(0, 1)
        circuit.box(body, [1, 0], [])
        assert np.allclose(
            UNITARY.run(circuit).result().get_unitary(),
            Operator(body.reverse_bits()).data,
        )
        assert structure_of(circuit) is None
        circuit.measure([0, 1], [0, 1])
        assert lower(circuit).samples
        bare = start(2)
        bare.h(1)
        bare.cx(1, 0)
        bare.measure([0, 1], [0, 1])
        assert memory(circuit) == memory(bare)

    def test_an_empty_box(self):
        circuit = start(2)
        with circuit.box():
            pass
        circuit.box(QuantumCircuit(2, 2), [1, 0], [1, 0])
        assert lower(circuit).body == ()

    @needs_annotated_boxes
    def test_annotations(self):
        from qiskit.circuit import Annotation

        class Own(Annotation):
            namespace = "own.thing"

        circuit = start(1, 1)
        with circuit.box([Own(), Own()], label="mine", duration=3, unit="ns"):
            circuit.x(0)
        circuit.measure(0, 0)
        assert memory(circuit, shots=3) == ["1"] * 3

    @pytest.mark.parametrize("jump", ["break_loop", "continue_loop"])
    @pytest.mark.parametrize("loop", ["for", "while"])
    def test_jumps(self, jump, loop):
        """Qiskit's builder lets none into a box; a box that is made by hand can have them."""
        turn = start(1, 2)
        inner = start(1, 2)
        inner.h(0)
        inner.measure(0, 0)
        block = QuantumCircuit(1, 2)
        getattr(block, jump)()
        inner.if_test((inner.clbits[0], 1), block, [0], [0, 1])
        turn.box(inner, [0], [0, 1])
        turn.x(0)
        turn.measure(0, 1)
        circuit = start(1, 2)
        if loop == "for":
            circuit.for_loop(range(4), None, turn, [0], [0, 1])
        else:
            circuit.while_loop((circuit.clbits[1], 0), turn, [0], [0, 1])
        for seed in range(4):
            assert memory(circuit, seed) == walk.memory_of(circuit, 60, seed)
        outside = start(1, 2)
        outside.box(block, [0], [0, 1])
        refuses(outside, f'"{jump}"', "not inside of a loop")

    def test_parameters(self):
        angle = Parameter("angle")
        circuit = start(1, 1)
        with circuit.box():
            circuit.rx(angle, 0)
        refuses(circuit, '"rx"', '"angle"')
        circuit.measure(0, 0)
        bound = circuit.assign_parameters({angle: math.pi})
        assert memory(bound, shots=2) == ["1"] * 2
        result = QASM.run(circuit, parameter_binds=[{angle: [0.0, math.pi]}], shots=2).result()
        assert [result.get_counts(place) for place in range(2)] == [{"0": 2}, {"1": 2}]

    def test_stores(self):
        circuit = start(1, 3)
        with circuit.box():
            circuit.h(0)
            circuit.measure(0, 0)
            circuit.store(circuit.clbits[1], expr.bit_not(circuit.clbits[0]))
            with circuit.box():
                circuit.store(circuit.clbits[2], True)
        assert set(memory(circuit)) == {"101", "110"}

    def test_stretched(self):
        circuit = start(1, 1)
        long = circuit.add_stretch("long")
        with circuit.box(duration=expr.mul(long, 2)):
            circuit.x(0)
            circuit.delay(long, 0)
        circuit.measure(0, 0)
        assert memory(circuit, shots=2) == ["1"] * 2

    def test_what_has_no_unitary(self):
        circuit = start(1, 1)
        with circuit.box():
            circuit.measure(0, 0)
        refuses(circuit, '"unitary_simulator" instruction "measure"', backend=UNITARY)

    def test_a_variable(self):
        circuit = start(1, 1)
        with circuit.box():
            circuit.add_var("own", expr.lift(True))
        refuses(circuit, '"store"', 'the variable "own"')

    def test_a_duration_that_is_none(self):
        from qiskit.circuit import Duration

        for duration in (math.nan, expr.mul(Duration.ns(1), math.inf)):
            circuit = start(1, 1)
            unit = {} if isinstance(duration, expr.Expr) else {"unit": "ns"}
            with circuit.box(duration=duration, **unit):
                circuit.x(0)
            refuses(circuit, '"box"', "a finite number is needed")
        circuit = start(1, 1)
        with circuit.box(duration=-3):
            circuit.x(0)
        refuses(circuit, '"box"', "the negative duration -3")
        circuit = start(1, 1)
        body = QuantumCircuit(1)
        box = BoxOp(body, duration=expr.lift(Duration.ns(1)))
        box.duration = expr.lift(True)
        circuit.append(box, [0])
        refuses(circuit, '"box"', "a duration of the type Bool")


# ----------------------------------------------------------------------------------------------
# Delays
# ----------------------------------------------------------------------------------------------


@needs_boxes
class TestDelays:
    def delayed(self):
        from qiskit.circuit import Duration

        circuit = start(2, 2)
        stretch = circuit.add_stretch("stretch")
        circuit.h(0)
        circuit.delay(stretch, 0)
        circuit.delay(expr.add(expr.mul(stretch, 2.0), Duration.us(1.5)), 1)
        circuit.delay(expr.sub(Duration.dt(10), Duration.dt(20)), 1)
        circuit.cx(0, 1)
        circuit.delay(expr.lift(Duration.ns(4)), [0, 1])
        return circuit

    def test_they_do_nothing(self):
        bare = start(2, 2)
        bare.h(0)
        bare.cx(0, 1)
        found = UNITARY.run(self.delayed()).result().get_unitary()
        assert np.allclose(found, Operator(bare).data)
        circuit = self.delayed()
        circuit.measure([0, 1], [0, 1])
        bare.measure([0, 1], [0, 1])
        assert memory(circuit) == memory(bare)

    @LEVELS
    def test_transpiled(self, level):
        circuit = self.delayed()
        circuit.measure([0, 1], [0, 1])
        for each in transpiled(circuit, level):
            assert each.count_ops()["delay"] == 5
            assert memory(each) == memory(circuit)

    def test_after_a_measurement_nothing_is_sampled(self):
        """As for a delay by a number: BasicAer samples only what ends in measurements."""
        memories = []
        for expression in (True, False):
            circuit = start(1, 2)
            length = circuit.add_stretch("length") if expression else 3
            circuit.h(0)
            circuit.measure(0, 0)
            circuit.delay(length, 0)
            circuit.measure(0, 1)
            assert not lower(circuit).samples
            memories.append(memory(circuit))
        assert memories[0] == memories[1]

    def test_numbers_that_are_none(self):
        from qiskit.circuit import Duration

        circuit = start()
        circuit.delay(expr.add(Duration.ns(math.nan), Duration.ns(1.0)), 0)
        refuses(circuit, '"delay"', "the duration nan", "a finite number is needed")


# ----------------------------------------------------------------------------------------------
# Measurements of products of Paulis
# ----------------------------------------------------------------------------------------------


def measured(label, before):
    """A circuit that measures the product of Paulis, after gates that depend on `before`."""
    from qiskit.circuit.library import PauliProductMeasurement

    pauli = Pauli(label)
    width = pauli.num_qubits
    circuit = start(width + 1, 2)
    random = np.random.default_rng(before)
    for qubit in range(width + 1):
        circuit.u(*random.uniform(0, 3, 3).tolist(), qubit)
        circuit.cx(qubit, (qubit + 1) % (width + 1))
    qubits = random.permutation(width + 1)[:width].tolist()
    circuit.append(PauliProductMeasurement(pauli), qubits, [0])
    return circuit, qubits


LABELS = ["X", "-X", "Y", "-Y", "Z", "-Z", "XZ", "-YY", "IZ", "-XI", "XYZ", "-ZIY", "YXXZ"]


@needs_products
class TestProducts:
    @pytest.mark.parametrize("branching", [True, False])
    @pytest.mark.parametrize("label", LABELS)
    def test_outcomes(self, label, branching):
        for seed in range(3):
            circuit, _ = measured(label, seed)
            circuit.h(0)  # or else the definition of Z, which is a measurement, would be sampled
            circuit.measure(0, 1)
            expected = walk.memory_of(circuit, 60, seed)
            assert memory(circuit, seed, branching=branching) == expected

    @pytest.mark.parametrize("label", LABELS)
    def test_states_and_probabilities(self, label):
        circuit, qubits = measured(label, 1)
        bare = circuit.copy_empty_like()
        for instruction in circuit.data[:-1]:
            bare.append(instruction)
        state = Statevector(bare)
        chance = (1 + state.expectation_value(Pauli(label), qubits).real) / 2
        counts = QASM.run(circuit, shots=4000, seed_simulator=3).result().get_counts()
        assert abs(counts.get("00", 0) / 4000 - chance) < 0.04
        result = STATEVECTOR.run(circuit, seed_simulator=3).result()
        sign = 1 - 2 * int(next(iter(result.get_counts())), 2)
        other = state.evolve(Pauli(label), qubits).data
        kept = (state.data + sign * other) / 2
        kept /= np.linalg.norm(kept)
        assert np.allclose(result.get_statevector(), kept, atol=1e-10)

    @LEVELS
    @pytest.mark.parametrize("label", ["X", "Z", "-Z", "-YZ", "IZ", "XIY"])
    @pytest.mark.parametrize("again", [True, False])
    def test_transpiled(self, label, level, again):
        """What a basis simulator runs: gates around one measurement, with the same draw."""
        circuit, qubits = measured(label, 2)
        if again:
            circuit.measure(qubits[0], 1)
        plain = transpile(
            circuit, basis_gates=["rz", "sx", "cx"], optimization_level=level, seed_transpiler=1
        )
        assert plain.count_ops()["measure"] == 1 + again
        assert memory(plain) == memory(circuit)
        for each in transpiled(circuit, level):
            assert each.count_ops()["pauli_product_measurement"] == 1
            assert memory(each) == memory(circuit)

    def test_in_control_flow(self):
        from qiskit.circuit.library import PauliProductMeasurement

        circuit = start(2, 3)
        product = PauliProductMeasurement(Pauli("-ZX"))
        with circuit.while_loop((circuit.clbits[0], 0)):
            with circuit.box():
                circuit.h(0)
                circuit.append(product, [0, 1], [0])
            with circuit.if_test((circuit.clbits[0], 1)):
                circuit.append(product, [1, 0], [1])
        circuit.measure(0, 2)
        for seed in range(4):
            assert memory(circuit, seed) == walk.memory_of(circuit, 60, seed)

    def test_no_unitary(self):
        circuit, _ = measured("XY", 0)
        words = '"unitary_simulator" instruction "pauli_product_measurement"'
        refuses(circuit, words, backend=UNITARY)


# ----------------------------------------------------------------------------------------------
# Gates by other objects
# ----------------------------------------------------------------------------------------------

HEISENBERG = SparsePauliOp(["XXI", "YYI", "ZZI", "IXX", "ZIZ", "IIY"], [1, 0.4, -1, 0.3, 0.2, 1])
COMMUTING = SparsePauliOp(["ZZI", "IZZ", "ZII"], [0.3, -0.7, 1.1])


def objects():
    """Returns operations on three qubits by name, each with whether its definition is exact."""
    evolution = library.PauliEvolutionGate
    made = {
        "evolution": (evolution(HEISENBERG, 0.3), False),
        "evolution, Suzuki": (evolution(HEISENBERG, 0.3, synthesis=SuzukiTrotter(4, 2)), False),
        "evolution of a list": (evolution([COMMUTING, HEISENBERG], 0.2), False),
        "evolution, commuting": (evolution(COMMUTING, 1.7), True),
        "evolution, one Pauli": (evolution(Pauli("XYZ"), -0.6), True),
        "evolution of no time": (evolution(HEISENBERG, 0), True),
        "clifford": (random_clifford(3, seed=4), True),
    }
    if hasattr(library, "QFTGate"):
        made["qft"] = (library.QFTGate(3), True)
        made["inverse qft"] = (library.QFTGate(3).inverse(), True)
    if hasattr(library, "PauliProductRotationGate"):
        rotation = library.PauliProductRotationGate
        made.update(
            # Qiskit's definition for the identity leaves out the phase, and so does `transpile`.
            (f"rotation {label} {angle}", (rotation(Pauli(label), angle), "III" not in label))
            for label in ("XYZ", "-XYZ", "ZIY", "-IIX", "III", "-III")
            for angle in (0.7, -2.5, 0)
        )
    return made


OBJECTS = objects()


@pytest.mark.parametrize("name", OBJECTS)
class TestObjects:
    def circuit(self, name):
        circuit = start(4, 4)
        circuit.h(range(4))
        circuit.rz(0.4, 1)
        circuit.append(OBJECTS[name][0], [3, 0, 2])
        return circuit

    def expected(self, name):
        """The circuit with the definition of the operation, or its matrix, if that is the same."""
        operation, exact = OBJECTS[name]
        bare = start(4, 4)
        bare.h(range(4))
        bare.rz(0.4, 1)
        if exact:
            bare.unitary(Operator(operation), [3, 0, 2])
        else:
            bare.compose(operation.definition, [3, 0, 2], inplace=True)
        return Operator(bare).data

    def test_states_and_matrices(self, name):
        circuit, expected = self.circuit(name), self.expected(name)
        unitary = UNITARY.run(circuit).result().get_unitary()
        assert np.allclose(unitary, expected, atol=1e-12)
        state = STATEVECTOR.run(circuit).result().get_statevector()
        assert np.allclose(state, expected[:, 0], atol=1e-12)

    @LEVELS
    def test_transpiled(self, name, level):
        expected = self.expected(name)
        for each in transpiled(self.circuit(name), level, UNITARY):
            found = Operator.from_circuit(each).data  # which undoes that qubits were exchanged
            assert np.allclose(found, expected, atol=1e-9)
            unitary = UNITARY.run(each).result().get_unitary()
            assert np.allclose(unitary, Operator(each).data, atol=1e-9)

    def test_outcomes(self, name):
        circuit = self.circuit(name)
        circuit.measure(range(4), range(4))
        found = memory(circuit, shots=100)
        (plain,) = transpile([circuit], QASM, optimization_level=0)
        assert memory(plain, shots=100) == found
        with circuit.if_test((circuit.clbits[0], 1)):
            circuit.append(OBJECTS[name][0], [1, 2, 3])
        circuit.measure(range(4), range(4))
        decomposed = start(4, 4)
        decomposed.compose(transpile(circuit, QASM, optimization_level=0), inplace=True)
        assert memory(circuit, shots=40) == memory(decomposed, shots=40)


@needs_rotations
def test_a_rotation_by_a_parameter():
    from qiskit.circuit.library import PauliProductRotationGate

    angle = Parameter("angle")
    circuit = start(2, 2, name="rotated")
    circuit.append(PauliProductRotationGate(Pauli("-XY"), angle), [1, 0])
    refuses(circuit, '"angle"', backend=UNITARY)
    bound = circuit.assign_parameters({angle: 0.8})
    rotated = Pauli("-XY").to_matrix()
    exact = QuantumCircuit(2)
    exact.unitary(math.cos(0.4) * np.eye(4) - 1j * math.sin(0.4) * rotated, [1, 0])
    found = UNITARY.run(bound).result().get_unitary()
    assert np.allclose(found, Operator(exact).data, atol=1e-12)
    circuit.measure([0, 1], [0, 1])
    swept = QASM.run(
        circuit, parameter_binds=[{angle: [0.8, 2.0]}], shots=200, seed_simulator=1
    ).result()
    for place, value in enumerate((0.8, 2.0)):
        one = circuit.assign_parameters({angle: value})
        alone = QASM.run(one, shots=4000, seed_simulator=1).result().get_counts()
        counts = swept.get_counts(place)
        assert set(counts) == {"00", "11"} == set(alone)
        assert abs(counts["00"] / 200 - alone["00"] / 4000) < 0.12


def test_an_evolution_by_a_parameter():
    time = Parameter("time")
    circuit = QuantumCircuit(3)
    circuit.append(library.PauliEvolutionGate(HEISENBERG, time), [0, 1, 2])
    refuses(circuit, '"time"', backend=UNITARY)
    bound = circuit.assign_parameters({time: 0.3})
    found = UNITARY.run(bound).result().get_unitary()
    exact = library.PauliEvolutionGate(HEISENBERG, 0.3).definition
    assert np.allclose(found, Operator(exact).data, atol=1e-12)
