"""From run() to result(): what small circuits cost, beside Aer and Qiskit's own.

    python benchmarks/bench_latency.py                    all simulators that are installed
    python benchmarks/bench_latency.py --only sweep       one part: latency, batch, sweep, executors
    python benchmarks/bench_latency.py --profile          where basicaer's own time goes
    python benchmarks/bench_latency.py --budget 0.2 -o latency.json

Four parts, each taken side by side in one process:

- latency: one circuit, measured and sampled with 1,024 shots, run again and again with the same
  seed on one backend. What get_counts() adds is Qiskit's formatting of the counts; nothing of it is
  basicaer's, whose result is Qiskit's own class.
- batch: 1,000 random circuits on 5 qubits in one run(), lowered anew each time; 1 and 2 threads.
- sweep: 1,000 values of a 10-qubit hardware-efficient ansatz in one run(), against Aer's
  parameter_binds and against a loop of bind and run().
- executors: one batch here, and on two processes, and its shots split over them.

Qiskit's own is terra's BasicAer or, from 1.0 on, BasicSimulator. It and Aer are given circuits of
gates they know, transpiled beforehand where they need it. --aer-threads 1 leaves Aer one thread.
"""

from __future__ import annotations

import argparse
import cProfile
import io
import json
import pstats
import sys
import warnings
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from circuits import hea, qft
from measure import best_times, machine, readable, versions
from qiskit import QuantumCircuit, transpile
from qiskit.circuit import ParameterVector

SHOTS = 1024
HERE = Path(__file__).parent
# Times faster than each: what the project wants, for the circuits named.
GOALS = {"aer": 10.0, "qiskit": 20.0}
GOAL_CIRCUITS = ("qft 4", "qft 10", "hea 4", "hea 10")


def one_gate() -> QuantumCircuit:
    circuit = QuantumCircuit(1)
    circuit.h(0)
    return circuit


def thousand_gates() -> QuantumCircuit:
    """A thousand gates on five qubits."""
    rng = np.random.default_rng(4)
    circuit = QuantumCircuit(5)
    for _ in range(200):
        for qubit in range(3):
            circuit.u(*rng.uniform(-3, 3, 3), qubit)
        first, second = (int(q) for q in rng.choice(5, 2, replace=False))
        circuit.cx(first, second)
        circuit.cp(float(rng.uniform(-3, 3)), second, first)
    return circuit


CIRCUITS: dict[str, Callable[[], QuantumCircuit]] = {
    "1 gate": one_gate,
    "qft 4": lambda: qft(4),
    "qft 10": lambda: qft(10),
    "hea 4": lambda: hea(4),
    "hea 10": lambda: hea(10),
    "5 qubits, 1000 gates": thousand_gates,
}


def backends(aer_threads: int) -> dict[str, Any]:
    """The simulators that can be imported; Aer with so many threads, 0 for all."""
    found = {}
    try:
        from basicaer import BasicAer

        found["basicaer"] = BasicAer.get_backend("qasm_simulator")
    except ImportError as error:
        print(f"basicaer is left out: {error}")
    try:
        from qiskit_aer import AerSimulator

        found["aer"] = AerSimulator(method="statevector", max_parallel_threads=aer_threads)
    except ImportError as error:
        print(f"aer is left out: {error}")
    try:
        from qiskit.providers.basicaer import QasmSimulatorPy

        found["qiskit"] = QasmSimulatorPy()
    except ImportError:  # from Qiskit 1.0 on
        from qiskit.providers.basic_provider import BasicSimulator

        found["qiskit"] = BasicSimulator()
    return found


def prepared(circuit: QuantumCircuit, name: str, backend: Any) -> QuantumCircuit:
    measured = circuit.copy()
    measured.measure_all()
    if name == "basicaer":
        return measured
    return transpile(measured, backend, optimization_level=0)


def job_time(backend: Any, circuit: QuantumCircuit, counts: bool) -> float:
    begin = perf_counter()
    result = backend.run(circuit, shots=SHOTS, seed_simulator=1).result()
    if counts:
        result.get_counts()
    return perf_counter() - begin


def measure(label: str, simulators: dict[str, Any], budget: float) -> dict[str, Any]:
    circuit = CIRCUITS[label]()
    calls = {}
    for name, backend in simulators.items():
        own = prepared(circuit, name, backend)
        for counts in (False, True):
            key = f"{name} get_counts" if counts else name
            calls[key] = lambda backend=backend, own=own, counts=counts: job_time(
                backend, own, counts
            )
    times = best_times(calls, budget)
    return {
        "circuit": label,
        "gates": len(circuit.data),
        "seconds": {name: min(values) for name, values in times.items()},
    }


