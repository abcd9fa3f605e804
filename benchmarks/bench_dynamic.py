"""Circuits that measure in their middle: basicaer, Aer, terra's BasicAer.

    python benchmarks/bench_dynamic.py                the table
    python benchmarks/bench_dynamic.py --check 1000   is the memory of random dynamic circuits the
                                                      same with branching, without, on BasicAer?
    python benchmarks/bench_dynamic.py --worst        trees in which each shot is a leaf of its own,
                                                      in seconds of processor time

"shot by shot" is basicaer with branching=False, "Aer branching" has shot_branching_enable=True. All
from `run()` to `result()`. The simulators take turns, the best time of each counts.
"""

from __future__ import annotations

import argparse
import logging
import random
import resource
import warnings
from collections.abc import Callable
from time import perf_counter, process_time
from typing import Any

from measure import best_times, machine, readable, versions
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister, transpile
from qiskit.circuit.library import U3Gate

from basicaer import BasicAer

Case = tuple[QuantumCircuit, int]


def teleportation() -> Case:
    """Three qubits, 1,024 shots."""
    circuit = QuantumCircuit(QuantumRegister(3), *(ClassicalRegister(1) for _ in range(3)))
    circuit.u(0.3, 0.2, 0.1, 0)
    circuit.h(1)
    circuit.cx(1, 2)
    circuit.cx(0, 1)
    circuit.h(0)
    circuit.measure([0, 1], [0, 1])
    circuit.x(2).c_if(circuit.cregs[1], 1)
    circuit.z(2).c_if(circuit.cregs[0], 1)
    circuit.u(-0.3, -0.1, -0.2, 2)
    circuit.measure(2, 2)
    return circuit, 1024


def repeat_until_success() -> Case:
    """A while loop that ends when both ancillas are 0."""
    circuit = QuantumCircuit(3, 3)

    def attempt() -> None:
        circuit.reset([0, 1])
        circuit.h([0, 1])
        circuit.ccx(0, 1, 2)
        circuit.s(2)
        circuit.ccx(0, 1, 2)
        circuit.h([0, 1])
        circuit.measure([0, 1], [0, 1])

    attempt()
    with circuit.while_loop((circuit.clbits[0], 1)):
        circuit.z(2)
        attempt()
    circuit.measure(2, 2)
    return circuit, 1024


def phase_estimation(bits: int = 8) -> Case:
    """Iterative phase estimation: one ancilla, corrections by the outcomes so far."""
    phase = 0.3
    registers = [ClassicalRegister(1, f"c{k}") for k in range(bits)]
    circuit = QuantumCircuit(QuantumRegister(2), *registers)
    circuit.x(1)
    for k in range(bits):
        circuit.reset(0)
        circuit.h(0)
        circuit.cp(2 * 3.141592653589793 * phase * 2 ** (bits - 1 - k), 0, 1)
        for j in range(k):
            circuit.p(-3.141592653589793 / 2 ** (k - j), 0).c_if(registers[j], 1)
        circuit.h(0)
        circuit.measure(0, registers[k][0])
    return circuit, 1024


def repetition_code(rounds: int = 10) -> Case:
    """Distance 3: three data qubits, two ancillas, a little rotation as the error."""
    circuit = QuantumCircuit(5, 2 * rounds + 3)
    for k in range(rounds):
        circuit.rx(0.2, [0, 1, 2])
        for ancilla, (one, other) in ((3, (0, 1)), (4, (1, 2))):
            circuit.cx(one, ancilla)
            circuit.cx(other, ancilla)
            circuit.measure(ancilla, 2 * k + ancilla - 3)
            circuit.reset(ancilla)
    circuit.measure([0, 1, 2], range(2 * rounds, 2 * rounds + 3))
    return circuit, 1000


