"""Whether the gates on a narrow state are applied one by one, or planned."""

from __future__ import annotations

from basicaer._engine.costs import PLAN_GATE_NS, PLAN_NS, PLANNED_NS
from basicaer._engine.program import Gates
from basicaer._engine.state import small

_FEW = 64
"""Gate runs of up to so many gates that are applied once are never planned."""


def needs_no_plan(num_qubits: int, gates: Gates, again: bool) -> bool:
    """Returns whether applying gates one by one to a narrow state is faster than planning them.

    It must depend only on the gates, the width and `again`: it determines the order of sums.

    Args:
        num_qubits: at most `small.MOST_QUBITS`.
        gates: the gate run.
        again: see `State.apply`.
    """
    if len(gates.kinds) > small.MOST_KINDS:
        return False
    count = len(gates.kind)
    if not again and count <= _FEW:
        return True
    key = (num_qubits, again)
    known = gates.plans.needless.get(key)
    if known is None:
        most = PLANNED_NS if again else PLAN_NS + PLAN_GATE_NS * count
        known = small.nanoseconds(num_qubits, gates.kinds, gates.kind) <= most
        gates.plans.needless[key] = known
    return known
