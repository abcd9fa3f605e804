"""Terra's classical conditions and expressions, as trees of clbit indices and numbers."""

from __future__ import annotations

from typing import Any, Dict, Iterator, Sequence, Tuple, Union

from qiskit.circuit import ClassicalRegister, Clbit

from basicaer._engine.program import BitsEqual, Condition, Expression
from basicaer._qiskit.versions import expr, types
from basicaer.exceptions import BasicAerError

Clbits = Dict[Clbit, int]
"""The clbits of a circuit, and where they are in the outermost one."""

MOST_PARTS = 10_000
DEEPEST = 200
"""Bounds of an expression: it may share its operands, so that it is small but without end."""


def lower_condition(condition: Any, clbits: Clbits, where: str, *, cut: bool = False) -> Condition:
    """Returns a condition in terms of clbit indices.

    Args:
        condition: a pair of a clbit or register and a value, or an expression.
        clbits: the clbits of the circuit that the condition is in.
        where: the instruction and the circuit, for messages.
        cut: take of the value only as many bits as the register has, as BasicAer does for `c_if`.
            Otherwise a value that is too wide is never equal.

    Raises:
        BasicAerError: a bit is not in the circuit, or the condition is of no known form.
    """
    if isinstance(condition, expr.Expr):
        return lower_expression(condition, clbits, where)
    try:
        target, value = condition
        value = int(value)
    except (TypeError, ValueError):
        raise BasicAerError(
            f"{where} has the condition {condition!r}; expected a pair of a clbit or classical "
            "register and an int, or an expression of qiskit.circuit.classical"
        ) from None
    bits = _indices(target, clbits, where)
    if isinstance(target, Clbit):
        return BitsEqual(bits, value & 1 if cut else int(value != 0))
    return BitsEqual(bits, value & ((1 << len(bits)) - 1) if cut else value)


def lower_target(target: Any, clbits: Clbits, where: str) -> Expression:
    """Returns what a switch looks at: a clbit, a register or an expression."""
    if isinstance(target, expr.Expr):
        return lower_expression(target, clbits, where)
    bits = _indices(target, clbits, where)
    return Expression("bits", bits, len(bits))


def lower_expression(node: expr.Expr, clbits: Clbits, where: str) -> Expression:
    """Returns an expression with clbit indices in place of clbits and registers.

    Raises:
        BasicAerError: it is too deep, or has too many parts; one that occurs in several places
            counts in each, as it is evaluated in each.
    """
    return _lower(node, clbits, where, iter(range(MOST_PARTS)), DEEPEST)


def _lower(
    node: expr.Expr, clbits: Clbits, where: str, parts: Iterator[int], levels: int
) -> Expression:
    """Reads a part of an expression, of at most so many parts and levels."""
    if next(parts, None) is None or not levels:
        raise BasicAerError(
            f"{where} has an expression of more than {MOST_PARTS} parts or {DEEPEST} levels"
        )

    def inner(operand: expr.Expr) -> Expression:
        return _lower(operand, clbits, where, parts, levels - 1)

    width = 1 if isinstance(node.type, types.Bool) else node.type.width
    if isinstance(node, expr.Var):
        return Expression("bits", _indices(node.var, clbits, where), width)
    if isinstance(node, expr.Value):
        return Expression("value", (int(node.value),), width)
    if isinstance(node, expr.Cast):
        operand = inner(node.operand)
        if isinstance(node.type, types.Bool):
            # To Bool is "is it not 0"; to a narrower Uint, the low bits.
            zero = Expression("value", (0,), operand.width)
            return Expression("not_equal", (operand, zero), 1)
        return Expression("cast", (operand, width), width)
    if isinstance(node, expr.Unary):
        return Expression(node.op.name.lower(), (inner(node.operand),), width)
    if isinstance(node, expr.Binary):
        return Expression(node.op.name.lower(), (inner(node.left), inner(node.right)), width)
    raise BasicAerError(f"{where} uses an expression of unknown kind: {node!r}")


def _indices(
    target: Union[Clbit, ClassicalRegister], clbits: Clbits, where: str
) -> Tuple[int, ...]:
    if isinstance(target, Clbit):
        bits: Sequence[Clbit] = (target,)
    elif isinstance(target, ClassicalRegister):
        bits = target[:]
    else:
        raise BasicAerError(
            f"{where} looks at {target!r}; expected a clbit or a classical register"
        )
    try:
        return tuple([clbits[bit] for bit in bits])
    except KeyError:
        missing = next(bit for bit in bits if bit not in clbits)
        raise BasicAerError(
            f"{where} looks at the classical bit {missing!r}, which is not in the circuit"
        ) from None
