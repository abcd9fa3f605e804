"""Programs of other packages on our simulators as `BackendV2`: right, and the same twice."""

# ruff: noqa: E402 (what is imported further down may not exist)

from __future__ import annotations

import numpy as np
import pytest
from versions import needs, skip_here

skip_here(needs((1, 0), "has simulators that are BackendV1, see test_terra_algorithms.py"))

from qiskit import QuantumCircuit, transpile
from qiskit.circuit.library import EfficientSU2, RealAmplitudes, ZZFeatureMap
from qiskit.primitives import BackendEstimatorV2, BackendSamplerV2
from qiskit.quantum_info import SparsePauliOp, Statevector
from qiskit.transpiler import generate_preset_pass_manager

import basicaer
from basicaer import BasicAer

QASM = BasicAer.get_backend("qasm_simulator")

# Warnings of these packages about themselves, and of Qiskit about its classes of circuits.
pytestmark = [
    pytest.mark.filterwarnings(f"ignore::{category}")
    for category in ("DeprecationWarning", "PendingDeprecationWarning", "UserWarning")
]


def package(name, distribution):
    """Imports a module, or skips the test."""
    return pytest.importorskip(name, reason=f"{distribution} is not installed")


def twice(program):
    """Returns what a program returns, which must be the same when it is run again."""
    found = program()
    assert program() == found
    return found


def pass_manager(level=1):
    return generate_preset_pass_manager(level, backend=QASM, seed_transpiler=1)


def bell(measured=True):
    circuit = QuantumCircuit(2, name="bell")
    circuit.h(0)
    circuit.cx(0, 1)
    if measured:
        circuit.measure_all()
    return circuit


def turned():
    circuit = QuantumCircuit(2)
    circuit.ry(0.7, 0)
    circuit.rzz(-0.4, 0, 1)  # an angle that IBM's own machines do not take
    circuit.cx(0, 1)
    return circuit


OBSERVABLE = SparsePauliOp(["ZZ", "ZI", "XX"], [1, 0.5, 0.25])


# ----------------------------------------------------------------------------------------------
# qiskit-algorithms
# ----------------------------------------------------------------------------------------------


def test_vqe():
    algorithms = package("qiskit_algorithms", "qiskit-algorithms")
    from qiskit_algorithms.optimizers import COBYLA
    from qiskit_algorithms.utils import algorithm_globals

    hydrogen = SparsePauliOp(
        ["II", "IZ", "ZI", "ZZ", "XX"], [-1.0523732, 0.3979374, -0.3979374, -0.0112801, 0.1809312]
    )
    ansatz = pass_manager().run(RealAmplitudes(2, reps=1).decompose())

    def program():
        algorithm_globals.random_seed = 7
        options = {"default_precision": 0.02, "seed_simulator": 11}
        estimator = BackendEstimatorV2(backend=QASM, options=options)
        vqe = algorithms.VQE(estimator, ansatz, COBYLA(maxiter=60), initial_point=[0.1] * 4)
        return vqe.compute_minimum_eigenvalue(hydrogen).eigenvalue

    assert abs(twice(program) + 1.8572750) < 0.05


def test_qaoa():
    algorithms = package("qiskit_algorithms", "qiskit-algorithms")
    from qiskit_algorithms.optimizers import COBYLA
    from qiskit_algorithms.utils import algorithm_globals

    ring = SparsePauliOp.from_sparse_list([("ZZ", [i, (i + 1) % 4], 0.5) for i in range(4)], 4)

    def program():
        algorithm_globals.random_seed = 7
        options = {"default_shots": 1000, "seed_simulator": 11}
        qaoa = algorithms.QAOA(
            BackendSamplerV2(backend=QASM, options=options),
            COBYLA(maxiter=30),
            initial_point=[0.6, 0.4],
            transpiler=pass_manager(),
        )
        found = qaoa.compute_minimum_eigenvalue(ring)
        return found.eigenvalue, found.best_measurement["bitstring"]

    energy, best = twice(program)
    assert best in ("0101", "1010")  # the largest cut of a ring
    assert -2 < energy < -0.9  # one layer reaches -1 on a ring of four


# ----------------------------------------------------------------------------------------------
# qiskit-experiments
# ----------------------------------------------------------------------------------------------


