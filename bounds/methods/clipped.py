"""Between slopes and kernel: a part of the Gram matrix that keeps its small eigenvalues and clips the large ones.

Let 0 <= K <= G with K <= diag(gam), and M the stacked K^{1/2} D_i/sqrt(m), D_i = diag sigma'(h_i), so that P >= scale^2
||M r||^2. As in kernel.py sqrt(lambda_min(K o Q)), Q_ab = (1/m) sum_i sigma'(h_ia) sigma'(h_ib) and o entrywise, falls
by at most L2 sqrt(max_a gam_a G_aa) s, for dD_i K dD_i <= sum_a gam_a dD_ia^2. K = lambda_min I is slopes, K = G with
gam = lambda_max is kernel. Here K = S min(B, t) S, B = S^{-1} G S^{-1} and S^2 = diag(1/G_aa): then gam_a G_aa = t for
every a. In the code G is divided by a power of two near G_max, its `unit`, first.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from flint import arb

from bounds import constants
from bounds.activation.base import FUNCTION_ULPS
from bounds.activation.gaussian_kernels import slope_kernel
from bounds.errors import AssumptionError
from bounds.methods import slopes
from bounds.methods.base import ROOT, APriori, Method, Profile, drift
from bounds.methods.kernel import slope_kernel_growth
from bounds.neurons import Neurons, as_neurons
from bounds.numerics.spectrum import UNIT_ROUNDOFF, Spectrum, gamma, spectrum
from bounds.problem import Problem

NEURONS = 512  # on which t is chosen
LEAST_RATIO = 1e-100  # of the diagonal of G
LEAST_CLIP = 1e-6  # the smallest t that is tried, relative to the largest eigenvalue of B
CLIPS = 24  # values of t on the first grid,
FINER = 8  # and around the best of them


@dataclass(frozen=True)
class Clip:
    """min(B, t) of G/unit, known as a matrix in floating point.

    level: t; part (n, n): within `error` of min(B, t) in the Frobenius norm; roots (n,): S^{-1}, of which S is the
    exact inverse; unit: a power of two, K = unit S min(B, t) S.
    """

    level: float
    part: np.ndarray
    error: float
    roots: np.ndarray
    unit: float

    def times(self, slope_gram: np.ndarray, unsure: float, largest: float, *, scaled: bool) -> Spectrum:
        """The spectrum of (K/unit) o Q (scaled), or of min(B, t) o Q, for every Q >= 0 within `unsure` (a bound of the
        Frobenius norm of min(B, t) o (Q - slope_gram)) with entries of at most `largest`."""
        theta = self.part * slope_gram
        error = largest * (self.error + 8 * UNIT_ROUNDOFF * float(np.linalg.norm(self.part))) + unsure
        if scaled:
            theta = theta / np.outer(self.roots, self.roots)
            error /= float(np.min(self.roots)) ** 2
        return spectrum((theta + theta.T) / 2, 1.01 * error)


def check(problem: Problem) -> None:
    """AssumptionError unless sigma is C^{1,1}, G is known and no x_a is mapped to 0; lambda_min(G) may be zero."""
    slopes.check_smooth(problem, "clipped")
    if problem.random or problem.gram_radius > 0 or problem.gram_range is not None:
        raise AssumptionError("method 'clipped' needs the Gram matrix itself. Draw the embedding: problem.draw(dim=D).")
    if not problem.gmin > LEAST_RATIO * problem.gmax:
        raise AssumptionError(
            "method 'clipped' needs x_a that are not mapped to 0: G has a zero on its diagonal, or nearly so."
        )


@lru_cache(maxsize=16)
def clip(problem: Problem) -> Clip:
    """min(B, t) of a problem, with the t that makes the critical scale smallest for Gaussian pre-activations, about;
    every t > 0 is valid.

    Rounding: a function f with |f(x) - f(y)| <= |x - y| changes a symmetric matrix by no more than the matrix changes,
    in the Frobenius norm, so what separates B from U Lambda U', U the orthogonal factor of the computed vectors V,
    separates min(B, t) from U min(Lambda, t) U' too; and V = U P with ||P - 1|| <= ||V'V - 1||.
    """
    unit = float(2.0 ** np.floor(np.log2(np.max(np.diagonal(problem.gram)))))
    G = problem.gram / unit
    diagonal = np.diagonal(G)
    roots = np.sqrt(diagonal)
    B = G * np.outer(roots, roots)
    values, vectors = np.linalg.eigh((B + B.T) / 2)
    values = np.maximum(values, 0.0)  # B is positive semidefinite
    level, n = _best_level(problem, unit, values, vectors / roots[:, None]), len(G)
    part = (vectors * np.minimum(values, level)) @ vectors.T

    product = gamma(2 * n + 4) * n  # of either product, whose factors have rows and columns of norm about 1
    defect = float(np.linalg.norm(vectors.T @ vectors - np.eye(n))) + product
    largest = float(values[-1])
    if not defect < 0.1:
        raise AssumptionError("the eigenvectors of a matrix could not be computed: the data are too badly conditioned.")
    forming = (problem.gram_relative_error + 4 * UNIT_ROUNDOFF) * float(np.sum(np.square(diagonal)))
    apart = float(np.linalg.norm(B - (vectors * values) @ vectors.T)) + product * largest
    error = 1.01 * (forming + apart + 2.2 * defect * (largest + level) + product * level)
    return Clip(level, (part + part.T) / 2, error, roots, unit)


def _best_level(problem: Problem, unit: float, values: np.ndarray, scaled: np.ndarray) -> float:
    """The t on a grid, and a finer one, that makes sqrt(t)/lambda_min(K o Q) smallest, Q that of neurons at random.

    values (n,), scaled (n, n): G/unit = scaled values scaled', K/unit = scaled min(values, t) scaled'.
    """
    law, axes = np.linalg.eigh(problem.start.gram / unit)
    H = np.random.default_rng(0).standard_normal((NEURONS, len(values)))
    slope = problem.activation.slope(unit**0.5 * (H @ (axes * np.sqrt(np.maximum(law, 0.0))).T))
    Q = slope.T @ slope / NEURONS

    def cost(level: float) -> float:
        part = (scaled * np.minimum(values, level)) @ scaled.T
        least = float(np.linalg.eigvalsh(part * Q)[0])
        return level**0.5 / least if least > 0 else np.inf

    top = max(float(values[-1]), 1e-300)
    grid = np.geomspace(max(float(values[0]), LEAST_CLIP * top), top, CLIPS)
    best = min(grid.tolist(), key=cost)
    ratio = float(grid[1] / grid[0])
    return min((best * ratio ** np.linspace(-1, 1, FINER + 1)).tolist(), key=cost)


def _profile(problem: Problem, found: Clip, smallest: arb) -> Profile:
    """rho(s) = sqrt(smallest) - L2 sqrt(max_a gam_a G_aa) s, `smallest` a lower bound of lambda_min(K o Q^0)."""
    smallest = smallest.nonnegative_part()
    weight = arb(0)  # max_a gam_a G_aa = unit t weight
    for g, root in zip(problem.gram_diagonal, found.roots.tolist(), strict=True):
        weight = weight.max(g / arb(root) ** 2)
    fall = problem.activation.L2.max(slopes.LEAST_L2) * (arb(found.level) * arb(found.unit) * weight).sqrt()
    return Profile(smallest, smallest.sqrt() / fall, ROOT)


def a_priori(problem: Problem, failure: float, tau: float) -> APriori:
    """lambda_min(K o Q^0) >= (1 - tau) lambda_min(K o Q^inf) with probability 1 - failure, by matrix Chernoff: the
    D_i min(B, t) D_i are at most Ls^2 t, and their mean is compared with its expectation in the order of matrices."""
    found = clip(problem)
    act, start = problem.activation, problem.start.gram
    Q, error = slope_kernel(act, np.diagonal(start), start)
    size = float(np.linalg.norm(found.part))
    unsure = float(np.linalg.norm(found.part * error)) + (size + found.error) * slope_kernel_growth(problem)
    unsure += found.error * float(np.max(error))
    largest = float((act.Ls**2).upper())
    whole, part = (found.times(Q, unsure, largest, scaled=scaled) for scaled in (True, False))
    low, high = whole.lmin
    if not (low > 0 and part.lmin[0] > 0):
        raise AssumptionError(
            f"method 'clipped' needs lambda_min of its part of the infinite-width tangent kernel > 0; certified in"
            f" [{low:.3g}, {high:.3g}] (n={problem.n}). Remove repeated data points, or use a richer embedding."
        )
    return APriori(
        _profile(problem, found, (1 - arb(tau)) * arb(low) * arb(found.unit)),
        concentration=constants.width_kernel(act.Ls**2 * arb(found.level), problem.n, failure, tau, arb(part.lmin[0])),
        choices={"clip": arb(found.level) * arb(found.unit) ** 2, "lambda_min_clipped": arb(low) * arb(found.unit)},
    )


def a_posteriori(problem: Problem, H: np.ndarray | Neurons) -> Profile:
    """The profile from lambda_min(K o Q) at H (m, n), certified with the rounding of forming it."""
    found, neurons = clip(problem), as_neurons(H)

    def products(h: np.ndarray) -> np.ndarray:
        slope = problem.activation.slope(h)
        return np.asarray(slope.T @ slope)

    largest = float((problem.activation.Ls**2).upper())
    relative = gamma(len(H) + 4) + 4 * FUNCTION_ULPS * 2.0**-52
    relative += 3 * problem.activation.slack * max(1.0, neurons.reach)
    unsure = relative * largest * (float(np.linalg.norm(found.part)) + found.error)
    least = found.times(neurons.sum(products) / len(H), unsure, largest * (1 + relative), scaled=True).lmin[0]
    return _profile(problem, found, arb(max(least, 0.0)) * arb(found.unit))


def last_layer_drift(problem: Problem) -> arb:
    """sqrt(max_a gam_a) Ls sqrt(kap), as for kernel with gam for lambda_max."""
    if not problem.last_layer:
        return arb(0)
    found = clip(problem)
    largest = arb(found.unit) * arb(found.level) / arb(float(np.min(found.roots))) ** 2  # of the gam_a
    return drift(problem, largest, problem.activation.Ls)


METHOD = Method(
    name="clipped",
    source="master theorem with lambda_min of a clipped part of the tangent kernel",
    proved=True,
    check=check,
    a_priori=a_priori,
    a_posteriori=a_posteriori,
    needs_positive_definite=False,
    drift=last_layer_drift,
)