def one_in_the_middle(qubits: int = 20, layers: int = 2) -> Case:
    """Twenty qubits, one of them measured and used again."""
    chance = random.Random(1)
    circuit = QuantumCircuit(qubits, qubits + 1)

    def layer() -> None:
        for qubit in range(qubits):
            circuit.u(*(chance.uniform(0, 3) for _ in range(3)), qubit)
        for qubit in range(qubits - 1):
            circuit.cx(qubit, qubit + 1)

    for _ in range(layers):
        layer()
    circuit.measure(qubits // 2, qubits)
    for _ in range(layers):
        layer()
    circuit.measure(range(qubits), range(qubits))
    return circuit, 20


def one_in_the_middle_often() -> Case:
    """The same with more shots, for those that branch."""
    return one_in_the_middle()[0], 1000


def worst(qubits: int, rounds: int = 12) -> Case:
    """Every qubit is measured in each round: no two shots agree for long."""
    circuit = QuantumCircuit(qubits, 12 * 4)
    for k in range(rounds):
        circuit.h(range(qubits))
        for qubit in range(qubits - 1):
            circuit.cx(qubit, qubit + 1)
        circuit.ry(0.3, range(qubits))
        for j in range(4):
            circuit.measure(j, 4 * k + j)
    return circuit, 200


CASES: dict[str, Callable[[], Case]] = {
    "teleportation": teleportation,
    "repeat until success": repeat_until_success,
    "phase estimation, 8 bits": phase_estimation,
    "repetition code, 10 rounds": repetition_code,
    "20 qubits, 1 in the middle": one_in_the_middle,
    "20 qubits, 1 in the middle, more shots": one_in_the_middle_often,
}


def timed(run: Callable[[], Any], clock: Callable[[], float] = perf_counter) -> Callable[[], float]:
    def call() -> float:
        begin = clock()
        result = run().result()
        if not result.success:
            raise RuntimeError(result.status)
        return clock() - begin

    return call


def competitors(circuit: QuantumCircuit, shots: int) -> dict[str, Callable[[], float]]:
    ours = BasicAer.get_backend("qasm_simulator")
    options = {"shots": shots, "seed_simulator": 1}
    calls = {
        "basicaer": timed(lambda: ours.run(circuit, **options)),
        "shot by shot": timed(lambda: ours.run(circuit, branching=False, **options)),
    }
    try:
        from qiskit_aer import AerSimulator
    except ImportError:
        pass
    else:
        aer = AerSimulator(method="statevector")
        for name, on in (("Aer branching", True), ("Aer", False)):
            calls[name] = timed(
                lambda on=on: aer.run(
                    circuit,
                    shot_branching_enable=on,
                    shot_branching_sampling_enable=on,
                    **options,
                )
            )
    translated = for_basicaer(circuit)
    if translated is not None and circuit.num_qubits < 16:
        calls["BasicAer"] = timed(lambda: terra().run(translated, **options))
    return calls


def terra() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from qiskit.providers import basicaer

        return basicaer.QasmSimulatorPy()


def for_basicaer(circuit: QuantumCircuit) -> QuantumCircuit | None:
    """The circuit in gates that BasicAer knows; None if it has control flow."""
    if any(hasattr(each.operation, "blocks") for each in circuit.data):
        return None
    return transpile(circuit, basis_gates=["u1", "u2", "u3", "cx", "h", "x"], optimization_level=0)


def table(budget: float) -> None:
    print(machine())
    print(versions(("basicaer", "qiskit-aer", "qiskit-terra", "numpy")))
    print("| circuit | shots | states | " + " | ".join(COLUMNS) + " |")
    print("|---|---|---|" + "---|" * len(COLUMNS))
    for name, make in CASES.items():
        circuit, shots = make()
        result = BasicAer.get_backend("qasm_simulator").run(circuit, shots=shots).result()
        states = result.results[0].metadata["states_simulated"]
        calls = competitors(circuit, shots)
        if make is one_in_the_middle_often:
            calls = {name: calls[name] for name in ("basicaer", "Aer branching") if name in calls}
        times = best_times(calls, budget)
        cells = [readable(min(times[column])) if column in times else "" for column in COLUMNS]
        print(f"| {name} | {shots} | {states} | " + " | ".join(cells) + " |", flush=True)


COLUMNS = ("basicaer", "shot by shot", "Aer branching", "Aer", "BasicAer")


def worst_table(budget: float) -> None:
    ours = BasicAer.get_backend("qasm_simulator")
    print("| qubits | shots | states | branching | shot by shot | ratio | most memory |")
    print("|---|---|---|---|---|---|---|")
    for qubits in (4, 8, 12, 16):
        circuit, shots = worst(qubits)
        result = ours.run(circuit, shots=shots).result()
        states = result.results[0].metadata["states_simulated"]
        calls = {
            branching: timed(
                lambda circuit=circuit, shots=shots, branching=branching: ours.run(
                    circuit, shots=shots, seed_simulator=1, branching=branching
                ),
                process_time,
            )
            for branching in (True, False)
        }
        times = best_times(calls, budget)
        tree, single = min(times[True]), min(times[False])
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(
            f"| {qubits} | {shots} | {states} | {readable(tree)} | {readable(single)} | "
            f"{tree / single:.2f} | {memory:.0f} MiB |",
            flush=True,
        )


def random_circuit(seed: int) -> QuantumCircuit:
    """Gates, measurements, resets and conditions on bits and registers, anywhere."""
    chance = random.Random(seed)
    qubits = chance.randint(1, 6)
    sizes = [chance.randint(1, 3) for _ in range(chance.randint(1, 3))]
    circuit = QuantumCircuit(qubits, 0)
    for size in sizes:
        circuit.add_register(ClassicalRegister(size))
    for _ in range(chance.randint(5, 40)):
        qubit, clbit = chance.choice(circuit.qubits), chance.choice(circuit.clbits)
        kind = chance.randrange(8)
        if kind == 0:
            made = circuit.measure(qubit, clbit)
        elif kind == 1:
            made = circuit.reset(qubit)
        elif kind == 2 and qubits > 1:
            made = circuit.cx(*chance.sample(range(qubits), 2))
        elif kind == 3:
            made = circuit.x(qubit)
        elif kind < 6:
            made = circuit.h(qubit)
        else:
            made = circuit.append(U3Gate(*(chance.uniform(-3, 3) for _ in range(3))), [qubit])
        if chance.randrange(3) == 0:
            if chance.randrange(2):
                made.c_if(chance.choice(circuit.clbits), chance.randrange(2))
            else:
                register = chance.choice(circuit.cregs)
                made.c_if(register, chance.randrange(1 << register.size))
    return circuit


def check(count: int) -> None:
    """Compares the memory of each of `count` circuits, three ways."""
    ours, reference = BasicAer.get_backend("qasm_simulator"), terra()
    outcomes = tree_states = 0
    for seed in range(count):
        circuit = random_circuit(seed)
        options = {"shots": 64, "seed_simulator": seed, "memory": True}
        result = ours.run(circuit, **options).result()
        tree = result.get_memory()
        single = ours.run(circuit, branching=False, **options).result().get_memory()
        theirs = reference.run(circuit, **options).result().get_memory()
        if not tree == single == theirs:
            raise SystemExit(f"circuit {seed} differs")
        outcomes += len(set(tree))
        tree_states += result.results[0].metadata["states_simulated"]
    print(
        f"{count} circuits, 64 shots each: the same memory with branching, shot by shot and on "
        f"BasicAer; {outcomes / count:.1f} distinct outcomes and {tree_states / count:.1f} states "
        "a circuit"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", type=int, metavar="CIRCUITS")
    parser.add_argument("--worst", action="store_true")
    parser.add_argument("--budget", type=float, default=2.0, help="seconds a simulator and circuit")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", DeprecationWarning)
    logging.getLogger("qiskit").setLevel(logging.ERROR)
    logging.getLogger("basicaer").setLevel(logging.ERROR)
    if arguments.check:
        check(arguments.check)
    elif arguments.worst:
        worst_table(arguments.budget)
    else:
        table(arguments.budget)
