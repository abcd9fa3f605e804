"""Which modules may know of which."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import basicaer

FOLDER = Path(basicaer.__file__).parent
# Modules of the package that have Qiskit's objects in their hands.
QISKITS = {"_backend", "_binding", "_lowering", "_qobj", "_request", "_result", "_terra"}


def imported(module):
    """The modules that a module imports, those of the package without its name."""
    found = set()
    for node in ast.walk(ast.parse((FOLDER / f"{module}.py").read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            path = node.module or ""
            if node.level or path.split(".")[0] == "basicaer":
                path = path.removeprefix("basicaer").lstrip(".")
                found.update([path] if path else [alias.name for alias in node.names])
            else:
                found.add(path)
    return found


@pytest.mark.parametrize(
    "module",
    ["_control", "_distribution", "_fork", "_options", "_progress", "_queue", "_running"]
    + ["_threads", "_tracebacks"],
)
def test_jobs_know_nothing_of_qiskit(module):
    found = imported(module)
    assert not {name for name in found if name.split(".")[0] == "qiskit"}
    assert not found & QISKITS


def test_threads_know_nothing_of_jobs():
    ours = {name for name in imported("_threads") if (FOLDER / f"{name}.py").exists()}
    assert ours == {"_control", "_fork"}
    assert not {name for name in imported("_fork") if (FOLDER / f"{name}.py").exists()}


def test_one_module_knows_of_forks():
    modules = FOLDER.rglob("*.py")
    found = [path.name for path in modules if "register_at_fork" in path.read_text("utf-8")]
    assert found == ["_fork.py"]