def test_state_tomography():
    library = package("qiskit_experiments.library", "qiskit-experiments")

    def program(seed=5):
        experiment = library.StateTomography(bell(measured=False))
        data = experiment.run(QASM, seed_simulator=seed, shots=2000).block_for_results()
        assert data.status().name == "DONE", data.errors()
        fidelity = data.analysis_results("state_fidelity").value
        return float(fidelity), [entry["counts"] for entry in data.data()]

    fidelity, counts = twice(program)
    assert fidelity > 0.98
    assert len(counts) == 9 and all(sum(each.values()) == 2000 for each in counts)
    assert program(seed=6)[1] != counts


@pytest.mark.parametrize("qubits", [[0], [2, 1]])
def test_randomized_benchmarking(qubits):
    library = package("qiskit_experiments.library", "qiskit-experiments")

    def program():
        experiment = library.StandardRB(qubits, [1, 10, 30], num_samples=2, seed=3)
        data = experiment.run(QASM, shots=500).block_for_results()
        assert data.status().name == "DONE", data.errors()
        return data.analysis_results("EPC").value.nominal_value, [
            entry["counts"] for entry in data.data()
        ]

    error, counts = twice(program)
    assert abs(error) < 1e-6
    assert counts == [{"0" * len(qubits): 500}] * 6  # without noise nothing is lost


def test_experiments_in_parallel():
    library = package("qiskit_experiments.library", "qiskit-experiments")
    from qiskit_experiments.framework import ParallelExperiment

    backend = basicaer.QasmSimulatorPy(provider=BasicAer)
    backend.configuration().n_qubits = 3  # they ask a backend how wide it is
    single = [library.StandardRB([qubit], [1, 10], num_samples=1, seed=3) for qubit in (0, 2)]
    experiment = ParallelExperiment(single, flatten_results=True, backend=backend)
    data = experiment.run(shots=100).block_for_results()
    assert data.status().name == "DONE", data.errors()
    assert [entry["counts"] for entry in data.data()] == [{"00": 100}] * 2


# ----------------------------------------------------------------------------------------------
# qiskit-machine-learning
# ----------------------------------------------------------------------------------------------


def test_sampler_qnn():
    networks = package("qiskit_machine_learning.neural_networks", "qiskit-machine-learning")
    features, ansatz = ZZFeatureMap(2), RealAmplitudes(2, reps=1)
    circuit = features.compose(ansatz).decompose()
    data, weights = [[0.1, 0.2], [0.4, 0.3]], [0.1, 0.2, 0.3, 0.4]

    def parity(value):
        return f"{value:b}".count("1") % 2

    def program():
        options = {"default_shots": 1000, "seed_simulator": 11}
        network = networks.SamplerQNN(
            circuit=circuit,
            sampler=BackendSamplerV2(backend=QASM, options=options),
            input_params=features.parameters,
            weight_params=ansatz.parameters,
            interpret=parity,
            output_shape=2,
        )
        _, gradient = network.backward(data, weights)
        return network.forward(data, weights).tolist(), np.asarray(gradient).tolist()

    def exact(point, weights):
        values = dict(zip([*features.parameters, *ansatz.parameters], [*point, *weights]))
        state = Statevector(circuit.assign_parameters(values)).probabilities()
        return np.bincount([parity(value) for value in range(4)], state)

    forward, gradient = twice(program)
    expected = [exact(point, weights) for point in data]
    assert np.allclose(forward, expected, rtol=0, atol=0.08)  # five standard deviations
    step = np.eye(4) * np.pi / 2
    slopes = [
        [(exact(point, weights + each) - exact(point, weights - each)) / 2 for each in step]
        for point in data
    ]
    assert np.allclose(np.swapaxes(gradient, 1, 2), slopes, rtol=0, atol=0.08)


# ----------------------------------------------------------------------------------------------
# qiskit-ibm-runtime, local mode
# ----------------------------------------------------------------------------------------------


def test_runtime_sampler():
    runtime = package("qiskit_ibm_runtime", "qiskit-ibm-runtime")
    circuits = [bell(), turned()]
    circuits[1].measure_all()
    circuits = [transpile(circuit, QASM) for circuit in circuits]

    def program():
        options = {"simulator": {"seed_simulator": 42}}
        sampler = runtime.SamplerV2(mode=QASM, options=options)
        results = sampler.run(circuits, shots=1000).result()
        return [result.data.meas.get_counts() for result in results]

    counts = twice(program)
    for circuit, each in zip(circuits, counts):
        assert each == QASM.run(circuit, shots=1000, seed_simulator=42).result().get_counts()


