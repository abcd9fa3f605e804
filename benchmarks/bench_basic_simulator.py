"""Random circuits on `basicaer.basic_provider` and on Qiskit's own BasicSimulator, side by side.

    python benchmarks/bench_basic_simulator.py [--circuits 200] [--shots 100] [--seed 1]

Needs Qiskit 1 or 2. Each circuit is run alone, and again with others in runs of ten: half of them
measure and reset in the middle, so that they are run shot by shot, some begin in another state. The
results must be equal, apart from times and ids: all dicts, and so the outcome of every shot. Prints
how many are, and the time of both from `run()` to `result()`; the exit status is 1 if any differs.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
import warnings

import numpy as np
import qiskit
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit.library.standard_gates import get_standard_gate_name_mapping
from qiskit.providers.basic_provider import BasicSimulator as Reference

from basicaer.basic_provider import BasicSimulator

TOGETHER = 10
"""Circuits of a run of several."""


def random_circuit(rng: random.Random, number: int, names: list) -> QuantumCircuit:
    """Returns a circuit of up to eight qubits that BasicSimulator runs as it is."""
    width = rng.randint(1, 8)
    registers = [ClassicalRegister(rng.randint(1, 5), f"c{place}") for place in range(2)]
    circuit = QuantumCircuit(QuantumRegister(width, "q"), *registers, name=f"random-{number}")
    circuit.global_phase = rng.choice([0.0, 0.7])
    standard = get_standard_gate_name_mapping()
    repeated = number % 2
    for _ in range(rng.randint(5, 30)):
        gate = standard[rng.choice(names)]
        if gate.num_qubits <= width:
            angles = [rng.uniform(-7, 7) for _ in gate.params]
            gate = getattr(gate, "base_class", type(gate))(*angles)
            circuit.append(gate, rng.sample(range(width), gate.num_qubits))
        if repeated and rng.random() < 0.2:
            circuit.measure(rng.randrange(width), rng.randrange(circuit.num_clbits))
        if repeated and rng.random() < 0.1:
            circuit.reset(rng.randrange(width))
    for qubit in range(min(width, circuit.num_clbits)):
        circuit.measure(qubit, qubit)
    return circuit


def random_runs(rng: random.Random, circuits: list, shots: int, together: int) -> list:
    """Returns runs of so many circuits each, as (circuits, options)."""
    runs = []
    for first in range(0, len(circuits), together):
        options = {"shots": shots, "seed_simulator": rng.randrange(1 << 31), "memory": True}
        if rng.random() < 0.1:
            options["shots"] = 1
        if together == 1 and rng.random() < 0.1:
            size = 1 << circuits[first].num_qubits
            vector = np.array([complex(rng.gauss(0, 1), rng.gauss(0, 1)) for _ in range(size)])
            options["initial_statevector"] = vector / np.linalg.norm(vector)
        runs.append((circuits[first : first + together], options))
    return runs


def told(result) -> dict:
    """Returns the dict of a result, without times and ids."""
    found = result.to_dict()
    for name in ("job_id", "qobj_id", "time_taken"):
        found.pop(name, None)
    for each in found["results"]:
        del each["time_taken"]
    return found


def compare(title: str, runs: list) -> bool:
    """Runs all on both; prints how many circuits are equal and what they took."""
    ours, theirs = BasicSimulator(), Reference()
    seconds = [0.0, 0.0]
    lists = dicts = number = 0
    for circuits, options in runs:
        results = []
        for place, backend in enumerate((ours, theirs)):
            begun = time.perf_counter()
            results.append(backend.run(circuits, **options).result())
            seconds[place] += time.perf_counter() - begun
        number += len(circuits)
        lists += sum(
            one.data.memory == other.data.memory
            for one, other in zip(results[0].results, results[1].results)
        )
        dicts += told(results[0]) == told(results[1])
    print(
        f"{title:<24} {number} circuits in {len(runs)} runs: {lists} memory lists and {dicts} "
        f"Result dicts equal; basicaer {1e3 * seconds[0]:.0f} ms, BasicSimulator "
        f"{1e3 * seconds[1]:.0f} ms ({seconds[1] / seconds[0]:.0f} times)"
    )
    return lists == number and dicts == len(runs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--circuits", type=int, default=200)
    parser.add_argument("--shots", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    warnings.simplefilter("ignore", DeprecationWarning)
    rng = random.Random(chosen.seed)
    other = {"measure", "reset", "delay", "unitary"}
    names = sorted(set(Reference().target.operation_names) - other)
    circuits = [random_circuit(rng, number, names) for number in range(chosen.circuits)]
    print(f"Qiskit {qiskit.__version__}, {chosen.shots} shots")
    BasicSimulator().run(circuits[:2]).result()  # what is made once, is made before
    equal = compare("one circuit a run", random_runs(rng, circuits, chosen.shots, 1))
    several = random_runs(rng, circuits, chosen.shots, TOGETHER)
    equal &= compare("several circuits a run", several)
    sys.exit(0 if equal else 1)


if __name__ == "__main__":
    main()
