"""A run that is ready: its circuits are numbers, and the pool, or an executor, carries it out."""

from __future__ import annotations

import itertools
import time
from concurrent.futures import Executor
from dataclasses import replace
from typing import Any, Dict, List, Mapping, NamedTuple, Union

from qiskit.result import Result

from . import _dispatch, _distribution, _memory, _pool, _result
from ._execution import Outcome, Task, execute

_SPREAD_AMPLITUDES = 1 << 12
"""Circuits with fewer amplitudes than this are run one after the other: their time is mostly
Python's, of which there is only one at a time."""


class Item(NamedTuple):
    """One circuit of a run.

    Attributes:
        header: of its result.
        seed: of its outcomes.
        task: what is to be executed.
        need: bytes that this takes.
    """

    header: Dict[str, Any]
    seed: Union[int, None]
    task: Task
    need: int


class Run:
    """What the pool is given of a job: calls, once, and returns the result.

    Args:
        items: the circuits.
        values: of the options.
        threads: the most to use.
        control: of the job.
        identity: what the result says of the job as a whole.
        executor: where to send the circuits; None to run them here.
    """

    def __init__(
        self,
        items: List[Item],
        values: Mapping[str, Any],
        threads: int,
        control: _pool.Control,
        identity: Mapping[str, Any],
        executor: Executor | None = None,
    ) -> None:
        self.items = items
        self.memory = values.get("memory", False)
        self.limit = values["max_memory_mb"] or None
        self.job_size = values["max_job_size"]
        self.shot_size = values.get("max_shot_size")
        self.threads = threads
        self.control = control
        self.identity = identity
        self.executor = executor

    def __call__(self) -> Result:
        start = time.time()
        results: List[Any] = [None] * len(self.items)
        if self.executor is not None:
            self._elsewhere(self.executor, results)
            return _result.whole(results, time_taken=time.time() - start, **self.identity)
        items = self.items
        at_once = self._circuits_at_once()
        need = sum(sorted((item.need for item in items), reverse=True)[:at_once])
        taken = _memory.budget.take(need, self.limit, self.control.check)
        try:
            start = time.time()
            if at_once == 1:
                for position in range(len(items)):
                    results[position] = self._one(position, self.threads)
            else:
                self._several(results, at_once)
            return _result.whole(results, time_taken=time.time() - start, **self.identity)
        finally:
            _memory.budget.give_back(taken)

    # --- here ------------------------------------------------------------------------------------

    def _circuits_at_once(self) -> int:
        """How many circuits are run at the same time."""
        items = self.items
        most = min(len(items), self.threads)
        if most == 1 or not any(
            1 << item.task.program.num_qubits >= _SPREAD_AMPLITUDES for item in items
        ):
            return 1
        needs = sorted((item.need for item in items), reverse=True)
        if needs[0] < _memory.SMALL and self.limit is None:
            return most
        space = _memory.available_bytes() if self.limit is None else self.limit
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
        header, seed, task, _ = self.items[position]
        control = self.control
        control.check()
        control.begin_part()
        if threads != task.threads:
            task = replace(task, threads=threads)
        start = time.time()
        try:
            outcome = execute(task, control)
            return self._result_of(header, seed, task, outcome, time.time() - start)
        except _pool.Cancelled:
            raise
        except Exception as error:
            # The original error goes to the caller; this says which circuit it was.
            error.basicaer_circuit = (position, header["name"])  # type: ignore[attr-defined]
            raise

    # --- elsewhere -------------------------------------------------------------------------------

    def _elsewhere(self, executor: Executor, results: List[Any]) -> None:
        items = self.items
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
            header, seed, task, _ = items[position]
            if outcome.array is not None and not outcome.array.flags.writeable:
                outcome.array = outcome.array.copy()  # it came in somebody's buffer
            seconds = outcome.metadata["time"]["total"]
            results[position] = self._result_of(header, seed, task, outcome, seconds)

    # --- both ------------------------------------------------------------------------------------

    def _result_of(
        self,
        header: Dict[str, Any],
        seed: int | None,
        task: Task,
        outcome: Outcome,
        seconds: float,
    ) -> Any:
        arrays: Dict[str, Any] = {}
        if outcome.array is not None:
            arrays[task.output] = outcome.array
        return _result.experiment(
            header,
            shots=task.shots,
            seed=seed,
            words=None if task.output == "unitary" else outcome.memory,
            memory=self.memory,
            metadata={
                "seed": seed,
                "threads": task.threads,
                "precision": task.precision,
                "simd": _dispatch.SIMD,
                **outcome.metadata,
            },
            time_taken=seconds,
            **arrays,
        )
