"""One-pass programs: gates, then measurements. Most programs are, and many are tiny.

One final state answers everything that is asked of them.
"""

from __future__ import annotations

import cmath
import functools
import time
from typing import Any, Callable, Dict, Mapping, Type

import numpy as np

from basicaer._engine.control import Control
from basicaer._engine.memory import SHOTS_AT_ONCE, state_bytes
from basicaer._engine.program import Outline
from basicaer._engine.shots.draws import Stream, memory_rows, num_words, uniforms_of
from basicaer._engine.state.amplitudes import Amplitudes
from basicaer._engine.state.small import MOST_QUBITS, draw_outcomes
from basicaer._engine.state.state import State
from basicaer._engine.state.unplanned import statistics_of, way_of
from basicaer._engine.task import LateOutcome, Outcome, Task
from basicaer._engine.work import worth_a_look


def run_one_pass(task: Task, control: Control, state_class: Type[Amplitudes]) -> Outcome:
    """Computes a task that `is_one_pass`; arguments and errors are those of `execute`."""
    control.add_total(task.work)
    control.check()
    if state_class is State and _is_narrow(task):
        return _run_narrow(task, control)
    return _run_state(task, control, state_class)


def _run_state(task: Task, control: Control, state_class: Type[Amplitudes]) -> Outcome:
    begun = time.perf_counter()
    program, output = task.program, task.output
    outline = program.outline
    shift = program.num_qubits if output == "unitary" else 0
    state = first_state(task, state_class, control.check)
    statistics: Mapping[str, Any] = {}
    for gates in outline.runs:
        found = state.apply(
            gates, shift=shift, threads=task.threads, fusion=task.fusion, control=control
        )
        if statistics:
            found = {key: statistics.get(key, 0) + value for key, value in found.items()}
        statistics = found
    applied = time.perf_counter() - begun
    words = num_words(program.num_clbits)
    array = None
    if output == "counts":
        first, last = (0, task.shots) if task.part is None else task.part
        shots = last - first
    else:
        shots = 1 if output == "statevector" else 0
    if outline.measured and words:
        memory = _sampled_memory(task, state, control)
    else:
        memory = np.zeros((shots if words else 0, words), dtype=np.uint64)
    if output != "counts":
        if worth_a_look(statistics):
            state.norm = state.norm_squared(task.threads) / (1 << shift)
        array = state.to_array(task.threads, task.chop)
        if output == "unitary":
            array = array.reshape(1 << shift, 1 << shift)
    work = task.work
    work -= int(statistics.get("amplitude_gates", work if statistics else 0))
    if work:
        control.add_total(-work)  # saved by fusion
    drift, width, planning = _drift(state.norm), program.num_qubits, state.planning
    make = functools.partial(
        _metadata, statistics, output, drift, width, task.precision, planning, applied
    )
    return LateOutcome(memory, array, drift, make)


def _metadata(
    statistics: Mapping[str, Any],
    output: str,
    drift: float,
    num_qubits: int,
    precision: str,
    planning: float,
    applied: float,
    seconds: float,
) -> Dict[str, Any]:
    """Returns the metadata of an outcome.

    Args:
        statistics: of the gates, see `State.apply`.
        output, precision: as in `Task`.
        drift: how far the norm is off 1.
        num_qubits: of the program.
        planning: seconds of planning.
        applied: seconds until the last gate was applied, planning included.
        seconds: that all took.
    """
    metadata: Dict[str, Any] = {
        **statistics,
        "method": "sampled" if output == "counts" else output,
        "states_simulated": 1,
        "branches": 1,
        "states": 1,
        "norm_drift": drift,
        "norm_drift_at": "at the end",
        "peak_memory": state_bytes(num_qubits, precision, output == "unitary"),
        "time": {"apply": applied - planning, "sample": seconds - applied, "plan": planning},
    }
    metadata.pop("amplitude_gates", None)
    return metadata


