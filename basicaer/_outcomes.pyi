"""Types of the compiled module; the contracts are in `_outcomes.pyx`."""

from typing import Dict, Tuple

import numpy as np

def draw(probabilities: np.ndarray, uniforms: np.ndarray) -> Tuple[float, np.ndarray]: ...
def count(values: np.ndarray) -> Dict[str, int]: ...
