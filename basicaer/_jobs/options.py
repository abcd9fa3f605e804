"""The options of the simulators, one row each.

Defaults, checks, the warning about unknown names and the table in README.md come from `TABLE`.
"""

from __future__ import annotations

import math
import operator
import warnings
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from typing import Any, Callable, Dict, FrozenSet, List, Mapping, Tuple, Union

import numpy as np

from basicaer._engine import memory as _memory
from basicaer._engine.errors import EngineError
from basicaer._engine.memory import MIB

QASM, STATEVECTOR, UNITARY = "qasm", "statevector", "unitary"
BASIC = "basic"
"""BasicSimulator, whose options are the qasm simulator's, with the differences of `_of_basic`."""
_SHOTS = frozenset({QASM, STATEVECTOR})
_UNITARY = frozenset({UNITARY})
_ALL = _SHOTS | _UNITARY

MAX_SEED = 2**32 - 1
"""The largest seed that NumPy's RandomState takes."""
MAX_COUNT = 10**18
"""The most shots, or circuits: at 8 bytes each, NumPy can still count the bytes."""


@dataclass(frozen=True)
class Option:
    """One option.

    Attributes:
        name: the keyword of `run()` and `set_options()`.
        default: its value if none is given; an argument None counts as not given.
        check: takes the name and a value; returns the value in the form that the simulators use,
            or raises `EngineError`.
        backends: the kinds of simulator that have it.
        doc: what it does, for the table in README.md.
    """

    name: str
    default: Any
    check: Callable[[str, Any], Any]
    backends: FrozenSet[str]
    doc: str


# ----------------------------------------------------------------------------------------------
# Checks
# ----------------------------------------------------------------------------------------------


def wrong(name: str, value: Any, right: str) -> EngineError:
    """Returns the error for an option with a bad value; `right` says what would be valid."""
    shown = repr(value)
    if len(shown) > 80:
        shown = shown[:77] + "..."
    return EngineError(f"Option {name} must be {right}, not {shown}.")


def _integer(least: int, most: int, right: str) -> Callable[[str, Any], int]:
    def check(name: str, value: Any) -> int:
        if value.__class__ is int and least <= value <= most:
            return value
        try:
            number = int(operator.index(value))  # before Python 3.10, True stays True
        except TypeError:
            raise wrong(name, value, right) from None
        if not least <= number <= most:
            raise wrong(name, value, right)
        return number

    return check


def _any_seed(name: str, value: Any) -> Union[int, List[int]]:
    """Checks a seed of ``numpy.random.default_rng``."""
    listed = isinstance(value, (list, tuple)) or (isinstance(value, np.ndarray) and value.ndim == 1)
    try:
        numbers = [int(operator.index(each)) for each in (value if listed else (value,))]
    except TypeError:
        numbers = []
    if not numbers or min(numbers) < 0:
        raise wrong(name, value, "a whole number, 0 or more, or a list of them")
    return numbers if listed else numbers[0]


_COUNT = _integer(1, MAX_COUNT, f"a whole number from 1 to {MAX_COUNT}")


def _flag(name: str, value: Any) -> bool:
    if isinstance(value, (bool, np.bool_)) or (isinstance(value, int) and value in (0, 1)):
        return bool(value)
    raise wrong(name, value, "True or False")


