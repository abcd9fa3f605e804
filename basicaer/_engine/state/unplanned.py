"""Gates that are applied without a plan: when that takes less time, and how.

- Up to six qubits gates can go one by one (`small`).
- In states of one cache block they can go directly (`kernels/direct.pxi`): multiplied as a plan
  would have them multiplied, but applied as they are read.

What is decided here must depend only on the gates, the width, the precision and whether the gates
are applied again: it determines the order of sums.
"""

from __future__ import annotations

import functools
from typing import Any, Dict, Tuple

import numpy as np

from basicaer._engine.costs import (
    DIRECT_GATE_NS,
    DIRECT_OPERATION_NS,
    KERNEL_COSTS,
    PLAN_GATE_NS,
    PLAN_NS,
    PLAN_SAVES_NS,
    PLANNED_NS,
    block_qubits,
)
from basicaer._engine.plan.compiled_plan import kind_rows
from basicaer._engine.program import Gates, Kind
from basicaer._engine.state import small
from basicaer._engine.state.dispatch import kernels as _some_build

MOST_ONE_BY_ONE = small.MOST_QUBITS
"""Maximum width at which gates may be applied one by one."""
MOST_DIRECT: int = _some_build.DIRECT_MOST_QUBITS
"""Maximum width at which gates may go directly."""
_FEW = 64
"""Gate runs of up to so many gates that are applied once always go one by one if they can."""

_COSTS = np.array(
    [KERNEL_COSTS[name] for name in ("diagonal", "move", "real1", "dense1", "real2", "dense2")]
    + [DIRECT_OPERATION_NS]
)


# --- the way -----------------------------------------------------------------------------------


def way_of(
    gates: Gates, num_qubits: int, width: int, precision: str, fusion: bool, again: bool
) -> str:
    """Returns how a gate run is applied the fastest: "one by one", "directly" or "planned".

    Args:
        gates: the gate run.
        num_qubits, width: of the state, those of a vector at least counted in `width`.
        precision: of the state.
        fusion: whether gates may be multiplied.
        again: whether the gate run may be applied to other states too, so that a plan for it pays
            sooner.
    """
    count = len(gates.kind)
    small_enough = num_qubits <= MOST_ONE_BY_ONE and len(gates.kinds) <= small.MOST_KINDS
    if small_enough and count <= _FEW and not again:
        return "one by one"
    direct = (
        fusion
        and not again
        and gates.plans.of_structure is None
        and width <= MOST_DIRECT
        and width <= block_qubits(width, precision)
        and _known(gates.kinds)
        and _plan_is_slower(count, width)
    )
    if small_enough:
        key = (num_qubits, again, direct)
        found = gates.plans.needless.get(key)
        if found is None:
            most = PLANNED_NS if again else PLAN_NS + PLAN_GATE_NS * count
            if direct:
                most = (DIRECT_GATE_NS + DIRECT_OPERATION_NS) * count
            found = small.nanoseconds(num_qubits, gates.kinds, gates.kind) <= most
            gates.plans.needless[key] = found
        if found:
            return "one by one"
    return "directly" if direct else "planned"


@functools.lru_cache(maxsize=256)
def _known(kinds: Tuple[Kind, ...]) -> bool:
    """Returns whether gates of these kinds can go directly."""
    return all(kind.num_targets <= 2 for kind in kinds)


def _plan_is_slower(count: int, width: int) -> bool:
    """Returns whether a plan for gates that are applied once takes longer than it saves.

    The state is one block, so threads could not share the work of a plan either.
    """
    return PLAN_NS + (PLAN_GATE_NS - DIRECT_GATE_NS) * count > PLAN_SAVES_NS * (count << width)


# --- the ways without a plan -------------------------------------------------------------------


def apply_one_by_one(
    gates: Gates,
    reals: np.ndarray,
    lane_bits: int,
    num_qubits: int,
    shift: int,
    flags: np.ndarray,
) -> Dict[str, float]:
    """Applies the gates one by one; returns statistics as `State.apply`."""
    small.apply(
        reals,
        lane_bits,
        num_qubits,
        gates.kinds,
        gates.kind,
        gates.start,
        gates.qubits,
        gates.offset,
        gates.coefficients,
        shift,
        flags,
    )
    return statistics_of(len(gates), len(gates), len(gates), num_qubits)


def apply_directly(
    gates: Gates,
    kernels: Any,
    reals: np.ndarray | None,
    precision: str,
    amplitude: complex,
    width: int,
    live: int,
    shift: int,
    flags: np.ndarray,
) -> Tuple[Dict[str, float], int, bytearray | None, int]:
    """Applies the gates as they are read.

    Returns:
        Statistics as `State.apply`; the rest is, as the arguments are, that of
        `kernels.apply_gates`.
    """
    fused, operations, live, memory, skip = kernels.apply_gates(
        reals,
        precision == "single",
        amplitude.real,
        amplitude.imag,
        width,
        live,
        kind_rows(gates.kinds),
        gates.kind,
        gates.start,
        gates.qubits,
        gates.offset,
        gates.coefficients,
        shift,
        _COSTS,
        flags,
    )
    return statistics_of(len(gates), fused, operations, width), live, memory, skip


def statistics_of(gates: int, fused: int, operations: int, width: int) -> Dict[str, float]:
    """Returns what `State.apply` does, of gates that had no plan."""
    return {
        "gates": gates,
        "fused_gates": fused,
        "passes": 1,
        "operations": operations,
        "amplitude_gates": float(operations << width),
    }
