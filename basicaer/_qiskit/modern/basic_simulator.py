"""BasicSimulator: the simulator of `qiskit.providers.basic_provider`, run by this package.

It derives from Qiskit's own class. So name, version, target and options are those of the Qiskit
that is installed, and it is an instance of what other code asks for; only `run()` and what belongs
to it are this package's.
"""

from __future__ import annotations

import logging
import time
import warnings
from typing import Any, Dict, List, Mapping, Sequence, Tuple

import numpy as np
from qiskit.providers.options import Options
from qiskit.transpiler import Target

from basicaer._engine.errors import EngineError
from basicaer._engine.execute import draws_of
from basicaer._engine.shots.draws import Seeds, Stream
from basicaer._jobs import options
from basicaer._qiskit import result as _result
from basicaer._qiskit.circuits import parameter_binds
from basicaer._qiskit.errors import BasicAerError, public_error
from basicaer._qiskit.job import BasicAerJob, Ids
from basicaer._qiskit.modern.backend import Name
from basicaer._qiskit.modern.stabilizers import clifford_of, task_of
from basicaer._qiskit.prepare import drawn_seed, drawn_seeds
from basicaer._qiskit.request import Experiment, Prepared
from basicaer._qiskit.simulator import Simulator
from basicaer._qiskit.versions import BASIC_LOGS, BASIC_SEEDS_RUN, HAS_QOBJ, basic_provider

theirs: Any = basic_provider()

_OF_QISKIT = {
    "allow_sample_measuring",
    "chop_threshold",
    "initial_statevector",
    "memory",
    "parameter_binds",
    "seed_simulator",
    "shots",
    "use_clifford_optimization",
}
"""Options that BasicSimulator has in some version of Qiskit."""
_OURS = frozenset(options.of_backend(options.BASIC)) - _OF_QISKIT
"""Options that only this package has: accepted, but among `options` only once they are set."""

_FRESH: Any = object()
"""In place of a seed: there is none, and nobody is told which one is drawn."""


class BasicProviderError(BasicAerError, theirs.BasicProviderError):
    """A circuit, an option or a request is not valid; the message says why.

    It is Qiskit's error of the same name too, and a `BasicAerError`.
    """

    __module__ = "basicaer.basic_provider"  # its public module, by which it is pickled


@theirs.BasicProviderJob.register
class BasicProviderJob(BasicAerJob):
    """The job of a `BasicSimulator`; it passes as Qiskit's class of the same name."""

    __module__ = "basicaer.basic_provider"


