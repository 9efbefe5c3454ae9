"""What the master theorem certifies for one network, by the profile that a method finds for it: a Certificate."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from flint import arb

from bounds.activation.base import FUNCTION_ULPS, TINY
from bounds.certificates import last_layer_kernel
from bounds.certificates.magnitudes import rate_as_float
from bounds.errors import ArgumentError, AssumptionError
from bounds.methods import TRAINED
from bounds.methods.base import Method, Profile
from bounds.methods.last_layer import at_scale, least_scale
from bounds.methods.step_profile import StepProfile
from bounds.neurons import Neurons, as_neurons
from bounds.numerics.arithmetic import float_up, square
from bounds.presented import Facts, Portable, Presented
from bounds.problem import Problem
from bounds.rounding import rounded


@dataclass(frozen=True, repr=False)
class Certificate(Presented, Portable):
    """If `holds`, gradient flow from this network satisfies L^t <= L^0 exp(-rate t) for all t, with certainty.

    rate: 1/time, rounded down, 0 if nothing is certified; critical_scale: the scale above which the certificate would
    hold for this residual, infinite if the method proves nothing at any scale; beta = critical_scale / scale, rounded
    up (a_c ||r||/scale where the last layer is trained and a_c, of the master theorem, depends on the scale);
    path_length: S, a bound on the whole path, infinite if nothing is certified. For a network that has converged
    (r = 0) the certificate holds with beta 0 and the rate of a residual near 0, unless the method proves nothing at any
    scale. With method="shadowing" critical_scale and beta are those of the handover, and `constants` holds its time,
    the distance of the true path from the computed one, and the rates before and after.

    reason: why the certificate holds or does not, and which other methods may; caveats: what is taken on trust
    (Problem.caveats).
    """

    holds: bool
    rate: float
    critical_scale: float
    beta: float
    path_length: float
    method: str
    constants: dict[str, Any] = field(default_factory=dict)
    reason: str = ""
    caveats: tuple[str, ...] = ()

    def plot(self, ax: Any = None) -> Any:
        """Draw how much of each ingredient is used up, where 1 would be too much; returns the axes.

            bounds.certify(problem, H, signs=signs).plot()

        ax: axes of matplotlib; None for those of a new figure. Raises ArgumentError where `ax` is no axes,
        AssumptionError where matplotlib is not installed.
        """
        from bounds.pictures.certificate import SIZE, draw_certificate
        from bounds.pictures.style import on_axes

        with on_axes(ax, size=SIZE) as axes:
            draw_certificate(axes, self)
        return axes

    def _facts(self) -> Facts:
        """Numbers rounded once more to the side on which they stay true."""
        return {
            "holds": "yes" if self.holds else "no",
            "method": self.method,
            "rate": rounded(self.rate, "down"),
            "beta": rounded(self.beta, "up"),
            "critical scale": rounded(self.critical_scale, "up"),
            "path length": rounded(self.path_length, "up"),
        }


def residual_norm(problem: Problem, H: np.ndarray | Neurons, signs: np.ndarray) -> arb:
    """||r|| = ||f - y||, enclosed with the rounding of computing it; H (m, n), signs (m,), of those that are here."""
    act, neurons = problem.activation, as_neurons(H)
    scale = sizes_of(neurons, signs)[1]

    def sums(h: np.ndarray, c: np.ndarray) -> np.ndarray:
        """(3, n): of c sigma(h), |sigma(h)| and |h|."""
        value = act.value(h)
        return np.stack([c @ value, np.abs(value).sum(0), np.abs(h).sum(0)])

    output, sizes, reaches = neurons.sum(sums, signs) / len(H)
    residual = output - problem.y
    magnitude = scale * sizes + np.abs(problem.y)
    lost = act.slack * float(act.Ls.upper()) * scale * (1 + reaches)
    # A dot product of m terms, summed in any order, errs by at most gamma_m; sigma itself errs by FUNCTION_ULPS.
    least = (scale + len(H)) * 2 * TINY  # what underflows
    total = arb(0)
    for value, size, digits in zip(residual.tolist(), magnitude.tolist(), lost.tolist(), strict=True):
        total += square(arb(value) + arb(0, 1.01 * ((len(H) + FUNCTION_ULPS) * 2.0**-53 * size + digits) + least))
    return total.nonnegative_part().sqrt()  # a sum of balls that begin at 0 may reach below it


def sizes_of(neurons: Neurons, signs: np.ndarray) -> tuple[float, float]:
    """The least and the largest |c_i|; signs: those of the neurons that are here."""
    less, more = neurons.most(lambda _, c: [np.max(-np.abs(c)), np.max(np.abs(c))], signs).tolist()
    return -less, more


def by_method(method: Method, problem: Problem, H: Neurons, signs: np.ndarray) -> Certificate:
    """The certificate of a method that is a formula; AssumptionError if it does not apply."""
    method.require(problem)
    if method.a_posteriori is None:
        raise AssumptionError(f"method {method.name!r} has no certificate for a single network. Use method='best'.")
    try:
        profile = method.a_posteriori(problem, H)
    except ArgumentError as error:  # about a choice of the method's own, such as an interval that rounds to a point
        raise AssumptionError(f"method {method.name!r} finds no constants for this network: {error}") from None
    drift = method.drift(problem) if method.drift is not None else arb(0)
    return by_profile(method.name, profile, drift, problem, H, signs)


def by_last_layer(problem: Problem, H: Neurons, signs: np.ndarray) -> Certificate:
    """The certificate by the last layer's own kernel, for which the scale plays no part."""
    last_layer_kernel.check(problem)
    profile = last_layer_kernel.profile(problem, H)
    found = by_profile(TRAINED, profile, arb(0), problem, H, signs, unit=1.0)
    if found.holds or profile.empty:
        return replace(found, critical_scale=0.0 if found.holds else math.inf)
    beta = profile.critical * residual_norm(problem, H, signs)  # proportional to 1/sqrt(mobility)
    enough = rounded(float_up(arb(problem.last_layer) * square(beta)), "up")
    reason = f"beta = {found.beta:.3g} must be below 1, for which a mobility above {enough} is enough, at any scale."
    return replace(found, critical_scale=math.inf, reason=reason)


