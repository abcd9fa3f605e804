"""Types of the compiled module; the contracts are in `small.pyx`."""

from typing import Sequence, Tuple

import numpy as np

from basicaer._engine.program import Kind

MOST_QUBITS: int
MOST_KINDS: int

def nanoseconds(num_qubits: int, kinds: Tuple[Kind, ...], kind: np.ndarray) -> float: ...
def apply(
    state: np.ndarray,
    lane_bits: int,
    num_qubits: int,
    kinds: Tuple[Kind, ...],
    kind: np.ndarray,
    start: np.ndarray,
    qubits: np.ndarray,
    offset: np.ndarray,
    coefficients: np.ndarray,
    shift: int,
    flags: np.ndarray,
) -> None: ...
def expectations(
    num_qubits: int,
    kinds: Tuple[Kind, ...],
    kind: np.ndarray,
    start: np.ndarray,
    qubits: np.ndarray,
    offset: np.ndarray,
    coefficients: np.ndarray,
    first: int,
    last: int,
    x: np.ndarray,
    z: np.ndarray,
    out: np.ndarray,
    flags: np.ndarray,
) -> None: ...
def probabilities(
    state: np.ndarray, lane_bits: int, num_qubits: int, qubits: Sequence[int]
) -> np.ndarray: ...
def distributions(
    kinds: Tuple[Kind, ...],
    kind: np.ndarray,
    start: np.ndarray,
    qubits: np.ndarray,
    offset: np.ndarray,
    coefficients: np.ndarray,
    ends: np.ndarray,
    widths: np.ndarray,
    amplitudes: np.ndarray,
    measured: np.ndarray,
    single: bool,
    out: np.ndarray,
    flags: np.ndarray,
) -> None: ...
