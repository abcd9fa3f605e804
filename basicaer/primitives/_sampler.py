"""`Sampler`: quasi-probabilities of the outcomes of measurements."""

from __future__ import annotations

from typing import Any, Dict, Tuple, Union

import numpy as np
from qiskit.circuit import QuantumCircuit
from qiskit.primitives import SamplerResult
from qiskit.quantum_info import Statevector
from qiskit.result import QuasiDistribution

from basicaer._engine.final_states import all_measured
from basicaer._engine.program import Program
from basicaer._qiskit.circuits.lowered import lowered_circuits
from basicaer._qiskit.errors import raises_public_errors
from basicaer._qiskit.points import Point, Points, States
from basicaer._qiskit.recent import Recent
from basicaer._qiskit.versions import primitive_bases
from basicaer.primitives._job import PrimitiveJob, submit
from basicaer.primitives._settings import Settings, warn_of_unknown

_DRAWN_AS_TERRA = 20
"""Up to this many qubits, terra's own code sums the probabilities that shots are drawn from."""

_SAMPLE_BYTES = 32
"""Bytes per amplitude that it takes to sum, round and search the probabilities."""


class Sampler(primitive_bases()[0]):  # type: ignore[misc]
    """Quasi-probabilities of the outcomes of measurements at the end of circuits.

    Run options, given to the constructor as a dict, to `set_options` or to `run`:

    - shots (None or int): None for exact probabilities. Otherwise counts are drawn from the
      multinomial distribution.
    - seed (None, int or numpy Generator): seed of these draws. If jobs that run at the same time
      share a generator, which draws each gets depends on timing.
    - precision, max_parallel_threads: as for `Estimator`.
    """

    def __init__(self, *, options: Union[Dict[str, Any], None] = None) -> None:
        """Makes a sampler; the options apply to all its runs."""
        super().__init__(options=options)
        self._known_circuits = Recent()

    def run(self, circuits: Any, parameter_values: Any = None, **run_options: Any) -> PrimitiveJob:
        """Returns a job that samples circuits; bad input raises here, not in the job.

        Args:
            circuits: a circuit or a list of circuits; each must end by measuring into all of its
                clbits.
            parameter_values: a row of values for each circuit, in the order of its `parameters`.
            run_options: see above; they override the options of the sampler.

        Raises:
            TypeError: an argument has a wrong type.
            ValueError: lengths of arguments do not match, or a circuit has no measurement.
            BasicAerError: a circuit goes on after its measurements, a run option is not valid, or
                memory is too small.
        """
        warn_of_unknown(self.options, run_options)
        return super().run(circuits, parameter_values, **run_options)

    @raises_public_errors
    def _run(
        self,
        circuits: Tuple[QuantumCircuit, ...],
        parameter_values: Tuple[Tuple[float, ...], ...],
        **run_options: Any,
    ) -> PrimitiveJob:
        settings = Settings(run_options)
        lowered = lowered_circuits(circuits, self._known_circuits, all_measured)
        points = Points(lowered, parameter_values, settings.using, memory=_SAMPLE_BYTES)
        shots, generator = settings.shots, settings.generator

        def work() -> SamplerResult:
            possible: Dict[int, Tuple[np.ndarray, np.ndarray]] = {}

            def use(point: Point, program: Program, states: States, threads: int) -> None:
                measured = point.circuit.ending().qubits
                qubits = [measured[clbit] for clbit in range(len(measured))]
                # A binomial draw counts from the other end if the probability is above 1/2. So for
                # a Bell pair its last bit decides which outcome gets which count.
                as_terra = (
                    shots is not None
                    and settings.using.precision == "double"
                    and point.circuit.num_qubits <= _DRAWN_AS_TERRA
                )
                chances = np.zeros(1 << len(qubits))
                for weight, state in states:
                    if as_terra:
                        chances += weight * Statevector(state.to_array()).probabilities(qubits)
                    else:
                        chances += weight * state.probabilities(qubits, threads=threads)
                # Rounded as in terra: the draws depend on which outcomes are possible.
                rounded = np.clip(chances, 0, 1).round(16)
                outcomes = np.flatnonzero(rounded)
                for position in point.positions:
                    possible[position] = outcomes, rounded[outcomes]

            points.run(use)
            distributions = []
            for position, circuit in enumerate(lowered):
                outcomes, shares = possible[position]
                if shots is not None and generator is not None:
                    counts = generator.multinomial(shots, shares)
                    drawn = np.flatnonzero(counts)
                    outcomes, shares = outcomes[drawn], counts[drawn] / shots
                distribution = QuasiDistribution(
                    dict(zip(outcomes.tolist(), shares.tolist())), shots=shots
                )
                # The width, which QuasiDistribution knows only if outcomes are strings.
                distribution._num_bits = circuit.num_clbits
                distributions.append(distribution)
            known = {} if shots is None else {"shots": shots}
            return SamplerResult(distributions, [dict(known) for _ in lowered])

        return submit(points, work)

    @property
    def circuits(self) -> Tuple[QuantumCircuit, ...]:
        """The circuits of recent runs, one of each structure."""
        return tuple([each.circuit for each in self._known_circuits.values()])

    @property
    def parameters(self) -> Tuple[Any, ...]:
        """The parameters of `circuits`."""
        return tuple([each.parameters for each in self._known_circuits.values()])
