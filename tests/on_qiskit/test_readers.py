"""The ways to the gates of a circuit: what one reads, the others read."""

from __future__ import annotations

import contextlib
import copy
import gc
import math
import pickle
import threading

import numpy as np
import oracle
import processes
import pytest
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit import CircuitInstruction, Clbit, Gate, Parameter, ParameterVector, Qubit
from qiskit.circuit import library as lib
from qiskit.circuit.library import standard_gates as sg
from qiskit.quantum_info import Operator
from versions import needs_conditions

from basicaer import BasicAerError
from basicaer._engine.program import Gates, IfElse, Measure
from basicaer._qiskit.circuits import gate_reader, readers
from basicaer._qiskit.circuits.circuit_key import structure_of
from basicaer._qiskit.circuits.gate_classes import CLASS_OF_NAME, STANDARD_ROWS
from basicaer._qiskit.circuits.gate_reader import GateReader
from basicaer._qiskit.circuits.lower import lower
from basicaer._qiskit.circuits.sweep import Sweep

NAMES = [
    pytest.param(name, marks=pytest.mark.skipif(bool(why), reason=why))
    for name, why in readers.WANTING.items()
]
needs_capi = pytest.mark.skipif(
    bool(readers.WANTING["capi"]), reason=readers.WANTING["capi"] or "none"
)
A, B = Parameter("a"), Parameter("b")


@contextlib.contextmanager
def using(name, named=True):
    """Has circuits read by another reader; its gates by their classes unless `named`."""
    before = gate_reader.chosen()
    if name == "capi" and readers.READER != "capi":
        assert readers._set_up("capi") == ""
    gate_reader.choose(name, named)
    try:
        yield
    finally:
        gate_reader.choose(*before)


@pytest.fixture(params=NAMES)
def reader(request):
    with using(request.param):
        yield request.param


def flat(body):
    """Operations as they are whatever is shared: each gate by itself."""
    out = []
    for operation in body:
        if isinstance(operation, Gates):
            for gate, number in enumerate(operation.kind.tolist()):
                kind = operation.kinds[number]
                size = (1 << kind.num_targets) ** (1 if kind.form else 2)
                first = operation.offset[gate]
                on = operation.qubits[operation.start[gate] : operation.start[gate + 1]].tolist()
                out.append((kind, on, operation.coefficients[first : first + size]))
        elif isinstance(operation, IfElse):
            out.append((operation.condition, flat(operation.true_body), flat(operation.false_body)))
        else:
            out.append(operation)
    return out


def assert_same(found, expected):
    if isinstance(expected, (list, tuple)):
        assert type(found) is type(expected)
        assert len(found) == len(expected)
        for one, other in zip(found, expected):
            assert_same(one, other)
    elif isinstance(expected, np.ndarray):
        # The long way does with Python's functions what a reader does with the C library's.
        assert np.allclose(found, expected, atol=1e-15, rtol=1e-15)
    else:
        assert repr(found) == repr(expected)


def read(circuit, **options):
    """What becomes of a circuit: a program, or an error."""
    try:
        program = lower(circuit, **options)
    except BasicAerError as error:
        return str(error)
    return [
        flat(program.body),
        *(program.num_qubits, program.num_clbits, program.global_phase, program.samples),
        program.name,
    ]


def by_class(circuit, **options):
    """What becomes of a circuit by way of a Python object for each gate."""
    with using("hashed", named=False):
        return read(circuit, **options)


def assert_read(make):
    """A circuit is read as by its classes, whichever of the two comes first."""
    name = "circuit"
    expected = by_class(renamed(make(), name))
    circuit = renamed(make(), name)
    assert_same(read(circuit), expected)
    assert_same(by_class(circuit), expected)
    assert_same(read(circuit, unitary_only=True), by_class(circuit, unitary_only=True))
    return expected


def renamed(circuit, name):
    circuit.name = name
    return circuit


