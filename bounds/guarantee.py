"""A priori: the width, the scale and the rate that a method guarantees before the network is drawn."""

from __future__ import annotations

import math
import sys
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
from flint import arb

from bounds.checks import (
    LARGEST_SCALE,
    LEAST_SCALE_ARGUMENT,
    check_init,
    check_probability,
    check_scale,
    choice,
    instance,
    integer,
    numpy_defaults,
    real,
)
from bounds.data.random_features import RandomFeatures
from bounds.errors import ArgumentError, AssumptionError, require
from bounds.methods import METHODS, SLOW_CERTIFICATES, TRAINED, get_method, last_layer_width, proved_methods
from bounds.methods.base import APriori, Method
from bounds.methods.embedding_dim import dim_for_distance, gram_range, least_dim_for_half
from bounds.methods.initial_output import initial_output_constant, width_for_output
from bounds.methods.last_layer import at_scale, least_scale
from bounds.numerics.arithmetic import ceil_int, float_down, float_up
from bounds.problem import Problem
from bounds.progress import told
from bounds.promise import SIMULABLE_WIDTH, Guarantee, Request
from bounds.tradeoff import Limits, Objective, choose

DEFAULT_BETA, DEFAULT_TAU = 0.5, 0.2
LARGER_SCALE = 2.0  # times the least scale of all methods: beyond, "best" does not trade scale for width
BETA_ROUNDING = 1 + 1e-9  # the beta found from the default scale may exceed the one asked for by its roundings
# The way out of errors about magnitudes.
RESCALE = "Multiply X, or y, by a constant so that their entries are of order 1."


@numpy_defaults
def guarantee(
    problem: Problem,
    delta: float = 0.05,
    *,
    method: str = "best",
    init: str = "independent",
    scale: float | None = None,
    beta: float = DEFAULT_BETA,
    tau: float | str = DEFAULT_TAU,
    minimise: str | Objective | None = None,
    most_width: int | None = None,
    most_scale: float | None = None,
    least_rate: float | None = None,
    budget: int = SIMULABLE_WIDTH,
) -> Guarantee:
    """Theorem 1 with explicit constants; Guarantee has the statement.

    delta: failure probability in (0, 1); method: a name, or "best" (the proved method with the smallest width,
    among those whose scale is at most twice the least);
    init: "independent" signs or "antisymmetric" pairs; scale: c hat, by default the smallest for which the width is
    finite with room to spare, 2 a ||y||/beta (a ||y||/beta if antisymmetric); beta in (0, 1): the share of the
    certified path that may be used; tau in (0, 1): how far empirical means may fall below their expectation, or
    "optimal" for the tau of the smallest width (antisymmetric pairs then need a scale, because without one the width
    falls without end as the scale grows); budget: the width beyond which the guarantee is called vacuous.

    minimise: "width", "scale", "rate" (the largest rate) or a function of a Guarantee that returns a number: method
    (if "best"), tau and beta are chosen jointly so that it is smallest, among the guarantees with width <= most_width,
    scale <= most_scale and rate >= least_rate. "width" and "rate" need most_scale or scale, "scale" needs most_width.
    For example guarantee(problem, init="antisymmetric", minimise="width", most_scale=12.5).

    Raises ArgumentError for arguments out of range, AssumptionError if the method does not apply or the given
    scale is not above its critical value.
    """
    instance("problem", problem, Problem, "Use bounds.Problem(X, y).")
    request = Request(
        problem=problem,
        delta=check_probability(delta),
        init=check_init(init),
        beta=check_probability(beta, "beta"),
        scale=None if scale is None else check_scale(scale),
        tau="optimal" if isinstance(tau, str) and tau == "optimal" else check_probability(tau, "tau"),
        method=_a_priori_method(method),
    )
    budget = integer("budget", budget, 1, None, "a whole number of neurons >= 1")
    limits = Limits(
        None if most_width is None else integer("most_width", most_width, 1, None, "a whole number of neurons >= 1"),
        None if most_scale is None else check_scale(most_scale, "most_scale"),
        None if least_rate is None else real("least_rate", least_rate, "a number > 0", lambda u: 0 < u < math.inf),
    )
    if minimise is None:
        require(limits == Limits(), "minimise", f"given with limits ({limits})", None)
        return replace(_answer(request), budget=budget)
    untouched = beta == DEFAULT_BETA and tau == DEFAULT_TAU
    require(untouched, "beta and tau", "left out, for minimise chooses them", (beta, tau))
    require(isinstance(minimise, str) or callable(minimise), "minimise", "a name, a function or None", minimise)
    names = [m.name for m in proved_methods()] if request.method == "best" else [request.method]
    return replace(choose(request, _answer, names, minimise, limits), budget=budget)