def test_runtime_estimator():
    runtime = package("qiskit_ibm_runtime", "qiskit-ibm-runtime")
    circuit = transpile(turned(), QASM)

    def program():
        options = {"simulator": {"seed_simulator": 42}}
        estimator = runtime.EstimatorV2(mode=QASM, options=options)
        (found,) = estimator.run([(circuit, OBSERVABLE)], precision=0.02).result()
        return float(found.data.evs), float(found.data.stds)

    value, deviation = twice(program)
    expected = Statevector(circuit).expectation_value(OBSERVABLE).real
    assert 0 < deviation < 0.05 and abs(value - expected) < 6 * deviation


def test_runtime_session():
    runtime = package("qiskit_ibm_runtime", "qiskit-ibm-runtime")
    for context in (runtime.Session, runtime.Batch):
        with context(backend=QASM) as mode:
            job = runtime.SamplerV2(mode=mode).run([transpile(bell(), QASM)], shots=200)
            assert set(job.result()[0].data.meas.get_counts()) == {"00", "11"}


# ----------------------------------------------------------------------------------------------
# mthree
# ----------------------------------------------------------------------------------------------


def test_readout_correction():
    mthree = package("mthree", "mthree")
    backend = basicaer.QasmSimulatorPy(provider=BasicAer)
    # Its circuits are as wide as the simulator, which is otherwise all that memory holds.
    backend.configuration().n_qubits = 4
    circuit = QuantumCircuit(3)
    circuit.h(0)
    circuit.cx(0, [1, 2])
    circuit.measure_all()

    for method, qubits in (("independent", None), ("balanced", [2, 0, 1]), ("marginal", range(3))):

        def program(method=method, qubits=qubits):
            mitigation = mthree.M3Mitigation(backend)
            mitigation.cals_from_system(qubits, shots=2000, method=method, async_cal=False)
            matrices = mitigation.single_qubit_cals
            assert all(np.array_equal(matrices[qubit], np.eye(2)) for qubit in range(3))
            counts = backend.run(circuit, shots=2000, seed_simulator=4).result().get_counts()
            found = mitigation.apply_correction(counts, range(3))
            for outcome, count in counts.items():
                assert abs(found[outcome] - count / 2000) < 1e-6
            return dict(found), float(found.expval())

        quasi, value = twice(program)
        assert set(quasi) == {"000", "111"}
        assert abs(value - (quasi["000"] - quasi["111"])) < 1e-6


def test_readout_correction_of_the_shared_simulator():
    mthree = package("mthree", "mthree")
    mitigation = mthree.M3Mitigation(QASM)
    assert mitigation.num_qubits == QASM.configuration().n_qubits
    assert mitigation.system_info["simulator"] and mitigation.system_info["max_shots"] > 10**5


# ----------------------------------------------------------------------------------------------
# qiskit-addon-cutting, mitiq
# ----------------------------------------------------------------------------------------------


def test_a_circuit_cut_in_two():
    cutting = package("qiskit_addon_cutting", "qiskit-addon-cutting")
    circuit = EfficientSU2(4, reps=1, entanglement="linear").decompose()
    circuit = circuit.assign_parameters([0.4] * circuit.num_parameters)
    observable = SparsePauliOp(["ZZII", "IIZZ", "XIII"], [1, 1, 0.5])
    problem = cutting.partition_problem(
        circuit=circuit, partition_labels="AABB", observables=observable.paulis
    )
    pieces, weights = cutting.generate_cutting_experiments(
        circuits=problem.subcircuits, observables=problem.subobservables, num_samples=np.inf
    )

    def program():
        options = {"default_shots": 4000, "seed_simulator": 11}
        sampler = BackendSamplerV2(backend=QASM, options=options)
        results = {
            label: sampler.run(pass_manager().run(circuits)).result()
            for label, circuits in pieces.items()
        }
        terms = cutting.reconstruct_expectation_values(results, weights, problem.subobservables)
        return float(np.dot(terms, observable.coeffs).real)

    expected = Statevector(circuit).expectation_value(observable).real
    assert abs(twice(program) - expected) < 0.1


def test_zero_noise_extrapolation():
    zne = package("mitiq.zne", "mitiq")
    package("ply", "ply, which mitiq needs for circuits of Qiskit,")
    circuit = turned().compose(turned().inverse())
    widths = []

    def shares(folded):
        widths.append(len(folded.data))
        folded = folded.copy()
        folded.measure_all()
        counts = QASM.run(folded, shots=500, seed_simulator=1).result().get_counts()
        return counts.get("00", 0) / 500

    found = twice(lambda: zne.execute_with_zne(circuit, shares))
    assert abs(found - 1) < 1e-9 and widths[0] < widths[1] < widths[2]
