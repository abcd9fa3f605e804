"""Measures basicaer against other simulators, side by side, and says how far the goals are.

    python benchmarks/compare.py                      all families, 8 to 24 qubits
    python benchmarks/compare.py -n 10 16 -f qft hea  some
    python benchmarks/compare.py --budget 0.1 -n 6    a quick look
    python benchmarks/compare.py --python ../peers/bin/python --python ../qsim/bin/python

Each simulator lives in a process of its own (`worker.py`), in this environment or in the first of
the others (--python) that has it. Three parts:

- states: every simulator runs the same gates, prepared in its own form beforehand, from nothing to
  the final state in memory, on all cores, in the precision stated.
- counts: qft and hea on 4 and 10 qubits, 1,024 shots, from `run()` to `result()`.
- batch: 1,000 random circuits of 5 qubits in one `run()`, 100 shots.

The best of several runs counts. A simulator that needs longer than --limit for one run of a circuit
is left out of larger ones of that family; one whose state is another than basicaer's has no time,
and the exit status is 1. Simulators that are not installed are named. The figures go to a JSON file
(--output) as they come, which `draw.py` makes a picture of.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from circuits import FAMILIES, Listed, random_circuits
from goals import best_peer, circuit_of, judge, print_goals, ratio, replaced
from measure import TooLongError, Turn, alternate, geometric_mean, machine, readable
from simulators import ALL, OURS, PEERS, num_cores
from worker import Child, Environments, everywhere

HERE = Path(__file__).parent
VERIFIED_QUBITS = 20
"""Up to this size the final states are compared too."""
TOLERANCE = {"double": 1e-9, "single": 1e-4}
"""Of fidelities. qsim's single precision loses some 1e-6 in the norm of a deep circuit."""
COUNTED = (("basicaer run", 0), ("aer run", 1), ("BasicSimulator run", 0))
BATCHED = (
    ("basicaer run", 1),
    ("basicaer run", 2),
    ("aer run", 1),
    ("aer run", 2),
    ("BasicSimulator run", 0),
)
"""Simulators and their threads; 0: as many as there are."""