def everything(seed, num_gates=60):
    """A circuit with all that there is, on bits that are in two registers, in one, and in none."""
    rng = np.random.default_rng(seed)
    shared = [Qubit() for _ in range(3)]
    circuit = QuantumCircuit(
        [Qubit(), Qubit()],
        QuantumRegister(bits=[shared[2], shared[0]], name="one"),
        QuantumRegister(bits=shared, name="other"),
        QuantumRegister(2, "own"),
        [Clbit()],
        ClassicalRegister(3, "c"),
        name=f"everything-{seed}",
    )
    width = circuit.num_qubits
    classes = [gate_class for gate_class in oracle.TABLE if oracle.WIDTHS[gate_class] <= width]
    inner = QuantumCircuit(2)
    inner.h(1)
    inner.cx(1, 0, ctrl_state=0)
    inner.rz(0.3, 0)
    for _ in range(num_gates):
        on = rng.permutation(width).tolist()
        kind = rng.integers(20)
        if kind == 0:
            circuit.barrier(on[: rng.integers(1, width)])
        elif kind == 1:
            circuit.append(inner.to_gate(label="inner"), on[:2])
        elif kind == 2:
            circuit.append(inner.to_gate().control(2, ctrl_state=1), on[:4])
        elif kind == 3:
            circuit.unitary(oracle.random_unitary(2, int(rng.integers(1000))), on[:2])
        elif kind == 4:
            circuit.append(lib.MCXGate(5), on[:6])
        elif kind == 5:
            circuit.delay(1, on[0])
        elif kind == 6:
            circuit.rx(int(rng.integers(5)), on[0])
        elif kind == 7:
            circuit.rz(np.float32(rng.random()), on[0])
        elif kind == 8:
            circuit.append(sg.HGate(label="named"), on[:1])
        else:
            gate = oracle.random_gate(classes[rng.integers(len(classes))], rng)
            circuit.append(gate, on[: gate.num_qubits])
    return circuit, rng


# --- random circuits ---------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(15))
def test_random_circuits(reader, seed):
    def make():
        circuit, rng = everything(seed)
        if seed % 3 == 1:  # read as a whole, if it is of gates alone that have one part
            circuit.measure(rng.permutation(7)[:4].tolist(), rng.permutation(4).tolist())
        if seed % 3 == 2:
            circuit.measure(3, 0)
            circuit.reset(1)
            with circuit.if_test((circuit.clbits[0], 1)):
                circuit.h(2)
                circuit.cx(2, 5)
            circuit.measure(2, 3)
        return circuit

    assert_read(make)


@pytest.mark.parametrize("seed", range(8))
def test_operators(reader, seed):
    circuit = oracle.random_circuit(4, 40, seed)
    circuit.barrier()
    assert np.allclose(oracle.unitary(circuit), Operator(circuit).data, atol=1e-10, rtol=0)


@pytest.mark.parametrize("gate_class", oracle.TABLE)
def test_every_gate(reader, gate_class):
    rng = np.random.default_rng(oracle.WIDTHS[gate_class])
    for _ in range(4):
        gate = oracle.random_gate(gate_class, rng)
        on = rng.permutation(6)[: gate.num_qubits].tolist()

        def make(gate=gate, on=on):
            circuit = QuantumCircuit(6)
            circuit.h(0)
            circuit.append(gate, on)
            circuit.append(gate, on[::-1])
            circuit.y(5)
            return circuit

        assert_read(make)


def plain(circuit_class=QuantumCircuit):
    circuit = circuit_class(3, 2)
    circuit.h(0)
    circuit.barrier()
    circuit.cx(0, 2)
    circuit.rx(1, 1)
    circuit.u(0.1, -0.2, 0.3, 2)
    circuit.h(1)
    circuit.barrier(2)
    circuit.measure([2, 0], [0, 1])
    circuit.barrier(0, 1)
    return circuit


