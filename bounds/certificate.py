"""A posteriori: a certificate for ONE network, at initialisation or at any time of a run. Deterministic."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from flint import arb

from bounds.activation import FUNCTION_ULPS, TINY
from bounds.arithmetic import float_down, float_up, square
from bounds.errors import ArgumentError, AssumptionError, require
from bounds.methods import envelope, get_method, handover, proved_methods, transport
from bounds.methods.base import Method, Profile
from bounds.problem import Problem, as_float_array


@dataclass(frozen=True)
class Certificate:
    """If `holds`, gradient flow from this network satisfies L^t <= L^0 exp(-rate t) for all t, surely.

    rate: 1/time, rounded down, 0 where nothing is certified; critical_scale: the scale above which it would hold, for
    this residual; beta = critical_scale / scale, rounded up; path_length: S, a bound on the whole path, infinite where
    nothing is certified. With method="shadowing" the scale and beta are those of the handover, and `constants` tells
    its time, the distance of the true path from the computed one, and the rates before and after.
    """

    holds: bool
    rate: float
    critical_scale: float
    beta: float
    path_length: float
    method: str
    constants: dict[str, Any] = field(default_factory=dict)


def certify(problem: Problem, H: Any, *, signs: Any, method: str = "best") -> Certificate:
    """The master theorem applied to one network.

    H: (m, n) pre-activations h_i(x_a); signs: (m,) the c_i, all of one magnitude (the scale). "best" takes the method
    with the largest certified rate among those that are formulas; "transport" (a step function, never below the
    envelope method) takes seconds, and "shadowing" computes the path until a formula takes over: far stronger, and a
    minute for 10^5 entries of H (docs/certificates.md).

    Raises ArgumentError for wrong shapes or signs of several magnitudes, DataError for entries that are no numbers;
    AssumptionError where the method does not apply to the problem.
    """
    if problem.random:
        raise AssumptionError("a certificate is about one network: draw the embedding first, problem.draw(dim=D).")
    pre_activation = as_float_array("H", H, 2)
    require(
        pre_activation.shape[0] > 0 and pre_activation.shape[1] == problem.n,
        "H",
        f"of shape (m, n) with n = {problem.n}",
        pre_activation.shape,
    )
    c = as_float_array("signs", signs, 1)
    require(c.shape == (len(pre_activation),), "signs", f"of shape ({len(pre_activation)},)", c.shape)
    scale = float(abs(c[0]))
    if scale == 0 or not np.all(np.abs(c) == scale):
        raise ArgumentError(
            f"signs must be +scale or -scale with one scale > 0 (Assumption 1). Found {np.unique(c)!r}."
        )
    problem.activation.require_reach("H", float(np.max(np.abs(pre_activation))))
    if method == "shadowing":
        return _by_shadowing(problem, pre_activation, c)
    if method == "transport":
        envelope.METHOD.require(problem)
        profiles = transport.a_posteriori(problem, pre_activation)
        return _best([_by_profile("transport", p, problem, pre_activation, c) for p in profiles])
    if method != "best":
        return _by_method(get_method(method), problem, pre_activation, c)
    found = []
    for candidate in proved_methods():
        try:
            found.append(_by_method(candidate, problem, pre_activation, c))
        except AssumptionError as error:
            refusal = error
    if not found:
        raise refusal
    return _best(found)


def _best(found: list[Certificate]) -> Certificate:
    return max(found, key=lambda certificate: (certificate.rate, -certificate.beta))


def residual_norm(problem: Problem, H: np.ndarray, signs: np.ndarray) -> arb:
    """||r|| = ||f - y|| with the rounding of computing it; H (m, n), signs (m,)."""
    values = problem.activation.value(H)
    residual = signs @ values / len(H) - problem.y
    magnitude = float(np.max(np.abs(signs))) * np.mean(np.abs(values), axis=0) + np.abs(problem.y)
    act = problem.activation
    lost = act.slack * float(act.Ls.upper()) * float(np.max(np.abs(signs))) * (1 + np.mean(np.abs(H), axis=0))
    # A dot product of m terms, whatever its order, within gamma_m; sigma itself within FUNCTION_ULPS.
    least = (float(np.max(np.abs(signs))) + len(H)) * 2 * TINY  # what underflows
    total = arb(0)
    for value, size, digits in zip(residual.tolist(), magnitude.tolist(), lost.tolist(), strict=True):
        total += square(arb(value) + arb(0, 1.01 * ((len(H) + FUNCTION_ULPS) * 2.0**-53 * size + digits) + least))
    return total.sqrt()


def _by_method(method: Method, problem: Problem, H: np.ndarray, signs: np.ndarray) -> Certificate:
    method.require(problem)
    if method.a_posteriori is None:
        raise AssumptionError(f"method {method.name!r} has no certificate for a single network. Use method='best'.")
    return _by_profile(method.name, method.a_posteriori(problem, H), problem, H, signs)


def _by_profile(
    name: str, profile: Profile | transport.StepProfile, problem: Problem, H: np.ndarray, signs: np.ndarray
) -> Certificate:
    scale = arb(float(abs(signs[0])))
    critical = profile.critical * residual_norm(problem, H, signs)
    beta = critical / scale
    upper = arb(beta.upper())
    rate = float_down(2 * scale**2 * profile.remaining(upper)) if beta < 1 else 0.0
    holds = rate > 0  # not where the profile is empty, its A zero
    return Certificate(
        holds=holds,
        rate=rate if holds else 0.0,
        critical_scale=float_up(critical) if critical.is_finite() else math.inf,
        beta=float_up(beta) if beta.is_finite() else math.inf,
        path_length=float_up(profile.path_length(upper)) if holds else math.inf,
        method=name,
        constants={"a": profile.critical, "A": profile.A, "extent": profile.extent},
    )


def _by_shadowing(problem: Problem, H: np.ndarray, signs: np.ndarray) -> Certificate:
    proof = handover.prove(problem, H, signs, lambda state: residual_norm(problem, state, signs))
    if proof is None:
        return Certificate(False, 0.0, math.inf, math.inf, math.inf, "shadowing")
    return Certificate(
        holds=proof.rate > 0,
        rate=max(proof.rate, 0.0),
        critical_scale=proof.critical,
        beta=proof.beta,
        path_length=proof.path_length,
        method="shadowing",
        constants=dict(proof.facts),
    )


@dataclass(frozen=True)
class SwitchOn:
    """The first state of a trajectory from which convergence to zero loss is certified.

    time: as handed in; index: of the state, from 0; certificate: L^{time+t} <= L^time exp(-rate t).
    """

    time: float
    index: int
    certificate: Certificate


def first_certified(
    problem: Problem, states: Iterable[tuple[float, Any, Any]], *, method: str = "best"
) -> SwitchOn | None:
    """Restart: the first of the states (time, H, signs), in their order, whose certificate holds; None without one.

    H (m, n) and signs (m,) as in certify. States are asked for one by one, so that a generator need not compute those
    that come after. A certificate at one time covers all later times of the same trajectory.
    """
    for index, (time, H, signs) in enumerate(states):
        certificate = certify(problem, H, signs=signs, method=method)
        if certificate.holds:
            return SwitchOn(float(time), index, certificate)
    return None
