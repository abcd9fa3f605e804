"""The circuits of the recorded runs, built on the Qiskit that is installed.

Nothing here runs on a simulator of this package: if these tests fail, the recorded lists say
nothing about it.
"""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from qiskit.quantum_info import Operator, Statevector
from recorded import outcomes
from recorded.circuits import FORMS, build, complex_of, fields, num_clbits

FILES = sorted(path.name for path in outcomes.FOLDER.glob("*.json"))
FORM = pytest.mark.parametrize("form", FORMS)


def runs(name):
    return [run for group in outcomes.load(name)["groups"].values() for run in group]


def test_what_is_recorded():
    assert [name for name in FILES if "basicaer" not in name] == [
        "basic_simulator_1.4.6.json",
        "basic_simulator_2.6.2.json",
    ]
    least = {
        "sampled": 60,
        "middle": 60,
        "reset": 40,
        "conditional": 40,
        "initialize_unitary": 20,
        "registers": 20,
        "wide": 5,
        "statevector": 40,
        "unitary": 15,
        "initial_statevector": 5,
    }
    groups = outcomes.load("basicaer.json")["groups"]
    found = {name: sum(len(run["circuits"]) for run in group) for name, group in groups.items()}
    assert all(found[name] >= number for name, number in least.items()), found
    # Wherever conditions are if_test's.
    everywhere = [
        outcomes.holds(circuit, "if_test")
        for run in runs("basicaer.json")
        for circuit in run["circuits"]
    ]
    assert sum(everywhere) >= 400


@FORM
@pytest.mark.parametrize("name", FILES)
def test_circuits_are_as_described(name, form):
    for run in runs(name):
        assert len(run["circuits"]) == len(run["results"])
        for description in run["circuits"]:
            assert description["equal"] in outcomes.EQUAL
            with warnings.catch_warnings():
                warnings.simplefilter("error", DeprecationWarning)
                circuit = build(description, form)
            assert circuit.name == description["name"]
            assert [[one.name, one.size] for one in circuit.qregs] == description["qregs"]
            assert [[one.name, one.size] for one in circuit.cregs] == description["cregs"]
            assert circuit.num_clbits == num_clbits(description)
            assert len(circuit.data) == len(description["data"])
            conditions = [fields(item)[4] for item in description["data"]]
            names = [item.operation.name for item in circuit.data]
            expected = [condition is not None and form == "if_test" for condition in conditions]
            assert [name == "if_else" for name in names] == expected


def test_unitaries_and_states_are_qiskits():
    """Where a circuit holds nothing but gates: Qiskit's own matrices give what was recorded."""
    unitaries = states = 0
    for run in runs("basicaer.json"):
        chosen = outcomes.options(run)
        if "chop_threshold" in chosen:
            continue
        for description, result in zip(run["circuits"], run["results"]):
            where = description["name"]
            if "unitary" in result:
                circuit = build(description)
                found = Operator(circuit).data
                if "initial_unitary" in chosen:
                    found = found @ chosen["initial_unitary"]
                recorded = complex_of(result["unitary"]).reshape(found.shape)
                assert np.allclose(found, recorded, rtol=0, atol=outcomes.TOLERANCE), where
                unitaries += 1
            elif "statevector" in result and description["cregs"] == []:
                circuit = build(description)
                state = chosen.get("initial_statevector")
                if state is None:
                    found = Statevector(circuit).data
                else:
                    found = Statevector(state).evolve(circuit).data
                recorded = complex_of(result["statevector"])
                assert np.allclose(found, recorded, rtol=0, atol=outcomes.TOLERANCE), where
                states += 1
    assert unitaries >= 15 and states >= 30