def test_a_plain_circuit_is_read_at_once(reader):
    circuit = plain()
    program = gate_reader.plain_program(circuit, False)
    assert_same(flat(program.body), by_class(circuit)[0])
    assert program.body[1:] == (Measure(2, 0), Measure(0, 1))
    assert program.name == circuit.name
    assert (program.num_qubits, program.num_clbits) == (3, 2)
    assert gate_reader.plain_program(circuit, True) is None


def test_a_large_circuit(reader):
    numbers = np.random.default_rng(5).random(4000).tolist()

    def make():
        circuit = QuantumCircuit(70, 70)
        for place, number in enumerate(numbers):
            circuit.rx(number, place % 70)
            if place % 3 == 0:
                circuit.u(number, -number, 2 * number, place % 7)
            circuit.cz(place % 70, (place + 1 + place % 68) % 70)
        circuit.measure(range(70), range(69, -1, -1))
        return circuit

    expected = assert_read(make)
    assert len(expected[0]) == 8070 + 1334


# --- where reading stops -----------------------------------------------------------------------


def composite():
    inner = QuantumCircuit(2, name="h")
    inner.h(0)
    return inner.to_gate()


def with_parameter(gate, value):
    gate = gate.to_mutable() if hasattr(gate, "to_mutable") else gate
    gate._params = [value]
    return gate


OBJECT = object()
STOPS = {
    "another control state": lambda: sg.CXGate(ctrl_state=0),
    "a free parameter": lambda: sg.RXGate(A),
    "a free expression": lambda: sg.RXGate(2 * A + B),
    "not a number": lambda: sg.RXGate(math.nan),
    "infinite": lambda: sg.RXGate(-math.inf),
    "complex": lambda: with_parameter(sg.RXGate(0.1), 1 + 2j),
    "a string": lambda: with_parameter(sg.RXGate(0.1), "one"),
    "an array": lambda: with_parameter(sg.RXGate(0.1), np.ones(3)),
    "an object": lambda: with_parameter(sg.RXGate(0.1), OBJECT),
    "somebody's h": lambda: Gate("h", 1, []),
    "somebody's rx": lambda: Gate("rx", 1, [0.1]),
    "a composite h": composite,
    "several parts": lambda: sg.RCCXGate(),
    "mcx": lambda: lib.MCXGate(5),
    "unitary": lambda: lib.UnitaryGate(np.eye(2)) if hasattr(lib, "UnitaryGate") else composite(),
    "diagonal": lambda: lib.PauliGate("XY"),
    "permutation": lambda: lib.PermutationGate([1, 0]),
    "global phase": lambda: lib.GlobalPhaseGate(0.3),
    "reset": lambda: QuantumCircuit(1).reset(0)[0].operation,
    "delay": lambda: QuantumCircuit(1).delay(1, 0)[0].operation,
    "initialize": lambda: lib.StatePreparation([0, 1]),
}


@pytest.mark.parametrize("what", STOPS)
def test_where_reading_stops(reader, what):
    def make():
        gate = STOPS[what]()
        circuit = QuantumCircuit(6)
        circuit.h(3)
        circuit.cx(4, 3)
        circuit._append(CircuitInstruction(gate, circuit.qubits[5 : 5 - gate.num_qubits : -1]))
        circuit.x(0)
        return circuit

    circuit = make()
    instructions = gate_reader.open_circuit(circuit, [10, 11, 12, 13, 14, 15])
    assert len(instructions) == 4
    gates = GateReader()
    assert instructions.read(gates, 0) == 2
    assert gates.take()[0].qubits.tolist() == [13, 14, 13]
    assert instructions.read(gates, 2) == 2
    assert len(gates) == 0
    width = len(circuit.data[2].qubits)
    assert instructions.qubits(2) == list(range(15, 15 - width, -1))
    assert instructions.clbits(2) == []
    assert instructions[2].operation.name == circuit.data[2].operation.name
    assert instructions.read(gates, 3) == 4
    assert gates.take()[0].qubits.tolist() == [10]
    assert_read(make)


