"""A priori: the width, the scale and the rate that a method promises before the network is drawn."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from flint import arb

from bounds.checks import (
    LARGEST_SCALE,
    SMALLEST_SCALE,
    check_init,
    check_probability,
    check_scale,
    choice,
    instance,
    integer,
    numpy_defaults,
)
from bounds.errors import ArgumentError, AssumptionError, require
from bounds.methods import METHODS, get_method, proved_methods
from bounds.methods.base import Method
from bounds.methods.embedding_dim import PROVED_TAILS, dim_for_distance, dim_for_half
from bounds.methods.initial_output import width_for_output
from bounds.numerics.arithmetic import ceil_int, float_down, float_up
from bounds.problem import Problem

if TYPE_CHECKING:
    import pandas as pd

SIMULABLE_WIDTH = 10**7
RESCALE = "Multiply X, or y, by a constant so that their entries are of order 1."


@dataclass(frozen=True)
class Guarantee:
    """With probability at least 1 - delta over the draw of a network of `width` neurons at this `scale`,
    L^t <= L^0 exp(-rate t) for all t >= 0. Valid for every larger width too (every larger even one for pairs).

    width: int, rounded up; scale: c hat, rounded up; rate: 1/time, rounded down. proved is False for the printed
    constants, and caveats name what is wrong with them, and what is taken on trust (Problem.caveats). vacuous: no
    computer simulates that width.
    """

    method: str
    source: str
    proved: bool
    width: int
    scale: float
    rate: float
    delta: float
    init: str
    beta: float
    critical_scale: float
    path_length: float
    embedding_dim: int | None = None
    budget: int = SIMULABLE_WIDTH
    constants: dict[str, Any] = field(default_factory=dict)
    caveats: tuple[str, ...] = ()

    @property
    def vacuous(self) -> bool:
        """The width is beyond the budget, by default 10^7 neurons, what one machine simulates."""
        return self.width > self.budget

    @property
    def dominant(self) -> str:
        """Which requirement sets the width: "concentration" or "initial output"."""
        return str(self.constants["dominant"])


@numpy_defaults
def guarantee(
    problem: Problem,
    delta: float = 0.05,
    *,
    method: str = "best",
    init: str = "independent",
    scale: float | None = None,
    beta: float = 0.5,
    tau: float | str = 0.2,
    budget: int = SIMULABLE_WIDTH,
) -> Guarantee:
    """Theorem 1 made explicit: see Guarantee for the statement.

    delta: failure probability in (0, 1); method: a name, or "best" (the proved method with the smallest width);
    init: "independent" signs or "antisymmetric" pairs; scale: c hat, by default the smallest for which the width is
    finite with room to spare, 2 a ||y||/beta (a ||y||/beta if antisymmetric); beta in (0, 1): the share of the
    certified path that may be used; tau in (0, 1): how far empirical means may fall below their expectation, or
    "optimal", the one of the smallest width (for antisymmetric pairs it needs a scale: without one the width falls for
    ever as the scale grows); budget: the width beyond which the guarantee is called vacuous.

    Raises ArgumentError for arguments out of range, AssumptionError where the method does not apply or the given
    scale is not above its critical value.
    """
    instance("problem", problem, Problem, "Use bounds.Problem(X, y).")
    delta, init, beta = check_probability(delta), check_init(init), check_probability(beta, "beta")
    scale = None if scale is None else check_scale(scale)
    tau = "optimal" if isinstance(tau, str) and tau == "optimal" else check_probability(tau, "tau")
    budget = integer("budget", budget, 1, None, "a whole number of neurons >= 1")
    method = choice("method", method, ("best", *METHODS))
    return replace(_guarantee(problem, delta, method, init, scale, beta, tau), budget=budget)


def _guarantee(
    problem: Problem, delta: float, method: str, init: str, scale: float | None, beta: float, tau: float | str
) -> Guarantee:
    if isinstance(tau, str):  # "optimal"
        require(scale is not None or init == "independent", "scale", "given with tau='optimal' and pairs", scale)
        return _optimal_tau(problem, delta, {"method": method, "init": init, "scale": scale, "beta": beta})
    if problem.random:
        return _theorem_2(problem, delta, {"method": method, "init": init, "scale": scale, "beta": beta, "tau": tau})
    if method != "best":
        return _by_method(get_method(method), problem, delta, init, scale, beta, tau)
    found, refused = [], []
    for candidate in proved_methods():
        try:
            found.append(_by_method(candidate, problem, delta, init, scale, beta, tau))
        except AssumptionError as error:
            refused.append(f"{candidate.name}: {error}")
    if not found:
        raise AssumptionError("no proved method applies. " + " | ".join(refused))
    return min(found, key=lambda g: g.width)


def _optimal_tau(problem: Problem, delta: float, options: dict[str, Any]) -> Guarantee:
    """The width as a function of tau is the larger of a falling and a rising one: search a grid, then around its best
    point."""
    best: Guarantee | None = None
    low, high = 0.02, 0.98
    for _ in range(3):
        taus = np.linspace(low, high, 25)
        for tau in taus:
            try:
                found = _guarantee(problem, delta, tau=float(tau), **options)
            except AssumptionError as error:
                refusal = error
                continue
            if best is None or found.width < best.width:
                best = found
        if best is None:
            raise refusal
        step = taus[1] - taus[0]
        low, high = max(0.001, best.constants["tau"] - step), min(0.999, best.constants["tau"] + step)
    assert best is not None
    return best


def _theorem_2(problem: Problem, delta: float, options: dict[str, Any]) -> Guarantee:
    """Condition 1 with probability 1 - delta/2, then a fixed embedding's theorem for every G that it allows."""
    dim, conditional = _condition_1(problem, delta / 2)
    found = _guarantee(conditional, delta / 2, **options)
    return replace(
        found, delta=delta, embedding_dim=dim, source=f"Theorem 2 with Lemma 4 repaired (R5); {found.source}"
    )


