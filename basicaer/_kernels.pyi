"""Types of the compiled kernels; the contracts are in `_kernels.pyx`."""

from typing import Dict, Tuple

import numpy as np

KERNELS: Dict[str, int]
LANES: Dict[str, int]
CPU_LEVEL: int
REGISTER_BITS: int
MOST_LOW_BITS: int
EXPECTATION_VECTORS: int
DIRECT_MOST_QUBITS: int
CROSS_KINDS: Dict[str, int]

class Executable:
    def __init__(
        self,
        passes: np.ndarray,
        ops: np.ndarray,
        lists: np.ndarray,
        coefficients: np.ndarray,
        scratch_reals: int,
    ) -> None: ...
    def start(
        self, count: int, re: float, im: float, flags: np.ndarray
    ) -> Tuple[bytearray, int]: ...
    def run(self, state: np.ndarray, flags: np.ndarray, sync: np.ndarray, dirty: bool) -> None: ...

def apply_gates(
    state: np.ndarray | None,
    single: bool,
    re: float,
    im: float,
    num_qubits: int,
    live: int,
    kinds: np.ndarray,
    kind: np.ndarray,
    start: np.ndarray,
    qubits: np.ndarray,
    offset: np.ndarray,
    coefficients: np.ndarray,
    shift: int,
    costs: np.ndarray,
    flags: np.ndarray,
) -> Tuple[int, int, int, bytearray | None, int]: ...
def interleave(state: np.ndarray, first: int, last: int, chop: float) -> None: ...
def deinterleave(state: np.ndarray, first: int, last: int) -> None: ...
def prepare(state: np.ndarray, qubits: np.ndarray, amplitudes: np.ndarray) -> None: ...
def scale(state: np.ndarray, re: float, im: float, first: int, last: int) -> None: ...
def project(
    state: np.ndarray, qubit: int, outcome: int, move: bool, factor: float, first: int, last: int
) -> None: ...
def clear_outside(state: np.ndarray, live: int, first: int, last: int) -> None: ...
def probabilities(
    state: np.ndarray,
    low_bits: int,
    low_to: np.ndarray,
    lane_to: np.ndarray,
    high: np.ndarray,
    high_to: np.ndarray,
    summed: np.ndarray,
    row_bits: np.ndarray,
    out: np.ndarray,
    sync: np.ndarray,
    scratch: np.ndarray,
) -> None: ...
def expectations(
    state: np.ndarray,
    x: int,
    z: np.ndarray,
    imaginary: np.ndarray,
    out: np.ndarray,
    sync: np.ndarray,
    scratch: np.ndarray,
) -> None: ...
def block_norms(state: np.ndarray, block: int, out: np.ndarray, sync: np.ndarray) -> None: ...
def sample_blocks(
    state: np.ndarray,
    block: int,
    before: np.ndarray,
    order: np.ndarray,
    uniforms: np.ndarray,
    total: float,
    found: np.ndarray,
    cdf: np.ndarray,
    first: int,
    last: int,
) -> None: ...
def apply_paulis(
    states: np.ndarray,
    size: int,
    which: int,
    x: np.ndarray,
    first: np.ndarray,
    z: np.ndarray,
    re: np.ndarray,
    im: np.ndarray,
    products: np.ndarray,
    sync: np.ndarray,
    flags: np.ndarray,
) -> None: ...
def take_back(
    plan: Executable,
    states: np.ndarray,
    size: int,
    ends: np.ndarray,
    term_ends: np.ndarray,
    terms: np.ndarray,
    out: np.ndarray,
    sync: np.ndarray,
    cut_sync: np.ndarray,
    flags: np.ndarray,
) -> None: ...
