"""Which Qiskit there is, and what differs between its versions; no other file asks.

There may be qiskit-terra 0.24 to 0.46, or Qiskit 1.2 and later, below 3. Whatever else is found is
an ImportError that says how to mend it; that is looked for before anything of Qiskit is imported,
so that Qiskit's own errors do not come first.
"""

from __future__ import annotations

import re
import warnings
from importlib import metadata
from types import SimpleNamespace
from typing import Any, Callable, List, Mapping, NamedTuple, Tuple, TypeVar

_TERRA_RANGE, _QISKIT_RANGE = ((0, 24), (0, 47)), ((1, 2), (3, 0))
_GET_TERRA = "pip install 'qiskit-terra>=0.24,<0.47'"
_GET_QISKIT = "pip install 'qiskit>=1.2,<3'"

Class = TypeVar("Class", bound=type)


class Installed(NamedTuple):
    """The Qiskit that is installed.

    Attributes:
        is_terra: whether it is qiskit-terra, of the time before 1.0.
        number: the first two parts of its version.
    """

    is_terra: bool
    number: Tuple[int, int]


def find_qiskit() -> Installed:
    """Returns which Qiskit is installed.

    Raises:
        ImportError: there is none, there are two that exclude each other, or it is too old or too
            new. The message has the command that mends it.
    """
    terra, qiskit = _version_of("qiskit-terra"), _version_of("qiskit")
    if qiskit is not None and _number(qiskit) < (1, 0):
        qiskit = None  # the package of that time which only requires qiskit-terra
    if terra is not None and qiskit is not None:
        raise ImportError(
            f"basicaer cannot use Qiskit here, because qiskit-terra {terra} and qiskit {qiskit} "
            f"are both installed and exclude each other; keep one: pip uninstall --yes "
            f"qiskit-terra qiskit && {_GET_QISKIT}"
        )
    name, version = ("qiskit-terra", terra) if terra is not None else ("qiskit", qiskit)
    if version is None:
        version = _imported_version()
        if version is None:
            raise ImportError(
                f"basicaer needs Qiskit, which is not installed: {_GET_QISKIT} (or, for programs "
                f"older than Qiskit 1.0, {_GET_TERRA})"
            )
        name = "qiskit" if _number(version) >= (1, 0) else "qiskit-terra"
    is_terra = name == "qiskit-terra"
    number = _number(version)
    least, end = _TERRA_RANGE if is_terra else _QISKIT_RANGE
    if not least <= number < end:
        wanted = "0.24 to 0.46" if is_terra else "1.2 and later, below 3"
        raise ImportError(
            f"basicaer works with {name} {wanted}, and {version} is installed: "
            f"{_GET_TERRA if is_terra else _GET_QISKIT}"
        )
    return Installed(is_terra, number)


