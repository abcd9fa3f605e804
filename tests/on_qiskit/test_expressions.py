"""Expressions of parameters, evaluated for many values at once, are what `bind` says."""

from __future__ import annotations

import math

import numpy as np
import processes
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter, ParameterVector
from versions import NUMBER

from basicaer import BasicAerError
from basicaer._qiskit.circuits import expressions
from basicaer._qiskit.circuits.expressions import Expressions, key_of
from basicaer._qiskit.circuits.lower import lower
from basicaer._qiskit.circuits.sweep import Sweep
from basicaer._qiskit.versions import NATIVE_EXPRESSIONS

A, B = Parameter("a"), Parameter("b")
V = ParameterVector("v", 4)
PARAMETERS = [A, B, *V]

native = pytest.mark.skipif(
    not NATIVE_EXPRESSIONS, reason="expressions are symengine's up to Qiskit 2.0"
)

EXPRESSIONS = {
    "add": lambda: A + B,
    "add a number": lambda: A + 0.75,
    "add to a number": lambda: 3 + A,
    "sub": lambda: A - B,
    "sub a number": lambda: A - 2,
    "sub from a number": lambda: 2 - A,
    "mul": lambda: A * B,
    "mul by a number": lambda: A * 1.5,
    "mul of a number": lambda: -2 * A,
    "div": lambda: A / B,
    "div by a number": lambda: A / 3,
    "div of a number": lambda: 1 / A,
    "pow": lambda: A**B,
    "pow of a number": lambda: 2**A,
    "square": lambda: A**2,
    "cube of a sum": lambda: (A + B) ** 3,
    "root": lambda: A**0.5,
    "inverse square": lambda: (A - 5 * B) ** -2,
    "neg": lambda: -A,
    "pos and neg": lambda: -(A - B),
    "abs": lambda: abs(A - B),
    "sin": lambda: A.sin(),
    "cos": lambda: A.cos(),
    "tan": lambda: A.tan(),
    "asin": lambda: (A / 4).arcsin(),
    "acos": lambda: (A / 4).arccos(),
    "atan": lambda: A.arctan(),
    "exp": lambda: A.exp(),
    "log": lambda: A.log(),
    "sign": lambda: (A - 1).sign(),
    "conjugate": lambda: A.conjugate(),
    "conjugate of a sum": lambda: (A * B + 1).conjugate(),
    "nested": lambda: ((A + B).sin() * A - B / (A + 2)).cos() ** 2,
    "sub of a product": lambda: A - B * V[0],
    "sub from a product": lambda: B * V[0] - A,
    "div by a sum": lambda: A / (B + V[0]),
    "div of a sum": lambda: (B + V[0]) / A,
    "pow of a sum": lambda: (A + 1) ** (B + 1),
    "pow by a sum": lambda: A ** (B + V[1]),
    "number less a product": lambda: 1 - A * B,
    "number by a product": lambda: 1 / (A * B),
    "number to a product": lambda: 2 ** (A * B),
    "product of sums": lambda: (A + B) * (V[0] - V[1]) - (V[2] + 1) / (V[3] + 1),
    "difference of differences": lambda: (A - B) - (V[0] - V[1]),
    "deep": lambda: _deep(),
    "bound in part": lambda: (A * B + V[0]).bind({B: 0.25}),
    "another's name": lambda: (A * B).subs({B: V[2]}),
    "a parameter that cancels": lambda: A - A + B,
    "a parameter times zero": lambda: A * 0 + B,
    "nothing left": lambda: A * 0,
    "element": lambda: V[3] * 2 - V[1],
}


def _deep():
    expression = A
    for step in range(20):
        expression = (expression * 0.5 + V[step % 4]).cos() - B
    return expression


def made(name):
    try:
        return EXPRESSIONS[name]()
    except (AttributeError, TypeError) as error:
        pytest.skip(f"this version cannot make it: {error}")


def bound(expression, row):
    values = dict(zip(PARAMETERS, row.tolist()))
    return float(expression.bind({p: values[p] for p in expression.parameters}))


def rows(count, seed=0):
    return np.random.default_rng(seed).uniform(0.1, 3.5, (count, len(PARAMETERS)))


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_values(name):
    expression = made(name)
    values = rows(40)
    (column,) = Expressions(PARAMETERS, [expression]).rows(values)
    expected = [bound(expression, row) for row in values]
    assert np.allclose(column, expected, rtol=1e-13, atol=1e-13)


