"""`python -m basicaer script.py`: runs a script on this package in place of Qiskit's simulators."""

import sys

from basicaer._qiskit.patching.command import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