def test_a_qubit_twice(reader):
    def make():
        circuit = QuantumCircuit(2)
        circuit.x(0)
        circuit._data.append(CircuitInstruction(sg.CXGate(), [circuit.qubits[1]] * 2))
        return circuit

    try:
        make()
    except Exception as error:
        pytest.skip(f"this version does not let a gate be on a qubit twice: {error}")
    assert '"cx" acts on the same qubit twice' in assert_read(make)


@needs_conditions
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_conditions(reader):
    def make():
        circuit = QuantumCircuit(2, 2)
        circuit.h(0)
        circuit.measure(0, 0)
        circuit.x(1).c_if(0, 1)
        circuit.rx(0.1, 1).c_if(circuit.cregs[0], 2)
        circuit.y(0)
        return circuit

    found = assert_read(make)
    assert [type(part) for part in found[0]] == [tuple, Measure, tuple, tuple, tuple]
    circuit = make()
    instructions = gate_reader.open_circuit(circuit)
    assert [instructions.read(GateReader(), place) for place in range(5)] == [1, 1, 2, 3, 5]


def test_bound_expressions(reader):
    def make():
        circuit = QuantumCircuit(1)
        circuit.rx(A * 2, 0)
        circuit.ry(A - A + 0.5, 0)
        circuit._append(CircuitInstruction(sg.RZGate((A + 1).bind({A: 2})), circuit.qubits))
        return circuit.assign_parameters({A: 0.25})

    expected = assert_read(make)
    assert len(expected[0]) == 3


# --- all sorts of circuits ---------------------------------------------------------------------


class Sub(QuantumCircuit):
    """Changes nothing."""


class Filtered(QuantumCircuit):
    """Hides its barriers and its first gate."""

    @property
    def data(self):
        return [i for i in list(super().data)[1:] if i.operation.name != "barrier"]


class Backwards(QuantumCircuit):
    """Has its qubits in another order."""

    @property
    def qubits(self):
        return list(reversed(super().qubits))


def modified():
    circuit = plain()
    circuit.data.pop(2)
    circuit.data.insert(0, CircuitInstruction(sg.RYGate(0.7), [circuit.qubits[2]]))
    circuit.data[1] = CircuitInstruction(sg.SwapGate(), circuit.qubits[:2])
    return circuit


def replaced():
    circuit = plain()
    circuit.data = list(circuit.data)[3:5]
    return circuit


def composed():
    circuit = QuantumCircuit(4, 3)
    circuit.compose(plain(), [3, 1, 0], [2, 1], inplace=True)
    return circuit.compose(plain(), [0, 1, 2], [0, 1], front=True)


def delayed():
    circuit = QuantumCircuit(2, 1)
    circuit.delay(100, 0)
    circuit.initialize([0, 1], 1)
    circuit.measure(1, 0)
    circuit.delay(3, 0, unit="ns")
    return circuit


def flow():
    circuit = QuantumCircuit(2, 2)
    circuit.h(0)
    circuit.measure(0, 0)
    with circuit.if_test((circuit.clbits[0], 1)) as otherwise:
        circuit.x(1)
        circuit.rx(0.4, 0)
    with otherwise:
        circuit.cx(1, 0)
    return circuit


def free():
    circuit = QuantumCircuit(1)
    circuit.rx(A, 0)
    return circuit


def phased():
    circuit = plain()
    circuit.global_phase = 0.5
    return circuit


def many_registers():
    circuit = QuantumCircuit(
        QuantumRegister(2, "q"), ClassicalRegister(1, "c"), ClassicalRegister(1, "d")
    )
    circuit.h(1)
    circuit.measure([1, 0], [1, 0])
    return circuit


