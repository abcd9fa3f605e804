"""What all readers offer; see `readers`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, List, Protocol, Union

if TYPE_CHECKING:
    from basicaer._qiskit.circuits.gate_reader import GateReader


class Instructions(Protocol):
    """The instructions of a circuit, a block or a definition, opened by `open_circuit`."""

    def __len__(self) -> int:
        """Returns how many there are."""

    def __getitem__(self, place: int) -> Any:
        """Returns one of them, as Qiskit does."""

    def read(self, reader: GateReader, place: int) -> int:
        """Appends gates of the table to the reader, from `place` on.

        Returns:
            The place of the first instruction that is something else or has something special: a
            condition, another control state, a parameter that has no value or is not a finite real
            number, the same qubit twice. Nothing of that one is appended; `Lowering.operation`
            reads any instruction, also those that could have been read here.
        """

    def qubits(self, place: int) -> List[int]:
        """Returns the indices of its qubits in the outermost circuit; KeyError of a foreign one."""

    def clbits(self, place: int) -> List[int]:
        """Returns the indices of its clbits in this circuit; KeyError of a foreign one."""

    def describe(self, place: int, key: List[Any]) -> int:
        """Appends a description of gates of the table to a key of `circuit_key`.

        Returns:
            The place of the first instruction that is something else.
        """

    def fingerprint(self) -> Union[bytes, None]:
        """Returns bytes that identify a circuit with free parameters as long as it lives.

        None where there are no such bytes.
        """

    def snapshot(self) -> Union[Instructions, None]:
        """Returns a copy that does not change; only where there is a fingerprint."""
