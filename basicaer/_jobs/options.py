"""The options of the simulators, one row each.

Defaults, checks, the warning about unknown names and the reference in the docs come from `TABLE`.
"""

from __future__ import annotations

import math
import operator
import warnings
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any, Callable, Dict, FrozenSet, List, Mapping, Tuple, Union

import numpy as np

from basicaer._engine import memory as _memory
from basicaer._engine.memory import MIB
from basicaer.exceptions import BasicAerError

QASM, STATEVECTOR, UNITARY = "qasm", "statevector", "unitary"
_SHOTS = frozenset({QASM, STATEVECTOR})
_UNITARY = frozenset({UNITARY})
_ALL = _SHOTS | _UNITARY

MAX_SEED = 2**32 - 1
"""The largest seed that NumPy's RandomState takes."""


@dataclass(frozen=True)
class Option:
    """One option.

    Attributes:
        name: as given to `run()` and `set_options()`.
        default: its value where nobody gives one. None given stands for "not given".
        check: returns the value as the simulators want it, or raises `BasicAerError`.
        backends: the kinds of simulator that have it.
        doc: what it does.
    """

    name: str
    default: Any
    check: Callable[[str, Any], Any]
    backends: FrozenSet[str]
    doc: str


# ----------------------------------------------------------------------------------------------
# Checks
# ----------------------------------------------------------------------------------------------


def _wrong(name: str, value: Any, right: str) -> BasicAerError:
    shown = repr(value)
    if len(shown) > 80:
        shown = shown[:77] + "..."
    return BasicAerError(f"Option {name} must be {right}, not {shown}.")


def _integer(least: int, most: float, right: str) -> Callable[[str, Any], int]:
    def check(name: str, value: Any) -> int:
        try:
            number = int(operator.index(value))  # before Python 3.10, True stays True
        except TypeError:
            raise _wrong(name, value, right) from None
        if not least <= number <= most:
            raise _wrong(name, value, right)
        return number

    return check


def _flag(name: str, value: Any) -> bool:
    if isinstance(value, (bool, np.bool_)) or (isinstance(value, int) and value in (0, 1)):
        return bool(value)
    raise _wrong(name, value, "True or False")


