"""Groups of circuits: many small circuits, from gates in arrays to counts in arrays.

A circuit can be in a group if it is gates and then measurements, on few qubits, and all its shots
are drawn from its final state. Groups stand in a line (`small.GroupLine`), from which threads take
one after another without the GIL. Outcomes are those of `execute`.
"""

from __future__ import annotations

import cmath
from typing import Any, Dict, Iterable, List, NamedTuple, Sequence, Tuple

import numpy as np

from basicaer._engine.control import Control
from basicaer._engine.memory import SHOTS_AT_ONCE
from basicaer._engine.program import Gates, Kind, Program
from basicaer._engine.shots.draws import Seeds, Stream, rows_of
from basicaer._engine.state import small

MOST_QUBITS = small.MOST_QUBITS
"""Most qubits of a circuit in a group."""
MOST_CIRCUITS = 64
"""Most circuits of a group: it takes some 300 microseconds, so a job has enough of them for its
threads, and what a group costs beside its circuits is little."""
MOST_GATES = 1 << 14
"""Most gates of a circuit in a group; between two circuits a thread looks whether it is to stop."""
MOST_SHOTS = SHOTS_AT_ONCE >> 4
"""Most shots of a circuit in a group."""


class Group(NamedTuple):
    """Circuits one after another, in the order of their places.

    Attributes:
        gates: the gates of all of them.
        ends: for each circuit the number of gates up to its end, int64, shape (circuits,).
        widths: its number of qubits, int32, shape (circuits,).
        amplitudes: its amplitude of |0...0> at the start, complex128, shape (circuits,).
        measured: the mask of the qubits that it measures, int32, shape (circuits,).
        pairs: qubit and clbit of the measurements of all circuits, int32, shape (measurements, 2).
        pair_ends: for each circuit the number of measurements up to its end, int64.
        clbits: its number of clbits, int32, shape (circuits,).
        places: its place in the job, int64, shape (circuits,), ascending.
        fill: what computes some of the coefficients before the group is carried out, see
            `fill.pxi`; None if all are there.
    """

    gates: Gates
    ends: np.ndarray
    widths: np.ndarray
    amplitudes: np.ndarray
    measured: np.ndarray
    pairs: np.ndarray
    pair_ends: np.ndarray
    clbits: np.ndarray
    places: np.ndarray
    fill: Any = None

    @property
    def nbytes(self) -> int:
        """The bytes that it holds, about."""
        gates = self.gates
        held = (gates.kind, gates.start, gates.qubits, gates.offset, gates.coefficients, self.pairs)
        return sum([array.nbytes for array in held]) + 64 * len(self.ends)


def fits(program: Program) -> bool:
    """Returns whether a program can be in a group, if its shots may be drawn from one state."""
    outline = program.outline
    return (
        bool(program.samples and outline.is_one_pass and outline.measured)
        and 1 <= program.num_qubits <= MOST_QUBITS
        and outline.num_gates <= MOST_GATES
        and all(len(gates.kinds) <= small.MOST_KINDS for gates in outline.runs)
    )


def group_of(programs: Sequence[Program], places: Sequence[int]) -> Group:
    """Returns a group of programs that `fits`, all of whose kinds together are few enough.

    Args:
        programs: the programs.
        places: of each, its place in the job; ascending.
    """
    kinds: Dict[Kind, int] = {}
    runs = [gates for program in programs for gates in program.outline.runs]
    kind, qubits, offset, coefficients = [], [], [], []
    entries = 0
    for gates in runs:
        numbers = [kinds.setdefault(each, len(kinds)) for each in gates.kinds]
        kind.append(np.array(numbers, np.int32)[gates.kind])
        qubits.append(gates.qubits)
        offset.append(gates.offset + entries)
        coefficients.append(gates.coefficients)
        entries += len(gates.coefficients)
    every = _joined(kind, np.int32)
    widths = np.array([each.num_controls + each.num_targets for each in kinds], np.int32)
    gates = Gates.of(
        tuple(kinds),
        every,
        np.concatenate(([0], widths[every].cumsum())).astype(np.int32),
        _joined(qubits, np.int32),
        _joined(offset, np.int64),
        _joined(coefficients, np.complex128),
    )
    pairs = [pair for program in programs for pair in program.outline.measured]
    return Group(
        gates,
        np.cumsum([program.outline.num_gates for program in programs], dtype=np.int64),
        np.array([program.num_qubits for program in programs], np.int32),
        np.array([cmath.exp(1j * program.global_phase) for program in programs], np.complex128),
        np.array([_mask(program.outline.qubits) for program in programs], np.int32),
        np.array(pairs, np.int32).reshape(-1, 2),
        np.cumsum([len(program.outline.measured) for program in programs], dtype=np.int64),
        np.array([program.num_clbits for program in programs], np.int32),
        np.array(places, np.int64),
    )


def groups_of(programs: Sequence[Program], places: Sequence[int]) -> List[Group]:
    """Returns groups of programs, all of which `fits`; arguments as for `group_of`."""
    groups: List[Group] = []
    first = 0
    while first < len(programs):
        kinds: set[Kind] = set()
        last = first
        while last < min(len(programs), first + MOST_CIRCUITS):
            more = kinds.union(*[gates.kinds for gates in programs[last].outline.runs])
            if len(more) > small.MOST_KINDS:
                break
            kinds = more
            last += 1
        groups.append(group_of(programs[first:last], places[first:last]))
        first = last
    return groups


def _joined(arrays: Sequence[np.ndarray], dtype: type) -> np.ndarray:
    return np.concatenate(arrays).astype(dtype) if arrays else np.empty(0, dtype)


def _mask(qubits: Iterable[int]) -> int:
    return sum([1 << qubit for qubit in qubits])


