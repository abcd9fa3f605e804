"""Code that knows only Qiskit's names, on this package."""

import multiprocessing
import pkgutil
import textwrap

import processes
import pytest
from versions import needs, needs_terra

from basicaer._qiskit.patching import patch
from basicaer._qiskit.versions import TERRA, reference

SCRIPT = """
import sys
from qiskit import BasicAer, QuantumCircuit, transpile
from qiskit.providers.basicaer import QasmSimulatorPy, BasicAerError
from qiskit.providers.basicaer.basicaertools import cx_gate_matrix

if __name__ == "__main__":
    backend = BasicAer.get_backend("qasm_simulator")
    circuit = QuantumCircuit(2, 2)
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.measure([0, 1], [0, 1])
    job = backend.run(transpile(circuit, backend), shots=100, seed_simulator=5)
    print(type(job).__module__, sorted(job.result().get_counts()))
    print(QasmSimulatorPy.__module__, BasicAerError.__module__, cx_gate_matrix.__module__)
    print(sys.argv[1:], sys.argv[0].endswith(("program.py", "program")), __name__)
    import beside
    sys.exit(3)
"""
EXPECTED = """\
beside
basicaer.basicaerjob ['00', '11']
basicaer.qasm_simulator basicaer.exceptions basicaer.basicaertools
['a', '-b'] True __main__
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "program.py").write_text(SCRIPT.replace("import sys\n", "import sys, beside\n", 1))
    (tmp_path / "beside.py").write_text("print('beside')\n")
    package = tmp_path / "package"
    package.mkdir()
    (package / "__init__.py").write_text("")
    return tmp_path


needs_patched = needs((1, 0), "has BasicAer and execute of its own")


def python(*arguments, cwd):
    return processes.python("-W", "error::DeprecationWarning:__main__", *arguments, cwd=cwd)


def test_a_script(folder, tmp_path):
    done = python("-m", "basicaer", str(folder / "program.py"), "a", "-b", cwd="/")
    assert (done.stdout, done.returncode) == (EXPECTED, 3), done.stderr


def test_a_module(folder):
    done = python("-m", "basicaer", "-m", "program", "a", "-b", cwd=folder)
    assert (done.stdout, done.returncode) == (EXPECTED, 3), done.stderr


SPAWNING = """
import multiprocessing, sys
from concurrent.futures import ProcessPoolExecutor
from qiskit.providers.basicaer import QasmSimulatorPy

def told():
    return QasmSimulatorPy.__module__, sys.argv[1:]

if __name__ == "__main__":
    context = multiprocessing.get_context("METHOD")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        print(*pool.submit(told).result(60))
