"""Programs built by hand and at random, without Qiskit."""

from __future__ import annotations

import numpy as np

from basicaer._engine.program import (
    DENSE,
    DIAGONAL,
    BitsEqual,
    Break,
    Continue,
    Expression,
    For,
    Gates,
    IfElse,
    Kind,
    Measure,
    Prepare,
    Program,
    Reset,
    Switch,
    While,
)

_H = np.array([1, 1, 1, -1]) / np.sqrt(2)
_X = np.array([0, 1, 1, 0])


def _ry(angle):
    cos, sin = np.cos(angle / 2), np.sin(angle / 2)
    return np.array([cos, -sin, sin, cos])


def _rz(angle):
    return np.exp([-0.5j * angle, 0.5j * angle])


_TABLE = {
    "h": (Kind(DENSE, 1, is_real=True), _H),
    "x": (Kind(DENSE, 1, pattern=0b0110, is_real=True), _X),
    "cx": (Kind(DENSE, 1, 1, 1, 0b0110, True), _X),
    "ccx": (Kind(DENSE, 1, 2, 0b10, 0b0110, True), _X),
    "z": (Kind(DIAGONAL, 1, is_real=True), np.array([1, -1])),
    "cz": (Kind(DIAGONAL, 1, 1, 1, is_real=True), np.array([1, -1])),
    "rzz": (Kind(DIAGONAL, 2), np.exp([-0.2j, 0.2j, 0.2j, -0.2j])),
    "swap": (
        Kind(DENSE, 2),
        np.array([1, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1]),
    ),
    "ry": (Kind(DENSE, 1, is_real=True), _ry),
    "rz": (Kind(DIAGONAL, 1), _rz),
}
NAMES = tuple(_TABLE)


def width(name):
    kind = _TABLE[name][0]
    return kind.num_controls + kind.num_targets


def gates(*rows):
    """Returns `Gates` from rows of a name, qubits and, for ry and rz, a float at the end."""
    kinds, numbers, start, qubits, offset, coefficients = [], [], [0], [], [], []
    for name, *operands in rows:
        kind, entries = _TABLE[name]
        if callable(entries):
            entries = entries(operands.pop())
        if kind not in kinds:
            kinds.append(kind)
        numbers.append(kinds.index(kind))
        qubits += operands
        start.append(len(qubits))
        offset.append(len(coefficients))
        coefficients += list(entries)
    return Gates(
        tuple(kinds),
        np.array(numbers, dtype=np.int32),
        np.array(start, dtype=np.int32),
        np.array(qubits, dtype=np.int32),
        np.array(offset, dtype=np.int64),
        np.array(coefficients, dtype=np.complex128),
    )


def bits(*clbits):
    """Returns the expression of these clbits, the least significant first."""
    return Expression("bits", clbits, len(clbits))


def value(number, width):
    """Returns the expression of a number of so many bits."""
    return Expression("value", (number,), width)


class Maker:
    """Makes random programs.

    Args:
        seed: of the random generator.
        fixed: whether each shot must make the same number of draws.
    """

    def __init__(self, seed, fixed=False):
        self.random = np.random.default_rng(seed)
        self.fixed = fixed
        self.num_qubits = int(self.random.integers(1, 5))
        self.num_clbits = int(self.random.choice([1, 2, 3, 5, 70]))
        self.clbits = self.random.permutation(self.num_clbits)[:4].tolist()

    def program(self):
        body = self.body(int(self.random.integers(3, 14)), 2, False)
        if self.random.random() < 0.5:
            body += [Measure(qubit, self.clbit()) for qubit in range(self.num_qubits)]
        phase = float(self.random.random()) if self.random.random() < 0.3 else 0.0
        return Program(self.num_qubits, self.num_clbits, tuple(body), phase, "made", samples=False)

    def pick(self, count=1):
        return self.random.permutation(self.num_qubits)[:count].tolist()

    def clbit(self):
        return int(self.random.choice(self.clbits))

    def some_gates(self):
        rows = []
        for _ in range(int(self.random.integers(1, 5))):
            names = [name for name in NAMES if width(name) <= self.num_qubits]
            name = str(self.random.choice(names))
            row = [name, *self.pick(width(name))]
            if name in ("ry", "rz"):
                row.append(float(self.random.normal()))
            rows.append(row)
        return gates(*rows)

    def condition(self):
        count = int(self.random.integers(1, min(3, len(self.clbits)) + 1))
        chosen = tuple(self.random.permutation(self.clbits)[:count].tolist())
        if self.random.random() < 0.6:
            return BitsEqual(chosen, int(self.random.integers(0, 2**count)))
        other = value(int(self.random.integers(0, 2**count)), count)
        name = str(self.random.choice(["less", "not_equal", "greater_equal"]))
        return Expression(name, (bits(*chosen), other), 1)

    def body(self, length, depth, in_loop):
        body = []
        for _ in range(length):
            roll = self.random.random()
            if roll < 0.35:
                body.append(self.some_gates())
            elif roll < 0.6:
                body.append(Measure(self.pick()[0], self.clbit()))
            elif roll < 0.7:
                body.append(Reset(self.pick()[0]))
            elif roll < 0.74:
                qubits = self.pick(2)
                amplitudes = self.random.normal(size=2 ** len(qubits)) + 0.5j
                amplitudes /= np.linalg.norm(amplitudes)
                body += [Reset(qubit) for qubit in qubits]
                body.append(Prepare(tuple(qubits), amplitudes))
            elif roll < 0.88 or not depth:
                body.append(self.conditional(depth, in_loop))
            else:
                body += self.loop_or_switch(depth)
        return body

    def conditional(self, depth, in_loop):
        if self.fixed or not depth:
            inside = (self.some_gates(),)
            other = (self.some_gates(),) if self.random.random() < 0.3 else ()
        else:
            inside = tuple(self.body(2, depth - 1, in_loop))
            other = tuple(self.body(1, depth - 1, in_loop)) if self.random.random() < 0.3 else ()
            if in_loop and self.random.random() < 0.4:
                inside += (Break() if self.random.random() < 0.5 else Continue(),)
        return IfElse(self.condition(), inside, other)

    def loop_or_switch(self, depth):
        roll = self.random.random()
        if roll < 0.4:
            turns = int(self.random.integers(0, 4))
            return [For(tuple(tuple(self.body(2, depth - 1, True)) for _ in range(turns)))]
        if roll < 0.6 and not self.fixed:
            # The last measurement of an iteration decides whether the loop goes on.
            clbit, qubit = self.clbit(), self.pick()[0]
            body = self.body(1, depth - 1, True)
            again = [Reset(qubit), gates(["h", qubit]), Measure(qubit, clbit)]
            leave = IfElse(BitsEqual((clbit,), 0), (Break(),))
            return [*again, While(BitsEqual((clbit,), 1), (*again, leave, *body))]
        chosen = tuple(self.clbits[:2])
        cases = []
        for number in range(int(self.random.integers(1, 3))):
            inside = [self.some_gates()] if self.fixed else self.body(1, depth - 1, False)
            cases.append(((number, number + 2), tuple(inside)))
        if self.random.random() < 0.5:
            cases.append((None, (self.some_gates(),)))
        return [Switch(bits(*chosen), tuple(cases))]
