"""What the three simulators share: `run()`, and what comes before anything is carried out.

A run is made ready on the caller's thread, so that whatever is wrong is raised there: options are
checked, circuits lowered, memory counted, seeds drawn. What is left, `Run`, is numbers only and
goes to the pool. The backend itself keeps nothing of a run.
"""

from __future__ import annotations

import itertools
import logging
import os
import random
import time
from typing import Any, ClassVar, Dict, Iterator, List, Mapping, Sequence, Tuple

import numpy as np
from qiskit.circuit import QuantumCircuit
from qiskit.providers.backend import BackendV1
from qiskit.providers.models import QasmBackendConfiguration
from qiskit.providers.options import Options
from qiskit.qobj import QasmQobj

from . import _binding, _distribution, _memory, _options, _pool, _progress, _qobj
from ._allowance import allowance_of
from ._memory import Allowance
from ._program import Measure, Operation, Program, bodies_within
from ._running import Item, Run
from ._task import Task, method_of
from .basicaerjob import BasicAerJob
from .exceptions import BasicAerError

_OUTPUT = {
    _options.QASM: "counts",
    _options.STATEVECTOR: "statevector",
    _options.UNITARY: "unitary",
}


_WIDE = 20
"""Qubits from which a circuit's memory is looked at before it is lowered, too."""

_ids = random.Random()
"""Where job ids come from: no secrets, but each its own, in the children of a fork too."""
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_ids.seed)
_VARIANT = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}


