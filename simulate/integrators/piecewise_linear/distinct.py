"""Data points that are equal: a neuron has one pre-activation for all of them.

Where it lies on a kink, Filippov's solution has one slope for them too, while the events of follow.py would give each
entry a slope of its own, which differs where their residuals have opposite signs. So the neurons are followed on the
distinct points, driven by the sums of the residuals of equal ones.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from simulate.field import reduction
from simulate.field.arrays import Array
from simulate.integrators.piecewise_linear.desk import Curve

ROUNDING = 16 * np.finfo(float).eps  # of the squares |x_a|^2 and |x_b|^2 in |x_a - x_b|^2
SAME = 256  # units in the last place of the largest |h|, by which h_a and h_b may be apart


class Distinct(NamedTuple):
    """first (n',): the distinct points, each the first of those that equal it; of (n,): for each point, which one of
    these it is."""

    first: np.ndarray
    of: np.ndarray

    def summed(self, curve: Curve) -> Curve:
        """The curve of the distinct points."""
        coefficients = np.zeros((len(self.first), curve.coefficients.shape[1]))
        np.add.at(coefficients, self.of, curve.coefficients)
        fastest = float(np.abs(coefficients[:, 1:]).sum(1).max())
        transposed = np.ascontiguousarray(coefficients.T)
        return Curve(coefficients, transposed, curve.margin[self.first], curve.stop, fastest)

    def spread_out(self, changes: np.ndarray) -> np.ndarray:
        """Matrices (W, n', n') over all points, (W, n, n)."""
        found: np.ndarray = changes[:, self.of][:, :, self.of]
        return found


def distinct_points(gram: np.ndarray, h: Array) -> Distinct | None:
    """Which points are equal, by their Gram matrix and the pre-activations h (rows, m) of the neurons; None if none
    are. Those that are nearly equal are not: a neuron may rest between their kinks."""
    squares = np.diagonal(gram)
    sizes = squares[:, None] + squares
    equal = sizes - 2 * gram <= ROUNDING * sizes
    a, b = np.nonzero(np.tril(equal, -1))
    if not len(a):
        return None
    # Pre-activations that somebody gave need not be those of any weights. All processes that share the neurons agree.
    apart, largest = np.abs(h[a] - h[b]).max(1), np.abs(h[: len(gram)]).max()
    epsilon = np.finfo(h.dtype).eps
    *apart, largest = reduction.largest(np.append(apart, largest)[None])
    same = dict(zip(zip(a.tolist(), b.tolist(), strict=True), np.array(apart) <= SAME * epsilon * largest, strict=True))
    first: list[int] = []
    of = np.zeros(len(gram), dtype=np.int64)
    for point in range(len(gram)):
        alike = [k for k, other in enumerate(first) if same.get((point, other), False)]
        of[point] = alike[0] if alike else len(first)
        if not alike:
            first.append(point)
    return Distinct(np.array(first), of) if len(first) < len(gram) else None
