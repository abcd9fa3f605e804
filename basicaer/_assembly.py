"""Gates, one after another, into the flat arrays of `Gates`."""

from __future__ import annotations

import math
from typing import Any, Dict, List, NamedTuple, Sequence, Tuple

import numpy as np

from basicaer._gates import ROW_OF_CLASS, SINGLETON_OF_CLASS, Entries
from basicaer._program import DENSE, Gates, Kind

SHARED_INSTANCE = -2
"""Check of an `Entry`: the gate is immutable, there is nothing to check."""
NO_CTRL_STATE = -1
"""Check of an `Entry`: the gate may have a condition, but no control state."""

_LARGE = 256
"""From this many coefficients on, a matrix is kept as an array, not as numbers in a list."""


class Entry(NamedTuple):
    """What is known of a class of gates within a run.

    Attributes:
        kind: index of its kind in the run.
        entries: function of its parameters; None if it has none.
        offset: where its coefficients are, if it has no parameters.
        check: `SHARED_INSTANCE`, `NO_CTRL_STATE`, or the control state of its kind.
    """

    kind: int
    entries: Entries | None
    offset: int
    check: int


class Free(NamedTuple):
    """Coefficients that depend on parameters without a value yet.

    Attributes:
        offset: where they are.
        entries: the function of the parameters that gives them.
        parameters: numbers and parameter expressions.
    """

    offset: int
    entries: Entries
    parameters: Tuple[Any, ...]


class Run:
    """Collects the gates between two other operations.

    The lists and the dictionary are emptied by `take`, never replaced, so that whoever fills them
    in a loop can hold on to them.
    """

    def __init__(self) -> None:
        self.known: Dict[type, Entry] = {}
        self.kind: List[int] = []
        self.qubits: List[int] = []
        self.offset: List[int] = []
        self.coefficients: List[complex] = []
        self._kinds: Dict[Kind, int] = {}
        self._large: List[Tuple[int, np.ndarray]] = []
        self._free: List[Free] = []

    def recognise(self, operation: Any) -> Entry | None:
        """Makes a gate's class known to this run; None if the gate is not one of the simple ones.

        Simple is a gate of the table, of one part, that has neither a condition nor another control
        state than its class.
        """
        gate_class = operation.__class__
        row = SINGLETON_OF_CLASS.get(gate_class)
        shared = row is not None
        if row is None:
            row = ROW_OF_CLASS.get(gate_class)
        if row is None or len(row.parts) != 1:
            return None
        part = row.parts[0]
        if shared:
            check = SHARED_INSTANCE
        else:
            check = part.kind.control_state if row.num_controls else NO_CTRL_STATE
            if operation.condition is not None:
                return None
            if row.num_controls and operation.ctrl_state != check:
                return None
        kind = self._kinds.setdefault(part.kind, len(self._kinds))
        offset = len(self.coefficients)
        self.coefficients.extend(part.constant)
        entry = Entry(kind, part.entries if row.num_params else None, offset, check)
        self.known[gate_class] = entry
        return entry

    def add(
        self, kind: Kind, qubits: Sequence[int], coefficients: Sequence[complex] | np.ndarray
    ) -> None:
        """Adds one gate: its qubits, controls first, and its coefficients."""
        if isinstance(coefficients, np.ndarray):
            if len(coefficients) >= _LARGE:
                self._large.append((len(self.kind), coefficients.astype(np.complex128)))
                coefficients = ()
            else:
                coefficients = coefficients.tolist()
        self.kind.append(self._kinds.setdefault(kind, len(self._kinds)))
        self.qubits.extend(qubits)
        self.offset.append(len(self.coefficients))
        self.coefficients.extend(coefficients)

    def add_free(
        self, kind: Kind, qubits: Sequence[int], entries: Entries, parameters: Tuple[Any, ...]
    ) -> None:
        """Adds one gate whose coefficients are to be filled in for each set of values."""
        self._free.append(Free(len(self.coefficients), entries, parameters))
        self.add(kind, qubits, (0j,) * (1 << kind.num_targets * (2 if kind.form == DENSE else 1)))

    def take(self) -> Tuple[Gates, List[Free]]:
        """Returns the gates so far, which may be none, and starts anew."""
        kinds = tuple(self._kinds)
        kind = np.array(self.kind, dtype=np.int32)
        width = np.array([k.num_controls + k.num_targets for k in kinds], dtype=np.int32)
        start = np.zeros(len(kind) + 1, dtype=np.int32)
        if len(kind):
            width.take(kind).cumsum(dtype=np.int32, out=start[1:])
        offset = np.array(self.offset, dtype=np.int64)
        coefficients = np.array(self.coefficients, dtype=np.complex128)
        if self._large:
            end = len(coefficients)
            for gate, matrix in self._large:
                offset[gate] = end
                end += len(matrix)
            coefficients = np.concatenate([coefficients, *(m for _, m in self._large)])
        qubits = np.array(self.qubits, dtype=np.int32)
        free = self._free
        self.known.clear()
        self.kind.clear()
        self.qubits.clear()
        self.offset.clear()
        self.coefficients.clear()
        self._kinds.clear()
        self._large.clear()
        self._free = []
        return Gates(kinds, kind, start, qubits, offset, coefficients), free


def is_finite(gates: Gates) -> bool:
    """Returns whether no coefficient is NaN or infinite."""
    return math.isfinite(np.vdot(gates.coefficients, gates.coefficients).real)
