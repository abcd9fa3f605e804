"""What `run()` does with circuits before they run: lowers them, counts memory and draws seeds."""

from __future__ import annotations

import itertools
import logging
import time
from typing import Any, Callable, ClassVar, Iterable, List, Mapping, Sequence, Tuple

import numpy as np
from qiskit.circuit import QuantumCircuit

from basicaer._engine import memory as _memory
from basicaer._engine.allowance import allowance_of
from basicaer._engine.memory import Allowance
from basicaer._engine.program import Measure, Program, Store, operations_of
from basicaer._engine.shots.draws import Seeds
from basicaer._engine.task import Task, method_of
from basicaer._jobs import budget, options
from basicaer._qiskit.circuits import parameter_binds
from basicaer._qiskit.errors import BasicAerError
from basicaer._qiskit.request import Experiment, Prepared
from basicaer._qiskit.result import Header

OUTPUT = {
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


class Preparation:
    """The part of `simulator.Simulator` that makes circuits ready to run."""

    KIND: ClassVar[str] = ""
    _logger = logging.getLogger(__name__)
    name: Callable[[], str]

    def _most_qubits(self) -> int | None:
        """Returns the number of qubits that was set as a bound; None if none was set."""
        raise NotImplementedError

    def _prepare(
        self,
        experiments: Sequence[Experiment],
        binds: parameter_binds.Binds,
        values: Mapping[str, Any],
        threads: int,
    ) -> List[Prepared]:
        """Returns the circuits ready to run, each as often as there are values for it."""
        output = OUTPUT[self.KIND]
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


# ----------------------------------------------------------------------------------------------
# Seeds
# ----------------------------------------------------------------------------------------------


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
