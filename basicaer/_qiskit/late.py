"""Objects of Qiskit's classes that are made when somebody looks at them."""

from __future__ import annotations

from typing import Any, Callable, Dict, Type, TypeVar

Made = TypeVar("Made")

_MAKE = "_basicaer_make"
"""The one attribute of an object that has not been made: the function that makes it."""


def _come_true(late: Any, base: type) -> None:
    """Makes a late object: from then on it is an ordinary object of the class `base`.

    Several threads may do so at the same time; all of them then find what the first one made.
    """
    fields: Dict[str, Any] = object.__getattribute__(late, "__dict__")
    make = fields.get(_MAKE)
    if make is not None:
        for name, value in make().__dict__.items():
            fields.setdefault(name, value)
        fields.pop(_MAKE, None)
    late.__class__ = base


def late_class(base: Type[Made]) -> Callable[[Callable[[], Made]], Made]:
    """Returns a function that returns an object of `base` which is made when it is looked at.

    It takes the function that makes such an object. Until an attribute is asked for, the object is
    of a subclass of `base`; then it takes over the attributes of the object that is made, and is of
    the class `base` itself. It can be copied and pickled as any other.

    Args:
        base: a class without slots. Its objects have their state in attributes.
    """

    class Late(base):  # type: ignore[misc, valid-type]
        def __getattribute__(self, name: str) -> Any:
            if name == "__class__":
                return base
            _come_true(self, base)
            return getattr(self, name)

        def __setattr__(self, name: str, value: Any) -> None:
            if name != "__class__":
                _come_true(self, base)
            object.__setattr__(self, name, value)

        def __delattr__(self, name: str) -> None:
            _come_true(self, base)
            delattr(self, name)

    Late.__name__, Late.__qualname__, Late.__module__ = (
        base.__name__,
        base.__qualname__,
        base.__module__,
    )
    new, put = Late.__new__, object.__setattr__

    def late(make: Callable[[], Made]) -> Made:
        made: Made = new(Late)
        put(made, _MAKE, make)
        return made

    return late
