"""Estimates of the work of a task, and the decisions that depend on it. Figures: `costs`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Mapping

from basicaer._engine import costs

if TYPE_CHECKING:
    from basicaer._engine.program import Program
    from basicaer._engine.task import Task

_MOST_BITS = 60
"""Widths above this count as this: no machine holds such a state."""


def one_run(program: Program, unitary: bool = False) -> int:
    """Returns the amplitude-gates of one run of a program; while loops count as one iteration."""
    width = program.num_qubits * (2 if unitary else 1)
    return max(1, program.outline.num_gates) << min(width, _MOST_BITS)


def amplitude_gates(task: Task) -> int:
    """Returns a rough upper bound on the amplitude-gates of a task."""
    if task.stand_in is not None:
        return task.stand_in.work
    work = one_run(task.program, task.output == "unitary")
    if task.method in ("branching", "shot_by_shot"):
        first, last = (0, task.shots) if task.part is None else task.part
        work *= last - first
    return work


def nanoseconds(task: Task, work: int, listed: bool) -> float:
    """Returns a rough upper bound on the time from `run()` to `result()` on one thread.

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


def nanoseconds_of_groups(circuits: int, work: int, shots: int) -> float:
    """Returns a rough upper bound on the time that circuits in groups take on one thread.

    Args:
        circuits: number of circuits.
        work: their amplitude-gates, together.
        shots: of each circuit.
    """
    each = costs.GROUPED_NS + shots * costs.GROUPED_SHOT_NS
    return circuits * each + work * costs.GROUPED_GATE_NS


def groups_at_once(groups: int, nanoseconds: float, threads: int) -> int:
    """Returns how many threads are to carry out so many groups, at most `threads`."""
    return min(groups, threads) if nanoseconds >= costs.GROUPS_NS else 1


def worth_threads(work: float, what: str = "state") -> bool:
    """Returns whether several threads pay for the given amplitude-gates.

    Args:
        work: amplitude-gates of one operation on a "state", otherwise of each item.
        what: the threads share one "state", or each takes items of its own: "circuits", "branches"
            of a circuit, or "points" of a primitive.
    """
    return work >= costs.THREADS_WORK[what]


def worth_branches(num_qubits: int) -> bool:
    """Returns whether threads that each follow their own branch pay at this width.

    Between two draws a branch takes about four passes: two to copy it (read and write), one to
    collapse it, one for probabilities.
    """
    return worth_threads(4 * costs.PASS_GATES << min(num_qubits, _MOST_BITS), "branches")


def worth_a_look(statistics: Mapping[str, float]) -> bool:
    """Returns whether one more pass over a state is negligible beside the work done on it."""
    passes, operations = statistics.get("passes", 0), statistics.get("operations", 0)
    return max(costs.PASS_GATES * passes, operations) >= costs.WATCHED
