"""What the three simulators share: `run()`, and all that is done before the circuits run.

`run()` checks the options, lowers the circuits, counts memory and draws seeds on the caller's
thread, so that bad input raises there. The rest is a `Request`, which goes to the queue. The
backend keeps no state of a run.
"""

from __future__ import annotations

import functools
import itertools
import logging
import time
from typing import (
    Any,
    Callable,
    ClassVar,
    Dict,
    Iterable,
    List,
    Mapping,
    Sequence,
    Tuple,
    Type,
)

import numpy as np
from qiskit.circuit import QuantumCircuit
from qiskit.providers.options import Options

from basicaer._engine import memory as _memory
from basicaer._engine import threads as _threads
from basicaer._engine.allowance import allowance_of
from basicaer._engine.errors import EngineError
from basicaer._engine.memory import Allowance
from basicaer._engine.program import Measure, Program, Store, operations_of
from basicaer._engine.shots.draws import Seeds
from basicaer._engine.task import Task, method_of
from basicaer._jobs import budget, options, progress_bar, queue
from basicaer._qiskit import batches
from basicaer._qiskit.circuits import parameter_binds
from basicaer._qiskit.errors import BasicAerError, public_error
from basicaer._qiskit.job import BasicAerJob, Ids
from basicaer._qiskit.request import Experiment, Prepared, Request, experiments_of
from basicaer._qiskit.result import Header
from basicaer._qiskit.versions import HAS_QOBJ

if HAS_QOBJ:
    from basicaer._qiskit.terra import qobj as _qobj

_OUTPUT = {
    options.QASM: "counts",
    options.BASIC: "counts",
    options.STATEVECTOR: "statevector",
    options.UNITARY: "unitary",
}

_NARROW = 12
"""Qubits up to which a circuit's memory is counted once, after it is lowered."""

_Ready = Tuple[Program, Header, Experiment, str, Allowance, float]
"""A lowered circuit: its program, the header of its result, the experiment, how it is run, the
memory that it may hold, and the seconds that lowering took."""


