"""Many small circuits in one `run()`: read into groups, run, and their results made when looked at.

A job is a batch if all its circuits are gates and then measurements on few qubits, and its options
ask for nothing else; outcomes, results and metadata are those of circuits run one by one.
"""

from __future__ import annotations

import copy
import time
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Sequence, Tuple, Type, Union

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

_GIVEN = ("executor", "initial_statevector")
_SET = ("max_memory_mb", "parameter_binds", "use_clifford_optimization")
"""Options that a batch does without: if one is given or set, circuits are run one by one."""

_Record = Tuple[Any, Any, str, float, Union[Dict[str, Any], None]]
"""What is kept of a circuit: its registers of qubits and of clbits, its name, global phase and
metadata."""


class Described(NamedTuple):
    """What the header of a circuit's result is made of: the attributes that `header_of` reads."""

    qregs: Sequence[Any]
    cregs: Sequence[Any]
    name: str
    global_phase: float
    metadata: Union[Dict[str, Any], None]
    num_qubits: int


class Batch(NamedTuple):
    """The circuits of a job, in groups and ready to run.

    Attributes:
        run: the groups and how to run them.
        records: what is kept of each circuit, by its place.
        seeds: the seed of each circuit, for its result; None for one that nobody knows.
        lowering: seconds that reading took.
    """

    run: GroupsRun
    records: List[_Record]
    seeds: Sequence[Any]
    lowering: float


def read_batch(
    circuits: Any,
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
        circuits: what `run()` was given.
        values: the values of the options.
        most_qubits: the number of qubits that was set as a bound; None if none was set.
        threads: the most threads to use.
        drawn: whether uniforms are drawn beforehand, which takes memory.
        seeds_of: returns what so many circuits draw from, and the seed of each for its result.
    """
    shots, listed = values["shots"], values["memory"]
    if type(circuits) is not list or len(circuits) < 2 or not 1 < shots <= _groups.MOST_SHOTS:
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
        records = _read(circuits, most, run.add)
        if records is None:
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
    return Batch(run, records, shown, time.perf_counter() - begun)


def _read(
    circuits: List[Any], most_qubits: int, add: Callable[[Group], None]
) -> List[_Record] | None:
    """Reads circuits; returns what is kept of each, or None if one fits no group.

    Args:
        circuits: the circuits.
        most_qubits: the most qubits of a circuit.
        add: called with each group.
    """
    records: List[_Record] = []
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
        cregs = circuit.cregs
        if not (cregs and cregs[0].size) and not any(register.size for register in cregs):
            return None  # without a memory slot, which is logged
        metadata = circuit.metadata
        phase = circuit.global_phase
        records.append(
            (
                # Copies, so that a job's result does not change when the circuit does.
                tuple(circuit.qregs),
                tuple(cregs),
                circuit.name,
                phase if phase.__class__ is float else float(phase),
                copy.copy(metadata) if metadata else None,
            )
        )
    if len(reader) and not _taken(reader, add):
        return None
    for group in groups_of(others, places):
        add(group)
    return records


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
        identity: the fields of the Result that describe the job as a whole, see `result.whole`.
        error_class: what the engine's errors become.

    Attributes:
        run: the groups and how to run them.
    """

    def __init__(
        self,
        batch: Batch,
        values: Mapping[str, Any],
        all_slots: bool,
        identity: Mapping[str, Any],
        error_class: Type[BasicAerError] = BasicAerError,
    ) -> None:
        self._batch = batch
        self._values = values
        self._all_slots = all_slots
        self._identity = identity
        self._error_class = error_class
        self.run = batch.run

    def __call__(self) -> Result:
        start = time.time()
        batch, values = self._batch, self._values
        records = batch.records
        try:
            found = self.run.carry_out([record[2] for record in records])
        except EngineError as error:
            raise public_error(error, self._error_class) from error.__cause__
        results: List[Any] = [None] * len(records)
        for group, figures in found:
            maker = _Maker(
                figures,
                group.widths,
                records,
                batch.seeds,
                values["shots"],
                values["precision"],
                values["memory"],
                self._all_slots,
                self.run.queued,
                batch.lowering / len(records),
            )
            for row, place in enumerate(group.places.tolist()):
                result = results[place] = _blank(_Unseen)
                _set(result, _SOURCE, (maker, row, place))
        return _result.whole(results, time_taken=time.time() - start, **self._identity)


# ----------------------------------------------------------------------------------------------
# Results
# ----------------------------------------------------------------------------------------------


class _Maker(NamedTuple):
    """Makes the results of the circuits of one group."""

    figures: Figures
    widths: np.ndarray
    records: List[_Record]
    seeds: Sequence[Any]
    shots: int
    precision: str
    listed: bool
    all_slots: bool
    queued: float
    lowering: float

    def result(self, row: int, place: int) -> ExperimentResult:
        """Returns the result of a circuit of the group, by its place in the job."""
        begun = time.perf_counter()
        figures, seed = self.figures, self.seeds[place]
        circuit = Described(*self.records[place], int(self.widths[row]))
        num_clbits = figures.num_clbits(row)
        header = _result.header_of(circuit)
        if self.all_slots:
            header["memory_slots"] = num_clbits
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
            "peak_memory": state_bytes(circuit.num_qubits, self.precision) + figures.bytes_of_one,
            "time": times,
            "threads": 1,
            "precision": self.precision,
            "simd": dispatch.SIMD,
            "seed": seed,
        }
        result = _result.experiment(
            header,
            shots=self.shots,
            seed=seed,
            words=words,
            memory=self.listed,
            metadata=metadata,
            time_taken=times["total"],
        )
        times["result"] = time.perf_counter() - begun
        return result


def _words(values: Sequence[int], width: int) -> np.ndarray:
    """Returns ints as uint64, shape (len(values), width), the least significant word first."""
    if width == 1:
        return np.array(values, np.uint64).reshape(-1, 1)
    raw = b"".join([value.to_bytes(8 * width, "little") for value in values])
    return np.frombuffer(raw, "<u8").reshape(-1, width)


class _Unseen(ExperimentResult):
    """A result that is made when it is looked at; from then on it is an `ExperimentResult`."""

    def __init__(self) -> None:
        raise TypeError("results of a batch are made by the job that has run it")

    def __getattribute__(self, name: str) -> Any:
        _make(self)
        return getattr(self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        _make(self)
        setattr(self, name, value)

    def __delattr__(self, name: str) -> None:
        _make(self)
        delattr(self, name)


def _make(result: ExperimentResult) -> None:
    """Fills in a result and gives it its class. Threads may do so at the same time."""
    fields = _fields(result)
    source = fields.get(_SOURCE)
    if source is not None:
        maker, row, place = source
        fields.update(maker.result(row, place).__dict__)
    _set(result, "__class__", ExperimentResult)
    fields.pop(_SOURCE, None)


_SOURCE = "_of_batch"
_blank: Any = object.__new__
_set: Any = object.__setattr__


def _fields(result: ExperimentResult) -> Dict[str, Any]:
    found: Dict[str, Any] = object.__getattribute__(result, "__dict__")
    return found
