"""Branches: shots with mid-circuit measurements, as a tree of outcomes.

A *branch* is one history of outcomes: a state, the clbits, and a position in the code. All shots
with this history share it. The state is copied only where shots take different outcomes, and moved
if none stay behind. Outcomes are those of running shot by shot with the same draws:

- If every shot makes the same number of draws, shot i's j-th uniform is known in advance, and
  groups of shots walk the tree depth first (`batched`).
- If the number depends on outcomes, a shot's first uniform is known only after the shot before it
  has ended. Shots walk the tree one after another, and a shot whose history has occurred before
  touches no amplitude (`sequential`).

**Spectators.** A deferred measurement (see `deferral`) does not collapse the state. Its qubit
joins the branch's list of `deferred` qubits, and each shot has its own outcome, a bit of the shot's
*number*. Probabilities of later draws are then conditional on the number: the joint distribution of
the deferred qubits and the qubit drawn is computed once, and each shot looks up its entry.

**Known qubits.** Qubits known to be in a basis state are tracked. Measuring or resetting one uses
up a draw but needs neither probabilities nor a branch.

**Memory.** A run holds no more states than its `Allowance` says. Without room for a copy, a state
is moved, and recomputed when it is needed again.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, defaultdict
from typing import Any, Callable, Iterator, Sequence, Tuple, Union

from basicaer._engine.control import Control
from basicaer._engine.errors import EngineError
from basicaer._engine.memory import Allowance
from basicaer._engine.program import Gates, Store
from basicaer._engine.shots.classical import evaluate, holds, stored
from basicaer._engine.shots.draws import Marginals
from basicaer._engine.shots.instructions import (
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
from basicaer._engine.state.amplitudes import Amplitudes

_MOST_SPECTATORS = 10
"""Maximum number k of deferred qubits that later draws depend on, by a table of size 2**k."""

_CHEAP_SUM = 1 << 10
"""Maximum number of probabilities that are summed just to check the norm."""


class Branch:
    """One history of outcomes: the state, the clbits and the position in the code."""

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
        self.values = 0  # their values
        self.deferred: Tuple[int, ...] = ()
        self.sources: dict[int, int] = {}  # clbit -> position of its qubit in `deferred`
        # The draws since the last one that branched: for each its position in `deferred`, or -1 if
        # its outcome was known.
        self.draws: list[int] = []
        self.work = 0  # gates and draws since the last copy, about one pass each
        self.state: Any = state  # None once another branch has taken it

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
    """Runs branches from draw to draw, and collects statistics.

    Args:
        code: the program.
        name: of the circuit, for messages.
        num_qubits: of the circuit.
        new_state: returns the initial state.
        known: mask of the qubits known to be |0> in the initial state.
        allowance: limits of states and tables.
        most_turns: most iterations of a while loop, each time it is entered; None for no limit.
        apply: keyword arguments for `State.apply`.
        control: of the job.

    Attributes:
        too_long: what is said of a while loop that goes on after `most_turns` iterations.
    """

    too_long = "went on after max_iterations={} turns"

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
        self.drift = 0.0  # largest observed deviation of a norm from 1
        self.leaves = 0
        self.work = 0  # amplitude-gates reported by kernels to the control
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
        """Frees the branch's state; `end` says that the branch has finished."""
        branch.state = None
        with self.lock:
            self.alive -= 1
            self.leaves += end

    # --- statistics ------------------------------------------------------------------------------

    def count(self, name: str) -> None:
        """Adds 1 to a statistic."""
        with self.lock:
            self.statistics[name] += 1

    def took(self, name: str, begun: float) -> None:
        """Adds the time since `begun` to the time of the stage `name`."""
        seconds = time.perf_counter() - begun
        with self.lock:
            self.seconds[name] += seconds

    def use_threads(self, threads: int) -> None:
        """Sets the number of threads per state from now on."""
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
            elif kind is Store:
                value = evaluate(item.value, branch.bits)
                branch.bits = stored(item.clbits, value, branch.bits)
                for clbit in item.clbits:
                    branch.sources.pop(clbit, None)
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
        """Applies gates to a state; adds to `seconds`, `work` and `statistics`."""
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
            raise EngineError(
                f'circuit "{self.name}": while loop {loop + 1} of {self.num_loops} (in the order '
                f"of the circuit) {self.too_long.format(most)}"
            )

    def _draw_freely(self, branch: Branch, item: Draw) -> bool:
        """Makes a draw without a branch if possible; returns whether it did."""
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
        """Records the squared norm of a state, which should be 1."""
        drift = abs(norm - 1)
        if not drift <= self.drift:
            self.drift = drift if drift == drift else float("inf")
            self.drift_at = where

    def joint(self, branch: Branch, draw: Draw | None, first: int) -> Marginals:
        """Returns the joint distribution of the deferred qubits, in order, and the drawn qubit.

        Args:
            branch: a branch that has its state.
            draw: the draw at which the branch has stopped; None at the end.
            first: number of deferred qubits whose outcomes are already decided.
        """
        self.control.check()
        begun = time.perf_counter()
        qubits = branch.deferred if draw is None else (*branch.deferred, draw.qubit)
        probabilities = branch.state.probabilities(qubits, threads=self.threads)
        self.control.check()
        found = Marginals(probabilities, first)
        self.control.check()
        if len(found.levels[0]) <= _CHEAP_SUM:
            last = (
                "at the end" if draw is None else f"before qubit {draw.qubit} is measured or reset"
            )
            self.watch(float(found.levels[0].sum()), last)
        self.took("sample", begun)
        return found

    def chances(self, branch: Branch, draw: Draw) -> Tuple[float, float]:
        """Returns the probability of each outcome of the draw, not conditional on deferred ones."""
        self.control.check()
        begun = time.perf_counter()
        zero, one = branch.state.probabilities((draw.qubit,), threads=self.threads).tolist()
        self.watch(zero + one, f"before qubit {draw.qubit} is measured or reset")
        self.took("sample", begun)
        return zero, one

    def settle(self, branch: Branch, draw: Draw, outcome: int, chances: Sequence[float]) -> None:
        """Applies the outcome of the draw that the branch has stopped at, and goes past it."""
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
    """Returns the length of the prefix of deferred outcomes that the clbits depend on."""
    return 1 + max(branch.sources.values(), default=-1)


def chances_of(joint: Marginals) -> Tuple[float, float]:
    """Returns the probability of each outcome of the last qubit of a distribution."""
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
        machine: runs the branch.
        branch: the shot's branch.
        uniforms: the shot's draws from the branch's `draws` on.
        draw: the draw at which the branch has stopped; None if it has to be advanced first.
        decided: number of deferred qubits whose outcomes are already decided.
        number: those outcomes, as bits.

    Returns:
        The outcomes of the deferred qubits, as bits.
    """
    if draw is None:
        draw = machine.advance(branch)
    while True:
        if draw is not None and not branch.deferred:
            # The common case: nothing deferred, so no joint distribution is needed.
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
