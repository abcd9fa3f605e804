"""From parameters to numbers: compiled circuits, gradients and primitives beside their peers.

    python benchmarks/bench_compiled.py states        # panta-sim, prism-q
    python benchmarks/bench_compiled.py gradients     # also lightning, qiskit-algorithms
    python benchmarks/bench_compiled.py primitives    # Qiskit's primitives V2
    python benchmarks/bench_compiled.py vqe           # qiskit-algorithms' VQE on both
    python benchmarks/bench_compiled.py costs         # what a value is made of

Needs Qiskit 1 or 2. Peers that are not installed are skipped, and named. All competitors of a row
take turns in one process, and the best time of each counts (`measure.best_times`). Circuits are
translated into a peer's own form beforehand. Of states there are two kinds: circuits without
parameters, and circuits that get new values of all their angles in each call. Gradients of ours get
new values in each call, the peers' have theirs beforehand.
"""

from __future__ import annotations

import argparse
import functools
import itertools
import sys
from collections.abc import Callable, Mapping
from time import perf_counter
from typing import Any

import circuits as families
import numpy as np
from measure import best_times, machine, readable, versions
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector
from qiskit.quantum_info import SparsePauliOp
from simulators import COMPILING, num_cores

import basicaer

DISTRIBUTIONS = (
    "qiskit",
    "basicaer",
    *dict.fromkeys(each for peer in COMPILING for each in peer.versions),
    "qiskit-algorithms",
)

# ------------------------------------------------------------------------------------------
# Circuits, observables, clocks
# ------------------------------------------------------------------------------------------


def freed(circuit: QuantumCircuit) -> tuple[QuantumCircuit, np.ndarray]:
    """Returns a circuit with a parameter in place of each angle, and the angles."""
    angles = [angle for _, _, angles in families.flat(circuit) for angle in angles]
    new = iter(ParameterVector("angle", len(angles)))
    made = QuantumCircuit(circuit.num_qubits)
    for name, qubits, given in families.flat(circuit):
        getattr(made, name)(*(next(new) for _ in given), *qubits)
    return made, np.array(angles)


def ansatz(num_qubits: int, reps: int) -> QuantumCircuit:
    """Qiskit's EfficientSU2, as gates."""
    try:
        from qiskit.circuit.library import efficient_su2
    except ImportError:  # before Qiskit 2.1
        from qiskit.circuit.library import EfficientSU2

        return EfficientSU2(num_qubits, reps=reps).decompose()
    return efficient_su2(num_qubits, reps=reps)


def ising(num_qubits: int) -> SparsePauliOp:
    """An Ising chain in two fields: sum ZZ + 0.5 X + 0.3 Z."""
    terms = [("ZZ", [qubit, qubit + 1], 1.0) for qubit in range(num_qubits - 1)]
    terms += [("X", [qubit], 0.5) for qubit in range(num_qubits)]
    terms += [("Z", [qubit], 0.3) for qubit in range(num_qubits)]
    return SparsePauliOp.from_sparse_list(terms, num_qubits)


def peers(make: Callable[[Any], Any]) -> dict[str, Any]:
    """What `make` makes of each peer that is installed and can do it."""
    found = {}
    for peer in COMPILING:
        try:
            found[peer.name] = make(peer)
        except (ImportError, NotImplementedError):
            continue
    return found


def clocked(work: Callable[[], Any]) -> Callable[[], float]:
    """Returns a function that does the work and returns its seconds."""

    def call() -> float:
        begin = perf_counter()
        work()
        return perf_counter() - begin

    return call


def best(works: Mapping[Any, Callable[[], Any]], budget: float) -> dict[Any, float]:
    """Returns the least seconds of each, taken in turns."""
    times = best_times({name: clocked(work) for name, work in works.items()}, budget)
    return {name: min(found) for name, found in times.items()}


def rows_of(number: int, seed: int = 0, count: int = 7) -> np.ndarray:
    """Random values of parameters, shape (count, number)."""
    return np.random.default_rng(seed).uniform(-3, 3, (count, number))


def each_in_turn(function: Callable[[np.ndarray], Any], rows: np.ndarray) -> Callable[[], Any]:
    """Returns a function that calls another with the next row each time."""
    turns = itertools.cycle(rows)
    return lambda: function(next(turns))


# ------------------------------------------------------------------------------------------
# Parts
# ------------------------------------------------------------------------------------------


def returned(gates: families.Listed) -> dict[str, Callable[[], Any]]:
    """The peers that return a statevector as an array, as ours do."""
    found = peers(lambda peer: peer.state_of(gates, num_cores()))
    return {name: found[name] for name in ("panta-sim", "prism-q") if name in found}


