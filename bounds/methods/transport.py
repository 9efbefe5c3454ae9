"""Transport a priori: the envelope with the best nu at every path length, for a network that is not drawn yet.

min_a q_a(t)^2 >= max_nu (A_nu - nu s^2) if the mean envelopes e_{nu/G_aa} of all data are at least A_nu, for every nu
of a finite set. The width is what the nu of the envelope method asks for; the other A_nu are the largest that Cramer's
bound allows at that width. A nu that is nowhere the largest would only cost probability, and is dropped.
"""

from __future__ import annotations

import numpy as np
from flint import arb

from bounds.errors import AssumptionError
from bounds.methods import envelope
from bounds.methods.base import APriori, Method
from bounds.methods.deviations import envelope_sample, neurons
from bounds.methods.step_profile import envelope_profile
from bounds.numerics.arithmetic import float_down, float_up
from bounds.problem import Problem

FACTORS = (0.1, 0.25, 0.5, 1.0, 1.8, 3.2)  # the values of nu tried, times that of the envelope method
PATHS = np.linspace(0, 1, 201)  # parts of the longest path at which the largest bound is looked for


def check(problem: Problem) -> None:
    """AssumptionError unless the diagonal of G is known."""
    if problem.random or problem.gram_radius > 0:
        raise AssumptionError(
            "method 'transport' needs the Gram matrix itself. Draw the embedding: problem.draw(dim=D)."
        )


def a_priori(problem: Problem, failure: float, tau: float) -> APriori:
    """The step function of all nu; A_nu = (1 - tau) min_a E e for that of the envelope method."""
    start = problem.start
    best = envelope.best_nu(start)
    least, ratio = envelope.population(start, best)
    level = (1 - arb(tau)) * least
    nus = [best * factor for factor in FACTORS]
    samples = {nu: sample for nu in nus if (sample := envelope_sample(start, nu)) is not None}
    if len(samples) < len(nus):
        raise AssumptionError("method 'transport' needs a diagonal of G that is known to six digits, and none of 0.")
    for _ in range(2):  # the second time with the nu that are needed only
        share = failure / len(nus)
        width = neurons(samples[best], level, ratio, problem.n, share, tau)
        levels = np.array([float_down(level) if nu == best else samples[nu].level(float(width), share) for nu in nus])
        nus, all_nus = [nu for nu in nus if nu == best or _is_largest(nu, nus, levels)], nus
        if nus == all_nus:
            break
    else:
        levels = levels[[all_nus.index(nu) for nu in nus]]  # each bound holds, whichever others are used
    fall = np.array(nus) * float_up(envelope.lessened(problem))
    profile = envelope_profile(levels[:, None], fall, float(problem.spectrum.lmin_floor))
    if profile is None:
        raise AssumptionError("method 'transport' says nothing here: no slope is certified to stay above zero.")
    return APriori(profile, concentration=width, choices={"nus": nus, "A": levels.tolist()})


def _is_largest(nu: float, nus: list[float], levels: np.ndarray) -> bool:
    """Whether A_nu - nu s^2 is the largest of all bounds at some path length at which one is positive."""
    bounds = levels[:, None] - np.array(nus)[:, None] * np.square(PATHS) * float(np.max(levels / np.array(nus)))
    return bool(np.any((np.argmax(bounds, axis=0) == nus.index(nu)) & (bounds.max(axis=0) > 0)))


METHOD = Method(
    name="transport",
    source="master theorem with the slope envelope, the best nu at every path length",
    proved=True,
    check=check,
    a_priori=a_priori,
    a_posteriori=None,  # a certificate takes seconds: bounds/certificates/transport.py, only when it is asked for
)
