"""What passes cost on this machine, and what they would cost on many: the model of docs/many.md.

    python benchmarks/bench_passes.py                     20 to 24 qubits
    python benchmarks/bench_passes.py --smallest 18 --largest 22 --network 25

A pass reads and writes the state once and does some operations on each block while that is in the
cache. The model says: seconds = 2**n * (a * passes + b * nanoseconds of the operations), the latter
as the planner's cost model has them. a and b are fitted to all but the two largest sizes, and the
model is held against these.

Then the same planner is asked for a plan whose blocks are as large as what one rank of a cluster
holds: its passes are the stretches between two exchanges.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from circuits import hea, qaoa, qft_in, qv
from measure import best_times, machine, readable
from qiskit import QuantumCircuit
from simulators import num_cores

from basicaer._engine.costs import KERNEL_COSTS, SPLIT_TIME, TURN_COSTS, block_qubits
from basicaer._engine.plan import planner as _planning
from basicaer._engine.program import Gates
from basicaer._engine.state.dispatch import kernels
from basicaer._engine.state.state import State
from basicaer._qiskit.circuits.lower import lower

HERE = Path(__file__).parent
FAMILIES = {"hea": hea, "qft_in": qft_in, "qaoa": qaoa, "qv": qv}
AMPLITUDE_BYTES = 16


def gates_of(circuit: QuantumCircuit) -> Gates:
    (gates,) = lower(circuit).body
    assert isinstance(gates, Gates)
    return gates


def one_layer(num_qubits: int) -> QuantumCircuit:
    """Little to do in each pass."""
    circuit = QuantumCircuit(num_qubits)
    for qubit in range(num_qubits):
        circuit.ry(0.1 + qubit, qubit)
    return circuit


def planned(gates: Gates, num_qubits: int, block: int) -> Any:
    """The plan of a run on a state without any qubit in |0>, with blocks of so many qubits."""
    lane_bits = kernels.LANES["double"].bit_length() - 1
    rows = np.array(gates.kinds, dtype=np.int64).reshape(len(gates.kinds), -1)
    return _planning.plan(
        rows,
        gates.kind,
        gates.start,
        gates.qubits,
        gates.offset,
        gates.coefficients.view(np.float64),
        num_qubits,
        (1 << num_qubits) - 1,
        lane_bits,
        block - lane_bits,
        True,
        KERNEL_COSTS,
        SPLIT_TIME,
    )


def cost_of(plan: Any) -> float:
    """Nanoseconds an amplitude that all operations take on one thread, by the planner's costs."""
    names = {number: name.partition("_")[0] for name, number in kernels.KERNELS.items()}
    alike = {
        "flip": "move",
        "swap": "move",
        "cross1": "real1",
        # One factor for each amplitude; a group multiplies two for each before that. What the
        # planner calls "diagonal" is one more gate in a group.
        "phase": "real1",
        "lookup": "real1",
        "product": "dense1",
    }
    total = 0.0
    for operation in plan.ops.tolist():
        name = names[operation[0]]
        if name == "registers":  # as long as three turns, unless they are many more
            total += 3 * TURN_COSTS["turn"]
            continue
        # Each control within the block halves what is touched.
        total += KERNEL_COSTS[alike.get(name, name)] / 2 ** bin(operation[4]).count("1")
    return total


def pass_times(
    smallest: int, largest: int, budget: float, threads: int, rounds: int
) -> list[dict[str, Any]]:
    """The best times of all circuits; all sizes in turn, again and again, lest one has bad luck."""
    records: dict[tuple[str, int], dict[str, Any]] = {}
    for _ in range(rounds):
        for num_qubits in range(smallest, largest + 1):
            rng = np.random.default_rng(num_qubits)
            vector = rng.normal(size=2 << num_qubits).view(np.complex128)
            vector /= np.linalg.norm(vector)
            state = State.from_amplitudes(vector)
            del vector
            for name, make in {"layer": one_layer, **FAMILIES}.items():
                gates = gates_of(make(num_qubits))

                def run(gates: Gates = gates, state: State = state) -> float:
                    begin = perf_counter()
                    state.apply(gates, threads=threads)
                    return perf_counter() - begin

                seconds = min(best_times({"": run}, budget / rounds, rounds=1)[""])
                known = records.get((name, num_qubits))
                if known is not None:
                    known["seconds"] = min(known["seconds"], seconds)
                    continue
                plan = planned(gates, num_qubits, block_qubits(num_qubits, "double"))
                records[name, num_qubits] = {
                    "circuit": name,
                    "qubits": num_qubits,
                    "passes": len(plan.passes),
                    "operations": len(plan.ops),
                    "cost": cost_of(plan),
                    "seconds": seconds,
                }
    print(f"{'circuit':<10}{'qubits':>7}{'passes':>8}{'operations':>12}{'time':>10}{'a pass':>10}")
    for record in records.values():
        seconds = record["seconds"]
        print(
            f"{record['circuit']:<10}{record['qubits']:>7}{record['passes']:>8}"
            f"{record['operations']:>12}{readable(seconds):>10}"
            f"{readable(seconds / record['passes']):>10}"
        )
    return list(records.values())


