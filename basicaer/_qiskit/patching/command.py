"""The command line: `python -m basicaer`."""

from __future__ import annotations

import builtins
import os
import pkgutil
import runpy
import sys
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from typing import Any, Dict, List

from basicaer._qiskit.patching.patch import patch_qiskit

USAGE = """\
usage: python -m basicaer SCRIPT [ARGUMENT ...]
       python -m basicaer -m MODULE [ARGUMENT ...]

Runs a program as python does, with this package in the place of Qiskit's basic simulators. On
Qiskit 1 and later, which have no BasicAer and no execute, both are there again."""

_SCRIPT, _MODULE = "BASICAER_SCRIPT", "BASICAER_MODULE"
"""Environment variables, of which one is set, so that spawned processes know the program too."""
_given: List[str] = []
"""The path of the script as given; empty in spawned processes."""


def main(arguments: List[str]) -> int:
    """Runs a script or module with Qiskit patched; returns the exit status."""
    if arguments[:1] in (["-h"], ["--help"]):
        print(USAGE)
        return 0
    is_module = arguments[:1] == ["-m"]
    rest = arguments[1:] if is_module else arguments
    if not rest or (rest[0].startswith("-") and not is_module):
        print(USAGE, file=sys.stderr)
        return 2
    patch_qiskit()
    # As Python itself sets them.
    sys.argv[:] = rest
    if is_module:
        sys.path[0] = os.getcwd()
    else:
        sys.path[0] = os.path.dirname(os.path.abspath(rest[0]))
    for name in (_SCRIPT, _MODULE):
        os.environ.pop(name, None)
    if is_module and _is_package(rest[0]):
        # Spawned processes do not import the main module of a package or of a folder.
        runpy.run_module(rest[0], run_name="__main__", alter_sys=True)
    elif not is_module and (pkgutil.get_importer(rest[0]) or rest[0].endswith(".pyc")):
        runpy.run_path(rest[0], run_name="__main__")
    else:
        if is_module:
            os.environ[_MODULE] = rest[0]
        else:
            _given.append(rest[0])
            os.environ[_SCRIPT] = os.path.abspath(rest[0])
        runpy.run_module("basicaer._qiskit.patching.script", run_name="__main__", alter_sys=True)
    return 0


def run_in_place(space: Dict[str, Any]) -> None:
    """Runs the program in the globals of the module `script`; its `__name__` is kept."""
    patch_qiskit()  # a spawned process is not patched yet
    module = os.environ.get(_MODULE)
    package = None
    if module is not None:
        spec = find_spec(module)
        code = getattr(spec.loader, "get_code", lambda _: None)(module) if spec else None
        if spec is None or code is None:
            raise ImportError(f"No code object available for {module}")
        package, path = spec.parent, spec.origin
        sys.argv[0] = path or module
    else:
        path = os.environ[_SCRIPT]
        sys.argv[0] = _given[0] if _given else path
        with open(path, "rb") as file:
            code = compile(file.read(), path, "exec", dont_inherit=True)
    name = space["__name__"]
    space.clear()
    space.update(
        __name__=name,
        __builtins__=builtins,
        __doc__=None,
        __file__=path,
        __cached__=None,
        __loader__=None,
        __package__=package,
        __spec__=_Spec(package),
    )
    exec(code, space)


class _Spec(ModuleSpec):
    """Makes spawned processes import `script`, and relative imports those of the program."""

    def __init__(self, package: str | None) -> None:
        super().__init__("basicaer._qiskit.patching.script", None)
        self._package = package

    @property
    def parent(self) -> str | None:
        return self._package


def _is_package(name: str) -> bool:
    spec = find_spec(name)
    return spec is not None and spec.submodule_search_locations is not None
