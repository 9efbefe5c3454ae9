"""Methods that count the neurons in an interval: the common part of markov and chebyshev."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from flint import arb

from bounds.activation.base import Interval
from bounds.activation.gaussian import gaussian_probability
from bounds.methods.base import APriori, Method, Profile, Shape, no_check
from bounds.methods.deviations import neurons_for_fraction
from bounds.methods.intervals import free_interval, least_fraction, least_mass, middle
from bounds.neurons import Neurons
from bounds.problem import Problem


def counting_method(
    name: str, source: str, *, power: float, shape: Shape, extent: Callable[[arb, arb, arb], arb]
) -> Method:
    """The method with rho(s)^2 = lambda_min K_s^2 eta g(s/s*)^2, eta the least fraction of neurons in I0.

    power: a is proportional to 1/(K_s xi eta^power); extent(xi, eta, G_max): s*. A priori eta >= (1 - tau) pi with
    probability 1 - failure, by the tail of the binomial law; a posteriori eta is counted.
    """

    def profile(problem: Problem, interval: Interval, xi: float, eta: arb) -> Profile:
        slope = problem.activation.slope_floor(interval)
        return Profile(problem.spectrum.lmin_floor * slope**2 * eta, extent(arb(xi), eta, problem.gmax), shape)

    def a_priori(problem: Problem, failure: float, tau: float) -> APriori:
        interval, xi = free_interval(problem.start, power)
        inner = middle(interval, xi)
        pi = least_mass(problem.start, inner)
        share = (1 - arb(tau)) * pi
        masses = [gaussian_probability(*inner, g) for g in problem.start.gram_diagonal]
        return APriori(
            profile(problem, interval, xi, share),
            concentration=neurons_for_fraction(masses, share, failure),
            choices={"interval": interval, "xi": arb(xi), "pi": pi},
        )

    def a_posteriori(problem: Problem, H: np.ndarray | Neurons) -> Profile:
        interval, xi = free_interval(problem.start, power)
        return profile(problem, interval, xi, least_fraction(H, middle(interval, xi)))

    return Method(name, source, True, no_check, a_priori, a_posteriori)
