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

BLOCK_QUBITS = {"double": 13, "single": 14}
"""Qubits of a cache block, lanes counted: 128 KiB, an eighth to a half of a core's L2."""
