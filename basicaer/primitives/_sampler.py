"""Quasi-probabilities of the outcomes of measurements."""

from __future__ import annotations

from typing import Any, Dict, Iterator, Tuple, Union

import numpy as np
from qiskit.circuit import QuantumCircuit
from qiskit.primitives import SamplerResult
from qiskit.quantum_info import Statevector
from qiskit.result import QuasiDistribution

from basicaer._qiskit.errors import raises_public_errors
from basicaer._qiskit.versions import primitive_bases
from basicaer.primitives._call import Call, Point, PrimitiveJob, Settings, warn_of_unknown
from basicaer.primitives._recent import Recent, lowered_circuits

_DRAWN_AS_TERRA = 20
"""Qubits up to which the probabilities that shots are drawn from are summed by terra's own code."""

_SAMPLE_BYTES = 32
"""Bytes per amplitude that probabilities take while they are summed, rounded and looked through."""


class Sampler(primitive_bases()[0]):  # type: ignore[misc]
    """Quasi-probabilities of the outcomes of measurements at the end of circuits.

    Run options, given to the constructor as a dict, to `set_options` or to `run`:

    - shots (None or int): None for exact probabilities. Otherwise outcomes are drawn from the
      multinomial distribution.
    - seed (None, int or numpy Generator): of these draws. A generator that is shared by jobs that
      run at the same time gives to each what it comes to first.
    - precision, max_parallel_threads: as those of `Estimator`.
    """

    def __init__(self, *, options: Union[Dict[str, Any], None] = None) -> None:
        """Makes a sampler; options given here hold for all its runs."""
        super().__init__(options=options)
        self._known_circuits = Recent()

    def run(self, circuits: Any, parameter_values: Any = None, **run_options: Any) -> PrimitiveJob:
        """Returns the job that samples circuits; what is wrong is raised here.

        Args:
            circuits: one or a list of them. All their classical bits must be measured at the end.
            parameter_values: for each circuit a row of values, in the order of its `parameters`.
            run_options: see above; they go before those of the sampler.

        Raises:
            TypeError: an argument of another type.
            ValueError: arguments whose lengths do not match; a circuit that is not measured.
            BasicAerError: a circuit that goes on after its measurements, a run option out of
                bounds, too little memory.
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
        lowered = lowered_circuits(circuits, self._known_circuits, True)
        call = Call(lowered, parameter_values, settings, _SAMPLE_BYTES)
        shots, generator = settings.shots, settings.generator

        def work() -> SamplerResult:
            possible: Dict[int, Tuple[np.ndarray, np.ndarray]] = {}

            def use(point: Point, states: Iterator[Tuple[float, Any]], threads: int) -> None:
                qubits = point.circuit.qubits
                # A binomial draw counts from the other end once a probability is past 1/2, so that
                # for a Bell pair the last bit decides which outcome gets which count.
                as_terra = (
                    shots is not None
                    and settings.precision == "double"
                    and point.circuit.num_qubits <= _DRAWN_AS_TERRA
                )
                chances = np.zeros(1 << len(qubits))
                for weight, state in states:
                    if as_terra:
                        chances += weight * Statevector(state.to_array()).probabilities(qubits)
                    else:
                        chances += weight * state.probabilities(qubits, threads=threads)
                # Rounded as terra does it: which outcomes are possible decides about the draws.
                rounded = np.clip(chances, 0, 1).round(16)
                outcomes = np.flatnonzero(rounded)
                for position in point.positions:
                    possible[position] = outcomes, rounded[outcomes]

            call.run(use)
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
                # The width that strings of outcomes would have said.
                distribution._num_bits = len(circuit.qubits)
                distributions.append(distribution)
            known = {} if shots is None else {"shots": shots}
            return SamplerResult(distributions, [dict(known) for _ in lowered])

        return call.submit(work)

    @property
    def circuits(self) -> Tuple[QuantumCircuit, ...]:
        """The circuits of recent runs, each structure once."""
        return tuple([each.circuit for each in self._known_circuits.values()])

    @property
    def parameters(self) -> Tuple[Any, ...]:
        """The parameters of `circuits`."""
        return tuple([each.parameters for each in self._known_circuits.values()])
