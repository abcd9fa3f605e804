"""Programs: fast constructors, and walks through nested bodies."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from random_programs import Maker, gates

from basicaer._engine.program import (
    DENSE,
    BitsEqual,
    Break,
    Expression,
    For,
    Gates,
    IfElse,
    Kind,
    Measure,
    Program,
    Reset,
    Store,
    Switch,
    While,
    bodies_of,
    operations_of,
    with_bodies,
)

BIT = Expression("bits", (0,), 1)
HOLDS = BitsEqual((0,), 1)
X, Y, Z = (gates(["x", qubit]) for qubit in range(3))
NESTED = {
    "if": IfElse(HOLDS, (X,), (Y, Z)),
    "if without else": IfElse(HOLDS, (X,)),
    "while": While(HOLDS, (X, Break())),
    "for": For(((X,), (Y,))),
    "for of no turn": For(()),
    "switch": Switch(Expression("bits", (0,), 1), (((0,), (X,)), (None, (Y,)))),
}


GATES_FIELDS = {
    "kinds": (Kind(DENSE, 1),),
    "kind": np.zeros(1, dtype=np.int32),
    "start": np.array([0, 1], dtype=np.int32),
    "qubits": np.zeros(1, dtype=np.int32),
    "offset": np.zeros(1, dtype=np.int64),
    "coefficients": np.ones(4, dtype=complex),
}
PROGRAM_FIELDS = {
    "num_qubits": 2,
    "num_clbits": 3,
    "body": (X,),
    "global_phase": 0.5,
    "name": "mine",
    "samples": False,
}


@pytest.mark.parametrize(
    ("cls", "fields"), [(Gates, GATES_FIELDS), (Program, PROGRAM_FIELDS)], ids=["gates", "program"]
)
def test_made_quickly_is_made_the_same(cls, fields):
    quick = cls.of(*fields.values())
    slow = cls(**fields)
    for made in (quick, cls.of(**fields)):
        assert {name: value for name, value in vars(made).items() if name != "plans"} == {
            name: value for name, value in vars(slow).items() if name != "plans"
        }
        if cls is Gates:  # each has its own, empty
            assert type(made.plans) is type(slow.plans) and made.plans is not slow.plans
    own = [field.name for field in dataclasses.fields(cls)]
    assert list(vars(quick)) == own  # the outline is added when it is asked for
    with pytest.raises(dataclasses.FrozenInstanceError):
        quick.name = "other"


@pytest.mark.parametrize(
    "operation", [X, Measure(0, 0), Reset(0), Store((0,), BIT), Break()], ids=lambda o: str(o)[:8]
)
def test_most_operations_have_no_body(operation):
    assert bodies_of(operation) == ()
    assert list(operations_of([operation])) == [operation]
    assert with_bodies(operation, lambda body: pytest.fail("a body")) is operation


@pytest.mark.parametrize(
    ("name", "bodies"),
    [
        ("if", [(X,), (Y, Z)]),
        ("if without else", [(X,), ()]),
        ("while", [(X, Break())]),
        ("for", [(X,), (Y,)]),
        ("for of no turn", []),
        ("switch", [(X,), (Y,)]),
    ],
)
def test_bodies(name, bodies):
    operation = NESTED[name]
    assert list(bodies_of(operation)) == bodies
    inner = [each for body in bodies for each in body]
    assert list(operations_of([Z, operation])) == [Z, operation, *inner]
    assert with_bodies(operation, lambda body: body) == operation
    changed = with_bodies(operation, lambda body: (Reset(0), *body))
    assert list(bodies_of(changed)) == [(Reset(0), *body) for body in bodies]


def test_the_same_body_of_a_loop_is_gone_through_once():
    body, other = (X, Measure(0, 0)), (Y,)
    loop = For((body, other, body, body))
    assert list(operations_of([loop])) == [loop, *body, *other]
    seen = []

    def change(inner):
        seen.append(inner)
        return (*inner, Z)

    first, second, third, fourth = with_bodies(loop, change).bodies
    assert seen == [body, other]
    assert first is third is fourth and first == (*body, Z) and second == (*other, Z)


@pytest.mark.parametrize("seed", range(20))
def test_random_programs(seed):
    body = Maker(seed).program().body

    def count(operation):
        return 1 + sum(count(each) for inner in bodies_of(operation) for each in inner)

    found = list(operations_of(body))
    assert len(found) == sum(map(count, body))

    def same(inner):
        return tuple([with_bodies(each, same) for each in inner])

    assert same(body) == body