def _version_of(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def _imported_version() -> str | None:
    """The version that Qiskit itself tells: a frozen application, say, has no metadata."""
    try:
        import qiskit
    except ImportError:
        return None
    return getattr(qiskit, "__version__", None)


def _number(version: str) -> Tuple[int, int]:
    found = re.match(r"(\d+)\.(\d+)", version)
    return (int(found[1]), int(found[2])) if found else (0, 0)


INSTALLED = find_qiskit()
TERRA = INSTALLED.is_terra
"""Whether it is qiskit-terra: its BasicAer exists, backends are `BackendV1`."""
QISKIT_2 = INSTALLED.number >= (2, 0)

HAS_QOBJ = not QISKIT_2
"""Whether there is `qiskit.qobj`."""
CONDITIONS = not QISKIT_2
"""Whether any instruction can have a condition."""
SHARED_BITS = not QISKIT_2
"""Whether a circuit gives the same object for a bit each time, so that bits are known by it."""

# --- terra's own BasicAer ----------------------------------------------------------------------

reference: Any = None
"""terra's own package; None elsewhere."""
if TERRA:
    # It announces its deprecation while it is imported, whoever imports it. Ours has to import it,
    # because it derives from terra's error and must pass terra's `isinstance` checks. The filter is
    # in force only while this module is first imported, never while jobs run.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        import qiskit.providers.basicaer as reference  # type: ignore[no-redef]


def passes_as(name: str) -> Callable[[Class], Class]:
    """Returns a decorator by which a class passes `isinstance` as terra's class of that name."""

    def register(ours: Class) -> Class:
        if reference is not None:
            getattr(reference, name).register(ours)
        return ours

    return register


# --- base classes ------------------------------------------------------------------------------

from qiskit.exceptions import QiskitError  # noqa: E402 (not before it is known which one it is)

ErrorBase: Any = QiskitError if reference is None else reference.BasicAerError
"""What `BasicAerError` derives from."""

ProviderBase: Any = object
"""What the provider derives from; the class of 1.x warns."""
if TERRA:
    from qiskit.providers.provider import ProviderV1 as ProviderBase  # type: ignore[no-redef]


from qiskit.providers.exceptions import QiskitBackendNotFoundError  # noqa: E402
from qiskit.providers.providerutils import resolve_backend_name  # noqa: E402

if TERRA:
    from qiskit.providers.providerutils import filter_backends
else:

    def filter_backends(backends: Any, filters: Any = None, **kwargs: Any) -> List[Any]:
        """Returns the backends that a filter wants and whose attributes have certain values."""
        return [
            backend
            for backend in backends
            if (filters is None or filters(backend))
            and all(getattr(backend, key, None) == value for key, value in kwargs.items())
        ]


def primitive_bases() -> Tuple[Any, Any]:
    """Returns the base classes of `Sampler` and `Estimator`.

    Raises:
        ImportError: from Qiskit 2.0 on there are none.
    """
    if QISKIT_2:
        raise ImportError(
            "basicaer.primitives needs Sampler and Estimator of Qiskit before 2.0; here "
            "qiskit.primitives.BackendSamplerV2 and BackendEstimatorV2 take the simulators of "
            "BasicAer as their backend"
        )
    from qiskit import primitives

    if TERRA:
        return primitives.BaseSampler, primitives.BaseEstimator
    return primitives.BaseSamplerV1, primitives.BaseEstimatorV1


def basic_provider() -> SimpleNamespace:
    """Returns Qiskit's own classes of `qiskit.providers.basic_provider`, by name.

    They come from the modules that define them, which keep them if others replace them.

    Raises:
        ImportError: this is qiskit-terra, which has no basic_provider.
    """
    if TERRA:
        raise ImportError(
            "basicaer.basic_provider takes the place of qiskit.providers.basic_provider, which "
            "Qiskit 1 and 2 have and qiskit-terra has not; here the simulators are those of "
            "BasicAer: from basicaer import BasicAer"
        )
    from qiskit.providers.basic_provider import (
        basic_provider,
        basic_provider_job,
        basic_simulator,
        exceptions,
    )

    return SimpleNamespace(
        BasicProvider=basic_provider.BasicProvider,
        BasicProviderError=exceptions.BasicProviderError,
        BasicProviderJob=basic_provider_job.BasicProviderJob,
        BasicSimulator=basic_simulator.BasicSimulator,
    )


BASIC_SEEDS_RUN = QISKIT_2
"""Whether Qiskit's BasicSimulator seeds its generator once for a whole `run()`."""
BASIC_LOGS = INSTALLED.number < (2, 4)
"""Whether it logs that the counts of a circuit will be empty or zero."""

# --- circuits ----------------------------------------------------------------------------------

if SHARED_BITS:
    bit_key: Callable[[Any], Any] = id
else:

    def bit_key(bit: Any) -> Any:
        """Returns what a bit is known by in a dict: itself, or the id of its only object."""
        return bit


_CONDITION = "condition" if TERRA else "_condition"  # the property of 1.x warns


def condition_of(operation: Any) -> Any:
    """Returns the condition that `c_if` gave an instruction; None if it has none."""
    return getattr(operation, _CONDITION, None) if CONDITIONS else None


def with_condition(operation: Any, target: Any, value: int) -> Any:
    """Returns the instruction under a condition, as `c_if` makes it, which warns in 1.x."""
    if TERRA:
        return operation.c_if(target, value)
    operation = operation.to_mutable()
    operation._condition = (target, value)
    return operation


try:
    from qiskit.circuit.library import Initialize, UnitaryGate
    from qiskit.circuit.library.generalized_gates.diagonal import DiagonalGate
except ImportError:  # terra before 0.45
    from qiskit.extensions import Initialize, UnitaryGate
    from qiskit.extensions.quantum_initializer.diagonal import DiagonalGate

try:
    from qiskit.circuit import (
        AnnotatedOperation,
        ControlModifier,
        InverseModifier,
        PowerModifier,
    )
except ImportError:  # terra before 0.45: no operation is an instance of these

    class AnnotatedOperation:  # type: ignore[no-redef]
        """A placeholder for classes that this version of terra does not have."""

    ControlModifier = InverseModifier = PowerModifier = AnnotatedOperation

try:
    from qiskit.circuit.classical import expr, types
except ImportError:  # terra before 0.25: no condition is an expression
    expr = SimpleNamespace(Expr=AnnotatedOperation)
    types = SimpleNamespace()

# --- results -----------------------------------------------------------------------------------


def _header(header_class: Any) -> Callable[[Mapping[str, Any]], Any]:
    """Returns a function that makes a header object; its own constructor warns in 1.x."""

    def make(fields: Mapping[str, Any]) -> Any:
        header = header_class.__new__(header_class)
        header.__dict__.update(fields)
        return header

    return make


job_header: Callable[[Mapping[str, Any]], Any] = dict
"""Makes the header of a `Result`."""
experiment_header: Callable[[Mapping[str, Any]], Any] = dict
"""Makes the header of an `ExperimentResult`."""
if HAS_QOBJ:
    from qiskit.qobj import QobjExperimentHeader, QobjHeader

    job_header, experiment_header = _header(QobjHeader), _header(QobjExperimentHeader)


__all__ = [
    "BASIC_LOGS",
    "BASIC_SEEDS_RUN",
    "CONDITIONS",
    "HAS_QOBJ",
    "INSTALLED",
    "QISKIT_2",
    "SHARED_BITS",
    "TERRA",
    "AnnotatedOperation",
    "ControlModifier",
    "DiagonalGate",
    "ErrorBase",
    "Initialize",
    "Installed",
    "InverseModifier",
    "PowerModifier",
    "ProviderBase",
    "QiskitBackendNotFoundError",
    "QiskitError",
    "UnitaryGate",
    "basic_provider",
    "bit_key",
    "condition_of",
    "experiment_header",
    "expr",
    "filter_backends",
    "find_qiskit",
    "job_header",
    "passes_as",
    "primitive_bases",
    "reference",
    "resolve_backend_name",
    "types",
    "with_condition",
]
