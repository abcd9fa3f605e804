"""Many small circuits in one `run()`: read into groups, run, and their results made when looked at.

A job is a batch if all its circuits are gates and then measurements on few qubits, and its options
ask for nothing else; outcomes, results and metadata are those of circuits run one by one.
"""

from __future__ import annotations

import functools
import time
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Sequence, Tuple, Type

import numpy as np
from qiskit.circuit import QuantumCircuit
from qiskit.result import Result
from qiskit.result.models import ExperimentResult

from basicaer._engine.errors import EngineError
from basicaer._engine.memory import LIGHT, bytes_of_groups, state_bytes
from basicaer._engine.program import Program
from basicaer._engine.shots import groups as _groups
from basicaer._engine.shots.draws import Seeds, num_words
from basicaer._engine.shots.groups import Figures, Group, groups_of
from basicaer._engine.state import dispatch
from basicaer._engine.state.small import MOST_KINDS
from basicaer._jobs.groups_run import GroupsRun
from basicaer._qiskit import result as _result
from basicaer._qiskit.circuits.gate_reader import GroupReader
from basicaer._qiskit.circuits.lowering import Lowering
from basicaer._qiskit.errors import BasicAerError, public_error
from basicaer._qiskit.result import Header

_GIVEN = ("executor", "initial_statevector")
_SET = ("max_memory_mb", "parameter_binds", "use_clifford_optimization")
"""Options that a batch does without: if one is given or set, circuits are run one by one."""


class Batch(NamedTuple):
    """The circuits of a job, in groups and ready to run.

    Attributes:
        run: the groups and how to run them.
        headers: the header of each circuit's result, by its place.
        seeds: the seed of each circuit, for its result; None for one that nobody knows.
        lowering: seconds that reading took.
    """

    run: GroupsRun
    headers: List[Header]
    seeds: Sequence[Any]
    lowering: float


def read_batch(
    circuits: List[Any],
    values: Mapping[str, Any],
    *,
    most_qubits: int | None,
    threads: int,
    drawn: bool,
    seeds_of: Callable[[int], Tuple[Seeds, Sequence[Any]]],
) -> Batch | None:
    """Returns circuits in groups; None if they are to be run one by one, or are not valid.

    If the seed is given, other threads begin with the circuits that have been read. Nobody sees of
    it if the rest turns out to be something else.

    Args:
        circuits: the list that `run()` was given.
        values: the values of the options.
        most_qubits: the number of qubits that was set as a bound; None if none was set.
        threads: the most threads to use.
        drawn: whether uniforms are drawn beforehand, which takes memory.
        seeds_of: returns what so many circuits draw from, and the seed of each for its result.
    """
    shots, listed = values["shots"], values["memory"]
    if len(circuits) < 2 or not 1 < shots <= _groups.MOST_SHOTS:
        return None
    if any(values.get(name) is not None for name in _GIVEN) or any(map(values.get, _SET)):
        return None
    num = len(circuits)
    most = _groups.MOST_QUBITS if most_qubits is None else min(_groups.MOST_QUBITS, most_qubits)
    need = bytes_of_groups(
        num, shots, outcomes=1 << most, listed=listed, drawn=drawn, threads=threads
    )
    if need >= LIGHT:
        return None
    begun = time.perf_counter()
    seeds, shown = None, None
    if values["seed_simulator"] is not None:
        seeds, shown = seeds_of(num)
    run = GroupsRun(
        num,
        seeds,
        shots=shots,
        listed=listed,
        precision=values["precision"],
        threads=threads,
        need=need,
    )
    try:
        headers = _read(circuits, most, run.add)
        if headers is None:
            run.abandon()
            return None
        if seeds is None or shown is None:  # drawn last, so that a run() that raises draws nothing
            seeds, shown = seeds_of(num)
        run.ready(seeds)
    except EngineError:
        run.abandon()
        return None  # it is reported where circuits are read one by one
    except BaseException:
        run.abandon()
        raise
    return Batch(run, headers, shown, time.perf_counter() - begun)


def _read(
    circuits: List[Any], most_qubits: int, add: Callable[[Group], None]
) -> List[Header] | None:
    """Reads circuits; returns the headers of their results, or None if one fits no group.

    Args:
        circuits: the circuits.
        most_qubits: the most qubits of a circuit.
        add: called with each group.
    """
    headers: List[Header] = []
    others: List[Program] = []
    places: List[int] = []
    reader = GroupReader()
    read = reader.read
    most_gates, most_kinds, last = _groups.MOST_GATES, MOST_KINDS, _groups.MOST_CIRCUITS
    for place, circuit in enumerate(circuits):
        if not read(circuit, place, most_qubits, most_gates, most_kinds):
            program = _other(circuit, most_qubits)
            if program is None:
                return None
            others.append(program)
            places.append(place)
        elif len(reader) == last and not _taken(reader, add):
            return None
        header = _result.header_of(circuit)
        if not header.memory_slots:
            return None  # which is logged
        headers.append(header)
    if len(reader) and not _taken(reader, add):
        return None
    for group in groups_of(others, places):
        add(group)
    return headers


