"""The formula for the memory that a run needs, and the memory that is available.

The configuration's `n_qubits`, the check in `run()` and its message are all computed here.
"""

from __future__ import annotations

import os
import sys
import time
from typing import List, NamedTuple

from basicaer._engine.state import buffers

MIB = 1 << 20
ITEM_BYTES = {"double": 16, "single": 8}
"""Bytes of one amplitude."""
SCRATCH = MIB
"""Maximum bytes of scratch per thread."""
LIGHT = 64 * MIB
"""A run that needs less is not checked unless the user has set a limit: asking the system for the
available memory would take longer than the run."""

KEPT = 256 * MIB
"""Bytes that a run may take beyond its minimum, or a quarter of the available memory if that is
more."""
GROUPS_PER_THREAD = 4
"""Initial groups of shots per thread: enough that threads finish at about the same time."""

_CACHE_SECONDS = 1.0

# Measured with tracemalloc, with all outcomes different.
_SHOT_BYTES = 48
"""Bytes per shot while outcomes are drawn, beside two copies of the outcome."""
_COUNT_BYTES = 64
"""Bytes per entry of the counts, beside the digits of its key."""
_ENTRY_BYTES = 80
"""Bytes per entry of a memory list, beside its digits."""
_GROUPED_BYTES = 64
"""Bytes of a circuit's figures in a group, beside the outcomes."""
_GROUPED_SUMS = 64 * 64
"""Probabilities of a group that a thread holds."""
_COUNTED_BYTES = 96
"""Bytes per shot that is being counted or listed; `COUNTED_AT_ONCE` are at a time."""
COUNTED_AT_ONCE = 1 << 18

SAMPLED_IN_PLACE = 18
"""Width from which a state with all qubits measured is sampled without a probability table."""
SHOTS_AT_ONCE = 1 << 20
"""Shots that are drawn from a final state between two checks for cancellation. With more shots the
formula counts the probability table twice."""

