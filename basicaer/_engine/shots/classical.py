"""Conditions and classical expressions, evaluated on clbits.

The clbits of a branch are one Python int of any width; bit i is clbit i. Values are unsigned ints,
and a Bool is 0 or 1, as in `qiskit.circuit.classical`. Sums, differences and products keep the low
bits; a quotient is rounded down.
"""

from __future__ import annotations

import operator
from typing import Callable

from basicaer._engine.errors import EngineError
from basicaer._engine.program import BitsEqual, Condition, Expression


class NoValueError(EngineError):
    """An expression has no value for these clbits; the message says why."""


def _divided(left: int, right: int) -> int:
    if not right:
        raise NoValueError(f"a classical expression divides {left} by 0")
    return left // right


_BINARY: dict[str, Callable[[int, int], int]] = {
    "bit_and": operator.and_,
    "bit_or": operator.or_,
    "bit_xor": operator.xor,
    "logic_and": lambda left, right: bool(left) and bool(right),
    "logic_or": lambda left, right: bool(left) or bool(right),
    "equal": operator.eq,
    "not_equal": operator.ne,
    "less": operator.lt,
    "less_equal": operator.le,
    "greater": operator.gt,
    "greater_equal": operator.ge,
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "div": _divided,
}

_SHIFTS: dict[str, Callable[[int, int], int]] = {
    "shift_left": operator.lshift,
    "shift_right": operator.rshift,
}

_UNARY: dict[str, Callable[[int], int]] = {
    "bit_not": operator.invert,
    "logic_not": operator.not_,
}

OPERATORS = frozenset({*_BINARY, *_SHIFTS, *_UNARY})
"""Names of the operators of expressions that have operands."""


def holds(condition: Condition, bits: int) -> bool:
    """Returns whether the condition holds for the clbits `bits`."""
    if isinstance(condition, BitsEqual):
        return gather(condition.clbits, bits) == condition.value
    return evaluate(condition, bits) != 0


def evaluate(expression: Expression, bits: int) -> int:
    """Returns the expression's value, truncated to its width.

    Raises:
        EngineError: the operator is unknown.
        NoValueError: a division by 0, or an index beyond the bits of its operand.
    """
    name = expression.operator
    operands = expression.operands
    if name == "bits":
        return gather(operands, bits)
    if name == "value":
        value = int(operands[0])
    elif name == "cast":
        value = evaluate(operands[0], bits)
    elif name in _BINARY:
        left, right = operands
        value = int(_BINARY[name](evaluate(left, bits), evaluate(right, bits)))
    elif name in _UNARY:
        value = int(_UNARY[name](evaluate(operands[0], bits)))
    elif name in _SHIFTS:
        left, right = operands
        most = left.width  # a shift by this or more leaves nothing
        value = _SHIFTS[name](evaluate(left, bits), min(evaluate(right, bits), most))
    elif name == "index":
        target, index = operands
        position = evaluate(index, bits)
        if position >= target.width:
            raise NoValueError(
                f"a classical expression uses bit {position} of a value of {target.width} bits"
            )
        value = evaluate(target, bits) >> position
    else:
        raise _unknown(name)
    return value & ((1 << expression.width) - 1)


def gather(clbits: tuple[int, ...], bits: int) -> int:
    """Returns the value of `clbits`, the first the least significant."""
    if not clbits:
        return 0
    first = clbits[0]
    width = len(clbits)
    if clbits[-1] == first + width - 1 and clbits == tuple(range(first, first + width)):
        return (bits >> first) & ((1 << width) - 1)
    return sum(((bits >> clbit) & 1) << position for position, clbit in enumerate(clbits))


def stored(clbits: tuple[int, ...], value: int, bits: int) -> int:
    """Returns `bits` with `value` written to `clbits`, the first the least significant."""
    for position, clbit in enumerate(clbits):
        bits = bits & ~(1 << clbit) | ((value >> position) & 1) << clbit
    return bits


def clbits_read(condition: Condition) -> int:
    """Returns the clbits that the condition depends on, as a mask."""
    if isinstance(condition, BitsEqual):
        return _mask(condition.clbits)
    if condition.operator == "bits":
        return _mask(condition.operands)
    if condition.operator == "value":
        return 0
    read = 0
    for operand in condition.operands:
        if isinstance(operand, Expression):
            read |= clbits_read(operand)
    return read


def _mask(clbits: tuple[int, ...]) -> int:
    mask = 0
    for clbit in clbits:
        mask |= 1 << clbit
    return mask


def _unknown(name: str) -> EngineError:
    known = ", ".join(["bits", "value", "cast", "index", *_BINARY, *_SHIFTS, *_UNARY])
    return EngineError(f"unknown classical operator {name!r}; known are {known}")
