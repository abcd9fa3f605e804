"""How a circuit becomes a program.

Read `lower` first, then `lowering` (any circuit, one operation after another) and `gate_reader`
(gates of the table, compiled). `sweep` gives one circuit many values of its parameters.
"""
