"""The same call on terra's BasicAer and on this package: everything must be the same.

    BASICAER_DIFFERENTIAL=2000 python -m pytest tests/on_qiskit/test_differential.py

runs more random circuits of each kind than a quick run does.
"""

# ruff: noqa: E402, NPY002 (imports that may not exist; the global generator is what is tested)

import logging
import os
import warnings
from functools import partial

import numpy as np
import pytest
from versions import needs_present_basis, needs_terra, skip_here

skip_here(needs_terra)

from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister, execute, transpile
from qiskit.circuit import Clbit, Parameter, ParameterVector
from qiskit.circuit.library import QFT, standard_gates
from qiskit.exceptions import QiskitError
from qiskit.quantum_info import random_statevector, random_unitary

import basicaer
from basicaer._qiskit.versions import reference

REPEATS = int(os.environ.get("BASICAER_DIFFERENTIAL", "100"))
SIMULATORS = ("qasm_simulator", "statevector_simulator", "unitary_simulator")

# One-qubit gates that all of terra's simulators run, and how many parameters they have.
CLASSES = {
    "h": standard_gates.HGate,
    "u": standard_gates.UGate,
    "p": standard_gates.PhaseGate,
    "u1": standard_gates.U1Gate,
    "u2": standard_gates.U2Gate,
    "u3": standard_gates.U3Gate,
    "rz": standard_gates.RZGate,
    "sx": standard_gates.SXGate,
    "x": standard_gates.XGate,
    "id": standard_gates.IGate,
}
GATES = {"h": 0, "u": 3, "p": 1, "u1": 1, "u2": 2, "u3": 3, "rz": 1, "sx": 0, "x": 0, "id": 0}
# Before 0.45 h, u and p are not among them.
BASIS = reference.QasmSimulatorPy.DEFAULT_CONFIGURATION["basis_gates"]
GATES = {name: number for name, number in GATES.items() if name in BASIS}


