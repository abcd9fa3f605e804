"""Expressions of parameters: which are equal, and their values for many values of the parameters.

Up to Qiskit 2.0 an expression is symengine's or sympy's, and symengine compiles it. From 2.1 on it
is Qiskit's own, and `_qpy_replay` lists the operations that make it; NumPy carries these out for
all rows at once, and for all expressions that differ only in their parameters and numbers. Neither
way is trusted: an expression that does not agree with `bind`, or is not a finite real number in
every row, is bound row by row, which also reports what is wrong.
"""

from __future__ import annotations

import contextlib
from typing import Any, Callable, Dict, List, NamedTuple, Sequence, Tuple, Union

import numpy as np
from qiskit.circuit import Parameter, ParameterExpression

from basicaer._qiskit.errors import BasicAerError
from basicaer._qiskit.versions import NATIVE_EXPRESSIONS

_UNARY: Dict[str, Callable[[Any], Any]] = {
    "SIN": np.sin,
    "COS": np.cos,
    "TAN": np.tan,
    "ASIN": np.arcsin,
    "ACOS": np.arccos,
    "ATAN": np.arctan,
    "EXP": np.exp,
    "LOG": np.log,
    "ABS": np.abs,
    "SIGN": np.sign,
    "CONJ": np.positive,  # all values here are real
}
_BINARY: Dict[str, Callable[[Any, Any], Any]] = {
    "ADD": np.add,
    "SUB": np.subtract,
    "MUL": np.multiply,
    "DIV": np.divide,
    "POW": np.power,
    "RSUB": lambda x, y: np.subtract(y, x),
    "RDIV": lambda x, y: np.divide(y, x),
    "RPOW": lambda x, y: np.power(y, x),
}

_Evaluate = Callable[[np.ndarray], np.ndarray]
"""From values, shape (rows, parameters), computes an array of shape (expressions, rows); NaN where
an expression must be bound row by row."""


def key_of(expression: ParameterExpression) -> Any:
    """Returns a hashable value that is equal only for expressions that are the same function."""
    return expression if NATIVE_EXPRESSIONS else expression.sympify()


class Expressions:
    """Expressions that are evaluated together.

    Args:
        parameters: the parameter of each column of values.
        expressions: the expressions, of these parameters only.
    """

    def __init__(
        self, parameters: Sequence[Parameter], expressions: Sequence[ParameterExpression]
    ) -> None:
        self._parameters = tuple(parameters)
        self._expressions = tuple(expressions)
        self._evaluate: Union[_Evaluate, None] = None

    def rows(self, values: np.ndarray) -> np.ndarray:
        """Returns the value of each expression for each row of values.

        Args:
            values: finite floats, shape (rows, parameters).

        Returns:
            An array of floats, shape (expressions, rows).

        Raises:
            BasicAerError: an expression is not a real number for one of the rows.
        """
        if not len(values):
            return np.empty((len(self._expressions), 0))
        if self._evaluate is None:
            self._evaluate = self._trusted(values[:1])
        found = self._evaluate(values)
        for place in np.flatnonzero(~np.isfinite(found).all(axis=1)).tolist():
            found[place] = [self._bound(self._expressions[place], row) for row in values]
        return found

    def _trusted(self, first: np.ndarray) -> _Evaluate:
        """Returns how to evaluate all expressions that agree with `bind` for the first values."""
        make = _replayed if NATIVE_EXPRESSIONS else _compiled
        try:
            evaluate = make(self._parameters, self._expressions)
            found = evaluate(first)[:, 0]
        except Exception:  # not installed, or an unknown form: bind every expression
            return lambda values: np.full((len(self._expressions), len(values)), np.nan)
        trusted = np.array([self._agrees(i, value, first[0]) for i, value in enumerate(found)])
        if NATIVE_EXPRESSIONS:
            # Where values are 0 or equal, wrong results may agree by chance: try other numbers too.
            numbers = 0.1 + 0.3 * np.modf(0.618 * np.arange(1, first.shape[1] + 1))[0]
            for i, value in enumerate(evaluate(numbers[np.newaxis])[:, 0]):
                trusted[i] = trusted[i] and self._agrees(i, value, numbers, default=True)
        if trusted.all():
            return evaluate
        return lambda values: np.where(trusted[:, np.newaxis], evaluate(values), np.nan)

    def _agrees(self, place: int, value: float, row: np.ndarray, default: bool = False) -> bool:
        """Whether a value agrees with `bind`; `default` where one of them is not a real number."""
        try:
            bound = self._bound(self._expressions[place], row)
        except BasicAerError:
            return default
        if np.isnan(value):
            return default
        return abs(value - bound) <= 1e-12 + 1e-12 * abs(bound)

    def _bound(self, expression: ParameterExpression, row: np.ndarray) -> float:
        needed = expression.parameters
        values = zip(self._parameters, row.tolist())
        try:
            return float(expression.bind({p: value for p, value in values if p in needed}))
        except (ArithmeticError, RuntimeError, TypeError, ValueError) as error:
            raise BasicAerError(f"the parameter {expression} is no real number: {error}") from error


