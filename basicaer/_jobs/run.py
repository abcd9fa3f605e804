"""The circuits of a job, as numbers: carried out here, on threads, or by an executor."""

from __future__ import annotations

import itertools
import time
from typing import Any, Callable, List, Protocol, Sequence

from basicaer._engine import memory
from basicaer._engine import threads as _threads
from basicaer._engine.control import Cancelled, Control
from basicaer._engine.costs import WAKE_NS
from basicaer._engine.execute import execute
from basicaer._engine.program import Gates
from basicaer._engine.state import dispatch
from basicaer._engine.task import Outcome, Task
from basicaer._engine.work import amplitude_gates, nanoseconds, worth_threads
from basicaer._jobs import budget, distribute

_CIRCUIT_BYTES = 4096
"""What a circuit that waits holds beside its gates, about."""
_MOST_DRIFT = {"double": 1e-6, "single": 1e-3}
"""How far the norm of a state may be from 1 before there is a warning."""


class CircuitRun(Protocol):
    """One circuit of a job."""

    @property
    def name(self) -> str:
        """Of the circuit."""

    @property
    def task(self) -> Task:
        """What is to be executed."""

    @property
    def need(self) -> int:
        """Bytes that this takes."""


Finish = Callable[[int, Task, Outcome, float], Any]
"""Makes of an outcome what the caller wants. Called with the circuit's position, the task as it was
executed, the outcome and the seconds that it took, by the thread that has executed or received it.
"""


class JobRun:
    """The circuits of a job and how they are run; `carry_out` does it, once.

    Args:
        circuits: what is to be run.
        threads: the most to use.
        limit: bytes that it and what runs beside it may take; None for what there is.
        listed: whether `finish` lists the outcomes one by one.
        elsewhere: where to send the circuits; None to run them here.

    Attributes:
        control: of the job.
        need: bytes that it takes while it runs.
        limit: as given.
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
        self._work = [amplitude_gates(circuit.task) for circuit in circuits]
        self.need, self.at_once = circuits[0].need, 1
        if elsewhere is not None:
            self.need = 0
        elif len(circuits) > 1:
            self.at_once = self._circuits_at_once()
            needs = sorted((circuit.need for circuit in circuits), reverse=True)
            self.need = sum(needs[: self.at_once])
        self.control = Control(sum(self._work))
        self._made = time.perf_counter()
        self._queued = 0.0

    def carry_out(self, finish: Finish) -> List[Any]:
        """Runs the circuits; returns what `finish` makes of each, in order.

        Raises:
            Cancelled: the job was cancelled.
            Exception: what a circuit, or `finish`, raised first; its `basicaer_circuit` is the
                position and the name of the circuit.
        """
        self._queued = time.perf_counter() - self._made
        if self.elsewhere is not None:
            return self._sent(self.elsewhere, finish)
        if self.at_once == 1:
            threads = self.threads
            return [self._one(position, threads, finish) for position in range(len(self.circuits))]
        return self._several(finish)

    @property
    def size(self) -> int:
        """Bytes that it holds while it waits, about."""
        return sum(_size(circuit.task) for circuit in self.circuits)

    def is_brief(self) -> bool:
        """Returns whether to wake a thread, and to wait for it, would take longer than the run.

        Such a run draws what it needs all at once, so that nothing is mixed up if a signal handler
        comes in between and runs something itself.
        """
        circuits = self.circuits
        if self.elsewhere is not None or self.limit is not None:
            return False
        total = 0.0
        for circuit, work in zip(circuits, self._work):
            total += nanoseconds(circuit.task, work, self.listed)
            if total > WAKE_NS or not circuit.task.is_straight:
                return False
        return True

    # --- here ------------------------------------------------------------------------------------

    def _circuits_at_once(self) -> int:
        """How many circuits are run at the same time."""
        circuits = self.circuits
        most = min(len(circuits), self.threads)
        if most == 1 or not worth_threads(max(self._work), "circuits"):
            return 1
        needs = sorted((circuit.need for circuit in circuits), reverse=True)
        if needs[0] < memory.SMALL and self.limit is None:
            return most
        space = budget.shared.space() if self.limit is None else self.limit
        while most > 1 and sum(needs[:most]) > space:
            most -= 1
        return most

    def _several(self, finish: Finish) -> List[Any]:
        """Runs the circuits spread over threads; the order of the results is that of the list.

        Each thread takes one circuit after another, so that it is waited for once only.
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
                self.control.halt()  # one has failed: the result is lost anyhow
                raise

        _threads.cooperate(work, self.at_once)
        return results

    def _one(self, position: int, threads: int, finish: Finish) -> Any:
        circuit = self.circuits[position]
        task, control = circuit.task, self.control
        control.check()
        control.begin(self._work[position])
        if threads != task.threads:
            task = task.but(threads=threads)
        start = time.time()
        try:
            outcome = execute(task, control)
            seconds = time.time() - start
            self._note(position, task, outcome)
            return finish(position, task, outcome, seconds)
        except Cancelled:
            raise
        except Exception as error:
            # The original error goes to the caller; this says which circuit it was.
            error.basicaer_circuit = (position, circuit.name)  # type: ignore[attr-defined]
            raise

    # --- elsewhere -------------------------------------------------------------------------------

    def _sent(self, elsewhere: distribute.Elsewhere, finish: Finish) -> List[Any]:
        """Has the circuits run elsewhere."""
        circuits = self.circuits
        results: List[Any] = [None] * len(circuits)
        self.control.begin(sum(self._work))
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
                outcome.array = outcome.array.copy()  # it came in somebody's buffer
            seconds = outcome.metadata["time"]["total"]
            task = circuits[position].task
            self._note(position, task, outcome)
            results[position] = finish(position, task, outcome, seconds)
        return results

    # --- both ------------------------------------------------------------------------------------

    def _note(self, position: int, task: Task, outcome: Outcome) -> None:
        """Adds to an outcome what only the job knows, and looks whether it may be wrong."""
        metadata = outcome.metadata
        metadata["threads"] = task.threads
        metadata["precision"] = task.precision
        metadata["simd"] = dispatch.SIMD
        metadata["time"]["queue"] = self._queued
        drift = metadata.get("norm_drift", 0.0)
        if not drift <= _MOST_DRIFT[task.precision]:
            self._warn_of_norm(position, drift, metadata["norm_drift_at"])

    def _warn_of_norm(self, position: int, drift: float, where: str) -> None:
        circuit = self.circuits[position]
        self.control.remarks.append(
            f'Circuit {position}, "{circuit.name}": the norm of the state was off 1 by '
            f"{drift:.2g} {where}, more than {_MOST_DRIFT[circuit.task.precision]:.0e}. Matrices "
            "that are not quite unitary do that, and very many gates in single precision."
        )


def _size(task: Task) -> int:
    """Bytes that a circuit holds while it waits, about."""
    total = _CIRCUIT_BYTES if task.initial is None else _CIRCUIT_BYTES + task.initial.nbytes
    for each in task.program.body:
        if isinstance(each, Gates):
            total += each.coefficients.nbytes + each.qubits.nbytes + 16 * len(each)
        else:
            total += 256
    return total
