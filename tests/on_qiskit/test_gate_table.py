"""The gate table against terra's matrices."""

from __future__ import annotations

import ast
from pathlib import Path

import numpy as np
import oracle
import pytest
from qiskit.circuit.library.standard_gates import get_standard_gate_name_mapping
from qiskit.quantum_info import Operator
from versions import needs_present_basis, needs_terra

from basicaer import BasicAer
from basicaer._engine import gate_table
from basicaer._engine.gate_table import (
    GATES,
    ROW_OF_NAME,
    SCALAR,
)
from basicaer._engine.program import DENSE, DIAGONAL
from basicaer._qiskit.circuits.gate_classes import CLASS_OF_NAME, ROW_OF_CLASS, SINGLETON_OF_CLASS
from basicaer._qiskit.circuits.gate_reader import Refill
from basicaer._qiskit.versions import reference

PARTS = [(row, part) for row in GATES for part in row.parts]
EVERY_ROW = pytest.mark.parametrize("row", GATES, ids=lambda row: CLASS_OF_NAME[row.name].__name__)
EVERY_PART = pytest.mark.parametrize(
    ("row", "part"),
    PARTS,
    ids=[f"{CLASS_OF_NAME[row.name].__name__}-{i}" for i, (row, _) in enumerate(PARTS)],
)


def matrix_of(row, parameters, ctrl_state=None):
    """The gate's matrix, from its parts."""
    whole = np.eye(1 << row.num_qubits, dtype=complex)
    for part in row.parts:
        values = np.array(part.entries(SCALAR, *parameters), dtype=complex)
        size = 1 << part.kind.num_targets
        matrix = values.reshape(size, size) if part.kind.form == DENSE else np.diag(values)
        state = part.kind.control_state if ctrl_state is None else ctrl_state
        matrix = oracle.controlled_matrix(matrix, part.kind.num_controls, state)
        whole = oracle.apply_matrix(whole, matrix, list(part.positions))
    return whole


def test_no_standard_gate_is_missing():
    mapping = get_standard_gate_name_mapping()
    other = {"measure", "reset", "delay", "global_phase"}
    assert set(mapping) - other <= set(ROW_OF_NAME)
    assert set(ROW_OF_CLASS) == set(oracle.TABLE)


def test_each_row_has_a_name_and_a_class_of_its_own():
    names = [row.name for row in GATES]
    assert len(set(names)) == len(names)
    assert set(names) == set(CLASS_OF_NAME)
    assert len(set(CLASS_OF_NAME.values())) == len(names)