class BasicSimulator(Simulator, theirs.BasicSimulator):
    """Runs circuits many times and counts their outcomes, as Qiskit's BasicSimulator does.

    A seed gives the outcomes that the installed Qiskit gives. They are drawn from
    ``numpy.random.default_rng(seed)``: on Qiskit 1 from one generator for each circuit, on Qiskit 2
    from one for all circuits of a `run()`, in their order. There, each circuit begins where those
    before it end, so that circuits can be run at the same time. How many draws a circuit with
    control flow makes may depend on its outcomes: it begins where it would, and the circuit after
    it on the same stream jumped ahead by ``PCG64.jumped``, so that no two circuits share draws.

    What Qiskit's cannot works here: control flow, instructions outside of the target, any number of
    qubits that memory holds, jobs that run in the background, can be cancelled and tell their
    progress, and the options of this package.
    """

    __module__ = "basicaer.basic_provider"
    KIND = options.BASIC
    ERROR = BasicProviderError
    JOB = BasicProviderJob
    ALL_SLOTS = not HAS_QOBJ
    _logger = logging.getLogger("basicaer.basic_provider")
    name: Any

    def __init__(self, provider: Any = None, target: Target | None = None, **fields: Any) -> None:
        """Makes a simulator.

        Args:
            provider: the provider that it belongs to.
            target: what it says it runs; None for the target of Qiskit's BasicSimulator.
            fields: options that are to have other values than the default.

        Raises:
            AttributeError: there is no option of that name.
            BasicProviderError: a value is not valid.
        """
        super().__init__(provider=provider, target=target)
        self.name = Name(self.name)
        if fields:
            self.set_options(**fields)

    @classmethod
    def _default_options(cls) -> Options:
        return theirs.BasicSimulator._default_options()

    def _identity(self) -> Any:
        return str(self.name), self.backend_version

    def _most_qubits(self) -> None:
        return None

    def set_options(self, **fields: Any) -> None:
        """Sets options for all later runs; arguments of `run()` override them.

        Raises:
            AttributeError: there is no option of that name.
            BasicProviderError: a value is not valid.
        """
        # Qiskit's method sets only options that there are.
        added = [name for name in fields if name in _OURS and name not in self._options]
        self._options.update_options(**dict.fromkeys(added))
        try:
            super().set_options(**fields)
        except Exception:
            for name in added:
                del self._options.__dict__[name]
            raise

    def run(self, run_input: Any, **run_options: Any) -> BasicAerJob:
        """Runs circuits in the background; returns their job.

        A brief job is run before it is returned.

        Args:
            run_input: a circuit, a list or tuple of circuits, or, on Qiskit 1, a QasmQobj.
            run_options: options of this run: those of `options`, and those of this package, see
                `basicaer._jobs.options`. An unknown name is a warning.

        Raises:
            BasicProviderError: a circuit or an option is not valid, or memory is too small. Nothing
                has been run then.
        """
        if isinstance(run_input, tuple):
            run_input = list(run_input)
        try:
            return self._run(run_input, run_options)
        except EngineError as error:
            raise public_error(error, BasicProviderError) from error.__cause__
        except BasicProviderError:
            raise
        except BasicAerError as error:
            raise _as_provider_error(error) from error.__cause__

    # ------------------------------------------------------------------------------------------
    # What differs from the simulators of BasicAer
    # ------------------------------------------------------------------------------------------

    def _values(self, settings: Mapping[str, Any], arguments: Mapping[str, Any]) -> Dict[str, Any]:
        known: Dict[str, Any] = {}
        for name, value in arguments.items():
            if name in self._options or name in _OURS or (name == "backend_options" and HAS_QOBJ):
                known[name] = value
            else:
                message = f"Option {name} is not used by this backend"
                warnings.warn(message, UserWarning, stacklevel=4)
        values = options.resolve(self.KIND, settings, known, stacklevel=4)
        if BASIC_SEEDS_RUN and known.get("seed_simulator", 0) is None:
            values["seed_simulator"] = _FRESH
        return values

    @staticmethod
    def _described(name: str, version: str, ids: Ids) -> Dict[str, Any]:
        described = Simulator._described(name, version, ids)
        if not HAS_QOBJ:
            del described["qobj_id"]
            described["header"] = None
        return described

    def _log_missing_counts(self, program: Any, header: _result.Header) -> None:
        if BASIC_LOGS:
            super()._log_missing_counts(program, header)

    def _prepare(
        self,
        experiments: Sequence[Experiment],
        binds: parameter_binds.Binds,
        values: Mapping[str, Any],
        threads: int,
    ) -> List[Prepared]:
        begun = time.perf_counter()
        stabilizers: Dict[int, Prepared] = {}
        if values["use_clifford_optimization"] and values["initial_statevector"] is None:
            for place, experiment in enumerate(experiments):
                circuit = experiment.circuit
                clifford = clifford_of(circuit, self.MAX_QUBITS_CLIFFORD)
                if clifford is None:
                    continue
                task = task_of(circuit, clifford, values["shots"])
                need = task.allowance.need if task.allowance is not None else 0
                self._check_need(need, circuit, task.shots, values, "fewer shots need less.")
                header = _result.header_of(circuit)
                lowering = time.perf_counter() - begun
                stabilizers[place] = Prepared(circuit.name, task, need, header, None, lowering)
        others = [each for place, each in enumerate(experiments) if place not in stabilizers]
        prepared = super()._prepare(others, binds, values, threads) if others else []
        for place, found in sorted(stabilizers.items()):
            prepared.insert(place, found)
        if HAS_QOBJ:
            return [each._replace(task=_drawing(each, Stream(each.seed))) for each in prepared]
        if self.ALL_SLOTS:
            for each in prepared:
                each.header.memory_slots = each.task.program.num_clbits
        return self._in_one_stream(prepared, values["seed_simulator"])

    def _seeds(self, ready: Sequence[Any], values: Mapping[str, Any]) -> List[Any]:
        if BASIC_SEEDS_RUN:
            return [None] * len(ready)  # see _in_one_stream
        given = values["seed_simulator"]
        seeds = []
        for _, _, experiment, *_ in ready:
            own = given if experiment.seed is None else experiment.seed
            seeds.append(drawn_seed() if own is None else own)
        return seeds

    def _batch_seeds(self, count: int, values: Mapping[str, Any]) -> Tuple[Seeds, List[Any]]:
        given = values["seed_simulator"]
        if BASIC_SEEDS_RUN:
            stream, shown = self._stream(given)
            return stream, [shown] * count
        if given is None:
            seeds = drawn_seeds(count)
            return [Stream(seed) for seed in seeds], seeds
        return [Stream(given)] * count, [given] * count

    def _stream(self, seed: Any) -> Tuple[Stream, Any]:
        """Returns the stream of a `run()`, and the seed that its results show."""
        if seed is None:
            seed = drawn_seed()
        shown = None if seed is _FRESH else seed
        return Stream(np.random.SeedSequence().entropy if seed is _FRESH else seed), shown

    def _in_one_stream(self, prepared: Sequence[Prepared], seed: Any) -> List[Prepared]:
        """Returns the circuits, drawing one after another from the generator of a `run()`."""
        stream, shown = self._stream(seed)
        placed = []
        last = len(prepared) - 1
        for position, each in enumerate(prepared):
            if each.task.stand_in is not None:
                task = each.task.replace(stand_in=each.task.stand_in.seeded(shown))
            else:
                task = _drawing(each, stream)
                if position < last:
                    stream = stream.after(draws_of(task))
            placed.append(each._replace(task=task, seed=shown))
        return placed


def _drawing(prepared: Prepared, stream: Stream) -> Any:
    """Returns the task of a circuit, which draws from `stream`."""
    return prepared.task.replace(seed=stream)


def _as_provider_error(error: BasicAerError) -> BasicProviderError:
    """Returns an error of what all simulators share as the error of this one."""
    made = BasicProviderError(error.message)
    made.__dict__.update(error.__dict__)
    return made.with_traceback(error.__traceback__)
