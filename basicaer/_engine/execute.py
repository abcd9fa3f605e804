"""Runs a program: once and sampled, branch by branch, or shot by shot.

Which draws are made, and in which order, is BasicAer's, so that a seed gives the same outcomes:

- sampled: all shots at once from the final state, as `RandomState.choice` does it;
- otherwise one uniform per measurement or reset, shot after shot, and outcome 0 where it is less
  than the probability of 0 in the normalised state.
"""

from __future__ import annotations

import threading
import time
from typing import Any, Iterator, Sequence, Tuple, Union

import numpy as np

from basicaer._engine import memory as _memory
from basicaer._engine.shots.branch import Limits, Machine, run_one
from basicaer._engine.shots.classical import evaluate, holds
from basicaer._engine.shots.instructions import Code
from basicaer._engine.shots.flatten import count_draws, flatten
from basicaer._engine.shots.batched import run_groups
from basicaer._engine.shots.sequential import run_in_order
from basicaer._engine.one_pass import (
    WATCHED,
    first_state,
    plain_parts,
    run_plain,
    sampled_memory,
    state_bytes,
)
from basicaer._engine.program import (
    Break,
    Continue,
    For,
    Gates,
    IfElse,
    Measure,
    Operation,
    Prepare,
    Reset,
    Switch,
    While,
)
from basicaer._engine.shots.draws import draw_rows, memory_rows, num_words, seeded, skip, stream
from basicaer._engine.state.state import State
from basicaer._engine.task import Outcome, Task
from basicaer.exceptions import BasicAerError

_UNIFORM_BYTES = 256 << 20
"""Uniforms that are drawn beforehand; more shots than that are run in several turns."""

_SMALL_STATES = 64 << 20
"""Bytes of states that need no look at how much memory there is."""

_TABLE_BYTES = 1 << 20
"""Bytes of joint probabilities that are allowed whatever the limit."""


def execute(task: Task, control: Any, state_class: Any = State) -> Outcome:
    """Computes what a task asks for.

    Args:
        task: what to compute.
        control: of the job: can cancel it, and is told of its progress.
        state_class: what holds the amplitudes.

    Raises:
        Cancelled: the job was cancelled.
        BasicAerError: a while loop went past `max_iterations`.
    """
    begun = time.perf_counter()
    plain = plain_parts(task)
    if plain is not None:
        outcome = run_plain(task, plain, control, state_class)
    else:
        outcome = _execute(task, control, state_class)
    outcome.metadata["peak_memory"] += outcome.memory.nbytes
    outcome.metadata["time"]["total"] = time.perf_counter() - begun
    return outcome


def _execute(task: Task, control: Any, state_class: Any) -> Outcome:
    """Any program, the plain ones too; `plain_parts` takes those out only to be quick."""
    run = _Run(task, control, state_class)
    if task.output == "unitary":
        raise BasicAerError(
            f'circuit "{task.program.name}" has no unitary: expected gates only, without '
            "measurements, resets, conditions and loops"
        )
    if task.output == "statevector":
        return run.statevector()
    if task.output != "counts":
        raise ValueError(f"unknown output {task.output!r}")
    if task.shots > 1 and task.program.samples and task.allow_sampling:
        return run.sampled()
    if task.branching:
        return run.branching()
    return run.shot_by_shot()


def splits(task: Task) -> bool:
    """Returns whether parts of the task's shots can be had on their own.

    They can where it is known beforehand how many draws each shot makes.
    """
    if task.output != "counts" or task.shots < 2 or task.part is not None:
        return False
    if task.program.samples and task.allow_sampling:
        return True
    return count_draws(task.program.body) is not None


