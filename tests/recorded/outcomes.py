"""The recorded files, and whether a `Result` says what they say.

A file holds groups of runs; a run is

    {
        "simulator": "qasm_simulator",
        "options": {"shots": 100, "seed_simulator": 7, "memory": true},
        "circuits": [...],      descriptions as in `circuits.py`; beside those
            "equal"             where the outcome must be the same (`EQUAL`)
            "ran"               where the simulator does not know all its instructions: what was
                                run in its place, these instructions transpiled one by one
        "results": [...],       one for each circuit
    }

A result has, as the `Result` had it:

    "counts"        raw, in their order; absent where there is the memory, whose entries counted in
                    order of appearance they were
    "memory"        its entries without 0x, filled up with zeros to as many digits as the clbits
                    need, one after another
    "sha256"        of that, where it is long
    "statevector", "unitary"
                    real and imaginary parts in turn, to 13 decimals; a matrix row after row
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from pathlib import Path

import numpy as np
from recorded.circuits import complex_of, num_clbits

FOLDER = Path(__file__).parent
TOLERANCE = 1e-12
LONG = 2000
"""Memory of more shots is stored as its hash."""

EQUAL = {
    "always": "The circuit has no conditions.",
    "c_if, if_test": (
        "Conditions may be c_if's or if_test's: the simulator repeats the circuit shot by shot, "
        "with one draw for each measurement and reset, either way."
    ),
    "c_if": (
        "Qiskit's simulators look for names only when they decide whether to draw all shots from "
        "one final state, and do so with a condition before, or on, the first measurement, which "
        "they find to be 0 == value. With if_test the circuit has control flow and is repeated "
        "shot by shot, with other draws."
    ),
}
"""What a circuit's "equal" means."""
ARRAYS = ("statevector", "unitary")


def load(name: str) -> dict:
    """Reads one recorded file."""
    return json.loads((FOLDER / name).read_text(encoding="ascii"))


def options(run: dict) -> dict:
    """What `run()` is called with beside the circuits."""
    found = dict(run["options"])
    if "initial_statevector" in found:
        found["initial_statevector"] = complex_of(found["initial_statevector"])
    if "initial_unitary" in found:
        matrix = complex_of(found["initial_unitary"])
        found["initial_unitary"] = matrix.reshape(2 * [round(len(matrix) ** 0.5)])
    return found


def holds(circuit: dict, form: str) -> bool:
    """Whether the recorded result is that of the circuit if it is built in this form."""
    return circuit["equal"] == "always" or form in circuit["equal"].split(", ")


def outcome(result, place: int, description: dict) -> dict:
    """The result of one circuit of a run, as it is stored."""
    data = result.data(place)
    found = {}
    if "counts" in data:
        found["counts"] = dict(data["counts"])
    if "memory" in data:
        memory = data["memory"]
        assert list(Counter(memory).items()) == list(found.pop("counts", {}).items())
        assert all(value == hex(int(value, 16)) for value in memory)
        found["memory"] = _packed(memory, num_clbits(description))
        if len(memory) > LONG:
            found["sha256"] = hashlib.sha256(found.pop("memory").encode("ascii")).hexdigest()
            found["counts"] = dict(data["counts"])
    for name in ARRAYS:
        if name in data:
            parts = np.asarray(data[name], dtype=complex).reshape(-1).view(float)
            found[name] = [float(number) + 0.0 for number in np.round(parts, 13)]
    return found


def differences(found: dict, recorded: dict) -> list:
    """The names of what differs between two stored results; the order of counts matters."""
    names = []
    for name in sorted({*found, *recorded}):
        if name not in found or name not in recorded:
            names.append(name)
        elif name in ARRAYS:
            one, other = np.array(found[name]), np.array(recorded[name])
            if one.shape != other.shape or not np.allclose(one, other, rtol=0, atol=TOLERANCE):
                names.append(name)
        elif name == "counts":
            if list(found[name].items()) != list(recorded[name].items()):
                names.append(name)
        elif found[name] != recorded[name]:
            names.append(name)
    return names


def _packed(memory: list, bits: int) -> str:
    digits = -(-bits // 4)
    return "".join(value[2:].zfill(digits) for value in memory)
