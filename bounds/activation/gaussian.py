"""Gaussian expectations of sigma and sigma', enclosed.

E F(sqrt(g) Z) for F analytic on the strip |Im u| <= rho is computed by the trapezoidal rule, whose error is at most
2 N / (exp(2 pi a / step) - 1) with N a bound on the integral of |F phi| along Im z = +-a, a = rho / sqrt(g)
(Trefethen and Weideman, SIAM Review 56, 2014, Theorem 5.1). Activations with kinks have closed forms.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np
from flint import arb

from bounds.activation.base import FUNCTION_ULPS, Activation
from bounds.errors import AssumptionError
from bounds.numerics.arithmetic import ENCLOSED, square

REACH = 9.5  # standard deviations; the mass of the tails beyond is less than 1e-20
MOST_NODES = 10**6  # on each side of 0
TARGET = 1e-17  # the quadrature error aimed at, relative to N
MOST_PARTS = 100  # into which the enclosure of a variance is cut
SLOPE_ERROR = FUNCTION_ULPS * 2.0**-53  # of one evaluation of sigma', relative to Ls


def _grid(variance: float, rho: float) -> tuple[float, float]:
    """(step, a): a trapezoidal step whose error on the strip of half-width a = rho/sqrt(g) is TARGET times N."""
    # Beyond 2 the factor exp(a^2/2) of N costs more than it gains.
    a = 2.0 if 4 * variance <= rho * rho else rho / math.sqrt(variance)
    return 2 * math.pi * a / math.log(2 / TARGET), a


def gaussian_nodes(step: float, reach: float) -> tuple[np.ndarray, np.ndarray]:
    """Points z = step * k within +-reach and their weights step phi(z)."""
    half = math.ceil(reach / step)
    if half > MOST_NODES:
        raise AssumptionError("a diagonal entry of G exceeds 1e8: rescale X, the activation is saturated everywhere.")
    z = step * np.arange(-half, half + 1)
    return z, step * np.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)


def _nodes(variance: float, rho: float) -> tuple[np.ndarray, np.ndarray, float, float]:
    """Points z, weights, the line's height a and the factor 2/(exp(2 pi a/step) - 1)."""
    step, a = _grid(variance, rho)
    return *gaussian_nodes(step, REACH), a, 2 / math.expm1(2 * math.pi * a / step)


def fine_nodes(variance: float, rho: float) -> tuple[np.ndarray, np.ndarray]:
    """Points and weights for sigma' times Hermite polynomials, which grow along the strip and reach further out."""
    return gaussian_nodes(_grid(variance, rho)[0] / 4, 17.0)


def _enclose_sum(values: np.ndarray, weights: np.ndarray, extra: float) -> arb:
    """sum(values * weights) within its rounding and `extra`."""
    total = float(np.sum(values * weights))
    magnitude = float(np.sum(np.abs(values) * weights))
    rounding = (FUNCTION_ULPS + math.ceil(math.log2(len(values) + 1))) * 2.0**-52 * magnitude
    error = 1.01 * (rounding + extra)
    return arb(total, error)


def slope_power(activation: Activation, variance: arb, power: int) -> arb:
    """E sigma'(sqrt(g) Z)^power for power 2 or 4, Z ~ N(0, 1), enclosed."""
    if activation.moments is not None:
        found = activation.moments(variance)
        return found.slope_square if power == 2 else found.slope_fourth
    assert activation.strip is not None
    rho, bound = activation.strip
    g = float(variance)
    z, weights, a, factor = _nodes(g, rho)
    slopes = activation.slope(math.sqrt(g) * z)
    height = bound**power * math.exp(a * a / 2)
    ls = float(activation.Ls.upper())
    tail = ls**power * math.erfc(REACH / math.sqrt(2))
    # sqrt(g) z was rounded too, sigma' errs relative to Ls, and an expression may lose digits of its own.
    root = math.sqrt(g)
    lost = 2.0**-51 * root * float(activation.L2.upper()) + ls * (SLOPE_ERROR + activation.slack * (1 + root))
    evaluation = power * ls ** (power - 1) * lost
    result = _enclose_sum(slopes**power, weights, factor * height + tail + evaluation)
    return _widen_variance(result, variance, activation, power)


def _widen_variance(result: arb, variance: arb, activation: Activation, power: int) -> arb:
    """Widen E sigma'^power by the radius of the variance: |d/ds E F(s Z)| <= E|Z| sup|F'|."""
    spread = variance.sqrt().rad() + abs(variance.sqrt().mid() - arb(math.sqrt(float(variance))))
    derivative = power * activation.Ls ** (power - 1) * activation.L2
    return result + arb(0, float((spread * derivative).upper()))


