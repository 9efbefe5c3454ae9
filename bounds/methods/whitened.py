"""Bounds of E f^2 |w|^2 for the whitened random features w, f = u'w, by parity and Poincare's inequality (R8).

docs/theory.md, "Whitened features". One layer of features phi_a = sigma(h_a), h ~ N(0, K), K = XX'/d. The whitening
matrix B is any invertible matrix of float64 numbers near Gbar^{-1/2}; w = B phi, and how far E ww' = B Gbar B' is from
I is enclosed.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from bounds.activation.base import Activation
from bounds.activation.gaussian_kernels import value_kernel
from bounds.constants import v_parity
from bounds.data.random_features import RandomFeatures
from bounds.errors import AssumptionError
from bounds.methods.laplace_tail import least_dim, search_rates
from bounds.numerics.arithmetic import float_up
from bounds.numerics.spectrum import UNIT_ROUNDOFF, eigenvalues, gamma, lower_bound
from bounds.problem import Problem

PARTS = 192  # intervals of s = u'S_o u, the share of f^2 that is odd
SHIFTS = 16  # Lagrange multipliers of either sign that are tried
NARROW = 0.05  # the length of the range of s below which no multiplier is needed
COMPRESSED = 64  # n up to which the bounds are sharpened on each subspace by itself
WORK = 3e9  # floating-point operations for choosing the diagonal majorant, divided by n^3
WEIGHTS = (1.0, 4.0, 8.0, 16.0, 32.0)  # tried for the weight of S_K next to Q
ABOVE = 1 + 1e-12  # covers the roundings of a few dozen float64 operations on numbers that are not negative


@dataclass(frozen=True)
class Enclosed:
    """A symmetric matrix within `error` of `matrix` in the Frobenius norm."""

    matrix: np.ndarray
    error: float

    def __add__(self, other: Enclosed) -> Enclosed:
        total = self.matrix + other.matrix
        rounding = UNIT_ROUNDOFF * float(np.linalg.norm(total))
        return Enclosed(total, ABOVE * (self.error + other.error + rounding))

    def scaled(self, factor: float) -> Enclosed:
        """factor times this matrix."""
        rounding = UNIT_ROUNDOFF * abs(factor) * float(np.linalg.norm(self.matrix))
        return Enclosed(factor * self.matrix, ABOVE * (abs(factor) * self.error + rounding))

    def inner(self, other: Enclosed) -> float:
        """An upper bound of tr(XY), at least 0, X and Y the two matrices, positive semidefinite."""
        sizes = [float(np.linalg.norm(x.matrix)) for x in (self, other)]
        rounding = gamma(self.matrix.size + 2) * sizes[0] * sizes[1]
        error = sizes[0] * other.error + sizes[1] * self.error + self.error * other.error + rounding
        return max(float(np.sum(self.matrix * other.matrix)), 0.0) + ABOVE * error

    @property
    def largest(self) -> float:
        """An upper bound of the largest eigenvalue."""
        return largest(self.matrix) + self.error


def largest(matrix: np.ndarray) -> float:
    """A certified upper bound of the largest eigenvalue of a symmetric matrix."""
    return -lower_bound(-matrix, -float(np.linalg.eigvalsh(matrix)[-1]))


@dataclass(frozen=True)
class Frame:
    """The whitened features w = B phi of one layer: B is `whitening` (n, n), and of the parts of w that are odd and
    even in z `odd` is E w_o w_o', `even` E w_e w_e'; linear: B K B'; loss: |E (u'w)^2 - 1| <= loss for every unit u;
    gram: K (n, n); gram_error: of its entries, relative to the square roots of its diagonal."""

    whitening: np.ndarray
    odd: Enclosed
    even: Enclosed
    linear: Enclosed
    loss: float
    gram: np.ndarray
    gram_error: float


@dataclass(frozen=True)
class Levels:
    """values (n,): E f^2 |w|^2 <= values[j - 1] for every unit u of some subspace of dimension j, f = u'w; loss: that
    of the frame."""

    values: np.ndarray
    loss: float


def sandwich(B: np.ndarray, matrix: np.ndarray, error: float, size: np.ndarray) -> Enclosed:
    """B M B' for every M whose entries are within error size_a size_b of the matrix, |M_ab| <= size_a size_b."""
    product = B @ matrix @ B.T
    spread = float(np.sum(np.square(np.abs(B) @ size)))  # the Frobenius norm of |B| size size' |B|'
    norm = largest(B.T @ B) + gamma(len(B) + 2) * float(np.sum(np.square(B)))  # of B, squared
    moved = error * min(spread, norm * float(np.sum(np.square(size))))
    return Enclosed((product + product.T) / 2, 1.01 * (moved + gamma(2 * len(B) + 6) * spread))


