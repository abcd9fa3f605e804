"""A bounded cache of what has been used most recently."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Any, Callable, List

_REMEMBERED = 256
"""How many entries are kept."""


class Recent:
    """A bounded dict of the entries used most recently. Copies and pickles of it are empty."""

    def __init__(self) -> None:
        self._entries: OrderedDict[Any, Any] = OrderedDict()
        self._lock = threading.Lock()

    def __reduce__(self) -> Any:
        return Recent, ()

    def values(self) -> List[Any]:
        """Returns all values, the one used last at the end."""
        with self._lock:
            return list(self._entries.values())

    def get(self, key: Any, make: Callable[[], Any]) -> Any:
        """Returns the value of the key; calls `make` for it if there is none."""
        with self._lock:
            entry = self._entries.get(key)
            if entry is not None:
                self._entries.move_to_end(key)
                return entry
        entry = make()
        with self._lock:
            self._entries[key] = entry
            if len(self._entries) > _REMEMBERED:
                self._entries.popitem(last=False)
        return entry
