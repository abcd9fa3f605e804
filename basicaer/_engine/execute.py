"""Runs a program: once and sampled, branch by branch, or shot by shot.

Draws are made in the same order as in BasicAer, so that a seed gives the same outcomes:

- sampled: all shots at once from the final state, like the `choice` of NumPy's generators;
- otherwise: one uniform per measurement or reset, shot after shot. The outcome is 0 if the uniform
  is less than the probability of 0 in the normalised state.
"""

from __future__ import annotations

import threading
import time
from typing import Any, Type

import numpy as np

from basicaer._engine.allowance import allowed
from basicaer._engine.control import Control
from basicaer._engine.errors import EngineError
from basicaer._engine.memory import state_bytes
from basicaer._engine.one_pass import first_state, run_one_pass
from basicaer._engine.shots.batched import run_groups
from basicaer._engine.shots.branch import Machine, run_one
from basicaer._engine.shots.classical import NoValueError
from basicaer._engine.shots.draws import (
    Take,
    draw_rows,
    memory_rows,
    num_words,
    stream,
    uniforms_of,
)
from basicaer._engine.shots.flatten import count_draws, flatten
from basicaer._engine.shots.instructions import Code
from basicaer._engine.shots.sequential import run_in_order
from basicaer._engine.shots.shot_by_shot import run_shot_by_shot
from basicaer._engine.state.amplitudes import Amplitudes
from basicaer._engine.state.state import State
from basicaer._engine.task import Outcome, Task
from basicaer._engine.work import worth_a_look


def execute(task: Task, control: Control, state_class: Type[Amplitudes] = State) -> Outcome:
    """Computes what a task asks for.

    Args:
        task: what to compute.
        control: of the job; cancels it and receives its progress.
        state_class: class of the states.

    Raises:
        Cancelled: the job was cancelled.
        EngineError: a while loop went past `max_iterations`; a classical expression has no value.
    """
    begun = time.perf_counter()
    if task.stand_in is not None:
        outcome = task.stand_in(task, control)
    elif task.is_one_pass:
        outcome = run_one_pass(task, control, state_class)
    else:
        try:
            outcome = _execute(task, control, state_class)
        except NoValueError as error:
            raise EngineError(f'circuit "{task.program.name}": {error}') from None
    outcome.complete(time.perf_counter() - begun)
    return outcome


def _execute(task: Task, control: Control, state_class: Type[Amplitudes]) -> Outcome:
    """Computes a task that is not `is_one_pass`."""
    method = task.method
    if method == "sampled":
        raise ValueError("the program cannot be sampled: it resets, or goes on after measuring")
    if method == "unitary":
        raise EngineError(
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
    """Returns whether the task's shots can be computed in separate parts.

    They can if each shot makes a fixed number of draws.
    """
    if task.output != "counts" or task.shots < 2 or task.part is not None:
        return False
    return task.stand_in is None and draws_of(task) is not None


def draws_of(task: Task) -> int | None:
    """Returns how many uniforms a task of output "counts" draws; None if outcomes decide it."""
    if task.method == "sampled":
        return task.shots if task.program.outline.measured else 0
    draws = count_draws(task.program.body)
    return None if draws is None else draws * task.shots


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

    # --- methods ---------------------------------------------------------------------------------

    def statevector(self) -> Outcome:
        code = flatten(self.program, False, self.control.check)
        machine = self._machine(code)
        progress = _Progress(self.control, machine, self.program.amplitude_gates(), 1)
        branch = machine.start()
        run_one(machine, branch, stream(uniforms_of(self.task.seed)))
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
        progress = _Progress(self.control, machine, self.program.amplitude_gates(), count)
        memory = np.zeros((count, self.words), dtype=np.uint64)
        take = self._uniforms(code)
        if code.num_draws is None:
            run_in_order(machine, stream(take), memory, progress.resolved)
        else:
            step = max(1, self.allowance.uniforms // (8 * max(1, code.num_draws)))
            for first in range(0, count, step):
                part = memory[first : first + step]
                uniforms = draw_rows(take, len(part), code.num_draws, self.control.check)
                run_groups(machine, uniforms, part, progress.resolved)
                del uniforms  # free them before the next are drawn
        metadata = self._metadata(machine, machine.leaves)
        return Outcome(memory if self.words else self._no_memory(), None, metadata)

    def shot_by_shot(self) -> Outcome:
        """Runs each shot from the start, as BasicAer does: the reference for `branching`."""
        code = flatten(self.program, False, self.control.check)
        machine = self._machine(code)
        count = self.last - self.first
        progress = _Progress(self.control, machine, self.program.amplitude_gates(), count)
        uniforms = stream(self._uniforms(code))
        memory = np.zeros((count, self.words), dtype=np.uint64)
        run_shot_by_shot(self.program, machine, uniforms, memory, progress.resolved)
        metadata = self._metadata(machine, count)
        return Outcome(memory if self.words else self._no_memory(), None, metadata)

    # --- shared helpers --------------------------------------------------------------------------

    def _uniforms(self, code: Code) -> Take:
        """Returns what gives the uniforms of the task's shots, those of its part if it has one."""
        if self.task.part is None:
            return uniforms_of(self.task.seed)
        if code.num_draws is None:
            raise ValueError("shots cannot be computed in parts where the number of draws varies")
        return uniforms_of(self.task.seed, self.first * code.num_draws)

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
        """Records the final norm if computing it is negligible beside the rest."""
        if worth_a_look(machine.statistics):
            machine.watch(state.norm_squared(self.task.threads))


class _Progress:
    """Reports finished shots as completed work.

    The announced total is that of running each shot alone. Kernels report what they really do; the
    rest of a branch's share is added when its shots have finished.
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
        """Records that `shots` more shots have finished."""
        with self.lock:
            self.done += shots * self.unit
            missing = self.done - self.added - self.machine.work
            if missing > 0:
                self.added += missing
                self.control.add_done(missing)
