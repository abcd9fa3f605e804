"""Which Qiskit there is: what is taken, and what is said of all else."""

from __future__ import annotations

import importlib.metadata
import sys
import types
from pathlib import Path

import pytest
from processes import python

from basicaer._qiskit import versions

TERRA, QISKIT = "pip install 'qiskit-terra>=0.24,<0.47'", "pip install 'qiskit>=1.2,<3'"


@pytest.fixture
def installed(monkeypatch):
    """Makes it look as if these versions were installed, and nothing else of Qiskit."""

    def make(**found):
        found = {name.replace("_", "-"): version for name, version in found.items()}

        def version(name):
            if name not in found:
                raise importlib.metadata.PackageNotFoundError(name)
            return found[name]

        monkeypatch.setattr(importlib.metadata, "version", version)

    return make


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ({"qiskit_terra": "0.24.0"}, (True, (0, 24))),
        ({"qiskit_terra": "0.46.3"}, (True, (0, 46))),
        ({"qiskit_terra": "0.46.3", "qiskit": "0.46.3"}, (True, (0, 46))),
        ({"qiskit_terra": "0.24.2", "qiskit": "0.43.3"}, (True, (0, 24))),
        ({"qiskit": "1.2.0"}, (False, (1, 2))),
        ({"qiskit": "1.4.6"}, (False, (1, 4))),
        ({"qiskit": "2.0.0rc1"}, (False, (2, 0))),
        ({"qiskit": "2.10.0.dev0+abc"}, (False, (2, 10))),
    ],
)
def test_what_is_taken(installed, found, expected):
    installed(**found)
    assert versions.find_qiskit() == expected


@pytest.mark.parametrize(
    ("found", "words", "command"),
    [
        ({"qiskit_terra": "0.23.3"}, ["qiskit-terra 0.24 to 0.46", "0.23.3"], TERRA),
        ({"qiskit_terra": "0.9.0", "qiskit": "0.12.0"}, ["0.9.0"], TERRA),
        ({"qiskit_terra": "0.47.0"}, ["0.47.0"], TERRA),
        ({"qiskit": "1.1.2"}, ["qiskit 1.2 and later, below 3", "1.1.2"], QISKIT),
        ({"qiskit": "3.0.0"}, ["3.0.0"], QISKIT),
        (
            {"qiskit_terra": "0.46.3", "qiskit": "2.6.2"},
            ["qiskit-terra 0.46.3 and qiskit 2.6.2", "exclude"],
            f"pip uninstall --yes qiskit-terra qiskit && {QISKIT}",
        ),
    ],
)
def test_what_is_refused(installed, found, words, command):
    installed(**found)
    with pytest.raises(ImportError) as caught:
        versions.find_qiskit()
    message = str(caught.value)
    assert message.endswith(": " + command)
    assert all(word in message for word in words), message
    assert one_sentence(message)


def one_sentence(message):
    return "\n" not in message and ". " not in message


def test_without_qiskit(installed, monkeypatch):
    installed()
    monkeypatch.setitem(sys.modules, "qiskit", None)
    with pytest.raises(ImportError) as caught:
        versions.find_qiskit()
    message = str(caught.value)
    assert "not installed" in message and QISKIT in message and TERRA in message
    assert one_sentence(message)


def test_a_folder_left_behind_is_no_qiskit(installed, monkeypatch):
    installed()
    monkeypatch.setitem(sys.modules, "qiskit", types.ModuleType("qiskit"))
    with pytest.raises(ImportError, match="not installed"):
        versions.find_qiskit()


@pytest.mark.parametrize(
    ("version", "expected"), [("0.46.3", (True, (0, 46))), ("2.6.2", (False, (2, 6)))]
)
def test_without_metadata_the_version_is_asked_of_qiskit(installed, monkeypatch, version, expected):
    installed()
    module = types.ModuleType("qiskit")
    module.__version__ = version
    monkeypatch.setitem(sys.modules, "qiskit", module)
    assert versions.find_qiskit() == expected
    module.__version__ = "1.0.2"
    with pytest.raises(ImportError, match=r"1\.0\.2"):
        versions.find_qiskit()


# ----------------------------------------------------------------------------------------------
# The first use of a public name
# ----------------------------------------------------------------------------------------------

FAKE = """
import importlib.metadata, sys
found = {found!r}

def version(name, real=importlib.metadata.version):
    if name in ("qiskit", "qiskit-terra"):
        if name not in found:
            raise importlib.metadata.PackageNotFoundError(name)
        return found[name]
    return real(name)

importlib.metadata.version = version

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "qiskit":
            raise ImportError("Qiskit was imported, and failed first")

sys.meta_path.insert(0, Blocked())
import basicaer, basicaer._engine.execute
try:
    {use}
except ImportError as error:
    print(error)
"""


@pytest.mark.parametrize(
    "use",
    [
        "from basicaer import BasicAer",
        "basicaer.QasmSimulatorPy",
        "basicaer.patch_qiskit",
        "from basicaer.basic_provider import BasicSimulator",
        "import basicaer.basicaerprovider",
        "import basicaer.basicaertools",
        "import basicaer.primitives",
        "import basicaer.qasm_simulator",
        "import basicaer.exceptions",
    ],
)
def test_the_first_use_says_what_is_wrong(use):
    both = {"qiskit-terra": "0.46.3", "qiskit": "2.6.2"}
    for found, begin in (({}, "basicaer needs Qiskit"), (both, "basicaer cannot use Qiskit")):
        done = python("-c", FAKE.format(found=found, use=use))
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith(begin) and done.stdout.count("\n") == 1


def test_only_one_file_asks():
    wing = Path(versions.__file__).parent
    for path in [*wing.rglob("*.py"), *wing.rglob("*.pyx")]:
        text = path.read_text(encoding="utf-8")
        asks = "__version__" in text or "from importlib import metadata" in text
        assert asks == (path.name == "versions.py"), path


@pytest.mark.skipif(not versions.TERRA, reason="Qiskit 1 and later have basic_provider")
def test_terra_has_no_basic_provider():
    import basicaer

    module = basicaer.basic_provider
    for name in module.__all__:
        with pytest.raises(ImportError, match="BasicAer") as caught:
            getattr(module, name)
        assert "\n" not in str(caught.value)
    with pytest.raises(ImportError):
        from basicaer.basic_provider import BasicSimulator  # noqa: F401
    with pytest.raises(AttributeError):
        module.nothing  # noqa: B018
