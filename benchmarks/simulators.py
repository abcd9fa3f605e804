"""basicaer and the simulators a user would pick instead, behind one small interface.

A simulator is given a `Listed` circuit and turns it into its own form: `state_of` returns a
function that computes the final state from nothing, allocation and |0...0> included, translation
and parsing not. Some can do more: counts of shots, new values of the angles, gradients. What a
simulator cannot do raises NotImplementedError, an ImportError says that it is not installed.

Nothing of a simulator is imported before it is used, so that each may live in an environment of its
own (`worker.py`), where there need not even be Qiskit.
"""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Callable
from time import perf_counter
from typing import Any

import numpy as np
from circuits import Listed

Clocked = Callable[[], tuple[float, Any]]
Term = tuple[str, float]
"""A Pauli string, qubit 0 last, and its factor."""


def num_cores() -> int:
    """The processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Simulator:
    """What all have in common.

    Attributes:
        name: as printed. One that ends in " run" is everything from `run()` to `result()`.
        precision: "double" or "single".
        versions: the distributions whose versions are reported.
        most_qubits: of the largest circuits that it is given.
    """

    name: str
    precision = "double"
    versions: tuple[str, ...] = ()
    most_qubits = 64

    def state_of(self, circuit: Listed, threads: int) -> Callable[[], Any]:
        """Returns a function that computes the final state, as the simulator holds it."""
        raise NotImplementedError(f"{self.name} computes no states here")

    def prepare(self, circuit: Listed, threads: int) -> Clocked:
        """Returns the same with the seconds that it took in front, by the best clock there is."""
        return timed(self.state_of(circuit, threads))

    def amplitudes(self, state: Any) -> np.ndarray:
        """The amplitudes of what `state_of` computed, in Qiskit's order."""
        return np.asarray(state)

    def prepare_counts(self, circuits: list[Listed], shots: int, threads: int) -> Clocked:
        """Returns a function that runs all circuits in one run, measured, to their result."""
        raise NotImplementedError(f"{self.name} counts no shots here")

    def values_of(self, circuit: Listed) -> Callable[[np.ndarray], np.ndarray]:
        """Returns a function of new values of all angles, in the order of the gates: the state."""
        raise NotImplementedError(f"{self.name} takes no values here")

    def gradient_of(self, circuit: Listed, terms: list[Term]) -> Callable[[], np.ndarray]:
        """Returns a function that computes an energy's derivatives by all angles, in that order."""
        raise NotImplementedError(f"{self.name} computes no gradients here")


def timed(run: Callable[[], Any]) -> Clocked:
    """`run` with its wall time in front of its result."""

    def call() -> tuple[float, Any]:
        begin = perf_counter()
        state = run()
        return perf_counter() - begin, state

    return call


def measured(circuits: list[Listed]) -> list[Any]:
    """Qiskit's circuits with all qubits measured."""
    made = [circuit.qiskit() for circuit in circuits]
    for circuit in made:
        circuit.measure_all()
    return made


def suffixed(name: str, precision: str) -> str:
    return name if precision == "double" else f"{name} single"


# ----------------------------------------------------------------------------------------------
# basicaer
# ----------------------------------------------------------------------------------------------


def gates_by_numbers(circuit: Listed) -> Any:
    """The engine's `Gates` of a circuit, made of its gate table, without Qiskit."""
    from basicaer._engine.gate_table import ROW_OF_NAME, SCALAR
    from basicaer._engine.program import Gates

    kinds: dict[Any, int] = {}
    kind, start, operands, offset = [], [0], [], []
    coefficients: list[complex] = []
    for name, qubits, angles in circuit.gates:
        for part in ROW_OF_NAME[name].parts:
            kind.append(kinds.setdefault(part.kind, len(kinds)))
            operands += [qubits[position] for position in part.positions]
            start.append(len(operands))
            offset.append(len(coefficients))
            coefficients += part.entries(SCALAR, *angles)
    return Gates(
        tuple(kinds),
        np.array(kind, dtype=np.int32),
        np.array(start, dtype=np.int32),
        np.array(operands, dtype=np.int32),
        np.array(offset, dtype=np.int64),
        np.array(coefficients, dtype=np.complex128),
    )


