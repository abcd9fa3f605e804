"""Exact final states of programs, without draws."""

from __future__ import annotations

from dataclasses import replace
from typing import Dict, Iterator, List, NamedTuple, Set, Tuple, Type, Union

from basicaer._engine.control import Control
from basicaer._engine.errors import EngineError
from basicaer._engine.program import Gates, Measure, Prepare, Program, Reset, Store
from basicaer._engine.shots.mixture import NEGLIGIBLE, code_of, mixture, most_alive, no_room
from basicaer._engine.state.amplitudes import Amplitudes
from basicaer._engine.state.state import State

_STRAIGHT = (Gates, Prepare, Reset)


class Ending(NamedTuple):
    """How a program ends: whether it has a final state, and what is measured of it.

    Attributes:
        qubits: for each clbit that a measurement at the end writes to, the measured qubit.
        states: the most states alive at once while the final state is computed.
        resets: number of resets; 0 if it measures in the middle or has control flow.
        why: why there is no final state; None if there is one.
        loops: whether it has while loops, so that outcomes decide how long it runs.
    """

    qubits: Dict[int, int]
    states: int = 1
    resets: int = 0
    why: Union[str, None] = None
    loops: bool = False


def ending_of(program: Program) -> Ending:
    """Returns how a program ends. If two measurements write to a clbit, the later one counts."""
    used: Set[int] = set()
    qubits: Dict[int, int] = {}
    resets = 0
    for operation in reversed(program.body):
        if isinstance(operation, Measure):
            if operation.qubit in used:
                why = f"it goes on with qubit {operation.qubit} after measuring it"
                return Ending({}, why=why)
            qubits.setdefault(operation.clbit, operation.qubit)
        elif isinstance(operation, Gates):
            used.update(operation.qubits.tolist())
        elif isinstance(operation, Prepare):
            used.update(operation.qubits)
        elif isinstance(operation, Reset):
            used.add(operation.qubit)
            resets += 1
        else:
            return Ending({}, why="it has conditions or control flow")
    return Ending(qubits, _states_of_resets(program), resets)


def mixed_ending_of(program: Program) -> Ending:
    """Returns how a program ends that may measure in the middle and have control flow.

    Its final state is then a mixture, from which measurements that `without_final_measurements`
    leaves out are left out. A program with a final state in the sense of `ending_of` ends as there.
    """
    ending = ending_of(program)
    if ending.why is None:
        return ending
    code = code_of(program)
    return Ending({}, most_alive(code), loops=code.num_loops != 0)


def unmeasured(program: Program) -> Ending:
    """Returns how a program ends that must not measure; an `EngineError` says why it has none."""
    check_pure(program, measured=False)
    return Ending({}, _states_of_resets(program))


def all_measured(program: Program) -> Ending:
    """Returns how a program ends that must measure into all clbits, of different qubits."""
    check_pure(program, measured=True)
    return Ending(dict(enumerate(final_measurements(program))), _states_of_resets(program))


def final_states(
    program: Program,
    *,
    precision: str = "double",
    threads: int = 1,
    control: Union[Control, None] = None,
    most_states: int = 1 << 30,
    state_class: Type[Amplitudes] = State,
) -> Iterator[Tuple[float, Amplitudes]]:
    """Yields (probability, pure state) pairs whose mixture is the final state.

    There is one pair unless qubits are measured or reset in superposition, see `mixture`. The
    global phase is left out. The caller owns each yielded state. Up to `states_alive` states exist
    at once, the yielded one included until the next is asked for.

    Args:
        program: the program.
        precision: "double" or "single".
        threads: maximum number of threads.
        control: of the job; may cancel it.
        most_states: maximum number of states at once.
        state_class: class of the states.

    Raises:
        EngineError: more than `most_states` states are needed at once; see also `mixture`.
    """
    body = program.body
    if not all(operation.__class__ in _STRAIGHT for operation in body):
        yield from mixture(
            program,
            state_class,
            most_states,
            precision=precision,
            threads=threads,
            control=control or Control(),
        )
        return
    # As there, in half the time: a place in the body is all that a branch has besides its state.
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
                if zero > NEGLIGIBLE * one and one > NEGLIGIBLE * zero:
                    if len(pending) + 2 > most_states:
                        wanted = _states_of_resets(program)
                        raise no_room(program, wanted, most_states, precision)
                    other = state.copy()
                    other.reset(qubit, 1, one)
                    share = weight * one / (zero + one)
                    pending.append((share, other, place, set(touched)))
                    del other
                    weight *= zero / (zero + one)
                outcome = 0 if zero > NEGLIGIBLE * one else 1
                state.reset(qubit, outcome, one if outcome else zero)
        yield weight, state
        del state


def states_alive(program: Program) -> int:
    """Returns an upper bound on the states that `final_states` holds at once."""
    if all(operation.__class__ in _STRAIGHT for operation in program.body):
        return _states_of_resets(program)
    return most_alive(code_of(program))


def _states_of_resets(program: Program) -> int:
    """Returns `states_alive` of a program without control flow, and without its measurements."""
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


def without_measurements(program: Program) -> Program:
    """Returns the program without its measurements, all of which must be final."""
    kept = tuple([item for item in program.body if not isinstance(item, Measure)])
    return program if len(kept) == len(program.body) else replace(program, body=kept)


def check_pure(program: Program, *, measured: bool) -> None:
    """Raises an `EngineError` unless a program has a final state.

    Args:
        program: the program to check.
        measured: whether measurements are allowed.
    """
    for operation in program.body:
        if isinstance(operation, (Gates, Prepare, Reset)):
            continue
        if isinstance(operation, Measure):
            if measured:
                continue
            what = f"qubit {operation.qubit} is measured"
        elif isinstance(operation, Store):
            what = "a value is stored to classical bits"
        else:
            what = "it has conditions or control flow"
        raise EngineError(
            f'circuit "{program.name}" has no final state to take expectation values of: {what}.'
            if not measured
            else f'circuit "{program.name}" has no final state to sample from: {what}.'
        )


def final_measurements(program: Program) -> List[int]:
    """Returns, for each clbit, the qubit whose outcome it holds at the end.

    Raises:
        EngineError: a qubit is used after it was measured; a clbit is not written to; two clbits
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
        raise EngineError(
            f'Some classical bits of circuit "{program.name}" are not used for measurements at '
            f"its end: it has {program.num_clbits}, measured are {sorted(found) or 'none'}."
        )
    if early is not None:
        raise EngineError(
            f'circuit "{program.name}" goes on with qubit {early.qubit} after measuring it.'
        )
    qubits = [qubit_of[clbit] for clbit in range(program.num_clbits)]
    if len(set(qubits)) != len(qubits):
        raise EngineError(
            f'circuit "{program.name}" measures a qubit into more than one classical bit; the '
            f"classical bits hold the qubits {qubits}."
        )
    return qubits
