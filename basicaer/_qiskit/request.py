"""Qiskit's side of a job: the circuits that `run()` was given, and the Result it returns."""

from __future__ import annotations

import functools
import time
from typing import (
    Any,
    Callable,
    Dict,
    List,
    Mapping,
    NamedTuple,
    Sequence,
    Tuple,
    Type,
    Union,
)

from qiskit.circuit import QuantumCircuit
from qiskit.result import Result
from qiskit.result.models import ExperimentResult

from basicaer._engine.control import no_check
from basicaer._engine.errors import EngineError
from basicaer._engine.task import Outcome, Task
from basicaer._jobs.distribute import Elsewhere, executor_of
from basicaer._jobs.run import JobRun, add_figures
from basicaer._qiskit import result as _result
from basicaer._qiskit.errors import BasicAerError, public_error
from basicaer._qiskit.result import Header
from basicaer._qiskit.versions import HAS_QOBJ


class Experiment(NamedTuple):
    """A circuit to be run, as given.

    Attributes:
        circuit: the circuit.
        header: the header of its result; None to make it from the circuit.
        allow_sampling: whether its shots may be drawn from one final state.
        seed: the seed of its outcomes; None to follow the options.
    """

    circuit: QuantumCircuit
    header: Union[Header, None] = None
    allow_sampling: bool = True
    seed: Union[int, None] = None


def experiments_of(run_input: Any) -> List[Experiment]:
    """Returns the experiments of a circuit or a list of circuits.

    Raises:
        BasicAerError: it is neither.
    """
    if isinstance(run_input, QuantumCircuit):
        return [Experiment(run_input)]
    circuits = run_input if isinstance(run_input, list) else [run_input]
    for position, circuit in enumerate(circuits):
        if not isinstance(circuit, QuantumCircuit):
            place = f" at place {position} of the list" if circuits is run_input else ""
            what = "a QuantumCircuit, a list of them or a QasmQobj"
            if not HAS_QOBJ:
                what = "a QuantumCircuit or a list of them (Qiskit 2 has no Qobj)"
            raise BasicAerError(f"run() takes {what}, not {type(circuit).__name__}{place}.")
    return [Experiment(circuit) for circuit in circuits]


class Prepared(NamedTuple):
    """One circuit of a job, ready to be run.

    Attributes:
        name: the name of the circuit.
        task: what to execute.
        need: bytes that the task takes while it runs.
        header: the header of its result.
        seed: the seed of its outcomes, for its result; None if there is none.
        lowering: seconds that lowering took, of it and the circuits lowered together with it.
    """

    name: str
    task: Task
    need: int
    header: Header
    seed: Any
    lowering: float


class Request:
    """The function of a job, which the queue calls once: runs its circuits, returns the Result.

    Args:
        circuits: the circuits.
        values: the values of the options.
        threads: the most threads to use.
        described: returns the fields that describe the job as a whole, see `result.whole_later`.
        error_class: what the engine's errors become.

    Attributes:
        run: the circuits and how to run them.
    """

    def __init__(
        self,
        circuits: Sequence[Prepared],
        values: Mapping[str, Any],
        threads: int,
        described: Callable[[], Dict[str, Any]],
        error_class: Type[BasicAerError] = BasicAerError,
    ) -> None:
        self._circuits = circuits
        self._error_class = error_class
        self._listed = values.get("memory", False)
        self._described = described
        self.run = JobRun(
            circuits,
            threads=threads,
            limit=values["max_memory_mb"] or None,
            listed=self._listed,
            elsewhere=None if values["executor"] is None else _elsewhere(values),
        )

    def __call__(self) -> Result:
        start = time.time()
        try:
            results = self.run.carry_out(self._finish)
        except EngineError as error:
            raise public_error(error, self._error_class) from error.__cause__
        return _result.whole_later(results, self._described, time.time() - start)

    def _finish(
        self, position: int, task: Task, outcome: Outcome
    ) -> Callable[[], ExperimentResult]:
        """Returns a function that makes the result of one circuit."""
        _, _, _, header, seed, lowering = self._circuits[position]
        run, listed = self.run, self._listed
        figures = (task.threads, task.precision, run.queued)
        make = functools.partial(
            _made, header, outcome, task.output, task.shots, seed, listed, lowering, figures
        )
        return _result.later(make, outcome.memory, run.control.check)


def _made(
    header: Header,
    outcome: Outcome,
    output: str,
    shots: int,
    seed: Any,
    listed: bool,
    lowering: float,
    figures: Tuple[int, str, float],
    check: Callable[[], None] = no_check,
) -> ExperimentResult:
    """Returns the result of a circuit.

    Args:
        header, seed, lowering: as in `Prepared`.
        outcome: of its task.
        output, shots: as in `Task`.
        listed: whether to list the outcome of each shot.
        figures: the job's, see `run.add_figures`.
        check: as for `result.experiment`.
    """
    metadata = add_figures(outcome.metadata, *figures)
    metadata["seed"] = seed
    metadata["time"]["lower"] = lowering
    return _result.experiment(
        header,
        words=None if output == "unitary" else outcome.memory,
        check=check,
        shots=shots,
        seed=seed,
        time_taken=outcome.seconds,
        memory=listed,
        arrays={} if outcome.array is None else {output: outcome.array},
        metadata=metadata,
    )


def _elsewhere(values: Mapping[str, Any]) -> Elsewhere:
    """Returns how to distribute the circuits, for options with an `executor`."""
    return Elsewhere(
        executor_of(values["executor"]), values["max_job_size"], values.get("max_shot_size")
    )
