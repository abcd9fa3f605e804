"""Loops, branches and switches, as operations of a `Program`; boxes, as what is in them."""

from __future__ import annotations

from typing import Any, List, Sequence

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
from basicaer._engine.program import Break, Continue, For, IfElse, Switch, While
from basicaer._qiskit.circuits.conditions import lower_condition, lower_target
from basicaer._qiskit.circuits.instructions import check_duration
from basicaer._qiskit.circuits.lowering import Lowering, Scope, reads, reads_control_flow
from basicaer._qiskit.versions import BoxOp, condition_of

_TURN_BYTES = 64
"""The least bytes that one turn of a for loop takes while it runs: loops are unrolled."""
_BODY_BYTES = 2048
"""The same for the body of a turn, if it is read for each turn as it uses the loop's parameter."""


@reads_control_flow(IfElseOp)
def _if_else(
    lowering: Lowering, operation: Any, qubits: List[int], clbits: Sequence[Clbit], scope: Scope
) -> None:
    condition = lower_condition(operation.condition, scope.clbits, lowering.where(operation))
    bodies = [
        lowering.block(block, qubits, clbits, scope) if block is not None else ()
        for block in operation.params
    ]
    lowering.add(IfElse(condition, *bodies))


@reads_control_flow(WhileLoopOp)
def _while_loop(
    lowering: Lowering, operation: Any, qubits: List[int], clbits: Sequence[Clbit], scope: Scope
) -> None:
    condition = lower_condition(operation.condition, scope.clbits, lowering.where(operation))
    lowering.loops += 1
    body = lowering.block(operation.blocks[0], qubits, clbits, scope)
    lowering.loops -= 1
    lowering.add(While(condition, body))


@reads_control_flow(ForLoopOp)
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
    # A body that is read for each turn counts the loops in it each time.
    lowering.turns = outer if own else turns
    if not own:
        # Each turn has the same body: it is read once, and the object shared. (Also if the loop's
        # parameter is one of the circuit's free parameters, and gets its value from outside.)
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


@reads_control_flow(SwitchCaseOp)
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


@reads(BoxOp)  # not as control flow: a box of gates is unitary
def _box(
    lowering: Lowering, operation: Any, qubits: List[int], clbits: Sequence[Clbit], scope: Scope
) -> None:
    if operation.duration is not None:
        check_duration(lowering, operation, operation.duration)
    lowering.inside(operation.blocks[0], qubits, clbits, scope)


@reads_control_flow(BreakLoopOp, ContinueLoopOp)
def _jump(
    lowering: Lowering, operation: Any, qubits: List[int], clbits: Sequence[Clbit], scope: Scope
) -> None:
    if not lowering.loops:
        lowering.fail(operation, "is not inside of a loop")
    jump = Break() if isinstance(operation, BreakLoopOp) else Continue()
    condition = condition_of(operation)
    if condition is None:
        lowering.add(jump)
        return
    where = lowering.where(operation)
    lowered = lower_condition(condition, scope.clbits, where, cut=True)
    lowering.add(IfElse(lowered, (jump,)))
