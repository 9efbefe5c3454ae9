"""Single numbers of a guarantee (width, scale, embedding dimension, rate), and the table of all methods."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from bounds.checks import check_probability, check_seed, instance, numpy_defaults
from bounds.errors import AssumptionError, LinrateError, require
from bounds.guarantee import guarantee
from bounds.methods import METHODS
from bounds.methods.embedding_dim import dim_for_half, least_dim_for_half
from bounds.necessary import necessary_scale, necessary_width, possible_rate
from bounds.problem import Problem
from bounds.progress import with_progress
from bounds.promise import Guarantee
from bounds.text import printable

if TYPE_CHECKING:
    from bounds.method_table import MethodTable


def required_width(problem: Problem, delta: float = 0.05, **same: Any) -> int:
    """The width of guarantee(problem, delta, **same): an exact int, rounded up."""
    return guarantee(problem, delta, **same).width


def required_scale(problem: Problem, delta: float = 0.05, **same: Any) -> float:
    """The scale of guarantee(problem, delta, **same), rounded up."""
    return guarantee(problem, delta, **same).scale


@numpy_defaults
def required_embedding_dim(
    problem: Problem, delta: float = 0.05, *, tail: str | None = None, seed: int = 0, **same: Any
) -> int:
    """The embedding dimension D of guarantee(problem, delta, **same) for a random embedding: an exact int, rounded up.

    tail: if given, return instead the D for which lambda_min(G) >= lambda_min(Gbar)/2 with probability 1 - delta by
    that tail bound (a name in methods/embedding_dim.py). "best" is the smallest of those that draw nothing;
    "monte-carlo" draws features, and its probability is over the seed of these draws and that of the embedding
    together, so `seed` must be chosen before either is looked at. Such a D is enough to draw the embedding and to use a
    theorem for fixed embeddings.

    Raises ArgumentError for an unknown tail, AssumptionError for an embedding that is not random, or if no tail bound
    applies.
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
    if tail == "best":
        return least_dim_for_half(problem, delta)
    return dim_for_half(problem, delta, tail, check_seed(seed))


def certified_rate(problem: Problem, delta: float = 0.05, **same: Any) -> float:
    """The rate of guarantee(problem, delta, **same), in 1/time, rounded down."""
    return guarantee(problem, delta, **same).rate


@numpy_defaults
def table(problem: Problem, delta: float = 0.05, *, init: str = "independent", **same: Any) -> MethodTable:
    """Every method side by side, one row each; a method that does not apply says why in `caveats`.

    same: the other keyword arguments of `guarantee`, apart from method. The column "width" holds exact ints of any
    size, "rate / (scale^2 lambda_min)" is NaN if lambda_min(G) is not certified positive. The columns "necessary_width"
    and "necessary_scale", the same in every row, say below which width and scale no proof can go, "possible_rate" above
    which rate at the scale of the row. `.to_latex()` rounds each number to four digits on its safe side; `.plot()`
    draws all of it.

    Raises AssumptionError if no method applies.
    """
    import pandas as pd

    from bounds.method_table import MethodTable

    instance("problem", problem, Problem, "Use bounds.Problem(X, y).")
    require("method" not in same, "method", "left out, for every method has its row", same.get("method"))
    rows = []
    for name in with_progress(METHODS, "methods"):
        method = METHODS[name]
        try:
            g = guarantee(problem, delta, method=name, init=init, **same)
        except AssumptionError as error:
            rows.append({"method": name, "proved": method.proved, "source": method.source, "caveats": str(error)})
        else:
            rows.append(_row(problem, g))
    if not any("width" in row for row in rows):
        guarantee(problem, delta, init=init, **same)  # raises the diagnosis of all proved methods together
    least = {
        "necessary_width": necessary_width(problem, delta, init=init),
        "necessary_scale": necessary_scale(problem, init=init),
    }
    frame = MethodTable([{**row, **least} for row in rows])
    frame["width"] = pd.Series([row.get("width") for row in rows], dtype=object)  # a width may exceed int64
    words = f"{problem.name}: n = {problem.n}, {problem.activation.name}, delta = {delta:g}"
    frame.attrs.update(init=init, words=printable(words))  # for `plot`
    return frame


def _possible_rate(problem: Problem, scale: float) -> float:
    """As `possible_rate`; NaN where it is not known."""
    try:
        return possible_rate(problem, scale)
    except LinrateError:
        return math.nan


def _row(problem: Problem, g: Guarantee) -> dict[str, Any]:
    """The row of `table` for one guarantee, by column."""
    floor = g.scale * g.scale * float(problem.spectrum.lmin_floor.mid())
    return {
        "method": g.method,
        "width": g.width,
        "scale": g.scale,
        "rate": g.rate,
        "rate / (scale^2 lambda_min)": g.rate / floor if floor > 0 else float("nan"),  # the floor is 0 if n > d
        "path_length": g.path_length,
        **({"embedding_dim": g.embedding_dim} if g.embedding_dim else {}),
        "possible_rate": _possible_rate(problem, g.scale),
        "dominant": g.dominant,
        "vacuous": g.vacuous,
        "proved": g.proved,
        "source": g.source,
        "caveats": "; ".join(g.caveats),
    }
