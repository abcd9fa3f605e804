"""Runs circuits, each in its own process, and prints their peak memory in MiB as JSON.

`test_memory_of_runs` calls it with the names of the cases. It can also be run by hand, on another
version of the package.
"""

from __future__ import annotations

import ctypes
import hashlib
import json
import os
import sys
import warnings

import numpy as np
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister

warnings.simplefilter("ignore")


def conditions(num_qubits, depth, seed=1):
    """Measurements within conditions: the number of draws depends on the outcomes."""
    random = np.random.default_rng(seed)
    circuit = QuantumCircuit(num_qubits, depth)
    circuit.h(range(num_qubits))
    for step in range(depth):
        qubit, other = step % num_qubits, (step + 1) % num_qubits
        circuit.measure(qubit, step)
        for _ in range(6):
            circuit.ry(float(random.random()) + 0.5, qubit)
            circuit.cx(qubit, other)
        with circuit.if_test((circuit.clbits[step], 1)):
            circuit.measure(qubit, step)
    return circuit


def middle(num_qubits, draws, seed=1):
    """Mid-circuit measurements: each shot makes the same number of draws."""
    random = np.random.default_rng(seed)
    circuit = QuantumCircuit(num_qubits, min(draws, 20))
    circuit.h(range(num_qubits))
    for step in range(draws):
        qubit = step % num_qubits
        circuit.measure(qubit, step % min(draws, 20))
        circuit.ry(float(random.random()) + 0.5, qubit)
        circuit.cx(qubit, (qubit + 1) % num_qubits)
    return circuit


def still(draws):
    """Measurements with nearly certain outcomes: only the draws take memory."""
    circuit = QuantumCircuit(1, 1)
    for _ in range(draws):
        circuit.ry(1e-3, 0)
        circuit.measure(0, 0)
    return circuit


def any_dynamic(seed):
    """Gates, measurements, resets, conditions; in every second circuit the draws per shot vary."""
    random = np.random.default_rng(seed)
    num_qubits = int(random.integers(12, 18))
    circuit = QuantumCircuit(QuantumRegister(num_qubits), ClassicalRegister(6))
    circuit.h(range(num_qubits))
    for _ in range(int(random.integers(6, 16))):
        qubit, other = map(int, random.permutation(num_qubits)[:2])
        clbit = int(random.integers(6))
        roll = random.random()
        if roll < 0.35:
            circuit.measure(qubit, clbit)
        elif roll < 0.5:
            circuit.reset(qubit)
        elif roll < 0.7:
            with circuit.if_test((circuit.clbits[clbit], 1)):
                circuit.x(qubit)
                if seed % 2:
                    circuit.measure(other, clbit)
        circuit.ry(float(random.normal()), qubit)
        circuit.cx(qubit, other)
    if seed % 2:
        with circuit.if_test((circuit.clbits[0], 0)):
            circuit.measure(0, 1)
    if random.random() < 0.6:
        circuit.measure(range(6), range(6))
    return circuit


def sampled(num_qubits):
    """One final state with all qubits measured."""
    circuit = QuantumCircuit(num_qubits, num_qubits)
    circuit.h(range(num_qubits))
    circuit.measure(range(num_qubits), range(num_qubits))
    return circuit


CASES = {
    "conditions, 16 qubits": (lambda: conditions(16, 10), {"shots": 1500}),
    "conditions, 18 qubits": (lambda: conditions(18, 4), {"shots": 60}),
    "tree, 18 qubits": (lambda: middle(18, 7), {"shots": 100}),
    "still, 61 draws": (lambda: still(61), {"shots": 300_000}),
    "tree, 12 draws": (lambda: middle(3, 12), {"shots": 1_000_000}),
    "sampled, 18 qubits": (lambda: sampled(18), {"shots": 1_100_000}),
    "listed, 20 qubits": (lambda: sampled(20), {"shots": 300_000, "memory": True}),
    **{f"any {seed}": (lambda seed=seed: any_dynamic(seed), {"shots": 400}) for seed in range(12)},
}


def resident(field):
    with open("/proc/self/status", encoding="ascii") as file:
        for line in file:
            if line.startswith(field):
                return int(line.split()[1]) / 1024
    raise AssertionError(f"no {field}")


def measure(name, options):
    from basicaer import BasicAer
    from basicaer._engine.control import Control
    from basicaer._jobs import queue

    make, own = CASES[name]
    circuit = make()
    needs = []
    submit = queue.submit
    queue.submit = lambda *args, **named: [needs.append(named["need"]), submit(*args, **named)][1]
    backend = BasicAer.get_backend("qasm_simulator")
    warm = QuantumCircuit(2, 1)
    warm.h(0)
    warm.measure(0, 0)
    warm.h(0)
    backend.run([warm, sampled(2)], shots=3000, memory=True).result().get_counts()
    queue.submit(lambda: None, Control(), need=0).result()
    needs.clear()
    ctypes.CDLL(None).malloc_trim(0)
    with open("/proc/self/clear_refs", "w", encoding="ascii") as file:
        file.write("5")  # the peak begins anew
    before = resident("VmRSS")
    job = backend.run(circuit, seed_simulator=11, **{**own, **options})
    result = job.result()
    peak = resident("VmHWM") - before
    counts = json.dumps(sorted(result.get_counts().items())).encode()
    return {
        "need": needs[0] / 2**20,
        "peak": peak,
        "states": result.results[0].metadata.get("states_simulated"),
        "recomputed": result.results[0].metadata.get("recomputed", 0),
        "seconds": round(result.time_taken, 3),
        "counts": hashlib.sha256(counts).hexdigest(),
    }


def main():
    import basicaer  # noqa: F401 (for all children)

    found = {}
    for arguments in json.loads(sys.argv[1]):
        receive, send = os.pipe()
        child = os.fork()
        if not child:
            try:
                os.write(send, json.dumps(measure(*arguments)).encode())
            finally:
                os._exit(0)
        os.close(send)
        with os.fdopen(receive, "rb") as file:
            found[json.dumps(arguments)] = json.loads(file.read() or b"null")
        os.waitpid(child, 0)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
