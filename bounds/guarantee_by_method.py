"""The guarantee of one method, for a fixed embedding and given beta and tau."""

from __future__ import annotations

import math
import sys
from functools import lru_cache

from flint import arb

from bounds.checks import LARGEST_SCALE, LEAST_SCALE_ARGUMENT
from bounds.errors import ArgumentError, AssumptionError
from bounds.methods import TRAINED, last_layer_width
from bounds.methods.base import APriori, Method
from bounds.methods.initial_output import initial_output_constant, width_for_output
from bounds.methods.last_layer import at_scale, least_scale
from bounds.numerics.arithmetic import ceil_int, float_down, float_up
from bounds.problem import Problem
from bounds.promise import Guarantee, Request

BETA_ROUNDING = 1 + 1e-9  # the beta found from the default scale may exceed the one asked for by its roundings
# The way out of errors about magnitudes.
RESCALE = "Multiply X, or y, by a constant so that their entries are of order 1."


def by_method(method: Method, request: Request, tau: float) -> Guarantee:
    """The guarantee of one method for a fixed embedding, tau a number.

    Raises AssumptionError if the method does not apply, or the scale is not large enough for it.
    """
    problem, beta = request.problem, request.beta
    prior = _a_priori(method, problem, request.share_of_failure(method), tau)
    drift = method.drift(problem) if method.drift is not None else arb(0)  # of a trained last layer
    scale = request.scale if request.scale is not None else _default_scale(request, prior, drift)
    if scale > LARGEST_SCALE:
        raise AssumptionError(
            f"method {method.name!r} asks for a scale of {scale:.3g}, beyond {LARGEST_SCALE:g}. {RESCALE}"
        )
    c = arb(scale)
    if drift > 0:  # a_c grows as the scale falls, so what the errors below say would be too much
        least = problem.y_norm * (arb(2).sqrt() if prior.output == "union" and not request.pairs else 1) / arb(beta)
        needed = least_scale(prior.profile, drift, least)
        if not c * BETA_ROUNDING >= needed:
            raise AssumptionError(
                f"method {method.name!r} needs scale > {float_up(needed * BETA_ROUNDING):.6g} for beta = {beta} and"
                f" last_layer = {problem.last_layer:g}. Found scale = {scale:g}. Raise the scale, or beta."
            )
    profile = at_scale(prior.profile, drift, c)
    critical = profile.critical  # the scale above which a residual of norm one converges
    # The width at which ||f^0|| is small enough, and the norm of the residual r^0 that follows.
    if request.pairs:
        output_width, residual = arb(0), problem.y_norm  # f^0 = 0 exactly
    else:
        output_width, residual = width_for_output(problem, prior, critical, c, request.delta, beta, method.name)
    # The share of the certified path that is used must be below 1, and no larger than asked for.
    used = arb((critical * residual / c).upper())
    if not (used <= beta * BETA_ROUNDING and used < 1):
        raise AssumptionError(
            f"method {method.name!r} needs scale >= {float_up(critical * residual / beta):.6g} for beta = {beta}."
            f" Found scale = {scale:g}. Raise the scale, or beta."
        )
    if request.pairs:
        width = max(2 * ceil_int(prior.concentration), 2)  # the concentration counts independent pairs
        promised = used
    else:
        width = max(ceil_int(prior.concentration), ceil_int(output_width), 1)
        promised = arb(beta).max(used)  # at that width f^0 may use up all of beta
    # The rate and the path length of the master theorem, at the end of the path.
    rate = 2 * c**2 * profile.remaining(promised)
    length = float_up(profile.path_length(promised))  # infinite for (16), which bounds no path
    if not rate < sys.float_info.max or math.isnan(length):  # a comparison with NaN is false
        raise AssumptionError(
            f"method {method.name!r} says nothing here: the rate ({rate.str(3, radius=False)}) is beyond any float, or"
            f" the path length ({length:.3g}) is no number, at scale {scale:.3g}. {RESCALE}"
        )
    return Guarantee(
        method=method.name,
        source=method.source,
        proved=method.proved,
        width=width,
        scale=scale,
        rate=max(float_down(rate), 0.0),
        delta=request.delta,
        init=request.init,
        beta=float_up(promised),
        critical_scale=float_up(least_scale(prior.profile, drift, residual)),
        path_length=length,
        constants={
            "a": critical,
            "concentration": prior.concentration,
            "output_width": output_width,
            "lambda_min": problem.spectrum.lmin_floor,
            "lambda_max": problem.spectrum.lmax_ceiling,
            "tau": tau,
            "dominant": "initial output" if output_width > prior.concentration else "concentration",
            **({"drift": drift} if problem.last_layer else {}),
            **prior.choices,
        },
        caveats=(*method.caveats, *problem.caveats),
    )


