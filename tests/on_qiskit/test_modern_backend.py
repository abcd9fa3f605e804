"""The simulators as `BackendV2`, on Qiskit 1 and 2: what they say of themselves, and who asks."""

# ruff: noqa: E402 (what is imported further down may not exist)

from __future__ import annotations

import copy
import json
import logging
import pickle
import warnings

import numpy as np
import oracle
import pytest
from processes import python
from versions import before, fields, needs, skip_here

skip_here(needs((1, 0), "has simulators that are BackendV1"))

from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister, transpile
from qiskit.circuit import ControlledGate, Measure, Reset
from qiskit.circuit.library import DiagonalGate, GlobalPhaseGate, PermutationGate
from qiskit.exceptions import QiskitError
from qiskit.providers.backend import BackendV2
from qiskit.quantum_info import Operator, Statevector
from qiskit.result import Result
from qiskit.transpiler import TranspilerError, generate_preset_pass_manager

import basicaer
from basicaer import BasicAer, BasicAerError
from basicaer._engine.gate_table import GATES
from basicaer._qiskit.circuits.gate_classes import CLASS_OF_NAME
from basicaer._qiskit.circuits.instructions import _DEFINED_BY_BASE
from basicaer._qiskit.circuits.lowering import CONTROL_FLOW, READERS
from basicaer._qiskit.versions import HAS_QOBJ, Absent, BoxOp

QASM, STATEVECTOR, UNITARY = BasicAer.backends()
EACH = pytest.mark.parametrize("backend", BasicAer.backends(), ids=lambda backend: backend.name())
LEVELS = pytest.mark.parametrize("level", range(4))
FLOW = {"if_else", "for_loop", "while_loop", "switch_case", "break_loop", "continue_loop"}


def of_every_gate():
    """A circuit with each gate of the table, on some of five qubits, and no measurement."""
    circuit = QuantumCircuit(5, 5)
    rng = np.random.default_rng(3)
    for qubit in range(5):
        circuit.u(*rng.uniform(0, 3, 3), qubit)
    for row in GATES:
        gate = CLASS_OF_NAME[row.name](*rng.uniform(0, 3, row.num_params))
        circuit.append(gate, rng.permutation(5)[: gate.num_qubits].tolist())
    circuit.unitary(oracle.random_unitary(2, 1), [3, 1])
    circuit.mcx([0, 1, 2, 3], 4)
    circuit.mcp(0.3, [4, 2], 0)
    circuit.pauli("XYZ", [0, 2, 4])
    circuit.barrier()
    circuit.delay(1, 0)
    return circuit


def dynamic():
    circuit = QuantumCircuit(QuantumRegister(2, "q"), ClassicalRegister(2, "c"))
    circuit.h(0)
    circuit.measure(0, 0)
    with circuit.if_test((0, 1)) as otherwise:
        circuit.x(1)
    with otherwise:
        circuit.h(1)
    with circuit.for_loop(range(2)):
        circuit.t(0)
        circuit.h(0)
        circuit.measure(0, 0)
        with circuit.if_test((0, 1)):
            circuit.break_loop()
    with circuit.while_loop((circuit.cregs[0], 0)):
        circuit.h(1)
        circuit.measure(1, 1)
    with circuit.switch(circuit.cregs[0]) as case:
        with case(1, 2):
            circuit.reset(0)
        with case(case.DEFAULT):
            circuit.x([0, 1])
    circuit.measure([0, 1], [0, 1])
    return circuit


def bell():
    circuit = QuantumCircuit(2, 2, name="bell", metadata={"a": 1})
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.measure([0, 1], [0, 1])
    return circuit


# ----------------------------------------------------------------------------------------------
# What they say of themselves
# ----------------------------------------------------------------------------------------------