def _other(circuit: Any, most_qubits: int) -> Program | None:
    """Returns the program of a circuit that is not plain; None if it fits no group."""
    if not isinstance(circuit, QuantumCircuit) or circuit.num_qubits > most_qubits:
        return None
    program = Lowering(circuit).program()
    return program if _groups.fits(program) else None


def _taken(reader: GroupReader, add: Callable[[Group], None]) -> bool:
    """Adds the group that has been read; returns whether all its coefficients are finite."""
    gates, finite, fill, arrays = reader.take()
    ends, widths, measured, pairs, pair_ends, clbits, places = arrays
    if finite:
        amplitudes = np.ones(len(ends), np.complex128)  # plain circuits have no global phase
        add(
            Group(gates, ends, widths, amplitudes, measured, pairs, pair_ends, clbits, places, fill)
        )
    return finite


class BatchRequest:
    """The function of a job that is a batch, as `request.Request` is of others.

    Args:
        batch: the circuits.
        values: the values of the options.
        all_slots: whether each clbit is a memory slot, in a register or not.
        described: returns the fields that describe the job as a whole, see `result.whole_later`.
        error_class: what the engine's errors become.

    Attributes:
        run: the groups and how to run them.
    """

    def __init__(
        self,
        batch: Batch,
        values: Mapping[str, Any],
        all_slots: bool,
        described: Callable[[], Dict[str, Any]],
        error_class: Type[BasicAerError] = BasicAerError,
    ) -> None:
        self._batch = batch
        self._values = values
        self._all_slots = all_slots
        self._described = described
        self._error_class = error_class
        self.run = batch.run

    def __call__(self) -> Result:
        start = time.time()
        batch, values = self._batch, self._values
        headers = batch.headers
        try:
            found = self.run.carry_out([header.name for header in headers])
        except EngineError as error:
            raise public_error(error, self._error_class) from error.__cause__
        results: List[Any] = [None] * len(headers)
        for group, figures in found:
            maker = _Maker(
                figures,
                group.widths,
                headers,
                batch.seeds,
                values["shots"],
                values["precision"],
                values["memory"],
                self._all_slots,
                self.run.queued,
                batch.lowering / len(headers),
            )
            for row, place in enumerate(group.places.tolist()):
                results[place] = functools.partial(maker.result, row, place)
        return _result.whole_later(results, self._described, time.time() - start)


# ----------------------------------------------------------------------------------------------
# Results
# ----------------------------------------------------------------------------------------------


class _Maker(NamedTuple):
    """Makes the results of the circuits of one group."""

    figures: Figures
    widths: np.ndarray
    headers: List[Header]
    seeds: Sequence[Any]
    shots: int
    precision: str
    listed: bool
    all_slots: bool
    queued: float
    lowering: float

    def result(self, row: int, place: int) -> ExperimentResult:
        """Returns the result of a circuit of the group, by its place in the job."""
        figures, header, seed = self.figures, self.headers[place], self.seeds[place]
        num_clbits, num_qubits = figures.num_clbits(row), int(self.widths[row])
        if self.all_slots:
            header.memory_slots = num_clbits
        values, counts, shots = figures.words(row)
        width = num_words(num_clbits)
        if self.listed:
            words = _words(shots, width)
        else:
            words = _words(values, width).repeat(counts, axis=0)  # counted in the same order
        num_gates = figures.num_gates(row)
        statistics: Dict[str, int] = {}
        if num_gates:
            statistics = {
                "gates": num_gates,
                "fused_gates": num_gates,
                "passes": 1,
                "operations": num_gates,
            }
        # A circuit's share of the time that its group took.
        applied, sampled = (figures.seconds / len(self.widths)).tolist()
        times = {
            "apply": applied,
            "sample": sampled,
            "plan": 0.0,
            "total": applied + sampled,
            "queue": self.queued,
            "lower": self.lowering,
        }
        metadata = {
            "method": "sampled",
            "states_simulated": 1,
            "branches": 1,
            "states": 1,
            **statistics,
            "norm_drift": figures.drift(row),
            "norm_drift_at": "at the end",
            "peak_memory": state_bytes(num_qubits, self.precision) + figures.bytes_of_one,
            "time": times,
            "threads": 1,
            "precision": self.precision,
            "simd": dispatch.SIMD,
            "seed": seed,
        }
        return _result.experiment(
            header,
            words=words,
            shots=self.shots,
            seed=seed,
            time_taken=times["total"],
            memory=self.listed,
            arrays={},
            metadata=metadata,
        )


def _words(values: Sequence[int], width: int) -> np.ndarray:
    """Returns ints as uint64, shape (len(values), width), the least significant word first."""
    if width == 1:
        return np.array(values, np.uint64).reshape(-1, 1)
    raw = b"".join([value.to_bytes(8 * width, "little") for value in values])
    return np.frombuffer(raw, "<u8").reshape(-1, width)
