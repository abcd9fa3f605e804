"""Measures basicaer against other simulators, side by side, and says how far the goals are.

    python benchmarks/compare.py                      all families, 10, 16, 20 and 24 qubits
    python benchmarks/compare.py -n 10 16 -f qft hea  some
    python benchmarks/compare.py --budget 0.1 -n 6    a quick look

Every simulator runs the same gates, prepared in its own form beforehand, from nothing to the final
state in memory, on all cores, in the precision stated; the best of several runs counts. Simulators
that are not installed are left out, and named. The figures go to a JSON file (--output), which
`draw.py` makes a picture of.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from circuits import FAMILIES
from measure import best_times, geometric_mean, machine, readable, versions
from simulators import ALL, Simulator, num_cores

HERE = Path(__file__).parent
VERIFIED_QUBITS = 20
"""Up to this size the final states are compared too."""


def measure(
    family: str, num_qubits: int, simulators: list[Simulator], budget: float
) -> dict[str, Any]:
    """One circuit on all simulators."""
    circuit = FAMILIES[family](num_qubits)
    prepared = {simulator.name: simulator.prepare(circuit) for simulator in simulators}

    if num_qubits <= VERIFIED_QUBITS:
        reference = None
        for simulator in simulators:
            _, state = prepared[simulator.name]()
            amplitudes = simulator.amplitudes(state)
            if reference is None:
                reference = np.array(amplitudes, dtype=np.complex128)
                continue
            fidelity = abs(np.vdot(reference, amplitudes)) ** 2
            # qsim's single precision loses some 1e-6 in the norm of a deep circuit.
            if abs(fidelity - 1) > (1e-9 if simulator.precision == "double" else 1e-4):
                raise RuntimeError(
                    f"{simulator.name} disagrees with {simulators[0].name} on {family} "
                    f"{num_qubits}: fidelity {fidelity}"
                )

    def seconds(name: str) -> float:
        return prepared[name]()[0]

    calls = {name: (lambda name=name: seconds(name)) for name in prepared}
    times = best_times(calls, budget)
    return {
        "family": family,
        "qubits": num_qubits,
        "gates": len(circuit.data),
        "seconds": {name: min(values) for name, values in times.items()},
        "runs": {name: len(values) for name, values in times.items()},
    }


def best_peer(record: dict[str, Any], precision: str) -> tuple[str, float] | None:
    """The fastest simulator of others in that precision, and its seconds."""
    found = [
        (seconds, name)
        for name, seconds in record["seconds"].items()
        if not name.startswith("basicaer")
        and not name.endswith(" run")
        and ALL[name].precision == precision
    ]
    if not found:
        return None
    seconds, name = min(found)
    return name, seconds


def ratio(record: dict[str, Any], ours: str, peers: str) -> float | None:
    """How many times faster `ours` is than the best of the peers."""
    peer = best_peer(record, peers)
    mine = record["seconds"].get(ours)
    return peer[1] / mine if peer and mine else None


def print_table(records: list[dict[str, Any]], names: list[str]) -> None:
    widths = [max(len(name), 8) for name in names]
    head = f"{'circuit':<11}{'gates':>6}  " + "  ".join(
        f"{name:>{width}}" for name, width in zip(names, widths)
    )
    print(head + "   best double peer   ratio")
    print("-" * (len(head) + 27))
    for record in records:
        cells = "  ".join(
            f"{readable(record['seconds'][name]) if name in record['seconds'] else '-':>{width}}"
            for name, width in zip(names, widths)
        )
        peer = best_peer(record, "double")
        factor = ratio(record, "basicaer", "double")
        label = f"{record['family']} {record['qubits']}"
        print(
            f"{label:<11}{record['gates']:>6}  {cells}"
            f"   {peer[0] if peer else '-':>16}   {f'{factor:.2f}' if factor else '-':>5}"
        )


def judge(records: list[dict[str, Any]], goals: dict[str, Any]) -> list[dict[str, Any]]:
    """Each goal that the records say something about: what was reached, and what was wanted."""
    rows = []

    def add(goal: str, where: str, reached: float, wanted: float) -> None:
        rows.append({"goal": goal, "where": where, "reached": reached, "wanted": wanted})

    for title, goal in goals.items():
        by_circuit = {
            (record["family"], str(record["qubits"])): value
            for record in records
            if (value := ratio(record, goal["ours"], goal["peers"])) is not None
        }
        for qubits, wanted in goal.get("mean", {}).items():
            values = [by_circuit.get((family, qubits)) for family in goal["families"]]
            if all(values):
                add(title, f"{qubits} qubits", geometric_mean(values), wanted)
        for family, sizes in goal.get("each", {}).items():
            for qubits, wanted in sizes.items():
                if (family, qubits) in by_circuit:
                    add(title, f"{family} {qubits}", by_circuit[family, qubits], wanted)
    return rows


def print_goals(rows: list[dict[str, Any]]) -> None:
    print(f"\n{'goal':<32}{'where':<12}{'reached':>9}{'wanted':>9}   distance")
    for row in rows:
        share = row["reached"] / row["wanted"]
        verdict = "reached" if share >= 1 else f"{share:.0%} of the goal"
        print(
            f"{row['goal']:<32}{row['where']:<12}{row['reached']:>8.2f}x{row['wanted']:>8.2f}x"
            f"   {verdict}"
        )


def installed(simulator: Simulator) -> bool:
    """True if it can be used; otherwise says why not."""
    try:
        simulator.prepare(FAMILIES["ghz"](2))()
    except ImportError as error:
        print(f"{simulator.name} is left out: {error}", file=sys.stderr)
        return False
    return True


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("-n", "--qubits", type=int, nargs="+", default=[10, 16, 20, 24])
    parser.add_argument("-f", "--families", nargs="+", choices=FAMILIES, default=list(FAMILIES))
    parser.add_argument("-s", "--simulators", nargs="+", choices=ALL, default=list(ALL))
    parser.add_argument("--budget", type=float, default=2.0, help="seconds for each time taken")
    parser.add_argument("-o", "--output", type=Path, default=HERE / "results" / "compare.json")
    arguments = parser.parse_args()

    simulators = [ALL[name] for name in arguments.simulators if installed(ALL[name])]
    names = [simulator.name for simulator in simulators]
    report = {
        "machine": machine(),
        "threads": num_cores(),
        "versions": versions(tuple(dict.fromkeys(v for s in simulators for v in s.versions))),
        "precision": {simulator.name: simulator.precision for simulator in simulators},
        "records": [],
    }
    for num_qubits in arguments.qubits:
        for family in arguments.families:
            print(f"measuring {family} {num_qubits} ...", file=sys.stderr, flush=True)
            record = measure(family, num_qubits, simulators, arguments.budget)
            report["records"].append(record)
    goals = json.loads((HERE / "goals.json").read_text(encoding="utf-8"))
    report["goals"] = judge(report["records"], goals)

    print_table(report["records"], names)
    print_goals(report["goals"])
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    print(f"\nwritten to {arguments.output}")


if __name__ == "__main__":
    main()
