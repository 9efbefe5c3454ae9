"""A posteriori: a certificate for ONE network, at initialisation or at any time of a run. Deterministic."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from flint import arb

from bounds.arithmetic import float_down, float_up, square
from bounds.errors import ArgumentError, AssumptionError, require
from bounds.expectations import FUNCTION_ULPS
from bounds.methods import get_method, proved_methods
from bounds.methods.base import Method
from bounds.problem import Problem, as_float_array


@dataclass(frozen=True)
class Certificate:
    """If `holds`, gradient flow from this network satisfies L^t <= L^0 exp(-rate t) for all t, surely.

    rate: 1/time, rounded down, 0 where nothing is certified; critical_scale: the scale above which it would hold, for
    this residual; beta = critical_scale / scale, rounded up; path_length: S, a bound on the whole path, infinite where
    nothing is certified.
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
    with the largest certified rate.

    Raises ArgumentError for wrong shapes or signs of several magnitudes, DataError for entries that are no numbers;
    AssumptionError where the method does not apply to the problem.
    """
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
    return max(found, key=lambda certificate: (certificate.rate, -certificate.beta))


def residual_norm(problem: Problem, H: np.ndarray, signs: np.ndarray) -> arb:
    """||r|| = ||f - y|| with the rounding of computing it; H (m, n), signs (m,)."""
    values = problem.activation.value(H)
    residual = signs @ values / len(H) - problem.y
    magnitude = float(np.max(np.abs(signs))) * np.mean(np.abs(values), axis=0) + np.abs(problem.y)
    # A dot product of m terms, whatever its order, within gamma_m; sigma itself within a few ulps.
    total = arb(0)
    for value, size in zip(residual.tolist(), magnitude.tolist(), strict=True):
        total += square(arb(value) + arb(0, 1.01 * (len(H) + FUNCTION_ULPS) * 2.0**-53 * size + 1e-320))
    return total.sqrt()


def _by_method(method: Method, problem: Problem, H: np.ndarray, signs: np.ndarray) -> Certificate:
    method.require(problem)
    if method.a_posteriori is None:
        raise AssumptionError(f"method {method.name!r} has no certificate for a single network. Use method='best'.")
    profile = method.a_posteriori(problem, H)
    scale = arb(float(abs(signs[0])))
    critical = profile.critical * residual_norm(problem, H, signs)
    beta = critical / scale
    holds = bool(beta < 1)
    upper = arb(beta.upper()) if holds else beta
    return Certificate(
        holds=holds,
        rate=max(float_down(2 * scale**2 * profile.remaining(upper)), 0.0) if holds else 0.0,
        critical_scale=float_up(critical) if critical.is_finite() else math.inf,
        beta=float_up(beta) if beta.is_finite() else math.inf,
        path_length=float_up(profile.path_length(upper)) if holds else math.inf,
        method=method.name,
        constants={"a": profile.critical, "A": profile.A, "extent": profile.extent},
    )
