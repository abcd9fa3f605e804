"""Matrices of each structure that kernels know, to test with."""

from __future__ import annotations

import numpy as np
import oracle


def phases(count, seed):
    return np.exp(1j * np.random.default_rng(seed).uniform(-3, 3, count))


def orthogonal(num_qubits, seed):
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(2**num_qubits, 2**num_qubits)))[0]


MATRICES = {
    "dense": oracle.random_unitary(1, 1),
    "real": orthogonal(1, 2),
    "flip": np.array([[0, 1], [1, 0]]),
    "phase flip": np.array([[0, -1j], [1j, 0]]),
    "cross": np.array([[0.6, 0.8j], [0.8j, 0.6]]),
}
PAIRS = {
    "dense": oracle.random_unitary(2, 1),
    "real": orthogonal(2, 2),
    "swap": np.eye(4)[[0, 2, 1, 3]],
    "iswap": np.array([[1, 0, 0, 0], [0, 0, 1j, 0], [0, 1j, 0, 0], [0, 0, 0, 1]]),
    "steered": np.kron(np.diag([1, 0]), oracle.random_unitary(1, 3))
    + np.kron(np.diag([0, 1]), oracle.random_unitary(1, 4)),
    "steered by the first": np.kron(oracle.random_unitary(1, 3), np.diag([1, 0]))
    + np.kron(orthogonal(1, 4), np.diag([0, 1])),
    "diagonal": np.diag(phases(4, 5)),
    "steered cross": np.kron(np.diag([1, 0]), [[0.6, -0.8j], [-0.8j, 0.6]])
    + np.kron(np.diag([0, 1]), [[0.8, 0.6j], [0.6j, 0.8]]),
}