def fit(records: list[dict[str, Any]], largest: int) -> tuple[float, float]:
    """Seconds that a pass takes for each amplitude, and a nanosecond of the planner's."""

    def row(record: dict[str, Any]) -> list[float]:
        scale = 2.0 ** record["qubits"] / record["seconds"]  # so that relative errors count
        return [record["passes"] * scale, record["cost"] * scale]

    known = [record for record in records if record["qubits"] <= largest - 2]
    matrix = np.array([row(record) for record in known])
    (a, b), *_ = np.linalg.lstsq(matrix, np.ones(len(known)), rcond=None)
    print(
        f"\na pass: {a * 1e9:.3f} ns an amplitude, {2 * AMPLITUDE_BYTES / a / 1e9:.1f} GB/s; "
        f"operations: {b * 1e9:.2f} of the planner's costs "
        f"(fitted to {smallest_of(records)} to {largest - 2} qubits)"
    )
    for record in records:
        record["model"] = 2.0 ** record["qubits"] * (a * record["passes"] + b * record["cost"])
    held = [record for record in records if record["qubits"] > largest - 2]
    for record in held:
        off = record["model"] / record["seconds"] - 1
        print(
            f"  {record['circuit']:<8}{record['qubits']:>3} qubits: model "
            f"{readable(record['model']):>8}, measured {readable(record['seconds']):>8}, {off:+.0%}"
        )
    return float(a), float(b)


def smallest_of(records: list[dict[str, Any]]) -> int:
    return min(record["qubits"] for record in records)


def many(a: float, b: float, local: int, network: float) -> list[dict[str, Any]]:
    """Circuits up to 40 qubits on ranks that hold 2**local amplitudes each."""
    found = []
    print(
        f"\nranks of 2**{local} amplitudes ({(16 << local) >> 30} GiB), each like this machine, "
        f"{network:g} GB/s each way"
    )
    print(
        f"{'circuit':<9}{'qubits':>7}{'ranks':>7}{'passes':>8}{'exchanges':>11}"
        f"{'sent by a rank':>16}{'passes take':>13}{'exchanges':>11}"
    )
    for name, make in FAMILIES.items():
        for num_qubits in range(local + 2, 41, 4):
            gates = gates_of(make(num_qubits))
            ranks = num_qubits - local
            inner = planned(gates, num_qubits, block_qubits(num_qubits, "double"))
            outer = planned(gates, num_qubits, local)
            # Each stretch but the first begins with an exchange of at most all outer qubits.
            exchanges = len(outer.passes) - 1
            sent = exchanges * (AMPLITUDE_BYTES << local) * (1 - 0.5**ranks)
            working = 2.0**local * (a * len(inner.passes) + b * cost_of(inner))
            record = {
                "circuit": name,
                "qubits": num_qubits,
                "ranks": 1 << ranks,
                "passes": len(inner.passes),
                "exchanges": exchanges,
                "sent": sent,
                "seconds": working,
                "exchange_seconds": sent / (network * 1e9),
            }
            found.append(record)
            print(
                f"{name:<9}{num_qubits:>7}{1 << ranks:>7}{record['passes']:>8}{exchanges:>11}"
                f"{sent / 2**30:>12.1f} GiB{readable(working):>13}"
                f"{readable(record['exchange_seconds']):>11}"
            )
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--smallest", type=int, default=20)
    parser.add_argument("--largest", type=int, default=24)
    parser.add_argument("--budget", type=float, default=0.5, help="seconds for each time taken")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=num_cores())
    parser.add_argument("--local", type=int, default=30, help="qubits of one rank")
    parser.add_argument("--network", type=float, default=12.5, help="GB/s of a rank, each way")
    parser.add_argument("-o", "--output", type=Path, default=HERE / "results" / "passes.json")
    arguments = parser.parse_args()
    records = pass_times(
        arguments.smallest,
        arguments.largest,
        arguments.budget,
        arguments.threads,
        arguments.rounds,
    )
    a, b = fit(records, arguments.largest)
    cluster = many(a, b, arguments.local, arguments.network)
    report = {
        "machine": machine(),
        "threads": arguments.threads,
        "passes": records,
        "a": a,
        "b": b,
        "cluster": cluster,
    }
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    print(f"\nwritten to {arguments.output}")


if __name__ == "__main__":
    main()
