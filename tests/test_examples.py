"""Each example runs as a script in its own process, as a user runs it."""

from __future__ import annotations

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


def test_vqe():
    rows = [line.split() for line in run("vqe.py").splitlines()]
    assert [row[0] for row in rows] == ["exact", "basicaer", "qiskit"]
    exact, ours, qiskits = (float(row[1]) for row in rows)
    assert abs(ours - exact) < 1e-5
    assert abs(ours - qiskits) < 1e-6


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.name)
def test_every_example_is_tested(path):
    assert f'run("{path.name}"' in Path(__file__).read_text(encoding="utf-8")
