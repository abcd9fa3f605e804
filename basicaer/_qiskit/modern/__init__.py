"""What Qiskit has since 1.0: backends that are described by a `Target`.

Read `backend`, then `target`: the simulators of BasicAer. `basic_simulator`, with `stabilizers` and
`basic_provider`, is what stands in place of `qiskit.providers.basic_provider`.
"""
