"""What goes wrong in the middle: it is told, it harms nothing else, and the next run is as any."""

import gc
import math
import threading
import time
import warnings
import weakref

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import ForLoopOp, Gate, Measure, Parameter
from qiskit.circuit.library import CXGate, RXGate
from qiskit.providers import JobStatus
from qiskit.providers.exceptions import JobError
from waiting import until

from basicaer import BasicAer, BasicAerError
from basicaer._engine import memory as _memory
from basicaer._engine import one_pass as _one_pass
from basicaer._engine.control import Cancelled, Control
from basicaer._engine.program import DENSE, DIAGONAL, Gates, Kind
from basicaer._engine.shots import flatten, instructions
from basicaer._engine.state import state as _state
from basicaer._jobs import queue
from basicaer._jobs import run as _running
from basicaer._qiskit import result as _result
from basicaer._qiskit.circuits.lower import lower
from basicaer._qiskit.versions import UnitaryGate

QASM, STATEVECTOR, UNITARY = BasicAer.backends()


def ghz(width=3, name="ghz"):
    circuit = QuantumCircuit(width, width, name=name)
    circuit.h(0)
    for qubit in range(1, width):
        circuit.cx(0, qubit)
    circuit.measure(range(width), range(width))
    return circuit


def branchy(name="branchy"):
    circuit = QuantumCircuit(4, 4, name=name)
    for turn in range(6):
        circuit.ry(0.3 + turn, range(4))
        circuit.cx(0, 1)
        circuit.measure(turn % 4, turn % 4)
    return circuit


def all_is_well():
    zeros = int((np.random.RandomState(3).random_sample(50) < 0.5).sum())
    counts = QASM.run(ghz(), shots=50, seed_simulator=3).result(60).get_counts()
    assert counts == {"000": zeros, "111": 50 - zeros}


@pytest.fixture(autouse=True)
def afterwards():
    yield
    all_is_well()
    until(lambda: not queue.live_jobs())


# ----------------------------------------------------------------------------------------------
# Memory runs out
# ----------------------------------------------------------------------------------------------


def fail_at(monkeypatch, target, name, turn, error):
    """Makes the call number `turn` of a method raise."""
    original = getattr(target, name)
    calls = [0]

    def method(*args, **kwargs):
        calls[0] += 1
        if calls[0] == turn:
            raise error
        return original(*args, **kwargs)

    monkeypatch.setattr(target, name, method)
    return calls


@pytest.mark.parametrize(
    ("name", "turn"),
    [("apply", 1), ("apply", 3), ("probabilities", 2), ("copy", 1), ("copy", 3), ("_project", 2)],
)
@pytest.mark.parametrize("position", [0, 1])
def test_no_memory_in_the_middle(monkeypatch, name, turn, position):
    circuits = [ghz()] * position + [branchy()]
    with monkeypatch.context() as patch:
        calls = fail_at(patch, _state.State, name, turn, MemoryError("no room"))
        job = QASM.run(circuits, shots=200, max_parallel_threads=1)
        # The first circuit applies gates once, and draws once.
        with pytest.raises(MemoryError, match="no room") as caught:
            job.result(60)
        assert calls[0] >= turn
    where = caught.value.basicaer_circuit
    assert where in [(0, "ghz"), (position, "branchy")]
    assert job.status() is JobStatus.ERROR
    assert job.error_message() == f'circuit {where[0]}, "{where[1]}": MemoryError: no room'


def test_no_memory_keeps_no_memory(monkeypatch):
    gone = []
    original = _state.State.apply

    def apply(self, *args, **kwargs):
        original(self, *args, **kwargs)
        gone.append(weakref.ref(self._memory))
        raise MemoryError("no room")

    with monkeypatch.context() as patch:
        patch.setattr(_state.State, "apply", apply)
        job = STATEVECTOR.run(ghz(16))
        with pytest.raises(MemoryError):
            job.result(60)
    assert job.error_message()
    gc.collect()
    assert gone[0]() is None


def test_a_system_that_gives_nothing(monkeypatch):
    """More than there is, and the check was wrong: an error, not the end of the process."""
    with monkeypatch.context() as patch:
        patch.setattr(_memory, "available_bytes", lambda fresh=False: 1 << 60)
        job = STATEVECTOR.run(QuantumCircuit(47, name="huge"))
        with pytest.raises((MemoryError, OSError, ValueError)):
            job.result(60)
    assert 'circuit 0, "huge"' in job.error_message()


