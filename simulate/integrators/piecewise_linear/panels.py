"""The residual over one step, when the kernel is a polynomial in the share of the path; compiled.

r' = -K(t) r starts with the kernel K0, whose eigenvalues L are the rates. In the eigenbasis r' = -L r + g, where the
forcing g = -(K - K0) r is taken as a polynomial in t of degree NODES - 1 on each of several panels, which grow
geometrically: r changes fastest at the start. So the exponentials are exact, however stiff L is, and r and g are found
by fixed-point rounds, panel by panel. The path s, ds = sqrt(-dL/dt) dt = sqrt(-r.r') dt, comes with them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from simulate.field.elementwise import EXACT, INLINED_SUMS, SUMS
from simulate.integrators.exponential.phi import FACTORIALS, phis

NODES = 5  # Chebyshev-Lobatto nodes of a panel
RATIO = 2.5  # of the length of a panel to all before it
FEWEST = 3  # panels of a step
ROUNDS = 12  # at most, of the fixed point on a panel
SETTLED = 1e-10  # a change of g that ends the rounds, relative to K0 r
AT = (1 - np.cos(np.pi * np.arange(NODES) / (NODES - 1))) / 2  # the nodes on [0, 1]
OF_VALUES = np.ascontiguousarray(np.linalg.inv(np.vander(AT, NODES, increasing=True)))  # coefficients = this @ values
_POWERS = np.arange(NODES)
# The integral of the polynomial through values at the nodes, up to each node.
UP_TO_NODES = np.ascontiguousarray((AT[:, None] ** (_POWERS + 1) / (_POWERS + 1)) @ OF_VALUES)


@njit(**EXACT)
def panel_edges(fastest: float, tau: float) -> Any:
    """(J + 1,): the panels of [0, tau] for rates up to `fastest`; the first is no longer than 1/fastest."""
    first = tau / RATIO ** (FEWEST - 1)
    if fastest * first > 1:
        first = 1 / fastest
    count = int(np.ceil(np.log(tau / first) / np.log(RATIO) - 1e-9)) + 1
    edges = np.zeros(count + 1)
    for j in range(count):
        edges[count - j] = tau / RATIO**j
    return edges


@njit(**EXACT)
def node_times(edges: Any) -> Any:
    """(N,): the times of all nodes, N = J (NODES - 1) + 1."""
    count = len(edges) - 1
    times = np.zeros(count * (NODES - 1) + 1)
    for j in range(count):
        for q in range(1, NODES):
            times[j * (NODES - 1) + q] = edges[j] + AT[q] * (edges[j + 1] - edges[j])
    return times


@njit(**EXACT)
def exponentials(rates: Any, edges: Any) -> tuple[Any, Any]:
    """free (J, NODES, 2, n): exp(-rate t) and its integral over [0, t], from the start of a panel to its nodes;
    forced (J, NODES, NODES, 2, n): the integral over [0, t] of exp(-rate (t - u)) (u/length)^p, and its integral."""
    n, count = len(rates), len(edges) - 1
    free, forced = np.empty((count, NODES, 2, n)), np.empty((count, NODES, NODES, 2, n))
    z, phi = np.empty(NODES * n), np.empty((NODES + 2, NODES * n))
    for j in range(count):
        length = edges[j + 1] - edges[j]
        for q in range(NODES):
            for a in range(n):
                z[q * n + a] = -rates[a] * AT[q] * length
        phis(z, phi)
        for q in range(NODES):
            time = AT[q] * length
            for a in range(n):
                free[j, q, 0, a] = phi[0, q * n + a]
                free[j, q, 1, a] = time * phi[1, q * n + a]
            for p in range(NODES):
                weight = FACTORIALS[p] * time * AT[q] ** p
                for a in range(n):
                    forced[j, q, p, 0, a] = weight * phi[p + 1, q * n + a]
                    forced[j, q, p, 1, a] = weight * time * phi[p + 2, q * n + a]
    return free, forced


@njit(**INLINED_SUMS)
def _advance(free: Any, forced: Any, which: int, start: Any, g: Any, out: Any) -> None:
    """out (NODES, n): r in modes at the nodes of a panel (which = 0), or its integral from the panel's start on (1)."""
    for q in range(NODES):
        row, exact = out[q], free[q, which]
        for a in range(len(start)):
            row[a] = exact[a] * start[a]
        for p in range(NODES):
            weights, coefficients = forced[q, p, which], g[p]
            for a in range(len(start)):
                row[a] += weights[a] * coefficients[a]


