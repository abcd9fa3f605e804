"""The provider, the public names, and what terra's own code asks of them."""

import copy
import importlib
import inspect
import logging
import pickle
import shutil
import warnings
from pathlib import Path

import numpy as np
import pytest
from processes import python
from qiskit import QuantumCircuit
from qiskit.exceptions import QiskitError
from qiskit.providers.exceptions import QiskitBackendNotFoundError
from versions import needs_terra

import basicaer
from basicaer import BasicAer, BasicAerProvider, QasmSimulatorPy, UnitarySimulatorPy, basicaertools
from basicaer._engine import memory
from basicaer._qiskit.versions import reference

PACKAGE = Path(basicaer.__file__).parent
NAMES = ("qasm_simulator", "statevector_simulator", "unitary_simulator")


def test_a_source_tree_that_is_not_built_says_so(tmp_path):
    built = shutil.ignore_patterns("*.so", "*.pyd", "__pycache__")
    shutil.copytree(PACKAGE, tmp_path / "basicaer", ignore=built)
    done = python("-S", "-c", f"import sys; sys.path[0] = {str(tmp_path)!r}; import basicaer")
    assert done.returncode and "ImportError: the compiled parts of basicaer" in done.stderr
    assert str(tmp_path) in done.stderr


@needs_terra
def test_public_names():
    for name in reference.__dict__:
        if name.startswith("BasicAer") or name.endswith("SimulatorPy"):
            assert name in basicaer.__all__ and hasattr(basicaer, name)
    assert basicaer.__version__ == "0.1.0"
    for module in (
        "basicaerjob",
        "basicaerprovider",
        "basicaertools",
        "exceptions",
        "qasm_simulator",
        "statevector_simulator",
        "unitary_simulator",
    ):
        ours = importlib.import_module(f"basicaer.{module}")
        theirs = importlib.import_module(f"qiskit.providers.basicaer.{module}")
        for name, value in vars(theirs).items():
            if getattr(value, "__module__", None) == theirs.__name__ and not name.startswith("_"):
                assert hasattr(ours, name), f"{module}.{name}"


def provider_of(backend):
    return backend.provider() if callable(backend.provider) else backend.provider


@pytest.mark.parametrize("name", NAMES)
def test_the_same_instance_each_time(name):
    backend = BasicAer.get_backend(name)
    assert backend is BasicAer.get_backend(name) is BasicAer.backends(name)[0]
    assert provider_of(backend) is BasicAer
    assert backend.name() == name
    assert BasicAerProvider().get_backend(name) is not backend


@pytest.mark.parametrize("old", BasicAer._deprecated_backend_names())
def test_old_names(old, caplog):
    if reference is None:
        expected = old.replace("local_", "").replace("_py", "")
        with caplog.at_level(logging.WARNING):
            assert BasicAer.get_backend(old).name() == expected
        (record,) = caplog.records
        assert record.getMessage() == f"Backend '{old}' is deprecated. Use '{expected}'."
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        terra = reference.BasicAerProvider()
    assert BasicAer._deprecated_backend_names() == terra._deprecated_backend_names()
    with caplog.at_level(logging.WARNING):
        expected = terra.get_backend(old).name()
        messages = [record.getMessage() for record in caplog.records]
        caplog.clear()
        assert BasicAer.get_backend(old).name() == expected
        assert [record.getMessage() for record in caplog.records] == messages
    assert [backend.name() for backend in BasicAer.backends(old)] == [expected]


def test_backends():
    assert [backend.name() for backend in BasicAer.backends()] == list(NAMES)
    assert BasicAer.backends("foo") == []
    assert len(BasicAer.backends(filters=lambda backend: backend.name().startswith("s"))) == 1
    assert BasicAer.get_backend(backend_version="2.1.0").name() == "qasm_simulator"
    width = BasicAer.get_backend(NAMES[0]).configuration().n_qubits
    assert BasicAer.get_backend(NAMES[0], n_qubits=width).name() == NAMES[0]
    assert BasicAer.backends(n_qubits=width + 1) == []
    assert len(BasicAer.backends(conditional=True)) == 2
    assert BasicAer.backends(simulator=False) == []
    assert len(BasicAer.backends(operational=True)) == 3
    assert len(BasicAer.backends("qasm_simulator", local=True)) == 1
    assert BasicAer.get_backend(conditional=False).name() == "unitary_simulator"


