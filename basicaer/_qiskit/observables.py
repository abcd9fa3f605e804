"""Qiskit's observables as numbers."""

from __future__ import annotations

import math
from typing import Any, Callable, Dict, Hashable, Iterator, List, Mapping, Sequence, Tuple, Union

import numpy as np
from qiskit.quantum_info import Pauli, SparsePauliOp

from basicaer._engine.pauli_sums import WIDEST, PauliSum, PauliSums
from basicaer._qiskit.errors import BasicAerError
from basicaer._qiskit.versions import ObservablesArray, SparseObservable

_X = {**dict.fromkeys(map(ord, "IZ"), "0"), **dict.fromkeys(map(ord, "XY"), "1")}
_Z = {**dict.fromkeys(map(ord, "IX"), "0"), **dict.fromkeys(map(ord, "ZY"), "1")}
_LETTERS = frozenset("IXYZ")
_PROJECTOR_BITS = 0b1100
"""Bits of a `SparseObservable`'s letter that only projectors have."""

Cache = Callable[[Hashable, Callable[[], Any]], Any]
"""Returns the value of a key, by the function given if there is none, as `Recent.get`."""


def no_cache(key: Hashable, make: Callable[[], Any]) -> Any:
    """Makes the value anew."""
    return make()


# ----------------------------------------------------------------------------------------------
# Arrays of observables
# ----------------------------------------------------------------------------------------------


def pauli_sums(observables: Any, num_qubits: int, cached: Cache = no_cache) -> np.ndarray:
    """Returns one observable or an array of them as an array of `PauliSum`.

    Args:
        observables: what `ObservablesArray` takes (a label such as ``"XZ"``, a `Pauli`, a
            `SparsePauliOp`, a `SparseObservable`, a mapping of labels to coefficients, or nested
            sequences of these), an `ObservablesArray`, or another operator.
        num_qubits: the width that each must have.
        cached: where conversions are remembered.

    Returns:
        object, of the shape of the observables; equal observables may be the same object.

    Raises:
        BasicAerError: an observable is not valid, has another width, or is not Hermitian.
    """
    if isinstance(observables, ObservablesArray):
        shape = observables.shape
        each = [observables[index] for index in np.ndindex(*shape)]
    else:
        shape, each = _flat(observables)
    found = np.empty(len(each), dtype=object)
    for place, observable in enumerate(each):
        found[place] = _checked(observable, num_qubits, cached)
    return found.reshape(shape)


def _flat(observables: Any) -> Tuple[Tuple[int, ...], List[Any]]:
    """Returns the shape of nested sequences of observables, and all in the order of C."""
    if not isinstance(observables, (list, tuple, np.ndarray)):
        return (), [observables]
    if isinstance(observables, np.ndarray) and observables.ndim == 0:
        return (), [observables[()]]
    rows = [_flat(each) for each in observables]
    shapes = {shape for shape, _ in rows}
    if len(shapes) > 1:
        raise BasicAerError(
            f"observables form no array: rows of the shapes {sorted(shapes)} are side by side."
        )
    inner = shapes.pop() if shapes else ()
    return (len(rows), *inner), [each for _, row in rows for each in row]


def _checked(observable: Any, num_qubits: int, cached: Cache) -> PauliSum:
    key = _key(observable)
    found = _made(observable) if key is None else cached(key, lambda: _made(observable))
    if found.num_qubits != num_qubits:
        raise BasicAerError(
            f"an observable acts on {found.num_qubits} qubits, the circuit has {num_qubits}: "
            f"{_shown(observable)}"
        )
    return found


def _made(observable: Any) -> PauliSum:
    found = pauli_sum(observable)
    if not found.is_hermitian:
        raise BasicAerError(
            f"an observable is not Hermitian, its coefficients are complex: {_shown(observable)}"
        )
    return found


def _shown(observable: Any) -> str:
    shown = repr(observable)
    return shown if len(shown) <= 200 else shown[:200] + "..."