def states(sizes: list[int], budget: float) -> bool:
    """Compiled statevectors beside the peers' of circuits of their own."""
    print(
        "Statevectors of circuits without parameters (fixed), and with new values of all angles;\n"
        "in brackets: how many times ours"
    )
    right = True
    for name, num_qubits in itertools.product(families.COMPILED, sizes):
        circuit = families.COMPILED[name](num_qubits)
        free, angles = freed(circuit)
        fixed, compiled = basicaer.compile(circuit), basicaer.compile(free)
        rows = rows_of(len(angles))
        works = {"fixed": {"basicaer": fixed.statevector}, "values": {}}
        gates = families.listed(circuit)
        works["fixed"].update(returned(gates))
        given = {"basicaer": compiled.statevector}
        given.update(peers(lambda peer, gates=gates: peer.values_of(gates)))
        state = fixed.statevector()
        for peer in given:
            works["values"][peer] = each_in_turn(given[peer], rows)
        found_states = {f"{peer} fixed": work() for peer, work in works["fixed"].items()}
        found_states.update({f"{peer} values": work(angles) for peer, work in given.items()})
        for peer, found in found_states.items():
            distance = 1 - abs(np.vdot(state, found))
            if not distance < 1e-9:
                right = False
                print(f"{peer}: another state, distance {distance:.1e}")
        del found_states
        both = {(kind, peer): work for kind in works for peer, work in works[kind].items()}
        found = best(both, budget)
        told = f"{name + ' ' + str(num_qubits):<10}{circuit.size():>5} gates"
        for kind in works:
            own = found[kind, "basicaer"]
            told += f"  | {kind} {readable(own):>7}"
            for peer in works["fixed"]:
                if peer != "basicaer" and (kind, peer) in found:
                    each = found[kind, peer]
                    told += f", {peer} {readable(each)} ({each / own:.2f})"
        print(told, flush=True)
    return right


def gradients(sizes: list[int], budget: float) -> bool:
    """Gradients of an Ising energy, in milliseconds and in units of one energy."""
    print("Gradients of an Ising energy, EfficientSU2 of 3 layers")
    right = True
    for num_qubits in sizes:
        circuit, observable = ansatz(num_qubits, 3), ising(num_qubits)
        compiled = basicaer.compile(circuit)
        rows = rows_of(len(compiled.parameters), seed=num_qubits)
        bound = circuit.assign_parameters(rows[0])
        place_of = {parameter: place for place, parameter in enumerate(circuit.parameters)}
        order = [place_of[parameter] for parameter in parameters_by_gate(circuit)]
        works: dict[str, Callable[[], Any]] = {
            "energy": each_in_turn(functools.partial(compiled.expectation, observable), rows),
            "gradient": each_in_turn(functools.partial(compiled.gradient, observable), rows),
        }
        exact = compiled.gradient(observable, rows[0])[1]
        terms = [(label, complex(factor).real) for label, factor in observable.to_list()]
        gates = families.listed(bound)
        theirs = peers(lambda peer, gates=gates, terms=terms: peer.gradient_of(gates, terms))
        for place, make in (("ours", our_class), ("qiskit-algorithms", their_class)):
            try:
                gradient = make()
            except ImportError:
                continue
            name = "ReverseEstimatorGradient" if place == "ours" else place
            work = functools.partial(gradient_by, gradient, circuit, observable, rows[0])
            (works if place == "ours" else theirs)[name] = work
        errors = {}
        for name, work in theirs.items():
            wanted = exact if name == "qiskit-algorithms" else exact[order]
            errors[name] = float(np.abs(work() - wanted).max())
            right &= errors[name] < 1e-9
        found = best({**works, **theirs}, budget)
        ours = found.get("ReverseEstimatorGradient")
        print(
            f"{num_qubits} qubits, {len(compiled.parameters)} parameters: energy "
            f"{readable(found['energy'])}; gradient {readable(found['gradient'])}, "
            f"{found['gradient'] / found['energy']:.2f} energies; our ReverseEstimatorGradient "
            f"{'has no base class' if ours is None else readable(ours)}"
        )
        for name in theirs:
            unit = "ReverseEstimatorGradient" if name == "qiskit-algorithms" else "gradient"
            print(
                f"    {name:<18}{readable(found[name]):>9}  {found[name] / found[unit]:7.1f} times "
                f"our {unit}; largest difference {errors[name]:.1e}",
                flush=True,
            )
    return right


def parameters_by_gate(circuit: QuantumCircuit) -> list[Any]:
    """Returns the parameter of each gate that has one, in the order of the gates."""
    return [param for instruction in circuit.data for param in instruction.operation.params]


def gradient_by(gradient: Any, circuit: QuantumCircuit, observable: Any, row: Any) -> np.ndarray:
    """Returns the gradient by a class of qiskit-algorithms' interface."""
    return gradient.run([circuit], [observable], [row]).result().gradients[0]


