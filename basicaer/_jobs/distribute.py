"""Circuits on other machines: option `executor`.

A job is cut into portions: a circuit (a `Task`, only numbers), or some of its shots. A worker is
sent a group of portions and sends back their outcomes. A worker that makes only some of the shots
skips the draws of the shots before its own, so the outcomes are those of one machine, seed for
seed.

An error of a circuit comes back in the worker's reply and is never retried. A future that fails in
any other way has lost its worker or the connection to it: its group is sent again, up to `_TRIES`
times in all; then the job fails with an error that names the circuits.
"""

from __future__ import annotations

import itertools
import pickle
import uuid
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
from basicaer._engine.allowance import allowed
from basicaer._engine.control import Cancelled, Control
from basicaer._engine.costs import AWAY_NS
from basicaer._engine.errors import EngineError
from basicaer._engine.execute import execute, splits
from basicaer._engine.fork import in_child
from basicaer._engine.task import Outcome, Task
from basicaer._engine.work import nanoseconds
from basicaer._jobs import budget, queue

_TRIES = 3
"""How often a group is sent at most, if the workers that it is sent to are lost."""
_LOOK_SECONDS = 0.05
"""Time between two checks for cancellation."""
_GROUPS = 16
"""Groups that a job is cut into, about, if `max_job_size` is not given."""
_GROUP_NS = 100_000_000
"""Estimated time of a group that is long enough: compared with it, sending costs little."""
_MOST_WORK = 1 << 48
"""The most work that a group counts as, in amplitude-gates, so that sums fit into 64 bits."""
_NAMED = 10
"""The most circuits that a message names."""


class Portion(NamedTuple):
    """A worker's share of a job: one circuit, or some of its shots.

    Attributes:
        position: index of the circuit in the job.
        name: name of the circuit.
        task: the task; its `part` is set if only some of its shots are wanted.
        need: bytes that the task takes while it runs.
    """

    position: int
    name: str
    task: Task
    need: int


class Reply(NamedTuple):
    """A worker's answer to one portion: its outcome, or the error that it ended with."""

    outcome: Union[Outcome, None]
    error: Union[BaseException, None]


class Elsewhere(NamedTuple):
    """How a job is distributed to the workers of an executor.

    Attributes:
        executor: sends calls to the workers.
        job_size: portions per group; None to choose by their estimated time.
        shot_size: the most shots of one circuit per portion; None for all.
    """

    executor: Executor
    job_size: Union[int, None] = None
    shot_size: Union[int, None] = None


def executor_of(value: Any) -> Executor:
    """Returns the executor for a value of the option `executor`.

    Called once per job: the executor of a Dask client keeps all it was given as long as it lives.
    """
    return value if isinstance(value, Executor) else value.get_executor(pure=False)


# ----------------------------------------------------------------------------------------------
# At the worker
# ----------------------------------------------------------------------------------------------


class Sender(NamedTuple):
    """The job that a group belongs to.

    Attributes:
        process: `_this_process` of the process that runs the job.
        number: number of the job in that process.
    """

    process: str
    number: int


_this_process = ""
"""A random id of this process, unique across machines."""

_numbers = itertools.count()
_begun: Dict[int, List[Control]] = {}
"""For each job of this process that has not ended, by its number: the controls of the groups that
threads of this process are working on. Its lists stay empty if the workers are other processes."""


def _identify() -> None:
    """Gives this process an id of its own; a forked child forgets its parent's jobs."""
    global _this_process
    _this_process = uuid.uuid4().hex
    _begun.clear()


_identify()
in_child(_identify)


def work(sender: Sender, portions: Sequence[Portion], limit: int | None) -> List[Reply]:
    """Runs a group of portions; called in the worker. Returns a reply for each, in order.

    Args:
        sender: the job that sent the group. If it is of this process, its end stops the group, or
            keeps it from beginning.
        portions: what to run, in order.
        limit: bytes that the job may take; None for what is available at the worker.
    """
    control = Control()
    if sender.process != _this_process:
        return [_reply(portion, control, limit) for portion in portions]
    siblings = _begun.get(sender.number, [])
    siblings.append(control)
    # Checked after the append: the job's end first removes its list, then halts the controls in it.
    if sender.number not in _begun:
        control.halt()
    try:
        return [_reply(portion, control, limit) for portion in portions]
    finally:
        siblings.remove(control)


def _reply(portion: Portion, control: Control, limit: int | None) -> Reply:
    try:
        control.check()
        task, need = portion.task, portion.need
        if task.allowance is None:
            allowance = allowed(task)
            task, need = task.replace(allowance=allowance), max(need, allowance.need)
        if portion.need >= _memory.LIGHT:
            space = budget.shared.space(fresh=True)
            if portion.need > space:  # will never fit; to wait for other jobs is done below
                raise EngineError(
                    f'Circuit "{portion.name}" needs {_memory.describe(portion.need)}, '
                    f"{_memory.describe(space)} available at the worker."
                )
        with queue.hold(need, limit, control.check):
            return Reply(execute(task, control), None)
    except Exception as error:
        return Reply(None, _picklable(error))