class Comparison:
    """All simulators of all environments, and how long each may take."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.threads = arguments.threads
        self.budget = arguments.budget
        self.limit = arguments.limit
        self.there = Environments(
            everywhere(arguments.python), list(arguments.simulators), self.threads
        )
        # (simulator, family) -> the size from which on it takes too long.
        self.slow: dict[tuple[str, str], int] = {}

    def race(self, record: dict[str, Any], children: dict[str, Child]) -> dict[str, Any]:
        """Completes a record with the times of all children, which are prepared."""
        turns: dict[str, Turn] = {
            name: child.turn(self.limit + 4 * self.budget + 2) for name, child in children.items()
        }
        times = alternate(turns, self.budget, limit=self.limit)
        for name in turns:
            if name not in times or min(times[name]) > self.limit:
                key = (name, record["family"])
                self.slow[key] = min(record["qubits"], self.slow.get(key, 99))
        record["seconds"] = {name: min(found) for name, found in times.items()}
        record["runs"] = {name: len(found) for name, found in times.items()}
        record["too_long"] = [name for name in turns if name not in times]
        return record

    def states(self, family: str, num_qubits: int) -> dict[str, Any]:
        """One circuit on all simulators."""
        circuit = FAMILIES[family].listed(num_qubits)
        children: dict[str, Child] = {}
        failed: dict[str, str] = {}
        reference: tuple[str, np.ndarray] | None = None
        text = circuit.qasm()
        for name in self.there.names:
            slow = self.slow.get((name, family), 99)
            if num_qubits > ALL[name].most_qubits or num_qubits >= slow:
                continue
            child = self.there.child(name, self.threads)
            try:
                child.ask("state", name=name, circuit=text, threads=self.threads)
                if num_qubits <= VERIFIED_QUBITS:
                    found = child.amplitudes(self.limit + 20).astype(complex)
                    reference = reference or (name, found)
                    self.verify(name, found, reference, f"{family} {num_qubits}")
            except TooLongError:
                self.slow[name, family] = num_qubits
                continue
            except RuntimeError as error:
                failed[name] = str(error)
                print(f"{family} {num_qubits}: {error}", file=sys.stderr, flush=True)
                continue
            children[name] = child
        record = {"part": "states", "family": family, "qubits": num_qubits}
        record["gates"] = len(circuit.gates)
        record["failed"] = failed
        self.race(record, children)
        for child in children.values():
            child.ask("forget")
        return record

    def verify(
        self, name: str, found: np.ndarray, reference: tuple[str, np.ndarray], circuit: str
    ) -> None:
        fidelity = abs(np.vdot(reference[1], found)) ** 2
        loose = max(TOLERANCE[ALL[each].precision] for each in (name, reference[0]))
        if not abs(fidelity - 1) < loose:
            raise RuntimeError(
                f"{name} disagrees with {reference[0]} on {circuit}: fidelity {fidelity}"
            )

    def counts(self, part: str, family: str, circuits: list[Listed], shots: int) -> dict[str, Any]:
        """Circuits in one run() on those that count shots, each with its threads."""
        children = {}
        given = [circuit.qasm() for circuit in circuits]
        for name, threads in COUNTED if part == "counts" else BATCHED:
            if name not in self.there.names:
                continue
            many = threads or self.threads
            child = self.there.child(name, many)
            # Two children of a simulator differ in their threads.
            child.ask("counts", name=name, circuits=given, shots=shots, threads=many)
            label = f"{name}, {threads} thread{'s'[: threads - 1]}" if threads else name
            children[label] = child
        record = {"part": part, "family": family, "qubits": circuits[0].num_qubits}
        record["gates"] = sum(len(circuit.gates) for circuit in circuits)
        record["circuits"] = len(circuits)
        self.race(record, children)
        for child in children.values():
            child.ask("forget")
        return record


# ----------------------------------------------------------------------------------------------
# What is printed
# ----------------------------------------------------------------------------------------------


def cell(record: dict[str, Any], name: str) -> str:
    if name in record["seconds"]:
        return readable(record["seconds"][name])
    if name in record["failed"]:
        return "failed"
    return "too long" if name in record["too_long"] else "-"


def print_table(records: list[dict[str, Any]], precision: str) -> None:
    """The states of one precision; the last columns compare `basicaer` with the fastest peer."""
    names = [name for name in ALL if ALL[name].precision == precision]
    names = [name for name in names if any(name in record["seconds"] for record in records)]
    if not names:
        return
    widths = [max(len(name), 8) for name in names]
    head = f"{'circuit':<12}{'gates':>6}  " + "  ".join(
        f"{name:>{width}}" for name, width in zip(names, widths)
    )
    print(f"\n{precision} precision: seconds to the final state")
    print(head + "         fastest peer   ratio")
    print("-" * (len(head) + 29))
    ours = "basicaer" if precision == "double" else "basicaer single"
    for record in records:
        cells = "  ".join(f"{cell(record, name):>{width}}" for name, width in zip(names, widths))
        peer = best_peer(record, precision)
        factor = ratio(record, ours, precision)
        print(
            f"{circuit_of(record):<12}{record['gates']:>6}  {cells}"
            f"   {peer[0] if peer else '-':>18}   {f'{factor:.2f}' if factor else '-':>5}"
        )


def print_means(records: list[dict[str, Any]], precision: str) -> None:
    """Geometric means over all families, at each size and over all: each peer, and the fastest."""
    suffix = "" if precision == "double" else " single"
    sizes = sorted({record["qubits"] for record in records})
    peers = [
        name
        for name, each in ALL.items()
        if each not in OURS
        and each.precision == precision
        and any(name in record["seconds"] for record in records)
    ]
    for way in ("", " compiled", " run"):
        ours = f"basicaer{suffix}{way}"
        rows = {}
        for label, names in (("the fastest", peers), *((peer, [peer]) for peer in peers)):
            values = {}
            for size in (*sizes, "all"):
                found = [
                    value
                    for record in records
                    if size in ("all", record["qubits"])
                    and (value := ratio(record, ours, names)) is not None
                ]
                values[size] = geometric_mean(found) if found else None
            if any(values.values()):
                rows[label] = values
        if not rows:
            continue
        print(f"\ntimes faster than each, {ours}: geometric means over the families")
        print(f"{'':<26}" + "".join(f"{size:>9}" for size in (*sizes, "all")))
        for label, values in rows.items():
            told = (f"{value:9.2f}" if value else f"{'-':>9}" for value in values.values())
            print(f"{label:<26}" + "".join(told))


def print_faster(records: list[dict[str, Any]]) -> None:
    """Every row where somebody is faster than one of ours, of the same precision: who, how much."""
    print("\nwhere somebody is faster, and how many times:")
    some = False
    for own in OURS:
        for record in records:
            seconds = record["seconds"]
            mine = seconds.get(own.name)
            faster = sorted(
                (seconds[peer.name], peer.name)
                for peer in PEERS
                if peer.precision == own.precision and peer.name in seconds
                if mine is not None and seconds[peer.name] < mine
            )
            if faster:
                some = True
                told = ", ".join(f"{name} {mine / each:.2f}" for each, name in faster)
                print(f"  {own.name:<26}{circuit_of(record):<12}{readable(mine):>9}   {told}")
    if not some:
        print("  nowhere")


def print_counts(records: list[dict[str, Any]]) -> None:
    for record in records:
        title = f"{circuit_of(record)}, {record['circuits']} in one run()"
        print(f"\n{title}: run() to result()")
        ours = {name: s for name, s in record["seconds"].items() if name.startswith("basicaer")}
        best = min(ours.values(), default=None)
        for name, seconds in record["seconds"].items():
            rate = f"{record['circuits'] / seconds:10.0f} circuits/s"
            times = f"{seconds / best:8.1f} times ours" if best and name not in ours else ""
            print(f"  {name:<28}{readable(seconds):>9}{rate}{times}")


def print_environments(there: Environments) -> None:
    for each in there.told:
        packages = ", ".join(f"{name} {version}" for name, version in each["versions"].items())
        print(f"environment {each['environment']}: Python {each['python']}, {packages}")
        print(f"    has {', '.join(each['names']) or 'none that an earlier one has not'}")
    for name, reason in there.missing.items():
        print(f"{name} is left out: {reason}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("-n", "--qubits", type=int, nargs="+", default=[8, 10, 12, 16, 20, 24])
    parser.add_argument("-f", "--families", nargs="+", choices=FAMILIES, default=list(FAMILIES))
    parser.add_argument("-s", "--simulators", nargs="+", choices=ALL, default=list(ALL))
    parser.add_argument(
        "-p", "--parts", nargs="+", choices=PARTS, default=list(PARTS), help="what is measured"
    )
    parser.add_argument("--python", action="append", default=[], help="of another environment")
    parser.add_argument("--threads", type=int, default=num_cores())
    parser.add_argument("--budget", type=float, default=1.0, help="seconds for each time taken")
    parser.add_argument("--limit", type=float, default=20.0, help="seconds of the longest run")
    parser.add_argument("-o", "--output", type=Path, default=HERE / "results" / "compare.json")
    parser.add_argument("--add", action="store_true", help="to the circuits in that file")
    arguments = parser.parse_args()

    comparison = Comparison(arguments)
    report: dict[str, Any] = {
        "machine": machine(),
        "threads": arguments.threads,
        "environments": comparison.there.told,
        "left_out": comparison.there.missing,
        "precision": {name: ALL[name].precision for name in comparison.there.names},
        "records": [],
    }
    print_environments(comparison.there)
    records = report["records"]
    if arguments.add:
        earlier = json.loads(arguments.output.read_text(encoding="utf-8"))
        if earlier["machine"]["processor"] != report["machine"]["processor"]:
            raise SystemExit(f"{arguments.output} is of another machine")
        records += earlier["records"]

    def keep(record: dict[str, Any]) -> None:
        records[:] = replaced(records, record)
        arguments.output.parent.mkdir(parents=True, exist_ok=True)
        arguments.output.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")

    def say(what: str) -> None:
        print(f"measuring {what} ...", file=sys.stderr, flush=True)

    try:
        if "counts" in arguments.parts:
            for family, num_qubits in (("qft", 4), ("hea", 4), ("qft", 10), ("hea", 10)):
                say(f"counts of {family} {num_qubits}")
                circuit = FAMILIES[family].listed(num_qubits)
                keep(comparison.counts("counts", family, [circuit], 1024))
        if "batch" in arguments.parts:
            say("a batch")
            keep(comparison.counts("batch", "random", random_circuits(1000), 100))
        if "states" in arguments.parts:
            for num_qubits in arguments.qubits:
                for family in arguments.families:
                    say(f"{family} {num_qubits}")
                    keep(comparison.states(family, num_qubits))
    finally:
        comparison.there.end()
    report["goals"] = judge(records)
    arguments.output.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")

    print_counts([record for record in records if record["part"] != "states"])
    states = [record for record in records if record["part"] == "states"]
    families = list(FAMILIES)
    states.sort(key=lambda record: (record["qubits"], families.index(record["family"])))
    if states:
        for precision in ("double", "single"):
            print_table(states, precision)
            print_means(states, precision)
        print_faster(states)
    print_goals(report["goals"])
    print(f"\nwritten to {arguments.output}")
    failed = [(circuit_of(record), *each) for record in states for each in record["failed"].items()]
    for circuit, name, reason in failed:
        print(f"{circuit}: {name} has failed: {reason}")
    if failed:
        sys.exit(1)


PARTS = ("counts", "batch", "states")

if __name__ == "__main__":
    main()
