"""Circuits on other machines: option `executor`.

What travels is numbers: a worker is sent groups of tasks (`Task`, no circuit) and sends back their
outcomes. Shots of one task may be split over workers: each goes past the draws of the shots before
its own, so that the outcomes are those of one machine, seed for seed.

A task that fails by itself fails in the worker, which says so; that is never tried again. A future
that fails in another way has lost its worker, or the way to it: its group is sent once more, and
after some times the job ends with an error that names the circuits.
"""

from __future__ import annotations

import os
import pickle
from collections import defaultdict
from concurrent.futures import BrokenExecutor, Executor, Future
from queue import Empty, SimpleQueue
from typing import (
    Any,
    Collection,
    DefaultDict,
    Dict,
    Iterator,
    List,
    NamedTuple,
    Sequence,
    Tuple,
    Union,
)

import numpy as np

from basicaer._engine import memory as _memory
from basicaer._engine.control import Cancelled, Control
from basicaer._engine.execute import execute, splits
from basicaer._engine.program import Gates
from basicaer._engine.task import Outcome, Task
from basicaer.exceptions import BasicAerError

_TRIES = 3
"""How often a group is sent to workers that get lost with it."""
_LOOK_SECONDS = 0.05
"""Time between two looks at whether the job was cancelled."""
_GROUPS = 16
"""Groups that a job is cut into where nobody says how large they are to be."""
_GROUP_SECONDS = 0.1
"""Estimated time of a group that is long enough for the way there and back."""
_TASK_SECONDS = 3e-4
_GATE_SECONDS = 1e-9
"""Of one gate on one amplitude."""
_NAMED = 10
"""Circuits that a message names at most."""


class Part(NamedTuple):
    """What a worker is to do: a task, or some of its shots.

    Attributes:
        position: of the circuit in the job.
        name: of the circuit.
        task: with `part` set if it is not all of it.
        need: bytes that it takes.
    """

    position: int
    name: str
    task: Task
    need: int


class Reply(NamedTuple):
    """What a worker says of one part: what came out, or what went wrong with it."""

    outcome: Union[Outcome, None]
    error: Union[BaseException, None]


def executor_of(value: Any) -> Executor:
    """Returns the executor that the value of the option stands for.

    It is made for one job: that of a Dask client keeps what it is given until it is dropped.
    """
    return value if isinstance(value, Executor) else value.get_executor(pure=False)


# ----------------------------------------------------------------------------------------------
# At the worker
# ----------------------------------------------------------------------------------------------

_here: Dict[str, List[Control]] = {}
"""Controls of what this process itself does for its own jobs, when the workers are its threads."""


def work(job_id: str, parts: Sequence[Part], limit: int | None) -> List[Reply]:
    """Does what a group asks for. Runs in the worker.

    Args:
        job_id: of the job that asks.
        parts: what to do, in order.
        limit: bytes that the job may take; None for what there is.
    """
    control = Control()
    controls = _here.get(job_id)
    if controls is not None:
        controls.append(control)
    try:
        return [_reply(part, control, limit) for part in parts]
    finally:
        if controls is not None:
            controls.remove(control)


def _reply(part: Part, control: Control, limit: int | None) -> Reply:
    try:
        if part.need >= _memory.SMALL:
            space = _memory.available_bytes(fresh=True)
            if part.need > space:
                raise BasicAerError(
                    f'Circuit "{part.name}" needs {_memory.describe(part.need)}, '
                    f"{_memory.describe(space)} available at the worker."
                )
        with _memory.budget.hold(part.need, limit, control.check):
            return Reply(execute(part.task, control), None)
    except Exception as error:
        return Reply(None, _that_travels(error))