# ----------------------------------------------------------------------------------------------
# A circuit of a list fails
# ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [7, 13])
@pytest.mark.parametrize("threads", [1, 3])
def test_the_others_of_a_list(monkeypatch, width, threads):
    """Those that have not begun are not begun; the job has no result."""
    begun, execute = [], _running.execute

    def fails(task, control):
        begun.append(task.program.name)
        if task.program.name == "number2":
            raise RuntimeError("mine")
        return execute(task, control)

    circuits = [ghz(width, f"number{index}") for index in range(40)]
    with monkeypatch.context() as patch:
        patch.setattr(_running, "execute", fails)
        job = QASM.run(circuits, max_parallel_threads=threads)
        with pytest.raises(RuntimeError, match="mine") as caught:
            job.result(60)
    assert caught.value.basicaer_circuit == (2, "number2")
    if threads == 1:
        assert begun == ["number0", "number1", "number2"]
    assert job.status() is JobStatus.ERROR
    assert job.progress() < 1
    with pytest.raises(RuntimeError):  # as often as it is asked for
        job.result()


def test_a_cancelled_list(monkeypatch):
    begun, held = [], threading.Event()

    def execute(task, control):
        begun.append(task.program.name)
        held.set()
        while True:
            control.check()
            time.sleep(0.001)

    with monkeypatch.context() as patch:
        patch.setattr(_running, "execute", execute)
        job = QASM.run([ghz(7, f"number{index}") for index in range(10)])
        assert held.wait(20)
        assert job.cancel()
        with pytest.raises(JobError, match="cancelled"):
            job.result(60)
    assert begun == ["number0"]


# ----------------------------------------------------------------------------------------------
# Cancel, stage by stage
# ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "name"),
    [
        (_state.State, "apply"),  # planning, and kernels
        (_state.State, "probabilities"),
        (_state.State, "copy"),  # where branches part
        (_state.State, "sampler"),
        (_one_pass, "draw_outcomes"),  # of a narrow circuit, without a state
        (_result, "experiment"),
        (_result, "whole_later"),
    ],
)
@pytest.mark.parametrize("options", [{}, {"branching": False}])
def test_cancelled_in_each_stage(monkeypatch, target, name, options):
    """Whatever it is doing when it is cancelled, it ends as cancelled."""
    jobs, original, hits = [], getattr(target, name), []

    def stage(*args, **kwargs):
        if not hits:
            hits.append(1)
            ready.wait(20)
            assert jobs[0].cancel()
        return original(*args, **kwargs)

    ready = threading.Event()
    circuit = branchy()
    if name == "sampler":
        circuit = ghz(7)  # wider than narrow ones
    elif target is _one_pass:
        circuit = ghz(3)
    with monkeypatch.context() as patch:
        patch.setattr(target, name, stage)
        # So many shots that it is not carried out within run().
        jobs.append(QASM.run(circuit, shots=20_000, **options))
        ready.set()
        jobs[0].wait_for_final_state(timeout=60)
    if name == "copy" and options:
        assert not hits and jobs[0].status() is JobStatus.DONE
        return
    assert hits
    assert jobs[0].status() is JobStatus.CANCELLED
    with pytest.raises(JobError):
        jobs[0].result()


def endless():
    circuit = QuantumCircuit(1, 1)
    with circuit.while_loop((circuit.clbits[0], 0)):
        circuit.x(0)
    return circuit


def test_cancelled_between_shots():
    for options in ({}, {"branching": False}):
        job = QASM.run(endless(), **options)
        while not job.running():
            time.sleep(0.001)
        time.sleep(0.01)
        assert job.cancel() and job.cancel()
        with pytest.raises(JobError):
            job.result(60)


@pytest.mark.parametrize("defer", [False, True])
def test_cancelled_while_loops_are_unrolled(monkeypatch, defer):
    monkeypatch.setattr(instructions, "POLLED", 4)
    circuit = QuantumCircuit(2, 2)
    with circuit.for_loop(range(40)):
        circuit.h(0)
    circuit.measure([0, 1], [0, 1])
    program = lower(circuit)
    looks = []
    code = flatten.flatten(program, defer, lambda: looks.append(1))
    assert code == flatten.flatten(program, defer)
    assert len(looks) >= 40 + (1 + defer) * 10
    control = Control()
    control.cancel()
    with pytest.raises(Cancelled):
        flatten.flatten(program, defer, control.check)


