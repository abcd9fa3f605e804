"""The final state of a program, exactly: no draws."""

from __future__ import annotations

from dataclasses import replace
from typing import Dict, Iterator, List, Set, Tuple, Type, Union

from basicaer._amplitudes import Amplitudes
from basicaer._control import Control
from basicaer._memory import describe, state_bytes
from basicaer._program import Gates, Measure, Prepare, Program, Reset
from basicaer._state import State
from basicaer.exceptions import BasicAerError

_NEGLIGIBLE = 1e-15
"""Probability below which an outcome is taken for impossible."""


def final_states(
    program: Program,
    *,
    precision: str = "double",
    threads: int = 1,
    control: Union[Control, None] = None,
    most_states: int = 1 << 30,
    state_class: Type[Amplitudes] = State,
) -> Iterator[Tuple[float, Amplitudes]]:
    """Yields pure states and their probabilities: one, but for resets of qubits in superposition.

    The global phase is left out. Each state belongs to the caller. With the other outcome of each
    reset waiting, up to `states_alive` of them are alive at once.

    Args:
        program: of gates, resets and preparations only.
        precision: "double" or "single".
        threads: the most to use.
        control: of the job; may cancel it.
        most_states: that there is room for at once.
        state_class: what holds the amplitudes.

    Raises:
        BasicAerError: there is no room for all states at once.
    """
    body = program.body
    start = state_class.zero(program.num_qubits, precision=precision)
    pending: List[Tuple[float, Amplitudes, int, Set[int]]] = [(1.0, start, 0, set())]
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
                    if len(pending) + 2 > most_states:
                        raise _no_room(program, most_states, precision)
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


def states_alive(program: Program) -> int:
    """Returns how many states `final_states` has at once, at most."""
    touched: Set[int] = set()
    resets = 0
    for operation in program.body:
        if isinstance(operation, Gates):
            touched.update(operation.qubits.tolist())
        elif isinstance(operation, Prepare):
            touched.update(operation.qubits)
        elif isinstance(operation, Reset):
            resets += operation.qubit in touched
    return resets + 1


def _no_room(program: Program, most: int, precision: str) -> BasicAerError:
    state, wanted = state_bytes(program.num_qubits, precision), states_alive(program)
    return BasicAerError(
        f'circuit "{program.name}" resets qubits in superposition: that takes up to {wanted} '
        f"states of {describe(state)} at once, {describe(wanted * state)} in all, and there is "
        f"room for {most}. Fewer such resets, or fewer qubits, fit"
        + (', and so may precision="single".' if precision == "double" else ".")
    )


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
