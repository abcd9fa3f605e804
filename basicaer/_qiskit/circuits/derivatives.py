"""Derivatives by the parameters of a circuit: the engine's, by angles, and the chain rule.

The engine differentiates by the angles of gates. An angle is a number, a parameter, or an
expression of parameters, whose derivatives Qiskit gives as expressions.
"""

from __future__ import annotations

from typing import Any, List, Sequence, Tuple

import numpy as np
from qiskit.circuit import Parameter, ParameterExpression

from basicaer._engine.gradient.adjoint import Adjoint
from basicaer._engine.gradient.generators import FreeGate
from basicaer._qiskit.circuits.expressions import Expressions
from basicaer._qiskit.circuits.sweep import Sweep
from basicaer._qiskit.errors import BasicAerError


class Derivatives:
    """How to differentiate the expectation values of a circuit.

    Args:
        sweep: the circuit.

    Attributes:
        adjoint: the engine's part.

    Raises:
        BasicAerError: the circuit, or an expression in it, has no derivative.
    """

    def __init__(self, sweep: Sweep) -> None:
        structure = sweep.structure
        if structure is None:
            raise BasicAerError(
                f'circuit "{sweep.name}" has no derivative: the definition or the matrix of one of '
                "its gates exists only for numbers."
            )
        self._sweep = sweep
        place_of = {id(operation): place for place, operation in enumerate(structure.body)}
        free: List[FreeGate] = []
        arguments: List[Any] = []
        for gates, frees in sweep.free:
            if id(gates) not in place_of:
                raise BasicAerError(
                    f'circuit "{structure.name}" has no derivative: it has control flow.'
                )
            gate_at = {offset: gate for gate, offset in enumerate(gates.offset.tolist())}
            for each in frees:
                free.append(
                    FreeGate(
                        place_of[id(gates)],
                        gate_at[each.offset],
                        each.entries,
                        len(each.parameters),
                    )
                )
                arguments += each.parameters
        self.adjoint = Adjoint(structure, free)
        self._arguments = sweep.sources(arguments)
        self._jacobian = _Jacobian(sweep.parameters, arguments)
        self._phases = _Jacobian(sweep.parameters, sweep.free_phases)

    def angles(self, row: np.ndarray) -> np.ndarray:
        """Returns the angles for values of the parameters, float64, shape (angles,)."""
        found: np.ndarray = self._sweep.columns(row[np.newaxis])[self._arguments, 0]
        return found

    def by_parameters(
        self, values: np.ndarray, derivatives: np.ndarray, row: np.ndarray
    ) -> np.ndarray:
        """Returns derivatives by the parameters.

        Args:
            values: the expectation values, shape (observables,).
            derivatives: by the angles, float64 or complex128, shape (observables, angles).
            row: the values of the parameters.

        Returns:
            The same dtype, shape (observables, parameters).
        """
        found = self._jacobian.applied(derivatives.real, row)
        if not np.iscomplexobj(derivatives):
            return found
        imaginary = self._jacobian.applied(derivatives.imag, row)
        # A global phase changes the state by i times itself.
        phases = np.ones((1, len(self._sweep.free_phases)))
        imaginary += 2 * values[:, np.newaxis] * self._phases.applied(phases, row)
        return found + 1j * imaginary


class _Jacobian:
    """The derivatives of numbers, parameters and expressions by all parameters.

    Args:
        parameters: the parameters.
        arguments: what depends on them.
    """

    def __init__(self, parameters: Sequence[Parameter], arguments: Sequence[Any]) -> None:
        self._count = len(parameters)
        column = {parameter: index for index, parameter in enumerate(parameters)}
        constant: List[Tuple[int, int, float]] = []
        changing: List[Tuple[int, int]] = []
        slopes: List[ParameterExpression] = []
        for angle, argument in enumerate(arguments):
            if isinstance(argument, Parameter):
                constant.append((angle, column[argument], 1.0))
            elif isinstance(argument, ParameterExpression):
                for parameter in argument.parameters:
                    slope = _slope(argument, parameter)
                    if isinstance(slope, ParameterExpression) and slope.parameters:
                        changing.append((angle, column[parameter]))
                        slopes.append(slope)
                    else:
                        constant.append((angle, column[parameter], float(slope)))
        # Indices of arguments and parameters: where the derivative is a number, and where it is
        # an expression.
        self._constant = np.array([(a, p) for a, p, _ in constant], np.int64).reshape(-1, 2).T
        self._factors = np.array([factor for _, _, factor in constant])
        self._changing = np.array(changing, np.int64).reshape(-1, 2).T
        self._slopes = Expressions(parameters, slopes) if slopes else None

    def applied(self, rows: np.ndarray, values: np.ndarray) -> np.ndarray:
        """Returns rows of numbers, one for each argument, times the Jacobian.

        Args:
            rows: float64, shape (rows, arguments).
            values: of the parameters.

        Returns:
            float64, shape (rows, parameters).
        """
        found = np.empty((len(rows), self._count))
        at, by = self._constant
        for place, row in enumerate(rows):
            found[place] = np.bincount(by, self._factors * row[at], self._count)
        if self._slopes is not None:
            at, by = self._changing
            factors = self._slopes.rows(values[np.newaxis])[:, 0]
            for place, row in enumerate(rows):
                found[place] += np.bincount(by, factors * row[at], self._count)
        return found


def _slope(expression: ParameterExpression, parameter: Parameter) -> Any:
    try:
        return expression.gradient(parameter)
    except Exception as error:  # of functions that have none
        raise BasicAerError(
            f'the parameter {expression} has no derivative by "{parameter.name}": {error}'
        ) from error
