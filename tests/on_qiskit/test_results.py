"""Outcomes to results."""

import copy
import json
import pickle
from collections import Counter

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.result import Result
from versions import fields

from basicaer import BasicAer
from basicaer._qiskit import result as _result


def words_of(values, width):
    """Outcomes as the execution gives them."""
    return np.array(
        [[value >> 64 * word & (1 << 64) - 1 for word in range(width)] for value in values],
        dtype=np.uint64,
    ).reshape(len(values), width)


@pytest.mark.parametrize("shots", [1, 7, 1999, 2001, 5000])
@pytest.mark.parametrize("bits", [1, 5, 16, 40, 63, 64, 65, 70, 128, 200])
def test_counts_and_memory(shots, bits):
    rng = np.random.default_rng(bits)
    few = [int.from_bytes(rng.bytes(26), "little") >> (208 - bits) for _ in range(20)]
    values = [few[index] for index in rng.integers(20, size=shots)]
    if bits <= 16:
        values[0] = 0
    words = words_of(values, -(-bits // 64))
    expected = [hex(value) for value in values]
    assert _result.listing(words) == expected
    # The order of keys too: that of first appearance.
    assert list(_result.tally(words).items()) == list(Counter(expected).items())
    assert all(type(count) is int for count in _result.tally(words).values())


def test_many_different_outcomes():
    values = np.random.default_rng(1).permutation(20000).tolist()
    for factor in (1, 1 << 40):
        words = words_of([value * factor for value in values], 1)
        assert _result.tally(words) == {hex(value * factor): 1 for value in values}
        assert next(iter(_result.tally(words))) == hex(values[0] * factor)


def test_no_outcomes():
    assert _result.tally(np.zeros((0, 1), dtype=np.uint64)) == {}
    assert _result.listing(np.zeros((0, 2), dtype=np.uint64)) == []


def test_arrays_are_handed_over():
    state, unitary = np.zeros(4, dtype=complex), np.eye(4, dtype=complex)
    header = _result.header_of(QuantumCircuit(2))
    given = {"shots": 1, "time_taken": 0.1, "metadata": {"time": {}}}
    one = _result.experiment(header, seed=1, arrays={"statevector": state}, **given)
    assert one.data.statevector is state
    other = _result.experiment(header, seed=None, arrays={"unitary": unitary}, **given)
    assert other.data.unitary is unitary
    assert "seed_simulator" not in other.to_dict()


def test_the_header_is_the_results_own():
    metadata = {"a": 1}
    circuit = QuantumCircuit(1, 1, metadata=metadata)
    circuit.measure(0, 0)
    job = BasicAer.get_backend("qasm_simulator").run(circuit)
    circuit.metadata["a"] = 2
    circuit.name = "renamed"
    circuit.x(0)
    result = job.result()
    assert fields(result.results[0].header)["metadata"] == {"a": 1}
    assert result.get_counts() == {"0": 1024}


def test_metadata_is_beside_the_dict():
    circuit = QuantumCircuit(1, 1)
    circuit.measure(0, 0)
    entry = BasicAer.get_backend("qasm_simulator").run(circuit).result().results[0]
    assert entry.metadata["method"] == "sampled"
    assert "metadata" not in entry.to_dict()


@pytest.mark.parametrize("name", ["qasm_simulator", "statevector_simulator", "unitary_simulator"])
def test_pickle_and_dict(name):
    circuit = QuantumCircuit(2, name="bell")
    circuit.h(0)
    circuit.cx(0, 1)
    if name != "unitary_simulator":
        circuit.measure_all()
    result = BasicAer.get_backend(name).run(circuit).result()
    for twin in (
        pickle.loads(pickle.dumps(result)),
        copy.deepcopy(result),
        Result.from_dict(result.to_dict()),
    ):
        assert repr(twin) == repr(result)
        assert twin.success and twin.status == "COMPLETED"
        if name == "qasm_simulator":
            assert twin.get_counts("bell") == result.get_counts("bell")


def test_json():
    circuit = QuantumCircuit(1, 1)
    circuit.measure(0, 0)
    result = BasicAer.get_backend("qasm_simulator").run(circuit, memory=True, shots=3).result()
    assert json.loads(json.dumps(result.to_dict()))["results"][0]["data"]["memory"] == ["0x0"] * 3
