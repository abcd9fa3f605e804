"""Shots share their past: a circuit with measurements in the middle as a tree of outcomes.

A *branch* is one history of outcomes: a state, the clbits, and where in the code it is. All shots
with that history share it. The state is copied only where shots part, and moved where the last of
them leaves. Outcomes are those of running shot by shot with the same draws:

- Where every shot makes the same number of draws, shot i's j-th one is known beforehand. Groups of
  shots go down the tree depth first, the smaller group first, so that a tree of s shots never has
  more than log2(s) + 1 states at once (`run_groups`).
- Where the number depends on outcomes, a shot's first draw is known once the shot before it has
  ended. Shots walk the tree one after another; a shot whose history has occurred before touches no
  amplitude (`run_in_order`).

**Spectators.** A deferred measurement (see `_flow`) does not collapse the state. Its qubit stays in
the branch's list of `deferred` qubits, and each shot has its own outcome, a bit of the shot's
*number*. Probabilities of later draws are then conditional on the number: the joint distribution of
deferred qubits and the qubit drawn is computed once, and each shot looks up its entry.

**Known qubits.** Qubits known to be in a basis state are tracked. Measuring or resetting one takes
its draw but neither probabilities nor a branch.

Memory: if copying would pass the budget the state is moved to one group, and recomputed from the
nearest ancestor that is there, or from the start, for the other.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from heapq import heappop, heappush
from typing import Any, Callable, Iterator, NamedTuple, Sequence, Tuple, Union

import numpy as np

from basicaer._flow import (
    BRANCHES,
    TERMINAL,
    Apply,
    Code,
    Draw,
    End,
    Enter,
    Jump,
    Select,
    Set,
    Turn,
    Unless,
)
from basicaer._classical import evaluate, holds
from basicaer._sampling import Marginals, memory_rows
from basicaer.exceptions import BasicAerError

_MOST_SPECTATORS = 10
"""Deferred qubits up to which later draws are made conditional on them, by a table of 2**k."""

_MOST_NODES = 100_000
"""Nodes of the tree that `run_in_order` keeps; beyond, new ones are forgotten with their shot."""

_MOST_SNAPSHOTS = 4096
"""States that `run_in_order` keeps at most, whatever the budget."""

_PARALLEL_QUBITS = 12
"""Branches are spread over threads from this width on."""


class Limits(NamedTuple):
    """What a run may take.

    Attributes:
        states: states alive at once.
        table: qubits of the largest joint distribution computed.
        turns: of one while loop, each time it is entered; None for no limit.
    """

    states: float
    table: int
    turns: Union[int, None]


class Branch:
    """One history of outcomes and what it led to."""

    __slots__ = (
        "place",
        "bits",
        "turns",
        "known",
        "values",
        "deferred",
        "sources",
        "draws",
        "work",
        "state",
    )

    def __init__(self, known: int, num_loops: int, state: Any) -> None:
        self.place = 0
        self.bits = 0
        self.turns = [0] * num_loops
        self.known = known  # mask of the qubits known to be in a basis state
        self.values = 0  # which one
        self.deferred: Tuple[int, ...] = ()
        self.sources: dict[int, int] = {}  # clbit -> position of its qubit in `deferred`
        # The draws made since the branch began to run: a position in `deferred`, or -1 for one
        # whose outcome was known.
        self.draws: list[int] = []
        self.work = 0  # gates and draws, about one pass over the state each, since the last copy
        self.state = state

    def twin(self, state: Any) -> Branch:
        """Returns a branch with the same history and the given state."""
        twin = Branch.__new__(Branch)
        twin.place = self.place
        twin.bits = self.bits
        twin.turns = self.turns.copy()
        twin.known = self.known
        twin.values = self.values
        twin.deferred = self.deferred
        twin.sources = self.sources.copy()
        twin.draws = self.draws.copy()
        twin.work = 0
        twin.state = state
        return twin


class Machine:
    """Runs branches from draw to draw, and counts what that takes.

    Args:
        code: the program.
        name: of the circuit, for messages.
        new_state: returns the initial state.
        known: mask of the qubits known to be |0> in the initial state.
        limits: what it may take.
        apply: keyword arguments for `State.apply`.
        control: of the job.
    """

    def __init__(
        self,
        code: Code,
        name: str,
        new_state: Callable[[], Any],
        known: int,
        limits: Limits,
        apply: dict[str, Any],
        control: Any,
    ) -> None:
        self.code = code.instructions
        self.num_loops = code.num_loops
        self.name = name
        self.new_state = new_state
        self.known = known
        self.limits = limits
        self.apply_options = apply
        self.threads = apply.get("threads", 1)
        self.control = control
        self.lock = threading.Lock()
        self.alive = 0
        self.leaves = 0
        self.work = 0  # what kernels have reported to the control, gates times amplitudes
        self.statistics: Counter[str] = Counter()
        self.seconds: Counter[str] = Counter()

    # --- states ----------------------------------------------------------------------------------

    def start(self) -> Branch:
        """Returns a branch at the beginning of the program."""
        with self.lock:
            self.alive += 1
            self.statistics["states"] += 1
        return Branch(self.known, self.num_loops, self.new_state())

    def fork(self, branch: Branch) -> Branch:
        """Returns a twin of the branch with a copy of its state."""
        begun = time.perf_counter()
        with self.lock:
            self.alive += 1
            self.statistics["copies"] += 1
        twin = branch.twin(branch.state.copy())
        self.seconds["copy"] += time.perf_counter() - begun
        return twin

    def drop(self, branch: Branch) -> None:
        """Frees the branch's state."""
        branch.state = None
        with self.lock:
            self.alive -= 1

    # --- running ---------------------------------------------------------------------------------

    def advance(self, branch: Branch) -> Draw | None:
        """Runs the branch to the next draw that must collapse the state; None at the end."""
        code = self.code
        check = self.control.check
        place = branch.place
        while True:
            item = code[place]
            kind = type(item)
            if kind is Apply:
                self._apply(branch, item)
            elif kind is Draw:
                if not self._draw_freely(branch, item):
                    branch.place = place
                    return item
            elif kind is Unless:
                if not holds(item.condition, branch.bits):
                    place = item.target
                    continue
            elif kind is Jump:
                check()
                place = item.target
                continue
            elif kind is Select:
                value = evaluate(item.expression, branch.bits)
                place = item.targets.get(value, item.default)
                continue
            elif kind is Set:
                branch.state.prepare(item.prepare.qubits, item.prepare.amplitudes)
                branch.known &= ~item.used
            elif kind is Enter:
                branch.turns[item.loop] = 0
            elif kind is Turn:
                self._turn(branch, item.loop)
            elif kind is End:
                branch.place = place
                return None
            else:
                raise TypeError(f"unknown instruction {item!r}")
            place += 1

    def _apply(self, branch: Branch, item: Apply) -> None:
        begun = time.perf_counter()
        found = branch.state.apply(item.gates, **self.apply_options)
        seconds = time.perf_counter() - begun
        with self.lock:
            self.seconds["apply"] += seconds
            self.work += len(item.gates) << branch.state.num_qubits
            for key, value in found.items():
                if isinstance(value, int):
                    self.statistics[key] += value
        branch.work += len(item.gates)
        branch.values ^= item.flipped
        branch.known &= ~item.clobbered

    def _turn(self, branch: Branch, loop: int) -> None:
        self.control.check()
        branch.turns[loop] += 1
        most = self.limits.turns
        if most is not None and branch.turns[loop] > most:
            raise BasicAerError(
                f'circuit "{self.name}": while loop {loop + 1} of {self.num_loops} (in the order of '
                f"the circuit) went on after max_iterations={most} turns"
            )

    def _draw_freely(self, branch: Branch, item: Draw) -> bool:
        """Makes a draw that leaves the state as it is, except for moving |1> to |0>, if it can."""
        qubit = item.qubit
        if (branch.known >> qubit) & 1:
            outcome = (branch.values >> qubit) & 1
            if item.clbit is not None:
                branch.sources.pop(item.clbit, None)
                branch.bits = _with_bit(branch.bits, item.clbit, outcome)
            elif outcome:
                branch.state.reset(qubit, 1, 1.0)
                branch.values &= ~(1 << qubit)
            branch.draws.append(-1)
            return True
        if item.deferral == BRANCHES:
            return False
        deferred = branch.deferred
        if qubit in deferred:
            position = deferred.index(qubit)
            branch.draws.append(-1)
        else:
            position = len(deferred)
            most = self.limits.table
            if item.deferral != TERMINAL:
                most = min(most - 1, _MOST_SPECTATORS)
            if position >= most:
                return False
            branch.deferred = (*deferred, qubit)
            branch.draws.append(position)
        if item.clbit is not None:
            branch.sources[item.clbit] = position
        return True

    def joint(self, branch: Branch, draw: Draw | None, first: int) -> Marginals:
        """Returns the distribution of the deferred qubits' outcomes, and then of the draw's.

        Args:
            branch: with its state.
            draw: what the branch stopped at; None at the end.
            first: deferred qubits whose outcomes have been decided before.
        """
        begun = time.perf_counter()
        qubits = branch.deferred if draw is None else (*branch.deferred, draw.qubit)
        found = Marginals(branch.state.probabilities(qubits, threads=self.threads), first)
        self.seconds["sample"] += time.perf_counter() - begun
        return found

    def settle(self, branch: Branch, draw: Draw, outcome: int, chances: Sequence[float]) -> None:
        """Goes past the draw that the branch stopped at, with the given outcome."""
        qubit = draw.qubit
        chance = chances[outcome]
        branch.draws = []
        branch.work += 2
        branch.place += 1
        clbit = draw.clbit
        follower = self.code[branch.place]
        resets = clbit is None
        if clbit is not None:
            branch.sources.pop(clbit, None)
            branch.bits = _with_bit(branch.bits, clbit, outcome)
            if type(follower) is Draw and follower.clbit is None and follower.qubit == qubit:
                # A measurement and then a reset: one pass, two draws.
                resets = True
                branch.draws.append(-1)
                branch.place += 1
        if resets and outcome:
            branch.state.reset(qubit, 1, chance)
        elif chances[1 - outcome]:
            branch.state.collapse(qubit, outcome, chance)
        mask = 1 << qubit
        branch.known |= mask
        branch.values = branch.values | mask if outcome and not resets else branch.values & ~mask


