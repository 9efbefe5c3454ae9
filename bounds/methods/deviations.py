"""How far means over m neurons fall below their expectation: Cramer's bound, and exact binomial tails.

For X >= 0 and any theta > 0, P(mean of m copies <= x) <= (exp(theta x) E exp(-theta X))^m (Cramer, Chernoff), so that one
upper bound of E exp(-theta X) at one theta certifies the tail for every m; theta is only a choice. The tails of all data
points are added up, each with its own E exp(-theta X_a), instead of n times the worst.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from flint import arb

from bounds.activation.base import Activation
from bounds.activation.gaussian import REACH
from bounds.activation.slope_envelope import ROUNDING, Table, envelope_table
from bounds.numerics.arithmetic import NUMPY
from bounds.problem import Problem

SLACK = 1 + 1e-9  # on float64 results: more than their roundings
NARROW = 1e-6  # relative radius of a variance up to which it counts as one number
TABLES = 6  # tables of X for variances that differ; more would take longer and gain little
NODES = 4000  # of the table of sigma'^2
ROWS = 12  # data points on which theta is chosen
THETAS = np.geomspace(0.05, 500, 41)  # the first grid, in units of 1/(largest X)
MOST_COUNTS = 4000  # thresholds of a binomial tail that are looked at; beyond, the entropy bound alone is used
MOST_PROBABILITIES = 8  # different probabilities of a binomial tail; more are rounded down to these
WIDEST = 1e15  # neurons: beyond, float64 does not count them


@dataclass(frozen=True)
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

    def log_laplace(self, theta: float, rows: np.ndarray | slice = slice(None)) -> np.ndarray:
        """Upper bounds of log E exp(-theta X_a), one for each row; exp of a linear function is convex, hence below its
        chord between two nodes."""
        values = np.exp(-theta * self.values[rows])
        mean = np.einsum("dk,dk->d", self.weights[rows], values)
        # The roundings of the weights, the mass beyond the nodes, and the uncertainty of the variance.
        lost = 1e-10 * values.max(axis=1) + theta * self.blur[rows]
        found: np.ndarray = np.log(mean * SLACK + lost) + 1e-12
        return found

    @property
    def chosen(self) -> np.ndarray:
        """Rows, at most ROWS, on which theta is chosen: equally spaced in the order of the means."""
        order = np.argsort(np.einsum("dk,dk->d", self.weights, self.values))
        picked: np.ndarray = order[np.unique(np.linspace(0, len(order) - 1, min(ROWS, len(order))).astype(int))]
        return picked

    def best_theta(self, value: Callable[[float, np.ndarray], float]) -> float:
        """The theta of a grid, then of a finer one, that makes value(theta, log_laplace of the chosen rows) largest."""
        rows = self.chosen
        unit = 1 / max(float(self.values.max()), 1e-300)
        grid = THETAS * unit
        for ratio in (1.25, 1.05, 1.01):
            found = [value(theta, self.log_laplace(theta, rows)) for theta in grid.tolist()]
            best = float(grid[int(np.nanargmax(np.nan_to_num(found, nan=-np.inf)))])
            grid = best * ratio ** np.arange(-4.0, 5.0)
        return best

    def neurons(self, level: float, failure: float) -> float:
        """m such that with probability 1 - failure the mean of every X_a over m neurons exceeds level, for every larger
        m too; infinite if none is found."""

        def exponent(theta: float, log_laplace: np.ndarray) -> float:
            return -theta * level - float(log_laplace.max())

        theta = self.best_theta(exponent)
        exponents = -theta * level - self.log_laplace(theta) - 1e-12 * theta
        return neurons_for(exponents, self.counts, failure)

    def level(self, neurons: float, failure: float) -> float:
        """A level, at least 0, that the means of all X_a over that many neurons exceed with probability 1 - failure."""

        def least(theta: float, log_laplace: np.ndarray) -> float:
            return (math.log(failure) - neurons * float(log_laplace.max())) / (neurons * theta)

        theta = self.best_theta(least)
        logs = neurons * self.log_laplace(theta)
        top = float(logs.max())
        together = top + math.log(float(np.sum(self.counts * np.exp(logs - top))))
        found = (math.log(failure) - together) / (neurons * theta)
        return max(found - 1e-9 * abs(found) - 1e-12, 0.0)


def neurons_for(exponents: np.ndarray, counts: np.ndarray, failure: float) -> float:
    """The least m with sum_a counts_a exp(-m exponents_a) <= failure, rounded up; infinite if there is none."""
    if not float(exponents.min()) > 0:
        return math.inf

    def enough(m: float) -> bool:
        return float(np.sum(counts * np.exp(-m * exponents))) * SLACK <= failure

    high = math.log(float(counts.sum()) / failure) / float(exponents.min()) * SLACK
    if not (high < WIDEST and enough(high)):
        return math.inf
    low = 0.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high * SLACK


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


def slope_sample(problem: Problem) -> Sample | None:
    """X_a = sigma'(h_a)^2 for smooth sigma."""
    act = problem.activation
    tables: dict[float, Table] = {}

    def table_of(g: float) -> Table:
        if g not in tables:
            reach = REACH * math.sqrt(g)
            half = math.ceil(reach)
            # Kinks of sigma' sit at integers, and must be nodes.
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


