"""The circuits that are recorded: plain data, as `circuits.py` reads it, made at random.

They are the same each time: each family has a generator of its own, seeded by its name.
"""

from __future__ import annotations

import random

import numpy as np
from recorded.circuits import entry

NATIVE = {"h": 0, "u": 3, "p": 1, "u1": 1, "u2": 2, "u3": 3, "rz": 1, "sx": 0, "x": 0, "id": 0}
"""The gates on one qubit that all simulators of terra run, and how many parameters they have."""

STANDARD = {
    "y": (1, 0), "z": (1, 0), "s": (1, 0), "sdg": (1, 0), "t": (1, 0), "tdg": (1, 0),
    "sxdg": (1, 0), "r": (1, 2), "rx": (1, 1), "ry": (1, 1), "cy": (2, 0), "cz": (2, 0),
    "ch": (2, 0), "cs": (2, 0), "csdg": (2, 0), "csx": (2, 0), "cp": (2, 1), "crx": (2, 1),
    "cry": (2, 1), "crz": (2, 1), "cu": (2, 4), "cu1": (2, 1), "cu3": (2, 3), "swap": (2, 0),
    "iswap": (2, 0), "dcx": (2, 0), "ecr": (2, 0), "rxx": (2, 1), "ryy": (2, 1), "rzz": (2, 1),
    "rzx": (2, 1), "xx_minus_yy": (2, 2), "xx_plus_yy": (2, 2), "ccx": (3, 0), "ccz": (3, 0),
    "cswap": (3, 0), "rccx": (3, 0), "rcccx": (4, 0), "c3sx": (4, 0), "mcx": (4, 0),
    "mcphase": (4, 1), "global_phase": (0, 1), "cx_o0": (2, 0), "ch_o0": (2, 0), "cu_o0": (2, 4),
    "cry_o0": (2, 1), "ccx_o1": (3, 0), "cswap_o0": (3, 0), "mcx_o5": (4, 0),
}  # fmt: skip
"""The other standard gates, with the number of their qubits and of their parameters."""

BASIC = {
    **{name: (1, number) for name, number in NATIVE.items()},
    **{
        name: shape
        for name, shape in STANDARD.items()
        if name not in ("rcccx", "c3sx", "mcx", "mcphase") and "_o" not in name
    },
    "cx": (2, 0),
}
"""The gates that BasicSimulator runs; `unitary` and `delay` beside them."""


class Sketch:
    """A description while it is made."""

    def __init__(self, rng: random.Random, num_qubits: int, *cregs: int, qregs=None):
        self.rng = rng
        self.num_qubits = num_qubits
        self.qregs = [["q", num_qubits]] if qregs is None else qregs
        self.cregs = [[f"c{index}", size] for index, size in enumerate(cregs)]
        self.num_clbits = sum(cregs)
        self.phase = rng.choice([0.0, 0.0, 1.3, -0.4])
        self.data: list = []

    def described(self) -> dict:
        """The description; its name is given by the recorder."""
        found = {"qregs": self.qregs, "cregs": self.cregs, "data": self.data}
        if self.phase:
            found["global_phase"] = self.phase
        return found

    def add(self, name, qubits=(), params=(), clbits=(), condition=None):
        self.data.append(entry(name, qubits, params, clbits, condition))

    def qubits(self, number: int) -> list:
        return self.rng.sample(range(self.num_qubits), number)

    def condition(self) -> list:
        """That a register, or a clbit, has some value."""
        rng = self.rng
        if rng.random() < 0.5:
            name, size = rng.choice(self.cregs)
            return [name, rng.randrange(1 << size)]
        return [rng.randrange(self.num_clbits), rng.randrange(2)]

    def gate(self, condition=None):
        """One of the gates that terra's simulators run."""
        rng = self.rng
        kind = rng.random()
        if kind < 0.3 and self.num_qubits > 1:
            self.add("cx", self.qubits(2), condition=condition)
        elif kind < 0.32 and condition is None:
            self.add("barrier", self.qubits(rng.randint(1, self.num_qubits)))
        else:
            name = rng.choice(list(NATIVE))
            self.add(name, self.qubits(1), angles(rng, NATIVE[name]), condition=condition)

    def gates(self, number: int):
        for _ in range(number):
            self.gate()

    def standard(self, number: int):
        """Of so many standard gates, those that are not too wide."""
        for name in self.rng.sample(list(STANDARD), number):
            width, num_params = STANDARD[name]
            if width <= self.num_qubits:
                self.add(name, self.qubits(width), angles(self.rng, num_params))

    def spread(self):
        """A gate on each qubit, and between neighbours, so that outcomes are many."""
        for qubit in range(self.num_qubits):
            self.add("u", [qubit], angles(self.rng, 3))
        for qubit in range(self.num_qubits - 1):
            self.add("cx", [qubit, qubit + 1])

    def measure(self, condition=None):
        self.add("measure", self.qubits(1), (), [self.rng.randrange(self.num_clbits)], condition)

    def measure_all(self):
        """Qubit k to clbit k, as far as there are both."""
        for qubit in range(min(self.num_qubits, self.num_clbits)):
            self.add("measure", [qubit], (), [qubit])

    def unitary(self, width: int, condition=None):
        matrix = random_matrix(self.rng, width)
        self.add("unitary", self.qubits(width), parts(matrix), condition=condition)

    def initialize(self, width: int):
        self.add("initialize", self.qubits(width), parts(random_vector(self.rng, width)))


