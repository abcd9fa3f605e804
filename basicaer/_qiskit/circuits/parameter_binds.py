"""The option `parameter_binds`: circuits with parameters, and the values to run them with.

Its value is a list of dicts from parameter to number, as in terra, or has an array of values for
each parameter. In both cases each circuit is lowered once, and its coefficients are computed as
arrays.
"""

from __future__ import annotations

import copy
from typing import Any, Dict, Iterator, List, Mapping, NamedTuple, Sequence, Set, Tuple, Union

import numpy as np
from qiskit.circuit import ParameterVector, QuantumCircuit

from basicaer._engine.program import Program
from basicaer._qiskit import result
from basicaer._qiskit.circuits.lower import lower
from basicaer._qiskit.circuits.sweep import Sweep
from basicaer._qiskit.errors import BasicAerError
from basicaer._qiskit.versions import TERRA

Binds = Union[Sequence[Mapping[Any, Any]], Mapping[Any, Any], None]


class Table(NamedTuple):
    """Values of parameters.

    Attributes:
        parameters: the parameter of each column.
        values: float64, shape (runs, parameters).
    """

    parameters: Tuple[Any, ...]
    values: np.ndarray


class Bound(NamedTuple):
    """A circuit and the values to run it with.

    Attributes:
        circuit: the circuit as given.
        values: the values of its parameters, one run for each row; a list of dicts if they are not
            all plain numbers; None to run the circuit once, as it is.
    """

    circuit: QuantumCircuit
    values: Union[Table, List[Mapping[Any, Any]], None]

    def programs(self, *, unitary_only: bool) -> List[Tuple[Program, result.Header]]:
        """Returns a program and the header of its result for each set of values."""
        circuit, values = self.circuit, self.values
        if isinstance(values, Table):
            sweep = Sweep(circuit, values.parameters, unitary_only=unitary_only)
            return list(zip(sweep.programs(values.values), _headers(circuit, values)))
        if values is None:
            return [(lower(circuit, unitary_only=unitary_only), result.header_of(circuit))]
        circuits = [circuit.assign_parameters(bind) for bind in values]
        return [
            (lower(each, unitary_only=unitary_only), result.header_of(each)) for each in circuits
        ]


def pair(circuits: Sequence[QuantumCircuit], binds: Binds) -> List[Bound]:
    """Returns each circuit with the values to run it with.

    Raises:
        BasicAerError: if parameters and values do not match.
    """
    if binds is None:
        return [Bound(circuit, None) for circuit in circuits]
    alone = isinstance(binds, Mapping)
    listed: Sequence[Mapping[Any, Any]] = [binds] if isinstance(binds, Mapping) else binds
    if not any(listed):
        if not listed or not any(circuit.parameters for circuit in circuits):
            return [Bound(circuit, None) for circuit in circuits]
    elif any(_has_arrays(bind) for bind in listed):
        return _pair_arrays(circuits, listed, alone)
    wanted = set(circuits[0].parameters)
    for circuit in circuits:
        if set(circuit.parameters) != wanted:
            raise BasicAerError(
                "With parameter_binds all circuits must have the same parameters; those of circuit "
                f'"{circuit.name}" are {_names(circuit.parameters)}, those of '
                f'"{circuits[0].name}" {_names(wanted)}.'
            )
    checked: List[Any] | None = None
    for position, bind in enumerate(listed):
        keys = list(bind)
        if keys != checked:
            _check_parameters(bind, wanted, f"parameter_binds[{position}]", "the circuits")
            checked = keys
    table = _table(listed)
    return [Bound(circuit, list(listed) if table is None else table) for circuit in circuits]


# ----------------------------------------------------------------------------------------------
# A number for each parameter
# ----------------------------------------------------------------------------------------------


def _table(binds: Sequence[Mapping[Any, Any]]) -> Table | None:
    """Returns the binds as one array; None if they contain anything but plain numbers."""
    keys = list(binds[0])
    rows = []
    for bind in binds:
        same = list(bind) == keys
        if not same and bind.keys() != binds[0].keys():
            return None  # some have vectors, others their elements
        rows.append(list(bind.values()) if same else [bind[key] for key in keys])
    parameters: List[Any] = []
    columns: List[np.ndarray] = []
    if not any(isinstance(key, ParameterVector) for key in keys):
        block = _numbers(rows, 2)
        return None if block is None else Table(tuple(keys), block)
    for key, column in zip(keys, zip(*rows)):
        vector = isinstance(key, ParameterVector)
        block = _numbers(column, 2 if vector else 1)
        if block is None or (vector and block.shape[1] != len(key)):
            return None  # terra's own message says what is wrong
        parameters.extend(key if vector else (key,))
        columns.extend(block.T if vector else (block,))
    return Table(tuple(parameters), np.stack(columns, axis=1))


def _numbers(values: Any, ndim: int) -> np.ndarray | None:
    """Returns real numbers as an array of `ndim` dimensions; None if they are anything else."""
    try:
        array = np.array(values)
    except (TypeError, ValueError):
        return None
    if array.ndim != ndim or array.dtype.kind not in "fiu":
        return None
    return array.astype(np.float64)


