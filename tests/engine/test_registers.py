"""Register blocks: each gate of kernels/registers.h, through plans, against the numpy oracle."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import numpy as np
import oracle
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector

import basicaer
import basicaer._engine.state.state as state_module
from basicaer._engine import costs
from basicaer._engine.plan import compiled_plan, planner
from basicaer._engine.program import Gates
from basicaer._engine.state import dispatch, unplanned
from basicaer._engine.state.state import State
from basicaer._qiskit.circuits.lower import lower
from basicaer._qiskit.circuits.sweep import Sweep

BUILDS = dispatch.available()
TOLERANCE = {"double": 1e-12, "single": 2e-5}
LOCAL_BITS = 4
OUTER_BITS = 2
SMALL, LARGE = 0.4, 2.5  # |sin| of half of it is below, above |cos|
PLAN = Path(basicaer.__file__).parent / "_engine" / "plan"
CODES = {
    name: int(number)
    for name, number in re.findall(
        r"^#define GATE_(\w+) (\d+)", (PLAN / "gate_codes.h").read_text("utf-8"), re.MULTILINE
    )
}
COLUMNS = {
    name: int(number)
    for name, number in re.findall(
        r"^    (\w+) = (\d+)", (PLAN / "layout.pxi").read_text("utf-8"), re.MULTILINE
    )
}


@pytest.fixture(autouse=True)
def turns(monkeypatch):
    """Gates are turns at any width."""
    monkeypatch.setattr(compiled_plan, "TURNS_FROM", 0)


@pytest.fixture
def lane_bits(build, precision):
    return BUILDS[build].LANES[precision].bit_length() - 1


@pytest.fixture
def small_blocks(monkeypatch, lane_bits):
    """Blocks of four bits beside the lanes, plans at any size, threads at any size."""
    set_blocks(monkeypatch, lane_bits + LOCAL_BITS)


def set_blocks(monkeypatch, qubits):
    for module in (state_module, unplanned):
        monkeypatch.setattr(module, "block_qubits", lambda *_: qubits)
    monkeypatch.setattr(unplanned, "MOST_ONE_BY_ONE", -1)
    monkeypatch.setattr(unplanned, "MOST_DIRECT", -1)
    monkeypatch.setattr(state_module, "_ONE_CALL", 0)
    monkeypatch.setitem(costs.THREADS_WORK, "state", 0)


@pytest.fixture
def plans(monkeypatch):
    """The plans that are made in the test."""
    made = []
    original = planner.plan

    def spied(*given):
        made.append(original(*given))
        return made[-1]

    monkeypatch.setattr(planner, "plan", spied)
    return made


def gates_of(plan, lanes, register_bits):
    """(name, code as it is carried out, outer condition) of each gate in register blocks."""
    for op in plan.ops.tolist():
        if op[COLUMNS["COL_KIND"]] != COLUMNS["OP_REGISTERS"]:
            continue
        begin = op[COLUMNS["COL_LIST"]] + register_bits
        count, width = op[COLUMNS["COL_COUNT"]], COLUMNS["GATE_COLUMNS"]
        assert 0 < count <= COLUMNS["MOST_GATES"]
        for row in plan.lists[begin : begin + count * width].reshape(count, width).tolist():
            code = row[COLUMNS["COL_GATE"]]
            name = max((first, name) for name, first in CODES.items() if first <= code)[1]
            if "TURN" in name:
                form = int(plan.coefficients[row[COLUMNS["GATE_COEFFICIENT"]] + lanes])
                code += {"TURN": 3, "TURN2": 9, "TURN_CX": 6, "TURN_X": 0}[name] * form
                if name == "TURN_X":
                    code += CODES["TURN"] - CODES["TURN_X"] + 3 * (form ^ 1)
            yield name, code, row[COLUMNS["GATE_OUTER"]] != 0


def all_codes(lane_bits, register_bits):
    """Every code that a build of so many lanes and registers can carry out."""
    bits, lanes = range(register_bits), range(lane_bits)
    pairs = range(3 if register_bits == 3 else 1)
    lane_pairs = {(0, 1): 0, (0, 2): 1, (0, 3): 2, (1, 2): 3, (1, 3): 4, (2, 3): 5}
    found = {CODES["DIAGONAL"]}
    found |= {CODES["TURN"] + 3 * form + r for form in range(6) for r in bits}
    found |= {CODES[name] + r for name in ("FLIP", "REAL") for r in bits}
    found |= {CODES["TURN2"] + 9 * form + 3 * p + k
              for form in range(4) for p in pairs for k in range(3)}  # fmt: skip
    found |= {CODES["TURN_CX"] + 6 * form + 2 * p + k
              for form in range(4) for p in pairs for k in range(2)}  # fmt: skip
    found |= {CODES[name] + 2 * p + k for name in ("CX", "STEERED") for p in pairs for k in (0, 1)}
    found |= {CODES[name] + lane for name in ("LANE", "DENSE_LANE") for lane in lanes}
    found |= {CODES["LANES"] + lane_pairs[pair] for pair in itertools.combinations(lanes, 2)}
    found |= {CODES[name] + 3 * lane + r
              for name in ("LANE_BIT", "LANE_STEERED") for lane in lanes for r in bits}  # fmt: skip
    return found


def run_on_random_state(circuit, precision, threads=1, fresh=False):
    """Compares the state after a circuit with the oracle's; returns it."""
    (gates,) = lower(circuit).body
    initial = oracle.random_state(circuit.num_qubits, 7)
    state = State.from_amplitudes(initial, precision)
    if fresh:
        initial = np.eye(1, 2**circuit.num_qubits, dtype=complex)[0]
        state = State.zero(circuit.num_qubits, precision)
    state.apply(gates, again=True, threads=threads)
    got = state.to_array()
    expected = oracle.apply_gates(gates, initial.copy())
    np.testing.assert_allclose(got, expected, rtol=0, atol=TOLERANCE[precision])
    return got