class Looks:
    """A check that knows the longest time between two looks, as a part of that between all.

    It is the time of its thread alone, and compared with nothing but itself, as any machine may be
    slow; the garbage collector, which would walk through what other tests left, has to wait.
    """

    def __init__(self):
        self.longest, self.last = 0.0, time.thread_time()
        self.begun = self.last

    def __call__(self):
        self.longest = max(self.longest, time.thread_time() - self.last)
        self.last = time.thread_time()

    def __enter__(self):
        gc.disable()
        return self

    def __exit__(self, *error):
        gc.enable()

    @property
    def part(self):
        return self.longest / (self.last - self.begun)


def test_loops_of_many_turns_can_be_cancelled_soon():
    circuit = QuantumCircuit(1, 1)
    with circuit.for_loop(range(500_000)):
        circuit.h(0)
    circuit.measure(0, 0)
    circuit.reset(0)
    circuit.measure(0, 0)
    program = lower(circuit)
    with Looks() as look:
        flatten.flatten(program, True, look)
        look()
    assert look.part < 0.01  # some 40 ms


def test_the_preparation_of_many_qubits_can_be_cancelled_soon():
    amplitudes = np.random.default_rng(1).normal(size=1 << 22).astype(complex)
    amplitudes /= np.linalg.norm(amplitudes)
    with Looks() as look:
        state = _state.State.zero(22, check=look)
        state.prepare(range(22), amplitudes)
        look()
    assert look.part < 0.25  # some 20 ms


# ----------------------------------------------------------------------------------------------
# Callbacks
# ----------------------------------------------------------------------------------------------


def test_a_callback_that_raises():
    job = QASM.run(endless())

    def callback(*_):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        job.wait_for_final_state(callback=callback)
    assert job.cancel()
    job.wait_for_final_state(timeout=60)


# ----------------------------------------------------------------------------------------------
# Numbers that are wrong
# ----------------------------------------------------------------------------------------------


def stretching(width=3, times=1, measured=True, name="stretched"):
    """A matrix that passes for unitary by a tolerance, again and again."""
    gate = UnitaryGate(np.eye(2))
    gate.params = [np.eye(2, dtype=complex) * (1 + 2e-6)]
    circuit = QuantumCircuit(width, width, name=name)
    circuit.h(range(width))
    for _ in range(times):
        circuit.append(gate, [0])
    if measured:
        circuit.measure(range(width), range(width))
    return circuit


def test_a_norm_that_drifts_is_a_warning():
    job = QASM.run([ghz(), stretching(times=10)], shots=10)
    with pytest.warns(
        RuntimeWarning, match=r'Circuit 1, "stretched": the norm .* at the end'
    ) as got:
        result = job.result(60)
    assert len(got) == 1 and got[0].filename == __file__
    assert 1e-6 < result.results[1].metadata["norm_drift"] < 1e-3
    assert abs(result.results[0].metadata["norm_drift"]) < 1e-12
    with warnings.catch_warnings():  # once is enough
        warnings.simplefilter("error")
        job.result()


def test_where_it_drifts():
    circuit = stretching(times=10, measured=False)
    circuit.measure(1, 1)
    circuit.h(1)
    circuit.measure(1, 1)
    with pytest.warns(RuntimeWarning, match=r"before qubit 1 is measured or reset"):
        QASM.run(circuit, shots=10).result(60)


@pytest.mark.parametrize("fusion", [True, False])
def test_a_final_state_that_drifts(fusion):
    circuit = stretching(times=200, measured=False)
    for backend, other in ((STATEVECTOR, circuit), (UNITARY, circuit)):
        if fusion:  # one operation is left: it is not looked at
            backend.run(other, fusion=True).result(60)
            continue
        with pytest.warns(RuntimeWarning, match="at the end"):
            backend.run(other, fusion=False).result(60)


