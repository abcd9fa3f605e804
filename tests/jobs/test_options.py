"""The table of options, and which of the values that one run is given counts."""

import warnings
from pathlib import Path

import numpy as np
import pytest
from qiskit import QuantumCircuit

from basicaer import BasicAer, QasmSimulatorPy, UnitarySimulatorPy
from basicaer._engine.errors import EngineError
from basicaer._jobs import options as _options
from basicaer._jobs import run
from basicaer._qiskit import simulator

KINDS = (_options.QASM, _options.STATEVECTOR, _options.UNITARY)


def resolve(kind=_options.QASM, settings=None, **arguments):
    return _options.resolve(kind, settings or {}, arguments, stacklevel=1)


@pytest.fixture
def circuit():
    circuit = QuantumCircuit(2, 2)
    circuit.h(0)
    circuit.measure([0, 1], [0, 1])
    return circuit


@pytest.fixture
def tasks(monkeypatch):
    """The tasks that reach the execution."""
    seen = []
    execute = run.execute

    def spy(task, control):
        seen.append(task)
        return execute(task, control)

    monkeypatch.setattr(run, "execute", spy)
    return seen


# ----------------------------------------------------------------------------------------------
# The table
# ----------------------------------------------------------------------------------------------


def test_rows():
    names = [option.name for option in _options.TABLE]
    assert len(set(names)) == len(names)
    for option in _options.TABLE:
        assert option.backends and option.backends <= set(KINDS)
        assert option.doc.endswith(".")
        if option.default is not None:
            assert option.check(option.name, option.default) is not None


@pytest.mark.parametrize("kind", KINDS)
def test_defaults_are_the_options_of_the_backend(kind):
    backend = next(each for each in BasicAer.backends() if kind == each.KIND)
    assert dict(backend._default_options().items()) == _options.defaults(kind)
    assert set(_options.of_backend(kind)) == set(_options.defaults(kind))


def test_every_option_is_used():
    folder = Path(simulator.__file__).parent
    names = ("simulator.py", "prepare.py", "request.py")
    source = "".join([(folder / name).read_text(encoding="utf-8") for name in names])
    for option in _options.TABLE:
        if option.name not in ("allow_sample_measuring", "initial_unitary"):
            assert f'"{option.name}"' in source, option.name


# ----------------------------------------------------------------------------------------------
# Which value counts
# ----------------------------------------------------------------------------------------------


def test_argument_before_setting_before_default():
    assert resolve()["shots"] == 1024
    assert resolve(settings={"shots": 5})["shots"] == 5
    assert resolve(settings={"shots": 5}, shots=7)["shots"] == 7
    assert resolve(settings={"shots": 5}, shots=None)["shots"] == 5
    assert resolve(settings={"shots": None}, shots=None)["shots"] == 1024


def test_legacy_dict():
    with pytest.warns(UserWarning, match="backend_options"):
        values = resolve(backend_options={"shots": 5, "memory": True, "chop_threshold": 0.1})
    assert (values["shots"], values["memory"], values["chop_threshold"]) == (5, True, 0.1)
    with pytest.warns(UserWarning):
        values = resolve(
            shots=7, chop_threshold=0.3, backend_options={"shots": 5, "chop_threshold": 0.1}
        )
    assert values["shots"] == 7
    assert values["chop_threshold"] == 0.1  # as in terra
    with pytest.warns(UserWarning):
        values = resolve(chop_threshold=0.3, backend_options={"chop_threshold": None})
    assert values["chop_threshold"] == 0.3


def test_unknown_names_in_the_legacy_dict_warn():
    with pytest.warns(UserWarning) as caught:
        resolve(backend_options={"foo": 1})
    assert [str(entry.message) for entry in caught] == [
        "Option backend_options is not used by this backend",
        "Option foo is not used by this backend",
    ]


def test_names_that_mappings_have_are_unknown_too():
    with pytest.warns(UserWarning, match="Option items"):
        resolve(items=1)