_BRANCH_BYTES = 1024
"""Bytes of a branch and its state, beside the amplitudes."""
NODE_BYTES = 2048
"""Bytes of a node of the outcome tree, with tables of `NODE_ENTRIES` probabilities."""
NODE_ENTRIES = 160
_RESULT_BYTES = 256
"""Bytes of a leaf of the outcome tree, when shots are run one after another."""
MOST_NODES = 100_000
_NODES_PER_SHOT = 4
MOST_STATES = 4096
"""Maximum number of states kept for later shots."""
_FEWEST_STATES = 64
"""States kept for later shots however large they are, if they fit."""
_SMALLEST_TABLE = 10
"""Width of a joint distribution that is too small to be worth limiting."""
_FEWEST_UNIFORMS = 64 << 10
"""Bytes of uniforms that are too few to be worth limiting."""
DRAW_BLOCK = 1 << 17
"""Uniforms drawn at a time when they are transposed."""


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
        threads: threads that work on the circuit.
        measured: number of distinct qubits that are sampled at the end; None if none are.
        shots: outcomes that are recorded.
        num_clbits: width of an outcome.
        memory: True if the outcomes are listed one by one.
    """
    need = state_bytes(num_qubits, precision, unitary) + (threads or 1) * SCRATCH
    if measured is not None and (measured < num_qubits or num_qubits < SAMPLED_IN_PLACE):
        need += (8 if shots <= SHOTS_AT_ONCE else 16) << measured
    if num_clbits:
        digits = num_clbits >> 2
        need += shots * (16 * (-(-num_clbits // 64)) + _SHOT_BYTES)
        need += min(shots, 1 << min(num_clbits, 60)) * (_COUNT_BYTES + digits)
        need += min(shots, COUNTED_AT_ONCE) * (_COUNTED_BYTES + digits)
        if memory:
            need += shots * (_ENTRY_BYTES + digits)
    return need


def bytes_of_groups(
    circuits: int, shots: int, *, outcomes: int, listed: bool, drawn: bool, threads: int
) -> int:
    """Returns the bytes that circuits in groups need while they run, and their figures.

    Args:
        circuits: number of circuits.
        shots: of each circuit.
        outcomes: the most different outcomes of a circuit.
        listed: whether the outcome of each shot is kept.
        drawn: whether all uniforms are drawn beforehand.
        threads: groups that run at the same time.
    """
    figures = _GROUPED_BYTES + 5 * min(outcomes, shots)
    figures += shots * ((1 if listed else 0) + (8 if drawn else 0))
    return threads * 8 * (_GROUPED_SUMS + shots) + circuits * figures


def state_bytes(num_qubits: int, precision: str = "double", unitary: bool = False) -> int:
    """Returns the bytes of the amplitudes of one state, or unitary."""
    width = 2 * num_qubits if unitary else num_qubits
    return max(1 << width, 8) * ITEM_BYTES[precision]


def states_of_gradient(num_qubits: int, observables: int, precision: str = "double") -> int:
    """Returns how many states a gradient holds at once, a power of two.

    These are the state itself and, of as many observables as are worth the memory, the observable
    applied to it.
    """
    states = 1 << max(1, observables.bit_length())
    while states > 2 and states * state_bytes(num_qubits, precision) > KEPT:
        states //= 2
    return states


def gradient_bytes(
    num_qubits: int, observables: int = 1, precision: str = "double", threads: int = 1
) -> int:
    """Returns the bytes that the expectation values of observables and their gradients need."""
    states = states_of_gradient(num_qubits, observables, precision)
    return states * state_bytes(num_qubits, precision) + (threads or 1) * SCRATCH


class Allowance(NamedTuple):
    """The memory limits of a run, computed before it begins and obeyed by it.

    Attributes:
        need: maximum bytes of everything the run holds, including scratch and outcomes.
        base: minimum bytes of the run; it is an error if they are not available.
        states: maximum number of states at once.
        threads: threads that each follow their own branch; 1 if all threads share one branch.
        uniforms: bytes of uniforms drawn ahead.
        table: qubits of the largest joint distribution that may be computed.
        nodes: maximum number of nodes of the outcome tree.
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
    """Returns the allowance of a run whose shots share their past.

    The minimum is one state, the uniforms of some shots and narrow tables. More states, larger
    tables and drawing all uniforms at once save work; the run gets as much of these as fits.

    Args:
        base: `required_bytes`.
        state: bytes of a state.
        num_qubits: width of a state.
        shots: number of shots.
        draws: uniforms per shot; None if the number depends on outcomes.
        branching: upper bound on the draws that may split a group; unused if `draws` is None.
        ends: upper bound on the number of different values of the clbits.
        threads: maximum number of threads that each follow their own branch.
        limit: bytes that may be used; None for what the system has available.
    """
    state += _BRANCH_BYTES
    base += _BRANCH_BYTES
    depth = shots.bit_length()  # most states at once if the smaller group always runs first
    uniforms = most_uniforms = nodes = most_nodes = node_bytes = 0
    if draws is None:
        threads = 1
        most_states = min(MOST_STATES, 2 * shots + 2, max(_FEWEST_STATES, KEPT // state))
        most_nodes = min(MOST_NODES, _NODES_PER_SHOT * shots + 64)
        nodes, node_bytes = min(most_nodes, 64), NODE_BYTES
        base += nodes * node_bytes + min(shots, ends) * _RESULT_BYTES
        most_table, table_bytes = num_qubits, 32  # two levels of sums, and the tables kept in nodes
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
    elif base + extra >= LIGHT:
        space = available_bytes()
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
    """Returns the number of qubits of the widest circuit that fits.

    Args:
        unitary: True if the whole unitary is computed.
        precision: "double" or "single".
        space: bytes that may be used; None for what the system has available.
    """
    if space is None:
        space = available_bytes()
    width = 0
    while required_bytes(width + 1, unitary=unitary, precision=precision) <= space:
        width += 1
    return width


def describe(count: int) -> str:
    """Returns a number of bytes as text, such as "23.5 GiB"."""
    if count >> 70:
        return f"2**{count.bit_length() - 1} bytes"
    if count < 1024:
        return f"{count} bytes"
    power = (count.bit_length() - 1) // 10
    return (
        f"{count / 2 ** (10 * power):.1f} {('KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB')[power - 1]}"
    )


# ----------------------------------------------------------------------------------------------
# Available memory
# ----------------------------------------------------------------------------------------------

_cached = (-_CACHE_SECONDS, 0)


def available_bytes(*, fresh: bool = False) -> int:
    """Returns the bytes that this process can still allocate.

    This is the minimum of what the system reports as available and what is left of the limits of
    the control groups and of the address space. The result is cached for a second; `fresh` asks
    anew.
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
        value += buffers.kept_briefly()
        _cached = (now, value)
    return value


def _read(path: str) -> str | None:
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return file.read()
    except OSError:
        return None


def _system_bytes() -> int:
    """Returns the available bytes that the operating system reports, or a guess."""
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
        # The total memory is the best figure available without psutil.
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
    """Returns the bytes left by the tightest control group of this process; None without limit."""
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
    if most_bytes >= 1 << 60:  # cgroup v1 writes a huge number for "no limit"
        return None
    # The kernel reclaims inactive file pages when memory is needed.
    for line in (_read(f"{folder}/memory.stat") or "").splitlines():
        key, _, value = line.partition(" ")
        if key == cache:
            used_bytes -= int(value)
    return max(0, most_bytes - max(0, used_bytes))


def _rlimit_bytes() -> int | None:
    """Returns the bytes left of the address space limit (`ulimit -v`); None without limit."""
    try:
        import resource
    except ImportError:
        return None
    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    text = _read("/proc/self/statm")
    if soft == resource.RLIM_INFINITY or text is None:
        return None
    return max(0, soft - int(text.split()[0]) * resource.getpagesize())
