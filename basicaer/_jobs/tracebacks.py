"""What an exception holds on to: frames, and what is in them."""

from __future__ import annotations

import contextlib
import functools
import signal
import threading
from types import CodeType
from typing import Any, Callable, Dict, Iterator, List


def clear_frames(error: BaseException) -> None:
    """Frees the local variables of the frames that an exception, and its causes, went through."""
    for each in _with_causes(error):
        traceback = each.__traceback__
        while traceback is not None:
            with contextlib.suppress(RuntimeError):  # the caller's frame still runs
                traceback.tb_frame.clear()
            traceback = traceback.tb_next


def _with_causes(error: BaseException) -> List[BaseException]:
    """Returns an exception, those that it came of and those that were being handled meanwhile."""
    found: Dict[int, BaseException] = {}
    waiting: List[BaseException | None] = [error]
    while waiting:
        each = waiting.pop()
        if each is not None and id(each) not in found:
            found[id(each)] = each
            waiting += (each.__context__, each.__cause__)
    return list(found.values())


def severed(function: Callable[[], Any], take: Callable[[Any], None]) -> Iterator[None]:
    """Hands `take` what `function` returns, when it is asked for its first item; it has none.

    The frame of a generator that has ended knows no caller. So an exception of the function, whose
    traceback holds frames, and they those that called them, keeps nothing of the caller alive.
    """
    take(function())
    return
    yield  # type: ignore[unreachable]


def hide_caller(failure: BaseException, handled: BaseException | None) -> None:
    """Takes out of an exception what it has of those who called for it.

    Args:
        failure: raised in `severed`; its traceback begins with the frame that caught it.
        handled: what the caller was handling meanwhile, which is no cause of the failure.
    """
    traceback = failure.__traceback__
    if traceback is not None:
        failure.__traceback__ = traceback.tb_next
    if handled is not None:
        for each in _with_causes(failure):
            if each.__context__ is handled:
                each.__context__ = None


def is_of_signal_handler(error: BaseException) -> bool:
    """Returns whether a signal handler raised the error, and not what it interrupted.

    Known by the code that its traceback leads through. A handler that takes itself away before it
    raises is not known any more: then its error is the job's.
    """
    if threading.current_thread() is not threading.main_thread():
        return False  # they are called in no other
    handlers = map(signal.getsignal, signal.valid_signals())
    codes = {_code_of(handler) for handler in handlers if callable(handler)}
    traceback = error.__traceback__
    while traceback is not None:
        if traceback.tb_frame.f_code in codes:
            return True
        traceback = traceback.tb_next
    return False


def _code_of(handler: Any) -> CodeType | None:
    """Returns the code that a handler runs first; None if that is not Python's."""
    while isinstance(handler, functools.partial):
        handler = handler.func
    if not hasattr(handler, "__code__"):
        handler = getattr(handler, "__func__", type(handler).__call__)
    return getattr(handler, "__code__", None)