class Basicaer(Simulator):
    """The engine alone: a lowered circuit, its plan ready, to the final state in memory.

    As the peers' states are, ours is in the simulator's own layout then; `basicaer run` hands it
    out as an array. Also the engine of earlier versions, of which all modules lay in one folder.
    """

    versions = ("basicaer",)

    def __init__(self, precision: str = "double") -> None:
        self.name = suffixed("basicaer", precision)
        self.precision = precision

    def state_of(self, circuit: Listed, threads: int) -> Callable[[], Any]:
        import basicaer  # noqa: F401 (says so if it is not there)

        try:
            from basicaer._engine.program import Gates
            from basicaer._engine.state.state import State
            from basicaer._qiskit.circuits.lower import lower
        except ModuleNotFoundError:
            from basicaer._lowering import lower
            from basicaer._program import Gates
            from basicaer._state import State

        program = lower(circuit.qiskit())
        for operation in program.body:
            if not isinstance(operation, Gates):
                raise TypeError(f"only gates can be measured here, not {type(operation).__name__}")
            if hasattr(operation.plans, "keep"):
                operation.plans.keep()

        def run() -> Any:
            state = State.zero(program.num_qubits, self.precision)
            for gates in program.body:
                state.apply(gates, threads=threads)
            return state

        return run

    def amplitudes(self, state: Any) -> np.ndarray:
        return state.to_array()


class BasicaerJob(Simulator):
    """The whole way: `run(circuit)` to `result()` of the statevector or the qasm simulator."""

    versions = ("basicaer",)

    def __init__(self, precision: str = "double") -> None:
        self.name = suffixed("basicaer", precision) + " run"
        self.precision = precision

    def options(self, threads: int) -> dict[str, Any]:
        """What differs from the defaults."""
        options: dict[str, Any] = {}
        if threads != num_cores():
            options["max_parallel_threads"] = threads
        if self.precision == "single":
            options["precision"] = "single"
        return options

    def state_of(self, circuit: Listed, threads: int) -> Callable[[], Any]:
        from basicaer import BasicAer

        backend = BasicAer.get_backend("statevector_simulator")
        options: dict[str, Any] = (
            {} if threads == num_cores() else {"max_parallel_threads": threads}
        )
        if self.precision == "single":
            options["precision"] = "single"
        own = circuit.qiskit()
        return lambda: backend.run(own, **options).result().data()["statevector"]

    def prepare_counts(self, circuits: list[Listed], shots: int, threads: int) -> Clocked:
        from basicaer import BasicAer

        backend = BasicAer.get_backend("qasm_simulator")
        options = {"shots": shots, "seed_simulator": 1, **self.options(threads)}
        own = measured(circuits)
        given = own if len(own) > 1 else own[0]
        return timed(lambda: backend.run(given, **options).result())


class BasicaerCompiled(Simulator):
    """`basicaer.compile(circuit)`, asked for its statevector."""

    versions = ("basicaer",)

    def __init__(self, precision: str = "double") -> None:
        self.name = suffixed("basicaer", precision) + " compiled"
        self.precision = precision

    def state_of(self, circuit: Listed, threads: int) -> Callable[[], Any]:
        import basicaer

        return basicaer.compile(
            circuit.qiskit(), precision=self.precision, max_parallel_threads=threads
        ).statevector


# ----------------------------------------------------------------------------------------------
# Qiskit's
# ----------------------------------------------------------------------------------------------


