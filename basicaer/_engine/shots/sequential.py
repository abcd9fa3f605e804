"""Shots one after another, where the number of draws of a shot depends on its outcomes.

A shot's first draw is known only once the shot before it has ended. The tree of outcomes is kept as
it grows; a shot whose history has occurred before touches no amplitude. States stay at the nodes
where they are expected to save more work than copying them took, as many as the budget allows.
"""

from __future__ import annotations

from heapq import heappop, heappush
from typing import Any, Callable, Iterator, Tuple
from weakref import ref

import numpy as np

from basicaer._engine.shots.branch import Branch, Machine, chances_of, needed, run_one
from basicaer._engine.shots.instructions import Draw
from basicaer._engine.shots.draws import Marginals, memory_rows

_MOST_NODES = 100_000
"""Nodes of the tree that are kept; beyond, shots that leave it go to their ends alone."""

_LONELY = 1 / 32
"""Shots expected in a branch below which it is not made a part of the tree."""

_MOST_SNAPSHOTS = 4096
"""States that are kept at most, whatever the budget."""

_COPY_WORK = 4
"""What it takes to copy a state, into fresh memory, in gates."""


class _Node:
    """A place in the tree where outcomes part, or an end.

    Attributes:
        parent, outcome: where it comes from. The parent is referred to weakly, so that a tree is
            freed, states and all, the moment it is not needed.
        branch: what arrived here, before the collapse; None once its state has been given away.
        draw: what parts the outcomes; None at an end.
        script: the draws made on the way here: None where the outcome was known, otherwise the
            position of the deferred qubit and the chance of 0 for each number.
        zeros: the chance that the draw gives 0, for each number.
        chances: of the draw's outcomes, whatever the number.
        chance: that a shot comes here.
        children: by outcome; None where no shot has gone yet.
        deferred: how many qubits were deferred on the way here.
        kept: whether it is among the snapshots.
        result: at an end, which of the results.
    """

    __slots__ = (
        "__weakref__",
        "branch",
        "chance",
        "chances",
        "children",
        "deferred",
        "draw",
        "kept",
        "outcome",
        "parent",
        "result",
        "script",
        "zeros",
    )

    def __init__(self, parent: _Node | None, outcome: int) -> None:
        self.parent = None if parent is None else ref(parent)
        self.outcome = outcome
        self.branch: Branch | None = None
        self.draw: Draw | None = None
        self.script: list[Any] = []
        self.zeros: Any = None
        self.chances = (1.0, 0.0)
        self.chance = 1.0
        self.children: list[_Node | None] = [None, None]
        self.kept = False
        self.result = -1
        self.deferred = 0


