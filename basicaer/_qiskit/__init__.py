"""Everything that knows Qiskit: circuits become programs, outcomes become results.

Read `circuits` first (a circuit to a program), then `simulator` (the `run()` of all three),
`result` and `batches` (many small circuits). Only `versions` depends on which Qiskit is installed.

Nothing here imports the public modules of the package, which import this.
"""

from basicaer._qiskit import versions  # noqa: F401 (before all else: it says what is wrong)
