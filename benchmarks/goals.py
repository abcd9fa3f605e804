"""What was reached, and what was wanted: goals.json held against records of measurements.

A record is one circuit: {"part", "family", "qubits", "seconds": {competitor: seconds}}, and more. A
goal names a part, a competitor ("ours") and its peers: a list of competitors, or "double" or
"single", the simulators of others in that precision. What counts is how many times faster ours is
than the fastest of them, on each circuit of "each" (by family, or by family and size), on "every"
circuit, or as the geometric "mean" over its "families" at each size.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from measure import geometric_mean
from simulators import PEERS

Record = dict[str, Any]
_PRECISION = {simulator.name: simulator.precision for simulator in PEERS}


def goals() -> dict[str, Any]:
    path = Path(__file__).with_name("goals.json")
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def circuit_of(record: Record) -> str:
    return f"{record['family']} {record['qubits']}"


def replaced(records: list[Record], record: Record) -> list[Record]:
    """The records with one more, in place of an earlier one of the same circuit."""
    same = ("part", "family", "qubits", "where")
    return [each for each in records if any(each.get(key) != record.get(key) for key in same)] + [
        record
    ]


def best_peer(record: Record, peers: str | list[str]) -> tuple[str, float] | None:
    """The fastest of the peers, and its seconds."""
    seconds = record["seconds"]
    if isinstance(peers, str):
        peers = [name for name in seconds if _PRECISION.get(name) == peers]
    found = [(seconds[name], name) for name in peers if name in seconds]
    if not found:
        return None
    least, name = min(found)
    return name, least


def ratio(record: Record, ours: str, peers: str | list[str]) -> float | None:
    """How many times faster `ours` is than the fastest of the peers."""
    peer = best_peer(record, peers)
    mine = record["seconds"].get(ours)
    return peer[1] / mine if peer and mine else None


def judge(records: list[Record]) -> list[dict[str, Any]]:
    """Each goal that the records say something about."""
    rows: list[dict[str, Any]] = []
    for title, goal in goals().items():
        here = []
        for record in records:
            if record["part"] == goal["part"]:
                value = ratio(record, goal["ours"], goal["peers"])
                if value is not None:
                    here.append((record, value))

        def add(where: str, reached: float, wanted: float, title: str = title) -> None:
            rows.append({"goal": title, "where": where, "reached": reached, "wanted": wanted})

        for qubits, wanted in goal.get("mean", {}).items():
            values = [
                value
                for record, value in here
                if record["family"] in goal["families"] and str(record["qubits"]) == qubits
            ]
            if len(values) == len(goal["families"]):
                add(f"{qubits} qubits", geometric_mean(values), wanted)
        for record, value in here:
            circuit = circuit_of(record)
            each = goal.get("each", {})
            wanted = each.get(circuit, each.get(record["family"], goal.get("every")))
            if wanted is not None:
                add(circuit + record.get("where", ""), value, wanted)
    return rows


def print_goals(rows: list[dict[str, Any]]) -> None:
    """Prints all goals; of those for every circuit only the circuits that miss them."""
    print(f"\n{'goal':<34}{'where':<28}{'reached':>9}{'wanted':>9}   distance")
    for title in dict.fromkeys(row["goal"] for row in rows):
        mine = [row for row in rows if row["goal"] == title]
        missed = [row for row in mine if row["reached"] < row["wanted"]]
        shown = missed if "every" in goals()[title] else mine
        for row in shown:
            share = row["reached"] / row["wanted"]
            verdict = "reached" if share >= 1 else f"{share:.0%} of the goal"
            print(
                f"{title:<34}{row['where']:<28}{row['reached']:>8.2f}x{row['wanted']:>8.2f}x"
                f"   {verdict}"
            )
        if shown is missed:
            print(f"{title:<34}{len(mine) - len(missed)} of {len(mine)} circuits reached")
