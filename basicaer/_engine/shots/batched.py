"""All shots of a program at once, where each makes the same number of draws.

Shot i's j-th draw is known beforehand. Groups of shots go down the tree of outcomes depth first,
the smaller group first, so that s shots never hold more than log2(s) + 1 states at once. If copying
would pass the budget, the state is moved to one group, and recomputed for the other from the
nearest ancestor that is there, or from the start.

With several threads and a state that is worth it, the largest groups are followed first until there
are enough of them, and then each thread takes groups to follow on its own.
"""

from __future__ import annotations

import time
from typing import Any, Callable, Tuple

import numpy as np

from basicaer._engine.shots.branch import Branch, Machine, chances_of, needed, run_one
from basicaer._engine.shots.instructions import Draw
from basicaer._jobs.queue import cooperate
from basicaer._engine.shots.draws import memory_rows

_SPREAD_QUBITS = 16
"""Branches are spread over threads from this width on; below, Python is most of the work."""

_GROUPS_PER_THREAD = 4
"""Groups for each thread to begin with, so that threads end at about the same time."""


class _Past:
    """The outcome taken at one draw, linked to the ones before it.

    `origin` is the group that stayed behind there; as long as it does, its state is that before the
    collapse.
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
        numbers: the outcomes of the deferred qubits for each; None if all are 0.
        decided: how many deferred qubits the numbers are about.
        drawn: the draws that each has made before the branch's `draws`.
        past: the outcomes so far, for recomputing.
        draw, outcome, chances: what is to be done first, if the group waits.
        origin: the group that it parts from then.
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
    """All shots of a program in which each makes the same number of draws."""

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
        threads = machine.threads
        if threads > 1 and self._can_spread(threads):
            self._spread(_GROUPS_PER_THREAD * threads)
            machine.use_threads(1)
            cooperate(self._work, threads)
            machine.use_threads(threads)
        else:
            self._work()

    def _can_spread(self, threads: int) -> bool:
        """Returns whether several threads, each with a branch of its own, pay and fit."""
        machine = self.machine
        depth = len(self.memory).bit_length() + 1
        return (
            machine.num_qubits >= _SPREAD_QUBITS
            and machine.limits.states >= (_GROUPS_PER_THREAD + depth) * threads
        )

    def _spread(self, most: int) -> None:
        """Runs the largest of the groups that wait until there are `most` of them, or none."""
        waiting = self.waiting
        while waiting and len(waiting) < most:
            largest = max(range(len(waiting)), key=lambda place: self._size(waiting[place]))
            self._resume(waiting.pop(largest))

    def _work(self) -> None:
        """Runs the groups that wait until none is left; for any number of threads."""
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
        """Runs a group that waits until it parts, or to its end."""
        if group.draw is not None:
            if group.branch.state is None:
                group.branch.state = self._recompute(group)
            self._go_past(group, group.draw, group.outcome, group.chances)
        self._follow(group)

    def _follow(self, group: _Group) -> None:
        """Runs a group until it parts, leaving both parts waiting, or to its end."""
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
                self._part(group, draw, ones, int(2 * num_ones <= count), chances)
                return
            self._go_past(group, draw, int(num_ones > 0), chances)

    def _row(self, group: _Group, place: int) -> np.ndarray:
        row = self.uniforms[group.drawn + place]
        return row if group.shots is None else row[group.shots]

    def _go_past(
        self, group: _Group, draw: Draw, outcome: int, chances: Tuple[float, float]
    ) -> None:
        """Takes the group past the draw that its branch has stopped at."""
        branch = group.branch
        group.past = _Past(group.past, group.origin, outcome, chances)
        group.origin = None
        group.drawn += len(branch.draws) + 1
        group.draw = None
        self.machine.settle(branch, draw, outcome, chances)

    def _part(
        self,
        group: _Group,
        draw: Draw,
        ones: np.ndarray,
        smaller: int,
        chances: Tuple[float, float],
    ) -> None:
        """Leaves both parts of the group waiting, the smaller one, that of outcome `smaller`, last.

        If there can be no copy, the state goes with the smaller part.
        """
        machine = self.machine
        branch = group.branch
        if machine.may_copy():
            twin = machine.fork(branch)
        else:
            twin = branch.twin(branch.state)
            branch.state = None
        larger = self._share_of(group, branch, np.flatnonzero(ones != smaller))
        lesser = self._share_of(group, twin, np.flatnonzero(ones == smaller))
        lesser.origin = larger
        for part, outcome in ((larger, 1 - smaller), (lesser, smaller)):
            part.draw, part.outcome, part.chances = draw, outcome, chances
            self.waiting.append(part)

    def _share_of(self, group: _Group, branch: Branch, places: np.ndarray) -> _Group:
        """Returns the shots at the given places of a group as a group of their own."""
        part = _Group(branch, group.past)
        part.shots = places if group.shots is None else group.shots[places]
        part.numbers = None if group.numbers is None else group.numbers[places]
        part.decided = group.decided
        part.drawn = group.drawn
        return part

    def _recompute(self, group: _Group) -> Any:
        """Returns the state of a group that waits without one."""
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
            branch = machine.fork(source)
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
    """Runs shots of which each makes as many draws as the others.

    Args:
        machine: what runs them.
        uniforms: float64 of shape (draws, shots).
        memory: uint64 of shape (shots, words), filled.
        resolved: called with the number of shots whenever some have come to their end.
    """
    _Groups(machine, uniforms, memory, resolved).run()
