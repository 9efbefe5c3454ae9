"""The loops over neurons on the CPU, compiled: one pass over the state does all that a stage needs.

The loops take a strip of neurons at a time through displacement, activation and sums while it lies in the nearest
cache. Arrays over all neurons are (S, rows, m), C-contiguous. Arguments stay flat, because a tuple of arrays costs
10 us a call; each loop is called from one place only, a method of cpu.Compiled with the same argument names.

Several threads may make the same call, each with its number `thread`. chunks (P, 2): the ranges of neurons; queue (see
work_queue): which of them are taken. The sums of a chunk go to its own place along the first axis of the result.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from simulate.field.bits import WORDS, count_gram
from simulate.field.elementwise import (
    EXACT,
    INNER_EXACT,
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
from simulate.field.sigmas import OTHER, RELU, TANH, call_row
from simulate.field.subsets import BAND, BLOCK, TABLE, TABLES, find_places, subset_product
from simulate.field.tiles import PANEL, ROWS, STRIP, WIDTH, add_gram, padded, product
from simulate.field.vectors import LANES
from simulate.field.work_queue import next_chunk


@njit(**INNER_EXACT)
def _combine_strip(v: Any, s: int, start: int, w: int, slopes: Any, coefficients: Any) -> None:
    """v (n, STRIP) = sum_j slopes_j * coefficients_j for the neurons start, start + 1, ... of run s, zero beyond the w
    neurons that there are (as far as a tile of a product reads)."""
    for a in range(len(v)):
        row = v[a]
        for k in range(len(coefficients)):
            weigh_row(row, k, coefficients[k, s, a], slopes[k][s, a, start:], w)
        for j in range(w, min(STRIP, w + WIDTH)):
            row[j] = 0.0


@njit(**EXACT)
def evaluate(
    kind: int,
    sigma: int,
    chunks: Any,
    queue: Any,
    thread: int,
    h: Any,
    slopes: Any,
    coefficients: Any,
    panels: Any,
    columns: Any,
    gain: Any,
    signs: Any,
    displaced: Any,
    slopes_out: Any,
    output: Any,
    gram: Any,
    work: Any,
) -> None:
    """x = h - gain * G v with v = sum_j slopes_j * coefficients_j; then the sums of sigma(x) and sigma'(x).

    kind, sigma: see sigmas.loop_of; coefficients (J, S, n), J <= len(slopes): only the first J slopes count; panels:
    those of G, as tiles.panels makes them for tiles.product; columns: those that subsets.columns_of makes.
    displaced: x goes there, all rows of it; it may be h. slopes_out: sigma'(x) goes there. Either may be an empty
    array: then it is not wanted. Adds to output (P, S, n) the sums of c_i sigma(x_i); to gram (P, S, n, n), unless that
    is empty, those of sigma' sigma'', on and below the diagonal; to work (P, S), unless that is empty, those of v.Gv.
    """
    n, moves = panels.shape[1], len(coefficients) > 0
    write, keep, want_gram, want_work = len(displaced) > 0, len(slopes_out) > 0, gram.shape[2] > 0, work.shape[1] > 0
    rows, elsewhere = h.shape[1] if write else n, write and displaced.ctypes.data != h.ctypes.data
    # Buffers for one strip, padded to whole panels and tiles; flat as the tiles want them, and by rows.
    padded_rows, padded_n = padded(rows, PANEL), padded(n, ROWS)
    flat_v, flat_Gv, flat_slope = aligned(n * STRIP), aligned(padded_rows * STRIP), aligned(padded_n * STRIP)
    v, Gv, slope = flat_v.reshape(n, STRIP), flat_Gv.reshape(padded_rows, STRIP), flat_slope.reshape(padded_n, STRIP)
    size = padded_n if want_gram else 0
    sums, moved, value = np.zeros((size, size)), aligned(STRIP), aligned(STRIP)
    words = np.zeros((n if want_gram and kind == RELU else 0, WORDS), dtype=np.uint64)
    # What a product with slopes that are 0 or 1 works with.
    by_subsets = kind == RELU and len(coefficients) == 1 and len(columns) > 0
    blocks, length = (columns.shape[1] // BLOCK, STRIP) if by_subsets else (0, 0)
    places, weights = np.zeros((blocks, STRIP, TABLES), dtype=np.uint16), np.zeros(blocks * BLOCK)
    tables, totals = aligned(TABLE if by_subsets else 0), aligned(length * BAND).reshape(length, BAND)
    chunk = next_chunk(queue, thread)
    while chunk >= 0:
        first, beyond = chunks[chunk]
        for s in range(len(h)):
            for start in range(first, beyond, STRIP):
                w = min(STRIP, beyond - start)
                # The displacement of the strip; without one, Gv stays zero.
                if moves:
                    plain = by_subsets and find_places(slopes[0][s], places, n, start, w)
                    if want_work or not plain:
                        _combine_strip(v, s, start, w, slopes, coefficients)
                    if plain:
                        weights[:n] = coefficients[0, s]
                        subset_product(columns, weights, places, tables, totals, Gv, rows, w)
                    else:
                        product(panels, flat_v, flat_Gv, padded_rows // PANEL, w)
                    if want_work:
                        for a in range(n):
                            work[chunk, s] += dot_row(v[a], Gv[a], w)
                # Displace and activate row by row.
                for a in range(rows):
                    x, g, Gv_row, c = h[s, a, start:], gain[s, 0, start:], Gv[a], signs[s, 0, start:]
                    if elsewhere:
                        x = displaced[s, a, start:]
                        copy_row(x, h[s, a, start:], w)
                    if a >= n:  # a test point
                        displace_row(x, x, g, Gv_row, w)
                        continue
                    if kind == OTHER:
                        if write:  # sigma is that of what is stored, rounded to its dtype
                            displace_row(x, x, g, Gv_row, w)
                            copy_row(moved, x, w)
                        else:
                            displace_row(moved, x, g, Gv_row, w)
                        call_row(sigma, moved, value, slope[a], w)
                        output[chunk, s, a] += dot_row(value, c, w)
                    elif kind == TANH and write and keep and not want_gram:  # descent: no need of a copy
                        output[chunk, s, a] += tanh_row_moved(x, g, Gv_row, slopes_out[s, a, start:], c, w)
                        continue
                    elif kind == TANH and write:
                        output[chunk, s, a] += tanh_row_moved(x, g, Gv_row, slope[a], c, w)
                    elif kind == TANH:
                        output[chunk, s, a] += tanh_row(x, g, Gv_row, slope[a], c, w)
                    elif write:
                        output[chunk, s, a] += relu_row_moved(x, g, Gv_row, slope[a], c, w)
                    else:
                        output[chunk, s, a] += relu_row(x, g, Gv_row, slope[a], c, w)
                    if keep:
                        copy_row(slopes_out[s, a, start:], slope[a], w)
                if want_gram and kind == RELU:
                    count_gram(slope, words, sums, n, w)
                elif want_gram:
                    _gram_of_strip(slope, flat_slope, sums, n, w)
            if want_gram:
                _collect(sums, gram[chunk, s], n)
        chunk = next_chunk(queue, thread)


@njit(**EXACT)
def displace(
    start: int,
    stop: int,
    h: Any,
    slopes: Any,
    coefficients: Any,
    panels: Any,
    gain: Any,
    displaced: Any,
    x: Any,
    work: Any,
) -> None:
    """The displacement of evaluate alone, for the neurons start..stop: x (S, n, stop - start) = h - gain * G v, and
    `displaced`, unless empty, gets all rows of it. Adds the sums of v.Gv to work (S,), unless that is empty."""
    n, moves, write, want_work = panels.shape[1], len(coefficients) > 0, len(displaced) > 0, len(work) > 0
    rows = h.shape[1] if write else n
    padded_rows = padded(rows, PANEL)
    flat_v, flat_Gv = aligned(n * STRIP), aligned(padded_rows * STRIP)
    v, Gv = flat_v.reshape(n, STRIP), flat_Gv.reshape(padded_rows, STRIP)
    for s in range(len(h)):
        for at in range(start, stop, STRIP):
            w = min(STRIP, stop - at)
            if moves:
                _combine_strip(v, s, at, w, slopes, coefficients)
                product(panels, flat_v, flat_Gv, padded_rows // PANEL, w)
                if want_work:
                    for a in range(n):
                        work[s] += dot_row(v[a], Gv[a], w)
            for a in range(rows):
                before, g = h[s, a, at:], gain[s, 0, at:]
                if a >= n:  # a test point
                    displace_row(displaced[s, a, at:], before, g, Gv[a], w)
                    continue
                row = x[s, a, at - start :]
                displace_row(row, before, g, Gv[a], w)
                if write:
                    copy_row(displaced[s, a, at:], row, w)


@njit(**INNER_EXACT)
def _gram_of_strip(slope: Any, flat_slope: Any, sums: Any, n: int, w: int) -> None:
    """Add the Gram matrix of w columns of the slopes (n, STRIP) to sums (padded n, padded n)."""
    # Whole vectors are read, so what lies beyond the last neuron must not count.
    for a in range(n):
        for j in range(w, min(STRIP, w + LANES)):
            slope[a, j] = 0.0
    add_gram(flat_slope, sums, w)


@njit(**INNER_EXACT)
def _collect(sums: Any, gram: Any, n: int) -> None:
    """Add the padded sums to gram (n, n), on and below the diagonal, and set them to zero."""
    for a in range(n):
        for b in range(a + 1):
            gram[a, b] += sums[a, b]
    sums[...] = 0.0


@njit(**EXACT)
def add_sums(value: Any, slope: Any, start: int, signs: Any, output: Any, gram: Any) -> None:
    """The sums of evaluate from given sigma and sigma' (S, n, w) of the neurons start, start + 1, ...

    Adds to output (S, n) and, unless it is empty, to gram (S, n, n), on and below the diagonal.
    """
    runs, n, width = value.shape
    padded_n = padded(n, ROWS)
    flat = aligned(padded_n * STRIP)
    buffer, sums = flat.reshape(padded_n, STRIP), np.zeros((padded_n, padded_n))
    for s in range(runs):
        for a in range(n):
            output[s, a] += dot_row(value[s, a], signs[s, 0, start:], width)
        if gram.shape[1] == 0:
            continue
        for at in range(0, width, STRIP):
            w = min(STRIP, width - at)
            for a in range(n):
                for j in range(w):
                    buffer[a, j] = slope[s, a, at + j]
            _gram_of_strip(buffer, flat, sums, n, w)
        _collect(sums, gram[s], n)


@njit(**EXACT)
def displacement_sizes(
    chunks: Any,
    queue: Any,
    thread: int,
    slopes: Any,
    coefficients: Any,
    panels: Any,
    against: Any,
    change: Any,
    square: Any,
) -> None:
    """Adds to change, square (P, S, n) the sums of Gv * against and of (Gv)^2, with v as in evaluate."""
    n = panels.shape[1]
    padded_n = padded(n, PANEL)
    flat_v, flat_Gv = aligned(n * STRIP), aligned(padded_n * STRIP)
    v, Gv = flat_v.reshape(n, STRIP), flat_Gv.reshape(padded_n, STRIP)
    chunk = next_chunk(queue, thread)
    while chunk >= 0:
        first, beyond = chunks[chunk]
        for s in range(change.shape[1]):
            for start in range(first, beyond, STRIP):
                w = min(STRIP, beyond - start)
                _combine_strip(v, s, start, w, slopes, coefficients)
                product(panels, flat_v, flat_Gv, padded_n // PANEL, w)
                for a in range(n):
                    change[chunk, s, a] += dot_row(Gv[a], against[s, a, start:], w)
                    square[chunk, s, a] += dot_row(Gv[a], Gv[a], w)
        chunk = next_chunk(queue, thread)


@njit(**EXACT)
def in_units(output: Any, gram: Any, work: Any, y: Any, alpha: float, speed: float, m: int) -> None:
    """Turn the sums over all neurons into the quantities of the theory, in place: output (S, n) becomes r = f - y, gram
    (S, n, n), of which the lower triangle is given, the whole slope Gram matrix, work (S,) the power."""
    for s in range(len(work)):
        work[s] *= speed / m
    for s in range(len(output)):
        for a in range(len(y)):
            output[s, a] = alpha / m * output[s, a] - y[a]
        for a in range(gram.shape[1]):
            for b in range(a + 1):
                gram[s, a, b] *= 1 / m
                gram[s, b, a] = gram[s, a, b]


@njit(**SUMS)
def moments(h: Any, h0: Any, chunks: Any, queue: Any, thread: int, sums: Any, maxima: Any) -> None:
    """sums (P, 2, S, n): those of |h - h0| and of its square; maxima (P, 2, S, n): the largest |h - h0| and |h|."""
    chunk = next_chunk(queue, thread)
    while chunk >= 0:
        first, beyond = chunks[chunk]
        for s in range(len(h)):
            for a in range(sums.shape[3]):
                total = square = farthest = size = 0.0
                for i in range(first, beyond):
                    value = abs(h[s, a, i])
                    moved = abs(h[s, a, i] - h0[s, a, i])
                    total += moved
                    square += moved * moved
                    farthest = max(farthest, moved)
                    size = max(size, value)
                if not np.isfinite(total):  # max() may have lost a NaN
                    farthest = size = total
                sums[chunk, 0, s, a], sums[chunk, 1, s, a] = total, square
                maxima[chunk, 0, s, a], maxima[chunk, 1, s, a] = farthest, size
        chunk = next_chunk(queue, thread)


@njit(**EXACT)
def count_inside(
    fine: Any, coarse: Any, left: float, right: float, chunks: Any, queue: Any, thread: int, counts: Any
) -> None:
    """counts (P, 2, S, n): how many of the fine h lie in (left, right); how many lie as near to a finite end of it as
    to the coarse h, and not on it."""
    chunk = next_chunk(queue, thread)
    while chunk >= 0:
        first, beyond = chunks[chunk]
        for s in range(len(fine)):
            for a in range(counts.shape[3]):
                within = unsure = 0
                for i in range(first, beyond):
                    x = fine[s, a, i]
                    gap = abs(x - coarse[s, a, i])
                    within += left < x < right
                    unsure += (abs(x - left) <= gap) & (gap > 0.0) & np.isfinite(left)
                    unsure += (abs(x - right) <= gap) & (gap > 0.0) & np.isfinite(right)
                counts[chunk, 0, s, a], counts[chunk, 1, s, a] = within, unsure
        chunk = next_chunk(queue, thread)
