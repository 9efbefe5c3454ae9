"""The default: a third-order exponential Runge-Kutta method that treats the residual exactly.

The stiff part of the flow acts through r in R^n alone: dh_i/dt = -c_i G (sigma'(h_i) * r), dr/dt = -speed H r. With
S(t) = sigma'(h(t)) linear in time and dr/dt = -speed H(0) r + gamma t, both r and its integrals against S are known in
closed form in the eigenbasis of H(0) (phi functions), however stiff H is. Nodes 0, tau/3, 2 tau/3 as in Heun's
third-order method: the interpolation error of S at {0, 2 tau/3} integrates to zero over the step.
"""

from __future__ import annotations

import math

import numpy as np

from simulate.flow import Flow, Stages
from simulate.integrators.base import Point, Step, apply, row_sums

_TAYLOR = np.array([1.0 / math.factorial(k + 4) for k in range(16)])
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(32)
_X = (_NODES + 1) / 2
# Graded towards 0 so that every decay time inside a long step is resolved: t = tau x^4.
_TIMES, _TIME_WEIGHTS = _X**4, _WEIGHTS / 2 * 4 * _X**3


def phi_functions(z: np.ndarray) -> tuple[np.ndarray, ...]:
    """(phi_0, ..., phi_4) at z <= 0: phi_0 = exp, phi_{k+1}(z) = (phi_k(z) - 1/k!)/z, phi_k(0) = 1/k!."""
    near = z > -1
    small, large = np.where(near, z, 0.0), np.where(near, -1.0, z)
    q0 = np.exp(z)
    q1 = (np.where(near, 0.0, q0) - 1) / large
    q2 = (q1 - 1) / large
    q3 = (q2 - 1 / 2) / large
    q4 = (q3 - 1 / 6) / large
    # The Taylor polynomial of phi_4 by halves: few calls on long arrays.
    terms, power = _TAYLOR.reshape(-1, *(1,) * z.ndim), small
    while len(terms) > 1:
        terms = terms[0::2] + terms[1::2] * power
        power = power * power
    p4 = terms[0]
    p3 = small * p4 + 1 / 6
    p2 = small * p3 + 1 / 2
    p1 = small * p2 + 1
    return (q0, *(np.where(near, p, q) for p, q in ((p1, q1), (p2, q2), (p3, q3), (p4, q4))))


def _decay_and_bend(z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(phi_0, phi_2) at z <= 0, phi_2 to 1e-13: enough for the path length, and much quicker."""
    near = z > -1e-2
    large = np.where(near, -1.0, z)
    series = 1 / 2 + z * (1 / 6 + z * (1 / 24 + z * (1 / 120 + z / 720)))
    return np.exp(z), np.where(near, series, (np.expm1(large) / large - 1) / large)


class Exponential:
    """See the module."""

    name = "exponential"
    error_order = 3

    def step(self, flow: Flow, point: Point, tau: np.ndarray, *, errors: bool) -> Step:
        """One step of length tau (S,) from `point`: two evaluations besides the point's own."""
        rates, basis = point.eigenvalues, point.eigenvectors
        r0 = apply(basis.mT, point.residual)
        times = np.array([1 / 3, 2 / 3, 1.0])[:, None, None] * tau[:, None]  # (3, S, 1)
        p0, p1, p2, p3, p4 = phi_functions(-rates * times)
        t2, t3 = times[0], times[1]
        # Integrals over [0, t] of r and of (time) r, where dr/dt = -rates r + bend time: a r0 + b bend.
        r_first, r_second = times * p1 * r0, times**2 * (p1 - p2) * r0
        bend_first, bend_second = times**3 * p3, times**4 * (p3 - p4)

        def drive(k: int, bend: np.ndarray, node: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            """Weights of S(0) and S(node) in the integral of S r over [0, times[k]]."""
            modes = np.stack((r_first[k] + bend_first[k] * bend, r_second[k] + bend_second[k] * bend), axis=2)
            integrals = basis @ modes
            at_node = integrals[:, :, 1] / node
            return integrals[:, :, 0] - at_node, at_node

        def bend_at(t: np.ndarray, residual: np.ndarray, slope_gram: np.ndarray) -> np.ndarray:
            """Slope in time of -speed (H(t) - H(0)) r(t), in the eigenbasis."""
            kernel_residual = apply(flow.kernel(slope_gram), residual)
            modes = basis.mT @ np.stack((residual, kernel_residual), axis=2)
            bend: np.ndarray = (rates * modes[:, :, 0] - modes[:, :, 1]) / t
            return bend

        stages = Stages(flow, point.h, point.slope)
        bend2 = bend_at(t2, *stages.evaluate([apply(basis, r_first[0])]))
        low_start, low_end = drive(2, bend2, t2)
        # The error needs S2 to the end and S0 can be computed again; without it, S2 is done with.
        bend3 = bend_at(t3, *stages.evaluate(drive(1, bend2, t2), instead_of=0 if errors else 1))
        start, end = drive(2, bend3, t3)
        step = Step(stages, (start, None, end), *self._path(rates, r0, bend3, tau), evaluations=2)
        step.predicted = apply(basis, p0[2] * r0 + tau[:, None] ** 2 * p2[2] * bend3)
        if errors:
            step.residual_error, step.movement_error = stages.size((start - low_start, -low_end, end))
            if not flow.activation.smooth:  # no stage sees a kink that is crossed after the last of them
                at_end, _ = stages.evaluate(step.final, last=True)
                step.residual_error = np.abs(step.residual_error) + np.abs(at_end - step.predicted)
                step.evaluations += 1
        return step

    @staticmethod
    def _path(rates: np.ndarray, r0: np.ndarray, bend: np.ndarray, tau: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Integrals over the step of sqrt(P) and of P = -r.dr/dt, (S,) each."""
        t = tau[:, None, None] * _TIMES[:, None]  # (S, nodes, 1)
        rates, r0, bend = rates[:, None], r0[:, None], bend[:, None]
        decay, p2 = _decay_and_bend(-rates * t)
        pushed = t * bend
        r = decay * r0 + t * p2 * pushed
        power = np.maximum(row_sums(r * (rates * r - pushed)), 0.0)
        weights = tau[:, None] * _TIME_WEIGHTS
        return row_sums(weights * np.sqrt(power)), row_sums(weights * power)