@EACH
def test_what_a_backend_says(backend):
    assert isinstance(backend, BackendV2) and backend.version == 2
    assert isinstance(backend.name, str)
    assert backend.name == backend.name() == str(backend.name)
    assert type(backend.name()) is str
    assert BasicAer.get_backend(backend.name) is backend
    assert backend.provider is BasicAer
    assert backend.max_circuits is None
    assert backend.coupling_map is None
    assert backend.num_qubits is None
    assert str(backend) == backend.name
    assert repr(backend) == f"<{type(backend).__name__}('{backend.name}')>"
    described = backend.DEFAULT_CONFIGURATION
    assert backend.backend_version == described["backend_version"] in ("2.1.0", "1.1.0")
    assert backend.description == described["description"]
    assert backend.options.shots == (1 if backend is UNITARY else 1024)
    assert pickle.loads(pickle.dumps(backend.name))() == backend.name


@EACH
def test_what_backend_v2_has_beyond_that(backend):
    assert backend.online_date is None and backend.dt is None
    assert backend.operation_names == list(backend.target.operation_names)
    assert len(backend.operations) == len(backend.operation_names)
    assert {qargs for _, qargs in backend.instructions} == {None}
    durations = backend.instruction_durations
    assert durations.dt is None and not durations.duration_by_name_qubits
    for ask in (
        lambda: backend.dtm,
        lambda: backend.meas_map,
        lambda: backend.qubit_properties(0),
    ):
        with pytest.raises(NotImplementedError):
            ask()


@before((2, 0), "has no pulse")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # that of the properties themselves
@EACH
def test_nothing_is_known_of_pulses(backend):
    assert backend.instruction_schedule_map.instructions == []
    for ask in (backend.drive_channel, backend.measure_channel, backend.acquire_channel):
        with pytest.raises(NotImplementedError):
            ask(0)
    with pytest.raises(NotImplementedError):
        backend.control_channel([0, 1])


@EACH
def test_what_older_code_asks_a_backend_for(backend):
    configuration, described = backend.configuration(), backend.DEFAULT_CONFIGURATION
    assert configuration is backend.configuration()
    told = configuration.to_dict()
    assert set(told) == {*described, "dynamic_reprate_enabled"}
    for name, value in described.items():
        assert told[name] == value and name in configuration
        if name != "gates":
            assert getattr(configuration, name) == value
    assert configuration.num_qubits == configuration.n_qubits
    assert configuration.gates[0].name == configuration.basis_gates[0]
    assert "nothing" not in configuration and not hasattr(configuration, "nothing")
    configuration.basis_gates.append("mine")
    assert "mine" not in described["basis_gates"]
    configuration.basis_gates.remove("mine")
    assert backend.properties() is None
    status = backend.status()
    assert status.operational and status.pending_jobs == 0
    assert status.to_dict() == {
        "backend_name": backend.name,
        "backend_version": "1",
        "operational": True,
        "pending_jobs": 0,
        "status_msg": "",
    }


@EACH
def test_options(backend):
    other = type(backend)(provider=BasicAer, chop_threshold=0.25)
    assert other.options.chop_threshold == 0.25 != backend.options.chop_threshold
    other.set_options(chop_threshold=0.5)
    assert other.options.chop_threshold == 0.5
    with pytest.raises(AttributeError, match="nothing"):
        other.set_options(nothing=1)
    with pytest.raises(BasicAerError, match="chop_threshold"):
        other.set_options(chop_threshold="wide")
    for twin in (copy.deepcopy(other), pickle.loads(pickle.dumps(other))):
        assert twin.options == other.options and twin.name() == other.name


