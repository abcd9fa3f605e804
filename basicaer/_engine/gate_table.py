"""The gate table: one row per gate, keyed by name.

A row defines a gate's matrix; everything else is derived from it. To add a gate, add a row here and
one in `gate_classes`, which maps Qiskit's class to it.

A gate is applied as one or a few *parts*, each a small matrix on some of the gate's qubits, behind
controls on others. Most gates have one part; `rccx` is a controlled Y and a controlled Z, far less
work than its 8 x 8 matrix.

The coefficients of a part are written once, as ``entries(f, *parameters)``, where `f` holds the
functions: `SCALAR` for numbers, others to record the formula. Which entries can be nonzero, and
whether all are real, is found at import by evaluating `entries` for some parameters.
"""

from __future__ import annotations

import cmath
import math
from functools import partial
from typing import Any, Callable, Dict, NamedTuple, Tuple

import numpy as np

from basicaer._engine.program import DENSE, DIAGONAL, Kind


class Functions(NamedTuple):
    """The functions that entries of a matrix are computed with.

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

Entries = Callable[..., Tuple[Any, ...]]

_ROOT = 1 / math.sqrt(2)
"""1/sqrt(2) as terra computes it. `sqrt(0.5)` differs in the last bit, which can change draws."""


class Part(NamedTuple):
    """A small matrix on some qubits of a gate.

    Attributes:
        kind: what the part shares with all gates of its kind.
        positions: indices of the gate's qubits that it acts on, controls first.
        entries: ``entries(f, *parameters)`` gives the matrix, row-major, or its diagonal.
        constant: the coefficients if the gate has no parameters, otherwise empty.
    """

    kind: Kind
    positions: Tuple[int, ...]
    entries: Entries
    constant: Tuple[complex, ...]


class Row(NamedTuple):
    """A gate.

    Attributes:
        name: the key in this table; usually also Qiskit's name.
        num_params: number of parameters.
        num_qubits: number of qubits, controls included.
        num_controls: number of leading qubits that are controls, covered by ``ctrl_state``. A gate
            with such controls has one part.
        parts: the parts, in the order in which they are applied.
    """

    name: str
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
    """Returns a part, with its kind and constant derived from `entries`."""
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
    num_params: int,
    num_controls: int,
    form: int,
    entries: Entries,
) -> Row:
    """Returns a gate with one part: controls, then targets."""
    size = len(entries(SCALAR, *_TRIALS[0][:num_params]))
    num_targets = (size.bit_length() - 1) // (2 if form == DENSE else 1)
    num_qubits = num_controls + num_targets
    positions = tuple(range(num_qubits))
    part = _part(entries, num_params, form, positions, num_controls, (1 << num_controls) - 1)
    return Row(name, num_params, num_qubits, num_controls, (part,))


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


def _phase(f, phi):
    return (f.cis(phi), f.cis(phi))


def _phase_if_0(f, phi):
    return (f.cis(phi), 1)


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
        # q0 and q1 but not q2: phases i and -i on the target. All three: iY on the target.
        _part(lambda f: (1j, -1j), 0, DIAGONAL, (0, 1, 2, 3), 3, 0b011),
        _part(lambda f: (0, 1, -1, 0), 0, DENSE, (0, 1, 2, 3), 3, 0b111),
    )
    return Row("rcccx", 0, 4, 0, parts)


def _rccx() -> Row:
    parts = (
        _part(_z, 0, DIAGONAL, (0, 1, 2), 2, 0b01),
        _part(_y, 0, DENSE, (0, 1, 2), 2, 0b11),
    )
    return Row("rccx", 0, 3, 0, parts)


GATES: Tuple[Row, ...] = (
    Row("id", 0, 1, 0, ()),
    _row("x", 0, 0, DENSE, _x),
    _row("y", 0, 0, DENSE, _y),
    _row("z", 0, 0, DIAGONAL, _z),
    _row("h", 0, 0, DENSE, _h),
    _row("s", 0, 0, DIAGONAL, _s),
    _row("sdg", 0, 0, DIAGONAL, _sdg),
    _row("t", 0, 0, DIAGONAL, _t),
    _row("tdg", 0, 0, DIAGONAL, _tdg),
    _row("sx", 0, 0, DENSE, _sx),
    _row("sxdg", 0, 0, DENSE, _sxdg),
    _row("p", 1, 0, DIAGONAL, _p),
    _row("r", 2, 0, DENSE, _r),
    _row("rv", 3, 0, DENSE, _rv),
    _row("rx", 1, 0, DENSE, _rx),
    _row("ry", 1, 0, DENSE, _ry),
    _row("rz", 1, 0, DIAGONAL, _rz),
    _row("u", 3, 0, DENSE, _u),
    _row("u1", 1, 0, DIAGONAL, _p),
    _row("u2", 2, 0, DENSE, _u2),
    _row("u3", 3, 0, DENSE, _u),
    _row("cx", 0, 1, DENSE, _x),
    _row("cy", 0, 1, DENSE, _y),
    _row("cz", 0, 1, DIAGONAL, _z),
    _row("ch", 0, 1, DENSE, _h),
    _row("cs", 0, 1, DIAGONAL, _s),
    _row("csdg", 0, 1, DIAGONAL, _sdg),
    _row("csx", 0, 1, DENSE, _sx),
    _row("cp", 1, 1, DIAGONAL, _p),
    _row("crx", 1, 1, DENSE, _rx),
    _row("cry", 1, 1, DENSE, _ry),
    _row("crz", 1, 1, DIAGONAL, _rz),
    _row("cu", 4, 1, DENSE, _cu),
    _row("cu1", 1, 1, DIAGONAL, _p),
    _row("cu3", 3, 1, DENSE, _u),
    _row("ccx", 0, 2, DENSE, _x),
    _row("ccz", 0, 2, DIAGONAL, _z),
    _row("c3x", 0, 3, DENSE, _x),
    _row("c3sx", 0, 3, DENSE, _sx),
    _row("c4x", 0, 4, DENSE, _x),
    _row("swap", 0, 0, DENSE, _swap),
    _row("cswap", 0, 1, DENSE, _swap),
    _row("iswap", 0, 0, DENSE, _iswap),
    _row("dcx", 0, 0, DENSE, _dcx),
    _row("ecr", 0, 0, DENSE, _ecr),
    _row("rxx", 1, 0, DENSE, _rxx),
    _row("ryy", 1, 0, DENSE, _ryy),
    _row("rzz", 1, 0, DIAGONAL, _rzz),
    _row("rzx", 1, 0, DENSE, _rzx),
    _row("xx_minus_yy", 2, 0, DENSE, _xx_minus_yy),
    _row("xx_plus_yy", 2, 0, DENSE, _xx_plus_yy),
    _rccx(),
    _rcccx(),
)
"""All gates of fixed width. Multi-controlled gates are these with more controls."""

PHASE = _part(_phase, 1, DIAGONAL, (0,), 0, 0)
"""A global phase, as a gate on any one qubit."""
PHASE_IF_0 = _part(_phase_if_0, 1, DIAGONAL, (0,), 0, 0)
"""A phase on the amplitudes whose qubit is 0."""
PHASE_IF_1 = _part(_p, 1, DIAGONAL, (0,), 0, 0)
"""A phase on the amplitudes whose qubit is 1."""

ROW_OF_NAME: Dict[str, Row] = {row.name: row for row in GATES}