def by_profile(
    name: str,
    slopes: Profile | StepProfile,
    drift: arb,
    problem: Problem,
    H: Neurons,
    signs: np.ndarray,
    unit: float | None = None,
) -> Certificate:
    """The master theorem applied to a profile of the slopes of the network; drift: what a trained last layer takes
    from it (last_layer.py), for which the least |c_i| counts as the scale, unless there is a `unit`; H (m, n), signs
    (m,)."""
    scale = arb(sizes_of(H, signs)[0] if unit is None else unit)
    profile = at_scale(slopes, drift, scale)
    if profile.empty:
        reason = "its lower bound of the slopes or of the kernel is 0 (A = 0), and it says nothing at any scale."
        nothing = {"a": arb("inf"), "A": arb(0), "extent": arb(0)}
        return Certificate(False, 0.0, math.inf, math.inf, math.inf, name, nothing, reason, problem.caveats)
    residual = residual_norm(problem, H, signs)
    beta = profile.critical * residual / scale
    critical = least_scale(slopes, drift, residual)
    upper = arb(beta.upper())
    left = profile.remaining(upper) if beta < 1 else arb(0)  # rho(S)^2
    rate = rate_as_float(2 * scale**2 * left)
    holds = rate > 0
    path = math.inf
    if holds:  # as rho does not rise, ||r|| = scale * integral_0^S(rho) >= scale rho(S) S
        path = min(float_up(profile.path_length(upper)), float_up(residual / (scale * left.sqrt())))
    if holds:
        reason = f"beta = {float_up(beta):.3g} is below 1."
    elif beta < 1:
        reason = "beta is 1 within rounding, and must be below."
    else:
        reason = (
            f"beta = {float_up(beta):.3g} must be below 1: the scale {float(scale):.3g} is not above the critical"
            f" {float_up(critical):.3g} for this residual."
        )
    return Certificate(
        holds=holds,
        rate=rate,
        critical_scale=float_up(critical),
        beta=float_up(beta),
        path_length=path,
        method=name,
        constants={"a": profile.critical, "A": profile.A, "extent": profile.extent},
        reason=reason,
        caveats=problem.caveats,
    )
