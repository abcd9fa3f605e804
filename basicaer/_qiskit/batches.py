"""Many small circuits in one `run()`: read into groups, run, and their results made when looked at.

A job is a batch if all its circuits are gates and then measurements on few qubits, and its options
ask for nothing else; outcomes, results and metadata are those of circuits run one by one.
"""

from __future__ import annotations

import copy
import time
from typing import Any, Dict, List, Mapping, NamedTuple, Sequence, Type, Union

import numpy as np
from qiskit.circuit import QuantumCircuit
from qiskit.result import Result
from qiskit.result.models import ExperimentResult

from basicaer._engine.errors import EngineError
from basicaer._engine.memory import state_bytes
from basicaer._engine.program import Program
from basicaer._engine.shots import groups as _groups
from basicaer._engine.shots.draws import Seeds, num_words
from basicaer._engine.shots.groups import Figures, Group, groups_of
from basicaer._engine.state import dispatch
from basicaer._engine.state.small import MOST_KINDS
from basicaer._jobs import budget
from basicaer._jobs.groups_run import GroupsRun, need_of
from basicaer._qiskit import result as _result
from basicaer._qiskit.circuits.gate_reader import GroupReader
from basicaer._qiskit.circuits.lowering import Lowering
from basicaer._qiskit.errors import BasicAerError, public_error

_REFUSED = (
    "executor",
    "initial_statevector",
    "max_memory_mb",
    "parameter_binds",
    "use_clifford_optimization",
)
"""Options that a batch does without: with one of them, circuits are run one by one."""


class Described(NamedTuple):
    """What the header of a circuit's result is made of: the attributes that `header_of` reads."""

    qregs: List[Any]
    cregs: List[Any]
    num_qubits: int
    name: str
    global_phase: float
    metadata: Union[Dict[str, Any], None]


class Batch(NamedTuple):
    """The circuits of a job in groups.

    Attributes:
        groups: the groups. Their circuits together are all circuits of the job.
        described: each circuit, by its place.
        lowering: seconds that reading took.
    """

    groups: List[Group]
    described: List[Described]
    lowering: float


def read_batch(
    circuits: Any, values: Mapping[str, Any], most_qubits: int | None, threads: int
) -> Batch | None:
    """Returns circuits in groups; None if they are to be run one by one, or are not valid.

    Args:
        circuits: what `run()` was given.
        values: the values of the options.
        most_qubits: the number of qubits that was set as a bound; None if none was set.
        threads: the most threads to use.
    """
    shots = values["shots"]
    if type(circuits) is not list or len(circuits) < 2 or not 1 < shots <= _groups.MOST_SHOTS:
        return None
    if any(values.get(name) is not None for name in _REFUSED[:2]):
        return None
    if any(values.get(name) for name in _REFUSED[2:]):
        return None
    begun = time.perf_counter()
    most = _groups.MOST_QUBITS if most_qubits is None else min(_groups.MOST_QUBITS, most_qubits)
    at_once = _groups.circuits_at_once(shots)
    groups: List[Group] = []
    described: List[Described] = []
    others: List[Program] = []
    places: List[int] = []
    reader = GroupReader()
    read = reader.read
    gates, kinds = _groups.MOST_GATES, MOST_KINDS
    try:
        for place, circuit in enumerate(circuits):
            if not read(circuit, place, most, gates, kinds):
                program = _other(circuit, most)
                if program is None:
                    return None
                others.append(program)
                places.append(place)
            elif len(reader) == at_once and not _taken(reader, groups):
                return None
            found = _described(circuit)
            if found is None:
                return None
            described.append(found)
    except EngineError:
        return None  # it is reported where circuits are read one by one
    if len(reader) and not _taken(reader, groups):
        return None
    groups += groups_of(others, places, at_once)
    need = need_of(groups, shots, values["memory"], threads)
    if budget.shared.shortage(need) is not None:
        return None
    return Batch(groups, described, time.perf_counter() - begun)


def _other(circuit: Any, most_qubits: int) -> Program | None:
    """Returns the program of a circuit that is not plain; None if it fits no group."""
    if not isinstance(circuit, QuantumCircuit) or circuit.num_qubits > most_qubits:
        return None
    program = Lowering(circuit).program()
    return program if _groups.fits(program) else None


def _taken(reader: GroupReader, groups: List[Group]) -> bool:
    """Adds the group that has been read; returns whether all its coefficients are finite."""
    gates, finite, arrays = reader.take()
    ends, widths, measured, pairs, pair_ends, clbits, places = arrays
    amplitudes = np.ones(len(ends), np.complex128)  # plain circuits have no global phase
    groups.append(
        Group(gates, ends, widths, amplitudes, measured, pairs, pair_ends, clbits, places)
    )
    return finite


