"""What a circuit's plan costs: multiply-adds, trips through blocks, passes; and what is reached.

    python benchmarks/bench_plans.py                      hea, grid, qaoa, trotter and qv, 20 qubits
    python benchmarks/bench_plans.py -n 16 22 -f hea      others

Counted from the plan, an amplitude of the final state: "madds", multiply-adds of re and im (a dense
one-qubit gate takes 8); "trips", how often an amplitude is loaded from and stored to a cache block;
"passes", how often one is read from and written to memory. An operation under a control counts for
the amplitudes under it.

"at best" is the time that these take at the machine's own rates, measured in the same run by
ceilings.c: each operation the longer of its multiply-adds and of its trip at the rate of a sweep
over a block; each pass a sweep over memory. "reached" is that time divided by the one taken, on one
thread, with the plan ready. To see another checkout's plans, set PYTHONPATH to it.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from time import perf_counter
from typing import Any

from bench_kernels import BUILDS, Ceilings, loads
from circuits import FAMILIES
from measure import best_times, machine, versions

from basicaer._engine.costs import block_qubits
from basicaer._engine.plan import planner
from basicaer._engine.program import Gates
from basicaer._engine.state.dispatch import SIMD, kernels
from basicaer._engine.state.state import State
from basicaer._qiskit.circuits.lower import lower

FAMILY_NAMES = ["hea", "grid", "qaoa", "trotter", "qv"]
AMPLITUDE_BYTES = 16
LANE_BITS = kernels.LANES["double"].bit_length() - 1
MADDS = {name: load.madds for name, load in loads(12, LANE_BITS).items()}
# Of the gates of a register block, from each code on (plan/gate_codes.h).
GATE_MADDS = [(0, 2), (18, 1), (54, 0), (63, 4), (76, 8), (80, 4), (112, 2)]
GATE_COLUMNS, OUTER = 6, 3


def ones(mask: int) -> int:
    return bin(mask).count("1")


def madds_of(plan: Any, row: list[int]) -> float:
    """Multiply-adds for each amplitude that an operation goes through."""
    name = {number: name for name, number in kernels.KERNELS.items()}[row[0]]
    if name != "registers":
        return MADDS[name]
    first = row[9] + kernels.REGISTER_BITS
    total = 0.0
    for gate in range(row[10]):
        code, control, _, outer, *_ = plan.lists[first + GATE_COLUMNS * gate :][:GATE_COLUMNS]
        madds = max(entry for entry in GATE_MADDS if entry[0] <= code)[1]
        total += madds / 2 ** (ones(int(control)) + ones(int(outer)))
    return total


def operations_of(plan: Any) -> Iterator[tuple[float, float]]:
    """Amplitudes that each operation goes through, and multiply-adds for each of them."""
    for one in plan.passes.tolist():
        for row in plan.ops[one[0] : one[1]].tolist():
            under = ones(row[4]) + ones(row[6])
            yield 2.0 ** (row[3] + LANE_BITS + one[4] - under), madds_of(plan, row)


def plan_of(gates: Gates, num_qubits: int) -> Any:
    """The plan that a fresh state makes for the gates."""
    made = []
    original = planner.plan

    def watched(*arguments: Any) -> Any:
        made.append(original(*arguments))
        return made[-1]

    planner.plan = watched  # type: ignore[assignment]
    try:
        State.zero(num_qubits).apply(gates, again=True)
    finally:
        planner.plan = original  # type: ignore[assignment]
    return made[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("-n", "--qubits", type=int, nargs="+", default=[20])
    parser.add_argument("-f", "--families", nargs="+", default=FAMILY_NAMES, choices=FAMILIES)
    parser.add_argument("--budget", type=float, default=0.5, help="seconds for each figure")
    arguments = parser.parse_args()
    print(machine())
    print(versions(("numpy", "qiskit")), SIMD)
    print(
        f"{'circuit':<9}{'qubits':>7}{'operations':>11}{'madds':>8}{'trips':>7}{'passes':>7}"
        f"{'at best':>10}{'taken':>10}{'reached':>9}"
    )
    with tempfile.TemporaryDirectory() as folder:
        ceilings = Ceilings(BUILDS[SIMD], min(arguments.budget, 0.2), folder)
        for num_qubits in arguments.qubits:
            block = AMPLITUDE_BYTES << block_qubits(num_qubits, "double")
            trip = 2 * AMPLITUDE_BYTES / ceilings.bytes(block)
            memory = 2 * AMPLITUDE_BYTES / ceilings.bytes(AMPLITUDE_BYTES << num_qubits)
            for family in arguments.families:
                (gates,) = lower(FAMILIES[family](num_qubits)).body
                plan = plan_of(gates, num_qubits)
                operations = list(operations_of(plan))
                swept = sum(2.0 ** (row[2] + LANE_BITS + row[4]) for row in plan.passes.tolist())
                least = swept * memory + sum(
                    amplitudes * max(madds / ceilings.madds["double"], trip)
                    for amplitudes, madds in operations
                )

                def run(gates: Gates = gates, num_qubits: int = num_qubits) -> float:
                    state = State.zero(num_qubits)
                    begin = perf_counter()
                    state.apply(gates, again=True)
                    return perf_counter() - begin

                taken = min(best_times({"": run}, arguments.budget)[""])
                size = 2.0**num_qubits
                print(
                    f"{family:<9}{num_qubits:>7}{len(operations):>11}"
                    f"{sum(a * m for a, m in operations) / size:>8.1f}"
                    f"{sum(a for a, _ in operations) / size:>7.1f}{swept / size:>7.1f}"
                    f"{least * 1e3:>7.1f} ms{taken * 1e3:>7.1f} ms{least / taken:>9.0%}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
