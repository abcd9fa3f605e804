"""The simulators as `BackendV2`, on Qiskit 1 and 2: what they say of themselves, and who asks."""

# ruff: noqa: E402 (what is imported further down may not exist)

from __future__ import annotations

import copy
import logging
import pickle
import warnings

import numpy as np
import oracle
import pytest
from processes import python
from versions import fields, needs, skip_here

skip_here(needs((1, 0), "has simulators that are BackendV1"))

from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister, transpile
from qiskit.circuit import Parameter
from qiskit.primitives import BackendEstimatorV2, BackendSamplerV2
from qiskit.providers.backend import BackendV2
from qiskit.quantum_info import Operator, SparsePauliOp, Statevector
from qiskit.result import Result
from qiskit.transpiler import generate_preset_pass_manager

from basicaer import BasicAer, BasicAerError
from basicaer._engine.gate_table import GATES
from basicaer._qiskit.circuits.gate_classes import CLASS_OF_NAME
from basicaer._qiskit.versions import HAS_QOBJ

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
    assert not hasattr(backend, "configuration")
    described = backend.DEFAULT_CONFIGURATION
    assert backend.backend_version == described["backend_version"] in ("2.1.0", "1.1.0")
    assert backend.description == described["description"]
    assert backend.options.shots == 1024 if backend is QASM else True
    assert pickle.loads(pickle.dumps(backend.name))() == backend.name


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
    others = {"measure", "reset", "initialize"} | FLOW
    assert others.isdisjoint(names) if backend is UNITARY else others <= names
    for name in names - FLOW - {"barrier", "delay"}:
        assert target.instruction_supported(name), name


def test_each_operation_of_the_target_runs():
    made = {"measure", "reset", "delay", "barrier", *FLOW}
    variadic = {
        "diagonal": [1, 1j],
        "initialize": [0.6, 0.8],
        "mcphase": (0.3, 2),
        "mcx": (3,),
        "pauli": ("XZ",),
        "permutation": [1, 0, 2],
        "unitary": np.eye(2),
    }
    for name in set(STATEVECTOR.target.operation_names) - made:
        operation = STATEVECTOR.target.operation_from_name(name)
        if isinstance(operation, type):
            given = variadic[name]
            operation = operation(*given) if isinstance(given, tuple) else operation(given)
        else:
            operation = operation.to_mutable()
            operation.params = [0.1] * len(operation.params)
        circuit = QuantumCircuit(operation.num_qubits)
        circuit.append(operation, range(operation.num_qubits))
        found = STATEVECTOR.run(circuit).result().get_statevector()
        if name != "initialize":
            assert np.allclose(found, Statevector(circuit).data, atol=1e-10), name


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
# Qiskit's primitives
# ----------------------------------------------------------------------------------------------


def test_backend_sampler():
    theta = Parameter("t")
    circuit = QuantumCircuit(2, name="turned")
    circuit.ry(theta, 0)
    circuit.cx(0, 1)
    circuit.measure_all()
    sampler = BackendSamplerV2(backend=QASM, options={"seed_simulator": 5})
    result = sampler.run([(circuit, [0.0, np.pi, np.pi / 2]), (bell(),)], shots=1000).result()
    bits = result[0].data.meas
    assert bits.get_counts(0) == {"00": 1000}
    assert bits.get_counts(1) == {"11": 1000}
    assert set(bits.get_counts(2)) == {"00", "11"}
    expected = QASM.run(bell(), shots=1000, seed_simulator=5).result().get_counts()
    assert result[1].data.c.get_counts() == expected


def test_backend_estimator():
    circuit = QuantumCircuit(2)
    circuit.ry(0.7, 0)
    circuit.cx(0, 1)
    observable = SparsePauliOp(["ZZ", "ZI", "XX"], [1, 0.5, 0.25])
    estimator = BackendEstimatorV2(backend=QASM, options={"seed_simulator": 5})
    (found,) = estimator.run([(circuit, observable)], precision=0.01).result()
    expected = Statevector(circuit).expectation_value(observable).real
    assert abs(float(found.data.evs) - expected) < 0.06


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


@EACH
def test_dicts_of_results(backend):
    circuit = bell()
    if backend is UNITARY:
        circuit.remove_final_measurements()
    result = backend.run(circuit).result()
    told = result.to_dict()
    assert told["success"] and told["results"][0]["header"]["name"] == "bell"
    twin = Result.from_dict(copy.deepcopy(told))
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
# Warnings, and what is not there
# ----------------------------------------------------------------------------------------------


def test_no_warning_anywhere():
    script = """
import warnings
import qiskit, qiskit.transpiler
warnings.simplefilter("error")
import basicaer, basicaer.basicaertools
from qiskit import QuantumCircuit, transpile
from qiskit.circuit import Parameter
circuit = QuantumCircuit(2, 2)
circuit.h(0)
circuit.barrier()
circuit.measure(0, 0)
circuit.delay(1, 1)
with circuit.if_test((0, 1)):
    circuit.x(1)
    circuit.reset(0)
turned = QuantumCircuit(1, 1)
theta = Parameter("t")
turned.rx(2 * theta, 0)
turned.measure(0, 0)
for backend in basicaer.BasicAer.backends():
    backend.target, backend.options, backend.coupling_map, backend.provider
    if backend.name() != "unitary_simulator":
        result = backend.run(transpile(circuit, backend), memory=True).result()
        result.get_counts(), result.to_dict()
        backend.run(turned, parameter_binds=[{theta: 0.1}, {theta: 0.2}]).result()
    backend.run(QuantumCircuit(1), chop_threshold=0.1).result().to_dict()
basicaer.BasicAerProvider(), basicaer.QasmSimulatorPy(), basicaer.BasicAerError("text")
basicaer.BasicAerJob(None, "id", None)
basicaer.basicaertools.single_gate_matrix("h")
try:
    import basicaer.primitives
except ImportError as error:
    assert "BackendSamplerV2" in str(error)
else:
    basicaer.primitives.Sampler(), basicaer.primitives.Estimator()
print("silent")
"""
    done = python("-c", script)
    assert done.stdout == "silent\n", done.stderr


def test_what_is_no_circuit():
    with pytest.raises(BasicAerError, match="Qiskit 2 has no Qobj" if not HAS_QOBJ else "QasmQobj"):
        QASM.run({"qobj_id": "1"})


def test_logs_name_the_simulator(caplog):
    with caplog.at_level(logging.INFO):
        STATEVECTOR.run(QuantumCircuit(1), shots=7).result()
    assert '"statevector_simulator" only supports 1 shot' in caplog.text
