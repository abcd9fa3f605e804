"""The error that everything in this package raises for bad input."""

from __future__ import annotations

import functools
from typing import Any, Callable, TypeVar, cast

from qiskit.exceptions import QiskitError

from basicaer._engine.errors import EngineError
from basicaer._qiskit.versions import ErrorBase

Function = TypeVar("Function", bound=Callable[..., Any])


class BasicAerError(ErrorBase):
    """Something is wrong with a circuit, an option or a request; the message says what.

    It is a `QiskitError`, and where there is terra a kind of its error of the same name, so that
    code which catches that one catches this one too.
    """

    __module__ = "basicaer.exceptions"  # its public place, by which it is pickled

    def __init__(self, *message: str) -> None:
        # terra's own __init__ warns of its deprecation; its base class does all that is needed.
        QiskitError.__init__(self, *message)
        self.message = " ".join(message)


def public_error(error: EngineError) -> BasicAerError:
    """Returns the engine's error as users of Qiskit know it, with all that it tells."""
    public = BasicAerError(str(error))
    public.__dict__.update(error.__dict__)
    return public.with_traceback(error.__traceback__)


def raises_public_errors(function: Function) -> Function:
    """Has the errors of the engine that a function raises turned into `BasicAerError`."""

    @functools.wraps(function)
    def turned(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except EngineError as error:
            raise public_error(error) from error.__cause__

    return cast(Function, turned)
