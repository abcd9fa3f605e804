"""`execute`, which Qiskit had until 1.0: for programs of that time, on a Qiskit without it."""

from __future__ import annotations

import logging
from typing import Any, Dict, List, Mapping, Sequence, Union

from qiskit import QuantumCircuit, transpile, user_config
from qiskit.providers import Backend, BackendV2

from basicaer._qiskit.configuration import QASM_BASIS
from basicaer._qiskit.errors import BasicAerError
from basicaer._qiskit.simulator import Simulator

_logger = logging.getLogger(__name__)

_PULSE = "Qiskit 2 has no pulses, and these simulators never used any; leave it out"
_IN_SAMPLER = "it is a setting of qiskit_ibm_runtime's SamplerV2 now: options.execution."

GONE: Mapping[str, str] = {
    "backend_properties": "errors and durations of gates belong to a qiskit.transpiler.Target; "
    "call qiskit.transpile(circuits, target=...) and run what it returns",
    "qobj_id": "a run is known by job.job_id(), a circuit by its name",
    "qobj_header": "use the metadata of the circuits",
    "scheduling_method": "call qiskit.transpile(circuits, backend, scheduling_method=...) and run "
    "what it returns",
    "memory_slots": "a circuit has as many as it has clbits",
    "meas_level": f"{_IN_SAMPLER}meas_type",
    "meas_return": f"{_IN_SAMPLER}meas_type",
    "rep_delay": f"{_IN_SAMPLER}rep_delay",
    "rep_time": f"{_IN_SAMPLER}rep_delay",
    "init_qubits": "every shot begins with all qubits in |0>; the option initial_statevector gives "
    "another state",
    **dict.fromkeys(
        (
            "default_meas_los",
            "default_qubit_los",
            "inst_map",
            "meas_lo_range",
            "meas_map",
            "memory_slot_size",
            "qubit_lo_range",
            "schedule_circuit",
            "schedule_los",
        ),
        _PULSE,
    ),
}
"""The arguments of terra's `execute` that mean nothing any more, and what took their place."""

_HARMLESS = {"init_qubits": True, "schedule_circuit": False}
"""The values that ask for what is done anyway, beside None."""

Circuits = Union[QuantumCircuit, List[QuantumCircuit]]


def execute(
    experiments: Circuits,
    backend: Backend,
    basis_gates: Sequence[str] | None = None,
    coupling_map: Any = None,
    backend_properties: None = None,
    initial_layout: Any = None,
    seed_transpiler: int | None = None,
    optimization_level: int | None = None,
    pass_manager: Any = None,
    shots: int | None = None,
    memory: bool | None = None,
    seed_simulator: int | None = None,
    *,
    parameter_binds: Any = None,
    **run_config: Any,
) -> Any:
    """Transpiles circuits for a backend and runs them there, as terra's function of that name.

    Args:
        experiments: a circuit or a list of circuits.
        backend: any backend that has `run()`.
        basis_gates: see `qiskit.transpile`, as for `coupling_map`, `initial_layout` and
            `seed_transpiler`.
        coupling_map: see `basis_gates`.
        backend_properties: None; the argument has lost its meaning, see `GONE`.
        initial_layout: see `basis_gates`.
        seed_transpiler: see `basis_gates`.
        optimization_level: 0 to 3; None for that of Qiskit's user configuration, or else 1, which
            was the default level of terra.
        pass_manager: what to transpile with in place of `qiskit.transpile`; excludes the arguments
            of that.
        shots: an option of the run, as `memory` and `seed_simulator`. None for what the backend has
            set. Where the backend has no such option, this is logged, and the option left out.
        memory: see `shots`.
        seed_simulator: see `shots`.
        parameter_binds: values of parameters, in the form that the backend takes; if not empty, it
            is handed to `run()`.
        run_config: further options, handed to `run()` as they are.

    Returns:
        The job.

    Raises:
        BasicAerError: an argument is not valid, or one that has lost its meaning; the message says
            what took its place.
    """
    if not isinstance(backend, Backend):
        raise BasicAerError(f"execute() takes a Qiskit backend, not {type(backend).__name__}.")
    known = backend.options
    given = {"backend_properties": backend_properties, **run_config}
    for name, instead in GONE.items():
        value = given.get(name)
        if value is None or value is _HARMLESS.get(name):
            run_config.pop(name, None)
        elif name == "backend_properties" or not hasattr(known, name):
            raise BasicAerError(
                f"execute() has no argument {name} on the Qiskit that is installed: {instead}."
            )
    _check_circuits(experiments)
    how: Dict[str, Any] = {
        "basis_gates": basis_gates,
        "coupling_map": coupling_map,
        "initial_layout": initial_layout,
        "seed_transpiler": seed_transpiler,
        "optimization_level": optimization_level,
    }
    if pass_manager is None:
        if optimization_level is None:
            # Qiskit's own default changed to 2.
            how["optimization_level"] = user_config.get_config().get(
                "transpile_optimization_level", 1
            )
        if coupling_map is None and isinstance(backend, BackendV2) and backend.coupling_map is None:
            # Otherwise levels 2 and 3 drop swaps and leave the qubits of the final state permuted,
            # which terra did not.
            how["routing_method"] = "none"
        if coupling_map is not None and basis_gates is None:
            how["basis_gates"] = _narrow_basis(backend)
        circuits = transpile(experiments, backend, **how)
    else:
        twice = [name for name, value in how.items() if value is not None]
        if twice:
            raise BasicAerError(
                f"execute() was given a pass_manager and {', '.join(twice)}; the pass manager "
                "decides how circuits are transpiled: give one or the other."
            )
        circuits = pass_manager.run(experiments)
    options: Dict[str, Any] = {}
    common = {"shots": shots, "memory": memory, "seed_simulator": seed_simulator}
    for name, value in common.items():
        if value is None:
            continue
        if hasattr(known, name):
            options[name] = value
        else:
            called = backend.name() if callable(backend.name) else backend.name
            _logger.info('"%s" has no option %s; it is left out.', called, name)
    if parameter_binds:
        options["parameter_binds"] = parameter_binds
    return backend.run(circuits, **{**options, **run_config})


def _narrow_basis(backend: Backend) -> List[str] | None:
    """Returns the basis gates for a coupling map alone; None for those of the backend.

    What a simulator of this package knows acts on more qubits than two, or has a direction that
    Qiskit cannot turn round, so that circuits could not be fitted to a coupling map. The basis is
    terra's then, as it was there.
    """
    if not isinstance(backend, Simulator):
        return None
    return [name for name in QASM_BASIS if name != "unitary"]


def _check_circuits(experiments: Any) -> None:
    circuits = experiments if isinstance(experiments, list) else [experiments]
    for position, circuit in enumerate(circuits):
        if not isinstance(circuit, QuantumCircuit):
            place = f" at place {position} of the list" if circuits is experiments else ""
            raise BasicAerError(
                f"execute() takes a QuantumCircuit or a list of them, not "
                f"{type(circuit).__name__}{place}; pulse schedules cannot be run any more."
            )
