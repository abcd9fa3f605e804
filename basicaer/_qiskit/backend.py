"""The base of the simulators on the Qiskit that is installed."""

from basicaer._qiskit.versions import TERRA

if TERRA:
    from basicaer._qiskit.terra.backend import Backend
else:
    from basicaer._qiskit.modern.backend import Backend  # type: ignore[assignment]

__all__ = ["Backend"]
