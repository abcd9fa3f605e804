"""How much memory running a program may take: feeds the program to the formula in `memory`."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Union

from basicaer._engine.memory import Allowance, allowance_of_branches, required_bytes, state_bytes
from basicaer._engine.program import Gates, Measure, Prepare, Program, Reset
from basicaer._engine.shots.flatten import count_draws
from basicaer._engine.work import worth_branches

if TYPE_CHECKING:
    from basicaer._engine.task import Task


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
    """Returns the allowance for running a program.

    Args:
        program: the program to run.
        method: how it is run, see `Task.method`.
        shots: number of shots.
        precision: "double" or "single".
        threads: maximum number of threads.
        listed: whether outcomes are listed one by one.
        limit: bytes that may be used; None for what the system has available.
    """
    num_qubits = program.num_qubits
    measured = len(program.outline.qubits) if method == "sampled" else None
    fixed = _fixed(
        num_qubits,
        precision,
        method == "unitary",
        threads,
        measured,
        shots,
        program.num_clbits,
        listed,
    )
    if method != "branching":
        return fixed
    base = fixed.base
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


@functools.lru_cache(maxsize=256)
def _fixed(
    num_qubits: int,
    precision: str,
    unitary: bool,
    threads: int,
    measured: Union[int, None],
    shots: int,
    num_clbits: int,
    listed: bool,
) -> Allowance:
    """Returns the allowance of a run that cannot use more than it needs; see `required_bytes`."""
    base = required_bytes(
        num_qubits,
        precision=precision,
        unitary=unitary,
        threads=threads,
        measured=measured,
        shots=shots,
        num_clbits=num_clbits,
        memory=listed,
    )
    return Allowance(base, base)


def allowed(task: Task) -> Allowance:
    """Returns the task's own allowance, or else one computed from the available memory."""
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
    """Returns a lower bound on the number of draws that cannot split a group of shots.

    Counted are measurements at the end and resets of qubits that are still in |0>.
    """
    count = 0
    for operation in reversed(program.body):
        if not isinstance(operation, Measure):
            break
        count += 1
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
