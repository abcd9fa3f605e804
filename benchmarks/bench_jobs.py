"""What jobs promise, as figures: do they overlap, let Python run, and stop when they are told to?

    python benchmarks/bench_jobs.py overlap

two jobs of 22 qubits, one thread each, alone and together; the longest pause of a Python thread
that counts meanwhile;

    python benchmarks/bench_jobs.py gap

the longest pause of such a thread while a job of 24 qubits runs, from its state's making to its
result;

    python benchmarks/bench_jobs.py cancel

a job of 24 qubits and 500 gates, whole and cancelled in its middle: seconds, memory before and
after;

    python benchmarks/bench_jobs.py input

what bad input is answered with.
"""

from __future__ import annotations

import argparse
import math
import random
import sys
import threading
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from measure import machine
from qiskit import QuantumCircuit
from qiskit.circuit import ForLoopOp, Gate, Parameter
from qiskit.circuit.library import CXGate
from qiskit.compiler import assemble

from basicaer import BasicAer

QASM = BasicAer.get_backend("qasm_simulator")
STATEVECTOR = BasicAer.get_backend("statevector_simulator")
UNITARY = BasicAer.get_backend("unitary_simulator")


def circuit_of(qubits: int, gates: int, seed: int = 1) -> QuantumCircuit:
    """Random rotations and cx, measured."""
    chance = random.Random(seed)
    circuit = QuantumCircuit(qubits)
    for _ in range(gates):
        if chance.randrange(2):
            circuit.u(*(chance.uniform(0, 3) for _ in range(3)), chance.randrange(qubits))
        else:
            circuit.cx(*chance.sample(range(qubits), 2))
    circuit.measure_all()
    return circuit


def resident() -> float:
    """MiB of memory that this process holds now (Linux)."""
    with open("/proc/self/status", encoding="ascii") as file:
        return next(int(line.split()[1]) / 1024 for line in file if line.startswith("VmRSS"))