def latency(simulators: dict[str, Any], budget: float) -> list[dict[str, Any]]:
    print(f"{'run() to result()':<22}{'gates':>5}", end="")
    for name in simulators:
        print(f"   {name + ' + get_counts':>18}", end="")
    print("   faster than " + ", ".join(name for name in GOALS if name in simulators))
    records = []
    for label in CIRCUITS:
        records.append(measure(label, simulators, budget))
        show(records[-1], simulators)
    return records


def show(record: dict[str, Any], simulators: dict[str, Any]) -> None:
    seconds = record["seconds"]
    line = f"{record['circuit']:<22}{record['gates']:>5}"
    for name in simulators:
        added = max(0.0, seconds[f"{name} get_counts"] - seconds[name])
        line += f"   {readable(seconds[name]):>8} + {readable(added):>7}"
    if "basicaer" in seconds:
        for name, goal in GOALS.items():
            if name in seconds:
                factor = seconds[name] / seconds["basicaer"]
                line += f"   {factor:6.1f}x"
                if record["circuit"] in GOAL_CIRCUITS:
                    line += " reached" if factor >= goal else f" {factor / goal:.0%} of {goal:.0f}x"
                else:
                    line += " " * 8
    print(line)


# ----------------------------------------------------------------------------------------------
# Many circuits in one run
# ----------------------------------------------------------------------------------------------


def random_circuits(count: int, num_qubits: int = 5, gates: int = 30) -> list[QuantumCircuit]:
    rng = np.random.default_rng(6)
    circuits = []
    for _ in range(count):
        circuit = QuantumCircuit(num_qubits, num_qubits)
        for _ in range(gates):
            kind = rng.integers(3)
            if kind == 0:
                circuit.u(*rng.uniform(-3, 3, 3), int(rng.integers(num_qubits)))
            elif kind == 1:
                circuit.rz(float(rng.uniform(-3, 3)), int(rng.integers(num_qubits)))
            else:
                circuit.cx(*(int(q) for q in rng.choice(num_qubits, 2, replace=False)))
        circuit.measure(range(num_qubits), range(num_qubits))
        circuits.append(circuit)
    return circuits


def ansatz(num_qubits: int = 10, layers: int = 5) -> tuple[QuantumCircuit, ParameterVector]:
    """The circuit `hea`, with parameters in place of its angles."""
    angles = ParameterVector("t", 2 * num_qubits * layers)
    circuit = QuantumCircuit(num_qubits)
    place = iter(angles)
    for _ in range(layers):
        for qubit in range(num_qubits):
            circuit.ry(next(place), qubit)
            circuit.rz(next(place), qubit)
        for qubit in range(num_qubits - 1):
            circuit.cx(qubit, qubit + 1)
    circuit.measure_all()
    return circuit, angles


def race(calls: dict[str, Callable[[], Any]], rounds: int) -> dict[str, float]:
    """The best time of each, taken in turns."""
    best: dict[str, float] = {}
    for _ in range(rounds):
        for name, call in calls.items():
            begin = perf_counter()
            call()
            seconds = perf_counter() - begin
            best[name] = min(best.get(name, seconds), seconds)
    return best


def show_race(title: str, unit: str, count: int, best: dict[str, float], first: str) -> None:
    print(f"\n{title}")
    for name, seconds in best.items():
        print(
            f"  {name:<42}{readable(seconds):>9}   {count / seconds:9.0f} {unit}"
            f"   {seconds / best[first]:7.2f}x the time of {first}"
        )


def batch(simulators: dict[str, Any], count: int) -> dict[str, float]:
    circuits = random_circuits(count)
    calls: dict[str, Callable[[], Any]] = {}
    for name, backend in simulators.items():
        own = circuits if name == "basicaer" else transpile(circuits, backend, optimization_level=0)
        for threads in (1, 2) if name != "qiskit" else (None,):
            options: dict[str, Any] = {} if threads is None else {"max_parallel_threads": threads}
            if name == "aer" and threads == 2:
                options["max_parallel_experiments"] = 2
            label = name if threads is None else f"{name}, {threads} thread{'s'[: threads - 1]}"
            calls[label] = lambda backend=backend, own=own, options=options: backend.run(
                own, shots=SHOTS, seed_simulator=1, **options
            ).result()
    best = race(calls, rounds=2)
    first = next(iter(best))
    show_race(f"{count} random circuits of 5 qubits in one run()", "circuits/s", count, best, first)
    return best