CIRCUITS = {
    "empty": lambda: QuantumCircuit(3),
    "nothing at all": lambda: QuantumCircuit(),
    "clbits alone": lambda: QuantumCircuit(0, 2),
    "a barrier on no qubits": lambda: QuantumCircuit(1).compose(QuantumCircuit(1)),
    "the identity": lambda: lib.RealAmplitudes(2).decompose().assign_parameters([0.1] * 8),
    "modified": modified,
    "replaced": replaced,
    "copied": lambda: plain().copy(),
    "deep copied": lambda: copy.deepcopy(plain()),
    "pickled": lambda: pickle.loads(pickle.dumps(plain())),
    "composed": composed,
    "inverted": lambda: lib.QFT(4).decompose().inverse(),
    "a subclass": lambda: plain(Sub),
    "a subclass with data of its own": lambda: plain(Filtered),
    "a subclass with an order of its own": lambda: plain(Backwards),
    "a blueprint": lambda: lib.QFT(4),
    "a blueprint that is bound": lambda: lib.EfficientSU2(3).assign_parameters(range(24)),
    "a blueprint not bound": lambda: lib.EfficientSU2(3),
    "delays": delayed,
    "control flow": flow,
    "a free parameter": free,
    "a global phase": phased,
    "several registers": many_registers,
    "mapped": lambda: QuantumCircuit(5).compose(lib.QFT(3), [4, 0, 2]).decompose(reps=2),
}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("name", CIRCUITS)
def test_circuits(reader, name):
    expected = assert_read(CIRCUITS[name])
    if "free" in name or "not bound" in name:
        assert "unbound parameter" in expected
    else:
        assert isinstance(expected, list)


def test_what_a_subclass_shows_is_read(reader):
    program = lower(plain(Filtered))
    assert len(program.body[0]) == len(lower(plain()).body[0]) - 1
    circuit = plain(Backwards)
    measured = [i.qubits[0] for i in circuit.data if i.operation.name == "measure"]
    on = [circuit.qubits.index(qubit) for qubit in measured]
    assert lower(circuit).body[1:] == (Measure(on[0], 0), Measure(on[1], 1))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_blueprint_is_built_by_being_read(reader):
    circuit = lib.QFT(3)
    assert not circuit._is_built
    assert len(lower(circuit).body[0]) > 3
    assert circuit._is_built


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_sweeps(reader):
    circuit = lib.EfficientSU2(3, reps=1).decompose()
    circuit.rx(circuit.parameters[0] * 2 + 1, 0)
    circuit.measure_all()
    values = np.random.default_rng(3).uniform(-3, 3, (4, circuit.num_parameters))
    programs = Sweep(circuit, list(circuit.parameters)).programs(values)
    for row, program in zip(values, programs):
        expected = by_class(circuit.assign_parameters(row.tolist()))[0]
        for one, other in zip(flat(program.body), expected):
            if isinstance(other, tuple) and not isinstance(other, Measure):
                assert one[:2] == other[:2]
                assert np.allclose(one[2], other[2], atol=1e-14, rtol=0)
            else:
                assert one == other
        assert len(flat(program.body)) == len(expected)


# --- who else holds the circuit ----------------------------------------------------------------

RACE = """
import sys, threading, time
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from basicaer._qiskit.circuits.circuit_key import structure_of
from basicaer._qiskit.circuits.lower import lower
from basicaer._qiskit.circuits.readers import READER

sys.setswitchinterval(1e-6)
circuit = QuantumCircuit(4, 4)
begun = time.monotonic()
done = [0, 0]

def go_on():
    # For two seconds, and longer if one of the threads has hardly had its turn.
    seconds = time.monotonic() - begun
    return seconds < 2 or min(done) <= 3 and seconds < 60

def change():
    a = Parameter("a")
    while go_on():
        for _ in range(50):
            circuit.rx(0.1, 0); circuit.cx(0, 1); circuit.u(1, 2, 3, 2); circuit.ry(a, 3)
            circuit.measure(1, 1)
        del circuit.data[10:100]
        circuit.data.clear()
        done[0] += 1

def look():
    while go_on():
        for what in (lower, structure_of):
            try:
                what(circuit)
            except Exception as error:
                if "Qiskit" not in type(error).__module__ and not isinstance(
                    error, (RuntimeError, IndexError)
                ):
                    assert "unbound" in str(error), error
            done[1] += 1

threads = [threading.Thread(target=f) for f in (change, look, look)]
for thread in threads: thread.start()
for thread in threads: thread.join()
assert min(done) > 3, done
print("alive", READER)
"""