def our_class() -> Any:
    from basicaer.gradients import ReverseEstimatorGradient

    return ReverseEstimatorGradient()


def their_class() -> Any:
    from qiskit_algorithms.gradients import ReverseEstimatorGradient

    return ReverseEstimatorGradient()


def primitives(sizes: list[int], budget: float, check: int) -> bool:
    """Primitives V2 beside Qiskit's: times, and whether all is equal seed for seed."""
    from qiskit import primitives as theirs

    from basicaer import primitives as ours

    print("Primitives V2, from run() to result(): EfficientSU2 of 2 layers, 1,024 shots")
    for num_qubits, points in itertools.product(sizes, (1, 100)):
        circuit, observable = ansatz(num_qubits, 2), ising(num_qubits)
        measured = circuit.copy()
        measured.measure_all()
        rows = rows_of(circuit.num_parameters * points).reshape(7, points, -1)
        for kind in ("Estimator", "Sampler"):
            works = {}
            fixed = (measured,) if kind == "Sampler" else (circuit, observable)
            for name, package in (("ours", ours), ("theirs", theirs)):
                primitive = getattr(package, f"Statevector{kind}")(seed=1)
                work = functools.partial(result_of, primitive, fixed)
                works[name] = each_in_turn(work, rows[:, 0] if points == 1 else rows)
            found = best(works, budget)
            print(
                f"{num_qubits:>3} qubits, {points:>3} points, {kind:<9}  basicaer "
                f"{readable(found['ours']):>8}, Qiskit {readable(found['theirs']):>8}: "
                f"{found['theirs'] / found['ours']:.1f} times",
                flush=True,
            )
    return equal_pubs(ours, theirs, check)


def result_of(primitive: Any, fixed: tuple[Any, ...], row: np.ndarray) -> Any:
    """Returns the result of one PUB: what is fixed, and values."""
    return primitive.run([(*fixed, row)]).result()


def equal_pubs(ours: Any, theirs: Any, number: int) -> bool:
    """Runs random PUBs on both; prints how many results are equal."""
    rng = np.random.default_rng(4)
    bits = values = 0
    largest = 0.0
    for place in range(number):
        num_qubits = int(rng.integers(1, 8))
        circuit = ansatz(num_qubits, int(rng.integers(1, 3)))
        shape = [(), (3,), (2, 2)][place % 3]
        rows = rng.uniform(-3, 3, (*shape, circuit.num_parameters))
        measured = circuit.copy()
        measured.measure_all()
        shots = int(rng.integers(1, 3000))
        found = [
            package.StatevectorSampler(seed=place).run([(measured, rows, shots)]).result()[0]
            for package in (ours, theirs)
        ]
        bits += np.array_equal(*(each.data.meas.array for each in found))
        pub = (circuit, ising(num_qubits), rows, [0.0, 0.1][place % 2])
        first, second = (
            np.asarray(package.StatevectorEstimator(seed=place).run([pub]).result()[0].data.evs)
            for package in (ours, theirs)
        )
        difference = float(np.abs(first - second).max())
        largest = max(largest, difference)
        values += difference < 1e-12
    print(
        f"{number} random PUBs: {bits} bit arrays equal; {values} of the values within 1e-12, the "
        f"largest difference {largest:.1e}"
    )
    return bits == values == number


HYDROGEN = SparsePauliOp.from_list(
    [
        ("II", -1.052373245772859),
        ("IZ", 0.39793742484318045),
        ("ZI", -0.39793742484318045),
        ("ZZ", -0.01128010425623538),
        ("XX", 0.18093119978423156),
    ]
)
"""H2 at 0.735 angstrom in STO-3G, two qubits, without the repulsion of the nuclei."""


