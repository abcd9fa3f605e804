"""Types of `sites.pyx`, which has the contracts."""

import numpy as np

def derivatives(
    sums: np.ndarray,
    norms: np.ndarray,
    entries: np.ndarray,
    sites: np.ndarray,
    gates: np.ndarray,
    angles: np.ndarray,
    coefficients: np.ndarray,
    generators: np.ndarray,
    out: np.ndarray,
) -> None: ...
