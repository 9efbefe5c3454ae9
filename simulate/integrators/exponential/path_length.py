"""The length of the path along one step, and polynomials in it; compiled."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from simulate.field.elementwise import EXACT, INLINED_EXACT, INLINED_SUMS, exp_
from simulate.integrators.exponential.forcing import Q
from simulate.integrators.exponential.quadrature import NODES, T_WEIGHTS, TO_LEGENDRE, T, X, integrated, matrix_vector

MOMENTS = 4  # integrals of r against powers of the path length: enough for cubic polynomials


@njit(**INLINED_EXACT)
def _powers(rates: Any, z: Any, g: Any, power: Any) -> None:
    """power (NODES,): P at the nodes, from what path_speeds gets."""
    power[:] = 0.0
    for j in range(len(rates)):
        for i in range(NODES):
            forcing = g[j, Q - 1]
            for p in range(Q - 2, -1, -1):  # unrolled, so that the loop around it fills the vector registers
                forcing = forcing * T[i] + g[j, p]
            power[i] += z[j, i] * (rates[j] * z[j, i] - forcing)


@njit(**INLINED_SUMS)
def path_speeds(rates: Any, z: Any, g: Any, tau: float, speeds: Any) -> float:
    """ds/dx at the nodes X, from r (n, NODES) there and the coefficients (n, Q) of g, in the eigenbasis; returns the
    integral of P."""
    power, dissipated = np.empty(NODES), 0.0
    _powers(rates, z, g, power)
    for i in range(NODES):
        power[i] = max(power[i], 0.0)
        speeds[i] = 4 * X[i] ** 3 * tau * np.sqrt(power[i])
        dissipated += tau * T_WEIGHTS[i] * power[i]
    return dissipated


@njit(**EXACT)
def node_times(rates: Any, modes: Any, tau: Any, previous_length: Any, times: Any) -> None:
    """times (2, S): of the two nodes of a step of length tau (S,), by the path of exp(-K0 t) r0.

    previous_length (S,): of the path of the step before, 0 if there is none. The second node is where the interpolation
    error of S, through the places -previous_length, 0 and itself or, without a step before, 0 and itself, integrates to
    zero over the path; the first is halfway.
    """
    n = rates.shape[1]
    # z: r in modes at the nodes of the quadrature; coefficients: of ds/dx in Legendre polynomials.
    z, zero, speeds, coefficients = np.empty((n, NODES)), np.zeros((n, Q)), np.empty(NODES), np.empty(NODES)
    for s in range(len(tau)):
        for j in range(n):
            for i in range(NODES):
                z[j, i] = exp_(max(-rates[s, j] * T[i] * tau[s], -700.0)) * modes[s, j]
        path_speeds(rates[s], z, zero, tau[s], speeds)
        matrix_vector(TO_LEGENDRE, speeds, coefficients)
        whole = integrated(coefficients, 1.0)
        share = 2 / 3  # of the path, at the second node
        if previous_length[s] > 0:
            share = (whole / 4 + previous_length[s] / 3) / (whole / 3 + previous_length[s] / 2)
        for k in range(2):
            # Bisection for the x at which this share of the path is done, t = tau x^4.
            low, high, wanted = 0.0, 1.0, share * (k + 1) / 2
            for _ in range(40):
                middle = (low + high) / 2
                if integrated(coefficients, middle) < wanted * whole:
                    low = middle
                else:
                    high = middle
            times[k, s] = tau[s] * (high**4 if whole > 0 else wanted)


@njit(**EXACT)
def path_weights(moments: Any, length: float, places: Any, weights: Any) -> None:
    """weights (J, n): the integrals of r against the Lagrange polynomials of the places (J,) in the path, J <= MOMENTS,
    the first of them 0.

    moments (MOMENTS, n): the integrals of r against (path/length)^k. A place that is not a number, or 0 again, is left
    out, and its weights are zero.
    """
    coefficients = np.empty(MOMENTS)
    for j in range(len(places)):
        x, degree = places[j] / length if length > 0 else 0.0, 0
        coefficients[:] = 0.0
        coefficients[0] = 1.0 if j == 0 or abs(x) > 0 else 0.0
        # Multiply the factors (path - other)/(x - other) one by one, in units of the length.
        for k in range(len(places)):
            other = places[k] / length if length > 0 else 0.0
            if k == j or not np.isfinite(other) or other == x:
                continue
            degree += 1
            for d in range(degree, 0, -1):
                coefficients[d] = (coefficients[d - 1] - other * coefficients[d]) / (x - other)
            coefficients[0] *= -other / (x - other)
        # The polynomial has been multiplied out; integrate it.
        weights[j] = 0.0
        if np.isfinite(x):
            for d in range(degree + 1):
                for a in range(weights.shape[1]):
                    weights[j, a] += coefficients[d] * moments[d, a]