@EACH
def test_the_target_tells_the_truth(backend):
    target = backend.target
    assert backend.target is target and target.num_qubits is None
    names = set(target.operation_names)
    gates = {CLASS_OF_NAME[row.name](*[0.1] * row.num_params).name for row in GATES}
    assert gates <= names
    assert {"unitary", "diagonal", "mcx", "mcphase", "pauli", "permutation"} <= names
    assert {"barrier", "delay", "global_phase"} <= names
    assert ("box" in names) == (BoxOp is not Absent)
    others = {"measure", "reset", "initialize", "store"} | FLOW
    assert others.isdisjoint(names) if backend is UNITARY else others <= names
    for name in names - FLOW - {"barrier", "delay", "box"}:
        assert target.instruction_supported(name), name


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of some kinds of mcx
@EACH
def test_each_operation_of_the_target_runs(backend):
    given = {
        "diagonal": ([1, 1j],),
        "initialize": ([0.6, 0.8],),
        "mcphase": (0.3, 2),
        "mcu1": (0.3, 3),
        "mcx": (3,),
        "mcx_gray": (5,),
        "mcx_recursive": (5,),
        "pauli": ("XZ",),
        "permutation": ([1, 0, 2],),
        "unitary": (oracle.random_unitary(2, 1),),
    }
    apart = {"measure", "reset", "barrier", "box", "store", "pauli_product_measurement", *FLOW}
    for name in set(backend.target.operation_names) - apart:
        operation = backend.target.operation_from_name(name)
        if isinstance(operation, type):
            operation = operation(*given[name])
        else:
            operation = operation.to_mutable()
            operation.params = [1 if name == "delay" else 0.1] * len(operation.params)
        assert operation.name == name
        circuit = QuantumCircuit(operation.num_qubits)
        for qubit in range(operation.num_qubits):
            circuit.ry(1 + qubit, qubit)
        circuit.append(operation, range(operation.num_qubits))
        result = backend.run(circuit).result()
        if backend is UNITARY:
            assert np.allclose(result.get_unitary(), Operator(circuit).data, atol=1e-10), name
        if backend is STATEVECTOR:
            found, expected = result.get_statevector(), Statevector(circuit).data
            assert np.allclose(found, expected, atol=1e-10), name


def test_all_that_is_run_natively_is_in_the_target():
    """But for controlled gates of any base, for which there is no name.

    A measurement of a product of Paulis is read by its definition, as `transpile` makes it.
    """
    known = {
        operation if isinstance(operation, type) else operation.base_class
        for operation in STATEVECTOR.target.operations
    }
    shared = {type(Measure()): Measure, type(Reset()): Reset}  # the classes of singletons
    for native in {*READERS, *CONTROL_FLOW, *_DEFINED_BY_BASE} - {ControlledGate}:
        if not str(native.__module__).startswith("basicaer."):  # which stands in for no class
            assert shared.get(native, native) in known


@pytest.mark.parametrize("kind", [type(each) for each in BasicAer.backends()])
def test_a_number_of_qubits_that_is_set(kind):
    backend = kind(provider=BasicAer)
    names = backend.operation_names
    backend.configuration().n_qubits = 3
    assert (
        backend.num_qubits == backend.target.num_qubits == backend.configuration().num_qubits == 3
    )
    assert backend.target is backend.target and backend.operation_names == names
    assert backend.coupling_map is None
    assert transpile(QuantumCircuit(2), backend).num_qubits == 2
    with pytest.raises(TranspilerError):
        transpile(QuantumCircuit(4), backend)
    with pytest.raises(BasicAerError, match=r"Number of qubits 4 .* greater than maximum \(3\)"):
        backend.run(QuantumCircuit(4))
    assert backend.run(QuantumCircuit(3)).result().success
    for twin in (copy.copy(backend), copy.deepcopy(backend), pickle.loads(pickle.dumps(backend))):
        assert twin.num_qubits == 3 and twin.configuration() == backend.configuration()


# ----------------------------------------------------------------------------------------------
# Transpiling
# ----------------------------------------------------------------------------------------------


@EACH
@LEVELS
def test_transpiled_circuits_are_the_same(backend, level):
    circuit = of_every_gate()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = transpile(circuit, backend, optimization_level=level, seed_transpiler=1)
        managed = generate_preset_pass_manager(level, backend=backend, seed_transpiler=1)
        again = managed.run(circuit)
    for each in (made, again):
        assert set(each.count_ops()) <= set(backend.target.operation_names)
        found = Operator.from_circuit(each)  # which undoes that swaps were left out
        assert np.allclose(found.data, Operator(circuit).data, atol=1e-8)
    if level == 0:
        assert dict(made.count_ops()) == dict(circuit.count_ops())  # everything is run as it is
    if backend is UNITARY:
        matrix = backend.run(made).result().get_unitary()
        assert np.allclose(matrix, Operator(made).data, atol=1e-8)


