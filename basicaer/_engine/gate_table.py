"""The gate table: one row a gate.

A row says what a gate's matrix is; everything else is derived from it. A new gate is one new row.

A gate is applied as one or a few *parts*, each a small matrix on some of the gate's qubits, behind
controls on others. Most gates are one part; `rccx` is a controlled Y and a controlled Z, which is
far less work than its 8 x 8 matrix.

The coefficients of a part are written once, as ``entries(f, *parameters)``, where `f` brings the
functions: `SCALAR` for numbers, `COLUMN` for numpy arrays of them. What holds for all parameters
(which entries can be non-zero, whether all are real) is found at import by trying some.
"""

from __future__ import annotations

import cmath
import math
from functools import partial
from typing import Any, Callable, Dict, List, NamedTuple, Tuple

import numpy as np
from qiskit.circuit.library import standard_gates as sg
from qiskit.circuit.library.generalized_gates.rv import RVGate

from basicaer._engine.program import DENSE, DIAGONAL, Kind


class Functions(NamedTuple):
    """What the entries of a matrix are made of.

    Attributes:
        cos: cosine.
        sin: sine.
        cis: ``exp(1j * x)``.
        sqrt: square root.
        sinc: ``sin(x) / x``, 1 at 0.
    """

    cos: Callable[[Any], Any]
    sin: Callable[[Any], Any]
    cis: Callable[[Any], Any]
    sqrt: Callable[[Any], Any]
    sinc: Callable[[Any], Any]


SCALAR = Functions(
    math.cos,
    math.sin,
    partial(cmath.rect, 1.0),
    math.sqrt,
    lambda x: math.sin(x) / x if x else 1.0,
)
"""For numbers: floats in, floats and complex numbers out."""

COLUMN = Functions(np.cos, np.sin, lambda x: np.exp(1j * x), np.sqrt, lambda x: np.sinc(x / np.pi))
"""For numpy arrays of parameter values."""

Entries = Callable[..., Tuple[Any, ...]]

_ROOT = 1 / math.sqrt(2)
"""The root of 1/2 as terra has it; the last bit of `sqrt(0.5)` is another, and draws could be."""


class Part(NamedTuple):
    """A small matrix on some qubits of a gate.

    Attributes:
        kind: form, widths, control state, pattern, realness.
        positions: which of the gate's qubits it acts on, controls first.
        entries: ``entries(f, *parameters)``: the coefficients, row-major or the diagonal alone.
        constant: the coefficients if the gate has no parameters, otherwise empty.
    """

    kind: Kind
    positions: Tuple[int, ...]
    entries: Entries
    constant: Tuple[complex, ...]


class Row(NamedTuple):
    """A gate.

    Attributes:
        name: terra's name of it.
        gate_class: terra's class of it.
        num_params: how many parameters it has.
        num_qubits: how many qubits it acts on.
        num_controls: how many of them, the first ones, are controls that a ``ctrl_state`` of the
            gate speaks of. A gate with such controls has one part.
        parts: what is applied, in order.
    """

    name: str
    gate_class: type
    num_params: int
    num_qubits: int
    num_controls: int
    parts: Tuple[Part, ...]


_TRIALS = ((0.61, 1.13, 2.07, 0.37), (2.41, -0.77, 0.29, 1.93), (-1.37, 3.01, -2.3, -0.83))


def _part(
    entries: Entries,
    num_params: int,
    form: int,
    positions: Tuple[int, ...],
    num_controls: int,
    control_state: int,
) -> Part:
    """The part, with all that can be derived from `entries` derived."""
    num_targets = len(positions) - num_controls
    values = np.array([entries(SCALAR, *trial[:num_params]) for trial in _TRIALS], dtype=complex)
    whole = (1 << values.shape[1]) - 1
    pattern = sum(1 << int(i) for i in np.flatnonzero((values != 0).any(axis=0)))
    if form == DIAGONAL or num_targets > 2 or pattern == whole:
        pattern = -1
    is_real = not values.imag.any()
    kind = Kind(form, num_targets, num_controls, control_state, pattern, is_real)
    constant = () if num_params else tuple(complex(v) for v in values[0])
    return Part(kind, positions, entries, constant)


