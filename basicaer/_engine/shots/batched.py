"""Runs all shots of a program at once, if each makes the same number of draws.

Then shot i's j-th uniform is known in advance. Groups of shots walk the tree of outcomes depth
first, the smaller group first, so that s shots need at most log2(s) + 1 states at once. If there is
no room for a copy, one group takes the state; for the other it is recomputed from the nearest
ancestor whose state exists, or from the start.

With several threads and wide enough states, the largest groups are run first until there are enough
groups; then each thread takes groups to run on its own.
"""

from __future__ import annotations

import time
from typing import Any, Callable, Tuple

import numpy as np

from basicaer._engine import memory as _memory
from basicaer._engine.shots.branch import Branch, Machine, chances_of, needed, run_one
from basicaer._engine.shots.draws import memory_rows
from basicaer._engine.shots.instructions import Draw
from basicaer._engine.threads import cooperate


class _Past:
    """One outcome of a group's history, linked to the one before.

    `origin` is the group that still waits at this draw, if any. While it waits, its state is the
    one before the collapse.
    """

    __slots__ = ("before", "chances", "origin", "outcome")

    def __init__(
        self,
        before: _Past | None,
        origin: _Group | None,
        outcome: int,
        chances: Tuple[float, float],
    ) -> None:
        self.before = before
        self.origin = origin
        self.outcome = outcome
        self.chances = chances


class _Group:
    """Shots that agree so far.

    Attributes:
        branch: their history, stopped at `draw` if that is not None.
        shots: their indices; None for all.
        numbers: for each shot, the outcomes of the deferred qubits as bits; None if all are 0.
        decided: number of deferred qubits whose outcomes are in `numbers`.
        drawn: number of uniforms that each shot used before the branch's `draws`.
        past: the outcomes so far, for recomputing.
        draw, outcome, chances: for a waiting group, the draw to settle first; `draw` is None
            otherwise.
        origin: the sibling group that was split off at that draw.
    """

    __slots__ = (
        "branch",
        "chances",
        "decided",
        "draw",
        "drawn",
        "numbers",
        "origin",
        "outcome",
        "past",
        "shots",
    )

    def __init__(self, branch: Branch, past: _Past | None) -> None:
        self.branch = branch
        self.shots: Any = None
        self.numbers: Any = None
        self.decided = 0
        self.drawn = 0
        self.past = past
        self.origin: _Group | None = None
        self.draw: Draw | None = None
        self.outcome = 0
        self.chances = (1.0, 0.0)


