"""Frees what an exception keeps alive: frames and their local variables."""

from __future__ import annotations

import contextlib
import functools
import signal
import threading
from types import CodeType
from typing import Any, Callable, Dict, Iterator, List


def clear_frames(error: BaseException) -> None:
    """Clears the local variables of the frames in the tracebacks of an exception and its causes."""
    for each in _with_causes(error):
        traceback = each.__traceback__
        while traceback is not None:
            with contextlib.suppress(RuntimeError):  # the caller's frame still runs
                traceback.tb_frame.clear()
            traceback = traceback.tb_next


def _with_causes(error: BaseException) -> List[BaseException]:
    """Returns an exception with all its causes and contexts, theirs included."""
    found: Dict[int, BaseException] = {}
    waiting: List[BaseException | None] = [error]
    while waiting:
        each = waiting.pop()
        if each is not None and id(each) not in found:
            found[id(each)] = each
            waiting += (each.__context__, each.__cause__)
    return list(found.values())


def severed(function: Callable[[], Any], take: Callable[[Any], None]) -> Iterator[None]:
    """Calls ``take(function())`` when its first item is asked for; it yields nothing.

    A traceback refers to frames, and a frame to that of its caller, but before Python 3.12 the
    frame of a generator that has ended has no caller. So an exception of `function` keeps nothing
    of the caller alive; from 3.12 on it keeps the caller's frames, as any exception does.
    """
    take(function())
    return
    yield  # type: ignore[unreachable]


def hide_caller(failure: BaseException, handled: BaseException | None) -> None:
    """Removes from an exception what refers to the caller.

    Args:
        failure: raised in `severed`; its traceback begins with the frame that caught it.
        handled: the exception that the caller was handling, which did not cause the failure.
    """
    traceback = failure.__traceback__
    if traceback is not None:
        failure.__traceback__ = traceback.tb_next
    if handled is not None:
        for each in _with_causes(failure):
            if each.__context__ is handled:
                each.__context__ = None


def is_of_signal_handler(error: BaseException) -> bool:
    """Returns whether a signal handler raised the error, rather than the code it interrupted.

    That is so if the traceback goes through the code of a handler. A handler that unregisters
    itself before it raises is not recognised: its error counts as the job's.
    """
    if threading.current_thread() is not threading.main_thread():
        return False  # handlers are called in the main thread only
    handlers = map(signal.getsignal, signal.valid_signals())
    codes = {_code_of(handler) for handler in handlers if callable(handler)}
    traceback = error.__traceback__
    while traceback is not None:
        if traceback.tb_frame.f_code in codes:
            return True
        traceback = traceback.tb_next
    return False


def _code_of(handler: Any) -> CodeType | None:
    """Returns the code that a handler runs first; None if it is not written in Python."""
    while isinstance(handler, functools.partial):
        handler = handler.func
    if not hasattr(handler, "__code__"):
        handler = getattr(handler, "__func__", type(handler).__call__)
    return getattr(handler, "__code__", None)
