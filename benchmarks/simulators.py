"""basicaer and the simulators a user would pick instead, behind one small interface.

`prepare(circuit)` turns a circuit into the simulator's own form and returns a function that runs it
from nothing to the final state: allocation and |0...0> included, translation and parsing not. Each
call gives the time it took and the state, in whatever form the simulator holds it;
`amplitudes(state)` makes a Qiskit-ordered vector of it, to see that all computed the same.

Each uses all the cores that the process may run on.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from time import perf_counter
from typing import Any

import numpy as np
from circuits import flat
from qiskit import QuantumCircuit


def num_cores() -> int:
    """The processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Simulator:
    """What all have in common.

    Attributes:
        name: as printed.
        precision: "double" or "single".
        versions: the distributions whose versions are reported.
    """

    name: str
    precision = "double"
    versions: tuple[str, ...] = ()

    def prepare(self, circuit: QuantumCircuit) -> Callable[[], tuple[float, Any]]:
        raise NotImplementedError

    def amplitudes(self, state: Any) -> np.ndarray:
        return np.asarray(state)


def timed(run: Callable[[], Any]) -> Callable[[], tuple[float, Any]]:
    """`run` with its wall time in front of its result."""

    def call() -> tuple[float, Any]:
        begin = perf_counter()
        state = run()
        return perf_counter() - begin, state

    return call


class Basicaer(Simulator):
    """The engine alone: a lowered circuit, its plan ready, to the final state in memory.

    As the peers' states are, ours is in the simulator's own layout then; `basicaer run` hands it
    out as an array.
    """

    versions = ("basicaer",)

    def __init__(self, precision: str = "double", threads: int | None = None) -> None:
        self.name = "basicaer" if precision == "double" else "basicaer single"
        self.precision = precision
        self.threads = threads or num_cores()

    def prepare(self, circuit: QuantumCircuit) -> Callable[[], tuple[float, Any]]:
        from basicaer._engine.program import Gates
        from basicaer._engine.state.state import State
        from basicaer._qiskit.circuits.lower import lower

        program = lower(circuit)
        runs = []
        for operation in program.body:
            if not isinstance(operation, Gates):
                raise TypeError(f"only gates can be measured here, not {type(operation).__name__}")
            runs.append(operation)

        def run() -> State:
            state = State.zero(program.num_qubits, self.precision)
            for gates in runs:
                state.apply(gates, threads=self.threads)
            return state

        return timed(run)

    def amplitudes(self, state: Any) -> np.ndarray:
        return state.to_array()


class BasicaerJob(Simulator):
    """The whole way: `run(circuit)` to `result()` of the statevector simulator."""

    versions = ("basicaer",)

    def __init__(self, precision: str = "double") -> None:
        self.name = "basicaer run" if precision == "double" else "basicaer run single"
        self.precision = precision

    def prepare(self, circuit: QuantumCircuit) -> Callable[[], tuple[float, Any]]:
        from basicaer import BasicAer

        backend = BasicAer.get_backend("statevector_simulator")
        options = {} if self.precision == "double" else {"precision": self.precision}
        return timed(lambda: backend.run(circuit, **options).result().data()["statevector"])


class Aer(Simulator):
    """Qiskit Aer, statevector method with its default fusion.

    Timed by Aer's own clock for the experiment, which leaves its Python side out.
    """

    name = "aer"
    versions = ("qiskit-aer",)

    def prepare(self, circuit: QuantumCircuit) -> Callable[[], tuple[float, Any]]:
        from qiskit_aer import AerSimulator

        backend = AerSimulator(method="statevector")
        saved = circuit.copy()
        saved.save_statevector()

        def call() -> tuple[float, Any]:
            result = backend.run(saved, shots=1).result()
            if not result.success:
                raise RuntimeError(f"Aer: {result.status}")
            return result.results[0].time_taken, result.data(0)["statevector"]

        return call


class AerJob(Aer):
    """Aer from `run()` to `result()`."""

    name = "aer run"

    def prepare(self, circuit: QuantumCircuit) -> Callable[[], tuple[float, Any]]:
        call = super().prepare(circuit)
        return timed(lambda: call()[1])


