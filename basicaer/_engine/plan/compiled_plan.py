"""Compiled plans: a gate run in the form that the kernels execute, reusable."""

from __future__ import annotations

import functools
from typing import Any, Sequence, Tuple

import numpy as np

from basicaer._engine.costs import KERNEL_COSTS, SPLIT_TIME
from basicaer._engine.plan import planner
from basicaer._engine.program import Gates, Kind


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

    __slots__ = ("ends", "executable", "live", "max_blocks", "num_passes", "scalar", "summary")

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
            KERNEL_COSTS,
            SPLIT_TIME,
            cuts,
        )
        coefficients = plan.coefficients
        if coefficients.dtype != dtype:
            coefficients = planner.aligned(len(coefficients), dtype)
            coefficients[:] = plan.coefficients
        self.executable = kernels.Executable(
            plan.passes, plan.ops, plan.lists, coefficients, plan.scratch_reals
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