@pytest.fixture(autouse=True)
def silence():
    """terra warns of its own deprecation wherever it is touched."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        yield


def backends(name):
    return reference.BasicAer.get_backend(name), basicaer.BasicAer.get_backend(name)


def plain(result):
    """A result as a dict, without what differs from run to run."""
    found = result.to_dict()
    for key in ("qobj_id", "job_id", "time_taken"):
        assert key in found
        del found[key]
    for entry in found["results"]:
        assert isinstance(entry.pop("time_taken"), float)
    return found


def assert_equal(ours, theirs, where=""):
    """Dicts, lists and what is in them: equal in type and value, arrays up to rounding."""
    if isinstance(theirs, dict):
        assert list(ours) == list(theirs), where
        for key in theirs:
            assert_equal(ours[key], theirs[key], f"{where}.{key}")
    elif isinstance(theirs, list):
        assert isinstance(ours, list) and len(ours) == len(theirs), where
        for index, (one, other) in enumerate(zip(ours, theirs)):
            assert_equal(one, other, f"{where}[{index}]")
    elif isinstance(theirs, np.ndarray):
        assert isinstance(ours, np.ndarray) and ours.dtype == theirs.dtype, where
        assert ours.shape == theirs.shape and np.allclose(ours, theirs, rtol=0, atol=1e-12), where
    else:
        if not isinstance(theirs, np.integer):
            assert type(ours) is type(theirs), where
        assert ours == theirs, where


def same(circuits, simulator="qasm_simulator", **options):
    """Runs circuits on both and compares; returns our result."""
    terra, ours = backends(simulator)
    state = np.random.get_state()
    expected = terra.run(circuits, **options).result()
    after = np.random.get_state()
    np.random.set_state(state)
    found = ours.run(circuits, **options).result()
    assert_equal(plain(found), plain(expected))
    # The same was taken from the global generator.
    assert np.random.randint(1 << 30) == (np.random.set_state(after), np.random.randint(1 << 30))[1]
    return found


# ----------------------------------------------------------------------------------------------
# Random circuits
# ----------------------------------------------------------------------------------------------


def random_gate(circuit, rng):
    qubits = circuit.num_qubits
    kind = rng.integers(10)
    if kind < 3 and qubits > 1:
        circuit.cx(*map(int, rng.choice(qubits, 2, replace=False)))
    elif kind == 3:
        width = int(rng.integers(1, min(3, qubits) + 1))
        matrix = random_unitary(2**width, seed=int(rng.integers(1 << 30)))
        circuit.unitary(matrix, list(map(int, rng.choice(qubits, width, replace=False))))
    elif kind == 4:
        circuit.barrier()
    else:
        name = list(GATES)[rng.integers(len(GATES))]
        params = rng.uniform(-7, 7, GATES[name]).tolist()
        circuit.append(CLASSES[name](*params), [int(rng.integers(qubits))])
    return circuit.data[-1]


def random_registers(rng):
    qubits = int(rng.integers(1, 7))
    sizes = [int(rng.integers(1, 4)) for _ in range(rng.integers(1, 4))]
    circuit = QuantumCircuit(
        QuantumRegister(qubits, "q"),
        *(ClassicalRegister(size, f"c{index}") for index, size in enumerate(sizes)),
        global_phase=float(rng.choice([0.0, 1.3])),
        metadata={"kind": "random"},
    )
    return circuit


def random_condition(circuit, gate, rng):
    if rng.integers(2):
        register = circuit.cregs[rng.integers(len(circuit.cregs))]
        gate.c_if(register, int(rng.integers(2**register.size)))
    else:
        gate.c_if(circuit.clbits[rng.integers(circuit.num_clbits)], int(rng.integers(2)))


def any_bit(bits, rng):
    return bits[rng.integers(len(bits))]


def sampled(rng):
    """Gates, then measurements: any qubit to any bit, again and again."""
    circuit = random_registers(rng)
    for _ in range(rng.integers(1, 20)):
        random_gate(circuit, rng)
    for _ in range(rng.integers(0, 8)):
        circuit.measure(any_bit(circuit.qubits, rng), any_bit(circuit.clbits, rng))
        if rng.integers(5) == 0:
            circuit.barrier()
        if rng.integers(5) == 0:
            circuit.id(0)
    return circuit


def mid_circuit(rng):
    """Measurements and resets anywhere."""
    circuit = random_registers(rng)
    for _ in range(rng.integers(1, 20)):
        choice = rng.integers(5)
        if choice == 0:
            circuit.reset(any_bit(circuit.qubits, rng))
        elif choice == 1:
            circuit.measure(any_bit(circuit.qubits, rng), any_bit(circuit.clbits, rng))
        else:
            random_gate(circuit, rng)
    return circuit


def conditional(rng):
    """Gates, measurements and resets that depend on registers and bits."""
    circuit = random_registers(rng)
    for _ in range(rng.integers(2, 20)):
        choice = rng.integers(6)
        if choice == 0:
            circuit.measure(any_bit(circuit.qubits, rng), any_bit(circuit.clbits, rng))
        elif choice == 1:
            made = circuit.measure(any_bit(circuit.qubits, rng), any_bit(circuit.clbits, rng))
            random_condition(circuit, made, rng)
        elif choice == 2:
            made = circuit.reset(any_bit(circuit.qubits, rng))
            if rng.integers(2):
                random_condition(circuit, made, rng)
        elif choice == 3:
            made = circuit.x(any_bit(circuit.qubits, rng))
            random_condition(circuit, made, rng)
        elif choice == 4:
            made = circuit.rz(float(rng.uniform(-3, 3)), any_bit(circuit.qubits, rng))
            random_condition(circuit, made, rng)
        else:
            random_gate(circuit, rng)
    return circuit


def random_options(circuit, rng):
    options = {"shots": int(rng.choice([1, 2, 17, 100])), "memory": bool(rng.integers(2))}
    if rng.integers(4):
        options["seed_simulator"] = int(rng.integers(2**32))
    if rng.integers(4) == 0:
        vector = random_statevector(2**circuit.num_qubits, seed=int(rng.integers(1 << 30)))
        options["initial_statevector"] = vector.data
    if rng.integers(4) == 0:
        options["allow_sample_measuring"] = bool(rng.integers(2))
    if rng.integers(4) == 0:
        options["chop_threshold"] = float(rng.choice([0.0, 1e-15, 0.1]))
    return options


@pytest.mark.parametrize("kind", [sampled, mid_circuit, conditional])
def test_random_circuits(kind):
    for seed in range(REPEATS):
        rng = np.random.default_rng(seed)
        circuit = kind(rng)
        same(circuit, **random_options(circuit, rng))


@pytest.mark.parametrize("kind", [sampled, mid_circuit, conditional])
def test_random_circuits_on_the_statevector_simulator(kind):
    for seed in range(REPEATS // 2):
        rng = np.random.default_rng([seed, 1])
        circuit = kind(rng)
        same(circuit, "statevector_simulator", **random_options(circuit, rng))


def test_random_circuits_on_the_unitary_simulator():
    for seed in range(REPEATS // 2):
        rng = np.random.default_rng([seed, 2])
        circuit = random_registers(rng)
        for _ in range(rng.integers(0, 20)):
            random_gate(circuit, rng)
        options = {}
        if rng.integers(3) == 0:
            matrix = random_unitary(2**circuit.num_qubits, seed=seed)
            options["initial_unitary"] = matrix.data
        if rng.integers(3) == 0:
            options["chop_threshold"] = 0.1
        same(circuit, "unitary_simulator", **options)


@pytest.mark.parametrize(
    "ours",
    [
        {"max_parallel_threads": 1},
        {"max_parallel_threads": 3},
        {"fusion": False},
        {"branching": False},
    ],
    ids=str,
)
def test_outcomes_do_not_depend_on_how(ours):
    terra, simulator = backends("qasm_simulator")
    for seed in range(REPEATS // 8):
        rng = np.random.default_rng([seed, 3])
        circuit = (sampled, mid_circuit, conditional)[seed % 3](rng)
        options = {"shots": 50, "memory": True, "seed_simulator": seed}
        expected = terra.run(circuit, **options).result()
        found = simulator.run(circuit, **options, **ours).result()
        assert_equal(plain(found), plain(expected))


def test_gates_beyond_the_basis():
    """What terra must translate first gives what terra gives after translating."""
    rng = np.random.default_rng(7)
    terra, ours = backends("qasm_simulator")
    for seed in range(REPEATS // 10):
        circuit = QuantumCircuit(4, 4)
        circuit.append(QFT(4), range(4))
        for _ in range(10):
            a, b, c, d = map(int, rng.permutation(4))
            theta = float(rng.uniform(-3, 3))
            which = rng.integers(7)
            if which == 0:
                circuit.ccx(a, b, c)
            elif which == 1:
                circuit.rzz(theta, a, b)
            elif which == 2:
                circuit.mcp(theta, [a, b, c], d)
            elif which == 3:
                circuit.cswap(a, b, c)
            elif which == 4:
                circuit.crx(theta, a, b)
            elif which == 5:
                circuit.initialize([0.6, 0.8], a)
            else:
                circuit.iswap(a, b)
        circuit.measure(range(4), range(4))
        translated = transpile(circuit, terra, optimization_level=0)
        options = {"shots": 40, "memory": True, "seed_simulator": seed}
        expected = terra.run(translated, **options).result().get_memory()
        assert ours.run(circuit, **options).result().get_memory() == expected


@pytest.mark.parametrize("level", [0, 1, 2, 3])
@pytest.mark.parametrize("name", SIMULATORS)
@needs_present_basis
def test_transpile_makes_the_same_circuits(level, name):
    terra, ours = backends(name)
    circuit = QuantumCircuit(4)
    circuit.append(QFT(4).decompose(), range(4))
    circuit.ccx(0, 1, 3)
    circuit.rxx(0.3, 1, 2)
    options = {"optimization_level": level, "seed_transpiler": 1}
    expected, found = transpile(circuit, terra, **options), transpile(circuit, ours, **options)
    assert found == expected


# ----------------------------------------------------------------------------------------------
# Odd circuits
# ----------------------------------------------------------------------------------------------


def shared_registers():
    circuit = QuantumCircuit(2)
    bits = [Clbit(), Clbit(), Clbit()]
    circuit.add_register(ClassicalRegister(bits=bits[:2], name="a"))
    circuit.add_register(ClassicalRegister(bits=bits[1:], name="b"))
    circuit.sx([0, 1])
    circuit.measure([0, 1], [bits[0], bits[2]])
    return circuit


def loose_clbits(registers):
    circuit = QuantumCircuit(QuantumRegister(2, "q"))
    if registers:
        circuit.add_register(ClassicalRegister(1, "c"))
    circuit.add_bits([Clbit(), Clbit()])
    circuit.sx([0, 1])
    circuit.measure([0, 1], circuit.clbits[:2])
    return circuit


def wide():
    circuit = QuantumCircuit(2, 70)
    circuit.sx([0, 1])
    circuit.measure([0, 1, 0], [69, 3, 64])
    return circuit


def wide_with_reset():
    circuit = wide()
    circuit.reset(0)
    circuit.sx(0)
    circuit.measure(0, 68)
    return circuit


def no_measurement():
    circuit = QuantumCircuit(2, 2)
    circuit.sx(0)
    return circuit


def no_clbits():
    circuit = QuantumCircuit(2)
    circuit.sx(0)
    return circuit


def several_registers():
    circuit = QuantumCircuit(
        QuantumRegister(2, "one"),
        QuantumRegister(1, "two"),
        ClassicalRegister(2, "x"),
        ClassicalRegister(3, "y"),
        name="several",
        metadata={"a": [1, {"b": 2}]},
    )
    circuit.sx([0, 1, 2])
    circuit.measure([0, 1, 2], [4, 1, 2])
    return circuit


ODD = {
    "empty": QuantumCircuit(1, 1),
    "no_qubits": QuantumCircuit(0),
    "no_qubits_but_clbits": QuantumCircuit(0, 2),
    "no_clbits": no_clbits(),
    "no_measurement": no_measurement(),
    "shared_registers": shared_registers(),
    "loose_clbits": loose_clbits(False),
    "loose_clbits_beside_a_register": loose_clbits(True),
    "wide": wide(),
    "wide_with_reset": wide_with_reset(),
    "several_registers": several_registers(),
}


@pytest.mark.parametrize("memory", [False, True])
@pytest.mark.parametrize("shots", [1, 5])
@pytest.mark.parametrize("name", SIMULATORS[:2])
@pytest.mark.parametrize("odd", ODD)
def test_odd_circuits(odd, name, shots, memory):
    same(ODD[odd], name, shots=shots, memory=memory, seed_simulator=3)


@pytest.mark.parametrize("odd", ["no_qubits", "no_clbits", "no_measurement"])
def test_odd_circuits_on_the_unitary_simulator(odd):
    same(ODD[odd], "unitary_simulator")


def test_lookups():
    circuit, other = several_registers(), wide()
    terra, ours = backends("qasm_simulator")
    options = {"seed_simulator": 5, "memory": True, "shots": 20}
    expected = terra.run([circuit, other], **options).result()
    found = ours.run([circuit, other], **options).result()
    for key in (0, 1, "several", circuit, other, other.name):
        assert found.get_counts(key) == expected.get_counts(key)
        assert found.get_memory(key) == expected.get_memory(key)
        assert found.data(key) == expected.data(key)
    assert found.get_counts() == expected.get_counts()
    single = ours.run(circuit, **options).result()
    assert single.get_counts() == expected.get_counts(0)
    # By the circuit from before transpiling.
    translated = transpile(circuit, ours, optimization_level=3)
    assert ours.run(translated, **options).result().get_counts(circuit)


def test_states():
    circuit = no_clbits()
    terra, ours = backends("statevector_simulator")
    expected, found = terra.run(circuit).result(), ours.run(circuit).result()
    for decimals in (None, 3):
        one = found.get_statevector(circuit, decimals=decimals)
        other = expected.get_statevector(circuit, decimals=decimals)
        assert type(one) is type(other) and np.allclose(one, other, rtol=0, atol=1e-12)
    assert found.get_counts() == expected.get_counts()
    terra, ours = backends("unitary_simulator")
    expected, found = terra.run(circuit).result(), ours.run(circuit).result()
    for decimals in (None, 3):
        one = found.get_unitary(circuit, decimals=decimals)
        other = expected.get_unitary(circuit, decimals=decimals)
        assert type(one) is type(other) and np.allclose(one, other, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", SIMULATORS)
@pytest.mark.parametrize(
    "circuit", [no_clbits(), no_measurement()], ids=["no_clbits", "no_measure"]
)
def test_log(name, circuit, caplog):
    terra, ours = backends(name)
    with caplog.at_level(logging.INFO):
        terra.run(circuit)
        caplog.clear()
        terra.run(circuit)
        options = {} if name == "unitary_simulator" else {"shots": 7}
        terra.run([circuit, circuit], **options)
        expected = [
            (record.levelname, record.getMessage())
            for record in caplog.records
            if record.name.startswith("qiskit.providers.basicaer")
        ]
        caplog.clear()
        ours.run(circuit)
        ours.run([circuit, circuit], **options)
        found = [
            (record.levelname, record.getMessage())
            for record in caplog.records
            if record.name.startswith("basicaer")
        ]
    assert found == expected


# ----------------------------------------------------------------------------------------------
# Seeds
# ----------------------------------------------------------------------------------------------


def test_without_a_seed_numpy_gives_one_for_each_circuit():
    circuits = [several_registers(), wide(), wide_with_reset()]
    np.random.seed(99)
    found = same(circuits, shots=20, memory=True)
    seeds = [entry.seed_simulator for entry in found.results]
    assert len(set(seeds)) == 3
    np.random.seed(99)
    assert [np.random.randint(2147483647, dtype="int32") for _ in range(3)] == seeds
    same(circuits, "statevector_simulator")
    same([no_clbits()], "unitary_simulator")


def test_a_seed_serves_all_circuits():
    circuit = several_registers()
    found = same([circuit, circuit], seed_simulator=8, memory=True, shots=30)
    assert found.get_memory(0) == found.get_memory(1)


@pytest.mark.parametrize("seed", [0, 1, 2**31, 2**32 - 1, np.int64(5), np.uint32(7), True])
def test_seeds(seed):
    same(several_registers(), seed_simulator=seed, memory=True, shots=30)


@pytest.mark.parametrize("shots", [None, np.int64(11), np.uint8(3), 1, 2, True])
def test_shots(shots):
    same(several_registers(), shots=shots, seed_simulator=1)


# ----------------------------------------------------------------------------------------------
# Options
# ----------------------------------------------------------------------------------------------


def caught(call):
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        warnings.simplefilter("ignore", DeprecationWarning)
        call()
    return [(entry.category, str(entry.message), entry.filename) for entry in found]


@pytest.mark.parametrize("name", SIMULATORS)
@pytest.mark.parametrize(
    "options",
    [{"foo": 1}, {"foo": None, "bar": 2}, {"memory": True}, {"seed_simulator": 3}],
    ids=str,
)
def test_unknown_options_warn(name, options):
    terra, ours = backends(name)
    expected = caught(lambda: terra.run(no_clbits(), **options))
    found = caught(lambda: ours.run(no_clbits(), **options).result())
    assert [entry[:2] for entry in found] == [entry[:2] for entry in expected]
    # The line that is to blame is the caller's.
    assert all(entry[2] == __file__ for entry in found)


@pytest.mark.parametrize("name", SIMULATORS)
def test_unknown_set_options(name):
    for backend in backends(name):
        with pytest.raises(AttributeError, match="Options field foo is not valid"):
            backend.set_options(foo=1)


@pytest.mark.parametrize("name", SIMULATORS)
def test_defaults(name):
    terra, ours = backends(name)
    for option, value in terra.options.items():
        assert ours.options.get(option) == value
        assert getattr(ours.options, option) == value
    assert list(ours.options)[: len(terra.options)] == list(terra.options)


def test_legacy_dict():
    vector = random_statevector(8, seed=1).data
    circuit = several_registers()
    terra, ours = backends("qasm_simulator")
    for legacy in (
        {"initial_statevector": vector},
        {"initial_statevector": vector, "chop_threshold": 0.3},
        {"initial_statevector": None},
        {},
        None,
    ):
        options = {"seed_simulator": 4, "backend_options": legacy}
        same(circuit, shots=20, memory=True, **options)
        same(circuit, "statevector_simulator", **options)
        # The dict's initial state goes before the argument, but not None in its place.
        same(circuit, shots=20, memory=True, initial_statevector=vector[::-1].copy(), **options)
        expected = caught(partial(terra.run, circuit, **options))
        assert caught(partial(ours.run, circuit, **options))[0][:2] == expected[0][:2]
    matrix = random_unitary(4, seed=1).data
    same(no_clbits(), "unitary_simulator", backend_options={"initial_unitary": matrix})


def test_set_options_of_the_initial_state():
    vector = random_statevector(8, seed=1).data
    circuit = several_registers()
    both = [type(backend)() for backend in backends("statevector_simulator")]
    for backend in both:
        backend.set_options(initial_statevector=vector, chop_threshold=0.2)
    expected, found = (backend.run(circuit, seed_simulator=3).result() for backend in both)
    assert_equal(plain(found), plain(expected))


@pytest.mark.parametrize("state", ["list", "column", "Statevector"])
def test_forms_of_the_initial_state(state):
    vector = random_statevector(8, seed=1)
    given = {
        "list": vector.data.tolist(),
        "column": vector.data.reshape(8, 1),
        "Statevector": vector,
    }
    same(several_registers(), shots=20, seed_simulator=1, initial_statevector=given[state])


def test_parameter_binds():
    theta, phi = Parameter("theta"), ParameterVector("phi", 2)
    circuits = []
    for index in range(2):
        circuit = QuantumCircuit(2, 2)
        circuit.append(standard_gates.U3Gate(theta, phi[0], phi[1]), [index])
        circuit.cx(0, 1)
        circuit.measure([0, 1], [0, 1])
        circuits.append(circuit)
    binds = [{theta: 1.0 + k, phi: [0.1, 0.2 * k]} for k in range(3)]
    terra, ours = backends("qasm_simulator")
    options = {"parameter_binds": binds, "shots": 25, "memory": True, "seed_simulator": 3}
    expected = terra.run(circuits, **options).result()
    found = ours.run(circuits, **options).result()
    assert len(found.results) == 6
    for index in range(6):
        assert found.get_memory(index) == expected.get_memory(index)
    plainly = QuantumCircuit(1, 1)
    plainly.sx(0)
    same(plainly, parameter_binds=[], seed_simulator=1)
    same(plainly, parameter_binds=[{}, {}], seed_simulator=1)
    same(plainly, parameter_binds=None, seed_simulator=1)


def test_parameter_binds_that_do_not_match():
    theta, phi = Parameter("theta"), Parameter("phi")
    one, other = QuantumCircuit(1, 1), QuantumCircuit(1, 1)
    one.rz(theta, 0)
    other.rz(phi, 0)
    for circuits, binds in (
        ([one], [{phi: 1}]),
        ([one], [{theta: 1, phi: 1}]),
        ([one], [{theta: 1}, {}]),
        ([one, other], [{theta: 1, phi: 2}]),
        ([QuantumCircuit(1, 1)], [{theta: 1}]),
        ([one], None),
    ):
        for backend in backends("qasm_simulator"):
            with pytest.raises(QiskitError):
                backend.run(circuits, parameter_binds=binds)


def test_execute():
    circuit = QuantumCircuit(3, 3)
    circuit.append(QFT(3), range(3))
    circuit.measure(range(3), range(3))
    terra, ours = backends("qasm_simulator")
    options = {"shots": 50, "memory": True, "seed_simulator": 11, "seed_transpiler": 1}
    expected = execute(circuit, terra, **options).result()
    found = execute(circuit, ours, **options).result()
    assert_equal(plain(found), plain(expected))


# ----------------------------------------------------------------------------------------------
# Backends
# ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SIMULATORS)
@needs_present_basis
def test_configuration(name):
    terra, ours = backends(name)
    expected, found = terra.configuration().to_dict(), ours.configuration().to_dict()
    expected.pop("n_qubits")
    assert isinstance(found.pop("n_qubits"), int)
    assert found == expected
    assert (str(ours), repr(ours), ours.name(), ours.version) == (
        str(terra),
        repr(terra),
        terra.name(),
        terra.version,
    )
    assert ours.status().to_dict() == terra.status().to_dict()
    assert ours.properties() is None and terra.properties() is None
    for key, value in terra.DEFAULT_CONFIGURATION.items():
        assert key == "n_qubits" or ours.DEFAULT_CONFIGURATION[key] == value
    assert list(ours.DEFAULT_CONFIGURATION) == list(terra.DEFAULT_CONFIGURATION)
    assert ours.DEFAULT_OPTIONS == terra.DEFAULT_OPTIONS