class Aer(Simulator):
    """Qiskit Aer, statevector method with its default fusion.

    Timed by Aer's own clock for the experiment, which leaves its Python side out.
    """

    versions = ("qiskit-aer", "qiskit")

    def __init__(self, precision: str = "double") -> None:
        self.name = suffixed("aer", precision)
        self.precision = precision

    def backend(self, threads: int) -> Any:
        from qiskit_aer import AerSimulator

        given = 0 if threads == num_cores() else threads
        return AerSimulator(
            method="statevector", precision=self.precision, max_parallel_threads=given
        )

    def prepare(self, circuit: Listed, threads: int) -> Clocked:
        backend = self.backend(threads)
        saved = circuit.qiskit()
        saved.save_statevector()

        def call() -> tuple[float, Any]:
            result = backend.run(saved, shots=1).result()
            if not result.success:
                raise RuntimeError(f"Aer: {result.status}")
            return result.results[0].time_taken, result.data(0)["statevector"]

        return call


class AerJob(Aer):
    """Aer from `run()` to `result()`."""

    def __init__(self) -> None:
        super().__init__()
        self.name = "aer run"

    def prepare(self, circuit: Listed, threads: int) -> Clocked:
        call = super().prepare(circuit, threads)
        return timed(lambda: call()[1])

    def prepare_counts(self, circuits: list[Listed], shots: int, threads: int) -> Clocked:
        from qiskit import transpile

        backend = self.backend(threads)
        own = transpile(measured(circuits), backend, optimization_level=0)
        options: dict[str, Any] = {"shots": shots, "seed_simulator": 1}
        if len(own) > 1 and threads > 1:
            options["max_parallel_experiments"] = threads
        given = own if len(own) > 1 else own[0]
        return timed(lambda: backend.run(given, **options).result())


class BasicSimulator(Simulator):
    """Qiskit's own simulator in NumPy: BasicSimulator or, of terra, BasicAer; run() to result()."""

    name = "BasicSimulator run"
    versions = ("qiskit", "qiskit-terra")
    most_qubits = 16

    def backend(self, states: bool) -> Any:
        try:
            from qiskit.providers.basic_provider import BasicSimulator as Theirs
        except ImportError:  # before Qiskit 1.0
            from qiskit.providers.basicaer import QasmSimulatorPy, StatevectorSimulatorPy

            return StatevectorSimulatorPy() if states else QasmSimulatorPy()
        return Theirs()

    def state_of(self, circuit: Listed, threads: int) -> Callable[[], Any]:
        from qiskit import transpile

        logging.getLogger("qiskit").setLevel(logging.ERROR)  # it warns that nothing is measured
        backend = self.backend(states=True)
        own = transpile(circuit.qiskit(), backend, optimization_level=0)

        def run() -> Any:
            data = backend.run(own, shots=1).result().data()
            # BasicSimulator does not hand its state out.
            return data.get("statevector", getattr(backend, "_statevector", None))

        return run

    def amplitudes(self, state: Any) -> np.ndarray:
        return np.asarray(state).reshape(-1)

    def prepare_counts(self, circuits: list[Listed], shots: int, threads: int) -> Clocked:
        from qiskit import transpile

        backend = self.backend(states=False)
        own = transpile(measured(circuits), backend, optimization_level=0)
        given = own if len(own) > 1 else own[0]
        return timed(lambda: backend.run(given, shots=shots, seed_simulator=1).result())


# ----------------------------------------------------------------------------------------------
# Others
# ----------------------------------------------------------------------------------------------


class Qulacs(Simulator):
    """Qulacs, plain or after its light optimiser (which is not timed)."""

    versions = ("qulacs",)

    def __init__(self, optimised: bool) -> None:
        self.name = "qulacs light" if optimised else "qulacs"
        self.optimised = optimised

    def state_of(self, circuit: Listed, threads: int) -> Callable[[], Any]:
        import qulacs
        from qulacs import gate as gates

        named = {"h": "H", "x": "X", "sx": "sqrtX", "t": "T", "cx": "CNOT", "cz": "CZ"}
        named["swap"] = "SWAP"
        prepared = qulacs.QuantumCircuit(circuit.num_qubits)
        for name, qubits, angles in circuit.gates:
            if name == "cp":
                gate = gates.to_matrix_gate(gates.U1(qubits[1], angles[0]))
                gate.add_control_qubit(qubits[0], 1)
            elif name == "u":
                gate = gates.U3(*qubits, *angles)
            elif name == "rzz":
                gate = gates.PauliRotation(list(qubits), [3, 3], -angles[0])
            elif name in ("rx", "ry", "rz"):  # Qulacs turns the other way round
                gate = getattr(gates, name.upper())(qubits[0], -angles[0])
            else:
                gate = getattr(gates, named[name])(*qubits)
            prepared.add_gate(gate)
        if self.optimised:
            from qulacs.circuit import QuantumCircuitOptimizer

            QuantumCircuitOptimizer().optimize_light(prepared)

        def run() -> Any:
            state = qulacs.QuantumState(circuit.num_qubits)
            prepared.update_quantum_state(state)
            return state

        return run

    def amplitudes(self, state: Any) -> np.ndarray:
        return state.get_vector()


