"""Records what Qiskit's simulators give, to compare with where they cannot be installed.

In the folder `tests` of a checkout, in an environment with the simulator to be recorded:

    python -m recorded.record basicaer          with qiskit-terra 0.46.3: its BasicAer
    python -m recorded.record basic_simulator   with Qiskit 1 or 2: its BasicSimulator

writes `recorded/basicaer.json`, or `recorded/basic_simulator_VERSION.json`; with `--to FOLDER`, in
another folder. The same versions on the same machine write the same bytes; on another processor,
last digits of states may differ. This package takes no part: it need not be installed.

How to use a file: for each run of each group, `build()` the circuits (`circuits.py`), give them
with `options()` to the simulator of that name in one `run()`, and take `differences()` of each
`outcome()` and the recorded result (`outcomes.py`); `on_qiskit/test_recorded.py` does it. A circuit
to which `holds()` says no is left out; BasicAer seeds its generator for each circuit, so that this
does not touch the others.

BasicSimulator seeds its generator (`default_rng`) for each circuit in 1.x, and once for a whole
`run()` in 2.x: there a run of several circuits must stay whole and in order. The files of two
versions hold the same circuits in the groups "single" and "several", 100 in all. "conditional" is
for 1.x, whose instructions have conditions; "clifford" for 2.4 and later, which have the option
`use_clifford_optimization`. Where no option `memory` is given, the result says what the default is.
"""

from __future__ import annotations

import argparse
import json
import platform
import random
import warnings
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
from recorded import families
from recorded.circuits import build, entry, fields, instruction
from recorded.outcomes import EQUAL, FOLDER, options, outcome

TERRA = "0.46.3"
NATIVE = (*families.NATIVE, "cx", "unitary")
PLAIN = {*NATIVE, "measure", "reset", "barrier"}
"""What terra's BasicAer runs without being transpiled."""
WIDTH = 100
"""Columns of the lines that hold instructions."""


# ----------------------------------------------------------------------------------------------
# What is run
# ----------------------------------------------------------------------------------------------


def _run(simulator: str, circuits: list, **chosen) -> dict:
    return {"simulator": simulator, "options": chosen, "circuits": circuits}


def _each(family, name: str, number: int, least: int, most: int) -> list:
    """Runs of one circuit each, on the qasm simulator; every sixth without memory."""
    rng = random.Random(name)
    runs = []
    for index in range(number):
        circuit = family(rng, index)
        chosen = {"shots": rng.randint(least, most), "seed_simulator": rng.randrange(1 << 31)}
        chosen["memory"] = index % 6 != 5
        runs.append(_run("qasm_simulator", [circuit], **chosen))
    return runs


def _standard() -> list:
    rng = random.Random("standard")
    return [
        _run(
            "qasm_simulator",
            [families.standard(rng, name, index)],
            shots=50,
            seed_simulator=rng.randrange(1 << 31),
            memory=True,
        )
        for index, name in enumerate(families.STANDARD)
    ]


def _statevectors() -> list:
    rng = random.Random("statevector")
    runs = []
    for index in range(40):
        chosen = {"seed_simulator": rng.randrange(1 << 31)}
        if index % 8 == 7:
            chosen["memory"] = True
        runs.append(_run("statevector_simulator", [families.state(rng, index)], **chosen))
    for index in range(3):
        circuit = families.state(rng, 4 * index + index)
        vector = families.random_vector(rng, circuit["qregs"][0][1])
        chosen = {"seed_simulator": index, "initial_statevector": families.parts(vector)}
        runs.append(_run("statevector_simulator", [circuit], **chosen))
    circuit = families.state(rng, 4)
    runs.append(_run("statevector_simulator", [circuit], seed_simulator=1, chop_threshold=0.2))
    several = [families.state(rng, index) for index in range(1, 6)]
    runs.append(_run("statevector_simulator", several, seed_simulator=5))
    return runs


def _unitaries() -> list:
    rng = random.Random("unitary")
    runs = [_run("unitary_simulator", [families.unitary(rng, index)]) for index in range(15)]
    for index in (1, 2):
        matrix = families.parts(families.random_matrix(rng, 1 + index))
        circuit = families.unitary(rng, index)
        runs.append(_run("unitary_simulator", [circuit], initial_unitary=matrix))
    runs.append(_run("unitary_simulator", [families.unitary(rng, 4)], chop_threshold=0.3))
    return runs


