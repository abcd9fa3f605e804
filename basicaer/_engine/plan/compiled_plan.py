"""Compiled plans: a gate run in the form that the kernels execute, reusable."""

from __future__ import annotations

import functools
from typing import Any, Hashable, Sequence, Tuple

import numpy as np

from basicaer._engine.costs import KERNEL_COSTS, SPLIT_TIME, TURN_COSTS, TURNS_FROM
from basicaer._engine.plan import planner
from basicaer._engine.program import Gates, Kind

_KEPT = 8
"""Maximum number of plans that are kept for the gate runs of one structure."""


@functools.lru_cache(maxsize=256)
def kind_rows(kinds: Tuple[Kind, ...]) -> np.ndarray:
    """Returns the kinds as an int64 array, one row each with the fields of `Kind`."""
    return np.array(kinds, dtype=np.int64).reshape(len(kinds), len(Kind._fields))


class CompiledPlan:
    """A planned gate run, ready to be executed.

    Attributes:
        executable: the kernels' `Executable`.
        live: mask of the qubits that may differ from |0> afterwards.
        max_blocks: maximum number of threads that can work at once.
        num_passes: number of passes through the state.
        scalar: factor for the single amplitude of a fresh state.
        ends: number of passes up to each cut, and of all passes.
        summary: statistics: "gates", "fused_gates", "passes", "operations", "amplitude_gates".
    """

    __slots__ = (
        "_kernels",
        "_plan",
        "_single",
        "ends",
        "executable",
        "live",
        "max_blocks",
        "num_passes",
        "scalar",
        "summary",
    )

    def __init__(
        self,
        gates: Gates,
        kernels: Any,
        dtype: Any,
        *,
        num_qubits: int,
        live: int,
        lane_bits: int,
        capacity: int,
        shift: int,
        fusion: bool,
        cuts: Sequence[int] = (),
    ) -> None:
        """Plans a gate run.

        Args:
            gates: the gate run.
            kernels: the build of the kernels to execute it with.
            dtype: of the reals of the state.
            num_qubits, live, lane_bits, capacity, fusion, cuts: see `planner.plan`.
            shift: added to each qubit.
        """
        self._single = dtype == np.float32
        turns = num_qubits >= TURNS_FROM
        plan = planner.plan(
            kind_rows(gates.kinds),
            gates.kind,
            gates.start,
            gates.qubits + np.int32(shift) if shift else gates.qubits,
            gates.offset,
            gates.coefficients.view(np.float64),
            num_qubits,
            live,
            lane_bits,
            capacity,
            fusion,
            TURN_COSTS if turns else KERNEL_COSTS,
            SPLIT_TIME,
            cuts,
            self._single,
            kernels.REGISTER_BITS if turns else 0,
        )
        self._kernels = kernels
        self._plan = plan if gates.plans.of_structure is not None else None
        self.executable = kernels.Executable(
            plan.passes, plan.ops, plan.lists, plan.coefficients, plan.scratch_reals
        )
        self.ends = plan.ends
        self.live = plan.live
        self.scalar = plan.scalar
        self.max_blocks = plan.max_blocks
        self.num_passes = len(plan.passes)
        self.summary = {
            "gates": plan.gates,
            "fused_gates": plan.fused_gates,
            "passes": len(plan.passes),
            "operations": len(plan.ops),
            "amplitude_gates": plan.work,
        }

    def refreshed(self, gates: Gates) -> CompiledPlan | None:
        """Returns the plan of a gate run that differs in coefficients only, from this one.

        It is the one that planning anew would make, bit for bit. Returns None if other values lead
        to other decisions.

        Raises:
            ValueError: the gate run that was planned shares no plans with others, see
                `Gates.refilled`; or it has more or fewer coefficients.
        """
        plan = self._plan
        if plan is None:
            raise ValueError("the plan is of a gate run that shares no plans")
        found = plan.recipe.refresh(gates.coefficients, self._single)
        if found is None:
            return None
        coefficients, scalar = found
        other: CompiledPlan = object.__new__(CompiledPlan)
        other._kernels = kernels = self._kernels
        other._single = self._single
        other._plan = plan
        other.executable = kernels.Executable(
            plan.passes, plan.ops, plan.lists, coefficients, plan.scratch_reals
        )
        other.ends = self.ends
        other.live = self.live
        other.scalar = scalar
        other.max_blocks = self.max_blocks
        other.num_passes = self.num_passes
        other.summary = self.summary
        return other


def compiled_plan(gates: Gates, key: Hashable, **how: Any) -> CompiledPlan:
    """Returns the plan of a gate run, made from one of its structure if there is one.

    Args:
        gates: the gate run.
        key: all that the plan depends on beside the gates.
        how: see `CompiledPlan`.
    """
    of_structure = gates.plans.of_structure
    if of_structure is None:
        return CompiledPlan(gates, **how)
    known = of_structure.get(key)
    if known is not None:
        found = known.refreshed(gates)
        if found is not None:
            return found
    made = CompiledPlan(gates, **how)
    while len(of_structure) >= _KEPT and key not in of_structure:
        try:
            of_structure.pop(next(iter(of_structure)), None)
        except (RuntimeError, StopIteration):  # another thread has changed it
            continue
    of_structure[key] = made
    return made