@pytest.mark.parametrize("name", NAMES)
def test_a_circuit_that_another_thread_changes(name, monkeypatch):
    monkeypatch.setenv("BASICAER_READER", name)
    done = processes.python("-W", "ignore", "-c", RACE)
    assert done.stdout.split() == ["alive", name], done.stderr


def test_a_circuit_that_is_held_while_it_is_read(reader):
    """Qiskit's own functions call back with the circuit in their hands."""
    circuit = plain()
    if not hasattr(circuit._data, "foreach_op"):
        pytest.skip("this version keeps its instructions in a list")
    expected = by_class(circuit)
    found = []

    def look(operation):
        found.append(read(circuit))
        found.append(structure_of(circuit) is not None)

    circuit._data.foreach_op(look)
    assert len(found) == 2 * len(circuit.data)
    for one, other in zip(found[::2], found[1::2]):
        assert_same(one, expected)
        assert other

    def look_at_what_changes(operation):
        with pytest.raises(RuntimeError, match="borrowed"):
            lower(circuit)
        assert structure_of(circuit) is None
        return operation

    circuit.append(composite(), [0, 1])
    circuit._data.map_nonstandard_ops(look_at_what_changes)


def test_the_garbage_collector_in_between(reader):
    """A finaliser changes the circuit while it is read, if it can."""
    changed = 0

    class Ring:
        def __del__(self):
            nonlocal changed
            with contextlib.suppress(RuntimeError):  # Qiskit itself has it in hand
                circuit.data.clear()
                circuit.rz(0.1, 0)
                changed += 1

    threshold = gc.get_threshold()
    gc.collect()
    gc.freeze()  # what there is need not be looked through each time
    try:
        for turn in range(300):
            circuit = plain()
            if turn % 2:
                circuit.append(composite(), [0, 1])
            ring = Ring()
            ring.itself = ring
            del ring
            gc.set_threshold(1 + turn % 50)
            try:
                program = lower(circuit)
            except (IndexError, RuntimeError):  # what a place was asked for is not there any more
                continue
            finally:
                gc.set_threshold(0)
            for operation in program.body:
                if isinstance(operation, Gates):
                    assert set(operation.qubits.tolist()) <= {0, 1, 2}
                    assert len(operation.qubits) == operation.start[-1]
            gc.collect()
        assert changed > 200
    finally:
        gc.unfreeze()
        gc.set_threshold(*threshold)


def test_threads_that_read_together(reader):
    circuit = plain()
    expected = by_class(circuit)
    wrong = []

    def look():
        for _ in range(200):
            try:
                assert_same(read(circuit), expected)
            except AssertionError as error:
                wrong.append(error)

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


# --- the choice --------------------------------------------------------------------------------


def reader_of(monkeypatch, asked):
    monkeypatch.setenv("BASICAER_READER", asked)
    return processes.python(
        "-W", "ignore", "-c", "from basicaer._qiskit.circuits.readers import READER; print(READER)"
    )


@pytest.mark.parametrize("name", NAMES)
def test_the_variable_asks_for_a_reader(name, monkeypatch):
    assert reader_of(monkeypatch, name).stdout.strip() == name


