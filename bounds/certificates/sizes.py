"""The constants of a problem that shadowing uses, and what is proved about one of its steps: bounds of sizes."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from bounds.numerics.spectrum import UNIT_ROUNDOFF, gamma, spectrum
from bounds.problem import Problem

SLACK = 1 + 1e-6  # on every sum of non-negative terms: more than its own rounding
# What underflow can take from any bound below, n = 10^6 points included: the square of what is below 1e-154 is lost.
# It is absolute, so scale and G_max must be of size one; certify sees to it (magnitudes.in_units).
TINY = 1e-140


class Constants:
    """The constants of problem and scale in float64, each multiplied by SLACK to be an upper bound.

    c: the scale; ls, l2: Ls and L2; strip: a half-width of the strip of analyticity, rounded down; strip_bound: a bound
    of |sigma'| on it; roots (n,): sqrt(G_aa); root_lmax: sqrt(lambda_max); products (n, n): |error of (G v)_a| is at
    most (products |v|)_a, that of forming G included; gram_error: a bound of the error of G in the spectral norm.
    """

    def __init__(self, problem: Problem, scale: float) -> None:
        act = problem.activation
        assert act.strip is not None
        self.problem, self.c = problem, scale
        self.ls, self.l2 = float(act.Ls.upper()) * SLACK, float(act.L2.upper()) * SLACK
        self.strip, self.strip_bound = act.strip[0] / SLACK, act.strip[1] * SLACK
        self.roots = np.sqrt([float(g.upper()) for g in problem.gram_diagonal]) * SLACK
        self.root_lmax = math.sqrt(problem.spectrum.lmax[1]) * SLACK
        summed = gamma(problem.n + 2) * np.abs(problem.gram)
        radius, relative = problem.gram_radius, problem.gram_relative_error
        self.products = (summed + relative * np.outer(self.roots, self.roots) + radius) * SLACK + TINY
        self.gram_error = (relative * float(np.trace(problem.gram)) + radius) * SLACK

    def norm(self, per_datum: np.ndarray) -> float:
        """A bound of |Z|, from bounds per_datum (n,) of the root mean square of Z_ia over the neurons."""
        return self.root_lmax * float(np.linalg.norm(per_datum)) * SLACK + TINY

    def value_size(self, h_size: np.ndarray) -> np.ndarray:
        """A bound (n,) of mean_i |sigma(h_ia)|, from bounds h_size (n,) of the root mean square of h_ia."""
        act = self.problem.activation
        size = abs(float(act.value(0.0))) * SLACK + self.ls * h_size
        return size if act.bounded_by is None else np.minimum(size, act.bounded_by)

    def growth(self, residual: np.ndarray, distance: float) -> float:
        """An upper bound of c L2 nu, from bounds residual (n,) of |r~_a| and distance of z."""
        weights = np.sqrt(residual + self.c**2 * self.ls * self.roots * distance)
        matrix = weights[:, None] * self.problem.gram * weights
        error = (self.gram_error + 8 * UNIT_ROUNDOFF * float(np.trace(self.problem.gram))) * float(weights.max()) ** 2
        nu = spectrum((matrix + matrix.T) / 2, error * SLACK).lmax[1]
        return self.c * self.l2 * nu * SLACK

    def residual_distance(self, distance: float) -> float:
        """A bound of ||f(U) - f(U~)|| for |U - U~| <= distance."""
        return self.c**2 * self.ls * self.root_lmax * distance * SLACK


@dataclass(frozen=True)
class Shadow:
    """What is proved about one step of the reference path.

    defect: sup |U~' - F(U~)|, of which `interpolation` is due to the degree and `rounding` to float64;
    residual (n,): sup |r~_a|; speed: sup |U~'|; state_error: of the computed H at the end; residual_error (n,): of the
    interpolant of the computed residuals, at any time; mean_speed (n,), peak_speed (n,): sup over the step of the mean
    and of the maximum over the neurons of |h~_ia'|.
    """

    defect: float
    interpolation: float
    rounding: float
    residual: np.ndarray
    speed: float
    state_error: float
    residual_error: np.ndarray
    mean_speed: np.ndarray
    peak_speed: np.ndarray
