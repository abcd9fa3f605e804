"""Draws and counts of the compiled module, against numpy's generator and plain Python."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from basicaer._engine.gate_table import GATES, SCALAR
from basicaer._engine.shots import outcomes as _outcomes
from basicaer._engine.shots.outcomes import CumulativeTable, Uniforms
from basicaer._qiskit.circuits.gate_reader import Formula

SEEDS = [0, 1, 7, 42, 2**31 - 1, 2**31, 2**32 - 1]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("shots", [0, 1, 2, 311, 312, 313, 5000])
def test_uniforms_are_those_of_numpy_s_generator(seed, shots):
    expected = np.random.RandomState(seed).random_sample(shots)
    np.testing.assert_array_equal(Uniforms(seed).take(shots), expected)


@pytest.mark.parametrize("first", [1, 5, 311, 312, 313, 623, 624, 625, 4000])
def test_uniforms_from_the_middle(first):
    expected = np.random.RandomState(9).random_sample(first + 700)[first:]
    np.testing.assert_array_equal(Uniforms(9, first).take(700), expected)


@pytest.mark.parametrize("first", [0, 100, 312])
@pytest.mark.parametrize("part", [1, 7, 311, 312, 313, 1000])
def test_uniforms_taken_in_parts(first, part):
    uniforms = Uniforms(3, first)
    taken = [uniforms.take(part) for _ in range(3)]
    expected = np.random.RandomState(3).random_sample(first + 3 * part)[first:]
    np.testing.assert_array_equal(np.concatenate(taken), expected)


def test_uniforms_out_of_bounds():
    with pytest.raises(OverflowError):
        Uniforms(2**32)
    with pytest.raises(ValueError, match="counted from 0; -1 cannot be the first"):
        Uniforms(1, -1)
    with pytest.raises(ValueError, match="-3 uniforms cannot be drawn"):
        Uniforms(1).take(-3)


@pytest.mark.parametrize("size", [1, 2, 3, 16, 1000, 1 << 17])
@pytest.mark.parametrize("kind", ["random", "few", "one", "first", "last"])
@pytest.mark.parametrize("shots", [1, 50, 3000])
def test_draws_are_those_of_choice(size, kind, shots):
    rng = np.random.default_rng(size)
    probabilities = rng.random(size)
    if kind == "few":
        probabilities *= rng.random(size) < 0.05
        probabilities[size // 2] = 1
    elif kind in ("one", "first", "last"):
        probabilities[:] = 0
        probabilities[{"one": size // 2, "first": 0, "last": size - 1}[kind]] = 0.7
    total = probabilities.cumsum()[-1]
    cdf = probabilities.cumsum() / total
    uniforms = np.random.RandomState(3).random_sample(shots)
    uniforms[0] = 0.0
    uniforms[-1] = np.nextafter(1.0, 0)
    uniforms[shots // 2] = cdf[size // 3] if cdf[size // 3] < 1 else 0.5  # on an edge
    expected = np.minimum(cdf.searchsorted(uniforms, side="right"), size - 1)
    table = CumulativeTable(probabilities.copy(), shots)
    assert table.total == total
    np.testing.assert_array_equal(table.draw(uniforms), expected)
    np.testing.assert_array_equal(table.draw(uniforms[:7]), expected[:7])


def test_no_outcomes_to_draw_from():
    with pytest.raises(ValueError, match="no outcomes can be drawn"):
        CumulativeTable(np.empty(0), 1)


@pytest.mark.parametrize("most", [1, 2, 5, 4096, 4097, 1 << 20, 2**64 - 1])
@pytest.mark.parametrize("shots", [0, 1, 7, 2000])
def test_counts(most, shots):
    values = np.random.default_rng(shots).integers(0, most, shots, np.uint64, endpoint=True)
    expected = Counter(hex(value) for value in values.tolist())
    found = _outcomes.count(values)
    assert list(found.items()) == list(expected.items())


def test_values_that_meet_in_the_table_are_told_apart():
    values = (np.arange(3000, dtype=np.uint64) << np.uint64(52)) + np.uint64(1)
    values = np.concatenate([values, values[::-1]])
    found = _outcomes.count(values)
    assert set(found.values()) == {2} and len(found) == 3000


@pytest.mark.parametrize("row", [row for row in GATES if row.num_params], ids=lambda row: row.name)
def test_formulas_are_the_functions_of_the_gate_table(row):
    rng = np.random.default_rng(1)
    special = [0.0, -0.0, np.pi, -np.pi / 2, 1e-300, 1e9]
    for part in row.parts:
        formula = Formula(part.entries, row.num_params)
        for trial in range(40):
            angles = rng.uniform(-7, 7, row.num_params)
            if trial < 20:
                angles[trial % row.num_params] = special[trial % len(special)]
            expected = [complex(entry) for entry in part.entries(SCALAR, *angles.tolist())]
            assert list(formula(*angles)) == expected


def test_formulas_say_what_they_cannot_do():
    with pytest.raises(ValueError, match="a gate of 5 parameters; 4 is the most"):
        Formula(lambda f, *angles: angles, 5)
    with pytest.raises(TypeError, match="division of complex numbers"):
        Formula(lambda f, x: (f.cis(x) / x,), 1)
    with pytest.raises(TypeError, match="2 parameters are needed, not 1"):
        Formula(lambda f, x, y: (x * y,), 2)(1.0)
