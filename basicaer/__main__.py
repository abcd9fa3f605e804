"""`python -m basicaer script.py`: runs a script with qiskit's BasicAer replaced by this package."""

import sys

from basicaer._qiskit.patch import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