def _initial_statevectors() -> list:
    rng = random.Random("initial_statevector")
    runs = []
    for family in (families.sampled, families.middle, families.reset, families.conditional) * 2:
        circuit = family(rng, rng.randrange(4))
        vector = families.random_vector(rng, circuit["qregs"][0][1])
        chosen = {"shots": 50, "seed_simulator": rng.randrange(1 << 31), "memory": True}
        chosen["initial_statevector"] = families.parts(vector)
        runs.append(_run("qasm_simulator", [circuit], **chosen))
    return runs


def _shots_and_seeds() -> list:
    rng = random.Random("shots and seeds")
    runs = []

    def add(circuit, shots, seed, memory=True):
        chosen = {"shots": shots, "seed_simulator": seed, "memory": memory}
        runs.append(_run("qasm_simulator", [circuit], **chosen))

    for index in range(12):  # one shot is never sampled: conditions may come early
        family = (families.sampled, families.middle, families.early)[index % 3]
        add(family(rng, 3 + index), 1, rng.randrange(1 << 31))
    for seed in (0, 1, 2**31 - 1, 2**31, 2**32 - 1):
        add(families.sampled(rng, 3), 60, seed)
        add(families.middle(rng, 3), 30, seed)
    add(families.sampled(rng, 1), 2, 3)
    add(families.sampled(rng, 3), 100_000, 11)
    add(families.sampled(rng, 15), 65_537, 12)
    add(families.sampled(rng, 9), 50_000, 13, memory=False)
    add(families.middle(rng, 2), 10_000, 14)
    add(families.conditional(rng, 2), 5_000, 15)
    sketch = families.Sketch(rng, 2)  # no clbits
    sketch.spread()
    add(sketch.described(), 20, 16)
    sketch = families.Sketch(rng, 2, 3)  # nothing is measured
    sketch.spread()
    add(sketch.described(), 20, 17)
    add({**sketch.described(), "data": []}, 20, 18)
    return runs


def _several() -> list:
    rng = random.Random("several")
    kinds = (
        families.sampled,
        families.middle,
        families.reset,
        families.conditional,
        families.registers,
    )
    runs = []
    for number, shots in ((2, 50), (5, 30), (5, 1), (12, 20)):
        circuits = [kinds[index % len(kinds)](rng, index) for index in range(number)]
        seed = rng.randrange(1 << 31)
        runs.append(_run("qasm_simulator", circuits, shots=shots, seed_simulator=seed, memory=True))
    return runs


def basicaer_groups() -> dict:
    """The runs for terra's BasicAer, by group."""
    return {
        "sampled": _each(families.sampled, "sampled", 60, 40, 120),
        "middle": _each(families.middle, "middle", 60, 30, 80),
        "reset": _each(families.reset, "reset", 40, 30, 80),
        "conditional": _each(families.conditional, "conditional", 40, 30, 80),
        "conditional_early": _each(families.early, "early", 10, 30, 80),
        "initialize_unitary": _each(families.prepared, "prepared", 20, 30, 80),
        "registers": _each(families.registers, "registers", 20, 30, 80),
        "wide": _each(families.wide, "wide", 5, 10, 20),
        "standard": _standard(),
        "statevector": _statevectors(),
        "unitary": _unitaries(),
        "initial_statevector": _initial_statevectors(),
        "shots_and_seeds": _shots_and_seeds(),
        "several": _several(),
    }


