"""The same circuits and simulators as in compare.py, as a pytest-benchmark suite.

    pytest benchmarks/bench_circuits.py                     all
    pytest benchmarks/bench_circuits.py -k "basicaer and 16"
    pytest benchmarks/bench_circuits.py --benchmark-autosave --benchmark-compare

Groups are circuits, rows simulators. It keeps and compares histories; for ratios and goals in one
table use compare.py.
"""

from __future__ import annotations

import pytest
from circuits import FAMILIES
from simulators import ALL, num_cores


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("num_qubits", [10, 16, 20])
@pytest.mark.parametrize("family", FAMILIES)
def test_circuit(benchmark, family, num_qubits, name):
    circuit = FAMILIES[family].listed(num_qubits)
    try:
        call = ALL[name].prepare(circuit, num_cores())
    except ImportError as error:
        pytest.skip(str(error))
    benchmark.group = f"{family} {num_qubits}"
    benchmark.extra_info["precision"] = ALL[name].precision
    benchmark(call)
