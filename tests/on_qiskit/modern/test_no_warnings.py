"""No warning of ours on Qiskit 1 and 2, whatever one does: in Qiskit 1.4 much is deprecated."""

from __future__ import annotations

from processes import python
from versions import needs, skip_here

skip_here(needs((1, 0), "has its own test, in test_provider.py"))

SESSION = """
import copy, pickle, warnings
import numpy as np
import qiskit, qiskit.primitives, qiskit.quantum_info, qiskit.result, qiskit.transpiler
from qiskit import QuantumCircuit, transpile
from qiskit.circuit import Instruction, Parameter
from qiskit.circuit.library import (
    DiagonalGate, GlobalPhaseGate, HamiltonianGate, Isometry, MCPhaseGate, PauliEvolutionGate,
    PauliGate, PermutationGate, QFT, RVGate, StatePreparation, UCRYGate,
)
from qiskit.circuit.library.standard_gates import *
from qiskit.circuit.library.standard_gates import (
    MCU1Gate, MCXGrayCode, MCXRecursive, MCXVChain, get_standard_gate_name_mapping,
)
from qiskit.quantum_info import SparsePauliOp, random_clifford

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what the circuits are made of may be deprecated
    conditional = QuantumCircuit(2, 2, name="conditional", metadata={"a": 1})
    conditional.h(0)
    conditional.measure(0, 0)
    if hasattr(Instruction, "c_if"):
        conditional.x(1).c_if(0, 1)
        conditional.measure(1, 1).c_if(conditional.cregs[0], 1)
        conditional.reset(1).c_if(0, 1)
        conditional.append(QFT(2).to_gate(), [0, 1]).c_if(0, 1)
        conditional.unitary(np.eye(2), [0]).c_if(0, 1)
        conditional.initialize([0, 1], [0]).c_if(0, 1)
    theta, phi = Parameter("t"), Parameter("p")
    many = QuantumCircuit(6, 2, name="many")
    for gate in (
        *get_standard_gate_name_mapping().values(),
        MCU1Gate(0.1, 2), MCXGrayCode(5), MCXRecursive(3), MCXVChain(3), MCPhaseGate(0.1, 3),
        XGate().control(5), RYGate(0.2).control(2), HGate().control(2, ctrl_state=1),
        DiagonalGate([1, 1j]), GlobalPhaseGate(0.2), HamiltonianGate(np.eye(2), 0.1),
        Isometry(np.eye(4)[:, :2], 0, 0), PauliEvolutionGate(SparsePauliOp("XX"), 0.1),
        PauliGate("XYZ"), PermutationGate([1, 0]), QFT(3).to_gate(), RVGate(1, 2, 3),
        StatePreparation([0.6, 0.8]), UCRYGate([0.1, 0.2]), random_clifford(2, seed=2),
        XGate().to_mutable(),
    ):
        if getattr(gate, "params", None) and isinstance(gate.params[0], Parameter):
            gate = type(gate)(*[1 if gate.name == "delay" else 0.1] * len(gate.params))
        many.append(gate, range(gate.num_qubits), range(getattr(gate, "num_clbits", 0)))
    many.barrier()
    with many.if_test((many.cregs[0], 0)):
        many.x(0)
    with many.while_loop((0, 1)):
        many.x(0)
        many.measure(0, 0)
    with many.for_loop(range(2), theta):
        many.rx(theta, 0)
    with many.switch(many.cregs[0]) as case:
        with case(case.DEFAULT):
            many.reset(0)
    swept = QuantumCircuit(2, 2, name="swept", global_phase=phi)
    swept.rx(2 * theta + phi, 0)
    swept.ry(theta.sin(), 1)
    swept.cp(theta, 0, 1)
    bell = QuantumCircuit(2)
    bell.h(0)
    bell.cx(0, 1)
    measured = [circuit.measure_all(inplace=False) for circuit in (swept, bell)]
    qobj = None
    if hasattr(qiskit, "assemble") or hasattr(qiskit.compiler, "assemble"):
        from qiskit.compiler import assemble
        qobj = assemble(measured[1], shots=10)

warnings.simplefilter("error")
import basicaer, basicaer.basicaertools
from basicaer import BasicAer

sampled, final, unitary = BasicAer.backends()
for backend in BasicAer.backends():
    for twin in (copy.copy(backend), copy.deepcopy(backend), pickle.loads(pickle.dumps(backend))):
        twin.target, twin.options, twin.coupling_map, twin.provider, twin.num_qubits
        twin.configuration().to_dict(), twin.status().to_dict(), repr(twin), twin.operations
        qiskit.transpiler.generate_preset_pass_manager(1, backend=twin)
    result = backend.run(bell, chop_threshold=0.1).result()
    result.to_dict(), repr(result), str(result), result.results[0].header, result.header
    if backend is unitary:
        result.get_unitary()
        continue
    for circuit in (conditional, many, measured[1], transpile(bell, backend)):
        options = {"memory": True} if backend is sampled else {}
        job = backend.run(circuit, seed_simulator=1, **options)
        job.status(), job.wait_for_final_state(), job.progress(), job.error_message(), job.backend()
        result = job.result()
        result.to_dict(), repr(result), str(result), result.data(), result.data(circuit)
        result.get_memory() if backend is sampled and circuit.cregs else None
        result.get_counts() if circuit.cregs else None
        result.get_statevector() if backend is final else None
    points = np.linspace(0, 1, 5)
    result = backend.run(measured[0], parameter_binds=[{theta: 0.1, phi: 0.2}] * 2).result()
    result.get_counts()
    backend.run(measured, parameter_binds=[{theta: points, phi: points}, {}]).result().get_counts()
    if qobj is not None:
        backend.run(qobj).result().get_counts()
for nothing in (5, [], [bell, None]):
    try:
        sampled.run(nothing)
    except basicaer.BasicAerError:
        pass
from qiskit.primitives import BackendEstimatorV2, BackendSamplerV2
BackendSamplerV2(backend=sampled).run([(measured[0], [0.1, 0.2])]).result()
BackendEstimatorV2(backend=sampled).run([(swept, SparsePauliOp("ZZ"), [0.1, 0.2])]).result()
basicaer.BasicAerProvider(), basicaer.QasmSimulatorPy(), basicaer.BasicAerError("text")
basicaer.BasicAerJob(None, "id", None)
basicaer.basicaertools.single_gate_matrix("h")
basicaer.primitives.StatevectorSampler(seed=1).run([measured[1]]).result()
basicaer.primitives.StatevectorEstimator().run([(swept, "ZZ", [0.1, 0.2])]).result()
try:
    basicaer.primitives.Sampler
except ImportError as error:
    assert "StatevectorSampler" in str(error)
else:
    basicaer.primitives.Sampler().run(measured[1]).result()
    warnings.filterwarnings("ignore", ".*init_observable", DeprecationWarning)  # in its validation
    basicaer.primitives.Estimator().run(swept, SparsePauliOp("ZZ"), [[0.1, 0.2]]).result()
print("silent")
"""


def test_a_session():
    done = python("-c", SESSION)
    assert done.stdout == "silent\n", done.stderr
    assert "Warning" not in done.stderr
