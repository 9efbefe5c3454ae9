"""sigma and sigma' in compiled code: for each built-in activation a loop over a row of pre-activations.

For tanh and ReLU kernels.evaluate has loops of its own (in elementwise.py), which displace and sum in the same pass. It
calls the others by their address (see by_address.py): each is compiled when it is first used, and nothing else with it.

As everywhere in the simulator sigma errs by at most FUNCTION_ULPS 2^-53 Ls max(1, |u|) and sigma' by
FUNCTION_ULPS 2^-53 Ls; where sigma(0) = 0, sigma is relatively accurate near zero too. sigma of NaN is NaN. But for
sine and cosine there is neither a branch nor a call in a loop, so that it fills the vector registers. `value` may be u.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np
from numba import njit, types

from bounds.activation.base import Activation
from bounds.activation.registry import LEAK, get_activation
from simulate.field.by_address import Types, address_of, array, caller
from simulate.field.elementwise import EXACT, INLINED_EXACT, _as_bits, _tanh, _wide, exp_

FAR = 700.0  # exp_ is right up to there, and what is smaller than exp(-FAR) is taken for zero
REACH = 1e6  # of _sin_cos
# erf(u) = u P((u^2 - 16)/(u^2 + 16)) to 1e-17 for |u| <= EDGE, and erf(EDGE) is 1 to 4e-17: Chebyshev's interpolation.
EDGE = 5.9581876439064922
P = (
    0.24999999614568552,
    -0.2499998691633378,
    0.12499790286412195,
    -0.12497894016733761,
    0.09360180486473813,
    -0.0929760358294314,
    0.07502720507255334,
    -0.06845803786091306,
    0.04468618235271405,
    -0.022985725788130337,
    -0.005779116833340138,
    0.014442025436883698,
    -0.00886303423568519,
    -0.007985982915730857,
    0.006989615939271257,
    0.002554386411227304,
    -0.007224610829717718,
    -0.0036857615996631022,
    0.004094245857699539,
    0.003432159669752586,
    -0.0023152896383325148,
    -0.004621850281795565,
    -0.0026507242922047644,
    -0.0004025055821134918,
    0.00027451977244457107,
    0.0001485466686117798,
    2.287905358671815e-05,
)


@njit(**INLINED_EXACT)
def _shrinking(size: float) -> float:
    """exp(-size) for size >= 0."""
    return 0.0 if size > FAR else exp_(-(FAR if size > FAR else size))


@njit(**INLINED_EXACT)
def _erf(u: float) -> float:
    x = -EDGE if u < -EDGE else u
    x = EDGE if x > EDGE else x
    square, total = x * x, 0.0
    t = (square - 16.0) / (square + 16.0)
    for k in range(len(P) - 1, -1, -1):
        total = total * t + P[k]
    value = x * total
    value = 1.0 if (value > 1.0) | (u >= EDGE) else value
    return -1.0 if (value < -1.0) | (u <= -EDGE) else value


@njit(**INLINED_EXACT)
def _sin_cos(u: float) -> Any:
    """(sin u, cos u) for |u| <= REACH."""
    shifted = u * 0.63661977236758138 + 6755399441055744.0  # adding 1.5 2^52 rounds to an integer
    k = shifted - 6755399441055744.0
    # pi/2 in three parts, the first two of 33 bits, so that their products with k are exact.
    r = u - k * 1.5707963267341256
    r = r - k * 6.0771005063039660e-11
    r = r - k * 2.0222662487959506e-21
    square, odd, even = r * r, 1.0, 1.0
    for j in range(8, 0, -1):  # their series, nested, for |r| <= pi/4
        odd = 1.0 - square * (1.0 / (2 * j * (2 * j + 1))) * odd
        even = 1.0 - square * (1.0 / (2 * j * (2 * j - 1))) * even
    odd *= r
    quarter = _as_bits(shifted) & 3
    turned = (quarter & 1) == 1
    sine, cosine = even if turned else odd, odd if turned else even
    return -sine if quarter >= 2 else sine, -cosine if (quarter == 1) | (quarter == 2) else cosine


@njit(**EXACT)
def tanh(u: Any, value: Any, slope: Any, w: int) -> None:
    _wide()
    for j in range(w):
        t = _tanh(u[j])
        value[j], slope[j] = t, 1.0 - t * t


@njit(**EXACT)
def relu(u: Any, value: Any, slope: Any, w: int) -> None:
    _wide()
    for j in range(w):
        x = u[j]
        value[j], slope[j] = 0.0 if x <= 0.0 else x, 1.0 if x > 0.0 else 0.0


@njit(**EXACT)
def sigmoid(u: Any, value: Any, slope: Any, w: int) -> None:
    _wide()
    for j in range(w):
        x = u[j]
        e = _shrinking(abs(x))
        s = 1.0 / (1.0 + e)
        value[j], slope[j] = e * s if x < 0.0 else s, e * s * s


@njit(**EXACT)
def softplus(u: Any, value: Any, slope: Any, w: int) -> None:
    _wide()
    for j in range(w):
        x = u[j]
        e = _shrinking(abs(x))
        s = 1.0 / (1.0 + e)
        z = e / (2.0 + e)  # log(1 + e) = 2 artanh(z), and z is at most 1/3
        square, series = z * z, 0.0
        for k in range(16, -1, -1):
            series = series * square + 2.0 / (2 * k + 1)
        value[j], slope[j] = (0.0 if x < 0.0 else x) + z * series, e * s if x < 0.0 else s


@njit(**EXACT)
def silu(u: Any, value: Any, slope: Any, w: int) -> None:
    _wide()
    for j in range(w):
        x = u[j]
        e = _shrinking(abs(x))
        s = 1.0 / (1.0 + e)
        here, there = e * s if x < 0.0 else s, s if x < 0.0 else e * s  # the sigmoid at u and at -u
        value[j], slope[j] = x * here, here * (1.0 + x * there)


@njit(**EXACT)
def gelu(u: Any, value: Any, slope: Any, w: int) -> None:
    _wide()
    for j in range(w):
        x = u[j]
        mass = 0.5 + 0.5 * _erf(0.7071067811865476 * x)
        value[j], slope[j] = x * mass, mass + x * (0.3989422804014327 * _shrinking(0.5 * x * x))


@njit(**EXACT)
def erf(u: Any, value: Any, slope: Any, w: int) -> None:
    _wide()
    for j in range(w):
        x = u[j]
        value[j], slope[j] = _erf(x), 1.1283791670955126 * _shrinking(x * x)


@njit(**INLINED_EXACT)
def _all_sin_cos(u: Any, sine: Any, cosine: Any, w: int) -> None:
    """Where u is far out the library's sine has the digits of pi that are needed. u may be one of the others."""
    far = False
    for j in range(w):
        far |= abs(u[j]) > REACH
    for j in range(w):
        if far and abs(u[j]) > REACH:
            sine[j], cosine[j] = math.sin(u[j]), math.cos(u[j])
        else:
            sine[j], cosine[j] = _sin_cos(u[j])