# --- every gate --------------------------------------------------------------------------------
#
# Each is written on a qubit `t`, or on `c` and `t`. What is meant depends on where they are: on a
# lane, in the block or, for `c`, outside, which makes it a condition on blocks.

ONE = {
    "ry": (lambda circuit, angle, t: circuit.ry(angle, t), "TURN", "LANE"),
    "rx": (lambda circuit, angle, t: circuit.rx(angle, t), "TURN", "DENSE_LANE"),
    "u": (lambda circuit, angle, t: circuit.u(angle, 0.3, -1.1, t), "TURN", "LANE"),
    "u with signs": (lambda circuit, angle, t: circuit.u(-angle, 2.9, 2.3, t), "TURN", "LANE"),
    "h": (lambda circuit, _, t: circuit.h(t), "TURN", "LANE"),
    "sx": (lambda circuit, _, t: circuit.sx(t), "TURN", "LANE"),
}


@pytest.mark.parametrize("angle", [SMALL, -SMALL, LARGE, -LARGE])
@pytest.mark.parametrize("name", ONE)
def test_one_qubit(build, precision, lane_bits, small_blocks, plans, name, angle):
    apply, on_block, on_lane = ONE[name]
    width = lane_bits + LOCAL_BITS + OUTER_BITS
    register_bits = BUILDS[build].REGISTER_BITS
    for qubit, other in itertools.permutations(range(width), 2):
        circuit = QuantumCircuit(width)
        apply(circuit, angle, qubit)
        circuit.u(1.1, 0.2, 0.3, other)
        plans.clear()
        run_on_random_state(circuit, precision)
        (plan,) = plans
        found = {name for name, *_ in gates_of(plan, 1 << lane_bits, register_bits)}
        meant = on_lane if qubit < lane_bits else on_block
        assert meant in found or (name == "sx" and "DENSE_LANE" in found)


def steered(kind):
    def apply(circuit, angle, c, t):
        if kind == "cx":
            circuit.cx(c, t)
        elif kind == "ry, cx":
            circuit.ry(angle, t)
            circuit.cx(c, t)
        elif kind == "u, cx":
            circuit.u(angle, 0.7, -2.1, t)
            circuit.cx(c, t)
        elif kind == "cu":
            circuit.cu(angle, 0.4, -1.2, 0.8, c, t)
        elif kind == "both":
            circuit.cry(angle, c, t)
            circuit.cry(-2 * angle, c, t, ctrl_state=0)
        else:
            getattr(circuit, kind)(angle, c, t)

    return apply


STEERED = ["cx", "ry, cx", "u, cx", "cry", "crx", "cu", "both"]


