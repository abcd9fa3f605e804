"""What Qiskit has since 1.0: backends that are described by a `Target`.

Read `backend`, then `target`: the simulators of BasicAer; `configuration` is what older code asks
for. `basic_simulator`, with `stabilizers` and `basic_provider`, stands in place of
`qiskit.providers.basic_provider`.
"""