def _described(circuit: QuantumCircuit) -> Described | None:
    """Returns what a circuit's header is made of; None if it has no memory slot."""
    cregs = list(circuit.cregs)
    if not any(register.size for register in cregs):
        return None
    metadata = circuit.metadata
    return Described(
        list(circuit.qregs),
        cregs,
        circuit.num_qubits,
        circuit.name,
        float(circuit.global_phase),
        copy.copy(metadata) if metadata else None,
    )


# ----------------------------------------------------------------------------------------------
# The job
# ----------------------------------------------------------------------------------------------


class BatchRequest:
    """The function of a job that is a batch, as `request.Request` is of others.

    Args:
        batch: the circuits.
        seeds: what the circuits draw from.
        shown: the seed of each circuit, for its result; None for one that nobody knows.
        values: the values of the options.
        threads: the most threads to use.
        all_slots: whether each clbit is a memory slot, in a register or not.
        identity: the fields of the Result that describe the job as a whole, see `result.whole`.
        error_class: what the engine's errors become.

    Attributes:
        run: the groups and how to run them.
    """

    def __init__(
        self,
        batch: Batch,
        seeds: Seeds,
        shown: Sequence[Any],
        values: Mapping[str, Any],
        threads: int,
        all_slots: bool,
        identity: Mapping[str, Any],
        error_class: Type[BasicAerError] = BasicAerError,
    ) -> None:
        self._batch = batch
        self._shown = shown
        self._shots = values["shots"]
        self._precision = values["precision"]
        self._listed = values["memory"]
        self._all_slots = all_slots
        self._identity = identity
        self._error_class = error_class
        self.run = GroupsRun(
            batch.groups,
            seeds,
            shots=self._shots,
            listed=self._listed,
            precision=self._precision,
            threads=threads,
            names=[each.name for each in batch.described],
        )

    def __call__(self) -> Result:
        start = time.time()
        groups, described = self._batch.groups, self._batch.described
        try:
            found = self.run.carry_out()
        except EngineError as error:
            raise public_error(error, self._error_class) from error.__cause__
        results: List[Any] = [None] * len(described)
        for group, figures in zip(groups, found):
            places = group.places.tolist()
            maker = _Maker(
                figures,
                [described[place] for place in places],
                [self._shown[place] for place in places],
                self._shots,
                self._precision,
                self._listed,
                self._all_slots,
                self.run.queued,
                self._batch.lowering / len(described),
            )
            for row, place in enumerate(places):
                results[place] = _unseen(maker, row)
        return _result.whole(results, time_taken=time.time() - start, **self._identity)


# ----------------------------------------------------------------------------------------------
# Results
# ----------------------------------------------------------------------------------------------


class _Maker(NamedTuple):
    """Makes the results of the circuits of one group."""

    figures: Figures
    described: List[Described]
    seeds: List[Any]
    shots: int
    precision: str
    listed: bool
    all_slots: bool
    queued: float
    lowering: float

    def result(self, row: int) -> ExperimentResult:
        """Returns the result of a circuit of the group."""
        begun = time.perf_counter()
        figures, circuit, seed = self.figures, self.described[row], self.seeds[row]
        num_clbits = figures.num_clbits(row)
        header = _result.header_of(circuit)
        if self.all_slots:
            header["memory_slots"] = num_clbits
        values, counts, shots = figures.words(row)
        if not self.listed:
            shots = np.repeat(np.array(values, object), counts).tolist()
        words = _words(shots, num_words(num_clbits))
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
        share = 1 / len(self.described)
        times = {
            "apply": figures.applied * share,
            "sample": figures.sampled * share,
            "plan": 0.0,
            "total": (figures.applied + figures.sampled) * share,
            "queue": self.queued,
            "lower": self.lowering,
        }
        metadata = {
            "method": "sampled",
            "states_simulated": 1,
            "branches": 1,
            "states": 1,
            **statistics,
            "norm_drift": float(figures.drifts[row]),
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


def _unseen(maker: _Maker, row: int) -> _Unseen:
    """Returns the result of a circuit, to be made when it is looked at."""
    result = _blank(_Unseen)
    _fields(result)[_SOURCE] = (maker, row)
    return result


def _make(result: ExperimentResult) -> None:
    """Fills in a result and gives it its class. Threads may do so at the same time."""
    fields = _fields(result)
    source = fields.get(_SOURCE)
    if source is not None:
        maker, row = source
        fields.update(maker.result(row).__dict__)
    _set(result, "__class__", ExperimentResult)
    fields.pop(_SOURCE, None)


_SOURCE = "_of_batch"
_blank: Any = object.__new__
_set: Any = object.__setattr__


def _fields(result: ExperimentResult) -> Dict[str, Any]:
    found: Dict[str, Any] = object.__getattribute__(result, "__dict__")
    return found
