"""Peak memory of a run is computed before it begins, and stays within `max_memory_mb`."""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys

import memory_of_runs
import numpy as np
import pytest
from random_programs import Maker, gates

from basicaer._engine.allowance import allowance_of
from basicaer._engine.control import Control
from basicaer._engine.errors import EngineError
from basicaer._engine.execute import execute
from basicaer._engine.final_states import final_states, states_alive
from basicaer._engine.memory import KEPT, MIB, Allowance, state_bytes
from basicaer._engine.program import Measure, Program, Reset
from basicaer._engine.state.state import State
from basicaer._engine.task import Task

SLACK = 10.0
"""MiB that the formula does not count: Python objects, the allocator's reserve, threads."""

LIMITS = {
    "conditions, 16 qubits": 60,
    "conditions, 18 qubits": 20,
    "tree, 18 qubits": 20,
    "still, 61 draws": 60,
    "tree, 12 draws": 150,
}
"""`max_memory_mb` of the second run of a case."""

linux = pytest.mark.skipif(
    not pathlib.Path("/proc/self/clear_refs").exists(), reason="the peak is read from Linux's /proc"
)


@pytest.fixture(scope="module")
def found():
    calls = [[name, {}] for name in memory_of_runs.CASES]
    calls += [[name, {"max_memory_mb": limit}] for name, limit in LIMITS.items()]
    output = subprocess.run(
        [sys.executable, memory_of_runs.__file__, json.dumps(calls)],
        check=True,
        capture_output=True,
        text=True,
        timeout=300,
    ).stdout
    return json.loads(output.splitlines()[-1])


def of(found, name, **options):
    return found[json.dumps([name, options])]


@linux
@pytest.mark.parametrize("name", memory_of_runs.CASES)
def test_a_run_holds_what_it_was_admitted_for(found, name):
    run = of(found, name)
    assert run["peak"] <= run["need"] + SLACK


@linux
@pytest.mark.parametrize("name", LIMITS)
def test_a_run_stays_within_its_limit(found, name):
    run = of(found, name, max_memory_mb=LIMITS[name])
    assert run["need"] <= LIMITS[name]
    assert run["peak"] <= LIMITS[name] + SLACK
    # Only the limit makes the difference, and outcomes are the same.
    loose = of(found, name)
    assert loose["need"] > run["need"]
    assert loose["counts"] == run["counts"]


@linux
def test_small_states_are_kept_up_to_a_bound(found):
    run = of(found, "conditions, 16 qubits")
    assert run["need"] < 256 + 40
    assert run["peak"] <= 256 + 40


# --- the formula -----------------------------------------------------------------------------


def program_of(body, num_qubits=16, num_clbits=4):
    return Program(num_qubits, num_clbits, tuple(body), name="made", samples=False)


FIXED = program_of([item for q in range(12) for item in (gates(["h", q]), Measure(q, 0))] * 2)


def allowance(program, method="branching", **options):
    options = {"shots": 1000, "precision": "double", "threads": 1, **options}
    return allowance_of(program, method, **options)


def test_the_more_there_is_the_more_is_allowed():
    ample = allowance(FIXED)
    assert ample.states == 10  # log2(1000) + 1
    assert ample.uniforms == 8 * 24 * 1000
    assert ample.base < ample.need
    for more in range(12):
        tight = allowance(FIXED, limit=ample.base + more * MIB)
        assert ample.base == tight.base <= tight.need <= ample.base + more * MIB
        assert tight.states == min(10, 1 + int(more * MIB * 0.95) // state_bytes(16)) or more > 1
        assert 8 * 24 <= tight.uniforms <= ample.uniforms
    assert allowance(FIXED, limit=1 << 40) == ample


def test_what_is_below_the_base_is_not_taken():
    tight = allowance(FIXED, limit=1)
    assert tight.states == 1 and tight.need == tight.base > 1


def test_threads_with_branches_of_their_own_are_counted():
    wide = program_of(FIXED.body, num_qubits=17)
    one, two = allowance(wide), allowance(wide, threads=2)
    assert one.threads == 1 and two.threads == 2
    assert two.need >= one.need + (two.states - one.states) * state_bytes(17)
    # Where all these states do not fit, the threads share one.
    tight = allowance(wide, threads=2, limit=two.base + 20 * MIB)
    assert tight.threads == 1 and 1 < tight.states <= 10


def test_draws_that_cannot_make_shots_part_need_no_state():
    ends = [gates(["h", 0]), *[Reset(q) for q in range(1, 5)], Measure(0, 0), gates(["h", 0])]
    ends += [Measure(q, 0) for q in range(4)]
    assert allowance(program_of(ends)).states == 2


@pytest.mark.parametrize("method", ["sampled", "statevector", "shot_by_shot"])
def test_other_methods_have_one_state(method):
    found = allowance(program_of([gates(["h", 0])]), method)
    assert found == Allowance(found.need, found.need)


@pytest.mark.parametrize("fixed", [True, False])
@pytest.mark.parametrize("seed", range(20))
def test_outcomes_do_not_depend_on_what_is_allowed(fixed, seed):
    program = Maker(seed, fixed=fixed).program()
    loose = execute(Task(program, shots=70, seed=seed), Control())
    random = np.random.default_rng(seed)
    for _ in range(4):
        tight = Allowance(
            0,
            0,
            states=int(random.integers(1, 4)),
            uniforms=int(random.integers(8, 4000)),
            table=int(random.integers(0, 5)),
            nodes=int(random.integers(1, 9)),
        )
        outcome = execute(Task(program, shots=70, seed=seed, allowance=tight), Control())
        np.testing.assert_array_equal(outcome.memory, loose.memory)
        assert outcome.metadata[
            "peak_memory"
        ] - outcome.memory.nbytes <= tight.states * state_bytes(program.num_qubits)


def test_large_states_may_take_a_quarter_of_what_there_is(monkeypatch):
    monkeypatch.setattr("basicaer._engine.memory.available_bytes", lambda fresh=False: 4096 * MIB)
    monkeypatch.setattr("basicaer._jobs.budget.shared._capacity", None)
    wide = program_of(FIXED.body, num_qubits=22)  # 64 MiB each
    found = allowance(wide)
    assert found.need - found.base <= 1024 * MIB
    assert found.states == 10
    monkeypatch.setattr("basicaer._engine.memory.available_bytes", lambda fresh=False: 300 * MIB)
    found = allowance(wide)
    assert found.base < found.need <= 300 * MIB
    assert found.need - found.base <= KEPT


# --- final states ----------------------------------------------------------------------------


class Counted(State):
    """A state that counts how many exist."""

    alive = most = 0

    def __init__(self, *args):
        super().__init__(*args)
        Counted.alive += 1
        Counted.most = max(Counted.most, Counted.alive)

    def copy(self):
        Counted.alive += 1
        Counted.most = max(Counted.most, Counted.alive)
        return super().copy()

    def __del__(self):
        Counted.alive -= 1


def mixed(resets):
    body = []
    for _ in range(resets):
        body += [gates(["h", 0], ["cx", 0, 1]), Reset(0)]
    return program_of([Reset(2), *body], num_qubits=3)


def test_final_states_stay_within_what_is_counted():
    program = mixed(5)
    assert states_alive(program) == 6
    total = 0.0
    for weight, state in final_states(program, most_states=6):
        total += weight
        del state
    assert total == pytest.approx(1)


def test_final_states_for_which_there_is_no_room():
    with pytest.raises(
        EngineError, match=r'"made" measures or resets .* up to 6 states .* room for 3'
    ):
        list(final_states(mixed(5), most_states=3))
