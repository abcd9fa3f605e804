"""Option `parameter_binds`: what a sweep gives is what binding gives."""

from __future__ import annotations

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter, ParameterVector
from qiskit.circuit.library import RealAmplitudes
from versions import fields

from basicaer import BasicAer, BasicAerError

QASM = BasicAer.get_backend("qasm_simulator")
STATEVECTOR = BasicAer.get_backend("statevector_simulator")
UNITARY = BasicAer.get_backend("unitary_simulator")
A, B = Parameter("a"), Parameter("b")
V = ParameterVector("v", 3)


def circuit(name="mine", measured=True):
    made = QuantumCircuit(2, 2, name=name, global_phase=A, metadata={"of": name})
    made.ry(A, 0)
    made.cx(0, 1)
    made.rz(2 * B - A, 1)
    made.rx(B, 0)
    if measured:
        made.measure([0, 1], [0, 1])
    return made


def vectors():
    made = QuantumCircuit(1, 1)
    made.u(*V, 0)
    made.rx(A, 0)
    made.measure(0, 0)
    return made


def memories(result):
    return [result.get_memory(index) for index in range(len(result.results))]


def run(circuits, binds, backend=QASM, **options):
    if backend is QASM:
        options = {"memory": True, "shots": 40, "seed_simulator": 5, **options}
    return backend.run(circuits, parameter_binds=binds, **options).result()


VALUES = np.random.default_rng(3).uniform(-3, 3, (7, 2))
LISTED = [{A: a, B: b} for a, b in VALUES.tolist()]
ARRAYS = {A: VALUES[:, 0], B: VALUES[:, 1].tolist()}


@pytest.mark.parametrize("binds", [LISTED, ARRAYS, [ARRAYS]], ids=["listed", "alone", "for each"])
def test_same_as_bound_circuits(binds):
    bound = [circuit().assign_parameters(bind) for bind in LISTED]
    assert memories(run(circuit(), binds)) == memories(run(bound, None))


@pytest.mark.parametrize("binds", [LISTED, ARRAYS], ids=["listed", "arrays"])
def test_headers_are_those_of_bound_circuits(binds):
    one = circuit()
    one.bad = None
    found = run(one, binds)
    bound = [one.assign_parameters(bind) for bind in LISTED]
    expected = run(bound, None)
    numbers = []
    for ours, theirs in zip(found.results, expected.results):
        ours, theirs = fields(ours.header).copy(), fields(theirs.header).copy()
        name, number = ours.pop("name").rsplit("-", 1)
        assert name == theirs.pop("name").rsplit("-", 1)[0] == "mine"
        numbers.append(int(number))
        assert ours.pop("global_phase") == pytest.approx(theirs.pop("global_phase"))
        assert ours == theirs
    assert numbers == list(range(numbers[0], numbers[0] + len(LISTED)))


def test_metadata_of_runs_is_not_shared():
    found = run(circuit(), LISTED)
    fields(found.results[0].header)["metadata"]["of"] = "another"
    assert fields(found.results[1].header)["metadata"] == {"of": "mine"}


@pytest.mark.parametrize("backend", [STATEVECTOR, UNITARY], ids=["statevector", "unitary"])
@pytest.mark.parametrize("binds", [LISTED, ARRAYS], ids=["listed", "arrays"])
def test_arrays_of_states(backend, binds):
    one = circuit(measured=False)
    found = run(one, binds, backend)
    bound = run([one.assign_parameters(bind) for bind in LISTED], None, backend)
    for index in range(len(LISTED)):
        for key, array in bound.data(index).items():
            if key != "counts":
                np.testing.assert_allclose(found.data(index)[key], array, atol=1e-12)


def test_several_circuits_in_terra_s_order():
    circuits = [circuit("first"), circuit("second")]
    circuits[1].x(0)
    circuits[1].measure(0, 0)
    bound = [each.assign_parameters(bind) for each in circuits for bind in LISTED]
    expected = memories(run(bound, None))
    assert memories(run(circuits, LISTED)) == expected
    assert memories(run(circuits, ARRAYS)) == expected
    assert memories(run(circuits, [ARRAYS, ARRAYS])) == expected


