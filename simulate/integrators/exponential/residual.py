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

from simulate.field.elementwise import EXACT, INLINED_SUMS
from simulate.integrators.exponential.forcing import (
    T_NODES,
    Q,
    evaluate_forcing,
    fit_forcing,
    integrate_forcing,
    multiply,
    residual_modes,
)
from simulate.integrators.exponential.path_length import MOMENTS, path_speeds, path_weights
from simulate.integrators.exponential.phi import FACTORIALS
from simulate.integrators.exponential.quadrature import (
    NODES,
    T_WEIGHTS,
    TO_LEGENDRE,
    TO_NODES,
    T,
    integrals,
    integrated,
    matrix_vector,
)

ROUNDS = 6  # at most, of the fixed point in which r, s and g settle
SETTLED = 1e-13  # a change of g that ends the rounds, relative to K0 r0
TO_T_NODES = integrals(T_NODES**0.25)  # integrals over x up to the nodes, t = tau x^4


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
        integrate_forcing(rates[s], T_NODES, tau[s], phi_q, forced_q)
        integrate_forcing(rates[s], T, tau[s], phi_t, forced_t)
        fastest = 0.0  # the largest entry of K0 r0, in modes
        for j in range(n):
            fastest = max(fastest, abs(rates[s, j] * modes[s, j]))
        g[:] = 0.0  # coefficients of (t/tau)^p
        dissipated = length = place = before = 0.0
        for _ in range(ROUNDS):
            # The path, by the present g.
            residual_modes(phi_t, forced_t, modes[s], g, z_t)
            dissipated = path_speeds(rates[s], z_t, g, tau[s], speeds)
            matrix_vector(TO_LEGENDRE, speeds, coefficients)
            length = integrated(coefficients, 1.0)
            if node[s] > 0:
                place = length_at_node[s]
                if place < 0:
                    place = integrated(coefficients, (node[s] / tau[s]) ** 0.25)
            if place <= 0 and previous_length[s] <= 0:
                break  # the kernel is constant
            # A new g, by the kernel along this path.
            residual_modes(phi_q, forced_q, modes[s], g, z_q)
            multiply(basis[s], z_q, r_q)
            matrix_vector(TO_T_NODES, speeds, reached_q)
            evaluate_forcing(r_q, previous_change[s], previous_length[s], change[s], place, reached_q, product, forcing)
            multiply(basis[s].T, forcing, product)
            moved = fit_forcing(product, g)
            # The rounds converge geometrically, so the change of the next one can be foretold.
            coming = moved * min(moved / before, 1.0) if before > 0 else moved
            before = moved
            if coming <= SETTLED * fastest:
                break
        # The results, from modes back to data points.
        matrix_vector(TO_NODES, speeds, reached)
        _collect(phi_q[:, :, Q - 1], forced_q[:, :, Q - 1], modes[s], g, z_t, tau[s], reached, length, found)
        multiply(basis[s], found, back)
        for a in range(n):
            for k in range(MOMENTS):
                moments[s, k, a] = back[a, k]
            end[s, a] = back[a, MOMENTS]
        places[1] = -previous_length[s] if previous_length[s] > 0 else np.nan
        places[2] = place if node[s] > 0 else np.nan
        path_weights(moments[s], length, places, weights[:, s])
        lengths[0, s], lengths[1, s], lengths[2, s] = length, place, dissipated


@njit(**INLINED_SUMS)
def _collect(
    phi: Any, forced: Any, modes: Any, g: Any, z: Any, tau: float, reached: Any, length: float, found: Any
) -> None:
    """found (n, MOMENTS + 1): in the eigenbasis, integrals of r (path/length)^k, and r at tau.

    phi, forced: see integrate_forcing, at tau; z (n, NODES): r at the nodes; reached (NODES,): the path there.
    """
    # areas[k]: the weights of the quadrature times (path/length)^k.
    areas = np.empty((MOMENTS, NODES))
    for i in range(NODES):
        areas[0, i] = tau * T_WEIGHTS[i]
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
