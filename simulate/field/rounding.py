"""What the rounding of the state's dtype may do to the output of the network."""

from __future__ import annotations

import math

import numpy as np

from simulate.field.flow import Flow


def residual_rounding(
    flow: Flow, residual: np.ndarray, largest: np.ndarray, targets: np.ndarray | None = None
) -> np.ndarray:
    """A bound on the rounding of r = f - y, (S, n): |sigma| <= |sigma(0)| + Ls |h|, summed pairwise over m neurons.

    residual (S, n); largest (S,): the largest |h|; targets (n,): y, by default that of the flow.
    """
    activation = flow.activation
    value = abs(float(activation.value(0.0))) + float(activation.Ls) * largest
    if activation.bounded_by is not None:
        value = np.minimum(value, activation.bounded_by)
    # A few roundings for each term, and those of a pairwise sum, which add up like a random walk.
    terms = 4 + math.sqrt(math.log2(flow.m + 1))
    summed = terms * flow.alpha * flow.scale * value[:, None] / math.sqrt(flow.m)
    return flow.arrays.epsilon * (summed + np.abs(flow.y if targets is None else targets) + np.abs(residual))
