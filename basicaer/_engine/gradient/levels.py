"""Which derivatives are taken at the same time.

Gates are put on *levels*: those of level 0 are applied first, then those of level 1, and so on; at
the end of each level, which is a *cut*, the inner products for all its derivatives are taken at
once. Gates with angles that follow one another on the same qubits share a *site*, whose inner
products serve all of them. The fewer levels, the fewer passes through the states.

A derivative may be taken later than right behind its gate as long as all gates in between commute
with the gate's generator. Two gates commute if each qubit that they share is a control, or a target
of a diagonal gate, in both. So each qubit has two floors, below which a gate cannot go: one for
gates that are diagonal on that qubit, and one for the others.
"""

from __future__ import annotations

from typing import Dict, List, NamedTuple, Sequence, Set, Tuple

import numpy as np

from basicaer._engine.gradient.generators import FreeGate, Generators, Rule
from basicaer._engine.gradient.sites import Sites
from basicaer._engine.program import DENSE, Gates, Kind
from basicaer._engine.state.dispatch import kernels

CROSS_KINDS = kernels.CROSS_KINDS

_MOST_SHARED = 2
"""Maximum width of a site of several gates."""


class Site:
    """Gates on the same targets whose derivatives come from the same inner products.

    Attributes:
        targets: qubits, the first the least significant bit of rows and columns.
        controls, control_state: as in `program.Kind`; only sites of one gate have controls.
        gates: indices of the gates, in order.
        flips: set of ``row ^ column`` of the wanted inner products.
    """

    __slots__ = ("control_state", "controls", "flips", "gates", "targets")

    def __init__(
        self, targets: Tuple[int, ...], controls: Tuple[int, ...], control_state: int
    ) -> None:
        self.targets = targets
        self.controls = controls
        self.control_state = control_state
        self.gates: List[int] = []
        self.flips: Set[int] = set()


class Level(NamedTuple):
    """A level.

    Attributes:
        gates: its gates, in order.
        sites: its sites.
    """

    gates: List[int]
    sites: List[Site]


