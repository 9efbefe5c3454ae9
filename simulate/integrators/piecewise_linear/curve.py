"""The integral R of the residual, as a polynomial in the share of the path that is done."""

from __future__ import annotations

import math

import numpy as np

from simulate.integrators.piecewise_linear.desk import POWERS, Curve

INNER = POWERS - 2  # functions x (1 - x) T_k(2x - 1) that are fitted, besides the line through the ends
# What the least share of the path is, by which a point counts.
LEAST_SHARE = 1e-6


def _to_powers() -> np.ndarray:
    """(POWERS, INNER): the coefficients of 1, x, x^2, ... of x (1 - x) T_k(2x - 1)."""
    found = np.zeros((POWERS, INNER))
    for k in range(INNER):
        chebyshev = np.polynomial.Chebyshev.basis(k).convert(kind=np.polynomial.Polynomial)
        whole = chebyshev(np.polynomial.Polynomial([-1.0, 2.0])) * np.polynomial.Polynomial([0.0, 1.0, -1.0])
        found[: len(whole.coef), k] = whole.coef
    return found


TO_POWERS = _to_powers()


def fit(x: np.ndarray, R: np.ndarray) -> np.ndarray:
    """(n, POWERS): the coefficients of the polynomials in x that are exact at 0 and 1 and between them nearest to
    R (N, n), given at x (N,), which increases from 0 to 1. Each point counts by the share of the path around it."""
    around = np.empty(len(x))
    around[1:-1], around[0], around[-1] = (x[2:] - x[:-2]) / 2, x[1] / 2, (1 - x[-2]) / 2
    weights = np.sqrt(around + LEAST_SHARE)[:, None]
    functions = np.cos(np.arccos(np.clip(2 * x - 1, -1, 1))[:, None] * np.arange(INNER)) * (x * (1 - x))[:, None]
    inner = np.linalg.lstsq(functions * weights, (R - x[:, None] * R[-1]) * weights, rcond=1e-13)[0]
    found = np.ascontiguousarray((TO_POWERS @ inner).T)
    found[:, 1] += R[-1]
    return found


def bulge(x: np.ndarray, R: np.ndarray, kernel: np.ndarray) -> float:
    """The root of the largest dev' kernel dev, where dev is how far R is from the line between its ends."""
    dev = R - x[:, None] * R[-1]
    return math.sqrt(max(0.0, float(((dev @ kernel) * dev).sum(1).max())))


def rest_of(curve: Curve, start: float, stop: float) -> Curve:
    """The curve from the share `start` of the path on, as one that begins there with R = 0 and whose events end at the
    share `stop`; 0 <= start <= stop <= 1, start < 1."""
    left, coefficients = 1.0 - start, np.zeros_like(curve.coefficients)
    for q in range(1, POWERS):  # of z^q in (start + left z)^p, summed over p
        for p in range(q, POWERS):
            weight = math.comb(p, q) * start ** (p - q) * left**q
            coefficients[:, q] += weight * curve.coefficients[:, p]
    # A part of the path is at most twice as far from the line between its own ends as the whole is from its line.
    return Curve(
        coefficients,
        np.ascontiguousarray(coefficients.T),
        2 * curve.margin,
        (stop - start) / left,
        float(np.abs(coefficients[:, 1:]).sum(1).max()),
    )