class Lightning(Simulator):
    """PennyLane's lightning.qubit, its C++ state driven directly: no tape, no QNode."""

    versions = ("pennylane-lightning",)

    NAMES = {  # noqa: RUF012
        "h": "Hadamard",
        "x": "PauliX",
        "sx": "SX",
        "t": "T",
        "cx": "CNOT",
        "cz": "CZ",
        "swap": "SWAP",
        "cp": "ControlledPhaseShift",
        "rx": "RX",
        "ry": "RY",
        "rz": "RZ",
        "rzz": "IsingZZ",
        "u": "Rot",
    }

    def __init__(self, precision: str = "double") -> None:
        self.name = suffixed("lightning.qubit", precision)
        self.precision = precision

    def state_of(self, circuit: Listed, threads: int) -> Callable[[], Any]:
        from pennylane_lightning import lightning_qubit_ops

        vector = "StateVectorC128" if self.precision == "double" else "StateVectorC64"
        made = getattr(lightning_qubit_ops, vector)
        last = circuit.num_qubits - 1
        calls = []
        for name, qubits, angles in circuit.gates:
            if name == "u":  # but for a global phase
                theta, phi, lam = angles
                angles = (lam, theta, phi)
            wires = [last - qubit for qubit in qubits]  # wire 0 is the most significant
            calls.append((getattr(made, self.NAMES[name]), wires, list(angles)))

        def run() -> Any:
            state = made(circuit.num_qubits)
            for apply, wires, params in calls:
                apply(state, wires, False, params)
            return state

        return run

    def amplitudes(self, state: Any) -> np.ndarray:
        dtype = np.complex128 if self.precision == "double" else np.complex64
        array = np.empty(state.size(), dtype=dtype)
        state.getState(array)
        return array

    def tape_of(self, circuit: Listed, terms: list[Term]) -> Any:
        """Returns PennyLane's tape of an energy."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import pennylane as qml

        last = circuit.num_qubits - 1
        operations = [
            getattr(qml, self.NAMES[name])(*angles, wires=[last - qubit for qubit in qubits])
            for name, qubits, angles in circuit.gates
        ]
        words = []
        for label, _ in terms:
            letters = {wire: letter for wire, letter in enumerate(label) if letter != "I"}
            words.append(qml.pauli.PauliWord(letters).operation())
        hamiltonian = qml.Hamiltonian([factor for _, factor in terms], words)
        tape = qml.tape.QuantumScript(operations, [qml.expval(hamiltonian)])
        tape.trainable_params = list(range(sum(bool(angles) for _, _, angles in circuit.gates)))
        return tape

    def gradient_of(self, circuit: Listed, terms: list[Term]) -> Callable[[], np.ndarray]:
        """Its adjoint in C++ alone: state and gradient, all translated beforehand."""
        tape = self.tape_of(circuit, terms)
        from pennylane_lightning.lightning_qubit._adjoint_jacobian import LightningAdjointJacobian
        from pennylane_lightning.lightning_qubit._state_vector import LightningStateVector

        state = self.state_of(circuit, 1)
        adjoint = LightningAdjointJacobian(LightningStateVector(circuit.num_qubits))
        given = adjoint._process_jacobian_tape(tape)
        jacobian, _ = adjoint._adjoint_jacobian_dtype()
        rest = [given[name] for name in ("obs_serialized", "ops_serialized", "tp_shift")]
        return lambda: np.array(jacobian(state(), *rest)).reshape(-1)


class LightningDevice(Lightning):
    """lightning.qubit by its device, from a tape that is there."""

    def __init__(self) -> None:
        super().__init__()
        self.name = "lightning device"

    def gradient_of(self, circuit: Listed, terms: list[Term]) -> Callable[[], np.ndarray]:
        tape = self.tape_of(circuit, terms)
        import pennylane as qml
        from pennylane.devices import ExecutionConfig

        device = qml.device("lightning.qubit", wires=circuit.num_qubits)
        config = ExecutionConfig(gradient_method="adjoint", use_device_gradient=True)
        return lambda: np.array(device.compute_derivatives((tape,), config)[0]).reshape(-1)


class Qsim(Simulator):
    """Google's qsim, complex64, with a given largest size of fused gates."""

    precision = "single"
    versions = ("qsimcirq", "cirq-core")

    def __init__(self, fused: int) -> None:
        self.name = f"qsim f={fused}"
        self.fused = fused

    def state_of(self, circuit: Listed, threads: int) -> Callable[[], Any]:
        import cirq
        import qsimcirq

        # cirq's first qubit is the most significant.
        order = cirq.LineQubit.range(circuit.num_qubits)
        wires = list(reversed(order))
        named = {
            "h": cirq.H,
            "x": cirq.X,
            "sx": cirq.X**0.5,
            "t": cirq.T,
            "cx": cirq.CNOT,
            "cz": cirq.CZ,
            "swap": cirq.SWAP,
        }
        operations = []
        for name, qubits, angles in circuit.gates:
            if name == "cp":
                gate = cirq.CZPowGate(exponent=angles[0] / np.pi)
            elif name == "u":
                gate = cirq.MatrixGate(u_matrix(*angles))
            elif name == "rzz":
                gate = cirq.ZZPowGate(exponent=angles[0] / np.pi, global_shift=-0.5)
            elif name in ("rx", "ry", "rz"):
                gate = getattr(cirq, name)(angles[0])
            else:
                gate = named[name]
            operations.append(gate.on(*(wires[qubit] for qubit in qubits)))
        program = cirq.Circuit(operations)

        simulator = qsimcirq.QSimSimulator(
            qsimcirq.QSimOptions(max_fused_gate_size=self.fused, cpu_threads=threads)
        )
        # What QSimSimulator.simulate does after its translation, which is Python and not timed.
        translated, _ = qsimcirq.QSimCircuit(program).translate_cirq_to_qsim(order)
        options = {**simulator.qsim_options, "c": translated, "s": 1}
        simulate = simulator._sim_module.qsim_simulate_fullstate
        return lambda: simulate(options, 0)

    def amplitudes(self, state: Any) -> np.ndarray:
        return state.view(np.complex64)