def _that_travels(error: Exception) -> BaseException:
    """Returns the error, or one like it if it cannot be pickled."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return BasicAerError(f"{type(error).__name__}: {error}")
    return error


# ----------------------------------------------------------------------------------------------
# At home
# ----------------------------------------------------------------------------------------------


class Distribution:
    """One job's parts, on their way to workers and back.

    Args:
        executor: where to.
        job_id: of the job.
        parts: one for each circuit, in order.
        job_size: circuits, or parts of the shots of one, that are sent together; None for as many
            as seems best.
        shot_size: shots of one circuit that one worker makes at most; None for all.
        limit: see `work`.
        control: of the job.
    """

    def __init__(
        self,
        executor: Executor,
        job_id: str,
        parts: Sequence[Part],
        *,
        job_size: int | None,
        shot_size: int | None,
        limit: int | None,
        control: Control,
    ) -> None:
        self._executor = executor
        self._job_id = job_id
        self._limit = limit
        self._control = control
        pieces = [piece for part in parts for piece in _pieces(part, shot_size)]
        self._missing: DefaultDict[int, int] = defaultdict(int)
        for piece in pieces:
            self._missing[piece.position] += 1
        self._groups = list(_groups(pieces, job_size))
        self._tries = [0] * len(self._groups)
        self._open = set(range(len(self._groups)))
        self._done: SimpleQueue[Tuple[Future[List[Reply]], int]] = SimpleQueue()
        self._futures: Dict[Future[List[Reply]], int] = {}
        self._came: DefaultDict[int, List[Tuple[int, Outcome]]] = defaultdict(list)

    def outcomes(self) -> Iterator[Tuple[int, Outcome]]:
        """Yields position and outcome of each circuit, as they come.

        Raises:
            Cancelled: the job was cancelled. What had not begun does not begin any more.
            BasicAerError: workers were lost.
            Exception: what a worker said of a circuit that failed.
        """
        control = self._control
        weights = [max(1, sum(map(_amplitude_gates, group))) for group in self._groups]
        control.add_total(sum(weights))
        _here[self._job_id] = []
        try:
            for index in range(len(self._groups)):
                control.check()
                self._send(index)
            while self._futures:
                control.check()
                try:
                    future, index = self._done.get(timeout=_LOOK_SECONDS)
                except Empty:
                    continue
                if self._futures.pop(future, None) is None:
                    continue
                replies = self._replies(future, index)
                if replies is None:
                    self._send(index)
                    continue
                control.flags[1] += weights[index]
                self._open.discard(index)
                for part, reply in zip(self._groups[index], replies):
                    yield from self._take(part, reply)
                self._groups[index] = []
        finally:
            for child in list(_here.pop(self._job_id, ())):
                child.halt()
            for future in self._futures:
                future.cancel()

    def _send(self, index: int) -> None:
        self._tries[index] += 1
        try:
            future = self._executor.submit(work, self._job_id, self._groups[index], self._limit)
        except BaseException as error:
            raise self._lost(self._open, error) from error
        self._futures[future] = index
        done = self._done
        future.add_done_callback(lambda future: done.put((future, index)))

    def _replies(self, future: Future[List[Reply]], index: int) -> List[Reply] | None:
        """Returns what the worker said; None if the group is to be sent once more."""
        try:
            return future.result()
        except BaseException as error:
            self._control.check()
            if isinstance(error, BrokenExecutor):  # it takes nothing any more
                raise self._lost(self._open, error) from error
            if self._tries[index] >= _TRIES:
                raise self._lost([index], error) from error
            return None

    def _lost(self, indices: Collection[int], error: BaseException) -> BasicAerError:
        names = sorted({p.position: p.name for i in indices for p in self._groups[i]}.items())
        told = ", ".join(f'{position} "{name}"' for position, name in names[:_NAMED])
        if len(names) > _NAMED:
            told += f" and {len(names) - _NAMED} more"
        tries = max(self._tries[index] for index in indices)
        return BasicAerError(
            f"The executor {type(self._executor).__name__} lost the workers of circuits {told} "
            f"({tries} of {_TRIES} tries): {type(error).__name__}: {error}"
        )

    def _take(self, part: Part, reply: Reply) -> Iterator[Tuple[int, Outcome]]:
        position = part.position
        if reply.error is not None:
            if isinstance(reply.error, Cancelled):
                raise Cancelled
            reply.error.basicaer_circuit = (position, part.name)  # type: ignore[attr-defined]
            raise reply.error
        if reply.outcome is None:
            raise BasicAerError(f'A worker has said nothing of circuit {position} "{part.name}".')
        first = 0 if part.task.part is None else part.task.part[0]
        came = self._came[position]
        came.append((first, reply.outcome))
        self._missing[position] -= 1
        if not self._missing[position]:
            del self._came[position]
            came.sort(key=lambda each: each[0])
            yield position, _joined([outcome for _, outcome in came])


def _pieces(part: Part, shot_size: int | None) -> List[Part]:
    """Cuts the shots of a part, where they can be."""
    task = part.task
    if shot_size is None or task.shots <= shot_size or not splits(task):
        return [part]
    pieces = []
    for first in range(0, task.shots, shot_size):
        last = min(first + shot_size, task.shots)
        pieces.append(part._replace(task=task.but(part=(first, last))))
    return pieces


def _groups(pieces: Sequence[Part], size: int | None) -> Iterator[List[Part]]:
    """Puts pieces that follow one another together."""
    if size is not None:
        for first in range(0, len(pieces), size):
            yield list(pieces[first : first + size])
        return
    most = -(-len(pieces) // _GROUPS)
    group: List[Part] = []
    seconds = 0.0
    for piece in pieces:
        group.append(piece)
        seconds += _TASK_SECONDS + _GATE_SECONDS * _amplitude_gates(piece)
        if len(group) >= most or seconds >= _GROUP_SECONDS:
            yield group
            group, seconds = [], 0.0
    if group:
        yield group


def _amplitude_gates(part: Part) -> int:
    program = part.task.program
    gates = sum(len(each) for each in program.body if isinstance(each, Gates))
    width = program.num_qubits * (2 if part.task.output == "unitary" else 1)
    return min(1 << 40, max(1, gates) << min(width, 60))


def _joined(outcomes: Sequence[Outcome]) -> Outcome:
    """Puts the outcomes of parts of the shots together."""
    if len(outcomes) == 1:
        return outcomes[0]
    memory = np.concatenate([outcome.memory for outcome in outcomes])
    metadata = dict(outcomes[0].metadata)
    for outcome in outcomes[1:]:
        for key, value in outcome.metadata.items():
            metadata[key] = _summed(metadata.get(key), value)
    metadata["parts"] = len(outcomes)
    return Outcome(memory, None, metadata)


def _summed(one: Any, other: Any) -> Any:
    """Sums what is counted, for each key; leaves what is said."""
    if isinstance(other, dict):
        one = one or {}
        return {key: _summed(one.get(key), other.get(key)) for key in {**one, **other}}
    if isinstance(other, (int, float)) and not isinstance(other, bool):
        return other if one is None else one + other
    return other if one is None else one


def _start_anew() -> None:
    """A forked worker has none of its parent's jobs."""
    _here.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_anew)