def envelope_sample(problem: Problem, nu: float) -> Sample | None:
    """X_a = e_{nu/G_aa}(h_a), the slope envelope."""
    act = problem.activation
    return _sample(
        problem,
        lambda g: envelope_table(act, g, nu),
        lambda g: 2 * (arb(nu) / g).sqrt() * act.Ls.max(arb(1)),
    )


# -- fractions of neurons ----------------------------------------------------------------------------------------------


def binomial_tail(trials: int, count: int, probability: arb) -> arb:
    """An upper bound of P(at most `count` of `trials` independent events of that probability happen).

    The terms fall from `count` downwards by the factors j (1 - p)/((trials - j + 1) p), which shrink with j: a geometric
    series bounds what is left after the first terms.
    """
    if count < 0:
        return arb(0)
    p = arb(probability.lower())  # fewer events happen than with the exact probability
    j = np.arange(count, max(count - 400, 0), -1.0)
    factors = j * (1 - float(p)) / ((trials - j + 1) * float(p)) * SLACK
    if len(factors) == 0:
        return (1 - p) ** trials
    if not factors[0] < 1:
        return arb(1)
    terms = np.cumprod(factors)
    total = 1 + float(np.sum(terms)) + (float(terms[-1] / (1 - factors[-1])) if j[-1] > 1 else 0.0)
    first = arb.bin_uiui(trials, count) * (count * p.log() + (trials - count) * (1 - p).log()).exp()
    return (first * total * SLACK).min(arb(1))


def neurons_for_fraction(probabilities: Sequence[arb], share: arb, failure: float) -> arb:
    """m such that with probability 1 - failure at least the fraction `share` of m neurons shows the event of datum a, for
    every a and every larger m too; `share` must be below every probability.

    Up to the m of the entropy bound exp(-m KL(share, p)), which falls with m, the binomial tails are added up at the
    least m of each number of neurons that are too few.
    """
    lowest = [arb(p.lower()) for p in probabilities]
    share = arb(share.upper())
    if not (share > 0 and all(p > share for p in lowest)):
        return arb("inf")
    groups: dict[float, int] = {}
    ordered = sorted(lowest, key=float)
    for k in range(0, len(ordered), -(-len(ordered) // MOST_PROBABILITIES)):
        part = ordered[k : k + -(-len(ordered) // MOST_PROBABILITIES)]
        down = math.nextafter(float(part[0]), 0.0)
        groups[down] = groups.get(down, 0) + len(part)
    if not float(share.upper()) < min(groups):
        return arb("inf")
    entropy = [share * (share / p).log() + (1 - share) * ((1 - share) / (1 - arb(p))).log() for p in groups]
    sizes = np.array(list(groups.values()), float)
    most = neurons_for(np.array([float(e.lower()) for e in entropy]) * (1 - 1e-12), sizes, failure)
    if not (most < WIDEST and float(share) * most < MOST_COUNTS):
        return arb(most)

    def least_width(few: int) -> int:
        """The least m at which `few` neurons are fewer than the fraction."""
        return int(math.floor(few / float(share.upper()) * (1 - 1e-14))) + 1

    found = math.ceil(most)
    for few in range(int(float(share) * most) + 1, -1, -1):
        trials = max(least_width(few), few)
        if trials > found:
            continue
        tail = arb(0)
        for p, size in groups.items():
            tail += size * binomial_tail(trials, few, arb(p))
        if not tail <= failure:
            break
        found = trials
    return arb(found)
