"""QasmQobj as input: what circuits give, and nothing that a harmful one could do."""

# ruff: noqa: E402 (what is imported further down may not exist)

import pytest
from versions import needs_qobj, skip_here

skip_here(needs_qobj)

from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit.library import standard_gates
from qiskit.compiler import assemble
from qiskit.qobj import QasmQobj
from qiskit.quantum_info import Operator, random_unitary

from basicaer import BasicAer, BasicAerError
from basicaer._qiskit.terra import qobj as _qobj

QASM, STATEVECTOR, UNITARY = BasicAer.backends()


def dynamic():
    circuit = QuantumCircuit(
        QuantumRegister(2, "a"),
        QuantumRegister(1, "b"),
        ClassicalRegister(2, "c"),
        ClassicalRegister(2, "d"),
        name="dynamic",
        global_phase=0.3,
        metadata={"a": 1},
    )
    circuit.h([0, 1])
    circuit.unitary(random_unitary(4, seed=1), [2, 0])
    circuit.measure([0, 1], [0, 3])
    circuit.x(2).c_if(circuit.cregs[0], 1)
    circuit.rx(0.4, 0).c_if(circuit.clbits[3], 1)
    circuit.reset(1).c_if(circuit.cregs[1], 2)
    circuit.barrier()
    circuit.initialize([0.6, 0.8], 1)
    circuit.measure([0, 1, 2], [1, 2, 0])
    return circuit


def test_as_the_circuit():
    circuits = [dynamic(), dynamic()]
    qobj = assemble(
        circuits,
        shots=50,
        memory=True,
        seed_simulator=9,
        qobj_id="mine",
        qobj_header={"note": "kept"},
    )
    found = QASM.run(qobj).result()
    expected = QASM.run(circuits, shots=50, memory=True, seed_simulator=9).result()
    assert found.qobj_id == "mine" and found.header.note == "kept"
    for one, other in zip(found.results, expected.results):
        one, other = one.to_dict(), other.to_dict()
        del one["time_taken"], other["time_taken"]
        assert one == other
    # Arguments go before what the Qobj says.
    again = QASM.run(qobj, shots=3).result()
    assert len(again.get_memory(0)) == 3
    assert len(STATEVECTOR.run(qobj).result().get_statevector(0)) == 8


def test_from_a_dict():
    qobj = assemble(dynamic(), shots=20, seed_simulator=1)
    twin = QasmQobj.from_dict(qobj.to_dict())
    assert QASM.run(twin).result().get_counts() == QASM.run(qobj).result().get_counts()


@pytest.mark.parametrize(
    "name",
    sorted(set(standard_gates.get_standard_gate_name_mapping()) - {"measure", "reset", "delay"}),
)
def test_gates(name):
    gate = standard_gates.get_standard_gate_name_mapping()[name]
    gate = _qobj._GATES[name](*[0.1 * (k + 1) for k in range(len(gate.params))])
    circuit = QuantumCircuit(max(1, gate.num_qubits))
    circuit.append(gate, range(gate.num_qubits))
    found = UNITARY.run(assemble(circuit)).result().get_unitary()
    assert Operator(circuit) == Operator(found)


def test_wide_gates():
    circuit = QuantumCircuit(5)
    circuit.mcx([0, 1, 2], 3)
    circuit.mcx([0, 1, 2, 3], 4)
    circuit.mcp(0.3, [0, 1], 2)
    circuit.append(standard_gates.MCXGate(2), [0, 1, 2])
    circuit.append(standard_gates.C3SXGate(), [0, 1, 2, 3])
    circuit.pauli("XYZ", [0, 1, 2])
    circuit.delay(5, 0)
    found = UNITARY.run(assemble(circuit)).result().get_unitary()
    assert Operator(circuit) == Operator(found)


def test_allows_measure_sampling():
    circuit = QuantumCircuit(2, 2)
    circuit.h([0, 1])
    circuit.measure([0, 1], [0, 1])
    qobj = assemble(circuit, shots=100, memory=True, seed_simulator=2)
    qobj.experiments[0].config.allows_measure_sampling = False
    sampled = QASM.run(circuit, shots=100, memory=True, seed_simulator=2).result().get_memory()
    assert QASM.run(qobj).result().get_memory() != sampled


@pytest.mark.parametrize("seed", [-1, 2**40, "seven"])
def test_seed_of_an_experiment_that_is_none(seed):
    qobj = assemble([dynamic(), dynamic()], shots=20, seed_simulator=2)
    qobj.experiments[1].config.seed_simulator = seed
    with pytest.raises(BasicAerError, match="seed_simulator must be"):
        QASM.run(qobj)


def test_seed_of_an_experiment():
    qobj = assemble([dynamic(), dynamic()], shots=20, seed_simulator=2)
    qobj.experiments[1].config.seed_simulator = 5
    result = QASM.run(qobj).result()
    assert [entry.seed_simulator for entry in result.results] == [2, 5]


def spoiled(**changes):
    circuit = QuantumCircuit(1, 1, name="bad")
    circuit.h(0)
    circuit.measure(0, 0)
    qobj = assemble(circuit)
    for key, value in changes.items():
        setattr(qobj.experiments[0].instructions[0], key, value)
    return qobj


@pytest.mark.parametrize("name", ["qasm", "draw", "clear", "__class__", "snapshot", "kraus", ""])
def test_names_are_never_called(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    qobj = spoiled(name=name, params=[False, "written.txt"])
    with pytest.raises(BasicAerError, match='"bad", instruction 0'):
        QASM.run(qobj)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "changes",
    [
        {"qubits": [5]},
        {"qubits": []},
        {"qubits": ["a"]},
        {"qubits": [-1]},
        {"name": "u", "params": [1]},
        {"name": "rx", "params": ["theta"]},
        {"name": "unitary", "params": [[[1, 1], [1, 1]]]},
        {"name": "unitary", "params": []},
        {"conditional": 3},
        {"name": "measure", "memory": [0], "register": [7]},
    ],
    ids=str,
)
def test_malformed(changes):
    with pytest.raises(BasicAerError, match="bad"):
        QASM.run(spoiled(**changes))


@pytest.mark.parametrize("key", ["n_qubits", "memory_slots"])
@pytest.mark.parametrize("value", [10**12, -1, "many", 1.5])
def test_sizes_out_of_bounds(key, value):
    qobj = spoiled()
    setattr(qobj.experiments[0].config, key, value)
    with pytest.raises(BasicAerError, match=key):
        QASM.run(qobj)


@pytest.mark.parametrize("key", ["creg_sizes", "global_phase", "name"])
def test_headers_out_of_order(key):
    qobj = spoiled()
    setattr(qobj.experiments[0].header, key, [3])
    with pytest.raises(BasicAerError):
        QASM.run(qobj)


def test_no_configuration():
    qobj = spoiled()
    qobj.config = None
    with pytest.raises(BasicAerError, match="configuration of the Qobj"):
        QASM.run(qobj)
