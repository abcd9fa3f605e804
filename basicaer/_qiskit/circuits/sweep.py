"""Sweeps: a circuit is lowered once, its coefficients for many values computed as arrays."""

from __future__ import annotations

import math
from typing import AbstractSet, Any, Dict, List, Sequence, Tuple

import numpy as np
from qiskit.circuit import Parameter, ParameterExpression, QuantumCircuit

from basicaer._engine.program import Gates, Measure, Operation, Program, with_bodies
from basicaer._qiskit.circuits.expressions import Expressions, key_of
from basicaer._qiskit.circuits.gate_reader import FreeCoefficients, Refill
from basicaer._qiskit.circuits.lower import lower
from basicaer._qiskit.circuits.lowering import Lowering, UnsweepableError
from basicaer._qiskit.errors import BasicAerError


class Sweep:
    """A lowered circuit, which makes programs for values of its parameters.

    Later changes of the circuit do not affect it.

    Attributes:
        parameters: the parameter of each column of values.
        name: the name of the circuit.
        structure: the program without values; None if each row of values needs a lowering.
        free: its gate runs with parameters, and their coefficients that depend on them.
        free_phases: the parts of its global phase that depend on them.

    Args:
        circuit: a circuit whose parameters are all among `parameters`.
        parameters: the parameter of each column of values.
        unitary_only: as in `lower`.

    Raises:
        BasicAerError: as in `lower`; also if the circuit does not have a parameter, or one is given
            twice.
    """

    def __init__(
        self,
        circuit: QuantumCircuit,
        parameters: Sequence[Parameter],
        *,
        unitary_only: bool = False,
    ) -> None:
        self.parameters = tuple(parameters)
        self.name = circuit.name
        self._check_parameters(circuit)
        self._unitary_only = unitary_only
        lowering = Lowering(circuit, unitary_only, frozenset(parameters))
        self._circuit: QuantumCircuit | None = None
        self.structure: Program | None = None
        self.free: List[Tuple[Gates, List[FreeCoefficients]]] = []
        self.free_phases: List[Any] = []
        try:
            self.structure = lowering.program()
        except UnsweepableError:
            # A definition or matrix exists only for numbers: lower the circuit for each row.
            self._circuit = _independent(circuit)
            return
        sources = _Sources(self.parameters)
        self._phases = sources.indices(lowering.free_phases)
        self.free_phases = list(lowering.free_phases)
        self._refills = [
            (
                id(gates),
                Refill(
                    gates.coefficients,
                    [(f.offset, f.entries, sources.indices(f.parameters).tolist()) for f in frees],
                ),
            )
            for gates, frees in lowering.free
        ]
        self.free = lowering.free
        self._sources = sources

    def programs(self, values: Any) -> List[Program]:
        """Returns one program for each row of values.

        The programs share all arrays except the coefficients of gate runs with parameters.

        Args:
            values: floats, shape (number of programs, number of parameters).

        Raises:
            BasicAerError: values have a wrong shape or are not finite; otherwise as in `lower`.
        """
        values = self._checked(values)
        if self._circuit is not None:
            self.check_finite(values)
            return [
                lower(
                    self._circuit.assign_parameters(dict(zip(self.parameters, row.tolist()))),
                    unitary_only=self._unitary_only,
                )
                for row in values
            ]
        program = self.structure
        assert program is not None
        tables, phases = self._tables(values)
        return [
            Program.of(
                num_qubits=program.num_qubits,
                num_clbits=program.num_clbits,
                body=_body_with(program.body, tables, row),
                global_phase=phase,
                name=program.name,
                samples=program.samples,
            )
            for row, phase in enumerate(phases)
        ]

    def _tables(self, values: np.ndarray) -> Tuple[Dict[int, np.ndarray], List[float]]:
        """Returns, for each row of values, the coefficients of gate runs, and the global phases.

        The coefficients are arrays of shape (rows, coefficients), by the id of the gate run.
        """
        assert self.structure is not None
        phase = self.structure.global_phase
        if self._sources.has_expressions:  # otherwise what is not finite is found below
            self.check_finite(values)
        columns = self._sources.columns(values)
        phases = [phase] * len(values)
        if len(self._phases):
            phases = (phase + columns[self._phases].sum(axis=0)).tolist()
        tables: Dict[int, np.ndarray] = {}
        for key, refill in self._refills:
            tables[key], finite = refill.rows(columns)
            if not finite:
                self.check_finite(values)
                row = values[int(np.argmin(np.isfinite(tables[key]).all(axis=1)))]
                named = ", ".join(f'"{p.name}" = {v}' for p, v in zip(self.parameters, row))
                raise BasicAerError(
                    f'circuit "{self.name}" has a gate with NaN or infinite entries at {named}.'
                )
        if not math.isfinite(sum(phases)):
            self.check_finite(values)
        return tables, phases

    @property
    def only_run(self) -> Gates | None:
        """The gate run of a circuit that is one gate run, from |0...0>, and measurements after it.

        None for any other, and for one that needs a lowering for each row of values.
        """
        if self.structure is None:
            return None
        outline = self.structure.outline
        return outline.runs[0] if outline.is_one_pass and len(outline.runs) == 1 else None

    def coefficients(self, values: np.ndarray) -> np.ndarray:
        """Returns the coefficients of `only_run` for each row of values.

        Raises:
            BasicAerError: as `programs`.
        """
        gates = self.only_run
        assert gates is not None
        values = self._checked(values)
        tables, _ = self._tables(values)
        found = tables.get(id(gates))
        if found is None:  # it has no parameters
            found = np.repeat(gates.coefficients[np.newaxis], len(values), axis=0)
        return found

    def columns(self, values: np.ndarray) -> np.ndarray:
        """Returns the value of each source of coefficients, shape (sources, rows)."""
        return self._sources.columns(values)

    def sources(self, arguments: Sequence[Any]) -> np.ndarray:
        """Returns the indices of the sources of gates' arguments, int64, shape (arguments,)."""
        return self._sources.indices(arguments)

    def _check_parameters(self, circuit: QuantumCircuit) -> None:
        own: AbstractSet[Parameter] = set(circuit.parameters)
        for parameter in self.parameters:
            if parameter not in own:
                names = ", ".join(f'"{p.name}"' for p in circuit.parameters) or "none"
                raise BasicAerError(
                    f'circuit "{circuit.name}" has no parameter "{parameter}"; it has {names}.'
                )
        if len(set(self.parameters)) != len(self.parameters):
            raise BasicAerError(f'a parameter of circuit "{circuit.name}" is given values twice.')

    def _checked(self, values: Any) -> np.ndarray:
        parameters = self.parameters
        values = np.asarray(values, dtype=np.float64)
        if values.ndim != 2 or values.shape[1] != len(parameters):
            raise BasicAerError(
                f'values for circuit "{self.name}" have the shape {values.shape}; '
                f"expected (number of runs, {len(parameters)})."
            )
        return values

    def check_finite(self, values: np.ndarray) -> None:
        """Raises a `BasicAerError` unless values, shape (rows, parameters), are finite."""
        finite = np.isfinite(values)
        if not finite.all():
            row, column = np.argwhere(~finite)[0]
            raise BasicAerError(
                f'parameter "{self.parameters[column].name}" of circuit "{self.name}" has the '
                f"value {values[row, column]} in row {row}; a finite number is needed."
            )


