"""Loops, branches and switches, as operations of a `Program`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, Dict, List, Sequence

from qiskit.circuit import (
    BreakLoopOp,
    Clbit,
    ContinueLoopOp,
    ForLoopOp,
    IfElseOp,
    SwitchCaseOp,
    WhileLoopOp,
)
from qiskit.circuit.controlflow import CASE_DEFAULT

from basicaer._engine import memory as _memory
from basicaer._qiskit.conditions import lower_condition, lower_target
from basicaer._engine.program import Break, Continue, For, IfElse, Switch, While

if TYPE_CHECKING:
    from basicaer._qiskit.lowering import Lowering, Scope

_TURN_BYTES = 64
"""What one turn of a for loop holds while it runs, at the least: loops are run as flat code."""
_BODY_BYTES = 2048
"""The same for a body that is read anew for each turn, since it depends on the loop's parameter."""


def _if_else(
    lowering: Lowering, operation: Any, qubits: List[int], clbits: Sequence[Clbit], scope: Scope
) -> None:
    condition = lower_condition(operation.condition, scope.clbits, lowering.where(operation))
    bodies = [
        lowering.block(block, qubits, clbits, scope) if block is not None else ()
        for block in operation.params
    ]
    lowering.add(IfElse(condition, *bodies))


def _while_loop(
    lowering: Lowering, operation: Any, qubits: List[int], clbits: Sequence[Clbit], scope: Scope
) -> None:
    condition = lower_condition(operation.condition, scope.clbits, lowering.where(operation))
    lowering.loops += 1
    body = lowering.block(operation.blocks[0], qubits, clbits, scope)
    lowering.loops -= 1
    lowering.add(While(condition, body))


def _for_loop(
    lowering: Lowering, operation: Any, qubits: List[int], clbits: Sequence[Clbit], scope: Scope
) -> None:
    indices, parameter, body = operation.params
    outer = lowering.turns
    turns = outer * len(indices)
    own = parameter in body.parameters and parameter not in lowering.free_parameters
    lowering.unrolled += turns * _TURN_BYTES + own * len(indices) * _BODY_BYTES
    if lowering.unrolled > _memory.available_bytes():
        within = f", {turns} with those of the loops around it" if outer > 1 else ""
        lowering.fail(operation, f"makes {len(indices)} turns{within}, more than memory holds")
    lowering.loops += 1
    # A body that is read anew for each turn counts what is in it each time.
    lowering.turns = outer if own else turns
    if not own:
        # The same body each time: read once, and the same object in each place. (So it is too where
        # a value is given to the loop's parameter from outside, as if it were any other.)
        bodies = (lowering.block(body, qubits, clbits, scope),) * len(indices) if indices else ()
    else:
        bodies = tuple(
            [
                lowering.block(body.assign_parameters({parameter: index}), qubits, clbits, scope)
                for index in indices
            ]
        )
    lowering.loops -= 1
    lowering.turns = outer
    lowering.add(For(bodies))


def _switch_case(
    lowering: Lowering, operation: Any, qubits: List[int], clbits: Sequence[Clbit], scope: Scope
) -> None:
    target = lower_target(operation.target, scope.clbits, lowering.where(operation))
    cases = []
    for values, block in operation.cases_specifier():
        body = lowering.block(block, qubits, clbits, scope)
        default = any(value is CASE_DEFAULT for value in values)
        cases.append((None if default else tuple([int(value) for value in values]), body))
    lowering.add(Switch(target, tuple(cases)))


def _jump(
    lowering: Lowering, operation: Any, qubits: List[int], clbits: Sequence[Clbit], scope: Scope
) -> None:
    if not lowering.loops:
        lowering.fail(operation, "is not inside of a loop")
    jump = Break() if isinstance(operation, BreakLoopOp) else Continue()
    if operation.condition is None:
        lowering.add(jump)
        return
    where = lowering.where(operation)
    condition = lower_condition(operation.condition, scope.clbits, where, cut=True)
    lowering.add(IfElse(condition, (jump,)))


HANDLERS: Dict[type, Callable[[Lowering, Any, List[int], Sequence[Clbit], Scope], None]] = {
    IfElseOp: _if_else,
    WhileLoopOp: _while_loop,
    ForLoopOp: _for_loop,
    SwitchCaseOp: _switch_case,
    BreakLoopOp: _jump,
    ContinueLoopOp: _jump,
}
"""What reads each instruction of control flow."""
