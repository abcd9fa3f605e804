"""How the time of a circuit grows with threads, with gates and with qubits.

    python benchmarks/bench_scaling.py                   all three tables
    python benchmarks/bench_scaling.py --most 24         up to 24 qubits

Timed is the engine alone, from a lowered circuit whose plan is ready to the final state.
"""

from __future__ import annotations

import argparse

from circuits import FAMILIES, hea
from measure import best_times, readable
from qiskit import QuantumCircuit
from simulators import num_cores

SHOWN = ("qft_in", "hea", "qv", "ghz", "qaoa")


def seconds(circuit: QuantumCircuit, threads: list[int], budget: float) -> list[float]:
    """The best time for each number of threads, taken in turns."""
    from basicaer._engine.state.state import State
    from basicaer._qiskit.circuits.lower import lower

    program = lower(circuit)

    def call(count: int) -> float:
        from time import perf_counter

        begin = perf_counter()
        state = State.zero(program.num_qubits)
        for gates in program.body:
            state.apply(gates, threads=count)
        return perf_counter() - begin

    calls = {str(count): (lambda count=count: call(count)) for count in threads}
    best = best_times(calls, budget)
    return [min(best[str(count)]) for count in threads]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--most", type=int, default=26, help="qubits of the largest circuit")
    parser.add_argument("--budget", type=float, default=1.0, help="seconds for each figure")
    arguments = parser.parse_args()
    cores = num_cores()

    size = min(24, arguments.most)
    print(f"threads, {size} qubits: 1, {cores}, speed-up")
    for family in SHOWN:
        one, all_ = seconds(FAMILIES[family](size), [1, cores], arguments.budget)
        print(f"  {family:<8}{readable(one):>12}{readable(all_):>12}{one / all_:>8.2f}")

    print("layers of hea, 20 qubits: time, times that of half as many")
    before = None
    for layers in (5, 10, 20, 40):
        (time,) = seconds(hea(20, layers), [cores], arguments.budget)
        ratio = "" if before is None else f"{time / before:8.2f}"
        print(f"  {layers:<8}{readable(time):>12}{ratio}")
        before = time

    print("qubits: time, times that of one qubit fewer")
    for family in SHOWN:
        before = None
        for num_qubits in range(20, arguments.most + 1):
            (time,) = seconds(FAMILIES[family](num_qubits), [cores], arguments.budget)
            ratio = "" if before is None else f"{time / before:8.2f}"
            print(f"  {family:<8}{num_qubits:>4}{readable(time):>12}{ratio}", flush=True)
            before = time


if __name__ == "__main__":
    main()
