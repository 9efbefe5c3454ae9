"""The loops over neurons on the CPU, compiled: one pass over the state does all that a stage needs.

A sweep takes a strip of neurons at a time through displacement, activation and sums while it lies in the nearest
cache. Arrays over all neurons are (S, rows, m), C-contiguous; `lo`, `hi` tell which neurons a call is about.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

STRIP = 256  # neurons at a time: fewer would be calls, more would leave the nearest caches
OWN_PRODUCT, OWN_GRAM = 32, 128  # data points below which our own matrix products beat the library's
RAW, TANH, RELU = 0, 1, 2  # kinds of activation; RAW: left to numpy
KINDS = {"tanh": TANH, "relu": RELU}

# Sums may be reordered, which vector registers need; nothing else may, for exp_ below relies on its rounding.
_SUMS: dict[str, Any] = {"fastmath": {"contract", "nsz", "reassoc"}, "error_model": "numpy", "nogil": True, "cache": True}
_EXACT: dict[str, Any] = {"fastmath": {"contract", "nsz"}, "error_model": "numpy", "nogil": True, "cache": True}


@intrinsic
def _wide(typingctx: Any) -> Any:
    """Let the function that calls this use the widest vector registers; by default LLVM keeps to half of them."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        set.add(builder.function.attributes, '"prefer-vector-width"="512"')
        return context.get_dummy_value()

    return types.none(), generate


@intrinsic
def _as_float(typingctx: Any, bits: Any) -> Any:
    return types.float64(types.int64), lambda c, b, s, args: b.bitcast(args[0], ir.DoubleType())


@intrinsic
def _as_bits(typingctx: Any, number: Any) -> Any:
    return types.int64(types.float64), lambda c, b, s, args: b.bitcast(args[0], ir.IntType(64))


@njit(**_EXACT)
def exp_(x: float) -> float:
    """exp on [-700, 700] to 2 ulp, without branches, so that it vectorises: 2^k by its bits, the rest by a polynomial."""
    shifted = x * 1.4426950408889634 + 6755399441055744.0  # adding 1.5 2^52 rounds to an integer
    k = shifted - 6755399441055744.0
    r = x - k * 0.693147180369123816490
    r = r - k * 1.90821492927058770002e-10
    # By halves, for the chain of a Horner scheme is longer than the wait for its sums.
    r2 = r * r
    low = (1.0 + r) + r2 * (0.5 + r * (1 / 6.0))
    middle = (1 / 24.0 + r * (1 / 120.0)) + r2 * (1 / 720.0 + r * (1 / 5040.0))
    high = (1 / 40320.0 + r * (1 / 362880.0)) + r2 * (1 / 3628800.0 + r * (1 / 39916800.0))
    r4 = r2 * r2
    top = 1 / 479001600.0 + r * (1 / 6227020800.0)
    p = low + r4 * (middle + r4 * (high + r4 * top))
    return p * _as_float((_as_bits(shifted) + 1023) << 52)


@njit(**_EXACT)
def _tanh(x: float) -> float:
    """tanh to 2e-16 absolute; NaN stays NaN."""
    x = -20.0 if x < -20.0 else x
    x = 20.0 if x > 20.0 else x
    return 1.0 - 2.0 / (exp_(2.0 * x) + 1.0)


@njit(**_SUMS)
def _tanh_row(h: Any, push: Any, pull: Any, slope: Any, c: Any, w: int) -> float:
    """slope = sigma'(h - push pull); returns sum c sigma."""
    _wide()
    total = 0.0
    for j in range(w):
        value = _tanh(h[j] - push[j] * pull[j])
        slope[j] = 1.0 - value * value
        total += value * c[j]
    return total


@njit(**_SUMS)
def _relu_row(h: Any, push: Any, pull: Any, slope: Any, c: Any, w: int) -> float:
    _wide()
    total = 0.0
    for j in range(w):
        x = h[j] - push[j] * pull[j]
        slope[j] = 1.0 if x > 0.0 else 0.0
        total += (0.0 if x <= 0.0 else x) * c[j]  # NaN stays NaN
    return total


