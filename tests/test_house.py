"""The layout of the package: which module may import which, and limits on size.

The wings, from the public modules down to the kernels. A file imports from its own wing and from
those below it, never from one above.
"""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path
from typing import Dict, Iterator, List, Set

import pytest
from processes import python

import basicaer

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "basicaer"
WINGS = ("kernels", "engine", "jobs", "qiskit", "public")
MOST_FILES = 22
MOST_LINES = 520

SOURCES = sorted(
    path
    for path in PACKAGE.rglob("*")
    if path.suffix in (".py", ".pyx", ".pxi", ".pyi") and "build" not in path.parts
)
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    if sys.version_info >= (3, 9)
    else "": path
    for path in SOURCES
    if path.suffix in (".py", ".pyx")
}


def wing_of(module: str) -> str:
    part = module.split(".")[1] if "." in module else ""
    if part.startswith("_kernels"):
        return "kernels"
    return part[1:] if part in ("_engine", "_jobs", "_qiskit") else "public"


def imported(path: Path) -> Iterator[str]:
    """Returns the names of all imports of a file, at any level."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{path}: relative import"
                for alias in node.names:
                    yield f"{node.module}.{alias.name}"
        return
    for line in text.splitlines():
        found = re.match(r"\s*(?:from\s+([\w.]+)\s+c?import\s+(.+)|c?import\s+([\w.]+))", line)
        if found and found[3]:
            yield found[3]
        elif found:
            yield from (f"{found[1]}.{name.split()[0]}" for name in found[2].strip("()").split(","))


def imports() -> Dict[str, Set[str]]:
    """Returns, for each module of the package, the package's modules that it imports."""
    graph: Dict[str, Set[str]] = {}
    for module, path in MODULES.items():
        graph[module] = set()
        for name in imported(path):
            while name.startswith("basicaer") and name not in MODULES:
                name = name.rpartition(".")[0]
            if name in MODULES and name not in ("basicaer", module):
                graph[module].add(name)
    return graph


def test_the_names_of_the_package_are_found():
    assert len(MODULES) > 40
    assert "basicaer._engine.program" in imports()["basicaer._engine.task"]


def test_imports_go_one_way():
    upwards = [
        f"{module} imports {other}"
        for module, others in imports().items()
        for other in others
        if WINGS.index(wing_of(other)) > WINGS.index(wing_of(module))
    ]
    assert not upwards


def test_no_circle_of_imports():
    graph = imports()
    done: Set[str] = set()
    path: List[str] = []

    def visit(module: str) -> None:
        assert module not in path, " -> ".join([*path[path.index(module) :], module])
        if module in done:
            return
        path.append(module)
        for other in sorted(graph[module]):
            visit(other)
        path.pop()
        done.add(module)

    for module in sorted(graph):
        visit(module)


@pytest.mark.parametrize("wing", ["_engine", "_jobs"])
def test_no_qiskit_below_its_wing(wing):
    foreign = re.compile(r"(qiskit|symengine|sympy)\b")
    found = [
        f"{path}: {name}"
        for path in SOURCES
        if wing in path.parts and path.suffix != ".pxi"
        for name in imported(path)
        if foreign.match(name)
    ]
    assert not found


def test_rooms_are_not_crowded():
    folders: Dict[Path, int] = {}
    for path in SOURCES:
        folders[path.parent] = folders.get(path.parent, 0) + 1
        lines = len(path.read_text(encoding="utf-8").splitlines())
        assert lines <= MOST_LINES, f"{path} has {lines} lines"
    for folder, files in folders.items():
        assert files <= MOST_FILES, f"{folder} has {files} files"


def test_each_folder_says_what_lives_there():
    for folder in {path.parent for path in SOURCES}:
        init, readme = folder / "__init__.py", folder / "README.md"
        text = (
            ast.get_docstring(ast.parse(init.read_text(encoding="utf-8")))
            if init.exists()
            else readme.read_text(encoding="utf-8")
        )
        assert text and len(text) > 40, folder


def test_compiled_python_does_not_warn():
    """The stack level of a warning counts frames, and compiled functions have none."""
    text = (ROOT / "setup.py").read_text(encoding="utf-8")
    listed = re.search(r"COMPILED = \((.*?)\)", text, re.DOTALL)
    assert listed
    names = ast.literal_eval(f"({listed[1]})")
    assert len(names) > 10
    for name in names:
        assert "stacklevel" not in MODULES[name].read_text(encoding="utf-8"), name


WITHOUT_QISKIT = """
import importlib, pkgutil, sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("qiskit", "symengine", "sympy"):
            raise ImportError(f"{name} is blocked")

sys.meta_path.insert(0, Blocked())
import basicaer._engine, basicaer._jobs
for wing in (basicaer._engine, basicaer._jobs):
    for found in pkgutil.walk_packages(wing.__path__, wing.__name__ + "."):
        importlib.import_module(found.name)

import numpy as np
from basicaer._engine.control import Control
from basicaer._engine.execute import execute
from basicaer._engine.program import DENSE, Gates, Kind, Measure, Program
from basicaer._engine.task import Task

r = 2 ** -0.5
hadamard, cx = Kind(DENSE, 1), Kind(DENSE, 1, 1, 1)
gates = Gates(
    (hadamard, cx),
    np.array([0, 1], np.int32),
    np.array([0, 1, 3], np.int32),
    np.array([0, 0, 1], np.int32),
    np.array([0, 4], np.int64),
    np.array([r, r, r, -r, 0, 1, 1, 0], complex),
)
program = Program(2, 2, (gates, Measure(0, 0), Measure(1, 1)))
outcome = execute(Task(program, shots=1000, seed=7), Control())
found = np.bincount(outcome.memory[:, 0].astype(int), minlength=4)
assert found[0] + found[3] == 1000 and min(found[0], found[3]) > 400, found
assert not any(name.partition(".")[0] == "qiskit" for name in sys.modules)
print("ran", found.tolist())
"""


def test_the_engine_runs_without_qiskit():
    done = python("-c", WITHOUT_QISKIT)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("ran [")


def test_public_names_are_imported_when_they_are_used():
    code = "import sys, basicaer; assert 'qiskit' not in sys.modules; basicaer.BasicAer; "
    code += "assert 'qiskit' in sys.modules; basicaer.exceptions.BasicAerError"
    assert python("-c", code).returncode == 0
    assert set(basicaer.__all__) <= set(dir(basicaer))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        basicaer.nothing  # noqa: B018
