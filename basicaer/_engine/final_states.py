"""The final state of a program, exactly: no draws."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Dict, Iterator, List, Set, Tuple, Union

from basicaer._engine.program import Gates, Measure, Prepare, Program, Reset
from basicaer._engine.state.state import State
from basicaer.exceptions import BasicAerError

_NEGLIGIBLE = 1e-15
"""Probability below which an outcome is taken for impossible."""


def final_states(
    program: Program,
    *,
    precision: str = "double",
    threads: int = 1,
    control: Any = None,
    state_class: Any = State,
) -> Iterator[Tuple[float, Any]]:
    """Yields pure states and their probabilities: one, but for resets of qubits in superposition.

    The global phase is left out. Each state belongs to the caller.

    Args:
        program: of gates, resets and preparations only.
        precision: "double" or "single".
        threads: the most to use.
        control: of the job; may cancel it.
        state_class: what holds the amplitudes.
    """
    body = program.body
    start = state_class.zero(program.num_qubits, precision=precision)
    pending: List[Tuple[float, Any, int, Set[int]]] = [(1.0, start, 0, set())]
    del start
    while pending:
        weight, state, place, touched = pending.pop()
        while place < len(body):
            operation = body[place]
            place += 1
            if isinstance(operation, Gates):
                state.apply(operation, threads=threads, control=control)
                if place < len(body):
                    touched.update(operation.qubits.tolist())
            elif isinstance(operation, Prepare):
                state.prepare(operation.qubits, operation.amplitudes)
                touched.update(operation.qubits)
            elif isinstance(operation, Reset):
                qubit = operation.qubit
                if qubit not in touched:
                    continue
                zero, one = state.probabilities((qubit,), threads=threads).tolist()
                if zero > _NEGLIGIBLE * one and one > _NEGLIGIBLE * zero:
                    other = state.copy()
                    other.reset(qubit, 1, one)
                    share = weight * one / (zero + one)
                    pending.append((share, other, place, set(touched)))
                    del other
                    weight *= zero / (zero + one)
                outcome = 0 if zero > _NEGLIGIBLE * one else 1
                state.reset(qubit, outcome, one if outcome else zero)
            else:
                raise TypeError(f"{type(operation).__name__} has no place here")
        yield weight, state
        del state


def without_measurements(program: Program) -> Program:
    """Returns the program without its final measurements, which `final_measurements` has found."""
    kept = tuple([item for item in program.body if not isinstance(item, Measure)])
    return program if len(kept) == len(program.body) else replace(program, body=kept)


def check_pure(program: Program, *, measured: bool) -> None:
    """Raises an error unless a program has a final state.

    Args:
        program: what is checked.
        measured: whether measurements are allowed, at its end.
    """
    for operation in program.body:
        if isinstance(operation, (Gates, Prepare, Reset)):
            continue
        if isinstance(operation, Measure):
            if measured:
                continue
            what = f"qubit {operation.qubit} is measured"
        else:
            what = "it has conditions or control flow"
        raise BasicAerError(
            f'circuit "{program.name}" has no final state to take expectation values of: {what}.'
            if not measured
            else f'circuit "{program.name}" has no final state to sample from: {what}.'
        )


def final_measurements(program: Program) -> List[int]:
    """Returns the qubit whose outcome each clbit holds at the end.

    Raises:
        BasicAerError: a qubit is used after it was measured; a clbit is not written to; two clbits
            hold the same qubit.
    """
    used: Set[int] = set()
    qubit_of: Dict[int, int] = {}
    early: Union[Measure, None] = None
    for operation in reversed(program.body):
        if isinstance(operation, Measure):
            if operation.qubit in used:
                early = operation
            else:
                qubit_of.setdefault(operation.clbit, operation.qubit)
        elif isinstance(operation, Gates):
            used.update(operation.qubits.tolist())
        elif isinstance(operation, Prepare):
            used.update(operation.qubits)
        elif isinstance(operation, Reset):
            used.add(operation.qubit)
    found = set(qubit_of)
    if found != set(range(program.num_clbits)):
        raise BasicAerError(
            f'Some classical bits of circuit "{program.name}" are not used for measurements at '
            f"its end: it has {program.num_clbits}, measured are {sorted(found) or 'none'}."
        )
    if early is not None:
        raise BasicAerError(
            f'circuit "{program.name}" goes on with qubit {early.qubit} after measuring it.'
        )
    qubits = [qubit_of[clbit] for clbit in range(program.num_clbits)]
    if len(set(qubits)) != len(qubits):
        raise BasicAerError(
            f'circuit "{program.name}" measures a qubit into more than one classical bit; the '
            f"classical bits hold the qubits {qubits}."
        )
    return qubits
