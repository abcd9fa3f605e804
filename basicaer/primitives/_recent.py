"""What a primitive keeps between runs: lowered circuits and observables."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Any, Callable, Dict, List, Sequence

import numpy as np
from qiskit.circuit import QuantumCircuit

from basicaer._engine.final_states import (
    check_pure,
    final_measurements,
    states_alive,
    without_measurements,
)
from basicaer._engine.program import Program
from basicaer._qiskit.circuits.circuit_key import structure_of
from basicaer._qiskit.circuits.sweep import Sweep

_REMEMBERED = 256
"""How many circuits, and observables, a primitive keeps: those used most recently."""


class Recent:
    """A bounded dict of the entries used most recently. Copies and pickles of it are empty."""

    def __init__(self) -> None:
        self._entries: OrderedDict[Any, Any] = OrderedDict()
        self._lock = threading.Lock()

    def __reduce__(self) -> Any:
        return Recent, ()

    def values(self) -> List[Any]:
        with self._lock:
            return list(self._entries.values())

    def get(self, key: Any, make: Callable[[], Any]) -> Any:
        """Returns the value of the key; calls `make` for it if there is none."""
        with self._lock:
            entry = self._entries.get(key)
            if entry is not None:
                self._entries.move_to_end(key)
                return entry
        entry = make()
        with self._lock:
            self._entries[key] = entry
            if len(self._entries) > _REMEMBERED:
                self._entries.popitem(last=False)
        return entry


class LoweredCircuit:
    """A circuit that has been lowered.

    Args:
        circuit: the circuit.
        sampled: whether its final measurements are to be sampled.

    Attributes:
        circuit: as given; it may have been changed since.
        num_qubits: its width.
        parameters: its parameters, in the order of their values.
        sweep: makes programs for given values.
        qubits: if it is sampled, the qubit that is measured into each clbit.
        states: the most states alive at once while its final state is computed; 0 as long as no
            program has been made.
    """

    def __init__(self, circuit: QuantumCircuit, sampled: bool) -> None:
        self.circuit = circuit
        self.num_qubits = circuit.num_qubits
        self.parameters = circuit.parameters
        self.sweep = Sweep(circuit, list(self.parameters))
        self._sampled = sampled
        self._checked = False
        self.qubits: List[int] = []
        self.states = 0

    def programs(self, values: np.ndarray) -> List[Program]:
        """Returns a program for each row of values, without its final measurements if sampled.

        Raises:
            EngineError: the circuit has no final state.
        """
        programs = self.sweep.programs(values)
        if not self._checked:
            check_pure(programs[0], measured=self._sampled)
            if self._sampled:
                self.qubits = final_measurements(programs[0])
            self.states = states_alive(programs[0])
            self._checked = True
        return (
            [without_measurements(program) for program in programs] if self._sampled else programs
        )


def lowered_circuits(
    circuits: Sequence[QuantumCircuit], known: Recent, sampled: bool
) -> List[LoweredCircuit]:
    """Returns the circuits lowered; of those with equal structure, only the first is."""
    # Within one call a circuit does not change, so the same object needs no second key.
    here: Dict[int, LoweredCircuit] = {}
    found = []
    for circuit in circuits:
        lowered = here.get(id(circuit))
        if lowered is None:
            lowered = here[id(circuit)] = _lowered_one(circuit, known, sampled)
        found.append(lowered)
    return found


def _lowered_one(circuit: QuantumCircuit, known: Recent, sampled: bool) -> LoweredCircuit:
    key = structure_of(circuit)
    if key is None:
        return LoweredCircuit(circuit, sampled)
    return known.get(key, lambda: LoweredCircuit(circuit, sampled))