def test_numbers_that_are_right_are_no_warning():
    circuit = QuantumCircuit(8, 8)
    rng = np.random.default_rng(1)
    for _ in range(300):
        for qubit in range(8):
            circuit.u(*rng.uniform(0, 6, 3), qubit)
        circuit.cx(*rng.permutation(8)[:2].tolist())
    measured = circuit.copy()
    measured.measure(range(8), range(8))
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        for precision in ("double", "single"):
            for fusion in (True, False):
                options = {"precision": precision, "fusion": fusion}
                metadata = QASM.run(measured, **options).result(60).results[0].metadata
                assert metadata["norm_drift"] < (1e-11 if precision == "double" else 1e-3)
                STATEVECTOR.run(circuit, **options).result(60)


# ----------------------------------------------------------------------------------------------
# Made to harm
# ----------------------------------------------------------------------------------------------


def nested(depth, copies):
    """A gate defined by copies of a gate that is defined by copies of a gate ..."""
    gate = Gate("layer0", 1, [])
    gate.definition = QuantumCircuit(1)
    gate.definition.h(0)
    for level in range(1, depth + 1):
        inner, gate = gate, Gate(f"layer{level}", 1, [])
        gate.definition = QuantumCircuit(1)
        for _ in range(copies):
            gate.definition.append(inner, [0])
    circuit = QuantumCircuit(1, name="bomb")
    circuit.append(gate, [0])
    return circuit


def test_definitions_within_definitions():
    state = STATEVECTOR.run(nested(150, 1)).result(60).get_statevector()
    assert np.allclose(state.data, math.sqrt(0.5))
    with pytest.raises(BasicAerError, match="bomb"):
        STATEVECTOR.run(nested(250, 1))


def test_a_definition_that_is_another_each_time():
    class Endless(Gate):
        def __init__(self):
            super().__init__("endless", 1, [])

        def _define(self):
            self.definition = QuantumCircuit(1)
            self.definition.append(Endless(), [0])

    circuit = QuantumCircuit(1, name="odd")
    circuit.append(Endless(), [0])
    with pytest.raises(BasicAerError, match=r"endless.*odd|odd.*endless"):
        QASM.run(circuit)


def test_definitions_that_double(monkeypatch):
    """2**60 gates of a few lines: an error as soon as they do not fit."""
    monkeypatch.setattr(_memory, "available_bytes", lambda fresh=False: 1 << 20)
    with pytest.raises(BasicAerError, match=r"bomb.*gates.*memory"):
        STATEVECTOR.run(nested(60, 2))
    monkeypatch.undo()
    assert STATEVECTOR.run(nested(10, 2)).result(60).success


def test_loops_without_number(monkeypatch):
    circuit = QuantumCircuit(1, 1, name="loop")
    with circuit.for_loop(range(10**15)):
        circuit.x(0)
    with pytest.raises(BasicAerError, match=r"loop.*1000000000000000 turns.*memory"):
        QASM.run(circuit)


def test_very_many_clbits():
    circuit = QuantumCircuit(1, 100_000, name="wide")
    circuit.x(0)
    circuit.measure(0, 99_999)
    counts = QASM.run(circuit, shots=3).result(60).get_counts()
    assert counts == {"1" + "0" * 99_999: 3}
    with pytest.raises(BasicAerError, match=r'"wide".*10\d+ shots.*needs'):
        QASM.run(circuit, shots=10**9)


def test_very_many_shots_in_a_list():
    with pytest.raises(BasicAerError, match=r'"ghz".*needs'):
        QASM.run(ghz(), shots=10**12, memory=True)


@pytest.mark.parametrize("qubits", [(), (0,), (0, 1, 2)])
def test_a_gate_on_another_number_of_qubits(qubits):
    circuit = QuantumCircuit(3, name="odd")
    circuit._append(CXGate(), [circuit.qubits[each] for each in qubits], [])
    with pytest.raises(BasicAerError, match=r'"odd".*qubits'):
        STATEVECTOR.run(circuit)


@pytest.mark.parametrize(("qubits", "clbits"), [(0, 1), (1, 0), (2, 1)])
def test_a_measurement_of_nothing(qubits, clbits):
    circuit = QuantumCircuit(2, 1, name="odd")
    circuit._append(Measure(), circuit.qubits[:qubits], circuit.clbits[:clbits])
    with pytest.raises(BasicAerError, match=r"odd.*measure.*expected one of each"):
        QASM.run(circuit)


