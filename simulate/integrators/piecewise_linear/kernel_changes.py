"""How the kernel changes at the events of the neurons, and the moments of these changes over the path. Compiled.

A neuron adds to the tangent kernel its matrix D (G - G_:A G_AA^-1 G_A:) D: the slopes D of its entries, and a Schur
complement, for a held entry answers to every drive in such a way that it does not move. The matrix is constant between
events. Let w be row b of the Schur complement, times D. Holding b subtracts w w'/w_bb, letting it go adds that, and a
kink that b crosses changes row and column b.

The changes of all neurons are summed with the weights 1 and, for the moments, the integrals of Legendre polynomials
from the event on to the end of the path.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from simulate.field.elementwise import BORROWED_SUMS, INNER_SUMS

# Degrees of the Legendre polynomials against which the change of the kernel along the path is known exactly. What the
# next step begins with, the whole change and the trend, needs the first of them only.
LEGENDRE = (1, 0, 2)
KINDS, END_KINDS = 1 + len(LEGENDRE), 2  # of weights, see Log
BATCH = 192  # rows that are summed in one matrix product


class Log(NamedTuple):
    """The changes that are still to be summed. filled (2,): how many rows, and how many turns.

    rows (R, n), weights (R, W): of changes weight w w'; turns (R, n), turn_weights (R, W), turned (R,): of changes
    e_b z' + z e_b' with b = turned; sums (W, n, n): of all others; half (W, n, n): the same for e_b z' alone.
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


def new_log(n: int, most: int) -> Log:
    """An empty one, with room for the `most` changes that one neuron may make, and a batch."""
    rows, kinds = most + BATCH, KINDS
    return Log(
        np.zeros((rows, n)),
        np.zeros((rows, kinds)),
        np.zeros((rows, n)),
        np.zeros((rows, kinds)),
        np.zeros(rows, dtype=np.int64),
        np.zeros(2, dtype=np.int64),
        np.zeros((kinds, n, n)),
        np.zeros((kinds, n, n)),
        np.zeros((rows, n)),
    )


@njit(**BORROWED_SUMS)
def set_weights(x: float, weight: float, out: Any) -> None:
    """out (W,) = weight times 1 and the integrals over [x, 1] of the Legendre polynomials of 2x - 1, see LEGENDRE."""
    u = 2 * x - 1
    out[0] = weight
    out[1] = weight * (1 - u * u) / 4
    out[2] = weight * (1 - u) / 2
    out[3] = weight * (u - u * u * u) / 4


@njit(**BORROWED_SUMS)
def log_row(row: Any, slope: Any, out: Any) -> None:
    """out (n,) = w: row (n,), that of the Schur complement, times slope (n,), D, which is zero for held entries."""
    for a in range(len(out)):
        out[a] = row[a] * slope[a]


@njit(**INNER_SUMS)
def sum_up(log: Log, least: int, kinds: int) -> None:
    """Sum the logged changes, unless there are fewer than `least`; kinds: how many of the weights are wanted."""
    count = log.filled[0]
    if count >= least and count > 0:
        rows, scaled = log.rows[:count], log.scaled[:count]
        for k in range(kinds):
            for i in range(count):
                weight, row, to = log.weights[i, k], rows[i], scaled[i]
                for a in range(len(row)):
                    to[a] = weight * row[a]
            log.sums[k] += np.dot(scaled.T, rows)
        log.filled[0] = 0
    for i in range(log.filled[1]):
        row, b = log.turns[i], log.turned[i]
        for k in range(kinds):
            weight, to = log.turn_weights[i, k], log.half[k, b]
            for a in range(len(row)):
                to[a] += weight * row[a]
    log.filled[1] = 0
