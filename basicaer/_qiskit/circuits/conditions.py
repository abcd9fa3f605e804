"""Qiskit's classical conditions and expressions, as trees of clbit indices and numbers."""

from __future__ import annotations

from typing import Any, Dict, Iterator, Sequence, Tuple, Union

from qiskit.circuit import ClassicalRegister, Clbit

from basicaer._engine.program import BitsEqual, Condition, Expression, Store
from basicaer._engine.shots.classical import OPERATORS
from basicaer._qiskit.errors import BasicAerError
from basicaer._qiskit.versions import Index, expr, types

Clbits = Dict[Clbit, int]
"""The index in the outermost circuit of each clbit of a circuit."""

MOST_PARTS = 10_000
DEEPEST = 200
"""Bounds of an expression: since it may share operands, a small one can stand for a huge one."""


def lower_condition(condition: Any, clbits: Clbits, where: str, *, cut: bool = False) -> Condition:
    """Returns a condition in terms of clbit indices.

    Args:
        condition: a pair of a clbit or register and a value, or an expression.
        clbits: the clbits of the circuit that the condition is in.
        where: the names of the instruction and the circuit, for messages.
        cut: whether to use only as many bits of the value as the register has, as BasicAer does
            for `c_if`. Otherwise a value that is too wide is never equal.

    Raises:
        BasicAerError: a bit is not in the circuit, or the condition has an unknown form.
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
    """Returns the target of a switch (a clbit, a register or an expression) as an expression."""
    if isinstance(target, expr.Expr):
        return lower_expression(target, clbits, where)
    bits = _indices(target, clbits, where)
    return Expression("bits", bits, len(bits))


def lower_store(target: expr.Expr, value: expr.Expr, clbits: Clbits, where: str) -> Store:
    """Returns what a store of `value` to `target` does, in terms of clbit indices.

    Raises:
        BasicAerError: the target is none of a clbit, a register and a bit of a register; a bit is
            not in the circuit; otherwise as `lower_expression`.
    """
    lowered = lower_expression(value, clbits, where)
    index = None
    if isinstance(target, Index):
        target, index = target.target, target.index
    if getattr(target, "standalone", False):
        raise BasicAerError(
            f'{where} stores to the variable "{target.name}"; only clbits and classical registers '
            "can be written to"
        )
    if not isinstance(target, expr.Var):
        raise BasicAerError(
            f"{where} stores to {target!r}; expected a clbit, a classical register or a bit of one"
        )
    bits = _indices(target.var, clbits, where)
    if index is None:
        return Store(bits, lowered)
    whole = Expression("bits", bits, len(bits))
    position = lower_expression(index, clbits, where)
    _check_bit(whole, position, where)
    if position.operator == "value":
        return Store((bits[position.operands[0]],), lowered)
    # The bit is flipped if it is not the value.
    differs = Expression("bit_xor", (Expression("index", (whole, position), 1), lowered), 1)
    flip = Expression(
        "shift_left",
        (Expression("cast", (differs, whole.width), whole.width), position),
        whole.width,
    )
    return Store(bits, Expression("bit_xor", (whole, flip), whole.width))


def _check_bit(target: Expression, position: Expression, where: str) -> None:
    """Raises an error if the position is a number, and not that of a bit of the target."""
    if position.operator == "value" and position.operands[0] >= target.width:
        raise BasicAerError(
            f"{where} uses bit {position.operands[0]} of a value of {target.width} bits"
        )


def lower_expression(node: expr.Expr, clbits: Clbits, where: str) -> Expression:
    """Returns an expression with clbit indices in place of clbits and registers.

    Raises:
        BasicAerError: the expression is too deep, or has too many parts. A part that occurs in
            several places counts each time, since it is evaluated each time.
    """
    return _lower(node, clbits, where, iter(range(MOST_PARTS)), DEEPEST)


def _lower(
    node: expr.Expr, clbits: Clbits, where: str, parts: Iterator[int], levels: int
) -> Expression:
    """Reads an expression, of at most as many parts as `parts` has items, and `levels` levels."""
    if next(parts, None) is None or not levels:
        raise BasicAerError(
            f"{where} has an expression of more than {MOST_PARTS} parts or {DEEPEST} levels"
        )

    def inner(operand: expr.Expr) -> Expression:
        return _lower(operand, clbits, where, parts, levels - 1)

    if not isinstance(node.type, (types.Bool, types.Uint)):
        raise BasicAerError(
            f"{where} has an expression of the type {node.type!r}; expected a Bool or a Uint"
        )
    width = 1 if isinstance(node.type, types.Bool) else node.type.width
    if isinstance(node, expr.Var):
        if getattr(node, "standalone", False):
            raise BasicAerError(
                f'{where} uses the variable "{node.name}"; only clbits and classical registers '
                "can be read"
            )
        return Expression("bits", _indices(node.var, clbits, where), width)
    if isinstance(node, expr.Value):
        return Expression("value", (int(node.value),), width)
    if isinstance(node, expr.Cast):
        operand = inner(node.operand)
        if isinstance(node.type, types.Bool):
            # A cast to Bool asks whether the value is not 0; one to a narrower Uint keeps low bits.
            zero = Expression("value", (0,), operand.width)
            return Expression("not_equal", (operand, zero), 1)
        return Expression("cast", (operand, width), width)
    if isinstance(node, Index):
        target, position = inner(node.target), inner(node.index)
        _check_bit(target, position, where)
        return Expression("index", (target, position), width)
    if isinstance(node, (expr.Unary, expr.Binary)):
        operator = node.op.name.lower()
        if operator not in OPERATORS:
            raise BasicAerError(f'{where} uses the operator "{operator}", which is not known')
        if isinstance(node, expr.Unary):
            return Expression(operator, (inner(node.operand),), width)
        left, right = inner(node.left), inner(node.right)
        if operator == "div" and right.operator == "value" and not right.operands[0]:
            raise BasicAerError(f"{where} has an expression that divides by 0")
        return Expression(operator, (left, right), width)
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
            f"{where} refers to {target!r}; expected a clbit or a classical register"
        )
    try:
        return tuple([clbits[bit] for bit in bits])
    except KeyError:
        missing = next(bit for bit in bits if bit not in clbits)
        raise BasicAerError(
            f"{where} refers to the classical bit {missing!r}, which is not in the circuit"
        ) from None