def _compiled(
    parameters: Sequence[Parameter], expressions: Sequence[ParameterExpression]
) -> _Evaluate:
    """Has symengine compile the expressions."""
    import symengine

    function = symengine.Lambdify(
        [parameter.sympify() for parameter in parameters],
        [expression.sympify() for expression in expressions],
    )
    # symengine's sign of NaN is a number, so a value that is not real would be missed.
    unknown = ["sign(" in str(expression) for expression in expressions]

    def evaluate(values: np.ndarray) -> np.ndarray:
        found = np.array(function(values)).reshape(len(values), len(expressions)).T
        found[unknown] = np.nan
        return found

    return evaluate


class _Step(NamedTuple):
    """An operation on a stack, the same in all expressions of one form.

    Attributes:
        name: of the operation.
        operands: what is pushed onto the stack before it: True for the value of a parameter, False
            for a number.
    """

    name: str
    operands: Tuple[bool, ...]


class _Form(NamedTuple):
    """Expressions that differ only in their parameters and numbers.

    Attributes:
        steps: their operations.
        places: indices of the expressions.
        operands: for each expression, the operands of all steps: the column of a parameter, or a
            number.
    """

    steps: Tuple[_Step, ...]
    places: List[int]
    operands: List[List[Any]]


def _replayed(
    parameters: Sequence[Parameter], expressions: Sequence[ParameterExpression]
) -> _Evaluate:
    """Has NumPy carry out the operations that make the expressions."""
    column_of = {parameter: column for column, parameter in enumerate(parameters)}
    forms: Dict[Tuple[_Step, ...], _Form] = {}
    for place, expression in enumerate(expressions):
        found = _steps(expression, column_of)
        if found is not None:
            steps, operands = found
            form = forms.setdefault(steps, _Form(steps, [], []))
            form.places.append(place)
            form.operands.append(operands)
    arrays = [[np.array(column) for column in zip(*form.operands)] for form in forms.values()]

    def evaluate(values: np.ndarray) -> np.ndarray:
        out = np.full((len(expressions), len(values)), np.nan)
        # From a value that is infinite or not real in between, `bind` may get another result.
        with np.errstate(divide="raise", over="raise", invalid="raise", under="ignore"):
            for form, operands in zip(forms.values(), arrays):
                with contextlib.suppress(FloatingPointError):
                    out[form.places] = _carried_out(form.steps, operands, values)
        return out

    return evaluate


def _carried_out(
    steps: Sequence[_Step], operands: Sequence[np.ndarray], values: np.ndarray
) -> np.ndarray:
    """Returns the values of the expressions of one form, shape (expressions, rows)."""
    stack: List[np.ndarray] = []
    coming = iter(operands)
    for name, kinds in steps:
        for is_parameter in kinds:
            operand = next(coming)
            stack.append(values.T[operand] if is_parameter else operand[:, np.newaxis])
        if name in _UNARY:
            stack.append(_UNARY[name](stack.pop()))
        else:
            right, left = stack.pop(), stack.pop()
            stack.append(_BINARY[name](left, right))
    return stack[-1]


def _steps(
    expression: ParameterExpression, column_of: Dict[Parameter, int]
) -> Union[Tuple[Tuple[_Step, ...], List[Any]], None]:
    """Returns the operations of an expression and their operands; None if one is unknown."""
    steps: List[_Step] = []
    operands: List[Any] = []
    height = 0
    for operation in expression._qpy_replay:
        name = str(operation.op).rpartition(".")[2]
        own = [value for value in (operation.lhs, operation.rhs) if value is not None]
        if not all(isinstance(value, (Parameter, int, float)) for value in own):
            return None
        kinds = tuple([isinstance(value, Parameter) for value in own])
        operands += [column_of[v] if isinstance(v, Parameter) else float(v) for v in own]
        height += len(own) - (0 if name in _UNARY else 1)
        if height < 1 or (name not in _UNARY and name not in _BINARY):
            return None
        steps.append(_Step(name, kinds))
    return (tuple(steps), operands) if height == 1 else None
