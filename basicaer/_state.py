"""The amplitudes, and all that is done to them: what the kernels know, as one object.

A state keeps its amplitudes in the lane layout (see `_kernels`) from the first gate to the last and
is turned into Qiskit's order only when it is handed out. It also knows which qubits can be other
than |0>: the rest of its memory has never been touched.
"""

from __future__ import annotations

import functools
import time
from typing import TYPE_CHECKING, Any, Callable, Dict, List, Sequence, Tuple

import numpy as np

from basicaer import _buffers, _outcomes, _small
from basicaer._control import go_on
from basicaer._costs import PASS_GATES, PLAN_GATE_NS, PLAN_NS, PLANNED_NS, block_qubits
from basicaer._dispatch import kernels
from basicaer._memory import SAMPLED_IN_PLACE
from basicaer._pool import cooperate
from basicaer._prepared import Prepared
from basicaer._program import Gates
from basicaer._sums import strings, summation
from basicaer._work import worth_threads

if TYPE_CHECKING:
    from basicaer._amplitudes import Masks
    from basicaer._control import Control

_REAL: Dict[str, Any] = {"double": np.dtype(np.float64), "single": np.dtype(np.float32)}
_COMPLEX: Dict[str, Any] = {"double": np.dtype(np.complex128), "single": np.dtype(np.complex64)}

_LANE_BITS = {1: 0, 2: 1, 4: 2, 8: 3, 16: 4}

_SAMPLE_BLOCK = 4096
"""Amplitudes of a block when samples are drawn without that table."""

_PART = 1 << 18
"""Amplitudes that are gone through between two looks at whether the job was cancelled."""
_PLANNED_AT_ONCE = 1 << 14
"""Gates that are planned together: planning is not interrupted, and takes more than twice the time
for twice the gates, where one more pass over the state is nothing beside so many."""

_UNPLANNED = _small.MOST_QUBITS
"""Qubits up to which gates may be applied one by one, where to plan them would take longer."""
_FEW = 64
"""Gates up to which that is always so for a run that is applied once."""
_SMALL = 1 << 13
"""Reals below which a fresh state is allocated and run by one call."""
_NO_FLAGS = np.zeros(8, dtype=np.int64)


def _parts(count: int, step: int) -> List[Tuple[int, int]]:
    """Returns the ends of the parts of `count` things, of at most `step` of them."""
    if count <= step:
        return [(0, count)]
    return [(first, min(first + step, count)) for first in range(0, count, step)]