class _Run:
    """One execution of a task."""

    def __init__(self, task: Task, control: Any, state_class: Any) -> None:
        self.task = task
        self.program = task.program
        self.control = control
        self.state_class = state_class
        self.words = num_words(task.program.num_clbits)
        self.first, self.last = (0, task.shots) if task.part is None else task.part
        self.apply_options = {
            "again": True,
            "threads": task.threads,
            "fusion": task.fusion,
            "control": control,
        }

    # --- the ways to run -------------------------------------------------------------------------

    def statevector(self) -> Outcome:
        code = flatten(self.program, "none", self.control.check)
        machine = self._machine(code)
        progress = _Progress(self.control, machine, self._unit(code), 1)
        branch = machine.start()
        run_one(machine, branch, stream(self._random()))
        progress.resolved(1)
        self._watch(machine, branch.state)
        memory = self._memory(1)
        if self.words:
            memory[:] = memory_rows(1, self.words, branch.bits, {}, None)
        array = branch.state.to_array(self.task.threads, self.task.chop)
        return Outcome(memory, array, self._metadata("statevector", machine, 1))

    def sampled(self) -> Outcome:
        """All measurements at the end, of one state, by `RandomState.choice`'s method."""
        code = flatten(self.program, "all", self.control.check)
        machine = self._machine(code, known=0)
        progress = _Progress(self.control, machine, self._unit(code), 1)
        branch = machine.start()
        machine.advance(branch)
        begun = time.perf_counter()
        sources: dict[int, int] = {}
        if branch.deferred and self.words:
            qubits = sorted(branch.deferred)
            order = {qubit: position for position, qubit in enumerate(qubits)}
            for clbit, position in branch.sources.items():
                sources[clbit] = order[branch.deferred[position]]
            memory = sampled_memory(
                self.task, branch.state, qubits, branch.bits, sources, self.control
            )
            machine.watch(getattr(branch.state, "norm", 1.0))
        else:
            shots = self.last - self.first if self.words else 0
            memory = memory_rows(shots, self.words, branch.bits, sources, None)
        machine.drop(branch, end=True)
        machine.took("sample", begun)
        progress.resolved(1)
        return Outcome(memory, None, self._metadata("sampled", machine, 1))

    def branching(self) -> Outcome:
        code = flatten(self.program, "possible", self.control.check)
        machine = self._machine(code)
        count = self.last - self.first
        progress = _Progress(self.control, machine, self._unit(code), count)
        random = self._random()
        memory = np.zeros((count, self.words), dtype=np.uint64)
        self._skip(random, code)
        if code.num_draws is None:
            run_in_order(machine, stream(random), memory, progress.resolved)
        else:
            step = max(1, _UNIFORM_BYTES // (8 * max(1, code.num_draws)))
            for first in range(0, count, step):
                part = memory[first : first + step]
                uniforms = draw_rows(random, len(part), code.num_draws, self.control.check)
                run_groups(machine, uniforms, part, progress.resolved)
        metadata = self._metadata("branching", machine, machine.leaves)
        return Outcome(memory if self.words else self._no_memory(), None, metadata)

    def shot_by_shot(self) -> Outcome:
        """As BasicAer does it, from the start for each shot; what `branching` is held against."""
        code = flatten(self.program, "none", self.control.check)
        machine = self._machine(code)
        count = self.last - self.first
        progress = _Progress(self.control, machine, self._unit(code), count)
        random = self._random()
        self._skip(random, code)
        uniforms = stream(random)
        memory = np.zeros((count, self.words), dtype=np.uint64)
        for shot in range(count):
            self.control.check()
            bits = _Shot(self, machine, uniforms).run()
            progress.resolved(1)
            if self.words:
                memory[shot] = memory_rows(1, self.words, bits, {}, None)[0]
        metadata = self._metadata("shot_by_shot", machine, count)
        return Outcome(memory if self.words else self._no_memory(), None, metadata)

    # --- what they share -------------------------------------------------------------------------

    def _random(self) -> np.random.RandomState:
        return seeded(self.task.seed)

    def _skip(self, random: np.random.RandomState, code: Code) -> None:
        """Goes past the draws of the shots before those wanted."""
        if self.task.part is None:
            return
        if code.num_draws is None:
            raise ValueError("the shots of a program whose draws vary cannot be had in parts")
        skip(random, self.first * code.num_draws)

    def _no_memory(self) -> np.ndarray:
        return self._memory(0)

    def _memory(self, shots: int) -> np.ndarray:
        return np.zeros((shots if self.words else 0, self.words), dtype=np.uint64)

    def _new_state(self) -> Any:
        return first_state(self.task, self.state_class, self.control.check)

    def _machine(
        self,
        code: Code,
        *,
        known: Union[int, None] = None,
    ) -> Machine:
        if known is None:
            known = (1 << self.program.num_qubits) - 1 if self.task.initial is None else 0
        return Machine(
            code,
            self.program.name,
            self.program.num_qubits,
            self._new_state,
            known,
            self._limits(code),
            self.apply_options,
            self.control,
        )

    def _limits(self, code: Code) -> Limits:
        task = self.task
        num_qubits = self.program.num_qubits
        most_turns = task.max_iterations
        state_bytes = max(8, 1 << num_qubits) * _memory.ITEM_BYTES[task.precision]
        limit = task.memory_limit
        if limit is None:
            if 64 * state_bytes <= _SMALL_STATES:
                return Limits(float("inf"), num_qubits, most_turns)
            limit = _memory.available_bytes() // 2
        # Joint probabilities of t qubits take 16 * 2**t bytes, refined ones and sums together.
        room = max(_TABLE_BYTES, limit // 4 if code.branches else limit - state_bytes)
        table = min(num_qubits, (room // 16).bit_length() - 1)
        return Limits(max(1, limit // state_bytes), table, most_turns)

    def _unit(self, code: Code) -> int:
        """Returns the work of one run from start to end, each loop's body taken once."""
        return max(1, code.num_gates) << self.program.num_qubits

    def _metadata(self, method: str, machine: Machine, states: int) -> dict[str, Any]:
        return {
            "method": method,
            "states_simulated": states,
            "branches": machine.leaves,
            **machine.statistics,
            "norm_drift": machine.drift,
            "norm_drift_at": machine.drift_at,
            "peak_memory": max(1, machine.most_alive) * state_bytes(self.task),
            "time": dict(machine.seconds),
        }

    def _watch(self, machine: Machine, state: Any) -> None:
        """Has a look at the norm at the end of a run in which that look costs next to nothing."""
        statistics = machine.statistics
        if max(8 * statistics["passes"], statistics["operations"]) >= WATCHED:
            machine.watch(state.norm_squared(self.task.threads))


class _Progress:
    """Reports shots that have come to their end as work done.

    Work is announced as if each shot were run alone. Kernels report what they do; at the end of
    each branch the rest of what its shots would have taken alone is added.
    """

    def __init__(self, control: Any, machine: Machine, unit: int, shots: int) -> None:
        self.control = control
        self.machine = machine
        # The total must fit the counter with room to spare.
        self.unit = min(unit, (1 << 60) // shots)
        self.done = 0
        self.added = 0
        self.lock = threading.Lock()
        control.add_total(self.unit * shots)

    def resolved(self, shots: int) -> None:
        """Takes note of shots that have come to their end."""
        with self.lock:
            self.done += shots * self.unit
            missing = self.done - self.added - self.machine.work
            if missing > 0:
                self.added += missing
                self.control.flags[1] += missing


class _Shot:
    """One shot, run straight through the nested body, with nothing shared and nothing deferred.

    It has an own way through loops and conditions, so that it and `Machine` can be compared.
    """

    def __init__(self, run: _Run, machine: Machine, uniforms: Iterator[float]) -> None:
        self.body = run.program.body
        self.name = run.program.name
        self.most_turns = run.task.max_iterations
        self.control = run.control
        self.machine = machine
        self.uniforms = uniforms
        self.state = machine.new_state()
        self.bits = 0

    def run(self) -> int:
        """Returns the clbits at the end."""
        self._run(self.body)
        return self.bits

    def _run(self, body: Sequence[Operation]) -> Union[Break, Continue, None]:
        """Runs a body; returns what ended it early, if anything did."""
        for operation in body:
            left: Union[Break, Continue, None] = None
            if isinstance(operation, Gates):
                if len(operation):
                    self.machine.apply(self.state, operation)
            elif isinstance(operation, Measure):
                outcome, chance = self._outcome(operation.qubit)
                self.state.collapse(operation.qubit, outcome, chance)
                mask = 1 << operation.clbit
                self.bits = self.bits | mask if outcome else self.bits & ~mask
            elif isinstance(operation, Reset):
                outcome, chance = self._outcome(operation.qubit)
                self.state.reset(operation.qubit, outcome, chance)
            elif isinstance(operation, Prepare):
                self.state.prepare(operation.qubits, operation.amplitudes)
            elif isinstance(operation, IfElse):
                chosen = holds(operation.condition, self.bits)
                left = self._run(operation.true_body if chosen else operation.false_body)
            elif isinstance(operation, Switch):
                left = self._run(self._case(operation))
            elif isinstance(operation, While):
                self._while(operation)
            elif isinstance(operation, For):
                for turn in operation.bodies:
                    self.control.check()
                    if isinstance(self._run(turn), Break):
                        break
            elif isinstance(operation, (Break, Continue)):
                left = operation
            if left is not None:
                return left
        return None

    def _outcome(self, qubit: int) -> Tuple[int, float]:
        chances = self.state.probabilities((qubit,), threads=self.machine.threads)
        zero, one = float(chances[0]), float(chances[1])
        outcome = 0 if next(self.uniforms) < zero / (zero + one) else 1
        return outcome, (one if outcome else zero)

    def _case(self, operation: Switch) -> Sequence[Operation]:
        value = evaluate(operation.target, self.bits)
        for values, body in operation.cases:
            if values is None or value in values:
                return body
        return ()

    def _while(self, operation: While) -> None:
        turns = 0
        while holds(operation.condition, self.bits):
            self.control.check()
            turns += 1
            if self.most_turns is not None and turns > self.most_turns:
                raise BasicAerError(
                    f'circuit "{self.name}": a while loop went on after '
                    f"max_iterations={self.most_turns} turns"
                )
            if isinstance(self._run(operation.body), Break):
                break
