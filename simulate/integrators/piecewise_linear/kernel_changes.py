"""How the kernel changes at the events of the neurons, and the moments of these changes over the path. Compiled.

A neuron adds to the tangent kernel its matrix D (G - G_:A G_AA^-1 G_A:) D: the slopes D of its entries, and a Schur
complement, for a held entry answers to every drive in such a way that it does not move. The matrix is constant between
events. Let w be row b of the Schur complement, times D. Holding b subtracts w w'/w_bb, letting it go adds that, and a
kink that b crosses changes row and column b.

The changes of all neurons are summed, those of held entries and of such as are let go as sums of squares
(symmetric.py), with several weights that depend on the place of the event. Either with the integrals of Bernstein's
polynomials from the event on to the end of the path: these are not negative, so that their roots can be shared between
the two w, and they say as much as the moments of Legendre's polynomials. Or with 1 in the part of the path in which the
event lies, and 0 in all others: the stops at which the neurons are looked at divide the path.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit

from simulate.field.elementwise import BORROWED
from simulate.field.symmetric import ADDRESS, add_squares

MOMENTS = 3  # of the change along the path
# Legendre's polynomials of degree 0, 1, 2 of 2x - 1, as sums of (1 - x)^2, 2 x (1 - x) and x^2.
LEGENDRE = np.array([[1.0, 1.0, 1.0], [-1.0, 0.0, 1.0], [1.0, -2.0, 1.0]])
HOLDING, LETTING_GO, TURNING = range(3)
LEAST_BATCH = 192  # rows that are summed at once


class Log(NamedTuple):
    """The changes that are still to be summed. filled (3,): how many of each kind.

    rows (R, n), places (R,): changes w w', and where they come; subtracted where entries are held, from the first row
    on, and added where they are let go, from the last row back; turns (R, n), turn_places (R,), turned (R,): changes
    e_b z' + z e_b' with b = turned; sums (W, n, n): of all others, their lower triangles; half (W, n, n): the same for
    e_b z' alone; scaled (R, n): overwritten; batch: how many rows are summed at once; syrk: see symmetric.py.
    """

    rows: np.ndarray
    places: np.ndarray
    turns: np.ndarray
    turn_places: np.ndarray
    turned: np.ndarray
    filled: np.ndarray
    sums: np.ndarray
    half: np.ndarray
    scaled: np.ndarray
    batch: int
    syrk: int


def new_log(n: int, most: int, parts: int) -> Log:
    """An empty one, with room for the `most` changes that one neuron may make, and a batch. parts: into how many the
    stops divide the path, at most."""
    batch, weights = max(LEAST_BATCH, n), max(MOMENTS, parts)
    rows = most + batch
    return Log(
        np.zeros((rows, n)),
        np.zeros(rows),
        np.zeros((rows, n)),
        np.zeros(rows),
        np.zeros(rows, dtype=np.int64),
        np.zeros(3, dtype=np.int64),
        np.zeros((weights, n, n)),
        np.zeros((weights, n, n)),
        np.zeros((rows, n)),
        batch,
        ADDRESS,
    )


@njit(**BORROWED)
def _weight(k: int, x: float, moments: bool, stops: Any) -> float:
    """The k-th weight of an event at x: the integral over [x, 1] of (1 - x)^2, 2 x (1 - x) or x^2; or whether x is in
    the k-th part of the path. What comes at a stop comes before it."""
    if not moments:
        after, before = k == 0 or x > stops[k - 1], k == len(stops) or x <= stops[k]
        return 1.0 if after and before else 0.0
    left = 1 - x
    if k == 0:
        return left * left * left / 3
    if k == 1:
        return left * left * (1 + 2 * x) / 3
    return (1 - x * x * x) / 3


@njit(**BORROWED)
def log_square(log: Log, kind: int, x: float, row: Any, slope: Any, own: float) -> None:
    """The change w w'/own at x, where w is row (n,), that of the Schur complement, times slope (n,), D, which is zero
    for held entries. kind: HOLDING or LETTING_GO."""
    at = log.filled[kind]
    log.filled[kind] = at + 1
    if kind == LETTING_GO:
        at = len(log.rows) - 1 - at
    # Not positive by rounding alone, where w vanishes too.
    scale, out = 1 / math.sqrt(own) if own > 0 else 0.0, log.rows[at]
    for a in range(len(out)):
        out[a] = scale * row[a] * slope[a]
    log.places[at] = x


@njit(**BORROWED)
def log_turn(log: Log, b: int, x: float, row: Any, slope: Any, jump: float) -> None:
    """Entry b crosses at x, and its slope, which is still the old one, changes by jump; else as in log_square."""
    at = log.filled[TURNING]
    log.filled[TURNING] = at + 1
    out = log.turns[at]
    for a in range(len(out)):
        out[a] = jump * row[a] * slope[a]
    out[b] = (2 * slope[b] + jump) * jump * row[b] / 2
    log.turn_places[at] = x
    log.turned[at] = b


@njit(**BORROWED)
def _sum_squares(log: Log, first: int, stop: int, factor: float, moments: bool, stops: Any) -> None:
    """Sum the rows from first to stop."""
    if stop == first:
        return
    if not moments and len(stops) == 0:
        add_squares(log.syrk, factor, log.rows[first:stop], log.sums[0])
        return
    for k in range(MOMENTS if moments else len(stops) + 1):
        found = 0
        for i in range(first, stop):
            weight = _weight(k, log.places[i], moments, stops)
            if weight > 0:
                root, row, to = math.sqrt(weight), log.rows[i], log.scaled[found]
                found += 1
                for a in range(len(row)):
                    to[a] = root * row[a]
        if found > 0:
            add_squares(log.syrk, factor, log.scaled[:found], log.sums[k])


@njit(**BORROWED)
def sum_up(log: Log, least: int, moments: bool, stops: Any) -> None:
    """Sum the logged changes, unless there are fewer than `least`: their moments, or else the whole in each part of the
    path. stops (S,): the shares of the path that divide it, in order, none for moments."""
    holding, letting_go = log.filled[HOLDING], log.filled[LETTING_GO]
    if holding + letting_go >= least:
        _sum_squares(log, 0, holding, -1.0, moments, stops)
        _sum_squares(log, len(log.rows) - letting_go, len(log.rows), 1.0, moments, stops)
        log.filled[HOLDING] = log.filled[LETTING_GO] = 0
    for i in range(log.filled[TURNING]):
        row, b = log.turns[i], log.turned[i]
        for k in range(MOMENTS if moments else len(stops) + 1):
            weight, to = _weight(k, log.turn_places[i], moments, stops), log.half[k, b]
            if weight > 0:
                for a in range(len(row)):
                    to[a] += weight * row[a]
    log.filled[TURNING] = 0


def sums_of(log: Log, weights: int) -> np.ndarray:
    """(W, n, n): all that has been summed, without the transposed matrices that are still to be added: the three
    moments of Bernstein's polynomials, or the change in each part of the path."""
    found = log.sums[:weights] + log.half[:weights]
    np.einsum("kaa->ka", found)[...] -= np.einsum("kaa->ka", log.sums[:weights]) / 2
    return found