class _InOrder:
    """The tree that shots walk one after another."""

    def __init__(self, machine: Machine, shots: int) -> None:
        self.machine = machine
        self.shots = shots
        self.nodes = 0
        self.table_entries = 0
        self.results: dict[Any, int] = {}
        self.snapshots: list[Tuple[float, int, _Node]] = []
        self.serial = 0

    def root(self) -> _Node:
        machine = self.machine
        branch = machine.start()
        return self._node(None, 0, branch, machine.advance(branch))

    def grow(self, node: _Node, outcome: int, remaining: int) -> _Node | None:
        """Returns the child of a node that has none for this outcome yet; None if it is to stay so.

        Args:
            node: where a shot is.
            outcome: where it goes.
            remaining: shots that are still to come, this one included.
        """
        expected = remaining * node.chance * node.chances[outcome]
        if (
            expected < _LONELY
            or self.nodes >= _MOST_NODES
            or self.table_entries > 1 << self.machine.limits.table
        ):
            return None
        branch = self._depart(node, outcome, remaining)
        child = self._node(node, outcome, branch, self.machine.advance(branch))
        node.children[outcome] = child
        return child

    def finish(
        self, node: _Node, outcome: int, remaining: int, number: int, uniforms: Iterator[float]
    ) -> Tuple[int, int]:
        """Runs a shot to its end outside of the tree; returns which result, and its number."""
        machine = self.machine
        branch = self._depart(node, outcome, remaining)
        number = run_one(machine, branch, uniforms, decided=node.deferred, number=number)
        machine.count("lone_shots")
        return self._end(branch), number

    def _end(self, branch: Branch) -> int:
        sources = tuple(sorted(branch.sources.items()))
        self.machine.drop(branch, end=True)
        return self.results.setdefault((branch.bits, sources), len(self.results))

    def _node(self, parent: _Node | None, outcome: int, branch: Branch, draw: Draw | None) -> _Node:
        machine = self.machine
        node = _Node(parent, outcome)
        decided = 0
        if parent is not None:
            decided = parent.deferred
            node.chance = parent.chance * parent.chances[outcome]
        node.draw = draw
        node.deferred = len(branch.deferred)
        pending = len(branch.deferred) if draw is not None else needed(branch)
        joint = machine.joint(branch, draw, decided) if draw or pending > decided else None
        for position in branch.draws:
            if joint is not None and 0 <= position < pending:
                node.script.append((position, self._table(joint, position)))
            else:
                node.script.append(None)
        self.nodes += 1
        if draw is None:
            node.result = self._end(branch)
        else:
            assert joint is not None
            node.chances = chances_of(joint)
            node.zeros = self._table(joint, pending)
            node.branch = branch
        return node

    def _table(self, joint: Marginals, position: int) -> Any:
        chances = joint.zero_chances(position)
        if len(chances) <= 64:
            return chances.tolist()
        self.table_entries += len(chances)
        return chances

    def _depart(self, node: _Node, outcome: int, remaining: int) -> Branch:
        """Returns a branch of its own that has just gone past the node's draw."""
        assert node.draw is not None
        branch = node.branch
        if branch is None:
            branch = self._recompute(node)
        elif self._keeps(node, branch, 1 - outcome, remaining):
            branch = self.machine.fork(branch)
        else:
            node.branch = None
        self.machine.settle(branch, node.draw, outcome, node.chances)
        return branch

    def _keeps(self, node: _Node, branch: Branch, other: int, remaining: int) -> bool:
        """Returns whether the node keeps its state, for shots that will have the other outcome.

        It does if shots are expected to whom this saves more than the copy takes.
        """
        value = node.chance * node.chances[other]
        if node.children[other] is not None or remaining * value * branch.work < _COPY_WORK:
            return False
        if node.kept:
            return self.machine.may_copy()
        if not self._make_room(value):
            return False
        node.kept = True
        self.serial += 1
        heappush(self.snapshots, (value, self.serial, node))
        return True

    def _make_room(self, value: float) -> bool:
        """Returns whether one more state may be kept, having dropped a less valuable one for it."""
        machine = self.machine
        snapshots = self.snapshots
        while snapshots and snapshots[0][2].branch is None:
            heappop(snapshots)
        if machine.may_copy() and len(snapshots) < _MOST_SNAPSHOTS:
            return True
        if not snapshots or snapshots[0][0] >= value:
            return False
        node = heappop(snapshots)[2]
        assert node.branch is not None
        machine.drop(node.branch)
        node.branch = None
        return True

    def _recompute(self, node: _Node) -> Branch:
        machine = self.machine
        machine.count("recomputed")
        path = [node]
        while path[-1].branch is None and path[-1].parent is not None:
            parent = path[-1].parent()
            assert parent is not None
            path.append(parent)
        source = path[-1].branch
        if source is not None:
            branch = machine.fork(source)
        else:
            branch = machine.start()
            machine.advance(branch)
        for step in range(len(path) - 1, 0, -1):
            draw = path[step].draw
            assert draw is not None
            machine.settle(branch, draw, path[step - 1].outcome, path[step].chances)
            machine.advance(branch)
        return branch


def run_in_order(
    machine: Machine,
    uniforms: Iterator[float],
    memory: np.ndarray,
    resolved: Callable[[int], None],
) -> None:
    """Runs shots one after another, of which each makes as many draws as its outcomes want.

    Args:
        machine: what runs them.
        uniforms: the draws of all shots, without end.
        memory: uint64 of shape (shots, words), filled.
        resolved: called with the number of shots whenever some have come to their end.
    """
    shots, words = memory.shape
    tree = _InOrder(machine, shots)
    root = tree.root()
    results = np.empty(shots, dtype=np.int64)
    numbers = np.zeros(shots, dtype=np.int64)
    reported = 0
    for shot in range(shots):
        node = root
        result = root.result
        number = 0
        while True:
            for entry in node.script:
                uniform = next(uniforms)
                if entry is not None and uniform >= entry[1][number]:
                    number |= 1 << entry[0]
            if node.draw is None:
                break
            outcome = 1 if next(uniforms) >= node.zeros[number] else 0
            child = node.children[outcome] or tree.grow(node, outcome, shots - shot)
            if child is None:
                result, number = tree.finish(node, outcome, shots - shot, number, uniforms)
                break
            node = child
            result = node.result
        results[shot] = result
        numbers[shot] = number
        if shot & 255 == 255:
            machine.control.check()
            resolved(shot + 1 - reported)
            reported = shot + 1
    resolved(shots - reported)
    order = np.argsort(results, kind="stable")
    bounds = np.searchsorted(results[order], np.arange(len(tree.results) + 1))
    for (bits, sources), result in tree.results.items():
        chosen = order[bounds[result] : bounds[result + 1]]
        memory[chosen] = memory_rows(len(chosen), words, bits, dict(sources), numbers[chosen])
