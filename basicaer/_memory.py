"""What a run needs and what there is: the one formula for both.

The configuration's `n_qubits`, the check in `run()` and its message all come from here.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from typing import Callable, Iterator, List, NamedTuple

from . import _buffers

MIB = 1 << 20
ITEM_BYTES = {"double": 16, "single": 8}
"""Bytes of one amplitude."""
SCRATCH = MIB
"""Bytes of scratch that one thread may take."""
SMALL = 64 * MIB
"""A run below this is let through unless the user has set a limit: asking the system would cost
more than the run."""

KEPT = 256 * MIB
"""What a run may hold beyond what it cannot do without, however little there is available; beyond
that a quarter of what is available."""
GROUPS_PER_THREAD = 4
"""Groups of shots for each thread to begin with, so that threads end at about the same time."""

_CACHE_SECONDS = 1.0

# Measured with tracemalloc, on outcomes that are all different.
_SHOT_BYTES = 48
"""What one shot takes beside its outcome, which is there twice, while outcomes are drawn."""
_COUNT_BYTES = 64
"""One entry of the counts, beside the digits of its key."""
_ENTRY_BYTES = 80
"""One entry of a memory list, beside its digits."""
_COUNTED_BYTES = 96
"""What a shot takes while it is counted or listed, of which `COUNTED_AT_ONCE` are at a time."""
COUNTED_AT_ONCE = 1 << 18

SAMPLED_IN_PLACE = 18
"""Qubits from which all of them are sampled without a table of probabilities."""
SHOTS_AT_ONCE = 1 << 20
"""Shots that are drawn from a final state between two looks at whether the job was cancelled. If
there are more, a table of probabilities is there twice."""

_BRANCH_BYTES = 1024
"""A state and its branch, beside the amplitudes."""
NODE_BYTES = 2048
"""A node of the tree of outcomes, with tables of `NODE_ENTRIES` probabilities."""
NODE_ENTRIES = 160
_RESULT_BYTES = 256
"""An end of the tree of outcomes, where shots are run one after another."""
MOST_NODES = 100_000
_NODES_PER_SHOT = 4
MOST_STATES = 4096
"""States that are kept for shots to come, at most."""
_FEWEST_STATES = 64
"""States that are kept for shots to come though they are large, if they fit."""
_SMALLEST_TABLE = 10
"""Qubits of a joint distribution whose memory is not worth saving."""
_FEWEST_UNIFORMS = 64 << 10
"""Bytes of uniforms that are not worth saving."""
DRAW_BLOCK = 1 << 17
"""Uniforms that are drawn at a time when they have to be transposed."""


def required_bytes(
    num_qubits: int,
    *,
    precision: str = "double",
    unitary: bool = False,
    threads: int = 1,
    measured: int | None = None,
    shots: int = 0,
    num_clbits: int = 0,
    memory: bool = False,
) -> int:
    """Returns the bytes that one circuit needs while it runs.

    Args:
        num_qubits: width of the circuit.
        precision: "double" or "single".
        unitary: True if the whole unitary is computed, a state of twice the qubits.
        threads: threads at work on the circuit.
        measured: number of distinct qubits that are sampled at the end; None if none are.
        shots: outcomes that are recorded.
        num_clbits: width of an outcome.
        memory: True if the outcomes are listed one by one.
    """
    need = state_bytes(num_qubits, precision, unitary) + threads * SCRATCH
    if measured is not None and (measured < num_qubits or num_qubits < SAMPLED_IN_PLACE):
        need += (8 if shots <= SHOTS_AT_ONCE else 16) << measured
    if num_clbits:
        digits = num_clbits >> 2
        different = shots if shots >> num_clbits == 0 else 1 << num_clbits
        counted = shots if shots < COUNTED_AT_ONCE else COUNTED_AT_ONCE
        need += shots * (16 * (num_clbits + 63 >> 6) + _SHOT_BYTES)
        need += different * (_COUNT_BYTES + digits) + counted * (_COUNTED_BYTES + digits)
        if memory:
            need += shots * (_ENTRY_BYTES + digits)
    return need


def state_bytes(num_qubits: int, precision: str = "double", unitary: bool = False) -> int:
    """Returns the bytes of the amplitudes of one state, or unitary."""
    width = 2 * num_qubits if unitary else num_qubits
    return (1 << width if width > 3 else 8) * ITEM_BYTES[precision]


class Allowance(NamedTuple):
    """What a run may hold at once. It is counted before the run begins, and obeyed by it.

    Attributes:
        need: bytes of all that the run holds, of scratch and outcomes too.
        base: bytes that it cannot do without; more than there is is an error.
        states: states alive at once.
        threads: threads that follow a branch of their own each; 1 if all are at work on one.
        uniforms: bytes of uniforms that are drawn beforehand.
        table: qubits of the largest joint distribution that is computed.
        nodes: nodes of the tree of outcomes that are kept.
    """

    need: int
    base: int
    states: int = 1
    threads: int = 1
    uniforms: int = 0
    table: int = 0
    nodes: int = 0


def allowance_of_branches(
    base: int,
    state: int,
    num_qubits: int,
    *,
    shots: int,
    draws: int | None,
    branching: int,
    ends: int,
    threads: int,
    limit: int | None,
) -> Allowance:
    """Returns what a run may hold whose shots share their past.

    What it cannot do without is one state, the uniforms of some shots and small tables. More states
    save work, as do larger tables and all uniforms at once; of these it has as much as fits.

    Args:
        base: `required_bytes`.
        state: bytes of a state.
        num_qubits: its width.
        shots: outcomes that are wanted.
        draws: uniforms that each shot takes; None if outcomes decide it.
        branching: how many of them may make shots part, at most; not used if `draws` is None.
        ends: different values of the clbits, at most.
        threads: threads that may follow a branch of their own each.
        limit: bytes that there are; None for what is available.
    """
    state += _BRANCH_BYTES
    base += _BRANCH_BYTES
    depth = shots.bit_length()  # states alive at once, with the smaller group of shots first
    uniforms = most_uniforms = nodes = most_nodes = node_bytes = 0
    if draws is None:
        threads = 1
        most_states = min(MOST_STATES, 2 * shots + 2, max(_FEWEST_STATES, KEPT // state))
        most_nodes = min(MOST_NODES, _NODES_PER_SHOT * shots + 64)
        nodes, node_bytes = min(most_nodes, 64), NODE_BYTES
        base += nodes * node_bytes + min(shots, ends) * _RESULT_BYTES
        most_table, table_bytes = num_qubits, 32  # sums, refined ones, and those that are kept
    else:
        most_states = min(depth, branching + 1)
        if threads > 1:
            leaves = min(shots, 1 << min(branching, 60))
            most_states = min(leaves, (GROUPS_PER_THREAD + depth + 1) * threads)
        most_uniforms = min(8 * draws * shots, KEPT)
        uniforms = min(most_uniforms, max(8 * draws, _FEWEST_UNIFORMS))
        base += uniforms + min(8 * draws * shots, 8 * max(draws, DRAW_BLOCK))
        most_table, table_bytes = min(num_qubits, draws), 16 * threads
    table = min(most_table, _SMALLEST_TABLE)
    base += table_bytes << table

    extra = (most_states - 1) * state + most_uniforms - uniforms
    extra += (most_nodes - nodes) * node_bytes
    extra += (table_bytes << most_table) - (table_bytes << table)
    room = extra
    if limit is not None:
        room = limit - base
    elif base + extra >= SMALL:
        space = budget.space()
        room = min(max(KEPT, space // 4), space - base)
    if room >= extra:
        return Allowance(
            base + extra,
            base,
            most_states,
            threads,
            most_uniforms,
            most_table,
            most_nodes,
        )

    room = left = max(0, room)
    share = left if most_states == 1 else left // 2
    while table < most_table and table_bytes << table <= share:
        left -= table_bytes << table
        share -= table_bytes << table
        table += 1
    more = min(most_uniforms - uniforms, left // 2)
    uniforms += more
    left -= more
    if nodes < most_nodes:
        more = min(most_nodes - nodes, left // 4 // node_bytes)
        nodes += more
        left -= more * node_bytes
    states = 1 + min(most_states - 1, left // state)
    if threads > 1 and states < most_states:
        threads = 1
        states = min(states, depth)
    left -= (states - 1) * state
    more = min(most_uniforms - uniforms, left)
    uniforms += more
    left -= more
    return Allowance(base + room - left, base, states, threads, uniforms, table, nodes)


def largest_circuit(
    *, unitary: bool = False, precision: str = "double", space: int | None = None
) -> int:
    """Returns the number of qubits of the largest circuit that fits.

    Args:
        unitary: True if the whole unitary is computed.
        precision: "double" or "single".
        space: bytes that there are; None for what is available.
    """
    if space is None:
        space = available_bytes()
    width = 0
    while required_bytes(width + 1, unitary=unitary, precision=precision) <= space:
        width += 1
    return width


def describe(count: int) -> str:
    """Returns a number of bytes as a person reads it, "23.5 GiB"."""
    if count >> 70:
        return f"2**{count.bit_length() - 1} bytes"
    if count < 1024:
        return f"{count} bytes"
    power = (count.bit_length() - 1) // 10
    return (
        f"{count / 2 ** (10 * power):.1f} {('KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB')[power - 1]}"
    )


# ----------------------------------------------------------------------------------------------
# What there is
# ----------------------------------------------------------------------------------------------

_cached = (-_CACHE_SECONDS, 0)


def available_bytes(*, fresh: bool = False) -> int:
    """Returns the bytes that this process could still allocate.

    It is the least of what the system reports as available, what the control group leaves and what
    the limit on the address space leaves. The answer is kept for a second unless `fresh`.
    """
    global _cached
    now = time.monotonic()
    when, value = _cached
    if fresh or now - when >= _CACHE_SECONDS:
        value = min(
            found
            for found in (_system_bytes(), _cgroup_bytes(), _rlimit_bytes())
            if found is not None
        )
        value += _buffers.kept_briefly()
        _cached = (now, value)
    return value


def _read(path: str) -> str | None:
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return file.read()
    except OSError:
        return None


def _system_bytes() -> int:
    """What the operating system reports; always a number."""
    text = _read("/proc/meminfo") or ""
    for line in text.splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    try:
        import psutil
    except ImportError:
        pass
    else:
        return int(psutil.virtual_memory().available)
    if sys.platform == "win32":
        found = _windows_bytes()
        if found is not None:
            return found
    try:
        # The whole of the memory: the nearest that is known without more help.
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return 4 << 30


def _windows_bytes() -> int | None:
    import ctypes

    class Status(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ulong), ("load", ctypes.c_ulong)] + [
            (name, ctypes.c_ulonglong)
            for name in ("total", "available", "f1", "f2", "f3", "f4", "f5")
        ]

    status = Status()
    status.length = ctypes.sizeof(Status)
    kernel32 = getattr(ctypes, "windll").kernel32  # noqa: B009 (there on Windows alone)
    if not kernel32.GlobalMemoryStatusEx(ctypes.byref(status)):
        return None
    return int(status.available)


def _cgroup_bytes(root: str = "/sys/fs/cgroup", own: str = "/proc/self/cgroup") -> int | None:
    """What the control groups of this process leave, the tightest one on the way to the root."""
    found: List[int] = []
    for line in (_read(own) or "").splitlines():
        parts = line.split(":", 2)
        if len(parts) != 3:
            continue
        _, controllers, path = parts
        if not controllers:
            base, limit, usage, cache = root, "memory.max", "memory.current", "inactive_file"
        elif "memory" in controllers.split(","):
            base = os.path.join(root, "memory")
            limit, usage = "memory.limit_in_bytes", "memory.usage_in_bytes"
            cache = "total_inactive_file"
        else:
            continue
        # A container may see its own group as the root while /proc names it from outside.
        group = path
        while True:
            folder = base + group.rstrip("/")
            left = _group_bytes(folder, limit, usage, cache)
            if left is not None:
                found.append(left)
            if group in ("", "/"):
                break
            group = os.path.dirname(group)
    return min(found) if found else None


def _group_bytes(folder: str, limit: str, usage: str, cache: str) -> int | None:
    most, used = _read(f"{folder}/{limit}"), _read(f"{folder}/{usage}")
    if most is None or used is None:
        return None
    try:
        most_bytes, used_bytes = int(most), int(used)  # "max" is no limit
    except ValueError:
        return None
    if most_bytes >= 1 << 60:  # how the first version says that there is none
        return None
    # Pages of files that were read once are given up when memory is asked for.
    for line in (_read(f"{folder}/memory.stat") or "").splitlines():
        key, _, value = line.partition(" ")
        if key == cache:
            used_bytes -= int(value)
    return max(0, most_bytes - max(0, used_bytes))


def _rlimit_bytes() -> int | None:
    """What a limit on the address space (`ulimit -v`) leaves."""
    try:
        import resource
    except ImportError:
        return None
    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    text = _read("/proc/self/statm")
    if soft == resource.RLIM_INFINITY or text is None:
        return None
    return max(0, soft - int(text.split()[0]) * resource.getpagesize())


# ----------------------------------------------------------------------------------------------
# Several jobs at once
# ----------------------------------------------------------------------------------------------


class Budget:
    """Keeps the jobs that run together within the memory, and within the limit that any has set.

    Only what fits is let in. A job that is alone always fits: `run()` has checked that it can.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._holders = 0
        self._taken = 0
        self._limits: List[int] = []
        # What there was for all of them when the first that is not small came.
        self._capacity: int | None = None

    def try_take(self, need: int, limit: int | None) -> bool:
        """Takes `need` bytes if they fit beside what others hold.

        Args:
            need: bytes that the job will hold at most; 0 for one that is not counted.
            limit: the job's own bound on what all jobs together hold; None for none.
        """
        if not need:
            return True
        with self._lock:
            if self._holders and not self._fits(need, limit):
                return False
            if self._capacity is None and need >= SMALL:
                self._capacity = available_bytes(fresh=True)
            self._holders += 1
            self._taken += need
            if limit is not None:
                self._limits.append(limit)
            return True

    @property
    def limited(self) -> bool:
        """True while a job holds memory that has set a bound on what all hold."""
        return bool(self._limits)

    def _fits(self, need: int, limit: int | None) -> bool:
        total = self._taken + need
        if total > min(
            (limit, *self._limits) if limit is not None else self._limits, default=total
        ):
            return False
        if need < SMALL:
            return True
        space = available_bytes()
        # Jobs may not have touched yet what they have taken, and others may have taken what was
        # there before.
        return need <= space and total <= (space if self._capacity is None else self._capacity)

    @contextlib.contextmanager
    def hold(self, need: int, limit: int | None, check: Callable[[], None]) -> Iterator[None]:
        """Holds the bytes within a ``with``; waits until they fit.

        Args:
            need: bytes, as for `try_take`.
            limit: the bound, as for `try_take`.
            check: called now and then while it waits; may raise to give up.
        """
        while not self.try_take(need, limit):
            check()
            time.sleep(0.01)
        try:
            yield
        finally:
            self.give_back(need, limit)

    def give_back(self, need: int, limit: int | None = None) -> None:
        """Ends what `try_take` began; the arguments are the same."""
        if need:
            with self._lock:
                self._holders -= 1
                self._taken -= need
                if limit is not None:
                    self._limits.remove(limit)
                if not self._holders:
                    self._capacity = None

    def space(self, *, fresh: bool = False) -> int:
        """Returns the bytes that a job may need: what is available, or will be in its turn."""
        return max(available_bytes(fresh=fresh), self._capacity or 0)


budget = Budget()
"""The one that all jobs of this process share."""


def _start_anew() -> None:
    """In the child of a fork none of the parent's jobs goes on."""
    global budget
    budget = Budget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_anew)
