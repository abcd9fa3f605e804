"""The main module of a program that `python -m basicaer` runs.

The program is run in the place of this module. A process that multiprocessing spawns imports the
main module of its parent by name, so that it comes here too.
"""

from basicaer._qiskit.patching import command

command.run_in_place(globals())
