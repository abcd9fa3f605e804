"""Runs a program: once and sampled, branch by branch, or shot by shot.

Which draws are made, and in which order, is BasicAer's, so that a seed gives the same outcomes:

- sampled: all shots at once from the final state, as `RandomState.choice` does it;
- otherwise one uniform per measurement or reset, shot after shot, and outcome 0 where it is less
  than the probability of 0 in the normalised state.
"""

from __future__ import annotations

import threading
import time
from typing import Any, Type

import numpy as np

from basicaer._allowance import allowed
from basicaer._amplitudes import Amplitudes
from basicaer._branching import Machine, run_one
from basicaer._code import Code
from basicaer._control import Control
from basicaer._flow import count_draws, flatten
from basicaer._groups import run_groups
from basicaer._in_order import run_in_order
from basicaer._memory import state_bytes
from basicaer._plain import first_state, run_plain
from basicaer._sampling import draw_rows, memory_rows, num_words, seeded, skip, stream
from basicaer._shot_by_shot import run_shot_by_shot
from basicaer._state import State
from basicaer._task import Outcome, Task
from basicaer._work import one_run, worth_a_look
from basicaer.exceptions import BasicAerError


def execute(task: Task, control: Control, state_class: Type[Amplitudes] = State) -> Outcome:
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
    if task.is_straight:
        outcome = run_plain(task, control, state_class)
    else:
        outcome = _execute(task, control, state_class)
    outcome.metadata["peak_memory"] += outcome.memory.nbytes
    outcome.metadata["time"]["total"] = time.perf_counter() - begun
    return outcome


def _execute(task: Task, control: Control, state_class: Type[Amplitudes]) -> Outcome:
    """Any program of which one final state does not say all."""
    method = task.method
    if method == "sampled":
        raise ValueError("the program cannot be sampled: it resets, or goes on after measuring")
    if method == "unitary":
        raise BasicAerError(
            f'circuit "{task.program.name}" has no unitary: expected gates only, without '
            "measurements, resets, conditions and loops"
        )
    run = _Run(task, control, state_class)
    if method == "statevector":
        return run.statevector()
    if method == "branching":
        return run.branching()
    if method == "shot_by_shot":
        return run.shot_by_shot()
    raise ValueError(f"unknown output {task.output!r}")


def splits(task: Task) -> bool:
    """Returns whether parts of the task's shots can be had on their own.

    They can where it is known beforehand how many draws each shot makes.
    """
    if task.output != "counts" or task.shots < 2 or task.part is not None:
        return False
    if task.method == "sampled":
        return True
    return count_draws(task.program.body) is not None


class _Run:
    """One execution of a task."""

    def __init__(self, task: Task, control: Control, state_class: Type[Amplitudes]) -> None:
        self.task = task
        self.program = task.program
        self.control = control
        self.state_class = state_class
        self.allowance = allowed(task)
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
        code = flatten(self.program, False, self.control.check)
        machine = self._machine(code)
        progress = _Progress(self.control, machine, one_run(self.program), 1)
        branch = machine.start()
        run_one(machine, branch, stream(self._random()))
        progress.resolved(1)
        self._watch(machine, branch.state)
        memory = self._memory(1)
        if self.words:
            memory[:] = memory_rows(1, self.words, branch.bits, {}, None)
        array = branch.state.to_array(self.task.threads, self.task.chop)
        return Outcome(memory, array, self._metadata(machine, 1))

    def branching(self) -> Outcome:
        code = flatten(self.program, True, self.control.check)
        machine = self._machine(code)
        count = self.last - self.first
        progress = _Progress(self.control, machine, one_run(self.program), count)
        random = self._random()
        memory = np.zeros((count, self.words), dtype=np.uint64)
        self._skip(random, code)
        if code.num_draws is None:
            run_in_order(machine, stream(random), memory, progress.resolved)
        else:
            step = max(1, self.allowance.uniforms // (8 * max(1, code.num_draws)))
            for first in range(0, count, step):
                part = memory[first : first + step]
                uniforms = draw_rows(random, len(part), code.num_draws, self.control.check)
                run_groups(machine, uniforms, part, progress.resolved)
                del uniforms  # gone before there are more
        metadata = self._metadata(machine, machine.leaves)
        return Outcome(memory if self.words else self._no_memory(), None, metadata)

    def shot_by_shot(self) -> Outcome:
        """As BasicAer does it, from the start for each shot; what `branching` is held against."""
        code = flatten(self.program, False, self.control.check)
        machine = self._machine(code)
        count = self.last - self.first
        progress = _Progress(self.control, machine, one_run(self.program), count)
        random = self._random()
        self._skip(random, code)
        memory = np.zeros((count, self.words), dtype=np.uint64)
        run_shot_by_shot(self.program, machine, stream(random), memory, progress.resolved)
        metadata = self._metadata(machine, count)
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

    def _new_state(self) -> Amplitudes:
        return first_state(self.task, self.state_class, self.control.check)

    def _machine(self, code: Code) -> Machine:
        known = (1 << self.program.num_qubits) - 1 if self.task.initial is None else 0
        return Machine(
            code,
            self.program.name,
            self.program.num_qubits,
            self._new_state,
            known,
            self.allowance,
            self.task.max_iterations,
            self.apply_options,
            self.control,
        )

    def _metadata(self, machine: Machine, states: int) -> dict[str, Any]:
        return {
            "method": self.task.method,
            "states_simulated": states,
            "branches": machine.leaves,
            **machine.statistics,
            "norm_drift": machine.drift,
            "norm_drift_at": machine.drift_at,
            "peak_memory": max(1, machine.most_alive)
            * state_bytes(self.program.num_qubits, self.task.precision),
            "time": dict(machine.seconds),
        }

    def _watch(self, machine: Machine, state: Amplitudes) -> None:
        """Has a look at the norm at the end of a run in which that look costs next to nothing."""
        if worth_a_look(machine.statistics):
            machine.watch(state.norm_squared(self.task.threads))


class _Progress:
    """Reports shots that have come to their end as work done.

    Work is announced as if each shot were run alone. Kernels report what they do; at the end of
    each branch the rest of what its shots would have taken alone is added.
    """

    def __init__(self, control: Control, machine: Machine, unit: int, shots: int) -> None:
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