def sweep(simulators: dict[str, Any], count: int) -> dict[str, float]:
    from basicaer._engine.control import Control
    from basicaer._engine.execute import Task, execute
    from basicaer._qiskit.circuits.lower import lower

    circuit, angles = ansatz()
    values = np.random.default_rng(7).uniform(-3, 3, (count, len(angles)))
    backend = simulators["basicaer"]
    options = {"shots": SHOTS, "seed_simulator": 1}
    arrays = {angles: values}
    listed = [{angles: row} for row in values.tolist()]
    tasks = [
        Task(lower(circuit.assign_parameters(row)), shots=SHOTS, seed=1) for row in values[:100]
    ]

    def kernels() -> None:
        for task in tasks:
            execute(task, Control())

    calls: dict[str, Callable[[], Any]] = {}
    for threads in (1, 2):
        calls[f"basicaer, arrays, {threads} thread{'s'[: threads - 1]}"] = lambda threads=threads: (
            backend.run(
                circuit, parameter_binds=arrays, max_parallel_threads=threads, **options
            ).result()
        )
    calls["basicaer, list of dicts"] = lambda: backend.run(
        circuit, parameter_binds=listed, **options
    ).result()
    calls["basicaer, bound, one list"] = lambda: backend.run(
        [circuit.assign_parameters(row) for row in values], **options
    ).result()
    calls["basicaer, bound and run one by one"] = lambda: [
        backend.run(circuit.assign_parameters(row), **options).result() for row in values
    ]
    if "aer" in simulators:
        aer = simulators["aer"]
        own = transpile(circuit, aer, optimization_level=0)
        aers = [{each: values[:, i].tolist() for i, each in enumerate(angles)}]
        calls["aer, parameter_binds"] = lambda: aer.run(
            own, parameter_binds=aers, **options
        ).result()
    best = race(calls, rounds=2)
    title = f"{count} values of a 10-qubit ansatz of {len(circuit.data)} instructions"
    best["basicaer, execution of as many programs"] = race({"": kernels}, 3)[""] * count / 100
    show_race(title, "values/s", count, best, next(iter(best)))
    return best


def executors(simulators: dict[str, Any]) -> dict[str, float]:
    """Large enough circuits that the way to another process and back does not count."""
    backend = simulators["basicaer"]
    circuits = [hea(14, layers=20) for _ in range(16)]
    for circuit in circuits:
        circuit.measure_all()
    options = {"shots": SHOTS, "seed_simulator": 1, "memory": True}
    one = {"max_parallel_threads": 1}
    memories: dict[str, Any] = {}

    def call(name: str, **more: Any) -> Callable[[], None]:
        def run() -> None:
            result = backend.run(circuits, **options, **more).result()
            memories[name] = [result.get_memory(index) for index in range(len(circuits))]

        return run

    with ProcessPoolExecutor(2) as pool:
        elsewhere = {"executor": pool, "max_job_size": 2}
        calls = {
            "here, 1 thread": call("here", **one),
            "here, 2 threads": call("threads", max_parallel_threads=2),
            "two processes": call("processes", **elsewhere),
            "two processes, 256 shots each": call("split", max_shot_size=256, **elsewhere),
        }
        best = race(calls, rounds=2)
    show_race("16 circuits of 14 qubits", "circuits/s", len(circuits), best, "here, 1 thread")
    same = all(each == memories["here"] for each in memories.values())
    print(f"  memory lists of all four are {'the same' if same else 'NOT the same'}")
    if not same:
        sys.exit(1)
    return best


def profile(backend: Any) -> None:
    """The functions that the time of small circuits goes to."""
    for label, make in CIRCUITS.items():
        circuit = prepared(make(), "basicaer", backend)
        job_time(backend, circuit, counts=False)
        profiler = cProfile.Profile()
        profiler.enable()
        for _ in range(200):
            job_time(backend, circuit, counts=False)
        profiler.disable()
        text = io.StringIO()
        pstats.Stats(profiler, stream=text).sort_stats("tottime").print_stats(18)
        print(f"== {label}, 200 runs\n{text.getvalue()}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--budget", type=float, default=1.0, help="seconds for each time taken")
    parser.add_argument("--only", choices=("latency", "batch", "sweep", "executors"))
    parser.add_argument("--count", type=int, default=1000, help="circuits and values of the rest")
    parser.add_argument("--aer-threads", type=int, default=0, help="for Aer; 0 for all")
    parser.add_argument("--profile", action="store_true", help="profile basicaer instead")
    parser.add_argument("-o", "--output", type=Path, default=HERE / "results" / "latency.json")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", DeprecationWarning)

    simulators = backends(arguments.aer_threads)
    if arguments.profile:
        profile(simulators["basicaer"])
        return
    report: dict[str, Any] = {
        "machine": machine(),
        "versions": versions(("basicaer", "qiskit-aer", "qiskit-terra")),
        "shots": SHOTS,
    }
    if arguments.only in (None, "latency"):
        report["records"] = latency(simulators, arguments.budget)
    if arguments.only in (None, "batch"):
        report["batch"] = batch(simulators, arguments.count)
    if arguments.only in (None, "sweep"):
        report["sweep"] = sweep(simulators, arguments.count)
    if arguments.only in (None, "executors"):
        report["executors"] = executors(simulators)
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    print(f"\nwritten to {arguments.output}")


if __name__ == "__main__":
    main()
