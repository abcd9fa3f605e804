"""Properties that are computed once."""

from __future__ import annotations

from typing import Any, Callable, Generic, TypeVar, Union, overload

Value = TypeVar("Value")


class once(Generic[Value]):  # noqa: N801 (a decorator)
    """Decorates a method: its value is computed when it is first asked for, and then an attribute.

    Unlike `functools.cached_property` before Python 3.12 it takes no lock, which the child of a
    fork might find taken for ever; at worst two threads compute the same value.

    Args:
        method: computes the value, which must depend on nothing that changes.
    """

    def __init__(self, method: Callable[[Any], Value]) -> None:
        self._method = method
        self._name = method.__name__
        self.__doc__ = method.__doc__

    @overload
    def __get__(self, instance: None, owner: type) -> once[Value]: ...

    @overload
    def __get__(self, instance: object, owner: type) -> Value: ...

    def __get__(self, instance: Any, owner: type) -> Union[once[Value], Value]:
        if instance is None:
            return self
        value = self._method(instance)
        instance.__dict__[self._name] = value
        return value
