"""The pieces of a piecewise linear activation: where its kinks are, and its slopes between them."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from bounds.activation.base import Activation

SEARCHED = 64.0  # kinks are looked for on [-SEARCHED, SEARCHED]
APART = 1 / 16  # kinks nearer to each other than this are not told apart
MOST = 16  # kinks; an activation with more of them is not taken for a piecewise linear one
SAME = 1e-12  # relative difference up to which two slopes, or two values, are the same


@dataclass(frozen=True)
class Pieces:
    """sigma, linear between its K kinks.

    kinks (K,), increasing; values (K,): sigma there; slopes (K + 1,): of the pieces, from the left to the right;
    above (K,): whether sigma' at the kink itself, by the convention of the activation, is the slope above it.

    A side is where a pre-activation is: 2p on piece p, 2k + 1 held on kink k, between the pieces k and k + 1.
    """

    kinks: np.ndarray
    values: np.ndarray
    slopes: np.ndarray
    above: np.ndarray

    def sides(self, h: np.ndarray) -> np.ndarray:
        """The pieces on which h lies, as sides (int8) of the same shape. On a kink sigma' decides: no ReLU is on at
        h = 0, as sigma'(0) = 0. None is held."""
        piece = np.zeros(h.shape, dtype=np.int8)
        for kink, above in zip(self.kinks, self.above, strict=True):
            piece += (h >= kink) if above else (h > kink)
        return np.asarray(2 * piece, dtype=np.int8)

    def __call__(self, h: np.ndarray) -> np.ndarray:
        """sigma(h)."""
        piece = np.searchsorted(self.kinks, h)
        kink = np.maximum(piece - 1, 0)
        return np.asarray(self.values[kink] + self.slopes[piece] * (h - self.kinks[kink]))


@functools.cache
def pieces_of(activation: Activation) -> Pieces | None:
    """The pieces of an activation whose slope takes finitely many values; None for any other, and for a straight line.

    Found by comparing slopes on a grid and bisecting between different neighbours, and believed only if the pieces
    give sigma back at other points.
    """
    if activation.smooth:
        return None
    grid = np.arange(-SEARCHED, SEARCHED, APART) + APART / 3  # no kink of a sane activation is on it
    slope = np.asarray(activation.slope(grid), dtype=float)
    steps = np.flatnonzero(np.abs(np.diff(slope)) > SAME)
    if not 0 < len(steps) <= MOST:
        return None
    kinks, above = [], []
    for k in steps:
        low, high = float(grid[k]), float(grid[k + 1])
        # Until no float64 lies between: sigma' has the slope below at `low` and another one at `high`.
        while low < (middle := (low + high) / 2) < high:
            low, high = (middle, high) if abs(activation.slope(middle) - slope[k]) <= SAME else (low, middle)
        near = np.round(2 * np.array([low, high])) / 2
        # sigma' at the kink belongs to the piece whose slope it has; between both, to the piece below.
        kink = float(near[0]) if abs(near[0] - low) <= 1e-9 else high
        kinks.append(kink)
        above.append(abs(float(activation.slope(kink)) - slope[k + 1]) <= SAME)
    found = Pieces(
        np.array(kinks),
        np.array([float(activation.value(kink)) for kink in kinks]),
        np.concatenate([slope[steps], slope[steps[-1] + 1 :][:1]]),
        np.array(above),
    )
    points = np.concatenate([np.linspace(-2, 2, 777), np.linspace(-1.7 * SEARCHED, 1.3 * SEARCHED, 1234)])
    gap = np.abs(found(points) - activation.value(points))
    return found if np.all(gap <= 1e-10 * (1 + np.abs(points))) else None
