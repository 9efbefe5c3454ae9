"""The residual along one step, in closed form but for a small correction; compiled, for its arrays are short.

r' = -K(t) r, where K = speed Theta starts from K0 and changes slowly. In the eigenbasis of K0, with eigenvalues L (the
rates) and r written in its modes, r' = -L r + g. The forcing g = -(K - K0) r is taken as a polynomial in t of degree
Q - 1 through Q nodes, so that its integrals are phi functions, however stiff L is; since it depends on r, both are
found by fixed-point rounds. K is a polynomial not in time but in the path length s, ds = sqrt(P) dt with
P = -r.r' = -dL/dt: the neurons move along a smooth curve that is traversed at speed sqrt(P), and late in a run the
whole rest of the time is a short way.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from simulate.field.elementwise import EXACT, SUMS, exp_
from simulate.integrators.exponential.phi import FACTORIALS, phis
from simulate.integrators.exponential.quadrature import (
    NODES,
    T_WEIGHTS,
    TO_LEGENDRE,
    TO_NODES,
    T,
    X,
    integrals,
    integrated,
    matrix_vector,
)

Q = 6  # nodes in time through which g is interpolated
ROUNDS = 6  # at most, of the fixed point in which r, s and g settle
SETTLED = 1e-13  # a change of g that ends the rounds, relative to K0 r0
MOMENTS = 4  # integrals of r against powers of the path length: enough for cubic polynomials
FEW = 8  # data points below which a loop is faster than a call of BLAS
# The nodes of g, in units of tau: Chebyshev's, squared so that they are denser at the start, where r changes fastest.
T_NODES = ((1 - np.cos(np.pi * np.arange(Q) / (Q - 1))) / 2) ** 2
OF_VALUES = np.ascontiguousarray(np.linalg.inv(np.vander(T_NODES, Q, increasing=True)).T)  # values -> coefficients of g
TO_T_NODES = integrals(T_NODES**0.25)  # integrals over x up to the nodes, t = tau x^4


@njit(**EXACT)
def _forced(rates: Any, times: Any, tau: float, phi: Any, forced: Any) -> None:
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


@njit(**SUMS)
def _driven(phi: Any, forced: Any, modes: Any, g: Any, z: Any) -> None:
    """z (n, N): exp(-rate t) modes + sum_p g_p forced_p."""
    for j in range(len(modes)):
        for i in range(z.shape[1]):
            z[j, i] = phi[0, j, i] * modes[j]
        for p in range(Q):
            for i in range(z.shape[1]):
                z[j, i] += g[j, p] * forced[p, j, i]


@njit(**SUMS)
def _speeds(rates: Any, z: Any, g: Any, tau: float, speeds: Any) -> float:
    """ds/dx at the nodes X, from r (n, NODES) there and the coefficients (n, Q) of g, in the eigenbasis; returns the
    integral of P."""
    power, here, dissipated = np.zeros(NODES), np.empty(NODES), 0.0
    for j in range(len(rates)):
        here[:] = g[j, Q - 1]
        for p in range(Q - 2, -1, -1):
            for i in range(NODES):
                here[i] = here[i] * T[i] + g[j, p]
        for i in range(NODES):
            power[i] += z[j, i] * (rates[j] * z[j, i] - here[i])
    for i in range(NODES):
        power[i] = max(power[i], 0.0)
        speeds[i] = 4 * X[i] ** 3 * tau * np.sqrt(power[i])
        dissipated += tau * T_WEIGHTS[i] * power[i]
    return dissipated


@njit(**SUMS)
def _multiply(matrix: Any, columns: Any, out: Any) -> None:
    """out (n, k) = matrix columns; for few data points without the library, whose calls take longer than the work."""
    if len(matrix) >= FEW:
        np.dot(matrix, columns, out)
        return
    for a in range(len(matrix)):
        out[a] = 0.0
        for b in range(len(matrix)):
            for k in range(columns.shape[1]):
                out[a, k] += matrix[a, b] * columns[b, k]


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
        _speeds(rates[s], z, zero, tau[s], speeds)
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


@njit(**EXACT)
def along_path(
    rates: Any,
    basis: Any,
    modes: Any,
    previous_change: Any,
    previous_length: Any,
    change: Any,
    node: Any,
    tau: Any,
    length_at_node: Any,
    moments: Any,
    weights: Any,
    end: Any,
    lengths: Any,
) -> None:
    """The residual over [0, tau], for a kernel that is a parabola in the path length: K0 + previous_change at the place
    -previous_length, K0 at 0 and K0 + change at a node.

    All with a leading axis S: rates, modes (n): eigenvalues of K0 and r0 in its eigenbasis `basis` (n, n);
    previous_change, change (n, n); previous_length: 0 if there is no step before; node: the time when the path comes
    to the node, 0 if there is none; length_at_node: the length of the path there if it is known, else negative.

    Writes moments (S, MOMENTS, n): integrals of r (path/length)^k; weights (3, S, n): those against the Lagrange
    polynomials of the start, the place -previous_length and the node; end (S, n): r at tau; lengths (3, S): of the path
    at tau and at the node, and the integral of P.
    """
    n = rates.shape[1]
    # Names end in q for values at the Q nodes of g, in t for values at the nodes of the quadrature.
    phi_q, phi_t = np.empty((Q + 2, n, Q)), np.empty((Q + 2, n, NODES))
    forced_q, forced_t = np.empty((Q, n, Q)), np.empty((Q, n, NODES))
    z_q, z_t, speeds, coefficients = np.empty((n, Q)), np.empty((n, NODES)), np.empty(NODES), np.empty(NODES)
    r_q, product, forcing, g = np.empty((n, Q)), np.empty((n, Q)), np.empty((n, Q)), np.empty((n, Q))
    reached_q, reached, places = np.empty(Q), np.empty(NODES), np.zeros(3)
    found, back = np.empty((n, MOMENTS + 1)), np.empty((n, MOMENTS + 1))
    for s in range(len(tau)):
        _forced(rates[s], T_NODES, tau[s], phi_q, forced_q)
        _forced(rates[s], T, tau[s], phi_t, forced_t)
        g[:] = 0.0  # coefficients of (t/tau)^p
        dissipated = length = place = before = 0.0
        for _ in range(ROUNDS):
            # The path, by the present g.
            _driven(phi_t, forced_t, modes[s], g, z_t)
            dissipated = _speeds(rates[s], z_t, g, tau[s], speeds)
            matrix_vector(TO_LEGENDRE, speeds, coefficients)
            length = integrated(coefficients, 1.0)
            if node[s] > 0:
                place = length_at_node[s]
                if place < 0:
                    place = integrated(coefficients, (node[s] / tau[s]) ** 0.25)
            if place <= 0 and previous_length[s] <= 0:
                break  # the kernel is constant
            # A new g, by the kernel along this path.
            _driven(phi_q, forced_q, modes[s], g, z_q)
            _multiply(basis[s], z_q, r_q)
            matrix_vector(TO_T_NODES, speeds, reached_q)
            _forcing(r_q, previous_change[s], previous_length[s], change[s], place, reached_q, product, forcing)
            _multiply(basis[s].T, forcing, product)
            moved = _settle(product, g)
            # The rounds converge geometrically, so the change of the next one can be foretold.
            coming = moved * min(moved / before, 1.0) if before > 0 else moved
            before = moved
            if coming <= SETTLED * np.abs(rates[s] * modes[s]).max():
                break
        # The results, from modes back to data points.
        matrix_vector(TO_NODES, speeds, reached)
        _collect(phi_q[:, :, Q - 1], forced_q[:, :, Q - 1], modes[s], g, z_t, tau[s], reached, length, found)
        _multiply(basis[s], found, back)
        for a in range(n):
            moments[s, :, a], end[s, a] = back[a, :MOMENTS], back[a, MOMENTS]
        places[1] = -previous_length[s] if previous_length[s] > 0 else np.nan
        places[2] = place if node[s] > 0 else np.nan
        path_weights(moments[s], length, places, weights[:, s])
        lengths[0, s], lengths[1, s], lengths[2, s] = length, place, dissipated


@njit(**SUMS)
def _settle(values: Any, g: Any) -> float:
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


@njit(**SUMS)
def _collect(
    phi: Any, forced: Any, modes: Any, g: Any, z: Any, tau: float, reached: Any, length: float, found: Any
) -> None:
    """found (n, MOMENTS + 1): in the eigenbasis, integrals of r (path/length)^k, and r at tau.

    phi, forced: see _forced, at tau; z (n, NODES): r at the nodes; reached (NODES,): the path there.
    """
    # areas[k]: the weights of the quadrature times (path/length)^k.
    areas = np.empty((MOMENTS, NODES))
    areas[0] = tau * T_WEIGHTS
    for k in range(1, MOMENTS):
        for i in range(NODES):
            areas[k, i] = areas[k - 1, i] * (reached[i] / length if length > 0 else 0.0)
    for j in range(len(modes)):
        # r at tau and its integral are known in closed form, the higher moments by quadrature.
        whole, end = tau * phi[1, j] * modes[j], phi[0, j] * modes[j]
        for p in range(Q):
            whole += tau**2 * FACTORIALS[p] * phi[p + 2, j] * g[j, p]
            end += g[j, p] * forced[p, j]
        found[j, 0], found[j, MOMENTS] = whole, end
        for k in range(1, MOMENTS):
            total = 0.0
            for i in range(NODES):
                total += areas[k, i] * z[j, i]
            found[j, k] = total


@njit(**EXACT)
def _forcing(
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
    forcing[:] = 0.0
    shares = np.empty(Q)
    if previous_length > 0:
        _multiply(previous_change, r, product)
        for q in range(Q):
            shares[q] = -reached[q] / previous_length
            if place > 0:
                shares[q] = reached[q] * (reached[q] - place) / (previous_length * (previous_length + place))
        forcing -= shares * product
    if place > 0:
        _multiply(change, r, product)
        for q in range(Q):
            shares[q] = reached[q] / place
            if previous_length > 0:
                shares[q] *= (reached[q] + previous_length) / (place + previous_length)
        forcing -= shares * product
