"""A priori: the width, the scale and the rate that a method guarantees before the network is drawn."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np

from bounds.checks import (
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
from bounds.guarantee_by_method import by_last_layer, by_method
from bounds.methods import METHODS, SLOW_CERTIFICATES, TRAINED, get_method, proved_methods
from bounds.methods.embedding_dim import dim_for_distance, gram_range, least_dim_for_half
from bounds.numerics.arithmetic import float_down
from bounds.problem import Problem
from bounds.progress import with_progress
from bounds.promise import SIMULABLE_WIDTH, Guarantee, Request
from bounds.tradeoff import Limits, Objective, choose

DEFAULT_BETA, DEFAULT_TAU = 0.5, 0.2
LARGER_SCALE = 2.0  # times the least scale of all methods: beyond, "best" does not trade scale for width


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
        return by_last_layer(request)
    if request.problem.random:
        return _theorem_2(request)
    if request.method != "best":
        return by_method(get_method(request.method), request, request.tau)
    found, refused = [], []
    positive = request.problem.spectrum.lmin[0] > 0
    for candidate in with_progress(proved_methods(), "methods", lambda method: method.name):
        if candidate.needs_positive_definite and not positive:
            continue  # one sentence below says so for all of them
        try:
            found.append(by_method(candidate, request, request.tau))
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
