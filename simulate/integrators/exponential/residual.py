"""The residual along one step, in closed form but for a small correction; compiled, for its arrays are short.

r' = -K(t) r, where K = speed H moves from K0 at the start. In the eigenbasis of K0, with rates L, r' = -L r + g, and
g = -(K - K0) r is a polynomial in t of degree Q - 1 through Q nodes: the integrals are phi functions, however stiff L
is. K is a polynomial not in time but in the path length s, ds = sqrt(P) dt, P = -r.r' = -dL/dt: the neurons move along
a smooth curve that is traversed at speed sqrt(P), and late in a run the whole rest of the time is a short way.
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
    apply,
    integrals,
    integrated,
)

Q, ROUNDS = 6, 6  # nodes of g, most fixed-point rounds in which r, s and g settle
SETTLED = 1e-13  # of g, relative to K0 r0
MOMENTS = 4
FEW = 8  # data points
T_NODES = ((1 - np.cos(np.pi * np.arange(Q) / (Q - 1))) / 2) ** 2  # where g is taken, in units of tau
OF_VALUES = np.ascontiguousarray(np.linalg.inv(np.vander(T_NODES, Q, increasing=True)).T)
TO_T_NODES = integrals(T_NODES**0.25)


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
def times_at(rates: Any, modes: Any, tau: Any, behind: Any, times: Any) -> None:
    """times (2, S): of the two nodes of a step, by the path of exp(-K0 t) r0; behind (S,): how long the path of the
    step before was, 0 if there is none.

    The second is where the interpolation error of S, through the nodes -behind, 0 and itself or, without a step before,
    0 and itself, integrates to zero over the path; the first is halfway.
    """
    n = rates.shape[1]
    z, zero, speeds, coefficients = np.empty((n, NODES)), np.zeros((n, Q)), np.empty(NODES), np.empty(NODES)
    for s in range(len(tau)):
        for j in range(n):
            for i in range(NODES):
                z[j, i] = exp_(max(-rates[s, j] * T[i] * tau[s], -700.0)) * modes[s, j]
        _speeds(rates[s], z, zero, tau[s], speeds)
        apply(TO_LEGENDRE, speeds, coefficients)
        whole = integrated(coefficients, 1.0)
        share = 2 / 3
        if behind[s] > 0:
            share = (whole / 4 + behind[s] / 3) / (whole / 3 + behind[s] / 2)
        for k in range(2):
            low, high, wanted = 0.0, 1.0, share * (k + 1) / 2
            for _ in range(40):
                middle = (low + high) / 2
                if integrated(coefficients, middle) < wanted * whole:
                    low = middle
                else:
                    high = middle
            times[k, s] = tau[s] * (high**4 if whole > 0 else wanted)


@njit(**EXACT)
def weigh(moments: Any, length: float, places: Any, weights: Any) -> None:
    """weights (J, n): the integrals of r against the Lagrange polynomials of the places (J,) in the path, J <= MOMENTS,
    the first of them 0; moments (MOMENTS, n): its integrals against (path/length)^k. Places that are not a number, or 0
    again, count for nothing."""
    coefficients = np.empty(MOMENTS)
    for j in range(len(places)):
        x, degree = places[j] / length if length > 0 else 0.0, 0
        coefficients[:] = 0.0
        coefficients[0] = 1.0 if j == 0 or abs(x) > 0 else 0.0
        for k in range(len(places)):
            other = places[k] / length if length > 0 else 0.0
            if k == j or not np.isfinite(other) or other == x:
                continue
            degree += 1
            for d in range(degree, 0, -1):
                coefficients[d] = (coefficients[d - 1] - other * coefficients[d]) / (x - other)
            coefficients[0] *= -other / (x - other)
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
    past: Any,
    behind: Any,
    change: Any,
    node: Any,
    tau: Any,
    at_node: Any,
    moments: Any,
    weights: Any,
    end: Any,
    lengths: Any,
) -> None:
    """The residual over [0, tau] when K is K0 + past at the place -behind and K0 + change at a node, a parabola in s.

    Each (S, ...): rates, modes (n): eigenvalues of K0 and r0 in its eigenbasis `basis`; past, change (n, n); behind: 0
    if there is no step before; node: the time when the path comes to the node, 0 if there is none; at_node: the length
    of the path there if it is known, else negative.
    Writes moments (S, MOMENTS, n): integrals of r (path/length)^k; weights (3, S, n): those against the Lagrange
    polynomials of the start, the place -behind and the node; end (S, n): r at tau; lengths (3, S): of the path at tau,
    at the node, and the integral of P.
    """
    n = rates.shape[1]
    phi_q, phi_t = np.empty((Q + 2, n, Q)), np.empty((Q + 2, n, NODES))
    forced_q, forced_t = np.empty((Q, n, Q)), np.empty((Q, n, NODES))
    z_q, z_t, speeds, coefficients = np.empty((n, Q)), np.empty((n, NODES)), np.empty(NODES), np.empty(NODES)
    r_q, product, pushed, g = np.empty((n, Q)), np.empty((n, Q)), np.empty((n, Q)), np.empty((n, Q))
    reached_q, reached, places = np.empty(Q), np.empty(NODES), np.zeros(3)
    found, back = np.empty((n, MOMENTS + 1)), np.empty((n, MOMENTS + 1))
    for s in range(len(tau)):
        _forced(rates[s], T_NODES, tau[s], phi_q, forced_q)
        _forced(rates[s], T, tau[s], phi_t, forced_t)
        g[:] = 0.0  # coefficients of (t/tau)^p
        dissipated = length = place = before = 0.0
        for _ in range(ROUNDS):
            _driven(phi_t, forced_t, modes[s], g, z_t)
            dissipated = _speeds(rates[s], z_t, g, tau[s], speeds)
            apply(TO_LEGENDRE, speeds, coefficients)
            length = integrated(coefficients, 1.0)
            if node[s] > 0:
                place = at_node[s] if at_node[s] >= 0 else integrated(coefficients, (node[s] / tau[s]) ** 0.25)
            if place <= 0 and behind[s] <= 0:
                break
            _driven(phi_q, forced_q, modes[s], g, z_q)
            _multiply(basis[s], z_q, r_q)
            apply(TO_T_NODES, speeds, reached_q)
            _push(r_q, past[s], behind[s], change[s], place, reached_q, product, pushed)
            _multiply(basis[s].T, pushed, product)
            moved = _settle(product, g)
            # The rounds converge geometrically: what the next one would change is known before.
            coming = moved * min(moved / before, 1.0) if before > 0 else moved
            before = moved
            if coming <= SETTLED * np.abs(rates[s] * modes[s]).max():
                break
        apply(TO_NODES, speeds, reached)
        _collect(phi_q[:, :, Q - 1], forced_q[:, :, Q - 1], modes[s], g, z_t, tau[s], reached, length, found)
        _multiply(basis[s], found, back)
        for a in range(n):
            moments[s, :, a], end[s, a] = back[a, :MOMENTS], back[a, MOMENTS]
        places[1] = -behind[s] if behind[s] > 0 else np.nan
        places[2] = place if node[s] > 0 else np.nan
        weigh(moments[s], length, places, weights[:, s])
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
    """found (n, MOMENTS + 1): in the eigenbasis integrals of r (path/length)^k, and r at tau; phi, forced: there."""
    areas = np.empty((MOMENTS, NODES))
    areas[0] = tau * T_WEIGHTS
    for k in range(1, MOMENTS):
        for i in range(NODES):
            areas[k, i] = areas[k - 1, i] * (reached[i] / length if length > 0 else 0.0)
    for j in range(len(modes)):
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
def _push(r: Any, past: Any, behind: float, change: Any, place: float, reached: Any, product: Any, pushed: Any) -> None:
    """pushed = -(K - K0) r at times when the path has come to `reached` (Q,); r (n, Q); product: overwritten."""
    pushed[:] = 0.0
    shares = np.empty(Q)
    if behind > 0:
        _multiply(past, r, product)
        for q in range(Q):
            shares[q] = -reached[q] / behind
            if place > 0:
                shares[q] = reached[q] * (reached[q] - place) / (behind * (behind + place))
        pushed -= shares * product
    if place > 0:
        _multiply(change, r, product)
        for q in range(Q):
            shares[q] = reached[q] / place
            if behind > 0:
                shares[q] *= (reached[q] + behind) / (place + behind)
        pushed -= shares * product