def basic_simulator_groups(qiskit: tuple) -> dict:
    """The runs for BasicSimulator: for all versions, then for this one only."""
    rng = random.Random("basic")
    single, several = [], []
    for index in range(40):
        chosen = {"shots": rng.randint(20, 60), "seed_simulator": rng.randrange(1 << 31)}
        circuit = families.basic(rng, index)
        if index in (5, 6):
            chosen["shots"] = 1
        if index in (7, 8):
            vector = families.random_vector(rng, circuit["qregs"][0][1])
            chosen["initial_statevector"] = families.parts(vector)
        if index % 5:  # otherwise the default, which is not the same in 1.x and 2.x
            chosen["memory"] = index % 5 != 1
        single.append(_run("basic_simulator", [circuit], **chosen))
    for number, shots in ((2, 40), (3, 1), (6, 30), (8, 20), (11, 25), (12, 10), (18, 15)):
        circuits = [families.basic(rng, rng.randrange(40)) for _ in range(number)]
        chosen = {"shots": shots, "seed_simulator": rng.randrange(1 << 31), "memory": True}
        several.append(_run("basic_simulator", circuits, **chosen))
    groups = {"single": single, "several": several}
    if qiskit < (2, 0):
        kinds = (families.conditional, families.early, families.wide)
        groups["conditional"] = [
            _run(
                "basic_simulator",
                [kind(rng, index) for kind in kinds],
                shots=20,
                seed_simulator=rng.randrange(1 << 31),
                memory=True,
            )
            for index in range(4)
        ]
    if qiskit >= (2, 4):
        circuits = [families.clifford(rng, index) for index in range(6)]
        mixed = [families.basic(rng, 3), circuits[1], families.basic(rng, 5), circuits[2]]
        chosen = {"shots": 20, "seed_simulator": 9, "memory": True}
        chosen["use_clifford_optimization"] = True
        groups["clifford"] = [
            *(_run("basic_simulator", [circuit], **chosen) for circuit in circuits),
            _run("basic_simulator", mixed, **chosen),
        ]
    return groups


# ----------------------------------------------------------------------------------------------
# Running it
# ----------------------------------------------------------------------------------------------


def samples(circuit: dict, shots: int) -> bool:
    """Whether Qiskit draws all shots from one final state (its `_validate_measure_sampling`)."""
    if shots <= 1:
        return False
    measured = False
    for name, _, _, _, condition in map(fields, circuit["data"]):
        # The assembler puts a "bfunc" before what has a condition.
        if name == "reset" or (measured and condition is not None):
            return False
        if measured and name not in ("measure", "barrier", "id", "u0"):
            return False
        measured = measured or name == "measure"
    return True


def _equal(circuit: dict, shots: int) -> str:
    if not any(fields(item)[4] for item in circuit["data"]):
        return "always"
    return "c_if" if samples(circuit, shots) else "c_if, if_test"


def terra_circuit(circuit: dict):
    """What terra's BasicAer is given for a circuit: itself, or what it ran when recorded."""
    return build({**circuit, **circuit.get("ran", {})}, "c_if")


def run_terra(run: dict) -> list:
    """Runs one recorded run on terra's BasicAer; returns the results as they are stored."""
    from qiskit.providers.basicaer import BasicAer

    backend = BasicAer.get_backend(run["simulator"])
    circuits = [terra_circuit(circuit) for circuit in run["circuits"]]
    result = backend.run(circuits, **options(run)).result()
    return [outcome(result, place, circuit) for place, circuit in enumerate(run["circuits"])]


def run_basic_simulator(run: dict) -> list:
    """Runs one recorded run on Qiskit's BasicSimulator; returns the results as they are stored."""
    from qiskit.providers.basic_provider import BasicSimulator

    circuits = [build(circuit) for circuit in run["circuits"]]
    result = BasicSimulator().run(circuits, **options(run)).result()
    return [outcome(result, place, circuit) for place, circuit in enumerate(run["circuits"])]


def _transpiled(circuit: dict) -> dict:
    """What terra runs in place of a circuit: its data and global phase.

    Each instruction that terra's simulators do not know is transpiled by itself, and what it
    becomes stands in its place. `transpile` of the whole circuit may exchange measurements, or move
    gates before them, and then the draws are others. (A condition is that of all parts; the global
    phase under a condition is left out, which no counts can show.)
    """
    from qiskit import QuantumCircuit, transpile

    data = []
    phase = circuit.get("global_phase", 0.0)
    for item in circuit["data"]:
        name, qubits, params, _, condition = fields(item)
        if name in PLAIN:
            data.append(item)
            continue
        alone = QuantumCircuit(len(qubits))
        alone.append(instruction(name, len(qubits), params), range(len(qubits)))
        alone = transpile(alone, basis_gates=list(NATIVE), optimization_level=0)
        if condition is None:
            phase += float(alone.global_phase)
        for part in alone.data:
            on = [qubits[alone.find_bit(qubit).index] for qubit in part.qubits]
            numbers = map(float, part.operation.params)
            data.append(entry(part.operation.name, on, numbers, (), condition))
    return {"global_phase": phase, "data": data}


