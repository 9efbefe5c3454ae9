"""How the kernel changes at the events of the neurons, and the moments of these changes over the path. Compiled.

A neuron adds to the tangent kernel its matrix D (G - G_:A G_AA^-1 G_A:) D: the slopes D of its entries, and a Schur
complement, for a held entry answers to every drive in such a way that it does not move. The matrix is constant between
events. Let w be row b of the Schur complement, times D. Holding b subtracts w w'/w_bb, letting it go adds that, and a
kink that b crosses changes row and column b.

The changes of all neurons are summed, those of held entries and of such as are let go as sums of squares
(symmetric.py): of the whole change, or weighted with the integrals of Bernstein's polynomials from the event on to the
end of the path. These are not negative, so that their roots can be shared between the two w, and they say as much as
the moments of Legendre's polynomials.
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

    rows (R, n), weights (R, W): of changes weight w w', subtracted where entries are held, from the first row on, and
    added where they are let go, from the last row back; turns (R, n), turn_weights (R, W), turned (R,): of changes
    e_b z' + z e_b' with b = turned; sums (W, n, n): of all others, their lower triangles; half (W, n, n): the same for
    e_b z' alone; scaled (R, n): overwritten; batch: how many rows are summed at once; syrk: see symmetric.py.
    """

    rows: np.ndarray
    weights: np.ndarray
    turns: np.ndarray
    turn_weights: np.ndarray
    turned: np.ndarray
    filled: np.ndarray
    sums: np.ndarray
    half: np.ndarray
    scaled: np.ndarray
    batch: int
    syrk: int


def new_log(n: int, most: int) -> Log:
    """An empty one, with room for the `most` changes that one neuron may make, and a batch."""
    batch = max(LEAST_BATCH, n)
    rows = most + batch
    return Log(
        np.zeros((rows, n)),
        np.zeros((rows, MOMENTS)),
        np.zeros((rows, n)),
        np.zeros((rows, MOMENTS)),
        np.zeros(rows, dtype=np.int64),
        np.zeros(3, dtype=np.int64),
        np.zeros((MOMENTS, n, n)),
        np.zeros((MOMENTS, n, n)),
        np.zeros((rows, n)),
        batch,
        ADDRESS,
    )


@njit(**BORROWED)
def set_weights(x: float, out: Any) -> None:
    """out (W,): the integrals over [x, 1] of (1 - x)^2, 2 x (1 - x) and x^2."""
    left = 1 - x
    out[0] = left * left * left / 3
    out[1] = left * left * (1 + 2 * x) / 3
    out[2] = (1 - x * x * x) / 3


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
    set_weights(x, log.weights[at])


@njit(**BORROWED)
def log_turn(log: Log, b: int, x: float, row: Any, slope: Any, jump: float) -> None:
    """Entry b crosses at x, and its slope, which is still the old one, changes by jump; else as in log_square."""
    at = log.filled[TURNING]
    log.filled[TURNING] = at + 1
    out = log.turns[at]
    for a in range(len(out)):
        out[a] = jump * row[a] * slope[a]
    out[b] = (2 * slope[b] + jump) * jump * row[b] / 2
    set_weights(x, log.turn_weights[at])
    log.turned[at] = b


@njit(**BORROWED)
def _sum_squares(log: Log, first: int, stop: int, factor: float, moments: bool) -> None:
    """Sum the rows from first to stop."""
    if stop == first:
        return
    if not moments:
        add_squares(log.syrk, factor, log.rows[first:stop], log.sums[0])
        return
    scaled = log.scaled[first:stop]
    for k in range(MOMENTS):
        for i in range(first, stop):
            weight, row, to = math.sqrt(log.weights[i, k]), log.rows[i], log.scaled[i]
            for a in range(len(row)):
                to[a] = weight * row[a]
        add_squares(log.syrk, factor, scaled, log.sums[k])


@njit(**BORROWED)
def sum_up(log: Log, least: int, moments: bool) -> None:
    """Sum the logged changes, unless there are fewer than `least`: their moments, or else the whole of them."""
    holding, letting_go = log.filled[HOLDING], log.filled[LETTING_GO]
    if holding + letting_go >= least:
        _sum_squares(log, 0, holding, -1.0, moments)
        _sum_squares(log, len(log.rows) - letting_go, len(log.rows), 1.0, moments)
        log.filled[HOLDING] = log.filled[LETTING_GO] = 0
    for i in range(log.filled[TURNING]):
        row, b = log.turns[i], log.turned[i]
        for k in range(MOMENTS if moments else 1):
            weight, to = log.turn_weights[i, k] if moments else 1.0, log.half[k, b]
            for a in range(len(row)):
                to[a] += weight * row[a]
    log.filled[TURNING] = 0


def sums_of(log: Log, moments: bool) -> np.ndarray:
    """(W, n, n): all that has been summed, without the transposed matrices that are still to be added: the three
    moments of Bernstein's polynomials, or the whole change."""
    kinds = MOMENTS if moments else 1
    found = log.sums[:kinds] + log.half[:kinds]
    np.einsum("kaa->ka", found)[...] -= np.einsum("kaa->ka", log.sums[:kinds]) / 2
    return found