@njit(**EXACT)
def sin(u: Any, value: Any, slope: Any, w: int) -> None:
    _wide()
    _all_sin_cos(u, value, slope, w)


@njit(**EXACT)
def cos(u: Any, value: Any, slope: Any, w: int) -> None:
    _wide()
    _all_sin_cos(u, slope, value, w)
    for j in range(w):
        slope[j] = -slope[j]


@njit(**EXACT)
def elu(u: Any, value: Any, slope: Any, w: int) -> None:
    _wide()
    for j in range(w):
        x = u[j]
        below = 0.0 if x > 0.0 else x
        t = _tanh(0.5 * below)
        # exp(y) - 1 with all its digits near zero
        value[j], slope[j] = (x if x > 0.0 else 0.0) + 2.0 * t / (1.0 - t), _shrinking(-below)


@njit(**EXACT)
def linear(u: Any, value: Any, slope: Any, w: int) -> None:
    _wide()
    for j in range(w):
        value[j], slope[j] = u[j], 1.0


@njit(**EXACT)
def leaky_relu(u: Any, value: Any, slope: Any, w: int) -> None:
    _wide()
    for j in range(w):
        x = u[j]
        rate = 1.0 if x > 0.0 else LEAK
        value[j], slope[j] = rate * x, 0.0 if x == 0.0 else rate


@njit(**EXACT)
def clip(u: Any, value: Any, slope: Any, w: int) -> None:
    _wide()
    for j in range(w):
        x = u[j]
        low = 0.0 if x <= 0.0 else x
        value[j], slope[j] = 1.0 if low > 1.0 else low, 1.0 if (x > 0.0) & (x < 1.0) else 0.0


BUILT_IN = (tanh, relu, sigmoid, softplus, silu, gelu, erf, sin, cos, elu, linear, leaky_relu, clip)
ROWS: dict[str, Any] = {loop.__name__: loop for loop in BUILT_IN}
# How kernels.evaluate finds sigma and sigma': in its own loop over tanh or ReLU, or by a loop of this file.
TANH, RELU, OTHER = 1, 2, 3
KINDS = {**dict.fromkeys(ROWS, OTHER), "tanh": TANH, "relu": RELU}
ROW = array(types.float64, 1)
ARGUMENTS: Types = (ROW, ROW, ROW, types.int64)
call_row: Any = caller((ARGUMENTS,))


@cache
def _address(name: str) -> int:
    return address_of(ROWS[name], ARGUMENTS)


def row_of(activation: Activation) -> Any:
    """Its loop(u, value, slope, w) of this file; None for an activation that is not built in."""
    known = activation.name in KINDS and get_activation(activation.name) is activation
    return ROWS[activation.name] if known else None


def value_and_slope(activation: Activation, u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(sigma(u), sigma'(u)) to the accuracy of a simulation, for an array u."""
    given = np.ascontiguousarray(u, dtype=np.float64)
    row = row_of(activation)
    if row is None:
        value, slope = activation.value_and_slope(given)
        return value, slope
    value, slope = np.empty_like(given), np.empty_like(given)
    row(given.reshape(-1), value.reshape(-1), slope.reshape(-1), given.size)
    return value, slope


def loop_of(activation: Activation) -> tuple[int, int] | None:
    """(kind, the address of its loop or 0) of an activation, which is compiled if it has not been; None for one that is
    not built in, which numpy or torch evaluates."""
    if row_of(activation) is None:
        return None
    kind = KINDS[activation.name]
    return kind, _address(activation.name) if kind == OTHER else 0
