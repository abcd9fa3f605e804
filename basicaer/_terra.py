"""The reference package, imported in silence.

terra's own BasicAer announces its deprecation while it is imported, whoever imports it. Ours has to
import it, because it derives from terra's error and must pass terra's `isinstance` checks, and says
nothing. The filter is in force only while this module is first imported, never while jobs run.
"""

from __future__ import annotations

import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    import qiskit.providers.basicaer as reference

__all__ = ["reference"]