@pytest.mark.parametrize("angle", [SMALL, LARGE])
@pytest.mark.parametrize("kind", STEERED)
def test_steered(build, precision, lane_bits, small_blocks, plans, kind, angle):
    width = lane_bits + LOCAL_BITS + OUTER_BITS
    register_bits = BUILDS[build].REGISTER_BITS
    apply = steered(kind)
    for c, t in itertools.permutations(range(width), 2):
        for mixed in (True, False):
            circuit = QuantumCircuit(width)
            other = next(q for q in range(lane_bits, width) if q not in (c, t))
            circuit.u(0.3, 0.9, 0.4, c if mixed else other)
            apply(circuit, angle, c, t)
            plans.clear()
            run_on_random_state(circuit, precision)
            (plan,) = plans
            found = {name for name, *_ in gates_of(plan, 1 << lane_bits, register_bits)}
            outer = {name for name, _, out in gates_of(plan, 1 << lane_bits, register_bits) if out}
            inside = c < lane_bits or mixed
            if t < lane_bits and c < lane_bits:
                assert "LANE" in found
            elif t < lane_bits and inside:
                assert "LANE_STEERED" in found
            elif c < lane_bits:
                assert "REAL" in found
            elif inside:
                flips = {"cx": "CX", "ry, cx": "TURN_CX", "u, cx": "TURN_CX"}
                assert flips.get(kind, "STEERED") in found
            elif c == width - 1:
                assert outer
                if t < lane_bits:
                    assert "LANE" in outer
                else:
                    flips = {"cx": {"FLIP"}, "ry, cx": {"TURN", "TURN_X"}}
                    flips["u, cx"] = flips["ry, cx"]
                    assert flips.get(kind, {"TURN"}) <= outer


def heisenberg(circuit, angle, a, b):
    """A term of a Heisenberg chain: exp of XX + YY + ZZ, in h, cx and rz."""
    circuit.cx(a, b)
    circuit.h(a)
    circuit.rz(angle, a)
    circuit.rz(0.7 * angle, b)
    circuit.cx(a, b)
    circuit.rz(-angle, b)
    circuit.cx(a, b)
    circuit.h(a)
    circuit.cx(a, b)


def products(circuit, angle, a, b):
    circuit.rxx(angle, a, b)
    circuit.ryy(0.6 * angle, a, b)
    circuit.rzz(0.3, a, b)


TWO = {
    "rxx": lambda circuit, angle, a, b: circuit.rxx(angle, a, b),
    "ryy": lambda circuit, angle, a, b: circuit.ryy(angle, a, b),
    "products": products,
    "Heisenberg": heisenberg,
    "xx + yy": lambda circuit, angle, a, b: circuit.append(
        oracle.sg.XXPlusYYGate(angle, 0.4), [a, b]
    ),
    "xx - yy": lambda circuit, angle, a, b: circuit.append(
        oracle.sg.XXMinusYYGate(angle, 2.4), [a, b]
    ),
    "iswap": lambda circuit, _, a, b: circuit.iswap(a, b),
}


@pytest.mark.parametrize("angle", [SMALL, -SMALL, LARGE, -LARGE])
@pytest.mark.parametrize("kind", TWO)
def test_two_qubits(build, precision, lane_bits, small_blocks, plans, kind, angle):
    width = lane_bits + LOCAL_BITS + OUTER_BITS
    register_bits = BUILDS[build].REGISTER_BITS
    for a, b in itertools.permutations(range(width), 2):
        circuit = QuantumCircuit(width)
        other = next(q for q in range(width) if q not in (a, b))
        circuit.u(0.3, 0.9, 0.4, other)
        TWO[kind](circuit, angle, a, b)
        plans.clear()
        run_on_random_state(circuit, precision)
        (plan,) = plans
        found = {name for name, *_ in gates_of(plan, 1 << lane_bits, register_bits)}
        in_lanes = (a < lane_bits) + (b < lane_bits)
        if kind != "iswap":
            assert ("TURN2", "LANE_BIT", "LANES")[in_lanes] in found


def test_every_code_is_reached(build, precision, lane_bits, small_blocks, plans):
    """Gates as above, in any order, leave no code of this build out.

    In a fresh state qubits come into a block in the order of use, so that the first qubit of a turn
    of two can be the higher bit.
    """
    register_bits = BUILDS[build].REGISTER_BITS
    assert register_bits in (2, 3)
    width = lane_bits + LOCAL_BITS + OUTER_BITS
    rng = np.random.default_rng(1)
    seen = set()
    every = all_codes(lane_bits, register_bits)
    for number in range(2000):
        circuit = random_turns(width, 10, rng)
        plans.clear()
        run_on_random_state(circuit, precision, fresh=number % 2 == 1)
        for plan in plans:
            seen |= {code for _, code, _ in gates_of(plan, 1 << lane_bits, register_bits)}
        if number >= 50 and not every - seen:
            break
    assert seen == every


