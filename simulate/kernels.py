"""The loops over neurons on the CPU, compiled: one pass over the state does all that a stage needs.

A sweep takes a strip of neurons at a time through displacement, activation and sums while it lies in the nearest
cache. Arrays over all neurons are (S, rows, m), C-contiguous; `lo`, `hi` tell which neurons a call is about.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from simulate.rows import (
    EXACT,
    SUMS,
    aligned,
    copy_row,
    displace_row,
    dot_row,
    relu_row,
    relu_row_moved,
    tanh_row,
    tanh_row_moved,
    weigh_row,
)
from simulate.tiles import LANES, ROWS, STRIP, WIDTH, add_gram, padded_rows, product

RAW, TANH, RELU = 0, 1, 2  # kinds of activation; RAW: left to numpy or torch
KINDS = {"tanh": TANH, "relu": RELU}


@njit(**EXACT)
def _weigh_strip(
    total: Any, s: int, n: int, at: int, w: int, terms: int, slopes: Any, weights: Any, offsets: Any
) -> None:
    """total (n, STRIP) = sum over the terms of slope * weight, zero beyond the w neurons that there are."""
    for a in range(n):
        row = total[a]
        for k in range(terms):
            weigh_row(row, k, weights[k, s, a], slopes[k][s, a, at - offsets[k] :], w)
        for j in range(w, min(STRIP, w + WIDTH)):
            row[j] = 0.0


@njit(**EXACT)
def sweep(
    kind: int,
    n: int,
    lo: int,
    hi: int,
    h: Any,
    terms: int,
    slopes: Any,
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

    terms: how many of the slopes s_k (S, n, .) count, where the column of neuron i is i - offsets[k]; G: its panels.
    write: x goes into h, all rows of it. keep: sigma'(x) goes into `kept`, column i - kept_offset; of kind RAW, x.
    Adds to output (S, n): sum_i c_i sigma(x_i); gram (S, n, n): sum_i of sigma' sigma'', lower triangle, if wanted;
    work (S,): sum v.Gv for v = sum_k s_k * weights_k, if wanted.
    """
    rows = h.shape[1] if write else n
    padded, used = padded_rows(n), padded_rows(rows)
    flat_total, flat_pull, flat_slope = aligned(n * STRIP), aligned(used * STRIP), aligned(padded * STRIP)
    total, pull, slope = flat_total.reshape(n, STRIP), flat_pull.reshape(used, STRIP), flat_slope.reshape(padded, STRIP)
    sums = np.zeros((padded, padded))
    for s in range(len(h)):
        for start in range(lo, hi, STRIP):
            w = min(STRIP, hi - start)
            if terms:
                _weigh_strip(total, s, n, start, w, terms, slopes, weights, offsets)
                product(G, flat_total, flat_pull, used // ROWS, w)
                if want_work:
                    for a in range(n):
                        work[s] += dot_row(total[a], pull[a], w)
            for a in range(rows):
                moving, pushed, pulled = h[s, a, start:], push[s, 0, start:], pull[a]
                if a >= n:
                    displace_row(moving, moving, pushed, pulled, w)
                elif kind == RAW:
                    row = kept[s, a, start - kept_offset :]
                    displace_row(row, moving, pushed, pulled, w)
                    if write:
                        for j in range(w):
                            moving[j] = row[j]
                elif keep and not want_gram and kind == TANH and write:  # descent: no need of a copy
                    row = kept[s, a, start - kept_offset :]
                    output[s, a] += tanh_row_moved(moving, pushed, pulled, row, c[s, 0, start:], w)
                    continue
                elif kind == TANH and write:
                    output[s, a] += tanh_row_moved(moving, pushed, pulled, slope[a], c[s, 0, start:], w)
                elif kind == TANH:
                    output[s, a] += tanh_row(moving, pushed, pulled, slope[a], c[s, 0, start:], w)
                elif write:
                    output[s, a] += relu_row_moved(moving, pushed, pulled, slope[a], c[s, 0, start:], w)
                else:
                    output[s, a] += relu_row(moving, pushed, pulled, slope[a], c[s, 0, start:], w)
                if keep and kind != RAW and a < n:
                    copy_row(kept[s, a, start - kept_offset :], slope[a], w)
            if want_gram and kind != RAW:
                _gram_of_strip(slope, flat_slope, sums, n, w)
        if want_gram and kind != RAW:
            _collect(sums, gram[s], n)


@njit(**EXACT)
def _gram_of_strip(slope: Any, flat: Any, sums: Any, n: int, w: int) -> None:
    for a in range(n):
        for j in range(w, min(STRIP, w + LANES)):
            slope[a, j] = 0.0
    add_gram(flat, sums, w)


@njit(**EXACT)
def _collect(sums: Any, gram: Any, n: int) -> None:
    """Add the padded sums to gram (n, n), on and below the diagonal, and set them to zero."""
    for a in range(n):
        for b in range(a + 1):
            gram[a, b] += sums[a, b]
    sums[...] = 0.0


@njit(**EXACT)
def totals(value: Any, slope: Any, lo: int, c: Any, want_gram: bool, output: Any, gram: Any) -> None:
    """The sums of sweep from given sigma and sigma' (S, n, w) of the neurons lo, lo + 1, ..."""
    runs, n, width = value.shape
    padded = padded_rows(n)
    flat = aligned(padded * STRIP)
    buffer, sums = flat.reshape(padded, STRIP), np.zeros((padded, padded))
    for s in range(runs):
        for a in range(n):
            output[s, a] += dot_row(value[s, a], c[s, 0, lo:], width)
        if not want_gram:
            continue
        for start in range(0, width, STRIP):
            w = min(STRIP, width - start)
            for a in range(n):
                for j in range(w):
                    buffer[a, j] = slope[s, a, start + j]
            _gram_of_strip(buffer, flat, sums, n, w)
        _collect(sums, gram[s], n)


@njit(**EXACT)
def sizes(
    n: int,
    lo: int,
    hi: int,
    terms: int,
    slopes: Any,
    weights: Any,
    offsets: Any,
    G: Any,
    against: Any,
    against_offset: int,
    change: Any,
    square: Any,
) -> None:
    """Adds to change, square (S, n): the sums over lo..hi of pull * against and of pull^2, pull as in sweep."""
    padded = padded_rows(n)
    flat_total, flat_pull = aligned(n * STRIP), aligned(padded * STRIP)
    total, pull = flat_total.reshape(n, STRIP), flat_pull.reshape(padded, STRIP)
    for s in range(len(change)):
        for start in range(lo, hi, STRIP):
            w = min(STRIP, hi - start)
            _weigh_strip(total, s, n, start, w, terms, slopes, weights, offsets)
            product(G, flat_total, flat_pull, padded // ROWS, w)
            for a in range(n):
                change[s, a] += dot_row(pull[a], against[s, a, start - against_offset :], w)
                square[s, a] += dot_row(pull[a], pull[a], w)


@njit(**EXACT)
def mirror(gram: Any) -> None:
    """Copy what is below the diagonals of (S, n, n) above them."""
    for s in range(len(gram)):
        for a in range(gram.shape[1]):
            for b in range(a):
                gram[s, b, a] = gram[s, a, b]


@njit(**SUMS)
def moments(h: Any, h0: Any, n: int, lo: int, hi: int, found: Any) -> None:
    """found (4, S, n): of the neurons lo..hi the sums of |h - h0| and of its square, the largest |h - h0| and |h|."""
    for s in range(len(h)):
        for a in range(n):
            total = square = farthest = size = 0.0
            for i in range(lo, hi):
                value = abs(h[s, a, i])
                moved = abs(h[s, a, i] - h0[s, a, i])
                total += moved
                square += moved * moved
                farthest = max(farthest, moved)
                size = max(size, value)
            if not np.isfinite(total):
                farthest = size = total
            found[0, s, a], found[1, s, a], found[2, s, a], found[3, s, a] = total, square, farthest, size
