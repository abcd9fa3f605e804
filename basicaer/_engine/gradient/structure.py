"""The structure of a differentiable program: its gates as one run, and what takes them back."""

from __future__ import annotations

from typing import Any, Dict, List, NamedTuple, Sequence, Tuple

import numpy as np

from basicaer._engine.errors import EngineError
from basicaer._engine.gradient.levels import Level, Site
from basicaer._engine.program import DENSE, Gates, Kind, Prepare, Program, Reset

MOST_GATES = 1 << 14
"""Maximum number of gates planned together: planning cannot be interrupted."""
MOST_TERMS = 1 << 10
"""Inner products from which on a batch ends: each takes memory for itself in each row of sums."""


def check_differentiable(program: Program) -> None:
    """Raises an `EngineError` unless a program is gates, on qubits that may be prepared first."""
    touched: set = set()
    for operation in program.body:
        if isinstance(operation, Gates):
            touched.update(operation.qubits.tolist())
            continue
        if isinstance(operation, Reset) and operation.qubit not in touched:
            continue
        if isinstance(operation, Prepare) and touched.isdisjoint(operation.qubits):
            touched.update(operation.qubits)
            continue
        name = type(operation).__name__
        if isinstance(operation, Reset):
            what = f"qubit {operation.qubit} is reset after gates"
        elif isinstance(operation, Prepare):
            what = f"qubits {operation.qubits} are prepared after gates"
        elif name == "Measure":
            what = f"qubit {operation.qubit} is measured"  # type: ignore[union-attr]
        else:
            what = f"its operation {name} depends on classical bits"
        raise EngineError(f'circuit "{program.name}" has no derivative: {what}.')


def joined(runs: Sequence[Any]) -> Gates:
    """Returns gate runs as one; kinds that several of them have may be listed again."""
    if len(runs) == 1:
        only: Gates = runs[0]
        return only
    kinds: List[Kind] = []
    kind, start, qubits, offset = [], [np.zeros(1, np.int32)], [], []
    end = held = 0
    for each in runs:
        kind.append(each.kind + np.int32(len(kinds)))
        kinds.extend(each.kinds)
        start.append(each.start[1:] + np.int32(end))
        qubits.append(each.qubits)
        offset.append(each.offset + held)
        end += len(each.qubits)
        held += len(each.coefficients)
    return Gates(
        tuple(kinds),
        np.concatenate([np.zeros(0, np.int32), *kind]),
        np.concatenate(start),
        np.concatenate([np.zeros(0, np.int32), *qubits]),
        np.concatenate([np.zeros(0, np.int64), *offset]),
        coefficients_of(runs),
    )


def coefficients_of(runs: Sequence[Any]) -> np.ndarray:
    """Returns the coefficients of gate runs, one behind the other."""
    if len(runs) == 1:
        only: np.ndarray = runs[0].coefficients
        return only
    return np.concatenate([np.zeros(0, np.complex128), *[each.coefficients for each in runs]])


def alike(body: Sequence[Any], other: Sequence[Any]) -> bool:
    """Returns whether two bodies differ in coefficients only."""
    if len(body) != len(other):
        return False
    for a, b in zip(body, other):
        if a is b:
            continue
        if type(a) is not type(b):
            return False
        if not isinstance(a, Gates):
            if isinstance(a, Prepare) and a.qubits == b.qubits:
                continue
            if isinstance(a, Prepare) or a != b:
                return False
            continue
        if a.kinds != b.kinds or len(a.coefficients) != len(b.coefficients):
            return False
        for name in ("kind", "start", "qubits", "offset"):
            one, two = getattr(a, name), getattr(b, name)
            if one is not two and not np.array_equal(one, two):
                return False
    return True


def inverse_kind(kind: Kind) -> Kind:
    """Returns the kind of the inverse gates."""
    if kind.form != DENSE or kind.pattern < 0:
        return kind
    size = 1 << kind.num_targets
    pattern = 0
    for i in range(size * size):
        if kind.pattern >> i & 1:
            pattern |= 1 << (i % size * size + i // size)
    return kind._replace(pattern=pattern)


def inverse_layout(run: Gates) -> Tuple[np.ndarray, np.ndarray]:
    """Returns where to take the coefficients of the inverse gates from, and each gate's offset.

    The inverse gates' coefficients are ``coefficients[where].conj()``.
    """
    known: Dict[Tuple[int, int, int], int] = {}
    where: List[np.ndarray] = [np.zeros(0, dtype=np.int64)]
    offsets = np.zeros(len(run), dtype=np.int64)
    held = 0
    for gate, (number, offset) in enumerate(zip(run.kind.tolist(), run.offset.tolist())):
        kind = run.kinds[number]
        key = (offset, kind.form, kind.num_targets)
        place = known.get(key)
        if place is None:
            place = known[key] = held
            size = 1 << kind.num_targets
            indices = np.arange(size if kind.form != DENSE else size * size)
            if kind.form == DENSE:
                indices = indices.reshape(size, size).T.reshape(-1)
            where.append(offset + indices)
            held += len(indices)
        offsets[gate] = place
    return np.concatenate(where), offsets


class Batch(NamedTuple):
    """Levels that are taken back by one plan: their gates, inverted, in reverse order.

    Attributes:
        gates: the inverse gates; `Gates.refilled` gives them other coefficients.
        cuts: for each level, the gates in front of its cut, all levels above it.
        sites: for each level, its sites.
    """

    gates: Gates
    cuts: Tuple[int, ...]
    sites: List[List[Site]]


def batches_of(inverse: Gates, levels: Sequence[Level]) -> List[Batch]:
    """Returns the levels of a gate run in batches, the last level first.

    Args:
        inverse: the inverse of each gate of the run, in the order of the gates.
        levels: of its gates; those of the first are not taken back.
    """
    batches: List[Batch] = []
    gates: List[int] = []
    cuts: List[int] = []
    sites: List[List[Site]] = []

    def finish() -> None:
        if not cuts or cuts[-1] < len(gates):  # a level was divided: nothing is taken at its end
            cuts.append(len(gates))
            sites.append([])
        batches.append(Batch(_chosen(inverse, gates), tuple(cuts), list(sites)))
        for each in (gates, cuts, sites):
            each.clear()

    terms = 0
    for place in range(len(levels) - 1, -1, -1):
        above = levels[place + 1].gates[::-1] if place + 1 < len(levels) else []
        for first in range(0, len(above), MOST_GATES):
            some = above[first : first + MOST_GATES]
            if len(gates) + len(some) > MOST_GATES:
                finish()
            gates.extend(some)
        cuts.append(len(gates))
        sites.append(levels[place].sites)
        terms += sum(len(site.flips) << len(site.targets) for site in levels[place].sites)
        if terms >= MOST_TERMS:
            finish()
            terms = 0
    if cuts:
        finish()
    return batches


def _chosen(run: Gates, gates: List[int]) -> Gates:
    """Returns a gate run of some gates of another one, with all of its coefficients."""
    chosen = np.array(gates, dtype=np.int64)
    start = np.zeros(len(gates) + 1, dtype=np.int32)
    np.cumsum(np.diff(run.start)[chosen], out=start[1:])
    qubits = [run.qubits[run.start[gate] : run.start[gate + 1]] for gate in gates]
    held = np.concatenate([np.zeros(0, np.int32), *qubits])
    return Gates(run.kinds, run.kind[chosen], start, held, run.offset[chosen], run.coefficients)