def angles(rng: random.Random, number: int) -> list:
    """Parameters, mostly short; some are what makes matrix entries 0, some have all digits."""
    kind = rng.random()
    if kind < 0.1:
        return [rng.uniform(-7, 7) for _ in range(number)]
    if kind < 0.25:
        return [rng.choice([0.0, 0.5, -0.5, 1.0, 2.0]) * np.pi for _ in range(number)]
    return [round(rng.uniform(-7, 7), 3) for _ in range(number)]


def parts(array: np.ndarray) -> list:
    """Real and imaginary parts in turn."""
    return np.ascontiguousarray(array, dtype=complex).reshape(-1).view(float).tolist()


def random_vector(rng: random.Random, width: int) -> np.ndarray:
    """A state of so many qubits."""
    vector = np.array([complex(rng.gauss(0, 1), rng.gauss(0, 1)) for _ in range(1 << width)])
    return vector / np.linalg.norm(vector)


def random_matrix(rng: random.Random, width: int) -> np.ndarray:
    """A unitary matrix on so many qubits, by Gram and Schmidt."""
    rows: list = []
    for _ in range(1 << width):
        row = random_vector(rng, width)
        for other in (*rows, *rows):  # twice, for what rounding left
            row = row - (other.conj() @ row) * other
        rows.append(row / np.linalg.norm(row))
    return np.array(rows)


# ----------------------------------------------------------------------------------------------
# Families: each returns one description
# ----------------------------------------------------------------------------------------------


def sampled(rng: random.Random, number: int) -> dict:
    """Gates, then measurements of all, or of some into any clbits, again and again."""
    qubits = 1 + number % 8
    sketch = Sketch(rng, qubits, qubits if number % 3 == 0 else rng.randint(1, 9))
    sketch.spread()
    sketch.gates(rng.randint(0, 12))
    if number % 3 == 0:
        sketch.measure_all()
    else:
        for _ in range(rng.randint(1, 8)):
            sketch.measure()
            if rng.random() < 0.2:
                sketch.add("barrier", range(qubits))
            if rng.random() < 0.2:
                sketch.add("id", sketch.qubits(1))
    return sketch.described()


def middle(rng: random.Random, number: int) -> dict:
    """Measurements between gates."""
    qubits = 1 + number % 6
    sketch = Sketch(rng, qubits, *(rng.randint(1, 4) for _ in range(rng.randint(1, 2))))
    sketch.spread()
    for _ in range(rng.randint(1, 4)):
        sketch.measure()
        sketch.gates(rng.randint(1, 4))
    if number % 2:
        sketch.measure_all()
    return sketch.described()


