"""`StatevectorSampler`: shots of the measurements of circuits (primitives V2)."""

from __future__ import annotations

import warnings
from typing import Any, Dict, Iterable, List, Sequence, Tuple, Union

import numpy as np
from qiskit.primitives.containers import BitArray, DataBin, PrimitiveResult, SamplerPubResult
from qiskit.primitives.containers.sampler_pub import SamplerPub

from basicaer._engine.allowance import allowance_of
from basicaer._engine.execute import execute
from basicaer._engine.final_states import Ending, ending_of
from basicaer._engine.program import Program, While, operations_of
from basicaer._engine.shots.outcomes import CumulativeTable
from basicaer._engine.task import Task, method_of
from basicaer._qiskit.errors import raises_public_errors
from basicaer._qiskit.points import Point, Points, States
from basicaer._qiskit.versions import primitive_bases_v2
from basicaer.primitives._job import PrimitiveJob, submit
from basicaer.primitives._pubs import (
    Block,
    Draws,
    Pub,
    PubPrimitive,
    blocks_of,
    listed,
    table_of,
    without_points,
)

_WORD = 64


def _shots_ending(program: Program) -> Ending:
    """Returns how a program ends; one without a final state is run shot by shot, as it is."""
    ending = ending_of(program)
    if ending.why is None:
        return ending
    loops = any(isinstance(operation, While) for operation in operations_of(program.body))
    return Ending({}, states=0, loops=loops)


class StatevectorSampler(PubPrimitive, primitive_bases_v2()[0]):  # type: ignore[misc]
    """Shots of the measurements of circuits, in place of Qiskit's class of the same name.

    With a seed the shots are the same as Qiskit's. Beyond those, circuits may measure in the middle
    and have control flow; their shots are those of the qasm simulator, whose seed is drawn from the
    generator. Jobs run in the background, their points on all cores.

    Args:
        default_shots: the shots of PUBs that do not say how many.
        seed: None, an int that seeds the draws of each point anew, or a Generator, from which the
            points draw in turn.
        state_precision: "double" or "single", of the amplitudes.
        max_parallel_threads: the most threads; 0 for one a core.
    """

    @raises_public_errors
    def __init__(
        self,
        *,
        default_shots: int = 1024,
        seed: Union[np.random.Generator, int, None] = None,
        state_precision: str = "double",
        max_parallel_threads: int = 0,
    ) -> None:
        """Makes a sampler."""
        super().__init__(seed, state_precision, max_parallel_threads)
        self._default_shots = default_shots

    @property
    def default_shots(self) -> int:
        """The shots of PUBs that do not say how many."""
        return self._default_shots

    @raises_public_errors
    def run(self, pubs: Iterable[Any], *, shots: Union[int, None] = None) -> PrimitiveJob:
        """Returns the job that samples PUBs; bad input raises here, not in the job.

        Args:
            pubs: circuits, or tuples (circuit, values of its parameters, shots), of which the later
                ones may be left out.
            shots: of PUBs that do not say how many; None for `default_shots`.

        Raises:
            TypeError: a PUB, or its shots, has a wrong type.
            ValueError: shots, or the number of values, is not right.
            BasicAerError: a circuit is not valid, or memory is too small.
        """
        wanted = self._default_shots if shots is None else shots
        coerced = [_pub(pub, wanted) for pub in listed(pubs, "StatevectorSampler")]
        if any(not pub.circuit.cregs for pub in coerced):
            warnings.warn(
                "A circuit has no classical registers, so that its result is empty. Are its "
                "measurements missing?",
                UserWarning,
                stacklevel=3,
            )
        draws = Draws(self._seed)
        samples = [
            _Samples(block, draws)
            for block in blocks_of(coerced, self._known_circuits, _shots_ending)
        ]
        rows = [row for each in samples for row in each.block.rows]
        owner = [each for each in samples for _ in each.block.rows]

        def results() -> PrimitiveResult:
            return PrimitiveResult([each.result() for each in samples], metadata={"version": 2})

        if not rows:
            for each in samples:
                each.allocate()
            return without_points(results)
        points = Points(
            [each.block.lowered for each in owner],
            rows,
            self._using,
            each=max(each.bytes_of_a_point(self._using) for each in samples),
            held=sum(each.bytes_held() for each in samples),
            in_order=draws.is_shared,
        )

        def use(point: Point, program: Program, states: States, threads: int) -> None:
            sampler: Any = None  # PUBs with this circuit and these values share the state
            for position in point.positions:
                each = owner[position]
                if each.is_run_by_shots:
                    task = each.task(program, self._using.precision, threads)
                    each.put(position, execute(task, points.control).memory)
                    continue
                if sampler is None:
                    sampler = each.sampler(states, threads)
                each.put(position, each.drawn(sampler))

        def work() -> PrimitiveResult:
            for each in samples:
                each.allocate()
            points.run(use)
            return results()

        return submit(points, work, brief=True)


def _pub(pub: Any, shots: Any) -> Any:
    """Returns a PUB, checked by Qiskit's own class unless it is of the common form."""
    if pub.__class__ is tuple and len(pub) == 2 and shots.__class__ is int and shots > 0:
        table = table_of(*pub)
        if table is not None:
            return Pub(pub[0], None, table, table.shape[:-1], shots=shots)
    return SamplerPub.coerce(pub, shots)