def _row(
    name: str,
    gate_class: type,
    num_params: int,
    num_controls: int,
    form: int,
    entries: Entries,
) -> Row:
    """A gate of one part: controls, then targets."""
    size = len(entries(SCALAR, *_TRIALS[0][:num_params]))
    num_targets = (size.bit_length() - 1) // (2 if form == DENSE else 1)
    num_qubits = num_controls + num_targets
    positions = tuple(range(num_qubits))
    part = _part(entries, num_params, form, positions, num_controls, (1 << num_controls) - 1)
    return Row(name, gate_class, num_params, num_qubits, num_controls, (part,))


def _x(f):
    return (0, 1, 1, 0)


def _y(f):
    return (0, -1j, 1j, 0)


def _h(f):
    r = _ROOT
    return (r, r, r, -r)


def _sx(f):
    return (0.5 + 0.5j, 0.5 - 0.5j, 0.5 - 0.5j, 0.5 + 0.5j)


def _sxdg(f):
    return (0.5 - 0.5j, 0.5 + 0.5j, 0.5 + 0.5j, 0.5 - 0.5j)


def _rx(f, theta):
    cos, sin = f.cos(theta / 2), -1j * f.sin(theta / 2)
    return (cos, sin, sin, cos)


def _ry(f, theta):
    cos, sin = f.cos(theta / 2), f.sin(theta / 2)
    return (cos, -sin, sin, cos)


def _r(f, theta, phi):
    cos, sin = f.cos(theta / 2), -1j * f.sin(theta / 2)
    return (cos, sin * f.cis(-phi), sin * f.cis(phi), cos)


def _u(f, theta, phi, lam):
    cos, sin = f.cos(theta / 2), f.sin(theta / 2)
    return (cos, -sin * f.cis(lam), sin * f.cis(phi), cos * f.cis(phi + lam))


def _u2(f, phi, lam):
    r = _ROOT
    return (r, -r * f.cis(lam), r * f.cis(phi), r * f.cis(phi + lam))


def _cu(f, theta, phi, lam, gamma):
    cos, sin = f.cos(theta / 2), f.sin(theta / 2)
    return (
        cos * f.cis(gamma),
        -sin * f.cis(gamma + lam),
        sin * f.cis(gamma + phi),
        cos * f.cis(gamma + phi + lam),
    )


def _rv(f, x, y, z):
    half = f.sqrt(x * x + y * y + z * z) / 2
    cos, sin = f.cos(half), f.sinc(half) / 2
    return (cos - 1j * z * sin, (-y - 1j * x) * sin, (y - 1j * x) * sin, cos + 1j * z * sin)


def _z(f):
    return (1, -1)


def _s(f):
    return (1, 1j)


def _sdg(f):
    return (1, -1j)


def _t(f):
    return (1, cmath.rect(1.0, math.pi / 4))


def _tdg(f):
    return (1, cmath.rect(1.0, -math.pi / 4))


def _p(f, theta):
    return (1, f.cis(theta))


def _rz(f, theta):
    return (f.cis(-theta / 2), f.cis(theta / 2))


def _rzz(f, theta):
    minus, plus = f.cis(-theta / 2), f.cis(theta / 2)
    return (minus, plus, plus, minus)


def _swap(f):
    return (1, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1)


def _iswap(f):
    return (1, 0, 0, 0, 0, 0, 1j, 0, 0, 1j, 0, 0, 0, 0, 0, 1)


def _dcx(f):
    return (1, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 1, 0)


def _ecr(f):
    r = _ROOT
    i = 1j * r
    return (0, r, 0, i, r, 0, -i, 0, 0, i, 0, r, -i, 0, r, 0)


def _rxx(f, theta):
    c, s = f.cos(theta / 2), -1j * f.sin(theta / 2)
    return (c, 0, 0, s, 0, c, s, 0, 0, s, c, 0, s, 0, 0, c)


def _ryy(f, theta):
    c, s = f.cos(theta / 2), 1j * f.sin(theta / 2)
    return (c, 0, 0, s, 0, c, -s, 0, 0, -s, c, 0, s, 0, 0, c)


