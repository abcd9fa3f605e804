"""What a job is trusted to do, as figures and as a soak.

python benchmarks/trust.py cancels [N]      N jobs of a mixed load, cancelled at random moments
python benchmarks/trust.py exit             Ctrl-C and the interpreter's end while a kernel runs
python benchmarks/trust.py soak [SECONDS]   mixed jobs, cancels and errors (600 s); exits with 1 if
                                            memory has grown or a result was wrong

bench_jobs.py has the figures of single jobs, and the list of bad input with its messages.
"""

from __future__ import annotations

import argparse
import gc
import random
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from qiskit import QuantumCircuit
from qiskit.providers import JobStatus
from qiskit.providers.exceptions import JobError

from basicaer import BasicAer, BasicAerError

HERE = Path(__file__).parent

QASM, STATEVECTOR, UNITARY = BasicAer.backends()
MEBI = 1 << 20


def resident() -> int:
    """Resident memory of this process, in bytes."""
    gc.collect()
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * 4096


def layers(width: int, depth: int) -> QuantumCircuit:
    circuit = QuantumCircuit(width, width, name=f"layers{width}")
    for turn in range(depth):
        circuit.rx(0.1 + turn, range(width))
        circuit.cx(turn % width, (turn + 1) % width)
    circuit.measure(range(width), range(width))
    return circuit


def dynamic(width: int, turns: int) -> QuantumCircuit:
    circuit = QuantumCircuit(width, width, name=f"dynamic{width}")
    for turn in range(turns):
        circuit.ry(1.0 + turn, range(width))
        circuit.measure(turn % width, turn % width)
    return circuit


def looping() -> QuantumCircuit:
    circuit = QuantumCircuit(2, 2, name="looping")
    with circuit.while_loop((circuit.clbits[0], 0)):
        circuit.h(1)
        circuit.measure(1, 1)
    return circuit


LOAD: list[tuple[Any, dict[str, Any]]] = [
    (layers(4, 5), {"shots": 1000}),
    (layers(14, 40), {"shots": 100}),
    (layers(20, 40), {"shots": 100}),
    (layers(12, 20), {"shots": 300_000, "memory": True}),
    ([layers(13, 30) for _ in range(6)], {"shots": 50}),
    (dynamic(5, 10), {"shots": 500}),
    (dynamic(16, 12), {"shots": 40}),
    (dynamic(6, 8), {"shots": 200, "branching": False}),
    (layers(18, 20), {"shots": 50, "precision": "single", "max_memory_mb": 100}),
]


def outcomes(job: Any) -> list[dict[str, int]]:
    return [entry.data.counts for entry in job.result(120).results]


def run(number: int) -> Any:
    circuits, options = LOAD[number]
    return QASM.run(circuits, seed_simulator=11, **options)


def cancels(count: int) -> int:
    expected, seconds = [], []
    for number in range(len(LOAD)):
        begun = time.perf_counter()
        expected.append(outcomes(run(number)))
        seconds.append(time.perf_counter() - begun)
    memory = [resident()]
    rng = random.Random(1)
    times: list[float] = []
    kinds = {"cancelled": 0, "ended before": 0, "wrong": 0}
    for turn in range(count):
        number = rng.randrange(len(LOAD))
        jobs = [run(number)]
        if turn % 3 == 0:  # one that may still be in the queue
            jobs += [run(rng.randrange(len(LOAD))) for _ in range(3)]
        time.sleep(rng.random() * 1.2 * seconds[number])
        chosen = rng.choice(jobs)
        begun = time.perf_counter()
        cancelled = chosen.cancel()
        chosen.wait_for_final_state(timeout=60)
        if cancelled:
            times.append(time.perf_counter() - begun)
            kinds["cancelled"] += 1
            if chosen.status() is not JobStatus.CANCELLED:
                kinds["wrong"] += 1
        else:
            kinds["ended before"] += 1
        if not cancelled and chosen is jobs[0] and outcomes(chosen) != expected[number]:
            kinds["wrong"] += 1
        if chosen is not jobs[0] and outcomes(jobs[0]) != expected[number]:
            kinds["wrong"] += 1
        for job in jobs:
            job.cancel()
            job.wait_for_final_state(timeout=60)
        del jobs, chosen, job
        if (turn + 1) * 4 // count > turn * 4 // count:
            memory.append(resident())
    print(f"{count} jobs of {min(seconds) * 1e3:.1f} to {max(seconds) * 1e3:.0f} ms each: {kinds}")
    print(
        f"from cancel() until the job has stopped and given its memory back: median "
        f"{statistics.median(times) * 1e3:.2f} ms, slowest {max(times) * 1e3:.1f} ms"
    )
    shown = ", ".join(f"{each / MEBI:.0f}" for each in memory)
    print(f"resident memory before, and after each quarter: {shown} MiB")
    return int(kinds["wrong"] > 0)


