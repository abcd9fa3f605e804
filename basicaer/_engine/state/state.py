"""The state: amplitudes and the operations on them, carried out by the kernels.

A state keeps its amplitudes in the lane layout (see `_kernels`) and converts them to Qiskit's order
only in `to_array`. It also tracks which qubits may differ from |0>; memory for other amplitudes
stays untouched.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Callable, Dict, List, Sequence, Tuple

import numpy as np

from basicaer._engine.control import no_check
from basicaer._engine.costs import PASS_GATES, block_qubits
from basicaer._engine.memory import SAMPLED_IN_PLACE
from basicaer._engine.plan.compiled_plan import CompiledPlan, compiled_plan
from basicaer._engine.program import Gates
from basicaer._engine.shots import outcomes
from basicaer._engine.state import buffers, small
from basicaer._engine.state.dispatch import kernels
from basicaer._engine.state.reduction_tables import strings, summation
from basicaer._engine.state.sampler import SamplerInPlace
from basicaer._engine.state.unplanned import needs_no_plan
from basicaer._engine.threads import cooperate
from basicaer._engine.work import worth_threads

if TYPE_CHECKING:
    from basicaer._engine.control import Control
    from basicaer._engine.state.amplitudes import Masks

_REAL: Dict[str, Any] = {"double": np.dtype(np.float64), "single": np.dtype(np.float32)}
_COMPLEX: Dict[str, Any] = {"double": np.dtype(np.complex128), "single": np.dtype(np.complex64)}

_LANE_BITS = {1: 0, 2: 1, 4: 2, 8: 3, 16: 4}

_CHUNK = 1 << 18
"""Amplitudes that are processed between two checks for cancellation."""
_PLANNED_AT_ONCE = 1 << 14
"""Maximum number of gates planned together. Planning cannot be interrupted, and takes more than
twice as long for twice the gates; one more pass over the state is negligible beside so many."""

_UNPLANNED = small.MOST_QUBITS
"""Maximum width at which gates may be applied one by one instead of planned."""
_ONE_CALL = 1 << 13
"""A fresh state with fewer reals is allocated and computed by one call."""
_NO_FLAGS = np.zeros(8, dtype=np.int64)


def _chunks(count: int, step: int) -> List[Tuple[int, int]]:
    """Returns (first, last) of consecutive chunks of range(count), of at most `step` each."""
    if count <= step:
        return [(0, count)]
    return [(first, min(first + step, count)) for first in range(0, count, step)]


class State:
    """2**n amplitudes.

    Attributes:
        num_qubits: n.
        precision: "double" (complex128) or "single" (complex64).
        check: called between chunks of long operations. It may raise; the state must not be used
            afterwards. Copies have the same `check`.
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
        check: Callable[[], None] = no_check,
    ) -> None:
        self.num_qubits = num_qubits
        self.check = check
        self.precision = precision
        self._lane_bits = _LANE_BITS[kernels.LANES[precision]]
        self._width = max(num_qubits, self._lane_bits)
        # The reals, in lane layout; None for a fresh state, which is `_amplitude` times |0...0>.
        self._memory = memory
        self._amplitude: complex = 1.0
        # Mask of the qubits that may differ from |0>.
        self._live = 0
        # Whether memory outside the live amplitudes may hold nonzero values.
        self._dirty = False
        # Seconds spent on planning, and the sum of all probabilities when it was last computed.
        self.planning = 0.0
        self.norm = 1.0

    @classmethod
    def zero(
        cls, num_qubits: int, precision: str = "double", check: Callable[[], None] = no_check
    ) -> State:
        """Returns |0...0>."""
        return cls(num_qubits, precision, None, check)

    @classmethod
    def _blank(cls, num_qubits: int, precision: str, check: Callable[[], None]) -> State:
        """Returns a state whose amplitudes are all 0 and live."""
        state = cls(num_qubits, precision, None, check)
        state._memory = buffers.zeros(2 << state._width, _REAL[precision])
        state._live = (1 << num_qubits) - 1
        return state

    def _allocate(self) -> np.ndarray:
        """Returns the reals; values outside the live amplitudes may be stale."""
        if self._memory is None:
            count, dtype = 2 << self._width, _REAL[self.precision]
            lanes = 1 << self._lane_bits
            self._memory, self._dirty = buffers.empty(count, dtype)
            if self._dirty:
                self._memory[: 2 * lanes] = 0
            self._memory[0] = self._amplitude.real
            self._memory[lanes] = self._amplitude.imag
        return self._memory

    @property
    def _reals(self) -> np.ndarray:
        """The reals, with zeros outside the live amplitudes."""
        reals = self._allocate()
        if self._dirty:
            self._dirty = False
            live = self._live >> self._lane_bits
            if live != self._pairs - 1:
                kernels.clear_outside(reals, live, 0, self._pairs)
        return reals

    def opened(self) -> np.ndarray:
        """Returns the reals, in lane layout, for code that may change any of them."""
        reals = self._reals
        self._live = (1 << self.num_qubits) - 1
        return reals

    @classmethod
    def from_amplitudes(
        cls, array: np.ndarray, precision: str = "double", check: Callable[[], None] = no_check
    ) -> State:
        """Returns the state of the given amplitudes, shape (2**n,)."""
        array = np.asarray(array).reshape(-1)
        state = cls._blank(len(array).bit_length() - 1, precision, check)
        reals = state._reals
        amplitudes = reals.view(_COMPLEX[precision])
        for first in range(0, len(array), _CHUNK):
            check()
            part = array[first : first + _CHUNK]
            amplitudes[first : first + len(part)] = part
        for first, last in _chunks(state._pairs, _CHUNK >> state._lane_bits):
            check()
            kernels.deinterleave(reals, first, last)
        return state

    @classmethod
    def identity(
        cls, num_qubits: int, precision: str = "double", check: Callable[[], None] = no_check
    ) -> State:
        """Returns the identity as a state of 2n qubits, row-major: the row is the high n bits."""
        state = cls._blank(2 * num_qubits, precision, check)
        reals = state._reals
        diagonal = np.arange(1 << num_qubits, dtype=np.int64) * ((1 << num_qubits) + 1)
        lanes = 1 << state._lane_bits
        # First writes to pages are slow, and numpy holds the GIL meanwhile.
        for first, last in _chunks(len(diagonal), max(1, _CHUNK >> num_qubits)):
            check()
            part = diagonal[first:last]
            reals[(part // lanes) * 2 * lanes + part % lanes] = 1
        return state

    @property
    def _pairs(self) -> int:
        return 1 << (self._width - self._lane_bits)

    @property
    def _worth_threads(self) -> bool:
        """Whether several threads pay for one pass over all amplitudes."""
        return worth_threads(PASS_GATES << self._width)

    def copy(self) -> State:
        """Returns an independent copy."""
        source, check = self._reals, self.check
        reals, _ = buffers.empty(2 << self._width, _REAL[self.precision])
        for first in range(0, len(reals), 2 * _CHUNK):
            check()
            reals[first : first + 2 * _CHUNK] = source[first : first + 2 * _CHUNK]
        other = State(self.num_qubits, self.precision, reals, check)
        other._live = self._live
        return other

    def to_array(self, threads: int = 1, chop: float = 0.0) -> np.ndarray:
        """Returns the amplitudes, shape (2**n,), in Qiskit's order.

        The array takes over the state's memory; the state must not be used afterwards.

        Args:
            threads: maximum number of threads.
            chop: amplitudes with a smaller absolute value become 0.
        """
        reals, pairs, check = self._reals, self._pairs, self.check
        self._memory = None
        if not self._worth_threads:
            kernels.interleave(reals, 0, pairs, chop)
        else:
            step = min(_CHUNK >> self._lane_bits, max(1, pairs // (8 * threads)))
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
        """Applies a gate run.

        Args:
            gates: the gate run.
            shift: added to each of its qubits.
            threads: maximum number of threads.
            fusion: False makes each gate an operation of its own.
            control: of the job: cancels, and counts the work.
            again: whether the gate run may be applied to other states too, so that planning it
                pays sooner.

        Returns:
            Statistics: "gates", "fused_gates", "passes", "operations", "amplitude_gates".

        Raises:
            Cancelled: the job was cancelled; the state must not be used afterwards.
        """
        if len(gates) > _PLANNED_AT_ONCE:
            total: Dict[str, float] = {}
            for chunk in gates.chunks(_PLANNED_AT_ONCE):
                if control is not None:
                    control.check()
                found = self.apply(
                    chunk,
                    shift=shift,
                    threads=threads,
                    fusion=fusion,
                    control=control,
                    again=again,
                )
                for name, value in found.items():
                    total[name] = total.get(name, 0) + value
            return total
        if self.num_qubits <= _UNPLANNED and needs_no_plan(self.num_qubits, gates, again):
            return self._apply_one_by_one(gates, shift, control)
        capacity = block_qubits(self._width, self.precision) - self._lane_bits
        key = (self._width, self._live, self.precision, capacity, shift, fusion, kernels)
        compiled = gates.plans.compiled.get(key)
        if compiled is None:
            begun = time.perf_counter()
            compiled = gates.plans.compiled[key] = compiled_plan(
                gates,
                key,
                kernels=kernels,
                dtype=_REAL[self.precision],
                num_qubits=self._width,
                live=self._live,
                lane_bits=self._lane_bits,
                capacity=capacity,
                shift=shift,
                fusion=fusion,
            )
            self.planning += time.perf_counter() - begun
        self._run(compiled, threads, control)
        return compiled.summary

    def _apply_one_by_one(
        self, gates: Gates, shift: int, control: Control | None
    ) -> Dict[str, float]:
        flags = control.flags if control is not None else _NO_FLAGS
        count = len(gates.kind)
        small.apply(
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

    def _run(self, compiled: CompiledPlan, threads: int, control: Control | None) -> None:
        executable = compiled.executable
        flags = control.flags if control is not None else _NO_FLAGS
        count = 2 << self._width
        if self._live == 0 and compiled.scalar != 1:
            self.scale(compiled.scalar)
        if self._memory is None and count < _ONE_CALL:
            value = self._amplitude
            memory, skip = executable.start(count, value.real, value.imag, flags)
            self._memory = np.frombuffer(memory, _REAL[self.precision], count, skip)
        else:
            reals, dirty = self._allocate(), self._dirty
            sync = np.zeros(2 * compiled.num_passes, dtype=np.int64)
            threads = min(threads, compiled.max_blocks)
            if threads <= 1 or not worth_threads(compiled.summary["amplitude_gates"]):
                executable.run(reals, flags, sync, dirty)
            else:
                cooperate(lambda: executable.run(reals, flags, sync, dirty), threads)
        self._live = compiled.live
        if control is not None:
            control.check()

    def collapse(self, qubit: int, outcome: int, probability: float) -> None:
        """Projects `qubit` onto `outcome` and divides by the square root of its probability."""
        self._project(qubit, outcome, False, probability)

    def reset(self, qubit: int, outcome: int, probability: float) -> None:
        """Does `collapse`, then moves the outcome to |0>."""
        self._project(qubit, outcome, True, probability)

    def _project(self, qubit: int, outcome: int, move: bool, probability: float) -> None:
        pairs = self._pairs if qubit < self._lane_bits else self._pairs // 2
        reals, factor = self._reals, probability**-0.5
        for first, last in _chunks(pairs, _CHUNK >> self._lane_bits):
            self.check()
            kernels.project(reals, qubit, outcome, move, factor, first, last)

    def prepare(self, qubits: Sequence[int], amplitudes: np.ndarray) -> None:
        """Brings `qubits`, all in |0>, to the state of the given amplitudes, shape (2**k,)."""
        values = np.ascontiguousarray(amplitudes, dtype=_COMPLEX[self.precision])
        self._prepare(self._reals, list(qubits), values)
        for qubit in qubits:
            self._live |= 1 << qubit

    def _prepare(self, reals: np.ndarray, qubits: List[int], values: np.ndarray) -> None:
        """Prepares `reals`, a section of the state, in chunks, with `check` called between them."""
        highest = max(qubits, default=0)
        # The qubits above all prepared ones divide it into independent blocks.
        step = max(_CHUNK, 2 << max(self._lane_bits, 1 + highest))
        if step == _CHUNK or highest < self._lane_bits:
            where, entries = np.array(qubits, dtype=np.int64), values.view(reals.dtype)
            for first, last in _chunks(len(reals), step):
                self.check()
                kernels.prepare(reals[first:last], where, entries)
            return
        # The highest prepared qubit halves it: copy the lower half, then prepare each half.
        place = qubits.index(highest)
        rest = qubits[:place] + qubits[place + 1 :]
        halves = values.reshape(-1, 2, 1 << place)
        half = step // 2
        for first in range(0, len(reals), step):
            for begin, end in _chunks(half, _CHUNK):
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
        for first, last in _chunks(self._pairs, _CHUNK >> self._lane_bits):
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
            threads: maximum number of threads.

        Returns:
            float64, shape (2**len(qubits),).
        """
        if self.num_qubits <= _UNPLANNED:
            return small.probabilities(self._reals, self._lane_bits, self.num_qubits, qubits)
        low_bits, low_to, lane_to, lists, groups = summation(
            self._lane_bits, self._width - self._lane_bits, tuple(qubits)
        )
        out = np.zeros((1 << groups, 1 << len(qubits)))
        sync = np.zeros(1, dtype=np.int64)
        reals, dtype = self._reals, _REAL[self.precision]

        def work() -> None:
            scratch = buffers.aligned((1 << low_bits) << self._lane_bits, dtype)
            kernels.probabilities(reals, low_bits, low_to, lane_to, *lists, out, sync, scratch)

        if self._worth_threads:
            cooperate(work, threads)
        else:
            work()
        return out[0] if groups == 0 else out.sum(axis=0)

    def expectations(self, x_masks: Masks, z_masks: Masks, threads: int = 1) -> np.ndarray:
        """Returns the expectation values of Pauli strings.

        Args:
            x_masks: for each string, bit q is set if it has X or Y on qubit q.
            z_masks: for each string, bit q is set if it has Z or Y on qubit q.
            threads: maximum number of threads.

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
            scratch = buffers.aligned(kernels.EXPECTATION_VECTORS << self._lane_bits, reals.dtype)
            for group, (mask, signs, odd) in enumerate(found.groups):
                turn = sync[group : group + 1]
                kernels.expectations(reals, mask, signs, odd, out[group], turn, scratch)

        cooperate(work, threads if shared else 1)
        if shared:
            sums = np.concatenate([part.sum(axis=0) for part in out] or [sums])
        return found.factors * sums[found.places]

    def sampler(
        self, qubits: Sequence[int], draws: int, threads: int = 1
    ) -> Callable[[np.ndarray], np.ndarray]:
        """Returns a function that draws outcomes of measuring `qubits`.

        They are those of the method ``choice(p=...)`` of NumPy's generators. The state must not
        change as long as the function is used.

        Args:
            qubits: ascending; the first is the least significant bit of the outcome.
            draws: roughly how many outcomes are drawn at a time.
            threads: maximum number of threads.

        Returns:
            A function from uniforms in [0, 1), float64 of shape (shots,), to outcomes, int64 of the
            same shape.
        """
        if len(qubits) == self.num_qubits >= SAMPLED_IN_PLACE:
            in_place = SamplerInPlace(kernels, self._reals, self._width, draws, threads)
            self.norm = in_place.total
            return in_place.draw
        probabilities = self.probabilities(qubits, threads)
        if len(probabilities) > _CHUNK:
            self.check()
        table = outcomes.CumulativeTable(probabilities, draws)
        self.norm = table.total
        return table.draw