class State:
    """2**n amplitudes.

    Attributes:
        num_qubits: n.
        precision: "double" (complex128) or "single" (complex64).
        check: called between parts of what takes long; what it raises is raised, and the state is
            spoilt then. Copies have the same.
    """

    __slots__ = (
        "_amplitude",
        "_dirty",
        "_lane_bits",
        "_live",
        "_memory",
        "_width",
        "check",
        "norm",
        "num_qubits",
        "planning",
        "precision",
    )

    def __init__(
        self,
        num_qubits: int,
        precision: str,
        memory: np.ndarray | None = None,
        check: Callable[[], None] = go_on,
    ) -> None:
        self.num_qubits = num_qubits
        self.check = check
        self.precision = precision
        self._lane_bits = _LANE_BITS[kernels.LANES[precision]]
        self._width = max(num_qubits, self._lane_bits)
        # The reals, in lane layout; None for a fresh state, which is only its one amplitude.
        self._memory = memory
        self._amplitude: complex = 1.0
        # Mask of the qubits that can be other than |0>.
        self._live = 0
        # Whether memory in which there is no live amplitude may hold anything but zeros.
        self._dirty = False
        # Seconds that planning took, and the sum of all probabilities when it was last seen.
        self.planning = 0.0
        self.norm = 1.0

    @classmethod
    def zero(
        cls, num_qubits: int, precision: str = "double", check: Callable[[], None] = go_on
    ) -> State:
        """Returns |0...0>."""
        return cls(num_qubits, precision, None, check)

    @classmethod
    def _blank(cls, num_qubits: int, precision: str, check: Callable[[], None]) -> State:
        """Returns a state all of whose amplitudes are 0 and live."""
        state = cls(num_qubits, precision, None, check)
        state._memory = _buffers.zeros(2 << state._width, _REAL[precision])
        state._live = (1 << num_qubits) - 1
        return state

    def _allocate(self) -> np.ndarray:
        """Returns the reals, for whom a stale value outside the live amplitudes does not matter."""
        if self._memory is None:
            count, dtype = 2 << self._width, _REAL[self.precision]
            lanes = 1 << self._lane_bits
            self._memory, self._dirty = _buffers.empty(count, dtype)
            if self._dirty:
                self._memory[: 2 * lanes] = 0
            self._memory[0] = self._amplitude.real
            self._memory[lanes] = self._amplitude.imag
        return self._memory

    @property
    def _reals(self) -> np.ndarray:
        """The reals, zeros wherever there is no live amplitude."""
        reals = self._allocate()
        if self._dirty:
            self._dirty = False
            live = self._live >> self._lane_bits
            if live != self._pairs - 1:
                kernels.clear_outside(reals, live, 0, self._pairs)
        return reals

    @classmethod
    def from_amplitudes(
        cls, array: np.ndarray, precision: str = "double", check: Callable[[], None] = go_on
    ) -> State:
        """Returns the state of the given amplitudes, shape (2**n,)."""
        array = np.asarray(array).reshape(-1)
        state = cls._blank(len(array).bit_length() - 1, precision, check)
        reals = state._reals
        amplitudes = reals.view(_COMPLEX[precision])
        for first in range(0, len(array), _PART):
            check()
            part = array[first : first + _PART]
            amplitudes[first : first + len(part)] = part
        for first, last in _parts(state._pairs, _PART >> state._lane_bits):
            check()
            kernels.deinterleave(reals, first, last)
        return state

    @classmethod
    def identity(
        cls, num_qubits: int, precision: str = "double", check: Callable[[], None] = go_on
    ) -> State:
        """Returns ``sum_i |i>|i>`` on 2n qubits: the identity, row-major, its row the high bits."""
        state = cls._blank(2 * num_qubits, precision, check)
        reals = state._reals
        diagonal = np.arange(1 << num_qubits, dtype=np.int64) * ((1 << num_qubits) + 1)
        lanes = 1 << state._lane_bits
        # To write to a page for the first time takes its time, and numpy keeps the GIL.
        for first, last in _parts(len(diagonal), max(1, _PART >> num_qubits)):
            check()
            part = diagonal[first:last]
            reals[(part // lanes) * 2 * lanes + part % lanes] = 1
        return state

    @property
    def _pairs(self) -> int:
        return 1 << (self._width - self._lane_bits)

    @property
    def _worth_threads(self) -> bool:
        """Whether several threads pay where all amplitudes are gone through once."""
        return worth_threads(PASS_GATES << self._width)

    def copy(self) -> State:
        """Returns an independent copy."""
        source, check = self._reals, self.check
        reals, _ = _buffers.empty(2 << self._width, _REAL[self.precision])
        for first in range(0, len(reals), 2 * _PART):
            check()
            reals[first : first + 2 * _PART] = source[first : first + 2 * _PART]
        other = State(self.num_qubits, self.precision, reals, check)
        other._live = self._live
        return other

    def to_array(self, threads: int = 1, chop: float = 0.0) -> np.ndarray:
        """Returns the amplitudes, shape (2**n,), in Qiskit's order. The state is spent by it.

        Args:
            threads: the most to use.
            chop: amplitudes whose absolute value is below it become 0.
        """
        reals, pairs, check = self._reals, self._pairs, self.check
        self._memory = None
        if not self._worth_threads:
            kernels.interleave(reals, 0, pairs, chop)
        else:
            step = min(_PART >> self._lane_bits, max(1, pairs // (8 * threads)))
            starts = iter(range(0, pairs, step))

            def work() -> None:
                for first in starts:  # next() of a range's iterator is atomic
                    check()
                    kernels.interleave(reals, first, min(first + step, pairs), chop)

            cooperate(work, threads)
        array: np.ndarray = reals.view(_COMPLEX[self.precision])
        return array if self.num_qubits == self._width else array[: 1 << self.num_qubits]

    # --- gates ---------------------------------------------------------------------------------

    def apply(
        self,
        gates: Gates,
        *,
        shift: int = 0,
        threads: int = 1,
        fusion: bool = True,
        control: Control | None = None,
        again: bool = False,
    ) -> Dict[str, float]:
        """Applies a run of gates.

        Args:
            gates: the run.
            shift: added to each of its qubits.
            threads: the most to use.
            fusion: False keeps each gate an operation of its own.
            control: cancels and counts.
            again: whether the run may be applied to other states too, so that its plan is kept for
                them.

        Returns:
            What the plan was: "gates", "fused_gates", "passes", "operations", "amplitude_gates".

        Raises:
            Cancelled: if `control` says so; the state is spoilt then.
        """
        if len(gates) > _PLANNED_AT_ONCE:
            total: Dict[str, float] = {}
            for part in gates.parts(_PLANNED_AT_ONCE):
                if control is not None:
                    control.check()
                found = self.apply(
                    part,
                    shift=shift,
                    threads=threads,
                    fusion=fusion,
                    control=control,
                    again=again,
                )
                for name, value in found.items():
                    total[name] = total.get(name, 0) + value
            return total
        if self.num_qubits <= _UNPLANNED and self._needs_no_plan(gates, again):
            return self._apply_one_by_one(gates, shift, control)
        capacity = block_qubits(self._width, self.precision) - self._lane_bits
        key = (self._width, self._live, self.precision, capacity, shift, fusion, kernels)
        prepared = gates.plans.prepared.get(key)
        if prepared is None:
            begun = time.perf_counter()
            prepared = gates.plans.prepared[key] = Prepared(
                gates,
                kernels,
                _REAL[self.precision],
                num_qubits=self._width,
                live=self._live,
                lane_bits=self._lane_bits,
                capacity=capacity,
                shift=shift,
                fusion=fusion,
            )
            self.planning += time.perf_counter() - begun
        self._run(prepared, threads, control)
        return prepared.summary

    def _needs_no_plan(self, gates: Gates, again: bool) -> bool:
        """Returns whether to apply the gates one by one takes less time than their plan.

        It depends on nothing but the gates and `again`, since the order of sums does.
        """
        if len(gates.kinds) > _small.MOST_KINDS:
            return False
        count = len(gates.kind)
        if not again and count <= _FEW:
            return True
        key = (self.num_qubits, again)
        known = gates.plans.needless.get(key)
        if known is None:
            most = PLANNED_NS if again else PLAN_NS + PLAN_GATE_NS * count
            known = _small.nanoseconds(self.num_qubits, gates.kinds, gates.kind) <= most
            gates.plans.needless[key] = known
        return known

    def _apply_one_by_one(
        self, gates: Gates, shift: int, control: Control | None
    ) -> Dict[str, float]:
        flags = control.flags if control is not None else _NO_FLAGS
        count = len(gates.kind)
        _small.apply(
            self._reals,
            self._lane_bits,
            self.num_qubits,
            gates.kinds,
            gates.kind,
            gates.start,
            gates.qubits,
            gates.offset,
            gates.coefficients,
            shift,
            flags,
        )
        self._live = (1 << self.num_qubits) - 1
        if control is not None:
            control.check()
        return {
            "gates": count,
            "fused_gates": count,
            "passes": 1,
            "operations": count,
            "amplitude_gates": float(count << self.num_qubits),
        }

    def _run(self, prepared: Prepared, threads: int, control: Control | None) -> None:
        executable = prepared.executable
        flags = control.flags if control is not None else _NO_FLAGS
        count = 2 << self._width
        if self._live == 0 and prepared.scalar != 1:
            self.scale(prepared.scalar)
        if self._memory is None and count < _SMALL:
            value = self._amplitude
            memory, skip = executable.start(count, value.real, value.imag, flags)
            self._memory = np.frombuffer(memory, _REAL[self.precision], count, skip)
        else:
            reals, dirty = self._allocate(), self._dirty
            sync = np.zeros(2 * prepared.num_passes, dtype=np.int64)
            threads = min(threads, prepared.max_blocks)
            if threads <= 1 or not worth_threads(prepared.summary["amplitude_gates"]):
                executable.run(reals, flags, sync, dirty)
            else:
                cooperate(lambda: executable.run(reals, flags, sync, dirty), threads)
        self._live = prepared.live
        if control is not None:
            control.check()

    def collapse(self, qubit: int, outcome: int, probability: float) -> None:
        """Projects `qubit` onto `outcome` and divides by the root of its probability."""
        self._project(qubit, outcome, False, probability)

    def reset(self, qubit: int, outcome: int, probability: float) -> None:
        """As `collapse`, and then moves the outcome to |0>."""
        self._project(qubit, outcome, True, probability)

    def _project(self, qubit: int, outcome: int, move: bool, probability: float) -> None:
        pairs = self._pairs if qubit < self._lane_bits else self._pairs // 2
        reals, factor = self._reals, probability**-0.5
        for first, last in _parts(pairs, _PART >> self._lane_bits):
            self.check()
            kernels.project(reals, qubit, outcome, move, factor, first, last)

    def prepare(self, qubits: Sequence[int], amplitudes: np.ndarray) -> None:
        """Brings `qubits`, all in |0>, to the state of the given amplitudes, shape (2**k,)."""
        values = np.ascontiguousarray(amplitudes, dtype=_COMPLEX[self.precision])
        self._prepare(self._reals, list(qubits), values)
        for qubit in qubits:
            self._live |= 1 << qubit

    def _prepare(self, reals: np.ndarray, qubits: List[int], values: np.ndarray) -> None:
        """Prepares a part of the state, in pieces between which the job can be cancelled."""
        highest = max(qubits, default=0)
        # What is above all of the qubits divides it into pieces of their own.
        step = max(_PART, 2 << max(self._lane_bits, 1 + highest))
        if step == _PART or highest < self._lane_bits:
            where, entries = np.array(qubits, dtype=np.int64), values.view(reals.dtype)
            for first, last in _parts(len(reals), step):
                self.check()
                kernels.prepare(reals[first:last], where, entries)
            return
        # The highest divides it in halves: what is in the lower one is in both, times its values.
        place = qubits.index(highest)
        rest = qubits[:place] + qubits[place + 1 :]
        halves = values.reshape(-1, 2, 1 << place)
        half = step // 2
        for first in range(0, len(reals), step):
            for begin, end in _parts(half, _PART):
                self.check()
                begin, end = first + begin, first + end
                reals[half + begin : half + end] = reals[begin:end]
            for bit, start in enumerate((first, first + half)):
                part = np.ascontiguousarray(halves[:, bit]).reshape(-1)
                self._prepare(reals[start : start + half], rest, part)

    def scale(self, factor: complex) -> None:
        """Multiplies all amplitudes by `factor`."""
        factor = complex(factor)
        if self._memory is None:
            self._amplitude *= factor
            return
        reals = self._reals
        for first, last in _parts(self._pairs, _PART >> self._lane_bits):
            self.check()
            kernels.scale(reals, factor.real, factor.imag, first, last)

    # --- probabilities -------------------------------------------------------------------------

    def norm_squared(self, threads: int = 1) -> float:
        """Returns the sum of all probabilities."""
        return float(self.probabilities((), threads)[0])

    def probabilities(self, qubits: Sequence[int], threads: int = 1) -> np.ndarray:
        """Returns the probabilities of the outcomes of measuring `qubits`.

        Args:
            qubits: distinct, in any order; the first is the least significant bit of the outcome.
            threads: the most to use.

        Returns:
            float64, shape (2**len(qubits),).
        """
        if self.num_qubits <= _UNPLANNED:
            return _small.probabilities(self._reals, self._lane_bits, self.num_qubits, qubits)
        low_bits, low_to, lane_to, lists, groups = summation(
            self._lane_bits, self._width - self._lane_bits, tuple(qubits)
        )
        out = np.zeros((1 << groups, 1 << len(qubits)))
        sync = np.zeros(1, dtype=np.int64)
        reals, dtype = self._reals, _REAL[self.precision]

        def work() -> None:
            scratch = _buffers.aligned((1 << low_bits) << self._lane_bits, dtype)
            kernels.probabilities(reals, low_bits, low_to, lane_to, *lists, out, sync, scratch)

        if self._worth_threads:
            cooperate(work, threads)
        else:
            work()
        return out[0] if groups == 0 else out.sum(axis=0)

    def expectations(self, x_masks: Masks, z_masks: Masks, threads: int = 1) -> np.ndarray:
        """Returns the expectation values of Pauli strings.

        Args:
            x_masks: for each string, bit q is set where it has X or Y on qubit q.
            z_masks: bit q is set where it has Z or Y on qubit q.
            threads: the most to use.

        Returns:
            float64, shape (len(x_masks),). With Y = iXZ a string is ``i**|x & z| X^x Z^z``, so its
            value is the real part of ``i**|x & z| sum_i (-1)**|i & z| conj(a[i ^ x]) a[i]``.
        """
        x = np.array(x_masks, dtype=np.int64)
        z = np.array(z_masks, dtype=np.int64)
        found = strings(x.tobytes(), z.tobytes())
        reals = self._reals
        shared = self._worth_threads
        rows = min(64, self._pairs) if shared else 1
        sums = np.zeros(rows * len(x))
        out = [sums[rows * a : rows * b].reshape(rows, -1) for a, b in found.spans]
        sync = np.zeros(len(out), dtype=np.int64)

        def work() -> None:
            scratch = _buffers.aligned(160 << self._lane_bits, reals.dtype)
            for group, (mask, signs, odd) in enumerate(found.groups):
                turn = sync[group : group + 1]
                kernels.expectations(reals, mask, signs, odd, out[group], turn, scratch)

        cooperate(work, threads if shared else 1)
        if shared:
            sums = np.concatenate([part.sum(axis=0) for part in out] or [sums])
        return found.factors * sums[found.places]

    def sample(self, qubits: Sequence[int], uniforms: np.ndarray, threads: int = 1) -> np.ndarray:
        """Draws outcomes of measuring `qubits`, as numpy's ``RandomState.choice(p=...)`` would.

        Args:
            qubits: ascending; the first is the least significant bit of the outcome.
            uniforms: float64, shape (shots,), the draws, in [0, 1).
            threads: the most to use.

        Returns:
            int64, shape (shots,).
        """
        if len(qubits) == self.num_qubits >= SAMPLED_IN_PLACE:
            return self._sampler_in_place(threads)(uniforms)
        self.norm, found = _outcomes.draw(self.probabilities(qubits, threads), uniforms)
        return found

    def sampler(self, qubits: Sequence[int], threads: int = 1) -> Callable[[np.ndarray], Any]:
        """Returns what `sample` does with its draws, for shots that are drawn in several parts.

        The state must not change as long as it is used.
        """
        if len(qubits) == self.num_qubits >= SAMPLED_IN_PLACE:
            return self._sampler_in_place(threads)
        cdf = self.probabilities(qubits, threads)
        self.check()
        cdf = cdf.cumsum()
        self.norm = float(cdf[-1])
        cdf /= cdf[-1]
        return functools.partial(_invert, cdf)

    def _sampler_in_place(self, threads: int) -> Callable[[np.ndarray], Any]:
        """Samples of all qubits: first the block, by the norms of all, then within each block."""
        norms = np.empty((1 << self._width) // _SAMPLE_BLOCK)
        sync = np.zeros(1, dtype=np.int64)
        reals = self._reals
        cooperate(lambda: kernels.block_norms(reals, _SAMPLE_BLOCK, norms, sync), threads)
        cdf = norms.cumsum()
        total = self.norm = float(cdf[-1])
        before = np.concatenate(([0.0], cdf[:-1]))
        cdf /= total
        return lambda uniforms: self._sample_in_place(uniforms, threads, cdf, before, total)

    def _sample_in_place(
        self,
        uniforms: np.ndarray,
        threads: int,
        cdf: np.ndarray,
        before: np.ndarray,
        total: float,
    ) -> np.ndarray:
        reals = self._reals
        targets = uniforms * total
        blocks = _invert(cdf, uniforms)
        # numpy sorts 16-bit integers by radix, larger ones by comparison.
        narrow = blocks.astype(np.uint16) if len(cdf) <= 1 << 16 else blocks
        order = np.argsort(narrow, kind="stable")
        sorted_blocks, sorted_targets = blocks[order], targets[order]
        del narrow, blocks, targets  # with very many shots they are worth it
        found = np.empty(len(uniforms), dtype=np.int64)
        step = max(1, -(-len(uniforms) // (4 * max(1, threads))))
        starts = iter(range(0, len(uniforms), step))

        def work() -> None:
            space = np.empty(_SAMPLE_BLOCK)
            for first in starts:
                last = min(first + step, len(uniforms))
                kernels.sample_blocks(
                    reals,
                    _SAMPLE_BLOCK,
                    before,
                    sorted_blocks,
                    sorted_targets,
                    found,
                    space,
                    first,
                    last,
                )

        cooperate(work, threads)
        out = np.empty_like(found)
        out[order] = found
        return out


def _invert(cdf: np.ndarray, uniforms: np.ndarray) -> np.ndarray:
    """``cdf.searchsorted(uniforms, side="right")``, within bounds, quick for many draws."""
    guide = np.empty(0, dtype=np.int64)
    if len(uniforms) > 4096:
        cells = 1 << min(16, len(cdf).bit_length())
        edges = np.arange(cells + 1) / cells
        guide = np.minimum(cdf.searchsorted(edges, side="right"), len(cdf) - 1).astype(np.int64)
    out = np.empty(len(uniforms), dtype=np.int64)
    kernels.invert_cdf(
        cdf, np.ascontiguousarray(uniforms, dtype=np.float64), guide, out, 0, len(out)
    )
    return out
