"""One parametrised circuit and many values: lowered once, its coefficients evaluated as arrays."""

from __future__ import annotations

from typing import AbstractSet, Any, Dict, List, NamedTuple, Sequence, Tuple

import numpy as np
from qiskit.circuit import Parameter, ParameterExpression, QuantumCircuit

from basicaer._qiskit.expressions import Expressions, key_of
from basicaer._qiskit.gate_reader import Free
from basicaer._engine.gate_table import COLUMN, Entries
from basicaer._qiskit.lowering import Lowering, UnsweepableError, lower
from basicaer._engine.program import For, Gates, IfElse, Measure, Operation, Program, Switch, While
from basicaer.exceptions import BasicAerError


def lower_sweep(
    circuit: QuantumCircuit,
    parameters: Sequence[Parameter],
    values: np.ndarray,
    *,
    unitary_only: bool = False,
) -> List[Program]:
    """Returns one program for each row of values.

    The programs share the arrays of their structure; only coefficients and global phase differ.

    Args:
        circuit: a circuit whose parameters are all among `parameters`.
        parameters: parameters of the circuit.
        values: floats, shape (number of programs, number of parameters).
        unitary_only: as in `lower`.

    Raises:
        BasicAerError: as in `lower`; also a parameter that the circuit does not have or that is
            named twice, and values of another shape.
    """
    return Sweep(circuit, parameters, unitary_only=unitary_only).programs(values)


class Sweep:
    """A circuit that has been lowered, to be had with any values of its parameters.

    It does not change with the circuit.

    Args:
        circuit: as in `lower_sweep`, and so the rest.
        parameters: the meaning of the columns of values.
        unitary_only: as in `lower`.
    """

    def __init__(
        self,
        circuit: QuantumCircuit,
        parameters: Sequence[Parameter],
        *,
        unitary_only: bool = False,
    ) -> None:
        self._parameters = tuple(parameters)
        self._name = circuit.name
        self._check_parameters(circuit)
        self._unitary_only = unitary_only
        lowering = Lowering(circuit, unitary_only, frozenset(parameters))
        self._circuit: QuantumCircuit | None = None
        try:
            self._program = lowering.program()
        except UnsweepableError:
            # Some definition or matrix exists for numbers only.
            self._circuit = _independent(circuit)
            return
        sources = _Sources(self._parameters)
        self._phases = sources.indices(lowering.free_phases)
        self._frees = [(gates, _columns_of(frees, sources)) for gates, frees in lowering.free]
        self._sources = sources

    def programs(self, values: Any) -> List[Program]:
        """Returns one program for each row of values."""
        values = self._checked(values)
        if self._circuit is not None:
            return [
                lower(
                    self._circuit.assign_parameters(dict(zip(self._parameters, row.tolist()))),
                    unitary_only=self._unitary_only,
                )
                for row in values
            ]
        program = self._program
        columns = self._sources.columns(values)
        phases = (program.global_phase + columns[self._phases].sum(axis=0)).tolist()
        with np.errstate(all="ignore"):  # what is not finite is reported below
            tables = {
                id(gates): _coefficients(gates, frees, columns) for gates, frees in self._frees
            }
        for table in tables.values():
            if not np.isfinite(table).all():
                row = values[int(np.argmin(np.isfinite(table).all(axis=1)))]
                named = ", ".join(f'"{p.name}" = {v}' for p, v in zip(self._parameters, row))
                raise BasicAerError(
                    f'circuit "{self._name}" has a gate with NaN or infinite entries at {named}.'
                )
        return [
            Program(
                num_qubits=program.num_qubits,
                num_clbits=program.num_clbits,
                body=_with(program.body, tables, row),
                global_phase=phase,
                name=program.name,
                samples=program.samples,
            )
            for row, phase in enumerate(phases)
        ]

    def _check_parameters(self, circuit: QuantumCircuit) -> None:
        own: AbstractSet[Parameter] = set(circuit.parameters)
        for parameter in self._parameters:
            if parameter not in own:
                names = ", ".join(f'"{p.name}"' for p in circuit.parameters) or "none"
                raise BasicAerError(
                    f'circuit "{circuit.name}" has no parameter "{parameter}"; it has {names}.'
                )
        if len(set(self._parameters)) != len(self._parameters):
            raise BasicAerError(f'a parameter of circuit "{circuit.name}" is given values twice.')

    def _checked(self, values: Any) -> np.ndarray:
        parameters = self._parameters
        values = np.asarray(values, dtype=np.float64)
        if values.ndim != 2 or values.shape[1] != len(parameters):
            raise BasicAerError(
                f'values for circuit "{self._name}" have the shape {values.shape}; '
                f"expected (number of runs, {len(parameters)})."
            )
        finite = np.isfinite(values)
        if not finite.all():
            row, column = np.argwhere(~finite)[0]
            raise BasicAerError(
                f'parameter "{parameters[column].name}" of circuit "{self._name}" has the value '
                f"{values[row, column]} in row {row}; a finite number is needed."
            )
        return values


