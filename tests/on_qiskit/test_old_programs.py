"""Programs of the years 2020 to 2023, and `execute`, which they call, on every Qiskit.

`scripts_of_old/` holds the programs, and beside each what it prints. These texts were recorded from
terra 0.46.3 and its own BasicAer, without this package:

    python -W ignore NAME.py >NAME.txt
"""

import inspect
import logging
from pathlib import Path

import numpy as np
import pytest
from processes import python
from qiskit import QuantumCircuit, QuantumRegister, transpile, user_config
from qiskit.circuit import Parameter
from qiskit.quantum_info import Operator, Statevector
from qiskit.transpiler import CouplingMap, PassManager
from qiskit.transpiler.passes import RemoveBarriers
from recorded import outcomes
from recorded.circuits import build
from versions import NUMBER, needs_terra

from basicaer import BasicAer, BasicAerError
from basicaer._qiskit.patching.execute import GONE, execute
from basicaer._qiskit.versions import TERRA, reference

SCRIPTS = sorted((Path(__file__).parents[1] / "scripts_of_old").glob("*.py"))
QASM = BasicAer.get_backend("qasm_simulator")

# ----------------------------------------------------------------------------------------------
# Scripts
# ----------------------------------------------------------------------------------------------


def test_there_are_scripts():
    assert len(SCRIPTS) >= 3


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_of_old(script):
    done = python("-m", "basicaer", str(script))
    assert done.returncode == 0, done.stderr
    if NUMBER >= (0, 46):  # earlier versions transpile to other circuits
        assert done.stdout == script.with_suffix(".txt").read_text(encoding="utf-8")
    if TERRA:
        theirs = python("-W", "ignore", str(script))
        assert theirs.returncode == 0, theirs.stderr
        assert done.stdout == theirs.stdout
    else:
        assert done.stderr == ""


# ----------------------------------------------------------------------------------------------
# execute
# ----------------------------------------------------------------------------------------------


class Recorder:
    """In the place of `run()` of a backend: keeps what it was given."""

    def __init__(self, monkeypatch, backend=QASM):
        monkeypatch.setattr(backend, "run", self, raising=True)

    def __call__(self, circuits, **options):
        self.circuits, self.options = circuits, options
        return self


def bell():
    circuit = QuantumCircuit(2, 2, name="bell")
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.measure([0, 1], [0, 1])
    return circuit


def test_it_transpiles_and_runs():
    circuit = bell()
    job = execute(circuit, QASM, shots=1000, seed_simulator=3, memory=True)
    same = QASM.run(circuit, shots=1000, seed_simulator=3, memory=True)
    assert job.result().get_memory(circuit) == same.result().get_memory()
    assert type(job) is type(same)
    assert execute(circuit, QASM).result().results[0].shots == 1024
    result = execute([circuit, circuit.copy("twin")], QASM, shots=10).result()
    assert sum(result.get_counts("twin").values()) == sum(result.get_counts(circuit).values()) == 10


@needs_terra
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_outcomes_are_those_of_terra():
    from qiskit import execute as theirs

    rng = np.random.default_rng(5)
    for seed in range(10):
        circuit = QuantumCircuit(4, 4)
        for _ in range(20):
            a, b = map(int, rng.choice(4, 2, replace=False))
            action = ("h", "cx", "ry", "measure", "reset", "ccx")[rng.integers(6)]
            arguments = {"h": [a], "ry": [0.3 * b + 0.2, a], "reset": [a], "ccx": [0, 1, 2]}
            getattr(circuit, action)(*arguments.get(action, [a, b]))
        circuit.measure(range(4), range(4))
        options = {"shots": 100, "memory": True, "seed_simulator": seed}
        for level in (None, 0, 1):
            found, wanted = (
                function(circuit, backend, optimization_level=level, **options).result()
                for function, backend in (
                    (execute, QASM),
                    (theirs, reference.BasicAer.get_backend("qasm_simulator")),
                )
            )
            assert found.get_memory() == wanted.get_memory()


@pytest.mark.parametrize("level", [0, None])
def test_outcomes_are_as_recorded(level):
    """Where all shots are drawn from the final state, transpiling leaves the draws as they are."""
    runs = outcomes.load("basicaer.json")["groups"]["sampled"]
    assert len(runs) >= 50
    for run in runs:
        (circuit,) = run["circuits"]
        options = outcomes.options(run)
        backend = BasicAer.get_backend(run["simulator"])
        result = execute(build(circuit), backend, optimization_level=level, **options).result()
        found = outcomes.outcome(result, 0, circuit)
        assert not outcomes.differences(found, run["results"][0]), circuit["name"]


