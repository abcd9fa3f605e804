"""What a run of a program may hold: the program's numbers, for the formula in `_memory`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Union

from basicaer._flow import count_draws
from basicaer._memory import Allowance, allowance_of_branches, required_bytes, state_bytes
from basicaer._program import Gates, Measure, Prepare, Program, Reset
from basicaer._work import worth_branches

if TYPE_CHECKING:
    from basicaer._task import Task


def allowance_of(
    program: Program,
    method: str,
    *,
    shots: int,
    precision: str,
    threads: int,
    listed: bool = False,
    limit: Union[int, None] = None,
) -> Allowance:
    """Returns what a run may hold.

    Args:
        program: what is run.
        method: how, see `Task.method`.
        shots: how often.
        precision: "double" or "single".
        threads: the most to use.
        listed: whether outcomes are listed one by one.
        limit: bytes that there are; None for what is available.
    """
    num_qubits = program.num_qubits
    base = required_bytes(
        num_qubits,
        precision=precision,
        unitary=method == "unitary",
        threads=threads,
        measured=len(program.outline.qubits) if method == "sampled" else None,
        shots=shots,
        num_clbits=program.num_clbits,
        memory=listed,
    )
    if method != "branching":
        return Allowance(base, base)
    draws = count_draws(program.body)
    return allowance_of_branches(
        base,
        state_bytes(num_qubits, precision),
        num_qubits,
        shots=shots,
        draws=draws,
        branching=0 if draws is None else draws - _never_branching(program),
        ends=1 << min(program.num_clbits, 60),
        threads=threads if threads > 1 and worth_branches(num_qubits) else 1,
        limit=limit,
    )


def allowed(task: Task) -> Allowance:
    """Returns what a task may hold; what there is if it does not say so itself."""
    if task.allowance is not None:
        return task.allowance
    return allowance_of(
        task.program,
        task.method,
        shots=task.shots,
        precision=task.precision,
        threads=task.threads,
    )


def _never_branching(program: Program) -> int:
    """Returns how many draws are sure not to make shots part, at the least.

    These are the measurements that nothing follows, and resets of qubits that are still in |0>.
    """
    count = 0
    for operation in reversed(program.body):
        if not isinstance(operation, Measure):
            break
        count += 1
    if not any(operation.__class__ is Reset for operation in program.body):
        return count
    touched = set()
    for operation in program.body:
        if isinstance(operation, Gates):
            touched.update(operation.qubits.tolist())
        elif isinstance(operation, Prepare):
            touched.update(operation.qubits)
        elif isinstance(operation, Reset):
            count += operation.qubit not in touched
        elif not isinstance(operation, Measure):
            break
    return count
