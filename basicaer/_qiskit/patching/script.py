"""The main module of a program that `python -m basicaer` runs.

The program runs in the namespace of this module. A process that multiprocessing spawns imports the
main module of its parent by name, so it imports this one and runs the program too.
"""

from basicaer._qiskit.patching import command

command.run_in_place(globals())
