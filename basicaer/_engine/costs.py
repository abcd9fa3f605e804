"""All measured costs (Zen 4, AVX-512).

Three modules make decisions with them: the planner, `unplanned` (is a plan worth making?), and
`work` for everything else.
"""

import functools

# --- kernels -----------------------------------------------------------------------------------

KERNEL_COSTS = {
    "diagonal": 0.05,  # of several that are applied together
    "move": 0.12,
    "real1": 0.16,
    "dense1": 0.28,
    "real2": 0.35,
    "dense2": 0.65,
    "weyl": 0.48,
    "turn": 0.0,
}
"""Nanoseconds per amplitude and thread of one operation in a cache block, by the structure of its
matrix, as printed by `benchmarks/bench_kernels.py`. Only the ratios matter; they are nearly the
same for all builds."""
TURN_COSTS = {**KERNEL_COSTS, "dense2": 0.50, "weyl": 0.40, "turn": 0.12}
"""The same where gates are turns, several in a register block, and most of the time goes into loads
and stores."""
TURNS_FROM = 11
"""Width from which they are: in smaller states that takes longer to plan, and to refresh, than it
saves. New angles of EfficientSU2 with and without, 8, 10, 12 and 16 qubits: 43 and 36 us, 56 and
46, 108 and 109, 840 and 1,050."""

SPLIT_TIME = 5_000
"""Nanoseconds that the planner takes to rewrite a "dense2" as a "weyl", which is cheaper."""

GATE_NS = 0.3
"""Nanoseconds per gate and amplitude in a gate run that is already planned."""
PASS_GATES = 8
"""Cost of one pass through a state, in gates: memory is slower than arithmetic."""
COPY_GATES = 4
"""Cost of copying a cached state into fresh memory, in gates."""
WATCHED = 64
"""Number of gates from which one more pass over the state is negligible."""

# --- a few qubits ------------------------------------------------------------------------------

SMALL_GATE_NS = 14.0
"""Fixed nanoseconds per gate when gates are applied one by one."""
SMALL_PRODUCT_NS = {"dense1": 0.8, "dense2": 0.75, "dense": 1.1, "diagonal": 1.1}
"""Nanoseconds per complex multiplication of such a gate, by form."""

PLAN_NS, PLAN_GATE_NS = 9_000, 210
"""Nanoseconds to plan a gate run on a few qubits and apply it once: fixed, and per gate."""
PLANNED_NS = 6_000
"""Nanoseconds to apply such a gate run once it is planned, with some margin."""

DIRECT_GATE_NS = 45
"""Nanoseconds to read a gate and multiply it to others where gates go without a plan."""
DIRECT_OPERATION_NS = 30
"""Fixed nanoseconds of each operation there: its coefficients, and the call of its kernel."""
PLAN_SAVES_NS = 0.04
"""Nanoseconds per gate and amplitude that the operations of a plan take less than those of gates
that go without one: 0 to 0.04 up to 11 qubits, up to 0.1 where a state is larger than L1. Gates of
12 qubits go without a plan then, gates of 13 with one: as measured, but for a few per cent."""

# --- circuits ----------------------------------------------------------------------------------

CIRCUIT_NS, SHOT_NS, LISTED_NS = 50_000, 30, 60
"""Nanoseconds from `run()` to `result()`: per circuit, per shot, and per shot listed in memory, as
measured by `benchmarks/bench_latency.py`."""
GROUPED_NS, GROUPED_GATE_NS, GROUPED_SHOT_NS = 1_500, 2.2, 7
"""Nanoseconds of a circuit in a group: fixed, per amplitude-gate, and per shot."""
AWAY_NS = 250_000
"""Nanoseconds to send a task to another process and get its outcome back."""
WAKE_NS = 250_000
"""Estimated nanoseconds up to which `run()` executes a job itself. Waking a thread and waiting for
it takes 100,000 on an idle machine, and more on a busy one."""

# --- threads -----------------------------------------------------------------------------------

THREADS_WORK = {
    "state": 1 << 20,
    "circuits": 2_000_000,
    "branches": 2_000_000,
    "points": 500_000,
}
"""Amplitude-gates from which several threads pay.

For threads that share one `state`: the work of one operation on it. For `circuits` of a job,
`branches` of a circuit and `points` of a primitive: the work of each. Below that, threads spend
longer waiting for the GIL than they save. Measured, one thread against two: circuits of 10 qubits
164 and 296 us each, of 14 qubits equal; points of 10 qubits equal, of 12 qubits 260 and 220 us.
"""

GROUPS_NS = 300_000
"""Nanoseconds of all groups of circuits together from which several threads pay."""

# --- cache blocks ------------------------------------------------------------------------------

_SMALLEST_BLOCK = 128 << 10
_LARGEST_BLOCK = 1 << 20
"""Bytes of a cache block. Larger blocks need fewer passes, but must fit half of a core's L2."""
_MANY_BLOCKS = 4
"""Blocks grow beyond the smallest size only if a state still has 2**4 of them, for threads."""


def _level_2_cache() -> int:
    """Returns the bytes of a core's L2, or a cautious guess if the system does not report it."""
    try:
        with open("/sys/devices/system/cpu/cpu0/cache/index2/size", encoding="ascii") as file:
            size = file.read().strip()
        return int(size[:-1]) << {"K": 10, "M": 20}[size[-1]]
    except (OSError, ValueError, KeyError, IndexError):
        return 512 << 10


_ROOM = min(_LARGEST_BLOCK, max(_SMALLEST_BLOCK, _level_2_cache() // 2))


@functools.lru_cache(maxsize=256)
def block_qubits(num_qubits: int, precision: str) -> int:
    """Returns the qubits of a cache block, lanes included, in a state of `num_qubits` qubits.

    The result must not depend on the number of threads: it determines the order of sums.
    """
    size = 16 if precision == "double" else 8
    least, most = ((room // size).bit_length() - 1 for room in (_SMALLEST_BLOCK, _ROOM))
    return min(most, max(least, num_qubits - _MANY_BLOCKS))