class _Groups:
    """The run of all shots: the groups that wait, and what they share."""

    def __init__(
        self, machine: Machine, uniforms: np.ndarray, memory: np.ndarray, resolved: Any
    ) -> None:
        self.machine = machine
        self.uniforms = uniforms
        self.memory = memory
        self.resolved = resolved
        self.waiting: list[_Group] = []

    def run(self) -> None:
        """Runs all shots to their ends."""
        machine = self.machine
        self.waiting.append(_Group(machine.start(), None))
        threads = min(machine.threads, machine.allowance.threads)
        if threads > 1:
            all_threads = machine.threads
            self._spread(_memory.GROUPS_PER_THREAD * threads)
            machine.use_threads(1)
            cooperate(self._work, threads)
            machine.use_threads(all_threads)
        else:
            self._work()

    def _spread(self, most: int) -> None:
        """Runs the largest waiting group again and again until `most` or none are waiting."""
        waiting = self.waiting
        while waiting and len(waiting) < most:
            largest = max(range(len(waiting)), key=lambda place: self._size(waiting[place]))
            self._resume(waiting.pop(largest))

    def _work(self) -> None:
        """Runs waiting groups until none is left. Several threads may do this at once."""
        while True:
            try:
                group = self.waiting.pop()
            except IndexError:
                return
            try:
                self._resume(group)
            except BaseException:
                self.waiting.clear()
                raise

    def _size(self, group: _Group) -> int:
        return len(self.memory) if group.shots is None else len(group.shots)

    def _resume(self, group: _Group) -> None:
        """Runs a waiting group until it splits, or to its end."""
        if group.draw is not None:
            if group.branch.state is None:
                group.branch.state = self._recompute(group)
            self._go_past(group, group.draw, group.outcome, group.chances)
        self._follow(group)

    def _follow(self, group: _Group) -> None:
        """Runs a group to its end, or until it splits into two waiting groups."""
        machine = self.machine
        branch = group.branch
        count = self._size(group)
        while True:
            draw = machine.advance(branch)
            if count == 1:
                self._finish_one(group, draw)
                return
            pending = len(branch.deferred) if draw is not None else needed(branch)
            joint = None
            if draw is not None or pending > group.decided:
                joint = machine.joint(branch, draw, group.decided)
            begun = time.perf_counter()
            for place, position in enumerate(branch.draws):
                if joint is not None and 0 <= position < pending:
                    ones = joint.decide(position, group.numbers, self._row(group, place))
                    more = ones.astype(np.int64) << position
                    group.numbers = more if group.numbers is None else group.numbers | more
            if draw is None:
                self._record(group, count)
                machine.took("sample", begun)
                return
            assert joint is not None
            chances = chances_of(joint)
            ones = joint.decide(pending, group.numbers, self._row(group, len(branch.draws)))
            machine.took("sample", begun)
            group.decided = pending
            num_ones = int(np.count_nonzero(ones))
            if 0 < num_ones < count:
                self._split(group, draw, ones, int(2 * num_ones <= count), chances)
                return
            self._go_past(group, draw, int(num_ones > 0), chances)

    def _row(self, group: _Group, place: int) -> np.ndarray:
        row = self.uniforms[group.drawn + place]
        return row if group.shots is None else row[group.shots]

    def _go_past(
        self, group: _Group, draw: Draw, outcome: int, chances: Tuple[float, float]
    ) -> None:
        """Gives the draw that the group's branch has stopped at its outcome, and goes past it."""
        branch = group.branch
        group.past = _Past(group.past, group.origin, outcome, chances)
        group.origin = None
        group.drawn += len(branch.draws) + 1
        group.draw = None
        self.machine.settle(branch, draw, outcome, chances)

    def _split(
        self,
        group: _Group,
        draw: Draw,
        ones: np.ndarray,
        smaller: int,
        chances: Tuple[float, float],
    ) -> None:
        """Splits the group by outcome and queues both groups, the smaller one to run first.

        If there is no room for a copy, the smaller group takes the state.

        Args:
            group: the group to split.
            draw: the draw at which it splits.
            ones: for each of its shots, whether the outcome is 1.
            smaller: the outcome of the smaller group.
            chances: the probability of each outcome.
        """
        machine = self.machine
        branch = group.branch
        twin = machine.fork(branch)
        if twin is None:
            twin = branch.twin(branch.state)
            branch.state = None
        larger = self._subgroup(group, branch, np.flatnonzero(ones != smaller))
        lesser = self._subgroup(group, twin, np.flatnonzero(ones == smaller))
        lesser.origin = larger
        for subgroup, outcome in ((larger, 1 - smaller), (lesser, smaller)):
            subgroup.draw, subgroup.outcome, subgroup.chances = draw, outcome, chances
            self.waiting.append(subgroup)

    def _subgroup(self, group: _Group, branch: Branch, places: np.ndarray) -> _Group:
        """Returns a new group, on `branch`, of the shots at the given positions of a group."""
        subgroup = _Group(branch, group.past)
        subgroup.shots = places if group.shots is None else group.shots[places]
        subgroup.numbers = None if group.numbers is None else group.numbers[places]
        subgroup.decided = group.decided
        subgroup.drawn = group.drawn
        return subgroup

    def _recompute(self, group: _Group) -> Any:
        """Returns the recomputed state of a group that waits without one."""
        machine = self.machine
        machine.count("recomputed")
        steps: list[_Past] = []
        past = group.past
        source: Branch | None = None
        while past is not None and source is None:
            steps.append(past)
            if past.origin is not None and past.origin.branch.state is not None:
                source = past.origin.branch
            past = past.before
        if source is None:
            branch = machine.start()
            draw = machine.advance(branch)
        else:
            twin = machine.fork(source)
            if twin is None:  # take the state; the source recomputes it later
                twin = source.twin(source.state)
                source.state = None
            branch = twin
            draw = machine.code[branch.place]  # type: ignore[assignment]
        for step in reversed(steps):
            assert isinstance(draw, Draw)
            machine.settle(branch, draw, step.outcome, step.chances)
            draw = machine.advance(branch)
        return branch.state

    def _finish_one(self, group: _Group, draw: Draw | None) -> None:
        """Runs a group of one shot to its end."""
        shot = 0 if group.shots is None else int(group.shots[0])
        rest = iter(self.uniforms[group.drawn :, shot].tolist())
        number = 0 if group.numbers is None else int(group.numbers[0])
        self.machine.count("lone_shots")
        number = run_one(
            self.machine, group.branch, rest, draw=draw, decided=group.decided, number=number
        )
        group.numbers = np.array([number])
        self._record(group, 1)

    def _record(self, group: _Group, count: int) -> None:
        branch = group.branch
        words = self.memory.shape[1]
        rows = memory_rows(count, words, branch.bits, branch.sources, group.numbers)
        if group.shots is None:
            self.memory[:] = rows
        else:
            self.memory[group.shots] = rows
        self.machine.drop(branch, end=True)
        self.resolved(count)


def run_groups(
    machine: Machine, uniforms: np.ndarray, memory: np.ndarray, resolved: Callable[[int], None]
) -> None:
    """Runs shots that all make the same number of draws.

    Args:
        machine: runs the branches.
        uniforms: float64 of shape (draws, shots).
        memory: uint64 of shape (shots, words), to be filled.
        resolved: called with the number of shots that have just finished.
    """
    _Groups(machine, uniforms, memory, resolved).run()