def by_last_layer(request: Request) -> Guarantee:
    """The guarantee by the last layer's own kernel, at any scale (1 if none is given); tau is 1/2."""
    problem, c = request.problem, arb(1.0 if request.scale is None else request.scale)
    prior = last_layer_width.a_priori(problem, request.delta if request.pairs else request.delta / 2)
    beta, critical, y = arb(request.beta), prior.profile.critical, problem.y_norm
    room = beta / critical - y  # for ||f^0||
    if not (room >= 0 if request.pairs else room > 0):
        enough = arb(problem.last_layer) * (critical * y / beta) ** 2
        raise AssumptionError(
            f"method {TRAINED!r} needs a mobility of the last layer above {float_up(enough * BETA_ROUNDING):.6g} for"
            f" beta = {request.beta}. Found last_layer = {problem.last_layer:g}. Raise it, or beta."
        )
    output = arb(0) if request.pairs else (c * initial_output_constant(problem, request.delta / 2) / room) ** 2
    width = ceil_int(prior.concentration)
    used = critical * y if request.pairs else beta
    rate = 2 * prior.profile.remaining(used)
    return Guarantee(
        method=TRAINED,
        source="master theorem with the kernel of the last layer; lower tails (R7, R8)",
        proved=True,
        width=2 * width if request.pairs else max(width, ceil_int(output)),
        scale=float(c),
        rate=max(float_down(rate), 0.0),
        delta=request.delta,
        init=request.init,
        beta=float_up(used),
        critical_scale=0.0,
        path_length=float_up(prior.profile.path_length(used)),
        constants={
            "a": critical,
            "concentration": prior.concentration,
            "output_width": output,
            "lambda_max": problem.spectrum.lmax_ceiling,
            "tau": 0.5,
            "dominant": "initial output" if output > prior.concentration else "concentration",
            **prior.choices,
        },
        caveats=problem.caveats,
    )


@lru_cache(maxsize=128)  # a search asks for it at many beta and scales
def _a_priori(method: Method, problem: Problem, failure: float, tau: float) -> APriori:
    """What the method knows before the network is drawn; AssumptionError if that is nothing."""
    method.require(problem)
    try:
        prior = method.a_priori(problem, failure, tau)
    except ArgumentError as error:  # about a choice of the method's own, such as an interval that rounds to a point
        raise AssumptionError(f"method {method.name!r} finds no constants for these data: {error} {RESCALE}") from None
    if prior.profile.empty:
        raise AssumptionError(f"method {method.name!r} says nothing here: no slope is certified to stay above zero.")
    if not prior.profile.critical.is_finite():
        raise AssumptionError(
            f"method {method.name!r} says nothing here: its critical scale is not finite, or the data are too large or"
            f" too small for it (lambda_min(G) >= {problem.spectrum.lmin[0]:.3g}). {RESCALE}"
        )
    return prior


def _default_scale(request: Request, prior: APriori, drift: arb) -> float:
    """The scale if none is given: a ||y||/beta, times what leaves room for f^0 (see APriori.output)."""
    factor = arb(1) if request.pairs else arb(2) if prior.output == "vector" else arb(2).sqrt()
    needed = float_up(factor * prior.profile.critical * request.problem.y_norm / arb(request.beta))
    if drift > 0:
        needed = float_up(least_scale(prior.profile, drift, factor * request.problem.y_norm / arb(request.beta)))
    return max(needed, LEAST_SCALE_ARGUMENT) if needed > 0 else 1.0  # if y = 0 or a = 0, every scale is large enough
