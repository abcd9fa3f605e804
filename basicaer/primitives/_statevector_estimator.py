"""`StatevectorEstimator`: expectation values of observables (primitives V2)."""

from __future__ import annotations

import math
from typing import Any, Iterable, List, Tuple, Union

import numpy as np
from qiskit.primitives.containers import DataBin, PrimitiveResult, PubResult
from qiskit.primitives.containers.estimator_pub import EstimatorPub
from qiskit.quantum_info import SparsePauliOp

from basicaer._engine.final_states import mixed_ending_of
from basicaer._engine.pauli_sums import PauliSum
from basicaer._engine.program import Program
from basicaer._qiskit.errors import raises_public_errors
from basicaer._qiskit.observables import Cache, broadcast_pairs, pauli_sums, values_of
from basicaer._qiskit.points import Point, Points, States
from basicaer._qiskit.recent import Recent
from basicaer._qiskit.versions import primitive_bases_v2
from basicaer.primitives._job import PrimitiveJob, submit
from basicaer.primitives._pubs import (
    Block,
    Draws,
    Pub,
    blocks_of,
    listed,
    table_of,
    using_of,
    without_points,
)


class StatevectorEstimator(primitive_bases_v2()[1]):  # type: ignore[misc]
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
        self._default_precision = default_precision
        self._seed = seed
        self._using = using_of(state_precision, max_parallel_threads)
        self._known_circuits = Recent()
        self._known_observables = Recent()
        Draws(seed)

    @property
    def default_precision(self) -> float:
        """The precision of PUBs that do not say which."""
        return self._default_precision

    @property
    def seed(self) -> Union[np.random.Generator, int, None]:
        """The seed."""
        return self._seed

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
            _Estimates(block, draws, self._known_observables.get)
            for block in blocks_of(coerced, self._known_circuits, mixed_ending_of)
        ]
        owner = [each for each in estimates for _ in each.block.rows]

        def results() -> PrimitiveResult:
            return PrimitiveResult([each.result() for each in estimates], metadata={"version": 2})

        if not owner:
            return without_points(results)
        points = Points(
            [each.block.lowered for each in owner],
            [row for each in estimates for row in each.block.rows],
            self._using,
            held=sum(2 * each.evs.nbytes for each in estimates),
        )

        def use(point: Point, program: Program, states: States, threads: int) -> None:
            wanted = [
                (owner[position].evs, pair)
                for position in point.positions
                for pair in owner[position].wanted(position)
            ]
            sums = [observable for _, (observable, _) in wanted]
            value = values_of(sums, states, threads, self._known_observables.get)
            for evs, (observable, target) in wanted:
                evs[target] = value[id(observable)]

        def work() -> PrimitiveResult:
            points.run(use)
            return results()

        return submit(points, work, brief=True)


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
    """

    def __init__(self, block: Block, draws: Draws, cached: Cache) -> None:
        self.block = block
        self._draws = draws
        pub = block.pub
        sums = pauli_sums(pub.observables, pub.circuit.num_qubits, cached)
        self._sums = sums.reshape(-1)
        _, self._pairs = broadcast_pairs(block.shape, sums.shape)
        self.evs = np.zeros(math.prod(pub.shape))

    def wanted(self, position: int) -> List[Tuple[PauliSum, int]]:
        """Returns the observables of a point of the call, and where their values go."""
        pairs = self._pairs[position - self.block.first]
        return [(self._sums[which], target) for which, target in pairs]

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
