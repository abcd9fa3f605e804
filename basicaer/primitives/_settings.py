"""The run options of `Sampler` and `Estimator`, checked."""

from __future__ import annotations

import itertools
import warnings
from typing import Any, Dict, List, Mapping, Tuple, Union

import numpy as np
from qiskit.circuit import QuantumCircuit

from basicaer._jobs import options as _options
from basicaer._qiskit.points import Using, generator_of

_OPTIONS = ("shots", "seed", "precision", "max_parallel_threads")


class Settings:
    """The run options of one call, checked.

    Raises:
        EngineError: if a value is not valid.
    """

    def __init__(self, options: Dict[str, Any]) -> None:
        self.shots = _shots(options.get("shots"))
        self.generator = _generator(options.get("seed"), needed=self.shots is not None)
        self.using = Using.of(options.get("precision"), options.get("max_parallel_threads"))


def warn_of_unknown(*options: Mapping[str, Any]) -> None:
    """Warns of options that primitives do not have; the warning points at the caller's caller."""
    for name in itertools.chain.from_iterable(options):
        if name not in _OPTIONS:
            warnings.warn(f"Option {name} is not used by this primitive", UserWarning, stacklevel=3)


def _generator(seed: Any, needed: bool) -> Union[np.random.Generator, None]:
    """Returns the generator of the draws, None if none is needed; checks the seed in any case."""
    if not needed and (seed is None or isinstance(seed, np.random.Generator)):
        return None
    generator = generator_of(seed)
    return generator if needed else None


def _shots(value: Any) -> Union[int, None]:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return _options.check(_options.QASM, "shots", value)


def plain_values(circuits: Any, values: Any) -> Union[List[Tuple[float, ...]], None]:
    """Returns the values of a call with a list of circuits and a matching row of numbers for each.

    Such calls need no more checks. terra's own look at each number by itself, which takes as long
    as the sweep of a gradient.

    Returns:
        A tuple of floats for each circuit; None for a call of any other form.
    """
    if not isinstance(circuits, (list, tuple)) or not isinstance(values, (list, tuple, np.ndarray)):
        return None
    if not circuits or len(circuits) != len(values) or len(np.shape(values[0])) != 1:
        return None
    try:
        table = np.array(values)
    except ValueError:  # rows of different lengths
        return None
    if table.ndim != 2 or table.dtype.kind not in "if" or not np.isfinite(table).all():
        return None
    different = {id(circuit): circuit for circuit in circuits}.values()
    if all(
        isinstance(circuit, QuantumCircuit) and circuit.num_parameters == table.shape[1]
        for circuit in different
    ):
        return [tuple(row) for row in table.astype(np.float64, copy=False).tolist()]
    return None
