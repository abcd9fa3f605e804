"""Bad input: each a clear error from `run()`, before anything is allocated, and nothing lost."""

import math
import re

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Clbit, Gate, Parameter
from qiskit.circuit.library import XGate
from qiskit.exceptions import QiskitError
from qiskit.providers.exceptions import QiskitBackendNotFoundError
from versions import needs_conditions, needs_qobj, needs_terra

from basicaer import BasicAer, BasicAerError
from basicaer._engine import memory as _memory
from basicaer._engine import threads
from basicaer._jobs import queue

QASM, STATEVECTOR, UNITARY = (
    BasicAer.get_backend(name)
    for name in ("qasm_simulator", "statevector_simulator", "unitary_simulator")
)


def bell(measured=True):
    circuit = QuantumCircuit(2, 2 if measured else 0, name="bell")
    circuit.h(0)
    circuit.cx(0, 1)
    if measured:
        circuit.measure([0, 1], [0, 1])
    return circuit


def refuses(backend, run_input, *words, **options):
    """`run` raises our error with a message that has all of `words`, and the pool is as before."""
    before = queue.live_jobs()
    with pytest.raises(BasicAerError) as caught:
        backend.run(run_input, **options)
    message = caught.value.message
    for word in words:
        assert re.search(word, message), message
    assert isinstance(caught.value, QiskitError)
    assert queue.live_jobs() == before
    # Nothing is lost: the next run is as good as any.
    good = bell(measured=backend is not UNITARY)
    assert backend.run(good).result().success
    return message


# ----------------------------------------------------------------------------------------------
# Circuits
# ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("backend", [QASM, STATEVECTOR, UNITARY])
@pytest.mark.parametrize("width", [50, 1000])
def test_too_many_qubits(backend, width):
    circuit = QuantumCircuit(width, name="giant")
    message = refuses(backend, circuit, '"giant"', f"{width} qubits", "needs .* available")
    assert f"at most {_memory.largest_circuit(unitary=backend is UNITARY)} qubits fit" in message


def test_what_is_needed_and_what_there_is(monkeypatch):
    monkeypatch.setattr(_memory, "available_bytes", lambda fresh=False: int(23.5 * 2**30))
    monkeypatch.setattr(threads, "cpu_count", lambda: 1)
    refuses(QASM, QuantumCircuit(32), r"needs 64\.0 GiB, 23\.5 GiB available", "30 qubits")
    refuses(UNITARY, QuantumCircuit(16), r"needs 64\.0 GiB, 23\.5 GiB available", "15 qubits")


@needs_terra
def test_too_many_for_a_configuration_of_ones_own():
    from basicaer import QasmSimulatorPy

    configuration = QasmSimulatorPy().configuration()
    configuration.n_qubits = 2
    backend = QasmSimulatorPy(configuration)
    refuses(backend, QuantumCircuit(3), "Number of qubits 3", r"maximum \(2\)")


def test_too_much_for_the_limit():
    refuses(QASM, QuantumCircuit(22, 1), "max_memory_mb", max_memory_mb=10)
    refuses(QASM, bell(), "max_memory_mb", max_memory_mb=0.001)


@pytest.mark.parametrize("backend", [QASM, STATEVECTOR, UNITARY])
def test_unbound_parameter(backend):
    circuit = QuantumCircuit(1, name="ansatz")
    circuit.rx(Parameter("theta"), 0)
    refuses(backend, circuit, "theta", "ansatz")


def test_neither_matrix_nor_definition():
    circuit = QuantumCircuit(1, name="odd")
    circuit.append(Gate("mystery", 1, []), [0])
    refuses(QASM, circuit, "mystery", "odd")


def test_a_definition_without_end():
    gate = Gate("endless", 1, [])
    inner = QuantumCircuit(1)
    inner.append(gate, [0])
    gate.definition = inner
    circuit = QuantumCircuit(1, name="odd")
    circuit.append(gate, [0])
    refuses(QASM, circuit, "endless", "odd")


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_parameters_that_are_no_numbers(value):
    circuit = QuantumCircuit(1, name="odd")
    circuit.rx(value, 0)
    refuses(QASM, circuit, "odd", "rx")


@pytest.mark.parametrize("name", ["measure", "reset"])
def test_what_has_no_unitary(name):
    circuit = QuantumCircuit(1, 1, name="odd")
    if name == "measure":
        circuit.measure(0, 0)
    else:
        circuit.reset(0)
    refuses(UNITARY, circuit, name, "odd")


@needs_conditions
def test_a_condition_on_a_bit_from_elsewhere():
    circuit = QuantumCircuit(1, 1, name="odd")
    gate = XGate().c_if(Clbit(), 1)
    circuit._data.append(type(QuantumCircuit(1, 1).x(0)[0])(gate, (circuit.qubits[0],), ()))
    refuses(QASM, circuit, "odd")


@pytest.mark.parametrize(
    "run_input",
    [
        None,
        5,
        "circuit",
        (bell(),),
        [bell(), "circuit"],
        [[bell()]],
        {bell().name: 1},
        QuantumCircuit,
    ],
    ids=lambda value: type(value).__name__,
)
@pytest.mark.parametrize("backend", [QASM, STATEVECTOR, UNITARY])
def test_non_circuits(backend, run_input):
    refuses(backend, run_input, "QuantumCircuit")


def test_which_of_a_list_is_no_circuit():
    refuses(QASM, [bell(), bell(), 5], "int at place 2")


@pytest.mark.parametrize("backend", [QASM, STATEVECTOR, UNITARY])
def test_an_empty_list(backend):
    refuses(backend, [], "list is empty")


