"""Runs each shot from the start, as BasicAer does: option ``branching=False``.

This is the reference that the other ways to run shots are tested against.
"""

from __future__ import annotations

from typing import Callable, Iterator, Sequence, Tuple, Union

import numpy as np

from basicaer._engine.errors import EngineError
from basicaer._engine.program import (
    Break,
    Continue,
    For,
    Gates,
    IfElse,
    Measure,
    Operation,
    Prepare,
    Program,
    Reset,
    Store,
    Switch,
    While,
)
from basicaer._engine.shots.branch import Machine
from basicaer._engine.shots.classical import evaluate, holds, stored
from basicaer._engine.shots.draws import memory_rows


def run_shot_by_shot(
    program: Program,
    machine: Machine,
    uniforms: Iterator[float],
    memory: np.ndarray,
    resolved: Callable[[int], None],
) -> None:
    """Runs shots one after another.

    Args:
        program: the program.
        machine: applies the gates and collects statistics.
        uniforms: an endless iterator of the draws of all shots.
        memory: uint64 of shape (shots, words), to be filled.
        resolved: called with the number of shots that have just finished.
    """
    shots, words = memory.shape
    for shot in range(shots):
        machine.control.check()
        bits = _Shot(program, machine, uniforms).run()
        resolved(1)
        if words:
            memory[shot] = memory_rows(1, words, bits, {}, None)[0]


class _Shot:
    """One shot, run through the nested body, with nothing shared and nothing deferred.

    It handles loops and conditions independently of `Machine`, so that the two can be compared.
    """

    def __init__(self, program: Program, machine: Machine, uniforms: Iterator[float]) -> None:
        self.body = program.body
        self.machine = machine
        self.control = machine.control
        self.uniforms = uniforms
        self.state = machine.new_state()
        self.bits = 0

    def run(self) -> int:
        """Returns the clbits at the end."""
        self._run(self.body)
        return self.bits

    def _run(self, body: Sequence[Operation]) -> Union[Break, Continue, None]:
        """Runs a body; returns the break or continue that ended it early, or None."""
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
            elif isinstance(operation, Store):
                value = evaluate(operation.value, self.bits)
                self.bits = stored(operation.clbits, value, self.bits)
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
            else:
                raise TypeError(f"unknown operation {operation!r}")
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
        default: Sequence[Operation] = ()
        for values, body in reversed(operation.cases):
            if values is None:
                default = body
        for values, body in operation.cases:
            if values is not None and value in values:
                return body
        return default

    def _while(self, operation: While) -> None:
        turns = 0
        while holds(operation.condition, self.bits):
            self.control.check()
            turns += 1
            most = self.machine.most_turns
            if most is not None and turns > most:
                raise EngineError(
                    f'circuit "{self.machine.name}": a while loop went on after '
                    f"max_iterations={most} turns"
                )
            if isinstance(self._run(operation.body), Break):
                break
