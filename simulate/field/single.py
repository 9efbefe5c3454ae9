"""A step of descent of a tanh network in float32, computed in float32: half the memory, twice as many neurons in a
vector, and a tanh that needs fewer terms. The sums of the strips of neurons are added up in float64.

All other passes compute in float64 whatever the dtype of the state. A step of descent may do without: what it adds is
rounded to float32 where it is stored anyway, and an error of an entry falls on that entry alone. The loop is not shared
with kernels.evaluate: that one computes in float64 whatever it reads, has a Gram matrix and several displacements to
see to, and a constant that is written in compiled code is a float64.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from simulate.field.elementwise import EXACT, INNER_EXACT, INNER_SUMS, SUMS, _wide, aligned, displace_row, dot_row
from simulate.field.tiles import PANEL, STRIP, WIDTH, padded, product_single
from simulate.field.work_queue import next_chunk

ZERO, ONE, TWO, FAR = (np.float32(x) for x in (0.0, 1.0, 2.0, 10.0))
SHIFT = np.float32(1.5 * 2**23)  # which, added, rounds to an integer
RATE, HALF = np.float32(2 / np.log(2)), np.float32(np.log(2) / 2)
# tanh(y) = y S(y^2)/C(y^2) to 6e-10 for |y| <= log(2)/4, as in elementwise._tanh.
S1, C1 = np.float32(0.066581098911768115), np.float32(0.39991411228779369)


def _two_to(typingctx: Any, shifted: Any) -> Any:
    """2^k, given k + SHIFT."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        whole = ir.IntType(32)
        exponent = builder.add(builder.bitcast(args[0], whole), ir.Constant(whole, 127))
        return builder.bitcast(builder.shl(exponent, ir.Constant(whole, 23)), ir.FloatType())

    return types.float32(types.float32), generate


two_to: Any = intrinsic(_two_to)


@njit(**INNER_EXACT)
def _tanh(x: Any) -> Any:
    """tanh to 1.6e-7 absolute and 2.4e-7 relative, and 1 - tanh^2 to 3.6e-7 absolute; the method is that of
    elementwise._tanh. NaN stays NaN."""
    x = -FAR if x < -FAR else x
    x = FAR if x > FAR else x
    shifted = x * RATE + SHIFT
    y = x - (shifted - SHIFT) * HALF
    z = y * y
    odd, even = y * (ONE + z * S1), ONE + z * C1
    P = two_to(shifted)
    value = ((P - ONE) * even + (P + ONE) * odd) / ((P + ONE) * even + (P - ONE) * odd)
    value = ONE if value > ONE else value  # by rounding
    return -ONE if value < -ONE else value


@njit(**SUMS)
def tanh_row_single(h: Any, gain: Any, Gv: Any, slope: Any, c: Any, w: int) -> Any:
    """elementwise.tanh_row_moved in float32; a strip is short enough for its sum."""
    _wide()
    total = ZERO
    for j in range(w):
        h[j] = h[j] - gain[j] * Gv[j]
        value = _tanh(h[j])
        slope[j] = ONE - value * value
        total += value * c[j]
    return total


@njit(**INNER_SUMS)
def _scale_row(v: Any, slope: Any, weight: Any, w: int) -> None:
    _wide()
    for j in range(w):
        v[j] = weight * slope[j]


@njit(**EXACT)
def descend(
    chunks: Any,
    queue: Any,
    thread: int,
    h: Any,
    slopes: Any,
    coefficients: Any,
    panels: Any,
    gain: Any,
    signs: Any,
    output: Any,
    work: Any,
) -> None:
    """h <- h - gain * G v with v = slopes * coefficients, in place; then slopes <- sigma'(h).

    All float32: h (S, n + k, m), slopes (S, n, m), coefficients (S, n), panels of G (see tiles.panels). Adds to output
    (P, S, n) and work (P, S), float64, as kernels.evaluate does.
    """
    n, rows = panels.shape[1], h.shape[1]
    padded_rows = padded(rows, PANEL)
    flat_v, flat_Gv = aligned(n * STRIP // 2).view(np.float32), aligned(padded_rows * STRIP // 2).view(np.float32)
    v, Gv = flat_v.reshape(n, STRIP), flat_Gv.reshape(padded_rows, STRIP)
    chunk = next_chunk(queue, thread)
    while chunk >= 0:
        first, beyond = chunks[chunk]
        for s in range(len(h)):
            for start in range(first, beyond, STRIP):
                w = min(STRIP, beyond - start)
                for a in range(n):
                    _scale_row(v[a], slopes[s, a, start:], coefficients[s, a], w)
                    for j in range(w, min(STRIP, w + 2 * WIDTH)):
                        v[a, j] = ZERO
                product_single(panels, flat_v, flat_Gv, padded_rows // PANEL, w)
                for a in range(n):
                    work[chunk, s] += dot_row(v[a], Gv[a], w)
                for a in range(rows):
                    x, g = h[s, a, start:], gain[s, 0, start:]
                    if a >= n:  # a test point
                        displace_row(x, x, g, Gv[a], w)
                    else:
                        c = signs[s, 0, start:]
                        output[chunk, s, a] += tanh_row_single(x, g, Gv[a], slopes[s, a, start:], c, w)
        chunk = next_chunk(queue, thread)
