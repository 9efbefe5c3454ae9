"""The rate at which two paths separate, with the signs of c_i r_a sigma''(h_ia): a smaller exponent for shadowing.

docs/certificates.md, "The exponent with signs", states and proves it: with L3 = Lip(sigma''),
z' <= (N + c lambda_max(G^{1/2} diag(p) G^{1/2})) z + eps, N the largest eigenvalue over the neurons of
-c_i G^{1/2} diag(r~_a sigma''(h~_ia)) G^{1/2}, or 0, and p what r sigma'' may change over a distance z. N is bounded at
the nodes of a step, the rest by how far r~ and h~ move between them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np

from bounds.activation.base import FUNCTION_ULPS, Activation
from bounds.certificates.collocation import Reference
from bounds.certificates.sizes import SLACK, Constants, Shadow
from bounds.numerics.spectrum import UNIT_ROUNDOFF, gamma, spectrum

SHIFT = 2.0**-16  # of the difference quotients of sigma' that stand for sigma''
FINENESS = 2.0**-10  # spacing of the grid on which sigma''' is bounded
FARTHEST = 2**10  # beyond this |h| sigma''' is bounded by Cauchy's estimate alone
CANDIDATES = 256  # neurons among which the largest eigenvalue is looked for; all are then tested against it
RAISES = 40  # attempts at proving a trial value, each 2% above the one before


@lru_cache(maxsize=64)
def third_derivative_bound(activation: Activation, reach: int) -> float:
    """A bound of |sigma'''(u)| for |u| <= reach, for sigma' analytic on a strip.

    On a strip of half-width rho with |sigma'| <= b the k-th derivative of sigma' is at most k! b/rho^k (Cauchy). For
    k = 2 second differences on a grid are sharper.
    """
    assert activation.strip is not None
    rho, b = activation.strip
    cauchy = 2 * b / rho**2 * SLACK
    if reach > FARTHEST:
        return cauchy
    u = np.arange(-reach / FINENESS - 2, reach / FINENESS + 3) * FINENESS  # exact in float64
    second = np.abs(np.diff(activation.slope(u), 2)) / FINENESS**2
    evaluation = 4 * FUNCTION_ULPS * UNIT_ROUNDOFF * b / FINENESS**2
    # The quotient differs from sigma''' at its centre by h^2/12 sup|(sigma')^(4)|; the next node is at most h/2 away.
    off = FINENESS**2 / 12 * 24 * b / rho**4 + FINENESS / 2 * 6 * b / rho**3
    return min(cauchy, (float(second.max()) + evaluation + off) * SLACK)


class Factor:
    """B (n, r) with G <= B B' + rest I for the exact Gram matrix, r its rank within rounding."""

    def __init__(self, k: Constants) -> None:
        gram = k.problem.gram
        values, vectors = np.linalg.eigh(gram)
        kept = values > 1e-13 * values[-1]
        self.B = vectors[:, kept] * np.sqrt(values[kept])
        n, rank = self.B.shape
        left = gram - self.B @ self.B.T
        forming = gamma(rank + 3) * float(np.sum(np.square(self.B))) + k.gram_error
        self.rest = max(spectrum((left + left.T) / 2, forming * SLACK).lmax[1], 0.0) * SLACK
        self.products = (self.B[:, :, None] * self.B[:, None, :]).reshape(n, rank * rank)
        self.diagonal = np.sum(np.square(self.B), axis=1) * SLACK
        # Off the diagonal blocks of (B, sqrt(rest) I)' D (B, sqrt(rest) I), relative to max |D_aa|.
        largest = k.root_lmax**2 + self.rest
        self.remainder = (math.sqrt(self.rest * largest) + self.rest) * SLACK


def largest_eigenvalue(factor: Factor, weights: np.ndarray) -> float:
    """An upper bound of max_i lambda_max(G^{1/2} diag(w_i) G^{1/2}) and of 0; weights (m, n), the w_i.

    With G <= B B' + rest I =: C C', C = (B, sqrt(rest) I): the eigenvalues of G^{1/2} D G^{1/2} that exceed t > 0 are
    none if D <= t (C C')^{-1}, that is if C' D C <= t I; its blocks off B' D B are small.
    """
    m, n = weights.shape
    rank = factor.B.shape[1]
    size = float((np.abs(weights) @ factor.diagonal).max()) * SLACK
    if size == 0:
        return 0.0
    matrices = (weights @ factor.products).reshape(m, rank, rank)
    likely = np.argsort(np.maximum(weights, 0) @ factor.diagonal)[-CANDIDATES:]
    found = float(np.linalg.eigvalsh(matrices[likely])[:, -1].max())
    trial = max(found * (1 + 1e-3), 1e-9 * size)
    np.negative(matrices, out=matrices)
    diagonal = np.einsum("ikk->ik", matrices)  # a view
    start = diagonal.copy()
    for _ in range(RAISES):
        diagonal[:] = start + trial
        try:
            np.linalg.cholesky(matrices)
        except np.linalg.LinAlgError:
            trial *= 1.02
            continue
        # Rump's bound (spectrum.py), the rounding of the diagonal and that of forming the matrices.
        lost = gamma(rank + 1) * (rank * trial + size) + 4 * UNIT_ROUNDOFF * (trial + size) + gamma(n + 4) * size
        return (trial + 1.1 * lost + factor.remainder * float(np.abs(weights).max())) * SLACK
    return size  # |G^{1/2} diag(w) G^{1/2}| <= sum_a |w_a| G_aa


def separation(
    k: Constants, factor: Factor, ref: Reference, found: Shadow, signs: np.ndarray
) -> Callable[[float], float]:
    """w -> an upper bound of the integral over a step of the rate of separation, if |U - U~| <= w during it."""
    act, c = k.problem.activation, k.c
    assert act.strip is not None
    rho, b = act.strip
    m, theta = len(signs), ref.duration
    root_m = math.sqrt(m)
    largest = float(np.abs(ref.H).max())
    moving = found.peak_speed * theta

    def reach(distance: float) -> int:
        """A power of two that bounds every |h| between the two paths."""
        bound = (largest + float(moving.max()) + root_m * (c * float(k.roots.max()) * distance + found.state_error)) * 2
        return 2 ** max(math.ceil(math.log2(bound)), 1) if bound < FARTHEST else 2 * FARTHEST

    # sigma'' by difference quotients, at the nodes.
    quotient = SHIFT**2 * b / rho**3 + (FUNCTION_ULPS * k.ls + 4 * k.l2 * (largest + 1)) * UNIT_ROUNDOFF / SHIFT
    nodes = []
    for H, r in zip(ref.H, ref.residual, strict=True):
        second = (act.slope(H + SHIFT) - act.slope(H - SHIFT)) / (2 * SHIFT)
        nodes.append(largest_eigenvalue(factor, -signs[:, None] * r * second))
    # Every time of the step belongs to the nearest node.
    gaps = np.diff((1 - np.cos(np.pi * np.arange(len(nodes)) / (len(nodes) - 1))) / 2)
    shares = np.append(gaps, 0) / 2 + np.insert(gaps, 0, 0) / 2
    at_nodes = float(shares @ np.array(nodes)) * theta * SLACK
    away = float(np.sum(np.square(gaps))) / 4 * theta * SLACK  # the mean of |t - the node's time|
    gram_error = (k.gram_error + 8 * UNIT_ROUNDOFF * float(np.trace(k.problem.gram))) * SLACK

    def exponent(distance: float) -> float:
        if not math.isfinite(distance):
            return math.inf
        l3 = third_derivative_bound(act, reach(distance))
        changing = k.l2 * c * k.ls * found.mean_speed + found.residual * l3 * found.peak_speed
        rounding = k.l2 * found.residual_error + found.residual * (quotient + l3 * root_m * found.state_error)
        apart = c**2 * k.ls * k.roots * distance
        crossing = apart * k.l2 + (found.residual + apart) * l3 * c * root_m * k.roots * distance
        weights = np.sqrt((changing * away + rounding + crossing) * SLACK)
        matrix = weights[:, None] * k.problem.gram * weights
        rest = spectrum((matrix + matrix.T) / 2, gram_error * float(weights.max()) ** 2).lmax[1]
        return (at_nodes + theta * c * rest * SLACK) * SLACK

    return exponent