class Figures:
    """What a group of circuits came to: counts, and how they were computed.

    Args:
        group: the group.
        shots: of each circuit.
        listed: whether the outcome of each shot is kept.

    Attributes:
        values: the outcomes of each circuit that occur, in order of first appearance: numbers whose
            bits are the measured qubits, ascending. uint8, shape (circuits, most outcomes).
        counts: how often each occurs, int32, of the same shape.
        found: how many there are, int32, shape (circuits,).
        totals: the squared norm of each final state, float64, shape (circuits,).
        listed: the outcome of each shot, uint8, shape (circuits, shots or 0).
        seconds: that the group's gates, and its shots, took, float64, shape (2,).
    """

    def __init__(self, group: Group, shots: int, listed: bool) -> None:
        circuits = len(group.ends)
        most = min(1 << MOST_QUBITS, shots)
        self.values = np.empty((circuits, most), np.uint8)
        self.counts = np.empty((circuits, most), np.int32)
        self.found = np.empty(circuits, np.int32)
        self.totals = np.empty(circuits)
        self.listed = np.empty((circuits, shots if listed else 0), np.uint8)
        self.seconds = np.zeros(2)
        self._measured = group.measured
        self._pairs = group.pairs
        self._pair_ends = group.pair_ends
        self._clbits = group.clbits
        self._ends = group.ends

    @property
    def drifts(self) -> np.ndarray:
        """How far the squared norm of each final state is off 1; infinity for NaN."""
        drifts: np.ndarray = np.abs(self.totals - 1)
        drifts[np.isnan(drifts)] = np.inf
        return drifts

    def drift(self, row: int) -> float:
        """Returns one of `drifts`."""
        drift = abs(float(self.totals[row]) - 1)
        return drift if drift == drift else float("inf")

    @property
    def bytes_of_one(self) -> int:
        """The bytes of one circuit's figures."""
        return 5 * self.values.shape[1] + self.listed.shape[1]

    def num_clbits(self, row: int) -> int:
        """Returns the number of clbits of a circuit."""
        return int(self._clbits[row])

    def num_gates(self, row: int) -> int:
        """Returns the number of gates of a circuit."""
        return int(self._ends[row] - (self._ends[row - 1] if row else 0))

    def words(self, row: int) -> Tuple[List[int], List[int], List[int]]:
        """Returns the outcomes of a circuit as values of its clbits.

        Returns:
            The values that occur, in order of first appearance, how often each does, and the value
            in each shot, which is empty unless shots are listed.
        """
        first = self._pair_ends[row - 1] if row else 0
        pairs = self._pairs[first : self._pair_ends[row]].tolist()
        mask = int(self._measured[row])
        rank = dict(zip([qubit for qubit in range(MOST_QUBITS) if mask >> qubit & 1], _RANKS))
        # The last measurement into a clbit counts.
        bits = {clbit: rank[qubit] for qubit, clbit in pairs}
        found = int(self.found[row])
        values, counts = self.values[row, :found].tolist(), self.counts[row, :found].tolist()
        listed = self.listed[row].tolist()
        if len(bits) == len(rank) and list(bits) == list(bits.values()):
            return values, counts, listed
        word = {
            value: sum([(value >> bit & 1) << clbit for clbit, bit in bits.items()])
            for value in values
        }
        total: Dict[int, int] = {}
        for value, count in zip(values, counts):
            total[word[value]] = total.get(word[value], 0) + count
        return list(total), list(total.values()), [word[value] for value in listed]


_RANKS = range(MOST_QUBITS)
_NO_SEEDS = np.empty(0, np.uint32)
_NO_UNIFORMS = np.empty((0, 0))
_NO_ROWS = np.empty(0, np.int64)


class Line:
    """The groups of a job in a line, as they come.

    Args:
        circuits: the circuits of the job, all of them.
        seeds: of all circuits.
        shots: of each circuit.
        listed: whether to keep the outcome of each shot.
        precision: "double" or "single".
        control: of the job; cancels it and receives its progress.

    Attributes:
        groups: the groups added so far, and what they come to.
    """

    def __init__(
        self,
        circuits: int,
        seeds: Seeds,
        *,
        shots: int,
        listed: bool,
        precision: str,
        control: Control,
    ) -> None:
        self._seeds = seeds
        self._shots = shots
        self._listed = listed
        single = precision == "single"
        self._line = small.GroupLine(circuits, MOST_CIRCUITS, shots, single, control.flags)
        self.groups: List[Tuple[Group, Figures]] = []
        # Called by threads; see `small.GroupLine`.
        self.work = self._line.work
        self.welcome = self._line.welcome
        self.close = self._line.close
        self.finish = self._line.finish
        self.left = self._line.left

    def add(self, group: Group) -> int:
        """Adds a group; threads that already `work` may begin with it. Returns its work."""
        gates, seeds = group.gates, self._seeds
        figures = Figures(group, self._shots, self._listed)
        own, uniforms, rows = _NO_SEEDS, _NO_UNIFORMS, _NO_ROWS
        if isinstance(seeds, Stream) or isinstance(seeds[0], Stream):
            uniforms, rows = rows_of(seeds, group.places, self._shots)
        else:
            own = np.array([seeds[place] for place in group.places.tolist()], np.uint32)
        work = self._line.add(
            gates.kinds,
            gates.kind,
            gates.start,
            gates.qubits,
            gates.offset,
            gates.coefficients,
            group.ends,
            group.widths,
            group.amplitudes,
            group.measured,
            own,
            uniforms,
            rows,
            figures.values,
            figures.counts,
            figures.found,
            figures.totals,
            figures.listed,
            figures.seconds,
            group.fill,
        )
        self.groups.append((group, figures))
        return work