"""


@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
@pytest.mark.parametrize("form", ["script", "module", "module in a package", "patch_qiskit"])
def test_processes_that_it_starts_are_patched_too(folder, method, form):
    text = SPAWNING.replace("METHOD", method)
    if form == "patch_qiskit":
        text = "import basicaer\nbasicaer.patch_qiskit()\n" + text
    if form == "module in a package":
        text = text.replace("import multiprocessing", "from . import name\nimport multiprocessing")
        (folder / "package" / "name.py").write_text("")
        (folder / "package" / "program.py").write_text(text)
    else:
        (folder / "program.py").write_text(text)
    start = {
        "script": ["-m", "basicaer", "program.py"],
        "module": ["-m", "basicaer", "-m", "program"],
        "module in a package": [
            "-W",
            "error::ImportWarning",
            "-m",
            "basicaer",
            "-m",
            "package.program",
        ],
        "patch_qiskit": ["program.py"],
    }[form]
    done = python(*start, "a", cwd=folder)
    assert done.stdout == "basicaer.qasm_simulator ['a']\n", done.stderr


@pytest.mark.parametrize("arguments", [["-m", "package"], ["package"]], ids=str)
def test_the_main_module_of_a_package_and_of_a_folder(folder, arguments):
    (folder / "package" / "__main__.py").write_text(SCRIPT.replace("import beside", ""))
    done = python("-m", "basicaer", *arguments, "a", "-b", cwd=folder)
    assert done.returncode == 3, done.stderr
    assert "basicaer.basicaerjob ['00', '11']" in done.stdout


def test_errors_show_the_script(folder):
    (folder / "wrong.py").write_text("1 / 0\n")
    done = python("-m", "basicaer", "wrong.py", cwd=folder)
    assert done.returncode == 1 and "ZeroDivisionError" in done.stderr
    done = python("-m", "basicaer", "missing.py", cwd=folder)
    assert done.returncode == 1 and "missing.py" in done.stderr


@pytest.mark.parametrize("arguments", [[], ["-x"], ["-m"]], ids=str)
def test_usage(arguments, folder):
    done = python("-m", "basicaer", *arguments, cwd=folder)
    assert done.returncode == 2 and "usage" in done.stderr
    done = python("-m", "basicaer", "--help", cwd=folder)
    assert done.returncode == 0 and "usage" in done.stdout


@needs_terra
def test_patch_and_unpatch(folder):
    script = textwrap.dedent(
        """
        import warnings
        warnings.simplefilter("ignore")
        import qiskit, sys
        import qiskit.opflow.expectations.expectation_factory as factory
        import qiskit.providers.basicaer as terra
        from qiskit.providers.basicaer import qasm_simulator
        before = (
            terra.BasicAer, terra.QasmSimulatorPy, factory.BasicAer, "BasicAer" in vars(qiskit)
        )
        names = dict(vars(terra))
        import basicaer
        assert terra.BasicAer is before[0]
        for _ in range(2):
            basicaer.patch_qiskit()
            basicaer.patch_qiskit()
            assert qiskit.BasicAer is terra.BasicAer is factory.BasicAer is basicaer.BasicAer
            assert terra.QasmSimulatorPy is qasm_simulator.QasmSimulatorPy
            assert terra.QasmSimulatorPy is basicaer.QasmSimulatorPy
            assert isinstance(basicaer.BasicAer, terra.BasicAerProvider)
            try:
                terra.BasicAer.get_backend("qasm_simulator").run([])
            except terra.BasicAerError:
                pass
            basicaer.unpatch_qiskit()
            basicaer.unpatch_qiskit()
            assert before == (
                terra.BasicAer, terra.QasmSimulatorPy, factory.BasicAer, "BasicAer" in vars(qiskit)
            )
            assert vars(terra) == names
            assert qiskit.BasicAer is terra.BasicAer
            assert qasm_simulator.QasmSimulatorPy is terra.QasmSimulatorPy
        print("end")
        """
    )
    done = python("-c", script, cwd=folder)
    assert done.stdout == "end\n", done.stderr


@needs_terra
def test_objects_of_terra_that_are_held_stay_as_they_are(folder):
    script = textwrap.dedent(
        """
        import warnings
        warnings.simplefilter("ignore")
        from qiskit import BasicAer, QuantumCircuit
        from qiskit.providers.basicaer import BasicAerError, BasicAerJob, BasicAerProvider
        import basicaer
        basicaer.patch_qiskit()
        for backend in (*BasicAer.backends(), *BasicAerProvider().backends()):
            assert type(backend).__module__.startswith("qiskit."), backend
            job = backend.run(QuantumCircuit(1))
            assert type(job) is BasicAerJob and job.result().success
            try:
                backend.run(QuantumCircuit(1), initial_statevector=[1, 1], initial_unitary=[1, 1])
            except BasicAerError as error:
                assert type(error) is BasicAerError
        print("end")
        """
    )
    done = python("-c", script, cwd=folder)
    assert done.stdout == "end\n", done.stderr


BROUGHT_BACK = """
import sys, warnings
warnings.simplefilter("error")
import qiskit
import basicaer
before, names = (dict(vars(qiskit)), dict(vars(qiskit.providers))), list(qiskit.__all__)


def missing(text):
    try:
        exec(text, {})
    except ImportError as error:
        return str(error)
    raise AssertionError(text)