class Simulator(BackendV1):
    """Base of the three simulators.

    Subclasses say what kind they are and how terra describes them.
    """

    KIND = ""
    DEFAULT_CONFIGURATION: ClassVar[Dict[str, Any]] = {}
    _logger = logging.getLogger(__name__)

    def __init__(
        self,
        configuration: QasmBackendConfiguration | None = None,
        provider: Any = None,
        **fields: Any,
    ) -> None:
        """Makes a simulator.

        Args:
            configuration: what the simulator says of itself; None for what it is. The number of
                qubits in a configuration given here is a bound on what may be run.
            provider: the provider that it belongs to.
            fields: options that are to have other values than the default.
        """
        own = configuration is None
        if configuration is None:
            configuration = QasmBackendConfiguration.from_dict(dict(self.DEFAULT_CONFIGURATION))
            configuration.n_qubits = self._largest_circuit()
        super().__init__(configuration=configuration, provider=provider)
        # What we said last of the number of qubits; None once somebody else has said it.
        self._said_qubits = configuration.n_qubits if own else None
        if fields:
            self.set_options(**fields)

    @classmethod
    def _default_options(cls) -> Options:
        return Options(**_options.defaults(cls.KIND))

    @classmethod
    def _largest_circuit(cls) -> int:
        return _memory.largest_circuit(unitary=cls.KIND == _options.UNITARY)

    def configuration(self) -> QasmBackendConfiguration:
        """Returns the configuration; its `n_qubits` is what the memory now available holds."""
        configuration = self._configuration
        if self._said_qubits is not None:
            if configuration.n_qubits == self._said_qubits:
                configuration.n_qubits = self._said_qubits = self._largest_circuit()
            else:
                self._said_qubits = None
        return configuration

    def set_options(self, **fields: Any) -> None:
        """Sets options for all runs to come; an argument of `run()` goes before them.

        Raises:
            AttributeError: if there is no option of that name.
            BasicAerError: if a value is wrong.
        """
        known = _options.of_backend(self.KIND)
        for name, value in fields.items():
            if name in known:
                _options.check(self.KIND, name, value)
        super().set_options(**fields)

    # ------------------------------------------------------------------------------------------
    # run
    # ------------------------------------------------------------------------------------------

    def run(self, run_input: Any, **backend_options: Any) -> BasicAerJob:
        """Runs circuits; returns at once with the job that does it.

        Args:
            run_input: a circuit, a list of circuits, or a QasmQobj.
            backend_options: options of this run, see `basicaer._options.TABLE`.

        Raises:
            BasicAerError: if a circuit, an option or the memory that is needed is out of bounds;
                nothing has been begun then.
        """
        qobj = run_input if isinstance(run_input, QasmQobj) else None
        settings = self._options.__dict__
        if qobj is not None:
            settings = dict(settings)
            known = _options.of_backend(self.KIND)
            settings.update(
                (name, value)
                for name, value in _qobj.settings(qobj).items()
                if name in known and value is not None
            )
        values = _options.resolve(self.KIND, settings, backend_options, stacklevel=2)
        bar = _progress.load() if values["progress"] else None
        header = {
            "backend_name": self._configuration.backend_name,
            "backend_version": self._configuration.backend_version,
        }
        if qobj is not None:
            entries = _qobj.experiments(qobj)
            circuits = [entry.circuit for entry in entries]
            headers: List[Dict[str, Any]] | None = [entry.header for entry in entries]
            sampling = [entry.config.get("allows_measure_sampling", True) for entry in entries]
            seeds = [
                _options.check(_options.QASM, "seed_simulator", entry.config.get("seed_simulator"))
                for entry in entries
            ]
            header.update(qobj.header.to_dict())
            qobj_id = qobj.qobj_id
        else:
            circuits, headers, sampling, seeds = _circuits(run_input), None, None, None
            qobj_id = None
        if not circuits:
            raise BasicAerError("There is no circuit to run: the list is empty.")
        binds = values["parameter_binds"] if headers is None else None
        threads = _threads(values)
        items = self._prepare(
            _binding.pair(circuits, binds), headers, values, threads, sampling, seeds
        )
        executor = values["executor"]
        job_id, fresh = _fresh_ids()
        run = Run(
            items=items,
            values=values,
            threads=threads,
            executor=None if executor is None else _distribution.executor_of(executor),
            identity={
                "backend_name": self.name(),
                "backend_version": self._configuration.backend_version,
                "qobj_id": qobj_id or fresh,
                "job_id": job_id,
                "header": header,
            },
        )
        if bar is None and run.is_brief():
            future = _pool.at_once(run, run.control)
        else:
            future = _pool.submit(run, run.control, need=run.need, limit=run.limit, size=run.size)
        job = BasicAerJob(self, job_id, future, control=run.control)
        if bar is not None:
            _progress.follow(job, bar)
        return job

    def _prepare(
        self,
        bound: Sequence[_binding.Bound],
        headers: Sequence[Dict[str, Any]] | None,
        values: Mapping[str, Any],
        threads: int,
        sampling: Sequence[bool] | None,
        own_seeds: Sequence[int | None] | None,
    ) -> List[Item]:
        kind = self.KIND
        unitary = kind == _options.UNITARY
        initial = values["initial_unitary" if unitary else "initial_statevector"]
        shots = values["shots"]
        if kind != _options.QASM and shots != 1:
            self._logger.info('"%s" only supports 1 shot. Setting shots=1.', self.name())
            shots = 1
        for each in bound:
            self._check_size(each.circuit, shots, threads, values)
        ready: List[Tuple[Program, Dict[str, Any], Allowance, float]] = []
        limit = values["max_memory_mb"] or None
        for position, each in enumerate(bound):
            circuit = each.circuit
            begun = time.perf_counter()
            programs = each.programs(unitary_only=unitary)
            lowering = time.perf_counter() - begun
            if headers is not None:  # of a Qobj, which binds nothing
                programs = [(programs[0][0], headers[position])]
            # However the parameters are bound, the size is the same.
            first = programs[0][0]
            if initial is not None and len(initial) != 1 << first.num_qubits:
                raise BasicAerError(
                    f"initial {'unitary' if unitary else 'statevector'} is incorrect length: "
                    f'{len(initial)} != {1 << first.num_qubits} for circuit "{circuit.name}" '
                    f"of {first.num_qubits} qubits."
                )
            allowance = allowance_of(
                first,
                method_of(
                    first,
                    _OUTPUT[kind],
                    shots,
                    branching=values.get("branching", True),
                    allow_sampling=sampling is None or bool(sampling[position]),
                ),
                shots=shots,
                precision=values["precision"],
                threads=threads,
                listed=values.get("memory", False),
                limit=limit,
            )
            self._check_need(allowance.base, circuit, shots, values)
            if kind == _options.QASM:
                for program, header in programs:
                    self._remark(program, header)
            ready.extend((program, header, allowance, lowering) for program, header in programs)
        # Drawn last: a run that raises draws nothing.
        seeds = itertools.repeat(None) if unitary else _seeds(len(ready), values, own_seeds)
        task = Task.of(
            program=ready[0][0],
            seed=0,
            output=_OUTPUT[kind],
            shots=shots,
            initial=initial,
            precision=values["precision"],
            threads=threads,
            fusion=values["fusion"],
            allowance=None,
            max_iterations=values.get("max_iterations"),
            branching=values.get("branching", True),
            chop=values["chop_threshold"],
        )
        # A worker elsewhere looks for itself how much there is, unless it is told.
        away = values["executor"] is not None and limit is None
        items = [
            Item(
                header,
                seed,
                task.but(program=program, seed=seed or 0, allowance=None if away else allowance),
                allowance.base if away else allowance.need,
                lowering,
            )
            for (program, header, allowance, lowering), seed in zip(ready, seeds)
        ]
        if sampling is not None:
            items = [
                item._replace(task=item.task.but(allow_sampling=bool(allowed)))
                for item, allowed in zip(items, sampling)
            ]
        return items

    # ------------------------------------------------------------------------------------------
    # Checks
    # ------------------------------------------------------------------------------------------

    def _check_size(
        self, circuit: QuantumCircuit, shots: int, threads: int, values: Mapping[str, Any]
    ) -> None:
        """Raises if a circuit is too wide, before anything is done with it.

        What it needs is counted once it has been lowered; this spares that where it is hopeless.
        """
        if self._said_qubits is None and circuit.num_qubits > self._configuration.n_qubits:
            raise BasicAerError(
                f'Number of qubits {circuit.num_qubits} of circuit "{circuit.name}" is greater '
                f"than maximum ({self._configuration.n_qubits}) "
                f'for "{self.name()}".'
            )
        if circuit.num_qubits < _WIDE:
            return
        need = _memory.required_bytes(
            circuit.num_qubits,
            precision=values["precision"],
            unitary=self.KIND == _options.UNITARY,
            threads=threads,
            shots=shots,
            num_clbits=circuit.num_clbits,
            memory=values.get("memory", False),
        )
        self._check_need(need, circuit, shots, values)

    def _check_need(
        self, need: int, circuit: QuantumCircuit, shots: int, values: Mapping[str, Any]
    ) -> None:
        limit = values["max_memory_mb"] or None
        if limit is None and (need < _memory.SMALL or values["executor"] is not None):
            return  # small, or held elsewhere: the worker looks how much it has
        if limit is not None and need > limit:
            space, why = limit, "allowed by max_memory_mb"
        else:
            space, why = _memory.budget.space(), "available"
            if need > space:
                # A moment ago it may have been less.
                space = _memory.budget.space(fresh=True)
        if need > space:
            most = _memory.largest_circuit(
                unitary=self.KIND == _options.UNITARY, precision=values["precision"], space=space
            )
            raise BasicAerError(
                f'Circuit "{circuit.name}" of {circuit.num_qubits} qubits, {shots} shots, '
                f"{values['precision']} precision on {self.name()} needs "
                f"{_memory.describe(need)}, {_memory.describe(space)} {why}; "
                + (
                    f"at most {most} qubits fit."
                    if circuit.num_qubits > most
                    else "fewer shots, or threads, need less."
                )
            )

    def _remark(self, program: Program, header: Mapping[str, Any]) -> None:
        """Logs what terra logs about circuits whose counts tell nothing."""
        if header["memory_slots"] == 0:
            self._logger.warning(
                'No classical registers in circuit "%s", counts will be empty.', header["name"]
            )
        elif not (program.body and isinstance(program.body[-1], Measure)) and not any(
            isinstance(each, Measure) for each in _operations(program.body)
        ):
            self._logger.warning(
                'No measurements in circuit "%s", classical register will remain all zeros.',
                header["name"],
            )