def vqe() -> bool:
    """qiskit-algorithms' VQE with SLSQP: Qiskit's primitives and gradient, and ours."""
    try:
        from qiskit_algorithms import VQE
        from qiskit_algorithms.gradients import ReverseEstimatorGradient as TheirGradient
        from qiskit_algorithms.optimizers import SLSQP
    except ImportError as error:
        print(f"skipped: {error}")
        return True
    from qiskit.primitives import StatevectorEstimator as TheirEstimator

    from basicaer.gradients import ReverseEstimatorGradient
    from basicaer.primitives import StatevectorEstimator

    class Watched(SLSQP):
        """Adds up the seconds that energies and gradients take; the rest is SciPy's."""

        seconds = 0.0

        def watched(self, function):
            def call(values):
                begin = perf_counter()
                value = function(values)
                self.seconds += perf_counter() - begin
                return value

            return call

        def minimize(self, fun, x0, jac=None, bounds=None):
            return super().minimize(self.watched(fun), x0, self.watched(jac), bounds)

    print("VQE, SLSQP with gradients; in brackets, energies and gradients without the optimiser")
    right = True
    for name, observable, reps in (("H2", HYDROGEN, 1), ("Ising chain of 8", ising(8), 3)):
        circuit = ansatz(observable.num_qubits, reps)
        start = rows_of(circuit.num_parameters, seed=3)[0] / 6
        exact = float(np.linalg.eigvalsh(observable.to_matrix())[0])
        print(f"{name}, {circuit.num_parameters} parameters, exact {exact:.8f}")
        energies, spent = [], []
        for package, estimator, gradient in (
            ("basicaer", StatevectorEstimator(), ReverseEstimatorGradient()),
            ("Qiskit", TheirEstimator(), TheirGradient()),
        ):
            optimiser = Watched(maxiter=60)
            search = VQE(estimator, circuit, optimiser, gradient=gradient, initial_point=start)
            begin = perf_counter()
            found = search.compute_minimum_eigenvalue(observable)
            seconds = perf_counter() - begin
            energies.append(found.eigenvalue.real)
            spent.append((seconds, optimiser.seconds))
            print(
                f"    {package:<9}{energies[-1]:.8f} in {readable(seconds)} "
                f"({readable(optimiser.seconds)}), {found.cost_function_evals} energies",
                flush=True,
            )
        (ours, our_part), (theirs, their_part) = spent
        right &= abs(energies[0] - energies[1]) < 1e-4
        print(f"    {theirs / ours:.1f} times faster ({their_part / our_part:.1f})", flush=True)
    return right


def costs(sizes: list[int], budget: float) -> bool:
    """What one value is made of, and batches of 1,000 on one thread and on two."""
    from basicaer._engine.final_states import final_states

    print("One value of an Ising energy, EfficientSU2 of 3 layers, one thread; batches of 1,000")
    for num_qubits in sizes:
        circuit, observable = ansatz(num_qubits, 3), ising(num_qubits)
        alone, two = (basicaer.compile(circuit, max_parallel_threads=n) for n in (1, 2))
        rows = rows_of(len(alone.parameters), count=1000)
        alone.expectation(observable, rows[0])
        (pauli_sum,) = alone._sums(observable).reshape(-1)
        turns = itertools.cycle(rows)
        parts: dict[str, list[float]] = {"refresh": [], "state": [], "observable": [], "all": []}
        end = perf_counter() + budget
        while perf_counter() < end:
            row = next(turns)
            times = [perf_counter()]
            (program,) = alone._lowered.programs(np.array([row]))
            times.append(perf_counter())
            ((_, state),) = final_states(program)
            times.append(perf_counter())
            value = pauli_sum.expectation(state, 1).real
            times.append(perf_counter())
            whole = alone.expectation(observable, row)
            times.append(perf_counter())
            if value != whole:
                print(f"{value} differs from {whole}")
                return False
            for name, before, after in zip(parts, times, times[1:]):
                parts[name].append(after - before)
        least = {name: min(found) for name, found in parts.items()}
        rest = least["all"] - least["refresh"] - least["state"] - least["observable"]
        batch = best(
            {
                "one": functools.partial(alone.expectation, observable, rows),
                "two": functools.partial(two.expectation, observable, rows),
            },
            budget,
        )
        print(
            f"{num_qubits:>3} qubits: refresh {readable(least['refresh'])}, state "
            f"{readable(least['state'])}, observable {readable(least['observable'])}, rest "
            f"{1e6 * rest:.1f} us, all {readable(least['all'])}; 1,000 values in "
            f"{readable(batch['one'])} on one thread, {readable(batch['two'])} on two "
            f"({batch['one'] / batch['two']:.2f} times)",
            flush=True,
        )
    return True


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("part", choices=["states", "gradients", "primitives", "vqe", "costs"])
    parser.add_argument("-n", type=int, nargs="+", help="qubits")
    parser.add_argument("--seconds", type=float, default=0.3, help="for each figure")
    parser.add_argument("--check", type=int, default=200, help="random PUBs that are compared")
    chosen = parser.parse_args()
    print(machine(), versions(DISTRIBUTIONS), sep="\n")
    if chosen.part == "states":
        right = states(chosen.n or [8, 12, 16, 20], chosen.seconds)
    elif chosen.part == "gradients":
        right = gradients(chosen.n or [8, 12, 16], chosen.seconds)
    elif chosen.part == "primitives":
        right = primitives(chosen.n or [4, 10], chosen.seconds, chosen.check)
    elif chosen.part == "vqe":
        right = vqe()
    else:
        right = costs(chosen.n or [4, 8, 12], chosen.seconds)
    sys.exit(0 if right else 1)


if __name__ == "__main__":
    main()