def test_a_dict_for_each_circuit():
    other = QuantumCircuit(1, 1)
    other.rx(B, 0)
    other.measure(0, 0)
    plain = QuantumCircuit(1, 1)
    plain.x(0)
    plain.measure(0, 0)
    found = run([circuit(), plain, other], [ARRAYS, {}, {B: [0.0, np.pi]}])
    assert len(found.results) == len(LISTED) + 3
    assert memories(found)[len(LISTED) :] == [["1"] * 40, ["0"] * 40, ["1"] * 40]


def test_vectors():
    rows = np.random.default_rng(4).uniform(-3, 3, (5, 4))
    one = vectors()
    bound = [one.assign_parameters({V: row[:3], A: row[3]}) for row in rows]
    expected = memories(run(bound, None))
    listed = [{V: row[:3], A: row[3]} for row in rows]
    assert memories(run(one, listed)) == expected
    assert memories(run(one, {V: rows[:, :3], A: rows[:, 3]})) == expected
    mixed = [*listed[:2], *({**dict(zip(V, row)), A: row[3]} for row in rows[2:])]
    assert memories(run(one, mixed)) == expected
    # One vector for all values of the other parameter.
    fixed = {V: [0.1, 0.2, 0.3], A: rows[:, 3]}
    bound = [one.assign_parameters({V: [0.1, 0.2, 0.3], A: row[3]}) for row in rows]
    assert memories(run(one, fixed)) == memories(run(bound, None))


def test_a_circuit_that_is_built_when_it_is_needed():
    ansatz = RealAmplitudes(3, reps=2)
    ansatz.measure_all()
    values = np.random.default_rng(5).uniform(-3, 3, (4, ansatz.num_parameters))
    parameters = list(ansatz.parameters)
    listed = [dict(zip(parameters, row)) for row in values]
    bound = [ansatz.assign_parameters(row) for row in values]
    assert memories(run(ansatz, listed)) == memories(run(bound, None))


def test_values_that_are_no_plain_numbers_go_terra_s_way():
    c = Parameter("c")
    binds = [{A: (2 * c).bind({c: 0.25}), B: 1}, {A: np.float32(0.5), B: np.int64(1)}]
    found = memories(run(circuit(), binds))
    assert found[0] == found[1] == memories(run(circuit(), [{A: 0.5, B: 1.0}]))[0]


def test_seed_per_circuit():
    found = run(circuit(), ARRAYS, seed_per_circuit=True)
    assert len({each.seed_simulator for each in found.results}) == len(LISTED)


def test_initial_state():
    found = run(circuit(), ARRAYS, initial_statevector=[0, 0, 0, 1])
    bound = [circuit().assign_parameters(bind) for bind in LISTED]
    expected = run(bound, None, initial_statevector=[0, 0, 0, 1])
    assert memories(found) == memories(expected)


def test_the_circuit_may_change_afterwards():
    one = circuit()
    job = QASM.run(one, parameter_binds=ARRAYS, memory=True, shots=40, seed_simulator=5)
    one.data.clear()
    assert memories(job.result()) == memories(run(circuit(), LISTED))


@pytest.mark.parametrize(
    "binds, says",
    [
        ({A: [1, 2]}, 'parameter_binds, which gives a, .* circuit "mine", a, b'),
        ([{A: [1, 2], B: [1, 2]}] * 2, "has 2 for 1 circuits"),
        ({A: [1, 2], B: [1, 2, 3]}, "2 for a, 3 for b"),
        ({A: [[1, 2]], B: [1, 2]}, "values of a must be real numbers"),
        ({A: [1j, 2], B: [1, 2]}, "values of a must be real numbers"),
        ({A: ["1", 2], B: [1, 2]}, "values of a must be real numbers"),
        ({A: [], B: []}, "empty"),
        ({A: [0.5, np.nan], B: [1, 2]}, "row 1"),
        ([{A: 1, B: 2}, {A: 1}], r"parameter_binds\[1\], which gives a"),
        ([{"a": 1, "b": 2}], "the same names, but .* must be the circuits' own Parameter objects"),
        ([{Parameter("a"): 1, B: 2}], "the same names, but are different objects"),
    ],
)
def test_what_does_not_match_is_told(binds, says):
    with pytest.raises(BasicAerError, match=says):
        QASM.run(circuit(), parameter_binds=binds)


def test_vectors_of_another_length():
    with pytest.raises(BasicAerError, match="v has 3 elements, and there are values for 2"):
        QASM.run(vectors(), parameter_binds={V: np.zeros((4, 2)), A: 1.0})
