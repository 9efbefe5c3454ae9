"""A profile that is known at every path length, as a step function on the safe side.

rho(s)^2 = lambda_min min_a max_nu (A_{nu,a} - nu s^2), A a lower bound of the mean envelope e_{nu/G_aa} at the start:
sigma'(u)^2 >= e_mu(h) - mu (u - h)^2 for every mu >= 0 (envelope.py), so the largest of these bounds holds at each s.
The bound falls with s, so its value at the end of an interval is a lower bound on all of it, and a step function is on
the safe side of every integral.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from flint import arb

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


def envelope_profile(levels: np.ndarray, nus: np.ndarray, lmin: float) -> StepProfile | None:
    """The step function of levels (K, n), the A_{nu,a}, for nus (K,); None if it is nowhere positive."""
    reach = math.sqrt(max(float(np.min(np.max(levels / nus[:, None], axis=0))), 0.0))
    if not reach > 0:
        return None
    width = reach / STEPS
    ends = width * np.arange(1, STEPS + 1)
    squares = np.zeros((STEPS, levels.shape[1]))
    for row, nu in zip(levels, nus.tolist(), strict=True):  # mu G_aa <= nu for every a
        np.maximum(squares, row - nu * np.square(ends)[:, None], out=squares)
    rho = math.sqrt(lmin) * np.sqrt(squares.min(axis=1)) * SLACK
    return StepProfile(np.minimum.accumulate(rho), width)