def _with_bit(bits: int, position: int, value: int) -> int:
    return bits | (1 << position) if value else bits & ~(1 << position)


def needed(branch: Branch) -> int:
    """Returns how many of the deferred outcomes, in order, the classical memory depends on."""
    return 1 + max(branch.sources.values(), default=-1)


def chances_of(joint: Marginals) -> Tuple[float, float]:
    """Returns the probability of each outcome of the last qubit."""
    last = joint.levels[-1]
    half = len(last) >> 1
    if half == 1:
        return float(last[0]), float(last[1])
    return float(last[:half].sum()), float(last[half:].sum())


# --- one shot --------------------------------------------------------------------------------------


def run_one(
    machine: Machine,
    branch: Branch,
    uniforms: Iterator[float],
    *,
    draw: Draw | None = None,
    decided: int = 0,
    number: int = 0,
) -> int:
    """Runs one shot to its end; the branch keeps its state.

    Args:
        machine: what runs it.
        branch: where the shot is.
        uniforms: its draws from there on.
        draw: what the branch has stopped at already, if it has.
        decided: deferred qubits whose outcomes have been decided.
        number: those outcomes.

    Returns:
        The outcomes of the deferred qubits.
    """
    if draw is None:
        draw = machine.advance(branch)
    while True:
        pending = len(branch.deferred) if draw is not None else needed(branch)
        joint = machine.joint(branch, draw, decided) if draw or pending > decided else None
        for position in branch.draws:
            uniform = next(uniforms)
            if joint is not None and 0 <= position < pending:
                number |= joint.decide_one(position, number, uniform) << position
        if draw is None:
            return number
        assert joint is not None
        outcome = int(joint.decide_one(pending, number, next(uniforms)))
        decided = pending
        machine.settle(branch, draw, outcome, chances_of(joint))
        draw = machine.advance(branch)