def seconds(work: Callable[[], Any]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


class Counter(threading.Thread):
    """Counts, and remembers the longest pause between two counts."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.count = 0
        self.longest = 0.0
        self.over = False

    def run(self) -> None:
        last = time.perf_counter()
        while not self.over:
            self.count += 1
            now = time.perf_counter()
            self.longest = max(self.longest, now - last)
            last = now


def overlap() -> None:
    circuits = [circuit_of(22, 400, seed) for seed in (1, 2)]

    def start(circuit: QuantumCircuit) -> Any:
        return QASM.run(circuit, shots=100, max_parallel_threads=1)

    start(circuits[0]).result()
    alone = [seconds(lambda c=each: start(c).result()) for each in circuits]

    def both() -> None:
        for job in [start(each) for each in circuits]:
            job.result()

    together = seconds(both)
    print(
        f"alone {alone[0]:.2f} s and {alone[1]:.2f} s, together {together:.2f} s: "
        f"{together / max(alone):.2f} of the longer, {together / sum(alone):.2f} of the sum"
    )
    counter = Counter()
    job = start(circuits[0])
    counter.start()
    job.result()
    counter.over = True
    counter.join()
    print(
        f"meanwhile a thread counted to {counter.count:,}; "
        f"its longest pause {counter.longest * 1e3:.1f} ms"
    )


def gap() -> None:
    circuit = circuit_of(24, 200)
    QASM.run(circuit, shots=100).result()
    for simulator in (QASM, STATEVECTOR):
        counter = Counter()
        counter.start()
        begin = time.perf_counter()
        simulator.run(circuit, shots=100).result()
        took = time.perf_counter() - begin
        counter.over = True
        counter.join()
        print(
            f"{simulator.name()}: {took:.2f} s, a thread counted to {counter.count:,}; "
            f"its longest pause {counter.longest * 1e3:.1f} ms"
        )


def cancel() -> None:
    circuit = circuit_of(24, 500)
    before = resident()
    print(f"submitted in {1e3 * seconds(lambda: jobs.append(QASM.run(circuit))):.2f} ms")
    whole = seconds(jobs[-1].result)
    jobs.clear()
    print(f"whole: {whole:.2f} s; memory {before:.0f} MiB before, {resident():.0f} MiB after")
    for share in (0.2, 0.5):
        job = QASM.run(circuit)
        while job.progress() < share:
            time.sleep(0.001)
        middle, progress = resident(), job.progress()
        begin = time.perf_counter()
        done = job.cancel()
        returned = time.perf_counter() - begin
        job.wait_for_final_state()
        while resident() > middle / 2 and time.perf_counter() - begin < 5:
            time.sleep(0.001)
        freed = time.perf_counter() - begin
        print(
            f"at {progress:.0%}: cancel() gave {done} in {returned * 1e3:.1f} ms, "
            f"memory {middle:.0f} MiB before, {resident():.0f} MiB {freed * 1e3:.0f} ms later, "
            f"{job.status().name}"
        )


jobs: list[Any] = []


def bad_input() -> None:
    bell = QuantumCircuit(2, 2, name="bell")
    bell.h(0)
    bell.cx(0, 1)
    plain = bell.copy()
    bell.measure([0, 1], [0, 1])
    theta = Parameter("theta")
    turning = QuantumCircuit(1)
    turning.rx(theta, 0)
    unbound = QuantumCircuit(1, name="unbound")
    unbound.rx(Parameter("theta"), 0)
    opaque = QuantumCircuit(1, name="opaque")
    opaque.append(Gate("mystery", 1, []), [0])
    not_a_number = QuantumCircuit(1, name="nan")
    not_a_number.rx(math.nan, 0)
    infinite = QuantumCircuit(1, name="inf")
    infinite.p(math.inf, 0)
    reset = QuantumCircuit(1, name="reset")
    reset.reset(0)
    vector = np.array([1, 0, 0, 0])
    loops = QuantumCircuit(1, name="loops")
    with loops.for_loop(range(10**6)), loops.for_loop(range(10**6)):
        loops.x(0)
    wide = QuantumCircuit(1, 1_000_000, name="million clbits")
    wide.measure(0, 999_999)
    inner = Gate("endless", 1, [])
    inner.definition = QuantumCircuit(1)
    inner.definition.append(inner, [0])
    endless = QuantumCircuit(1, name="endless")
    endless.append(inner, [0])
    misplaced = QuantumCircuit(2, name="misplaced")
    misplaced._append(CXGate(), [misplaced.qubits[0]], [])
    huge = QuantumCircuit(1, name="huge")
    huge.append(ForLoopOp([10**400], theta, turning), [0])
    qobj = assemble(bell)
    qobj.experiments[0].instructions[0].qubits = [-1]
    view = np.broadcast_to(np.float64(0), (1 << 40,))
    cases: dict[str, Callable[[], Any]] = {
        "too many qubits": lambda: QASM.run(QuantumCircuit(50, name="wide")),
        "unbound parameter": lambda: QASM.run(unbound),
        "neither matrix nor definition": lambda: QASM.run(opaque),
        "no circuit": lambda: QASM.run("bell"),
        "no circuit in a list": lambda: QASM.run([bell, 7]),
        "empty list": lambda: QASM.run([]),
        "shots 0": lambda: QASM.run(bell, shots=0),
        "shots -1": lambda: QASM.run(bell, shots=-1),
        "shots 1.5": lambda: QASM.run(bell, shots=1.5),
        "shots 10**18": lambda: QASM.run(bell, shots=10**18),
        "state of wrong length": lambda: QASM.run(bell, initial_statevector=vector[:2]),
        "state not normalised": lambda: QASM.run(bell, initial_statevector=2 * vector),
        "state with NaN": lambda: QASM.run(bell, initial_statevector=vector * math.nan),
        "unitary not square": lambda: UNITARY.run(plain, initial_unitary=np.eye(4)[:2]),
        "unitary not unitary": lambda: UNITARY.run(plain, initial_unitary=np.ones((4, 4))),
        "NaN in a gate": lambda: QASM.run(not_a_number),
        "infinite angle": lambda: QASM.run(infinite),
        "loops within loops, 10**12 turns": lambda: QASM.run(loops),
        "a million clbits, 10**9 shots": lambda: QASM.run(wide, shots=10**9),
        "10**9 shots, listed": lambda: QASM.run(bell, shots=10**9, memory=True),
        "a definition that contains itself": lambda: QASM.run(endless),
        "cx on one qubit": lambda: QASM.run(misplaced),
        "an angle of 10**400": lambda: QASM.run(huge),
        "Qobj on qubit -1": lambda: QASM.run(qobj),
        "state that is no array": lambda: QASM.run(bell, initial_statevector={1: 2}),
        "state of 2**40 amplitudes": lambda: QASM.run(bell, initial_statevector=view),
        "memory of 10**400 MiB": lambda: QASM.run(bell, max_memory_mb=10**400),
        "a million threads": lambda: QASM.run(bell, max_parallel_threads=10**6),
        "seed -1": lambda: QASM.run(bell, seed_simulator=-1),
        "precision half": lambda: QASM.run(bell, precision="half"),
        "measure on unitary": lambda: UNITARY.run(bell),
        "reset on unitary": lambda: UNITARY.run(reset),
        "unknown option": lambda: QASM.run(bell, shtos=3),
        "unknown set_options": lambda: QASM.set_options(shtos=3),
        "unknown backend": lambda: BasicAer.get_backend("qsam_simulator"),
    }
    silent = []
    for name, call in cases.items():
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                call()
            except Exception as error:
                print(f"{name}: {type(error).__name__}: {error}")
            else:
                for each in caught:
                    print(f"{name}: {each.category.__name__}: {each.message}")
                if not caught:
                    silent.append(name)
    if silent:
        sys.exit(f"nothing was said of {', '.join(silent)}")
    counts = QASM.run(bell, seed_simulator=1).result().get_counts()
    print(f"after all of it a Bell pair still gives {counts}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("overlap", "gap", "cancel", "input"))
    what = parser.parse_args().what
    print(machine())
    {"overlap": overlap, "gap": gap, "cancel": cancel, "input": bad_input}[what]()
