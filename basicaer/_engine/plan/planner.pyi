"""Types of the compiled planner; the contracts are in `planner.pyx`."""

from typing import Any, List, Mapping, Sequence

import numpy as np

class Plan:
    passes: np.ndarray
    ops: np.ndarray
    lists: np.ndarray
    coefficients: np.ndarray
    scratch_reals: int
    max_blocks: int
    live: int
    scalar: complex
    work: float
    gates: int
    fused_gates: int
    ends: List[int]

def aligned(count: int, dtype: Any, zero: bool = False) -> np.ndarray: ...
def plan(
    kinds: np.ndarray,
    kind: np.ndarray,
    start: np.ndarray,
    qubits: np.ndarray,
    offset: np.ndarray,
    coefficients: np.ndarray,
    num_qubits: int,
    live: int,
    lane_bits: int,
    capacity: int,
    fusion: bool,
    costs: Mapping[str, float],
    split_time: float,
    cuts: Sequence[int] = (),
) -> Plan: ...