for _ in range(2):
    assert "BasicAer" in missing("from qiskit import BasicAer")
    assert "execute" in missing("from qiskit import execute")
    missing("import qiskit.providers.basicaer")
    missing("import qiskit.execute_function")

    basicaer.patch_qiskit()
    basicaer.patch_qiskit()
    from qiskit import BasicAer, execute
    from qiskit.execute_function import execute as same
    assert BasicAer is basicaer.BasicAer and same is execute
    space = {}
    exec("from qiskit import *", space)
    assert space["BasicAer"] is BasicAer and space["execute"] is execute
    assert space["QuantumCircuit"] is qiskit.QuantumCircuit

    import qiskit.providers.basicaer as old
    from qiskit.providers import basicaer as twin
    assert twin is old
    for name in (
        "BasicAer", "BasicAerError", "BasicAerJob", "BasicAerProvider", "QasmSimulatorPy",
        "StatevectorSimulatorPy", "UnitarySimulatorPy",
    ):
        assert getattr(old, name) is getattr(basicaer, name), name
    import qiskit.providers.basicaer.basicaerjob, qiskit.providers.basicaer.exceptions
    assert old.basicaerjob.BasicAerJob is basicaer.BasicAerJob
    assert old.exceptions.BasicAerError is basicaer.BasicAerError
    from qiskit.providers.basicaer.basicaerprovider import BasicAerProvider
    from qiskit.providers.basicaer.basicaertools import (
        SINGLE_QUBIT_GATES, cx_gate_matrix, einsum_matmul_index, einsum_vecmul_index,
        single_gate_matrix,
    )
    from qiskit.providers.basicaer.qasm_simulator import QasmSimulatorPy
    from qiskit.providers.basicaer.statevector_simulator import StatevectorSimulatorPy
    from qiskit.providers.basicaer.unitary_simulator import UnitarySimulatorPy
    assert type(BasicAer) is BasicAerProvider
    assert [type(each) for each in BasicAer.backends()] == [
        QasmSimulatorPy, StatevectorSimulatorPy, UnitarySimulatorPy
    ]
    import importlib.util
    assert importlib.util.find_spec("qiskit.providers.basicaer.basicaertools") is not None

    # What is not brought back is Qiskit's and Python's own error.
    assert "cannot import name 'Aer' from 'qiskit'" in missing("from qiskit import Aer")
    assert "cannot import name 'IBMQ' from 'qiskit'" in missing("from qiskit import IBMQ")
    assert "basicaer.nothing" in missing("import qiskit.providers.basicaer.nothing")
    assert "'Nothing'" in missing("from qiskit.providers.basicaer import Nothing")
    missing("import qiskit.opflow")

    basicaer.unpatch_qiskit()
    basicaer.unpatch_qiskit()
    for space, module in zip(before, (qiskit, qiskit.providers)):
        assert {name: getattr(module, name) for name in space} == space
        assert not {"BasicAer", "basicaer", "execute", "execute_function"} & set(vars(module))
    assert qiskit.__all__ == names
    assert not [
        name for name in sys.modules
        if name.startswith(("qiskit.providers.basicaer", "qiskit.execute_function"))
    ]
print("end")
"""


@needs_patched
def test_what_is_brought_back(folder):
    done = python("-c", BROUGHT_BACK, cwd=folder)
    assert done.stdout == "end\n", done.stderr


def test_there_are_all_modules_of_terra():
    """Beside what is expected, compares the table with terra, where that is installed."""
    places = {row.place for row in patch._OLD}
    leaves = {place.rpartition(".")[2] for place in places if "basicaer." in place}
    assert leaves == {
        "basicaerjob",
        "basicaerprovider",
        "basicaertools",
        "exceptions",
        "qasm_simulator",
        "statevector_simulator",
        "unitary_simulator",
    }
    if TERRA:
        found = {module.name for module in pkgutil.iter_modules(reference.__path__)}
        assert leaves == found