@njit(**_SUMS)
def _tanh_row_moved(h: Any, push: Any, pull: Any, slope: Any, c: Any, w: int) -> float:
    """The same with h overwritten by h - push pull."""
    _wide()
    total = 0.0
    for j in range(w):
        h[j] = h[j] - push[j] * pull[j]
        value = _tanh(h[j])  # of what is stored, rounded to its dtype
        slope[j] = 1.0 - value * value
        total += value * c[j]
    return total


@njit(**_SUMS)
def _relu_row_moved(h: Any, push: Any, pull: Any, slope: Any, c: Any, w: int) -> float:
    _wide()
    total = 0.0
    for j in range(w):
        h[j] = h[j] - push[j] * pull[j]
        x = h[j]
        slope[j] = 1.0 if x > 0.0 else 0.0
        total += (0.0 if x <= 0.0 else x) * c[j]
    return total


@njit(**_SUMS)
def _weigh_row(total: Any, k: int, weight: float, slope: Any, w: int) -> None:
    """total = weight slope for the first term (k = 0), added to it for the others."""
    _wide()
    if k == 0:
        for j in range(w):
            total[j] = weight * slope[j]
    else:
        for j in range(w):
            total[j] += weight * slope[j]


@njit(**_SUMS)
def _dot_row(left: Any, right: Any, w: int) -> float:
    _wide()
    total = 0.0
    for j in range(w):
        total += left[j] * right[j]
    return total


@njit(**_SUMS)
def _displace_row(x: Any, h: Any, push: Any, pull: Any, w: int) -> None:
    _wide()
    for j in range(w):
        x[j] = h[j] - push[j] * pull[j]


@njit(**_SUMS)
def _copy_row(to: Any, row: Any, w: int) -> None:
    _wide()
    for j in range(w):
        to[j] = row[j]


@njit(**_SUMS)
def _product(G: Any, v: Any, p: Any, rows: int, n: int, w: int) -> None:
    """p = G v for the first w columns of flat v (n, STRIP) and p (rows, STRIP): four rows by four at a time."""
    _wide()
    for a in range(rows):
        for j in range(w):
            p[a * STRIP + j] = 0.0
    whole_rows, whole = rows - rows % 4, n - n % 4
    for b in range(0, whole, 4):
        o = b * STRIP
        for a in range(0, whole_rows, 4):
            q = a * STRIP
            g00, g01, g02, g03 = G[a, b], G[a, b + 1], G[a, b + 2], G[a, b + 3]
            g10, g11, g12, g13 = G[a + 1, b], G[a + 1, b + 1], G[a + 1, b + 2], G[a + 1, b + 3]
            g20, g21, g22, g23 = G[a + 2, b], G[a + 2, b + 1], G[a + 2, b + 2], G[a + 2, b + 3]
            g30, g31, g32, g33 = G[a + 3, b], G[a + 3, b + 1], G[a + 3, b + 2], G[a + 3, b + 3]
            for j in range(w):
                x0, x1, x2, x3 = v[o + j], v[o + STRIP + j], v[o + 2 * STRIP + j], v[o + 3 * STRIP + j]
                p[q + j] += g00 * x0 + g01 * x1 + g02 * x2 + g03 * x3
                p[q + STRIP + j] += g10 * x0 + g11 * x1 + g12 * x2 + g13 * x3
                p[q + 2 * STRIP + j] += g20 * x0 + g21 * x1 + g22 * x2 + g23 * x3
                p[q + 3 * STRIP + j] += g30 * x0 + g31 * x1 + g32 * x2 + g33 * x3
        for a in range(whole_rows, rows):
            q = a * STRIP
            g0, g1, g2, g3 = G[a, b], G[a, b + 1], G[a, b + 2], G[a, b + 3]
            for j in range(w):
                p[q + j] += (
                    g0 * v[o + j] + g1 * v[o + STRIP + j] + g2 * v[o + 2 * STRIP + j] + g3 * v[o + 3 * STRIP + j]
                )
    for b in range(whole, n):
        o = b * STRIP
        for a in range(rows):
            g, q = G[a, b], a * STRIP
            for j in range(w):
                p[q + j] += g * v[o + j]


