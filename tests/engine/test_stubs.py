"""The type stubs of the extension modules agree with the built modules."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from pathlib import Path

import pytest

import basicaer

FOLDER = Path(basicaer.__file__).parent
STUBS = sorted(FOLDER.rglob("*.pyi"))


def module_of(stub):
    parts = stub.relative_to(FOLDER).with_suffix("").parts
    return importlib.import_module(".".join(("basicaer", *parts)))


def is_public(name):
    return not name.startswith("_")


def stub_signature(node, *, bound):
    """The parameters of a function of a stub: their names, and whether they have defaults."""
    arguments = node.args
    assert not arguments.posonlyargs and not arguments.kwonlyargs, node.name
    names = [argument.arg for argument in arguments.args]
    required = len(names) - len(arguments.defaults)
    found = [(name, place >= required) for place, name in enumerate(names)]
    if arguments.vararg:
        found.append(("*" + arguments.vararg.arg, False))
    return found[1:] if bound else found


def built_signature(function, *, bound):
    """The same of a function of the module."""
    found = []
    for parameter in inspect.signature(function).parameters.values():
        star = "*" if parameter.kind is parameter.VAR_POSITIONAL else ""
        found.append((star + parameter.name, parameter.default is not parameter.empty))
    return found[1:] if bound else found


def text_signature(text):
    """The same of an extension type's constructor, which begins its docstring: with C's types."""
    line = re.sub(r"\[.*?\]", "", text.splitlines()[0])
    parameters = [part for part in line[line.index("(") + 1 : line.rindex(")")].split(",") if part]
    return [(part.split("=")[0].split()[-1], "=" in part) for part in parameters]


@pytest.mark.parametrize("stub", STUBS, ids=lambda stub: stub.stem)
def test_stubs_have_the_names_and_signatures_of_their_modules(stub):
    module = module_of(stub)
    declared = {}
    for node in ast.parse(stub.read_text(encoding="utf-8")).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            declared[node.name] = node
        elif isinstance(node, ast.AnnAssign):
            declared[node.target.id] = node
    here = {
        name
        for name, value in vars(module).items()
        if is_public(name) and callable(value) and value.__module__ == module.__name__
    }
    constants = {name for name in declared if isinstance(declared[name], ast.AnnAssign)}
    assert set(declared) - constants == here
    for name, node in declared.items():
        value = getattr(module, name)
        if isinstance(node, ast.FunctionDef):
            assert built_signature(value, bound=False) == stub_signature(node, bound=False), name
        elif isinstance(node, ast.ClassDef):
            check_class(value, node)


def check_class(found, declared):
    attributes, methods = set(), {}
    for node in declared.body:
        if isinstance(node, ast.FunctionDef):
            methods[node.name] = node
        elif isinstance(node, ast.AnnAssign):
            attributes.add(node.target.id)
    public = {name for name in vars(found) if is_public(name)}
    assert attributes | {name for name in methods if is_public(name)} == public, found
    for name, node in methods.items():
        wanted = stub_signature(node, bound=True)
        if name == "__init__" and not inspect.isfunction(found.__init__):
            assert text_signature(found.__doc__) == wanted, found
        elif inspect.isroutine(getattr(found, name)) and is_public(name):
            assert built_signature(getattr(found, name), bound=True) == wanted, (found, name)
