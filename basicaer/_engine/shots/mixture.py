"""The exact mixture of final states of a program that measures, resets or decides on the way.

Every possible history of outcomes is followed to its end on a branch of its own, by the same
`Machine` that walks the tree of outcomes for shots; no uniforms are drawn. Where both outcomes of a
draw are possible, the branch with the smaller probability goes on first and the other one waits.

**States.** Hence with p branches waiting, the probability of the one that runs is at most 2**-p. As
a branch that is less probable than `LEAST` ends, few states are alive at once, even with while
loops that may go on for ever.

**Measurements at the end** of their qubit are left out, as those of circuits that have a final
state are: expectation values are those before them.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Callable, Iterator, List, Tuple, Type, Union

from basicaer._engine.control import Control, no_check
from basicaer._engine.errors import EngineError
from basicaer._engine.memory import Allowance, describe, state_bytes
from basicaer._engine.program import Program
from basicaer._engine.shots.branch import Branch, Machine
from basicaer._engine.shots.classical import NoValueError
from basicaer._engine.shots.deferral import successors, without_final_measurements
from basicaer._engine.shots.flatten import all_clobbered, flatten
from basicaer._engine.shots.instructions import Apply, Code, Draw, Instruction, Jump, Set
from basicaer._engine.state.amplitudes import Amplitudes

NEGLIGIBLE = 1e-15
"""Relative probability below which an outcome counts as impossible: rounding may have made it."""

LEAST = 1e-18
"""Probability below which a branch ends. A million of these are together 1e-12."""

MOST_FORKS = 1 << 20
"""Most draws with both outcomes possible, over all branches of a program with while loops."""

MOST_TURNS = 1 << 20
"""Most iterations of a while loop, each time that it is entered."""

_MOST_ALIVE = int(-math.log2(LEAST)) + 2
"""Most states alive: those that wait, the one that runs, and the one that the caller has."""


class _Exact(Machine):
    too_long = (
        "goes on after {} turns; an exact average needs loops that end, or whose probability to go "
        "on falls"
    )


def mixture(
    program: Program,
    state_class: Type[Amplitudes],
    most_states: int,
    *,
    precision: str,
    threads: int,
    control: Control,
) -> Iterator[Tuple[float, Amplitudes]]:
    """Yields (probability, pure state) pairs; arguments are those of `final_states`.

    The probabilities add up to 1, but for rounding and what less than `LEAST` leaves out.

    Raises:
        EngineError: more than `most_states` states are needed at once; a while loop takes more than
            `MOST_TURNS` turns, or makes more than `MOST_FORKS` branches; a classical expression has
            no value.
    """
    code = code_of(program, control.check)

    def new_state() -> Amplitudes:
        return state_class.zero(program.num_qubits, precision=precision, check=control.check)

    machine = _Exact(
        code,
        program.name,
        program.num_qubits,
        new_state,
        (1 << program.num_qubits) - 1,
        Allowance(0, 0, states=most_states),
        MOST_TURNS,
        {"again": True, "threads": threads, "fusion": True, "control": control},
        control,
    )
    forks = 0
    ended: Union[Branch, None] = None
    waiting: List[Tuple[float, Branch]] = [(1.0, machine.start())]
    while waiting:
        weight, branch = waiting.pop()
        while weight > LEAST:
            try:
                draw = machine.advance(branch)
            except NoValueError as error:
                raise EngineError(f'circuit "{program.name}": {error}') from None
            if draw is None:
                break
            chances = machine.chances(branch, draw)
            outcome = int(chances[1] > chances[0])
            if chances[1 - outcome] > NEGLIGIBLE * chances[outcome]:
                share = weight * chances[1 - outcome] / (chances[0] + chances[1])
                weight -= share
                if share > LEAST:
                    twin = machine.fork(branch)
                    if twin is None:
                        raise no_room(program, most_alive(code), most_states, precision)
                    forks += 1
                    if forks > MOST_FORKS and code.num_loops:
                        raise _too_many(program)
                    machine.settle(twin, draw, outcome, chances)
                    waiting.append((weight, twin))
                    weight, outcome = share, 1 - outcome
            machine.settle(branch, draw, outcome, chances)
        else:
            machine.drop(branch)
            continue
        # The caller may hold a state until it is given the next.
        if ended is not None:
            machine.drop(ended)
        ended = branch
        state, branch.state = branch.state, None
        yield weight, state
        del state


def code_of(program: Program, check: Callable[[], None] = no_check) -> Code:
    """Returns the flat code whose branches `mixture` follows; `check` may raise."""
    code = flatten(program, False, check, all_clobbered)
    return replace(code, instructions=without_final_measurements(code.instructions, check))


def most_alive(code: Code) -> int:
    """Returns an upper bound on the states that `mixture` holds at once."""
    instructions = code.instructions
    # An iteration of a loop may begin with what an earlier one has touched.
    carried: dict[int, int] = {}
    bounds = []
    for place, item in enumerate(instructions):
        if isinstance(item, Jump) and item.target <= place:
            bounds.append((item.target, place))
            for inner in instructions[item.target : place]:
                carried[item.target] = carried.get(item.target, 0) | _touched(inner)
    touched = 0
    branching = []
    for place, item in enumerate(instructions):
        touched |= carried.get(place, 0) | _touched(item)
        branching.append(isinstance(item, Draw) and bool(touched >> item.qubit & 1))
    if any(any(branching[first:last]) for first, last in bounds):
        return _MOST_ALIVE
    ahead = [0] * len(instructions)
    for place in range(len(instructions) - 1, -1, -1):
        after = [ahead[each] for each in successors(instructions[place], place) if each > place]
        ahead[place] = branching[place] + max(after, default=0)
    return min(ahead[0] + 1, _MOST_ALIVE)


def _touched(item: Instruction) -> int:
    return item.used if isinstance(item, (Apply, Set)) else 0


def no_room(program: Program, wanted: int, most: int, precision: str) -> EngineError:
    """Returns the error that `wanted` states are more than may be held."""
    state = state_bytes(program.num_qubits, precision)
    return EngineError(
        f'circuit "{program.name}" measures or resets qubits in superposition: that takes up to '
        f"{wanted} states of {describe(state)} at once, {describe(wanted * state)} in all, and "
        f"there is room for {most}. Fewer of these, or fewer qubits, fit"
        + (', and so may precision="single".' if precision == "double" else ".")
    )


def _too_many(program: Program) -> EngineError:
    return EngineError(
        f'circuit "{program.name}": its while loops have more than {MOST_FORKS} possible histories '
        "of outcomes, too many for an exact average. Loops in which fewer qubits are measured or "
        "reset in superposition are possible, and so are shots."
    )
