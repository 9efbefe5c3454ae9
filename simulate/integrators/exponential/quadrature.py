"""Quadrature over a step with Gauss's nodes, graded towards its start; compiled."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from simulate.field.elementwise import INLINED_EXACT, INLINED_SUMS

NODES = 20  # of a Gauss rule, exact for polynomials of degree 39 in x
_gauss, _gauss_weights = np.polynomial.legendre.leggauss(NODES)
X = (_gauss + 1) / 2
# Graded towards 0, so that every decay time inside a long step is resolved: t = tau x^4, dt = tau 4 x^3 dx.
T, T_WEIGHTS = X**4, _gauss_weights / 2 * 4 * X**3
# From values at the nodes to coefficients of Legendre polynomials.
TO_LEGENDRE = np.linalg.inv(np.polynomial.legendre.legvander(_gauss, NODES - 1))


def integrals(ends: np.ndarray) -> np.ndarray:
    """Row i: integral over [0, ends_i] of the polynomials that are 1 at one of the nodes X and 0 at the others."""
    powers = np.polynomial.legendre.legvander(2 * ends - 1, NODES)
    degree = np.arange(1, NODES)
    of_legendre = np.empty((len(ends), NODES))
    of_legendre[:, 0] = powers[:, 1] + 1
    of_legendre[:, 1:] = (powers[:, 2:] - powers[:, :-2]) / (2 * degree + 1)
    found: np.ndarray = of_legendre / 2 @ TO_LEGENDRE
    return found


TO_NODES = integrals(X)  # from values at the nodes to the integrals up to each node
# Of the recurrence (j + 1) P_{j+1} = (2j + 1) u P_j - j P_{j-1} of Legendre's polynomials, without divisions.
_J = np.arange(NODES)
_NOW, _BEFORE, _AREA = (2 * _J + 1) / (_J + 1), _J / (_J + 1), 1 / (2 * _J + 1)


@njit(**INLINED_EXACT)
def integrated(coefficients: Any, x: float) -> float:
    """Integral over [0, x] of the polynomial on [0, 1] with these coefficients of Legendre polynomials."""
    u = 2 * x - 1
    total = coefficients[0] * (u + 1)
    before, now = 1.0, u
    for j in range(1, NODES):
        following = _NOW[j] * u * now - _BEFORE[j] * before
        total += coefficients[j] * _AREA[j] * (following - before)
        before, now = now, following
    return total / 2


@njit(**INLINED_SUMS)
def matrix_vector(matrix: Any, vector: Any, out: Any) -> None:
    """out = matrix vector, without the overhead of BLAS."""
    for i in range(len(matrix)):
        total = 0.0
        for j in range(len(vector)):
            total += matrix[i, j] * vector[j]
        out[i] = total