def _independent(circuit: QuantumCircuit) -> QuantumCircuit:
    """Returns a copy that shares no matrix with the circuit, as copies of terra's do."""
    copied = circuit.copy()
    for instruction in copied.data:
        params = instruction.operation.params
        for index, value in enumerate(params):
            if isinstance(value, np.ndarray):
                params[index] = value.copy()
    return copied


class _Sources:
    """The distinct arguments of gates: parameters, expressions of parameters, and numbers.

    Each source has an index; `columns` evaluates all of them for many values.
    """

    def __init__(self, parameters: Tuple[Parameter, ...]) -> None:
        self._parameters = parameters
        self._index: Dict[Any, int] = {p: index for index, p in enumerate(parameters)}
        self._expressions: List[Tuple[int, ParameterExpression]] = []
        self._numbers: List[Tuple[int, float]] = []
        self._evaluated: Expressions | None = None

    def indices(self, values: Sequence[Any]) -> np.ndarray:
        """Returns the index of each number, parameter or expression; adds those that are new."""
        return np.array([self._indexed(value) for value in values], dtype=np.int64)

    def _indexed(self, value: Any) -> int:
        if isinstance(value, Parameter):
            return self._index[value]
        is_expression = isinstance(value, ParameterExpression)
        key = ("expression", key_of(value)) if is_expression else ("number", value)
        index = self._index.get(key)
        if index is None:
            index = self._index[key] = len(self._index)
            if is_expression:
                self._expressions.append((index, value))
            else:
                self._numbers.append((index, float(value)))
        return index

    @property
    def has_expressions(self) -> bool:
        """Whether a source is an expression."""
        return bool(self._expressions)

    def columns(self, values: np.ndarray) -> np.ndarray:
        """Returns the value of each source for each row of values, shape (sources, rows)."""
        columns = np.empty((len(self._index), len(values)))
        columns[: len(self._parameters)] = values.T
        for index, number in self._numbers:
            columns[index] = number
        if self._expressions:
            if self._evaluated is None:
                expressions = [expression for _, expression in self._expressions]
                self._evaluated = Expressions(self._parameters, expressions)
            columns[[index for index, _ in self._expressions]] = self._evaluated.rows(values)
        return columns


def _body_with(
    operations: Tuple[Operation, ...], tables: Dict[int, np.ndarray], row: int
) -> Tuple[Operation, ...]:
    """Returns the operations with the coefficients of one row of values."""
    return tuple([_operation_with(operation, tables, row) for operation in operations])


def _operation_with(operation: Operation, tables: Dict[int, np.ndarray], row: int) -> Operation:
    if operation.__class__ is Measure:  # the most frequent: skips the checks below
        return operation
    if isinstance(operation, Gates):
        table = tables.get(id(operation))
        if table is None:
            return operation
        return operation.refilled(table[row])
    return with_bodies(operation, lambda body: _body_with(body, tables, row))