# fmt: off
TERRAS = [
    "basis_gates", "coupling_map", "backend_properties", "initial_layout", "seed_transpiler",
    "optimization_level", "pass_manager", "qobj_id", "qobj_header", "shots", "memory",
    "seed_simulator", "default_qubit_los", "default_meas_los", "qubit_lo_range", "meas_lo_range",
    "schedule_los", "meas_level", "meas_return", "memory_slots", "memory_slot_size", "rep_time",
    "rep_delay", "parameter_binds", "schedule_circuit", "inst_map", "meas_map",
    "scheduling_method", "init_qubits",
]
# fmt: on
"""The arguments of terra's `execute`, all versions from 0.24 to 0.46 together."""


def test_each_argument_of_terra_is_there_or_has_a_successor():
    ours = list(inspect.signature(execute).parameters)[2:-1]
    assert set(TERRAS) == {*ours, *GONE} and not set(ours) & set(GONE) - {"backend_properties"}
    if TERRA:
        from qiskit import execute as theirs

        names = list(inspect.signature(theirs).parameters)[2:-1]
        assert set(names) <= set(TERRAS)
        if NUMBER >= (0, 46):
            common = ours.index("parameter_binds")
            assert ours[:common] == names[:common]


@pytest.mark.parametrize("name", sorted(GONE))
def test_what_has_lost_its_meaning(name, monkeypatch):
    with pytest.raises(BasicAerError, match=f"no argument {name} .*: .{{20}}"):
        execute(bell(), QASM, **{name: 1})
    for harmless in (None, {"init_qubits": True, "schedule_circuit": False}.get(name)):
        run = Recorder(monkeypatch)
        execute(bell(), QASM, **{name: harmless})
        assert run.options == {}


def test_an_option_of_the_backend_is_passed_on(monkeypatch):
    run = Recorder(monkeypatch)
    monkeypatch.setitem(QASM.options.__dict__, "rep_delay", 1)
    execute(bell(), QASM, rep_delay=2, precision="single", parameter_binds=[{}])
    assert run.options == {"rep_delay": 2, "precision": "single", "parameter_binds": [{}]}
    execute(bell(), QASM, shots=3, memory=True, seed_simulator=0, parameter_binds=[])
    assert run.options == {"shots": 3, "memory": True, "seed_simulator": 0}


def test_an_option_that_the_backend_lacks_is_logged(caplog):
    circuit = QuantumCircuit(1)
    circuit.h(0)
    backend = BasicAer.get_backend("unitary_simulator")
    with caplog.at_level(logging.INFO):
        unitary = execute(circuit, backend, seed_simulator=3).result().get_unitary(circuit)
    assert np.allclose(np.asarray(unitary) * 2**0.5, [[1, 1], [1, -1]])
    assert '"unitary_simulator" has no option seed_simulator' in caplog.text
    with pytest.warns(UserWarning, match="nothing"):
        execute(bell(), QASM, nothing=1).result()


def test_levels(monkeypatch):
    run = Recorder(monkeypatch)
    circuit = QuantumCircuit(2)
    circuit.x(1)
    circuit.x(1)
    circuit.cx(0, 1)
    circuit.rz(0.3, 0)
    circuit.cx(0, 1)

    def gates(**arguments):
        execute(circuit, QASM, **arguments)
        return dict(run.circuits.count_ops())

    assert gates(optimization_level=0)["x"] == 2
    assert gates() == gates(optimization_level=1)
    assert gates()["cx"] == 2 and "x" not in gates()
    assert "cx" not in gates(optimization_level=2)  # the default of Qiskit 2
    monkeypatch.setattr(user_config, "get_config", lambda: {"transpile_optimization_level": 0})
    assert gates()["x"] == 2


@pytest.mark.parametrize("level", range(4))
@pytest.mark.parametrize("basis_gates", [None, ["u1", "u2", "u3", "cx"]], ids=str)
@pytest.mark.filterwarnings("ignore:Providing `coupling_map`:UserWarning")
def test_no_level_permutes_the_qubits_of_a_state(level, basis_gates):
    circuit = QuantumCircuit(3)
    circuit.h(0)
    circuit.ry(0.3, 1)
    circuit.swap(0, 2)
    circuit.cx(0, 1)
    circuit.swap(1, 2)
    circuit.t(2)
    how = {"optimization_level": level, "basis_gates": basis_gates}
    backend = BasicAer.get_backend("statevector_simulator")
    state = execute(circuit, backend, **how).result().get_statevector()
    assert np.allclose(np.asarray(state), Statevector(circuit).data)
    backend = BasicAer.get_backend("unitary_simulator")
    unitary = execute(circuit, backend, **how).result().get_unitary()
    assert np.allclose(np.asarray(unitary), Operator(circuit).data)


