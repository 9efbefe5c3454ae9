"""Smooth activations: the mean square slope itself moves slowly, q_a(t) >= q_a(0) - L2 sqrt(G_aa) s(t)."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from flint import arb

from bounds.activation.base import FUNCTION_ULPS
from bounds.activation.gaussian import second_moment_ratio
from bounds.errors import AssumptionError
from bounds.methods.base import ROOT, APriori, Method, Profile
from bounds.methods.deviations import neurons, slope_sample
from bounds.neurons import Neurons, as_neurons
from bounds.problem import Problem

LEAST_L2 = arb(1e-9)  # used in place of a smaller L2, which is valid and keeps the path of a linear network finite


def check_smooth(problem: Problem, method: str) -> None:
    """AssumptionError unless sigma is C^{1,1}."""
    if not problem.activation.smooth:
        raise AssumptionError(
            f"method {method!r} needs sigma in C^(1,1); {problem.activation.name!r} has a kink."
            ' Use method="envelope" or "chebyshev".'
        )


def check(problem: Problem) -> None:
    """AssumptionError unless sigma is C^{1,1}."""
    check_smooth(problem, "slopes")


def _profile(problem: Problem, q_squared: arb) -> Profile:
    """rho(s) = sqrt(lambda_min) (q - L2 sqrt(G_max) s), q_squared a lower bound of min_a q_a^2."""
    drift = problem.activation.L2.max(LEAST_L2) * problem.gmax.sqrt()
    return Profile(problem.spectrum.lmin_floor * q_squared, q_squared.nonnegative_part().sqrt() / drift, ROOT)


@lru_cache(maxsize=64)  # the inverse questions and the choice of tau ask again and again
def _moments(start: Problem) -> tuple[arb, arb]:
    """(min_a E X_a, max_a E X_a^2/(E X_a)^2), X_a = sigma'(h_a^0)^2."""
    return second_moment_ratio(start.activation, start.gram_diagonal)


def a_priori(problem: Problem, failure: float, tau: float) -> APriori:
    """min_a q_a^2 >= (1 - tau) min_a E X_a, X_a = sigma'(h_a)^2, with probability 1 - failure, by Cramer's bound or by
    second moments."""
    least, ratio = _moments(problem.start)
    q_squared = (1 - arb(tau)) * least
    return APriori(
        _profile(problem, q_squared),
        concentration=neurons(slope_sample(problem.start), q_squared, ratio, problem.n, failure, tau),
        choices={"q_squared": q_squared, "moment_ratio": ratio},
    )


def mean_square_slope(problem: Problem, H: np.ndarray | Neurons) -> arb:
    """min_a q_a^2 of one network, enclosed with the rounding of computing it. H: (m, n)."""
    neurons = as_neurons(H)
    least = float(np.min(neurons.sum(lambda h: np.square(problem.activation.slope(h)).sum(0)) / len(H)))
    # sigma' is known to FUNCTION_ULPS of Ls, its square to twice that, and a mean over rows is summed one by one.
    ulps = FUNCTION_ULPS + len(H)
    relative = ulps * 2.0**-52 + 3 * problem.activation.slack * max(1.0, neurons.reach)
    return arb(least, relative * float((problem.activation.Ls**2).upper()))


def a_posteriori(problem: Problem, H: np.ndarray | Neurons) -> Profile:
    """The profile from the mean square slopes at H (m, n)."""
    return _profile(problem, mean_square_slope(problem, H).nonnegative_part())


METHOD = Method(
    name="slopes",
    source="master theorem with the mean square slope (S4)",
    proved=True,
    check=check,
    a_priori=a_priori,
    a_posteriori=a_posteriori,
)
