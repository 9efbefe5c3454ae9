"""Shadowing: a certificate from a computed trajectory and a proved bound on how far the true one is from it.

docs/certificates.md states and proves what is used here. Write h_i = H_i - c_i G U_i, so that the flow is U' = F(U)
with F_i = sigma'(h_i) * r, and |Z|^2 = (1/m) sum_i Z_i' G Z_i. Near a path with |U~' - F(U~)| <= eps the distance
z = |U - U~| obeys z' <= c L2 nu z + eps, nu = lambda_max(R^{1/2} G R^{1/2}), R = diag(|r~_a| + c^2 Ls sqrt(G_aa) z):
the tangent kernel only contracts, so that two paths can separate only through the residual. If the path is followed
until the master theorem applies, it proves convergence from its start.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from bounds.activation.base import FUNCTION_ULPS
from bounds.certificates import signed
from bounds.certificates.collocation import DEGREE, Reference, depth, grid, reference_step
from bounds.certificates.sizes import SLACK, TINY, Constants, Shadow
from bounds.errors import AssumptionError
from bounds.methods.slopes import check_smooth
from bounds.numerics.spectrum import UNIT_ROUNDOFF, gamma
from bounds.problem import Problem

LEAST_RESIDUAL = 1e-100  # the least ||r^0|| from which a path is followed: its roundings are far above TINY
LEBESGUE = 1 + 2 / math.pi * math.log(DEGREE + 1)  # bounds the norm of interpolation in DEGREE + 1 Chebyshev points
MOST_ENTRIES = 4_000_000  # of H: beyond, the nodes of a step need gigabytes
REJECTIONS = 60  # attempts at one step, each shorter than the one before
ELLIPSES = np.geomspace(1.3, 60, 48)  # the candidates for rho of the Bernstein ellipse


def check(problem: Problem) -> None:
    """AssumptionError unless sigma is analytic on a strip about the real line and the last layer fixed; lambda_min(G)
    may be zero."""
    check_smooth(problem, "shadowing")
    if problem.last_layer:
        raise AssumptionError(
            "method 'shadowing' follows the path of a fixed last layer. Found last_layer ="
            f" {problem.last_layer:g}. Use method='best' or 'transport'."
        )
    if problem.activation.strip is None:
        raise AssumptionError(
            f"method 'shadowing' needs sigma analytic on a strip; none is known for {problem.activation.name!r}."
            " Use method='best'."
        )
    if problem.activation.slack > 0:
        raise AssumptionError(
            f"method 'shadowing' does not follow the digits that the expression {problem.activation.name!r} loses in"
            " float64. Use method='best', or an activation of the registry."
        )


def check_size(H: np.ndarray) -> None:
    """AssumptionError if the states at the nodes of one step would not fit into memory; H (m, n)."""
    if H.size > MOST_ENTRIES:
        raise AssumptionError(
            f"method 'shadowing' keeps {DEGREE + 1} states at once: H may have at most {MOST_ENTRIES} entries. Found"
            f" {H.shape}. Certify a narrower network, or use method='best'."
        )


def _rms(values: np.ndarray) -> np.ndarray:
    """(J, n): root mean squares over the neurons of values (J, m, n), rounded up."""
    return np.sqrt(np.einsum("jia,jia->ja", values, values) / values.shape[1]) * SLACK


def shadow(k: Constants, ref: Reference, state_error: float) -> Shadow:
    """Bound the defect of a reference step.

    state_error: how far the computed start is from that of the path: a bound of the root mean square over the neurons,
    for every datum.
    """
    problem, c = k.problem, k.c
    m, n = ref.H.shape[1:]
    tables = grid()
    N, theta = DEGREE, ref.duration
    # The rounding of h at the nodes, of sigma and sigma' there, and of the mean over the neurons. All sizes are root
    # mean squares over the neurons for each datum.
    derivative = _rms(ref.derivative)
    velocity_error = c * float(np.max(k.products @ derivative.max(axis=0))) * SLACK
    reach = theta * float(np.abs(tables.integral).sum(axis=1).max()) * SLACK
    h_size = _rms(ref.H).max(axis=0)
    speed = float(_rms(ref.velocity).max())
    summing = gamma(N + 4) * reach * speed + 2 * UNIT_ROUNDOFF * float(h_size.max())
    h_error = (state_error + reach * velocity_error + summing) * SLACK + TINY
    ulp = FUNCTION_ULPS * UNIT_ROUNDOFF
    sizes = k.value_size(h_size + h_error)
    r_size = np.abs(ref.residual).max(axis=0)
    r_error = c * (k.ls * h_error + (gamma(depth(m) + 2) + ulp) * sizes)
    r_error = (r_error + 4 * UNIT_ROUNDOFF * (np.abs(problem.y) + r_size)) * SLACK + TINY
    slope_error = k.l2 * h_error + ulp * k.ls
    g_error = (k.ls * r_error + (r_size + r_error) * slope_error + 4 * UNIT_ROUNDOFF * k.ls * r_size) * SLACK
    mismatch = k.root_lmax * float(ref.mismatch.max()) * SLACK
    rounding = LEBESGUE * k.norm(g_error)
    # Chebyshev coefficients of the exact velocity, in absolute value: largest entry, and mean over the neurons.
    coefficients = (tables.coefficients @ ref.velocity.reshape(N + 1, -1)).reshape(N + 1, m, n)
    np.abs(coefficients, out=coefficients)
    off_velocity = c * float(np.max(k.products @ np.abs(ref.derivative).max(axis=(0, 1))))
    blur = 2 * off_velocity + 4 * gamma(N + 6) * float(np.abs(ref.velocity).max()) + TINY
    peak = (coefficients.max(axis=1) + blur) * SLACK
    mean = (coefficients.mean(axis=1) + blur) * SLACK
    # The error of interpolating between the nodes, and the sum of all parts.
    centre = np.abs(ref.residual[N // 2]) + r_error
    analytic, analytic_residual = _interpolation_error(k, theta, peak.max(axis=1), mean, centre)
    off = (LEBESGUE * r_error + analytic_residual + 16 * (N + 1) * gamma(N + 6) * r_size) * SLACK
    residual = (np.abs(tables.coefficients @ ref.residual).sum(axis=0) + off) * SLACK
    speed_norm = LEBESGUE * max(k.norm(row) for row in derivative)
    defect = (LEBESGUE * mismatch + rounding + analytic) * SLACK
    speeds = (mean.sum(axis=0) * SLACK, peak.sum(axis=0) * SLACK)
    return Shadow(defect, analytic, rounding, residual, speed_norm, h_error, off, *speeds)


def _interpolation_error(
    k: Constants, theta: float, peak: np.ndarray, mean: np.ndarray, centre: np.ndarray
) -> tuple[float, np.ndarray]:
    """Bounds of sup |g - I g| and, for each datum (n,), of sup |r - I r|, I the interpolant of degree N and g = F(U~).

    peak (N+1,), mean (N+1, n): Chebyshev coefficients of the velocity, largest and mean over neurons; centre (n,): |r~|
    at the middle. On a Bernstein ellipse of parameter rho that keeps h~ in the strip of sigma the error is at most
    4 M rho^-N/(rho - 1), M the supremum of |g| there; the best of ELLIPSES is taken.
    """
    best, best_residual = math.inf, np.full(len(centre), math.inf)
    for rho in ELLIPSES.tolist():
        powers = (rho ** np.arange(DEGREE + 1) + rho ** -np.arange(DEGREE + 1.0)) / 2 * SLACK
        if not theta / 4 * (rho - 1 / rho) * float(powers @ peak) * SLACK <= k.strip:
            break  # h~ may leave the strip, on every larger ellipse too
        reach = theta / 4 * (rho + 1 / rho) * SLACK
        sizes = (centre + k.c * k.strip_bound * reach * (powers @ mean)) * SLACK
        factor = 4 * rho**-DEGREE / (rho - 1) * SLACK
        error = factor * k.strip_bound * k.norm(sizes)
        if error < best:
            best, best_residual = error, factor * sizes
    return best, best_residual


@dataclass(frozen=True)
class Stage:
    """The state of the path at one time, and what is proved about it.

    time: since the start; H (m, n): the computed pre-activations, within state_error of those of the reference path U~;
    distance: |U - U~| is at most this at `time`, and at most `widest` inside the step that led there; growth: the
    exponent of Gronwall's inequality so far; reference, shadow: that step and its bounds, None at the start.
    """

    time: float
    H: np.ndarray
    state_error: float = 0.0
    distance: float = 0.0
    widest: float = 0.0
    growth: float = 0.0
    reference: Reference | None = None
    shadow: Shadow | None = None


def follow(problem: Problem, H: np.ndarray, signs: np.ndarray, *, precision: float) -> Iterator[Stage]:
    """Yield the stages of the path from H (m, n), each proved; the iterator ends if no further step can be proved.

    signs (m,); precision: the defect aimed at, relative to sqrt(lambda_max) ||r^0||. The problem must have passed
    check(problem).
    """
    k = Constants(problem, float(abs(signs[0])))
    factor = signed.Factor(k)
    stage = Stage(0.0, H)
    goal = precision * k.root_lmax * float(np.linalg.norm(problem.residual(H, signs)))
    theta = 0.2 / (k.c * k.ls * k.root_lmax) ** 2  # the first step: a fraction of the fastest time scale of the flow
    while True:
        yield stage
        before = math.inf
        for _ in range(REJECTIONS):
            ref = reference_step(problem, stage.H, signs, theta, goal / (20 * k.root_lmax))
            found = shadow(k, ref, stage.state_error)
            wanted = theta * min(max(0.9 * (goal / max(found.interpolation, 1e-300)) ** (1 / (DEGREE + 1)), 0.3), 2.0)
            # Accept if the defect is small enough, or if shortening the step no longer halves it: then only roundings
            # are left.
            if found.defect - found.rounding <= 2 * goal or found.defect > 0.5 * before:
                break
            before = found.defect
            theta = min(wanted, theta / 1.5)
        else:
            return
        if not math.isfinite(found.defect):
            return
        step = _advance(k, stage, ref, found, signed.separation(k, factor, ref, found, signs))
        if step is None:
            return
        stage, theta = step, wanted


def _advance(
    k: Constants, stage: Stage, ref: Reference, found: Shadow, separation: Callable[[float], float]
) -> Stage | None:
    """The stage after a step, by Gronwall's inequality; None if its distance cannot be bounded.

    separation(w): the exponent of the step with signs (signed.py), for paths that stay within w; the one without signs
    is taken where it is smaller.
    As long as |U - U~| <= widest, it is at most `reached`. If reached < widest, then |U - U~| never comes to `widest`,
    and the bound holds on the whole step.
    """
    gained = (stage.distance + found.defect * ref.duration) * SLACK
    widest = 1.5 * gained
    for _ in range(8):
        exponent = min(k.growth(found.residual, widest) * ref.duration, separation(widest))
        reached = math.exp(exponent) * gained * SLACK if exponent < 500 else math.inf  # exp overflows beyond 709
        if reached < widest:
            time, growth = stage.time + ref.duration, stage.growth + exponent
            return Stage(time, ref.H[-1], found.state_error, reached, widest, growth, ref, found)
        widest *= 2
    return None