@pytest.mark.parametrize("name", [*readers.WANTING, "fastest"])
def test_a_reader_that_cannot_work_here(name, monkeypatch):
    if readers.WANTING.get(name) == "":
        pytest.skip("it can work here")
    done = reader_of(monkeypatch, name)
    assert done.returncode
    assert f'BasicAerError: \'BASICAER_READER is "{name}": ' in done.stderr
    able = [name for name, why in readers.WANTING.items() if not why]
    assert "Here it can be " + " or ".join(f'"{name}"' for name in able) in done.stderr


def test_without_being_asked(monkeypatch):
    monkeypatch.delenv("BASICAER_READER", raising=False)
    best = next(name for name, why in readers.WANTING.items() if not why)
    done = processes.python(
        "-W", "ignore", "-c", "from basicaer._qiskit.circuits.readers import READER; print(READER)"
    )
    assert done.stdout.strip() == best
    assert not done.stderr


def test_a_reader_that_reads_something_else(monkeypatch, caplog):
    monkeypatch.delenv("BASICAER_READER", raising=False)
    honest = readers._read
    monkeypatch.setattr(
        readers, "_read", lambda circuit: [*honest(circuit), gate_reader.chosen()[1]]
    )
    with using("hashed"):
        assert readers._choose() == "hashed"
        assert gate_reader.chosen() == ("hashed", False)
    assert "it reads gates as something else than they are" in caplog.text

    def fails(circuit):
        raise AttributeError("gone")

    monkeypatch.setattr(readers, "_read", fails)
    with using("hashed"):
        assert readers._choose() == "hashed"
    assert "it fails, AttributeError('gone')" in caplog.text
    monkeypatch.setattr(readers, "_read", lambda circuit: gate_reader.chosen())
    monkeypatch.setenv("BASICAER_READER", "hashed")
    with using("hashed"), pytest.raises(BasicAerError, match="something else than they are"):
        readers._choose()


@needs_capi
def test_a_gate_that_is_another(monkeypatch):
    """The names and numbers of parameters that Qiskit says are compared with the table."""
    (_, h), (_, rx) = rows = [(name, STANDARD_ROWS[name]) for name in ("h", "rx")]
    circuit = readers._table_circuit([h, rx])
    gate_reader.load_capi(circuit, rows)
    try:
        for wrong in (
            rows[::-1],
            [rows[0], ("rx", rx._replace(num_params=2))],
            [("h", h._replace(num_qubits=2)), rows[1]],
            [("H", h), rows[1]],
            [*rows, rows[0]],
        ):
            with pytest.raises(ImportError, match="Qiskit"):
                gate_reader.load_capi(circuit, wrong)
        circuit.data[0] = CircuitInstruction(composite(), circuit.qubits[:2])
        with pytest.raises(ImportError, match="does not know"):
            gate_reader.load_capi(circuit, rows)
    finally:
        assert readers._set_up("capi") == ""
        gate_reader.choose(readers.READER, True)


@needs_capi
def test_gates_of_the_library_are_read_without_a_python_object():
    """The point of it: nothing but the parameters with expressions takes the long way."""
    circuit = QuantumCircuit(4)
    rows = [row for row in STANDARD_ROWS.values() if len(row.parts) < 2]
    assert len(rows) > 45
    for row in rows:
        gate = CLASS_OF_NAME[row.name](*[0.2] * row.num_params)
        circuit.append(gate, range(row.num_qubits))
    with using("capi"):
        assert gate_reader.open_circuit(circuit).read(GateReader(), 0) == len(rows)


# --- keys --------------------------------------------------------------------------------------


def keyed(change=None, vector=None):
    circuit = QuantumCircuit(3, 2)
    circuit.h(0)
    circuit.rx(A, 1)
    circuit.crz(2 * A + B, 0, 2)
    circuit.cx(0, 1)
    circuit.u(0.1, A, B, 2)
    circuit.append(composite(), [2, 0])
    circuit.unitary(np.eye(2), [2])
    circuit.barrier()
    circuit.reset(1)
    circuit.measure([0, 2], [1, 0])
    if change is not None:
        change(circuit)
    return circuit


