"""Everything that knows Qiskit: circuits become programs, outcomes become results.

Read `lower` (a circuit to a program), `simulator` (the `run()` of all three) and `result`. Only
`versions` asks which Qiskit there is.

Nothing here imports the public modules of the package, which are in front of it.
"""
