"""How the time of a circuit grows with threads and with qubits, and what holds it back.

    python benchmarks/bench_scaling.py                         threads, at 24, 26 and 28 qubits
    python benchmarks/bench_scaling.py -n 20 22 --threads 1 2  smaller
    python benchmarks/bench_scaling.py --growth                qubits, from 22 to what memory holds

Needs no Qiskit: NumPy and the extension modules are enough, also built in place. Timed is the
engine alone with its plan ready, on a state in memory whose qubits may all differ from |0>, so that
each pass reads and writes all of it. Each figure is printed as it comes; what --seconds leaves no
time for is named.

threads: beside each number of threads stand the machine's own ceilings for as many, measured in the
same run by ceilings.c: bytes a second of a sweep over memory that computes nothing, and
multiply-adds a second in registers. "efficiency" is the speed-up for each thread, "of bandwidth"
the time that the sweep would need for the same bytes, divided by the time taken. Near one in the
first, threads do not disturb each other; near one in the second, memory holds them back. With all
threads there are also: "pinned", each thread bound to a processor; "fresh", from nothing to the
final state, memory from the system included; and "touched", the same after all threads have
touched that memory, each a part, which is included too.

growth: seconds from nothing and on a state in memory, times those of one qubit less, and how many
passes they are made of.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import tempfile
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from bench_kernels import BUILDS, compiled_ceilings
from circuits import Listed, brick, hea, qaoa
from measure import machine, readable
from simulators import gates_by_numbers, num_cores

from basicaer._engine import memory
from basicaer._engine.state import buffers
from basicaer._engine.state.dispatch import SIMD
from basicaer._engine.state.state import State
from basicaer._engine.threads import cooperate

HERE = Path(__file__).parent
AMPLITUDE_BYTES = 16
CORES = num_cores()
CIRCUITS: dict[str, Callable[[int], Listed]] = {
    "hea": lambda num_qubits: hea.listed(num_qubits, 2),
    "qaoa": lambda num_qubits: qaoa.listed(num_qubits, 1),
    "brick": lambda num_qubits: brick.listed(num_qubits, 3),
}
"""Light ones. brick is to the planner what qv is: a dense matrix for each of random pairs."""
CHUNK = 4 << 20
"""Bytes that a thread touches at a time: two huge pages."""


class Clock:
    """The time there is for all figures."""

    def __init__(self, seconds: float) -> None:
        self._until = perf_counter() + seconds

    def left(self) -> float:
        return self._until - perf_counter()


def best(call: Callable[[], Any], budget: float) -> float:
    """The least seconds of calls for so long, two at least."""
    times: list[float] = []
    while len(times) < 2 or sum(times) < budget:
        begin = perf_counter()
        call()
        times.append(perf_counter() - begin)
    return min(times)


# ----------------------------------------------------------------------------------------------
# The machine
# ----------------------------------------------------------------------------------------------


def together(work: Callable[[int], None], threads: int) -> float:
    """Calls `work` with 0, 1, ... on as many threads at once; seconds from start to last end."""
    barrier = threading.Barrier(threads)
    spans: list[tuple[float, float]] = []

    def run(number: int) -> None:
        barrier.wait()
        begin = perf_counter()
        work(number)
        spans.append((begin, perf_counter()))

    crew = [threading.Thread(target=run, args=(number,)) for number in range(threads)]
    for thread in crew:
        thread.start()
    for thread in crew:
        thread.join()
    return max(end for _, end in spans) - min(begin for begin, _ in spans)


class Machine:
    """What so many threads can do at best, measured once for each number."""

    def __init__(self, folder: str, size: int) -> None:
        self._library = compiled_ceilings(BUILDS[SIMD], folder)
        self._library.peak_double.restype = ctypes.c_longlong
        self._size = size

    def bandwidth(self, threads: int) -> float:
        """Bytes a second, read and written, of a sweep in which each thread has its part."""
        part = self._size // threads // 4096 * 4096
        data = buffers.zeros(part * threads // 8, np.dtype(np.float64))
        begin = data.ctypes.data

        def sweep(number: int) -> None:
            where = ctypes.c_void_p(begin + number * part)
            self._library.sweep(where, ctypes.c_size_t(part), ctypes.c_longlong(1))

        together(sweep, threads)  # each touches its part first
        return 2 * part * threads / min(together(sweep, threads) for _ in range(4))

    def madds(self, threads: int) -> float:
        """Multiply-adds a second, in numbers of double precision."""
        rounds = ctypes.c_longlong(4_000_000)
        done = [0] * threads

        def compute(number: int) -> None:
            done[number] = self._library.peak_double(rounds, ctypes.byref(ctypes.c_double(-1)))

        seconds = min(together(compute, threads) for _ in range(3))
        return sum(done) / seconds


def topology() -> str:
    """Threads that share a core, and nodes of memory, where the system says so."""
    told = []
    try:
        path = "/sys/devices/system/cpu/cpu0/topology/thread_siblings_list"
        told.append(f"processor 0 shares its core with {Path(path).read_text().strip()}")
        nodes = len(list(Path("/sys/devices/system/node").glob("node[0-9]*")))
        told.append(f"{nodes} memory nodes")
        path = "/sys/kernel/mm/transparent_hugepage/enabled"
        told.append(f"huge pages {Path(path).read_text().strip()}")
    except OSError:
        pass
    return ", ".join(told)


class Pinned:
    """While it lasts, each thread that takes part in a computation has a processor of its own."""

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._all = sorted(os.sched_getaffinity(0))

    def _each(self, places: Iterator[set[int]]) -> None:
        """Gives each thread of the pool, and this one, the next set of processors."""
        barrier = threading.Barrier(self._threads)

        def bind() -> None:
            os.sched_setaffinity(0, next(places))
            barrier.wait(10)

        cooperate(bind, self._threads)

    def __enter__(self) -> None:
        self._each({processor} for processor in self._all[: self._threads])

    def __exit__(self, *_: Any) -> None:
        self._each(set(self._all) for _ in range(self._threads))


# ----------------------------------------------------------------------------------------------
# Figures
# ----------------------------------------------------------------------------------------------


def touched(num_qubits: int, threads: int) -> State:
    """Returns |0...0> in memory that all threads have touched first, each parts of it."""
    reals = buffers.zeros(2 << num_qubits, np.dtype(np.float64))
    data = reals.view(np.uint8)
    starts = iter(range(0, len(data), CHUNK))

    def touch() -> None:
        for first in starts:
            data[first : first + CHUNK : 4096] = 0

    cooperate(touch, threads)
    reals[0] = 1.0
    return State(num_qubits, "double", reals)


def from_nothing(gates: Any, num_qubits: int, threads: int, touch: bool = False) -> Any:
    """Returns the seconds from no memory to the final state, that state and its statistics."""
    if not gates.plans.compiled:
        State.zero(num_qubits).apply(gates, threads=threads)  # makes the plan
    buffers.forget()
    begin = perf_counter()
    state = touched(num_qubits, threads) if touch else State.zero(num_qubits)
    statistics = state.apply(gates, threads=threads)
    return perf_counter() - begin, state, statistics


def threads_of(arguments: argparse.Namespace, clock: Clock, keep: Callable[..., None]) -> None:
    """The table of threads."""
    numbers = sorted({min(number, CORES) for number in arguments.threads})
    most = numbers[-1]
    with tempfile.TemporaryDirectory() as folder:
        own = Machine(folder, arguments.sweep << 20)
        print(f"{'threads':>9}{'sweep':>12}{'multiply-adds':>18}")
        bandwidth = {}
        for number in numbers:
            bandwidth[number] = own.bandwidth(number)
            madds = own.madds(number)
            print(
                f"{number:>9}{bandwidth[number] / 1e9:>7.1f} GB/s{madds / 1e9:>13.1f} G/s",
                flush=True,
            )
            keep(kind="machine", threads=number, bandwidth=bandwidth[number], madds=madds)
    buffers.forget()

    order = [numbers[0], *reversed(numbers[1:])]  # with all threads before those between
    for num_qubits in arguments.qubits:
        for name in arguments.circuits:
            title = f"{name} {num_qubits}"
            if clock.left() <= 0:
                print(f"{title}: no time left")
                continue
            gates = gates_by_numbers(CIRCUITS[name](num_qubits))
            _, state, _ = from_nothing(gates, num_qubits, most)
            statistics = state.apply(gates, threads=most)  # makes the plan of a state in memory
            passes, operations = statistics["passes"], statistics["operations"]
            amplitudes = 2.0**num_qubits
            print(
                f"\n{title}: {len(gates)} gates, {passes} passes, {operations} operations\n"
                f"{'threads':>9}{'time':>10}{'speed-up':>10}{'efficiency':>12}"
                f"{'ns an amplitude and pass':>26}{'GB/s':>8}{'of bandwidth':>14}",
                flush=True,
            )
            one = None
            for number in order:
                if clock.left() <= 0:
                    print(f"{number:>9}  no time left")
                    continue
                seconds = best(partial(state.apply, gates, threads=number), arguments.budget)
                one = one or seconds * numbers[0]
                moved = 2 * AMPLITUDE_BYTES * amplitudes * passes / seconds
                print(
                    f"{number:>9}{readable(seconds):>10}{one / seconds:>10.2f}"
                    f"{one / seconds / number:>12.0%}{seconds / amplitudes / passes * 1e9:>26.3f}"
                    f"{moved / 1e9:>8.1f}{moved / bandwidth[number]:>14.0%}",
                    flush=True,
                )
                keep(
                    kind="threads",
                    circuit=name,
                    qubits=num_qubits,
                    threads=number,
                    seconds=seconds,
                    passes=passes,
                    operations=operations,
                    bytes_per_second=moved,
                    of_bandwidth=moved / bandwidth[number],
                )
            more: dict[str, float] = {}
            if most > 1 and clock.left() > 0 and hasattr(os, "sched_setaffinity"):
                with Pinned(most):
                    more["pinned"] = best(
                        partial(state.apply, gates, threads=most), arguments.budget
                    )
            del state
            for what, touch in (("fresh", False), ("touched", True)) * 2:
                if clock.left() > 0:
                    seconds = from_nothing(gates, num_qubits, most, touch)[0]
                    more[what] = min(seconds, more.get(what, seconds))
            told = ", ".join(f"{what} {readable(seconds)}" for what, seconds in more.items())
            print(f"{most:>9}{told and ' ' * 2 + told}", flush=True)
            keep(kind="ways", circuit=name, qubits=num_qubits, threads=most, **more)
            buffers.forget()


def growth_of(arguments: argparse.Namespace, clock: Clock, keep: Callable[..., None]) -> None:
    """The table of qubits: one circuit, from the smallest to the largest that fits memory."""
    threads = max(min(number, CORES) for number in arguments.threads)
    name = arguments.circuits[0]
    room = memory.available_bytes(fresh=True)
    print(f"{name}, {threads} threads, {room / 2**30:.1f} GiB available")
    print(
        f"{'qubits':>8}{'from nothing':>14}{'times':>8}{'in memory':>12}{'times':>8}{'passes':>8}"
        f"{'operations':>12}{'ns an amplitude and pass':>26}{'GB/s':>8}"
    )
    before: tuple[float, float] | None = None
    last = 0.0
    for num_qubits in range(arguments.smallest, arguments.most + 1):
        if 1.05 * (AMPLITUDE_BYTES << num_qubits) > room:
            print(f"{num_qubits:>8}  does not fit memory")
            break
        if clock.left() < 10 * last:
            print(f"{num_qubits:>8}  no time left")
            break
        gates = gates_by_numbers(CIRCUITS[name](num_qubits))
        fresh = from_nothing(gates, num_qubits, threads)[0]
        again, state, _ = from_nothing(gates, num_qubits, threads)
        fresh = min(fresh, again)
        statistics = state.apply(gates, threads=threads)
        passes, operations = statistics["passes"], statistics["operations"]
        inside = best(partial(state.apply, gates, threads=threads), arguments.budget)
        del state
        buffers.forget()
        amplitudes = 2.0**num_qubits
        moved = 2 * AMPLITUDE_BYTES * amplitudes * passes / inside
        times = [f"{now / was:.2f}" for now, was in zip((fresh, inside), before or ())] or ["", ""]
        print(
            f"{num_qubits:>8}{readable(fresh):>14}{times[0]:>8}{readable(inside):>12}{times[1]:>8}"
            f"{passes:>8}{operations:>12}{inside / amplitudes / passes * 1e9:>26.3f}"
            f"{moved / 1e9:>8.1f}",
            flush=True,
        )
        keep(
            kind="growth",
            circuit=name,
            qubits=num_qubits,
            threads=threads,
            fresh=fresh,
            seconds=inside,
            passes=passes,
            operations=operations,
        )
        before = (fresh, inside)
        last = fresh + inside


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("-n", "--qubits", type=int, nargs="+", default=[24, 26, 28])
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2, 4, 8, 12, 16])
    parser.add_argument("-c", "--circuits", nargs="+", choices=CIRCUITS, default=list(CIRCUITS))
    parser.add_argument("--growth", action="store_true", help="the table of qubits instead")
    parser.add_argument("--smallest", type=int, default=22, help="qubits where it begins")
    parser.add_argument("--most", type=int, default=32, help="qubits where it ends at the latest")
    parser.add_argument("--budget", type=float, default=0.3, help="seconds for each figure")
    parser.add_argument("--sweep", type=int, default=1024, help="MiB that a sweep goes over")
    parser.add_argument("--seconds", type=float, default=330.0, help="for all figures")
    parser.add_argument("-o", "--output", type=Path, default=HERE / "results" / "scaling.json")
    arguments = parser.parse_args()
    report: dict[str, Any] = {
        "machine": {**machine(), "topology": topology(), "simd": SIMD},
        "records": [],
    }
    print(*(f"{key}: {value}" for key, value in report["machine"].items()), sep="\n", flush=True)

    def keep(**record: Any) -> None:
        report["records"].append(record)
        arguments.output.parent.mkdir(parents=True, exist_ok=True)
        arguments.output.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")

    table = growth_of if arguments.growth else threads_of
    table(arguments, Clock(arguments.seconds), keep)
    print(f"\nwritten to {arguments.output}")


if __name__ == "__main__":
    main()
