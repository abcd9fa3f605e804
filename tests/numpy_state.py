"""The engine's `State`, written once more in a few lines of numpy: an oracle, slow and plain."""

from __future__ import annotations

import numpy as np

from basicaer._program import DIAGONAL


class NumpyState:
    """Amplitudes as one complex array; the same interface as `basicaer._state.State`."""

    norm = 1.0
    planning = 0.0
    alive = 0
    most_alive = 0

    def __init__(self, amplitudes):
        self.array = amplitudes
        self.num_qubits = len(amplitudes).bit_length() - 1
        cls = type(self)
        cls.alive += 1
        cls.most_alive = max(cls.most_alive, cls.alive)

    def __del__(self):
        type(self).alive -= 1

    @classmethod
    def zero(cls, num_qubits, precision="double", check=None):
        amplitudes = np.zeros(2**num_qubits, dtype=_dtype(precision))
        amplitudes[0] = 1
        return cls(amplitudes)

    @classmethod
    def from_amplitudes(cls, array, precision="double", check=None):
        return cls(np.array(array, dtype=_dtype(precision)).reshape(-1))

    @classmethod
    def identity(cls, num_qubits, precision="double", check=None):
        return cls(np.eye(2**num_qubits, dtype=_dtype(precision)).reshape(-1))

    def apply(self, gates, *, shift=0, threads=1, fusion=True, control=None, again=False):
        qubits = gates.qubits.tolist()
        for gate, number in enumerate(gates.kind.tolist()):
            kind = gates.kinds[number]
            on = [qubit + shift for qubit in qubits[gates.start[gate] : gates.start[gate + 1]]]
            dim = 2**kind.num_targets
            size = dim if kind.form == DIAGONAL else dim * dim
            first = gates.offset[gate]
            entries = gates.coefficients[first : first + size]
            matrix = np.diag(entries) if kind.form == DIAGONAL else entries.reshape(dim, dim)
            controls, targets = on[: kind.num_controls], on[kind.num_controls :]
            self._multiply(matrix, targets, controls, kind.control_state)
        if control is not None:
            control.check()
            control.flags[1] += len(gates) << self.num_qubits
        return {"gates": len(gates), "passes": len(gates)}

    def _multiply(self, matrix, targets, controls=(), control_state=0):
        n = self.num_qubits
        tensor = self.array.reshape([2] * n)
        where = [slice(None)] * n
        for position, qubit in enumerate(controls):
            where[n - 1 - qubit] = (control_state >> position) & 1
        part = tensor[tuple(where)]
        left = [qubit for qubit in range(n - 1, -1, -1) if qubit not in controls]
        axes = [left.index(qubit) for qubit in reversed(targets)]
        part = np.moveaxis(part, axes, range(len(axes)))
        shape = part.shape
        part = (matrix @ part.reshape(len(matrix), -1)).reshape(shape)
        tensor[tuple(where)] = np.moveaxis(part, range(len(axes)), axes)

    def scale(self, factor):
        self.array *= factor

    def norm_squared(self, threads=1):
        return float(np.sum(np.abs(self.array) ** 2))

    def probabilities(self, qubits, threads=1):
        n = self.num_qubits
        squares = (np.abs(self.array) ** 2).astype(float).reshape([2] * n)
        rest = [n - 1 - qubit for qubit in range(n) if qubit not in qubits]
        order = [n - 1 - qubit for qubit in reversed(qubits)]
        return squares.transpose(order + rest).reshape(2 ** len(qubits), -1).sum(axis=1)

    def collapse(self, qubit, outcome, probability):
        halves = self.array.reshape(-1, 2, 2**qubit)
        halves[:, 1 - outcome] = 0
        halves[:, outcome] /= np.sqrt(probability)

    def reset(self, qubit, outcome, probability):
        self.collapse(qubit, outcome, probability)
        if outcome:
            halves = self.array.reshape(-1, 2, 2**qubit)
            halves[:, 0] = halves[:, 1]
            halves[:, 1] = 0

    def prepare(self, qubits, amplitudes):
        matrix = np.zeros((len(amplitudes), len(amplitudes)), dtype=complex)
        matrix[:, 0] = amplitudes
        self._multiply(matrix, list(qubits))

    def expectations(self, x_masks, z_masks, threads=1):
        matrices = {(0, 0): np.eye(2), (1, 0): [[0, 1], [1, 0]], (0, 1): np.diag([1, -1])}
        matrices[1, 1] = [[0, -1j], [1j, 0]]
        values = []
        for x, z in zip(x_masks, z_masks):
            image = type(self)(self.array.astype(complex))
            for qubit in range(self.num_qubits):
                pauli = matrices[int(x) >> qubit & 1, int(z) >> qubit & 1]
                image._multiply(np.array(pauli, dtype=complex), [qubit])
            values.append(np.vdot(self.array, image.array).real)
        return np.array(values)

    def sampler(self, qubits, threads=1):
        return lambda uniforms: self.sample(qubits, uniforms)

    def sample(self, qubits, uniforms, threads=1):
        cumulative = np.cumsum(self.probabilities(qubits))
        cumulative /= cumulative[-1]
        return np.searchsorted(cumulative, uniforms, side="right").astype(np.int64)

    def copy(self):
        return type(self)(self.array.copy())

    def to_array(self, threads=1, chop=0.0):
        self.array[abs(self.array) < chop] = 0.0
        return self.array


def _dtype(precision):
    return {"double": np.complex128, "single": np.complex64}[precision]
