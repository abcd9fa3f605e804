"""The engine: runs programs and returns outcomes. Both are plain numbers.

Read `program` first, then `task` and `execute`. The folders: `plan` turns a gate run into kernel
operations, `state` holds the amplitudes and changes them, `shots` runs circuits with mid-circuit
measurements. The loops over amplitudes are in `kernels`, from which `basicaer._kernels` is built.

Nothing here imports Qiskit, `basicaer._jobs`, `basicaer._qiskit` or the public modules.
"""
