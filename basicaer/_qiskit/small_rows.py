"""Expectation values of a circuit of a few qubits at many points, by compiled calls.

What a point costs here is its kernels. As one of `points`, with a program and a state of its own,
it takes some 50 us of Python.
"""

from __future__ import annotations

from typing import Any, Callable, Sequence, Tuple, Union

import numpy as np

from basicaer._engine import threads as _threads
from basicaer._engine.control import Control
from basicaer._engine.costs import WAKE_NS
from basicaer._engine.memory import describe
from basicaer._engine.pauli_sums import PauliSum, PauliSums
from basicaer._engine.program import Gates
from basicaer._engine.state import small
from basicaer._jobs import budget, queue
from basicaer._qiskit.circuits.lowered import LoweredCircuit
from basicaer._qiskit.errors import BasicAerError, raises_public_errors
from basicaer._qiskit.points import Using

_ROWS = 1024
"""Points for which coefficients are made at a time."""
_FEWEST = 8
"""Points that a thread takes at a time."""
_STRING_NS = 0.6
"""Nanoseconds per amplitude of a Pauli string."""


class SmallRows:
    """A circuit that can be run so: one gate run from |0...0>, on at most six qubits.

    Args:
        lowered: the circuit.
        gates: its gate run.
        sums: the observables.
        threads: the most threads.

    Attributes:
        nanoseconds: the estimated time of a point.
    """

    def __init__(
        self, lowered: LoweredCircuit, gates: Gates, sums: Sequence[PauliSum], threads: int
    ) -> None:
        self._lowered = lowered
        self._gates = gates
        self._sums = PauliSums(sums)
        self._threads = threads
        width = lowered.num_qubits
        self.nanoseconds = small.nanoseconds(width, gates.kinds, gates.kind) + _STRING_NS * (
            len(self._sums.x) << width
        )

    @classmethod
    def of(
        cls, lowered: LoweredCircuit, sums: Sequence[PauliSum], using: Using
    ) -> Union[SmallRows, None]:
        """Returns how to run a circuit; None if it cannot be run so."""
        if lowered.num_qubits > small.MOST_QUBITS or using.precision != "double":
            return None
        gates = lowered.sweep.only_run
        if gates is None or len(gates.kinds) > small.MOST_KINDS:
            return None
        return cls(lowered, gates, sums, using.threads)

    def required_bytes(self, points: int) -> int:
        """Returns the bytes that a number of points takes, results included."""
        rows = min(points, _ROWS)
        held = 16 * len(self._gates.coefficients) + 8 * len(self._sums.x)
        return rows * held + 8 * points * len(self._sums.sums)

    def fill(
        self,
        rows: np.ndarray,
        pairs: Sequence[Sequence[Tuple[int, int]]],
        out: np.ndarray,
        control: Control,
    ) -> None:
        """Computes expectation values and puts them where they are wanted.

        Args:
            rows: values of the parameters, shape (rows, parameters).
            pairs: of each row, the observables and the elements of `out`, as `broadcast_pairs`
                returns them.
            out: float64, flat.
            control: of the job; may cancel it.

        Raises:
            Cancelled: the job was cancelled.
            EngineError: values are not finite.
        """
        control.add_total(len(rows) * len(self._gates) << self._lowered.num_qubits)
        for first in range(0, len(rows), _ROWS):
            found = self._some(rows[first : first + _ROWS], control)
            for values, wanted in zip(found, pairs[first : first + _ROWS]):
                for which, target in wanted:
                    out[target] = values[which]

    def _some(self, rows: np.ndarray, control: Control) -> np.ndarray:
        """Returns the values of some rows, float64, shape (rows, observables)."""
        gates, sums = self._gates, self._sums
        coefficients = self._lowered.sweep.coefficients(rows)
        out = np.empty((len(rows), len(sums.x)))
        share = max(_FEWEST, -(-len(rows) // (4 * self._threads)))
        starts = iter(range(0, len(rows), share))

        def work() -> None:
            for first in starts:  # next() of a range's iterator is atomic
                small.expectations(
                    self._lowered.num_qubits,
                    gates.kinds,
                    gates.kind,
                    gates.start,
                    gates.qubits,
                    gates.offset,
                    coefficients,
                    first,
                    min(first + share, len(rows)),
                    sums.x,
                    sums.z,
                    out,
                    control.flags,
                )

        several = len(rows) * self.nanoseconds > WAKE_NS
        _threads.cooperate(work, self._threads if several else 1)
        control.check()
        return sums.combined(out).real


def is_brief(nanoseconds: float) -> bool:
    """Returns whether points that take so long are computed at once, not by a job in the queue."""
    return nanoseconds <= WAKE_NS and not budget.shared.limited


def submit_rows(
    function: Callable[[], Any], control: Control, *, need: int, points: str
) -> queue.AnyFuture:
    """Queues the job of points that all go by `SmallRows`.

    Args:
        function: computes the points and returns the result.
        control: of the job.
        need: bytes that they take.
        points: what they are, for the error.

    Returns:
        The future of the result.

    Raises:
        BasicAerError: memory is too small.
    """
    space = budget.shared.shortage(need)
    if space is not None:
        raise BasicAerError(f"{points} need {describe(need)}; {describe(space)} are available.")
    return queue.submit(raises_public_errors(function), control, need=need)