@njit(**_SUMS)
def _add_gram(v: Any, gram: Any, n: int, w: int) -> None:
    """gram += v v' on and below the diagonal, v the first w columns of flat (n, STRIP): one row by four at a time."""
    _wide()
    for a in range(n):
        q = a * STRIP
        whole = (a + 1) - (a + 1) % 4
        for b in range(0, whole, 4):
            o = b * STRIP
            s0, s1, s2, s3 = 0.0, 0.0, 0.0, 0.0
            for j in range(w):
                x = v[q + j]
                s0 += x * v[o + j]
                s1 += x * v[o + STRIP + j]
                s2 += x * v[o + 2 * STRIP + j]
                s3 += x * v[o + 3 * STRIP + j]
            gram[a, b] += s0
            gram[a, b + 1] += s1
            gram[a, b + 2] += s2
            gram[a, b + 3] += s3
        for b in range(whole, a + 1):
            o = b * STRIP
            s0 = 0.0
            for j in range(w):
                s0 += v[q + j] * v[o + j]
            gram[a, b] += s0


@njit(**_EXACT)
def _aligned(size: int) -> Any:
    """Zeros that start at a cache line: vectors that straddle two lines take twice as long."""
    array = np.zeros(size + 8)
    ahead = (64 - array.ctypes.data % 64) % 64 // 8
    return array[ahead : ahead + size]


@njit(**_EXACT)
def _weigh_strip(
    total: Any, s: int, n: int, at: int, w: int, terms: int, s0: Any, s1: Any, s2: Any, weights: Any, offsets: Any
) -> None:
    """total (n, STRIP) = sum over the terms of slope * weight, zero beyond the w neurons that there are."""
    for a in range(n):
        row = total[a]
        _weigh_row(row, 0, weights[0, s, a], s0[s, a, at - offsets[0] :], w)
        if terms > 1:
            _weigh_row(row, 1, weights[1, s, a], s1[s, a, at - offsets[1] :], w)
        if terms > 2:
            _weigh_row(row, 2, weights[2, s, a], s2[s, a, at - offsets[2] :], w)
        for j in range(w, STRIP):
            row[j] = 0.0