@pytest.mark.skipif(
    (2, 1) <= NUMBER < (2, 6), reason="not all lists of operations were right before Qiskit 2.6"
)
@pytest.mark.parametrize("name", EXPRESSIONS)
def test_all_rows_at_once(name):
    if not NATIVE_EXPRESSIONS and ("conjugate" in name or name == "sign"):
        pytest.skip("it is not left to symengine, or symengine cannot compile it")
    evaluated = Expressions(PARAMETERS, [made(name)])
    values = rows(10)
    evaluated.rows(values)
    assert np.isfinite(evaluated._evaluate(values)).all()


def test_together():
    names = []
    every = []
    for name in EXPRESSIONS:
        try:
            every.append(EXPRESSIONS[name]())
            names.append(name)
        except (AttributeError, TypeError):
            continue
    every += [k * V[k % 4] + 0.1 * k for k in range(1, 30)]
    values = rows(25, seed=3)
    found = Expressions(PARAMETERS, every).rows(values)
    assert len(found) == len(every)
    for expression, column in zip(every, found):
        expected = [bound(expression, row) for row in values]
        assert np.allclose(column, expected, rtol=1e-13, atol=1e-13), expression


def test_rows_of_any_number():
    evaluated = Expressions(PARAMETERS, [A + B, 2 * A])
    for count in (0, 1, 2, 1000):
        values = rows(count)
        one, other = evaluated.rows(values)
        assert np.allclose(one, values[:, 0] + values[:, 1])
        assert np.allclose(other, 2 * values[:, 0])
        assert len(one) == len(other) == count


@pytest.mark.parametrize("value", [0.0, 1.0, 0.5])
def test_all_numbers_of_the_first_row_may_be_equal(value):
    """Where expressions are equal that are not the same."""
    every = [A * B, A * B * 3, A.sin(), A + B, 1 - A.cos(), A / (B + V[0] + 1), A - B * V[0]]
    values = np.vstack([np.full(len(PARAMETERS), value), rows(5)])
    for expression, column in zip(every, Expressions(PARAMETERS, every).rows(values)):
        assert np.allclose(column, [bound(expression, row) for row in values], atol=1e-13)


WRONG = {
    "division by zero": (lambda: 1 / A, 0.0),
    "logarithm of a negative number": (lambda: A.log(), -1.0),
    "arc sine of 2": (lambda: A.arcsin(), 2.0),
    "overflow": (lambda: A.exp(), 1e4),
    "imaginary": (lambda: 1j * A, 1.0),
    "root of a negative number": (lambda: A**0.5, -1.0),
    "conjugate of an imaginary number": (lambda: (A + 1j).conjugate(), 1.0),
}


@pytest.mark.parametrize("name", WRONG)
@pytest.mark.parametrize("at", [0, 3])
def test_what_is_not_a_real_number(name, at):
    make, value = WRONG[name]
    try:
        expression = make()
    except (AttributeError, TypeError) as error:
        pytest.skip(f"this version cannot make it: {error}")
    circuit = QuantumCircuit(1)
    circuit.rx(expression, 0)
    values = np.full((5, 1), 0.5)
    values[at] = value
    with pytest.raises(BasicAerError, match=r"no real number|NaN or infinite"):
        Sweep(circuit, [A]).programs(values)


@pytest.mark.parametrize(
    "make",
    [
        lambda: abs(A + 1j),
        lambda: 1j * A * 1j,
        lambda: 1 / (1 / A),
        lambda: A.log().sign(),
        lambda: A.log().sign() * A.log(),
        lambda: (A - 1).sign(),
    ],
)
@pytest.mark.parametrize("value", [0.5, 1.0, -1.0, -2.5])
def test_what_is_not_real_on_the_way(make, value):
    try:
        expression = make()
    except (AttributeError, TypeError) as error:
        pytest.skip(f"this version cannot make it: {error}")
    values = np.vstack([rows(1), rows(1)])
    values[1, 0] = value
    try:
        expected = [bound(expression, row) for row in values]
    except (TypeError, ArithmeticError, RuntimeError):
        with pytest.raises(BasicAerError, match="no real number"):
            Expressions(PARAMETERS, [expression]).rows(values)
    else:
        (column,) = Expressions(PARAMETERS, [expression]).rows(values)
        assert np.allclose(column, expected)


def test_what_is_infinite_on_the_way():
    expression = 1 / (A.exp() + 1)
    values = np.zeros((3, len(PARAMETERS)))
    values[1, 0] = 1000.0
    try:
        expected = [bound(expression, row) for row in values]
    except ZeroDivisionError:
        with pytest.raises(BasicAerError, match="no real number"):
            Expressions(PARAMETERS, [expression]).rows(values)
    else:
        (column,) = Expressions(PARAMETERS, [expression]).rows(values)
        assert np.allclose(column, expected)


