"""Two versions of basicaer side by side: seconds to the final state, the plan ready.

    python benchmarks/before.py ../before                  that tree, and the one this file is in
    python benchmarks/before.py ../before --simd avx512 avx2 --threads 1 2 -n 20 24

A tree is a checkout with its extension modules built in place. Each version runs in a process of
its own, on this Python, and they take turns; each instruction set (BASICAER_SIMD) and each number
of threads is a pair of processes. Printed is how many times faster the second is; the figures go to
a JSON file (--output), and are held against the goals.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from circuits import FAMILIES
from goals import judge, print_goals, replaced
from measure import alternate, geometric_mean, machine, readable
from simulators import num_cores
from worker import Child

HERE = Path(__file__).resolve().parent
SHOWN = ("hea", "grid", "qaoa", "trotter", "qv", "qft_in", "brick")
LIMIT = 300.0
"""Seconds that a turn may take."""
VERIFIED_QUBITS = 20


def measure(
    family: str, num_qubits: int, children: dict[str, Child], name: str, arguments: Any
) -> dict[str, Any]:
    """One circuit on both versions."""
    circuit = FAMILIES[family].listed(num_qubits)
    threads = int(arguments.threads_now)
    states = []
    for child in children.values():
        child.ask("state", name=name, circuit=circuit.qasm(), threads=threads)
        if num_qubits <= VERIFIED_QUBITS:
            states.append(child.amplitudes(LIMIT))
    if states:
        distance = abs(abs(np.vdot(*states)) ** 2 - 1)
        if not distance < (1e-10 if name == "basicaer" else 1e-4):
            raise RuntimeError(f"{family} {num_qubits}: another state, distance {distance:.1e}")
    turns = {label: child.turn(LIMIT) for label, child in children.items()}
    times = alternate(turns, arguments.budget, rounds=arguments.rounds)
    for child in children.values():
        child.ask("forget")
    return {
        "part": "before",
        "family": family,
        "qubits": num_qubits,
        "gates": len(circuit.gates),
        "threads": threads,
        "seconds": {label: min(found) for label, found in times.items()},
        "runs": {label: len(found) for label, found in times.items()},
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("before", type=Path, help="the other tree")
    parser.add_argument("--now", type=Path, default=HERE.parent, help="this tree, if another")
    parser.add_argument("-n", "--qubits", type=int, nargs="+", default=[20, 24])
    parser.add_argument("-f", "--families", nargs="+", choices=FAMILIES, default=list(SHOWN))
    parser.add_argument("--threads", type=int, nargs="+", default=[1, num_cores()])
    parser.add_argument("--simd", nargs="+", default=[""], help="baseline, avx2, avx512")
    parser.add_argument("--single", action="store_true", help="single precision")
    parser.add_argument("--budget", type=float, default=2.0, help="seconds for each time taken")
    parser.add_argument("--rounds", type=int, default=4, help="turns that each has at least")
    parser.add_argument("-o", "--output", type=Path, default=HERE / "results" / "before.json")
    arguments = parser.parse_args()

    name = "basicaer single" if arguments.single else "basicaer"
    trees = {"before": arguments.before.resolve(), "now": arguments.now.resolve()}
    report: dict[str, Any] = {"machine": machine(), "records": []}
    for simd in arguments.simd:
        for threads in dict.fromkeys(arguments.threads):
            where = f", {simd or 'best SIMD'}, {threads} thread{'s' if threads > 1 else ''}"
            arguments.threads_now = threads
            variables = {"BASICAER_SIMD": simd} if simd else {}
            children = {
                label: Child(sys.executable, threads, PYTHONPATH=str(tree), **variables)
                for label, tree in trees.items()
            }
            print(f"\n{name}{where}: seconds to the final state, plan ready")
            print(f"{'circuit':<12}{'gates':>6}{'before':>10}{'now':>10}{'times faster':>14}")
            ratios = []
            try:
                for label, child in children.items():
                    found = child.ask("who", names=[name])
                    if found["missing"]:
                        raise RuntimeError(f"{label}: {found['missing'][name]}")
                    if Path(found["tree"]) != trees[label]:
                        raise RuntimeError(f"{label}: basicaer is of {found['tree']}")
                for num_qubits in arguments.qubits:
                    for family in arguments.families:
                        record = measure(family, num_qubits, children, name, arguments)
                        record["where"] = where
                        record["simd"] = simd
                        report["records"] = replaced(report["records"], record)
                        seconds = record["seconds"]
                        ratios.append(seconds["before"] / seconds["now"])
                        print(
                            f"{family + ' ' + str(num_qubits):<12}{record['gates']:>6}"
                            f"{readable(seconds['before']):>10}{readable(seconds['now']):>10}"
                            f"{ratios[-1]:>14.2f}",
                            flush=True,
                        )
                        arguments.output.parent.mkdir(parents=True, exist_ok=True)
                        text = json.dumps(report, indent=2) + "\n"
                        arguments.output.write_text(text, encoding="utf-8")
            finally:
                for child in children.values():
                    child.end()
            print(f"geometric mean {geometric_mean(ratios):.2f}, least {min(ratios):.2f}")
    if not arguments.single:
        report["goals"] = judge(report["records"])
        arguments.output.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
        print_goals(report["goals"])
    print(f"\nwritten to {arguments.output}")


if __name__ == "__main__":
    main()
