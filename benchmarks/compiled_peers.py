"""States and gradients of the simulators that `bench_compiled.py` is compared with.

Each function translates a circuit into the simulator's own form beforehand, and returns a function
that computes the number: a state in Qiskit's order, of the circuit as it is or of new values of its
angles (in the order of the gates), or a gradient by those angles. An ImportError says that the
simulator is not installed.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, Union

import numpy as np
from circuits import flat
from qiskit import QuantumCircuit
from qiskit.quantum_info import SparsePauliOp

Made = Callable[[], Any]
Given = Callable[[np.ndarray], Any]


def panta_circuit(circuit: QuantumCircuit, free: bool = False) -> Any:
    """Returns a circuit as panta-sim's; with a parameter for each angle if `free`."""
    import panta_sim

    made = panta_sim.QuantumCircuit(circuit.num_qubits)
    number = 0
    for name, qubits, angles in flat(circuit):
        given = list(angles)
        if free:
            names = range(number, number + len(angles))
            given = [panta_sim.Parameter(f"a{each:05}") for each in names]  # sorted by name
            number += len(angles)
        getattr(made, name)(*given, *qubits)
    return made


def panta_state(circuit: QuantumCircuit) -> Made:
    """panta-sim."""
    made = panta_circuit(circuit)
    return lambda: made.run(shots=0).statevector()


def panta_values(circuit: QuantumCircuit) -> Given:
    """panta-sim, given new values."""
    made = panta_circuit(circuit, free=True)
    return lambda values: made.assign_parameters(values).run(shots=0).statevector()


def panta_gradient(circuit: QuantumCircuit, observable: SparsePauliOp) -> Made:
    """panta-sim's adjoint gradient."""
    import panta_sim

    made = panta_circuit(circuit, free=True)
    values = [angles[0] for _, _, angles in flat(circuit) if angles]
    terms = {label: complex(factor).real for label, factor in observable.to_list()}
    return lambda: panta_sim.adjoint_gradient(made, values, terms)[1]


PRISM_NAMES = {"cp": "cphase"}
PRISM_FREE = ("rx", "ry", "rz", "rzz", "p")


def prism_builder(circuit: QuantumCircuit, free: bool = False) -> Any:
    """Returns a circuit as prism-q's builder; with a slot for each angle if `free`."""
    import prism_q

    builder = prism_q.CircuitBuilder(circuit.num_qubits)
    slot = 0
    for name, qubits, angles in flat(circuit):
        getattr(builder, PRISM_NAMES.get(name, name))(*angles, *qubits)
        if free and angles:
            builder.param(slot)
            slot += 1
    return builder


def prism_state(circuit: QuantumCircuit) -> Made:
    """prism-q."""
    import prism_q

    made = prism_builder(circuit).build()
    return lambda: prism_q.simulate(made).seed(1).state_vector()


def prism_values(circuit: QuantumCircuit) -> Union[Given, None]:
    """prism-q, given new values; None if it has no parameter for a gate."""
    import prism_q

    if any(angles and name not in PRISM_FREE for name, _, angles in flat(circuit)):
        return None
    builder = prism_builder(circuit, free=True)
    made = prism_q.PreparedCircuit(builder.build(), builder.parameters())
    return lambda values: prism_q.simulate(made.bind(values)).seed(1).state_vector()


def prism_gradient(circuit: QuantumCircuit, observable: SparsePauliOp) -> Made:
    """prism-q's adjoint gradient."""
    import prism_q

    builder = prism_builder(circuit, free=True)
    made, links = builder.build(), builder.parameter_links()
    terms = [
        (
            complex(factor).real,
            [(qubit, letter) for qubit, letter in enumerate(reversed(label)) if letter != "I"],
        )
        for label, factor in observable.to_list()
    ]
    hamiltonian = prism_q.PauliObservable(terms)
    return lambda: prism_q.simulate(made).seed(1).expectation_gradient(hamiltonian, links)[1]


def tape_of(circuit: QuantumCircuit, observable: SparsePauliOp) -> Any:
    """Returns PennyLane's tape of an energy."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pennylane as qml
    from simulators import Lightning

    last = circuit.num_qubits - 1  # wire 0 is the most significant
    operations = [
        getattr(qml, Lightning.NAMES[name])(*angles, wires=[last - qubit for qubit in qubits])
        for name, qubits, angles in flat(circuit)
    ]
    words = []
    for label, _ in observable.to_list():
        letters = {wire: letter for wire, letter in enumerate(label) if letter != "I"}
        words.append(qml.pauli.PauliWord(letters).operation())
    hamiltonian = qml.Hamiltonian([complex(c).real for c in observable.coeffs], words)
    tape = qml.tape.QuantumScript(operations, [qml.expval(hamiltonian)])
    angles = sum(bool(angles) for _, _, angles in flat(circuit))
    tape.trainable_params = list(range(angles))
    return tape


def lightning_gradient(circuit: QuantumCircuit, observable: SparsePauliOp) -> Made:
    """lightning.qubit's adjoint in C++ alone: state and gradient, all translated beforehand."""
    tape = tape_of(circuit, observable)
    from pennylane_lightning.lightning_qubit._adjoint_jacobian import LightningAdjointJacobian
    from pennylane_lightning.lightning_qubit._state_vector import LightningStateVector
    from simulators import Lightning

    state = Lightning().prepare(circuit)
    adjoint = LightningAdjointJacobian(LightningStateVector(circuit.num_qubits))
    given = adjoint._process_jacobian_tape(tape)
    jacobian, _ = adjoint._adjoint_jacobian_dtype()
    rest = [given[name] for name in ("obs_serialized", "ops_serialized", "tp_shift")]
    return lambda: np.array(jacobian(state()[1], *rest)).reshape(-1)


def lightning_device_gradient(circuit: QuantumCircuit, observable: SparsePauliOp) -> Made:
    """lightning.qubit's adjoint by its device, from a tape that is there."""
    tape = tape_of(circuit, observable)
    import pennylane as qml
    from pennylane.devices import ExecutionConfig

    device = qml.device("lightning.qubit", wires=circuit.num_qubits)
    config = ExecutionConfig(gradient_method="adjoint", use_device_gradient=True)
    return lambda: np.array(device.compute_derivatives((tape,), config)[0]).reshape(-1)


STATES: dict[str, Callable[[QuantumCircuit], Made]] = {
    "panta-sim": panta_state,
    "prism-q": prism_state,
}

VALUES: dict[str, Callable[[QuantumCircuit], Union[Given, None]]] = {
    "panta-sim": panta_values,
    "prism-q": prism_values,
}

GRADIENTS: dict[str, Callable[[QuantumCircuit, SparsePauliOp], Made]] = {
    "panta-sim": panta_gradient,
    "prism-q": prism_gradient,
    "lightning C++": lightning_gradient,
    "lightning device": lightning_device_gradient,
}

DISTRIBUTIONS = ("panta-sim", "prism-q", "pennylane-lightning", "qiskit-algorithms")


def installed(makers: dict[str, Callable[..., Any]], *arguments: Any) -> dict[str, Any]:
    """Returns the functions of those simulators that are installed, and can do it."""
    found = {}
    for name, make in makers.items():
        try:
            made = make(*arguments)
        except ImportError:
            continue
        if made is not None:
            found[name] = made
    return found
