"""Means of tanh under the normal law, in 60 digits: trapezoidal sums in whole numbers, beside which mpmath.quad takes
fifty times as long."""

import functools

import mpmath
from mpmath import mpf

ONE = 1 << 260  # of the whole numbers x that stand for x/ONE below: 78 digits, for sums that are to have 60


def fixed(value):
    """The whole number that stands for a number, as it is and not as sixty digits of it."""
    with mpmath.workprec(300):
        return int(value() * ONE)


@functools.cache
def weights(per_unit):
    """The normal weights of the nodes +-k/per_unit, k = 0, ..., 17 per_unit, over ONE, each from the one before it. The
    mean of an even function has an error of about exp(-2 pi per_unit b) if it is analytic on |Im z| <= b."""
    both = fixed(lambda: 2 / mpmath.sqrt(2 * mpmath.pi) / per_unit)
    ratio = fixed(lambda: mpmath.exp(-mpf(1) / per_unit**2 / 2))
    square = fixed(lambda: mpmath.exp(-mpf(1) / per_unit**2))
    found = []
    for _ in range(17 * per_unit + 1):
        found.append(both)
        both, ratio = both * ratio // ONE, ratio * square // ONE
    return [found[0] // 2, *found[1:]]


def slopes_of_tanh(root, per_unit):
    """1 - tanh(root z)^2 = 4 e/(1 + e)^2, e = exp(-2 root z), over ONE at the nodes z of `weights`."""
    factor, e, found = fixed(lambda: mpmath.exp(-2 * root / per_unit)), ONE, []
    for _ in range(17 * per_unit + 1):
        found.append(4 * e * ONE * ONE // (ONE + e) ** 2)
        e = e * factor // ONE
    return found


def mean(values, per_unit):
    """The mean under the normal law of a function that is values/ONE at the nodes."""
    return mpf(sum(w * value for w, value in zip(weights(per_unit), values, strict=True)) // ONE) / ONE


@functools.cache
def tanh_moments(g):
    """(E sigma'^2, E sigma'^4, E sigma^2) of tanh under N(0, g)."""
    with mpmath.workdps(70):
        root = mpmath.sqrt(g)
        per_unit = 16 * max(1, int(root + 1))  # tanh(root z) has its poles at +-i pi/(2 root)
        slopes = slopes_of_tanh(root, per_unit)
        squares = [slope * slope // ONE for slope in slopes]
        fourth = [square * square // ONE for square in squares]
        return mean(squares, per_unit), mean(fourth, per_unit), mean([ONE - slope for slope in slopes], per_unit)
