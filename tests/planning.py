"""Plans of gate runs, without states."""

from __future__ import annotations

import numpy as np

from basicaer._engine.costs import KERNEL_COSTS, SPLIT_TIME
from basicaer._engine.plan import planner
from basicaer._engine.plan.compiled_plan import kind_rows
from basicaer._engine.program import Gates


def plan_of(
    gates: Gates,
    num_qubits: int,
    lane_bits: int,
    capacity: int,
    *,
    fresh: bool = False,
    fusion: bool = True,
    split_time: float = SPLIT_TIME,
    **options: object,
) -> planner.Plan:
    """Returns the plan of a gate run, for |0...0> if `fresh`; the rest as `planner.plan` has it."""
    return planner.plan(
        kind_rows(gates.kinds),
        gates.kind,
        gates.start,
        gates.qubits,
        gates.offset,
        gates.coefficients.view(np.float64),
        num_qubits,
        0 if fresh else 2**num_qubits - 1,
        lane_bits,
        capacity,
        fusion,
        KERNEL_COSTS,
        split_time,
        **options,
    )
