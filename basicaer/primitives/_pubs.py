"""What `StatevectorSampler` and `StatevectorEstimator` do alike with their PUBs."""

from __future__ import annotations

import math
from typing import Any, Callable, Dict, List, NamedTuple, Sequence, Tuple, Union

import numpy as np
from qiskit.circuit import QuantumCircuit

from basicaer._engine.control import Control
from basicaer._engine.final_states import Ending
from basicaer._engine.program import Program
from basicaer._jobs import queue
from basicaer._qiskit.circuits.lowered import LoweredCircuit, lowered_circuits
from basicaer._qiskit.errors import BasicAerError
from basicaer._qiskit.points import Using, generator_of
from basicaer._qiskit.recent import Recent
from basicaer.primitives._job import PrimitiveJob


class Pub(NamedTuple):
    """A PUB of the common form, which needs none of the checks of Qiskit's class.

    Attributes:
        circuit: the circuit.
        observables: one observable; None for a sampler.
        table: float64, the values of its parameters, shape batch + (parameters,).
        shape: of the batch.
        shots: for a sampler.
        precision: for an estimator.
    """

    circuit: QuantumCircuit
    observables: Any
    table: np.ndarray
    shape: Tuple[int, ...]
    shots: Union[int, None] = None
    precision: Union[float, None] = None


def table_of(circuit: Any, values: Any) -> Union[np.ndarray, None]:
    """Returns the values of a PUB; None if they, or the circuit, are not of the common form."""
    if not isinstance(circuit, QuantumCircuit) or not isinstance(values, (np.ndarray, list)):
        return None
    try:
        table = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        return None
    count = circuit.num_parameters
    # For one parameter, Qiskit also takes arrays without an axis of parameters.
    if count < 2 or not table.ndim or table.shape[-1] != count:
        return None
    return table


class Block:
    """A PUB, with its circuit lowered and the values of its parameters as rows.

    Attributes:
        pub: the PUB, Qiskit's or a `Pub`.
        lowered: its circuit.
        shape: of the values, without the axis of the parameters.
        rows: the values of the parameters at each point, in the order of C.
        first: index of its first point among those of all PUBs of the call.
    """

    __slots__ = ("first", "lowered", "pub", "rows", "shape")

    def __init__(self, pub: Any, lowered: LoweredCircuit, first: int) -> None:
        self.pub = pub
        self.lowered = lowered
        self.first = first
        if pub.__class__ is Pub:
            table, self.shape = pub.table, pub.shape
        else:
            values = pub.parameter_values
            table, self.shape = values.as_array(pub.circuit.parameters), values.shape
        count = len(lowered.parameters)
        self.rows: List[Tuple[float, ...]] = list(
            map(tuple, table.reshape(math.prod(self.shape), count).tolist())
        )

    def ending(self) -> Union[Ending, None]:
        """Returns how the circuit ends; None if there are no points."""
        return self.lowered.ending(np.array(self.rows[:1], ndmin=2)) if self.rows else None


def blocks_of(
    pubs: Sequence[Any], known: Recent, inspect: Callable[[Program], Ending]
) -> List[Block]:
    """Returns the PUBs as blocks, circuits of equal structure lowered once.

    Raises:
        BasicAerError: there are no PUBs, or a circuit is not valid.
    """
    lowered = lowered_circuits([pub.circuit for pub in pubs], known, inspect)
    blocks: List[Block] = []
    first = 0
    for pub, circuit in zip(pubs, lowered):
        blocks.append(Block(pub, circuit, first))
        first += len(blocks[-1].rows)
    return blocks


class Draws:
    """The generators of a call's draws, for a seed as Qiskit's primitives take it.

    An int seeds a new generator each time, a Generator is shared: its draws are made in order.

    Args:
        seed: None, an int, or a Generator.
    """

    def __init__(self, seed: Any) -> None:
        plain = seed is None or isinstance(seed, np.random.Generator)
        if not plain and not (seed.__class__ is int and seed >= 0):  # to make one takes 15 us
            generator_of(seed)  # raises if it is not valid
        self.seed = seed
        self.is_shared = isinstance(seed, np.random.Generator)
        self._uniforms: Dict[int, np.ndarray] = {}

    def generator(self) -> np.random.Generator:
        """Returns the generator to draw from next."""
        return np.random.default_rng(self.seed)

    def uniforms(self, count: int) -> np.ndarray:
        """Returns uniforms in [0, 1), shape (count,); those of an int seed are always the same."""
        if self.seed is None or self.is_shared:
            return self.generator().random(count)
        found = self._uniforms.get(count)
        if found is None:
            found = self._uniforms[count] = self.generator().random(count)
        return found


class PubPrimitive:
    """What both primitives are made of: seed, precision, threads, and the circuits they know.

    Args:
        seed: as `Draws` takes it.
        state_precision: "double" or "single", of the amplitudes.
        max_parallel_threads: the most threads; 0 for one a core.

    Raises:
        EngineError: a value is not valid.
    """

    def __init__(self, seed: Any, state_precision: str, max_parallel_threads: int) -> None:
        self._using = Using.of(state_precision, max_parallel_threads)
        self._seed = Draws(seed).seed  # raises if it is not valid
        self._known_circuits = Recent()

    @property
    def seed(self) -> Union[np.random.Generator, int, None]:
        """The seed."""
        return self._seed


def listed(pubs: Any, name: str) -> List[Any]:
    """Returns the PUBs of a call as a list.

    Raises:
        BasicAerError: they are no iterable.
    """
    try:
        return list(pubs)
    except TypeError:
        raise BasicAerError(
            f"{name}.run() takes a list of PUBs, not {type(pubs).__name__}: run([pub])."
        ) from None


def without_points(function: Callable[[], Any]) -> PrimitiveJob:
    """Returns the job of a call that has no state to compute."""
    control = Control()
    return PrimitiveJob(queue.run_brief(function, control), control)
