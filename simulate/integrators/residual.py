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

from simulate.rows import exp_

Q, ROUNDS = 6, 6  # nodes of g, most fixed-point rounds in which r, s and g settle
SETTLED = 1e-13  # of g, relative to K0 r0
MOMENTS = 4
NODES = 20
EXACT: dict[str, Any] = {"error_model": "numpy", "nogil": True, "cache": True}

_gauss, _gauss_weights = np.polynomial.legendre.leggauss(NODES)
X = (_gauss + 1) / 2  # graded towards 0 so that every decay time inside a long step is resolved: t = tau x^4
T, T_WEIGHTS = X**4, _gauss_weights / 2 * 4 * X**3
T_NODES = ((1 - np.cos(np.pi * np.arange(Q) / (Q - 1))) / 2) ** 2  # where g is taken, in units of tau
_TO_MONOMIALS = np.linalg.inv(np.vander(T_NODES, Q, increasing=True))
_TO_LEGENDRE = np.linalg.inv(np.polynomial.legendre.legvander(_gauss, NODES - 1))


def _integrals(ends: np.ndarray) -> np.ndarray:
    """Row i: integral over [0, ends_i] of the polynomials that are 1 at one of the nodes X and 0 at the others."""
    powers = np.polynomial.legendre.legvander(2 * ends - 1, NODES)
    degree = np.arange(1, NODES)
    of_legendre = np.empty((len(ends), NODES))
    of_legendre[:, 0] = powers[:, 1] + 1
    of_legendre[:, 1:] = (powers[:, 2:] - powers[:, :-2]) / (2 * degree + 1)
    found: np.ndarray = of_legendre / 2 @ _TO_LEGENDRE
    return found


_TO_T, _TO_T_NODES = _integrals(X), _integrals(T_NODES**0.25)
_FACTORIALS = np.cumprod(np.concatenate([[1.0], np.arange(1.0, 30.0)]))


@njit(**EXACT)
def phis(z: float, out: Any) -> None:
    """out[k] = phi_k(z) for z <= 0: phi_0 = exp, phi_{k+1}(z) = (phi_k(z) - 1/k!)/z, phi_k(0) = 1/k!."""
    last = len(out) - 1
    if z < -1.0:
        out[0] = exp_(max(z, -700.0))
        for k in range(last):
            out[k + 1] = (out[k] - 1.0 / _FACTORIALS[k]) / z
        return
    total = 0.0
    for j in range(14, -1, -1):
        total = total * z + 1.0 / _FACTORIALS[last + j]
    out[last] = total
    for k in range(last - 1, -1, -1):
        out[k] = out[k + 1] * z + 1.0 / _FACTORIALS[k]


@njit(**EXACT)
def _integrated(coefficients: Any, x: float) -> float:
    """Integral over [0, x] of the polynomial on [0, 1] with these coefficients of Legendre polynomials."""
    u = 2 * x - 1
    total = coefficients[0] * (u + 1)
    before, now = 1.0, u
    for j in range(1, NODES):
        following = ((2 * j + 1) * u * now - j * before) / (j + 1)
        total += coefficients[j] * (following - before) / (2 * j + 1)
        before, now = now, following
    return total / 2


@njit(**EXACT)
def _forced(rates: Any, times: Any, tau: float, decay: Any, forced: Any) -> None:
    """At each time: decay = exp(-rate t), forced[:, p] = integral over [0, t] of exp(-rate (t - u)) (u/tau)^p."""
    values = np.empty(Q + 1)
    for i in range(len(times)):
        t = times[i] * tau
        for j in range(len(rates)):
            phis(-rates[j] * t, values)
            decay[i, j] = values[0]
            power = t
            for p in range(Q):
                forced[i, p, j] = power * _FACTORIALS[p] * values[p + 1]
                power *= times[i]


@njit(**EXACT)
def _speeds(rates: Any, z: Any, g: Any, tau: float, speeds: Any) -> float:
    """ds/dx at the nodes X, from r and g there in the eigenbasis; returns the integral of P."""
    dissipated = 0.0
    for i in range(NODES):
        power = 0.0
        for j in range(len(rates)):
            power += z[i, j] * (rates[j] * z[i, j] - g[i, j])
        power = max(power, 0.0)
        speeds[i] = 4 * X[i] ** 3 * tau * np.sqrt(power)
        dissipated += tau * T_WEIGHTS[i] * power
    return dissipated


