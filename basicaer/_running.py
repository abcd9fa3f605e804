"""A run that is ready: its circuits are numbers, and the pool, or an executor, carries it out."""

from __future__ import annotations

import itertools
import time
from concurrent.futures import Executor
from typing import Any, Dict, List, Mapping, NamedTuple, Union

from qiskit.result import Result

from . import _dispatch, _distribution, _memory, _pool, _result
from ._control import Cancelled, Control
from ._costs import WAKE_NS
from ._execution import execute
from ._program import Gates
from ._task import Outcome, Task
from ._work import amplitude_gates, nanoseconds, worth_threads

_CIRCUIT_BYTES = 4096
"""What a circuit that waits holds beside its gates, about."""
_MOST_DRIFT = {"double": 1e-6, "single": 1e-3}
"""How far the norm of a state may be from 1 before there is a warning."""


class Item(NamedTuple):
    """One circuit of a run.

    Attributes:
        header: of its result.
        seed: of its outcomes.
        task: what is to be executed.
        need: bytes that this takes.
        lowering: seconds that it took to lower it, and those lowered together with it.
    """

    header: Dict[str, Any]
    seed: Union[int, None]
    task: Task
    need: int
    lowering: float = 0.0


class Run:
    """What the pool is given of a job: calls, once, and returns the result.

    Args:
        items: the circuits.
        values: of the options.
        threads: the most to use.
        identity: what the result says of the job as a whole.
        executor: where to send the circuits; None to run them here.

    Attributes:
        control: of the job.
        need: bytes that it takes while it runs.
        limit: bytes that it and what runs beside it may take; None for what there is.
    """

    def __init__(
        self,
        items: List[Item],
        values: Mapping[str, Any],
        threads: int,
        identity: Mapping[str, Any],
        executor: Executor | None = None,
    ) -> None:
        self.items = items
        self.memory = values.get("memory", False)
        self.limit = values["max_memory_mb"] or None
        self.job_size = values["max_job_size"]
        self.shot_size = values.get("max_shot_size")
        self.threads = threads
        self.identity = identity
        self.executor = executor
        self._work = [amplitude_gates(item.task) for item in items]
        self.need, self.at_once = items[0].need, 1
        if executor is not None:
            self.need = 0
        elif len(items) > 1:
            self.at_once = self._circuits_at_once()
            needs = sorted((item.need for item in items), reverse=True)
            self.need = sum(needs[: self.at_once])
        self.control = Control(sum(self._work))
        self._made = time.perf_counter()
        self._queued = 0.0

    def __call__(self) -> Result:
        self._queued = time.perf_counter() - self._made
        start = time.time()
        results: List[Any] = [None] * len(self.items)
        if self.executor is not None:
            self._elsewhere(self.executor, results)
            return _result.whole(results, time_taken=time.time() - start, **self.identity)
        if self.at_once == 1:
            for position in range(len(results)):
                results[position] = self._one(position, self.threads)
        else:
            self._several(results, self.at_once)
        return _result.whole(results, time_taken=time.time() - start, **self.identity)

    @property
    def size(self) -> int:
        """Bytes that it holds while it waits, about."""
        return sum(_size(item.task) for item in self.items)

    def is_brief(self) -> bool:
        """Returns whether to wake a thread, and to wait for it, would take longer than the run.

        Such a run draws what it needs all at once, so that nothing is mixed up if a signal handler
        comes in between and runs something itself.
        """
        items = self.items
        if self.executor is not None or self.limit is not None:
            return False
        total = 0.0
        for item, work in zip(items, self._work):
            if not item.task.is_straight:
                return False
            total += nanoseconds(item.task, work, self.memory)
            if total > WAKE_NS:
                return False
        return True

    # --- here ------------------------------------------------------------------------------------

    def _circuits_at_once(self) -> int:
        """How many circuits are run at the same time."""
        items = self.items
        most = min(len(items), self.threads)
        if most == 1 or not worth_threads(max(self._work), "circuits"):
            return 1
        needs = sorted((item.need for item in items), reverse=True)
        if needs[0] < _memory.SMALL and self.limit is None:
            return most
        space = _memory.budget.space() if self.limit is None else self.limit
        while most > 1 and sum(needs[:most]) > space:
            most -= 1
        return most

    def _several(self, results: List[Any], at_once: int) -> None:
        """Runs the circuits spread over threads; the order of the results is that of the list.

        Each thread takes one circuit after another, so that it is waited for once only.
        """
        position = itertools.count()
        threads = max(1, self.threads // at_once)

        def work() -> None:
            try:
                while True:
                    mine = next(position)
                    if mine >= len(results):
                        return
                    results[mine] = self._one(mine, threads)
            except BaseException:
                self.control.halt()  # one has failed: the result is lost anyhow
                raise

        _pool.cooperate(work, at_once)

    def _one(self, position: int, threads: int) -> Any:
        item = self.items[position]
        task, control = item.task, self.control
        control.check()
        control.begin(self._work[position])
        if threads != task.threads:
            task = task.but(threads=threads)
        start = time.time()
        try:
            outcome = execute(task, control)
            return self._result_of(position, task, outcome, time.time() - start)
        except Cancelled:
            raise
        except Exception as error:
            # The original error goes to the caller; this says which circuit it was.
            error.basicaer_circuit = (position, item.header["name"])  # type: ignore[attr-defined]
            raise

    # --- elsewhere -------------------------------------------------------------------------------

    def _elsewhere(self, executor: Executor, results: List[Any]) -> None:
        items = self.items
        self.control.begin(sum(self._work))
        distribution = _distribution.Distribution(
            executor,
            self.identity["job_id"],
            [
                _distribution.Part(position, item.header["name"], item.task, item.need)
                for position, item in enumerate(items)
            ],
            job_size=self.job_size,
            shot_size=self.shot_size,
            limit=self.limit,
            control=self.control,
        )
        for position, outcome in distribution.outcomes():
            if outcome.array is not None and not outcome.array.flags.writeable:
                outcome.array = outcome.array.copy()  # it came in somebody's buffer
            seconds = outcome.metadata["time"]["total"]
            results[position] = self._result_of(position, items[position].task, outcome, seconds)

    # --- both ------------------------------------------------------------------------------------

    def _result_of(self, position: int, task: Task, outcome: Outcome, seconds: float) -> Any:
        header, seed = self.items[position][:2]
        self._watch_norm(position, outcome)
        metadata = outcome.metadata
        metadata["seed"] = seed
        metadata["threads"] = task.threads
        metadata["precision"] = task.precision
        metadata["simd"] = _dispatch.SIMD
        times = metadata["time"]
        times["queue"] = self._queued
        times["lower"] = self.items[position].lowering
        arrays: Dict[str, Any] = {}
        if outcome.array is not None:
            arrays[task.output] = outcome.array
        begun = time.perf_counter()
        result = _result.experiment(
            header,
            shots=task.shots,
            seed=seed,
            words=None if task.output == "unitary" else outcome.memory,
            memory=self.memory,
            metadata=metadata,
            time_taken=seconds,
            check=self.control.check,
            **arrays,
        )
        times["result"] = time.perf_counter() - begun
        return result

    def _watch_norm(self, position: int, outcome: Outcome) -> None:
        """Has the owner of the job warned if the numbers of a circuit may be wrong."""
        item = self.items[position]
        drift = outcome.metadata.get("norm_drift", 0.0)
        most = _MOST_DRIFT[item.task.precision]
        if not drift <= most:
            self.control.remarks.append(
                f'Circuit {position}, "{item.header["name"]}": the norm of the state was off 1 by '
                f"{drift:.2g} {outcome.metadata['norm_drift_at']}, more than {most:.0e}. Matrices "
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