def _rzx(f, theta):
    c, s = f.cos(theta / 2), -1j * f.sin(theta / 2)
    return (c, 0, s, 0, 0, c, 0, -s, s, 0, c, 0, 0, -s, 0, c)


def _xx_minus_yy(f, theta, beta):
    c, s = f.cos(theta / 2), -1j * f.sin(theta / 2)
    return (c, 0, 0, s * f.cis(-beta), 0, 1, 0, 0, 0, 0, 1, 0, s * f.cis(beta), 0, 0, c)


def _xx_plus_yy(f, theta, beta):
    c, s = f.cos(theta / 2), -1j * f.sin(theta / 2)
    return (1, 0, 0, 0, 0, c, s * f.cis(-beta), 0, 0, s * f.cis(beta), c, 0, 0, 0, 0, 1)


def _rcccx() -> Row:
    parts = (
        # q0, q1, not q2: phases i and -i on the target; all three: the target turns with a sign.
        _part(lambda f: (1j, -1j), 0, DIAGONAL, (0, 1, 2, 3), 3, 0b011),
        _part(lambda f: (0, 1, -1, 0), 0, DENSE, (0, 1, 2, 3), 3, 0b111),
    )
    return Row("rcccx", sg.RC3XGate, 0, 4, 0, parts)


def _rccx() -> Row:
    parts = (
        _part(_z, 0, DIAGONAL, (0, 1, 2), 2, 0b01),
        _part(_y, 0, DENSE, (0, 1, 2), 2, 0b11),
    )
    return Row("rccx", sg.RCCXGate, 0, 3, 0, parts)


GATES: Tuple[Row, ...] = (
    Row("id", sg.IGate, 0, 1, 0, ()),
    _row("x", sg.XGate, 0, 0, DENSE, _x),
    _row("y", sg.YGate, 0, 0, DENSE, _y),
    _row("z", sg.ZGate, 0, 0, DIAGONAL, _z),
    _row("h", sg.HGate, 0, 0, DENSE, _h),
    _row("s", sg.SGate, 0, 0, DIAGONAL, _s),
    _row("sdg", sg.SdgGate, 0, 0, DIAGONAL, _sdg),
    _row("t", sg.TGate, 0, 0, DIAGONAL, _t),
    _row("tdg", sg.TdgGate, 0, 0, DIAGONAL, _tdg),
    _row("sx", sg.SXGate, 0, 0, DENSE, _sx),
    _row("sxdg", sg.SXdgGate, 0, 0, DENSE, _sxdg),
    _row("p", sg.PhaseGate, 1, 0, DIAGONAL, _p),
    _row("r", sg.RGate, 2, 0, DENSE, _r),
    _row("rv", RVGate, 3, 0, DENSE, _rv),
    _row("rx", sg.RXGate, 1, 0, DENSE, _rx),
    _row("ry", sg.RYGate, 1, 0, DENSE, _ry),
    _row("rz", sg.RZGate, 1, 0, DIAGONAL, _rz),
    _row("u", sg.UGate, 3, 0, DENSE, _u),
    _row("u1", sg.U1Gate, 1, 0, DIAGONAL, _p),
    _row("u2", sg.U2Gate, 2, 0, DENSE, _u2),
    _row("u3", sg.U3Gate, 3, 0, DENSE, _u),
    _row("cx", sg.CXGate, 0, 1, DENSE, _x),
    _row("cy", sg.CYGate, 0, 1, DENSE, _y),
    _row("cz", sg.CZGate, 0, 1, DIAGONAL, _z),
    _row("ch", sg.CHGate, 0, 1, DENSE, _h),
    _row("cs", sg.CSGate, 0, 1, DIAGONAL, _s),
    _row("csdg", sg.CSdgGate, 0, 1, DIAGONAL, _sdg),
    _row("csx", sg.CSXGate, 0, 1, DENSE, _sx),
    _row("cp", sg.CPhaseGate, 1, 1, DIAGONAL, _p),
    _row("crx", sg.CRXGate, 1, 1, DENSE, _rx),
    _row("cry", sg.CRYGate, 1, 1, DENSE, _ry),
    _row("crz", sg.CRZGate, 1, 1, DIAGONAL, _rz),
    _row("cu", sg.CUGate, 4, 1, DENSE, _cu),
    _row("cu1", sg.CU1Gate, 1, 1, DIAGONAL, _p),
    _row("cu3", sg.CU3Gate, 3, 1, DENSE, _u),
    _row("ccx", sg.CCXGate, 0, 2, DENSE, _x),
    _row("ccz", sg.CCZGate, 0, 2, DIAGONAL, _z),
    _row("mcx", sg.C3XGate, 0, 3, DENSE, _x),
    _row("c3sx", sg.C3SXGate, 0, 3, DENSE, _sx),
    _row("mcx", sg.C4XGate, 0, 4, DENSE, _x),
    _row("swap", sg.SwapGate, 0, 0, DENSE, _swap),
    _row("cswap", sg.CSwapGate, 0, 1, DENSE, _swap),
    _row("iswap", sg.iSwapGate, 0, 0, DENSE, _iswap),
    _row("dcx", sg.DCXGate, 0, 0, DENSE, _dcx),
    _row("ecr", sg.ECRGate, 0, 0, DENSE, _ecr),
    _row("rxx", sg.RXXGate, 1, 0, DENSE, _rxx),
    _row("ryy", sg.RYYGate, 1, 0, DENSE, _ryy),
    _row("rzz", sg.RZZGate, 1, 0, DIAGONAL, _rzz),
    _row("rzx", sg.RZXGate, 1, 0, DENSE, _rzx),
    _row("xx_minus_yy", sg.XXMinusYYGate, 2, 0, DENSE, _xx_minus_yy),
    _row("xx_plus_yy", sg.XXPlusYYGate, 2, 0, DENSE, _xx_plus_yy),
    _rccx(),
    _rcccx(),
)
"""Every gate of fixed width. The multi-controlled ones are these behind more controls."""

