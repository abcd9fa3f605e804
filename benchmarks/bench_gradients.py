"""Gradients by the adjoint method: how long they take, in units of one energy.

    python benchmarks/bench_gradients.py
    python benchmarks/bench_gradients.py -n 8 12 --layers 3 --threads 1

The energy is that of an Ising chain in two fields, sum ZZ + 0.5 X + 0.3 Z, in the ansatz
EfficientSU2 (layers of ry and rz, chains of cx between them). Printed are milliseconds, the best of
many: of one energy, its program given (the state from |0...0> and the expectation value; planning
included), and of one gradient (the energy included); their ratio; and what preparing the structure
took once.
"""

from __future__ import annotations

import argparse
from time import perf_counter

import numpy as np
from measure import machine, versions

from basicaer._engine.gate_table import ROW_OF_NAME, SCALAR
from basicaer._engine.gradient.adjoint import Adjoint
from basicaer._engine.gradient.generators import FreeGate
from basicaer._engine.pauli_sums import PauliSum
from basicaer._engine.program import Gates, Program
from basicaer._engine.state.state import State


def ansatz(num_qubits: int, layers: int) -> tuple[Gates, list[FreeGate]]:
    """Returns the gates of the ansatz, and those that have an angle."""
    names = ("ry", "rz", "cx")
    parts = [ROW_OF_NAME[name].parts[0] for name in names]
    kind, start, qubits, offset, free = [], [0], [], [], []
    held = 4  # the matrix of cx comes first
    for layer in range(layers + 1):
        for number in (0, 1):
            for qubit in range(num_qubits):
                free.append(FreeGate(0, len(kind), parts[number].entries, 1))
                kind.append(number)
                qubits.append(qubit)
                start.append(len(qubits))
                offset.append(held)
                held += 4 if number == 0 else 2
        for qubit in reversed(range(num_qubits - 1 if layer < layers else 0)):
            kind.append(2)
            qubits += [qubit, qubit + 1]
            start.append(len(qubits))
            offset.append(0)
    gates = Gates(
        tuple(part.kind for part in parts),
        np.array(kind, dtype=np.int32),
        np.array(start, dtype=np.int32),
        np.array(qubits, dtype=np.int32),
        np.array(offset, dtype=np.int64),
        np.zeros(held, dtype=np.complex128),
    )
    return gates, free


def program_with(gates: Gates, free: list[FreeGate], angles: np.ndarray) -> Program:
    """Returns the program for the given angles."""
    coefficients = np.zeros_like(gates.coefficients)
    coefficients[:4] = ROW_OF_NAME["cx"].parts[0].constant
    for each, angle in zip(free, angles.tolist()):
        entries = each.entries(SCALAR, angle)
        first = gates.offset[each.gate]
        coefficients[first : first + len(entries)] = entries
    fresh = Gates(gates.kinds, gates.kind, gates.start, gates.qubits, gates.offset, coefficients)
    return Program(int(gates.qubits.max()) + 1, 0, (fresh,))


def ising(num_qubits: int) -> PauliSum:
    """Returns the observable."""
    chain = [(0, 3 << qubit, 1.0) for qubit in range(num_qubits - 1)]
    x_field = [(1 << qubit, 0, 0.5) for qubit in range(num_qubits)]
    z_field = [(0, 1 << qubit, 0.3) for qubit in range(num_qubits)]
    x, z, coefficients = zip(*chain, *x_field, *z_field)
    return PauliSum(num_qubits, np.array(x), np.array(z), np.array(coefficients))


def best(work, programs: list[Program], seconds: float) -> float:
    """Returns the least milliseconds that `work` took for a program of its own."""
    found = []
    end = perf_counter() + seconds
    while perf_counter() < end or len(found) < 5:
        for program in programs:
            for operation in program.body:  # a new one each time: its plan is not kept
                operation.plans.compiled.clear()
            begun = perf_counter()
            work(program)
            found.append(perf_counter() - begun)
    return 1e3 * min(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-n", type=int, nargs="+", default=[4, 8, 12, 16], help="qubits")
    parser.add_argument("--layers", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--precision", default="double", choices=["double", "single"])
    parser.add_argument("--seconds", type=float, default=0.5, help="for each figure")
    options = parser.parse_args()
    print(machine(), versions(["numpy"]), sep="\n")
    print(
        f"{'qubits':>6} {'angles':>6} {'structure':>10} {'energy':>9} {'gradient':>9} {'ratio':>6}"
    )
    for num_qubits in options.n:
        gates, free = ansatz(num_qubits, options.layers)
        rng = np.random.default_rng(num_qubits)
        rows = rng.uniform(-3, 3, (5, len(free)))
        programs = [program_with(gates, free, row) for row in rows]
        angles = {id(program): row for program, row in zip(programs, rows)}
        observable = ising(num_qubits)
        begun = perf_counter()
        adjoint = Adjoint(programs[0], free)
        structure = 1e3 * (perf_counter() - begun)
        settings = {"threads": options.threads}

        def energy(program, num_qubits=num_qubits, observable=observable, settings=settings):
            state = State.zero(num_qubits, options.precision)
            for operation in program.body:
                state.apply(operation, **settings)
            return observable.expectation(state, **settings)

        def gradient(
            program, adjoint=adjoint, angles=angles, observable=observable, settings=settings
        ):
            return adjoint.evaluate(
                program, angles[id(program)], [observable], precision=options.precision, **settings
            )

        one = best(energy, programs, options.seconds)
        all_ = best(gradient, programs, options.seconds)
        print(
            f"{num_qubits:>6} {len(free):>9} {structure:>9.3f} {one:>9.4f} {all_:>9.4f} "
            f"{all_ / one:>9.2f}"
        )


if __name__ == "__main__":
    main()
