"""The slope envelope e_mu(h) = inf_u [sigma'(u)^2 + mu (u - h)^2]: certified lower bounds and Gaussian moments.

e_mu(h) - mu h^2 is an infimum of affine functions, hence concave: between two nodes of a grid, e_mu is at least the
linear interpolation of its node values minus mu (h - h_k)(h_{k+1} - h), and its tangents bound it from above.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from flint import arb

from bounds.activation.base import Activation
from bounds.activation.gaussian import REACH
from bounds.numerics.arithmetic import ENCLOSED, NUMPY

STRIDES = (400, 20, 1)  # of the nodes whose envelopes are found one after another
ROUNDING = 1e-12  # relative to Ls^2: covers the float64 roundings of a mean, and of sums of at most 1e4 terms


@dataclass(frozen=True)
class Table:
    """Bounds of e_mu at the nodes of a uniform grid: nodes, lower, upper, each (K,).

    The linear interpolants of lower and upper bound e_mu between the nodes too.
    """

    nodes: np.ndarray
    lower: np.ndarray
    upper: np.ndarray

    def __call__(self, h: np.ndarray) -> np.ndarray:
        """A lower bound of e_mu(h); zero outside the grid."""
        return np.maximum(np.interp(h, self.nodes, self.lower, left=0.0, right=0.0), 0.0)


@lru_cache(maxsize=512)
def _table(activation: Activation, mu: float, reach: float, fine: bool) -> Table:
    """The table of e_mu on [-reach, reach], certified from a grid of values of sigma'^2 as the module explains."""
    bound = activation.slope_bound
    nodes = np.linspace(-reach, reach, 2001 if fine else 301)
    half = math.ceil(reach + bound / math.sqrt(mu))
    points = 4000 if fine else 750  # on each side
    # Kinks sit at integers: either every integer is a node, or nothing but integers is.
    if half <= points:
        per_unit = math.ceil(points / half)
        u: np.ndarray = np.arange(-half * per_unit, half * per_unit + 1) / per_unit
    else:
        u = np.arange(-points, points + 1) * float(math.ceil(half / points))
    activation.require_reach("the grid of the slope envelope", float(u[-1]))
    p = np.square(activation.slope(u))
    # A grid minimum is at most this much too high:
    curvature = activation.slope_square_bend + 2 * mu
    loss = curvature * (u[1] - u[0]) ** 2 / 8
    values, minimisers = _grid_minima(p, u, nodes, mu)
    step = nodes[1] - nodes[0]
    rounding = (ROUNDING + 3 * activation.slack * float(u[-1])) * max(1.0, bound**2)
    # Not clamped at zero: linear interpolation between clamped nodes is no lower bound. Values are clamped when read.
    lower = values - loss - mu * step**2 / 4 - rounding
    tangent = 2 * mu * (nodes - minimisers)
    change = np.abs(np.diff(tangent))
    bend = step / 4 * np.maximum(np.append(change, 0.0), np.insert(change, 0, 0.0))
    return Table(nodes, lower, values + bend + mu * step**2 / 4 + rounding)


def _grid_minima(p: np.ndarray, u: np.ndarray, nodes: np.ndarray, mu: float) -> tuple[np.ndarray, np.ndarray]:
    """(min_j p_j + mu (u_j - h)^2, its u_j) for each node h, over the whole grid u.

    The minimiser is nondecreasing in h, so between two solved nodes only the points between theirs need a look: those
    between neighbours in a coarse selection of nodes first, then in a finer one.
    """
    values, best = np.full(len(nodes), np.inf), np.zeros(len(nodes), dtype=int)

    def solve(rows: slice, window: slice) -> None:
        with np.errstate(over="ignore"):  # a cost beyond every float is infinite, which no minimum takes
            costs = p[window] + mu * np.square(u[window] - nodes[rows, None])
        j = np.argmin(costs, axis=1)
        values[rows], best[rows] = costs[np.arange(len(j)), j], j + window.start

    last = len(nodes) - 1
    solve(slice(0, None, STRIDES[0]), slice(0, len(u)))
    solve(slice(last, None), slice(0, len(u)))
    for coarse, stride in itertools.pairwise(STRIDES):
        for k in range(0, last, coarse):
            end = min(k + coarse, last)
            solve(slice(k, end + 1, stride), slice(int(best[k]), int(best[end]) + 1))
    return values, u[best]


def _expect_linear(nodes: np.ndarray, root: float, *functions: np.ndarray) -> list[float]:
    """E of the piecewise linear interpolant of each function (K,), by its values at the nodes (K,), under N(0, root^2),
    restricted to the grid."""
    z = nodes / root
    mass = np.diff(NUMPY.ncdf(z))
    first = -root * np.diff(NUMPY.npdf(z))
    found = []
    for values in functions:
        slope = np.diff(values) / np.diff(nodes)
        found.append(float(np.sum((values[:-1] - slope * nodes[:-1]) * mass + slope * first)))
    return found