@pytest.mark.filterwarnings("ignore:Providing `coupling_map`:UserWarning")
def test_basis_gates_and_layout(monkeypatch):
    run = Recorder(monkeypatch)
    register = QuantumRegister(2)
    circuit = QuantumCircuit(register)
    circuit.h(0)
    circuit.cz(0, 1)
    execute(circuit, QASM, basis_gates=["u1", "u2", "u3", "cx"], optimization_level=0)
    assert set(run.circuits.count_ops()) <= {"u1", "u2", "u3", "cx"}
    for layout in ([2, 0], {register[0]: 2, register[1]: 0}):
        execute(circuit, QASM, coupling_map=[[0, 2], [0, 1]], initial_layout=layout)
        names = {"h": (2,), "u2": (2,)}
        first = next(each for each in run.circuits.data if each.operation.name in names)
        assert [run.circuits.find_bit(qubit).index for qubit in first.qubits] == [2]


@pytest.mark.filterwarnings("ignore:Providing `coupling_map`:UserWarning")
def test_a_coupling_map_alone_is_enough(monkeypatch):
    circuit = QuantumCircuit(4, 4)
    circuit.x([0, 1, 2])
    circuit.mcx([0, 1, 2], 3)
    circuit.csx(3, 0)
    circuit.csx(3, 0)
    circuit.ccx(1, 3, 2)
    circuit.measure(range(4), range(4))
    edges = [[0, 1], [2, 1], [2, 3]]
    for coupling_map in (None, edges, CouplingMap(edges)):
        job = execute(circuit, QASM, coupling_map=coupling_map, seed_transpiler=1, shots=9)
        assert job.result().get_counts() == {"1010": 9}
    run = Recorder(monkeypatch)
    execute(circuit, QASM, coupling_map=edges, seed_transpiler=1)
    pairs = [each for each in run.circuits.data if each.operation.name == "cx"]
    assert pairs
    for each in run.circuits.data:
        if each.operation.name == "barrier":
            continue
        places = [run.circuits.find_bit(qubit).index for qubit in each.qubits]
        assert len(places) == 1 or places in edges, each


@pytest.mark.skipif(TERRA, reason="execute is terra's own there")
@pytest.mark.filterwarnings("ignore")
def test_backends_of_others(monkeypatch):
    """Circuits are routed where a backend has a coupling map."""
    from qiskit.providers import fake_provider

    edges = [[0, 1], [1, 2]]
    backends = [(fake_provider.GenericBackendV2(3, coupling_map=edges, seed=1), edges)]
    if NUMBER < (2, 0):
        older = fake_provider.Fake5QV1()
        backends.append((older, older.configuration().coupling_map))
    circuit = QuantumCircuit(3)
    circuit.x([0, 1])
    for pair in ((0, 2), (0, 1), (1, 2)):
        circuit.cx(*pair)
    circuit.measure_all()
    for backend, pairs in backends:
        for level in (None, 3):
            job = execute(circuit, backend, optimization_level=level, shots=9)
            assert job.result().get_counts() == {"101": 9}
        run = Recorder(monkeypatch, backend)
        execute(circuit, backend)
        found = [
            [run.circuits.find_bit(qubit).index for qubit in each.qubits]
            for each in run.circuits.data
            if each.operation.name == "cx"
        ]
        assert found and all(pair in pairs for pair in found)


def test_a_pass_manager(monkeypatch):
    run = Recorder(monkeypatch)
    circuit = QuantumCircuit(1)
    circuit.h(0)
    circuit.barrier()
    circuit.h(0)
    execute(circuit, QASM, pass_manager=PassManager([RemoveBarriers()]))
    assert dict(run.circuits.count_ops()) == {"h": 2}
    with pytest.raises(BasicAerError, match="pass_manager and seed_transpiler, optimization_level"):
        execute(circuit, QASM, pass_manager=PassManager(), optimization_level=0, seed_transpiler=1)


def test_parameter_binds():
    angle = Parameter("angle")
    circuit = QuantumCircuit(1, 1)
    circuit.ry(angle, 0)
    circuit.measure(0, 0)
    binds = [{angle: 0}, {angle: np.pi}]
    counts = execute(circuit, QASM, shots=5, parameter_binds=binds).result().get_counts()
    assert counts == [{"0": 5}, {"1": 5}]


@pytest.mark.parametrize(
    ("experiments", "what"),
    [
        ("OPENQASM 2.0;", "not str; "),
        ((bell(),), "not tuple; "),
        ([bell(), None], "not NoneType at place 1"),
        ([], "list is empty"),
    ],
    ids=str,
)
def test_what_is_no_circuit(experiments, what):
    with pytest.raises(BasicAerError, match=what):
        execute(experiments, QASM)


def test_what_is_no_backend():
    with pytest.raises(BasicAerError, match=r"takes a Qiskit backend, not str\."):
        execute(bell(), "qasm_simulator")
    assert sum(execute(bell(), QASM, shots=7).result().get_counts().values()) == 7


def test_it_needs_no_transpiling_twice():
    circuit = transpile(bell(), QASM)
    counts = execute(circuit, QASM, shots=100, seed_simulator=1).result().get_counts()
    assert counts == QASM.run(circuit, shots=100, seed_simulator=1).result().get_counts()