SCRIPT = """
import os, signal, threading, time
from qiskit import QuantumCircuit
from basicaer import BasicAer

circuit = QuantumCircuit(24)
with circuit.for_loop(range(100_000)):
    for turn in range(100):
        circuit.rx(0.1, turn % 24)
        circuit.cx(turn % 24, (turn + 7) % 24)
job = BasicAer.get_backend("statevector_simulator").run(circuit)
while not job.progress():
    time.sleep(0.001)
time.sleep(0.2)

def interrupt():
    global sent
    time.sleep(0.2)
    sent = time.time()
    os.kill(os.getpid(), signal.SIGINT)
"""
IDLE = """
import time
from qiskit import QuantumCircuit
from basicaer import BasicAer
"""
INTERRUPTED = """
threading.Thread(target=interrupt).start()
try:
    job.{wait}()
except KeyboardInterrupt:
    took = time.time() - sent
    print(f"{{took * 1e3:.1f}} ms, then the job is {{job.status().name}}")
"""


def child(script: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        cwd=HERE,  # not where a source tree hides the installed package
    )
    if done.returncode or done.stderr:
        raise SystemExit(f"exit {done.returncode}: {done.stderr}")
    return done.stdout.strip()


def leave() -> int:
    for wait in ("result", "wait_for_final_state"):
        for _ in range(3):
            print(f"Ctrl-C in {wait}():", child(SCRIPT + INTERRUPTED.format(wait=wait)))
    for _ in range(3):
        for what, script in (("with the job running", SCRIPT), ("with no job", IDLE)):
            said = child(script + "print(time.time())")
            print(f"the interpreter's end {what}: {time.time() - float(said):.3f} s")
    return 0


def soak(seconds: float) -> int:
    expected = [outcomes(run(number)) for number in range(len(LOAD))]
    lock = threading.Lock()
    seen = {"right": 0, "cancelled": 0, "errors": 0, "dropped": 0, "wrong": 0}
    end = time.monotonic() + seconds
    begun = time.monotonic()

    def count(what: str) -> None:
        with lock:
            seen[what] += 1

    def work(seed: int) -> None:
        rng = random.Random(seed)
        while time.monotonic() < end:
            choice = rng.random()
            if choice < 0.1:
                job = QASM.run([layers(3, 2), looping()], max_iterations=rng.randrange(1, 50))
                try:
                    job.result(60)
                    count("wrong")
                except BasicAerError:
                    count("errors")
                continue
            number = rng.randrange(len(LOAD))
            job = run(number)
            if choice < 0.2:
                del job
                count("dropped")
                time.sleep(0.01)
                continue
            if choice < 0.6:
                time.sleep(rng.random() * 0.1)
                if job.cancel():
                    count("cancelled")
            try:
                count("right" if outcomes(job) == expected[number] else "wrong")
            except JobError:
                if job.status() is not JobStatus.CANCELLED:
                    count("wrong")

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(6)]
    for thread in threads:
        thread.start()
    samples: list[tuple[float, int]] = []
    while any(thread.is_alive() for thread in threads):
        for thread in threads:
            thread.join(max(0.1, seconds / 60) / len(threads))
        samples.append((time.monotonic() - begun, resident()))
    quarter = max(1, len(samples) // 4)
    early = statistics.mean(memory for _, memory in samples[quarter : 2 * quarter])
    late = statistics.mean(memory for _, memory in samples[-quarter:])
    for when, memory in samples[:: max(1, len(samples) // 12)]:
        print(f"{when:7.1f} s  {memory / MEBI:7.1f} MiB")
    print(f"{seconds:.0f} s: {seen}; at rest at the end {resident() / MEBI:.1f} MiB")
    print(f"second quarter {early / MEBI:.1f} MiB, last quarter {late / MEBI:.1f} MiB")
    grown = late > 1.25 * early + 32 * MEBI
    return int(bool(seen["wrong"]) or grown)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("what", choices=("cancels", "exit", "soak"))
    parser.add_argument("amount", nargs="?", type=float)
    arguments = parser.parse_args()
    if arguments.what == "cancels":
        return cancels(int(arguments.amount or 1000))
    if arguments.what == "exit":
        return leave()
    return soak(arguments.amount or 600)


if __name__ == "__main__":
    raise SystemExit(main())
