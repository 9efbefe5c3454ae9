"""The tangent kernel itself: sqrt(lambda_min(Theta^t)) falls by at most L2 sqrt(lambda_max G_max) s.

Theta = (1/m) sum_i D_i G D_i with D_i = diag sigma'(h_i). Writing Theta = M'M with M the stacked G^{1/2} D_i/sqrt(m),
Weyl's inequality for singular values bounds the change of sqrt(lambda_min(Theta)) by the norm of M - M^0, whose square
is at most lambda_max max_a (1/m) sum_i (sigma'(h_ia) - sigma'(h_ia^0))^2 <= lambda_max L2^2 G_max s^2 by the key lemma.
lambda_min(G) may be zero, so this works for n > d, which the paper's Corollary 1 excludes.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from flint import arb

from bounds import constants
from bounds.activation.base import FUNCTION_ULPS
from bounds.activation.gaussian_kernels import slope_kernel
from bounds.errors import AssumptionError
from bounds.methods import slopes
from bounds.methods.base import ROOT, APriori, Method, Profile, drift
from bounds.neurons import Neurons, as_neurons
from bounds.numerics.spectrum import Spectrum, gamma, spectrum
from bounds.problem import Problem


def check(problem: Problem) -> None:
    """AssumptionError unless sigma is C^{1,1} and G is known; lambda_min(G) may be zero."""
    slopes.check_smooth(problem, "kernel")
    if problem.random or problem.gram_radius > 0 or problem.gram_range is not None:
        raise AssumptionError("method 'kernel' needs the Gram matrix itself. Draw the embedding: problem.draw(dim=D).")


def _profile(problem: Problem, smallest: arb) -> Profile:
    drift = problem.activation.L2.max(slopes.LEAST_L2) * (problem.spectrum.lmax_ceiling * problem.gmax).sqrt()
    return Profile(smallest, smallest.nonnegative_part().sqrt() / drift, ROOT)


def limit_tangent_kernel(problem: Problem) -> tuple[np.ndarray, float]:
    """(theta, error): theta_ab = G_ab E sigma'(h_a) sigma'(h_b), (n, n), the tangent kernel at infinite width, within
    `error` in the spectral norm. For smooth activations."""
    G, start = problem.gram, problem.start.gram
    Q, error = slope_kernel(problem.activation, np.diagonal(start), start)
    theta = G * Q
    return (theta + theta.T) / 2, float(
        np.linalg.norm(np.sqrt(np.outer(np.diagonal(G), np.diagonal(G))) * error)
    ) * 1.01


def slope_kernel_growth(problem: Problem) -> float:
    """By how much the rounding of the covariances of h^0, e sqrt(g_a g_b), moves each E sigma'(h_a) sigma'(h_b), whose
    derivatives are bounded by L2^2 in the covariance and by Ls L2 in the standard deviations."""
    act, g = problem.activation, problem.start.gmax
    growth = 2 * act.Ls * act.L2 * g.sqrt() + 2 * act.L2**2 * g
    return problem.start.gram_relative_error * float(growth.upper())


@lru_cache(maxsize=64)
def _limit(problem: Problem) -> Spectrum:
    """The spectrum of the tangent kernel at infinite width, with the error of forming G included."""
    theta, error = limit_tangent_kernel(problem)
    # An error e sqrt(g_a g_b) of G moves G * Q by e Ls^2.
    through_gram = problem.gram_relative_error * float((problem.activation.Ls**2).upper())
    forming = (through_gram + slope_kernel_growth(problem)) * float(np.trace(problem.gram))
    return spectrum(theta, error + 1.01 * forming)


def a_priori(problem: Problem, failure: float, tau: float) -> APriori:
    """lambda_min(Theta^0) >= (1 - tau) lambda_min(Theta^inf) with probability 1 - failure, by matrix Chernoff:
    the summands D_i G D_i are positive semidefinite and at most Ls^2 lambda_max."""
    if not problem.gmin > 0:
        raise AssumptionError("method 'kernel' needs x_a that are not mapped to 0: G has a zero on its diagonal.")
    low, high = _limit(problem).lmin
    if not low > 0:
        raise AssumptionError(
            f"method 'kernel' needs lambda_min of the infinite-width tangent kernel > 0; certified in"
            f" [{low:.3g}, {high:.3g}] (n={problem.n}). Remove repeated data points, or use a richer embedding."
        )
    smallest = arb(low)
    largest = problem.activation.Ls**2 * problem.spectrum.lmax_ceiling
    return APriori(
        _profile(problem, (1 - arb(tau)) * smallest),
        concentration=constants.width_kernel(largest, problem.n, failure, tau, smallest),
        choices={"lambda_min_kernel": smallest},
    )


def a_posteriori(problem: Problem, H: np.ndarray | Neurons) -> Profile:
    """The profile from lambda_min of the tangent kernel at H (m, n), certified with the rounding of forming it."""
    neurons = as_neurons(H)

    def products(h: np.ndarray) -> np.ndarray:
        slope = problem.activation.slope(h)
        return np.asarray(slope.T @ slope)

    theta = problem.gram * neurons.sum(products) / len(H)
    ls2 = float((problem.activation.Ls**2).upper())
    relative = gamma(len(H) + 4) + 4 * FUNCTION_ULPS * 2.0**-52 + 2 * problem.gram_relative_error
    relative += 3 * problem.activation.slack * max(1.0, neurons.reach)
    found = spectrum((theta + theta.T) / 2, relative * ls2 * float(np.trace(problem.gram)))
    return _profile(problem, arb(max(found.lmin[0], 0.0)))


def last_layer_drift(problem: Problem) -> arb:
    """sqrt(lambda_max) Ls sqrt(kap): M^t - M^0 has the rows G^{1/2} (c_i sigma'(h_i) - c_i^0 sigma'(h_i^0)), whose part
    with c_i - c_i^0 is bounded like the other."""
    return drift(problem, problem.spectrum.lmax_ceiling, problem.activation.Ls)


METHOD = Method(
    name="kernel",
    source="master theorem with lambda_min of the tangent kernel (S5)",
    proved=True,
    check=check,
    a_priori=a_priori,
    a_posteriori=a_posteriori,
    needs_positive_definite=False,
    drift=last_layer_drift,
)
