"""Equal data points, found in the Gram matrix: no two of them have rows that differ by more than rounding."""

from __future__ import annotations

import numpy as np

ROUNDING = 64 * np.finfo(float).eps  # of |x_a| |x_c| in G_ac


def first_equal(gram: np.ndarray) -> np.ndarray:
    """(n,): for each point the first one whose row of G (n, n) is the same up to rounding, often itself: the two are
    moved alike."""
    squares, found = np.diagonal(gram), np.arange(len(gram))
    sizes = squares[:, None] + squares
    # |x_a - x_b|^2 sees nothing below 1e-7 of their length; the rows do.
    near = np.tril(sizes - 2 * gram <= ROUNDING * sizes, -1)
    for a in np.flatnonzero(near.any(1)):
        for b in np.flatnonzero(near[a]):
            allowed = ROUNDING * np.sqrt(np.maximum(max(squares[a], squares[b]) * squares, 0.0))
            if found[b] == b and np.all(np.abs(gram[a] - gram[b]) <= allowed):
                found[a] = b
                break
    return found
