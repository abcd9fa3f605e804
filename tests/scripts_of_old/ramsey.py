"""A Ramsey experiment: the phase is swept by binding a parameter; the qubit is used twice."""

import numpy as np
from qiskit import QuantumCircuit, execute
from qiskit.circuit import Parameter
from qiskit.providers.basicaer import BasicAerError, QasmSimulatorPy
from qiskit.providers.basicaer.basicaerjob import BasicAerJob

phi = Parameter('phi')
qc = QuantumCircuit(1, 2)
qc.h(0)
qc.rz(phi, 0)
qc.h(0)
qc.measure(0, 0)
qc.reset(0)
qc.h(0)
qc.rz(2 * phi, 0)
qc.h(0)
qc.measure(0, 1)

backend = QasmSimulatorPy()
phases = np.linspace(0, np.pi, 5)
circuits = [qc.assign_parameters({phi: value}) for value in phases]
job = execute(circuits, backend, shots=512, seed_simulator=7)
print(isinstance(job, BasicAerJob))
for value, counts in zip(phases, job.result().get_counts()):
    print('%.3f' % value, sorted(counts.items()))

swept = execute(qc, backend, shots=512, seed_simulator=7, parameter_binds=[{phi: 0.5}, {phi: 1.5}])
print([sorted(counts.items()) for counts in swept.result().get_counts()])

try:
    backend.run(QuantumCircuit(1), shots=1, seed_simulator=1, initial_statevector=[1, 1]).result()
except BasicAerError as error:
    print('BasicAerError:', 'not normalized' in str(error))
