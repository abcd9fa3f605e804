"""`Estimator`: expectation values of observables."""

from __future__ import annotations

from copy import copy
from typing import Any, Dict, List, Sequence, Tuple, Union

import numpy as np
from qiskit.circuit import QuantumCircuit
from qiskit.primitives import EstimatorResult
from qiskit.quantum_info import SparsePauliOp

from basicaer._engine.final_states import unmeasured
from basicaer._engine.pauli_sums import PauliSum
from basicaer._engine.program import Program
from basicaer._qiskit.circuits.lowered import lowered_circuits
from basicaer._qiskit.errors import BasicAerError, raises_public_errors
from basicaer._qiskit.observables import pauli_sum
from basicaer._qiskit.points import Point, Points, States
from basicaer._qiskit.recent import Recent
from basicaer._qiskit.versions import primitive_bases
from basicaer.primitives._job import PrimitiveJob, submit
from basicaer.primitives._settings import Settings, plain_values, warn_of_unknown

_MOMENT_BYTES = 120
"""Bytes per amplitude that it takes to compute the variance of an observable."""


class Estimator(primitive_bases()[1]):  # type: ignore[misc]
    """Expectation values of observables.

    Run options, given to the constructor as a dict, to `set_options` or to `run`:

    - shots (None or int): None for exact values. Otherwise each value is drawn from a normal
      distribution whose mean is the exact value and whose standard deviation is the standard error
      of that many shots.
    - seed (None, int or numpy Generator): seed of these draws, which `run` makes in the order of
      the circuits.
    - precision ("double" or "single"): precision of the amplitudes.
    - max_parallel_threads (int): the most threads that a job uses; 0 for the number of processors.

    Resetting a qubit in superposition makes a mixed state; the values are those of that state.
    """

    def __init__(self, *, options: Union[Dict[str, Any], None] = None) -> None:
        """Makes an estimator; the options apply to all its runs."""
        super().__init__(options=options)
        self._known_circuits = Recent()
        self._known_observables = Recent()

    def run(
        self,
        circuits: Any,
        observables: Any,
        parameter_values: Any = None,
        **run_options: Any,
    ) -> PrimitiveJob:
        """Returns a job that computes expectation values; bad input raises here, not in the job.

        Args:
            circuits: a circuit or a list of circuits.
            observables: one for each circuit, on the same number of qubits.
            parameter_values: a row of values for each circuit, in the order of its `parameters`.
            run_options: see above; they override the options of the estimator.

        Raises:
            TypeError: an argument has a wrong type.
            ValueError: lengths or widths of arguments do not match.
            BasicAerError: a circuit has no final state, a run option is not valid, or memory is
                too small.
        """
        warn_of_unknown(self.options, run_options)
        values = plain_values(circuits, parameter_values)
        if (
            values is not None
            and isinstance(observables, (list, tuple))
            and len(observables) == len(circuits)
            and all(
                isinstance(observable, SparsePauliOp)
                and observable.num_qubits == circuit.num_qubits
                for circuit, observable in zip(circuits, observables)
            )
        ):
            options = copy(self.options)
            options.update_options(**run_options)
            return self._run(tuple(circuits), tuple(observables), tuple(values), **options.__dict__)
        return super().run(circuits, observables, parameter_values, **run_options)

    @raises_public_errors
    def _run(
        self,
        circuits: Tuple[QuantumCircuit, ...],
        observables: Tuple[Any, ...],
        parameter_values: Tuple[Tuple[float, ...], ...],
        **run_options: Any,
    ) -> PrimitiveJob:
        settings = Settings(run_options)
        sums = self._sums(observables)
        shots = settings.shots
        if shots is not None:
            for position, each in enumerate(sums):
                if not each.is_hermitian:
                    raise BasicAerError(
                        f"The observable at place {position} is not Hermitian: its coefficients "
                        "are complex. Only its exact value can be computed, with shots=None."
                    )
        points = Points(
            lowered_circuits(circuits, self._known_circuits, unmeasured),
            parameter_values,
            settings.using,
            memory=0 if shots is None else _MOMENT_BYTES,
        )
        # Drawn here, so that they do not depend on the order in which jobs run.
        generator = settings.generator
        normals = None if generator is None else generator.standard_normal(len(sums))

        def work() -> EstimatorResult:
            values = np.zeros(len(sums), dtype=np.complex128)
            squares = np.zeros(len(sums))

            def use(point: Point, program: Program, states: States, threads: int) -> None:
                same: Dict[int, List[int]] = {}
                for position in point.positions:
                    same.setdefault(id(sums[position]), []).append(position)
                wanted = [(sums[positions[0]], positions) for positions in same.values()]
                for weight, state in states:
                    for observable, positions in wanted:
                        values[positions] += weight * observable.expectation(state, threads)
                    if shots is not None:
                        amplitudes = state.to_array()
                        for observable, positions in wanted:
                            squares[positions] += weight * observable.second_moment(amplitudes)

            points.run(use)
            if normals is None or shots is None:
                return EstimatorResult(np.real_if_close(values), [{} for _ in sums])
            means = values.real
            variances = np.maximum(squares - means**2, 0)
            return EstimatorResult(
                means + np.sqrt(variances / shots) * normals,
                [{"variance": variance, "shots": shots} for variance in variances.tolist()],
            )

        return submit(points, work)

    def _sums(self, observables: Sequence[Any]) -> List[PauliSum]:
        here: Dict[int, PauliSum] = {}
        found = []
        for observable in observables:
            known = here.get(id(observable))
            if known is None:
                known = here[id(observable)] = self._sum(observable)
            found.append(known)
        return found

    def _sum(self, observable: Any) -> PauliSum:
        paulis = observable.paulis
        if observable.coeffs.dtype == object:  # the bytes are references, no key
            return pauli_sum(observable)
        key = (paulis.x.tobytes(), paulis.z.tobytes(), observable.coeffs.tobytes())
        return self._known_observables.get(key, lambda: (observable, pauli_sum(observable)))[1]

    @property
    def circuits(self) -> Tuple[QuantumCircuit, ...]:
        """The circuits of recent runs, one of each structure."""
        return tuple([each.circuit for each in self._known_circuits.values()])

    @property
    def observables(self) -> Tuple[Any, ...]:
        """The observables of recent runs, each once."""
        return tuple([observable for observable, _ in self._known_observables.values()])

    @property
    def parameters(self) -> Tuple[Any, ...]:
        """The parameters of `circuits`."""
        return tuple([each.parameters for each in self._known_circuits.values()])
