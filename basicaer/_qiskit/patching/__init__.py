"""Programs that ask Qiskit for its BasicAer, and get this package's.

Read `patch` first (a process); `command` and `script` are ``python -m basicaer``, which runs a
program so that the processes which it spawns are patched too.
"""
