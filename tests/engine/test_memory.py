"""What a run needs, what there is, and jobs that share it."""

import threading
import time

import pytest
from qiskit import QuantumCircuit

from basicaer import BasicAer
from basicaer._engine import memory as _memory
from basicaer._jobs import queue
from basicaer._engine.control import Control


def test_the_formula():
    mib = _memory.MIB
    assert _memory.required_bytes(20) == 16 * mib + mib
    assert _memory.required_bytes(20, precision="single") == 8 * mib + mib
    assert _memory.required_bytes(10, unitary=True) == 16 * mib + mib
    assert _memory.required_bytes(20, threads=4) == 16 * mib + 4 * mib
    assert _memory.required_bytes(0) == _memory.required_bytes(3) == 8 * 16 + mib
    assert _memory.required_bytes(20, measured=17) == 17 * mib + mib
    assert _memory.required_bytes(20, measured=20) == 17 * mib
    one = _memory.required_bytes(20, shots=mib, num_clbits=64) - 17 * mib
    assert one == 64 * mib
    assert _memory.required_bytes(20, shots=mib, num_clbits=65) == 17 * mib + one + 8 * mib
    listed = _memory.required_bytes(20, shots=mib, num_clbits=1, memory=True)
    assert listed > _memory.required_bytes(20, shots=mib, num_clbits=1)
    assert _memory.required_bytes(20, shots=mib, num_clbits=0, memory=True) == 17 * mib


def test_what_there_is():
    space = _memory.available_bytes()
    assert isinstance(space, int) and space > 0
    assert _memory.available_bytes() == space  # for a second it is not asked again


@pytest.mark.parametrize("unitary", [False, True])
@pytest.mark.parametrize("precision", ["double", "single"])
def test_the_largest_circuit_is_the_largest_that_fits(monkeypatch, unitary, precision):
    monkeypatch.setattr(_memory, "available_bytes", lambda fresh=False: 100 << 20)
    most = _memory.largest_circuit(unitary=unitary, precision=precision)
    need = [
        _memory.required_bytes(n, unitary=unitary, precision=precision) for n in (most, most + 1)
    ]
    assert need[0] <= 100 << 20 < need[1]


def test_the_configuration_says_what_fits(monkeypatch):
    monkeypatch.setattr(_memory, "available_bytes", lambda fresh=False: 100 << 20)
    sizes = {backend.name(): backend.configuration().n_qubits for backend in BasicAer.backends()}
    assert sizes == {"qasm_simulator": 22, "statevector_simulator": 22, "unitary_simulator": 11}
    monkeypatch.setattr(_memory, "available_bytes", lambda fresh=False: 200 << 20)
    assert BasicAer.get_backend("qasm_simulator").configuration().n_qubits == 23


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (5, "5 bytes"),
        (1 << 10, "1.0 KiB"),
        (64 << 30, "64.0 GiB"),
        (int(23.5 * 2**30), "23.5 GiB"),
        (1 << 200, "2**200 bytes"),
    ],
)
def test_describe(count, text):
    assert _memory.describe(count) == text


# ----------------------------------------------------------------------------------------------
# Where the limits are found
# ----------------------------------------------------------------------------------------------


def write(folder, **files):
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text)


def test_control_group_of_the_second_version(tmp_path):
    own = tmp_path / "own"
    own.write_text("0::/outer/inner\n")
    root = tmp_path / "cgroup"
    write(root / "outer/inner", memory__max="max\n", memory__current="5\n")
    assert _memory._cgroup_bytes(str(root), str(own)) is None
    write(root / "outer", memory__max="1000\n", memory__current="600\n")
    assert _memory._cgroup_bytes(str(root), str(own)) == 400
    write(root / "outer", memory__stat="anon 1\ninactive_file 50\nactive_file 7\n")
    assert _memory._cgroup_bytes(str(root), str(own)) == 450
    write(root / "outer/inner", memory__max="100\n", memory__current="90\n")
    assert _memory._cgroup_bytes(str(root), str(own)) == 10
    # A container sees its own group as the root.
    write(root, memory__max="50\n", memory__current="45\n")
    assert _memory._cgroup_bytes(str(root), str(own)) == 5


def test_control_group_of_the_first_version(tmp_path):
    own = tmp_path / "own"
    own.write_text("3:cpu,cpuacct:/a\n2:memory:/a\n")
    root = tmp_path / "cgroup"
    group = root / "memory/a"
    write(group, memory__limit_in_bytes="9223372036854771712", memory__usage_in_bytes="1")
    assert _memory._cgroup_bytes(str(root), str(own)) is None
    write(group, memory__limit_in_bytes="1000", memory__usage_in_bytes="700")
    assert _memory._cgroup_bytes(str(root), str(own)) == 300


def test_without_control_groups(tmp_path):
    assert _memory._cgroup_bytes(str(tmp_path), str(tmp_path / "none")) is None


# ----------------------------------------------------------------------------------------------
# Several jobs
# ----------------------------------------------------------------------------------------------


@pytest.fixture
def budget(monkeypatch):
    monkeypatch.setattr(_memory, "available_bytes", lambda fresh=False: 1000 << 20)
    return _memory.Budget()


