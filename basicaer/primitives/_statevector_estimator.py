"""`StatevectorEstimator`: expectation values of observables (primitives V2)."""

from __future__ import annotations

import math
from typing import Any, Callable, Iterable, List, Sequence, Tuple, Union

import numpy as np
from qiskit.primitives.containers import DataBin, PrimitiveResult, PubResult
from qiskit.primitives.containers.estimator_pub import EstimatorPub
from qiskit.quantum_info import SparsePauliOp

from basicaer._engine.control import Control
from basicaer._engine.final_states import mixed_ending_of
from basicaer._engine.pauli_sums import PauliSum
from basicaer._engine.program import Program
from basicaer._jobs import queue
from basicaer._qiskit.errors import raises_public_errors
from basicaer._qiskit.observables import Cache, broadcast_pairs, pauli_sums, values_of
from basicaer._qiskit.points import Point, Points, States, Using
from basicaer._qiskit.recent import Recent
from basicaer._qiskit.small_rows import SmallRows, is_brief, submit_rows
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


class StatevectorEstimator(PubPrimitive, primitive_bases_v2()[1]):  # type: ignore[misc]
    """Expectation values of observables, in place of Qiskit's class of the same name.

    With a seed the values are the same as Qiskit's. Each state is computed once for all observables
    of its point, and each Pauli string once for all observables that have it. Jobs run in the
    background, their points on all cores.

    Where a qubit is reset in superposition, the value is the average over the outcomes; Qiskit
    draws one. Beyond Qiskit's class, circuits may measure in the middle and have control flow:
    values are exact averages over all outcomes. Measurements at the end of their qubit, whose
    outcome nothing reads, are left out: values are those before them. Outcomes of a while loop that
    take place with a probability below 1e-18 are not followed.

    Args:
        default_precision: the precision of PUBs that do not say which: the standard deviation of
            the normal distribution that each value is drawn from. 0.0 for exact values.
        seed: None, an int that seeds the draws of each PUB anew, or a Generator, from which the
            PUBs draw in turn.
        state_precision: "double" or "single", of the amplitudes.
        max_parallel_threads: the most threads; 0 for one a core.
    """

    @raises_public_errors
    def __init__(
        self,
        *,
        default_precision: float = 0.0,
        seed: Union[np.random.Generator, int, None] = None,
        state_precision: str = "double",
        max_parallel_threads: int = 0,
    ) -> None:
        """Makes an estimator."""
        super().__init__(seed, state_precision, max_parallel_threads)
        self._default_precision = default_precision
        self._known_observables = Recent()

    @property
    def default_precision(self) -> float:
        """The precision of PUBs that do not say which."""
        return self._default_precision

    @raises_public_errors
    def run(self, pubs: Iterable[Any], *, precision: Union[float, None] = None) -> PrimitiveJob:
        """Returns the job that estimates PUBs; bad input raises here, not in the job.

        Args:
            pubs: tuples (circuit, observables, values of its parameters, precision), of which the
                later ones may be left out. Observables and values are broadcast.
            precision: of PUBs that do not say which; None for `default_precision`.

        Raises:
            TypeError: a PUB, or its precision, has a wrong type.
            ValueError: the precision, the number of values, or a shape is not right.
            BasicAerError: a circuit or an observable is not valid, or memory is too small.
        """
        wanted = self._default_precision if precision is None else precision
        coerced = [_pub(pub, wanted) for pub in listed(pubs, "StatevectorEstimator")]
        draws = Draws(self._seed)
        estimates = [
            _Estimates(block, draws, self._known_observables.get, self._using)
            for block in blocks_of(coerced, self._known_circuits, mixed_ending_of)
        ]
        small = [each for each in estimates if each.small is not None]
        rest = [each for each in estimates if each.small is None]
        owner = [(each, point) for each in rest for point in range(len(each.block.rows))]

        def results() -> PrimitiveResult:
            return PrimitiveResult([each.result() for each in estimates], metadata={"version": 2})

        if not owner and not small:
            return without_points(results)
        if not owner:
            return self._small_only(small, results)
        points = Points(
            [each.block.lowered for each, _ in owner],
            [row for each in rest for row in each.block.rows],
            self._using,
            held=sum(2 * each.evs.nbytes for each in estimates),
        )

        def use(point: Point, program: Program, states: States, threads: int) -> None:
            wanted = [
                (each.evs, pair)
                for each, index in [owner[position] for position in point.positions]
                for pair in each.wanted(index)
            ]
            sums = [observable for _, (observable, _) in wanted]
            value = values_of(sums, states, threads, self._known_observables.get)
            for evs, (observable, target) in wanted:
                evs[target] = value[id(observable)]

        def work() -> PrimitiveResult:
            for each in small:
                each.compute(points.control)
            points.run(use)
            return results()

        return submit(points, work, brief=not small)

    @staticmethod
    def _small_only(
        small: Sequence[_Estimates], results: Callable[[], PrimitiveResult]
    ) -> PrimitiveJob:
        """Returns the job of PUBs all of which go by `SmallRows`."""
        control = Control()

        def work() -> PrimitiveResult:
            for each in small:
                each.compute(control)
            return results()

        if is_brief(sum(each.nanoseconds for each in small)):
            future = queue.run_brief(raises_public_errors(work), control)
        else:
            need = sum(each.required_bytes for each in small)
            future = submit_rows(work, control, need=need, points="the points of this call")
        return PrimitiveJob(future, control)


