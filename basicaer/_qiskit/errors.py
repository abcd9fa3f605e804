"""The error that this package raises for bad input, and its conversion from the engine's."""

from __future__ import annotations

import functools
from typing import Any, Callable, Type, TypeVar, cast

from qiskit.exceptions import QiskitError

from basicaer._engine.errors import EngineError
from basicaer._qiskit.versions import ErrorBase

Function = TypeVar("Function", bound=Callable[..., Any])


class BasicAerError(ErrorBase):
    """A circuit, an option or a request is not valid; the message says why.

    It is a `QiskitError`. On terra it also derives from terra's error of the same name, so that
    code which catches that one also catches this one.
    """

    __module__ = "basicaer.exceptions"  # its public module, by which it is pickled

    def __init__(self, *message: str) -> None:
        # terra's __init__ warns of its deprecation; that of its base class does all that is needed.
        QiskitError.__init__(self, *message)
        self.message = " ".join(message)


def public_error(
    error: EngineError, error_class: Type[BasicAerError] = BasicAerError
) -> BasicAerError:
    """Returns an error of the engine as a `BasicAerError`, with its attributes and traceback."""
    public = error_class(str(error))
    public.__dict__.update(error.__dict__)
    return public.with_traceback(error.__traceback__)


def raises_public_errors(function: Function) -> Function:
    """Decorates a function: errors of the engine that it raises become `BasicAerError`."""

    @functools.wraps(function)
    def turned(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except EngineError as error:
            raise public_error(error) from error.__cause__

    return cast(Function, turned)
