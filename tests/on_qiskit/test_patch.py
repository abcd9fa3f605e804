"""Code that knows only Qiskit's names, on this package."""

import multiprocessing
import textwrap

import processes
import pytest
from versions import needs_terra

pytestmark = needs_terra

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