def _gate_flips(kind: Kind) -> Set[int]:
    """Returns all ``row ^ column`` of entries that can be nonzero."""
    size = 1 << kind.num_targets
    if kind.form != DENSE:
        return {0}
    if kind.pattern < 0:
        return set(range(size))
    return {(i // size) ^ (i % size) for i in range(size * size) if kind.pattern >> i & 1}


def _rule_flips(rules: Sequence[Rule], kind: Kind) -> Set[int]:
    """Returns all ``row ^ column`` of entries of generators that can be nonzero."""
    if kind.form != DENSE:
        return {0}
    size = 1 << kind.num_targets
    return {(place // size) ^ (place % size) for rule in rules for place in rule.places} or {0}


def _spread(flips: Set[int], positions: Sequence[int]) -> Set[int]:
    """Returns flips of a gate's targets as flips of the targets of a site."""
    return {sum((flip >> i & 1) << p for i, p in enumerate(positions)) for flip in flips}


def _group(flips: Set[int]) -> Set[int]:
    """Returns all sums of flips: those of any product of matrices with these."""
    group = {0}
    for flip in flips:
        group |= {flip ^ other for other in group}
    return group


class _Builder:
    """Puts gates on levels, one after another."""

    def __init__(self) -> None:
        self.levels: List[Level] = []
        self._floor: Dict[int, int] = {}  # of gates that mix the values of a qubit
        self._diagonal_floor: Dict[int, int] = {}  # of gates that are diagonal on it
        # Of a qubit whose last gate is in a site: the site, its level, the floor in front of it.
        self._last: Dict[int, Tuple[Site, int, int]] = {}
        self._full: Dict[int, Set[int]] = {}  # of a site: the group of its gates' flips

    def add(self, gate: int, kind: Kind, qubits: Tuple[int, ...], rules: Sequence[Rule]) -> None:
        """Adds a gate; one without rules has no angles."""
        controls, targets = qubits[: kind.num_controls], qubits[kind.num_controls :]
        mixes = set() if kind.form != DENSE else set(targets)
        shared = None if controls else self._shared(kind, targets)
        site: Site | None = None
        if shared is not None:
            site, level = shared
            positions = [site.targets.index(qubit) for qubit in targets]
            self._full[id(site)] |= _group(_spread(_gate_flips(kind), positions))
            self._full[id(site)] = _group(self._full[id(site)])
            site.flips = self._full[id(site)]
        else:
            level = 0
            for qubit in qubits:
                floors = self._floor if qubit in mixes else self._diagonal_floor
                level = max(level, floors.get(qubit, 0))
            while len(self.levels) <= level:
                self.levels.append(Level([], []))
            if rules:
                site = Site(targets, controls, kind.control_state)
                site.flips = _rule_flips(rules, kind)
                self._full[id(site)] = _group(_gate_flips(kind))
                self.levels[level].sites.append(site)
        self.levels[level].gates.append(gate)
        if site is not None:
            site.gates.append(gate)
        above = level + (site is not None)
        for qubit in qubits:
            floor = self._floor.get(qubit, 0)
            self._floor[qubit] = max(floor, above)
            if qubit in mixes:
                self._diagonal_floor[qubit] = max(self._diagonal_floor.get(qubit, 0), above)
            if site is None:
                self._last.pop(qubit, None)
            elif shared is None:
                self._last[qubit] = (site, level, floor)

    def _shared(self, kind: Kind, targets: Tuple[int, ...]) -> Tuple[Site, int] | None:
        """Returns the site, and its level, that a gate without controls can join."""
        found = self._last.get(targets[0])
        if found is None:
            return None
        site, level, _ = found
        if site.controls or len(site.targets) > _MOST_SHARED:
            return None
        for qubit in targets:
            last = self._last.get(qubit)
            if last is None or last[0] is not site or qubit not in site.targets:
                return None
            if kind.form == DENSE and last[2] > level:
                return None  # what the site commutes with, this gate does not
        if len(site.targets) > 1:
            positions = [site.targets.index(qubit) for qubit in targets]
            if not _spread(_gate_flips(kind), positions) <= self._full[id(site)]:
                return None
        return site, level


def levels_of(gates: Gates, free: Sequence[FreeGate], generators: Generators) -> List[Level]:
    """Returns the levels of a gate run.

    Args:
        gates: the gate run.
        free: its gates that have angles; `FreeGate.gate` counts in this run.
        generators: of `free`.
    """
    rules_of: Dict[int, List[Rule]] = {}
    angle = 0
    for each in free:
        rules_of[each.gate] = generators.rules[angle : angle + each.num_angles]
        angle += each.num_angles
    builder = _Builder()
    qubits, start = gates.qubits.tolist(), gates.start.tolist()
    nothing: List[Rule] = []
    for gate, kind in enumerate(gates.kind.tolist()):
        builder.add(
            gate,
            gates.kinds[kind],
            tuple(qubits[start[gate] : start[gate + 1]]),
            rules_of.get(gate, nothing),
        )
    return builder.levels


# --- the arrays that compiled code reads -------------------------------------------------------


class Tables(NamedTuple):
    """Levels for one layout of the states.

    Attributes:
        terms: int64, the inner products of all levels, see `_kernels.take_back`.
        ends: int64, shape (levels,), terms up to the end of each level.
        sites: what is made of them.
    """

    terms: np.ndarray
    ends: np.ndarray
    sites: Sites


class _Tables:
    """The arrays of levels, being written."""

    def __init__(
        self,
        run: Gates,
        angles_of: Dict[int, Tuple[int, int]],
        generators: Generators,
        lane_bits: int,
    ) -> None:
        self._run = run
        self._angles_of = angles_of
        self._generators = generators
        self._lane_bits = lane_bits
        self._lanes = (1 << lane_bits) - 1
        self._known: Dict[Tuple[int, ...], int] = {}  # terms of the current level
        self.terms: List[Tuple[int, ...]] = []
        self.entries: List[Tuple[int, ...]] = []
        self.sites: List[Tuple[int, ...]] = []
        self.gates: List[Tuple[int, ...]] = []
        self.angles: List[Tuple[int, int]] = []

    def add_level(self, sites: Sequence[Site]) -> None:
        """Adds the sites of a level."""
        self._known.clear()
        for site in sites:
            first = len(self.entries), len(self.gates)
            self._add_entries(site)
            self._add_gates(site)
            width, single = len(site.targets), int(len(site.gates) == 1)
            row = (width, single, first[0], len(self.entries), first[1], len(self.gates))
            self.sites.append(row)

    def _term(self, kind: str, mask: int, value: int, flip: int) -> int:
        """Returns the number of a term, which is new if the level has none like it."""
        bits = [each >> self._lane_bits for each in (mask, value, flip)]
        key = (CROSS_KINDS[kind], *bits, flip & self._lanes)
        place = self._known.get(key)
        if place is None:
            place = self._known[key] = len(self.terms)
            self.terms.append(key)
            if kind == "qubit":  # it has two sums
                self.terms.append((CROSS_KINDS["none"], 0, 0, 0, 0))
        return place

    def _add_entries(self, site: Site) -> None:
        kind = self._run.kinds[self._run.kind[site.gates[0]]]
        diagonal = len(site.gates) == 1 and kind.form != DENSE
        size = 1 << len(site.targets)
        bits = [1 << qubit for qubit in site.targets]
        index = [sum(bit for i, bit in enumerate(bits) if row >> i & 1) for row in range(size)]
        mask = index[-1] + sum(1 << qubit for qubit in site.controls)
        where = sum((site.control_state >> i & 1) << q for i, q in enumerate(site.controls))
        lanes = self._lanes
        above = bits[0] > lanes and size == 2  # one target, above the lanes
        alone = above and not site.controls
        for flip in sorted(site.flips, reverse=True):
            for column in range(size):
                row = column ^ flip
                if flip and not index[flip] & lanes:  # one sum for both row, column and the reverse
                    if row > column:
                        continue
                    value = index[row] | where
                    kind_of_term = "qubit" if above and 0 in site.flips else "mixed"
                    place = self._term(kind_of_term, mask, value, index[flip])
                else:
                    value = index[1 if alone else column] | where
                    if above and 1 in site.flips and value != where:
                        place = self._term("qubit", mask, where, index[1]) + 1
                    else:
                        place = self._term("any" if flip else "diagonal", mask, value, index[flip])
                element = column if diagonal else row * size + column
                # The imaginary parts of the diagonal add up to 0: one of two is enough.
                minus = int(alone and flip == 0 and column == 0)
                self.entries.append((element, place, mask & lanes, value & lanes, minus))

    def _add_gates(self, site: Site) -> None:
        run, offset = self._run, self._generators.offset
        for gate in site.gates:
            kind = run.kinds[run.kind[gate]]
            on = run.qubits[run.start[gate] + kind.num_controls : run.start[gate + 1]].tolist()
            shared = len(site.gates) > 1
            positions = [site.targets.index(qubit) for qubit in on] if shared else [0]
            angle, count = self._angles_of.get(gate, (0, 0))
            first = len(self.angles)
            self.angles.extend((int(offset[angle + i]), angle + i) for i in range(count))
            row = (int(run.offset[gate]), int(kind.form != DENSE), len(on))
            ends = (positions[0], positions[-1], first, len(self.angles))
            self.gates.append((*row, *ends))


def tables_of(
    levels: Sequence[Sequence[Site]],
    run: Gates,
    angles_of: Dict[int, Tuple[int, int]],
    generators: Generators,
    lane_bits: int,
) -> Tables:
    """Returns the arrays of levels.

    Args:
        levels: the sites of each.
        run: the gate run that their gates are in.
        angles_of: for each gate with angles, the first of them and their number.
        generators: of all angles.
        lane_bits: a vector has 2**lane_bits lanes.
    """
    made = _Tables(run, angles_of, generators, lane_bits)
    ends = np.zeros(len(levels), dtype=np.int64)
    for place, each in enumerate(levels):
        made.add_level(each)
        ends[place] = len(made.terms)

    def table(rows: Sequence[Tuple[int, ...]], columns: int) -> np.ndarray:
        return np.array(rows, dtype=np.int64).reshape(len(rows), columns)

    sites = Sites(
        table(made.entries, 5), table(made.sites, 6), table(made.gates, 7), table(made.angles, 2)
    )
    return Tables(table(made.terms, 5), ends, sites)
