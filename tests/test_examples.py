"""Each example runs as a script in its own process, as a user runs it."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"


def run(name: str, *arguments: str) -> str:
    finished = subprocess.run(
        [sys.executable, str(EXAMPLES / name), *arguments],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    assert "Traceback" not in finished.stderr
    return finished.stdout


def test_bell():
    counts = re.fullmatch(r"\{'(\d\d)': (\d+), '(\d\d)': (\d+)\}\n", run("bell.py"))
    assert counts
    assert {counts[1], counts[3]} == {"00", "11"}
    assert int(counts[2]) + int(counts[4]) == 1000


def test_cancel():
    output = run("cancel.py")
    assert re.search(r"^RUNNING, \d+\.\d% done$", output, re.MULTILINE)
    assert "cancel() was True, CANCELLED within" in output
    assert "result():" in output


def test_sweep():
    rows = [line.split() for line in run("sweep.py").splitlines()[1:]]
    assert len(rows) == 17
    for _, measured, expected, *_ in rows:
        assert abs(float(measured) - float(expected)) < 0.06  # 5 standard deviations


def check_picture(output: str, path: Path) -> None:
    """A picture is there if matplotlib is installed; otherwise its line says what is missing."""
    if importlib.util.find_spec("matplotlib") is None:
        assert re.search("^picture +not drawn: pip install matplotlib$", output, re.MULTILINE)
        assert not path.exists()
    else:
        assert re.search(f"^picture +{re.escape(str(path))}$", output, re.MULTILINE)
        assert path.read_bytes().startswith(b"\x89PNG")


def test_vqe(tmp_path):
    output = run("vqe.py", str(tmp_path / "steps.png"))
    rows = [line.split() for line in output.splitlines()]
    assert [row[0] for row in rows] == ["exact", "basicaer", "qiskit", "picture"]
    exact, ours, qiskits = (float(row[1]) for row in rows[:3])
    assert abs(ours - exact) < 1e-5
    assert abs(ours - qiskits) < 1e-6
    check_picture(output, tmp_path / "steps.png")


def test_landscape(tmp_path):
    output = run("landscape.py", str(tmp_path / "map.png"))
    energies = re.match(r"(\d+) energies of 10 qubits", output)
    assert energies
    assert int(energies[1]) == 54**2
    rows = re.findall(r"^   ([ .:\-=+*#%@]{27})$", output, re.MULTILINE)
    assert len(rows) == 9
    assert len(set(rows)) > 3
    best = re.search(r"^best of the map  (\S+) edges cut of 10$", output, re.MULTILINE)
    lowest = re.search(r"^lowest point     (\S+) at rzz (\S+), rx (\S+)$", output, re.MULTILINE)
    assert best and lowest
    assert 7.4 < float(best[1]) < float(lowest[1]) == 7.5
    # A ring's best angles: the map shows both pairs, whose energies are equal.
    smaller, larger = sorted([float(lowest[2]), float(lowest[3])])
    assert abs(smaller - 0.7854) < 1e-3
    assert abs(larger - 2.3562) < 1e-3
    check_picture(output, tmp_path / "map.png")


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.name)
def test_every_example_is_tested(path):
    assert f'run("{path.name}"' in Path(__file__).read_text(encoding="utf-8")
