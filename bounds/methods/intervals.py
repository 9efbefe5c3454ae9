"""The choice of the active interval I and of the margin xi, made once for the methods that count active neurons."""

from __future__ import annotations

import functools
import math
from functools import lru_cache
from typing import Any

import numpy as np
from flint import arb

from bounds.activation.base import Activation, Interval
from bounds.activation.gaussian import distinct, gaussian_probability, gaussian_probability_approx
from bounds.constants.formula import Constant
from bounds.methods.base import zoom_minimise
from bounds.neurons import Neurons, as_neurons
from bounds.problem import Problem

LARGEST_VARIANCE = 1e8  # of the search if sigma saturates: for a larger one it would not find the slopes near 0


def _open_right(act: Activation) -> bool:
    """|sigma'| has a positive limit as u -> infinity."""
    return act.slopes_at_ends[1] > 0 and math.isinf(act.active[1])


def _reach(problem: Problem) -> tuple[float, float, float]:
    """(gmin, gmax, reach) for the searches: the extreme variances, and the largest |I_l| that is tried."""
    gmin, gmax = float(problem.gmin), float(problem.gmax)
    if not _open_right(problem.activation):
        gmin, gmax = min(gmin, LARGEST_VARIANCE), min(gmax, LARGEST_VARIANCE)
    return gmin, gmax, 4 * max(1.0, math.sqrt(gmax))


def bounded_interval(problem: Problem, letter: Constant) -> Interval:
    """The bounded I that makes 1/(K_s |I| K^{3/2}), hence the scale of the paper's method, smallest.

    letter: constants.K or constants.K_printed.
    """
    return _bounded_interval(problem.activation, letter, *_reach(problem))


@lru_cache(maxsize=256)  # of all problems that share the extreme variances, as normalised data do
def _bounded_interval(act: Activation, letter: Constant, gmin: float, gmax: float, reach: float) -> Interval:
    low = max(act.active[0], -reach)

    def objective(left: np.ndarray, log_length: np.ndarray) -> np.ndarray:
        length = np.exp(log_length)
        right = left + length
        k = letter.approx((left, right), gmin, gmax)
        value: np.ndarray = 1 / (act.slope_floor_approx(left, right) * length * k**1.5)
        return np.where(right <= act.active[1], value, np.inf)

    left, log_length = zoom_minimise(objective, [low, math.log(1e-3)], [reach, math.log(2 * reach)])
    return left, left + math.exp(log_length)


def free_interval(problem: Problem, power: float) -> tuple[Interval, float]:
    """I and xi that make 1/(K_s xi pi^power) smallest, pi the least mass of I0 = {u in I: dist(u, I^c) >= xi}.

    power: 3/2 for markov, 1 for chebyshev. An end of I at which |sigma'| keeps a positive limit is infinite.
    """
    return _free_interval(problem.activation, power, *_reach(problem))


@lru_cache(maxsize=256)  # as _bounded_interval
def _free_interval(act: Activation, power: float, gmin: float, gmax: float, reach: float) -> tuple[Interval, float]:
    low = max(act.active[0], -reach)
    open_right = _open_right(act)
    extremes = sorted({gmin, gmax})

    def ends(left: Any, xi: Any, width: Any) -> tuple[Any, Any]:
        return left, math.inf if open_right else left + 2 * xi + width

    def objective(left: np.ndarray, log_xi: np.ndarray, log_width: np.ndarray) -> np.ndarray:
        xi = np.exp(log_xi)
        _, right = ends(left, xi, np.exp(log_width))
        inner = left + xi, math.inf if open_right else right - xi
        mass = functools.reduce(np.minimum, (gaussian_probability_approx(*inner, g) for g in extremes))
        floor = act.slope_floor_approx(left, np.full_like(left, 1e6) if open_right else right)
        value: np.ndarray = 1 / (floor * xi * np.maximum(mass, 0.0) ** power)
        return np.where(right <= act.active[1], value, np.inf)

    unused = [0.0, 0.0] if open_right else [math.log(1e-3), math.log(2 * reach)]
    left, log_xi, log_width = zoom_minimise(
        objective,
        [low, math.log(1e-3), unused[0]],
        [reach, math.log(reach), unused[1]],
    )
    xi = math.exp(log_xi)
    left, right = ends(left, xi, math.exp(log_width))
    return (left, float(right)), xi


def middle(interval: Interval, xi: float) -> Interval:
    """I0 = {u in I: dist(u, complement of I) >= xi}, rounded inwards."""
    left, right = interval
    return math.nextafter(left + xi, math.inf), math.nextafter(right - xi, -math.inf)


def least_mass(problem: Problem, interval: Interval) -> arb:
    """min_a P(N(0, G_aa) in interval), enclosed."""
    mass = arb(1)
    for g in distinct(problem.gram_diagonal):
        mass = mass.min(gaussian_probability(*interval, g))
    return mass


def least_fraction(H: np.ndarray | Neurons, interval: Interval) -> arb:
    """min_a of the fraction of neurons with h_ia in the closed interval; an exact ratio. H: (m, n)."""
    left, right = interval
    inside = as_neurons(H).sum(lambda h: np.count_nonzero((left <= h) & (right >= h), axis=0))
    return arb(int(inside.min())) / len(H)
