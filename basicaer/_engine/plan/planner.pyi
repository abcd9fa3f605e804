"""Types of the compiled planner; the contracts are in `planner.pyx`."""

from typing import Any, List, Mapping, Sequence, Tuple, Union

import numpy as np

class Recipe:
    def refresh(
        self, coefficients: np.ndarray, single: bool
    ) -> Union[Tuple[np.ndarray, complex], None]: ...

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
    recipe: Recipe

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
    single: bool = False,
    register_bits: int = 0,
) -> Plan: ...
