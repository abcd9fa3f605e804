"""Which Qiskit there is, and what differs between its versions; no other file asks.

There may be qiskit-terra 0.24 to 0.46, or Qiskit 1.2 and later, below 3. Whatever else is found is
an ImportError that says how to mend it; that is looked for before anything of Qiskit is imported,
so that Qiskit's own errors do not come first.
"""

from __future__ import annotations

import re
import sys
import warnings
from importlib import metadata
from types import SimpleNamespace
from typing import Any, Callable, Mapping, NamedTuple, Tuple, TypeVar

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
CAPI_KNOWN = INSTALLED.number in ((2, 6),)
"""Whether circuits are read through Qiskit's C API without being asked: it was tested."""
CAPI_WANTING = ""
"""Why circuits cannot be read through Qiskit's C API; empty where they perhaps can."""
if INSTALLED.number < (2, 6):
    CAPI_WANTING = "this Qiskit has no C API that circuits can be read through, which came with 2.6"
elif not getattr(sys, "_is_gil_enabled", lambda: True)():
    CAPI_WANTING = "Python runs without the GIL, which keeps circuits unchanged while they are read"

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

from qiskit.circuit import ParameterExpression  # noqa: E402 (not before it is known which one it is)
from qiskit.exceptions import QiskitError  # noqa: E402 (not before it is known which one it is)

ErrorBase: Any = QiskitError if reference is None else reference.BasicAerError
"""What `BasicAerError` derives from."""

ProviderBase: Any = object
"""What the provider derives from; the class of 1.x warns."""
if TERRA:
    from qiskit.providers.provider import ProviderV1 as ProviderBase  # type: ignore[no-redef]


from qiskit.providers.exceptions import QiskitBackendNotFoundError  # noqa: E402
from qiskit.providers.providerutils import filter_backends, resolve_backend_name  # noqa: E402


def primitive_bases() -> Tuple[Any, Any]:
    """Returns the base classes of `Sampler` and `Estimator`.

    Raises:
        ImportError: from Qiskit 2.0 on there are none.
    """
    if QISKIT_2:
        raise ImportError(
            "Qiskit 2 has no Sampler and Estimator of the first kind; StatevectorSampler and "
            "StatevectorEstimator of basicaer.primitives are in their place"
        )
    from qiskit import primitives

    if TERRA:
        return primitives.BaseSampler, primitives.BaseEstimator
    return primitives.BaseSamplerV1, primitives.BaseEstimatorV1


def primitive_bases_v2() -> Tuple[Any, Any]:
    """Returns the base classes of `StatevectorSampler` and `StatevectorEstimator`.

    Raises:
        ImportError: terra has none.
    """
    if TERRA:
        raise ImportError(
            "StatevectorSampler and StatevectorEstimator need Qiskit 1 or 2; Sampler and Estimator "
            "of basicaer.primitives are in their place"
        )
    from qiskit import primitives

    return primitives.BaseSamplerV2, primitives.BaseEstimatorV2


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


def gradient_classes() -> Tuple[Any, Any, Any]:
    """Returns `ReverseEstimatorGradient`, its result, and `DerivativeType`.

    They are terra's or, on Qiskit 1 and 2, those of the package qiskit-algorithms.

    Raises:
        ImportError: qiskit-algorithms is not installed.
    """
    if TERRA:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # it announces its end
            from qiskit.algorithms import gradients
    else:
        try:
            from qiskit_algorithms import gradients
        except ImportError as error:
            raise ImportError(
                "ReverseEstimatorGradient stands in for that of qiskit-algorithms, which is not "
                "installed: pip install qiskit-algorithms (the function basicaer.gradients."
                "gradient does without)"
            ) from error
    return (
        gradients.ReverseEstimatorGradient,
        gradients.EstimatorGradientResult,
        gradients.DerivativeType,
    )


# --- circuits ----------------------------------------------------------------------------------

NATIVE_EXPRESSIONS = not hasattr(ParameterExpression, "_parameter_keys") and hasattr(
    ParameterExpression, "_qpy_replay"
)
"""Whether expressions of parameters are Qiskit's own (2.1 on), not sympy's or symengine's."""

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


class Absent:
    """A placeholder for classes that this version of Qiskit does not have."""


try:
    from qiskit.circuit import (
        AnnotatedOperation,
        ControlModifier,
        InverseModifier,
        PowerModifier,
    )
except ImportError:  # terra before 0.45
    AnnotatedOperation = ControlModifier = InverseModifier = PowerModifier = Absent

try:
    from qiskit.circuit.classical import expr, types
except ImportError:  # terra before 0.25: no condition is an expression
    expr = SimpleNamespace(Expr=Absent)
    types = SimpleNamespace()

import qiskit.circuit.library  # noqa: E402

Store: Any = getattr(qiskit.circuit, "Store", Absent)  # from 1.1 on
Index: Any = getattr(expr, "Index", Absent)  # from 1.1 on
BoxOp: Any = getattr(qiskit.circuit, "BoxOp", Absent)  # from 2.0 on
DurationType: Any = getattr(types, "Duration", Absent)  # from 2.0 on
PauliProductMeasurement: Any = getattr(  # from 2.3 on
    qiskit.circuit.library, "PauliProductMeasurement", Absent
)
try:
    from qiskit.quantum_info import SparseObservable
except ImportError:  # before 1.3
    SparseObservable = Absent
ObservablesArray: Any = Absent
if not TERRA:  # whose primitives warn when they are imported
    from qiskit.primitives.containers.observables_array import (  # type: ignore[no-redef]
        ObservablesArray,
    )

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
    "CAPI_KNOWN",
    "CAPI_WANTING",
    "CONDITIONS",
    "HAS_QOBJ",
    "INSTALLED",
    "NATIVE_EXPRESSIONS",
    "QISKIT_2",
    "SHARED_BITS",
    "TERRA",
    "Absent",
    "AnnotatedOperation",
    "BoxOp",
    "ControlModifier",
    "DiagonalGate",
    "DurationType",
    "ErrorBase",
    "Index",
    "Initialize",
    "Installed",
    "InverseModifier",
    "ObservablesArray",
    "PauliProductMeasurement",
    "PowerModifier",
    "ProviderBase",
    "QiskitBackendNotFoundError",
    "QiskitError",
    "SparseObservable",
    "Store",
    "UnitaryGate",
    "basic_provider",
    "condition_of",
    "experiment_header",
    "expr",
    "filter_backends",
    "find_qiskit",
    "gradient_classes",
    "job_header",
    "passes_as",
    "primitive_bases",
    "primitive_bases_v2",
    "reference",
    "resolve_backend_name",
    "types",
    "with_condition",
]
