"""Makes a `qiskit.result.Result` of outcomes.

The fields are those that terra's BasicAer fills, so that `to_dict()` of both is the same except for
ids and times. What this package reports beyond them is in the attribute `metadata` of each
experiment's result, which `to_dict()` leaves out.
"""

from __future__ import annotations

import copy
import functools
import time
from collections import Counter
from typing import Any, Callable, Dict, List, Mapping, Sequence

import numpy as np
from qiskit.circuit import QuantumCircuit
from qiskit.result import Result
from qiskit.result.models import ExperimentResult, ExperimentResultData

from basicaer._engine.control import no_check
from basicaer._engine.memory import COUNTED_AT_ONCE
from basicaer._engine.shots import outcomes as _outcomes
from basicaer._qiskit.late import late_class
from basicaer._qiskit.versions import experiment_header, job_header

_COUNTED_AT_ONCE = COUNTED_AT_ONCE
"""Shots that are counted between two checks for cancellation."""
_LISTED_AT_ONCE = COUNTED_AT_ONCE
"""Shots that are listed between two checks for cancellation."""
_COUNTED_LATER = 1 << 14
"""The most bytes of outcomes that are counted when somebody asks. They take no more memory than
what else of a result is made then."""


# ----------------------------------------------------------------------------------------------
# Header
# ----------------------------------------------------------------------------------------------


class Header:
    """The header of a circuit's result; its dict is made when somebody asks.

    Args:
        name: the name of the circuit.
        memory_slots: the bits of an outcome.
        rest: returns a dict of all fields, in terra's order.
    """

    __slots__ = ("_rest", "memory_slots", "name")

    def __init__(self, name: str, memory_slots: int, rest: Callable[[], Dict[str, Any]]) -> None:
        self.name = name
        self.memory_slots = memory_slots
        self._rest = rest

    def fields(self) -> Dict[str, Any]:
        """Returns the fields by name."""
        fields = self._rest()
        fields["memory_slots"] = self.memory_slots
        fields["name"] = self.name
        return fields

    def of_other(self, name: str, changed: Dict[str, Any]) -> Header:
        """Returns the header of another circuit, with another name and some other fields."""
        rest = self._rest
        return Header(name, self.memory_slots, lambda: {**rest(), **changed})


def header_of(circuit: QuantumCircuit) -> Header:
    """Returns the header of a circuit's result, as terra makes it.

    As in terra, a clbit outside all registers is not a memory slot, and one in several registers
    counts in each. `n_qubits` is the number of simulated qubits: each counts once.
    """
    cregs, metadata = tuple(circuit.cregs), circuit.metadata
    return Header(
        circuit.name,
        sum([register.size for register in cregs]),
        functools.partial(
            _fields,
            tuple(circuit.qregs),
            cregs,
            circuit.num_qubits,
            float(circuit.global_phase),
            # A copy, so that a job's result does not change when the circuit does.
            copy.copy(metadata) if metadata else {},
        ),
    )


def _fields(
    qregs: Sequence[Any],
    cregs: Sequence[Any],
    num_qubits: int,
    global_phase: float,
    metadata: Dict[str, Any],
) -> Dict[str, Any]:
    """Returns the fields of a header in terra's order."""
    return {
        "qubit_labels": [[each.name, index] for each in qregs for index in range(each.size)],
        "n_qubits": num_qubits,
        "qreg_sizes": [[each.name, each.size] for each in qregs],
        "clbit_labels": [[each.name, index] for each in cregs for index in range(each.size)],
        "memory_slots": 0,
        "creg_sizes": [[each.name, each.size] for each in cregs],
        "name": "",
        "global_phase": global_phase,
        "metadata": metadata,
    }


# ----------------------------------------------------------------------------------------------
# Counts and memory
# ----------------------------------------------------------------------------------------------


