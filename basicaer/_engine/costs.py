"""The planner's cost model, measured; the one place where its figures are.

`KERNEL_COSTS`: nanoseconds per amplitude and thread of one operation in a cache block, by the
structure of its matrix, as `benchmarks/bench_kernels.py` prints them (Zen 4, AVX-512). Only their
ratios matter, and they are nearly the same for all builds.
"""

KERNEL_COSTS = {
    "diagonal": 0.05,  # its share of a diagonal run
    "move": 0.12,
    "real1": 0.16,
    "dense1": 0.28,
    "real2": 0.35,
    "dense2": 0.65,
    "weyl": 0.48,
}

SPLIT_TIME = 5_000
"""Nanoseconds that the planner takes to write a "dense2" as a "weyl", which costs less."""

_SMALLEST_BLOCK = 128 << 10
_LARGEST_BLOCK = 512 << 10
"""Bytes of a cache block: more give longer passes, as long as half of a core's L2 holds them."""
_MANY_BLOCKS = 5
"""A state is cut into at least 2**5 blocks, for that many threads, before they grow."""


def _level_2_cache() -> int:
    """Returns the bytes of a core's L2, or a cautious guess where the system does not tell."""
    try:
        with open("/sys/devices/system/cpu/cpu0/cache/index2/size", encoding="ascii") as file:
            size = file.read().strip()
        return int(size[:-1]) << {"K": 10, "M": 20}[size[-1]]
    except (OSError, ValueError, KeyError, IndexError):
        return 512 << 10


_ROOM = min(_LARGEST_BLOCK, max(_SMALLEST_BLOCK, _level_2_cache() // 2))


def block_qubits(num_qubits: int, precision: str) -> int:
    """Returns the qubits of a cache block, lanes counted, in a state of so many qubits.

    It depends on the machine, but not on the number of threads, since the order of sums does.
    """
    size = 16 if precision == "double" else 8
    least, most = ((room // size).bit_length() - 1 for room in (_SMALLEST_BLOCK, _ROOM))
    return min(most, max(least, num_qubits - _MANY_BLOCKS))
