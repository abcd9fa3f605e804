"""An oracle for dynamic circuits: walks through Qiskit's own objects, one shot after another.

It shares nothing with the package: matrices are Qiskit's, states NumPy's, and each measurement or
reset takes the next uniform of `RandomState(seed)`, as in BasicAer.
"""

from __future__ import annotations

import numpy as np
import oracle
from qiskit.circuit import CASE_DEFAULT, ClassicalRegister, Clbit
from qiskit.quantum_info import Operator, Pauli

from basicaer._qiskit.versions import Index, condition_of, expr, types

_X, _Z = np.array([[0, 1], [1, 0]]), np.diag([1, -1])


def memory_of(circuit, shots, seed):
    """Returns the outcomes of the shots as BasicAer lists them, without spaces."""
    uniforms = np.random.RandomState(seed)
    return [_Shot(circuit, uniforms).word() for _ in range(shots)]


class _Shot:
    def __init__(self, circuit, uniforms):
        self.uniforms = uniforms
        self.state = np.zeros(2**circuit.num_qubits, dtype=complex)
        self.state[0] = 1
        self.bits = [0] * circuit.num_clbits
        qubits = {qubit: place for place, qubit in enumerate(circuit.qubits)}
        clbits = {clbit: place for place, clbit in enumerate(circuit.clbits)}
        self.walk(circuit, qubits, clbits)

    def word(self):
        return "".join(str(bit) for bit in reversed(self.bits))

    def walk(self, circuit, qubits, clbits):
        """Returns the name of the jump that ended the circuit early, or None."""
        for instruction in circuit.data:
            operation = instruction.operation
            on = [qubits[qubit] for qubit in instruction.qubits]
            to = [clbits[clbit] for clbit in instruction.clbits]
            condition = condition_of(operation)
            if operation.name not in ("if_else", "while_loop") and condition is not None:
                if not self.holds(condition, clbits):
                    continue
                operation = operation.to_mutable()
                operation._condition = None
            jump = self.step(operation, on, to, clbits)
            if jump is not None:
                return jump
        return None

    def step(self, operation, on, to, clbits):
        name, params = operation.name, operation.params

        def block(body):
            inner = dict(zip(body.qubits, on)), dict(zip(body.clbits, to))
            return self.walk(body, *inner)

        if name == "measure":
            self.bits[to[0]] = self.draw(_Z, on)
        elif name == "pauli_product_measurement":
            pauli = Pauli(tuple(operation._to_pauli_data()))
            self.bits[to[0]] = self.draw(pauli.to_matrix(), on)
        elif name == "reset":
            if self.draw(_Z, on):
                self.state = oracle.apply_matrix(self.state, _X, on)
        elif name == "store":
            self.store(operation, clbits)
        elif name == "box":
            return block(operation.body)
        elif name in ("break_loop", "continue_loop"):
            return name
        elif name == "if_else":
            body = params[0] if self.holds(operation.condition, clbits) else params[1]
            return None if body is None else block(body)
        elif name == "while_loop":
            while self.holds(operation.condition, clbits):
                if block(params[0]) == "break_loop":
                    break
        elif name == "for_loop":
            for value in params[0]:
                bound = params[1] in params[2].parameters
                body = params[2].assign_parameters({params[1]: value}) if bound else params[2]
                if block(body) == "break_loop":
                    break
        elif name == "switch_case":
            value = self.read(operation.target, clbits)
            for values, body in operation.cases_specifier():
                if value in values or CASE_DEFAULT in values:
                    return block(body)
        elif to:  # a composite instruction
            return block(operation.definition)
        elif name not in ("barrier", "delay"):
            self.state = oracle.apply_matrix(self.state, Operator(operation).data, on)
        return None

    def draw(self, pauli, qubits):
        """Measures a product of Paulis; the outcome is 0 for the eigenvalue 1."""
        other = oracle.apply_matrix(self.state, pauli, qubits)
        parts = (self.state + other) / 2, (self.state - other) / 2
        chances = [np.vdot(part, part).real for part in parts]
        outcome = int(self.uniforms.random_sample() >= chances[0] / sum(chances))
        self.state = parts[outcome] / np.sqrt(chances[outcome])
        return outcome

    def store(self, operation, clbits):
        value = self.read(operation.rvalue, clbits)
        target = operation.lvalue
        if isinstance(target, Index):
            place, value = [list(target.target.var)[self.read(target.index, clbits)]], int(value)
        else:
            place = [target.var] if isinstance(target.var, Clbit) else list(target.var)
        for position, clbit in enumerate(place):
            self.bits[clbits[clbit]] = int(value) >> position & 1

    def holds(self, condition, clbits):
        if isinstance(condition, expr.Expr):
            return bool(self.read(condition, clbits))
        return self.read(condition[0], clbits) == int(condition[1])

    def read(self, node, clbits):
        """Returns the value of an expression, a clbit or a register, as an int."""
        if isinstance(node, Clbit):
            return self.bits[clbits[node]]
        if isinstance(node, ClassicalRegister):
            return sum(self.bits[clbits[clbit]] << place for place, clbit in enumerate(node))
        if isinstance(node, expr.Var):
            return self.read(node.var, clbits)
        if isinstance(node, expr.Value):
            return int(node.value)
        width = 1 if isinstance(node.type, types.Bool) else node.type.width
        if isinstance(node, expr.Cast):
            value = self.read(node.operand, clbits)
            return int(value != 0) if isinstance(node.type, types.Bool) else value % 2**width
        if isinstance(node, Index):
            bits = f"{self.read(node.target, clbits):0{node.target.type.width}b}"[::-1]
            return int(bits[self.read(node.index, clbits)])
        if isinstance(node, expr.Unary):
            value = self.read(node.operand, clbits)
            return int(not value) if node.op.name == "LOGIC_NOT" else 2**width - 1 - value
        a, b = self.read(node.left, clbits), self.read(node.right, clbits)
        return int(_BINARY[node.op.name](a, b)) % 2**width


_BINARY = {
    "BIT_AND": lambda a, b: a & b,
    "BIT_OR": lambda a, b: a | b,
    "BIT_XOR": lambda a, b: a ^ b,
    "LOGIC_AND": lambda a, b: a and b,
    "LOGIC_OR": lambda a, b: a or b,
    "EQUAL": lambda a, b: a == b,
    "NOT_EQUAL": lambda a, b: a != b,
    "LESS": lambda a, b: a < b,
    "LESS_EQUAL": lambda a, b: a <= b,
    "GREATER": lambda a, b: a > b,
    "GREATER_EQUAL": lambda a, b: a >= b,
    "SHIFT_LEFT": lambda a, b: a * 2**b,
    "SHIFT_RIGHT": lambda a, b: a // 2**b,
    "ADD": lambda a, b: a + b,
    "SUB": lambda a, b: a - b,
    "MUL": lambda a, b: a * b,
    "DIV": lambda a, b: a // b,
}
