"""The engine: programs, which are numbers, to outcomes, which are numbers.

Read `program` first, then `task` and `execute`; from there the folders `plan` (which operations a
sequence of gates becomes), `state` (the amplitudes and what is done to them) and `shots` (circuits
that measure in their middle). The loops over amplitudes are in `kernels`, which `basicaer._kernels`
is made of.

Nothing here imports Qiskit, or `basicaer._jobs`, `basicaer._qiskit` and the public modules.
"""
