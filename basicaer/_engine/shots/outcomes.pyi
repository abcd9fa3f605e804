"""Types of the compiled module; the contracts are in `outcomes.pyx`."""

from typing import Dict

import numpy as np

def seeded_rows(seeds: np.ndarray, count: int) -> np.ndarray: ...

class Uniforms:
    def __init__(self, seed: int, first: int = 0) -> None: ...
    def take(self, count: int) -> np.ndarray: ...

class CumulativeTable:
    total: float
    def __init__(self, probabilities: np.ndarray, draws: int) -> None: ...
    def draw(self, uniforms: np.ndarray) -> np.ndarray: ...

def count(values: np.ndarray) -> Dict[str, int]: ...
def draw_rows(
    probabilities: np.ndarray,
    sizes: np.ndarray,
    uniforms: np.ndarray,
    rows: np.ndarray,
    values: np.ndarray,
    counts: np.ndarray,
    found: np.ndarray,
    totals: np.ndarray,
    listed: np.ndarray,
) -> None: ...
