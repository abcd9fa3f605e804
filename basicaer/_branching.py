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

**Spectators.** A deferred measurement (see `_deferral`) does not collapse the state. Its qubit
stays in the branch's list of `deferred` qubits, and each shot has its own outcome, a bit of the
shot's *number*. Probabilities of later draws are then conditional on the number: the joint
distribution of deferred qubits and the qubit drawn is computed once, and each shot looks up its
entry.

**Known qubits.** Qubits known to be in a basis state are tracked. Measuring or resetting one takes
its draw but neither probabilities nor a branch.

Memory: a run holds no more states than its `Allowance` says. If there is no room for a copy, the
state is moved to one group, and recomputed from the nearest ancestor that is there, or from the
start, for the other.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, defaultdict
from typing import Any, Callable, Iterator, Sequence, Tuple, Union

from basicaer._amplitudes import Amplitudes
from basicaer._classical import evaluate, holds
from basicaer._code import (
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
from basicaer._control import Control
from basicaer._memory import Allowance
from basicaer._program import Gates
from basicaer._sampling import Marginals
from basicaer.exceptions import BasicAerError

_MOST_SPECTATORS = 10
"""Deferred qubits up to which later draws are made conditional on them, by a table of 2**k."""

_SMALL_TABLE = 1 << 10
"""Probabilities that are added up by the way."""


class Branch:
    """One history of outcomes and what it led to."""

    __slots__ = (
        "bits",
        "deferred",
        "draws",
        "known",
        "place",
        "sources",
        "state",
        "turns",
        "values",
        "work",
    )

    def __init__(self, known: int, num_loops: int, state: Amplitudes | None) -> None:
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
        self.state: Any = state  # None once it has been given away

    def twin(self, state: Amplitudes | None) -> Branch:
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
        num_qubits: of the circuit.
        new_state: returns the initial state.
        known: mask of the qubits known to be |0> in the initial state.
        allowance: what it may hold.
        most_turns: of one while loop, each time it is entered; None for no limit.
        apply: keyword arguments for `State.apply`.
        control: of the job.
    """

    def __init__(
        self,
        code: Code,
        name: str,
        num_qubits: int,
        new_state: Callable[[], Amplitudes],
        known: int,
        allowance: Allowance,
        most_turns: Union[int, None],
        apply: dict[str, Any],
        control: Control,
    ) -> None:
        self.code = code.instructions
        self.num_loops = code.num_loops
        self.name = name
        self.new_state = new_state
        self.known = known
        self.allowance = allowance
        self.most_turns = most_turns
        self.apply_options = apply
        self.num_qubits = num_qubits
        self.threads = apply["threads"]
        self.control = control
        self.lock = threading.Lock()
        self.alive = 0
        self.most_alive = 0
        self.drift_at = "at the end"
        self.drift = 0.0  # how far the norm of a state was from 1 at most, where it was seen
        self.leaves = 0
        self.work = 0  # what kernels have reported to the control, gates times amplitudes
        self.statistics: Counter[str] = Counter()
        self.seconds: defaultdict[str, float] = defaultdict(float)

    # --- states ----------------------------------------------------------------------------------

    def start(self) -> Branch:
        """Returns a branch at the beginning of the program."""
        with self.lock:
            self.alive += 1
            self.most_alive = max(self.most_alive, self.alive)
            self.statistics["states"] += 1
        return Branch(self.known, self.num_loops, self.new_state())

    def has_room(self) -> bool:
        """Returns whether one more state is within the allowance."""
        return self.alive < self.allowance.states

    def fork(self, branch: Branch) -> Branch | None:
        """Returns a twin of the branch with a copy of its state; None if there is no room."""
        begun = time.perf_counter()
        with self.lock:
            if not self.has_room():
                return None
            self.alive += 1
            self.most_alive = max(self.most_alive, self.alive)
            self.statistics["copies"] += 1
        twin = branch.twin(branch.state.copy())
        self.took("copy", begun)
        return twin

    def drop(self, branch: Branch, *, end: bool = False) -> None:
        """Frees the branch's state; `end` if the branch has come to its end."""
        branch.state = None
        with self.lock:
            self.alive -= 1
            self.leaves += end

    # --- what is counted -------------------------------------------------------------------------

    def count(self, name: str) -> None:
        """Counts one more of something."""
        with self.lock:
            self.statistics[name] += 1

    def took(self, name: str, begun: float) -> None:
        """Adds the time since `begun` to that of a stage."""
        seconds = time.perf_counter() - begun
        with self.lock:
            self.seconds[name] += seconds

    def use_threads(self, threads: int) -> None:
        """From now on uses so many threads for one state."""
        self.threads = threads
        self.apply_options = {**self.apply_options, "threads": threads}

    # --- running ---------------------------------------------------------------------------------

    def advance(self, branch: Branch) -> Draw | None:
        """Runs the branch to the next draw that must collapse the state; None at the end."""
        code = self.code
        check = self.control.check
        place = branch.place
        while True:
            item: Any = code[place]
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
        self.apply(branch.state, item.gates)
        branch.work += len(item.gates)
        branch.values ^= item.flipped
        branch.known &= ~item.clobbered

    def apply(self, state: Amplitudes, gates: Gates) -> None:
        """Applies gates to a state, and adds up what that took."""
        begun = time.perf_counter()
        planned = state.planning
        found = state.apply(gates, **self.apply_options)
        seconds = time.perf_counter() - begun
        planned = state.planning - planned
        with self.lock:
            self.seconds["apply"] += seconds - planned
            self.seconds["plan"] += planned
            self.work += found.get("amplitude_gates", len(gates) << state.num_qubits)
            for key, value in found.items():
                if isinstance(value, int):
                    self.statistics[key] += value

    def _turn(self, branch: Branch, loop: int) -> None:
        self.control.check()
        branch.turns[loop] += 1
        most = self.most_turns
        if most is not None and branch.turns[loop] > most:
            raise BasicAerError(
                f'circuit "{self.name}": while loop {loop + 1} of {self.num_loops} (in the order '
                f"of the circuit) went on after max_iterations={most} turns"
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
            most = self.allowance.table
            if item.deferral != TERMINAL:
                most = min(most - 1, _MOST_SPECTATORS)
            if position >= most:
                return False
            branch.deferred = (*deferred, qubit)
            branch.draws.append(position)
        if item.clbit is not None:
            branch.sources[item.clbit] = position
        return True

    def watch(self, norm: float, where: str = "at the end") -> None:
        """Takes note of the norm of a state, which should be 1."""
        drift = abs(norm - 1)
        if not drift <= self.drift:
            self.drift = drift if drift == drift else float("inf")
            self.drift_at = where

    def joint(self, branch: Branch, draw: Draw | None, first: int) -> Marginals:
        """Returns the distribution of the deferred qubits' outcomes, and then of the draw's.

        Args:
            branch: with its state.
            draw: what the branch stopped at; None at the end.
            first: deferred qubits whose outcomes have been decided before.
        """
        self.control.check()
        begun = time.perf_counter()
        qubits = branch.deferred if draw is None else (*branch.deferred, draw.qubit)
        probabilities = branch.state.probabilities(qubits, threads=self.threads)
        self.control.check()
        found = Marginals(probabilities, first)
        self.control.check()
        if len(found.levels[0]) <= _SMALL_TABLE:
            last = (
                "at the end" if draw is None else f"before qubit {draw.qubit} is measured or reset"
            )
            self.watch(float(found.levels[0].sum()), last)
        self.took("sample", begun)
        return found

    def chances(self, branch: Branch, draw: Draw) -> Tuple[float, float]:
        """Returns the probability of each outcome of the draw, whatever the deferred ones are."""
        self.control.check()
        begun = time.perf_counter()
        zero, one = branch.state.probabilities((draw.qubit,), threads=self.threads).tolist()
        self.watch(zero + one, f"before qubit {draw.qubit} is measured or reset")
        self.took("sample", begun)
        return zero, one

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


# --- one shot ------------------------------------------------------------------------------------


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
        if draw is not None and not branch.deferred:
            # Most of the time nothing is deferred, and few shots have company to share the cost.
            chances = machine.chances(branch, draw)
            for _ in branch.draws:
                next(uniforms)
            outcome = int(next(uniforms) >= chances[0] / (chances[0] + chances[1]))
        else:
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
            chances = chances_of(joint)
        machine.settle(branch, draw, outcome, chances)
        draw = machine.advance(branch)
