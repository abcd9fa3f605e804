"""Types of the compiled module; the contracts are in `gate_reader.pyx`."""

from typing import Any, Dict, List, NamedTuple, Sequence, Tuple, Union

import numpy as np
from qiskit.circuit import QuantumCircuit

from basicaer._engine.gate_table import Entries
from basicaer._engine.program import Gates, Kind, Program

class FreeCoefficients(NamedTuple):
    offset: int
    entries: Entries
    parameters: Tuple[Any, ...]

class Formula:
    def __init__(self, entries: Entries, num_params: int) -> None: ...
    def __call__(self, *parameters: float) -> Tuple[complex, ...]: ...

class GateReader:
    def __len__(self) -> int: ...
    def read(self, data: List[Any], place: int, index_of: Dict[int, int]) -> int: ...
    def add(
        self, kind: Kind, qubits: Sequence[int], coefficients: Union[Sequence[complex], np.ndarray]
    ) -> None: ...
    def add_free(
        self, kind: Kind, qubits: Sequence[int], entries: Entries, parameters: Tuple[Any, ...]
    ) -> None: ...
    def take(self) -> Tuple[Gates, List[FreeCoefficients], bool]: ...

def plain_program(circuit: QuantumCircuit, unitary_only: bool) -> Union[Program, None]: ...
