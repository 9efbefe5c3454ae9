"""No interval at all: bound each slope by its envelope e_mu(h) = inf_u [sigma'(u)^2 + mu (u - h)^2].

q_a(t)^2 >= A_a - mu_a G_aa s^2 with A_a = mean_i e_{mu_a}(h0_ia). The mu_a = nu/G_aa share one parabola nu s^2, so the
least A_a gives the minimum over a for every s; with one mu for all a, the a of the minimum would change along the path.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from flint import arb

from bounds.activation.base import Activation
from bounds.activation.gaussian import distinct
from bounds.activation.slope_envelope import envelope_of, population_moments, rounded_down
from bounds.methods.base import PARABOLA, APriori, Method, Profile, no_check, zoom_minimise
from bounds.methods.deviations import envelope_sample, neurons
from bounds.neurons import Neurons, as_neurons
from bounds.problem import Problem


def _profile(problem: Problem, least: arb, nu: arb) -> Profile:
    """rho(s)^2 = lambda_min (least - nu s^2), `least` a lower bound of min_a A_a."""
    return Profile(problem.spectrum.lmin_floor * least, (least / nu).sqrt(), PARABOLA)


def lessened(problem: Problem) -> arb:
    """max_a G_aa/V_a, V_a the variance of h_a^0: with mu_a = nu/V_a the parabola of a falls by mu_a G_aa s^2, which is
    nu s^2 unless there are biases that are not trained."""
    if problem.start is problem:
        return arb(1)
    pairs = zip(problem.gram_diagonal, problem.start.gram_diagonal, strict=True)
    return arb(max((g / v).upper() for g, v in pairs)).min(arb(1))


def best_nu(problem: Problem) -> float:
    """The nu = mu G_aa that makes the scale smallest for Gaussian pre-activations; every nu > 0 is valid."""
    return _best_nu(problem.activation, float(problem.gmin), float(problem.gmax))


@lru_cache(maxsize=256)  # of all problems that share the extreme variances, as normalised data do
def _best_nu(activation: Activation, gmin: float, gmax: float) -> float:
    extremes = [arb(g) for g in sorted({gmin, gmax})]

    def objective(log_nu: np.ndarray) -> np.ndarray:
        values = []
        for nu in np.exp(log_nu):
            least = min(float(population_moments(activation, g, float(nu), fine=False)[0].mid()) for g in extremes)
            values.append(math.sqrt(nu) / least if least > 0 else math.inf)
        return np.array(values)

    (log_nu,) = zoom_minimise(objective, [math.log(1e-3)], [math.log(1e2)], points=9, rounds=6)
    return math.exp(log_nu)


@lru_cache(maxsize=64)
def population(problem: Problem, nu: float) -> tuple[arb, arb]:
    """(a lower bound of min_a E X_a, an upper bound of max_a E X_a^2/(E X_a)^2), X_a = e_{nu/G_aa}(h_a)."""
    least, ratio = arb("inf"), arb(1)
    for g in distinct(problem.gram_diagonal):
        first, second = population_moments(problem.activation, g, nu)
        least = least.min(first)
        ratio = ratio.max(second / first**2)
    return least, ratio


def a_priori(problem: Problem, failure: float, tau: float) -> APriori:
    """A_a >= (1 - tau) min_a E e_mu(h_a) for all a with probability 1 - failure, by Cramer's bound or by second
    moments."""
    start = problem.start
    nu = best_nu(start)
    least, ratio = population(start, nu)
    least = (1 - arb(tau)) * least
    return APriori(
        _profile(problem, least, arb(nu) * lessened(problem)),
        concentration=neurons(envelope_sample(start, nu), least, ratio, problem.n, failure, tau),
        choices={"nu": arb(nu), "A": least, "moment_ratio": ratio},
    )


def a_posteriori(problem: Problem, H: np.ndarray | Neurons) -> Profile:
    """The profile from the mean envelope at H (m, n)."""
    nu = best_nu(problem)
    envelopes = [envelope_of(problem.activation, g, nu) for g in problem.gram_diagonal]
    sums = as_neurons(H).sum(lambda h: [np.sum(e(h[:, a])) for a, e in enumerate(envelopes)])
    least = rounded_down(problem.activation, float(np.min(sums)) / len(H))
    return _profile(problem, arb(least), arb(nu))


METHOD = Method(
    name="envelope",
    source="master theorem with the slope envelope (S3, mu_a = nu/G_aa)",
    proved=True,
    check=no_check,
    a_priori=a_priori,
    a_posteriori=a_posteriori,
)