class _Samples:
    """The shots of a PUB.

    Attributes:
        block: the PUB.
        is_run_by_shots: whether its circuit has no final state to draw from.
    """

    def __init__(self, block: Block, draws: Draws) -> None:
        self.block = block
        self._draws = draws
        self._shots: int = block.pub.shots
        circuit = block.pub.circuit
        ending = block.ending() or Ending({})
        self.is_run_by_shots = ending.states == 0
        self._qubits = sorted(set(ending.qubits.values()))
        place = {qubit: index for index, qubit in enumerate(self._qubits)}
        index_of = {clbit: index for index, clbit in enumerate(circuit.clbits)}
        self._bits: Dict[str, List[Union[int, None]]] = {}
        for register in circuit.cregs:
            clbits = [index_of[clbit] for clbit in register]
            self._bits[register.name] = (
                list(clbits)
                if self.is_run_by_shots
                else [
                    place[ending.qubits[clbit]] if clbit in ending.qubits else None
                    for clbit in clbits
                ]
            )
        self._arrays: Dict[str, np.ndarray] = {}

    # --- memory ---------------------------------------------------------------------------------

    def bytes_held(self) -> int:
        """Returns the bytes of the result."""
        a_shot = sum(-(-len(bits) // 8) for bits in self._bits.values())
        return len(self.block.rows) * self._shots * a_shot

    def bytes_of_a_point(self, using: Any) -> int:
        """Returns the bytes that a point takes besides its state."""
        if self.is_run_by_shots:
            (program,) = self.block.lowered.sweep.programs(np.array(self.block.rows[:1], ndmin=2))
            return allowance_of(
                program,
                method_of(program, "counts", self._shots, branching=True, allow_sampling=True),
                shots=self._shots,
                precision=using.precision,
                threads=using.threads,
            ).need
        return (24 << len(self._qubits)) + 40 * self._shots

    def allocate(self) -> None:
        """Makes the arrays of the result."""
        self._arrays = {
            name: np.zeros((len(self.block.rows), self._shots, -(-len(bits) // 8)), dtype=np.uint8)
            for name, bits in self._bits.items()
        }

    # --- shots ----------------------------------------------------------------------------------

    def task(self, program: Program, precision: str, threads: int) -> Task:
        """Returns the task of one point's shots."""
        seed = int(self._draws.generator().integers(1 << 32))
        return Task(program, shots=self._shots, seed=seed, precision=precision, threads=threads)

    def sampler(self, states: States, threads: int) -> Any:
        """Returns a function from uniforms to outcomes of the measured qubits, of final states."""
        if not self._qubits:
            return _nothing
        weight, state = next(states)
        other = next(states, None)
        if other is None:
            return state.sampler(self._qubits, self._shots, threads)
        chances = weight * state.probabilities(self._qubits, threads)
        while other is not None:
            weight, state = other
            chances += weight * state.probabilities(self._qubits, threads)
            other = next(states, None)
        return CumulativeTable(chances, self._shots).draw

    def drawn(self, sampler: Any) -> np.ndarray:
        """Returns the outcomes of one point, uint64, shape (shots, 1)."""
        outcomes: np.ndarray = sampler(self._draws.uniforms(self._shots))
        return outcomes.view(np.uint64).reshape(self._shots, 1)

    def put(self, position: int, words: np.ndarray) -> None:
        """Stores the outcomes of a point.

        Args:
            position: of the point in the call.
            words: uint64, shape (shots, words), the least significant word first.
        """
        for name, bits in self._bits.items():
            self._arrays[name][position - self.block.first] = packed(words, bits)

    def result(self) -> SamplerPubResult:
        """Returns the result of the PUB."""
        pub = self.block.pub
        arrays = {
            name: BitArray(
                self._arrays[name].reshape(*pub.shape, self._shots, -(-len(bits) // 8)), len(bits)
            )
            for name, bits in self._bits.items()
        }
        return SamplerPubResult(
            DataBin(**arrays, shape=pub.shape),
            metadata={"shots": pub.shots, "circuit_metadata": pub.circuit.metadata},
        )


def _nothing(uniforms: np.ndarray) -> np.ndarray:
    """Returns the outcomes of no qubits."""
    return np.zeros(len(uniforms), dtype=np.int64)


def packed(words: np.ndarray, bits: Sequence[Union[int, None]]) -> np.ndarray:
    """Returns bits of outcomes as a `BitArray` has them: bytes, the most significant first.

    Args:
        words: outcomes, uint64, shape (shots, words), the least significant word first.
        bits: which bit of the outcome each bit of the result is, the least significant first; None
            for 0.

    Returns:
        uint8, shape (shots, ceil(len(bits) / 8)).
    """
    shots, width = len(words), -(-len(bits) // 8)
    out = np.empty((shots, -(-len(bits) // _WORD)), dtype=np.uint64)
    for first in range(0, len(bits), _WORD):
        value = out[:, first // _WORD]
        value[:] = 0
        for source, target, count in _stretches(bits[first : first + _WORD]):
            taken = words[:, source // _WORD] >> np.uint64(source % _WORD)
            if count < _WORD:
                taken = taken & np.uint64((1 << count) - 1)
            value |= taken << np.uint64(target)
    raw = np.ascontiguousarray(out, dtype="<u8").view(np.uint8)
    return raw.reshape(shots, -1)[:, :width][:, ::-1]


def _stretches(bits: Sequence[Union[int, None]]) -> List[Tuple[int, int, int]]:
    """Returns (source, target, count) of bits that lie side by side within one word."""
    found: List[Tuple[int, int, int]] = []
    for target, source in enumerate(bits):
        if source is None:
            continue
        if found:
            begin, to, count = found[-1]
            if source == begin + count and target == to + count and source % _WORD:
                found[-1] = begin, to, count + 1
                continue
        found.append((source, target, 1))
    return found
