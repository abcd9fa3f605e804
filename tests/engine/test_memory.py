"""The memory that a run needs, and the memory that is available."""

from types import SimpleNamespace

import pytest
from versions import needs_terra

from basicaer import BasicAer
from basicaer._engine import memory as _memory


def test_the_formula():
    mib = _memory.MIB
    assert _memory.required_bytes(20) == 16 * mib + mib
    assert _memory.required_bytes(20, precision="single") == 8 * mib + mib
    assert _memory.required_bytes(10, unitary=True) == 16 * mib + mib
    assert _memory.required_bytes(20, threads=4) == 16 * mib + 4 * mib
    assert _memory.required_bytes(0) == _memory.required_bytes(3) == 8 * 16 + mib
    assert _memory.required_bytes(20, measured=17) == 17 * mib + mib
    assert _memory.required_bytes(20, measured=20) == 17 * mib
    assert _memory.required_bytes(20, shots=2 * mib, measured=17) == 18 * mib + mib
    assert _memory.required_bytes(10, measured=10) == _memory.required_bytes(10) + 8 * 1024
    one = _memory.required_bytes(20, shots=mib, num_clbits=64) - 17 * mib
    # Outcomes, counts with keys of 16 digits, and scratch to count a quarter of them at a time.
    assert one == (64 + 64 + 16 + (96 + 16) // 4) * mib
    two = _memory.required_bytes(20, shots=mib, num_clbits=65) - 17 * mib
    assert two == one + 16 * mib
    listed = _memory.required_bytes(20, shots=mib, num_clbits=1, memory=True)
    assert listed > _memory.required_bytes(20, shots=mib, num_clbits=1)
    assert _memory.required_bytes(20, shots=mib, num_clbits=0, memory=True) == 17 * mib


def test_what_there_is():
    space = _memory.available_bytes()
    assert isinstance(space, int) and space > 0


def test_what_there_is_is_not_asked_for_a_second(monkeypatch):
    now, asked = [100.0], []
    monkeypatch.setattr(_memory, "_cached", (0.0, 0))
    monkeypatch.setattr(_memory, "_system_bytes", lambda: asked.append(1) or 1 << 20)
    monkeypatch.setattr(_memory, "time", SimpleNamespace(monotonic=lambda: now[0]))
    for seconds, times in ((0.0, 1), (0.9, 1), (1.1, 2), (2.0, 2)):
        now[0] = 100.0 + seconds
        _memory.available_bytes()
        assert len(asked) == times
    _memory.available_bytes(fresh=True)
    assert len(asked) == 3


@pytest.mark.parametrize("unitary", [False, True])
@pytest.mark.parametrize("precision", ["double", "single"])
def test_the_largest_circuit_is_the_largest_that_fits(monkeypatch, unitary, precision):
    monkeypatch.setattr(_memory, "available_bytes", lambda fresh=False: 100 << 20)
    most = _memory.largest_circuit(unitary=unitary, precision=precision)
    need = [
        _memory.required_bytes(n, unitary=unitary, precision=precision) for n in (most, most + 1)
    ]
    assert need[0] <= 100 << 20 < need[1]


@needs_terra
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