# --- all shots at once ------------------------------------------------------------------------------


class _Past:
    """The outcome taken at one draw, linked to the ones before it.

    `origin` is the group that stayed behind there, for its state before the collapse.
    """

    __slots__ = ("before", "origin", "outcome", "chances")

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
        draw, outcome, chances: what is to be done first, if the group had to wait.
    """

    __slots__ = (
        "branch",
        "shots",
        "numbers",
        "decided",
        "drawn",
        "past",
        "draw",
        "outcome",
        "chances",
    )

    def __init__(self, branch: Branch, past: _Past | None) -> None:
        self.branch = branch
        self.shots: Any = None
        self.numbers: Any = None
        self.decided = 0
        self.drawn = 0
        self.past = past
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
        machine = self.machine
        self.waiting.append(_Group(machine.start(), None))
        self.work()

    def work(self) -> None:
        """Runs the groups that wait until none is left."""
        while self.waiting:
            group = self.waiting.pop()
            if group.draw is not None:
                if group.branch.state is None:
                    group.branch.state = self._recompute(group)
                self._go_past(group, None, group.draw, group.outcome, group.chances)
            self._follow(group)

    def _follow(self, group: _Group) -> None:
        """Runs a group to its end; those that part from it are left waiting."""
        machine = self.machine
        branch = group.branch
        while True:
            draw = machine.advance(branch)
            count = self.memory.shape[0] if group.shots is None else len(group.shots)
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
                machine.seconds["sample"] += time.perf_counter() - begun
                return
            assert joint is not None
            chances = chances_of(joint)
            ones = joint.decide(pending, group.numbers, self._row(group, len(branch.draws)))
            machine.seconds["sample"] += time.perf_counter() - begun
            group.decided = pending
            num_ones = int(np.count_nonzero(ones))
            if 0 < num_ones < count:
                self._part(group, draw, ones, num_ones, count, chances)
            else:
                self._go_past(group, None, draw, int(num_ones > 0), chances)

    def _row(self, group: _Group, place: int) -> np.ndarray:
        row = self.uniforms[group.drawn + place]
        return row if group.shots is None else row[group.shots]

    def _go_past(
        self,
        group: _Group,
        origin: _Group | None,
        draw: Draw,
        outcome: int,
        chances: Tuple[float, float],
    ) -> None:
        """Takes the group past the draw that its branch has stopped at."""
        branch = group.branch
        group.past = _Past(group.past, origin, outcome, chances)
        group.drawn += len(branch.draws) + 1
        group.draw = None
        self.machine.settle(branch, draw, outcome, chances)

    def _part(
        self,
        group: _Group,
        draw: Draw,
        ones: np.ndarray,
        num_ones: int,
        count: int,
        chances: Tuple[float, float],
    ) -> None:
        """Leaves the larger part of the group waiting; the group becomes the smaller one."""
        machine = self.machine
        branch = group.branch
        smaller = int(2 * num_ones <= count)
        sides = [np.flatnonzero(~ones), np.flatnonzero(ones)]
        with machine.lock:
            copies = machine.alive < machine.limits.states
        if copies:
            mine = machine.fork(branch)
        else:
            # The state goes with the smaller group.
            mine = branch.twin(branch.state)
            branch.state = None
        other = _Group(branch, group.past)
        other.decided = group.decided
        other.drawn = group.drawn
        other.draw, other.outcome, other.chances = draw, 1 - smaller, chances
        if group.numbers is not None:
            other.numbers = group.numbers[sides[1 - smaller]]
            group.numbers = group.numbers[sides[smaller]]
        if group.shots is not None:
            sides = [group.shots[side] for side in sides]
        other.shots = sides[1 - smaller]
        group.shots = sides[smaller]
        group.branch = mine
        self.waiting.append(other)
        self._go_past(group, other, draw, smaller, chances)

    def _recompute(self, group: _Group) -> Any:
        """Returns the state of a group that waits without one."""
        machine = self.machine
        machine.statistics["recomputed"] += 1
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
        self.machine.statistics["lone_shots"] += 1
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
        self.machine.drop(branch)
        self.machine.leaves += 1
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


# --- shot after shot --------------------------------------------------------------------------------


class _Node:
    """A place in the tree where outcomes part, or an end.

    Attributes:
        parent, outcome: where it comes from.
        branch: what arrived here, before the collapse; None once its state has been given away.
        draw: what parts the outcomes; None at an end.
        script: the draws made on the way here: None where the outcome was known, otherwise the
            position of the deferred qubit and the chance of 0 for each number.
        zeros: the chance that the draw gives 0, for each number.
        chances: of the draw's outcomes, whatever the number.
        chance: that a shot comes here.
        children: by outcome; None where no shot has gone yet.
        attached: whether later shots can find it.
        result: at an end, which of the results.
    """

    __slots__ = (
        "parent",
        "outcome",
        "branch",
        "draw",
        "script",
        "zeros",
        "chances",
        "chance",
        "children",
        "attached",
        "result",
        "deferred",
    )

    def __init__(self, parent: _Node | None, outcome: int) -> None:
        self.parent = parent
        self.outcome = outcome
        self.branch: Branch | None = None
        self.draw: Draw | None = None
        self.script: list[Any] = []
        self.zeros: Any = None
        self.chances = (1.0, 0.0)
        self.chance = 1.0
        self.children: list[_Node | None] = [None, None]
        self.attached = False
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

    def grow(self, node: _Node, outcome: int, remaining: int) -> _Node:
        """Returns the child of a node that has none for this outcome yet."""
        machine = self.machine
        branch = self._depart(node, outcome, remaining)
        assert node.draw is not None
        machine.settle(branch, node.draw, outcome, node.chances)
        return self._node(node, outcome, branch, machine.advance(branch))

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
        if parent is None or (
            parent.attached
            and self.nodes <= _MOST_NODES
            and self.table_entries <= 1 << machine.limits.table
        ):
            node.attached = True
            if parent is not None:
                parent.children[outcome] = node
        if draw is None:
            sources = tuple(sorted(branch.sources.items()))
            node.result = self.results.setdefault((branch.bits, sources), len(self.results))
            machine.drop(branch)
            machine.leaves += 1
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
        """Returns a branch of its own that is at the node, before the collapse."""
        branch = node.branch
        if branch is None:
            return self._recompute(node)
        other = 1 - outcome
        value = node.chance * node.chances[other]
        if (
            node.attached
            and node.children[other] is None
            # Worth a copy if shots are expected here again to whom it saves more than that.
            and remaining * value * branch.work >= 1
            and self._make_room(value)
        ):
            self.serial += 1
            heappush(self.snapshots, (value, self.serial, node))
            return self.machine.fork(branch)
        node.branch = None
        return branch

    def _make_room(self, value: float) -> bool:
        """Returns whether one more state may be kept, having dropped a less valuable one for it."""
        machine = self.machine
        snapshots = self.snapshots
        while snapshots and snapshots[0][2].branch is None:
            heappop(snapshots)
        if machine.alive < machine.limits.states and len(snapshots) < _MOST_SNAPSHOTS:
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
        machine.statistics["recomputed"] += 1
        path = [node]
        while path[-1].branch is None and path[-1].parent is not None:
            path.append(path[-1].parent)
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
        number = 0
        while True:
            for entry in node.script:
                uniform = next(uniforms)
                if entry is not None and uniform >= entry[1][number]:
                    number |= 1 << entry[0]
            if node.draw is None:
                break
            outcome = 1 if next(uniforms) >= node.zeros[number] else 0
            node = node.children[outcome] or tree.grow(node, outcome, shots - shot)
        results[shot] = node.result
        if number:
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