def test_errors():
    with pytest.raises(QiskitBackendNotFoundError, match="'foo' backend is not installed"):
        BasicAer.get_backend("foo")
    with pytest.raises(QiskitBackendNotFoundError, match="More than one"):
        BasicAer.get_backend()
    with pytest.raises(QiskitBackendNotFoundError, match="No backend matches"):
        BasicAer.get_backend("qasm_simulator", backend_version="no such")


def test_str_and_equality():
    assert str(BasicAer) == "BasicAer"
    assert BasicAer == BasicAerProvider()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert reference is None or BasicAer == reference.BasicAerProvider()


@needs_terra
def test_what_real_code_asks():
    assert isinstance(BasicAer, reference.BasicAerProvider)
    for ours, name in zip(BasicAer.backends(), NAMES):
        assert isinstance(ours.provider(), reference.BasicAerProvider)
        assert isinstance(ours, type(reference.BasicAer.get_backend(name)))
    assert not isinstance(BasicAer.get_backend(NAMES[2]), reference.QasmSimulatorPy)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from qiskit.utils import backend_utils

        for backend in BasicAer.backends():
            assert backend_utils.is_basicaer_provider(backend)
            assert backend_utils.is_simulator_backend(backend)
            assert backend_utils.is_local_backend(backend)
            assert backend_utils.support_backend_options(backend)
            assert not backend_utils.is_aer_provider(backend)
        assert backend_utils.is_statevector_backend(BasicAer.get_backend(NAMES[1]))


def test_except_on_qiskits_error_catches_ours():
    known = QiskitError if reference is None else reference.BasicAerError
    with pytest.raises(known) as caught:
        BasicAer.get_backend(NAMES[0]).run([])
    error = caught.value
    assert isinstance(error, basicaer.BasicAerError)
    assert str(error) == repr(error.message)
    twin = pickle.loads(pickle.dumps(error))
    assert type(twin) is type(error) and twin.message == error.message
    assert basicaer.BasicAerError("two", "parts").message == "two parts"


@pytest.mark.parametrize("name", NAMES)
def test_backends_pickle_and_copy(name):
    backend = type(BasicAer.get_backend(name))(provider=BasicAer)
    backend.set_options(chop_threshold=0.25)
    for twin in (pickle.loads(pickle.dumps(backend)), copy.deepcopy(backend), copy.copy(backend)):
        assert twin.name() == name
        assert twin.options == backend.options and twin.options.chop_threshold == 0.25
        if reference is None:
            assert twin.target.operation_names == backend.target.operation_names
        else:
            assert twin.configuration().basis_gates == backend.configuration().basis_gates
        assert provider_of(twin) == BasicAer
        assert twin.run(QuantumCircuit(1)).result().success
    provider = pickle.loads(pickle.dumps(BasicAer))
    assert provider_of(provider.get_backend(name)) is provider


@needs_terra
def test_a_configuration_of_ones_own():
    configuration = BasicAer.get_backend(NAMES[0]).configuration().to_dict()
    configuration.update(n_qubits=3, backend_name="mine")
    from qiskit.providers.models import QasmBackendConfiguration

    backend = basicaer.QasmSimulatorPy(QasmBackendConfiguration.from_dict(configuration))
    assert backend.name() == "mine" and backend.configuration().n_qubits == 3
    result = backend.run(QuantumCircuit(3, 1)).result()
    assert result.backend_name == "mine"