def reset(rng: random.Random, number: int) -> dict:
    """Resets anywhere, the first and the last instruction included."""
    qubits = 1 + number % 6
    sketch = Sketch(rng, qubits, rng.randint(1, 6))
    if number % 4 == 0:
        sketch.add("reset", sketch.qubits(1))
    sketch.spread()
    for _ in range(rng.randint(1, 3)):
        sketch.add("reset", sketch.qubits(1))
        sketch.gates(rng.randint(0, 4))
        if number % 2:
            sketch.measure()
    sketch.measure_all()
    if number % 5 == 0:
        sketch.add("reset", sketch.qubits(1))
    return sketch.described()


def conditional(rng: random.Random, number: int) -> dict:
    """Gates, measurements and resets with conditions, between measurements."""
    qubits = 1 + number % 6
    sketch = Sketch(rng, qubits, *(rng.randint(1, 3) for _ in range(rng.randint(1, 3))))
    sketch.spread()
    if number % 5 == 0:  # a condition before the first measurement, where nothing is sampled
        sketch.gate(sketch.condition())
    sketch.measure()
    for _ in range(rng.randint(3, 9)):
        kind = rng.random()
        if kind < 0.3:
            sketch.measure()
        elif kind < 0.45:
            sketch.measure(sketch.condition())
        elif kind < 0.6:
            condition = sketch.condition() if rng.random() < 0.7 else None
            sketch.add("reset", sketch.qubits(1), condition=condition)
        elif kind < 0.65:
            sketch.unitary(1, sketch.condition())
        elif kind < 0.95:
            sketch.gate(sketch.condition())
        else:
            sketch.gates(2)
    sketch.gate()  # what follows a measurement: so it is never sampled
    sketch.add("x", sketch.qubits(1), condition=sketch.condition())
    sketch.measure_all()
    return sketch.described()


def early(rng: random.Random, number: int) -> dict:
    """Conditions before the first measurement, and on it, and measurements after it only."""
    qubits = 1 + number % 5
    sketch = Sketch(rng, qubits, *(rng.randint(1, 3) for _ in range(rng.randint(1, 2))))
    sketch.spread()
    for _ in range(rng.randint(1, 4)):
        sketch.gate(sketch.condition())
    if number % 3 == 0:
        sketch.measure(sketch.condition())
    sketch.measure_all()
    return sketch.described()


def prepared(rng: random.Random, number: int) -> dict:
    """`initialize` (even numbers; at the beginning or later) or `unitary` (odd ones)."""
    qubits = 1 + number % 5
    sketch = Sketch(rng, qubits, qubits)
    if number % 4:
        sketch.spread()
    if number % 2:
        for _ in range(2):
            sketch.unitary(rng.randint(1, min(3 if number % 3 == 0 else 2, qubits)))
        if number % 4 == 1:
            sketch.measure()
            sketch.unitary(1)
    else:
        sketch.initialize(rng.randint(1, min(3, qubits)))
        if number % 4 == 2:
            sketch.measure()
    sketch.gates(2)
    sketch.measure_all()
    return sketch.described()


def registers(rng: random.Random, number: int) -> dict:
    """Several registers of both kinds; sampled, in the middle, and with conditions."""
    sizes = [rng.randint(1, 3) for _ in range(rng.randint(2, 3))]
    qregs = [[f"r{index}", size] for index, size in enumerate(sizes)]
    cregs = [rng.randint(1, 4) for _ in range(rng.randint(2, 4))]
    sketch = Sketch(rng, sum(sizes), *cregs, qregs=qregs)
    sketch.spread()
    if number % 2:
        for _ in range(rng.randint(2, 3)):
            sketch.measure()
            sketch.gates(2)
            if number % 4 == 3:
                sketch.add("x", sketch.qubits(1), condition=sketch.condition())
        sketch.add("h", sketch.qubits(1))
    for _ in range(rng.randint(2, 8)):
        sketch.measure()
    return sketch.described()


def wide(rng: random.Random, number: int) -> dict:
    """More than 64 clbits: sampled, in the middle, conditions on a register as wide, on a bit."""
    cregs = [(65,), (3, 70), (40, 40), (129,), (66, 5)][number % 5]
    sketch = Sketch(rng, 3 + number % 3, *cregs)
    sketch.spread()
    last = sketch.num_clbits - 1
    if number % 5 == 2:
        sketch.add("measure", [0], (), [last])
        sketch.gates(3)
    if number % 5 >= 3:
        sketch.add("measure", [0], (), [last])
        sketch.add("measure", [1], (), [cregs[0] - 1])
        sketch.add("x", [2], (), (), ["c0", 1 << (cregs[0] - 1)])
        sketch.add("h", [1], (), (), [last, 1])
    for qubit in range(sketch.num_qubits):
        sketch.add("measure", [qubit], (), [last - 9 * qubit])
    return sketch.described()