class Simulator:
    """What the three simulators share on every Qiskit.

    `backend.Backend` derives from this class and from Qiskit's class of backends.
    """

    KIND = ""
    DEFAULT_CONFIGURATION: ClassVar[Dict[str, Any]] = {}
    ERROR: ClassVar[Type[BasicAerError]] = BasicAerError
    JOB: ClassVar[Type[BasicAerJob]] = BasicAerJob
    ALL_SLOTS: ClassVar[bool] = False
    """Whether a result counts every clbit as a memory slot, in a register or not."""
    _logger = logging.getLogger(__name__)
    _options: Options
    name: Callable[[], str]

    @classmethod
    def _default_options(cls) -> Options:
        return Options(**options.defaults(cls.KIND))

    def _identity(self) -> Tuple[str, str]:
        """Returns the name and the version that results have."""
        raise NotImplementedError

    def _most_qubits(self) -> int | None:
        """Returns the number of qubits that was set as a bound; None if none was set."""
        raise NotImplementedError

    def set_options(self, **fields: Any) -> None:
        """Sets options for all later runs; arguments of `run()` override them.

        Raises:
            AttributeError: there is no option of that name.
            BasicAerError: a value is not valid.
        """
        known = options.of_backend(self.KIND)
        try:
            for name, value in fields.items():
                if name in known:
                    options.check(self.KIND, name, value)
        except EngineError as error:
            raise public_error(error, self.ERROR) from error.__cause__
        super().set_options(**fields)  # type: ignore[misc]

    # ------------------------------------------------------------------------------------------
    # run
    # ------------------------------------------------------------------------------------------

    def run(self, run_input: Any, **backend_options: Any) -> BasicAerJob:
        """Runs circuits in the background; returns their job.

        A brief job is run before it is returned.

        Args:
            run_input: a circuit, a list of circuits, or, where Qiskit has it, a QasmQobj.
            backend_options: options of this run, see `basicaer._jobs.options.TABLE`.

        Raises:
            BasicAerError: a circuit or an option is not valid, or memory is too small. Nothing has
                been run then.
        """
        try:
            return self._run(run_input, backend_options)
        except EngineError as error:
            raise public_error(error, self.ERROR) from error.__cause__

    def _run(self, run_input: Any, backend_options: Mapping[str, Any]) -> BasicAerJob:
        qobj = run_input if HAS_QOBJ and isinstance(run_input, _qobj.QasmQobj) else None
        settings = self._options.__dict__
        if qobj is not None:
            settings = {**settings, **self._settings_of(qobj)}
        values = self._values(settings, backend_options)
        bar = progress_bar.load() if values["progress"] else None
        threads = _thread_count(values)
        batch = None
        if isinstance(run_input, list) and _OUTPUT[self.KIND] == "counts":
            batch = batches.read_batch(
                run_input,
                values,
                most_qubits=self._most_qubits(),
                threads=threads,
                drawn=self.KIND == options.BASIC,
                seeds_of=lambda count: self._batch_seeds(count, values),
            )
        if batch is None:
            experiments = experiments_of(run_input) if qobj is None else _qobj.experiments(qobj)
            if not experiments:
                raise BasicAerError("There is no circuit to run: the list is empty.")
            # The circuits of a Qobj have no parameters left to bind.
            binds = values["parameter_binds"] if qobj is None else None
            prepared = self._prepare(experiments, binds, values, threads)
        ids = Ids()
        described = functools.partial(self._described, *self._identity(), ids)
        if qobj is not None:
            described = functools.partial(
                _of_qobj, described, dict(qobj.header.to_dict()), qobj.qobj_id
            )
        request: Request | batches.BatchRequest
        if batch is None:
            request = Request(prepared, values, threads, described, self.ERROR)
        else:
            request = batches.BatchRequest(batch, values, self.ALL_SLOTS, described, self.ERROR)
        run = request.run
        if bar is None and run.is_brief():
            future = queue.run_brief(request, run.control)
        else:
            future = queue.submit(
                request, run.control, need=run.need, limit=run.limit, size=run.size
            )
        return self.JOB(self, ids, future, control=run.control, bar=bar)

    def _values(
        self, settings: Mapping[str, Any], backend_options: Mapping[str, Any]
    ) -> Dict[str, Any]:
        """Returns the value of each option of a run; called by `_run`, which `run` calls."""
        return options.resolve(self.KIND, settings, backend_options, stacklevel=4)

    @staticmethod
    def _described(name: str, version: str, ids: Ids) -> Dict[str, Any]:
        """Returns the fields of a Result that describe the job, see `result.whole_later`."""
        job_id, qobj_id = ids.both()
        return {
            "backend_name": name,
            "backend_version": version,
            "qobj_id": qobj_id,
            "job_id": job_id,
            "header": {"backend_name": name, "backend_version": version},
        }

    def _settings_of(self, qobj: Any) -> Dict[str, Any]:
        """Returns the options that the configuration of a Qobj gives, without unknown ones."""
        known = options.of_backend(self.KIND)
        settings = _qobj.settings(qobj)
        return {name: settings[name] for name in known if settings.get(name) is not None}

    def _prepare(
        self,
        experiments: Sequence[Experiment],
        binds: parameter_binds.Binds,
        values: Mapping[str, Any],
        threads: int,
    ) -> List[Prepared]:
        """Returns the circuits ready to run, each as often as there are values for it."""
        output = _OUTPUT[self.KIND]
        unitary, counted = output == "unitary", output == "counts"
        initial = values["initial_unitary" if unitary else "initial_statevector"]
        shots, precision = values["shots"], values["precision"]
        if not counted and shots != 1:
            self._logger.info('"%s" only supports 1 shot. Setting shots=1.', self.name())
            shots = 1
        bound = parameter_binds.pair([experiment.circuit for experiment in experiments], binds)
        most = self._most_qubits()
        for each in bound:
            if most is not None or each.circuit.num_qubits > _NARROW:
                self._check_size(each.circuit, most, shots, threads, values)
        ready: List[_Ready] = []
        limit = values["max_memory_mb"] or None
        listed, branching = values.get("memory", False), values.get("branching", True)
        for experiment, each in zip(experiments, bound):
            begun = time.perf_counter()
            programs = each.programs(unitary_only=unitary)
            lowering = time.perf_counter() - begun
            # The size does not depend on the values of parameters.
            first = programs[0][0]
            if initial is not None:
                _check_initial(initial, unitary, first, each.circuit)
            method = method_of(first, output, shots, experiment.allow_sampling, branching)
            allowance = allowance_of(
                first,
                method,
                shots=shots,
                precision=precision,
                threads=threads,
                listed=listed,
                limit=limit,
            )
            self._check_need(allowance.base, each.circuit, shots, values)
            for program, own in programs:
                if program is not first:
                    method = method_of(program, output, shots, experiment.allow_sampling, branching)
                header = experiment.header or own
                if counted:
                    self._log_missing_counts(program, header)
                ready.append((program, header, experiment, method, allowance, lowering))
        # Drawn last, so that a run() that raises draws nothing.
        seeds: Iterable[Any] = itertools.repeat(None) if unitary else self._seeds(ready, values)
        shared = {
            "output": output,
            "shots": shots,
            "initial": initial,
            "precision": precision,
            "threads": threads,
            "fusion": values["fusion"],
            "max_iterations": values.get("max_iterations"),
            "branching": branching,
            "chop": values["chop_threshold"],
        }
        # Without a limit, a worker elsewhere counts on its own available memory.
        away = values["executor"] is not None and limit is None
        return [
            Prepared(
                header.name,
                Task.of(
                    shared,
                    program=program,
                    seed=seed or 0,
                    allow_sampling=experiment.allow_sampling,
                    allowance=None if away else allowance,
                    method=method,
                ),
                allowance.base if away else allowance.need,
                header,
                seed,
                lowering,
            )
            for (program, header, experiment, method, allowance, lowering), seed in zip(
                ready, seeds
            )
        ]

    def _seeds(self, ready: Sequence[_Ready], values: Mapping[str, Any]) -> List[Any]:
        """Returns the seed of each circuit.

        The experiment's own seed comes first, then the option, which gives all circuits the same
        seed. Otherwise one for each is drawn from NumPy's global generator, as terra does, so that
        numpy.random.seed fixes them.
        """
        given, several = values["seed_simulator"], values["seed_per_circuit"]
        return [
            seed_of(given, position, several) if experiment.seed is None else experiment.seed
            for position, (_, _, experiment, *_) in enumerate(ready)
        ]

    def _batch_seeds(self, count: int, values: Mapping[str, Any]) -> Tuple[Seeds, List[Any]]:
        """Returns what the circuits of a batch draw from, and the seed of each for its result."""
        given, several = values["seed_simulator"], values["seed_per_circuit"]
        if given is None:
            seeds = drawn_seeds(count)
        elif several:
            seeds = [seed_of(given, position, several) for position in range(count)]
        else:
            seeds = [given] * count
        return seeds, seeds

    # ------------------------------------------------------------------------------------------
    # Checks
    # ------------------------------------------------------------------------------------------

    def _check_size(
        self,
        circuit: QuantumCircuit,
        most: int | None,
        shots: int,
        threads: int,
        values: Mapping[str, Any],
    ) -> None:
        """Raises `BasicAerError` if a circuit is too large, before it is lowered."""
        if most is not None and circuit.num_qubits > most:
            raise BasicAerError(
                f'Number of qubits {circuit.num_qubits} of circuit "{circuit.name}" is greater '
                f"than maximum ({most}) "
                f'for "{self.name()}".'
            )
        need = _memory.required_bytes(
            circuit.num_qubits,
            precision=values["precision"],
            unitary=self.KIND == options.UNITARY,
            threads=threads,
            shots=shots,
            num_clbits=circuit.num_clbits,
            memory=values.get("memory", False),
        )
        self._check_need(need, circuit, shots, values)

    def _check_need(
        self,
        need: int,
        circuit: QuantumCircuit,
        shots: int,
        values: Mapping[str, Any],
        hint: str | None = None,
    ) -> None:
        """Raises `BasicAerError` if a circuit needs too much memory; `hint` says what helps."""
        limit = values["max_memory_mb"] or None
        if limit is None and (need < _memory.LIGHT or values["executor"] is not None):
            return  # light, or held by a worker, which checks its own memory
        if limit is not None and need > limit:
            space, why = limit, "allowed by max_memory_mb"
        else:
            shortage, why = budget.shared.shortage(need), "available"
            if shortage is None:
                return
            space = shortage
        if need > space:
            most = _memory.largest_circuit(
                unitary=self.KIND == options.UNITARY, precision=values["precision"], space=space
            )
            if hint is None:
                hint = "fewer shots, or threads, need less."
                if circuit.num_qubits > most:
                    hint = f"at most {most} qubits fit."
            raise BasicAerError(
                f'Circuit "{circuit.name}" of {circuit.num_qubits} qubits, {shots} shots, '
                f"{values['precision']} precision on {self.name()} needs "
                f"{_memory.describe(need)}, {_memory.describe(space)} {why}; {hint}"
            )

    def _log_missing_counts(self, program: Program, header: Header) -> None:
        """Logs, as terra does, that the counts of a circuit will be empty or zero."""
        if header.memory_slots == 0:
            self._logger.warning(
                'No classical registers in circuit "%s", counts will be empty.', header.name
            )
        elif not (program.body and isinstance(program.body[-1], Measure)) and not any(
            isinstance(each, (Measure, Store)) for each in operations_of(program.body)
        ):
            self._logger.warning(
                'No measurements in circuit "%s", classical register will remain all zeros.',
                header.name,
            )