def u_matrix(theta: float, phi: float, lam: float) -> np.ndarray:
    cos, sin = np.cos(theta / 2), np.sin(theta / 2)
    return np.array(
        [
            [cos, -np.exp(1j * lam) * sin],
            [np.exp(1j * phi) * sin, np.exp(1j * (phi + lam)) * cos],
        ]
    )


class Panta(Simulator):
    """panta-sim, whose circuits are like Qiskit's."""

    versions = ("panta-sim",)

    def __init__(self, precision: str = "double") -> None:
        self.name = suffixed("panta-sim", precision)
        self.precision = precision

    def own(self, circuit: Listed, free: bool = False) -> Any:
        """Returns a circuit as panta-sim's; with a parameter for each angle if `free`."""
        import panta_sim

        made = panta_sim.QuantumCircuit(circuit.num_qubits)
        number = 0
        for name, qubits, angles in circuit.gates:
            given: list[Any] = list(angles)
            if free:
                names = range(number, number + len(angles))
                given = [panta_sim.Parameter(f"a{each:05}") for each in names]  # sorted by name
                number += len(angles)
            getattr(made, name)(*given, *qubits)
        return made

    def state_of(self, circuit: Listed, threads: int) -> Callable[[], Any]:
        made = self.own(circuit)
        precision = {"double": "f64", "single": "f32"}[self.precision]
        return lambda: made.run(shots=0, precision=precision).statevector()

    def values_of(self, circuit: Listed) -> Callable[[np.ndarray], np.ndarray]:
        made = self.own(circuit, free=True)
        return lambda values: made.assign_parameters(values).run(shots=0).statevector()

    def gradient_of(self, circuit: Listed, terms: list[Term]) -> Callable[[], np.ndarray]:
        import panta_sim

        made = self.own(circuit, free=True)
        values = [angle for _, _, angles in circuit.gates for angle in angles]
        return lambda: panta_sim.adjoint_gradient(made, values, dict(terms))[1]


