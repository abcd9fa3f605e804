"""How a circuit becomes a program.

Read `lower` first, then `lowering` (any circuit, one operation after another), `readers` (the three
ways to a circuit's gates) and `gate_reader` (gates of the table, compiled). `sweep` gives one
circuit many values of its parameters, and `expressions` evaluates expressions of them.
"""