def standard(rng: random.Random, name: str, number: int) -> dict:
    """One standard gate, three times among others; then sampled (even numbers) or used again."""
    width, num_params = STANDARD[name]
    qubits = max(width, 1) + number % 2
    sketch = Sketch(rng, qubits, qubits)
    sketch.spread()
    for _ in range(2):
        sketch.add(name, sketch.qubits(width), angles(rng, num_params))
        sketch.add("h", sketch.qubits(1))
    if number % 2:
        sketch.measure()
        condition = sketch.condition() if number % 4 == 1 and width else None
        sketch.add(name, sketch.qubits(width), angles(rng, num_params), condition=condition)
        sketch.add("h", sketch.qubits(1))
    sketch.measure_all()
    return sketch.described()


def state(rng: random.Random, number: int) -> dict:
    """For the statevector simulator; every fourth measures, resets and has conditions."""
    qubits = 1 + number % 5
    if number % 4 == 3:
        sketch = Sketch(rng, qubits, *(rng.randint(1, 3) for _ in range(rng.randint(1, 2))))
        sketch.spread()
        sketch.measure()
        sketch.gate(sketch.condition())
        sketch.add("reset", sketch.qubits(1))
        sketch.gates(3)
        if number % 8 == 7:
            sketch.measure_all()
    else:
        sketch = Sketch(rng, qubits)
        sketch.spread()
        sketch.gates(rng.randint(0, 10))
        if number % 4 == 2:
            sketch.unitary(min(2, qubits))
        if number % 4 == 1:
            sketch.standard(3)
    return sketch.described()


def unitary(rng: random.Random, number: int) -> dict:
    """For the unitary simulator."""
    qubits = 1 + number % 3
    sketch = Sketch(rng, qubits)
    sketch.gates(rng.randint(1, 12))
    if number % 4 == 0:
        sketch.unitary(min(2, qubits))
    if number % 4 == 1:
        sketch.standard(6)
    return sketch.described()


def basic(rng: random.Random, number: int) -> dict:
    """For BasicSimulator: any of its gates; sampled, measured or reset in the middle."""
    qubits = 1 + number % 6
    sketch = Sketch(rng, qubits, *(rng.randint(1, 4) for _ in range(rng.randint(1, 2))))
    sketch.spread()
    repeated = number % 2 == 1
    for _ in range(rng.randint(3, 7)):
        name = rng.choice(list(BASIC))
        width, num_params = BASIC[name]
        if width <= qubits:
            sketch.add(name, sketch.qubits(width), angles(rng, num_params))
        if repeated and rng.random() < 0.3:
            sketch.measure()
        if repeated and rng.random() < 0.2:
            sketch.add("reset", sketch.qubits(1))
    if number % 7 == 0:
        sketch.unitary(min(2, qubits))
    if number % 9 == 0:
        sketch.add("delay", sketch.qubits(1), [100])
    if repeated:
        sketch.measure()
        sketch.add("h", sketch.qubits(1))
    sketch.measure_all()
    return sketch.described()


def clifford(rng: random.Random, number: int) -> dict:
    """Clifford gates, then measurements: what BasicSimulator may run by a stabilizer state."""
    qubits = (2, 3, 5, 8, 30, 70)[number % 6]
    sketch = Sketch(rng, qubits, qubits)
    sketch.phase = 0.0
    for qubit in range(qubits):
        sketch.add(rng.choice(["h", "s", "sx", "x", "y", "sdg"]), [qubit])
    for _ in range(qubits):
        sketch.add(rng.choice(["cx", "cz", "swap", "ecr"]), sketch.qubits(2))
        sketch.add(rng.choice(["h", "s", "sxdg", "z"]), sketch.qubits(1))
    sketch.measure_all()
    return sketch.described()