# ----------------------------------------------------------------------------------------------
# An array for each parameter
# ----------------------------------------------------------------------------------------------


_ARRAYS = frozenset({list, tuple, np.ndarray})


def _has_arrays(bind: Mapping[Any, Any]) -> bool:
    if _ARRAYS.isdisjoint(map(type, bind.values())):
        return False
    for key, value in bind.items():
        if type(value) in _ARRAYS:
            if not isinstance(key, ParameterVector):
                if np.ndim(value):
                    return True
            elif np.ndim(value) > 1:
                return True
    return False


def _pair_arrays(
    circuits: Sequence[QuantumCircuit], binds: Sequence[Mapping[Any, Any]], alone: bool
) -> List[Bound]:
    """Returns the circuits with their values: one dict for all if `alone`, else one for each."""
    if not alone and len(binds) != len(circuits):
        raise BasicAerError(
            "A list parameter_binds with arrays of values must have one dict for each circuit, but "
            f"has {len(binds)} for {len(circuits)} circuits. To run all circuits with the same "
            "values, give the dict itself, not in a list."
        )
    bound = []
    for position, circuit in enumerate(circuits):
        bind = binds[0] if alone else binds[position]
        where = "parameter_binds" if alone else f"parameter_binds[{position}]"
        _check_parameters(bind, set(circuit.parameters), where, f'circuit "{circuit.name}"')
        bound.append(Bound(circuit, _table_of_arrays(bind, where) if bind else None))
    return bound


def _table_of_arrays(bind: Mapping[Any, Any], where: str) -> Table:
    parameters: List[Any] = []
    columns: List[np.ndarray] = []
    runs: Dict[int, Any] = {}
    for key, value in bind.items():
        vector = isinstance(key, ParameterVector)
        name = str(getattr(key, "name", key))
        ndim = int(np.ndim(value))
        block = _numbers(value, ndim)
        full = 2 if vector else 1
        if block is None or ndim not in (full - 1, full):
            raise BasicAerError(
                f"{where}: the values of {name} must be real numbers, an array of "
                + (f"shape (number of runs, {len(key)})." if vector else "one for each run.")
            )
        if vector and block.shape[-1] != len(key):
            raise BasicAerError(
                f"{where}: {name} has {len(key)} elements, and there are values for "
                f"{block.shape[-1]}."
            )
        if ndim == full:
            runs.setdefault(len(block), name)
        parameters.extend(key if vector else (key,))
        columns.extend(np.moveaxis(block, -1, 0) if vector else (block,))
    if len(runs) != 1:
        told = ", ".join(f"{count} for {name}" for count, name in runs.items())
        raise BasicAerError(f"{where}: all parameters need equally many values; there are {told}.")
    (count,) = runs
    if not count:
        raise BasicAerError(f"{where}: the arrays of values are empty.")
    # A single number is used for all runs.
    return Table(
        tuple(parameters),
        np.stack([np.broadcast_to(column, (count,)) for column in columns], axis=1),
    )


# ----------------------------------------------------------------------------------------------
# What both share
# ----------------------------------------------------------------------------------------------


def _check_parameters(bind: Mapping[Any, Any], wanted: Set[Any], where: str, whose: str) -> None:
    given: Set[Any] = set(bind)
    if given == wanted:
        return
    given = set()
    for key in bind:
        given.update(key if isinstance(key, ParameterVector) else (key,))
    if given != wanted:
        told, needed = _names(given), _names(wanted)
        alike = ""
        if told == needed:
            alike = (
                " They have the same names, but are different objects: the keys must be the "
                "circuits' own Parameter objects, see circuit.parameters."
            )
        raise BasicAerError(
            f"Mismatch between {where}, which gives {told}, and the parameters of {whose}, "
            f"{needed}.{alike}"
        )


def _names(parameters: Any) -> str:
    names = sorted(str(getattr(each, "name", each)) for each in parameters)
    return ", ".join(names) if names else "none"


def _headers(circuit: QuantumCircuit, table: Table) -> Iterator[result.Header]:
    """Yields the header of each run: that of the bound circuit that terra would have run."""
    first = circuit.copy_empty_like()
    phase = circuit.global_phase
    free = set(getattr(phase, "parameters", ()))
    first.global_phase = 0 if free else phase
    shared = result.header_of(first)
    metadata = circuit.metadata
    for row in table.values:
        # As in terra, the name of each bound circuit ends with the next number of its class.
        first._increment_instances()
        first._name_update()
        own: Dict[str, Any] = {"metadata": copy.deepcopy(metadata) if metadata else {}}
        if free:
            values = {p: v for p, v in zip(table.parameters, row.tolist()) if p in free}
            value = phase.bind(values)
            # Since 1.0 Qiskit keeps the phase of a circuit that it binds below 2 pi.
            first.global_phase = value if TERRA else float(value)
            own["global_phase"] = float(first.global_phase)
        yield shared.of_other(first.name, own)
