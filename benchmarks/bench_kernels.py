"""Each kernel by itself, on each instruction set: how near is it to what the machine can do?

    python benchmarks/bench_kernels.py                       all kernels
    python benchmarks/bench_kernels.py -k dense1 dense2 -n 12 --simd avx512

One thread applies one kernel again and again to a state in memory. Printed are ns per amplitude,
GB/s read and written, and the share of the roofline: the time that the machine needs at best,
divided by the time taken. At best it needs the larger of two times: for the multiply-adds at the
peak rate of that instruction set, and for reading and writing the amplitudes at the rate of a sweep
over the same memory that computes nothing. Both ceilings are measured in the same run, by
ceilings.c, compiled here with the compiler that Python was built with.
"""

from __future__ import annotations

import argparse
import ctypes
import functools
import importlib.resources
import json
import re
import shlex
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
from measure import machine, versions

HERE = Path(__file__).parent
BUILDS = {
    "baseline": [],
    "avx2": ["-march=x86-64-v3"],
    "avx512": ["-march=x86-64-v4", "-mprefer-vector-width=512"],
}
"""Builds of the kernels, and the flags by which the ceilings are compiled alike."""
REALS = {"double": np.float64, "single": np.float32}
GOAL = 0.70
"""Share of the roofline that dense kernels are to reach in cache."""
IN_CACHE = 2**20
"""Bytes of a state up to which that is asked of them."""


class Load(NamedTuple):
    """What a kernel is given, and what that costs at best.

    Attributes:
        madds: multiply-adds for each amplitude of the state.
        touched: share of the amplitudes that are read and written.
        targets: first and second target.
        list: what the operation's list holds, `count` entries.
        count: its length as the kernel counts it.
        imaginary: of its first coefficient; a product takes another way if all are real.
    """

    madds: float
    touched: float = 1.0
    targets: tuple[int, int] = (0, 0)
    list: tuple[int, ...] = ()
    count: int = 0
    imaginary: float = 0.0


def loads(local_bits: int, lane_bits: int, register_bits: int) -> dict[str, Load]:
    """One load for each kernel. Targets are local bits, or lane bits where the name says lane."""
    last_lane = lane_bits - 1
    # A product as a chain's: a factor for each bit and for neighbours. Its table is for the lowest
    # bits; the next one, which shares a factor with them, comes last.
    low = min(5, local_bits - 1)
    bits = [*range(low), *range(low + 1, local_bits), low]
    places = [bits.index(bit) for bit in range(local_bits)]
    terms = [(0, place, -1, 0) for place in places]
    terms += [(0, *sorted(pair), 0) for pair in zip(places, places[1:])]
    chain = (*bits, *[value for term in terms for value in term])
    # Three gates, each a turn of one register bit, of form 0: its code is that bit. See layout.pxi.
    registers = [*range(2, 2 + register_bits)]
    for turn in range(3):
        registers += [turn % register_bits, 0, 0, 0, 0, 0]
    return {
        "dense1": Load(8, targets=(2, 0)),
        "dense1_lane": Load(8, targets=(last_lane, 0)),
        "dense2": Load(16, targets=(2, 4)),
        "dense2_lane": Load(16, targets=(last_lane, 3)),
        "dense2_lanes": Load(16, targets=(0, last_lane)),
        "real1": Load(4, targets=(2, 0)),
        "real1_lane": Load(4, targets=(last_lane, 0)),
        "real2": Load(8, targets=(2, 4)),
        "real2_lane": Load(8, targets=(last_lane, 3)),
        "real2_lanes": Load(8, targets=(0, last_lane)),
        "flip": Load(0, targets=(2, 0)),
        "swap": Load(0, touched=0.5, targets=(2, 4)),
        "phase": Load(4),
        # Two factors are multiplied for each amplitude, and the amplitude by the result.
        "product": Load(8, targets=(low, local_bits), list=chain, count=len(terms), imaginary=1.0),
        "lookup": Load(4, list=(0, 2, 4), count=3),
        "dense6up": Load(256, list=tuple(range(6)), count=6),
        "cross1": Load(4, targets=(2, 0)),
        "cross1_lane": Load(4, targets=(last_lane, 0)),
        "weyl": Load(12, targets=(2, 4)),
        "weyl_lane": Load(12, targets=(last_lane, 3)),
        "weyl_lanes": Load(12, targets=(0, last_lane)),
        "dense3to5": Load(32, list=(0, 2, 3), count=3),
        "registers": Load(6, list=tuple(registers), count=3),
    }