PHASE = _part(lambda f, phi: (f.cis(phi), f.cis(phi)), 1, DIAGONAL, (0,), 0, 0)
"""A global phase, as a gate on any one qubit."""
PHASE_IF_0 = _part(lambda f, phi: (f.cis(phi), 1), 1, DIAGONAL, (0,), 0, 0)
"""A phase where the qubit is 0."""
PHASE_IF_1 = _part(_p, 1, DIAGONAL, (0,), 0, 0)
"""A phase where the qubit is 1."""

ROW_OF_CLASS: Dict[type, Row] = {row.gate_class: row for row in GATES}
"""Rows by exact class. (A user's gate may reuse a name, a subclass may redefine the matrix.)"""

SINGLETON_OF_CLASS: Dict[type, Row] = {
    # terra's shared, immutable instances have a class of their own: no condition, no parameters,
    # and the default control state.
    type(row.gate_class()): row
    for row in GATES
    if row.num_params == 0 and type(row.gate_class()) is not row.gate_class
}
"""Rows by the class of the gate's shared instance."""

BASIS_GATES: Dict[str, List[str]] = {
    "qasm_simulator": [
        *("h", "u", "p", "u1", "u2", "u3", "rz", "sx", "x", "cx", "id", "unitary"),
    ],
    "statevector_simulator": ["u1", "u2", "u3", "rz", "sx", "x", "cx", "id", "unitary"],
    "unitary_simulator": ["u1", "u2", "u3", "rz", "sx", "x", "cx", "id", "unitary"],
}
"""What each simulator advertises: terra's lists, so that a circuit transpiled for it comes out the
same. What it runs without them is `NATIVE_GATES`."""

NATIVE_GATES: Tuple[str, ...] = tuple(
    dict.fromkeys(
        [
            *(row.name for row in GATES),
            *("mcphase", "mcu1", "mcx_gray", "mcx_recursive", "unitary", "diagonal", "pauli"),
            *("permutation", "global_phase", "initialize", "barrier", "delay"),
        ]
    )
)
"""The names that are lowered without their definitions."""
