"""What things cost, measured (Zen 4, AVX-512): the one place where such figures are.

Decisions that are made with them have an owner each: the planner, `state` (is a plan worth it?),
and for all else `work`.
"""

# --- kernels -----------------------------------------------------------------------------------

KERNEL_COSTS = {
    "diagonal": 0.05,  # its share of a diagonal run
    "move": 0.12,
    "real1": 0.16,
    "dense1": 0.28,
    "real2": 0.35,
    "dense2": 0.65,
    "weyl": 0.48,
}
"""Nanoseconds per amplitude and thread of one operation in a cache block, by the structure of its
matrix, as `benchmarks/bench_kernels.py` prints them. Only their ratios matter, and they are nearly
the same for all builds."""

SPLIT_TIME = 5_000
"""Nanoseconds that the planner takes to write a "dense2" as a "weyl", which costs less."""

GATE_NS = 0.3
"""Nanoseconds of a gate for each amplitude, in a run of gates that has its plan."""
PASS_GATES = 8
"""What it takes to go through a state once, in gates: memory is slower than arithmetic."""
COPY_GATES = 4
"""What it takes to copy a state that is in the cache into fresh memory, in gates."""
WATCHED = 64
"""Gates from which one more look at the whole state costs next to nothing."""

# --- a few qubits ------------------------------------------------------------------------------

SMALL_GATE_NS = 14.0
"""Nanoseconds of a gate that is applied by itself, before it does anything."""
SMALL_PRODUCT_NS = {"dense1": 0.8, "dense2": 0.75, "dense": 1.1, "diagonal": 1.1}
"""Nanoseconds of each multiplication of two complex numbers in it."""

PLAN_NS, PLAN_GATE_NS = 9_000, 110
"""Nanoseconds that it takes to plan a run of gates on a few qubits and to apply it once, and for
each of its gates."""
PLANNED_NS = 6_000
"""Nanoseconds that it takes to apply such a run that has its plan, and a little more."""

# --- circuits ----------------------------------------------------------------------------------

CIRCUIT_NS, SHOT_NS, LISTED_NS = 50_000, 30, 60
"""Nanoseconds of a circuit, from `run()` to `result()`, of each shot, and of each that is listed,
as `benchmarks/bench_latency.py` measures them."""
AWAY_NS = 250_000
"""Nanoseconds that a task takes on its way to another process and back."""
WAKE_NS = 250_000
"""Nanoseconds up to which a run is carried out by `run()` itself: to wake a thread and to wait for
it takes 100,000 where nothing else goes on, and longer anywhere else."""

# --- threads -----------------------------------------------------------------------------------

THREADS_WORK = {
    "state": 1 << 20,
    "circuits": 2_000_000,
    "branches": 2_000_000,
    "points": 500_000,
}
"""Amplitude-gates from which several threads pay.

For one `state`, what is done to it at a time. For `circuits` of a job, `branches` of a circuit and
`points` of a primitive, what is done to each: the rest is Python's, and threads that ask for it by
turns wait longer than that (circuits of 10 qubits: 164 us each one by one, 296 on two threads; of
14 qubits: the same; points of 10 qubits: the same, of 12: 260 and 220).
"""

# --- cache blocks ------------------------------------------------------------------------------

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
