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
    at_zero, lipschitz, most = flow.sizes
    value = np.minimum(at_zero + lipschitz * largest, most)
    # A few roundings for each term, and those of a pairwise sum, which add up like a random walk.
    terms = 4 + math.sqrt(math.log2(flow.m + 1))
    summed = terms * flow.alpha * flow.scale * value[:, None] / math.sqrt(flow.m)
    return flow.arrays.epsilon * (summed + np.abs(flow.y if targets is None else targets) + np.abs(residual))


def travel_rounding(flow: Flow, path_length: np.ndarray) -> np.ndarray:
    """What rounding each displacement on the way may have done to f, (S, n + k): on the data, then on test points.

    path_length (S,): the sum of sqrt(P) dt. To the root mean square over the neurons h(x) moves by at most
    beta c |x| length/sqrt(speed) on the way, |x| being the length of the part of x's features that the data span, and
    f by no more than alpha c Ls times that. Every displacement is taken to be off by two units of its last place, and
    always to the same side, for the rounding of G itself is the same in each step.
    """
    squares = np.diagonal(flow.gram)
    if flow.cross is not None:
        within, *_ = np.linalg.lstsq(flow.gram, flow.cross.T)
        squares = np.concatenate([squares, (flow.cross.T * within).sum(0)])
    sizes = np.sqrt(flow.speed * np.maximum(squares, 0.0)) * flow.sizes[1]
    bound: np.ndarray = 2 * flow.arrays.epsilon * sizes * path_length[:, None]
    return bound
