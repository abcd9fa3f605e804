"""Programs that are gates, and then measurements: most are, and many are small.

What is done is what `_execution` does with any program, without what the others need.
"""

from __future__ import annotations

import cmath
import time
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Sequence, Union

import numpy as np

from basicaer._engine import memory as _memory
from basicaer._engine.shots import outcomes
from basicaer._engine.program import Gates, Measure, Program
from basicaer._engine.shots.draws import memory_rows, num_words, seeded, skip
from basicaer._engine.task import Outcome, Task

SHOTS_AT_ONCE = 1 << 20
"""Shots that are drawn from a final state between two looks at whether the job was cancelled."""

WATCHED = 64
"""Operations of a plan from which one more look at the whole state costs next to nothing."""


class Plain(NamedTuple):
    """A body of gates, and then measurements.

    Attributes:
        runs: of gates, none of them empty.
        measured: what follows.
    """

    runs: List[Gates]
    measured: List[Measure]


def plain_parts(task: Task) -> Union[Plain, None]:
    """Returns the parts of a task that `run_plain` can do, None for any other."""
    known = task.__dict__.get("plain", task)  # looked at before, and not made for other shots since
    if known is not task:
        return known
    parts = task.__dict__["plain"] = _plain_parts(task)
    return parts


def _plain_parts(task: Task) -> Union[Plain, None]:
    program = task.program
    if task.output == "counts" and not (task.shots > 1 and program.samples and task.allow_sampling):
        return None
    runs: List[Gates] = []
    measured: List[Measure] = []
    for operation in program.body:
        if operation.__class__ is Measure:
            measured.append(operation)
        elif operation.__class__ is Gates and not measured:
            if len(operation.kind):
                runs.append(operation)
        else:
            return None
    if measured and task.output != "counts":
        return None
    return Plain(runs, measured)


def run_plain(task: Task, plain: Plain, control: Any, state_class: Any) -> Outcome:
    """Computes what a task asks for; the arguments are those of `execute`."""
    program, output = task.program, task.output
    runs, measured = plain
    shift = program.num_qubits if output == "unitary" else 0
    width = program.num_qubits + shift
    work = max(1, sum([len(gates.kind) for gates in runs])) << width
    control.add_total(work)
    control.check()
    state = first_state(task, state_class, control.check)
    statistics: Dict[str, int] = {}
    begun = time.perf_counter()
    for gates in runs:
        found = state.apply(
            gates, shift=shift, threads=task.threads, fusion=task.fusion, control=control
        )
        work -= found.get("amplitude_gates", len(gates) << width)
        for key, value in found.items():
            if value.__class__ is int:
                statistics[key] = statistics.get(key, 0) + value
    applied = time.perf_counter()
    words = num_words(program.num_clbits)
    array = None
    shots = 0
    if output == "counts":
        first, last = (0, task.shots) if task.part is None else task.part
        shots = last - first
    elif output == "statevector":
        shots = 1
    if measured and words:
        qubits = sorted({qubit for qubit, _ in measured})
        order = dict(zip(qubits, range(len(qubits))))
        sources = {clbit: order[qubit] for qubit, clbit in measured}
        memory = sampled_memory(task, state, qubits, 0, sources, control)
    else:
        memory = np.zeros((shots if words else 0, words), dtype=np.uint64)
    if output != "counts":
        operations = max(8 * statistics.get("passes", 0), statistics.get("operations", 0))
        if operations >= WATCHED:
            state.norm = state.norm_squared(task.threads) / (1 << shift)
        array = state.to_array(task.threads, task.chop)
        if output == "unitary":
            array = array.reshape(1 << shift, 1 << shift)
    control.add_total(-work)  # what fusion has saved
    planning = getattr(state, "planning", 0.0)
    metadata = {
        "method": "sampled" if output == "counts" else output,
        "states_simulated": 1,
        "branches": 1,
        "states": 1,
        **statistics,
        "norm_drift": _drift(getattr(state, "norm", 1.0)),
        "norm_drift_at": "at the end",
        "peak_memory": state_bytes(task),
        "time": {
            "apply": applied - begun - planning,
            "sample": time.perf_counter() - applied,
            "plan": planning,
        },
    }
    return Outcome(memory, array, metadata)


# ----------------------------------------------------------------------------------------------
# What other programs need too
# ----------------------------------------------------------------------------------------------


def first_state(task: Task, state_class: Any, check: Callable[[], None]) -> Any:
    """Returns the state, or the unitary, that the task's program begins with.

    `check` is called now and then while a large one is made; what it raises is raised.
    """
    program = task.program
    if task.initial is not None:
        amplitudes = np.ascontiguousarray(task.initial).reshape(-1)
        state = state_class.from_amplitudes(amplitudes, precision=task.precision, check=check)
    elif task.output == "unitary":
        state = state_class.identity(program.num_qubits, precision=task.precision, check=check)
    else:
        state = state_class.zero(program.num_qubits, precision=task.precision, check=check)
    if program.global_phase:
        state.scale(cmath.exp(1j * program.global_phase))
    return state


def sampled_memory(
    task: Task,
    state: Any,
    qubits: Sequence[int],
    bits: int,
    sources: Mapping[int, int],
    control: Any,
) -> np.ndarray:
    """Returns the classical memory of the task's shots, drawn from a final state, one draw each.

    Very many are drawn in parts, between which a cancelled job stops.

    Args:
        task: which shots are wanted.
        state: the final state.
        qubits: those that are measured, ascending.
        bits: what all shots have in their clbits.
        sources: for each clbit that is measured, the place of its qubit among `qubits`.
        control: of the job.
    """
    words = num_words(task.program.num_clbits)
    first, last = (0, task.shots) if task.part is None else task.part
    shots = last - first
    if shots <= SHOTS_AT_ONCE:
        uniforms = outcomes.uniforms(task.seed, first, shots)
        numbers = state.sample(qubits, uniforms, threads=task.threads)
        if words == 1 and not bits and len(sources) == len(qubits) and _in_place(sources):
            return numbers.view(np.uint64).reshape(shots, 1)
        return memory_rows(shots, words, bits, sources, numbers)
    random = seeded(task.seed)
    skip(random, first)
    sample = state.sampler(qubits, threads=task.threads)
    memory = np.empty((shots, words), dtype=np.uint64)
    for start in range(0, shots, SHOTS_AT_ONCE):
        control.check()
        part = memory[start : start + SHOTS_AT_ONCE]
        numbers = sample(random.random_sample(len(part)))
        part[:] = memory_rows(len(part), words, bits, sources, numbers)
    return memory


def _in_place(sources: Mapping[int, int]) -> bool:
    """True if each clbit has the place of its qubit: numbers are words then."""
    return list(sources) == list(sources.values())


def state_bytes(task: Task) -> int:
    """Returns the bytes of one state of the task."""
    program: Program = task.program
    width = program.num_qubits * (2 if task.output == "unitary" else 1)
    return max(8, 1 << width) * _memory.ITEM_BYTES[task.precision]


def _drift(norm: float) -> float:
    drift = abs(norm - 1)
    return drift if drift == drift else float("inf")