def names_in(circuit):
    """The names of all instructions of a circuit, and of those in its control flow."""
    names = set(circuit.count_ops())
    for instruction in circuit.data:
        for block in getattr(instruction.operation, "blocks", ()):
            names |= names_in(block)
    return names


@LEVELS
@pytest.mark.parametrize("managed", [False, True])
def test_transpiled_circuits_have_the_same_states(level, managed):
    circuit = QuantumCircuit(5, 5)
    circuit.initialize([0.5, 0.5j, -0.5, 0.5], [3, 1])
    circuit.append(DiagonalGate([1, 1j, -1, 1]), [1, 3])
    circuit.x(0)
    circuit.measure(0, 0)
    body = of_every_gate()
    body.append(PermutationGate([2, 0, 1]), [4, 1, 0])
    circuit.if_test((0, 1), body, range(5), range(5))
    with circuit.for_loop(range(3)):
        circuit.delay(10, 2)
        circuit.append(GlobalPhaseGate(0.1), [])
        circuit.cx(0, 4)
    circuit.barrier()
    circuit.swap(1, 4)
    circuit.append(PermutationGate([2, 0, 1]), [0, 3, 1])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if managed:
            manager = generate_preset_pass_manager(level, backend=STATEVECTOR, seed_transpiler=1)
            made = manager.run(circuit)
        else:
            made = transpile(circuit, STATEVECTOR, optimization_level=level, seed_transpiler=1)
    assert names_in(made) <= set(STATEVECTOR.target.operation_names)
    assert {"if_else", "for_loop", "initialize", "measure"} <= names_in(made)
    states = [
        STATEVECTOR.run(each, seed_simulator=7).result().get_statevector()
        for each in (circuit, made)
    ]
    assert (made.layout is not None) == (level > 1)
    if made.layout is not None:  # the order in which swaps that were left out leave the qubits
        order = made.layout.final_index_layout()
        axes = [4 - order[4 - axis] for axis in range(5)]
        states[1] = states[1].reshape([2] * 5).transpose(axes).ravel()
    assert abs(abs(np.vdot(*states)) - 1) < 1e-8


@LEVELS
def test_control_flow_stays(level):
    circuit = dynamic()
    made = transpile(circuit, QASM, optimization_level=level)
    assert {"if_else", "for_loop", "while_loop", "switch_case"} <= set(made.count_ops())
    assert "if_else" in transpile(circuit, STATEVECTOR, optimization_level=level).count_ops()
    counts = QASM.run(made, shots=4000, seed_simulator=1).result().get_counts()
    expected = QASM.run(circuit, shots=4000, seed_simulator=2).result().get_counts()
    for key in {*counts, *expected}:
        assert abs(counts.get(key, 0) - expected.get(key, 0)) < 250, key


def test_any_width():
    for width in (1, 30, 200):
        made = transpile(QuantumCircuit(width), QASM, optimization_level=3)
        assert made.num_qubits == width


# ----------------------------------------------------------------------------------------------
# Results
# ----------------------------------------------------------------------------------------------


def test_lookups_and_headers():
    one, other = bell(), QuantumCircuit(1, 1, name="other")
    other.x(0)
    other.measure(0, 0)
    result = QASM.run([one, other], shots=50, seed_simulator=3, memory=True).result()
    assert result.get_counts() == [result.get_counts(0), result.get_counts(1)]
    for key in (1, "other", other):
        assert result.get_counts(key) == {"1": 50}
        assert result.get_memory(key) == ["1"] * 50
    assert sum(result.get_counts(one).values()) == 50
    assert result.backend_name == "qasm_simulator" and result.backend_version == "2.1.0"
    header = fields(result.results[0].header)
    assert isinstance(result.results[0].header, dict) != HAS_QOBJ
    assert header["name"] == "bell" and header["metadata"] == {"a": 1}
    assert header["creg_sizes"] == [["c", 2]] and header["memory_slots"] == 2
    assert fields(result.header)["backend_name"] == "qasm_simulator"
    if HAS_QOBJ:
        assert result.results[0].header.name == "bell" and result.header.backend_version == "2.1.0"


