"""The envelope with the best mu at every s: rho(s)^2 = lambda_min min_a sup_mu (A_{mu,a} - mu G_aa s^2).

sigma'(u)^2 >= e_mu(h) - mu (u - h)^2 for every mu >= 0 (envelope.py), so the largest of these bounds holds at each s:
by duality, but for the finite choice of mu, the least mean square slope over all displacements of root mean square at
most sqrt(G_aa) s, an optimal transport of the pre-activations. The bound falls with s, so its value at the end of an
interval is a lower bound on all of it, and a step function is on the safe side of every integral.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from flint import arb

from bounds.activation.slope_envelope import mean_envelope
from bounds.methods import envelope
from bounds.methods.base import Profile
from bounds.problem import Problem

FACTORS = (0.25, 0.4, 0.6, 0.8, 1.0, 1.25, 1.6, 2.5, 4.0)  # the values of nu tried, times that of the envelope method
STEPS = 4000  # of the step function
SLACK = 1 - 1e-9  # of a value or an integral: more than the roundings of forming it


@dataclass(frozen=True)
class StepProfile:
    """rho as a step function: levels (J,), nonincreasing, on intervals of one `width`, each a lower bound of rho.

    It has the interface of base.Profile: empty, A, extent, critical, remaining(beta), path_length(beta).
    """

    levels: np.ndarray
    width: float

    @property
    def empty(self) -> bool:
        """No level is positive: nothing is claimed at any scale."""
        return not self.levels[0] > 0

    @property
    def A(self) -> arb:
        """A lower bound of rho(0)^2."""
        return arb(float(self.levels[0])) ** 2

    @property
    def extent(self) -> arb:
        """The path length at which the step function ends."""
        return arb(self.width) * len(self.levels)

    @property
    def critical(self) -> arb:
        """An upper bound of a = 1 / integral(rho)."""
        return 1 / arb(float(np.sum(self.levels)) * self.width * SLACK)

    def _last(self, beta: arb) -> int:
        """The index of the step in which the share beta of the integral is used up, or of a later one."""
        used = np.cumsum(self.levels)
        return int(np.searchsorted(used * SLACK, float(beta.upper()) * used[-1] / SLACK))

    def remaining(self, beta: arb) -> arb:
        """A lower bound of rho(S)^2."""
        j = self._last(beta)
        return arb(float(self.levels[j])) ** 2 if j < len(self.levels) else arb(0)

    def path_length(self, beta: arb) -> arb:
        """An upper bound of S."""
        return arb(self.width) * (self._last(beta) + 1)


def a_posteriori(problem: Problem, H: np.ndarray) -> list[StepProfile | Profile]:
    """Profiles of the network H (m, n), each valid: the envelope method's parabola, and the step function if positive.

    The parabola may be the better one, because the step function loses a little to its grid of s.
    """
    single: list[StepProfile | Profile] = [envelope.a_posteriori(problem, H)]
    nus = [envelope.best_nu(problem) * factor for factor in FACTORS]
    A = np.array(
        [[mean_envelope(problem.activation, g, nu, H[:, a]) for a, g in enumerate(problem.gram_diagonal)] for nu in nus]
    )
    reach = math.sqrt(float(np.min(np.max(A / np.array(nus)[:, None], axis=0))))
    if not reach > 0:
        return single
    width = reach / STEPS
    ends = width * np.arange(1, STEPS + 1)
    squares = np.zeros((STEPS, problem.n))
    for row, nu in zip(A, nus, strict=True):  # mu G_aa <= nu for every a
        np.maximum(squares, row - nu * np.square(ends)[:, None], out=squares)
    root = math.sqrt(float(problem.spectrum.lmin_floor))
    rho = root * np.sqrt(squares.min(axis=1)) * SLACK
    return [*single, StepProfile(np.minimum.accumulate(rho), width)]
