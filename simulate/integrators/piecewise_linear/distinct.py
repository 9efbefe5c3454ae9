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
from simulate.field.equal_points import first_equal
from simulate.integrators.piecewise_linear.desk import Curve

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
    equal = first_equal(gram)
    later = np.flatnonzero(equal != np.arange(len(gram)))
    if not len(later):
        return None
    # Pre-activations that somebody gave need not be those of any weights. All processes that share the neurons agree.
    apart = [np.abs(h[a] - h[equal[a]]).max() for a in later]
    sizes = reduction.everyone(np.array([*apart, np.abs(h[: len(gram)]).max()], dtype=np.float64)).max(0)
    differ = sizes[:-1] > SAME * np.finfo(h.dtype).eps * sizes[-1]
    equal[later[differ]] = later[differ]
    first, of = np.unique(equal, return_inverse=True)
    return Distinct(first, of) if len(first) < len(gram) else None