def _key(observable: Any) -> Union[Hashable, None]:
    """Returns a key by which an observable can be remembered, None if it has none."""
    if isinstance(observable, str):
        return observable
    if isinstance(observable, SparsePauliOp):
        if observable.coeffs.dtype == object:  # the bytes are references, no key
            return None
        paulis = observable.paulis
        return (
            paulis.x.tobytes(),
            paulis.z.tobytes(),
            observable.coeffs.tobytes(),
            observable.num_qubits,
        )
    if isinstance(observable, Mapping):
        try:
            key = tuple(observable.items())
            hash(key)
        except TypeError:  # an unhashable coefficient
            return None
        return key
    if isinstance(observable, SparseObservable):
        arrays = (observable.bit_terms, observable.indices, observable.boundaries)
        return (
            *(np.asarray(each).tobytes() for each in arrays),
            np.asarray(observable.coeffs).tobytes(),
            observable.num_qubits,
        )
    return None


def broadcast_pairs(
    batch: Tuple[int, ...], observables: Tuple[int, ...]
) -> Tuple[Tuple[int, ...], List[List[Tuple[int, int]]]]:
    """Returns the broadcast shape, and for each point the observables and where values go.

    All are flat indices: the list of a point has pairs of an observable and an element of the
    result.
    """
    if not observables:
        return batch, [[(0, target)] for target in range(math.prod(batch))]
    try:
        shape = np.broadcast_shapes(batch, observables)
    except ValueError:
        raise BasicAerError(
            f"the values' shape {batch} and the observables' shape {observables} cannot be "
            "broadcast together."
        ) from None
    points = np.arange(math.prod(batch)).reshape(batch)
    sums = np.arange(math.prod(observables)).reshape(observables)
    pairs: List[List[Tuple[int, int]]] = [[] for _ in range(points.size)]
    for target, (point, which) in enumerate(
        zip(
            np.broadcast_to(points, shape).reshape(-1).tolist(),
            np.broadcast_to(sums, shape).reshape(-1).tolist(),
        )
    ):
        pairs[point].append((which, target))
    return shape, pairs


def values_of(
    sums: Sequence[PauliSum], states: Iterator[Tuple[float, Any]], threads: int, cached: Cache
) -> Dict[int, float]:
    """Returns the expectation values of observables in one mixture, by the id of their sum.

    Args:
        sums: the observables, in any order; those that occur again are computed once.
        states: weights and states of the mixture.
        threads: the most threads.
        cached: where their strings, put together, are remembered.
    """
    distinct = list({id(each): each for each in sums}.values())
    if len(distinct) == 1:
        (alone,) = distinct
        value = sum([weight * alone.expectation(state, threads).real for weight, state in states])
        return {id(alone): value}
    # What is remembered refers to the sums, so that nothing else gets their ids.
    together = cached(("sums", *map(id, distinct)), lambda: PauliSums(distinct))
    found = np.zeros(len(distinct))
    for weight, state in states:
        found += weight * together.expectations(state, threads).real
    return dict(zip(map(id, distinct), found.tolist()))


# ----------------------------------------------------------------------------------------------
# One observable
# ----------------------------------------------------------------------------------------------


def pauli_sum(observable: Any) -> PauliSum:
    """Returns an observable as a `PauliSum`.

    Args:
        observable: any of those that `pauli_sums` takes.

    Raises:
        BasicAerError: it is none of these; a coefficient has an unbound parameter, or is NaN or
            infinite; or there are more than 62 qubits.
    """
    if isinstance(observable, SparseObservable):
        return _of_sparse_observable(observable)
    if isinstance(observable, str):
        observable = {observable: 1.0}
    if isinstance(observable, Mapping):
        return _of_labels(observable)
    if isinstance(observable, Pauli):
        observable = SparsePauliOp(observable)
    elif not isinstance(observable, SparsePauliOp):
        observable = _as_sparse(observable)
    num_qubits = observable.num_qubits
    _check_width(num_qubits)
    bits = np.int64(1) << np.arange(num_qubits, dtype=np.int64)
    paulis = observable.paulis
    coefficients = _coefficients(observable.coeffs)
    return PauliSum(num_qubits, paulis.x @ bits, paulis.z @ bits, coefficients)


def _as_sparse(observable: Any) -> SparsePauliOp:
    primitive = getattr(observable, "primitive", None)
    if isinstance(primitive, SparsePauliOp):  # of terra's opflow
        return observable.coeff * primitive
    try:
        return SparsePauliOp.from_operator(observable)
    except Exception as error:
        raise BasicAerError(
            f"{type(observable).__name__} is no observable: expected a label, a Pauli, a "
            "SparsePauliOp, a mapping of labels to coefficients, or an operator."
        ) from error


