"""What running a program needs of a state: `_state.State` is one, and the tests have another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, Mapping, Protocol, Sequence, TypeVar, Union

import numpy as np

from basicaer._control import go_on

if TYPE_CHECKING:
    from basicaer._control import Control
    from basicaer._program import Gates

Masks = Union[Sequence[int], np.ndarray]
Own = TypeVar("Own", bound="Amplitudes")


class Amplitudes(Protocol):
    """2**n amplitudes; what each method does is said at `State`.

    Attributes:
        num_qubits: n.
        norm: the sum of all probabilities when it was last seen.
        planning: seconds that planning took.
    """

    num_qubits: int
    norm: float
    planning: float

    @classmethod
    def zero(
        cls: type[Own], num_qubits: int, precision: str, check: Callable[[], None] = go_on
    ) -> Own:
        """Returns |0...0>."""

    @classmethod
    def identity(
        cls: type[Own], num_qubits: int, precision: str, check: Callable[[], None] = go_on
    ) -> Own:
        """Returns the identity, as a state of 2n qubits."""

    @classmethod
    def from_amplitudes(
        cls: type[Own], array: np.ndarray, precision: str, check: Callable[[], None] = go_on
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
        """Applies a run of gates; returns what the plan was."""

    def scale(self, factor: complex) -> None:
        """Multiplies all amplitudes."""

    def prepare(self, qubits: Sequence[int], amplitudes: np.ndarray) -> None:
        """Brings qubits, all in |0>, to a state."""

    def collapse(self, qubit: int, outcome: int, probability: float) -> None:
        """Projects a qubit onto an outcome."""

    def reset(self, qubit: int, outcome: int, probability: float) -> None:
        """As `collapse`, and then moves the outcome to |0>."""

    def norm_squared(self, threads: int = 1) -> float:
        """Returns the sum of all probabilities."""

    def probabilities(self, qubits: Sequence[int], threads: int = 1) -> np.ndarray:
        """Returns the probabilities of the outcomes of measuring qubits."""

    def expectations(self, x_masks: Masks, z_masks: Masks, threads: int = 1) -> np.ndarray:
        """Returns the expectation values of Pauli strings."""

    def sample(self, qubits: Sequence[int], uniforms: np.ndarray, threads: int = 1) -> np.ndarray:
        """Draws outcomes of measuring qubits."""

    def sampler(self, qubits: Sequence[int], threads: int = 1) -> Callable[[np.ndarray], Any]:
        """Returns what `sample` does with its draws."""

    def to_array(self, threads: int = 1, chop: float = 0.0) -> np.ndarray:
        """Returns the amplitudes; the state is spent by it."""