def _check_initial(
    initial: np.ndarray, unitary: bool, program: Program, circuit: QuantumCircuit
) -> None:
    """Raises `BasicAerError` if a circuit is of another width than its initial state or unitary."""
    if len(initial) != 1 << program.num_qubits:
        raise BasicAerError(
            f"initial {'unitary' if unitary else 'statevector'} is incorrect length: "
            f'{len(initial)} != {1 << program.num_qubits} for circuit "{circuit.name}" '
            f"of {program.num_qubits} qubits."
        )


def _of_qobj(
    described: Callable[[], Dict[str, Any]], header: Mapping[str, Any], qobj_id: str | None
) -> Dict[str, Any]:
    """Returns the fields of a Result of a Qobj, from those of a Result of circuits."""
    fields = described()
    fields["header"].update(header)
    fields["qobj_id"] = qobj_id or fields["qobj_id"]
    return fields


# ----------------------------------------------------------------------------------------------
# Threads, seeds
# ----------------------------------------------------------------------------------------------


def _thread_count(values: Mapping[str, Any]) -> int:
    """Returns the most threads for a circuit; by default one at the workers of an executor."""
    given = values["max_parallel_threads"]
    if given:
        return given
    return _threads.cpu_count() if values["executor"] is None else 1


def drawn_seed() -> int:
    """Returns a seed drawn from NumPy's global generator, as Qiskit's simulators draw theirs."""
    return int(np.random.randint(2147483647, dtype="int32"))  # noqa: NPY002


def drawn_seeds(count: int) -> List[int]:
    """Returns as many seeds as so many calls of `drawn_seed`, the same ones."""
    found: List[int] = np.random.randint(2147483647, size=count, dtype="int32").tolist()  # noqa: NPY002
    return found


def seed_of(given: int | None, position: int, several: bool) -> int:
    """Returns the seed of a circuit; without a given one, NumPy's global generator draws it.

    Args:
        given: the option `seed_simulator`.
        position: of the circuit in its run.
        several: the option `seed_per_circuit`.
    """
    if given is None:
        return drawn_seed()
    return _seed_of_circuit(given, position) if several else given


def _seed_of_circuit(seed: int, position: int) -> int:
    """Returns a seed for one circuit of a list; those of different circuits are independent."""
    return int(np.random.SeedSequence([seed, position]).generate_state(1)[0])