def _is_narrow(task: Task) -> bool:
    """Returns whether a task wants nothing of a narrow state but outcomes, as most small ones do.

    Then no state is made: what it would cost is more than the gates on it.
    """
    program = task.program
    num_qubits, outline = program.num_qubits, program.outline
    return (
        num_qubits <= MOST_QUBITS
        and len(outline.runs) == 1
        and bool(outline.measured)
        and 1 <= program.num_clbits <= 64
        and task.output == "counts"
        and task.shots <= SHOTS_AT_ONCE
        and task.initial is None
        and task.part is None
        and way_of(outline.runs[0], num_qubits, num_qubits, task.precision, task.fusion, False)
        == "one by one"
    )


def _run_narrow(task: Task, control: Control) -> Outcome:
    """Computes a task that `_is_narrow`, with the outcomes of `_run_state`."""
    program = task.program
    num_qubits, outline = program.num_qubits, program.outline
    gates, shots, precision = outline.runs[0], task.shots, task.precision
    seed, uniforms = task.seed, None
    if isinstance(seed, Stream):
        seed, uniforms = 0, uniforms_of(seed)(shots)
    memory, norm, applied = draw_outcomes(
        num_qubits,
        gates.kinds,
        gates.kind,
        gates.start,
        gates.qubits,
        gates.offset,
        gates.coefficients,
        cmath.exp(1j * program.global_phase) if program.global_phase else 1.0,
        precision == "single",
        outline.qubits,
        shots,
        seed,
        uniforms,
        control.flags,
    )
    if not outline.in_place:
        memory = _as_memory(outline, memory.reshape(shots).view(np.int64), 1)
    drift = _drift(norm)
    make = functools.partial(
        _narrow_metadata, outline.num_gates, drift, num_qubits, precision, applied
    )
    return LateOutcome(memory, None, drift, make)


def _narrow_metadata(
    gates: int, drift: float, num_qubits: int, precision: str, applied: float, seconds: float
) -> Dict[str, Any]:
    """Returns the metadata of a narrow task; arguments as for `_metadata`."""
    statistics = statistics_of(gates, gates, gates, num_qubits)
    return _metadata(statistics, "counts", drift, num_qubits, precision, 0.0, applied, seconds)


# ----------------------------------------------------------------------------------------------
# Shared with `execute`
# ----------------------------------------------------------------------------------------------


def first_state(task: Task, state_class: Type[Amplitudes], check: Callable[[], None]) -> Amplitudes:
    """Returns the initial state, or unitary, of the task's program.

    `check` is called now and then while a large one is made, and may raise.
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


def _sampled_memory(task: Task, state: Amplitudes, control: Control) -> np.ndarray:
    """Draws the classical memory of the task's shots from a final state, one draw per shot.

    More than `SHOTS_AT_ONCE` shots are drawn in chunks, with a check for cancellation between them.

    Args:
        task: says which shots, and what is measured into which clbits.
        state: the final state.
        control: of the job.

    Returns:
        uint64 of shape (shots, words), word 0 the least significant.
    """
    outline = task.program.outline
    qubits, words = outline.qubits, num_words(task.program.num_clbits)
    first, last = (0, task.shots) if task.part is None else task.part
    shots = last - first
    at_once = min(shots, SHOTS_AT_ONCE)
    take = uniforms_of(task.seed, first)
    sample = state.sampler(qubits, at_once, task.threads)
    if shots == at_once:
        return _as_memory(outline, sample(take(shots)), words)
    memory = np.empty((shots, words), dtype=np.uint64)
    for start in range(0, shots, at_once):
        control.check()
        chunk = memory[start : start + at_once]
        chunk[:] = _as_memory(outline, sample(take(len(chunk))), words)
    return memory


def _as_memory(outline: Outline, numbers: np.ndarray, words: int) -> np.ndarray:
    """Returns the classical memory of shots.

    Args:
        outline: of the program; says what is measured into which clbits.
        numbers: of each shot, the bits of its measured qubits, ascending. May be taken over.
        words: uint64 words per shot.
    """
    if outline.in_place and words == 1:
        return numbers.view(np.uint64).reshape(len(numbers), 1)
    order = {qubit: place for place, qubit in enumerate(outline.qubits)}
    sources = {clbit: order[qubit] for qubit, clbit in outline.measured}
    return memory_rows(len(numbers), words, 0, sources, numbers)


def _drift(norm: float) -> float:
    drift = abs(norm - 1)
    return drift if drift == drift else float("inf")