def test_what_fits_together_is_let_in(budget):
    assert budget.try_take(400 << 20, None)
    assert not budget.try_take(700 << 20, None)
    assert budget.try_take(600 << 20, None)
    assert not budget.try_take(100 << 20, None)
    budget.give_back(400 << 20)
    assert budget.try_take(100 << 20, None)


def test_the_limit_of_one_holds_for_those_beside_it(budget):
    assert budget.try_take(100 << 20, None)
    assert not budget.try_take(100 << 20, 150 << 20)
    assert budget.try_take(50 << 20, 150 << 20)
    assert not budget.try_take(1 << 20, None)  # small, but the second job is not to exceed 150
    budget.give_back(50 << 20, 150 << 20)
    assert budget.try_take(1 << 20, None)


def test_alone_a_job_always_goes(budget):
    assert budget.try_take(2000 << 20, None)
    assert not budget.try_take(100 << 20, None)
    budget.give_back(2000 << 20)
    assert budget.try_take(100 << 20, 1)
    budget.give_back(100 << 20, 1)


def test_small_jobs_do_not_wait_for_large_ones(budget):
    assert budget.try_take(2000 << 20, None)
    assert budget.try_take(1 << 20, None)


def test_what_counts_for_nothing(budget):
    assert budget.try_take(2000 << 20, 1 << 20)
    assert budget.try_take(0, None)
    budget.give_back(0)


def test_what_others_have_taken_meanwhile(budget, monkeypatch):
    assert budget.try_take(100 << 20, None)
    monkeypatch.setattr(_memory, "available_bytes", lambda fresh=False: 200 << 20)
    assert not budget.try_take(300 << 20, None)
    assert budget.try_take(150 << 20, None)


def test_what_jobs_hold_will_be_there_for_the_next(budget, monkeypatch):
    assert budget.space() == 1000 << 20
    assert budget.try_take(900 << 20, None)
    monkeypatch.setattr(_memory, "available_bytes", lambda fresh=False: 100 << 20)
    assert budget.space() == 1000 << 20
    budget.give_back(900 << 20)
    assert budget.space() == 100 << 20


# ----------------------------------------------------------------------------------------------
# The same in the queue
# ----------------------------------------------------------------------------------------------


@pytest.fixture
def room(monkeypatch):
    """A machine of 1000 MiB."""
    monkeypatch.setattr(_memory, "available_bytes", lambda fresh=False: 1000 << 20)
    monkeypatch.setattr(_memory, "budget", _memory.Budget())


class Tracked:
    """Work that says when it began, and ends when it is told to."""

    def __init__(self, need, limit=None):
        self.begun, self.end = threading.Event(), threading.Event()
        self.control = Control()
        self.future = queue.submit(self, self.control, need=need << 20, limit=limit)

    def __call__(self):
        self.begun.set()
        while not self.end.wait(0.002):
            self.control.check()


def test_jobs_wait_for_memory_and_small_ones_pass(room):
    first, second, third = Tracked(600), Tracked(700), Tracked(300)
    assert first.begun.wait(20)
    assert not second.begun.wait(0.05)
    assert not third.begun.is_set()  # it would fit, but the second is before it
    small = Tracked(1)
    assert small.begun.wait(20)
    small.end.set()
    first.end.set()
    assert second.begun.wait(20) and third.begun.wait(20)
    for each in (second, third):
        each.end.set()
        each.future.result(20)


def test_a_job_that_waits_for_memory_can_be_cancelled(room):
    first, second = Tracked(600), Tracked(700)
    assert first.begun.wait(20)
    third = Tracked(100)
    assert queue.cancel(second.future, second.control) and second.future.cancelled()
    # Somebody looks again at the latest when the next job ends.
    Tracked(1).end.set()
    assert third.begun.wait(20)
    assert not second.begun.is_set()
    for each in (first, third):
        each.end.set()
        each.future.result(20)


def test_many_that_do_not_fit_together_all_get_their_turn(room):
    now, most, lock = [0], [0], threading.Lock()

    def work():
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        time.sleep(0.0005)
        with lock:
            now[0] -= 1

    futures = [queue.submit(work, Control(), need=600 << 20) for _ in range(200)]
    for future in futures:
        future.result(60)
    assert most == [1]


def test_jobs_with_a_limit_get_their_turn(room):
    limited = [queue.submit(lambda: 1, Control(), need=80 << 20, limit=100 << 20)] * 20
    others = [queue.submit(lambda: 2, Control(), need=1 << 20) for _ in range(50)]
    assert {future.result(60) for future in limited + others} == {1, 2}


@pytest.mark.parametrize("options", [{}, {"max_memory_mb": 40}])
def test_runs_that_do_not_fit_together(monkeypatch, options):
    monkeypatch.setattr(_memory, "SMALL", 1 << 20)
    monkeypatch.setattr(_memory, "available_bytes", lambda fresh=False: 40 << 20)
    monkeypatch.setattr(_memory, "budget", _memory.Budget())
    circuit = QuantumCircuit(20, 20)
    circuit.x(3)
    circuit.measure(range(20), range(20))
    jobs = [
        BasicAer.get_backend("qasm_simulator").run(circuit, shots=5, **options) for _ in range(6)
    ]
    assert [list(job.result(60).get_counts().values()) for job in jobs] == [[5]] * 6