@lru_cache(maxsize=16)
def _condition_1(problem: Problem, delta: float) -> tuple[int, Problem]:
    """(D, the problem known up to ||G - Gbar|| <= lambda_min(Gbar)/2), the latter with probability 1 - delta."""
    problem.require_positive_definite("Theorem 2")
    radius = float_down(problem.spectrum.lmin_floor / 2)
    return dim_for_distance(problem, delta, radius), problem.within(radius)


def _by_method(
    method: Method, problem: Problem, delta: float, init: str, scale: float | None, beta: float, tau: float
) -> Guarantee:
    method.require(problem)
    try:
        prior = method.a_priori(problem, delta, tau)
    except ArgumentError as error:  # about what the method chose by itself, such as an interval that rounds to a point
        raise AssumptionError(f"method {method.name!r} finds no constants for these data: {error} {RESCALE}") from None
    if prior.profile.empty:
        raise AssumptionError(f"method {method.name!r} says nothing here: no slope is certified to stay above zero.")
    critical = prior.profile.critical
    if not critical.is_finite():
        raise AssumptionError(
            f"method {method.name!r} says nothing here: its critical scale is not finite, or the data are too large or"
            f" too small for it (lambda_min(G) >= {problem.spectrum.lmin[0]:.3g}). {RESCALE}"
        )
    chosen = scale if scale is not None else _default_scale(problem, critical, prior.output, init, beta)
    if chosen > LARGEST_SCALE:
        raise AssumptionError(
            f"method {method.name!r} asks for a scale of {chosen:.3g}, beyond {LARGEST_SCALE:g}. {RESCALE}"
        )
    c = arb(chosen)
    if init == "antisymmetric":
        output_width = arb(0)
        residual = problem.y_norm  # f^0 = 0 exactly
    else:
        output_width, residual = width_for_output(problem, prior, critical, c, delta, beta, method.name)
    beta_used = critical * residual / c
    used = arb(beta_used.upper())
    if not (used <= beta * (1 + 1e-9) and used < 1):
        raise AssumptionError(
            f"method {method.name!r} needs scale >= {float_up(critical * residual / beta):.6g} for beta = {beta}."
            f" Found scale = {chosen:g}. Raise the scale, or beta."
        )
    width = max(ceil_int(prior.concentration), ceil_int(output_width), 1)
    if init == "antisymmetric":
        width = max(2 * ceil_int(prior.concentration), 2)
        promised = used
    else:
        promised = arb(beta).max(used)
    rate = 2 * c**2 * prior.profile.remaining(promised)
    length = float_up(prior.profile.path_length(promised))  # infinite for (16), which bounds no path
    if not rate < sys.float_info.max or math.isnan(length):  # a comparison with NaN is false
        raise AssumptionError(
            f"method {method.name!r} says nothing here: the rate ({rate.str(3, radius=False)}) is beyond any float, or"
            f" the path length ({length:.3g}) is no number, at scale {chosen:.3g}. {RESCALE}"
        )
    return Guarantee(
        method=method.name,
        source=method.source,
        proved=method.proved,
        width=width,
        scale=chosen,
        rate=max(float_down(rate), 0.0),
        delta=delta,
        init=init,
        beta=float_up(promised),
        critical_scale=float_up(critical * residual),
        path_length=length,
        constants={
            "a": critical,
            "concentration": prior.concentration,
            "output_width": output_width,
            "lambda_min": problem.spectrum.lmin_floor,
            "lambda_max": problem.spectrum.lmax_ceiling,
            "tau": tau,
            "dominant": "initial output" if output_width > prior.concentration else "concentration",
            **prior.choices,
        },
        caveats=(*method.caveats, *problem.caveats),
    )