def _of_labels(terms: Mapping[Any, Any]) -> PauliSum:
    labels: List[str] = []
    coefficients: List[Any] = []
    for label, coefficient in terms.items():
        if isinstance(label, Pauli):
            phase = (1, -1j, -1, 1j)[int(label.phase)]
            label = label[:].to_label()[-label.num_qubits :]
            coefficient = coefficient * phase
        if not isinstance(label, str):
            raise BasicAerError(f"a term of an observable is {label!r}; a label is needed.")
        for plain, factor in _without_projectors(label):
            labels.append(plain)
            coefficients.append(factor * coefficient)
    widths = {len(label) for label in labels}
    if len(widths) != 1:
        found = f"labels of {sorted(widths)} letters" if widths else "no terms"
        raise BasicAerError(f"an observable has {found}; all need as many as there are qubits.")
    num_qubits = widths.pop()
    _check_width(num_qubits)
    return PauliSum(
        num_qubits,
        np.array([int(label.translate(_X) or "0", 2) for label in labels], dtype=np.int64),
        np.array([int(label.translate(_Z) or "0", 2) for label in labels], dtype=np.int64),
        _coefficients(coefficients),
    )


_PROJECTORS = {
    "0": ("Z", 0.5),
    "1": ("Z", -0.5),
    "+": ("X", 0.5),
    "-": ("X", -0.5),
    "r": ("Y", 0.5),
    "l": ("Y", -0.5),
}
"""Each projector is half the identity plus this multiple of a Pauli."""


def _without_projectors(label: str) -> Iterator[Tuple[str, float]]:
    """Yields the Pauli labels, with their factors, that a label with projectors is the sum of."""
    if _LETTERS.issuperset(label):
        yield label, 1.0
        return
    for place, letter in enumerate(label):
        projector = _PROJECTORS.get(letter)
        if projector is not None:
            pauli, factor = projector
            before, after = label[:place], label[place + 1 :]
            for rest, value in _without_projectors(after):
                yield before + "I" + rest, 0.5 * value
                yield before + pauli + rest, factor * value
            return
        if letter not in _LETTERS:
            raise BasicAerError(
                f"an observable has the label {label!r}: {letter!r} is none of the letters I, X, "
                "Y, Z, 0, 1, +, -, r and l."
            )


def _of_sparse_observable(observable: Any) -> PauliSum:
    num_qubits = observable.num_qubits
    _check_width(num_qubits)
    letters = np.asarray(observable.bit_terms, dtype=np.int64)
    if (letters & _PROJECTOR_BITS).any():
        observable = observable.as_paulis()
        letters = np.asarray(observable.bit_terms, dtype=np.int64)
    bits = np.int64(1) << np.asarray(observable.indices, dtype=np.int64)
    bounds = np.asarray(observable.boundaries, dtype=np.int64)
    # Sums over the letters of each term; distinct bits, so that sums are masks.
    x, z = (
        np.diff(np.concatenate(([0], np.cumsum(bits * flags)))[bounds])
        for flags in (letters >> 1 & 1, letters & 1)
    )
    return PauliSum(num_qubits, x, z, _coefficients(observable.coeffs))


def _check_width(num_qubits: int) -> None:
    if num_qubits > WIDEST:
        raise BasicAerError(
            f"an observable of {num_qubits} qubits is too wide; at most {WIDEST} are possible."
        )


def _coefficients(values: Union[Sequence[Any], np.ndarray]) -> np.ndarray:
    try:
        coefficients = np.array(values, dtype=np.complex128)
    except (TypeError, ValueError):
        coefficients = np.array([_number(value) for value in values])
    if not np.isfinite(coefficients).all():
        raise BasicAerError("an observable has a coefficient that is NaN or infinite.")
    return coefficients


def _number(value: Any) -> complex:
    try:
        return complex(value)
    except (TypeError, ValueError):
        raise BasicAerError(
            f"an observable has the coefficient {value}; a number is needed, "
            "bind its parameters with assign_parameters."
        ) from None