def mean_value(activation: Activation, variance: arb) -> arb:
    """mu = E sigma(sqrt(g) Z), enclosed."""
    if activation.moments is not None:
        return activation.moments(variance).mean
    return _value_power(activation, variance, 1)


def value_square(activation: Activation, variance: arb) -> arb:
    """E sigma(sqrt(g) Z)^2, enclosed."""
    if activation.moments is not None:
        return activation.moments(variance).second
    return _value_power(activation, variance, 2)


def value_variance(activation: Activation, variance: arb) -> arb:
    """An enclosure whose upper end bounds Var sigma(sqrt(g) Z); never above Ls^2 g (Poincare)."""
    computed = value_square(activation, variance) - square(mean_value(activation, variance))
    return computed.nonnegative_part().min(activation.Ls**2 * variance)


def _value_power(activation: Activation, variance: arb, power: int) -> arb:
    """E sigma(sqrt(g) Z)^power for power 1 or 2 by quadrature, enclosed."""
    assert activation.strip is not None
    rho, bound = activation.strip
    g = float(variance)
    root = math.sqrt(g)
    z, weights, a, factor = _nodes(g, rho)
    values = activation.value(root * z)
    # Along Im u = rho: |sigma(x + i rho)| <= |sigma(0)| + Ls |x| + rho sup|sigma'|.
    base = float(abs(activation.at_zero).upper()) * (1 + 2.0**-50) + rho * bound
    ls = float(activation.Ls.upper())
    moment = base + ls * root if power == 1 else (base + ls * root) ** 2
    tail = 2 * moment * (1 + REACH) ** power * math.exp(-REACH * REACH / 2)
    evaluation = (2.0**-51 * root + activation.slack * (1 + root)) * ls * (1 if power == 1 else 4 * (base + ls * root))
    result = _enclose_sum(values**power, weights, factor * moment * math.exp(a * a / 2) + tail + evaluation)
    spread = abs(variance.sqrt() - arb(root))
    sensitivity = arb(ls) * (1 if power == 1 else 2 * (arb(base) + arb(ls) * (variance.sqrt().abs_upper() + root)))
    return result + arb(0, float((spread * sensitivity).upper()))


def second_moment_ratio(activation: Activation, variances: Sequence[arb]) -> tuple[arb, arb]:
    """(min_a E X_a, max_a E X_a^2/(E X_a)^2) with X_a = sigma'(h_a)^2, h_a ~ N(0, G_aa)."""
    smallest, ratio = arb("inf"), arb(1)
    for g in (part for ball in distinct(variances) for part in parts(ball)):
        second = slope_power(activation, g, 2)
        smallest = smallest.min(second)
        ratio = ratio.max(slope_power(activation, g, 4) / second**2)
    return smallest, ratio


def parts(variance: arb) -> list[arb]:
    """Balls that cover the given one, each of at most 1% of its middle, for expectations that are enclosed by a
    Lipschitz bound in the variance: of a narrow ball only itself."""
    low, high = variance.lower(), variance.upper()
    count = min(math.ceil(float((high - low) / variance.mid()) / 0.01), MOST_PARTS)
    if count <= 1:
        return [variance]
    ends = [low + (high - low) * k / count for k in range(count + 1)]
    return [a.union(b) for a, b in itertools.pairwise(ends)]


def distinct(variances: Sequence[arb]) -> list[arb]:
    """The balls without repetitions, which are common: data are often normalised."""
    return list({str(g.mid().man_exp()) + str(g.rad().man_exp()): g for g in variances}.values())


def gaussian_probability(left: float, right: float, variance: arb) -> arb:
    """P(left < sqrt(g) Z < right), enclosed; the ends may be infinite."""
    root = variance.sqrt()

    def below(x: float) -> arb:
        return arb(x > 0) if math.isinf(x) else ENCLOSED.ncdf(arb(x) / root)

    # Two upper tails or two lower tails subtract without cancellation.
    if left > 0:
        return gaussian_probability(-right, -left, variance)
    return (below(right) - below(left)).nonnegative_part()


def gaussian_probability_approx(left: np.ndarray, right: np.ndarray | float, variance: float) -> np.ndarray:
    """gaussian_probability in floating point, for arrays of intervals: used to search, never to certify.

    Of a far tail ndtr loses as many roundings as its square root, which no choice of an interval sees.
    """
    from scipy.special import ndtr

    root = math.sqrt(variance)
    if isinstance(right, float) and math.isinf(right):
        upper: np.ndarray = ndtr(left / -root)
        return upper
    flip = left > 0
    low, high = np.where(flip, -right, left), np.where(flip, -left, right)
    between: np.ndarray = ndtr(high / root) - ndtr(low / root)
    return between
