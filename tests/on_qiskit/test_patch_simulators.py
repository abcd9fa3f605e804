"""`patch_qiskit()` on Qiskit 1 and 2: what runs on Qiskit's BasicSimulator runs on ours."""

import importlib.util

import processes
import pytest
from versions import NUMBER, skip_here
from versions import needs as needs_version

skip_here(needs_version((1, 0), "has a BasicAer to replace, and no backend runs on BasicSimulator"))

COMMON = """
import warnings
warnings.simplefilter("error")
warnings.filterwarnings("ignore", "Aer not found", RuntimeWarning)
import basicaer, basicaer.basic_provider as ours
from qiskit import QuantumCircuit
from qiskit.providers import basic_provider as theirs

NAMES = ("BasicProvider", "BasicProviderError", "BasicProviderJob", "BasicSimulator")
THEIRS = [getattr(theirs, name) for name in NAMES]


def circuit():
    made = QuantumCircuit(3)
    made.h(0)
    made.cx(0, 1)
    made.rx(0.7, 2)
    made.measure_all()
    return made


def memory(backend, **options):
    return backend.run(circuit(), shots=200, seed_simulator=4, memory=True, **options)


wanted = memory(THEIRS[3]()).result().get_memory()


def is_ours(job):
    assert type(job) is ours.BasicProviderJob and type(job.backend()) is ours.BasicSimulator, job
    return job.result().get_memory() == wanted
"""


def python(script, *before, path=None, monkeypatch=None):
    if path is not None:
        monkeypatch.setenv("PYTHONPATH", str(path), prepend=":")
    return processes.python(*before, "-c", COMMON + script + '\nprint("end")\n')


def test_the_names_of_basic_provider():
    done = python("""
with warnings.catch_warnings():
    # Qiskit 1 announces the end of its class of providers.
    warnings.simplefilter("ignore", DeprecationWarning)
    held = THEIRS[3](), THEIRS[0]().get_backend()
for _ in range(2):
    basicaer.patch_qiskit()
    for name in NAMES:
        assert getattr(theirs, name) is getattr(ours, name)
    from qiskit.providers.basic_provider.basic_provider import BasicProvider
    from qiskit.providers.basic_provider.basic_provider_job import BasicProviderJob
    from qiskit.providers.basic_provider.basic_simulator import BasicSimulator
    from qiskit.providers.basic_provider.exceptions import BasicProviderError
    assert [BasicProvider, BasicProviderError, BasicProviderJob, BasicSimulator] == [
        getattr(ours, name) for name in NAMES
    ]
    assert is_ours(memory(BasicProvider().get_backend("basic_simulator")))
    try:
        BasicSimulator().run(circuit(), initial_statevector=[1, 1])
    except BasicProviderError:
        pass
    # What is held already goes on as it was.
    for backend in (*held, THEIRS[3]()):
        assert type(backend) is THEIRS[3]
        job = memory(backend)
        assert type(job) is THEIRS[2] and job.result().get_memory() == wanted
    basicaer.unpatch_qiskit()
    assert [getattr(theirs, name) for name in NAMES] == THEIRS
    from qiskit.providers.basic_provider.basic_simulator import BasicSimulator
    assert BasicSimulator is THEIRS[3] and memory(BasicSimulator()).result().get_memory() == wanted
""")
    assert done.stdout == "end\n", done.stderr


PATCH = "basicaer.patch_qiskit()\n"


def patched(first, load, make):
    """The lines of a script that import and make a backend, and patch first, last or between."""
    return {
        "the patch": PATCH + load + make,
        "the import": load + PATCH + make,
        "the backend": load + make + PATCH,
    }[first]


@pytest.mark.parametrize("first", ["the patch", "the import", "the backend"])
def test_generic_backends(first):
    # Qiskit 1 announces what will go from its own modules.
    load = "warnings.filterwarnings('ignore', category=DeprecationWarning)\n"
    load += "from qiskit.providers.fake_provider import GenericBackendV2, generic_backend_v2\n"
    make = "backend = GenericBackendV2(5)\n"
    done = python(
        patched(first, load, make)
        + """
assert is_ours(memory(backend))
assert is_ours(memory(backend, max_parallel_threads=1))
from qiskit import execute
job = execute(circuit(), backend, shots=50)
assert type(job.backend()) is ours.BasicSimulator and sum(job.result().get_counts().values()) == 50
basicaer.unpatch_qiskit()
assert generic_backend_v2.BasicSimulator is THEIRS[3]
later = memory(GenericBackendV2(5))
assert type(later) is THEIRS[2] and later.result().get_memory() == wanted
"""
    )
    assert done.stdout == "end\n", done.stderr


@pytest.mark.skipif(NUMBER >= (2, 0), reason="Qiskit from 2.0 on has no fake backends of its own")
def test_fake_backends_of_qiskit():
    done = python("""
warnings.filterwarnings("ignore", category=DeprecationWarning)
warnings.filterwarnings("ignore", "Aer not found", RuntimeWarning)
basicaer.patch_qiskit()
from qiskit.providers.fake_provider import Fake5QV1
assert is_ours(memory(Fake5QV1()))
""")
    assert done.stdout == "end\n", done.stderr


HOLDER = """
from qiskit.providers.basic_provider import BasicSimulator

class FakeBackendV2:
    def run(self, circuits, **options):
        return BasicSimulator().run(circuits, **options)
"""
LOAD = "from qiskit_ibm_runtime.fake_provider import fake_backend\n"


@pytest.mark.parametrize("first", ["the patch", "the import"])
def test_a_module_like_that_of_ibm_runtime(first, tmp_path, monkeypatch):
    """Where it is not installed, a package of the same names takes its place."""
    folder = tmp_path / "qiskit_ibm_runtime" / "fake_provider"
    folder.mkdir(parents=True)
    for place in (folder, folder.parent):
        (place / "__init__.py").write_text("")
    (folder / "fake_backend.py").write_text(HOLDER)
    script = (
        (PATCH + LOAD if first == "the patch" else LOAD + PATCH)
        + """
assert is_ours(memory(fake_backend.FakeBackendV2()))
basicaer.unpatch_qiskit()
assert fake_backend.BasicSimulator is THEIRS[3]
"""
    )
    done = python(script, path=tmp_path, monkeypatch=monkeypatch)
    assert done.stdout == "end\n", done.stderr


@pytest.mark.skipif(
    importlib.util.find_spec("qiskit_ibm_runtime") is None,
    reason="qiskit-ibm-runtime is not installed",
)
@pytest.mark.parametrize("first", ["the patch", "the import", "the backend"])
def test_fake_backends_of_ibm_runtime(first):
    load = "from qiskit_ibm_runtime.fake_provider import FakeManilaV2, fake_backend\n"
    make = "backend = FakeManilaV2()\n"
    done = python(
        "warnings.simplefilter('ignore')\n"
        + patched(first, load, make)
        + """
assert is_ours(memory(backend))
basicaer.unpatch_qiskit()
assert fake_backend.BasicSimulator is THEIRS[3]
job = memory(FakeManilaV2())
assert type(job) is THEIRS[2] and job.result().get_memory() == wanted
"""
    )
    assert done.stdout == "end\n", done.stderr
