"""The loops over neurons on the CPU, compiled: one pass over the state does all that a stage needs.

A sweep takes a strip of neurons at a time through displacement, activation and sums while it lies in the nearest
cache. Arrays over all neurons are (S, rows, m), C-contiguous. Several threads may make the same call, each with its
number `me`: `parts` (P, 2) are the ranges of neurons that it is about, `claims` (see shares) which of them are taken,
and what is found of a part goes to its own place along the first axis.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from simulate.field.elementwise import (
    EXACT,
    SUMS,
    add_one,
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
from simulate.field.tiles import LANES, PANEL, ROWS, STRIP, WIDTH, add_gram, padded, product

RAW, TANH, RELU = 0, 1, 2  # kinds of activation; RAW: left to numpy or torch
KINDS = {"tanh": TANH, "relu": RELU}


def shares(parts: int, threads: int) -> np.ndarray:
    """(threads, 8), a cache line each: the next part of the thread's share and the end of the share. With two
    threads each has the same share every time, a part of which is still in its cache; whoever is done takes from the
    others."""
    bounds = np.arange(threads + 1) * parts // threads
    claims = np.zeros((threads, 8), dtype=np.int64)
    claims[:, 0], claims[:, 1] = bounds[:-1], bounds[1:]
    return claims


@njit(**EXACT)
def _following(claims: Any, me: int) -> int:
    """The next part that nobody has taken yet, or -1."""
    for k in range(len(claims)):
        whose = claims[(me + k) % len(claims)]
        part = add_one(whose.ctypes.data)
        if part < whose[1]:
            return part
    return -1


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
    parts: Any,
    claims: Any,
    me: int,
    h: Any,
    terms: int,
    slopes: Any,
    weights: Any,
    offsets: Any,
    G: Any,
    push: Any,
    c: Any,
    write: bool,
    to: Any,
    keep: bool,
    kept: Any,
    kept_offset: int,
    want_gram: bool,
    want_work: bool,
    output: Any,
    gram: Any,
    work: Any,
) -> None:
    """x = h - push G (sum_k s_k * weights_k) for the neurons of the parts; then the sums of sigma(x) and sigma'(x).

    terms: how many of the slopes s_k (S, n, .) count, where the column of neuron i is i - offsets[k]; G: its panels.
    write: x goes into `to`, which may be h, all rows of it. keep: sigma'(x) goes into `kept`, column i - kept_offset;
    of kind RAW, x.
    Adds to output (P, S, n): sum_i c_i sigma(x_i); gram (P, S, n, n): sum_i of sigma' sigma'', lower triangle, if
    wanted; work (P, S): sum v.Gv for v = sum_k s_k * weights_k, if wanted.
    """
    rows, elsewhere = h.shape[1] if write else n, write and to.ctypes.data != h.ctypes.data
    used, four = padded(rows, PANEL), padded(n, ROWS)
    flat_total, flat_pull, flat_slope = aligned(n * STRIP), aligned(used * STRIP), aligned(four * STRIP)
    total, pull, slope = flat_total.reshape(n, STRIP), flat_pull.reshape(used, STRIP), flat_slope.reshape(four, STRIP)
    size = four if want_gram else 0
    sums = np.zeros((size, size))
    part = _following(claims, me)
    while part >= 0:
        lo, hi = parts[part]
        for s in range(len(h)):
            for start in range(lo, hi, STRIP):
                w = min(STRIP, hi - start)
                if terms:
                    _weigh_strip(total, s, n, start, w, terms, slopes, weights, offsets)
                    product(G, flat_total, flat_pull, used // PANEL, w)
                    if want_work:
                        for a in range(n):
                            work[part, s] += dot_row(total[a], pull[a], w)
                for a in range(rows):
                    x, pushed, pulled, signs = h[s, a, start:], push[s, 0, start:], pull[a], c[s, 0, start:]
                    if elsewhere:
                        x = to[s, a, start:]
                        copy_row(x, h[s, a, start:], w)
                    if a >= n:
                        displace_row(x, x, pushed, pulled, w)
                        continue
                    if kind == RAW:
                        row = kept[s, a, start - kept_offset :]
                        displace_row(row, x, pushed, pulled, w)
                        if write:
                            copy_row(x, row, w)
                        continue
                    if kind == TANH and write and keep and not want_gram:  # descent: no need of a copy
                        row = kept[s, a, start - kept_offset :]
                        output[part, s, a] += tanh_row_moved(x, pushed, pulled, row, signs, w)
                        continue
                    if kind == TANH and write:
                        output[part, s, a] += tanh_row_moved(x, pushed, pulled, slope[a], signs, w)
                    elif kind == TANH:
                        output[part, s, a] += tanh_row(x, pushed, pulled, slope[a], signs, w)
                    elif write:
                        output[part, s, a] += relu_row_moved(x, pushed, pulled, slope[a], signs, w)
                    else:
                        output[part, s, a] += relu_row(x, pushed, pulled, slope[a], signs, w)
                    if keep:
                        copy_row(kept[s, a, start - kept_offset :], slope[a], w)
                if want_gram and kind != RAW:
                    _gram_of_strip(slope, flat_slope, sums, n, w)
            if want_gram and kind != RAW:
                _collect(sums, gram[part, s], n)
        part = _following(claims, me)


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
    four = padded(n, ROWS)
    flat = aligned(four * STRIP)
    buffer, sums = flat.reshape(four, STRIP), np.zeros((four, four))
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
    parts: Any,
    claims: Any,
    me: int,
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
    """Adds to change, square (P, S, n): the sums of pull * against and of pull^2, pull as in sweep."""
    used = padded(n, PANEL)
    flat_total, flat_pull = aligned(n * STRIP), aligned(used * STRIP)
    total, pull = flat_total.reshape(n, STRIP), flat_pull.reshape(used, STRIP)
    part = _following(claims, me)
    while part >= 0:
        lo, hi = parts[part]
        for s in range(change.shape[1]):
            for start in range(lo, hi, STRIP):
                w = min(STRIP, hi - start)
                _weigh_strip(total, s, n, start, w, terms, slopes, weights, offsets)
                product(G, flat_total, flat_pull, used // PANEL, w)
                for a in range(n):
                    change[part, s, a] += dot_row(pull[a], against[s, a, start - against_offset :], w)
                    square[part, s, a] += dot_row(pull[a], pull[a], w)
        part = _following(claims, me)


@njit(**EXACT)
def in_units(output: Any, gram: Any, work: Any, y: Any, alpha: float, speed: float, m: int) -> None:
    """The sums over all neurons in units of the theory, in place: r (S, n), slope_gram (S, n, n) of which what is on
    and below the diagonal was given, power (S,)."""
    for s in range(len(work)):
        work[s] *= speed / m
        for a in range(len(y)):
            output[s, a] = alpha / m * output[s, a] - y[a]
        for a in range(gram.shape[1]):
            for b in range(a + 1):
                gram[s, a, b] *= 1 / m
                gram[s, b, a] = gram[s, a, b]


@njit(**SUMS)
def moments(h: Any, h0: Any, n: int, parts: Any, claims: Any, me: int, found: Any) -> None:
    """found (P, 4, S, n): the sums of |h - h0| and of its square, the largest |h - h0| and |h|."""
    part = _following(claims, me)
    while part >= 0:
        lo, hi = parts[part]
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
                found[part, 0, s, a], found[part, 1, s, a] = total, square
                found[part, 2, s, a], found[part, 3, s, a] = farthest, size
        part = _following(claims, me)


@njit(**EXACT)
def inside(
    fine: Any, coarse: Any, n: int, left: float, right: float, parts: Any, claims: Any, me: int, found: Any
) -> None:
    """found (P, 2, S, n): how many of the fine h lie in (left, right); how many lie as near to a finite end of it as
    to the coarse h, and not on it."""
    part = _following(claims, me)
    while part >= 0:
        lo, hi = parts[part]
        for s in range(len(fine)):
            for a in range(n):
                within = unsure = 0
                for i in range(lo, hi):
                    x = fine[s, a, i]
                    gap = abs(x - coarse[s, a, i])
                    within += left < x < right
                    unsure += (abs(x - left) <= gap) & (gap > 0.0) & np.isfinite(left)
                    unsure += (abs(x - right) <= gap) & (gap > 0.0) & np.isfinite(right)
                found[part, 0, s, a], found[part, 1, s, a] = within, unsure
        part = _following(claims, me)
