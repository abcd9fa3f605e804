"""Types of `sites.pyx`, which has the contracts."""

import numpy as np

class Sites:
    def __init__(
        self,
        entries: np.ndarray,
        sites: np.ndarray,
        gates: np.ndarray,
        angles: np.ndarray,
    ) -> None: ...
    def derivatives(
        self,
        sums: np.ndarray,
        coefficients: np.ndarray,
        generators: np.ndarray,
        out: np.ndarray,
    ) -> None: ...