def majorant(K: np.ndarray, error: float, weights: np.ndarray) -> np.ndarray:
    """A diagonal matrix gam (n,) with diag(gam) - K positive semidefinite, sum(gam weights) small; weights (n,) > 0.

    gam is lambda_max(C^{-1/2} K C^{-1/2}) C, and log C moves against the subgradient: the squared entries of the top
    vectors, less the shares of the sum. error: of the entries of K, relative to the square roots of its diagonal.
    """
    n, trace = len(K), float(np.trace(K))
    logs = np.log(np.maximum(np.diagonal(K), 1e-12 * trace))
    best, found = np.inf, np.full(n, trace)
    for step in range(int(np.clip(WORK / n**3, 15, 400))):
        C = np.exp(logs)
        root = np.sqrt(C)
        values, vectors = np.linalg.eigh(K / np.outer(root, root))
        share = np.maximum(values / values[-1], 1e-300) ** (5 + step)  # near the top, where eigenvalues crowd
        total = C * weights
        if values[-1] * total.sum() < best:
            best, found = values[-1] * total.sum(), values[-1] * C
        logs = logs + 0.5 * n / (1 + step / 10) * (np.square(vectors) @ share / share.sum() - total / total.sum())
    gap = np.diag(found) - K
    rounding = (1.01 * error + 4 * UNIT_ROUNDOFF) * (trace + float(found.sum()))
    shift = max(0.0, -lower_bound(gap, float(np.linalg.eigvalsh(gap)[0]))) + rounding
    gam: np.ndarray = found + 1.01 * shift
    return gam


@lru_cache(maxsize=16)
def frame(problem: Problem, features: RandomFeatures) -> Frame:
    """The Frame of one layer of random features; AssumptionError if Gbar is too badly conditioned to be inverted."""
    problem.require_positive_definite("random features")
    sigma, n, d = features.sigma, problem.n, problem.d
    K, own, relative = problem.X @ problem.X.T / d, gamma(d + 2), problem.gram_relative_error
    variances = np.sum(np.square(problem.X), axis=1) / d
    # E sigma(h_a) sigma(-h_b) is the kernel at covariance -K, and as near to its limit as the one at K.
    mirrored, _ = value_kernel(sigma, variances, variances, -K)
    mirrored = (mirrored + mirrored.T) / 2
    values, vectors = np.linalg.eigh(problem.gram)
    B = (vectors / np.sqrt(values)).T
    size = np.sqrt(np.diagonal(problem.gram)) * (1 + 2 * relative + 1e-12)
    odd = sandwich(B, (problem.gram - mirrored) / 2, relative + 4 * UNIT_ROUNDOFF, size)
    even = sandwich(B, (problem.gram + mirrored) / 2, relative + 4 * UNIT_ROUNDOFF, size)
    linear = sandwich(B, K, own, np.sqrt(np.diagonal(K)) * (1 + 2 * own + 1e-12))
    whole = odd + even
    loss = ABOVE * (float(np.linalg.norm(whole.matrix - np.eye(n))) + whole.error + 4 * n * UNIT_ROUNDOFF)
    if not loss < 0.01:
        raise AssumptionError(
            f"the limit Gram matrix is too badly conditioned to be inverted (error {loss:.2g}, lambda_min >="
            f" {problem.spectrum.lmin[0]:.3g}): the points are too close together. Use tail='lemma-4'."
        )
    return Frame(B, odd, even, linear, loss, K, own)


@lru_cache(maxsize=16)
def whitened_levels(problem: Problem, features: RandomFeatures) -> Levels:
    """The Levels of one layer of random features; AssumptionError as for `frame`."""
    f = frame(problem, features)
    # One majorant for |w|^2, for which the trace counts, and one for f^2, for which the directions of large Q do.
    inverse = f.whitening.T @ f.whitening
    weights = (np.diagonal(inverse), np.sum(np.square(inverse), axis=1) ** 0.75)
    majorants = [majorant(f.gram, f.gram_error, weight) for weight in weights]
    Q = [sandwich(f.whitening, np.diag(gam), 0.0, np.sqrt(gam)) for gam in majorants]
    return Levels(_levels(features.sigma, problem.n, f, Q), f.loss)


