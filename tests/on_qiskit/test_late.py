"""Results that are made when somebody looks at them."""

import copy
import gc
import pickle
import threading
import uuid
import weakref

import pytest
from qiskit import ClassicalRegister, QuantumCircuit
from qiskit.result import Result
from qiskit.result.models import ExperimentResult
from versions import fields

from basicaer import BasicAer
from basicaer._qiskit import result as _result
from basicaer._qiskit.late import late_class

QASM = BasicAer.get_backend("qasm_simulator")
_late = late_class(Result)


def plain():
    """A result as Qiskit makes it."""
    return Result(
        backend_name="a",
        backend_version="1",
        qobj_id="q",
        job_id="j",
        success=True,
        results=[],
        extra=5,
    )


def is_made(result):
    """Whether a result has been made; asking that does not make it."""
    return type(result) in (Result, ExperimentResult)


LOOKS = {
    "attribute": lambda result: result.job_id,
    "extra": lambda result: result.extra,
    "class attribute": lambda result: result._metadata,
    "no attribute": lambda result: hasattr(result, "nothing"),
    "method": lambda result: result.to_dict(),
    "repr": repr,
    "str": str,
    "dir": dir,
    "vars": vars,
    "pickle": lambda result: pickle.loads(pickle.dumps(result)),
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "set": lambda result: setattr(result, "status", "changed"),
    "delete": lambda result: delattr(result, "status"),
}


@pytest.mark.parametrize("look", LOOKS)
def test_a_look_makes_it(look):
    calls = []

    def make():
        calls.append(1)
        return plain()

    late, expected = _late(make), plain()
    assert isinstance(late, Result) and late.__class__ is Result
    assert not is_made(late) and not calls
    seen, right = LOOKS[look](late), LOOKS[look](expected)
    if isinstance(right, Result):
        assert type(seen) is Result and vars(seen) == vars(right)
    else:
        assert seen == right
    assert type(late) is Result and vars(late) == vars(expected) and calls == [1]


def test_what_a_look_raises_is_raised_and_tried_again():
    answers = [MemoryError("no room"), plain()]

    def make():
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    late = _late(make)
    with pytest.raises(MemoryError, match="no room"):
        late.to_dict()
    assert late.job_id == "j"


def test_threads_that_look_at_the_same_time_see_the_same():
    meet = threading.Barrier(4)

    def make():
        meet.wait(10)
        made = plain()
        made.results = [object()]
        return made

    late, seen = _late(make), []
    looks = [threading.Thread(target=lambda: seen.append(late.results)) for _ in range(4)]
    for each in looks:
        each.start()
    for each in looks:
        each.join()
    assert len(seen) == 4 and len(set(map(id, seen))) == 1


# --- of runs -------------------------------------------------------------------------------------


def bell(**named):
    circuit = QuantumCircuit(2, 2, **named)
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.measure([0, 1], [0, 1])
    return circuit


def test_nothing_of_a_result_is_made_before_somebody_looks():
    result = QASM.run([bell(), bell()], seed_simulator=1).result()
    assert isinstance(result, Result) and not is_made(result)
    assert result.success and is_made(result)
    first, second = result.results
    assert not is_made(first) and not is_made(second)
    assert first.data.counts == result.data(0)["counts"]
    assert is_made(first)


@pytest.mark.parametrize("shots", [1, 7, 2048, 2049, 5000])
@pytest.mark.parametrize("memory", [False, True])
def test_counted_later_or_at_once_is_the_same(monkeypatch, shots, memory):
    options = {"seed_simulator": 4, "shots": shots, "memory": memory}
    result = QASM.run(bell(name="b"), **options).result()
    later = result.to_dict()["results"][0]["data"]
    for most in (0, 1 << 40):
        monkeypatch.setattr(_result, "_COUNTED_LATER", most)
        other = QASM.run(bell(name="b"), **options).result()
        assert other.to_dict()["results"][0]["data"] == later
        assert other.get_counts() == result.get_counts()


def test_many_outcomes_are_not_kept_for_later(monkeypatch):
    counted = []
    tally = _result.tally
    monkeypatch.setattr(_result, "tally", lambda *given: counted.append(1) or tally(*given))
    small = QASM.run(bell(), shots=2048).result()
    assert not counted
    QASM.run(bell(), shots=2049).result()
    assert len(counted) == 1
    assert sum(small.get_counts().values()) == 2048 and len(counted) == 2


def test_a_late_result_keeps_neither_the_circuit_nor_the_job():
    circuit = bell(metadata={"a": [1]}, name="first")
    job = QASM.run(circuit)
    result = job.result()
    circuit.name = "other"
    circuit.metadata["b"] = 2
    circuit.add_register(ClassicalRegister(3, "d"))
    seen = weakref.ref(circuit), weakref.ref(job)
    del circuit, job
    gc.collect()
    assert [each() for each in seen] == [None, None]
    header = fields(result.results[0].header)
    assert header["name"] == "first" and header["metadata"] == {"a": [1]}
    assert header["creg_sizes"] == [["c", 2]] and header["memory_slots"] == 2


def test_ids_are_the_same_whoever_asks_first():
    for ask in (lambda job: job.job_id(), lambda job: job.result().job_id):
        job = QASM.run(bell())
        first = ask(job)
        assert job.job_id() == job.result().job_id == first
        assert pickle.loads(pickle.dumps(job)).job_id() == first
        assert copy.copy(job).job_id() == first and copy.deepcopy(job).job_id() == first
    ids = {QASM.run(bell()).job_id() for _ in range(100)}
    assert len(ids) == 100
    for each in ids:
        made = uuid.UUID(each)
        assert made.version == 4 and made.variant == uuid.RFC_4122 and str(made) == each
