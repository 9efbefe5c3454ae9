"""How far means over m neurons fall below their expectation: Cramer's bound, and tails of the binomial law.

For X >= 0 and any theta > 0, P(mean of m copies <= x) <= (exp(theta x) E exp(-theta X))^m (Cramer, Chernoff), so that
one upper bound of E exp(-theta X) at one theta certifies the tail for every m; theta is only a choice. The tails of all
data points are added up, each with its own E exp(-theta X_a), instead of n times the worst.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from flint import arb

from bounds.activation.gaussian import REACH
from bounds.activation.slope_envelope import ROUNDING, Table, envelope_table
from bounds.numerics.arithmetic import NUMPY, float_down, float_up
from bounds.problem import Problem

SLACK = 1 + 1e-9  # on float64 results: more than their roundings
NARROW = 1e-6  # relative radius of a variance up to which it counts as one number
TABLES = 4  # tables of X for variances that differ; more would take longer and gain little
NODES = 4000  # of the table of sigma'^2
ROWS = 12  # data points on which theta is chosen
COARSE = 16  # nodes that count as one there
THETAS = np.geomspace(0.05, 500, 25)  # the first grid, in units of 1/(largest X)
WIDEST = 1e15  # neurons: beyond, float64 does not count them


@dataclass(frozen=True, eq=False)
class Sample:
    """What is known of X_a >= 0 for each datum: a lower bound by values at nodes, linear in between.

    values (D, K), weights (D, K): E g(bound of X_a) = sum_k weights_k g(values_k) for g linear between the nodes;
    counts (D,): data points that share a row; blur (D,): by how much E exp(-theta X_a)/theta may change with the
    uncertainty of the variance.
    """

    values: np.ndarray
    weights: np.ndarray
    counts: np.ndarray
    blur: np.ndarray

    @np.errstate(all="ignore")  # what overflows is no number below, and proves nothing
    def log_laplace(self, theta: float) -> np.ndarray:
        """Upper bounds of log E exp(-theta X_a), one for each row; exp of a linear function is convex, hence below its
        chord between two nodes."""
        values = np.exp(-theta * self.values)
        mean = np.einsum("dk,dk->d", self.weights, values)
        # The roundings of the weights, the mass beyond the nodes, and the uncertainty of the variance.
        lost = 1e-10 * values.max(axis=1) + 1e-20 + theta * self.blur
        found: np.ndarray = np.log(mean * SLACK + lost) + 1e-12
        return found

    @cached_property
    def rough(self) -> Sample:
        """A coarser version on which theta is chosen: at most ROWS rows, equally spaced in the order of the means, and
        every COARSE-th node."""
        order = np.argsort(np.einsum("dk,dk->d", self.weights, self.values))
        rows = order[np.unique(np.linspace(0, len(order) - 1, min(ROWS, len(order))).astype(int))]
        starts = np.arange(0, self.values.shape[1], COARSE)
        weights = np.add.reduceat(self.weights[rows], starts, axis=1)
        values = self.values[np.ix_(rows, np.minimum(starts + COARSE // 2, self.values.shape[1] - 1))]
        return Sample(values, weights, self.counts[rows], self.blur[rows])

    def best_theta(self, value: Callable[[float, np.ndarray], float]) -> float:
        """The theta of ever finer grids that makes value(theta, log_laplace) largest on the rough version."""
        unit = 1 / max(float(self.values.max()), 1e-300)
        grid = THETAS * unit
        for ratio in (1.12, 1.03, 1.01):
            found = [value(theta, self.rough.log_laplace(theta)) for theta in grid.tolist()]
            best = float(grid[int(np.nanargmax(np.nan_to_num(found, nan=-np.inf)))])
            grid = best * ratio ** np.arange(-4.0, 5.0)
        return best

    def exponents(self, level: float) -> np.ndarray:
        """Lower bounds of e_a, for each row, with P(mean of X_a over m neurons <= level) <= exp(-m e_a) for all m."""
        if level not in self._known:

            def exponent(theta: float, log_laplace: np.ndarray) -> float:
                return -theta * level - float(log_laplace.max())

            theta = self.best_theta(exponent)
            self._known[level] = -theta * level - self.log_laplace(theta) - 1e-12 * theta * level
        return self._known[level]

    @cached_property
    def _known(self) -> dict[float, np.ndarray]:
        """Level -> its exponents; the inverse questions ask for one level at many failure probabilities."""
        return {}

    def neurons(self, level: float, failure: float) -> float:
        """m such that with probability 1 - failure the mean of every X_a over m neurons exceeds level, for every larger
        m too; infinite if none is found."""
        return neurons_for(self.exponents(level), self.counts, failure)

    def level(self, neurons: float, failure: float) -> float:
        """A level, at least 0, that the means of all X_a over that many neurons exceed with probability 1 - failure."""

        def least(theta: float, log_laplace: np.ndarray) -> float:
            return (math.log(failure) - neurons * float(log_laplace.max())) / (neurons * theta)

        theta = self.best_theta(least)
        logs = neurons * self.log_laplace(theta)
        top = float(logs.max())
        if not math.isfinite(top):
            return 0.0
        together = top + math.log(float(np.sum(self.counts * np.exp(logs - top))))
        found = (math.log(failure) - together) / (neurons * theta)
        if not math.isfinite(found):
            return 0.0
        return max(found - 1e-9 * abs(found) - 1e-12, 0.0)


def neurons_for(exponents: np.ndarray, counts: np.ndarray, failure: float) -> float:
    """The least m with sum_a counts_a exp(-m exponents_a) <= failure, rounded up; infinite if there is none."""
    if not float(exponents.min()) > 0:
        return math.inf

    def enough(m: float) -> bool:
        return float(np.sum(counts * np.exp(-m * exponents))) * SLACK <= failure

    high = math.log(float(counts.sum()) / failure) / float(exponents.min()) * (1 + 1e-6) + 1e-6
    if not (high < WIDEST and enough(high)):
        return math.inf
    low = 0.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high * SLACK


def neurons(sample: Sample | None, level: arb, ratio: arb, n: int, failure: float, tau: float) -> arb:
    """The m of Cramer's bound for a mean above level, or that of second moments, which is 2 ratio log(n/failure)/tau^2,
    where the former is not known or larger; ratio: of E X_a^2 to (E X_a)^2 at most."""
    moments: arb = 2 * ratio * (n / arb(failure)).log() / arb(tau) ** 2
    if sample is None:
        return moments
    found = sample.neurons(float_up(level), failure)
    return moments.min(arb(found)) if math.isfinite(found) else moments


def _weights(nodes: np.ndarray, root: float) -> np.ndarray:
    """(K,) the integrals of the hat functions of uniform nodes, symmetric about 0, against N(0, root^2)."""
    z = nodes / root
    step = z[1] - z[0]
    # The second integral of the density, x Phi(x) + phi(x), up to a linear function: that of -|x| is accurate.
    far = -np.abs(np.concatenate([[z[0] - step], z, [z[-1] + step]]))
    second = far * NUMPY.ncdf(far) + NUMPY.npdf(far)
    weights = np.diff(second, 2) / step
    middle = len(nodes) // 2  # the reflection x -> -|x| has a kink there
    weights[middle] += 1.0
    return np.maximum(weights, 0.0)


def _sample(problem: Problem, table_of: Callable[[float], Table], sensitivity: Callable[[arb], arb]) -> Sample | None:
    """The Sample of X_a with one table for each of TABLES ranges of the variances; None if a variance is wide.

    table_of(g): a table of lower bounds of X at pre-activations, valid for variances up to g; sensitivity(variance): a
    bound of |dX/dh|.
    """
    balls: dict[tuple[object, ...], tuple[arb, int]] = {}
    for g in problem.gram_diagonal:
        if not (g > 0 and g.rad() <= NARROW * g.mid()):
            return None
        key = (*g.mid().man_exp(), *g.rad().man_exp())
        balls[key] = (g, balls.get(key, (g, 0))[1] + 1)
    variances = [g for g, _ in balls.values()]
    tops = [float(g.upper()) * SLACK for g in variances]
    ratio = max(math.log(max(tops) / min(tops)) / TABLES, 1e-9)
    values, weights, blur = [], [], []
    for g, top in zip(variances, tops, strict=True):
        steps = min(int(math.log(max(tops) / top) / ratio), TABLES) if len(tops) > TABLES else None
        above = top if steps is None else max(tops) * math.exp(-ratio * steps) * SLACK
        table = table_of(max(above, top))
        root = math.sqrt(float(g))
        values.append(table.lower)
        weights.append(_weights(table.nodes, root))
        spread = (g.sqrt() - arb(root)).abs_upper() * sensitivity(g)
        blur.append(float(spread.upper()))
    size = max(len(v) for v in values)
    if any(len(v) != size for v in values):
        return None
    return Sample(np.array(values), np.array(weights), np.array([c for _, c in balls.values()], float), np.array(blur))


@lru_cache(maxsize=2)
def slope_sample(problem: Problem) -> Sample | None:
    """X_a = sigma'(h_a)^2 for smooth sigma; None if no bound of (sigma'^2)'' is known, as for the identity."""
    act = problem.activation
    if act.strip is None and act.bend is None:
        return None
    tables: dict[float, Table] = {}
    half = math.ceil(REACH * math.sqrt(float(problem.gmax.upper())) + 1)

    def table_of(g: float) -> Table:
        if g not in tables:
            reach = REACH * math.sqrt(g)
            # Without a strip sigma' may have kinks at integers, which must be nodes.
            nodes = (
                np.linspace(-reach, reach, NODES + 1)
                if act.strip is not None
                else np.linspace(-half, half, 2 * half * max(NODES // (2 * half), 1) + 1)
            )
            step = float(nodes[1] - nodes[0])
            act.require_reach("the grid of the slopes", float(nodes[-1]))
            size = max(1.0, float(act.Ls.upper()) ** 2)
            lost = act.slope_square_bend * step**2 / 8 + (ROUNDING + 3 * act.slack * float(nodes[-1])) * size
            values = np.square(act.slope(nodes))
            tables[g] = Table(nodes, values - lost, values + lost)
        return tables[g]

    return _sample(problem, table_of, lambda g: 2 * act.Ls * act.L2)


@lru_cache(maxsize=8)
def envelope_sample(problem: Problem, nu: float) -> Sample | None:
    """X_a = e_{nu/G_aa}(h_a), the slope envelope."""
    act = problem.activation
    return _sample(
        problem,
        lambda g: envelope_table(act, g, nu),
        lambda g: 2 * (arb(nu) / g).sqrt() * act.Ls.max(arb(1)),
    )


# -- fractions of neurons ----------------------------------------------------------------------------------------------


def fraction_tails(neurons: float, share: float, probabilities: np.ndarray) -> np.ndarray:
    """Upper bounds of P(Bin(m, p) < share m) for each p > share, all falling with m; share m must be at least 2.

    Below the largest count k < share m the terms fall by factors of at most r = share (1 - p)/((1 - share) p), and the
    k-th is at most exp(-m KL(share, p)) (2 pi m x (1 - x))^{-1/2}, x = k/m in [share - 1/m, share) (Stirling).
    """
    entropy = share * np.log(share / probabilities) + (1 - share) * np.log((1 - share) / (1 - probabilities))
    ratio = share * (1 - probabilities) / ((1 - share) * probabilities)
    lowest = share - 1 / neurons
    spread = min(share * (1 - share), lowest * (1 - lowest))
    largest = np.exp(-neurons * entropy * (1 - 1e-12)) / math.sqrt(2 * math.pi * neurons * spread)
    found: np.ndarray = largest / (1 - ratio) * SLACK
    return found


def neurons_for_fraction(probabilities: Sequence[arb], share: arb, failure: float) -> arb:
    """m such that with probability 1 - failure at least the fraction `share` of m neurons shows the event of datum a,
    for every a, and for every larger m too; infinite unless `share` is below every probability."""
    level = float_up(share)
    lowest = np.array([float_down(p) for p in probabilities])
    if not (level > 0 and float(lowest.min()) > level * SLACK and float(lowest.max()) < 1):
        return arb(1) if level <= 0 else arb("inf")

    def enough(m: float) -> bool:
        return level * m >= 2 and float(np.sum(fraction_tails(m, level, lowest))) * SLACK <= failure

    high = 2 / level
    while not enough(high):
        high *= 2
        if high > WIDEST:
            return arb("inf")
    low = 0.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return arb(high * SLACK)
