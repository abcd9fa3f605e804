"""One parametrised circuit and many values: lowered once, its coefficients evaluated as arrays."""

from __future__ import annotations

from typing import AbstractSet, Any, Dict, List, Sequence, Tuple

import numpy as np
from qiskit.circuit import Parameter, ParameterExpression, QuantumCircuit

from basicaer._assembly import Free
from basicaer._gates import COLUMN, Entries
from basicaer._lowering import Lowering, UnsweepableError, lower
from basicaer._program import For, Gates, IfElse, Operation, Program, Switch, While
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
    values = _checked(circuit, parameters, values)
    lowering = Lowering(circuit, unitary_only, frozenset(parameters))
    try:
        program = lowering.program()
    except UnsweepableError:
        # Some definition or matrix exists for numbers only.
        return [
            lower(
                circuit.assign_parameters(dict(zip(parameters, row.tolist()))),
                unitary_only=unitary_only,
            )
            for row in values
        ]
    columns = _Columns(parameters, values)
    columns.prepare(
        [
            *lowering.free_phases,
            *(value for _, frees in lowering.free for free in frees for value in free.parameters),
        ]
    )
    phase = program.global_phase + sum(
        (columns.of(expression) for expression in lowering.free_phases), np.zeros(len(values))
    )
    with np.errstate(all="ignore"):  # what is not finite is reported below
        tables = {id(gates): _coefficients(gates, frees, columns) for gates, frees in lowering.free}
    for table in tables.values():
        if not np.isfinite(table).all():
            row = values[int(np.argmin(np.isfinite(table).all(axis=1)))]
            named = ", ".join(f'"{p.name}" = {v}' for p, v in zip(parameters, row))
            raise BasicAerError(
                f'circuit "{circuit.name}" has a gate with NaN or infinite entries at {named}.'
            )
    return [
        Program(
            num_qubits=program.num_qubits,
            num_clbits=program.num_clbits,
            body=_with(program.body, tables, i),
            global_phase=float(phase[i]),
            name=program.name,
            samples=program.samples,
        )
        for i in range(len(values))
    ]


def _checked(
    circuit: QuantumCircuit, parameters: Sequence[Parameter], values: np.ndarray
) -> np.ndarray:
    own: AbstractSet[Parameter] = set(circuit.parameters)
    for parameter in parameters:
        if parameter not in own:
            names = ", ".join(f'"{p.name}"' for p in circuit.parameters) or "none"
            raise BasicAerError(
                f'circuit "{circuit.name}" has no parameter "{parameter}"; it has {names}.'
            )
    if len(set(parameters)) != len(parameters):
        raise BasicAerError(f'a parameter of circuit "{circuit.name}" is given values twice.')
    values = np.asarray(values, dtype=np.float64)
    if values.ndim != 2 or values.shape[1] != len(parameters):
        raise BasicAerError(
            f'values for circuit "{circuit.name}" have the shape {values.shape}; '
            f"expected (number of runs, {len(parameters)})."
        )
    finite = np.isfinite(values)
    if not finite.all():
        row, column = np.argwhere(~finite)[0]
        raise BasicAerError(
            f'parameter "{parameters[column].name}" of circuit "{circuit.name}" has the value '
            f"{values[row, column]} in row {row}; a finite number is needed."
        )
    return values


class _Columns:
    """The values of parameters and of expressions of them, as columns."""

    def __init__(self, parameters: Sequence[Parameter], values: np.ndarray) -> None:
        self._parameters = parameters
        self._values = values
        self._of_parameter = {p: np.ascontiguousarray(v) for p, v in zip(parameters, values.T)}
        self._of_expression: Dict[Any, np.ndarray] = {}

    def __len__(self) -> int:
        return len(self._values)

    def of(self, value: Any) -> Any:
        """Returns the column of a parameter or expression; a number as it is."""
        if isinstance(value, Parameter):
            return self._of_parameter[value]
        if isinstance(value, ParameterExpression):
            return self._of_expression[value.sympify()]
        return value

    def prepare(self, values: Sequence[Any]) -> None:
        """Evaluates all expressions among the values, to be had from `of`."""
        pending: Dict[Any, ParameterExpression] = {}
        for value in values:
            if isinstance(value, ParameterExpression) and not isinstance(value, Parameter):
                pending.setdefault(value.sympify(), value)
        if not pending or not len(self._values):
            self._of_expression.update({key: np.zeros(0) for key in pending})
            return
        compiled = self._compiled(list(pending))
        for i, (key, expression) in enumerate(pending.items()):
            first = self._bound(expression, 0)
            if compiled is not None and np.isclose(compiled[0, i], first, rtol=1e-12, atol=1e-12):
                self._of_expression[key] = compiled[:, i]
            else:
                rows = range(1, len(self._values))
                column = [first, *(self._bound(expression, row) for row in rows)]
                self._of_expression[key] = np.array(column)

    def _compiled(self, symbolic: List[Any]) -> Any:
        """Returns the columns of all expressions at once, or None where that cannot be done."""
        try:
            import symengine

            symbols = [parameter.sympify() for parameter in self._parameters]
            return np.asarray(symengine.Lambdify(symbols, symbolic)(self._values)).reshape(
                len(self._values), len(symbolic)
            )
        except Exception:  # not installed, or a function that it cannot compile: bind one by one
            return None

    def _bound(self, expression: ParameterExpression, row: int) -> float:
        needed = expression.parameters
        values = zip(self._parameters, self._values[row].tolist())
        try:
            return float(expression.bind({p: value for p, value in values if p in needed}))
        except (TypeError, ZeroDivisionError) as error:
            raise BasicAerError(f"the parameter {expression} is no real number: {error}") from error


def _coefficients(gates: Gates, frees: Sequence[Free], columns: _Columns) -> np.ndarray:
    """Returns the run's coefficients, one row for each row of values."""
    count = len(columns)
    table = np.repeat(gates.coefficients[np.newaxis, :], count, axis=0)
    alike: Dict[Entries, List[Free]] = {}
    for free in frees:
        alike.setdefault(free.entries, []).append(free)
    for entries, group in alike.items():
        offsets = np.array([free.offset for free in group])
        arguments = [
            np.array([np.broadcast_to(columns.of(value), count) for value in position])
            for position in zip(*(free.parameters for free in group))
        ]
        for i, entry in enumerate(entries(COLUMN, *arguments)):
            table[:, offsets + i] = entry.T if isinstance(entry, np.ndarray) else entry
    return table


def _with(
    operations: Tuple[Operation, ...], tables: Dict[int, np.ndarray], row: int
) -> Tuple[Operation, ...]:
    """Returns the operations with the coefficients of one row of values."""
    return tuple([_filled(operation, tables, row) for operation in operations])


def _filled(operation: Operation, tables: Dict[int, np.ndarray], row: int) -> Operation:
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