def random_turns(num_qubits, length, rng, on=None):
    """A circuit of gates that become turns, and of small diagonals."""
    circuit = QuantumCircuit(num_qubits)
    for _ in range(length):
        a, b = (int(q) for q in rng.permutation(on or num_qubits)[:2])
        angle = float(rng.uniform(-6, 6))
        draw = rng.integers(9)
        if draw < 2:
            list(ONE.values())[rng.integers(len(ONE))][0](circuit, angle, a)
        elif draw < 5:
            steered(STEERED[rng.integers(len(STEERED))])(circuit, angle, a, b)
        elif draw < 7:
            list(TWO.values())[rng.integers(len(TWO))](circuit, angle, a, b)
        else:
            circuit.rz(angle, a)
            circuit.cp(2 * angle, a, b)
    return circuit


# --- circuits ----------------------------------------------------------------------------------


def bits(array):
    return array.dtype, array.shape, array.tobytes()


@pytest.mark.parametrize("seed", range(4))
def test_any_number_of_threads_gives_the_same_bits(build, precision, lane_bits, small_blocks, seed):
    circuit = random_turns(lane_bits + 8, 80, np.random.default_rng(seed))
    arrays = [run_on_random_state(circuit, precision, threads) for threads in (1, 2, 3, 5)]
    assert len({bits(array) for array in arrays}) == 1


def chains(num_qubits, layers, parameters=None):
    """Turns on all qubits, chains of phases between them: what is held in large states."""
    circuit = QuantumCircuit(num_qubits)
    angles = iter(parameters if parameters is not None else ())
    rng = np.random.default_rng(num_qubits)

    def angle():
        return next(angles) if parameters is not None else float(rng.uniform(-3, 3))

    for layer in range(layers):
        for qubit in range(num_qubits):
            (circuit.rx if layer % 2 else circuit.ry)(angle(), qubit)
        for qubit in range(num_qubits - 1):
            circuit.rzz(angle(), qubit, qubit + 1)
        circuit.cp(angle(), 0, num_qubits - 1)
        for qubit in range(0, num_qubits - 1, 3):
            circuit.cx(qubit, (qubit + 5) % num_qubits)
    return circuit


@pytest.mark.parametrize(("num_qubits", "block"), [(15, 8), (16, 11)])
def test_diagonals_are_held(build, precision, plans, monkeypatch, num_qubits, block, lane_bits):
    """Through passes, in large states; register blocks take what they need of them."""
    set_blocks(monkeypatch, block)
    circuit = chains(num_qubits, 3)
    arrays = [run_on_random_state(circuit, precision, threads) for threads in (1, 3)]
    assert bits(arrays[0]) == bits(arrays[1])
    register_bits = BUILDS[build].REGISTER_BITS
    found = {name for name, *_ in gates_of(plans[0], 1 << lane_bits, register_bits)}
    assert "TURN" in found and len(plans[0].passes) > 1


@pytest.mark.parametrize("num_qubits", [14, 15, 16])
def test_held_terms_under_outer_qubits(build, precision, plans, monkeypatch, num_qubits, lane_bits):
    set_blocks(monkeypatch, lane_bits + 5)
    circuit = QuantumCircuit(num_qubits)
    low, last = lane_bits, num_qubits - 1
    circuit.rzz(0.3, low, last)
    circuit.cp(0.4, low + 1, last)
    circuit.cp(0.7, 0, last)
    for qubit in range(low + 2):
        circuit.ry(0.6 + 0.1 * qubit, qubit)
    for qubit in range(num_qubits):
        circuit.rx(0.9, qubit)
    run_on_random_state(circuit, precision)
    register_bits = BUILDS[build].REGISTER_BITS
    found = list(gates_of(plans[0], 1 << lane_bits, register_bits))
    under_others = any(name == "DIAGONAL" and out for name, _, out in found)
    assert under_others == (num_qubits >= 15)


