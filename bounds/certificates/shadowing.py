"""Shadowing: a certificate from a computed trajectory and a proved bound on how far the true one is from it.

docs/certificates.md states and proves what is used here. Write h_i = H_i - c_i G U_i, so that the flow is U' = F(U)
with F_i = sigma'(h_i) * r, and |Z|^2 = (1/m) sum_i Z_i' G Z_i. Near a path with |U~' - F(U~)| <= eps the distance
z = |U - U~| obeys z' <= c L2 nu z + eps, nu = lambda_max(R^{1/2} G R^{1/2}), R = diag(|r~_a| + c^2 Ls sqrt(G_aa) z):
the tangent kernel only contracts, so that the residual alone drives two paths apart. Followed until the master theorem
takes over, the path proves convergence from its start.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from bounds.activation.base import FUNCTION_ULPS
from bounds.certificates.collocation import DEGREE, Reference, depth, grid, reference_step
from bounds.errors import AssumptionError
from bounds.methods.slopes import check_smooth
from bounds.numerics.spectrum import UNIT_ROUNDOFF, gamma, spectrum
from bounds.problem import Problem

SLACK = 1 + 1e-6  # on every sum of non-negative terms: more than its own rounding
# What underflow can take from any bound below, n = 10^6 points included: the square of what is below 1e-154 is lost.
# It is absolute, so scale and G_max must be of size one; certify sees to it (magnitudes.in_units).
TINY = 1e-140
LEAST_RESIDUAL = 1e-100  # that a path is followed from: its roundings are far above TINY
LEBESGUE = 1 + 2 / math.pi * math.log(DEGREE + 1)
MOST_ENTRIES = 4_000_000  # of H: beyond, the nodes of a step need gigabytes
REJECTIONS = 60
ELLIPSES = np.geomspace(1.3, 60, 48)  # the candidates for rho of the Bernstein ellipse


def check(problem: Problem) -> None:
    """sigma must be analytic on a strip about the real line; lambda_min(G) may be zero."""
    check_smooth(problem, "shadowing")
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
    """AssumptionError for a state whose nodes would not fit into memory."""
    if H.size > MOST_ENTRIES:
        raise AssumptionError(
            f"method 'shadowing' keeps {DEGREE + 1} states at once: H may have at most {MOST_ENTRIES} entries. Found"
            f" {H.shape}. Certify a narrower network, or use method='best'."
        )


class Constants:
    """The constants of problem and scale in float64, each rounded up by SLACK.

    roots (n,): sqrt(G_aa); products (n, n): |error of (G v)_a| is at most (products |v|)_a, that of forming G included.
    """

    def __init__(self, problem: Problem, scale: float) -> None:
        act = problem.activation
        assert act.strip is not None
        self.problem, self.c = problem, scale
        self.ls, self.l2 = float(act.Ls.upper()) * SLACK, float(act.L2.upper()) * SLACK
        self.strip, self.strip_bound = act.strip[0] / SLACK, act.strip[1] * SLACK
        self.roots = np.sqrt([float(g.upper()) for g in problem.gram_diagonal]) * SLACK
        self.root_lmax = math.sqrt(problem.spectrum.lmax[1]) * SLACK
        summed = gamma(problem.n + 2) * np.abs(problem.gram)
        radius, relative = problem.gram_radius, problem.gram_relative_error
        self.products = (summed + relative * np.outer(self.roots, self.roots) + radius) * SLACK + TINY
        self.gram_error = (relative * float(np.trace(problem.gram)) + radius) * SLACK

    def norm(self, per_datum: np.ndarray) -> float:
        """|Z| at most, where per_datum (n,) bounds the root mean square over the neurons of Z_ia."""
        return self.root_lmax * float(np.linalg.norm(per_datum)) * SLACK + TINY

    def value_size(self, h_size: np.ndarray) -> np.ndarray:
        """A bound of mean_i |sigma(h_ia)|, h_size (n,) one of the root mean square of h_ia."""
        act = self.problem.activation
        size = abs(float(act.value(0.0))) * SLACK + self.ls * h_size
        return size if act.bounded_by is None else np.minimum(size, act.bounded_by)

    def growth(self, residual: np.ndarray, distance: float) -> float:
        """c L2 nu, residual (n,) a bound of |r~_a|, distance one of z."""
        weights = np.sqrt(residual + self.c**2 * self.ls * self.roots * distance)
        matrix = weights[:, None] * self.problem.gram * weights
        error = (self.gram_error + 8 * UNIT_ROUNDOFF * float(np.trace(self.problem.gram))) * float(weights.max()) ** 2
        nu = spectrum((matrix + matrix.T) / 2, error * SLACK).lmax[1]
        return self.c * self.l2 * nu * SLACK

    def residual_distance(self, distance: float) -> float:
        """A bound of ||f(U) - f(U~)|| where |U - U~| <= distance."""
        return self.c**2 * self.ls * self.root_lmax * distance * SLACK


@dataclass(frozen=True)
class Shadow:
    """What is proved about one step of the reference path.

    defect: sup |U~' - F(U~)|, of which `interpolation` is due to the degree and `rounding` to float64;
    residual (n,): sup |r~_a|; speed: sup |U~'|; state_error: of the computed H at the end; residual_error (n,): of the
    interpolant of the computed residuals, at any time.
    """

    defect: float
    interpolation: float
    rounding: float
    residual: np.ndarray
    speed: float
    state_error: float
    residual_error: np.ndarray


def _rms(values: np.ndarray) -> np.ndarray:
    """Root mean squares over the neurons of values (J, m, n), rounded up."""
    return np.sqrt(np.einsum("jia,jia->ja", values, values) / values.shape[1]) * SLACK


def shadow(k: Constants, ref: Reference, state_error: float) -> Shadow:
    """Bound the defect of a reference step; state_error: how far the computed start is from the exact one, as the
    largest root mean square over the neurons."""
    problem, c = k.problem, k.c
    m, n = ref.H.shape[1:]
    tables = grid()
    N, theta = DEGREE, ref.duration
    # Rounding of h at the nodes, of sigma and sigma' there, and of the mean over the neurons; per datum, root mean
    # squares over the neurons.
    drive = _rms(ref.drive)
    velocity_error = c * float(np.max(k.products @ drive.max(axis=0))) * SLACK
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
    off_velocity = c * float(np.max(k.products @ np.abs(ref.drive).max(axis=(0, 1))))
    blur = 2 * off_velocity + 4 * gamma(N + 6) * float(np.abs(ref.velocity).max()) + TINY
    peak = (coefficients.max(axis=(1, 2)) + blur) * SLACK
    mean = (coefficients.mean(axis=1) + blur) * SLACK
    centre = np.abs(ref.residual[N // 2]) + r_error
    analytic, analytic_residual = _interpolation_error(k, theta, peak, mean, centre)
    off = (LEBESGUE * r_error + analytic_residual + 16 * (N + 1) * gamma(N + 6) * r_size) * SLACK
    residual = (np.abs(tables.coefficients @ ref.residual).sum(axis=0) + off) * SLACK
    speed_norm = LEBESGUE * max(k.norm(row) for row in drive)
    defect = (LEBESGUE * mismatch + rounding + analytic) * SLACK
    return Shadow(defect, analytic, rounding, residual, speed_norm, h_error, off)


def _interpolation_error(
    k: Constants, theta: float, peak: np.ndarray, mean: np.ndarray, centre: np.ndarray
) -> tuple[float, np.ndarray]:
    """(sup |g - I g|, the same (n,) for r) for the interpolant I of degree N, the best over Bernstein ellipses.

    peak (N+1,), mean (N+1, n): Chebyshev coefficients of the velocity, largest and mean over neurons; centre (n,): |r~|
    at the middle. On an ellipse of parameter rho that keeps h~ in the strip of sigma the error is at most
    4 M rho^-N/(rho - 1), M the supremum of |g| there.
    """
    best, best_residual = math.inf, np.full(len(centre), math.inf)
    for rho in ELLIPSES.tolist():
        powers = (rho ** np.arange(DEGREE + 1) + rho ** -np.arange(DEGREE + 1.0)) / 2 * SLACK
        if not theta / 4 * (rho - 1 / rho) * float(powers @ peak) * SLACK <= k.strip:
            break
        reach = theta / 4 * (rho + 1 / rho) * SLACK
        sizes = (centre + k.c * k.strip_bound * reach * (powers @ mean)) * SLACK
        factor = 4 * rho**-DEGREE / (rho - 1) * SLACK
        error = factor * k.strip_bound * k.norm(sizes)
        if error < best:
            best, best_residual = error, factor * sizes
    return best, best_residual


@dataclass(frozen=True)
class Stage:
    """The path so far: at time `time` after the start the path is at H (m, n) but for state_error, and
    |U - U~| <= distance. The step that led there is `reference` with its `shadow`, |U - U~| <= widest inside it; both
    are None at the start. growth: the exponent of Gronwall's inequality so far."""

    time: float
    H: np.ndarray
    state_error: float = 0.0
    distance: float = 0.0
    widest: float = 0.0
    growth: float = 0.0
    reference: Reference | None = None
    shadow: Shadow | None = None


