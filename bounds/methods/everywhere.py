"""(16): if |sigma'| >= K_s on the whole line, rho is constant along the path, for every width and scale."""

from __future__ import annotations

import math

import numpy as np
from flint import arb

from bounds.errors import AssumptionError
from bounds.methods.base import CONSTANT, APriori, Method, Profile, drift
from bounds.neurons import Neurons
from bounds.problem import Problem

WHOLE_LINE = (-math.inf, math.inf)


def _slope_floor(problem: Problem) -> arb:
    """inf |sigma'| over the whole line, 0 if it is not known to be positive."""
    act = problem.activation
    return act.slope_floor(WHOLE_LINE) if act.active == WHOLE_LINE else arb(0)


def check(problem: Problem) -> None:
    """AssumptionError unless |sigma'| is bounded from below by a positive number."""
    if not _slope_floor(problem) > 0:
        raise AssumptionError(
            f"method 'everywhere' needs inf |sigma'| > 0, as (16) does; for {problem.activation.name!r} it is 0."
            " Use leaky_relu or linear, or another method."
        )


def _profile(problem: Problem) -> Profile:
    return Profile(problem.spectrum.lmin_floor * _slope_floor(problem) ** 2, arb("inf"), CONSTANT)


def a_priori(problem: Problem, failure: float, tau: float) -> APriori:
    """The profile of every network: nothing has to concentrate, and a single neuron is enough."""
    return APriori(_profile(problem), concentration=arb(1), choices={"K_s": _slope_floor(problem)})


def a_posteriori(problem: Problem, H: np.ndarray | Neurons) -> Profile:
    """The profile of every network; H is not used."""
    return _profile(problem)


def last_layer_drift(problem: Problem) -> arb:
    """sqrt(lambda_min) K_s sqrt(kap): the root mean square of c_i sigma'(h_ia) is at least K_s (c - sqrt(kap) s)."""
    return drift(problem, problem.spectrum.lmin_floor, _slope_floor(problem))


METHOD = Method(
    name="everywhere",
    source="(16), |sigma'| bounded from below on the whole line",
    proved=True,
    check=check,
    a_priori=a_priori,
    a_posteriori=a_posteriori,
    drift=last_layer_drift,
)