def _piecewise_moments(activation: Activation, nu: float) -> tuple[arb, arb]:
    """(E e, E e^2) for a piecewise linear sigma; with mu = nu/g they do not depend on g."""
    assert activation.pieces is not None
    low, high = sorted(arb(s) ** 2 for s in activation.pieces)
    jump = high - low
    if jump == 0:
        return low, low**2
    o = ENCLOSED
    t = (jump / arb(nu)).sqrt()
    above, half = 1 - o.ncdf(t), o.ncdf(t) - arb(1) / 2
    density = o.npdf(t)
    first = (half - t * density) / t**2 + above
    second = (3 * half - (t**3 + 3 * t) * density) / t**4 + above
    return low + jump * first, low**2 + 2 * low * jump * first + jump**2 * second


def population_moments(activation: Activation, variance: arb, nu: float, *, fine: bool = True) -> tuple[arb, arb]:
    """(a lower bound of E e_mu(h), an upper bound of E e_mu(h)^2), h ~ N(0, g), mu = nu/g.

    For a piecewise linear sigma the values are enclosed; a smooth one has a table for each 0.4% of g, at the least mu
    there, which can only lower the first.
    """
    if activation.pieces is not None:
        return _piecewise_moments(activation, nu)
    table = _table_for(activation, variance, nu, fine)
    root = math.sqrt(float(variance))
    size = max(1.0, float(activation.Ls.upper()) ** 2)
    first, second = _expect_linear(table.nodes, root, table.lower, table.upper**2)
    lower = arb(first - ROUNDING * size)
    upper = arb(second + ROUNDING * size**2)
    # |e_mu'| <= 2 sqrt(mu) Ls and e_mu <= Ls^2 carry the uncertainty of the variance over.
    ls = activation.Ls.max(arb(1))
    spread = 2 * (arb(nu) / variance).sqrt() * ls * (variance.sqrt() - arb(root)).abs_upper()
    return (lower - spread).nonnegative_part(), upper + 2 * ls**2 * spread


def envelope_table(activation: Activation, variance: float, nu: float) -> Table:
    """Lower bounds of e_mu, mu = nu/g, for every variance g <= `variance`: e_mu grows with mu. Uniform nodes, symmetric
    about 0, that reach REACH standard deviations; `upper` is not used."""
    reach = REACH * math.sqrt(variance)
    mu = nu / variance * (1 - 1e-12)
    if activation.pieces is None:
        return _table(activation, mu, reach, True)
    nodes = np.linspace(-reach, reach, 2001)
    values = _piecewise(activation, mu)(nodes)
    # Below its chord by at most mu times a quarter of the square of the step, as in the module's first lines.
    lower = values - mu * float(nodes[1] - nodes[0]) ** 2 / 4 - ROUNDING * max(1.0, activation.slope_bound**2)
    return Table(nodes, lower, values)


def _table_for(activation: Activation, variance: arb, nu: float, fine: bool) -> Table:
    """The table of an activation for a variance, shared by all variances within 0.4% of it."""
    percent = 0.004
    above = math.exp(percent * math.ceil(math.log(float(variance.upper())) / percent + 1e-9))
    return _table(activation, nu / above * (1 - 1e-12), REACH * math.sqrt(above), fine)


def envelope_of(activation: Activation, variance: arb, nu: float) -> Callable[[np.ndarray], np.ndarray]:
    """A certified lower bound of e_mu as a function of h, mu as in population_moments."""
    if activation.pieces is None:
        return _table_for(activation, variance, nu, True)
    return _piecewise(activation, nu / float(variance.upper()) * (1 - 1e-12))


def _piecewise(activation: Activation, mu: float) -> Callable[[np.ndarray], np.ndarray]:
    """e_mu of a piecewise linear sigma."""
    assert activation.pieces is not None
    low, high = sorted(s * s for s in activation.pieces)
    sign = 1.0 if abs(activation.pieces[1]) >= abs(activation.pieces[0]) else -1.0

    def piecewise(h: np.ndarray) -> np.ndarray:
        far = math.sqrt((high - low) / mu) * 2  # beyond, the minimum below is its first argument for certain
        lower: np.ndarray = low + np.minimum(high - low, mu * np.square(np.clip(sign * h, 0.0, far)))
        return lower

    return piecewise


def mean_envelope(activation: Activation, variance: arb, nu: float, h: np.ndarray) -> float:
    """A lower bound of (1/m) sum_i e_mu(h_i), for h (m,) and mu as in population_moments."""
    return rounded_down(activation, float(np.mean(envelope_of(activation, variance, nu)(h))))


def rounded_down(activation: Activation, mean: float) -> float:
    """A lower bound of a mean of values of an envelope, from one that is summed by blocks or in pairs."""
    return max(mean - ROUNDING * max(1.0, float(activation.Ls.upper()) ** 2), 0.0)