def _threshold(name: str, value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not number >= 0:
        raise _wrong(name, value, "a number, 0 or more")
    return number


def _one_of(*choices: str) -> Callable[[str, Any], str]:
    def check(name: str, value: Any) -> str:
        if isinstance(value, str) and value in choices:
            return value
        raise _wrong(name, value, " or ".join(map(repr, choices)))

    return check


def _mebibytes(name: str, value: Any) -> int:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not 0 <= number < math.inf:
        raise _wrong(name, value, "a number of MiB, or 0 for what is available")
    return int(number * MIB)


def _binds(name: str, value: Any) -> Union[List[Dict[Any, Any]], Dict[Any, Any]]:
    if isinstance(value, Mapping):
        if any(np.ndim(values) for values in value.values()):
            return dict(value)
    elif isinstance(value, (list, tuple)) and all(isinstance(bind, Mapping) for bind in value):
        return [dict(bind) for bind in value]
    raise _wrong(
        name,
        value,
        "a list of dicts, each from parameter to value, or a dict from parameter to an array",
    )


def _executor(name: str, value: Any) -> Any:
    if isinstance(value, Executor) or callable(getattr(value, "get_executor", None)):
        return value
    raise _wrong(name, value, "a concurrent.futures.Executor or a Client of dask.distributed")


def _complex_array(name: str, value: Any) -> np.ndarray:
    if isinstance(value, np.ndarray):  # it may be a view that is larger than what it shows
        need, space = 16 * value.size, _memory.available_bytes()
        if need > max(space, _memory.SMALL):
            raise BasicAerError(
                f"Option {name} of shape {value.shape} needs {_memory.describe(need)}, "
                f"{_memory.describe(space)} are available."
            )
    try:
        array = np.array(value, dtype=complex)
    except (TypeError, ValueError, OverflowError) as error:
        raise BasicAerError(f"Option {name} is no array of complex numbers: {error}") from None
    if not np.isfinite(array).all():
        raise BasicAerError(f"Option {name} holds numbers that are NaN or infinite.")
    return array


def _statevector(name: str, value: Any) -> np.ndarray:
    array = _complex_array(name, value)
    if array.ndim == 0 or array.size != len(array):
        raise BasicAerError(
            f"Option {name} must be a vector of 2**n amplitudes, not of shape {array.shape}."
        )
    array = np.ascontiguousarray(array.reshape(-1))
    norm = float(np.linalg.norm(array))
    if round(norm, 12) != 1:
        raise BasicAerError(
            f"Option {name}: the initial statevector is not normalized: norm {norm} != 1."
        )
    return array


def _unitary(name: str, value: Any) -> np.ndarray:
    array = np.ascontiguousarray(_complex_array(name, value))
    if array.ndim != 2 or array.shape[0] != array.shape[1]:
        raise BasicAerError(
            f"Option {name}: the initial unitary is not a square matrix, its shape is "
            f"{array.shape}."
        )
    # Row by row of the product with its adjoint, so that no second matrix of its size is held.
    size, step, total = len(array), 256, 0.0
    for start in range(0, size, step):
        rows = array[:, start : start + step].conj().T @ array
        index = np.arange(len(rows))
        rows[index, start + index] -= 1
        total += float(np.vdot(rows, rows).real)
    distance = math.sqrt(total)
    if round(distance, 10) != 0:
        raise BasicAerError(
            f"Option {name}: the initial unitary is not unitary, its product with its adjoint is "
            f"{distance:.3g} off the identity."
        )
    return array


# ----------------------------------------------------------------------------------------------
# The table
# ----------------------------------------------------------------------------------------------

TABLE: Tuple[Option, ...] = (
    Option(
        "shots",
        1024,
        _integer(1, math.inf, "a whole number, 1 or more"),
        _ALL,
        "Repetitions of each circuit. The statevector and the unitary simulator always make one.",
    ),
    Option(
        "memory",
        False,
        _flag,
        _SHOTS,
        "Whether the result lists the outcome of each shot, in order.",
    ),
    Option(
        "initial_statevector",
        None,
        _statevector,
        _SHOTS,
        "The state that circuits begin with, 2**n amplitudes of norm 1, in place of |0...0>.",
    ),
    Option(
        "initial_unitary",
        None,
        _unitary,
        _UNITARY,
        "The matrix that circuits are multiplied onto, in place of the identity.",
    ),
    Option(
        "chop_threshold",
        1e-15,
        _threshold,
        _ALL,
        "Entries of the final statevector or unitary whose absolute value is below it become 0. "
        "Nothing that the qasm simulator returns depends on it.",
    ),
    Option(
        "allow_sample_measuring",
        True,
        _flag,
        _SHOTS,
        "Accepted and without effect, as in terra: whether shots are drawn from one final state "
        "depends on the circuit alone, so that the outcomes of a seed do too.",
    ),
    Option(
        "seed_simulator",
        None,
        _integer(0, MAX_SEED, f"a whole number from 0 to {MAX_SEED}"),
        _SHOTS,
        "Seed of the outcomes, the same for each circuit of a list. Where none is given, one for "
        "each circuit is drawn from NumPy's global generator.",
    ),
    Option(
        "parameter_binds",
        None,
        _binds,
        _ALL,
        "List of dicts from parameter to value: each circuit is run with each of them. Or, for "
        "many values, a dict from parameter to an array of them, which serves each circuit, or a "
        "list of one such dict for each circuit.",
    ),
    Option(
        "seed_per_circuit",
        False,
        _flag,
        _SHOTS,
        "Whether each circuit of a list has a seed of its own, made of seed_simulator and its "
        "place in the list; the result tells which.",
    ),
    Option(
        "max_parallel_threads",
        0,
        _integer(0, 1 << 20, "a whole number, 0 for as many as there are processors"),
        _ALL,
        "The most threads that a job uses; 0 for as many as there are processors. The outcomes do "
        "not depend on it.",
    ),
    Option(
        "precision",
        "double",
        _one_of("double", "single"),
        _ALL,
        "Amplitudes of 16 bytes (double) or of 8 (single).",
    ),
    Option(
        "fusion",
        True,
        _flag,
        _ALL,
        "Whether neighbouring gates may be merged before they are applied.",
    ),
    Option(
        "branching",
        True,
        _flag,
        _SHOTS,
        "Whether shots of a circuit with measurements in its middle share what they have in "
        "common. The outcomes do not depend on it, the time does.",
    ),
    Option(
        "max_iterations",
        None,
        _integer(1, 2**62, "a whole number, 1 or more"),
        _SHOTS,
        "The most turns that a while loop may make in one shot before it is an error; None for no "
        "bound.",
    ),
    Option(
        "max_memory_mb",
        0,
        _mebibytes,
        _ALL,
        "The most memory, in MiB, that this job and those that run beside it may take; 0 for what "
        "is available. A job that cannot ever fit is an error, one that does not fit now waits.",
    ),
    Option(
        "executor",
        None,
        _executor,
        _ALL,
        "Where circuits are run, if not here: a concurrent.futures.Executor, such as a process "
        "pool or that of mpi4py.futures, or a Client of dask.distributed. max_parallel_threads is "
        "then what each circuit may use there, 0 for one, and max_memory_mb holds there.",
    ),
    Option(
        "max_job_size",
        None,
        _integer(1, math.inf, "a whole number, 1 or more"),
        _ALL,
        "Circuits that are sent to a worker of the executor together; None for as many as seems "
        "best.",
    ),
    Option(
        "max_shot_size",
        None,
        _integer(1, math.inf, "a whole number, 1 or more"),
        frozenset({QASM}),
        "The most shots of one circuit that one worker of the executor makes; None for all. The "
        "outcomes do not depend on it. Circuits whose shots do not all make the same number of "
        "draws (a measurement within a condition or a while loop) are not split.",
    ),
    Option(
        "progress",
        False,
        _flag,
        _ALL,
        "Whether a progress bar is shown while the job runs. Needs the package tqdm.",
    ),
)


def of_backend(kind: str) -> Dict[str, Option]:
    """Returns the options that a kind of simulator has, by name."""
    return _BY_KIND[kind]


def defaults(kind: str) -> Dict[str, Any]:
    """Returns the default value of each option of a kind of simulator."""
    values = {name: option.default for name, option in of_backend(kind).items()}
    if kind == UNITARY:
        values["shots"] = 1
    return values


_BY_KIND: Dict[str, Dict[str, Option]] = {
    kind: {option.name: option for option in TABLE if kind in option.backends}
    for kind in (QASM, STATEVECTOR, UNITARY)
}
_DEFAULTS: Dict[str, Dict[str, Any]] = {kind: defaults(kind) for kind in _BY_KIND}
_UNSET: Dict[str, Dict[str, Any]] = {
    kind: {
        name: value if value is None else _BY_KIND[kind][name].check(name, value)
        for name, value in values.items()
    }
    for kind, values in _DEFAULTS.items()
}
"""What counts where nobody gives a value."""
# As in terra, that is more shots than the unitary simulator makes, which it remarks in the log.
_UNSET[UNITARY]["shots"] = 1024


def check(kind: str, name: str, value: Any) -> Any:
    """Returns a value of an option as the simulators want it, or raises `BasicAerError`."""
    return value if value is None else _BY_KIND[kind][name].check(name, value)


def resolve(
    kind: str, settings: Mapping[str, Any], arguments: Mapping[str, Any], stacklevel: int
) -> Dict[str, Any]:
    """Returns the value of each option for one run.

    Args:
        kind: of the simulator.
        settings: what `set_options` has set, by name.
        arguments: what `run` was given; goes before `settings`. May hold the legacy dict
            "backend_options", whose initial state and chop threshold go first of all, as in terra.
        stacklevel: of the caller that warnings about unknown names are to point at, counted from
            the caller of this function (1).

    Raises:
        BasicAerError: if a value is wrong.
    """
    options = _BY_KIND[kind]
    usual, values = _DEFAULTS[kind], dict(_UNSET[kind])
    for name, value in settings.items():
        # Most settings are never touched: they need no second check.
        if value is not None and name in options and value is not usual[name]:
            values[name] = options[name].check(name, value)
    if not arguments:
        return values
    legacy = arguments.get("backend_options")
    given = dict(arguments)
    if isinstance(legacy, Mapping):
        for name, value in legacy.items():
            if given.get(name) is None or (name in _LEGACY_FIRST and value is not None):
                given[name] = value
    elif legacy is not None:
        raise _wrong("backend_options", legacy, "a dict of options")
    for name, value in given.items():
        if name not in options:
            warnings.warn(f"Option {name} is not used by this backend", UserWarning, stacklevel + 1)
        elif value is not None:
            values[name] = options[name].check(name, value)
    return values


_LEGACY_FIRST = ("initial_statevector", "initial_unitary", "chop_threshold")
