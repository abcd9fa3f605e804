"""Runs a program: once and sampled, branch by branch, or shot by shot.

Which draws are made, and in which order, is BasicAer's, so that a seed gives the same outcomes:

- sampled: all shots at once from the final state, as `RandomState.choice` does it;
- otherwise one uniform per measurement or reset, shot after shot, and outcome 0 where it is less
  than the probability of 0 in the normalised state.
"""

from __future__ import annotations

import cmath
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Callable, Iterator, Mapping, Sequence, Tuple, Union

import numpy as np

from basicaer import _memory
from basicaer._branching import Limits, Machine, run_one
from basicaer._classical import evaluate, holds
from basicaer._flow import Code, count_draws, flatten
from basicaer._groups import run_groups
from basicaer._in_order import run_in_order
from basicaer._program import (
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
    Switch,
    While,
)
from basicaer._sampling import draw_rows, memory_rows, num_words, seeded, skip, stream
from basicaer._state import State
from basicaer.exceptions import BasicAerError

_SHOTS_AT_ONCE = 1 << 20
"""Shots that are drawn from a final state between two looks at whether the job was cancelled."""
_UNIFORM_BYTES = 256 << 20
"""Uniforms that are drawn beforehand; more shots than that are run in several turns."""

_SMALL_STATES = 64 << 20
"""Bytes of states that need no look at how much memory there is."""

_WATCHED = 64
"""Operations of a plan from which one more look at the whole state costs next to nothing."""

_TABLE_BYTES = 1 << 20
"""Bytes of joint probabilities that are allowed whatever the limit."""


@dataclass(frozen=True, eq=False)
class Task:
    """What is to be computed; `execute` is a function of this alone.

    Attributes:
        program: the circuit.
        output: "counts", "statevector" or "unitary".
        shots: how often it is run, for "counts"; a statevector is that of one shot.
        seed: of the draws.
        initial: the state to begin with, shape (2**n,), or unitary, shape (2**n, 2**n); None for
            |0...0> or the identity.
        precision: "double" or "single".
        threads: the most threads to use.
        fusion: whether gates may be multiplied together before they are applied.
        allow_sampling: whether all shots may be drawn from the final state of one run.
        memory_limit: bytes that the states may take together; None for what is available.
        max_iterations: the most turns of a while loop, each time it is entered; None for no limit.
        branching: whether shots share their past. Without it they are run one by one.
        chop: entries of a final statevector or unitary of a smaller absolute value become 0.
        part: (first, last) if only these of the shots are wanted, the others being somebody else's;
            their outcomes are those that they have among all. None for all.
    """

    program: Program
    output: str = "counts"
    shots: int = 1024
    seed: int = 0
    initial: Union[np.ndarray, None] = None
    precision: str = "double"
    threads: int = 1
    fusion: bool = True
    allow_sampling: bool = True
    memory_limit: Union[int, None] = None
    max_iterations: Union[int, None] = None
    branching: bool = True
    chop: float = 0.0
    part: Union[Tuple[int, int], None] = None