def test_values_are_normalised():
    values = resolve(shots=np.int32(5), seed_simulator=np.uint64(3), memory=np.bool_(True))
    assert [type(values[key]) for key in ("shots", "seed_simulator", "memory")] == [int, int, bool]
    assert resolve(max_memory_mb=1.5)["max_memory_mb"] == 3 << 19


def test_arrays_are_copied():
    given = np.array([1, 0], dtype=complex)
    kept = resolve(initial_statevector=given)["initial_statevector"]
    given[0] = 0
    assert kept[0] == 1
    given = np.eye(2)
    kept = resolve(_options.UNITARY, initial_unitary=given)["initial_unitary"]
    given[0] = 0
    assert kept[0, 0] == 1


def test_a_large_unitary_is_checked_in_blocks():
    size = 600
    matrix = np.linalg.qr(np.random.default_rng(0).normal(size=(size, size)))[0]
    assert _options.check(_options.UNITARY, "initial_unitary", matrix).shape == (size, size)
    matrix[599] = matrix[300]
    with pytest.raises(EngineError, match="not unitary"):
        _options.check(_options.UNITARY, "initial_unitary", matrix)


# ----------------------------------------------------------------------------------------------
# On their way
# ----------------------------------------------------------------------------------------------


def test_options_reach_the_execution(circuit, tasks):
    backend = QasmSimulatorPy()
    backend.run(
        circuit,
        shots=11,
        seed_simulator=12,
        precision="single",
        fusion=False,
        branching=False,
        max_iterations=13,
        max_memory_mb=14,
        max_parallel_threads=3,
    ).result()
    (task,) = tasks
    assert (task.output, task.shots, task.seed, task.precision) == ("counts", 11, 12, "single")
    assert (task.fusion, task.branching, task.max_iterations) == (False, False, 13)
    assert (task.threads, task.allow_sampling) == (3, True)
    assert task.allowance.base <= task.allowance.need <= 14 << 20
    assert task.initial is None


def test_settings_reach_the_execution(circuit, tasks):
    backend = QasmSimulatorPy(shots=3)
    backend.set_options(seed_simulator=7, memory=True, max_parallel_threads=1)
    result = backend.run(circuit).result()
    assert len(result.get_memory()) == 3 and result.results[0].seed_simulator == 7
    assert (tasks[0].shots, tasks[0].seed, tasks[0].threads) == (3, 7, 1)
    assert backend.run(circuit, shots=4).result().results[0].shots == 4


def test_parameter_binds_as_a_setting():
    from qiskit.circuit import Parameter

    theta = Parameter("theta")
    circuit = QuantumCircuit(1)
    circuit.p(theta, 0)
    backend = UnitarySimulatorPy(parameter_binds=[{theta: 0.5}, {theta: 1.5}])
    result = backend.run(circuit).result()
    for index, angle in enumerate((0.5, 1.5)):
        assert np.allclose(result.get_unitary(index), np.diag([1, np.exp(1j * angle)]))


def test_a_stream_for_each_circuit(circuit):
    backend = BasicAer.get_backend("qasm_simulator")
    options = {"seed_simulator": 5, "memory": True, "shots": 64}
    together = backend.run([circuit] * 3, seed_per_circuit=True, **options).result()
    memories = [tuple(together.get_memory(index)) for index in range(3)]
    assert len(set(memories)) == 3
    again = backend.run([circuit] * 3, seed_per_circuit=True, **options).result()
    assert [tuple(again.get_memory(index)) for index in range(3)] == memories
    # The result says how to have one of them alone.
    seed = together.results[1].seed_simulator
    alone = backend.run(circuit, **{**options, "seed_simulator": seed}).result()
    assert tuple(alone.get_memory()) == memories[1]


def test_no_warning_from_what_is_known(circuit):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for backend in BasicAer.backends():
            plain = circuit.remove_final_measurements(inplace=False)
            values = {
                name: value
                for name, value in _options.defaults(backend.KIND).items()
                if value is not None
            }
            backend.run(plain, **values).result()
