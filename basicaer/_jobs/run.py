"""Runs the circuits of a job, as numbers: on threads of this process, or by an executor."""

from __future__ import annotations

import itertools
import time
from typing import Any, Callable, Dict, List, Protocol, Sequence

from basicaer._engine import memory
from basicaer._engine import threads as _threads
from basicaer._engine.control import Cancelled, Control
from basicaer._engine.costs import WAKE_NS
from basicaer._engine.execute import execute
from basicaer._engine.program import Gates
from basicaer._engine.state import dispatch
from basicaer._engine.task import Outcome, Task
from basicaer._engine.work import nanoseconds, worth_threads
from basicaer._jobs import budget, distribute

_CIRCUIT_BYTES = 4096
"""Bytes that a waiting circuit holds besides its gates, about."""
_MOST_DRIFT = {"double": 1e-6, "single": 1e-3}
"""How far the norm of a state may be off 1 without a warning, by precision."""


class CircuitRun(Protocol):
    """One circuit of a job."""

    @property
    def name(self) -> str:
        """Name of the circuit."""

    @property
    def task(self) -> Task:
        """What to execute."""

    @property
    def need(self) -> int:
        """Bytes that the task takes while it runs."""


Finish = Callable[[int, Task, Outcome], Any]
"""Makes the result of a circuit of its outcome. Called with the circuit's position, the task as it
was executed and the outcome, by the thread that executed or received it."""


