"""Groups of circuits give, circuit for circuit, what `execute` gives for one."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest
from random_programs import NAMES, gates, width

from basicaer._engine import threads as _threads
from basicaer._engine.control import Control
from basicaer._engine.execute import execute
from basicaer._engine.program import DENSE, Gates, Kind, Measure, Program, Reset
from basicaer._engine.shots import groups as _groups
from basicaer._engine.shots.draws import Stream, rows_of, uniforms_of
from basicaer._engine.shots.groups import Line, fits, group_of, groups_of
from basicaer._engine.state import small
from basicaer._engine.task import Task


def program(random, num_qubits=None, phase=0.0):
    """Random gates, then random measurements: of some qubits, some twice, into clbits anyhow."""
    num_qubits = num_qubits or int(random.integers(1, _groups.MOST_QUBITS + 1))
    rows = []
    for _ in range(int(random.integers(0, 12))):
        name = str(random.choice([name for name in NAMES if width(name) <= num_qubits]))
        row = [name, *random.permutation(num_qubits)[: width(name)].tolist()]
        rows.append([*row, float(random.normal())] if name in ("ry", "rz") else row)
    num_clbits = int(random.choice([1, 2, 6, 70]))
    body = [gates(*rows)] if rows else []
    count = int(random.integers(1, 9))
    pairs = zip(random.integers(num_qubits, size=count), random.integers(num_clbits, size=count))
    body += [Measure(int(qubit), int(clbit)) for qubit, clbit in pairs]
    return Program(num_qubits, num_clbits, tuple(body), phase, "made")


def programs(count, seed=1, phase=0.0):
    random = np.random.default_rng(seed)
    return [program(random, phase=phase) for _ in range(count)]


def run(made, seeds, shots=60, listed=True, precision="double", threads=1, control=None):
    """Returns, for each program, its outcomes as lists: values, counts, shots; and its drift."""
    control = control or Control()
    line = Line(len(made), seeds, shots=shots, listed=listed, precision=precision, control=control)
    for group in groups_of(made, range(len(made))):
        line.add(group)
    line.close()
    _threads.cooperate(line.work, threads)
    line.finish()
    control.check()
    found = [None] * len(made)
    for group, figures in line.groups:
        for row, place in enumerate(group.places.tolist()):
            found[place] = (*figures.words(row), figures.drifts[row])
    return found


def alone(made, seed, shots, precision):
    """The same of one program, by `execute`; its memory as ints, and its drift."""
    outcome = execute(Task(made, shots=shots, seed=seed, precision=precision), Control())
    words = outcome.memory.astype(object)
    memory = [sum(int(word) << 64 * place for place, word in enumerate(row)) for row in words]
    return memory, outcome.metadata["norm_drift"]


@pytest.mark.parametrize("precision", ["double", "single"])
@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("phase", [0.0, 0.7])
def test_outcomes_are_those_of_one_by_one(precision, threads, phase):
    made = programs(200, phase=phase)
    assert {each.num_qubits for each in made} == set(range(1, _groups.MOST_QUBITS + 1))
    seeds = [place % 7 for place in range(len(made))]
    found = run(made, seeds, precision=precision, threads=threads)
    for each, seed, (values, counts, shots, drift) in zip(made, seeds, found):
        memory, expected = alone(each, seed, 60, precision)
        assert shots == memory
        assert values == list(dict.fromkeys(memory))
        assert counts == [memory.count(value) for value in values]
        assert drift == expected


def test_shots_need_not_be_listed():
    made = programs(70)
    seeds = [3] * len(made)
    with_shots, without = run(made, seeds), run(made, seeds, listed=False)
    assert [each[:2] for each in with_shots] == [each[:2] for each in without]
    assert all(not shots for _, _, shots, _ in without)


@pytest.mark.parametrize("shots", [2, 3, 311, 312, 313, 5000])
def test_any_number_of_shots(shots):
    made = programs(5)
    seeds = [0, 0, 2**32 - 1, 1, 1]
    for each, seed, found in zip(made, seeds, run(made, seeds, shots)):
        assert found[2] == alone(each, seed, shots, "double")[0]


@pytest.mark.parametrize("seed", [5, [1, 2]])
def test_one_stream_for_all(seed):
    """Each circuit draws after those before it."""
    made, shots = programs(150), 40
    found = run(made, Stream(seed, 11), shots)
    for place, each in enumerate(made):
        expected, _ = alone(each, Stream(seed, 11 + place * shots), shots, "double")
        assert found[place][2] == expected


def test_a_stream_for_each():
    made, shots = programs(20), 40
    shared = Stream([4, 5])
    seeds = [shared if place % 3 else Stream(place) for place in range(20)]
    for each, seed, found in zip(made, seeds, run(made, seeds, shots)):
        assert found[2] == alone(each, seed, shots, "double")[0]


def test_rows_of_places_with_gaps():
    places = np.array([2, 3, 7, 9, 10])
    rows, which = rows_of(Stream(6, 5), places, 4)
    every = uniforms_of(Stream(6, 5))(44).reshape(11, 4)
    np.testing.assert_array_equal(rows[which], every[places])


# ----------------------------------------------------------------------------------------------
# What a group can take
# ----------------------------------------------------------------------------------------------


def test_what_fits():
    one = gates(["h", 0])
    ends = (Measure(0, 0),)
    assert fits(Program(1, 1, (one, *ends)))
    assert fits(Program(1, 1, ends))
    assert not fits(Program(1, 1, (one,)))
    assert not fits(Program(_groups.MOST_QUBITS + 1, 1, (one, *ends)))
    assert not fits(Program(1, 1, (one, *ends), samples=False))
    assert not fits(Program(1, 1, (one, *ends, Reset(0)), samples=False))
    assert not fits(Program(1, 1, (gates(*[["h", 0]] * (_groups.MOST_GATES + 1)), *ends)))


def test_more_kinds_than_a_group_can_take():
    """Groups end where their circuits would have too many kinds together."""
    half = np.sqrt(0.5)
    entries = np.array([half, half, half, -half], complex)

    def of_kinds(first):
        kinds = tuple(Kind(DENSE, 1, pattern=-1 - first - i) for i in range(25))
        count = np.arange(25, dtype=np.int32)
        one = Gates(
            kinds,
            count,
            np.arange(26, dtype=np.int32),
            count % 2,
            np.zeros(25, np.int64),
            entries,
        )
        return Program(2, 2, (one, Measure(0, 0), Measure(1, 1)))

    made = [of_kinds(25 * place) for place in range(6)]
    assert [len(group.ends) for group in groups_of(made, range(6))] == [2, 2, 2]
    for each, found in zip(made, run(made, [8] * 6)):
        assert found[2] == alone(each, 8, 60, "double")[0]


def add(line, **changed):
    """Adds a group of two circuits to a `small.GroupLine`, with some arrays changed."""
    h = gates(["h", 0], ["h", 1], ["cx", 0, 1])
    arrays = {
        "kinds": h.kinds,
        "kind": h.kind,
        "start": h.start,
        "qubits": h.qubits,
        "offset": h.offset,
        "coefficients": h.coefficients,
        "ends": np.array([1, 3]),
        "widths": np.array([2, 2], np.int32),
        "amplitudes": np.ones(2, complex),
        "measured": np.array([3, 2], np.int32),
        "seeds": np.array([1, 2], np.uint32),
        "uniforms": np.empty((0, 0)),
        "rows": np.empty(0, np.int64),
        "values": np.empty((2, 4), np.uint8),
        "counts": np.empty((2, 4), np.int32),
        "found": np.empty(2, np.int32),
        "totals": np.empty(2),
        "listed": np.empty((2, 0), np.uint8),
        "seconds": np.empty(2),
        "fill": None,
        **changed,
    }
    return line.add(*arrays.values())


@pytest.mark.parametrize(
    "changed",
    [
        {"ends": np.array([2, 1])},
        {"ends": np.array([1, 4])},
        {"ends": np.array([1, 2, 3])},
        {"ends": np.empty(0, np.int64)},
        {"widths": np.array([2, 7], np.int32)},
        {"measured": np.array([3, 4], np.int32)},
        {"measured": np.array([3, -1], np.int32)},
        {"start": np.array([0, 1], np.int32)},
        {"values": np.empty((2, 3), np.uint8), "counts": np.empty((2, 3), np.int32)},
        {"counts": np.empty((2, 5), np.int32)},
        {"listed": np.empty((2, 9), np.uint8)},
        {"seeds": np.array([1], np.uint32)},
        {"seeds": np.empty(0, np.uint32)},
        {
            "seeds": np.empty(0, np.uint32),
            "uniforms": np.empty((1, 10)),
            "rows": np.array([0, 1]),
        },
        {"seconds": np.empty(1)},
        {"kinds": (Kind(DENSE, 0), Kind(DENSE, 1))},
        {"fill": object()},
    ],
)
def test_arrays_that_do_not_belong_together(changed):
    line = small.GroupLine(1, 2, 10, False, Control().flags)
    with pytest.raises(ValueError):
        add(line, **changed)
    assert add(line) == 3 << 2  # its work
    with pytest.raises(ValueError, match="room"):
        add(line)


@pytest.mark.parametrize(
    "changed",
    [
        {"qubits": np.array([0, 1, 0, 2], np.int32)},
        {"qubits": np.array([0, 1, 1, 1], np.int32)},
        {"kind": np.array([0, 0, 2], np.int32)},
        {"offset": np.array([0, 4, 9])},
    ],
)
def test_a_malformed_gate(changed):
    line = small.GroupLine(1, 2, 10, False, Control().flags)
    add(line, **changed)
    line.close()
    line.work()
    with pytest.raises(ValueError, match="gate 2 of a run is malformed"):
        line.finish()


def test_lines_that_make_no_sense():
    flags = Control().flags
    for arguments in [(0, 1, 1), (1, 0, 1), (1, 1, 0), (1, 1, 1 << 30)]:
        with pytest.raises(ValueError):
            small.GroupLine(*arguments, False, flags)
    with pytest.raises(ValueError, match="flag"):
        small.GroupLine(1, 1, 1, False, np.zeros(1, np.int64))


# ----------------------------------------------------------------------------------------------
# Threads
# ----------------------------------------------------------------------------------------------


def test_groups_come_while_threads_work():
    made, shots = programs(64 * 6), 60
    control = Control()
    line = Line(
        len(made), [9] * len(made), shots=shots, listed=True, precision="double", control=control
    )
    threads = [threading.Thread(target=line.work) for _ in range(2)]
    for thread in threads:
        thread.start()
    line.welcome(10)
    for first in range(0, len(made), 64):
        time.sleep(0.02)  # longer than waiting threads yield before they sleep
        line.add(group_of(made[first : first + 64], range(first, first + 64)))
    line.close()
    line.work()
    line.finish()
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()
    assert line.left() == 0
    for group, figures in line.groups:
        for row, place in enumerate(group.places.tolist()):
            assert figures.words(row)[2] == alone(made[place], 9, shots, "double")[0]


def test_a_waiting_thread_leaves_when_the_job_stops():
    control = Control()
    line = small.GroupLine(1, 2, 10, False, control.flags)
    thread = threading.Thread(target=line.work)
    thread.start()
    line.welcome(10)
    control.halt()
    thread.join(10)
    assert not thread.is_alive()


def test_nothing_is_done_once_the_job_stops():
    control = Control()
    made = programs(70)
    line = Line(70, [1] * 70, shots=9, listed=False, precision="double", control=control)
    for group in groups_of(made, range(70)):
        line.add(group)
    line.close()
    control.halt()
    line.work()
    line.finish()
    assert all(not figures.seconds.any() for _, figures in line.groups)
    assert control.flags[1] == 0


def test_the_work_is_counted():
    made = programs(70)
    control = Control()
    run(made, [1] * 70, control=control)
    assert control.flags[1] == sum(each.outline.num_gates << each.num_qubits for each in made)


def test_assistants():
    """Free threads are called, and an error of theirs is nobody's."""
    called, held = [], threading.Event()

    def work():
        called.append(threading.current_thread())
        held.wait(10)
        raise RuntimeError("dropped")

    assert _threads.assist(work, 0) == 0
    assert _threads.assist(work, 2) == 2
    while len(called) < 2:
        time.sleep(0.001)
    assert threading.current_thread() not in called
    held.set()