@njit(**EXACT)
def times_at(rates: Any, modes: Any, tau: Any, behind: Any, times: Any) -> None:
    """times (2, S): of the two nodes of a step, by the path of exp(-K0 t) r0; behind (S,): how long the path of the
    step before was, 0 if there is none.

    The second is where the interpolation error of S, through the nodes -behind, 0 and itself or, without a step before,
    0 and itself, integrates to zero over the path; the first is halfway.
    """
    z, zero, speeds = np.empty((NODES, rates.shape[1])), np.zeros((NODES, rates.shape[1])), np.empty(NODES)
    for s in range(len(tau)):
        for i in range(NODES):
            for j in range(rates.shape[1]):
                z[i, j] = exp_(max(-rates[s, j] * T[i] * tau[s], -700.0)) * modes[s, j]
        _speeds(rates[s], z, zero, tau[s], speeds)
        coefficients = _TO_LEGENDRE @ speeds
        whole = _integrated(coefficients, 1.0)
        share = 2 / 3
        if behind[s] > 0:
            share = (whole / 4 + behind[s] / 3) / (whole / 3 + behind[s] / 2)
        for k in range(2):
            low, high, wanted = 0.0, 1.0, share * (k + 1) / 2
            for _ in range(40):
                middle = (low + high) / 2
                if _integrated(coefficients, middle) < wanted * whole:
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
        for a in range(weights.shape[1]):
            total = 0.0
            for d in range(degree + 1):
                total += coefficients[d] * moments[d, a]
            weights[j, a] = total if np.isfinite(x) else 0.0


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
    decay_q, forced_q = np.empty((Q, n)), np.empty((Q, Q, n))
    decay_t, forced_t = np.empty((NODES, n)), np.empty((NODES, Q, n))
    z_q, z_t, g_t, speeds = np.empty((Q, n)), np.empty((NODES, n)), np.empty((NODES, n)), np.empty(NODES)
    values, found, places = np.empty(Q + 2), np.empty((MOMENTS, n)), np.zeros(3)
    for s in range(len(tau)):
        _forced(rates[s], T_NODES, tau[s], decay_q, forced_q)
        _forced(rates[s], T, tau[s], decay_t, forced_t)
        g = np.zeros((Q, n))  # coefficients of (t/tau)^p
        dissipated = length = place = before = 0.0
        for _ in range(ROUNDS):
            for j in range(n):
                for i in range(Q):
                    z_q[i, j] = decay_q[i, j] * modes[s, j]
                    for p in range(Q):
                        z_q[i, j] += g[p, j] * forced_q[i, p, j]
                for i in range(NODES):
                    z_t[i, j], g_t[i, j] = decay_t[i, j] * modes[s, j], 0.0
                    for p in range(Q - 1, -1, -1):
                        z_t[i, j] += g[p, j] * forced_t[i, p, j]
                        g_t[i, j] = g_t[i, j] * T[i] + g[p, j]
            dissipated = _speeds(rates[s], z_t, g_t, tau[s], speeds)
            coefficients = _TO_LEGENDRE @ speeds
            length = _integrated(coefficients, 1.0)
            if node[s] > 0:
                place = at_node[s] if at_node[s] >= 0 else _integrated(coefficients, (node[s] / tau[s]) ** 0.25)
            if place <= 0 and behind[s] <= 0:
                break
            pushed = _pushed(z_q @ basis[s].T, past[s], behind[s], change[s], place, _TO_T_NODES @ speeds) @ basis[s]
            settled = _TO_MONOMIALS @ pushed
            moved = np.abs(settled - g).max()
            g = settled
            # The rounds converge geometrically: what the next one would change is known before.
            coming = moved * min(moved / before, 1.0) if before > 0 else moved
            before = moved
            if coming <= SETTLED * np.abs(rates[s] * modes[s]).max():
                break
        reached = _TO_T @ speeds
        for j in range(n):
            phis(-rates[s, j] * tau[s], values)
            found[0, j] = tau[s] * values[1] * modes[s, j]
            modes_end = decay_q[Q - 1, j] * modes[s, j]
            for p in range(Q):
                found[0, j] += tau[s] ** 2 * _FACTORIALS[p] * values[p + 2] * g[p, j]
                modes_end += g[p, j] * forced_q[Q - 1, p, j]
            z_q[0, j] = modes_end
            for k in range(1, MOMENTS):
                found[k, j] = 0.0
            for i in range(NODES):
                area = tau[s] * T_WEIGHTS[i] * z_t[i, j]
                for k in range(1, MOMENTS):
                    area *= reached[i] / length if length > 0 else 0.0
                    found[k, j] += area
        for k in range(MOMENTS):
            moments[s, k] = basis[s] @ found[k]
        places[1] = -behind[s] if behind[s] > 0 else np.nan
        places[2] = place if node[s] > 0 else np.nan
        weigh(moments[s], length, places, weights[:, s])
        end[s] = basis[s] @ z_q[0]
        lengths[0, s], lengths[1, s], lengths[2, s] = length, place, dissipated


@njit(**EXACT)
def _pushed(r: Any, past: Any, behind: float, change: Any, place: float, reached: Any) -> Any:
    """-(K - K0) r at times when the path has come to `reached` (Q,); r (Q, n)."""
    pushed = np.zeros_like(r)
    if behind > 0:
        by_past = r @ past  # symmetric
        for i in range(len(r)):
            share = -reached[i] / behind
            if place > 0:
                share = reached[i] * (reached[i] - place) / (behind * (behind + place))
            pushed[i] -= share * by_past[i]
    if place > 0:
        by_change = r @ change
        for i in range(len(r)):
            share = reached[i] / place
            if behind > 0:
                share *= (reached[i] + behind) / (place + behind)
            pushed[i] -= share * by_change[i]
    return pushed
