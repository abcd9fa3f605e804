"""`ReverseEstimatorGradient`, in place of that of qiskit-algorithms or terra."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, Dict, List, Sequence, Tuple

import numpy as np
from qiskit.circuit import QuantumCircuit

from basicaer._qiskit.circuits.circuit_key import structure_of
from basicaer._qiskit.compiled import CompiledCircuit
from basicaer._qiskit.recent import Recent
from basicaer._qiskit.versions import gradient_classes

_Base, _Result, DerivativeType = gradient_classes()


class ReverseEstimatorGradient(_Base):  # type: ignore[misc,valid-type]
    """Gradients of expectation values by the adjoint method, in place of Qiskit's class.

    The interface is that of `qiskit_algorithms.gradients.ReverseEstimatorGradient` (on terra, that
    of `qiskit.algorithms.gradients`), from which it derives. Circuits need not be transpiled: every
    parametrised gate is differentiated as it is. Circuits are compiled once and recognised by their
    structure; the points of a call are computed on all cores.

    Args:
        derivative_type: REAL for the gradient, ``2 Re <psi|O|d psi>``; IMAG for the imaginary part,
            COMPLEX for both.
        max_parallel_threads: the most threads; 0 for one a core.
    """

    __module__ = "basicaer.gradients"

    def __init__(
        self, derivative_type: Any = DerivativeType.REAL, *, max_parallel_threads: int = 0
    ) -> None:
        """Makes the gradient."""
        super().__init__(derivative_type=derivative_type)
        self._threads = max_parallel_threads
        self._known = Recent()

    def _run(
        self,
        circuits: Sequence[QuantumCircuit],
        observables: Sequence[Any],
        parameter_values: Sequence[Sequence[float]],
        parameters: Sequence[Sequence[Any]],
        **options: Any,
    ) -> Any:
        """Returns the gradients; called by the job that the base class makes."""
        groups: Dict[Tuple[int, int], List[int]] = {}
        compiled = [self._compiled(circuit) for circuit in circuits]
        for place, observable in enumerate(observables):
            groups.setdefault((id(compiled[place]), id(observable)), []).append(place)
        gradients: List[Any] = [None] * len(circuits)
        kind = self.derivative_type
        for group in groups.values():
            first = compiled[group[0]]
            _, found = first.gradient(
                observables[group[0]],
                np.array([parameter_values[place] for place in group], dtype=np.float64),
                imaginary=kind != DerivativeType.REAL,
            )
            if kind == DerivativeType.IMAG:
                found = found.imag
            column = {parameter: index for index, parameter in enumerate(first.parameters)}
            for row, place in enumerate(group):
                gradients[place] = found[row][[column[p] for p in parameters[place]]]
        metadata = [{"parameters": each} for each in parameters]
        exact: Any = 0.0 if any(f.name == "precision" for f in fields(_Result)) else {}
        return _Result(gradients, metadata, exact)

    def _compiled(self, circuit: QuantumCircuit) -> CompiledCircuit:
        key = structure_of(circuit)
        if key is None:
            return self._new(circuit)
        return self._known.get(key, lambda: self._new(circuit))

    def _new(self, circuit: QuantumCircuit) -> CompiledCircuit:
        return CompiledCircuit(circuit, max_parallel_threads=self._threads)
