"""What a primitive remembers: circuits that have been lowered, observables."""

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
from basicaer._qiskit.circuit_key import structure_of
from basicaer._qiskit.sweep import Sweep

_REMEMBERED = 256
"""Circuits, and observables, that a primitive remembers; those not used for longest are dropped."""


class Recent:
    """A dict of the things used last. It travels empty: copies and pickles start anew."""

    def __init__(self) -> None:
        self._entries: OrderedDict[Any, Any] = OrderedDict()
        self._lock = threading.Lock()

    def __reduce__(self) -> Any:
        return Recent, ()

    def values(self) -> List[Any]:
        with self._lock:
            return list(self._entries.values())

    def get(self, key: Any, make: Callable[[], Any]) -> Any:
        """Returns what belongs to the key, made if it is not there."""
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

    Attributes:
        circuit: as it was given; it may have been changed since.
        num_qubits: its width.
        parameters: in the order in which values are given.
        sweep: makes programs of values.
        qubits: where it is to be sampled, the qubit that each clbit holds at the end.
        states: that are alive at once while its final state is computed, at most; 0 if no program
            has been made of it yet.
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
        """Returns a program that has a final state for each row of values."""
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
    """Returns the circuits lowered, those of a structure seen before as they were then."""
    # A call cannot change the circuits that it is given: within it, the same object is the same.
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
