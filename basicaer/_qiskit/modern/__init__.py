"""What Qiskit has since 1.0: backends that are described by a `Target`.

Read `backend`, then `target`; `configuration` is what older code asks for.
"""