def test_the_table_knows_no_qiskit():
    tree = ast.parse(Path(gate_table.__file__).read_text(encoding="utf-8"))
    imported = {
        name
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    own = {"numpy", "basicaer._engine.program"}
    standard = {"__future__", "cmath", "functools", "math", "typing"}
    assert own <= imported <= own | standard


@EVERY_ROW
def test_row_is_of_its_class(row):
    gate = CLASS_OF_NAME[row.name](*[0.3] * row.num_params)
    assert (gate.name, gate.num_qubits, len(gate.params)) == (
        {"c3x": "mcx", "c4x": "mcx"}.get(row.name, row.name),
        row.num_qubits,
        row.num_params,
    )
    assert getattr(gate, "num_ctrl_qubits", 0) == row.num_controls
    assert ROW_OF_CLASS[CLASS_OF_NAME[row.name]] is row
    if type(gate) is not CLASS_OF_NAME[row.name]:
        assert SINGLETON_OF_CLASS[type(gate)] is row


@EVERY_ROW
def test_matrix(row):
    rng = np.random.default_rng(1)
    for _ in range(5):
        parameters = rng.uniform(-7, 7, row.num_params).tolist()
        expected = Operator(CLASS_OF_NAME[row.name](*parameters)).data
        assert np.allclose(matrix_of(row, parameters), expected, atol=1e-14, rtol=0)


@EVERY_ROW
def test_every_control_state(row):
    parameters = np.random.default_rng(2).uniform(-7, 7, row.num_params).tolist()
    for state in range(1 << row.num_controls if row.num_controls else 0):
        gate = CLASS_OF_NAME[row.name](*parameters, ctrl_state=state)
        expected = Operator(gate).data
        assert np.allclose(matrix_of(row, parameters, state), expected, atol=1e-14, rtol=0)


@EVERY_ROW
def test_matrix_is_terras_definition(row):
    parameters = np.random.default_rng(3).uniform(-7, 7, row.num_params).tolist()
    definition = CLASS_OF_NAME[row.name](*parameters).definition
    if definition is not None:
        assert np.allclose(matrix_of(row, parameters), Operator(definition).data, atol=1e-10)


@EVERY_PART
def test_refilled_coefficients_are_those_of_scalars(row, part):
    columns = np.random.default_rng(4).uniform(-7, 7, (row.num_params, 6))
    columns[:, 0] = 0
    fixed = np.arange(part.kind.num_targets * 16 + 3) + 1j
    sources = list(range(row.num_params))
    found = Refill(fixed, [(2, part.entries, sources)]).rows(columns)
    assert found.shape == (6, len(fixed))
    for i in range(6):
        expected = part.entries(SCALAR, *columns[:, i].tolist())
        size = len(expected)
        assert found[i, 2 : 2 + size].tolist() == list(expected)
        assert found[i, :2].tolist() == fixed[:2].tolist()
        assert found[i, 2 + size :].tolist() == fixed[2 + size :].tolist()


def test_bad_refills():
    entries = ROW_OF_NAME["rx"].parts[0].entries
    with pytest.raises(ValueError, match="4 coefficients do not fit at 2"):
        Refill(np.zeros(5), [(2, entries, [0])])
    with pytest.raises(ValueError, match="4 sources are needed, not 1"):
        Refill(np.zeros(4), [(0, entries, [3])]).rows(np.zeros((1, 1)))
    with pytest.raises(ValueError, match="negative"):
        Refill(np.zeros(4), [(0, entries, [-1])])


@EVERY_PART
def test_kind(row, part):
    kind = part.kind
    assert len(part.positions) == kind.num_controls + kind.num_targets
    assert sorted(part.positions) == list(range(row.num_qubits))
    rng = np.random.default_rng(5)
    tried = [rng.uniform(-7, 7, row.num_params) for _ in range(20)]
    values = np.array([part.entries(SCALAR, *p.tolist()) for p in tried], dtype=complex)
    size = 1 << kind.num_targets
    assert values.shape[1] == (size * size if kind.form == DENSE else size)
    assert kind.is_real == (not values.imag.any())
    occurs = values.any(axis=0)
    if kind.pattern == -1:
        assert kind.form == DIAGONAL or kind.num_targets > 2 or occurs.all()
    else:
        assert kind.form == DENSE and kind.num_targets <= 2
        assert [bool(kind.pattern >> i & 1) for i in range(size * size)] == occurs.tolist()


@EVERY_PART
def test_diagonal_matrices_are_diagonal_kinds(row, part):
    if part.kind.form == DENSE and part.kind.num_targets <= 2 and part.kind.pattern != -1:
        size = 1 << part.kind.num_targets
        diagonal = sum(1 << i * (size + 1) for i in range(size))
        assert part.kind.pattern & ~diagonal


@EVERY_PART
def test_constants(row, part):
    if row.num_params:
        assert part.constant == ()
    else:
        assert part.constant == tuple(part.entries(SCALAR))


@needs_present_basis
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("backend", BasicAer.backends(), ids=lambda backend: backend.name())
@needs_terra
def test_advertised_gates_are_terras(backend):
    """A circuit transpiled for a simulator comes out as it does for terra's."""
    theirs = getattr(reference, type(backend).__name__)().configuration()
    assert backend.configuration().basis_gates == theirs.basis_gates
    assert backend.configuration().gates == theirs.gates
    assert backend.DEFAULT_CONFIGURATION["basis_gates"] == theirs.basis_gates


@pytest.mark.parametrize("backend", BasicAer.backends(), ids=lambda backend: backend.name())
@needs_terra
def test_advertised_gates_are_in_the_table(backend):
    names = set(backend.configuration().basis_gates)
    assert names - {row.name for row in GATES} == {"unitary"}


@pytest.mark.parametrize("num_qubits", [1, 2, 3])
def test_oracle_draws_unitaries(num_qubits):
    for seed in range(5):
        matrix = oracle.random_unitary(num_qubits, seed)
        assert np.allclose(matrix @ matrix.conj().T, np.eye(1 << num_qubits), atol=1e-13)
        assert not np.allclose(matrix, oracle.random_unitary(num_qubits, seed + 100))


def test_oracle_applies_matrices():
    rng = np.random.default_rng(6)
    for seed in range(20):
        num_qubits = int(rng.integers(1, 6))
        width = int(rng.integers(1, min(3, num_qubits) + 1))
        qubits = rng.permutation(num_qubits)[:width].tolist()
        matrix = oracle.random_unitary(width, seed)
        expected = Operator(np.eye(1 << num_qubits)).compose(Operator(matrix), qubits)
        found = oracle.apply_matrix(np.eye(1 << num_qubits, dtype=complex), matrix, qubits)
        assert np.allclose(found, expected.data, atol=1e-13)
        state = oracle.random_state(num_qubits, seed)
        assert np.allclose(
            oracle.apply_matrix(state, matrix, qubits), expected.data @ state, atol=1e-13
        )