@pytest.mark.parametrize("fresh", [True, False])
@pytest.mark.parametrize("block", [8, 11])
def test_refreshed_plans_of_held_diagonals(build, monkeypatch, plans, fresh, block):
    set_blocks(monkeypatch, block)
    num_qubits = 15
    parameters = ParameterVector("x", 4 * num_qubits)
    circuit = chains(num_qubits, 2, parameters)
    used = list(circuit.parameters)
    values = np.random.default_rng(3).uniform(-3, 3, (3, len(used)))
    rows = [program.body[0] for program in Sweep(circuit, used).programs(values)]
    made = []
    for gates in rows:
        alone = Gates(
            gates.kinds, gates.kind, gates.start, gates.qubits, gates.offset, gates.coefficients
        )
        pair = []
        for each in (gates, alone):
            state = State.zero(num_qubits)
            if not fresh:
                state.opened()
            state.apply(each, again=True)
            pair.append(bits(state.to_array()))
            made.append(len(plans))
        assert pair[0] == pair[1]
    assert made == [1, 2, 2, 3, 3, 4]  # planned once, then refreshed


@pytest.mark.parametrize("fresh", [True, False])
@pytest.mark.parametrize("between", ["ccx", "cswap", "iswap", "cz"])
def test_turns_without_diagonals_do_not_overflow(build, precision, small_blocks, fresh, between):
    """Their scale goes into one of them where no diagonal comes to take it."""
    num_qubits = 8
    rng = np.random.default_rng(4)
    circuit = QuantumCircuit(num_qubits)
    for layer in range(300):
        for qubit in range(num_qubits):
            (circuit.rx if layer % 5 == 2 else circuit.ry)(float(rng.uniform(1.4, 1.7)), qubit)
        on = [int(q) for q in rng.permutation(num_qubits)[:3]]
        getattr(circuit, between)(*(on if between in ("ccx", "cswap") else on[:2]))
    run_on_random_state(circuit, precision, fresh=fresh)


@pytest.mark.parametrize("fresh", [True, False])
def test_turns_under_one_control_do_not_overflow(build, precision, small_blocks, fresh):
    """Their scale is a factor of the control, which nothing mixes for a long time."""
    rng = np.random.default_rng(6)
    circuit = QuantumCircuit(8)
    circuit.h(7)
    for _ in range(400):
        for qubit in range(7):
            circuit.cry(float(rng.uniform(1.4, 1.7)), 7, qubit)
        circuit.ccx(*(int(q) for q in rng.permutation(7)[:3]))
    run_on_random_state(circuit, precision, fresh=fresh)


@pytest.mark.parametrize("fresh", [True, False])
@pytest.mark.parametrize("rz", [True, False])
def test_passes_do_not_run_far_ahead_with_scales(build, precision, small_blocks, fresh, rz):
    """One half of the qubits could go through all of its turns before the other half begins."""
    rng = np.random.default_rng(5)
    circuit = QuantumCircuit(10)
    for _ in range(250):
        for qubit in range(10):
            circuit.ry(float(rng.uniform(1.4, 1.7)), qubit)
            if rz:
                circuit.rz(0.3, qubit)
        for half in (0, 5):
            circuit.ccx(*(half + int(q) for q in rng.permutation(5)[:3]))
    run_on_random_state(circuit, precision, fresh=fresh)


@pytest.mark.parametrize("fresh", [True, False])
@pytest.mark.parametrize("diagonals", [True, False])
def test_many_turns_lose_no_accuracy(build, monkeypatch, plans, fresh, diagonals):
    """Each turn leaves a factor of 0.7 or more behind: 10,000 of them must not underflow."""
    num_qubits = 8
    set_blocks(monkeypatch, 13)
    rng = np.random.default_rng(9)
    circuit = QuantumCircuit(num_qubits)
    for _ in range(10_000):
        a, b = (int(q) for q in rng.permutation(num_qubits)[:2])
        draw = rng.random()
        if draw < 0.3:
            circuit.cx(a, b)
        elif draw < 0.4 and diagonals:
            circuit.cp(float(rng.uniform(-3, 3)), a, b)
        elif diagonals:
            circuit.u(*rng.uniform(-3, 3, 3).tolist(), a)
        else:
            circuit.ry(float(rng.uniform(1.5, 1.65)), a)
    (gates,) = lower(circuit).body
    initial = oracle.random_state(num_qubits, 3)
    if fresh:
        initial = np.zeros(2**num_qubits, dtype=complex)
        initial[0] = 1
    state = State.zero(num_qubits) if fresh else State.from_amplitudes(initial)
    state.apply(gates, again=True)
    assert len(plans) == 1
    got = state.to_array()
    assert abs(np.linalg.norm(got) - 1) < 1e-12
    np.testing.assert_allclose(got, oracle.apply_gates(gates, initial), rtol=0, atol=1e-12)
