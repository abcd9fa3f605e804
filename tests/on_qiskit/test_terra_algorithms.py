"""terra's own algorithms on both providers, with the same seed: the same numbers."""

# ruff: noqa: E402, NPY002 (imports of deprecated modules; the global generator is terra's)

import copy
import io
import warnings

import numpy as np
import pytest
from versions import needs_terra, skip_here

skip_here(needs_terra)

pytestmark = pytest.mark.filterwarnings("ignore")

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from qiskit.algorithms import (
        QAOA,
        VQE,
        AmplificationProblem,
        Grover,
        PhaseEstimation,
        minimum_eigensolvers,
    )
    from qiskit.algorithms.optimizers import COBYLA, SPSA
    from qiskit.opflow import CircuitSampler, StateFn, X, Z
    from qiskit.tools.monitor import job_monitor
    from qiskit.utils import QuantumInstance, algorithm_globals

from qiskit import QuantumCircuit, transpile
from qiskit.circuit.library import TwoLocal
from qiskit.primitives import BackendEstimator, BackendSampler
from qiskit.quantum_info import SparsePauliOp

import basicaer
from basicaer._qiskit.versions import reference

HAMILTONIAN = SparsePauliOp.from_list(
    [("II", -1.05), ("IZ", 0.39), ("ZI", -0.39), ("ZZ", -0.01), ("XX", 0.18)]
)


def on_both(function, name="qasm_simulator"):
    """What `function` of a backend gives on terra's and on ours, from the same start."""
    found = []
    for provider in (reference.BasicAer, basicaer.BasicAer):
        algorithm_globals.random_seed = 42
        np.random.seed(42)
        found.append(function(provider.get_backend(name)))
    return found


def assert_same(function, name="qasm_simulator", exactly=True):
    expected, found = on_both(function, name)
    if exactly:
        assert found == expected
    else:
        assert np.allclose(found, expected, rtol=0, atol=1e-9)


def instance(backend, **options):
    return QuantumInstance(backend, seed_simulator=7, seed_transpiler=7, **options)


def test_quantum_instance():
    circuit = QuantumCircuit(2)
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.measure_all()

    def run(backend):
        made = instance(backend, shots=500, backend_options={"chop_threshold": 1e-10})
        assert made.is_simulator and not made.is_statevector
        return dict(made.execute(circuit).get_counts())

    assert_same(run)


@pytest.mark.parametrize("name", ["qasm_simulator", "statevector_simulator"])
def test_vqe(name):
    def run(backend):
        vqe = VQE(
            TwoLocal(2, "ry", "cz", reps=1),
            SPSA(maxiter=3),
            quantum_instance=instance(backend, shots=256),
        )
        return vqe.compute_minimum_eigenvalue(
            sum((c * _opflow(label) for label, c in HAMILTONIAN.to_list()), 0 * _opflow("II"))
        ).eigenvalue

    assert_same(run, name, exactly=False)


def _opflow(label):
    from qiskit.opflow import PauliOp
    from qiskit.quantum_info import Pauli

    return PauliOp(Pauli(label))


def test_qaoa():
    def run(backend):
        qaoa = QAOA(COBYLA(maxiter=10), reps=1, quantum_instance=instance(backend, shots=256))
        return qaoa.compute_minimum_eigenvalue(_opflow("ZZ") + 0.5 * _opflow("ZI")).eigenvalue

    assert_same(run, exactly=False)


def test_circuit_sampler():
    def run(backend):
        sampler = CircuitSampler(instance(backend, shots=300))
        measured = ~StateFn(Z ^ X) @ StateFn(QuantumCircuit(2))
        return sampler.convert(measured).eval()

    for name in ("qasm_simulator", "statevector_simulator"):
        assert_same(run, name, exactly=False)


def test_primitives():
    circuit = TwoLocal(2, "ry", "cz", reps=1).decompose()
    measured = circuit.measure_all(inplace=False)
    values = [[0.1, 0.2, 0.3, 0.4], [1.0, 0.5, 0.2, 0.1]]

    def sample(backend):
        sampler = BackendSampler(backend, options={"seed_simulator": 3, "shots": 200})
        result = sampler.run([measured] * 2, values).result()
        return [dict(each) for each in result.quasi_dists]

    def estimate(backend):
        estimator = BackendEstimator(backend, options={"seed_simulator": 3, "shots": 200})
        return list(estimator.run([circuit] * 2, [HAMILTONIAN] * 2, values).result().values)

    assert_same(sample)
    assert_same(estimate, exactly=False)


def test_vqe_on_primitives():
    def run(backend):
        estimator = BackendEstimator(backend, options={"seed_simulator": 3, "shots": 200})
        vqe = minimum_eigensolvers.VQE(
            estimator, TwoLocal(2, "ry", "cz", reps=1), COBYLA(maxiter=10)
        )
        return vqe.compute_minimum_eigenvalue(HAMILTONIAN).eigenvalue

    assert_same(run, exactly=False)


def test_qaoa_on_primitives():
    def run(backend):
        sampler = BackendSampler(backend, options={"seed_simulator": 3, "shots": 200})
        qaoa = minimum_eigensolvers.QAOA(sampler, COBYLA(maxiter=8), reps=1)
        return qaoa.compute_minimum_eigenvalue(SparsePauliOp(["ZZ", "ZI"], [1, 0.5])).eigenvalue

    assert_same(run, exactly=False)


def _oracle():
    oracle = QuantumCircuit(2)
    oracle.cz(0, 1)
    return AmplificationProblem(oracle, is_good_state=["11"])


def test_grover():
    def old(backend):
        found = Grover(quantum_instance=instance(backend, shots=100)).amplify(_oracle())
        return found.top_measurement, found.max_probability

    def new(backend):
        sampler = BackendSampler(backend, options={"seed_simulator": 3, "shots": 100})
        found = Grover(sampler=sampler).amplify(_oracle())
        return found.top_measurement, found.max_probability

    assert_same(old)
    assert_same(new)


def test_phase_estimation():
    unitary = QuantumCircuit(1)
    unitary.p(2 * np.pi * 0.3, 0)
    state = QuantumCircuit(1)
    state.x(0)

    def old(backend):
        return PhaseEstimation(4, instance(backend, shots=200)).estimate(unitary, state).phase

    def new(backend):
        sampler = BackendSampler(backend, options={"seed_simulator": 3, "shots": 200})
        return PhaseEstimation(4, sampler=sampler).estimate(unitary, state).phase

    assert_same(old)
    assert_same(new)


def test_the_life_of_a_job():
    circuit = QuantumCircuit(1, 1)
    circuit.h(0)
    circuit.measure(0, 0)

    def run(backend):
        backend = copy.copy(backend)
        job = backend.run(transpile(circuit, backend), shots=50, seed_simulator=1)
        out = io.StringIO()
        job_monitor(job, interval=0.01, output=out)
        job.wait_for_final_state()
        return out.getvalue().splitlines()[-1].split("\r")[-1].strip(), job.result().get_counts()

    assert_same(run)