class JobRun:
    """The circuits of a job and how to run them; `carry_out` runs them, once.

    Args:
        circuits: the circuits.
        threads: the most threads to use.
        limit: bytes that the job and those that run at the same time may take; None for all that is
            available.
        listed: whether `finish` lists the outcomes one by one.
        elsewhere: how to distribute the circuits; None to run them in this process.

    Attributes:
        control: control of the job.
        need: bytes that the job takes while it runs.
        limit: as given.
        at_once: how many circuits are run at the same time.
        queued: seconds that the job waited.
    """

    def __init__(
        self,
        circuits: Sequence[CircuitRun],
        *,
        threads: int = 1,
        limit: int | None = None,
        listed: bool = False,
        elsewhere: distribute.Elsewhere | None = None,
    ) -> None:
        self.circuits = circuits
        self.threads = threads
        self.limit = limit
        self.listed = listed
        self.elsewhere = elsewhere
        self._work = work = sum([circuit.task.work for circuit in circuits])
        self.need, self.at_once = circuits[0].need, 1
        if elsewhere is not None:
            self.need = 0
        elif len(circuits) > 1:
            self.at_once = self._circuits_at_once()
            needs = sorted((circuit.need for circuit in circuits), reverse=True)
            self.need = sum(needs[: self.at_once])
        self.control = Control(work)
        self._made = time.perf_counter()
        self.queued = 0.0

    def carry_out(self, finish: Finish) -> List[Any]:
        """Runs the circuits; returns what `finish` makes of each, in order.

        Raises:
            Cancelled: the job was cancelled.
            Exception: the first that a circuit or `finish` raised; its attribute `basicaer_circuit`
                is the position and the name of the circuit.
        """
        self.queued = time.perf_counter() - self._made
        if self.elsewhere is not None:
            return self._sent(self.elsewhere, finish)
        if self.at_once == 1:
            threads = self.threads
            return [self._one(position, threads, finish) for position in range(len(self.circuits))]
        return self._several(finish)

    @property
    def size(self) -> int:
        """Bytes that the job holds while it waits, about."""
        return sum(_size(circuit.task) for circuit in self.circuits)

    def is_brief(self) -> bool:
        """Whether the job is brief: waking a thread and waiting for it would take longer.

        The circuits of a brief job make all their draws in one call, so that nothing is mixed up if
        a signal handler interrupts them and runs a job itself.
        """
        if self.elsewhere is not None or self.limit is not None:
            return False
        total = 0.0
        for circuit in self.circuits:
            task = circuit.task
            total += nanoseconds(task, self.listed)
            if total > WAKE_NS or not task.is_one_pass:
                return False
        return True

    # --- here ------------------------------------------------------------------------------------

    def _circuits_at_once(self) -> int:
        """Returns how many circuits are run at the same time."""
        circuits = self.circuits
        most = min(len(circuits), self.threads)
        if most == 1 or not worth_threads(
            max(circuit.task.work for circuit in circuits), "circuits"
        ):
            return 1
        needs = sorted((circuit.need for circuit in circuits), reverse=True)
        if needs[0] < memory.LIGHT and self.limit is None:
            return most
        space = budget.shared.space() if self.limit is None else self.limit
        while most > 1 and sum(needs[:most]) > space:
            most -= 1
        return most

    def _several(self, finish: Finish) -> List[Any]:
        """Runs the circuits on several threads; returns the results in the order of the circuits.

        Each thread takes one circuit after another, so that each is waited for only once.
        """
        results: List[Any] = [None] * len(self.circuits)
        position = itertools.count()
        threads = max(1, self.threads // self.at_once)

        def work() -> None:
            try:
                while True:
                    mine = next(position)
                    if mine >= len(results):
                        return
                    results[mine] = self._one(mine, threads, finish)
            except BaseException:
                self.control.halt()  # one circuit has failed, so the job has no result
                raise

        _threads.cooperate(work, self.at_once)
        return results

    def _one(self, position: int, threads: int, finish: Finish) -> Any:
        circuit = self.circuits[position]
        task, control = circuit.task, self.control
        control.check()
        control.begin(task.work)
        if threads != task.threads:
            task = task.replace(threads=threads)
        try:
            outcome = execute(task, control)
            if is_off(outcome.drift, task.precision):
                self._warn_of_norm(position, outcome)
            return finish(position, task, outcome)
        except Cancelled:
            raise
        except Exception as error:
            # The caller gets the original error; this tells which circuit failed.
            error.basicaer_circuit = (position, circuit.name)  # type: ignore[attr-defined]
            raise

    # --- elsewhere -------------------------------------------------------------------------------

    def _sent(self, elsewhere: distribute.Elsewhere, finish: Finish) -> List[Any]:
        """Distributes the circuits to workers; returns the results in the order of the circuits."""
        circuits = self.circuits
        results: List[Any] = [None] * len(circuits)
        self.control.begin(self._work)
        distribution = distribute.Distribution(
            elsewhere,
            [
                distribute.Portion(position, circuit.name, circuit.task, circuit.need)
                for position, circuit in enumerate(circuits)
            ],
            limit=self.limit,
            control=self.control,
        )
        for position, outcome in distribution.outcomes():
            if outcome.array is not None and not outcome.array.flags.writeable:
                outcome.array = outcome.array.copy()  # it lies in the buffer it was received in
            task = circuits[position].task
            if is_off(outcome.drift, task.precision):
                self._warn_of_norm(position, outcome)
            results[position] = finish(position, task, outcome)
        return results

    # --- both ------------------------------------------------------------------------------------

    def _warn_of_norm(self, position: int, outcome: Outcome) -> None:
        circuit, where = self.circuits[position], outcome.metadata["norm_drift_at"]
        warning = norm_warning(position, circuit.name, outcome.drift, where, circuit.task.precision)
        self.control.warnings.append(warning)


def add_figures(
    metadata: Dict[str, Any], threads: int, precision: str, queued: float
) -> Dict[str, Any]:
    """Returns the metadata of an outcome with the figures of its job added."""
    metadata["threads"] = threads
    metadata["precision"] = precision
    metadata["simd"] = dispatch.SIMD
    metadata["time"]["queue"] = queued
    return metadata


def is_off(drift: float, precision: str) -> bool:
    """Returns whether the norm of a state was so far off 1 that there is a warning."""
    return not drift <= _MOST_DRIFT[precision]


def norm_warning(position: int, name: str, drift: float, where: str, precision: str) -> str:
    """Returns the text of the warning that the norm of a circuit's state was off 1."""
    return (
        f'Circuit {position}, "{name}": the norm of the state was off 1 by '
        f"{drift:.2g} {where}, more than {_MOST_DRIFT[precision]:.0e}. The cause "
        "may be a matrix that is not quite unitary, or very many gates in single precision."
    )


def _size(task: Task) -> int:
    """Returns the bytes that a circuit holds while it waits, about."""
    total = _CIRCUIT_BYTES if task.initial is None else _CIRCUIT_BYTES + task.initial.nbytes
    for each in task.program.body:
        if isinstance(each, Gates):
            total += each.coefficients.nbytes + each.qubits.nbytes + 16 * len(each)
        else:
            total += 256
    return total
