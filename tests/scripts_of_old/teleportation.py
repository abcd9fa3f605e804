"""Quantum teleportation, with the measurements deferred to the end."""

from math import sqrt

from qiskit import BasicAer, ClassicalRegister, QuantumCircuit, QuantumRegister, execute
from qiskit.quantum_info import Statevector, state_fidelity


def create_bell_pair(qc, a, b):
    """Creates a bell pair in qc using qubits a & b"""
    qc.h(a)
    qc.cx(a, b)


def alice_gates(qc, psi, a):
    qc.cx(psi, a)
    qc.h(psi)


def bob_gates(qc, psi, a, b):
    qc.cx(a, b)
    qc.cz(psi, b)


psi = [1 / sqrt(3), sqrt(2 / 3)]

qr = QuantumRegister(3, name="q")
crz = ClassicalRegister(1, name="crz")
crx = ClassicalRegister(1, name="crx")
cr_result = ClassicalRegister(1, name="result")
teleportation_circuit = QuantumCircuit(qr, crz, crx, cr_result)

# STEP 0: Alice's qubit is in the state |psi>
teleportation_circuit.initialize(psi, 0)
teleportation_circuit.barrier()
# STEP 1: Telamon prepares the entangled pair
create_bell_pair(teleportation_circuit, 1, 2)
teleportation_circuit.barrier()
# STEP 2: Alice applies her gates
alice_gates(teleportation_circuit, 0, 1)
teleportation_circuit.barrier()
# STEP 3: Bob's qubit is corrected
bob_gates(teleportation_circuit, 0, 1, 2)

# See the output statevector: Bob's qubit is now in the state |psi>
backend = BasicAer.get_backend("statevector_simulator")
out_vector = execute(teleportation_circuit, backend).result().get_statevector(teleportation_circuit)
expected = Statevector([1 / sqrt(2), 1 / sqrt(2)])
expected = Statevector(psi).tensor(expected).tensor(expected)
print("fidelity: %.6f" % state_fidelity(Statevector(out_vector), expected))

# Now measure everything
teleportation_circuit.measure(0, crz)
teleportation_circuit.measure(1, crx)
teleportation_circuit.measure(2, cr_result)
backend = BasicAer.get_backend("qasm_simulator")
job = execute(teleportation_circuit, backend, shots=1024, memory=True, seed_simulator=2020)
counts = job.result().get_counts(teleportation_circuit)
for key in sorted(counts):
    print(key, counts[key])
print(job.result().get_memory(teleportation_circuit)[:8])
print(backend.name(), job.status().name)