def standard(change=None):
    """Nothing in it that Qiskit does not know."""
    circuit = QuantumCircuit(3, 2)
    circuit.h(0)
    circuit.rx(A, 1)
    circuit.ry(B, 1)
    circuit.crz(2 * A + B, 0, 2)
    circuit.u(0.1, A, B, 2)
    circuit.barrier()
    circuit.reset(1)
    circuit.measure([0, 2], [1, 0])
    if change is not None:
        change(circuit)
    return circuit


def other(place, gate, *qubits):
    def change(circuit):
        circuit.data[place] = CircuitInstruction(gate, [circuit.qubits[q] for q in qubits])

    return change


CHANGES = [
    lambda circuit: circuit.x(0),
    lambda circuit: circuit.data.pop(),
    lambda circuit: circuit.data.insert(0, circuit.data.pop(2)),
    lambda circuit: circuit.add_register(QuantumRegister(1, "more")),
    lambda circuit: circuit.add_register(ClassicalRegister(1, "more")),
    lambda circuit: setattr(circuit, "global_phase", 1),
    lambda circuit: circuit.assign_parameters({B: 0.5}, inplace=True),
    lambda circuit: circuit.barrier(0),
    other(0, sg.HGate(), 1),
    other(0, sg.XGate(), 0),
    other(1, sg.RXGate(B), 1),
    other(1, sg.RXGate(0.25), 1),
    other(1, sg.RXGate(2 * A), 1),
]


@pytest.mark.parametrize("make", [keyed, standard])
@pytest.mark.parametrize("change", CHANGES)
def test_keys_of_different_circuits(reader, make, change):
    key = structure_of(make(change))
    assert key is not None
    assert key == structure_of(make(change))
    assert key != structure_of(make())
    circuit = make()
    assert structure_of(circuit) != key
    before = structure_of(circuit)
    assert structure_of(circuit) == before
    change(circuit)
    assert structure_of(circuit) != before


@pytest.mark.parametrize("make", [keyed, standard])
def test_keys_of_equal_circuits(reader, make):
    key = structure_of(make())
    assert key is not None
    for same in (make(), make().copy(), copy.deepcopy(make()), pickle.loads(pickle.dumps(make()))):
        same.name = "another"
        assert structure_of(same) == key
        assert hash(structure_of(same)) == hash(key)
    assert structure_of(make(lambda circuit: circuit.cx(0, 1))) == structure_of(
        make(lambda circuit: circuit.cx(0, 1))
    )
    assert structure_of(make(lambda circuit: circuit.cx(0, 1))) != structure_of(
        make(lambda circuit: circuit.cx(1, 0))
    )
    assert structure_of(make(lambda c: c.cx(0, 1))) != structure_of(
        make(lambda c: c.cx(0, 1, ctrl_state=0))
    )


def test_keys_of_parameters_of_one_name(reader):
    keys = []
    for parameter in (A, Parameter("a")):
        circuit = QuantumCircuit(1)
        circuit.rx(parameter, 0)
        keys.append(structure_of(circuit))
    assert None not in keys
    assert keys[0] != keys[1]


def test_keys_of_a_subclass(reader):
    assert structure_of(plain(Sub)) != structure_of(plain())
    assert structure_of(plain(Filtered)) != structure_of(plain(Sub))
    assert structure_of(flow()) is None


def test_a_key_does_not_outlive_its_expressions(reader):
    """Expressions that are made where others were must not be taken for them."""
    keys = {}
    for turn in range(300):
        vector = ParameterVector(f"v{turn}", 2)
        circuit = QuantumCircuit(1)
        circuit.rx(vector[0], 0)
        circuit.rz(vector[1] * 2, 0)
        key = structure_of(circuit)
        assert key not in keys
        keys[key] = turn
        assert keys[structure_of(circuit)] == turn
        assert keys[structure_of(circuit.copy())] == turn
        del circuit, vector
