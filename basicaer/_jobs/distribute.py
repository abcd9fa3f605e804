"""Circuits on other machines: option `executor`.

What travels is numbers: a worker is sent groups of tasks (`Task`, no circuit) and sends back their
outcomes. Shots of one task may be split over workers: each goes past the draws of the shots before
its own, so that the outcomes are those of one machine, seed for seed.

A task that fails by itself fails in the worker, which says so; that is never tried again. A future
that fails in another way has lost its worker, or the way to it: its group is sent once more, and
after some times the job ends with an error that names the circuits.
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
from basicaer._engine.work import amplitude_gates, nanoseconds
from basicaer._jobs import budget

_TRIES = 3
"""How often a group is sent to workers that get lost with it."""
_LOOK_SECONDS = 0.05
"""Time between two looks at whether the job was cancelled."""
_GROUPS = 16
"""Groups that a job is cut into where nobody says how large they are to be."""
_GROUP_NS = 100_000_000
"""Estimated time of a group that is long enough for the way there and back."""
_MOST_WORK = 1 << 48
"""Work of a group, in amplitude-gates, beyond which it is not counted: sums stay 64-bit numbers."""
_NAMED = 10
"""Circuits that a message names at most."""


class Portion(NamedTuple):
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
    """What a worker says of one portion: what came out, or what went wrong with it."""

    outcome: Union[Outcome, None]
    error: Union[BaseException, None]


class Elsewhere(NamedTuple):
    """Where circuits are run that are not run here.

    Attributes:
        executor: where to.
        job_size: circuits, or portions of the shots of one, that are sent together; None for as
            many as seems best.
        shot_size: shots of one circuit that one worker makes at most; None for all.
    """

    executor: Executor
    job_size: Union[int, None] = None
    shot_size: Union[int, None] = None


def executor_of(value: Any) -> Executor:
    """Returns the executor that the value of the option stands for.

    It is made for one job: that of a Dask client keeps what it is given until it is dropped.
    """
    return value if isinstance(value, Executor) else value.get_executor(pure=False)


# ----------------------------------------------------------------------------------------------
# At the worker
# ----------------------------------------------------------------------------------------------


class Sender(NamedTuple):
    """Who asks for a group.

    Attributes:
        process: `_this_process` where the job is; it differs from that of any other process.
        number: of the job in that process.
    """

    process: str
    number: int


_this_process = ""
"""Differs from process to process, on whatever machines."""

_numbers = itertools.count()
_begun: Dict[int, List[Control]] = {}
"""Controls of the groups that threads of this process itself do, for each of its jobs that has not
ended, by its number. Empty where the workers are elsewhere."""


def _identify() -> None:
    """Gives this process a name of its own; a forked one has none of its parent's jobs."""
    global _this_process
    _this_process = uuid.uuid4().hex
    _begun.clear()


_identify()
in_child(_identify)


def work(sender: Sender, portions: Sequence[Portion], limit: int | None) -> List[Reply]:
    """Does what a group asks for. Runs in the worker.

    Args:
        sender: who asks. In its own process, its end ends the group, begun or not.
        portions: what to do, in order.
        limit: bytes that the job may take; None for what there is.
    """
    control = Control()
    if sender.process != _this_process:
        return [_reply(portion, control, limit) for portion in portions]
    siblings = _begun.get(sender.number, [])
    siblings.append(control)
    # Looked at after that: whoever ends the job takes it out before it halts those that are noted.
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
            task, need = task.but(allowance=allowance), max(need, allowance.need)
        if portion.need >= _memory.SMALL:
            space = budget.shared.space(fresh=True)
            if portion.need > space:  # ever: what only has to wait for others waits below
                raise EngineError(
                    f'Circuit "{portion.name}" needs {_memory.describe(portion.need)}, '
                    f"{_memory.describe(space)} available at the worker."
                )
        with budget.shared.hold(need, limit, control.check):
            return Reply(execute(task, control), None)
    except Exception as error:
        return Reply(None, _picklable(error))


def _picklable(error: Exception) -> BaseException:
    """Returns the error, or one like it if it cannot be pickled."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return EngineError(f"{type(error).__name__}: {error}")
    return error


# ----------------------------------------------------------------------------------------------
# At home
# ----------------------------------------------------------------------------------------------


class Distribution:
    """One job's portions, on their way to workers and back.

    Args:
        elsewhere: where to.
        portions: one for each circuit, in order.
        limit: see `work`.
        control: of the job.
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
        """Yields position and outcome of each circuit, as they come.

        Raises:
            Cancelled: the job was cancelled. What had not begun does not begin any more.
            EngineError: workers were lost.
            Exception: what a worker said of a circuit that failed.
        """
        control = self._control
        weights = [
            min(_MOST_WORK, sum(amplitude_gates(piece.task) for piece in group))
            for group in self._groups
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
            # Those that have begun, also meanwhile; any that begins later finds the job gone.
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
            raise EngineError(f'A worker has said nothing of circuit {position} "{portion.name}".')
        first = 0 if portion.task.part is None else portion.task.part[0]
        came = self._came[position]
        came.append((first, reply.outcome))
        self._missing[position] -= 1
        if not self._missing[position]:
            del self._came[position]
            came.sort(key=lambda each: each[0])
            yield position, _joined([outcome for _, outcome in came])


def _pieces(portion: Portion, shot_size: int | None) -> List[Portion]:
    """Cuts the shots of a portion, where they can be."""
    task = portion.task
    if shot_size is None or task.shots <= shot_size or not splits(task):
        return [portion]
    pieces = []
    for first in range(0, task.shots, shot_size):
        last = min(first + shot_size, task.shots)
        pieces.append(portion._replace(task=task.but(part=(first, last))))
    return pieces


def _groups(pieces: Sequence[Portion], size: int | None) -> Iterator[List[Portion]]:
    """Puts pieces that follow one another together."""
    if size is not None:
        for first in range(0, len(pieces), size):
            yield list(pieces[first : first + size])
        return
    most = -(-len(pieces) // _GROUPS)
    group: List[Portion] = []
    total = 0.0
    for piece in pieces:
        group.append(piece)
        total += AWAY_NS + nanoseconds(piece.task, amplitude_gates(piece.task), False)
        if len(group) >= most or total >= _GROUP_NS:
            yield group
            group, total = [], 0.0
    if group:
        yield group


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