def test_what_is_found_and_what_is_not():
    one, other = QuantumCircuit(1, name="one"), QuantumCircuit(2, name="other")
    one.h(0)
    other.x(1)
    result = STATEVECTOR.run([one, other]).result()
    assert np.allclose(result.get_statevector(one), [0.5**0.5] * 2)
    assert np.array_equal(result.get_statevector("one", decimals=3), [0.707] * 2)
    for key in (1, "other", other):
        assert np.array_equal(result.get_statevector(key), [0, 0, 1, 0])
        assert set(result.data(key)) == {"statevector"}
    units = UNITARY.run([one, other]).result()
    assert np.array_equal(units.get_unitary(other, decimals=2), Operator(other).data)
    assert set(units.data(0)) == {"unitary"}
    counts = QASM.run([bell(), bell()], shots=9, memory=True, seed_simulator=1).result()
    assert set(counts.data(0)) == {"counts", "memory"}
    assert json.loads(json.dumps(counts.get_counts(0))) == counts.get_counts(1)
    with pytest.warns(UserWarning, match="multiple results matching"):
        assert counts.get_counts("bell") == counts.get_counts(0)
    for missing, ask in (
        ("nothing", result.get_statevector),
        (QuantumCircuit(1), result.get_statevector),
        (None, result.get_statevector),
        (2, result.data),
        (0, result.get_unitary),
        (0, result.get_memory),
        (0, counts.get_statevector),
    ):
        with pytest.raises((QiskitError, IndexError)):
            ask(missing)


@EACH
def test_dicts_of_results(backend):
    circuit = bell()
    if backend is UNITARY:
        circuit.remove_final_measurements()
    result = backend.run(circuit).result()
    told = result.to_dict()
    assert told["success"] and told["results"][0]["header"]["name"] == "bell"
    twin = Result.from_dict(copy.deepcopy(told))
    assert repr(twin.to_dict()) == repr(told)
    assert twin.results[0].header == result.results[0].header
    if backend is UNITARY:
        assert np.array_equal(twin.get_unitary(), result.get_unitary())
        assert np.allclose(result.get_unitary(), Operator(circuit).data)
    else:
        assert twin.get_counts() == result.get_counts()
    if backend is STATEVECTOR:
        assert np.array_equal(twin.get_statevector(), result.get_statevector())


def test_registers_are_kept_apart():
    circuit = QuantumCircuit(
        QuantumRegister(2), ClassicalRegister(1, "a"), ClassicalRegister(2, "b")
    )
    circuit.x(1)
    circuit.measure([0, 1], [0, 2])
    result = QASM.run(circuit, shots=3, memory=True).result()
    assert result.get_counts() == {"10 0": 3} and result.get_memory() == ["10 0"] * 3


# ----------------------------------------------------------------------------------------------
# What is not there
# ----------------------------------------------------------------------------------------------


def test_what_is_no_circuit():
    with pytest.raises(BasicAerError, match="Qiskit 2 has no Qobj" if not HAS_QOBJ else "QasmQobj"):
        QASM.run({"qobj_id": "1"})


def test_there_is_nothing_to_patch():
    with pytest.raises(BasicAerError, match="from basicaer import BasicAer"):
        basicaer.patch_qiskit()
    basicaer.unpatch_qiskit()
    done = python("-m", "basicaer", "script.py")
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert "qiskit-terra" in done.stderr
    assert python("-m", "basicaer", "--help").returncode == 0


def test_logs_name_the_simulator(caplog):
    with caplog.at_level(logging.INFO):
        STATEVECTOR.run(QuantumCircuit(1), shots=7).result()
    assert '"statevector_simulator" only supports 1 shot' in caplog.text
