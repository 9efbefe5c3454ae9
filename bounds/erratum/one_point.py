"""The exact law of the Gram matrix of one data point under ReLU random features: shared by E12 and E13."""

from __future__ import annotations

import math

import numpy as np

from bounds.erratum.base import Interval, within

DELTA = 0.05
ERROR = 1e-9  # of probability_close: rounding of a few thousand terms, and 10 standard deviations of the binomial law
NORM_SQUARED = 8 / 3  # ||Z||_psi2^2 of N(0, 1)


def probability_close(D: int, x: float, u: float) -> Interval:
    """P(|G - Gbar| <= u) for d = n = 1, phi_j = relu(z_j x): G = (x^2/D) sum relu(z_j)^2 and Gbar = x^2/2.

    Given k positive z_j the sum is chi-squared with k degrees of freedom, and k is binomial(D, 1/2).
    """
    from scipy.special import gammainc, gammaln

    spread = 10 * math.isqrt(D)
    k = np.arange(max(1, D // 2 - spread), min(D, D // 2 + spread) + 1)
    weights = np.exp(gammaln(D + 1) - gammaln(k + 1) - gammaln(D - k + 1) - D * math.log(2))
    top, bottom = D * (0.5 + u / x**2), D * max(0.0, 0.5 - u / x**2)
    # gammaln carries a few roundings of numbers as large as D log D: the weights are normalised instead.
    return within(float(weights @ (gammainc(k / 2, top / 2) - gammainc(k / 2, bottom / 2)) / weights.sum()), ERROR)


def dimension_asked(x: float, u: float) -> int:
    """Lemma 4 repaired (R5) for n = 1 and ReLU, kap = x sqrt(8/3): D >= (4 kap^4/u^2 + 2 kap^2/u) log(2/delta)."""
    kap2 = x * x * NORM_SQUARED
    return math.ceil((4 * kap2**2 / u**2 + 2 * kap2 / u) * math.log(2 / DELTA))


def deviation_promised(D: int, x: float) -> float:
    """The u for which dimension_asked(x, u) is D."""
    kap2, log = x * x * NORM_SQUARED, math.log(2 / DELTA)
    return kap2 * (log + math.sqrt(log**2 + 4 * log * D)) / D
