"""What the three simulators share: `run()`, and all that is done before the circuits run.

`run()` checks the options, lowers the circuits, counts memory and draws seeds on the caller's
thread, so that bad input raises there. The rest is a `Request`, which goes to the queue. The
backend keeps no state of a run.
"""

from __future__ import annotations

import functools
import logging
from typing import (
    Any,
    Callable,
    ClassVar,
    Dict,
    Mapping,
    Tuple,
    Type,
)

from qiskit.providers.options import Options

from basicaer._engine import threads as _threads
from basicaer._engine.errors import EngineError
from basicaer._jobs import options, progress_bar, queue
from basicaer._qiskit import batches
from basicaer._qiskit.errors import BasicAerError, public_error
from basicaer._qiskit.job import BasicAerJob, Ids
from basicaer._qiskit.prepare import OUTPUT, Preparation
from basicaer._qiskit.request import Request, experiments_of
from basicaer._qiskit.versions import HAS_QOBJ

if HAS_QOBJ:
    from basicaer._qiskit.terra import qobj as _qobj


class Simulator(Preparation):
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
        if isinstance(run_input, list) and OUTPUT[self.KIND] == "counts":
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


def _of_qobj(
    described: Callable[[], Dict[str, Any]], header: Mapping[str, Any], qobj_id: str | None
) -> Dict[str, Any]:
    """Returns the fields of a Result of a Qobj, from those of a Result of circuits."""
    fields = described()
    fields["header"].update(header)
    fields["qobj_id"] = qobj_id or fields["qobj_id"]
    return fields


def _thread_count(values: Mapping[str, Any]) -> int:
    """Returns the most threads for a circuit; by default one at the workers of an executor."""
    given = values["max_parallel_threads"]
    if given:
        return given
    return _threads.cpu_count() if values["executor"] is None else 1