def follow(problem: Problem, H: np.ndarray, signs: np.ndarray, *, precision: float) -> Iterator[Stage]:
    """The stages of the path from H (m, n), each proved before it is handed out; ends where none can be proved.

    precision: the defect aimed at, relative to sqrt(lambda_max) ||r^0||. The problem has passed check(problem).
    """
    k = Constants(problem, float(abs(signs[0])))
    stage = Stage(0.0, H)
    goal = precision * k.root_lmax * float(np.linalg.norm(problem.residual(H, signs)))
    theta = 0.2 / (k.c * k.ls * k.root_lmax) ** 2
    while True:
        yield stage
        before = math.inf
        for _ in range(REJECTIONS):
            ref = reference_step(problem, stage.H, signs, theta, goal / (20 * k.root_lmax))
            found = shadow(k, ref, stage.state_error)
            wanted = theta * min(max(0.9 * (goal / max(found.interpolation, 1e-300)) ** (1 / (DEGREE + 1)), 0.3), 2.0)
            # A shorter step gains a factor of 100, or nothing where only roundings are left.
            if found.defect - found.rounding <= 2 * goal or found.defect > 0.5 * before:
                break
            before = found.defect
            theta = min(wanted, theta / 1.5)
        else:
            return
        step = _advance(k, stage, ref, found) if math.isfinite(found.defect) else None
        if step is None:
            return
        stage, theta = step, wanted


def _advance(k: Constants, stage: Stage, ref: Reference, found: Shadow) -> Stage | None:
    """Gronwall over one step: as long as |U - U~| <= widest it is at most `reached`; if that is smaller, always."""
    gained = (stage.distance + found.defect * ref.duration) * SLACK
    widest = 1.5 * gained
    for _ in range(8):
        exponent = k.growth(found.residual, widest) * ref.duration
        reached = math.exp(exponent) * gained * SLACK if exponent < 500 else math.inf
        if reached < widest:
            time, growth = stage.time + ref.duration, stage.growth + exponent
            return Stage(time, ref.H[-1], found.state_error, reached, widest, growth, ref, found)
        widest *= 2
    return None
