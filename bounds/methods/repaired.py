"""Theorem 1 by the paper's method, repaired: Lemma 1 with 9/sqrt(2), and ||f^0|| <= scale B/sqrt(m) for Lemma 2."""

from __future__ import annotations

import numpy as np
from flint import arb

from bounds import constants
from bounds.methods.base import APriori, Method, Profile, no_check, paper_profile
from bounds.methods.intervals import bounded_interval, least_fraction, middle
from bounds.neurons import Neurons
from bounds.problem import Problem


def _kappa(problem: Problem, interval: tuple[float, float], slope: arb) -> arb:
    """kappa of Lemma 1 for the problem, `slope` the K_s of the interval."""
    return constants.kappa(problem.spectrum.lmin_floor, problem.spectrum.lmax_ceiling, interval, slope)


def a_priori(problem: Problem, failure: float, tau: float) -> APriori:
    """eta~^0 > K with probability 1 - failure if m >= log(n/failure)/(2 K^2) (Lemma 3)."""
    interval = bounded_interval(problem.start, constants.K)
    K = constants.K(interval, problem.start.gmin, problem.start.gmax)
    slope = problem.activation.slope_floor(interval)
    kappa = _kappa(problem, interval, slope)
    return APriori(
        paper_profile(problem, slope, K, kappa),
        concentration=constants.width_lemma_3(problem.n, failure, K),
        choices={"interval": interval, "K": K, "K_s": slope, "kappa": kappa},
    )


def a_posteriori(problem: Problem, H: np.ndarray | Neurons) -> Profile:
    """Lemma 1 from the fraction of neurons in the middle third of I at H."""
    interval = bounded_interval(problem.start, constants.K)
    slope = problem.activation.slope_floor(interval)
    third = (interval[1] - interval[0]) / 3
    eta = least_fraction(H, middle(interval, third * (1 + 1e-15)))
    return paper_profile(problem, slope, eta, _kappa(problem, interval, slope))


METHOD = Method(
    name="repaired",
    source="Theorem 1 by the paper's method, every constant explicit (R4)",
    proved=True,
    check=no_check,
    a_priori=a_priori,
    a_posteriori=a_posteriori,
)