def _recorded(groups: dict, run, transpiled) -> dict:
    """The groups with names for all circuits, and results."""
    for name, runs in groups.items():
        number = 0
        for item in runs:
            shots = item["options"].get("shots", 1024)
            if item["simulator"] in ("statevector_simulator", "unitary_simulator"):
                shots = 1
            named = []
            for circuit in item["circuits"]:
                circuit = {"name": f"{name}-{number}", **circuit}
                number += 1
                names = {part[0] for part in circuit["data"]}
                if transpiled is not None and not names <= PLAIN:
                    circuit["ran"] = transpiled(circuit)
                circuit["equal"] = _equal(circuit.get("ran", circuit), shots)
                named.append(circuit)
            item["circuits"] = named
            item["results"] = run(item)
    return groups


# ----------------------------------------------------------------------------------------------
# Writing it
# ----------------------------------------------------------------------------------------------


def _compact(value) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=True)


def _written_data(value: list) -> str:
    """Instructions, as many in each line as it holds."""
    lines = [""]
    for number, item in enumerate(map(_compact, value)):
        item += "," * (number + 1 < len(value))
        if lines[-1] and len(lines[-1]) + len(item) > WIDTH:
            lines.append("")
        lines[-1] += item
    return "[\n" + "\n".join(lines) + "]"


def _written_circuit(circuit: dict) -> str:
    parts = []
    for key, value in circuit.items():
        if key == "data":
            text = _written_data(value)
        elif key == "ran":
            text = _written_circuit(value)
        else:
            text = _compact(value)
        parts.append(f'"{key}":{text}')
    return "{" + ",".join(parts) + "}"


def _written(head: dict, groups: dict) -> str:
    """The file: JSON, with line breaks where a reader wants them."""
    written = []
    for name, runs in groups.items():
        entries = []
        for run in runs:
            circuits = ",\n".join(map(_written_circuit, run["circuits"]))
            results = ",\n".join(map(_compact, run["results"]))
            entries.append(
                f'{{"simulator":{_compact(run["simulator"])},"options":{_compact(run["options"])},\n'
                f'"circuits":[\n{circuits}],\n"results":[\n{results}]}}'
            )
        written.append(f'"{name}":[\n' + ",\n".join(entries) + "]")
    return f'{json.dumps(head, indent=1)[:-2]},\n"groups":{{\n' + ",\n".join(written) + "}}\n"


def _head(what: str, package: str) -> dict:
    return {
        "what": what,
        "by": "python -m recorded.record",
        "versions": {
            package: version(package),
            "numpy": np.__version__,
            "python": platform.python_version(),
        },
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("what", choices=("basicaer", "basic_simulator"))
    parser.add_argument("--to", type=Path, default=FOLDER, help="the folder that is written to")
    chosen = parser.parse_args()
    package = {"basicaer": "qiskit-terra", "basic_simulator": "qiskit"}[chosen.what]
    try:
        installed = version(package)
    except PackageNotFoundError:
        installed = "not there"
    numbers = tuple(int(part) for part in installed.split(".") if part.isdigit())
    warnings.simplefilter("ignore", DeprecationWarning)
    if chosen.what == "basicaer":
        if installed != TERRA:
            parser.error(f"{package} is {installed}; BasicAer is recorded with {TERRA}")
        head = {**_head("BasicAer of qiskit-terra", package), "equal": EQUAL}
        groups = _recorded(basicaer_groups(), run_terra, _transpiled)
        name = "basicaer.json"
    else:
        if numbers < (1,):
            parser.error(f"{package} is {installed}; BasicSimulator is recorded with 1 or 2")
        head = {**_head("BasicSimulator of Qiskit", package), "equal": EQUAL}
        groups = _recorded(basic_simulator_groups(numbers), run_basic_simulator, None)
        name = f"basic_simulator_{installed}.json"
    path = chosen.to / name
    path.write_text(_written(head, groups), encoding="ascii")
    total = sum(len(run["circuits"]) for runs in groups.values() for run in runs)
    print(f"{path.name}: {total} circuits, {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