def test_what_is_not_there_is_bound(monkeypatch):
    def missing(parameters, found):
        raise AttributeError("_qpy_replay")

    monkeypatch.setattr(expressions, "_replayed" if NATIVE_EXPRESSIONS else "_compiled", missing)
    values = rows(3)
    (column,) = Expressions(PARAMETERS, [A * B]).rows(values)
    assert np.allclose(column, values[:, 0] * values[:, 1])


@pytest.mark.parametrize("how", [lambda x: x + 1e-9, lambda x: 0 * x, lambda x: x * np.nan])
def test_what_differs_from_bind_is_bound(monkeypatch, how):
    name = "_replayed" if NATIVE_EXPRESSIONS else "_compiled"
    honest = getattr(expressions, name)

    def wrong(parameters, found):
        evaluate = honest(parameters, found)
        return lambda values: np.array([how(evaluate(values)[0]), evaluate(values)[1]])

    monkeypatch.setattr(expressions, name, wrong)
    values = rows(3)
    evaluated = Expressions(PARAMETERS, [A * B, A + B])
    one, other = evaluated.rows(values)
    assert np.allclose(one, values[:, 0] * values[:, 1], rtol=1e-14)
    assert np.allclose(other, values[:, 0] + values[:, 1])
    found = evaluated._evaluate(values)
    assert np.isnan(found[0]).all()
    assert np.isfinite(found[1]).all()


@native
def test_what_differs_from_bind_elsewhere_than_in_the_first_row(monkeypatch):
    honest = expressions._replayed

    def wrong(parameters, found):
        evaluate = honest(parameters, found)
        return lambda values: 2 * evaluate(values)

    monkeypatch.setattr(expressions, "_replayed", wrong)
    values = np.vstack([np.zeros(len(PARAMETERS)), rows(3)])
    (column,) = Expressions(PARAMETERS, [A * B]).rows(values)
    assert np.allclose(column, values[:, 0] * values[:, 1])


@native
@pytest.mark.parametrize("replay", [[], None])
def test_operations_that_are_not_known(monkeypatch, replay):
    class Operation:
        op, lhs, rhs = "OpCode.GRAD", A, None

    class Expression:
        _qpy_replay = [Operation()] if replay is None else replay

    assert expressions._steps(Expression(), {A: 0}) is None


def test_keys():
    same = [A * B + 1, A * B + 1]
    assert key_of(same[0]) == key_of(same[1])
    assert hash(key_of(same[0])) == hash(key_of(same[1]))
    others = [A * B, A * B + 2, A * V[0] + 1, A + B + 1, (A * B + 1) * 2]
    assert len({key_of(expression) for expression in [*same, *others]}) == 1 + len(others)


def test_equal_expressions_are_evaluated_once():
    circuit = QuantumCircuit(3)
    for qubit in range(3):
        circuit.rx(2 * A + B, qubit)
        circuit.ry(A - B, qubit)
        circuit.rz(A, qubit)
    values = rows(7)[:, :2]
    programs = Sweep(circuit, [A, B]).programs(values)
    for row, program in zip(values, programs):
        expected = lower(circuit.assign_parameters(dict(zip([A, B], row.tolist()))))
        assert np.allclose(program.body[0].coefficients, expected.body[0].coefficients, atol=1e-14)
    assert len(Sweep(circuit, [A, B])._sources._expressions) == 2


def test_a_global_phase():
    circuit = QuantumCircuit(1, global_phase=A * 2 - B)
    circuit.rx(A, 0)
    for row, program in zip(rows(4), Sweep(circuit, [A, B]).programs(rows(4)[:, :2])):
        assert program.global_phase == pytest.approx(2 * row[0] - row[1])


@native
def test_without_sympy_and_symengine():
    done = processes.python(
        "-W",
        "ignore",
        "-c",
        """
import sys
sys.modules["sympy"] = sys.modules["symengine"] = None
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from basicaer._qiskit.circuits.circuit_key import structure_of
from basicaer._qiskit.circuits.sweep import Sweep
a, b = Parameter("a"), Parameter("b")
circuit = QuantumCircuit(1)
circuit.u((a + b).sin(), 2 * a, b, 0)
assert structure_of(circuit) is not None
print(len(Sweep(circuit, [a, b]).programs([[1.0, 2.0], [3.0, 4.0]])))
""",
    )
    assert done.stdout.split() == ["2"], done.stderr
    assert math.isfinite(float(done.stdout))