def _pub(pub: Any, precision: Any) -> Any:
    """Returns a PUB, checked by Qiskit's own class unless it is of the common form."""
    if (
        pub.__class__ is tuple
        and len(pub) == 3
        and precision.__class__ is float
        and precision >= 0
        and isinstance(pub[1], SparsePauliOp)
    ):
        circuit, observable, values = pub
        table = table_of(circuit, values)
        if table is not None and observable.num_qubits == circuit.num_qubits:
            return Pub(circuit, observable, table, table.shape[:-1], precision=precision)
    return EstimatorPub.coerce(pub, precision)


class _Estimates:
    """The expectation values of a PUB.

    Attributes:
        block: the PUB.
        evs: the exact values, flat.
        small: how many points of a small circuit are computed; None for others.
    """

    def __init__(self, block: Block, draws: Draws, cached: Cache, using: Using) -> None:
        self.block = block
        self._draws = draws
        pub = block.pub
        sums = pauli_sums(pub.observables, pub.circuit.num_qubits, cached)
        self._sums = sums.reshape(-1)
        _, self._pairs = broadcast_pairs(block.shape, sums.shape)
        self.evs = np.zeros(math.prod(pub.shape))
        several = len(block.rows) > 1 and len(self._sums)
        self.small = SmallRows.of(block.lowered, list(self._sums), using) if several else None
        if self.small is not None:
            block.lowered.sweep.check_finite(np.array(block.rows))

    @property
    def nanoseconds(self) -> float:
        """The estimated time of all points, if they are `small`."""
        return 0.0 if self.small is None else self.small.nanoseconds * len(self.block.rows)

    @property
    def required_bytes(self) -> int:
        """The bytes of all points, if they are `small`."""
        held = 2 * self.evs.nbytes
        return (
            held if self.small is None else held + self.small.required_bytes(len(self.block.rows))
        )

    def compute(self, control: Control) -> None:
        """Computes all points, which are `small`."""
        assert self.small is not None
        rows = np.array(self.block.rows).reshape(len(self.block.rows), -1)
        self.small.fill(rows, self._pairs, self.evs, control)

    def wanted(self, point: int) -> List[Tuple[PauliSum, int]]:
        """Returns the observables of a point of the PUB, and where their values go."""
        return [(self._sums[which], target) for which, target in self._pairs[point]]

    def result(self) -> PubResult:
        """Returns the result of the PUB; draws its noise."""
        pub = self.block.pub
        evs = self.evs
        if pub.precision:
            ending = self.block.ending()
            evs = self._noisy(float(pub.precision), 0 if ending is None else ending.resets)
        data = DataBin(evs=evs.reshape(pub.shape), stds=np.zeros(pub.shape), shape=tuple(pub.shape))
        return PubResult(
            data,
            metadata={"target_precision": pub.precision, "circuit_metadata": pub.circuit.metadata},
        )

    def _noisy(self, precision: float, resets: int) -> np.ndarray:
        generator = self._draws.generator()
        if not resets:
            return generator.normal(self.evs, precision)
        noisy = np.empty_like(self.evs)
        for place, value in enumerate(self.evs.tolist()):
            generator.random(resets)  # Qiskit draws the outcomes of resets from it
            noisy[place] = generator.normal(value, precision)
        return noisy
