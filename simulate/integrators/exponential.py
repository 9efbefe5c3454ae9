"""The default: a third-order exponential Runge-Kutta method that treats the residual exactly.

The stiff part of the flow acts through r in R^n alone: dh_i/dt = -c_i G (sigma'(h_i) * r), dr/dt = -speed H r. With
S(t) = sigma'(h(t)) linear in time and dr/dt = -speed H(0) r + gamma t, both r and its integrals against S are known in
closed form in the eigenbasis of H(0) (phi functions), however stiff H is. Nodes 0, tau/3, 2 tau/3 as in Heun's
third-order method: the interpolation error of S at {0, 2 tau/3} integrates to zero over the step.
"""

from __future__ import annotations

import math

import numpy as np

from simulate.flow import Drive, Flow
from simulate.integrators.base import Point, Step

_TAYLOR = np.array([1.0 / math.factorial(k + 4) for k in range(17, -1, -1)])
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(32)
_X = (_NODES + 1) / 2
# Graded towards 0 so that every decay time inside a long step is resolved: t = tau x^4.
_TIMES, _TIME_WEIGHTS = _X**4, _WEIGHTS / 2 * 4 * _X**3


def phi_functions(z: np.ndarray) -> tuple[np.ndarray, ...]:
    """(phi_0, ..., phi_4) at z <= 0: phi_0 = exp, phi_{k+1}(z) = (phi_k(z) - 1/k!)/z, phi_k(0) = 1/k!."""
    near = z > -1
    small, large = np.where(near, z, 0.0), np.where(near, -1.0, z)
    p4 = np.polyval(_TAYLOR, small)
    p3 = small * p4 + 1 / 6
    p2 = small * p3 + 1 / 2
    p1 = small * p2 + 1
    q0 = np.exp(z)
    q1 = (np.exp(large) - 1) / large
    q2 = (q1 - 1) / large
    q3 = (q2 - 1 / 2) / large
    q4 = (q3 - 1 / 6) / large
    return (q0, *(np.where(near, p, q) for p, q in ((p1, q1), (p2, q2), (p3, q3), (p4, q4))))


class Exponential:
    """See the module."""

    name = "exponential"
    error_order = 3

    def step(self, flow: Flow, point: Point, tau: float) -> Step:
        """One step of length tau from `point`: two evaluations besides the point's own."""
        rates, basis = point.eigenvalues, point.eigenvectors
        r0 = basis.T @ point.residual
        S0, t2, t3 = point.slope, tau / 3, 2 * tau / 3

        def moments(t: float, bend: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            """Integrals over [0, t] of r and of (time) r, where dr/dt = -rates r + bend time."""
            _, p1, p2, p3, p4 = phi_functions(-rates * t)
            first = t * p1 * r0 + t**3 * p3 * bend
            second = t**2 * (p1 - p2) * r0 + t**4 * (p3 - p4) * bend
            return basis @ first, basis @ second

        def bend_at(t: float, residual: np.ndarray, kernel_residual: np.ndarray) -> np.ndarray:
            """Slope in time of -speed (H(t) - H(0)) r(t), in the eigenbasis."""
            bend: np.ndarray = (rates * (basis.T @ residual) - basis.T @ kernel_residual) / t
            return bend

        def drive(t: float, bend: np.ndarray, node: float) -> tuple[np.ndarray, np.ndarray]:
            """Coefficients of S(0) and S(node) in the integral of S r over [0, t]."""
            first, second = moments(t, bend)
            return first - second / node, second / node

        none = np.zeros_like(r0)
        h2 = flow.displace(point.h, [(S0, moments(t2, none)[0])])
        r2, S2 = flow.evaluate(h2, overwrite=True)
        bend2 = bend_at(t2, r2, flow.apply_kernel(S2, r2))
        start, end = drive(t3, bend2, t2)
        h3 = flow.displace(point.h, [(S0, start), (S2, end)])
        r3, S3 = flow.evaluate(h3, overwrite=True)
        bend3 = bend_at(t3, r3, flow.apply_kernel(S3, r3))

        start, end = drive(tau, bend3, t3)
        low_start, low_end = drive(tau, bend2, t2)
        difference: Drive = [(S0, start - low_start), (S2, -low_end), (S3, end)]
        residual_error, movement_error = flow.displacement_size(difference, S0)
        flow.recycle(S2)
        h = flow.displace(point.h, [(S0, start), (S3, end)])
        flow.recycle(S3)
        return Step(h, residual_error, movement_error, *self._path(rates, r0, bend3, tau))

    @staticmethod
    def _path(rates: np.ndarray, r0: np.ndarray, bend: np.ndarray, tau: float) -> tuple[float, float]:
        """Integrals over the step of sqrt(P) and of P = -r.dr/dt."""
        t = tau * _TIMES[:, None]
        decay, _, p2, _, _ = phi_functions(-rates * t)
        r = decay * r0 + t**2 * p2 * bend
        power = np.maximum(np.sum(r * (rates * r - bend * t), axis=1), 0.0)
        weights = tau * _TIME_WEIGHTS
        return float(weights @ np.sqrt(power)), float(weights @ power)
