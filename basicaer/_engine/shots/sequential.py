"""Runs shots one after another, if the number of draws depends on outcomes.

A shot's first uniform is known only after the shot before it has ended. The tree of outcomes grows
and is kept; a shot whose history has occurred before touches no amplitude. A node keeps its state
if that is expected to save more work than the copy costs, and if there is room.
"""

from __future__ import annotations

from array import array
from heapq import heappop, heappush
from typing import Any, Callable, Iterator, Tuple
from weakref import ref

import numpy as np

from basicaer._engine.costs import COPY_GATES
from basicaer._engine.memory import NODE_ENTRIES
from basicaer._engine.shots.branch import Branch, Machine, chances_of, needed, run_one
from basicaer._engine.shots.draws import Marginals, memory_rows
from basicaer._engine.shots.instructions import Draw

_LONELY = 1 / 32
"""A branch is added to the tree only if at least so many shots are expected in it."""


class _Node:
    """A draw that branches, in the tree of outcomes, or a leaf.

    Attributes:
        parent, outcome: the node before, and the outcome that leads here. `parent` is a weak
            reference, so that the tree and its states are freed at once when it is dropped.
        branch: the branch before the collapse; None if its state has been taken or dropped.
        draw: the draw; None at a leaf.
        script: an entry for each deferred or known draw since the parent: None if its outcome needs
            no uniform's value, otherwise (position of the deferred qubit, probability of 0 for each
            number).
        zeros: the probability that the draw gives 0, for each number.
        chances: the probability of each outcome, not conditional on the number.
        chance: the probability that a shot reaches this node.
        children: by outcome; None if there is none yet.
        deferred: number of qubits deferred so far.
        kept: whether it is among the snapshots.
        result: at a leaf, the index of its result; otherwise -1.
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
    """The tree of outcomes that shots walk one after another."""

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
        """Adds a child to a node and returns it; None if it is not worth adding or does not fit.

        Args:
            node: the node that the shot has reached.
            outcome: the outcome, for which the node has no child yet.
            remaining: number of remaining shots, this one included.
        """
        expected = remaining * node.chance * node.chances[outcome]
        if (
            expected < _LONELY
            or self.nodes >= self.machine.allowance.nodes
            or self.table_entries > (1 << self.machine.allowance.table) + NODE_ENTRIES * self.nodes
        ):
            return None
        branch = self._depart(node, outcome, remaining)
        child = self._node(node, outcome, branch, self.machine.advance(branch))
        node.children[outcome] = child
        return child

    def finish(
        self, node: _Node, outcome: int, remaining: int, number: int, uniforms: Iterator[float]
    ) -> Tuple[int, int]:
        """Runs a shot to its end outside the tree; returns its result's index and its number."""
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
        if len(chances) == 1:
            return chances.tolist()
        self.table_entries += len(chances)
        # Lookups in an `array` are faster than in a numpy array.
        return array("d", chances.tolist()) if len(chances) <= 64 else chances

    def _depart(self, node: _Node, outcome: int, remaining: int) -> Branch:
        """Returns a branch that has gone past the node's draw, with a state of its own."""
        assert node.draw is not None
        branch = node.branch
        if branch is None:
            branch = self._recompute(node)
        else:
            twin = None
            if self._keeps(node, branch, 1 - outcome, remaining):
                twin = self.machine.fork(branch)
            if twin is None:
                node.branch = None
            else:
                branch = twin
        self.machine.settle(branch, node.draw, outcome, node.chances)
        return branch

    def _keeps(self, node: _Node, branch: Branch, other: int, remaining: int) -> bool:
        """Returns whether the node keeps its state for later shots with the outcome `other`.

        It does if that is expected to save more than the copy costs.
        """
        value = node.chance * node.chances[other]
        if node.children[other] is not None or remaining * value * branch.work < COPY_GATES:
            return False
        if node.kept:
            return self.machine.has_room()
        if not self._make_room(value):
            return False
        node.kept = True
        self.serial += 1
        heappush(self.snapshots, (value, self.serial, node))
        return True

    def _make_room(self, value: float) -> bool:
        """Returns whether one more state fits, after dropping a less valuable one if necessary."""
        machine = self.machine
        snapshots = self.snapshots
        while snapshots and snapshots[0][2].branch is None:
            heappop(snapshots)
        if machine.has_room():
            return True
        if not snapshots or snapshots[0][0] >= value:
            return False
        node = heappop(snapshots)[2]
        assert node.branch is not None
        machine.drop(node.branch)
        node.branch = None
        return True

    def _drop_least(self, but: _Node | None) -> bool:
        """Drops the least valuable state of a node other than `but`; returns whether it could."""
        snapshots = self.snapshots
        kept = []
        dropped = False
        while snapshots and not dropped:
            entry = heappop(snapshots)
            node = entry[2]
            if node is but:
                kept.append(entry)
            elif node.branch is not None:
                self.machine.drop(node.branch)
                node.branch = None
                dropped = True
        for entry in kept:
            heappush(snapshots, entry)
        return dropped

    def _recompute(self, node: _Node) -> Branch:
        machine = self.machine
        machine.count("recomputed")
        path = [node]
        while path[-1].branch is None and path[-1].parent is not None:
            parent = path[-1].parent()
            assert parent is not None
            path.append(parent)
        # All states are snapshots, so dropping one makes room. The one to start from is taken only
        # if there is no other.
        branch = path[-1].branch
        if branch is not None:
            twin = machine.fork(branch)
            if twin is None and self._drop_least(path[-1]):
                twin = machine.fork(branch)
            if twin is None:
                path[-1].branch = None
            else:
                branch = twin
        else:
            if not machine.has_room():
                self._drop_least(None)
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
    """Runs shots whose number of draws depends on their outcomes, one after another.

    Args:
        machine: runs the branches.
        uniforms: an endless iterator of the draws of all shots.
        memory: uint64 of shape (shots, words), to be filled.
        resolved: called with the number of shots that have just finished.
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
