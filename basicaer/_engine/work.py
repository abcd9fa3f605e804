"""Estimates of the work of a task, and the decisions that depend on it. Figures: `costs`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Mapping

from basicaer._engine import costs
from basicaer._engine.program import MOST_BITS

if TYPE_CHECKING:
    from basicaer._engine.task import Task


def nanoseconds(task: Task, listed: bool) -> float:
    """Returns a rough upper bound on the time from `run()` to `result()` on one thread.

    Args:
        task: the task.
        listed: whether its outcomes are listed one by one.
    """
    gates = task.program.outline.num_gates
    total = costs.CIRCUIT_NS + task.work * costs.GATE_NS + gates * costs.PLAN_GATE_NS
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
    return worth_threads(4 * costs.PASS_GATES << min(num_qubits, MOST_BITS), "branches")


def worth_a_look(statistics: Mapping[str, float]) -> bool:
    """Returns whether one more pass over a state is negligible beside the work done on it."""
    passes, operations = statistics.get("passes", 0), statistics.get("operations", 0)
    return max(costs.PASS_GATES * passes, operations) >= costs.WATCHED
