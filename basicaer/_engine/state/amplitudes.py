"""The interface of a state. `State` implements it, and so does a test double."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, Mapping, Protocol, Sequence, TypeVar, Union

import numpy as np

from basicaer._engine.control import no_check

if TYPE_CHECKING:
    from basicaer._engine.control import Control
    from basicaer._engine.program import Gates

Masks = Union[Sequence[int], np.ndarray]
Own = TypeVar("Own", bound="Amplitudes")


class Amplitudes(Protocol):
    """2**n amplitudes. See `State` for the full contract of each method.

    Attributes:
        num_qubits: n.
        norm: the sum of all probabilities when it was last computed.
        planning: total seconds spent on planning.
    """

    num_qubits: int
    norm: float
    planning: float

    @classmethod
    def zero(
        cls: type[Own], num_qubits: int, precision: str, check: Callable[[], None] = no_check
    ) -> Own:
        """Returns |0...0>."""

    @classmethod
    def identity(
        cls: type[Own], num_qubits: int, precision: str, check: Callable[[], None] = no_check
    ) -> Own:
        """Returns the identity, as a state of 2n qubits."""

    @classmethod
    def from_amplitudes(
        cls: type[Own], array: np.ndarray, precision: str, check: Callable[[], None] = no_check
    ) -> Own:
        """Returns the state of the given amplitudes."""

    def copy(self: Own) -> Own:
        """Returns an independent copy."""

    def apply(
        self,
        gates: Gates,
        *,
        shift: int = 0,
        threads: int = 1,
        fusion: bool = True,
        control: Union[Control, None] = None,
        again: bool = False,
    ) -> Mapping[str, Any]:
        """Applies a gate run; returns statistics of its plan."""

    def scale(self, factor: complex) -> None:
        """Multiplies all amplitudes by `factor`."""

    def prepare(self, qubits: Sequence[int], amplitudes: np.ndarray) -> None:
        """Brings qubits, all in |0>, to a state."""

    def collapse(self, qubit: int, outcome: int, probability: float) -> None:
        """Projects a qubit onto an outcome."""

    def reset(self, qubit: int, outcome: int, probability: float) -> None:
        """Does `collapse`, then moves the outcome to |0>."""

    def norm_squared(self, threads: int = 1) -> float:
        """Returns the sum of all probabilities."""

    def probabilities(self, qubits: Sequence[int], threads: int = 1) -> np.ndarray:
        """Returns the probabilities of the outcomes of measuring qubits."""

    def expectations(self, x_masks: Masks, z_masks: Masks, threads: int = 1) -> np.ndarray:
        """Returns the expectation values of Pauli strings."""

    def sampler(
        self, qubits: Sequence[int], draws: int, threads: int = 1
    ) -> Callable[[np.ndarray], np.ndarray]:
        """Returns a function that draws outcomes of measuring qubits."""

    def to_array(self, threads: int = 1, chop: float = 0.0) -> np.ndarray:
        """Returns the amplitudes; the state must not be used afterwards."""