def tally(words: np.ndarray, check: Callable[[], None] = no_check) -> Dict[str, int]:
    """Returns how often each outcome occurs, by its hex string, in the order of first occurrence.

    Args:
        words: uint64, shape (shots, words of an outcome), the least significant word first.
        check: called now and then; what it raises is raised here.
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


def listing(words: np.ndarray, check: Callable[[], None] = no_check) -> List[str]:
    """Returns the outcome of each shot as a hex string; arguments as for `tally`."""
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
    known = {value: hex(value) for value in set(values)}
    return [known[value] for value in values]


def _rows(words: np.ndarray) -> List[bytes]:
    """Returns each outcome as bytes, the least significant first."""
    step = 8 * words.shape[1]
    raw = np.ascontiguousarray(words, dtype="<u8").tobytes()
    return [raw[start : start + step] for start in range(0, len(raw), step)]


def _hex(raw: bytes) -> str:
    return hex(int.from_bytes(raw, "little"))


# ----------------------------------------------------------------------------------------------
# Results
# ----------------------------------------------------------------------------------------------


def experiment(
    header: Header,
    *,
    words: np.ndarray | None = None,
    check: Callable[[], None] = no_check,
    shots: int,
    seed: Any,
    time_taken: float,
    memory: bool = False,
    arrays: Mapping[str, np.ndarray],
    metadata: Dict[str, Any],
) -> ExperimentResult:
    """Returns the result of one circuit.

    Args:
        header: of the circuit.
        words: outcomes as `tally` takes them; None for a simulator without outcomes.
        check: called now and then while many shots are counted; what it raises is raised here.
        shots: the number of shots that were made.
        seed: the seed of the outcomes, if there are any; None for one that nobody knows.
        time_taken: seconds of the execution.
        memory: whether to list the outcome of each shot.
        arrays: the final "statevector" or "unitary", if there is one; not copied.
        metadata: what else to report about the run. Its "time" gets "result", the seconds that
            counting takes.
    """
    begun = time.perf_counter()
    data: Dict[str, Any] = {}
    if words is not None:
        if header.memory_slots == 0:
            words = words[:0]
        # With a final state, terra leaves out empty counts.
        if len(words) or not arrays:
            data["counts"] = tally(words, check)
            if memory:
                data["memory"] = listing(words, check)
    data.update(arrays)
    metadata["time"]["result"] = time.perf_counter() - begun
    more: Dict[str, Any] = {"name": header.name}
    if words is not None:
        more["seed_simulator"] = seed
    more["time_taken"] = time_taken
    result = ExperimentResult(
        shots,
        True,
        ExperimentResultData(**data),
        status="DONE",
        header=experiment_header(header.fields()),
        **more,
    )
    # An attribute that to_dict() leaves out.
    result.metadata = metadata
    return result


def later(
    make: Callable[..., ExperimentResult], outcomes: np.ndarray, check: Callable[[], None]
) -> Callable[[], ExperimentResult]:
    """Returns a function that makes the result of one circuit.

    Outcomes that would take more memory than the counts of them are counted now.

    Args:
        make: makes it; `check` may be given, see `experiment`.
        outcomes: what it counts.
        check: as for `experiment`.
    """
    if outcomes.nbytes <= _COUNTED_LATER:
        return make
    made = make(check=check)
    return lambda: made


def whole_later(
    results: Sequence[Callable[[], ExperimentResult]],
    described: Callable[[], Dict[str, Any]],
    time_taken: float,
) -> Result:
    """Returns the result of a job, which is made when somebody looks at it.

    Args:
        results: make those of its circuits.
        described: returns the fields that describe the job as a whole: backend_name,
            backend_version, job_id, header (None for none) and, where there is one, qobj_id.
        time_taken: seconds of the execution.
    """
    return _late_result(functools.partial(_whole, results, described, time_taken))


def _whole(
    results: Sequence[Callable[[], ExperimentResult]],
    described: Callable[[], Dict[str, Any]],
    time_taken: float,
) -> Result:
    fields = described()
    header = fields.pop("header")
    return Result(
        success=True,
        results=list(map(_late_experiment, results)),
        status="COMPLETED",
        header=None if header is None else job_header(header),
        time_taken=time_taken,
        **fields,
    )


_late_result = late_class(Result)
_late_experiment = late_class(ExperimentResult)
