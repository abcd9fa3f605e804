"""How much work a task is, and what follows from that: estimates by the figures of `costs`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Mapping

from basicaer._engine import costs

if TYPE_CHECKING:
    from basicaer._engine.program import Program
    from basicaer._engine.task import Task

_MOST_BITS = 60
"""Width from which states are taken for equally large: nobody holds one."""


def one_run(program: Program, unitary: bool = False) -> int:
    """Returns the amplitude-gates of one run of a program, the body of a while loop taken once."""
    width = program.num_qubits * (2 if unitary else 1)
    return max(1, program.outline.num_gates) << min(width, _MOST_BITS)


def amplitude_gates(task: Task) -> int:
    """Returns the amplitude-gates that a task takes at most, about."""
    work = one_run(task.program, task.output == "unitary")
    if task.method in ("branching", "shot_by_shot"):
        first, last = (0, task.shots) if task.part is None else task.part
        work *= last - first
    return work


def nanoseconds(task: Task, work: int, listed: bool) -> float:
    """Returns how long a task takes on one thread, from `run()` to `result()`, at most, about.

    Args:
        task: the task.
        work: its `amplitude_gates`.
        listed: whether its outcomes are listed one by one.
    """
    total = costs.CIRCUIT_NS + work * costs.GATE_NS
    total += task.program.outline.num_gates * costs.PLAN_GATE_NS
    if task.output == "counts":
        total += task.shots * (costs.SHOT_NS + (costs.LISTED_NS if listed else 0))
    return total


def worth_threads(work: float, what: str = "state") -> bool:
    """Returns whether several threads pay for so many amplitude-gates.

    Args:
        work: of one state, all that is done to it at a time; otherwise of each of the things.
        what: the threads share a "state", or they take "circuits", "branches" of a circuit, or
            "points" of a primitive each on its own.
    """
    return work >= costs.THREADS_WORK[what]


def worth_branches(num_qubits: int) -> bool:
    """Returns whether several threads, each with a branch of its own, pay at this width.

    Between two draws a branch is copied (one pass reads, one writes), collapsed, and asked for
    probabilities.
    """
    return worth_threads(4 * costs.PASS_GATES << min(num_qubits, _MOST_BITS), "branches")


def worth_a_look(statistics: Mapping[str, float]) -> bool:
    """Returns whether one more pass over a state is nothing beside what was done to it."""
    passes, operations = statistics.get("passes", 0), statistics.get("operations", 0)
    return max(costs.PASS_GATES * passes, operations) >= costs.WATCHED
