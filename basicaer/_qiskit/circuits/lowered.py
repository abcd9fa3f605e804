"""Circuits that are lowered once and then given values of their parameters."""

from __future__ import annotations

from typing import Callable, Dict, List, Sequence, Union

import numpy as np
from qiskit.circuit import QuantumCircuit

from basicaer._engine.errors import EngineError
from basicaer._engine.final_states import Ending, without_measurements
from basicaer._engine.program import Gates, Program
from basicaer._qiskit.circuits.circuit_key import structure_of
from basicaer._qiskit.circuits.sweep import Sweep
from basicaer._qiskit.recent import Recent


class LoweredCircuit:
    """A circuit that has been lowered.

    Args:
        circuit: the circuit.
        inspect: returns how a program of it ends; may raise an `EngineError` if it is not what is
            needed. Called once.

    Attributes:
        circuit: as given; it may have been changed since.
        num_qubits: its width.
        num_clbits: the number of its clbits.
        parameters: its parameters, in the order of their values.
        sweep: makes programs for given values.
    """

    def __init__(self, circuit: QuantumCircuit, inspect: Callable[[Program], Ending]) -> None:
        self.circuit = circuit
        self.num_qubits = circuit.num_qubits
        self.num_clbits = circuit.num_clbits
        self.parameters = circuit.parameters
        self.sweep = Sweep(circuit, list(self.parameters))
        self._inspect = inspect
        self._ending: Union[Ending, None] = None
        self._fixed: Union[Program, None] = None  # the only program of a circuit without parameters

    def ending(self, values: Union[np.ndarray, None] = None) -> Ending:
        """Returns how the circuit ends, which does not depend on the values of its parameters.

        Args:
            values: float64, shape (rows, parameters), at least one row; not needed once there is a
                program.

        Raises:
            EngineError: what `inspect` raised.
        """
        if self._ending is None:
            assert values is not None, "no program has been made"
            self._ending = self._inspect(self.sweep.programs(values[:1])[0])
        return self._ending

    def programs(self, values: np.ndarray) -> List[Program]:
        """Returns a program for each row of values, without measurements at its end.

        Args:
            values: float64, shape (rows, parameters).

        Raises:
            EngineError: what `inspect` raised, or the circuit has no final state.
        """
        if self._fixed is not None:
            return [self._fixed] * len(values)
        programs = self.sweep.programs(values)
        ending = self._ending
        if ending is None:
            ending = self._ending = self._inspect(programs[0])
        if ending.why is not None:
            raise EngineError(f'circuit "{programs[0].name}" has no final state: {ending.why}.')
        if ending.qubits:
            programs = [without_measurements(each) for each in programs]
        if not self.parameters and programs:
            self._fixed = programs[0]
            for operation in self._fixed.body:
                if isinstance(operation, Gates):
                    operation.plans.keep()
        return programs


def lowered_circuits(
    circuits: Sequence[QuantumCircuit], known: Recent, inspect: Callable[[Program], Ending]
) -> List[LoweredCircuit]:
    """Returns the circuits lowered; of those with equal structure, only the first is.

    Args:
        circuits: the circuits.
        known: those lowered before, all with the same `inspect`.
        inspect: as for `LoweredCircuit`.
    """
    # Within one call a circuit does not change, so the same object needs no second key.
    here: Dict[int, LoweredCircuit] = {}
    found = []
    for circuit in circuits:
        lowered = here.get(id(circuit))
        if lowered is None:
            lowered = here[id(circuit)] = _lowered_one(circuit, known, inspect)
        found.append(lowered)
    return found


def _lowered_one(
    circuit: QuantumCircuit, known: Recent, inspect: Callable[[Program], Ending]
) -> LoweredCircuit:
    key = structure_of(circuit)
    if key is None:
        return LoweredCircuit(circuit, inspect)
    return known.get(key, lambda: LoweredCircuit(circuit, inspect))