@njit(**_EXACT)
def sweep(
    kind: int,
    n: int,
    lo: int,
    hi: int,
    h: Any,
    terms: int,
    s0: Any,
    s1: Any,
    s2: Any,
    weights: Any,
    offsets: Any,
    G: Any,
    push: Any,
    c: Any,
    write: bool,
    keep: bool,
    kept: Any,
    kept_offset: int,
    want_gram: bool,
    want_work: bool,
    output: Any,
    gram: Any,
    work: Any,
) -> None:
    """x = h - push G (sum_k s_k * weights_k) for the neurons lo..hi; then the sums of sigma(x) and sigma'(x).

    terms: how many of s0, s1, s2 (S, n, .) count, where the column of neuron i is i - offsets[k]; G (rows, n). write: x goes
    into h, all rows of it. keep: sigma'(x) goes into `kept`, column i - kept_offset; of kind RAW, x itself.
    Adds to output (S, n): sum_i c_i sigma(x_i); gram (S, n, n): sum_i of sigma' sigma'', lower triangle, if wanted;
    work (S,): sum v.Gv for v = sum_k s_k * weights_k, if wanted.
    """
    rows = len(G) if write else n
    flat_total, flat_pull, flat_slope = _aligned(n * STRIP), _aligned(rows * STRIP), _aligned(n * STRIP)
    total, pull, slope = flat_total.reshape(n, STRIP), flat_pull.reshape(rows, STRIP), flat_slope.reshape(n, STRIP)
    for s in range(len(h)):
        for start in range(lo, hi, STRIP):
            w = min(STRIP, hi - start)
            if terms:
                _weigh_strip(total, s, n, start, w, terms, s0, s1, s2, weights, offsets)
                if n < OWN_PRODUCT:
                    _product(G, flat_total, flat_pull, rows, n, w)
                else:
                    np.dot(G[:rows], total, pull)
                if want_work:
                    for a in range(n):
                        work[s] += _dot_row(total[a], pull[a], w)
            for a in range(rows):
                moving, pushed, pulled = h[s, a, start:], push[s, 0, start:], pull[a]
                if a >= n:
                    _displace_row(moving, moving, pushed, pulled, w)
                elif kind == RAW:
                    row = kept[s, a, start - kept_offset :]
                    _displace_row(row, moving, pushed, pulled, w)
                    if write:
                        for j in range(w):
                            moving[j] = row[j]
                elif kind == TANH and write:
                    output[s, a] += _tanh_row_moved(moving, pushed, pulled, slope[a], c[s, 0, start:], w)
                elif kind == TANH:
                    output[s, a] += _tanh_row(moving, pushed, pulled, slope[a], c[s, 0, start:], w)
                elif write:
                    output[s, a] += _relu_row_moved(moving, pushed, pulled, slope[a], c[s, 0, start:], w)
                else:
                    output[s, a] += _relu_row(moving, pushed, pulled, slope[a], c[s, 0, start:], w)
                if keep and kind != RAW and a < n:
                    _copy_row(kept[s, a, start - kept_offset :], slope[a], w)
            if want_gram and kind != RAW:
                _gram_of_strip(slope, flat_slope, gram[s], n, w)


@njit(**_EXACT)
def _gram_of_strip(slope: Any, flat: Any, gram: Any, n: int, w: int) -> None:
    if n < OWN_GRAM:
        _add_gram(flat, gram, n, w)
        return
    for a in range(n):
        for j in range(w, STRIP):
            slope[a, j] = 0.0
    gram += np.dot(slope, slope.T)


@njit(**_EXACT)
def totals(value: Any, slope: Any, lo: int, c: Any, want_gram: bool, output: Any, gram: Any) -> None:
    """The sums of sweep from given sigma and sigma' (S, n, w) of the neurons lo, lo + 1, ..."""
    runs, n, width = value.shape
    flat = _aligned(n * STRIP)
    buffer = flat.reshape(n, STRIP)
    for s in range(runs):
        for a in range(n):
            output[s, a] += _dot_row(value[s, a], c[s, 0, lo:], width)
        if not want_gram:
            continue
        for start in range(0, width, STRIP):
            w = min(STRIP, width - start)
            for a in range(n):
                for j in range(w):
                    buffer[a, j] = slope[s, a, start + j]
            _gram_of_strip(buffer, flat, gram[s], n, w)


@njit(**_EXACT)
def sizes(
    n: int,
    lo: int,
    hi: int,
    terms: int,
    s0: Any,
    s1: Any,
    s2: Any,
    weights: Any,
    offsets: Any,
    G: Any,
    against: Any,
    against_offset: int,
    change: Any,
    square: Any,
) -> None:
    """Adds to change, square (S, n): the sums over lo..hi of pull * against and of pull^2, pull as in sweep."""
    flat_total, flat_pull = _aligned(n * STRIP), _aligned(n * STRIP)
    total, pull = flat_total.reshape(n, STRIP), flat_pull.reshape(n, STRIP)
    for s in range(len(change)):
        for start in range(lo, hi, STRIP):
            w = min(STRIP, hi - start)
            _weigh_strip(total, s, n, start, w, terms, s0, s1, s2, weights, offsets)
            if n < OWN_PRODUCT:
                _product(G, flat_total, flat_pull, n, n, w)
            else:
                np.dot(G[:n], total, pull)
            for a in range(n):
                change[s, a] += _dot_row(pull[a], against[s, a, start - against_offset :], w)
                square[s, a] += _dot_row(pull[a], pull[a], w)