def aligned(count: int, dtype: Any) -> np.ndarray:
    """Zeros that begin at a multiple of 64 bytes."""
    buffer = np.zeros(count * np.dtype(dtype).itemsize + 64, dtype=np.uint8)
    begin = -buffer.ctypes.data % 64
    return buffer[begin : begin + count * np.dtype(dtype).itemsize].view(dtype)


def best(call: Callable[[], Any], budget: float) -> float:
    """Seconds of the fastest of the calls that fit into the budget, two at least."""
    call()
    times: list[float] = []
    while len(times) < 2 or sum(times) < budget:
        begin = perf_counter()
        call()
        times.append(perf_counter() - begin)
    return min(times)


def compiled_ceilings(flags: list[str], folder: str) -> ctypes.CDLL:
    """Returns ceilings.c, compiled with these flags into the folder."""
    compiler = shlex.split(sysconfig.get_config_var("CC") or "cc")
    library = str(Path(folder) / f"ceilings{len(list(Path(folder).iterdir()))}.so")
    command = [*compiler, "-O3", "-ffp-contract=fast", *flags, "-shared", "-fPIC"]
    subprocess.run([*command, str(HERE / "ceilings.c"), "-o", library], check=True)
    return ctypes.CDLL(library)


class Ceilings:
    """The two rates that no kernel of a build can exceed, measured."""

    def __init__(self, flags: list[str], budget: float, folder: str) -> None:
        self._library = compiled_ceilings(flags, folder)
        self._budget = budget
        self._bytes: dict[int, float] = {}
        self.madds = {"double": self._peak("double"), "single": self._peak("single")}

    def _peak(self, precision: str) -> float:
        """Multiply-adds per second, in numbers."""
        function = getattr(self._library, f"peak_{precision}")
        function.restype = ctypes.c_longlong
        number = {"double": ctypes.c_double, "single": ctypes.c_float}[precision]
        rounds = ctypes.c_longlong(500_000)
        done = function(rounds, ctypes.byref(number(-1)))
        return done / best(lambda: function(rounds, ctypes.byref(number(-1))), self._budget)

    def bytes(self, size: int) -> float:
        """Bytes per second, read and written, of a sweep over `size` bytes."""
        if size not in self._bytes:
            data = aligned(size // 8, np.float64)
            data[:] = 1.0
            rounds = max(1, 2**24 // size)
            pointer = ctypes.c_void_p(data.ctypes.data)
            seconds = best(
                lambda: self._library.sweep(
                    pointer, ctypes.c_size_t(size), ctypes.c_longlong(rounds)
                ),
                self._budget,
            )
            self._bytes[size] = 2 * size * rounds / seconds
        return self._bytes[size]


@functools.lru_cache
def columns() -> dict[str, int]:
    """The columns of operations and passes, read from the source."""
    source = importlib.resources.files("basicaer").joinpath("_engine/plan/layout.pxi")
    found = re.findall(
        r"^ +((?:COL|PASS|OP)_\w+) = (\d+)", source.read_text(encoding="utf-8"), re.MULTILINE
    )
    return {name: int(number) for name, number in found}


def kernel_call(
    kernels: Any, name: str, load: Load, precision: str, num_qubits: int, repeats: int
) -> Callable[[], None]:
    """A function that applies the kernel `repeats` times to a state.

    One pass over one block, which is the whole state in place. All coefficients are zero, or, of a
    product, i: what they are does not change what is computed, and no number grows or becomes
    denormal.
    """
    lanes = kernels.LANES[precision]
    lane_bits = lanes.bit_length() - 1
    local_bits = num_qubits - lane_bits
    dtype = REALS[precision]
    state = aligned(2 << num_qubits, dtype)
    state[:] = 2.0 ** (-num_qubits / 2)
    column = columns()
    ops = np.zeros((repeats, column["OP_COLUMNS"]), dtype=np.int64)
    ops[:, column["COL_KIND"]] = kernels.KERNELS[name]
    ops[:, column["COL_T0"]], ops[:, column["COL_T1"]] = load.targets
    ops[:, column["COL_LIVE"]] = local_bits
    ops[:, column["COL_COUNT"]] = load.count
    passes = np.zeros((1, column["PASS_COLUMNS"]), dtype=np.int64)
    passes[0, column["PASS_LAST"]] = repeats
    passes[0, column["PASS_BITS"]] = passes[0, column["PASS_LIVE"]] = local_bits
    passes[0, column["PASS_IN_PLACE"]] = 1
    coefficients = aligned(2**14 * lanes, dtype)
    coefficients[lanes : 2 * lanes] = load.imaginary
    lists = np.array([*load.list, 0], dtype=np.int64)
    scratch = 2**10 * lanes + 2**14
    passes[0, column["PASS_CLEAN"]] = -1
    executable = kernels.Executable(passes, ops, lists, coefficients, scratch)
    flags = np.zeros(8, dtype=np.int64)

    def call() -> None:
        sync = np.zeros(2, dtype=np.int64)
        executable.run(state, flags, sync, False)

    return call


def measure(arguments: argparse.Namespace) -> list[dict[str, Any]]:
    from basicaer._engine.state import dispatch

    available = dispatch.available()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for simd in arguments.simd:
            if simd not in available:
                print(f"{simd}: not built, or not for this processor", file=sys.stderr)
                continue
            kernels = available[simd]
            ceilings = Ceilings(BUILDS[simd], arguments.budget, folder)
            for precision in arguments.precision:
                lanes = kernels.LANES[precision]
                lane_bits = lanes.bit_length() - 1
                peak = ceilings.madds[precision]
                print(
                    f"\n{simd}, {precision}: {lanes} lanes, peak {peak / 1e9:.1f} G multiply-adds/s"
                )
                print(
                    f"{'kernel':<14}{'qubits':>7}{'ns/amp':>9}{'GB/s':>9}{'ceiling':>10}{'share':>8}"
                )
                for num_qubits in arguments.qubits:
                    table = loads(num_qubits - lane_bits, lane_bits, kernels.REGISTER_BITS)
                    missing = set(kernels.KERNELS) - set(table)
                    if missing:
                        raise KeyError(f"no load is described for {sorted(missing)}")
                    item = 2 * np.dtype(REALS[precision]).itemsize
                    bandwidth = ceilings.bytes(item << num_qubits)
                    for name in kernels.KERNELS:
                        load = table[name]
                        if arguments.kernels and name not in arguments.kernels:
                            continue
                        if "lane" in name and lane_bits < (2 if "lanes" in name else 1):
                            continue  # this build has not so many lanes
                        repeats = max(1, 2**18 >> num_qubits)
                        call = kernel_call(kernels, name, load, precision, num_qubits, repeats)
                        seconds = best(call, arguments.budget) / (repeats << num_qubits)
                        moved = 2 * item * load.touched
                        computing, moving = load.madds / peak, moved / bandwidth
                        share = max(computing, moving) / seconds
                        bound = "compute" if computing > moving else "bytes"
                        rows.append(
                            {
                                "simd": simd,
                                "precision": precision,
                                "kernel": name,
                                "qubits": num_qubits,
                                "ns_per_amplitude": seconds * 1e9,
                                "gigabytes_per_second": moved / seconds / 1e9,
                                "bound": bound,
                                "share": share,
                            }
                        )
                        mark = ""
                        if name.startswith("dense") and item << num_qubits <= IN_CACHE:
                            mark = "  reached" if share >= GOAL else f"  goal {GOAL:.0%}"
                        print(
                            f"{name:<14}{num_qubits:>7}{seconds * 1e9:>9.3f}"
                            f"{moved / seconds / 1e9:>9.1f}{bound:>10}{share:>8.0%}{mark}"
                        )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("-k", "--kernels", nargs="+", help="only these")
    parser.add_argument("-n", "--qubits", type=int, nargs="+", default=[10, 12, 16, 22])
    parser.add_argument("--simd", nargs="+", choices=BUILDS, default=list(BUILDS))
    parser.add_argument("--precision", nargs="+", choices=REALS, default=list(REALS))
    parser.add_argument("--budget", type=float, default=0.1, help="seconds for each figure")
    parser.add_argument("-o", "--output", type=Path, default=HERE / "results" / "kernels.json")
    arguments = parser.parse_args()
    report = {
        "machine": machine(),
        "versions": versions(("basicaer",)),
        "records": measure(arguments),
    }
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    print(f"\nwritten to {arguments.output}")


if __name__ == "__main__":
    main()