def _independent(circuit: QuantumCircuit) -> QuantumCircuit:
    """Returns a copy that shares no matrix with the circuit; those of terra do."""
    copied = circuit.copy()
    for instruction in copied.data:
        params = instruction.operation.params
        for index, value in enumerate(params):
            if isinstance(value, np.ndarray):
                params[index] = value.copy()
    return copied


class _Sources:
    """Where the arguments of gates come from: parameters, expressions of them, and numbers.

    Each source has an index; `columns` evaluates all of them.
    """

    def __init__(self, parameters: Tuple[Parameter, ...]) -> None:
        self._parameters = parameters
        self._index: Dict[Any, int] = {p: index for index, p in enumerate(parameters)}
        self._expressions: List[Tuple[int, ParameterExpression]] = []
        self._numbers: List[Tuple[int, float]] = []
        self._evaluated: Expressions | None = None

    def indices(self, values: Sequence[Any]) -> np.ndarray:
        """Returns the indices of numbers, parameters and expressions, new ones made for them."""
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

    def columns(self, values: np.ndarray) -> np.ndarray:
        """Returns all sources for all rows of values, shape (sources, rows)."""
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


class _Alike(NamedTuple):
    """The gates of a run whose coefficients are the same function of their arguments.

    Attributes:
        entries: the function.
        offsets: where the coefficients of each gate are, shape (gates,).
        arguments: indices of sources, shape (arguments, gates).
    """

    entries: Entries
    offsets: np.ndarray
    arguments: np.ndarray


def _columns_of(frees: Sequence[Free], sources: _Sources) -> List[_Alike]:
    alike: Dict[Entries, List[Free]] = {}
    for free in frees:
        alike.setdefault(free.entries, []).append(free)
    return [
        _Alike(
            entries,
            np.array([free.offset for free in group]),
            np.array([sources.indices(free.parameters) for free in group]).T,
        )
        for entries, group in alike.items()
    ]


def _coefficients(gates: Gates, frees: Sequence[_Alike], columns: np.ndarray) -> np.ndarray:
    """Returns the run's coefficients, one row for each row of values."""
    table = np.repeat(gates.coefficients[np.newaxis, :], columns.shape[1], axis=0)
    for entries, offsets, arguments in frees:
        for i, entry in enumerate(entries(COLUMN, *columns[arguments])):
            table[:, offsets + i] = entry.T if isinstance(entry, np.ndarray) else entry
    return table


def _with(
    operations: Tuple[Operation, ...], tables: Dict[int, np.ndarray], row: int
) -> Tuple[Operation, ...]:
    """Returns the operations with the coefficients of one row of values."""
    return tuple([_filled(operation, tables, row) for operation in operations])


def _filled(operation: Operation, tables: Dict[int, np.ndarray], row: int) -> Operation:
    if operation.__class__ is Measure:  # of most there are many
        return operation
    if isinstance(operation, Gates):
        table = tables.get(id(operation))
        if table is None:
            return operation
        return Gates(
            operation.kinds,
            operation.kind,
            operation.start,
            operation.qubits,
            operation.offset,
            table[row],
        )
    if isinstance(operation, IfElse):
        return IfElse(
            operation.condition,
            _with(operation.true_body, tables, row),
            _with(operation.false_body, tables, row),
        )
    if isinstance(operation, While):
        return While(operation.condition, _with(operation.body, tables, row))
    if isinstance(operation, For):
        filled = {id(body): body for body in operation.bodies}  # the same body may come often
        filled = {key: _with(body, tables, row) for key, body in filled.items()}
        return For(tuple([filled[id(body)] for body in operation.bodies]))
    if isinstance(operation, Switch):
        cases = [(values, _with(body, tables, row)) for values, body in operation.cases]
        return Switch(operation.target, tuple(cases))
    return operation
