"""Counting active neurons through the mean square movement: the moved fraction is at most G_aa s^2 / xi^2."""

from __future__ import annotations

import numpy as np
from flint import arb

from bounds.methods.base import PARABOLA, APriori, Method, Profile, no_check
from bounds.methods.intervals import free_interval, least_fraction, least_mass, middle
from bounds.problem import Problem


def _profile(problem: Problem, interval: tuple[float, float], xi: float, eta: arb) -> Profile:
    slope = problem.activation.slope_floor(interval)
    A = problem.spectrum.lmin_ball * slope**2 * eta
    return Profile(A, arb(xi) * (eta / problem.gmax).sqrt(), PARABOLA)


def a_priori(problem: Problem, delta: float, tau: float) -> APriori:
    """eta0 >= (1 - tau) pi with probability 1 - delta/2 if m >= 2 log(2n/delta)/(tau^2 pi) (R3)."""
    interval, xi = free_interval(problem, 1.0)
    pi = least_mass(problem, middle(interval, xi))
    return APriori(
        _profile(problem, interval, xi, (1 - arb(tau)) * pi),
        concentration=2 * (2 * problem.n / arb(delta)).log() / (arb(tau) ** 2 * pi),
        choices={"interval": interval, "xi": arb(xi), "pi": pi},
    )


def a_posteriori(problem: Problem, H: np.ndarray) -> Profile:
    """The same from the counted fraction at H."""
    interval, xi = free_interval(problem, 1.0)
    return _profile(problem, interval, xi, least_fraction(H, middle(interval, xi)))


METHOD = Method(
    name="chebyshev",
    source="master theorem with the moved fraction by Chebyshev's inequality (S2)",
    proved=True,
    check=no_check,
    a_priori=a_priori,
    a_posteriori=a_posteriori,
)