def _a_priori_method(method: Any) -> str:
    """The name of a method that promises a width; ArgumentError if it is unknown, or only for a given network."""
    if isinstance(method, str) and method in SLOW_CERTIFICATES and method not in METHODS:
        raise ArgumentError(
            f"method {method!r} certifies a network that is given, and promises no width before it is drawn. Use"
            " bounds.certify, or linrate certify; or one of "
            f"{', '.join(sorted(('best', *METHODS)))}."
        )
    return choice("method", method, ("best", *METHODS, TRAINED))


def _answer(request: Request) -> Guarantee:
    """The guarantee that is asked for, of any method, embedding and tau."""
    if isinstance(request.tau, str):  # "optimal"
        given = request.scale is not None or not request.pairs
        require(given, "scale", "given with tau='optimal' and pairs", request.scale)
        return _optimal_tau(request)
    if request.method == TRAINED:
        return _by_last_layer(request)
    if request.problem.random:
        return _theorem_2(request)
    if request.method != "best":
        return _by_method(get_method(request.method), request, request.tau)
    found, refused = [], []
    positive = request.problem.spectrum.lmin[0] > 0
    candidates = {method.name: method for method in proved_methods()}
    for candidate in map(candidates.__getitem__, told(candidates, "methods")):
        if candidate.needs_positive_definite and not positive:
            continue  # one sentence below says so for all of them
        try:
            found.append(_by_method(candidate, request, request.tau))
        except AssumptionError as error:
            refused.append(f"{candidate.name}: {error}")
    if found:
        # A counting method may need the fewest neurons at a scale many times larger, where features hardly move.
        least = min(g.scale for g in found)
        return min((g for g in found if g.scale <= LARGER_SCALE * least), key=lambda g: (g.width, g.scale))
    if positive:
        raise AssumptionError("no proved method applies. " + " | ".join(refused))
    why, way = request.problem.dependence
    low, high = request.problem.spectrum.lmin
    raise AssumptionError(
        f"no proved method applies. Theorem 1 needs lambda_min(G) > 0; certified lambda_min in [{low:.3g}, {high:.3g}]"
        f" ({why}). {way} The method that does without was tried too: {' | '.join(refused)}"
    )


def _optimal_tau(request: Request) -> Guarantee:
    """The guarantee of the smallest width over tau.

    The width as a function of tau is the larger of a falling and a rising function, so it has one minimum: search a
    grid of (0, 1), then twice more a finer grid around the best point. Every tau that is tried gives a valid guarantee.
    """
    best: Guarantee | None = None
    low, high = 0.02, 0.98
    for _ in range(3):
        taus = np.linspace(low, high, 25)
        for tau in taus:
            try:
                found = _answer(replace(request, tau=float(tau)))
            except AssumptionError as error:
                refusal = error
                continue
            if best is None or found.width < best.width:
                best = found
        if best is None:
            raise refusal
        step = taus[1] - taus[0]
        low = max(0.001, best.constants["tau"] - step)
        high = min(0.999, best.constants["tau"] + step)
    assert best is not None
    return best


def _theorem_2(request: Request) -> Guarantee:
    """Half of delta for what the embedding is, then a fixed embedding's theorem for every G that this allows."""
    half = request.delta / 2
    features = request.problem.without_bias().embedding
    one_layer = isinstance(features, RandomFeatures) and features.depth == 1
    dim, conditional = (_lower_tail if one_layer else _condition_1)(request.problem, half)
    found = _answer(replace(request, problem=conditional, delta=half))
    source = "Theorem 3 by lower tail and diagonal (R9)" if one_layer else "Theorem 2 with Lemma 4 repaired (R5)"
    return replace(found, delta=request.delta, embedding_dim=dim, source=f"{source}; {found.source}")


@lru_cache(maxsize=16)  # a table asks for it once per method
def _condition_1(problem: Problem, delta: float) -> tuple[int, Problem]:
    """(D, the problem known up to ||G - Gbar|| <= lambda_min(Gbar)/2), the latter with probability 1 - delta."""
    plain = problem.without_bias()  # biases add b_0^2 11' to the limit and to each draw alike
    plain.require_positive_definite("Theorem 2")
    radius = float_down(plain.spectrum.lmin_floor / 2)
    return dim_for_distance(plain, delta, radius), problem.within(radius)


@lru_cache(maxsize=16)
def _lower_tail(problem: Problem, delta: float) -> tuple[int, Problem]:
    """(D, the problem known by lambda_min(G) >= lambda_min(Gbar)/2 and an enclosure of the diagonal of G), the latter
    with probability 1 - delta. One layer of random features."""
    plain = problem.without_bias()
    plain.require_positive_definite("Theorem 3")
    dim = least_dim_for_half(plain, delta / 2)
    known = gram_range(plain, dim, delta / 2)
    return dim, problem.given(known if problem.bias is None else known.with_biases(problem.bias))


def _by_method(method: Method, request: Request, tau: float) -> Guarantee:
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


def _by_last_layer(request: Request) -> Guarantee:
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
