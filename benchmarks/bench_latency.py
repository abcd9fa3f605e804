"""From run() to result(): what a small circuit costs, beside Aer and terra's BasicAer.

    python benchmarks/bench_latency.py                    all simulators that are installed
    python benchmarks/bench_latency.py --profile          where basicaer's own time goes
    python benchmarks/bench_latency.py --budget 0.2 -o latency.json

Each circuit is measured, sampled with 1,024 shots, and run again and again with the same seed on
one backend. "get_counts" is what Qiskit's formatting of the counts adds to that. Aer and BasicAer
are given circuits of gates they know, transpiled beforehand where they need it.
"""

from __future__ import annotations

import argparse
import cProfile
import io
import json
import pstats
import warnings
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from circuits import hea, qft
from measure import best_times, machine, readable, versions
from qiskit import QuantumCircuit, transpile

SHOTS = 1024
HERE = Path(__file__).parent
# Times faster than each: what the project wants, for the circuits named.
GOALS = {"aer": 10.0, "terra": 20.0}
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


def backends() -> dict[str, Any]:
    """The simulators that can be imported."""
    found = {}
    try:
        from basicaer import BasicAer

        found["basicaer"] = BasicAer.get_backend("qasm_simulator")
    except ImportError as error:
        print(f"basicaer is left out: {error}")
    try:
        from qiskit_aer import AerSimulator

        found["aer"] = AerSimulator(method="statevector")
    except ImportError as error:
        print(f"aer is left out: {error}")
    from qiskit.providers.basicaer import QasmSimulatorPy

    found["terra"] = QasmSimulatorPy()
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
    parser.add_argument("--profile", action="store_true", help="profile basicaer instead")
    parser.add_argument("-o", "--output", type=Path, default=HERE / "results" / "latency.json")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", DeprecationWarning)

    simulators = backends()
    if arguments.profile:
        profile(simulators["basicaer"])
        return
    print(f"{'run() to result()':<22}{'gates':>5}", end="")
    for name in simulators:
        print(f"   {name + ' + get_counts':>18}", end="")
    print("   faster than " + ", ".join(name for name in GOALS if name in simulators))
    records = []
    for label in CIRCUITS:
        records.append(measure(label, simulators, arguments.budget))
        show(records[-1], simulators)
    report = {
        "machine": machine(),
        "versions": versions(("basicaer", "qiskit-aer", "qiskit-terra")),
        "shots": SHOTS,
        "records": records,
    }
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    print(f"\nwritten to {arguments.output}")


if __name__ == "__main__":
    main()