@njit(**INLINED_SUMS)
def _new_forcing(rows: Any, basis: Any, g_nodes: Any, g: Any) -> float:
    """From the forcing at the nodes, rows (NODES, n) in points: g_nodes in modes, g as coefficients in time; returns by
    how much g_nodes has changed at most."""
    n, moved = len(basis), 0.0
    new = np.dot(rows, basis)
    for q in range(NODES):
        for a in range(n):
            moved = max(moved, abs(new[q, a] - g_nodes[q, a]))
            g_nodes[q, a] = new[q, a]
    for p in range(NODES):
        for a in range(n):
            g[p, a] = 0.0
        for q in range(NODES):
            weight = OF_VALUES[p, q]
            for a in range(n):
                g[p, a] += weight * g_nodes[q, a]
    return moved


@njit(**SUMS)
def solve(
    rates: Any, basis: Any, start: Any, edges: Any, free: Any, forced: Any, changes: Any, shares: Any
) -> tuple[Any, Any, Any]:
    """(r (N, n), R (N, n), ways (N, 2)) at all nodes: the residual, its integral, and the integrals of sqrt(-dL/dt),
    which is the path s, and of -dL/dt.

    rates (n,), basis (n, n): of K0; start (1, n): r at time 0; changes (k, n, n), shares (k, N): K - K0 at a node is
    sum_k shares_k changes_k.
    """
    n, count, kinds = len(rates), len(edges) - 1, len(changes)
    total = count * (NODES - 1) + 1
    r, R, ways = np.zeros((total, n)), np.zeros((total, n)), np.zeros((total, 2))
    back = np.ascontiguousarray(basis.T)
    modes, area, size = np.dot(start, basis)[0], np.zeros(n), 0.0
    here, areas, push = np.empty((NODES, n)), np.empty((NODES, n)), np.empty((NODES, n))
    g, g_nodes, scaled, power = np.empty((NODES, n)), np.empty((NODES, n)), np.empty((NODES, n)), np.empty(NODES)
    for j in range(count):
        first, length, size = j * (NODES - 1), edges[j + 1] - edges[j], 0.0
        for a in range(n):
            size = max(size, abs(rates[a] * modes[a]))
            for q in range(NODES):
                g[q, a] = g_nodes[q, a] = 0.0
        _advance(free[j], forced[j], 0, modes, g, here)
        for _ in range(ROUNDS if kinds > 0 else 0):
            values = np.dot(here, back)
            for q in range(NODES):
                for a in range(n):
                    push[q, a] = 0.0
            for k in range(kinds):
                for q in range(NODES):
                    weight = -shares[k, first + q]
                    for a in range(n):
                        scaled[q, a] = weight * values[q, a]
                product = np.dot(scaled, changes[k])  # which are symmetric
                for q in range(NODES):
                    for a in range(n):
                        push[q, a] += product[q, a]
            moved = _new_forcing(push, basis, g_nodes, g)
            _advance(free[j], forced[j], 0, modes, g, here)
            if moved <= SETTLED * size:
                break
        _advance(free[j], forced[j], 1, modes, g, areas)
        for q in range(NODES):
            power[q] = 0.0
            for a in range(n):
                power[q] += here[q, a] * (rates[a] * here[q, a] - g_nodes[q, a])
                areas[q, a] += area[a]
            power[q] = max(power[q], 0.0)
        values, product = np.dot(here, back), np.dot(areas, back)
        for q in range(NODES):
            way = lost = 0.0
            for p in range(NODES):
                way += UP_TO_NODES[q, p] * np.sqrt(power[p])
                lost += UP_TO_NODES[q, p] * power[p]
            if q > 0:  # neither falls, whatever the polynomials do
                ways[first + q, 0] = max(ways[first, 0] + length * way, ways[first + q - 1, 0])
                ways[first + q, 1] = max(ways[first, 1] + length * lost, ways[first + q - 1, 1])
            for a in range(n):
                r[first + q, a], R[first + q, a] = values[q, a], product[q, a]
        for a in range(n):
            modes[a], area[a] = here[NODES - 1, a], areas[NODES - 1, a]
    return r, R, ways


@njit(**EXACT)
def interpolated(edges: Any, values: Any, time: float) -> Any:
    """(n,): values (N, n), given at all nodes, at this time, by the polynomial of its panel."""
    j = 0
    while j < len(edges) - 2 and time > edges[j + 1]:
        j += 1
    c = (time - edges[j]) / (edges[j + 1] - edges[j])
    out = np.zeros(values.shape[1])
    for q in range(NODES):
        weight = 0.0
        for p in range(NODES - 1, -1, -1):
            weight = weight * c + OF_VALUES[p, q]
        for k in range(len(out)):
            out[k] += weight * values[j * (NODES - 1) + q, k]
    return out