def _picklable(error: Exception) -> BaseException:
    """Returns the error, or an `EngineError` with its text if it cannot be pickled."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return EngineError(f"{type(error).__name__}: {error}")
    return error


# ----------------------------------------------------------------------------------------------
# Where the job is
# ----------------------------------------------------------------------------------------------


class Distribution:
    """Sends the portions of one job to workers and collects their outcomes.

    Args:
        elsewhere: the executor, and how to cut the job.
        portions: one for each circuit, in order.
        limit: see `work`.
        control: control of the job.
    """

    def __init__(
        self,
        elsewhere: Elsewhere,
        portions: Sequence[Portion],
        *,
        limit: int | None,
        control: Control,
    ) -> None:
        self._executor = elsewhere.executor
        self._sender = Sender(_this_process, next(_numbers))
        self._limit = limit
        self._control = control
        pieces = [piece for portion in portions for piece in _pieces(portion, elsewhere.shot_size)]
        self._missing: DefaultDict[int, int] = defaultdict(int)
        for piece in pieces:
            self._missing[piece.position] += 1
        self._groups = list(_groups(pieces, elsewhere.job_size))
        self._tries = [0] * len(self._groups)
        self._open = set(range(len(self._groups)))
        self._done: SimpleQueue[Tuple[Future[List[Reply]], int]] = SimpleQueue()
        self._futures: Dict[Future[List[Reply]], int] = {}
        self._came: DefaultDict[int, List[Tuple[int, Outcome]]] = defaultdict(list)

    def outcomes(self) -> Iterator[Tuple[int, Outcome]]:
        """Yields the position and the outcome of each circuit, in the order in which they end.

        Raises:
            Cancelled: the job was cancelled. Groups that had not begun will not begin.
            EngineError: workers were lost.
            Exception: the error of a circuit that failed in a worker.
        """
        control = self._control
        weights = [
            min(_MOST_WORK, sum(piece.task.work for piece in group)) for group in self._groups
        ]
        control.add_total(sum(weights))
        _begun[self._sender.number] = []
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
                control.add_done(weights[index])
                self._open.discard(index)
                for portion, reply in zip(self._groups[index], replies):
                    yield from self._take(portion, reply)
                self._groups[index] = []
        finally:
            for future in self._futures:
                future.cancel()
            # Stops the groups that have begun; one that begins later finds that the job has gone.
            for child in list(_begun.pop(self._sender.number, ())):
                child.halt()

    def _send(self, index: int) -> None:
        self._tries[index] += 1
        try:
            future = self._executor.submit(work, self._sender, self._groups[index], self._limit)
        except BaseException as error:
            raise self._lost(self._open, error) from error
        self._futures[future] = index
        done = self._done
        future.add_done_callback(lambda future: done.put((future, index)))

    def _replies(self, future: Future[List[Reply]], index: int) -> List[Reply] | None:
        """Returns the worker's replies; None if the group is to be sent again."""
        try:
            return future.result()
        except BaseException as error:
            self._control.check()
            if isinstance(error, BrokenExecutor):  # it accepts no more calls
                raise self._lost(self._open, error) from error
            if self._tries[index] >= _TRIES:
                raise self._lost([index], error) from error
            return None

    def _lost(self, indices: Collection[int], error: BaseException) -> EngineError:
        names = sorted({p.position: p.name for i in indices for p in self._groups[i]}.items())
        told = ", ".join(f'{position} "{name}"' for position, name in names[:_NAMED])
        if len(names) > _NAMED:
            told += f" and {len(names) - _NAMED} more"
        tries = max(self._tries[index] for index in indices)
        return EngineError(
            f"The executor {type(self._executor).__name__} lost the workers of circuits {told} "
            f"({tries} of {_TRIES} tries): {type(error).__name__}: {error}"
        )

    def _take(self, portion: Portion, reply: Reply) -> Iterator[Tuple[int, Outcome]]:
        position, name = portion.position, portion.name
        if reply.error is not None:
            if isinstance(reply.error, Cancelled):
                raise Cancelled
            reply.error.basicaer_circuit = (position, name)  # type: ignore[attr-defined]
            raise reply.error
        if reply.outcome is None:
            raise EngineError(f'A worker returned no outcome for circuit {position} "{name}".')
        first = 0 if portion.task.part is None else portion.task.part[0]
        came = self._came[position]
        came.append((first, reply.outcome))
        self._missing[position] -= 1
        if not self._missing[position]:
            del self._came[position]
            came.sort(key=lambda each: each[0])
            yield position, _joined([outcome for _, outcome in came])


def _pieces(portion: Portion, shot_size: int | None) -> List[Portion]:
    """Cuts a portion by shots, if it has more than `shot_size` and its shots can be split."""
    task = portion.task
    if shot_size is None or task.shots <= shot_size or not splits(task):
        return [portion]
    pieces = []
    for first in range(0, task.shots, shot_size):
        last = min(first + shot_size, task.shots)
        pieces.append(portion._replace(task=task.replace(part=(first, last))))
    return pieces


def _groups(pieces: Sequence[Portion], size: int | None) -> Iterator[List[Portion]]:
    """Yields groups of consecutive portions."""
    if size is not None:
        for first in range(0, len(pieces), size):
            yield list(pieces[first : first + size])
        return
    most = -(-len(pieces) // _GROUPS)
    group: List[Portion] = []
    total = 0.0
    for piece in pieces:
        group.append(piece)
        total += AWAY_NS + nanoseconds(piece.task, False)
        if len(group) >= most or total >= _GROUP_NS:
            yield group
            group, total = [], 0.0
    if group:
        yield group


def _joined(outcomes: Sequence[Outcome]) -> Outcome:
    """Joins the outcomes of one circuit, given in the order of their shots."""
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
    """Returns the sum of two numbers, or of two dicts key by key; of other values, the first."""
    if isinstance(other, dict):
        one = one or {}
        return {key: _summed(one.get(key), other.get(key)) for key in {**one, **other}}
    if isinstance(other, (int, float)) and not isinstance(other, bool):
        return other if one is None else one + other
    return other if one is None else one