def _levels(sigma: Activation, n: int, f: Frame, Q: list[Enclosed]) -> np.ndarray:
    """The values of Levels; Q: B Gam B' for the diagonal majorants of |w|^2 and of f^2."""
    odd, even, linear, loss = f.odd, f.even, f.linear, f.loss
    middle, half, most = sigma.parity_slopes
    al, lo, le = (float_up(value) for value in (middle if middle >= 0 else -middle, half, most))
    straight = bool(half == 0)  # the odd part is al h, so al^2 S_K is S_o
    # Root mean square gradients of the even and of the odd part of |w|^2.
    through = (odd.inner(odd), odd.inner(even))
    if not straight:
        through = (al * al * linear.inner(odd), al * al * linear.inner(even))
    curved = np.sqrt(Q[0].inner(odd)), np.sqrt(Q[0].inner(even))
    A_even = 2 * ABOVE * (le * curved[1] + np.sqrt(through[0]) + lo * curved[0])
    A_odd = 2 * ABOVE * (le * curved[0] + np.sqrt(through[1]) + lo * curved[1])

    # s = u'S_o u lies between these, for s + u'S_e u is E f^2.
    low, high = max(0.0, (1 - loss - even.largest) / ABOVE), min(1 + loss, odd.largest)
    edges = low + max(high - low, 0.0) * np.sin(np.linspace(0, np.pi / 2, PARTS + 1)) ** 2
    edges[-1] = max(high, edges[-2])
    s = np.sqrt(edges[1:])  # each of s and 1 - s at its largest
    rest = np.sqrt((1 + loss - edges[:-1]) * ABOVE)

    def values(weight: float, shifts: np.ndarray, compressed: bool) -> np.ndarray:
        Z = Q[1] + linear.scaled(weight) if weight else Q[1]
        ceilings = _ceilings(Z, odd, edges, shifts, compressed)  # of u'Zu, (n, PARTS)
        root = np.sqrt(np.maximum(ceilings, 0.0))
        if straight:
            even_u, odd_u = le * rest * root + s * s, le * s * root + s * rest
        else:
            # a sqrt(q) + b sqrt(k) <= sqrt(a^2 + b^2/weight) sqrt(q + weight k), q = u'Qu and k = u'S_K u.
            across = al / np.sqrt(weight) if weight else 0.0
            even_u = np.hypot(le * rest + lo * s, across * s) * root
            odd_u = np.hypot(le * s + lo * rest, across * rest) * root
        found = v_parity.approx(n * (1 + loss) ** 2, A_even, A_odd, 2 * even_u, 2 * odd_u) * ABOVE
        levels: np.ndarray = np.max(np.where(ceilings >= 0, found, n), axis=1)  # no level is below n
        return levels

    none, all_shifts = np.zeros(0), np.geomspace(1e-2, 1e3, SHIFTS)
    weights = (0.0,) if straight or al == 0 else WEIGHTS
    weight = min(weights, key=lambda w: _rough_dim(values(w, none, False))) if len(weights) > 1 else 0.0
    narrow = high - low < NARROW
    return values(weight, none if narrow else all_shifts, not narrow and straight and n <= COMPRESSED)


def _rough_dim(levels: np.ndarray) -> float:
    """About the embedding dimension of these levels, to choose among them."""
    return least_dim(*search_rates(levels, 0.0), 0.5, 0.05)[0]


def _ceilings(Z: Enclosed, odd: Enclosed, edges: np.ndarray, shifts: np.ndarray, compressed: bool) -> np.ndarray:
    """(n, PARTS): bounds of u'Zu, u unit vectors of a subspace of dimension j + 1 with u'S_o u in a part of `edges`.

    By weak duality u'Zu is at most lambda_max(Z - mu S_o) + mu s for every mu; negative where there is no such u.
    shifts: the |mu| that are tried besides 0, relative to lambda_max(Z). compressed: take lambda_max on the subspace
    itself, which is spanned by computed eigenvectors of Z, else only mu = 0 on the subspace of its exact eigenvectors,
    and every other mu on the whole space.
    """
    n = len(Z.matrix)
    values, vectors, error = eigenvalues(Z.matrix)
    ceilings = np.full((n, len(edges) - 1), np.inf)
    if not compressed:
        ceilings = np.minimum(ceilings, (values + error + Z.error)[:, None])
    defect = float(np.linalg.norm(vectors.T @ vectors - np.eye(n))) + gamma(n + 2) * n
    for mu in (0.0, *values[-1] * shifts, *-values[-1] * shifts):
        ends = mu * (edges[1:] if mu > 0 else edges[:-1])
        ends = ends + 1e-15 * np.abs(ends)
        shifted = Z + odd.scaled(-mu)
        ceilings = np.minimum(ceilings, shifted.largest + ends)
        if not compressed:
            continue
        turned = vectors.T @ shifted.matrix @ vectors
        size = np.abs(vectors).T @ np.abs(shifted.matrix) @ np.abs(vectors)
        slack = 1.01 * (shifted.error + gamma(2 * n + 6) * float(np.linalg.norm(size)))
        for j in range(1, n):
            top = largest((turned[:j, :j] + turned[:j, :j].T) / 2) + slack
            top += 2 * defect * abs(top)  # the computed vectors are orthonormal only up to the defect
            ceilings[j - 1] = np.minimum(ceilings[j - 1], top + ends)
    return ceilings