def _threshold(name: str, value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not number >= 0:
        raise wrong(name, value, "a number, 0 or more")
    return number


def _one_of(*choices: str) -> Callable[[str, Any], str]:
    def check(name: str, value: Any) -> str:
        if isinstance(value, str) and value in choices:
            return value
        raise wrong(name, value, " or ".join(map(repr, choices)))

    return check


def _mebibytes(name: str, value: Any) -> int:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not 0 <= number < math.inf:
        raise wrong(name, value, "a number of MiB, or 0 for what is available")
    return int(number * MIB)


def _binds(name: str, value: Any) -> Union[List[Dict[Any, Any]], Dict[Any, Any]]:
    if isinstance(value, Mapping):
        if any(np.ndim(values) for values in value.values()):
            return dict(value)
    elif isinstance(value, (list, tuple)) and all(isinstance(bind, Mapping) for bind in value):
        return [dict(bind) for bind in value]
    raise wrong(
        name,
        value,
        "a list of dicts, each from parameter to value, or a dict from parameter to an array",
    )


def _executor(name: str, value: Any) -> Any:
    if isinstance(value, Executor) or callable(getattr(value, "get_executor", None)):
        return value
    raise wrong(name, value, "a concurrent.futures.Executor or a Client of dask.distributed")


def _complex_array(name: str, value: Any) -> np.ndarray:
    if isinstance(value, np.ndarray):  # a broadcast view may be larger than its memory
        need, space = 16 * value.size, _memory.available_bytes()
        if need > max(space, _memory.LIGHT):
            raise EngineError(
                f"Option {name} of shape {value.shape} needs {_memory.describe(need)}, "
                f"{_memory.describe(space)} are available."
            )
    try:
        array = np.array(value, dtype=complex)
    except (TypeError, ValueError, OverflowError) as error:
        raise EngineError(f"Option {name} must be an array of complex numbers: {error}") from None
    if not np.isfinite(array).all():
        raise EngineError(f"Option {name} has NaN or infinite entries; all must be finite.")
    return array


def _statevector(name: str, value: Any) -> np.ndarray:
    array = _complex_array(name, value)
    if array.ndim == 0 or array.size != len(array):
        raise EngineError(
            f"Option {name} must be a vector of 2**n amplitudes, not of shape {array.shape}."
        )
    array = np.ascontiguousarray(array.reshape(-1))
    norm = float(np.linalg.norm(array))
    if round(norm, 12) != 1:
        raise EngineError(
            f"Option {name}: the initial statevector is not normalized: norm {norm} != 1."
        )
    return array


def _unitary(name: str, value: Any) -> np.ndarray:
    array = np.ascontiguousarray(_complex_array(name, value))
    if array.ndim != 2 or array.shape[0] != array.shape[1]:
        raise EngineError(
            f"Option {name}: the initial unitary must be a square matrix, not an array of shape "
            f"{array.shape}."
        )
    # The product with its adjoint is made some rows at a time, to hold no second large matrix.
    size, step, total = len(array), 256, 0.0
    for start in range(0, size, step):
        rows = array[:, start : start + step].conj().T @ array
        index = np.arange(len(rows))
        rows[index, start + index] -= 1
        total += float(np.vdot(rows, rows).real)
    distance = math.sqrt(total)
    if round(distance, 10) != 0:
        raise EngineError(
            f"Option {name}: the initial unitary is not unitary: its product with its adjoint "
            f"differs from the identity by {distance:.3g}."
        )
    return array


# ----------------------------------------------------------------------------------------------
# The table
# ----------------------------------------------------------------------------------------------

TABLE: Tuple[Option, ...] = (
    Option(
        "shots",
        1024,
        _COUNT,
        _ALL,
        "Repetitions of each circuit. The statevector and unitary simulators always make one.",
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
        "The initial state, 2**n amplitudes of norm 1, in place of |0...0>.",
    ),
    Option(
        "initial_unitary",
        None,
        _unitary,
        _UNITARY,
        "The initial matrix, 2**n by 2**n, in place of the identity.",
    ),
    Option(
        "chop_threshold",
        1e-15,
        _threshold,
        _ALL,
        "Entries of the final statevector or unitary with a smaller absolute value become 0. No "
        "result of the qasm simulator depends on it.",
    ),
    Option(
        "allow_sample_measuring",
        True,
        _flag,
        _SHOTS,
        "Accepted, but has no effect, as in terra: the circuit alone decides whether shots are "
        "drawn from one final state, so that a seed always gives the same outcomes.",
    ),
    Option(
        "seed_simulator",
        None,
        _integer(0, MAX_SEED, f"a whole number from 0 to {MAX_SEED}"),
        _SHOTS,
        "Seed of the outcomes, the same for each circuit of a list. Without it, a seed for each "
        "circuit is drawn from NumPy's global generator.",
    ),
    Option(
        "parameter_binds",
        None,
        _binds,
        _ALL,
        "A list of dicts from parameter to value: each circuit is run with each dict. For many "
        "values, a dict from parameter to an array of values, used for all circuits, or a list of "
        "one such dict for each circuit.",
    ),
    Option(
        "seed_per_circuit",
        False,
        _flag,
        _SHOTS,
        "Whether each circuit of a list gets its own seed, derived from seed_simulator and its "
        "position in the list; the result contains it.",
    ),
    Option(
        "max_parallel_threads",
        0,
        _integer(0, 1 << 20, f"a whole number up to {1 << 20}, or 0 for the number of processors"),
        _ALL,
        "The most threads that a job uses; 0 for the number of processors. Outcomes do not depend "
        "on it.",
    ),
    Option(
        "precision",
        "double",
        _one_of("double", "single"),
        _ALL,
        "Bytes of an amplitude: 16 (double) or 8 (single).",
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
        "Whether shots of a circuit with mid-circuit measurements are simulated together as long "
        "as their outcomes agree. It saves time; outcomes do not depend on it.",
    ),
    Option(
        "max_iterations",
        None,
        _integer(1, 2**62, f"a whole number from 1 to {2**62}"),
        _SHOTS,
        "The most turns of a while loop each time a shot enters it; more raise an error. None for "
        "no limit.",
    ),
    Option(
        "max_memory_mb",
        0,
        _mebibytes,
        _ALL,
        "The most memory, in MiB, that this job and the jobs that run at the same time may take; "
        "0 for all that is available. A job that can never fit is an error; one that does not fit "
        "yet waits.",
    ),
    Option(
        "executor",
        None,
        _executor,
        _ALL,
        "Runs the circuits elsewhere: a concurrent.futures.Executor, such as a process pool or "
        "mpi4py's, or a Client of dask.distributed. max_memory_mb then applies at each worker, and "
        "max_parallel_threads to each circuit there (0 for one thread).",
    ),
    Option(
        "max_job_size",
        None,
        _COUNT,
        _ALL,
        "How many circuits, or portions of their shots, are sent to a worker of the executor "
        "together; None to choose by their estimated time.",
    ),
    Option(
        "max_shot_size",
        None,
        _COUNT,
        frozenset({QASM}),
        "Circuits with more shots are split into portions of at most this many, which several "
        "workers can run; None to split none. Outcomes do not depend on it. Circuits whose shots "
        "differ in their number of draws (a measurement within a condition or a while loop) are "
        "never split.",
    ),
    Option(
        "progress",
        False,
        _flag,
        _ALL,
        "Whether to show a progress bar while the job runs. Needs the package tqdm.",
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


def _of_basic() -> Dict[str, Option]:
    """Returns the options of BasicSimulator, those of every Qiskit and ours."""
    found = {option.name: option for option in TABLE if QASM in option.backends}
    del found["seed_per_circuit"]  # its circuits draw from one generator, or have one seed
    found["seed_simulator"] = replace(
        found["seed_simulator"],
        check=_any_seed,
        doc="Seed of the outcomes, as numpy.random.default_rng takes it. Without it, one is drawn "
        "from NumPy's global generator.",
    )
    found["use_clifford_optimization"] = Option(
        "use_clifford_optimization",
        False,
        _flag,
        frozenset({BASIC}),
        "Whether Clifford circuits, of up to 2,048 qubits, are run by a StabilizerState.",
    )
    return found


_BY_KIND: Dict[str, Dict[str, Option]] = {
    kind: {option.name: option for option in TABLE if kind in option.backends}
    for kind in (QASM, STATEVECTOR, UNITARY)
}
_BY_KIND[BASIC] = _of_basic()
_DEFAULTS: Dict[str, Dict[str, Any]] = {kind: defaults(kind) for kind in _BY_KIND}
_UNSET: Dict[str, Dict[str, Any]] = {
    kind: {
        name: value if value is None else _BY_KIND[kind][name].check(name, value)
        for name, value in values.items()
    }
    for kind, values in _DEFAULTS.items()
}
"""The checked default values, used if neither `set_options()` nor `run()` gives one."""
# As in terra: the unitary simulator makes one shot, and logs that it does.
_UNSET[UNITARY]["shots"] = 1024


def check(kind: str, name: str, value: Any) -> Any:
    """Returns an option's value in the form that the simulators use, or raises `EngineError`."""
    return value if value is None else _BY_KIND[kind][name].check(name, value)


def resolve(
    kind: str, settings: Mapping[str, Any], arguments: Mapping[str, Any], stacklevel: int
) -> Dict[str, Any]:
    """Returns the value of each option for one run.

    Args:
        kind: the kind of simulator.
        settings: the values set by `set_options`, by name.
        arguments: the arguments of `run`; they override `settings`. May contain the legacy dict
            "backend_options", whose initial state and chop threshold override all, as in terra.
        stacklevel: which caller warnings about unknown names point at; 1 is the caller of this
            function.

    Raises:
        EngineError: if a value is not valid.
    """
    options, usual = _BY_KIND[kind], _DEFAULTS[kind]
    values = dict(_UNSET[kind])
    # Most settings, often all, still have their default value, which needs no check.
    if any(map(operator.is_not, map(settings.get, usual), usual.values())):
        for name, value in settings.items():
            if value is not None and name in options and value is not usual[name]:
                values[name] = options[name].check(name, value)
    if not arguments:
        return values
    legacy = arguments.get("backend_options")
    if legacy is not None:
        arguments = _with_legacy(arguments, legacy)
    for name, value in arguments.items():
        if name not in options:
            warnings.warn(f"Option {name} is not used by this backend", UserWarning, stacklevel + 1)
        elif value is not None:
            values[name] = options[name].check(name, value)
    return values


def _with_legacy(arguments: Mapping[str, Any], legacy: Any) -> Dict[str, Any]:
    """Returns the arguments of a run merged with those of its legacy dict "backend_options"."""
    if not isinstance(legacy, Mapping):
        raise wrong("backend_options", legacy, "a dict of options")
    given = dict(arguments)
    for name, value in legacy.items():
        if given.get(name) is None or (name in _LEGACY_FIRST and value is not None):
            given[name] = value
    return given


_LEGACY_FIRST = ("initial_statevector", "initial_unitary", "chop_threshold")