@needs_qobj
def test_schedules():
    from qiskit import pulse
    from qiskit.compiler import assemble

    refuses(QASM, pulse.Schedule(), "Schedule")
    qobj = assemble(bell())
    qobj.experiments.clear()
    refuses(QASM, qobj, "empty")


# ----------------------------------------------------------------------------------------------
# Options
# ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shots", [0, -1, 2.5, 1.0, "7", math.nan, [5], np.float64(3)], ids=repr)
@pytest.mark.parametrize("backend", [QASM, STATEVECTOR, UNITARY])
def test_shots(backend, shots):
    refuses(backend, bell(backend is not UNITARY), "shots", "whole number", shots=shots)


@pytest.mark.parametrize("name", ["shots", "max_job_size", "max_shot_size"])
@pytest.mark.parametrize("value", [10**18 + 1, 2**63, 10**30])
def test_too_large_numbers(name, value):
    refuses(QASM, bell(), name, f"from 1 to {10**18}", str(value), **{name: value})


@pytest.mark.parametrize("shots", [10**15, 10**18])
def test_enormous_shots(shots):
    refuses(QASM, bell(), '"bell"', "needs", "available", "fewer shots", shots=shots)
    refuses(QASM, bell(), '"bell"', "needs", "available", shots=shots, memory=True)


@pytest.mark.parametrize("seed", [-1, 2**32, 1.5, "seed", [1, 2]], ids=repr)
def test_seeds(seed):
    refuses(QASM, bell(), "seed_simulator", "4294967295", seed_simulator=seed)


BAD_STATES = {
    "short": ([1, 0], "length"),
    "long": ([1, 0, 0, 0, 0, 0, 0, 0], "length"),
    "odd": ([1, 0, 0], "length"),
    "not_normalised": ([1, 1, 0, 0], "normalized"),
    "zero": ([0, 0, 0, 0], "normalized"),
    "nan": ([math.nan, 0, 0, 1], "NaN"),
    "infinite": ([math.inf, 0, 0, 0], "infinite"),
    "matrix": (np.eye(2) / math.sqrt(2), "shape"),
    "scalar": (1.0, "shape"),
    "words": (["a", "b", "c", "d"], "numbers"),
    "ragged": ([[1], [0, 0]], "numbers"),
    "beyond": (np.array([10**400, 0, 0, 0], dtype=object), "numbers"),
    "no_numbers": (np.array([1, None, 0, 0], dtype=object), "NaN"),
    "empty": ([], "normalized"),
}


@pytest.mark.parametrize("backend", [QASM, STATEVECTOR])
@pytest.mark.parametrize("bad", BAD_STATES)
def test_initial_statevector(backend, bad):
    value, word = BAD_STATES[bad]
    refuses(backend, bell(), "initial.statevector", word, initial_statevector=value)


BAD_UNITARIES = {
    "vector": ([1, 0, 0, 0], "square"),
    "not_square": (np.eye(4)[:2], "square"),
    "small": (np.eye(2), "length"),
    "large": (np.eye(8), "length"),
    "not_unitary": (np.ones((4, 4)), "not unitary"),
    "nan": (np.full((4, 4), math.nan), "NaN"),
    "words": ([["a", "b"], ["c", "d"]], "numbers"),
}


@pytest.mark.parametrize("bad", BAD_UNITARIES)
def test_initial_unitary(bad):
    value, word = BAD_UNITARIES[bad]
    refuses(UNITARY, bell(False), "initial.unitary", word, initial_unitary=value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("memory", "yes"),
        ("memory", 2),
        ("chop_threshold", -1),
        ("chop_threshold", math.nan),
        ("chop_threshold", 10**400),
        ("max_memory_mb", 10**400),
        ("chop_threshold", "small"),
        ("allow_sample_measuring", "no"),
        ("parameter_binds", {"theta": 1}),
        ("parameter_binds", [1]),
        ("parameter_binds", 1),
        ("seed_per_circuit", 5),
        ("max_parallel_threads", -1),
        ("max_parallel_threads", 1.5),
        ("precision", "half"),
        ("precision", 1),
        ("fusion", "on"),
        ("branching", 7),
        ("max_iterations", 0),
        ("max_iterations", 1.5),
        ("max_memory_mb", -1),
        ("max_memory_mb", math.inf),
        ("max_memory_mb", "all"),
        ("backend_options", 5),
        ("backend_options", ["shots"]),
    ],
)
def test_other_options(name, value):
    refuses(QASM, bell(), f"Option {name} must be", **{name: value})
    if name != "backend_options":
        with pytest.warns(UserWarning, match="Option backend_options"):
            refuses(QASM, bell(), f"Option {name} must be", backend_options={name: value})
        backend = type(QASM)()
        with pytest.raises(BasicAerError, match=name):
            backend.set_options(**{name: value})
        assert backend.options == type(QASM)().options
        # Set behind its back, it is found by the next run.
        backend.options[name] = value
        with pytest.raises(BasicAerError, match=name):
            backend.run(bell())


def test_an_unknown_option_is_only_a_warning():
    with pytest.warns(UserWarning, match="^Option foo is not used by this backend$"):
        assert QASM.run(bell(), foo=1).result().success


def test_unknown_backends():
    with pytest.raises(QiskitBackendNotFoundError, match=r"'foo'.*qasm_simulator"):
        BasicAer.get_backend("foo")


def test_the_second_circuit_of_a_list():
    circuit = QuantumCircuit(2, name="second")
    circuit.rx(Parameter("theta"), 0)
    refuses(QASM, [bell(), circuit], "second", "theta")
    wide = QuantumCircuit(3, name="second")
    refuses(QASM, [bell(), wide], "second", "length", initial_statevector=[1, 0, 0, 0])
