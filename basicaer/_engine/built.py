"""The check of compiled Python: is it what its source says today?

Some Python modules are compiled as they are (`COMPILED` in setup.py), and Python imports what is
compiled if it is there. Without the check, whoever changes the source would not see his change.
"""

from __future__ import annotations

import hashlib
from pathlib import Path


def check_source(name: str, compiled: str, expected: str) -> None:
    """Checks a compiled module when it is imported, which calls this function itself.

    Args:
        name: of the module.
        compiled: path of what it was compiled to. The source, if it is there, lies beside it.
        expected: the SHA-256 of the source that was compiled, in hex.

    Raises:
        ImportError: the source has changed since.
    """
    source = Path(compiled).with_name(name.rpartition(".")[2] + ".py")
    try:
        text = source.read_text(encoding="utf-8")
    except FileNotFoundError:
        return
    if hashlib.sha256(text.encode()).hexdigest() != expected:
        raise ImportError(
            f"{source} has changed since it was compiled. Compile it again: python setup.py "
            f"build_ext --inplace; or delete {compiled}, then the source itself is run"
        )