@dataclass(eq=False)
class Outcome:
    """What came out.

    Attributes:
        memory: uint64 of shape (shots, words), word 0 the least significant; no rows where BasicAer
            gives no outcomes.
        array: the final statevector or unitary, or None.
        metadata: how it was computed: method, states_simulated, branches, statistics, how far the
            norm of a state was off 1 where it was seen, bytes of states and outcomes, seconds.
    """

    memory: np.ndarray
    array: Union[np.ndarray, None] = None
    metadata: dict[str, Any] = field(default_factory=dict)


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
    run = _Run(task, control, state_class)
    begun = time.perf_counter()
    if task.output == "unitary":
        outcome = run.unitary()
    elif task.output == "statevector":
        outcome = run.statevector()
    elif task.output != "counts":
        raise ValueError(f"unknown output {task.output!r}")
    elif task.shots > 1 and task.program.samples and task.allow_sampling:
        outcome = run.sampled()
    elif task.branching:
        outcome = run.branching()
    else:
        outcome = run.shot_by_shot()
    outcome.metadata["peak_memory"] += outcome.memory.nbytes
    outcome.metadata["time"]["total"] = time.perf_counter() - begun
    return outcome


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
            "threads": task.threads,
            "fusion": task.fusion,
            "control": control,
        }

    # --- the ways to run -------------------------------------------------------------------------

    def unitary(self) -> Outcome:
        num_qubits = self.program.num_qubits
        code = flatten(self.program, "none", self.control.check)
        if code.num_draws != 0 or any(not isinstance(item, Gates) for item in self.program.body):
            raise BasicAerError(
                f'circuit "{self.program.name}" has no unitary: expected gates only, without '
                "measurements, resets, conditions and loops"
            )
        machine = self._machine(code, self._new_unitary, shift=num_qubits)
        progress = _Progress(self.control, machine, max(1, code.num_gates) << (2 * num_qubits), 1)
        branch = machine.start()
        machine.advance(branch)
        progress.resolved(1)
        self._watch(machine, branch.state, 2**num_qubits)
        array = branch.state.to_array(self.task.threads, self.task.chop)
        array = array.reshape(2**num_qubits, 2**num_qubits)
        return Outcome(self._no_memory(), array, self._metadata("unitary", machine, 1))

    def statevector(self) -> Outcome:
        code = flatten(self.program, "none", self.control.check)
        machine = self._machine(code, self._new_state)
        progress = _Progress(self.control, machine, self._unit(code), 1)
        branch = machine.start()
        run_one(machine, branch, stream(self._random()))
        progress.resolved(1)
        self._watch(machine, branch.state, 1)
        memory = self._memory(1)
        if self.words:
            memory[:] = memory_rows(1, self.words, branch.bits, {}, None)
        array = branch.state.to_array(self.task.threads, self.task.chop)
        return Outcome(memory, array, self._metadata("statevector", machine, 1))

    def sampled(self) -> Outcome:
        """All measurements at the end, of one state, by `RandomState.choice`'s method."""
        plain = _gates_and_measurements(self.program.body)
        if plain is not None:
            return self._sampled_plainly(*plain)
        code = flatten(self.program, "all", self.control.check)
        machine = self._machine(code, self._new_state, known=0)
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
            memory = self._sampled_memory(branch.state, qubits, branch.bits, sources)
            machine.watch(getattr(branch.state, "norm", 1.0))
        else:
            shots = self.last - self.first if self.words else 0
            memory = memory_rows(shots, self.words, branch.bits, sources, None)
        machine.drop(branch, end=True)
        machine.took("sample", begun)
        progress.resolved(1)
        return Outcome(memory, None, self._metadata("sampled", machine, 1))

    def _sampled_plainly(self, runs: Sequence[Gates], measured: Sequence[Measure]) -> Outcome:
        """The same for a body of gates, and then measurements: most circuits are that."""
        program, control = self.program, self.control
        unit = max(1, sum(map(len, runs))) << program.num_qubits
        control.add_total(unit)
        control.check()
        state = self._new_state()
        statistics: Counter[str] = Counter(states=1)
        work = 0
        begun = time.perf_counter()
        for gates in runs:
            found = state.apply(gates, **self.apply_options)
            work += found.get("amplitude_gates", len(gates) << program.num_qubits)
            for key, value in found.items():
                if isinstance(value, int):
                    statistics[key] += value
        applied = time.perf_counter()
        if measured and self.words:
            qubits = sorted({qubit for qubit, _ in measured})
            order = {qubit: position for position, qubit in enumerate(qubits)}
            sources = {clbit: order[qubit] for qubit, clbit in measured}
            memory = self._sampled_memory(state, qubits, 0, sources)
        else:
            memory = memory_rows(
                self.last - self.first if self.words else 0, self.words, 0, {}, None
            )
        if unit > work:
            control.flags[1] += unit - work
        seconds = {"apply": applied - begun, "sample": time.perf_counter() - applied}
        planning = getattr(state, "planning", 0.0)
        seconds["apply"] -= planning
        seconds["plan"] = planning
        metadata = {
            "method": "sampled",
            "states_simulated": 1,
            "branches": 1,
            **statistics,
            "norm_drift": _drift(getattr(state, "norm", 1.0)),
            "norm_drift_at": "at the end",
            "peak_memory": self._state_bytes(),
            "time": seconds,
        }
        return Outcome(memory, None, metadata)

    def branching(self) -> Outcome:
        code = flatten(self.program, "possible", self.control.check)
        machine = self._machine(code, self._new_state)
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
        machine = self._machine(code, self._new_state)
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

    def _sampled_memory(
        self, state: Any, qubits: Sequence[int], bits: int, sources: Mapping[int, int]
    ) -> np.ndarray:
        """The classical memory of the shots wanted, drawn from a final state, one draw a shot.

        They are drawn in parts, between which a cancelled job stops.
        """
        random = self._random()
        skip(random, self.first)
        sample = state.sampler(qubits, threads=self.task.threads)
        shots = self.last - self.first
        if shots <= _SHOTS_AT_ONCE:
            return memory_rows(
                shots, self.words, bits, sources, sample(random.random_sample(shots))
            )
        memory = np.empty((shots, self.words), dtype=np.uint64)
        for first in range(0, shots, _SHOTS_AT_ONCE):
            self.control.check()
            part = memory[first : first + _SHOTS_AT_ONCE]
            numbers = sample(random.random_sample(len(part)))
            part[:] = memory_rows(len(part), self.words, bits, sources, numbers)
        return memory

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
        task, check = self.task, self.control.check
        num_qubits = self.program.num_qubits
        if task.initial is None:
            state = self.state_class.zero(num_qubits, precision=task.precision, check=check)
        else:
            state = self.state_class.from_amplitudes(
                task.initial, precision=task.precision, check=check
            )
        return self._with_phase(state)

    def _new_unitary(self) -> Any:
        task, check = self.task, self.control.check
        if task.initial is None:
            num_qubits = self.program.num_qubits
            state = self.state_class.identity(num_qubits, precision=task.precision, check=check)
        else:
            amplitudes = np.ascontiguousarray(task.initial).reshape(-1)
            state = self.state_class.from_amplitudes(
                amplitudes, precision=task.precision, check=check
            )
        return self._with_phase(state)

    def _with_phase(self, state: Any) -> Any:
        if self.program.global_phase:
            state.scale(cmath.exp(1j * self.program.global_phase))
        return state

    def _machine(
        self,
        code: Code,
        new_state: Callable[[], Any],
        *,
        shift: int = 0,
        known: Union[int, None] = None,
    ) -> Machine:
        if known is None:
            known = (1 << self.program.num_qubits) - 1 if self.task.initial is None else 0
        return Machine(
            code,
            self.program.name,
            self.program.num_qubits,
            new_state,
            known,
            self._limits(code),
            {**self.apply_options, "shift": shift} if shift else self.apply_options,
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
            "peak_memory": max(1, machine.most_alive) * self._state_bytes(),
            "time": dict(machine.seconds),
        }

    def _state_bytes(self) -> int:
        width = self.program.num_qubits * (2 if self.task.output == "unitary" else 1)
        return max(8, 1 << width) * _memory.ITEM_BYTES[self.task.precision]

    def _watch(self, machine: Machine, state: Any, norm: int) -> None:
        """Has a look at the norm at the end of a run in which that look costs next to nothing."""
        statistics = machine.statistics
        if max(8 * statistics["passes"], statistics["operations"]) >= _WATCHED:
            machine.watch(state.norm_squared() / norm)


def _drift(norm: float) -> float:
    drift = abs(norm - 1)
    return drift if drift == drift else float("inf")


def _gates_and_measurements(
    body: Sequence[Operation],
) -> Union[Tuple[list[Gates], list[Measure]], None]:
    """Returns a body's gates, and the measurements after them; None if there is more to it."""
    runs: list[Gates] = []
    measured: list[Measure] = []
    for operation in body:
        if isinstance(operation, Measure):
            measured.append(operation)
        elif isinstance(operation, Gates) and not measured:
            if len(operation):
                runs.append(operation)
        else:
            return None
    return runs, measured


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