class Prism(Simulator):
    """prism-q, which chooses its method by itself."""

    name = "prism-q"
    versions = ("prism-q",)

    FREE = ("rx", "ry", "rz", "rzz", "p")

    def builder(self, circuit: Listed, free: bool = False) -> Any:
        """Returns a circuit as prism-q's builder; with a slot for each angle if `free`."""
        import prism_q

        builder = prism_q.CircuitBuilder(circuit.num_qubits)
        slot = 0
        for name, qubits, angles in circuit.gates:
            getattr(builder, "cphase" if name == "cp" else name)(*angles, *qubits)
            if free and angles:
                builder.param(slot)
                slot += 1
        return builder

    def state_of(self, circuit: Listed, threads: int) -> Callable[[], Any]:
        import prism_q

        made = self.builder(circuit).build()
        return lambda: prism_q.simulate(made).seed(1).state_vector()

    def values_of(self, circuit: Listed) -> Callable[[np.ndarray], np.ndarray]:
        import prism_q

        for name, _, angles in circuit.gates:
            if angles and name not in self.FREE:
                raise NotImplementedError(f"prism-q has no parameter for {name}")
        builder = self.builder(circuit, free=True)
        made = prism_q.PreparedCircuit(builder.build(), builder.parameters())
        return lambda values: prism_q.simulate(made.bind(values)).seed(1).state_vector()

    def gradient_of(self, circuit: Listed, terms: list[Term]) -> Callable[[], np.ndarray]:
        import prism_q

        builder = self.builder(circuit, free=True)
        made, links = builder.build(), builder.parameter_links()
        paulis = [
            (factor, [(q, letter) for q, letter in enumerate(reversed(label)) if letter != "I"])
            for label, factor in terms
        ]
        hamiltonian = prism_q.PauliObservable(paulis)
        return lambda: prism_q.simulate(made).seed(1).expectation_gradient(hamiltonian, links)[1]


OURS: tuple[Simulator, ...] = (
    Basicaer(),
    BasicaerCompiled(),
    BasicaerJob(),
    Basicaer("single"),
    BasicaerCompiled("single"),
    BasicaerJob("single"),
)
PEERS: tuple[Simulator, ...] = (
    Aer(),
    AerJob(),
    BasicSimulator(),
    Lightning(),
    Qulacs(optimised=False),
    Qulacs(optimised=True),
    Panta(),
    Prism(),
    Aer("single"),
    Lightning("single"),
    Panta("single"),
    Qsim(2),
    Qsim(3),
    Qsim(4),
)
ALL = {simulator.name: simulator for simulator in (*OURS, *PEERS)}

COMPILING = (Panta(), Prism(), Lightning(), LightningDevice())
"""The peers of `bench_compiled.py`."""


def probe(simulator: Simulator) -> None:
    """Runs a small circuit.

    Raises:
        ImportError: the simulator, or what it needs, is not installed.
    """
    simulator.prepare(Listed(2, (("h", (0,), ()), ("cx", (0, 1), ()))), 1)()
