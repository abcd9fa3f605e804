"""A run of gates, planned and compiled: what the kernels are called with, any number of times."""

from __future__ import annotations

import functools
from typing import Any, Tuple

import numpy as np

from basicaer import _buffers, _planning
from basicaer._costs import KERNEL_COSTS, SPLIT_TIME
from basicaer._program import Gates, Kind


@functools.lru_cache(maxsize=256)
def kind_rows(kinds: Tuple[Kind, ...]) -> np.ndarray:
    """Returns kinds of gates as rows of integers."""
    return np.array(kinds, dtype=np.int64).reshape(len(kinds), len(Kind._fields))


class Prepared:
    """A plan, and what it does to a state.

    Attributes:
        executable: of the kernels.
        live: mask of the qubits that can be other than |0> after it.
        max_blocks: more threads than that are no use.
        num_passes: how often it goes through the state.
        scalar: to be multiplied to a fresh state's only amplitude.
        summary: what is told of it.
    """

    __slots__ = ("executable", "live", "max_blocks", "num_passes", "scalar", "summary")

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
    ) -> None:
        """Plans a run of gates.

        Args:
            gates: the run.
            kernels: the build that is to carry it out.
            dtype: of the reals of the state.
            num_qubits, live, lane_bits, capacity, fusion: see `_planning.plan`.
            shift: added to each qubit.
        """
        plan = _planning.plan(
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
        )
        coefficients = plan.coefficients
        if coefficients.dtype != dtype:
            coefficients = _buffers.aligned(len(coefficients), dtype)
            coefficients[:] = plan.coefficients
        self.executable = kernels.Executable(
            plan.passes, plan.ops, plan.lists, coefficients, plan.scratch_reals
        )
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