class Qulacs(Simulator):
    """Qulacs, plain or after its light optimiser (which is not timed)."""

    versions = ("qulacs",)

    def __init__(self, optimised: bool) -> None:
        self.name = "qulacs light" if optimised else "qulacs"
        self.optimised = optimised

    def prepare(self, circuit: QuantumCircuit) -> Callable[[], tuple[float, Any]]:
        import qulacs
        from qulacs import gate as gates

        prepared = qulacs.QuantumCircuit(circuit.num_qubits)
        for name, qubits, params in flat(circuit):
            if name == "cp":
                gate = gates.to_matrix_gate(gates.U1(qubits[1], params[0]))
                gate.add_control_qubit(qubits[0], 1)
            elif name == "u":
                gate = gates.U3(*qubits, *params)
            elif name == "rzz":
                gate = gates.PauliRotation(list(qubits), [3, 3], -params[0])
            elif name in ("rx", "ry", "rz"):  # Qulacs turns the other way round
                gate = getattr(gates, name.upper())(qubits[0], -params[0])
            else:
                make = {"h": gates.H, "x": gates.X, "cx": gates.CNOT, "swap": gates.SWAP}[name]
                gate = make(*qubits)
            prepared.add_gate(gate)
        if self.optimised:
            from qulacs.circuit import QuantumCircuitOptimizer

            QuantumCircuitOptimizer().optimize_light(prepared)

        def run() -> Any:
            state = qulacs.QuantumState(circuit.num_qubits)
            prepared.update_quantum_state(state)
            return state

        return timed(run)

    def amplitudes(self, state: Any) -> np.ndarray:
        return state.get_vector()


class Lightning(Simulator):
    """PennyLane's lightning.qubit, its C++ state driven directly: no tape, no QNode."""

    name = "lightning.qubit"
    versions = ("pennylane-lightning",)

    NAMES = {  # noqa: RUF012
        "h": "Hadamard",
        "x": "PauliX",
        "cx": "CNOT",
        "swap": "SWAP",
        "cp": "ControlledPhaseShift",
        "rx": "RX",
        "ry": "RY",
        "rz": "RZ",
        "rzz": "IsingZZ",
        "u": "Rot",
    }

    def prepare(self, circuit: QuantumCircuit) -> Callable[[], tuple[float, Any]]:
        from pennylane_lightning.lightning_qubit_ops import StateVectorC128

        last = circuit.num_qubits - 1
        calls = []
        for name, qubits, params in flat(circuit):
            if name == "u":  # but for a global phase
                theta, phi, lam = params
                params = (lam, theta, phi)
            wires = [last - qubit for qubit in qubits]  # wire 0 is the most significant
            calls.append((getattr(StateVectorC128, self.NAMES[name]), wires, list(params)))

        def run() -> Any:
            state = StateVectorC128(circuit.num_qubits)
            for apply, wires, params in calls:
                apply(state, wires, False, params)
            return state

        return timed(run)

    def amplitudes(self, state: Any) -> np.ndarray:
        array = np.empty(state.size(), dtype=np.complex128)
        state.getState(array)
        return array


class Qsim(Simulator):
    """Google's qsim, complex64, with a given largest size of fused gates."""

    precision = "single"
    versions = ("qsimcirq",)

    def __init__(self, fused: int) -> None:
        self.name = f"qsim f={fused}"
        self.fused = fused

    def prepare(self, circuit: QuantumCircuit) -> Callable[[], tuple[float, Any]]:
        import cirq
        import qsimcirq
        from qiskit.circuit.library import UGate

        # cirq's first qubit is the most significant.
        wires = list(reversed(cirq.LineQubit.range(circuit.num_qubits)))
        named = {"h": cirq.H, "x": cirq.X, "cx": cirq.CNOT, "swap": cirq.SWAP}
        operations = []
        for name, qubits, params in flat(circuit):
            if name == "cp":
                gate = cirq.CZPowGate(exponent=params[0] / np.pi)
            elif name == "u":
                gate = cirq.MatrixGate(UGate(*params).to_matrix())
            elif name == "rzz":
                gate = cirq.ZZPowGate(exponent=params[0] / np.pi, global_shift=-0.5)
            elif name in ("rx", "ry", "rz"):
                gate = getattr(cirq, name)(params[0])
            else:
                gate = named[name]
            operations.append(gate.on(*(wires[qubit] for qubit in qubits)))
        program = cirq.Circuit(operations)

        simulator = qsimcirq.QSimSimulator(
            qsimcirq.QSimOptions(max_fused_gate_size=self.fused, cpu_threads=num_cores())
        )
        # What QSimSimulator.simulate does after its translation, which is Python and not timed.
        order = cirq.LineQubit.range(circuit.num_qubits)
        translated, _ = qsimcirq.QSimCircuit(program).translate_cirq_to_qsim(order)
        options = {**simulator.qsim_options, "c": translated, "s": 1}
        simulate = simulator._sim_module.qsim_simulate_fullstate
        return timed(lambda: simulate(options, 0))

    def amplitudes(self, state: Any) -> np.ndarray:
        return state.view(np.complex64)


OURS = (Basicaer("double"), BasicaerJob("double"), Basicaer("single"))
PEERS = (
    Aer(),
    Qulacs(optimised=False),
    Qulacs(optimised=True),
    Lightning(),
    Qsim(2),
    Qsim(3),
    Qsim(4),
)
ALL = {simulator.name: simulator for simulator in (*OURS, *PEERS, AerJob())}
