"""What terra's BasicAer gave, ours gives: on Qiskits too beside which there can be no terra."""

from __future__ import annotations

import warnings
from importlib.metadata import PackageNotFoundError, version

import pytest
from recorded import outcomes, record
from recorded.circuits import FORMS, build

from basicaer import BasicAer

GROUPS = outcomes.load("basicaer.json")["groups"]
RUNS = [run for group in GROUPS.values() for run in group]
AGAIN = 9
"""One of so many recorded runs is run on terra again."""


def terra():
    try:
        return version("qiskit-terra")
    except PackageNotFoundError:
        return None


def compared(runs, form, wanted):
    """Runs the circuits that are `wanted` on ours; returns how many, and a line for each wrong."""
    number, wrong = 0, []
    for run in runs:
        places = [place for place, circuit in enumerate(run["circuits"]) if wanted(circuit)]
        if not places:
            continue
        number += len(places)
        circuits = [build(run["circuits"][place], form) for place in places]
        backend = BasicAer.get_backend(run["simulator"])
        result = backend.run(circuits, **outcomes.options(run)).result()
        for index, place in enumerate(places):
            circuit, recorded = run["circuits"][place], run["results"][place]
            names = outcomes.differences(outcomes.outcome(result, index, circuit), recorded)
            if names:
                wrong.append(f"{circuit['name']}: {', '.join(names)}")
    return number, wrong


@pytest.mark.parametrize("group", GROUPS)
def test_ours_are_as_recorded(group):
    form = FORMS[0]
    number, wrong = compared(GROUPS[group], form, lambda circuit: outcomes.holds(circuit, form))
    if not number:
        pytest.skip(outcomes.EQUAL["c_if"])
    assert not wrong, f"{len(wrong)} of {number} differ:\n" + "\n".join(wrong)


@pytest.mark.skipif(FORMS == ("if_test",), reason="instructions have no conditions of their own")
def test_if_test_draws_as_c_if():
    number, wrong = compared(RUNS, "if_test", lambda circuit: "if_test" in circuit["equal"])
    assert number >= 60
    assert not wrong, f"{len(wrong)} of {number} differ:\n" + "\n".join(wrong)


@pytest.mark.skipif(terra() != record.TERRA, reason=f"the lists are of qiskit-terra {record.TERRA}")
def test_terra_gives_the_same_today():
    wrong = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        for run in RUNS[::AGAIN]:
            for circuit, found, recorded in zip(
                run["circuits"], record.run_terra(run), run["results"]
            ):
                names = outcomes.differences(found, recorded)
                if names:
                    wrong.append(f"{circuit['name']}: {', '.join(names)}")
    assert not wrong, "\n".join(wrong)