def _default_scale(problem: Problem, critical: arb, output: str, init: str, beta: float) -> float:
    factor = arb(1) if init == "antisymmetric" else arb(2) if output == "vector" else arb(2).sqrt()
    needed = float_up(factor * critical * problem.y_norm / arb(beta))
    return max(needed, SMALLEST_SCALE) if needed > 0 else 1.0  # y = 0 or a = 0: every scale will do


def required_width(problem: Problem, delta: float = 0.05, **same: Any) -> int:
    """The width of guarantee(problem, delta, **same): an exact int, rounded up."""
    return guarantee(problem, delta, **same).width


def required_scale(problem: Problem, delta: float = 0.05, **same: Any) -> float:
    """The scale of guarantee(problem, delta, **same), rounded up."""
    return guarantee(problem, delta, **same).scale


@numpy_defaults
def required_embedding_dim(problem: Problem, delta: float = 0.05, *, tail: str | None = None, **same: Any) -> int:
    """The embedding dimension D of guarantee(problem, delta, **same) for a random embedding: an exact int, rounded up.

    tail: instead, the D for which lambda_min(G) >= lambda_min(Gbar)/2 with probability 1 - delta by that tail bound
    (concentration.TAILS); "best" is the smallest proved one, "monte-carlo" is statistical, not proved. Enough to draw
    the embedding and to use a fixed embedding's theorem.
    """
    instance("problem", problem, Problem, "Use bounds.Problem(X, y).")
    delta = check_probability(delta)
    if tail is None:
        found = guarantee(problem, delta, **same).embedding_dim
        if found is None:
            raise AssumptionError(
                f"an embedding dimension is asked of a random embedding; found {problem.embedding_name!r}."
                " Use RandomFeatures(depth=1)."
            )
        return found
    if tail != "best":
        return dim_for_half(problem, delta, tail)
    dims, refused = [], ""
    for name in PROVED_TAILS:
        try:
            dims.append(dim_for_half(problem, delta, name))
        except AssumptionError as error:
            refused = str(error)
    if not dims:
        raise AssumptionError(refused)
    return min(dims)


def certified_rate(problem: Problem, delta: float = 0.05, **same: Any) -> float:
    """The rate of guarantee(problem, delta, **same), rounded down."""
    return guarantee(problem, delta, **same).rate


@numpy_defaults
def table(problem: Problem, delta: float = 0.05, *, init: str = "independent", **same: Any) -> pd.DataFrame:
    """Every method side by side, one row each; a method that does not apply says why in `caveats`.

    Raises AssumptionError where none applies.
    """
    import pandas as pd

    instance("problem", problem, Problem, "Use bounds.Problem(X, y).")
    require("method" not in same, "method", "left out, for every method has its row", same.get("method"))
    rows = []
    for name, method in METHODS.items():
        try:
            g = guarantee(problem, delta, method=name, init=init, **same)
        except AssumptionError as error:
            rows.append({"method": name, "proved": method.proved, "source": method.source, "caveats": str(error)})
            continue
        floor = g.scale * g.scale * float(problem.spectrum.lmin_floor.mid())
        rows.append(
            {
                "method": name,
                "width": g.width,
                "scale": g.scale,
                "rate": g.rate,
                "rate / (scale^2 lambda_min)": g.rate / floor if floor > 0 else float("nan"),  # n > d: it is zero
                "path_length": g.path_length,
                **({"embedding_dim": g.embedding_dim} if g.embedding_dim else {}),
                "dominant": g.dominant,
                "vacuous": g.vacuous,
                "proved": g.proved,
                "source": g.source,
                "caveats": "; ".join(g.caveats),
            }
        )
    if not any("width" in row for row in rows):
        raise AssumptionError(str(rows[-1]["caveats"]))
    frame = pd.DataFrame(rows)
    frame["width"] = pd.Series([row.get("width") for row in rows], dtype=object)  # exact ints of any size
    return frame