def test_the_number_of_qubits_is_what_the_memory_holds_until_it_is_set(monkeypatch):
    space = [1 << 30]
    monkeypatch.setattr(memory, "available_bytes", lambda fresh=False: space[0])
    for backend, width in ((QasmSimulatorPy(), 25), (UnitarySimulatorPy(), 12)):
        space[0] = 1 << 30
        configuration = backend.configuration()
        assert configuration.n_qubits == configuration.num_qubits == width
        space[0] = 1 << 34
        assert backend.configuration() is configuration
        assert configuration.n_qubits == configuration.to_dict()["n_qubits"] > width
        for twin in (copy.deepcopy(configuration), pickle.loads(pickle.dumps(configuration))):
            assert twin == configuration
        configuration.n_qubits = most = configuration.n_qubits  # somebody says the same: it is set
        space[0] = 1 << 36
        assert backend.configuration().n_qubits == most
        with pytest.raises(basicaer.BasicAerError, match=rf"maximum \({most}\)"):
            backend.run(QuantumCircuit(most + 1))
        for wrong in (0, -1, 2.5, "5"):
            with pytest.raises(basicaer.BasicAerError, match="n_qubits must be a whole number"):
                configuration.n_qubits = wrong
        assert configuration.n_qubits == most
        configuration.n_qubits = None
        assert configuration.n_qubits > most


@needs_terra
def test_no_deprecation_warning_anywhere():
    script = """
import warnings
import qiskit
warnings.simplefilter("error", DeprecationWarning)
import basicaer, basicaer.basicaertools
from qiskit import QuantumCircuit, transpile
circuit = QuantumCircuit(2, 2)
circuit.h(0)
circuit.measure(0, 0)
circuit.x(1).c_if(0, 1)
for backend in basicaer.BasicAer.backends():
    if backend.name() != "unitary_simulator":
        backend.run(transpile(circuit, backend)).result().get_counts()
    backend.run(QuantumCircuit(1), chop_threshold=0.1).result()
basicaer.BasicAerProvider(), basicaer.QasmSimulatorPy(), basicaer.BasicAerError("text")
basicaer.BasicAerJob(None, "id", None)
basicaer.basicaertools.single_gate_matrix("h")
basicaer.patch_qiskit()
from qiskit import BasicAer
from qiskit.providers.basicaer import QasmSimulatorPy
QasmSimulatorPy()
basicaer.unpatch_qiskit()
warnings.warn("mine", UserWarning)
try:
    warnings.warn("mine", DeprecationWarning)
except DeprecationWarning:
    print("raised")
"""
    done = python("-c", script)
    assert done.stdout == "raised\n", done.stderr


# ----------------------------------------------------------------------------------------------
# basicaertools
# ----------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@needs_terra
def test_tools():
    theirs = reference.basicaertools
    if "u" not in theirs.SINGLE_QUBIT_GATES:
        pytest.skip("an older BasicAer")
    assert basicaertools.SINGLE_QUBIT_GATES == theirs.SINGLE_QUBIT_GATES
    assert np.array_equal(basicaertools.cx_gate_matrix(), theirs.cx_gate_matrix())
    params = {"U": 3, "u": 3, "u3": 3, "u2": 2, "u1": 1, "p": 1, "rz": 1}
    for name in (*basicaertools.SINGLE_QUBIT_GATES, "id"):
        given = [0.1, 0.2, 0.3][: params.get(name, 0)]
        found = basicaertools.single_gate_matrix(name, given or None)
        assert np.array_equal(found, theirs.single_gate_matrix(name, given or None))
    for gate, width in (([0], 1), ([2], 5), ([3, 1], 4), ([0, 4, 2], 6), ([0, 1], 24)):
        for function in ("einsum_matmul_index", "einsum_vecmul_index"):
            expected = getattr(theirs, function)(gate, width)
            assert getattr(basicaertools, function)(gate, width) == expected
    for module in (basicaertools, theirs):
        with pytest.raises(QiskitError):
            module.single_gate_matrix("cx")
        with pytest.raises(QiskitError):
            module.einsum_vecmul_index([0, 1], 25)


def test_everything_public_has_a_docstring():
    for name in basicaer.__all__:
        value = getattr(basicaer, name)
        assert inspect.getdoc(value)