# ----------------------------------------------------------------------------------------------
# Input
# ----------------------------------------------------------------------------------------------


def _circuits(run_input: Any) -> List[QuantumCircuit]:
    circuits = run_input if isinstance(run_input, list) else [run_input]
    for position, circuit in enumerate(circuits):
        if not isinstance(circuit, QuantumCircuit):
            place = f" at place {position} of the list" if circuits is run_input else ""
            raise BasicAerError(
                f"What is run must be a QuantumCircuit, a list of them or a QasmQobj, not "
                f"{type(circuit).__name__}{place}."
            )
    return list(circuits)


def _fresh_ids() -> Tuple[str, str]:
    """Two random UUIDs, as `uuid.uuid4` makes them in six times the time."""
    a = f"{_ids.getrandbits(256):064x}"
    return (
        f"{a[:8]}-{a[8:12]}-4{a[13:16]}-{_VARIANT[a[16]]}{a[17:20]}-{a[20:32]}",
        f"{a[32:40]}-{a[40:44]}-4{a[45:48]}-{_VARIANT[a[48]]}{a[49:52]}-{a[52:]}",
    )


def _threads(values: Mapping[str, Any]) -> int:
    """The most threads that a circuit may use; elsewhere, where others may be at work too, one."""
    given = values["max_parallel_threads"]
    if given:
        return given
    return _pool.cpu_count() if values["executor"] is None else 1


def _operations(body: Sequence[Operation]) -> Iterator[Operation]:
    """All operations of a program, those within control flow too."""
    for operation in body:
        yield operation
        for inner, _ in bodies_within(operation):
            yield from _operations(inner)


def _seeds(count: int, values: Mapping[str, Any], own: Sequence[int | None] | None) -> List[int]:
    """The seed of each circuit.

    One that is given serves all circuits alike. Otherwise one each is drawn from NumPy's global
    generator, as terra draws it, so that numpy.random.seed fixes them.
    """
    given = values["seed_simulator"]
    seeds: List[int | None] = [given] * count
    if values["seed_per_circuit"] and given is not None:
        seeds = [_seed_of_circuit(given, position) for position in range(count)]
    if own is not None:
        seeds = [first if first is not None else other for first, other in zip(own, seeds)]
    return [
        int(np.random.randint(2147483647, dtype="int32")) if seed is None else int(seed)  # noqa: NPY002
        for seed in seeds
    ]


def _seed_of_circuit(seed: int, position: int) -> int:
    """A seed for one circuit of a list: any two differ as independent streams do."""
    return int(np.random.SeedSequence([seed, position]).generate_state(1)[0])