@pytest.mark.parametrize("num_qubits", [3, 8])  # applied one by one, and planned
@pytest.mark.parametrize(
    "change",
    [
        {"qubits": [0, 0]},
        {"qubits": [0, "the number of qubits"]},  # whatever the lanes, it may be one of them
        {"qubits": [-1, 1]},
        {"qubits": [0, 1, 2]},
        {"qubits": [0]},
        {"start": [2**31 - 2, -(2**31)]},
        {"offset": [-1]},
        {"offset": [1 << 40]},
        {"offset": [2**63 - 1]},
        {"coefficients": np.zeros(15, dtype=complex)},
        {"kind": [1]},
    ],
    ids=repr,
)
def test_numbers_that_are_no_gate_touch_no_memory(change, num_qubits):
    """Whatever a program holds, wherever it came from."""
    right = {"kind": [0], "start": [0, 2], "qubits": [0, 1], "offset": [0]}
    given = {**right, "coefficients": np.eye(4, dtype=complex).ravel(), **change}
    if len(given["qubits"]) != 2:
        given["start"] = [0, len(given["qubits"])]
    gates = Gates(
        (Kind(DENSE, 2),),
        np.array(given["kind"], dtype=np.int32),
        np.array(given["start"], dtype=np.int32),
        np.array([num_qubits if type(q) is str else q for q in given["qubits"]], dtype=np.int32),
        np.array(given["offset"], dtype=np.int64),
        given["coefficients"],
    )
    with pytest.raises(ValueError, match="gate 0 of a run is malformed"):
        _state.State.zero(num_qubits).apply(gates)


@pytest.mark.parametrize("num_qubits", [3, 8])  # applied one by one, and planned
@pytest.mark.parametrize("form", [DENSE, DIAGONAL])
@pytest.mark.parametrize("controls", range(4))
def test_kinds_without_a_target_touch_no_memory(controls, form, num_qubits):
    """Such a gate is a phase, which is what lowering makes of it."""
    gates = Gates(
        (Kind(form, 0, controls, (1 << controls) - 1),),
        np.zeros(1, dtype=np.int32),
        np.array([0, controls], dtype=np.int32),
        np.arange(controls, dtype=np.int32),
        np.zeros(1, dtype=np.int64),
        np.array([1j]),
    )
    with pytest.raises(ValueError, match="target"):
        _state.State.zero(num_qubits).apply(gates)


def test_loops_within_loops():
    """Each of them is short."""
    body = QuantumCircuit(1)
    body.x(0)
    for _ in range(40):
        outer = QuantumCircuit(1, name="loops")
        outer.append(ForLoopOp(range(2), None, body), [0])
        body = outer
    with pytest.raises(BasicAerError, match=r"loops.*turns.*around it.*memory"):
        QASM.run(body)


def test_bodies_that_are_read_anew_for_each_turn():
    parameter = Parameter("a")
    body = QuantumCircuit(1)
    body.rx(parameter, 0)
    circuit = QuantumCircuit(1, name="loop")
    circuit.append(ForLoopOp(range(10**9), parameter, body), [0])
    with pytest.raises(BasicAerError, match=r"loop.*1000000000 turns.*memory"):
        QASM.run(circuit)


def test_loops_within_loops_that_fit():
    parameter = Parameter("a")
    circuit = QuantumCircuit(1, name="loops")
    with circuit.for_loop(range(30), parameter) as turn:
        with circuit.for_loop(range(100)):
            circuit.x(0)
        circuit.rz(turn, 0)
    assert STATEVECTOR.run(circuit).result(60).success


def test_parameters_beyond_all_numbers():
    gate = RXGate(0.1)
    gate.params[0] = 10**400
    circuit = QuantumCircuit(1, name="odd")
    circuit._append(gate, circuit.qubits, [])
    with pytest.raises(BasicAerError, match=r"odd.*rx.*beyond"):
        QASM.run(circuit)


@pytest.mark.parametrize("shape", [(1 << 40,), (1 << 20, 1 << 20)])
def test_initial_states_larger_than_memory(shape):
    """An array that is large by its strides alone."""
    value = np.broadcast_to(np.float64(0), shape)
    with pytest.raises(BasicAerError, match=r"initial_statevector.*needs 16\.0 TiB.*available"):
        STATEVECTOR.run(ghz(), initial_statevector=value)
