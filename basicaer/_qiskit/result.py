"""Outcomes to `qiskit.result.Result`, built directly.

The fields are those that terra's BasicAer fills, so that `to_dict()` of both is the same but for
ids and times. What this package tells beyond them is in the attribute `metadata` of each
experiment's result, which `to_dict()` leaves out.
"""

from __future__ import annotations

import copy
from collections import Counter
from typing import Any, Callable, Dict, Iterator, List, Mapping, Sequence

import numpy as np
from qiskit.circuit import QuantumCircuit
from qiskit.qobj import QobjExperimentHeader, QobjHeader
from qiskit.result import Result
from qiskit.result.models import ExperimentResult, ExperimentResultData

from basicaer._engine.shots import outcomes as _outcomes
from basicaer._engine.control import go_on

_HEX = [hex(value) for value in range(4096)]


_COUNTED_AT_ONCE = 1 << 18
"""Shots that are counted between two looks at whether the job was cancelled."""
_LISTED_AT_ONCE = 1 << 18
"""The same for shots that are listed one by one."""


# ----------------------------------------------------------------------------------------------
# Header
# ----------------------------------------------------------------------------------------------


def header_of(circuit: QuantumCircuit) -> Dict[str, Any]:
    """Returns the header of a circuit's result, as terra makes it.

    As in terra, classical bits outside every register are no memory slots, and one that is in
    several registers is counted in each. `n_qubits` is what is simulated: all qubits, once.
    """
    qregs = [[register.name, register.size] for register in circuit.qregs]
    cregs = [[register.name, register.size] for register in circuit.cregs]
    metadata = circuit.metadata
    return {
        "qubit_labels": [[name, index] for name, size in qregs for index in range(size)],
        "n_qubits": circuit.num_qubits,
        "qreg_sizes": qregs,
        "clbit_labels": [[name, index] for name, size in cregs for index in range(size)],
        "memory_slots": sum([size for _, size in cregs]),
        "creg_sizes": cregs,
        "name": circuit.name,
        "global_phase": float(circuit.global_phase),
        # A copy, so that a job's result does not change when the circuit does.
        "metadata": copy.copy(metadata) if metadata else {},
    }


# ----------------------------------------------------------------------------------------------
# Counts and memory
# ----------------------------------------------------------------------------------------------


def tally(words: np.ndarray, check: Callable[[], None] = go_on) -> Dict[str, int]:
    """Returns how often each outcome occurs, keyed in hex, in the order of first appearance.

    Args:
        words: uint64, shape (shots, words of an outcome), the least significant word first.
        check: called now and then; what it raises is raised.
    """
    if len(words) > _COUNTED_AT_ONCE:
        total: Dict[str, int] = {}
        for start in range(0, len(words), _COUNTED_AT_ONCE):
            check()
            for outcome, more in tally(words[start : start + _COUNTED_AT_ONCE]).items():
                total[outcome] = total.get(outcome, 0) + more
        return total
    shots, width = words.shape
    if not shots:
        return {}
    if width == 0:
        return {"0x0": shots}
    if width > 1:
        return {_hex(raw): count for raw, count in Counter(_rows(words)).items()}
    return _outcomes.count(words.reshape(shots))


def listing(words: np.ndarray, check: Callable[[], None] = go_on) -> List[str]:
    """Returns the outcome of each shot in hex; the arguments are those of `tally`."""
    if len(words) > _LISTED_AT_ONCE:
        outcomes: List[str] = []
        for first in range(0, len(words), _LISTED_AT_ONCE):
            check()
            outcomes += listing(words[first : first + _LISTED_AT_ONCE])
        return outcomes
    shots, width = words.shape
    if width == 0:
        return ["0x0"] * shots
    if width > 1:
        rows = _rows(words)
        known_rows = {raw: _hex(raw) for raw in set(rows)}
        return [known_rows[raw] for raw in rows]
    values = words[:, 0].tolist()
    if shots and int(words.max()) < len(_HEX):
        return list(_hexes(values))
    known = {value: hex(value) for value in set(values)}
    return [known[value] for value in values]


def _hexes(values: List[int]) -> Iterator[str]:
    """Each value in hex; for small values that is only a look-up."""
    if values and max(values) < len(_HEX):
        return map(_HEX.__getitem__, values)
    return map(hex, values)


def _rows(words: np.ndarray) -> List[bytes]:
    """Each outcome as bytes, the least significant first."""
    step = 8 * words.shape[1]
    raw = np.ascontiguousarray(words, dtype="<u8").tobytes()
    return [raw[start : start + step] for start in range(0, len(raw), step)]


def _hex(raw: bytes) -> str:
    return hex(int.from_bytes(raw, "little"))


# ----------------------------------------------------------------------------------------------
# Results
# ----------------------------------------------------------------------------------------------


def experiment(
    header: Mapping[str, Any],
    *,
    shots: int,
    seed: int | None,
    time_taken: float,
    words: np.ndarray | None = None,
    memory: bool = False,
    statevector: np.ndarray | None = None,
    unitary: np.ndarray | None = None,
    metadata: Dict[str, Any] | None = None,
    check: Callable[[], None] = go_on,
) -> ExperimentResult:
    """Returns the result of one circuit.

    Args:
        header: see `header_of`; kept.
        shots: repetitions made.
        seed: of the outcomes; None where nothing was drawn.
        time_taken: seconds.
        words: outcomes as `tally` takes them; None for a simulator that has none.
        memory: True to list the outcomes one by one.
        statevector: final state; kept, not copied.
        unitary: final unitary; kept, not copied.
        metadata: what else is to be told about the run.
        check: called now and then while very many shots are counted; what it raises is raised.
    """
    data: Dict[str, Any] = {}
    if words is not None:
        if header["memory_slots"] == 0:
            words = words[:0]
        # With a final state, terra leaves out counts that are empty.
        if len(words) or statevector is None:
            data["counts"] = tally(words, check)
            if memory:
                data["memory"] = listing(words, check)
    if statevector is not None:
        data["statevector"] = statevector
    if unitary is not None:
        data["unitary"] = unitary
    more: Dict[str, Any] = {"name": header["name"]}
    if seed is not None:
        more["seed_simulator"] = seed
    more["time_taken"] = time_taken
    result = ExperimentResult(
        shots,
        True,
        ExperimentResultData(**data),
        status="DONE",
        header=QobjExperimentHeader(**header),
        **more,
    )
    # An attribute of its own, beside what to_dict() shows.
    result.metadata = metadata or {}
    return result


def whole(
    results: Sequence[ExperimentResult],
    *,
    backend_name: str,
    backend_version: str,
    qobj_id: str,
    job_id: str,
    header: Mapping[str, Any],
    time_taken: float,
) -> Result:
    """Returns the result of a job."""
    return Result(
        backend_name,
        backend_version,
        qobj_id,
        job_id,
        True,
        list(results),
        status="COMPLETED",
        header=QobjHeader(**header),
        time_taken=time_taken,
    )
