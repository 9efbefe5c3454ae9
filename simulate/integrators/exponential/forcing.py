"""The linear equation of the residual with a forcing that is a polynomial in time; compiled.

In the eigenbasis of K0, with eigenvalues L (the rates), r' = -L r + g. The forcing g = -(K - K0) r is interpolated
through Q nodes, so that its integrals are phi functions, however stiff L is.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from simulate.field.elementwise import INLINED_EXACT, INLINED_SUMS
from simulate.integrators.exponential.phi import FACTORIALS, phis

Q = 6  # nodes in time through which g is interpolated
FEW = 8  # data points below which a loop is faster than a call of BLAS
# The nodes of g, in units of tau: Chebyshev's, squared so that they are denser at the start, where r changes fastest.
T_NODES = ((1 - np.cos(np.pi * np.arange(Q) / (Q - 1))) / 2) ** 2
OF_VALUES = np.ascontiguousarray(np.linalg.inv(np.vander(T_NODES, Q, increasing=True)).T)  # values -> coefficients of g


@njit(**INLINED_EXACT)
def integrate_forcing(rates: Any, times: Any, tau: float, phi: Any, forced: Any) -> None:
    """phi (Q + 2, n, N): phi_k(-rate t) at each time t; forced[p] (n, N): the integral over [0, t] of
    exp(-rate (t - u)) (u/tau)^p."""
    n, count = len(rates), len(times)
    z, powers = np.empty(n * count), np.empty((Q, count))
    for j in range(n):
        for i in range(count):
            z[j * count + i] = -rates[j] * (times[i] * tau)
    phis(z, phi.reshape(Q + 2, n * count))
    for p in range(Q):
        for i in range(count):
            powers[p, i] = times[i] ** (p + 1) * tau * FACTORIALS[p]
        for j in range(n):
            for i in range(count):
                forced[p, j, i] = powers[p, i] * phi[p + 1, j, i]


@njit(**INLINED_EXACT)
def residual_modes(phi: Any, forced: Any, modes: Any, g: Any, z: Any) -> None:
    """z (n, N): exp(-rate t) modes + sum_p g_p forced_p."""
    for j in range(len(modes)):
        for i in range(z.shape[1]):
            total = phi[0, j, i] * modes[j]
            for p in range(Q):  # unrolled, so that the loop around it fills the vector registers
                total += g[j, p] * forced[p, j, i]
            z[j, i] = total


@njit(**INLINED_EXACT)
def multiply(matrix: Any, columns: Any, out: Any) -> None:
    """out (n, k) = matrix columns; for few data points without the library, whose calls take longer than the work."""
    if len(matrix) >= FEW:
        np.dot(matrix, columns, out)
        return
    for a in range(len(matrix)):
        for k in range(columns.shape[1]):
            total = 0.0
            for b in range(len(matrix)):
                total += matrix[a, b] * columns[b, k]
            out[a, k] = total


@njit(**INLINED_EXACT)
def evaluate_forcing(
    r: Any,
    previous_change: Any,
    previous_length: float,
    change: Any,
    place: float,
    reached: Any,
    product: Any,
    forcing: Any,
) -> None:
    """forcing (n, Q) = -(K - K0) r at times when the path has come to `reached` (Q,).

    r (n, Q); place: of the node in the path; product (n, Q): overwritten. The shares are the Lagrange polynomials of
    the two places where K - K0 is known.
    """
    n = len(r)
    forcing[:] = 0.0
    shares = np.empty(Q)
    if previous_length > 0:
        multiply(previous_change, r, product)
        for q in range(Q):
            shares[q] = -reached[q] / previous_length
            if place > 0:
                shares[q] = reached[q] * (reached[q] - place) / (previous_length * (previous_length + place))
        for a in range(n):
            for q in range(Q):
                forcing[a, q] -= shares[q] * product[a, q]
    if place > 0:
        multiply(change, r, product)
        for q in range(Q):
            shares[q] = reached[q] / place
            if previous_length > 0:
                shares[q] *= (reached[q] + previous_length) / (place + previous_length)
        for a in range(n):
            for q in range(Q):
                forcing[a, q] -= shares[q] * product[a, q]


@njit(**INLINED_SUMS)
def fit_forcing(values: Any, g: Any) -> float:
    """g (n, Q): the coefficients of the polynomials with these values at T_NODES; returns by how much it changed."""
    moved, now = 0.0, np.empty(Q)
    for j in range(len(g)):
        now[:] = 0.0
        for q in range(Q):
            for p in range(Q):
                now[p] += OF_VALUES[q, p] * values[j, q]
        for p in range(Q):
            change = abs(now[p] - g[j, p])
            moved = change if change > moved or change != change else moved  # NaN stays
            g[j, p] = now[p]
    return moved
