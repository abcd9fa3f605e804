"""Types of the compiled module; the contracts are in `small.pyx`."""

from typing import Any, Sequence, Tuple, Union

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

class GroupLine:
    def __init__(
        self, most_groups: int, most_circuits: int, shots: int, single: bool, flags: np.ndarray
    ) -> None: ...
    def add(
        self,
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
        seeds: np.ndarray,
        uniforms: np.ndarray,
        rows: np.ndarray,
        values: np.ndarray,
        counts: np.ndarray,
        found: np.ndarray,
        totals: np.ndarray,
        listed: np.ndarray,
        seconds: np.ndarray,
        fill: Any,
    ) -> int: ...
    def close(self) -> None: ...
    def welcome(self, seconds: float) -> None: ...
    def work(self) -> None: ...
    def finish(self) -> None: ...
    def left(self) -> int: ...

def draw_outcomes(
    num_qubits: int,
    kinds: Tuple[Kind, ...],
    kind: np.ndarray,
    start: np.ndarray,
    qubits: np.ndarray,
    offset: np.ndarray,
    coefficients: np.ndarray,
    amplitude: complex,
    single: bool,
    measured: Sequence[int],
    shots: int,
    seed: int,
    uniforms: Union[np.ndarray, None],
    flags: np.ndarray,
) -> Tuple[np.ndarray, float, float]: ...
